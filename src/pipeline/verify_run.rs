//! A finished run, checked again: guarantees 1 to 3, what was stripped, and that its records say one thing.
//!
//! Everything is read back from DIR alone. Each fault found is a sentence that says what and where; none is repaired.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::contents::Words;
use super::restore::Digest;
use super::strip::{self, Flagged, Strip};
use crate::corpus::{Compression, Fields, parse};
use crate::document::Span;
use crate::error::{Error, Result};
use crate::findings::{
    ClusterRecord, Evidence, Finding, Kind, Measure, Reference, RejectedRecord, TemplateRecord,
};
use crate::output::{
    Bytes, Documents, Fate, FileFacts, FinishedRun, Input, Original, SettingsRecord, Stripped, read_records,
};
use crate::repeats::RepeatSettings;
use crate::text::{ParagraphBreaks, paragraphs};
use crate::verify::{Concordance, Overlap, overlap_of_tokens};

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is wrong; empty where everything holds.
    pub faults: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Option<String>,
    /// Documents that were read again.
    pub documents: u64,
    /// Duplicates whose similarity to their witness was measured again.
    pub witnesses: u64,
}

/// How far a similarity measured again may lie from the recorded one: nothing but the last digits.
const TOLERANCE: f64 = 1e-9;

/// Documents with boilerplate and fewer content tokens than this are thin, and duplicates of equal texts only. The contract's.
pub(super) const THIN_TOKENS: usize = 20;

/// Checks DIR: its checksums and counts, that what stayed and what left are together the input's bytes, that every
/// duplicate has a kept witness which is as similar as it says, that what was stripped is what the findings and `--strip`
/// say, and that no repeat was stripped which what stays does not say again. A scan has records only.
///
/// # Errors
/// Where DIR is no finished run. Everything else is a fault in the answer.
pub fn verify(dir: &Path) -> Result<Checked> {
    let run = FinishedRun::open(dir)?;
    let mut check = Check { run: &run, done: Checked::default() };
    check.checksums();
    check.accounts(run.summary.documents, run.summary.bytes);
    let said = check.findings();
    check.clusters(&said);
    check.templates(&said);
    check.rejected();
    if run.summary.command == "dedupe" {
        check.foreign_files();
        if run.summary.removed || run.summary.bytes.kept == run.summary.bytes.read {
            let texts = check.shards(&said);
            check.witnesses(&said, &texts);
        } else {
            check.done.unchecked =
                Some("corpus/ and the witnesses, for what left was not kept (--no-removed)".to_owned());
        }
    }
    Ok(check.done)
}

/// A document as records name it: shard and place.
type Name = (String, u64);

fn name(reference: &Reference) -> Name {
    (reference.shard.clone(), reference.ordinal)
}

fn shown(name: &Name) -> String {
    format!("{}#{}", name.0, name.1)
}

/// What the findings say.
#[derive(Default)]
struct Said {
    duplicates: BTreeMap<Name, Duplicate>,
    /// The boilerplate of each document that has some.
    boilerplate: HashMap<Name, Vec<Span>>,
    /// The content tokens of each document that is called thin.
    thin: HashMap<Name, u64>,
    templates: HashSet<String>,
    /// What the findings of each document flag.
    flagged: HashMap<Name, Vec<Flagged>>,
    /// Where the spans of each document end last, and its label.
    documents: HashMap<Name, (usize, String)>,
}

struct Duplicate {
    of: Reference,
    jaccard: f64,
    containment: f64,
    by: Measure,
    exact: bool,
    place: String,
}

/// A witness that contains others, ready to be held against them.
struct Container {
    concordance: Concordance,
    tokens: usize,
    thin: bool,
}

/// A document of which the check needs the text.
struct Text {
    text: String,
    within: Option<String>,
    kept: bool,
}

struct Check<'a> {
    run: &'a FinishedRun,
    done: Checked,
}

