//! Does the same input give the same bytes once more?
//!
//! A finished run and its INPUT in; the run made again with the settings that its summary tells, in a temporary folder, and
//! what differs out: `findings/`, `clusters.jsonl`, `templates.jsonl`, `rejected.jsonl` and, of `dedupe`, `corpus/`, byte for
//! byte. What the summary does not tell, nobody can know: the ids of `--protect` must be given again; settings that the
//! command line does not have are taken to be the defaults.
//!
//! Time: that of the run. Disk: its answers once more, without `removed/`, and what the run itself puts there.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;

use super::faults::Faults;
use super::sample::check_protected;
use super::{fields_of, keep_order};
use crate::corpus::{Compression, Fields, Inputs, ReadSettings, SiteBy, reader};
use crate::error::{Error, Result};
use crate::output::{FileFacts, FinishedRun, Input, InputFile, Summary};
use crate::pipeline::means::Means;
use crate::pipeline::progress::{Progress, Unit};
use crate::pipeline::settings::{CandidateSource, CompareSettings, Content, Settings};
use crate::pipeline::strip::Strip;
use crate::pipeline::{Guards, Job, Target, run};
use crate::text::ParagraphBreaks;

/// What a second run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rerun {
    /// Files that are the same, byte for byte.
    pub files: u64,
    /// What differs, first differing line and all; empty where nothing does.
    pub faults: Vec<String>,
    /// Faults that are not named.
    pub more_faults: u64,
}

/// Runs again what left `dir`, on `inputs`, and compares. `protect` are the ids that it protected.
///
/// # Errors
/// Where DIR is no finished run, where its settings are not all known, where `inputs` are not what it read, and all errors
/// of a run.
pub fn rerun(
    dir: &Path,
    inputs: &Inputs,
    protect: &HashSet<String>,
    means: &Means,
    progress: &dyn Progress,
) -> Result<Rerun> {
    let earlier = FinishedRun::open(dir)?;
    let settings = settings_of(&earlier, protect)?;
    check_shards(&earlier.summary, inputs)?;
    let again = tempfile::Builder::new()
        .prefix("again-")
        .tempdir_in(means.workspace.folder())
        .map_err(Error::io(means.workspace.folder()))?;
    let target = again.path().join("run");
    let job = match earlier.summary.command.as_str() {
        "scan" => Job::Scan,
        _ => Job::Dedupe { with_removed: false },
    };
    let guards = Guards { max_site_loss: 1.0, strict: false };
    let summary =
        run(inputs, &settings, guards, job, Target { dir: &target, force: false }, means, progress)?;
    check_inputs(&earlier.summary.inputs, &summary.inputs)?;
    compare(&earlier, &target, &summary, progress)
}

/// The settings of a run, from its summary.
///
/// # Errors
/// Where one of them is not known here: it is named.
fn settings_of(earlier: &FinishedRun, protect: &HashSet<String>) -> Result<Settings> {
    let summary = &earlier.summary;
    let told = &summary.settings;
    let (version, unicode) = (env!("CARGO_PKG_VERSION"), crate::text::unicode_versions().to_string());
    if (summary.dittograph.as_str(), &summary.unicode) != (version, &unicode) {
        return Err(Error::Run(format!(
            "the run was made by dittograph {} with Unicode {}; this is {version} with {unicode}, which may lawfully decide \
             otherwise; run it again with that one",
            summary.dittograph, summary.unicode
        )));
    }
    check_protected(earlier, protect)?;
    let unknown = |setting: &str, value: &str| {
        Error::Run(format!("summary.json: settings: {setting}: {value:?} is not known to this version"))
    };
    let content = match told.content.as_str() {
        "article" => Content::Article,
        "all" => Content::All,
        other => return Err(unknown("content", other)),
    };
    let site_by = [SiteBy::Host, SiteBy::Domain].into_iter().find(|by| by.name() == told.site);
    let breaks = [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line];
    let breaks = breaks.into_iter().find(|breaks| breaks.name() == told.paragraphs);
    let mut strip = BTreeSet::new();
    for name in &told.strip {
        let known = Strip::ALL.into_iter().find(|strip| strip.name() == name);
        strip.insert(known.ok_or_else(|| unknown("strip", name))?);
    }
    let keep = keep_order(told)?;
    let settings = Settings {
        read: ReadSettings { max_record: told.max_record, ..ReadSettings::default() },
        fields: Fields { keep: keep.fields(), ..fields_of(told) },
        site_by: site_by.ok_or_else(|| unknown("site", &told.site))?,
        paragraphs: breaks.ok_or_else(|| unknown("paragraphs", &told.paragraphs))?,
        compare: CompareSettings {
            min_similarity: told.min_similarity,
            min_containment: told.min_containment,
            shingle_tokens: told.shingle,
            content,
            candidates: if told.exact { CandidateSource::Exact } else { CandidateSource::Signatures },
            seed: told.seed,
            ..CompareSettings::default()
        },
        keep,
        protect: protect.clone(),
        strip,
        ..Settings::default()
    };
    // Whatever the summary tells, it tells again of these settings, or something of it was lost on the way.
    match settings.record() == *told {
        true => Ok(settings),
        false => Err(Error::Run(format!(
            "summary.json: settings: {told:?} cannot be made again: these would be {:?}",
            settings.record()
        ))),
    }
}

