//! The first pass: every document once.
//!
//! Shards in, a [`Census`] out: each document with its tokens and paragraphs, each record that could not be read with the
//! reason. One thread reads and decompresses, all threads parse and tokenise, and everything comes back in document
//! order, so the number of threads changes nothing.
//!
//! What is kept of a document is parted by how it is asked for: a [`Head`] in document order, a [`Page`] in the partition of
//! its site, a few numbers in memory; its text stays where it is read from, and is read again when it is asked for.
//!
//! Memory: 20 bytes a document, and what the [`Means`] allow for heads and pages.

mod head;
mod page;
mod records;
mod stored;
mod vocabulary;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128, xxh3_128_with_seed};

use super::bits::Bits;
use super::chunks::{Place, Read, for_each_chunk};
use super::course::Course;
use super::firsts::Firsts;
use super::means::Means;
use super::progress::Unit;
use super::settings::Settings;
use super::stop::Stop;
use crate::boilerplate::{listed, sketch};
use crate::corpus::{Chunk, Compression, Piece, PieceKind, Shard, ShardDigest, folders_of, parse, site_of};
use crate::document::{DocId, Span};
use crate::error::{Error, Result};
use crate::findings::RejectedRecord;
use crate::language::{self, Languages};
use crate::output::{HEAD_BYTES, hex128, text_or_base64};
use crate::resolve::KeepKey;
use crate::shingle::{is_number, token_hash};
use crate::store::{
    Column, ColumnWriter, Parted, Partition, Partitions, RowReader, Rows, RowsWriter, Sorter,
};
use crate::text::{Tokenizer, paragraphs};

pub use head::{Foreign, Head};
pub use page::{Page, Paragraph};
use records::{RecordFiles, RecordSpool};
use vocabulary::Vocabulary;
pub use vocabulary::{put_varint, take_bytes, take_varint};

/// What the first pass leaves.
pub struct Census {
    /// The shards, as they were given.
    pub shards: Vec<Shard>,
    /// What each held.
    pub facts: Vec<ShardFacts>,
    /// The sites, in the order in which they were met.
    pub sites: Vec<SiteFacts>,
    /// Records that could not be read.
    pub rejected: Rejections,
    /// What the settings ask for and records have.
    pub seen: Seen,
    site_of: Vec<u32>,
    first_copy: Firsts,
    repeated_on_site: Bits,
    token_counts: Vec<u32>,
    within: Vec<u32>,
    protected: HashSet<u32>,
    heads: Rows,
    parted: Parted,
    pages: Vec<Partition>,
    addresses: Column<u64>,
    records: RecordFiles,
    vocabulary: Vocabulary,
    failures: Failures,
    stop: Stop,
}

/// What a site has.
#[derive(Clone, Debug)]
pub struct SiteFacts {
    /// Its name.
    pub name: Arc<str>,
    /// How many documents.
    pub documents: u32,
    /// Bytes of their pages, as they are kept.
    pub bytes: u64,
}

/// What a shard held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShardFacts {
    /// Its bytes and their hash.
    pub digest: ShardDigest,
    /// Bytes that are no record: blank lines, a byte order mark.
    pub framing: u64,
    /// How many records, those that could not be read among them.
    pub records: u64,
    /// How many of them the shards before it held.
    before: u64,
}

/// Records that could not be read.
pub struct Rejections {
    /// The first ones.
    pub first: Vec<RejectedRecord>,
    /// How many.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their records as JSON, in document order.
    pub rows: Rows,
    /// Where they stand, in document order.
    pub ids: Vec<DocId>,
}

/// So many rejected records are held in memory.
pub const NAMED_REJECTIONS: usize = 5;

/// Which of the fields that the settings name any record has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The url.
    pub url: bool,
    /// The `--within` field.
    pub within: bool,
    /// The fields of the keep keys.
    pub keep: Vec<bool>,
    /// Of the protected ids: those that no document has.
    pub unknown_protected: usize,
}

