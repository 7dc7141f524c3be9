//! What became of each record, and what do the findings say of it?
//!
//! The original shards, put together again from `corpus/` and `removed/`, and their findings in; record by record both
//! out, in document order. One thread reads, all threads work. Memory: a few batches of half a MiB for each thread, and a
//! record that is longer.

use std::iter::Peekable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::prelude::*;

use super::faults::Faults;
use super::numbers::Numbers;
use crate::error::{Error, Result};
use crate::findings::Finding;
use crate::output::{Bytes, Documents, Fate, FinishedRun, Input, Lines, Original};
use crate::pipeline::progress::Progress;
use crate::pipeline::restore::Digest;
use crate::pipeline::write::findings_file;

/// What somebody wants of a document: its number, and a paragraph or [`WHOLE`].
pub type Key = (u64, u32);

/// In place of a paragraph: the whole document.
pub const WHOLE: u32 = u32::MAX;

/// A piece of an original shard.
pub struct Visit {
    /// The number of its record; none for framing.
    pub number: Option<u64>,
    /// Whether the record begins here.
    pub begins: bool,
    /// Its bytes, and what became of them.
    pub original: Original,
    /// What is said of the record, as far as the findings are in order.
    pub findings: Vec<Finding>,
    /// What of it is wanted: paragraphs, or [`WHOLE`].
    pub wanted: Vec<u32>,
}

impl Visit {
    /// The bytes of its record.
    pub fn record(&self) -> &[u8] {
        &self.original.bytes[self.original.mark..]
    }
}

/// What was walked over, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Records.
    pub documents: Documents,
    /// Bytes.
    pub bytes: Bytes,
}

/// So many bytes go from thread to thread together, at least one piece. A guess, as for chunks of the input.
const BATCH: usize = 512 << 10;

/// Walks over all shards. `wanted` ascends. `work` sees each piece on some thread; `take` its answers in order. What of
/// DIR cannot be read, or is not what the run read, goes to `faults`, shard by shard.
///
/// # Errors
/// Those of `wanted` and `take`.
pub fn walk<T: Send>(
    run: &FinishedRun,
    numbers: &Numbers,
    wanted: impl Iterator<Item = Result<Key>> + Send,
    faults: &mut Faults,
    progress: &dyn Progress,
    work: impl Fn(Visit) -> T + Sync,
    mut take: impl FnMut(&mut Faults, T) -> Result<()>,
) -> Result<Walked> {
    let batches = 2 * rayon::current_num_threads();
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(batches);
        let wanted = wanted.peekable();
        let reader =
            Reader { run, numbers, wanted, progress, sender, walked: Walked::default(), broken: None };
        let reader = scope.spawn(move || reader.read());
        let taken = take_all(&receiver, batches, faults, &work, &mut take);
        drop(receiver); // a reader that is still at work stops at its next batch
        let walked = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(walked)
    })
}

/// What the reading thread tells.
enum Message {
    Visits(Vec<Visit>),
    Fault(String),
}

fn take_all<T: Send>(
    receiver: &Receiver<Message>,
    batches: usize,
    faults: &mut Faults,
    work: &(impl Fn(Visit) -> T + Sync),
    take: &mut impl FnMut(&mut Faults, T) -> Result<()>,
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let mut messages = vec![first];
        messages.extend(receiver.try_iter().take(batches - 1));
        let worked = |message| match message {
            Message::Visits(visits) => Ok(visits.into_iter().map(work).collect::<Vec<T>>()),
            Message::Fault(fault) => Err(fault),
        };
        let done: Vec<std::result::Result<Vec<T>, String>> = messages.into_par_iter().map(worked).collect();
        for answers in done {
            match answers {
                Ok(answers) => answers.into_iter().try_for_each(|answer| take(faults, answer))?,
                Err(fault) => faults.add(fault),
            }
        }
    }
    Ok(())
}

struct Reader<'a, W: Iterator> {
    run: &'a FinishedRun,
    numbers: &'a Numbers<'a>,
    wanted: Peekable<W>,
    progress: &'a dyn Progress,
    sender: SyncSender<Message>,
    walked: Walked,
    /// What went wrong elsewhere than in DIR.
    broken: Option<Error>,
}

