//! A set of documents, one bit each.

use serde::{Deserialize, Serialize};

/// Which of the documents below a count are in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of so many documents.
    pub fn new(documents: usize) -> Bits {
        Bits(vec![0; documents.div_ceil(64)])
    }

    /// All of so many documents.
    pub fn all(documents: usize) -> Bits {
        Bits(vec![u64::MAX; documents.div_ceil(64)])
    }

    /// Whether a document is in it.
    pub fn has(&self, document: u32) -> bool {
        self.0[document as usize / 64] >> (document % 64) & 1 == 1
    }

    /// Puts one in; says whether it was.
    pub fn set(&mut self, document: u32) -> bool {
        let had = self.has(document);
        self.0[document as usize / 64] |= 1 << (document % 64);
        had
    }

    /// Takes one out.
    pub fn clear(&mut self, document: u32) {
        self.0[document as usize / 64] &= !(1 << (document % 64));
    }
}
