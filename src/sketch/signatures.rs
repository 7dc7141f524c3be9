//! The matrix of signatures, as far as the comparison needs it.

use super::{Screening, Sketcher, mix};
use crate::shingle::ShingleSet;

/// What is kept of the signatures of many documents, a row each: the key of every band, the low byte of every
/// function, and the size of the set. Keys stand in columns, one for each band, for they are looked at band by band.
///
/// Blocks of documents can be signed on different threads and then joined, in their order, by
/// [`append`](Signatures::append). Memory: `8 · bands + functions + 4` bytes a document: 332 at a threshold
/// of 0.8.
#[derive(Clone, Debug)]
pub struct Signatures {
    screening: Screening,
    sketcher: Sketcher,
    /// A column for each band.
    keys: Vec<Vec<u64>>,
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
            keys: vec![Vec::new(); usize::from(screening.banding.bands)],
            bytes: Vec::new(),
            shingles: Vec::new(),
            row: vec![0; functions],
        }
    }

    /// Signs the next document.
    pub fn push(&mut self, set: &ShingleSet) {
        self.sketcher.sketch_into(set, &mut self.row);
        let rows = usize::from(self.screening.banding.rows);
        for (column, band) in self.keys.iter_mut().zip(self.row.chunks_exact(rows)) {
            column.push(band_key(band));
        }
        self.bytes.extend(self.row.iter().map(|&value| value as u8));
        self.shingles.push(u32::try_from(set.len()).unwrap_or(u32::MAX));
    }

    /// Takes over the rows of the documents that follow.
    pub fn append(&mut self, mut next: Signatures) {
        debug_assert_eq!(self.screening, next.screening, "signatures of one kind");
        self.keys.iter_mut().zip(&mut next.keys).for_each(|(column, next)| column.append(next));
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

    /// The low bytes of all documents, a row of one for each function after the other.
    pub fn all_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The low byte of each function.
    pub fn bytes(&self, document: usize) -> &[u8] {
        let functions = self.row.len();
        &self.bytes[document * functions..][..functions]
    }

    /// The key of this band for each document: those that agree in one share a bucket. Of 20 million documents some
    /// pair has the same key of a band by accident with probability 1e-5, which costs one look at the bytes. (With keys
    /// of 32 bits each hundredth document would share one with another.) Panics when there is no such band.
    pub fn keys(&self, band: usize) -> &[u64] {
        &self.keys[band]
    }
}

fn band_key(band: &[u32]) -> u64 {
    band.iter().fold(0, |key, &value| mix(key ^ u64::from(value)))
}
