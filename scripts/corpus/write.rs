//! Where does a corpus go?
//!
//! A corpus and a folder in; `corpus/*.jsonl` and `truth/*.jsonl` out. Threads take blocks of documents, make them, and write them in
//! turn, each block as one write to each file; packed, each block is a member or a frame of its own. Memory: two
//! blocks a thread, and 24 bytes a site.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Corpus, Lines, Pages};

/// How many documents, and where.
#[derive(Clone, Debug)]
pub struct Output {
    /// The folder, which may not have a corpus yet.
    pub folder: PathBuf,
    /// Documents of the corpus.
    pub documents: u64,
    /// Files that they are spread over, in order.
    pub shards: u64,
    /// How the shards are packed. The truth is not.
    pub packing: Packing,
    /// How many threads, 1 or more.
    pub threads: usize,
}

/// How shards are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the records, before packing.
    pub corpus_bytes: u64,
    /// Bytes of their texts.
    pub text_bytes: u64,
    /// Bytes of the truth.
    pub truth_bytes: u64,
    /// Sites with a page or more.
    pub sites: u64,
}

/// Writes a corpus.
///
/// # Errors
/// Where the folder holds a corpus already, or a file cannot be written.
pub fn write(corpus: &Corpus, output: &Output) -> io::Result<Written> {
    let turns = Turns {
        files: Mutex::new(Files::create(corpus, output)?),
        next: Condvar::new(),
        block: AtomicU64::new(0),
        failed: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..output.threads.max(1)).map(|_| scope.spawn(|| work(corpus, output, &turns))).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a thread broke off")))
        })
    })?;
    turns.files.into_inner().unwrap_or_else(PoisonError::into_inner).finish(corpus)
}

/// Documents of a block. A block never crosses shards.
const BLOCK: u64 = 4_096;

struct Turns {
    files: Mutex<Files>,
    next: Condvar,
    block: AtomicU64,
    failed: AtomicBool,
}

impl Turns {
    /// Waits until all earlier blocks are written; `None`, where one could not be.
    fn wait(&self, block: u64) -> Option<MutexGuard<'_, Files>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |files: &mut Files| files.done < block && !self.failed.load(Ordering::Relaxed);
        let files = self.next.wait_while(files, waits).unwrap_or_else(PoisonError::into_inner);
        (!self.failed.load(Ordering::Relaxed)).then_some(files)
    }
}

fn work(corpus: &Corpus, output: &Output, turns: &Turns) -> io::Result<()> {
    let mut maker = corpus.maker();
    let mut lines = Lines::default();
    loop {
        let block = turns.block.fetch_add(1, Ordering::Relaxed);
        let Some(place) = place_of(block, output) else { return Ok(()) };
        lines.clear();
        for number in place.first..place.end {
            maker.document(number, &mut lines);
        }
        let packed = pack(&lines.documents, output.packing);
        let Some(mut files) = turns.wait(block) else { return Ok(()) };
        let answer = packed.and_then(|packed| {
            files.append(place.shard, packed.as_deref().unwrap_or(&lines.documents), &lines)
        });
        if answer.is_err() {
            turns.failed.store(true, Ordering::Relaxed);
        }
        files.done = block + 1;
        drop(files);
        turns.next.notify_all();
        answer?;
    }
}

/// Documents `first` to before `end`, which stand in this shard.
struct Place {
    shard: u64,
    first: u64,
    end: u64,
}

/// What a block holds; `None` behind the last.
fn place_of(block: u64, output: &Output) -> Option<Place> {
    let per_shard = output.documents.div_ceil(output.shards.max(1)).max(1);
    let blocks = per_shard.div_ceil(BLOCK);
    let (shard, nth) = (block / blocks, block % blocks);
    let first = shard * per_shard + nth * BLOCK;
    let end = (first + BLOCK).min((shard + 1) * per_shard).min(output.documents);
    (shard * per_shard < output.documents).then_some(Place { shard, first: first.min(end), end })
}

fn pack(bytes: &[u8], packing: Packing) -> io::Result<Option<Vec<u8>>> {
    match packing {
        Packing::Plain => Ok(None),
        Packing::Gzip => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes)?;
            packed.finish().map(Some)
        }
        Packing::Zstd => zstd::bulk::compress(bytes, 1).map(Some),
    }
}

struct Files {
    output: Output,
    /// Blocks that are written.
    done: u64,
    shard: (u64, File),
    pairs: File,
    leads: File,
    reused: File,
    boilerplate: File,
    pages: Vec<[Pages; 2]>,
    written: Written,
}

impl Files {
    fn create(corpus: &Corpus, output: &Output) -> io::Result<Files> {
        fs::create_dir_all(&output.folder)?;
        for folder in ["corpus", "truth"] {
            fs::create_dir(output.folder.join(folder))
                .map_err(|error| at(&output.folder.join(folder), &error))?;
        }
        let truth = |name: &str| create(&output.folder.join("truth").join(name));
        Ok(Files {
            done: 0,
            shard: (0, create(&shard(output, 0))?),
            pairs: truth("pairs.jsonl")?,
            leads: truth("leads.jsonl")?,
            reused: truth("reused.jsonl")?,
            boilerplate: truth("boilerplate.jsonl")?,
            pages: vec![[Pages::default(); 2]; corpus.plan.sites(output.documents) as usize],
            written: Written::default(),
            output: output.clone(),
        })
    }

    fn append(&mut self, number: u64, packed: &[u8], lines: &Lines) -> io::Result<()> {
        if number != self.shard.0 {
            self.shard = (number, create(&shard(&self.output, number))?);
        }
        self.shard.1.write_all(packed)?;
        for (file, lines) in [
            (&mut self.pairs, &lines.pairs),
            (&mut self.leads, &lines.leads),
            (&mut self.reused, &lines.reused),
            (&mut self.boilerplate, &lines.boilerplate),
        ] {
            file.write_all(lines)?;
            self.written.truth_bytes += lines.len() as u64;
        }
        for &(site, language, worn) in &lines.worn {
            let pages = &mut self.pages[site as usize];
            pages[language].documents += 1;
            pages[language].header += u32::from(worn.header);
            pages[language].footer += u32::from(worn.footer);
        }
        self.written.corpus_bytes += lines.documents.len() as u64;
        self.written.text_bytes += lines.text_bytes;
        Ok(())
    }

    /// The templates, which are known once all pages are counted.
    fn finish(mut self, corpus: &Corpus) -> io::Result<Written> {
        let mut file = create(&self.output.folder.join("truth").join("templates.jsonl"))?;
        let mut lines = Vec::new();
        for (site, pages) in self.pages.iter().enumerate() {
            corpus.templates(site as u64, pages, &mut lines);
            self.written.sites += u64::from(pages.iter().any(|pages| pages.documents > 0));
            if lines.len() >= FULL || site + 1 == self.pages.len() {
                file.write_all(&lines)?;
                self.written.truth_bytes += lines.len() as u64;
                lines.clear();
            }
        }
        Ok(self.written)
    }
}

/// Bytes of templates that are written at once.
const FULL: usize = 1 << 20;

fn shard(output: &Output, number: u64) -> PathBuf {
    let extension = match output.packing {
        Packing::Plain => "jsonl",
        Packing::Gzip => "jsonl.gz",
        Packing::Zstd => "jsonl.zst",
    };
    output.folder.join("corpus").join(format!("part-{number:05}.{extension}"))
}

fn create(path: &Path) -> io::Result<File> {
    File::create_new(path).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
