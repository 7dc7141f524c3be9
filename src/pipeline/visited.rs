//! In which order, and how many at a time, are the documents that have company gone through?
//!
//! [`Sketches`] and documents in some order in, their rows in that order and batches of them out. A batch is as many
//! documents as the budget has room for: its index, entries and lists. Where batches are cut changes no answer.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bits::Bits;
use super::company::{Company, Members};
use super::contents::Contents;
use super::copies::same_group;
use super::firsts::Firsts;
use super::sketches::{Heads, Sketches};
use crate::candidates::{ALONE, Member, Relation, RowRange, Rows, Sets, most_bytes};
use crate::error::Result;
use crate::shingle::ShingleSet;
use crate::store::{Sealed, Spool};

/// Documents in the order in which they are visited. A *place* is a number among them.
///
/// Memory: 4 bytes a document, 8 more where there are several batches, that of [`Firsts`] and two bits; 10 bytes more while it is
/// made. Their rows, 236 bytes a document at a threshold of 0.8, wait in a store.
pub struct Visited {
    /// The documents, in order.
    pub documents: Vec<u32>,
    relation: Relation,
    rows: Stored,
    /// For each place, the first one that has the same slot.
    firsts: Firsts,
    comparable: Bits,
    has_company: Bits,
    /// Whether any is of a group.
    has_groups: bool,
    batches: Vec<Range<usize>>,
    /// For each place a bit for each batch in which somebody shares a bucket with it; absent where there is one batch, and where
    /// buckets tell nothing. The 64th batch after one has the same bit.
    near: Option<Vec<u64>>,
}

/// Where rows wait.
enum Stored {
    Memory(Rows),
    Disk(Sealed),
}

/// A slot, and a place that has it.
type SlotAndPlace = (u32, u32);

impl Visited {
    /// These documents. While their rows are made, they take up to half of `memory_bytes`, then an eighth at most; half of it
    /// takes the index of a batch.
    ///
    /// Cost: a sort of their slots, and a walk through the company of each band; where rows do not fit in an eighth, a walk
    /// for each half.
    pub fn of(
        sketches: &Sketches,
        company: &Company,
        documents: Vec<u32>,
        memory_bytes: usize,
    ) -> Result<Visited> {
        let places = documents.iter().zip(0..);
        let mut by_slot: Vec<SlotAndPlace> =
            places.filter_map(|(&document, place)| Some((sketches.slot(document)?, place))).collect();
        by_slot.sort_unstable();
        let mut comparable = Bits::new(documents.len());
        by_slot.iter().for_each(|&(_, place)| _ = comparable.set(place));
        let firsts = Firsts::of(documents.len() as u32, |each| {
            for same in by_slot.chunk_by(|a, b| a.0 == b.0) {
                same[1..].iter().for_each(|&(_, place)| each(place, same[0].1));
            }
            Ok(())
        })?;
        let relation = *sketches.relation();
        let mut has_company = match relation {
            Relation::All(_) => Bits::all(documents.len()),
            Relation::Screened(_) => Bits::new(documents.len()),
        };
        let mut batches = Batches::new(memory_bytes / 2);
        let fitting = |bytes: usize| (bytes / Rows::new(&relation).width()).max(1);
        let fits = documents.len() <= fitting(memory_bytes / 8);
        let part = if fits { documents.len().max(1) } else { fitting(memory_bytes / 2) };
        let mut spool = Spool::new(sketches.workspace(), "rows", memory_bytes / 16);
        let mut whole = None;
        let mut has_groups = false;
        let mut bytes = Vec::new();
        for start in (0..documents.len()).step_by(part) {
            let places = start..documents.len().min(start.saturating_add(part));
            let (rows, crowded) = rows_of(sketches, company, &by_slot, &places)?;
            for (number, place) in places.clone().enumerate() {
                let row = rows.row(number);
                has_groups |= row.group != 0;
                if row.buckets.iter().any(|&bucket| bucket != ALONE) {
                    has_company.set(place as u32);
                }
                batches.push(most_bytes(&relation, row, crowded[number]) + size_of::<OnceLock<ShingleSet>>());
            }
            if fits {
                whole = Some(rows);
                break;
            }
            for number in 0..rows.len() {
                bytes.clear();
                rows.write(number, &mut bytes);
                spool.append(&bytes)?;
            }
        }
        let rows = match whole {
            Some(rows) => Stored::Memory(rows),
            None => Stored::Disk(spool.finish()?),
        };
        let batches = batches.finish();
        let near = match relation {
            Relation::Screened(_) if batches.len() > 1 => {
                Some(near(sketches, company, &by_slot, &batches, documents.len())?)
            }
            _ => None,
        };
        Ok(Visited { documents, relation, rows, firsts, comparable, has_company, has_groups, batches, near })
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
        self.firsts.get(place as u32) as usize
    }

