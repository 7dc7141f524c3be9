//! What does each stage cost alone, and how many times the floor is that?
//!
//!     cargo bench --bench stages
//!     cargo bench --bench stages -- --documents 5000 --rounds 3 verify
//!
//! One thread, all input in memory (but for the floor and `corpus::read_shard`, whose file is in the system's cache
//! after the first round). README.md beside this file says what each row means.

#[allow(dead_code)] // each bench uses a part of it
mod corpus;
mod measure;
mod random;

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;

use dittograph::boilerplate::{self, Page, PageParagraph, SiteTemplates, TemplateSettings};
use dittograph::candidates::Candidates;
use dittograph::corpus::{
    Chunk, Fields, Format, PieceKind, ReadSettings, Shard, find_shards, parse, read_shard,
};
use dittograph::document::Span;
use dittograph::repeats::{self, RepeatSettings};
use dittograph::shingle::{ShingleSet, for_each_shingle, token_hash};
use dittograph::sketch::{Screening, Signatures};
use dittograph::text::{ParagraphBreaks, Tokenizer, paragraphs, tokens};
use dittograph::verify::{overlap, overlap_at_least, overlap_of_tokens};
use measure::{Options, Row, Sample, time};

const SIMILARITY: f64 = 0.8;
const K: NonZeroUsize = NonZeroUsize::new(5).unwrap();
const SEED: u64 = 0;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(20_000, 7);
    let made = corpus::make(options.documents, 1)?;
    let prepared = Prepared::of(&made)?;
    println!(
        "{} documents, {:.1} MB, {:.1} MB of text, {} tokens, {} paragraphs, {} sites, {} pairs; {} rounds\n",
        made.documents,
        made.bytes as f64 / 1e6,
        made.text_bytes as f64 / 1e6,
        prepared.count(|document| document.tokens.len()),
        prepared.count(|document| document.paragraphs.len()),
        prepared.sites.len(),
        prepared.pairs.len(),
        options.rounds
    );
    let mut rows = rows(&made, &prepared);
    let mut place = 0;
    rows.retain(|row| {
        place += 1;
        place == 1 || options.wants(&row.name)
    });
    measure::table(&mut rows, options.rounds, made.documents);
    Ok(())
}

/// What the rows read: the corpus as each stage leaves it to the next.
struct Prepared {
    shard: Shard,
    chunks: Vec<Chunk>,
    documents: Vec<Document>,
    sets: Vec<ShingleSet>,
    signatures: Signatures,
    /// The pages of each site.
    sites: Vec<Vec<Vec<PageParagraph>>>,
    templates: Vec<SiteTemplates>,
    /// The candidate pairs that reach [`SIMILARITY`] when every document is looked up and inserted.
    pairs: Vec<(usize, usize)>,
    /// The candidate pairs, all of them.
    candidates: Vec<(usize, usize)>,
}

struct Document {
    text: String,
    paragraphs: Vec<Span>,
    /// Hashes, in text order.
    tokens: Vec<u64>,
    /// Those of each paragraph.
    by_paragraph: Vec<Vec<u64>>,
}

impl Prepared {
    fn of(made: &corpus::Corpus) -> Result<Prepared, Box<dyn Error>> {
        let place = made.file.to_string_lossy().into_owned();
        let folder = made.file.parent().ok_or("a file lies in a folder")?;
        let shard = find_shards(&[place], None, folder)?.shards.remove(0);
        let mut chunks = Vec::new();
        read_shard(&shard, &ReadSettings::default(), &mut |chunk| {
            chunks.push(chunk);
            Ok(())
        })?;
        let (mut documents, mut sites) = (Vec::new(), BTreeMap::<String, Vec<Vec<PageParagraph>>>::new());
        let mut tokenizer = Tokenizer::new();
        for bytes in records(&chunks) {
            let record = parse(Format::Jsonl, bytes, &Fields::default())?;
            let document = Document::of(record.text.into_owned(), &mut tokenizer);
            let url = record.url.unwrap_or_default();
            let site = url.split('/').nth(2).unwrap_or_default().to_owned();
            sites.entry(site).or_default().push(document.page(&mut tokenizer));
            documents.push(document);
        }
        let sets: Vec<ShingleSet> =
            documents.iter().map(|document| ShingleSet::of_tokens(&document.tokens, K, SEED)).collect();
        let signatures = signed(&sets);
        let candidates = candidate_pairs(&signatures, &sets);
        let alike = |&(a, b): &(usize, usize)| overlap(&sets[a], &sets[b]).reaches(SIMILARITY);
        let pairs = candidates.iter().copied().filter(alike).collect();
        let sites: Vec<Vec<Vec<PageParagraph>>> = sites.into_values().collect();
        let templates = sites.iter().map(|pages| templates(pages)).collect();
        Ok(Prepared { shard, chunks, documents, sets, signatures, sites, templates, pairs, candidates })
    }

