//! The third pass: which documents are alike, and which of them stay.
//!
//! Documents go by in blocks: what was inserted before a block is looked up and measured on all threads, what the block
//! itself adds is settled one after the other. The blocks are the same with any number of threads, so the answers are.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::containing::{self, Containing};
use super::contents::Contents;
use super::progress::{Progress, Unit};
use super::settings::{CandidateSource, CompareSettings};
use crate::candidates::{Candidates, Sets};
use crate::resolve::{Decision, Likeness, Measure, by_preference};
use crate::shingle::ShingleSet;
use crate::sketch::{Screening, Signatures};
use crate::verify::{Overlap, containment_at_least, overlap_at_least, overlap_of_tokens};

/// Documents that are looked up together. Within a block each is held against each that it adds: 32 on average.
const BLOCK: usize = 64;

/// Documents that are sketched together.
const SKETCH_BLOCK: usize = 1 << 10;

/// Decides for each document whether it stays. `order` is the keep order; `protected` ones are never removed.
pub fn keep(
    contents: &Contents,
    settings: &CompareSettings,
    order: &[u32],
    protected: &(dyn Fn(u32) -> bool + Sync),
    progress: &dyn Progress,
) -> Vec<Decision> {
    progress.begin("comparing", Unit::Documents, Some(order.len() as u64));
    let mut decisions = vec![Decision::Kept; order.len()];
    for group in by_within(contents, order) {
        let mut keeper = Keeper::new(contents, settings, &group, protected);
        for block in 0..group.len().div_ceil(BLOCK) {
            keeper.settle(block * BLOCK..group.len().min((block + 1) * BLOCK));
            progress.advance(BLOCK as u64);
        }
        for (rank, decision) in keeper.decisions.into_iter().enumerate() {
            decisions[group[rank] as usize] = decision;
        }
    }
    decisions
}

/// The documents of each value of the `--within` field, in the given order; groups by their first document.
fn by_within(contents: &Contents, order: &[u32]) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut known: HashMap<u32, usize> = HashMap::new();
    for &document in order {
        let value = contents.census().within(document);
        let group = *known.entry(value).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(document);
    }
    groups
}

/// The sets of a group's documents, by rank in the group.
pub(super) struct Ranked<'a> {
    pub(super) contents: &'a Contents<'a>,
    pub(super) documents: &'a [u32],
}

impl Sets for Ranked<'_> {
    fn set(&self, rank: u32) -> &ShingleSet {
        self.contents.set(self.documents[rank as usize])
    }
}

/// An empty index for `documents`; their place there is their number in it.
fn index<'a>(
    contents: &'a Contents<'a>,
    settings: &CompareSettings,
    documents: &'a [u32],
) -> Candidates<Ranked<'a>> {
    let ranked = Ranked { contents, documents };
    match settings.candidates {
        CandidateSource::Exact => Candidates::exact(ranked, documents.len() as u32, settings.min_similarity),
        CandidateSource::Signatures => {
            let screening = screening(settings.min_similarity);
            let parts: Vec<Signatures> = documents
                .par_chunks(SKETCH_BLOCK)
                .map(|block| sketched(contents, settings, screening, block))
                .collect();
            let mut signatures = Signatures::new(screening, settings.seed);
            for part in parts {
                signatures.append(part);
            }
            Candidates::by_signatures(signatures, ranked)
        }
    }
}

/// The screening for a threshold. Outside of 0.5 to 1, which the settings exclude, that for 0.5: more is measured, and
/// what is measured decides.
pub fn screening(min_similarity: f64) -> Screening {
    let chosen = [min_similarity, 0.5].into_iter().find_map(Screening::for_similarity);
    chosen.unwrap_or_else(|| unreachable!("0.5 is in the range"))
}

fn sketched(
    contents: &Contents,
    settings: &CompareSettings,
    screening: Screening,
    documents: &[u32],
) -> Signatures {
    let mut signatures = Signatures::new(screening, settings.seed);
    let nothing = ShingleSet::default();
    for &document in documents {
        if contents.comparable(document) {
            signatures.push(&contents.make_set(document));
        } else {
            signatures.push(&nothing);
        }
    }
    signatures
}

