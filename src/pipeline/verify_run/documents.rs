//! Is each document what its findings say of it?
//!
//! A [`Visit`] in, its faults out, and the texts that are wanted of it. Each document is looked at for itself, on whatever
//! thread.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::numbers::Numbers;
use super::walk::{Visit, WHOLE};
use super::{TOLERANCE, is_thin};
use crate::corpus::{Fields, parse};
use crate::document::Span;
use crate::findings::{Evidence, Finding, Kind};
use crate::output::{Fate, Input, SettingsRecord, Stripped, Summary};
use crate::pipeline::contents::Words;
use crate::pipeline::judge::LEAD_PARAGRAPHS;
use crate::pipeline::strip::{self, Flagged, Strip};
use crate::repeats::RepeatSettings;
use crate::text::{ParagraphBreaks, paragraphs};

/// How documents were read, as the summary tells.
pub struct Reading<'a> {
    numbers: &'a Numbers<'a>,
    /// The fields.
    pub fields: Fields,
    strip: BTreeSet<Strip>,
    breaks: ParagraphBreaks,
    all: bool,
}

/// A document or a paragraph that somebody wants.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The spans of it that are not compared.
    pub left_out: Vec<Span>,
    /// The value of the `--within` field.
    pub within: Option<String>,
    /// Whether the document stays.
    pub kept: bool,
}

/// What was seen of a document.
pub struct Seen {
    /// Its number.
    pub number: Option<u64>,
    /// Whether its record begins here.
    pub begins: bool,
    /// What became of it.
    pub fate: Fate,
    /// What is wrong with it.
    pub faults: Vec<String>,
    /// What is wanted of it: paragraphs or [`WHOLE`], and the texts.
    pub texts: Vec<(u32, Text)>,
}

