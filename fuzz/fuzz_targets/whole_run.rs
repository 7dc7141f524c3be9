//! Does a whole run keep its guarantees, whatever the shard holds?
//!
//! A small shard in, built from a few words so that its pages are copies, near-copies and strangers, with garbage
//! between. After a run, `verify` must find no fault, `restore` must give the bytes back, and another number of
//! threads must leave the same files.

#![no_main]

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::LazyLock;

use dittograph::corpus::{Compression, Format, Inputs, Part, Shard, Skipped, reader, writer};
use dittograph::output::Summary;
use dittograph::pipeline::{
    self, CandidateSource, Content, Guards, Job, Means, Settings, Silent, Strip, Target, pairs, restore, templates, verify,
};
use dittograph::resolve::{KeepKey, KeepOrder};
use dittograph::text::ParagraphBreaks;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rayon::{ThreadPool, ThreadPoolBuilder};

fuzz_target!(|case: Case| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inputs = write_shard(&case, folder.path());
    let settings = settings_of(&case);
    let (dir, again) = (folder.path().join("dir"), folder.path().join("again"));

    let summary = run(&ONE_THREAD, &inputs, &settings, case.scan, &dir);
    let (documents, bytes) = (summary.documents, summary.bytes);
    let parts = [bytes.kept, bytes.removed, bytes.stripped, bytes.rejected, bytes.framing];
    assert_eq!(bytes.read, parts.iter().sum::<u64>(), "{case:?}");
    assert_eq!(documents.read, documents.kept + documents.removed + documents.rejected, "{case:?}");
    assert_eq!(verify(&dir, &means(), &Silent).expect("a finished run").faults, Vec::<String>::new(), "{case:?}");
    if !case.scan {
        check_restored(&inputs.shards[0], &dir, &folder.path().join("restored"));
    }
    let other = run(&THREE_THREADS, &inputs, &settings, case.scan, &again);
    assert_eq!(summary.files, other.files, "the number of threads changes what is written: {case:?}");
    check_streams(&inputs, &settings, &case);
});

#[derive(Arbitrary, Debug)]
struct Case {
    compression: u8,
    /// Bytes that the packed file lacks at its end.
    cut: u8,
    /// Which settings, a bit or two each.
    choice: u16,
    scan: bool,
    lines: Vec<Line>,
}

/// A line of the shard.
#[derive(Arbitrary, Debug)]
enum Line {
    Page {
        site: u8,
        id: u8,
        paragraphs: Vec<Paragraph>,
    },
    /// An earlier line again.
    Copy(u8),
    /// An earlier page again, with one more paragraph.
    Longer(u8, Paragraph),
    Blank,
    Garbage(Vec<u8>),
}

#[derive(Arbitrary, Clone, Debug)]
enum Paragraph {
    Words(Vec<u8>),
    /// So many words from a place in an endless text: overlapping ones are near-duplicates.
    Passage {
        start: u8,
        words: u8,
    },
    Footer(u8),
    Text(String),
}

const MOST_LINES: usize = 40;

const WORDS: [&str; 16] = [
    "the",
    "A",
    "site",
    "2026",
    "12",
    "İstanbul",
    "straße",
    "東京",
    "ﬁne",
    "e\u{301}",
    "X",
    "cookie",
    "-",
    "\n",
    "42nd",
    "ok",
];

const FOOTERS: [&str; 4] = [
    "We use cookies to make this site better for you, and to show what you may like. Read more in our notice of 3 May 2026.",
    "We use cookies to make this site better for you, and to show what you may like. Read more in our notice of 9 June 2025.",
    "X",
    "Все права защищены. Перепечатка только со ссылкой на источник, не позднее 24 часов после выхода в свет.",
];

