//! Plain files, read or mapped. The one room of the corpus with `unsafe` in it; the safe twin of a map is
//! [`reader`](super::reader), and the golden corpora run with both.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memmap2::Mmap;

use super::{Compression, Part, reader};
use crate::error::{Error, Result};

/// How plain files come in. What is compressed is always read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadMode {
    maps: bool,
}

impl ReadMode {
    /// They are mapped into memory.
    ///
    /// # Safety
    /// Nobody may change or cut the files while they are read: where a read sees other bytes or an early end, a map's
    /// behaviour is undefined.
    pub unsafe fn mapped() -> ReadMode {
        ReadMode { maps: true }
    }

    /// Opens a file of a shard.
    ///
    /// # Errors
    /// [`Error::Io`], naming the path.
    pub(super) fn open(self, part: &Part) -> Result<Box<dyn Read + Send>> {
        match (self.maps, part.compression) {
            (true, Compression::None) => map(&part.path),
            _ => reader(&part.path, part.compression),
        }
    }
}

fn map(path: &Path) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(Error::io(path))?;
    if file.metadata().map_err(Error::io(path))?.len() == 0 {
        return Ok(Box::new(io::empty()));
    }
    // SAFETY: `maps` is set only by `ReadMode::mapped`, whose caller asserts that no one changes the file while we
    // read. The command line takes that risk and says so at `--mmap`.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
    Ok(Box::new(io::Cursor::new(map)))
}
