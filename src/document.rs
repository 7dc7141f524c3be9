//! The nouns that travel: [`Document`], [`DocId`], [`Span`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a document *is*: the shard it came from and its place there, counted from 0.
///
/// The order of `DocId`s is the document order: shards as they were given, records as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct DocId {
    /// Index into the run's list of shards.
    pub shard: u32,
    /// The record's place in its shard; records that could not be read are counted too.
    pub ordinal: u64,
}

/// Half-open byte range into a document's text; both ends are UTF-8 boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The text under the span. Panics where the span was made for another text.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// One record of a corpus, as its shard holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it stands.
    pub id: DocId,
    /// The `id` field's value, else `SHARD#ORDINAL`. A label: it may repeat.
    pub label: String,
    /// The url, as the record gives it.
    pub url: Option<String>,
    /// The host, registrable domain, field value, folder or shard it belongs to.
    pub site: Arc<str>,
    /// The text all offsets refer to.
    pub text: String,
    /// Values of the fields that the keep keys name, in the order of the keys; absent where the record has none.
    pub keep_fields: Vec<Option<String>>,
    /// The value of the `--within` field, as JSON text; absent where the record has none.
    pub within: Option<String>,
}