fn write_shard(case: &Case, folder: &Path) -> Inputs {
    let compression =
        [Compression::None, Compression::Gzip, Compression::Zstd][usize::from(case.compression % 3)];
    let name = format!("part.jsonl{}", compression.suffix());
    let path = folder.join(&name);
    let mut packer = writer(Vec::new(), compression).expect("memory for a codec");
    for line in lines_of(&case.lines) {
        packer.write_all(&line).expect("a vector takes all bytes");
    }
    let mut file = packer.finish().expect("a vector takes all bytes");
    file.truncate(file.len().saturating_sub(usize::from(case.cut.saturating_sub(128))));
    std::fs::write(&path, file).expect("room for a small file");
    let part = Part { path, name: name.clone(), compression };
    let shard = Shard { site: name.clone(), name, format: Format::Jsonl, folder: false, parts: vec![part] };
    Inputs { shards: vec![shard], skipped: Skipped::default() }
}

fn lines_of(lines: &[Line]) -> Vec<Vec<u8>> {
    let mut pages: Vec<(u8, u8, Vec<String>)> = Vec::new();
    let mut written: Vec<Vec<u8>> = Vec::new();
    for line in lines.iter().take(MOST_LINES) {
        let next = match line {
            Line::Page { site, id, paragraphs } => {
                let paragraphs = paragraphs.iter().take(8).map(text_of).collect();
                add_page(&mut pages, *site, *id, paragraphs)
            }
            Line::Longer(of, paragraph) if !pages.is_empty() => {
                let (site, id, mut paragraphs) = pages[usize::from(*of) % pages.len()].clone();
                paragraphs.push(text_of(paragraph));
                add_page(&mut pages, site, id, paragraphs)
            }
            Line::Copy(of) if !written.is_empty() => written[usize::from(*of) % written.len()].clone(),
            Line::Garbage(bytes) => [bytes, &b"\n"[..]].concat(),
            Line::Blank | Line::Longer(..) | Line::Copy(_) => b" \r\n".to_vec(),
        };
        written.push(next);
    }
    written
}

fn add_page(pages: &mut Vec<(u8, u8, Vec<String>)>, site: u8, id: u8, paragraphs: Vec<String>) -> Vec<u8> {
    let text = paragraphs.join(if id & 1 == 0 { "\n\n" } else { "\n" });
    let url = format!("https://www.site{}.example/{id}", site % 4);
    let record =
        serde_json::json!({ "id": id % 8, "url": url, "text": text, "lang": site % 2 == 0, "rank": id });
    pages.push((site, id, paragraphs));
    format!("{record}\n").into_bytes()
}

fn text_of(paragraph: &Paragraph) -> String {
    match paragraph {
        Paragraph::Words(words) => {
            words.iter().take(60).map(|word| WORDS[usize::from(word % 16)]).collect::<Vec<_>>().join(" ")
        }
        Paragraph::Passage { start, words } => {
            // Steps of a generator that repeats itself only after 65,536 of them.
            let word = |place: u32| format!("w{}", place.wrapping_mul(40_503) >> 4 & 0xfff);
            (0..u32::from(*words)).map(|place| word(u32::from(*start) + place)).collect::<Vec<_>>().join(" ")
        }
        Paragraph::Footer(which) => FOOTERS[usize::from(which % 4)].to_owned(),
        Paragraph::Text(text) => text.clone(),
    }
}

