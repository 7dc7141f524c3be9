//! What will a run find, and what will it take?
//!
//! Inputs, settings and a budget in, a [`Plan`] out, in seconds: a sample of the corpus goes through all passes in a
//! temporary folder, with as much of the memory as it is of the corpus, so that what will wait on disk waits there, too;
//! half of it does before, to tell what each run takes from what each document takes. What was measured is then scaled.
//! A corpus that is as small as a sample is run itself: then documents, sites and duplicates are exact.
//!
//! How each figure is scaled:
//! - bytes are known (of packed files nearly), documents by the bytes of a sampled one;
//! - duplicates: those of one stretch grow with the corpus; those of documents far apart are seen only where both are drawn,
//!   so the sizes of the clusters that they belong to are told from how often clusters stand in several stretches
//!   ([`Classes`]). Sites likewise;
//! - memory, temporary disk and the seconds of each stage along a line through both measurements ([`Growth`]).
//!
//! Harmless: a figure that is somewhat off; no run looks at it. What a sample cannot know: rare large clusters that none of
//! its stretches meets, what of packed files is out of reach, caps that the sample does not come to.

mod classes;
mod scaling;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::chunks::{Place, Read, for_each_chunk};
use super::course::CHECKPOINTS;
use super::means::Means;
use super::progress::Progress;
use super::settings::{CandidateSource, Settings};
use super::stop::Stop;
use super::{Guards, Job, Target, sketches};
use crate::corpus::{
    Chunk, Compression, Estimate, Inputs, PieceKind, SampleSettings, Shard, Skipped, estimate, parse, sample,
    site_of,
};
use crate::error::Result;
use crate::findings::{ClusterRecord, Kind};
use crate::output::{Recall, RunDir, StageTime, Summary, folder_bytes, read_records};
use crate::store::{Budget, Workspace};
use classes::Classes;
use scaling::Growth;

/// What is expected of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The program's version.
    pub dittograph: String,
    /// What it rests on.
    pub sample: SampleFacts,
    /// Records, those that cannot be read among them.
    pub documents: u64,
    /// Records that cannot be read.
    pub rejected: u64,
    /// Decompressed bytes.
    pub bytes: u64,
    /// Different sites.
    pub sites: u64,
    /// Documents to be removed.
    pub removed: Interval,
    /// How pairs are sought, and what that misses at the threshold.
    pub recall: Recall,
    /// The probability that a lone pair is found, by its similarity: the S-curve and the prefilter.
    pub curve: Vec<CurvePoint>,
    /// How alike the duplicates are, and what of them is missed.
    pub similarities: Similarities,
    /// What `--memory` allows.
    pub memory_bytes: u64,
    /// The largest resident set; absent where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// The most that temporary files take at once.
    pub peak_temporary_bytes: u64,
    /// What DIR takes.
    pub output_bytes: OutputBytes,
    /// Wall time.
    pub seconds: Seconds,
    /// Wall time of each stage of `dedupe`; what is not among them is reckoned to the whole.
    pub stages: Vec<StageTime>,
    /// With so many threads.
    pub threads: usize,
}

/// What a plan rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleFacts {
    /// The whole corpus was run.
    pub whole: bool,
    /// Records.
    pub documents: u64,
    /// Decompressed bytes.
    pub bytes: u64,
    /// Its share of all bytes.
    pub share: f64,
    /// In so many stretches of neighbours.
    pub stretches: u64,
    /// So many of its documents would be removed, were it all there is.
    pub removed: u64,
    /// How long the plan took.
    pub seconds: f64,
}

/// A number and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The number.
    pub expected: u64,
    /// Two standard errors below, from leaving out an eighth of the stretches at a time; chance alone, not what the method
    /// cannot know.
    pub low: u64,
    /// Two above.
    pub high: u64,
}

/// A point of the recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Jaccard similarity.
    pub similarity: f64,
    /// The probability that the pair is found, at least.
    pub found: f64,
}

