//! Does it wait in memory or on disk?
//!
//! Bytes, rows, values and partitions in, the same out again, in their order or sorted. Each of these stores is told how
//! much memory it may take. What fits stays in memory; what does not goes to a file of the run's [`Workspace`] in few
//! large writes. Whoever uses a store writes as if nothing fitted, and reads the same answers whatever the memory.
//!
//! A budget too small costs time, never truth. A write that fails is an error that names the file and the way out; what
//! was written before it stays readable.
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
//! [`Partitions`] hold none open between writes, a [`Sorter`] has all its runs in one. In files numbers are little endian,
//! everything is appended, and nothing stands at the end: a file cut to an earlier length is a file of that time.

mod budget;
mod chunks;
mod column;
mod fixed;
mod partitions;
mod positioned;
mod rows;
mod sorter;
mod spool;
mod workspace;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use column::{Column, ColumnReader, ColumnWriter};
pub use fixed::Fixed;
pub use partitions::{Parted, Partition, Partitions};
pub use rows::{RowReader, Rows, RowsWriter};
pub use sorter::{Sorted, SortedReader, Sorter};
pub use spool::{Sealed, SealedReader, Spool};
pub use workspace::Workspace;
