//! Are the removed documents duplicates, as a person sees it?
//!
//! A finished run in; some of its near-duplicates out, each beside the kept document because of which it went; then a
//! person's judgements in, and a precision with its interval out. Exact copies are left aside: there is nothing to see.
//!
//! The removed documents are parted by how much they are like their witness: four bands from the threshold to 1, and what
//! was removed by containment. Of each band those are drawn whose place has the least hash, so that a larger draw holds a
//! smaller one; half of all come from the band above the threshold, where wrong removals are to be expected, and each counts
//! for as many as its band has for each that was judged. Of `y` yes among `n` answers in a band of `W` of all, the precision
//! is the sum of `W · y / n`; its interval is Wilson's for an even sample of 1 / sum(W² / n) answers (Kish).
//!
//! Time: two reads of the findings and one of the shards that a text is in. Memory: the texts of what was drawn.

use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::path::Path;

use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::claims::Claim;
use super::interval::{Share, effective_size};
use super::numbers::Numbers;
use super::records::for_each_finding;
use crate::corpus::Inputs;
use crate::error::{Error, Result};
use crate::findings::{Answer, Comparison, Finding, Judgement};
use crate::output::{SUMMARY, hex128};
use crate::pipeline::explain::Archive;
use crate::pipeline::progress::{Progress, Unit};

/// Removed documents that were drawn for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// Which run it is: a hash of its summary.
    pub run: String,
    /// The bands; those without documents are left out.
    pub bands: Vec<Band>,
    /// How many exact copies were removed.
    pub exact: u64,
    /// What was drawn, in the order in which it is to be judged: wherever a person stops, all bands were seen.
    pub pairs: Vec<DrawnPair>,
}

/// Removed documents that are about as like their witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Band {
    /// What it is called.
    pub name: String,
    /// How many removed documents are in it.
    pub documents: u64,
}

/// A removed document beside its witness.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnPair {
    /// The name of its band.
    pub band: String,
    /// The removed document and the kept one.
    pub two: Comparison,
}

/// What the judgements say of all that was removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Precision {
    /// Of the near-duplicates in bands that were judged, the share that are duplicates.
    pub precision: Share,
    /// The same with all exact copies, which are.
    pub with_exact: Share,
    /// How many exact copies were removed.
    pub exact: u64,
    /// How many near-duplicates are in bands of which none was judged, and about which nothing is said.
    pub unjudged: u64,
    /// How many were skipped.
    pub skipped: u64,
    /// The bands.
    pub bands: Vec<JudgedBand>,
}

/// What was said of a band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedBand {
    /// The band.
    #[serde(flatten)]
    pub band: Band,
    /// How many of it are duplicates.
    pub yes: u64,
    /// How many are none.
    pub no: u64,
}

/// How many of the drawn come from each band where all have enough: the four from the threshold on, and containment.
const PARTS: [u64; 5] = [4, 2, 1, 1, 4];

/// The number of the band of what was removed by containment.
const CONTAINED: usize = 4;

