//! A finished DIR, read again: its summary, its records, and the original shards, piece by piece.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;

use super::removed::{PieceRecord, RemovedKind};
use super::summary::{Input, SUMMARY, Summary};
use crate::corpus::{Compression, MARKER, reader};
use crate::error::{Error, Result};
use crate::findings::RejectedRecord;

/// A DIR whose summary is whole.
#[derive(Debug)]
pub struct FinishedRun {
    /// Where it is.
    pub dir: PathBuf,
    /// Its summary.
    pub summary: Summary,
    /// The rejected records, by shard and place.
    rejected: HashSet<(String, u64)>,
}

/// A run of bytes of an original shard.
#[derive(Debug)]
pub struct Original {
    /// The file of the shard that it stands in.
    pub part: usize,
    /// Where it stands in that file: bytes, decompressed.
    pub offset: u64,
    /// The record's place in the shard; none for framing.
    pub ordinal: Option<u64>,
    /// What became of it.
    pub fate: Fate,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many of them, at the beginning, are a byte order mark before the record.
    pub mark: usize,
}

/// What became of a run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A record in `corpus/`.
    Kept,
    /// The record of a duplicate.
    Removed,
    /// A record that could not be read, or a part of one.
    Rejected,
    /// No record.
    Framing,
}

impl FinishedRun {
    /// Opens DIR.
    ///
    /// # Errors
    /// Where it is no DIR of ours, or not finished.
    pub fn open(dir: &Path) -> Result<FinishedRun> {
        let shown = dir.display();
        if !dir.join(MARKER).is_file() {
            return Err(Error::Run(format!("{shown}: no run of dittograph; name the DIR that -o named")));
        }
        let path = dir.join(SUMMARY);
        let json = fs::read(&path).map_err(|source| {
            Error::Run(format!("{}: {source}: the run is not finished; run it again", path.display()))
        })?;
        let summary: Summary = serde_json::from_slice(&json)
            .map_err(|problem| Error::Run(format!("{}: {problem}", path.display())))?;
        check_names(&path, &summary)?;
        let mut rejected = HashSet::new();
        let path = dir.join("rejected.jsonl");
        read_records(&path, Compression::None, |_, record: RejectedRecord| {
            rejected.insert((record.shard, record.record));
            Ok(())
        })?;
        Ok(FinishedRun { dir: dir.to_owned(), summary, rejected })
    }

    /// The pieces of an original shard in their order; together they are its decompressed bytes.
    ///
    /// # Errors
    /// Where what stayed and what left do not fit together: says which file, and where.
    pub fn for_each_original(&self, input: &Input, each: impl FnMut(Original) -> Result<()>) -> Result<()> {
        match input.format.is_file_a_document() {
            true => self.original_files(input, each),
            false => self.original_records(input, each),
        }
    }

    fn original_records(&self, input: &Input, mut each: impl FnMut(Original) -> Result<()>) -> Result<()> {
        let corpus_path = self.dir.join("corpus").join(&input.shard);
        let mut corpus = BufReader::new(reader(&corpus_path, input.compression)?);
        let removed_path = self.dir.join("removed").join(&input.shard);
        let mut removed = match self.summary.removed {
            true => Pieces::open(removed_path.clone(), input.compression)?,
            false => Pieces::none(),
        };
        let (mut offset, mut ordinal) = (0, 0);
        loop {
            let original = match removed.peek()? {
                Some(piece) if piece.offset == offset => {
                    let (kind, place) = (piece.kind, piece.ordinal);
                    let line = removed.line;
                    let bytes = removed.take().and_then(PieceRecord::into_bytes).ok_or_else(|| {
                        Error::Run(format!(
                            "{}: line {line}: not the bytes that it says",
                            removed_path.display()
                        ))
                    })?;
                    let fate = match kind {
                        RemovedKind::Framing => Fate::Framing,
                        RemovedKind::Record => Fate::Removed,
                        RemovedKind::Rejected => Fate::Rejected,
                    };
                    if let Some(place) = place {
                        ordinal = place + 1;
                    }
                    Original { part: 0, offset, ordinal: place, fate, bytes, mark: 0 }
                }
                next => {
                    let next = next.map(|piece| piece.offset);
                    let mut bytes = Vec::new();
                    corpus.read_until(b'\n', &mut bytes).map_err(Error::io(&corpus_path))?;
                    let end = offset + bytes.len() as u64;
                    if bytes.is_empty() && next.is_none() {
                        return Ok(());
                    }
                    if bytes.is_empty() || next.is_some_and(|next| end > next) {
                        return Err(Error::Run(format!(
                            "{}: after byte {offset} of the original, the next record here and the next piece of {} (line {}) \
                             do not fit together; one of the two files was changed",
                            corpus_path.display(),
                            removed_path.display(),
                            removed.line
                        )));
                    }
                    ordinal += 1;
                    Original { part: 0, offset, ordinal: Some(ordinal - 1), fate: Fate::Kept, bytes, mark: 0 }
                }
            };
            offset += original.bytes.len() as u64;
            each(original)?;
        }
    }

