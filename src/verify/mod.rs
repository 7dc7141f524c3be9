//! How alike are they really?
//!
//! Two [`ShingleSet`]s in, an [`Overlap`] out: how many shingles they share and how many each has alone,
//! counted, not estimated. Every similarity that is reported comes from here, and [`reaches`] is the one
//! place that holds it against a threshold. [`overlap_of_tokens`] counts the same on the tokens themselves,
//! without any hash of a shingle: what is removed is confirmed with it, or, where many short texts are held
//! against one long text, with a [`Concordance`] of that.
//!
//! A wrong answer here is never harmless: no later stage looks again. [`shared_passages`] shows a person what two texts
//! share, and where.
//!
//! Time: one merge of two sorted lists; on tokens, one look-up a token and two sorts.
//!
//! [`ShingleSet`]: crate::shingle::ShingleSet
//! [`Overlap`]: crate::verify::Overlap
//! [`reaches`]: crate::verify::reaches
//! [`overlap_of_tokens`]: crate::verify::overlap_of_tokens
//! [`shared_passages`]: crate::verify::shared_passages
//! [`Concordance`]: crate::verify::Concordance

mod concordance;
mod passages;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::shingle::ShingleSet;
pub use concordance::Concordance;
pub use passages::{Passage, paragraphs_beside, shared_passages};

#[cfg(test)]
mod tests;

/// What two sets of shingles share, in shingles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// How many stand in both.
    pub shared: usize,
    /// How many stand in the left one alone.
    pub only_left: usize,
    /// How many stand in the right one alone.
    pub only_right: usize,
}

impl Overlap {
    /// Jaccard similarity |A ∩ B| / |A ∪ B|, in `0.0..=1.0`. Two empty sets score 0.0.
    pub fn jaccard(self) -> f64 {
        ratio(self.shared, self.union())
    }

    /// Containment |A ∩ B| / |A| of the left set in the right one, in `0.0..=1.0`. An empty left set scores
    /// 0.0.
    pub fn containment_of_left(self) -> f64 {
        ratio(self.shared, self.shared + self.only_left)
    }

    /// Containment |A ∩ B| / |B| of the right set in the left one, in `0.0..=1.0`. An empty right set scores
    /// 0.0.
    pub fn containment_of_right(self) -> f64 {
        ratio(self.shared, self.shared + self.only_right)
    }

    /// How many stand in any of the two.
    pub fn union(self) -> usize {
        self.shared + self.only_left + self.only_right
    }

    /// Whether the Jaccard similarity is `similarity` or more: [`reaches`].
    pub fn reaches(self, similarity: f64) -> bool {
        reaches(self.shared, self.union(), similarity)
    }

    /// Whether the containment of the left set in the right one is `containment` or more: [`reaches`].
    pub fn left_is_contained(self, containment: f64) -> bool {
        reaches(self.shared, self.shared + self.only_left, containment)
    }

    fn of_sizes(shared: usize, left: usize, right: usize) -> Overlap {
        Overlap { shared, only_left: left - shared, only_right: right - shared }
    }
}

/// Whether `shared / whole` is `threshold` or more: *the* decision, for Jaccard and containment alike.
///
/// A pair of exactly 4/5 reaches 0.8, although the number that `0.8` becomes in memory is a little more than
/// 4/5 (so `shared >= 0.8 * whole` would say no). Dividing makes it right: a quotient and a decimal are both
/// rounded to the nearest `f64`, so equal values become equal numbers, and a greater one never becomes a
/// lesser one. A lesser one can become equal only when it is nearer than 2^-53 or so, which no fraction of
/// fewer than 10^8 shingles is to a threshold of up to six decimals. It also agrees, always, with the figure
/// that is reported: that is the same quotient.
///
/// Exact for counts up to 2^53. An empty whole has similarity 0.0; a NaN is reached by nothing.
///
/// ```
/// assert!(dittograph::verify::reaches(4, 5, 0.8));
/// assert!(!dittograph::verify::reaches(79_999_999, 100_000_000, 0.8));
/// ```
pub fn reaches(shared: usize, whole: usize, threshold: f64) -> bool {
    ratio(shared, whole) >= threshold
}

