//! Which of many short sets may be alike?
//!
//! Shingles counted in [`Frequencies`], each set's rarest ones in a [`ShortIndex`], numbers of sets out. It is the prefix
//! filter of `prefix`, made for millions of paragraphs most of which are like no other. All sets are known before the
//! first look-up: a set with too many shingles of its own is dropped before anything is sorted, and a shingle that is
//! rare in no second set that could be a partner gets no list. What is left are numbers in place of hash maps.
//!
//! A candidate too many costs one measurement. No pair that is as alike as the index was made for is left out, unless a
//! look-up would read more than [`MOST_READ`] entries or meet more than [`MOST_MET`] sets that nothing but a measurement
//! can tell from partners: forty thousand edits of one text are such a case, and all their pairs would be a square. Of
//! the paragraphs of six real corpora none met more than 19.
//!
//! Who visits the sets in order may put one *aside*: it is not found by [`ShortIndex::candidates`] any more, only by
//! [`ShortIndex::aside`]. So that of a hundred thousand forms of one sentence each is held against a few and not
//! against all.
//!
//! Memory: a byte for each shingle counted, at most 128 MiB; 40 bytes for each rarest shingle that another set has, and
//! for those with a possible partner 72 more. Time: two reads of a counter for each shingle, a sort of what is listed.

use std::cell::RefCell;
use std::ops::Range;

use super::prefix::{Bounds, SizeClasses};
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

