//! The same answer whatever the memory; claims by the hundred; no fault of what a run lawfully leaves.

use std::fs;

use serde_json::json;

use super::sample::sample_within;
use super::*;
use crate::corpus::find_shards;
use crate::pipeline::{Guards, Job, Settings, Silent, Target, run};
use crate::shingle::token_hash;

/// So many words, of which those of other numbers have none.
fn words(number: u64, count: u64) -> Vec<String> {
    (0..count).map(|place| format!("w{:x}", token_hash(&format!("{number} {place}"), 0))).collect()
}

/// A run over families of near-duplicates and copies, with a paragraph that many have and a footer.
fn run_of_families() -> (tempfile::TempDir, FinishedRun) {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = [Vec::new(), Vec::new()];
    for number in 0..600_u64 {
        let family = number % 150;
        let mut own = words(family, 60);
        own.truncate(60 - (number / 150) as usize);
        let shared = words(1000 + family % 50, 25).join(" ");
        let text = format!(
            "{}\n\n{shared}\n\n{}\n\nthe same footer on every page of this town",
            own.join(" "),
            words(5000 + number, 2).join(" ")
        );
        let line = json!({ "id": format!("d{number}"), "url": format!("https://s{}.example/{number}", number % 5), "text": text });
        lines[(number % 2) as usize].push(line.to_string());
    }
    fs::create_dir(dir.path().join("input")).unwrap();
    for (number, lines) in lines.iter().enumerate() {
        fs::write(dir.path().join(format!("input/{number}.jsonl")), lines.join("\n") + "\n").unwrap();
    }
    let input = dir.path().join("input").to_str().unwrap().to_owned();
    let inputs = find_shards(&[input], None, dir.path()).unwrap();
    let place = dir.path().join("run");
    let target = Target { dir: &place, force: false };
    let (job, means) = (Job::Dedupe { with_removed: true }, Means::unbounded().unwrap());
    let summary =
        run(&inputs, &Settings::default(), Guards::default(), job, target, &means, &Silent).unwrap();
    assert!(summary.documents.removed >= 400 && summary.findings["reused"] >= 100, "{:?}", summary.findings);
    let run = FinishedRun::open(&place).unwrap();
    (dir, run)
}

/// Puts faults of all kinds into the findings and clusters.
fn spoil(run: &mut FinishedRun) {
    for name in ["findings/0.jsonl.jsonl", "findings/1.jsonl.jsonl", "clusters.jsonl"] {
        let path = run.dir.join(name);
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().enumerate().map(|(number, line)| match number % 5 {
            0 => line.replace("\"jaccard\":0.9", "\"jaccard\":0.8"),
            1 => line.replace("\"ordinal\":7", "\"ordinal\":9"),
            2 => line.replace("footer", "header"),
            _ => line.to_owned(),
        });
        fs::write(&path, lines.map(|line| line + "\n").collect::<String>()).unwrap();
    }
}

#[test]
fn memory_changes_no_answer() {
    let (dir, mut run) = run_of_families();
    for spoilt in [false, true] {
        if spoilt {
            spoil(&mut run);
        }
        let answer = |memory_bytes: usize, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let workspace = Workspace::create(dir.path().join("tmp")).unwrap();
            let checked = pool.install(|| check(&run, &workspace, memory_bytes, &Silent)).unwrap();
            (checked, workspace.bytes_peak())
        };
        let (whole, none) = answer(usize::MAX, 1);
        assert_eq!((none, whole.faults.is_empty()), (0, !spoilt), "{:?}", whole.faults);
        assert!(whole.documents == 600 && whole.witnesses >= 400 && whole.reuses >= 100, "{whole:?}");
        for (memory_bytes, threads) in [(0, 1), (1000, 3), (100_000, 2)] {
            let (little, spilled) = answer(memory_bytes, threads);
            assert!(spilled > 50_000, "{spilled} bytes on disk with {memory_bytes}");
            assert_eq!(little, whole, "{memory_bytes} bytes, {threads} threads");
        }
    }
}

#[test]
fn memory_changes_no_sample() {
    let (dir, run) = run_of_families();
    let answer = |documents: u64, memory_bytes: usize, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let workspace = Workspace::create(dir.path().join("tmp")).unwrap();
        let protect = HashSet::new();
        pool.install(|| sample_within(&run, documents, &protect, &workspace, memory_bytes, &Silent)).unwrap()
    };
    let all = answer(u64::MAX, usize::MAX, 1);
    assert_eq!(
        (all.documents, all.against + all.similarity.alike, all.faults.len()),
        (600, 600, 0),
        "{all:?}"
    );
    assert_eq!(answer(600, 1 << 21, 3), all);
    let some = answer(20, usize::MAX, 2);
    assert!(some.documents == 20 && (1..20).contains(&some.similarity.alike), "{some:?}");
    assert_eq!(answer(20, 0, 1), some);
}
