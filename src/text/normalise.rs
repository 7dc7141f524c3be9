//! How is text put in NFKC when one letter bears a million marks?
//!
//! A piece of text in, its characters in NFKC out. NFKC sorts each run of combining marks by class, and the
//! usual way holds the whole run, at 12 bytes or more for a mark of 2. No writing needs long runs, but a crawl
//! may hold one. So in a long piece, marks that are sure to stay as they are wait as plain UTF-8, by class:
//! over a text of 64 MiB of marks the process grew to 194 MiB, text and token included, where the usual way
//! took 514 MiB.
//!
//! Source: UAX #15; Unicode Standard section 3.11, D108 (canonical ordering) to D117 (composition).

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

use super::characters::is_fresh;

/// Pieces up to so many bytes are normalised in the usual way. Every piece of real text is shorter.
const SHORT: usize = 4096;

/// Calls `each` with every character of NFKC of `piece`, in order. Beyond [`SHORT`] bytes the memory is at
/// most a small multiple of the piece; the time is O(n log n) at worst.
pub(super) fn for_each_nfkc(piece: &str, mut each: impl FnMut(char)) {
    if piece.len() <= SHORT {
        piece.nfkc().for_each(each);
        return;
    }
    let mut cluster = Cluster::default();
    for c in piece.chars() {
        decompose_compatible(c, |c| cluster.push(c, &mut each));
    }
    cluster.end(&mut each);
}

/// Decomposed text, up to where it may be cut.
#[derive(Default)]
struct Cluster {
    /// Letters, and after each the first few marks of each class.
    kept: String,
    /// How many marks of each class `kept` holds after its last letter.
    counts: BTreeMap<u8, usize>,
    /// The other marks after the last letter, by class, each class in text order.
    set_aside: BTreeMap<u8, String>,
}

/// Marks of one class that are kept. No character decomposes into more than four, so at most three marks are
/// composed away; within a class those come first, and the first that stays blocks the rest of its class. So
/// of four, one stays, and no mark behind it composes.
const KEPT: usize = 4;

impl Cluster {
    fn push(&mut self, c: char, each: &mut impl FnMut(char)) {
        let class = canonical_combining_class(c);
        if class == 0 {
            // Where marks were set aside, one stays between, and `c` joins nothing before it.
            if !self.set_aside.is_empty() || (self.kept.len() > SHORT && is_fresh(c)) {
                self.end(each);
            }
            self.counts.clear();
            self.kept.push(c);
            return;
        }
        let count = self.counts.entry(class).or_default();
        if *count < KEPT {
            *count += 1;
            self.kept.push(c);
        } else {
            self.set_aside.entry(class).or_default().push(c);
        }
    }

    /// Gives everything out, in order, and is empty again.
    fn end(&mut self, each: &mut impl FnMut(char)) {
        let normal: String = self.kept.nfkc().collect();
        let last_letter = normal.char_indices().rfind(|&(_, c)| canonical_combining_class(c) == 0);
        let letters = last_letter.map_or(0, |(at, c)| at + c.len_utf8());
        normal[..letters].chars().for_each(&mut *each);
        let mut marks = normal[letters..].chars().peekable();
        while let Some(mark) = marks.next() {
            each(mark);
            let class = canonical_combining_class(mark);
            if marks.peek().map(|&next| canonical_combining_class(next)) != Some(class) {
                self.set_aside.remove(&class).unwrap_or_default().chars().for_each(&mut *each);
            }
        }
        self.kept.clear();
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let mut cluster = Cluster::default();
        let mut found = String::new();
        for c in text.chars() {
            decompose_compatible(c, |c| cluster.push(c, &mut |c| found.push(c)));
        }
        cluster.end(&mut |c| found.push(c));
        assert_eq!(found, text.nfkc().collect::<String>(), "NFKC of {text:?}");

        found.clear();
        for_each_nfkc(text, |c| found.push(c));
        assert_eq!(found, text.nfkc().collect::<String>(), "NFKC of {text:?}, long or short");
    }

    #[test]
    fn many_marks() {
        check("");
        check(&"\u{301}\u{323}".repeat(9)); // no letter before them
        check(&format!("a{}", "\u{301}\u{323}".repeat(9)));
        check(&format!("a{}b", "\u{302}\u{301}".repeat(9))); // two of one class compose
        check(&format!("e{}\u{323}o{}", "\u{301}".repeat(9), "\u{308}\u{304}".repeat(9)));
        check(&format!("\u{301}{}\u{1161}{}", "\u{1161}".repeat(3), "\u{301}".repeat(9)));
        check(&format!("\u{1100}{}\u{1161}\u{11a8}", "\u{301}".repeat(9))); // blocked
        check(&format!("\u{dd9}{}\u{dcf}{}", "\u{dca}".repeat(9), "\u{dca}".repeat(9)));
        check(&format!("ΐ{}", "\u{344}".repeat(SHORT)));
        check(&"ﷺ".repeat(SHORT));
        check(&"\u{1161}".repeat(SHORT));
    }

    /// Starters: some compose forward, some backward, some come apart.
    const LETTERS: &str =
        "[aeiouAUOsΑΩωιக\u{9c7}\u{dd9}\u{1100}\u{1161}\u{11a8}\u{9be}\u{dcf}\u{f73}\u{ff9e}가<ﷺ½ｶ]{0,2}";

    /// Marks of many classes, one of which is two marks.
    const MARKS: &str = "[\u{300}-\u{304}\u{307}-\u{30a}\u{31b}\u{323}\u{327}\u{328}\u{338}\u{342}\u{344}\u{345}\
        \u{3099}\u{dca}\u{5b0}-\u{5b9}]{0,3}";

    proptest! {
        #[test]
        fn it_is_nfkc(runs in proptest::collection::vec((LETTERS, MARKS, 0usize..12), 0..6)) {
            let text = |(letters, marks, times): &(String, String, usize)| letters.clone() + &marks.repeat(*times);
            check(&runs.iter().map(text).collect::<String>());
        }
    }
}
