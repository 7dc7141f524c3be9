//! Which documents may hold most of a shorter one?
//!
//! [`Samples`] in, or the sets themselves; numbers of documents out, those that may contain as much of the one
//! asked for as the index was made for. Bands do not bring such pairs together: a document inside another one
//! ten times as long is unlike it.
//!
//! Every document is *sought* under a few of its shingles, and those are known before the first insertion. A
//! document that is inserted is *listed* under all of its shingles under which any document is sought, and
//! under no other. So a look-up reads a few lists, and most shingles of most documents are in none.
//!
//! - **By samples**, a document is sought under its sampled shingles, and who has too few of them is no
//!   candidate. A lone pair is missed with the probability that [`Sampling`] states.
//! - **Exactly**, it is sought under its rarest shingles, as many that not all of them can be missing in what
//!   contains it: `n - o + 1` of `n` of which `o` are needed. It misses none.
//!
//! A candidate too many costs one measurement, never truth; a pair missed is lost for good.
//!
//! Text that very many documents hold must not make a square of them. By samples, a list is *long* beyond
//! [`LONG_LIST`] documents; the index either [keeps](ContainmentIndex::keeping_long_lists) what comes after
//! those, for who wants every pair, or leaves it out. Then a look-up reads 64 entries of each list at most, and
//! answers with 64 documents at most: those first that share most of what stands in short lists. A document
//! whose sampled shingles all stand in more documents than that is sought in the first 64 of each only, and can
//! be missed. The exact making has no long lists: it takes as long as there are documents that share each other's
//! rarest shingles.
//!
//! Memory: 4 bytes for each shingle that a document is sought under, about 30 for each different one of them,
//! and 8 bytes for each list that a document is in.
//!
//! [`Samples`]: crate::sketch::Samples
//! [`Sampling`]: crate::sketch::Sampling
//! [`LONG_LIST`]: crate::candidates::LONG_LIST
//! [`ContainmentIndex::keeping_long_lists`]: crate::candidates::ContainmentIndex::keeping_long_lists

use std::cmp::Reverse;

use super::Sets;
use super::prefix::MARGIN;
use super::rarity::{Place, Rarity};
use crate::shingle::ShingleSet;
use crate::sketch::{Samples, Sampling, mix};

/// By samples, a list of more documents than that says little: it is read last, or not at all. Also the most
/// candidates that a look-up answers with, when long lists are not kept.
pub const LONG_LIST: u32 = 64;

/// An index of documents that is asked for those that may contain others, and grows.
///
/// As with [`Candidates`](super::Candidates), documents are numbers below the count that the index was made
/// for, look-ups may run on many threads at once, and what they answer depends only on what was inserted before.
/// Who is shorter than whom is not looked at: that is for the one who measures.
///
/// ```
/// use dittograph::{candidates::ContainmentIndex, shingle::ShingleSet};
///
/// let sets: Vec<ShingleSet> = [0..1000, 500..540, 990..1030].map(|run| ShingleSet::from_hashes(run.collect())).into();
/// let mut index = ContainmentIndex::exact(&sets, 3, 0.8);
/// let lists = index.lists_of(sets[0].hashes());
/// index.insert(0, &lists);
/// let mut found = Vec::new();
/// index.candidates(1, 0, &mut found);
/// assert_eq!(found, [0]);
/// index.candidates(2, 0, &mut found);
/// assert!(found.is_empty()); // 10 of 40
/// ```
pub struct ContainmentIndex {
    /// Absent in the exact making.
    sampling: Option<Sampling>,
    sought: Sought,
    dictionary: Dictionary,
    /// Of each shingle of the dictionary.
    lists: Vec<List>,
    /// Chains of documents, newest first.
    pub(super) entries: Vec<Entry>,
    long_list: u32,
    keeps_long_lists: bool,
}

/// The lists that each document is sought in, one document after the other.
struct Sought {
    lists: Vec<u32>,
    /// Where each document's end.
    ends: Vec<usize>,
}

#[derive(Clone, Copy)]
struct List {
    newest: u32,
    /// How many came, also where they were left out.
    documents: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    document: u32,
    older: u32,
}

/// Stands for "no further entry".
const NONE: u32 = u32::MAX;

