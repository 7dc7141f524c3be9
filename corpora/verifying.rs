//! `verify` and its companions against planted faults: records, a sample against all kept documents, a second run,
//! judgements.

use std::process::{Command, Output, Stdio};

use dittograph::pipeline::{Rerun, Sampled};

use super::*;

/// A run with reused paragraphs, equal and alike, and with what documents say twice.
fn run_with_reuse() -> Scratch {
    let long: Vec<String> = own_words(7)[..30].to_vec();
    let mut alike = long.clone();
    alike[3] = "another".to_owned();
    let said_again = own_words(9)[..14].join(" ");
    let texts: Vec<String> = [
        vec![own_words(1).join(" "), long.join(" ")],
        vec![own_words(2).join(" "), alike.join(" ")],
        vec![own_words(3).join(" "), long.join(" "), own_words(8)[..9].join(" ")],
        vec![own_words(4).join(" "), own_words(8)[..9].join(" ")],
        vec![said_again.clone(), own_words(5).join(" "), said_again.clone()],
        vec!["a".into(), "b".into(), "c".into(), "d".into(), said_again.clone(), said_again],
        vec![own_words(2).join(" "), alike.join(" ")],
    ]
    .map(|paragraphs: Vec<String>| paragraphs.join("\n\n"))
    .into();
    let scratch = one_shard(&texts);
    let summary = scratch.dedupe("run", &Settings::default());
    let count = |kind: &str| summary.findings[kind];
    assert!(
        count("reused") >= 5 && count("repeated-lead") == 1 && count("repeat") == 1,
        "{:?}",
        summary.findings
    );
    scratch
}

const FINDINGS: &str = "findings/0.jsonl.jsonl";

/// Changes all findings of a kind, or the first of them; `change` says whether it did.
fn change_findings(run: &Path, kind: &str, change: impl Fn(&mut Value) -> bool) {
    let mut changed = false;
    rewrite(run, FINDINGS, |_, finding| {
        changed |= finding["finding"] == kind && change(finding);
        true
    });
    assert!(changed, "no {kind} to change");
    seal(run);
}

/// The same of those that name a first one.
fn change_reused(run: &Path, change: impl Fn(&mut Value)) {
    change_findings(run, "reused", |finding| {
        let named = finding["first"].is_object();
        if named {
            change(finding);
        }
        named
    });
}

#[track_caller]
fn check_faults(faults: &[Fault], run: impl Fn() -> Scratch) {
    for (what, plant, said) in faults {
        let scratch = run();
        let dir = scratch.path("run");
        assert_eq!(verify(&dir).unwrap().faults, [""; 0]);
        plant(&dir);
        let faults = verify(&dir).unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains(said)), "{what}: verify says {faults:?}");
    }
}