/// How alike the sample's duplicates and their witnesses are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Similarities {
    /// Equal token sequences, which no signature can miss.
    pub exact: u64,
    /// Removed by containment.
    pub contained: u64,
    /// The others, by quarters of the way from the threshold to 1.
    pub quarters: Vec<Quarter>,
    /// The share of those others, as alike as these are, that is missed where each is a lone pair.
    pub missed: f64,
}

/// Duplicates of about one similarity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quarter {
    /// Similarity, from.
    pub from: f64,
    /// And up to, which belongs to the next quarter.
    pub to: f64,
    /// So many in the sample.
    pub duplicates: u64,
    /// The probability that a lone pair at `from` is found.
    pub found: f64,
}

/// What DIR takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputBytes {
    /// `corpus/`; nothing for a scan.
    pub corpus: u64,
    /// `removed/`; nothing for a scan.
    pub removed: u64,
    /// Findings, clusters, templates, rejected records.
    pub records: u64,
}

/// Wall time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Of `scan`.
    pub scan: f64,
    /// Of `dedupe`.
    pub dedupe: f64,
}

/// The least that is sampled: on two cores some nine seconds for both runs. Below half of it memory does not grow along a line
/// yet (the vocabulary waits for two million tokens).
const SAMPLE_BYTES: u64 = 64 << 20;

/// Pairs are seen with the square of the share that is drawn; so that as many are seen in a larger corpus, the sample grows
/// with the root of its size: to 66 MB of 736, to 270 MB of 12 GB.
const SAMPLE_ROOT: f64 = 6e6;

/// A megabyte each, at least. More would be more even, fewer would keep more neighbours together.
const STRETCHES: u32 = 64;

/// Of these, every second is in the smaller part.
const SMALLER: u32 = 2;

/// The stretches are left out in so many groups.
const GROUPS: u32 = 8;

