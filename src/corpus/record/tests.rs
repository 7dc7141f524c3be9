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
                if let Err(why) = parse(format, bytes, &fields) {
                    prop_assert!(!why.to_string().contains(char::is_control));
                }
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
}
