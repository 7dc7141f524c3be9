//! Where do bytes wait that are read again later?

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::Workspace;
use crate::error::Result;

/// Bytes that are appended, in memory as long as they are few.
#[derive(Debug)]
pub struct Spool {}

impl Spool {
    /// Empty. Takes up to `memory_bytes` of memory, then a file. `name` helps a person to tell the files apart.
    pub fn new(_workspace: &Workspace, _name: &str, _memory_bytes: usize) -> Spool {
        todo!()
    }

    /// Appends `bytes`; returns the offset at which they begin.
    pub fn append(&mut self, _bytes: &[u8]) -> Result<u64> {
        todo!()
    }

    /// How many bytes were appended.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all that was appended so far durable, in a file; returns its length.
    pub fn flush(&mut self) -> Result<u64> {
        todo!()
    }

    /// The bytes, to be read.
    pub fn finish(self) -> Result<Sealed> {
        todo!()
    }
}

/// The bytes of a [`Spool`], to be read by any number of threads. A clone is the same bytes.
#[derive(Clone, Debug)]
pub struct Sealed {}

impl Sealed {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves in `out` the `len` bytes from `offset` on, and nothing else.
    pub fn read_at(&self, _offset: u64, _len: usize, _out: &mut Vec<u8>) -> Result<()> {
        todo!()
    }

    /// Reads the bytes of `range` in order.
    pub fn reader(&self, _range: Range<u64>) -> SealedReader {
        todo!()
    }
}

/// Reads a part of a [`Sealed`] in order. From a file with a buffer of up to 1 MiB.
#[derive(Debug)]
pub struct SealedReader {}

impl BufRead for SealedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        todo!()
    }

    fn consume(&mut self, _bytes: usize) {
        todo!()
    }
}

impl Read for SealedReader {
    fn read(&mut self, _out: &mut [u8]) -> io::Result<usize> {
        todo!()
    }
}
