//! Which few shingles tell whether another set holds most of a set?

use super::screening::{chances, most_least};

/// How many shingles of a set are sought in others, and how many of them another one must have before it is
/// measured, chosen for a containment.
///
/// A sketch for similarity is of no use here: a set of 100 shingles inside one of 1,000 has a Jaccard
/// similarity of 0.1. A sample of the smaller set's own shingles is: each of them stands in the other set with
/// a probability that is the containment, however large the other set is. The sample is the shingles of least
/// hash, so equal shingles of two sets are drawn together. Source of the idea: Broder, *On the resemblance and
/// containment of documents*, 1997; FracMinHash (Irber and others, 2022) takes all hashes below a cut, which
/// leaves short documents without a sample.
///
/// | containment | shingles | that must be shared | miss at exactly this containment |
/// |---|---|---|---|
/// | 0.5 | 24 | 4 | 1.4e-4 |
/// | 0.6 | 24 | 6 | 1.1e-4 |
/// | 0.7 | 24 | 9 | 2.3e-4 |
/// | 0.8 | 24 | 12 | 2.2e-4 |
/// | 0.9 | 24 | 15 | 5.2e-5 |
/// | 0.95 | 24 | 18 | 1.3e-4 |
/// | 1 | 24 | 24 | 0 |
///
/// ```
/// use dittograph::sketch::Sampling;
///
/// let Some(sampling) = Sampling::for_containment(0.8) else { panic!("0.8 is in the range") };
/// assert_eq!(sampling.needed(24), 12);
/// assert_eq!(sampling.needed(10), 8); // a set of 10: all of it is sampled, and 8 of 10 are exactly 0.8
/// assert!(sampling.miss_probability(0.8) < 2.5e-4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The containment it was chosen for.
    pub containment: f64,
    /// How many shingles are sampled of a set that has more.
    pub shingles: u16,
    /// How many of these another set must have.
    pub least: u16,
}

impl Sampling {
    /// The probability with which a lone pair at exactly the threshold may be missed: as for
    /// [`Screening::MISS`](super::Screening::MISS).
    pub const MISS: f64 = 2.5e-4;

    /// The fewest, in steps of eight, for which two shared shingles or more can be asked for at every
    /// threshold; one alone would bring together whatever shares a phrase.
    const SHINGLES: u16 = 24;

    /// The choice for `containment` in `0.5..=1.0`; `None` outside of that range, and for NaN.
    pub fn for_containment(containment: f64) -> Option<Sampling> {
        let least = || most_least(Sampling::SHINGLES, containment, Sampling::MISS);
        (0.5..=1.0).contains(&containment).then(|| Sampling {
            containment,
            shingles: Sampling::SHINGLES,
            least: least(),
        })
    }

    /// How many of `sampled` shingles another set must have. A sample that is smaller than
    /// [`shingles`](Sampling::shingles) is the whole set, and the answer follows from the containment without
    /// any chance; never more than are sampled.
    pub fn needed(&self, sampled: usize) -> usize {
        match sampled < usize::from(self.shingles) {
            true => (self.containment * sampled as f64 * (1.0 - 1e-12)).ceil() as usize,
            false => usize::from(self.least),
        }
    }

    /// The probability that a pair of containment `c` (0.0..=1.0) is not measured: fewer than `least` of the
    /// sampled shingles are among the shared ones. An upper bound: it counts as if a shingle could be drawn
    /// twice, and drawing without that strays less.
    pub fn miss_probability(&self, c: f64) -> f64 {
        chances(self.shingles, c).take(usize::from(self.least)).sum::<f64>().min(1.0)
    }
}

/// The sampled shingles of many documents, one after the other.
///
/// Memory: 8 bytes for each sampled shingle and 8 bytes a document.
#[derive(Clone, Debug)]
pub struct Samples {
    sampling: Sampling,
    hashes: Vec<u64>,
    /// Where each document's end.
    ends: Vec<usize>,
}

impl Samples {
    /// Of no document yet.
    pub fn new(sampling: Sampling) -> Samples {
        Samples { sampling, hashes: Vec::new(), ends: Vec::new() }
    }

    /// Adds those of the next document, of whose shingles these are the hashes, in any order and with repeats.
    ///
    /// Cost: a comparison a shingle, and a sort of some hundred now and then.
    pub fn push(&mut self, shingles: &[u64]) {
        let wanted = usize::from(self.sampling.shingles);
        let mut least: Vec<u64> = Vec::with_capacity(4 * wanted);
        let mut cut = u64::MAX;
        for &hash in shingles {
            if hash <= cut {
                least.push(hash);
                if least.len() >= 4 * wanted {
                    cut = keep_least(&mut least, wanted).unwrap_or(cut);
                }
            }
        }
        keep_least(&mut least, wanted);
        self.hashes.append(&mut least);
        self.ends.push(self.hashes.len());
    }

