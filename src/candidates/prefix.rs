//! Which sets share one of their rarest shingles?
//!
//! Let two sets of `n` and `m` shingles share at least `o`, and list each in one and the same order. Then the
//! first shingle that they share stands among the first `n - o + 1` of the one and the first `m - o + 1` of
//! the other, for `o` shared ones must still fit behind and including it. With the rarest first, the lists of
//! who has such a shingle are short. A Jaccard similarity of `t` needs `o = t / (1 + t) · (n + m)`.
//!
//! A set that is inserted cannot know how large its partners will be, so it is listed under its first `m -
//! t·m + 1` shingles. The one that looks up does know, class of sizes by class of sizes, and asks no further
//! than it must: among equals, for half as many shingles as it would be listed under (9 instead of 16 of 76).

use std::cell::RefCell;

use super::lists::Lists;
use super::parity::{Parities, words_for, write_parities};
use super::rarity::{Place, Rarity};
use crate::shingle::ShingleSet;
use crate::sketch::mix;

/// Bounds are taken this much lower, relatively, than they are computed: far more than any rounding of an
/// `f64`, and far less than one shingle in any set that fits in memory.
pub(super) const MARGIN: f64 = 1e-12;

pub(super) struct PrefixIndex {
    bounds: Bounds,
    classes: SizeClasses,
    /// How many inserted documents each class has: most look-ups ask for few of them.
    class_documents: Vec<u32>,
    inserted: Vec<Inserted>,
    /// Of all inserted documents, one after the other.
    parities: Vec<u64>,
    /// Under each shingle, class and [`Reach`]: [`Entry`]s.
    lists: Lists,
}

struct Inserted {
    document: u32,
    /// How many shingles it has.
    size: u32,
    /// Where its parities begin.
    parities: usize,
}

thread_local! {
    /// Which inserted documents a look-up has met, a bit each. All zeros between look-ups: only those that
    /// were met are cleared, for there may be millions of others.
    static MET: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl PrefixIndex {
    pub(super) fn new(similarity: f64) -> PrefixIndex {
        let classes = SizeClasses::new();
        PrefixIndex {
            bounds: Bounds::new(similarity),
            class_documents: vec![0; classes.count()],
            classes,
            inserted: Vec::new(),
            parities: Vec::new(),
            lists: Lists::default(),
        }
    }

    /// Lists a document, of a group of this salt, under its rarest shingles; not at all when it has none.
    pub(super) fn insert(&mut self, document: u32, set: &ShingleSet, salt: u64, rarity: &Rarity) {
        if set.is_empty() {
            return;
        }
        let size = set.len() as u32;
        let class = self.classes.of(size);
        let number = self.inserted.len() as u32;
        self.class_documents[class] += 1;
        self.inserted.push(Inserted { document, size, parities: self.parities.len() });
        self.parities.resize(self.parities.len() + words_for(size), 0);
        write_parities(set, &mut self.parities[self.inserted[number as usize].parities..]);

        let prefix = self.bounds.spare(size) + 1;
        for (position, place) in rarest(set, prefix, salt, rarity).into_iter().enumerate() {
            if !rarity.is_unique(place) {
                let greatest = self.bounds.greatest_asker(size, position as u32);
                let reach = if greatest < self.classes.least(class) { Reach::Smaller } else { Reach::Own };
                self.lists.push(key(place, class, reach), Entry { number, greatest }.pack());
            }
        }
    }

    /// Adds to `out`, in any order and without repeats, every document that may be similar enough.
    pub(super) fn candidates(&self, set: &ShingleSet, salt: u64, rarity: &Rarity, out: &mut Vec<u32>) {
        if set.is_empty() || self.inserted.is_empty() {
            return;
        }
        MET.with_borrow_mut(|met| {
            met.resize(met.len().max(self.inserted.len().div_ceil(64)), 0);
            let mut numbers = Vec::new();
            self.meet(set, salt, rarity, met, &mut numbers);
            numbers.iter().for_each(|&number| met[number as usize / 64] = 0);
            self.keep_near(set, &mut numbers);
            out.extend(numbers.iter().map(|&number| self.inserted[number as usize].document));
        });
    }

    /// Collects, once each, the documents that share a shingle with `set` in a place where it can be the
    /// first that they share.
    fn meet(&self, set: &ShingleSet, salt: u64, rarity: &Rarity, met: &mut [u64], numbers: &mut Vec<u32>) {
        let size = set.len() as u32;
        let least = self.bounds.least_size(size);
        let prefix = rarest(set, self.bounds.prefix(size, least), salt, rarity);
        for class in self.classes.of(least)..=self.classes.of(self.bounds.greatest_size(size)) {
            if self.class_documents[class] == 0 {
                continue;
            }
            let asked = self.bounds.prefix(size, self.classes.least(class).max(least));
            let reaches = if size < self.classes.least(class) { Reach::ALL } else { Reach::OWN };
            for &place in prefix.iter().take(asked as usize).filter(|&&place| !rarity.is_unique(place)) {
                for &reach in reaches {
                    self.meet_list(key(place, class, reach), size, met, numbers);
                }
            }
        }
    }

    fn meet_list(&self, key: u64, size: u32, met: &mut [u64], numbers: &mut Vec<u32>) {
        for &entry in self.lists.chunks(key).flatten() {
            let Entry { number, greatest } = Entry::unpack(entry);
            let (word, bit) = (number as usize / 64, 1 << (number % 64));
            if size <= greatest && met[word] & bit == 0 {
                met[word] |= bit;
                numbers.push(number);
            }
        }
    }

    /// Drops those that are too large, and those whose parities show that they differ in too many shingles.
    fn keep_near(&self, set: &ShingleSet, numbers: &mut Vec<u32>) {
        if numbers.is_empty() {
            return;
        }
        let size = set.len() as u32;
        let greatest = self.bounds.greatest_size(size);
        let parities = Parities::new(set, greatest);
        numbers.retain(|&number| {
            let other = &self.inserted[number as usize];
            if other.size > greatest {
                return false;
            }
            let may_differ = self.bounds.may_differ(size, other.size);
            let words = &self.parities[other.parities..][..words_for(other.size)];
            u64::from(parities.differences(words)) <= may_differ
        });
    }
}

/// The most that a document of `size` shingles takes in the index, in bytes: its parities, and about 40 for each listed
/// shingle.
pub(super) fn most_bytes(size: u32, similarity: f64) -> usize {
    let listed = Bounds::new(similarity).spare(size) as usize + 1;
    size_of::<Inserted>() + 8 * words_for(size) + 40 * listed
}

/// A document under one of its rarest shingles.
struct Entry {
    /// Its place among the inserted ones.
    number: u32,
    /// The greatest set for which this shingle can be the first shared one, so much of the document lies
    /// behind it.
    greatest: u32,
}

impl Entry {
    fn pack(&self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.greatest)
    }

    fn unpack(packed: u64) -> Entry {
        Entry { number: (packed >> 32) as u32, greatest: packed as u32 }
    }
}

