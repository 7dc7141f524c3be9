//! How many of the pairs at exactly the threshold are found?
//!
//! For each threshold: what a pair may be missed with, as `Screening` computes it, and what is found of
//! 100,000 lone pairs whose Jaccard similarity is the threshold to the last digit, of 20 to 600 shingles,
//! over 10 seeds. A pair is found when the index, filled with one half of all pairs, names the one as a
//! candidate for the other. It is the hardest case: a pair with further relatives has further chances, and
//! one above the threshold is missed less.
//!
//! The second table says the same of containment: parts of 10 to 600 shingles, of which exactly the threshold stands in a
//! whole of up to ten times as many more.
//!
//!     cargo bench --bench recall
//!
//! Ends with an error when a computed miss is above 3e-4 or a measured share below 0.999.

mod random;

use std::process::ExitCode;

use dittograph::candidates::{Candidates, ContainmentIndex};
use dittograph::shingle::ShingleSet;
use dittograph::sketch::{Samples, Sampling, Screening, Signatures};
use random::Random;

/// Thresholds as fractions.
const THRESHOLDS: [(u64, u64); 4] = [(1, 2), (3, 5), (4, 5), (9, 10)];

const SEEDS: u64 = 10;
const PAIRS_PER_SEED: u64 = 10_000;

/// Shingles in each of the two sets, from and to.
const LEAST: u64 = 20;
const GREATEST: u64 = 600;

const MOST_MISSED: f64 = 3e-4;
const LEAST_FOUND: f64 = 0.999;

fn main() -> ExitCode {
    println!(
        "threshold  functions  bands x rows  bytes  computed miss  pairs   missed  share found  worst seed"
    );
    let rows = THRESHOLDS.map(measure);
    println!(
        "\ncontainment  sampled  must be shared  computed miss  pairs   missed  share found  worst seed"
    );
    let contained = THRESHOLDS.map(measure_containment);
    if rows.iter().chain(&contained).all(|&kept| kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a row of the table; says whether it is as it should be.
fn measure((over, under): (u64, u64)) -> bool {
    let similarity = over as f64 / under as f64;
    let Some(screening) = Screening::for_similarity(similarity) else {
        return false;
    };
    let bands = format!("{} x {}", screening.banding.bands, screening.banding.rows);
    print!(
        "{similarity:<9}  {:<9}  {bands:<12}  {:<5}  ",
        screening.functions, screening.prefilter.min_equal
    );
    let missed = (0..SEEDS).map(|seed| missed_pairs(screening, (over, under), seed)).collect();
    judge(screening.miss_probability(similarity), missed)
}

/// The same for containment.
fn measure_containment((over, under): (u64, u64)) -> bool {
    let containment = over as f64 / under as f64;
    let Some(sampling) = Sampling::for_containment(containment) else {
        return false;
    };
    print!("{containment:<11}  {:<7}  {:<14}  ", sampling.shingles, sampling.least);
    let missed = (0..SEEDS).map(|seed| missed_parts(sampling, (over, under), seed)).collect();
    judge(sampling.miss_probability(containment), missed)
}

/// Ends a row: what was computed beside what each seed has missed.
fn judge(computed: f64, missed: Vec<u64>) -> bool {
    let total: u64 = missed.iter().sum();
    let pairs = SEEDS * PAIRS_PER_SEED;
    let found = 1.0 - total as f64 / pairs as f64;
    let worst = 1.0 - missed.iter().max().copied().unwrap_or_default() as f64 / PAIRS_PER_SEED as f64;
    println!("{computed:<13.2e}  {pairs}  {total:<6}  {found:<11.5}  {worst:.4}");
    computed <= MOST_MISSED && found >= LEAST_FOUND
}

fn missed_pairs(screening: Screening, threshold: (u64, u64), seed: u64) -> u64 {
    let mut random = Random(seed << 32 | threshold.0 << 8 | threshold.1);
    let mut sets = Vec::new();
    let mut signatures = Signatures::new(screening, seed);
    for _ in 0..PAIRS_PER_SEED {
        for set in lone_pair(threshold, &mut random) {
            signatures.push(&set);
            sets.push(set);
        }
    }
    let mut index = Candidates::by_signatures(&signatures, &sets);
    let pairs = || (0..PAIRS_PER_SEED as u32).map(|pair| (2 * pair, 2 * pair + 1));
    pairs().for_each(|(left, _)| index.insert(left));
    let mut candidates = Vec::new();
    let is_missed = |&(left, right): &(u32, u32)| {
        index.candidates(right, &mut candidates);
        !candidates.contains(&left)
    };
    pairs().filter(is_missed).count() as u64
}

fn missed_parts(sampling: Sampling, (over, under): (u64, u64), seed: u64) -> u64 {
    let mut random = Random(seed << 32 | over << 8 | under | 1 << 31);
    let mut samples = Samples::new(sampling);
    let mut wholes = Vec::new();
    for _ in 0..PAIRS_PER_SEED {
        let size = under * (1 + random.below(GREATEST / under));
        let part: Vec<u64> = (0..size).map(|_| random.next()).collect();
        let more = random.below(10 * size);
        let shared = part.iter().copied().take((size / under * over) as usize);
        wholes.push(shared.chain((0..more).map(|_| random.next())).collect::<Vec<u64>>());
        samples.push(&part);
        samples.push(&[]); // the whole is sought nowhere
    }
    let mut index = ContainmentIndex::by_samples(samples);
    for (pair, whole) in wholes.iter().enumerate() {
        let lists = index.lists_of(whole);
        index.insert(2 * pair as u32 + 1, &lists);
    }
    let mut candidates = Vec::new();
    let is_missed = |&pair: &u32| {
        index.candidates(2 * pair, 0, &mut candidates);
        !candidates.contains(&(2 * pair + 1))
    };
    (0..PAIRS_PER_SEED as u32).filter(is_missed).count() as u64
}

/// Two sets of random shingles, of [`LEAST`] to [`GREATEST`] each, of which exactly `over` of `under` are
/// shared.
fn lone_pair((over, under): (u64, u64), random: &mut Random) -> [ShingleSet; 2] {
    loop {
        let parts = 1 + random.below(2 * GREATEST / under);
        let (shared, alone) = (over * parts, (under - over) * parts);
        let left_alone = random.below(alone + 1);
        let sizes = [shared + left_alone, shared + alone - left_alone];
        if sizes.iter().all(|size| (LEAST..=GREATEST).contains(size)) {
            let all: Vec<u64> = (0..under * parts).map(|_| random.next()).collect();
            let (both, rest) = all.split_at(shared as usize);
            let (left, right) = rest.split_at(left_alone as usize);
            return [left, right].map(|alone| ShingleSet::from_hashes([both, alone].concat()));
        }
    }
}
