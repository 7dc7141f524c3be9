use super::*;

/// A folder with empty files at these paths.
fn tree(paths: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for path in paths {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    root
}

/// `inputs` with the folder put for `ROOT`.
fn find(root: &Path, inputs: &[&str], format: Option<Format>) -> Result<Inputs> {
    let root_name = root.to_str().unwrap();
    let inputs: Vec<String> = inputs.iter().map(|input| input.replace("ROOT", root_name)).collect();
    find_with_stdin(&inputs, format, &root.join("spool"), &mut &b"from stdin"[..])
}

/// `NAME` of a file's shard, `NAME[PART,PART]` of a folder's.
fn names(found: &Inputs) -> Vec<String> {
    let shown = |shard: &Shard| match shard.folder {
        true => {
            let parts: Vec<&str> = shard.parts.iter().map(|part| part.name.as_str()).collect();
            format!("{}[{}]", shard.name, parts.join(","))
        }
        false => shard.name.clone(),
    };
    found.shards.iter().map(shown).collect()
}

#[track_caller]
fn check(root: &tempfile::TempDir, inputs: &[&str], expected: &[&str], skipped: (u64, u64, u64)) -> Inputs {
    let found = find(root.path(), inputs, None).unwrap();
    assert_eq!(names(&found), expected, "shards of {inputs:?}");
    let Skipped { hidden, links, unknown, runs: _ } = found.skipped;
    assert_eq!((hidden, links, unknown), skipped, "hidden, links, unknown of {inputs:?}");
    found
}

#[track_caller]
fn check_error(root: &tempfile::TempDir, inputs: &[&str], format: Option<Format>, sentence: &str) {
    let error = find(root.path(), inputs, format).unwrap_err().to_string();
    let error = error.replace(root.path().to_str().unwrap(), "ROOT");
    assert!(error.contains(sentence), "{inputs:?}: {error}");
}

#[test]
fn files() {
    let root = tree(&["b.jsonl", "d/a.NDJSON.GZ", "c.txt.zst", ".h.jsonl", "x.md"]);
    let inputs = ["ROOT/b.jsonl", "ROOT/d/a.NDJSON.GZ", "ROOT/c.txt.zst", "ROOT/.h.jsonl"];
    let found = check(&root, &inputs, &["b.jsonl", "a.NDJSON.GZ", "c.txt.zst", ".h.jsonl"], (0, 0, 0)); // as given
    let kinds: Vec<_> = found.shards.iter().map(|shard| (shard.format, shard.parts[0].compression)).collect();
    assert_eq!(
        kinds[..3],
        [
            (Format::Jsonl, Compression::None),
            (Format::Jsonl, Compression::Gzip),
            (Format::Text, Compression::Zstd),
        ]
    );
    check_error(
        &root,
        &["ROOT/x.md"],
        None,
        "ROOT/x.md: unknown extension (known: .jsonl, .ndjson, .txt, .text); say",
    );
    let forced = find(root.path(), &["ROOT/x.md", "ROOT/c.txt.zst"], Some(Format::Jsonl)).unwrap();
    assert!(forced.shards.iter().all(|shard| shard.format == Format::Jsonl));
    assert_eq!(forced.shards[1].parts[0].compression, Compression::Zstd);
}

#[test]
fn folders_are_walked_in_the_order_of_path_bytes() {
    let root = tree(&[
        "in/b.jsonl",
        "in/a/z.jsonl",
        "in/a-b/y.jsonl.gz",
        "in/a.jsonl",
        "in/B.jsonl",
        "in/x.md",
        "in/.git/c.jsonl",
        "in/.d.jsonl",
    ]);
    let expected = ["B.jsonl", "a-b/y.jsonl.gz", "a.jsonl", "a/z.jsonl", "b.jsonl"];
    check(&root, &["ROOT/in"], &expected, (2, 0, 1));
    check(&root, &["ROOT/in/"], &expected, (2, 0, 1));
    check(&root, &["ROOT/in/a/.."], &expected, (2, 0, 1));
    check(&root, &["ROOT/in/.git"], &["c.jsonl"], (0, 0, 0)); // named, so taken
}

#[test]
fn the_texts_of_a_folder_are_one_shard() {
    let root = tree(&["in/b.txt", "in/a.text.gz", "in/sub/deep/c.txt", "in/sub/d.jsonl"]);
    let expected = ["in[a.text.gz,b.txt]", "sub/d.jsonl", "sub/deep[c.txt]"];
    let found = check(&root, &["ROOT/in"], &expected, (0, 0, 0));
    let sites: Vec<&str> = found.shards.iter().map(Shard::default_site).collect();
    assert_eq!(sites, ["in", "sub/d.jsonl", "sub/deep"]);
    check(&root, &["ROOT/in/sub/.."], &expected, (0, 0, 0)); // its own name, not `..`
    let found = check(&root, &["ROOT/in/b.txt", "ROOT/in/sub/deep/c.txt"], &["b.txt", "c.txt"], (0, 0, 0));
    let sites: Vec<&str> = found.shards.iter().map(Shard::default_site).collect();
    assert_eq!(sites, ["in", "deep"]);
    assert_eq!(base_name(Path::new("")), base_name(&std::env::current_dir().unwrap()));
}

#[test]
fn with_a_format_folders_are_searched_for_it_alone() {
    let root = tree(&["a.txt", "b.jsonl", "c"]);
    let found = find(root.path(), &["ROOT"], Some(Format::Jsonl)).unwrap();
    assert_eq!((names(&found), found.skipped.unknown), (vec!["b.jsonl".to_owned()], 2));
    let found = find(root.path(), &["ROOT/[ac]*"], Some(Format::Jsonl)).unwrap();
    assert_eq!(names(&found), ["a.txt", "c"]); // a pattern says which files
}

#[test]
fn globs() {
    let root = tree(&[
        "2023/a.jsonl",
        "2024/a.jsonl",
        "2024/b.txt",
        "2024/x/c.jsonl",
        "2024/.h.jsonl",
        "2024/y.md",
        "[1].jsonl",
        "e.jsonl",
    ]);
    check(&root, &["ROOT/*.jsonl"], &["[1].jsonl", "e.jsonl"], (0, 0, 0));
    check(&root, &["ROOT/[1].jsonl"], &["[1].jsonl"], (0, 0, 0)); // it exists, so it is no pattern
    check(&root, &["ROOT/202?/a.jsonl"], &["2023/a.jsonl", "2024/a.jsonl"], (0, 0, 0)); // below the fixed part
    check(
        &root,
        &["ROOT/2024/*"],
        &["a.jsonl", "b.txt", "c.jsonl"].map(|n| if n == "c.jsonl" { "x/c.jsonl" } else { n }),
        (1, 0, 1),
    );
    check(&root, &["ROOT/2024/{x/c,a}.jsonl"], &["a.jsonl", "x/c.jsonl"], (0, 0, 0));
    check(
        &root,
        &["ROOT/**/*.jsonl"],
        &["2023/a.jsonl", "2024/a.jsonl", "2024/x/c.jsonl", "[1].jsonl", "e.jsonl"],
        (1, 0, 0),
    );
    check(&root, &["ROOT/2024*"], &["2024/a.jsonl", "2024[b.txt]", "2024/x/c.jsonl"], (1, 0, 1)); // a folder is walked
    check(&root, &["ROOT/2024/.*"], &[".h.jsonl"], (0, 0, 0));
    check_error(&root, &["ROOT/*.csv"], None, "ROOT/*.csv: nothing matches");
    check_error(
        &root,
        &["ROOT/none/*.jsonl"],
        None,
        "ROOT/none/*.jsonl: no such file or folder, and nothing matches",
    );
    check_error(&root, &["ROOT/[b"], None, "ROOT/[b: "); // a broken pattern
    check_error(&root, &["ROOT/*.md", "ROOT/2024/*.md"], None, "ROOT/*.md: nothing matches");
    check_error(
        &root,
        &["ROOT/2024/*.md"],
        None,
        "ROOT/2024/*.md: nothing to read (skipped: 0 hidden, 0 symbolic links, 1 of",
    );
}

#[cfg(unix)]
#[test]
fn links_are_skipped_when_found_and_followed_when_named() {
    let root = tree(&["in/a.jsonl", "out/b.jsonl"]);
    let path = |name: &str| root.path().join(name);
    std::os::unix::fs::symlink(path("out"), path("in/link")).unwrap();
    std::os::unix::fs::symlink(path("out/b.jsonl"), path("in/b.jsonl")).unwrap();
    std::os::unix::fs::symlink(path("in"), path("in/loop")).unwrap();
    check(&root, &["ROOT/in"], &["a.jsonl"], (0, 3, 0));
    check(&root, &["ROOT/in/*.jsonl"], &["a.jsonl"], (0, 1, 0));
    check(&root, &["ROOT/in/**/*.jsonl"], &["a.jsonl"], (0, 3, 0));
    check(&root, &["ROOT/in/b.jsonl", "ROOT/in/link/b.jsonl"][..1], &["b.jsonl"], (0, 0, 0));
    check(&root, &["ROOT/in/link"], &["b.jsonl"], (0, 0, 0));
}

#[test]
fn lists() {
    let root = tree(&["a.jsonl", "in/b.jsonl", "in/c.jsonl"]);
    let list = root.path().join("list");
    let write = |text: &str| fs::write(&list, text.replace("ROOT", root.path().to_str().unwrap())).unwrap();
    write("ROOT/a.jsonl\r\n\n  \nROOT/in/*.jsonl");
    check(&root, &["@ROOT/list"], &["a.jsonl", "b.jsonl", "c.jsonl"], (0, 0, 0));
    write("ROOT/a.jsonl\n\nROOT/gone.jsonl\n");
    check_error(&root, &["@ROOT/list"], None, "ROOT/list, line 3: ROOT/gone.jsonl: no such file or folder");
    write("@other\n");
    check_error(&root, &["@ROOT/list"], None, "ROOT/list, line 1: a list cannot name another list");
    fs::write(&list, b"\n\xff\n").unwrap();
    check_error(&root, &["@ROOT/list"], None, "ROOT/list, line 2: not UTF-8");
    check_error(&root, &["@ROOT/nolist"], None, "ROOT/nolist: No such file");
}

#[test]
fn standard_input_is_copied_once() {
    let root = tree(&[]);
    let found = check(&root, &["-"], &["stdin.jsonl"], (0, 0, 0));
    let part = &found.shards[0].parts[0];
    assert_eq!(fs::read(&part.path).unwrap(), b"from stdin");
    assert_eq!((part.compression, found.shards[0].default_site()), (Compression::None, "stdin.jsonl"));
    let text = find(root.path(), &["-"], Some(Format::Text)).unwrap();
    assert_eq!((names(&text), text.shards[0].default_site()), (vec!["stdin.txt".to_owned()], "stdin.txt"));
    check_error(&root, &["-", "-"], None, "-: standard input can be read only once");
    let packed = &b"\x1f\x8b\x08..."[..];
    let found =
        find_with_stdin(&["-".to_owned()], None, &root.path().join("new/spool"), &mut { packed }).unwrap();
    assert_eq!(found.shards[0].parts[0].compression, Compression::Gzip);
    assert_eq!(fs::read(&found.shards[0].parts[0].path).unwrap(), packed);
}

#[test]
fn names_are_one_to_one() {
    let root = tree(&["a/x.jsonl", "b/x.jsonl", "c/x.jsonl/y.jsonl", "t/t/a.txt", "t/b.txt"]);
    check_error(
        &root,
        &["ROOT/a/x.jsonl", "ROOT/b"],
        None,
        "ROOT/a/x.jsonl and ROOT/b/x.jsonl would both be \"x.jsonl\"",
    );
    check_error(&root, &["ROOT/a", "ROOT/a/x.jsonl"], None, "ROOT/a/x.jsonl is given twice");
    check_error(&root, &["ROOT/t"], None, "ROOT/t and ROOT/t/t would both be \"t\"");
    check_error(
        &root,
        &["ROOT/a", "ROOT/c"],
        None,
        "ROOT/a/x.jsonl and ROOT/c/x.jsonl/y.jsonl would both be \"x.jsonl\"",
    );
    check(&root, &["ROOT/[ab]/x.jsonl"], &["a/x.jsonl", "b/x.jsonl"], (0, 0, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_do_not_merge() {
    use std::os::unix::ffi::OsStrExt;
    let root = tree(&["a.txt"]);
    for bytes in [&b"\xff.txt"[..], b"\xfe.txt"] {
        fs::write(root.path().join(OsStr::from_bytes(bytes)), "").unwrap();
    }
    check_error(&root, &["ROOT"], None, "\u{fffd}.txt");
}

#[test]
fn a_finished_run_is_no_input_unless_it_is_named() {
    let root = tree(&["in/a.jsonl", "in/out/.dittograph", "in/out/corpus/a.jsonl", "in/out/clusters.jsonl"]);
    let path = |below: &str| root.path().join(below).to_str().unwrap().to_owned();
    for input in [path("in"), path("in/*"), path("in/**/*.jsonl")] {
        let found = find_shards(std::slice::from_ref(&input), None, root.path()).unwrap();
        let names: Vec<&str> = found.shards.iter().map(|shard| shard.name.as_str()).collect();
        assert_eq!((names, found.skipped.runs), (vec!["a.jsonl"], 1), "{input}");
    }
    let named = find_shards(&[path("in/out/corpus")], None, root.path()).unwrap();
    assert_eq!(named.shards.len(), 1);
}

#[test]
fn what_names_nothing_is_an_error() {
    let root = tree(&["in/x.md", "in/.h.jsonl"]);
    check_error(&root, &[], None, "no INPUT: name files, folders, globs, @LIST, or - for standard input");
    check_error(
        &root,
        &["ROOT/in"],
        None,
        "ROOT/in: nothing to read (skipped: 1 hidden, 0 symbolic links, 1 of unknown kind, 0 finished runs;",
    );
    check_error(&root, &["ROOT/gone"], None, "ROOT/gone: no such file or folder");
    check_error(&root, &["ROOT/in/x.md/y"], None, "ROOT/in/x.md/y: no such file or folder");
    check_error(&root, &[""], None, "an empty INPUT: no such file or folder");
    check_error(
        &root,
        &["s3://bucket/a*.jsonl"],
        None,
        "s3://bucket/a*.jsonl: reading from s3:// is not there yet",
    );
    check_error(&root, &["https://example.com/a.jsonl"], None, "reading from https:// is not there yet");
    #[cfg(unix)]
    check_error(
        &root,
        &["/dev/null"],
        Some(Format::Jsonl),
        "/dev/null: neither a file nor a folder; a pipe is read with -",
    );
}

#[test]
fn the_order_of_shards_is_that_of_the_inputs() {
    let root = tree(&["b.jsonl", "a/c.jsonl"]);
    check(&root, &["ROOT/b.jsonl", "ROOT/a"], &["b.jsonl", "c.jsonl"], (0, 0, 0));
    check(&root, &["ROOT/a", "ROOT/b.jsonl"], &["c.jsonl", "b.jsonl"], (0, 0, 0));
}
