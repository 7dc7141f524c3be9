//! Does the fast tokenizer say what the contract says, and do paragraphs leave out nothing but white space?
//!
//! Any text in. The tokens are held against the rule as it is written, step by step over the whole text.

#![no_main]

use std::cell::RefCell;

use dittograph::text::{ParagraphBreaks, Tokenizer, paragraphs, tokens};
use icu_casemap::CaseMapper;
use libfuzzer_sys::fuzz_target;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let text = text_of(bytes);
    if choice == 255 && text.len() <= LONGEST_PATTERN {
        let long = text.repeat(LONG / text.len().max(1));
        assert_eq!(
            tokens_again(&long),
            tokens_slow(&long),
            "tokens of {text:?}, repeated to {} bytes",
            long.len()
        );
        return;
    }
    let whole = tokens_slow(&text);
    assert_eq!(tokens(&text), whole, "tokens of {text:?}");
    // One tokenizer for all texts: what it says does not depend on the texts before.
    assert_eq!(tokens_again(&text), whole, "tokens of {text:?}, by a used tokenizer");
    for breaks in [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line] {
        check_paragraphs(&text, breaks, &whole);
    }
});

/// Longer than what the tokenizer lowers or normalises at once, which it does in other ways than short texts.
const LONG: usize = 4_500;

/// Longer patterns are not repeated: they cost as much and add little.
const LONGEST_PATTERN: usize = 16;

/// UTF-8 as it is; of other bytes each three are a code point, so that one changed byte leaves a text.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.chunks(3).filter_map(code_point).collect(),
    }
}

fn code_point(bytes: &[u8]) -> Option<char> {
    let number = bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    char::from_u32(number % (u32::from(char::MAX) + 1))
}

fn tokens_again(text: &str) -> Vec<String> {
    thread_local! {
        static TOKENIZER: RefCell<Tokenizer> = RefCell::new(Tokenizer::new());
    }
    let mut found = Vec::new();
    TOKENIZER.with_borrow_mut(|tokenizer| tokenizer.for_each(text, |token| found.push(token.to_owned())));
    found
}

fn tokens_slow(text: &str) -> Vec<String> {
    let normalised: String = text.nfkc().collect();
    let folded = CaseMapper::new().fold_string(&normalised);
    let folded = folded.replace('\u{131}', "i").replace("i\u{307}", "i");
    let mut found = vec![String::new()];
    for c in folded.chars() {
        match (is_token_character(c), is_token_by_itself(c)) {
            (false, _) => found.push(String::new()),
            (true, false) => found.last_mut().expect("never empty").push(c),
            (true, true) => found.extend([c.to_string(), String::new()]),
        }
    }
    found.retain(|token| !token.is_empty());
    found
}

fn is_token_character(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    matches!(c.general_category_group(), Letter | Mark | Number)
}

/// The blocks that the contract lists.
fn is_token_by_itself(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3134F)
}

fn check_paragraphs(text: &str, breaks: ParagraphBreaks, whole: &[String]) {
    let mut before = 0;
    let mut found = Vec::new();
    for (place, span) in paragraphs(text, breaks).into_iter().enumerate() {
        assert!(
            before <= span.start && span.start < span.end,
            "{span:?} after {before} in {text:?} by {breaks:?}"
        );
        // Slicing panics where a span is not on character boundaries.
        let (gap, paragraph) = (&text[before..span.start], span.of(text));
        assert!(gap.trim().is_empty(), "{gap:?} is left out of {text:?} by {breaks:?}");
        assert!(place == 0 || gap.contains('\n'), "no break before {span:?} in {text:?} by {breaks:?}");
        assert_eq!(paragraph.trim(), paragraph, "white space at the ends in {text:?} by {breaks:?}");
        let is_whole = match breaks {
            ParagraphBreaks::Line => !paragraph.contains('\n'),
            ParagraphBreaks::Blank => paragraph.split('\n').all(|line| !line.trim().is_empty()),
            ParagraphBreaks::Auto => true,
        };
        assert!(is_whole, "{span:?} holds a break in {text:?} by {breaks:?}");
        found.extend(tokens_again(paragraph));
        before = span.end;
    }
    assert!(text[before..].trim().is_empty(), "the end of {text:?} is left out by {breaks:?}");
    assert_eq!(found, whole, "paragraph by paragraph, tokens of {text:?} by {breaks:?}");
}
