//! What of a document that stays is taken out?
//!
//! Its findings and `--strip` in, [`Cut`]s of its text out. A text is the white space it begins with and then paragraphs,
//! each with the separator after it: all that stands before the next paragraph, or before the end. A cut takes a
//! paragraph with that separator and nothing else, so what stays is the others, each with its own; where the last
//! paragraphs leave, the text ends with the separator of the one before them.
//!
//! Findings are not touched by it: they speak of the text as it was read. A paragraph that is cut although nothing that
//! stays says it would be lost to whoever reads the corpus (not to `restore`), so leads and repeats are measured again
//! here, on tokens and against what stays after all cuts, those of boilerplate included. One that is left in its place
//! is harmless: it is flagged.

use std::collections::{BTreeSet, HashSet};

use rayon::prelude::*;

use super::census::Census;
use super::contents::Words;
use super::judge::{Judged, Told};
use super::means::Means;
use super::settings::Settings;
use crate::corpus::{Chunk, Fields, Format, Piece, PieceKind, Shard, raw_ranges};
use crate::document::{DocId, Span};
use crate::error::{Error, Result};
use crate::findings::{Finding, Kind};
use crate::output::Stripped;
use crate::repeats::{RepeatSettings, earlier_copies};
use crate::store::{Rows, RowsWriter, SavedRows};

/// What can be taken out of documents that stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strip {
    /// Paragraphs of templates.
    Boilerplate,
    /// Repeated leads, where what stays says them again.
    Leads,
    /// Other repeats, where what stays says them again.
    Repeats,
}

impl Strip {
    /// All of them, in the order in which messages and the summary name them.
    pub const ALL: [Strip; 3] = [Strip::Boilerplate, Strip::Leads, Strip::Repeats];

    /// The name that `--strip` takes.
    pub fn name(self) -> &'static str {
        match self {
            Strip::Boilerplate => "boilerplate",
            Strip::Leads => "leads",
            Strip::Repeats => "repeats",
        }
    }
}

/// Whether all these shards can be stripped.
///
/// # Errors
/// Wrong usage, naming the first shard whose records do not hold their text: there is nothing to cut it out of.
pub fn check_shards(shards: &[Shard], strip: &BTreeSet<Strip>) -> Result<()> {
    match shards.iter().find(|shard| !strip.is_empty() && !shard.format.holds_its_text()) {
        None => Ok(()),
        Some(shard) => Err(Error::Usage(format!(
            "{}: {} input cannot be stripped, for its text is extracted; leave out --strip",
            shard.name,
            shard.format.name()
        ))),
    }
}

/// A run of paragraphs that a finding may have taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flagged {
    /// What takes it out.
    pub by: Strip,
    /// First and last paragraph.
    pub paragraphs: [usize; 2],
}

impl Flagged {
    /// What a finding flags; `None` for one that takes nothing out.
    pub fn of(finding: &Finding) -> Option<Flagged> {
        let by = match finding.finding {
            Kind::Boilerplate => Strip::Boilerplate,
            Kind::RepeatedLead => Strip::Leads,
            Kind::Repeat => Strip::Repeats,
            _ => return None,
        };
        finding.place.map(|place| Flagged { by, paragraphs: place.paragraphs })
    }
}

/// A run of paragraphs to take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// First and last of them.
    pub paragraphs: [usize; 2],
    /// Where they stand in the text, the separator after them included.
    pub span: Span,
}

