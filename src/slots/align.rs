//! Which fixed tokens does a form have, in order?
//!
//! A pattern and a form in, a *chain* out: pairs of places, in the commonest form and in this one, that both ascend.
//! As long as can be; of the longest, the one with the highest score for support and unbroken runs. A chain that is too
//! short makes slots where there are none.
//!
//! Equal ends are taken first. Between them, each pair of equal tokens extends the best chain that ends before both
//! (Hunt & Szymanski). Whether the run of fixed tokens goes on unbroken there or the form adds something is counted where
//! the chain ends with the fixed token right before; all others are looked up in a Fenwick tree of maxima.
//!
//! Time: O(p log m) for p pairs in a form of m tokens; p is at most [`NEAREST`] for each fixed token.

use std::ops::Range;

use super::counts::{Model, STRANGE};
use super::pattern::Pattern;

/// A fixed token is compared with so many equal ones in the form, those nearest to where it is to be expected. Text
/// rarely has a token more often in one paragraph; a paragraph of nothing else would cost a square.
pub(super) const NEAREST: usize = 32;

/// More pairs than this are never held: the longer the paragraph, the fewer are near.
const MOST_PAIRS: usize = 1 << 21;

/// What a pair is worth: a longer chain beats any support, up to a million tokens; and a score of 200 million still fits.
pub(super) const TOKEN: u64 = 1 << 36;

/// What it is worth when neighbours, or an end of the paragraph and the token there, are so in the form, too; and what
/// it costs when the form adds tokens between them. As much as neighbours that all documents have.
pub(super) const BESIDE: u64 = 1000;

/// Aligns forms with a pattern, one after the other, in buffers of its own.
pub(super) struct Aligner<'a> {
    model: &'a Model,
    /// For each token of the commonest form, how much speaks for it.
    support: Vec<u32>,
    /// For each different token, where the middle of the form has it, ascending.
    there: Vec<Vec<usize>>,
    /// Those that are not empty; some more than once.
    noted: Vec<usize>,
    best: Maxima,
    links: Vec<Link>,
}

/// A pair of a chain, and the pair before it.
#[derive(Clone, Copy)]
struct Link {
    place: usize,
    there: usize,
    before: Option<u32>,
}

impl<'a> Aligner<'a> {
    /// `support` is a score for each token of the commonest form, at most 12,000.
    pub fn new(model: &'a Model, support: Vec<u32>) -> Aligner<'a> {
        let there = vec![Vec::new(); model.different()];
        Aligner { model, support, there, noted: Vec::new(), best: Maxima::default(), links: Vec::new() }
    }

    /// The best chain of a form. Of equally good ones that with the later tokens: in "Day by Day by Jo", a title and
    /// its author, the "by" that every form has is the second, since what comes first is mostly the longer text.
    pub fn align(&mut self, pattern: &Pattern<'_>, form: &[u32]) -> Vec<(usize, usize)> {
        let (tokens, fixed) = (&self.model.numbers, pattern.fixed());
        let shorter = tokens.len().min(form.len());
        let head = (0..shorter).take_while(|&i| fixed[i] && tokens[i] == form[i]).count();
        let same_from_end =
            |&i: &usize| fixed[fixed.len() - i] && tokens[tokens.len() - i] == form[form.len() - i];
        let tail = (1..=shorter - head).take_while(same_from_end).count();
        self.align_between(pattern, form, [head, tail])
    }

    /// The same, where the first `head` and the last `tail` tokens of both are known to be equal and fixed.
    pub(super) fn align_between(
        &mut self,
        pattern: &Pattern<'_>,
        form: &[u32],
        [head, tail]: [usize; 2],
    ) -> Vec<(usize, usize)> {
        let tokens = &self.model.numbers;
        let mut chain: Vec<(usize, usize)> = (0..head).map(|i| (i, i)).collect();
        self.chain_middle(pattern, form, head..tokens.len() - tail, head..form.len() - tail);
        let mut next = self.best.before(form.len() - tail - head).map(|best| best.link);
        while let Some(link) = next {
            let Link { place, there, before } = self.links[link as usize];
            chain.push((place, there + head));
            next = before;
        }
        chain[head..].reverse();
        chain.extend((1..=tail).rev().map(|i| (tokens.len() - i, form.len() - i)));
        chain
    }

    /// Chains the fixed tokens in `middle` with those of the form in `other_middle`; leaves `links` and the `best`.
    fn chain_middle(
        &mut self,
        pattern: &Pattern<'_>,
        form: &[u32],
        middle: Range<usize>,
        other_middle: Range<usize>,
    ) {
        let form = &form[other_middle];
        let places: Vec<usize> = middle.clone().filter(|&place| pattern.fixed()[place]).collect();
        self.note_places(form);
        self.links.clear();
        self.best.clear(form.len());
        let near = NEAREST.min(MOST_PAIRS / places.len().max(1)).max(1);
        // The row of the fixed token right before this one, if there is one; not in `best` yet.
        let mut beside: Vec<Scored> = Vec::new();
        let mut row: Vec<Scored> = Vec::new();
        for (number, &place) in places.iter().enumerate() {
            if number > 0 && places[number - 1] + 1 != place {
                self.take_in(&mut beside);
            }
            let there = &self.there[self.model.numbers[place] as usize];
            let mut neighbours = Neighbours { row: &beside, next: 0, apart: None };
            for &at in nearest(there, number * form.len() / places.len(), near) {
                let [apart, next_to] = neighbours.of(at, &self.links);
                let before = self.best.before(at).or_better(apart).or_better(next_to);
                let mut score =
                    before.map_or(0, |before| before.score) + TOKEN + u64::from(self.support[place]);
                let ends =
                    [(place == middle.start, at == 0), (place + 1 == middle.end, at + 1 == form.len())];
                for (_, is_there_too) in ends.into_iter().filter(|&(is_end, _)| is_end) {
                    score = if is_there_too { score + BESIDE } else { score - BESIDE };
                }
                row.push(Scored { score, link: self.links.len() as u32 });
                self.links.push(Link { place, there: at, before: before.map(|before| before.link) });
            }
            self.take_in(&mut beside);
            std::mem::swap(&mut row, &mut beside);
        }
        self.take_in(&mut beside);
    }

    /// For each token of the commonest form, where the form has it.
    fn note_places(&mut self, form: &[u32]) {
        for number in self.noted.drain(..) {
            self.there[number].clear();
        }
        for (at, &number) in form.iter().enumerate().filter(|&(_, &number)| number != STRANGE) {
            self.there[number as usize].push(at);
            self.noted.push(number as usize);
        }
    }

    fn take_in(&mut self, row: &mut Vec<Scored>) {
        for scored in row.drain(..) {
            self.best.raise(self.links[scored.link as usize].there, scored);
        }
    }
}

/// The chains that end with the fixed token right before another, asked for ascending places of that one.
struct Neighbours<'r> {
    row: &'r [Scored],
    /// The first of the row that is not before the place before the last one asked for.
    next: usize,
    /// The best of those before.
    apart: Option<Scored>,
}

