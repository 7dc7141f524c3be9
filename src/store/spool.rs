//! Where do bytes wait that are read again later?
//!
//! Bytes in, the same bytes out, anywhere or in order. While they are few they stay in memory; then all of them go to one
//! file, and one chunk of a quarter of the memory, at most 1 MiB, gathers what comes for the next write.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::chunks::Chunks;
use super::file::{OpenFile, SavedFile, TempFile, damaged};
use super::tail::{Tail, append_rest};
use super::{Saved, Workspace};
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
    tail: Tail,
    most_chunks: usize,
    /// The file, where not all bytes are in memory.
    open: Option<OpenFile>,
}

/// The saved state of a [`Spool`] or [`Sealed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedBytes(SavedFile);

impl SavedBytes {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.0.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn of(file: SavedFile) -> SavedBytes {
        SavedBytes(file)
    }

    pub(super) fn file(&self) -> &SavedFile {
        &self.0
    }

    /// What the store was called, as far as it stands in the name of a file.
    pub(super) fn label(&self) -> &str {
        self.0.label()
    }

    /// What is to be said when the state is none.
    pub(super) fn unusable(&self, workspace: &Workspace) -> Error {
        self.0.unusable(workspace, "is not what the state of the run says it is")
    }
}

/// The names of its files: one.
impl Saved for SavedBytes {
    fn files(&self) -> Vec<&str> {
        vec![&self.0.name]
    }
}

impl Spool {
    /// Empty. Takes up to `memory_bytes` of memory (64 at least), then a file. `name` helps a person to tell the files
    /// apart; it may be anything, and no two need differ.
    pub fn new(workspace: &Workspace, name: &str, memory_bytes: usize) -> Spool {
        let (chunk, most_chunks) = shares(memory_bytes);
        Spool {
            workspace: workspace.clone(),
            name: name.into(),
            tail: Tail::new(chunk),
            most_chunks,
            open: None,
        }
    }

    /// As it was when the state was saved; what was appended later is gone. An error where the file does not hold what it
    /// held then. Cost: the bytes are read once.
    pub fn resume(workspace: &Workspace, saved: &SavedBytes, memory_bytes: usize) -> Result<Spool> {
        let (chunk, most_chunks) = shares(memory_bytes);
        let (tail, open) = Tail::resume(workspace, &saved.0, chunk, most_chunks)?;
        Ok(Spool {
            workspace: workspace.clone(),
            name: saved.label().into(),
            open: if tail.is_in_memory() { None } else { Some(open) },
            tail,
            most_chunks,
        })
    }

    /// Appends `bytes`; returns the offset at which they begin.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let offset = self.len();
        let mut rest = bytes;
        loop {
            rest = &rest[self.tail.chunks.fill(rest)..];
            if rest.is_empty() {
                break;
            }
            if !self.tail.is_in_memory() || self.tail.chunks.count() == self.most_chunks {
                self.write()?;
                // One chunk stays, to gather what comes.
                self.tail.leave_memory().empty();
            }
            if !self.tail.chunks.has_room() {
                self.tail.chunks.grow();
            }
        }
        Ok(offset)
    }

    /// How many bytes were appended.
    pub fn len(&self) -> u64 {
        self.tail.len()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all that was appended so far durable, in a file. Cost: one write of what was appended since the last time,
    /// and one sync; what is in memory stays there.
    pub fn save(&mut self) -> Result<SavedBytes> {
        self.write()?;
        let saved = self.tail.file.as_ref().map(|file| file.save(self.open.as_ref()));
        if self.tail.is_in_memory() {
            self.open = None;
        }
        Ok(SavedBytes(saved.ok_or_else(|| nothing_written(&self.name))??))
    }

    /// The bytes, to be read. Those in memory stay there, those in a file take none.
    pub fn finish(mut self) -> Result<Sealed> {
        if !self.tail.is_in_memory() {
            self.write()?;
        }
        Ok(Sealed::of(&self.workspace, &self.name, self.tail, self.open))
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.tail.chunks.capacity()
    }

    /// Writes what waits, to the file, which is opened and made if need be.
    fn write(&mut self) -> Result<()> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.tail.open(&self.workspace, &self.name)?,
        };
        self.tail.write(self.open.insert(open))
    }
}

