//! Why was this document flagged, and what do two of them share?
//!
//! A finished DIR and the name of a document in, an [`Explanation`] or, of two, a [`Comparison`] out. Everything comes from
//! what the run left: decisions and findings from its records, texts from `corpus/` and `removed/`. A scan leaves no
//! texts, nor does a run with `--no-removed`; then they are read from the input, where its bytes are still those of the
//! run. What cannot be had is said, not guessed at; a document named wrongly would be the harmful mistake, so a name
//! that several documents bear is an error that lists them.
//!
//! Time: one read of the records, and one of the texts of the shards that a document may stand in: of the one that
//! `SHARD#ORDINAL` names, else of all. Memory: the texts asked for, about 100 bytes for each of their tokens, and one record.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::progress::{Progress, Unit};
use super::restore::Digest;
use super::verify_run::{THIN_TOKENS, fields_of};
use super::write::findings_file;
use crate::corpus::{
    Compression, Fields, Format, Inputs, Part, PieceKind, ReadSettings, Record, Shard, ShardDigest, SiteBy,
    parse, read_shard, site_of,
};
use crate::document::Span;
use crate::error::{Error, Result};
use crate::findings::{
    Between, ClusterRecord, Comparison, DocumentFate, Elsewhere, Evidence, ExplainedText, Explanation,
    Finding, Kind, MeasuredLikeness, Reference, RejectedRecord, SharedPassage, TemplateRecord,
};
use crate::output::{Fate, FileFacts, FinishedRun, Input, hex128, read_records};
use crate::text::{ParagraphBreaks, Tokenizer, paragraphs, token_spans};
use crate::verify::{Overlap, Passage, overlap_of_tokens, paragraphs_beside, shared_passages};

/// What the run at `dir` knows of a document, named by `SHARD#ORDINAL`, its id or its url. `inputs` are what the run read,
/// for runs whose DIR holds no texts; where none are given, the paths are tried that the summary names.
///
/// # Errors
/// Where DIR is no finished run or was changed; where no document or more than one has the name; where `inputs` are given
/// and are not what the run read.
pub fn explain(
    dir: &Path,
    document: &str,
    inputs: Option<&Inputs>,
    progress: &dyn Progress,
) -> Result<Explanation> {
    let mut archive = Archive::open(dir, inputs)?;
    let found = archive.find(&[document], progress)?;
    archive.explanation(&found[0])
}

/// Two documents of the run at `dir`: what is known of each, what was decided between them, how alike they are and what they
/// share, measured on the texts with the run's settings. Names and errors as [`explain`]; one document twice is an error.
pub fn explain_two(
    dir: &Path,
    documents: [&str; 2],
    inputs: Option<&Inputs>,
    progress: &dyn Progress,
) -> Result<Comparison> {
    let mut archive = Archive::open(dir, inputs)?;
    let found = archive.find(&documents, progress)?;
    let (left, right) = (&found[0], &found[1]);
    if left.place == right.place {
        return Err(Error::Run(format!("{} and {} are one document; name two", documents[0], documents[1])));
    }
    let (a, b) = (archive.explanation(left)?, archive.explanation(right)?);
    Ok(archive.compared([left, right], a, b))
}

/// A document as a place: the number of its shard in the summary, its ordinal.
type Place = (usize, u64);

/// How many of the documents that bear one name are listed.
const LISTED: usize = 20;

/// How many other documents of a reused paragraph are named. A guess: as many as a person looks at.
const ELSEWHERE: usize = 8;

/// A finished run with its texts, wherever they are.
pub(super) struct Archive {
    run: FinishedRun,
    /// Where the texts of each shard are.
    sources: Vec<Source>,
    fields: Fields,
}

/// Where the texts of a shard are.
enum Source {
    /// In DIR.
    Dir,
    /// In the input. If it is not what the run read, that is an error where the user named it, else there is no text.
    Input { shard: Shard, named: bool },
    /// Nowhere, for this reason.
    Missing(String),
}

