//! The forms of a template paragraph, gathered from the documents that have it.
//!
//! Places of one paragraph in, its record out: the commonest form as text, how many forms there are, and the slots in
//! which they differ. Only the commonest form is read and tokenised again, for the places of its tokens.
//!
//! Memory: 80 bytes a form, and 8 for each of its tokens, by estimate.

use std::collections::HashMap;

use super::census::{Census, Page, Paragraph};
use crate::findings::TemplateParagraph;
use crate::slots::{self, Form};
use crate::text::token_spans;

/// The forms of one paragraph: how many documents have each, and where each first stands.
#[derive(Debug, Default)]
pub struct Variants {
    forms: HashMap<u128, Standing>,
}

/// Where a form stands.
#[derive(Clone, Debug)]
struct Standing {
    tokens: Box<[u64]>,
    /// The first document that has it, and the paragraph there.
    first: (u32, usize),
    /// The last one that was counted.
    last: u32,
    documents: u32,
}

impl Variants {
    /// A page has a form of the paragraph here. The paragraphs of one page come together; one that has a form twice counts
    /// once.
    pub fn add(&mut self, page: &Page, index: usize) {
        let paragraph: &Paragraph = &page.paragraphs[index];
        let place = (page.document, index);
        self.forms
            .entry(paragraph.exact)
            .and_modify(|form| {
                form.documents += u32::from(form.last != page.document);
                form.last = page.document;
                form.first = form.first.min(place);
            })
            .or_insert_with(|| Standing {
                tokens: page.tokens_of(paragraph).into(),
                first: place,
                last: page.document,
                documents: 1,
            });
    }

    /// What is said of the paragraph, which so many documents have. `None` where no form was added.
    pub fn record(&self, census: &Census, documents: u32) -> Option<TemplateParagraph> {
        let mut standings: Vec<&Standing> = self.forms.values().collect();
        standings.sort_unstable_by_key(|form| form.first);
        let forms = standings.iter().map(|form| Form { tokens: &form.tokens, documents: form.documents });
        let found = slots::find(&forms.collect::<Vec<_>>())?;
        let (document, index) = standings[found.commonest].first;
        let head = census.head(document);
        let text = census.text_of(&head);
        let span = head.spans().get(index).copied()?;
        let text = text.get(span.start..span.end)?;
        let slots = match found.slots.is_empty() {
            true => Vec::new(),
            false => slots::bytes(&found.slots, &token_spans(text)),
        };
        Some(TemplateParagraph { text: text.to_owned(), documents, variants: standings.len() as u64, slots })
    }
}
