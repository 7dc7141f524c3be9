//! Which paragraphs are alike, without being the same?
//!
//! The token hashes of different paragraphs in, [`Alike`] out: for each, the earlier ones whose measured Jaccard
//! similarity reaches the threshold. Candidates come from a prefix filter, which leaves none out. Nothing is removed on
//! the strength of an answer, so a wrong one costs a line in a report, and hashes of shingles are enough, as for `pairs`.
//!
//! Paragraphs go by in blocks, in the given order. Each of a block is held against what is listed, on all threads; then
//! one after the other they are listed, or, where so many listed ones are alike with one that they are a *crowd*, put
//! aside. Of a hundred thousand forms of one sentence only the first few are listed, so no square is taken. The blocks
//! are the same with any number of threads.

use std::num::NonZeroUsize;

use rayon::prelude::*;

use crate::candidates::{Frequencies, Listing, ShortIndex};
use crate::shingle::{ShingleSet, for_each_shingle};
use crate::verify::{overlap, overlap_at_least};

/// What counts as alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlikeSettings {
    /// The least Jaccard similarity. The contract's 0.8.
    pub min_similarity: f64,
    /// Tokens in a shingle. The contract's 2.
    pub shingle_tokens: NonZeroUsize,
    /// A paragraph that is alike with so many listed ones is not listed itself. With 64, like
    /// [`BUCKET_LIMIT`](crate::candidates::BUCKET_LIMIT), families of an ordinary size are never cut.
    pub crowd: usize,
}

impl Default for AlikeSettings {
    fn default() -> Self {
        let two = const { NonZeroUsize::new(2).unwrap() };
        AlikeSettings { min_similarity: 0.8, shingle_tokens: two, crowd: 64 }
    }
}

/// Of the shingle hashes; the token hashes have the run's seed in them.
const SEED: u64 = 0;

/// Paragraphs that are looked up together. Within a block each is held against those before it, listed or not.
const BLOCK: usize = 128;

/// Paragraphs that a thread lists at a time.
const CHUNK: usize = 1 << 10;

/// Paragraphs whose shingles are held at a time while they are counted.
const ROUND: usize = 1 << 15;

/// Which paragraphs are alike.
pub struct Alike {
    settings: AlikeSettings,
    index: ShortIndex,
    /// Of those that have a candidate at all; of the others, none.
    sets: Vec<ShingleSet>,
    /// Where the earlier ones of each begin; one more at the end.
    starts: Vec<usize>,
    /// Those that are alike, ascending for each.
    earlier: Vec<u32>,
    crowded: Vec<bool>,
}

impl Alike {
    /// Holds `paragraphs`, which all differ, against each other.
    ///
    /// Cost: two hashes for each token; a sort of the shingles of those that share their rarest ones; a measurement of
    /// each candidate pair. Memory: as [`ShortIndex`], and 4 bytes for each pair found.
    pub fn find(paragraphs: &[&[u64]], settings: AlikeSettings) -> Alike {
        let index = index(paragraphs, &settings);
        let set = |(number, tokens): (usize, &&[u64])| match index.has_company(number as u32) {
            true => ShingleSet::of_tokens(tokens, settings.shingle_tokens, SEED),
            false => ShingleSet::default(),
        };
        let sets: Vec<ShingleSet> = paragraphs.par_iter().enumerate().map(set).collect();
        let mut alike = Alike {
            settings,
            index,
            sets,
            starts: Vec::with_capacity(paragraphs.len() + 1),
            earlier: Vec::new(),
            crowded: vec![false; paragraphs.len()],
        };
        let in_company = |number: &u32| alike.index.has_company(*number);
        let in_company: Vec<u32> = (0..paragraphs.len() as u32).filter(in_company).collect();
        in_company.chunks(BLOCK).for_each(|block| alike.settle(block));
        alike.starts.resize(paragraphs.len() + 1, alike.earlier.len());
        alike
    }

    /// The earlier ones that are alike with one, ascending; those in a crowd are left out unless they were listed.
    pub fn earlier(&self, paragraph: u32) -> &[u32] {
        &self.earlier[self.starts[paragraph as usize]..self.starts[paragraph as usize + 1]]
    }

