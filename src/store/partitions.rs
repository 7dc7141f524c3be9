//! Where do rows wait that are read partition by partition?
//!
//! Rows of bytes in, each with the number of its partition; the same rows out, one partition after the other. All
//! partitions share one memory of chunks. When it is full, the partition that takes most is appended to its file, so that
//! a few large ones are written in large pieces and many small ones stay. A file is opened for each write: between
//! writes none is open, however many partitions there are.
//!
//! In a partition stand, row by row, the length of the row as a varint (LEB128) and its bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chunks::Chunks;
use super::file::{OpenFile, TempFile};
use super::rows::{LONGEST, length_of, read_row_at};
use super::tail::Tail;
use super::{RowReader, Saved, SavedBytes, Sealed, Workspace};
use crate::error::Result;

/// Sequences of rows of bytes that share one memory.
///
/// After an error it is good for nothing but to be dropped.
#[derive(Debug)]
pub struct Partitions {
    workspace: Workspace,
    name: Box<str>,
    parts: Vec<Tail>,
    /// Chunks that were written and can be filled again.
    free: Vec<Vec<u8>>,
    /// How many chunks there may be, and how many there are, in use or free.
    most_chunks: usize,
    chunks: usize,
}

/// The saved state of [`Partitions`] or [`Parted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPartitions {
    name: String,
    /// None of those that are empty.
    parts: Vec<Option<SavedBytes>>,
}

impl SavedPartitions {
    /// How many partitions.
    pub fn count(&self) -> usize {
        self.parts.len()
    }
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
        let (chunk, most_chunks) = shares(count, memory_bytes);
        Partitions {
            workspace: workspace.clone(),
            name: name.into(),
            parts: std::iter::repeat_with(|| Tail::new(chunk)).take(count).collect(),
            free: Vec::new(),
            most_chunks,
            chunks: 0,
        }
    }

    /// As they were when the state was saved; rows that were pushed later are gone. An error where the files do not hold
    /// what they held then. Those that fit are in memory, the first ones first. Cost: the bytes are read once.
    pub fn resume(workspace: &Workspace, saved: &SavedPartitions, memory_bytes: usize) -> Result<Partitions> {
        let count = saved.count().clamp(1, Partitions::MOST);
        let mut partitions = Partitions::new(workspace, &saved.name, count, memory_bytes);
        let chunk = partitions.parts[0].chunks.size();
        for (part, saved) in partitions.parts.iter_mut().zip(&saved.parts) {
            let Some(saved) = saved else { continue };
            let room = partitions.most_chunks - partitions.chunks;
            *part = Tail::resume(workspace, saved.file(), chunk, room)?.0;
            partitions.chunks += part.chunks.count();
        }
        Ok(partitions)
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

    /// Makes all rows so far durable, each partition in its file. Cost: for each partition that got rows since the last
    /// time one write of those, and one sync; what is in memory stays there.
    pub fn save(&mut self) -> Result<SavedPartitions> {
        let parts = (0..self.parts.len()).map(|partition| self.save_one(partition)).collect::<Result<_>>()?;
        Ok(SavedPartitions { name: self.name.to_string(), parts })
    }

    /// The partitions, to be read. Those that are in memory stay there.
    pub fn finish(mut self) -> Result<Parted> {
        for partition in 0..self.parts.len() {
            if !self.parts[partition].is_in_memory() {
                self.write(partition)?;
            }
        }
        let name = |partition| name_of(&self.name, partition);
        let held = |(partition, part)| Held::of(&self.workspace, &name(partition), part);
        Ok(Parted { parts: self.parts.into_iter().enumerate().map(held).collect(), name: self.name })
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        free + self.parts.iter().map(|part| part.chunks.capacity()).sum::<usize>()
    }

    fn append(&mut self, partition: usize, mut bytes: &[u8]) -> Result<()> {
        loop {
            let waiting = &mut self.parts[partition].chunks;
            bytes = &bytes[waiting.fill(bytes)..];
            if bytes.is_empty() {
                return Ok(());
            }
            let chunk = self.chunk()?;
            self.parts[partition].chunks.add(chunk);
        }
    }

    fn save_one(&mut self, partition: usize) -> Result<Option<SavedBytes>> {
        let open = self.write(partition)?;
        let file = self.parts[partition].file.as_ref();
        file.map(|file| Ok(SavedBytes::of(file.save(open.as_ref())?))).transpose()
    }

    /// An empty chunk. Where there is none, the partition that takes most is written, of equal ones the first.
    fn chunk(&mut self) -> Result<Vec<u8>> {
        if self.free.is_empty() && self.chunks == self.most_chunks {
            let takes =
                |&partition: &usize| (self.parts[partition].chunks.len(), std::cmp::Reverse(partition));
            let largest = (0..self.parts.len()).max_by_key(takes).unwrap_or(0);
            self.write(largest)?;
            self.free.extend(self.parts[largest].leave_memory().take());
        }
        Ok(self.free.pop().unwrap_or_else(|| {
            self.chunks += 1;
            Vec::with_capacity(self.parts[0].chunks.size())
        }))
    }

    /// Appends what waits of a partition to its file, which is made if need be. Returns it open, if there was anything.
    fn write(&mut self, partition: usize) -> Result<Option<OpenFile>> {
        let part = &mut self.parts[partition];
        if part.is_written() {
            return Ok(None);
        }
        let open = part.open(&self.workspace, &name_of(&self.name, partition))?;
        part.write(&open)?;
        Ok(Some(open))
    }
}