impl<'a> Reading<'a> {
    /// By this summary.
    pub fn of(summary: &Summary, numbers: &'a Numbers<'a>) -> Reading<'a> {
        let SettingsRecord { strip, paragraphs, content, .. } = &summary.settings;
        let named = |by: &Strip| strip.iter().any(|name| name == by.name());
        let all = [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line];
        Reading {
            numbers,
            fields: super::fields_of(&summary.settings),
            strip: Strip::ALL.into_iter().filter(named).collect(),
            breaks: all.into_iter().find(|breaks| breaks.name() == paragraphs).unwrap_or_default(),
            all: content == "all",
        }
    }

    /// The spans of a document that are not compared.
    pub fn left_out(&self, findings: &[Finding]) -> Vec<Span> {
        if self.all { Vec::new() } else { boilerplate(findings) }
    }

    /// Looks at a document.
    pub fn see(&self, visit: &Visit) -> Seen {
        let mut seen = Seen {
            number: visit.number,
            begins: visit.begins,
            fate: visit.original.fate,
            faults: Vec::new(),
            texts: Vec::new(),
        };
        let Visit { original, findings, wanted, .. } = visit;
        let Some(number) = visit.number.filter(|_| visit.begins) else { return seen };
        if original.fate == Fate::Rejected {
            if !findings.is_empty() {
                let name = self.numbers.shown(number);
                seen.faults.push(format!("{name}: could not be read, but findings speak of it"));
            }
            return seen;
        }
        if findings.is_empty() && wanted.is_empty() && original.stripped.is_empty() {
            return seen;
        }
        let input = self.numbers.input_of(number);
        let name = self.numbers.shown(number);
        let record = match parse(input.format, visit.record(), &self.fields) {
            Ok(record) => record,
            Err(reason) => {
                seen.faults.push(format!("{name}: cannot be read: {reason}"));
                return seen;
            }
        };
        let label = record.id.as_deref().unwrap_or(&name);
        let document =
            Document { text: &record.text, findings, spans: paragraphs(&record.text, self.breaks) };
        let mut problems = Vec::new();
        if findings.iter().any(|finding| finding.doc != label) || !document.is_spoken_of() {
            problems.push("findings speak of another text or id than it has".to_owned());
        }
        problems.extend(self.check_stripped(input, visit, &document).err());
        problems.extend(document.check_thin().err());
        problems.extend(document.check_repeats());
        seen.faults.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
        let kept = original.fate == Fate::Kept;
        for &part in wanted {
            if part == WHOLE {
                let left_out = self.left_out(findings);
                let text =
                    Text { text: record.text.to_string(), left_out, within: record.within.clone(), kept };
                seen.texts.push((part, text));
            } else if let Some(span) = document.spans.get(part as usize) {
                let text = span.of(&record.text).to_owned();
                seen.texts.push((part, Text { text, kept, ..Text::default() }));
            }
        }
        seen
    }

    /// Whether what was stripped of a kept document is what its findings and `--strip` say, and nothing of it is lost.
    fn check_stripped(
        &self,
        input: &Input,
        visit: &Visit,
        document: &Document,
    ) -> std::result::Result<(), String> {
        let original = &visit.original;
        let flagged: Vec<Flagged> = document.findings.iter().filter_map(Flagged::of).collect();
        let nothing = original.stripped.is_empty() && (flagged.is_empty() || self.strip.is_empty());
        if nothing || original.fate != Fate::Kept {
            return Ok(());
        }
        let mut copies = HashSet::new();
        for Stripped { paragraphs: [first, last], .. } in &original.stripped {
            let names = |run: &&Flagged| run.paragraphs == [*first, *last] && self.strip.contains(&run.by);
            match flagged.iter().find(names) {
                None => {
                    return Err(format!(
                        "paragraphs {first} to {last} were stripped, but no finding that --strip names says why"
                    ));
                }
                Some(run) => copies.extend((run.by != Strip::Boilerplate).then_some(*first)),
            }
        }
        let (text, spans, settings) = (document.text, &document.spans, RepeatSettings::default());
        if let Some(copy) = strip::uncovered(text, spans, &flagged, &copies, &settings) {
            return Err(format!("paragraph {copy} was stripped, but what stays does not say it again"));
        }
        let cuts = strip::cuts(text, spans, &flagged, &self.strip, &settings);
        let expected = strip::in_bytes(input.format, visit.record(), &self.fields, &cuts).unwrap_or_default();
        let in_record = |span: &Stripped| {
            let [start, end] =
                [span.raw.start, span.raw.end].map(|place| place.saturating_sub(original.mark));
            let raw = start..end;
            Stripped { raw, ..span.clone() }
        };
        let found: Vec<Stripped> = original.stripped.iter().map(in_record).collect();
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "{} spans were stripped, but its findings and --strip say {}, or other bytes",
                found.len(),
                expected.len()
            )),
        }
    }
}

/// The spans of a document that its findings call boilerplate.
pub fn boilerplate(findings: &[Finding]) -> Vec<Span> {
    let boilerplate = findings.iter().filter(|finding| finding.finding == Kind::Boilerplate);
    boilerplate.filter_map(|finding| finding.place).map(|place| place.span).collect()
}

/// The pieces of a text outside these spans, which are ascending.
pub fn pieces<'t>(text: &'t str, left_out: &[Span]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for span in left_out {
        pieces.extend(text.get(start..span.start));
        start = span.end;
    }
    pieces.extend(text.get(start..));
    pieces
}

/// A document and what is said of it.
struct Document<'a> {
    text: &'a str,
    findings: &'a [Finding],
    spans: Vec<Span>,
}

