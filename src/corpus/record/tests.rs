#![allow(clippy::single_range_in_vec_init)] // a list of one range is meant

use proptest::prelude::*;

use super::*;

fn jsonl<'a>(line: &'a str, fields: &Fields) -> std::result::Result<Record<'a>, Rejection> {
    parse(Format::Jsonl, line.as_bytes(), fields)
}

#[track_caller]
fn check_text(line: &str, text: &str) {
    let found = jsonl(line, &Fields::default()).map(|record| record.text.into_owned());
    assert_eq!(found.as_deref(), Ok(text), "text of {line}");
}

#[track_caller]
fn check_rejected(line: &str, sentence: &str) {
    let found = jsonl(line, &Fields::default()).map_err(|why| why.to_string());
    assert_eq!(found.err().as_deref(), Some(sentence), "{line}");
}

#[test]
fn the_text_is_found_by_itself() {
    check_text(r#"{"text":"a"}"#, "a");
    check_text("{\"text\":\"a\"}\r\n", "a");
    check_text(" \t{\"text\" : \"a\"} ", "a");
    check_text(r#"{"body":"d","raw_content":"c","content":"b","text":"a"}"#, "a");
    check_text(r#"{"body":"d","content":"b"}"#, "b");
    check_text(r#"{"text":null,"body":"d"}"#, "d"); // the first that holds a string
    check_text(r#"{"text":""}"#, "");
    check_text(r#"{"text":"a","text":"b"}"#, "b"); // the last of two wins
    check_text(r#"{"te\u0078t":"a"}"#, "a"); // keys are decoded
    check_text(r#"{"text":"\u00e9\n\"\ud83d\ude00"}"#, "é\n\"😀");
    check_text(r#"{"n":123456789012345678901234567890e999,"text":"a"}"#, "a");
    check_text(r#"{"other":"\ud800","text":"a"}"#, "a"); // nobody asked for it
}

#[test]
fn a_text_without_escapes_is_not_copied() {
    let record = jsonl(r#"{"text":"plain"}"#, &Fields::default()).unwrap();
    assert!(matches!(record.text, Cow::Borrowed("plain")));
}

#[test]
fn what_is_no_record_is_rejected_with_a_sentence() {
    check_rejected("", "not JSON: EOF while parsing a value");
    check_rejected("{", "not JSON: EOF while parsing an object at byte 1 of the line");
    check_rejected(r#"{"text":"a"#, "not JSON: EOF while parsing a string at byte 10 of the line");
    check_rejected(r#"{"text":"a"} x"#, "not JSON: trailing characters at byte 14 of the line");
    check_rejected(r#"{"text":"a"}{"text":"b"}"#, "not JSON: trailing characters at byte 13 of the line");
    check_rejected(r#"{"text":"a",}"#, "not JSON: trailing comma at byte 13 of the line");
    check_rejected("nonsense", "not JSON: expected ident at byte 2 of the line");
    check_rejected(r#"["text"]"#, "the line is JSON, but an array, not an object");
    check_rejected("17", "the line is JSON, but a number, not an object");
    check_rejected("null", "the line is JSON, but null, not an object");
    check_rejected(
        r#"{"text":null}"#,
        "field \"text\" holds null, not a string; if the text is elsewhere, name its field with --text-field",
    );
    check_rejected(
        r#"{"content":{"text":"a"}}"#,
        "field \"content\" holds an object, not a string; if the text is elsewhere, name its field with --text-field",
    );
    check_rejected(
        r#"{"url":"u","html":"b","url":"v"}"#,
        "no field \"text\" or \"content\" or \"raw_content\" or \"body\" (the record has: html, url); \
         name the right one with --text-field",
    );
    check_rejected(
        "{}",
        "no field \"text\" or \"content\" or \"raw_content\" or \"body\" (the record is empty); \
         name the right one with --text-field",
    );
    check_rejected(
        r#"{"text":"a\ud800b"}"#,
        "field \"text\" cannot be decoded: unexpected end of hex escape",
    );
    check_rejected(
        r#"{"text":"\udc00"}"#,
        "field \"text\" cannot be decoded: lone leading surrogate in hex escape",
    );
    let torn = Rejection::Torn { damage: "corrupt".to_owned() };
    assert_eq!(torn.to_string(), "the file is damaged here: corrupt");
    let long = Rejection::TooLong { max_record: 10 };
    assert_eq!(long.to_string(), "longer than 10 bytes; a longer record is read with a larger --max-record");
}

#[test]
fn bytes_that_are_not_utf_8_are_rejected() {
    let why = "not UTF-8: byte 9 of the record (counted from 0)";
    let line = b"{\"text\":\"\xff\"}";
    assert_eq!(parse(Format::Jsonl, line, &Fields::default()).unwrap_err().to_string(), why);
    assert_eq!(parse(Format::Text, b"123456789\xc3", &Fields::default()).unwrap_err().to_string(), why);
}

#[test]
fn a_sentence_is_short_and_moves_no_cursor() {
    let keys: Vec<String> =
        (0..1000).map(|n| format!("\"\\u001b[2J{n:04}{}\":0", "x".repeat(1000))).collect();
    let why = jsonl(&format!("{{{}}}", keys.join(",")), &Fields::default()).unwrap_err().to_string();
    assert!(why.len() < 3000, "{}", why.len());
    assert!(!why.contains(char::is_control), "{why}");
    assert!(why.contains(", 980 more)"), "{why}");
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = |open: &str, close: &str| {
        let depth = 1_000_000;
        format!(r#"{{"deep":{}1{},"text":"a"}}"#, open.repeat(depth), close.repeat(depth))
    };
    check_text(&deep("[", "]"), "a");
    check_text(&deep(r#"{"deep":"#, "}"), "a");
    let fields = Fields { id: Some("deep".to_owned()), ..Fields::default() };
    assert_eq!(jsonl(&deep("[", "]"), &fields).unwrap().id, None);
    let steps = 300; // as deep as the name that was given, and no deeper
    let path = Fields { id: Some(vec!["deep"; steps].join(".")), ..Fields::default() };
    let nested = format!(r#"{{"text":"a",{}"deep":7{}"#, r#""deep":{"#.repeat(steps - 1), "}".repeat(steps));
    assert_eq!(jsonl(&nested, &path).unwrap().id.as_deref(), Some("7"));
}

#[track_caller]
fn check_label(line: &str, name: Option<&str>, id: Option<&str>) {
    let fields = Fields { id: name.map(str::to_owned), ..Fields::default() };
    let line = line.replacen('{', r#"{"text":"a","#, 1);
    assert_eq!(jsonl(&line, &fields).unwrap().id.as_deref(), id, "id of {line} by {name:?}");
}

#[test]
fn labels() {
    check_label(r#"{"uid":"c","doc_id":"b","id":"a"}"#, None, Some("a"));
    check_label(r#"{"id":null,"uid":"c"}"#, None, Some("c"));
    check_label(r#"{"id":17}"#, None, Some("17"));
    check_label(r#"{"id":-1.50e3}"#, None, Some("-1.50e3")); // as it stands
    check_label(r#"{"id":true}"#, None, None);
    check_label(r#"{"id":["a"]}"#, None, None);
    check_label(r#"{"id":"a","name":"b"}"#, Some("name"), Some("b"));
    check_label(r#"{"id":"a"}"#, Some("name"), None); // named, so not guessed
}

#[test]
fn dotted_paths() {
    check_label(r#"{"m":{"id":"a"}}"#, Some("m.id"), Some("a"));
    check_label(r#"{"m":{"id":"a"},"m.id":"b"}"#, Some("m.id"), Some("b")); // the literal key wins
    check_label(r#"{"m.id":null,"m":{"id":"a"}}"#, Some("m.id"), None); // even so
    check_label(r#"{"m":{"n":{"id":"a"}}}"#, Some("m.n.id"), Some("a"));
    check_label(r#"{"m":{"n.id":"b","n":{"id":"a"}}}"#, Some("m.n.id"), Some("b")); // at each step
    check_label(r#"{"m":{"id":"a"},"m":{"id":"b"}}"#, Some("m.id"), Some("b")); // the last of two wins
    check_label(r#"{"m":{"id":"a"},"m":3}"#, Some("m.id"), None);
    check_label(r#"{"m":["id"]}"#, Some("m.id"), None);
    check_label(r#"{"m":{"id":"a"}}"#, Some("m"), None);
    check_label(r#"{"":{"":"a"}}"#, Some("."), Some("a"));
}

#[test]
fn urls_sites_and_other_fields() {
    let fields = Fields {
        site: Some("site".to_owned()),
        within: Some("meta.dump".to_owned()),
        keep: vec![
            "score".to_owned(),
            "none".to_owned(),
            "ok".to_owned(),
            "list".to_owned(),
            "score".to_owned(),
        ],
        ..Fields::default()
    };
    let line = r#"{"text":"a","uri":"u","url":5,"site":7,"meta":{"dump":"d"},"score":0.50,"ok":true,"list":[],"none":null}"#;
    let record = jsonl(line, &fields).unwrap();
    assert_eq!(record.url.as_deref(), Some("u")); // a url is a string
    assert_eq!(record.site.as_deref(), Some("7"));
    assert_eq!(record.within.as_deref(), Some("d"));
    let keep: Vec<Option<&str>> = record.keep.iter().map(Option::as_deref).collect();
    assert_eq!(keep, [Some("0.50"), None, Some("true"), None, Some("0.50")]);
    let record = jsonl(r#"{"text":"a","site":""}"#, &fields).unwrap();
    assert_eq!((record.site, record.within), (None, None));
}

#[test]
fn one_name_may_be_wanted_twice() {
    let name = || Some("text".to_owned());
    let fields = Fields { id: name(), within: name(), keep: vec!["text".to_owned()], ..Fields::default() };
    let record = jsonl(r#"{"text":"a"}"#, &fields).unwrap();
    assert_eq!(
        (record.id.as_deref(), record.within.as_deref(), record.keep[0].as_deref()),
        (Some("a"), Some("a"), Some("a"))
    );
}

#[test]
fn a_text_file_has_no_fields() {
    let fields = Fields { keep: vec!["score".to_owned()], ..Fields::default() };
    let record = parse(Format::Text, "{\"text\":\"é\"}\n".as_bytes(), &fields).unwrap();
    assert_eq!(record.text, "{\"text\":\"é\"}\n");
    assert_eq!((record.id, record.url, record.keep), (None, None, vec![None]));
}

/// The record without the first `cut` of its text, and what its text is then.
#[track_caller]
fn check_cut(line: &str, name: Option<&str>, cut: &str, rest: &str) {
    let fields = Fields { text: name.map(str::to_owned), ..Fields::default() };
    let text = jsonl(line, &fields).unwrap().text.into_owned();
    let start = text.find(cut).unwrap();
    let range = start..start + cut.len();
    let raw = raw_ranges(Format::Jsonl, line.as_bytes(), &fields, std::slice::from_ref(&range)).unwrap();
    let mut shorter = line.to_owned();
    shorter.replace_range(raw[0].clone(), "");
    assert_eq!(shorter, rest, "{cut:?} out of {line}");
    let left = text[..range.start].to_owned() + &text[range.end..];
    assert_eq!(jsonl(&shorter, &fields).unwrap().text, left, "{cut:?} out of {line}");
}

#[test]
fn spans_are_cut_where_they_are_spelled() {
    check_cut(r#"{"text":"a b c"}"#, None, "b ", r#"{"text":"a c"}"#);
    check_cut(r#" {"n":1, "text" : "a b" ,"m":2}"#, None, "a b", r#" {"n":1, "text" : "" ,"m":2}"#);
    check_cut(r#"{"text":"a\n\"b\"\n\\c"}"#, None, "\"b\"\n", r#"{"text":"a\n\\c"}"#);
    check_cut(r#"{"text":"é\u00e9😀\ud83d\uDE00\u000ax"}"#, None, "é😀😀\n", r#"{"text":"éx"}"#);
    check_cut(r#"{"text":"\u4e2d\/\u4e2d"}"#, None, "/", r#"{"text":"\u4e2d\u4e2d"}"#);
    check_cut(r#"{"text":"a b","te\u0078t":"c d"}"#, None, "c ", r#"{"text":"a b","te\u0078t":"d"}"#); // the last wins
    check_cut(r#"{"text":null,"body":"a b"}"#, None, "a ", r#"{"text":null,"body":"b"}"#);
    check_cut(
        r#"{"m":{"t":"x"},"m":{"u":"a b","t": "a b"},"t":"a b"}"#,
        Some("m.t"),
        "a ",
        r#"{"m":{"t":"x"},"m":{"u":"a b","t": "b"},"t":"a b"}"#,
    );
    check_cut(r#"{"m":{"t":"a b"},"m.t":"a b"}"#, Some("m.t"), "a ", r#"{"m":{"t":"a b"},"m.t":"b"}"#);
}

#[test]
fn what_is_no_span_of_the_text_is_not_cut() {
    let cut = |line: &str, ranges: &[Range<usize>]| {
        raw_ranges(Format::Jsonl, line.as_bytes(), &Fields::default(), ranges)
    };
    let line = r#"{"text":"a\u00e9b"}"#;
    assert_eq!(cut(line, &[0..1, 1..3, 3..4, 4..4]), Some(vec![9..10, 10..16, 16..17, 17..17]));
    assert_eq!(cut(line, &[]), Some(vec![]));
    assert_eq!(cut(line, &[0..2]), None); // within a character
    assert_eq!(cut(r#"{"text":"aéb"}"#, &[0..2]), None);
    assert_eq!(cut(line, &[0..5]), None); // beyond the end
    assert_eq!(cut(line, &[1..3, 0..1]), None); // descending
    assert_eq!(cut(line, &[0..3, 1..4]), None); // overlapping
    assert_eq!(cut(r#"{"text":1}"#, &[0..0]), None);
    assert_eq!(cut(r#"{"text":"a"#, &[0..0]), None);
    let text =
        |ranges: &[Range<usize>]| raw_ranges(Format::Text, "aéb".as_bytes(), &Fields::default(), ranges);
    assert_eq!(text(&[0..1, 1..4]), Some(vec![0..1, 1..4]));
    assert_eq!([text(&[0..2]), text(&[3..5]), text(&[1..3, 0..1])], [None, None, None]);
}

/// A character as a JSON string may spell it: `way` chooses.
fn spell(character: char, way: u8) -> String {
    let escaped =
        |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    match (character, way % 3) {
        ('"' | '\\' | '/', 0) => format!("\\{character}"),
        ('\n', 0) => "\\n".to_owned(),
        ('"' | '\\' | '\0'..='\u{1f}', _) | (_, 2) => escaped(character),
        _ => character.to_string(),
    }
}

/// Nearly JSON: what random bytes hardly ever are.
fn jsonish() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"text\"", "\"id\"", "\"url\"", "\"a.b\"", "\"a\"", "\"", "\\", "\\u",
        "d800", "1", "-", "null", "true", " ", "\n", "é", "\u{0}",
    ]);
    prop::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), nearly in jsonish()) {
        let name = || Some("a.b".to_owned());
        let fields = Fields { id: name(), site: name(), within: name(), keep: vec!["a".to_owned()], ..Fields::default() };
        for bytes in [&bytes[..], nearly.as_bytes(), format!("{{{nearly}}}").as_bytes()] {
            for format in Format::ALL {
                match parse(format, bytes, &fields) {
                    Err(why) => prop_assert!(!why.to_string().contains(char::is_control)),
                    Ok(record) => {
                        let all = 0..record.text.len();
                        let raw = raw_ranges(format, bytes, &fields, std::slice::from_ref(&all)).unwrap();
                        prop_assert!(raw[0].end <= bytes.len());
                    }
                }
                let _ = raw_ranges(format, bytes, &fields, &[1..2, 3..5]);
            }
        }
    }

    #[test]
    fn any_text_comes_back(text: String, key in "[a-z]{1,3}") {
        let line = serde_json::json!({ "text": text, key: [text.clone()], "id": text }).to_string();
        let record = jsonl(&line, &Fields::default()).unwrap();
        prop_assert_eq!((&*record.text, record.id.as_deref()), (&*text, Some(&*text)));
    }

    #[test]
    fn what_a_full_parse_takes_we_take(nearly in jsonish()) {
        let line = format!("{{{nearly}}}");
        let full: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        if let Some(text) = full.as_ref().and_then(|full| full["text"].as_str()) {
            let found = jsonl(&line, &Fields::default()).map(|record| record.text.into_owned());
            prop_assert_eq!(found.as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_cut_is_gone_and_nothing_else(
        spelled in prop::collection::vec((prop::sample::select(vec!['a', 'é', '中', '😀', '"', '\\', '/', '\n', '\u{1}']), any::<u8>()), 0..30),
        places in prop::collection::vec(0usize..31, 0..6),
        nested: bool,
    ) {
        let fields = Fields { text: nested.then(|| "m.t".to_owned()), ..Fields::default() };
        let (before, after) = match nested {
            false => (r#"{"id":"\u0061","text": ""#, "\" ,\"extra\":1.50e1}\r\n"),
            true => (r#"{"text":"a","m":{"t" :""#, "\",\"z\":[]},\"id\":2}"),
        };
        let inner: Vec<String> = spelled.iter().map(|(character, way)| spell(*character, *way)).collect();
        let line = before.to_owned() + &inner.concat() + after;
        let mut places: Vec<usize> = places.into_iter().map(|place| place.min(spelled.len())).collect();
        places.sort_unstable();
        let runs: Vec<(usize, usize)> = places.chunks_exact(2).map(|run| (run[0], run[1])).collect();
        let length = |count: usize| spelled[..count].iter().map(|(character, _)| character.len_utf8()).sum::<usize>();
        let ranges: Vec<Range<usize>> = runs.iter().map(|&(from, to)| length(from)..length(to)).collect();
        let raw = raw_ranges(Format::Jsonl, line.as_bytes(), &fields, &ranges).unwrap();
        let mut shorter = line.clone();
        for range in raw.into_iter().rev() {
            shorter.replace_range(range, "");
        }
        let stays = |place: &usize| !runs.iter().any(|&(from, to)| (from..to).contains(place));
        let rest: String = (0..inner.len()).filter(stays).map(|place| inner[place].as_str()).collect();
        prop_assert_eq!(&shorter, &(before.to_owned() + &rest + after));
        let text: String = (0..spelled.len()).filter(stays).map(|place| spelled[place].0).collect();
        prop_assert_eq!(&*jsonl(&shorter, &fields).unwrap().text, text.as_str());
    }
}