/// The names of its files: one for each partition that is not empty.
impl Saved for SavedPartitions {
    fn files(&self) -> Vec<&str> {
        self.parts.iter().flatten().flat_map(Saved::files).collect()
    }
}

/// The size of a chunk, and how many there may be, of so much memory for so many partitions.
fn shares(count: usize, memory_bytes: usize) -> (usize, usize) {
    let chunk = Chunks::new((memory_bytes / count / CHUNKS).clamp(LEAST_CHUNK, LARGEST_CHUNK)).size();
    (chunk, (memory_bytes / chunk).max(1))
}

/// What the file of a partition is called.
fn name_of(name: &str, partition: usize) -> String {
    format!("{name}-{partition}")
}

/// The partitions of [`Partitions`], to be read by any number of threads. A clone is the same partitions.
#[derive(Clone, Debug)]
pub struct Parted {
    parts: Vec<Held>,
    name: Box<str>,
}

#[derive(Clone, Debug)]
enum Held {
    Memory(Sealed),
    File(Arc<TempFile>),
}

impl Held {
    /// A partition that is in memory, or all in its file.
    fn of(workspace: &Workspace, name: &str, part: Tail) -> Held {
        match part {
            Tail { file: Some(file), .. } if !part.is_in_memory() => Held::File(Arc::new(file)),
            part => Held::Memory(Sealed::of(workspace, name, part, None)),
        }
    }
}

impl Parted {
    /// The partitions of a saved state: in memory as far as `memory_bytes` hold them, the first ones first, the others in
    /// their files. An error where those do not hold what they held then. Cost: the bytes are read once.
    pub fn reopen(workspace: &Workspace, saved: &SavedPartitions, memory_bytes: usize) -> Result<Parted> {
        let (chunk, mut room) = shares(saved.count().max(1), memory_bytes);
        let mut parts = Vec::new();
        for (partition, saved) in saved.parts.iter().enumerate() {
            let part = match saved {
                None => Tail::new(chunk),
                Some(saved) => Tail::reopen(workspace, saved.file(), chunk, room)?.0,
            };
            room -= part.chunks.count();
            parts.push((partition, part));
        }
        let held = |(partition, part)| Held::of(workspace, &name_of(&saved.name, partition), part);
        Ok(Parted { parts: parts.into_iter().map(held).collect(), name: saved.name.as_str().into() })
    }

    /// Makes the rows durable, each partition in its file. Cost: for each partition that is in memory and in no file one
    /// write, once, and one sync.
    pub fn save(&self) -> Result<SavedPartitions> {
        let save = |held: &Held| match held {
            Held::Memory(bytes) if bytes.is_empty() => Ok(None),
            Held::Memory(bytes) => bytes.save().map(Some),
            Held::File(file) => Ok(Some(SavedBytes::of(file.save(None)?))),
        };
        let parts = self.parts.iter().map(save).collect::<Result<_>>()?;
        Ok(SavedPartitions { name: self.name.to_string(), parts })
    }

    /// How many partitions.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// Opens a partition. Where it is in a file, the file stays open as long as the answer or a reader of it lives.
    ///
    /// # Panics
    ///
    /// When there is no such partition.
    pub fn open(&self, partition: usize) -> Result<Partition> {
        Ok(Partition(match &self.parts[partition] {
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
