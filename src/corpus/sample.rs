//! Which part of a corpus stands for all of it?
//!
//! Shards and a number of bytes in, a [`Sample`] out: stretches of records that follow each other, drawn evenly over all
//! shards. Neighbours stay together, for duplicates and pages of one site often are neighbours. What fits in the sample is
//! taken whole and is no copy.
//!
//! A sample decides no answer of a run. What it may say wrongly is told where it is used.
//!
//! Time: the sizes of all files, a copy of what is drawn, and unpacking of packed files up to what is drawn last of them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Compression, Damage, Estimate, Part, Shard, reader, writer};
use crate::error::{Error, Result};

/// Some records of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Shards that hold them, in document order, each with the number of its stretch. A shard of several stretches stands
    /// there several times, as `STRETCH/NAME`.
    pub shards: Vec<(u32, Shard)>,
    /// It is all there is, as it stands; then every shard has a stretch of its own.
    pub whole: bool,
}

/// How a sample is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSettings {
    /// About so many decompressed bytes are drawn, if there are more than half as many again.
    pub bytes: u64,
    /// In so many stretches.
    pub stretches: u32,
    /// Another seed, another sample.
    pub seed: u64,
    /// No record is copied further than that.
    pub max_record: u64,
}

/// Of packed files, which can be read from their beginning only, so many decompressed bytes are within reach, evenly from
/// all of them: a few seconds.
const REACH: u64 = 1 << 30;

/// Draws a sample. What is copied goes to `folder`.
///
/// # Errors
/// Where a file cannot be read, or `folder` not be written.
pub fn sample(
    shards: &[Shard],
    expected: &Estimate,
    settings: &SampleSettings,
    folder: &Path,
) -> Result<Sample> {
    if expected.bytes <= settings.bytes.saturating_add(settings.bytes / 2) {
        let all = (0..).zip(shards).map(|(number, shard)| (number, shard.clone()));
        return Ok(Sample { shards: all.collect(), whole: true });
    }
    let places = places(shards, expected)?;
    let total = places.last().map_or(0, |place| place.bytes.end);
    let mut drawing = Drawing {
        shards,
        folder,
        reach: (REACH as f64 / expected.packed_bytes.max(1) as f64).min(1.0),
        max_record: settings.max_record,
        drawn: Vec::new(),
    };
    let stretches = stretches(total, settings);
    let mut first = 0;
    for place in &places {
        first += stretches[first..].partition_point(|stretch| stretch.end <= place.bytes.start);
        let last = first + stretches[first..].partition_point(|stretch| stretch.start < place.bytes.end);
        drawing.draw(place, first as u32, &stretches[first..last])?;
    }
    drawing.drawn.sort_by_key(|(stretch, _)| *stretch); // stable: shards keep their order
    Ok(Sample { shards: drawing.drawn, whole: false })
}

/// Where a file stands, were all of them one.
struct Place {
    shard: usize,
    part: usize,
    bytes: Range<u64>,
}

fn places(shards: &[Shard], expected: &Estimate) -> Result<Vec<Place>> {
    let mut sizes = Vec::new();
    let mut packed = 0;
    for (shard, number) in shards.iter().zip(0..) {
        for (part, index) in shard.parts.iter().zip(0..) {
            let size = part.path.metadata().map_err(Error::io(&part.path))?.len();
            packed += if part.compression == Compression::None { 0 } else { size };
            sizes.push((number, index, part.compression, size));
        }
    }
    let unpacked = expected.packed_bytes as f64 / packed.max(1) as f64;
    let mut end = 0;
    Ok(sizes
        .into_iter()
        .map(|(shard, part, compression, size)| {
            let start = end;
            end += match compression {
                Compression::None => size,
                _ => (size as f64 * unpacked) as u64,
            };
            Place { shard, part, bytes: start..end }
        })
        .collect())
}

/// One stretch in each of as many equal segments, at a place drawn by lot.
fn stretches(total: u64, settings: &SampleSettings) -> Vec<Range<u64>> {
    let count = u64::from(settings.stretches.max(1));
    let length = (settings.bytes / count).max(1);
    let segment = total as f64 / count as f64;
    let stretch = |number: u64| {
        let lot = xxh3_64_with_seed(&number.to_le_bytes(), settings.seed) as f64 / u64::MAX as f64;
        let start = (number as f64 * segment + lot * (segment - length as f64).max(0.0)) as u64;
        start..start + length
    };
    (0..count).map(stretch).collect()
}

struct Drawing<'a> {
    shards: &'a [Shard],
    folder: &'a Path,
    reach: f64,
    max_record: u64,
    drawn: Vec<(u32, Shard)>,
}

