//! How far did an earlier run of the same command come?
//!
//! The stages of a run have names, and may have stages of their own. A [`Course`] gives the answer of a stage that an earlier
//! run has finished, or has it made; what a long stage has done so far can be saved as a part of it. All of that is one
//! [`Checkpoint`], which is replaced when enough time has passed: a stage that took less is made again, which is harmless, as
//! a stage that is made again gives the same answer. What does not fit (other settings, other inputs) is refused.
//!
//! A run whose workspace goes with its process saves nothing, and only takes the time of its stages.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::census::damaged;
use super::means::Means;
use super::progress::Progress;
use super::settings::Settings;
use crate::corpus::{Part, ReadMode, Shard};
use crate::error::{Error, Result};
use crate::output::{FileFacts, StageTime};
use crate::store::{
    Checkpoint, Column, ColumnWriter, Fixed, Saved, SavedBytes, SavedColumn, Sealed, Spool, Workspace,
};

/// What is stored of an answer, so that a later run need not make it again.
pub trait Stored: Sized {
    /// What a checkpoint says of it.
    type State: Serialize + DeserializeOwned;

    /// Makes it durable, and says where it is.
    fn store(&self, keeping: &mut Keeping) -> Result<Self::State>;
}

/// Takes note of the files that a state needs.
pub struct Keeping<'a> {
    workspace: &'a Workspace,
    files: Vec<String>,
}

impl Keeping<'_> {
    /// Needs the files of this store.
    pub fn saved<S: Saved>(&mut self, saved: S) -> S {
        self.files.extend(saved.files().into_iter().map(str::to_owned));
        saved
    }

    /// A column that is held in memory; [`column()`] gives it back.
    pub fn column<T: Fixed>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<SavedColumn> {
        let mut writer = ColumnWriter::new(self.workspace, name, BUFFER);
        for value in values {
            writer.push(value)?;
        }
        Ok(self.saved(writer.save()?))
    }

    /// Anything else that may be large; [`unpacked`] gives it back.
    pub fn packed<T: Serialize>(&mut self, name: &str, value: &T) -> Result<SavedBytes> {
        let mut writer = SpoolWriter { spool: Spool::new(self.workspace, name, BUFFER), failed: None };
        let written = postcard::to_io(value, io::BufWriter::new(&mut writer)).map(drop);
        let SpoolWriter { mut spool, failed } = writer;
        match (failed, written) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(not_saved(error)),
            (None, Ok(())) => Ok(self.saved(spool.save()?)),
        }
    }
}

/// Memory for what is on its way to disk.
const BUFFER: usize = 1 << 20;

/// What [`Keeping::column`] has stored.
pub fn column<T: Fixed>(saved: &SavedColumn, means: &Means) -> Result<Vec<T>> {
    Column::reopen(&means.workspace, saved, BUFFER)?.iter_from(0).collect()
}

/// What [`Keeping::packed`] has stored.
pub fn unpacked<T: DeserializeOwned>(saved: &SavedBytes, means: &Means) -> Result<T> {
    let sealed = Sealed::reopen(&means.workspace, saved, BUFFER)?;
    let mut bytes = Vec::new();
    sealed.read_at(0, sealed.len() as usize, &mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|_| damaged())
}

fn packed<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(not_saved)
}

fn not_saved(error: postcard::Error) -> Error {
    Error::Run(format!("a state cannot be saved: {error}"))
}

/// A spool as a writer, so that nothing large is held twice.
struct SpoolWriter {
    spool: Spool,
    /// What went wrong: a writer can say less.
    failed: Option<Error>,
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.spool.append(bytes) {
            Ok(_) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stages of a run: what they leave, and how long they took.
pub struct Course<'a> {
    /// What the stages work with.
    pub means: &'a Means,
    /// Hears how far they are.
    pub progress: &'a dyn Progress,
    /// The names of the stages at work, the outermost one first.
    at_work: Vec<String>,
    times: Vec<StageTime>,
    /// Seconds that the stages within the present one took.
    within: f64,
    lasting: Option<Lasting>,
}

/// Where a run that may be stopped stands.
struct Lasting {
    binding: u128,
    inputs: Vec<Fingerprint>,
    inputs_stored: Option<SavedBytes>,
    entries: BTreeMap<String, Entry>,
    last: Instant,
    interval: Duration,
}

/// What is saved of a stage, or of a part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    finished: bool,
    state: Vec<u8>,
    files: Vec<String>,
}

