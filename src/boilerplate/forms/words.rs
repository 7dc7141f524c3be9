//! Which words does each paragraph have?
//!
//! The different paragraphs of a site in, [`Words`] out: every word, and each of its further occurrences within a paragraph,
//! as a small number, so that whatever is counted over words is counted in an array. Paragraphs of more than
//! [`MAX_TOKENS`] words, and those of none, have no forms and are given no words.
//!
//! Memory: 4 bytes a token of the different paragraphs, about 60 bytes a different word (estimate). Time: one look-up a token.

use super::super::Map;
use super::{MAX_TOKENS, NUMBER, WordedParagraph};

/// The words of paragraphs.
///
/// Invariant: words that a paragraph says once come before the further occurrences of words.
pub(super) struct Words {
    /// By word: its hash, and how many of the same stand before it.
    ranks: Vec<(u64, u32)>,
    /// Of each further occurrence: the word where it stands first.
    firsts: Vec<u32>,
    /// The words of paragraph `i` are `said[starts[i]..starts[i + 1]]`.
    said: Vec<u32>,
    starts: Vec<usize>,
}

impl Words {
    /// Of these paragraphs.
    pub fn of(paragraphs: &[WordedParagraph]) -> Words {
        let mut met = Met::new();
        let (mut said, mut starts) = (Vec::new(), vec![0]);
        for (paragraph, number) in paragraphs.iter().zip(0..) {
            if paragraph.tokens.len() <= MAX_TOKENS {
                said.extend(paragraph.tokens.iter().map(|&token| match (paragraph.is_number)(token) {
                    true => met.say(NUMBER, number),
                    false => met.say(token, number),
                }));
            }
            starts.push(said.len());
        }
        let different = met.words.len() as u32;
        said.iter_mut()
            .filter(|said| **said & FURTHER != 0)
            .for_each(|said| *said = *said - FURTHER + different);
        let first = met.words.iter().map(|word| (word.hash, 0));
        let further = met.further.iter().map(|word| (met.words[word.first as usize].hash, word.before));
        let ranks = first.chain(further).collect();
        Words { ranks, firsts: met.further.iter().map(|word| word.first).collect(), said, starts }
    }

    /// How many there are: all are below.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// What a paragraph says, in order. Empty where it has no forms.
    pub fn of_paragraph(&self, paragraph: u32) -> &[u32] {
        let paragraph = paragraph as usize;
        &self.said[self.starts[paragraph]..self.starts[paragraph + 1]]
    }

    /// The word where it stands first.
    pub fn first(&self, word: u32) -> u32 {
        let different = self.ranks.len() - self.firsts.len();
        (word as usize).checked_sub(different).map_or(word, |further| self.firsts[further])
    }

    /// Whether it stands for a number.
    pub fn is_number(&self, word: u32) -> bool {
        self.ranks[word as usize].0 == NUMBER
    }

    /// An order of words that does not depend on how they are numbered.
    pub fn rank(&self, word: u32) -> (u64, u32) {
        self.ranks[word as usize]
    }
}

/// Tells a further occurrence from a word while both are counted.
const FURTHER: u32 = 1 << 31;

/// The words met so far.
struct Met {
    number: Map<u64, u32>,
    words: Vec<Word>,
    further: Vec<Further>,
}

/// A word, with the last paragraph that says it and which occurrence was the last one there.
struct Word {
    hash: u64,
    paragraph: u32,
    last: u32,
    /// Its second occurrence, if any paragraph has one.
    next: Option<u32>,
}

/// A further occurrence of a word.
struct Further {
    first: u32,
    before: u32,
    next: Option<u32>,
}

impl Met {
    fn new() -> Met {
        Met { number: Map::default(), words: Vec::new(), further: Vec::new() }
    }

    /// What a paragraph says next.
    fn say(&mut self, hash: u64, paragraph: u32) -> u32 {
        let Met { number, words, further } = self;
        let first = *number.entry(hash).or_insert_with(|| {
            words.push(Word { hash, paragraph: u32::MAX, last: 0, next: None });
            words.len() as u32 - 1
        });
        let word = &mut words[first as usize];
        if word.paragraph != paragraph {
            (word.paragraph, word.last) = (paragraph, first);
            return first;
        }
        let (next, before) = match word.last & FURTHER {
            0 => (word.next, 0),
            _ => {
                let last = &further[(word.last - FURTHER) as usize];
                (last.next, last.before)
            }
        };
        let said = next.unwrap_or_else(|| {
            let new = FURTHER | further.len() as u32;
            match word.last & FURTHER {
                0 => word.next = Some(new),
                _ => further[(word.last - FURTHER) as usize].next = Some(new),
            }
            further.push(Further { first, before: before + 1, next: None });
            new
        });
        word.last = said;
        said
    }
}
