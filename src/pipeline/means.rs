//! What a run works with: a folder for what does not fit in memory, and how much does.

use std::time::Duration;

use super::course::CHECKPOINTS;
use super::stop::Stop;
use crate::corpus::Estimate;
use crate::error::{Error, Result};
use crate::output::{Both, Bytes, Documents, PlanAndFact};
use crate::store::{Budget, Partitions, Workspace};

/// The temporary folder of a run and the shares of its memory, in bytes.
///
/// What is held of every document comes first. Of the rest, what the census leaves stays in memory if all of it takes no more
/// than half; if not, it waits on disk, and the stages have nearly everything.
#[derive(Clone)]
pub struct Means {
    /// Where it waits what memory has no room for.
    pub workspace: Workspace,
    /// For the pages of the census.
    pub pages: usize,
    /// For its heads.
    pub heads: usize,
    /// For where its pages are.
    pub addresses: usize,
    /// For records that cannot be read by position.
    pub records: usize,
    /// For one stage at a time.
    work: usize,
    /// Asks the run to stop.
    pub stop: Stop,
    /// The least time between two checkpoints, where the workspace outlives the process. With none, all that can be saved is.
    pub checkpoints: Duration,
    /// The vocabulary of the census is made of so many tokens. Two runs with different numbers may differ where sites are so
    /// large that a part of their pages decides.
    pub sample_tokens: usize,
    /// What they were shared out for; none where there is no bound.
    planned: Option<Planned>,
}

/// What was expected when memory was shared out.
#[derive(Clone, Copy)]
struct Planned {
    documents: u64,
    bytes: u64,
    memory_bytes: u64,
    temporary_bytes: u64,
}

/// An error where the disk has clearly less room than is expected to be needed: what is there already counts.
fn check_room(workspace: &Workspace, expected: u64) -> Result<()> {
    let free = workspace.free_bytes()?.map(|free| free + workspace.bytes());
    match free.filter(|&free| free < expected / 2) {
        None => Ok(()),
        Some(free) => Err(Error::Run(format!(
            "{}: temporary files will take about {expected} bytes, and the disk has room for {free}; free some room or name another \
             --tmp",
            workspace.folder().display()
        ))),
    }
}

/// Enough for the commonest words of several languages.
const SAMPLE_TOKENS: usize = 1 << 21;

/// Bytes that are held of every document, at most at any time: 9 by the census, 8 by marks, and 15 by the stage that needs most
/// (the groups, and the decisions where a third of all documents goes; or slots, a sieve and what is visited).
const DOCUMENT_BYTES: u64 = 32;

/// The least that a stage works with.
const LEAST_WORK: u64 = 1 << 20;

/// What the census leaves of a document, in bytes for each byte of its record, and for each document: measured on news of 600
/// and 3,000 bytes.
const PAGE_SHARE: f64 = 0.6;
const PAGE_BYTES: u64 = 120;
const HEAD_BYTES: u64 = 64;
const ADDRESS_BYTES: u64 = 8;

/// What stages sort and store of a document at once: sketches, and what is sorted for reuse. Measured on a million news of 600
/// bytes, beside the census.
const STAGE_BYTES: u64 = 400;

/// Buffers for what goes to disk, where the census does not fit: the least, and the most for each of its four parts.
const BUFFERS: (u64, u64) = (4 << 10, 8 << 20);

impl Means {
    /// Shares `budget` out for a corpus of about that size.
    ///
    /// # Errors
    /// Wrong usage, with the figure it takes, where the budget is too small; where the disk has less than half of the room that
    /// is expected to be needed.
    pub fn new(workspace: Workspace, budget: Budget, expected: &Estimate) -> Result<Means> {
        let least = expected.documents * DOCUMENT_BYTES + LEAST_WORK;
        let Some(left) = budget.bytes().checked_sub(least) else {
            return Err(Error::Usage(format!(
                "--memory {}: too small for about {} documents; give {} or more",
                shown(budget.bytes()),
                expected.documents,
                shown(least.div_ceil(1 << 20) << 20)
            )));
        };
        let pages = (expected.bytes as f64 * PAGE_SHARE) as u64 + expected.documents * PAGE_BYTES;
        let [heads, addresses] = [HEAD_BYTES, ADDRESS_BYTES].map(|bytes| expected.documents * bytes);
        let census = pages + heads + addresses + expected.packed_bytes;
        let fits = 2 * census <= left;
        let buffer = (left / 16).clamp(BUFFERS.0, BUFFERS.1);
        // Twice what is expected, which is an estimate; it is not taken before it is needed.
        let share = |bytes: u64| if fits { 2 * bytes.max(BUFFERS.0) } else { buffer };
        let shares = [pages, heads, addresses, expected.packed_bytes].map(share);
        let held = shares.iter().sum::<u64>() / if fits { 2 } else { 1 };
        let work = to_usize((LEAST_WORK + left).saturating_sub(held).max(LEAST_WORK / 2));
        let [pages, heads, addresses, records] = shares.map(to_usize);
        let planned = Planned {
            documents: expected.documents,
            bytes: expected.bytes,
            memory_bytes: budget.bytes(),
            temporary_bytes: if fits && !workspace.outlives() {
                0
            } else {
                census + expected.documents * STAGE_BYTES
            },
        };
        check_room(&workspace, planned.temporary_bytes)?;
        let planned = Some(planned);
        Ok(Means { pages, heads, addresses, records, work, planned, ..Means::unbounded_in(workspace) })
    }

