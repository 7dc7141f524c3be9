//! The third pass: which documents are alike, and which of them stay.
//!
//! Documents that have company go by in keep order, in batches. A batch is settled in memory, in blocks: what was kept
//! before a block is looked up and measured on all threads, what the block itself adds is settled one after the other. Then
//! all later documents are held against what the batch has kept, and the most similar one so far is remembered for each.
//! What is a candidate for whom depends on the two documents alone, so it does not matter where blocks and batches are cut.
//!
//! Memory: of a batch what [`most_bytes`](crate::candidates::most_bytes) says and the sets that are asked for, up to a
//! limit; and 32 bytes for each document that goes.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::company::Company;
use super::containing::{self, Containing};
use super::contents::Contents;
use super::copies::{Copies, group_of, same_group};
use super::course::{Course, unpacked};
use super::firsts::{Firsts, Ranked};
use super::progress::{Progress, Unit};
use super::settings::{CandidateSource, CompareLimits, CompareSettings};
use super::sketches::{Sketches, content_hash};
use super::visited::{CachedSets, Visited};
use crate::candidates::{Candidates, Rarity, Row, SAMPLE, Sets, SharedRarity, salt};
use crate::error::Result;
use crate::resolve::{Decisions, Likeness, Measure, by_preference};
use crate::shingle::ShingleSet;
use crate::verify::{Overlap, containment_at_least, overlap_at_least, overlap_of_tokens};

/// Later documents that are held against a batch together.
const LATER_BLOCK: usize = 1 << 12;

/// Decides for each document whether it stays. `order` gives the keep order, of all documents, once it is needed; `protected`
/// ones are never removed, and come first in it.
pub fn keep(
    contents: &Contents,
    copies: &Copies,
    sketches: &Sketches,
    settings: &CompareSettings,
    order: impl FnOnce() -> Result<Vec<u32>>,
    protected: &(dyn Fn(u32) -> bool + Sync),
    course: &mut Course,
) -> Result<Decisions> {
    let memory_bytes = settings.limits.memory_bytes;
    let mut company = Company::of(sketches, settings.limits.bucket, memory_bytes / 4)?;
    if settings.min_containment.is_some() {
        company = company.and_all_others();
    }
    let mut order = order()?;
    let leaders = copies.leaders(&order)?;
    let is_visited = to_visit(sketches, &company, &leaders, contents.len());
    order.retain(|&document| is_visited.has(document));
    order.shrink_to_fit();
    let visited = Visited::of(sketches, &company, order, memory_bytes)?;
    drop(company);
    let progress = course.progress;
    progress.begin("comparing", Unit::Documents, Some(visited.len() as u64));
    let mut keeper = Keeper::new(contents, settings, &visited, &leaders, protected)?;
    if let Some(state) = course.part()? {
        keeper.settled = unpacked(&state, course.means)?;
    }
    for (number, batch) in visited.batches().iter().enumerate() {
        let rest = batch.start.max(keeper.settled.places)..batch.end;
        if !rest.is_empty() {
            keeper.settle_batch(number, rest, progress)?;
            keeper.rest(course)?;
        }
    }
    let mut removed: Vec<(u32, Likeness)> = keeper.settled.removed;
    removed.iter_mut().for_each(|(place, _)| *place = visited.documents[*place as usize]);
    // What nobody looked at is kept, or a copy of what is.
    let copies = leaders.others().filter(|&(document, _)| !is_visited.has(document) && !protected(document));
    removed.extend(copies.map(|(document, leader)| (document, Likeness::exact(leader))));
    Ok(Decisions::new(contents.len(), removed))
}

/// Who may be removed for its similarity, with all of its copies.
fn to_visit(sketches: &Sketches, company: &Company, leaders: &Firsts, documents: u32) -> Bits {
    let has_company = |document: u32| sketches.slot(document).is_some_and(|slot| company.has(slot));
    let mut is_visited = Bits::new(documents as usize);
    for document in (0..documents).filter(|&document| has_company(document)) {
        is_visited.set(leaders.get(document));
    }
    for (document, leader) in leaders.others() {
        match is_visited.has(leader) {
            true => _ = is_visited.set(document),
            false => is_visited.clear(document),
        }
    }
    is_visited
}

