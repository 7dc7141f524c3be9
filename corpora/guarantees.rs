//! The contract's guarantees 1 to 4 as laws over random corpora, and `verify` against planted faults.

/// The same of runs that strip.
mod stripping;

/// `verify` against more planted faults, and what belongs to it.
mod verifying;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use dittograph::corpus::{Inputs, ReadSettings, find_shards};
use dittograph::error;
use dittograph::findings::PairRecord;
use dittograph::output::Summary;
use dittograph::pipeline::{
    self, CandidateSource, Checked, CompareLimits, CompareSettings, Guards, Job, Means, Settings, Silent,
    Target,
};
use dittograph::resolve::{KeepKey, KeepOrder};
use dittograph::shingle::{ShingleSet, token_hash};
use dittograph::sketch::{Screening, Signatures};
use dittograph::text::{ParagraphBreaks, paragraphs, tokens};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Paragraphs that documents are made of. Several share most of their words, so that near-duplicates occur.
const PARAGRAPHS: [&str; 8] = [
    "the harbour office opened its gates at dawn and the first boats came in with herring and with rain on deck",
    "the harbour office opened its gates at noon and the first boats came in with herring and with rain on deck",
    "nobody in the town remembered a winter as long as this one and the baker said so every morning to everyone",
    "a bridge of larch was built across the narrow river by four carpenters who had never built a bridge before",
    "a bridge of larch was built across the narrow river by five carpenters who had never built a bridge before",
    "subscribe to our letter",
    "copyright 2024 the harbour gazette all rights reserved page 7 of 12 write to us at any time of the day or night",
    "***",
];

/// One line of a shard.
#[derive(Clone, Debug)]
enum Line {
    Document {
        site: u8,
        paragraphs: Vec<u8>,
        edit: Option<u8>,
        own: Option<u16>,
        id: Option<u8>,
        dump: u8,
    },
    /// So many words of one endless text, from this one on. Those near each other are alike, those farther apart are
    /// not: chains, and documents with several witnesses to choose from.
    Window {
        start: u8,
        length: u8,
    },
    Garbage(u8),
    Blank,
}

fn line() -> impl Strategy<Value = Line> {
    let document = (
        0..2u8,
        prop::collection::vec(0..PARAGRAPHS.len() as u8, 0..6),
        prop::option::weighted(0.3, any::<u8>()),
        prop::option::weighted(0.7, 0..200u16),
        prop::option::of(0..20u8),
        0..2u8,
    );
    prop_oneof![
        12 => document.prop_map(|(site, paragraphs, edit, own, id, dump)| Line::Document { site, paragraphs, edit, own, id, dump }),
        6 => (0..20u8, 56..64u8).prop_map(|(start, length)| Line::Window { start, length }),
        1 => any::<u8>().prop_map(Line::Garbage),
        1 => Just(Line::Blank),
    ]
}

/// Windows of all lengths, many inside others, beside other lines.
fn corpus_of_excerpts() -> impl Strategy<Value = Vec<Vec<Line>>> {
    let excerpt = (0..50u8, 3..64u8).prop_map(|(start, length)| Line::Window { start, length });
    let line = prop_oneof![1 => line(), 2 => excerpt];
    prop::collection::vec(prop::collection::vec(line, 0..30), 1..4)
}

fn corpus() -> impl Strategy<Value = Vec<Vec<Line>>> {
    prop::collection::vec(prop::collection::vec(line(), 0..40), 1..4)
}

/// The bytes of a shard. Some end without a line break, some begin with a byte order mark, some have CRLF.
fn bytes_of(lines: &[Line], number: usize) -> Vec<u8> {
    let mut bytes = if number == 1 { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
    for line in lines {
        match line {
            Line::Blank => bytes.extend(b"  "),
            Line::Garbage(0..100) => bytes.extend(b"{\"text\": \"torn"),
            Line::Garbage(100..200) => bytes.extend(b"{\"text\": \"\xff\"}"),
            Line::Garbage(_) => bytes.extend(b"{\"body\": null}"),
            Line::Document { site, paragraphs, edit, own, id, dump } => {
                // As no JSON writer puts it: what is read and written again becomes other bytes.
                let id = id.map_or(String::new(), |id| format!("\"id\" :\"d{id}\", "));
                let text =
                    json!(text_of(paragraphs, *edit, *own)).to_string().replace("river", "riv\\u0065r");
                let url = format!("https:\\/\\/site{site}.example/{number}");
                bytes.extend(
                    format!("{{{id}\"url\":\"{url}\",\"text\":{text}, \"extra\":1.50e1,\"dump\":{dump}}} ")
                        .as_bytes(),
                );
            }
            Line::Window { start, length } => {
                let text = (*start..start + length).map(word).collect::<Vec<_>>().join(" ");
                bytes.extend(
                    json!({ "text": text, "url": "https://site2.example/", "dump": 0 })
                        .to_string()
                        .as_bytes(),
                );
            }
        }
        bytes.extend(if number == 2 { &b"\r\n"[..] } else { b"\n" });
    }
    if lines.len() % 3 == 1 {
        bytes.pop();
    }
    bytes
}

/// A word without digits, for forms that differ in a number are one paragraph.
fn word(number: u8) -> String {
    ["q", "w", "e", "r", "t", "z", "u", "i", "o", "p"]
        .iter()
        .cycle()
        .skip(usize::from(number) % 10)
        .take(2 + usize::from(number) / 10)
        .copied()
        .collect()
}

/// Paragraphs of the pool, one of the document's own first, then perhaps one word edited.
fn text_of(paragraphs: &[u8], edit: Option<u8>, own: Option<u16>) -> String {
    let own = own.map(|own| (0..12).map(|word| format!("own{own}word{word}")).collect::<Vec<_>>().join(" "));
    let pool = paragraphs.iter().map(|&number| PARAGRAPHS[number as usize].to_owned());
    let mut text = own.into_iter().chain(pool).collect::<Vec<_>>().join("\n\n");
    if let Some(edit) = edit {
        let words: Vec<&str> = text.split(' ').collect();
        let place = edit as usize % words.len();
        let edited: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(index, word)| if index == place { format!("{word}x{edit}") } else { (*word).to_owned() })
            .collect();
        text = edited.join(" ");
    }
    text
}

/// A corpus on disk, and a place for runs.
struct Scratch {
    dir: tempfile::TempDir,
    shards: Vec<Vec<u8>>,
}

impl Scratch {
    fn new(corpus: &[Vec<Line>]) -> Scratch {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("input")).unwrap();
        let shards: Vec<Vec<u8>> =
            corpus.iter().enumerate().map(|(number, lines)| bytes_of(lines, number)).collect();
        for (number, bytes) in shards.iter().enumerate() {
            fs::write(dir.path().join(format!("input/{number}.jsonl")), bytes).unwrap();
        }
        Scratch { dir, shards }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn dedupe(&self, name: &str, settings: &Settings) -> Summary {
        let input = self.path("input").to_str().unwrap().to_owned();
        let inputs = find_shards(&[input], None, self.dir.path()).unwrap();
        let dir = self.path(name);
        let target = Target { dir: &dir, force: false };
        let job = Job::Dedupe { with_removed: true };
        pipeline::run(
            &inputs,
            settings,
            Guards::default(),
            job,
            target,
            &Means::unbounded().unwrap(),
            &Silent,
        )
        .unwrap()
    }
}

