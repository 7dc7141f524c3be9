//! The first pass: every document once.
//!
//! Shards in, a [`Census`] out: each document with its tokens and paragraphs, each record that could not be read with the
//! reason. One thread reads and decompresses, all threads parse and tokenise, and everything comes back in document
//! order, so the number of threads changes nothing.
//!
//! Memory: the texts, 8 bytes a token and 80 a paragraph.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_128, xxh3_128_with_seed};

use super::chunks::for_each_chunk;
use super::progress::{Progress, Unit};
use super::settings::Settings;
use crate::boilerplate::{ParagraphKey, ParagraphSketch, sketch};
use crate::corpus::{Chunk, Piece, PieceKind, Shard, ShardDigest, parse, site_of};
use crate::document::{DocId, Document, Span};
use crate::error::Result;
use crate::findings::RejectedRecord;
use crate::output::{HEAD_BYTES, hex128, text_or_base64};
use crate::shingle::{is_number, token_hash};
use crate::text::{ParagraphBreaks, Tokenizer, paragraphs};

/// What the first pass leaves.
#[derive(Debug)]
pub struct Census {
    /// The shards, as they were given.
    pub shards: Vec<Shard>,
    /// Every document that could be read, in document order.
    pub documents: Vec<Entry>,
    /// Every record that could not, in document order.
    pub rejected: Vec<Rejected>,
    /// Bytes, hash and framing of each shard.
    pub digests: Vec<ShardFacts>,
}

/// One document as the census leaves it.
#[derive(Debug)]
pub struct Entry {
    /// The record.
    pub document: Document,
    /// Bytes of the record in its shard, line terminator included.
    pub bytes: u64,
    /// Hashes of its tokens, in text order.
    pub tokens: Box<[u64]>,
    /// Its paragraphs.
    pub paragraphs: Box<[Paragraph]>,
    /// Hash of its whole token sequence; `None` where it has no token.
    pub sequence: Option<u128>,
}

/// One paragraph.
#[derive(Clone, Debug)]
pub struct Paragraph {
    /// Where it stands in the text.
    pub span: Span,
    /// Its tokens among the document's.
    pub tokens: Range<u32>,
    /// Hash of its tokens with numbers masked; of its raw text where it has none.
    pub masked: ParagraphKey,
    /// Finds near forms of it.
    pub sketch: ParagraphSketch,
    /// Hash of its tokens; of its raw text where it has none.
    pub exact: u128,
}

/// A record that could not be read.
#[derive(Debug)]
pub struct Rejected {
    /// Where it stands.
    pub id: DocId,
    /// What is said of it.
    pub record: RejectedRecord,
}

/// What a shard held.
#[derive(Clone, Debug)]
pub struct ShardFacts {
    /// Its bytes and their hash.
    pub digest: ShardDigest,
    /// Bytes that are no record: blank lines, a byte order mark.
    pub framing: u64,
}

impl Entry {
    /// The token hashes of one of its paragraphs.
    pub fn tokens_of(&self, paragraph: &Paragraph) -> &[u64] {
        &self.tokens[paragraph.tokens.start as usize..paragraph.tokens.end as usize]
    }
}

/// Reads every shard once.
///
/// # Errors
/// Where a file cannot be read at all. A record that cannot be read is none: it is in `rejected`.
pub fn take(shards: &[Shard], settings: &Settings, progress: &dyn Progress) -> Result<Census> {
    progress.begin("reading", Unit::Bytes, None);
    let mut documents = Vec::new();
    let mut rejected = Vec::new();
    let mut framing = vec![0; shards.len()];
    let mut oversized: Option<Oversized> = None;
    let mut sites = HashSet::new();
    let digests = for_each_chunk(
        shards,
        &settings.read,
        |shard, chunk| read_chunk(&shards[shard], shard as u32, &chunk, settings),
        |shard, found| {
            progress.advance(found.bytes);
            framing[shard] += found.framing;
            for mut entry in found.documents {
                entry.document.site = interned(&mut sites, entry.document.site);
                documents.push(entry);
            }
            rejected.extend(found.rejected);
            for fragment in found.fragments {
                oversized.get_or_insert_with(|| Oversized::begin(&fragment)).add(&fragment);
                if fragment.last
                    && let Some(oversized) = oversized.take()
                {
                    rejected.push(oversized.end(&shards[shard], settings, fragment.damage));
                }
            }
            Ok(())
        },
    )?;
    rejected.sort_by_key(|rejected: &Rejected| rejected.id);
    let digests =
        digests.into_iter().zip(framing).map(|(digest, framing)| ShardFacts { digest, framing }).collect();
    Ok(Census { shards: shards.to_vec(), documents, rejected, digests })
}