/// The order by rarity for all visited documents.
fn rarity<'a>(
    contents: &'a Contents<'a>,
    settings: &CompareSettings,
    visited: &'a Visited,
) -> SharedRarity<'a> {
    let sample = match settings.candidates {
        CandidateSource::Exact => u32::MAX,
        CandidateSource::Signatures => SAMPLE,
    };
    let counted = Counted { contents, visited };
    SharedRarity::made_by(move || Rarity::of_sample(&counted, visited.len() as u32, sample))
}

/// The sets of all visited documents, made when asked for.
struct Counted<'a> {
    contents: &'a Contents<'a>,
    visited: &'a Visited,
}

impl Sets for Counted<'_> {
    fn set(&self, place: u32) -> Cow<'_, ShingleSet> {
        match self.visited.comparable(place as usize) {
            true => Cow::Owned(self.contents.make_set(self.visited.documents[place as usize])),
            false => Cow::Owned(ShingleSet::default()),
        }
    }

    fn group(&self, place: u32) -> u32 {
        group_of(self.contents, self.visited.documents[place as usize])
    }
}

/// A batch of visited documents: what of them was inserted so far can be looked up. Numbers are places in the batch.
struct Batch<'a> {
    places: Range<usize>,
    index: Candidates<'a, CachedSets<'a>>,
}

impl<'a> Batch<'a> {
    fn new(
        contents: &'a Contents<'a>,
        visited: &'a Visited,
        places: Range<usize>,
        limits: &CompareLimits,
        rarity: SharedRarity<'a>,
    ) -> Result<Batch<'a>> {
        let sets = CachedSets::new(contents, &visited.documents[places.clone()], limits.memory_bytes / 4);
        let index = Candidates::new(*visited.relation(), visited.rows(&places)?, sets, rarity)
            .with_bucket_limit(limits.bucket);
        Ok(Batch { places, index })
    }

    fn number(&self, place: usize) -> u32 {
        (place - self.places.start) as u32
    }

    fn insert(&mut self, place: usize) {
        self.index.insert(self.number(place));
    }

    fn set(&self, place: usize) -> Cow<'_, ShingleSet> {
        self.index.sets().set(self.number(place))
    }

    /// Whether two documents of the batch are a candidate pair.
    fn may_pair(&self, a: usize, b: usize) -> bool {
        self.index.may_pair(self.number(a), self.number(b))
    }

    /// The candidates for a document of the batch that were inserted: places in order.
    fn candidates(&self, place: usize) -> Vec<usize> {
        let mut found = Vec::new();
        self.index.candidates(self.number(place), &mut found);
        found.into_iter().map(|number| self.places.start + number as usize).collect()
    }

    /// The same for another document, of this row and set.
    fn candidates_of<'s>(&self, row: Row, set: impl FnOnce() -> &'s ShingleSet) -> Vec<usize> {
        let mut found = Vec::new();
        self.index.look_up(row, set, &mut found);
        found.into_iter().map(|number| self.places.start + number as usize).collect()
    }

    /// The blocks in which it is gone through.
    fn blocks(&self, limits: &CompareLimits) -> impl Iterator<Item = Range<usize>> + use<> {
        let (end, block) = (self.places.end, limits.block.max(1));
        self.places.clone().step_by(block).map(move |start| start..end.min(start + block))
    }
}

/// Visits documents in keep order.
struct Keeper<'a> {
    contents: &'a Contents<'a>,
    settings: &'a CompareSettings,
    visited: &'a Visited,
    /// For each place that of the first one with the same tokens.
    leaders: Firsts,
    protected: &'a (dyn Fn(u32) -> bool + Sync),
    rarity: SharedRarity<'a>,
    /// Absent where nobody asks for containment.
    containing: Option<Containing<'a>>,
    settled: Settled,
}

/// What was decided so far. Where batches are cut, it is the same.
#[derive(Serialize, Deserialize)]
struct Settled {
    /// How many places were visited.
    places: usize,
    /// Those of them that stay.
    kept: Bits,
    /// Where a leader went, the first of its copies that stays.
    kept_copies: HashMap<u32, u32>,
    /// Places that were visited and go, in order.
    removed: Vec<(u32, Likeness)>,
    /// Of places that were not visited yet, the witness among what was, in order.
    later: Vec<(u32, Likeness)>,
}

