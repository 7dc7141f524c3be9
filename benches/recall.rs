//! How many of the pairs at exactly the threshold are found?
//!
//! For each threshold: what a pair may be missed with, as `Screening` computes it, and what is found of
//! 100,000 lone pairs whose Jaccard similarity is the threshold to the last digit, of 20 to 600 shingles,
//! over 10 seeds. A pair is found when the index, filled with one half of all pairs, names the one as a
//! candidate for the other. It is the hardest case: a pair with further relatives has further chances, and
//! one above the threshold is missed less.
//!
//!     cargo bench --bench recall
//!
//! Ends with an error when a computed miss is above 3e-4 or a measured share below 0.999.

mod random;

use std::process::ExitCode;

use dittograph::candidates::Candidates;
use dittograph::shingle::ShingleSet;
use dittograph::sketch::{Screening, Signatures};
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
    if rows.iter().all(|&kept| kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a row of the table; says whether it is as it should be.
fn measure((over, under): (u64, u64)) -> bool {
    let similarity = over as f64 / under as f64;
    let Some(screening) = Screening::for_similarity(similarity) else {
        return false;
    };
    let missed: Vec<u64> = (0..SEEDS).map(|seed| missed_pairs(screening, (over, under), seed)).collect();
    let total: u64 = missed.iter().sum();
    let pairs = SEEDS * PAIRS_PER_SEED;
    let found = 1.0 - total as f64 / pairs as f64;
    let worst = missed.iter().max().copied().unwrap_or_default() as f64 / PAIRS_PER_SEED as f64;
    let computed = screening.miss_probability(similarity);
    println!(
        "{similarity:<9}  {:<9}  {:<12}  {:<5}  {computed:<13.2e}  {pairs}  {total:<6}  {found:<11.5}  {:.4}",
        screening.functions,
        format!("{} x {}", screening.banding.bands, screening.banding.rows),
        screening.prefilter.min_equal,
        1.0 - worst,
    );
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
    let mut index = Candidates::by_signatures(signatures, &sets);
    let pairs = || (0..PAIRS_PER_SEED as u32).map(|pair| (2 * pair, 2 * pair + 1));
    pairs().for_each(|(left, _)| index.insert(left));
    let mut candidates = Vec::new();
    let is_missed = |&(left, right): &(u32, u32)| {
        index.candidates(right, &mut candidates);
        !candidates.contains(&left)
    };
    pairs().filter(is_missed).count() as u64
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
