//! The passes, in order: the only place that chains stages and spreads work over threads.
//!
//! ```text
//! shards -> census -> templates -> groups -> templates again -> contents -> decisions -> reuse -> DIR
//!           read        per site    compare    each group once              compare
//! ```
//!
//! Every function here returns the same answer with any number of threads.

mod alike;
mod census;
mod chunks;
mod company;
mod compare;
mod containing;
mod contents;
mod copies;
mod explain;
mod judge;
mod network;
mod progress;
mod restore;
mod reuse;
mod settings;
mod sites;
mod sketches;
mod strip;
mod variants;
mod verify_run;
mod visited;
mod write;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::corpus::{Inputs, Part, Shard};
use crate::error::{Error, Result};
use crate::findings::{PairRecord, TemplateRecord};
use crate::language::Languages;
use crate::output::{
    Bytes, ContainmentRecall, Documents, Input, InputFile, Recall, RunDir, SiteLoss, StageTime, Summary,
    hex128,
};
use crate::resolve::{Decisions, Standing, groups};
use crate::store::Workspace;
pub use alike::AlikeSettings;
use census::Census;
use contents::Contents;
use copies::Copies;
pub use explain::{explain, explain_two};
use judge::Judged;
pub use progress::{Progress, Silent, Unit};
pub use restore::restore;
pub use reuse::ReuseSettings;
pub use settings::{CandidateSource, CompareLimits, CompareSettings, Content, Settings};
use sites::{Boilerplate, site_numbers};
use sketches::Sketches;
pub use strip::Strip;
use strip::Strips;
pub use verify_run::{Checked, verify};

/// When a run warns, and when it stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guards {
    /// Sites of 100 documents or more that lose a larger share are named in a warning.
    pub max_site_loss: f64,
    /// Any rejection or site loss fails the run before it writes.
    pub strict: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Guards { max_site_loss: 0.9, strict: false }
    }
}

/// Smaller sites are not named for what they lose. The contract's 100.
const LOSS_MIN_DOCUMENTS: u64 = 100;

/// What a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Findings and report only.
    Scan,
    /// The cleaned corpus too.
    Dedupe {
        /// And what left it.
        with_removed: bool,
    },
}

/// Where a run writes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// Whether an earlier run there may be replaced.
    pub force: bool,
}

/// The main job: reads `inputs` and leaves a finished run at the target.
///
/// # Errors
/// Where DIR may not be written, the input cannot be read or changes meanwhile, or a strict guard is hit.
pub fn run(
    inputs: &Inputs,
    settings: &Settings,
    guards: Guards,
    job: Job,
    target: Target,
    progress: &dyn Progress,
) -> Result<Summary> {
    let mut clock = Clock::default();
    check_inputs_stay(inputs, target)?;
    strip::check_shards(&inputs.shards, &settings.strip)?;
    let dir = RunDir::create(target.dir, target.force)?;
    let skipped = inputs.skipped;
    let census = clock.time("read", || census::take(&inputs.shards, settings, progress))?;
    let decided = decide(&census, settings, progress, &mut clock)?;
    let losses = site_losses(&decided.boilerplate, &decided.decisions, guards);
    if guards.strict {
        check_strict(&census, &losses)?;
    }
    let site_of = site_numbers(&decided.boilerplate, census.documents.len());
    let reuses = clock.time("reuse", || {
        reuse::find(&census, &decided.boilerplate.marks, &decided.decisions, &site_of, &settings.reuse)
    });
    let languages = Languages::new(settings.compare.seed);
    let judged = Judged {
        census: &census,
        settings,
        boilerplate: &decided.boilerplate,
        site_of: &site_of,
        decisions: &decided.decisions,
        reuses: &reuses,
        languages: &languages,
    };
    let mut strips = Strips::default();
    let (findings, clusters, templates) =
        clock.time("findings", || write::records(&dir, &judged, &mut strips, progress))?;
    let (documents, mut bytes) = accounts(&census, &decided.decisions);
    if let Job::Dedupe { with_removed } = job {
        bytes.stripped = clock.time("write", || {
            write::corpus(&dir, &census, &decided.decisions, &strips, with_removed, settings, progress)
        })?;
        bytes.kept -= bytes.stripped;
    }
    let summary = Summary {
        dittograph: env!("CARGO_PKG_VERSION").to_owned(),
        unicode: crate::text::unicode_versions().to_string(),
        command: if job == Job::Scan { "scan" } else { "dedupe" }.to_owned(),
        removed: job == Job::Dedupe { with_removed: true },
        documents,
        bytes,
        findings,
        clusters,
        templates,
        sites: decided.boilerplate.sites.len() as u64,
        recall: recall(&settings.compare),
        settings: settings.record(),
        inputs: inputs_read(&census),
        skipped: BTreeMap::from([
            ("hidden".to_owned(), skipped.hidden),
            ("links".to_owned(), skipped.links),
            ("unknown".to_owned(), skipped.unknown),
            ("runs".to_owned(), skipped.runs),
        ]),
        files: Vec::new(),
        warnings: warnings(&census, settings, &losses),
        site_losses: losses,
        stages: clock.stages,
        peak_memory_bytes: peak_memory(),
    };
    dir.finish(summary)
}

