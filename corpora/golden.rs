//! Runs the program over every golden corpus and holds the run against what a person says it must find.
//!
//! The truth files are described in `corpora/README.md`. Each corpus runs with one thread and with several (the same
//! bytes), is verified and restored, and, where its records can be dealt out anew, runs as one shard and as many (the same
//! decisions).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Numbers of a truth and of a run agree when they differ by no more.
const TOLERANCE: f64 = 1e-6;

#[test]
fn every_truth_is_found() {
    let mut problems = Vec::new();
    for (corpus, truth) in truths() {
        let expected = json_of(&truth);
        if let Some(reason) = expected["not_yet"].as_str() {
            println!("skipped: {}: {reason}", truth.display());
            continue;
        }
        let dir = scratch();
        let run = dedupe(&corpus, &expected, &dir.path().join("run"), &["--threads", "1"]);
        let found = differences(&expected, &dir.path().join("run"), run.status.code());
        problems.extend(found.iter().map(|problem| format!("{}: {problem}", truth.display())));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn threads_change_nothing() {
    for (corpus, truth) in finished_truths() {
        let expected = json_of(&truth);
        let dir = scratch();
        let [one, many] = ["1", "4"].map(|threads| {
            let run = dir.path().join(threads);
            dedupe(&corpus, &expected, &run, &["--threads", threads]);
            answers(&run)
        });
        assert!(one == many, "{}: one thread and four differ", truth.display());
    }
}

/// With so little memory everything that may wait on disk does.
#[test]
fn memory_changes_nothing() {
    let mut spilled = 0;
    for (corpus, truth) in finished_truths() {
        let expected = json_of(&truth);
        let dir = scratch();
        let [small, large] = ["1100KiB", "4GiB"].map(|memory| {
            let run = dir.path().join(memory);
            dedupe(&corpus, &expected, &run, &["--memory", memory]);
            let temporary = &json_of(&run.join("summary.json"))["peak_temporary_bytes"];
            (answers(&run), temporary.as_u64().unwrap())
        });
        assert!(small.0 == large.0, "{}: 1100 KiB and 4 GiB of memory differ", truth.display());
        assert_eq!(large.1, 0, "{}", truth.display());
        spilled += u64::from(small.1 > 0);
    }
    assert!(spilled > 0, "nothing waited on disk");
}

#[test]
fn mapped_and_read_are_the_same() {
    for (corpus, truth) in finished_truths() {
        let expected = json_of(&truth);
        let dir = scratch();
        let [read, mapped] = [&[][..], &["--mmap"]].map(|words| {
            let run = dir.path().join(format!("run{}", words.len()));
            dedupe(&corpus, &expected, &run, words);
            answers(&run)
        });
        assert!(read == mapped, "{}: read and mapped differ", truth.display());
    }
}

/// A corpus that is as small as a sample is run itself.
#[test]
fn a_plan_of_a_small_corpus_is_exact() {
    let mut planned = 0;
    for (corpus, truth) in finished_truths() {
        let expected = json_of(&truth);
        let (dir, own) = (scratch(), words(&corpus, &expected));
        if own.iter().any(|word| ["--strip", "--max-rejected"].contains(&word.as_str())) {
            continue; // a plan knows no such options
        }
        let (run, input) = (dir.path().join("run"), corpus.join("input"));
        dedupe(&corpus, &expected, &run, &[]);
        let mut all = vec!["plan", text(&input), "--json"];
        all.extend(own.iter().map(String::as_str));
        let output = dittograph(&all);
        assert_eq!(output.status.code(), Some(0), "{}: {}", truth.display(), said(&output));
        let (plan, summary) = (&lines(&output.stdout)[0], json_of(&run.join("summary.json")));
        let documents = &summary["documents"];
        let found = json!([
            plan["documents"],
            plan["removed"]["expected"],
            plan["rejected"],
            plan["sites"],
            plan["bytes"]
        ]);
        let truly = json!([
            documents["read"],
            documents["removed"],
            documents["rejected"],
            summary["sites"],
            summary["bytes"]["read"]
        ]);
        assert_eq!(found, truly, "{}", truth.display());
        assert_eq!(plan["recall"], summary["recall"]);
        assert_eq!(plan["sample"]["whole"], true);
        let size = |folder: &str| -> u64 {
            let found = files(&run).into_iter().filter(|path| path.starts_with(run.join(folder)));
            found.map(|path| path.metadata().unwrap().len()).sum()
        };
        assert_eq!(plan["output_bytes"]["corpus"], size("corpus"), "{}", truth.display());
        assert_eq!(plan["output_bytes"]["removed"], size("removed"), "{}", truth.display());
        let records =
            size("") - size("corpus") - size("removed") - size("summary.json") - size(".dittograph");
        assert_eq!(plan["output_bytes"]["records"], records, "{}", truth.display());
        planned += 1;
    }
    assert!(planned > 20, "only {planned} plans");
}

/// For people: a row a figure.
#[test]
fn a_plan_is_a_small_table() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/wire-copy/input");
    let output = dittograph(&["plan", text(&corpus)]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<&str> = table.lines().filter_map(|line| line.split(' ').next()).collect();
    let rows = "documents removed memory temporary output time signatures found duplicates rests";
    assert_eq!(names, rows.split(' ').collect::<Vec<_>>(), "{table}");
    assert!(table.starts_with("documents  38 on "), "{table}");
    let refused = dittograph(&["plan", text(&corpus), "--memory", "1KiB"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).starts_with("error: --memory 1KiB: too small for about "), "{}", said(&refused));
}

#[test]
fn every_run_verifies_and_gives_its_input_back() {
    for (corpus, truth) in finished_truths() {
        let dir = scratch();
        let (run, back) = (dir.path().join("run"), dir.path().join("back"));
        dedupe(&corpus, &json_of(&truth), &run, &[]);
        let verified = dittograph(&["verify", text(&run)]);
        assert!(verified.status.success(), "{}: {}", truth.display(), said(&verified));
        let restored = dittograph(&["restore", text(&run), "-o", text(&back)]);
        assert!(restored.status.success(), "{}: {}", truth.display(), said(&restored));
        let mut read = unpacked(&corpus.join("input"));
        read.retain(|name, _| {
            !name.contains("/.") && [".jsonl", ".txt"].iter().any(|known| name.contains(known))
        });
        let restored = unpacked(&back);
        assert!(restored == read, "{}: {:?}, {:?}", truth.display(), restored.keys(), read.keys());
    }
}

#[test]
fn one_shard_and_many_decide_alike() {
    let mut dealt = 0;
    for (corpus, truth) in finished_truths() {
        let Some(lines) = records_with_urls(&corpus.join("input")) else { continue };
        let expected = json_of(&truth);
        let dir = scratch();
        let [one, many] = [lines.len(), 3].map(|shard_length| {
            let input = dir.path().join(format!("input-{shard_length}"));
            fs::create_dir_all(&input).unwrap();
            for (number, shard) in lines.chunks(shard_length).enumerate() {
                fs::write(input.join(format!("part-{number:04}.jsonl")), shard.join("\n") + "\n").unwrap();
            }
            let run = dir.path().join(format!("run-{shard_length}"));
            let mut words: Vec<String> = words(&corpus, &expected);
            words.extend(["dedupe", text(&input), "-o", text(&run), "-q"].map(str::to_owned));
            words.rotate_right(5);
            dittograph(&words.iter().map(String::as_str).collect::<Vec<_>>());
            numbered(&run, shard_length as u64)
        });
        assert_eq!(one, many, "{}", truth.display());
        dealt += 1;
    }
    assert!(dealt >= 10, "only {dealt} corpora could be dealt out anew");
}

/// The corpora and their truth files.
fn truths() -> Vec<(PathBuf, PathBuf)> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
    let mut found = Vec::new();
    for path in files(&corpora) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("truth") && name.ends_with(".json") {
            found.push((path.parent().unwrap().to_owned(), path));
        }
    }
    assert!(found.len() > 20, "the truth files are missing");
    found
}