fn interned(known: &mut HashSet<Arc<str>>, site: Arc<str>) -> Arc<str> {
    match known.get(&site) {
        Some(site) => site.clone(),
        None => {
            known.insert(site.clone());
            site
        }
    }
}

/// What one chunk holds.
struct Found {
    bytes: u64,
    framing: u64,
    documents: Vec<Entry>,
    rejected: Vec<Rejected>,
    fragments: Vec<Fragment>,
}

/// A part of a record that is longer than `--max-record`.
struct Fragment {
    place: RejectedPlace,
    bytes: Vec<u8>,
    last: bool,
    /// Why the input ends in the middle of it.
    damage: Option<String>,
}

/// Where a record that is rejected stands.
struct RejectedPlace {
    id: DocId,
    file: Option<String>,
    offset: u64,
    line: Option<u64>,
}

fn read_chunk(shard: &Shard, number: u32, chunk: &Chunk, settings: &Settings) -> Found {
    let mut found = Found {
        bytes: chunk.bytes.len() as u64,
        framing: 0,
        documents: Vec::new(),
        rejected: Vec::new(),
        fragments: Vec::new(),
    };
    let mut reader = Reader::new(settings);
    for piece in &chunk.pieces {
        let bytes = chunk.bytes_of(piece);
        let place = RejectedPlace {
            id: DocId { shard: number, ordinal: piece.ordinal },
            file: shard.folder.then(|| shard.parts[chunk.part as usize].name.clone()),
            offset: chunk.offset_of(piece),
            line: (!shard.format.is_file_a_document()).then_some(piece.line),
        };
        match piece.kind {
            PieceKind::Framing => found.framing += bytes.len() as u64,
            PieceKind::Fragment { last } => {
                let damage = chunk.damage.clone();
                found.fragments.push(Fragment { place, bytes: bytes.to_vec(), last, damage });
            }
            PieceKind::Torn => {
                let reason = chunk.damage.clone().unwrap_or_else(|| "the input ends early".to_owned());
                found.rejected.push(reject(shard, place, reason, bytes));
            }
            PieceKind::Record => match reader.entry(shard, place.id, piece, bytes) {
                Ok(entry) => found.documents.push(entry),
                Err(reason) => found.rejected.push(reject(shard, place, reason, bytes)),
            },
        }
    }
    found
}

fn reject(shard: &Shard, place: RejectedPlace, reason: String, bytes: &[u8]) -> Rejected {
    let hash = xxh3_128(bytes);
    place.rejected(shard, reason, bytes.len() as u64, hash, &bytes[..bytes.len().min(HEAD_BYTES)])
}

impl RejectedPlace {
    fn rejected(self, shard: &Shard, reason: String, length: u64, hash: u128, head: &[u8]) -> Rejected {
        let (head, encoding) = text_or_base64(head);
        Rejected {
            id: self.id,
            record: RejectedRecord {
                shard: shard.name.clone(),
                file: self.file,
                offset: self.offset,
                line: self.line,
                record: self.id.ordinal,
                reason,
                length,
                hash: hex128(hash),
                head,
                encoding,
            },
        }
    }
}

/// A record longer than `--max-record`, as its fragments come by.
struct Oversized {
    place: RejectedPlace,
    length: u64,
    hash: Xxh3,
    head: Vec<u8>,
}

impl Oversized {
    fn begin(first: &Fragment) -> Oversized {
        let place = RejectedPlace { file: first.place.file.clone(), ..first.place };
        Oversized { place, length: 0, hash: Xxh3::new(), head: Vec::new() }
    }

