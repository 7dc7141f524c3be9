//! Was anything missed, and is each witness the best one?
//!
//! Some documents of a finished run, drawn evenly over the corpus, are held against all kept ones, by force: each kept
//! document is cut into shingles and looked up in an index of the sample's. A lone pair at the threshold is missed with a
//! probability that the summary states; so a pair that was missed is counted and is no fault, unless there are more than
//! that allows for, or the run was asked to miss none.
//!
//! The index lists a document of the sample under so many of its shingles that whoever is as like it as the threshold
//! asks for has one of them: `n - o + 1` of `n`, where `o` must be shared; those that the fewest of the sample have. So
//! the answer is exact, and what everybody says is looked up for nobody.
//!
//! Time: one read of the corpus for the texts, and one for each part of the sample that fits in memory; a look-up for each
//! shingle of the corpus, and a measurement for each kept document that shares a listed shingle with one of the sample.
//! Memory: about sixteen times the text of the part of the sample at hand.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::claims::Claim;
use super::documents::{Reading, Text};
use super::faults::Faults;
use super::interval::{Share, at_least};
use super::numbers::Numbers;
use super::walk::{Key, Visit, WHOLE, walk};
use super::witnesses::{content, whole};
use super::{TOLERANCE, holds_all_texts};
use crate::corpus::parse;
use crate::error::{Error, Result};
use crate::output::{Fate, FinishedRun, SettingsRecord};
use crate::pipeline::contents::Words;
use crate::pipeline::means::Means;
use crate::pipeline::progress::{Progress, Unit};
use crate::resolve::{KeepOrder, Rank};
use crate::shingle::{ShingleSet, token_hash};
use crate::store::{Rows, RowsWriter, Workspace};
use crate::verify::{Overlap, containment_at_least, overlap_at_least, overlap_of_tokens};

/// What a sample came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampled {
    /// Documents that were held against all kept ones; fewer than were drawn where some could not be read.
    pub documents: u64,
    /// How many kept documents each was held against.
    pub against: u64,
    /// Pairs by similarity.
    pub similarity: Sought,
    /// Pairs by containment, where the run was asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containment: Option<Sought>,
    /// The first pairs that were missed.
    pub missed: Vec<String>,
    /// What is wrong; empty where everything holds.
    pub faults: Vec<String>,
    /// Faults that are not named.
    pub more_faults: u64,
}

/// Pairs that force has found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sought {
    /// Documents of the sample that a kept document before them in keep order is as like as is asked for.
    pub alike: u64,
    /// Those of which the likest such document was missed: the document was kept, or has another witness.
    pub missed: u64,
    /// The share of them.
    pub miss_rate: Share,
    /// What the summary promises at the threshold; above it, fewer are missed.
    pub promised: f64,
}

/// Less probable than this is not by chance. Of a thousand runs that keep their promise one is called wrong, and hardly
/// ever that, for most pairs lie above the threshold.
const SIGNIFICANT: f64 = 0.001;

/// So many pairs that were missed are named.
const NAMED: usize = 20;

/// Bytes of memory for each byte of a document of the sample: its tokens twice, its shingles, its share of the index and of
/// what the index is made from.
const BYTES_OF_MEMORY: usize = 16;

/// Holds `documents` of a finished run against all that it kept. `protect` are the ids that it protected.
///
/// # Errors
/// Where DIR is no finished run or was changed, where it does not hold the texts, where its protected ids are not those, or
/// the temporary folder fails.
pub fn sample(
    dir: &Path,
    documents: u64,
    protect: &HashSet<String>,
    means: &Means,
    progress: &dyn Progress,
) -> Result<Sampled> {
    let run = FinishedRun::open(dir)?;
    if !holds_all_texts(&run) {
        return Err(Error::Run(format!(
            "{}: does not hold the texts of all documents, so no sample of them can be held against the kept ones: it is of a \
             scan or was made with --no-removed",
            dir.display()
        )));
    }
    check_protected(&run, protect)?;
    sample_within(&run, documents, protect, &means.workspace, means.work(1), progress)
}

/// Whether these are as many ids as the run protected.
///
/// # Errors
/// Wrong usage, with what the summary knows.
pub(super) fn check_protected(run: &FinishedRun, protect: &HashSet<String>) -> Result<()> {
    let protected = run.summary.settings.protected;
    match protect.len() as u64 == protected {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "the run protected {protected} ids, and summary.json does not say which; {} were given; name the file that it had \
             with --protect",
            protect.len()
        ))),
    }
}

