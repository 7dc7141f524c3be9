//! Where do rows of different lengths wait?

use super::Workspace;
use crate::error::Result;

/// Rows of bytes, numbered from 0 in the order in which they are pushed.
#[derive(Debug)]
pub struct RowsWriter {}

impl RowsWriter {
    /// No rows. They take up to `memory_bytes` of memory, then a file; the index takes an eighth of a byte a row more.
    pub fn new(_workspace: &Workspace, _name: &str, _memory_bytes: usize) -> RowsWriter {
        todo!()
    }

    /// Appends a row, which may be empty; returns its number.
    pub fn push(&mut self, _row: &[u8]) -> Result<u64> {
        todo!()
    }

    /// How many rows were pushed.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all rows so far durable, in a file; returns its length in bytes.
    pub fn flush(&mut self) -> Result<u64> {
        todo!()
    }

    /// The rows, to be read.
    pub fn finish(self) -> Result<Rows> {
        todo!()
    }
}

/// The rows of a [`RowsWriter`], to be read by any number of threads. A clone is the same rows.
#[derive(Clone, Debug)]
pub struct Rows {}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves in `row` the row of this number, and nothing else.
    pub fn get(&self, _number: u64, _row: &mut Vec<u8>) -> Result<()> {
        todo!()
    }

    /// Reads the rows in order, from this number on; none where there is no such row.
    pub fn iter_from(&self, _number: u64) -> Result<RowReader> {
        todo!()
    }
}

/// Reads rows in order.
#[derive(Debug)]
pub struct RowReader {}

impl RowReader {
    /// Leaves in `row` the next row; false, and `row` empty, where there is none.
    pub fn next(&mut self, _row: &mut Vec<u8>) -> Result<bool> {
        todo!()
    }
}
