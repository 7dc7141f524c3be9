//! What does a tokenizer need to know of one character?
//!
//! A `char` in, [`Known`] out: whether text may be cut before it, what it folds to, and whether that is part
//! of a token. The answers come from the Unicode tables of three crates; [`Characters`] remembers those of
//! the characters met last, because one text uses few different ones.
//!
//! Sources: UAX #15 (NFKC and its quick check), the Unicode Standard section 3.13 (full case folding, statuses
//! C and F of CaseFolding.txt), UAX #44 (general categories).

use std::fmt;

use icu_casemap::CaseMapper;
use serde::Serialize;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfkc_quick};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The Unicode versions that decide what a token is; for `summary.json`. `Display` names one version where
/// all three agree: `18.0.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UnicodeVersions {
    /// Of NFKC: major, minor, update.
    pub normalization: [u64; 3],
    /// Of case folding: major, minor, update.
    pub case_folding: [u64; 3],
    /// Of letters, marks and digits: major, minor, update.
    pub general_categories: [u64; 3],
}

/// The versions in force. Two builds with equal versions make equal tokens of every text.
pub fn unicode_versions() -> UnicodeVersions {
    let (major, minor, update) = unicode_normalization::UNICODE_VERSION;
    let categories = unicode_properties::UNICODE_VERSION;
    UnicodeVersions {
        normalization: [major.into(), minor.into(), update.into()],
        case_folding: CASE_FOLDING_VERSION,
        general_categories: [categories.0, categories.1, categories.2],
    }
}

/// What the documentation of `icu_casemap_data` 2.4.0 states; the crate has no constant for it. A test fails
/// when Cargo.lock moves to another version.
const CASE_FOLDING_VERSION: [u64; 3] = [18, 0, 0];

impl fmt::Display for UnicodeVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dotted = |[major, minor, update]: [u64; 3]| format!("{major}.{minor}.{update}");
        if self.normalization == self.case_folding && self.normalization == self.general_categories {
            return write!(f, "{}", dotted(self.normalization));
        }
        write!(
            f,
            "{} (normalization), {} (case folding), {} (general categories)",
            dotted(self.normalization),
            dotted(self.case_folding),
            dotted(self.general_categories)
        )
    }
}

/// What a folded character does to the run of token characters before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ends it: no letter, mark or digit.
    Separator,
    /// Lengthens it.
    Run,
    /// Ends it, and is a token by itself.
    Solo,
}

/// The blocks of scripts that are written without spaces, and Hangul, from the contract: each letter, mark or
/// digit in them is a token by itself.
const SOLO_BLOCKS: [(char, char); 9] = [
    ('\u{0E00}', '\u{0EFF}'),
    ('\u{1000}', '\u{109F}'),
    ('\u{1780}', '\u{17FF}'),
    ('\u{3040}', '\u{30FF}'),
    ('\u{3400}', '\u{4DBF}'),
    ('\u{4E00}', '\u{9FFF}'),
    ('\u{AC00}', '\u{D7AF}'),
    ('\u{F900}', '\u{FAFF}'),
    ('\u{20000}', '\u{3134F}'),
];

/// The kind of a character that is normalised and folded already.
pub(super) fn kind(c: char) -> Kind {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    if !matches!(c.general_category_group(), Letter | Mark | Number) {
        Kind::Separator
    } else if SOLO_BLOCKS.iter().any(|&(first, last)| (first..=last).contains(&c)) {
        Kind::Solo
    } else {
        Kind::Run
    }
}

/// What one character folds to: the full case folding, without Turkic rules, and then dotless i as i.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// One character, of this kind; mostly itself.
    One(char, Kind),
    /// Several, as ß; [`fold_fully`] tells them.
    Several,
}

/// The characters that `c` folds to.
pub(super) fn fold_fully(c: char, mut each: impl FnMut(char)) {
    let folded = CaseMapper::new().fold_string(c.encode_utf8(&mut [0; 4])).into_owned();
    folded.chars().for_each(|c| each(if c == DOTLESS_I { 'i' } else { c }));
}