impl Drawing<'_> {
    /// Draws what lies in a file of these stretches, the first of which has the number `first`.
    fn draw(&mut self, place: &Place, first: u32, stretches: &[Range<u64>]) -> Result<()> {
        let shard = &self.shards[place.shard];
        let part = &shard.parts[place.part];
        if shard.format.is_file_a_document() {
            if let Some(stretch) = stretches.iter().position(|stretch| stretch.contains(&place.bytes.start)) {
                self.add(first + stretch as u32, place, part.clone());
            }
            return Ok(());
        }
        let mut lines = None;
        for (stretch, number) in stretches.iter().zip(first..) {
            let lines = match &mut lines {
                Some(lines) => lines,
                none => none.insert(Lines::open(part)?),
            };
            let wanted = self.wanted(part, &place.bytes, stretch);
            if let Some(copy) = self.copy(number, place, part, lines, wanted)? {
                self.add(number, place, copy);
            }
        }
        Ok(())
    }

    /// Which bytes of a file a stretch asks for.
    fn wanted(&self, part: &Part, place: &Range<u64>, stretch: &Range<u64>) -> Range<u64> {
        let start = stretch.start.max(place.start) - place.start;
        let length = stretch.end.min(place.end) - place.start - start;
        let start = match part.compression {
            Compression::None => start,
            _ => (start as f64 * self.reach) as u64,
        };
        start..start + length
    }

    fn copy(
        &self,
        stretch: u32,
        place: &Place,
        part: &Part,
        lines: &mut Lines,
        wanted: Range<u64>,
    ) -> Result<Option<Part>> {
        let path = self.folder.join(format!("{stretch}-{}-{}", place.shard, place.part));
        fs::create_dir_all(self.folder).map_err(Error::io(self.folder))?;
        let file = File::create(&path).map_err(Error::io(&path))?;
        let mut out = writer(file, part.compression).map_err(Error::io(&path))?;
        let most = wanted.end.saturating_add(self.max_record);
        lines.seek(&wanted).map_err(Error::io(&part.path))?;
        let mut copied = 0;
        while lines.position < wanted.end {
            let Some(bytes) = lines.next(most).map_err(Error::io(&part.path))? else { break };
            copied += bytes.len();
            out.write_all(bytes).map_err(Error::io(&path))?;
        }
        out.finish().map_err(Error::io(&path))?;
        Ok((copied > 0).then(|| Part { path, ..part.clone() }))
    }

    /// Adds a file to the shard of its stretch.
    fn add(&mut self, stretch: u32, place: &Place, part: Part) {
        let shard = &self.shards[place.shard];
        let name = format!("{stretch:03}/{}", shard.name);
        match self.drawn.iter_mut().rev().find(|(number, _)| *number == stretch) {
            Some((_, last)) if last.name == name => last.parts.push(part),
            _ => self.drawn.push((stretch, Shard { name, parts: vec![part], ..shard.clone() })),
        }
    }
}

/// The lines of a file from some places on.
struct Lines {
    path: PathBuf,
    packed: bool,
    reader: BufReader<Box<dyn Read + Send>>,
    position: u64,
    line: Vec<u8>,
}

impl Lines {
    fn open(part: &Part) -> Result<Lines> {
        let packed = part.compression != Compression::None;
        let reader = BufReader::new(reader(&part.path, part.compression)?);
        Ok(Lines { path: part.path.clone(), packed, reader, position: 0, line: Vec::new() })
    }

    /// Goes to the first line that begins at `wanted.start` or behind it, but no further than to its end.
    fn seek(&mut self, wanted: &Range<u64>) -> io::Result<()> {
        let begins = self.position == 0 || self.line.last() == Some(&b'\n');
        if wanted.start <= self.position && begins {
            return Ok(());
        }
        // A line begins at a byte if the one before it ends one.
        let before = wanted.start.saturating_sub(1).max(self.position);
        if self.packed {
            self.skip(before - self.position)?;
        } else {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(before))?;
            self.reader = BufReader::new(Box::new(file));
            self.position = before;
        }
        while !self.fill(wanted.end)? && !self.line.is_empty() {}
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.reader).take(bytes), &mut io::sink());
        self.position += whole_or_torn(skipped, bytes)?;
        Ok(())
    }

    /// The next line, or a piece of a long one; none at the end, or where `most` bytes of the file are read.
    fn next(&mut self, most: u64) -> io::Result<Option<&[u8]>> {
        self.fill(most)?;
        Ok((!self.line.is_empty()).then_some(&self.line))
    }

    /// Reads on up to the end of the line, and says whether it was reached.
    fn fill(&mut self, most: u64) -> io::Result<bool> {
        self.line.clear();
        let room = PIECE.min(most.saturating_sub(self.position));
        let read = (&mut self.reader).take(room).read_until(b'\n', &mut self.line).map(|read| read as u64);
        whole_or_torn(read, 0)?;
        self.position += self.line.len() as u64;
        Ok(self.line.last() == Some(&b'\n'))
    }
}

/// So much of a line is read at a time.
const PIECE: u64 = 1 << 20;