impl Check<'_> {
    fn fault(&mut self, fault: String) {
        self.done.faults.push(fault);
    }

    /// Notes a failure to read as a fault.
    fn noted<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.fault(error.to_string())).ok()
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.run.dir.join(relative)
    }

    fn checksums(&mut self) {
        for file in &self.run.summary.files {
            match FileFacts::of(&self.path(&file.path), file.path.clone()) {
                Ok(now) if now == *file => {}
                Ok(now) => self.fault(format!(
                    "{}: not the file that the run wrote ({} bytes with hash {}, not {} with {})",
                    file.path, now.bytes, now.hash, file.bytes, file.hash
                )),
                Err(error) => self.fault(error.to_string()),
            }
        }
    }

    fn accounts(&mut self, documents: Documents, bytes: Bytes) {
        let Documents { read, kept, removed, rejected } = documents;
        if kept + removed + rejected != read {
            self.fault(format!(
                "summary.json: documents: {kept} kept + {removed} removed + {rejected} rejected are not {read} read"
            ));
        }
        let Bytes { read, kept, removed, stripped, rejected, framing } = bytes;
        if kept + removed + stripped + rejected + framing != read {
            self.fault(format!(
                "summary.json: bytes: {kept} kept + {removed} removed + {stripped} stripped + {rejected} rejected + {framing} \
                 framing are not {read} read"
            ));
        }
    }

    fn findings(&mut self) -> Said {
        let mut said = Said::default();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for input in &self.run.summary.inputs {
            let (file, compression) = super::write::findings_file(&input.shard, input.packed());
            let path = self.path(&file);
            let mut faults = Vec::new();
            let read = read_records(&path, compression, |line, finding: Finding| {
                *counts.entry(finding.finding.name().to_owned()).or_default() += 1;
                if finding.shard != input.shard || finding.ordinal >= input.documents {
                    faults.push(format!("{file}: line {line}: names a document that is not in this shard"));
                }
                said.take(finding, format!("{file}: line {line}"));
                Ok(())
            });
            self.done.faults.extend(faults);
            self.noted(read);
        }
        for (kind, &stated) in &self.run.summary.findings {
            let found = counts.remove(kind).unwrap_or(0);
            if found != stated {
                self.fault(format!(
                    "summary.json: findings: {stated} of kind {kind}, but findings/ holds {found}"
                ));
            }
        }
        for (kind, found) in counts {
            self.fault(format!("findings/: {found} of kind {kind}, of which the summary says nothing"));
        }
        said
    }

    /// The clusters say the same as the findings.
    fn clusters(&mut self, said: &Said) {
        let mut members: HashMap<Name, Name> = HashMap::new();
        let mut faults = Vec::new();
        let mut count = 0;
        let path = self.path("clusters.jsonl");
        let read = read_records(&path, Compression::None, |line, cluster: ClusterRecord| {
            count += 1;
            if cluster.size != cluster.members.len() as u64 + 1 {
                faults.push(format!(
                    "clusters.jsonl: line {line}: size {} is not its members and one",
                    cluster.size
                ));
            }
            for member in &cluster.members {
                members.insert(name(&member.document), name(&cluster.kept));
            }
            Ok(())
        });
        self.done.faults.extend(faults);
        self.noted(read);
        if count != self.run.summary.clusters {
            self.fault(format!(
                "clusters.jsonl: {count} clusters, but the summary says {}",
                self.run.summary.clusters
            ));
        }
        for (document, duplicate) in &said.duplicates {
            if members.remove(document) != Some(name(&duplicate.of)) {
                let document = shown(document);
                self.fault(format!(
                    "clusters.jsonl: {document} is not in the cluster that {} names",
                    duplicate.place
                ));
            }
        }
        for document in members.keys().collect::<std::collections::BTreeSet<_>>() {
            self.fault(format!(
                "clusters.jsonl: {} is a member, but no finding calls it a duplicate",
                shown(document)
            ));
        }
    }

    fn templates(&mut self, said: &Said) {
        let mut known = HashSet::new();
        let path = self.path("templates.jsonl");
        let read = read_records(&path, Compression::None, |_, template: TemplateRecord| {
            known.insert(template.template);
            Ok(())
        });
        self.noted(read);
        let mut unknown: Vec<&String> = said.templates.difference(&known).collect();
        unknown.sort();
        for template in unknown {
            self.fault(format!("templates.jsonl: no template {template}, but findings name it"));
        }
    }

    fn rejected(&mut self) {
        let mut count = 0;
        let path = self.path("rejected.jsonl");
        let read = read_records(&path, Compression::None, |_, _: RejectedRecord| {
            count += 1;
            Ok(())
        });
        self.noted(read);
        let stated = self.run.summary.documents.rejected;
        if count != stated {
            self.fault(format!("rejected.jsonl: {count} records, but the summary says {stated}"));
        }
    }

    /// Nothing else lies in `corpus/`, `removed/` and `findings/`.
    fn foreign_files(&mut self) {
        let run = self.run;
        let shards: HashSet<String> = run.summary.inputs.iter().flat_map(Input::paths).collect();
        let written: HashSet<&str> = run.summary.files.iter().map(|file| file.path.as_str()).collect();
        for folder in ["corpus", "removed", "findings"] {
            let top = self.path(folder);
            for entry in walkdir::WalkDir::new(&top).sort_by_file_name().into_iter().flatten() {
                let Ok(below) = entry.path().strip_prefix(&top) else { continue };
                let below = below.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                let path = format!("{folder}/{below}");
                let known =
                    written.contains(path.as_str()) || (folder != "findings" && shards.contains(&below));
                if entry.file_type().is_file() && !known {
                    self.fault(format!("{path}: is no shard that the run read"));
                }
            }
        }
    }

    /// Walks every original shard; gives the texts of duplicates and of their witnesses.
    fn shards(&mut self, said: &Said) -> HashMap<Name, Text> {
        let wanted: HashSet<Name> = said
            .duplicates
            .iter()
            .flat_map(|(document, duplicate)| [document.clone(), name(&duplicate.of)])
            .collect();
        let mut texts = HashMap::new();
        let (mut documents, mut bytes) = (Documents::default(), Bytes::default());
        for input in &self.run.summary.inputs {
            let mut hash = Digest::new(input);
            let mut walk = Walk {
                said,
                wanted: &wanted,
                input,
                fields: fields_of(&self.run.summary.settings),
                strip: self.strip(),
                breaks: self.breaks(),
                faults: Vec::new(),
                last: None,
            };
            let read = self.run.for_each_original(input, |original| {
                hash.add(&original);
                walk.count(&original, &mut documents, &mut bytes);
                walk.visit(original, &mut texts);
                Ok(())
            });
            let whole = read.and_then(|()| hash.check(input).map_err(Error::Run));
            self.done.faults.append(&mut walk.faults);
            self.noted(whole);
        }
        documents.read = documents.kept + documents.removed + documents.rejected;
        bytes.read = bytes.kept + bytes.removed + bytes.stripped + bytes.rejected + bytes.framing;
        self.done.documents = documents.read;
        self.compare_accounts(documents, bytes);
        texts
    }

    fn compare_accounts(&mut self, documents: Documents, bytes: Bytes) {
        let stated = &self.run.summary;
        if stated.documents != documents {
            let stated = stated.documents;
            self.fault(format!("summary.json: documents: says {stated:?}, but DIR holds {documents:?}"));
        }
        if self.run.summary.bytes != bytes {
            let stated = self.run.summary.bytes;
            self.fault(format!("summary.json: bytes: says {stated:?}, but DIR holds {bytes:?}"));
        }
    }

    fn strip(&self) -> BTreeSet<Strip> {
        let named = |strip: &Strip| self.run.summary.settings.strip.iter().any(|name| name == strip.name());
        Strip::ALL.into_iter().filter(named).collect()
    }

    fn breaks(&self) -> ParagraphBreaks {
        let name = &self.run.summary.settings.paragraphs;
        let all = [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line];
        all.into_iter().find(|breaks| breaks.name() == name).unwrap_or_default()
    }

    /// Guarantee 1: every duplicate has a kept witness that is as similar as the finding says.
    fn witnesses(&mut self, said: &Said, texts: &HashMap<Name, Text>) {
        let mut containers = HashMap::new();
        for (document, duplicate) in &said.duplicates {
            if let Err(fault) = self.witness(document, duplicate, said, texts, &mut containers) {
                self.fault(format!("{}: {fault}", duplicate.place));
            }
            self.done.witnesses += 1;
        }
    }

    fn witness(
        &self,
        document: &Name,
        duplicate: &Duplicate,
        said: &Said,
        texts: &HashMap<Name, Text>,
        containers: &mut HashMap<Name, Container>,
    ) -> std::result::Result<(), String> {
        let of = name(&duplicate.of);
        let own = texts.get(document).ok_or_else(|| format!("{} is not in DIR", shown(document)))?;
        let witness = texts.get(&of).ok_or_else(|| format!("its witness {} is not in DIR", shown(&of)))?;
        if !witness.kept {
            return Err(format!("its witness {} was not kept", shown(&of)));
        }
        if own.within != witness.within {
            return Err(format!("its witness {} has another value of the --within field", shown(&of)));
        }
        let settings = &self.run.summary.settings;
        if duplicate.exact {
            let equal = Words::of([own.text.as_str()]) == Words::of([witness.text.as_str()]);
            let by = duplicate.by == Measure::Jaccard;
            return if equal && by && duplicate.jaccard == 1.0 && duplicate.containment == 1.0 {
                Ok(())
            } else {
                Err(format!("called an exact copy of {}, but it is none", shown(&of)))
            };
        }
        let all = settings.content == "all";
        let content = |document: &Name, text: &Text| {
            let left_out = said.boilerplate.get(document).filter(|_| !all);
            let words = Words::of(pieces(&text.text, left_out.map_or(&[], Vec::as_slice)));
            let thin = left_out.is_some() && words.tokens().len() < THIN_TOKENS;
            (words, thin)
        };
        let (own, thin) = content(document, own);
        if thin {
            return Err("has boilerplate and too little content to be called a near-duplicate".to_owned());
        }
        let own = own.tokens();
        let (overlap, tokens, thin) = match duplicate.by {
            Measure::Jaccard => {
                let (witness, thin) = content(&of, witness);
                let tokens = witness.tokens();
                (overlap_of_tokens(&own, &tokens, settings.shingle), tokens.len(), thin)
            }
            // Many may be contained in one long document, which is gone through once.
            Measure::Containment => {
                let container = containers.entry(of.clone()).or_insert_with(|| {
                    let (witness, thin) = content(&of, witness);
                    let tokens = witness.tokens();
                    let concordance = Concordance::of(&tokens, settings.shingle);
                    Container { concordance, tokens: tokens.len(), thin }
                });
                (container.concordance.overlap_of(&own), container.tokens, container.thin)
            }
        };
        if thin {
            return Err(format!("its witness {} has too little content to be compared", shown(&of)));
        }
        check_threshold(duplicate, overlap, own.len() < tokens, settings)
            .map_err(|fault| format!("{fault} {}", shown(&of)))?;
        let off = (overlap.jaccard() - duplicate.jaccard)
            .abs()
            .max((overlap.containment_of_left() - duplicate.containment).abs());
        if off > TOLERANCE {
            return Err(format!(
                "says jaccard {} and containment {}, measured again: {} and {}",
                duplicate.jaccard,
                duplicate.containment,
                overlap.jaccard(),
                overlap.containment_of_left()
            ));
        }
        Ok(())
    }
}

