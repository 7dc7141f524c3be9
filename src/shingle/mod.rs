//! Which runs of `k` tokens does it hold?
//!
//! Token hashes in, a [`ShingleSet`] out. Two different runs of tokens get the same 64-bit hash with
//! probability 2^-63 or so; a caller that deletes on the strength of a set confirms on the tokens themselves
//! (`verify`). Time: one hash of 8·k bytes a token and one sort; memory: 8 bytes a token.
//! Reference: Broder, *On the resemblance and containment of documents*, 1997.

use std::num::NonZeroUsize;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A set of shingle hashes.
///
/// Invariant: ascending, no repeats. [`ShingleSet::from_hashes`] is the only way in, so whoever
/// holds a `ShingleSet` may merge it in one pass without checking again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShingleSet(Box<[u64]>);

impl ShingleSet {
    /// The set of `hashes`, which may come in any order and repeat.
    pub fn from_hashes(mut hashes: Vec<u64>) -> ShingleSet {
        hashes.sort_unstable();
        hashes.dedup();
        ShingleSet(hashes.into_boxed_slice())
    }

    /// The set of all runs of `k` of these token hashes. Fewer than `k` tokens have one shingle, the whole
    /// of them; none have none.
    pub fn of_tokens(tokens: &[u64], k: NonZeroUsize, seed: u64) -> ShingleSet {
        let mut hashes = Vec::with_capacity(tokens.len());
        for_each_shingle(tokens, k, seed, |hash| hashes.push(hash));
        ShingleSet::from_hashes(hashes)
    }

    /// The hashes, ascending.
    pub fn hashes(&self) -> &[u64] {
        &self.0
    }

    /// How many different shingles.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text had no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The hash of a token. Seeded, so that nobody who does not know the seed can make texts collide.
///
/// 63 bits of hash; the lowest bit tells whether the token begins with a digit, see [`is_number`].
///
/// ```
/// use dittograph::shingle::{is_number, token_hash};
/// assert!(is_number(token_hash("2024", 0)) && is_number(token_hash("3rd", 0)));
/// assert!(!is_number(token_hash("march", 0)));
/// ```
pub fn token_hash(token: &str, seed: u64) -> u64 {
    let number = token.starts_with(char::is_numeric);
    xxh3_64_with_seed(token.as_bytes(), seed) & !1 | u64::from(number)
}

/// Whether the token with this [`token_hash`] begins with a digit (Unicode N): a date, a counter, a price.
pub fn is_number(token_hash: u64) -> bool {
    token_hash & 1 == 1
}

/// Calls `each` with the hash of every run of `k` tokens, in text order, repeats included. The edge cases are
/// those of [`ShingleSet::of_tokens`].
pub fn for_each_shingle(tokens: &[u64], k: NonZeroUsize, seed: u64, mut each: impl FnMut(u64)) {
    match k.get().min(tokens.len()) {
        0 => {}
        2 => for_each_of_length::<2>(tokens, seed, each),
        5 => for_each_of_length::<5>(tokens, seed, each),
        width => {
            let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
            for start in (0..=bytes.len() - 8 * width).step_by(8) {
                each(xxh3_64_with_seed(&bytes[start..start + 8 * width], seed));
            }
        }
    }
}

/// The same for a length that the compiler knows: the hash of a run is made in registers.
fn for_each_of_length<const K: usize>(tokens: &[u64], seed: u64, mut each: impl FnMut(u64)) {
    for run in tokens.windows(K) {
        let bytes: [[u8; 8]; K] = std::array::from_fn(|at| run[at].to_le_bytes());
        each(xxh3_64_with_seed(bytes.as_flattened(), seed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tokens: &[u64], k: usize, expected: usize) {
        let set = ShingleSet::of_tokens(tokens, NonZeroUsize::new(k).unwrap(), 0);
        assert_eq!(set.len(), expected, "{k}-shingles of {tokens:?}");
    }

    #[test]
    fn runs_of_k_tokens() {
        check(&[1, 2, 3, 4], 2, 3);
        check(&[1, 2, 1, 2], 2, 2); // 12 twice
        check(&[1, 2, 3], 5, 1); // fewer than k: the whole
        check(&[1, 2, 3, 4, 5], 5, 1);
        check(&[], 5, 0);
    }

    #[test]
    fn lengths_that_the_compiler_knows_hash_alike() {
        let tokens: Vec<u64> = (1..10u64).map(|token| token.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        for k in 1..=7 {
            let hash = |run: &[u64]| {
                let bytes: Vec<u8> = run.iter().flat_map(|token| token.to_le_bytes()).collect();
                xxh3_64_with_seed(&bytes, 7)
            };
            let slow: Vec<u64> = tokens.windows(k).map(hash).collect();
            let mut fast = Vec::new();
            for_each_shingle(&tokens, NonZeroUsize::new(k).unwrap(), 7, |shingle| fast.push(shingle));
            assert_eq!(fast, slow, "{k} tokens");
        }
    }

    #[test]
    fn order_matters_within_a_shingle_and_not_between_shingles() {
        let k = NonZeroUsize::new(2).unwrap();
        assert_ne!(ShingleSet::of_tokens(&[1, 2], k, 0), ShingleSet::of_tokens(&[2, 1], k, 0));
        assert_ne!(ShingleSet::of_tokens(&[1, 2], k, 0), ShingleSet::of_tokens(&[1, 2], k, 1));
    }
}
