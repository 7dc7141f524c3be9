//! Does a record say what its JSON says?
//!
//! Any bytes in. What `parse` makes of them is held against `serde_json::Value` and the contract's rules for fields,
//! for records that can be read and for those that cannot.

#![no_main]

use std::str::from_utf8;

use dittograph::corpus::{Fields, Format, Record, Rejection, parse, raw_ranges};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|line: &[u8]| {
    for fields in many_fields() {
        check_text(line, &fields);
        let found = parse(Format::Jsonl, line, &fields);
        match (object(line), found) {
            (Ok(Some(object)), found) => check_against(&object, &fields, found, line),
            (Ok(None), Ok(record)) => panic!("{record:?} of {line:?}, which is no object"),
            // Our reader does not look into values that nobody asked for; `Value` does, and has limits of its own.
            (Err(error), Ok(record)) => assert!(is_limit(&error), "{record:?} of {line:?}: {error}"),
            (Ok(None) | Err(_), Err(rejection)) => check_sentence(&rejection),
        }
    }
});

/// The known names; named ones, literal and dotted, all at once; and paths that share their first steps.
fn many_fields() -> [Fields; 3] {
    let some = |name: &str| Some(name.to_owned());
    let named = Fields {
        text: some("a.b"),
        id: some("a"),
        url: some("url"),
        site: some("site"),
        within: some("w"),
        keep: vec!["n".to_owned(), "a.b.c".to_owned(), "text".to_owned()],
    };
    let paths = Fields {
        text: some("a.b.c"),
        id: some("a.b"),
        url: some("."),
        site: some(""),
        within: some("a..c"),
        keep: vec![".a".to_owned(), "a.".to_owned()],
    };
    [Fields::default(), named, paths]
}

/// A plain text is its file: any UTF-8, and nothing else.
fn check_text(bytes: &[u8], fields: &Fields) {
    match (parse(Format::Text, bytes, fields), from_utf8(bytes)) {
        (Ok(record), Ok(text)) => {
            assert_eq!(record.text, text);
            assert_eq!(record.keep, vec![None; fields.keep.len()]);
        }
        (Err(Rejection::NotUtf8 { at }), Err(error)) => assert_eq!(at, error.valid_up_to()),
        (found, _) => panic!("{found:?} of the text {bytes:?}"),
    }
}

/// The line as an object; `None` where it is other JSON.
fn object(line: &[u8]) -> serde_json::Result<Option<Map<String, Value>>> {
    match serde_json::from_slice(line)? {
        Value::Object(object) => Ok(Some(object)),
        _ => Ok(None),
    }
}

/// Whether `Value` refuses what is JSON by its grammar: numbers beyond a double, deep nesting, half surrogate pairs
/// and serde_json's own secret key.
fn is_limit(error: &serde_json::Error) -> bool {
    let sentence = error.to_string();
    [
        "number out of range",
        "recursion limit exceeded",
        "lone leading surrogate",
        "unexpected end of hex escape",
        "RawValue",
    ]
    .iter()
    .any(|limit| sentence.contains(limit))
}

fn check_against(
    object: &Map<String, Value>,
    fields: &Fields,
    found: Result<Record, Rejection>,
    line: &[u8],
) {
    let names = |given: &Option<String>, known: &[&str]| match given {
        Some(name) => vec![name.clone()],
        None => known.iter().map(|&name| name.to_owned()).collect(),
    };
    let text =
        first(object, &names(&fields.text, &["text", "content", "raw_content", "body"]), Value::is_string);
    let record = match (text, found) {
        (Some(text), Ok(record)) => {
            assert_eq!(Some(&*record.text), text.as_str(), "text of {line:?} by {fields:?}");
            record
        }
        (None, Err(rejection)) => return check_sentence(&rejection),
        (text, found) => panic!("{found:?}, not {text:?}, of {line:?} by {fields:?}"),
    };
    check_cut(&record.text, fields, line);
    let label = |value: &Value| value.is_string() || value.is_number();
    let scalar = |value: &Value| label(value) || value.is_boolean();
    let id = first(object, &names(&fields.id, &["id", "doc_id", "uid"]), label);
    let url = first(object, &names(&fields.url, &["url", "uri", "source_url"]), Value::is_string);
    let site = first(object, &names(&fields.site, &[]), label).filter(|site| site.as_str() != Some(""));
    let within = first(object, &names(&fields.within, &[]), scalar);
    for (read, said) in [(&record.id, id), (&record.url, url), (&record.site, site), (&record.within, within)]
    {
        assert!(is_said(read.as_deref(), said), "{read:?}, not {said:?}, of {line:?} by {fields:?}");
    }
    assert_eq!(record.keep.len(), fields.keep.len());
    for (read, name) in record.keep.iter().zip(&fields.keep) {
        let said = first(object, &[name.clone()], scalar);
        assert!(is_said(read.as_deref(), said), "{read:?}, not {said:?}, of {line:?} by {fields:?}");
    }
}

/// A span in the middle of the text can be cut out of the line, and nothing else of the text goes with it.
fn check_cut(text: &str, fields: &Fields, line: &[u8]) {
    let ends: Vec<usize> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
    let (start, end) = (ends[ends.len() / 3], ends[ends.len() / 2]);
    let raw = raw_ranges(Format::Jsonl, line, fields, &[start..end]).expect("a span of the text");
    let shorter = [&line[..raw[0].start], &line[raw[0].end..]].concat();
    let rest = parse(Format::Jsonl, &shorter, fields).expect("still a record").text.into_owned();
    assert_eq!(rest, text[..start].to_owned() + &text[end..], "{start}..{end} cut out of {line:?} by {fields:?}");
}

/// The first value under one of `names` that is of the right kind.
fn first<'v>(
    object: &'v Map<String, Value>,
    names: &[String],
    takes: impl Fn(&Value) -> bool,
) -> Option<&'v Value> {
    names.iter().filter_map(|name| value(object, name)).find(|value| takes(value))
}

/// The literal key wins over the path, at each step.
fn value<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let (head, rest) = name.split_once('.')?;
        value(object.get(head)?.as_object()?, rest)
    })
}

/// A string is read as it is, all else as its JSON text.
fn is_said(read: Option<&str>, said: Option<&Value>) -> bool {
    match (read, said) {
        (None, None) => true,
        (Some(read), Some(Value::String(said))) => read == said,
        (Some(read), Some(said)) => serde_json::from_str::<Value>(read).is_ok_and(|read| read == *said),
        _ => false,
    }
}

/// The sentence of a rejection is shown on terminals: no escape codes, and not a screen full of a foreign key.
fn check_sentence(rejection: &Rejection) {
    let sentence = rejection.to_string();
    assert!(!sentence.contains(char::is_control), "{sentence:?}");
    assert!(sentence.len() < LONGEST_SENTENCE, "{} bytes: {sentence:?}", sentence.len());
}

/// Twenty names of sixty characters, each escaped (`\u{10ffff}`), and the words between.
const LONGEST_SENTENCE: usize = 20 * 60 * 10 + 1_000;