#[test]
fn verify_names_planted_faults_of_reuse_and_repeats() {
    let faults: &[Fault] = &[
        (
            "a similarity to the first is another",
            |run| change_reused(run, |finding| finding["jaccard"] = json!(0.95)),
            "measured again",
        ),
        (
            "the first is another paragraph",
            |run| change_reused(run, |finding| finding["first"]["paragraph"] = json!(0)),
            "that is no reuse",
        ),
        (
            "the first is a paragraph that there is not",
            |run| change_reused(run, |finding| finding["first"]["paragraph"] = json!(7)),
            "its first paragraph 7 of",
        ),
        (
            "the first was removed",
            |run| change_reused(run, |finding| finding["first"]["ordinal"] = json!(6)),
            "was not kept",
        ),
        (
            "the first comes later",
            |run| change_reused(run, |finding| finding["first"]["ordinal"] = json!(5)),
            "does not come before it",
        ),
        (
            "the first is nowhere",
            |run| change_reused(run, |finding| finding["first"]["shard"] = json!("1.jsonl")),
            "its first document 1.jsonl#",
        ),
        (
            "a removed document reuses",
            |run| {
                let reused = records(&run.join(FINDINGS))
                    .into_iter()
                    .find(|finding| finding["ordinal"] == 1 && finding["finding"] == "reused")
                    .unwrap();
                let path = run.join(FINDINGS);
                let mut text = fs::read_to_string(&path).unwrap();
                let mut more = reused.clone();
                (more["ordinal"], more["doc"]) = (json!(6), json!("d6"));
                text += &(more.to_string() + "\n");
                fs::write(&path, text).unwrap();
                seal(run);
            },
            "what was removed reuses nothing",
        ),
        (
            "a coverage is another",
            |run| {
                change_findings(run, "repeated-lead", |finding| {
                    finding["coverage"] = json!(0.9);
                    true
                });
            },
            "coverage 0.9 is told",
        ),
        (
            "what says nothing again is called a repeat",
            |run| {
                change_findings(run, "repeat", |finding| {
                    finding["paragraphs"] = json!([5, 5]);
                    true
                });
            },
            "is no repeat",
        ),
        (
            "a lead is called a repeat",
            |run| {
                change_findings(run, "repeated-lead", |finding| {
                    finding["finding"] = json!("repeat");
                    true
                });
            },
            "is no repeat",
        ),
        (
            "a repeat is said again by an earlier paragraph",
            |run| {
                change_findings(run, "repeat", |finding| {
                    finding["in"] = json!([0]);
                    true
                });
            },
            "none that can",
        ),
        (
            "a span is another",
            |run| {
                change_findings(run, "repeat", |finding| {
                    finding["start"] = json!(finding["start"].as_u64().unwrap() + 1);
                    true
                });
            },
            "another text or id",
        ),
        (
            "evidence is of another kind",
            |run| {
                change_findings(run, "repeat", |finding| {
                    finding["finding"] = json!("foreign");
                    true
                });
            },
            "not the evidence of its kind",
        ),
        (
            "findings change places",
            |run| {
                let path = run.join(FINDINGS);
                let text = fs::read_to_string(&path).unwrap();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.reverse();
                fs::write(&path, lines.join("\n") + "\n").unwrap();
                seal(run);
            },
            "out of document order",
        ),
        (
            "a cluster tells another similarity",
            |run| {
                rewrite(run, "clusters.jsonl", |_, cluster| {
                    cluster["members"][0]["jaccard"] = json!(0.9);
                    true
                });
                seal(run);
            },
            "is not as like its kept document",
        ),
        (
            "two findings call one document a duplicate",
            |run| {
                let path = run.join(FINDINGS);
                let text = fs::read_to_string(&path).unwrap();
                let twice = text.lines().map(|line| match line.contains("\"duplicate\"") {
                    true => format!("{line}\n{line}\n"),
                    false => format!("{line}\n"),
                });
                fs::write(&path, twice.collect::<String>()).unwrap();
                seal(run);
            },
            "a second finding calls",
        ),
    ];
    check_faults(faults, run_with_reuse);
}

#[test]
fn verify_names_planted_faults_of_rejected_records() {
    let faults: &[Fault] = &[
        (
            "a kept record stands among the rejected",
            |run| {
                rewrite(run, "rejected.jsonl", |_, record| {
                    record["record"] = json!(0);
                    true
                });
                seal(run);
            },
            "was not rejected",
        ),
        (
            "a rejected record stands nowhere",
            |run| {
                rewrite(run, "rejected.jsonl", |_, record| {
                    record["record"] = json!(1000);
                    true
                });
                seal(run);
            },
            "names a record that was not read",
        ),
        (
            "another record is said to be rejected",
            |run| {
                rewrite(run, "rejected.jsonl", |_, record| {
                    record["record"] = json!(1);
                    true
                });
                seal(run);
            },
            "rejected.jsonl does not say why",
        ),
    ];
    check_faults(faults, good_run);
}

#[test]
fn a_thousand_faults_are_counted_and_some_are_named() {
    let texts: Vec<String> = (0..300).map(|number| own_words(number)[..20].join(" ")).collect();
    let texts: Vec<String> = texts.iter().chain(&texts).cloned().collect();
    let scratch = one_shard(&texts);
    scratch.dedupe("run", &Settings::default());
    let run = scratch.path("run");
    fs::write(run.join("clusters.jsonl"), "").unwrap();
    seal(&run);
    let checked = verify(&run).unwrap();
    assert!(checked.faults.len() < 150, "{}", checked.faults.len());
    assert_eq!(checked.faults.len() as u64 + checked.more_faults, 301);
}

/// Holds so many documents of a run against all kept ones.
fn sampled(run: &Path, documents: u64, protect: &HashSet<String>) -> error::Result<Sampled> {
    pipeline::sample(run, documents, protect, &Means::unbounded()?, &Silent)
}

