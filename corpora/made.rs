//! `scripts/make-corpus` says the truth: what it plants is what it tells, by brute force, and a run finds it.

#[path = "../scripts/corpus/mod.rs"]
mod corpus;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;

use corpus::{Corpus, Output, Packing, Settings, Shares, write};
use dittograph::corpus::find_shards;
use dittograph::findings::PairRecord;
use dittograph::pipeline::{self, Guards, Job, Means, Silent, Target};
use dittograph::shingle::{ShingleSet, token_hash};
use dittograph::text::{ParagraphBreaks, paragraphs, tokens};
use dittograph::verify::overlap;
use serde_json::Value;
use tempfile::TempDir;

struct Made(TempDir);

fn make(settings: &Settings, documents: u64, change: impl FnOnce(&mut Output)) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let mut output = Output {
        folder: folder.path().to_owned(),
        documents,
        shards: 1,
        packing: Packing::Plain,
        threads: 2,
    };
    change(&mut output);
    write(&Corpus::new(settings), &output).unwrap();
    Made(folder)
}

impl Made {
    /// All files below the folder, and what they hold.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let folders = ["corpus", "truth"].map(|folder| fs::read_dir(self.0.path().join(folder)).unwrap());
        let entries = folders.into_iter().flatten().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name().to_str().unwrap().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    fn lines(&self, path: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.0.path().join(path)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records by their ids.
    fn records(&self) -> HashMap<String, Value> {
        let records = self.lines("corpus/part-00000.jsonl");
        records.into_iter().map(|record| (text_of(&record, "id"), record)).collect()
    }

    /// The contents by the ids of their documents.
    fn contents(&self) -> HashMap<String, String> {
        let records = self.records();
        let content = |line: Value| {
            let id = text_of(&line, "doc");
            let [start, end] = [0, 1].map(|end| line["content"][end].as_u64().unwrap() as usize);
            let content = text_of(&records[&id], "text")[start..end].to_owned();
            (id, content)
        };
        self.lines("truth/boilerplate.jsonl").into_iter().map(content).collect()
    }

    fn inputs(&self) -> dittograph::corpus::Inputs {
        let place = self.0.path().join("corpus").to_str().unwrap().to_owned();
        find_shards(&[place], None, Path::new("")).unwrap()
    }
}

#[track_caller]
fn text_of(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap().to_owned()
}

fn runs_of_five(text: &str) -> HashSet<Vec<String>> {
    let tokens = tokens(text);
    tokens.windows(5.min(tokens.len().max(1))).map(<[String]>::to_vec).collect()
}

fn jaccard(a: &HashSet<Vec<String>>, b: &HashSet<Vec<String>>) -> f64 {
    let shared = a.intersection(b).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

#[test]
fn the_same_seed_makes_the_same_bytes_with_any_number_of_threads() {
    let settings = Settings::default();
    let one = make(&settings, 5_000, |output| output.threads = 1);
    let three = make(&settings, 5_000, |output| output.threads = 3);
    assert_eq!(one.files(), three.files());
    let other = make(&Settings { seed: 1, ..settings }, 5_000, |_| {});
    assert_ne!(one.files()["part-00000.jsonl"], other.files()["part-00000.jsonl"]);
}

#[test]
fn a_corpus_begins_with_every_smaller_one() {
    let [small, large] = [700, 5_000].map(|documents| make(&Settings::default(), documents, |_| {}).files());
    for (name, bytes) in small.iter().filter(|(name, _)| *name != "templates.jsonl") {
        assert!(large[name].starts_with(bytes), "{name}");
    }
}

#[test]
fn shards_and_packing_change_no_record() {
    let plain = make(&Settings::default(), 700, |_| {}).files();
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let change = |output: &mut Output| (output.shards, output.packing) = (3, packing);
        let files = make(&Settings::default(), 700, change).files();
        let shards: Vec<&Vec<u8>> =
            files.iter().filter(|(name, _)| name.starts_with("part-")).map(|(_, bytes)| bytes).collect();
        assert_eq!(shards.len(), 3);
        let all: Vec<u8> = shards.into_iter().flat_map(|bytes| unpacked(bytes, packing)).collect();
        assert!(all == plain["part-00000.jsonl"], "{packing:?}");
        assert_eq!(files["pairs.jsonl"], plain["pairs.jsonl"]);
    }
}

fn unpacked(bytes: &[u8], packing: Packing) -> Vec<u8> {
    let mut unpacked = Vec::new();
    match packing {
        Packing::Plain => unpacked.extend(bytes),
        Packing::Gzip => drop(flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap()),
        Packing::Zstd => unpacked = zstd::decode_all(bytes).unwrap(),
    }
    unpacked
}

#[test]
fn similarities_are_those_of_brute_force() {
    let made = make(&Settings { seed: 3, ..Settings::default() }, 600, |_| {});
    let sets: HashMap<String, HashSet<Vec<String>>> =
        made.contents().into_iter().map(|(id, content)| (id, runs_of_five(&content))).collect();
    let pairs = made.lines("truth/pairs.jsonl");
    let mut near = BTreeSet::new();
    for pair in &pairs {
        let (a, b) = (text_of(pair, "a"), text_of(pair, "b"));
        let measured = jaccard(&sets[&a], &sets[&b]);
        assert_eq!(pair["jaccard"].as_f64().unwrap(), measured, "{pair}");
        let shared = sets[&a].intersection(&sets[&b]).count() as f64;
        let containment = shared / sets[&a].len().min(sets[&b].len()) as f64;
        assert_eq!(pair["containment"].as_f64().unwrap(), containment, "{pair}");
        if pair["kind"] == "near" {
            near.insert((measured * 10.0) as u32);
        }
    }
    assert!(pairs.len() > 100 && near.is_superset(&BTreeSet::from([5, 6, 7, 8, 9])), "{near:?}");
}

#[test]
fn unrelated_articles_share_next_to_nothing() {
    let shares =
        Shares { exact: 0.0, near: 0.0, abridged: 0.0, shared_leads: 0.0, agency: 0.0, ..Default::default() };
    let made = make(&Settings { shares, ..Settings::default() }, 300, |_| {});
    assert!(made.lines("truth/pairs.jsonl").is_empty() && made.lines("truth/reused.jsonl").is_empty());
    let shingles = |content: &str| {
        let hashes: Vec<u64> = tokens(content).iter().map(|token| token_hash(token, 0)).collect();
        ShingleSet::of_tokens(&hashes, NonZeroUsize::new(5).unwrap(), 0)
    };
    let sets: Vec<_> = made.contents().into_iter().map(|(id, content)| (id, shingles(&content))).collect();
    for (place, (id, set)) in sets.iter().enumerate() {
        for (other, other_set) in &sets[place + 1..] {
            assert!(overlap(set, other_set).jaccard() < 0.1, "{id} and {other}");
        }
    }
}

#[test]
fn boilerplate_is_what_the_templates_say() {
    let made = make(&Settings { seed: 4, ..Settings::default() }, 1_000, |_| {});
    let records = made.records();
    let mut templates: HashMap<(String, String, String), (Vec<String>, u64)> = HashMap::new();
    for template in made.lines("truth/templates.jsonl") {
        let lines = template["lines"].as_array().unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let key = ["site", "lang", "role"].map(|field| text_of(&template, field));
        templates.insert(key.into(), (lines, template["documents"].as_u64().unwrap()));
    }
    for line in made.lines("truth/boilerplate.jsonl") {
        let record = &records[&text_of(&line, "doc")];
        let (text, url) = (text_of(record, "text"), text_of(record, "url"));
        let site = url.split('/').nth(2).unwrap().trim_start_matches("www.").to_owned();
        let [start, end] = [0, 1].map(|end| line["content"][end].as_u64().unwrap() as usize);
        for (role, part) in [("header", &text[..start]), ("footer", &text[end..])] {
            let worn: Vec<&str> = part.lines().filter(|line| !line.is_empty()).collect();
            if worn.is_empty() {
                continue;
            }
            let (lines, documents) =
                templates.get_mut(&(site.clone(), text_of(record, "lang"), role.to_owned())).unwrap();
            assert_eq!(worn.len(), lines.len(), "{url}");
            for (line, template) in worn.iter().zip(lines) {
                assert!(fits(template, line), "{template}: {line}");
            }
            *documents -= 1;
        }
    }
    assert!(templates.len() > 20);
    assert!(templates.values().all(|(_, documents)| *documents == 0));
}

/// Whether a line is this template with something in its slots.
fn fits(template: &str, line: &str) -> bool {
    let fixed: Vec<&str> =
        template.split('{').map(|part| part.split_once('}').map_or(part, |(_, after)| after)).collect();
    let Some(mut rest) = line.strip_prefix(fixed[0]) else { return false };
    for part in &fixed[1..] {
        let Some(at) = rest[1..].find(part) else { return false };
        rest = &rest[1 + at + part.len()..];
    }
    rest.is_empty() || fixed.last().is_some_and(|last| last.is_empty())
}

#[test]
fn a_run_finds_the_planted_pairs() {
    // All sites from the beginning, so that each has pages enough to tell its templates by.
    let made = make(&Settings { seed: 5, sites: Some(24), ..Settings::default() }, 2_000, |_| {});
    let inputs = made.inputs();
    let settings = pipeline::Settings::default();
    let mut found = HashSet::new();
    let each = |pair: PairRecord| {
        found.insert((pair.a.id, pair.b.id));
        Ok(())
    };
    pipeline::pairs(&inputs, &settings, each, &Means::unbounded().unwrap(), &Silent).unwrap();
    let pairs = made.lines("truth/pairs.jsonl");
    let alike: Vec<&Value> = pairs.iter().filter(|pair| pair["jaccard"].as_f64().unwrap() >= 0.8).collect();
    // Of copies on two sites, the run misses those where it does not find all of the boilerplate: a line with a
    // counter below a thousand has a number less than the others.
    let met = alike.iter().filter(|pair| found.contains(&(text_of(pair, "a"), text_of(pair, "b")))).count();
    assert!(alike.len() > 250 && met * 10 >= alike.len() * 9, "{met} of {} pairs", alike.len());
}

#[test]
fn a_run_finds_what_is_said_twice() {
    let shares = Shares { leads: 0.1, repeats: 0.1, ..Shares::default() };
    let made = make(&Settings { seed: 8, sites: Some(10), shares, ..Settings::default() }, 600, |_| {});
    let inputs = made.inputs();
    let dir = made.0.path().join("run");
    let target = Target { dir: &dir, force: false };
    pipeline::run(
        &inputs,
        &pipeline::Settings::default(),
        Guards::default(),
        Job::Scan,
        target,
        &Means::unbounded().unwrap(),
        &Silent,
    )
    .unwrap();
    let place = |line: &Value, paragraph: &Value| (text_of(line, "doc"), paragraph.as_u64().unwrap());
    let findings = made.lines("run/findings/part-00000.jsonl.jsonl");
    let said: HashSet<(String, u64, String)> = findings
        .iter()
        .filter(|finding| finding["coverage"].is_f64())
        .map(|finding| {
            let (doc, paragraph) = place(finding, &finding["paragraphs"][0]);
            (doc, paragraph, text_of(finding, "finding"))
        })
        .collect();
    let leads = made.lines("truth/leads.jsonl");
    let missed = leads.iter().filter(|lead| {
        let (doc, paragraph) = place(lead, &lead["paragraph"]);
        !said.contains(&(doc, paragraph, text_of(lead, "finding")))
    });
    let missed: Vec<&Value> = missed.collect();
    assert!(leads.len() > 60 && missed.len() * 50 <= leads.len(), "{missed:?}");
}

#[test]
fn leads_are_where_the_truth_says() {
    let made = make(&Settings { seed: 6, ..Settings::default() }, 1_000, |_| {});
    let records = made.records();
    let leads = made.lines("truth/leads.jsonl");
    assert!(leads.len() > 30);
    for lead in leads {
        let text = text_of(&records[&text_of(&lead, "doc")], "text");
        let spans = paragraphs(&text, ParagraphBreaks::Auto);
        let of = |number: &Value| tokens(spans[number.as_u64().unwrap() as usize].of(&text));
        let said = of(&lead["paragraph"]);
        let again: Vec<Vec<String>> = lead["in"].as_array().unwrap().iter().map(of).collect();
        let mut covered = vec![false; said.len()];
        for (start, run) in said.windows(5).enumerate() {
            if again.iter().any(|paragraph| paragraph.windows(5).any(|other| other == run)) {
                covered[start..start + 5].fill(true);
            }
        }
        let coverage = covered.iter().filter(|&&is| is).count() as f64 / said.len() as f64;
        assert_eq!(lead["coverage"].as_f64().unwrap(), coverage, "{lead}");
        assert!(coverage >= 0.8 && said.len() >= 12, "{lead}");
    }
}