pub(super) fn sample_within(
    run: &FinishedRun,
    documents: u64,
    protect: &HashSet<String>,
    workspace: &Workspace,
    memory_bytes: usize,
    progress: &dyn Progress,
) -> Result<Sampled> {
    let numbers = &Numbers::of(&run.summary)?;
    let sampling = Sampling::new(run, numbers, protect, progress)?;
    let drawn = draw(numbers.count(), documents, run.summary.settings.seed);
    let rows = sampling.collect(&drawn, workspace, memory_bytes)?;
    let mut told = Told::default();
    let mut next = 0;
    loop {
        let (part, end) = sampling.part(&rows, next, memory_bytes / 2)?;
        if !part.is_empty() || next == 0 {
            sampling.hold(part, &mut told)?;
        }
        next = end;
        if next >= rows.len() {
            break;
        }
    }
    Ok(told.sampled(run, rows.len()))
}

/// The numbers of documents, one of each of so many equal stretches of the corpus, ascending.
fn draw(count: u64, documents: u64, seed: u64) -> Vec<u64> {
    let stretches = documents.min(count);
    let start =
        |stretch: u64| (u128::from(stretch) * u128::from(count) / u128::from(stretches.max(1))) as u64;
    let one = |stretch: u64| {
        let (first, end) = (start(stretch), start(stretch + 1));
        first + xxh3_64_with_seed(&stretch.to_le_bytes(), seed) % (end - first).max(1)
    };
    (0..stretches).map(one).collect()
}

/// A document of the sample as it waits.
#[derive(Serialize, Deserialize)]
struct Drawn {
    number: u64,
    label: Option<String>,
    url: Option<String>,
    fields: Vec<Option<String>>,
    text: Text,
    duplicate: Option<Duplicate>,
}

/// What the findings say of a removed one.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Duplicate {
    of: u64,
    jaccard: f64,
    containment: f64,
    contained: bool,
    exact: bool,
}

/// A document made ready to be compared.
struct Content {
    words: Words,
    /// Its whole text, where that is another one.
    whole: Option<Words>,
    set: ShingleSet,
    /// Hash of the whole token sequence; none of an empty one.
    sequence: Option<u128>,
    /// Whether it is compared by similarity.
    comparable: bool,
}

/// A document of the sample at hand.
struct Held {
    drawn: Drawn,
    content: Content,
    rank: Rank,
}

/// A kept document that comes before one of the sample and is as like it as is asked for.
#[derive(Clone, Debug)]
struct Rival {
    number: u64,
    rank: Rank,
    overlap: Overlap,
    by: By,
}

/// What it is alike by; the last is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Containment,
    Jaccard,
    Exact,
}

/// How documents are held against others.
struct Sampling<'a> {
    run: &'a FinishedRun,
    numbers: &'a Numbers<'a>,
    settings: &'a SettingsRecord,
    reading: Reading<'a>,
    keep: KeepOrder,
    protect: &'a HashSet<String>,
    progress: &'a dyn Progress,
}

