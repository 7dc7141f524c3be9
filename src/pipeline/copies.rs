//! Which documents are exact copies of others, and which are compared with each other at all?
//!
//! [`Contents`] in, [`Copies`] out: for each document the first one with the same whole token sequence. Hashes bring them
//! together and the tokens confirm it. An empty text is nobody's copy.

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::contents::{Contents, Words};
use crate::candidates::{Sieve, in_group};

/// The exact copies among all documents, within the groups of `--within`.
///
/// Memory: 4 bytes a document; while they are found, 2 more and 32 for each that may be a copy.
#[derive(Clone, Debug)]
pub struct Copies {
    first: Vec<u32>,
}

/// A document, found by the hash of its tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    sequence: u128,
    group: u32,
    document: u32,
}

impl Copies {
    /// Finds them. Cost: a look into a table for each document; a sort of those whose hash stands twice; and of each copy
    /// its text and the first one's, compared.
    pub fn of(contents: &Contents) -> Copies {
        let documents = contents.len();
        let sequence = |document: u32| contents.entry(document).sequence;
        let key = |document, sequence: u128| in_group(sequence as u64, group_of(contents, document));
        let mut sieve = Sieve::new(documents);
        let known = (0..documents).filter_map(|document| Some((document, sequence(document)?)));
        known.for_each(|(document, sequence)| sieve.note(key(document, sequence)));
        let mut hashed: Vec<Hashed> = (0..documents)
            .into_par_iter()
            .filter_map(|document| {
                let sequence = sequence(document)?;
                let shared = sieve.may_be_shared(key(document, sequence));
                shared.then(|| Hashed { sequence, group: group_of(contents, document), document })
            })
            .collect();
        hashed.par_sort_unstable();
        let same = hashed.chunk_by(|a, b| (a.sequence, a.group) == (b.sequence, b.group));
        let pairs: Vec<[u32; 2]> =
            same.flat_map(|same| same[1..].iter().map(|copy| [copy.document, same[0].document])).collect();
        let mut first: Vec<u32> = (0..documents).collect();
        let confirmed: Vec<bool> =
            pairs.par_iter().map(|&[copy, of]| is_copy(contents, copy, of)).collect();
        for (&[copy, of], _) in pairs.iter().zip(confirmed).filter(|(_, confirmed)| *confirmed) {
            first[copy as usize] = of;
        }
        Copies { first }
    }

    /// The first document with the same tokens; itself where there is none before it.
    pub fn first(&self, document: u32) -> u32 {
        self.first[document as usize]
    }

    /// For each document, of those with the same tokens the one that comes first in `order`, which has all documents.
    pub fn leaders(&self, order: &[u32]) -> Vec<u32> {
        let mut leaders = vec![u32::MAX; self.first.len()];
        for &document in order {
            let leader = &mut leaders[self.first(document) as usize];
            *leader = if *leader == u32::MAX { document } else { *leader };
        }
        for document in 0..self.first.len() {
            leaders[document] = leaders[self.first[document] as usize];
        }
        leaders
    }
}

fn is_copy(contents: &Contents, copy: u32, of: u32) -> bool {
    same_group(contents, copy, of) && same_tokens(contents, copy, of)
}

/// Whether two documents have equal whole token sequences, told by the tokens and not by their hashes.
fn same_tokens(contents: &Contents, a: u32, b: u32) -> bool {
    let (a, b) = (&contents.entry(a).document.text, &contents.entry(b).document.text);
    a == b || Words::of([a.as_str()]) == Words::of([b.as_str()])
}

/// The group of a document: documents of different ones are not compared. A hash of the value of `--within`, and 0 where
/// there is none; who removes or reports asks [`same_group`], too.
pub fn group_of(contents: &Contents, document: u32) -> u32 {
    let within = contents.entry(document).document.within.as_deref();
    within.map_or(0, |within| (xxh3_64(within.as_bytes()) as u32).max(1))
}

/// The group of a document by a hash that is as good as the value.
pub fn long_group_of(contents: &Contents, document: u32) -> Option<u128> {
    contents.entry(document).document.within.as_deref().map(|within| xxh3_128(within.as_bytes()))
}

/// Whether two documents have the same value of the `--within` field, or both have none.
pub fn same_group(contents: &Contents, a: u32, b: u32) -> bool {
    contents.entry(a).document.within == contents.entry(b).document.within
}
