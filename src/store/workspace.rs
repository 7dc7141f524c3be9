//! Where do the temporary files of a run stand, and how much do they take?

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;

/// A folder for the temporary files of one run. A clone is the same folder.
///
/// A file goes away with its last owner, the folder with the last file.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
}

impl Workspace {
    /// The folder `path`, which is made where it is not there.
    pub fn create(path: impl AsRef<Path>) -> Result<Workspace> {
        Ok(Workspace(Arc::new(Inner { folder: path.as_ref().to_owned() })))
    }

    /// A new folder in the system's place for temporary files. It goes away with the last file and the last clone.
    pub fn temporary() -> Result<Workspace> {
        todo!()
    }

    /// The same folder, in which a write fails that would make more than `bytes` on disk, as if the disk were full.
    pub fn with_limit(self, _bytes: u64) -> Workspace {
        todo!()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Bytes that its files take now.
    pub fn bytes(&self) -> u64 {
        todo!()
    }

    /// The most bytes that its files took at any time.
    pub fn bytes_peak(&self) -> u64 {
        todo!()
    }

    /// How many of its files are open now.
    pub fn open_files(&self) -> usize {
        todo!()
    }

    /// How many of its files were open at once at any time.
    pub fn open_files_peak(&self) -> usize {
        todo!()
    }

    /// Bytes that the disk still has room for; nothing where the system does not say.
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        todo!()
    }
}
