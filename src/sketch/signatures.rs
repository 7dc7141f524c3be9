//! The matrix of signatures, as far as the comparison needs it.

use super::{Screening, Sketcher, mix};
use crate::shingle::ShingleSet;

/// What is kept of the signatures of many documents, a row each, in document order: the key of every band,
/// the low byte of every function, and the size of the set.
///
/// Blocks of documents can be signed on different threads and then joined, in document order, by
/// [`append`](Signatures::append). Memory: `4 · bands + functions + 4` bytes a document: 232 at a threshold
/// of 0.8.
#[derive(Clone, Debug)]
pub struct Signatures {
    screening: Screening,
    sketcher: Sketcher,
    keys: Vec<u32>,
    bytes: Vec<u8>,
    shingles: Vec<u32>,
    row: Vec<u32>,
}

impl Signatures {
    /// No rows yet. Blocks that are to be joined must have the same `screening` and `seed`.
    pub fn new(screening: Screening, seed: u64) -> Signatures {
        let functions = usize::from(screening.functions);
        Signatures {
            screening,
            sketcher: Sketcher::new(functions, seed),
            keys: Vec::new(),
            bytes: Vec::new(),
            shingles: Vec::new(),
            row: vec![0; functions],
        }
    }

    /// Signs the next document.
    pub fn push(&mut self, set: &ShingleSet) {
        self.keys.resize(self.keys.len() + self.bands(), 0);
        self.bytes.resize(self.bytes.len() + self.row.len(), 0);
        self.shingles.push(0);
        self.replace(self.len() - 1, set);
    }

    /// Signs a document again, whose text is now another. Panics when there is no row of that number.
    pub fn replace(&mut self, document: usize, set: &ShingleSet) {
        let (bands, functions) = (self.bands(), self.row.len());
        self.sketcher.sketch_into(set, &mut self.row);
        let rows = usize::from(self.screening.banding.rows);
        let keys = &mut self.keys[document * bands..][..bands];
        for (key, band) in keys.iter_mut().zip(self.row.chunks_exact(rows)) {
            *key = band_key(band);
        }
        for (byte, value) in self.bytes[document * functions..][..functions].iter_mut().zip(&self.row) {
            *byte = *value as u8;
        }
        self.shingles[document] = u32::try_from(set.len()).unwrap_or(u32::MAX);
    }

    /// Takes over the rows of the documents that follow.
    pub fn append(&mut self, mut next: Signatures) {
        debug_assert_eq!(self.screening, next.screening, "signatures of one kind");
        self.keys.append(&mut next.keys);
        self.bytes.append(&mut next.bytes);
        self.shingles.append(&mut next.shingles);
    }

    /// How many documents.
    pub fn len(&self) -> usize {
        self.shingles.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    /// What they were made for.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }

    /// How many shingles each document has. One with none is compared with nobody.
    pub fn shingles(&self) -> &[u32] {
        &self.shingles
    }

    /// The low byte of each function.
    pub fn bytes(&self, document: usize) -> &[u8] {
        let functions = self.row.len();
        &self.bytes[document * functions..][..functions]
    }

    /// The keys of the bands, band by band: documents that agree in one share a bucket. Different bands give
    /// the same key by accident with probability 2^-32, which costs one look at the bytes.
    pub fn keys(&self, document: usize) -> &[u32] {
        let bands = self.bands();
        &self.keys[document * bands..][..bands]
    }

    /// All keys, a row of them for each document: `candidates` writes bucket numbers in their place.
    pub(crate) fn take_keys(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.keys)
    }

    fn bands(&self) -> usize {
        usize::from(self.screening.banding.bands)
    }
}

fn band_key(band: &[u32]) -> u32 {
    (band.iter().fold(0, |key, &value| mix(key ^ u64::from(value))) >> 32) as u32
}
