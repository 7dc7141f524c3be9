//! What does this article say twice?
//!
//! The token hashes of one document's paragraphs in, [`Repeat`]s out: paragraphs whose tokens stand again in later
//! paragraphs of the same document. What is measured is *coverage*, not containment: a lead that joins two later
//! paragraphs loses the shingles across the seam, but none of its tokens. Nothing is removed on the strength of
//! a repeat alone, so a wrong one costs a line in a report.
//!
//! Where repeats are taken out of a text ([`earlier_copies`]), a wrong one would cost what is said nowhere else. So what
//! is taken is measured again, on the tokens themselves, against nothing but what stays.
//!
//! Time: one sort of the document's shingles; memory: 16 bytes for each of its tokens.

use std::num::NonZeroUsize;

use crate::shingle::for_each_shingle;

/// What counts as said twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepeatSettings {
    /// Tokens in a shingle. The contract's 5.
    pub shingle_tokens: NonZeroUsize,
    /// Paragraphs shorter than this are never called a repeat. The contract's 12.
    pub min_tokens: usize,
    /// The least coverage. The contract's 0.8.
    pub min_coverage: f64,
    /// How many paragraphs `within` lists at most. The contract's 16.
    pub max_listed: usize,
}

impl Default for RepeatSettings {
    fn default() -> Self {
        let five = const { NonZeroUsize::new(5).unwrap() };
        RepeatSettings { shingle_tokens: five, min_tokens: 12, min_coverage: 0.8, max_listed: 16 }
    }
}

/// A paragraph that stands again later in its document.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// The paragraph, by its place among the document's paragraphs.
    pub paragraph: usize,
    /// The share of its tokens that lie in a shingle which also stands inside a later paragraph.
    pub coverage: f64,
    /// The later paragraphs that say it again, the one that covers most new tokens first.
    pub within: Vec<usize>,
}

/// A shingle of a document with more later places than this is looked up in the nearest ones only when `within`
/// is chosen, so that a document of a hundred thousand equal paragraphs costs no square. Coverage is not touched.
const NEAREST_PLACES: usize = 64;

/// The repeats among `paragraphs` (the token hashes of each, in text order), in paragraph order.
///
/// `None` stands for a paragraph that takes no part, as boilerplate does: it is neither a repeat nor does it cover one.
pub fn find(paragraphs: &[Option<&[u64]>], settings: &RepeatSettings) -> Vec<Repeat> {
    let places = places(paragraphs, settings.shingle_tokens);
    let mut of_paragraph: Vec<Vec<&[Place]>> = vec![Vec::new(); paragraphs.len()];
    for same in places.chunk_by(|a, b| a.shingle == b.shingle) {
        let last = same[same.len() - 1].paragraph;
        for (index, place) in same.iter().enumerate() {
            if place.paragraph < last {
                of_paragraph[place.paragraph as usize].push(&same[index..]);
            }
        }
    }
    let mut repeats = Vec::new();
    for (paragraph, again) in of_paragraph.iter().enumerate() {
        let tokens = paragraphs[paragraph].map_or(0, <[u64]>::len);
        if tokens < settings.min_tokens || again.is_empty() {
            continue;
        }
        let mut covered = Cover::new(tokens);
        for same in again {
            covered.add(same[0].at as usize, settings.shingle_tokens.get());
        }
        let coverage = covered.count as f64 / tokens as f64;
        if coverage >= settings.min_coverage {
            repeats.push(Repeat { paragraph, coverage, within: within(again, tokens, settings) });
        }
    }
    repeats
}

/// The paragraphs that can be taken out because later ones that stay say them again, in text order.
///
/// `paragraphs` are the tokens of each, `None` for one that takes no part: it neither leaves nor covers. Of the others
/// those leave that `may_leave` allows, that have `min_tokens`, and of whose tokens `min_coverage` lie in a shingle which
/// also stands wholly inside a later paragraph that stays. Decided from the last to the first: what comes later is
/// settled by then, so of copies the last one stays, and nothing rests on a paragraph that itself leaves.
///
/// Tokens are compared, not hashes. Each answer is also one of [`find`]'s, as it is measured against fewer paragraphs.
/// Cost: one sort of the shingles, O(n log n) comparisons of `shingle_tokens` tokens.
pub fn earlier_copies<T: Ord>(
    paragraphs: &[Option<&[T]>],
    may_leave: impl Fn(usize) -> bool,
    settings: &RepeatSettings,
) -> Vec<usize> {
    let k = settings.shingle_tokens.get();
    let Numbered { numbers, starts, different } = numbered(paragraphs, k);
    let mut stays = vec![false; different];
    let mut leaving = Vec::new();
    for (paragraph, tokens) in paragraphs.iter().enumerate().rev() {
        let Some(tokens) = tokens else { continue };
        let own = &numbers[starts[paragraph]..starts[paragraph + 1]];
        if tokens.len() >= settings.min_tokens && may_leave(paragraph) {
            let mut covered = Cover::new(tokens.len());
            for (at, _) in own.iter().enumerate().filter(|(_, number)| stays[**number as usize]) {
                covered.add(at, k);
            }
            if covered.count as f64 / tokens.len() as f64 >= settings.min_coverage {
                leaving.push(paragraph);
                continue;
            }
        }
        for number in own {
            stays[*number as usize] = true;
        }
    }
    leaving.reverse();
    leaving
}

