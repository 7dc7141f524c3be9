//! Which paragraphs are alike, without being the same?
//!
//! The token hashes of different paragraphs in, [`Alike`] out: the pairs whose measured Jaccard similarity reaches the
//! threshold. Candidates come from a prefix filter, which leaves none out. Nothing is removed on the strength of an answer,
//! so a wrong one costs a line in a report, and hashes of shingles are enough, as for `pairs`.
//!
//! Paragraphs have ids, in whose order they go by. Each is held against the *listed* ones before it; then it is listed
//! itself, or, where so many listed ones are alike with it that they are a *crowd*, put aside. Of a hundred thousand forms of
//! one sentence only the first few are listed, so no square is taken.
//!
//! Most paragraphs share none of their rarest shingles with one that may be a partner. The others, the [`Company`], are
//! numbered and settled in batches, as large as memory allows: within a batch first, then all later ones are held against
//! what it listed. What a paragraph is held against depends on the order alone, and not on where batches are cut.

use std::cell::LazyCell;
use std::num::NonZeroUsize;
use std::ops::Range;

use rayon::prelude::*;

use super::bits::Bits;
use super::census::{damaged, take_bytes};
use super::means::Means;
use crate::candidates::{
    Frequencies, Listed, ListedPlace, Listing, Partners, ShortIndex, parity_of, partnered,
};
use crate::error::Result;
use crate::shingle::{ShingleSet, for_each_shingle};
use crate::store::{Column, ColumnWriter, RowReader, Rows, RowsWriter, Sorted, Sorter};
use crate::verify::overlap_at_least;

/// What counts as alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlikeSettings {
    /// The least Jaccard similarity. The contract's 0.8.
    pub min_similarity: f64,
    /// Tokens in a shingle. The contract's 2.
    pub shingle_tokens: NonZeroUsize,
    /// A paragraph that is alike with so many listed ones is not listed itself. With 64, like
    /// [`BUCKET_LIMIT`](crate::candidates::BUCKET_LIMIT), families of an ordinary size are never cut. With more than
    /// `most_measured` there are no crowds.
    pub crowd: usize,
    /// Under one shingle, only so many paragraphs are found, the first ones; others find them. With 4,096, a look-up
    /// reads for some 10 µs under each shingle at most.
    pub most_found: u64,
    /// A paragraph is measured against so many listed ones at most, the first ones that nothing but a measurement can tell
    /// from partners: about 100 µs. Of the paragraphs of six real corpora none met more than 19.
    pub most_measured: u16,
}

impl Default for AlikeSettings {
    fn default() -> Self {
        let two = const { NonZeroUsize::new(2).unwrap() };
        AlikeSettings {
            min_similarity: 0.8,
            shingle_tokens: two,
            crowd: 64,
            most_found: 1 << 12,
            most_measured: 1 << 10,
        }
    }
}

/// Of the shingle hashes; the token hashes have the run's seed in them.
const SEED: u64 = 0;

/// Counts the shingles of paragraphs.
pub struct Counting {
    frequencies: Frequencies,
    settings: AlikeSettings,
}

/// Shingles of some paragraphs, in the parts of [`Frequencies`].
pub type Shingles = [Vec<u64>; Frequencies::PARTS];

impl Counting {
    /// Ready to count the shingles of about so many tokens.
    pub fn new(tokens: u64, settings: AlikeSettings) -> Counting {
        Counting { frequencies: Frequencies::new(tokens, settings.min_similarity), settings }
    }

    /// Adds the shingles of a paragraph.
    pub fn shingles(settings: &AlikeSettings, tokens: &[u64], out: &mut Shingles) {
        for_each_shingle(tokens, settings.shingle_tokens, SEED, |shingle| {
            let (part, mixed) = Frequencies::part_of(shingle);
            out[part].push(mixed);
        });
    }

    /// Counts them. Every paragraph is counted, once or more often, before the first is listed.
    pub fn count(&mut self, found: &Shingles) {
        let parts = self.frequencies.parts().into_par_iter();
        parts.zip(found).for_each(|(mut part, shingles)| part.count(shingles));
    }

    /// Adds what a paragraph is listed under. `shingles` is room for its shingles.
    pub fn list(&self, id: u64, tokens: &[u64], shingles: &mut Vec<u64>, out: &mut Vec<Listing>) {
        shingles.clear();
        for_each_shingle(tokens, self.settings.shingle_tokens, SEED, |shingle| shingles.push(shingle));
        self.frequencies.list(id, shingles, out);
    }
}

