//! Stripping as laws over random corpora: both formats, packed and plain, every spelling of a JSON string, CRLF, byte
//! order marks; and `verify` against planted faults.

use std::io::{Read, Write};

use dittograph::pipeline::Strip;
use dittograph::text::{ParagraphBreaks, paragraphs};

use super::*;

/// A text as a document of these laws has it: many say themselves again, letters are of one to four bytes, and lines end
/// in more than one way.
fn text_of_line(line: &Line, shard: usize) -> Option<String> {
    let text = match line {
        Line::Document { paragraphs, edit, own, dump, .. } => {
            let once = text_of(paragraphs, *edit, *own);
            let again = text_of(paragraphs, None, None);
            // Passages that cover each other in part: what one rests on may leave.
            let passage = |start: u8| (start..start + 15).map(word).collect::<Vec<_>>().join(" ");
            let passages: Vec<String> = paragraphs.iter().map(|number| passage(3 * (number % 4))).collect();
            match dump {
                1 => format!("{once}\n\n{}\n\n{again}\n", passages.join("\n\n")),
                _ => once,
            }
        }
        Line::Window { start, length } => (*start..start + length).map(word).collect::<Vec<_>>().join(" "),
        Line::Garbage(_) | Line::Blank => return None,
    };
    let text = text.replace("river", "rivér 🌊").replace("baker", "\"baker\" \\").replace("***", " \t***");
    Some(if shard == 2 { text.replace('\n', "\r\n") } else { text })
}

/// A JSON string as no writer of ours would put it, but always in the same way.
fn spelled(text: &str) -> String {
    let mut inner = String::new();
    for (place, character) in text.chars().enumerate() {
        let escape =
            (place * 7 + text.len()).is_multiple_of(5) || character < ' ' || "\"\\".contains(character);
        match character {
            '\n' if place % 2 == 0 => inner += "\\n",
            _ if escape => {
                let units = character.encode_utf16(&mut [0; 2]).to_vec();
                inner.extend(units.iter().map(|unit| format!("\\u{unit:04X}")));
            }
            _ => inner.push(character),
        }
    }
    format!("\"{inner}\"")
}

/// The shards: what they are called, and their bytes.
fn shards_of(corpus: &[Vec<Line>]) -> BTreeMap<String, Vec<u8>> {
    let mut shards = BTreeMap::new();
    for (number, lines) in corpus.iter().enumerate() {
        let mut bytes = if number == 1 { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        for (ordinal, line) in lines.iter().enumerate() {
            let Some(text) = text_of_line(line, number) else {
                bytes.extend(if matches!(line, Line::Blank) { &b" \n"[..] } else { b"{\"text\": \"torn\n" });
                continue;
            };
            let (text_json, site) = (spelled(&text), text.len() % 2);
            let url = format!("\"https://site{site}.example/\"");
            let record = match number {
                0 => format!("{{\"text\": {text_json} ,\"url\":{url}, \"n\":1.50e1}}\n"),
                1 => format!(" {{\"text\":\"old\",\"url\":{url},\"t\\u0065xt\":{text_json}}}\r\n"),
                _ => format!("{{\"url\":{url},\"extra\":[\"\\u0061\"],\"text\":{text_json}}}\n"),
            };
            bytes.extend(record.as_bytes());
            if number == 0 {
                let mark = if ordinal % 3 == 0 { "\u{feff}" } else { "" };
                let extension = ["txt", "txt.gz", "txt.zst"][ordinal / 3 % 3];
                shards.insert(
                    format!("texts/{ordinal:02}.{extension}"),
                    (mark.to_owned() + &text).into_bytes(),
                );
            }
        }
        let extension = ["jsonl", "jsonl.gz", "jsonl.zst"][number];
        shards.insert(format!("{number}.{extension}"), bytes);
    }
    shards
}

fn pack(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let packed = match path.extension().unwrap().to_str().unwrap() {
        "gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zst" => zstd::encode_all(bytes, 1).unwrap(),
        _ => bytes.to_vec(),
    };
    fs::write(path, packed).unwrap();
}

fn unpack(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut plain = Vec::new();
    match bytes.get(..4) {
        Some([0x1f, 0x8b, ..]) => drop(flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain)),
        Some(b"\x28\xb5\x2f\xfd") => plain = zstd::decode_all(&bytes[..]).unwrap(),
        _ => plain = bytes,
    }
    plain
}

