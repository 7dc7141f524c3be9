//! What of each document is compared: its content, as token hashes, shingle sets and, for what rests on them, tokens.

use std::num::NonZeroUsize;

use xxhash_rust::xxh3::xxh3_128;

use super::census::{Census, Page, Paragraph};
use super::marks::{Marks, PageMarks};
use super::settings::{CompareSettings, Content};
use crate::shingle::{ShingleSet, for_each_shingle};
use crate::text::Tokenizer;

/// The contents of all documents, under one set of templates. Each is made anew when it is asked for.
pub struct Contents<'a> {
    census: &'a Census,
    marks: &'a PageMarks,
    settings: &'a CompareSettings,
}

impl<'a> Contents<'a> {
    /// Without the paragraphs that are marked, or with them where the settings say that everything is compared.
    pub fn new(census: &'a Census, marks: &'a PageMarks, settings: &'a CompareSettings) -> Contents<'a> {
        Contents { census, marks, settings }
    }

    /// What the documents are contents of.
    pub fn census(&self) -> &'a Census {
        self.census
    }

    /// How many documents.
    pub fn len(&self) -> u32 {
        self.census.len()
    }

    /// Tokens in a shingle.
    pub fn shingle_tokens(&self) -> NonZeroUsize {
        self.settings.shingle_tokens
    }

    /// How many tokens its content has.
    pub fn token_count(&self, document: u32) -> usize {
        match self.settings.content {
            Content::Article => self.marks.content_tokens(document) as usize,
            Content::All => self.census.token_count(document) as usize,
        }
    }

    /// Whether it is compared with others by similarity. One without content tokens is not, and one of which
    /// boilerplate leaves too little is a duplicate of an equal text only.
    pub fn comparable(&self, document: u32) -> bool {
        let least = if self.left_out(document).is_some() { self.settings.thin_tokens } else { 1 };
        self.token_count(document) >= least.max(1)
    }

    /// The hashes of its content's tokens, in text order.
    pub fn tokens(&self, document: u32) -> Vec<u64> {
        self.tokens_of(&self.census.page(document))
    }

    /// The same of a page that is at hand.
    pub fn tokens_of(&self, page: &Page) -> Vec<u64> {
        match self.left_out(page.document) {
            None => page.tokens.clone(),
            Some(marks) => {
                content(page, marks).flat_map(|paragraph| page.tokens_of(paragraph)).copied().collect()
            }
        }
    }

    /// The shingles of its content.
    pub fn make_set(&self, document: u32) -> ShingleSet {
        self.set_of(&self.census.page(document))
    }

    /// The same of a page that is at hand.
    pub fn set_of(&self, page: &Page) -> ShingleSet {
        let (k, seed) = (self.settings.shingle_tokens, self.settings.seed);
        match self.left_out(page.document) {
            None => ShingleSet::of_tokens(&page.tokens, k, seed),
            Some(_) => ShingleSet::of_tokens(&self.tokens_of(page), k, seed),
        }
    }

    /// The hashes of its content's shingles, in text order, with repeats.
    pub fn shingles(&self, document: u32) -> Vec<u64> {
        let tokens = self.tokens(document);
        let mut shingles = Vec::with_capacity(tokens.len());
        let (k, seed) = (self.settings.shingle_tokens, self.settings.seed);
        for_each_shingle(&tokens, k, seed, |hash| shingles.push(hash));
        shingles
    }

    /// A hash of its content with numbers masked.
    pub fn masked(&self, document: u32) -> u128 {
        let page = self.census.page(document);
        let key = |paragraph: &Paragraph| paragraph.masked.to_le_bytes();
        let keys: Vec<u8> = match self.left_out(document) {
            None => page.paragraphs.iter().flat_map(key).collect(),
            Some(marks) => content(&page, marks).flat_map(key).collect(),
        };
        xxh3_128(&keys)
    }

    /// The tokens themselves of its content.
    pub fn words(&self, document: u32) -> Words {
        let head = self.census.head(document);
        let text = self.census.text_of(&head);
        let marks = self.left_out(document);
        let spans = head.spans().into_iter().enumerate();
        let content = spans.filter(|(index, _)| marks.is_none_or(|marks| marks.get(*index).is_none()));
        // A text that could not be read is empty, and its spans stand for nothing.
        Words::of(content.filter_map(|(_, span)| text.get(span.start..span.end)))
    }

    /// Its marks, where it has boilerplate that is left out.
    fn left_out(&self, document: u32) -> Option<&'a Marks> {
        match self.settings.content {
            Content::Article => self.marks.get(document),
            Content::All => None,
        }
    }
}

/// The paragraphs that are not marked.
fn content<'p>(page: &'p Page, marks: &'p Marks) -> impl Iterator<Item = &'p Paragraph> {
    page.paragraphs
        .iter()
        .zip(marks.iter())
        .filter(|(_, mark)| mark.is_none())
        .map(|(paragraph, _)| paragraph)
}

/// The tokens of a text, one after the other in one buffer.
pub struct Words {
    buffer: String,
    ends: Vec<usize>,
}

impl Words {
    /// Of these pieces of text, in order.
    pub fn of<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Words {
        let mut words = Words { buffer: String::new(), ends: Vec::new() };
        let mut tokenizer = Tokenizer::new();
        for piece in pieces {
            tokenizer.for_each(piece, |token| {
                words.buffer.push_str(token);
                words.ends.push(words.buffer.len());
            });
        }
        words
    }

    /// The tokens.
    pub fn tokens(&self) -> Vec<&str> {
        let mut start = 0;
        let token = |&end: &usize| &self.buffer[std::mem::replace(&mut start, end)..end];
        self.ends.iter().map(token).collect()
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Words) -> bool {
        self.ends == other.ends && self.buffer == other.buffer
    }
}