/// A listing as it is sorted, by shingle or by paragraph.
pub type ListingRow = [u32; 7];

/// By shingle, then by paragraph.
pub fn listing_row(listing: &Listing) -> ListingRow {
    let Listing { place, set, size, position, parity } = *listing;
    let sizes = u32::from(size) << 16 | u32::from(position);
    let [place, set, parity] = [place, set, parity].map(|number| [(number >> 32) as u32, number as u32]);
    [place[0], place[1], set[0], set[1], sizes, parity[0], parity[1]]
}

fn listing_of(row: ListingRow) -> Listing {
    let number = |at: usize| u64::from(row[at]) << 32 | u64::from(row[at + 1]);
    let (size, position) = ((row[4] >> 16) as u16, row[4] as u16);
    Listing { place: number(0), set: number(2), size, position, parity: number(5) }
}

/// Shingles go by in so many parts, by their places.
pub const PARTS: u32 = 256;

/// The part of a listing. By the hash of its shingle, so that all parts are about as large.
pub fn part_of(listing: &Listing) -> u32 {
    (listing.place >> 48) as u32 % PARTS
}

/// Takes listings, some parts of all shingles at a time, and keeps those that have a possible partner.
pub struct Partnering {
    settings: AlikeSettings,
    by_set: Sorter<PartneredRow>,
}

impl Partnering {
    /// None yet.
    pub fn new(settings: AlikeSettings, means: &Means) -> Partnering {
        Partnering { settings, by_set: Sorter::new(&means.workspace, "company", means.work(4)) }
    }

    /// All listings of these parts; others are passed over.
    pub fn add(&mut self, listings: Sorted<ListingRow>, parts: Range<u32>) -> Result<()> {
        let AlikeSettings { min_similarity, most_found, .. } = self.settings;
        let rows = listings.reader()?.map(|row| row.map(listing_of));
        let rows = rows.filter(|row| row.as_ref().map_or(true, |listing| parts.contains(&part_of(listing))));
        let each = |listing: Listing, partners| self.by_set.push(partnered_row(&listing, partners));
        partnered(rows, min_similarity, most_found, each)
    }
}

/// Paragraphs that may have a partner, numbered in the order of their ids.
pub struct Company {
    settings: AlikeSettings,
    ids: Column<u64>,
    members: Rows,
}

/// What of a paragraph is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// To be held against those before it and to be found by those after it: where there may be any.
    Both,
    /// To be held against some of those before it.
    Later,
    /// To be held against those before and after it.
    Any,
}

/// A paragraph and what is known of its partners, shingle by shingle.
struct Draft {
    id: u64,
    places: Vec<DraftPlace>,
}

/// A shingle of a draft.
struct DraftPlace {
    place: u64,
    position: u16,
    /// One or more of the flags below.
    flags: u8,
    /// No one before the first may be a partner, or between the second and the paragraph.
    earlier: [u64; 2],
}

const FOUND: u8 = 1;
const HAS_LATER: u8 = 2;
const HAS_EARLIER: u8 = 4;

/// No one at all before a paragraph.
const NOBODY: [u64; 2] = [u64::MAX, 0];

/// Paragraphs that are read together.
const GATHERED: usize = 1 << 12;

impl Company {
    /// Of all who have a possible partner. `tokens` gives those of the paragraph of an id, with what it needs to be quick about it; ids ascend.
    ///
    /// Cost: a sort of their listings, and one read of each paragraph that may have a partner.
    pub fn gather<S: Default>(
        partnering: Partnering,
        tokens: impl Fn(u64, &mut S) -> Vec<u64> + Sync,
        means: &Means,
    ) -> Result<Company> {
        let Partnering { settings, by_set } = partnering;
        let mut company = Gathering {
            ids: ColumnWriter::new(&means.workspace, "company-ids", means.work(32)),
            members: RowsWriter::new(&means.workspace, "company", means.work(4)),
            settings,
        };
        let mut waiting: Vec<Draft> = Vec::new();
        for row in by_set.finish()?.reader()? {
            let [id, place, position, first, last] = row?;
            if waiting.last().is_none_or(|draft| draft.id != id) {
                if waiting.len() == GATHERED {
                    company.add(&waiting, &tokens)?;
                    waiting.clear();
                }
                waiting.push(Draft { id, places: Vec::new() });
            }
            if let Some(draft) = waiting.last_mut() {
                let (flags, position) = ((position >> 16) as u8, position as u16);
                draft.places.push(DraftPlace { place, position, flags, earlier: [first, last] });
            }
        }
        company.add(&waiting, &tokens)?;
        Ok(Company { settings, ids: company.ids.finish()?, members: company.members.finish()? })
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.ids.len() as u32
    }