/// Plans a run of `dedupe` over `inputs` with `budget`. What it writes goes to `folder`, and stays there.
///
/// # Errors
/// Those of a run; wrong usage where the budget is too small for the corpus.
pub fn plan(
    inputs: &Inputs,
    settings: &Settings,
    budget: Budget,
    folder: &Path,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Plan> {
    let expected = estimate(&inputs.shards)?;
    let bytes = SAMPLE_BYTES.max((expected.bytes as f64 * SAMPLE_ROOT).sqrt() as u64);
    plan_from(inputs, settings, budget, bytes, folder, stop, progress)
}

/// The same from a sample of so many bytes.
fn plan_from(
    inputs: &Inputs,
    settings: &Settings,
    budget: Budget,
    sample_bytes: u64,
    folder: &Path,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<Plan> {
    let start = Instant::now();
    let expected = estimate(&inputs.shards)?;
    // Refuses what a run would refuse.
    drop(Means::new(Workspace::create(folder.join("means"))?, budget, &expected)?);
    let drawn = sample(
        &inputs.shards,
        &expected,
        &SampleSettings {
            bytes: sample_bytes,
            stretches: STRETCHES,
            seed: settings.compare.seed,
            max_record: settings.read.max_record,
        },
        &folder.join("sample"),
    )?;
    let trial = Trial { settings, budget, expected, folder, stop, progress };
    let small = match drawn.whole {
        true => None,
        false => {
            let fewer = drawn.shards.iter().filter(|(stretch, _)| stretch % SMALLER == 0);
            let fewer: Vec<Shard> = fewer.map(|(_, shard)| shard.clone()).collect();
            if fewer.is_empty() { None } else { Some(trial.run("small", fewer)?) }
        }
    };
    let shards = drawn.shards.iter().map(|(_, shard)| shard.clone()).collect();
    let large = match drawn.whole {
        true => trial.run_whole(shards)?,
        false => trial.run("large", shards)?,
    };
    let seen = match drawn.whole {
        true => Seen::default(),
        false => Seen::of(&drawn.shards, settings, &large)?,
    };
    let clusters = Clusters::read(&large, settings)?;
    let mut plan = Scaling { trial: &trial, whole: drawn.whole, small, large, seen, clusters }.plan()?;
    plan.sample.seconds = start.elapsed().as_secs_f64();
    Ok(plan)
}

/// How the sample is run.
struct Trial<'a> {
    settings: &'a Settings,
    budget: Budget,
    expected: Estimate,
    folder: &'a Path,
    stop: &'a Stop,
    progress: &'a dyn Progress,
}

/// A run of a part.
struct Measured {
    dir: std::path::PathBuf,
    summary: Summary,
    seconds: f64,
}

impl Trial<'_> {
    fn run(&self, name: &str, shards: Vec<Shard>) -> Result<Measured> {
        let part = estimate(&shards)?;
        let share = part.bytes as f64 / self.expected.bytes.max(1) as f64;
        // What a run has at least is not to be shared.
        let budget = Budget::new((self.budget.bytes() as f64 * share) as u64 + LEAST_BUDGET);
        // States of the whole will be saved at the end of every stage of some seconds; so are those of a part.
        self.measure(name, shards, budget.min(self.budget), &part, Duration::from_millis(1))
    }

    fn run_whole(&self, shards: Vec<Shard>) -> Result<Measured> {
        self.measure("whole", shards, self.budget, &self.expected, CHECKPOINTS)
    }

    fn measure(
        &self,
        name: &str,
        shards: Vec<Shard>,
        budget: Budget,
        part: &Estimate,
        checkpoints: Duration,
    ) -> Result<Measured> {
        let dir = self.folder.join(name);
        let mut means = Means::new(RunDir::workspace(&dir, None)?, budget, part)?;
        (means.checkpoints, means.stop) = (checkpoints, self.stop.clone());
        let inputs = Inputs { shards, skipped: Skipped::default() };
        let target = Target { dir: &dir, force: false };
        let job = Job::Dedupe { with_removed: true };
        let start = Instant::now();
        let summary =
            super::run(&inputs, self.settings, Guards::default(), job, target, &means, self.progress)?;
        Ok(Measured { dir, summary, seconds: start.elapsed().as_secs_f64() })
    }
}

/// What a stage works with at least, and what of it rounding takes.
const LEAST_BUDGET: u64 = (1 << 20) + (1 << 16);

/// In which stretches things stand.
#[derive(Default)]
struct Seen {
    /// Of each cluster, a document without duplicates among them, its stretches, a bit each.
    clusters: Vec<u64>,
    /// Documents beyond the first of a cluster in a stretch, by stretch.
    near: BTreeMap<u32, u64>,
    /// Of each site its stretches, a bit each.
    sites: Vec<u64>,
    /// Stretches with a document in them, a bit each.
    stretches: u64,
}

impl Seen {
    fn of(shards: &[(u32, Shard)], settings: &Settings, large: &Measured) -> Result<Seen> {
        let mut seen = Seen::default();
        seen.look_at_sites(shards, settings)?;
        seen.look_at_clusters(shards, large)?;
        Ok(seen)
    }

    fn look_at_sites(&mut self, shards: &[(u32, Shard)], settings: &Settings) -> Result<()> {
        let only: Vec<Shard> = shards.iter().map(|(_, shard)| shard.clone()).collect();
        let mut sites: BTreeMap<u64, u64> = BTreeMap::new();
        for_each_chunk(
            &only,
            Place::default(),
            &settings.read,
            |number, chunk: Chunk| {
                let records = chunk.pieces.iter().filter(|piece| piece.kind == PieceKind::Record);
                let sites = records.filter_map(|piece| site(&only[number], chunk.bytes_of(piece), settings));
                sites.collect::<HashSet<u64>>()
            },
            |number, read| {
                let Read::Chunk(found) = read else { return Ok(()) };
                let stretch = 1 << shards[number].0;
                self.stretches |= stretch;
                found.into_iter().for_each(|site| *sites.entry(site).or_default() |= stretch);
                Ok(())
            },
        )?;
        self.sites = sites.into_values().collect();
        Ok(())
    }