/// Visits the documents of one group in keep order.
struct Keeper<'a> {
    contents: &'a Contents<'a>,
    settings: &'a CompareSettings,
    /// The documents in keep order; a rank is a place among them.
    documents: &'a [u32],
    protected: &'a (dyn Fn(u32) -> bool + Sync),
    index: Candidates<Ranked<'a>>,
    /// Absent where nobody asks for containment.
    containing: Option<Containing<'a>>,
    /// The kept document of each whole token sequence, by its hash.
    kept_sequences: HashMap<u32, u32>,
    decisions: Vec<Decision>,
}

/// What is known of a document before its block is settled.
#[derive(Default)]
struct Before {
    /// The witness among what was kept before the block.
    alike: Option<Likeness>,
    /// Without one, the witness there that contains the document.
    container: Option<Likeness>,
    /// Without any, the lists that it is put into when it is kept.
    lists: Vec<u32>,
}

impl<'a> Keeper<'a> {
    fn new(
        contents: &'a Contents<'a>,
        settings: &'a CompareSettings,
        documents: &'a [u32],
        protected: &'a (dyn Fn(u32) -> bool + Sync),
    ) -> Keeper<'a> {
        let index = index(contents, settings, documents);
        let containing = Containing::new(contents, settings, documents);
        let decisions = Vec::with_capacity(documents.len());
        Keeper {
            contents,
            settings,
            documents,
            protected,
            index,
            containing,
            kept_sequences: HashMap::new(),
            decisions,
        }
    }

    /// Decides for the documents of these ranks, the next ones.
    fn settle(&mut self, ranks: std::ops::Range<usize>) {
        let first = ranks.start;
        let before: Vec<Before> = ranks.clone().into_par_iter().map(|rank| self.before(rank)).collect();
        let mut added: Vec<u32> = Vec::new();
        for (rank, before) in ranks.zip(&before) {
            let witness = self.equal(rank).or_else(|| self.likest(rank, before.alike, &added));
            let decision = match witness.or_else(|| self.container(rank, before.container, first)) {
                Some(likeness) => Decision::Removed(likeness),
                None => {
                    added.push(rank as u32);
                    if let Some(containing) = &mut self.containing {
                        containing.insert(rank, &before.lists);
                    }
                    if let Some(sequence) = self.entry_sequence(rank) {
                        self.kept_sequences.entry(sequence).or_insert(rank as u32);
                    }
                    Decision::Kept
                }
            };
            self.decisions.push(decision);
        }
        for rank in added {
            if self.contents.comparable(self.documents[rank as usize]) {
                self.index.insert(rank);
            }
        }
    }

    fn entry_sequence(&self, rank: usize) -> Option<u32> {
        self.contents.text_class(self.documents[rank])
    }

    /// The kept document with the same whole token sequence.
    fn equal(&self, rank: usize) -> Option<Likeness> {
        let document = self.documents[rank];
        if (self.protected)(document) {
            return None;
        }
        let of = self.documents[*self.kept_sequences.get(&self.entry_sequence(rank)?)? as usize];
        same_tokens(self.contents, document, of).then_some(Likeness {
            of,
            jaccard: 1.0,
            containment: 1.0,
            by: Measure::Jaccard,
            exact: true,
        })
    }

    /// What can be said on what was kept before this block.
    fn before(&self, rank: usize) -> Before {
        if self.equal(rank).is_some() {
            return Before::default();
        }
        let alike = self.alike_before(rank);
        let Some(containing) = self.containing.as_ref().filter(|_| alike.is_none()) else {
            return Before { alike, ..Before::default() };
        };
        let protected = (self.protected)(self.documents[rank]);
        let container = if protected { None } else { containing.witness(rank, 0) };
        let lists = if container.is_none() { containing.lists_of(rank) } else { Vec::new() };
        Before { alike, container, lists }
    }

    /// The witness among what was kept before this block.
    fn alike_before(&self, rank: usize) -> Option<Likeness> {
        let document = self.documents[rank];
        if (self.protected)(document) || !self.contents.comparable(document) {
            return None;
        }
        let mut candidates = Vec::new();
        self.index.candidates(rank as u32, &mut candidates);
        self.witness(rank, candidates.into_iter())
    }

    /// The witness among all that is kept: `before`, or one of those that this block `added`.
    fn likest(&self, rank: usize, before: Option<Likeness>, added: &[u32]) -> Option<Likeness> {
        let document = self.documents[rank];
        if (self.protected)(document) || !self.contents.comparable(document) {
            return None;
        }
        let candidates = added.iter().copied().filter(|&other| {
            self.contents.comparable(self.documents[other as usize])
                && self.index.may_pair(rank as u32, other)
        });
        // What was kept before this block comes first in keep order, and so wins a tie.
        match (before, self.witness(rank, candidates)) {
            (Some(before), Some(here)) if here.jaccard > before.jaccard => Some(here),
            (None, here) => here,
            (before, _) => before,
        }
    }

    /// The longer kept document that contains this one: that of `before`, or one that the block has added, from the rank
    /// `first` on.
    fn container(&self, rank: usize, before: Option<Likeness>, first: usize) -> Option<Likeness> {
        let containing = self.containing.as_ref()?;
        if (self.protected)(self.documents[rank]) {
            return None;
        }
        let here = containing.witness(rank, first);
        // What was kept before this block comes first in keep order, and so wins a tie.
        match (before, here) {
            (Some(before), Some(here)) if !here.is_preferred_to(&before) => Some(before),
            (before, here) => here.or(before),
        }
    }

    /// Measures candidates, given as ranks; the most similar that reaches the threshold on the tokens themselves.
    fn witness(&self, rank: usize, candidates: impl Iterator<Item = u32>) -> Option<Likeness> {
        let document = self.documents[rank];
        // Without a candidate nobody needs the set, and it would stay in memory.
        let mut candidates = candidates.peekable();
        candidates.peek()?;
        let set = self.contents.set(document);
        let mut reached: Vec<(u32, f64)> = candidates
            .filter_map(|other| {
                let of = self.documents[other as usize];
                let overlap = overlap_at_least(set, self.contents.set(of), self.settings.min_similarity)?;
                Some((other, overlap.jaccard()))
            })
            .collect();
        by_preference(&mut reached);
        reached.iter().find_map(|&(other, _)| {
            let of = self.documents[other as usize];
            let overlap = confirmed(self.contents, document, of);
            overlap.reaches(self.settings.min_similarity).then(|| Likeness {
                of,
                jaccard: overlap.jaccard(),
                containment: overlap.containment_of_left(),
                by: Measure::Jaccard,
                exact: false,
            })
        })
    }
}

