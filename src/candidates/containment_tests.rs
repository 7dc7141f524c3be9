use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::sketch::{Samples, Sampling, mix};

fn by_samples(sets: &[ShingleSet], containment: f64) -> ContainmentIndex {
    let Some(sampling) = Sampling::for_containment(containment) else { panic!("in range") };
    let mut samples = Samples::new(sampling);
    sets.iter().for_each(|set| samples.push(set.hashes()));
    ContainmentIndex::by_samples(samples)
}

fn exact(sets: &[ShingleSet], containment: f64) -> ContainmentIndex {
    ContainmentIndex::exact(sets, sets.len() as u32, containment)
}

fn insert(index: &mut ContainmentIndex, sets: &[ShingleSet], document: u32) {
    let lists = index.lists_of(sets[document as usize].hashes());
    index.insert(document, &lists);
}

/// Whether `part` stands in `whole` to so many per cent or more; nothing stands anywhere when it is empty.
fn is_in(part: &ShingleSet, whole: &ShingleSet, percent: usize) -> bool {
    let shared = part.hashes().iter().filter(|hash| whole.hashes().binary_search(hash).is_ok()).count();
    !part.is_empty() && 100 * shared >= percent * part.len()
}

/// The pairs (part, whole) among the candidates, when every document is looked up and then inserted; and how many
/// candidates there were.
fn pairs_by(mut index: ContainmentIndex, sets: &[ShingleSet], percent: usize) -> (Vec<(u32, u32)>, usize) {
    let (mut pairs, mut all) = (Vec::new(), 0);
    let mut found = Vec::new();
    for document in 0..sets.len() as u32 {
        index.candidates(document, 0, &mut found);
        assert!(found.is_sorted_by(|a, b| a < b), "ascending, no repeats: {found:?}");
        assert!(found.iter().all(|&other| other < document), "only what was inserted: {found:?}");
        all += found.len();
        let part = &sets[document as usize];
        pairs.extend(
            found
                .iter()
                .filter(|&&whole| is_in(part, &sets[whole as usize], percent))
                .map(|&whole| (document, whole)),
        );
        insert(&mut index, sets, document);
    }
    (pairs, all)
}

fn pairs_by_force(sets: &[ShingleSet], percent: usize) -> Vec<(u32, u32)> {
    let pairs = (0..sets.len()).flat_map(|part| (0..part).map(move |whole| (part, whole)));
    let contained = pairs.filter(|&(part, whole)| is_in(&sets[part], &sets[whole], percent));
    contained.map(|(part, whole)| (part as u32, whole as u32)).collect()
}

/// Shingles of a long set.
const WHOLE: u64 = 2000;

/// `count` sets of `size` shingles, of which so many stand in the long first set and the others nowhere else.
fn parts(count: u64, size: u64, shared: u64, seed: u64) -> Vec<ShingleSet> {
    let whole = ShingleSet::from_hashes((0..WHOLE).map(|nth| mix(seed << 32 | nth)).collect());
    let part = |number: u64| {
        let first = mix(seed ^ number << 20) % (WHOLE - shared);
        let own = (0..size - shared).map(|nth| mix(mix(number << 32 | nth) ^ seed));
        ShingleSet::from_hashes((first..first + shared).map(|nth| mix(seed << 32 | nth)).chain(own).collect())
    };
    std::iter::once(whole).chain((0..count).map(part)).collect()
}

#[track_caller]
fn check_found(sets: &[ShingleSet], percent: usize, to_miss: usize) {
    let expected = pairs_by_force(sets, percent);
    assert!(expected.len() > 10, "nothing to find");
    let containment = percent as f64 / 100.0;
    assert_eq!(pairs_by(exact(sets, containment), sets, percent).0, expected, "exact, {percent} %");
    let sampled = pairs_by(by_samples(sets, containment), sets, percent).0;
    assert!(sampled.iter().all(|pair| expected.contains(pair)));
    assert!(sampled.len() + to_miss >= expected.len(), "{} of {}", sampled.len(), expected.len());
}

#[test]
fn parts_at_exactly_the_threshold_are_found() {
    for (percent, size) in [(50, 10), (80, 5), (80, 20), (80, 25), (80, 300), (90, 40), (95, 100), (100, 60)]
    {
        let size = size as u64;
        check_found(&parts(40, size, size * percent as u64 / 100, 7), percent, 0);
    }
}

#[test]
fn samples_miss_no_more_than_they_may() {
    let (mut expected, mut found) = (0, 0);
    for seed in 0..20 {
        // Each part has a whole of its own, so that no list is long.
        let sets: Vec<ShingleSet> =
            (0..100).flat_map(|pair| parts(1, 4 * (15 + pair), 3 * (15 + pair), seed << 8 | pair)).collect();
        let (pairs, candidates) = pairs_by(by_samples(&sets, 0.75), &sets, 75);
        expected += 100;
        found += pairs.len();
        assert!(candidates <= 110, "{candidates} candidates for 100 pairs");
    }
    // At most 1 in 4,000 may be missed.
    assert!(expected - found <= 2, "missed {} of {expected}", expected - found);
}

#[test]
fn what_is_far_from_the_threshold_is_no_candidate_by_samples() {
    let sets = parts(200, 200, 40, 3); // a fifth of each
    let (_, candidates) = pairs_by(by_samples(&sets, 0.8), &sets, 80);
    assert!(candidates <= 2, "{candidates} of 200");
}