    fn count(&self, of: impl Fn(&Document) -> usize) -> u64 {
        self.documents.iter().map(|document| of(document) as u64).sum()
    }
}

impl Document {
    fn of(text: String, tokenizer: &mut Tokenizer) -> Document {
        let paragraphs = paragraphs(&text, ParagraphBreaks::Auto);
        let mut hashes = |span: &Span| {
            let mut found = Vec::new();
            tokenizer.for_each(span.of(&text), |token| found.push(token_hash(token, SEED)));
            found
        };
        let by_paragraph: Vec<Vec<u64>> = paragraphs.iter().map(&mut hashes).collect();
        Document { tokens: by_paragraph.concat(), text, paragraphs, by_paragraph }
    }

    /// Each paragraph as templates see it: numbers masked. The key here is of 64 bits; only equality counts.
    fn page(&self, tokenizer: &mut Tokenizer) -> Vec<PageParagraph> {
        let mut page_paragraph = |span: &Span| {
            let mut masked = Vec::new();
            tokenizer.for_each(span.of(&self.text), |token| {
                masked.push(if token.starts_with(char::is_numeric) { 0 } else { token_hash(token, SEED) });
            });
            let bytes: Vec<u8> = masked.iter().flat_map(|hash| hash.to_le_bytes()).collect();
            PageParagraph {
                key: u128::from(xxhash_rust::xxh3::xxh3_64(&bytes)),
                sketch: boilerplate::sketch(&masked),
                tokens: masked.len() as u32,
                listed: false,
            }
        };
        self.paragraphs.iter().map(&mut page_paragraph).collect()
    }
}

fn records(chunks: &[Chunk]) -> impl Iterator<Item = &[u8]> {
    chunks.iter().flat_map(|chunk| {
        let records = chunk.pieces.iter().filter(|piece| piece.kind == PieceKind::Record);
        records.map(|piece| chunk.bytes_of(piece))
    })
}

fn screening() -> Screening {
    Screening::for_similarity(SIMILARITY).unwrap_or_else(|| unreachable!("0.8 is in the range"))
}

fn signed(sets: &[ShingleSet]) -> Signatures {
    let mut signatures = Signatures::new(screening(), SEED);
    sets.iter().for_each(|set| signatures.push(set));
    signatures
}

/// Looks each document up among those before it, and inserts it.
fn candidate_pairs(signatures: &Signatures, sets: &[ShingleSet]) -> Vec<(usize, usize)> {
    let mut index = Candidates::by_signatures(signatures, sets);
    let (mut found, mut pairs) = (Vec::new(), Vec::new());
    for document in 0..sets.len() as u32 {
        index.candidates(document, &mut found);
        pairs.extend(found.iter().map(|&other| (other as usize, document as usize)));
        index.insert(document);
    }
    pairs
}

fn templates(pages: &[Vec<PageParagraph>]) -> SiteTemplates {
    let pages: Vec<Page> = pages.iter().map(|page| Page::without_sections(page)).collect();
    boilerplate::find(&pages, &TemplateSettings::default())
}

fn rows<'a>(made: &'a corpus::Corpus, prepared: &'a Prepared) -> Vec<Row<'a>> {
    let (file, text, documents) = (made.bytes, made.text_bytes, (made.documents, "document"));
    let tokens = (prepared.count(|document| document.tokens.len()), "token");
    let paragraphs = (prepared.count(|document| document.paragraphs.len()), "paragraph");
    let shingles = (prepared.sets.iter().map(|set| set.len() as u64).sum(), "shingle");
    let of_pairs = |pairs: &[(usize, usize)], size: &dyn Fn(usize) -> usize| {
        pairs.iter().map(|&(a, b)| (size(a) + size(b)) as u64).sum::<u64>()
    };
    let set_len = |document: usize| prepared.sets[document].len();
    let candidates = of_pairs(&prepared.candidates, &set_len);
    let pairs = of_pairs(&prepared.pairs, &set_len);
    let pair_tokens = of_pairs(&prepared.pairs, &|document| prepared.documents[document].tokens.len());
    let pair_text = of_pairs(&prepared.pairs, &|document| prepared.documents[document].text.len());
    vec![
        row("floor", file, documents, || time(|| measure::floor(&made.file))),
        row("corpus::read_shard", file, documents, || read(prepared)),
        row("corpus::parse", file, documents, || parse_all(prepared)),
        row("text::paragraphs", text, paragraphs, || cut(prepared)),
        row("text::Tokenizer", text, tokens, || tokenise(prepared, str::len)),
        row("text::Tokenizer + token_hash", text, tokens, || {
            tokenise(prepared, |token| token_hash(token, SEED) as usize)
        }),
        row("boilerplate::sketch", text, paragraphs, || sketch_paragraphs(prepared)),
        row("shingle::for_each_shingle", text, tokens, || shingle(prepared)),
        row("shingle::ShingleSet::of_tokens", text, shingles, || make_sets(prepared)),
        row("sketch::Signatures::push", text, shingles, || time(|| signed(&prepared.sets))),
        row("candidates: make, look up, insert", text, documents, || find_candidates(prepared)),
        row("verify::overlap_at_least, candidates", 8 * candidates, (candidates, "shingle"), || {
            time(|| {
                sum(&prepared.candidates, |a, b| {
                    overlap_at_least(&prepared.sets[a], &prepared.sets[b], SIMILARITY)
                        .map_or(0, |both| both.shared)
                })
            })
        }),
        row("verify::overlap, pairs", 8 * pairs, (pairs, "shingle"), || {
            time(|| sum(&prepared.pairs, |a, b| overlap(&prepared.sets[a], &prepared.sets[b]).shared))
        }),
        row("verify::overlap_of_tokens, pairs", pair_text, (pair_tokens, "token"), || confirm(prepared)),
        row("repeats::find", text, tokens, || find_repeats(prepared)),
        row("boilerplate::find", text, paragraphs, || {
            time(|| prepared.sites.iter().map(|pages| templates(pages).templates.len()).sum::<usize>())
        }),
        row("boilerplate::SiteTemplates::mark", text, paragraphs, || mark(prepared)),
    ]
}

