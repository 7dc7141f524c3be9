//! The fourth pass: content paragraphs that several kept documents have.
//!
//! A *form* is a token sequence that a paragraph of a kept document has; equal ones are one form, whatever divides their
//! tokens. Forms of enough tokens are held against each other ([`Alike`]); a document *has* a form when one of its
//! paragraphs is that form or alike with it, be it content there or boilerplate. Being alike is not transitive, so each
//! form has documents of its own; there are no groups.

use std::collections::HashMap;

use rayon::prelude::*;

use super::alike::{Alike, AlikeSettings};
use super::by_site::for_each_block;
use super::census::Census;
use super::marks::PageMarks;
use crate::error::Result;
use crate::resolve::Decision;

/// What counts as reused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReuseSettings {
    /// Paragraphs shorter than this, in tokens, are never called reused. The contract's 8.
    pub min_tokens: usize,
    /// Paragraphs shorter than this are reused where their tokens are equal only. The contract's 20.
    pub near_min_tokens: usize,
    /// The first content paragraph of so many tokens is the lead. The contract's 12.
    pub lead_min_tokens: usize,
    /// What counts as alike.
    pub alike: AlikeSettings,
}

impl Default for ReuseSettings {
    fn default() -> Self {
        ReuseSettings {
            min_tokens: 8,
            near_min_tokens: 20,
            lead_min_tokens: 12,
            alike: AlikeSettings::default(),
        }
    }
}

/// A paragraph that several kept documents have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reuse {
    /// The document.
    pub document: u32,
    /// The paragraph.
    pub paragraph: usize,
    /// How many kept documents have it. Equal whole texts are one for every count; they can all be kept when they are
    /// protected or not compared.
    pub documents: u64,
    /// How many sites.
    pub sites: u64,
    /// The first document that has it, and where.
    pub first: (u32, usize),
    /// Similarity to the paragraph there.
    pub jaccard: f64,
}

/// The content paragraphs that another kept document has too, in document order.
///
/// Cost: one sort of 32 bytes for each paragraph that is long enough; what [`Alike`] costs; and for each form the places
/// of all forms that are alike with it.
pub fn find(
    census: &Census,
    marks: &PageMarks,
    decisions: &[Decision],
    settings: &ReuseSettings,
) -> Result<Vec<Reuse>> {
    let forms = Forms::collect(census, decisions, settings)?;
    let relations = Relations::find(&forms, settings);
    let texts = texts(census, decisions);
    let is_content = |&(document, paragraph): &(u32, u32)| {
        marks.get(document).is_none_or(|marks| marks.get(paragraph as usize).is_none())
    };
    let mut reuses = told(
        &forms,
        &relations,
        &Tallying { forms: &forms, texts: &texts, site_of: &|document| census.site_of(document) },
        &is_content,
    );
    reuses.par_sort_unstable_by_key(|reuse| (reuse.document, reuse.paragraph));
    Ok(reuses)
}

/// The different token sequences, in the order in which they first stand in the corpus.
struct Forms {
    /// Where the places of each begin; one more at the end.
    starts: Vec<u32>,
    /// Document and paragraph, in document order for each form.
    places: Vec<(u32, u32)>,
    tokens: Vec<Vec<u64>>,
}

impl Forms {
    fn collect(census: &Census, decisions: &[Decision], settings: &ReuseSettings) -> Result<Forms> {
        let mut sorted: Vec<(u128, u32, u32)> = Vec::new();
        for partition in 0..census.partition_count() {
            for_each_block(census, partition, |pages| {
                for page in pages.iter().filter(|page| decisions[page.document as usize].is_kept()) {
                    for (index, paragraph) in page.paragraphs.iter().enumerate() {
                        if paragraph.tokens.len() >= settings.min_tokens {
                            sorted.push((paragraph.exact, page.document, index as u32));
                        }
                    }
                }
                Ok(())
            })?;
        }
        sorted.par_sort_unstable();
        let mut equal: Vec<&[(u128, u32, u32)]> = sorted.chunk_by(|a, b| a.0 == b.0).collect();
        equal.par_sort_unstable_by_key(|places| (places[0].1, places[0].2));
        let mut forms =
            Forms { starts: vec![0], places: Vec::with_capacity(sorted.len()), tokens: Vec::new() };
        for places in equal {
            forms.places.extend(places.iter().map(|&(_, document, paragraph)| (document, paragraph)));
            forms.starts.push(forms.places.len() as u32);
        }
        let tokens = |form: u32| {
            let (document, paragraph) = forms.places(form)[0];
            let page = census.page(document);
            page.paragraphs
                .get(paragraph as usize)
                .map_or(Vec::new(), |paragraph| page.tokens_of(paragraph).to_vec())
        };
        forms.tokens = (0..forms.len()).into_par_iter().map(tokens).collect();
        Ok(forms)
    }

