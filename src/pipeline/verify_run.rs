//! Does a finished run hold?
//!
//! DIR in, what is wrong with it out: guarantees 1 to 3, what was stripped, and that its records say one thing. Each fault
//! is a sentence that says what and where; none is repaired. What is checked, of everything that DIR holds:
//!
//! - **records**: checksums; counts; that findings, clusters, templates and rejected records name each other and
//!   documents that there are, in document order, each document's paragraphs where its findings have them;
//! - **accounting**: that what stayed and what left are together the input's bytes, record by record what the findings say;
//! - **witnesses**: that every duplicate has a kept witness, in the same group of `--within`, which is as like it as it
//!   says, measured on the tokens;
//! - **reuse**: that a paragraph called `reused` or `shared-lead` is the same as the one named `first`, or as like it as it
//!   says, by the contract's rule, and that its document and that one stay;
//! - **repeats**: that as much of a `repeated-lead` or `repeat` stands again later as it says, and is enough;
//! - **stripping**: that what was stripped is what findings and `--strip` say, and that what stays says a repeat again;
//! - **thin** documents: their boilerplate and what is left.
//!
//! Not checked here: whether something was missed ([`sample`] looks for duplicates that were), the counts of documents and
//! sites of reused paragraphs and templates, and languages; [`rerun`] makes all of it anew. A scan has records only.
//!
//! Time: two reads of the findings, one of the corpus, one measurement of each claim. Memory: what the [`Means`] allow,
//! nothing for each document; disk: the texts of duplicates and witnesses and of reused paragraphs, and some 200 bytes for
//! each claim.

mod claims;
mod documents;
mod faults;
mod interval;
mod judge;
mod numbers;
mod records;
mod rerun;
mod sample;
mod walk;
mod witnesses;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;

use super::means::Means;
use super::progress::{Progress, Unit};
use crate::corpus::Fields;
use crate::document::Span;
use crate::error::{Error, Result};
use crate::output::{Bytes, Documents, Fate, FileFacts, FinishedRun, Input, SettingsRecord};
use crate::resolve::KeepOrder;
use crate::store::{Fixed, Sorter, Workspace};
use documents::{Reading, Seen};
use faults::Faults;
pub use interval::Share;
pub use judge::{Band, Draw, DrawnPair, JudgedBand, Precision, draw, precision};
use numbers::Numbers;
use records::{Ascending, Claims};
pub use rerun::{Rerun, rerun};
pub use sample::{Sampled, Sought, sample};

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What is wrong; empty where everything holds. Of each kind of check the first hundred faults.
    pub faults: Vec<String>,
    /// Faults that are not named.
    pub more_faults: u64,
    /// What could not be checked, and why.
    pub unchecked: Option<String>,
    /// Documents that were read again.
    pub documents: u64,
    /// Duplicates whose similarity to their witness was measured again.
    pub witnesses: u64,
    /// Reused paragraphs and shared leads whose similarity to the first one was measured again.
    pub reuses: u64,
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
/// Where DIR is no finished run, or the temporary folder fails. Everything else is a fault in the answer.
pub fn verify(dir: &Path, means: &Means, progress: &dyn Progress) -> Result<Checked> {
    let run = FinishedRun::open(dir)?;
    check(&run, &means.workspace, means.work(1), progress)
}

fn check(
    run: &FinishedRun,
    workspace: &Workspace,
    memory_bytes: usize,
    progress: &dyn Progress,
) -> Result<Checked> {
    let numbers = Numbers::of(&run.summary)?;
    let faults = Faults::default();
    let mut check =
        Check { run, numbers, workspace, memory_bytes, progress, faults, witnesses: 0, reuses: 0 };
    check.checksums();
    check.accounts();
    check.progress.begin("reading records", Unit::Documents, None);
    let claims = check.records()?;
    let (mut documents, mut unchecked) = (0, None);
    if run.summary.command == "dedupe" {
        check.foreign_files();
        if holds_all_texts(run) {
            documents = check.documents(&claims)?;
        } else {
            unchecked =
                Some("corpus/ and the witnesses, for what left was not kept (--no-removed)".to_owned());
        }
    }
    let Check { faults, witnesses, reuses, .. } = check;
    Ok(Checked { faults: faults.named, more_faults: faults.more, unchecked, documents, witnesses, reuses })
}

/// Whether DIR holds every record that was read.
fn holds_all_texts(run: &FinishedRun) -> bool {
    run.summary.command == "dedupe"
        && (run.summary.removed || run.summary.bytes.kept == run.summary.bytes.read)
}

struct Check<'a> {
    run: &'a FinishedRun,
    numbers: Numbers<'a>,
    workspace: &'a Workspace,
    memory_bytes: usize,
    progress: &'a dyn Progress,
    faults: Faults,
    witnesses: u64,
    reuses: u64,
}

/// So many stores share the memory at most.
const STORES: usize = 8;