impl Neighbours<'_> {
    /// The best chain with further tokens between its end and `at`, and the one that ends right before `at`.
    fn of(&mut self, at: usize, links: &[Link]) -> [Option<Scored>; 2] {
        let there = |scored: &Scored| links[scored.link as usize].there + 1;
        while let Some(scored) = self.row.get(self.next).filter(|scored| there(scored) < at) {
            self.apart = self.apart.or_better(Some(Scored { score: scored.score - BESIDE, ..*scored }));
            self.next += 1;
        }
        let next_to = self.row.get(self.next).filter(|scored| there(scored) == at);
        [self.apart, next_to.map(|scored| Scored { score: scored.score + BESIDE, ..*scored })]
    }
}

/// Of ascending places, the `near` ones about `expected`, with as many before as after it where there are.
pub(super) fn nearest(places: &[usize], expected: usize, near: usize) -> &[usize] {
    let first = places.partition_point(|&place| place < expected).saturating_sub(near / 2);
    let first = first.min(places.len().saturating_sub(near));
    &places[first..places.len().min(first + near)]
}

/// The best chain that ends with a link.
#[derive(Clone, Copy)]
struct Scored {
    score: u64,
    link: u32,
}

trait Better {
    /// The better one; of equals the other.
    fn or_better(self, other: Option<Scored>) -> Option<Scored>;
}

impl Better for Option<Scored> {
    fn or_better(self, other: Option<Scored>) -> Option<Scored> {
        match (self, other) {
            (Some(this), Some(other)) if this.score > other.score => Some(this),
            (this, None) => this,
            (_, other) => other,
        }
    }
}

/// The best chain that ends before a place, for places of one form: a Fenwick tree of maxima.
#[derive(Default)]
struct Maxima {
    tree: Vec<Option<Scored>>,
}

impl Maxima {
    fn clear(&mut self, length: usize) {
        self.tree.clear();
        self.tree.resize(length, None);
    }

    /// The best of all places below `end`; of equals the one that came last.
    fn before(&self, end: usize) -> Option<Scored> {
        let mut best = None;
        let mut end = end;
        while end > 0 {
            best = best.or_better(self.tree[end - 1]);
            end &= end - 1;
        }
        best
    }

    fn raise(&mut self, place: usize, scored: Scored) {
        let mut node = place + 1;
        while node <= self.tree.len() {
            self.tree[node - 1] = self.tree[node - 1].or_better(Some(scored));
            node += node & node.wrapping_neg();
        }
    }
}