/// For whom an entry can be of use. Kept apart so that the many entries deep in a prefix are not read in
/// vain.
#[derive(Clone, Copy)]
enum Reach {
    /// Sets of the document's own class of sizes, or of larger ones.
    Own,
    /// Only sets smaller than its class.
    Smaller,
}

impl Reach {
    const OWN: &[Reach] = &[Reach::Own];
    const ALL: &[Reach] = &[Reach::Own, Reach::Smaller];
}

/// The first `count` places of a set, in order.
fn rarest(set: &ShingleSet, count: u32, salt: u64, rarity: &Rarity) -> Vec<Place> {
    let mut places: Vec<Place> = set.hashes().iter().map(|&hash| rarity.place(hash, salt)).collect();
    let count = count as usize;
    if count < places.len() {
        places.select_nth_unstable(count);
        places.truncate(count);
    }
    places.sort_unstable();
    places
}

fn key(place: Place, class: usize, reach: Reach) -> u64 {
    mix(place.0 ^ (2 * class as u64 + reach as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// What a similarity demands of sizes. Each bound is on the safe side by [`MARGIN`].
pub(super) struct Bounds {
    similarity: f64,
    /// t / (1 + t)
    share_of_both: f64,
}

impl Bounds {
    pub(super) fn new(similarity: f64) -> Bounds {
        let similarity = similarity.clamp(f64::MIN_POSITIVE, 1.0);
        Bounds {
            similarity: similarity * (1.0 - MARGIN),
            share_of_both: similarity / (1.0 + similarity) * (1.0 - MARGIN),
        }
    }

    /// The fewest shingles that sets of these sizes must share; 1 or more.
    pub(super) fn shared(&self, n: u32, m: u32) -> u32 {
        ceil(self.share_of_both * (f64::from(n) + f64::from(m))).max(1)
    }

    /// In how many shingles sets of these sizes may differ.
    pub(super) fn may_differ(&self, n: u32, m: u32) -> u64 {
        (u64::from(n) + u64::from(m)).saturating_sub(2 * u64::from(self.shared(n, m)))
    }

    /// How many of its shingles a set of this size may have that no partner has.
    pub(super) fn spare(&self, size: u32) -> u32 {
        size.saturating_sub(self.least_size(size))
    }

    /// How many of its rarest shingles a set of `size` must be sought under to find those of `other` or more.
    fn prefix(&self, size: u32, other: u32) -> u32 {
        (size + 1).saturating_sub(self.shared(size, other))
    }

    /// The greatest set that can share enough with one of `size` of which `position` shingles are not shared.
    fn greatest_asker(&self, size: u32, position: u32) -> u32 {
        (f64::from(size - position) / self.share_of_both - f64::from(size)) as u32 // saturates
    }

    /// The size of the smallest set that can be similar to one of this size; 1 or more, at most `size`.
    fn least_size(&self, size: u32) -> u32 {
        ceil(self.similarity * f64::from(size)).clamp(1, size.max(1))
    }

    /// The size of the largest one.
    fn greatest_size(&self, size: u32) -> u32 {
        (f64::from(size) / self.similarity) as u32 // saturates
    }
}

/// `f64::ceil` is a call where the processor has no such instruction; this runs for every entry.
fn ceil(value: f64) -> u32 {
    let floor = value as u32;
    floor + u32::from(f64::from(floor) < value)
}

/// Sizes in classes of about 3 %: up to 64, each size is a class.
pub(super) struct SizeClasses {
    /// The least size of each class, ascending from 0.
    least: Vec<u32>,
}

impl SizeClasses {
    pub(super) fn new() -> SizeClasses {
        let next = |&least: &u32| least.checked_add((least / 32).max(1));
        SizeClasses { least: std::iter::successors(Some(0), next).collect() }
    }

    fn count(&self) -> usize {
        self.least.len()
    }

    pub(super) fn of(&self, size: u32) -> usize {
        self.least.partition_point(|&least| least <= size) - 1
    }

    fn least(&self, class: usize) -> u32 {
        self.least[class]
    }
}