/// What is known of a document before its block is settled.
#[derive(Default)]
struct Before {
    /// The witness among what was kept before the block; not all of it, where a document of the same content comes first.
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
        visited: &'a Visited,
        leaders: &Firsts,
        protected: &'a (dyn Fn(u32) -> bool + Sync),
    ) -> Result<Keeper<'a>> {
        Ok(Keeper {
            contents,
            settings,
            visited,
            leaders: places_of(visited, leaders, contents.len())?,
            protected,
            rarity: rarity(contents, settings, visited),
            containing: Containing::new(contents, settings, &visited.documents),
            settled: Settled {
                places: 0,
                kept: Bits::new(visited.len()),
                kept_copies: HashMap::new(),
                removed: Vec::new(),
                later: Vec::new(),
            },
        })
    }

    /// Between two batches what was decided can be saved; not what is known of containment, which is as large as the corpus.
    fn rest(&self, course: &mut Course) -> Result<()> {
        self.contents.census().check_reads()?;
        match self.containing {
            None => course.at_rest(|keeping| keeping.packed("settled", &self.settled)),
            Some(_) => course.means.stop.check(),
        }
    }

    /// Decides for the documents of a batch, the next ones, and holds all later ones against what it keeps.
    fn settle_batch(&mut self, number: usize, places: Range<usize>, progress: &dyn Progress) -> Result<()> {
        let limits = &self.settings.limits;
        let rarity = self.rarity.clone();
        let mut batch = Batch::new(self.contents, self.visited, places.clone(), limits, rarity)?;
        for block in batch.blocks(limits) {
            progress.advance(block.len() as u64);
            self.contents.census().check()?;
            self.settle(&mut batch, block);
        }
        let settled = self.settled.later.partition_point(|(place, _)| (*place as usize) < places.end);
        self.settled.later.drain(..settled);
        let mut next = places.end;
        loop {
            let block = self.visited.near(number, next, LATER_BLOCK);
            let Some(&last) = block.last() else { break };
            next = last + 1;
            let rows = self.visited.rows_of(&block)?;
            let better = |(&place, row): (&usize, u32)| {
                Some((place as u32, self.better(&batch, place, rows.row(row))?))
            };
            let rows_of_block = (0..block.len() as u32).into_par_iter();
            let found: Vec<(u32, Likeness)> =
                block.par_iter().zip(rows_of_block).with_min_len(16).filter_map(better).collect();
            self.remember(found);
        }
        Ok(())
    }

    /// Decides for the documents of these places.
    fn settle(&mut self, batch: &mut Batch, places: Range<usize>) {
        let first = places.start;
        let before: Vec<Before> =
            places.clone().into_par_iter().map(|place| self.before(batch, place)).collect();
        let mut added: Vec<usize> = Vec::new();
        for (place, before) in places.zip(&before) {
            let witness = self.equal(place).or_else(|| self.likest(batch, place, before.alike, &added));
            match witness.or_else(|| self.container(place, before.container, first)) {
                Some(likeness) => {
                    self.settled.removed.push((place as u32, likeness));
                    self.settled.places += 1;
                }
                None => {
                    added.push(place);
                    if let Some(containing) = &mut self.containing {
                        containing.insert(place, &before.lists);
                    }
                    self.settled.kept.set(place as u32);
                    self.settled.places += 1;
                    if self.kept_leader(place).is_none() {
                        self.settled
                            .kept_copies
                            .entry(self.leaders.get(place as u32))
                            .or_insert(place as u32);
                    }
                }
            }
        }
        for place in added {
            if self.visited.comparable(place) {
                batch.insert(place);
            }
        }
    }

    /// The document of a place.
    fn document(&self, place: usize) -> u32 {
        self.visited.documents[place]
    }

    fn is_protected(&self, place: usize) -> bool {
        (self.protected)(self.document(place))
    }

    /// The leader of a place, where it is known to stay; perhaps the place itself.
    fn kept_leader(&self, place: usize) -> Option<u32> {
        let leader = self.leaders.get(place as u32);
        self.settled.kept.has(leader).then_some(leader)
    }

    /// The first kept document with the same whole token sequence.
    fn equal(&self, place: usize) -> Option<Likeness> {
        let kept = self
            .kept_leader(place)
            .or_else(|| self.settled.kept_copies.get(&self.leaders.get(place as u32)).copied())?;
        (!self.is_protected(place)).then(|| Likeness::exact(self.document(kept as usize)))
    }

    /// Whether the most similar kept document decides over this one.
    fn is_sought(&self, place: usize) -> bool {
        self.visited.has_company(place) && self.visited.comparable(place) && !self.is_protected(place)
    }

    /// What can be said on what was kept before this block.
    fn before(&self, batch: &Batch, place: usize) -> Before {
        if self.equal(place).is_some() {
            return Before::default();
        }
        let alike = self.alike_before(batch, place);
        let Some(containing) = self.containing.as_ref().filter(|_| alike.is_none()) else {
            return Before { alike, ..Before::default() };
        };
        let container = if self.is_protected(place) { None } else { containing.witness(place, 0) };
        let lists = if container.is_none() { containing.lists_of(place) } else { Vec::new() };
        Before { alike, container, lists }
    }

    /// The witness among what was kept before this block, and after the first document of the same content.
    fn alike_before(&self, batch: &Batch, place: usize) -> Option<Likeness> {
        let first = self.visited.first(place);
        if !self.is_sought(place) || (first != place && first >= self.settled.places) {
            return None; // or the first is in this block, too
        }
        let candidates = batch.candidates(place).into_iter().filter(|&other| first == place || other > first);
        let here = self.witness(batch, place, candidates, || batch.set(place));
        the_likest(self.remembered(place), here)
    }

    /// The witness among all that is kept: what was found `before` the block, that of the first document of the same content,
    /// or one of those that this block `added`.
    fn likest(
        &self,
        batch: &Batch,
        place: usize,
        before: Option<Likeness>,
        added: &[usize],
    ) -> Option<Likeness> {
        if !self.is_sought(place) {
            return None;
        }
        let first = self.visited.first(place);
        let candidates = added.iter().copied().filter(|&other| {
            (first == place || other > first)
                && self.visited.comparable(other)
                && batch.may_pair(place, other)
        });
        let here = self.witness(batch, place, candidates, || batch.set(place));
        the_likest(the_likest(self.inherited(place), before), here)
    }

    /// The longer kept document that contains this one: that of `before`, or one that the block has added, from the place
    /// `first` on.
    fn container(&self, place: usize, before: Option<Likeness>, first: usize) -> Option<Likeness> {
        let containing = self.containing.as_ref()?;
        if self.is_protected(place) {
            return None;
        }
        let here = containing.witness(place, first);
        // What was kept before this block comes first in keep order, and so wins a tie.
        match (before, here) {
            (Some(before), Some(here)) if !here.is_preferred_to(&before) => Some(before),
            (before, here) => here.or(before),
        }
    }

    /// What an earlier document of the same content was removed by: the most similar one of all that were kept before it.
    fn inherited(&self, place: usize) -> Option<Likeness> {
        let first = self.visited.first(place);
        let found = self.settled.removed.binary_search_by_key(&(first as u32), |(place, _)| *place).ok()?;
        let likeness = self.settled.removed[found].1;
        let is_by_content = first != place && likeness.by == Measure::Jaccard && !likeness.exact;
        is_by_content.then(|| self.reached(self.document(place), likeness.of)).flatten()
    }

    /// The witness among what earlier batches have kept, and after the first document of the same content.
    fn remembered(&self, place: usize) -> Option<Likeness> {
        let found = self.settled.later.binary_search_by_key(&(place as u32), |(place, _)| *place).ok()?;
        Some(self.settled.later[found].1)
    }

    /// The witness of a later document, of this row, in a batch that was settled, when it is more similar than what was found so far.
    fn better(&self, batch: &Batch, place: usize, row: Row) -> Option<Likeness> {
        let first = self.visited.first(place);
        if (first != place && first >= self.settled.places)
            || !self.is_sought(place)
            || self.equal(place).is_some()
        {
            return None;
        }
        let made = OnceCell::new();
        let set = || made.get_or_init(|| self.contents.make_set(self.document(place)));
        let candidates = batch.candidates_of(row, set);
        let candidates = candidates.into_iter().filter(|&other| first == place || other > first);
        let found = self.witness(batch, place, candidates, || Cow::Borrowed(set()));
        let likeness = found?;
        self.remembered(place).is_none_or(|so_far| likeness.is_preferred_to(&so_far)).then_some(likeness)
    }

    /// Takes note of witnesses that are better than those so far.
    fn remember(&mut self, found: Vec<(u32, Likeness)>) {
        let mut later = Vec::with_capacity(found.len());
        for (place, likeness) in found {
            match self.settled.later.binary_search_by_key(&place, |(place, _)| *place) {
                Ok(known) => self.settled.later[known].1 = likeness,
                Err(_) => later.push((place, likeness)),
            }
        }
        if !later.is_empty() {
            self.settled.later.append(&mut later);
            self.settled.later.sort_by_key(|(place, _)| *place); // two runs: a merge
        }
    }

    /// Measures candidates, places in the batch; the most similar that reaches the threshold on the tokens themselves.
    fn witness<'s>(
        &self,
        batch: &'s Batch,
        place: usize,
        candidates: impl Iterator<Item = usize>,
        set: impl FnOnce() -> Cow<'s, ShingleSet>,
    ) -> Option<Likeness> {
        let document = self.document(place);
        // Without a candidate nobody needs the set.
        let mut candidates = candidates.peekable();
        candidates.peek()?;
        let set = set();
        let mut reached: Vec<(u32, f64)> = candidates
            .filter_map(|other| {
                let overlap = overlap_at_least(&set, &batch.set(other), self.settings.min_similarity)?;
                Some((other as u32, overlap.jaccard()))
            })
            .collect();
        by_preference(&mut reached);
        reached.iter().find_map(|&(other, _)| self.reached(document, self.document(other as usize)))
    }

    /// How alike two documents are, measured on the tokens, where it is enough.
    fn reached(&self, document: u32, of: u32) -> Option<Likeness> {
        let overlap = confirmed(self.contents, document, of);
        let reaches =
            overlap.reaches(self.settings.min_similarity) && same_group(self.contents, document, of);
        reaches.then(|| Likeness {
            of,
            jaccard: overlap.jaccard(),
            containment: overlap.containment_of_left(),
            by: Measure::Jaccard,
            exact: false,
        })
    }
}