/// All files below a folder, unpacked, by their names there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
            (name, unpack(entry.path()))
        })
        .collect()
}

fn strip_settings(strip: &BTreeSet<Strip>) -> Settings {
    Settings { strip: strip.clone(), ..Settings::default() }
}

/// The findings of each document, by shard and ordinal.
fn findings_by_document(run: &Path) -> BTreeMap<Name, Vec<Value>> {
    let mut found: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
    for bytes in files(&run.join("findings")).into_values() {
        for line in String::from_utf8(bytes).unwrap().lines() {
            let finding: Value = serde_json::from_str(line).unwrap();
            found.entry(name(&finding)).or_default().push(finding);
        }
    }
    found
}

/// The contract's sentence on stripping, word for word and slow: what a document's text must be.
fn stripped_text(text: &str, findings: &[Value], strip: &BTreeSet<Strip>) -> String {
    let spans = paragraphs(text, ParagraphBreaks::Auto);
    let flagged = |kind: &str| -> BTreeSet<usize> {
        let of_kind = findings.iter().filter(|finding| finding["finding"] == kind);
        of_kind
            .flat_map(|finding| {
                let end = |end: usize| finding["paragraphs"][end].as_u64().unwrap() as usize;
                end(0)..=end(1)
            })
            .collect()
    };
    let boilerplate = flagged("boilerplate");
    let mut leaves = BTreeSet::new();
    if strip.contains(&Strip::Boilerplate) {
        leaves.extend(&boilerplate);
    }
    let (leads, repeats) = (flagged("repeated-lead"), flagged("repeat"));
    let words: Vec<Vec<String>> = spans.iter().map(|span| tokens(span.of(text))).collect();
    for paragraph in (0..spans.len()).rev() {
        let named = (strip.contains(&Strip::Leads) && leads.contains(&paragraph))
            || (strip.contains(&Strip::Repeats) && repeats.contains(&paragraph));
        let stays = |other: &usize| !leaves.contains(other) && !boilerplate.contains(other);
        if !named {
            continue;
        }
        let staying: HashSet<&[String]> =
            (paragraph + 1..spans.len()).filter(stays).flat_map(|other| words[other].windows(5)).collect();
        let own = &words[paragraph];
        let lies_in = |place: usize| {
            let covers = |at: usize| own.get(at..at + 5).is_some_and(|shingle| staying.contains(shingle));
            (place.saturating_sub(4)..=place).any(covers)
        };
        let covered = (0..own.len()).filter(|place| lies_in(*place)).count();
        if covered as f64 / own.len() as f64 >= 0.8 {
            leaves.insert(paragraph);
        }
    }
    let mut left = text[..spans.first().map_or(text.len(), |first| first.start)].to_owned();
    for (paragraph, span) in spans.iter().enumerate().filter(|(paragraph, _)| !leaves.contains(paragraph)) {
        left += &text[span.start..spans.get(paragraph + 1).map_or(text.len(), |next| next.start)];
    }
    left
}