/// A document that was asked for.
pub(super) struct Found {
    place: Place,
    /// Its record, where its text is at hand and can be read.
    record: Option<OwnRecord>,
}

/// What its record says.
struct OwnRecord {
    id: Option<String>,
    url: Option<String>,
    site: Option<String>,
    within: Option<String>,
    text: String,
}

/// A name, and the documents that bear it.
struct Search<'a> {
    name: &'a str,
    /// The only place that it can be, where it is `SHARD#ORDINAL`.
    place: Option<Place>,
    found: Vec<Place>,
    /// The record of the first one.
    record: Option<OwnRecord>,
}

impl Archive {
    pub(super) fn open(dir: &Path, inputs: Option<&Inputs>) -> Result<Archive> {
        let run = FinishedRun::open(dir)?;
        let summary = &run.summary;
        let whole = summary.removed || summary.bytes.kept == summary.bytes.read;
        let in_dir = summary.command == "dedupe" && whole;
        let known = |shard: &Shard| summary.inputs.iter().any(|input| input.shard == shard.name);
        if let Some(inputs) = inputs.filter(|inputs| !in_dir && !inputs.shards.iter().any(known)) {
            let names: Vec<&str> = inputs.shards.iter().take(3).map(|shard| shard.name.as_str()).collect();
            return Err(Error::Run(format!(
                "--input: {}: not among the shards that the run read; name the INPUT as it was named then",
                names.join(", ")
            )));
        }
        let source = |input: &Input| match in_dir {
            true => Source::Dir,
            false => Source::of(input, inputs),
        };
        let sources = summary.inputs.iter().map(source).collect();
        let fields = fields_of(&summary.settings);
        Ok(Archive { run, sources, fields })
    }

    /// The run.
    pub(super) fn run(&self) -> &FinishedRun {
        &self.run
    }

    fn input(&self, shard: usize) -> &Input {
        &self.run.summary.inputs[shard]
    }

    fn shown(&self, (shard, ordinal): Place) -> String {
        format!("{}#{ordinal}", self.input(shard).shard)
    }

    /// The document that each of these names means.
    pub(super) fn find(&mut self, names: &[&str], progress: &dyn Progress) -> Result<Vec<Found>> {
        let mut searches = Vec::new();
        for &name in names {
            searches.push(Search { name, place: self.place_of(name)?, found: Vec::new(), record: None });
        }
        let concerned = |search: &Search, shard| search.place.is_none_or(|place| place.0 == shard);
        let shards: Vec<usize> = (0..self.sources.len())
            .filter(|&shard| searches.iter().any(|search| concerned(search, shard)))
            .collect();
        let bytes = shards.iter().map(|&shard| self.input(shard).bytes).sum();
        progress.begin("searching", Unit::Bytes, Some(bytes));
        for &shard in &shards {
            if let Some(reason) = self.search_texts(shard, &mut searches, progress)? {
                self.sources[shard] = Source::Missing(reason);
                self.search_findings(shard, &mut searches)?;
            }
        }
        searches.into_iter().map(|search| self.only(search)).collect()
    }

    /// The place that `SHARD#ORDINAL` names, where the shard is one of ours.
    fn place_of(&self, name: &str) -> Result<Option<Place>> {
        let Some((shard, ordinal)) = name.rsplit_once('#') else { return Ok(None) };
        let shard = self.run.summary.inputs.iter().position(|input| input.shard == shard);
        let (Some(shard), Ok(ordinal)) = (shard, ordinal.parse::<u64>()) else { return Ok(None) };
        match self.input(shard).documents {
            documents if ordinal < documents => Ok(Some((shard, ordinal))),
            0 => Err(Error::Run(format!("{name}: no such document; the shard holds none"))),
            documents => Err(Error::Run(format!(
                "{name}: no such document; those of the shard are #0 to #{}",
                documents - 1
            ))),
        }
    }

