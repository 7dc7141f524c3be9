//! Where do the answers go?
//!
//! Records and raw bytes in, a finished DIR out; and, for whoever checks or undoes a run, the other way round. A DIR is
//! written beside its place under a temporary name and renamed when its summary, the last file, is whole: a DIR that
//! looks finished is finished. No threshold lives here.

mod finished;
mod removed;
mod run_dir;
mod shard_writer;
mod summary;

pub use finished::{Fate, FinishedRun, Lines, Original, read_records};
pub use removed::{PieceRecord, RemovedKind, Stripped, rest};
pub use run_dir::{NewDir, RecordWriter, RunDir};
pub use shard_writer::ShardWriter;
pub use summary::{
    Both, Bytes, ContainmentRecall, Documents, FileFacts, FindingCounts, Input, InputFile, PlanAndFact,
    Recall, SUMMARY, SettingsRecord, SiteLoss, StageTime, Summary,
};

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use walkdir::WalkDir;

use crate::error::{Error, Result};

/// How much of a rejected record `rejected.jsonl` shows.
pub const HEAD_BYTES: usize = 64 * 1024;

/// A 128-bit hash as the records spell it.
pub fn hex128(hash: u128) -> String {
    format!("{hash:032x}")
}

/// How many bytes the files below a folder take; none where there is no such folder.
///
/// # Errors
/// Where the system will not tell.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(folder) {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            Ok(_) => {}
            Err(_) if !folder.exists() => return Ok(0),
            Err(error) => return Err(Error::io(folder)(error.into())),
        }
    }
    Ok(bytes)
}

/// Bytes as JSON can hold them: as they are where they are UTF-8, else in base64, and then the name of that encoding.
pub fn text_or_base64(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(bytes), Some("base64".to_owned())),
    }
}

/// The bytes that [`text_or_base64`] was given; `None` where the text is not what the encoding says.
pub fn bytes_of(text: String, encoding: Option<&str>) -> Option<Vec<u8>> {
    match encoding {
        None => Some(text.into_bytes()),
        Some("base64") => STANDARD.decode(text).ok(),
        Some(_) => None,
    }
}
