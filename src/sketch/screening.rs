//! How signatures are compared: bands, then bytes; and how many of each a threshold needs.

/// How a signature is cut for LSH: `bands` bands of `rows` rows each.
///
/// Documents of similarity `s` share a bucket, and become a candidate pair, with probability
/// `1 - (1 - s^rows)^bands`, the S-curve; it is steepest near `(1/bands)^(1/rows)`.
/// Source: Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, section 3.4.
///
/// ```
/// use dittograph::sketch::Banding;
///
/// let banding = Banding { bands: 14, rows: 8 };
/// assert!((banding.threshold() - 0.72).abs() < 0.01);
/// assert!((banding.candidate_probability(0.8) - 0.92).abs() < 0.01);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banding {
    /// How many bands, 1 or more.
    pub bands: u16,
    /// How many rows a band has, 1 or more.
    pub rows: u16,
}

impl Banding {
    /// Where the S-curve is steepest, about. Not the similarity that a measured pair must reach.
    pub fn threshold(self) -> f64 {
        (1.0 / f64::from(self.bands)).powf(1.0 / f64::from(self.rows))
    }

    /// The probability that two documents of similarity `s` (0.0..=1.0) share a bucket.
    pub fn candidate_probability(self, s: f64) -> f64 {
        1.0 - self.miss_probability(s)
    }

    /// The probability that they share none; exact where
    /// [`candidate_probability`](Banding::candidate_probability) is so near 1 that nothing is left of the
    /// difference.
    pub fn miss_probability(self, s: f64) -> f64 {
        (1.0 - s.powi(i32::from(self.rows))).powi(i32::from(self.bands))
    }
}

/// Which candidate pairs are worth measuring: those of whose `functions` low bytes at least `min_equal`
/// agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefilter {
    /// How many bytes a signature has for this: one for each hash function.
    pub functions: u16,
    /// How many of them must agree, at most `functions`.
    pub min_equal: u16,
}

impl Prefilter {
    /// Whether the pair with these low bytes passes. Panics when one has not `functions` bytes.
    pub fn passes(self, a: &[u8], b: &[u8]) -> bool {
        let functions = usize::from(self.functions);
        equal_bytes(&a[..functions], &b[..functions]) >= u32::from(self.min_equal)
    }

    /// The probability that two documents of similarity `s` (0.0..=1.0) pass.
    pub fn pass_probability(self, s: f64) -> f64 {
        1.0 - self.miss_probability(s)
    }

    /// The probability that they do not: fewer than `min_equal` successes of `functions`, each with
    /// probability `s + (1 - s) / 256`, for different values agree in a byte by accident.
    pub fn miss_probability(self, s: f64) -> f64 {
        chances_of_equal(self.functions, s).take(usize::from(self.min_equal)).sum::<f64>().min(1.0)
    }
}

/// The probabilities that exactly 0, 1, 2, ... bytes agree.
fn chances_of_equal(functions: u16, s: f64) -> impl Iterator<Item = f64> {
    chances(functions, s + (1.0 - s) / 256.0)
}

/// The probabilities of exactly 0, 1, 2, ... successes in so many trials, each of the probability `success`.
pub(super) fn chances(trials: u16, success: f64) -> impl Iterator<Item = f64> {
    let mut log_choices = 0.0; // ln of (trials choose successes)
    (0..=trials).map(move |successes| {
        let (successes, failures) = (f64::from(successes), f64::from(trials - successes));
        let chance = (log_choices + log_power(success, successes) + log_power(1.0 - success, failures)).exp();
        log_choices += (failures / (successes + 1.0)).ln();
        chance
    })
}

/// ln of `base^exponent`, with 0^0 = 1.
fn log_power(base: f64, exponent: f64) -> f64 {
    if exponent == 0.0 { 0.0 } else { exponent * base.ln() }
}

/// Sums in lanes of one byte, which compilers turn into vector instructions: up to 255 · 16 bytes.
fn equal_bytes(a: &[u8], b: &[u8]) -> u32 {
    const LANES: usize = 16;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut total = 0;
    for (a, b) in a.chunks(255).zip(b.chunks(255)) {
        let mut lanes = [0_u8; LANES];
        for (x, y) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] += u8::from(x[lane] == y[lane]);
            }
        }
        total += lanes.iter().map(|&lane| u32::from(lane)).sum::<u32>();
    }
    total + a_rest.iter().zip(b_rest).map(|(x, y)| u32::from(x == y)).sum::<u32>()
}