    /// Looks through the records of a shard. Where it holds no texts, or others than the run read: says why.
    fn search_texts(
        &self,
        shard: usize,
        searches: &mut [Search],
        progress: &dyn Progress,
    ) -> Result<Option<String>> {
        let input = self.input(shard);
        let mut found: Vec<(Vec<Place>, Option<OwnRecord>)> = Vec::new();
        found.resize_with(searches.len(), Default::default);
        let any_name = searches.iter().any(|search| search.place.is_none());
        let asked: HashSet<Place> = searches.iter().filter_map(|search| search.place).collect();
        let reason = self.for_each_record(shard, progress, |ordinal, bytes| {
            let place = (shard, ordinal);
            if !any_name && !asked.contains(&place) {
                return;
            }
            let Ok(record) = parse(input.format, bytes, &self.fields) else { return };
            for (search, (places, first)) in searches.iter().zip(&mut found) {
                let bears = [&record.id, &record.url].into_iter().flatten().any(|name| name == search.name);
                if search.place == Some(place) || (search.place.is_none() && bears) {
                    places.push(place);
                    if first.is_none() && search.record.is_none() {
                        *first = Some(self.own(input, &record));
                    }
                }
            }
        })?;
        if reason.is_none() {
            for (search, (places, first)) in searches.iter_mut().zip(found) {
                search.found.extend(places);
                search.record = search.record.take().or(first);
            }
        }
        Ok(reason)
    }

    /// Calls `each` with every record of a shard that can be read, and its ordinal. Where there are none, or not those of
    /// the run: says why.
    fn for_each_record(
        &self,
        shard: usize,
        progress: &dyn Progress,
        mut each: impl FnMut(u64, &[u8]),
    ) -> Result<Option<String>> {
        let input = self.input(shard);
        match &self.sources[shard] {
            Source::Missing(reason) => Ok(Some(reason.clone())),
            Source::Dir => {
                let mut hash = Digest::new(input);
                self.run.for_each_original(input, |original| {
                    hash.add(&original);
                    progress.advance(original.bytes.len() as u64);
                    if let (Some(ordinal), Fate::Kept | Fate::Removed) = (original.ordinal, original.fate) {
                        each(ordinal, &original.bytes[original.mark..]);
                    }
                    Ok(())
                })?;
                hash.check(input).map(|()| None).map_err(Error::Run)
            }
            Source::Input { shard, named } => {
                let settings = ReadSettings {
                    max_record: self.run.summary.settings.max_record,
                    ..ReadSettings::default()
                };
                let digest = read_shard(shard, &settings, &mut |chunk| {
                    progress.advance(chunk.bytes.len() as u64);
                    let records = chunk.pieces.iter().filter(|piece| piece.kind == PieceKind::Record);
                    records.for_each(|piece| each(piece.ordinal, chunk.bytes_of(piece)));
                    Ok(())
                })?;
                match changed(input, shard, digest) {
                    Some(change) if *named => Err(Error::Run(format!("--input: {change}"))),
                    change => Ok(change),
                }
            }
        }
    }

    fn own(&self, input: &Input, record: &Record) -> OwnRecord {
        let by = match self.run.summary.settings.site == SiteBy::Domain.name() {
            true => SiteBy::Domain,
            false => SiteBy::Host,
        };
        let of_url = || record.url.as_deref().and_then(|url| site_of(url, by));
        OwnRecord {
            id: record.id.clone(),
            url: record.url.clone(),
            site: record.site.clone().or_else(of_url).or_else(|| default_site(input)),
            within: record.within.clone(),
            text: record.text.clone().into_owned(),
        }
    }