/// Whether two documents have equal whole token sequences, told by the tokens and not by their hashes.
fn same_tokens(contents: &Contents, a: u32, b: u32) -> bool {
    contents.same_tokens(a, b)
}

/// The overlap of two contents, told by the tokens and not by their hashes.
pub(super) fn confirmed(contents: &Contents, a: u32, b: u32) -> Overlap {
    let (a, b) = (contents.words(a), contents.words(b));
    overlap_of_tokens(&a.tokens(), &b.tokens(), contents.shingle_tokens())
}

/// Two documents that are alike, the first one first, with their similarity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The first in document order.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// Their Jaccard similarity.
    pub jaccard: f64,
    /// The larger containment.
    pub containment: f64,
}

/// All pairs, and what was left out of them.
#[derive(Debug, Default)]
pub struct Pairs {
    /// In document order of the first, then of the second.
    pub pairs: Vec<Pair>,
    /// The firsts of groups of so many equal texts that each is paired with the first only, and how many documents
    /// each group has.
    pub capped: BTreeMap<u32, usize>,
}

/// Every pair that is alike, whatever is kept.
pub fn pairs(contents: &Contents, settings: &CompareSettings, progress: &dyn Progress) -> Pairs {
    let all: Vec<u32> = (0..contents.len()).collect();
    progress.begin("comparing", Unit::Documents, Some(all.len() as u64));
    let mut found = Pairs::default();
    for group in by_within(contents, &all) {
        let mut pairing = Pairing { contents, settings, found: &mut found };
        let capped = pairing.equal_texts(&group);
        pairing.alike(&group, progress);
        // Texts of one large group whose contents differ, as under two sites' templates, met again by content.
        let again = |pair: &Pair| {
            let sequence = contents.text_class(pair.a);
            sequence == contents.text_class(pair.b)
                && sequence.and_then(|sequence| capped.get(&sequence)).is_some_and(|&first| first != pair.a)
        };
        found.pairs.retain(|pair| !again(pair));
    }
    let key = |pair: &Pair| (pair.a, pair.b, std::cmp::Reverse(pair.jaccard.to_bits()));
    found.pairs.par_sort_unstable_by_key(key);
    found.pairs.dedup_by_key(|pair| (pair.a, pair.b));
    found
}

