//! Where do the forms of one paragraph differ?
//!
//! The forms of a template paragraph in, as token hashes with counts; the commonest one and its *slots* out: the ranges
//! of its tokens that other forms replace, leave out or add to. "Published on `3 March` 2024 by `Anna Schmidt`" has two.
//! A slot too many is noise in a report; a slot too wide hides what the site always says, and a slot missed says that
//! all pages agree where they do not. So every form has its say, but for those that are *cut* (see below).
//!
//! How it decides:
//! 1. A token of the commonest form can only be fixed if all forms have it somewhere (`counts`). That alone keeps most
//!    words of a date, a name or a title from being taken for fixed ones, whatever else they meet in.
//! 2. The forms are aligned one after the other with what is still fixed (`align`): as many tokens as can be in one
//!    order; of several ways the one with most unbroken runs, along tokens that other forms have equally often and beside
//!    the same neighbours. What a form lacks is fixed no more (`pattern`). So what is left in the end is in every form, in
//!    order, and what is between is a slot.
//! 3. A form that the fixed runs, in order, with anything in the slots, already describe adds nothing and is not
//!    aligned.
//!
//! A form may add tokens where the commonest has none: "by Anna" beside "by Dr Anna". Where that is inside or next to a
//! slot, the slot takes it in; else the place is an empty slot.
//!
//! A form is cut when it is on fewer than 1 in 100 documents and leaves out, in one place and with no more than one word
//! instead, four or more tokens and more than a quarter of those that 99 in 100 documents have. One page whose footer
//! ends in the middle would make a slot of the other half. A cut form makes no slot.
//!
//! What is fixed is what all forms share: a word that all titles have, by accident, is taken for a fixed one. That happens
//! with three forms, and hardly with ten. Of fewer than four forms, a single shared word with a slot on one side and an
//! empty one on the other is taken for an accident: "Rain in spring" and "Spring in town" are one slot.
//!
//! Time: linear in the tokens of all forms; where a form is aligned, up to 32 pairs of equal tokens a token. Memory: 4
//! bytes a token of all forms, and about 150 bytes, by estimate, a token of the commonest one and the one at hand. Results
//! depend on nothing but which tokens are equal.
//!
//! References: Hunt & Szymanski, *A fast algorithm for computing longest common subsequences*, 1977; that the words of a
//! template are those that pages have equally often is from Arasu & Garcia-Molina, *Extracting structured data from web
//! pages*, 2003.

mod align;
mod counts;
mod pattern;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::ops::Range;

use crate::document::Span;
use align::Aligner;
use counts::{Counts, Model, Other};
use pattern::Pattern;

/// One form of a paragraph: what differs in case, spaces or punctuation alone is one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form<'a> {
    /// Hashes of its tokens. Equal hashes are taken for equal tokens.
    pub tokens: &'a [u64],
    /// How many documents have it.
    pub documents: u32,
}

/// What the forms of a paragraph say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The commonest form, by its place; of equals the first.
    pub commonest: usize,
    /// Ranges of its tokens, ascending, with at least one fixed token between two of them. An empty range stands where
    /// forms add tokens.
    pub slots: Vec<Range<usize>>,
}

/// A form or a token is rare when fewer than one in so many documents have it, or lack it. A guess: rarer than any
/// value a site has on purpose, and no form of a small site is rare.
const RARE: u64 = 100;

/// A cut form lacks so many tokens at least. Less is a word or two that differ: a slot.
const CUT_TOKENS: usize = 4;

/// With fewer forms, a single word that they share may be a coincidence. "Spring" is in two of any few titles; a guess.
const SURE_FORMS: usize = 4;

/// Finds the slots of a paragraph; `None` of no forms.
///
/// One form has no slots, nor have forms with equal tokens. Forms that have no token in common are one slot, the whole
/// paragraph. Cost: see the module.
pub fn find(forms: &[Form<'_>]) -> Option<Found> {
    let commonest = (0..forms.len()).min_by_key(|&form| Reverse(forms[form].documents))?;
    let model = Model::new(forms[commonest].tokens);
    let others = forms[..commonest].iter().chain(&forms[commonest + 1..]);
    let mut others: Vec<Other> = others.map(|form| model.read(form)).collect();

    let mut counts = Counts::of(&model, forms[commonest].documents, &others);
    others.retain(|form| !(counts.may_be_cut(form) && is_cut(&model, &counts, form)));
    let mut pattern = Pattern::new(&model, counts.common_to(&others));
    let mut aligner = None;
    for form in &others {
        if !pattern.fits(&form.numbers) {
            let aligner = aligner.get_or_insert_with(|| Aligner::new(&model, counts.support(&others)));
            pattern.learn(&aligner.align(&pattern, &form.numbers), form.numbers.len());
        }
    }
    if others.len() + 1 < SURE_FORMS {
        pattern.drop_coincidences();
    }
    Some(Found { commonest, slots: pattern.slots() })
}

/// Whether the form leaves out much of what the others agree on in one place, with no more than a torn word there.
fn is_cut(model: &Model, counts: &Counts<'_>, form: &Other) -> bool {
    let agreed = Pattern::new(model, counts.agreed().to_vec());
    let chain = Aligner::new(model, vec![0; model.numbers.len()]).align(&agreed, &form.numbers);
    let end = (model.numbers.len(), form.numbers.len());
    let mut next = (0, 0);
    chain.iter().chain([&end]).any(|&(place, there)| {
        let left_out = counts.agreed()[next.0..place].iter().filter(|&&agreed| agreed).count();
        let torn = there - next.1 <= 1;
        next = (place + 1, there + 1);
        torn && counts.is_much(left_out)
    })
}

/// The bytes of slots: from the first byte of the first token to the last of the last one. Punctuation inside belongs
/// to the slot, beside it does not.
///
/// `tokens` are the places of the commonest form's tokens in its text. An empty slot stands where the token before it
/// ends; before the first token, where that begins. Ascending, never overlapping; where a character belongs to two
/// tokens, the slot of the first has it. A slot that these tokens do not have is left out.
pub fn bytes(slots: &[Range<usize>], tokens: &[Span]) -> Vec<[usize; 2]> {
    let mut free = 0; // where the slot before ends
    let place = |slot: &Range<usize>| match (tokens.get(slot.clone())?, slot.start.checked_sub(1)) {
        ([first, .., last], _) => Some([first.start, last.end]),
        ([only], _) => Some([only.start, only.end]),
        ([], Some(before)) => Some([tokens[before].end; 2]),
        ([], None) => Some([tokens.first().map_or(0, |first| first.start); 2]),
    };
    let in_order = |[start, end]: [usize; 2]| {
        let start = start.max(free);
        free = end.max(start);
        [start, free]
    };
    slots.iter().filter_map(place).map(in_order).collect()
}
