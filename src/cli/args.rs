//! The words of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use dittograph::corpus::{Format, SiteBy};
use dittograph::resolve::KeepKey;
use dittograph::text::ParagraphBreaks;

use super::settings;

/// Finds what a corpus says twice: near-duplicate documents, repeated paragraphs and leads, site boilerplate.
#[derive(Parser)]
#[command(name = "dittograph", version, term_width = 110, disable_help_subcommand = true)]
#[command(after_help = "Example: dittograph dedupe crawl/ -o clean/\n\n\
    Each command has a page of its own: dittograph dedupe --help\n\n\
    Exit codes: 0 done; 1 failed, or faults found; 2 wrong usage; 3 done, but too many records could not be read")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Remove near-duplicates: the cleaned corpus, findings, a summary
    #[command(after_help = "Examples: dittograph dedupe crawl/ -o clean/\n          \
        dittograph dedupe crawl/ -o clean/ --strip boilerplate,leads,repeats\n          \
        dittograph dedupe news/ -o clean/ --min-containment 0.8    (abridged copies go, too)\n          \
        zstd -dc part.jsonl.zst | dittograph dedupe - > clean.jsonl")]
    Dedupe(DedupeArgs),
    /// The same findings and summary, without a corpus
    #[command(after_help = "Example: dittograph scan news/*.jsonl.gz -o report/")]
    Scan(ScanArgs),
    /// Boilerplate templates per site, to standard output
    #[command(after_help = "Example: dittograph templates crawl/ > templates.jsonl")]
    Templates(StreamArgs),
    /// Near-duplicate pairs with their exact similarity, to standard output
    #[command(
        after_help = "Example: dittograph pairs --content all --min-similarity 0.5 crawl/ > pairs.jsonl"
    )]
    Pairs(StreamArgs),
    /// Why a document was flagged or removed; two: side by side, what they share
    #[command(after_help = "Examples: dittograph explain clean/ news.jsonl#17\n          \
        dittograph explain clean/ news.jsonl#17 news.jsonl#4 --color always | less -R")]
    Explain(ExplainArgs),
    /// Before the run: what it will find and take, from a sample, in seconds
    #[command(after_help = "Examples: dittograph plan crawl/\n          \
        dittograph plan crawl/ --memory 1GiB --json")]
    Plan(PlanArgs),
    /// Give the original corpus back from a finished run
    #[command(after_help = "Example: dittograph restore clean/ -o original/")]
    Restore(RestoreArgs),
    /// Re-check a finished run: witnesses, accounting, untouched bytes
    #[command(after_help = "Examples: dittograph verify clean/ --sample 10000\n          \
        dittograph verify clean/ --rerun crawl/\n          \
        dittograph verify clean/ --judge 100    (y, n, s or q for each pair; goes on where it stopped)")]
    Verify(VerifyArgs),
    /// Print a completion script for your shell
    #[command(
        after_help = "Example: dittograph completions bash > ~/.local/share/bash-completion/completions/dittograph"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(clap::Args)]
pub struct DedupeArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where the answers go; `dedupe -` without it is a filter
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub compare: CompareArgs,
    #[command(flatten)]
    pub guard: GuardArgs,
    /// Take flagged spans out of kept documents: boilerplate, leads, repeats
    #[arg(
        long,
        help_heading = "Output",
        value_enum,
        value_name = "KIND,KIND",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    pub strip: Vec<StripArg>,
    /// Do not keep what was removed: no restore
    #[arg(long, help_heading = "Output")]
    pub no_removed: bool,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(clap::Args)]
pub struct ScanArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where the answers go
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub compare: CompareArgs,
    #[command(flatten)]
    pub guard: GuardArgs,
    #[command(flatten)]
    pub answer: AnswerArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(clap::Args)]
