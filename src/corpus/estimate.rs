//! How much is there to read?
//!
//! Shards in, an [`Estimate`] of their documents and bytes out, from the sizes of their files and a look at a few places. It
//! decides how memory is shared out, and no answer.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Compression, Part, Shard, decoder};
use crate::error::{Error, Result};

/// What is expected of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Documents.
    pub documents: u64,
    /// Bytes, decompressed.
    pub bytes: u64,
    /// Of these, bytes of packed files, which cannot be read by position.
    pub packed_bytes: u64,
}

/// So many files are looked into, evenly drawn.
const FILES: usize = 32;

/// So many places of a plain file are looked at, and so many bytes at each. Of a packed one, as much from its beginning.
const PLACES: u64 = 16;
const PLACE_BYTES: u64 = 64 << 10;

/// Estimates what `shards` hold. Cost: the size of every file, and some reads of 32 of them.
///
/// # Errors
/// Where a file cannot be read.
pub fn estimate(shards: &[Shard]) -> Result<Estimate> {
    let mut estimate = Estimate::default();
    let parts: Vec<(&Shard, &Part)> =
        shards.iter().flat_map(|shard| shard.parts.iter().map(move |part| (shard, part))).collect();
    let mut seen = Seen::default();
    for &(shard, part) in parts.iter().step_by(parts.len().div_ceil(FILES).max(1)) {
        seen.look(shard, part)?;
    }
    for (shard, part) in parts {
        let size = part.path.metadata().map_err(Error::io(&part.path))?.len();
        let bytes = match part.compression {
            Compression::None => size,
            _ => (size as f64 * seen.unpacked.over(4.0)) as u64,
        };
        estimate.bytes += bytes;
        estimate.packed_bytes += if part.compression == Compression::None { 0 } else { bytes };
        estimate.documents += match shard.format.is_file_a_document() {
            true => 1,
            false => (bytes as f64 * seen.documents.over(1e-3)).ceil() as u64,
        };
    }
    Ok(estimate)
}

/// What was seen at some places.
#[derive(Default)]
struct Seen {
    /// Lines for each byte.
    documents: Ratio,
    /// Bytes for each packed byte.
    unpacked: Ratio,
}

#[derive(Default)]
struct Ratio {
    part: u64,
    whole: u64,
}

impl Ratio {
    fn add(&mut self, part: u64, whole: u64) {
        self.part += part;
        self.whole += whole;
    }

    fn over(&self, unknown: f64) -> f64 {
        if self.whole == 0 { unknown } else { self.part as f64 / self.whole as f64 }
    }
}

impl Seen {
    fn look(&mut self, shard: &Shard, part: &Part) -> Result<()> {
        let looked = match part.compression {
            Compression::None if shard.format.is_file_a_document() => Ok(()),
            Compression::None => self.look_at_places(&part.path),
            compression => self.look_into(&part.path, compression),
        };
        looked.map_err(Error::io(&part.path))
    }

    fn look_at_places(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let step = (size / PLACES).max(PLACE_BYTES);
        let mut bytes = Vec::new();
        for place in (0..size).step_by(step as usize) {
            file.seek(SeekFrom::Start(place))?;
            bytes.clear();
            (&mut file).take(PLACE_BYTES).read_to_end(&mut bytes)?;
            self.count(&bytes);
        }
        Ok(())
    }

    /// What a damaged file holds is told when it is read.
    fn look_into(&mut self, path: &Path, compression: Compression) -> io::Result<()> {
        let packed = Arc::new(AtomicU64::new(0));
        let counting = Counting { file: File::open(path)?, read: packed.clone() };
        let mut bytes = Vec::new();
        let unpacked = decoder(BufReader::new(counting), compression)?.take(PLACES * PLACE_BYTES);
        let whole = { unpacked }.read_to_end(&mut bytes).is_ok();
        if whole || !bytes.is_empty() {
            self.count(&bytes);
            self.unpacked.add(bytes.len() as u64, packed.load(Ordering::Relaxed));
        }
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.documents.add(bytes.iter().filter(|&&byte| byte == b'\n').count() as u64, bytes.len() as u64);
    }
}

/// Counts what is read of a file.
struct Counting {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::corpus::{Format, find_shards, writer};

    fn shards(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Vec<Shard>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let compression = Compression::of(name.as_ref());
            let file = File::create(dir.path().join(name)).unwrap();
            let mut out = writer(file, compression).unwrap();
            out.write_all(bytes).unwrap();
            out.finish().unwrap();
        }
        let found = find_shards(&[dir.path().to_str().unwrap().to_owned()], None, dir.path()).unwrap();
        (dir, found.shards)
    }

    fn lines(count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|line| format!("{{\"text\": \"{}\"}}\n", "word ".repeat(line % 100)).into_bytes())
            .collect()
    }

    #[test]
    fn lines_are_documents_packed_or_not() {
        let bytes = lines(20_000);
        let (_dir, plain) = shards(&[("a.jsonl", bytes.clone())]);
        let found = estimate(&plain).unwrap();
        assert_eq!((found.bytes, found.packed_bytes), (bytes.len() as u64, 0));
        assert!((19_000..21_000).contains(&found.documents), "{found:?}");
        let (_dir, packed) = shards(&[("a.jsonl.gz", bytes.clone()), ("b.jsonl.zst", bytes.clone())]);
        let found = estimate(&packed).unwrap();
        assert!((15_000..90_000).contains(&found.documents), "{found:?}");
        assert_eq!(found.packed_bytes, found.bytes);
    }

    #[test]
    fn a_file_may_be_a_document_or_nothing() {
        let (_dir, texts) = shards(&[("a.txt", b"some text".to_vec()), ("b.txt", Vec::new())]);
        assert_eq!(texts[0].format, Format::Text);
        assert_eq!(estimate(&texts).unwrap(), Estimate { documents: 2, bytes: 9, packed_bytes: 0 });
        let (_dir, empty) = shards(&[("a.jsonl", Vec::new())]);
        assert_eq!(estimate(&empty).unwrap(), Estimate::default());
    }
}
