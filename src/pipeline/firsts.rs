//! For each document another one, where most have none but themselves: the first copy, the leader, the twin.
//!
//! Memory: a fifth of a byte a document, and 4 bytes for each that has another one: where all have one, hardly more than a
//! list of numbers takes.

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// A set of documents whose members are numbered, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    words: Vec<u64>,
    /// For each word, how many members stand in those before it.
    before: Vec<u32>,
}

impl Ranked {
    /// Of documents below `count`; each may come several times, in any order. Panics when one is not below it.
    pub fn of(count: u32, members: impl IntoIterator<Item = u32>) -> Ranked {
        let mut words = vec![0; count.div_ceil(64) as usize];
        for member in members {
            words[member as usize / 64] |= 1 << (member % 64);
        }
        Ranked::of_words(words)
    }

    fn of_words(words: Vec<u64>) -> Ranked {
        let mut members = 0;
        let before = |word: &u64| {
            members += word.count_ones();
            members - word.count_ones()
        };
        Ranked { before: words.iter().map(before).collect(), words }
    }

    /// How many members.
    pub fn len(&self) -> u32 {
        let last = self.words.last().map_or(0, |word| word.count_ones());
        self.before.last().map_or(0, |before| before + last)
    }

    /// The number of a document among the members; `None` where it is none.
    pub fn rank(&self, document: u32) -> Option<u32> {
        let (word, bit) = (self.words[document as usize / 64], 1 << (document % 64));
        (word & bit != 0).then(|| self.before[document as usize / 64] + (word & (bit - 1)).count_ones())
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.words).flat_map(|(place, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(64 * place + bit)
            })
        })
    }
}

/// For each document itself or another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firsts {
    others: Ranked,
    of: Vec<u32>,
}

impl Firsts {
    /// Of `count` documents. `pairs` gives each document that has another one, once, and that one; in any order, but the same
    /// when it is asked again, which it is. Panics when there is no such document.
    pub fn of(
        count: u32,
        pairs: impl Fn(&mut dyn FnMut(u32, u32)) -> Result<()>, //
    ) -> Result<Firsts> {
        let mut words = vec![0_u64; count.div_ceil(64) as usize];
        pairs(&mut |document, _| words[document as usize / 64] |= 1 << (document % 64))?;
        let others = Ranked::of_words(words);
        let mut of = vec![0; others.len() as usize];
        pairs(&mut |document, other| {
            if let Some(rank) = others.rank(document) {
                of[rank as usize] = other;
            }
        })?;
        Ok(Firsts { others, of })
    }

    /// That of a document; itself where it has no other one.
    pub fn get(&self, document: u32) -> u32 {
        self.others.rank(document).map_or(document, |rank| self.of[rank as usize])
    }

    /// The documents that have another one, ascending, and that one.
    pub fn others(&self) -> impl Iterator<Item = (u32, u32)> {
        self.others.iter().zip(self.of.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_a_list_of_numbers_would_have_it(pairs in prop::collection::btree_map(0_u32..300, 0_u32..300, 0..80), more in 0_u32..200) {
            let count = 300 + more;
            let firsts = Firsts::of(count, |each| {
                pairs.iter().rev().for_each(|(&document, &other)| each(document, other));
                Ok(())
            }).unwrap();
            for document in 0..count {
                prop_assert_eq!(firsts.get(document), pairs.get(&document).copied().unwrap_or(document));
            }
            prop_assert!(firsts.others().eq(pairs.iter().map(|(&document, &other)| (document, other))));
            let ranked = Ranked::of(count, pairs.keys().copied().chain(pairs.keys().copied()));
            prop_assert_eq!(ranked.len() as usize, pairs.len());
            prop_assert!(ranked.iter().eq(pairs.keys().copied()));
            for (rank, &document) in (0..).zip(pairs.keys()) {
                prop_assert_eq!(ranked.rank(document), Some(rank));
            }
        }
    }

    #[test]
    fn of_no_documents() {
        let none = Firsts::of(0, |_| Ok(())).unwrap();
        assert_eq!((none.others().count(), Ranked::of(0, []).len()), (0, 0));
    }
}
