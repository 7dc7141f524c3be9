//! What do paragraphs in one place have in common?
//!
//! The paragraphs of a spot in, one [`Frame`] after the other out, with those that have it. Most spots hold what is each
//! page's own, and no frame: that is told by counting, before any model is tried. A frame that starts from a word on
//! `n` pages has no other words than those that nine tenths of `n` pages have, whatever word it starts from; and a
//! paragraph that does not have a third of its words among these cannot have the frame.
//!
//! Time: two passes over the words of the spot for each frame that is found, one more for each word that might start one.

use std::cmp::Reverse;
use std::ops::Range;

use super::super::reaches;
use super::words::Words;
use super::{EVIDENCE, FRAME_PERCENT, MAX_TOKENS, MODELS, STEADY_PERCENT, TRIES};

/// A paragraph in a spot.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub paragraph: u32,
    /// The pages on which it stands there, of the crowd's.
    on: Range<usize>,
    /// What it says of the frequent words, of the crowd's.
    said: Range<usize>,
    /// How many of the frequent words, the most frequent first, have to be in a frame that it fits. More than there are if
    /// it fits none.
    need: usize,
}

impl Candidate {
    fn pages(&self) -> u32 {
        self.on.len() as u32
    }
}

/// What a candidate says of the frequent words.
#[derive(Clone, Copy)]
struct Said {
    /// Which of the frequent words; [`RARE`] where it is one that the paragraph has more often than is frequent.
    rank: u32,
    /// Its first occurrence.
    first: u32,
}

/// Not frequent.
const RARE: u32 = u32::MAX;

/// Counters by word, kept from spot to spot.
pub(super) struct Counters {
    /// On how many pages; all 0 between two uses.
    count: Vec<u32>,
    /// Among the frequent words; all `RARE` between two uses.
    rank: Vec<u32>,
}

impl Counters {
    /// For so many words.
    pub fn new(words: usize) -> Counters {
        Counters { count: vec![0; words], rank: vec![RARE; words] }
    }
}

/// The paragraphs of a spot that are not known to be forms yet.
pub(super) struct Crowd<'a> {
    words: &'a Words,
    counters: &'a mut Counters,
    candidates: Vec<Candidate>,
    pages: Vec<u32>,
    said: Vec<Said>,
    tried: Vec<u32>,
}

/// What a frame has to reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    /// How many paragraphs the place has.
    pub all: u32,
    /// On how many pages forms stand at least.
    pub enough: u32,
}

/// Paragraphs that share a frame.
pub(super) struct Found {
    pub frame: Frame,
    pub forms: Vec<Candidate>,
}

