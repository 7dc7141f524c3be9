//! The settings of a run, gathered. Each stage owns the defaults of its own.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;

use super::reuse::ReuseSettings;
use super::strip::Strip;
use crate::boilerplate::TemplateSettings;
use crate::candidates::BUCKET_LIMIT;
use crate::corpus::{Fields, ReadSettings, SiteBy};
use crate::language::ForeignSettings;
use crate::output::SettingsRecord;
use crate::repeats::RepeatSettings;
use crate::resolve::KeepOrder;
use crate::text::ParagraphBreaks;

/// Everything that decides a run's answers. The number of threads is not among it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How shards are cut into records.
    pub read: ReadSettings,
    /// Where a record keeps its text, id, url, site and the fields that other settings name.
    pub fields: Fields,
    /// What of a url is the site.
    pub site_by: SiteBy,
    /// What parts paragraphs.
    pub paragraphs: ParagraphBreaks,
    /// What counts as a template.
    pub templates: TemplateSettings,
    /// What counts as said twice within a document.
    pub repeats: RepeatSettings,
    /// What counts as reused by several documents.
    pub reuse: ReuseSettings,
    /// What counts as a foreign head or tail.
    pub foreign: ForeignSettings,
    /// What counts as alike.
    pub compare: CompareSettings,
    /// Who stays.
    pub keep: KeepOrder,
    /// Ids of documents that are never removed.
    pub protect: HashSet<String>,
    /// What is taken out of the documents that stay; nothing by default: it is only flagged.
    pub strip: BTreeSet<Strip>,
}

/// What counts as alike.
#[derive(Clone, Debug)]
pub struct CompareSettings {
    /// The least Jaccard similarity of a duplicate, 0.5 to 1.
    pub min_similarity: f64,
    /// The least containment, 0.5 to 1, of a shorter document in a longer kept one that removes it; absent: none does.
    pub min_containment: Option<f64>,
    /// Tokens in a shingle.
    pub shingle_tokens: NonZeroUsize,
    /// What of a document is compared.
    pub content: Content,
    /// How candidate pairs are found.
    pub candidates: CandidateSource,
    /// Documents that have boilerplate and fewer content tokens than this are duplicates of equal texts only. The
    /// contract's 20.
    pub thin_tokens: usize,
    /// Of more equal texts than this, `pairs` reports each with the first only. The contract's 1,000.
    pub max_equal_pairs: usize,
    /// Seed of the token, shingle and signature hashes.
    pub seed: u64,
    /// How much is compared at once.
    pub limits: CompareLimits,
}

/// How much is compared at once. It decides what a comparison costs, and no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompareLimits {
    /// Memory for a batch of documents and their sets, in bytes.
    pub memory_bytes: usize,
    /// Documents that are looked up together on all threads.
    pub block: usize,
    /// Documents of a bucket that are looked through one after the other.
    pub bucket: u32,
}

impl Default for CompareLimits {
    /// One batch; and of a block each document is held against 32 of it on average.
    fn default() -> Self {
        CompareLimits { memory_bytes: usize::MAX, block: 64, bucket: BUCKET_LIMIT }
    }
}

/// What of a document is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The text without boilerplate.
    Article,
    /// The whole text.
    All,
}

/// How candidate pairs are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateSource {
    /// By signatures and bands: a lone pair at the threshold is found with probability 0.999 or more.
    Signatures,
    /// By a prefix filter over the sets themselves: misses none.
    Exact,
}

impl Settings {
    /// The settings as the summary tells them.
    pub fn record(&self) -> SettingsRecord {
        let content = match self.compare.content {
            Content::Article => "article",
            Content::All => "all",
        };
        SettingsRecord {
            min_similarity: self.compare.min_similarity,
            min_containment: self.compare.min_containment,
            shingle: self.compare.shingle_tokens,
            content: content.to_owned(),
            exact: self.compare.candidates == CandidateSource::Exact,
            keep: self.keep.0.iter().map(ToString::to_string).collect(),
            strip: self.strip.iter().map(|strip| strip.name().to_owned()).collect(),
            protected: self.protect.len() as u64,
            within: self.fields.within.clone(),
            seed: self.compare.seed,
            paragraphs: self.paragraphs.name().to_owned(),
            site: self.site_by.name().to_owned(),
            text_field: self.fields.text.clone(),
            id_field: self.fields.id.clone(),
            url_field: self.fields.url.clone(),
            site_field: self.fields.site.clone(),
            max_record: self.read.max_record,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            read: ReadSettings::default(),
            fields: Fields::default(),
            site_by: SiteBy::Host,
            paragraphs: ParagraphBreaks::Auto,
            templates: TemplateSettings::default(),
            repeats: RepeatSettings::default(),
            reuse: ReuseSettings::default(),
            foreign: ForeignSettings::default(),
            compare: CompareSettings::default(),
            keep: KeepOrder::default(),
            protect: HashSet::new(),
            strip: BTreeSet::new(),
        }
    }
}

impl Default for CompareSettings {
    fn default() -> Self {
        let five = const { NonZeroUsize::new(5).unwrap() };
        CompareSettings {
            min_similarity: 0.8,
            min_containment: None,
            shingle_tokens: five,
            content: Content::Article,
            candidates: CandidateSource::Signatures,
            thin_tokens: 20,
            max_equal_pairs: 1_000,
            seed: 0,
            limits: CompareLimits::default(),
        }
    }
}
