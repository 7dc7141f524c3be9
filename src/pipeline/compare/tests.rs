use std::fs;

use serde_json::json;

use super::*;
use crate::corpus::find_shards;
use crate::pipeline::settings::Settings;
use crate::pipeline::{Means, Silent, census, sites};
use crate::sketch::mix;
use crate::store::Workspace;
use crate::verify::overlap;

/// Numbers that look random.
struct Draws(u64);

impl Draws {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = mix(self.0);
        self.0 % below
    }
}

/// Texts of a few families: 60 words of which two or so differ, more or fewer at the end; some are copies; with the group
/// of each.
fn texts(draws: &mut Draws, count: usize) -> Vec<(String, Option<u64>)> {
    let mut texts: Vec<(String, Option<u64>)> = Vec::new();
    let group = |draws: &mut Draws| Some(draws.below(4)).filter(|group| *group > 0);
    for _ in 0..count {
        if !texts.is_empty() && draws.below(4) == 0 {
            let copied = texts[draws.below(texts.len() as u64) as usize].clone();
            texts.push((copied.0, if draws.below(3) == 0 { group(draws) } else { copied.1 }));
            continue;
        }
        let family = draws.below(3);
        let length = 57 + draws.below(7);
        let mut words: Vec<String> = (0..length).map(|place| format!("f{family}w{place}")).collect();
        for _ in 0..draws.below(3) {
            let place = draws.below(length) as usize;
            words[place] = format!("x{}", draws.below(5));
        }
        texts.push((words.join(" "), group(draws)));
    }
    texts
}

fn census_of(texts: &[(String, Option<u64>)], settings: &Settings, dir: &std::path::Path) -> census::Census {
    let record = |(text, group): &(String, Option<u64>)| {
        let group = group.map(|group| format!("g{group}"));
        json!({ "text": text, "group": group }).to_string()
    };
    let path = dir.join("input.jsonl");
    fs::write(&path, texts.iter().map(record).collect::<Vec<_>>().join("\n")).unwrap();
    let inputs = find_shards(&[path.to_str().unwrap().to_owned()], None, dir).unwrap();
    let means = Means::unbounded().unwrap();
    census::take(&inputs.shards, settings, None, &mut Course::passing(&means, &Silent)).unwrap()
}

fn settings(candidates: CandidateSource, min_containment: Option<f64>) -> Settings {
    let mut settings = Settings::default();
    settings.fields.within = Some("group".to_owned());
    settings.compare = CompareSettings { candidates, min_containment, ..settings.compare };
    settings
}

/// What is compared, and what of it can be known without any index.
struct Case<'a> {
    contents: &'a Contents<'a>,
    copies: &'a Copies,
    sketches: &'a Sketches,
    settings: &'a CompareSettings,
    sets: Vec<ShingleSet>,
    /// The keep order.
    order: Vec<u32>,
}

fn is_protected(document: u32) -> bool {
    document % 16 == 7
}

impl Case<'_> {
    /// The similarity of a candidate pair that reaches the threshold, from the definitions.
    fn alike(&self, a: u32, b: u32) -> Option<Overlap> {
        let slots = [self.sketches.slot(a)?, self.sketches.slot(b)?];
        let found = overlap(&self.sets[a as usize], &self.sets[b as usize]);
        if !found.reaches(0.8) || !same_group(self.contents, a, b) {
            return None;
        }
        let is_candidate = slots[0] == slots[1] || self.sketches.is_candidate_pair(slots[0], slots[1]);
        is_candidate.then_some(found)
    }

    fn equal(&self, a: u32, b: u32) -> bool {
        self.contents.tokens(a) == self.contents.tokens(b) && same_group(self.contents, a, b)
    }

    fn keep_by_force(&self) -> Vec<(u32, u32, f64, bool)> {
        let mut kept: Vec<u32> = Vec::new();
        let mut removed = Vec::new();
        for &document in &self.order {
            let equal = kept.iter().find(|&&other| self.equal(document, other));
            let mut best: Option<(u32, f64)> = None;
            for &other in &kept {
                if let Some(found) = self.alike(document, other)
                    && best.is_none_or(|(_, most)| found.jaccard() > most)
                {
                    best = Some((other, found.jaccard()));
                }
            }
            match (equal, best) {
                _ if is_protected(document) => kept.push(document),
                (Some(&of), _) => removed.push((document, of, 1.0, true)),
                (None, Some((of, jaccard))) => removed.push((document, of, jaccard, false)),
                (None, None) => kept.push(document),
            }
        }
        removed.sort_by_key(|(document, ..)| *document);
        removed
    }

    fn keep(&self, limits: CompareLimits) -> Decisions {
        let settings = CompareSettings { limits, ..self.settings.clone() };
        let means = Means::unbounded().unwrap();
        let course = &mut Course::passing(&means, &Silent);
        let Case { contents, copies, sketches, .. } = self;
        let order = || Ok(self.order.clone());
        keep(contents, copies, sketches, &settings, order, &is_protected, course).unwrap()
    }

    fn pairs_by_force(&self) -> Vec<(u32, u32, f64)> {
        let pairs = (0..self.contents.len()).flat_map(|a| (a + 1..self.contents.len()).map(move |b| (a, b)));
        pairs
            .filter_map(|(a, b)| match self.equal(a, b) {
                true => Some((a, b, 1.0)),
                false => Some((a, b, self.alike(a, b)?.jaccard())),
            })
            .collect()
    }

    fn pairs(&self, limits: CompareLimits) -> Vec<Pair> {
        let settings = CompareSettings { limits, ..self.settings.clone() };
        pairs(self.contents, self.copies, self.sketches, &settings, &Silent).unwrap().pairs
    }
}