    fn original_files(&self, input: &Input, mut each: impl FnMut(Original) -> Result<()>) -> Result<()> {
        for (part, file) in input.files.iter().enumerate() {
            let ordinal = part as u64;
            let relative = input.path_of(file);
            let kept = self.dir.join("corpus").join(&relative);
            let removed = self.dir.join("removed").join(&relative);
            let (path, fate) = match (kept.is_file(), removed.is_file()) {
                (true, false) => (kept, Fate::Kept),
                (false, true) if self.rejected.contains(&(input.shard.clone(), ordinal)) => {
                    (removed, Fate::Rejected)
                }
                (false, true) => (removed, Fate::Removed),
                (true, true) => {
                    return Err(Error::Run(format!(
                        "{}: stands in {} too; a document is kept or removed",
                        kept.display(),
                        removed.display()
                    )));
                }
                (false, false) => {
                    return Err(Error::Run(format!(
                        "{}: missing, and not in removed/ either; it is gone",
                        kept.display()
                    )));
                }
            };
            let mut bytes = Vec::new();
            reader(&path, file.compression)?.read_to_end(&mut bytes).map_err(Error::io(&path))?;
            let mark = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            each(Original { part, offset: 0, ordinal: Some(ordinal), fate, bytes, mark })?;
        }
        Ok(())
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A DIR may come from somebody else: no name in it leads out of it.
fn check_names(path: &Path, summary: &Summary) -> Result<()> {
    let inside = |name: &str| {
        let normal = |part: Component| matches!(part, Component::Normal(_));
        !name.is_empty() && Path::new(name).components().all(normal)
    };
    for input in &summary.inputs {
        let files = input.files.iter().map(|file| file.name.as_str());
        if let Some(name) = files.chain([input.shard.as_str()]).find(|name| !inside(name)) {
            return Err(Error::Run(format!("{}: {name:?} is no name of a shard", path.display())));
        }
    }
    Ok(())
}

/// The pieces of a `removed/SHARD`, one ahead.
struct Pieces {
    lines: Option<Lines>,
    next: Option<PieceRecord>,
    /// The line of `next`, counted from 1.
    line: u64,
}

impl Pieces {
    fn open(path: PathBuf, compression: Compression) -> Result<Pieces> {
        Ok(Pieces { lines: Some(Lines::open(path, compression)?), next: None, line: 0 })
    }

    fn none() -> Pieces {
        Pieces { lines: None, next: None, line: 0 }
    }

    fn peek(&mut self) -> Result<Option<&PieceRecord>> {
        if let (None, Some(lines)) = (&self.next, &mut self.lines) {
            self.next = lines.next_record()?;
            self.line = lines.number;
        }
        Ok(self.next.as_ref())
    }

    fn take(&mut self) -> Option<PieceRecord> {
        self.next.take()
    }
}

/// Calls `each` with every record of a file of JSON lines, and its line, counted from 1.
pub fn read_records<T: DeserializeOwned>(
    path: &Path,
    compression: Compression,
    mut each: impl FnMut(u64, T) -> Result<()>,
) -> Result<()> {
    let mut lines = Lines::open(path.to_owned(), compression)?;
    while let Some(record) = lines.next_record()? {
        each(lines.number, record)?;
    }
    Ok(())
}

struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    buffer: Vec<u8>,
    number: u64,
}

impl Lines {
    fn open(path: PathBuf, compression: Compression) -> Result<Lines> {
        let reader = BufReader::new(reader(&path, compression)?);
        Ok(Lines { path, reader, buffer: Vec::new(), number: 0 })
    }

    fn next_record<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.buffer.clear();
        self.reader.read_until(b'\n', &mut self.buffer).map_err(Error::io(&self.path))?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        serde_json::from_slice(&self.buffer).map(Some).map_err(|problem| {
            Error::Run(format!("{}: line {}: no record of ours: {problem}", self.path.display(), self.number))
        })
    }
}