/// The quotient, rounded to the nearest `f64`; 0.0 for 0 / 0.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What two sets share. Cost: one merge without branches, O(|A| + |B|), no allocation.
pub fn overlap(left: &ShingleSet, right: &ShingleSet) -> Overlap {
    shared_of_sorted(left.hashes(), right.hashes(), 0).unwrap_or_default()
}

/// What two sets share, if their Jaccard similarity reaches `similarity`; else `None`. The same answer as
/// [`overlap`] and then [`Overlap::reaches`].
///
/// Cost: nothing when their sizes alone forbid it; else a merge that stops once what is left cannot suffice.
pub fn overlap_at_least(left: &ShingleSet, right: &ShingleSet, similarity: f64) -> Option<Overlap> {
    let (fewer, more) = (left.len().min(right.len()), left.len().max(right.len()));
    if !reaches(fewer, more, similarity) {
        return None;
    }
    let needed = needed_at_least(left.len() + right.len(), similarity);
    shared_of_sorted(left.hashes(), right.hashes(), needed).filter(|overlap| overlap.reaches(similarity))
}

/// What two sets share, if the containment of `part` (the left one) in `whole` reaches `containment`; else `None`. The
/// same answer as [`overlap`] and then [`Overlap::left_is_contained`].
///
/// Cost: a merge that stops once what is left cannot suffice; where `whole` is much the larger one, a search for each
/// shingle of `part`, O(|A| log |B|).
pub fn containment_at_least(part: &ShingleSet, whole: &ShingleSet, containment: f64) -> Option<Overlap> {
    let (a, b) = (part.hashes(), whole.hashes());
    let needed = (containment.clamp(0.0, 1.0) * a.len() as f64 * (1.0 - 1e-12)).ceil() as usize; // a NaN becomes 0
    let overlap = match b.len() / MUCH_LARGER < a.len() {
        true => shared_of_sorted(a, b, needed),
        false => shared_by_search(a, b, needed),
    };
    overlap.filter(|overlap| overlap.left_is_contained(containment))
}

/// From so many times the size on, searching for each of the few is cheaper than going through the many: a search
/// takes about as many steps.
const MUCH_LARGER: usize = 16;

/// Seeks each of `few` in `many`, ascending lists without repeats; `None` when they cannot have `needed` in common.
fn shared_by_search(few: &[u64], many: &[u64], needed: usize) -> Option<Overlap> {
    let (mut shared, mut rest) = (0, many);
    for (place, hash) in few.iter().enumerate() {
        if shared + (few.len() - place) < needed {
            return None;
        }
        let found = rest.binary_search(hash);
        shared += usize::from(found.is_ok());
        rest = &rest[found.unwrap_or_else(|next| next)..];
    }
    Some(Overlap::of_sizes(shared, few.len(), many.len()))
}

/// A number of shared shingles that any pair with `total` shingles in both sets together must have to reach
/// `similarity`. Never too many, sometimes one too few: t/(1+t) · total, less a margin far above any
/// rounding.
fn needed_at_least(total: usize, similarity: f64) -> usize {
    let needed = similarity.clamp(0.0, 1.0) / (1.0 + similarity.clamp(0.0, 1.0)) * total as f64;
    (needed * (1.0 - 1e-12)).ceil() as usize // a NaN becomes 0
}

/// How many steps of a merge are taken before it is asked again whether it can still suffice.
const STEPS: usize = 32;

/// Merges two ascending lists without repeats; `None` when they cannot have `needed` in common.
fn shared_of_sorted<T: Copy + Ord>(left: &[T], right: &[T], needed: usize) -> Option<Overlap> {
    let (mut shared, mut l, mut r) = (0, 0, 0);
    loop {
        let steps = STEPS.min(left.len() - l).min(right.len() - r);
        if steps == 0 {
            break;
        }
        if shared + (left.len() - l).min(right.len() - r) < needed {
            return None;
        }
        for _ in 0..steps {
            let (a, b) = (left[l], right[r]);
            shared += usize::from(a == b);
            let (step_left, step_right) = (a <= b, b <= a);
            l += usize::from(step_left);
            r += usize::from(step_right);
        }
    }
    Some(Overlap::of_sizes(shared, left.len(), right.len()))
}

