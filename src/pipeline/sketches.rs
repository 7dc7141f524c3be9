//! What is remembered of all documents so that those to be compared can be found?
//!
//! [`Contents`] in, [`Sketches`] out: for each content that is compared its signature, size and group, at a *slot* of its
//! own, and for each document its slot. Exact copies that have the same content, too, share one. Then [`Company`]: the
//! buckets that several slots share. Who has no company is nobody's candidate and is not looked at again.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::contents::Contents;
use super::copies::{Copies, group_of};
use super::settings::{CandidateSource, CompareSettings};
use crate::candidates::{Band, Keyed, Relation, Sieve, in_group};
use crate::sketch::{Screening, Signatures};

/// Documents that are sketched together.
const BLOCK: usize = 1 << 10;

/// Stands for "no slot".
const NONE: u32 = u32::MAX;

/// The sketches of all documents that are compared.
///
/// Memory: 4 bytes a document; for each slot 4, and what [`Signatures`] take; with `--exact` 8 alone.
#[derive(Debug)]
pub struct Sketches {
    relation: Relation,
    /// For each document its slot, or `NONE`.
    slots: Vec<u32>,
    /// By slot.
    groups: Vec<u32>,
    /// By slot: how many shingles, at the most.
    sizes: Vec<u32>,
    /// By slot; absent with `--exact`.
    signatures: Option<Signatures>,
}

impl Sketches {
    /// Of the documents that are comparable. Cost: the tokens of copies are hashed once more; all others are signed.
    pub fn of(contents: &Contents, settings: &CompareSettings, copies: &Copies) -> Sketches {
        let twins = twins(contents, copies);
        let documents: Vec<u32> = (0..contents.len())
            .into_par_iter()
            .filter(|&document| twins[document as usize] == document && contents.comparable(document))
            .collect();
        let mut slots = vec![NONE; contents.len() as usize];
        documents.iter().zip(0..).for_each(|(&document, slot)| slots[document as usize] = slot);
        for document in 0..slots.len() {
            slots[document] = slots[twins[document] as usize];
        }
        let groups = documents.par_iter().map(|&document| group_of(contents, document)).collect();
        let (relation, sizes, signatures) = match settings.candidates {
            CandidateSource::Exact => {
                let size = |&document: &u32| contents.token_count(document) as u32;
                (Relation::All(settings.min_similarity), documents.iter().map(size).collect(), None)
            }
            CandidateSource::Signatures => {
                let screening = screening(settings.min_similarity);
                let signatures = signed(contents, settings, screening, &documents);
                (Relation::Screened(screening), signatures.shingles().to_vec(), Some(signatures))
            }
        };
        Sketches { relation, slots, groups, sizes, signatures }
    }

    /// What makes two of them a candidate pair.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// The slot of a document; `None` where it is not compared.
    pub fn slot(&self, document: u32) -> Option<u32> {
        Some(self.slots[document as usize]).filter(|slot| *slot != NONE)
    }

    /// How many slots.
    pub fn len(&self) -> u32 {
        self.sizes.len() as u32
    }

    /// The group of a slot.
    pub fn group(&self, slot: u32) -> u32 {
        self.groups[slot as usize]
    }

    /// How many shingles a slot has, at the most.
    pub fn size(&self, slot: u32) -> u32 {
        self.sizes[slot as usize]
    }

    /// The low bytes of a slot's signature; none with `--exact`.
    pub fn bytes(&self, slot: u32) -> &[u8] {
        self.signatures.as_ref().map_or(&[], |signatures| signatures.bytes(slot as usize))
    }

    /// The same with so few bands that many pairs are missed.
    #[cfg(test)]
    pub fn with_bands(mut self, bands: u16) -> Sketches {
        if let Relation::Screened(screening) = &mut self.relation {
            screening.banding.bands = bands;
        }
        self
    }

    /// Whether two slots are a candidate pair, by the definition.
    #[cfg(test)]
    pub fn is_candidate_pair(&self, a: u32, b: u32) -> bool {
        let Relation::Screened(screening) = &self.relation else { return true };
        let key = |band, slot: u32| self.keys(band).nth(slot as usize);
        let [fewer, more] = [self.size(a).min(self.size(b)), self.size(a).max(self.size(b))];
        (0..self.relation.bands()).any(|band| key(band, a) == key(band, b))
            && f64::from(fewer) >= screening.similarity * f64::from(more)
            && screening.prefilter.passes(self.bytes(a), self.bytes(b))
    }

