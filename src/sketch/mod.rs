//! How is it remembered in a few hundred bytes?
//!
//! A [`ShingleSet`] in, a signature out: one row of `functions` numbers of 32 bits. The share of equal numbers
//! in two rows estimates the Jaccard similarity of the two sets, without bias, with a standard error of at
//! most √(J(1−J)/functions). [`Banding`] cuts rows into bands to find pairs, [`Prefilter`] compares the low
//! bytes of two rows, [`Screening`] chooses both for a threshold, and [`Signatures`] is the matrix of what
//! they need.
//!
//! An estimate that is too high costs one measurement, never truth. One that is too low loses a pair for
//! good, so every choice here is made from the probability of that: see [`Screening::for_similarity`].
//!
//! Method: one-permutation hashing (Li, Owen, Zhang, *One Permutation Hashing*, 2012). Each shingle falls into
//! one of `functions` bins and each bin remembers its least hash. A bin that stays empty takes a minhash of
//! its own over the whole set (one multiply-add a shingle) and is marked, so that it never equals a bin that
//! was filled. That keeps the estimate unbiased: if any of the two sets has a shingle in a bin, the least of
//! the union lies in both with probability J; if none has, the minhashes agree with probability J. The same
//! family as *Fast Similarity Sketching* (Dahlgaard, Knudsen, Thorup, 2017).
//!
//! Time: one mix a shingle, and one multiply-add for each shingle and empty bin (none to speak of from five
//! times as many shingles as bins on).

mod screening;
mod signatures;
#[cfg(test)]
mod tests;

pub use screening::{Banding, Prefilter, Screening};
pub use signatures::Signatures;

use crate::shingle::ShingleSet;

/// What a row holds, in every place, for the empty set. No other set has it anywhere.
const EMPTY_SET: u32 = u32::MAX;

/// The bit that parts the minhash of an empty bin (set) from the least hash of a filled one (clear).
const EMPTY_BIN: u32 = 1 << 31;

/// A place in a row that no shingle has reached yet. Filled bins hold 31 bits, so it is none of their values.
const UNFILLED: u32 = u32::MAX;

/// Shingles that are mixed at a time for the empty bins: 1 KiB of stack.
const BLOCK: usize = 256;

/// The hash functions of a signature.
///
/// Signatures can be compared when they were made with the same number of functions and the same seed.
///
/// ```
/// use dittograph::{shingle::ShingleSet, sketch::{Sketcher, estimate}};
///
/// let sketcher = Sketcher::new(128, 42);
/// let (mut a, mut b) = (vec![0; 128], vec![0; 128]);
/// sketcher.sketch_into(&ShingleSet::from_hashes((0..100).collect()), &mut a);
/// sketcher.sketch_into(&ShingleSet::from_hashes((10..110).collect()), &mut b);
/// assert!((estimate(&a, &b) - 90.0 / 110.0).abs() < 0.15);
/// ```
#[derive(Clone, Debug)]
pub struct Sketcher {
    seed: u64,
    /// Factor (odd) and addend of each bin's own minhash.
    own: Vec<(u32, u32)>,
}

impl Sketcher {
    /// `functions` hash functions (also the length of a row; 1 or more, 0 gives empty rows) drawn from `seed`.
    pub fn new(functions: usize, seed: u64) -> Sketcher {
        let draw = |function: usize| mix(mix(seed) ^ (function as u64 + 1));
        let own = (0..functions)
            .map(draw)
            .map(|random| ((random >> 32) as u32 | 1, random as u32))
            .collect();
        Sketcher {
            seed: mix(!seed),
            own,
        }
    }

    /// The length of a row.
    pub fn functions(&self) -> usize {
        self.own.len()
    }

    /// Writes the signature of `set` into `row`, whose old content does not matter.
    ///
    /// The row of the empty set is of its own kind: [`estimate`] gives 0 for it, even with itself. Panics when
    /// `row` is not [`functions`](Sketcher::functions) long. No allocation.
    pub fn sketch_into(&self, set: &ShingleSet, row: &mut [u32]) {
        assert_eq!(row.len(), self.functions(), "a row has a place for each function");
        if set.is_empty() {
            return row.fill(EMPTY_SET);
        }
        row.fill(UNFILLED);
        self.fill_bins(set.hashes(), row);
        self.fill_empty_bins(set.hashes(), row);
    }

    /// The high half of a shingle's hash says the bin, the low half is the value.
    fn fill_bins(&self, hashes: &[u64], row: &mut [u32]) {
        let bins = row.len() as u64;
        for &hash in hashes {
            let mixed = mix(hash ^ self.seed);
            let bin = &mut row[(((mixed >> 32) * bins) >> 32) as usize];
            *bin = (*bin).min(mixed as u32 & !EMPTY_BIN);
        }
    }

    /// Filled bins hold 31 bits; so a bin is empty as long as its highest bit is set, before and after this.
    fn fill_empty_bins(&self, hashes: &[u64], row: &mut [u32]) {
        if row.iter().all(|&value| value & EMPTY_BIN == 0) {
            return;
        }
        let mut values = [0; BLOCK];
        for block in hashes.chunks(BLOCK) {
            let values = &mut values[..block.len()];
            for (value, &hash) in values.iter_mut().zip(block) {
                *value = mix(hash ^ self.seed) as u32;
            }
            for (bin, &own) in row.iter_mut().zip(&self.own) {
                if *bin & EMPTY_BIN != 0 {
                    *bin = (*bin).min(EMPTY_BIN | least_of_own(own, values));
                }
            }
        }
    }
}

/// 31 bits, and never all of them: all ones are the empty set's.
fn least_of_own((factor, addend): (u32, u32), values: &[u32]) -> u32 {
    let own = values
        .iter()
        .map(|value| value.wrapping_mul(factor).wrapping_add(addend));
    (own.fold(u32::MAX, u32::min) >> 1).min(!EMPTY_BIN - 1)
}

/// The share of places in which two rows agree: an estimate of the Jaccard similarity, in `0.0..=1.0`.
///
/// 0.0 when one of them is the empty set's, and for rows of length 0. Panics when their lengths differ.
pub fn estimate(a: &[u32], b: &[u32]) -> f64 {
    assert_eq!(a.len(), b.len(), "rows of one kind");
    let equal = a
        .iter()
        .zip(b)
        .filter(|&(x, y)| x == y && *x != EMPTY_SET)
        .count();
    if equal == 0 {
        0.0
    } else {
        equal as f64 / a.len() as f64
    }
}

/// A bijection of 64 bits in which every input bit moves every output bit about half of the time:
/// the finaliser of SplitMix64 (Steele, Lea, Flood, 2014), with its increment.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