/// What two token sequences share in shingles of `k` tokens, by the rules of [`ShingleSet::of_tokens`],
/// decided on the tokens: two shingles are equal when their tokens are, letter for letter, and no hash has a
/// say in it.
///
/// Cost: a look-up for each token (a hash map with std's keyed hash, so that no text can be made to collide),
/// then two sorts of numbers. Memory: about 60 bytes a token while it runs.
pub fn overlap_of_tokens(left: &[&str], right: &[&str], k: NonZeroUsize) -> Overlap {
    let mut names = HashMap::with_capacity(left.len() + right.len());
    let left_names = name_tokens(left, &mut names);
    let right_names = name_tokens_like(right, left, &left_names, &mut names);
    let bits = u32::BITS - (names.len() as u32).leading_zeros();
    // Shingles are named exactly when all the bits of their tokens' numbers fit side by side.
    match k.get().checked_mul(bits as usize) {
        Some(0..=64) => overlap_of_names::<u64>(packed(&left_names, k, bits), packed(&right_names, k, bits)),
        Some(65..=128) => {
            overlap_of_names::<u128>(packed(&left_names, k, bits), packed(&right_names, k, bits))
        }
        _ => overlap_of_names(windows(&left_names, k).collect(), windows(&right_names, k).collect()),
    }
}

/// A number from 1 on for each different token, in the order in which they are first seen.
type Names<'t> = HashMap<&'t str, u32>;

fn name_token<'t>(token: &'t str, names: &mut Names<'t>) -> u32 {
    let next = names.len() as u32 + 1;
    *names.entry(token).or_insert(next)
}

fn name_tokens<'t>(tokens: &[&'t str], names: &mut Names<'t>) -> Vec<u32> {
    tokens.iter().map(|token| name_token(token, names)).collect()
}

/// How far to both sides the place is sought at which two texts go on alike.
const NEARBY: usize = 16;

/// The same as [`name_tokens`] for a text that is much like one that is named already: where they run side by
/// side, comparing with the token there replaces the look-up. In two texts with 1 in 20 words changed that
/// saves a third of the time of [`overlap_of_tokens`].
fn name_tokens_like<'t>(
    tokens: &[&'t str],
    like: &[&str],
    like_names: &[u32],
    names: &mut Names<'t>,
) -> Vec<u32> {
    let mut beside = 0;
    let mut name = |&token: &&'t str| {
        if like.get(beside) == Some(&token) {
            beside += 1;
            return like_names[beside - 1];
        }
        let name = name_token(token, names);
        let nearby = beside.saturating_sub(NEARBY).min(like.len())..(beside + NEARBY).min(like.len());
        let same = like_names[nearby.clone()].iter().position(|&other| other == name);
        beside = same.map_or(beside, |at| nearby.start + at) + 1;
        name
    };
    tokens.iter().map(&mut name).collect()
}

fn overlap_of_names<T: Copy + Ord>(mut left: Vec<T>, mut right: Vec<T>) -> Overlap {
    for names in [&mut left, &mut right] {
        names.sort_unstable();
        names.dedup();
    }
    shared_of_sorted(&left, &right, 0).unwrap_or_default()
}

/// All runs of `k`; fewer than `k` have one run, the whole; none have none.
fn windows(tokens: &[u32], k: NonZeroUsize) -> impl Iterator<Item = &[u32]> {
    tokens.windows(k.get().min(tokens.len()).max(1))
}

/// Each window as one number: `bits` bits a token, the first token highest. No token is 0, so a shorter
/// window, of a text of fewer than `k` tokens, never equals a longer one.
fn packed<N>(tokens: &[u32], k: NonZeroUsize, bits: u32) -> Vec<N>
where
    N: std::ops::Shl<u32, Output = N> + std::ops::BitOr<Output = N> + From<u32>,
{
    let pack =
        |window: &[u32]| window.iter().fold(N::from(0), |name, &token| (name << bits) | N::from(token));
    windows(tokens, k).map(pack).collect()
}
