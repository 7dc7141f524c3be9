//! Which of many short sets may be alike?
//!
//! Shingles counted in [`Frequencies`], each set's rarest ones as [`Listing`]s, numbers of sets out. It is the prefix
//! filter of `prefix`, made for millions of paragraphs most of which are like no other. All sets are known before the
//! first look-up: a set with too many shingles of its own is dropped before anything is sorted, and a listing without a
//! possible [partner](partnered) is dropped before any index is made. The rest goes into [`ShortIndex`]es, one batch of
//! sets after the other, as many as memory has room for.
//!
//! A candidate too many costs one measurement. No pair that is as alike as the index was made for is left out, unless all
//! shingles that lead from one to the other are listed by thousands before it: of each shingle only the first sets, by
//! their numbers, are found. That bounds what a look-up reads, and depends on nothing but the sets, so that batches may be
//! cut anywhere.
//!
//! Memory: a byte for each shingle counted, at most 64 MiB; of an index, about [130 bytes](ShortIndex::BYTES) for each
//! listing. Time: two reads of a counter for each shingle, a sort of what is listed.

use std::cell::RefCell;
use std::ops::Range;

use super::prefix::{Bounds, SizeClasses};
use crate::shingle::ShingleSet;
use crate::sketch::mix;

/// How many sets hold each shingle.
///
/// Counters are shared by shingles whose hashes fall together, so a count is never too low. It may be too high: the
/// index asks in vain then. The counters are in parts that can be filled side by side, without locks.
pub struct Frequencies {
    counters: Vec<u8>,
    /// The highest bits of a mixed hash choose the counter, and the highest of these the part.
    shift: u32,
    bounds: Bounds,
}

/// The counters of one part of all shingles.
pub struct FrequencyPart<'a> {
    counters: &'a mut [u8],
    shift: u32,
}

/// Counts end there: shingles that are more frequent are rare for nobody.
const MOST_COUNTED: u8 = 128;

/// At most 64 MiB of counters, whatever the memory: which of a crowd is found rests on the order by rarity.
const MOST_COUNTERS: u64 = 1 << 26;

/// Bits of a mixed hash that choose its part.
const PART_BITS: u32 = 4;

impl Frequencies {
    /// How many parts there are.
    pub const PARTS: usize = 1 << PART_BITS;

    /// Ready to count about so many shingles, repeats included, for pairs of Jaccard similarity `similarity` (above 0.0,
    /// up to 1.0) or more.
    pub fn new(shingles: u64, similarity: f64) -> Frequencies {
        let counters = shingles.clamp(1 << 10, MOST_COUNTERS).next_power_of_two();
        Frequencies {
            counters: vec![0; counters as usize],
            shift: 64 - counters.trailing_zeros(),
            bounds: Bounds::new(similarity),
        }
    }

    /// Mixes the hash of a shingle, and says the part that counts it.
    pub fn part_of(shingle: u64) -> (usize, u64) {
        let mixed = mix(shingle);
        ((mixed >> (64 - PART_BITS)) as usize, mixed)
    }

    /// The parts. Every shingle of every set is to be counted, once or more often, before the first set is listed.
    pub fn parts(&mut self) -> Vec<FrequencyPart<'_>> {
        let length = self.counters.len() >> PART_BITS;
        let part = |counters| FrequencyPart { counters, shift: self.shift };
        self.counters.chunks_mut(length).map(part).collect()
    }

    /// Adds to `out` what the set of these shingles, which may repeat, is to be listed under: its rarest ones, as many as
    /// any partner must share one of, without those that are its own. Nothing where too many are its own: a partner at
    /// 0.8 has four fifths of its shingles at least. `shingles` are overwritten.
    pub fn list(&self, set: u64, shingles: &mut Vec<u64>, out: &mut Vec<Listing>) {
        let mut own = 0;
        for shingle in shingles.iter_mut() {
            *shingle = self.place(*shingle);
            own += u32::from(is_unique(*shingle)); // no branch: the next counters are on their way meanwhile
        }
        if own > self.bounds.spare(shingles.len() as u32) {
            return;
        }
        shingles.sort_unstable();
        shingles.dedup();
        let size = shingles.len() as u32;
        let parity = shingles.iter().fold(0, |parity, place| parity ^ 1 << (place % 64));
        let prefix = self.bounds.spare(size) as usize + 1;
        for (position, &place) in (0..).zip(shingles.iter()).take(prefix) {
            if !is_unique(place) {
                let [size, position] = [size, position].map(|number: u32| number.min(MOST_SAID) as u16);
                out.push(Listing { place, set, size, position, parity });
            }
        }
    }

    /// Where a shingle stands in the order, rarest first: its count in the highest 8 bits, then 56 bits of its hash.
    fn place(&self, shingle: u64) -> u64 {
        let mixed = mix(shingle);
        u64::from(self.counters[(mixed >> self.shift) as usize]) << 56 | mixed & ((1 << 56) - 1)
    }
}