/// Checks a run as often as it is asked, with all the memory there is.
fn verify(run: &Path) -> error::Result<Checked> {
    pipeline::verify(run, &Means::unbounded()?, &Silent)
}

fn exact() -> Settings {
    let compare = CompareSettings { candidates: CandidateSource::Exact, ..CompareSettings::default() };
    Settings { compare, ..Settings::default() }
}

/// With containment of so many per cent, too.
fn with_containment(settings: Settings, percent: u32) -> Settings {
    let min_containment = Some(f64::from(percent) / 100.0);
    Settings { compare: CompareSettings { min_containment, ..settings.compare }, ..settings }
}

fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

type Name = (String, u64);

fn name(reference: &Value) -> Name {
    (reference["shard"].as_str().unwrap().to_owned(), reference["ordinal"].as_u64().unwrap())
}

fn findings(run: &Path, shards: usize) -> Vec<Value> {
    (0..shards).flat_map(|number| records(&run.join(format!("findings/{number}.jsonl.jsonl")))).collect()
}

/// The documents as a slow reader sees them, by name, in order; and how many records it cannot read.
fn documents(scratch: &Scratch) -> (BTreeMap<Name, Value>, u64) {
    let mut found = BTreeMap::new();
    let mut rejected = 0;
    for (number, bytes) in scratch.shards.iter().enumerate() {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        for (ordinal, line) in lines.enumerate() {
            match serde_json::from_slice::<Value>(line) {
                Ok(record) if record["text"].is_string() => {
                    found.insert((format!("{number}.jsonl"), ordinal as u64), record);
                }
                _ => rejected += 1,
            }
        }
    }
    (found, rejected)
}

/// What a document is compared by.
struct Content {
    whole: Vec<String>,
    shingles: HashSet<Vec<String>>,
    tokens: usize,
    thin: bool,
}

fn content(record: &Value, boilerplate: &[(usize, usize)]) -> Content {
    let text = record["text"].as_str().unwrap();
    let mut own = Vec::new();
    let mut start = 0;
    for &(from, to) in boilerplate {
        own.extend(tokens(&text[start..from]));
        start = to;
    }
    own.extend(tokens(&text[start..]));
    let shingles = if own.is_empty() {
        HashSet::new()
    } else {
        own.windows(own.len().min(5)).map(<[String]>::to_vec).collect()
    };
    let thin = !boilerplate.is_empty() && own.len() < 20;
    Content { whole: tokens(text), shingles, tokens: own.len(), thin }
}

fn jaccard(a: &Content, b: &Content) -> f64 {
    let shared = a.shingles.intersection(&b.shingles).count();
    shared as f64 / (a.shingles.len() + b.shingles.len() - shared).max(1) as f64
}

fn containment(part: &Content, whole: &Content) -> f64 {
    part.shingles.intersection(&whole.shingles).count() as f64 / part.shingles.len().max(1) as f64
}

/// The same in any keep order, with containment: who is removed because of whom, by what, and how much of it.
fn decided_with_containment(
    contents: &BTreeMap<Name, Content>,
    key: &KeepKey,
    protected: impl Fn(&Name) -> bool,
    least: f64,
) -> BTreeMap<Name, (Name, &'static str, f64)> {
    let mut order: Vec<(&Name, &Content)> = contents.iter().collect();
    order.sort_by_key(|(name, content)| {
        let place = match key {
            KeepKey::Longest => usize::MAX - content.tokens,
            KeepKey::Shortest => content.tokens,
            _ => 0,
        };
        (!protected(name), place)
    });
    let mut kept: Vec<(&Name, &Content)> = Vec::new();
    let mut removed = BTreeMap::new();
    for (name, content) in order {
        let equal = kept.iter().find(|(_, other)| !content.whole.is_empty() && other.whole == content.whole);
        let mut witness = equal.map(|(of, _)| (*of, "jaccard", 1.0));
        for by in ["jaccard", "containment"] {
            for (of, other) in kept.iter().filter(|(_, other)| !other.thin && !content.thin) {
                let (value, reached) = match by {
                    "jaccard" => (jaccard(content, other), 0.8),
                    _ if content.tokens < other.tokens => (containment(content, other), least),
                    _ => continue,
                };
                let better =
                    witness.is_none_or(|(_, other, most)| equal.is_none() && other == by && value > most);
                if value >= reached && better {
                    witness = Some((*of, by, value));
                }
            }
        }
        match witness.filter(|_| !protected(name)) {
            Some((of, by, value)) => drop(removed.insert(name.clone(), (of.clone(), by, value))),
            None => kept.push((name, content)),
        }
    }
    removed
}

/// Section 5 of the contract, steps 1, 5 and 6, word for word and slow: who is removed because of whom.
fn decided(contents: &BTreeMap<Name, Content>) -> BTreeMap<Name, (Name, f64, bool)> {
    let mut order: Vec<(&Name, &Content)> = contents.iter().collect();
    order.sort_by_key(|(_, content)| std::cmp::Reverse(content.tokens));
    let mut kept: Vec<(&Name, &Content)> = Vec::new();
    let mut removed = BTreeMap::new();
    for (name, content) in order {
        let equal = kept.iter().find(|(_, other)| !content.whole.is_empty() && other.whole == content.whole);
        if let Some((of, _)) = equal {
            removed.insert(name.clone(), ((*of).clone(), 1.0, true));
            continue;
        }
        let mut best: Option<(&Name, f64)> = None;
        if !content.thin {
            for (of, other) in kept.iter().filter(|(_, other)| !other.thin) {
                let similarity = jaccard(content, other);
                if similarity >= 0.8 && best.is_none_or(|(_, most)| similarity > most) {
                    best = Some((of, similarity));
                }
            }
        }
        match best {
            Some((of, similarity)) => drop(removed.insert(name.clone(), (of.clone(), similarity, false))),
            None => kept.push((name, content)),
        }
    }
    removed
}

fn boilerplate_of(findings: &[Value]) -> BTreeMap<Name, Vec<(usize, usize)>> {
    let mut spans: BTreeMap<Name, Vec<(usize, usize)>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding["finding"] == "boilerplate") {
        let end = |end: &str| finding[end].as_u64().unwrap() as usize;
        spans.entry(name(finding)).or_default().push((end("start"), end("end")));
    }
    spans
}