impl<'a> Sampling<'a> {
    fn new(
        run: &'a FinishedRun,
        numbers: &'a Numbers<'a>,
        protect: &'a HashSet<String>,
        progress: &'a dyn Progress,
    ) -> Result<Sampling<'a>> {
        let settings = &run.summary.settings;
        let keep = super::keep_order(settings)?;
        let mut reading = Reading::of(&run.summary, numbers);
        reading.fields.keep = keep.fields();
        Ok(Sampling { run, numbers, settings, reading, keep, protect, progress })
    }

    /// Walks over all documents; an answer for each of which `work` has one. What is not as the run left it ends it.
    fn walk<T: Send>(
        &self,
        stage: &'static str,
        wanted: impl Iterator<Item = Result<Key>> + Send,
        work: impl Fn(u64, Visit) -> Option<T> + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        self.progress.begin(stage, Unit::Bytes, Some(self.run.summary.bytes.read));
        let mut faults = Faults::default();
        let work =
            |visit: Visit| visit.number.filter(|_| visit.begins).and_then(|number| work(number, visit));
        let take = |_: &mut Faults, found: Option<T>| found.map_or(Ok(()), &mut take);
        walk(self.run, self.numbers, wanted, &mut faults, self.progress, work, take)?;
        match faults.named.into_iter().next() {
            None => Ok(()),
            Some(fault) => Err(Error::Run(format!("{fault}; dittograph verify says what else was changed"))),
        }
    }

    /// The documents of these numbers, as far as they could be read.
    fn collect(&self, drawn: &[u64], workspace: &Workspace, memory_bytes: usize) -> Result<Rows> {
        let mut rows = RowsWriter::new(workspace, "sample", memory_bytes / 8);
        let wanted = drawn.iter().map(|&number| Ok((number, WHOLE)));
        let work =
            |number: u64, visit: Visit| (!visit.wanted.is_empty()).then(|| self.drawn(number, &visit))?;
        self.walk("drawing", wanted, work, |drawn| {
            let row = postcard::to_stdvec(&drawn).map_err(|error| Error::Run(error.to_string()))?;
            rows.push(&row).map(|_| ())
        })?;
        rows.finish()
    }

    fn drawn(&self, number: u64, visit: &Visit) -> Option<Drawn> {
        if !matches!(visit.original.fate, Fate::Kept | Fate::Removed) {
            return None;
        }
        let record =
            parse(self.numbers.input_of(number).format, visit.record(), &self.reading.fields).ok()?;
        let claims = visit.findings.iter().filter_map(|finding| Claim::of(finding, number, 0, self.numbers));
        let mut duplicate = claims.filter(Claim::is_of_documents).map(|claim| Duplicate {
            of: claim.of.0,
            jaccard: claim.jaccard,
            containment: claim.containment,
            contained: claim.contained,
            exact: claim.exact,
        });
        let text = Text {
            text: record.text.into_owned(),
            left_out: self.reading.left_out(&visit.findings),
            within: record.within,
            kept: visit.original.fate == Fate::Kept,
        };
        let (label, url, fields) = (record.id, record.url, record.keep);
        Some(Drawn { number, label, url, fields, text, duplicate: duplicate.next() })
    }

    /// The documents from this row on that fit in memory, one at least; and the row after them.
    fn part(&self, rows: &Rows, first: u64, memory_bytes: usize) -> Result<(Vec<Held>, u64)> {
        let (mut part, mut taken) = (Vec::new(), 0_usize);
        let (mut reader, mut row) = (rows.iter_from(first)?, Vec::new());
        while (part.is_empty() || taken < memory_bytes) && reader.next(&mut row)? {
            let drawn: Drawn = postcard::from_bytes(&row).map_err(|error| Error::Run(error.to_string()))?;
            taken = taken.saturating_add(BYTES_OF_MEMORY * row.len());
            let content = self.content(&drawn.text);
            let Drawn { number, url, fields, label, .. } = &drawn;
            let rank = self.rank(*number, &content, label.as_deref(), url.clone(), fields.clone());
            part.push(Held { drawn, content, rank });
        }
        let end = first + part.len() as u64;
        Ok((part, end))
    }

    fn content(&self, text: &Text) -> Content {
        let (k, seed) = (self.settings.shingle, self.settings.seed);
        let hashes = |words: &Words| -> Vec<u64> {
            words.tokens().into_iter().map(|token| token_hash(token, seed)).collect()
        };
        let (words, thin) = content(text);
        let whole = (!text.left_out.is_empty()).then(|| whole(text));
        let tokens = hashes(&words);
        let sequence = match &whole {
            Some(whole) => sequence(&hashes(whole)),
            None => sequence(&tokens),
        };
        let comparable = !thin && !tokens.is_empty();
        Content { words, whole, set: ShingleSet::of_tokens(&tokens, k, seed), sequence, comparable }
    }

    fn rank(
        &self,
        number: u64,
        content: &Content,
        label: Option<&str>,
        url: Option<String>,
        fields: Vec<Option<String>>,
    ) -> Rank {
        let protected = !self.protect.is_empty()
            && match label {
                Some(label) => self.protect.contains(label),
                None => self.protect.contains(&self.numbers.shown(number)),
            };
        Rank { protected, content_tokens: content.words.tokens().len() as u32, url, fields }
    }

    /// Holds a part of the sample against all kept documents.
    fn hold(&self, part: Vec<Held>, told: &mut Told) -> Result<()> {
        let index = Index::of(&part, self.settings);
        let mut found: Vec<Found> = Vec::new();
        found.resize_with(part.len(), Found::default);
        let work = |number: u64, visit: Visit| self.rivals(number, &visit, &part, &index);
        let mut against = 0;
        self.walk("comparing", std::iter::empty(), work, |rivals| {
            against += 1;
            for (held, rival) in rivals {
                let of = part[held as usize].drawn.duplicate.map(|duplicate| duplicate.of);
                found[held as usize].add(rival, of, &self.keep);
            }
            Ok(())
        })?;
        told.against = against;
        for (held, found) in part.iter().zip(&found) {
            told.add(self.judge(held, found));
        }
        Ok(())
    }

    /// Of which documents of the sample a kept one is a rival; nothing for one that was not kept.
    fn rivals(&self, number: u64, visit: &Visit, part: &[Held], index: &Index) -> Option<Vec<(u32, Rival)>> {
        if visit.original.fate != Fate::Kept {
            return None;
        }
        let record =
            parse(self.numbers.input_of(number).format, visit.record(), &self.reading.fields).ok()?;
        let text = Text {
            text: record.text.into_owned(),
            left_out: self.reading.left_out(&visit.findings),
            within: record.within,
            kept: true,
        };
        let content = self.content(&text);
        let candidates = index.candidates(&content);
        if candidates.is_empty() {
            return Some(Vec::new());
        }
        let rank = self.rank(number, &content, record.id.as_deref(), record.url, record.keep);
        let rival = |candidate: u32| {
            let held = &part[candidate as usize];
            let order = self.keep.compare(&rank, &held.rank).then(number.cmp(&held.drawn.number));
            let compared = order == Ordering::Less && held.drawn.text.within == text.within;
            let (overlap, by) = self.measure(held, &content).filter(|_| compared)?;
            Some((candidate, Rival { number, rank: rank.clone(), overlap, by }))
        };
        Some(candidates.into_iter().filter_map(rival).collect())
    }

    /// How like a document of the sample another one is, where it is enough: told by hashes first, then by the tokens.
    fn measure(&self, held: &Held, other: &Content) -> Option<(Overlap, By)> {
        let own = &held.content;
        if own.sequence.is_some() && own.sequence == other.sequence && own.whole() == other.whole() {
            return Some((Overlap { shared: 1, ..Overlap::default() }, By::Exact));
        }
        if !own.comparable || !other.comparable {
            return None;
        }
        let (least, contained) = (self.settings.min_similarity, self.settings.min_containment);
        let by_hashes = overlap_at_least(&own.set, &other.set, least)
            .or_else(|| containment_at_least(&own.set, &other.set, contained?));
        by_hashes?;
        let [tokens, others] = [own, other].map(|content| content.words.tokens());
        let overlap = overlap_of_tokens(&tokens, &others, self.settings.shingle);
        let shorter = tokens.len() < others.len();
        if overlap.reaches(least) {
            Some((overlap, By::Jaccard))
        } else if shorter && contained.is_some_and(|contained| overlap.left_is_contained(contained)) {
            Some((overlap, By::Containment))
        } else {
            None
        }
    }

    /// Whether a document of the sample became what it should have, given all its rivals.
    fn judge(&self, held: &Held, found: &Found) -> Outcome {
        let own = self.numbers.shown(held.drawn.number);
        let best = found.best.as_ref();
        let named = |rival: &Rival| self.numbers.shown(rival.number);
        let Some(duplicate) = held.drawn.duplicate.filter(|_| !held.drawn.text.kept) else {
            return match best.filter(|_| held.drawn.text.kept && !held.rank.protected) {
                Some(best) if best.by == By::Exact => Outcome::Fault(format!(
                    "{own}: was kept, but {} has the same tokens, was kept and comes before it",
                    named(best)
                )),
                Some(best) => Outcome::Missed(
                    best.by,
                    format!("{own} was kept beside {} ({})", named(best), best.likeness()),
                ),
                None => Outcome::Alone,
            };
        };
        let of = self.numbers.shown(duplicate.of);
        if held.rank.protected {
            return Outcome::Fault(format!("{own}: was removed, but is protected"));
        }
        let (Some(best), Some(witness)) = (best, &found.witness) else {
            return Outcome::Fault(format!(
                "{own}: its witness {of} does not come before it in keep order, or is not as like it as is asked for"
            ));
        };
        let by = match (duplicate.exact, duplicate.contained) {
            (true, _) => By::Exact,
            (false, false) => By::Jaccard,
            (false, true) => By::Containment,
        };
        let (told, measured) = match by {
            By::Containment => (duplicate.containment, witness.overlap.containment_of_left()),
            _ => (duplicate.jaccard, witness.overlap.jaccard()),
        };
        if witness.by != by || (told - measured).abs() > TOLERANCE {
            return Outcome::Fault(format!("{own}: is not as like {of} as it says: {}", witness.likeness()));
        }
        if best.number == duplicate.of {
            return Outcome::Found(by);
        }
        let better = format!("{} comes before it and is preferred ({})", named(best), best.likeness());
        match best.by {
            By::Exact => Outcome::Fault(format!("{own}: its witness is {of}, but {better}")),
            by => Outcome::Missed(by, format!("{own} was removed because of {of}, but {better}")),
        }
    }
}