impl Document<'_> {
    /// Whether its paragraphs lie where its findings have them.
    fn is_spoken_of(&self) -> bool {
        self.findings.iter().filter_map(|finding| finding.place).all(|place| {
            let [first, last] = place.paragraphs.map(|paragraph| self.spans.get(paragraph));
            first.is_some_and(|span| span.start == place.span.start)
                && last.is_some_and(|span| span.end == place.span.end)
        })
    }

    /// A document that is called thin has boilerplate, and as few tokens without it as the finding says.
    fn check_thin(&self) -> std::result::Result<(), String> {
        let stated = self.findings.iter().find_map(|finding| match finding.evidence {
            Evidence::Thin { content_tokens } => Some(content_tokens),
            _ => None,
        });
        let Some(stated) = stated else { return Ok(()) };
        let boilerplate = boilerplate(self.findings);
        let tokens = Words::of(pieces(self.text, &boilerplate)).tokens().len();
        match is_thin(&boilerplate, tokens) && tokens as u64 == stated {
            true => Ok(()),
            false => Err(format!("is called thin with {stated} content tokens, but has {tokens}")),
        }
    }

    /// What is called a repeated lead or a repeat is long enough, and as much of it as the finding says stands again in
    /// later paragraphs that are no boilerplate.
    fn check_repeats(&self) -> Vec<String> {
        let of_repeats = |finding: &&Finding| matches!(finding.evidence, Evidence::Repeat { .. });
        let repeats: Vec<&Finding> = self.findings.iter().filter(of_repeats).collect();
        if repeats.is_empty() {
            return Vec::new();
        }
        let flagged: Vec<Flagged> = self.findings.iter().filter_map(Flagged::of).collect();
        let words = strip::words_of(self.text, &self.spans, &flagged);
        let tokens: Vec<Vec<&str>> =
            words.iter().map(|words| words.as_ref().map_or(Vec::new(), Words::tokens)).collect();
        let settings = RepeatSettings::default();
        let covered = covered(&tokens, &repeats, settings.shingle_tokens.get());
        let problem = |(finding, covered): (&&Finding, usize)| {
            let (paragraph, Evidence::Repeat { coverage, within }) =
                (finding.place?.paragraphs[0], &finding.evidence)
            else {
                return None;
            };
            let length = tokens.get(paragraph).map_or(0, Vec::len);
            let measured = covered as f64 / length.max(1) as f64;
            let kind = finding.finding.name();
            let right = match finding.finding {
                Kind::RepeatedLead => paragraph < LEAD_PARAGRAPHS,
                _ => paragraph >= LEAD_PARAGRAPHS,
            };
            if length < settings.min_tokens || measured < settings.min_coverage || !right {
                Some(format!(
                    "paragraph {paragraph} of {length} tokens, of which {covered} stand again, is no {kind}"
                ))
            } else if (measured - coverage).abs() > TOLERANCE {
                Some(format!(
                    "paragraph {paragraph}: coverage {coverage} is told, measured again: {measured}"
                ))
            } else if within.is_empty()
                || within.len() > settings.max_listed
                || within.iter().any(|later| *later <= paragraph || *later >= self.spans.len())
            {
                Some(format!("paragraph {paragraph}: the paragraphs that say it again are none that can"))
            } else {
                None
            }
        };
        repeats.iter().zip(covered).filter_map(problem).collect()
    }
}

/// How many tokens of each of these paragraphs lie in a run of `k` that stands again in a later one: the rule, measured from
/// the beginning.
fn covered(tokens: &[Vec<&str>], repeats: &[&Finding], k: usize) -> Vec<usize> {
    let paragraph = |finding: &Finding| finding.place.map_or(usize::MAX, |place| place.paragraphs[0]);
    let asked: HashSet<usize> = repeats.iter().map(|finding| paragraph(finding)).collect();
    let mut found = vec![0; tokens.len()];
    let mut said: HashSet<&[&str]> = HashSet::new();
    for (place, tokens) in tokens.iter().enumerate().rev() {
        if asked.contains(&place) {
            let mut covered = vec![false; tokens.len()];
            for (at, _) in tokens.windows(k).enumerate().filter(|(_, shingle)| said.contains(shingle)) {
                covered[at..at + k].fill(true);
            }
            found[place] = covered.into_iter().filter(|token| *token).count();
        }
        said.extend(tokens.windows(k));
    }
    repeats.iter().map(|finding| found.get(paragraph(finding)).copied().unwrap_or(0)).collect()
}