/// At most 128 MiB of counters.
const MOST_COUNTERS: u64 = 1 << 27;

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
    pub fn list(&self, set: u32, shingles: &mut Vec<u64>, out: &mut Vec<Listing>) {
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
        let mut parity = [0; 2];
        shingles.iter().for_each(|place| parity[(place / 64 % 2) as usize] ^= 1 << (place % 64));
        let prefix = self.bounds.spare(size) as usize + 1;
        for (position, &place) in shingles.iter().enumerate().take(prefix) {
            if !is_unique(place) {
                let entry = Entry { set, size, left: size - position as u32, parity };
                out.push(Listing { place, entry });
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    place: u64,
    entry: Entry,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    set: u32,
    /// How many shingles the set has.
    size: u32,
    /// How many of them are not rarer than this one, itself included.
    left: u32,
    /// Whether an odd number of its shingles falls on each bit: two sets differ in as many shingles, at least, as their
    /// parities do in bits.
    parity: [u64; 2],
}

/// An index of short sets that is asked for the possible partners of others, and grows.
pub struct ShortIndex {
    bounds: Bounds,
    /// Where the listings of each set begin among all; one more at the end.
    starts: Vec<u32>,
    listings: Vec<Listed>,
    lists: Vec<List>,
    /// The rooms of all lists, one after the other.
    entries: Vec<Entry>,
    any_aside: bool,
}

/// A listing of a set, and where it belongs.
#[derive(Clone, Copy, Default)]
struct Listed {
    entry: Entry,
    /// The list that it enters.
    list: u32,
    /// The first list of that shingle.
    first: u32,
}

/// Sets under one shingle; where they are many, those of about one size that have it in about one position. The room
/// fills from both ends: inserted sets from the front, those put aside from the back.
struct List {
    room: Range<u32>,
    inserted: u32,
    aside: u32,
    /// Whether the next list is of another shingle.
    last: bool,
    /// The least size and the greatest `left` that are possible in it: where these cannot pair, nothing in it can.
    least: u32,
    greatest_left: u32,
}

/// Of no more sets, each is held against each, and those without a possible partner are left out.
const SMALL: usize = 32;

/// Positions in a large list are told apart up to this share of the size.
const POSITIONS: u32 = 64;

/// Entries that a look-up reads at most, rarest shingles first: about 50 µs.
const MOST_READ: usize = 1 << 14;

/// Sets that a look-up meets at most: about 100 µs to measure them.
const MOST_MET: usize = 1 << 10;

thread_local! {
    /// Which sets a look-up has met, a bit each. All zeros between look-ups.
    static MET: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl ShortIndex {
    /// An empty index for sets with numbers below `sets`, whose [`Frequencies::list`]ings these are, all of them and
    /// sorted. `similarity` as there.
    pub fn new(sets: u32, mut listings: Vec<Listing>, similarity: f64) -> ShortIndex {
        let bounds = Bounds::new(similarity);
        let lists = arranged(&mut listings, &bounds);
        let mut starts = vec![0; sets as usize + 1];
        let listings_of = |list: &List| &listings[list.room.start as usize..list.room.end as usize];
        lists.iter().flat_map(listings_of).for_each(|listing| starts[listing.entry.set as usize + 1] += 1);
        for set in 0..sets as usize {
            starts[set + 1] += starts[set];
        }
        let mut next = starts.clone();
        let mut of_sets = vec![Listed::default(); listings.len()];
        let mut first = 0;
        for (number, list) in (0..).zip(&lists) {
            for &Listing { entry, .. } in listings_of(list) {
                let next = &mut next[entry.set as usize];
                of_sets[*next as usize] = Listed { entry, list: number, first };
                *next += 1;
            }
            if list.last {
                first = number + 1;
            }
        }
        ShortIndex {
            bounds,
            starts,
            entries: vec![Entry::default(); listings.len()],
            listings: of_sets,
            lists,
            any_aside: false,
        }
    }

    /// Whether a set shares one of its rarest shingles with another that could be its partner. Else it has none.
    pub fn has_company(&self, set: u32) -> bool {
        !self.listings_of(set).is_empty()
    }

    /// From now on, `set` is a candidate for others.
    pub fn insert(&mut self, set: u32) {
        for at in self.listings_of(set) {
            let Listed { entry, list, .. } = self.listings[at];
            let list = &mut self.lists[list as usize];
            self.entries[(list.room.start + list.inserted) as usize] = entry;
            list.inserted += 1;
        }
    }

    /// Undoes the last [`insert`](ShortIndex::insert), which must have been of this set.
    pub fn take_back(&mut self, set: u32) {
        for at in self.listings_of(set) {
            self.lists[self.listings[at].list as usize].inserted -= 1;
        }
    }

    /// From now on, `set`, which is not inserted, is found by [`aside`](ShortIndex::aside).
    pub fn put_aside(&mut self, set: u32) {
        self.any_aside = true;
        for at in self.listings_of(set) {
            let Listed { entry, list, .. } = self.listings[at];
            let list = &mut self.lists[list as usize];
            list.aside += 1;
            self.entries[(list.room.end - list.aside) as usize] = entry;
        }
    }

    /// Whether any set was put aside.
    pub fn any_aside(&self) -> bool {
        self.any_aside
    }

    /// Replaces `out` by every inserted set that may be as alike to `set` as the index was made for (see above for the
    /// bounds): ascending, no repeats, never itself.
    pub fn candidates(&self, set: u32, out: &mut Vec<u32>) {
        self.near(set, |list| list.room.start..list.room.start + list.inserted, out);
    }

    /// The same of the sets put aside.
    pub fn aside(&self, set: u32, out: &mut Vec<u32>) {
        self.near(set, |list| list.room.end - list.aside..list.room.end, out);
    }

    fn near(&self, set: u32, part: impl Fn(&List) -> Range<u32>, out: &mut Vec<u32>) {
        out.clear();
        MET.with_borrow_mut(|met| {
            met.resize(met.len().max(self.starts.len().div_ceil(64)), 0);
            self.meet(set, part, met, out);
            out.iter().for_each(|&other| met[other as usize / 64] = 0);
        });
        out.retain(|&other| other != set);
        out.sort_unstable();
    }

    /// Collects, once each, the sets that share a shingle with `set` in a place where it can be the first they share.
    fn meet(&self, set: u32, part: impl Fn(&List) -> Range<u32>, met: &mut [u64], out: &mut Vec<u32>) {
        let mut most = MOST_READ;
        for at in self.listings_of(set) {
            let Listed { entry: own, first, .. } = self.listings[at];
            for list in &self.lists[first as usize..] {
                if self.may_pair(own, list.least, list.greatest_left) {
                    let part = part(list);
                    let read = part.len().min(most);
                    most -= read;
                    for other in &self.entries[part.start as usize..][..read] {
                        let (word, bit) = (other.set as usize / 64, 1 << (other.set % 64));
                        if met[word] & bit == 0 && self.may_be_alike(own, *other) && out.len() < MOST_MET {
                            met[word] |= bit;
                            out.push(other.set);
                        }
                    }
                }
                if list.last {
                    break;
                }
            }
        }
    }

    fn may_be_alike(&self, own: Entry, other: Entry) -> bool {
        let differ = |half: usize| u64::from((own.parity[half] ^ other.parity[half]).count_ones());
        self.may_pair(own, other.size, other.left)
            && differ(0) + differ(1) <= self.bounds.may_differ(own.size, other.size)
    }

    fn may_pair(&self, own: Entry, size: u32, left: u32) -> bool {
        own.left.min(left) >= self.bounds.shared(own.size, size)
    }

    fn listings_of(&self, set: u32) -> Range<usize> {
        self.starts[set as usize] as usize..self.starts[set as usize + 1] as usize
    }
}

/// Drops the listings without a possible partner, and puts the others into lists: their rooms are where they stand.
fn arranged(listings: &mut Vec<Listing>, bounds: &Bounds) -> Vec<List> {
    debug_assert!(listings.is_sorted());
    let mut partnered: Vec<bool> = Vec::with_capacity(listings.len());
    for of_place in listings.chunk_by(|a, b| a.place == b.place) {
        partnered.extend(of_place.iter().map(|listing| has_partner(listing, of_place, bounds)));
    }
    let mut partnered = partnered.into_iter();
    listings.retain(|_| partnered.next().unwrap_or(true));
    let classes = SizeClasses::new();
    let mut lists: Vec<List> = Vec::new();
    let mut end = 0;
    for of_place in listings.chunk_by_mut(|a, b| a.place == b.place) {
        let part = |listing: &Listing| {
            let Entry { size, left, .. } = listing.entry;
            (classes.of(size), (size - left) / (size / POSITIONS).max(1))
        };
        let large = of_place.len() > SMALL;
        if large {
            of_place.sort_unstable_by_key(|listing| (part(listing), listing.entry.set));
        }
        for list in of_place.chunk_by(|a, b| !large || part(a) == part(b)) {
            let start = end;
            end += list.len() as u32;
            lists.push(List {
                room: start..end,
                inserted: 0,
                aside: 0,
                last: false,
                least: list.iter().map(|listing| listing.entry.size).min().unwrap_or(0),
                greatest_left: list.iter().map(|listing| listing.entry.left).max().unwrap_or(0),
            });
        }
        lists.iter_mut().next_back().into_iter().for_each(|list| list.last = true);
    }
    lists
}

/// Whether another set under the same shingle can be the partner of this one: of a few each is asked.
fn has_partner(listing: &Listing, of_place: &[Listing], bounds: &Bounds) -> bool {
    let can_pair = |other: &Listing| {
        let (own, other) = (listing.entry, other.entry);
        own.set != other.set && own.left.min(other.left) >= bounds.shared(own.size, other.size)
    };
    of_place.len() > SMALL || of_place.iter().any(can_pair)
}
