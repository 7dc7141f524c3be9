//! The table of words and letters: `profiles.txt`, hashed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::scripts::Script;
use crate::shingle::token_hash;
use crate::text::Tokenizer;

/// How many profiles `profiles.txt` has.
pub(super) const PROFILES: usize = 78;

/// A number for each profile, in hundredths of a nat.
pub(super) type Scores = [i64; PROFILES];

/// What tells languages apart: the common words of 58 languages by token hash, and letters.
///
/// Holds for one seed. To make one takes a millisecond; keep it for a run.
#[derive(Debug)]
pub struct Languages {
    pub(super) profiles: Vec<Profile>,
    words: HashMap<u64, Range<u32>, BuildHasherDefault<AsItIs>>,
    letters: Vec<Range<u32>>,
    scripts: Vec<Range<u32>>,
    evidence: Vec<(u8, i32)>,
}

/// One line of `profiles.txt`.
#[derive(Debug)]
pub(super) struct Profile {
    /// ISO 639-1.
    pub(super) language: &'static str,
    pub(super) script: Script,
    /// How much more evidence it takes to name this language, in hundredths of a nat.
    pub(super) handicap: i64,
    /// The share of running text that its words make up; `None` where the script alone says that it is language.
    pub(super) coverage: Option<f64>,
    letters: Option<&'static str>,
    words: &'static str,
    /// Those of its words that are one ASCII letter.
    pub(super) one_letter_words: Vec<char>,
}

const TABLE: &str = include_str!("profiles.txt");

/// A common word of rank `r`, from 0, makes up `0.06 / (r + 2)` of a text, by Zipf's law; in a text of another language it
/// is one token of 5,000, as a name or a quotation. The evidence is the logarithm of the ratio. Both figures are
/// guesses, and only their product counts.
const WORD_ODDS: f64 = 0.06 * 5_000.0;

/// A single ASCII letter is a word in many languages and an initial, a list mark or a variable in all of them.
pub(super) const ONE_LETTER: i32 = 40;

/// What one letter beyond ASCII says for the languages that have it. Latin letters with marks come in names, too.
const LATIN_LETTER: i32 = 100;
/// Alphabets have several letters a word.
const ALPHABET_LETTER: i32 = 50;
/// A character that is a token by itself.
const SOLO_LETTER: i32 = 100;
/// Chinese characters stand in Japanese, too, where every second character is one.
const HAN_IN_JAPANESE: i32 = 20;
/// Kana do not stand in Chinese.
const KANA_IN_CHINESE: i32 = -200;

/// Letters above this code point count by their script alone. Profiles list none; the last of Vietnamese is U+1EF9.
const LISTED_LETTERS: usize = 0x1f00;

/// Languages of which a short text does not tell one from the other: no run of one is foreign to the other.
const CLOSE: [(&str, &str); 2] = [("hr", "sr"), ("id", "ms")];

impl Languages {
    /// The table for token hashes made with this seed.
    pub fn new(seed: u64) -> Languages {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let mut table = Languages {
            profiles: lines.map(Profile::of).collect(),
            words: HashMap::default(),
            letters: Vec::with_capacity(LISTED_LETTERS),
            scripts: Vec::with_capacity(Script::ALL.len()),
            evidence: Vec::new(),
        };
        table.list_words(seed);
        table.list_letters();
        table.list_scripts();
        table
    }

    fn list_words(&mut self, seed: u64) {
        let mut words: Vec<(u64, u8, u32)> = Vec::new();
        let mut tokenizer = Tokenizer::new();
        for (number, profile) in self.profiles.iter().enumerate() {
            let mut rank = 0;
            tokenizer.for_each(profile.words, |token| {
                // Hashes are all that is kept of a word, so the rank carries what its length says.
                let rank_of_evidence = if token.len() == 1 { u32::MAX } else { rank };
                words.push((token_hash(token, seed), number as u8, rank_of_evidence));
                rank += 1;
            });
        }
        words.sort_unstable();
        words.dedup_by_key(|&mut (hash, profile, _)| (hash, profile));
        for same in words.chunk_by(|a, b| a.0 == b.0) {
            let range = self.keep(same.iter().map(|&(_, profile, rank)| (profile, word_evidence(rank))));
            self.words.insert(same[0].0, range);
        }
    }