const DOTLESS_I: char = '\u{131}';

/// What a tokenizer needs to know of one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whether text may be cut before it: [`is_fresh`].
    pub fresh: bool,
    /// What it folds to.
    pub folded: Folded,
}

impl Known {
    fn of(c: char) -> Known {
        let mut folded = None;
        fold_fully(c, |c| {
            folded = match folded {
                None => Some(Folded::One(c, kind(c))),
                Some(_) => Some(Folded::Several),
            };
        });
        Known { fresh: is_fresh(c), folded: folded.unwrap_or(Folded::Several) }
    }
}

/// Whether text may be cut before `c`: NFKC leaves it as it is, and neither moves nor joins it to what stands
/// before it. So NFKC of the whole is NFKC of the part before it and of the part from it on. All ASCII is
/// fresh.
pub(super) fn is_fresh(c: char) -> bool {
    // Yes means: unchanged, and never the second half of a composition (that is Maybe). Class 0 means: never
    // moved across a neighbour.
    is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes && canonical_combining_class(c) == 0
}

/// [`Known`] of every character, with those met last kept at hand.
///
/// A direct-mapped table rather than one of all 1.1 million code points: it costs nothing to set up, and no
/// answer depends on what it holds.
#[derive(Clone, Debug)]
pub(super) struct Characters {
    slots: Box<[(char, Known)]>,
}

/// A power of two. 4,096 slots of 16 bytes stay in a core's second-level cache and hold an alphabet many times
/// over; of the 3,500 common Chinese characters some share a slot. A guess that was not tuned.
const SLOTS: usize = 4096;

impl Characters {
    pub fn new() -> Characters {
        Characters { slots: vec![('\0', Known::of('\0')); SLOTS].into_boxed_slice() }
    }

    pub fn of(&mut self, c: char) -> Known {
        let slot = &mut self.slots[c as usize % SLOTS];
        if slot.0 != c {
            *slot = (c, Known::of(c));
        }
        slot.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_folding_version_is_that_of_the_locked_crate() {
        let lock = include_str!("../../Cargo.lock");
        assert!(
            lock.contains("name = \"icu_casemap_data\"\nversion = \"2.4.0\""),
            "icu_casemap_data moved: read its Unicode version in its README and correct CASE_FOLDING_VERSION"
        );
    }

    #[test]
    fn versions_read_as_one_where_they_agree() {
        let agreed = UnicodeVersions {
            normalization: [18, 0, 0],
            case_folding: [18, 0, 0],
            general_categories: [18, 0, 0],
        };
        assert_eq!(agreed.to_string(), "18.0.0");
        assert_eq!(
            UnicodeVersions { case_folding: [17, 0, 0], ..agreed }.to_string(),
            "18.0.0 (normalization), 17.0.0 (case folding), 18.0.0 (general categories)"
        );
    }

    #[test]
    fn every_ascii_character_is_fresh_and_folds_to_its_lower_case() {
        for c in '\0'..='\x7f' {
            let lower = c.to_ascii_lowercase();
            let kind = if c.is_ascii_alphanumeric() { Kind::Run } else { Kind::Separator };
            assert_eq!(Known::of(c), Known { fresh: true, folded: Folded::One(lower, kind) }, "{c:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_what_is_known() {
        let mut characters = Characters::new();
        // Characters of one slot push each other out and come back.
        for c in ['a', '\u{1061}', 'a', '\u{2061}', '\u{1061}', '\0', '\u{1000}', '\0'] {
            assert_eq!(characters.of(c), Known::of(c), "{c:?}");
        }
    }

    #[test]
    fn nothing_folds_to_nothing() {
        for c in ('\0'..='\u{33fff}').chain('\u{e0000}'..='\u{e0fff}') {
            let mut count = 0;
            fold_fully(c, |_| count += 1);
            assert!(count > 0, "{c:?}");
        }
    }
}
