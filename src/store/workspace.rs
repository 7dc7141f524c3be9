//! Where do the temporary files of a run stand, and how much do they take?
//!
//! A folder in, files that go away with their owners out. A file that stays behind after a kill costs room, never truth:
//! no file of another run is ever opened, as every name is taken anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tempfile::TempDir;

use super::positioned::Positioned;
use crate::error::{Error, Result};

/// A folder for the temporary files of one run. A clone is the same folder.
///
/// A file goes away with its last owner. A folder that was made for the workspace goes away with the last file and the
/// last clone, unless something else stands in it by then.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// The folder once more, where it is the system's to choose: it removes itself.
    temporary: Option<TempDir>,
    made: bool,
    limit: AtomicU64,
    bytes: AtomicU64,
    bytes_peak: AtomicU64,
    open: AtomicU64,
    open_peak: AtomicU64,
    files: AtomicU64,
}

impl Workspace {
    /// The folder `path`, which is made, with those above it, where it is not there.
    pub fn create(path: impl AsRef<Path>) -> Result<Workspace> {
        let path = path.as_ref();
        let made = !path.exists();
        fs::create_dir_all(path).map_err(|error| failed(path, error, 0))?;
        Ok(Workspace::of(path.to_owned(), None, made))
    }

    /// A new folder in the system's place for temporary files.
    pub fn temporary() -> Result<Workspace> {
        let place = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("dittograph-").tempdir_in(&place);
        let folder = made.map_err(|error| failed(&place, error, 0))?;
        Ok(Workspace::of(folder.path().to_owned(), Some(folder), false))
    }

    fn of(folder: PathBuf, temporary: Option<TempDir>, made: bool) -> Workspace {
        Workspace(Arc::new(Inner {
            folder,
            temporary,
            made,
            limit: AtomicU64::new(u64::MAX),
            bytes: AtomicU64::new(0),
            bytes_peak: AtomicU64::new(0),
            open: AtomicU64::new(0),
            open_peak: AtomicU64::new(0),
            files: AtomicU64::new(0),
        }))
    }

    /// The same folder, from now on full when its files take `bytes`: a write beyond that fails as on a full disk.
    pub fn with_limit(self, bytes: u64) -> Workspace {
        self.0.limit.store(bytes, Relaxed);
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Bytes that its files take now.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    /// The most bytes that its files took at any time.
    pub fn bytes_peak(&self) -> u64 {
        self.0.bytes_peak.load(Relaxed)
    }

    /// How many of its files are open now.
    pub fn open_files(&self) -> u64 {
        self.0.open.load(Relaxed)
    }

    /// How many of its files were open at once at any time.
    pub fn open_files_peak(&self) -> u64 {
        self.0.open_peak.load(Relaxed)
    }

    /// Bytes that the disk still has room for, to whoever runs this; nothing where the system does not say (not Unix).
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        #[cfg(unix)]
        {
            let disk = rustix::fs::statvfs(self.folder());
            let disk = disk.map_err(|error| failed(self.folder(), error.into(), self.bytes()))?;
            Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
        }
        #[cfg(not(unix))]
        Ok(None)
    }

    /// Counts `bytes` more on disk; false, and nothing counted, where that would be beyond the limit.
    fn take_room(&self, bytes: u64) -> bool {
        let limit = self.0.limit.load(Relaxed);
        let more = |now: u64| now.checked_add(bytes).filter(|&then| then <= limit);
        match self.0.bytes.fetch_update(Relaxed, Relaxed, more) {
            Ok(before) => {
                self.0.bytes_peak.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    fn give_room(&self, bytes: u64) {
        self.0.bytes.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.made && self.temporary.is_none() {
            // A folder that is not empty stays: what is in it is kept, or not ours.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// A file of a workspace; goes away when dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct TempFile {
    workspace: Workspace,
    path: PathBuf,
    length: u64,
    kept: bool,
}

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
        let name = plain(name);
        loop {
            let number = workspace.0.files.fetch_add(1, Relaxed);
            let path = workspace.folder().join(format!("{name}-{number}"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let open = OpenFile::of(file, &path, workspace);
                    return Ok((
                        TempFile { workspace: workspace.clone(), path, length: 0, kept: false },
                        open,
                    ));
                }
                // What a killed run left.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path, error, workspace.bytes())),
            }
        }
    }

    /// Opens it once more.
    pub fn open(&self) -> Result<OpenFile> {
        let opened = OpenOptions::new().read(true).write(true).open(&self.path);
        let file = opened.map_err(|error| failed(&self.path, error, self.workspace.bytes()))?;
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
            return Err(failed(&self.path, ErrorKind::StorageFull.into(), self.workspace.bytes()));
        }
        if let Err(error) = open.file.write_all_at(bytes, self.length) {
            self.workspace.give_room(more);
            // The next write begins at the same place, whether or not this gives the torn one's room back.
            let _ = open.file.set_len(self.length);
            return Err(failed(&self.path, error, self.workspace.bytes()));
        }
        self.length += more;
        Ok(())
    }

    /// Makes what was appended durable.
    pub fn sync(&self, open: &OpenFile) -> Result<()> {
        open.file.sync_data().map_err(|error| failed(&self.path, error, self.workspace.bytes()))
    }

    /// Leaves the file where it is when this is dropped.
    pub fn keep(&mut self) -> &Path {
        self.kept = true;
        &self.path
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed takes room and does no other harm.
            let _ = fs::remove_file(&self.path);
            self.workspace.give_room(self.length);
        }
    }
}

impl OpenFile {
    fn of(file: File, path: &Path, workspace: &Workspace) -> OpenFile {
        let before = workspace.0.open.fetch_add(1, Relaxed);
        workspace.0.open_peak.fetch_max(before + 1, Relaxed);
        OpenFile { file: Positioned::new(file), path: path.to_owned(), workspace: workspace.clone() }
    }

    /// Fills `bytes` from `offset` on.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => damaged(&self.path),
            _ => failed(&self.path, error, self.workspace.bytes()),
        })
    }

    /// For error sentences.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.workspace.0.open.fetch_sub(1, Relaxed);
    }
}

/// What is left of a name in a path: nothing but letters and digits of ASCII and `-`, 40 at most.
fn plain(name: &str) -> String {
    name.chars().filter(|&letter| letter.is_ascii_alphanumeric() || letter == '-').take(40).collect()
}

/// What went wrong at `path`, while temporary files took `bytes`.
fn failed(path: &Path, error: io::Error, bytes: u64) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Run(format!(
            "{}: no room left on the disk, of which temporary files take {bytes} bytes; free some room or name \
             another --tmp, then run the same command again to go on",
            path.display()
        )),
        _ => Error::io(path)(error),
    }
}

/// A file that does not say what was written to it.
pub(super) fn damaged(path: &Path) -> Error {
    Error::Run(format!(
        "{}: not as it was written: something else changed it during the run; run the same command again",
        path.display()
    ))
}