fn duplicates_of(findings: &[Value]) -> BTreeMap<Name, (Name, f64, bool)> {
    let duplicates = findings.iter().filter(|finding| finding["finding"] == "duplicate");
    duplicates
        .map(|finding| {
            let exact = finding["exact"].as_bool().unwrap();
            (name(finding), (name(&finding["of"]), finding["jaccard"].as_f64().unwrap(), exact))
        })
        .collect()
}

/// Who is removed because of whom, by what, and how much of it, as the findings say.
fn decided_by(findings: &[Value]) -> BTreeMap<Name, (Name, &str, f64)> {
    let duplicates = findings.iter().filter(|finding| finding["finding"] == "duplicate");
    duplicates
        .map(|finding| {
            let by = finding["by"].as_str().unwrap();
            (name(finding), (name(&finding["of"]), by, finding[by].as_f64().unwrap()))
        })
        .collect()
}

/// What a finding of reuse says: its kind, `documents`, `sites`, `first` with the paragraph there, `jaccard`.
type Reused = (String, u64, u64, Option<(Name, u64)>, f64);

fn told_reused(findings: &[Value]) -> BTreeMap<(Name, u64), Reused> {
    let kind = |finding: &Value| finding["finding"].as_str().unwrap().to_owned();
    let reuse = findings.iter().filter(|finding| ["shared-lead", "reused"].contains(&kind(finding).as_str()));
    reuse
        .map(|finding| {
            let number = |name: &str| finding[name].as_u64().unwrap();
            let first = finding.get("first").map(|first| (name(first), first["paragraph"].as_u64().unwrap()));
            let told = (
                kind(finding),
                number("documents"),
                number("sites"),
                first,
                finding["jaccard"].as_f64().unwrap(),
            );
            ((name(finding), finding["paragraphs"][0].as_u64().unwrap()), told)
        })
        .collect()
}

/// The same by the contract, word for word and slow: every content paragraph of a kept document against each.
fn reused_by_force(documents: &BTreeMap<Name, Value>, findings: &[Value]) -> BTreeMap<(Name, u64), Reused> {
    let (removed, boilerplate) = (duplicates_of(findings), boilerplate_of(findings));
    let mut all = Vec::new(); // document, paragraph, its tokens
    let mut contents = Vec::new();
    for (name, record) in documents.iter().filter(|(name, _)| !removed.contains_key(*name)) {
        let text = record["text"].as_str().unwrap();
        for (paragraph, span) in paragraphs(text, ParagraphBreaks::Auto).into_iter().enumerate() {
            let inside = |&(from, to): &(usize, usize)| from <= span.start && span.end <= to;
            all.push((name, paragraph as u64, tokens(span.of(text))));
            if !boilerplate.get(name).is_some_and(|spans| spans.iter().any(inside)) {
                contents.extend(all.last().cloned());
            }
        }
    }
    let mut told = BTreeMap::new();
    for (name, paragraph, own) in contents.iter().filter(|(_, _, own)| own.len() >= 8) {
        let has = |other: &&(&Name, u64, Vec<String>)| jaccard_of_paragraphs(own, &other.2).is_some();
        let having: Vec<_> = all.iter().filter(has).collect();
        let whole = |name: &Name| tokens(documents[name]["text"].as_str().unwrap());
        let site = |name: &Name| site_of(&documents[name]);
        let texts: BTreeSet<Vec<String>> = having.iter().map(|other| whole(other.0)).collect();
        if texts.len() < 2 {
            continue;
        }
        let sites: BTreeSet<String> = having.iter().map(|other| site(other.0)).collect();
        let first = Some(having[0]).filter(|first| first.0 != *name);
        let jaccard = first.and_then(|first| jaccard_of_paragraphs(own, &first.2)).unwrap_or(1.0);
        let lead = contents.iter().find(|(of, _, tokens)| of == name && tokens.len() >= 12);
        let lead = lead.is_some_and(|(_, place, _)| place == paragraph && *place < 4);
        let kind = if lead { "shared-lead" } else { "reused" }.to_owned();
        let first = first.map(|first| (first.0.clone(), first.1));
        let reused = (kind, texts.len() as u64, sites.len() as u64, first, jaccard);
        told.insert(((*name).clone(), *paragraph), reused);
    }
    told
}

/// The similarity of two paragraphs, where one has the other.
fn jaccard_of_paragraphs(a: &[String], b: &[String]) -> Option<f64> {
    if a == b {
        return Some(1.0);
    }
    let [left, right] = [a, b].map(|tokens| tokens.windows(2).collect::<HashSet<_>>());
    let shared = left.intersection(&right).count();
    let jaccard = shared as f64 / (left.len() + right.len() - shared) as f64;
    (a.len() >= 20 && b.len() >= 20 && jaccard >= 0.8).then_some(jaccard)
}

fn site_of(record: &Value) -> String {
    record["url"].as_str().unwrap().split('/').nth(2).unwrap().to_owned()
}