/// Hash of a sequence of token hashes.
fn sequence(tokens: &[u64]) -> Option<u128> {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    (!bytes.is_empty()).then(|| xxh3_128(&bytes))
}

impl Content {
    fn whole(&self) -> &Words {
        self.whole.as_ref().unwrap_or(&self.words)
    }
}

impl Rival {
    fn likeness(&self) -> String {
        match self.by {
            By::Exact => "the same tokens".to_owned(),
            By::Jaccard => format!("similarity {}", self.overlap.jaccard()),
            By::Containment => format!("containment {}", self.overlap.containment_of_left()),
        }
    }

    /// How much of it there is, by what it is alike by.
    fn value(&self) -> f64 {
        match self.by {
            By::Exact => 1.0,
            By::Jaccard => self.overlap.jaccard(),
            By::Containment => self.overlap.containment_of_left(),
        }
    }
}

/// What was found of a document of the sample.
#[derive(Default)]
struct Found {
    /// The rival that should be its witness.
    best: Option<Rival>,
    /// The rival that is.
    witness: Option<Rival>,
}

impl Found {
    fn add(&mut self, rival: Rival, witness: Option<u64>, keep: &KeepOrder) {
        if witness == Some(rival.number) {
            self.witness = Some(rival.clone());
        }
        let is_better = self.best.as_ref().is_none_or(|best| {
            let preferred = rival.by.cmp(&best.by).then(rival.value().total_cmp(&best.value()));
            let first = keep.compare(&best.rank, &rival.rank).then(best.number.cmp(&rival.number));
            preferred.then(first) == Ordering::Greater
        });
        if is_better {
            self.best = Some(rival);
        }
    }
}

