//! What is remembered of all documents so that those to be compared can be found?
//!
//! [`Contents`] in, [`Sketches`] out: for each content that is compared its signature, size and group, at a *slot* of its
//! own, and for each document its slot. Exact copies that have the same content, too, share one.
//!
//! Signatures wait in a store, in blocks: all that is one band's stands together in each. Nothing is lost where copies get
//! slots of their own: they are looked up each for itself then.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::by_site::{Block, for_each_block};
use super::contents::Contents;
use super::copies::{Copies, group_of};
use super::course::{Keeping, Stored, column, unpacked};
use super::firsts::{Firsts, Ranked};
use super::means::Means;
use super::settings::{CandidateSource, CompareSettings};
use crate::candidates::{Relation, in_group};
use crate::error::Result;
use crate::sketch::{Screening, Signatures};
use crate::store::{SavedBytes, SavedColumn, Sealed, Sorter, Spool, Workspace};

/// Documents whose contents are hashed together.
const HASHED: usize = 1 << 12;

/// Stands for "no slot".
const NONE: u32 = u32::MAX;

/// The sketches of all documents that are compared.
///
/// Memory: 4 bytes a document; the store takes a quarter of the comparison's. Disk: for each slot 8 bytes, 5 a band, and
/// one a function: 261 at a threshold of 0.8.
#[derive(Debug)]
pub struct Sketches {
    relation: Relation,
    /// For each document its slot, or `NONE`.
    slots: Vec<u32>,
    blocks: Vec<Slots>,
    /// Of each block: groups and sizes, bytes row by row, keys band by band.
    stored: Sealed,
    workspace: Workspace,
}

/// Where the slots of a block stand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Slots {
    first: u32,
    slots: u32,
    offset: u64,
}

/// Slots that follow each other, without their keys.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    first: u32,
    functions: usize,
    groups: Vec<u32>,
    sizes: Vec<u32>,
    bytes: Vec<u8>,
}

impl Heads {
    /// Group, size and bytes of a slot, if it is one of these.
    pub fn of(&self, slot: u32) -> Option<(u32, u32, &[u8])> {
        let at = slot.checked_sub(self.first)? as usize;
        let bytes = self.bytes.get(at * self.functions..(at + 1) * self.functions)?;
        Some((*self.groups.get(at)?, *self.sizes.get(at)?, bytes))
    }
}

/// Takes sketches, in any order of documents.
pub struct SketchesWriter {
    relation: Relation,
    slots: Vec<u32>,
    blocks: Vec<Slots>,
    next: u32,
    spool: Spool,
    workspace: Workspace,
}

impl SketchesWriter {
    /// None yet, of `documents`. They take up to `memory_bytes` of memory.
    pub fn new(
        workspace: &Workspace,
        relation: Relation,
        documents: u32,
        memory_bytes: usize,
    ) -> SketchesWriter {
        SketchesWriter {
            relation,
            slots: vec![NONE; documents as usize],
            blocks: Vec::new(),
            next: 0,
            spool: Spool::new(workspace, "sketches", memory_bytes),
            workspace: workspace.clone(),
        }
    }

    /// Gives slots to these documents, of these groups and signatures (none, but sizes, where every pair is a candidate).
    /// Some hundred at a time are well.
    pub fn push(
        &mut self,
        documents: &[u32],
        groups: &[u32],
        sizes: &[u32],
        signatures: Option<&Signatures>,
    ) -> Result<()> {
        for &document in documents {
            self.slots[document as usize] = self.next;
            self.next += 1;
        }
        let mut bytes: Vec<u8> = groups.iter().chain(sizes).flat_map(|number| number.to_le_bytes()).collect();
        if let Some(signatures) = signatures {
            bytes.extend_from_slice(signatures.all_bytes());
            for band in 0..self.relation.bands() {
                bytes.extend(signatures.keys(band).iter().flat_map(|key| stored_key(*key)));
            }
        }
        let slots = documents.len() as u32;
        let offset = self.spool.append(&bytes)?;
        self.blocks.push(Slots { first: self.next - slots, slots, offset });
        Ok(())
    }

    /// Gives a document the slot of another one, whose content is the same for certain and which has its own already.
    pub fn share(&mut self, document: u32, other: u32) {
        self.slots[document as usize] = self.slots[other as usize];
    }

    /// All of them.
    pub fn finish(self) -> Result<Sketches> {
        let SketchesWriter { relation, slots, blocks, next: _, spool, workspace } = self;
        Ok(Sketches { relation, slots, blocks, stored: spool.finish()?, workspace })
    }
}

