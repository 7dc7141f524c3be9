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
//! By signatures, a pair is a candidate for what its two documents are and nothing else ([`Relation`]): prefixes are only
//! a faster way to those of them that reach the threshold. So it does not matter which documents are looked up together,
//! which buckets were full when, or into how many indexes the documents are parted.
//!
//! Documents that share no bucket with any other are no candidates for anybody and need not be here at all: [`Sieve`] and
//! [`Band`] tell who does.
//!
//! Memory, by signatures: the [`Rows`], `4 · bands + functions + 8` bytes a document, 20 for each bucket that it is in
//! with others, and two bits for each bucket of all documents; by prefixes, about 40 bytes for each of the first
//! `1 - threshold` of a set's shingles.
//!
//! [`ContainmentIndex`] is the other index, for documents inside longer ones.
//!
//! [`Signatures`]: crate::sketch::Signatures
//! [`ContainmentIndex`]: crate::candidates::ContainmentIndex
//! [`Candidates`]: crate::candidates::Candidates
//! [`Screening`]: crate::sketch::Screening
//! [`Relation`]: crate::candidates::Relation
//! [`Rows`]: crate::candidates::Rows
//! [`Sieve`]: crate::candidates::Sieve
//! [`Band`]: crate::candidates::Band

mod buckets;
mod company;
mod containment;
#[cfg(test)]
mod containment_tests;
mod lists;
mod parity;
mod prefix;
mod rarity;
mod rows;
mod short;
#[cfg(test)]
mod tests;

pub use company::{Band, Grouping, Keyed, Member, Sieve, in_group, salt};
pub use containment::{ContainmentIndex, LONG_LIST};
pub use rarity::{Rarity, SharedRarity};
pub use rows::{ALONE, Relation, Row, RowRange, Rows};

use std::borrow::{Borrow, Cow};

use crate::shingle::ShingleSet;
use crate::sketch::Signatures;
use buckets::Buckets;
use prefix::PrefixIndex;
pub use short::{
    Frequencies, FrequencyPart, Listed, ListedPlace, Listing, Partners, ShortIndex, parity_of, partnered,
};

/// Where the sets of documents are found.
///
/// They may be computed when they are asked for: by signatures only those of documents in large buckets are,
/// and a sample of the others. The exact making asks for all, several times. The answer must always be the
/// same.
pub trait Sets {
    /// The shingles of a document.
    fn set(&self, document: u32) -> Cow<'_, ShingleSet>;

    /// Its group; 0 where there is one group only.
    fn group(&self, _document: u32) -> u32 {
        0
    }
}

impl Sets for [ShingleSet] {
    fn set(&self, document: u32) -> Cow<'_, ShingleSet> {
        Cow::Borrowed(&self[document as usize])
    }
}

impl Sets for Vec<ShingleSet> {
    fn set(&self, document: u32) -> Cow<'_, ShingleSet> {
        Cow::Borrowed(&self[document as usize])
    }
}

impl<S: Sets + ?Sized> Sets for &S {
    fn set(&self, document: u32) -> Cow<'_, ShingleSet> {
        (**self).set(document)
    }

    fn group(&self, document: u32) -> u32 {
        (**self).group(document)
    }
}

/// An index of documents that is asked for the possible partners of others, and grows.
///
/// Documents are numbers below the count of rows that the index was made of; others can be looked up, but not inserted.
/// Look-ups take `&self` and may run on many threads at once. What they answer depends only on what was inserted before.
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
pub struct Candidates<'a, S> {
    relation: Relation,
    rows: RowRange<'a>,
    sets: S,
    buckets: Buckets,
    /// Which documents are in the prefix index, and no longer sought in buckets.
    moved: Vec<bool>,
    prefixes: PrefixIndex,
    rarity: SharedRarity<'a>,
}

/// A bucket with more documents than that is asked no more: they are moved to the prefix index. A look-up
/// reads at most this many entries for each band.
pub const BUCKET_LIMIT: u32 = 64;

/// Documents whose shingles are counted for the order by rarity when only large buckets need it. Of a family
/// that is large enough to matter, a sample holds hundreds; any order finds every pair, a good one finds it
/// sooner.
pub const SAMPLE: u32 = 1 << 16;

