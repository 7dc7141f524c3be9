use std::fs;

use super::*;
use crate::corpus::find_shards;
use crate::pipeline::Silent;

/// News of 37 sites, a tenth of it copied from any story before, and three twentieths from the one just before. No word of a
/// story is in another.
fn corpus(documents: u64) -> String {
    let mut state = 7;
    let mut draw = |below: u64| {
        state = xxh3_64(&u64::to_le_bytes(state));
        state % below
    };
    let mut stories: Vec<u64> = Vec::new();
    let mut lines = String::new();
    for document in 0..documents {
        let story = match draw(20) {
            0..2 if document > 0 => stories[draw(document) as usize],
            2..5 if document > 0 => stories[document as usize - 1],
            _ => document,
        };
        stories.push(story);
        let words: Vec<String> = (0..30).map(|word| format!("w{story}x{word}")).collect();
        let site = draw(37);
        lines.push_str(&format!(
            "{{\"url\": \"https://s{site}.example.org/{document}\", \"text\": \"{}\"}}\n",
            words.join(" ")
        ));
    }
    lines
}

struct Folder {
    dir: tempfile::TempDir,
    inputs: Inputs,
}

impl Folder {
    fn of(text: &str) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        fs::write(&path, text).unwrap();
        let inputs = find_shards(&[path.to_str().unwrap().to_owned()], None, dir.path()).unwrap();
        Folder { dir, inputs }
    }

    fn plan(&self, name: &str, budget: u64, bytes: u64) -> Result<Plan> {
        let folder = self.dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        let (settings, budget, stop) = (Settings::default(), Budget::new(budget), Stop::default());
        plan_from(&self.inputs, &settings, budget, bytes, &folder, &stop, &Silent)
    }
}

#[track_caller]
fn near(what: &str, found: u64, truth: u64, percent: u64) {
    let off = found.abs_diff(truth) * 100;
    assert!(off <= truth * percent, "{what}: {found}, not {truth}");
}

/// A sample of a third tells what a run finds.
#[test]
fn a_sample_stands_for_the_whole() {
    let folder = Folder::of(&corpus(6_000));
    let whole = folder.plan("whole", 1 << 30, u64::MAX).unwrap();
    assert!(whole.sample.whole);
    assert_eq!((whole.documents, whole.sites, whole.rejected), (6_000, 37, 0));
    near("removed", whole.removed.expected, 1_500, 10);
    let plan = folder.plan("part", 1 << 30, whole.bytes / 3).unwrap();
    assert!(!plan.sample.whole && (0.3..0.4).contains(&plan.sample.share), "{:?}", plan.sample);
    assert!(plan.sample.removed * 7 / 2 < whole.removed.expected, "no sample sees it all");
    near("documents", plan.documents, 6_000, 3);
    near("bytes", plan.bytes, whole.bytes, 1);
    near("sites", plan.sites, 37, 3);
    near("removed", plan.removed.expected, whole.removed.expected, 15);
    assert!(plan.removed.low <= plan.removed.expected && plan.removed.expected <= plan.removed.high);
    let OutputBytes { corpus, removed, records } = whole.output_bytes;
    near("corpus", plan.output_bytes.corpus, corpus, 5);
    near("removed bytes", plan.output_bytes.removed, removed, 15);
    near("records", plan.output_bytes.records, records, 25);
    assert!(plan.seconds.scan <= plan.seconds.dedupe);
    // The same sample again: all but times and memory.
    let again = folder.plan("again", 1 << 30, whole.bytes / 3).unwrap();
    assert_eq!(
        (again.removed, again.sites, again.output_bytes),
        (plan.removed, plan.sites, plan.output_bytes)
    );
}

/// With little memory a part spills as the whole does.
#[test]
fn temporary_disk_is_that_of_the_whole() {
    let folder = Folder::of(&corpus(6_000));
    let budget = 4 << 20;
    let whole = folder.plan("whole", budget, u64::MAX).unwrap();
    assert!(whole.peak_temporary_bytes > 0);
    let plan = folder.plan("part", budget, whole.bytes / 3).unwrap();
    // What every run has at least weighs much here: a quarter of the budget.
    near("temporary bytes", plan.peak_temporary_bytes, whole.peak_temporary_bytes, 45);
    assert!(plan.peak_memory_bytes <= Some(budget + BEYOND_BUDGET));
}

#[test]
fn what_a_run_refuses_a_plan_refuses() {
    let folder = Folder::of(&corpus(200));
    let error = folder.plan("refused", 1 << 20, 10_000).unwrap_err();
    let expected = "--memory 1MiB: too small for about 200 documents; give 2MiB or more";
    assert!(error.is_usage() && error.to_string() == expected, "{error}");
}

#[test]
fn nothing_is_planned_from_nothing() {
    for (name, text) in [("empty", ""), ("torn", "no json\n\n"), ("one", "{\"text\": \"a word or two\"}\n")] {
        let plan = Folder::of(text).plan(name, 1 << 30, 1 << 20).unwrap();
        assert_eq!(plan.documents - plan.rejected, u64::from(name == "one"), "{name}");
        assert_eq!(plan.removed, Interval { expected: 0, low: 0, high: 0 });
        assert!(plan.similarities.missed == 0.0 && plan.sample.share == 1.0);
    }
}

/// The error of a mean, as any book has it.
#[test]
fn leaving_out_tells_the_error() {
    let parts = [3.0, 5.0, 4.0, 8.0];
    let mean = |parts: &[f64]| parts.iter().sum::<f64>() / parts.len() as f64;
    let others: Vec<f64> = (0..4)
        .map(|out| {
            mean(
                &parts
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != out)
                    .map(|(_, part)| *part)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let squares: f64 = parts.iter().map(|part| (part - mean(&parts)).powi(2)).sum();
    assert!((standard_error(&others) - (squares / 3.0 / 4.0).sqrt()).abs() < 1e-12);
}