    /// Their ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = Result<u64>> {
        self.ids.iter_from(0)
    }

    /// The id of one.
    pub fn id(&self, number: u32) -> Result<u64> {
        self.ids.get(u64::from(number))
    }

    fn members_from(&self, number: u32) -> Result<Members> {
        Ok(Members { rows: self.members.iter_from(u64::from(number))?, row: Vec::new(), next: number })
    }
}

/// A [`Company`] that is being gathered.
struct Gathering {
    ids: ColumnWriter<u64>,
    members: RowsWriter,
    settings: AlikeSettings,
}

impl Gathering {
    fn add<S: Default>(
        &mut self,
        some: &[Draft],
        tokens: &(impl Fn(u64, &mut S) -> Vec<u64> + Sync),
    ) -> Result<()> {
        let row = |state: &mut S, draft: &Draft| {
            let set = ShingleSet::of_tokens(&tokens(draft.id, state), self.settings.shingle_tokens, SEED);
            encoded(draft, &set)
        };
        let rows: Vec<Vec<u8>> = some.par_iter().with_min_len(64).map_init(S::default, row).collect();
        for (draft, row) in some.iter().zip(rows) {
            self.ids.push(draft.id)?;
            self.members.push(&row)?;
        }
        Ok(())
    }
}

/// Paragraph, place, flags and position, and the first and the last before it that may be partners.
type PartneredRow = [u64; 5];

fn partnered_row(listing: &Listing, partners: Partners) -> PartneredRow {
    let flag = |is: bool, flag: u8| u64::from(if is { flag } else { 0 });
    let flags = flag(partners.found, FOUND)
        | flag(partners.later, HAS_LATER)
        | flag(partners.earlier.is_some(), HAS_EARLIER);
    let [first, last] = partners.earlier.map_or(NOBODY, |(first, last)| [first, last]);
    [listing.set, listing.place, flags << 16 | u64::from(listing.position), first, last]
}

/// Size, parity, how many places; the places, each with whom it may be alike with before it; the shingles.
fn encoded(draft: &Draft, set: &ShingleSet) -> Vec<u8> {
    let mut row = Vec::with_capacity(24 + PLACE_BYTES * draft.places.len() + 8 * set.len());
    let size = set.len() as u32;
    row.extend_from_slice(&size.to_le_bytes());
    parity_of(set).iter().for_each(|half| row.extend_from_slice(&half.to_le_bytes()));
    row.extend_from_slice(&(draft.places.len() as u32).to_le_bytes());
    for &DraftPlace { place, position, flags, earlier } in &draft.places {
        row.extend_from_slice(&place.to_le_bytes());
        row.extend_from_slice(&size.saturating_sub(position.into()).to_le_bytes());
        row.push(flags);
        earlier.iter().for_each(|id| row.extend_from_slice(&id.to_le_bytes()));
    }
    set.hashes().iter().for_each(|hash| row.extend_from_slice(&hash.to_le_bytes()));
    row
}

/// Bytes of a place in a row.
const PLACE_BYTES: usize = 29;

/// One of the company as it is written.
#[derive(Clone, Copy)]
struct Written<'r> {
    size: u32,
    parity: [u64; 2],
    places: &'r [[u8; PLACE_BYTES]],
    hashes: &'r [[u8; 8]],
}

