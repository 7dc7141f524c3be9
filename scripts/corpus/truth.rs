//! What is planted, exactly?
//!
//! Two contents in, their overlap out; a content in, how much of a paragraph stands again in later ones out. Similarities are
//! aimed at when copies are edited and measured here, on tokens and runs of five as the contract has them.
//!
//! Time: one pass of tokenising and a sort for each text. Only copies and what is said twice is measured.

use std::num::NonZeroUsize;

use dittograph::repeats::{self, RepeatSettings};
use dittograph::shingle::{ShingleSet, token_hash};
use dittograph::text::Tokenizer;
use dittograph::verify::{Overlap, overlap};

/// Measures; holds what one text leaves to the next.
#[derive(Default)]
pub struct Measure {
    tokenizer: Tokenizer,
    tokens: Vec<u64>,
    ends: Vec<usize>,
}

/// A paragraph that later ones of its document say again.
pub struct SaidAgain {
    /// The share of its tokens.
    pub coverage: f64,
    /// Those that say it, the one that covers most first.
    pub within: Vec<usize>,
}

impl Measure {
    /// What the distinct shingles of two contents share.
    pub fn overlap(&mut self, left: &[u8], right: &[u8]) -> Overlap {
        let left = self.shingles(left);
        overlap(&left, &self.shingles(right))
    }

    fn shingles(&mut self, text: &[u8]) -> ShingleSet {
        const FIVE: NonZeroUsize = NonZeroUsize::new(5).unwrap();
        self.tokens.clear();
        self.tokenizer.for_each(text_of(text), |token| self.tokens.push(token_hash(token, 0)));
        ShingleSet::of_tokens(&self.tokens, FIVE, 0)
    }

    /// How much of a paragraph (they are ended by line breaks) the later ones say again; `None`, where it is too little to
    /// count.
    pub fn said_again(&mut self, text: &[u8], paragraph: usize) -> Option<SaidAgain> {
        self.tokens.clear();
        self.ends.clear();
        for paragraph in text_of(text).split_terminator('\n') {
            self.tokenizer.for_each(paragraph, |token| self.tokens.push(token_hash(token, 0)));
            self.ends.push(self.tokens.len());
        }
        let mut start = 0;
        let cut = |&end: &usize| Some(&self.tokens[std::mem::replace(&mut start, end)..end]);
        let paragraphs: Vec<Option<&[u64]>> = self.ends.iter().map(cut).collect();
        let found = repeats::find(&paragraphs, &RepeatSettings::default());
        let repeat = found.into_iter().find(|repeat| repeat.paragraph == paragraph)?;
        Some(SaidAgain { coverage: repeat.coverage, within: repeat.within })
    }
}

/// The lists are UTF-8, and nothing cuts a character.
fn text_of(text: &[u8]) -> &str {
    str::from_utf8(text).unwrap_or_default()
}
