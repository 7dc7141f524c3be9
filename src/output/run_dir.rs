//! DIR while it is being written.
//!
//! A run writes beside DIR, in a folder of its own that stays when the run is stopped, and which one run at a time can have:
//!
//! ```text
//! .NAME.unfinished/output     what becomes DIR
//!                  forced     DIR may be replaced
//!                  finished   the output is whole, or was until it was moved
//!                  replaced   the earlier DIR, while the output takes its place
//!                  lock, checkpoint, ...   the workspace, unless that is elsewhere
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::hex128;
use super::summary::{FileFacts, SUMMARY, Summary};
use crate::corpus::{Compression, FinishWrite, MARKER, writer};
use crate::error::{Error, Result};
use crate::store::Workspace;

/// A folder that is being written, beside its place, under a temporary name.
///
/// [`NewDir::finish`] moves it to its place; dropped before that, it is deleted.
#[derive(Debug)]
pub struct NewDir {
    place: PathBuf,
    work: tempfile::TempDir,
    force: bool,
}

impl NewDir {
    /// Begins a folder at `place`.
    ///
    /// # Errors
    /// Where something stands at `place` already: a finished run unless `force` is given, and anything else but an
    /// empty folder even then.
    pub fn create(place: &Path, force: bool) -> Result<NewDir> {
        NewDir::check(place, force)?;
        let (name, parent) = (name_of(place)?, parent_of(place));
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let work = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".unfinished")
            .tempdir_in(parent)
            .map_err(Error::io(parent))?;
        Ok(NewDir { place: place.to_owned(), work, force })
    }

    /// Where a file of the folder is written.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.work.path().join(relative)
    }

    /// Begins a file at `relative`.
    pub fn raw(&self, relative: &str, compression: Compression) -> Result<Box<dyn FinishWrite<File>>> {
        raw(&self.path(relative), compression)
    }

    /// Moves the folder to its place. An earlier run there is moved aside first and deleted last, so that at no moment a
    /// part of it looks finished.
    ///
    /// # Errors
    /// Where the system will not move it: the finished work is kept, and the error says where.
    pub fn finish(self) -> Result<()> {
        NewDir::check(&self.place, self.force)?;
        make_readable(self.work.path())?;
        let work = self.work.keep();
        put_in_place(&work, &self.place, &work.with_extension("replaced"))
    }

    /// Whether a folder may be written at `place`; errors as [`NewDir::create`].
    pub fn check(place: &Path, force: bool) -> Result<()> {
        let mut entries = match fs::read_dir(place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Error::Usage(format!("{}: is a file; name another -o DIR", place.display())));
            }
            Err(error) => return Err(Error::io(place)(error)),
        };
        let ours = place.join(MARKER).is_file();
        let place = place.display();
        if entries.next().is_none() {
            Ok(())
        } else if !ours {
            Err(Error::Usage(format!("{place}: holds files that are not dittograph's; name another -o DIR")))
        } else if force {
            Ok(())
        } else {
            Err(Error::Usage(format!(
                "{place}: holds an earlier run; --force replaces it, or name another -o DIR"
            )))
        }
    }
}

/// Moves a finished folder to its place; what is there goes aside first and is deleted last.
fn put_in_place(work: &Path, place: &Path, aside: &Path) -> Result<()> {
    if place.exists() {
        remove_folder(aside)?;
        fs::rename(place, aside).map_err(|source| not_moved(work, place, &source))?;
    }
    if let Err(source) = fs::rename(work, place) {
        put_back(aside, place)?;
        return Err(not_moved(work, place, &source));
    }
    sync_folder(parent_of(place))?;
    remove_folder(aside)
}

/// What is aside goes back, if nothing took its place.
fn put_back(aside: &Path, place: &Path) -> Result<()> {
    if aside.exists() && !place.exists() {
        fs::rename(aside, place).map_err(Error::io(aside))?;
    }
    Ok(())
}

fn not_moved(work: &Path, place: &Path, source: &io::Error) -> Error {
    let (work, place) = (work.display(), place.display());
    Error::Run(format!("{work} is finished, but could not be moved to {place}: {source}; move it yourself"))
}

fn parent_of(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn name_of(place: &Path) -> Result<String> {
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| {
        Error::Usage(format!("{}: no folder can be made of this name; name another -o DIR", place.display()))
    })
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(folder)(error)),
        _ => Ok(()),
    }
}

/// A DIR that is being written, by this run or, before it was stopped, by an earlier one.
#[derive(Debug)]
pub struct RunDir {
    place: PathBuf,
    output: PathBuf,
    force: bool,
    workspace: Workspace,
    /// Holds the lock of the folder beside DIR: the workspace itself, unless that is elsewhere.
    folder: Workspace,
    files: Mutex<Vec<FileFacts>>,
}

const FORCED: &str = "forced";
const FINISHED: &str = "finished";
const REPLACED: &str = "replaced";
const SPOOL: &str = "stdin";

impl RunDir {
    /// The folder beside `place` that a run works in.
    ///
    /// # Errors
    /// Where no folder can have that name.
    pub fn unfinished(place: &Path) -> Result<PathBuf> {
        Ok(place.with_file_name(format!(".{}.unfinished", name_of(place)?)))
    }