/// Under which shingles, and which whole sequences, documents of the sample are found.
struct Index {
    shingles: HashMap<u64, Vec<u32>>,
    /// Two bits of each of these shingles, so that most others are turned away at once.
    sieve: Vec<u64>,
    sequences: HashMap<u128, Vec<u32>>,
}

impl Index {
    fn of(part: &[Held], settings: &SettingsRecord) -> Index {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        let comparable = || part.iter().zip(0_u32..).filter(|(held, _)| held.content.comparable);
        for (held, _) in comparable() {
            held.content.set.hashes().iter().for_each(|&shingle| *counts.entry(shingle).or_default() += 1);
        }
        let mut shingles: HashMap<u64, Vec<u32>> = HashMap::new();
        let mut rarest: Vec<(u32, u64)> = Vec::new();
        for (held, number) in comparable() {
            rarest.clear();
            let hashes = held.content.set.hashes();
            rarest.extend(hashes.iter().map(|&shingle| (counts[&shingle], shingle)));
            rarest.sort_unstable();
            rarest.truncate(listed(hashes.len(), settings));
            rarest.iter().for_each(|&(_, shingle)| shingles.entry(shingle).or_default().push(number));
        }
        let mut sequences: HashMap<u128, Vec<u32>> = HashMap::new();
        for (held, number) in part.iter().zip(0..) {
            if let Some(sequence) = held.content.sequence {
                sequences.entry(sequence).or_default().push(number);
            }
        }
        let words = (shingles.len() / 4).next_power_of_two();
        let mut sieve = vec![0; words];
        shingles.keys().for_each(|&shingle| sieve[word(shingle, words)] |= bits(shingle));
        Index { shingles, sieve, sequences }
    }

