use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Jaccard over sets of pairs of tokens, slow and obvious.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let [a, b] = [a, b].map(|tokens| tokens.windows(2).collect::<BTreeSet<_>>());
    let shared = a.intersection(&b).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

/// What was found, by places among the paragraphs.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Both ways.
    pairs: BTreeMap<(usize, usize), f64>,
    crowded: BTreeSet<usize>,
    /// Who asked for one put aside, in the end: all of them, and only those that are even.
    aside: [BTreeMap<usize, (usize, f64)>; 2],
}

/// Paragraphs are alike with those before them that are listed; a crowd is not listed.
fn by_force(paragraphs: &[Vec<u64>], crowd: usize) -> Found {
    let mut found = Found::default();
    for b in 0..paragraphs.len() {
        let listed = (0..b).filter(|a| !found.crowded.contains(a));
        let similarity = |a: usize| (a, jaccard(&paragraphs[a], &paragraphs[b]));
        let alike: Vec<(usize, f64)> =
            listed.map(similarity).filter(|&(_, jaccard)| jaccard >= 0.8).collect();
        if alike.len() >= crowd {
            found.crowded.insert(b);
        }
        found.pairs.extend(alike.iter().flat_map(|&(a, jaccard)| [((a, b), jaccard), ((b, a), jaccard)]));
    }
    for b in 0..paragraphs.len() {
        let others = found.crowded.iter().filter(|&&a| a != b);
        let similarity = |&a: &usize| (a, jaccard(&paragraphs[a], &paragraphs[b]));
        let alike: Vec<(usize, f64)> =
            others.map(similarity).filter(|&(_, jaccard)| jaccard >= 0.8).collect();
        found.aside[0].extend(alike.first().map(|&first| (b, first)));
        found.aside[1].extend(alike.iter().find(|(a, _)| a % 2 == 0).map(|&first| (b, first)));
    }
    found
}

fn find(paragraphs: &[Vec<u64>], settings: AlikeSettings, budget: usize) -> Found {
    let means = Means::with_work(budget);
    let mut counting = Counting::new(paragraphs.iter().map(|tokens| tokens.len() as u64).sum(), settings);
    let mut shingles = Shingles::default();
    paragraphs.iter().for_each(|tokens| Counting::shingles(&settings, tokens, &mut shingles));
    counting.count(&shingles);
    let id = |number: usize| 5 * number as u64 + 3;
    let number = |id: u64| (id as usize - 3) / 5;
    let mut listings = Vec::new();
    for (place, tokens) in paragraphs.iter().enumerate() {
        counting.list(id(place), tokens, &mut Vec::new(), &mut listings);
    }
    let mut partnering = Partnering::new(settings, &means);
    // All parts at once, or some and then the others.
    let cut = if budget < 1 << 14 { 100 } else { 0 };
    for parts in [0..cut, cut..PARTS].into_iter().filter(|parts| !parts.is_empty()) {
        let mut sorter = Sorter::new(&means.workspace, "listings", means.work(4));
        listings.iter().try_for_each(|listing| sorter.push(listing_row(listing))).unwrap();
        partnering.add(sorter.finish().unwrap(), parts).unwrap();
    }
    let tokens = |id: u64, (): &mut ()| paragraphs[number(id)].clone();
    let company = Company::gather(partnering, tokens, &means).unwrap();
    let alike = Alike::find(&company, &means).unwrap();
    let ids: Vec<usize> = company.ids().map(|id| number(id.unwrap())).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    let place = |number: u32| ids[number as usize];
    let mut all = Bits::new(ids.len());
    for number in 0..company.len() {
        all.set(number);
    }
    let aside = [1, 2].map(|step| {
        let answers = alike.aside(&company, &all, |_, other| Ok(place(other) % step == 0), &means).unwrap();
        answers
            .reader()
            .unwrap()
            .map(|row| row.unwrap())
            .map(|row| (place(row[0]), (place(row[1]), jaccard_of(row))))
            .collect()
    });
    let crowded: BTreeSet<usize> =
        (0..company.len()).filter(|&number| alike.crowded.has(number)).map(place).collect();
    assert_eq!(crowded.len(), alike.aside as usize);
    let pairs = alike.pairs.reader().unwrap().map(|row| row.unwrap());
    Found {
        pairs: pairs.map(|row| ((place(row[0]), place(row[1])), jaccard_of(row))).collect(),
        crowded,
        aside,
    }
}

/// Room for one at a time, for some, for all.
const BUDGETS: [usize; 4] = [1 << 7, 1 << 12, 1 << 15, 1 << 23];

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