/// 48, or what PROPTEST_CASES says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Guarantee 1, and steps 5 and 6: with every pair measured, the decisions are those of the slow and obvious way.
    #[test]
    fn decisions_are_those_of_brute_force(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        scratch.dedupe("run", &exact());
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let spans = boilerplate_of(&findings);
        let contents: BTreeMap<Name, Content> = documents(&scratch).0
            .iter()
            .map(|(name, record)| (name.clone(), content(record, spans.get(name).map_or(&[], Vec::as_slice))))
            .collect();
        prop_assert_eq!(duplicates_of(&findings), decided(&contents));
    }

    /// The same with `--min-containment`: what nothing kept is alike with goes because of the longer kept document that
    /// contains most of it, whatever the keep order, and nothing that is protected goes.
    #[test]
    fn decisions_with_containment_are_those_of_brute_force(
        corpus in corpus_of_excerpts(),
        percent in 50_u32..=100,
        key in 0_usize..3,
        protects in any::<bool>(),
    ) {
        let key = [KeepKey::Longest, KeepKey::Shortest, KeepKey::First][key].clone();
        let mut settings = with_containment(exact(), percent);
        settings.keep = KeepOrder(vec![key.clone()]);
        settings.protect.extend((0..10).filter(|_| protects).map(|number| format!("d{number}")));
        let scratch = Scratch::new(&corpus);
        scratch.dedupe("run", &settings);
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let (spans, documents) = (boilerplate_of(&findings), documents(&scratch).0);
        let contents: BTreeMap<Name, Content> = documents
            .iter()
            .map(|(name, record)| (name.clone(), content(record, spans.get(name).map_or(&[], Vec::as_slice))))
            .collect();
        let protected = |name: &Name| documents[name]["id"].as_str().is_some_and(|id| settings.protect.contains(id));
        let expected = decided_with_containment(&contents, &key, protected, f64::from(percent) / 100.0);
        prop_assert_eq!(decided_by(&findings), expected);
        let checked = verify(&scratch.path("run")).unwrap();
        prop_assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    }

    /// `pairs` with containment: those that are alike, and those of which the shorter one is contained in the longer one.
    #[test]
    fn pairs_with_containment_are_those_of_brute_force(corpus in corpus_of_excerpts(), percent in 50_u32..=100) {
        let scratch = Scratch::new(&corpus);
        let mut settings = with_containment(exact(), percent);
        settings.compare.content = pipeline::Content::All;
        let input = scratch.path("input").to_str().unwrap().to_owned();
        let inputs = find_shards(&[input], None, scratch.dir.path()).unwrap();
        let mut found = Vec::new();
        let each = |pair: PairRecord| {
            let [a, b] = [pair.a, pair.b].map(|reference| (reference.shard, reference.ordinal));
            found.push((a, b, pair.jaccard, pair.containment));
            Ok(())
        };
        pipeline::pairs(&inputs, &settings, each, &Means::unbounded().unwrap(), &Silent).unwrap();
        let contents: Vec<(Name, Content)> =
            documents(&scratch).0.into_iter().map(|(name, record)| (name, content(&record, &[]))).collect();
        let mut expected = Vec::new();
        for (place, (name, one)) in contents.iter().enumerate() {
            for (other_name, other) in &contents[place + 1..] {
                let (part, whole) = if one.tokens < other.tokens { (one, other) } else { (other, one) };
                let contained = part.tokens < whole.tokens && containment(part, whole) >= f64::from(percent) / 100.0;
                if contained || jaccard(one, other) >= 0.8 {
                    let containment = containment(one, other).max(containment(other, one));
                    expected.push((name.clone(), other_name.clone(), jaccard(one, other), containment));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// Guarantee 1 by samples: whoever is removed by containment is shorter than a kept document that contains it.
    #[test]
    fn what_is_contained_has_a_kept_witness(corpus in corpus_of_excerpts(), percent in 50_u32..=100) {
        let scratch = Scratch::new(&corpus);
        scratch.dedupe("run", &with_containment(Settings::default(), percent));
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let (spans, duplicates) = (boilerplate_of(&findings), duplicates_of(&findings));
        let documents = documents(&scratch).0;
        let content = |name: &Name| content(&documents[name], spans.get(name).map_or(&[], Vec::as_slice));
        for finding in findings.iter().filter(|finding| finding["by"] == "containment") {
            let (document, of) = (name(finding), name(&finding["of"]));
            prop_assert!(!duplicates.contains_key(&of), "{:?} is removed because of {:?}, which is removed", document, of);
            let (own, witness) = (content(&document), content(&of));
            let measured = containment(&own, &witness);
            prop_assert!(measured >= f64::from(percent) / 100.0 && jaccard(&own, &witness) < 0.8);
            prop_assert!((measured - finding["containment"].as_f64().unwrap()).abs() < 1e-12);
            prop_assert!(own.tokens < witness.tokens && !own.thin && !witness.thin);
        }
    }

    /// Step 8 of section 5 over kept documents: shared leads and reused paragraphs, with every pair measured.
    #[test]
    fn what_is_reused_is_that_of_brute_force(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        scratch.dedupe("run", &Settings::default());
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        prop_assert_eq!(told_reused(&findings), reused_by_force(&documents(&scratch).0, &findings));
    }

    /// Guarantee 1 by signatures: every witness is kept and as similar as it is said to be.
    #[test]
    fn every_duplicate_has_a_kept_witness(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        scratch.dedupe("run", &Settings::default());
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let (spans, duplicates) = (boilerplate_of(&findings), duplicates_of(&findings));
        let documents = documents(&scratch).0;
        let content = |name: &Name| content(&documents[name], spans.get(name).map_or(&[], Vec::as_slice));
        for (document, (of, similarity, exact)) in &duplicates {
            prop_assert!(!duplicates.contains_key(of), "{:?} is removed because of {:?}, which is removed", document, of);
            let (own, witness) = (content(document), content(of));
            let measured = if *exact { 1.0 } else { jaccard(&own, &witness) };
            prop_assert!(*similarity >= 0.8 && (measured - similarity).abs() < 1e-12);
            prop_assert!(!*exact || own.whole == witness.whole);
        }
    }

    /// Guarantees 2 and 3: everything is accounted for, what stays is untouched, and all of it comes back.
    #[test]
    fn nothing_is_lost_and_nothing_kept_changes(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        let summary = scratch.dedupe("run", &Settings::default());
        let (readable, rejected) = documents(&scratch);
        let count = summary.documents;
        prop_assert_eq!(count.read, readable.len() as u64 + rejected);
        prop_assert_eq!(count.rejected, rejected);
        prop_assert_eq!(count.kept + count.removed + count.rejected, count.read);
        let bytes = summary.bytes;
        prop_assert_eq!(bytes.read, scratch.shards.iter().map(Vec::len).sum::<usize>() as u64);
        prop_assert_eq!(bytes.kept + bytes.removed + bytes.stripped + bytes.rejected + bytes.framing, bytes.read);
        let mut kept = 0;
        for (number, input) in scratch.shards.iter().enumerate() {
            let output = fs::read(scratch.path("run").join(format!("corpus/{number}.jsonl"))).unwrap();
            kept += output.len() as u64;
            let mut lines = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input).split_inclusive(|byte| *byte == b'\n');
            for line in output.split_inclusive(|byte| *byte == b'\n') {
                prop_assert!(lines.any(|read| read == line), "a kept record is none of the input's, or out of order");
            }
        }
        prop_assert_eq!(kept, bytes.kept);
        pipeline::restore(&scratch.path("run"), &scratch.path("back")).unwrap();
        for (number, input) in scratch.shards.iter().enumerate() {
            prop_assert_eq!(&fs::read(scratch.path("back").join(format!("{number}.jsonl"))).unwrap(), input);
        }
        let checked = verify(&scratch.path("run")).unwrap();
        prop_assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    }

    /// Guarantee 4: threads and the sizes of reads change no byte.
    #[test]
    fn the_same_input_gives_the_same_bytes(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        let answers = |name: &str, threads: usize, chunk_bytes: usize| {
            let read = ReadSettings { chunk_bytes, ..ReadSettings::default() };
            let settings = Settings { read, ..Settings::default() };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| scratch.dedupe(name, &settings));
            let run = scratch.path(name);
            let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for number in 0..scratch.shards.len() {
                for file in ["findings/{}.jsonl.jsonl", "corpus/{}.jsonl", "removed/{}.jsonl"] {
                    let file = file.replace("{}", &number.to_string());
                    files.insert(file.clone(), fs::read(run.join(file)).unwrap());
                }
            }
            for file in ["clusters.jsonl", "templates.jsonl", "rejected.jsonl"] {
                files.insert(file.to_owned(), fs::read(run.join(file)).unwrap());
            }
            files
        };
        let one = answers("one", 1, 1 << 20);
        prop_assert!(one == answers("many", 3, 1 << 20), "threads");
        prop_assert!(one == answers("small", 2, 100), "chunks");
    }

    /// `--within`: no document is removed because of one that differs in the field.
    #[test]
    fn nothing_is_compared_across_within(corpus in corpus()) {
        let scratch = Scratch::new(&corpus);
        let mut settings = exact();
        settings.fields.within = Some("dump".to_owned());
        scratch.dedupe("run", &settings);
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let documents = documents(&scratch).0;
        for (document, (of, ..)) in duplicates_of(&findings) {
            prop_assert_eq!(&documents[&document]["dump"], &documents[&of]["dump"]);
        }
    }
}

/// A run that has everything: duplicates near and exact, a footer, rejected and blank lines.
fn good_run() -> Scratch {
    let document = |site, paragraphs: &[u8], edit, own| Line::Document {
        site,
        paragraphs: paragraphs.to_vec(),
        edit,
        own,
        id: None,
        dump: 0,
    };
    let mut lines: Vec<Line> =
        (0..8).map(|own| document(0, &[2 + (own % 2) as u8, 6], None, Some(own))).collect();
    lines.extend([
        document(0, &[2, 6], None, Some(0)),
        document(0, &[2, 0, 0, 6], None, Some(20)),
        Line::Garbage(1),
        Line::Blank,
        document(1, &[3, 0, 2], Some(3), None),
        document(1, &[3, 0, 2], Some(40), None),
        document(1, &[3, 0, 2], None, None),
        document(1, &[3, 0, 2], None, None),
    ]);
    let scratch = Scratch::new(&[lines]);
    let summary = scratch.dedupe("run", &Settings::default());
    assert!(summary.documents.removed > 2 && summary.documents.rejected == 1, "{:?}", summary.documents);
    assert!(summary.templates > 0);
    scratch
}

/// Rewrites a file of DIR line by line: `change` sees each record and says whether it stays.
fn rewrite(run: &Path, file: &str, mut change: impl FnMut(usize, &mut Value) -> bool) {
    let path = run.join(file);
    let mut out = String::new();
    for (number, mut record) in records(&path).into_iter().enumerate() {
        if change(number, &mut record) {
            out += &(record.to_string() + "\n");
        }
    }
    fs::write(path, out).unwrap();
}

fn rewrite_summary(run: &Path, change: impl FnOnce(&mut Value)) {
    let path = run.join("summary.json");
    let mut summary: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut summary);
    fs::write(path, summary.to_string()).unwrap();
}

