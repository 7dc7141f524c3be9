//! Where do rows of different lengths wait?
//!
//! Rows of bytes in, the same rows out, by number or in order. On a [`Spool`] stand, row by row, the length of the row as
//! a varint (LEB128) and its bytes. Of every 16th row the offset is remembered: half a byte a row, in memory, and in a file
//! of its own where a state is saved.
//!
//! Cost of one row by number: it is found from row to row within its 16, in reads of 16 KiB, or one for each row that is
//! longer.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Column, ColumnWriter, Saved, SavedBytes, SavedColumn, Sealed, SealedReader, Spool, Workspace};
use crate::error::Result;

/// Rows of bytes, numbered from 0 in the order in which they are pushed.
///
/// After an error it is good for nothing but to be dropped.
#[derive(Debug)]
pub struct RowsWriter {
    spool: Spool,
    blocks: ColumnWriter<u64>,
    rows: u64,
}

/// The saved state of a [`RowsWriter`] or [`Rows`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRows {
    bytes: SavedBytes,
    blocks: SavedColumn,
    rows: u64,
}

impl SavedRows {
    /// How many rows.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    fn check(&self, workspace: &Workspace) -> Result<()> {
        let fits = self.blocks.len() == self.rows.div_ceil(BLOCK) && self.rows <= self.bytes.len();
        if fits { Ok(()) } else { Err(self.bytes.unusable(workspace)) }
    }
}

/// The names of its files: two.
impl Saved for SavedRows {
    fn files(&self) -> Vec<&str> {
        [self.bytes.files(), self.blocks.files()].concat()
    }
}

/// The index stays in memory, whatever the rows may take.
const INDEX_BYTES: usize = usize::MAX;

/// So many rows have one offset in memory. A million rows of 300 bytes on average in a file, each look-up at random: 3.1
/// microseconds with 16, 5.9 with 64, which would take an eighth of a byte a row.
const BLOCK: u64 = 16;

/// A row is sought in pieces of this size at most: what a block of rows of 1 KiB takes, and what a disk reads about as
/// fast as one byte (a guess).
const PIECE: usize = 16 << 10;

/// Where a row begins is known, its length is not: most pages of news end before that.
const ROW_PIECE: usize = 1 << 10;

impl RowsWriter {
    /// No rows. They take up to `memory_bytes` of memory, then a file; the index takes half a byte a row more.
    pub fn new(workspace: &Workspace, name: &str, memory_bytes: usize) -> RowsWriter {
        let blocks = ColumnWriter::new(workspace, name, INDEX_BYTES);
        RowsWriter { spool: Spool::new(workspace, name, memory_bytes), blocks, rows: 0 }
    }

    /// As it was when the state was saved. See [`Spool::resume`].
    pub fn resume(workspace: &Workspace, saved: &SavedRows, memory_bytes: usize) -> Result<RowsWriter> {
        saved.check(workspace)?;
        Ok(RowsWriter {
            spool: Spool::resume(workspace, &saved.bytes, memory_bytes)?,
            blocks: ColumnWriter::resume(workspace, &saved.blocks, INDEX_BYTES)?,
            rows: saved.rows,
        })
    }

    /// Appends a row, which may be empty; returns its number.
    pub fn push(&mut self, row: &[u8]) -> Result<u64> {
        let number = self.rows;
        let offset = self.spool.append(length_of(row, &mut [0; LONGEST]))?;
        self.spool.append(row)?;
        if number.is_multiple_of(BLOCK) {
            self.blocks.push(offset)?;
        }
        self.rows += 1;
        Ok(number)
    }

    /// How many rows were pushed.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Makes all rows so far durable, in two files. See [`Spool::save`].
    pub fn save(&mut self) -> Result<SavedRows> {
        Ok(SavedRows { bytes: self.spool.save()?, blocks: self.blocks.save()?, rows: self.rows })
    }

    /// The rows, to be read.
    pub fn finish(self) -> Result<Rows> {
        Ok(Rows { bytes: self.spool.finish()?, blocks: self.blocks.finish()?, rows: self.rows })
    }
}

/// The rows of a [`RowsWriter`], to be read by any number of threads. A clone is the same rows.
#[derive(Clone, Debug)]
pub struct Rows {
    bytes: Sealed,
    blocks: Column<u64>,
    rows: u64,
}

impl Rows {
    /// The rows of a saved state. See [`Sealed::reopen`].
    pub fn reopen(workspace: &Workspace, saved: &SavedRows, memory_bytes: usize) -> Result<Rows> {
        saved.check(workspace)?;
        Ok(Rows {
            bytes: Sealed::reopen(workspace, &saved.bytes, memory_bytes)?,
            blocks: Column::reopen(workspace, &saved.blocks, INDEX_BYTES)?,
            rows: saved.rows,
        })
    }

    /// Makes the rows durable, in two files. See [`Sealed::save`].
    pub fn save(&self) -> Result<SavedRows> {
        Ok(SavedRows { bytes: self.bytes.save()?, blocks: self.blocks.save()?, rows: self.rows })
    }

    /// How many rows.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Leaves in `row` the row of this number, and nothing else. An error where there is none.
    pub fn get(&self, number: u64, row: &mut Vec<u8>) -> Result<()> {
        let block = number / BLOCK;
        if number >= self.rows {
            return Err(self.bytes.damaged());
        }
        let next = block + 1;
        let end = if next < self.blocks.len() { self.blocks.get(next)? } else { self.bytes.len() };
        read_row(&self.bytes, self.blocks.get(block)?, end, number % BLOCK, row)
    }