fn settings_of(case: &Case) -> Settings {
    let bits = |at: u16, count: u16| usize::from(case.choice >> at & ((1 << count) - 1));
    let mut settings = Settings::default();
    settings.compare.min_similarity = [0.5, 0.8, 0.95, 1.0][bits(0, 2)];
    // Of bits that others use, too.
    settings.compare.min_containment = [None, Some(0.5), Some(0.8), Some(1.0)][bits(8, 2)];
    settings.compare.shingle_tokens = [5, 1, 2, 9].map(|k| NonZeroUsize::new(k).expect("not 0"))[bits(2, 2)];
    settings.compare.content = [Content::Article, Content::All][bits(4, 1)];
    settings.compare.candidates = [CandidateSource::Signatures, CandidateSource::Exact][bits(5, 1)];
    settings.compare.max_equal_pairs = [1_000, 2][bits(6, 1)];
    settings.paragraphs =
        [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line][bits(7, 2) % 3];
    settings.read.max_record = [64 << 20, 1_000][bits(9, 1)];
    settings.read.chunk_bytes = [1 << 20, 700][bits(10, 1)];
    settings.fields.within = [None, Some("lang".to_owned())][bits(11, 1)].clone();
    settings.keep = [
        KeepOrder::default(),
        KeepOrder(vec![KeepKey::Shortest]),
        KeepOrder(vec![KeepKey::Max("rank".to_owned())]),
        KeepOrder(vec![KeepKey::ShortUrl, KeepKey::First]),
    ][bits(12, 2)]
    .clone();
    settings.fields.keep = settings.keep.fields();
    settings.protect = ["1", "5"].into_iter().take(bits(14, 2).min(2)).map(str::to_owned).collect();
    // Each byte stands for a compression and for a set of what is stripped.
    let strips = Strip::ALL.into_iter().enumerate();
    let named = strips.filter(|(bit, _)| (case.compression / 3) >> bit & 1 == 1);
    settings.strip = named.map(|(_, strip)| strip).collect();
    settings
}

static ONE_THREAD: LazyLock<ThreadPool> = LazyLock::new(|| pool(1));
static THREE_THREADS: LazyLock<ThreadPool> = LazyLock::new(|| pool(3));

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads")
}

fn means() -> Means {
    Means::unbounded().expect("a temporary folder")
}

fn run(pool: &ThreadPool, inputs: &Inputs, settings: &Settings, scan: bool, dir: &Path) -> Summary {
    let job = if scan { Job::Scan } else { Job::Dedupe { with_removed: true } };
    let target = Target { dir, force: false };
    let outcome = pool.install(|| pipeline::run(inputs, settings, Guards::default(), job, target, &means(), &Silent));
    outcome.expect("any content can be read")
}

fn check_restored(shard: &Shard, dir: &Path, out: &Path) {
    assert_eq!(restore(dir, out).expect("a finished run"), 1);
    let part = &shard.parts[0];
    let (was, torn) = bytes_of(&part.path, part.compression);
    let (is, torn_again) = bytes_of(&out.join(&shard.name), part.compression);
    assert_eq!(is, was, "what is restored is not what was read");
    assert!(!torn_again, "what is restored is torn (the original: {torn})");
}

/// What a file holds before a tear, and whether there is one.
fn bytes_of(path: &Path, compression: Compression) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let torn = reader(path, compression).expect("a file").read_to_end(&mut bytes).is_err();
    (bytes, torn)
}

fn check_streams(inputs: &Inputs, settings: &Settings, case: &Case) {
    let mut last = None;
    let each = |pair: dittograph::findings::PairRecord| {
        let places = (pair.a.ordinal, pair.b.ordinal);
        assert!(places.0 < places.1 && last < Some(places), "{places:?} after {last:?}: {case:?}");
        last = Some(places);
        let alike = pair.jaccard >= settings.compare.min_similarity - 1e-9;
        let contained = settings.compare.min_containment.is_some_and(|least| pair.containment >= least - 1e-9);
        assert!(
            (alike || contained) && (pair.jaccard..=1.0).contains(&pair.containment) && pair.jaccard >= 0.0,
            "{pair:?}"
        );
        Ok(())
    };
    ONE_THREAD.install(|| pairs(inputs, settings, each, &means(), &Silent)).expect("any content can be read");
    let each = |line: &[u8]| {
        let template: dittograph::findings::TemplateRecord = serde_json::from_slice(line).expect("a template");
        assert!((3..=template.site_documents).contains(&template.documents), "{template:?}: {case:?}");
        Ok(())
    };
    ONE_THREAD.install(|| templates(inputs, settings, each, &means(), &Silent)).expect("any content can be read");
}