fn row<'a>(name: &str, bytes: u64, units: (u64, &'static str), run: impl FnMut() -> Sample + 'a) -> Row<'a> {
    Row { name: name.to_owned(), bytes, units, run: Box::new(run) }
}

fn sum(pairs: &[(usize, usize)], of: impl Fn(usize, usize) -> usize) -> usize {
    pairs.iter().map(|&(a, b)| of(a, b)).sum()
}

fn read(prepared: &Prepared) -> Sample {
    time(|| {
        read_shard(&prepared.shard, &ReadSettings::default(), &mut |chunk| {
            black_box(chunk.pieces.len());
            Ok(())
        })
    })
}

fn parse_all(prepared: &Prepared) -> Sample {
    let fields = Fields::default();
    let length = |bytes| parse(Format::Jsonl, bytes, &fields).map_or(0, |record| record.text.len());
    time(|| records(&prepared.chunks).map(length).sum::<usize>())
}

fn cut(prepared: &Prepared) -> Sample {
    let count = |document: &Document| paragraphs(&document.text, ParagraphBreaks::Auto).len();
    time(|| prepared.documents.iter().map(count).sum::<usize>())
}

fn tokenise(prepared: &Prepared, of_token: impl Fn(&str) -> usize) -> Sample {
    let mut tokenizer = Tokenizer::new();
    time(|| {
        let mut total = 0_usize;
        for document in &prepared.documents {
            for span in &document.paragraphs {
                tokenizer
                    .for_each(span.of(&document.text), |token| total = total.wrapping_add(of_token(token)));
            }
        }
        total
    })
}

fn sketch_paragraphs(prepared: &Prepared) -> Sample {
    time(|| {
        for document in &prepared.documents {
            for hashes in &document.by_paragraph {
                black_box(boilerplate::sketch(hashes));
            }
        }
    })
}

fn shingle(prepared: &Prepared) -> Sample {
    time(|| {
        let mut total = 0_u64;
        for document in &prepared.documents {
            for_each_shingle(&document.tokens, K, SEED, |shingle| total ^= shingle);
        }
        total
    })
}

fn make_sets(prepared: &Prepared) -> Sample {
    let len = |document: &Document| ShingleSet::of_tokens(&document.tokens, K, SEED).len();
    time(|| prepared.documents.iter().map(len).sum::<usize>())
}

fn find_candidates(prepared: &Prepared) -> Sample {
    time(|| candidate_pairs(&prepared.signatures, &prepared.sets))
}

fn confirm(prepared: &Prepared) -> Sample {
    let words: BTreeMap<usize, Vec<String>> = prepared
        .pairs
        .iter()
        .flat_map(|&(a, b)| [a, b])
        .map(|at| (at, tokens(&prepared.documents[at].text)))
        .collect();
    let words: BTreeMap<usize, Vec<&str>> =
        words.iter().map(|(&at, words)| (at, words.iter().map(String::as_str).collect())).collect();
    time(|| sum(&prepared.pairs, |a, b| overlap_of_tokens(&words[&a], &words[&b], K).shared))
}

fn find_repeats(prepared: &Prepared) -> Sample {
    let settings = RepeatSettings::default();
    let of_document = |document: &Document| {
        let paragraphs: Vec<Option<&[u64]>> =
            document.by_paragraph.iter().map(|tokens| Some(tokens.as_slice())).collect();
        repeats::find(&paragraphs, &settings).len()
    };
    time(|| prepared.documents.iter().map(of_document).sum::<usize>())
}

fn mark(prepared: &Prepared) -> Sample {
    time(|| {
        let mut marked = 0;
        for (pages, templates) in prepared.sites.iter().zip(&prepared.templates) {
            for page in pages {
                marked += templates.mark(Page::without_sections(page)).iter().flatten().count();
            }
        }
        marked
    })
}
