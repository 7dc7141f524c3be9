//! The last pass: reads once more, copies what stays, keeps what leaves, tells why.

use std::io::Write;

use super::census::Census;
use super::chunks::for_each_chunk;
use super::judge::{Judged, templates};
use super::progress::{Progress, Unit};
use super::settings::Settings;
use super::strip::Strips;
use crate::corpus::{Chunk, Compression, PieceKind};
use crate::document::DocId;
use crate::error::{Error, Result};
use crate::findings::KINDS;
use crate::output::{Fate, FindingCounts, RemovedKind, RunDir, ShardWriter, Stripped, rest};
use crate::resolve::Decisions;

/// Documents whose findings are made together.
const FINDINGS_BLOCK: u32 = 1 << 12;

/// Writes `findings/`, `clusters.jsonl`, `templates.jsonl` and `rejected.jsonl`; counts the findings. Puts into `strips`
/// what they have taken out.
pub fn records(
    run: &RunDir,
    judged: &Judged,
    strips: &mut Strips,
    progress: &dyn Progress,
) -> Result<(FindingCounts, u64, u64)> {
    let census = judged.census;
    progress.begin("findings", Unit::Documents, Some(census.documents.len() as u64));
    let mut counts: FindingCounts = KINDS.iter().map(|kind| (kind.name().to_owned(), 0)).collect();
    let mut first = 0;
    for (number, shard) in census.shards.iter().enumerate() {
        let packed = !shard.folder && shard.parts[0].compression != Compression::None;
        let (name, compression) = findings_file(&shard.name, packed);
        let mut file = run.records(&name, compression)?;
        let of_shard = census.documents[first as usize..]
            .partition_point(|entry| entry.document.id.shard as usize == number);
        let end = first + of_shard as u32;
        while first < end {
            let last = end.min(first + FINDINGS_BLOCK);
            let found = judged.findings(first, last);
            strips.add(judged, first, &found);
            for finding in found.into_iter().flatten() {
                *counts.entry(finding.finding.name().to_owned()).or_default() += 1;
                file.write(&finding)?;
            }
            progress.advance(u64::from(last - first));
            first = last;
        }
        file.finish()?;
    }
    let clusters = write_all(run, "clusters.jsonl", judged.clusters())?;
    let found = write_all(run, "templates.jsonl", templates(census, judged.boilerplate))?;
    write_all(run, "rejected.jsonl", census.rejected.iter().map(|rejected| &rejected.record))?;
    Ok((counts, clusters, found))
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
    let total = census.digests.iter().map(|facts| facts.digest.bytes).sum();
    progress.begin("writing", Unit::Bytes, Some(total));
    let mut fates = Fates { census, decisions, next: 0 };
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
    let mut fates = Fates { census, decisions, next: 0 };
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
        let stripped = strips.of_chunk(&census.shards[shard], shard, &chunk, &settings.fields);
        (chunk, stripped)
    };
    let take = |shard, (chunk, stripped)| each(shard, chunk, stripped);
    let digests = for_each_chunk(&census.shards, &settings.read, work, take)?;
    for (shard, (now, before)) in census.shards.iter().zip(digests.iter().zip(&census.digests)) {
        if *now != before.digest {
            return Err(Error::Run(format!(
                "{}: changed while it was being read ({} bytes before, {} now); run again when nobody writes to it",
                shard.name, before.digest.bytes, now.bytes
            )));
        }
    }
    Ok(())
}

/// Tells, record by record in document order, what became of each.
struct Fates<'a> {
    census: &'a Census,
    decisions: &'a Decisions,
    /// The first document that did not come by yet.
    next: usize,
}

impl Fates<'_> {
    fn of(&mut self, id: DocId, kind: PieceKind) -> Fate {
        match kind {
            PieceKind::Framing => Fate::Framing,
            PieceKind::Fragment { .. } | PieceKind::Torn => Fate::Rejected,
            PieceKind::Record => {
                let known = self.census.documents.get(self.next).is_some_and(|entry| entry.document.id == id);
                if !known {
                    return Fate::Rejected;
                }
                self.next += 1;
                match self.decisions.is_kept(self.next as u32 - 1) {
                    true => Fate::Kept,
                    false => Fate::Removed,
                }
            }
        }
    }
}
