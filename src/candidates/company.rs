//! Who has the key of a band that another one has, too?
//!
//! Keys of one band in, the numbers of buckets out, for those alone that are not alone. Most documents of most corpora
//! are: they are never looked at again. A document too many costs a row and a look; nobody who shares a key is left out.
//!
//! The keys are gone through twice. A [`Sieve`] notes them first, in two bits for each of eight places a document; then it
//! tells of most keys that stand once that they do, and only what is left, [`Keyed`], is sorted.

use crate::sketch::mix;

/// Tells which keys stand once.
///
/// Memory: two bytes a key. Time: a look into a table for each key, and another one when it is asked.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// Places that a key has come to, and those that a second one has.
    once: Vec<u64>,
    twice: Vec<u64>,
    /// The highest bits of a key are its place.
    shift: u32,
}

impl Sieve {
    /// For so many keys; one of eight that stand once passes for one that does not.
    pub fn new(keys: u32) -> Sieve {
        let places = (8 * u64::from(keys)).next_power_of_two().max(64);
        let words = vec![0; (places / 64) as usize];
        Sieve { once: words.clone(), twice: words, shift: 64 - places.trailing_zeros() }
    }

    /// Takes note of a key, whose bits must be random.
    pub fn note(&mut self, key: u64) {
        let (word, bit) = self.place(key);
        self.twice[word] |= self.once[word] & bit;
        self.once[word] |= bit;
    }

    /// Whether this key, one of those noted, may stand twice.
    pub fn may_be_shared(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.twice[word] & bit != 0
    }

    fn place(&self, key: u64) -> (usize, u64) {
        let place = key >> self.shift;
        ((place / 64) as usize, 1 << (place % 64))
    }
}

/// The key of a band as documents of one group share it: those of other groups have other keys. Group 0 leaves it as it
/// is.
pub fn in_group(key: u64, group: u32) -> u64 {
    key ^ salt(group)
}

/// What hashes of a group are mixed with; nothing for group 0.
pub fn salt(group: u32) -> u64 {
    if group == 0 { 0 } else { mix(u64::from(group)) }
}

/// A key, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyed {
    /// The key of a band.
    pub key: u64,
    /// Where its document stands.
    pub slot: u32,
}

/// One of several that share a key: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Where its document stands.
    pub slot: u32,
    /// The number of its bucket, and in the highest bit whether it is crowded.
    packed: u32,
}

impl Member {
    const CROWDED: u32 = 1 << 31;

    fn new(slot: u32, bucket: u32, crowded: bool) -> Member {
        Member { slot, packed: bucket | if crowded { Member::CROWDED } else { 0 } }
    }

    /// The number of its bucket among those of the band, from 0.
    pub fn bucket(&self) -> u32 {
        self.packed & !Member::CROWDED
    }

    /// Whether the bucket has more members than the limit that was named.
    pub fn is_crowded(&self) -> bool {
        self.packed & Member::CROWDED != 0
    }

    /// As two numbers that are sorted as members are.
    pub fn to_pair(self) -> (u32, u32) {
        (self.slot, self.packed)
    }

    /// What [`to_pair`](Member::to_pair) has made two numbers of.
    pub fn from_pair((slot, packed): (u32, u32)) -> Member {
        Member { slot, packed }
    }
}

/// Finds those that share a key, where keys come in ascending order.
///
/// Memory: 4 bytes for each of as many as the limit allows.
#[derive(Clone, Debug)]
pub struct Grouping {
    limit: usize,
    bucket: u32,
    key: u64,
    /// Those of the key at hand, as long as they are not more than the limit.
    waiting: Vec<u32>,
    crowded: bool,
}

impl Grouping {
    /// Crowded is what has more than `limit` members.
    pub fn new(limit: u32) -> Grouping {
        Grouping { limit: limit.max(1) as usize, bucket: 0, key: 0, waiting: Vec::new(), crowded: false }
    }

    /// Takes the next one, and adds to `out` those who are known to share a key by now.
    pub fn push(&mut self, keyed: Keyed, out: &mut Vec<Member>) {
        if keyed.key != self.key {
            self.end(out);
            self.key = keyed.key;
        }
        if self.crowded {
            return out.push(Member::new(keyed.slot, self.bucket, true));
        }
        self.waiting.push(keyed.slot);
        if self.waiting.len() > self.limit {
            self.crowded = true;
            out.extend(self.waiting.drain(..).map(|slot| Member::new(slot, self.bucket, true)));
        }
    }

    /// No key is left: adds the last ones to `out`, and says how many buckets there are.
    pub fn finish(mut self, out: &mut Vec<Member>) -> u32 {
        self.end(out);
        self.bucket
    }

    fn end(&mut self, out: &mut Vec<Member>) {
        let is_shared = self.crowded || self.waiting.len() > 1;
        if is_shared {
            out.extend(self.waiting.drain(..).map(|slot| Member::new(slot, self.bucket, false)));
        }
        self.bucket += u32::from(is_shared);
        self.waiting.clear();
        self.crowded = false;
    }
}

/// The buckets of a band, all in memory.
#[derive(Clone, Debug, Default)]
pub struct Band {
    /// Everyone who shares a key, by slot.
    pub members: Vec<Member>,
    /// How many buckets.
    pub buckets: u32,
}

impl Band {
    /// Of these keys, in any order; those that stand once are dropped. Crowded is what has more than `limit` members.
    /// Cost: two sorts.
    pub fn of(mut keyed: Vec<Keyed>, limit: u32) -> Band {
        keyed.sort_unstable();
        let mut members = Vec::new();
        let mut grouping = Grouping::new(limit);
        keyed.iter().for_each(|&keyed| grouping.push(keyed, &mut members));
        let buckets = grouping.finish(&mut members);
        members.sort_unstable();
        Band { members, buckets }
    }
}