/// The place of the leader of each place: where a document is visited, its leader is.
fn places_of(visited: &Visited, leaders: &Firsts, documents: u32) -> Result<Firsts> {
    let known = Ranked::of(documents, leaders.others().map(|(_, leader)| leader));
    let mut places = vec![u32::MAX; known.len() as usize];
    for (&document, place) in visited.documents.iter().zip(0..) {
        if let Some(rank) = known.rank(document) {
            places[rank as usize] = place;
        }
    }
    Firsts::of(visited.len() as u32, |each| {
        for (&document, place) in visited.documents.iter().zip(0..) {
            let leader = leaders.get(document);
            if leader != document
                && let Some(rank) = known.rank(leader)
            {
                each(place, places[rank as usize]);
            }
        }
        Ok(())
    })
}

/// The more similar one; `earlier` comes first in keep order and so wins a tie.
fn the_likest(earlier: Option<Likeness>, here: Option<Likeness>) -> Option<Likeness> {
    match (earlier, here) {
        (Some(earlier), Some(here)) if here.is_preferred_to(&earlier) => Some(here),
        (earlier, here) => earlier.or(here),
    }
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
pub fn pairs(
    contents: &Contents,
    copies: &Copies,
    sketches: &Sketches,
    settings: &CompareSettings,
    progress: &dyn Progress,
) -> Result<Pairs> {
    let mut pairing = Pairing { contents, settings, found: Pairs::default() };
    let capped = pairing.equal_texts(copies);
    pairing.alike(sketches, progress)?;
    let mut found = pairing.found;
    // Texts of one large group whose contents differ, as under two sites' templates, met again by content.
    found.pairs.retain(|pair| {
        let first = copies.first(pair.a);
        let again = first == copies.first(pair.b) && capped.contains(&first) && first != pair.a;
        !again
    });
    let key = |pair: &Pair| (pair.a, pair.b, std::cmp::Reverse(pair.jaccard.to_bits()));
    found.pairs.par_sort_unstable_by_key(key);
    found.pairs.dedup_by_key(|pair| (pair.a, pair.b));
    Ok(found)
}

/// Collects pairs.
struct Pairing<'a> {
    contents: &'a Contents<'a>,
    settings: &'a CompareSettings,
    found: Pairs,
}

