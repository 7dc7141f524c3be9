//! Which tokens of the commonest form do the other forms have, and beside which?
//!
//! Forms in; what can be fixed, who may be cut, and how often neighbours stand together out. Each copy of a token is
//! counted for itself: the second "by" of the commonest form is in a form that has two. To miscount costs a slot too many
//! or too few; nothing rests on it but where slots are.
//!
//! Time: a look-up for each token of each form, then steps in arrays. Memory: 4 bytes a token of all forms.

use std::collections::HashMap;

use super::{CUT_TOKENS, Form, RARE};

/// The commonest form, its different tokens numbered in the order in which they are met.
pub(super) struct Model {
    /// Its tokens.
    pub numbers: Vec<u32>,
    number_of_token: HashMap<u64, u32>,
    /// For each different token, where it stands, ascending.
    places: Vec<Vec<usize>>,
}

/// Another form, its tokens numbered as in the commonest one.
pub(super) struct Other {
    /// Its tokens; [`STRANGE`] where the commonest form has none.
    pub numbers: Vec<u32>,
    /// How many documents have it.
    pub documents: u64,
}

/// A token that the commonest form does not have.
pub(super) const STRANGE: u32 = u32::MAX;

impl Model {
    pub fn new(tokens: &[u64]) -> Model {
        let mut model = Model { numbers: Vec::new(), number_of_token: HashMap::new(), places: Vec::new() };
        for (place, &token) in tokens.iter().enumerate() {
            let next = model.places.len() as u32;
            let number = *model.number_of_token.entry(token).or_insert(next);
            if number == next {
                model.places.push(Vec::new());
            }
            model.places[number as usize].push(place);
            model.numbers.push(number);
        }
        model
    }

    /// A form as the commonest one sees it.
    pub fn read(&self, form: &Form<'_>) -> Other {
        let number = |token: &u64| self.number_of_token.get(token).copied().unwrap_or(STRANGE);
        Other { numbers: form.tokens.iter().map(number).collect(), documents: form.documents.into() }
    }

    /// How many different tokens there are.
    pub fn different(&self) -> usize {
        self.places.len()
    }
}

/// Counts over the forms of one paragraph.
pub(super) struct Counts<'a> {
    model: &'a Model,
    /// All documents.
    documents: u64,
    /// For each token of the commonest form, whether all but a few documents have it.
    agreed: Vec<bool>,
    agreed_tokens: usize,
    /// Copies of each different token met so far in the form at hand.
    met: Vec<usize>,
}

