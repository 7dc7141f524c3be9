//! How far it is. The pipeline tells; whoever called it shows.

/// Hears how far a run is. All methods may be called from any thread.
pub trait Progress: Sync {
    /// A stage of the run begins; it counts `unit`s, of which there will be `total` where that is known.
    fn begin(&self, stage: &'static str, unit: Unit, total: Option<u64>);

    /// So many more units are done.
    fn advance(&self, units: u64);
}

/// What a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, decompressed.
    Bytes,
    /// Documents.
    Documents,
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _unit: Unit, _total: Option<u64>) {}

    fn advance(&self, _units: u64) {}
}
