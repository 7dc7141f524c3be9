//! The records of single documents, read again.
//!
//! Where a file is plain, its records are read from it by position. A packed one cannot be entered in its middle; its records
//! are kept in a spool from the first reading on.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::head::Head;
use crate::corpus::{Compression, Fields, Shard, parse};
use crate::error::{Error, Result};
use crate::store::{SavedBytes, Sealed, Spool, Workspace};

/// Takes the records of packed files in.
pub struct RecordSpool(Spool);

impl RecordSpool {
    /// Empty; this much may wait in memory.
    pub fn new(workspace: &Workspace, memory_bytes: usize) -> RecordSpool {
        RecordSpool(Spool::new(workspace, "records", memory_bytes))
    }

    /// Keeps a record; says where.
    pub fn push(&mut self, record: &[u8]) -> Result<u64> {
        self.0.append(record)
    }

    /// Its state.
    pub fn save(&mut self) -> Result<SavedBytes> {
        self.0.save()
    }

    /// As it was when its state was saved.
    pub fn resume(workspace: &Workspace, saved: &SavedBytes, memory_bytes: usize) -> Result<RecordSpool> {
        Ok(RecordSpool(Spool::resume(workspace, saved, memory_bytes)?))
    }

    /// Ready to be read.
    pub fn finish(self, fields: Fields) -> Result<RecordFiles> {
        Ok(RecordFiles { packed: self.0.finish()?, fields, open: Mutex::default() })
    }
}

/// Gives texts back.
pub struct RecordFiles {
    packed: Sealed,
    fields: Fields,
    /// The files that were read last, newest last.
    open: Mutex<VecDeque<OpenFile>>,
}

/// A file, by shard and part.
type OpenFile = ((u32, u32), Arc<File>);

/// So many files are held open.
const OPEN_FILES: usize = 16;

impl RecordFiles {
    /// The state of what was kept.
    pub fn save(&self) -> Result<SavedBytes> {
        self.packed.save()
    }

    /// As they were when their state was saved.
    pub fn reopen(
        workspace: &Workspace,
        saved: &SavedBytes,
        memory_bytes: usize,
        fields: Fields,
    ) -> Result<RecordFiles> {
        let packed = Sealed::reopen(workspace, saved, memory_bytes)?;
        Ok(RecordFiles { packed, fields, open: Mutex::default() })
    }

    /// The text of a document.
    ///
    /// # Errors
    /// Where its record cannot be read, or is no longer what it was.
    pub fn text(&self, shard: &Shard, head: &Head) -> Result<String> {
        let part = &shard.parts[head.part as usize];
        let mut bytes = Vec::new();
        if part.compression == Compression::None {
            bytes.resize(head.bytes as usize, 0);
            let file = self.file((head.id().shard, head.part), &part.path)?;
            read_exact_at(&file, &mut bytes, head.offset).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => changed(&part.path),
                _ => Error::io(&part.path)(error),
            })?;
        } else {
            self.packed.read_at(head.offset, head.bytes as usize, &mut bytes)?;
        }
        let record = parse(shard.format, &bytes, &self.fields).map_err(|_| changed(&part.path))?;
        Ok(record.text.into_owned())
    }

    fn file(&self, key: (u32, u32), path: &Path) -> Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.iter().rev().find(|(known, _)| *known == key) {
            return Ok(known.1.clone());
        }
        let file = Arc::new(File::open(path).map_err(Error::io(path))?);
        if open.len() == OPEN_FILES {
            open.pop_front();
        }
        open.push_back((key, file.clone()));
        Ok(file)
    }
}

fn changed(path: &Path) -> Error {
    Error::Run(format!(
        "{}: changed while it was being read; run again when nobody writes to it",
        path.display()
    ))
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    static TURN: Mutex<()> = Mutex::new(()); // the handle has one place for all threads
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
