//! Where do bytes wait that are read again later?
//!
//! Bytes in, the same bytes out, anywhere or in order. While they are few they stay in memory; then all of them go to one
//! file, and one chunk of a quarter of the memory, at most 1 MiB, gathers what comes for the next write.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::Workspace;
use super::chunks::Chunks;
use super::workspace::{OpenFile, TempFile, damaged};
use crate::error::{Error, Result};

/// One write, and the buffer of one reader, at most: 1 MiB, which disks take at their full speed (a guess, as in the
/// tables of most disk benchmarks).
pub(super) const BUFFER: usize = 1 << 20;

/// A chunk is no smaller, so that tiny budgets are no list of single bytes.
const LEAST_CHUNK: usize = 64;

/// Bytes that are appended, in memory as long as they are few.
///
/// After an error it is good for nothing but to be dropped.
#[derive(Debug)]
pub struct Spool {
    workspace: Workspace,
    name: Box<str>,
    waiting: Chunks,
    most_chunks: usize,
    file: Option<(OpenFile, TempFile)>,
}

impl Spool {
    /// Empty. Takes up to `memory_bytes` of memory (64 at least), then a file. `name` helps a person to tell the files
    /// apart; it may be anything, and no two need differ.
    pub fn new(workspace: &Workspace, name: &str, memory_bytes: usize) -> Spool {
        let waiting = Chunks::new((memory_bytes / 4).clamp(LEAST_CHUNK, BUFFER));
        let most_chunks = (memory_bytes / waiting.size()).max(1);
        Spool { workspace: workspace.clone(), name: name.into(), waiting, most_chunks, file: None }
    }

    /// Appends `bytes`; returns the offset at which they begin.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let offset = self.len();
        let mut rest = bytes;
        loop {
            rest = &rest[self.waiting.fill(rest)..];
            if rest.is_empty() {
                break;
            }
            if self.file.is_some() || self.waiting.count() == self.most_chunks {
                self.write()?;
            }
            if !self.waiting.has_room() {
                self.waiting.grow();
            }
        }
        Ok(offset)
    }

    /// How many bytes were appended.
    pub fn len(&self) -> u64 {
        self.file.as_ref().map_or(0, |(_, file)| file.len()) + self.waiting.len()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all that was appended so far durable, in a file; returns its length in bytes.
    pub fn flush(&mut self) -> Result<u64> {
        self.write()?;
        let (open, file) = self.file()?;
        file.sync(open)?;
        Ok(file.len())
    }

    /// As [`Spool::flush`]; and the file is left where it is, whatever becomes of the spool. Returns its path.
    pub fn keep(&mut self) -> Result<PathBuf> {
        self.flush()?;
        let (_, file) = self.file()?;
        Ok(file.keep().to_owned())
    }

    /// The bytes, to be read. Those in memory stay there, those in a file take none.
    pub fn finish(mut self) -> Result<Sealed> {
        if self.file.is_some() {
            self.write()?;
        }
        Ok(match self.file {
            None => Sealed::in_memory(self.waiting),
            Some((open, file)) => Sealed::in_file(open, Arc::new(file)),
        })
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.waiting.capacity()
    }

    /// Writes what waits. One chunk stays, to gather what comes.
    fn write(&mut self) -> Result<()> {
        self.file()?;
        let Some((open, file)) = &mut self.file else { return Ok(()) };
        for chunk in self.waiting.iter() {
            file.append(open, chunk)?;
        }
        self.waiting.empty();
        Ok(())
    }

    /// The file, which is made if there is none yet.
    fn file(&mut self) -> Result<&mut (OpenFile, TempFile)> {
        let made = match self.file.take() {
            Some(file) => file,
            None => {
                let (file, open) = TempFile::create(&self.workspace, &self.name)?;
                (open, file)
            }
        };
        Ok(self.file.insert(made))
    }
}

/// The bytes of a [`Spool`], to be read by any number of threads. A clone is the same bytes.
///
/// A file stays open as long as a clone or a reader lives.
#[derive(Clone, Debug)]
pub struct Sealed(Held);

#[derive(Clone, Debug)]
enum Held {
    Memory(Arc<Chunks>),
    /// Closed before it is removed.
    File(Arc<OpenFile>, Arc<TempFile>),
}

impl Sealed {
    pub(super) fn in_memory(chunks: Chunks) -> Sealed {
        Sealed(Held::Memory(Arc::new(chunks)))
    }