impl FrequencyPart<'_> {
    /// Counts shingles of this part, mixed.
    pub fn count(&mut self, mixed: &[u64]) {
        let last = self.counters.len() - 1; // a power of two, less one
        for &mixed in mixed {
            let counter = &mut self.counters[(mixed >> self.shift) as usize & last];
            *counter += u8::from(*counter < MOST_COUNTED);
        }
    }
}

/// Whether no second set has a shingle of this place.
fn is_unique(place: u64) -> bool {
    place >> 56 <= 1
}

/// A set under one of its rarest shingles. Sorted by shingle, then by set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    /// Where the shingle stands in the order, rarest first.
    pub place: u64,
    /// The set.
    pub set: u64,
    /// How many shingles the set has, and how many of them are rarer than this one; 65,535 stands for so many and for more.
    /// Such a position is too low and such a size unknown, so that more are taken for possible partners.
    pub size: u16,
    /// See [`size`](Listing::size).
    pub position: u16,
    /// Whether an odd number of its shingles falls on each bit: two sets differ in as many shingles, at least, as their
    /// parities do in bits.
    pub parity: u64,
}

/// Greater sizes and positions are not told apart.
const MOST_SAID: u32 = u16::MAX as u32;

/// The same over 128 bits, for a set that is to be held against many.
pub fn parity_of(set: &ShingleSet) -> [u64; 2] {
    let mut parity = [0; 2];
    for &shingle in set.hashes() {
        let mixed = mix(shingle);
        parity[(mixed / 64 % 2) as usize] ^= 1 << (mixed % 64);
    }
    parity
}

/// A set as it stands in an index, and as it asks one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// How many shingles it has.
    pub size: u32,
    /// See [`parity_of`].
    pub parity: [u64; 2],
    /// Its listings that have a possible partner, rarest first.
    pub places: Vec<ListedPlace>,
}

/// One shingle of a [`Listed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPlace {
    /// As in [`Listing`].
    pub place: u64,
    /// How many of its shingles are not rarer than this one, itself included.
    pub left: u32,
    /// Whether the set is found under it; else it only asks.
    pub found: bool,
}

/// What is known of the possible partners of a set under one shingle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partners {
    /// Whether the set is one of the first of the shingle, and so found under it.
    pub found: bool,
    /// Whether one may come after it.
    pub later: bool,
    /// No one before the first of these may be one, or between the second and the set; absent: no one before it is.
    pub earlier: Option<(u64, u64)>,
}

/// Under one shingle, of no more sets each is held against each, and those without a possible partner are left out: about
/// a microsecond a set at most.
const PAIRED: usize = 256;

/// Goes through all listings of all sets, sorted, and hands out those that have a possible partner, with what is known of
/// these. The first `most_found` sets of a shingle are found under it.
///
/// A set none of whose listings is handed out has no partner. Memory: some hundred listings. `similarity` as in
/// [`Frequencies::new`].
pub fn partnered<E>(
    listings: impl Iterator<Item = Result<Listing, E>>,
    similarity: f64,
    most_found: u64,
    mut each: impl FnMut(Listing, Partners) -> Result<(), E>,
) -> Result<(), E> {
    let bounds = Bounds::new(similarity);
    // Of many, anyone may be a partner.
    let one_of_many = |rank: u64| Partners {
        found: rank < most_found,
        later: true,
        earlier: (rank > 0).then_some((0, u64::MAX)),
    };
    let mut waiting: Vec<Listing> = Vec::new();
    let mut gone = 0; // how many of the shingle are handed out already
    let mut hand_out = |waiting: &mut Vec<Listing>, gone: u64| -> Result<(), E> {
        for (at, listing) in waiting.iter().enumerate() {
            let rank = gone + at as u64;
            if gone > 0 || waiting.len() > PAIRED {
                each(*listing, one_of_many(rank))?;
            } else if let Some(partners) = partners(waiting, at, &bounds) {
                each(*listing, Partners { found: rank < most_found, ..partners })?;
            }
        }
        waiting.clear();
        Ok(())
    };
    let mut place = None;
    for listing in listings {
        let listing = listing?;
        if place != Some(listing.place) {
            hand_out(&mut waiting, gone)?;
            (place, gone) = (Some(listing.place), 0);
        }
        waiting.push(listing);
        if waiting.len() > PAIRED {
            let handed_out = waiting.len() as u64;
            hand_out(&mut waiting, gone)?;
            gone += handed_out;
        }
    }
    hand_out(&mut waiting, gone)
}