    /// Whether the document is compared by similarity.
    pub fn comparable(&self, place: usize) -> bool {
        self.comparable.has(place as u32)
    }

    /// Whether somebody shares a bucket with it; with `--exact`, always.
    pub fn has_company(&self, place: usize) -> bool {
        self.has_company.has(place as u32)
    }

    /// Whether two documents of rows of one group are of the same group for certain.
    pub fn same_group(&self, contents: &Contents, a: usize, b: usize) -> bool {
        !self.has_groups || same_group(contents, self.documents[a], self.documents[b])
    }

    /// The rows of these places.
    pub fn rows(&self, places: &Range<usize>) -> Result<RowRange<'_>> {
        match &self.rows {
            Stored::Memory(rows) => Ok(RowRange::of(rows, places.clone())),
            Stored::Disk(_) => {
                let mut rows = Rows::new(&self.relation);
                let mut bytes = Vec::new();
                for start in places.clone().step_by(ROWS_READ) {
                    self.rows_from(start..places.end.min(start + ROWS_READ), &mut bytes)?;
                    rows.read(&bytes);
                }
                Ok(RowRange::owned(rows))
            }
        }
    }

    /// The rows of these places where they are in memory; else `None`, and `bytes` are what was written of them.
    fn rows_from(&self, places: Range<usize>, bytes: &mut Vec<u8>) -> Result<Option<RowRange<'_>>> {
        match &self.rows {
            Stored::Memory(rows) => Ok(Some(RowRange::of(rows, places))),
            Stored::Disk(sealed) => {
                let width = Rows::new(&self.relation).width();
                sealed.read_at((places.start * width) as u64, places.len() * width, bytes)?;
                Ok(None)
            }
        }
    }

    /// The next places from `start` on, as many as are looked up together, that share a bucket with somebody of a batch; others
    /// are no candidates for anyone there.
    pub fn near(&self, batch: usize, start: usize, most: usize) -> Vec<usize> {
        let bit = bit_of(batch);
        let is_near = |&place: &usize| self.near.as_ref().is_none_or(|near| near[place] & bit != 0);
        (start..self.len()).filter(is_near).take(most).collect()
    }

    /// The rows of these places, which ascend.
    pub fn rows_of(&self, places: &[usize]) -> Result<RowRange<'_>> {
        let mut rows = Rows::new(&self.relation);
        let mut bytes = Vec::new();
        for some in places.chunk_by(|one, next| next - one <= NEIGHBOURS) {
            // Not more at once than is read of places in a row.
            for some in some.chunks(ROWS_READ / NEIGHBOURS) {
                let (first, last) = (some[0], some[some.len() - 1]);
                let range = self.rows_from(first..last + 1, &mut bytes)?;
                for &place in some {
                    match &range {
                        Some(range) => rows.push(range.row((place - first) as u32)),
                        None => rows.read(&bytes[(place - first) * rows.width()..][..rows.width()]),
                    }
                }
            }
        }
        Ok(RowRange::owned(rows))
    }

    /// All places, in batches whose indexes take up to half of the memory each, the sets of documents not counted;
    /// each has one place at the least.
    pub fn batches(&self) -> &[Range<usize>] {
        &self.batches
    }
}