/// What of a document is taken out, in text order: all flagged boilerplate, and the flagged leads and repeats that are
/// covered by what stays; of each what `strip` names. One cut for each flagged run.
///
/// `paragraphs` are those of `text`, `flagged` the runs of its findings. Cost: nothing where none is named; else, for leads
/// and repeats, the document's tokens once more and a sort of its shingles.
pub fn cuts(
    text: &str,
    paragraphs: &[Span],
    flagged: &[Flagged],
    strip: &BTreeSet<Strip>,
    settings: &RepeatSettings,
) -> Vec<Cut> {
    let known = |run: &[usize; 2]| run[0] <= run[1] && run[1] < paragraphs.len();
    let named = |by: &Strip| strip.contains(by);
    let (boilerplate, copies): (Vec<&Flagged>, Vec<&Flagged>) = flagged
        .iter()
        .filter(|run| named(&run.by) && known(&run.paragraphs))
        .partition(|run| run.by == Strip::Boilerplate);
    let mut runs: Vec<[usize; 2]> = boilerplate.into_iter().map(|run| run.paragraphs).collect();
    let copies: HashSet<usize> = copies.into_iter().map(|run| run.paragraphs[0]).collect();
    if !copies.is_empty() {
        let words = words_of(text, paragraphs, flagged);
        let tokens: Vec<Option<Vec<&str>>> =
            words.iter().map(|words| words.as_ref().map(Words::tokens)).collect();
        let tokens: Vec<Option<&[&str]>> = tokens.iter().map(Option::as_deref).collect();
        let leaving = earlier_copies(&tokens, |paragraph| copies.contains(&paragraph), settings);
        runs.extend(leaving.into_iter().map(|paragraph| [paragraph, paragraph]));
    }
    runs.sort_unstable();
    let end = |last: usize| paragraphs.get(last + 1).map_or(text.len(), |next| next.start);
    let span = |[first, last]: [usize; 2]| Span { start: paragraphs[first].start, end: end(last) };
    runs.into_iter().map(|paragraphs| Cut { paragraphs, span: span(paragraphs) }).collect()
}

/// The first of `copies`, leads and repeats that were taken out, that is not covered by later paragraphs that stay.
///
/// The rule itself, measured from the beginning, for whoever doubts [`cuts`]. Cost: the document's tokens once more, and a
/// set of its shingles.
pub fn uncovered(
    text: &str,
    paragraphs: &[Span],
    flagged: &[Flagged],
    copies: &HashSet<usize>,
    settings: &RepeatSettings,
) -> Option<usize> {
    if copies.is_empty() {
        return None;
    }
    let k = settings.shingle_tokens.get();
    let words = words_of(text, paragraphs, flagged);
    let tokens: Vec<Vec<&str>> =
        words.iter().map(|words| words.as_ref().map_or(Vec::new(), Words::tokens)).collect();
    let mut said = HashSet::new();
    let mut found = None;
    for (paragraph, tokens) in tokens.iter().enumerate().rev() {
        if !copies.contains(&paragraph) {
            said.extend(tokens.windows(k));
            continue;
        }
        let mut covered = vec![false; tokens.len()];
        for (at, _) in tokens.windows(k).enumerate().filter(|(_, shingle)| said.contains(shingle)) {
            covered[at..at + k].fill(true);
        }
        let covered = covered.iter().filter(|token| **token).count();
        if (covered as f64 / tokens.len().max(1) as f64) < settings.min_coverage {
            found = Some(paragraph);
        }
    }
    found
}

/// The tokens of each paragraph that is no boilerplate.
pub fn words_of(text: &str, paragraphs: &[Span], flagged: &[Flagged]) -> Vec<Option<Words>> {
    let mut content = vec![true; paragraphs.len()];
    for run in flagged.iter().filter(|run| run.by == Strip::Boilerplate) {
        if let Some(run) = content.get_mut(run.paragraphs[0]..=run.paragraphs[1]) {
            run.fill(false);
        }
    }
    let words = |(span, content): (&Span, bool)| content.then(|| Words::of([span.of(text)]));
    paragraphs.iter().zip(content).map(words).collect()
}

/// Where these cuts stand in the bytes of a record; `None` where they were made for another one.
pub fn in_bytes(format: Format, record: &[u8], fields: &Fields, cuts: &[Cut]) -> Option<Vec<Stripped>> {
    let spans: Vec<_> = cuts.iter().map(|cut| cut.span.start..cut.span.end).collect();
    let found = raw_ranges(format, record, fields, &spans)?;
    let stripped = |(cut, raw): (&Cut, _)| Stripped { paragraphs: cut.paragraphs, raw };
    Some(cuts.iter().zip(found).map(stripped).collect())
}

/// The cuts of all documents.
pub struct Strips {
    /// By document; nothing where nothing is stripped at all.
    rows: Option<Rows>,
}

/// Gathers the cuts of all documents, in document order.
pub struct StripsWriter {
    rows: Option<RowsWriter>,
}

/// First and last paragraph of a cut, and where it starts and ends in the text.
type CutRow = [u64; 4];

impl StripsWriter {
    /// Nothing yet.
    pub fn new(settings: &Settings, means: &Means) -> StripsWriter {
        let rows = || RowsWriter::new(&means.workspace, "cuts", means.work(8));
        StripsWriter { rows: (!settings.strip.is_empty()).then(rows) }
    }