impl<W: Iterator<Item = Result<Key>>> Reader<'_, W> {
    fn read(mut self) -> Result<Walked> {
        for (shard, input) in self.numbers.inputs().iter().enumerate() {
            let read = self.read_shard(shard, input);
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
            if let Err(fault) = read {
                self.send(Message::Fault(fault.to_string()))?;
            }
        }
        let Walked { documents, bytes } = &mut self.walked;
        documents.read = documents.kept + documents.removed + documents.rejected;
        bytes.read = bytes.kept + bytes.removed + bytes.stripped + bytes.rejected + bytes.framing;
        Ok(self.walked)
    }

    fn read_shard(&mut self, shard: usize, input: &Input) -> Result<()> {
        let mut findings = FindingsOf::open(self.run, input);
        let mut hash = Digest::new(input);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut last = None;
        let read = self.run.for_each_original(input, |original| {
            hash.add(&original);
            let begins = original.ordinal.is_some() && original.ordinal != last;
            last = original.ordinal.or(last);
            self.count(&original, begins);
            bytes += original.bytes.len();
            let visited = self.visit(shard, begins, original, &mut findings);
            batch.push(visited.map_err(|error| self.breaks(error))?);
            if bytes >= BATCH {
                self.progress.advance(bytes as u64);
                bytes = 0;
                self.send(Message::Visits(std::mem::take(&mut batch))).map_err(|error| self.breaks(error))?;
            }
            Ok(())
        });
        self.progress.advance(bytes as u64);
        if self.broken.is_none() && !batch.is_empty() {
            self.send(Message::Visits(batch)).map_err(|error| self.breaks(error))?;
        }
        read?;
        findings.finish()?;
        hash.check(input).map_err(Error::Run)
    }

    fn visit(
        &mut self,
        shard: usize,
        begins: bool,
        original: Original,
        findings: &mut FindingsOf,
    ) -> Result<Visit> {
        let known = original.ordinal.filter(|ordinal| *ordinal < self.numbers.inputs()[shard].documents);
        let number = known.map(|ordinal| self.numbers.first(shard) + ordinal);
        let (mut said, mut wanted) = (Vec::new(), Vec::new());
        if let (Some(number), Some(ordinal), true) = (number, known, begins) {
            said = findings.of(ordinal);
            while let Some(next) =
                self.wanted.next_if(|next| next.as_ref().map_or(true, |key| key.0 <= number))
            {
                let (document, part) = next?;
                if document == number && wanted.last() != Some(&part) {
                    wanted.push(part);
                }
            }
        }
        Ok(Visit { number, begins, original, findings: said, wanted })
    }

    fn count(&mut self, original: &Original, begins: bool) {
        let Walked { documents, bytes } = &mut self.walked;
        let stripped = original.stripped.iter().map(|span| span.raw.len() as u64).sum::<u64>();
        bytes.framing += original.mark as u64;
        bytes.stripped += stripped;
        let length = (original.bytes.len() as u64).saturating_sub(original.mark as u64 + stripped);
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

    fn send(&self, message: Message) -> Result<()> {
        self.sender.send(message).map_err(|_| Error::Run("reading was stopped".to_owned()))
    }

    /// Remembers that the walk is over; the error itself comes back by another way.
    fn breaks(&mut self, error: Error) -> Error {
        let again = Error::Run(error.to_string());
        self.broken.get_or_insert(error);
        again
    }
}

/// The findings of a shard, asked for document by document.
struct FindingsOf {
    lines: Result<Lines>,
    next: Option<Finding>,
}

impl FindingsOf {
    fn open(run: &FinishedRun, input: &Input) -> FindingsOf {
        let (file, compression) = findings_file(&input.shard, input.packed());
        FindingsOf { lines: Lines::open(run.dir.join(file), compression), next: None }
    }

    /// Those of this document, which comes after those that were asked for before. What stands out of order is passed
    /// over.
    fn of(&mut self, ordinal: u64) -> Vec<Finding> {
        let mut found = Vec::new();
        while self.peek().is_some_and(|next| next.ordinal <= ordinal) {
            found.extend(self.next.take().filter(|next| next.ordinal == ordinal));
        }
        found
    }

    fn peek(&mut self) -> Option<&Finding> {
        if let (None, Ok(lines)) = (&self.next, &mut self.lines) {
            match lines.next_record() {
                Ok(next) => self.next = next,
                Err(error) => self.lines = Err(error),
            }
        }
        self.next.as_ref()
    }

    /// Whether they could be read.
    fn finish(self) -> Result<()> {
        self.lines.map(|_| ())
    }
}
