//! The passes, in order: the only place that chains stages and spreads work over threads.
//!
//! ```text
//! shards -> census -> templates -> groups -> templates again -> contents -> decisions -> reuse -> DIR
//!           read        per site    compare    each group once              compare
//! ```
//!
//! Every function here returns the same answer with any number of threads.

mod alike;
mod bits;
mod by_site;
mod census;
mod chunks;
mod company;
mod compare;
mod containing;
mod contents;
mod copies;
mod course;
mod explain;
mod firsts;
mod judge;
mod marks;
mod means;
mod network;
mod plan;
mod progress;
mod repeated;
mod restore;
mod reuse;
mod settings;
mod sites;
mod sketches;
mod stop;
mod strip;
mod templates;
mod variants;
mod verify_run;
mod visited;
mod write;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::corpus::{Inputs, Part, Shard};
use crate::error::{Error, Result};
use crate::findings::{PairRecord, RejectedRecord};
use crate::language::Languages;
use crate::output::{
    Bytes, ContainmentRecall, Documents, Input, InputFile, Recall, RunDir, SiteLoss, Summary, hex128,
};
use crate::resolve::{Decisions, EachRecord, Standings, groups};
use crate::store::SavedBytes;
pub use alike::AlikeSettings;
use census::Census;
use contents::Contents;
use copies::Copies;
use course::{Course, Keeping, Stored, unpacked};
pub use explain::{explain, explain_two};
use judge::Judged;
use marks::PageMarks;
pub use means::Means;
pub use plan::{CurvePoint, Interval, OutputBytes, Plan, Quarter, SampleFacts, Seconds, Similarities, plan};
pub use progress::{Progress, Silent, Unit};
use repeated::Repeated;
pub use restore::restore;
pub use reuse::ReuseSettings;
use reuse::Reused;
pub use settings::{CandidateSource, CompareLimits, CompareSettings, Content, Settings};
use sites::{Boilerplate, BoilerplateState};
use sketches::Sketches;
pub use stop::Stop;
pub use strip::Strip;
use strip::{Strips, StripsWriter};
pub use verify_run::{
    Band, Checked, Draw, DrawnPair, JudgedBand, Precision, Rerun, Sampled, Share, Sought, draw, precision,
    rerun, sample, verify,
};

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

impl Job {
    /// What it is called in the summary.
    pub fn name(self) -> &'static str {
        if self == Job::Scan { "scan" } else { "dedupe" }
    }
}

/// Where a run writes.
///
/// Where the workspace of its means outlives the process, a run that was stopped goes on when it is called again with the same
/// inputs and settings. For a command the workspace is [`RunDir::workspace`].
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// Whether an earlier run there may be replaced. An unfinished one is forgotten.
    pub force: bool,
}

