//! Who shares buckets with others, and who is alone?
//!
//! [`Sketches`] in, [`Company`] out: for each band the slots that share a key, with the numbers of their buckets. Who has
//! no company is nobody's candidate and is not looked at again: that is most documents of most corpora.

use rayon::prelude::*;

use super::bits::Bits;
use super::sketches::Sketches;
use crate::candidates::{Grouping, Keyed, Member, Relation, Sieve};
use crate::error::Result;
use crate::store::{Column, ColumnReader, ColumnWriter, Sorted, Sorter};

/// The slots that share buckets, band by band.
///
/// Memory: a bit a slot. Stored: 8 bytes for each bucket that a slot shares. While a band is looked through, 2 to 4 bytes
/// a slot for its sieve, and a sort of 16 bytes for each key that may be shared.
pub struct Company {
    /// Members of one band after the other, each by slot.
    members: Column<(u32, u32)>,
    /// Where the members of each band end, and the number of its first bucket among all.
    bands: Vec<(u64, u32)>,
    slots: usize,
    /// The slots that have company.
    has: Bits,
}

impl Company {
    /// Of all slots; `crowd`: members from which on a bucket is called crowded. With `--exact` everyone is company. The
    /// sorts take up to `memory_bytes`, and the answer an eighth of it.
    pub fn of(sketches: &Sketches, crowd: u32, memory_bytes: usize) -> Result<Company> {
        let mut writer = ColumnWriter::new(sketches.workspace(), "company", memory_bytes / 8);
        let slots = sketches.len() as usize;
        let is_all = matches!(sketches.relation(), Relation::All(_));
        let mut has = if is_all { Bits::all(slots) } else { Bits::new(slots) };
        let (mut bands, mut buckets) = (Vec::new(), 0);
        let all: Vec<usize> = (0..sketches.relation().bands()).collect();
        for some in all.chunks(at_once(sketches, memory_bytes)) {
            let share = memory_bytes / (2 * some.len());
            let found: Vec<Result<Shared>> =
                some.par_iter().map(|&band| shared(sketches, band, crowd, share)).collect();
            for shared in found {
                let shared = shared?;
                for pair in shared.members.reader()? {
                    let pair = pair?;
                    has.set(pair.0);
                    writer.push(pair)?;
                }
                bands.push((writer.len(), buckets));
                buckets += shared.buckets;
            }
        }
        Ok(Company { members: writer.finish()?, bands, slots, has })
    }

    /// The same, with everyone in it.
    pub fn and_all_others(self) -> Company {
        Company { has: Bits::all(self.slots), ..self }
    }

    /// Whether the slot has company.
    pub fn has(&self, slot: u32) -> bool {
        self.has.has(slot)
    }

    /// The members of a band, by slot; their buckets are numbered from the given one on.
    pub fn members(&self, band: usize) -> (u32, Members) {
        let start = band.checked_sub(1).map_or(0, |before| self.bands[before].0);
        let (end, first) = self.bands[band];
        (first, Members { reader: self.members.iter_from(start), left: end - start })
    }
}

/// The members of a band, in the order of their slots.
pub struct Members {
    reader: ColumnReader<(u32, u32)>,
    left: u64,
}

impl Iterator for Members {
    type Item = Result<Member>;

    fn next(&mut self) -> Option<Result<Member>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.reader.next()?.map(Member::from_pair))
    }
}

/// So many bands are looked through at the same time that their sieves leave room to sort.
fn at_once(sketches: &Sketches, memory_bytes: usize) -> usize {
    let sieve = 4 * sketches.len() as usize + 1;
    (memory_bytes / (4 * sieve)).clamp(1, rayon::current_num_threads())
}

/// A band whose buckets are numbered.
struct Shared {
    members: Sorted<(u32, u32)>,
    buckets: u32,
}

fn shared(sketches: &Sketches, band: usize, crowd: u32, memory_bytes: usize) -> Result<Shared> {
    let mut sieve = Sieve::new(sketches.len());
    sketches.for_each_key(band, |_, key| {
        sieve.note(key);
        Ok(())
    })?;
    let mut keys: Sorter<(u64, u32)> = Sorter::new(sketches.workspace(), "band keys", memory_bytes / 2);
    sketches.for_each_key(band, |slot, key| match sieve.may_be_shared(key) {
        true => keys.push((key, slot)),
        false => Ok(()),
    })?;
    drop(sieve);
    let mut members = Sorter::new(sketches.workspace(), "band members", memory_bytes / 2);
    let mut grouping = Grouping::new(crowd);
    let mut known = Vec::new();
    for next in keys.finish()?.reader()? {
        let (key, slot) = next?;
        grouping.push(Keyed { key, slot }, &mut known);
        known.drain(..).try_for_each(|member: Member| members.push(member.to_pair()))?;
    }
    let buckets = grouping.finish(&mut known);
    known.drain(..).try_for_each(|member| members.push(member.to_pair()))?;
    Ok(Shared { members: members.finish()?, buckets })
}