/// Calls `check` with corpora of `count` texts, by signatures and exactly. The bands are too few, so that signatures miss
/// about a tenth of the pairs.
fn for_cases(
    seeds: Range<u64>,
    count: usize,
    min_containment: Option<f64>,
    check: impl Fn(&Case, &mut Draws),
) {
    for seed in seeds {
        for candidates in [CandidateSource::Signatures, CandidateSource::Exact] {
            let mut draws = Draws(seed);
            let settings = settings(candidates, min_containment);
            let dir = tempfile::tempdir().unwrap();
            let census = census_of(&texts(&mut draws, count), &settings, dir.path());
            let boilerplate = sites::none(&census);
            let contents = Contents::new(&census, &boilerplate.marks, &settings.compare);
            let workspace = Workspace::temporary().unwrap();
            let copies = Copies::of(&census).unwrap();
            let sketches =
                Sketches::of(&contents, &settings.compare, &copies, &workspace).unwrap().with_bands(3);
            let mut order: Vec<u32> = (0..contents.len()).collect();
            order.sort_by_key(|&document| (!is_protected(document), mix(u64::from(document) ^ seed)));
            let sets = (0..contents.len()).map(|document| contents.make_set(document)).collect();
            let (contents, copies, sketches, settings) = (&contents, &copies, &sketches, &settings.compare);
            check(&Case { contents, copies, sketches, settings, sets, order }, &mut draws);
        }
    }
}

fn limits(draws: &mut Draws) -> CompareLimits {
    CompareLimits {
        memory_bytes: [0, 1_000, 5_000, 20_000, 100_000, usize::MAX][draws.below(6) as usize],
        block: 1 + draws.below(20) as usize,
        bucket: draws.below(12) as u32,
    }
}

#[test]
fn who_stays_is_what_brute_force_keeps_whatever_the_batches() {
    for_cases(0..3, 110, None, |case, draws| {
        let expected = case.keep_by_force();
        let alike = expected.iter().filter(|(.., exact)| !exact).count();
        assert!(expected.len() > 40 && alike > 10, "{} removed, {alike} of them alike", expected.len());
        for _ in 0..6 {
            let limits = limits(draws);
            let decisions = case.keep(limits);
            let found: Vec<_> = decisions
                .removed()
                .iter()
                .map(|(document, likeness)| (*document, likeness.of, likeness.jaccard, likeness.exact))
                .collect();
            assert!(found == expected, "{limits:?}, {:?}", case.settings.candidates);
        }
    });
}

#[test]
fn pairs_are_those_of_brute_force_whatever_the_batches() {
    for_cases(10..12, 110, None, |case, draws| {
        let expected = case.pairs_by_force();
        assert!(expected.len() > 100);
        for _ in 0..6 {
            let limits = limits(draws);
            let found: Vec<_> =
                case.pairs(limits).iter().map(|pair| (pair.a, pair.b, pair.jaccard)).collect();
            assert!(found == expected, "{limits:?}, {:?}", case.settings.candidates);
        }
    });
}

#[test]
fn containment_does_not_depend_on_batches_either() {
    for_cases(20..22, 110, Some(0.6), |case, draws| {
        let whole = CompareLimits::default();
        let (kept, pairs) = (case.keep(whole), case.pairs(whole));
        assert!(kept.removed().iter().any(|(_, likeness)| likeness.by == Measure::Containment));
        for _ in 0..6 {
            let limits = limits(draws);
            assert!(case.keep(limits) == kept && case.pairs(limits) == pairs, "{limits:?}");
        }
    });
}