impl<'a> Crowd<'a> {
    /// Nobody yet.
    pub fn new(words: &'a Words, counters: &'a mut Counters) -> Crowd<'a> {
        Crowd {
            words,
            counters,
            candidates: Vec::new(),
            pages: Vec::new(),
            said: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// A paragraph that stands on a page. The same paragraph comes at once for all of its pages, ascending.
    pub fn push(&mut self, paragraph: u32, page: u32) {
        match self.candidates.last_mut() {
            Some(candidate) if candidate.paragraph == paragraph => {
                if self.pages.last() != Some(&page) {
                    self.pages.push(page);
                    candidate.on.end += 1;
                }
            }
            _ => {
                let on = self.pages.len()..self.pages.len() + 1;
                self.pages.push(page);
                self.candidates.push(Candidate { paragraph, on, said: 0..0, need: 0 });
            }
        }
    }

    /// The pages on which a candidate stands in this spot.
    pub fn pages_of(&self, candidate: &Candidate) -> &[u32] {
        &self.pages[candidate.on.clone()]
    }

    /// The next forms, which leave the crowd. `sound` has the last word on each that are found.
    pub fn next(&mut self, demands: Demands, sound: impl Fn(&Crowd, &Found) -> bool) -> Option<Found> {
        if self.candidates.len() < 2
            || self.tried.len() == TRIES
            || pages_of_all(&self.candidates) < demands.enough
        {
            return None;
        }
        let frequent = self.frequent(demands.enough);
        let found = self.first_frame(&frequent, demands, sound);
        for &(word, _) in &frequent {
            self.counters.rank[word as usize] = RARE;
        }
        let found = found?;
        let mut left = found.forms.iter().map(|form| form.paragraph).peekable();
        self.candidates.retain(|candidate| left.next_if_eq(&candidate.paragraph).is_none());
        Some(found)
    }

    /// The words to be tried, and those that may be in a frame that starts from one of them, with the pages they stand on, the
    /// most frequent first. Empty where there is none to be tried.
    fn frequent(&mut self, enough: u32) -> Vec<(u32, u32)> {
        let count = &mut self.counters.count;
        let mut met = Vec::new();
        for candidate in &self.candidates {
            for &word in self.words.of_paragraph(candidate.paragraph) {
                let count = &mut count[word as usize];
                if *count == 0 {
                    met.push(word);
                }
                *count += candidate.pages();
            }
        }
        let mut frequent = Vec::new();
        for word in met {
            let count = std::mem::take(&mut count[word as usize]);
            if reaches(count, FRAME_PERCENT, enough) {
                frequent.push((word, count));
            }
        }
        frequent.sort_unstable_by_key(|&(word, count)| (Reverse(count), self.words.rank(word)));
        let kept = self.to_try(&frequent, enough).last().map_or(0, |&(_, least)| shared_by(&frequent, least));
        frequent.truncate(kept);
        frequent
    }

    /// The ranks of the words that are tried next, and on how many pages they stand.
    fn to_try(&self, frequent: &[(u32, u32)], enough: u32) -> Vec<(usize, u32)> {
        let new = |(_, (word, count)): &(usize, &(u32, u32))| *count >= enough && !self.tried.contains(word);
        let words = frequent.iter().enumerate().filter(new).take(TRIES - self.tried.len());
        words.map(|(rank, &(_, count))| (rank, count)).collect()
    }

    /// The first that a word leads to.
    fn first_frame(
        &mut self,
        frequent: &[(u32, u32)],
        demands: Demands,
        sound: impl Fn(&Crowd, &Found) -> bool,
    ) -> Option<Found> {
        let to_try = self.to_try(frequent, demands.enough);
        if to_try.is_empty() {
            return None;
        }
        self.reduce(frequent);
        // Pages whose paragraphs fit a frame of the first `n` frequent words, at best.
        let mut fitting = vec![0; frequent.len() + 2];
        for candidate in &self.candidates {
            fitting[candidate.need.min(frequent.len() + 1)] += candidate.pages();
        }
        for need in 1..fitting.len() {
            fitting[need] += fitting[need - 1];
        }
        for (rank, count) in to_try {
            self.tried.push(frequent[rank].0);
            let shared = shared_by(frequent, count);
            if fitting[shared] < demands.enough {
                continue;
            }
            let found = self.frame_with(rank as u32, shared, demands);
            if let Some(found) = found.filter(|found| sound(self, found)) {
                return Some(found);
            }
        }
        None
    }

    /// Notes for each candidate what it says of the frequent words.
    fn reduce(&mut self, frequent: &[(u32, u32)]) {
        let ranks = &mut self.counters.rank;
        for (&(word, _), rank) in frequent.iter().zip(0..) {
            ranks[word as usize] = rank;
        }
        self.said.clear();
        let mut of_one = Vec::with_capacity(MAX_TOKENS);
        for candidate in &mut self.candidates {
            let (start, words) = (self.said.len(), self.words.of_paragraph(candidate.paragraph));
            of_one.clear();
            for &word in words {
                let (rank, first) = (ranks[word as usize], self.words.first(word));
                if rank != RARE || ranks[first as usize] != RARE {
                    self.said.push(Said { rank, first });
                    of_one.extend((rank != RARE).then_some(rank));
                }
            }
            candidate.said = start..self.said.len();
            let third = words.len().div_ceil(3);
            candidate.need = match of_one.len() < third {
                true => frequent.len() + 1,
                false => *of_one.select_nth_unstable(third - 1).1 as usize + 1,
            };
        }
    }

    /// The forms among those that share the word of this rank, if there are any. None but the first `shared` frequent words
    /// may be in their frame.
    fn frame_with(&self, rank: u32, shared: usize, demands: Demands) -> Option<Found> {
        let said = |candidate: &Candidate| &self.said[candidate.said.clone()];
        let has = |candidate: &&Candidate| said(candidate).iter().any(|said| said.rank == rank);
        let with: Vec<&Candidate> = self.candidates.iter().filter(has).collect();
        let mut count = vec![0; shared];
        for candidate in &with {
            for said in said(candidate) {
                if let Some(count) = count.get_mut(said.rank as usize) {
                    *count += candidate.pages();
                }
            }
        }
        let total = count[rank as usize];
        let in_frame: Vec<bool> = count.iter().map(|&count| reaches(count, FRAME_PERCENT, total)).collect();
        let is_shared = |rank: u32| in_frame.get(rank as usize) == Some(&true);
        let size = in_frame.iter().filter(|&&is| is).count();
        let has_all = |c: &&Candidate| said(c).iter().filter(|said| is_shared(said.rank)).count() == size;
        let mut models: Vec<&Candidate> = with.into_iter().filter(has_all).collect();
        // Whoever has the words in order has them all.
        let short = |c: &&Candidate| self.words.of_paragraph(c.paragraph).len() <= 3 * size;
        let eligible: Vec<&Candidate> = models.iter().copied().filter(short).collect();
        let pages = |forms: &[&Candidate]| forms.iter().map(|form| form.pages()).sum::<u32>();
        if eligible.len() < 2 || pages(&eligible) < demands.enough {
            return None;
        }
        models.sort_unstable_by_key(|candidate| (Reverse(candidate.pages()), candidate.paragraph));
        models.truncate(MODELS);
        // In one that says a word of the frame in a slot, too, the frame is out of order: the best of a few models counts.
        let mut frames: Vec<Frame> = Vec::new();
        let mut best: Option<(u32, usize, Vec<&Candidate>)> = None;
        for model in models {
            let said_by_model = self.words.of_paragraph(model.paragraph);
            let frame =
                Frame::of(said_by_model, self.words, |word| is_shared(self.counters.rank[word as usize]));
            if frames.iter().all(|known| known.words != frame.words) {
                let fits = |c: &&Candidate| frame.is_in(said(c).iter().map(|said| said.first));
                let forms: Vec<&Candidate> = eligible.iter().copied().filter(fits).collect();
                let on = pages(&forms);
                if best.as_ref().is_none_or(|best| on > best.0) {
                    best = Some((on, frames.len(), forms));
                }
                frames.push(frame);
            }
        }
        let (on, frame, forms) = best?;
        let frame = frames.swap_remove(frame);
        let sound =
            forms.len() >= 2 && on >= demands.enough && frame.is_evident(on, demands.all, &forms, self.words);
        sound.then(|| Found { frame, forms: forms.into_iter().cloned().collect() })
    }
}

/// How many pages all of these stand on.
pub(super) fn pages_of_all(candidates: &[Candidate]) -> u32 {
    candidates.iter().map(Candidate::pages).sum()
}

/// How many words may be in a frame that starts from one on `count` pages.
fn shared_by(frequent: &[(u32, u32)], count: u32) -> usize {
    frequent.partition_point(|&(_, other)| reaches(other, FRAME_PERCENT, count))
}

/// The words that all forms share, in order.
pub(super) struct Frame {
    /// Each as it stands first.
    words: Vec<u32>,
    /// How many of them are numbers.
    numbers: usize,
    /// How many stand beside another of them or at an end.
    steady: usize,
    at_an_end: bool,
}

impl Frame {
    fn of(model: &[u32], words: &Words, shared: impl Fn(u32) -> bool) -> Frame {
        let is: Vec<bool> = model.iter().map(|&word| shared(word)).collect();
        let last = is.len() - 1;
        let steady = |&i: &usize| is[i] && (i == 0 || i == last || is[i - 1] || is[i + 1]);
        let in_frame: Vec<u32> =
            model.iter().zip(&is).filter(|&(_, &is)| is).map(|(&word, _)| words.first(word)).collect();
        Frame {
            numbers: in_frame.iter().filter(|&&word| words.is_number(word)).count(),
            steady: (0..is.len()).filter(steady).count(),
            at_an_end: is[0] || is[last],
            words: in_frame,
        }
    }