/// The fields that a run read, but those of its keep keys.
pub(super) fn fields_of(settings: &SettingsRecord) -> Fields {
    Fields {
        text: settings.text_field.clone(),
        id: settings.id_field.clone(),
        url: settings.url_field.clone(),
        site: settings.site_field.clone(),
        within: settings.within.clone(),
        keep: Vec::new(),
    }
}

/// What a duplicate was called by reaches its threshold; else a sentence that lacks the name of the witness.
fn check_threshold(
    duplicate: &Duplicate,
    overlap: Overlap,
    shorter: bool,
    settings: &SettingsRecord,
) -> std::result::Result<(), String> {
    let alike = overlap.reaches(settings.min_similarity);
    let (least, jaccard) = (settings.min_similarity, overlap.jaccard());
    match (duplicate.by, settings.min_containment) {
        (Measure::Jaccard, _) if alike => Ok(()),
        (Measure::Jaccard, _) => Err(format!("its similarity is {jaccard}, below {least}, to")),
        (Measure::Containment, None) => {
            Err("the run was not asked for containment, by which it is a duplicate of".to_owned())
        }
        (Measure::Containment, Some(_)) if alike => {
            Err(format!("says containment, but its similarity is {jaccard}, not below {least}, to"))
        }
        (Measure::Containment, Some(_)) if !shorter => Err("is not shorter than".to_owned()),
        (Measure::Containment, Some(least)) if !overlap.left_is_contained(least) => {
            Err(format!("its containment is {}, below {least}, in", overlap.containment_of_left()))
        }
        (Measure::Containment, Some(_)) => Ok(()),
    }
}

