use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn set(hashes: &[u64]) -> ShingleSet {
    ShingleSet::from_hashes(hashes.to_vec())
}

fn k(tokens: usize) -> NonZeroUsize {
    NonZeroUsize::new(tokens).unwrap_or(NonZeroUsize::MIN)
}

#[track_caller]
fn check(left: &[u64], right: &[u64], [shared, only_left, only_right]: [usize; 3]) {
    let expected = Overlap { shared, only_left, only_right };
    assert_eq!(overlap(&set(left), &set(right)), expected);
    let mirrored = Overlap { shared, only_left: only_right, only_right: only_left };
    assert_eq!(overlap(&set(right), &set(left)), mirrored);
}

#[test]
fn overlaps() {
    check(&[1, 2, 3], &[2, 3, 4, 5], [2, 1, 2]);
    check(&[1, 2], &[1, 2], [2, 0, 0]);
    check(&[1], &[2], [0, 1, 1]);
    check(&[], &[1, 2], [0, 0, 2]);
    check(&[], &[], [0, 0, 0]);
    check(&[0, u64::MAX], &[u64::MAX], [1, 1, 0]);
}

#[test]
fn measures_of_an_overlap() {
    let overlap = Overlap { shared: 3, only_left: 1, only_right: 2 };
    assert_eq!(overlap.jaccard(), 0.5);
    assert_eq!(overlap.containment_of_left(), 0.75);
    assert_eq!(overlap.containment_of_right(), 0.6);
    assert_eq!(overlap.union(), 6);
    let empty = Overlap::default();
    assert_eq!([empty.jaccard(), empty.containment_of_left(), empty.containment_of_right()], [0.0; 3]);
}

#[track_caller]
fn check_reaches(shared: usize, whole: usize, threshold: f64, expected: bool) {
    assert_eq!(reaches(shared, whole, threshold), expected, "{shared}/{whole} >= {threshold}");
}

#[test]
fn thresholds() {
    check_reaches(4, 5, 0.8, true);
    check_reaches(7_999_999, 10_000_000, 0.8, false);
    check_reaches(8_000_001, 10_000_000, 0.8, true);
    check_reaches(9, 10, 0.9, true);
    check_reaches(3, 10, 0.1 + 0.2, false); // that sum is not what 0.3 is in memory
    check_reaches(0, 0, 0.5, false);
    check_reaches(0, 0, 0.0, true);
    check_reaches(5, 5, 1.0, true);
    check_reaches(4, 5, f64::NAN, false);
}

#[test]
fn exact_fractions_reach_their_decimal() {
    for percent in 1..=1000_usize {
        let threshold: f64 = format!("{}.{:03}", percent / 1000, percent % 1000).parse().unwrap_or(f64::NAN);
        for whole in (1000..60_000).step_by(1000) {
            let shared = whole / 1000 * percent;
            check_reaches(shared, whole, threshold, true);
            check_reaches(shared - 1, whole, threshold, false);
        }
    }
}

/// Decided on the tokens as they are, with nothing clever.
fn slow_overlap_of_tokens(left: &[&str], right: &[&str], k: usize) -> Overlap {
    let shingles = |tokens: &[&str]| -> BTreeSet<Vec<String>> {
        let width = k.min(tokens.len()).max(1);
        tokens.windows(width).map(|window| window.iter().map(|token| token.to_string()).collect()).collect()
    };
    let (left, right) = (shingles(left), shingles(right));
    let shared = left.intersection(&right).count();
    Overlap { shared, only_left: left.len() - shared, only_right: right.len() - shared }
}

#[track_caller]
fn check_tokens(left: &str, right: &str, tokens: usize, [shared, only_left, only_right]: [usize; 3]) {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
    let expected = Overlap { shared, only_left, only_right };
    assert_eq!(overlap_of_tokens(&left, &right, k(tokens)), expected);
    assert_eq!(Concordance::of(&right, k(tokens)).overlap_of(&left), expected);
    assert_eq!(slow_overlap_of_tokens(&left, &right, tokens), expected);
}

#[test]
fn overlaps_of_tokens() {
    check_tokens("a b c d", "x b c d", 2, [2, 1, 1]);
    check_tokens("a b a b", "a b", 2, [1, 1, 0]); // ab twice
    check_tokens("a b", "a b c d e", 5, [0, 1, 1]); // the whole of two is not a part of five
    check_tokens("a b", "a b", 5, [1, 0, 0]);
    check_tokens("ab c", "a bc", 2, [0, 1, 1]); // tokens, not letters
    check_tokens("a", "a", 1, [1, 0, 0]);
    assert_eq!(overlap_of_tokens(&[], &[], k(5)), Overlap::default());
    assert_eq!(overlap_of_tokens(&[], &["a"], k(5)), Overlap { shared: 0, only_left: 0, only_right: 1 });
    assert_eq!(
        Concordance::of(&["a"], k(5)).overlap_of(&[]),
        Overlap { shared: 0, only_left: 0, only_right: 1 }
    );
    assert_eq!(
        Concordance::of(&[], k(5)).overlap_of(&["a"]),
        Overlap { shared: 0, only_left: 1, only_right: 0 }
    );
}

