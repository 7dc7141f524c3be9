use proptest::prelude::*;

use super::*;

/// A deterministic source of different hashes, as `shingle` makes them.
fn hashes(stream: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |nth| mix(mix(stream) ^ nth))
}

/// Two sets of which `shared` shingles stand in both and `alone` in each alone.
fn pair(stream: u64, shared: usize, alone: usize) -> [ShingleSet; 2] {
    let all: Vec<u64> = hashes(stream).take(shared + 2 * alone).collect();
    let left = all[..shared + alone].to_vec();
    let right = [&all[..shared], &all[shared + alone..]].concat();
    [left, right].map(ShingleSet::from_hashes)
}

fn sketch(sketcher: &Sketcher, set: &ShingleSet) -> Vec<u32> {
    let mut row = vec![7; sketcher.functions()];
    sketcher.sketch_into(set, &mut row);
    row
}

/// Mean and root mean square of the error of the estimate, over `trials` pairs, each with a sketcher of its
/// own.
fn errors(functions: usize, shared: usize, alone: usize, trials: u64) -> (f64, f64) {
    let truth = shared as f64 / (shared + 2 * alone) as f64;
    let error = |trial| {
        let sketcher = Sketcher::new(functions, trial);
        let [a, b] = pair(trial + 1000, shared, alone).map(|set| sketch(&sketcher, &set));
        estimate(&a, &b) - truth
    };
    let errors: Vec<f64> = (0..trials).map(error).collect();
    let mean = errors.iter().sum::<f64>() / trials as f64;
    let square = errors.iter().map(|error| error * error).sum::<f64>() / trials as f64;
    (mean, square.sqrt())
}

/// With 300 trials, a mean is off by 4 standard errors, or a root mean square by 17 %, less than once in
/// 10,000 times. (The seeds are fixed, so it is so once and for all; `benches/recall.rs` measures over many
/// more pairs.)
#[track_caller]
fn check_errors(functions: usize, shared: usize, alone: usize) {
    let trials = 300;
    let truth = shared as f64 / (shared + 2 * alone) as f64;
    let theory = (truth * (1.0 - truth) / functions as f64).sqrt();
    let (mean, square) = errors(functions, shared, alone, trials);
    assert!(mean.abs() <= 4.0 * theory / (trials as f64).sqrt(), "mean error {mean}, one is {theory}");
    assert!(square <= 1.17 * theory, "root mean square error {square}, theory {theory}");
}

#[test]
fn estimates_are_unbiased_and_no_worse_than_theory() {
    // Sets of about 20, 100 and 600 shingles, J near 0.5, 0.8 and 0.9.
    for (shared, alone) in
        [(14, 7), (16, 2), (18, 1), (66, 33), (88, 11), (90, 5), (400, 200), (528, 66), (540, 30)]
    {
        check_errors(128, shared, alone);
    }
    check_errors(192, 14, 7);
    check_errors(192, 400, 200);
}

#[test]
fn equal_sets_have_equal_rows_and_different_seeds_different_ones() {
    for size in [1, 2, 20, 128, 300, 5000] {
        let set = ShingleSet::from_hashes(hashes(size).take(size as usize).collect());
        let row = sketch(&Sketcher::new(128, 1), &set);
        assert_eq!(row, sketch(&Sketcher::new(128, 1), &set));
        assert_eq!(estimate(&row, &row), 1.0);
        assert!(estimate(&row, &sketch(&Sketcher::new(128, 2), &set)) < 0.05);
        assert!(row.iter().all(|&value| value != EMPTY_SET));
    }
}

#[test]
fn the_empty_set_is_like_nothing() {
    let sketcher = Sketcher::new(16, 0);
    let empty = sketch(&sketcher, &ShingleSet::default());
    let other = sketch(&sketcher, &ShingleSet::from_hashes(vec![3]));
    assert_eq!(estimate(&empty, &empty), 0.0);
    assert_eq!(estimate(&empty, &other), 0.0);
    assert_eq!(estimate(&[], &[]), 0.0);
}

#[test]
fn no_minhash_is_the_empty_set_s() {
    assert_eq!(OWN | least_of_own((1, u32::MAX), &[0]), EMPTY_SET - 1);
    assert_eq!(OWN | least_of_own((1, 0), &[0, 8]), OWN);
}

