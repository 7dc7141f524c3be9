//! What do we say of each document, and why?
//!
//! The records of the contract, as they stand in `findings/`, `clusters.jsonl`, `templates.jsonl`, `rejected.jsonl`
//! and on standard output: one JSON object a line. Every field a reader may rely on is described in
//! `RECORDS.md` with an example line. Judged elsewhere; here it is only said.
#![doc = ""]
#![doc = include_str!("RECORDS.md")]

mod explain;
mod judgement;

use serde::{Deserialize, Serialize};

use crate::boilerplate::Role;
use crate::document::Span;
pub use explain::{
    Between, Comparison, DocumentFate, Elsewhere, ExplainedText, Explanation, MeasuredLikeness, SharedPassage,
};
pub use judgement::{Answer, Judgement};

/// How a record names another document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its label.
    pub id: String,
    /// The name of its shard.
    pub shard: String,
    /// Its place in the shard, counted from 0.
    pub ordinal: u64,
    /// The paragraph meant, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<usize>,
}

/// One flagged fact about one document, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub finding: Kind,
    /// The document's label.
    pub doc: String,
    /// The name of its shard.
    pub shard: String,
    /// Its place in the shard, counted from 0.
    pub ordinal: u64,
    /// Its site; `*` where the finding is boilerplate of a template that sites share.
    pub site: String,
    /// Where in the text; absent where the whole document is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// Why.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The document was removed, or would be.
    Duplicate,
    /// Paragraphs that the site, not the article, says.
    Boilerplate,
    /// One of the first four paragraphs stands again later in the document.
    RepeatedLead,
    /// Another paragraph stands again later in the document.
    Repeat,
    /// The lead of the document, which other kept documents have too.
    SharedLead,
    /// A paragraph that other kept documents have too.
    Reused,
    /// The head or the tail is in another language than the rest.
    Foreign,
    /// It has boilerplate, and hardly anything else.
    Thin,
}

/// All kinds, in the order in which the summary lists them.
pub const KINDS: [Kind; 8] = [
    Kind::Duplicate,
    Kind::Boilerplate,
    Kind::RepeatedLead,
    Kind::Repeat,
    Kind::SharedLead,
    Kind::Reused,
    Kind::Foreign,
    Kind::Thin,
];

impl Kind {
    /// As the record spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Duplicate => "duplicate",
            Kind::Boilerplate => "boilerplate",
            Kind::RepeatedLead => "repeated-lead",
            Kind::Repeat => "repeat",
            Kind::SharedLead => "shared-lead",
            Kind::Reused => "reused",
            Kind::Foreign => "foreign",
            Kind::Thin => "thin",
        }
    }
}

/// The span of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// First and last paragraph, counted from 0.
    pub paragraphs: [usize; 2],
    /// The bytes of the text.
    #[serde(flatten)]
    pub span: Span,
}

/// The evidence of a finding; which one belongs to which [`Kind`] the variants' names say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Evidence {
    /// Of a `duplicate`.
    Duplicate {
        /// The kept document that it is a duplicate of.
        of: Reference,
        /// Their similarity, measured.
        jaccard: f64,
        /// Containment of this document in the kept one, measured.
        containment: f64,
        /// Which of the two reached its threshold.
        by: Measure,
        /// Their whole token sequences are equal.
        exact: bool,
    },
    /// Of `boilerplate`.
    Boilerplate {
        /// The template's name.
        template: String,
        /// Where on a page it stands.
        role: Role,
        /// On how many of the site's distinct documents; of `*`, of all.
        documents: u32,
        /// Their share of these.
        share: f64,
    },
    /// Of a `repeated-lead` or a `repeat`.
    Repeat {
        /// The share of its tokens that stand again, in shingles, in later paragraphs.
        coverage: f64,
        /// Those paragraphs, the one that covers most new tokens first.
        #[serde(rename = "in")]
        within: Vec<usize>,
    },
    /// Of a `shared-lead` or a `reused` paragraph.
    Reused {
        /// How many kept documents have it, this one among them.
        documents: u64,
        /// How many sites, this one among them.
        sites: u64,
        /// The first document that has it; absent in that document itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<Reference>,
        /// Similarity to the paragraph there, measured; 1 where `first` is absent.
        jaccard: f64,
    },
    /// Of a `foreign` head or tail.
    Foreign {
        /// Its language, ISO 639-1.
        language: String,
        /// The language of the rest, ISO 639-1.
        article_language: String,
        /// How clear the evidence is, from 0 to 1.
        confidence: f64,
    },
    /// Of a `thin` document.
    Thin {
        /// How many tokens it has without its boilerplate.
        content_tokens: u64,
    },
}

/// The measures that a duplicate is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Jaccard similarity.
    Jaccard,
    /// Containment of a shorter document in a longer one.
    Containment,
}

/// A kept document and what was removed because of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The document that stays.
    pub kept: Reference,
    /// How many documents, the kept one among them.
    pub size: u64,
    /// The removed ones, in document order.
    pub members: Vec<Member>,
}

/// A removed document of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The document.
    #[serde(flatten)]
    pub document: Reference,
    /// Its similarity to the kept one.
    pub jaccard: f64,
    /// Its containment in the kept one.
    pub containment: f64,
    /// Their whole token sequences are equal.
    pub exact: bool,
}

/// What a site says on many pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRecord {
    /// `SITE/ROLE-HASH`; the hash is of its masked text, so it does not move with counts.
    pub template: String,
    /// The site; `*` of what sites share.
    pub site: String,
    /// Where on a page it stands.
    pub role: Role,
    /// On how many of the site's distinct documents; a group of near-duplicates counts once.
    pub documents: u32,
    /// How many distinct documents the site has; of `*`, how many there are.
    pub site_documents: u32,
    /// `documents` over `site_documents`.
    pub share: f64,
    /// Bytes of text that it takes up, in all documents read.
    pub bytes: u64,
    /// Its paragraphs, in page order.
    pub paragraphs: Vec<TemplateParagraph>,
    /// Documents that have it, the first three in document order.
    pub examples: Vec<Reference>,
}

/// One paragraph of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateParagraph {
    /// Its commonest form; of equals the first in document order.
    pub text: String,
    /// On how many of the site's distinct documents; a group of near-duplicates counts once.
    pub documents: u32,
    /// How many different forms, told apart by their tokens.
    pub variants: u64,
    /// Where they differ: bytes of `text`, start and end, ascending, not overlapping. An empty range: where other forms
    /// have more.
    pub slots: Vec<[usize; 2]>,
}

/// Two documents that are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairRecord {
    /// The first one in document order.
    pub a: Reference,
    /// The other one.
    pub b: Reference,
    /// Their similarity, measured.
    pub jaccard: f64,
    /// The larger of the two containments, measured.
    pub containment: f64,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// The name of its shard.
    pub shard: String,
    /// The file, where the shard is a folder of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where it starts: bytes, decompressed, in its file.
    pub offset: u64,
    /// Its line, counted from 1, in formats that have lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its place in the shard, counted from 0.
    pub record: u64,
    /// Why, and the way out.
    pub reason: String,
    /// Its length in bytes.
    pub length: u64,
    /// XXH3-128 of its bytes, in hex.
    pub hash: String,
    /// Its first 64 KiB.
    pub head: String,
    /// `base64` where the head is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

#[cfg(test)]
mod tests;