fn with_crowd(crowd: usize) -> AlikeSettings {
    AlikeSettings { crowd, ..AlikeSettings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_is_found(paragraphs in paragraphs(6, 120), budget in prop::sample::select(&BUDGETS[..])) {
        prop_assert_eq!(find(&paragraphs, with_crowd(usize::MAX), budget), by_force(&paragraphs, usize::MAX));
    }

    #[test]
    fn nobody_is_lost_in_a_crowd(
        paragraphs in paragraphs(2, 60),
        crowd in 1..5usize,
        budget in prop::sample::select(&BUDGETS[..]),
    ) {
        prop_assert_eq!(find(&paragraphs, with_crowd(crowd), budget), by_force(&paragraphs, crowd));
    }

    /// What is not looked at is the same wherever batches are cut.
    #[test]
    fn bounds_do_not_depend_on_the_budget(
        paragraphs in paragraphs(2, 60),
        crowd in 1..5usize,
        most_found in 1..6u64,
        most_measured in 1..6u16,
    ) {
        let settings = AlikeSettings { most_found, most_measured, ..with_crowd(crowd) };
        let all = find(&paragraphs, settings, BUDGETS[3]);
        for ((a, b), similarity) in &all.pairs {
            prop_assert_eq!(jaccard(&paragraphs[*a], &paragraphs[*b]), *similarity);
        }
        for budget in BUDGETS {
            prop_assert_eq!(&find(&paragraphs, settings, budget), &all, "{}", budget);
        }
    }
}

#[test]
fn the_random_paragraphs_are_alike_and_not() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut alike, mut unlike, mut cut) = (0, 0, 0);
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
        let settings = AlikeSettings { most_found: 3, most_measured: 3, ..with_crowd(2) };
        let [bounded, all] = [settings, with_crowd(2)].map(|settings| find(&paragraphs, settings, 1 << 24));
        cut += usize::from(bounded.pairs.len() < all.pairs.len());
    }
    assert!(alike > 1000 && unlike > 1000, "{alike} pairs are alike, {unlike} nearly");
    assert!(cut > 8, "bounds told in {cut} of 16");
}

#[test]
fn a_large_family_takes_no_square() {
    // One sentence in 20,000 forms that differ in a number: 200 million pairs, of which a few are looked at.
    let sentence: Vec<u64> = (0..24).collect();
    let paragraphs: Vec<Vec<u64>> = (0..20_000)
        .map(|number| sentence.iter().map(|&token| if token == 11 { 1000 + number } else { token }).collect())
        .collect();
    for budget in [1 << 22, usize::MAX] {
        let found = find(&paragraphs, with_crowd(64), budget);
        assert_eq!(found.pairs.len(), 2 * (64 * 63 / 2 + (20_000 - 64) * 64));
        assert!((64..20_000).all(|paragraph| found.pairs.contains_key(&(paragraph, 0))));
        assert!((64..20_000).eq(found.crowded.iter().copied()));
    }
}

#[test]
fn members_are_read_as_they_were_written() {
    let all = FOUND | HAS_LATER | HAS_EARLIER;
    let place = |(place, position, flags, earlier)| DraftPlace { place, position, flags, earlier };
    let places = [
        (1, 0, all, [4, 8]),
        (2, 1, FOUND | HAS_EARLIER, [6, 20]),
        (3, 2, FOUND | HAS_LATER, NOBODY),
        (u64::MAX, 6, HAS_LATER, NOBODY),
    ];
    let draft = Draft { id: 0, places: places.into_iter().map(place).collect() };
    let set = ShingleSet::from_hashes(vec![5, 6, 7, 8, 9, 10, u64::MAX]);
    let row = encoded(&draft, &set);
    let written = Written::of(&row).unwrap();
    assert_eq!((written.size, written.parity, written.set()), (7, parity_of(&set), set));
    let check = |role: Role, ids: [u64; 2], expected: &[(u64, u32, bool)]| {
        let places = written.listed(role, ids).places;
        let places: Vec<_> = places.iter().map(|place| (place.place, place.left, place.found)).collect();
        assert_eq!(places, expected, "{role:?}, {ids:?}");
    };
    check(Role::Both, NOBODY, &[(1, 7, true), (2, 6, false), (3, 5, true)]);
    check(Role::Any, NOBODY, &[(1, 7, true), (2, 6, true), (3, 5, true), (u64::MAX, 1, false)]);
    check(Role::Later, [0, 30], &[(1, 7, false), (2, 6, false)]);
    check(Role::Later, [8, 8], &[(1, 7, false), (2, 6, false)]);
    check(Role::Later, [0, 4], &[(1, 7, false)]);
    check(Role::Later, [9, 9], &[(2, 6, false)]);
    check(Role::Later, [21, 30], &[]);
    assert!([[0, 4], [5, 5], [20, 30]].into_iter().all(|ids| written.may_have_earlier(ids)));
    assert!([[0, 3], [21, 30]].into_iter().all(|ids| !written.may_have_earlier(ids)));
    assert!((0..row.len()).all(|cut| Written::of(&row[..cut]).is_none()));
}