/// What a pair must pass before it is measured, chosen for a threshold.
///
/// | threshold | functions | bands x rows | bytes that must agree | miss at the threshold |
/// |---|---|---|---|---|
/// | 0.5 | 192 | 64 x 3 | 70 (0.36) | 2.4e-4 |
/// | 0.6 | 128 | 42 x 3 | 57 (0.45) | 1.6e-4 |
/// | 0.7 | 128 | 32 x 4 | 70 (0.55) | 2.3e-4 |
/// | 0.8 | 128 | 25 x 5 | 85 (0.66) | 1.4e-4 |
/// | 0.9 | 128 | 16 x 8 | 101 (0.79) | 1.8e-4 |
/// | 0.95 | 128 | 11 x 11 | 111 (0.87) | 1.7e-4 |
/// | 1 | 128 | 1 x 128 | 128 (1) | 0 |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Screening {
    /// The similarity it was chosen for.
    pub similarity: f64,
    /// How many hash functions a signature has.
    pub functions: u16,
    /// First: the pair shares a bucket.
    pub banding: Banding,
    /// Then: enough of its low bytes agree.
    pub prefilter: Prefilter,
}

impl Screening {
    /// The probability with which a lone pair at exactly the threshold may be missed. What is promised is
    /// 1e-3; the bar that our own tests hold is 3e-4, and the rest of the way to it is for what the model
    /// leaves out.
    pub const MISS: f64 = 2.5e-4;

    /// The part of [`MISS`](Screening::MISS) that the bands may use up. The prefilter must be left something:
    /// with less than a fifth it would let almost everything pass.
    const BANDING_MISS: f64 = 2e-4;

    /// The part that the prefilter may use up, when the bands leave as much. One byte more or less turns few
    /// pairs away and nearly doubles the miss, so what the bands do not need is not all spent.
    const PREFILTER_MISS: f64 = 1.5e-4;

    /// Signatures are as short as that, if [`LEAST_ROWS`](Screening::LEAST_ROWS) can be had for it.
    const FUNCTIONS: u16 = 128;

    /// Else they are so long: 64 bands of 3 rows are the fewest that will do at 0.5.
    const MORE_FUNCTIONS: u16 = 192;

    /// Bands of two rows bring together every pair of similarity 0.15: a bucket would say nothing.
    const LEAST_ROWS: u16 = 3;

    /// The choice for `similarity` in `0.5..=1.0`; `None` outside of that range (and for NaN), where the
    /// signatures would have to be longer than is useful: only `--exact` finds such pairs.
    ///
    /// It minimises what is brought together in vain. Longer bands do that best, so `rows` is the greatest
    /// for which as many bands as fit miss at most 2e-4 of the pairs at exactly `similarity`; `min_equal` is
    /// the greatest for which the prefilter misses at most 1.5e-4, and both together at most
    /// [`MISS`](Screening::MISS). Their chances are added, which overstates the miss a little. Pairs above
    /// `similarity` are missed less often.
    pub fn for_similarity(similarity: f64) -> Option<Screening> {
        if !(0.5..=1.0).contains(&similarity) {
            return None;
        }
        let lengths = [Screening::FUNCTIONS, Screening::MORE_FUNCTIONS];
        let (functions, banding) = lengths
            .into_iter()
            .find_map(|functions| Some((functions, longest_bands(functions, similarity)?)))?;
        let left = Screening::MISS - banding.miss_probability(similarity);
        let prefilter = strictest_prefilter(functions, similarity, left.min(Screening::PREFILTER_MISS));
        Some(Screening { similarity, functions, banding, prefilter })
    }

    /// The probability that a lone pair of similarity `s` (0.0..=1.0) is measured: it shares a bucket and
    /// passes the prefilter. A lower bound: the chances to miss are added.
    pub fn candidate_probability(&self, s: f64) -> f64 {
        1.0 - self.miss_probability(s)
    }

    /// The probability that it is not; an upper bound, at most 1.
    pub fn miss_probability(&self, s: f64) -> f64 {
        (self.banding.miss_probability(s) + self.prefilter.miss_probability(s)).min(1.0)
    }
}

fn longest_bands(functions: u16, similarity: f64) -> Option<Banding> {
    (Screening::LEAST_ROWS..=functions)
        .rev()
        .map(|rows| Banding { bands: functions / rows, rows })
        .find(|banding| banding.miss_probability(similarity) <= Screening::BANDING_MISS)
}

fn strictest_prefilter(functions: u16, similarity: f64, miss: f64) -> Prefilter {
    Prefilter { functions, min_equal: most(chances_of_equal(functions, similarity), miss).min(functions) }
}

/// The most successes that can be asked for of so many trials, each of the probability `success`, when fewer may
/// come with the probability `miss` at most.
pub(super) fn most_least(trials: u16, success: f64, miss: f64) -> u16 {
    most(chances(trials, success), miss).min(trials)
}

/// How many of these chances, from the first on, sum to `miss` at most.
fn most(chances: impl Iterator<Item = f64>, miss: f64) -> u16 {
    let mut left = miss;
    let allowed = chances.take_while(|chance| {
        left -= chance;
        left >= 0.0
    });
    allowed.count() as u16
}
