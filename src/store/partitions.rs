//! Where do rows wait that are read partition by partition?

use super::{RowReader, Workspace};
use crate::error::Result;

/// Sequences of rows of bytes that share one memory.
#[derive(Debug)]
pub struct Partitions {}

impl Partitions {
    /// So many partitions at most.
    pub const MOST: usize = 128;

    /// `count` empty partitions, between 1 and [`Partitions::MOST`]. Together they take up to `memory_bytes` of memory;
    /// when that is full, the one that takes most is appended to its file.
    pub fn new(_workspace: &Workspace, _name: &str, _count: usize, _memory_bytes: usize) -> Partitions {
        todo!()
    }

    /// Appends a row to a partition; returns its offset there.
    pub fn push(&mut self, _partition: usize, _row: &[u8]) -> Result<u64> {
        todo!()
    }

    /// Makes all rows so far durable; returns the length of each partition in bytes.
    pub fn flush(&mut self) -> Result<Vec<u64>> {
        todo!()
    }

    /// The partitions, to be read.
    pub fn finish(self) -> Result<Parted> {
        todo!()
    }
}

/// The partitions of [`Partitions`], to be read by any number of threads. A clone is the same partitions.
#[derive(Clone, Debug)]
pub struct Parted {}

impl Parted {
    /// How many partitions.
    pub fn count(&self) -> usize {
        todo!()
    }

    /// Opens a partition. Where it is in a file, the file stays open as long as the answer or a reader of it lives.
    pub fn open(&self, _partition: usize) -> Result<Partition> {
        todo!()
    }
}

/// One sequence of rows. A clone is the same rows.
#[derive(Clone, Debug)]
pub struct Partition {}

impl Partition {
    /// Its length in bytes, the lengths of the rows included.
    pub fn bytes(&self) -> u64 {
        todo!()
    }

    /// Reads its rows in the order in which they were pushed.
    pub fn rows(&self) -> RowReader {
        todo!()
    }

    /// Leaves in `row` the row that [`Partitions::push`] put at `offset`, and nothing else.
    pub fn get(&self, _offset: u64, _row: &mut Vec<u8>) -> Result<()> {
        todo!()
    }
}
