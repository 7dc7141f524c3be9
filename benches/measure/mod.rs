//! How long does it take, and how far from the floor is that?
//!
//! [`Row`]s in, a table out. All rows run once a round, one after the other, and each is held against the floor of the
//! *same* round: what the neighbours on the machine do in that moment slows both. Time is CPU time of the whole
//! process, all threads, user and system; where the system has no such clock (not Unix), wall time. A table tells
//! the least and the median of the rounds.
//!
//! The floor is what no program that reads this corpus can go below without a JSON parser of its own.

use std::borrow::Cow;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

/// What was asked on the command line.
pub struct Options {
    /// How many documents the corpus has.
    pub documents: u64,
    /// How often every row runs.
    pub rounds: usize,
    /// Only rows whose name holds this, and the floor.
    pub only: Option<String>,
}

impl Options {
    /// From the arguments: `--documents N`, `--rounds N` and a part of a row's name.
    ///
    /// `cargo bench` passes `--bench`. Without it (`cargo test --all-targets` runs benches so), or with `--test`, this
    /// is a smoke run: every row once, over a corpus that takes no time.
    pub fn from_args(documents: u64, rounds: usize) -> Options {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let is_given = |name: &str| args.iter().any(|arg| arg == name);
        if !is_given("--bench") || is_given("--test") {
            println!("a smoke run: the figures mean nothing; `cargo bench` measures");
            return Options { documents: SMOKE_DOCUMENTS, rounds: 1, only: None };
        }
        let value = |name: &str| {
            let place = args.iter().position(|arg| arg == name)?;
            args.get(place + 1)?.parse::<u64>().ok()
        };
        let is_value =
            |place: usize| place > 0 && ["--documents", "--rounds"].contains(&args[place - 1].as_str());
        let only = (0..args.len()).find(|&place| !args[place].starts_with("--") && !is_value(place));
        Options {
            documents: value("--documents").unwrap_or(documents).max(SMOKE_DOCUMENTS),
            rounds: value("--rounds").map_or(rounds, |rounds| rounds as usize).max(1),
            only: only.map(|place| args[place].clone()),
        }
    }

    /// Whether a row of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }
}

/// Enough for a template and a copy.
const SMOKE_DOCUMENTS: u64 = 40;

/// Something to be timed.
pub struct Row<'a> {
    /// What it is called.
    pub name: String,
    /// Bytes that go in.
    pub bytes: u64,
    /// How many of what.
    pub units: (u64, &'static str),
    /// Runs it once; prepares outside of the time it tells.
    pub run: Box<dyn FnMut() -> Sample + 'a>,
}

/// One run.
#[derive(Clone, Copy)]
pub struct Sample {
    pub cpu: Duration,
    pub wall: Duration,
}

/// Times `work`; its answer is thrown away inside of the time.
pub fn time<T>(work: impl FnOnce() -> T) -> Sample {
    let (wall, cpu) = (Instant::now(), cpu_time());
    drop(black_box(work()));
    Sample { cpu: cpu_time().saturating_sub(cpu), wall: wall.elapsed() }
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Runs all rows in rounds and prints the table. The first row is the floor.
pub fn table(rows: &mut [Row], rounds: usize, documents: u64) {
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); rows.len()];
    for _ in 0..rounds {
        for (row, samples) in rows.iter_mut().zip(&mut samples) {
            samples.push((row.run)());
        }
    }
    println!(
        "{:<38} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9} {:<9} {:>8}",
        "row", "CPU min", "median", "wall med", "MB/s", "us/doc", "ns/unit", "unit", "x floor"
    );
    let floor: Vec<f64> = seconds(&samples[0], |sample| sample.cpu);
    for (row, samples) in rows.iter().zip(&samples) {
        let cpu = seconds(samples, |sample| sample.cpu);
        let wall = seconds(samples, |sample| sample.wall);
        let ratios: Vec<f64> = cpu.iter().zip(&floor).map(|(cpu, floor)| cpu / floor).collect();
        let least = cpu.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{:<38} {:>9.4} {:>9.4} {:>9.4} {:>8.0} {:>8.2} {:>9.2} {:<9} {:>8.2}",
            row.name,
            least,
            median(&cpu),
            median(&wall),
            row.bytes as f64 / least / 1e6,
            least / documents as f64 * 1e6,
            least / row.units.0.max(1) as f64 * 1e9,
            row.units.1,
            median(&ratios),
        );
    }
}

fn seconds(samples: &[Sample], of: impl Fn(&Sample) -> Duration) -> Vec<f64> {
    samples.iter().map(|sample| of(sample).as_secs_f64()).collect()
}

/// The middle one; of an even number the lower of the two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// Reads a file of JSON Lines in steps of 1 MiB, finds the lines, checks that they are UTF-8, takes the `text` of each
/// with serde_json (borrowed where it has no escapes) and hashes it.
pub fn floor(file: &Path) -> std::io::Result<u64> {
    let mut file = File::open(file)?;
    let mut buffer = vec![0; FLOOR_BUFFER];
    let (mut filled, mut answer) = (0, 0);
    loop {
        if filled == buffer.len() {
            buffer.resize(2 * filled, 0); // a line longer than the buffer
        }
        let read = file.read(&mut buffer[filled..])?;
        filled += read;
        let mut done = 0;
        while done < filled {
            let mut rest = &buffer[done..filled];
            let length = rest.skip_until(b'\n')?;
            if buffer[done + length - 1] != b'\n' && read > 0 {
                break;
            }
            answer ^= hash_of_text(&buffer[done..done + length])?;
            done += length;
        }
        if read == 0 {
            return Ok(answer);
        }
        buffer.copy_within(done..filled, 0);
        filled -= done;
    }
}

const FLOOR_BUFFER: usize = 1 << 20;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn hash_of_text(line: &[u8]) -> std::io::Result<u64> {
    let line = std::str::from_utf8(line).map_err(std::io::Error::other)?;
    let line: Line = serde_json::from_str(line)?;
    Ok(xxh3_64(line.text.as_bytes()))
}