impl Pairing<'_> {
    /// Pairs of equal whole texts. Of larger groups than are paired all with all: the first document.
    fn equal_texts(&mut self, copies: &Copies) -> HashSet<u32> {
        let all: Vec<u32> = (0..self.contents.len()).collect();
        let classes = classes(&all, |document| Some(copies.first(document)));
        let large = classes.iter().filter(|class| class.len() > self.settings.max_equal_pairs);
        let capped = large.map(|class| class[0]).collect();
        classes.iter().for_each(|class| self.pair_equals(class));
        capped
    }

    /// Pairs by content: within classes of equal content, and between them.
    fn alike(&mut self, sketches: &Sketches, progress: &dyn Progress) -> Result<()> {
        let classes = self.contents_in_classes(sketches);
        for class in &classes {
            self.pair_equals(class);
        }
        let (classes, dense) = self.without_dense_families(classes);
        let firsts: Vec<u32> = classes.iter().map(|class| class[0]).collect();
        let mut measured = dense;
        let mut between = self.alike_firsts(sketches, &firsts, progress)?;
        between.extend(self.contained(&firsts));
        for (a, b, overlap) in between {
            measured.push((self.members(&classes[a]), self.members(&classes[b]), overlap));
        }
        for (left, right, overlap) in &measured {
            for &a in left {
                for &b in right {
                    self.found.pairs.push(pair(a, b, *overlap));
                }
            }
        }
        Ok(())
    }

    /// The documents that are compared, those of equal content together.
    fn contents_in_classes(&self, sketches: &Sketches) -> Vec<Vec<u32>> {
        let documents: Vec<u32> =
            (0..self.contents.len()).filter(|&document| sketches.slot(document).is_some()).collect();
        let slot = |document| sketches.slot(document);
        let slots = classes(&documents, slot);
        let hashes: HashMap<Option<u32>, (u32, u128)> = slots
            .par_iter()
            .map(|class| {
                let group = group_of(self.contents, class[0]);
                (slot(class[0]), (group, content_hash(self.contents, class[0])))
            })
            .collect();
        classes(&documents, |document| hashes.get(&slot(document)).copied())
    }

    /// Which of these are alike, by their numbers, each pair once.
    fn alike_firsts(
        &self,
        sketches: &Sketches,
        firsts: &[u32],
        progress: &dyn Progress,
    ) -> Result<Vec<(usize, usize, Overlap)>> {
        let limits = &self.settings.limits;
        let company = Company::of(sketches, limits.bucket, limits.memory_bytes / 4)?;
        let has_company = |document: u32| sketches.slot(document).is_some_and(|slot| company.has(slot));
        let numbers: Vec<usize> = (0..firsts.len()).filter(|&number| has_company(firsts[number])).collect();
        let documents = numbers.iter().map(|&number| firsts[number]).collect();
        let visited = &Visited::of(sketches, &company, documents, limits.memory_bytes)?;
        drop(company);
        let rarity = rarity(self.contents, self.settings, visited);
        progress.begin("comparing", Unit::Documents, Some(visited.len() as u64));
        let mut measured = Vec::new();
        for (number, places) in visited.batches().iter().enumerate() {
            let mut batch = Batch::new(self.contents, visited, places.clone(), limits, rarity.clone())?;
            for block in batch.blocks(limits) {
                let partners = |place| self.partners_here(&batch, visited, block.start, place);
                let found: Vec<Vec<_>> = block.clone().into_par_iter().map(partners).collect();
                measured.extend(found.into_iter().flatten());
                progress.advance(block.len() as u64);
                block.for_each(|place| batch.insert(place));
            }
            let mut next = places.end;
            loop {
                let block = visited.near(number, next, LATER_BLOCK);
                let Some(&last) = block.last() else { break };
                next = last + 1;
                let rows = visited.rows_of(&block)?;
                let partners = |(&place, row): (&usize, u32)| {
                    self.partners_of_later(&batch, visited, place, rows.row(row))
                };
                let rows_of_block = (0..block.len() as u32).into_par_iter();
                measured.par_extend(block.par_iter().zip(rows_of_block).flat_map_iter(partners));
            }
        }
        Ok(measured.into_iter().map(|(a, b, overlap)| (numbers[a], numbers[b], overlap)).collect())
    }

    /// What a document is alike with among those before it in its batch; those before the place `start` were inserted.
    fn partners_here(
        &self,
        batch: &Batch,
        visited: &Visited,
        start: usize,
        b: usize,
    ) -> Vec<(usize, usize, Overlap)> {
        let mut candidates = batch.candidates(b);
        candidates.extend((start..b).filter(|&a| batch.may_pair(a, b)));
        let mut candidates = candidates.into_iter().peekable();
        if candidates.peek().is_none() {
            return Vec::new();
        }
        let set = batch.set(b);
        let measure = |a: usize| self.measured(visited, [a, b], &batch.set(a), &set);
        candidates.filter_map(measure).collect()
    }

    /// What a later document, of this row, is alike with in a batch.
    fn partners_of_later(
        &self,
        batch: &Batch,
        visited: &Visited,
        b: usize,
        row: Row,
    ) -> Vec<(usize, usize, Overlap)> {
        let document = visited.documents[b];
        let made = OnceCell::new();
        let set = || made.get_or_init(|| self.contents.make_set(document));
        let candidates = batch.candidates_of(row, set);
        let measure = |a: usize| self.measured(visited, [a, b], &batch.set(a), set());
        candidates.into_iter().filter_map(measure).collect()
    }

    /// The shorter ones that longer ones contain, where the settings ask for them: those that `dedupe` could remove.
    fn contained(&self, firsts: &[u32]) -> Vec<(usize, usize, Overlap)> {
        let Some(least) = self.settings.min_containment else { return Vec::new() };
        let mut index = containing::index(self.contents, self.settings, least, firsts).keeping_long_lists();
        let sets = CachedSets::new(self.contents, firsts, self.settings.limits.memory_bytes / 8);
        for start in (0..firsts.len()).step_by(LATER_BLOCK) {
            let block = &firsts[start..firsts.len().min(start + LATER_BLOCK)];
            let lists: Vec<Vec<u32>> = block
                .par_iter()
                .map(|&document| index.lists_of(&shingles(self.contents, document)))
                .collect();
            lists.iter().zip(start as u32..).for_each(|(lists, rank)| index.insert(rank, lists));
        }
        let containing = |part: usize| {
            let mut candidates = Vec::new();
            index.candidates(part as u32, 0, &mut candidates);
            let measure = |whole: u32| {
                let [a, b] = [firsts[part], firsts[whole as usize]];
                let shorter = self.contents.token_count(a) < self.contents.token_count(b);
                if !shorter || !same_group(self.contents, a, b) {
                    return None;
                }
                Some((
                    part,
                    whole as usize,
                    containment_at_least(&sets.set(part as u32), &sets.set(whole), least)?,
                ))
            };
            candidates.into_iter().filter_map(measure).collect::<Vec<_>>()
        };
        (0..firsts.len()).into_par_iter().flat_map_iter(containing).collect()
    }

    /// Two places and what their sets share, where it is enough.
    fn measured(
        &self,
        visited: &Visited,
        [a, b]: [usize; 2],
        set_of_a: &ShingleSet,
        set_of_b: &ShingleSet,
    ) -> Option<(usize, usize, Overlap)> {
        let overlap = overlap_at_least(set_of_a, set_of_b, self.settings.min_similarity)?;
        visited.same_group(self.contents, a, b).then_some((a, b, overlap))
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
        let masked = |class: u32| {
            let first = classes[class as usize][0];
            Some((group_of(self.contents, first), self.contents.masked(first)))
        };
        let families = self::classes(&numbers, masked);
        let mut left_out = vec![false; classes.len()];
        let mut measured = Vec::new();
        for family in families {
            if family.len() <= self.settings.max_equal_pairs {
                continue;
            }
            let first = classes[family[0] as usize][0];
            let set_of_first = self.contents.make_set(first);
            let with_first: Vec<Option<Overlap>> = family[1..]
                .par_iter()
                .map(|&class| {
                    let set = self.contents.make_set(classes[class as usize][0]);
                    overlap_at_least(&set_of_first, &set, self.settings.min_similarity)
                })
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

/// The hashes of a content's shingles as documents of its group share them.
pub(super) fn shingles(contents: &Contents, document: u32) -> Vec<u64> {
    let mut shingles = contents.shingles(document);
    let salt = salt(group_of(contents, document));
    if salt != 0 {
        shingles.iter_mut().for_each(|hash| *hash ^= salt);
    }
    shingles
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

#[cfg(test)]
mod tests;