impl<'a> Counts<'a> {
    /// `documents` have the commonest form itself.
    pub fn of(model: &'a Model, documents: u32, others: &[Other]) -> Counts<'a> {
        let all = u64::from(documents) + others.iter().map(|form| form.documents).sum::<u64>();
        let met = vec![0; model.different()];
        let mut counts = Counts { model, documents: all, agreed: Vec::new(), agreed_tokens: 0, met };
        let mut having = vec![u64::from(documents); model.numbers.len()];
        for form in others {
            counts.for_each_copy(form, |place| having[place] += form.documents);
        }
        counts.agreed = having.iter().map(|&having| counts.is_few(all - having)).collect();
        counts.agreed_tokens = counts.agreed.iter().filter(|&&agreed| agreed).count();
        counts
    }

    /// Whether fewer than one in [`RARE`] documents have a form, and it lacks much of what the others agree on.
    pub fn may_be_cut(&mut self, form: &Other) -> bool {
        if !self.is_few(form.documents) {
            return false;
        }
        let agreed = std::mem::take(&mut self.agreed);
        let mut has = 0;
        self.for_each_copy(form, |place| has += usize::from(agreed[place]));
        self.agreed = agreed;
        self.is_much(self.agreed_tokens - has)
    }

    /// Whether so many agreed tokens are a part of the paragraph, and no value.
    pub fn is_much(&self, tokens: usize) -> bool {
        tokens >= CUT_TOKENS && tokens * 4 > self.agreed_tokens
    }

    /// For each token of the commonest form, whether all but a few documents have it.
    pub fn agreed(&self) -> &[bool] {
        &self.agreed
    }

    fn is_few(&self, documents: u64) -> bool {
        documents.saturating_mul(RARE) < self.documents || documents == 0
    }

    /// For each token of the commonest form, whether all of `others` have it somewhere.
    pub fn common_to(&mut self, others: &[Other]) -> Vec<bool> {
        let model = self.model;
        let mut having = vec![0; model.numbers.len()];
        for form in others {
            self.for_each_copy(form, |place| having[place] += 1);
        }
        model.numbers.iter().map(|&number| having[model.places[number as usize][0]] == others.len()).collect()
    }

    /// Calls `each` for every token of the commonest form that the form has, by its place: for a token that the form has
    /// twice, with the first two places.
    fn for_each_copy(&mut self, form: &Other, mut each: impl FnMut(usize)) {
        let Counts { model, met, .. } = self;
        for number in known(form) {
            if let Some(&place) = model.places[number].get(met[number]) {
                each(place);
            }
            met[number] += 1;
        }
        known(form).for_each(|number| met[number] = 0);
    }

    /// For each token of the commonest form, how much speaks for its being fixed, at most 12,000: the thousandths of the
    /// documents that have it equally often, ten times, since titles have "the" once, twice or not at all; and of these,
    /// those that have it right after the token before it, and those that have it right before the token after it. Where
    /// a document has one "by", that is the fixed one, and beside it stands what may stand beside that.
    pub fn support(&mut self, others: &[Other]) -> Vec<u32> {
        let usual = self.usual(others);
        let beside = self.beside(others, &usual);
        let support = |(place, number): (usize, &u32)| {
            let documents = usual[*number as usize].documents;
            10 * self.thousandths(documents)
                + self.thousandths(beside[place].second)
                + self.thousandths(beside[place + 1].first)
        };
        self.model.numbers.iter().enumerate().map(support).collect()
    }

    /// For each different token, how often most documents have it.
    fn usual(&mut self, others: &[Other]) -> Vec<Usual> {
        let Counts { model, met, .. } = self;
        // By token, for each number of copies but more than one beyond the commonest form's, the documents.
        let mut having: Vec<Vec<u64>> = model.places.iter().map(|places| vec![0; places.len() + 2]).collect();
        for form in others {
            known(form).for_each(|number| met[number] += 1);
            for number in known(form) {
                let most = having[number].len() - 1;
                match std::mem::take(&mut met[number]) {
                    0 => {} // counted where it stood first
                    copies => having[number][copies.min(most)] += form.documents,
                }
            }
        }
        let usual = |having: &Vec<u64>| {
            let copies = (0..having.len()).rev().max_by_key(|&copies| having[copies]).unwrap_or(0);
            Usual { copies, documents: having[copies] }
        };
        having.iter().map(usual).collect()
    }

    /// For each place before, between and after the tokens of the commonest form, the documents that have the two tokens,
    /// or token and end, beside each other somewhere.
    fn beside(&mut self, others: &[Other], usual: &[Usual]) -> Vec<Beside> {
        let end = self.model.different() as u32; // stands for both ends
        let pairs = |numbers: &[u32]| {
            let after = numbers.iter().copied().chain([end]);
            std::iter::once(end).chain(numbers.iter().copied()).zip(after).collect::<Vec<(u32, u32)>>()
        };
        let own = pairs(&self.model.numbers);
        let mut different = own.clone();
        different.sort_unstable();
        different.dedup();
        let first = |token: u32| different.partition_point(|pair| pair.0 < token);
        let starts: Vec<usize> = (0..=end + 1).map(first).collect();
        let find = |pair: (u32, u32)| {
            let start = *starts.get(pair.0 as usize)?;
            let followers = &different[start..*starts.get(pair.0 as usize + 1)?];
            followers.binary_search(&pair).ok().map(|found| start + found)
        };
        let mut found = vec![Beside::default(); different.len()];
        let mut last = vec![usize::MAX; different.len()];
        let met = &mut self.met;
        for (form, other) in others.iter().enumerate() {
            known(other).for_each(|number| met[number] += 1);
            let documents = |number: u32| {
                let as_usual = |usual: &Usual| met[number as usize] == usual.copies;
                if usual.get(number as usize).is_none_or(as_usual) { other.documents } else { 0 }
            };
            for pair in pairs(&other.numbers) {
                if let Some(place) = find(pair).filter(|&place| last[place] != form) {
                    last[place] = form;
                    found[place].first += documents(pair.0);
                    found[place].second += documents(pair.1);
                }
            }
            known(other).for_each(|number| met[number] = 0);
        }
        own.into_iter().map(|pair| find(pair).map_or_else(Beside::default, |place| found[place])).collect()
    }

    fn thousandths(&self, documents: u64) -> u32 {
        (documents * 1000 / self.documents.max(1)) as u32
    }
}

/// The tokens of a form that the commonest one has.
fn known(form: &Other) -> impl Iterator<Item = usize> {
    form.numbers.iter().filter(|&&number| number != STRANGE).map(|&number| number as usize)
}

/// How often most documents have a token.
struct Usual {
    copies: usize,
    documents: u64,
}

/// The documents in which two tokens stand beside each other.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// Those that have the first one as often as is usual.
    first: u64,
    /// Those that have the second one as often as is usual.
    second: u64,
}
