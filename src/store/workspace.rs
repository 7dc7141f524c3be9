//! Where do the temporary files of a run stand, and how much do they take?
//!
//! A folder in, a place for files out. Of two kinds: in one the files go away with their owners; the other outlives the
//! process, so that a run that was killed can go on. A file that stays behind after a kill costs room, never truth: no
//! file of another run is opened but by its saved state, as every name is taken anew.
//!
//! In a workspace that outlives the process stand, beside the files of stores, `lock`, which tells a second run that one
//! is at work, and `checkpoint` (see [`Checkpoint`](super::Checkpoint)).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tempfile::TempDir;

use super::faults::{Faults, Operation};
use super::file::number_in;
use crate::error::{Error, Result};

/// A folder for the temporary files of one run. A clone is the same folder.
///
/// A file goes away with its last owner. A folder that was made for the workspace goes away with the last file and the
/// last clone, unless something else stands in it by then. For a workspace that was [opened](Workspace::open) see there.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    stay: Stay,
    /// Whether the files were removed: what has a name of theirs now belongs to somebody else.
    removed: AtomicBool,
    /// The names of files that have an owner, and how many.
    owned: Mutex<BTreeMap<String, usize>>,
    faults: OnceLock<Arc<Faults>>,
    limit: AtomicU64,
    bytes: AtomicU64,
    bytes_peak: AtomicU64,
    open: AtomicU64,
    open_peak: AtomicU64,
    files: AtomicU64,
}

/// What becomes of the folder in the end.
#[derive(Debug)]
enum Stay {
    /// It was there, and stays.
    Found,
    /// It was made, and goes.
    Made,
    /// It is the system's, and removes itself.
    Temporary { _folder: TempDir },
    /// It outlives the process, which holds this file locked.
    Outlives { _lock: File },
}

/// The file that one process holds locked. It says which.
const LOCK: &str = "lock";

/// With these words begins what stands in [`LOCK`]: the mark of a folder whose files are ours to delete.
const MARK: &str = "dittograph";

/// The saved state of the run, and what it is called until it is whole.
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const NEW_CHECKPOINT: &str = "checkpoint.new";

impl Workspace {
    /// The folder `path`, which is made, with those above it, where it is not there.
    pub fn create(path: impl AsRef<Path>) -> Result<Workspace> {
        let path = path.as_ref();
        let stay = if path.exists() { Stay::Found } else { Stay::Made };
        fs::create_dir_all(path).map_err(|error| failed(path, error, 0))?;
        Ok(Workspace::of(path.to_owned(), stay))
    }

    /// A new folder in the system's place for temporary files.
    pub fn temporary() -> Result<Workspace> {
        let place = std::env::temp_dir();
        let made = tempfile::Builder::new().prefix("dittograph-").tempdir_in(&place);
        let folder = made.map_err(|error| failed(&place, error, 0))?;
        let path = folder.path().to_owned();
        Ok(Workspace::of(path, Stay::Temporary { _folder: folder }))
    }

    /// The folder `path` as a workspace that outlives the process. It is made, with those above it, where it is not
    /// there.
    ///
    /// A file of which a state was saved stays when its owners are gone, until [`Workspace::forget_others`] or
    /// [`Workspace::remove`]; a file of which none was goes with them. A name is never given twice.
    ///
    /// An error where another run is at work in the folder, which is told by a lock that the system takes back when its
    /// process ends, however it ends; and where something stands in the folder that is no workspace.
    pub fn open(path: impl AsRef<Path>) -> Result<Workspace> {
        let path = path.as_ref();
        let workspace = Workspace::of(path.to_owned(), Stay::Outlives { _lock: lock(path)? });
        for (_, number, bytes) in workspace.files()? {
            workspace.pass_over(number.saturating_add(1));
            workspace.0.bytes.fetch_add(bytes, Relaxed);
        }
        let checkpoint = fs::metadata(workspace.folder().join(CHECKPOINT)).map_or(0, |about| about.len());
        workspace.0.bytes.fetch_add(checkpoint, Relaxed);
        workspace.0.bytes_peak.store(workspace.bytes(), Relaxed);
        Ok(workspace)
    }