/// The size of a chunk, and how many fit in so much memory, of which there is one at least.
fn shares(memory_bytes: usize) -> (usize, usize) {
    let chunk = Chunks::new((memory_bytes / 4).clamp(LEAST_CHUNK, BUFFER)).size();
    (chunk, (memory_bytes / chunk).max(1))
}

fn nothing_written(name: &str) -> Error {
    Error::Run(format!("temporary data ({name}) were not written"))
}

/// The bytes of a [`Spool`], to be read by any number of threads. A clone is the same bytes.
///
/// A file stays open as long as a clone or a reader lives.
#[derive(Clone, Debug)]
pub struct Sealed(Held);

#[derive(Clone, Debug)]
enum Held {
    Memory(Arc<Memory>),
    /// Closed before it is removed.
    File(Arc<OpenFile>, Arc<TempFile>),
}

/// Bytes in memory, and what is needed to save a state of them.
#[derive(Debug)]
struct Memory {
    chunks: Chunks,
    /// With a beginning of the bytes, or all of them.
    file: Mutex<Option<TempFile>>,
    workspace: Workspace,
    name: Box<str>,
}

impl Sealed {
    /// The bytes of a saved state: in memory where `memory_bytes` hold them, otherwise in the file. An error where that
    /// does not hold what it held then. Cost: the bytes are read once.
    pub fn reopen(workspace: &Workspace, saved: &SavedBytes, memory_bytes: usize) -> Result<Sealed> {
        let (chunk, most_chunks) = shares(memory_bytes);
        let (tail, open) = Tail::reopen(workspace, &saved.0, chunk, most_chunks)?;
        Ok(Sealed::of(workspace, saved.label(), tail, Some(open)))
    }

    /// Makes the bytes durable, in a file. Cost: one write of those that are in memory and in no file, once, and one
    /// sync.
    pub fn save(&self) -> Result<SavedBytes> {
        match &self.0 {
            Held::File(open, file) => Ok(SavedBytes(file.save(Some(open))?)),
            Held::Memory(memory) => memory.save(),
        }
    }

    /// These bytes, which are in memory, or all in the file, which is `open`.
    pub(super) fn of(workspace: &Workspace, name: &str, tail: Tail, open: Option<OpenFile>) -> Sealed {
        let is_in_memory = tail.is_in_memory();
        match (tail.file, open) {
            (Some(file), Some(open)) if !is_in_memory => Sealed::in_file(open, Arc::new(file)),
            (file, _) => Sealed(Held::Memory(Arc::new(Memory {
                chunks: tail.chunks,
                file: Mutex::new(file),
                workspace: workspace.clone(),
                name: name.into(),
            }))),
        }
    }

    pub(super) fn in_file(open: OpenFile, file: Arc<TempFile>) -> Sealed {
        Sealed(Held::File(Arc::new(open), file))
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Held::Memory(memory) => memory.chunks.len(),
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
            Held::Memory(memory) => {
                let mut done = 0;
                while done < out.len() {
                    let piece = memory.chunks.from(offset + done as u64);
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
            Held::Memory(memory) => Some(memory.chunks.from(offset)),
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

impl Memory {
    fn save(&self) -> Result<SavedBytes> {
        // After an error the file is as it was.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut written, open) = match file.take() {
            Some(written) if written.len() == self.chunks.len() => {
                let saved = written.save(None);
                *file = Some(written);
                return saved.map(SavedBytes);
            }
            Some(written) => {
                let open = written.open();
                match open {
                    Ok(open) => (written, open),
                    Err(error) => {
                        *file = Some(written);
                        return Err(error);
                    }
                }
            }
            None => TempFile::create(&self.workspace, &self.name)?,
        };
        let saved =
            append_rest(&mut written, &open, &self.chunks, 0).and_then(|()| written.save(Some(&open)));
        *file = Some(written);
        saved.map(SavedBytes)
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
            Held::Memory(memory) => {
                let piece = memory.chunks.from(self.next);
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