    fn look_at_clusters(&mut self, shards: &[(u32, Shard)], large: &Measured) -> Result<()> {
        let stretches: BTreeMap<&str, u32> =
            shards.iter().map(|(stretch, shard)| (shard.name.as_str(), *stretch)).collect();
        read_records(&large.dir.join("clusters.jsonl"), Compression::None, |_, cluster: ClusterRecord| {
            let members = cluster.members.iter().map(|member| &member.document);
            let mut met = 0;
            for document in std::iter::once(&cluster.kept).chain(members) {
                let stretch = stretches.get(document.shard.as_str()).copied().unwrap_or_default();
                if met & 1 << stretch != 0 {
                    *self.near.entry(stretch).or_default() += 1;
                }
                met |= 1 << stretch;
            }
            self.clusters.push(met);
            Ok(())
        })?;
        // Documents without duplicates: by stretch, from what each held.
        let mut alone: BTreeMap<u32, u64> = BTreeMap::new();
        for (input, (stretch, _)) in large.summary.inputs.iter().zip(shards) {
            *alone.entry(*stretch).or_default() += input.documents;
        }
        let mut taken: BTreeMap<u32, u64> = self.near.clone();
        for cluster in &self.clusters {
            (0..u64::BITS)
                .filter(|stretch| cluster >> stretch & 1 == 1)
                .for_each(|stretch| *taken.entry(stretch).or_default() += 1);
        }
        for (stretch, documents) in alone {
            let taken = taken.get(&stretch).copied().unwrap_or_default();
            self.clusters.extend(std::iter::repeat_n(1 << stretch, documents.saturating_sub(taken) as usize));
        }
        Ok(())
    }

    /// Documents that are removed from the whole, of which the stretches in `drawn` are `share`.
    fn removed(&self, drawn: u64, share: f64) -> f64 {
        let near: u64 =
            self.near.iter().filter(|(stretch, _)| drawn >> *stretch & 1 == 1).map(|(_, near)| near).sum();
        near as f64 / share + self.classes(&self.clusters, drawn, share).repeats()
    }

    fn classes(&self, classes: &[u64], drawn: u64, share: f64) -> Classes {
        let mut seen = vec![0; drawn.count_ones() as usize];
        for class in classes {
            if let Some(stretches) = (class & drawn).count_ones().checked_sub(1) {
                seen[stretches as usize] += 1;
            }
        }
        let count = drawn.count_ones();
        Classes::of(&seen, u64::from(count), ((f64::from(count) / share).round() as u64).max(count.into()))
    }
}

/// The hash of a record's site.
fn site(shard: &Shard, bytes: &[u8], settings: &Settings) -> Option<u64> {
    let record = parse(shard.format, bytes, &settings.fields).ok()?;
    let of_url = || record.url.as_deref().and_then(|url| site_of(url, settings.site_by));
    let site = record.site.clone().or_else(of_url);
    Some(xxh3_64(site.as_deref().unwrap_or(shard.default_site()).as_bytes()))
}

/// What the records of a part say of its duplicates.
struct Clusters {
    similarities: Similarities,
    findings: FindingBytes,
}

/// Bytes of findings, unpacked.
#[derive(Default)]
struct FindingBytes {
    all: u64,
    /// Of `duplicate`.
    duplicates: u64,
    /// Of kinds that only kept documents have.
    kept: u64,
}