/// Many wholes that hold one common text of 60, each with a text of its own, and parts of each: so many of the common
/// shingles, and of its whole's own.
fn common_text(wholes: u64, common: u64, own: u64) -> Vec<ShingleSet> {
    let set = |number: u64, common: u64, own: u64| {
        let own = (0..own).map(|nth| mix(1 << 40 | number << 20 | nth));
        ShingleSet::from_hashes((0..common).map(mix).chain(own).collect())
    };
    (0..wholes)
        .map(|number| set(number, 60, 100))
        .chain((0..wholes).map(|number| set(number, common, own)))
        .collect()
}

#[track_caller]
fn check_common(common: u64, own: u64, to_miss: usize) {
    let sets = common_text(1000, common, own);
    let mut index = by_samples(&sets, 0.8);
    (0..1000).for_each(|document| insert(&mut index, &sets, document));
    assert!(index.entries.len() <= 1000 * 100 + 60 * 64, "{} entries", index.entries.len());
    let mut found = Vec::new();
    let mut missed = 0;
    for part in 1000..2000 {
        index.candidates(part, 0, &mut found);
        missed += usize::from(!found.contains(&(part - 1000)));
        assert!(found.len() <= 64);
    }
    assert!(missed <= to_miss, "{missed} of 1000 parts");
}

#[test]
fn what_thousands_hold_makes_no_square_and_hides_nothing() {
    check_common(30, 30, 0);
    // Three quarters are common, which the threshold does not allow for: only their own wholes contain them. Of a
    // thousand samples of 24 one is expected to have nothing of the other quarter.
    check_common(45, 15, 4);
}

#[test]
fn what_is_wholly_common_is_sought_in_the_first_that_hold_it() {
    let mut sets = common_text(300, 30, 30);
    sets.push(ShingleSet::from_hashes((0..40).map(mix).collect()));
    let mut found = Vec::new();
    for (keeps, expected) in [(false, 64), (true, 300)] {
        let mut index = by_samples(&sets, 0.8);
        if keeps {
            index = index.keeping_long_lists();
        }
        (0..300).for_each(|document| insert(&mut index, &sets, document));
        index.candidates(600, 0, &mut found);
        assert_eq!(found, (0..expected).collect::<Vec<u32>>());
    }
}

#[test]
fn only_what_was_inserted_since_is_found() {
    let set = ShingleSet::from_hashes((0..50).map(mix).collect());
    let sets = vec![set; 6];
    for mut index in [by_samples(&sets, 0.8), exact(&sets, 0.8)] {
        [0, 2, 3].into_iter().for_each(|document| insert(&mut index, &sets, document));
        let mut found = vec![77];
        for (document, since, expected) in
            [(4, 0, vec![0, 2, 3]), (4, 2, vec![2, 3]), (4, 4, vec![]), (2, 0, vec![0, 3]), (2, 3, vec![3])]
        {
            index.candidates(document, since, &mut found);
            assert_eq!(found, expected, "{document} since {since}");
        }
    }
}

#[test]
fn empty_sets_are_in_nothing_and_hold_nothing() {
    let sets = vec![ShingleSet::default(), ShingleSet::from_hashes(vec![1]), ShingleSet::default()];
    for mut index in [by_samples(&sets, 0.8), exact(&sets, 0.8)] {
        (0..3).for_each(|document| insert(&mut index, &sets, document));
        for document in 0..3 {
            let mut found = vec![77];
            index.candidates(document, 0, &mut found);
            assert!(found.is_empty(), "document {document}: {found:?}");
        }
    }
    by_samples(&[], 0.8);
    exact(&[], 0.8);
}

proptest! {
    #[test]
    fn exact_finds_what_force_finds_in_any_sets(
        sets in prop::collection::vec(prop::collection::vec(0_u64..40, 0..30), 1..25),
        percent in 1_usize..=100,
    ) {
        let sets: Vec<ShingleSet> =
            sets.into_iter().map(|set| ShingleSet::from_hashes(set.into_iter().map(mix).collect())).collect();
        let index = exact(&sets, percent as f64 / 100.0);
        prop_assert_eq!(pairs_by(index, &sets, percent).0, pairs_by_force(&sets, percent));
    }

    #[test]
    fn samples_find_what_force_finds_among_sets_smaller_than_a_sample(
        sets in prop::collection::vec(prop::collection::vec(0_u64..40, 0..24), 1..25),
        percent in 50_usize..=100,
    ) {
        let sets: Vec<ShingleSet> =
            sets.into_iter().map(|set| ShingleSet::from_hashes(set.into_iter().map(mix).collect())).collect();
        let index = by_samples(&sets, percent as f64 / 100.0);
        prop_assert_eq!(pairs_by(index, &sets, percent).0, pairs_by_force(&sets, percent));
    }

    #[test]
    fn a_dictionary_numbers_what_is_in_it(hashes in prop::collection::vec(0_u64..500, 0..200), asked in 0_u64..600) {
        let hashes: Vec<u64> = hashes.iter().map(|&hash| mix(hash)).collect();
        let dictionary = containment::Dictionary::new(&hashes);
        let numbers: BTreeMap<u64, Option<u32>> = hashes.iter().map(|&hash| (hash, dictionary.find(hash))).collect();
        let different: BTreeSet<Option<u32>> = numbers.values().copied().collect();
        prop_assert_eq!(different, (0..numbers.len() as u32).map(Some).collect());
        prop_assert_eq!(dictionary.find(mix(asked)).is_some(), hashes.contains(&mix(asked)));
    }
}
