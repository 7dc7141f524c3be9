//! Who shares the key of a band with whom?

/// Stands for "no bucket" and "no further entry".
const NONE: u32 = u32::MAX;

/// The buckets of all bands, and the inserted documents in each.
///
/// Which documents could ever share a bucket is known before the first insertion. So keys are replaced by the
/// numbers of buckets, and a key that only one document has gets none: no hash map is needed, and most
/// documents of most corpora cost nothing but their row.
pub(super) struct Buckets {
    bands: usize,
    limit: u32,
    /// For each document, and in it for each band: the number of its bucket, or `NONE` when it is alone
    /// there.
    numbers: Vec<u32>,
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
    /// Of `keys`, a row of `bands` for each document, without the documents that have no `shingles`.
    pub(super) fn new(keys: Vec<u32>, shingles: &[u32], bands: usize, limit: u32) -> Buckets {
        let mut numbers = keys;
        let mut buckets = 0;
        for band in 0..bands {
            number_band(&mut numbers, shingles, bands, band, &mut buckets);
        }
        let fresh = Bucket { newest: NONE, documents: 0, asks_prefixes: false };
        Buckets { bands, limit, numbers, buckets: vec![fresh; buckets as usize], entries: Vec::new() }
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Puts a document into its buckets, and into `to_move` those that belong into the prefix index from now
    /// on: the document itself when one of its buckets is full, and all of a bucket that it fills.
    pub(super) fn insert(&mut self, document: u32, to_move: &mut Vec<u32>) {
        let numbers = row(&self.numbers, self.bands, document);
        if numbers
            .iter()
            .any(|&number| number != NONE && self.buckets[number as usize].documents > self.limit)
        {
            return to_move.push(document);
        }
        for &number in numbers.iter().filter(|&&number| number != NONE) {
            let bucket = &mut self.buckets[number as usize];
            self.entries.push(Entry { document, older: bucket.newest });
            bucket.newest = (self.entries.len() - 1) as u32;
            bucket.documents += 1;
            if bucket.documents > self.limit {
                to_move.extend(chain(&self.entries, bucket.newest));
                bucket.newest = NONE;
            }
        }
    }

    /// From now on, who looks into a bucket of this document is told to ask the prefix index.
    pub(super) fn ask_prefixes(&mut self, document: u32) {
        for &number in row(&self.numbers, self.bands, document) {
            if number != NONE {
                self.buckets[number as usize].asks_prefixes = true;
            }
        }
    }

    /// Calls `each` with the documents in the buckets of `document`, with repeats, itself too if it was
    /// inserted; says whether the prefix index must be asked.
    pub(super) fn others(&self, document: u32, mut each: impl FnMut(u32)) -> bool {
        let mut asks_prefixes = false;
        for &number in row(&self.numbers, self.bands, document) {
            if number != NONE {
                let bucket = &self.buckets[number as usize];
                asks_prefixes |= bucket.asks_prefixes;
                chain(&self.entries, bucket.newest).for_each(&mut each);
            }
        }
        asks_prefixes
    }
}

fn row(numbers: &[u32], bands: usize, document: u32) -> &[u32] {
    &numbers[document as usize * bands..][..bands]
}

fn chain(entries: &[Entry], newest: u32) -> impl Iterator<Item = u32> {
    let entry = |at: u32| entries.get(at as usize).copied(); // `NONE` is no entry
    std::iter::successors(entry(newest), move |last| entry(last.older)).map(|entry| entry.document)
}

/// Sorting pairs of (key, document) brings equal keys together; numbers follow the order of keys.
fn number_band(numbers: &mut [u32], shingles: &[u32], bands: usize, band: usize, buckets: &mut u32) {
    let documents = (0..shingles.len()).filter(|&document| shingles[document] > 0);
    let mut pairs: Vec<u64> = documents
        .map(|document| u64::from(numbers[document * bands + band]) << 32 | document as u64)
        .collect();
    pairs.sort_unstable();
    let column = numbers.iter_mut().skip(band).step_by(bands);
    column.for_each(|number| *number = NONE);
    for bucket in pairs.chunk_by(|a, b| a >> 32 == b >> 32).filter(|bucket| bucket.len() > 1) {
        for &pair in bucket {
            numbers[(pair as u32) as usize * bands + band] = *buckets;
        }
        *buckets += 1;
    }
}
