//! How do bytes grow in memory without ever being there twice?
//!
//! Bytes in, the same bytes out, in pieces of one size. A `Vec` that grows holds its bytes twice while it moves; a list
//! of chunks holds at most half a chunk twice, while the first one grows.

use std::fmt;

/// Bytes in chunks. All chunks but the last are full.
#[derive(Default)]
pub(super) struct Chunks {
    /// A chunk is `1 << shift` bytes.
    shift: u32,
    chunks: Vec<Vec<u8>>,
}

impl Chunks {
    /// No bytes. Chunks of `size` bytes, rounded down to a power of two.
    pub fn new(size: usize) -> Chunks {
        Chunks { shift: size.max(1).ilog2(), chunks: Vec::new() }
    }

    /// How many bytes a chunk takes.
    pub fn size(&self) -> usize {
        1 << self.shift
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        let Some(last) = self.chunks.last() else { return 0 };
        ((self.chunks.len() as u64 - 1) << self.shift) + last.len() as u64
    }

    /// How many chunks.
    pub fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes of memory that they take.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }

    /// Appends as many of these bytes as the last chunk has room for; returns how many.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let size = self.size();
        let Some(last) = self.chunks.last_mut() else { return 0 };
        let taken = bytes.len().min(size - last.len());
        let wanted = last.len() + taken;
        if wanted > last.capacity() {
            last.reserve_exact(wanted.max(2 * last.capacity()).min(size) - last.len());
        }
        last.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Appends all of these bytes.
    pub fn extend(&mut self, mut bytes: &[u8]) {
        loop {
            bytes = &bytes[self.fill(bytes)..];
            if bytes.is_empty() {
                return;
            }
            self.grow();
        }
    }

    /// Whether [`Chunks::fill`] would take a byte.
    pub fn has_room(&self) -> bool {
        self.chunks.last().is_some_and(|last| last.len() < self.size())
    }

    /// Appends an empty chunk: the first grows with what it holds, the others are whole at once.
    pub fn grow(&mut self) {
        let capacity = if self.chunks.is_empty() { 0 } else { self.size() };
        self.add(Vec::with_capacity(capacity));
    }

    /// Appends a chunk, which is emptied.
    pub fn add(&mut self, mut chunk: Vec<u8>) {
        chunk.clear();
        self.chunks.push(chunk);
    }

    /// No bytes any more. The memory of one chunk stays.
    pub fn empty(&mut self) {
        self.chunks.truncate(1);
        self.chunks.iter_mut().for_each(Vec::clear);
    }

    /// Takes all chunks out.
    pub fn take(&mut self) -> std::vec::Drain<'_, Vec<u8>> {
        self.chunks.drain(..)
    }

    /// All bytes, chunk by chunk.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(Vec::as_slice)
    }

    /// The bytes from `offset` to the end of its chunk; none behind the end.
    pub fn from(&self, offset: u64) -> &[u8] {
        let within = (offset & (self.size() as u64 - 1)) as usize;
        let chunk = usize::try_from(offset >> self.shift).ok().and_then(|chunk| self.chunks.get(chunk));
        chunk.and_then(|chunk| chunk.get(within..)).unwrap_or(&[])
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.len())
    }
}
