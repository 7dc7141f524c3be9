//! `dittograph explain` over golden corpora: what it says, that what it measures is what the run measured, and what it
//! does where names are unclear, texts are gone or text is hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dittograph::document::Span;
use dittograph::findings::{Between, Comparison, Evidence, Explanation, Finding};
use dittograph::pipeline::{Silent, explain, explain_two};
use dittograph::text::tokens;
use serde_json::{Value, json};
use tempfile::TempDir;

fn dittograph(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dittograph")).args(words).env_remove("NO_COLOR").output().unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Text on one line, so that a sentence is found wherever it was broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A run over an input, in a folder that goes away with it.
struct Run {
    scratch: TempDir,
}

impl Run {
    /// Over the inputs of these golden corpora.
    fn of(corpora: &[&str], words: &[&str]) -> Run {
        let corpora = corpora
            .iter()
            .map(|corpus| Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(corpus).join("input"));
        Run::over(&corpora.collect::<Vec<_>>(), words)
    }

    /// Over records, a line each, of one shard `made.jsonl`.
    fn made(records: &[Value], words: &[&str]) -> Run {
        let scratch = tempfile::tempdir().unwrap();
        let input = scratch.path().join("made.jsonl");
        let lines: Vec<String> = records.iter().map(|record| format!("{record}\n")).collect();
        fs::write(&input, lines.concat()).unwrap();
        Run::into(scratch, &[input], words)
    }

    fn over(inputs: &[PathBuf], words: &[&str]) -> Run {
        Run::into(tempfile::tempdir().unwrap(), inputs, words)
    }

    fn into(scratch: TempDir, inputs: &[PathBuf], words: &[&str]) -> Run {
        let dir = scratch.path().join("run");
        let mut all = words.to_vec();
        all.extend(inputs.iter().map(|input| path(input)));
        all.extend(["-o", path(&dir), "-q", "--max-rejected", "1"]);
        let done = dittograph(&all);
        assert!(done.status.success(), "{}", stderr(&done));
        Run { scratch }
    }

    fn dir(&self) -> PathBuf {
        self.scratch.path().join("run")
    }

    fn explain(&self, words: &[&str]) -> Output {
        let dir = self.dir();
        let mut all = vec!["explain", path(&dir)];
        all.extend(words);
        dittograph(&all)
    }

    /// What it says must hold these sentences.
    #[track_caller]
    fn check(&self, words: &[&str], sentences: &[&str]) {
        let output = self.explain(words);
        let said = flat(&stdout(&output));
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        for sentence in sentences {
            assert!(said.contains(sentence), "{words:?}: {sentence:?} is not in {said:?}");
        }
    }

    /// It fails with exit code 1 and this sentence.
    #[track_caller]
    fn check_error(&self, words: &[&str], sentence: &str) {
        let output = self.explain(words);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{words:?}");
        assert!(stderr(&output).contains(sentence), "{words:?}: {}", stderr(&output));
    }

    #[track_caller]
    fn two(&self, a: &str, b: &str) -> Comparison {
        explain_two(&self.dir(), [a, b], None, &Silent).unwrap_or_else(|error| panic!("{a}, {b}: {error}"))
    }

    fn findings(&self, shard: &str) -> Vec<Finding> {
        let lines = fs::read_to_string(self.dir().join(format!("findings/{shard}.jsonl"))).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn one_document_is_explained() {
    let run = Run::of(&["said-twice", "chain", "five-sites", "long-footer", "tiny", "torn"], &["dedupe"]);
    run.check(
        &["kestrel-bridge"],
        &[
            "kestrel-bridge (said-twice.jsonl#0), of pellworth-echo.example.com",
            "366 tokens in 17 paragraphs, 310 of them content",
            "kept; nothing was removed because of it",
            "repeated-lead: paragraph 1 stands again in paragraphs 4 and 5 of this document (coverage 1) 1 Chief",
            "boilerplate: paragraphs 12 to 16 are a footer of this site, on 12 of its 12 distinct pages",
            "template pellworth-echo.example.com/footer-b8d10a72ef607f9d; also on orchard-census",
            "12-16 X Size daha iyi",
        ],
    );
    run.check(
        &["salt-roads"],
        &["repeat: paragraph 6 stands again in paragraph 8 of this document (coverage 0.8333)"],
    );
    run.check(
        &["one-b"],
        &[
            "removed because of one-a (chain.jsonl#0), which comes first in keep order (longest,first): Jaccard 0.8482, \
             containment 0.9205; --min-similarity is 0.8",
            "its cluster has 2 documents; side by side: dittograph explain",
            "chain.jsonl#1 chain.jsonl#0",
            "no passage of it was flagged",
        ],
    );
    // By shard and place, and by url.
    run.check(
        &["chain.jsonl#4"],
        &["two-middle (chain.jsonl#4)", "kept; 2 documents were removed because of it: two-left"],
    );
    run.check(
        &["https://one-c.chain.example.org/one-c"],
        &["one-c (chain.jsonl#2)", "kept;", "shared-lead: paragraph 0 stands in 2 kept documents of 2 sites"],
    );
    run.check(
        &["pool-02"],
        &[
            "pool-02 (five-sites.jsonl#1), of anvil.example.com",
            "boilerplate: paragraphs 1 to 2 are a footer of several sites, on 12 of 76 distinct pages",
            "also on pool-01 (five-sites.jsonl#0), pool-03 (five-sites.jsonl#2)",
        ],
    );
    run.check(
        &["pool-15"],
        &[
            "reused: paragraph 1 stands in 4 kept documents of 4 sites (Jaccard 1 with the first)",
            "also in pool-13 (five-sites.jsonl#12) paragraph 1, pool-14 (five-sites.jsonl#13) paragraph 1, pool-16 \
             (five-sites.jsonl#15) paragraph 1",
        ],
    );
    run.check(&["pool-13"], &["reused: paragraph 1 stands in 4 kept documents of 4 sites, this one first"]);
    run.check(
        &["torn-charter-again"],
        &["removed because of torn-charter (torn-lines.jsonl#2)", "equal, token by token"],
    );
    run.check(
        &["torn-lines.jsonl#3"],
        &[
            "rejected: line 5 could not be read: not UTF-8: byte 33 of the record",
            r#"54 bytes from byte 505 on: {"id":"torn-latin1""#,
        ],
    );
    // The whole passage where it is asked for.
    run.check(
        &["kestrel-bridge", "--full"],
        &["1 Chief engineer Ottilie Brandt told a packed meeting in the corn exchange that"],
    );
}

#[test]
fn two_documents_are_compared() {
    let run = Run::of(&["chain", "long-footer", "torn", "tiny"], &["dedupe"]);
    run.check(
        &["one-b", "one-a"],
        &[
            "a was removed because of b",
            "Jaccard 0.8482; 0.9205 of a stands in b, 0.9153 of b in a (runs of 5 tokens, texts without boilerplate)",
            "4 passages shared: 178 of a's 180 tokens and 178 of b's 181 tokens compared",
            "a0 ⟦Surveyors who walked",
            "out of some⟧ five ⟦thousand",
            "out of some⟧ four ⟦thousand",
        ],
    );
    run.check(&["one-a", "one-b", "--width", "100"], &["a │ b 0 ⟦Surveyors", "b was removed because of a"]);
    run.check(
        &["p12", "p01"],
        &[
            "no duplicates: less alike than --min-similarity 0.8",
            "a2-6 boilerplate: The information on these",
        ],
    );
    run.check(&["one-a", "torn-lines.jsonl#3"], &["not compared: what could not be read is like nothing"]);
    run.check(
        &["one-b", "one-c"],
        &["alike enough to be duplicates, but a was removed because of one-a (chain.jsonl#0): of the kept"],
    );
    run.check(
        &["torn-charter", "torn-charter-again"],
        &["their whole token sequences are equal", "a0 ⟦Archivists"],
    );
}

#[test]
fn colour_marks_what_is_shared() {
    let run = Run::of(&["chain"], &["dedupe"]);
    let coloured = stdout(&run.explain(&["one-a", "one-b", "--color", "always"]));
    assert!(coloured.contains("\u{1b}[32mSurveyors who walked") && !coloured.contains('⟦'), "{coloured}");
    let plain = stdout(&run.explain(&["one-a", "one-b", "--color", "never"]));
    assert!(plain.contains("⟦Surveyors who walked") && !plain.contains('\u{1b}'), "{plain}");
    assert_eq!(plain, stdout(&run.explain(&["one-a", "one-b"])), "no terminal, no colour");
}

/// What was decided between documents of a run.
#[track_caller]
fn check_between(run: &Run, a: &str, b: &str, expected: Between) {
    let two = run.two(a, b);
    assert_eq!(two.decision, expected, "{a} and {b}: {:?}", two.likeness);
}

#[test]
fn every_decision_is_told() {
    let run = Run::of(&["chain", "long-footer", "torn"], &["dedupe"]);
    check_between(&run, "one-b", "one-a", Between::ARemovedForB);
    check_between(&run, "one-a", "one-b", Between::BRemovedForA);
    check_between(&run, "two-left", "two-right", Between::BothRemovedForOne);
    check_between(&run, "one-a", "one-c", Between::Below);
    check_between(&run, "one-b", "one-c", Between::OtherWitness);
    check_between(&run, "torn-lines.jsonl#3", "one-a", Between::Rejected);
    let thin = Run::of(&["long-footer"], &["dedupe"]);
    let thin_pages: Vec<String> = thin
        .findings("long-footer.jsonl")
        .iter()
        .map(|finding| finding.doc.clone())
        .filter(|doc| explain(&thin.dir(), doc, None, &Silent).unwrap().text.unwrap().content_tokens < 20)
        .collect();
    check_between(&thin, &thin_pages[0], "p01", Between::Thin);
    let within = Run::of(&["keep-order"], &["dedupe", "--within", "dump"]);
    check_between(&within, "ketch-1", "ketch-3", Between::NotWithin);
    within.check(&["ketch-1", "ketch-3"], &["not compared: they differ in the field dump (--within)"]);
    let all = Run::of(&["keep-order"], &["dedupe", "--protect", "corpora/keep-order/protected.txt"]);
    check_between(&all, "ketch-1", "ketch-3", Between::BothKept);
    all.check(
        &["ketch-1", "ketch-3"],
        &["alike enough", "each was kept: both are protected (--protect named 2 ids)"],
    );
}

/// Every duplicate of golden corpora, measured again with its witness: the figures of the finding, by other code.
#[test]
fn what_is_measured_is_what_the_run_measured() {
    let mut measured = 0;
    let settings: [&[&str]; 3] = [
        &["dedupe"],
        &["dedupe", "--content", "all"],
        &["dedupe", "--shingle", "2", "--min-similarity", "0.6"],
    ];
    for words in settings {
        let corpora =
            ["chain", "forty-copies", "languages", "tiny", "wire-copy", "keep-order", "torn", "long-footer"];
        let run = Run::of(&corpora, words);
        let clusters = fs::read_to_string(run.dir().join("clusters.jsonl")).unwrap();
        for cluster in clusters.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let name =
                |document: &Value| format!("{}#{}", document["shard"].as_str().unwrap(), document["ordinal"]);
            for member in cluster["members"].as_array().unwrap().iter().take(4) {
                let two = run.two(&name(member), &name(&cluster["kept"]));
                let likeness = two.likeness.as_ref().unwrap();
                assert_eq!(two.decision, Between::ARemovedForB);
                assert_eq!(json!(likeness.jaccard), member["jaccard"], "{member}");
                assert_eq!(json!(likeness.containment_of_a), member["containment"], "{member}");
                assert_eq!(json!(likeness.exact), member["exact"], "{member}");
                check_passages(&two);
                measured += 1;
            }
        }
    }
    assert!(measured > 100, "{measured}");
}

/// Both spans of a passage hold its tokens, and hardly more; and what is shared is more than nothing.
#[track_caller]
fn check_passages(two: &Comparison) {
    let likeness = two.likeness.as_ref().unwrap();
    let text = |explained: &Explanation| explained.text.as_ref().unwrap().text.clone();
    let left_out: usize = [&two.a, &two.b]
        .iter()
        .flat_map(|explained| &explained.findings)
        .filter(|finding| matches!(finding.evidence, Evidence::Boilerplate { .. }))
        .count();
    for passage in &likeness.shared {
        let under = |span: Span, of: &Explanation| tokens(span.of(&text(of)));
        let (a, b) = (under(passage.a, &two.a), under(passage.b, &two.b));
        // A passage may run across boilerplate, and begin or end with one of several tokens of one character.
        let runs =
            |tokens: &[String]| tokens.windows(passage.tokens).map(<[String]>::to_vec).collect::<Vec<_>>();
        let same = runs(&a).iter().any(|run| runs(&b).contains(run));
        assert!(left_out > 0 || (same && a.len() <= passage.tokens + 4), "{passage:?}: {a:?}, {b:?}");
    }
    assert!(likeness.shared_tokens[0] > 0 || two.a.text.as_ref().unwrap().content_tokens == 0);
    assert!(likeness.beside.windows(2).all(|pair| pair[0][0] < pair[1][0] && pair[0][1] < pair[1][1]));
}

#[test]
fn json_comes_back_without_loss() {
    let run = Run::of(&["said-twice", "five-sites", "torn", "chain"], &["dedupe"]);
    let names = ["kestrel-bridge", "pool-02", "one-b", "torn-lines.jsonl#3"];
    for name in names {
        let printed = stdout(&run.explain(&[name, "--json"]));
        let read: Explanation =
            serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!(serde_json::to_string(&read).unwrap() + "\n", printed);
        assert_eq!(read, explain(&run.dir(), name, None, &Silent).unwrap());
        // Its findings are the lines of the run.
        let own = |finding: &Finding| finding.ordinal == read.document.ordinal;
        let of_run: Vec<Finding> = run.findings(&read.document.shard).into_iter().filter(own).collect();
        assert_eq!(read.findings, of_run, "{name}");
        let printed = stdout(&run.explain(&[name, "one-a", "--json"]));
        let read: Comparison =
            serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!(serde_json::to_string(&read).unwrap() + "\n", printed);
    }
}

#[test]
fn unclear_names_are_errors() {
    let run = Run::of(&["repeated-ids", "chain"], &["dedupe"]);
    run.check_error(
        &["7"],
        "error: 7: 7 documents bear this name; name the one you mean: repeated-ids-a.jsonl#0, repeated-ids-a.jsonl#1, ",
    );
    run.check(&["repeated-ids-a.jsonl#1"], &["7 (repeated-ids-a.jsonl#1)"]);
    run.check_error(
        &["nobody"],
        "error: nobody: no document of this run; name it by its id, its url or as SHARD#ORDINAL",
    );
    run.check_error(
        &["chain.jsonl#9"],
        "error: chain.jsonl#9: no such document; those of the shard are #0 to #8",
    );
    run.check_error(&["one-a", "chain.jsonl#0"], "one-a and chain.jsonl#0 are one document; name two");
    run.check_error(&["one-a", "nobody"], "nobody: no document of this run");
    assert_eq!(run.explain(&[]).status.code(), Some(2));
    assert_eq!(run.explain(&["one-a", "one-b", "one-c"]).status.code(), Some(2));
}

#[test]
fn a_changed_run_is_not_explained() {
    let run = Run::of(&["chain"], &["dedupe"]);
    let findings = run.dir().join("findings/chain.jsonl.jsonl");
    let good = fs::read_to_string(&findings).unwrap();
    fs::write(&findings, good.replace("0.848", "0.948")).unwrap();
    run.check_error(&["one-b"], "chain.jsonl.jsonl: not the file that the run wrote");
    fs::write(&findings, good).unwrap();
    let corpus = run.dir().join("corpus/chain.jsonl");
    fs::write(&corpus, fs::read_to_string(&corpus).unwrap().replace("sea wall", "sea WALL")).unwrap();
    run.check_error(&["one-a"], "chain.jsonl: what corpus/ and removed/ hold together is not what was read");
}

/// A folder with a copy of a corpus, and a scan of it.
fn scanned(corpus: &str) -> (Run, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let input = scratch.path().join("input");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(corpus).join("input");
    for entry in walkdir::WalkDir::new(&from).into_iter().map(Result::unwrap) {
        let to = input.join(entry.path().strip_prefix(&from).unwrap());
        match entry.file_type().is_dir() {
            true => fs::create_dir_all(to).unwrap(),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
    (Run::into(scratch, std::slice::from_ref(&input), &["scan"]), input)
}

#[test]
fn a_scan_is_explained_from_its_input() {
    let (run, input) = scanned("chain");
    run.check(
        &["one-b"],
        &["180 tokens in 1 paragraph", "would be removed because of one-a", "no passage of it was flagged"],
    );
    run.check(&["one-a"], &["would be kept; 1 document would be removed because of it:"]);
    run.check(&["one-a", "one-b"], &["b would be removed because of a", "Jaccard 0.8482", "⟦Surveyors"]);

    // Moved: what the records say, and how to get the rest.
    let moved = run.scratch.path().join("moved");
    fs::rename(&input, &moved).unwrap();
    let gone = "input/chain.jsonl is not there any more; name what the run read with --input INPUT";
    run.check(&["one-b"], &["would be removed because of one-a", "its text is not shown:", gone]);
    run.check(&["chain.jsonl#2"], &["one-c (chain.jsonl#2)", "would be kept;", gone]);
    run.check(&["one-a", "one-b"], &["b would be removed because of a", "not measured now:", gone]);
    run.check(&["chain.jsonl#0", "chain.jsonl#2"], &["neither was removed because of the other", gone]);
    run.check_error(&["one-d"], "one-d: no finding names it, and not all texts are at hand:");
    run.check(&["one-c", "--input", path(&moved)], &["one-c (chain.jsonl#2)", "179 tokens"]);
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/manual/input");
    run.check_error(&["one-c", "--input", path(&other)], "not among the shards that the run read");

    // Changed: never another text than the run read.
    let file = moved.join("chain.jsonl");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("sea wall", "sea WALL")).unwrap();
    run.check_error(&["one-b", "--input", path(&moved)], "chain.jsonl: changed since the run read it");
    fs::rename(&moved, &input).unwrap();
    let changed = "chain.jsonl: changed since the run read it (9221 bytes then, others now)";
    run.check(&["one-b"], &["would be removed because of one-a", "its text is not shown:", changed]);
    assert!(!flat(&stdout(&run.explain(&["one-b"]))).contains("tokens"));
}

#[test]
fn folders_of_text_and_runs_that_kept_nothing_are_explained_too() {
    let (run, _) = scanned("folder-of-text");
    run.check(
        &["cottage-leaflets#3"],
        &["cottage-leaflets#3, of cottage-leaflets", "53 tokens in 3 paragraphs"],
    );
    let run = Run::of(&["chain"], &["dedupe", "--no-removed"]);
    run.check(&["one-b", "one-a"], &["a was removed because of b", "Jaccard 0.8482", "⟦Surveyors"]);
}

#[test]
fn hostile_text_stays_text() {
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7} \u{202e}gnp.exe \u{9b}31m a\rb \u{2028} end";
    let words = "one two three four five six seven eight nine ten eleven twelve";
    let record = |id: &str, more: &str| json!({ "id": id, "url": format!("https://evil.test/{evil}"), "site": evil, "text": format!("{words} {evil}\n\n{evil} {words} {more}") });
    let records = [record(&format!("id{evil}"), "same"), record("b", "same again"), record("c", "")];
    let run = Run::made(&records, &["dedupe", "--site-field", "site"]);
    let torn = fs::read_to_string(run.scratch.path().join("made.jsonl")).unwrap() + "{\"\u{1b}[31m\": torn\n";
    fs::write(run.scratch.path().join("made.jsonl"), torn).unwrap();
    let torn = Run::over(&[run.scratch.path().join("made.jsonl")], &["dedupe"]);
    let answers = [
        run.explain(&["made.jsonl#0"]),
        run.explain(&["made.jsonl#1", "--full"]),
        run.explain(&["made.jsonl#0", "made.jsonl#1"]),
        run.explain(&["made.jsonl#0", "made.jsonl#1", "--width", "120"]),
        run.explain(&["made.jsonl#0", "made.jsonl#2", "--color", "always"]),
        torn.explain(&["made.jsonl#3"]),
        run.explain(&[evil]),
    ];
    for (number, answer) in answers.iter().enumerate() {
        let shown = stdout(answer) + &stderr(answer);
        let ours = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m"];
        let bare = ours.iter().fold(shown.clone(), |text, code| text.replace(code, ""));
        let hostile = |c: &char| (c.is_control() && *c != '\n') || "\u{202e}\u{2028}".contains(*c);
        assert_eq!(bare.chars().find(hostile), None, "answer {number}: {shown:?}");
        assert!(number == 4 || bare == shown, "answer {number}: colour without a terminal");
        assert!(shown.contains(r"\u{1b}"), "answer {number}: {shown:?}");
    }
}