    /// No bound, in a folder of its own.
    pub fn unbounded() -> Result<Means> {
        Ok(Means::unbounded_in(Workspace::temporary()?))
    }

    /// No bound, in this folder.
    pub fn unbounded_in(workspace: Workspace) -> Means {
        let [pages, heads, addresses, records, work] = [usize::MAX; 5];
        let (stop, checkpoints) = (Stop::default(), CHECKPOINTS);
        let sample_tokens = SAMPLE_TOKENS;
        Means {
            workspace,
            pages,
            heads,
            addresses,
            records,
            work,
            stop,
            checkpoints,
            sample_tokens,
            planned: None,
        }
    }

    /// So many bytes for one stage at a time; no other bound.
    #[cfg(test)]
    pub fn with_work(bytes: usize) -> Means {
        Means { work: bytes, ..Means::unbounded().unwrap() }
    }

    /// What was expected beside what came.
    pub fn plan_and_fact(
        &self,
        read: Documents,
        bytes: Bytes,
        peak_memory_bytes: Option<u64>,
    ) -> Option<PlanAndFact> {
        let Planned { documents, bytes: expected, memory_bytes, temporary_bytes } = self.planned?;
        let both = |plan, fact| Both { plan, fact };
        Some(PlanAndFact {
            documents: both(documents, Some(read.read)),
            bytes: both(expected, Some(bytes.read)),
            memory_bytes: both(memory_bytes, peak_memory_bytes),
            temporary_bytes: both(temporary_bytes, Some(self.workspace.bytes_peak())),
        })
    }

    /// One of `parts` equal parts of what a stage may have.
    pub fn work(&self, parts: usize) -> usize {
        self.work / parts
    }

    /// How many partitions the pages go to.
    pub fn partitions(&self) -> usize {
        PARTITIONS
    }
}

/// The same for every budget, for what goes through partitions comes in their order.
const PARTITIONS: usize = if Partitions::MOST < 64 { Partitions::MOST } else { 64 };

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// A number of bytes as the command line spells it.
fn shown(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(budget: u64, documents: u64) -> Result<Means> {
        let expected = Estimate { documents, bytes: documents * 700, packed_bytes: 0 };
        Means::new(Workspace::temporary().unwrap(), Budget::new(budget), &expected)
    }

    #[test]
    fn shares_are_no_more_than_the_budget() {
        for (budget, documents) in
            [(2 << 20, 1000), (256 << 20, 2_000_000), (1 << 30, 20_000_000), (12 << 30, 1_000_000)]
        {
            let Means { pages, heads, addresses, records, work, .. } = means(budget, documents).unwrap();
            let fits = budget == 12 << 30;
            assert_eq!(pages as u64 > BUFFERS.1, fits, "{budget}");
            // Shares of what fits are twice what is expected.
            let census = (pages + heads + addresses + records) as u64 / if fits { 2 } else { 1 };
            assert!(census + work as u64 + documents * DOCUMENT_BYTES <= budget, "{budget}");
            assert!(work as u64 >= LEAST_WORK / 2);
        }
    }

    #[test]
    fn plan_and_fact_stand_side_by_side() {
        let came = |budget: u64| {
            let means = means(budget, 1_000_000).unwrap();
            let read = Documents { read: 999_000, ..Documents::default() };
            let bytes = Bytes { read: 700_500_000, ..Bytes::default() };
            means.plan_and_fact(read, bytes, Some(5)).unwrap()
        };
        let (small, large) = (came(64 << 20), came(12 << 30));
        assert_eq!(small.documents, Both { plan: 1_000_000, fact: Some(999_000) });
        assert_eq!(small.bytes, Both { plan: 700_000_000, fact: Some(700_500_000) });
        assert_eq!(small.memory_bytes, Both { plan: 64 << 20, fact: Some(5) });
        assert_eq!(small.temporary_bytes, Both { plan: 1_012_000_000, fact: Some(0) });
        assert_eq!(large.temporary_bytes, Both { plan: 0, fact: Some(0) });
        let unbounded = Means::unbounded().unwrap();
        assert_eq!(unbounded.plan_and_fact(Documents::default(), Bytes::default(), None), None);
    }

    #[test]
    fn too_small_a_disk_is_refused_with_the_figure() {
        let workspace = Workspace::temporary().unwrap();
        let Some(free) = workspace.free_bytes().unwrap() else { return };
        assert!(check_room(&workspace, free / 2).is_ok());
        let said = check_room(&workspace, 4 * free).unwrap_err().to_string();
        assert!(said.contains(&format!("about {} bytes", 4 * free)) && said.contains("--tmp"), "{said}");
    }

    #[test]
    fn too_small_a_budget_is_refused_with_the_figure() {
        let error = means(256 << 20, 20_000_000).err().unwrap();
        assert!(error.is_usage());
        assert_eq!(
            error.to_string(),
            "--memory 256MiB: too small for about 20000000 documents; give 612MiB or more"
        );
        assert!(means(612 << 20, 20_000_000).is_ok());
        assert!(means(1 << 20, 0).is_ok());
        assert!(means((1 << 20) - 1, 0).is_err());
    }
}