/// The same, of all documents and without protected ids.
fn sampled_all(run: &Path) -> Sampled {
    sampled(run, u64::MAX, &HashSet::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// What `--exact` decides is what force finds for each document: by similarity and containment, in any keep order,
    /// with protected ids, within a field.
    #[test]
    fn a_sample_of_all_finds_nothing_missed_by_exact_runs(
        corpus in corpus_of_excerpts(),
        percent in prop::option::of(50_u32..=100),
        key in 0_usize..6,
        protects in any::<bool>(),
        within in any::<bool>(),
    ) {
        let dump = "dump".to_owned();
        let key = [
            KeepKey::Longest, KeepKey::Shortest, KeepKey::First, KeepKey::ShortUrl, KeepKey::Min(dump.clone()), KeepKey::Max(dump),
        ][key].clone();
        let mut settings = percent.map_or_else(exact, |percent| with_containment(exact(), percent));
        settings.keep = KeepOrder(vec![key]);
        settings.fields.keep = settings.keep.fields();
        settings.fields.within = within.then(|| "dump".to_owned());
        settings.protect.extend((0..10).filter(|_| protects).map(|number| format!("d{number}")));
        let scratch = Scratch::new(&corpus);
        let summary = scratch.dedupe("run", &settings);
        let found = sampled(&scratch.path("run"), u64::MAX, &settings.protect).unwrap();
        prop_assert!(found.faults.is_empty(), "{:?}", found.faults);
        prop_assert_eq!(found.missed, [""; 0]);
        prop_assert_eq!(found.documents, summary.documents.kept + summary.documents.removed);
        prop_assert_eq!(found.against, summary.documents.kept);
        let told = findings(&scratch.path("run"), scratch.shards.len());
        let near = |by: &str| told.iter().filter(|finding| finding["by"] == by && finding["exact"] == false).count() as u64;
        prop_assert_eq!(found.similarity.alike, near("jaccard"));
        prop_assert_eq!(found.containment.map_or(0, |sought| sought.alike), near("containment"));
    }

    /// A second run gives the same bytes, whatever was kept, compared and stripped.
    #[test]
    fn a_second_run_is_the_same(
        corpus in corpus(),
        strips in any::<bool>(),
        scan in any::<bool>(),
        seed in 0..3_u64,
        key in 0_usize..3,
    ) {
        let key = [KeepKey::Longest, KeepKey::Shortest, KeepKey::Max("dump".to_owned())][key].clone();
        let mut settings = Settings { keep: KeepOrder(vec![key, KeepKey::First]), ..Settings::default() };
        settings.fields.keep = settings.keep.fields();
        settings.fields.within = (seed == 2).then(|| "dump".to_owned());
        settings.compare.seed = seed;
        settings.protect.insert("d3".to_owned());
        if strips {
            settings.strip.extend(pipeline::Strip::ALL);
        }
        let scratch = Scratch::new(&corpus);
        let inputs = inputs_of(&scratch);
        let (dir, job) = (scratch.path("run"), if scan { Job::Scan } else { Job::Dedupe { with_removed: true } });
        let target = Target { dir: &dir, force: false };
        pipeline::run(&inputs, &settings, Guards::default(), job, target, &Means::unbounded().unwrap(), &Silent).unwrap();
        let found = rerun(&scratch, &settings.protect).unwrap();
        prop_assert!(found.faults.is_empty(), "{:?}", found.faults);
        let shards = scratch.shards.len() as u64;
        prop_assert_eq!(found.files, 3 + shards * if scan { 1 } else { 2 });
    }
}

fn inputs_of(scratch: &Scratch) -> Inputs {
    find_shards(&[scratch.path("input").to_str().unwrap().to_owned()], None, scratch.dir.path()).unwrap()
}

fn rerun(scratch: &Scratch, protect: &HashSet<String>) -> error::Result<Rerun> {
    pipeline::rerun(&scratch.path("run"), &inputs_of(scratch), protect, &Means::unbounded()?, &Silent)
}

/// Three windows of one text: the last is alike with both others, more with the second, and they are not alike. And a
/// shorter one of another text, and its like.
fn run_with_a_choice() -> Scratch {
    let window = |start: u8, length: u8| (start..start + length).map(word).collect::<Vec<_>>().join(" ");
    let texts = [window(0, 60), window(11, 60), window(6, 60), window(100, 64), window(100, 60)];
    let scratch = one_shard(&texts);
    scratch.dedupe("run", &Settings::default());
    let told = duplicates_of(&findings(&scratch.path("run"), 1));
    let name = |ordinal| ("0.jsonl".to_owned(), ordinal);
    assert_eq!((&told[&name(2)].0, &told[&name(4)].0, told.len()), (&name(1), &name(3), 2));
    scratch
}

/// Makes a finding and its cluster say that document 2 went because of document 0.
fn choose_worse(run: &Path) {
    let similarity = json!(50.0 / 62.0);
    let containment = json!(50.0 / 56.0);
    let mut member = Value::Null;
    rewrite(run, FINDINGS, |_, finding| {
        if finding["finding"] == "duplicate" && finding["ordinal"] == 2 {
            finding["of"] = json!({ "id": "d0", "shard": "0.jsonl", "ordinal": 0 });
            finding["jaccard"] = similarity.clone();
            finding["containment"] = containment.clone();
        }
        true
    });
    rewrite(run, "clusters.jsonl", |_, cluster| {
        if cluster["kept"]["ordinal"] == 1 {
            cluster["kept"] = json!({ "id": "d0", "shard": "0.jsonl", "ordinal": 0 });
            member = cluster["members"][0].clone();
            cluster["members"][0]["jaccard"] = similarity.clone();
            cluster["members"][0]["containment"] = containment.clone();
        }
        true
    });
    assert!(!member.is_null());
    seal(run);
}

#[test]
fn a_sample_names_planted_faults() {
    let faults: &[Fault] = &[
        ("a witness is not the likest", choose_worse, "1 missed the likest one"),
        (
            "a witness comes later in keep order",
            |run| rewrite_summary(run, |summary| summary["settings"]["keep"] = json!(["shortest"])),
            "does not come before it in keep order",
        ),
        (
            "a kept document comes after another one that is alike",
            |run| rewrite_summary(run, |summary| summary["settings"]["min-similarity"] = json!(0.65)),
            "missed the likest one",
        ),
        (
            "a similarity is another",
            |run| {
                change_findings(run, "duplicate", |finding| {
                    finding["jaccard"] = json!(0.9);
                    true
                });
            },
            "is not as like",
        ),
    ];
    for (what, plant, said) in faults {
        let scratch = run_with_a_choice();
        let run = scratch.path("run");
        let found = sampled_all(&run);
        assert_eq!(
            (found.faults.len(), found.similarity.alike, found.similarity.missed),
            (0, 2, 0),
            "{:?}",
            found.faults
        );
        plant(&run);
        let faults = sampled_all(&run).faults;
        assert!(faults.iter().any(|fault| fault.contains(said)), "{what}: the sample says {faults:?}");
    }
}

#[test]
fn a_sample_finds_copies_that_were_kept() {
    let text = own_words(1).join(" ");
    let scratch = one_shard(&[text.clone(), text.to_uppercase(), own_words(2).join(" ")]);
    let protect: HashSet<String> = ["d0", "d1"].map(str::to_owned).into();
    let run = scratch.path("run");
    scratch.dedupe("run", &Settings { protect: protect.clone(), ..Settings::default() });
    assert_eq!(sampled(&run, 9, &protect).unwrap().faults, [""; 0]);
    let error = sampled(&run, 9, &HashSet::new()).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("--protect"), "{error}");
    rewrite_summary(&run, |summary| summary["settings"]["protected"] = json!(0));
    let faults = sampled_all(&run).faults;
    assert!(faults.len() == 1 && faults[0].contains("has the same tokens"), "{faults:?}");
}

