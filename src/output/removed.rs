//! What left a shard, enough to put it back.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{bytes_of, text_or_base64};

/// A run of a shard's bytes that is not in `corpus/`: one line of `removed/SHARD`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PieceRecord {
    /// Where it stood: bytes, decompressed.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// What it is.
    pub kind: RemovedKind,
    /// The document's place in the shard; absent for framing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u64>,
    /// First and last paragraph of a stripped span; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraphs: Option<[usize; 2]>,
    /// Its bytes.
    pub raw: String,
    /// `base64` where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// Why bytes are not in `corpus/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemovedKind {
    /// The record of a removed document.
    Record,
    /// A record that could not be read, or a part of one that is too long.
    Rejected,
    /// Blank lines, a byte order mark: no record.
    Framing,
    /// A span that was taken out of a record that stays.
    Stripped,
}

/// A span to take out of a record that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripped {
    /// First and last paragraph of it.
    pub paragraphs: [usize; 2],
    /// Its bytes in the record, with the separator after them.
    pub raw: Range<usize>,
}

/// What stays of a record without these spans, which ascend and do not overlap.
pub fn rest<'r>(record: &'r [u8], stripped: &'r [Stripped]) -> impl Iterator<Item = &'r [u8]> {
    let starts = [0].into_iter().chain(stripped.iter().map(|span| span.raw.end));
    let ends = stripped.iter().map(|span| span.raw.start).chain([record.len()]);
    starts.zip(ends).map(|(start, end)| &record[start..end])
}

impl PieceRecord {
    /// The record of these bytes.
    pub fn new(offset: u64, kind: RemovedKind, ordinal: Option<u64>, bytes: &[u8]) -> PieceRecord {
        let (raw, encoding) = text_or_base64(bytes);
        PieceRecord { offset, length: bytes.len() as u64, kind, ordinal, paragraphs: None, raw, encoding }
    }

    /// The record of a span of the document `ordinal`, whose record begins at `offset`.
    pub fn stripped(offset: u64, ordinal: u64, record: &[u8], span: &Stripped) -> PieceRecord {
        let (offset, bytes) = (offset + span.raw.start as u64, &record[span.raw.clone()]);
        let piece = PieceRecord::new(offset, RemovedKind::Stripped, Some(ordinal), bytes);
        PieceRecord { paragraphs: Some(span.paragraphs), ..piece }
    }

    /// The bytes; `None` where they are not `length` bytes in the encoding that the record names.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        bytes_of(self.raw, self.encoding.as_deref()).filter(|bytes| bytes.len() as u64 == self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        for bytes in [&b""[..], b"{\"a\":\"\xc3\xa9\"}\r\n", b"\xff\xfe torn", b"\0\x1b[31m"] {
            let record = PieceRecord::new(7, RemovedKind::Rejected, Some(3), bytes);
            let line = serde_json::to_string(&record).unwrap();
            let read: PieceRecord = serde_json::from_str(&line).unwrap();
            assert_eq!(read.into_bytes().as_deref(), Some(bytes), "{line}");
        }
    }

    #[test]
    fn what_stays_and_what_is_stripped_are_the_record() {
        let span = |first, raw| Stripped { paragraphs: [first, first], raw };
        let stripped = [span(0, 0..2), span(1, 2..3), span(3, 5..7)];
        let stays: Vec<&[u8]> = rest(b"abcdefg", &stripped).collect();
        assert_eq!(stays.concat(), b"de");
        assert_eq!(rest(b"abc", &[]).collect::<Vec<_>>(), [b"abc"]);
        let piece = PieceRecord::stripped(100, 7, b"abcdefg", &stripped[2]);
        assert_eq!(
            (piece.offset, piece.length, piece.ordinal, piece.paragraphs),
            (105, 2, Some(7), Some([3, 3]))
        );
        assert_eq!(piece.into_bytes().as_deref(), Some(&b"fg"[..]));
    }

    #[test]
    fn a_length_that_lies_is_noticed() {
        let mut record = PieceRecord::new(0, RemovedKind::Record, None, b"abc");
        record.length = 4;
        assert_eq!(record.into_bytes(), None);
    }
}