    /// Its words, each as it stands first.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Whether it is a third of these words, in its order.
    pub fn fits(&self, said: &[u32], words: &Words) -> bool {
        said.len() <= 3 * self.words.len() && self.is_in(said.iter().map(|&word| words.first(word)))
    }

    /// Whether these words, each as it stands first, have it in its order.
    fn is_in(&self, said: impl Iterator<Item = u32>) -> bool {
        let mut met = 0;
        for word in said {
            met += usize::from(self.words.get(met) == Some(&word));
        }
        met == self.words.len()
    }

    /// Whether it is more than chance and grammar.
    fn is_evident(&self, on: u32, all: u32, forms: &[&Candidate], words: &Words) -> bool {
        let named = self.words.len() - self.numbers;
        let everywhere = on >= 5 && reaches(on, STEADY_PERCENT, all);
        if named >= 2 {
            u64::from(on) * named as u64 >= EVIDENCE && 2 * self.steady >= self.words.len()
        } else if named == 1 {
            everywhere && self.at_an_end
        } else {
            let is_date = |form: &&Candidate| {
                let said = words.of_paragraph(form.paragraph);
                said.iter().filter(|&&word| !words.is_number(word)).count() <= 1
            };
            self.numbers > 0 && everywhere && forms.iter().all(is_date)
        }
    }
}
