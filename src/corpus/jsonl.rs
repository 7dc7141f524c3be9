//! JSON Lines: an object a line.
//!
//! Lines end with `\n` or `\r\n`; the last may lack it. A line of white space alone is framing. The line is walked
//! once; values are borrowed as they stand, and only those that are needed are decoded. Values that nobody asks for
//! are checked to be JSON and not looked into, so a strange one does not cost the document.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::io::BufRead;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::pieces::{PieceKind, Shape};
use super::record::{Fields, JsonKind, Record, Rejection, utf8};

/// The names under which the text is found by itself, first wins. They are the contract's, as are the next two.
const TEXT_FIELDS: [&str; 4] = ["text", "content", "raw_content", "body"];
const ID_FIELDS: [&str; 3] = ["id", "doc_id", "uid"];
const URL_FIELDS: [&str; 3] = ["url", "uri", "source_url"];

/// A line is a piece.
pub(super) struct Lines;

impl Shape for Lines {
    fn end(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        let mut unsearched = &bytes[searched..];
        // On a slice this is the standard library's fast search, and it cannot fail.
        let passed = unsearched.skip_until(b'\n').unwrap_or(0);
        let end = searched + passed;
        (passed > 0 && bytes[end - 1] == b'\n').then_some(end)
    }

    fn kind(&self, piece: &[u8]) -> PieceKind {
        match piece.trim_ascii().is_empty() {
            true => PieceKind::Framing,
            false => PieceKind::Record,
        }
    }

    fn rest(&self, bytes: &[u8]) -> Option<PieceKind> {
        (!bytes.is_empty()).then(|| self.kind(bytes))
    }
}

pub(super) fn parse<'a>(piece: &'a [u8], fields: &Fields) -> std::result::Result<Record<'a>, Rejection> {
    let line = utf8(piece)?;
    if !line.trim_ascii_start().starts_with('{') {
        return Err(not_an_object(line));
    }
    let wanted = Wanted::new(fields);
    let mut slots: Vec<Slot<'_, 'a>> = wanted.names.iter().map(|name| Slot::new(name)).collect();
    read_object(line, &mut slots)?;
    let values = Values { wanted: &wanted, slots: &slots };
    Ok(Record {
        text: values.text(line)?,
        id: values.first(&wanted.id, label)?,
        url: values.first(&wanted.url, string)?,
        site: values.first(&wanted.site, label)?.filter(|site| !site.is_empty()),
        within: values.first(&wanted.within, any_value)?,
        keep: wanted
            .keep
            .clone()
            .map(|slot| values.first(&(slot..slot + 1), scalar))
            .collect::<std::result::Result<_, _>>()?,
    })
}

/// Walks the text's JSON string beside the text it stands for.
pub(super) fn raw_ranges(
    piece: &[u8],
    fields: &Fields,
    ranges: &[Range<usize>],
) -> Option<Vec<Range<usize>>> {
    let line = utf8(piece).ok()?;
    let wanted = Wanted::new(fields);
    let mut slots: Vec<Slot<'_, '_>> = wanted.names.iter().map(|name| Slot::new(name)).collect();
    read_object(line, &mut slots).ok()?;
    let (_, value) = Values { wanted: &wanted, slots: &slots }.text_value(line).ok()?;
    let literal = value.get();
    // The value is borrowed from the line, so its address tells where in the line it stands.
    let place = literal.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut spelling = Spelling { inner, raw: 0, text: 0 };
    let mut found = Vec::with_capacity(ranges.len());
    for range in ranges {
        let start = spelling.raw_place(range.start)?;
        let end = spelling.raw_place(range.end)?;
        found.push(place + 1 + start..place + 1 + end);
    }
    Some(found)
}

/// What stands between the quotes of a JSON string, and how far it was walked: bytes of it, and of its text.
struct Spelling<'a> {
    inner: &'a str,
    raw: usize,
    text: usize,
}

impl Spelling<'_> {
    /// Where the character at this byte of the text is spelled; places must ascend.
    fn raw_place(&mut self, text: usize) -> Option<usize> {
        while self.text < text {
            let (raw, text) = spelled(self.inner.as_bytes().get(self.raw..)?)?;
            self.raw += raw;
            self.text += text;
        }
        (self.text == text && self.inner.is_char_boundary(self.raw)).then_some(self.raw)
    }
}