/// The shingles of some paragraphs, equal ones by one number.
struct Numbered {
    /// Of all paragraphs, one after the other.
    numbers: Vec<u32>,
    /// Where each paragraph's begin; one more for the end.
    starts: Vec<usize>,
    different: usize,
}

fn numbered<T: Ord>(paragraphs: &[Option<&[T]>], k: usize) -> Numbered {
    let mut shingles: Vec<(&[T], usize)> = Vec::new();
    let mut starts = vec![0];
    for tokens in paragraphs {
        let windows = tokens.iter().flat_map(|tokens| tokens.windows(k));
        shingles.extend(windows.zip(shingles.len()..));
        starts.push(shingles.len());
    }
    shingles.sort_unstable();
    let mut numbers = vec![0; shingles.len()];
    let mut different = 0;
    for same in shingles.chunk_by(|a, b| a.0 == b.0) {
        for (_, place) in same {
            numbers[*place] = different as u32;
        }
        different += 1;
    }
    Numbered { numbers, starts, different }
}

/// Where a shingle stands: its paragraph, and the token there at which it begins. Sorted by these, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    shingle: u64,
    paragraph: u32,
    at: u32,
}

fn places(paragraphs: &[Option<&[u64]>], k: NonZeroUsize) -> Vec<Place> {
    let mut places = Vec::new();
    for (paragraph, tokens) in paragraphs.iter().enumerate() {
        let Some(tokens) = tokens else { continue };
        if tokens.len() < k.get() {
            continue; // no shingle lies wholly inside it
        }
        let mut at = 0;
        for_each_shingle(tokens, k, 0, |shingle| {
            places.push(Place { shingle, paragraph: paragraph as u32, at });
            at += 1;
        });
    }
    places.sort_unstable();
    places
}

/// Chooses the later paragraphs that say it again: greedily, most newly covered tokens first, the earlier one of equals.
///
/// `again`: for each shingle of the paragraph that stands later too, its places from the paragraph's own on.
fn within(again: &[&[Place]], tokens: usize, settings: &RepeatSettings) -> Vec<usize> {
    let k = settings.shingle_tokens.get();
    let mut later: Vec<(u32, u32)> = Vec::new();
    for same in again {
        let own = same[0];
        let mut rest = &same[1..];
        let mut previous = own.paragraph;
        for _ in 0..NEAREST_PLACES {
            // A paragraph may hold the shingle a million times: it is stepped over in one search.
            rest = &rest[rest.partition_point(|place| place.paragraph <= previous)..];
            let Some(place) = rest.first() else { break };
            later.push((place.paragraph, own.at));
            previous = place.paragraph;
        }
    }
    later.sort_unstable();
    let mut candidates: Vec<&[(u32, u32)]> = later.chunk_by(|a, b| a.0 == b.0).collect();
    let mut covered = Cover::new(tokens);
    let mut chosen = Vec::new();
    while chosen.len() < settings.max_listed {
        let mut best: Option<(usize, usize)> = None;
        candidates.retain(|candidate| covered.gain(candidate, k) > 0);
        for (index, candidate) in candidates.iter().enumerate() {
            let gain = covered.gain(candidate, k);
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((index, gain));
            }
        }
        let Some((index, _)) = best else { break };
        let candidate = candidates.remove(index);
        for &(_, at) in candidate {
            covered.add(at as usize, k);
        }
        chosen.push(candidate[0].0 as usize);
    }
    chosen
}

/// Which tokens of a paragraph are covered so far.
struct Cover {
    tokens: Vec<bool>,
    count: usize,
}

impl Cover {
    fn new(tokens: usize) -> Cover {
        Cover { tokens: vec![false; tokens], count: 0 }
    }

    fn add(&mut self, at: usize, k: usize) {
        for token in &mut self.tokens[at..at + k] {
            self.count += usize::from(!*token);
            *token = true;
        }
    }

    /// How many tokens the shingles at these places (ascending) would newly cover.
    fn gain(&self, places: &[(u32, u32)], k: usize) -> usize {
        let mut counted = 0; // tokens before this one are counted already
        let mut gain = 0;
        for &(_, at) in places {
            let end = at as usize + k;
            gain += self.tokens[counted.max(at as usize)..end].iter().filter(|token| !**token).count();
            counted = end;
        }
        gain
    }
}

#[cfg(test)]
mod tests;