    fn list_letters(&mut self) {
        let mut letters: Vec<Vec<(u8, i32)>> = vec![Vec::new(); LISTED_LETTERS];
        for (number, profile) in self.profiles.iter().enumerate() {
            let nats = if profile.script == Script::Latin { LATIN_LETTER } else { ALPHABET_LETTER };
            let lower = profile.letters.unwrap_or_default().chars();
            for letter in lower.flat_map(|lower| [lower].into_iter().chain(lower.to_uppercase())) {
                // An S of ß in capitals says nothing, and a letter may be its own capital.
                let known = &mut letters[letter as usize];
                if !letter.is_ascii() && known.last().is_none_or(|&(last, _)| usize::from(last) != number) {
                    known.push((number as u8, nats));
                }
            }
        }
        for of_letter in letters {
            let range = self.keep(of_letter.into_iter());
            self.letters.push(range);
        }
    }

    fn list_scripts(&mut self) {
        for script in Script::ALL {
            let of_profile = |(number, profile): (usize, &Profile)| {
                let nats = match (script, profile.script) {
                    (Script::Latin, _) => None,
                    (Script::Han, Script::Kana) => Some(HAN_IN_JAPANESE),
                    (Script::Kana, Script::Han) => Some(KANA_IN_CHINESE),
                    (script, own) if script != own || profile.letters.is_some() => None,
                    _ if script.is_solo() => Some(SOLO_LETTER),
                    _ => Some(ALPHABET_LETTER),
                };
                nats.map(|nats| (number as u8, nats))
            };
            let of_script: Vec<_> = self.profiles.iter().enumerate().filter_map(of_profile).collect();
            let range = self.keep(of_script.into_iter());
            self.scripts.push(range);
        }
    }

    fn keep(&mut self, evidence: impl Iterator<Item = (u8, i32)>) -> Range<u32> {
        let start = self.evidence.len() as u32;
        self.evidence.extend(evidence);
        start..self.evidence.len() as u32
    }

    fn kept(&self, range: &Range<u32>) -> &[(u8, i32)] {
        &self.evidence[range.start as usize..range.end as usize]
    }

    /// For which profiles a token speaks, and how much; nothing for a token that is no common word.
    pub(super) fn of_word(&self, hash: u64) -> &[(u8, i32)] {
        self.words.get(&hash).map_or(&[], |range| self.kept(range))
    }

    /// For which profiles a letter beyond ASCII speaks, small or capital: those that list it, and those of its script that list
    /// none.
    pub(super) fn of_letter(&self, letter: char) -> [&[(u8, i32)]; 2] {
        let listed = self.letters.get(letter as usize).map_or(&[][..], |range| self.kept(range));
        let of_script =
            Script::of(letter).map_or(&[][..], |script| self.kept(&self.scripts[script as usize]));
        [listed, of_script]
    }

    /// Whether texts of the two profiles are not told apart.
    pub(super) fn alike(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.profiles[one].language, self.profiles[other].language);
        one == other || CLOSE.contains(&(one, other)) || CLOSE.contains(&(other, one))
    }
}

/// The evidence of a word by its rank; `u32::MAX` stands for a single ASCII letter.
fn word_evidence(rank: u32) -> i32 {
    if rank == u32::MAX {
        return ONE_LETTER;
    }
    let nats = (WORD_ODDS / f64::from(rank + 2)).ln().max(0.0);
    (nats * 100.0).round() as i32
}

fn one_ascii_letter(word: &str) -> Option<char> {
    word.parse().ok().filter(char::is_ascii)
}

impl Profile {
    fn of(line: &'static str) -> Profile {
        let fields: Vec<&'static str> = line.split('|').map(str::trim).collect();
        let number = |field: &str| field.parse::<f64>().ok();
        Profile {
            language: fields[0],
            script: Script::named(fields[1]).unwrap_or(Script::Latin),
            handicap: number(fields[2]).map_or(0, |nats| (nats * 100.0) as i64),
            coverage: number(fields[3]).map(|percent| percent / 100.0),
            letters: (fields[4] != "-").then_some(fields[4]),
            words: fields[5],
            one_letter_words: fields[5].split(' ').filter_map(one_ascii_letter).collect(),
        }
    }

    /// Whether a letter of this script is one of the language.
    pub(super) fn writes(&self, script: Script) -> bool {
        script == self.script || (self.script, script) == (Script::Kana, Script::Han)
    }
}

/// Token hashes are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