    fn add(&mut self, fragment: &Fragment) {
        self.length += fragment.bytes.len() as u64;
        self.hash.update(&fragment.bytes);
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&fragment.bytes[..room.min(fragment.bytes.len())]);
    }

    fn end(self, shard: &Shard, settings: &Settings, damage: Option<String>) -> Rejected {
        let limit = settings.read.max_record;
        let reason = damage.unwrap_or_else(|| {
            format!("the record is longer than {limit} bytes; raise --max-record to read it")
        });
        self.place.rejected(shard, reason, self.length, self.hash.digest128(), &self.head)
    }
}

/// Turns records into entries; holds the buffers that one after the other needs.
struct Reader<'a> {
    settings: &'a Settings,
    tokenizer: Tokenizer,
    exact: Vec<u8>,
    masked: Vec<u8>,
    masked_tokens: Vec<u64>,
}

impl<'a> Reader<'a> {
    fn new(settings: &'a Settings) -> Reader<'a> {
        Reader {
            settings,
            tokenizer: Tokenizer::new(),
            exact: Vec::new(),
            masked: Vec::new(),
            masked_tokens: Vec::new(),
        }
    }

    fn entry(
        &mut self,
        shard: &Shard,
        id: DocId,
        piece: &Piece,
        bytes: &[u8],
    ) -> std::result::Result<Entry, String> {
        let settings = self.settings;
        let record = parse(shard.format, bytes, &settings.fields).map_err(|reason| reason.to_string())?;
        let site = record
            .site
            .or_else(|| record.url.as_deref().and_then(|url| site_of(url, settings.site_by)))
            .map_or_else(|| Arc::from(shard.default_site()), Arc::from);
        let analysed = self.analyse(&record.text, settings.paragraphs);
        Ok(Entry {
            document: Document {
                id,
                label: record.id.unwrap_or_else(|| format!("{}#{}", shard.name, id.ordinal)),
                url: record.url,
                site,
                text: record.text.into_owned(),
                keep_fields: record.keep,
                within: record.within,
            },
            bytes: (piece.end - piece.start) as u64,
            tokens: analysed.tokens,
            paragraphs: analysed.paragraphs,
            sequence: analysed.sequence,
        })
    }

    fn analyse(&mut self, text: &str, breaks: ParagraphBreaks) -> Analysed {
        let seed = self.settings.compare.seed;
        let mut tokens = Vec::with_capacity(text.len() / 6);
        let mut found = Vec::new();
        self.exact.clear();
        for span in paragraphs(text, breaks) {
            let (first_token, first_byte) = (tokens.len(), self.exact.len());
            let Reader { exact, masked, masked_tokens, .. } = self;
            masked.clear();
            masked_tokens.clear();
            self.tokenizer.for_each(span.of(text), |token| {
                let hash = token_hash(token, seed);
                let number = is_number(hash);
                tokens.push(hash);
                append(exact, token);
                append(masked, if number { MASK } else { token });
                masked_tokens.push(if number { 0 } else { hash });
            });
            let (exact, masked) = if tokens.len() > first_token {
                (&self.exact[first_byte..], &self.masked[..])
            } else {
                (span.of(text).as_bytes(), span.of(text).as_bytes())
            };
            found.push(Paragraph {
                span,
                tokens: first_token as u32..tokens.len() as u32,
                masked: xxh3_128(masked),
                sketch: sketch(&self.masked_tokens),
                exact: xxh3_128_with_seed(exact, seed),
            });
        }
        let sequence = (!tokens.is_empty()).then(|| xxh3_128_with_seed(&self.exact, seed));
        Analysed { tokens: tokens.into_boxed_slice(), paragraphs: found.into_boxed_slice(), sequence }
    }
}

/// The tokens and paragraphs of a text.
struct Analysed {
    tokens: Box<[u64]>,
    paragraphs: Box<[Paragraph]>,
    sequence: Option<u128>,
}

/// Stands for every token that begins with a digit.
const MASK: &str = "0";

/// Tokens hold no line break, so this tells `ab c` from `a bc`.
fn append(sequence: &mut Vec<u8>, token: &str) {
    sequence.extend_from_slice(token.as_bytes());
    sequence.push(b'\n');
}