#[test]
fn values_of_different_rounds_never_are_equal() {
    // Of 40 shingles, 64 bins get about 30 in the first round, and a few of them none in any.
    let marks = |set: &ShingleSet| -> Vec<u32> {
        sketch(&Sketcher::new(64, 5), set).iter().map(|value| value >> MARK_SHIFT).collect()
    };
    let set = ShingleSet::from_hashes(hashes(7).take(40).collect());
    let count = |mark| marks(&set).iter().filter(|&&other| other == mark).count();
    assert!((20..40).contains(&count(0)), "first round: {}", count(0));
    assert!([1, 2, 3].iter().all(|&mark| count(mark) > 0));
    // With more shingles, no bin is filled later than before.
    let larger = ShingleSet::from_hashes(hashes(7).take(60).collect());
    assert!(marks(&larger).iter().zip(marks(&set)).all(|(&larger, set)| larger <= set));
}

/// What `sketch_into` does, bin by bin and round by round.
fn slow_sketch(sketcher: &Sketcher, set: &ShingleSet) -> Vec<u32> {
    let bins = sketcher.functions() as u64;
    let mixed = |round: usize| set.hashes().iter().map(move |&hash| mix(hash ^ sketcher.seeds[round]));
    let in_round = |bin: u64, round: usize| {
        let hashes = mixed(round).filter(|&hash| ((hash >> 32) * bins) >> 32 == bin);
        hashes.map(|hash| (round as u32) << 30 | (hash as u32 >> 2)).min()
    };
    let own = |bin: u64| {
        let (factor, addend) = sketcher.own[bin as usize];
        let values = mixed(0).map(|hash| (hash as u32).wrapping_mul(factor).wrapping_add(addend) >> 2);
        values.min().map(|least| least.min(0x3fff_fffe) | 0xc000_0000)
    };
    let value = |bin| (0..3).find_map(|round| in_round(bin, round)).or_else(|| own(bin)).unwrap_or(u32::MAX);
    (0..bins).map(value).collect()
}

proptest! {
    #[test]
    fn sketching_in_blocks_is_sketching(size in 0_usize..700, functions in 1_usize..200, seed: u64) {
        let set = ShingleSet::from_hashes(hashes(seed).take(size).collect());
        let sketcher = Sketcher::new(functions, seed);
        prop_assert_eq!(sketch(&sketcher, &set), slow_sketch(&sketcher, &set));
    }

    #[test]
    fn equal_bytes_are_counted(a in proptest::collection::vec(0_u8..4, 0..300), seed: u64) {
        let b: Vec<u8> = a.iter().enumerate().map(|(i, x)| x ^ (mix(seed ^ i as u64) as u8 & 1)).collect();
        let equal = a.iter().zip(&b).filter(|(x, y)| x == y).count() as u16;
        let functions = a.len() as u16;
        let as_many = Prefilter { functions, min_equal: equal };
        prop_assert!(as_many.passes(&a, &b));
        let one_more = Prefilter { functions, min_equal: equal + 1 };
        prop_assert!(!one_more.passes(&a, &b));
    }
}

#[test]
fn equal_bytes_are_counted_beyond_a_lane() {
    let bytes = [0; 16 * 256 + 3];
    assert!(
        Prefilter { functions: bytes.len() as u16, min_equal: bytes.len() as u16 }.passes(&bytes, &bytes)
    );
}

#[track_caller]
fn check_banding(bands: u16, rows: u16, threshold: f64, at_08: f64) {
    let banding = Banding { bands, rows };
    assert!((banding.threshold() - threshold).abs() < 0.005, "threshold {}", banding.threshold());
    let probability = banding.candidate_probability(0.8);
    assert!((probability - at_08).abs() < 5e-5, "probability {probability}");
    assert_eq!(banding.candidate_probability(0.0), 0.0);
    assert_eq!(banding.candidate_probability(1.0), 1.0);
}

#[test]
fn s_curves() {
    check_banding(14, 8, 0.72, 0.92355);
    check_banding(20, 6, 0.607, 0.99771);
    check_banding(25, 5, 0.525, 0.99995);
    check_banding(1, 1, 1.0, 0.8);
}

#[test]
fn a_prefilter_is_a_binomial_tail() {
    let prefilter = Prefilter { functions: 2, min_equal: 2 };
    let equal = 0.5 + 0.5 / 256.0;
    assert!((prefilter.pass_probability(0.5) - equal * equal).abs() < 1e-12);
    let any = Prefilter { functions: 2, min_equal: 0 };
    assert_eq!(any.pass_probability(0.0), 1.0);
    let some = Prefilter { functions: 128, min_equal: 128 };
    assert_eq!(some.pass_probability(1.0), 1.0);
    assert!(some.pass_probability(0.5) < 1e-30);
}

