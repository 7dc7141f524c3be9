//! What does one record say?
//!
//! The bytes of a [`PieceKind::Record`](super::PieceKind::Record) in, a [`Record`] or a [`Rejection`] out. A record
//! that cannot be read is harmless when it is counted and kept aside with its reason; a text that was guessed at
//! would not be, so there are no repairs: no replacement characters, no other field in place of the named one.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::{Format, jsonl, text};

/// Which fields to read. A name is a literal key or a dotted path (`metadata.url`); at each step the literal key,
/// dots and all, wins over the path. Where a key is repeated, the last wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The text; `None`: the first of `text`, `content`, `raw_content`, `body` that holds a string.
    pub text: Option<String>,
    /// The label; `None`: the first of `id`, `doc_id`, `uid` that holds a string or a number.
    pub id: Option<String>,
    /// The url; `None`: the first of `url`, `uri`, `source_url` that holds a string.
    pub url: Option<String>,
    /// The site; `None`: none is read.
    pub site: Option<String>,
    /// The field of `--within`; `None`: none is read.
    pub within: Option<String>,
    /// The fields of `min:` and `max:` keep keys.
    pub keep: Vec<String>,
}

/// What was read of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The text, borrowed from the piece where it has no escapes.
    pub text: Cow<'a, str>,
    /// The label; a number as its JSON text.
    pub id: Option<String>,
    /// The url, as it stands.
    pub url: Option<String>,
    /// The value of the site field, a number as its JSON text; an empty string is none.
    pub site: Option<String>,
    /// The value of the `--within` field: a string as it is, a number or a truth value as its JSON text.
    pub within: Option<String>,
    /// The values of [`Fields::keep`], in that order, read like `within`.
    pub keep: Vec<Option<String>>,
}

/// Reads one record. Never panics, whatever the bytes, and its stack does not grow with their nesting.
///
/// # Errors
/// Why there is no document in it. Cost: two passes over the bytes and one more over the text.
pub fn parse<'a>(
    format: Format,
    piece: &'a [u8],
    fields: &Fields,
) -> std::result::Result<Record<'a>, Rejection> {
    match format {
        Format::Jsonl => jsonl::parse(piece, fields),
        Format::Text => text::parse(piece, fields),
    }
}

/// Where ranges of a record's text stand in its bytes, so that they can be cut out: with these bytes gone, `piece` is still
/// a record, its text is the old one without `ranges`, and everything else in it is as it was.
///
/// `ranges` are byte ranges of the text that [`parse`] finds in `piece`, ascending, without overlap. `None` where they are
/// not, where one of their ends lies within a character, or where `piece` is no record. Cost: one walk over the bytes and
/// one more over the text.
pub fn raw_ranges(
    format: Format,
    piece: &[u8],
    fields: &Fields,
    ranges: &[Range<usize>],
) -> Option<Vec<Range<usize>>> {
    match format {
        Format::Jsonl => jsonl::raw_ranges(piece, fields, ranges),
        Format::Text => text::raw_ranges(piece, ranges),
    }
}

/// Why a record could not be read. `Display` makes the sentence for `rejected.jsonl`, with the way out where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The bytes are not UTF-8.
    NotUtf8 {
        /// The first byte of the record that is not, counted from 0.
        at: usize,
    },
    /// The line is not JSON, or breaks off.
    NotJson {
        /// What is wrong.
        problem: String,
        /// The byte of the line at which it shows, counted from 1; 0 where none is known.
        column: usize,
    },
    /// The line is JSON, but no object.
    NotAnObject {
        /// What it is.
        found: JsonKind,
    },
    /// No field of the wanted names.
    NoTextField {
        /// The names that were looked for.
        wanted: Vec<String>,
        /// The keys of the record, as they stand.
        found: Vec<String>,
    },
    /// The text field holds something else.
    TextIsNoString {
        /// Its name.
        field: String,
        /// What it holds.
        found: JsonKind,
    },
    /// A string that is needed cannot be decoded: it has half a surrogate pair.
    BadString {
        /// The field.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// The record is longer than the longest that is held; for [`PieceKind::Fragment`](super::PieceKind::Fragment).
    TooLong {
        /// The limit in bytes.
        max_record: u64,
    },
    /// The part broke off; for [`PieceKind::Torn`](super::PieceKind::Torn).
    Torn {
        /// The [`Chunk::damage`](super::Chunk::damage).
        damage: String,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NotUtf8 { at } => write!(f, "not UTF-8: byte {at} of the record (counted from 0)"),
            Rejection::NotJson { problem, column: 0 } => write!(f, "not JSON: {problem}"),
            Rejection::NotJson { problem, column } => {
                write!(f, "not JSON: {problem} at byte {column} of the line")
            }
            Rejection::NotAnObject { found } => write!(f, "the line is JSON, but {found}, not an object"),
            Rejection::NoTextField { wanted, found } => {
                write!(f, "no field {} (", list(wanted, " or ", '"'))?;
                match found.is_empty() {
                    true => f.write_str("the record is empty")?,
                    false => write!(f, "the record has: {}", list(found, ", ", ' '))?,
                }
                f.write_str("); name the right one with --text-field")
            }
            Rejection::TextIsNoString { field, found } => {
                write!(f, "field \"{}\" holds {found}, not a string", shown(field))?;
                f.write_str("; if the text is elsewhere, name its field with --text-field")
            }
            Rejection::BadString { field, problem } => {
                write!(f, "field \"{}\" cannot be decoded: {problem}", shown(field))
            }
            Rejection::TooLong { max_record } => {
                write!(
                    f,
                    "longer than {max_record} bytes; a longer record is read with a larger --max-record"
                )
            }
            Rejection::Torn { damage } => write!(f, "the file is damaged here: {damage}"),
        }
    }
}

impl std::error::Error for Rejection {}

/// Some names, none of which can move a cursor or fill a screen.
fn list(names: &[String], between: &str, quote: char) -> String {
    let quoted = |name: &String| match quote {
        ' ' => shown(name),
        _ => format!("{quote}{}{quote}", shown(name)),
    };
    let mut shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(quoted).collect();
    if names.len() > NAMES_SHOWN {
        shown.push(format!("{} more", names.len() - NAMES_SHOWN));
    }
    shown.join(between)
}

/// A key of a foreign record, escaped, with its first characters only.
fn shown(name: &str) -> String {
    let head: String = name.chars().take(NAME_CHARS_SHOWN).collect();
    let dots = if head.len() < name.len() { "…" } else { "" };
    format!("{}{dots}", head.escape_debug())
}

/// A sentence names this many keys of a record, which is more than the common corpora have.
const NAMES_SHOWN: usize = 20;

/// And so many characters of each.
const NAME_CHARS_SHOWN: usize = 60;

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum JsonKind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl JsonKind {
    /// By the first byte of a valid value.
    pub(super) fn of(json: &str) -> JsonKind {
        match json.trim_start().as_bytes().first() {
            Some(b'n') | None => JsonKind::Null,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'"') => JsonKind::String,
            Some(b'[') => JsonKind::Array,
            Some(b'{') => JsonKind::Object,
            Some(_) => JsonKind::Number,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JsonKind::Null => "null",
            JsonKind::Bool => "a truth value",
            JsonKind::Number => "a number",
            JsonKind::String => "a string",
            JsonKind::Array => "an array",
            JsonKind::Object => "an object",
        })
    }
}

pub(super) fn utf8(piece: &[u8]) -> std::result::Result<&str, Rejection> {
    std::str::from_utf8(piece).map_err(|error| Rejection::NotUtf8 { at: error.valid_up_to() })
}

#[cfg(test)]
mod tests;
