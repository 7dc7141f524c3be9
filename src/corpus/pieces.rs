//! Where does one record end and the next begin?
//!
//! A [`Shard`] in, [`Chunk`]s of whole [`Piece`]s out, in order. The pieces of a part tile its decompressed bytes:
//! every byte is in exactly one, framing (blank lines, byte order marks) and damage included. Where the cuts fall
//! depends on the bytes and the [`ReadSettings`] alone, never on how the system hands the bytes out.
//!
//! A cut in the wrong place would change records, so cuts are made at line ends and part ends only; a record that is
//! too long to hold is delivered as fragments, to be rejected, and costs no more memory than any other.
//!
//! Memory: at most `max_record` + `chunk_bytes` and one read of 256 KiB, besides the chunk that the caller holds.
//! Time: one search for line ends and one hash over the bytes.

use std::io::{ErrorKind, Read};

use xxhash_rust::xxh3::Xxh3;

use super::{Damage, Format, Part, ReadMode, Shard, jsonl, text};
use crate::error::{Error, Result};

/// How much is read and held at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadSettings {
    /// Bytes of the longest record that is held in one piece, its line end included. 64 MiB by default: the contract's.
    pub max_record: u64,
    /// A chunk is full with the first piece that brings it to this many bytes (a fragment run: exactly so many).
    /// 1 MiB by default, a guess: some hundred articles, enough to make a hand-over between threads cheap. 0 means 1.
    pub chunk_bytes: usize,
    /// How plain files come in: read, unless asked.
    pub mode: ReadMode,
}

impl Default for ReadSettings {
    fn default() -> ReadSettings {
        ReadSettings { max_record: 64 << 20, chunk_bytes: 1 << 20, mode: ReadMode::default() }
    }
}

/// Some decompressed bytes of one part, cut into whole pieces. Chunks of a part follow each other without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which of the shard's parts.
    pub part: u32,
    /// Where `bytes` begin in the part, in decompressed bytes.
    pub offset: u64,
    /// The line on which the first piece begins, counted from 1 in each part.
    pub first_line: u64,
    /// The ordinal of the first piece that has one; where none has, of the next to come.
    pub first_ordinal: u64,
    /// The bytes. Empty only for an empty text file or a tear between records.
    pub bytes: Vec<u8>,
    /// The pieces, which tile `bytes`; at least one.
    pub pieces: Vec<Piece>,
    /// Why the part cannot be read further. Set on the part's last chunk alone, whose last piece is
    /// [`PieceKind::Torn`] or, where a record too long to hold was torn, the last [`PieceKind::Fragment`].
    pub damage: Option<String>,
}

impl Chunk {
    /// The bytes of one of its pieces.
    pub fn bytes_of(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.start..piece.end]
    }

    /// Where a piece begins in the part, in decompressed bytes.
    pub fn offset_of(&self, piece: &Piece) -> u64 {
        self.offset + piece.start as u64
    }
}

/// One stretch of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// First byte in the chunk.
    pub start: usize,
    /// One past the last byte in the chunk.
    pub end: usize,
    /// The line on which it begins, counted from 1 in its part; 1 for text.
    pub line: u64,
    /// The record's place in the shard, counted from 0 over all its parts. The fragments of one record share one;
    /// framing has that of the next record. In a text shard it is the part's index.
    pub ordinal: u64,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// A whole record with its line end, for [`parse`](super::parse).
    Record,
    /// Bytes between records: blank lines, a byte order mark.
    Framing,
    /// A stretch of a record longer than `max_record`; to be rejected as one once the last has come.
    Fragment {
        /// Whether the record ends here.
        last: bool,
    },
    /// What was read of the record in which a damaged part breaks off; empty when it broke off between two records.
    Torn,
}

impl PieceKind {
    /// Whether the ordinals move on after it.
    fn ends_record(self) -> bool {
        !matches!(self, PieceKind::Framing | PieceKind::Fragment { last: false })
    }
}

/// What a whole shard held, so that a later pass can prove that it read the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShardDigest {
    /// Decompressed bytes of all parts.
    pub bytes: u64,
    /// XXH3-128 of the decompressed bytes of all parts in order; for a folder also of their names and lengths.
    pub hash: u128,
}

impl ShardDigest {
    /// Adds to a folder's hash, after the bytes of one of its files, what the file is called and how long it is.
    pub fn seal_part(hash: &mut Xxh3, name: &str, bytes: u64) {
        hash.update(name.as_bytes());
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(&bytes.to_le_bytes());
    }
}

