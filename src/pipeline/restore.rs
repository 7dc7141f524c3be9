//! The original corpus, back from a finished run.

use std::io::Write;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::corpus::ShardDigest;
use crate::error::{Error, Result};
use crate::output::{FinishedRun, Input, NewDir, Original, hex128};

/// Writes each original shard to `out`: its decompressed bytes are those that the run read, which is proven by their
/// hash before `out` appears. Returns how many shards.
///
/// # Errors
/// Where DIR is no finished run of `dedupe`, keeps no removed records, or was changed; where `out` holds anything.
pub fn restore(dir: &Path, out: &Path) -> Result<u64> {
    let run = FinishedRun::open(dir)?;
    let shown = dir.display();
    if run.summary.command != "dedupe" {
        return Err(Error::Run(format!("{shown}: a scan keeps no corpus; there is nothing to restore")));
    }
    if !run.summary.removed && run.summary.bytes.kept != run.summary.bytes.read {
        return Err(Error::Run(format!("{shown}: was made with --no-removed; what it removed is gone")));
    }
    let new = NewDir::create(out, false)?;
    for input in &run.summary.inputs {
        restore_shard(&run, input, &new)?;
    }
    new.finish()?;
    Ok(run.summary.inputs.len() as u64)
}

fn restore_shard(run: &FinishedRun, input: &Input, new: &NewDir) -> Result<()> {
    let mut hash = Digest::new(input);
    if input.files.is_empty() {
        let mut file = new.raw(&input.shard, input.compression)?;
        run.for_each_original(input, |original| {
            hash.add(&original);
            file.write_all(&original.bytes).map_err(Error::io(new.path(&input.shard)))
        })?;
        file.finish().map_err(Error::io(new.path(&input.shard)))?;
    } else {
        run.for_each_original(input, |original| {
            hash.add(&original);
            let source = &input.files[original.part];
            let relative = input.path_of(source);
            let mut file = new.raw(&relative, source.compression)?;
            file.write_all(&original.bytes).map_err(Error::io(new.path(&relative)))?;
            file.finish().map(|_| ()).map_err(Error::io(new.path(&relative)))
        })?;
    }
    hash.check(input).map_err(Error::Run)
}

/// The hash of a shard, from its pieces.
pub(super) struct Digest<'a> {
    hash: Xxh3,
    bytes: u64,
    input: &'a Input,
}

impl<'a> Digest<'a> {
    pub(super) fn new(input: &'a Input) -> Digest<'a> {
        Digest { hash: Xxh3::new(), bytes: 0, input }
    }

    pub(super) fn add(&mut self, original: &Original) {
        self.hash.update(&original.bytes);
        self.bytes += original.bytes.len() as u64;
        if self.input.folder {
            let name = &self.input.files[original.part].name;
            ShardDigest::seal_part(&mut self.hash, name, original.bytes.len() as u64);
        }
    }

    /// Whether they are the bytes that the run read.
    pub(super) fn check(self, input: &Input) -> std::result::Result<(), String> {
        let hash = hex128(self.hash.digest128());
        if (self.bytes, hash.as_str()) == (input.bytes, input.hash.as_str()) {
            return Ok(());
        }
        Err(format!(
            "{}: what corpus/ and removed/ hold together is not what was read ({} bytes with hash {hash}, not {} with {})",
            input.shard, self.bytes, input.bytes, input.hash
        ))
    }
}
