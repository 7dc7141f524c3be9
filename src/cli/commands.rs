//! One function a command: settings in, one call of the library, what came of it out.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::CommandFactory;
use dittograph::corpus::{Estimate, Format, Inputs, estimate, find_shards};
use dittograph::error::{Error, Result};
use dittograph::findings::Comparison;
use dittograph::output::{Documents, FinishedRun, RunDir, Summary};
use dittograph::pipeline::{self, Checked, Guards, Job, Means, Rerun, Sampled, Settings, Stop, Target, Told};
use dittograph::store::{Budget, Workspace};
use serde::Serialize;
use tempfile::TempDir;

use super::args::{
    Args, Command, CompareArgs, DedupeArgs, ExplainArgs, GuardArgs, JudgeArgs, PlanArgs, ReadArgs,
    RestoreArgs, RunArgs, ScanArgs, StreamArgs, VerifyArgs, When,
};
use super::explain::Page;
use super::judge::Judgements;
use super::layout::Ink;
use super::progress::Bar;
use super::{say, settings};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked.
    Done,
    /// It found faults.
    Failed,
    /// It did what it was asked, but a larger share of records than `--max-rejected` could not be read.
    TooManyRejected,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::TooManyRejected => 3,
        })
    }
}

/// Does what was asked.
pub fn run(args: Args) -> Result<Outcome> {
    match args.command {
        Command::Dedupe(args) => dedupe(args),
        Command::Scan(args) => scan(args),
        Command::Templates(args) => templates(args),
        Command::Pairs(args) => pairs(args),
        Command::Explain(args) => explain(args),
        Command::Plan(args) => plan(args),
        Command::Restore(args) => restore(args),
        Command::Verify(args) => verify(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "dittograph", &mut script);
            io::stdout().write_all(&script).map_err(Error::io("standard output"))?;
            Ok(Outcome::Done)
        }
    }
}

fn dedupe(args: DedupeArgs) -> Result<Outcome> {
    let Some(dir) = &args.output else { return filter(&args) };
    let target = Target { dir, force: args.answer.force };
    let mut session = Session::begin_into(target, &args.read, &args.compare, &args.run)?;
    session.settings.strip = settings::strip(&args.strip);
    let job = Job::Dedupe { with_removed: !args.no_removed };
    session.run_to(job, &args.guard, target, args.answer.json)
}

fn scan(args: ScanArgs) -> Result<Outcome> {
    let target = Target { dir: &args.output, force: args.answer.force };
    let session = Session::begin_into(target, &args.read, &args.compare, &args.run)?;
    session.run_to(Job::Scan, &args.guard, target, args.answer.json)
}

/// `dedupe -` without `-o`.
fn filter(args: &DedupeArgs) -> Result<Outcome> {
    if args.read.inputs != ["-"] {
        let problem = "dedupe needs -o DIR; only the filter `dedupe -` writes to standard output";
        return Err(Error::Usage(problem.to_owned()));
    }
    if args.answer.json || args.answer.force || args.no_removed {
        let problem = "--json, --force and --no-removed go with -o DIR; the filter writes documents only";
        return Err(Error::Usage(problem.to_owned()));
    }
    let mut session = Session::begin(&args.read, &args.compare, &args.run)?;
    session.settings.strip = settings::strip(&args.strip);
    let mut out = BufWriter::new(io::stdout());
    let Session { inputs, settings, means, bar, .. } = &session;
    let told = pipeline::filter(inputs, settings, guards(&args.guard), &mut out, means, bar)?;
    Ok(session.end(&told, args.guard.max_rejected))
}

fn templates(args: StreamArgs) -> Result<Outcome> {
    let session = Session::begin(&args.read, &args.compare, &args.run)?;
    let mut out = Lines::stdout();
    let told = pipeline::templates(
        &session.inputs,
        &session.settings,
        |template| out.write_line(template),
        &session.means,
        &session.bar,
    )?;
    out.finish()?;
    Ok(session.end(&told, args.max_rejected))
}

fn pairs(args: StreamArgs) -> Result<Outcome> {
    let session = Session::begin(&args.read, &args.compare, &args.run)?;
    let mut out = Lines::stdout();
    let Session { inputs, settings, means, bar, .. } = &session;
    let told = pipeline::pairs(inputs, settings, |pair| out.write(&pair), means, bar)?;
    out.finish()?;
    Ok(session.end(&told, args.max_rejected))
}