impl ContainmentIndex {
    /// By samples: who contains as much of a document as they were made for is a candidate with the probability
    /// that their sampling states. Sample and document have the same number.
    ///
    /// Cost: one sort of all sampled shingles.
    pub fn by_samples(samples: Samples) -> ContainmentIndex {
        let sampling = *samples.sampling();
        let (hashes, ends) = samples.into_parts();
        ContainmentIndex::new(Some(sampling), hashes, ends, LONG_LIST)
    }

    /// Exact: whoever contains `containment` (above 0.0, up to 1.0) or more of a document is a candidate, and
    /// perhaps others that share a shingle with it.
    ///
    /// The groups of documents are not looked at: the sets of different ones must have nothing in common.
    ///
    /// Cost: reads the sets of all `documents` twice, to count how frequent shingles are, and to find the rarest.
    pub fn exact(sets: impl Sets, documents: u32, containment: f64) -> ContainmentIndex {
        let rarity = Rarity::of_all(&sets, documents);
        let (mut hashes, mut ends) = (Vec::new(), Vec::new());
        for document in 0..documents {
            hashes.extend(rarest(&sets.set(document), containment, &rarity));
            ends.push(hashes.len());
        }
        ContainmentIndex::new(None, hashes, ends, u32::MAX)
    }

    fn new(
        sampling: Option<Sampling>,
        hashes: Vec<u64>,
        ends: Vec<usize>,
        long_list: u32,
    ) -> ContainmentIndex {
        let dictionary = Dictionary::new(&hashes);
        let lists = hashes.iter().filter_map(|&hash| dictionary.find(hash)).collect();
        let nobody = List { newest: NONE, documents: 0 };
        ContainmentIndex {
            sampling,
            sought: Sought { lists, ends },
            lists: vec![nobody; dictionary.keys.len()],
            dictionary,
            entries: Vec::new(),
            long_list,
            keeps_long_lists: false,
        }
    }

    /// The same index, which leaves nothing out of long lists. A look-up may then read as many entries as there are
    /// documents. To be set before the first insertion.
    pub fn keeping_long_lists(mut self) -> ContainmentIndex {
        self.keeps_long_lists = true;
        self
    }

