//! The forms of a template paragraph, gathered from the documents that have it.
//!
//! Places of one paragraph in, its record out: the commonest form as text, how many forms there are, and the slots in
//! which they differ. Tokens are read where the census has them; only the commonest form is tokenised again, for the
//! places of its tokens.
//!
//! Memory: 48 bytes a form, by estimate.

use std::collections::HashMap;

use super::census::{Census, Entry, Paragraph};
use crate::findings::TemplateParagraph;
use crate::slots::{self, Form};
use crate::text::token_spans;

/// The forms of one paragraph: how many documents have each, and where each first stands.
#[derive(Debug, Default)]
pub struct Variants {
    forms: HashMap<u128, Standing>,
}

/// Where a form stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// The first document that has it, and the paragraph there.
    first: (u32, usize),
    /// The last one that was counted.
    last: u32,
    documents: u32,
}

impl Variants {
    /// A document has a form of the paragraph here. Documents come in order; one that has a form twice counts once.
    pub fn add(&mut self, document: u32, index: usize, paragraph: &Paragraph) {
        let first = Standing { first: (document, index), last: document, documents: 1 };
        self.forms
            .entry(paragraph.exact)
            .and_modify(|form| {
                form.documents += u32::from(form.last != document);
                form.last = document;
            })
            .or_insert(first);
    }

    /// What is said of the paragraph, which so many documents have. `None` where no form was added.
    pub fn record(&self, census: &Census, documents: u32) -> Option<TemplateParagraph> {
        let mut standings: Vec<Standing> = self.forms.values().copied().collect();
        standings.sort_unstable_by_key(|form| form.first);
        let place = |form: &Standing| -> (&Entry, &Paragraph) {
            let entry = &census.documents[form.first.0 as usize];
            (entry, &entry.paragraphs[form.first.1])
        };
        let tokens = |form: &Standing| {
            let (entry, paragraph) = place(form);
            Form { tokens: entry.tokens_of(paragraph), documents: form.documents }
        };
        let found = slots::find(&standings.iter().map(tokens).collect::<Vec<_>>())?;
        let (entry, paragraph) = place(&standings[found.commonest]);
        let text = paragraph.span.of(&entry.document.text);
        let slots = match found.slots.is_empty() {
            true => Vec::new(),
            false => slots::bytes(&found.slots, &token_spans(text)),
        };
        Some(TemplateParagraph { text: text.to_owned(), documents, variants: standings.len() as u64, slots })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xxhash_rust::xxh3::xxh3_128;

    use super::*;
    use crate::boilerplate::sketch;
    use crate::document::{DocId, Document, Span};
    use crate::shingle::token_hash;
    use crate::text::tokens;

    /// A census of texts of one paragraph.
    fn census(texts: &[&str]) -> Census {
        let entry = |(ordinal, text): (usize, &&str)| {
            let hashes: Vec<u64> = tokens(text).iter().map(|token| token_hash(token, 0)).collect();
            let exact = xxh3_128(tokens(text).join(" ").as_bytes());
            let paragraph = Paragraph {
                span: Span { start: 0, end: text.len() },
                tokens: 0..hashes.len() as u32,
                masked: 0,
                sketch: sketch(&hashes),
                exact,
            };
            let document = Document {
                id: DocId { shard: 0, ordinal: ordinal as u64 },
                label: ordinal.to_string(),
                url: None,
                site: Arc::from("site"),
                text: (*text).to_owned(),
                keep_fields: Vec::new(),
                within: None,
            };
            let (tokens, paragraphs) = (hashes.into_boxed_slice(), Box::from([paragraph]));
            Entry { document, bytes: 0, tokens, paragraphs, sequence: Some(exact) }
        };
        let documents = texts.iter().enumerate().map(entry).collect();
        Census { shards: Vec::new(), documents, rejected: Vec::new(), digests: Vec::new() }
    }

    #[test]
    fn forms_are_told_apart_by_tokens() {
        let census = census(&["Page 1: by Ann", "PAGE 2 by Bob", "page 2, by Bob!", "Page 1: by Ann"]);
        let mut forms = Variants::default();
        assert_eq!(forms.record(&census, 0), None);
        for document in 0..4 {
            forms.add(document, 0, &census.documents[document as usize].paragraphs[0]);
        }
        let record = forms.record(&census, 7).unwrap();
        assert_eq!((record.text.as_str(), record.documents, record.variants), ("Page 1: by Ann", 7, 2));
        assert_eq!(record.slots, [[5, 6], [11, 14]]);
    }

    #[test]
    fn a_document_counts_once() {
        let census = census(&["by Ann", "by Bob", "by Bob"]);
        let mut forms = Variants::default();
        for document in [0, 0, 0, 1, 2] {
            forms.add(document, 0, &census.documents[document as usize].paragraphs[0]);
        }
        assert_eq!(forms.record(&census, 3).unwrap().text, "by Bob");
    }

    #[test]
    fn paragraphs_without_tokens_have_a_form_and_no_slot() {
        let census = census(&["* * *"]);
        let mut forms = Variants::default();
        forms.add(0, 0, &census.documents[0].paragraphs[0]);
        let record = forms.record(&census, 1).unwrap();
        assert_eq!((record.text.as_str(), record.variants), ("* * *", 1));
        assert!(record.slots.is_empty());
    }
}
