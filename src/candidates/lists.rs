//! Which numbers were put under this key?

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::sketch::mix;

/// Many growing lists of numbers in one vector, each found by a key of 64 mixed bits.
///
/// Most lists have one number and a few have very many. So a list is a chain of chunks, newest first, whose
/// lengths grow from 1 to 256: 16 bytes and a place in the map for a single number, and long lists are read
/// like a slice.
#[derive(Default)]
pub(super) struct Lists {
    /// Where the newest chunk of each list begins.
    newest: HashMap<u64, u64, BuildHasherDefault<AlreadyMixed>>,
    /// Chunks: a header, then the numbers.
    slots: Vec<u64>,
}

impl Lists {
    pub(super) fn push(&mut self, key: u64, number: u64) {
        let newest = self.newest.entry(key).or_insert(NONE);
        let chunk = self.slots.get(*newest as usize).map(|&slot| Header::unpack(slot)); // `NONE` is no slot
        let mut header = match chunk {
            Some(header) if header.used < header.length() => header,
            full => {
                let growth = full.map_or(0, |header| (header.growth + 1).min(Header::MOST_GROWTH));
                let header = Header { older: *newest, used: 0, growth };
                *newest = self.slots.len() as u64;
                self.slots.resize(self.slots.len() + 1 + header.length() as usize, 0);
                header
            }
        };
        header.used += 1;
        self.slots[*newest as usize] = header.pack();
        self.slots[(*newest + header.used) as usize] = number;
    }

    /// The numbers under `key`, chunk by chunk.
    pub(super) fn chunks(&self, key: u64) -> impl Iterator<Item = &[u64]> {
        let chunk = |at: u64| {
            let header = Header::unpack(*self.slots.get(at as usize)?);
            let first = at as usize + 1;
            Some((header.older, &self.slots[first..first + header.used as usize]))
        };
        let newest = self.newest.get(&key).copied().unwrap_or(NONE);
        std::iter::successors(chunk(newest), move |&(older, _)| chunk(older)).map(|(_, numbers)| numbers)
    }
}

/// No chunk begins there: the greatest number that [`Header`] can hold.
const NONE: u64 = (1 << 48) - 1;

/// The first slot of a chunk.
struct Header {
    /// Where the next older chunk begins: 48 bits.
    older: u64,
    /// How many numbers the chunk holds: 12 bits.
    used: u64,
    /// The chunk has room for 4 to this power: 4 bits.
    growth: u32,
}

impl Header {
    /// 256 numbers, 2 KiB.
    const MOST_GROWTH: u32 = 4;

    fn length(&self) -> u64 {
        1 << (2 * self.growth)
    }

    fn pack(&self) -> u64 {
        self.older << 16 | self.used << 4 | u64::from(self.growth)
    }

    fn unpack(slot: u64) -> Header {
        Header { older: slot >> 16, used: slot >> 4 & 0xfff, growth: (slot & 0xf) as u32 }
    }
}

/// Keys are mixed before they get here.
#[derive(Default)]
struct AlreadyMixed(u64);

impl Hasher for AlreadyMixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