pub struct StreamArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
    /// Exit with 3 when a larger share of records cannot be read
    #[arg(long, help_heading = "Output", value_name = "SHARE", default_value_t = 0.001, value_parser = settings::share)]
    pub max_rejected: f64,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
    /// Print one JSON object instead
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// The folder of a finished run
    pub dir: PathBuf,
    /// Where the original corpus goes
    #[arg(short, long, value_name = "DIR2")]
    pub output: PathBuf,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The folder of a finished run
    pub dir: PathBuf,
    /// Also hold N documents against all kept ones: was a duplicate missed?
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
    /// Also run again on what the run read, and compare byte for byte
    #[arg(long, value_name = "INPUT", num_args = 1..)]
    pub rerun: Vec<String>,
    /// The ids that the run protected, one a line, for --sample and --rerun
    #[arg(long, value_name = "FILE")]
    pub protect: Option<PathBuf>,
    #[command(flatten)]
    pub judging: JudgeArgs,
    /// Print what was found as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What a person judges.
#[derive(clap::Args)]
pub struct JudgeArgs {
    /// Only show N removed documents beside what was kept, and ask: the precision
    #[arg(long, help_heading = "Judging", value_name = "N", conflicts_with_all = ["sample", "rerun", "protect"], value_parser = clap::value_parser!(u64).range(1..))]
    pub judge: Option<u64>,
    /// Where the answers go [default: DIR.judgements.jsonl]
    #[arg(long, help_heading = "Judging", value_name = "FILE", requires = "judge")]
    pub judgements: Option<PathBuf>,
    /// What the run read, for a DIR without texts [default: where it lay then]
    #[arg(long, help_heading = "Judging", value_name = "INPUT", requires = "judge")]
    pub input: Vec<String>,
    /// Mark in colour: auto (on a terminal, not with NO_COLOR), always, never
    #[arg(
        long,
        help_heading = "Judging",
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub color: When,
    /// Columns; from 100 on side by side [default: the terminal's, else 80]
    #[arg(long, help_heading = "Judging", value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    pub width: Option<u16>,
}

#[derive(clap::Args)]
pub struct ExplainArgs {
    /// The folder of a finished run
    pub dir: PathBuf,
    /// A document: SHARD#ORDINAL, its id, or its url; or two of them
    #[arg(required = true, num_args = 1..=2, value_name = "DOC")]
    pub documents: Vec<String>,
    /// What the run read, for a DIR without texts [default: where it lay then]
    #[arg(long, value_name = "INPUT")]
    pub input: Vec<String>,
    /// Print one JSON object instead
    #[arg(long)]
    pub json: bool,
    /// Show flagged passages whole, not only their first and last words
    #[arg(long)]
    pub full: bool,
    /// Mark in colour: auto (on a terminal, not with NO_COLOR), always, never
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
    /// Columns; from 100 on side by side [default: the terminal's, else 80]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    pub width: Option<u16>,
    /// Show progress on standard error: auto (on a terminal), always, never
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", hide_possible_values = true)]
    pub progress: When,
}

/// What is read, and how.
#[derive(clap::Args)]
pub struct ReadArgs {
    /// Files, folders, globs, @LIST, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Read every INPUT as jsonl or text, whatever its name ends in
    #[arg(long, help_heading = "Input", value_parser = settings::format)]
    pub format: Option<Format>,
    /// Field of the text [default: text, content, raw_content or body]
    #[arg(long, help_heading = "Input", value_name = "FIELD")]
    pub text_field: Option<String>,
    /// Field of the id [default: id, doc_id or uid]
    #[arg(long, help_heading = "Input", value_name = "FIELD")]
    pub id_field: Option<String>,
    /// Field of the url [default: url, uri or source_url]
    #[arg(long, help_heading = "Input", value_name = "FIELD")]
    pub url_field: Option<String>,
    /// Field of the site; wins over the url
    #[arg(long, help_heading = "Input", value_name = "FIELD")]
    pub site_field: Option<String>,
    /// What of a url is the site: host, or the registrable domain
    #[arg(long, help_heading = "Input", default_value = "host", value_parser = settings::site)]
    pub site: SiteBy,
    /// What parts paragraphs: auto, blank (lines), or line (breaks)
    #[arg(long, help_heading = "Input", default_value = "auto", value_parser = settings::breaks)]
    pub paragraphs: ParagraphBreaks,
    /// Longer records are rejected
    #[arg(long, help_heading = "Input", value_name = "SIZE", default_value = "64MiB", value_parser = settings::size)]
    pub max_record: u64,
    /// Map plain files instead of reading them; nobody may change them meanwhile
    #[arg(long, help_heading = "Input")]
    pub mmap: bool,
}

