//! The fourth pass: content paragraphs that several kept documents have.

use rayon::prelude::*;

use super::census::Census;
use super::sites::Marks;
use crate::resolve::Decision;

/// A paragraph that several kept documents have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reuse {
    /// The document.
    pub document: u32,
    /// The paragraph.
    pub paragraph: usize,
    /// How many kept documents have it.
    pub documents: u64,
    /// How many sites.
    pub sites: u64,
    /// The first document that has it, and where.
    pub first: (u32, usize),
}

/// The content paragraphs of at least `min_tokens` tokens whose tokens another kept document has too, in document
/// order. Cost: one sort of 32 bytes for each such paragraph.
pub fn find(
    census: &Census,
    marks: &[Option<Marks>],
    decisions: &[Decision],
    site_of: &[u32],
    min_tokens: usize,
) -> Vec<Reuse> {
    let mut places: Vec<(u128, u32, u32)> = census
        .documents
        .par_iter()
        .enumerate()
        .filter(|(document, _)| decisions[*document].is_kept())
        .flat_map_iter(|(document, entry)| {
            let marks = marks[document].as_ref();
            let content = move |index: usize| marks.is_none_or(|marks| marks[index].is_none());
            entry
                .paragraphs
                .iter()
                .enumerate()
                .filter(move |(index, paragraph)| paragraph.tokens.len() >= min_tokens && content(*index))
                .map(move |(index, paragraph)| (paragraph.exact, document as u32, index as u32))
        })
        .collect();
    places.par_sort_unstable();
    let mut reuses = Vec::new();
    for same in places.chunk_by(|a, b| a.0 == b.0) {
        // Equal whole texts are one for every count; they can all be kept when they are protected or not compared.
        let mut sequences: Vec<Option<u128>> =
            same.iter().map(|place| census.documents[place.1 as usize].sequence).collect();
        sequences.sort_unstable();
        let documents = count_distinct(sequences.into_iter());
        if documents < 2 {
            continue;
        }
        let mut sites: Vec<u32> = same.iter().map(|place| site_of[place.1 as usize]).collect();
        sites.sort_unstable();
        let sites = count_distinct(sites.into_iter());
        let first = (same[0].1, same[0].2 as usize);
        reuses.extend(same.iter().map(|&(_, document, paragraph)| Reuse {
            document,
            paragraph: paragraph as usize,
            documents,
            sites,
            first,
        }));
    }
    reuses.par_sort_unstable_by_key(|reuse| (reuse.document, reuse.paragraph));
    reuses
}

/// How many different ones in an ascending sequence.
fn count_distinct<T: Copy + PartialEq>(ascending: impl Iterator<Item = T>) -> u64 {
    let mut last = None;
    ascending.filter(|next| last.replace(*next) != Some(*next)).count() as u64
}