impl<'r> Written<'r> {
    /// What is written in a row. `None` where the bytes are no row.
    fn of(mut row: &'r [u8]) -> Option<Written<'r>> {
        let size = u32::from_le_bytes(take_bytes(&mut row)?);
        let parity = [u64::from_le_bytes(take_bytes(&mut row)?), u64::from_le_bytes(take_bytes(&mut row)?)];
        let count = u32::from_le_bytes(take_bytes(&mut row)?) as usize;
        let (places, hashes) = row.split_at_checked(count.checked_mul(PLACE_BYTES)?)?;
        let (hashes, rest) = hashes.as_chunks();
        let is_whole = rest.is_empty() && hashes.len() == size as usize;
        is_whole.then_some(Written { size, parity, places: places.as_chunks().0, hashes })
    }

    /// Whether one of these ids, from the first to the last, may be a partner before it.
    fn may_have_earlier(&self, [first, last]: [u64; 2]) -> bool {
        self.places.iter().any(|place| {
            let [from, to] = earlier_of(place);
            from <= last && first <= to
        })
    }

    /// The places that are needed; of one that is to be held against some of those before it, those of these ids.
    fn listed(&self, role: Role, [first, last]: [u64; 2]) -> Listed {
        let needed = |place: &[u8; PLACE_BYTES]| {
            let [from, to] = earlier_of(place);
            let flags = place[12];
            let has = |flag: u8| flags & flag != 0;
            let (needed, found) = match role {
                Role::Both => {
                    (has(HAS_EARLIER) || has(HAS_LATER) && has(FOUND), has(HAS_LATER) && has(FOUND))
                }
                Role::Later => (has(HAS_EARLIER) && from <= last && first <= to, false),
                Role::Any => (true, has(FOUND)),
            };
            let place = &mut &place[..];
            let number = u64::from_le_bytes(take_bytes(place)?);
            let left = u32::from_le_bytes(take_bytes(place)?);
            needed.then_some(ListedPlace { place: number, left, found })
        };
        let places = self.places.iter().filter_map(needed).collect();
        Listed { size: self.size, parity: self.parity, places }
    }

    fn set(&self) -> ShingleSet {
        ShingleSet::from_hashes(self.hashes.iter().map(|&hash| u64::from_le_bytes(hash)).collect())
    }
}

/// The first and the last paragraph before it that may be partners in a place.
fn earlier_of(place: &[u8; PLACE_BYTES]) -> [u64; 2] {
    let id = |at: usize| place[at..].first_chunk().map_or(0, |&id| u64::from_le_bytes(id));
    [id(13), id(21)]
}

/// Reads the company in order.
struct Members {
    rows: RowReader,
    row: Vec<u8>,
    next: u32,
}

/// Rows that are read before they are decoded.
const READ: usize = 1 << 10;

/// Bytes of rows that are read before they are decoded.
const READ_BYTES: usize = 2 << 20;

impl Members {
    fn next(&mut self) -> Result<Option<(u32, Written<'_>)>> {
        if !self.rows.next(&mut self.row)? {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some((self.next - 1, Written::of(&self.row).ok_or_else(damaged)?)))
    }

    /// What `work` makes of the `wanted` ones of the next thousand or so, on all threads, in order; `None` at the end.
    fn map<T: Send>(
        &mut self,
        wanted: impl Fn(u32, &Written) -> bool,
        work: impl Fn(u32, &Written) -> Result<T> + Sync,
    ) -> Result<Option<Vec<(u32, T)>>> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut rows: Vec<(u32, Range<usize>)> = Vec::new();
        let first = self.next;
        while rows.len() < READ && bytes.len() < READ_BYTES && self.rows.next(&mut self.row)? {
            if wanted(self.next, &Written::of(&self.row).ok_or_else(damaged)?) {
                rows.push((self.next, bytes.len()..bytes.len() + self.row.len()));
                bytes.extend_from_slice(&self.row);
            }
            self.next += 1;
        }
        let one = |(number, row): &(u32, Range<usize>)| {
            let written = Written::of(&bytes[row.clone()]).ok_or_else(damaged)?;
            Ok((*number, work(*number, &written)?))
        };
        let made: Result<Vec<(u32, T)>> = rows.par_iter().with_min_len(16).map(one).collect();
        if self.next == first { Ok(None) } else { Ok(Some(made?)) }
    }
}

/// Which paragraphs of a company are alike.
pub struct Alike {
    /// Both ways: a paragraph, one that is alike with it, and the two halves of their similarity; sorted. Those in a crowd are
    /// not held against each other.
    pub pairs: Sorted<PairRow>,
    /// Those that are alike with so many that they were put aside.
    pub crowded: Bits,
    /// How many these are.
    pub aside: u32,
}

/// Two numbers and the two halves of an `f64`.
pub type PairRow = [u32; 4];

/// A pair as it is sorted.
pub fn pair_row(a: u32, b: u32, jaccard: f64) -> PairRow {
    let bits = jaccard.to_bits();
    [a, b, (bits >> 32) as u32, bits as u32]
}

/// The similarity of a pair.
pub fn jaccard_of(row: PairRow) -> f64 {
    f64::from_bits(u64::from(row[2]) << 32 | u64::from(row[3]))
}

/// Paragraphs of a batch that are looked up together, on all threads.
const BLOCK: usize = 128;