/// A run that strips, held against its input and against `stripped_text`.
fn check_stripped(
    scratch: &Scratch,
    shards: &BTreeMap<String, Vec<u8>>,
    strip: &BTreeSet<Strip>,
) -> std::result::Result<(), TestCaseError> {
    let summary = scratch.dedupe("run", &strip_settings(strip));
    let run = scratch.path("run");
    let count = summary.bytes;
    prop_assert_eq!(count.read, shards.values().map(Vec::len).sum::<usize>() as u64);
    prop_assert_eq!(count.kept + count.removed + count.stripped + count.rejected + count.framing, count.read);
    let findings = findings_by_document(&run);
    let corpus = files(&run.join("corpus"));
    let mut kept = 0;
    for (shard, bytes) in shards {
        let left = corpus.get(shard).map_or(&[][..], Vec::as_slice);
        let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Some(file) = shard.strip_prefix("texts/") {
            let ordinal =
                shards.keys().filter(|name| name.starts_with("texts/")).position(|name| name.ends_with(file));
            let found =
                findings.get(&("texts".to_owned(), ordinal.unwrap() as u64)).map_or(&[][..], Vec::as_slice);
            let text = std::str::from_utf8(body).unwrap();
            if found.iter().any(|finding| finding["finding"] == "duplicate") {
                prop_assert!(!corpus.contains_key(shard));
                continue;
            }
            let mark = &bytes[..bytes.len() - body.len()];
            kept += (left.len() - mark.len()) as u64;
            let expected = [mark, stripped_text(text, found, strip).as_bytes()].concat();
            prop_assert_eq!(String::from_utf8_lossy(left), String::from_utf8_lossy(&expected));
            continue;
        }
        kept += left.len() as u64;
        let mut lines = left.split_inclusive(|byte| *byte == b'\n');
        let read = body.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        for (ordinal, line) in read.enumerate() {
            let found = findings.get(&(shard.clone(), ordinal as u64)).map_or(&[][..], Vec::as_slice);
            let Ok(mut expected) = serde_json::from_slice::<Value>(line) else { continue };
            if found.iter().any(|finding| finding["finding"] == "duplicate") {
                continue;
            }
            let written = lines.next().unwrap();
            let text = expected["text"].as_str().unwrap().to_owned();
            let rest = stripped_text(&text, found, strip);
            prop_assert_eq!(rest == text, written == line);
            expected["text"] = json!(rest);
            prop_assert_eq!(serde_json::from_slice::<Value>(written).unwrap(), expected);
        }
        prop_assert_eq!(lines.next(), None);
    }
    prop_assert_eq!(kept, count.kept);
    pipeline::restore(&run, &scratch.path("back")).unwrap();
    let back: BTreeMap<String, Vec<u8>> = files(&scratch.path("back"))
        .into_iter()
        .map(|(name, bytes)| (name.trim_start_matches("input/").to_owned(), bytes))
        .collect();
    prop_assert!(back == *shards, "what is restored is not what was read");
    let checked = verify(&run).unwrap();
    prop_assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    let again =
        find_shards(&[run.join("corpus").to_str().unwrap().to_owned()], None, scratch.dir.path()).unwrap();
    let dir = scratch.path("again");
    let target = Target { dir: &dir, force: false };
    let again = pipeline::run(
        &again,
        &Settings::default(),
        Guards::default(),
        Job::Scan,
        target,
        &Means::unbounded().unwrap(),
        &Silent,
    )
    .unwrap();
    prop_assert_eq!((again.documents.read, again.documents.rejected), (summary.documents.kept, 0));
    Ok(())
}

/// The input on disk.
fn scratch_of(shards: &BTreeMap<String, Vec<u8>>) -> Scratch {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in shards {
        pack(&dir.path().join("input").join(name), bytes);
    }
    Scratch { dir, shards: Vec::new() }
}

fn strips() -> impl Strategy<Value = BTreeSet<Strip>> {
    prop::sample::subsequence(Strip::ALL.to_vec(), 1..=3).prop_map(BTreeSet::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Guarantees 2 and 3: what is stripped is what the contract says, nothing else changes, and all of it comes back.
    #[test]
    fn what_is_stripped_is_what_the_findings_say_and_comes_back(corpus in corpus(), strip in strips()) {
        let shards = shards_of(&corpus);
        check_stripped(&scratch_of(&shards), &shards, &strip)?;
    }

    /// Findings speak of the text as it was read, and the filter writes what `corpus/` has.
    #[test]
    fn stripping_changes_no_finding(corpus in corpus()) {
        let shards = shards_of(&corpus);
        let scratch = scratch_of(&shards);
        let settings = strip_settings(&BTreeSet::from(Strip::ALL));
        scratch.dedupe("plain", &Settings::default());
        scratch.dedupe("stripped", &settings);
        for file in ["findings", "clusters.jsonl", "templates.jsonl", "rejected.jsonl"] {
            let [plain, stripped] = ["plain", "stripped"].map(|run| files(&scratch.path(run).join(file)));
            prop_assert!(plain == stripped, "{}", file);
        }
        let inputs = find_shards(&[scratch.path("input").to_str().unwrap().to_owned()], None, scratch.dir.path()).unwrap();
        let mut filtered = Vec::new();
        pipeline::filter(&inputs, &settings, Guards::default(), &mut filtered, &Means::unbounded().unwrap(), &Silent).unwrap();
        let corpus = files(&scratch.path("stripped/corpus"));
        let without_mark = |bytes: &Vec<u8>| bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).to_vec();
        let expected: Vec<u8> = corpus.values().flat_map(without_mark).collect();
        prop_assert!(filtered == expected, "the filter writes other bytes");
    }
}