/// The possible partners of one of the sets of a shingle.
fn partners(of_place: &[Listing], at: usize, bounds: &Bounds) -> Option<Partners> {
    let may_pair = |other: &&Listing| may_pair(bounds, &of_place[at], other);
    let (before, after) = (&of_place[..at], &of_place[at + 1..]);
    let first = before.iter().find(may_pair);
    let last = first.and_then(|_| before.iter().rfind(may_pair));
    let earlier = first.zip(last).map(|(first, last)| (first.set, last.set));
    let later = after.iter().any(|other| may_pair(&other));
    (later || earlier.is_some()).then_some(Partners { found: true, later, earlier })
}

fn may_pair(bounds: &Bounds, a: &Listing, b: &Listing) -> bool {
    let [(a_size, a_position), (b_size, b_position)] =
        [a, b].map(|listing| (u32::from(listing.size), u32::from(listing.position)));
    if a_size.max(b_size) == MOST_SAID {
        return true;
    }
    (a_size - a_position).min(b_size - b_position) >= bounds.shared(a_size, b_size)
        && u64::from((a.parity ^ b.parity).count_ones()) <= bounds.may_differ(a_size, b_size)
}

fn may_be_alike(bounds: &Bounds, size: u32, left: u32, parity: &[u64; 2], other: &Entry) -> bool {
    let differ = |half: usize| u64::from((parity[half] ^ other.parity[half]).count_ones());
    left.min(other.left) >= bounds.shared(size, other.size)
        && differ(0) + differ(1) <= bounds.may_differ(size, other.size)
}

/// An index of a batch of short sets that is asked for the possible partners of others, and grows.
pub struct ShortIndex {
    bounds: Bounds,
    sets: Vec<Set>,
    /// The listings of all sets, one set after the other.
    listings: Vec<Own>,
    /// All shingles, ascending.
    places: Vec<u64>,
    /// Where the lists of each shingle begin; one more at the end.
    firsts: Vec<u32>,
    lists: Vec<List>,
    /// The rooms of all lists, one after the other.
    entries: Vec<Entry>,
}

struct Set {
    /// Where its listings begin; those of the next set begin where they end.
    start: u32,
    size: u32,
    parity: [u64; 2],
}

/// A listing of a set.
#[derive(Clone, Copy)]
struct Own {
    /// Which shingle it is, among those of the index.
    place: u32,
    /// The list that the set enters, or [`NOWHERE`].
    list: u32,
    left: u32,
}

/// The list of a set that only asks.
const NOWHERE: u32 = u32::MAX;

/// A set in a list.
#[derive(Clone, Copy, Default)]
struct Entry {
    set: u32,
    size: u32,
    left: u32,
    parity: [u64; 2],
}

/// Sets under one shingle; where they are many, those of about one size that have it in about one position.
struct List {
    room: Range<u32>,
    inserted: u32,
    /// The least size and the greatest `left` that are possible in it: where these cannot pair, nothing in it can.
    least: u32,
    greatest_left: u32,
}

/// No more sets stand in one list, whatever their sizes.
const SMALL: usize = 32;

/// Positions in a large list are told apart up to this share of the size.
const POSITIONS: u32 = 64;

