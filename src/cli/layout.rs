//! How do foreign text, marks and columns fit a terminal?
//!
//! A text and the spans to mark in it in, lines of at most so many columns out ([`wrapped`], [`beside`], [`excerpt`]).
//! White space is a place to break and nothing else; whatever else might do something to a terminal stands there escaped
//! (`say::escaped`), so a text cannot leave its column. Wide and combining characters count as they are shown.

use dittograph::document::Span;
use unicode_width::UnicodeWidthChar;

use super::say::escaped;

/// What marks a stretch of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Colour: for terminals.
    Colour,
    /// Brackets.
    Brackets,
}

/// How a stretch of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// What both documents hold.
    Shared,
    /// What is named.
    Strong,
    /// What is not looked at.
    Dim,
}

/// The brackets around what is shared, where there is no colour.
const BRACKETS: [char; 2] = ['⟦', '⟧'];

/// A line that is as wide as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Style, String)>,
    width: usize,
}

impl Line {
    /// One short piece.
    pub fn of(style: Style, text: &str) -> Line {
        let text = escaped(text);
        Line { width: columns(&text), pieces: vec![(style, text)] }
    }

    fn push(&mut self, style: Style, text: &str, width: usize) {
        match self.pieces.last_mut() {
            Some((last, piece)) if *last == style => piece.push_str(text),
            _ => self.pieces.push((style, text.to_owned())),
        }
        self.width += width;
    }

    /// This line, filled up to `width` columns, and then another.
    fn then(mut self, width: usize, other: Line) -> Line {
        let gap = width.saturating_sub(self.width);
        self.push(Style::Plain, &" ".repeat(gap), gap);
        self.width += other.width;
        self.pieces.extend(other.pieces);
        self
    }

    /// As it goes to standard output.
    pub fn shown(&self, ink: Ink) -> String {
        let mut shown = String::new();
        for (style, text) in &self.pieces {
            let code = match (ink, style) {
                (Ink::Brackets, _) | (_, Style::Plain) => None,
                (_, Style::Shared) => Some("32"),
                (_, Style::Strong) => Some("1"),
                (_, Style::Dim) => Some("2"),
            };
            match code {
                Some(code) => shown.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m")),
                None => shown.push_str(text),
            }
        }
        shown.truncate(shown.trim_end_matches(' ').len());
        shown
    }
}

/// A text in lines of at most `width` columns, with what lies in `marks` (ascending, apart) as shared. A word that is wider
/// than a line, as all Chinese is one, is broken where the line ends. A text without words has no line.
pub fn wrapped(text: &str, marks: &[Span], style: Style, ink: Ink, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for word in words(text, marks, style, ink) {
        let whole: usize = word.glyphs.iter().map(|glyph| glyph.width).sum();
        let first = word.glyphs.first().map_or(0, |glyph| glyph.width);
        let space = usize::from(line.width > 0);
        let needed = if whole <= width { whole } else { first };
        if line.width + space + needed > width && line.width > 0 {
            lines.push(std::mem::take(&mut line));
        } else if space > 0 {
            line.push(if word.shared_before { Style::Shared } else { style }, " ", 1);
        }
        for glyph in word.glyphs {
            if line.width + glyph.width > width && line.width > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.push(glyph.style, &glyph.text, glyph.width);
        }
    }
    if line.width > 0 || !line.pieces.is_empty() {
        lines.push(line);
    }
    lines
}

/// Two columns of lines, the left one `width` columns wide, with a rule between them.
pub fn beside(left: Vec<Line>, right: Vec<Line>, width: usize) -> Vec<Line> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| {
        let (left, right) = (left.next().unwrap_or_default(), right.next().unwrap_or_default());
        left.then(width, Line::of(Style::Dim, " │ ")).then(0, right)
    };
    (0..rows).map(row).collect()
}

/// The lines with a label before the first one, and as much space before the others.
pub fn labelled(label: Line, room: usize, lines: Vec<Line>) -> Vec<Line> {
    let lines = if lines.is_empty() { vec![Line::default()] } else { lines };
    let mut label = Some(label);
    lines.into_iter().map(|line| label.take().unwrap_or_default().then(room, line)).collect()
}

