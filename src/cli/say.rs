//! What a person is told, on standard error.

use std::io::Write;
use std::path::Path;

use dittograph::output::Summary;
use dittograph::pipeline::{Checked, Draw, Precision, Rerun, Sampled, Share};

use super::judge::Judged;

/// A run in a few lines.
pub fn summary(summary: &Summary, dir: &Path) {
    let documents = summary.documents;
    line(&format!(
        "{} read: {} kept, {} {}, {} rejected",
        counted(documents.read, "document"),
        number(documents.kept),
        counted(documents.removed, "duplicate"),
        if summary.command == "scan" { "found" } else { "removed" },
        number(documents.rejected)
    ));
    let count = |kind: &str, noun: &str| counted(summary.findings.get(kind).copied().unwrap_or(0), noun);
    line(&format!(
        "{} on {}; {}, {}, {}, {}, {}, {}, {}",
        counted(summary.templates, "template"),
        counted(summary.sites, "site"),
        count("boilerplate", "boilerplate run"),
        count("repeated-lead", "repeated lead"),
        count("repeat", "repeat"),
        count("shared-lead", "shared lead"),
        count("reused", "reused paragraph"),
        count("foreign", "foreign run"),
        count("thin", "thin document")
    ));
    if !summary.settings.strip.is_empty() {
        let kinds = summary.settings.strip.join(", ");
        line(&format!("{} stripped ({kinds})", counted(summary.bytes.stripped, "byte")));
    }
    warnings(&summary.warnings);
    line(&format!("answers in {}", dir.display()));
}

/// A number with its noun.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// Warnings, one a line.
pub fn warnings(warnings: &[String]) {
    for warning in warnings {
        line(&format!("warning: {warning}"));
    }
}

/// A check in a few lines.
pub fn checked(checked: &Checked, dir: &Path) {
    line(&format!(
        "{}: holds: {} read again, {} measured against a kept witness, {} against the first",
        dir.display(),
        counted(checked.documents, "document"),
        counted(checked.witnesses, "duplicate"),
        counted(checked.reuses, "reused paragraph")
    ));
}

/// Faults, of which some are only counted. Gives how many.
pub fn faults(faults: &[String], more: u64) -> u64 {
    faults.iter().for_each(|fault| line(fault));
    if more > 0 {
        line(&format!("and {}", counted(more, "more fault")));
    }
    faults.len() as u64 + more
}

/// How many faults there are.
pub fn count_of_faults(faults: u64, dir: &Path) {
    line(&format!("{}: {}", dir.display(), counted(faults, "fault")));
}

/// A sample in a few lines.
pub fn sampled(sampled: &Sampled) {
    line(&format!(
        "{} held against {} kept ones",
        counted(sampled.documents, "document"),
        number(sampled.against)
    ));
    let contained = sampled.containment.iter().map(|sought| (sought, "contains them"));
    for (sought, like) in std::iter::once((&sampled.similarity, "is alike")).chain(contained) {
        let Share { share, low, high } = sought.miss_rate;
        line(&format!(
            "{} of which a kept one {like}: {} missed, a share of {} (95 % interval {} to {}; promised is {} at most)",
            number(sought.alike),
            number(sought.missed),
            figure(share),
            figure(low),
            figure(high),
            figure(sought.promised)
        ));
    }
    sampled.missed.iter().for_each(|missed| line(&format!("missed: {missed}")));
}

/// A second run in a line.
pub fn rerun(rerun: &Rerun) {
    line(&format!("a second run: {} the same, byte for byte", counted(rerun.files, "file")));
}

/// Judgements in a few lines.
pub fn judged(draw: &Draw, judged: &Judged) {
    let Precision { precision, with_exact, exact, unjudged, skipped, bands } = &judged.precision;
    let yes: u64 = bands.iter().map(|band| band.yes).sum();
    let no: u64 = bands.iter().map(|band| band.no).sum();
    if yes + no == 0 {
        line(&format!("{} drawn, none judged", counted(draw.pairs.len() as u64, "pair")));
        return;
    }
    line(&format!(
        "{} judged: {} duplicates, {} not; {} skipped, {} left; answers in {}",
        counted(yes + no, "pair"),
        number(yes),
        number(no),
        number(*skipped),
        number(judged.left),
        judged.file.display()
    ));
    for band in bands {
        let (name, documents) = (&band.band.name, counted(band.band.documents, "document"));
        line(&format!(
            "   {name}: {documents}; {} of {} right",
            number(band.yes),
            number(band.yes + band.no)
        ));
    }
    let shown = |share: &Share| {
        let Share { share, low, high } = *share;
        format!("{} (95 % interval {} to {})", figure(share), figure(low), figure(high))
    };
    let without = match unjudged {
        0 => String::new(),
        documents => format!(", {} of bands without a judgement aside", counted(*documents, "document")),
    };
    line(&format!("precision of near-duplicates: {}{without}", shown(precision)));
    if *exact > 0 {
        line(&format!(
            "with {}: {}",
            match exact {
                1 => "1 exact copy".to_owned(),
                _ => format!("{} exact copies", number(*exact)),
            },
            shown(with_exact)
        ));
    }
}

/// A share as a person reads it.
pub fn figure(share: f64) -> String {
    let rounded = format!("{share:.4}");
    match share > 0.0 && share < 0.001 {
        true => format!("{share:.1e}"),
        false => rounded.trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// What a check could not look at.
pub fn unchecked(what: &str) {
    line(&format!("not checked: {what}"));
}

/// A line that may hold text from a corpus.
pub fn line(text: &str) {
    // Nobody may be listening any more; that is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{}", escaped(text));
}

/// How a run that did not come to its end can be gone on with.
pub fn unfinished(folder: &Path, forced: bool) {
    let without = if forced { ", without --force," } else { "" };
    line(&format!(
        "what was done so far is kept in {}: run the same command again{without} to go on, or with --force to start anew",
        folder.display()
    ));
}

/// A text from a corpus as a terminal may see it: no character in it moves a cursor, sets a colour, rings or turns the
/// writing around; each of those stands there as `\u{1b}`.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hostile(c) {
            true => safe.extend(c.escape_unicode()),
            false => safe.push(c),
        }
    }
    safe
}

/// Whether a character does something to a terminal other than to stand there: C0, DEL, C1, the separators of lines and
/// paragraphs, the controls of bidirectional writing.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// `1234567` as `1,234,567`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_writing() {
        let rows = [
            ("plain, žluťoučký 東京 👩\u{200d}👧", "plain, žluťoučký 東京 👩\u{200d}👧"),
            ("\u{1b}[31mred\u{1b}]0;title\u{7}", r"\u{1b}[31mred\u{1b}]0;title\u{7}"),
            ("a\r\nb\tc\0\u{7f}", r"a\u{d}\u{a}b\u{9}c\u{0}\u{7f}"),
            ("\u{9b}2J\u{85}", r"\u{9b}2J\u{85}"),
            ("\u{202e}cod.exe\u{2066}\u{200f}\u{61c}", r"\u{202e}cod.exe\u{2066}\u{200f}\u{61c}"),
            ("a\u{2028}b\u{2029}", r"a\u{2028}b\u{2029}"),
        ];
        for (text, expected) in rows {
            assert_eq!(escaped(text), expected);
        }
        for c in ('\0'..=char::MAX).filter(|&c| is_hostile(c)) {
            assert!(escaped(&c.to_string()).chars().all(|c| c.is_ascii_graphic()), "{c:?}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (plain, grouped) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(number(plain), grouped);
        }
    }
}