    /// The keys of a band in the groups of their slots, by slot.
    fn keys(&self, band: usize) -> impl Iterator<Item = u64> {
        let keys = self.signatures.as_ref().map_or(&[][..], |signatures| signatures.keys(band));
        keys.iter().zip(&self.groups).map(|(&key, &group)| in_group(key, group))
    }
}

/// The screening for a threshold. Outside of 0.5 to 1, which the settings exclude, that for 0.5: more is measured, and
/// what is measured decides.
pub fn screening(min_similarity: f64) -> Screening {
    let chosen = [min_similarity, 0.5].into_iter().find_map(Screening::for_similarity);
    chosen.unwrap_or_else(|| unreachable!("0.5 is in the range"))
}

fn signed(
    contents: &Contents,
    settings: &CompareSettings,
    screening: Screening,
    documents: &[u32],
) -> Signatures {
    let sign = |block: &[u32]| {
        let mut signatures = Signatures::new(screening, settings.seed);
        block.iter().for_each(|&document| signatures.push(&contents.make_set(document)));
        signatures
    };
    let parts: Vec<Signatures> = documents.par_chunks(BLOCK).map(sign).collect();
    let mut signatures = Signatures::new(screening, settings.seed);
    parts.into_iter().for_each(|part| signatures.append(part));
    signatures
}

/// For each document the first of its exact copies that has the same content; itself where there is none. (Copies of one
/// text may stand under the templates of different sites.)
fn twins(contents: &Contents, copies: &Copies) -> Vec<u32> {
    let mut twins: Vec<u32> = (0..contents.len()).collect();
    let mut has_copies = vec![false; twins.len()];
    for document in 0..contents.len() {
        if copies.first(document) != document {
            has_copies[document as usize] = true;
            has_copies[copies.first(document) as usize] = true;
        }
    }
    let mut keyed: Vec<(u32, u128, u32)> = (0..contents.len())
        .into_par_iter()
        .filter(|&document| has_copies[document as usize] && contents.comparable(document))
        .map(|document| (copies.first(document), content_hash(contents, document), document))
        .collect();
    keyed.par_sort_unstable();
    for same in keyed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        same.iter().for_each(|&(_, _, document)| twins[document as usize] = same[0].2);
    }
    twins
}

/// A hash of a document's content.
pub fn content_hash(contents: &Contents, document: u32) -> u128 {
    let bytes: Vec<u8> = contents.tokens(document).iter().flat_map(|token| token.to_le_bytes()).collect();
    xxh3_128(&bytes)
}

/// Who shares buckets with others, band by band.
///
/// Memory: 8 bytes for each bucket that a slot shares; while a band is looked through, two more a slot, and 16 for each
/// key that may be shared, for each thread.
pub struct Company {
    /// The buckets of each band, and the number of the first of them among all.
    bands: Vec<(Band, u32)>,
    /// A slot for which somebody has company.
    has: Vec<bool>,
}

impl Company {
    /// Of all slots; `crowd`: members from which on a bucket is called crowded. With `--exact` everyone is company.
    pub fn of(sketches: &Sketches, crowd: u32) -> Company {
        let bands: Vec<Band> = (0..sketches.relation.bands())
            .into_par_iter()
            .map(|band| {
                let mut sieve = Sieve::new(sketches.len());
                sketches.keys(band).for_each(|key| sieve.note(key));
                let keyed = sketches.keys(band).zip(0..).map(|(key, slot)| Keyed { key, slot });
                Band::of(keyed.filter(|keyed| sieve.may_be_shared(keyed.key)).collect(), crowd)
            })
            .collect();
        let mut has = vec![matches!(sketches.relation, Relation::All(_)); sketches.len() as usize];
        for member in bands.iter().flat_map(|band| &band.members) {
            has[member.slot as usize] = true;
        }
        let mut before = 0;
        let numbered = bands.into_iter().map(|band| {
            let first = before;
            before += band.buckets;
            (band, first)
        });
        Company { bands: numbered.collect(), has }
    }

    /// The same, with everyone in it.
    pub fn and_all_others(mut self) -> Company {
        self.has.fill(true);
        self
    }

    /// Whether the slot has company.
    pub fn has(&self, slot: u32) -> bool {
        self.has[slot as usize]
    }

    /// The buckets of each band, and the number of the first of them among all.
    pub fn into_bands(self) -> Vec<(Band, u32)> {
        self.bands
    }
}
