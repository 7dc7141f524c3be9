//! What a person is told, on standard error.

use std::io::Write;
use std::path::Path;

use dittograph::output::Summary;
use dittograph::pipeline::Checked;

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
        "{} on {}; {}, {}, {}, {}, {}",
        counted(summary.templates, "template"),
        counted(summary.sites, "site"),
        count("boilerplate", "boilerplate run"),
        count("repeated-lead", "repeated lead"),
        count("repeat", "repeat"),
        count("shared-lead", "shared lead"),
        count("reused", "reused paragraph")
    ));
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
        "{}: holds: {} read again, {} measured against a kept witness",
        dir.display(),
        counted(checked.documents, "document"),
        counted(checked.witnesses, "duplicate")
    ));
}

/// What a check could not look at.
pub fn unchecked(what: &str) {
    line(&format!("not checked: {what}"));
}

/// A line that may hold text from a corpus: control characters are escaped, so that none reaches the terminal.
pub fn line(text: &str) {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi_control(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    // Nobody may be listening any more; that is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{safe}");
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1234567` as `1,234,567`.
fn number(number: u64) -> String {
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
    fn numbers_are_grouped() {
        for (plain, grouped) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(number(plain), grouped);
        }
    }
}
