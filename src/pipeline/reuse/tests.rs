use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::census;
use super::super::course::Course;
use super::super::marks::{Mark, Marks};
use super::super::progress::Silent;
use super::super::settings::Settings;
use super::*;
use crate::corpus::find_shards;

/// A document: its site, its paragraphs, which of them are boilerplate, and whether it is kept.
#[derive(Clone, Debug)]
struct Toy {
    site: u8,
    paragraphs: Vec<(String, bool)>,
    kept: bool,
}

/// A corpus as the passes before leave it.
struct Corpus {
    census: Census,
    marks: PageMarks,
    kept: Vec<bool>,
    _folder: tempfile::TempDir,
}

impl Corpus {
    fn of(documents: &[Toy]) -> Corpus {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.jsonl");
        let line = |toy: &Toy| {
            let text: Vec<&str> = toy.paragraphs.iter().map(|(text, _)| text.as_str()).collect();
            let url = format!("https://site-{}.example/", toy.site);
            serde_json::json!({ "text": text.join("\n\n"), "url": url }).to_string() + "\n"
        };
        std::fs::write(&path, documents.iter().map(line).collect::<String>()).unwrap();
        let inputs = find_shards(&[path.to_str().unwrap().to_owned()], None, folder.path()).unwrap();
        let means = Means::unbounded().unwrap();
        let census =
            census::take(&inputs.shards, &Settings::default(), None, &mut Course::passing(&means, &Silent))
                .unwrap();
        let mut marks = PageMarks::none(&census);
        for (document, toy) in (0..).zip(documents) {
            assert_eq!(census.page(document).paragraphs.len(), toy.paragraphs.len());
            let of = toy.paragraphs.iter().map(|(_, boilerplate)| boilerplate.then_some(Mark::Site(0)));
            marks.set(document, Marks::of(of).as_ref(), 0);
        }
        Corpus { census, marks, kept: documents.iter().map(|toy| toy.kept).collect(), _folder: folder }
    }

    fn find(&self, settings: &ReuseSettings, budget: usize) -> BTreeMap<(u32, usize), Reuse> {
        let means = Means::with_work(budget);
        let is_kept = |document: u32| self.kept[document as usize];
        let reused = find(&self.census, &self.marks, &is_kept, settings, &means).unwrap();
        let mut reader = reused.reader().unwrap();
        let mut found = BTreeMap::new();
        for document in 0..self.census.len() {
            let reuses = reader.of(document).unwrap();
            assert!(reuses.is_sorted_by_key(|reuse| reuse.paragraph));
            found.extend(reuses.into_iter().map(|reuse| ((document, reuse.paragraph), reuse)));
        }
        found
    }

    /// The same, slow and obvious.
    fn by_force(&self, settings: &ReuseSettings) -> BTreeMap<(u32, usize), Reuse> {
        let mut places: BTreeMap<Vec<u64>, Vec<(u32, usize)>> = BTreeMap::new();
        for document in (0..self.census.len()).filter(|&document| self.kept[document as usize]) {
            let page = self.census.page(document);
            for (index, paragraph) in page.paragraphs.iter().enumerate() {
                let tokens = page.tokens_of(paragraph).to_vec();
                if tokens.len() >= settings.min_tokens {
                    places.entry(tokens).or_default().push((document, index));
                }
            }
        }
        let mut forms: Vec<Form> =
            places.into_iter().map(|(tokens, places)| Form { tokens, places }).collect();
        forms.sort_by_key(|form| form.places[0]);
        let alike = |a: usize, b: usize| {
            let long = [a, b].iter().all(|&form| forms[form].tokens.len() >= settings.near_min_tokens);
            long && a != b && forms[a].jaccard(&forms[b]) >= settings.alike.min_similarity
        };
        let mut having: Vec<BTreeSet<usize>> = (0..forms.len()).map(|form| BTreeSet::from([form])).collect();
        let mut crowded: Vec<bool> = Vec::new();
        for b in 0..forms.len() {
            let listed: Vec<usize> = (0..b).filter(|&a| !crowded[a] && alike(a, b)).collect();
            crowded.push(listed.len() >= settings.alike.crowd);
            for a in listed {
                having[a].insert(b);
                having[b].insert(a);
            }
        }
        let text = |place: &(u32, usize)| self.census.first_copy(place.0);
        let tally = |having: &BTreeSet<usize>| {
            let places = || having.iter().flat_map(|&form| &forms[form].places);
            let sites: BTreeSet<u32> = places().map(|place| self.census.site_of(place.0)).collect();
            let documents = places().map(text).collect::<BTreeSet<_>>().len() as u64;
            Tally { documents, sites: sites.len() as u64 }
        };
        let mut tallies: Vec<Tally> = Vec::new();
        for form in 0..forms.len() {
            let elsewhere = |other: usize| {
                forms[other].places.iter().any(|place| text(place) != text(&forms[form].places[0]))
            };
            if tally(&having[form]).documents < 2 {
                let mut aside = (0..forms.len()).filter(|&other| crowded[other] && alike(form, other));
                having[form].extend(aside.find(|&other| elsewhere(other)));
            }
            let mut own = tally(&having[form]);
            if let (true, Some(&first)) = (crowded[form] && own.documents > 1, having[form].first())
                && first < form
            {
                own = own.max(tallies[first]);
            }
            tallies.push(own);
        }
        let mut found = BTreeMap::new();
        for (form, tally) in tallies.iter().enumerate().filter(|(_, tally)| tally.documents > 1) {
            let first = having[form].first().copied().unwrap_or(form);
            let jaccard = if first == form { 1.0 } else { forms[form].jaccard(&forms[first]) };
            for &(document, paragraph) in &forms[form].places {
                if self.marks.get(document).is_none_or(|marks| marks.get(paragraph).is_none()) {
                    let Tally { documents, sites } = *tally;
                    let first = forms[first].places[0];
                    found
                        .insert((document, paragraph), Reuse { paragraph, documents, sites, first, jaccard });
                }
            }
        }
        found
    }
}

