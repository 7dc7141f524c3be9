//! In which order, and how many at a time, are the documents that have company gone through?
//!
//! [`Sketches`] and documents in some order in, their rows in that order and batches of them out. A batch is as many
//! documents as the budget has room for: its index, entries and lists. Where batches are cut changes no answer.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::contents::Contents;
use super::sketches::{Company, Sketches};
use crate::candidates::{ALONE, Relation, Row, RowRange, Rows, Sets, most_bytes};
use crate::shingle::ShingleSet;

/// Documents in the order in which they are visited. A *place* is a number among them.
///
/// Memory: the rows, 244 bytes a document at a threshold of 0.8, and 9 more.
pub struct Visited {
    /// The documents, in order.
    pub documents: Vec<u32>,
    relation: Relation,
    rows: Rows,
    /// For each place, the first one that has the same slot.
    firsts: Vec<u32>,
    /// Which may get into a full bucket.
    crowded: Vec<bool>,
    /// Which have a slot.
    comparable: Vec<bool>,
}

impl Visited {
    /// These documents. Cost: a sort of their slots, and a walk through the company of each band.
    pub fn of(sketches: &Sketches, company: Company, documents: Vec<u32>) -> Visited {
        let relation = *sketches.relation();
        let mut rows = Rows::blank(&relation, documents.len());
        let mut crowded = vec![false; documents.len()];
        let mut comparable = vec![false; documents.len()];
        let mut firsts: Vec<u32> = (0..documents.len() as u32).collect();
        let slots = documents.iter().zip(0..).filter_map(|(&document, place)| {
            Some((sketches.slot(document)?, place)) //
        });
        let mut by_slot: Vec<(u32, u32)> = slots.collect();
        by_slot.sort_unstable();
        for same in by_slot.chunk_by(|a, b| a.0 == b.0) {
            for &(slot, place) in same {
                comparable[place as usize] = true;
                firsts[place as usize] = same[0].1;
                rows.set(place as usize, sketches.group(slot), sketches.size(slot), sketches.bytes(slot));
            }
        }
        for (band, (found, first)) in company.into_bands().into_iter().enumerate() {
            let mut places = by_slot.iter().peekable();
            for member in &found.members {
                while places.next_if(|(slot, _)| *slot < member.slot).is_some() {}
                while let Some(&(_, place)) = places.next_if(|(slot, _)| *slot == member.slot) {
                    rows.set_bucket(place as usize, band, first + member.bucket());
                    crowded[place as usize] |= member.is_crowded();
                }
            }
        }
        Visited { documents, relation, rows, firsts, crowded, comparable }
    }

    /// What makes two of them a candidate pair.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// How many places.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The first place that has the same content, for certain, as this one.
    pub fn first(&self, place: usize) -> usize {
        self.firsts[place] as usize
    }

    /// Whether the document is compared by similarity.
    pub fn comparable(&self, place: usize) -> bool {
        self.comparable[place]
    }

    /// The row of a document.
    pub fn row(&self, place: usize) -> Row<'_> {
        self.rows.row(place)
    }

    /// The rows of a batch.
    pub fn rows(&self, batch: &Range<usize>) -> RowRange<'_> {
        RowRange::of(&self.rows, batch.clone())
    }

    /// All places, in batches whose indexes take up to `memory_bytes` each, the sets of documents not counted; each has one
    /// place at the least.
    pub fn batches(&self, memory_bytes: usize) -> Vec<Range<usize>> {
        let mut batches = Vec::new();
        let (mut start, mut taken) = (0, 0_usize);
        for place in 0..self.len() {
            let bytes = self.most_bytes(place);
            if place > start && taken.saturating_add(bytes) > memory_bytes {
                batches.push(start..place);
                (start, taken) = (place, 0);
            }
            taken = taken.saturating_add(bytes);
        }
        if start < self.len() {
            batches.push(start..self.len());
        }
        batches
    }

    fn most_bytes(&self, place: usize) -> usize {
        most_bytes(&self.relation, self.row(place), self.crowded[place]) + size_of::<OnceLock<ShingleSet>>()
    }

    /// Whether somebody shares a bucket with it; with `--exact`, always.
    pub fn has_company(&self, place: usize) -> bool {
        matches!(self.relation, Relation::All(_)) || self.row(place).buckets.iter().any(|&bucket| bucket != ALONE)
    }
}

/// The sets of some documents, kept once they were asked for as long as there is room, and else made anew.
///
/// Memory: 24 bytes a document, and the sets, up to a limit.
pub struct CachedSets<'a> {
    contents: &'a Contents<'a>,
    documents: &'a [u32],
    sets: Vec<OnceLock<ShingleSet>>,
    left_bytes: AtomicUsize,
}

impl<'a> CachedSets<'a> {
    /// Of these documents; their numbers here are their places among these. The sets that are kept take up to
    /// `memory_bytes`.
    pub fn new(contents: &'a Contents<'a>, documents: &'a [u32], memory_bytes: usize) -> CachedSets<'a> {
        CachedSets {
            contents,
            documents,
            sets: documents.iter().map(|_| OnceLock::new()).collect(),
            left_bytes: AtomicUsize::new(memory_bytes),
        }
    }

    fn has_room_for(&self, set: &ShingleSet) -> bool {
        let bytes = 8 * set.len();
        let taken = self.left_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(bytes) //
        });
        taken.is_ok()
    }
}

impl Sets for CachedSets<'_> {
    fn set(&self, number: u32) -> Cow<'_, ShingleSet> {
        let kept = &self.sets[number as usize];
        if let Some(set) = kept.get() {
            return Cow::Borrowed(set);
        }
        let set = self.contents.make_set(self.documents[number as usize]);
        match self.has_room_for(&set) {
            true => Cow::Borrowed(kept.get_or_init(|| set)),
            false => Cow::Owned(set),
        }
    }
}