/// The main job: reads `inputs` and leaves a finished run at the target.
///
/// # Errors
/// Where DIR may not be written, the input cannot be read or changes meanwhile, a disk is full, or a strict guard is hit.
pub fn run(
    inputs: &Inputs,
    settings: &Settings,
    guards: Guards,
    job: Job,
    target: Target,
    means: &Means,
    progress: &dyn Progress,
) -> Result<Summary> {
    check_inputs_stay(inputs, target)?;
    strip::check_shards(&inputs.shards, &settings.strip)?;
    let dir = RunDir::create(target.dir, target.force, &means.workspace)?;
    let mut course =
        Course::begin(means, progress, course::binding(settings, &format!("{job:?}")), &inputs.shards)?;
    if dir.is_moved() {
        return dir.finish_moved();
    }
    let course = &mut course;
    let skipped = inputs.skipped;
    let languages = Languages::new(settings.compare.seed);
    let census = census::take(&inputs.shards, settings, Some(&languages), course)?;
    let mut decided = decide(&census, settings, course)?;
    let losses = site_losses(&census, &decided.decisions, guards);
    if guards.strict {
        check_strict(&census, &losses)?;
    }
    let groups = groups(&decided.decisions);
    let templates = templates::tell(&census, &mut decided.boilerplate, &groups, course)?;
    drop(groups);
    let marks = &decided.boilerplate.marks;
    let repeated = course.stage("repeats", Repeated::given_back, |_| {
        repeated::find(&census, marks, &settings.repeats, means)
    })?;
    let is_kept = |document: u32| decided.decisions.is_kept(document);
    let reused = course.stage("reuse", Reused::given_back, |_| {
        reuse::find(&census, marks, &is_kept, &settings.reuse, means)
    })?;
    let judged = Judged {
        census: &census,
        settings,
        boilerplate: &decided.boilerplate,
        decisions: &decided.decisions,
        reused: Some(&reused),
        repeated: &repeated,
    };
    let (counts, strips) = write::records(&dir, &judged, &templates, course)?;
    let (documents, mut bytes) =
        accounts(&census, &decided.decisions, [counts.bytes_kept, counts.bytes_removed]);
    if let Job::Dedupe { with_removed } = job {
        let decisions = &decided.decisions;
        bytes.stripped = write::corpus(&dir, &census, decisions, &strips, with_removed, settings, course)?;
        bytes.kept -= bytes.stripped;
    }
    let peak_memory_bytes = peak_memory();
    let summary = Summary {
        dittograph: env!("CARGO_PKG_VERSION").to_owned(),
        unicode: crate::text::unicode_versions().to_string(),
        command: job.name().to_owned(),
        removed: job == Job::Dedupe { with_removed: true },
        documents,
        bytes,
        findings: counts.findings,
        clusters: counts.clusters,
        templates: counts.templates,
        sites: census.sites.len() as u64,
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
        stages: course.times(),
        peak_memory_bytes,
        peak_temporary_bytes: means.workspace.bytes_peak(),
        plan: means.plan_and_fact(documents, bytes, peak_memory_bytes),
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
    means: &Means,
    progress: &dyn Progress,
) -> Result<Told> {
    strip::check_shards(&inputs.shards, &settings.strip)?;
    let course = &mut Course::passing(means, progress);
    let census = census::take(&inputs.shards, settings, None, course)?;
    let decided = decide(&census, settings, course)?;
    let losses = site_losses(&census, &decided.decisions, guards);
    if guards.strict {
        check_strict(&census, &losses)?;
    }
    let strips = match settings.strip.is_empty() {
        true => Strips::none(),
        false => {
            let repeated = repeated::find(&census, &decided.boilerplate.marks, &settings.repeats, means)?;
            let judged = Judged {
                census: &census,
                settings,
                boilerplate: &decided.boilerplate,
                decisions: &decided.decisions,
                reused: None,
                repeated: &repeated,
            };
            let mut strips = StripsWriter::new(settings, means);
            judged.for_each_block(0, |first, told| strips.add(&judged, first, &told))?;
            strips.finish()?
        }
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

/// Boilerplate templates, as lines of JSON, each a [`TemplateRecord`](crate::findings::TemplateRecord): sites in order, most
/// frequent first.
pub fn templates(
    inputs: &Inputs,
    settings: &Settings,
    each: impl FnMut(&[u8]) -> Result<()>,
    means: &Means,
    progress: &dyn Progress,
) -> Result<Told> {
    let course = &mut Course::passing(means, progress);
    let census = census::take(&inputs.shards, settings, None, course)?;
    let copies = Copies::of(&census)?;
    let mut found = find_templates(&census, &copies, settings, course)?;
    let groups = groups(&found.decisions);
    templates::tell(&census, &mut found.boilerplate, &groups, course)?.for_each(each)?;
    Ok(told(&census, &Decisions::default(), warnings(&census, settings, &[])))
}

/// Near-duplicate pairs with their similarity, in document order.
pub fn pairs(
    inputs: &Inputs,
    settings: &Settings,
    mut each: impl FnMut(PairRecord) -> Result<()>,
    means: &Means,
    progress: &dyn Progress,
) -> Result<Told> {
    let course = &mut Course::passing(means, progress);
    let census = census::take(&inputs.shards, settings, None, course)?;
    let copies = Copies::of(&census)?;
    let marks = match settings.compare.content {
        Content::Article => find_templates(&census, &copies, settings, course)?.boilerplate.marks,
        Content::All => PageMarks::none(&census),
    };
    let contents = Contents::new(&census, &marks, &settings.compare);
    let compare = within(&settings.compare, means);
    let sketches = Sketches::of(&contents, &compare, &copies, &means.workspace)?;
    let found = compare::pairs(&contents, &copies, &sketches, &compare, progress)?;
    census.check()?;
    for pair in &found.pairs {
        each(judge::pair_record(&census, pair))?;
    }
    census.check()?;
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

/// Templates, and what was decided.
struct Decided {
    boilerplate: Boilerplate,
    decisions: Decisions,
    /// Whether that was decided on the contents that these templates leave.
    is_final: bool,
}

/// What is stored of decisions.
#[derive(Serialize, Deserialize)]
struct DecidedState {
    boilerplate: BoilerplateState,
    decisions: SavedBytes,
    is_final: bool,
}

impl Stored for Decided {
    type State = DecidedState;

    fn store(&self, keeping: &mut Keeping) -> Result<DecidedState> {
        let decisions = self.decisions.store(keeping)?;
        Ok(DecidedState { boilerplate: self.boilerplate.store(keeping)?, decisions, is_final: self.is_final })
    }
}

impl Decided {
    fn given_back(state: DecidedState, means: &Means) -> Result<Decided> {
        let DecidedState { boilerplate, decisions, is_final } = state;
        let decisions = unpacked(&decisions, means)?;
        Ok(Decided { boilerplate: Boilerplate::given_back(boilerplate, means)?, decisions, is_final })
    }
}

fn decide(census: &Census, settings: &Settings, course: &mut Course) -> Result<Decided> {
    course.stage("compare", Decided::given_back, |course| {
        let copies = course.stage("copies", Copies::given_back, |_| Copies::of(census))?;
        let Decided { boilerplate, decisions, is_final } = find_templates(census, &copies, settings, course)?;
        let decisions = match is_final {
            true => decisions,
            false => keep("again", census, &copies, &boilerplate.marks, settings, course)?,
        };
        Ok(Decided { boilerplate, decisions, is_final: true })
    })
}

/// Provisional templates, groups of near-duplicates without them (the decisions), and the templates with each group counted once.
fn find_templates(
    census: &Census,
    copies: &Copies,
    settings: &Settings,
    course: &mut Course,
) -> Result<Decided> {
    course.stage("recount", Decided::given_back, |course| {
        let provisional = sites::provisional(census, &settings.templates, course)?;
        let decisions = keep("group", census, copies, &provisional.marks, settings, course)?;
        let before = provisional.marks.marked_paragraphs();
        let groups = groups(&decisions);
        let boilerplate = sites::recounted(census, provisional, &groups, &settings.templates, course)?;
        // Counting again only ever takes paragraphs out, so equal counts are equal marks.
        let is_final =
            boilerplate.marks.marked_paragraphs() == before || settings.compare.content == Content::All;
        Ok(Decided { boilerplate, decisions, is_final })
    })
}

/// The settings of a comparison that takes no more memory than a stage may.
fn within(settings: &CompareSettings, means: &Means) -> CompareSettings {
    let memory_bytes = settings.limits.memory_bytes.min(means.work(1));
    CompareSettings { limits: CompareLimits { memory_bytes, ..settings.limits }, ..settings.clone() }
}

fn keep(
    stage: &str,
    census: &Census,
    copies: &Copies,
    marks: &PageMarks,
    settings: &Settings,
    course: &mut Course,
) -> Result<Decisions> {
    let means = course.means;
    let given_back = |state: SavedBytes, means: &Means| unpacked(&state, means);
    course.stage(stage, given_back, |course| {
        let contents = Contents::new(census, marks, &settings.compare);
        let compare = within(&settings.compare, means);
        let given_back = |state, means: &Means| Sketches::given_back(state, &compare, means);
        let sketches = course.stage(&format!("{stage}: sketches"), given_back, |_| {
            Sketches::of(&contents, &compare, copies, &means.workspace)
        })?;
        let order = || settings.keep.sorted(&Standing { contents: &contents });
        let protected = |document: u32| census.is_protected(document);
        let decisions = compare::keep(&contents, copies, &sketches, &compare, order, &protected, course)?;
        census.check()?;
        Ok(decisions)
    })
}

impl Stored for Decisions {
    type State = SavedBytes;

    fn store(&self, keeping: &mut Keeping) -> Result<SavedBytes> {
        keeping.packed("decisions", self)
    }
}

/// What the keep order looks at.
struct Standing<'a> {
    contents: &'a Contents<'a>,
}

impl Standings for Standing<'_> {
    fn count(&self) -> u32 {
        self.contents.len()
    }

    fn is_protected(&self, document: u32) -> bool {
        self.contents.census().is_protected(document)
    }

    fn content_tokens(&self, document: u32) -> u32 {
        self.contents.token_count(document) as u32
    }

    fn for_each_record(&self, each: &mut EachRecord) -> Result<()> {
        for head in self.contents.census().heads_from(0)? {
            let head = head?;
            each(head.url.as_deref(), &head.keep_fields);
        }
        Ok(())
    }
}

/// The sites that lose too much, in the order of their names.
fn site_losses(census: &Census, decisions: &Decisions, guards: Guards) -> Vec<SiteLoss> {
    let mut removed = vec![0_u64; census.sites.len()];
    for &(document, _) in decisions.removed() {
        removed[census.site_of(document) as usize] += 1;
    }
    let loss = |(site, removed): (&census::SiteFacts, u64)| {
        let documents = u64::from(site.documents);
        let large = removed as f64 > guards.max_site_loss * documents as f64;
        (documents >= LOSS_MIN_DOCUMENTS && large).then(|| SiteLoss {
            site: site.name.to_string(),
            documents,
            removed,
        })
    };
    let mut losses: Vec<SiteLoss> = census.sites.iter().zip(removed).filter_map(loss).collect();
    losses.sort_by(|a, b| a.site.cmp(&b.site));
    losses
}

fn check_strict(census: &Census, losses: &[SiteLoss]) -> Result<()> {
    if let Some(first) = census.rejected.first.first() {
        return Err(Error::Run(format!(
            "--strict: {} records could not be read, the first one in {}; nothing was written",
            census.rejected.count,
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

fn warnings(census: &Census, settings: &Settings, losses: &[SiteLoss]) -> Vec<String> {
    let mut warnings = missing_fields(census, settings);
    let rejected = &census.rejected;
    if rejected.count > 0 {
        let read = u64::from(census.len()) + rejected.count;
        warnings.push(format!("{} of {read} records could not be read; the first ones:", rejected.count));
    }
    warnings.extend(rejected.first.iter().map(said));
    for loss in losses {
        warnings.push(format!(
            "{} loses {} of {} documents; look at its clusters before you trust that",
            loss.site, loss.removed, loss.documents
        ));
    }
    if census.seen.unknown_protected > 0 {
        let (unknown, all) = (census.seen.unknown_protected, settings.protect.len());
        warnings.push(format!("--protect: {unknown} of {all} ids are no document's"));
    }
    warnings
}

/// Fields that were named and that no document has.
fn missing_fields(census: &Census, settings: &Settings) -> Vec<String> {
    let mut named: Vec<(&str, &str, bool)> = Vec::new();
    if let Some(field) = &settings.fields.within {
        named.push(("--within", field, census.seen.within));
    }
    if let Some(field) = &settings.fields.url {
        named.push(("--url-field", field, census.seen.url));
    }
    for (field, &seen) in settings.fields.keep.iter().zip(&census.seen.keep) {
        named.push(("--keep", field, seen));
    }
    let missing = named.into_iter().filter(|(_, _, found)| !found && census.len() > 0);
    missing.map(|(option, field, _)| format!("{option}: no record has the field {field}")).collect()
}

/// Where a rejected record stands, and why it was rejected.
fn said(record: &RejectedRecord) -> String {
    let file = record.file.as_ref().map_or(String::new(), |file| format!("/{file}"));
    let line = record.line.map_or(String::new(), |line| format!(": line {line}"));
    format!("{}{file}{line}: {}", record.shard, record.reason)
}

fn told(census: &Census, decisions: &Decisions, warnings: Vec<String>) -> Told {
    Told { documents: accounts(census, decisions, [0, 0]).0, warnings }
}

/// Documents and bytes by what became of them; without decisions all are kept.
fn accounts(census: &Census, decisions: &Decisions, [kept, removed_bytes]: [u64; 2]) -> (Documents, Bytes) {
    let removed = decisions.removed().len() as u64;
    let read = u64::from(census.len()) + census.rejected.count;
    let documents =
        Documents { read, removed, rejected: census.rejected.count, kept: u64::from(census.len()) - removed };
    let mut bytes =
        Bytes { kept, removed: removed_bytes, rejected: census.rejected.bytes, ..Bytes::default() };
    bytes.framing = census.facts.iter().map(|facts| facts.framing).sum();
    bytes.read = census.facts.iter().map(|facts| facts.digest.bytes).sum();
    (documents, bytes)
}

fn inputs_read(census: &Census) -> Vec<Input> {
    let input = |(facts, shard): (&census::ShardFacts, &Shard)| Input {
        shard: shard.name.clone(),
        format: shard.format,
        compression: shard.parts[0].compression,
        path: path_of(shard),
        folder: shard.folder,
        files: files_of(shard),
        documents: facts.records,
        bytes: facts.digest.bytes,
        hash: hex128(facts.digest.hash),
    };
    census.facts.iter().zip(&census.shards).map(input).collect()
}

/// Where a shard lies; `None` where it is no file of the user's, as standard input is not, or its path is not UTF-8.
fn path_of(shard: &Shard) -> Option<String> {
    let part = &shard.parts[0];
    if part.is_standard_input() {
        return None;
    }
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

/// The largest resident set so far, where the system tells: Linux does, in kilobytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