fn explain(args: ExplainArgs) -> Result<Outcome> {
    let dir = args.dir.as_path();
    let run = FinishedRun::open(dir)?;
    let inputs = match args.input.as_slice() {
        [] => None,
        inputs => Some(find_inputs(inputs, &run.summary)?),
    };
    let bar = Bar::new(args.progress, false);
    let (ink, mut out) = standard_output(args.color);
    let shown = dir.to_string_lossy();
    let mut page = Page::new(&run.summary, &shown, ink, width(args.width), args.full);
    let json = |answer: serde_json::Result<String>| {
        answer.map(|json| json + "\n").map_err(|problem| Error::Run(problem.to_string()))
    };
    let answer = match args.documents.as_slice() {
        [a, b] => {
            let two = pipeline::explain_two(dir, [a, b], inputs.as_ref(), &bar)?;
            if args.json { json(serde_json::to_string(&two))? } else { page.comparison(&two).shown() }
        }
        documents => {
            let document = documents.first().map_or("", String::as_str);
            let one = pipeline::explain(dir, document, inputs.as_ref(), &bar)?;
            if args.json { json(serde_json::to_string(&one))? } else { page.explanation(&one).shown() }
        }
    };
    bar.finish();
    out.write_all(answer.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("standard output"))?;
    Ok(Outcome::Done)
}

/// What a run read, found again. All of one format is found as that format, whatever the names end in.
fn find_inputs(inputs: &[String], summary: &Summary) -> Result<Inputs> {
    if inputs.iter().any(|input| input == "-") {
        return Err(Error::Usage("--input takes files and folders, not standard input".to_owned()));
    }
    find_shards(inputs, format_of(summary), &std::env::temp_dir())
}

/// The format of all that a run read, where it is one.
fn format_of(summary: &Summary) -> Option<Format> {
    let mut formats: Vec<Format> = summary.inputs.iter().map(|input| input.format).collect();
    formats.dedup();
    formats.first().copied().filter(|_| formats.len() == 1)
}

/// Standard output, and how things are marked there.
fn standard_output(color: When) -> (Ink, Box<dyn Write>) {
    let stdout = io::stdout();
    let choice = match color {
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
        When::Auto => AutoStream::choice(&stdout),
    };
    let ink = if choice == ColorChoice::Never { Ink::Brackets } else { Ink::Colour };
    match ink {
        // Older Windows consoles know no escape codes; the stream speaks to them in their way.
        Ink::Colour => (ink, Box::new(AutoStream::new(stdout, choice))),
        Ink::Brackets => (ink, Box::new(stdout)),
    }
}

/// Columns of the page where nothing tells them.
const WIDTH: u16 = 80;

fn width(asked: Option<u16>) -> usize {
    let of_terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.max(40));
    usize::from(asked.or_else(of_terminal).unwrap_or(WIDTH))
}

fn plan(args: PlanArgs) -> Result<Outcome> {
    let room = Room::begin(&args.run)?;
    let settings = settings::settings(&args.read, &args.compare)?;
    let folder = temporary_folder(&args.run)?;
    let inputs = find_shards(&args.read.inputs, args.read.format, folder.path())?;
    let plan = folder.path().join("plan");
    let plan = pipeline::plan(&inputs, &settings, room.budget, &plan, &room.stop, &room.bar)?;
    room.bar.finish();
    let mut out = Lines::stdout();
    match args.json {
        true => out.write(&plan)?,
        false => super::plan::lines(&plan).iter().try_for_each(|line| out.write_line(line.as_bytes()))?,
    }
    out.finish()?;
    Ok(Outcome::Done)
}

fn restore(args: RestoreArgs) -> Result<Outcome> {
    let shards = pipeline::restore(&args.dir, &args.output)?;
    if !args.quiet {
        let shards = say::counted(shards, "shard");
        say::line(&format!("{shards} restored in {}, byte for byte", args.output.display()));
    }
    Ok(Outcome::Done)
}

