//! What left a shard, enough to put it back.

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
}

impl PieceRecord {
    /// The record of these bytes.
    pub fn new(offset: u64, kind: RemovedKind, ordinal: Option<u64>, bytes: &[u8]) -> PieceRecord {
        let (raw, encoding) = text_or_base64(bytes);
        PieceRecord { offset, length: bytes.len() as u64, kind, ordinal, raw, encoding }
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
    fn a_length_that_lies_is_noticed() {
        let mut record = PieceRecord::new(0, RemovedKind::Record, None, b"abc");
        record.length = 4;
        assert_eq!(record.into_bytes(), None);
    }
}