impl Alike {
    /// Holds the company against each other.
    ///
    /// Cost: a look-up of each, and one more in each batch before its own; a measurement of each candidate pair. Memory: 4
    /// bytes for each of the company, and what the means allow.
    pub fn find(company: &Company, means: &Means) -> Result<Alike> {
        let mut settling = Settling {
            settings: company.settings,
            standings: vec![Standing::default(); company.len() as usize],
            crowded: Bits::new(company.len() as usize),
            pairs: Sorter::new(&means.workspace, "alike", means.work(8)),
        };
        let mut members = company.members_from(0)?;
        loop {
            let mut batch = Batch::load(company, &mut members, Role::Both, |_| true, means.work(3))?;
            if batch.numbers.is_empty() {
                break;
            }
            settling.settle(&mut batch)?;
            settling.hold_later_against(&batch, company.members_from(members.next)?)?;
        }
        let aside = (0..company.len()).filter(|&number| settling.crowded.has(number)).count() as u32;
        Ok(Alike { pairs: settling.pairs.finish()?, crowded: settling.crowded, aside })
    }

    /// For each of those that are `asking`: the first one put aside that is alike with it and `fits`, for who found nobody
    /// among the others. Sorted.
    pub fn aside(
        &self,
        company: &Company,
        asking: &Bits,
        fits: impl Fn(u32, u32) -> Result<bool> + Sync,
        means: &Means,
    ) -> Result<Sorted<PairRow>> {
        let mut answers: Sorter<PairRow> = Sorter::new(&means.workspace, "aside", means.work(8));
        let mut left = asking.clone();
        let mut measured = vec![0_u16; company.len() as usize];
        let settings = &company.settings;
        let mut members = company.members_from(0)?;
        loop {
            let mut batch = Batch::load(
                company,
                &mut members,
                Role::Any,
                |number| self.crowded.has(number),
                means.work(3),
            )?;
            if batch.numbers.is_empty() {
                break;
            }
            (0..batch.numbers.len() as u32).for_each(|local| batch.index.insert(local));
            let mut asked = company.members_from(0)?;
            loop {
                let answer = |number: u32, member: &Written| {
                    let most = usize::from(settings.most_measured - measured[number as usize]);
                    let candidates = batch.candidates_of(number, &member.listed(Role::Any, NOBODY), most);
                    let set = LazyCell::new(|| member.set());
                    for &local in &candidates {
                        let other = batch.numbers[local as usize];
                        if let Some(jaccard) = batch.jaccard(&set, local, settings)
                            && fits(number, other)?
                        {
                            return Ok((candidates.len(), Some((other, jaccard))));
                        }
                    }
                    Ok((candidates.len(), None))
                };
                let Some(answered) = asked.map(|number, _| left.has(number), answer)? else {
                    break;
                };
                for (number, (met, answer)) in answered {
                    measured[number as usize] += met as u16;
                    if let Some((other, jaccard)) = answer {
                        left.clear(number);
                        answers.push(pair_row(number, other, jaccard))?;
                    }
                }
            }
        }
        answers.finish()
    }
}

/// Some of the company, in memory.
struct Batch {
    /// The number of each, ascending.
    numbers: Vec<u32>,
    sets: Vec<ShingleSet>,
    /// The ids of the first and the last.
    ids: [u64; 2],
    index: ShortIndex,
}

impl Batch {
    /// The next ones that are `wanted`, as many as so many bytes have room for, and one at least if there is one.
    fn load(
        company: &Company,
        members: &mut Members,
        role: Role,
        wanted: impl Fn(u32) -> bool,
        memory_bytes: usize,
    ) -> Result<Batch> {
        let (mut numbers, mut sets, mut listed) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        while bytes < memory_bytes
            && let Some((number, member)) = members.next()?
        {
            if wanted(number) {
                let (set, of_member) = (member.set(), member.listed(role, NOBODY));
                bytes += 8 * set.len() + ShortIndex::BYTES * of_member.places.len() + MEMBER_BYTES;
                numbers.push(number);
                sets.push(set);
                listed.push(of_member);
            }
        }
        let ids = match (numbers.first(), numbers.last()) {
            (Some(&first), Some(&last)) => [company.id(first)?, company.id(last)?],
            _ => NOBODY,
        };
        let index = ShortIndex::new(&listed, company.settings.min_similarity);
        Ok(Batch { numbers, sets, ids, index })
    }

