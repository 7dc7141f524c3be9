//! What do findings claim of two documents?
//!
//! Claims join what lies far apart, so they go through sorted runs: rows of fixed width that name documents by number.

use super::numbers::Numbers;
use super::walk::{Key, WHOLE};
use crate::findings::{Evidence, Finding, Kind, Measure};
use crate::pipeline::write::findings_file;

/// That one document, or one of its paragraphs, is like another one. As a row: the one, the other, then similarity and
/// containment as bits and the line, then flags.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Of whom it is said.
    pub own: Key,
    /// Like whom.
    pub of: Key,
    /// Their similarity.
    pub jaccard: f64,
    /// Containment of the one in the other.
    pub containment: f64,
    /// The line of the findings of its shard.
    pub line: u64,
    /// Whether it is a duplicate by containment.
    pub contained: bool,
    /// Whether it is called an exact copy.
    pub exact: bool,
}

/// What is claimed: similarity and containment as bits, the line, then flags.
pub type Said = ([u64; 3], u8);

/// A [`Claim`] as it waits.
pub type ClaimRow = (Key, Key, Said);

const CONTAINED: u8 = 1;
const EXACT: u8 = 2;

impl Claim {
    /// What a finding claims; nothing where it speaks of no other document, or of one that the run did not read.
    pub fn of(finding: &Finding, number: u64, line: u64, numbers: &Numbers) -> Option<Claim> {
        match &finding.evidence {
            Evidence::Duplicate { of, jaccard, containment, by, exact } => Some(Claim {
                own: (number, WHOLE),
                of: (numbers.of_reference(of)?, WHOLE),
                jaccard: *jaccard,
                containment: *containment,
                line,
                contained: *by == Measure::Containment,
                exact: *exact,
            }),
            Evidence::Reused { first: Some(first), jaccard, .. } => Some(Claim {
                own: (number, part(finding.place?.paragraphs[0])?),
                of: (numbers.of_reference(first)?, part(first.paragraph?)?),
                jaccard: *jaccard,
                containment: 0.0,
                line,
                contained: false,
                exact: false,
            }),
            _ => None,
        }
    }

    /// Whether whole documents are meant.
    pub fn is_of_documents(&self) -> bool {
        self.own.1 == WHOLE
    }

    /// As it waits.
    pub fn row(self) -> ClaimRow {
        let flags = if self.contained { CONTAINED } else { 0 } | if self.exact { EXACT } else { 0 };
        (self.own, self.of, ([self.jaccard.to_bits(), self.containment.to_bits(), self.line], flags))
    }

    /// As it was.
    pub fn of_row((own, of, ([jaccard, containment, line], flags)): ClaimRow) -> Claim {
        Claim {
            own,
            of,
            jaccard: f64::from_bits(jaccard),
            containment: f64::from_bits(containment),
            line,
            contained: flags & CONTAINED != 0,
            exact: flags & EXACT != 0,
        }
    }
}

/// The number of a paragraph, if it is one that can be.
fn part(paragraph: usize) -> Option<u32> {
    u32::try_from(paragraph).ok().filter(|part| *part != WHOLE)
}

/// Where a line of the findings stands that speaks of this document.
pub fn place(numbers: &Numbers, document: u64, line: u64) -> String {
    let input = numbers.input_of(document);
    format!("{}: line {line}", findings_file(&input.shard, input.packed()).0)
}

/// Whether the evidence of a finding is that of its kind.
pub fn is_of_its_kind(finding: &Finding) -> bool {
    let placed = finding.place.is_some();
    match (finding.finding, &finding.evidence) {
        (Kind::Duplicate, Evidence::Duplicate { .. }) | (Kind::Thin, Evidence::Thin { .. }) => !placed,
        (Kind::Boilerplate, Evidence::Boilerplate { .. })
        | (Kind::RepeatedLead | Kind::Repeat, Evidence::Repeat { .. })
        | (Kind::SharedLead | Kind::Reused, Evidence::Reused { .. })
        | (Kind::Foreign, Evidence::Foreign { .. }) => placed,
        _ => false,
    }
}