impl Clusters {
    fn read(large: &Measured, settings: &Settings) -> Result<Clusters> {
        let least = settings.compare.min_similarity;
        let screening = sketches::screening(least);
        let exact = settings.compare.candidates == CandidateSource::Exact;
        let miss = |s: f64| if exact { 0.0 } else { screening.miss_probability(s) };
        let quarter = (1.0 - least) / 4.0;
        let quarters = (0..4).map(|number| {
            let from = least + f64::from(number) * quarter;
            Quarter { from, to: from + quarter, duplicates: 0, found: 1.0 - miss(from) }
        });
        let mut found = Similarities { quarters: quarters.collect(), ..Similarities::default() };
        let (mut there, mut missed) = (0.0, 0.0);
        read_records(&large.dir.join("clusters.jsonl"), Compression::None, |_, cluster: ClusterRecord| {
            for member in cluster.members {
                if member.exact {
                    found.exact += 1;
                } else if member.jaccard < least {
                    found.contained += 1;
                } else {
                    let number =
                        if quarter > 0.0 { ((member.jaccard - least) / quarter) as usize } else { 0 };
                    found.quarters[number.min(3)].duplicates += 1;
                    // As many stand for one that was found as there are to one that is.
                    let miss = miss(member.jaccard).min(0.5);
                    there += 1.0 / (1.0 - miss);
                    missed += miss / (1.0 - miss);
                }
            }
            Ok(())
        })?;
        found.missed = if there > 0.0 { missed / there } else { 0.0 };
        let mut findings = FindingBytes::default();
        for input in &large.summary.inputs {
            let suffix = if input.packed() { ".jsonl.zst" } else { ".jsonl" };
            let packing = if input.packed() { Compression::Zstd } else { Compression::None };
            let path = large.dir.join("findings").join(format!("{}{suffix}", input.shard));
            read_records(&path, packing, |_, line: Box<RawValue>| {
                let line = line.get();
                let bytes = line.len() as u64 + 1;
                let of = |kind: Kind| line.starts_with(&format!("{{\"finding\":\"{}\"", kind.name()));
                findings.all += bytes;
                if of(Kind::Duplicate) {
                    findings.duplicates += bytes;
                } else if of(Kind::Reused) || of(Kind::SharedLead) {
                    findings.kept += bytes;
                }
                Ok(())
            })?;
        }
        Ok(Clusters { similarities: found, findings })
    }
}

/// From what was measured to what is expected.
struct Scaling<'a> {
    trial: &'a Trial<'a>,
    whole: bool,
    small: Option<Measured>,
    large: Measured,
    seen: Seen,
    clusters: Clusters,
}