    /// The first of those that may be alike with one of the company, which may be of this batch.
    fn candidates_of(&self, number: u32, listed: &Listed, most: usize) -> Vec<u32> {
        let mut candidates = Vec::new();
        self.index.candidates_of(listed, &mut candidates);
        candidates.retain(|&local| self.numbers[local as usize] != number);
        candidates.truncate(most);
        candidates
    }

    fn jaccard(&self, set: &ShingleSet, local: u32, settings: &AlikeSettings) -> Option<f64> {
        let overlap = overlap_at_least(set, &self.sets[local as usize], settings.min_similarity);
        overlap.map(|overlap| overlap.jaccard())
    }
}

/// What one of a batch takes besides its shingles and listings (from the sizes of what is held).
const MEMBER_BYTES: usize = 120;

/// How far a paragraph has come.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// How many listed ones it was measured against.
    measured: u16,
    /// How many of them are alike with it.
    alike: u16,
}

/// Batches that are being settled.
struct Settling {
    settings: AlikeSettings,
    standings: Vec<Standing>,
    crowded: Bits,
    pairs: Sorter<PairRow>,
}

impl Settling {
    /// Holds those of a batch against each other, and lists them or puts them aside.
    fn settle(&mut self, batch: &mut Batch) -> Result<()> {
        let count = batch.numbers.len() as u32;
        for first in (0..count).step_by(BLOCK) {
            let block = first..count.min(first + BLOCK as u32);
            block.clone().for_each(|local| batch.index.insert(local));
            let found: Vec<Vec<(u32, Option<f64>)>> =
                block.clone().into_par_iter().map(|local| self.before(batch, first, local)).collect();
            block.clone().rev().for_each(|local| batch.index.take_back(local));
            for (local, found) in block.zip(found) {
                let number = batch.numbers[local as usize];
                for (other, jaccard) in found {
                    let other = batch.numbers[other as usize];
                    if !self.crowded.has(other) {
                        self.note(number, other, jaccard)?;
                    }
                }
                if usize::from(self.standings[number as usize].alike) < self.settings.crowd {
                    batch.index.insert(local);
                } else {
                    self.crowded.set(number);
                }
            }
        }
        Ok(())
    }

    /// The candidates before one of a block, with their similarity to it where they are alike. Those of the block itself may
    /// turn out to be put aside.
    fn before(&self, batch: &Batch, block: u32, local: u32) -> Vec<(u32, Option<f64>)> {
        let mut candidates = Vec::new();
        batch.index.candidates(local, &mut candidates);
        candidates.truncate(candidates.partition_point(|&other| other < local));
        let listed = candidates.partition_point(|&other| other < block);
        let left = usize::from(self.left(batch.numbers[local as usize]));
        if left < listed {
            candidates.truncate(left);
        }
        let set = &batch.sets[local as usize];
        candidates.into_iter().map(|other| (other, batch.jaccard(set, other, &self.settings))).collect()
    }

    /// Holds the later ones against what is listed of a batch.
    fn hold_later_against(&mut self, batch: &Batch, mut later: Members) -> Result<()> {
        loop {
            let look_up = |number: u32, member: &Written| {
                let listed = member.listed(Role::Later, batch.ids);
                let candidates = batch.candidates_of(number, &listed, usize::from(self.left(number)));
                let set = LazyCell::new(|| member.set());
                let measured = |&other: &u32| (other, batch.jaccard(&set, other, &self.settings));
                Ok(candidates.iter().map(measured).collect::<Vec<_>>())
            };
            let wanted =
                |number: u32, member: &Written| self.left(number) > 0 && member.may_have_earlier(batch.ids);
            let Some(found) = later.map(wanted, look_up)? else { return Ok(()) };
            for (number, found) in found {
                for (other, jaccard) in found {
                    self.note(number, batch.numbers[other as usize], jaccard)?;
                }
            }
        }
    }

    /// So many listed ones a paragraph may still be measured against.
    fn left(&self, number: u32) -> u16 {
        self.settings.most_measured - self.standings[number as usize].measured
    }

    /// One was measured against a listed one before it.
    fn note(&mut self, number: u32, other: u32, jaccard: Option<f64>) -> Result<()> {
        let left = self.left(number);
        let standing = &mut self.standings[number as usize];
        if left == 0 {
            return Ok(());
        }
        standing.measured += 1;
        if let Some(jaccard) = jaccard {
            standing.alike += 1;
            self.pairs.push(pair_row(number, other, jaccard))?;
            self.pairs.push(pair_row(other, number, jaccard))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