/// A pair that the bands miss is counted. Of many that were found it is no fault; of none it is one.
#[test]
fn a_sample_counts_what_bands_miss() {
    let missed = missed_by_bands(MISSED_BY_BANDS[0]);
    let found = |number: u32| {
        let words = own_words(2_000_000 + number);
        [words[..40].join(" "), words[2..42].join(" ")]
    };
    for (pairs, faults) in [(2, 1), (20, 0)] {
        let texts: Vec<String> =
            [missed.0.clone(), missed.1.clone()].into_iter().chain((0..pairs).flat_map(found)).collect();
        let scratch = one_shard(&texts);
        scratch.dedupe("run", &Settings::default());
        let sampled = sampled_all(&scratch.path("run"));
        assert_eq!((sampled.similarity.alike, sampled.similarity.missed), (u64::from(pairs) + 1, 1));
        assert!(sampled.missed[0].contains("0.jsonl#1 was kept beside 0.jsonl#0"), "{:?}", sampled.missed);
        assert_eq!(sampled.faults.len(), faults, "{:?}", sampled.faults);
    }
}

#[test]
fn a_sample_needs_the_texts() {
    let scratch = run_with_a_choice();
    let run = scratch.path("run");
    rewrite_summary(&run, |summary| summary["removed"] = json!(false));
    let error = sampled(&run, 5, &HashSet::new()).unwrap_err().to_string();
    assert!(error.contains("does not hold the texts"), "{error}");
    rewrite_summary(&run, |summary| summary["removed"] = json!(true));
    drop_line(&run, "corpus/0.jsonl", 0);
    let error = sampled(&run, 5, &HashSet::new()).unwrap_err().to_string();
    assert!(error.contains("dittograph verify says"), "{error}");
}