fn verify(args: VerifyArgs) -> Result<Outcome> {
    if let Some(documents) = args.judging.judge {
        return judge(&args, documents);
    }
    let room = Room::begin(&args.run)?;
    let (dir, quiet) = (args.dir.as_path(), args.run.quiet);
    let protect = args.protect.as_deref().map(settings::ids).transpose()?.unwrap_or_default();
    let mut verified = Verified::default();
    let folder = temporary_folder(&args.run)?;
    let means = room.means(workspace_in(&folder)?, &Estimate::default())?;
    let checked = pipeline::verify(dir, &means, &room.bar)?;
    room.bar.finish();
    let mut faults = say::faults(&checked.faults, checked.more_faults);
    if faults == 0 && !quiet {
        checked.unchecked.iter().for_each(|what| say::unchecked(what));
        say::checked(&checked, dir);
    }
    verified.checked = Some(checked);
    if let (Some(documents), 0) = (args.sample, faults) {
        let sampled = pipeline::sample(dir, documents, &protect, &means, &room.bar)?;
        room.bar.finish();
        if !quiet {
            say::sampled(&sampled);
        }
        faults += say::faults(&sampled.faults, sampled.more_faults);
        verified.sampled = Some(sampled);
    }
    if !args.rerun.is_empty() && faults == 0 {
        let summary = FinishedRun::open(dir)?.summary;
        let inputs = find_shards(&args.rerun, format_of(&summary), folder.path())?;
        let means = room.means(workspace_in(&folder)?, &estimate(&inputs.shards)?)?;
        let rerun = pipeline::rerun(dir, &inputs, &protect, &means, &room.bar)?;
        room.bar.finish();
        faults += say::faults(&rerun.faults, rerun.more_faults);
        if faults == 0 && !quiet {
            say::rerun(&rerun);
        }
        verified.rerun = Some(rerun);
    }
    if args.json {
        let mut out = Lines::stdout();
        out.write(&verified)?;
        out.finish()?;
    }
    if faults > 0 {
        say::count_of_faults(faults, dir);
        return Ok(Outcome::Failed);
    }
    Ok(Outcome::Done)
}

/// What `verify` found out, as JSON.
#[derive(Default, Serialize)]
struct Verified {
    checked: Option<Checked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled: Option<Sampled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rerun: Option<Rerun>,
}

fn judge(args: &VerifyArgs, documents: u64) -> Result<Outcome> {
    let JudgeArgs { judgements, input, color, width: asked, .. } = &args.judging;
    let room = Room::begin(&args.run)?;
    let summary = FinishedRun::open(&args.dir)?.summary;
    let inputs = match input.as_slice() {
        [] => None,
        inputs => Some(find_inputs(inputs, &summary)?),
    };
    let draw = pipeline::draw(&args.dir, documents, inputs.as_ref(), &room.bar)?;
    room.bar.finish();
    let file = Judgements::open(&args.dir, judgements.as_deref())?;
    let (ink, mut out) = standard_output(*color);
    let shown = args.dir.to_string_lossy();
    let mut show = |heading: &str, two: &Comparison| {
        let mut page = Page::new(&summary, &shown, ink, width(*asked), false);
        // With --json, standard output is one object.
        let page = format!("{heading}\n{}\n", page.comparison(two).shown());
        match args.json {
            true => io::stderr().write_all(page.as_bytes()).map_err(Error::io("standard error")),
            false => out
                .write_all(page.as_bytes())
                .and_then(|()| out.flush())
                .map_err(Error::io("standard output")),
        }
    };
    let judged = super::judge::judge(&draw, file, &mut io::stdin().lock(), &mut show)?;
    if args.json {
        let mut out = Lines::stdout();
        out.write(&judged.precision)?;
        out.finish()?;
    }
    if !args.run.quiet {
        say::judged(&draw, &judged);
    }
    Ok(Outcome::Done)
}

/// What a command works in: its threads, its memory, its progress.
struct Room {
    budget: Budget,
    bar: Bar,
    stop: Stop,
}

impl Room {
    fn begin(run: &RunArgs) -> Result<Room> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(usize::from(run.threads)).build_global();
        threads.map_err(|problem| Error::Usage(format!("--threads {}: {problem}", run.threads)))?;
        let budget = run.memory.map_or_else(Budget::of_machine, Budget::new);
        Ok(Room { budget, bar: Bar::new(run.progress, run.quiet), stop: stop_when_asked() })
    }

    /// The means for a corpus of about that size. The run stops when the process is asked to end.
    fn means(&self, workspace: Workspace, expected: &Estimate) -> Result<Means> {
        let mut means = Means::new(workspace, self.budget, expected)?;
        means.stop = self.stop.clone();
        Ok(means)
    }
}

/// What every command that reads a corpus has: its inputs, its settings, its progress.
struct Session {
    inputs: Inputs,
    settings: Settings,
    means: Means,
    bar: Bar,
    quiet: bool,
    /// Goes when the command ends.
    _folder: Option<TempDir>,
}

impl Session {
    fn begin(read: &ReadArgs, compare: &CompareArgs, run: &RunArgs) -> Result<Session> {
        let room = Room::begin(run)?;
        let settings = settings::settings(read, compare)?;
        let folder = temporary_folder(run)?;
        let inputs = find_shards(&read.inputs, read.format, folder.path())?;
        let means = room.means(workspace_in(&folder)?, &estimate(&inputs.shards)?)?;
        Ok(Session { inputs, settings, means, bar: room.bar, quiet: run.quiet, _folder: Some(folder) })
    }