/// Makes the checksums right again, as somebody would who wants to go unnoticed.
fn seal(run: &Path) {
    rewrite_summary(run, |summary| {
        for file in summary["files"].as_array_mut().unwrap() {
            let bytes = fs::read(run.join(file["path"].as_str().unwrap())).unwrap();
            file["bytes"] = json!(bytes.len());
            file["hash"] = json!(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes)));
        }
    });
}

fn drop_line(run: &Path, file: &str, number: usize) {
    rewrite(run, file, |line, _| line != number);
}

#[test]
fn verify_passes_a_good_run() {
    let scratch = good_run();
    let checked = verify(&scratch.path("run")).unwrap();
    assert_eq!(checked.faults, [""; 0]);
    assert!(checked.witnesses > 2);
}

/// A change to a run's folder, and what `verify` must say of it.
type Fault = (&'static str, fn(&Path), &'static str);

#[test]
fn verify_names_planted_faults() {
    let faults: &[Fault] = &[
        ("a kept record is gone", |run| drop_line(run, "corpus/0.jsonl", 0), "do not fit together"),
        (
            "a byte of a kept record is another",
            |run| {
                let path = run.join("corpus/0.jsonl");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, text.replacen("harbour", "harbouR", 1)).unwrap();
            },
            "is not what was read",
        ),
        (
            "kept records change places",
            |run| {
                let path = run.join("corpus/0.jsonl");
                let text = fs::read_to_string(&path).unwrap();
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                lines.swap(0, 1);
                fs::write(&path, lines.concat()).unwrap();
            },
            "is not what was read",
        ),
        ("a removed record is gone", |run| drop_line(run, "removed/0.jsonl", 0), "do not fit together"),
        (
            "a removed record is another",
            |run| {
                rewrite(run, "removed/0.jsonl", |line, record| {
                    if line < 9 {
                        record["raw"] = json!(record["raw"].as_str().unwrap().replacen("baker", "maker", 1));
                    }
                    true
                });
            },
            "is not what was read",
        ),
        (
            "a witness is no kept document",
            |run| {
                let duplicates: Vec<Value> = records(&run.join("findings/0.jsonl.jsonl"))
                    .into_iter()
                    .filter(|finding| finding["finding"] == "duplicate")
                    .collect();
                let last = duplicates[duplicates.len() - 1].clone();
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if *finding == duplicates[0] {
                        finding["of"]["ordinal"] = last["ordinal"].clone();
                    }
                    true
                });
                seal(run);
            },
            "was not kept",
        ),
        (
            "a similarity is another",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if finding["finding"] == "duplicate" && finding["exact"] == false {
                        finding["jaccard"] = json!(0.99);
                    }
                    true
                });
                seal(run);
            },
            "measured again",
        ),
        (
            "a near-duplicate is called exact",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if finding["finding"] == "duplicate" {
                        finding["exact"] = json!(true);
                        finding["jaccard"] = json!(1.0);
                        finding["containment"] = json!(1.0);
                    }
                    true
                });
                seal(run);
            },
            "exact copy",
        ),
        (
            "a removal without a finding",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| finding["finding"] != "duplicate");
                seal(run);
            },
            "no finding says why",
        ),
        (
            "the summary counts wrong",
            |run| rewrite_summary(run, |summary| summary["documents"]["kept"] = json!(99)),
            "documents",
        ),
        (
            "the summary counts bytes wrong",
            |run| rewrite_summary(run, |summary| summary["bytes"]["kept"] = json!(99)),
            "bytes",
        ),
        (
            "a cluster has lost a member",
            |run| {
                rewrite(run, "clusters.jsonl", |_, cluster| {
                    cluster["members"].as_array_mut().unwrap().pop();
                    true
                });
                seal(run);
            },
            "is not in the cluster",
        ),
        (
            "a finding is gone",
            |run| drop_line(run, "findings/0.jsonl.jsonl", 3),
            "not the file that the run wrote",
        ),
        (
            "a template is gone",
            |run| {
                fs::write(run.join("templates.jsonl"), "").unwrap();
                seal(run);
            },
            "no template",
        ),
        (
            "a rejected record is not told",
            |run| {
                fs::write(run.join("rejected.jsonl"), "").unwrap();
                seal(run);
            },
            "rejected.jsonl",
        ),
        (
            "a file more in corpus",
            |run| fs::write(run.join("corpus/more.jsonl"), "{}\n").unwrap(),
            "is no shard",
        ),
        (
            "a similarity is below the threshold",
            |run| rewrite_summary(run, |summary| summary["settings"]["min-similarity"] = json!(0.999)),
            "below 0.999",
        ),
        (
            "a witness differs in --within",
            |run| rewrite_summary(run, |summary| summary["settings"]["within"] = json!("text")),
            "another value of the --within field",
        ),
        (
            "a near-duplicate has no content",
            |run| {
                let near = records(&run.join("findings/0.jsonl.jsonl"))
                    .into_iter()
                    .find(|finding| finding["finding"] == "duplicate" && finding["exact"] == false)
                    .unwrap();
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if finding["finding"] == "boilerplate" {
                        finding["ordinal"] = near["ordinal"].clone();
                        (finding["start"], finding["end"]) = (json!(0), json!(1 << 20));
                    }
                    true
                });
                seal(run);
            },
            "too little content",
        ),
        (
            "a thin document has more tokens than are told",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if finding["finding"] == "thin" {
                        finding["content_tokens"] = json!(finding["content_tokens"].as_u64().unwrap() + 1);
                    }
                    true
                });
                seal(run);
            },
            "is called thin",
        ),
        (
            "a finding is gone, and its checksum with it",
            |run| {
                drop_line(run, "findings/0.jsonl.jsonl", 3);
                seal(run);
            },
            "of kind",
        ),
        (
            "a cluster has another size",
            |run| {
                rewrite(run, "clusters.jsonl", |_, cluster| {
                    cluster["size"] = json!(99);
                    true
                });
                seal(run);
            },
            "is not its members and one",
        ),
        (
            "a member of a cluster is no duplicate",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| finding["finding"] != "duplicate");
                seal(run);
            },
            "no finding calls it a duplicate",
        ),
        (
            "a kept document is called a duplicate",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    if finding["finding"] == "duplicate" {
                        finding["ordinal"] = json!(0);
                    }
                    true
                });
                seal(run);
            },
            "stands in corpus/",
        ),
        (
            "findings speak of a rejected record",
            |run| {
                let rejected = records(&run.join("rejected.jsonl"))[0]["record"].clone();
                rewrite(run, "findings/0.jsonl.jsonl", |line, finding| {
                    if line == 0 {
                        finding["ordinal"] = rejected.clone();
                    }
                    true
                });
                seal(run);
            },
            "could not be read, but findings speak of it",
        ),
        (
            "a finding names another document",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
                    finding["doc"] = json!("another");
                    true
                });
                seal(run);
            },
            "another text or id",
        ),
        (
            "the summary's sums are wrong",
            |run| rewrite_summary(run, |summary| summary["documents"]["kept"] = json!(99)),
            "are not",
        ),
        (
            "the summary's sums are right, its parts are not",
            |run| {
                rewrite_summary(run, |summary| {
                    let documents = &mut summary["documents"];
                    let [kept, removed] = ["kept", "removed"].map(|part| documents[part].as_u64().unwrap());
                    documents["kept"] = json!(kept + 1);
                    documents["removed"] = json!(removed - 1);
                });
            },
            "but DIR holds",
        ),
        ("removed is gone", |run| fs::remove_dir_all(run.join("removed")).unwrap(), "removed"),
    ];
    for (what, plant, said) in faults {
        let scratch = good_run();
        let run = scratch.path("run");
        plant(&run);
        let checked = verify(&run).unwrap();
        let named = checked.faults.iter().any(|fault| fault.contains(said));
        assert!(named, "{what}: verify says {:?}", checked.faults);
    }
}

