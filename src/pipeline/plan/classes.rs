//! How many classes has the whole, if a part of it has these?
//!
//! Of a corpus cut into equal stretches, some of which were drawn; and of each class seen (a cluster of duplicates, a site)
//! in how many of these it stands: in, how many classes of which size all stretches have out ([`Classes`]). A class of `k`
//! stretches is seen in `j` of `drawn` of `all` with the hypergeometric probability; which numbers of classes make what was
//! seen most likely, an expectation maximisation finds: the nonparametric maximum likelihood of species problems (Norris
//! and Pollock, *Biometrics* 1996).
//!
//! Harmless: a size too large or too small by a little. Not harmless, and not to be helped: classes that are too rare to be
//! seen twice leave no trace of their size, and count as if each stood in one stretch.
//!
//! Time: a few million steps, whatever the corpus.

/// Numbers of classes by size.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// So many classes stand in so many stretches.
    pub sizes: Vec<(f64, f64)>,
}

/// Sizes that are told apart: all up to this, and above it in steps.
const EVERY_SIZE: u64 = 24;
const STEP: f64 = 1.2;

/// So often the numbers are made more likely. More changed no figure of the tests by a hundredth.
const ROUNDS: usize = 20_000;

impl Classes {
    /// From `seen[j]`, how many classes stand in `j + 1` of the `drawn` stretches, of `all` that there are.
    ///
    /// `seen` has at most `drawn` numbers; and `drawn` is at most `all`.
    pub fn of(seen: &[u64], drawn: u64, all: u64) -> Classes {
        let sizes = sizes(all);
        let told: Vec<(u64, f64)> = (1..)
            .zip(seen)
            .filter(|(_, classes)| **classes > 0)
            .map(|(j, classes)| (j, *classes as f64))
            .collect();
        let chances: Vec<Vec<f64>> = sizes
            .iter()
            .map(|&size| told.iter().map(|&(j, _)| chance(j, size, drawn, all)).collect())
            .collect();
        let seen_at_all: Vec<f64> =
            sizes.iter().map(|&size| (1.0 - chance(0, size, drawn, all)).max(f64::MIN_POSITIVE)).collect();
        // The search does not go on until nothing changes, so where the data leave it open, its beginning decides: small
        // classes are the commoner ones. Of other beginnings none was nearer in more trials.
        let found: u64 = seen.iter().sum();
        let first = found as f64 * all as f64 / drawn.max(1) as f64;
        let mut numbers: Vec<f64> = sizes.iter().map(|&size| first / (size as f64).powi(3)).collect();
        let mut ratios = vec![0.0; told.len()];
        for _ in 0..ROUNDS {
            ratios.fill(0.0);
            for (number, chances) in numbers.iter().zip(&chances) {
                ratios.iter_mut().zip(chances).for_each(|(sum, chance)| *sum += number * chance);
            }
            for (expected, (_, classes)) in ratios.iter_mut().zip(&told) {
                *expected = if *expected > 0.0 { classes / *expected } else { 0.0 };
            }
            for ((number, chances), seen) in numbers.iter_mut().zip(&chances).zip(&seen_at_all) {
                *number *=
                    ratios.iter().zip(chances).map(|(ratio, chance)| ratio * chance).sum::<f64>() / seen;
            }
        }
        Classes { sizes: sizes.into_iter().map(|size| size as f64).zip(numbers).collect() }
    }

    /// How many classes.
    pub fn count(&self) -> f64 {
        self.sizes.iter().map(|(_, number)| number).sum()
    }

    /// In how many stretches they stand beyond the first, all together.
    pub fn repeats(&self) -> f64 {
        self.sizes.iter().map(|(size, number)| (size - 1.0) * number).sum()
    }
}

fn sizes(all: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = (1..=EVERY_SIZE.min(all)).collect();
    while let Some(&last) = sizes.last().filter(|&&last| last < all) {
        sizes.push(((last as f64 * STEP) as u64).min(all));
    }
    sizes
}

/// The probability that of `size` stretches among `all` just `j` are among the `drawn` ones.
fn chance(j: u64, size: u64, drawn: u64, all: u64) -> f64 {
    if j > size || j > drawn || size - j > all - drawn {
        return 0.0;
    }
    (ln_choices(size, j) + ln_choices(all - size, drawn - j) - ln_choices(all, drawn)).exp()
}

fn ln_choices(of: u64, take: u64) -> f64 {
    ln_factorial(of) - ln_factorial(take) - ln_factorial(of - take)
}

/// Stirling's series; of small numbers the sum itself.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let x = n as f64;
    (x + 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is expected to be seen of such classes, and what is made of it.
    fn through_a_sample(classes: &[(u64, f64)], drawn: u64, all: u64) -> Classes {
        let seen: Vec<u64> = (1..=drawn)
            .map(|j| {
                let expected = classes.iter().map(|(size, number)| number * chance(j, *size, drawn, all));
                expected.sum::<f64>().round() as u64
            })
            .collect();
        Classes::of(&seen, drawn, all)
    }

    #[track_caller]
    fn check(classes: &[(u64, f64)], drawn: u64, all: u64) {
        let found = through_a_sample(classes, drawn, all);
        let count: f64 = classes.iter().map(|(_, number)| number).sum();
        let repeats: f64 = classes.iter().map(|(size, number)| (*size as f64 - 1.0) * number).sum();
        let near = |a: f64, b: f64| (a - b).abs() <= 0.1 * b + 1.0;
        assert!(near(found.count(), count), "{} classes, found {}", count, found.count());
        assert!(near(found.repeats(), repeats), "{} repeats, found {}", repeats, found.repeats());
    }

    #[test]
    fn classes_are_counted_through_a_sample() {
        check(&[(1, 50_000.0)], 64, 1400); // nothing stands twice
        check(&[(1, 900_000.0), (2, 50_000.0)], 64, 1400);
        check(&[(1, 400_000.0), (2, 90_000.0), (3, 40_000.0)], 64, 700);
        check(&[(20, 20_000.0)], 64, 800); // everything stands twenty times
        check(&[(800, 3.0)], 64, 800); // everywhere
        check(&[(1, 100.0), (40, 100.0), (300, 20.0)], 64, 700); // sites, mixed and apart
        check(&[(1, 1000.0), (5, 100.0)], 64, 64); // the sample is all there is
        check(&[], 64, 700);
    }

    #[test]
    fn chances_add_up() {
        for (size, drawn, all) in [(1, 64, 1000), (20, 64, 1000), (1000, 64, 1000), (7, 3, 9), (90, 64, 100)]
        {
            let sum: f64 = (0..=drawn).map(|j| chance(j, size, drawn, all)).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{size} of {all}: {sum}");
        }
        assert!((ln_factorial(40) - (1..=40).map(|n| f64::from(n).ln()).sum::<f64>()).abs() < 1e-9);
    }
}