/// Reads a shard from beginning to end and hands its chunks to `each`, in order.
///
/// A damaged part ends with its [`Chunk::damage`], and the next part goes on.
///
/// # Errors
/// [`Error::Io`], naming the file, when it cannot be opened or the system fails to read it; whatever `each` returns.
pub fn read_shard(
    shard: &Shard,
    settings: &ReadSettings,
    each: &mut dyn FnMut(Chunk) -> Result<()>,
) -> Result<ShardDigest> {
    let mut hash = Xxh3::new();
    let mut bytes = 0;
    let mut ordinal = 0;
    for (index, part) in shard.parts.iter().enumerate() {
        let number = u32::try_from(index).map_err(|_| too_many_parts(shard))?;
        let before = bytes;
        let mut counted = |chunk: Chunk| {
            hash.update(&chunk.bytes);
            bytes += chunk.bytes.len() as u64;
            each(chunk)
        };
        ordinal = Cutter::new(shard.format, settings, number, ordinal, &mut counted).read(part)?;
        if shard.folder || shard.parts.len() > 1 {
            ShardDigest::seal_part(&mut hash, &part.name, bytes - before);
        }
    }
    Ok(ShardDigest { bytes, hash: hash.digest128() })
}

fn too_many_parts(shard: &Shard) -> Error {
    let problem =
        format!("{} files are too many for one folder; spread them over several", shard.parts.len());
    Error::Input { input: shard.name.clone(), problem }
}

/// How a format cuts a part into pieces. A piece begins where the last ended.
pub(super) trait Shape {
    /// Where the piece that begins `bytes` ends, if that can be told yet. `bytes[..searched]` held no end.
    fn end(&self, bytes: &[u8], searched: usize) -> Option<usize>;

    /// What a whole piece is: a record or framing.
    fn kind(&self, piece: &[u8]) -> PieceKind;

    /// What the bytes after the last end are once the part has ended; `None`: nothing, for there are none.
    fn rest(&self, bytes: &[u8]) -> Option<PieceKind>;
}

fn shape(format: Format) -> &'static dyn Shape {
    match format {
        Format::Jsonl => &jsonl::Lines,
        Format::Text => &text::WholeFile,
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most and the least that is asked of a source at once. The least keeps small files cheap: their buffer is not
/// much larger than they are. Both are guesses.
const READ_BYTES: (usize, usize) = (16 << 10, 256 << 10);

struct Cutter<'a> {
    mode: ReadMode,
    shape: &'static dyn Shape,
    max_record: usize,
    chunk_bytes: usize,
    part: u32,
    each: &'a mut dyn FnMut(Chunk) -> Result<()>,
    /// Bytes not yet handed out: whole pieces up to `cut`, then a piece whose end is not known.
    buffer: Vec<u8>,
    pieces: Vec<Piece>,
    cut: usize,
    /// How far the end of the open piece has been searched for.
    searched: usize,
    /// Where `buffer` begins in the part.
    offset: u64,
    /// Of the next piece.
    line: u64,
    ordinal: u64,
    /// Whether the open piece is longer than `max_record`, so that it is (being) handed out as fragments.
    too_long: bool,
}