    fn of(folder: PathBuf, stay: Stay) -> Workspace {
        Workspace(Arc::new(Inner {
            folder,
            stay,
            removed: AtomicBool::new(false),
            owned: Mutex::default(),
            faults: OnceLock::new(),
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

    /// The same folder, on a disk with these faults. The first plan stays, were there more.
    pub fn with_faults(self, faults: Arc<Faults>) -> Workspace {
        self.0.faults.get_or_init(|| faults);
        self
    }

    /// Deletes the checkpoint, and with it what it names of which nobody owns anything.
    pub fn start_anew(&self) -> Result<()> {
        if !self.outlives() {
            return Ok(());
        }
        self.delete_checkpoint()?;
        self.forget_others::<&str>([])
    }

    fn delete_checkpoint(&self) -> Result<()> {
        let bytes = fs::metadata(self.folder().join(CHECKPOINT)).map_or(0, |about| about.len());
        self.delete(CHECKPOINT)?;
        self.give_room(bytes);
        self.delete(NEW_CHECKPOINT)
    }

    /// Deletes the files of stores that nobody owns and that are not among `kept`: what a killed run left behind, and what
    /// was superseded. To be called when a checkpoint that names no others is durable. Nothing else is deleted, and
    /// nothing at all in a workspace that goes with its process.
    pub fn forget_others<Name: AsRef<str>>(&self, kept: impl IntoIterator<Item = Name>) -> Result<()> {
        if !self.outlives() {
            return Ok(());
        }
        let kept: std::collections::BTreeSet<String> =
            kept.into_iter().map(|name| name.as_ref().to_owned()).collect();
        for (name, _, bytes) in self.files()? {
            if !kept.contains(&name) && !self.owned().contains_key(&name) {
                self.delete(&name)?;
                self.give_room(bytes);
            }
        }
        Ok(())
    }

    /// Deletes the checkpoint, all files of stores, whoever owns them, and the folder, unless something else stands in
    /// it. Where the workspace goes with its process, this is left to that.
    pub fn remove(self) -> Result<()> {
        if !self.outlives() {
            return Ok(());
        }
        // First what names the others: a run that is killed here leaves nothing that goes on.
        self.delete_checkpoint()?;
        for (name, _, bytes) in self.files()? {
            self.delete(&name)?;
            self.give_room(bytes);
        }
        self.0.removed.store(true, Relaxed);
        // Where something else stands in the folder, it stays, and that alone.
        self.delete(LOCK)?;
        let _ = fs::remove_dir(self.folder());
        Ok(())
    }

    /// Whether a later run could go on from here.
    pub fn has_checkpoint(&self) -> bool {
        self.outlives() && self.folder().join(CHECKPOINT).exists()
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
            let disk = disk.map_err(|error| self.failed(self.folder(), error.into()))?;
            Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
        }
        #[cfg(not(unix))]
        Ok(None)
    }

    /// Whether the files outlive the process.
    pub fn outlives(&self) -> bool {
        matches!(self.0.stay, Stay::Outlives { .. })
    }

    /// How many bytes the next call of the system may move, on a disk that may have faults.
    pub(super) fn meet(&self, operation: Operation, bytes: usize) -> io::Result<usize> {
        self.0.faults.get().map_or(Ok(bytes), |faults| faults.meet(operation, bytes))
    }

    /// What is to be said of what went wrong at `path`.
    pub(super) fn failed(&self, path: &Path, error: io::Error) -> Error {
        failed(path, error, self.bytes())
    }

    /// Counts `bytes` more on disk; false, and nothing counted, where that would be beyond the limit.
    pub(super) fn take_room(&self, bytes: u64) -> bool {
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

    pub(super) fn give_room(&self, bytes: u64) {
        // Something else may have made a file longer meanwhile.
        let _ = self.0.bytes.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_sub(bytes)));
    }

    /// A number that no file of the workspace has, and none ever had.
    pub(super) fn next_number(&self) -> u64 {
        self.0.files.fetch_add(1, Relaxed)
    }

    /// The least number that was not given yet.
    pub(super) fn numbers(&self) -> u64 {
        self.0.files.load(Relaxed)
    }

    /// Gives no number below `least` from now on.
    pub(super) fn pass_over(&self, least: u64) {
        self.0.files.fetch_max(least, Relaxed);
    }

    /// Counts one more owner of a file.
    pub(super) fn take_file(&self, name: &str) {
        *self.owned().entry(name.to_owned()).or_default() += 1;
    }

    /// Counts one owner less; whether the file is still where it was.
    pub(super) fn leave_file(&self, name: &str) -> bool {
        let mut owned = self.owned();
        if let Some(owners) = owned.get_mut(name) {
            *owners -= 1;
            if *owners == 0 {
                owned.remove(name);
            }
        }
        !self.0.removed.load(Relaxed)
    }

    pub(super) fn count_opened(&self) {
        let before = self.0.open.fetch_add(1, Relaxed);
        self.0.open_peak.fetch_max(before + 1, Relaxed);
    }

    pub(super) fn count_closed(&self) {
        self.0.open.fetch_sub(1, Relaxed);
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync_folder(&self) -> Result<()> {
        let synced = self.meet(Operation::Sync, 0).and_then(|_| sync_folder(self.folder()));
        synced.map_err(|error| self.failed(self.folder(), error))
    }

    /// A thread that panicked left the names as they were.
    fn owned(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of stores in the folder: their names, numbers and bytes.
    fn files(&self) -> Result<Vec<(String, u64, u64)>> {
        let mut files = Vec::new();
        let failed = |error| self.failed(self.folder(), error);
        for entry in fs::read_dir(self.folder()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some((name, number)) = name.to_str().and_then(|name| Some((name, number_in(name)?))) else {
                continue;
            };
            let about = entry.metadata().map_err(failed)?;
            if about.is_file() {
                files.push((name.to_owned(), number, about.len()));
            }
        }
        Ok(files)
    }

    fn delete(&self, name: &str) -> Result<()> {
        let path = self.folder().join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&path, error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if matches!(self.stay, Stay::Made) {
            // A folder that is not empty stays: what is in it is kept, or not ours.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Makes the folder where it is not there, and takes it for this process.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    loop {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error, 0))?;
        check_ours(folder)?;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match opened {
            // The run that was at work there removed the folder just now.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened.map_err(|error| failed(&path, error, 0))?,
        };
        match file.try_lock() {
            Ok(()) if is_at(&file, &path) => {
                let words = format!("{MARK}, process {}\n", std::process::id());
                let written = file.set_len(0).and_then(|()| file.write_all(words.as_bytes()));
                return written.map(|()| file).map_err(|error| failed(&path, error, 0));
            }
            // Removed before it was locked: whoever comes next would lock another one.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at_work(folder, file)),
            Err(TryLockError::Error(error)) => return Err(failed(&path, error, 0)),
        }
    }
}

/// An error where the folder holds something and is not a workspace.
fn check_ours(folder: &Path) -> Result<()> {
    let path = folder.join(LOCK);
    let mut words = Vec::new();
    let ours = match File::open(&path) {
        // Empty where a run was killed before it could write. What cannot be read is locked, on some systems.
        Ok(file) => match file.take(MARK.len() as u64).read_to_end(&mut words) {
            Ok(_) => words.is_empty() || words == MARK.as_bytes(),
            Err(_) => true,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut entries = fs::read_dir(folder).map_err(|error| failed(folder, error, 0))?;
            // Another run may have put its lock there just now.
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK))
        }
        Err(error) => return Err(failed(&path, error, 0)),
    };
    if ours {
        return Ok(());
    }
    Err(Error::Run(format!(
        "{}: holds files and is no folder of dittograph's temporary files; name another one, or empty it",
        folder.display()
    )))
}

fn at_work(folder: &Path, mut lock: File) -> Error {
    let mut words = String::new();
    let said = lock.read_to_string(&mut words).ok();
    let process =
        said.and(words.trim_end().rsplit_once(' ')).and_then(|(_, process)| process.parse::<u32>().ok());
    let process = process.map_or(String::new(), |process| format!(" (process {process})"));
    Error::Run(format!(
        "{}: another run{process} is at work there; wait until it has ended, or name another folder",
        folder.display()
    ))
}

/// Whether `path` still leads to this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether `path` still leads to a file: elsewhere than on Unix an open one cannot be replaced.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere than on Unix a folder cannot be opened, and the system sees to its names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What went wrong at `path`, while temporary files took `bytes`.
fn failed(path: &Path, error: io::Error, bytes: u64) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Run(format!(
            "{}: no room left on the disk, of which temporary files take {bytes} bytes; free some room or name \
             another --tmp, then run the same command again",
            path.display()
        )),
        _ => Error::io(path)(error),
    }
}
