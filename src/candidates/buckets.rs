//! Who shares the key of a band with whom?

use super::rows::{ALONE, RowRange};

/// Stands for "no further entry".
const NONE: u32 = u32::MAX;

/// The buckets of all bands that some rows are in, and the inserted ones of these rows in each.
///
/// Which documents could ever share a bucket is known before the first insertion. So keys were replaced by the
/// numbers of buckets, and a key that only one document has gets none: no hash map is needed.
pub(super) struct Buckets {
    limit: u32,
    known: Known,
    buckets: Vec<Bucket>,
    /// Chains of documents, newest first.
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Bucket {
    newest: u32,
    /// How many came. When they are more than the limit, the bucket is full: its chain was moved to the prefix
    /// index, and what comes from now on goes there at once.
    documents: u32,
    /// A document of this bucket is in the prefix index.
    asks_prefixes: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    document: u32,
    older: u32,
}

impl Buckets {
    /// Those of these rows.
    pub(super) fn new(rows: &RowRange, limit: u32) -> Buckets {
        let known = Known::of(rows);
        let fresh = Bucket { newest: NONE, documents: 0, asks_prefixes: false };
        Buckets { limit, buckets: vec![fresh; known.len()], known, entries: Vec::new() }
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Puts a document into the buckets of its row, and into `to_move` those that belong into the prefix index from now
    /// on: the document itself when one of its buckets is full, and all of a bucket that it fills.
    pub(super) fn insert(&mut self, document: u32, row: &[u32], to_move: &mut Vec<u32>) {
        let is_full = |number: usize| self.buckets[number].documents > self.limit;
        if self.known.of_row(row).any(is_full) {
            return to_move.push(document);
        }
        for number in self.known.of_row(row) {
            let bucket = &mut self.buckets[number];
            self.entries.push(Entry { document, older: bucket.newest });
            bucket.newest = (self.entries.len() - 1) as u32;
            bucket.documents += 1;
            if bucket.documents > self.limit {
                to_move.extend(chain(&self.entries, bucket.newest));
                bucket.newest = NONE;
            }
        }
    }

    /// From now on, who looks into a bucket of this row is told to ask the prefix index.
    pub(super) fn ask_prefixes(&mut self, row: &[u32]) {
        for number in self.known.of_row(row) {
            self.buckets[number].asks_prefixes = true;
        }
    }

    /// Calls `each` with the documents in the buckets of this row, with repeats; says whether the prefix index must be
    /// asked.
    pub(super) fn others(&self, row: &[u32], mut each: impl FnMut(u32)) -> bool {
        let mut asks_prefixes = false;
        for number in self.known.of_row(row) {
            let bucket = &self.buckets[number];
            asks_prefixes |= bucket.asks_prefixes;
            chain(&self.entries, bucket.newest).for_each(&mut each);
        }
        asks_prefixes
    }
}

fn chain(entries: &[Entry], newest: u32) -> impl Iterator<Item = u32> {
    let entry = |at: u32| entries.get(at as usize).copied(); // `NONE` is no entry
    std::iter::successors(entry(newest), move |last| entry(last.older)).map(|entry| entry.document)
}

/// Which of all buckets there are here, and their numbers among these: two bits for each of all.
struct Known {
    /// Of 32 buckets each: which are known, in the low half, and how many are before them, in the high one.
    words: Vec<u64>,
}

impl Known {
    fn of(rows: &RowRange) -> Known {
        let mut words = Vec::new();
        for row in 0..rows.len() as u32 {
            for &number in rows.row(row).buckets.iter().filter(|&&number| number != ALONE) {
                let word = number as usize / 32;
                if word >= words.len() {
                    words.resize(word + 1, 0_u64);
                }
                words[word] |= 1 << (number % 32);
            }
        }
        let mut before = 0;
        for word in &mut words {
            let here = word.count_ones();
            *word |= before << 32;
            before += u64::from(here);
        }
        Known { words }
    }

    /// How many are known.
    fn len(&self) -> usize {
        self.words.last().map_or(0, |&word| (word >> 32) as usize + (word as u32).count_ones() as usize)
    }

    /// The numbers here of a row's buckets, without those that are not known.
    fn of_row(&self, row: &[u32]) -> impl Iterator<Item = usize> {
        row.iter().filter_map(|&number| {
            let word = *self.words.get(number as usize / 32)?; // `ALONE` is beyond all
            let (bits, bit) = (word as u32, 1_u32 << (number % 32));
            (bits & bit != 0).then(|| (word >> 32) as usize + (bits & (bit - 1)).count_ones() as usize)
        })
    }
}
