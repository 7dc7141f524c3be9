//! Where does each paragraph begin and end?
//!
//! A text in, [`Span`]s out, by blank lines or by line breaks. Time: two passes; memory: the spans.

use serde::{Deserialize, Serialize};

use crate::document::Span;

/// What parts one paragraph from the next (`--paragraphs`).
///
/// Only `\n` breaks a line; a `\r` before it is white space like any other. A blank line is a line of white
/// space alone. White space is what [`char::is_whitespace`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParagraphBreaks {
    /// [`Blank`](ParagraphBreaks::Blank) where a blank line stands between text, else
    /// [`Line`](ParagraphBreaks::Line). The default: crawls hold both habits, often side by side, and
    /// blank lines at the ends of a text say nothing about the lines within.
    #[default]
    Auto,
    /// Blank lines part paragraphs; a lone line break is part of one.
    Blank,
    /// Every line with text on it is a paragraph.
    Line,
}

impl ParagraphBreaks {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            ParagraphBreaks::Auto => "auto",
            ParagraphBreaks::Blank => "blank",
            ParagraphBreaks::Line => "line",
        }
    }
}

/// The paragraphs of `text`, in order, as byte offsets into it.
///
/// A span begins and ends on text, never on white space; a piece of white space alone is no paragraph, so an
/// empty text has none. Spans do not overlap, and a line break stands between any two.
/// Cost: O(bytes), one allocation for the answer.
///
/// ```
/// use dittograph::text::{ParagraphBreaks, paragraphs};
///
/// let text = "Lead.\r\n\r\nFirst line,\r\nsecond line.\n";
/// let found: Vec<&str> = paragraphs(text, ParagraphBreaks::Auto).iter().map(|span| span.of(text)).collect();
/// assert_eq!(found, ["Lead.", "First line,\r\nsecond line."]);
/// ```
pub fn paragraphs(text: &str, breaks: ParagraphBreaks) -> Vec<Span> {
    let blank_lines_part = match breaks {
        ParagraphBreaks::Auto => has_blank_line_between_text(text),
        ParagraphBreaks::Blank => true,
        ParagraphBreaks::Line => false,
    };
    if blank_lines_part { between_blank_lines(text) } else { lines(text).flatten().collect() }
}

/// Whether a blank line has text before it and after it.
fn has_blank_line_between_text(text: &str) -> bool {
    lines(text.trim()).any(|line| line.is_none())
}

/// Joins lines that no blank line parts.
fn between_blank_lines(text: &str) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut goes_on = false;
    for line in lines(text) {
        match (line, found.last_mut()) {
            (Some(line), Some(paragraph)) if goes_on => paragraph.end = line.end,
            (Some(line), _) => found.push(line),
            (None, _) => {}
        }
        goes_on = line.is_some();
    }
    found
}

/// The text on each line, without the white space around it; `None` for a blank line.
fn lines(text: &str) -> impl Iterator<Item = Option<Span>> {
    let mut next = 0;
    text.split('\n').map(move |line| {
        let start = next + (line.len() - line.trim_start().len());
        next += line.len() + 1;
        let trimmed = line.trim();
        (!trimmed.is_empty()).then_some(Span { start, end: start + trimmed.len() })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller] // a failure points at the row, not at this helper
    fn check(breaks: ParagraphBreaks, text: &str, expected: &[&str]) {
        let found: Vec<&str> = paragraphs(text, breaks).iter().map(|span| span.of(text)).collect();
        assert_eq!(found, expected, "paragraphs of {text:?} by {breaks:?}");
    }

    #[test]
    fn auto_looks_for_a_blank_line_between_text() {
        let auto = ParagraphBreaks::Auto;
        check(auto, "a\n\nb", &["a", "b"]);
        check(auto, "a\n \t\n\nb\n", &["a", "b"]); // white space alone is no paragraph
        check(auto, "a\nb", &["a", "b"]); // no blank line anywhere: line breaks part
        check(auto, "a\nb\n\nc", &["a\nb", "c"]); // a blank line somewhere: they do not
        check(auto, "a\nb\n\n", &["a", "b"]); // at the end it says nothing
        check(auto, " \n\na\nb", &["a", "b"]); // nor at the start
        check(auto, "a\r\nb", &["a", "b"]);
        check(auto, "a\r\n\r\nb\r\nc", &["a", "b\r\nc"]);
        check(auto, "a\n\u{a0}\u{3000}\nb\nc", &["a", "b\nc"]); // white space of any kind
    }

    #[test]
    fn one_kind_of_break_can_be_forced() {
        check(ParagraphBreaks::Blank, "a\nb", &["a\nb"]);
        check(ParagraphBreaks::Blank, "\n a\n  b \n\n c", &["a\n  b", "c"]);
        check(ParagraphBreaks::Line, "a\nb\n\nc", &["a", "b", "c"]);
    }

    #[test]
    fn a_span_begins_and_ends_on_text() {
        for breaks in ALL {
            check(breaks, "", &[]);
            check(breaks, "\n", &[]);
            check(breaks, " \t\r\n\u{2003}\n", &[]);
            check(breaks, "\u{feff}a", &["\u{feff}a"]); // a byte order mark is no white space
            check(breaks, "\u{3000}é\u{a0}", &["é"]);
        }
    }

    #[test]
    fn other_controls_break_no_line() {
        for breaks in ALL {
            check(breaks, "a\rb", &["a\rb"]);
            check(breaks, "a\u{2028}b\u{85}c\u{b}d", &["a\u{2028}b\u{85}c\u{b}d"]);
        }
    }

    const ALL: [ParagraphBreaks; 3] = [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line];

    proptest! {
        #[test]
        fn spans_ascend_and_leave_out_only_white_space(text in "[ab \n\n\n\r\té\u{3000}]{0,40}|\\PC{0,40}") {
            for breaks in ALL {
                let mut before = 0;
                for (place, span) in paragraphs(&text, breaks).into_iter().enumerate() {
                    let gap = &text[before..span.start];
                    prop_assert!(gap.trim().is_empty(), "left out {:?} of {:?}", gap, text);
                    prop_assert!(place == 0 || gap.contains('\n'), "no break before {:?} in {:?}", span, text);
                    prop_assert!(!span.of(&text).is_empty());
                    prop_assert_eq!(span.of(&text).trim(), span.of(&text));
                    before = span.end;
                }
                prop_assert!(text[before..].trim().is_empty(), "left out the end of {:?}", text);
            }
        }

        #[test]
        fn auto_is_one_of_the_two(text in "[ab \n\n\n\r]{0,30}") {
            let inner = text.trim();
            let has_blank = !inner.is_empty() && inner.split('\n').any(|line| line.trim().is_empty());
            let same = if has_blank { ParagraphBreaks::Blank } else { ParagraphBreaks::Line };
            prop_assert_eq!(paragraphs(&text, ParagraphBreaks::Auto), paragraphs(&text, same));
        }

        #[test]
        fn no_blank_line_is_left_inside(text in "[ab \n\n\n\r]{0,30}") {
            for span in paragraphs(&text, ParagraphBreaks::Blank) {
                prop_assert!(span.of(&text).split('\n').all(|line| !line.trim().is_empty()));
            }
            for span in paragraphs(&text, ParagraphBreaks::Line) {
                prop_assert!(!span.of(&text).contains('\n'));
            }
        }
    }
}