/// A text on one line of at most `width` columns: the whole of it, or its first and its last words.
pub fn excerpt(text: &str, width: usize) -> String {
    let whole = shown_words(text.chars()).take(width + 1).collect::<Vec<_>>();
    if whole.len() <= width && whole.iter().map(|glyph| columns(glyph)).sum::<usize>() <= width {
        return whole.concat().trim_end().to_owned();
    }
    let room = width.saturating_sub(BETWEEN.len());
    let head = fitting(shown_words(text.chars()), room / 2).concat();
    let mut tail = fitting(shown_words(text.chars().rev()), room - columns(&head));
    tail.reverse();
    head + BETWEEN + &tail.concat()
}

/// Between the first and the last words.
const BETWEEN: &str = " ... ";

/// The first of these characters that fit, without the word that is cut, unless there is no other.
fn fitting(glyphs: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let mut room = width;
    let mut cut = false;
    let mut fit: Vec<String> = Vec::new();
    // A character may bear any number of marks.
    for glyph in glyphs.take(4 * width) {
        let needed = columns(&glyph);
        if needed > room {
            cut = glyph != " ";
            break;
        }
        room -= needed;
        fit.push(glyph);
    }
    let space = fit.iter().rposition(|glyph| glyph == " ");
    if let Some(space) = space.filter(|_| cut) {
        fit.truncate(space);
    }
    fit
}

/// Characters, escaped where they must be, with one space for any white space.
fn shown_words(chars: impl Iterator<Item = char>) -> impl Iterator<Item = String> {
    let mut after_space = true;
    chars.filter_map(move |c| {
        let space = c.is_whitespace();
        let skipped = space && std::mem::replace(&mut after_space, space);
        after_space = space;
        (!skipped).then(|| if space { " ".to_owned() } else { escaped(c.encode_utf8(&mut [0; 4])) })
    })
}

/// How many columns a text takes that holds no control characters.
fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A character with the marks on it.
struct Glyph {
    text: String,
    width: usize,
    style: Style,
}

struct Word {
    glyphs: Vec<Glyph>,
    /// Whether the white space before it is marked.
    shared_before: bool,
}

fn words(text: &str, marks: &[Span], style: Style, ink: Ink) -> Vec<Word> {
    let mut words = Vec::new();
    let mut marks = marks.iter().copied().peekable();
    let (mut open, mut shared_before) = (false, false);
    let mut end = 0;
    for word in text.split_whitespace() {
        // `split_whitespace` gives slices of the text, in order.
        let start = end + text[end..].find(word).unwrap_or(0);
        end = start + word.len();
        let mut glyphs: Vec<Glyph> = Vec::new();
        for (at, c) in word.char_indices().map(|(at, c)| (start + at, c)) {
            while marks.next_if(|mark| mark.end <= at).is_some() {}
            if !open && marks.peek().is_some_and(|mark| mark.start <= at) {
                open = true;
                bracket(&mut glyphs, ink, BRACKETS[0]);
            }
            let shown = escaped(c.encode_utf8(&mut [0; 4]));
            let width = columns(&shown);
            let style = if open { Style::Shared } else { style };
            match glyphs.last_mut().filter(|_| width == 0) {
                Some(glyph) => glyph.text.push_str(&shown),
                None => glyphs.push(Glyph { text: shown, width, style }),
            }
            if open && marks.next_if(|mark| mark.end <= at + c.len_utf8()).is_some() {
                open = false;
                bracket(&mut glyphs, ink, BRACKETS[1]);
            }
        }
        words.push(Word { glyphs, shared_before });
        shared_before = open;
    }
    words
}

