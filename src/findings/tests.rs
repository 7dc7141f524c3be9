use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::output::{PieceRecord, Summary};
use crate::pipeline::Plan;

/// What is promised of every record, with examples from real runs.
const RECORDS: &str = include_str!("RECORDS.md");

/// The headings of `RECORDS.md`, each with at least one example below it.
const HEADINGS: [&str; 18] = [
    "duplicate",
    "boilerplate",
    "repeated-lead",
    "repeat",
    "shared-lead",
    "reused",
    "foreign",
    "thin",
    "clusters.jsonl",
    "templates.jsonl",
    "pairs",
    "explain",
    "explain, two documents",
    "rejected.jsonl",
    "removed",
    "judgement",
    "plan",
    "summary.json",
];

#[test]
fn every_record_has_an_example() {
    let shown: BTreeSet<&str> = sections(RECORDS).into_iter().filter(has_examples).map(heading).collect();
    assert_eq!(shown, BTreeSet::from(HEADINGS));
    for kind in KINDS {
        assert!(shown.contains(kind.name()), "{kind:?}");
    }
}

#[test]
fn examples_are_records_and_come_back_without_loss() {
    for section in sections(RECORDS) {
        for example in examples(section) {
            match heading(section) {
                "clusters.jsonl" => check::<ClusterRecord>(example),
                "templates.jsonl" => check::<TemplateRecord>(example),
                "pairs" => check::<PairRecord>(example),
                "explain" => check::<Explanation>(example),
                "explain, two documents" => check::<Comparison>(example),
                "rejected.jsonl" => check::<RejectedRecord>(example),
                "removed" => check::<PieceRecord>(example),
                "judgement" => check::<Judgement>(example),
                "plan" => check::<Plan>(example),
                "summary.json" => check::<Summary>(example),
                kind => check_finding(kind, example),
            }
        }
    }
}

#[test]
fn every_field_is_described() {
    let (common, _) = RECORDS.split_once("\n## ").unwrap();
    for section in sections(RECORDS) {
        for example in examples(section) {
            let mut names = BTreeSet::new();
            field_names(&serde_json::from_str(example).unwrap(), &mut names);
            for name in names {
                let described = |text: &str| text.contains(&format!("`{name}`"));
                assert!(described(section) || described(common), "{}: {name}", heading(section));
            }
        }
    }
}

/// The example, read and written again, is the same to the byte.
#[track_caller]
fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(example: &str) {
    let record: T = serde_json::from_str(example).unwrap_or_else(|problem| panic!("{problem}: {example}"));
    assert_eq!(serde_json::to_string(&record).unwrap(), example);
}

/// And it is a finding of this kind, with the evidence of this kind.
#[track_caller]
fn check_finding(kind: &str, example: &str) {
    check::<Finding>(example);
    let finding: Finding = serde_json::from_str(example).unwrap();
    assert_eq!(finding.finding.name(), kind);
    let fits = matches!(
        (finding.finding, &finding.evidence, finding.place),
        (Kind::Duplicate, Evidence::Duplicate { .. }, None)
            | (Kind::Boilerplate, Evidence::Boilerplate { .. }, Some(_))
            | (Kind::RepeatedLead | Kind::Repeat, Evidence::Repeat { .. }, Some(_))
            | (Kind::SharedLead | Kind::Reused, Evidence::Reused { .. }, Some(_))
            | (Kind::Foreign, Evidence::Foreign { .. }, Some(_))
            | (Kind::Thin, Evidence::Thin { .. }, None)
    );
    assert!(fits, "{finding:?}");
}

/// The parts of the page that begin with a heading of level 2.
fn sections(page: &str) -> Vec<&str> {
    page.split("\n## ").skip(1).collect()
}

fn heading(section: &str) -> &str {
    section.lines().next().unwrap_or_default()
}

fn has_examples(section: &&str) -> bool {
    !examples(section).is_empty()
}

/// What stands in the section's `json` blocks, a record each.
fn examples(section: &str) -> Vec<&str> {
    let blocks = section.split("```json\n").skip(1);
    blocks.map(|block| block.split_once("\n```").unwrap_or_else(|| panic!("not closed: {block}")).0).collect()
}

/// All names of fields, of inner records too; not those of a map that counts by kind.
fn field_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                if name != "findings" {
                    field_names(value, names);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| field_names(value, names)),
        _ => {}
    }
}