/// An earlier run that is replaced takes nothing with it that is read.
fn check_inputs_stay(inputs: &Inputs, target: Target) -> Result<()> {
    let Ok(dir) = target.dir.canonicalize() else { return Ok(()) };
    let inside = |part: &&Part| part.path.canonicalize().is_ok_and(|path| path.starts_with(&dir));
    match inputs.shards.iter().flat_map(|shard| &shard.parts).find(inside) {
        None => Ok(()),
        Some(part) => Err(Error::Usage(format!(
            "{}: lies in {}, which this run would replace; name another -o DIR",
            part.path.display(),
            target.dir.display()
        ))),
    }
}

/// Writes the kept records to `out`, in input order, without what is stripped of them, and leaves nothing else. Says what
/// was read and kept.
pub fn filter(
    inputs: &Inputs,
    settings: &Settings,
    guards: Guards,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<Told> {
    strip::check_shards(&inputs.shards, &settings.strip)?;
    let census = census::take(&inputs.shards, settings, progress)?;
    let decided = decide(&census, settings, progress, &mut Clock::default())?;
    let losses = site_losses(&decided.boilerplate, &decided.decisions, guards);
    if guards.strict {
        check_strict(&census, &losses)?;
    }
    let strips = match settings.strip.is_empty() {
        true => Strips::default(),
        false => Strips::of(&Judged {
            census: &census,
            settings,
            boilerplate: &decided.boilerplate,
            site_of: &site_numbers(&decided.boilerplate, census.documents.len()),
            decisions: &decided.decisions,
            reuses: &[],
            languages: &Languages::new(settings.compare.seed),
        }),
    };
    write::filter(&census, &decided.decisions, &strips, settings, out)?;
    Ok(told(&census, &decided.decisions, warnings(&census, settings, &losses)))
}

/// What a run that leaves no DIR says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Documents by what became of them.
    pub documents: Documents,
    /// What a person should know; the first rejected records among it.
    pub warnings: Vec<String>,
}

/// Boilerplate templates, sites in order, most frequent first.
pub fn templates(
    inputs: &Inputs,
    settings: &Settings,
    mut each: impl FnMut(TemplateRecord) -> Result<()>,
    progress: &dyn Progress,
) -> Result<Told> {
    let census = census::take(&inputs.shards, settings, progress)?;
    let boilerplate = find_templates(&census, settings, progress, &mut Clock::default())?.0;
    judge::templates(&census, &boilerplate).try_for_each(&mut each)?;
    Ok(told(&census, &Decisions::default(), warnings(&census, settings, &[])))
}