/// The payload of a checkpoint.
#[derive(Serialize, Deserialize)]
struct Standing {
    inputs: SavedBytes,
    times: Vec<StageTime>,
    entries: BTreeMap<String, Entry>,
}

/// A file of the input, as far as one can tell without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    path: String,
    bytes: u64,
    /// When it was written; of standard input, which is copied anew each time, a hash of all of it.
    state: String,
}

/// The least time between two checkpoints: a run of a few seconds saves nothing.
pub const CHECKPOINTS: Duration = Duration::from_secs(2);

/// Saving takes no more than one part in so many.
const SAVING_SHARE: u32 = 25;

impl<'a> Course<'a> {
    /// A run of which nothing is saved.
    pub fn passing(means: &'a Means, progress: &'a dyn Progress) -> Course<'a> {
        Course { means, progress, at_work: Vec::new(), times: Vec::new(), within: 0.0, lasting: None }
    }

    /// A run that goes on where an earlier one of the same binding was stopped, if its workspace outlives the process.
    ///
    /// # Errors
    /// Where the workspace holds a state of other settings, of other inputs, or a damaged one.
    pub fn begin(
        means: &'a Means,
        progress: &'a dyn Progress,
        binding: u128,
        shards: &[Shard],
    ) -> Result<Course<'a>> {
        let mut course = Course::passing(means, progress);
        let workspace = &means.workspace;
        if !workspace.outlives() {
            return Ok(course);
        }
        let mut lasting = Lasting {
            binding,
            inputs: fingerprints(shards)?,
            inputs_stored: None,
            entries: BTreeMap::new(),
            last: Instant::now(),
            interval: means.checkpoints,
        };
        if let Some(standing) = Checkpoint::read::<Standing>(workspace, binding)? {
            check_inputs(&unpacked::<Vec<Fingerprint>>(&standing.inputs, means)?, &lasting.inputs)?;
            course.times = standing.times;
            lasting.entries = standing.entries;
            lasting.inputs_stored = Some(standing.inputs);
        }
        workspace.forget_others(lasting.files())?;
        course.lasting = Some(lasting);
        Ok(course)
    }

    /// The answer of a stage: `made` now, or given back from what is stored of it.
    pub fn stage<T: Stored>(
        &mut self,
        name: &str,
        given_back: impl FnOnce(T::State, &Means) -> Result<T>,
        made: impl FnOnce(&mut Course<'a>) -> Result<T>,
    ) -> Result<T> {
        self.means.stop.check()?;
        let key = self.key(name);
        if let Some(state) = self.saved(&key, true)? {
            return given_back(state, self.means);
        }
        let answer = self.time(name, made)?;
        if self.is_due() {
            self.save(key, true, |keeping| answer.store(keeping))?;
        }
        Ok(answer)
    }

    /// Takes the time of a stage of which nothing is stored.
    pub fn time<T>(&mut self, name: &str, made: impl FnOnce(&mut Course<'a>) -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let outside = std::mem::take(&mut self.within);
        self.at_work.push(name.to_owned());
        let answer = made(self);
        self.at_work.pop();
        let seconds = start.elapsed().as_secs_f64();
        self.took(name, seconds - self.within);
        self.within = outside + seconds;
        answer
    }

    fn took(&mut self, name: &str, seconds: f64) {
        match self.times.iter_mut().find(|time| time.stage == name) {
            Some(time) => time.seconds += seconds,
            None => self.times.push(StageTime { stage: name.to_owned(), seconds }),
        }
    }

    /// What an earlier run had done of the stage at work.
    pub fn part<S: DeserializeOwned>(&self) -> Result<Option<S>> {
        self.saved(&self.at_work.join("/"), false)
    }

    /// Saves what is done so far of the stage at work, if it is time. An error where the run shall stop; what was done is
    /// saved then.
    pub fn at_rest<S: Serialize>(&mut self, save: impl FnOnce(&mut Keeping) -> Result<S>) -> Result<()> {
        let stops = self.means.stop.check();
        if self.is_due() || (stops.is_err() && self.lasting.is_some()) {
            self.save(self.at_work.join("/"), false, save)?;
        }
        stops
    }

    /// Whether it is time to save what is done.
    pub fn is_due(&self) -> bool {
        self.lasting.as_ref().is_some_and(|lasting| lasting.last.elapsed() >= lasting.interval)
    }

    /// The seconds of all stages, those of earlier runs included.
    pub fn times(&self) -> Vec<StageTime> {
        self.times.clone()
    }

    fn key(&self, name: &str) -> String {
        self.at_work.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/")
    }

    fn saved<S: DeserializeOwned>(&self, key: &str, finished: bool) -> Result<Option<S>> {
        let entry = self.lasting.as_ref().and_then(|lasting| lasting.entries.get(key));
        let entry = entry.filter(|entry| entry.finished == finished);
        entry.map(|entry| postcard::from_bytes(&entry.state).map_err(|_| damaged())).transpose()
    }

    fn save<S: Serialize>(
        &mut self,
        key: String,
        finished: bool,
        save: impl FnOnce(&mut Keeping) -> Result<S>,
    ) -> Result<()> {
        let Some(lasting) = &mut self.lasting else { return Ok(()) };
        let start = Instant::now();
        let mut keeping = Keeping { workspace: &self.means.workspace, files: Vec::new() };
        let state = packed(&save(&mut keeping)?)?;
        let inputs = match lasting.inputs_stored.take() {
            Some(inputs) => inputs,
            None => Keeping { workspace: &self.means.workspace, files: Vec::new() }
                .packed("inputs", &lasting.inputs)?,
        };
        lasting.inputs_stored = Some(inputs.clone());
        if finished {
            // What was saved within a stage goes with it.
            let within = format!("{key}/");
            lasting.entries.retain(|other, _| !other.starts_with(&within));
        }
        lasting.entries.insert(key, Entry { finished, state, files: keeping.files });
        let standing =
            Standing { inputs, times: self.times.clone(), entries: std::mem::take(&mut lasting.entries) };
        let written = Checkpoint::write(&self.means.workspace, lasting.binding, &standing);
        lasting.entries = standing.entries;
        written?;
        self.means.workspace.forget_others(lasting.files())?;
        let least = self.means.checkpoints;
        lasting.interval = if least.is_zero() { least } else { least.max(start.elapsed() * SAVING_SHARE) };
        lasting.last = Instant::now();
        Ok(())
    }
}

impl Lasting {
    fn files(&self) -> Vec<String> {
        let inputs = self.inputs_stored.iter().flat_map(Saved::files).map(str::to_owned);
        inputs.chain(self.entries.values().flat_map(|entry| entry.files.iter().cloned())).collect()
    }
}

/// What the answers of a run depend on besides its inputs: of other settings no state is taken over.
pub fn binding(settings: &Settings, job: &str) -> u128 {
    let mut plain = settings.clone();
    let mut protected: Vec<String> = plain.protect.drain().collect();
    protected.sort_unstable();
    plain.read.mode = ReadMode::default();
    xxh3_128(format!("{job} {plain:?} {protected:?}").as_bytes())
}

fn fingerprints(shards: &[Shard]) -> Result<Vec<Fingerprint>> {
    shards.iter().flat_map(|shard| &shard.parts).map(fingerprint).collect()
}

fn fingerprint(part: &Part) -> Result<Fingerprint> {
    if part.is_standard_input() {
        let FileFacts { path, bytes, hash } = FileFacts::of(&part.path, part.name.clone())?;
        return Ok(Fingerprint { path, bytes, state: hash });
    }
    let about = part.path.metadata().and_then(|about| Ok((about.len(), about.modified()?)));
    let (bytes, modified) = about.map_err(Error::io(&part.path))?;
    let written = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let path = part.path.to_string_lossy().into_owned();
    Ok(Fingerprint { path, bytes, state: written.as_nanos().to_string() })
}

fn check_inputs(before: &[Fingerprint], now: &[Fingerprint]) -> Result<()> {
    let refused = |path: &str, what: &str| {
        Err(Error::Run(format!(
            "{path}: {what} since the run into this DIR was stopped; run with --force to start anew"
        )))
    };
    for (before, now) in before.iter().zip(now) {
        if before.path != now.path {
            let is_new = now.path < before.path;
            return refused(
                if is_new { &now.path } else { &before.path },
                if is_new { "was added" } else { "is no longer there, or was moved," },
            );
        }
        if before != now {
            return refused(
                &now.path,
                &format!("has changed ({} bytes then, {} now)", before.bytes, now.bytes),
            );
        }
    }
    match (before.get(now.len()), now.get(before.len())) {
        (Some(gone), _) => refused(&gone.path, "is no longer there"),
        (_, Some(new)) => refused(&new.path, "was added"),
        _ => Ok(()),
    }
}
