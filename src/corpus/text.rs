//! Plain text: a file is a document.
//!
//! The whole file after a byte order mark is the record, line ends and all; an empty file is an empty document. A
//! text record has no fields: no id, no url, no site.

use std::borrow::Cow;
use std::ops::Range;

use super::pieces::{PieceKind, Shape};
use super::record::{Fields, Record, Rejection, utf8};

/// A part is one piece.
pub(super) struct WholeFile;

impl Shape for WholeFile {
    fn end(&self, _bytes: &[u8], _searched: usize) -> Option<usize> {
        None
    }

    fn kind(&self, _piece: &[u8]) -> PieceKind {
        PieceKind::Record
    }

    fn rest(&self, _bytes: &[u8]) -> Option<PieceKind> {
        Some(PieceKind::Record)
    }
}

pub(super) fn parse<'a>(piece: &'a [u8], fields: &Fields) -> std::result::Result<Record<'a>, Rejection> {
    Ok(Record {
        text: Cow::Borrowed(utf8(piece)?),
        id: None,
        url: None,
        site: None,
        within: None,
        keep: vec![None; fields.keep.len()],
    })
}

/// The text is its bytes.
pub(super) fn raw_ranges(piece: &[u8], ranges: &[Range<usize>]) -> Option<Vec<Range<usize>>> {
    let text = utf8(piece).ok()?;
    let mut last = 0;
    for range in ranges {
        text.get(last..range.start)?;
        text.get(range.clone())?;
        last = range.end;
    }
    Some(ranges.to_vec())
}
