//! Which documents are exact copies of others, and which are compared with each other at all?
//!
//! [`Contents`] in, [`Copies`] out: for each document the first one with the same whole token sequence. Hashes bring them
//! together and the tokens confirm it. An empty text is nobody's copy.

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::contents::{Contents, Words};
use crate::candidates::{Sieve, in_group};
use crate::error::Result;
use crate::store::{Sorter, Workspace};

/// The exact copies among all documents, within the groups of `--within`.
///
/// Memory: 4 bytes a document; while they are found, 2 to 4 more.
#[derive(Clone, Debug)]
pub struct Copies {
    first: Vec<u32>,
}

/// The hash of a document's tokens, its group, and its number.
type Hashed = ((u128, u32), u32);

/// Documents that are looked at together.
const BLOCK: u32 = 1 << 16;

impl Copies {
    /// Finds them. Cost: a look into a table for each document; a sort of those whose hash stands twice, which takes up to
    /// `memory_bytes`; and of each copy its text and the first one's, compared.
    pub fn of(contents: &Contents, workspace: &Workspace, memory_bytes: usize) -> Result<Copies> {
        let documents = contents.len();
        let key = |document: u32| {
            let sequence = contents.entry(document).sequence?;
            Some((sequence, group_of(contents, document)))
        };
        let place = |(sequence, group): (u128, u32)| in_group(sequence as u64, group);
        let mut sieve = Sieve::new(documents);
        (0..documents).filter_map(key).for_each(|key| sieve.note(place(key)));
        let mut hashed: Sorter<Hashed> = Sorter::new(workspace, "copies", memory_bytes);
        for start in (0..documents).step_by(BLOCK as usize) {
            let block = start..documents.min(start.saturating_add(BLOCK));
            let keyed = |document| Some((key(document)?, document));
            let shared = |(key, _): &Hashed| sieve.may_be_shared(place(*key));
            let found: Vec<Hashed> = block.into_par_iter().filter_map(keyed).filter(shared).collect();
            hashed.extend(&found)?;
        }
        drop(sieve);
        let mut copies = Copies { first: (0..documents).collect() };
        let mut last: Option<Hashed> = None;
        let mut waiting = Vec::new();
        for next in hashed.finish()?.reader()? {
            let (key, document) = next?;
            match last {
                Some((same, first)) if same == key => waiting.push([document, first]),
                _ => last = Some((key, document)),
            }
            if waiting.len() >= BLOCK as usize {
                copies.confirm(contents, &mut waiting);
            }
        }
        copies.confirm(contents, &mut waiting);
        Ok(copies)
    }

    /// Takes note of those that are copies of others by their tokens, too.
    fn confirm(&mut self, contents: &Contents, waiting: &mut Vec<[u32; 2]>) {
        let confirmed: Vec<[u32; 2]> = waiting
            .par_drain(..)
            .filter(|&[copy, of]| same_group(contents, copy, of) && same_tokens(contents, copy, of))
            .collect();
        confirmed.iter().for_each(|&[copy, of]| self.first[copy as usize] = of);
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
