//! What went wrong, where, and the way out.

use std::path::{Path, PathBuf};

/// Every failure that ends a run. `Display` says what, where and the way out; sources are part of the sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An INPUT names nothing that can be read.
    #[error("{input}: {problem}")]
    Input {
        /// The INPUT as it was typed.
        input: String,
        /// What is wrong with it, and the way out.
        problem: String,
    },
    /// What was asked for cannot be done as asked.
    #[error("{0}")]
    Usage(String),
    /// A finished run, or what it left, is not as it should be.
    #[error("{0}")]
    Run(String),
    /// It was asked to stop.
    #[error("stopped, as asked")]
    Stopped,
}

/// The library's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err`: an I/O error at `path`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io { path, source }
    }

    /// Whether the words of the command line, not the data, are at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Error::Usage(_))
    }

    /// Whether whoever reads our output went away: not a failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
