//! Where in a text do its tokens stand?
//!
//! A text in, one [`Span`] for each of its tokens out. Most callers need tokens and not their places; for them there is
//! [`Tokenizer`](super::Tokenizer), which is faster. This one follows the same rule in the plainest way, and tests hold
//! the two together: a span too many would move every place after it.
//!
//! Where NFKC joins or moves characters, they have no places of their own, and the span takes in all of them. Tokens
//! may share a character, too: those of `12½`, `121` and `2`, share the bytes of `½`.
//!
//! Time: one pass. Memory: 16 bytes a token.

use unicode_normalization::UnicodeNormalization;

use super::characters::{Kind, fold_fully, is_fresh, kind};
use super::normalise::for_each_nfkc;
use crate::document::Span;

/// The bytes of every token of `text`, in order: as many as [`tokens`](super::tokens) gives.
///
/// Starts and ends ascend. Spans overlap only where one character of the text belongs to several tokens. A dot above
/// that is dropped after i belongs to the token of the i.
///
/// ```
/// use dittograph::text::token_spans;
///
/// let text = "Straße 5, 東京";
/// let found: Vec<&str> = token_spans(text).into_iter().map(|span| span.of(text)).collect();
/// assert_eq!(found, ["Straße", "5", "東", "京"]);
/// ```
pub fn token_spans(text: &str) -> Vec<Span> {
    let mut found = Found::default();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if at > start && is_fresh(c) {
            found.read_piece(text, Span { start, end: at });
            start = at;
        }
    }
    found.read_piece(text, Span { start, end: text.len() });
    found.end_run();
    found.spans
}

/// Longer pieces are never compared with their NFKC: no real text has any, and to compare takes memory.
const LONGEST_COMPARED: usize = 4096;

#[derive(Default)]
struct Found {
    spans: Vec<Span>,
    /// The token that is being read.
    run: Option<Span>,
    /// Whether the last folded character was an i, whose dot may follow.
    after_i: bool,
}

impl Found {
    /// Reads a piece that NFKC does not join to its neighbours.
    fn read_piece(&mut self, text: &str, piece: Span) {
        let said = piece.of(text);
        let alone = |c: char| std::iter::once(c).nfkc();
        if said.len() <= LONGEST_COMPARED && said.nfkc().eq(said.chars().flat_map(alone)) {
            for (at, c) in said.char_indices() {
                let start = piece.start + at;
                let from = Span { start, end: start + c.len_utf8() };
                alone(c).for_each(|c| self.read(c, from));
            }
        } else {
            for_each_nfkc(said, |c| self.read(c, piece));
        }
    }

    /// Reads a character of the normalised text, which the bytes of `from` gave.
    fn read(&mut self, c: char, from: Span) {
        fold_fully(c, |c| {
            let dot_of_i = self.after_i && c == '\u{307}';
            self.after_i = c == 'i';
            match kind(c) {
                _ if dot_of_i => self.run = self.run.map(|run| Span { end: from.end, ..run }),
                Kind::Run => {
                    let start = self.run.map_or(from.start, |run| run.start);
                    self.run = Some(Span { start, end: from.end });
                }
                Kind::Separator => self.end_run(),
                Kind::Solo => {
                    self.end_run();
                    self.spans.push(from);
                }
            }
        });
    }

    fn end_run(&mut self) {
        self.spans.extend(self.run.take());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tokens;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = token_spans(text).into_iter().map(|span| span.of(text)).collect();
        assert_eq!(found, expected, "token spans of {text:?}");
        assert_eq!(found.len(), tokens(text).len(), "tokens of {text:?}");
    }

    #[test]
    fn a_span_holds_its_token_and_no_more() {
        check("", &[]);
        check("... !", &[]);
        check("Printed 2025-01-03, p. 7", &["Printed", "2025", "01", "03", "p", "7"]);
        check("«Straße» İstanbul'da", &["Straße", "İstanbul", "da"]);
        check("2024年3月", &["2024", "年", "3", "月"]);
        check("نُشر في ٣ مارس", &["نُشر", "في", "٣", "مارس"]);
        check("हिन्दी समाचार", &["हिन्दी", "समाचार"]);
    }

    #[test]
    fn characters_that_nfkc_joins_have_one_place() {
        check("cafe\u{301}!", &["cafe\u{301}"]);
        check("i\u{307}x i\u{307}", &["i\u{307}x", "i\u{307}"]); // the dot is dropped, its bytes are the i's
        check("a\u{301}\u{323} b", &["a\u{301}\u{323}", "b"]);
        check("a \u{301}b", &["a", "\u{301}b"]); // a mark on a space: nothing changes, each has its place
        check("a´b", &["a", "´b"]); // a space and a mark
        check("ｶﾞ ガ", &["ｶﾞ", "ガ"]);
    }

    #[test]
    fn tokens_of_one_character_share_it() {
        check("12½ kg", &["12½", "½", "kg"]);
        check("㍿", &["㍿"; 4]);
        check("ﷺ", &["ﷺ"; 4]);
        check("ﬁne", &["ﬁne"]);
    }

    #[test]
    fn long_pieces_are_one_place() {
        let marks = "\u{302}\u{301}".repeat(LONGEST_COMPARED);
        check(&format!("x a{marks} y"), &["x", &format!("a{marks}"), "y"]);
    }

    #[test]
    fn code_points_that_join_or_fold_to_several() {
        // The others are read one by one, like letters.
        let several = |c: &char| {
            let mut folded = 0;
            fold_fully(*c, |_| folded += 1);
            folded > 1
        };
        for c in ('\0'..='\u{33fff}').filter(|c| !is_fresh(*c) || several(c)).step_by(7) {
            agree(&format!("{c}a{c}b i{c}\u{307}{c}\u{301}{c} {c}\u{323}"));
        }
    }

    /// As many spans as tokens, in order, each of a text that has this token.
    #[track_caller]
    fn agree(text: &str) {
        let (spans, tokens_there) = (token_spans(text), tokens(text));
        assert_eq!(spans.len(), tokens_there.len(), "{text:?}");
        assert!(spans.is_sorted_by_key(|span| span.start), "{text:?}: {spans:?}");
        assert!(spans.is_sorted_by_key(|span| span.end), "{text:?}: {spans:?}");
        for (span, token) in spans.iter().zip(&tokens_there) {
            assert!(span.start < span.end, "{text:?}: {span:?}");
            let alone = tokens(span.of(text));
            assert!(
                alone.contains(token) || shares(*span, &spans),
                "{text:?}: {token:?} at {span:?}, {alone:?}"
            );
        }
    }

    /// Whether a character of this token belongs to another one too; then it says something else alone.
    fn shares(span: Span, spans: &[Span]) -> bool {
        spans.iter().filter(|other| other.start < span.end && span.start < other.end).count() > 1
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn as_many_as_tokens(text in "[a-zİıßé .,\u{300}-\u{307}\u{323}<\u{338}½㍿ﷺ가\u{1100}\u{1161}\u{11a8}กำｶﾞ東0-9]{0,24}") {
            agree(&text);
        }

        #[test]
        fn any_text(text in "\\PC{0,24}") {
            agree(&text);
        }
    }
}
