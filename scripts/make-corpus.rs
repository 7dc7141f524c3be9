//! `scripts/make-corpus`: writes a corpus of any size, with the truth of what is planted in it beside it.

mod corpus;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Parser;
use corpus::{Corpus, Output, Packing, Settings, Shares, write};

/// Writes a corpus of made articles on made sites, and the truth of what is planted in it
///
/// FOLDER/corpus has the shards, FOLDER/truth what a run over them must find:
///   pairs.jsonl        each copy (b) with its original (a): Jaccard and containment of their contents, measured over
///                      runs of five tokens; kind `text` (the whole text is the same), `content`, `near`, `abridged`.
///                      Two copies of one original are no line
///   leads.jsonl        paragraphs that later ones of their document say again by 0.8 or more
///   reused.jsonl       paragraphs from an agency: those of one `wire` are the same
///   boilerplate.jsonl  where the content of each document stands, in bytes of its text; all else is boilerplate
///   templates.jsonl    header and footer of each site and language, slots in braces, and on how many pages they stand
///
/// The same options give the same bytes with any number of threads, and the first N documents of a corpus are those of
/// a larger one (with --shards 1, plain).
#[derive(Parser)]
#[command(name = "scripts/make-corpus", verbatim_doc_comment)]
#[command(after_help = "Example: scripts/make-corpus target/made --documents 2k --seed 7")]
struct Args {
    /// Where to write; may not hold a corpus yet
    folder: PathBuf,
    /// How many documents; k and M stand for thousands and millions
    #[arg(long, default_value = "10k", value_parser = count, value_name = "N")]
    documents: u64,
    /// Mean size of a text, 400 or more (shorter ones are made longer)
    #[arg(long, default_value_t = 600, value_name = "BYTES")]
    bytes_per_document: u64,
    /// Another seed, another corpus
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Files that the documents are spread over, in order
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=99_999), value_name = "N")]
    shards: u64,
    /// Pack the shards
    #[arg(long, conflicts_with = "zstd")]
    gzip: bool,
    /// Pack the shards
    #[arg(long)]
    zstd: bool,
    /// How many sites [default: 12, and one more for each 80 documents]
    #[arg(long, value_parser = count, value_name = "N")]
    sites: Option<u64>,
    /// How many threads [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Share of documents that copy a content
    #[arg(long, default_value_t = Shares::default().exact, value_parser = share)]
    exact: f64,
    /// Share of documents that are edited copies
    #[arg(long, default_value_t = Shares::default().near, value_parser = share)]
    near: f64,
    /// Least Jaccard similarity that edited copies aim at, in percent; they are spread evenly from there to 100
    #[arg(long, default_value_t = Settings::default().least_similarity, value_parser = clap::value_parser!(u64).range(20..=99), value_name = "PERCENT")]
    least_similarity: u64,
    /// Share of documents that are copies which break off
    #[arg(long, default_value_t = Shares::default().abridged, value_parser = share)]
    abridged: f64,
    /// Share of originals whose lead stands again in two later paragraphs
    #[arg(long, default_value_t = Shares::default().leads, value_parser = share)]
    leads: f64,
    /// Share of originals with another paragraph that stands again
    #[arg(long, default_value_t = Shares::default().repeats, value_parser = share)]
    repeats: f64,
    /// Share of originals with an agency's lead
    #[arg(long, default_value_t = Shares::default().shared_leads, value_parser = share)]
    shared_leads: f64,
    /// Share of originals with an agency's paragraph in the body
    #[arg(long, default_value_t = Shares::default().agency, value_parser = share)]
    agency: f64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let started = Instant::now();
    match write(&Corpus::new(&args.settings()), &args.output()) {
        Ok(written) => {
            let seconds = started.elapsed().as_secs_f64();
            let bytes = written.corpus_bytes + written.truth_bytes;
            println!(
                "{} documents on {} sites in {}: {} bytes of records ({:.0} a text), {} of truth; {seconds:.2} s, {:.0} MB/s",
                args.documents,
                written.sites,
                args.folder.display(),
                written.corpus_bytes,
                written.text_bytes as f64 / args.documents.max(1) as f64,
                written.truth_bytes,
                bytes as f64 / 1e6 / seconds,
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            seed: self.seed,
            bytes_per_document: self.bytes_per_document,
            sites: self.sites,
            least_similarity: self.least_similarity,
            shares: Shares {
                exact: self.exact,
                near: self.near,
                abridged: self.abridged,
                leads: self.leads,
                repeats: self.repeats,
                shared_leads: self.shared_leads,
                agency: self.agency,
            },
        }
    }

    fn output(&self) -> Output {
        let packing = match (self.gzip, self.zstd) {
            (true, _) => Packing::Gzip,
            (_, true) => Packing::Zstd,
            _ => Packing::Plain,
        };
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        Output {
            folder: self.folder.clone(),
            documents: self.documents,
            shards: self.shards,
            packing,
            threads: self.threads.unwrap_or(cores).clamp(1, MOST_THREADS),
        }
    }
}

/// A guess at what no disk keeps up with.
const MOST_THREADS: usize = 64;

/// `20M`, `2k`, `1500`; less than four thousand million, which the draws of a number can tell apart.
fn count(word: &str) -> Result<u64, String> {
    let (digits, unit) = match word.as_bytes().last() {
        Some(b'k') => (&word[..word.len() - 1], 1_000),
        Some(b'M') => (&word[..word.len() - 1], 1_000_000),
        _ => (word, 1),
    };
    let number = digits.parse::<u64>().map_err(|error| error.to_string())?;
    number.checked_mul(unit).filter(|&count| count < 4_000_000_000).ok_or("4,000 M or more".to_owned())
}

fn share(word: &str) -> Result<f64, String> {
    let share = word.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is from 0 to 1".to_owned()) }
}