fn bracket(glyphs: &mut Vec<Glyph>, ink: Ink, bracket: char) {
    if ink == Ink::Brackets {
        glyphs.push(Glyph { text: bracket.to_string(), width: 1, style: Style::Shared });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where `[` and `]` stand in a text is marked; they are taken out.
    fn marked(text: &str) -> (String, Vec<Span>) {
        let (mut plain, mut marks) = (String::new(), Vec::new());
        for c in text.chars() {
            match c {
                '[' => marks.push(Span { start: plain.len(), end: plain.len() }),
                ']' => marks.last_mut().unwrap().end = plain.len(),
                c => plain.push(c),
            }
        }
        (plain, marks)
    }

    #[track_caller]
    fn check(text: &str, width: usize, expected: &[&str]) {
        let (plain, marks) = marked(text);
        let lines = wrapped(&plain, &marks, Style::Plain, Ink::Brackets, width);
        let shown: Vec<String> = lines.iter().map(|line| line.shown(Ink::Brackets)).collect();
        assert_eq!(shown, expected, "{text:?} in {width} columns");
    }

    #[test]
    fn lines_break_at_white_space() {
        check("one two three", 20, &["one two three"]);
        check("one two three", 8, &["one two", "three"]);
        check(" one\r\n\ttwo  three\n", 7, &["one two", "three"]);
        check("", 8, &[]);
        check("  \n", 8, &[]);
    }

    #[test]
    fn what_is_wider_than_a_line_is_broken() {
        check("ab abcdefghij", 4, &["ab a", "bcde", "fghi", "j"]);
        check("東京タワー", 5, &["東京", "タワ", "ー"]); // two columns each
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "e\u{301}"]); // no column for a mark
    }

    #[test]
    fn marks_stand_where_they_belong() {
        check("one [two three] four", 40, &["one ⟦two three⟧ four"]);
        check("[one] [two]", 40, &["⟦one⟧ ⟦two⟧"]);
        check("one ([two] three", 9, &["one", "(⟦two⟧", "three"]);
        check("a[東京]b", 40, &["a⟦東京⟧b"]);
    }

    #[test]
    fn colour_marks_without_a_bracket() {
        let (plain, marks) = marked("one [two three] four");
        let lines = wrapped(&plain, &marks, Style::Dim, Ink::Colour, 40);
        assert_eq!(
            lines[0].shown(Ink::Colour),
            "\u{1b}[2mone \u{1b}[0m\u{1b}[32mtwo three\u{1b}[0m\u{1b}[2m four\u{1b}[0m"
        );
    }

    #[test]
    fn columns_stand_side_by_side() {
        let column = |text| wrapped(text, &[], Style::Plain, Ink::Brackets, 6);
        let lines = beside(column("one two three"), column("東京 x"), 6);
        let shown: Vec<String> = lines.iter().map(|line| line.shown(Ink::Brackets)).collect();
        assert_eq!(shown, ["one    │ 東京 x", "two    │", "three  │"]);
    }

    #[track_caller]
    fn check_excerpt(text: &str, width: usize, expected: &str) {
        assert_eq!(excerpt(text, width), expected, "{text:?} in {width} columns");
    }

    #[test]
    fn excerpts_have_the_first_and_the_last_words() {
        check_excerpt("one  two\nthree ", 20, "one two three");
        check_excerpt("one two three four five six", 20, "one two ... five six");
        check_excerpt(
            "one two three four five six",
            19,
            "one two ... five six".replace("five ", "").as_str(),
        );
        check_excerpt("abcdefghijklmnopqrstuvwxyz", 15, "abcde ... vwxyz");
        check_excerpt("一二三四五六七八九十", 13, "一二 ... 九十");
        check_excerpt("bad \u{1b}[2J end", 40, r"bad \u{1b}[2J end");
        check_excerpt("", 10, "");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_line_or_hostile(
            text in "[a-c \\n\u{1b}\u{301}\u{202e}東]{0,60}",
            width in 8..30usize,
            ink in prop::sample::select(vec![Ink::Brackets, Ink::Colour]),
        ) {
            let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
            let marks = [Span { start: 0, end: middle }];
            for line in wrapped(&text, &marks, Style::Plain, ink, width) {
                let bare: String = line.pieces.iter().map(|(_, text)| text.as_str()).collect();
                prop_assert_eq!(columns(&bare), line.width, "{:?}", &bare);
                prop_assert!(line.width <= width, "{:?}", &bare);
                prop_assert!(!bare.chars().any(super::super::say::is_hostile), "{:?}", &bare);
            }
            let excerpt = excerpt(&text, width);
            prop_assert!(columns(&excerpt) <= width, "{:?}", &excerpt);
            prop_assert!(!excerpt.chars().any(super::super::say::is_hostile), "{:?}", &excerpt);
        }
    }
}