    /// A run into a DIR, which can go on where it was stopped. What is temporary is beside DIR, unless `--tmp` says where.
    fn begin_into(target: Target, read: &ReadArgs, compare: &CompareArgs, run: &RunArgs) -> Result<Session> {
        RunDir::check(target.dir, target.force)?;
        let room = Room::begin(run)?;
        let settings = settings::settings(read, compare)?;
        let workspace = RunDir::workspace(target.dir, run.tmp.as_deref())?;
        if workspace.has_checkpoint() && !target.force && !run.quiet {
            let folder = RunDir::unfinished(target.dir)?;
            say::line(&format!("going on with the run that was stopped ({})", folder.display()));
        }
        let found = find_shards(&read.inputs, read.format, &RunDir::spool(&workspace)?).and_then(|inputs| {
            let means = room.means(workspace.clone(), &estimate(&inputs.shards)?)?;
            Ok((inputs, means))
        });
        if found.is_err() {
            RunDir::leave(&workspace)?;
        }
        let (inputs, means) = found?;
        Ok(Session { inputs, settings, means, bar: room.bar, quiet: run.quiet, _folder: None })
    }

    fn run_to(self, job: Job, guard: &GuardArgs, target: Target, json: bool) -> Result<Outcome> {
        let Session { inputs, settings, means, bar, .. } = &self;
        let ended = pipeline::run(inputs, settings, guards(guard), job, target, means, bar);
        self.bar.finish();
        if ended.is_err() && means.workspace.has_checkpoint() {
            say::unfinished(&RunDir::unfinished(target.dir)?, target.force);
        }
        let summary = ended?;
        if !self.quiet {
            say::summary(&summary, target.dir);
        }
        if json {
            let mut out = Lines::stdout();
            out.write(&summary)?;
            out.finish()?;
        }
        Ok(outcome(summary.documents, guard.max_rejected))
    }

    /// Ends a command that leaves no DIR.
    fn end(self, told: &Told, max_rejected: f64) -> Outcome {
        self.bar.finish();
        if !self.quiet {
            say::warnings(&told.warnings);
        }
        outcome(told.documents, max_rejected)
    }
}

/// Stops when the process is asked to end (Ctrl-C, SIGTERM); asked again, the process ends at once.
fn stop_when_asked() -> Stop {
    let stop = Stop::default();
    let stopping = stop.clone();
    let asked = move || match stopping.ask() {
        false => say::line("stopping at the next rest; ask again to stop at once"),
        true => std::process::exit(1),
    };
    // Without a handler the process just ends, which loses no more than a kill does.
    let _ = ctrlc::set_handler(asked);
    stop
}

/// A folder that goes with the command.
fn temporary_folder(run: &RunArgs) -> Result<TempDir> {
    let tmp = run.tmp.clone().unwrap_or_else(std::env::temp_dir);
    tempfile::Builder::new().prefix("dittograph-").tempdir_in(&tmp).map_err(Error::io(&tmp))
}

fn workspace_in(folder: &TempDir) -> Result<Workspace> {
    Workspace::create(folder.path().join("run"))
}

fn guards(args: &GuardArgs) -> Guards {
    Guards { max_site_loss: args.max_site_loss, strict: args.strict }
}

fn outcome(documents: Documents, max_rejected: f64) -> Outcome {
    if documents.rejected as f64 > max_rejected * documents.read as f64 {
        Outcome::TooManyRejected
    } else {
        Outcome::Done
    }
}

/// JSON lines on standard output.
struct Lines(BufWriter<io::Stdout>);

impl Lines {
    fn stdout() -> Lines {
        Lines(BufWriter::with_capacity(1 << 16, io::stdout()))
    }

    fn write(&mut self, record: &impl Serialize) -> Result<()> {
        let written = serde_json::to_writer(&mut self.0, record).map_err(io::Error::from);
        written.and_then(|()| self.0.write_all(b"\n")).map_err(Error::io("standard output"))
    }

    /// A record that is JSON already.
    fn write_line(&mut self, json: &[u8]) -> Result<()> {
        self.0.write_all(json).and_then(|()| self.0.write_all(b"\n")).map_err(Error::io("standard output"))
    }

    fn finish(mut self) -> Result<()> {
        self.0.flush().map_err(Error::io("standard output"))
    }
}