    pub(super) fn in_file(open: OpenFile, file: Arc<TempFile>) -> Sealed {
        Sealed(Held::File(Arc::new(open), file))
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Held::Memory(chunks) => chunks.len(),
            Held::File(_, file) => file.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves in `out` the `len` bytes from `offset` on, and nothing else. An error where there are not so many.
    pub fn read_at(&self, offset: u64, len: usize, out: &mut Vec<u8>) -> Result<()> {
        self.check(offset, len)?;
        out.resize(len, 0);
        self.fill(offset, out)
    }

    /// Reads the bytes of `range`, as far as there are any, in order.
    pub fn reader(&self, range: Range<u64>) -> SealedReader {
        self.reader_with(range, BUFFER)
    }

    /// The same with a buffer of so many bytes, if they are in a file; one at least.
    pub(super) fn reader_with(&self, range: Range<u64>, buffer_bytes: usize) -> SealedReader {
        let end = range.end.min(self.len());
        let next = range.start.min(end);
        let buffer_bytes = buffer_bytes.clamp(1, usize::try_from(end - next).unwrap_or(usize::MAX).max(1));
        SealedReader { sealed: self.clone(), next, end, buffer: Vec::new(), buffer_at: next, buffer_bytes }
    }

    /// Fills `out` with the bytes from `offset` on.
    pub(super) fn fill(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.check(offset, out.len())?;
        match &self.0 {
            Held::File(open, _) => open.read(offset, out),
            Held::Memory(chunks) => {
                let mut done = 0;
                while done < out.len() {
                    let piece = chunks.from(offset + done as u64);
                    let taken = piece.len().min(out.len() - done);
                    out[done..done + taken].copy_from_slice(&piece[..taken]);
                    done += taken;
                }
                Ok(())
            }
        }
    }

    /// The bytes from `offset` to the end of its chunk, where they are in memory.
    pub(super) fn chunk(&self, offset: u64) -> Option<&[u8]> {
        match &self.0 {
            Held::Memory(chunks) => Some(chunks.from(offset)),
            Held::File(..) => None,
        }
    }

    /// The bytes from `offset` on, as many as fit in `space` or there are.
    pub(super) fn peek<'a>(&self, offset: u64, space: &'a mut [u8]) -> Result<&'a [u8]> {
        let most = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX).min(space.len());
        self.fill(offset, &mut space[..most])?;
        Ok(&space[..most])
    }

    /// What is to be said when the bytes are not those that were appended.
    pub(super) fn damaged(&self) -> Error {
        match &self.0 {
            Held::Memory(_) => {
                Error::Run("no row or value of temporary data begins where one was asked for".into())
            }
            Held::File(open, _) => damaged(open.path()),
        }
    }

    fn check(&self, offset: u64, len: usize) -> Result<()> {
        if offset.checked_add(len as u64).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let bytes = self.len();
        Err(Error::Run(format!(
            "temporary data of {bytes} bytes were asked for {len} more from byte {offset} on"
        )))
    }
}

/// Reads a part of a [`Sealed`] in order. From a file with a buffer of 1 MiB, or of as much as there is to read.
#[derive(Debug)]
pub struct SealedReader {
    sealed: Sealed,
    /// The next byte to hand out.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer was read.
    buffer_at: u64,
    buffer_bytes: usize,
}

impl SealedReader {
    /// How many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.end - self.next
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// The next bytes, as many as are at hand; none at the end.
    pub(super) fn window(&mut self) -> Result<&[u8]> {
        match &self.sealed.0 {
            Held::Memory(chunks) => {
                let piece = chunks.from(self.next);
                let most = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
                Ok(&piece[..piece.len().min(most)])
            }
            Held::File(open, _) => {
                let mut from = usize::try_from(self.next - self.buffer_at).unwrap_or(usize::MAX);
                if from >= self.buffer.len() && self.next < self.end {
                    let most = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
                    let wanted = self.buffer_bytes.min(most);
                    if self.buffer.capacity() < wanted {
                        self.buffer.reserve_exact(wanted - self.buffer.len());
                    }
                    self.buffer.resize(wanted, 0);
                    (self.buffer_at, from) = (self.next, 0);
                    if let Err(error) = open.read(self.next, &mut self.buffer) {
                        self.buffer.clear();
                        return Err(error);
                    }
                }
                Ok(self.buffer.get(from..).unwrap_or(&[]))
            }
        }
    }

    /// The next bytes, as many as fit in `space` or there are; they stay the next ones.
    pub(super) fn peek<'a>(&self, space: &'a mut [u8]) -> Result<&'a [u8]> {
        let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(space.len());
        self.sealed.peek(self.next, &mut space[..most])
    }

    /// Goes on by so many bytes, to the end at most.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.next = self.next.saturating_add(bytes).min(self.end);
    }

    /// Fills `out` with the next bytes. An error where there are not so many.
    pub(super) fn take(&mut self, out: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while done < out.len() {
            let window = self.window()?;
            let taken = window.len().min(out.len() - done);
            if taken == 0 {
                return Err(self.sealed.damaged());
            }
            out[done..done + taken].copy_from_slice(&window[..taken]);
            self.skip(taken as u64);
            done += taken;
        }
        Ok(())
    }

    /// What is to be said when the bytes are not those that were appended.
    pub(super) fn damaged(&self) -> Error {
        self.sealed.damaged()
    }
}

impl BufRead for SealedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.window().map_err(io::Error::other)
    }

    fn consume(&mut self, bytes: usize) {
        self.skip(bytes as u64);
    }
}

impl Read for SealedReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let window = self.fill_buf()?;
        let taken = window.len().min(out.len());
        out[..taken].copy_from_slice(&window[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}
