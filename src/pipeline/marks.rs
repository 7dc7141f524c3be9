//! Which paragraphs of which documents are boilerplate.
//!
//! Most pages of a site are marked alike: the same runs at the head and the tail, around what is their own. So a page has the
//! number of a *pattern*, and each pattern is kept once.
//!
//! Memory: 8 bytes a document, and some 100 for each pattern (estimate).

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::census::{Census, Page};
use super::course::{Keeping, Stored, column, unpacked};
use super::means::Means;
use crate::error::Result;
use crate::store::{SavedBytes, SavedColumn};

/// A template, by its place among those of the document's site, or of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mark {
    /// What the site says on many pages. It comes first.
    Site(u32),
    /// What sites share.
    Network(u32),
}

impl Mark {
    /// The place among the site's templates.
    pub fn of_site(self) -> Option<u32> {
        if let Mark::Site(template) = self { Some(template) } else { None }
    }

    /// The place among the network's templates.
    pub fn of_network(self) -> Option<u32> {
        if let Mark::Network(template) = self { Some(template) } else { None }
    }
}

/// The marks of a page: runs of paragraphs with one template each, or with none. At least one paragraph is marked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks(Box<[(u32, Option<Mark>)]>);

impl Marks {
    /// Of the marks of all paragraphs; `None` where there is none.
    pub fn of(marks: impl IntoIterator<Item = Option<Mark>>) -> Option<Marks> {
        let mut runs: Vec<(u32, Option<Mark>)> = Vec::new();
        for mark in marks {
            match runs.last_mut() {
                Some((length, last)) if *last == mark => *length += 1,
                _ => runs.push((1, mark)),
            }
        }
        runs.iter().any(|(_, mark)| mark.is_some()).then(|| Marks(runs.into_boxed_slice()))
    }

    /// The marks of its paragraphs, in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<Mark>> {
        self.0.iter().flat_map(|&(length, mark)| std::iter::repeat_n(mark, length as usize))
    }

    /// Runs of paragraphs of one template, and that template; those without are left out.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, Mark)> {
        let mut next = 0;
        self.0.iter().filter_map(move |&(length, mark)| {
            let first = next;
            next += length as usize;
            Some((first..next, mark?))
        })
    }

    /// Of one paragraph.
    pub fn get(&self, paragraph: usize) -> Option<Mark> {
        self.runs().find(|(run, _)| run.contains(&paragraph)).map(|(_, mark)| mark)
    }

    /// Whether the network has any of them.
    pub fn has_network(&self) -> bool {
        self.0.iter().any(|(_, mark)| mark.is_some_and(|mark| mark.of_network().is_some()))
    }

    /// The marks of the site alone.
    pub fn without_network(&self) -> Option<Marks> {
        Marks::of(self.iter().map(|mark| mark.filter(|mark| mark.of_site().is_some())))
    }

    /// How many paragraphs are marked.
    pub fn count(&self) -> u64 {
        self.runs().map(|(run, _)| run.len() as u64).sum()
    }
}

/// The marks of all documents.
#[derive(Debug, Default)]
pub struct PageMarks {
    /// By document: its pattern, 0 where it has no boilerplate.
    pattern_of: Vec<u32>,
    /// Pattern 1 is the first of these.
    patterns: Vec<Marks>,
    known: HashMap<Marks, u32>,
    content_tokens: Vec<u32>,
}

impl PageMarks {
    /// No boilerplate anywhere.
    pub fn none(census: &Census) -> PageMarks {
        PageMarks {
            pattern_of: vec![0; census.len() as usize],
            patterns: Vec::new(),
            known: HashMap::new(),
            content_tokens: (0..census.len()).map(|document| census.token_count(document)).collect(),
        }
    }

    /// The marks of a document; `None` where it has no boilerplate.
    pub fn get(&self, document: u32) -> Option<&Marks> {
        self.patterns.get((self.pattern_of[document as usize] as usize).wrapping_sub(1))
    }

    /// How many tokens of a document are not boilerplate.
    pub fn content_tokens(&self, document: u32) -> u32 {
        self.content_tokens[document as usize]
    }

    /// Marks a document, whatever it was before.
    pub fn set(&mut self, document: u32, marks: Option<&Marks>, content_tokens: u32) {
        let next = self.patterns.len() as u32 + 1;
        self.content_tokens[document as usize] = content_tokens;
        self.pattern_of[document as usize] = match marks {
            None => 0,
            Some(marks) => match self.known.get(marks) {
                Some(&number) => number,
                None => {
                    self.patterns.push(marks.clone());
                    self.known.insert(marks.clone(), next);
                    next
                }
            },
        };
    }

    /// How many paragraphs of all documents are marked.
    pub fn marked_paragraphs(&self) -> u64 {
        self.pattern_of
            .iter()
            .filter_map(|&pattern| self.patterns.get((pattern as usize).wrapping_sub(1)))
            .map(Marks::count)
            .sum()
    }
}

/// What is stored of marks.
#[derive(Serialize, Deserialize)]
pub struct MarksState {
    pattern_of: SavedColumn,
    patterns: SavedBytes,
    content_tokens: SavedColumn,
}

impl Stored for PageMarks {
    type State = MarksState;

    fn store(&self, keeping: &mut Keeping) -> Result<MarksState> {
        Ok(MarksState {
            pattern_of: keeping.column("pattern-of", self.pattern_of.iter().copied())?,
            patterns: keeping.packed("patterns", &self.patterns)?,
            content_tokens: keeping.column("content-tokens", self.content_tokens.iter().copied())?,
        })
    }
}

impl PageMarks {
    /// As they were when their state was saved.
    pub fn given_back(state: MarksState, means: &Means) -> Result<PageMarks> {
        let patterns: Vec<Marks> = unpacked(&state.patterns, means)?;
        Ok(PageMarks {
            pattern_of: column(&state.pattern_of, means)?,
            known: patterns.iter().cloned().zip(1..).collect(),
            patterns,
            content_tokens: column(&state.content_tokens, means)?,
        })
    }
}

/// How many tokens of a page are in paragraphs that are not marked.
pub fn content_tokens(page: &Page, marks: Option<&Marks>) -> u32 {
    let marked = marks.into_iter().flat_map(Marks::runs).flat_map(|(run, _)| run);
    let marked: usize = marked.map(|paragraph| page.paragraphs[paragraph].tokens.len()).sum();
    (page.tokens.len() - marked) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_runs() {
        let (a, b) = (Some(Mark::Site(0)), Some(Mark::Network(0)));
        let all = [a, a, None, None, b, None, a];
        let marks = Marks::of(all).unwrap();
        assert_eq!(marks.iter().collect::<Vec<_>>(), all);
        assert_eq!(
            (0..8).map(|paragraph| marks.get(paragraph)).collect::<Vec<_>>(),
            [&all[..], &[None]].concat()
        );
        let runs: Vec<(Range<usize>, Mark)> = marks.runs().collect();
        assert_eq!(runs, [(0..2, Mark::Site(0)), (4..5, Mark::Network(0)), (6..7, Mark::Site(0))]);
        assert_eq!(marks.count(), 4);
        assert_eq!(Marks::of([None, None]), None);
        assert_eq!(Marks::of([]), None);
    }
}