/// A few letters, so that shingles repeat and are shared.
fn tokens() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-c]", 0..40)
}

proptest! {
    #[test]
    fn tokens_decide_as_slow_code_does(left in tokens(), right in tokens(), width in 1_usize..7) {
        let [left, right] = [&left, &right].map(|tokens| tokens.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(overlap_of_tokens(&left, &right, k(width)), slow_overlap_of_tokens(&left, &right, width));
    }

    /// Wide shingles go the three ways: 64 bits, 128 bits, and slices.
    #[test]
    fn wide_shingles_too(left in tokens(), more in 0_usize..300, width in 7_usize..40) {
        let distinct: Vec<String> = (0..more).map(|nth| nth.to_string()).collect();
        let left: Vec<&str> = left.iter().chain(&distinct).map(String::as_str).collect();
        let right: Vec<&str> = left.iter().skip(1).copied().collect();
        prop_assert_eq!(overlap_of_tokens(&left, &right, k(width)), slow_overlap_of_tokens(&left, &right, width));
    }

    #[test]
    fn tokens_and_hashes_agree(left in tokens(), right in tokens(), width in 1_usize..7) {
        let hash = |token: &String| xxhash_rust::xxh3::xxh3_64(token.as_bytes());
        let hashed = [&left, &right].map(|tokens| tokens.iter().map(hash).collect::<Vec<u64>>());
        let [a, b] = hashed.map(|tokens| ShingleSet::of_tokens(&tokens, k(width), 3));
        let [left, right] = [&left, &right].map(|tokens| tokens.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(overlap_of_tokens(&left, &right, k(width)), overlap(&a, &b));
    }

    #[test]
    fn stopping_early_changes_no_answer(
        left in proptest::collection::vec(0_u64..120, 0..150),
        right in proptest::collection::vec(0_u64..120, 0..150),
        thousandths in 0_u32..=1000,
    ) {
        let (left, right) = (set(&left), set(&right));
        let overlap = overlap(&left, &right);
        // Thresholds of all kinds, and the pair's own, which it reaches, just.
        for similarity in [f64::from(thousandths) / 1000.0, overlap.jaccard(), overlap.jaccard().next_up()] {
            let expected = overlap.reaches(similarity).then_some(overlap);
            prop_assert_eq!(overlap_at_least(&left, &right, similarity), expected);
        }
    }

    #[test]
    fn containment_is_that_of_the_overlap(
        part in proptest::collection::vec(0_u64..120, 0..60),
        whole in proptest::collection::vec(0_u64..120, 0..60),
        more in 0_u64..3000,
        thousandths in 0_u32..=1000,
    ) {
        // With many more, shingles are sought one by one.
        let (part, whole) = (set(&part), ShingleSet::from_hashes(whole.into_iter().chain(1000..1000 + more).collect()));
        let overlap = overlap(&part, &whole);
        let own = overlap.containment_of_left();
        for containment in [f64::from(thousandths) / 1000.0, own, own.next_up()] {
            let expected = (own >= containment).then_some(overlap);
            prop_assert_eq!(containment_at_least(&part, &whole, containment), expected);
        }
    }

    #[test]
    fn a_concordance_decides_as_slow_code_does(left in tokens(), right in tokens(), own in "[a-e]{0,3}", width in 1_usize..9) {
        let left: Vec<&str> = left.iter().map(String::as_str).chain([own.as_str()]).collect();
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        let concordance = Concordance::of(&right, k(width));
        prop_assert_eq!(concordance.overlap_of(&left), slow_overlap_of_tokens(&left, &right, width));
    }

    #[test]
    fn laws(
        left in proptest::collection::vec(0_u64..60, 0..60),
        right in proptest::collection::vec(0_u64..60, 0..60),
    ) {
        let (a, b) = (set(&left), set(&right));
        let overlap_ab = overlap(&a, &b);
        prop_assert_eq!(overlap_ab.jaccard(), overlap(&b, &a).jaccard());
        prop_assert_eq!(overlap_ab.containment_of_left(), overlap(&b, &a).containment_of_right());
        prop_assert!(overlap_ab.jaccard() <= overlap_ab.containment_of_left().min(overlap_ab.containment_of_right()));
        prop_assert_eq!(overlap(&a, &a).jaccard(), if a.is_empty() { 0.0 } else { 1.0 });
        prop_assert_eq!(overlap_ab.shared + overlap_ab.only_left, a.len());
        prop_assert_eq!(overlap_ab.shared + overlap_ab.only_right, b.len());
    }
}