/// What counts as alike, and who stays.
#[derive(clap::Args)]
pub struct CompareArgs {
    /// Least Jaccard similarity of duplicates, 0.5 to 1
    #[arg(long, help_heading = "Comparing", value_name = "S", default_value_t = 0.8, value_parser = settings::similarity)]
    pub min_similarity: f64,
    /// Also remove shorter documents contained in a longer kept one, 0.5 to 1
    #[arg(long, help_heading = "Comparing", value_name = "C", value_parser = settings::containment)]
    pub min_containment: Option<f64>,
    /// Tokens in a shingle
    #[arg(long, help_heading = "Comparing", value_name = "K", default_value = "5", value_parser = settings::shingle)]
    pub shingle: std::num::NonZeroUsize,
    /// Who stays: longest, shortest, https, short-url, min:FIELD, max:FIELD, first
    #[arg(
        long,
        help_heading = "Comparing",
        value_name = "KEY,KEY",
        value_delimiter = ',',
        default_value = "longest,first"
    )]
    pub keep: Vec<KeepKey>,
    /// Ids that are never removed, one a line
    #[arg(long, help_heading = "Comparing", value_name = "FILE")]
    pub protect: Option<PathBuf>,
    /// Compare only documents equal in this field
    #[arg(long, help_heading = "Comparing", value_name = "FIELD")]
    pub within: Option<String>,
    /// What is compared: article (the text without boilerplate) or all
    #[arg(
        long,
        help_heading = "Comparing",
        value_enum,
        default_value = "article",
        hide_possible_values = true
    )]
    pub content: ContentArg,
    /// Find every pair, without signatures: slower, misses none
    #[arg(long, help_heading = "Comparing")]
    pub exact: bool,
    /// Seed of all hash functions
    #[arg(long, help_heading = "Comparing", value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// When to stop, or to warn.
#[derive(clap::Args)]
pub struct GuardArgs {
    /// Exit with 3 when a larger share of records cannot be read
    #[arg(long, help_heading = "Output", value_name = "SHARE", default_value_t = 0.001, value_parser = settings::share)]
    pub max_rejected: f64,
    /// Warn of sites of 100 documents or more that lose a larger share
    #[arg(long, help_heading = "Output", value_name = "SHARE", default_value_t = 0.9, value_parser = settings::share)]
    pub max_site_loss: f64,
    /// Fail before writing when a record is rejected or a site loses too much
    #[arg(long, help_heading = "Output")]
    pub strict: bool,
}

/// How the answer is given.
#[derive(clap::Args)]
pub struct AnswerArgs {
    /// Replace an earlier run's DIR
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Print the summary as JSON to standard output
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// How the run itself goes.
#[derive(clap::Args)]
pub struct RunArgs {
    /// Threads; 0: one for each core
    #[arg(long, help_heading = "Run", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// Memory that the run may use; half of the machine's unless given
    #[arg(long, help_heading = "Run", value_name = "BYTES", value_parser = settings::size)]
    pub memory: Option<u64>,
    /// Folder for temporary files
    #[arg(long, help_heading = "Run", value_name = "DIR")]
    pub tmp: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, help_heading = "Run")]
    pub quiet: bool,
    /// Show progress on standard error: auto (on a terminal), always, never
    #[arg(
        long,
        help_heading = "Run",
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub progress: When,
}

/// What of a document is compared.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ContentArg {
    // The text without boilerplate.
    Article,
    // The whole text.
    All,
}

/// What is taken out of kept documents.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StripArg {
    // Paragraphs of templates.
    Boilerplate,
    // Leads that later paragraphs say again.
    Leads,
    // Other paragraphs that later ones say again.
    Repeats,
}

/// When progress, or colour, is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}