impl<'a> Cutter<'a> {
    fn new(
        format: Format,
        settings: &ReadSettings,
        part: u32,
        ordinal: u64,
        each: &'a mut dyn FnMut(Chunk) -> Result<()>,
    ) -> Cutter<'a> {
        Cutter {
            mode: settings.mode,
            shape: shape(format),
            max_record: usize::try_from(settings.max_record).unwrap_or(usize::MAX),
            chunk_bytes: settings.chunk_bytes.max(1),
            part,
            each,
            buffer: Vec::new(),
            pieces: Vec::new(),
            cut: 0,
            searched: 0,
            offset: 0,
            line: 1,
            ordinal,
            too_long: false,
        }
    }

    /// The ordinal of the first record of the next part.
    fn read(mut self, part: &Part) -> Result<u64> {
        let mut source = self.mode.open(part)?;
        let mut filled = self.fill(&mut source);
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.push(BYTE_ORDER_MARK.len(), PieceKind::Framing);
            if self.cut >= self.chunk_bytes {
                self.hand_out(None)?;
            }
        }
        loop {
            self.cut_pieces()?;
            match filled {
                Ok(Filled::More) => filled = self.fill(&mut source),
                Ok(Filled::Ended) => {
                    self.end()?;
                    return Ok(self.ordinal);
                }
                Err(error) => match Damage::in_error(&error) {
                    Some(damage) => {
                        self.tear(damage.to_string())?;
                        return Ok(self.ordinal);
                    }
                    None => return Err(Error::io(&part.path)(error)),
                },
            }
        }
    }

    /// Reads some more. What was read before an error is in the buffer.
    fn fill(&mut self, source: &mut dyn Read) -> std::io::Result<Filled> {
        // Never fewer bytes than a byte order mark has, so that the first call can tell.
        let most = self.chunk_bytes.clamp(BYTE_ORDER_MARK.len(), READ_BYTES.1);
        let wanted = self.buffer.len().clamp(most.min(READ_BYTES.0), most);
        let mut end = self.buffer.len();
        self.make_room(wanted);
        self.buffer.resize(end + wanted, 0);
        let outcome = loop {
            match source.read(&mut self.buffer[end..]) {
                Ok(0) if end < self.buffer.len() => break Ok(Filled::Ended),
                Ok(read) => end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if end == self.buffer.len() {
                break Ok(Filled::More);
            }
        };
        self.buffer.truncate(end);
        outcome
    }

    /// Doubles the buffer as a vector would, but never beyond what a longest record can need.
    fn make_room(&mut self, wanted: usize) {
        let needed = self.buffer.len() + wanted;
        if needed > self.buffer.capacity() {
            let most = self.max_record.saturating_add(self.chunk_bytes).saturating_add(READ_BYTES.1);
            let capacity = self.buffer.capacity().saturating_mul(2).min(most).max(needed);
            self.buffer.reserve_exact(capacity - self.buffer.len());
        }
    }

    fn cut_pieces(&mut self) -> Result<()> {
        while let Some(length) = self.shape.end(&self.buffer[self.cut..], self.searched - self.cut) {
            let piece = &self.buffer[self.cut..self.cut + length];
            let kind = self.shape.kind(piece);
            self.close(self.cut + length, kind)?;
        }
        self.searched = self.buffer.len();
        self.too_long |= self.buffer.len() - self.cut > self.max_record;
        if self.too_long { self.shed(self.buffer.len()) } else { Ok(()) }
    }

    /// The part has ended as it should.
    fn end(&mut self) -> Result<()> {
        if let Some(kind) = self.shape.rest(&self.buffer[self.cut..]) {
            self.close(self.buffer.len(), kind)?;
        }
        self.hand_out(None)
    }

    /// The part has broken off.
    fn tear(&mut self, damage: String) -> Result<()> {
        let kind = match self.too_long {
            true => PieceKind::Fragment { last: true },
            false => PieceKind::Torn,
        };
        self.push(self.buffer.len(), kind);
        self.hand_out(Some(damage))
    }

    /// Ends the open piece at `end`.
    fn close(&mut self, end: usize, kind: PieceKind) -> Result<()> {
        if self.too_long || end - self.cut > self.max_record {
            return self.close_fragments(end);
        }
        self.push(end, kind);
        if self.cut >= self.chunk_bytes { self.hand_out(None) } else { Ok(()) }
    }

    fn close_fragments(&mut self, end: usize) -> Result<()> {
        let after = self.buffer.len() - end;
        self.shed(end)?;
        self.push(self.buffer.len() - after, PieceKind::Fragment { last: true });
        self.too_long = false;
        self.hand_out(None)
    }

    /// Hands out the whole pieces, then the open one, of which `end` is known, in fragments of `chunk_bytes`. At
    /// least one byte stays behind, for the last fragment.
    fn shed(&mut self, end: usize) -> Result<()> {
        let open = end - self.cut;
        self.hand_out(None)?;
        let mut start = 0;
        while open - start > self.chunk_bytes {
            let bytes = self.buffer[start..start + self.chunk_bytes].to_vec();
            let kind = PieceKind::Fragment { last: false };
            let piece = Piece { kind, start: 0, end: bytes.len(), line: self.line, ordinal: self.ordinal };
            start += bytes.len();
            self.send(bytes, vec![piece], None)?;
        }
        self.buffer.drain(..start);
        self.searched = self.searched.saturating_sub(start);
        Ok(())
    }

    fn push(&mut self, end: usize, kind: PieceKind) {
        let (start, line, ordinal) = (self.cut, self.line, self.ordinal);
        self.pieces.push(Piece { kind, start, end, line, ordinal });
        self.line += u64::from(self.buffer[start..end].ends_with(b"\n"));
        self.ordinal += u64::from(kind.ends_record());
        self.cut = end;
        self.searched = self.searched.max(end);
    }

    /// Hands out the whole pieces, if there are any.
    fn hand_out(&mut self, damage: Option<String>) -> Result<()> {
        if self.pieces.is_empty() {
            return Ok(());
        }
        let open = &self.buffer[self.cut..];
        // A full chunk is likely to be followed by another.
        let likely = if self.cut < self.chunk_bytes { 0 } else { self.chunk_bytes + READ_BYTES.1 };
        let mut next = Vec::with_capacity(likely.max(open.len()).min(self.buffer.capacity()));
        next.extend_from_slice(open);
        let mut bytes = std::mem::replace(&mut self.buffer, next);
        bytes.truncate(self.cut);
        self.searched -= self.cut;
        self.cut = 0;
        let pieces = std::mem::take(&mut self.pieces);
        self.send(bytes, pieces, damage)
    }

    fn send(&mut self, bytes: Vec<u8>, pieces: Vec<Piece>, damage: Option<String>) -> Result<()> {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        let (first_line, first_ordinal) =
            pieces.first().map_or((self.line, self.ordinal), |piece| (piece.line, piece.ordinal));
        (self.each)(Chunk { part: self.part, offset, first_line, first_ordinal, bytes, pieces, damage })
    }
}

enum Filled {
    More,
    Ended,
}

#[cfg(test)]
mod tests;