    /// Looks through what the records say of a shard without texts: the ids of its documents that they name.
    fn search_findings(&self, shard: usize, searches: &mut [Search]) -> Result<()> {
        let name = &self.input(shard).shard;
        let wanted: HashMap<&str, usize> = searches
            .iter()
            .enumerate()
            .filter(|(_, search)| search.place.is_none())
            .map(|(number, search)| (search.name, number))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut found: BTreeSet<(usize, u64)> = BTreeSet::new();
        self.findings(shard, |finding| {
            found.extend(wanted.get(finding.doc.as_str()).map(|&number| (number, finding.ordinal)));
        })?;
        // A kept document without a finding of its own is still named by its cluster.
        self.records("clusters.jsonl", Compression::None, |cluster: ClusterRecord| {
            if cluster.kept.shard == *name {
                found.extend(
                    wanted.get(cluster.kept.id.as_str()).map(|&number| (number, cluster.kept.ordinal)),
                );
            }
        })?;
        for (number, ordinal) in found {
            searches[number].found.push((shard, ordinal));
        }
        Ok(())
    }

    /// The one document that a search found.
    fn only(&self, search: Search) -> Result<Found> {
        let name = search.name;
        match (search.place, search.found.as_slice()) {
            (Some(place), _) => Ok(Found { place, record: search.record }),
            (None, &[place]) => Ok(Found { place, record: search.record }),
            (None, []) => {
                let unsearched = self.sources.iter().find_map(|source| match source {
                    Source::Missing(reason) => Some(reason),
                    _ => None,
                });
                let instead = "name it by its id, its url or as SHARD#ORDINAL";
                Err(Error::Run(match unsearched {
                    None => format!("{name}: no document of this run; {instead}"),
                    Some(reason) => format!(
                        "{name}: no finding names it, and not all texts are at hand: {reason}; or {instead}"
                    ),
                }))
            }
            (None, several) => {
                let mut names: Vec<String> =
                    several.iter().take(LISTED).map(|&place| self.shown(place)).collect();
                if several.len() > LISTED {
                    names.push(format!("{} more", several.len() - LISTED));
                }
                Err(Error::Run(format!(
                    "{name}: {} documents bear this name; name the one you mean: {}",
                    several.len(),
                    names.join(", ")
                )))
            }
        }
    }

    fn explanation(&self, found: &Found) -> Result<Explanation> {
        let (shard, ordinal) = found.place;
        let name = self.input(shard).shard.as_str();
        let mut findings = Vec::new();
        self.findings(shard, |finding| {
            if finding.ordinal == ordinal {
                findings.push(finding);
            }
        })?;
        let rejected = self.rejected(name, ordinal)?;
        let cluster = self.cluster(name, ordinal)?;
        let (templates, elsewhere) = (self.templates(&findings)?, self.elsewhere(&findings)?);
        let of_cluster = cluster.as_ref().and_then(|cluster| own_id(cluster, name, ordinal));
        let brief = self.briefly(found, findings);
        let is_named =
            found.record.as_ref().is_some_and(|record| record.id.is_some()) || !brief.findings.is_empty();
        let id = of_cluster.filter(|_| !is_named).unwrap_or(brief.document.id);
        Ok(Explanation {
            document: Reference { id, ..brief.document },
            fate: if rejected.is_some() { DocumentFate::Rejected } else { brief.fate },
            no_text: brief.no_text.filter(|_| rejected.is_none()),
            cluster,
            templates,
            elsewhere,
            rejected,
            ..brief
        })
    }