struct Form {
    tokens: Vec<u64>,
    places: Vec<(u32, usize)>,
}

impl Form {
    fn jaccard(&self, other: &Form) -> f64 {
        let [a, b] = [self, other].map(|form| form.tokens.windows(2).collect::<BTreeSet<_>>());
        let shared = a.intersection(&b).count();
        shared as f64 / (a.len() + b.len() - shared) as f64
    }
}

fn words(numbers: &[u8]) -> String {
    numbers.iter().map(|number| format!("word{number} ")).collect()
}

/// Documents of edits of few paragraphs, short ones among them; some are copies of others.
fn documents() -> impl Strategy<Value = Vec<Toy>> {
    let text = prop_oneof![prop::collection::vec(0..60u8, 20..30), prop::collection::vec(0..60u8, 6..24)];
    let paragraph = (
        any::<prop::sample::Index>(),
        prop::option::of((any::<prop::sample::Index>(), 0..4u8)),
        prop::bool::weighted(0.2),
    );
    let document = (
        0..3u8,
        prop::collection::vec(paragraph, 1..6),
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.15),
    );
    (prop::collection::vec(text, 1..5), prop::collection::vec(document, 1..16)).prop_map(
        |(texts, documents)| {
            let mut made: Vec<Toy> = Vec::new();
            for (site, paragraphs, kept, copy) in documents {
                let own = paragraphs.iter().map(|(text, edit, boilerplate)| {
                    let mut text = texts[text.index(texts.len())].clone();
                    if let Some((place, number)) = edit {
                        let place = place.index(text.len());
                        text[place] = 100 + number;
                    }
                    (words(&text), *boilerplate)
                });
                let paragraphs = match made.last() {
                    Some(last) if copy => last.paragraphs.clone(),
                    _ => own.collect(),
                };
                made.push(Toy { site, paragraphs, kept });
            }
            made
        },
    )
}

fn with_crowd(crowd: usize) -> ReuseSettings {
    let alike = AlikeSettings { crowd, ..AlikeSettings::default() };
    ReuseSettings { alike, ..ReuseSettings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_reused_is_what_force_finds_whatever_the_budget(
        documents in documents(),
        crowd in prop_oneof![1..4usize, Just(64)],
    ) {
        let corpus = Corpus::of(&documents);
        let settings = with_crowd(crowd);
        let expected = corpus.by_force(&settings);
        for budget in [1 << 5, 1 << 11, usize::MAX] {
            prop_assert_eq!(&corpus.find(&settings, budget), &expected, "{}", budget);
        }
    }

    #[test]
    fn different_numbers_are_counted_once(
        numbers in prop::collection::vec(0..40_000u32, 0..9000),
        others in prop::collection::vec(0..40_000u32, 0..9000),
    ) {
        let different = |numbers: &[u32]| {
            let mut different = Different::below(40_000);
            numbers.iter().for_each(|&number| different.add(number));
            different
        };
        let [mut some, mut more] = [&numbers, &others].map(|numbers| different(numbers));
        let [own, all] = [numbers.clone(), [numbers, others].concat()].map(|all| all.into_iter().collect::<BTreeSet<_>>().len());
        prop_assert_eq!(some.count(), own as u64);
        more.count();
        prop_assert_eq!(some.count_with(&more), all as u64);
        prop_assert_eq!(more.count_with(&some), all as u64);
    }
}

#[test]
fn the_random_documents_reuse_in_every_way() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut equal, mut near, mut followed) = (0, 0, 0);
    for _ in 0..96 {
        let corpus = Corpus::of(&documents().new_tree(&mut runner).unwrap().current());
        let [crowded, all] = [1, 64].map(|crowd| corpus.by_force(&with_crowd(crowd)));
        equal += all.values().filter(|reuse| reuse.jaccard == 1.0).count();
        near += all.values().filter(|reuse| reuse.jaccard < 1.0).count();
        followed += all.iter().filter(|(place, reuse)| crowded.get(place) != Some(reuse)).count();
    }
    assert!(
        equal > 500 && near > 500 && followed > 50,
        "{equal} equal, {near} near, {followed} differ in crowds"
    );
}

#[test]
fn forms_that_thousands_have_are_counted_once() {
    // Two sentences that differ in a word, in every second and every third of 4,000 documents; and a few further ones.
    let sentence: Vec<u8> = (0..40).collect();
    let edited = |place: usize| {
        let mut edited = sentence.clone();
        edited[place] = 99;
        words(&edited)
    };
    let toy = |number: usize| {
        let mut paragraphs = vec![(format!("number {number}"), false)];
        if number.is_multiple_of(2) {
            paragraphs.push((words(&sentence), number.is_multiple_of(5)));
        }
        if number.is_multiple_of(3) {
            paragraphs.push((edited(20), false));
        }
        if number % 700 == 1 {
            paragraphs.push((edited(number / 700), false));
        }
        Toy { site: (number % 50) as u8, paragraphs, kept: !number.is_multiple_of(7) }
    };
    let corpus = Corpus::of(&(0..4000).map(toy).collect::<Vec<_>>());
    let settings = ReuseSettings::default();
    let expected = corpus.by_force(&settings);
    assert!(expected.values().any(|reuse| reuse.documents > 2 * LARGE && reuse.sites == 50));
    for budget in [1 << 11, usize::MAX] {
        assert!(corpus.find(&settings, budget) == expected);
    }
}