/// The same with a document that a longer one contains.
fn good_run_with_containment() -> Scratch {
    let window = |start, length| Line::Window { start, length };
    let scratch = Scratch::new(&[vec![window(0, 60), window(20, 60), window(68, 14), window(18, 60)]]);
    let summary = scratch.dedupe("run", &with_containment(Settings::default(), 80));
    assert_eq!(summary.documents.removed, 2, "{:?}", summary.documents);
    scratch
}

/// Changes the findings by this measure.
fn change_duplicates(run: &Path, by: &str, change: impl Fn(&mut Value)) {
    let mut changed = 0;
    rewrite(run, "findings/0.jsonl.jsonl", |_, finding| {
        if finding["by"] == by {
            change(finding);
            changed += 1;
        }
        true
    });
    assert!(changed > 0, "no duplicate by {by}");
    seal(run);
}

#[test]
fn verify_names_planted_faults_of_containment() {
    let faults: &[Fault] = &[
        (
            "a containment is below the threshold",
            |run| rewrite_summary(run, |summary| summary["settings"]["min-containment"] = json!(1.0)),
            "below 1, in",
        ),
        (
            "nobody asked for containment",
            |run| rewrite_summary(run, |summary| summary["settings"]["min-containment"] = json!(null)),
            "was not asked for containment",
        ),
        (
            "a containment is another",
            |run| change_duplicates(run, "containment", |finding| finding["containment"] = json!(0.99)),
            "measured again",
        ),
        (
            "a contained document is called similar",
            |run| change_duplicates(run, "containment", |finding| finding["by"] = json!("jaccard")),
            "below 0.8",
        ),
        (
            "a similar document is called contained",
            |run| change_duplicates(run, "jaccard", |finding| finding["by"] = json!("containment")),
            "not below 0.8",
        ),
        (
            "a document that is no shorter is called contained",
            |run| {
                change_duplicates(run, "jaccard", |finding| finding["by"] = json!("containment"));
                rewrite_summary(run, |summary| summary["settings"]["min-similarity"] = json!(0.99));
            },
            "is not shorter than",
        ),
        (
            "a contained document is called exact",
            |run| {
                change_duplicates(run, "containment", |finding| {
                    finding["exact"] = json!(true);
                    finding["jaccard"] = json!(1.0);
                    finding["containment"] = json!(1.0);
                });
            },
            "exact copy",
        ),
        (
            "a container is no kept document",
            |run| {
                let removed = records(&run.join("findings/0.jsonl.jsonl"))
                    .into_iter()
                    .find(|finding| finding["by"] == "jaccard")
                    .unwrap();
                let ordinal = removed["ordinal"].as_u64().unwrap();
                change_duplicates(run, "containment", |finding| finding["of"]["ordinal"] = json!(ordinal));
            },
            "was not kept",
        ),
    ];
    for (what, plant, said) in faults {
        let scratch = good_run_with_containment();
        let run = scratch.path("run");
        assert_eq!(verify(&run).unwrap().faults, [""; 0]);
        plant(&run);
        let checked = verify(&run).unwrap();
        let named = checked.faults.iter().any(|fault| fault.contains(said));
        assert!(named, "{what}: verify says {:?}", checked.faults);
    }
}