    /// What its record and these findings of it say, and nothing else.
    pub(super) fn briefly(&self, found: &Found, findings: Vec<Finding>) -> Explanation {
        let (shard, ordinal) = found.place;
        let record = found.record.as_ref();
        let fate = match findings.iter().any(|finding| finding.finding == Kind::Duplicate) {
            true => DocumentFate::Removed,
            false => DocumentFate::Kept,
        };
        let id = record
            .and_then(|record| record.id.clone())
            .or_else(|| findings.first().map(|finding| finding.doc.clone()))
            .unwrap_or_else(|| self.shown(found.place));
        let no_text = match &self.sources[shard] {
            Source::Missing(reason) => Some(reason.clone()),
            _ => None,
        };
        Explanation {
            document: Reference { id, shard: self.input(shard).shard.clone(), ordinal, paragraph: None },
            // A finding of a template across sites bears `*` in place of the document's site.
            site: record
                .and_then(|record| record.site.clone())
                .or_else(|| findings.iter().find(|found| found.site != "*").map(|found| found.site.clone())),
            url: record.and_then(|record| record.url.clone()),
            fate,
            cluster: None,
            templates: Vec::new(),
            elsewhere: Vec::new(),
            rejected: None,
            no_text,
            text: record.map(|record| self.explained_text(&record.text, &findings)),
            findings,
        }
    }

    /// Two documents beside each other.
    pub(super) fn compared(&self, found: [&Found; 2], a: Explanation, b: Explanation) -> Comparison {
        let measured = self.measure(&a, &b);
        let within = found.map(|found| found.record.as_ref().map(|record| &record.within));
        let decision = self.between(&a, &b, within, measured.as_ref());
        Comparison { decision, likeness: measured.map(|(likeness, _)| likeness), a, b }
    }

    fn explained_text(&self, text: &str, findings: &[Finding]) -> ExplainedText {
        let located = Located::of(text);
        ExplainedText {
            tokens: located.tokens.len(),
            content_tokens: located.outside(&self.left_out(findings)).count(),
            paragraph_spans: paragraphs(text, self.breaks()),
            text: text.to_owned(),
        }
    }

    fn breaks(&self) -> ParagraphBreaks {
        [ParagraphBreaks::Blank, ParagraphBreaks::Line]
            .into_iter()
            .find(|breaks| breaks.name() == self.run.summary.settings.paragraphs)
            .unwrap_or_default()
    }

    /// The spans that are not compared.
    fn left_out(&self, findings: &[Finding]) -> Vec<Span> {
        let boilerplate = |finding: &&Finding| finding.finding == Kind::Boilerplate;
        match self.run.summary.settings.content.as_str() {
            "all" => Vec::new(),
            _ => findings
                .iter()
                .filter(boilerplate)
                .filter_map(|finding| finding.place)
                .map(|place| place.span)
                .collect(),
        }
    }

    /// A file of records, proven to be what the run wrote.
    fn records<T: serde::de::DeserializeOwned>(
        &self,
        relative: &str,
        compression: Compression,
        mut each: impl FnMut(T),
    ) -> Result<()> {
        let path = self.run.dir.join(relative);
        let written = self.run.summary.files.iter().find(|file| file.path == relative);
        let now = FileFacts::of(&path, relative.to_owned())?;
        if written != Some(&now) {
            return Err(Error::Run(format!(
                "{}: not the file that the run wrote; `dittograph verify` says what else was changed",
                path.display()
            )));
        }
        read_records(&path, compression, |_, record| {
            each(record);
            Ok(())
        })
    }

    fn findings(&self, shard: usize, each: impl FnMut(Finding)) -> Result<()> {
        let input = self.input(shard);
        let (file, compression) = findings_file(&input.shard, input.packed());
        self.records(&file, compression, each)
    }

    fn rejected(&self, shard: &str, ordinal: u64) -> Result<Option<RejectedRecord>> {
        let mut found = None;
        self.records("rejected.jsonl", Compression::None, |record: RejectedRecord| {
            if (record.shard.as_str(), record.record) == (shard, ordinal) {
                found = Some(record);
            }
        })?;
        Ok(found)
    }

    fn cluster(&self, shard: &str, ordinal: u64) -> Result<Option<ClusterRecord>> {
        let mut found = None;
        self.records("clusters.jsonl", Compression::None, |cluster: ClusterRecord| {
            if own_id(&cluster, shard, ordinal).is_some() {
                found = Some(cluster);
            }
        })?;
        Ok(found)
    }