/// The first failure of a read whose answer nobody could wait for. Until it is asked, what was read is empty; so whoever
/// decides anything asks first.
#[derive(Debug, Default)]
struct Failures(Mutex<Option<Error>>);

impl Failures {
    fn or_default<T: Default>(&self, result: Result<T>) -> T {
        result.unwrap_or_else(|error| {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            T::default()
        })
    }

    fn check(&self) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

impl Census {
    /// How many documents.
    pub fn len(&self) -> u32 {
        self.site_of.len() as u32
    }

    /// The number of a document's site.
    pub fn site_of(&self, document: u32) -> u32 {
        self.site_of[document as usize]
    }

    /// The first document with the same whole token sequence; itself where it is that, or has no token.
    pub fn first_copy(&self, document: u32) -> u32 {
        self.first_copy.get(document)
    }

    /// The documents that have the same whole token sequence as one before them, ascending, and the first of those.
    pub fn copies(&self) -> impl Iterator<Item = (u32, u32)> {
        self.first_copy.others()
    }

    /// Whether it counts as a page of its site: it has a token, and is no copy of an earlier document there.
    pub fn is_page(&self, document: u32) -> bool {
        self.token_count(document) > 0 && !self.repeated_on_site.has(document)
    }

    /// How many tokens a document has, boilerplate included.
    pub fn token_count(&self, document: u32) -> u32 {
        self.token_counts[document as usize]
    }

    /// Its value of the `--within` field as a number; 0 where it has none, and everywhere where nobody asks.
    pub fn within(&self, document: u32) -> u32 {
        self.within.get(document as usize).copied().unwrap_or_default()
    }

    /// Whether it is never removed.
    pub fn is_protected(&self, document: u32) -> bool {
        self.protected.contains(&document)
    }

    /// What is kept of it besides its page. Empty where it cannot be read; [`check`](Census::check) tells.
    pub fn head(&self, document: u32) -> Head {
        let mut row = Vec::new();
        let head = self.heads.get(u64::from(document), &mut row).and_then(|()| decoded(&row));
        self.failures.or_default(head)
    }

    /// The heads from a document on, in document order.
    pub fn heads_from(&self, document: u32) -> Result<Heads> {
        Ok(Heads { rows: self.heads.iter_from(u64::from(document))?, row: Vec::new() })
    }

    /// Its paragraphs and tokens. Empty where they cannot be read; [`check`](Census::check) tells.
    pub fn page(&self, document: u32) -> Page {
        let mut page = Page::default();
        self.read_page(document, &mut Vec::new(), &mut page);
        page
    }

    /// The same into a page and a buffer that were used before.
    pub fn read_page(&self, document: u32, row: &mut Vec<u8>, page: &mut Page) {
        let read = self.row(document, row).and_then(|()| self.decode(row, page));
        if read.is_err() {
            *page = Page::default();
        }
        self.failures.or_default(read);
    }

    /// Hash of its whole token sequence; `None` where it has no token.
    pub fn sequence(&self, document: u32) -> Option<u128> {
        let mut row = Vec::new();
        let read = self.row(document, &mut row).and_then(|()| numbers_of(&row));
        self.failures.or_default(read.map(|(_, _, sequence)| sequence))
    }

    fn row(&self, document: u32, row: &mut Vec<u8>) -> Result<()> {
        let address = self.addresses.get(u64::from(document))?;
        self.pages[(address >> PARTITION_SHIFT) as usize].get(address & OFFSET_MASK, row)
    }

    /// The page of a row of a partition.
    pub fn decode(&self, row: &[u8], page: &mut Page) -> Result<()> {
        page.decode(row, &self.vocabulary).ok_or_else(damaged)
    }

    /// How many partitions the pages are in.
    pub fn partition_count(&self) -> usize {
        self.pages.len()
    }

    /// The partition of a site.
    pub fn partition_of(&self, site: u32) -> usize {
        site as usize % self.pages.len()
    }

