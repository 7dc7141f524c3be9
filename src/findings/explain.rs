//! What `dittograph explain` says: everything that a run knows of a document, or of two.

use serde::{Deserialize, Serialize};

use super::{ClusterRecord, Finding, Reference, RejectedRecord, TemplateRecord};
use crate::document::Span;

/// One document of a finished run, with all that its records say of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The document.
    #[serde(flatten)]
    pub document: Reference,
    /// Its site; absent where neither a finding nor the record tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Its url; absent where it has none, or where its record is not at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What became of it; in a scan, what would.
    pub fate: DocumentFate,
    /// Its cluster of duplicates, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterRecord>,
    /// Its findings, as the run wrote them.
    pub findings: Vec<Finding>,
    /// The templates that its findings name, in the order of `templates.jsonl`.
    pub templates: Vec<TemplateRecord>,
    /// Other documents that have its reused paragraphs.
    pub elsewhere: Vec<Elsewhere>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectedRecord>,
    /// Why its text is not at hand, and how to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_text: Option<String>,
    /// Its text, which all spans refer to, and what was counted in it.
    #[serde(flatten)]
    pub text: Option<ExplainedText>,
}

/// The text of an explained document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedText {
    /// How many tokens it has.
    pub tokens: usize,
    /// How many of them are compared: those outside boilerplate, or all with `--content all`.
    pub content_tokens: usize,
    /// Where its paragraphs stand.
    pub paragraph_spans: Vec<Span>,
    /// The text.
    pub text: String,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentFate {
    /// It stays.
    Kept,
    /// It is a duplicate.
    Removed,
    /// It could not be read.
    Rejected,
}

/// Where a paragraph of the explained document stands in others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The paragraph, in the explained document.
    pub paragraph: usize,
    /// Other documents that have it, in document order, with the paragraph there; not all of them.
    pub documents: Vec<Reference>,
}

/// Two documents of a finished run, and what they share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was decided between them.
    pub decision: Between,
    /// How alike they are; absent where a text is not at hand.
    #[serde(flatten)]
    pub likeness: Option<MeasuredLikeness>,
    /// One document.
    pub a: Explanation,
    /// The other one.
    pub b: Explanation,
}

/// What was decided between two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// `a` was removed because of `b`.
    ARemovedForB,
    /// `b` was removed because of `a`.
    BRemovedForA,
    /// Both were removed because of one other document.
    BothRemovedForOne,
    /// One of them could not be read.
    Rejected,
    /// Not compared: they differ in the field of `--within`.
    NotWithin,
    /// Not measured now, as a text is not at hand; and neither was removed because of the other.
    NotMeasured,
    /// Not compared: one has boilerplate and too little content, and their whole texts differ.
    Thin,
    /// Less alike than a duplicate must be.
    Below,
    /// As alike as a duplicate, but one or both were removed because of another document.
    OtherWitness,
    /// As alike as a duplicate, and both kept: protected, or the bands missed the pair.
    BothKept,
}

/// How alike two documents are: measured on their tokens, as the run measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredLikeness {
    /// Jaccard similarity of their contents; 1 where `exact`.
    pub jaccard: f64,
    /// Containment of `a` in `b`.
    pub containment_of_a: f64,
    /// Containment of `b` in `a`.
    pub containment_of_b: f64,
    /// Their whole token sequences are equal.
    pub exact: bool,
    /// Compared tokens of each that lie in a shared passage.
    pub shared_tokens: [usize; 2],
    /// What they share, in the order of `a`.
    pub shared: Vec<SharedPassage>,
    /// Paragraphs of `a` and `b` that say the same, in both texts' order.
    pub beside: Vec<[usize; 2]>,
}

/// A run of tokens that stands in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedPassage {
    /// How many tokens.
    pub tokens: usize,
    /// Where in `a`.
    pub a: Span,
    /// Where in `b`.
    pub b: Span,
}