/// A row of the table in the docs of [`Screening`].
#[track_caller]
fn check_screening(similarity: f64, functions: u16, bands: u16, rows: u16, min_equal: u16, miss: &str) {
    let Some(found) = Screening::for_similarity(similarity) else { panic!("in range") };
    let banding = Banding { bands, rows };
    let prefilter = Prefilter { functions, min_equal };
    assert_eq!(found, Screening { similarity, functions, banding, prefilter });
    assert_eq!(format!("{:.1e}", found.miss_probability(similarity)), miss);
}

#[test]
fn screenings_of_some_thresholds() {
    check_screening(0.5, 192, 64, 3, 70, "2.4e-4");
    check_screening(0.6, 128, 42, 3, 57, "1.6e-4");
    check_screening(0.7, 128, 32, 4, 70, "2.3e-4");
    check_screening(0.8, 128, 25, 5, 85, "1.4e-4");
    check_screening(0.9, 128, 16, 8, 101, "1.8e-4");
    check_screening(0.95, 128, 11, 11, 111, "1.7e-4");
    check_screening(1.0, 128, 1, 128, 128, "0.0e0");
}

#[test]
fn no_screening_outside_of_the_promise() {
    for outside in [0.0, 0.4999, 1.0001, f64::NAN, f64::INFINITY] {
        assert_eq!(Screening::for_similarity(outside), None);
    }
}

#[test]
fn every_threshold_keeps_the_promise() {
    for step in 0..=10_000 {
        let similarity = 0.5 + f64::from(step) / 20_000.0;
        let Some(screening) = Screening::for_similarity(similarity) else { panic!("none for {similarity}") };
        let miss = screening.miss_probability(similarity);
        assert!(miss <= Screening::MISS, "{screening:?} misses {miss}");
        let Banding { bands, rows } = screening.banding;
        assert!(bands >= 1 && rows >= 3 && bands * rows <= screening.functions);
        // The prefilter is of use: it turns away nearly all that is far below.
        assert!(
            screening.prefilter.pass_probability(similarity - 0.3) < 0.01,
            "{screening:?} filters nothing"
        );
        // Pairs above the threshold are missed less.
        assert!(screening.miss_probability(similarity + 0.01 * (1.0 - similarity)) <= miss);
    }
}

#[test]
fn blocks_are_joined_in_order() {
    let Some(screening) = Screening::for_similarity(0.8) else { panic!("in range") };
    let sets: Vec<ShingleSet> =
        [3, 0, 50].map(|size| ShingleSet::from_hashes(hashes(size).take(size as usize).collect())).into();
    let signed = |sets: &[ShingleSet]| {
        let mut signatures = Signatures::new(screening, 9);
        sets.iter().for_each(|set| signatures.push(set));
        signatures
    };
    let whole = signed(&sets);
    let mut blocks = signed(&sets[..1]);
    blocks.append(signed(&sets[1..]));
    assert_eq!(blocks.shingles(), [3, 0, 50]);
    assert_eq!((whole.len(), whole.is_empty()), (3, false));
    for document in 0..3 {
        assert_eq!(blocks.bytes(document), whole.bytes(document));
    }
    for band in 0..25 {
        assert_eq!(blocks.keys(band), whole.keys(band));
        assert_eq!(whole.keys(band).len(), 3);
    }
    assert_eq!(whole.bytes(2).len(), 128);
    assert_ne!(whole.keys(0)[0], whole.keys(0)[2]);
    assert_ne!(whole.keys(0)[0], whole.keys(1)[0]);
}

#[test]
fn different_seeds_make_different_bands() {
    let Some(screening) = Screening::for_similarity(0.8) else { panic!("in range") };
    let set = ShingleSet::from_hashes(hashes(1).take(100).collect());
    let keys = |seed| {
        let mut signatures = Signatures::new(screening, seed);
        signatures.push(&set);
        (0..25).map(|band| signatures.keys(band)[0]).collect::<Vec<_>>()
    };
    assert_eq!(keys(1), keys(1));
    assert!(keys(1).iter().zip(keys(2)).all(|(a, b)| *a != b));
}
