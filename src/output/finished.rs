//! A finished DIR, read again: its summary, its records, and the original shards, piece by piece.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;

use super::removed::{PieceRecord, RemovedKind, Stripped};
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
    /// Of each shard whose files are documents, the places of those that could not be read, ascending: 8 bytes for each.
    rejected: HashMap<String, Vec<u64>>,
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
    /// The spans of a kept record that are not in `corpus/`, in `bytes`.
    pub stripped: Vec<Stripped>,
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
        let rejected = rejected_files(dir, &summary)?;
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
                Some(piece) if piece.offset == offset && piece.kind != RemovedKind::Stripped => {
                    let (kind, place) = (piece.kind, piece.ordinal);
                    let bytes = removed.take_bytes()?;
                    let fate = match kind {
                        RemovedKind::Framing => Fate::Framing,
                        RemovedKind::Rejected => Fate::Rejected,
                        RemovedKind::Record | RemovedKind::Stripped => Fate::Removed,
                    };
                    if let Some(place) = place {
                        ordinal = place + 1;
                    }
                    let stripped = Vec::new();
                    Original { part: 0, offset, ordinal: place, fate, bytes, mark: 0, stripped }
                }
                next => {
                    let last = next.is_none();
                    let mut line = Vec::new();
                    corpus.read_until(b'\n', &mut line).map_err(Error::io(&corpus_path))?;
                    if line.is_empty() && last {
                        return Ok(());
                    }
                    let missing = line.is_empty();
                    let whole = Splice::of(line, offset, ordinal, &mut removed)?;
                    let end = offset + whole.as_ref().map_or(0, |whole| whole.bytes.len() as u64);
                    let overlaps = removed.peek()?.is_some_and(|piece| end > piece.offset);
                    let Some(whole) = whole.filter(|_| !missing && !overlaps) else {
                        return Err(Error::Run(format!(
                            "{}: after byte {offset} of the original, the next record here and the next piece of {} (line {}) \
                             do not fit together; one of the two files was changed",
                            corpus_path.display(),
                            removed_path.display(),
                            removed.line
                        )));
                    };
                    ordinal += 1;
                    whole.kept(0, offset, ordinal - 1)
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
            let strips = !self.summary.settings.strip.is_empty();
            let (path, fate) = match (kept.is_file(), removed.is_file()) {
                (true, true) if strips => {
                    each(self.stripped_file(part, &kept, removed, file.compression)?)?;
                    continue;
                }
                (true, false) => (kept, Fate::Kept),
                (false, true) if self.is_rejected(&input.shard, ordinal) => (removed, Fate::Rejected),
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
            let (mark, stripped) = (mark_of(&bytes), Vec::new());
            each(Original { part, offset: 0, ordinal: Some(ordinal), fate, bytes, mark, stripped })?;
        }
        Ok(())
    }

    fn is_rejected(&self, shard: &str, ordinal: u64) -> bool {
        self.rejected.get(shard).is_some_and(|places| places.binary_search(&ordinal).is_ok())
    }

    fn stripped_file(
        &self,
        part: usize,
        kept: &Path,
        removed: PathBuf,
        compression: Compression,
    ) -> Result<Original> {
        let ordinal = part as u64;
        let mut rest = Vec::new();
        reader(kept, compression)?.read_to_end(&mut rest).map_err(Error::io(kept))?;
        let mut pieces = Pieces::open(removed, compression)?;
        let whole = Splice::of(rest, 0, ordinal, &mut pieces)?;
        let left_over = pieces.peek()?.is_some();
        match whole.filter(|_| !left_over) {
            Some(whole) => Ok(Original { mark: mark_of(&whole.bytes), ..whole.kept(part, 0, ordinal) }),
            None => Err(Error::Run(format!(
                "{}: line {}: does not fit into {}; one of the two files was changed",
                pieces.path.display(),
                pieces.line,
                kept.display()
            ))),
        }
    }
}