#[test]
fn the_random_corpora_hold_what_is_stripped() {
    // The laws above are worth nothing over corpora of which nothing is stripped.
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..24 {
        let shards = shards_of(&corpus().new_tree(&mut runner).unwrap().current());
        let scratch = scratch_of(&shards);
        for strip in Strip::ALL {
            let summary = scratch.dedupe(strip.name(), &strip_settings(&BTreeSet::from([strip])));
            seen.extend((summary.bytes.stripped > 0).then(|| strip.name().to_owned()));
        }
        scratch.dedupe("run", &strip_settings(&BTreeSet::from(Strip::ALL)));
        for (name, bytes) in files(&scratch.path("run/removed")) {
            let text = String::from_utf8_lossy(&bytes);
            let (_, extension) = name.split_once('.').unwrap();
            seen.extend(text.contains("\"stripped\"").then(|| extension.to_owned()));
        }
        for (name, bytes) in files(&scratch.path("run/corpus")) {
            seen.extend((name.ends_with("txt") && bytes.is_empty()).then(|| "empty".to_owned()));
        }
    }
    let wanted = [
        "boilerplate",
        "leads",
        "repeats",
        "jsonl",
        "jsonl.gz",
        "jsonl.zst",
        "txt",
        "txt.gz",
        "txt.zst",
        "empty",
    ];
    for wanted in wanted {
        assert!(seen.contains(wanted), "no {wanted} in 24 corpora: {seen:?}");
    }
}

/// A run that strips all there is: a footer, a lead, a repeat; of lines and of files.
fn stripped_run() -> Scratch {
    let footer = PARAGRAPHS[6];
    let text = |number: usize, middle: &[&str]| {
        let own = (0..24).map(|place| format!("own{number}word{place}")).collect::<Vec<_>>();
        let parts = [
            &[own[..12].join(" "), own[12..].join(" ")][..],
            &middle.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(),
            &[footer.to_owned()],
        ];
        parts.concat().join("\n\n")
    };
    let (harbour, baker) = (PARAGRAPHS[0], PARAGRAPHS[2]);
    let texts: Vec<String> = (0..8)
        .map(|number| match number {
            1 => text(number, &[harbour, "a b c", harbour, baker, "d e f", baker]),
            2 => text(number, &[baker]),
            _ => text(number, &[]),
        })
        .collect();
    let lines: Vec<String> = texts
        .iter()
        .chain([&texts[2]])
        .map(|text| json!({ "url": "https://a.example/", "text": text }).to_string() + "\n")
        .collect();
    let mut shards = BTreeMap::from([("0.jsonl".to_owned(), lines.concat().into_bytes())]);
    for (number, text) in texts.iter().enumerate().skip(3) {
        let text = text.replace("own", "other");
        shards.insert(format!("texts/{number}.txt"), ("\u{feff}".to_owned() + &text).into_bytes());
    }
    let scratch = scratch_of(&shards);
    let summary = scratch.dedupe("run", &strip_settings(&BTreeSet::from(Strip::ALL)));
    let found = |kind: &str| summary.findings[kind];
    assert_eq!(["boilerplate", "repeated-lead", "repeat", "duplicate"].map(found), [14, 1, 1, 1]);
    assert!(summary.bytes.stripped > 0);
    scratch
}