/// Collects the pairs of one `--within` group.
struct Pairing<'a> {
    contents: &'a Contents<'a>,
    settings: &'a CompareSettings,
    found: &'a mut Pairs,
}

impl Pairing<'_> {
    /// Pairs of equal whole texts. Of larger groups than are paired all with all: the first document by their hash.
    fn equal_texts(&mut self, group: &[u32]) -> HashMap<u32, u32> {
        let mut capped = HashMap::new();
        for class in classes(group, |document| self.contents.text_class(document)) {
            if class.len() > self.settings.max_equal_pairs
                && let Some(sequence) = self.contents.text_class(class[0])
            {
                capped.insert(sequence, class[0]);
            }
            self.pair_equals(&class);
        }
        capped
    }

    /// Pairs by content: within classes of equal content, and between them.
    fn alike(&mut self, group: &[u32], progress: &dyn Progress) {
        let comparable = group.iter().copied().filter(|&document| self.contents.comparable(document));
        let comparable: Vec<u32> = comparable.collect();
        let classes = classes(&comparable, |document| {
            let tokens = self.contents.tokens(document);
            let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
            Some(xxh3_128(&bytes))
        });
        for class in &classes {
            self.pair_equals(class);
        }
        let (classes, dense) = self.without_dense_families(classes);
        let firsts: Vec<u32> = classes.iter().map(|class| class[0]).collect();
        let mut measured = dense;
        let mut index = index(self.contents, self.settings, &firsts);
        for start in (0..firsts.len()).step_by(BLOCK) {
            let block = start..firsts.len().min(start + BLOCK);
            let reached: Vec<Vec<(usize, usize, Overlap)>> =
                block.clone().into_par_iter().map(|b| self.partners(&index, &firsts, start, b)).collect();
            for (a, b, overlap) in reached.into_iter().flatten() {
                measured.push((self.members(&classes[a]), self.members(&classes[b]), overlap));
            }
            block.clone().for_each(|rank| index.insert(rank as u32));
            progress.advance(block.len() as u64);
        }
        for (a, b, overlap) in self.contained(&firsts) {
            measured.push((self.members(&classes[a]), self.members(&classes[b]), overlap));
        }
        for (left, right, overlap) in &measured {
            for &a in left {
                for &b in right {
                    self.found.pairs.push(pair(a, b, *overlap));
                }
            }
        }
    }

    /// What `b` is alike with among the firsts before it; those before `start` are in the index.
    fn partners(
        &self,
        index: &Candidates<Ranked>,
        firsts: &[u32],
        start: usize,
        b: usize,
    ) -> Vec<(usize, usize, Overlap)> {
        let mut candidates = Vec::new();
        index.candidates(b as u32, &mut candidates);
        candidates.extend((start as u32..b as u32).filter(|&a| index.may_pair(a, b as u32)));
        let measure = |a: u32| {
            let overlap = self.measured(firsts[a as usize], firsts[b])?;
            Some((a as usize, b, overlap))
        };
        candidates.into_iter().filter_map(measure).collect()
    }

    /// The shorter ones that longer ones contain, where the settings ask for them: those that `dedupe` could remove.
    fn contained(&self, firsts: &[u32]) -> Vec<(usize, usize, Overlap)> {
        let Some(least) = self.settings.min_containment else { return Vec::new() };
        let mut index = containing::index(self.contents, self.settings, least, firsts).keeping_long_lists();
        for start in (0..firsts.len()).step_by(BLOCK) {
            let block = &firsts[start..firsts.len().min(start + BLOCK)];
            let lists: Vec<Vec<u32>> =
                block.par_iter().map(|&document| index.lists_of(&self.contents.shingles(document))).collect();
            lists.iter().zip(start as u32..).for_each(|(lists, rank)| index.insert(rank, lists));
        }
        let containing = |part: usize| {
            let mut candidates = Vec::new();
            index.candidates(part as u32, 0, &mut candidates);
            let measure = |whole: u32| {
                let [a, b] = [firsts[part], firsts[whole as usize]];
                let shorter = self.contents.token_count(a) < self.contents.token_count(b);
                let sets = || (self.contents.set(a), self.contents.set(b));
                let (a, b) = shorter.then(sets)?;
                Some((part, whole as usize, containment_at_least(a, b, least)?))
            };
            candidates.into_iter().filter_map(measure).collect::<Vec<_>>()
        };
        (0..firsts.len()).into_par_iter().flat_map_iter(containing).collect()
    }

    fn measured(&self, a: u32, b: u32) -> Option<Overlap> {
        overlap_at_least(self.contents.set(a), self.contents.set(b), self.settings.min_similarity)
    }

    /// Those of a class that are paired with others.
    fn members(&self, class: &[u32]) -> Vec<u32> {
        let all = class.len() <= self.settings.max_equal_pairs;
        if all { class.to_vec() } else { vec![class[0]] }
    }

    /// Pairs of equals: all with all, or each with the first where they are too many.
    fn pair_equals(&mut self, class: &[u32]) {
        let equal = |&a: &u32, &b: &u32| Pair { a, b, jaccard: 1.0, containment: 1.0 };
        if class.len() > self.settings.max_equal_pairs {
            self.found.capped.insert(class[0], class.len());
            self.found.pairs.extend(class[1..].iter().map(|b| equal(&class[0], b)));
            return;
        }
        for (index, a) in class.iter().enumerate() {
            self.found.pairs.extend(class[index + 1..].iter().map(|b| equal(a, b)));
        }
    }

    /// Takes out the families of too many texts that differ in numbers only, where most of them are alike: the first
    /// stays, each other one is measured against it alone. All their pairs would be a square.
    #[allow(clippy::type_complexity)]
    fn without_dense_families(
        &mut self,
        classes: Vec<Vec<u32>>,
    ) -> (Vec<Vec<u32>>, Vec<(Vec<u32>, Vec<u32>, Overlap)>) {
        let numbers: Vec<u32> = (0..classes.len() as u32).collect();
        let families =
            self::classes(&numbers, |class| Some(self.contents.masked(classes[class as usize][0])));
        let mut left_out = vec![false; classes.len()];
        let mut measured = Vec::new();
        for family in families {
            if family.len() <= self.settings.max_equal_pairs {
                continue;
            }
            let first = classes[family[0] as usize][0];
            let with_first: Vec<Option<Overlap>> = family[1..]
                .par_iter()
                .map(|&class| self.measured(first, classes[class as usize][0]))
                .collect();
            if 2 * with_first.iter().flatten().count() <= family.len() {
                continue;
            }
            self.found.capped.insert(first, family.len());
            for (&class, overlap) in family[1..].iter().zip(with_first) {
                left_out[class as usize] = true;
                let class = &classes[class as usize];
                measured.extend(overlap.map(|overlap| (vec![first], self.members(class), overlap)));
            }
        }
        let mut left_out = left_out.into_iter();
        let classes = classes.into_iter().filter(|_| !left_out.next().unwrap_or(false)).collect();
        (classes, measured)
    }
}

/// What has the same key, in the given order; classes by their first. What has no key is in none.
fn classes<K: Eq + std::hash::Hash>(items: &[u32], key: impl Fn(u32) -> Option<K> + Sync) -> Vec<Vec<u32>> {
    let mut classes: Vec<Vec<u32>> = Vec::new();
    let mut known: HashMap<K, usize> = HashMap::new();
    for &item in items {
        let Some(key) = key(item) else { continue };
        let class = *known.entry(key).or_insert(classes.len());
        if class == classes.len() {
            classes.push(Vec::new());
        }
        classes[class].push(item);
    }
    classes
}

fn pair(a: u32, b: u32, overlap: Overlap) -> Pair {
    let containment = overlap.containment_of_left().max(overlap.containment_of_right());
    Pair { a: a.min(b), b: a.max(b), jaccard: overlap.jaccard(), containment }
}