/// What is stored of sketches.
#[derive(Serialize, Deserialize)]
pub struct SketchesState {
    slots: SavedColumn,
    blocks: SavedBytes,
    stored: SavedBytes,
}

impl Stored for Sketches {
    type State = SketchesState;

    fn store(&self, keeping: &mut Keeping) -> Result<SketchesState> {
        Ok(SketchesState {
            slots: keeping.column("slots", self.slots.iter().copied())?,
            blocks: keeping.packed("sketch-blocks", &self.blocks)?,
            stored: keeping.saved(self.stored.save()?),
        })
    }
}

impl Sketches {
    /// As they were when their state was saved.
    pub fn given_back(state: SketchesState, settings: &CompareSettings, means: &Means) -> Result<Sketches> {
        Ok(Sketches {
            relation: relation(settings),
            slots: column(&state.slots, means)?,
            blocks: unpacked(&state.blocks, means)?,
            stored: Sealed::reopen(&means.workspace, &state.stored, settings.limits.memory_bytes / 4)?,
            workspace: means.workspace.clone(),
        })
    }

    /// Of the documents that are comparable. Cost: the tokens of copies are hashed once more; all others are signed.
    pub fn of(
        contents: &Contents,
        settings: &CompareSettings,
        copies: &Copies,
        workspace: &Workspace,
    ) -> Result<Sketches> {
        let memory_bytes = settings.limits.memory_bytes / 4;
        let relation = relation(settings);
        let mut writer = SketchesWriter::new(workspace, relation, contents.len(), memory_bytes);
        let twins = twins(contents, copies, workspace, memory_bytes)?;
        let wanted = |document: u32| twins.get(document) == document && contents.comparable(document);
        let sketch = |block: &Block| Sketched::of(contents, settings, &relation, block);
        for_each_block(contents.census(), wanted, sketch, |sketched| {
            let Sketched { documents, groups, sizes, signatures } = sketched;
            writer.push(&documents, &groups, &sizes, signatures.as_ref())
        })?;
        twins.others().for_each(|(document, twin)| writer.share(document, twin));
        writer.finish()
    }

    /// What makes two of them a candidate pair.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Where they are stored, and what rests on them may be.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The slot of a document; `None` where it is not compared.
    pub fn slot(&self, document: u32) -> Option<u32> {
        Some(self.slots[document as usize]).filter(|slot| *slot != NONE)
    }

    /// How many slots.
    pub fn len(&self) -> u32 {
        self.blocks.last().map_or(0, |block| block.first + block.slots)
    }

    /// Leaves in `heads` that of a slot, with those beside it.
    pub fn read_heads(&self, slot: u32, heads: &mut Heads) -> Result<()> {
        let next = self.blocks.partition_point(|block| block.first <= slot);
        let Slots { first, slots, offset } = self.blocks[next - 1];
        let slots = slots as usize;
        let functions = self.relation.functions();
        let mut bytes = Vec::new();
        self.stored.read_at(offset, slots * (8 + functions), &mut bytes)?;
        let rows = bytes.split_off(8 * slots);
        let numbers: Vec<u32> = bytes.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect();
        let (groups, sizes) = numbers.split_at(slots);
        *heads = Heads { first, functions, groups: groups.to_vec(), sizes: sizes.to_vec(), bytes: rows };
        Ok(())
    }

    /// Calls `each` with every slot and its key of a band in its group, in the order of slots.
    pub fn for_each_key(&self, band: usize, mut each: impl FnMut(u32, u64) -> Result<()>) -> Result<()> {
        let (mut groups, mut keys) = (Vec::new(), Vec::new());
        for block in &self.blocks {
            let slots = block.slots as usize;
            let before = slots * (8 + self.relation.functions() + KEY_BYTES * band);
            self.stored.read_at(block.offset, 4 * slots, &mut groups)?;
            self.stored.read_at(block.offset + before as u64, KEY_BYTES * slots, &mut keys)?;
            let pairs = groups.as_chunks().0.iter().zip(keys.as_chunks::<KEY_BYTES>().0);
            for (slot, (&group, &key)) in (block.first..).zip(pairs) {
                each(slot, in_group(key_of(key), u32::from_le_bytes(group)))?;
            }
        }
        Ok(())
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
        let [left, right] = [a, b].map(|slot| {
            let mut heads = Heads::default();
            self.read_heads(slot, &mut heads).unwrap();
            let (_, size, bytes) = heads.of(slot).unwrap();
            (size, bytes.to_vec())
        });
        let key = |band, wanted| {
            let mut found = None;
            let note = |slot, key| {
                found = if slot == wanted { Some(key) } else { found };
                Ok(())
            };
            self.for_each_key(band, note).unwrap();
            found
        };
        f64::from(left.0.min(right.0)) >= screening.similarity * f64::from(left.0.max(right.0))
            && screening.prefilter.passes(&left.1, &right.1)
            && (0..self.relation.bands()).any(|band| key(band, a) == key(band, b))
    }
}

