//! How do bytes get into a file of a workspace, and out of it again?
//!
//! Bytes are appended; what a [`SavedFile`] says of them stays true of the first ones, however many follow. So states that
//! are saved one after the other share one file, and a file that is cut to a saved length is the file that it was then.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::Workspace;
use super::faults::Operation;
use super::positioned::Positioned;
use super::spool::BUFFER;
use crate::error::{Error, Result};

/// What the first bytes of a file were when a state was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedFile {
    pub name: String,
    /// How many bytes, and their XXH3-64.
    pub bytes: u64,
    pub hash: u64,
}

impl SavedFile {
    /// What a person reads of the file's name.
    pub fn label(&self) -> &str {
        self.name.rsplit_once('-').map_or("", |(label, _)| label)
    }

    /// What is to be said when the file cannot be what `problem` says it should be.
    pub fn unusable(&self, workspace: &Workspace, problem: &str) -> Error {
        unusable(&workspace.folder().join(&self.name), problem)
    }
}

/// A file of a workspace; goes away when dropped, unless a state of it was saved.
#[derive(Debug)]
pub(super) struct TempFile {
    workspace: Workspace,
    name: String,
    path: PathBuf,
    length: u64,
    /// Of all bytes, where the workspace outlives the process.
    hash: Option<Hash>,
    /// How many bytes are durable.
    synced: AtomicU64,
    saved: AtomicBool,
}

/// XXH3-64 of bytes that come one after the other.
#[derive(Default)]
struct Hash(Box<Xxh3Default>);

/// A [`TempFile`] while it is open.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: Positioned,
    path: PathBuf,
    workspace: Workspace,
}

impl TempFile {
    /// A new, empty file. What a person reads of `name` stands in its name.
    pub fn create(workspace: &Workspace, name: &str) -> Result<(TempFile, OpenFile)> {
        let label = plain(name);
        loop {
            let name = format!("{label}-{}", workspace.next_number());
            let path = workspace.folder().join(&name);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            match workspace.meet(Operation::Create, 0).and_then(|_| options.open(&path)) {
                Ok(file) => {
                    let open = OpenFile::of(file, &path, workspace);
                    return Ok((TempFile::of(workspace, name, 0, false), open));
                }
                // What a killed run left.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(workspace.failed(&path, error)),
            }
        }
    }

    /// The file of a saved state, whose bytes are all read, checked and shown to `see`, in order. What stands behind them
    /// is not looked at. An error where they are not there, or are not what was saved.
    pub fn reopen(
        workspace: &Workspace,
        saved: &SavedFile,
        mut see: impl FnMut(&[u8]),
    ) -> Result<(TempFile, OpenFile)> {
        if number_in(&saved.name).is_none() {
            return Err(saved.unusable(workspace, "has a name that no file of temporary data has"));
        }
        let mut temporary = TempFile::of(workspace, saved.name.clone(), saved.bytes, true);
        let open = temporary.open().map_err(|error| match error {
            Error::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                saved.unusable(workspace, "is missing, and the state of the run needs it")
            }
            error => error,
        })?;
        let length = open.file.len().map_err(|error| workspace.failed(&open.path, error))?;
        if length < saved.bytes {
            let problem =
                format!("has {length} of the {} bytes that the state of the run needs", saved.bytes);
            return Err(saved.unusable(workspace, &problem));
        }
        let mut hash = Hash::default();
        let mut buffer = vec![0; usize::try_from(saved.bytes).unwrap_or(usize::MAX).min(BUFFER)];
        let mut at = 0;
        while at < saved.bytes {
            let most = usize::try_from(saved.bytes - at).unwrap_or(usize::MAX).min(buffer.len());
            open.read(at, &mut buffer[..most])?;
            hash.0.update(&buffer[..most]);
            see(&buffer[..most]);
            at += most as u64;
        }
        if hash.0.digest() != saved.hash {
            return Err(saved.unusable(workspace, "is not as it was when the state of the run was saved"));
        }
        temporary.hash = Some(hash);
        Ok((temporary, open))
    }

    fn of(workspace: &Workspace, name: String, length: u64, saved: bool) -> TempFile {
        workspace.take_file(&name);
        TempFile {
            path: workspace.folder().join(&name),
            name,
            length,
            hash: workspace.outlives().then(Hash::default),
            synced: AtomicU64::new(length),
            saved: AtomicBool::new(saved),
            workspace: workspace.clone(),
        }
    }

    /// Opens it once more.
    pub fn open(&self) -> Result<OpenFile> {
        let opened = OpenOptions::new().read(true).write(true).open(&self.path);
        let file = opened.map_err(|error| self.workspace.failed(&self.path, error))?;
        Ok(OpenFile::of(file, &self.path, &self.workspace))
    }

    /// How many bytes were appended.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Appends to the file, which is `open`. After an error the file is as it was.
    pub fn append(&mut self, open: &OpenFile, bytes: &[u8]) -> Result<()> {
        let more = bytes.len() as u64;
        if !self.workspace.take_room(more) {
            return Err(self.workspace.failed(&self.path, ErrorKind::StorageFull.into()));
        }
        if let Err(error) = open.write(self.length, bytes) {
            self.workspace.give_room(more);
            // The next write begins at the same place, whether or not this gives the torn one's room back.
            let _ = open.file.set_len(self.length);
            return Err(self.workspace.failed(&self.path, error));
        }
        if let Some(hash) = &mut self.hash {
            hash.0.update(bytes);
        }
        self.length += more;
        Ok(())
    }

    /// Cuts off what stands behind the bytes that were appended or reopened.
    pub fn cut(&self, open: &OpenFile) -> Result<()> {
        let cut = open.file.len().and_then(|length| {
            if length > self.length {
                open.file.set_len(self.length)?;
                self.workspace.give_room(length - self.length);
            }
            Ok(())
        });
        cut.map_err(|error| self.workspace.failed(&self.path, error))
    }

    /// Makes what was appended durable. Where that is not yet so and the file is not open, it is opened.
    pub fn save(&self, open: Option<&OpenFile>) -> Result<SavedFile> {
        let Some(hash) = &self.hash else {
            return Err(Error::Run(format!(
                "{}: goes with its run, and no state of it can be saved",
                self.path.display()
            )));
        };
        if self.synced.load(Relaxed) < self.length {
            match open {
                Some(open) => open.sync()?,
                None => self.open()?.sync()?,
            }
            self.synced.store(self.length, Relaxed);
        }
        self.saved.store(true, Relaxed);
        Ok(SavedFile { name: self.name.clone(), bytes: self.length, hash: hash.0.digest() })
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if self.workspace.leave_file(&self.name) && !self.saved.load(Relaxed) {
            // What cannot be removed takes room and does no other harm.
            let _ = std::fs::remove_file(&self.path);
            self.workspace.give_room(self.length);
        }
    }
}