    /// The workspace of a run into `place`: in the folder beside it or, where one is named, in one for temporary files. An
    /// unfinished run is found again with the same `tmp` only.
    ///
    /// # Errors
    /// Where another run is at work in it, or it cannot be made.
    pub fn workspace(place: &Path, tmp: Option<&Path>) -> Result<Workspace> {
        let unfinished = RunDir::unfinished(place)?;
        let Some(tmp) = tmp else { return Workspace::open(unfinished) };
        let absolute = std::path::absolute(&unfinished).map_err(Error::io(&unfinished))?;
        let hash = xxh3_64(absolute.as_os_str().as_encoded_bytes());
        Workspace::open(tmp.join(format!("dittograph-{}-{hash:016x}", name_of(place)?)))
    }

    /// The folder of a run's copy of standard input, which is made anew each time.
    pub fn spool(workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.folder().join(SPOOL);
        remove_folder(&folder)?;
        Ok(folder)
    }

    /// Leaves a workspace without having begun: of one that holds no state nothing stays.
    pub fn leave(workspace: &Workspace) -> Result<()> {
        remove_folder(&workspace.folder().join(SPOOL))?;
        if workspace.has_checkpoint() { Ok(()) } else { workspace.clone().remove() }
    }

    /// Whether a run may write at `place`.
    ///
    /// # Errors
    /// As [`NewDir::create`], unless an unfinished run that may replace what is there can go on.
    pub fn check(place: &Path, force: bool) -> Result<()> {
        let unfinished = RunDir::unfinished(place)?;
        let goes_on = [FORCED, FINISHED].iter().any(|name| unfinished.join(name).exists());
        NewDir::check(place, force || goes_on)
    }

    /// Begins a DIR at `place`, or goes on with it where the workspace holds the state of an earlier run. With `force`
    /// that one is forgotten.
    ///
    /// # Errors
    /// As [`NewDir::create`]; where another run is at work on it.
    pub fn create(place: &Path, force: bool, workspace: &Workspace) -> Result<RunDir> {
        RunDir::check(place, force)?;
        let unfinished = RunDir::unfinished(place)?;
        let folder = match workspace.folder() == unfinished {
            true => workspace.clone(),
            false => Workspace::open(&unfinished)?,
        };
        put_back(&unfinished.join(REPLACED), place)?;
        let output = unfinished.join("output");
        let forced = unfinished.join(FORCED);
        let mut dir = RunDir {
            place: place.to_owned(),
            output,
            force,
            workspace: workspace.clone(),
            folder,
            files: Mutex::default(),
        };
        if force {
            workspace.start_anew()?;
            dir.empty()?;
            fs::write(&forced, "").map_err(Error::io(&forced))?;
        } else if workspace.has_checkpoint() || dir.is_moved() {
            dir.force = forced.exists();
        } else {
            dir.empty()?;
        }
        if !dir.is_moved() {
            NewDir::check(place, dir.force)?;
        }
        fs::create_dir_all(&dir.output).map_err(Error::io(&dir.output))?;
        let marker = dir.path(MARKER);
        fs::write(&marker, concat!("dittograph ", env!("CARGO_PKG_VERSION"), "\n"))
            .map_err(Error::io(marker))?;
        Ok(dir)
    }

    /// Deletes what an earlier run wrote.
    fn empty(&self) -> Result<()> {
        for path in [FORCED, FINISHED].map(|name| self.folder.folder().join(name)) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(path)(error)),
                _ => {}
            }
        }
        remove_folder(&self.output)
    }

    /// Whether the earlier run was stopped when its output was in its place already: it is whole and no longer here.
    pub fn is_moved(&self) -> bool {
        let is_whole = self.folder.folder().join(FINISHED).exists();
        is_whole && !self.path(SUMMARY).exists() && self.place.join(SUMMARY).is_file()
    }

    /// The summary of a run that was stopped when its output was in its place already; what else it left is deleted.
    pub fn finish_moved(self) -> Result<Summary> {
        let path = self.place.join(SUMMARY);
        let json = fs::read(&path).map_err(Error::io(&path))?;
        let summary = serde_json::from_slice(&json)
            .map_err(|problem| Error::Run(format!("{}: {problem}", path.display())))?;
        self.clear()?;
        Ok(summary)
    }

    /// Where a file of DIR is written.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.output.join(relative)
    }

    /// Begins a file of raw bytes at `relative`.
    pub fn raw(&self, relative: &str, compression: Compression) -> Result<Box<dyn FinishWrite<File>>> {
        raw(&self.path(relative), compression)
    }

    /// Begins a file of JSON lines at `relative`.
    pub fn records(&self, relative: &str, compression: Compression) -> Result<RecordWriter<'_>> {
        let encoder = self.raw(relative, compression)?;
        let path = self.path(relative);
        Ok(RecordWriter { run: self, relative: relative.to_owned(), path, encoder, line: Vec::new() })
    }

    /// The files of records that are closed.
    pub fn files(&self) -> Vec<FileFacts> {
        lock(&self.files).clone()
    }

    /// Takes over the files of records that an earlier run had closed.
    pub fn go_on_from(&self, files: Vec<FileFacts>) {
        *lock(&self.files) = files;
    }

    /// Makes all that was written durable.
    pub fn sync(&self) -> Result<()> {
        sync_tree(&self.output)
    }

    /// Writes the summary, the last file, and moves DIR to its place: an earlier run there is moved aside first and
    /// deleted last, so that at no moment a part of it looks finished. Gives the summary back, checksums included.
    ///
    /// # Errors
    /// Where the system will not move it: the finished work is kept, and the error says where.
    pub fn finish(self, mut summary: Summary) -> Result<Summary> {
        summary.files = self.files();
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));
        let path = self.path(SUMMARY);
        let mut json =
            serde_json::to_vec_pretty(&summary).map_err(|source| Error::Run(source.to_string()))?;
        json.push(b'\n');
        fs::write(&path, json).map_err(Error::io(&path))?;
        self.sync()?;
        NewDir::check(&self.place, self.force)?;
        let finished = self.folder.folder().join(FINISHED);
        fs::write(&finished, "").map_err(Error::io(&finished))?;
        put_in_place(&self.output, &self.place, &self.folder.folder().join(REPLACED))?;
        self.clear()?;
        Ok(summary)
    }

    /// Deletes all but DIR.
    fn clear(&self) -> Result<()> {
        remove_folder(&self.folder.folder().join(REPLACED))?;
        remove_folder(&self.workspace.folder().join(SPOOL))?;
        self.workspace.clone().remove()?;
        self.empty()?;
        self.folder.clone().remove()
    }
}

