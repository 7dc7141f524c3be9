//! DIR while it is being written.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::hex128;
use super::summary::{FileFacts, SUMMARY, Summary};
use crate::corpus::{Compression, FinishWrite, MARKER, writer};
use crate::error::{Error, Result};

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
        let name = place.file_name().ok_or_else(|| {
            Error::Usage(format!(
                "{}: no folder can be made of this name; name another -o DIR",
                place.display()
            ))
        })?;
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let work = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.to_string_lossy()))
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
        let path = self.path(relative);
        writer(create(&path)?, compression).map_err(Error::io(&path))
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
        let aside = work.with_extension("replaced");
        let earlier = self.place.exists();
        if earlier {
            fs::rename(&self.place, &aside).map_err(|source| not_moved(&work, &self.place, &source))?;
        }
        fs::rename(&work, &self.place).map_err(|source| not_moved(&work, &self.place, &source))?;
        if earlier {
            fs::remove_dir_all(&aside).map_err(Error::io(&aside))?;
        }
        Ok(())
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

fn not_moved(work: &Path, place: &Path, source: &io::Error) -> Error {
    let (work, place) = (work.display(), place.display());
    Error::Run(format!("{work} is finished, but could not be moved to {place}: {source}; move it yourself"))
}

/// A DIR that is being written.
#[derive(Debug)]
pub struct RunDir {
    dir: NewDir,
    files: Mutex<Vec<FileFacts>>,
}

impl RunDir {
    /// Begins a DIR at `place`; errors as [`NewDir::create`].
    pub fn create(place: &Path, force: bool) -> Result<RunDir> {
        let dir = NewDir::create(place, force)?;
        let marker = dir.path(MARKER);
        fs::write(&marker, concat!("dittograph ", env!("CARGO_PKG_VERSION"), "\n"))
            .map_err(Error::io(marker))?;
        Ok(RunDir { dir, files: Mutex::default() })
    }

    /// Where a file of DIR is written.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path(relative)
    }

    /// Begins a file of raw bytes at `relative`.
    pub fn raw(&self, relative: &str, compression: Compression) -> Result<Box<dyn FinishWrite<File>>> {
        self.dir.raw(relative, compression)
    }

    /// Begins a file of JSON lines at `relative`.
    pub fn records(&self, relative: &str, compression: Compression) -> Result<RecordWriter<'_>> {
        let encoder = self.raw(relative, compression)?;
        let path = self.path(relative);
        Ok(RecordWriter { run: self, relative: relative.to_owned(), path, encoder, line: Vec::new() })
    }

    /// Writes the summary, the last file, and moves DIR to its place. Gives the summary back, checksums included.
    pub fn finish(self, mut summary: Summary) -> Result<Summary> {
        summary.files = self.files.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        summary.files.sort_by(|a, b| a.path.cmp(&b.path));
        let path = self.dir.path(SUMMARY);
        let mut json =
            serde_json::to_vec_pretty(&summary).map_err(|source| Error::Run(source.to_string()))?;
        json.push(b'\n');
        fs::write(&path, json).map_err(Error::io(&path))?;
        self.dir.finish()?;
        Ok(summary)
    }
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
