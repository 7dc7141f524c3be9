//! What of a store is in its file, what in memory?
//!
//! Bytes are appended in memory, and written from there. What was written stays in memory, too, until the store has no
//! room: so a state can be saved at the cost of what is new, and what fits in memory is still read there.

use super::Workspace;
use super::chunks::Chunks;
use super::file::{OpenFile, SavedFile, TempFile};
use crate::error::Result;

/// Bytes of which the first may be in a file and the last in memory; no byte is in neither.
#[derive(Debug)]
pub(super) struct Tail {
    pub chunks: Chunks,
    pub file: Option<TempFile>,
    /// Where in all bytes those in memory begin. They end where all end.
    start: u64,
}

impl Tail {
    /// No bytes. Those in memory are in chunks of `chunk` bytes.
    pub fn new(chunk: usize) -> Tail {
        Tail { chunks: Chunks::new(chunk), file: None, start: 0 }
    }

    /// The bytes of a saved state, checked, and in memory where `most_chunks` chunks hold them. The file is as long as
    /// they are from now on.
    pub fn resume(
        workspace: &Workspace,
        saved: &SavedFile,
        chunk: usize,
        most_chunks: usize,
    ) -> Result<(Tail, OpenFile)> {
        let (tail, open) = Tail::reopen(workspace, saved, chunk, most_chunks)?;
        if let Some(file) = &tail.file {
            file.cut(&open)?;
        }
        Ok((tail, open))
    }

    /// The same, and the file stays as it is.
    pub fn reopen(
        workspace: &Workspace,
        saved: &SavedFile,
        chunk: usize,
        most_chunks: usize,
    ) -> Result<(Tail, OpenFile)> {
        let mut chunks = Chunks::new(chunk);
        let fits = saved.bytes.div_ceil(chunks.size() as u64) <= most_chunks as u64;
        let see = |bytes: &[u8]| {
            if fits {
                chunks.extend(bytes);
            }
        };
        let (file, open) = TempFile::reopen(workspace, saved, see)?;
        let start = if fits { 0 } else { file.len() };
        Ok((Tail { chunks, file: Some(file), start }, open))
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.start + self.chunks.len()
    }

    /// Whether all bytes are in memory.
    pub fn is_in_memory(&self) -> bool {
        self.start == 0
    }

    /// Whether all bytes are in the file. Of no bytes there may be none.
    pub fn is_written(&self) -> bool {
        self.file.as_ref().map_or(0, TempFile::len) == self.len()
    }

    /// Opens the file, which is made where there is none.
    pub fn open(&mut self, workspace: &Workspace, name: &str) -> Result<OpenFile> {
        match &self.file {
            Some(file) => file.open(),
            None => {
                let (file, open) = TempFile::create(workspace, name)?;
                self.file = Some(file);
                Ok(open)
            }
        }
    }

    /// Writes what the file, which is `open`, does not have yet.
    pub fn write(&mut self, open: &OpenFile) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        append_rest(file, open, &self.chunks, self.start)
    }

    /// What is in memory is there no more, as all of it was written: the chunks stay for the caller to empty.
    pub fn leave_memory(&mut self) -> &mut Chunks {
        self.start = self.len();
        &mut self.chunks
    }
}

/// Appends those of the bytes that `file` does not have. `chunks` hold them from `start` on.
pub(super) fn append_rest(file: &mut TempFile, open: &OpenFile, chunks: &Chunks, start: u64) -> Result<()> {
    let mut at = start;
    for chunk in chunks.iter() {
        let end = at + chunk.len() as u64;
        let had = file.len().clamp(at, end) - at;
        if at + had < end {
            file.append(open, &chunk[had as usize..])?;
        }
        at = end;
    }
    Ok(())
}
