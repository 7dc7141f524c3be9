//! The last pass: reads once more, copies what stays, keeps what leaves, tells why.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::census::Census;
use super::chunks::{Place, Read, for_each_chunk};
use super::course::{Course, Keeping, Stored};
use super::judge::{Judged, Told};
use super::means::Means;
use super::progress::Unit;
use super::settings::Settings;
use super::strip::{Strips, StripsWriter};
use super::templates::Templates;
use crate::corpus::{Chunk, Compression, PieceKind, Shard};
use crate::document::DocId;
use crate::error::{Error, Result};
use crate::findings::KINDS;
use crate::output::{
    Fate, FileFacts, FindingCounts, RecordWriter, RemovedKind, RunDir, ShardWriter, Stripped, rest,
};
use crate::resolve::Decisions;
use crate::store::SavedRows;

/// What the records say, in figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Findings by kind.
    pub findings: FindingCounts,
    /// Clusters of duplicates.
    pub clusters: u64,
    /// Templates.
    pub templates: u64,
    /// Bytes of the records of documents that stay.
    pub bytes_kept: u64,
    /// Bytes of the records of documents that were removed.
    pub bytes_removed: u64,
}

/// Writes `findings/`, `clusters.jsonl`, `templates.jsonl` and `rejected.jsonl`. Gives what they say in figures, and what is
/// taken out for it.
pub fn records(
    run: &RunDir,
    judged: &Judged,
    templates: &Templates,
    course: &mut Course,
) -> Result<(Counts, Strips)> {
    let given_back = |state: FindingsState, means: &Means| {
        run.go_on_from(state.files);
        Ok(Findings { counts: state.counts, strips: Strips::given_back(state.strips, means)?, run })
    };
    let Findings { counts, strips, .. } = course.stage("findings", given_back, |course| {
        let (counts, strips) = write_records(run, judged, templates, course)?;
        Ok(Findings { counts, strips, run })
    })?;
    Ok((counts, strips))
}

/// What was said of documents.
struct Findings<'a> {
    /// In figures.
    counts: Counts,
    /// What is taken out of them.
    strips: Strips,
    /// Where it stands.
    run: &'a RunDir,
}

/// What is stored of findings that are written.
#[derive(Serialize, Deserialize)]
struct FindingsState {
    /// The first document of which nothing is said yet, and the first shard whose file was not begun.
    next: (u32, usize),
    counts: Counts,
    strips: Option<SavedRows>,
    files: Vec<FileFacts>,
}

impl Stored for Findings<'_> {
    type State = FindingsState;

    fn store(&self, keeping: &mut Keeping) -> Result<FindingsState> {
        self.run.sync()?;
        let strips = self.strips.save()?.map(|rows| keeping.saved(rows));
        Ok(FindingsState { next: (0, 0), counts: self.counts.clone(), strips, files: self.run.files() })
    }
}

fn write_records(
    run: &RunDir,
    judged: &Judged,
    templates: &Templates,
    course: &mut Course,
) -> Result<(Counts, Strips)> {
    let census = judged.census;
    let progress = course.progress;
    progress.begin("findings", Unit::Documents, Some(u64::from(census.len())));
    let findings = KINDS.iter().map(|kind| (kind.name().to_owned(), 0)).collect();
    let mut counts = Counts { findings, ..Counts::default() };
    let mut strips = StripsWriter::new(judged.settings, course.means);
    let (mut from, mut next) = (0, 0);
    run.go_on_from(Vec::new());
    if let Some(state) = course.part::<FindingsState>()? {
        run.go_on_from(state.files);
        ((from, next), counts) = (state.next, state.counts);
        strips = StripsWriter::go_on(state.strips, course.means)?;
    }
    let mut open = FindingsFiles { run, shards: &census.shards, next, file: None };
    let mut starts = (next..census.shards.len()).map(|shard| census.documents_of(shard).start).peekable();
    judged.for_each_block(from, |first, told| {
        while starts.next_if(|&start| start < first).is_some() {}
        if course.is_due() && starts.peek() == Some(&first) {
            open.close()?;
            census.check_reads()?;
            course.at_rest(|keeping| {
                run.sync()?;
                let strips = strips.save()?.map(|rows| keeping.saved(rows));
                let next = (first, open.next);
                Ok(FindingsState { next, counts: counts.clone(), strips, files: run.files() })
            })?;
        }
        strips.add(judged, first, &told)?;
        progress.advance(told.len() as u64);
        for (document, Told { head, findings }) in (first..).zip(told) {
            match judged.decisions.is_kept(document) {
                true => counts.bytes_kept += head.bytes,
                false => counts.bytes_removed += head.bytes,
            }
            for finding in findings {
                *counts.findings.entry(finding.finding.name().to_owned()).or_default() += 1;
                open.of(head.id().shard as usize)?.write(&finding)?;
            }
        }
        Ok(())
    })?;
    open.finish()?;
    counts.clusters = write_all(run, "clusters.jsonl", judged.clusters())?;
    counts.templates = write_lines(run, "templates.jsonl", |each| templates.for_each(each))?;
    write_lines(run, "rejected.jsonl", |each| {
        let (mut rows, mut line) = (census.rejected.rows.iter_from(0)?, Vec::new());
        while rows.next(&mut line)? {
            each(&line)?;
        }
        Ok(())
    })?;
    census.check()?;
    Ok((counts, strips.finish()?))
}