/// How many bytes spell what stands first, and how many bytes of text that is: an escape as a whole, else a byte.
fn spelled(inner: &[u8]) -> Option<(usize, usize)> {
    match inner {
        [] => None,
        [b'\\', b'u', rest @ ..] => {
            let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
            // Half of a surrogate pair is no character; the pair is one of four bytes.
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?);
            Some(character.map_or((12, 4), |character| (6, character.len_utf8())))
        }
        [b'\\', ..] => Some((2, 1)),
        _ => Some((1, 1)),
    }
}

fn not_an_object(line: &str) -> Rejection {
    match serde_json::from_str::<IgnoredAny>(line) {
        Ok(_) => Rejection::NotAnObject { found: JsonKind::of(line) },
        Err(error) => not_json(&error),
    }
}

fn not_json(error: &serde_json::Error) -> Rejection {
    let sentence = error.to_string();
    // The line is one line: serde_json's "at line 1 column 7" would be taken for the file's.
    let problem = sentence.rsplit_once(" at line ").map_or(sentence.as_str(), |(problem, _)| problem);
    Rejection::NotJson { problem: problem.to_owned(), column: error.column() }
}

/// All names to look for, each use a range of them.
struct Wanted<'n> {
    names: Vec<&'n str>,
    text: Names,
    id: Names,
    url: Names,
    site: Names,
    within: Names,
    keep: Names,
}

type Names = Range<usize>;

impl<'n> Wanted<'n> {
    fn new(fields: &'n Fields) -> Wanted<'n> {
        let mut names = Vec::with_capacity(12 + fields.keep.len());
        let mut add = |given: Option<&'n str>, known: &[&'static str]| {
            let start = names.len();
            match given {
                Some(name) => names.push(name),
                None => names.extend(known),
            }
            start..names.len()
        };
        let text = add(fields.text.as_deref(), &TEXT_FIELDS);
        let id = add(fields.id.as_deref(), &ID_FIELDS);
        let url = add(fields.url.as_deref(), &URL_FIELDS);
        let site = add(fields.site.as_deref(), &[]);
        let within = add(fields.within.as_deref(), &[]);
        let start = within.end;
        names.extend(fields.keep.iter().map(String::as_str));
        let keep = start..names.len();
        Wanted { names, text, id, url, site, within, keep }
    }
}

/// One wanted name and what a walk over an object found for it.
#[derive(Clone, Copy)]
struct Slot<'n, 'a> {
    name: &'n str,
    /// The part of `name` before its first dot; the whole of it where it has none.
    head: &'n str,
    /// The value of the key `name`.
    literal: Option<&'a RawValue>,
    /// The value of the key `head`, where that is not the whole name.
    root: Option<&'a RawValue>,
}

impl<'n, 'a> Slot<'n, 'a> {
    fn new(name: &'n str) -> Slot<'n, 'a> {
        let head = name.split_once('.').map_or(name, |(head, _)| head);
        Slot { name, head, literal: None, root: None }
    }

    /// The value, down the path. As many steps as the name has dots.
    fn value(mut self) -> std::result::Result<Option<&'a RawValue>, Rejection> {
        loop {
            if self.literal.is_some() {
                return Ok(self.literal);
            }
            let (Some(root), Some((_, rest))) = (self.root, self.name.split_once('.')) else {
                return Ok(None);
            };
            if JsonKind::of(root.get()) != JsonKind::Object {
                return Ok(None);
            }
            let mut inner = [Slot::new(rest)];
            read_object(root.get(), &mut inner)?;
            [self] = inner;
        }
    }
}

/// What was found, with the names it was found under.
struct Values<'s, 'n, 'a> {
    wanted: &'s Wanted<'n>,
    slots: &'s [Slot<'n, 'a>],
}