/// The pieces of a text outside these spans, which are ascending.
fn pieces<'t>(text: &'t str, left_out: &[Span]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for span in left_out {
        pieces.extend(text.get(start..span.start));
        start = span.end;
    }
    pieces.extend(text.get(start..));
    pieces
}

impl Said {
    fn take(&mut self, finding: Finding, place: String) {
        let flagged = Flagged::of(&finding);
        let document = (finding.shard, finding.ordinal);
        if let Some(flagged) = flagged {
            self.flagged.entry(document.clone()).or_default().push(flagged);
        }
        let end = finding.place.map_or(0, |place| place.span.end);
        let known = self.documents.entry(document.clone()).or_insert((0, finding.doc));
        known.0 = known.0.max(end);
        match (finding.finding, finding.evidence) {
            (Kind::Duplicate, Evidence::Duplicate { of, jaccard, containment, by, exact }) => {
                let duplicate = Duplicate { of, jaccard, containment, by, exact, place };
                self.duplicates.insert(document, duplicate);
            }
            (_, Evidence::Boilerplate { template, .. }) => {
                self.templates.insert(template);
                let spans = self.boilerplate.entry(document).or_default();
                spans.extend(finding.place.map(|place| place.span));
            }
            (_, Evidence::Thin { content_tokens }) => {
                self.thin.insert(document, content_tokens);
            }
            _ => {}
        }
    }
}