    /// The documents of the sample that may be alike with this one, ascending.
    fn candidates(&self, content: &Content) -> Vec<u32> {
        let same = content.sequence.and_then(|sequence| self.sequences.get(&sequence));
        let mut found: Vec<u32> = same.into_iter().flatten().copied().collect();
        for shingle in content.set.hashes().iter().filter(|_| content.comparable) {
            let bits = bits(*shingle);
            if self.sieve[word(*shingle, self.sieve.len())] & bits == bits {
                found.extend(self.shingles.get(shingle).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Which word of the sieve a shingle is in.
fn word(shingle: u64, words: usize) -> usize {
    (shingle >> 12) as usize & (words - 1)
}

/// Its bits there.
fn bits(shingle: u64) -> u64 {
    1 << (shingle & 63) | 1 << (shingle >> 6 & 63)
}

/// Of how many shingles of `n` one must be in any set that is as like as is asked for.
fn listed(n: usize, settings: &SettingsRecord) -> usize {
    let least = settings.min_containment.map_or(settings.min_similarity, |c| c.min(settings.min_similarity));
    // A margin far above any rounding: at worst one more is listed.
    let needed = (least.clamp(0.0, 1.0) * n as f64 * (1.0 - 1e-12)).ceil() as usize;
    n - needed.clamp(1, n.max(1)).min(n) + usize::from(n > 0)
}

/// What became of a document of the sample.
enum Outcome {
    /// Nothing is like it.
    Alone,
    /// Its witness is the best one.
    Found(By),
    /// A better one was missed.
    Missed(By, String),
    Fault(String),
}

/// The outcomes so far.
#[derive(Default)]
struct Told {
    against: u64,
    alike: [u64; 3],
    missed: [u64; 3],
    named: Vec<String>,
    faults: Faults,
}

impl Told {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Alone => {}
            Outcome::Found(by) => self.alike[by as usize] += 1,
            Outcome::Missed(by, what) => {
                self.alike[by as usize] += 1;
                self.missed[by as usize] += 1;
                if self.named.len() < NAMED {
                    self.named.push(what);
                }
            }
            Outcome::Fault(fault) => self.faults.add(fault),
        }
    }

    fn sampled(mut self, run: &FinishedRun, documents: u64) -> Sampled {
        let (recall, exact) = (&run.summary.recall, run.summary.settings.exact);
        let similarity = self.sought(By::Jaccard, if exact { 0.0 } else { recall.miss_at_threshold });
        if at_least(similarity.missed, similarity.alike, similarity.promised) < SIGNIFICANT {
            self.faults.add(format!(
                "of {} documents that a kept one is alike with, {} missed the likest one; promised is a share of {} at most",
                similarity.alike, similarity.missed, similarity.promised
            ));
        }
        // What is in more documents than an index lists may be missed beside what is promised of a lone pair, so that
        // there is no telling what is too many; but for a run that was to miss none.
        let containment = recall
            .containment
            .as_ref()
            .map(|recall| self.sought(By::Containment, if exact { 0.0 } else { recall.miss_at_threshold }));
        if let Some(missed) = containment.map(|sought| sought.missed).filter(|missed| exact && *missed > 0) {
            self.faults.add(format!("{missed} documents that a kept one contains were missed, with --exact"));
        }
        Sampled {
            documents,
            against: self.against,
            similarity,
            containment,
            missed: self.named,
            faults: self.faults.named,
            more_faults: self.faults.more,
        }
    }

    fn sought(&self, by: By, promised: f64) -> Sought {
        let (alike, missed) = (self.alike[by as usize], self.missed[by as usize]);
        Sought { alike, missed, miss_rate: Share::of_counts(missed, alike), promised }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_of_each_stretch_is_drawn() {
        for (count, documents) in [(0, 5), (7, 0), (7, 3), (7, 7), (7, 100), (u64::MAX - 1, 3)] {
            let drawn = draw(count, documents, 9);
            assert_eq!(drawn.len() as u64, documents.min(count));
            assert!(drawn.is_sorted_by(|a, b| a < b) && drawn.iter().all(|number| *number < count));
        }
        assert_eq!(draw(5, 5, 1), [0, 1, 2, 3, 4]);
        assert_ne!(draw(1 << 40, 4, 1), draw(1 << 40, 4, 2));
    }
}