/// Rows that are read at once.
const ROWS_READ: usize = 1 << 12;

/// Rows that are so near are read together, with those between them: 4 KiB or so.
const NEIGHBOURS: usize = 16;

fn bit_of(batch: usize) -> u64 {
    1 << (batch % 64)
}

/// For each place a bit for each batch in which somebody has a bucket of it. Cost: two walks through the company. Memory: 8 bytes
/// a place, and 8 for each bucket of a band.
fn near(
    sketches: &Sketches,
    company: &Company,
    by_slot: &[SlotAndPlace],
    batches: &[Range<usize>],
    places: usize,
) -> Result<Vec<u64>> {
    let batch_of = |place: u32| batches.partition_point(|batch| batch.end <= place as usize);
    let mut near = vec![0; places];
    let mut of_bucket: Vec<u64> = Vec::new();
    for band in 0..sketches.relation().bands() {
        of_bucket.clear();
        for_each_member(company.members(band).1, by_slot, |place, member| {
            let bucket = member.bucket() as usize;
            of_bucket.resize(of_bucket.len().max(bucket + 1), 0);
            of_bucket[bucket] |= bit_of(batch_of(place));
        })?;
        for_each_member(company.members(band).1, by_slot, |place, member| {
            near[place as usize] |= of_bucket[member.bucket() as usize];
        })?;
    }
    Ok(near)
}

/// Calls `each` with the places of members, both in the order of slots.
fn for_each_member<T: Copy>(
    members: Members,
    by_slot: &[(u32, T)],
    mut each: impl FnMut(T, Member),
) -> Result<()> {
    let mut places = by_slot.iter().peekable();
    for member in members {
        let member = member?;
        while places.next_if(|(slot, _)| *slot < member.slot).is_some() {}
        while let Some(&(_, place)) = places.next_if(|(slot, _)| *slot == member.slot) {
            each(place, member);
        }
    }
    Ok(())
}

/// The rows of these places, and which of them are in crowded buckets.
fn rows_of(
    sketches: &Sketches,
    company: &Company,
    by_slot: &[SlotAndPlace],
    places: &Range<usize>,
) -> Result<(Rows, Vec<bool>)> {
    let mut rows = Rows::blank(sketches.relation(), places.len());
    let mut crowded = vec![false; places.len()];
    let number =
        |place: u32| (place as usize).checked_sub(places.start).filter(|number| *number < places.len());
    let here: Vec<(u32, usize)> =
        by_slot.iter().filter_map(|&(slot, place)| Some((slot, number(place)?))).collect();
    let mut heads = Heads::default();
    for &(slot, number) in &here {
        if heads.of(slot).is_none() {
            sketches.read_heads(slot, &mut heads)?;
        }
        if let Some((group, size, bytes)) = heads.of(slot) {
            rows.set(number, group, size, bytes);
        }
    }
    for band in 0..sketches.relation().bands() {
        let (first, members) = company.members(band);
        for_each_member(members, &here, |number, member| {
            rows.set_bucket(number, band, first + member.bucket());
            crowded[number] |= member.is_crowded();
        })?;
    }
    Ok((rows, crowded))
}

/// Cuts places into batches.
struct Batches {
    most_bytes: usize,
    taken_bytes: usize,
    start: usize,
    next: usize,
    cut: Vec<Range<usize>>,
}

impl Batches {
    fn new(most_bytes: usize) -> Batches {
        Batches { most_bytes, taken_bytes: 0, start: 0, next: 0, cut: Vec::new() }
    }

    fn push(&mut self, bytes: usize) {
        if self.next > self.start && self.taken_bytes.saturating_add(bytes) > self.most_bytes {
            self.cut.push(self.start..self.next);
            (self.start, self.taken_bytes) = (self.next, 0);
        }
        self.taken_bytes = self.taken_bytes.saturating_add(bytes);
        self.next += 1;
    }

    fn finish(mut self) -> Vec<Range<usize>> {
        if self.next > self.start {
            self.cut.push(self.start..self.next);
        }
        self.cut
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
