use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Jaccard over sets of pairs of tokens, slow and obvious.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let [a, b] = [a, b].map(|tokens| tokens.windows(2).collect::<BTreeSet<_>>());
    let shared = a.intersection(&b).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

fn earlier_by_force(paragraphs: &[Vec<u64>], paragraph: usize) -> Vec<u32> {
    let alike = |other: &u32| jaccard(&paragraphs[*other as usize], &paragraphs[paragraph]) >= 0.8;
    (0..paragraph as u32).filter(alike).collect()
}

fn find(paragraphs: &[Vec<u64>], crowd: usize) -> Alike {
    let borrowed: Vec<&[u64]> = paragraphs.iter().map(Vec::as_slice).collect();
    Alike::find(&borrowed, AlikeSettings { crowd, ..AlikeSettings::default() })
}

/// An edit: at this share of the length, what becomes of the token there.
type Edit = (u8, u8, u64);

/// Different paragraphs: edits of a few texts, over a small vocabulary, so that shingles repeat and are shared by chance.
fn paragraphs(texts: usize, edits: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    let text = prop::collection::vec(0..400u64, 20..60);
    let edit = (any::<u8>(), any::<u8>(), 0..400u64);
    let one = (any::<prop::sample::Index>(), prop::collection::vec(edit, 0..5));
    (prop::collection::vec(text, 1..=texts), prop::collection::vec(one, 0..edits)).prop_map(
        |(texts, edits)| {
            let mut known = BTreeSet::new();
            let edited = edits.iter().map(|(text, edits)| edited(&texts[text.index(texts.len())], edits));
            edited.filter(|text| text.len() >= 20 && known.insert(text.clone())).collect()
        },
    )
}

fn edited(text: &[u64], edits: &[Edit]) -> Vec<u64> {
    let mut text = text.to_vec();
    for &(place, what, token) in edits {
        let place = usize::from(place) * text.len() / 256;
        match what % 4 {
            0 => drop(text.remove(place)),
            1 => text.insert(place, token),
            2 => text.swap(place, place.saturating_sub(1)),
            _ => text[place] = token,
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_is_found(paragraphs in paragraphs(6, 120)) {
        let alike = find(&paragraphs, usize::MAX);
        for paragraph in 0..paragraphs.len() {
            prop_assert_eq!(alike.earlier(paragraph as u32), earlier_by_force(&paragraphs, paragraph));
            for &other in alike.earlier(paragraph as u32) {
                let measured = alike.jaccard(paragraph as u32, other);
                prop_assert_eq!(measured, jaccard(&paragraphs[paragraph], &paragraphs[other as usize]));
            }
        }
        prop_assert!(!alike.any_aside());
    }

    #[test]
    fn nobody_is_lost_in_a_crowd(paragraphs in paragraphs(2, 60), crowd in 1..5usize) {
        let alike = find(&paragraphs, crowd);
        for b in 0..paragraphs.len() {
            let earlier = alike.earlier(b as u32);
            let force = earlier_by_force(&paragraphs, b);
            let listed: Vec<u32> = force.iter().copied().filter(|&a| !alike.is_crowded(a)).collect();
            prop_assert_eq!(earlier, listed);
            prop_assert_eq!(alike.is_crowded(b as u32), earlier.len() >= crowd);
            let aside: Vec<u32> = (0..paragraphs.len() as u32)
                .filter(|&a| a as usize != b && alike.is_crowded(a))
                .filter(|&a| jaccard(&paragraphs[a as usize], &paragraphs[b]) >= 0.8)
                .collect();
            prop_assert_eq!(alike.aside(b as u32, |_| true), aside.first().copied());
            prop_assert_eq!(alike.aside(b as u32, |a| Some(&a) == aside.last()), aside.last().copied());
        }
    }
}

#[test]
fn the_random_paragraphs_are_alike_and_not() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut alike, mut unlike) = (0, 0);
    for _ in 0..16 {
        let paragraphs = paragraphs(6, 120).new_tree(&mut runner).unwrap().current();
        for b in 0..paragraphs.len() {
            for a in 0..b {
                match jaccard(&paragraphs[a], &paragraphs[b]) {
                    0.8..1.0 => alike += 1,
                    0.7..0.8 => unlike += 1,
                    _ => {}
                }
            }
        }
    }
    assert!(alike > 1000 && unlike > 1000, "{alike} pairs are alike, {unlike} nearly");
}

#[test]
fn a_large_family_takes_no_square() {
    // One sentence in 20,000 forms that differ in a number: 200 million pairs, of which a few are looked at.
    let sentence: Vec<u64> = (0..24).collect();
    let paragraphs: Vec<Vec<u64>> = (0..20_000)
        .map(|number| sentence.iter().map(|&token| if token == 11 { 1000 + number } else { token }).collect())
        .collect();
    let alike = find(&paragraphs, 64);
    let pairs: usize = (0..20_000).map(|paragraph| alike.earlier(paragraph).len()).sum();
    assert_eq!(pairs, 64 * 63 / 2 + (20_000 - 64) * 64);
    assert!((64..20_000).all(|paragraph| alike.earlier(paragraph)[0] == 0 && alike.is_crowded(paragraph)));
}