impl<'a> Values<'_, '_, 'a> {
    fn text(&self, line: &str) -> std::result::Result<Cow<'a, str>, Rejection> {
        let (name, value) = self.text_value(line)?;
        decode(name, value)
    }

    /// The JSON string that holds the text, and the name it was found under.
    fn text_value(&self, line: &str) -> std::result::Result<(&str, &'a RawValue), Rejection> {
        let mut other = None;
        for slot in &self.slots[self.wanted.text.clone()] {
            let Some(value) = slot.value()? else { continue };
            match JsonKind::of(value.get()) {
                JsonKind::String => return Ok((slot.name, value)),
                found => {
                    other = other.or(Some(Rejection::TextIsNoString { field: slot.name.to_owned(), found }))
                }
            }
        }
        Err(match other {
            Some(rejection) => rejection,
            None => Rejection::NoTextField {
                wanted: self.slots[self.wanted.text.clone()]
                    .iter()
                    .map(|slot| slot.name.to_owned())
                    .collect(),
                found: keys(line)?,
            },
        })
    }

    /// The first of some names whose value `read` takes.
    fn first(&self, names: &Names, read: Take) -> std::result::Result<Option<String>, Rejection> {
        for slot in &self.slots[names.clone()] {
            if let Some(value) = slot.value()?
                && let Some(value) = read(slot.name, value)?
            {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// Reads the value of a named field, or leaves it.
type Take = fn(&str, &RawValue) -> std::result::Result<Option<String>, Rejection>;

fn string(field: &str, value: &RawValue) -> std::result::Result<Option<String>, Rejection> {
    match JsonKind::of(value.get()) {
        JsonKind::String => decode(field, value).map(|value| Some(value.into_owned())),
        _ => Ok(None),
    }
}

fn label(field: &str, value: &RawValue) -> std::result::Result<Option<String>, Rejection> {
    match JsonKind::of(value.get()) {
        JsonKind::Number => Ok(Some(value.get().to_owned())),
        _ => string(field, value),
    }
}

/// What is told apart by `--within`: any value but null, lists and objects as their JSON text.
fn any_value(field: &str, value: &RawValue) -> std::result::Result<Option<String>, Rejection> {
    match JsonKind::of(value.get()) {
        JsonKind::Array | JsonKind::Object => Ok(Some(value.get().to_owned())),
        _ => scalar(field, value),
    }
}

fn scalar(field: &str, value: &RawValue) -> std::result::Result<Option<String>, Rejection> {
    match JsonKind::of(value.get()) {
        JsonKind::Bool => Ok(Some(value.get().to_owned())),
        _ => label(field, value),
    }
}

fn decode<'a>(field: &str, value: &'a RawValue) -> std::result::Result<Cow<'a, str>, Rejection> {
    match serde_json::from_str::<BorrowedString<'a>>(value.get()) {
        Ok(BorrowedString(text)) => Ok(text),
        Err(error) => match not_json(&error) {
            Rejection::NotJson { problem, .. } => {
                Err(Rejection::BadString { field: field.to_owned(), problem })
            }
            other => Err(other),
        },
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct BorrowedString<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of an object, for the sentence that says that the right one is missing; repeated ones once.
fn keys(line: &str) -> std::result::Result<Vec<String>, Rejection> {
    match serde_json::from_str::<Keys>(line) {
        Ok(Keys(keys)) => Ok(keys),
        Err(error) => Err(not_json(&error)),
    }
}

struct Keys(Vec<String>);

impl<'a> Deserialize<'a> for Keys {
    fn deserialize<D: Deserializer<'a>>(json: D) -> std::result::Result<Keys, D::Error> {
        json.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'a> Visitor<'a> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> std::result::Result<Keys, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = object.next_entry::<String, IgnoredAny>()? {
            keys.insert(key);
        }
        Ok(Keys(keys.into_iter().collect()))
    }
}

/// Walks over an object once and fills the slots; of a repeated key the last value stays.
fn read_object<'a>(json: &'a str, slots: &mut [Slot<'_, 'a>]) -> std::result::Result<(), Rejection> {
    let mut json = serde_json::Deserializer::from_str(json);
    Walk(slots).deserialize(&mut json).and_then(|()| json.end()).map_err(|error| not_json(&error))
}

struct Walk<'s, 'n, 'a>(&'s mut [Slot<'n, 'a>]);

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> std::result::Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> std::result::Result<(), A::Error> {
        while let Some(BorrowedString(key)) = object.next_key()? {
            if !self.0.iter().any(|slot| slot.head == key || slot.name == key) {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &'a RawValue = object.next_value()?;
            for slot in self.0.iter_mut() {
                if slot.name == key {
                    slot.literal = Some(value);
                } else if slot.head == key {
                    slot.root = Some(value);
                }
            }
        }
        Ok(())
    }
}
