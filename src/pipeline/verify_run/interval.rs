//! What does a share of a sample say of all?
//!
//! References: Wilson, *Probable inference, the law of succession, and statistical inference*, 1927; Kish, *Survey Sampling*,
//! 1965 (the effective size of a weighted sample).

use serde::Serialize;

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The share, 0 to 1; 0 of nothing.
    pub share: f64,
    /// The lower end of the interval of 95 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Of a normal distribution, 95 % lie within so many deviations.
const DEVIATIONS: f64 = 1.959_963_984_540_054;

impl Share {
    /// `share` of a sample of `size`, which may be no whole number where it was weighted; Wilson's interval.
    pub fn of(share: f64, size: f64) -> Share {
        if size <= 0.0 {
            return Share { share: 0.0, low: 0.0, high: 1.0 };
        }
        let square = DEVIATIONS * DEVIATIONS;
        let middle = share + square / (2.0 * size);
        let half = DEVIATIONS * (share * (1.0 - share) / size + square / (4.0 * size * size)).sqrt();
        let [low, high] = [middle - half, middle + half].map(|end| end / (1.0 + square / size));
        // The ends of shares of 0 and 1 are exact, but for the last digits.
        Share { share, low: low.clamp(0.0, share), high: high.clamp(share, 1.0) }
    }

    /// `hits` of `size`.
    pub fn of_counts(hits: u64, size: u64) -> Share {
        Share::of(hits as f64 / size.max(1) as f64, size as f64)
    }
}

/// The size of an even sample that tells as much as one that takes `size` of each part of all, a part being `weight` of all:
/// 1 / sum(weight² / size). Weights sum to 1.
pub fn effective_size(parts: impl Iterator<Item = (f64, u64)>) -> f64 {
    let spread: f64 = parts.map(|(weight, size)| weight * weight / size as f64).sum();
    if spread > 0.0 && spread.is_finite() { 1.0 / spread } else { 0.0 }
}

/// The probability that `hits` or more of `size` events happen that are each as probable as `chance`.
pub fn at_least(hits: u64, size: u64, chance: f64) -> f64 {
    if hits == 0 || chance >= 1.0 {
        return 1.0;
    }
    if chance <= 0.0 {
        return 0.0;
    }
    // Logarithms, for the first terms of a large sample are less than any number.
    let mut term = size as f64 * (-chance).ln_1p();
    let mut fewer = 0.0;
    for number in 0..hits.min(size + 1) {
        fewer += term.exp();
        term += ((size - number.min(size)) as f64 / (number + 1) as f64 * chance / (1.0 - chance)).ln();
    }
    (1.0 - fewer).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hits: u64, size: u64, low: f64, high: f64) {
        let share = Share::of_counts(hits, size);
        assert!((share.low - low).abs() < 5e-5 && (share.high - high).abs() < 5e-5, "{share:?}");
    }

    #[test]
    fn intervals_are_wilsons() {
        check(0, 10, 0.0, 0.2775); // as tables have them
        check(10, 10, 0.7225, 1.0);
        check(5, 10, 0.2366, 0.7634);
        check(81, 263, 0.2553, 0.3662);
        check(0, 0, 0.0, 1.0);
    }

    #[test]
    fn tails_are_the_binomials() {
        let slow = |hits: u64, size: u64, chance: f64| -> f64 {
            let choose = |k: u64| (0..k).map(|i| (size - i) as f64 / (i + 1) as f64).product::<f64>();
            let term = |k: u64| choose(k) * chance.powi(k as i32) * (1.0 - chance).powi((size - k) as i32);
            (hits..=size).map(term).sum()
        };
        for (hits, size, chance) in [(1, 5, 0.5), (3, 20, 0.1), (20, 20, 0.9), (0, 7, 0.3), (8, 7, 0.3)] {
            let expected = if hits > size { 0.0 } else { slow(hits, size, chance) };
            assert!((at_least(hits, size, chance) - expected).abs() < 1e-12, "{hits} of {size}");
        }
        assert_eq!((at_least(0, 9, 0.0), at_least(1, 9, 0.0), at_least(1, 0, 0.5)), (1.0, 0.0, 0.0));
        assert!((at_least(1000, 1_000_000, 0.001) - 0.5).abs() < 0.02); // its first terms are zero
    }

    #[test]
    fn an_even_sample_is_as_large_as_it_is() {
        let parts = [(0.25, 25), (0.75, 75)];
        assert!((effective_size(parts.into_iter()) - 100.0).abs() < 1e-9);
        assert!(effective_size([(0.25, 75), (0.75, 25)].into_iter()) < 45.0);
        assert_eq!(effective_size([(1.0, 0)].into_iter()), 0.0);
        assert_eq!(effective_size([].into_iter()), 0.0);
    }
}