/// Near-duplicate pairs with their similarity, in document order.
pub fn pairs(
    inputs: &Inputs,
    settings: &Settings,
    mut each: impl FnMut(PairRecord) -> Result<()>,
    progress: &dyn Progress,
) -> Result<Told> {
    let census = census::take(&inputs.shards, settings, progress)?;
    let boilerplate = match settings.compare.content {
        Content::Article => find_templates(&census, settings, progress, &mut Clock::default())?.0,
        Content::All => sites::none(&census),
    };
    let contents = Contents::new(&census, &boilerplate.marks, &settings.compare);
    let workspace = Workspace::temporary()?;
    let copies = Copies::of(&contents, &workspace, settings.compare.limits.memory_bytes / 4)?;
    let sketches = Sketches::of(&contents, &settings.compare, &copies, &workspace)?;
    let found = compare::pairs(&contents, &copies, &sketches, &settings.compare, progress)?;
    for pair in &found.pairs {
        each(judge::pair_record(&census, pair))?;
    }
    let mut warnings = warnings(&census, settings, &[]);
    if !found.capped.is_empty() {
        warnings.push(format!(
            "{} groups of more than {} equal texts ({} documents): each text is paired with the first of its group only; \
             texts that differ in numbers only count as equal there where most of them are alike",
            found.capped.len(),
            settings.compare.max_equal_pairs,
            found.capped.values().sum::<usize>()
        ));
    }
    Ok(told(&census, &Decisions::default(), warnings))
}

/// What was decided.
struct Decided {
    boilerplate: Boilerplate,
    decisions: Decisions,
}

fn decide(
    census: &Census,
    settings: &Settings,
    progress: &dyn Progress,
    clock: &mut Clock,
) -> Result<Decided> {
    let (boilerplate, same) = find_templates(census, settings, progress, clock)?;
    let decisions = match same {
        Some(decisions) => decisions,
        None => clock.time("compare", || keep(census, &boilerplate, settings, progress))?,
    };
    Ok(Decided { boilerplate, decisions })
}

/// Provisional templates, groups of near-duplicates without them, and the templates with each group counted once.
/// Where counting again changed no document's content, the groups are the decisions.
fn find_templates(
    census: &Census,
    settings: &Settings,
    progress: &dyn Progress,
    clock: &mut Clock,
) -> Result<(Boilerplate, Option<Decisions>)> {
    let provisional = clock.time("templates", || sites::provisional(census, &settings.templates));
    let decisions = clock.time("group", || keep(census, &provisional, settings, progress))?;
    Ok(clock.time("recount", || {
        let before = provisional.marked_paragraphs();
        let boilerplate = sites::recounted(census, provisional, &groups(&decisions), &settings.templates);
        // Counting again only ever takes paragraphs out, so equal counts are equal marks.
        let same = boilerplate.marked_paragraphs() == before || settings.compare.content == Content::All;
        (boilerplate, same.then_some(decisions))
    }))
}