#[test]
fn only_a_run_of_ours_is_replaced_and_only_by_force() {
    let scratch = good_run();
    let input = scratch.path("input").to_str().unwrap().to_owned();
    let inputs = find_shards(&[input], None, scratch.dir.path()).unwrap();
    let run = |dir: &Path, force| {
        let target = Target { dir, force };
        pipeline::run(
            &inputs,
            &Settings::default(),
            Guards::default(),
            Job::Scan,
            target,
            &Means::unbounded().unwrap(),
            &Silent,
        )
        .map(|summary| summary.command)
        .map_err(|error| error.to_string())
    };
    let earlier = scratch.path("run");
    assert!(run(&earlier, false).unwrap_err().contains("--force"));
    assert!(earlier.join("corpus").is_dir());
    assert_eq!(run(&earlier, true).unwrap(), "scan");
    assert!(!earlier.join("corpus").exists());

    let foreign = scratch.path("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    for force in [false, true] {
        assert!(run(&foreign, force).unwrap_err().contains("not dittograph's"));
        assert!(foreign.join("thesis.txt").is_file());
    }
    let left: Vec<_> =
        fs::read_dir(scratch.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("unfinished")), "{left:?}");
}

/// Numbers for `own_words` whose first and last 40 words are alike at exactly the threshold and pass the prefilter, but
/// share no band: one in 70,000 does. Such a pair is not found, with whatever its documents are looked up together.
const MISSED_BY_BANDS: [u32; 3] = [397_085, 536_896, 745_919];

/// The two texts of such a number.
fn missed_by_bands(number: u32) -> (String, String) {
    let words = own_words(number);
    let (first, last) = (&words[..40], &words[4..44]);
    let mut signatures = Signatures::new(Screening::for_similarity(0.8).unwrap(), 0);
    for words in [first, last] {
        let hashes: Vec<u64> = words.iter().map(|word| token_hash(word, 0)).collect();
        signatures.push(&ShingleSet::of_tokens(&hashes, CompareSettings::default().shingle_tokens, 0));
    }
    let bands = usize::from(signatures.screening().banding.bands);
    let share_a_band = (0..bands).any(|band| signatures.keys(band)[0] == signatures.keys(band)[1]);
    let pass = signatures.screening().prefilter.passes(signatures.bytes(0), signatures.bytes(1));
    assert!(pass && !share_a_band, "the hashes are others now: seek other numbers than {number}");
    (first.join(" "), last.join(" "))
}

/// 60 words that no other number has.
fn own_words(number: u32) -> Vec<String> {
    let name: String = number.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect();
    (0..60).map(|place| format!("{name}x{}", word(place))).collect()
}

/// Guarantee 1 over several blocks: of three documents one is a window of one text, and often has a less similar witness
/// in an earlier block than in its own, and a removed document that would be a better one still.
#[test]
fn decisions_over_several_blocks_are_those_of_brute_force() {
    let text = |number: u32| match number % 3 {
        0 => (0..60).map(|place| word((number / 3 * 17 % 191) as u8 + place)).collect::<Vec<_>>().join(" "),
        _ => own_words(number).join(" "),
    };
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..192).map(|number| json!({ "text": text(number) }).to_string()).collect();
    let bytes = lines.join("\n").into_bytes();
    fs::create_dir(dir.path().join("input")).unwrap();
    fs::write(dir.path().join("input/0.jsonl"), &bytes).unwrap();
    let scratch = Scratch { dir, shards: vec![bytes] };
    scratch.dedupe("run", &exact());
    let findings = findings(&scratch.path("run"), 1);
    assert!(boilerplate_of(&findings).is_empty());
    let contents =
        documents(&scratch).0.into_iter().map(|(name, record)| (name, content(&record, &[]))).collect();
    let expected = decided(&contents);
    assert!(expected.len() > 30);
    assert_eq!(duplicates_of(&findings), expected);
}

/// The same with containment: windows of one text, among documents of their own, so that what contains a window, or more
/// of it, stands in an earlier block, in its own, or in both.
#[test]
fn containment_over_several_blocks_is_that_of_brute_force() {
    let mut contained = BTreeMap::new();
    for seed in 0..6_u32 {
        let drawn =
            |number: u32, below: u32| (number + 1000 * seed).wrapping_mul(2_654_435_761) / 7919 % below;
        let text = |number: u32| match number % 3 {
            0 => own_words(number)[..20].join(" "),
            _ => {
                let (start, length) = (drawn(number, 180) as u8, 8 + drawn(2 * number, 60) as u8);
                (0..length).map(|place| word(start + place)).collect::<Vec<_>>().join(" ")
            }
        };
        let dir = tempfile::tempdir().unwrap();
        let lines: Vec<String> = (0..150).map(|number| json!({ "text": text(number) }).to_string()).collect();
        let bytes = lines.join("\n").into_bytes();
        fs::create_dir(dir.path().join("input")).unwrap();
        fs::write(dir.path().join("input/0.jsonl"), &bytes).unwrap();
        let scratch = Scratch { dir, shards: vec![bytes] };
        let contents: BTreeMap<Name, Content> =
            documents(&scratch).0.into_iter().map(|(name, record)| (name, content(&record, &[]))).collect();
        for key in [KeepKey::Longest, KeepKey::First, KeepKey::Shortest] {
            let mut settings = with_containment(exact(), 80);
            settings.keep = KeepOrder(vec![key.clone()]);
            scratch.dedupe(&key.to_string(), &settings);
            let findings = findings(&scratch.path(&key.to_string()), 1);
            assert!(boilerplate_of(&findings).is_empty());
            let expected = decided_with_containment(&contents, &key, |_| false, 0.8);
            let count = expected.values().filter(|(_, by, _)| *by == "containment").count();
            *contained.entry(key.to_string()).or_insert(0) += count;
            assert_eq!(decided_by(&findings), expected, "{key}, seed {seed}");
        }
    }
    assert!(
        contained["longest"] > 100 && contained["first"] > 50 && contained["shortest"] == 0,
        "{contained:?}"
    );
}

/// The records as one shard, each on a site of its own.
fn one_shard(texts: &[String]) -> Scratch {
    let dir = tempfile::tempdir().unwrap();
    let record = |(number, text): (usize, &String)| {
        json!({ "id": format!("d{number}"), "url": format!("https://site{number}.example/"), "text": text })
            .to_string()
    };
    let bytes = texts.iter().enumerate().map(record).collect::<Vec<_>>().join("\n").into_bytes();
    fs::create_dir(dir.path().join("input")).unwrap();
    fs::write(dir.path().join("input/0.jsonl"), &bytes).unwrap();
    Scratch { dir, shards: vec![bytes] }
}