impl<'a, S: Sets> Candidates<'a, S> {
    /// An index of these rows; row and set have the same number. What `rarity` counted must be among all that will be
    /// inserted or looked up, or a sample of it.
    pub fn new(
        relation: Relation,
        rows: RowRange<'a>,
        sets: S,
        rarity: SharedRarity<'a>,
    ) -> Candidates<'a, S> {
        Candidates {
            buckets: Buckets::new(&rows, BUCKET_LIMIT),
            moved: vec![false; rows.len()],
            prefixes: PrefixIndex::new(relation.similarity()),
            relation,
            rows,
            sets,
            rarity,
        }
    }

    /// By signatures: pairs of the similarity that the signatures' screening was made for, or more, are
    /// candidates with the probability that it states. Row and document have the same number.
    ///
    /// Cost: what [`rows_of`] costs.
    pub fn by_signatures(signatures: &Signatures, sets: S) -> Candidates<'a, S>
    where
        S: Clone + Send + 'a,
    {
        let relation = Relation::Screened(*signatures.screening());
        let (counted, documents) = (sets.clone(), signatures.len() as u32);
        let rarity = SharedRarity::made_by(move || Rarity::of_sample(&counted, documents, SAMPLE));
        Candidates::new(relation, RowRange::owned(rows_of(signatures)), sets, rarity)
    }

    /// Exact: every pair of Jaccard similarity `similarity` (above 0.0, up to 1.0) or more is a candidate.
    /// Pairs that share nothing never are.
    ///
    /// Cost: reads the sets of all `documents` once, to count how frequent shingles are.
    pub fn exact(sets: S, documents: u32, similarity: f64) -> Candidates<'a, S>
    where
        S: Clone + Send + 'a,
    {
        let relation = Relation::All(similarity);
        let mut rows = Rows::new(&relation);
        (0..documents).for_each(|document| {
            rows.push(Row { group: sets.group(document), size: 0, buckets: &[], bytes: &[] })
        });
        let counted = sets.clone();
        let rarity = SharedRarity::made_by(move || Rarity::of_all(&counted, documents));
        Candidates::new(relation, RowRange::owned(rows), sets, rarity)
    }

    /// The same index with another limit than [`BUCKET_LIMIT`] (nothing in the exact making). To be set
    /// before the first insertion; with 0, every bucket that two documents share is large.
    pub fn with_bucket_limit(mut self, limit: u32) -> Candidates<'a, S> {
        self.buckets.set_limit(limit);
        self
    }

    /// From now on, `document` is a candidate for others. Each document is inserted once at most; one without
    /// shingles may be, and is nobody's candidate.
    pub fn insert(&mut self, document: u32) {
        if self.is_exact() {
            return self.insert_into_prefixes(document);
        }
        let mut to_move = Vec::new();
        self.buckets.insert(document, self.rows.row(document).buckets, &mut to_move);
        for document in to_move {
            if !std::mem::replace(&mut self.moved[document as usize], true) {
                self.buckets.ask_prefixes(self.rows.row(document).buckets);
                self.insert_into_prefixes(document);
            }
        }
    }

    fn insert_into_prefixes(&mut self, document: u32) {
        let salt = salt(self.rows.row(document).group);
        self.prefixes.insert(document, &self.sets.set(document), salt, self.rarity.get());
    }

    /// Whether two documents of the index, inserted or not, are a candidate pair.
    pub fn may_pair(&self, a: u32, b: u32) -> bool {
        self.relation.holds(self.rows.row(a), self.rows.row(b))
    }

    /// The sets that the index was made with.
    pub fn sets(&self) -> &S {
        &self.sets
    }

    /// Replaces `out` by every inserted document that is a candidate for `document` and may be as similar as the index was
    /// made for: ascending, no repeats, never `document` itself, which need not have been inserted.
    pub fn candidates(&self, document: u32, out: &mut Vec<u32>) {
        self.look_up(self.rows.row(document), || self.sets.set(document), out);
        out.retain(|&other| other != document);
    }

    /// The same for a document of the same group or another that is none of the index, of this row and set; the set is
    /// asked for once at most.
    pub fn look_up<T: Borrow<ShingleSet>>(&self, row: Row, set: impl FnOnce() -> T, out: &mut Vec<u32>) {
        out.clear();
        let asks_prefixes = self.buckets.others(row.buckets, |other| {
            if !self.moved[other as usize] {
                out.push(other);
            }
        });
        out.sort_unstable();
        out.dedup();
        out.retain(|&other| self.relation.holds_in_bucket(row, self.rows.row(other)));
        if asks_prefixes || self.is_exact() {
            // What is in the prefix index is in no bucket any more, so no document comes twice.
            let mut found = Vec::new();
            self.prefixes.candidates(set().borrow(), salt(row.group), self.rarity.get(), &mut found);
            out.extend(found.iter().filter(|&&other| self.relation.holds(row, self.rows.row(other))));
            out.sort_unstable();
        }
    }

    fn is_exact(&self) -> bool {
        matches!(self.relation, Relation::All(_))
    }
}

/// The rows of documents whose signatures these are, all of one group. Cost: a [`Sieve`] and a [`Band`] for each band.
pub fn rows_of(signatures: &Signatures) -> Rows {
    let relation = Relation::Screened(*signatures.screening());
    let mut rows = Rows::blank(&relation, signatures.len());
    for (document, &size) in signatures.shingles().iter().enumerate() {
        rows.set(document, 0, size, signatures.bytes(document));
    }
    let mut buckets = 0;
    for band in 0..relation.bands() {
        let signed = || signatures.keys(band).iter().zip(signatures.shingles()).zip(0..);
        let keys = || {
            signed()
                .filter(|((_, shingles), _)| **shingles > 0)
                .map(|((key, _), slot)| Keyed { key: *key, slot })
        };
        let mut sieve = Sieve::new(signatures.len() as u32);
        keys().for_each(|keyed| sieve.note(keyed.key));
        let found = Band::of(keys().filter(|keyed| sieve.may_be_shared(keyed.key)).collect(), BUCKET_LIMIT);
        found
            .members
            .iter()
            .for_each(|member| rows.set_bucket(member.slot as usize, band, buckets + member.bucket()));
        buckets += found.buckets;
    }
    rows
}

/// The most bytes that an index needs for a document: its row, entries and lists, not its set. `crowded`: whether it is in
/// a bucket that may become full, so that it may move to the prefix index.
pub fn most_bytes(relation: &Relation, row: Row, crowded: bool) -> usize {
    let shared = row.buckets.iter().filter(|&&bucket| bucket != ALONE).count();
    let prefixes = match relation {
        Relation::Screened(_) if !crowded => 0,
        relation => prefix::most_bytes(row.size, relation.similarity()),
    };
    // Vectors that grow have room for twice as much as is in them.
    4 * row.buckets.len() + row.bytes.len() + 8 + 1 + shared * (12 + 2 * 8) + prefixes
}