/// The files of findings, one after the other; each shard has one.
struct FindingsFiles<'a> {
    run: &'a RunDir,
    shards: &'a [Shard],
    /// The first shard whose file was not begun.
    next: usize,
    file: Option<RecordWriter<'a>>,
}

impl<'a> FindingsFiles<'a> {
    /// The file of a shard; shards are asked for in order.
    fn of(&mut self, shard: usize) -> Result<&mut RecordWriter<'a>> {
        while self.next <= shard {
            self.begin()?;
        }
        self.file.as_mut().ok_or_else(|| Error::Run("findings are told out of order".to_owned()))
    }

    fn begin(&mut self) -> Result<()> {
        self.close()?;
        let shard = &self.shards[self.next];
        let packed = !shard.folder && shard.parts[0].compression != Compression::None;
        let (name, compression) = findings_file(&shard.name, packed);
        self.file = Some(self.run.records(&name, compression)?);
        self.next += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.file.take().map_or(Ok(()), RecordWriter::finish)
    }

    fn finish(mut self) -> Result<()> {
        while self.next < self.shards.len() {
            self.begin()?;
        }
        self.close()
    }
}

/// Where a shard's findings are: compressed when it is.
pub(super) fn findings_file(shard: &str, packed: bool) -> (String, Compression) {
    match packed {
        true => (format!("findings/{shard}.jsonl.zst"), Compression::Zstd),
        false => (format!("findings/{shard}.jsonl"), Compression::None),
    }
}

fn write_all<T: serde::Serialize>(run: &RunDir, name: &str, records: impl Iterator<Item = T>) -> Result<u64> {
    let mut file = run.records(name, Compression::None)?;
    let mut count = 0;
    for record in records {
        file.write(&record)?;
        count += 1;
    }
    file.finish()?;
    Ok(count)
}

/// Lines that are JSON already.
fn write_lines(
    run: &RunDir,
    name: &str,
    lines: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
) -> Result<u64> {
    let mut file = run.records(name, Compression::None)?;
    let mut count = 0;
    lines(&mut |line| {
        count += 1;
        file.write_line(line)
    })?;
    file.finish()?;
    Ok(count)
}

/// The shards of `corpus/` that are written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Written {
    shards: usize,
    bytes_stripped: u64,
    files: Vec<FileFacts>,
}

/// Writes `corpus/` and, with `with_removed`, `removed/`. Gives how many bytes were stripped.
pub fn corpus(
    run: &RunDir,
    census: &Census,
    decisions: &Decisions,
    strips: &Strips,
    with_removed: bool,
    settings: &Settings,
    course: &mut Course,
) -> Result<u64> {
    let given_back = |written, _: &Means| Ok(Writing::go_on(written, run, census, decisions, with_removed));
    let writing = course.stage("write", given_back, |course| {
        let written = course.part()?.unwrap_or_else(|| Written { files: run.files(), ..Written::default() });
        let mut writing = Writing::go_on(written, run, census, decisions, with_removed);
        let left = census.facts.iter().skip(writing.written.shards).map(|facts| facts.digest.bytes).sum();
        let progress = course.progress;
        progress.begin("writing", Unit::Bytes, Some(left));
        again(census, settings, strips, writing.written.shards, |shard, read| match read {
            Read::Chunk((chunk, stripped)) => {
                writing.write(shard, &chunk, &stripped)?;
                progress.advance(chunk.bytes.len() as u64);
                course.means.stop.check()
            }
            Read::End(_) => {
                writing.end(shard)?;
                course.at_rest(|keeping| writing.store(keeping))
            }
        })?;
        Ok(writing)
    })?;
    Ok(writing.written.bytes_stripped)
}

/// Writes one shard after the other.
struct Writing<'a> {
    run: &'a RunDir,
    fates: Fates<'a>,
    with_removed: bool,
    written: Written,
    open: Option<ShardWriter<'a>>,
}

impl Stored for Writing<'_> {
    type State = Written;

    fn store(&self, _keeping: &mut Keeping) -> Result<Written> {
        self.run.sync()?;
        Ok(self.written.clone())
    }
}

