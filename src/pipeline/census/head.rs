//! What is kept of each document besides its page: where it stands, what it is called, where its paragraphs lie.

use serde::{Deserialize, Serialize};

use crate::document::{DocId, Span};

/// One document without its text and its tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    shard: u32,
    ordinal: u64,
    /// Which file of its shard it stands in.
    pub part: u32,
    /// Where its record begins: in that file, or in the spool of records that cannot be read by position.
    pub offset: u64,
    /// Bytes of the record, line terminator included.
    pub bytes: u64,
    /// The value of its id field, if it has one.
    pub label: Option<String>,
    /// Its url, where somebody asks for it.
    pub url: Option<String>,
    /// Values of the fields that the keep keys name.
    pub keep_fields: Vec<Option<String>>,
    /// The value of the `--within` field.
    pub within: Option<String>,
    /// Its head or tail in another language.
    pub foreign: Vec<Foreign>,
    /// For each paragraph the bytes before it, since the last one, its own, and its tokens.
    lengths: Vec<(u32, u32, u32)>,
}

/// A head or tail in another language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreign {
    /// First and last paragraph.
    pub paragraphs: [u32; 2],
    /// Its language.
    pub language: String,
    /// The language of the rest.
    pub article_language: String,
    /// How sure that is.
    pub confidence: f64,
}

impl Head {
    /// Of a document with these paragraphs, and how many tokens each has. The rest is for the caller to fill in.
    pub fn new(id: DocId, paragraphs: impl IntoIterator<Item = (Span, usize)>) -> Head {
        let mut end = 0;
        let length = |(span, tokens): (Span, usize)| {
            let before = span.start - std::mem::replace(&mut end, span.end);
            (before as u32, (span.end - span.start) as u32, tokens as u32)
        };
        Head {
            shard: id.shard,
            ordinal: id.ordinal,
            part: 0,
            offset: 0,
            bytes: 0,
            label: None,
            url: None,
            keep_fields: Vec::new(),
            within: None,
            foreign: Vec::new(),
            lengths: paragraphs.into_iter().map(length).collect(),
        }
    }

    /// Where it stands.
    pub fn id(&self) -> DocId {
        DocId { shard: self.shard, ordinal: self.ordinal }
    }

    /// Where its paragraphs lie in its text.
    pub fn spans(&self) -> Vec<Span> {
        let mut end = 0;
        let span = |&(before, own, _): &(u32, u32, u32)| {
            let start = end + before as usize;
            end = start + own as usize;
            Span { start, end }
        };
        self.lengths.iter().map(span).collect()
    }

    /// How many tokens each of its paragraphs has.
    pub fn token_counts(&self) -> impl Iterator<Item = usize> {
        self.lengths.iter().map(|&(_, _, tokens)| tokens as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_come_back() {
        let spans = [(2, 5), (5, 5), (9, 70_000)].map(|(start, end)| Span { start, end });
        let head = Head::new(DocId { shard: 1, ordinal: 2 }, spans.into_iter().zip(7..));
        assert_eq!((head.spans(), head.token_counts().collect()), (spans.to_vec(), vec![7, 8, 9]));
        assert_eq!(head.id(), DocId { shard: 1, ordinal: 2 });
        assert!(Head::new(DocId { shard: 0, ordinal: 0 }, []).spans().is_empty());
    }
}
