//! What does a whole run cost, by job, by threads and by size?
//!
//!     cargo bench --bench whole
//!     cargo bench --bench whole -- --documents 80000 --rounds 3
//!
//! Runs `scan` and `dedupe` over a made corpus into a temporary folder, one and two threads, then `dedupe` over a
//! quarter, a half and the whole of it. README.md beside this file says what each row means.

#[allow(dead_code)] // each bench uses a part of it
mod corpus;
mod measure;
mod random;

use std::path::Path;

use corpus::Corpus;
use dittograph::corpus::find_shards;
use dittograph::error::Result;
use dittograph::output::Summary;
use dittograph::pipeline::{Guards, Job, Means, Settings, Silent, Target, run};
use measure::{Options, Row, Sample, time};
use rayon::{ThreadPool, ThreadPoolBuilder};

const DEDUPE: Job = Job::Dedupe { with_removed: true };

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let options = Options::from_args(20_000, 5);
    let [one, two] = [1, 2].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build());
    let (one, two) = (one?, two?);
    // The smallest first, and its stages before the rows: the system tells the largest memory that the process ever
    // had, not this run's.
    for part in [4, 2, 1] {
        let made = corpus::make(options.documents / part, 1)?;
        println!(
            "{} documents, {:.1} MB; {} rounds",
            made.documents,
            made.bytes as f64 / 1e6,
            options.rounds
        );
        print_stages(&summary(&made, &one, DEDUPE, tempfile::tempdir()?.path())?);
        let jobs: &[(&str, &ThreadPool, Job)] = match part {
            1 => &[
                ("scan, 1 thread", &one, Job::Scan),
                ("scan, 2 threads", &two, Job::Scan),
                ("dedupe, 1 thread", &one, DEDUPE),
                ("dedupe, 2 threads", &two, DEDUPE),
            ],
            _ => &[("dedupe, 1 thread", &one, DEDUPE)],
        };
        let wanted = jobs.iter().filter(|(name, ..)| options.wants(name));
        let mut rows = vec![row("floor", &made, || time(|| measure::floor(&made.file)))];
        rows.extend(wanted.map(|&(name, pool, job)| row(name, &made, job_of(&made, pool, job))));
        measure::table(&mut rows, options.rounds, made.documents);
        println!();
    }
    Ok(())
}

fn row<'a>(name: &str, made: &Corpus, run: impl FnMut() -> Sample + 'a) -> Row<'a> {
    Row { name: name.to_owned(), bytes: made.bytes, units: (made.documents, "document"), run: Box::new(run) }
}

/// Folders are made and deleted outside of the time. Ends the process when a run fails: a failed run would be fast.
fn job_of<'a>(made: &'a Corpus, pool: &'a ThreadPool, job: Job) -> impl FnMut() -> Sample + 'a {
    move || {
        let mut outcome = None;
        let folder = tempfile::tempdir();
        let sample = time(|| {
            outcome = folder.as_ref().ok().map(|folder| summary(made, pool, job, folder.path()));
        });
        match outcome {
            Some(Ok(_)) => return sample,
            Some(Err(error)) => eprintln!("error: {error}"),
            None => eprintln!("error: no temporary folder can be made"),
        }
        std::process::exit(1)
    }
}

fn summary(made: &Corpus, pool: &ThreadPool, job: Job, folder: &Path) -> Result<Summary> {
    let place = made.file.to_string_lossy().into_owned();
    let inputs = find_shards(&[place], None, folder)?;
    let dir = folder.join("run");
    let target = Target { dir: &dir, force: false };
    pool.install(|| {
        run(&inputs, &Settings::default(), Guards::default(), job, target, &Means::unbounded()?, &Silent)
    })
}

/// Where the wall time of one run with one thread went.
fn print_stages(summary: &Summary) {
    let total: f64 = summary.stages.iter().map(|stage| stage.seconds).sum();
    println!("dedupe, 1 thread, by stage (wall time of one run): {total:.3} s");
    for stage in &summary.stages {
        println!("  {:<12} {:>8.3} s {:>6.1} %", stage.stage, stage.seconds, 100.0 * stage.seconds / total);
    }
    let memory = summary.peak_memory_bytes.unwrap_or_default() as f64 / f64::from(1 << 20);
    println!(
        "  {} documents removed of {}, {} templates on {} sites; largest memory so far {memory:.0} MiB\n",
        summary.documents.removed, summary.documents.read, summary.templates, summary.sites
    );
}
