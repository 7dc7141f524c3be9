//! Does it wait in memory or on disk?
//!
//! Bytes, rows, values and partitions in, the same out again, in their order or sorted. Each of these stores is told how
//! much memory it may take. What fits stays in memory; what does not goes to a file of the run's [`Workspace`] in few
//! large writes. Whoever uses a store writes as if nothing fitted, and reads the same answers whatever the memory.
//!
//! A budget too small costs time, never truth. A write that fails is an error that names the file and the way out.
//!
//! In a workspace that outlives the process each store can save its state, while it is written and when it is sealed, and
//! a later process goes on from there: `save`, then `resume` to write or `reopen` to read. A state says of the first bytes
//! of a file what they were; what stands behind them is cut off by `resume`, and not looked at by `reopen`. A
//! [`Checkpoint`] holds the states of a run.
//!
//! On a virtual disk whose host caches (so a sync is cheaper than on a bare one), a spool of 1 GiB in a file: the sync of
//! its first state 0.4 s, a state of 10 MiB more 4 to 7 ms, hashing all of it 0.05 s, resuming with all of it read and
//! checked 0.1 to 0.3 s from the system's cache; a state of 128 partitions of 114 MiB together 0.1 to 0.5 s.
//!
//! | store | holds | is read |
//! |---|---|---|
//! | [`Spool`] | bytes | anywhere, or in order |
//! | [`RowsWriter`] | rows of bytes, by number | by number, or in order |
//! | [`ColumnWriter`] | values of one width, by number | by number, or in order |
//! | [`Partitions`] | rows of bytes in up to [`Partitions::MOST`] sequences | sequence by sequence, or by offset |
//! | [`Sorter`] | values of one width | sorted, as often as needed |
//!
//! Open files: one for each store on disk that is being written or was sealed, and one more for each opened partition;
//! [`Partitions`] hold none open between writes, a [`Sorter`] has all its runs in one, or two after many. One more while a
//! state is saved. In files numbers
//! are little endian, everything is appended, and nothing stands at the end: a file cut to an earlier length is the file
//! that it was then.

mod budget;
mod checkpoint;
mod chunks;
mod column;
mod faults;
mod file;
mod fixed;
mod partitions;
mod positioned;
mod rows;
mod sorter;
mod spool;
mod tail;
mod workspace;

#[cfg(test)]
mod resuming;
#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use checkpoint::Checkpoint;
pub use column::{Column, ColumnReader, ColumnWriter, SavedColumn};
pub use faults::{Faults, Operation};
pub use fixed::Fixed;
pub use partitions::{Parted, Partition, Partitions, SavedPartitions};
pub use rows::{RowReader, Rows, RowsWriter, SavedRows};
pub use sorter::{SavedSorted, SavedSorter, Sorted, SortedReader, Sorter};
pub use spool::{SavedBytes, Sealed, SealedReader, Spool};
pub use workspace::Workspace;

/// The saved state of a store.
pub trait Saved {
    /// The names of the files that it stands in.
    fn files(&self) -> Vec<&str>;
}