thread_local! {
    /// Which sets a look-up has met, a bit each. All zeros between look-ups.
    static MET: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl ShortIndex {
    /// Bytes of memory for each listing, while the index is made too (from the sizes of what it holds).
    pub const BYTES: usize = 130;

    /// An empty index for these sets, which are numbered from 0. `similarity` as in [`Frequencies::new`].
    pub fn new(sets: &[Listed], similarity: f64) -> ShortIndex {
        let bounds = Bounds::new(similarity);
        let mut index = ShortIndex {
            bounds,
            sets: Vec::with_capacity(sets.len() + 1),
            listings: Vec::new(),
            places: Vec::new(),
            firsts: Vec::new(),
            lists: Vec::new(),
            entries: Vec::new(),
        };
        let mut sorted: Vec<(u64, u32)> = Vec::new();
        for set in sets {
            index.sets.push(Set { start: index.listings.len() as u32, size: set.size, parity: set.parity });
            for listed in &set.places {
                sorted.push((listed.place, index.listings.len() as u32));
                // Until it is arranged, `place` is the number of the set.
                let list = if listed.found { 0 } else { NOWHERE };
                index.listings.push(Own { place: index.sets.len() as u32 - 1, list, left: listed.left });
            }
        }
        index.sets.push(Set { start: index.listings.len() as u32, size: 0, parity: [0; 2] });
        sorted.sort_unstable();
        let classes = SizeClasses::new();
        sorted.chunk_by(|a, b| a.0 == b.0).for_each(|of_place| index.arrange(of_place, &classes));
        index.firsts.push(index.lists.len() as u32);
        let room = index.lists.last().map_or(0, |list| list.room.end);
        index.entries = vec![Entry::default(); room as usize];
        index
    }

    /// Makes the lists of one shingle.
    fn arrange(&mut self, of_place: &[(u64, u32)], classes: &SizeClasses) {
        let place = self.places.len() as u32;
        self.places.push(of_place[0].0);
        self.firsts.push(self.lists.len() as u32);
        let found = of_place.iter().filter(|&&(_, at)| self.listings[at as usize].list != NOWHERE);
        let mut found: Vec<u32> = found.map(|&(_, at)| at).collect();
        let large = found.len() > SMALL;
        let part = |at: u32| {
            let Own { place: set, left, .. } = self.listings[at as usize];
            let size = self.sets[set as usize].size;
            (classes.of(size), (size - left) / (size / POSITIONS).max(1))
        };
        if large {
            found.sort_unstable_by_key(|&at| (part(at), at));
        }
        let mut lists: Vec<List> = Vec::new();
        let mut list_of: Vec<u32> = Vec::with_capacity(found.len());
        for members in found.chunk_by(|&a, &b| !large || part(a) == part(b)) {
            let start = lists.last().or(self.lists.last()).map_or(0, |list| list.room.end);
            let sizes = members.iter().map(|&at| self.sets[self.listings[at as usize].place as usize].size);
            let lefts = members.iter().map(|&at| self.listings[at as usize].left);
            list_of.extend(std::iter::repeat_n((self.lists.len() + lists.len()) as u32, members.len()));
            lists.push(List {
                room: start..start + members.len() as u32,
                inserted: 0,
                least: sizes.min().unwrap_or(0),
                greatest_left: lefts.max().unwrap_or(0),
            });
        }
        found.iter().zip(list_of).for_each(|(&at, list)| self.listings[at as usize].list = list);
        of_place.iter().for_each(|&(_, at)| self.listings[at as usize].place = place);
        self.lists.append(&mut lists);
    }

    /// From now on, `set` is a candidate for others.
    pub fn insert(&mut self, set: u32) {
        let Set { size, parity, .. } = self.sets[set as usize];
        for at in self.listings_of(set) {
            let Own { list, left, .. } = self.listings[at];
            if list != NOWHERE {
                let list = &mut self.lists[list as usize];
                self.entries[(list.room.start + list.inserted) as usize] = Entry { set, size, left, parity };
                list.inserted += 1;
            }
        }
    }

    /// Undoes the last [`insert`](ShortIndex::insert), which must have been of this set.
    pub fn take_back(&mut self, set: u32) {
        for at in self.listings_of(set) {
            let list = self.listings[at].list;
            if list != NOWHERE {
                self.lists[list as usize].inserted -= 1;
            }
        }
    }

    /// Replaces `out` by every inserted set that may be as alike to `set` as the index was made for: ascending, no repeats,
    /// never itself.
    pub fn candidates(&self, set: u32, out: &mut Vec<u32>) {
        let Set { size, parity, .. } = &self.sets[set as usize];
        let own = self.listings[self.listings_of(set)].iter();
        self.near(*size, parity, own.map(|own| (own.place as usize, own.left)), out);
        out.retain(|&other| other != set);
    }

    /// The same for a set that is not of this index.
    pub fn candidates_of(&self, set: &Listed, out: &mut Vec<u32>) {
        let known =
            |listed: &ListedPlace| Some((self.places.binary_search(&listed.place).ok()?, listed.left));
        self.near(set.size, &set.parity, set.places.iter().filter_map(known), out);
    }

    /// Collects, once each, the sets that share a shingle with one in a place where it can be the first they share.
    fn near(
        &self,
        size: u32,
        parity: &[u64; 2],
        own: impl Iterator<Item = (usize, u32)>,
        out: &mut Vec<u32>,
    ) {
        out.clear();
        MET.with_borrow_mut(|met| {
            met.resize(met.len().max(self.sets.len().div_ceil(64)), 0);
            for (place, left) in own {
                for list in &self.lists[self.firsts[place] as usize..self.firsts[place + 1] as usize] {
                    if left.min(list.greatest_left) < self.bounds.shared(size, list.least) {
                        continue;
                    }
                    let inserted = list.room.start as usize..(list.room.start + list.inserted) as usize;
                    for other in &self.entries[inserted] {
                        let (word, bit) = (other.set as usize / 64, 1 << (other.set % 64));
                        if met[word] & bit == 0 && may_be_alike(&self.bounds, size, left, parity, other) {
                            met[word] |= bit;
                            out.push(other.set);
                        }
                    }
                }
            }
            out.iter().for_each(|&other| met[other as usize / 64] = 0);
        });
        out.sort_unstable();
    }

    fn listings_of(&self, set: u32) -> Range<usize> {
        self.sets[set as usize].start as usize..self.sets[set as usize + 1].start as usize
    }
}
