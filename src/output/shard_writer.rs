//! One shard of the answer: what stays in `corpus/`, what leaves in `removed/`.

use std::fs::File;

use super::removed::{PieceRecord, RemovedKind, Stripped, rest};
use super::run_dir::{RecordWriter, RunDir};
use crate::corpus::{FinishWrite, Shard};
use crate::error::{Error, Result};

/// Writes the pieces of one shard, in order.
///
/// A shard whose file holds many records becomes `corpus/SHARD` with the records that stay, and `removed/SHARD` with a
/// [`PieceRecord`] for everything else. Where a file is a document, it stays under its name in `corpus/` or leaves
/// under its name to `removed/`; of one that is stripped, `removed/` has the spans, as [`PieceRecord`]s.
pub struct ShardWriter<'a> {
    run: &'a RunDir,
    shard: &'a Shard,
    with_removed: bool,
    target: Target<'a>,
}

enum Target<'a> {
    Records { corpus: Box<dyn FinishWrite<File>>, removed: Option<RecordWriter<'a>> },
    Files { file: usize, open: Option<Box<dyn FinishWrite<File>>>, held: Vec<u8>, decided: bool },
}

impl<'a> ShardWriter<'a> {
    /// Begins a shard. Without `with_removed` what leaves is gone.
    pub fn begin(run: &'a RunDir, shard: &'a Shard, with_removed: bool) -> Result<ShardWriter<'a>> {
        let target = if shard.format.is_file_a_document() {
            Target::Files { file: 0, open: None, held: Vec::new(), decided: false }
        } else {
            let compression = shard.parts[0].compression;
            let corpus = run.raw(&format!("corpus/{}", shard.name), compression)?;
            let removed = match with_removed {
                true => Some(run.records(&format!("removed/{}", shard.name), compression)?),
                false => None,
            };
            Target::Records { corpus, removed }
        };
        Ok(ShardWriter { run, shard, with_removed, target })
    }

    /// The bytes of a record that stays. `part` is the file of the shard that it stands in.
    pub fn keep(&mut self, part: usize, bytes: &[u8]) -> Result<()> {
        let path = self.run.path(&format!("corpus/{}", self.shard.name));
        match &mut self.target {
            Target::Records { corpus, .. } => corpus.write_all(bytes).map_err(Error::io(path)),
            Target::Files { .. } => self.write_file(part, "corpus", bytes),
        }
    }

    /// A record that stays without some spans of it: `bytes` is the whole of it, `offset` where it stands in the file.
    pub fn strip(
        &mut self,
        part: usize,
        offset: u64,
        ordinal: u64,
        bytes: &[u8],
        stripped: &[Stripped],
    ) -> Result<()> {
        self.keep(part, &rest(bytes, stripped).collect::<Vec<_>>().concat())?;
        let pieces = stripped.iter().map(|span| PieceRecord::stripped(offset, ordinal, bytes, span));
        match &mut self.target {
            Target::Records { removed: Some(removed), .. } => {
                pieces.into_iter().try_for_each(|piece| removed.write(&piece))
            }
            Target::Files { .. } if self.with_removed => {
                let relative = self.relative("removed", part);
                let mut file = self.run.records(&relative, self.shard.parts[part].compression)?;
                pieces.into_iter().try_for_each(|piece| file.write(&piece))?;
                file.finish()
            }
            _ => Ok(()),
        }
    }

    /// The bytes of anything else, with their offset in the file.
    pub fn remove(
        &mut self,
        part: usize,
        offset: u64,
        kind: RemovedKind,
        ordinal: Option<u64>,
        bytes: &[u8],
    ) -> Result<()> {
        match &mut self.target {
            Target::Records { removed: Some(removed), .. } => {
                removed.write(&PieceRecord::new(offset, kind, ordinal, bytes))
            }
            Target::Records { removed: None, .. } => Ok(()),
            Target::Files { .. } if kind == RemovedKind::Framing => self.hold(part, bytes),
            Target::Files { .. } => self.write_file(part, "removed", bytes),
        }
    }

    /// Closes the shard's files.
    pub fn finish(mut self) -> Result<()> {
        self.close_file()?;
        if let Target::Records { corpus, removed } = self.target {
            corpus.finish().map_err(Error::io(self.run.path(&format!("corpus/{}", self.shard.name))))?;
            removed.map_or(Ok(()), RecordWriter::finish)?;
        }
        Ok(())
    }

    /// A file's byte order mark waits for its record and goes where that goes.
    fn hold(&mut self, part: usize, bytes: &[u8]) -> Result<()> {
        self.turn_to(part)?;
        if let Target::Files { held, .. } = &mut self.target {
            held.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn write_file(&mut self, part: usize, into: &str, bytes: &[u8]) -> Result<()> {
        self.turn_to(part)?;
        let relative = self.relative(into, part);
        let compression = self.shard.parts[part].compression;
        if let Target::Files { open, held, decided, .. } = &mut self.target {
            if !*decided {
                *decided = true;
                if into == "corpus" || self.with_removed {
                    *open = Some(self.run.raw(&relative, compression)?);
                }
            }
            if let Some(file) = open {
                let held = std::mem::take(held);
                file.write_all(&held)
                    .and_then(|()| file.write_all(bytes))
                    .map_err(Error::io(self.run.path(&relative)))?;
            }
        }
        Ok(())
    }

    /// Where a file that is a document goes.
    fn relative(&self, into: &str, part: usize) -> String {
        match self.shard.folder {
            true => format!("{into}/{}/{}", self.shard.name, self.shard.parts[part].name),
            false => format!("{into}/{}", self.shard.name),
        }
    }

    fn turn_to(&mut self, part: usize) -> Result<()> {
        if matches!(self.target, Target::Files { file, .. } if file != part) {
            self.close_file()?;
        }
        if let Target::Files { file, .. } = &mut self.target {
            *file = part;
        }
        Ok(())
    }

    fn close_file(&mut self) -> Result<()> {
        if let Target::Files { open, held, decided, file } = &mut self.target {
            *decided = false;
            held.clear();
            if let Some(open) = open.take() {
                let path = self.run.path(&self.shard.parts[*file].name);
                open.finish().map_err(Error::io(path))?;
            }
        }
        Ok(())
    }
}