impl Check<'_> {
    /// The memory of one store.
    fn share(&self) -> usize {
        self.memory_bytes / STORES
    }

    fn sorter<T: Fixed + Ord + Send + Sync>(&self, name: &str) -> Sorter<T> {
        Sorter::new(self.workspace, name, self.share())
    }

    fn checksums(&mut self) {
        self.faults.begin();
        let run = self.run;
        let bytes = run.summary.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        self.progress.begin("checksums", Unit::Bytes, Some(bytes));
        for file in &run.summary.files {
            match FileFacts::of(&run.dir.join(&file.path), file.path.clone()) {
                Ok(now) if now == *file => {}
                Ok(now) => self.faults.add(format!(
                    "{}: not the file that the run wrote ({} bytes with hash {}, not {} with {})",
                    file.path, now.bytes, now.hash, file.bytes, file.hash
                )),
                Err(error) => self.faults.add(error.to_string()),
            }
            self.progress.advance(file.bytes);
        }
    }

    /// The summary's sums. They come from DIR, so they may be any numbers.
    fn accounts(&mut self) {
        self.faults.begin();
        let Documents { read, kept, removed, rejected } = self.run.summary.documents;
        if sum([kept, removed, rejected]) != u128::from(read) {
            self.faults.add(format!(
                "summary.json: documents: {kept} kept + {removed} removed + {rejected} rejected are not {read} read"
            ));
        }
        let Bytes { read, kept, removed, stripped, rejected, framing } = self.run.summary.bytes;
        if sum([kept, removed, stripped, rejected, framing]) != u128::from(read) {
            self.faults.add(format!(
                "summary.json: bytes: {kept} kept + {removed} removed + {stripped} stripped + {rejected} rejected + {framing} \
                 framing are not {read} read"
            ));
        }
    }

    /// Nothing else lies in `corpus/`, `removed/` and `findings/`.
    fn foreign_files(&mut self) {
        self.faults.begin();
        let run = self.run;
        let shards: HashSet<String> = run.summary.inputs.iter().flat_map(Input::paths).collect();
        let written: HashSet<&str> = run.summary.files.iter().map(|file| file.path.as_str()).collect();
        for folder in ["corpus", "removed", "findings"] {
            let top = run.dir.join(folder);
            for entry in walkdir::WalkDir::new(&top).sort_by_file_name().into_iter().flatten() {
                let Ok(below) = entry.path().strip_prefix(&top) else { continue };
                let below = below.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                let path = format!("{folder}/{below}");
                let known =
                    written.contains(path.as_str()) || (folder != "findings" && shards.contains(&below));
                if entry.file_type().is_file() && !known {
                    self.faults.add(format!("{path}: is no shard that the run read"));
                }
            }
        }
    }

    /// Walks every original shard, and measures what findings claim of two documents. Gives how many documents there are.
    fn documents(&mut self, claims: &Claims) -> Result<u64> {
        self.faults.begin();
        self.progress.begin("checking", Unit::Bytes, Some(self.run.summary.bytes.read));
        let mut texts = self.texts();
        let mut fates =
            Fates { likes: Ascending::of(&claims.likes)?, rejected: Ascending::of(&claims.rejected)? };
        let reading = Reading::of(&self.run.summary, &self.numbers);
        let mut faults = std::mem::take(&mut self.faults);
        let walked = walk::walk(
            self.run,
            &self.numbers,
            claims.wanted.reader()?,
            &mut faults,
            self.progress,
            |visit| reading.see(&visit),
            |faults, seen| {
                fates.check(&self.numbers, &seen, faults)?;
                let Some(number) = seen.number.filter(|_| seen.begins) else { return Ok(()) };
                faults.extend(seen.faults);
                seen.texts.iter().try_for_each(|(part, text)| texts.push((number, *part), text))
            },
        )?;
        self.faults = faults;
        self.faults.begin();
        let stated = &self.run.summary;
        if stated.documents != walked.documents {
            let (stated, found) = (stated.documents, walked.documents);
            self.faults.add(format!("summary.json: documents: says {stated:?}, but DIR holds {found:?}"));
        }
        let stated = &self.run.summary;
        if stated.bytes != walked.bytes {
            let (stated, found) = (stated.bytes, walked.bytes);
            self.faults.add(format!("summary.json: bytes: says {stated:?}, but DIR holds {found:?}"));
        }
        self.progress.begin("measuring", Unit::Documents, Some(claims.likes.len()));
        self.witnesses(&claims.likes, &texts.finish()?)?;
        Ok(walked.documents.read)
    }
}

/// What should have become of each record: sorted, so asked for in order.
struct Fates {
    likes: Ascending<claims::ClaimRow>,
    rejected: Ascending<u64>,
}

impl Fates {
    /// Whether what became of a record is what the records say.
    fn check(&mut self, numbers: &Numbers, seen: &Seen, faults: &mut Faults) -> Result<()> {
        let Some(number) = seen.number.filter(|_| seen.begins) else { return Ok(()) };
        let mut duplicate = false;
        while let Some((own, ..)) = self.likes.next_if(|(own, ..)| own.0 <= number)? {
            duplicate |= own == (number, walk::WHOLE);
        }
        let mut rejected = false;
        while let Some(next) = self.rejected.next_if(|next| *next <= number)? {
            rejected |= next == number;
        }
        let problem = match (seen.fate, duplicate, rejected) {
            (Fate::Kept, true, _) => "is called a duplicate, but stands in corpus/",
            (Fate::Removed, false, _) => "was removed, but no finding says why",
            (Fate::Kept | Fate::Removed, _, true) => "stands in rejected.jsonl, but was not rejected",
            (Fate::Rejected, _, false) => "was rejected, but rejected.jsonl does not say why",
            _ => return Ok(()),
        };
        faults.add(format!("{}: {problem}", numbers.shown(number)));
        Ok(())
    }
}

/// The sum of numbers that may be any.
fn sum<const N: usize>(parts: [u64; N]) -> u128 {
    parts.into_iter().map(u128::from).sum()
}

/// Whether a document has boilerplate, and too little content to be called alike.
fn is_thin(boilerplate: &[Span], tokens: usize) -> bool {
    !boilerplate.is_empty() && tokens < THIN_TOKENS
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

/// The keep order of a run.
fn keep_order(settings: &SettingsRecord) -> Result<KeepOrder> {
    let keys: std::result::Result<_, String> = settings.keep.iter().map(|key| key.parse()).collect();
    keys.map(KeepOrder).map_err(|problem| Error::Run(format!("summary.json: keep: {problem}")))
}
