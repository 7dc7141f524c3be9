//! Where do values of one width wait?
//!
//! Values in, the same values out, by number or in order. On a [`Spool`] they stand one after the other, without an index.

use std::marker::PhantomData;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::spool::BUFFER;
use super::{Fixed, Saved, SavedBytes, Sealed, SealedReader, Spool, Workspace};
use crate::error::{Error, Result};

/// Values numbered from 0 in the order in which they are pushed.
///
/// After an error it is good for nothing but to be dropped.
#[derive(Debug)]
pub struct ColumnWriter<T> {
    spool: Spool,
    values: PhantomData<T>,
}

/// The saved state of a [`ColumnWriter`] or [`Column`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedColumn {
    bytes: SavedBytes,
    /// Bytes a value.
    width: u64,
}

impl SavedColumn {
    /// How many values.
    pub fn len(&self) -> u64 {
        self.bytes.len() / self.width.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the store was called, as far as it stands in the name of a file.
    pub(super) fn label(&self) -> &str {
        self.bytes.label()
    }

    /// What is to be said when the state is none.
    pub(super) fn unusable(&self, workspace: &Workspace) -> Error {
        self.bytes.unusable(workspace)
    }

    /// The bytes, if they are values of this type.
    fn of<T: Fixed>(&self, workspace: &Workspace) -> Result<&SavedBytes> {
        let width = T::BYTES as u64;
        let fits = self.width == width && self.bytes.len().is_multiple_of(width);
        if fits { Ok(&self.bytes) } else { Err(self.unusable(workspace)) }
    }
}

/// The names of its files: one.
impl Saved for SavedColumn {
    fn files(&self) -> Vec<&str> {
        self.bytes.files()
    }
}

/// Values of no more bytes are put together on the stack.
const SMALL: usize = 128;

impl<T: Fixed> ColumnWriter<T> {
    /// No values. They take up to `memory_bytes` of memory, then a file.
    pub fn new(workspace: &Workspace, name: &str, memory_bytes: usize) -> ColumnWriter<T> {
        const { assert!(T::BYTES > 0, "a value of no bytes cannot be counted in a file") };
        ColumnWriter { spool: Spool::new(workspace, name, memory_bytes), values: PhantomData }
    }

    /// As it was when the state was saved. See [`Spool::resume`]; an error also where it was one of values of another
    /// width.
    pub fn resume(
        workspace: &Workspace,
        saved: &SavedColumn,
        memory_bytes: usize,
    ) -> Result<ColumnWriter<T>> {
        let spool = Spool::resume(workspace, saved.of::<T>(workspace)?, memory_bytes)?;
        Ok(ColumnWriter { spool, values: PhantomData })
    }

    /// Appends a value; returns its number.
    pub fn push(&mut self, value: T) -> Result<u64> {
        let number = self.len();
        with_space(T::BYTES, |space| {
            value.put(space);
            self.spool.append(space)
        })?;
        Ok(number)
    }

    /// How many values were pushed.
    pub fn len(&self) -> u64 {
        self.spool.len() / T::BYTES as u64
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all values so far durable, in a file. See [`Spool::save`].
    pub fn save(&mut self) -> Result<SavedColumn> {
        Ok(SavedColumn { bytes: self.spool.save()?, width: T::BYTES as u64 })
    }

    /// The values, to be read.
    pub fn finish(self) -> Result<Column<T>> {
        Ok(Column { bytes: self.spool.finish()?, values: PhantomData })
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.spool.memory()
    }
}

/// The values of a [`ColumnWriter`], to be read by any number of threads. A clone is the same values.
#[derive(Clone, Debug)]
pub struct Column<T> {
    bytes: Sealed,
    values: PhantomData<T>,
}

impl<T: Fixed> Column<T> {
    /// The values of a saved state. See [`Sealed::reopen`]; an error also where they were of another width.
    pub fn reopen(workspace: &Workspace, saved: &SavedColumn, memory_bytes: usize) -> Result<Column<T>> {
        let bytes = Sealed::reopen(workspace, saved.of::<T>(workspace)?, memory_bytes)?;
        Ok(Column { bytes, values: PhantomData })
    }

    /// Makes the values durable, in a file. See [`Sealed::save`].
    pub fn save(&self) -> Result<SavedColumn> {
        Ok(SavedColumn { bytes: self.bytes.save()?, width: T::BYTES as u64 })
    }

    /// How many values.
    pub fn len(&self) -> u64 {
        self.bytes.len() / T::BYTES as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of this number. An error where there is none.
    pub fn get(&self, number: u64) -> Result<T> {
        let offset = number.saturating_mul(T::BYTES as u64);
        if let Some(value) = self.bytes.chunk(offset).and_then(|chunk| chunk.get(..T::BYTES)) {
            return Ok(T::get(value));
        }
        with_space(T::BYTES, |space| {
            self.bytes.fill(offset, space)?;
            Ok(T::get(space))
        })
    }

    /// Leaves in `values` those of these numbers, and nothing else. An error where not all of them are there.
    pub fn range(&self, numbers: Range<u64>, values: &mut Vec<T>) -> Result<()> {
        values.clear();
        if numbers.is_empty() {
            return Ok(());
        }
        // Said here, so that a hostile range reserves nothing.
        self.get(numbers.end - 1)?;
        values.reserve(usize::try_from(numbers.end - numbers.start).unwrap_or(usize::MAX));
        for value in self.reader_with(numbers, BUFFER) {
            values.push(value?);
        }
        Ok(())
    }

    /// Reads the values in order, from this number on; none where there is no such value.
    pub fn iter_from(&self, number: u64) -> ColumnReader<T> {
        self.reader_with(number..self.len(), BUFFER)
    }

    /// Reads the values of these numbers, from a file with a buffer of so many bytes.
    pub(super) fn reader_with(&self, numbers: Range<u64>, buffer_bytes: usize) -> ColumnReader<T> {
        let offset = |number: u64| number.saturating_mul(T::BYTES as u64);
        let bytes = self.bytes.reader_with(offset(numbers.start)..offset(numbers.end), buffer_bytes);
        ColumnReader { bytes, values: PhantomData }
    }
}

/// Reads values in order. From a file with a buffer of 1 MiB, or of as much as there is to read.
#[derive(Debug)]
pub struct ColumnReader<T> {
    bytes: SealedReader,
    values: PhantomData<T>,
}

impl<T: Fixed> ColumnReader<T> {
    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.bytes.memory()
    }

    fn read(&mut self) -> Result<T> {
        if let Some(value) = self.bytes.window()?.get(..T::BYTES) {
            let value = T::get(value);
            self.bytes.skip(T::BYTES as u64);
            return Ok(value);
        }
        with_space(T::BYTES, |space| {
            self.bytes.take(space)?;
            Ok(T::get(space))
        })
    }
}

impl<T: Fixed> Iterator for ColumnReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.bytes.left() == 0 { None } else { Some(self.read()) }
    }
}

/// Calls `with` with so many bytes of memory.
fn with_space<R>(bytes: usize, with: impl FnOnce(&mut [u8]) -> R) -> R {
    match bytes {
        0..=SMALL => with(&mut [0; SMALL][..bytes]),
        _ => with(&mut vec![0; bytes]),
    }
}