    fn templates(&self, findings: &[Finding]) -> Result<Vec<TemplateRecord>> {
        let named: BTreeSet<&str> = findings
            .iter()
            .filter_map(|finding| match &finding.evidence {
                Evidence::Boilerplate { template, .. } => Some(template.as_str()),
                _ => None,
            })
            .collect();
        let mut found = Vec::new();
        if !named.is_empty() {
            self.records("templates.jsonl", Compression::None, |template: TemplateRecord| {
                if named.contains(template.template.as_str()) {
                    found.push(template);
                }
            })?;
        }
        Ok(found)
    }

    /// Where else the reused paragraphs of these findings stand: whatever has the same first document and paragraph.
    fn elsewhere(&self, findings: &[Finding]) -> Result<Vec<Elsewhere>> {
        let mut found: Vec<Elsewhere> = Vec::new();
        let mut by_first: HashMap<(String, u64, usize), usize> = HashMap::new();
        for (paragraph, first) in findings.iter().filter_map(reused) {
            if let Entry::Vacant(entry) = by_first.entry(first) {
                entry.insert(found.len());
                found.push(Elsewhere { paragraph, documents: Vec::new() });
            }
        }
        let own = findings.first().map(|finding| (finding.shard.clone(), finding.ordinal));
        for shard in 0..if found.is_empty() { 0 } else { self.sources.len() } {
            self.findings(shard, |finding| {
                let Some((paragraph, first)) = reused(&finding) else { return };
                let Some(&number) = by_first.get(&first) else { return };
                let documents = &mut found[number].documents;
                if documents.len() < ELSEWHERE && own != Some((finding.shard.clone(), finding.ordinal)) {
                    let (id, shard, ordinal) = (finding.doc, finding.shard, finding.ordinal);
                    documents.push(Reference { id, shard, ordinal, paragraph: Some(paragraph) });
                }
            })?;
        }
        Ok(found)
    }

    /// Measures two documents, and tells whether one has too little content to be compared.
    fn measure(&self, a: &Explanation, b: &Explanation) -> Option<(MeasuredLikeness, bool)> {
        let (a_text, b_text) = (a.text.as_ref()?, b.text.as_ref()?);
        let left_out = [self.left_out(&a.findings), self.left_out(&b.findings)];
        let located = [Located::of(&a_text.text), Located::of(&b_text.text)];
        let whole = |number: usize| located[number].outside(&[]).map(|(token, _)| token);
        let exact = !located[0].tokens.is_empty() && whole(0).eq(whole(1));
        let side = |number: usize, text: &ExplainedText| {
            Side::of(&located[number], if exact { &[] } else { &left_out[number] }, &text.paragraph_spans)
        };
        let (left, right) = (side(0, a_text), side(1, b_text));
        let k = self.run.summary.settings.shingle;
        let overlap = match exact {
            true => Overlap { shared: 1, only_left: 0, only_right: 0 },
            false => overlap_of_tokens(&left.tokens, &right.tokens, k),
        };
        let passages = shared_passages(&left.tokens, &right.tokens, k);
        let thin =
            |number: usize, side: &Side| !left_out[number].is_empty() && side.tokens.len() < THIN_TOKENS;
        let thin = !exact && (thin(0, &left) || thin(1, &right));
        let likeness = MeasuredLikeness {
            jaccard: overlap.jaccard(),
            containment_of_a: overlap.containment_of_left(),
            containment_of_b: overlap.containment_of_right(),
            exact,
            shared_tokens: [
                covered(passages.iter().map(|passage| passage.left..passage.left + passage.tokens)),
                covered(passages.iter().map(|passage| passage.right..passage.right + passage.tokens)),
            ],
            beside: paragraphs_beside(&passages, &left.paragraphs, &right.paragraphs),
            shared: passages.iter().map(|passage| shared(passage, &left, &right)).collect(),
        };
        Some((likeness, thin))
    }

