//! How is it remembered in a few hundred bytes?
//!
//! A [`ShingleSet`] in, a signature out: one row of `functions` numbers of 32 bits. The share of equal
//! numbers in two rows estimates the Jaccard similarity of the two sets, without bias, with a standard error
//! of at most √(J(1−J)/functions). [`Banding`] cuts rows into bands to find pairs, [`Prefilter`] compares the
//! low bytes of two rows, [`Screening`] chooses both for a threshold, and [`Signatures`] is the matrix of
//! what they need. [`Sampling`] does the same for containment, from a few shingles of each set.
//!
//! An estimate that is too high costs one measurement, never truth. One that is too low loses a pair for
//! good, so every choice here is made from the probability of that: see [`Screening::for_similarity`].
//!
//! Method: one-permutation hashing (Li, Owen, Zhang, *One Permutation Hashing*, 2012). Each shingle falls
//! into one of `functions` bins and each bin remembers its least hash. Bins that stay empty are filled in a
//! second and a third round, with other hashes, as in *Fast Similarity Sketching* (Dahlgaard, Knudsen,
//! Thorup, 2017); a bin that is empty even then takes a minhash of its own over the whole set, one
//! multiply-add a shingle. Every value is marked with how it came about, so that values of different rounds
//! are never equal. That keeps the estimate unbiased: in the first round in which any of the two sets has a
//! shingle in a bin, the least of their union lies in both with probability J; if none ever has, their own
//! minhashes agree with probability J.
//!
//! Time: one mix a shingle and round (from eight times as many shingles as bins on, one round is most often
//! enough), and one multiply-add for each shingle and bin that is left.
//!
//! [`ShingleSet`]: crate::shingle::ShingleSet
//! [`Banding`]: crate::sketch::Banding
//! [`Prefilter`]: crate::sketch::Prefilter
//! [`Screening`]: crate::sketch::Screening
//! [`Signatures`]: crate::sketch::Signatures
//! [`Screening::for_similarity`]: crate::sketch::Screening::for_similarity
//! [`Sampling`]: crate::sketch::Sampling

mod sampling;
mod screening;
mod signatures;
#[cfg(test)]
mod tests;

pub use sampling::{Samples, Sampling};
pub use screening::{Banding, Prefilter, Screening};
pub use signatures::Signatures;

use crate::shingle::ShingleSet;

/// What a row holds, in every place, for the empty set. No other set has it anywhere.
const EMPTY_SET: u32 = u32::MAX;

/// Rounds in which shingles are thrown into bins. Each fills nearly half of the bins that a set of 80
/// shingles has left empty among 128, for one mix a shingle; their own minhashes cost a multiply-add a
/// shingle for each bin.
const ROUNDS: u32 = 3;

/// The two highest bits of a value say how it came about: the number of the round, or all ones for a bin's
/// own minhash. So the values of an earlier round are less than those of a later one, and the least of all is
/// the one that counts.
const MARK_SHIFT: u32 = 30;

/// The mark of a bin's own minhash; also of [`EMPTY_SET`], for which a bin stands that no round has filled.
const OWN: u32 = 3 << MARK_SHIFT;

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
    /// One for each round.
    seeds: [u64; ROUNDS as usize],
    /// Factor (odd) and addend of each bin's own minhash.
    own: Vec<(u32, u32)>,
}

impl Sketcher {
    /// `functions` hash functions (also the length of a row; 1 or more, 0 gives empty rows) drawn from
    /// `seed`.
    pub fn new(functions: usize, seed: u64) -> Sketcher {
        let draw = |number: u64| mix(mix(seed) ^ number);
        let own = |function| {
            let random = draw(u64::from(ROUNDS) + function as u64);
            ((random >> 32) as u32 | 1, random as u32)
        };
        Sketcher {
            seeds: std::array::from_fn(|round| draw(round as u64)),
            own: (0..functions).map(own).collect(),
        }
    }

    /// The length of a row.
    pub fn functions(&self) -> usize {
        self.own.len()
    }

    /// Writes the signature of `set` into `row`, whose old content does not matter.
    ///
    /// The row of the empty set is of its own kind: [`estimate`] gives 0 for it, even with itself. Panics
    /// when `row` is not [`functions`](Sketcher::functions) long. No allocation.
    pub fn sketch_into(&self, set: &ShingleSet, row: &mut [u32]) {
        assert_eq!(row.len(), self.functions(), "a row has a place for each function");
        if set.is_empty() {
            return row.fill(EMPTY_SET);
        }
        row.fill(EMPTY_SET);
        for round in 0..ROUNDS {
            if is_full(row) {
                return;
            }
            self.fill_bins(set.hashes(), round, row);
        }
        self.fill_empty_bins(set.hashes(), row);
    }

    /// The high half of a shingle's hash says the bin, the low half is the value.
    fn fill_bins(&self, hashes: &[u64], round: u32, row: &mut [u32]) {
        let bins = row.len() as u64;
        for &hash in hashes {
            let mixed = mix(hash ^ self.seeds[round as usize]);
            let bin = &mut row[(((mixed >> 32) * bins) >> 32) as usize];
            *bin = (*bin).min(round << MARK_SHIFT | mixed as u32 >> 2);
        }
    }

    fn fill_empty_bins(&self, hashes: &[u64], row: &mut [u32]) {
        if is_full(row) {
            return;
        }
        let mut values = [0; BLOCK];
        for block in hashes.chunks(BLOCK) {
            let values = &mut values[..block.len()];
            for (value, &hash) in values.iter_mut().zip(block) {
                *value = mix(hash ^ self.seeds[0]) as u32;
            }
            for (bin, &own) in row.iter_mut().zip(&self.own) {
                if *bin >= OWN {
                    *bin = (*bin).min(OWN | least_of_own(own, values));
                }
            }
        }
    }
}

/// Whether every bin was filled in a round.
fn is_full(row: &[u32]) -> bool {
    row.iter().all(|&value| value < OWN)
}

/// 30 bits, and never all of them: all ones are the empty set's.
fn least_of_own((factor, addend): (u32, u32), values: &[u32]) -> u32 {
    let own = values.iter().map(|value| value.wrapping_mul(factor).wrapping_add(addend));
    (own.fold(u32::MAX, u32::min) >> 2).min(!OWN - 1)
}

/// The share of places in which two rows agree: an estimate of the Jaccard similarity, in `0.0..=1.0`.
///
/// 0.0 when one of them is the empty set's, and for rows of length 0. Panics when their lengths differ.
pub fn estimate(a: &[u32], b: &[u32]) -> f64 {
    assert_eq!(a.len(), b.len(), "rows of one kind");
    let equal = a.iter().zip(b).filter(|&(x, y)| x == y && *x != EMPTY_SET).count();
    if equal == 0 { 0.0 } else { equal as f64 / a.len() as f64 }
}

/// A bijection of 64 bits in which every input bit moves every output bit about half of the time:
/// the finaliser of SplitMix64 (Steele, Lea, Flood, 2014), with its increment.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
