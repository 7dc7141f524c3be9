//! Which shingles are rare?

use std::sync::{Arc, LazyLock};

use super::Sets;
use super::company::salt;
use crate::sketch::mix;

/// A total order of shingles, rarest first, from approximate counts of the documents that hold each.
///
/// Counters are shared by shingles whose hashes fall together, so a count is never too low for what was
/// counted. Every total order finds every pair; only the time depends on it. The shingles of different groups are
/// different ones.
///
/// Memory: two bytes a counter, 64 of them for each document counted, at most 128 MiB.
pub struct Rarity {
    counts: Vec<u16>,
    /// The hash's highest bits choose the counter.
    shift: u32,
    /// Whether all documents were counted: then a count of 1 means that no other document has the shingle.
    complete: bool,
}

/// Counters for each document counted: the size of a short set, for larger ones only tell frequent shingles
/// from rare ones, which is all that is needed.
const COUNTERS_PER_DOCUMENT: u64 = 64;

/// At most 64 Mi counters, 128 MiB.
const MOST_COUNTERS: u64 = 1 << 26;

/// The order by rarity that all indexes of a comparison share, made when it is first needed.
#[derive(Clone)]
pub struct SharedRarity<'a>(Arc<LazyLock<Rarity, Box<dyn FnOnce() -> Rarity + Send + 'a>>>);

impl<'a> SharedRarity<'a> {
    /// What `make` makes; it is asked once at most.
    pub fn made_by(make: impl FnOnce() -> Rarity + Send + 'a) -> SharedRarity<'a> {
        SharedRarity(Arc::new(LazyLock::new(Box::new(make))))
    }

    pub(super) fn get(&self) -> &Rarity {
        &self.0
    }
}

impl Rarity {
    /// Counts all of `documents`.
    pub fn of_all(sets: &impl Sets, documents: u32) -> Rarity {
        Rarity::of_sample(sets, documents, documents)
    }

    /// Counts at most `sample` of `documents`, evenly spread over all. `sets` must know all documents that will ever be
    /// asked about: where all are counted, what one alone has is no longer looked for.
    pub fn of_sample(sets: &impl Sets, documents: u32, sample: u32) -> Rarity {
        let sample = sample.min(documents);
        let counters =
            (u64::from(sample) * COUNTERS_PER_DOCUMENT).next_power_of_two().clamp(1 << 10, MOST_COUNTERS);
        let counts = vec![0; counters as usize];
        let mut rarity =
            Rarity { counts, shift: 64 - counters.trailing_zeros(), complete: sample == documents };
        for nth in 0..u64::from(sample) {
            let document = (nth * u64::from(documents) / u64::from(sample)) as u32;
            rarity.count(sets.set(document).hashes(), sets.group(document));
        }
        rarity
    }

    fn count(&mut self, hashes: &[u64], group: u32) {
        let salt = salt(group);
        for &hash in hashes {
            let counter = &mut self.counts[(mix(hash ^ salt) >> self.shift) as usize];
            *counter = counter.saturating_add(1);
        }
    }

    /// The place of a shingle, with the salt of its group, in the order: its count in the highest 16 bits, then 48 bits of its hash. Two
    /// shingles may share a place; that makes them look equal to the prefix index, which costs a candidate
    /// too many at worst.
    pub(super) fn place(&self, hash: u64, salt: u64) -> Place {
        let mixed = mix(hash ^ salt);
        Place(u64::from(self.counts[(mixed >> self.shift) as usize]) << 48 | mixed & ((1 << 48) - 1))
    }

    /// Whether no second document has a shingle of this place.
    pub(super) fn is_unique(&self, place: Place) -> bool {
        self.complete && place.0 >> 48 <= 1
    }
}

/// Where a shingle stands in the order, rarest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u64);