/// Those of a run that leaves a summary.
fn finished_truths() -> Vec<(PathBuf, PathBuf)> {
    let finished = |truth: &Value| truth["documents"].is_object() && truth["not_yet"].is_null();
    truths().into_iter().filter(|(_, truth)| finished(&json_of(truth))).collect()
}

fn words(corpus: &Path, truth: &Value) -> Vec<String> {
    let words = truth["args"].as_array().cloned().unwrap_or_default();
    words.iter().map(|word| word.as_str().unwrap().replace("{corpus}", text(corpus))).collect()
}

fn dedupe(corpus: &Path, truth: &Value, run: &Path, more: &[&str]) -> Output {
    let input = corpus.join("input");
    let own = words(corpus, truth);
    let mut all = vec!["dedupe", text(&input), "-o", text(run), "-q"];
    all.extend(own.iter().map(String::as_str));
    all.extend(more);
    dittograph(&all)
}

fn dittograph(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dittograph")).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All differences between a truth and a run, as sentences.
fn differences(truth: &Value, run: &Path, exit: Option<i32>) -> Vec<String> {
    let mut problems = Vec::new();
    if exit.map(i64::from) != truth["exit"].as_i64() {
        problems.push(format!("exit code {exit:?}, expected {}", truth["exit"]));
    }
    let Some(documents) = truth["documents"].as_object() else {
        if run.exists() {
            problems.push("the run left a DIR, though it must fail".to_owned());
        }
        return problems;
    };
    let summary = json_of(&run.join("summary.json"));
    for (name, expected) in documents {
        if summary["documents"][name] != *expected {
            problems.push(format!("documents {name}: {}, expected {expected}", summary["documents"][name]));
        }
    }
    let found = findings(run);
    let kind = |finding: &Value| finding["finding"].as_str().unwrap_or_default().to_owned();
    let complete: Vec<&str> =
        truth["complete"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let told: Vec<Value> =
        found.iter().filter(|finding| complete.contains(&kind(finding).as_str())).cloned().collect();
    let expected = truth["findings"].as_array().unwrap().iter();
    let expected: Vec<Value> =
        expected.filter(|finding| complete.contains(&kind(finding).as_str())).cloned().collect();
    problems.extend(pair_off("finding", &expected, told));
    for unwanted in truth["absent"].as_array().unwrap() {
        let present = found.iter().filter(|finding| agrees(unwanted, finding));
        problems.extend(present.map(|finding| format!("must not be found: {finding}")));
    }
    if let Some(templates) = truth["templates"].as_array() {
        let with_texts = records(&run.join("templates.jsonl")).into_iter().map(|mut template| {
            let paragraphs = template["paragraphs"].as_array().cloned().unwrap_or_default();
            template["texts"] = paragraphs.iter().map(|paragraph| paragraph["text"].clone()).collect();
            template["marked"] = paragraphs.iter().map(marked).collect();
            template["variants"] = paragraphs.iter().map(|paragraph| paragraph["variants"].clone()).collect();
            template
        });
        problems.extend(pair_off("template", templates, with_texts.collect()));
    }
    if let Some(texts) = truth["corpus"].as_object() {
        let found = corpus(run);
        let names: BTreeSet<&String> = texts.keys().chain(found.keys()).collect();
        for name in names {
            let (found, expected) = (found.get(name), texts.get(name).and_then(Value::as_str));
            if found.map(String::as_str) != expected {
                problems.push(format!("corpus: {name}: {found:?}, expected {expected:?}"));
            }
        }
    }
    if let Some(rejected) = truth["rejected"].as_array() {
        problems.extend(pair_off("rejected", rejected, records(&run.join("rejected.jsonl"))));
    }
    problems
}

/// The text of a template paragraph with each slot in brackets.
fn marked(paragraph: &Value) -> String {
    let text = paragraph["text"].as_str().unwrap();
    let (mut said, mut end) = (String::new(), 0);
    for slot in paragraph["slots"].as_array().unwrap() {
        let [start, after] = [&slot[0], &slot[1]].map(|byte| byte.as_u64().unwrap() as usize);
        said += &format!("{}⟦{}⟧", &text[end..start], &text[start..after]);
        end = after;
    }
    said + &text[end..]
}

/// Each expected record has one of its own among the found ones, and nothing is left over.
fn pair_off(what: &str, expected: &[Value], mut left: Vec<Value>) -> Vec<String> {
    let mut problems = Vec::new();
    for wanted in expected {
        match left.iter().position(|found| agrees(wanted, found)) {
            Some(place) => drop(left.remove(place)),
            None => problems.push(format!("{what} missing: {wanted}")),
        }
    }
    problems.extend(left.iter().map(|extra| format!("{what} not expected: {extra}")));
    problems
}

/// Whether `found` has every field of `wanted`; fields that `wanted` does not name are free.
fn agrees(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(fields), _) if fields.len() == 1 && fields.contains_key("any") => {
            fields["any"].as_array().unwrap().iter().any(|one| agrees(one, found))
        }
        (Value::Object(fields), Value::Object(has)) => {
            fields.iter().all(|(name, value)| has.get(name).is_some_and(|found| agrees(value, found)))
        }
        (Value::String(id), Value::Object(reference)) => reference.get("id") == Some(&json!(id)),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| agrees(wanted, found))
        }
        (Value::Number(wanted), Value::Number(found)) => {
            (wanted.as_f64().unwrap() - found.as_f64().unwrap()).abs() <= TOLERANCE
        }
        (wanted, found) => wanted == found,
    }
}