    /// Whether it is alike with so many that it was put aside.
    pub fn is_crowded(&self, paragraph: u32) -> bool {
        self.crowded[paragraph as usize]
    }

    /// Measured, of two that are alike.
    pub fn jaccard(&self, a: u32, b: u32) -> f64 {
        overlap(&self.sets[a as usize], &self.sets[b as usize]).jaccard()
    }

    /// Whether any was put aside.
    pub fn any_aside(&self) -> bool {
        self.index.any_aside()
    }

    /// The first of those put aside that is alike with `paragraph` and `fits`; for who found nobody among the others.
    pub fn aside(&self, paragraph: u32, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let mut candidates = Vec::new();
        self.index.aside(paragraph, &mut candidates);
        candidates.into_iter().find(|&other| fits(other) && self.are_alike(paragraph, other))
    }

    fn settle(&mut self, block: &[u32]) {
        block.iter().for_each(|&paragraph| self.index.insert(paragraph));
        let found: Vec<Vec<u32>> = block.par_iter().map(|&paragraph| self.alike_before(paragraph)).collect();
        block.iter().rev().for_each(|&paragraph| self.index.take_back(paragraph));
        for (&paragraph, found) in block.iter().zip(found) {
            self.starts.resize(paragraph as usize + 1, self.earlier.len());
            let listed = found.iter().filter(|&&other| !self.crowded[other as usize]);
            self.earlier.extend(listed);
            if self.earlier.len() - self.starts[paragraph as usize] < self.settings.crowd {
                self.index.insert(paragraph);
            } else {
                self.crowded[paragraph as usize] = true;
                self.index.put_aside(paragraph);
            }
        }
    }

    fn alike_before(&self, paragraph: u32) -> Vec<u32> {
        let mut candidates = Vec::new();
        self.index.candidates(paragraph, &mut candidates);
        candidates.retain(|&other| other < paragraph && self.are_alike(paragraph, other));
        candidates
    }

    fn are_alike(&self, a: u32, b: u32) -> bool {
        let [a, b] = [a, b].map(|paragraph| &self.sets[paragraph as usize]);
        overlap_at_least(a, b, self.settings.min_similarity).is_some()
    }
}

fn index(paragraphs: &[&[u64]], settings: &AlikeSettings) -> ShortIndex {
    let shingles = paragraphs.par_iter().map(|tokens| tokens.len() as u64).sum();
    let mut frequencies = Frequencies::new(shingles, settings.min_similarity);
    let k = settings.shingle_tokens;
    for round in paragraphs.chunks(ROUND) {
        let parted = |some: &[&[u64]]| {
            let mut parts: [Vec<u64>; Frequencies::PARTS] = Default::default();
            for tokens in some {
                for_each_shingle(tokens, k, SEED, |shingle| {
                    let (part, mixed) = Frequencies::part_of(shingle);
                    parts[part].push(mixed);
                });
            }
            parts
        };
        let found: Vec<[Vec<u64>; Frequencies::PARTS]> = round.par_chunks(CHUNK).map(parted).collect();
        frequencies.parts().into_par_iter().enumerate().for_each(|(number, mut part)| {
            found.iter().for_each(|parts| part.count(&parts[number]));
        });
    }
    let numbers: Vec<u32> = (0..paragraphs.len() as u32).collect();
    let listed = |some: &[u32]| {
        let (mut shingles, mut listings) = (Vec::new(), Vec::new());
        for &number in some {
            shingles.clear();
            for_each_shingle(paragraphs[number as usize], k, SEED, |shingle| shingles.push(shingle));
            frequencies.list(number, &mut shingles, &mut listings);
        }
        listings
    };
    let mut listings: Vec<Listing> = numbers.par_chunks(CHUNK).flat_map_iter(listed).collect();
    listings.par_sort_unstable();
    ShortIndex::new(paragraphs.len() as u32, listings, settings.min_similarity)
}

#[cfg(test)]
mod tests;