impl Scaling<'_> {
    fn plan(self) -> Result<Plan> {
        let Summary { documents, bytes, sites, recall, .. } = &self.large.summary;
        let share = self.share();
        let scaled = |part: u64| (part as f64 / share).round() as u64;
        let removed = self.removed();
        let stages = self.stages(removed.expected);
        let all = self.along_a_line(|run| run.seconds);
        let of_stages = |run: &Measured| run.summary.stages.iter().map(|stage| stage.seconds).sum::<f64>();
        let rest = all - self.along_a_line(of_stages);
        let dedupe = rest.max(0.0) + stages.iter().map(|stage| stage.seconds).sum::<f64>();
        let write: f64 =
            stages.iter().filter(|stage| stage.stage == "write").map(|stage| stage.seconds).sum();
        let peak_memory = |run: &Measured| run.summary.peak_memory_bytes.unwrap_or_default() as f64;
        let budget = self.trial.budget.bytes();
        let peak = (self.along_a_line(peak_memory) as u64).min(budget.saturating_add(BEYOND_BUDGET));
        Ok(Plan {
            dittograph: env!("CARGO_PKG_VERSION").to_owned(),
            sample: SampleFacts {
                whole: self.whole,
                documents: documents.read,
                bytes: bytes.read,
                share,
                stretches: match self.whole {
                    true => 1,
                    false => u64::from(self.seen.stretches.count_ones()),
                },
                removed: documents.removed,
                seconds: 0.0,
            },
            documents: scaled(documents.read),
            rejected: scaled(documents.rejected),
            bytes: scaled(bytes.read),
            sites: match self.whole {
                true => *sites,
                false => {
                    let classes = self.seen.classes(&self.seen.sites, self.seen.stretches, share);
                    classes.count().round() as u64
                }
            },
            removed,
            recall: recall.clone(),
            curve: curve(self.trial.settings),
            similarities: self.clusters.similarities.clone(),
            memory_bytes: budget,
            peak_memory_bytes: self.large.summary.peak_memory_bytes.map(|_| peak),
            peak_temporary_bytes: self.along_a_line(|run| run.summary.peak_temporary_bytes as f64) as u64,
            output_bytes: self.output_bytes(removed.expected)?,
            seconds: Seconds { scan: dedupe - write, dedupe },
            stages,
            threads: rayon::current_num_threads(),
        })
    }

    /// How much of the corpus the sample is.
    fn share(&self) -> f64 {
        let read = self.large.summary.bytes.read;
        match self.whole || read == 0 {
            true => 1.0,
            false => (read as f64 / self.trial.expected.bytes as f64).min(1.0),
        }
    }

    fn removed(&self) -> Interval {
        if self.whole {
            let removed = self.large.summary.documents.removed;
            return Interval { expected: removed, low: removed, high: removed };
        }
        let (share, drawn) = (self.share(), self.seen.stretches);
        let expected = self.seen.removed(drawn, share);
        let left_out = |group: u32| {
            let stretches = (0..STRETCHES).filter(|stretch| stretch % GROUPS == group);
            let drawn = stretches.fold(drawn, |drawn, stretch| drawn & !(1 << stretch));
            let part = f64::from(drawn.count_ones()) / f64::from(self.seen.stretches.count_ones().max(1));
            self.seen.removed(drawn, share * part)
        };
        let others: Vec<f64> = (0..GROUPS).map(left_out).collect();
        let error = 2.0 * standard_error(&others);
        let [expected, low, high] = [expected, (expected - error).max(0.0), expected + error]
            .map(|removed| removed.round().min(self.large.summary.documents.read as f64 / share) as u64);
        Interval { expected, low, high }
    }

    /// The seconds of each stage, with so many documents removed.
    fn stages(&self, removed: u64) -> Vec<StageTime> {
        let company = self.company(removed);
        let stage = |stage: &StageTime| {
            let seconds = self.along_a_line(|run| seconds_of(run, &stage.stage));
            let factor = if COMPARING.contains(&stage.stage.as_str()) { company } else { 1.0 };
            StageTime { stage: stage.stage.clone(), seconds: seconds * factor }
        };
        self.large.summary.stages.iter().map(stage).collect()
    }

    /// How much longer a document is compared in the whole than in the sample, where it has less company.
    fn company(&self, removed: u64) -> f64 {
        let documents = self.large.summary.documents;
        let Similarities { exact, contained, quarters, .. } = &self.clusters.similarities;
        let near = contained + quarters.iter().map(|quarter| quarter.duplicates).sum::<u64>();
        let near_share = near as f64 / (exact + near).max(1) as f64;
        let weight = |removed: f64, of: f64| 1.0 + NEAR_DUPLICATE_WEIGHT * near_share * removed / of.max(1.0);
        let read = documents.read as f64;
        weight(removed as f64, read / self.share()) / weight(documents.removed as f64, read)
    }

    /// What the whole takes of something that both runs took.
    fn along_a_line(&self, took: impl Fn(&Measured) -> f64) -> f64 {
        let point = |run: &Measured| (run.summary.bytes.read as f64, took(run));
        let large = point(&self.large);
        let small = self.small.as_ref().map_or((0.0, 0.0), point);
        match self.whole {
            true => large.1,
            false => Growth { small, large }.along_a_line(large.0 / self.share()),
        }
    }

    /// What DIR takes, with so many documents removed.
    fn output_bytes(&self, removed: u64) -> Result<OutputBytes> {
        let [corpus, left] = ["corpus", "removed"].map(|folder| folder_bytes(&self.large.dir.join(folder)));
        let (corpus, left) = (corpus?, left?);
        let Summary { documents, bytes, files, .. } = &self.large.summary;
        let size = |is: fn(&str) -> bool| -> u64 {
            files.iter().filter(|file| is(&file.path)).map(|file| file.bytes).sum()
        };
        let records = size(|path| !path.starts_with("removed/")); // which was counted with its folder
        if self.whole {
            return Ok(OutputBytes { corpus, removed: left, records });
        }
        let share = self.share();
        let over = |part: u64, whole: u64, unknown: f64| match whole {
            0 => unknown,
            _ => part as f64 / whole as f64,
        };
        let a_document = over(bytes.read, documents.read, 0.0);
        let read = bytes.read as f64 / share;
        let removed = removed as f64;
        let removed_bytes = (removed * over(bytes.removed, documents.removed, a_document)).min(read);
        let kept = over(corpus, bytes.kept, 1.0);
        let others = (bytes.rejected + bytes.framing) as f64 / share;
        let gone = over(left, bytes.removed + bytes.rejected + bytes.framing, kept);
        // What is said of duplicates grows with them, what is said of kept documents only with those; all else with the
        // corpus.
        let findings = size(|path| path.starts_with("findings/"));
        let clusters = size(|path| path == "clusters.jsonl");
        let FindingBytes { all, duplicates, kept: of_kept } = self.clusters.findings;
        let of_duplicates = clusters as f64 + findings as f64 * over(duplicates, all, 0.0);
        let of_kept = findings as f64 * over(of_kept, all, 0.0);
        let kept_documents = (documents.read as f64 / share - removed).max(0.0);
        let of_others = records as f64 - of_duplicates - of_kept;
        Ok(OutputBytes {
            corpus: ((read - removed_bytes - others).max(0.0) * kept) as u64,
            removed: ((removed_bytes + others) * gone) as u64,
            records: (of_others / share
                + removed * of_duplicates / documents.removed.max(1) as f64
                + kept_documents * of_kept / documents.kept.max(1) as f64) as u64,
        })
    }
}