    fn len(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    fn places(&self, form: u32) -> &[(u32, u32)] {
        &self.places[self.starts[form as usize] as usize..self.starts[form as usize + 1] as usize]
    }

    fn tokens(&self, form: u32) -> &[u64] {
        &self.tokens[form as usize]
    }
}

/// Stands for "not held against others".
const SHORT: u32 = u32::MAX;

/// Which forms are alike.
struct Relations {
    /// The forms of enough tokens. What [`Alike`] knows are places in it.
    long: Vec<u32>,
    /// And back: for each form its place there, or [`SHORT`].
    numbers: Vec<u32>,
    alike: Alike,
    /// The same pairs as in [`Alike`], by the earlier one: where its later ones begin, and these.
    starts: Vec<usize>,
    later: Vec<u32>,
}

impl Relations {
    fn find(forms: &Forms, settings: &ReuseSettings) -> Relations {
        let is_long = |form: &u32| forms.tokens(*form).len() >= settings.near_min_tokens;
        let long: Vec<u32> = (0..forms.len()).into_par_iter().filter(is_long).collect();
        let tokens: Vec<&[u64]> = long.iter().map(|&form| forms.tokens(form)).collect();
        let alike = Alike::find(&tokens, settings.alike);
        let mut numbers = vec![SHORT; forms.len() as usize];
        let mut starts = vec![0_usize; long.len() + 1];
        (0..).zip(&long).for_each(|(number, &form)| numbers[form as usize] = number);
        (0..long.len() as u32).flat_map(|b| alike.earlier(b)).for_each(|&a| starts[a as usize + 1] += 1);
        for a in 0..long.len() {
            starts[a + 1] += starts[a];
        }
        let mut next = starts.clone();
        let mut later = vec![0; starts[long.len()]];
        for b in 0..long.len() as u32 {
            for &a in alike.earlier(b) {
                later[next[a as usize] as usize] = b;
                next[a as usize] += 1;
            }
        }
        Relations { long, numbers, alike, starts, later }
    }

    /// The forms that are alike with one, ascending.
    fn of(&self, form: u32) -> Vec<u32> {
        let Some(number) = self.number(form) else { return Vec::new() };
        let later = self.starts[number as usize]..self.starts[number as usize + 1];
        let both = self.alike.earlier(number).iter().chain(&self.later[later]);
        both.map(|&other| self.long[other as usize]).collect()
    }

    fn is_crowded(&self, form: u32) -> bool {
        self.number(form).is_some_and(|number| self.alike.is_crowded(number))
    }

    fn may_be_in_a_crowd(&self, form: u32) -> bool {
        self.alike.any_aside() && self.number(form).is_some()
    }

    /// For a form that nobody else is known to have: one of a crowd that is alike with it and `fits`.
    fn in_a_crowd(&self, form: u32, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let other = self.alike.aside(self.number(form)?, |other| fits(self.long[other as usize]))?;
        Some(self.long[other as usize])
    }

    fn jaccard(&self, a: u32, b: u32) -> f64 {
        match [a, b].map(|form| self.number(form)) {
            [Some(left), Some(right)] if a != b => self.alike.jaccard(left, right),
            _ => 1.0,
        }
    }

    fn number(&self, form: u32) -> Option<u32> {
        Some(self.numbers[form as usize]).filter(|number| *number != SHORT)
    }
}

/// For each kept document, the first one with the same whole text.
fn texts(census: &Census, decisions: &[Decision]) -> Vec<u32> {
    let mut firsts = HashMap::new();
    let text = |document: u32| match decisions[document as usize].is_kept() {
        true => *firsts.entry(census.first_copy(document)).or_insert(document),
        false => document,
    };
    (0..census.len()).map(text).collect()
}

/// How many have a form.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Tally {
    documents: u64,
    sites: u64,
}

/// What is said of one form.
#[derive(Clone, Copy)]
struct Verdict {
    form: u32,
    tally: Tally,
    /// The first form in document order that is this one or alike with it.
    first: u32,
    crowded: bool,
}

