//! Which pairs deserve a closer look?
//!
//! [`Signatures`] in, or the sets themselves; numbers of documents out: those that may be as similar as is
//! asked. [`Candidates`] is filled document by document, so that it serves both who wants every pair (insert
//! all) and who visits documents in keep order (insert only what is kept).
//!
//! A candidate too many costs one measurement, never truth: `verify` measures each one. A pair missed here is
//! lost for good. By signatures that happens with the probability that
//! [`Screening`] states; the exact making misses none.
//!
//! Two ways to look up, one inside the other:
//! - **buckets**: documents that share the key of a band, then the prefilter. Fast as long as buckets are
//!   small.
//! - **prefixes**: the rarest shingles of each set, as in PPJoin (Xiao, Wang, Lin, Yu, *Efficient similarity
//!   joins for near-duplicate detection*, 2008 and 2011). Exact. The exact making asks nothing else; the
//!   other one moves the documents of a bucket that grows beyond a limit there. Fifty thousand pages that
//!   differ in more than the threshold allows all stay, and all share buckets: comparing each with each would
//!   never end, while their rarest shingles, a date or a counter, part them at once.
//!
//! Memory, by signatures: `4 · bands + functions + 4` bytes a document and 8 bytes for each bucket it is in
//! with others; by prefixes, about 40 bytes for each of the first `1 - threshold` of a set's shingles.
//!
//! [`ContainmentIndex`] is the other index, for documents inside longer ones.
//!
//! [`Signatures`]: crate::sketch::Signatures
//! [`ContainmentIndex`]: crate::candidates::ContainmentIndex
//! [`Candidates`]: crate::candidates::Candidates
//! [`Screening`]: crate::sketch::Screening

mod buckets;
mod containment;
#[cfg(test)]
mod containment_tests;
mod lists;
mod parity;
mod prefix;
mod rarity;
mod short;
#[cfg(test)]
mod tests;

pub use containment::{ContainmentIndex, LONG_LIST};

use crate::shingle::ShingleSet;
use crate::sketch::{Prefilter, Signatures};
use buckets::Buckets;
use prefix::PrefixIndex;
use rarity::Rarity;
pub use short::{Frequencies, FrequencyPart, Listing, ShortIndex};

/// Where the sets of documents are found.
///
/// They may be computed when they are asked for: by signatures only those of documents in large buckets are,
/// and a sample of the others. The exact making asks for all, several times. The answer must always be the
/// same.
pub trait Sets {
    /// The shingles of a document.
    fn set(&self, document: u32) -> &ShingleSet;
}

impl Sets for [ShingleSet] {
    fn set(&self, document: u32) -> &ShingleSet {
        &self[document as usize]
    }
}

impl Sets for Vec<ShingleSet> {
    fn set(&self, document: u32) -> &ShingleSet {
        &self[document as usize]
    }
}

impl<S: Sets + ?Sized> Sets for &S {
    fn set(&self, document: u32) -> &ShingleSet {
        (**self).set(document)
    }
}

/// An index of documents that is asked for the possible partners of others, and grows.
///
/// Documents are numbers below the count that the index was made for. Look-ups take `&self` and may run on
/// many threads at once. What they answer depends only on what was inserted before, and in which order; so
/// who looks up a block of documents and then inserts from it gets the same answers with any number of
/// threads, as long as the blocks are the same.
///
/// ```
/// use dittograph::{candidates::Candidates, shingle::ShingleSet};
///
/// let sets: Vec<ShingleSet> = [0..100, 5..105, 500..600].map(|run| ShingleSet::from_hashes(run.collect())).into();
/// let mut index = Candidates::exact(&sets, 3, 0.8);
/// index.insert(0);
/// index.insert(2);
/// let mut found = Vec::new();
/// index.candidates(1, &mut found);
/// assert_eq!(found, [0]);
/// ```
pub struct Candidates<S> {
    sets: S,
    documents: u32,
    /// Absent in the exact making.
    screened: Option<Screened>,
    prefixes: PrefixIndex,
    /// Counted when it is first needed; in the exact making, from the start.
    rarity: Option<Rarity>,
}

/// What the making by signatures has more than the exact one.
struct Screened {
    signatures: Signatures,
    buckets: Buckets,
    /// Which documents are in the prefix index, and no longer sought in buckets.
    moved: Vec<bool>,
}

/// A bucket with more documents than that is asked no more: they are moved to the prefix index. A look-up
/// reads at most this many entries for each band.
pub const BUCKET_LIMIT: u32 = 64;

/// Documents whose shingles are counted for the order by rarity when only large buckets need it. Of a family
/// that is large enough to matter, a sample holds hundreds; any order finds every pair, a good one finds it
/// sooner.
const SAMPLE: u32 = 1 << 16;