    /// The rows of a partition: pages of its sites, in document order.
    pub fn rows(&self, partition: usize) -> RowReader {
        self.pages[partition].rows()
    }

    /// Its text, read again. Empty where it cannot be read; [`check`](Census::check) tells.
    pub fn text(&self, document: u32) -> String {
        self.text_of(&self.head(document))
    }

    /// The same where its head is known.
    pub fn text_of(&self, head: &Head) -> String {
        let shard = head.id().shard as usize;
        self.failures.or_default(
            self.shards.get(shard).map_or(Ok(String::new()), |shard| self.records.text(shard, head)),
        )
    }

    /// The number of the document that stands there; `None` where it is a record that could not be read.
    pub fn document_at(&self, id: DocId) -> Option<u32> {
        let rejected = self.rejected.ids.binary_search(&id).err()?;
        let facts = self.facts.get(id.shard as usize).filter(|facts| id.ordinal < facts.records)?;
        u32::try_from(facts.before + id.ordinal - rejected as u64).ok()
    }

    /// What a document is called.
    pub fn label(&self, head: &Head) -> String {
        let named = || format!("{}#{}", self.shards[head.id().shard as usize].name, head.id().ordinal);
        head.label.clone().unwrap_or_else(named)
    }

    /// What was read of a document; empty where it could not be. [`check`](Census::check) tells.
    pub fn or_default<T: Default>(&self, read: Result<T>) -> T {
        self.failures.or_default(read)
    }

    /// The documents of a shard.
    pub fn documents_of(&self, shard: usize) -> Range<u32> {
        let [first, end] = [shard, shard + 1].map(|shard| {
            let before = self.facts.get(shard).map_or_else(
                || self.facts.last().map_or(0, |last| last.before + last.records),
                |facts| facts.before,
            );
            let rejected = self.rejected.ids.partition_point(|id| (id.shard as usize) < shard);
            (before - rejected as u64) as u32
        });
        first..end
    }

    /// Fails where a document could not be read since it was asked last, and where the run shall stop.
    pub fn check(&self) -> Result<()> {
        self.check_reads()?;
        self.stop.check()
    }

    /// Fails where a document could not be read since it was asked last: what was made of it is worth nothing, and must
    /// not be saved.
    pub fn check_reads(&self) -> Result<()> {
        self.failures.check()
    }
}

/// Heads in document order.
pub struct Heads {
    rows: RowReader,
    row: Vec<u8>,
}

impl Iterator for Heads {
    type Item = Result<Head>;