/// So many forms of one paragraph that not all are held against each other: the later ones count like the first, and one
/// that is alike with one of the later ones alone is not lost.
#[test]
fn a_crowd_counts_like_its_first_and_loses_nobody() {
    let form = |changes: &[(usize, String)]| {
        let mut form: Vec<String> =
            (0..40).map(|place| word(200).repeat(1 + place / 20) + &word(place as u8)).collect();
        changes.iter().for_each(|(place, token)| form[*place].clone_from(token));
        form.join(" ")
    };
    let counter = |number: usize| (10, format!("number{number}"));
    let edit = |place: usize| (place, format!("edited{place}"));
    let mut forms: Vec<String> = (0..150).map(|number| form(&[counter(number)])).collect();
    forms.push(form(&[counter(150), edit(20)]));
    forms.push(form(&[counter(151), edit(20), edit(30)]));
    let texts: Vec<String> = forms
        .iter()
        .zip(0..)
        .map(|(form, number)| {
            format!("{}\n\n{form}\n\n{}", own_words(number).join(" "), own_words(1000 + number).join(" "))
        })
        .collect();
    let scratch = one_shard(&texts);
    scratch.dedupe("run", &Settings::default());
    let findings = findings(&scratch.path("run"), 1);
    let told = told_reused(&findings);
    assert_eq!(told.len(), 152, "{findings:?}");
    let name = |ordinal: u64| ("0.jsonl".to_owned(), ordinal);
    for ((document, paragraph), (kind, documents, sites, first, jaccard)) in told {
        let of = |first: Option<u64>| first.map(|ordinal| (name(ordinal), 1));
        let expected = match document.1 {
            0 => (151, of(None), 1.0),
            151 => (2, of(Some(150)), 35.0 / 43.0),
            150 => (151, of(Some(0)), 35.0 / 43.0),
            _ => (151, of(Some(0)), 37.0 / 41.0),
        };
        assert_eq!((kind.as_str(), paragraph), ("reused", 1));
        assert_eq!((documents, first, jaccard), expected, "{document:?}");
        assert_eq!(sites, documents);
    }
}

#[test]
fn equal_texts_that_are_kept_reuse_nothing() {
    let text = own_words(1).join(" ");
    let scratch = one_shard(&[text.clone(), text.to_uppercase(), own_words(2).join(" ")]);
    let protect = ["d0", "d1"].map(str::to_owned).into();
    let summary = scratch.dedupe("run", &Settings { protect, ..Settings::default() });
    assert_eq!(
        (summary.documents.kept, summary.findings["reused"], summary.findings["shared-lead"]),
        (3, 0, 0)
    );
}

/// Guarantee 4 where documents that are looked up together could be paired for that alone: a pair that bands miss is missed
/// wherever its documents stand, and one that they find is found.
#[test]
fn pairs_that_bands_miss_are_missed_in_blocks_and_batches_of_any_size() {
    let distances = [20, 40, 100];
    let mut texts: Vec<String> =
        (0..120).map(|number| own_words(1_000_000 + number)[..40].join(" ")).collect();
    for (place, (distance, (first, last))) in
        distances.into_iter().zip(MISSED_BY_BANDS.map(missed_by_bands)).enumerate()
    {
        texts[place] = first;
        texts[place + distance] = last;
        let found = own_words(2_000_000 + place as u32);
        texts[10 + place] = found[..40].join(" ");
        texts[10 + place + distance] = found[2..42].join(" ");
    }
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = texts.iter().map(|text| json!({ "text": text }).to_string()).collect();
    fs::create_dir(dir.path().join("input")).unwrap();
    fs::write(dir.path().join("input/0.jsonl"), lines.join("\n")).unwrap();
    let scratch = Scratch { dir, shards: Vec::new() };
    let expected: Vec<u64> =
        distances.iter().zip(10..).map(|(distance, place)| (place + distance) as u64).collect();
    for (threads, block, memory_bytes) in
        [(1, 64, usize::MAX), (3, 64, usize::MAX), (2, 1, usize::MAX), (2, 200, 0), (3, 50, 20_000)]
    {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let name = format!("run-{threads}-{block}-{memory_bytes}");
        let mut settings = Settings::default();
        settings.compare.limits = CompareLimits { memory_bytes, block, ..CompareLimits::default() };
        pool.install(|| scratch.dedupe(&name, &settings));
        let removed = duplicates_of(&findings(&scratch.path(&name), 1));
        let removed: Vec<u64> = removed.into_keys().map(|(_, ordinal)| ordinal).collect();
        assert_eq!(removed, expected, "{name}");
    }
}

#[test]
fn byte_order_marks_of_text_files_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    fs::create_dir(&input).unwrap();
    let text = format!("{}\n", own_words(1)[..40].join(" "));
    let files = [("a.txt", "\u{feff}"), ("b.txt", ""), ("c.txt", "\u{feff}")]
        .map(|(name, mark)| (name, mark.to_owned() + &text));
    for (name, text) in &files {
        fs::write(input.join(name), text).unwrap();
    }
    let scratch = Scratch { dir, shards: Vec::new() };
    let summary = scratch.dedupe("run", &Settings::default());
    assert_eq!((summary.documents.kept, summary.documents.removed), (1, 2));
    pipeline::restore(&scratch.path("run"), &scratch.path("back")).unwrap();
    for (name, text) in &files {
        assert_eq!(fs::read_to_string(scratch.path("back/input").join(name)).unwrap(), *text, "{name}");
    }
}

#[test]
fn a_changed_run_is_not_restored() {
    let scratch = good_run();
    let path = scratch.path("run/corpus/0.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let changed = text.replacen("baker", "maker", 1);
    assert_ne!(text, changed);
    fs::write(&path, changed).unwrap();
    let error = pipeline::restore(&scratch.path("run"), &scratch.path("back")).unwrap_err().to_string();
    assert!(error.contains("is not what was read"), "{error}");
    assert!(!scratch.path("back").exists());
}

#[test]
fn a_run_without_a_summary_is_not_finished() {
    let scratch = good_run();
    fs::remove_file(scratch.path("run/summary.json")).unwrap();
    let error = verify(&scratch.path("run")).unwrap_err().to_string();
    assert!(error.contains("not finished"), "{error}");
    let error = pipeline::restore(&scratch.path("run"), &scratch.path("back")).unwrap_err().to_string();
    assert!(error.contains("not finished"), "{error}");
}

#[test]
fn the_random_corpora_hold_what_the_laws_speak_of() {
    // The laws above are worth nothing over corpora without templates, duplicates, repeats or broken lines.
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    for _ in 0..32 {
        let corpus = corpus().new_tree(&mut runner).unwrap().current();
        let scratch = Scratch::new(&corpus);
        let summary = scratch.dedupe("run", &Settings::default());
        let findings = findings(&scratch.path("run"), scratch.shards.len());
        let near = told_reused(&findings).into_values().any(|(_, _, _, _, jaccard)| jaccard < 1.0);
        kinds.extend(near.then(|| "near".to_owned()));
        kinds.extend(summary.findings.into_iter().filter(|(_, count)| *count > 0).map(|(kind, _)| kind));
        kinds.extend((summary.documents.rejected > 0).then(|| "rejected".to_owned()));
        kinds.extend((summary.bytes.framing > 0).then(|| "framing".to_owned()));
    }
    for kind in
        ["boilerplate", "duplicate", "repeated-lead", "shared-lead", "reused", "near", "rejected", "framing"]
    {
        assert!(kinds.contains(kind), "no {kind} in 32 corpora: {kinds:?}");
    }
}
