//! What a run works with: a folder for what does not fit in memory, and how much does.

use crate::error::Result;
use crate::store::{Budget, Partitions, Workspace};

/// The temporary folder of a run and the shares of its memory, in bytes.
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
}

impl Means {
    /// Shares `budget` out.
    pub fn new(workspace: Workspace, budget: Budget) -> Means {
        Means {
            workspace,
            pages: budget.share(35),
            heads: budget.share(8),
            addresses: budget.share(2),
            records: budget.share(10),
            work: budget.share(40),
        }
    }

    /// No bound, in a folder of its own.
    pub fn unbounded() -> Result<Means> {
        Ok(Means::new(Workspace::temporary()?, Budget::new(u64::MAX / 128)))
    }

    /// One of `parts` equal parts of what a stage may have.
    pub fn work(&self, parts: usize) -> usize {
        self.work / parts
    }

    /// How many partitions the pages go to.
    pub fn partitions(&self) -> usize {
        Partitions::MOST.min(64)
    }
}