/// A file ends where it is damaged; the run that reads all of it tells.
fn whole_or_torn(read: io::Result<u64>, torn: u64) -> io::Result<u64> {
    read.or_else(|error| if Damage::in_error(&error).is_some() { Ok(torn) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{estimate, find_shards};
    use super::*;

    fn corpus(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Vec<Shard>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut out = writer(File::create(&path).unwrap(), Compression::of(&path)).unwrap();
            out.write_all(bytes).unwrap();
            out.finish().unwrap();
        }
        let found = find_shards(&[dir.path().to_str().unwrap().to_owned()], None, dir.path()).unwrap();
        (dir, found.shards)
    }

    fn lines(count: usize, tag: &str) -> Vec<u8> {
        (0..count)
            .flat_map(|line| {
                format!("{{\"id\": \"{tag}{line}\", \"text\": \"{}\"}}\n", "word ".repeat(line % 50))
                    .into_bytes()
            })
            .collect()
    }

    const SETTINGS: SampleSettings =
        SampleSettings { bytes: 64 << 10, stretches: 16, seed: 7, max_record: 1 << 20 };

    fn drawn(shards: &[Shard], settings: &SampleSettings, out: &Path) -> (Sample, BTreeMap<u32, Vec<u8>>) {
        let sample = sample(shards, &estimate(shards).unwrap(), settings, out).unwrap();
        let mut texts: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for (stretch, shard) in &sample.shards {
            for part in &shard.parts {
                let text = texts.entry(*stretch).or_default();
                reader(&part.path, part.compression).unwrap().read_to_end(text).unwrap();
            }
        }
        (sample, texts)
    }

    /// Whole lines that follow each other, about as many bytes as were asked for, the same each time.
    #[track_caller]
    fn check_lines(files: &[(&str, Vec<u8>)]) {
        let (dir, shards) = corpus(files);
        let all: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let (sample, texts) = drawn(&shards, &SETTINGS, &dir.path().join("out"));
        assert!(!sample.whole);
        assert!(sample.shards.is_sorted_by_key(|(stretch, _)| *stretch));
        let length: usize = texts.values().map(Vec::len).sum();
        assert!((50 << 10..80 << 10).contains(&length), "{length} bytes");
        assert!(texts.len() > 8, "{} stretches", texts.len());
        for text in texts.values() {
            let at = (0..all.len()).find(|&at| all[at..].starts_with(text)).expect("a stretch of the corpus");
            assert!(at == 0 || all[at - 1] == b'\n');
            assert_eq!(text.last(), Some(&b'\n'));
        }
        assert_eq!(drawn(&shards, &SETTINGS, &dir.path().join("again")).1, texts);
    }

    #[test]
    fn stretches_are_whole_lines() {
        check_lines(&[("a.jsonl", lines(4_000, "a"))]);
        check_lines(&[("a.jsonl.zst", lines(4_000, "a"))]);
        check_lines(&[("a.jsonl.gz", lines(2_000, "a")), ("b.jsonl.gz", lines(2_000, "b"))]);
        let many: Vec<(String, Vec<u8>)> =
            (10..99).map(|file| (format!("{file}.jsonl"), lines(60, &file.to_string()))).collect();
        check_lines(&many.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>());
    }

    #[test]
    fn what_fits_is_taken_whole() {
        let (dir, shards) = corpus(&[("a.jsonl", lines(500, "a")), ("b/c.txt", b"some text".to_vec())]);
        let (sample, texts) = drawn(&shards, &SETTINGS, &dir.path().join("out"));
        assert!(sample.whole);
        assert_eq!(sample.shards.into_iter().map(|(_, shard)| shard).collect::<Vec<_>>(), shards);
        assert_eq!(texts.len(), 2);
    }

    #[test]
    fn files_that_are_documents_are_not_copied() {
        let files: Vec<(String, Vec<u8>)> =
            (1000..4000).map(|file| (format!("f/{file}.txt"), vec![b'x'; 100])).collect();
        let (dir, shards) =
            corpus(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>());
        let (sample, texts) = drawn(&shards, &SETTINGS, &dir.path().join("out"));
        assert!(!sample.whole && texts.len() == 16);
        let parts: Vec<&Part> = sample.shards.iter().flat_map(|(_, shard)| &shard.parts).collect();
        assert!((600..700).contains(&parts.len()), "{}", parts.len());
        assert!(parts.iter().all(|part| part.path.parent().unwrap().ends_with("f")));
        assert!(sample.shards.iter().all(|(_, shard)| shard.site == "f"));
    }

    #[test]
    fn a_long_line_is_cut_and_a_torn_file_ends() {
        let (dir, shards) = corpus(&[("a.jsonl", vec![b'x'; 4 << 20])]);
        let settings = SampleSettings { max_record: 1000, ..SETTINGS };
        let (_, texts) = drawn(&shards, &settings, &dir.path().join("out"));
        let length: usize = texts.values().map(Vec::len).sum();
        assert!(length <= (4 << 10) + 1000, "{length}"); // the line begins in the first stretch, if in any
        let (dir, shards) = corpus(&[("a.jsonl.gz", lines(4_000, "a"))]);
        let path = &shards[0].parts[0].path;
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        let (_, texts) = drawn(&shards, &SETTINGS, &dir.path().join("out"));
        assert!(!texts.is_empty());
    }
}