    /// Adds the documents from `first` on, with what is said of them; they come in order.
    pub fn add(&mut self, judged: &Judged, first: u32, told: &[Told]) -> Result<()> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let cut = |(number, told): (usize, &Told)| {
            let document = first + number as u32;
            let flagged: Vec<Flagged> = told.findings.iter().filter_map(Flagged::of).collect();
            if flagged.is_empty() || !judged.decisions.is_kept(document) {
                return Vec::new();
            }
            let Settings { strip, repeats, .. } = judged.settings;
            cuts(&judged.census.text_of(&told.head), &told.head.spans(), &flagged, strip, repeats)
        };
        let found: Vec<Vec<Cut>> = told.par_iter().enumerate().map(cut).collect();
        for cuts in found {
            let row = |cut: &Cut| {
                let [first, last] = cut.paragraphs;
                [first, last, cut.span.start, cut.span.end].map(|number| number as u64)
            };
            let cuts: Vec<CutRow> = cuts.iter().map(row).collect();
            rows.push(&if cuts.is_empty() {
                Vec::new()
            } else {
                postcard::to_stdvec(&cuts).map_err(odd)?
            })?;
        }
        Ok(())
    }

    /// Its state.
    pub fn save(&mut self) -> Result<Option<SavedRows>> {
        self.rows.as_mut().map(RowsWriter::save).transpose()
    }

    /// As it was when its state was saved.
    pub fn go_on(state: Option<SavedRows>, means: &Means) -> Result<StripsWriter> {
        let rows = |state| RowsWriter::resume(&means.workspace, &state, means.work(8));
        Ok(StripsWriter { rows: state.map(rows).transpose()? })
    }

    /// All of them.
    pub fn finish(self) -> Result<Strips> {
        Ok(Strips { rows: self.rows.map(RowsWriter::finish).transpose()? })
    }
}

fn odd(error: postcard::Error) -> Error {
    Error::Run(format!("the temporary files of this run are damaged: {error}"))
}

impl Strips {
    /// Their state.
    pub fn save(&self) -> Result<Option<SavedRows>> {
        self.rows.as_ref().map(Rows::save).transpose()
    }

    /// As they were when their state was saved.
    pub fn given_back(state: Option<SavedRows>, means: &Means) -> Result<Strips> {
        let rows = |state| Rows::reopen(&means.workspace, &state, means.work(8));
        Ok(Strips { rows: state.map(rows).transpose()? })
    }

    /// Nothing is stripped.
    pub fn none() -> Strips {
        Strips { rows: None }
    }