/// Only what is content is told; who has it may have it as boilerplate.
fn told(
    forms: &Forms,
    relations: &Relations,
    tallying: &Tallying,
    is_content: &(dyn Fn(&(u32, u32)) -> bool + Sync),
) -> Vec<Reuse> {
    let judge = |form: u32, unions: &mut Unions| {
        let mut having = relations.of(form);
        if having.is_empty() && !forms.places(form).iter().any(is_content) {
            return None;
        }
        if having.is_empty() && forms.places(form).len() == 1 && !relations.may_be_in_a_crowd(form) {
            return None;
        }
        having.insert(having.partition_point(|&other| other < form), form);
        let mut tally = tallying.of(&having, unions);
        if tally.documents < 2 {
            let elsewhere = |other: u32| tallying.stands_elsewhere(other, forms.places(form)[0].0);
            having.push(relations.in_a_crowd(form, elsewhere)?);
            having.sort_unstable();
            tally = tallying.of(&having, unions);
        }
        Some(Verdict { form, tally, first: having[0], crowded: relations.is_crowded(form) })
    };
    let all: Vec<u32> = (0..forms.len()).collect();
    let mut verdicts: Vec<Verdict> = all
        .par_chunks(1 << 12)
        .flat_map_iter(|some| {
            let mut unions = Unions::default();
            some.iter().filter_map(|&form| judge(form, &mut unions)).collect::<Vec<_>>()
        })
        .collect();
    follow_the_first(&mut verdicts);
    let reuse = |verdict: &Verdict| {
        let (document, paragraph) = forms.places(verdict.first)[0];
        let jaccard = relations.jaccard(verdict.form, verdict.first);
        let Tally { documents, sites } = verdict.tally;
        let first = (document, paragraph as usize);
        let places = forms.places(verdict.form).iter().filter(|place| is_content(place));
        places.map(move |&(document, paragraph)| Reuse {
            document,
            paragraph: paragraph as usize,
            documents,
            sites,
            first,
            jaccard,
        })
    };
    verdicts.par_iter().flat_map_iter(reuse).collect()
}

/// A form in a crowd was not held against all of it; the first one was.
fn follow_the_first(verdicts: &mut [Verdict]) {
    for at in 0..verdicts.len() {
        let Verdict { first, crowded: true, .. } = verdicts[at] else { continue };
        if let Ok(first) = verdicts.binary_search_by_key(&first, |verdict| verdict.form) {
            verdicts[at].tally = verdicts[at].tally.max(verdicts[first].tally);
        }
    }
}

/// Counts who has one of several forms.
struct Tallying<'a> {
    forms: &'a Forms,
    texts: &'a [u32],
    site_of: &'a (dyn Fn(u32) -> u32 + Sync),
}

/// What has one of several large forms, ascending. Kept, so that a thousand forms that are alike with the same large ones
/// do not each go through all their places.
#[derive(Default)]
struct Unions(HashMap<Vec<u32>, Having>);

/// Ascending, no repeats.
#[derive(Default)]
struct Having {
    texts: Vec<u32>,
    sites: Vec<u32>,
}

/// A form with more places than this is large.
const LARGE: usize = 1 << 10;

/// So many unions are kept.
const MOST_UNIONS: usize = 8;

impl Tallying<'_> {
    /// How many documents and sites have one of these forms.
    fn of(&self, forms: &[u32], unions: &mut Unions) -> Tally {
        if let [form] = forms
            && let [_] = self.forms.places(*form)
        {
            return Tally { documents: 1, sites: 1 };
        }
        let (large, small): (Vec<u32>, Vec<u32>) =
            forms.iter().partition(|&&form| self.forms.places(form).len() > LARGE);
        let small = self.having(&small);
        if large.is_empty() {
            return Tally { documents: small.texts.len() as u64, sites: small.sites.len() as u64 };
        }
        if unions.0.len() >= MOST_UNIONS && !unions.0.contains_key(&large) {
            unions.0.clear();
        }
        let large = unions.0.entry(large).or_insert_with_key(|large| self.having(large));
        let count = |large: &[u32], small: &[u32]| {
            (large.len() + small.iter().filter(|one| large.binary_search(one).is_err()).count()) as u64
        };
        Tally { documents: count(&large.texts, &small.texts), sites: count(&large.sites, &small.sites) }
    }

    fn having(&self, forms: &[u32]) -> Having {
        let of = |number: &dyn Fn(u32) -> u32| {
            let documents = forms.iter().flat_map(|&form| self.forms.places(form)).map(|place| place.0);
            let mut numbers: Vec<u32> = documents.map(number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        Having { texts: of(&|document| self.texts[document as usize]), sites: of(self.site_of) }
    }

    fn stands_elsewhere(&self, form: u32, document: u32) -> bool {
        let own = self.texts[document as usize];
        self.forms.places(form).iter().any(|place| self.texts[place.0 as usize] != own)
    }
}

#[cfg(test)]
mod tests;
