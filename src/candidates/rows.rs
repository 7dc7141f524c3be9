//! What is looked at in two documents before they are measured?

use std::borrow::Cow;
use std::ops::Range;

use super::prefix::MARGIN;
use crate::sketch::Screening;

/// Stands for "no bucket": nobody else has the document's key of that band.
pub const ALONE: u32 = u32::MAX;

/// One document, as the comparison sees it before it measures.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Documents are compared only with those of the same group. It may be a hash: who measures makes sure.
    pub group: u32,
    /// How many shingles it has.
    pub size: u32,
    /// For each band, its bucket, or [`ALONE`].
    pub buckets: &'a [u32],
    /// The low byte of each function.
    pub bytes: &'a [u8],
}

/// Which pairs are candidates: a property of the two documents, whatever else there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// Every pair of a group; of interest from this similarity on.
    All(f64),
    /// Those that share a bucket, whose sizes allow the similarity, and whose bytes pass the prefilter.
    Screened(Screening),
}

impl Relation {
    /// The similarity from which on pairs are of interest.
    pub fn similarity(&self) -> f64 {
        match self {
            Relation::All(similarity) => *similarity,
            Relation::Screened(screening) => screening.similarity,
        }
    }

    /// Whether two documents are a candidate pair. Symmetric. Cost: a look at their bands, most often, else at their bytes.
    pub fn holds(&self, a: Row, b: Row) -> bool {
        let share_a_bucket = matches!(self, Relation::All(_)) || share_a_bucket(a.buckets, b.buckets);
        share_a_bucket && self.holds_in_bucket(a, b)
    }

    /// The same for two documents that are known to share a bucket or, where every pair is a candidate, anything.
    pub(super) fn holds_in_bucket(&self, a: Row, b: Row) -> bool {
        a.group == b.group
            && match self {
                Relation::All(_) => true,
                Relation::Screened(screening) => {
                    sizes_allow(a.size, b.size, screening.similarity)
                        && screening.prefilter.passes(a.bytes, b.bytes)
                }
            }
    }

    /// How many bands rows have for it.
    pub fn bands(&self) -> usize {
        match self {
            Relation::All(_) => 0,
            Relation::Screened(screening) => usize::from(screening.banding.bands),
        }
    }

    /// How many bytes rows have for it.
    pub fn functions(&self) -> usize {
        match self {
            Relation::All(_) => 0,
            Relation::Screened(screening) => usize::from(screening.functions),
        }
    }
}

/// Sets of very different sizes cannot be similar, whatever they hold.
fn sizes_allow(a: u32, b: u32, similarity: f64) -> bool {
    f64::from(a.min(b)) >= similarity * (1.0 - MARGIN) * f64::from(a.max(b))
}

/// Without a branch for each band, so that compilers make vector instructions of it.
fn share_a_bucket(a: &[u32], b: &[u32]) -> bool {
    a.iter().zip(b).fold(false, |shared, (a, b)| shared | (a == b && *a != ALONE))
}

/// Rows, numbered in the order in which they are pushed.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    bands: usize,
    functions: usize,
    groups: Vec<u32>,
    sizes: Vec<u32>,
    buckets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Rows {
    /// None yet, for this relation.
    pub fn new(relation: &Relation) -> Rows {
        Rows { bands: relation.bands(), functions: relation.functions(), ..Rows::default() }
    }

    /// `count` rows of no group, without shingles and alone in every band.
    pub fn blank(relation: &Relation, count: usize) -> Rows {
        let mut rows = Rows::new(relation);
        rows.groups.resize(count, 0);
        rows.sizes.resize(count, 0);
        rows.buckets.resize(count * rows.bands, ALONE);
        rows.bytes.resize(count * rows.functions, 0);
        rows
    }

    /// Adds a row. Panics when it has not as many bands and bytes as the others.
    pub fn push(&mut self, row: Row) {
        assert_eq!((row.buckets.len(), row.bytes.len()), (self.bands, self.functions), "rows of one kind");
        self.groups.push(row.group);
        self.sizes.push(row.size);
        self.buckets.extend_from_slice(row.buckets);
        self.bytes.extend_from_slice(row.bytes);
    }

    /// Says of which group a row is, how many shingles it has, and its bytes. Panics when there is no such row.
    pub fn set(&mut self, number: usize, group: u32, size: u32, bytes: &[u8]) {
        self.groups[number] = group;
        self.sizes[number] = size;
        self.bytes[number * self.functions..][..self.functions].copy_from_slice(bytes);
    }

    /// Says in which bucket of a band a row is. Panics when there is no such row or band.
    pub fn set_bucket(&mut self, number: usize, band: usize, bucket: u32) {
        self.buckets[number * self.bands..][..self.bands][band] = bucket;
    }

    /// The row of this number. Panics when there is none.
    pub fn row(&self, number: usize) -> Row<'_> {
        Row {
            group: self.groups[number],
            size: self.sizes[number],
            buckets: &self.buckets[number * self.bands..][..self.bands],
            bytes: &self.bytes[number * self.functions..][..self.functions],
        }
    }

    /// Adds a row to `out` as [`width`](Rows::width) bytes: group and size, buckets, bytes; numbers little endian. Panics
    /// when there is no such row.
    pub fn write(&self, number: usize, out: &mut Vec<u8>) {
        let row = self.row(number);
        for value in [row.group, row.size].iter().chain(row.buckets) {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(row.bytes);
    }

    /// Adds the rows that [`write`](Rows::write) has made these bytes of. What is too short for a row is left.
    pub fn read(&mut self, bytes: &[u8]) {
        for row in bytes.chunks_exact(self.width()) {
            let (numbers, bytes) = row.split_at(8 + 4 * self.bands);
            let mut numbers = numbers.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
            self.groups.extend(numbers.next());
            self.sizes.extend(numbers.next());
            self.buckets.extend(numbers);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// How many bytes a row has.
    pub fn width(&self) -> usize {
        8 + 4 * self.bands + self.functions
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }
}

/// Some rows that follow each other, numbered from 0 again: a part of those in memory, or rows that were read.
#[derive(Clone, Debug)]
pub struct RowRange<'a> {
    rows: Cow<'a, Rows>,
    range: Range<usize>,
}

impl<'a> RowRange<'a> {
    /// A part of these. Panics when they have no such part.
    pub fn of(rows: &'a Rows, range: Range<usize>) -> RowRange<'a> {
        assert!(range.start <= range.end && range.end <= rows.len(), "a part of the rows");
        RowRange { rows: Cow::Borrowed(rows), range }
    }

    /// All of these.
    pub fn owned(rows: Rows) -> RowRange<'static> {
        let range = 0..rows.len();
        RowRange { rows: Cow::Owned(rows), range }
    }

    /// The row of this number. Panics when there is none.
    pub fn row(&self, number: u32) -> Row<'_> {
        self.rows.row(self.range.start + number as usize)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }
}