    /// What is taken out of each piece of a chunk; empty where nothing is out of any. Of a piece that is not what the
    /// documents were read from nothing is taken: whoever reads it again proves by its digest that there is none.
    pub fn of_chunk(
        &self,
        census: &Census,
        number: usize,
        chunk: &Chunk,
        fields: &Fields,
    ) -> Result<Vec<Vec<Stripped>>> {
        let Some(rows) = &self.rows else { return Ok(Vec::new()) };
        let of_piece = |piece: &Piece| {
            let id = DocId { shard: number as u32, ordinal: piece.ordinal };
            let known = census.document_at(id).filter(|_| piece.kind == PieceKind::Record);
            let Some(document) = known.filter(|&document| u64::from(document) < rows.len()) else {
                return Ok(Vec::new());
            };
            let mut row = Vec::new();
            rows.get(u64::from(document), &mut row)?;
            if row.is_empty() {
                return Ok(Vec::new());
            }
            let cuts: Vec<CutRow> = postcard::from_bytes(&row).map_err(odd)?;
            let cut = |row: CutRow| {
                let [first, last, start, end] = row.map(|number| number as usize);
                Cut { paragraphs: [first, last], span: Span { start, end } }
            };
            let cuts: Vec<Cut> = cuts.into_iter().map(cut).collect();
            Ok(in_bytes(census.shards[number].format, chunk.bytes_of(piece), fields, &cuts)
                .unwrap_or_default())
        };
        chunk.pieces.iter().map(of_piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{ParagraphBreaks, paragraphs};

    const LEAD: &str = "a b c d e f g h i j k l";

    fn spans(text: &str) -> Vec<Span> {
        paragraphs(text, ParagraphBreaks::Auto)
    }

    /// What is left of `text`, of which findings flag runs of paragraphs.
    #[track_caller]
    fn check(text: &str, flagged: &[(Strip, usize, usize)], strip: &[Strip], rest: &str) {
        let flagged: Vec<Flagged> =
            flagged.iter().map(|&(by, first, last)| Flagged { by, paragraphs: [first, last] }).collect();
        let strip = strip.iter().copied().collect();
        let mut left = text.to_owned();
        for cut in cuts(text, &spans(text), &flagged, &strip, &RepeatSettings::default()).into_iter().rev() {
            left.replace_range(cut.span.start..cut.span.end, "");
        }
        assert_eq!(left, rest, "{text:?} without {flagged:?} by {strip:?}");
    }

    use Strip::{Boilerplate, Leads, Repeats};

    #[test]
    fn a_paragraph_leaves_with_the_separator_after_it() {
        let boilerplate = |first, last| [(Boilerplate, first, last)];
        check("a\n\nb\n\nc\n", &boilerplate(0, 0), &[Boilerplate], "b\n\nc\n");
        check("a\n\nb\n \n\nc\n", &boilerplate(1, 1), &[Boilerplate], "a\n\nc\n");
        check("a\r\n\r\nb\r\n", &boilerplate(1, 1), &[Boilerplate], "a\r\n\r\n"); // the one before keeps its own
        check("a\nb\nc", &boilerplate(1, 2), &[Boilerplate], "a\n");
        check(" \n a \n\n b ", &boilerplate(0, 0), &[Boilerplate], " \n b "); // before the first: no separator
        check("a\n\nb", &boilerplate(0, 1), &[Boilerplate], "");
        check("a\n\nb", &[(Boilerplate, 0, 0), (Boilerplate, 1, 1)], &[Boilerplate], "");
    }

    #[test]
    fn only_what_is_named_leaves() {
        let text = format!("{LEAD}\n\nx\n\n{LEAD}\n\n{LEAD}");
        let flagged = [(Leads, 0, 0), (Boilerplate, 1, 1), (Repeats, 2, 2)];
        check(&text, &flagged, &[], &text);
        check(&text, &flagged, &[Leads], &format!("x\n\n{LEAD}\n\n{LEAD}"));
        check(&text, &flagged, &[Repeats], &format!("{LEAD}\n\nx\n\n{LEAD}"));
        check(&text, &flagged, &Strip::ALL, LEAD);
        check(&text, &[], &Strip::ALL, &text); // and only what is flagged
    }

    #[test]
    fn a_copy_stays_where_what_covers_it_is_boilerplate_or_leaves() {
        let text = format!("{LEAD}\n\n{LEAD}");
        check(&text, &[(Leads, 0, 0), (Boilerplate, 1, 1)], &[Leads, Boilerplate], &format!("{LEAD}\n\n"));
        check(&text, &[(Leads, 0, 0), (Boilerplate, 1, 1)], &[Leads], &text);
        let (second, third) = ("d e f g h i j k l m n o", "g h i j k l m n o p q r");
        let text = [LEAD, second, third].join("\n\n");
        check(&text, &[(Leads, 0, 0), (Leads, 1, 1)], &[Leads], &text); // 9 of 12 are no repeat
        let (first, second, third) = (
            "a b c d e f g h i j k l m n o",
            "d e f g h i j k l m n o p q r",
            "g h i j k l m n o p q r s t u",
        );
        let text = [first, second, third].join("\n\n");
        check(&text, &[(Leads, 0, 0), (Leads, 1, 1)], &[Leads], &[first, third].join("\n\n"));
        check(&text, &[(Leads, 0, 0), (Repeats, 1, 1)], &[Leads], &[second, third].join("\n\n"));
    }

    #[test]
    fn findings_of_another_text_cut_nothing() {
        for (first, last) in [(0, 1), (1, 1), (1, 0), (5, usize::MAX)] {
            check("a", &[(Boilerplate, first, last), (Leads, first, last)], &Strip::ALL, "a");
        }
    }

    #[test]
    fn what_is_not_covered_is_named() {
        let text = [LEAD, LEAD, "x", LEAD, LEAD].join("\n\n");
        let flagged = [Flagged { by: Boilerplate, paragraphs: [4, 4] }];
        let first = |copies: &[usize]| {
            let copies = copies.iter().copied().collect();
            uncovered(&text, &spans(&text), &flagged, &copies, &RepeatSettings::default())
        };
        assert_eq!([first(&[]), first(&[0]), first(&[0, 1])], [None; 3]);
        assert_eq!(first(&[0, 1, 3]), Some(0)); // boilerplate covers nothing
        assert_eq!(first(&[3]), Some(3));
        assert_eq!(first(&[2]), Some(2));
    }
}
