//! What of each document is compared: its content, as token hashes, shingle sets and, for what rests on them, tokens.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use xxhash_rust::xxh3::xxh3_128;

use super::census::{Census, Entry, Paragraph};
use super::settings::{CompareSettings, Content};
use super::sites::Marks;
use crate::shingle::{ShingleSet, for_each_shingle};
use crate::text::Tokenizer;

/// The contents of all documents, under one set of templates.
pub struct Contents<'a> {
    census: &'a Census,
    marks: &'a [Option<Marks>],
    settings: &'a CompareSettings,
    /// How many tokens each content has.
    token_counts: Vec<u32>,
}

impl<'a> Contents<'a> {
    /// Without the paragraphs that are marked, or with them where the settings say that everything is compared.
    pub fn new(
        census: &'a Census,
        marks: &'a [Option<Marks>],
        settings: &'a CompareSettings,
    ) -> Contents<'a> {
        let mut contents = Contents { census, marks, settings, token_counts: Vec::new() };
        contents.token_counts = (0..contents.len()).map(|document| contents.count_tokens(document)).collect();
        contents
    }

    fn count_tokens(&self, document: u32) -> u32 {
        match self.stripped(document) {
            None => self.entry(document).tokens.len() as u32,
            Some(_) => self.paragraphs(document).map(|paragraph| paragraph.tokens.len() as u32).sum(),
        }
    }

    /// The document as the census left it.
    pub fn entry(&self, document: u32) -> &'a Entry {
        &self.census.documents[document as usize]
    }

    /// How many documents.
    pub fn len(&self) -> u32 {
        self.census.documents.len() as u32
    }

    /// Tokens in a shingle.
    pub fn shingle_tokens(&self) -> NonZeroUsize {
        self.settings.shingle_tokens
    }

    /// How many tokens its content has.
    pub fn token_count(&self, document: u32) -> usize {
        self.token_counts[document as usize] as usize
    }

    /// Whether it is compared with others by similarity. One without content tokens is not, and one of which
    /// boilerplate leaves too little is a duplicate of an equal text only.
    pub fn comparable(&self, document: u32) -> bool {
        let least = if self.stripped(document).is_some() { self.settings.thin_tokens } else { 1 };
        self.token_count(document) >= least.max(1)
    }

    /// The hashes of its content's tokens, in text order.
    pub fn tokens(&self, document: u32) -> Cow<'a, [u64]> {
        let entry = self.entry(document);
        match self.stripped(document) {
            None => Cow::Borrowed(&entry.tokens),
            Some(_) => {
                self.paragraphs(document).flat_map(|paragraph| entry.tokens_of(paragraph)).copied().collect()
            }
        }
    }

    /// The shingles of its content, made anew.
    pub fn make_set(&self, document: u32) -> ShingleSet {
        ShingleSet::of_tokens(&self.tokens(document), self.settings.shingle_tokens, self.settings.seed)
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
        let keys: Vec<u8> =
            self.paragraphs(document).flat_map(|paragraph| paragraph.masked.to_le_bytes()).collect();
        xxh3_128(&keys)
    }

    /// The tokens themselves of its content.
    pub fn words(&self, document: u32) -> Words {
        let text = &self.entry(document).document.text;
        Words::of(self.paragraphs(document).map(|paragraph| paragraph.span.of(text)))
    }

    /// The paragraphs of its content.
    fn paragraphs(&self, document: u32) -> impl Iterator<Item = &'a Paragraph> {
        let marks = self.stripped(document);
        let paragraphs = self.entry(document).paragraphs.iter().enumerate();
        paragraphs
            .filter(move |(index, _)| marks.is_none_or(|marks| marks[*index].is_none()))
            .map(|(_, paragraph)| paragraph)
    }

    /// Its marks, where it has boilerplate that is left out.
    fn stripped(&self, document: u32) -> Option<&'a Marks> {
        match self.settings.content {
            Content::Article => self.marks[document as usize].as_ref(),
            Content::All => None,
        }
    }
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
