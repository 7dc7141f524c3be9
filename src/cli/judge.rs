//! Removed documents beside what was kept, for a person to judge.
//!
//! What was drawn and answers, from a terminal or a pipe, in; a line of the file of judgements for each answer out, and
//! then the precision. A pair that was judged already is not shown again, so that a person goes on where they stopped.
//! Without a terminal and without an answer all pairs are shown and none is judged.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use dittograph::error::{Error, Result};
use dittograph::findings::{Answer, Comparison, Judgement};
use dittograph::pipeline::{self, Draw, DrawnPair, Precision};

/// What was judged.
pub struct Judged {
    /// What all answers say.
    pub precision: Precision,
    /// Pairs that were drawn and have no answer yet.
    pub left: u64,
    /// Where the answers are.
    pub file: PathBuf,
}

/// The answers so far, and where more go.
pub struct Judgements {
    path: PathBuf,
    said: Vec<Judgement>,
}

impl Judgements {
    /// Those in the named file, or else beside DIR, which itself stays as the run left it. None where there is no such file
    /// yet.
    pub fn open(dir: &Path, named: Option<&Path>) -> Result<Judgements> {
        let whole = dir.canonicalize().map_err(Error::io(dir))?;
        let path = match named {
            Some(path) => path.to_owned(),
            None => {
                let name = whole.file_name().map_or("run".into(), |name| name.to_string_lossy());
                whole.with_file_name(format!("{name}.judgements.jsonl"))
            }
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if folder.canonicalize().is_ok_and(|folder| folder.starts_with(&whole)) {
            return Err(Error::Usage(format!(
                "{}: lies in DIR, which stays as the run left it; name another file with --judgements",
                path.display()
            )));
        }
        let mut said = Vec::new();
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(&path)(error)),
            Ok(file) => {
                for (number, line) in (1..).zip(BufReader::new(file).lines()) {
                    let line = line.map_err(Error::io(&path))?;
                    said.push(serde_json::from_str(&line).map_err(|problem| {
                        Error::Run(format!("{}: line {number}: no judgement: {problem}", path.display()))
                    })?);
                }
            }
        }
        Ok(Judgements { path, said })
    }

    fn add(&mut self, judgement: Judgement) -> Result<()> {
        let line =
            serde_json::to_string(&judgement).map_err(|problem| Error::Run(problem.to_string()))? + "\n";
        let mut file =
            OpenOptions::new().append(true).create(true).open(&self.path).map_err(Error::io(&self.path))?;
        file.write_all(line.as_bytes()).map_err(Error::io(&self.path))?;
        self.said.push(judgement);
        Ok(())
    }
}

/// What a person answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Answer(Answer),
    Quit,
    /// There are no more answers.
    Nothing,
}

/// Shows each pair that has no answer, and asks. `show` gets a heading and two documents.
pub fn judge(
    draw: &Draw,
    mut judgements: Judgements,
    answers: &mut dyn BufRead,
    show: &mut dyn FnMut(&str, &Comparison) -> Result<()>,
) -> Result<Judged> {
    pipeline::precision(draw, &judgements.said)?; // are they of this run?
    let place = |judgement: &Judgement| (judgement.doc.shard.clone(), judgement.doc.ordinal);
    let judged: HashSet<(String, u64)> = judgements.said.iter().map(place).collect();
    let is_open = |pair: &&DrawnPair| {
        let document = &pair.two.a.document;
        !judged.contains(&(document.shard.clone(), document.ordinal))
    };
    let open: Vec<&DrawnPair> = draw.pairs.iter().filter(is_open).collect();
    let (mut asks, mut answered) = (true, 0);
    for (number, DrawnPair { band, two }) in (1..).zip(&open) {
        show(&format!("{number} of {}, {band}", open.len()), two)?;
        if !asks {
            continue;
        }
        match ask(answers)? {
            Said::Answer(answer) => {
                answered += 1;
                let (doc, of) = (two.a.document.clone(), two.b.document.clone());
                judgements.add(Judgement { run: draw.run.clone(), doc, of, band: band.clone(), answer })?;
            }
            Said::Nothing if answered == 0 => asks = false,
            Said::Quit | Said::Nothing => break,
        }
    }
    let precision = pipeline::precision(draw, &judgements.said)?;
    Ok(Judged { precision, left: (open.len() - answered) as u64, file: judgements.path })
}

/// Asks until there is an answer.
fn ask(answers: &mut dyn BufRead) -> Result<Said> {
    loop {
        // Nobody may be listening; the answer still counts.
        let _ = write!(std::io::stderr(), "is a a duplicate of b? y, n, s to skip, q to quit: ");
        let mut line = String::new();
        if answers.read_line(&mut line).map_err(Error::io("standard input"))? == 0 {
            let _ = writeln!(std::io::stderr());
            return Ok(Said::Nothing);
        }
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Said::Answer(Answer::Yes)),
            "n" | "no" => return Ok(Said::Answer(Answer::No)),
            "s" | "skip" => return Ok(Said::Answer(Answer::Skip)),
            "q" | "quit" => return Ok(Said::Quit),
            _ => {}
        }
    }
}