#[test]
fn a_second_run_names_what_differs() {
    let rows: &[Fault] = &[
        (
            "a finding",
            |run| {
                change_findings(run, "duplicate", |finding| {
                    finding["jaccard"] = json!(0.9);
                    true
                });
            },
            "findings/0.jsonl.jsonl: line 1: \"{",
        ),
        (
            "a cluster is gone",
            |run| {
                let path = run.join("clusters.jsonl");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
            },
            "clusters.jsonl: line 2: no more lines, in a second run \"{",
        ),
        (
            "a kept record",
            |run| {
                let path = run.join("corpus/0.jsonl");
                fs::write(&path, fs::read_to_string(&path).unwrap().replacen("d1", "d7", 1)).unwrap();
            },
            "corpus/0.jsonl: line 2: ",
        ),
        (
            "a file is gone",
            |run| fs::remove_file(run.join("templates.jsonl")).unwrap(),
            "templates.jsonl: missing",
        ),
        (
            "a setting",
            |run| rewrite_summary(run, |summary| summary["settings"]["min-similarity"] = json!(0.84)),
            "clusters.jsonl: line ",
        ),
        (
            "a count",
            |run| rewrite_summary(run, |summary| summary["documents"]["kept"] = json!(4)),
            "summary.json: documents",
        ),
    ];
    for (what, plant, said) in rows {
        let scratch = run_with_a_choice();
        assert_eq!(rerun(&scratch, &HashSet::new()).unwrap().faults, [""; 0]);
        plant(&scratch.path("run"));
        let faults = rerun(&scratch, &HashSet::new()).unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains(said)), "{what}: {faults:?}");
    }
}