    fn next(&mut self) -> Option<Result<Head>> {
        match self.rows.next(&mut self.row) {
            Ok(true) => Some(decoded(&self.row)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

fn decoded(row: &[u8]) -> Result<Head> {
    postcard::from_bytes(row).map_err(|_| damaged())
}

/// Document and site of a row of pages, and its sequence.
pub fn numbers_of(row: &[u8]) -> Result<(u32, u32, Option<u128>)> {
    page::sequence(row).ok_or_else(damaged)
}

/// What is said when temporary data are not what was written.
pub fn damaged() -> Error {
    Error::Run(
        "the temporary files of this run are damaged; look at the disk of --tmp, then run with --force"
            .to_owned(),
    )
}

/// Folders deeper than this are no sections of their own.
const SECTION_DEPTH: usize = 3;

/// An address is a partition and an offset in it.
const PARTITION_SHIFT: u32 = 48;
const OFFSET_MASK: u64 = (1 << PARTITION_SHIFT) - 1;

/// Reads every shard once. With `languages`, foreign heads and tails are looked for.
///
/// # Errors
/// Where a file cannot be read at all, or the disk is full. A record that cannot be read is none: it is in `rejected`.
pub fn take(
    shards: &[Shard],
    settings: &Settings,
    languages: Option<&Languages>,
    course: &mut Course,
) -> Result<Census> {
    let given_back = |state, means: &Means| Census::given_back(state, shards, settings, means);
    course.stage("read", given_back, |course| read(shards, settings, languages, course))
}

fn read(
    shards: &[Shard],
    settings: &Settings,
    languages: Option<&Languages>,
    course: &mut Course,
) -> Result<Census> {
    let (means, progress) = (course.means, course.progress);
    progress.begin("reading", Unit::Bytes, None);
    let vocabulary = OnceLock::new();
    let asks_url = settings.keep.0.iter().any(|key| matches!(key, KeepKey::Https | KeepKey::ShortUrl));
    let reading = Reading { settings, languages, vocabulary: &vocabulary, asks_url };
    let mut taking = match course.part()? {
        Some(state) => Taking::go_on(state, shards, settings, means, &vocabulary)?,
        None => Taking::begin(shards, settings, means)?,
    };
    for_each_chunk(
        shards,
        taking.place,
        &settings.read,
        |shard, chunk| reading.chunk(&shards[shard], shard as u32, &chunk),
        |shard, read| {
            match read {
                Read::Chunk(found) => {
                    progress.advance(found.bytes);
                    taking.take(shard, found, &vocabulary)?;
                    taking.place = Place { shard, chunks: taking.place.chunks_of(shard) + 1 };
                }
                Read::End(digest) => {
                    taking.digests.push(digest);
                    taking.place = Place { shard: shard + 1, chunks: 0 };
                }
            }
            match vocabulary.get() {
                Some(vocabulary) if taking.oversized.is_none() => {
                    course.at_rest(|keeping| taking.store(vocabulary, keeping))
                }
                _ => means.stop.check(),
            }
        },
    )?;
    taking.finish(vocabulary, means)
}

/// What one chunk holds.
struct Found {
    bytes: u64,
    framing: u64,
    events: Vec<Event>,
}

/// A record, or a part of one, in the order in which they stand.
enum Event {
    Document(Box<Draft>),
    Rejected(Rejected),
    Fragment(Fragment),
}

/// A document before its number is known.
struct Draft {
    head: Head,
    site: Arc<str>,
    page: Page,
    /// The rest of its row, where the vocabulary was there already; then `page` has no tokens.
    body: Option<Vec<u8>>,
    token_count: u32,
    /// Its record, where it cannot be read again by position.
    record: Option<Vec<u8>>,
    has_url: bool,
}

/// A record that could not be read.
struct Rejected {
    id: DocId,
    record: RejectedRecord,
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

/// What any thread does with a chunk.
struct Reading<'a> {
    settings: &'a Settings,
    languages: Option<&'a Languages>,
    vocabulary: &'a OnceLock<Vocabulary>,
    /// Whether the keep order asks for urls.
    asks_url: bool,
}

impl Reading<'_> {
    fn chunk(&self, shard: &Shard, number: u32, chunk: &Chunk) -> Found {
        let mut found = Found { bytes: chunk.bytes.len() as u64, framing: 0, events: Vec::new() };
        let mut reader = Reader::new(self);
        for piece in &chunk.pieces {
            let bytes = chunk.bytes_of(piece);
            let place = RejectedPlace {
                id: DocId { shard: number, ordinal: piece.ordinal },
                file: shard.folder.then(|| shard.parts[chunk.part as usize].name.clone()),
                offset: chunk.offset_of(piece),
                line: (!shard.format.is_file_a_document()).then_some(piece.line),
            };
            found.events.push(match piece.kind {
                PieceKind::Framing => {
                    found.framing += bytes.len() as u64;
                    continue;
                }
                PieceKind::Fragment { last } => {
                    let damage = chunk.damage.clone();
                    Event::Fragment(Fragment { place, bytes: bytes.to_vec(), last, damage })
                }
                PieceKind::Torn => {
                    let reason = chunk.damage.clone().unwrap_or_else(|| "the input ends early".to_owned());
                    Event::Rejected(reject(shard, place, reason, bytes))
                }
                PieceKind::Record => match reader.draft(shard, place.id, chunk, piece) {
                    Ok(draft) => Event::Document(Box::new(draft)),
                    Err(reason) => Event::Rejected(reject(shard, place, reason, bytes)),
                },
            });
        }
        found
    }
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

/// Takes in what the threads found, in document order.
struct Taking<'a> {
    shards: &'a [Shard],
    settings: &'a Settings,
    /// Up to where everything was taken in.
    place: Place,
    /// Of the shards before it.
    digests: Vec<ShardDigest>,
    facts: Vec<(u64, u64)>,
    numbers: HashMap<Arc<str>, u32>,
    sites: Vec<SiteFacts>,
    site_of: Vec<u32>,
    token_counts: Vec<u32>,
    within: Vec<u32>,
    within_values: HashMap<String, u32>,
    protected: HashSet<u32>,
    found_protected: HashSet<String>,
    seen: Seen,
    sequences: Sorter<(u128, u32)>,
    heads: RowsWriter,
    pages: Partitions,
    partitions: usize,
    addresses: ColumnWriter<u64>,
    records: RecordSpool,
    oversized: Option<Oversized>,
    rejected: RejectionsWriter,
    /// Documents that wait for the vocabulary, and how many tokens they have.
    waiting: (Vec<Draft>, usize),
    sample_tokens: usize,
    row: Vec<u8>,
}

impl<'a> Taking<'a> {
    fn begin(shards: &'a [Shard], settings: &'a Settings, means: &Means) -> Result<Taking<'a>> {
        let workspace = &means.workspace;
        let partitions = means.partitions();
        Ok(Taking {
            shards,
            settings,
            place: Place::default(),
            digests: Vec::new(),
            facts: vec![(0, 0); shards.len()],
            numbers: HashMap::new(),
            sites: Vec::new(),
            site_of: Vec::new(),
            token_counts: Vec::new(),
            within: Vec::new(),
            within_values: HashMap::new(),
            protected: HashSet::new(),
            found_protected: HashSet::new(),
            seen: Seen { keep: vec![false; settings.fields.keep.len()], ..Seen::default() },
            sequences: Sorter::new(workspace, "sequences", means.work(4)),
            heads: RowsWriter::new(workspace, "heads", means.heads),
            pages: Partitions::new(workspace, "pages", partitions, means.pages),
            partitions,
            addresses: ColumnWriter::new(workspace, "addresses", means.addresses),
            records: RecordSpool::new(workspace, means.records),
            oversized: None,
            rejected: RejectionsWriter::new(means),
            waiting: (Vec::new(), 0),
            sample_tokens: means.sample_tokens,
            row: Vec::new(),
        })
    }

    fn take(&mut self, shard: usize, found: Found, vocabulary: &OnceLock<Vocabulary>) -> Result<()> {
        self.facts[shard].0 += found.framing;
        for event in found.events {
            match event {
                Event::Document(draft) => {
                    self.facts[shard].1 += 1;
                    self.document(*draft, vocabulary)?;
                }
                Event::Rejected(rejected) => {
                    self.facts[shard].1 += 1;
                    self.rejected.push(rejected)?;
                }
                Event::Fragment(fragment) => {
                    self.oversized.get_or_insert_with(|| Oversized::begin(&fragment)).add(&fragment);
                    if fragment.last
                        && let Some(oversized) = self.oversized.take()
                    {
                        self.facts[shard].1 += 1;
                        self.rejected.push(oversized.end(
                            &self.shards[shard],
                            self.settings,
                            fragment.damage,
                        ))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn document(&mut self, draft: Draft, vocabulary: &OnceLock<Vocabulary>) -> Result<()> {
        if let Some(vocabulary) = vocabulary.get() {
            return self.number(draft, vocabulary);
        }
        self.waiting.1 += draft.page.tokens.len();
        self.waiting.0.push(draft);
        if self.waiting.1 >= self.sample_tokens {
            self.settle_vocabulary(vocabulary)?;
        }
        Ok(())
    }

    fn settle_vocabulary(&mut self, vocabulary: &OnceLock<Vocabulary>) -> Result<()> {
        let (waiting, _) = std::mem::take(&mut self.waiting);
        let vocabulary =
            vocabulary.get_or_init(|| Vocabulary::of(waiting.iter().flat_map(|draft| &draft.page.tokens)));
        waiting.into_iter().try_for_each(|draft| self.number(draft, vocabulary))
    }

    /// Gives a document its number, and puts it away.
    fn number(&mut self, draft: Draft, vocabulary: &Vocabulary) -> Result<()> {
        let Ok(document) = u32::try_from(self.site_of.len()) else {
            return Err(Error::Run("more than 4,294,967,295 documents; split the input".to_owned()));
        };
        let Draft { mut head, site, page, body, token_count, record, has_url } = draft;
        let site = self.site(site);
        self.see(document, &head, has_url);
        if let Some(record) = record {
            head.offset = self.records.push(&record)?;
        }
        if let Some(sequence) = page.sequence {
            self.sequences.push((sequence, document))?;
        }
        self.row.clear();
        page::put_numbers(document, site, &mut self.row);
        match body {
            Some(body) => self.row.extend_from_slice(&body),
            None => page.encode_body(vocabulary, &mut self.row),
        }
        let partition = site as usize % self.partitions;
        let offset = self.pages.push(partition, &self.row)?;
        self.addresses.push((partition as u64) << PARTITION_SHIFT | offset)?;
        let facts = &mut self.sites[site as usize];
        facts.documents += 1;
        facts.bytes += self.row.len() as u64;
        let head = postcard::to_stdvec(&head).map_err(|error| Error::Run(error.to_string()))?;
        self.heads.push(&head)?;
        self.site_of.push(site);
        self.token_counts.push(token_count);
        Ok(())
    }

    fn site(&mut self, name: Arc<str>) -> u32 {
        let next = self.sites.len() as u32;
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.sites.push(SiteFacts { name, documents: 0, bytes: 0 });
        }
        number
    }

    fn see(&mut self, document: u32, head: &Head, has_url: bool) {
        self.seen.url |= has_url;
        for (seen, field) in self.seen.keep.iter_mut().zip(&head.keep_fields) {
            *seen |= field.is_some();
        }
        if self.settings.fields.within.is_some() {
            let next = self.within_values.len() as u32 + 1;
            let number = head.within.as_ref().map_or(0, |value| match self.within_values.get(value) {
                Some(&number) => number,
                None => *self.within_values.entry(value.clone()).or_insert(next),
            });
            self.seen.within |= number != 0;
            self.within.push(number);
        }
        if !self.settings.protect.is_empty() {
            let id = head.id();
            let label = head.label.clone();
            let label =
                label.unwrap_or_else(|| format!("{}#{}", self.shards[id.shard as usize].name, id.ordinal));
            if self.settings.protect.contains(&label) {
                self.protected.insert(document);
                self.found_protected.insert(label);
            }
        }
    }

    fn finish(mut self, vocabulary: OnceLock<Vocabulary>, means: &Means) -> Result<Census> {
        self.settle_vocabulary(&vocabulary)?;
        let mut before = 0;
        let facts = |(digest, (framing, records))| {
            before += records;
            ShardFacts { digest, framing, records, before: before - records }
        };
        let facts = self.digests.into_iter().zip(self.facts).map(facts).collect();
        self.seen.unknown_protected = self.settings.protect.len() - self.found_protected.len();
        let first_copy = first_copies(self.site_of.len() as u32, self.sequences)?;
        let parted = self.pages.finish()?;
        Ok(Census {
            shards: self.shards.to_vec(),
            facts,
            sites: self.sites,
            rejected: self.rejected.finish()?,
            seen: self.seen,
            repeated_on_site: repeated_on_site(&first_copy, &self.site_of),
            first_copy,
            site_of: self.site_of,
            token_counts: self.token_counts,
            within: self.within,
            protected: self.protected,
            heads: self.heads.finish()?,
            pages: (0..self.partitions).map(|number| parted.open(number)).collect::<Result<_>>()?,
            parted,
            addresses: self.addresses.finish()?,
            records: self.records.finish(self.settings.fields.clone())?,
            vocabulary: vocabulary.into_inner().unwrap_or_else(|| Vocabulary::of([])),
            failures: Failures::default(),
            stop: means.stop.clone(),
        })
    }
}

/// For each document the first one with the same sequence.
fn first_copies(documents: u32, sequences: Sorter<(u128, u32)>) -> Result<Firsts> {
    let sequences = sequences.finish()?;
    Firsts::of(documents, |each| {
        let mut first: Option<(u128, u32)> = None;
        for row in sequences.reader()? {
            let (sequence, document) = row?;
            match first {
                Some((known, copy)) if known == sequence => each(document, copy),
                _ => first = Some((sequence, document)),
            }
        }
        Ok(())
    })
}

/// The copies of earlier documents of the same site.
fn repeated_on_site(first_copy: &Firsts, site_of: &[u32]) -> Bits {
    let mut copies: Vec<(u32, u32, u32)> =
        first_copy.others().map(|(document, first)| (site_of[document as usize], first, document)).collect();
    copies.sort_unstable();
    let mut repeated = Bits::new(site_of.len());
    let mut last = None;
    for (site, first, document) in copies {
        if site_of[first as usize] == site || last == Some((site, first)) {
            repeated.set(document);
        }
        last = Some((site, first));
    }
    repeated
}

struct RejectionsWriter {
    first: Vec<RejectedRecord>,
    count: u64,
    bytes: u64,
    rows: RowsWriter,
    ids: Vec<DocId>,
}

impl RejectionsWriter {
    fn new(means: &Means) -> RejectionsWriter {
        RejectionsWriter {
            first: Vec::new(),
            count: 0,
            bytes: 0,
            rows: RowsWriter::new(&means.workspace, "rejected", REJECTED_BYTES),
            ids: Vec::new(),
        }
    }

    fn push(&mut self, rejected: Rejected) -> Result<()> {
        self.count += 1;
        self.bytes += rejected.record.length;
        let json = serde_json::to_vec(&rejected.record).map_err(|source| Error::Run(source.to_string()))?;
        self.rows.push(&json)?;
        self.ids.push(rejected.id);
        if self.first.len() < NAMED_REJECTIONS {
            self.first.push(rejected.record);
        }
        Ok(())
    }

    fn finish(self) -> Result<Rejections> {
        let RejectionsWriter { first, count, bytes, rows, ids } = self;
        Ok(Rejections { first, count, bytes, rows: rows.finish()?, ids })
    }
}

/// So much of what is said of rejected records is held in memory.
const REJECTED_BYTES: usize = 1 << 20;

/// Turns records into drafts; holds the buffers that one after the other needs.
struct Reader<'a> {
    reading: &'a Reading<'a>,
    tokenizer: Tokenizer,
    exact: Vec<u8>,
    masked: Vec<u8>,
    masked_tokens: Vec<u64>,
}

impl<'a> Reader<'a> {
    fn new(reading: &'a Reading) -> Reader<'a> {
        Reader {
            reading,
            tokenizer: Tokenizer::new(),
            exact: Vec::new(),
            masked: Vec::new(),
            masked_tokens: Vec::new(),
        }
    }

    fn draft(
        &mut self,
        shard: &Shard,
        id: DocId,
        chunk: &Chunk,
        piece: &Piece,
    ) -> std::result::Result<Draft, String> {
        let settings = self.reading.settings;
        let bytes = chunk.bytes_of(piece);
        let record = parse(shard.format, bytes, &settings.fields).map_err(|reason| reason.to_string())?;
        let site = record
            .site
            .or_else(|| record.url.as_deref().and_then(|url| site_of(url, settings.site_by)))
            .map_or_else(|| Arc::from(shard.default_site()), Arc::from);
        let spans = paragraphs(&record.text, settings.paragraphs);
        let mut page = self.page(&record.text, &spans);
        let folders = record.url.iter().flat_map(|url| folders_of(url).take(SECTION_DEPTH));
        page.sections = folders.map(|folder| xxh3_64(folder.as_bytes())).collect();
        let packed = shard.parts[chunk.part as usize].compression != Compression::None;
        let has_url = record.url.is_some();
        let token_counts = page.paragraphs.iter().map(|paragraph| paragraph.tokens.len());
        let mut head = Head::new(id, spans.iter().copied().zip(token_counts));
        head.part = chunk.part;
        head.offset = chunk.offset_of(piece);
        head.bytes = (piece.end - piece.start) as u64;
        head.label = record.id;
        head.url = record.url.filter(|_| self.reading.asks_url);
        head.keep_fields = record.keep;
        head.within = record.within;
        head.foreign = self.foreign(&record.text, &spans, &page);
        let token_count = page.tokens.len() as u32;
        let body = self.reading.vocabulary.get().map(|vocabulary| {
            let mut body = Vec::new();
            page.encode_body(vocabulary, &mut body);
            (page.tokens, page.paragraphs) = (Vec::new(), Vec::new());
            body
        });
        let record = packed.then(|| bytes.to_vec());
        Ok(Draft { head, site, page, body, token_count, record, has_url })
    }

    /// All but the sections.
    fn page(&mut self, text: &str, spans: &[Span]) -> Page {
        let seed = self.reading.settings.compare.seed;
        let mut tokens = Vec::with_capacity(text.len() / 6);
        let mut found = Vec::with_capacity(spans.len());
        self.exact.clear();
        for span in spans {
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
                tokens: first_token as u32..tokens.len() as u32,
                bytes: (span.end - span.start) as u32,
                listed: false,
                masked: xxh3_128(masked),
                sketch: sketch(&self.masked_tokens),
                exact: xxh3_128_with_seed(exact, seed),
            });
        }
        let sequence = (!tokens.is_empty()).then(|| xxh3_128_with_seed(&self.exact, seed));
        let mut page = Page { sequence, paragraphs: found, tokens, ..Page::default() };
        let tokens: Vec<&[u64]> = page.paragraphs.iter().map(|paragraph| page.tokens_of(paragraph)).collect();
        let listed = listed(&tokens);
        page.paragraphs.iter_mut().zip(listed).for_each(|(paragraph, listed)| paragraph.listed = listed);
        page
    }

    fn foreign(&self, text: &str, spans: &[Span], page: &Page) -> Vec<Foreign> {
        let Some(languages) = self.reading.languages else { return Vec::new() };
        let paragraph = |(span, paragraph): (&Span, &Paragraph)| language::Paragraph {
            text: span.of(text),
            tokens: page.tokens_of(paragraph),
        };
        let paragraphs: Vec<_> = spans.iter().zip(&page.paragraphs).map(paragraph).collect();
        let runs = languages.foreign_runs(&paragraphs, &self.reading.settings.foreign);
        runs.into_iter()
            .map(|run| Foreign {
                paragraphs: run.paragraphs.map(|paragraph| paragraph as u32),
                language: run.language.to_owned(),
                article_language: run.article_language.to_owned(),
                confidence: run.confidence,
            })
            .collect()
    }
}

/// Stands for every token that begins with a digit.
const MASK: &str = "0";

/// Tokens hold no line break, so this tells `ab c` from `a bc`.
fn append(sequence: &mut Vec<u8>, token: &str) {
    sequence.extend_from_slice(token.as_bytes());
    sequence.push(b'\n');
}
