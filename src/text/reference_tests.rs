//! Do we cut a text as the reference does?
//!
//! `scripts/check-tokens` writes the answers of the contract's reference into a file and names it in an
//! environment variable; without one there is nothing to compare with, and the test says so.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};

use serde::Deserialize;

use super::Tokenizer;

/// A JSONL file of texts, each with the tokens that the reference makes of it.
const REFERENCE: &str = "DITTOGRAPH_REFERENCE_TOKENS";

#[derive(Deserialize)]
struct Row {
    text: String,
    tokens: Vec<String>,
}

#[test]
fn tokens_are_those_of_the_reference() {
    let Some(path) = std::env::var_os(REFERENCE) else {
        // Not `eprintln!`, which the test harness keeps to itself.
        let skipped = format!("SKIPPED: {REFERENCE} names no file; scripts/check-tokens makes one\n");
        return std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    };
    let mut tokenizer = Tokenizer::new();
    let (mut rows, mut tokens, mut different) = (0u64, 0u64, 0u64);
    for line in BufReader::new(File::open(path).unwrap()).lines() {
        let row: Row = serde_json::from_str(&line.unwrap()).unwrap();
        let mut found = Vec::with_capacity(row.tokens.len());
        tokenizer.for_each(&row.text, |token| found.push(token.to_owned()));
        rows += 1;
        tokens += row.tokens.len() as u64;
        if found != row.tokens {
            different += 1;
            report(different, &row, &found);
        }
    }
    println!("{rows} texts, {tokens} reference tokens, {different} texts cut differently");
    assert!(rows > 0, "the reference file holds no text");
    assert_eq!(different, 0, "texts cut differently");
}

/// Shows where the first few differ.
fn report(different: u64, row: &Row, found: &[String]) {
    if different <= 20 {
        let place = row.tokens.iter().zip(found).take_while(|(ours, theirs)| ours == theirs).count();
        let head: String = row.text.chars().take(40).collect();
        println!(
            "{head:?}: token {place} is {:?}, the reference has {:?}",
            found.get(place),
            row.tokens.get(place)
        );
    }
}