/// The first record of `removed/0.jsonl` of a stripped span, by its line.
fn change_first_span(run: &Path, change: impl Fn(&mut Value) -> bool) {
    let mut changed = false;
    rewrite(run, "removed/0.jsonl", |_, piece| {
        let first = piece["kind"] == "stripped" && !std::mem::replace(&mut changed, true);
        if first { change(piece) } else { true }
    });
    seal(run);
}

/// Takes another paragraph out of the second document, as a run would have.
fn strip_more(run: &Path, paragraph: u64, text: &str) {
    let path = run.join("corpus/0.jsonl");
    let corpus = fs::read_to_string(&path).unwrap();
    let place = corpus.rfind(text).unwrap();
    let mut shorter = corpus.clone();
    shorter.replace_range(place..place + text.len(), "");
    fs::write(path, shorter).unwrap();
    let mut pieces = records(&run.join("removed/0.jsonl"));
    let own: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at]["ordinal"] == 1).collect();
    let before =
        own.iter().rev().find(|at| pieces[**at]["paragraphs"][0].as_u64() < Some(paragraph)).unwrap();
    let mut piece = pieces[*before].clone();
    // Where it stood: its place in the corpus, and all that left before it.
    let left: u64 = pieces[..=*before].iter().map(|piece| piece["length"].as_u64().unwrap()).sum();
    piece["offset"] = json!(place as u64 + left);
    piece["length"] = json!(text.len());
    piece["paragraphs"] = json!([paragraph, paragraph]);
    piece["raw"] = json!(text);
    pieces.insert(before + 1, piece);
    let lines: Vec<String> = pieces.iter().map(|piece| piece.to_string() + "\n").collect();
    fs::write(run.join("removed/0.jsonl"), lines.concat()).unwrap();
    rewrite_summary(run, |summary| {
        let bytes = &mut summary["bytes"];
        let [kept, stripped] = ["kept", "stripped"].map(|part| bytes[part].as_u64().unwrap());
        bytes["kept"] = json!(kept - text.len() as u64);
        bytes["stripped"] = json!(stripped + text.len() as u64);
    });
    seal(run);
}

#[test]
fn verify_passes_a_stripped_run() {
    let checked = verify(&stripped_run().path("run")).unwrap();
    assert_eq!(checked.faults, [""; 0]);
}