    fn between(
        &self,
        a: &Explanation,
        b: &Explanation,
        within: [Option<&Option<String>>; 2],
        measured: Option<&(MeasuredLikeness, bool)>,
    ) -> Between {
        let (of_a, of_b) = (witness(a), witness(b));
        let is = |of: Option<&Reference>, other: &Explanation| {
            of.is_some_and(|of| (&of.shard, of.ordinal) == (&other.document.shard, other.document.ordinal))
        };
        let rejected = [a, b].iter().any(|document| document.fate == DocumentFate::Rejected);
        let settings = &self.run.summary.settings;
        match (of_a, of_b) {
            _ if rejected => Between::Rejected,
            _ if is(of_a, b) => Between::ARemovedForB,
            _ if is(of_b, a) => Between::BRemovedForA,
            (Some(one), Some(other)) if (&one.shard, one.ordinal) == (&other.shard, other.ordinal) => {
                Between::BothRemovedForOne
            }
            _ => match measured {
                None => Between::NotMeasured,
                _ if within[0] != within[1] => Between::NotWithin,
                Some((_, true)) => Between::Thin,
                Some((likeness, _)) if likeness.jaccard < settings.min_similarity => Between::Below,
                Some(_) if of_a.is_some() || of_b.is_some() => Between::OtherWitness,
                Some(_) => Between::BothKept,
            },
        }
    }
}

impl Source {
    /// The input of a run that kept no texts: what was named now, else where it lay then.
    fn of(input: &Input, inputs: Option<&Inputs>) -> Source {
        let named =
            inputs.into_iter().flat_map(|inputs| &inputs.shards).find(|shard| shard.name == input.shard);
        if let Some(shard) = named {
            return Source::Input { shard: Shard { format: input.format, ..shard.clone() }, named: true };
        }
        match remembered(input) {
            Some(shard) if shard.parts.iter().all(|part| part.path.is_file()) => {
                Source::Input { shard, named: false }
            }
            Some(shard) => Source::Missing(format!(
                "{} is not there any more; name what the run read with --input INPUT",
                missing_path(&shard).display()
            )),
            None => Source::Missing(format!(
                "DIR does not hold {}; name what the run read with --input INPUT",
                input.shard
            )),
        }
    }
}

/// The shard where it lay when the run read it.
fn remembered(input: &Input) -> Option<Shard> {
    let path = PathBuf::from(input.path.as_ref()?);
    let parts = match input.folder {
        false => {
            let name = path.file_name()?.to_str()?.to_owned();
            vec![Part { path: path.clone(), name, compression: input.compression }]
        }
        true => {
            let part = |file: &crate::output::InputFile| Part {
                path: path.join(&file.name),
                name: file.name.clone(),
                compression: file.compression,
            };
            input.files.iter().map(part).collect()
        }
    };
    let site = default_site(input).unwrap_or_default();
    Some(Shard { name: input.shard.clone(), format: input.format, folder: input.folder, parts, site })
}

fn missing_path(shard: &Shard) -> &Path {
    let missing = shard.parts.iter().map(|part| part.path.as_path()).find(|path| !path.is_file());
    missing.unwrap_or(Path::new(""))
}

/// Why an input is not what the run read, if so.
fn changed(input: &Input, shard: &Shard, now: ShardDigest) -> Option<String> {
    (now.bytes != input.bytes || hex128(now.hash) != input.hash).then(|| {
        let path = shard.parts.first().map_or(Path::new(""), |part| part.path.as_path());
        let path = if shard.folder { path.parent().unwrap_or(path) } else { path };
        let now = match now.bytes == input.bytes {
            true => "others now".to_owned(),
            false => format!("{} now", now.bytes),
        };
        format!("{}: changed since the run read it ({} bytes then, {now})", path.display(), input.bytes)
    })
}