impl OpenFile {
    pub fn of(file: File, path: &Path, workspace: &Workspace) -> OpenFile {
        workspace.count_opened();
        OpenFile { file: Positioned::new(file), path: path.to_owned(), workspace: workspace.clone() }
    }

    /// Fills `bytes` from `offset` on, in as many reads as the system takes for that.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let read = self.workspace.meet(Operation::Read, bytes.len() - done).and_then(|most| {
                self.file.read_at(&mut bytes[done..done + most], offset.saturating_add(done as u64))
            });
            match read {
                Ok(0) => return Err(damaged(&self.path)),
                Ok(read) => done += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.workspace.failed(&self.path, error)),
            }
        }
        Ok(())
    }

    /// Writes `bytes` from `offset` on, in as many writes as the system takes for that.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let written = self.workspace.meet(Operation::Write, bytes.len() - done).and_then(|most| {
                self.file.write_at(&bytes[done..done + most], offset.saturating_add(done as u64))
            });
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes all bytes durable.
    pub fn sync(&self) -> Result<()> {
        let synced = self.workspace.meet(Operation::Sync, 0).and_then(|_| self.file.sync_data());
        synced.map_err(|error| self.workspace.failed(&self.path, error))
    }

    /// Makes all bytes durable and what the system knows of the file.
    pub fn sync_all(&self) -> io::Result<()> {
        self.workspace.meet(Operation::Sync, 0).and_then(|_| self.file.sync_all())
    }

    /// For error sentences.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.workspace.count_closed();
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0.digest())
    }
}

/// What is left of a name in a path: nothing but letters and digits of ASCII and `-`, 40 at most.
fn plain(name: &str) -> String {
    name.chars().filter(|&letter| may_stand(letter)).take(LONGEST_LABEL).collect()
}

const LONGEST_LABEL: usize = 40;

fn may_stand(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

/// The number at the end of a name that [`TempFile::create`] gives; none of other names.
pub(super) fn number_in(name: &str) -> Option<u64> {
    let (label, number) = name.rsplit_once('-')?;
    let ours = label.len() <= LONGEST_LABEL && label.chars().all(may_stand);
    let digits = number.bytes().all(|digit| digit.is_ascii_digit());
    if ours && digits { number.parse().ok() } else { None }
}

/// A file that does not say what was written to it.
pub(super) fn damaged(path: &Path) -> Error {
    Error::Run(format!(
        "{}: not as it was written: something else changed it during the run; run the same command again",
        path.display()
    ))
}

/// A file from which a run cannot go on.
pub(super) fn unusable(path: &Path, problem: &str) -> Error {
    Error::Run(format!("{}: {problem}; run again with --force to start anew", path.display()))
}