#[test]
fn verify_names_planted_faults_of_stripping() {
    let faults: &[Fault] = &[
        ("a span is lost", |run| change_first_span(run, |_| false), "do not fit together"),
        (
            "a span has moved",
            |run| {
                change_first_span(run, |piece| {
                    piece["offset"] = json!(piece["offset"].as_u64().unwrap() + 1);
                    true
                });
            },
            "is not what was read",
        ),
        (
            "a span stands beyond its record",
            |run| {
                change_first_span(run, |piece| {
                    piece["offset"] = json!(piece["offset"].as_u64().unwrap() + 10_000);
                    true
                });
            },
            "do not fit together",
        ),
        (
            "a byte of a span is another",
            |run| {
                change_first_span(run, |piece| {
                    piece["raw"] =
                        json!(piece["raw"].as_str().unwrap().replacen("copyright", "copYright", 1));
                    true
                });
            },
            "is not what was read",
        ),
        (
            "a span is shorter than it says",
            |run| {
                change_first_span(run, |piece| {
                    piece["raw"] = json!("");
                    true
                });
            },
            "not the bytes that it says",
        ),
        (
            "a span belongs to another document",
            |run| {
                change_first_span(run, |piece| {
                    piece["ordinal"] = json!(5);
                    true
                });
            },
            "do not fit together",
        ),
        (
            "a span has no paragraphs",
            |run| {
                change_first_span(run, |piece| {
                    piece.as_object_mut().unwrap().remove("paragraphs");
                    true
                });
            },
            "do not fit together",
        ),
        (
            "a span names other paragraphs",
            |run| {
                change_first_span(run, |piece| {
                    piece["paragraphs"] = json!([0, 0]);
                    true
                });
            },
            "paragraphs 0 to 0 were stripped, but no finding",
        ),
        (
            "a stripped span has no finding",
            |run| {
                rewrite(run, "findings/0.jsonl.jsonl", |_, finding| finding["finding"] != "repeated-lead");
                rewrite_summary(run, |summary| summary["findings"]["repeated-lead"] = json!(0));
                seal(run);
            },
            "paragraphs 2 to 2 were stripped, but no finding",
        ),
        (
            "a span of a kind that was not asked for",
            |run| rewrite_summary(run, |summary| summary["settings"]["strip"] = json!(["leads", "repeats"])),
            "no finding that --strip names says why",
        ),
        (
            "a span was not stripped",
            |run| {
                // The run stripped no leads; its summary says that it did.
                let (input, again) =
                    (run.parent().unwrap().join("input"), run.parent().unwrap().join("again"));
                let inputs =
                    find_shards(&[input.to_str().unwrap().to_owned()], None, run.parent().unwrap()).unwrap();
                let settings = strip_settings(&BTreeSet::from([Strip::Boilerplate]));
                let (job, target) =
                    (Job::Dedupe { with_removed: true }, Target { dir: &again, force: false });
                pipeline::run(
                    &inputs,
                    &settings,
                    Guards::default(),
                    job,
                    target,
                    &Means::unbounded().unwrap(),
                    &Silent,
                )
                .unwrap();
                fs::remove_dir_all(run).unwrap();
                fs::rename(again, run).unwrap();
                rewrite_summary(run, |summary| {
                    summary["settings"]["strip"] = json!(["boilerplate", "leads"])
                });
            },
            "1 spans were stripped, but its findings and --strip say 2",
        ),
        (
            "the last copy was stripped, too, and nothing covers the first one",
            |run| {
                strip_more(run, 4, &format!("{}\\n\\n", PARAGRAPHS[0]));
                let mut lines = Vec::new();
                for finding in records(&run.join("findings/0.jsonl.jsonl")) {
                    lines.push(finding.to_string() + "\n");
                    if finding["finding"] == "repeated-lead" {
                        let mut more = finding.clone();
                        (more["finding"], more["paragraphs"]) = (json!("repeat"), json!([4, 4]));
                        lines.push(more.to_string() + "\n");
                    }
                }
                fs::write(run.join("findings/0.jsonl.jsonl"), lines.concat()).unwrap();
                rewrite_summary(run, |summary| summary["findings"]["repeat"] = json!(2));
                seal(run);
            },
            "paragraph 2 was stripped, but what stays does not say it again",
        ),
        (
            "the summary counts stripped bytes as kept",
            |run| {
                rewrite_summary(run, |summary| {
                    let bytes = &mut summary["bytes"];
                    bytes["kept"] = json!(bytes["kept"].as_u64().unwrap() + 1);
                    bytes["stripped"] = json!(bytes["stripped"].as_u64().unwrap() - 1);
                });
            },
            "but DIR holds",
        ),
        (
            "the spans of a file are gone",
            |run| fs::remove_file(run.join("removed/texts/3.txt")).unwrap(),
            "is not what was read",
        ),
        (
            "a span of a file stands beyond it",
            |run| {
                rewrite(run, "removed/texts/3.txt", |_, piece| {
                    piece["offset"] = json!(piece["offset"].as_u64().unwrap() + 10_000);
                    true
                });
            },
            "does not fit into",
        ),
        (
            "a span of a file is no span",
            |run| {
                rewrite(run, "removed/texts/3.txt", |_, piece| {
                    piece["kind"] = json!("record");
                    true
                });
            },
            "does not fit into",
        ),
        (
            "a span of a file begins within its mark",
            |run| {
                rewrite(run, "removed/texts/3.txt", |_, piece| {
                    (piece["offset"], piece["length"], piece["raw"]) = (json!(1), json!(0), json!(""));
                    true
                });
            },
            "is not what was read",
        ),
    ];
    for (what, plant, said) in faults {
        let scratch = stripped_run();
        let run = scratch.path("run");
        plant(&run);
        let checked = verify(&run).unwrap();
        let named = checked.faults.iter().any(|fault| fault.contains(said));
        assert!(named, "{what}: verify says {:?}", checked.faults);
        assert!(pipeline::restore(&run, &scratch.path("back")).is_ok() || !scratch.path("back").exists());
    }
}
