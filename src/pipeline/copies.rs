//! Which documents are exact copies of others, and which are compared with each other at all?
//!
//! [`Census`] in, [`Copies`] out: for each document the first one with the same whole token sequence. Hashes brought them
//! together in the census, and here the tokens confirm it. An empty text is nobody's copy.

use std::collections::HashMap;

use rayon::prelude::*;

use super::census::Census;
use super::contents::{Contents, Words};
use super::course::{Keeping, Stored, unpacked};
use super::firsts::{Firsts, Ranked};
use super::means::Means;
use crate::error::Result;
use crate::store::SavedBytes;

/// The exact copies among all documents, within the groups of `--within`.
///
/// Memory: that of [`Firsts`], and 16 bytes more for each copy while they are confirmed.
#[derive(Clone, Debug)]
pub struct Copies {
    first: Firsts,
}

impl Copies {
    /// Finds them. Cost: of each copy its text, read again, and the first one's for each so many; a sort.
    pub fn of(census: &Census) -> Result<Copies> {
        let mut firsts: HashMap<(u32, u32), u32> = HashMap::new();
        let mut waiting: Vec<(u32, u32)> = Vec::new();
        for (document, first) in census.copies() {
            let first = match census.within(first) == census.within(document) {
                true => first,
                false => *firsts.entry((first, census.within(document))).or_insert(document),
            };
            if first != document {
                waiting.push((first, document));
            }
        }
        waiting.par_sort_unstable();
        let confirmed: Vec<(u32, u32)> = waiting
            .par_chunks(BLOCK)
            .flat_map_iter(|pairs| pairs.chunk_by(|a, b| a.0 == b.0).flat_map(|same| confirmed(census, same)))
            .collect();
        census.check()?;
        drop(waiting);
        let first = Firsts::of(census.len(), |each| {
            confirmed.iter().for_each(|&(of, copy)| each(copy, of));
            Ok(())
        })?;
        Ok(Copies { first })
    }

    /// As they were when their state was saved.
    pub fn given_back(state: SavedBytes, means: &Means) -> Result<Copies> {
        Ok(Copies { first: unpacked(&state, means)? })
    }

    /// The first document with the same tokens; itself where there is none before it.
    pub fn first(&self, document: u32) -> u32 {
        self.first.get(document)
    }

    /// The documents that have one before them with the same tokens, ascending, and the first of those.
    pub fn all(&self) -> impl Iterator<Item = (u32, u32)> {
        self.first.others()
    }

    /// For each document, of those with the same tokens the one that comes first in `order`, which has all documents.
    pub fn leaders(&self, order: &[u32]) -> Result<Firsts> {
        let classes = Ranked::of(order.len() as u32, self.all().map(|(_, first)| first));
        let mut leaders = vec![u32::MAX; classes.len() as usize];
        for &document in order {
            if let Some(class) = classes.rank(self.first(document)) {
                let leader = &mut leaders[class as usize];
                *leader = if *leader == u32::MAX { document } else { *leader };
            }
        }
        Firsts::of(order.len() as u32, |each| {
            for (document, first) in self.all().chain(classes.iter().map(|first| (first, first))) {
                let leader = classes.rank(first).map_or(first, |class| leaders[class as usize]);
                if leader != document {
                    each(document, leader);
                }
            }
            Ok(())
        })
    }
}

impl Stored for Copies {
    type State = SavedBytes;

    fn store(&self, keeping: &mut Keeping) -> Result<SavedBytes> {
        keeping.packed("copies", &self.first)
    }
}

/// Pairs that a thread confirms one after the other.
const BLOCK: usize = 256;

/// Of pairs with one first document, those whose tokens are equal and not only their hashes.
fn confirmed(census: &Census, same: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let first = census.text(same[0].0);
    let mut words: Option<Words> = None;
    let mut is_copy = |&&(_, copy): &&(u32, u32)| {
        let text = census.text(copy);
        text == first || {
            let words = words.get_or_insert_with(|| Words::of([first.as_str()]));
            *words == Words::of([text.as_str()])
        }
    };
    same.iter().filter(|pair| is_copy(pair)).copied().collect()
}

/// The group of a document: documents of different ones are not compared.
pub fn group_of(contents: &Contents, document: u32) -> u32 {
    contents.census().within(document)
}

/// Whether two documents have the same value of the `--within` field, or both have none.
pub fn same_group(contents: &Contents, a: u32, b: u32) -> bool {
    group_of(contents, a) == group_of(contents, b)
}
