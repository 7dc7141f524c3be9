use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Words as tokens: a paragraph is a string of words, `-` is one that takes no part.
fn hashes(paragraph: &str) -> Option<Vec<u64>> {
    (paragraph != "-").then(|| {
        paragraph.split_whitespace().map(|word| xxhash_rust::xxh3::xxh3_64(word.as_bytes())).collect()
    })
}

#[track_caller]
fn check(paragraphs: &[&str], expected: &[(usize, f64, &[usize])]) {
    let tokens: Vec<Option<Vec<u64>>> = paragraphs.iter().map(|paragraph| hashes(paragraph)).collect();
    let tokens: Vec<Option<&[u64]>> = tokens.iter().map(Option::as_deref).collect();
    let found = find(&tokens, &RepeatSettings::default());
    let found: Vec<(usize, f64, &[usize])> =
        found.iter().map(|repeat| (repeat.paragraph, repeat.coverage, repeat.within.as_slice())).collect();
    assert_eq!(found, expected, "{paragraphs:?}");
}

const A: &str = "a1 a2 a3 a4 a5 a6 a7";
const B: &str = "b1 b2 b3 b4 b5 b6 b7 b8";

#[test]
fn a_lead_that_joins_two_later_paragraphs_is_covered_by_both() {
    let lead = format!("{A} {B}");
    check(&["headline", &lead, "c d e f g h", A, B], &[(1, 1.0, &[4, 3])]);
    check(&[&lead, B, "between them", A], &[(0, 1.0, &[1, 3])]);
}

#[test]
fn only_later_paragraphs_cover_and_only_long_ones_are_called() {
    let lead = format!("{A} {B}");
    check(&[A, B, &lead], &[]); // 7 and 8 tokens: too short to be called; what they say stands before
    check(&[&lead, &lead, &lead], &[(0, 1.0, &[1]), (1, 1.0, &[2])]);
    check(&[&lead, "-", "c d"], &[]);
    check(&[], &[]);
}

#[test]
fn coverage_counts_tokens_and_not_shingles() {
    // 15 tokens, of which the last three are its own: 12 of 15 stand again.
    let lead = "a b c d e f g h i j k l x y z";
    check(&[lead, "a b c d e f g h i j k l m"], &[(0, 0.8, &[1])]);
    check(&["a b c d e f g h i j k w x y z", "a b c d e f g h i j k l m"], &[]); // 11 of 15
}

#[test]
fn equal_paragraphs_without_end_cost_no_square() {
    let paragraph = hashes("a b c d e f g h i j k l").unwrap();
    let many = vec![Some(paragraph.as_slice()); 20_000];
    let found = find(&many, &RepeatSettings::default());
    assert_eq!(found.len(), 19_999);
    assert_eq!(found[7].within, [8]);
}

#[test]
fn one_word_said_without_end_costs_no_square() {
    let word = vec![7; 200_000];
    let found = find(&[Some(&word), Some(&word), Some(&word)], &RepeatSettings::default());
    assert_eq!(found.iter().map(|repeat| &repeat.within[..]).collect::<Vec<_>>(), [[1], [2]]);
}

#[track_caller]
fn check_leaving(paragraphs: &[&str], expected: &[usize]) {
    let words: Vec<Option<Vec<&str>>> = paragraphs
        .iter()
        .map(|paragraph| (*paragraph != "-").then(|| paragraph.split_whitespace().collect()))
        .collect();
    let words: Vec<Option<&[&str]>> = words.iter().map(Option::as_deref).collect();
    let found = earlier_copies(&words, |_| true, &RepeatSettings::default());
    assert_eq!(found, expected, "{paragraphs:?}");
}

#[test]
fn the_earlier_copy_leaves_where_what_stays_covers_it() {
    let lead = format!("{A} {B}");
    check_leaving(&["headline", &lead, A, B], &[1]);
    check_leaving(&[&lead, &lead, "c d", &lead], &[0, 1]); // of copies the last one stays
    check_leaving(&[&lead, "-", "-"], &[]); // what takes no part covers nothing
    check_leaving(&[A, B, &lead], &[]); // only later ones cover
    check_leaving(&[&lead], &[]);
    check_leaving(&[], &[]);
}