/// The site of documents without a url, as far as the summary tells.
fn default_site(input: &Input) -> Option<String> {
    if input.format != Format::Text || input.folder {
        return Some(input.shard.clone());
    }
    Path::new(input.path.as_ref()?).parent()?.file_name()?.to_str().map(str::to_owned)
}

/// The id of a document, where it is in this cluster.
fn own_id(cluster: &ClusterRecord, shard: &str, ordinal: u64) -> Option<String> {
    let members = cluster.members.iter().map(|member| &member.document);
    let is_own = |document: &&Reference| (document.shard.as_str(), document.ordinal) == (shard, ordinal);
    std::iter::once(&cluster.kept).chain(members).find(is_own).map(|document| document.id.clone())
}

/// Of a reused paragraph: its number, and the first document and paragraph that have it.
fn reused(finding: &Finding) -> Option<(usize, (String, u64, usize))> {
    let Evidence::Reused { first, .. } = &finding.evidence else { return None };
    let paragraph = finding.place?.paragraphs[0];
    let first = match first {
        Some(first) => (first.shard.clone(), first.ordinal, first.paragraph?),
        None => (finding.shard.clone(), finding.ordinal, paragraph),
    };
    Some((paragraph, first))
}

/// The document that this one was removed for.
fn witness(explanation: &Explanation) -> Option<&Reference> {
    explanation.findings.iter().find_map(|finding| match &finding.evidence {
        Evidence::Duplicate { of, .. } => Some(of),
        _ => None,
    })
}

fn shared(passage: &Passage, left: &Side, right: &Side) -> SharedPassage {
    let span = |side: &Side, first: usize| Span {
        start: side.spans[first].start,
        end: side.spans[first + passage.tokens - 1].end,
    };
    SharedPassage { tokens: passage.tokens, a: span(left, passage.left), b: span(right, passage.right) }
}

/// How many numbers lie in any of these ranges.
fn covered(ranges: impl Iterator<Item = Range<usize>>) -> usize {
    let mut ranges: Vec<Range<usize>> = ranges.collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut count, mut end) = (0, 0);
    for range in ranges {
        count += range.end.saturating_sub(end.max(range.start));
        end = end.max(range.end);
    }
    count
}

/// The tokens of a text, and where each stands.
struct Located {
    words: String,
    tokens: Vec<(Range<usize>, Span)>,
}

impl Located {
    fn of(text: &str) -> Located {
        let mut located = Located { words: String::new(), tokens: Vec::new() };
        let mut spans = token_spans(text).into_iter();
        Tokenizer::new().for_each(text, |token| {
            let start = located.words.len();
            located.words.push_str(token);
            located.tokens.extend(spans.next().map(|span| (start..located.words.len(), span)));
        });
        located
    }

    /// The tokens that do not begin in these spans, which are ascending.
    fn outside(&self, left_out: &[Span]) -> impl Iterator<Item = (&str, Span)> {
        let mut next = 0;
        self.tokens.iter().filter_map(move |(word, span)| {
            while left_out.get(next).is_some_and(|left_out| left_out.end <= span.start) {
                next += 1;
            }
            let inside = left_out.get(next).is_some_and(|left_out| left_out.start <= span.start);
            (!inside).then(|| (&self.words[word.clone()], *span))
        })
    }
}

/// What of a document is compared, token by token.
struct Side<'t> {
    tokens: Vec<&'t str>,
    spans: Vec<Span>,
    /// The paragraph of each token.
    paragraphs: Vec<usize>,
}

impl<'t> Side<'t> {
    fn of(located: &'t Located, left_out: &[Span], paragraphs: &[Span]) -> Side<'t> {
        let (tokens, spans): (Vec<&str>, Vec<Span>) = located.outside(left_out).unzip();
        let paragraph = |span: &Span| paragraphs.partition_point(|paragraph| paragraph.end <= span.start);
        let paragraphs = spans.iter().map(paragraph).collect();
        Side { tokens, spans, paragraphs }
    }
}
