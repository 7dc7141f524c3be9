//! Where do values of one width wait?

use std::marker::PhantomData;
use std::ops::Range;

use super::{Fixed, Workspace};
use crate::error::Result;

/// Values numbered from 0 in the order in which they are pushed.
#[derive(Debug)]
pub struct ColumnWriter<T>(PhantomData<T>);

impl<T: Fixed> ColumnWriter<T> {
    /// No values. They take up to `memory_bytes` of memory, then a file.
    pub fn new(_workspace: &Workspace, _name: &str, _memory_bytes: usize) -> ColumnWriter<T> {
        todo!()
    }

    /// Appends a value; returns its number.
    pub fn push(&mut self, _value: T) -> Result<u64> {
        todo!()
    }

    /// How many values were pushed.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all values so far durable, in a file; returns its length in bytes.
    pub fn flush(&mut self) -> Result<u64> {
        todo!()
    }

    /// The values, to be read.
    pub fn finish(self) -> Result<Column<T>> {
        todo!()
    }
}

/// The values of a [`ColumnWriter`], to be read by any number of threads. A clone is the same values.
#[derive(Clone, Debug)]
pub struct Column<T>(PhantomData<T>);

impl<T: Fixed> Column<T> {
    /// How many values.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of this number.
    pub fn get(&self, _number: u64) -> Result<T> {
        todo!()
    }

    /// Leaves in `values` those of these numbers, and nothing else.
    pub fn range(&self, _numbers: Range<u64>, _values: &mut Vec<T>) -> Result<()> {
        todo!()
    }

    /// Reads the values in order, from this number on; none where there is no such value.
    pub fn iter_from(&self, _number: u64) -> ColumnReader<T> {
        todo!()
    }
}

/// Reads values in order.
#[derive(Debug)]
pub struct ColumnReader<T>(PhantomData<T>);

impl<T: Fixed> Iterator for ColumnReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        todo!()
    }
}