    /// Reads the rows in order, from this number on; none where there is no such row.
    pub fn iter_from(&self, number: u64) -> Result<RowReader> {
        let start = if number < self.rows { self.blocks.get(number / BLOCK)? } else { self.bytes.len() };
        let mut reader = RowReader::new(self.bytes.reader(start..self.bytes.len()));
        for _ in 0..number % BLOCK {
            reader.skip()?;
        }
        Ok(reader)
    }
}

/// Reads rows in order. From a file with a buffer of 1 MiB, or of as much as there is to read.
#[derive(Debug)]
pub struct RowReader(SealedReader);

impl RowReader {
    pub(super) fn new(bytes: SealedReader) -> RowReader {
        RowReader(bytes)
    }

    /// Leaves in `row` the next row; false, and `row` empty, where there is none.
    pub fn next(&mut self, row: &mut Vec<u8>) -> Result<bool> {
        row.clear();
        let Some(length) = self.length()? else { return Ok(false) };
        let mut left = length;
        while left > 0 {
            let window = self.0.window()?;
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(window.len());
            row.extend_from_slice(&window[..taken]);
            self.0.skip(taken as u64);
            left -= taken as u64;
        }
        Ok(true)
    }

    /// Goes on to the next row, if there is one.
    fn skip(&mut self) -> Result<()> {
        if let Some(length) = self.length()? {
            self.0.skip(length);
        }
        Ok(())
    }

    /// Reads the length of the next row, which is all there.
    fn length(&mut self) -> Result<Option<u64>> {
        if self.0.left() == 0 {
            return Ok(None);
        }
        let found = match varint(self.0.window()?) {
            Some(found) => Some(found),
            None => varint(self.0.peek(&mut [0; LONGEST])?),
        };
        let (length, bytes) = found.ok_or_else(|| self.0.damaged())?;
        self.0.skip(bytes as u64);
        if length > self.0.left() { Err(self.0.damaged()) } else { Ok(Some(length)) }
    }
}

/// Leaves in `row` the row that stands `skipped` rows after the one that begins at `at`; all of them end by `end`.
fn read_row(bytes: &Sealed, mut at: u64, end: u64, skipped: u64, row: &mut Vec<u8>) -> Result<()> {
    let mut piece = Piece { bytes, end, most: PIECE, from: at..at, read: row };
    for _ in 0..skipped {
        at = piece.row(at)?.end;
    }
    let found = piece.row(at)?;
    piece.leave(found)
}

/// Leaves the row whose length stands at `at` in `row`.
pub(super) fn read_row_at(bytes: &Sealed, at: u64, row: &mut Vec<u8>) -> Result<()> {
    let mut piece = Piece { bytes, end: bytes.len(), most: ROW_PIECE, from: at..at, read: row };
    let found = piece.row(at)?;
    piece.leave(found)
}

/// What was read of rows that are being sought.
///
/// Rows in memory are copied, too: to go from length to length where they lie waits for the memory at every row. With
/// rows of 300 bytes on average that took 5.5 microseconds a look-up where a file took 3.1.
struct Piece<'a> {
    bytes: &'a Sealed,
    end: u64,
    /// So many are read at once.
    most: usize,
    /// What of the bytes stands in the beginning of `read`.
    from: Range<u64>,
    read: &'a mut Vec<u8>,
}

impl Piece<'_> {
    /// Where the row is whose length stands at `at`.
    fn row(&mut self, at: u64) -> Result<Range<u64>> {
        let (length, bytes) = self.length(at)?.ok_or_else(|| self.bytes.damaged())?;
        let start = at + bytes as u64;
        let end = start.checked_add(length).filter(|&end| end <= self.end);
        Ok(start..end.ok_or_else(|| self.bytes.damaged())?)
    }

    /// The length that stands at `at`, and how many bytes it takes.
    fn length(&mut self, at: u64) -> Result<Option<(u64, usize)>> {
        if self.from.contains(&at)
            && let Some(found) = varint(&self.read[(at - self.from.start) as usize..])
        {
            return Ok(Some(found));
        }
        let most = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX).min(self.most);
        self.bytes.read_at(at, most, self.read)?;
        self.from = at..at + most as u64;
        Ok(varint(self.read))
    }

    /// Leaves nothing but these bytes.
    fn leave(self, row: Range<u64>) -> Result<()> {
        let length = usize::try_from(row.end - row.start).unwrap_or(usize::MAX);
        if row.start < self.from.start || self.from.end < row.end {
            return self.bytes.read_at(row.start, length, self.read);
        }
        let start = (row.start - self.from.start) as usize;
        self.read.copy_within(start..start + length, 0);
        self.read.truncate(length);
        Ok(())
    }
}

/// The most bytes that a length takes.
pub(super) const LONGEST: usize = 10;

/// The length of a row as it stands before it: seven bits a byte, the lowest first, the highest bit set in all but the
/// last (LEB128). Written to the beginning of `space`.
pub(super) fn length_of<'a>(row: &[u8], space: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let mut rest = row.len() as u64;
    let mut at = 0;
    while rest >= 0x80 {
        space[at] = rest as u8 | 0x80;
        rest >>= 7;
        at += 1;
    }
    space[at] = rest as u8;
    &space[..=at]
}

/// The length at the beginning of these bytes, and how many bytes it takes; none where it does not end there.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().take(LONGEST).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * at as u32).unwrap_or(0);
        if byte < 0x80 {
            return Some((value, at + 1));
        }
    }
    None
}