/// The stages that compare documents.
const COMPARING: [&str; 2] = ["group", "compare"];

/// A near-duplicate is compared so many times as long as a document without company, about: `group` took 4 µs a document of a
/// sample with 1 % of near-duplicates and 9 µs of the million made documents with 9 % that it was drawn from.
const NEAR_DUPLICATE_WEIGHT: f64 = 18.0;

/// What is promised beside `--memory`.
const BEYOND_BUDGET: u64 = 256 << 20;

fn seconds_of(run: &Measured, stage: &str) -> f64 {
    run.summary.stages.iter().filter(|time| time.stage == stage).map(|time| time.seconds).sum()
}

/// Of a figure, from what it is without each of some equal parts of the data (the jackknife).
fn standard_error(others: &[f64]) -> f64 {
    let count = others.len() as f64;
    let mean = others.iter().sum::<f64>() / count;
    let squares: f64 = others.iter().map(|other| (other - mean).powi(2)).sum();
    (squares * (count - 1.0) / count).sqrt()
}

fn curve(settings: &Settings) -> Vec<CurvePoint> {
    let screening = sketches::screening(settings.compare.min_similarity);
    let exact = settings.compare.candidates == CandidateSource::Exact;
    let point = |twentieth: u32| {
        let similarity = f64::from(twentieth) / 20.0;
        let found = if exact { 1.0 } else { 1.0 - screening.miss_probability(similarity) };
        CurvePoint { similarity, found }
    };
    (10..=20).map(point).collect()
}

#[cfg(test)]
mod tests;