fn mark_of(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

/// A kept record whose stripped spans are put back.
struct Splice {
    bytes: Vec<u8>,
    stripped: Vec<Stripped>,
}

impl Splice {
    /// Puts the next pieces that are spans of this document back into `rest`, its bytes without them. `None` where one of
    /// them has no place there.
    fn of(rest: Vec<u8>, offset: u64, ordinal: u64, pieces: &mut Pieces) -> Result<Option<Splice>> {
        let is_own =
            |piece: &PieceRecord| piece.kind == RemovedKind::Stripped && piece.ordinal == Some(ordinal);
        if !pieces.peek()?.is_some_and(is_own) {
            return Ok(Some(Splice { bytes: rest, stripped: Vec::new() }));
        }
        let mut rest = rest.as_slice();
        let (mut bytes, mut stripped) = (Vec::new(), Vec::new());
        while let Some(piece) = pieces.peek()?.filter(|piece| is_own(piece)) {
            let before = piece.offset.checked_sub(offset + bytes.len() as u64);
            let before = before.and_then(|before| usize::try_from(before).ok());
            let (Some(paragraphs), Some((before, after))) =
                (piece.paragraphs, before.and_then(|before| rest.split_at_checked(before)))
            else {
                return Ok(None);
            };
            bytes.extend_from_slice(before);
            let start = bytes.len();
            bytes.extend(pieces.take_bytes()?);
            stripped.push(Stripped { paragraphs, raw: start..bytes.len() });
            rest = after;
        }
        bytes.extend_from_slice(rest);
        Ok(Some(Splice { bytes, stripped }))
    }

    fn kept(self, part: usize, offset: u64, ordinal: u64) -> Original {
        let Splice { bytes, stripped } = self;
        Original { part, offset, ordinal: Some(ordinal), fate: Fate::Kept, bytes, mark: 0, stripped }
    }
}

/// What a file's place alone does not tell: whether one in `removed/` is a document or could not be read.
fn rejected_files(dir: &Path, summary: &Summary) -> Result<HashMap<String, Vec<u64>>> {
    let of_files = summary.inputs.iter().filter(|input| input.format.is_file_a_document());
    let mut rejected: HashMap<String, Vec<u64>> =
        of_files.map(|input| (input.shard.clone(), Vec::new())).collect();
    if summary.documents.rejected == 0 || rejected.is_empty() {
        return Ok(rejected);
    }
    read_records(&dir.join("rejected.jsonl"), Compression::None, |_, record: RejectedRecord| {
        if let Some(places) = rejected.get_mut(&record.shard) {
            places.push(record.record);
        }
        Ok(())
    })?;
    rejected.values_mut().for_each(|places| places.sort_unstable());
    Ok(rejected)
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
    path: PathBuf,
    lines: Option<Lines>,
    next: Option<PieceRecord>,
    /// The line of `next`, counted from 1.
    line: u64,
}

impl Pieces {
    fn open(path: PathBuf, compression: Compression) -> Result<Pieces> {
        let lines = Some(Lines::open(path.clone(), compression)?);
        Ok(Pieces { path, lines, next: None, line: 0 })
    }

    fn none() -> Pieces {
        Pieces { path: PathBuf::new(), lines: None, next: None, line: 0 }
    }

    fn peek(&mut self) -> Result<Option<&PieceRecord>> {
        if let (None, Some(lines)) = (&self.next, &mut self.lines) {
            self.next = lines.next_record()?;
            self.line = lines.number;
        }
        Ok(self.next.as_ref())
    }

    /// The bytes of the piece that was peeked at, which is passed.
    fn take_bytes(&mut self) -> Result<Vec<u8>> {
        self.next.take().and_then(PieceRecord::into_bytes).ok_or_else(|| {
            let path = self.path.display();
            Error::Run(format!("{path}: line {}: not the bytes that it says", self.line))
        })
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

/// The lines of a file of JSON lines, one after the other.
pub struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    buffer: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Before the first line.
    pub fn open(path: PathBuf, compression: Compression) -> Result<Lines> {
        let reader = BufReader::new(reader(&path, compression)?);
        Ok(Lines { path, reader, buffer: Vec::new(), number: 0 })
    }

    /// How many lines were read: the number of the last one, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line, with its end; none after the last.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        self.buffer.clear();
        self.reader.read_until(b'\n', &mut self.buffer).map_err(Error::io(&self.path))?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(&self.buffer))
    }

    /// The next record; none after the last.
    pub fn next_record<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        if self.next_line()?.is_none() {
            return Ok(None);
        }
        serde_json::from_slice(&self.buffer).map(Some).map_err(|problem| self.no_record(&problem))
    }

    /// Hands the next line to `read` without holding the whole of it, however long it is; false after the last.
    pub fn next_read(&mut self, read: impl FnOnce(&mut dyn Read) -> std::io::Result<()>) -> Result<bool> {
        if self.reader.fill_buf().map_err(Error::io(&self.path))?.is_empty() {
            return Ok(false);
        }
        self.number += 1;
        let mut line = OneLine { reader: &mut self.reader, ended: false };
        let done = read(&mut line).and_then(|()| std::io::copy(&mut line, &mut std::io::sink()));
        done.map(|_| true).map_err(|problem| self.no_record(&problem))
    }

    fn no_record(&self, problem: &dyn std::fmt::Display) -> Error {
        Error::Run(format!("{}: line {}: no record of ours: {problem}", self.path.display(), self.number))
    }
}

/// What is left of a line.
struct OneLine<'a, R> {
    reader: &'a mut R,
    ended: bool,
}

impl<R: BufRead> Read for OneLine<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let bytes = self.reader.fill_buf()?;
        let bytes = &bytes[..bytes.len().min(out.len())];
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        out[..taken].copy_from_slice(&bytes[..taken]);
        self.ended = end.is_some() || taken == 0;
        self.reader.consume(taken);
        Ok(taken)
    }
}
