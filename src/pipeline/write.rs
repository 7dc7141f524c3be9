//! The last pass: reads once more, copies what stays, keeps what leaves, tells why.

use std::io::Write;

use super::census::Census;
use super::chunks::for_each_chunk;
use super::judge::{Judged, Told};
use super::progress::{Progress, Unit};
use super::settings::Settings;
use super::strip::{Strips, StripsWriter};
use super::templates::Templates;
use crate::corpus::{Chunk, Compression, PieceKind, Shard};
use crate::document::DocId;
use crate::error::{Error, Result};
use crate::findings::KINDS;
use crate::output::{Fate, FindingCounts, RecordWriter, RemovedKind, RunDir, ShardWriter, Stripped, rest};
use crate::resolve::Decisions;

/// What the records say, in figures.
#[derive(Debug, Default)]
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

/// Writes `findings/`, `clusters.jsonl`, `templates.jsonl` and `rejected.jsonl`. Puts into `strips` what they have taken out.
pub fn records(
    run: &RunDir,
    judged: &Judged,
    templates: &Templates,
    strips: &mut StripsWriter,
    progress: &dyn Progress,
) -> Result<Counts> {
    let census = judged.census;
    progress.begin("findings", Unit::Documents, Some(u64::from(census.len())));
    let findings = KINDS.iter().map(|kind| (kind.name().to_owned(), 0)).collect();
    let mut counts = Counts { findings, ..Counts::default() };
    let mut open = FindingsFiles { run, shards: &census.shards, next: 0, file: None };
    judged.for_each_block(|first, told| {
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
    Ok(counts)
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
        if let Some(file) = self.file.take() {
            file.finish()?;
        }
        let shard = &self.shards[self.next];
        let packed = !shard.folder && shard.parts[0].compression != Compression::None;
        let (name, compression) = findings_file(&shard.name, packed);
        self.file = Some(self.run.records(&name, compression)?);
        self.next += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        while self.next < self.shards.len() {
            self.begin()?;
        }
        self.file.map_or(Ok(()), RecordWriter::finish)
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

/// Writes `corpus/` and, with `with_removed`, `removed/`. Gives how many bytes were stripped.
pub fn corpus(
    run: &RunDir,
    census: &Census,
    decisions: &Decisions,
    strips: &Strips,
    with_removed: bool,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<u64> {
    let total = census.facts.iter().map(|facts| facts.digest.bytes).sum();
    progress.begin("writing", Unit::Bytes, Some(total));
    let fates = Fates { census, decisions };
    let mut open: Option<(usize, ShardWriter)> = None;
    let (mut begun, mut bytes_stripped) = (0, 0);
    again(census, settings, strips, |shard, chunk, stripped| {
        while begun <= shard {
            if let Some((_, done)) = open.take() {
                done.finish()?;
            }
            open = Some((begun, ShardWriter::begin(run, &census.shards[begun], with_removed)?));
            begun += 1;
        }
        let Some((_, writer)) = &mut open else { return Ok(()) };
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
        progress.advance(chunk.bytes.len() as u64);
        Ok(())
    })?;
    if let Some((_, done)) = open.take() {
        done.finish()?;
    }
    // Shards after the last one that holds anything.
    for shard in &census.shards[begun..] {
        ShardWriter::begin(run, shard, with_removed)?.finish()?;
    }
    Ok(bytes_stripped)
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
    again(census, settings, strips, |shard, chunk, stripped| {
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

/// Reads the input again, and makes sure that it is what the census saw. `each` gets a shard's number, a chunk of it and
/// what is stripped of its pieces.
fn again(
    census: &Census,
    settings: &Settings,
    strips: &Strips,
    mut each: impl FnMut(usize, Chunk, Vec<Vec<Stripped>>) -> Result<()>,
) -> Result<()> {
    let work = |shard: usize, chunk: Chunk| {
        let stripped = strips.of_chunk(census, shard, &chunk, &settings.fields);
        (chunk, stripped)
    };
    let take = |shard, (chunk, stripped): (Chunk, Result<Vec<Vec<Stripped>>>)| each(shard, chunk, stripped?);
    let digests = for_each_chunk(&census.shards, &settings.read, work, take)?;
    for (shard, (now, before)) in census.shards.iter().zip(digests.iter().zip(&census.facts)) {
        if *now != before.digest {
            return Err(Error::Run(format!(
                "{}: changed while it was being read ({} bytes before, {} now); run again when nobody writes to it",
                shard.name, before.digest.bytes, now.bytes
            )));
        }
    }
    Ok(())
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