fn keep(
    census: &Census,
    boilerplate: &Boilerplate,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Decisions> {
    let contents = Contents::new(census, &boilerplate.marks, &settings.compare);
    let protected =
        |document: u32| settings.protect.contains(&census.documents[document as usize].document.label);
    let order = settings.keep.sorted(contents.len(), |document| {
        let entry = &contents.entry(document).document;
        Standing {
            protected: protected(document),
            content_tokens: contents.token_count(document),
            url: entry.url.as_deref(),
            fields: &entry.keep_fields,
        }
    });
    let workspace = Workspace::temporary()?;
    let copies = Copies::of(&contents, &workspace, settings.compare.limits.memory_bytes / 4)?;
    let sketches = Sketches::of(&contents, &settings.compare, &copies, &workspace)?;
    compare::keep(&contents, &copies, &sketches, &settings.compare, &order, &protected, progress)
}

fn site_losses(boilerplate: &Boilerplate, decisions: &Decisions, guards: Guards) -> Vec<SiteLoss> {
    let loss = |site: &sites::Site| {
        let documents = site.documents.len() as u64;
        let removed = |document: &&u32| !decisions.is_kept(**document);
        let removed = site.documents.iter().filter(removed).count() as u64;
        let large = removed as f64 > guards.max_site_loss * documents as f64;
        (documents >= LOSS_MIN_DOCUMENTS && large).then(|| SiteLoss {
            site: site.name.to_string(),
            documents,
            removed,
        })
    };
    boilerplate.sites.iter().filter_map(loss).collect()
}

fn check_strict(census: &Census, losses: &[SiteLoss]) -> Result<()> {
    if let Some(first) = census.rejected.first() {
        return Err(Error::Run(format!(
            "--strict: {} records could not be read, the first one in {}; nothing was written",
            census.rejected.len(),
            said(first)
        )));
    }
    match losses.first() {
        None => Ok(()),
        Some(loss) => Err(Error::Run(format!(
            "--strict: {} sites lose too much, the first one is {}: {} of {} documents; raise --max-site-loss to allow it; \
             nothing was written",
            losses.len(),
            loss.site,
            loss.removed,
            loss.documents
        ))),
    }
}

/// How many rejected records the warnings name.
const NAMED_REJECTIONS: usize = 5;

fn warnings(census: &Census, settings: &Settings, losses: &[SiteLoss]) -> Vec<String> {
    let mut warnings = missing_fields(census, settings);
    if !census.rejected.is_empty() {
        let read = census.documents.len() + census.rejected.len();
        warnings
            .push(format!("{} of {read} records could not be read; the first ones:", census.rejected.len()));
    }
    warnings.extend(census.rejected.iter().take(NAMED_REJECTIONS).map(said));
    for loss in losses {
        warnings.push(format!(
            "{} loses {} of {} documents; look at its clusters before you trust that",
            loss.site, loss.removed, loss.documents
        ));
    }
    let labels = || census.documents.iter().map(|entry| entry.document.label.as_str());
    if !settings.protect.is_empty() {
        let known: std::collections::HashSet<&str> = labels().collect();
        let unknown = settings.protect.iter().filter(|id| !known.contains(id.as_str())).count();
        if unknown > 0 {
            warnings
                .push(format!("--protect: {unknown} of {} ids are no document's", settings.protect.len()));
        }
    }
    warnings
}

/// Fields that were named and that no document has.
fn missing_fields(census: &Census, settings: &Settings) -> Vec<String> {
    let mut named: Vec<(&str, &str, bool)> = Vec::new();
    let documents = || census.documents.iter().map(|entry| &entry.document);
    if let Some(field) = &settings.fields.within {
        named.push(("--within", field, documents().any(|document| document.within.is_some())));
    }
    if let Some(field) = &settings.fields.url {
        named.push(("--url-field", field, documents().any(|document| document.url.is_some())));
    }
    for (place, field) in settings.fields.keep.iter().enumerate() {
        named.push(("--keep", field, documents().any(|document| document.keep_fields[place].is_some())));
    }
    let missing = named.into_iter().filter(|(_, _, found)| !found && !census.documents.is_empty());
    missing.map(|(option, field, _)| format!("{option}: no record has the field {field}")).collect()
}

/// Where a rejected record stands, and why it was rejected.
fn said(rejected: &census::Rejected) -> String {
    let record = &rejected.record;
    let file = record.file.as_ref().map_or(String::new(), |file| format!("/{file}"));
    let line = record.line.map_or(String::new(), |line| format!(": line {line}"));
    format!("{}{file}{line}: {}", record.shard, record.reason)
}

fn told(census: &Census, decisions: &Decisions, warnings: Vec<String>) -> Told {
    Told { documents: accounts(census, decisions).0, warnings }
}

/// Documents and bytes by what became of them; without decisions all are kept.
fn accounts(census: &Census, decisions: &Decisions) -> (Documents, Bytes) {
    let mut documents = Documents { rejected: census.rejected.len() as u64, ..Documents::default() };
    let mut bytes = Bytes::default();
    for (number, entry) in (0..).zip(&census.documents) {
        if decisions.is_kept(number) {
            documents.kept += 1;
            bytes.kept += entry.bytes;
        } else {
            documents.removed += 1;
            bytes.removed += entry.bytes;
        }
    }
    documents.read = documents.kept + documents.removed + documents.rejected;
    bytes.rejected = census.rejected.iter().map(|rejected| rejected.record.length).sum();
    bytes.framing = census.digests.iter().map(|facts| facts.framing).sum();
    bytes.read = census.digests.iter().map(|facts| facts.digest.bytes).sum();
    (documents, bytes)
}

fn inputs_read(census: &Census) -> Vec<Input> {
    let mut documents = vec![0; census.shards.len()];
    let read = census.documents.iter().map(|entry| entry.document.id);
    for id in read.chain(census.rejected.iter().map(|rejected| rejected.id)) {
        documents[id.shard as usize] += 1;
    }
    let input = |(number, shard): (usize, &Shard)| Input {
        shard: shard.name.clone(),
        format: shard.format,
        compression: shard.parts[0].compression,
        path: path_of(shard),
        folder: shard.folder,
        files: files_of(shard),
        documents: documents[number],
        bytes: census.digests[number].digest.bytes,
        hash: hex128(census.digests[number].digest.hash),
    };
    census.shards.iter().enumerate().map(input).collect()
}

/// Where a shard lies; `None` where it is no file of the user's, as standard input is not, or its path is not UTF-8.
fn path_of(shard: &Shard) -> Option<String> {
    let part = &shard.parts[0];
    part.path.file_name().filter(|name| *name == part.name.as_str())?;
    let path = if shard.folder { part.path.parent()? } else { &part.path };
    path.to_str().map(str::to_owned)
}

fn files_of(shard: &Shard) -> Vec<InputFile> {
    if !shard.format.is_file_a_document() {
        return Vec::new();
    }
    let file = |part: &Part| InputFile { name: part.name.clone(), compression: part.compression };
    shard.parts.iter().map(file).collect()
}

fn recall(settings: &CompareSettings) -> Recall {
    let screening = sketches::screening(settings.min_similarity);
    let exact = settings.candidates == CandidateSource::Exact;
    Recall {
        candidates: if exact { "exact" } else { "signatures" }.to_owned(),
        functions: usize::from(screening.prefilter.functions),
        bands: usize::from(screening.banding.bands),
        rows: usize::from(screening.banding.rows),
        prefilter: f64::from(screening.prefilter.min_equal) / f64::from(screening.prefilter.functions),
        miss_at_threshold: if exact { 0.0 } else { screening.miss_probability(settings.min_similarity) },
        containment: settings.min_containment.map(|least| containment_recall(least, exact)),
    }
}

fn containment_recall(min_containment: f64, exact: bool) -> ContainmentRecall {
    if exact {
        return ContainmentRecall { sampled: 0, least: 0, miss_at_threshold: 0.0 };
    }
    let sampling = containing::sampling(min_containment);
    ContainmentRecall {
        sampled: usize::from(sampling.shingles),
        least: usize::from(sampling.least),
        miss_at_threshold: sampling.miss_probability(min_containment),
    }
}

/// Times the stages of a run.
#[derive(Default)]
struct Clock {
    stages: Vec<StageTime>,
}

impl Clock {
    fn time<T>(&mut self, stage: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = work();
        self.stages.push(StageTime { stage: stage.to_owned(), seconds: start.elapsed().as_secs_f64() });
        answer
    }
}

/// The largest resident set so far, where the system tells: Linux does, in kilobytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