impl<S: Sets> Candidates<S> {
    /// By signatures: pairs of the similarity that the signatures' screening was made for, or more, are
    /// candidates with the probability that it states. Row and document have the same number.
    ///
    /// Cost: one sort of the keys of each band.
    pub fn by_signatures(mut signatures: Signatures, sets: S) -> Candidates<S> {
        let banding = signatures.screening().banding;
        let keys = signatures.take_keys();
        let documents = signatures.len() as u32;
        let buckets = Buckets::new(keys, signatures.shingles(), usize::from(banding.bands), BUCKET_LIMIT);
        let prefixes = PrefixIndex::new(signatures.screening().similarity);
        let moved = vec![false; signatures.len()];
        Candidates {
            sets,
            documents,
            screened: Some(Screened { signatures, buckets, moved }),
            prefixes,
            rarity: None,
        }
    }

    /// Exact: every pair of Jaccard similarity `similarity` (above 0.0, up to 1.0) or more is a candidate.
    /// Pairs that share nothing never are.
    ///
    /// Cost: reads the sets of all `documents` once, to count how frequent shingles are.
    pub fn exact(sets: S, documents: u32, similarity: f64) -> Candidates<S> {
        let rarity = Some(Rarity::of_all(&sets, documents));
        Candidates { sets, documents, screened: None, prefixes: PrefixIndex::new(similarity), rarity }
    }

    /// The same index with another limit than [`BUCKET_LIMIT`] (nothing in the exact making). To be set
    /// before the first insertion; with 0, every bucket that two documents share is large.
    pub fn with_bucket_limit(mut self, limit: u32) -> Candidates<S> {
        if let Some(screened) = &mut self.screened {
            screened.buckets.set_limit(limit);
        }
        self
    }

    /// From now on, `document` is a candidate for others. Each document is inserted once at most; one without
    /// shingles may be, and is nobody's candidate.
    pub fn insert(&mut self, document: u32) {
        let Some(screened) = &mut self.screened else {
            return self.insert_into_prefixes(document);
        };
        let mut to_move = Vec::new();
        screened.buckets.insert(document, &mut to_move);
        for document in to_move {
            self.move_to_prefixes(document);
        }
    }

    /// Whether two documents, inserted or not, need to be measured: their signatures pass the prefilter. In the exact
    /// making, always.
    pub fn may_pair(&self, a: u32, b: u32) -> bool {
        self.screened.as_ref().is_none_or(|screened| {
            let signatures = &screened.signatures;
            let prefilter = signatures.screening().prefilter;
            prefilter.passes(signatures.bytes(a as usize), signatures.bytes(b as usize))
        })
    }

    /// Replaces `out` by every inserted document that may be as similar to `document` as the index was made
    /// for: ascending, no repeats, never `document` itself, which need not have been inserted.
    pub fn candidates(&self, document: u32, out: &mut Vec<u32>) {
        out.clear();
        let asks_prefixes = self.screened.as_ref().is_none_or(|screened| screened.candidates(document, out));
        if let (true, Some(rarity)) = (asks_prefixes, &self.rarity) {
            self.prefixes.candidates(self.sets.set(document), rarity, out);
        }
        out.sort_unstable();
        out.dedup();
        out.retain(|&other| other != document);
    }

    fn move_to_prefixes(&mut self, document: u32) {
        let Some(screened) = &mut self.screened else {
            return;
        };
        if !std::mem::replace(&mut screened.moved[document as usize], true) {
            screened.buckets.ask_prefixes(document);
            self.insert_into_prefixes(document);
        }
    }

    fn insert_into_prefixes(&mut self, document: u32) {
        let rarity = self.rarity.get_or_insert_with(|| Rarity::of_sample(&self.sets, self.documents, SAMPLE));
        self.prefixes.insert(document, self.sets.set(document), rarity);
    }
}

impl Screened {
    /// Adds to `out`, and says whether the prefix index must be asked too.
    fn candidates(&self, document: u32, out: &mut Vec<u32>) -> bool {
        let asks_prefixes = self.buckets.others(document, |other| {
            if !self.moved[other as usize] {
                out.push(other);
            }
        });
        out.sort_unstable();
        out.dedup();
        let prefilter = self.signatures.screening().prefilter;
        out.retain(|&other| self.passes(prefilter, document, other));
        asks_prefixes
    }

    fn passes(&self, prefilter: Prefilter, a: u32, b: u32) -> bool {
        self.sizes_allow(a, b)
            && prefilter.passes(self.signatures.bytes(a as usize), self.signatures.bytes(b as usize))
    }

    /// Sets of very different sizes cannot be similar, whatever they hold.
    fn sizes_allow(&self, a: u32, b: u32) -> bool {
        let sizes = [a, b].map(|document| self.signatures.shingles()[document as usize]);
        let [fewer, more] = if sizes[0] <= sizes[1] { sizes } else { [sizes[1], sizes[0]] };
        f64::from(fewer) >= self.signatures.screening().similarity * (1.0 - prefix::MARGIN) * f64::from(more)
    }
}