/// The texts in `corpus/`: by id of lines, by path below it of files.
fn corpus(run: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (name, bytes) in unpacked(&run.join("corpus")) {
        if name.contains(".jsonl") {
            let of = |record: Value, field: &str| record[field].as_str().unwrap().to_owned();
            texts.extend(
                lines(&bytes).into_iter().map(|record| (of(record.clone(), "id"), of(record, "text"))),
            );
        } else {
            texts.insert(name, String::from_utf8(bytes).unwrap());
        }
    }
    texts
}

/// Everything in DIR that must be the same for the same input and settings.
fn answers(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let reproducible = |name: &str| {
        ["findings/", "corpus/", "removed/", "clusters.jsonl", "templates.jsonl", "rejected.jsonl"]
            .iter()
            .any(|part| name.starts_with(part))
    };
    let named = files(run).into_iter().map(|path| (below(run, &path), path));
    named.filter(|(name, _)| reproducible(name)).map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// The findings with documents named by their place in the whole corpus; every shard but the last has `shard_length`.
fn numbered(run: &Path, shard_length: u64) -> Vec<Value> {
    let number = |value: &mut Value| {
        let Some(fields) = value.as_object_mut() else { return };
        if let (Some(shard), Some(ordinal)) = (fields.remove("shard"), fields.remove("ordinal")) {
            let shard = shard.as_str().unwrap().trim_start_matches("part-").trim_end_matches(".jsonl");
            let number = shard.parse::<u64>().unwrap() * shard_length + ordinal.as_u64().unwrap();
            fields.insert("number".to_owned(), json!(number));
            // Without a field, an id is made of shard and ordinal.
            for label in ["id", "doc"] {
                if fields.get(label).and_then(Value::as_str).is_some_and(|id| id.starts_with("part-")) {
                    fields.remove(label);
                }
            }
        }
    };
    let mut found = findings(run);
    for finding in &mut found {
        for reference in ["of", "first"] {
            if let Some(reference) = finding.get_mut(reference) {
                number(reference);
            }
        }
        number(finding);
    }
    found
}

/// The lines of all shards in order, where all are JSON Lines of documents that have a url.
fn records_with_urls(input: &Path) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for (name, bytes) in unpacked(input) {
        if !name.contains(".jsonl") {
            return None;
        }
        for line in String::from_utf8(bytes).ok()?.lines().filter(|line| !line.trim().is_empty()) {
            let record: Value = serde_json::from_str(line).ok()?;
            record["url"].as_str().filter(|url| url.starts_with("http"))?;
            record["text"].as_str()?;
            lines.push(line.to_owned());
        }
    }
    Some(lines)
}

/// The files below a folder, by name, decompressed as far as they can be.
fn unpacked(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let named = files(folder).into_iter().map(|path| (below(folder, &path), path));
    named.map(|(name, path)| (name, unpack(&path))).collect()
}

fn unpack(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut plain = Vec::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        // A torn stream gives what comes before the tear.
        Some("gz") => drop(flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain)),
        Some("zst") => plain = zstd::decode_all(&bytes[..]).unwrap(),
        _ => plain = bytes,
    }
    plain
}

fn findings(run: &Path) -> Vec<Value> {
    let packed = |path: &Path| fs::read(path).unwrap().starts_with(b"\x28\xb5\x2f\xfd");
    let read = |path: PathBuf| if packed(&path) { lines(&unpack(&path)) } else { records(&path) };
    files(&run.join("findings")).into_iter().flat_map(read).collect()
}

fn records(path: &Path) -> Vec<Value> {
    lines(&fs::read(path).unwrap())
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    let entries = walk.into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    entries.map(walkdir::DirEntry::into_path).collect()
}

fn below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/")
}