    /// Takes over the rows of the documents that follow.
    pub fn append(&mut self, mut next: Samples) {
        debug_assert_eq!(self.sampling, next.sampling, "samples of one kind");
        let before = self.hashes.len();
        self.hashes.append(&mut next.hashes);
        self.ends.extend(next.ends.iter().map(|end| before + end));
    }

    /// What they were made for.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// All of them, and where each document's end.
    pub(crate) fn into_parts(self) -> (Vec<u64>, Vec<usize>) {
        (self.hashes, self.ends)
    }
}

/// Leaves the `wanted` least of these, ascending and without repeats; the greatest of them, when they are as many.
fn keep_least(hashes: &mut Vec<u64>, wanted: usize) -> Option<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.truncate(wanted);
    hashes.get(wanted.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::mix;

    #[test]
    fn every_threshold_keeps_the_promise() {
        for step in 50..=100 {
            let containment = f64::from(step) / 100.0;
            let Some(sampling) = Sampling::for_containment(containment) else { panic!("in range") };
            let (miss, least) = (sampling.miss_probability(containment), sampling.least);
            assert!(miss <= Sampling::MISS && least >= 2, "{containment}: {miss}, {least}");
            let stricter = Sampling { least: least + 1, ..sampling };
            assert!(stricter.miss_probability(containment) > Sampling::MISS, "{containment}: not the most");
        }
        for outside in [0.49, 1.01, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Sampling::for_containment(outside), None);
        }
    }

    /// The chance that fewer than `least` of `sampled` drawn ones, none twice, are among the `shared` of `all`.
    fn miss_without_putting_back(all: u64, shared: u64, sampled: u64, least: u64) -> f64 {
        let log_choose =
            |n: u64, k: u64| -> f64 { (0..k).map(|i| ((n - i) as f64).ln() - ((i + 1) as f64).ln()).sum() };
        let chance = |hits: u64| {
            let misses = sampled - hits;
            if hits > shared || misses > all - shared {
                return 0.0;
            }
            (log_choose(shared, hits) + log_choose(all - shared, misses) - log_choose(all, sampled)).exp()
        };
        (0..least).map(chance).sum()
    }

    #[test]
    fn what_is_stated_is_an_upper_bound_at_every_size() {
        for step in 50..=100_u64 {
            let containment = step as f64 / 100.0;
            let Some(sampling) = Sampling::for_containment(containment) else { panic!("in range") };
            for size in (24..120).chain([500, 5000]) {
                let shared = (step * size).div_ceil(100);
                let miss = miss_without_putting_back(size, shared, 24, sampling.least.into());
                let stated = sampling.miss_probability(containment);
                assert!(miss <= stated * (1.0 + 1e-9), "{containment}, {size} shingles: {miss} > {stated}");
            }
        }
    }

    #[test]
    fn small_sets_are_sampled_whole_and_need_what_the_containment_needs() {
        for step in 50..=100_usize {
            let Some(sampling) = Sampling::for_containment(step as f64 / 100.0) else { panic!("in range") };
            for size in 0..24_usize {
                assert_eq!(sampling.needed(size), (step * size).div_ceil(100), "{step} %, {size} shingles");
            }
        }
    }

    #[test]
    fn the_least_of_all_are_sampled_whatever_their_order() {
        let Some(sampling) = Sampling::for_containment(0.8) else { panic!("in range") };
        let wanted = usize::from(sampling.shingles);
        let mut samples = [Samples::new(sampling), Samples::new(sampling), Samples::new(sampling)];
        let (mut expected, mut ends) = (Vec::new(), Vec::new());
        for size in [0, 1, 5, 23, 24, 25, 96, 97, 500, 3000] {
            // Each stands twice.
            let hashes: Vec<u64> = (0..2 * size).map(|nth| mix(nth % size)).collect();
            let mut sorted = hashes[..size as usize].to_vec();
            sorted.sort_unstable();
            let falling: Vec<u64> = sorted.iter().rev().copied().collect();
            for (samples, order) in samples.iter_mut().zip([&hashes, &sorted, &falling]) {
                samples.push(order);
            }
            expected.extend(sorted.iter().take(wanted));
            ends.push(expected.len());
        }
        for samples in samples {
            assert_eq!(samples.into_parts(), (expected.clone(), ends.clone()));
        }
    }

    #[test]
    fn samples_of_parts_are_those_of_the_whole() {
        let Some(sampling) = Sampling::for_containment(0.8) else { panic!("in range") };
        let documents: Vec<Vec<u64>> =
            (0..9).map(|n| (0..7 * n).map(|i| mix(i << 8 | n)).collect()).collect();
        let of = |documents: &[Vec<u64>]| {
            let mut samples = Samples::new(sampling);
            documents.iter().for_each(|shingles| samples.push(shingles));
            samples
        };
        let mut parts = of(&documents[..4]);
        parts.append(of(&documents[4..]));
        assert_eq!(parts.into_parts(), of(&documents).into_parts());
    }
}