#[test]
fn nothing_rests_on_what_leaves() {
    // Each is covered by the next (12 of 15 tokens), the first is not by the last (9 of 15).
    let first = "a b c d e f g h i j k l m n o";
    let second = "d e f g h i j k l m n o p q r";
    let third = "g h i j k l m n o p q r s t u";
    check_leaving(&[first, second], &[0]);
    check_leaving(&[second, third], &[0]);
    check_leaving(&[first, third], &[]);
    check_leaving(&[first, second, third], &[1]);
}

#[test]
fn leaving_costs_no_square() {
    let many = vec![Some(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12][..]); 20_000];
    assert_eq!(earlier_copies(&many, |_| true, &RepeatSettings::default()).len(), 19_999);
    let word = vec![7; 200_000];
    let found = earlier_copies(&[Some(&word), Some(&word)], |_| true, &RepeatSettings::default());
    assert_eq!(found, [0]);
}

/// The contract's sentence, word for word and slow.
fn coverage_oracle(paragraphs: &[Option<Vec<u64>>], of: usize, k: usize) -> f64 {
    let Some(own) = &paragraphs[of] else { return 0.0 };
    let later: HashSet<&[u64]> =
        paragraphs[of + 1..].iter().flatten().flat_map(|tokens| tokens.windows(k)).collect();
    let mut covered = vec![false; own.len()];
    for (at, window) in own.windows(k).enumerate() {
        if later.contains(window) {
            covered[at..at + k].fill(true);
        }
    }
    covered.iter().filter(|token| **token).count() as f64 / own.len().max(1) as f64
}

proptest! {
    #[test]
    fn coverage_is_what_the_contract_says(
        paragraphs in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(0u64..4, 0..30)), 0..7),
    ) {
        let settings = RepeatSettings::default();
        let borrowed: Vec<Option<&[u64]>> = paragraphs.iter().map(Option::as_deref).collect();
        let found = find(&borrowed, &settings);
        for of in 0..paragraphs.len() {
            let expected = coverage_oracle(&paragraphs, of, 5);
            let long = paragraphs[of].as_ref().is_some_and(|tokens| tokens.len() >= 12);
            match found.iter().find(|repeat| repeat.paragraph == of) {
                Some(repeat) => {
                    prop_assert_eq!(repeat.coverage, expected);
                    // What is listed covers all of it: six later paragraphs at most here, and 16 are allowed.
                    let mut kept = paragraphs.clone();
                    for (index, paragraph) in kept.iter_mut().enumerate() {
                        if index != of && !repeat.within.contains(&index) {
                            *paragraph = None;
                        }
                    }
                    prop_assert_eq!(coverage_oracle(&kept, of, 5), expected);
                }
                None => prop_assert!(!long || expected < 0.8),
            }
        }
    }

    #[test]
    fn what_leaves_is_covered_by_what_stays(
        paragraphs in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(0u64..3, 0..25)), 0..9),
        kept in prop::collection::hash_set(0usize..9, 0..3),
    ) {
        let settings = RepeatSettings::default();
        let borrowed: Vec<Option<&[u64]>> = paragraphs.iter().map(Option::as_deref).collect();
        let leaving = earlier_copies(&borrowed, |paragraph| !kept.contains(&paragraph), &settings);
        let mut staying = paragraphs.clone();
        for &paragraph in &leaving {
            staying[paragraph] = None;
        }
        let repeats: Vec<usize> = find(&borrowed, &settings).iter().map(|repeat| repeat.paragraph).collect();
        for of in 0..paragraphs.len() {
            let mut with_own = staying.clone();
            with_own[of] = paragraphs[of].clone();
            let long = paragraphs[of].as_ref().is_some_and(|tokens| tokens.len() >= 12);
            let covered = long && coverage_oracle(&with_own, of, 5) >= 0.8;
            // All that can leave, nothing else; and all of it was found as a repeat.
            prop_assert_eq!(leaving.contains(&of), covered && !kept.contains(&of), "{}", of);
            prop_assert!(!leaving.contains(&of) || repeats.contains(&of));
        }
    }
}