    /// The lists for a document of these shingles, which may come in any order and repeat: what
    /// [`insert`](ContainmentIndex::insert) wants to know. Apart from it, so that many threads can seek them.
    ///
    /// Cost: a look into a table for each shingle.
    pub fn lists_of(&self, shingles: &[u64]) -> Vec<u32> {
        let mut lists: Vec<u32> = shingles.iter().filter_map(|&hash| self.dictionary.find(hash)).collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    /// From now on, `document`, of which these are the lists, is a candidate for others. Documents are inserted in
    /// ascending order, each once at most.
    pub fn insert(&mut self, document: u32, lists: &[u32]) {
        for &list in lists {
            let list = &mut self.lists[list as usize];
            list.documents = list.documents.saturating_add(1);
            if self.keeps_long_lists || list.documents <= self.long_list {
                self.entries.push(Entry { document, older: list.newest });
                list.newest = (self.entries.len() - 1) as u32;
            }
        }
    }

    /// Replaces `out` by every inserted document from number `since` on that may contain as much of `document` as
    /// the index was made for: ascending, no repeats, never `document` itself, which need not have been inserted.
    pub fn candidates(&self, document: u32, since: u32, out: &mut Vec<u32>) {
        out.clear();
        let mut sought: Vec<List> =
            self.sought.of(document).iter().map(|&list| self.lists[list as usize]).collect();
        // The shortest first: what has as many as are needed has one of the first `sought - needed + 1`.
        let needed = self.sampling.map_or(1, |sampling| sampling.needed(sought.len()));
        let always = (sought.len() + 1).saturating_sub(needed.max(1));
        sought.sort_unstable_by_key(|list| list.documents);
        let is_long = |list: &List| list.documents > self.long_list;
        let long = sought.iter().filter(|list| is_long(list)).count();
        let mut hits: Vec<Hit> = Vec::new();
        for (place, list) in sought.iter().enumerate() {
            if place < always || !is_long(list) {
                let chain = self.chain(list.newest).take_while(|&other| other >= since);
                let others = chain.filter(|&other| other != document);
                hits.extend(others.map(|document| Hit { document, certain: !is_long(list) }));
            }
        }
        self.with_enough(hits, needed.saturating_sub(long), out);
    }

    /// Adds to `out` the documents with enough hits in lists that say for certain who is in them.
    fn with_enough(&self, mut hits: Vec<Hit>, needed: usize, out: &mut Vec<u32>) {
        hits.sort_unstable_by_key(|hit| hit.document);
        let same = hits.chunk_by(|a, b| a.document == b.document);
        let counted = same.map(|hits| Counted {
            document: hits[0].document,
            certain: hits.iter().filter(|hit| hit.certain).count(),
            all: hits.len(),
        });
        let mut found: Vec<Counted> = counted.filter(|counted| counted.certain >= needed).collect();
        if !self.keeps_long_lists && found.len() > self.long_list as usize {
            // Hundreds may be in the long lists; who shares what is rare comes before all of them.
            found.sort_unstable_by_key(|found| (Reverse((found.certain, found.all)), found.document));
            found.truncate(self.long_list as usize);
            found.sort_unstable_by_key(|found| found.document);
        }
        out.extend(found.iter().map(|found| found.document));
    }

    fn chain(&self, newest: u32) -> impl Iterator<Item = u32> {
        let entry = |at: u32| self.entries.get(at as usize).copied(); // `NONE` is no entry
        std::iter::successors(entry(newest), move |last| entry(last.older)).map(|entry| entry.document)
    }
}

/// A document in a list that a look-up has read.
struct Hit {
    document: u32,
    /// The list is not long: who has the shingle is in it.
    certain: bool,
}

/// A document, and how many lists that a look-up has read have it.
struct Counted {
    document: u32,
    certain: usize,
    all: usize,
}

impl Sought {
    fn of(&self, document: u32) -> &[u32] {
        let start = (document as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.lists[start..self.ends[document as usize]]
    }
}

/// Of `n` shingles of which at least `o` are in what contains them, the `n - o + 1` rarest, without those that no other
/// document has.
fn rarest(set: &ShingleSet, containment: f64, rarity: &Rarity) -> impl Iterator<Item = u64> + use<> {
    let hashes = set.hashes();
    let mut places: Vec<(Place, u64)> = hashes.iter().map(|&hash| (rarity.place(hash, 0), hash)).collect();
    places.sort_unstable();
    let needed = (containment * hashes.len() as f64 * (1.0 - MARGIN)).ceil().max(1.0) as usize;
    places.truncate((hashes.len() + 1).saturating_sub(needed));
    places.retain(|&(place, _)| !rarity.is_unique(place));
    places.into_iter().map(|(_, hash)| hash)
}

/// Gives shingles their numbers.
pub(super) struct Dictionary {
    /// Mixed hashes, ascending, no repeats; the place of a shingle is its number.
    keys: Vec<u64>,
    /// For each value of a key's highest bits, the first key that has it or a higher one; and the end.
    firsts: Vec<u32>,
    /// How far a key is shifted to leave these bits.
    shift: u32,
    /// No greater hash is in it. Samples are of small hashes, so this spares most look-ups where all documents are
    /// long.
    greatest: u64,
}

impl Dictionary {
    /// Of these hashes, which may come in any order and repeat.
    ///
    /// There are twice as many values of the highest bits as keys, or more: three of five shingles that are not in it
    /// cost one look.
    pub(super) fn new(hashes: &[u64]) -> Dictionary {
        let mut keys: Vec<u64> = hashes.iter().map(|&hash| mix(hash)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.shrink_to_fit();
        let bits = (2 * keys.len()).next_power_of_two().trailing_zeros().clamp(1, 31);
        let shift = u64::BITS - bits;
        let mut firsts = vec![0_u32; (1 << bits) + 1];
        keys.iter().for_each(|key| firsts[(key >> shift) as usize + 1] += 1);
        (1..firsts.len()).for_each(|at| firsts[at] += firsts[at - 1]);
        Dictionary { keys, firsts, shift, greatest: hashes.iter().copied().max().unwrap_or(0) }
    }

    /// The number of this shingle.
    pub(super) fn find(&self, hash: u64) -> Option<u32> {
        if hash > self.greatest {
            return None;
        }
        let key = mix(hash);
        let high = (key >> self.shift) as usize;
        let (first, end) = (self.firsts[high], self.firsts[high + 1]);
        let same = self.keys[first as usize..end as usize].iter().position(|&other| other == key)?;
        Some(first + same as u32)
    }
}
