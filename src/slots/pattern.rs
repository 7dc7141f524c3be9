//! What is fixed in a paragraph, as far as its forms are known?
//!
//! Forms aligned with the commonest one in; the fixed runs out, and with them the slots. A pattern only ever loosens: a
//! form that fitted once fits for good. Not to see that a form fits costs an alignment, never a slot.

use std::ops::Range;

use super::counts::Model;

/// The commonest form, with what is fixed of it.
pub(super) struct Pattern<'a> {
    model: &'a Model,
    /// For each of its tokens, whether every form looked at has it, in this order.
    fixed: Vec<bool>,
    /// For the place before each of its tokens, and the one after the last: whether a form adds tokens there.
    open: Vec<bool>,
    /// The longest runs of fixed tokens with nothing added inside.
    runs: Vec<Range<usize>>,
}

impl<'a> Pattern<'a> {
    pub fn new(model: &'a Model, fixed: Vec<bool>) -> Pattern<'a> {
        let open = vec![false; fixed.len() + 1];
        let mut pattern = Pattern { model, fixed, open, runs: Vec::new() };
        pattern.find_runs();
        pattern
    }

    pub fn fixed(&self) -> &[bool] {
        &self.fixed
    }

    fn find_runs(&mut self) {
        self.runs.clear();
        for place in (0..self.fixed.len()).filter(|&place| self.fixed[place]) {
            match self.runs.last_mut() {
                Some(run) if run.end == place && !self.open[place] => run.end += 1,
                _ => self.runs.push(place..place + 1),
            }
        }
    }

    /// Whether anything may stand before the first run, and after the last.
    fn loose_ends(&self) -> [bool; 2] {
        let end = self.fixed.len();
        if end == 0 {
            return [self.open[0]; 2];
        }
        let (first, last) = (self.runs.first().map(|run| run.start), self.runs.last().map(|run| run.end));
        [first != Some(0) || self.open[0], last != Some(end) || self.open[end]]
    }

    /// Whether the form is the fixed runs, in order, with anything in the slots. Where that takes too many steps to
    /// find out, the answer is no. Cost: at most 8 steps a token.
    pub fn fits(&self, form: &[u32]) -> bool {
        let runs = self.runs.iter().map(|run| &self.model.numbers[run.clone()]);
        let (mut runs, mut rest) = (runs.collect::<Vec<_>>(), form);
        let [loose_start, loose_end] = self.loose_ends();
        if !loose_end && let Some(last) = runs.pop() {
            match rest.strip_suffix(last) {
                Some(before) => rest = before,
                None => return false,
            }
            // The only run is both ends.
            if runs.is_empty() && self.runs.len() == 1 {
                return loose_start || rest.is_empty();
            }
        }
        let mut runs = runs.into_iter();
        if !loose_start && let Some(first) = runs.next() {
            match rest.strip_prefix(first) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        let mut steps = 8 * form.len();
        for run in runs {
            match find(rest, run, &mut steps) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        !self.runs.is_empty() || loose_start || rest.is_empty()
    }

    /// Takes in a form. `chain` are places of fixed tokens and where the form, of `length` tokens, has them; both
    /// ascend. What is not in the chain is fixed no more.
    pub fn learn(&mut self, chain: &[(usize, usize)], length: usize) {
        let mut kept = vec![false; self.fixed.len()];
        let end = (self.fixed.len(), length);
        let mut next = (0, 0); // where the form goes on if it adds and leaves out nothing
        for &(place, there) in chain.iter().chain([&end]) {
            self.open[place] |= place == next.0 && there != next.1;
            next = (place + 1, there + 1);
            if let Some(kept) = kept.get_mut(place) {
                *kept = true;
            }
        }
        self.fixed = kept;
        self.find_runs();
    }

    /// Frees single tokens that only part a slot from an empty one: the value of a slot may have been aligned with
    /// another one by a word that both have, at the end of the one and at the beginning of the other.
    pub fn drop_coincidences(&mut self) {
        for place in 0..self.fixed.len() {
            let [before, after] = [place.checked_sub(1), Some(place + 1)]
                .map(|beside| beside.and_then(|beside| self.fixed.get(beside)).copied().unwrap_or(true));
            let [added_before, added_after] = [self.open[place] && before, self.open[place + 1] && after];
            let alone = (added_before || !before) && (added_after || !after);
            self.fixed[place] &= !(alone && (added_before || added_after));
        }
        self.find_runs();
    }

    /// What lies between the fixed runs.
    pub fn slots(&self) -> Vec<Range<usize>> {
        let mut slots = Vec::new();
        let [loose_start, loose_end] = self.loose_ends();
        let mut before = 0;
        for (number, run) in self.runs.iter().enumerate() {
            if number > 0 || loose_start {
                slots.push(before..run.start);
            }
            before = run.end;
        }
        if loose_end {
            slots.push(before..self.fixed.len());
        }
        slots
    }
}

/// What follows the first `run` in `tokens`; `None` where there is none, or when the steps are used up.
fn find<'t>(tokens: &'t [u32], run: &[u32], steps: &mut usize) -> Option<&'t [u32]> {
    for (start, window) in tokens.windows(run.len()).enumerate() {
        let alike = window.iter().zip(run).take_while(|(a, b)| a == b).count();
        *steps = steps.checked_sub(alike + 1)?;
        if alike == run.len() {
            return Some(&tokens[start + run.len()..]);
        }
    }
    None
}
