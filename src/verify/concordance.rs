//! Which runs of this long text stand in that short one?

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::Overlap;

/// A long text made ready to be held against many short ones.
///
/// [`overlap_of_tokens`](super::overlap_of_tokens) goes through both texts each time; a year's archive page
/// that holds a thousand articles would be gone through a thousand times. Here the long text is gone through
/// once, and then each short one costs what its own length asks for. The answers are the same: two shingles
/// are equal when their tokens are, letter for letter, and no hash has a say in it.
///
/// Memory: 8 bytes a token, and each different token once.
#[derive(Debug)]
pub struct Concordance {
    k: NonZeroUsize,
    /// A number for each different token.
    names: HashMap<Box<str>, u32>,
    /// The text in these numbers.
    text: Vec<u32>,
    /// Where each different shingle stands first, in the order of the shingles' numbers.
    places: Vec<u32>,
}

impl Concordance {
    /// Of a text of these tokens, fewer than 2^32 of them, for shingles of `k`. Cost: a look-up a token and a sort.
    pub fn of(tokens: &[&str], k: NonZeroUsize) -> Concordance {
        let mut names: HashMap<Box<str>, u32> = HashMap::new();
        let mut text = Vec::with_capacity(tokens.len());
        for &token in tokens {
            let next = names.len() as u32;
            // Most tokens are known; those alone that are not need a copy of their own.
            let name =
                names.get(token).copied().unwrap_or_else(|| *names.entry(token.into()).or_insert(next));
            text.push(name);
        }
        let mut concordance = Concordance { k, names, text, places: Vec::new() };
        let mut places: Vec<u32> = (0..concordance.count_windows() as u32).collect();
        places.sort_unstable_by_key(|&place| (concordance.window(place), place));
        places.dedup_by_key(|place| concordance.window(*place));
        concordance.places = places;
        concordance
    }

    /// What a text of these tokens, the left one, and the long one share.
    ///
    /// Cost: a look-up and a search a token, whatever the length of the long text.
    pub fn overlap_of(&self, left: &[&str]) -> Overlap {
        // A token that the long text has not gets a number greater than all of its own, so no shingle with it is found.
        let mut others: HashMap<&str, u32> = HashMap::new();
        let mut named = Vec::with_capacity(left.len());
        for &token in left {
            let next = (self.names.len() + others.len()) as u32;
            let known = self.names.get(token).copied();
            named.push(known.unwrap_or_else(|| *others.entry(token).or_insert(next)));
        }
        let mut windows: Vec<&[u32]> = super::windows(&named, self.k).collect();
        windows.sort_unstable();
        windows.dedup();
        let shared = windows.iter().filter(|window| self.holds(window)).count();
        Overlap::of_sizes(shared, windows.len(), self.places.len())
    }

    fn holds(&self, window: &[u32]) -> bool {
        self.places.binary_search_by(|&place| self.window(place).cmp(window)).is_ok()
    }

    fn count_windows(&self) -> usize {
        super::windows(&self.text, self.k).count()
    }

    /// The shingle that begins at this place: `k` tokens, or the whole text where it has fewer.
    fn window(&self, place: u32) -> &[u32] {
        let start = place as usize;
        &self.text[start..(start + self.k.get()).min(self.text.len())]
    }
}
