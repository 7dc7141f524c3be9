//! How different must two sets be, at the least?

use crate::shingle::ShingleSet;
use crate::sketch::mix;

/// The parities of a set: bit `i` says whether an odd number of its shingles have a hash that falls to `i`.
///
/// A shingle of one set alone flips at most one bit between the parities of two sets, and one of both flips
/// none; so two sets differ in at least as many shingles as their parities do in bits. A lower bound, never
/// wrong, for a few nanoseconds. Source of the idea: Sandes, Teodoro, Melo, *Bitmap filter: speeding up exact
/// set similarity joins with bitwise operations*, 2020.
///
/// Widths are powers of two, and half a width is a fold away: the parity of two bits together is their XOR.
pub(super) struct Parities {
    /// Of 64, 128, 256, ... bits, up to the width that was asked for.
    widths: Vec<Vec<u64>>,
}

/// Words of 64 bits for a set of that size: about four bits a shingle, so that few of those that differ
/// cancel out.
pub(super) fn words_for(size: u32) -> usize {
    (size as usize).div_ceil(16).next_power_of_two()
}

/// Writes the parities of `set` into `words`, a power of two of zeros.
pub(super) fn write_parities(set: &ShingleSet, words: &mut [u64]) {
    let bits = words.len() as u64 * 64;
    for &hash in set.hashes() {
        let bit = mix(hash) & (bits - 1);
        words[(bit / 64) as usize] ^= 1 << (bit % 64);
    }
}

impl Parities {
    /// Ready to be held against sets of up to `greatest` shingles.
    pub(super) fn new(set: &ShingleSet, greatest: u32) -> Parities {
        let mut widest = vec![0; words_for(greatest)];
        write_parities(set, &mut widest);
        let fold = |wide: &Vec<u64>| {
            let (low, high) = wide.split_at(wide.len() / 2);
            (!low.is_empty()).then(|| low.iter().zip(high).map(|(low, high)| low ^ high).collect())
        };
        let mut widths: Vec<Vec<u64>> = std::iter::successors(Some(widest), fold).collect();
        widths.reverse();
        Parities { widths }
    }

    /// In how many bits it differs from the parities of another set, of any of the widths that it is ready
    /// for.
    pub(super) fn differences(&self, other: &[u64]) -> u32 {
        let own = &self.widths[other.len().trailing_zeros() as usize];
        own.iter().zip(other).map(|(own, other)| (own ^ other).count_ones()).sum()
    }
}
