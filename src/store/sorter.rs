//! How are values sorted that do not fit in memory?

use std::marker::PhantomData;

use super::{Fixed, Workspace};
use crate::error::Result;

/// Values to be sorted. Those that compare equal must be equal.
#[derive(Debug)]
pub struct Sorter<T>(PhantomData<T>);

impl<T: Fixed + Ord + Send + Sync> Sorter<T> {
    /// No values. Takes up to `memory_bytes`, and 1 MiB more while it writes.
    pub fn new(_workspace: &Workspace, _name: &str, _memory_bytes: usize) -> Sorter<T> {
        todo!()
    }

    /// Adds a value.
    pub fn push(&mut self, _value: T) -> Result<()> {
        todo!()
    }

    /// Adds values.
    pub fn extend(&mut self, _values: &[T]) -> Result<()> {
        todo!()
    }

    /// Makes all values so far durable, in a file; returns its length in bytes.
    pub fn flush(&mut self) -> Result<u64> {
        todo!()
    }

    /// Sorts.
    pub fn finish(self) -> Result<Sorted<T>> {
        todo!()
    }
}

/// The values of a [`Sorter`], ascending, repeats included. A clone is the same values.
#[derive(Clone, Debug)]
pub struct Sorted<T>(PhantomData<T>);

impl<T: Fixed + Ord> Sorted<T> {
    /// How many values.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the values from the least on. Where they are in a file, each reader takes up to the sorter's memory.
    pub fn reader(&self) -> Result<SortedReader<T>> {
        todo!()
    }
}

/// Reads values, ascending. `next().transpose()?` gives the next value or none.
#[derive(Debug)]
pub struct SortedReader<T>(PhantomData<T>);

impl<T: Fixed + Ord> Iterator for SortedReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        todo!()
    }
}