/// The walk through one original shard.
struct Walk<'a> {
    said: &'a Said,
    wanted: &'a HashSet<Name>,
    input: &'a Input,
    fields: Fields,
    strip: BTreeSet<Strip>,
    breaks: ParagraphBreaks,
    faults: Vec<String>,
    /// The record that the last piece was a part of.
    last: Option<u64>,
}

impl Walk<'_> {
    fn count(&mut self, original: &Original, documents: &mut Documents, bytes: &mut Bytes) {
        let length = original.bytes.len() as u64;
        let begins = original.ordinal.is_some() && original.ordinal != self.last;
        self.last = original.ordinal.or(self.last);
        bytes.framing += original.mark as u64;
        let stripped = original.stripped.iter().map(|span| span.raw.len() as u64).sum::<u64>();
        bytes.stripped += stripped;
        let length = length.saturating_sub(original.mark as u64 + stripped);
        let (count, sum) = match original.fate {
            Fate::Kept => (&mut documents.kept, &mut bytes.kept),
            Fate::Removed => (&mut documents.removed, &mut bytes.removed),
            Fate::Rejected => (&mut documents.rejected, &mut bytes.rejected),
            Fate::Framing => {
                bytes.framing += length;
                return;
            }
        };
        *count += u64::from(begins);
        *sum += length;
    }

    fn visit(&mut self, original: Original, texts: &mut HashMap<Name, Text>) {
        let Some(ordinal) = original.ordinal else { return };
        let document = (self.input.shard.clone(), ordinal);
        let duplicate = self.said.duplicates.contains_key(&document);
        match (original.fate, duplicate) {
            (Fate::Kept, true) => {
                self.fault(&document, "is called a duplicate, but stands in corpus/");
            }
            (Fate::Removed, false) => {
                self.fault(&document, "was removed, but no finding says why");
            }
            _ => {}
        }
        let said = self.said.documents.get(&document);
        if original.fate == Fate::Rejected {
            if said.is_some() {
                self.fault(&document, "could not be read, but findings speak of it");
            }
            return;
        }
        if said.is_none() && !self.wanted.contains(&document) && original.stripped.is_empty() {
            return;
        }
        let bytes = &original.bytes[original.mark..];
        match parse(self.input.format, bytes, &self.fields) {
            Err(reason) => self.fault(&document, &format!("cannot be read: {reason}")),
            Ok(record) => {
                let label = record.id.unwrap_or_else(|| shown(&document));
                if said.is_some_and(|(end, doc)| *end > record.text.len() || *doc != label) {
                    self.fault(&document, "findings speak of another text or id than it has");
                }
                if original.fate == Fate::Kept
                    && let Err(problem) = self.stripped(&original, &document, &record.text)
                {
                    self.fault(&document, &problem);
                }
                self.check_thin(&document, &record.text);
                if self.wanted.contains(&document) {
                    let (text, within) = (record.text.into_owned(), record.within);
                    texts.insert(document, Text { text, within, kept: original.fate == Fate::Kept });
                }
            }
        }
    }

    /// Whether what was stripped of a kept document is what its findings and `--strip` say, and nothing of it is lost.
    fn stripped(&self, original: &Original, document: &Name, text: &str) -> std::result::Result<(), String> {
        let flagged = self.said.flagged.get(document).map_or(&[][..], Vec::as_slice);
        if original.stripped.is_empty() && (flagged.is_empty() || self.strip.is_empty()) {
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
        let spans = paragraphs(text, self.breaks);
        let settings = RepeatSettings::default();
        if let Some(copy) = strip::uncovered(text, &spans, flagged, &copies, &settings) {
            return Err(format!("paragraph {copy} was stripped, but what stays does not say it again"));
        }
        let cuts = strip::cuts(text, &spans, flagged, &self.strip, &settings);
        let record = &original.bytes[original.mark..];
        let expected = strip::in_bytes(self.input.format, record, &self.fields, &cuts).unwrap_or_default();
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

    /// A document that is called thin has boilerplate, and as few tokens without it as the finding says.
    fn check_thin(&mut self, document: &Name, text: &str) {
        let Some(&stated) = self.said.thin.get(document) else { return };
        let boilerplate = self.said.boilerplate.get(document).map_or(&[][..], Vec::as_slice);
        let tokens = Words::of(pieces(text, boilerplate)).tokens().len();
        if boilerplate.is_empty() || tokens >= THIN_TOKENS || tokens as u64 != stated {
            self.fault(document, &format!("is called thin with {stated} content tokens, but has {tokens}"));
        }
    }

    fn fault(&mut self, document: &Name, problem: &str) {
        self.faults.push(format!("{}: {problem}", shown(document)));
    }
}