impl Drop for RunDir {
    /// Without a state nobody can go on: nothing is left, unless it is finished and could not be moved.
    fn drop(&mut self) {
        let is_whole = self.folder.folder().join(FINISHED).exists();
        if !is_whole && !self.workspace.has_checkpoint() && self.folder.folder().exists() {
            let _ = self.clear();
        }
    }
}

fn raw(path: &Path, compression: Compression) -> Result<Box<dyn FinishWrite<File>>> {
    writer(create(path)?, compression).map_err(Error::io(path))
}

#[cfg(target_os = "linux")]
fn sync_tree(folder: &Path) -> Result<()> {
    let open = File::open(folder).map_err(Error::io(folder))?;
    rustix::fs::syncfs(&open).map_err(|error| Error::io(folder)(error.into()))
}

#[cfg(not(target_os = "linux"))]
fn sync_tree(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        match path.is_dir() {
            true => sync_tree(&path)?,
            false => File::open(&path).and_then(|file| file.sync_all()).map_err(Error::io(&path))?,
        }
    }
    sync_folder(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Temporary folders are made for their owner alone; a finished DIR has the rights any new folder has.
#[cfg(unix)]
fn make_readable(work: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let probe = work.join("rights");
    fs::create_dir(&probe).map_err(Error::io(&probe))?;
    let mode = fs::metadata(&probe).map_err(Error::io(&probe))?.permissions().mode();
    fs::remove_dir(&probe).map_err(Error::io(&probe))?;
    fs::set_permissions(work, fs::Permissions::from_mode(mode)).map_err(Error::io(work))
}

#[cfg(not(unix))]
fn make_readable(_work: &Path) -> Result<()> {
    Ok(())
}

fn create(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
    }
    File::create(path).map_err(Error::io(path))
}

/// A file of JSON lines. Its checksum goes into the summary when it is finished.
pub struct RecordWriter<'a> {
    run: &'a RunDir,
    relative: String,
    path: PathBuf,
    encoder: Box<dyn FinishWrite<File>>,
    line: Vec<u8>,
}

impl RecordWriter<'_> {
    /// Adds a line.
    pub fn write(&mut self, record: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record).map_err(|source| Error::Run(source.to_string()))?;
        self.line.push(b'\n');
        self.encoder.write_all(&self.line).map_err(Error::io(&self.path))
    }

    /// Adds a line that is JSON already, without its end.
    pub fn write_line(&mut self, json: &[u8]) -> Result<()> {
        self.encoder
            .write_all(json)
            .and_then(|()| self.encoder.write_all(b"\n"))
            .map_err(Error::io(&self.path))
    }

    /// Closes the file.
    pub fn finish(self) -> Result<()> {
        self.encoder.finish().map_err(Error::io(&self.path))?;
        let facts = FileFacts::of(&self.path, self.relative)?;
        lock(&self.run.files).push(facts);
        Ok(())
    }
}

impl FileFacts {
    /// Size and checksum of the file at `path`, which DIR knows as `relative`. Cost: one read.
    pub fn of(path: &Path, relative: String) -> Result<FileFacts> {
        let mut file = File::open(path).map_err(Error::io(path))?;
        let mut hash = Xxh3::new();
        let mut buffer = vec![0; 1 << 18];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer).map_err(Error::io(path))? {
                0 => return Ok(FileFacts { path: relative, bytes, hash: hex128(hash.digest128()) }),
                read => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