/// Whether the shards are called as they were.
fn check_shards(summary: &Summary, inputs: &Inputs) -> Result<()> {
    let then: Vec<&str> = summary.inputs.iter().map(|input| input.shard.as_str()).collect();
    let now: Vec<&str> = inputs.shards.iter().map(|shard| shard.name.as_str()).collect();
    let mut pairs = then.iter().zip(&now);
    let way_out = "name the same INPUT in the same order";
    if let Some((then, now)) = pairs.find(|(then, now)| then != now) {
        return Err(Error::Run(format!("--rerun: the run read {then} where {now} is read now; {way_out}")));
    }
    match then.len() == now.len() {
        true => Ok(()),
        false => Err(Error::Run(format!(
            "--rerun: the run read {} shards, and these are {}; {way_out}",
            then.len(),
            now.len()
        ))),
    }
}

/// Whether what was read now is what was read then.
fn check_inputs(then: &[Input], now: &[Input]) -> Result<()> {
    let facts = |input: &Input| {
        let files: Vec<InputFile> = input.files.clone();
        (input.format, input.bytes, input.hash.clone(), files, input.documents)
    };
    match then.iter().zip(now).find(|(then, now)| facts(then) != facts(now)) {
        None => Ok(()),
        Some((then, now)) => Err(Error::Run(format!(
            "--rerun: {}: is not what the run read ({} bytes in {} records as {}, now {} in {} as {})",
            then.shard,
            then.bytes,
            then.documents,
            then.format.name(),
            now.bytes,
            now.documents,
            now.format.name()
        ))),
    }
}

/// Compares all that two runs wrote, but for times and what was removed.
fn compare(earlier: &FinishedRun, again: &Path, summary: &Summary, progress: &dyn Progress) -> Result<Rerun> {
    let mut faults = Faults::default();
    let (documents, bytes) = (earlier.summary.documents, earlier.summary.bytes);
    if documents != summary.documents {
        faults
            .add(format!("summary.json: documents: {documents:?}, in a second run {:?}", summary.documents));
    }
    if bytes != summary.bytes {
        faults.add(format!("summary.json: bytes: {bytes:?}, in a second run {:?}", summary.bytes));
    }
    let [then, now] = [compared(&earlier.summary), compared(summary)];
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let files: Vec<&String> = names.into_iter().collect();
    progress.begin("comparing files", Unit::Documents, Some(files.len() as u64));
    let mut same = 0;
    for name in files {
        let paths = [earlier.dir.join(name), again.join(name)];
        let facts = |path: &Path| path.is_file().then(|| FileFacts::of(path, name.clone())).transpose();
        match [facts(&paths[0])?, facts(&paths[1])?] {
            [Some(then), Some(now)] if then == now => same += 1,
            [None, None] => {}
            [Some(_), Some(_)] => {
                let packed = [then.get(name), now.get(name)]
                    .map(|packed| packed.copied().unwrap_or(Compression::None));
                faults.add(difference(name, [&paths[0], &paths[1]], packed)?);
            }
            [Some(_), None] => faults.add(format!("{name}: a second run does not write it")),
            [None, Some(_)] => faults.add(format!("{name}: missing; a second run writes it")),
        }
        progress.advance(1);
    }
    Ok(Rerun { files: same, faults: faults.named, more_faults: faults.more })
}

/// The files of a run that are compared, and how each is packed.
fn compared(summary: &Summary) -> BTreeMap<String, Compression> {
    let mut files = BTreeMap::new();
    for name in ["clusters.jsonl", "templates.jsonl", "rejected.jsonl"] {
        files.insert(name.to_owned(), Compression::None);
    }
    for input in &summary.inputs {
        let (name, packed) = crate::pipeline::write::findings_file(&input.shard, input.packed());
        files.insert(name, packed);
        if summary.command == "scan" {
            continue;
        }
        let of_folder = input.files.iter().map(|file| (input.path_of(file), file.compression));
        let own = input.files.is_empty().then(|| (input.shard.clone(), input.compression));
        files.extend(of_folder.chain(own).map(|(name, packed)| (format!("corpus/{name}"), packed)));
    }
    files
}

/// Where two files that differ do so first, in their lines once they are unpacked.
fn difference(name: &str, paths: [&Path; 2], packed: [Compression; 2]) -> Result<String> {
    let open = |number: usize| Ok(BufReader::new(reader(paths[number], packed[number])?));
    let [mut then, mut now] = [open(0)?, open(1)?];
    let mut line = 0_u64;
    loop {
        line += 1;
        let [one, other] = [next_line(&mut then, paths[0])?, next_line(&mut now, paths[1])?];
        if one != other {
            let cut = |line: Option<Vec<u8>>| match line {
                None => "no more lines".to_owned(),
                Some(line) => {
                    let shown: String = String::from_utf8_lossy(&line).chars().take(SHOWN).collect();
                    format!("{:?}", shown.trim_end())
                }
            };
            return Ok(format!("{name}: line {line}: {}, in a second run {}", cut(one), cut(other)));
        }
        if one.is_none() {
            return Ok(format!("{name}: the same lines, packed otherwise"));
        }
    }
}

/// So many characters of a differing line are shown.
const SHOWN: usize = 200;

/// So much of a line is compared at once; a longer one goes on as another.
const LONGEST: u64 = 1 << 20;

fn next_line(file: &mut impl BufRead, path: &Path) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    file.take(LONGEST).read_until(b'\n', &mut line).map_err(Error::io(path))?;
    Ok((!line.is_empty()).then_some(line))
}