#[test]
fn what_a_second_run_cannot_know_is_refused() {
    type Row = (fn(&Path), &'static str);
    let rows: &[Row] = &[
        (
            |dir| rewrite_summary(&dir.join("run"), |summary| summary["settings"]["protected"] = json!(2)),
            "2 ids",
        ),
        (
            |dir| rewrite_summary(&dir.join("run"), |summary| summary["settings"]["content"] = json!("half")),
            "\"half\"",
        ),
        (
            |dir| {
                rewrite_summary(&dir.join("run"), |summary| summary["settings"]["strip"] = json!(["nouns"]))
            },
            "\"nouns\"",
        ),
        (
            |dir| rewrite_summary(&dir.join("run"), |summary| summary["settings"]["keep"] = json!(["me"])),
            "`me`",
        ),
        (
            |dir| rewrite_summary(&dir.join("run"), |summary| summary["dittograph"] = json!("0.0.1")),
            "made by dittograph 0.0.1",
        ),
        (
            |dir| fs::write(dir.join("input/1.jsonl"), "{\"text\":\"more\"}\n").unwrap(),
            "1 shards, and these are 2",
        ),
        (
            |dir| fs::rename(dir.join("input/0.jsonl"), dir.join("input/9.jsonl")).unwrap(),
            "read 0.jsonl where 9.jsonl",
        ),
        (
            |dir| fs::write(dir.join("input/0.jsonl"), "{\"text\":\"other\"}\n").unwrap(),
            "is not what the run read",
        ),
    ];
    for (change, said) in rows {
        let scratch = run_with_a_choice();
        change(scratch.dir.path());
        let error = rerun(&scratch, &HashSet::new()).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

/// The program with these words and standard input.
fn dittograph(words: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_dittograph"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn judged(scratch: &Scratch, words: &[&str], input: &str) -> (Value, Output) {
    let run = scratch.path("run").to_str().unwrap().to_owned();
    let all = [&["verify", run.as_str(), "--json", "--judge"], words].concat();
    let output = dittograph(&all, input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_slice(&output.stdout).unwrap(), output)
}

/// A run of twelve pairs, which differ in more and more words, and an exact copy.
fn run_of_pairs() -> Scratch {
    let pair = |number: u32| {
        let words = own_words(number);
        [words.join(" "), words[..59 - number as usize / 2].join(" ")]
    };
    let mut texts: Vec<String> = (1..13).flat_map(pair).collect();
    texts.push(texts[0].clone());
    let scratch = one_shard(&texts);
    assert_eq!(scratch.dedupe("run", &Settings::default()).documents.removed, 13);
    scratch
}

#[test]
fn judgements_become_a_precision_and_go_on_where_they_stopped() {
    let scratch = run_of_pairs();
    let before = files_of(&scratch.path("run"));
    let (none, output) = judged(&scratch, &["6"], "");
    assert_eq!((&none["precision"]["low"], &none["precision"]["high"]), (&json!(0.0), &json!(1.0)));
    let shown = String::from_utf8_lossy(&output.stderr).matches("a was removed because of b").count();
    assert_eq!(shown, 6);
    let answers = scratch.path("run.judgements.jsonl");
    assert!(!answers.exists());

    judged(&scratch, &["6"], "y\nwhat?\n\nn\nq\ny\n");
    assert_eq!(
        records(&answers).iter().map(|line| line["answer"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        ["yes", "no"]
    );
    let (found, output) = judged(&scratch, &["6"], "Y\ns\nyes\nYES\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 of 4, ") && said.contains("4 of 4, "), "{said}");
    assert_eq!(records(&answers).len(), 6);
    let documents: BTreeSet<u64> =
        records(&answers).iter().map(|line| line["doc"]["ordinal"].as_u64().unwrap()).collect();
    assert_eq!(documents.len(), 6);
    assert_eq!((&found["skipped"], &found["exact"]), (&json!(1), &json!(1)));
    let (low, share) =
        (found["precision"]["low"].as_f64().unwrap(), found["precision"]["share"].as_f64().unwrap());
    assert!(0.2 < low && low < share && share < 1.0, "{found}");
    assert!(said.contains("precision of near-duplicates"), "{said}");
    assert_eq!(files_of(&scratch.path("run")), before);

    let other = scratch.path("other.jsonl").to_str().unwrap().to_owned();
    judged(&scratch, &["100", "--judgements", &other], "y\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\n");
    assert_eq!(records(Path::new(&other)).len(), 12);
}

/// The files of a folder, and their bytes.
fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn judgements_do_not_go_where_they_should_not() {
    let scratch = run_of_pairs();
    let run = scratch.path("run").to_str().unwrap().to_owned();
    let inside = scratch.path("run/answers.jsonl").to_str().unwrap().to_owned();
    let output = dittograph(&["verify", &run, "--judge", "3", "--judgements", &inside], "y\n");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    judged(&scratch, &["2"], "y\ny\n");
    rewrite_summary(&scratch.path("run"), |summary| summary["warnings"] = json!(["another run"]));
    let output = dittograph(&["verify", &run, "--judge", "2"], "y\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("of another run"), "{said}");
}

#[test]
fn the_command_line_says_what_it_found() {
    let scratch = run_with_a_choice();
    let [run, input] = ["run", "input"].map(|name| scratch.path(name).to_str().unwrap().to_owned());
    let words = ["verify", &run, "--sample", "5", "--rerun", &input];
    let output = dittograph(&[&words[..], &["--json", "--memory", "16MiB"]].concat(), "");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        (&said["checked"]["witnesses"], &said["sampled"]["similarity"]["alike"], &said["rerun"]["files"]),
        (&json!(2), &json!(2), &json!(5))
    );
    choose_worse(&scratch.path("run"));
    assert_eq!(dittograph(&["verify", &run], "").status.code(), Some(0));
    let output = dittograph(&words, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("1 fault"), "{said}");
    assert_eq!(dittograph(&["verify", &run, "--judge", "3", "--sample", "3"], "").status.code(), Some(2));
}
