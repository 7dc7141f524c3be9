//! How much memory may a run take?

/// What `--memory` promises, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget(u64);

impl Budget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Budget {
        Budget(bytes)
    }

    /// Half of the memory of this machine, or of the control group that the process runs in where that has less.
    pub fn of_machine() -> Budget {
        todo!()
    }

    /// The bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// `percent` hundredths of it in bytes, rounded down: what one stage or store may take.
    pub fn share(self, percent: u64) -> usize {
        let bytes = u128::from(self.0) * u128::from(percent) / 100;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}
