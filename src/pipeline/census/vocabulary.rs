//! How are token hashes written in two bytes each?
//!
//! A token hash in, a short code out and back. The commonest tokens of what was read first have numbers, the commonest one
//! the shortest; any other token is written as it is. So a vocabulary that knows little of what comes later costs room, never
//! truth.

use std::collections::HashMap;

/// At most so many tokens have a number: their table stays in a processor's cache.
const MOST: usize = 1 << 17;

/// Stands before a token hash that is written as it is. The numbers begin after it.
const ESCAPE: u64 = 0;

/// Which tokens have a number.
#[derive(Debug)]
pub struct Vocabulary {
    /// Token hashes by number, the commonest one first.
    tokens: Vec<u64>,
    /// Open addressing: token hash and number, or [`EMPTY`].
    slots: Vec<(u64, u32)>,
    mask: usize,
}

const EMPTY: u32 = u32::MAX;

impl Vocabulary {
    /// Of a sample of tokens: those that are there twice. The same sample gives the same vocabulary.
    pub fn of<'a>(sample: impl IntoIterator<Item = &'a u64>) -> Vocabulary {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        sample.into_iter().for_each(|&token| *counts.entry(token).or_default() += 1);
        let mut counted: Vec<(u32, u64)> =
            counts.into_iter().filter(|&(_, count)| count > 1).map(|(token, count)| (count, token)).collect();
        counted.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        counted.truncate(MOST);
        Vocabulary::of_numbered(counted.into_iter().map(|(_, token)| token).collect())
    }

    /// Of its tokens by number.
    pub fn of_numbered(tokens: Vec<u64>) -> Vocabulary {
        let mask = (2 * tokens.len()).next_power_of_two() - 1;
        let mut vocabulary = Vocabulary { tokens, slots: vec![(0, EMPTY); mask + 1], mask };
        for number in 0..vocabulary.tokens.len() {
            let token = vocabulary.tokens[number];
            let slot = vocabulary.slot_of(token);
            vocabulary.slots[slot] = (token, number as u32);
        }
        vocabulary
    }

    /// Its tokens by number.
    pub fn tokens(&self) -> &[u64] {
        &self.tokens
    }

    /// Where the token is, or would be.
    fn slot_of(&self, token: u64) -> usize {
        let mut slot = (token >> 7) as usize & self.mask;
        while self.slots[slot].1 != EMPTY && self.slots[slot].0 != token {
            slot = (slot + 1) & self.mask;
        }
        slot
    }

    /// Appends the codes of `tokens`.
    pub fn encode(&self, tokens: &[u64], out: &mut Vec<u8>) {
        for &token in tokens {
            match self.slots[self.slot_of(token)].1 {
                EMPTY => {
                    put_varint(ESCAPE, out);
                    out.extend_from_slice(&token.to_le_bytes());
                }
                number => put_varint(u64::from(number) + 1, out),
            }
        }
    }

    /// Appends `count` tokens from their codes, and moves `bytes` behind them. `None` where they are not what
    /// [`encode`](Vocabulary::encode) wrote.
    pub fn decode(&self, bytes: &mut &[u8], count: usize, out: &mut Vec<u64>) -> Option<()> {
        out.reserve(count);
        for _ in 0..count {
            out.push(match take_varint(bytes)? {
                ESCAPE => u64::from_le_bytes(take_bytes(bytes)?),
                number => *self.tokens.get(number as usize - 1)?,
            });
        }
        Some(())
    }
}

/// Appends a number, seven bits a byte, the lowest first.
pub fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front of `bytes`.
pub fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Takes so many bytes from the front of `bytes`.
pub fn take_bytes<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_come_back(sample in prop::collection::vec(0_u64..40, 0..200), tokens in prop::collection::vec(prop_oneof![0_u64..60, any::<u64>()], 0..100)) {
            let vocabulary = Vocabulary::of(&sample);
            let mut bytes = Vec::new();
            vocabulary.encode(&tokens, &mut bytes);
            let (mut rest, mut back) = (&bytes[..], Vec::new());
            vocabulary.decode(&mut rest, tokens.len(), &mut back).unwrap();
            prop_assert_eq!(&back, &tokens);
            prop_assert!(rest.is_empty());
            prop_assert!(vocabulary.decode(&mut &bytes[..], tokens.len() + 1, &mut Vec::new()).is_none());
        }
    }

    #[test]
    fn common_tokens_are_short() {
        let sample: Vec<u64> = [7; 1000].into_iter().chain(0..300).chain(0..300).collect();
        let vocabulary = Vocabulary::of(&sample);
        let length = |token: u64| {
            let mut bytes = Vec::new();
            vocabulary.encode(&[token], &mut bytes);
            bytes.len()
        };
        assert_eq!([length(7), length(299), length(300)], [1, 2, 9]);
    }
}