/// Of a key its 40 highest bits are stored. Of 20 million documents 180 pairs share one of a band by accident, of a billion 450,000; what
/// is no pair by its signature is none for that.
/// What makes two documents a candidate pair.
fn relation(settings: &CompareSettings) -> Relation {
    match settings.candidates {
        CandidateSource::Exact => Relation::All(settings.min_similarity),
        CandidateSource::Signatures => Relation::Screened(screening(settings.min_similarity)),
    }
}

const KEY_BYTES: usize = 5;

fn stored_key(key: u64) -> [u8; KEY_BYTES] {
    let [_, _, _, a, b, c, d, e] = key.to_le_bytes();
    [a, b, c, d, e]
}

fn key_of([a, b, c, d, e]: [u8; KEY_BYTES]) -> u64 {
    u64::from_le_bytes([0, 0, 0, a, b, c, d, e]) // a sieve looks at the highest bits
}

/// The screening for a threshold. Outside of 0.5 to 1, which the settings exclude, that for 0.5: more is measured, and
/// what is measured decides.
pub fn screening(min_similarity: f64) -> Screening {
    let chosen = [min_similarity, 0.5].into_iter().find_map(Screening::for_similarity);
    chosen.unwrap_or_else(|| unreachable!("0.5 is in the range"))
}

/// The sketches of a block.
struct Sketched {
    documents: Vec<u32>,
    groups: Vec<u32>,
    sizes: Vec<u32>,
    signatures: Option<Signatures>,
}

impl Sketched {
    fn of(
        contents: &Contents,
        settings: &CompareSettings,
        relation: &Relation,
        block: &Block,
    ) -> Result<Sketched> {
        let mut documents = Vec::new();
        let mut signatures = match relation {
            Relation::All(_) => None,
            Relation::Screened(screening) => Some(Signatures::new(*screening, settings.seed)),
        };
        block.for_each(|page| {
            documents.push(page.document);
            if let Some(signatures) = &mut signatures {
                signatures.push(&contents.set_of(page));
            }
        })?;
        let groups = documents.iter().map(|&document| group_of(contents, document)).collect();
        // A set has no more shingles than the content has tokens.
        let most = || documents.iter().map(|&document| contents.token_count(document) as u32).collect();
        let sizes = signatures.as_ref().map_or_else(most, |signatures| signatures.shingles().to_vec());
        Ok(Sketched { documents, groups, sizes, signatures })
    }
}

/// For each document the first of its exact copies that has the same content; itself where there is none. (Copies of one
/// text may stand under the templates of different sites.)
fn twins(contents: &Contents, copies: &Copies, workspace: &Workspace, memory_bytes: usize) -> Result<Firsts> {
    let have_copies =
        Ranked::of(contents.len(), copies.all().flat_map(|(document, first)| [document, first]));
    let mut keyed: Sorter<((u32, u128), u32)> = Sorter::new(workspace, "contents of copies", memory_bytes);
    let mut block = Vec::with_capacity(HASHED);
    let mut left = have_copies.iter().filter(|&document| contents.comparable(document));
    loop {
        block.clear();
        block.extend(left.by_ref().take(HASHED));
        if block.is_empty() {
            break;
        }
        let key = |&document: &u32| ((copies.first(document), content_hash(contents, document)), document);
        let found: Vec<((u32, u128), u32)> = block.par_iter().map(key).collect();
        keyed.extend(&found)?;
    }
    drop(block);
    let keyed = keyed.finish()?;
    Firsts::of(contents.len(), |each| {
        let mut last = None;
        for next in keyed.reader()? {
            let (key, document) = next?;
            match last {
                Some((same, first)) if same == key => each(document, first),
                _ => last = Some((key, document)),
            }
        }
        Ok(())
    })
}

/// A hash of a document's content.
pub fn content_hash(contents: &Contents, document: u32) -> u128 {
    let bytes: Vec<u8> = contents.tokens(document).iter().flat_map(|token| token.to_le_bytes()).collect();
    xxh3_128(&bytes)
}