/// Draws `documents` near-duplicates of a finished run, or as many as there are. `inputs` are what it read, for runs whose
/// DIR holds no texts.
///
/// # Errors
/// Where DIR is no finished run or its findings cannot be read, or a text is not at hand.
pub fn draw(dir: &Path, documents: u64, inputs: Option<&Inputs>, progress: &dyn Progress) -> Result<Draw> {
    let mut archive = Archive::open(dir, inputs)?;
    let path = dir.join(SUMMARY);
    let run = hex128(xxh3_128(&std::fs::read(&path).map_err(Error::io(&path))?));
    let summary = archive.run().summary.clone();
    let numbers = Numbers::of(&summary)?;
    progress.begin("drawing", Unit::Documents, None);
    let mut lots = Lots::new(summary.settings.min_similarity, summary.settings.seed, documents);
    for input in numbers.inputs() {
        for_each_finding(archive.run(), input, |line, finding| {
            let number = numbers.number(&finding.shard, finding.ordinal);
            let claim = number.and_then(|number| Claim::of(&finding, number, line, &numbers));
            claim.filter(Claim::is_of_documents).into_iter().for_each(|claim| lots.add(&claim));
            Ok(())
        })?;
    }
    let bands = lots.bands();
    let drawn = lots.drawn(documents);
    let wanted: BTreeSet<u64> = drawn.iter().flat_map(|(_, lot)| [lot.document, lot.of]).collect();
    let findings = findings_of(&archive, &numbers, &wanted)?;
    let names: Vec<String> = drawn
        .iter()
        .flat_map(|(_, lot)| [lot.document, lot.of].map(|number| numbers.shown(number)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = archive.find(&names, progress)?;
    let said = |number: u64| findings.get(&number).cloned().unwrap_or_default();
    let mut pairs = Vec::with_capacity(drawn.len());
    for ((band, lot), two) in drawn.iter().zip(found.chunks(2)) {
        let [removed, witness] = two else { continue };
        let [a, b] = [(removed, lot.document), (witness, lot.of)]
            .map(|(found, number)| archive.briefly(found, said(number)));
        if let Some(reason) = a.no_text.as_ref().or(b.no_text.as_ref()) {
            return Err(Error::Run(format!("there is nothing to judge by: {reason}")));
        }
        let two = archive.compared([removed, witness], a, b);
        pairs.push(DrawnPair { band: BANDS[*band].to_owned(), two });
    }
    let exact = lots.exact;
    Ok(Draw { run, bands, exact, pairs })
}

/// What findings say of these documents.
fn findings_of(
    archive: &Archive,
    numbers: &Numbers,
    wanted: &BTreeSet<u64>,
) -> Result<HashMap<u64, Vec<Finding>>> {
    let mut found: HashMap<u64, Vec<Finding>> = HashMap::new();
    let shards: BTreeSet<usize> = wanted.iter().map(|number| numbers.place(*number).0).collect();
    for shard in shards {
        for_each_finding(archive.run(), &numbers.inputs()[shard], |_, finding| {
            let number = numbers.number(&finding.shard, finding.ordinal);
            if let Some(number) = number.filter(|number| wanted.contains(number)) {
                found.entry(number).or_default().push(finding);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// What the bands are called. Quarters of the way from the threshold to 1.
const BANDS: [&str; 5] =
    ["lowest quarter", "second quarter", "third quarter", "highest quarter", "contained"];

/// A removed document; those with the least hash are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lot {
    hash: u64,
    document: u64,
    of: u64,
}

/// The removed documents of each band as they come by.
struct Lots {
    min_similarity: f64,
    seed: u64,
    most: usize,
    exact: u64,
    counts: [u64; 5],
    least: [BinaryHeap<Lot>; 5],
}

impl Lots {
    fn new(min_similarity: f64, seed: u64, documents: u64) -> Lots {
        let most = usize::try_from(documents).unwrap_or(usize::MAX);
        Lots { min_similarity, seed, most, exact: 0, counts: [0; 5], least: Default::default() }
    }

    fn add(&mut self, claim: &Claim) {
        if claim.exact {
            self.exact += 1;
            return;
        }
        let band = if claim.contained { CONTAINED } else { self.quarter(claim.jaccard) };
        let (document, of) = (claim.own.0, claim.of.0);
        let hash = xxh3_64_with_seed(&document.to_le_bytes(), self.seed);
        self.counts[band] += 1;
        self.least[band].push(Lot { hash, document, of });
        if self.least[band].len() > self.most {
            self.least[band].pop();
        }
    }

    fn quarter(&self, jaccard: f64) -> usize {
        let way = (jaccard - self.min_similarity) / (1.0 - self.min_similarity);
        (way * 4.0).clamp(0.0, 3.0) as usize // a NaN, where all are 1, is the lowest
    }

    fn bands(&self) -> Vec<Band> {
        let band = |(name, &documents): (&&str, &u64)| Band { name: (*name).to_owned(), documents };
        BANDS.iter().zip(&self.counts).map(band).filter(|band| band.documents > 0).collect()
    }

    /// So many of all bands, with the numbers of their bands, mixed.
    fn drawn(&mut self, documents: u64) -> Vec<(usize, Lot)> {
        let quotas = quotas(documents, &self.counts);
        let mut drawn: Vec<(f64, usize, Lot)> = Vec::new();
        for (band, heap) in self.least.iter_mut().enumerate() {
            let lots = std::mem::take(heap).into_sorted_vec();
            let quota = quotas[band];
            let place = |number: usize| (number as f64 + 0.5) / quota.max(1) as f64;
            let some = lots.into_iter().take(usize::try_from(quota).unwrap_or(usize::MAX)).enumerate();
            drawn.extend(some.map(|(number, lot)| (place(number), band, lot)));
        }
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        drawn.into_iter().map(|(_, band, lot)| (band, lot)).collect()
    }
}

/// How many are taken of each band: by [`PARTS`], and what a band has not, of the others.
fn quotas(documents: u64, counts: &[u64; 5]) -> [u64; 5] {
    let mut quotas = [0; 5];
    let mut left = documents.min(counts.iter().sum());
    while left > 0 {
        let open = |band: &usize| quotas[*band] < counts[*band];
        let parts: u64 = (0..5).filter(open).map(|band| PARTS[band]).sum();
        let round = left;
        for band in (0..5).filter(open).collect::<Vec<_>>() {
            // One at least, so that every round comes nearer to the end.
            let share = (u128::from(round) * u128::from(PARTS[band]) / u128::from(parts)).max(1) as u64;
            let taken = share.min(counts[band] - quotas[band]).min(left);
            quotas[band] += taken;
            left -= taken;
        }
    }
    quotas
}

/// What these judgements say of what was removed. Of two on one document the later one counts; those of other runs are an
/// error.
///
/// # Errors
/// Where judgements are of another run.
pub fn precision(draw: &Draw, judgements: &[Judgement]) -> Result<Precision> {
    let mut answers: HashMap<(&str, u64), (&str, Answer)> = HashMap::new();
    for judgement in judgements {
        if judgement.run != draw.run {
            return Err(Error::Run(
                "these judgements are of another run; name another file with --judgements".to_owned(),
            ));
        }
        let doc = (judgement.doc.shard.as_str(), judgement.doc.ordinal);
        answers.insert(doc, (judgement.band.as_str(), judgement.answer));
    }
    let count =
        |band: &str, answer: Answer| answers.values().filter(|said| **said == (band, answer)).count() as u64;
    let judged = |band: &Band| JudgedBand {
        band: band.clone(),
        yes: count(&band.name, Answer::Yes),
        no: count(&band.name, Answer::No),
    };
    let bands: Vec<JudgedBand> = draw.bands.iter().map(judged).collect();
    let (seen, unseen): (Vec<&JudgedBand>, Vec<&JudgedBand>) =
        bands.iter().partition(|judged| judged.yes + judged.no > 0);
    let documents: u64 = seen.iter().map(|judged| judged.band.documents).sum();
    let weight = |judged: &JudgedBand| judged.band.documents as f64 / documents.max(1) as f64;
    let share: f64 =
        seen.iter().map(|judged| weight(judged) * judged.yes as f64 / (judged.yes + judged.no) as f64).sum();
    let size = effective_size(seen.iter().map(|judged| (weight(judged), judged.yes + judged.no)));
    // A sum of weights may lie a last digit beyond 1.
    let precision = Share::of(share.min(1.0), size);
    let (exact, near) = (draw.exact as f64, documents as f64);
    let with = |share: f64| if exact + near > 0.0 { (exact + near * share) / (exact + near) } else { 0.0 };
    Ok(Precision {
        precision,
        with_exact: Share {
            share: with(precision.share),
            low: with(precision.low),
            high: with(precision.high),
        },
        exact: draw.exact,
        unjudged: unseen.iter().map(|judged| judged.band.documents).sum(),
        skipped: answers.values().filter(|(_, answer)| *answer == Answer::Skip).count() as u64,
        bands,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Reference;

    #[track_caller]
    fn check_quotas(documents: u64, counts: [u64; 5], expected: [u64; 5]) {
        assert_eq!(quotas(documents, &counts), expected, "{documents} of {counts:?}");
    }

    #[test]
    fn most_come_from_the_band_above_the_threshold() {
        check_quotas(80, [1000, 1000, 1000, 1000, 0], [40, 20, 10, 10, 0]);
        check_quotas(12, [1000, 1000, 1000, 1000, 1000], [4, 2, 1, 1, 4]);
        check_quotas(80, [4, 1000, 1000, 1000, 0], [4, 38, 19, 19, 0]);
        check_quotas(100, [3, 2, 0, 1, 0], [3, 2, 0, 1, 0]);
        check_quotas(1, [0, 0, 5, 5, 0], [0, 0, 1, 0, 0]);
        check_quotas(0, [5; 5], [0; 5]);
    }

    fn claim(number: u64, jaccard: f64) -> Claim {
        let own = (number, super::super::walk::WHOLE);
        let of = (1000, own.1);
        Claim { own, of, jaccard, containment: jaccard, line: 1, contained: false, exact: false }
    }

    #[test]
    fn a_larger_draw_holds_a_smaller_one() {
        let draw = |documents| {
            let mut lots = Lots::new(0.8, 7, documents);
            (0..200).for_each(|number| lots.add(&claim(number, 0.8 + number as f64 / 1000.0)));
            lots.add(&Claim { exact: true, ..claim(500, 1.0) });
            assert_eq!((lots.exact, lots.counts), (1, [50, 50, 50, 50, 0]));
            lots.drawn(documents)
        };
        let (small, large) = (draw(16), draw(40));
        assert_eq!((small.len(), large.len()), (16, 40));
        assert!(small.iter().all(|lot| large.contains(lot)));
        let of_band = |band| small.iter().filter(|lot| lot.0 == band).count();
        assert_eq!([0, 1, 2, 3].map(of_band), [8, 4, 2, 2]);
        // All bands come soon.
        assert!([0, 1, 2, 3].iter().all(|band| small[..8].iter().any(|lot| lot.0 == *band)));
    }

    #[test]
    fn each_band_weighs_what_it_has() {
        let band = |name: &str, documents| Band { name: name.to_owned(), documents };
        let draw = Draw {
            run: "r".to_owned(),
            bands: vec![band(BANDS[0], 100), band(BANDS[3], 300), band(BANDS[4], 7)],
            exact: 100,
            pairs: Vec::new(),
        };
        let reference =
            |ordinal| Reference { id: String::new(), shard: "s".to_owned(), ordinal, paragraph: None };
        let judgement = |ordinal, band: &str, answer| Judgement {
            run: "r".to_owned(),
            doc: reference(ordinal),
            of: reference(99),
            band: band.to_owned(),
            answer,
        };
        let mut judgements: Vec<Judgement> = (0..10)
            .map(|place| judgement(place, BANDS[0], if place < 5 { Answer::Yes } else { Answer::No }))
            .chain((10..20).map(|place| judgement(place, BANDS[3], Answer::Yes)))
            .collect();
        judgements.push(judgement(20, BANDS[3], Answer::Skip));
        judgements.insert(0, judgement(11, BANDS[3], Answer::No)); // thought better of
        let found = precision(&draw, &judgements).unwrap();
        assert!((found.precision.share - (0.25 * 0.5 + 0.75)).abs() < 1e-12);
        // 1 / (1/16 / 10 + 9/16 / 10) = 16 answers
        assert_eq!(found.precision, Share::of(found.precision.share, 16.0));
        assert!((found.with_exact.share - (100.0 + 400.0 * 0.875) / 500.0).abs() < 1e-12);
        assert_eq!((found.unjudged, found.skipped, found.exact), (7, 1, 100));
        assert_eq!((found.bands[0].yes, found.bands[0].no), (5, 5));
        let none = precision(&draw, &[]).unwrap();
        assert_eq!((none.precision.low, none.precision.high, none.unjudged), (0.0, 1.0, 407));
        judgements[0].run = "another".to_owned();
        assert!(precision(&draw, &judgements).unwrap_err().to_string().contains("another run"));
    }
}
