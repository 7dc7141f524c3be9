//! Where do rows wait that are read partition by partition?
//!
//! Rows of bytes in, each with the number of its partition; the same rows out, one partition after the other. All
//! partitions share one memory of chunks. When it is full, the partition that takes most is appended to its file, so that
//! a few large ones are written in large pieces and many small ones stay. A file is opened for each write: between
//! writes none is open, however many partitions there are.
//!
//! In a partition stand, row by row, the length of the row as a varint (LEB128) and its bytes.

use std::sync::Arc;

use super::chunks::Chunks;
use super::rows::{LONGEST, length_of, read_row_at};
use super::workspace::TempFile;
use super::{RowReader, Sealed, Workspace};
use crate::error::Result;

/// Sequences of rows of bytes that share one memory.
///
/// After an error it is good for nothing but to be dropped.
#[derive(Debug)]
pub struct Partitions {
    workspace: Workspace,
    name: Box<str>,
    parts: Vec<Part>,
    /// Chunks that were written and can be filled again.
    free: Vec<Vec<u8>>,
    /// How many chunks there may be, and how many there are, in use or free.
    most_chunks: usize,
    chunks: usize,
}

#[derive(Debug)]
struct Part {
    waiting: Chunks,
    file: Option<TempFile>,
}

/// Each partition gets this many chunks, were they all alike: half-filled ones take an eighth of the memory then.
const CHUNKS: usize = 4;

/// A chunk is no larger: what is written is many chunks anyway.
const LARGEST_CHUNK: usize = 256 << 10;

/// A chunk is no smaller, so that tiny budgets are no list of single bytes.
const LEAST_CHUNK: usize = 16;

impl Partitions {
    /// So many partitions at most: with 16 MiB of memory each is still written in pieces of 128 KiB or so.
    pub const MOST: usize = 128;

    /// `count` empty partitions, between 1 and [`Partitions::MOST`] (other counts are taken as the nearest of these).
    /// Together they take up to `memory_bytes` of memory (16 at least); when that is full, the one that takes most is
    /// appended to its file.
    pub fn new(workspace: &Workspace, name: &str, count: usize, memory_bytes: usize) -> Partitions {
        let count = count.clamp(1, Partitions::MOST);
        let chunk = Chunks::new((memory_bytes / count / CHUNKS).clamp(LEAST_CHUNK, LARGEST_CHUNK)).size();
        let part = || Part { waiting: Chunks::new(chunk), file: None };
        Partitions {
            workspace: workspace.clone(),
            name: name.into(),
            parts: std::iter::repeat_with(part).take(count).collect(),
            free: Vec::new(),
            most_chunks: (memory_bytes / chunk).max(1),
            chunks: 0,
        }
    }

    /// How many partitions.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// Appends a row to a partition; returns its offset there.
    ///
    /// # Panics
    ///
    /// When there is no such partition.
    pub fn push(&mut self, partition: usize, row: &[u8]) -> Result<u64> {
        let offset = self.parts[partition].len();
        self.append(partition, length_of(row, &mut [0; LONGEST]))?;
        self.append(partition, row)?;
        Ok(offset)
    }

    /// Makes all rows so far durable, each partition in its file; returns their lengths in bytes.
    pub fn flush(&mut self) -> Result<Vec<u64>> {
        (0..self.parts.len()).map(|partition| self.write(partition, Then::Sync)).collect()
    }

    /// The partitions, to be read. Those that were never written stay in memory.
    pub fn finish(mut self) -> Result<Parted> {
        for partition in 0..self.parts.len() {
            if self.parts[partition].file.is_some() {
                self.write(partition, Then::Leave)?;
            }
        }
        let held = |part: Part| match part.file {
            None => Held::Memory(Sealed::in_memory(part.waiting)),
            Some(file) => Held::File(Arc::new(file)),
        };
        Ok(Parted(self.parts.into_iter().map(held).collect()))
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        free + self.parts.iter().map(|part| part.waiting.capacity()).sum::<usize>()
    }

    fn append(&mut self, partition: usize, mut bytes: &[u8]) -> Result<()> {
        loop {
            let waiting = &mut self.parts[partition].waiting;
            bytes = &bytes[waiting.fill(bytes)..];
            if bytes.is_empty() {
                return Ok(());
            }
            let chunk = self.chunk()?;
            self.parts[partition].waiting.add(chunk);
        }
    }

    /// An empty chunk. Where there is none, the partition that takes most is written, of equal ones the first.
    fn chunk(&mut self) -> Result<Vec<u8>> {
        if self.free.is_empty() && self.chunks == self.most_chunks {
            let takes =
                |&partition: &usize| (self.parts[partition].waiting.len(), std::cmp::Reverse(partition));
            let largest = (0..self.parts.len()).max_by_key(takes).unwrap_or(0);
            self.write(largest, Then::Leave)?;
        }
        Ok(self.free.pop().unwrap_or_else(|| {
            self.chunks += 1;
            Vec::with_capacity(self.parts[0].waiting.size())
        }))
    }

    /// Appends what waits of a partition to its file; returns the length of that.
    fn write(&mut self, partition: usize, then: Then) -> Result<u64> {
        let part = &mut self.parts[partition];
        let open = match &part.file {
            Some(file) => file.open()?,
            None => {
                let (file, open) = TempFile::create(&self.workspace, &format!("{}-{partition}", self.name))?;
                part.file = Some(file);
                open
            }
        };
        let Some(file) = &mut part.file else { return Ok(0) };
        for chunk in part.waiting.iter() {
            file.append(&open, chunk)?;
        }
        if matches!(then, Then::Sync) {
            file.sync(&open)?;
        }
        self.free.extend(part.waiting.take());
        Ok(file.len())
    }
}

/// What follows a write.
#[derive(Clone, Copy)]
enum Then {
    Leave,
    Sync,
}

impl Part {
    fn len(&self) -> u64 {
        self.file.as_ref().map_or(0, TempFile::len) + self.waiting.len()
    }
}

/// The partitions of [`Partitions`], to be read by any number of threads. A clone is the same partitions.
#[derive(Clone, Debug)]
pub struct Parted(Vec<Held>);

#[derive(Clone, Debug)]
enum Held {
    Memory(Sealed),
    File(Arc<TempFile>),
}

impl Parted {
    /// How many partitions.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Opens a partition. Where it is in a file, the file stays open as long as the answer or a reader of it lives.
    ///
    /// # Panics
    ///
    /// When there is no such partition.
    pub fn open(&self, partition: usize) -> Result<Partition> {
        Ok(Partition(match &self.0[partition] {
            Held::Memory(bytes) => bytes.clone(),
            Held::File(file) => Sealed::in_file(file.open()?, file.clone()),
        }))
    }
}

/// One sequence of rows. A clone is the same rows.
#[derive(Clone, Debug)]
pub struct Partition(Sealed);

impl Partition {
    /// Its length in bytes, the lengths of the rows included.
    pub fn bytes(&self) -> u64 {
        self.0.len()
    }

    /// Reads its rows in the order in which they were pushed.
    pub fn rows(&self) -> RowReader {
        RowReader::new(self.0.reader(0..self.0.len()))
    }

    /// Leaves in `row` the row that [`Partitions::push`] put at `offset`, and nothing else. An error where there is no
    /// offset like that; one in the middle of a row gives an error or other bytes, never more than there are.
    pub fn get(&self, offset: u64, row: &mut Vec<u8>) -> Result<()> {
        read_row_at(&self.0, offset, row)
    }
}