impl<'a> Writing<'a> {
    /// Behind the shards that are written.
    fn go_on(
        written: Written,
        run: &'a RunDir,
        census: &'a Census,
        decisions: &'a Decisions,
        with_removed: bool,
    ) -> Writing<'a> {
        run.go_on_from(written.files.clone());
        Writing { run, fates: Fates { census, decisions }, with_removed, written, open: None }
    }

    /// The writer of a shard, which is the one that is open, or the next one.
    fn open(&mut self, shard: usize) -> Result<&mut ShardWriter<'a>> {
        let writer = match self.open.take() {
            Some(writer) => writer,
            None => ShardWriter::begin(self.run, &self.fates.census.shards[shard], self.with_removed)?,
        };
        Ok(self.open.insert(writer))
    }

    /// Ends a shard, be it that nothing stands in it.
    fn end(&mut self, shard: usize) -> Result<()> {
        self.open(shard)?;
        if let Some(writer) = self.open.take() {
            writer.finish()?;
        }
        self.written.shards = shard + 1;
        self.written.files = self.run.files();
        Ok(())
    }

    fn write(&mut self, shard: usize, chunk: &Chunk, stripped: &[Vec<Stripped>]) -> Result<()> {
        let mut bytes_stripped = 0;
        let (census, decisions) = (self.fates.census, self.fates.decisions);
        let fates = Fates { census, decisions };
        let writer = self.open(shard)?;
        for (number, piece) in chunk.pieces.iter().enumerate() {
            let (bytes, part) = (chunk.bytes_of(piece), chunk.part as usize);
            let id = DocId { shard: shard as u32, ordinal: piece.ordinal };
            let kind = match fates.of(id, piece.kind) {
                Fate::Kept => {
                    match stripped.get(number).filter(|stripped| !stripped.is_empty()) {
                        None => writer.keep(part, bytes)?,
                        Some(stripped) => {
                            bytes_stripped += stripped.iter().map(|span| span.raw.len() as u64).sum::<u64>();
                            writer.strip(part, chunk.offset_of(piece), piece.ordinal, bytes, stripped)?;
                        }
                    }
                    continue;
                }
                Fate::Removed => RemovedKind::Record,
                Fate::Rejected => RemovedKind::Rejected,
                Fate::Framing => RemovedKind::Framing,
            };
            let ordinal = (kind != RemovedKind::Framing).then_some(piece.ordinal);
            writer.remove(part, chunk.offset_of(piece), kind, ordinal, bytes)?;
        }
        self.written.bytes_stripped += bytes_stripped;
        Ok(())
    }
}

/// Writes the kept records of all shards, in input order, to `out`: the bytes that `corpus/` would have.
pub fn filter(
    census: &Census,
    decisions: &Decisions,
    strips: &Strips,
    settings: &Settings,
    out: &mut dyn Write,
) -> Result<()> {
    let fates = Fates { census, decisions };
    again(census, settings, strips, 0, |shard, read| {
        let Read::Chunk((chunk, stripped)) = read else { return Ok(()) };
        for (number, piece) in chunk.pieces.iter().enumerate() {
            let id = DocId { shard: shard as u32, ordinal: piece.ordinal };
            if fates.of(id, piece.kind) == Fate::Kept {
                let stripped = stripped.get(number).map_or(&[][..], Vec::as_slice);
                rest(chunk.bytes_of(piece), stripped)
                    .try_for_each(|bytes| out.write_all(bytes))
                    .map_err(Error::io("standard output"))?;
            }
        }
        Ok(())
    })?;
    out.flush().map_err(Error::io("standard output"))
}

/// What is read again: a chunk, and what is stripped of its pieces.
type Again = (Chunk, Vec<Vec<Stripped>>);

/// Reads the input again from a shard on, and makes sure that each is what the census saw before `each` hears of its end.
fn again(
    census: &Census,
    settings: &Settings,
    strips: &Strips,
    from: usize,
    mut each: impl FnMut(usize, Read<Again>) -> Result<()>,
) -> Result<()> {
    let work = |shard: usize, chunk: Chunk| {
        let stripped = strips.of_chunk(census, shard, &chunk, &settings.fields);
        (chunk, stripped)
    };
    let take = |shard: usize, read| match read {
        Read::Chunk((chunk, stripped)) => each(shard, Read::Chunk((chunk, stripped?))),
        Read::End(now) => {
            let before = census.facts[shard].digest;
            if now != before {
                return Err(Error::Run(format!(
                    "{}: changed while it was being read ({} bytes before, {} now); run again when nobody writes to it",
                    census.shards[shard].name, before.bytes, now.bytes
                )));
            }
            each(shard, Read::End(now))
        }
    };
    for_each_chunk(&census.shards, Place { shard: from, chunks: 0 }, &settings.read, work, take)
}

/// Tells of each record what became of it.
struct Fates<'a> {
    census: &'a Census,
    decisions: &'a Decisions,
}

impl Fates<'_> {
    fn of(&self, id: DocId, kind: PieceKind) -> Fate {
        match kind {
            PieceKind::Framing => Fate::Framing,
            PieceKind::Fragment { .. } | PieceKind::Torn => Fate::Rejected,
            PieceKind::Record => {
                match self.census.document_at(id).map(|document| self.decisions.is_kept(document)) {
                    None => Fate::Rejected,
                    Some(true) => Fate::Kept,
                    Some(false) => Fate::Removed,
                }
            }
        }
    }
}
