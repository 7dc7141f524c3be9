//! Which kept document contains this shorter one?
//!
//! The index of `candidates` and the measures of `verify`, for documents that go by in keep order; `compare.rs` says who
//! is asked for when. A document is shorter than another when its content has fewer tokens: what `--keep longest` goes by,
//! and what a reader can count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::compare::{confirmed, shingles};
use super::contents::Contents;
use super::copies::same_group;
use super::settings::{CandidateSource, CompareSettings};
use super::visited::CachedSets;
use crate::candidates::{ContainmentIndex, Sets};
use crate::resolve::{Likeness, Measure};
use crate::shingle::ShingleSet;
use crate::sketch::{Samples, Sampling};
use crate::verify::{Concordance, Overlap, containment_at_least};

/// Documents that are sampled together.
const SAMPLE_BLOCK: usize = 1 << 10;

/// A longer document than this, in tokens, gets a concordance when it contains others. Shorter ones, of some 25 kB, are
/// gone through each time: that costs no more than reading them did.
const LONG_TOKENS: usize = 1 << 12;

/// Kept documents, which may contain what is visited after them: all of them at once, whatever the batches.
pub struct Containing<'a> {
    contents: &'a Contents<'a>,
    /// In keep order; a rank is a place among them.
    documents: &'a [u32],
    min_similarity: f64,
    min_containment: f64,
    index: ContainmentIndex,
    sets: CachedSets<'a>,
    /// Of long documents, made when first asked for.
    concordances: Mutex<HashMap<u32, Arc<Concordance>>>,
}

impl<'a> Containing<'a> {
    /// Nobody is kept yet. `None` where the settings do not ask for containment.
    pub fn new(
        contents: &'a Contents<'a>,
        settings: &CompareSettings,
        documents: &'a [u32],
    ) -> Option<Containing<'a>> {
        let min_containment = settings.min_containment?;
        Some(Containing {
            contents,
            documents,
            min_similarity: settings.min_similarity,
            min_containment,
            index: index(contents, settings, min_containment, documents),
            sets: CachedSets::new(contents, documents, settings.limits.memory_bytes / 8),
            concordances: Mutex::default(),
        })
    }

    /// Of the kept documents from rank `since` on that contain this one, the one that is chosen as its witness:
    /// [`Likeness::is_preferred_to`], equals in keep order.
    pub fn witness(&self, rank: usize, since: usize) -> Option<Likeness> {
        let document = self.documents[rank];
        if !self.contents.comparable(document) {
            return None;
        }
        let mut candidates = Vec::new();
        self.index.candidates(rank as u32, since as u32, &mut candidates);
        let may_contain = |&other: &u32| {
            let other = self.documents[other as usize];
            self.is_shorter(document, other) && same_group(self.contents, document, other)
        };
        let measure = |other: u32| {
            let (part, whole) = (self.sets.set(rank as u32), self.sets.set(other));
            let overlap = containment_at_least(&part, &whole, self.min_containment)?;
            Some(self.likeness(self.documents[other as usize], overlap))
        };
        let mut measured: Vec<Likeness> =
            candidates.into_iter().filter(may_contain).filter_map(measure).collect();
        // Candidates come in keep order, and the sort leaves equals as they are.
        measured.sort_by(|a, b| b.is_preferred_to(a).cmp(&a.is_preferred_to(b)));
        measured.iter().find_map(|likeness| {
            let overlap = self.confirmed(document, likeness.of);
            overlap.left_is_contained(self.min_containment).then(|| self.likeness(likeness.of, overlap))
        })
    }

    fn is_shorter(&self, document: u32, other: u32) -> bool {
        self.contents.token_count(document) < self.contents.token_count(other)
    }

    fn likeness(&self, of: u32, overlap: Overlap) -> Likeness {
        let by = match overlap.reaches(self.min_similarity) {
            true => Measure::Jaccard, // a pair that the bands have missed
            false => Measure::Containment,
        };
        Likeness {
            of,
            jaccard: overlap.jaccard(),
            containment: overlap.containment_of_left(),
            by,
            exact: false,
        }
    }

    /// The overlap of two contents, told by the tokens and not by their hashes.
    fn confirmed(&self, document: u32, of: u32) -> Overlap {
        if self.contents.token_count(of) <= LONG_TOKENS {
            return confirmed(self.contents, document, of);
        }
        self.concordance(of).overlap_of(&self.contents.words(document).tokens())
    }

    fn concordance(&self, of: u32) -> Arc<Concordance> {
        let known = || self.concordances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(concordance) = known().get(&of) {
            return concordance.clone();
        }
        // Made outside of the lock: two threads may do it at once, with one outcome.
        let words = self.contents.words(of);
        let concordance = Arc::new(Concordance::of(&words.tokens(), self.contents.shingle_tokens()));
        known().entry(of).or_insert(concordance).clone()
    }

    /// The lists in which the document of this rank is found once it is [inserted](Containing::insert).
    pub fn lists_of(&self, rank: usize) -> Vec<u32> {
        let document = self.documents[rank];
        match self.contents.comparable(document) {
            true => self.index.lists_of(&shingles(self.contents, document)),
            false => Vec::new(),
        }
    }

    /// The document of this rank, the next one in keep order that is kept, may contain others from now on.
    pub fn insert(&mut self, rank: usize, lists: &[u32]) {
        self.index.insert(rank as u32, lists);
    }
}

/// An empty index for `documents`; their place there is their number in it.
pub fn index(
    contents: &Contents,
    settings: &CompareSettings,
    min_containment: f64,
    documents: &[u32],
) -> ContainmentIndex {
    match settings.candidates {
        CandidateSource::Exact => {
            ContainmentIndex::exact(Grouped { contents, documents }, documents.len() as u32, min_containment)
        }
        CandidateSource::Signatures => {
            let sampling = sampling(min_containment);
            let parts: Vec<Samples> =
                documents.par_chunks(SAMPLE_BLOCK).map(|block| sampled(contents, sampling, block)).collect();
            let mut samples = Samples::new(sampling);
            parts.into_iter().for_each(|part| samples.append(part));
            ContainmentIndex::by_samples(samples)
        }
    }
}

/// The sets of documents, such that those of different groups have nothing in common.
struct Grouped<'a> {
    contents: &'a Contents<'a>,
    documents: &'a [u32],
}

impl Sets for Grouped<'_> {
    fn set(&self, rank: u32) -> Cow<'_, ShingleSet> {
        Cow::Owned(ShingleSet::from_hashes(shingles(self.contents, self.documents[rank as usize])))
    }
}

/// The sampling for a threshold. Outside of 0.5 to 1, which the settings exclude, that for 0.5: more is measured, and
/// what is measured decides.
pub fn sampling(min_containment: f64) -> Sampling {
    let chosen = [min_containment, 0.5].into_iter().find_map(Sampling::for_containment);
    chosen.unwrap_or_else(|| unreachable!("0.5 is in the range"))
}

fn sampled(contents: &Contents, sampling: Sampling, documents: &[u32]) -> Samples {
    let mut samples = Samples::new(sampling);
    for &document in documents {
        match contents.comparable(document) {
            true => samples.push(&shingles(contents, document)),
            false => samples.push(&[]),
        }
    }
    samples
}
