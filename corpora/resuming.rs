//! Runs that are stopped, killed, or meet a full disk; and what the next run makes of it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dittograph::corpus::{Estimate, Inputs, find_shards};
use dittograph::error;
use dittograph::output::{RunDir, Summary};
use dittograph::pipeline::{self, Guards, Job, Means, Progress, Settings, Silent, Stop, Strip, Target, Unit};
use dittograph::store::{Budget, Faults, Operation, Workspace};

/// A folder with the corpora of this project as input, several in one.
struct Room {
    dir: tempfile::TempDir,
    settings: Settings,
    /// The least time between two checkpoints.
    checkpoints: Duration,
}

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
        for name in [
            "said-twice",
            "dated-footer",
            "across-sites",
            "wire-copy",
            "torn",
            "foreign",
            "slots",
            "keep-order",
        ] {
            copy(&ours.join(name), &dir.path().join("input").join(name));
        }
        let mut settings = Settings::default();
        settings.strip.extend(Strip::ALL);
        settings.read.chunk_bytes = 16 << 10;
        settings.fields.site = Some("site".to_owned());
        Room { dir, settings, checkpoints: Duration::from_millis(1) }
    }

    fn inputs(&self) -> Inputs {
        find_shards(&[self.dir.path().join("input").to_str().unwrap().to_owned()], None, self.dir.path())
            .unwrap()
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    fn unfinished(&self) -> PathBuf {
        RunDir::unfinished(&self.place()).unwrap()
    }

    fn run(
        &self,
        job: Job,
        workspace: Workspace,
        stop: Stop,
        progress: &dyn Progress,
    ) -> error::Result<Summary> {
        let expected = Estimate { documents: 1000, bytes: 1 << 20, packed_bytes: 0 };
        let means = Means::new(workspace, Budget::new(2 << 20), &expected)?;
        let means = self.saving(means, stop);
        let place = self.place();
        let target = Target { dir: &place, force: false };
        pipeline::run(&self.inputs(), &self.settings, Guards::default(), job, target, &means, progress)
    }

    fn saving(&self, mut means: Means, stop: Stop) -> Means {
        (means.stop, means.checkpoints, means.sample_tokens) = (stop, self.checkpoints, 2000);
        means
    }

    fn workspace(&self) -> Workspace {
        RunDir::workspace(&self.place(), None).unwrap()
    }

    /// The last run, which nobody disturbs.
    fn end(&self, job: Job) -> BTreeMap<PathBuf, Vec<u8>> {
        let ended = self.run(job, self.workspace(), Stop::default(), &Silent);
        ended.unwrap_or_else(|error| panic!("the last run: {error}"));
        assert!(!self.unfinished().exists());
        let written = files_in(&self.place());
        fs::remove_dir_all(self.place()).unwrap();
        written
    }

    /// Nothing looks finished.
    fn assert_unfinished(&self) {
        assert!(!self.place().exists());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// All files below a folder but the summary, which says how long everything took.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "summary.json" {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Asks the run to stop when it says for the so-and-so-manieth time that something is done.
struct StopAt {
    left: AtomicU64,
    stop: Stop,
}

impl StopAt {
    fn new(number: u64) -> StopAt {
        StopAt { left: AtomicU64::new(number), stop: Stop::default() }
    }

    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.ask();
        }
    }
}

impl Progress for StopAt {
    fn begin(&self, _stage: &'static str, _unit: Unit, _total: Option<u64>) {
        self.count();
    }

    fn advance(&self, _units: u64) {
        self.count();
    }
}

const JOBS: [Job; 2] = [Job::Scan, Job::Dedupe { with_removed: true }];

#[test]
fn a_run_that_was_stopped_anywhere_goes_on_to_the_same_bytes() {
    let mut room = Room::new();
    for (job, checkpoints) in JOBS.into_iter().zip([Duration::ZERO, Duration::from_millis(1)]) {
        room.checkpoints = checkpoints;
        let whole = room.end(job);
        let events = events(&room, job);
        assert!(events > 20, "{events}");
        for number in (4..=events).step_by(events as usize / 10) {
            let mut stops = 0;
            // The next run is stopped, too, when it has come as far: it has less to do.
            for number in [number, number / 2, number / 4] {
                let stopped = StopAt::new(number.max(1));
                let ended = room.run(job, room.workspace(), stopped.stop.clone(), &stopped);
                match ended {
                    Err(error::Error::Stopped) => stops += 1,
                    ended => {
                        ended.unwrap();
                        fs::remove_dir_all(room.place()).unwrap();
                        continue;
                    }
                }
                room.assert_unfinished();
            }
            assert!(stops > 0 || number + 5 > events, "{number} of {events}");
            assert!(room.end(job) == whole, "stopped at {number} of {events}");
        }
    }
}

#[test]
fn a_run_on_a_disk_that_fails_says_so_and_goes_on_when_it_does_not() {
    let room = Room::new();
    let job = Job::Dedupe { with_removed: true };
    let whole = room.end(job);
    for operation in
        [Operation::Write, Operation::Create, Operation::Sync, Operation::Rename, Operation::Read]
    {
        let kinds = [ErrorKind::StorageFull, ErrorKind::Other];
        // How often a run asks is a matter of time: it fails later and later, until it does not.
        for (round, kind) in kinds.into_iter().cycle().enumerate() {
            let well = 3_u64.pow(round as u32) - 1;
            let faults = Faults::none().failing(operation, well, kind);
            let workspace = room.workspace().with_faults(Arc::new(faults));
            let Err(error) = room.run(job, workspace, Stop::default(), &Silent) else {
                assert!(files_in(&room.place()) == whole, "{operation:?} {well}");
                fs::remove_dir_all(room.place()).unwrap();
                assert!(round > 0, "{operation:?} was never asked for");
                break;
            };
            let said = error.to_string();
            let is_clear = kind == ErrorKind::Other || said.contains("no room left");
            assert!(said.contains(".run.unfinished") && is_clear, "{operation:?} {well}: {said}");
            room.assert_unfinished();
            assert!(room.end(job) == whole, "{operation:?} {well}");
        }
    }
}

#[test]
fn a_full_disk_is_told_and_the_run_goes_on_when_there_is_room() {
    let room = Room::new();
    let job = Job::Dedupe { with_removed: true };
    let whole = room.end(job);
    let most = room.run(job, room.workspace(), Stop::default(), &Silent).unwrap().peak_temporary_bytes;
    fs::remove_dir_all(room.place()).unwrap();
    for part in 0..20 {
        let workspace = room.workspace().with_limit(most * part / 20);
        let said = room.run(job, workspace, Stop::default(), &Silent).expect_err("no room").to_string();
        assert!(said.contains("no room left on the disk"), "{said}");
        room.assert_unfinished();
        assert!(room.end(job) == whole, "{part} of 20");
    }
}

#[test]
fn short_reads_and_writes_change_nothing() {
    let room = Room::new();
    let whole = room.end(JOBS[1]);
    let workspace = room.workspace().with_faults(Arc::new(Faults::none().short(7)));
    room.run(JOBS[1], workspace, Stop::default(), &Silent).unwrap();
    assert!(files_in(&room.place()) == whole);
}

/// How often a run says that something is done.
fn events(room: &Room, job: Job) -> u64 {
    let all = StopAt::new(u64::MAX);
    room.run(job, room.workspace(), Stop::default(), &all).unwrap();
    fs::remove_dir_all(room.place()).unwrap();
    u64::MAX - all.left.load(Ordering::Relaxed)
}

/// Stops a run in its middle.
#[track_caller]
fn stop(room: &Room, job: Job) {
    let stopped = StopAt::new(events(room, job) / 2);
    let ended = room.run(job, room.workspace(), stopped.stop.clone(), &stopped);
    assert!(matches!(ended, Err(error::Error::Stopped)), "{ended:?}");
}

#[track_caller]
fn assert_refused(room: &Room, job: Job, parts: &[&str]) {
    let said = room.run(job, room.workspace(), Stop::default(), &Silent).unwrap_err().to_string();
    for part in parts.iter().chain(&["--force"]) {
        assert!(said.contains(part), "{said}");
    }
    room.assert_unfinished();
    assert!(room.workspace().has_checkpoint());
}

#[test]
fn inputs_and_settings_that_changed_are_refused_by_name() {
    let job = JOBS[0];
    let mut room = Room::new();
    stop(&room, job);
    let file = room.dir.path().join("input/wire-copy/input");
    let file = fs::read_dir(file).unwrap().next().unwrap().unwrap().path();
    let before = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let restore = |file: &Path| {
        fs::write(file, &before.0).unwrap();
        OpenOptions::new().write(true).open(file).unwrap().set_modified(before.1).unwrap();
    };
    let name = file.to_str().unwrap().to_owned();
    OpenOptions::new().append(true).open(&file).and_then(|mut file| file.write_all(b"\n")).unwrap();
    assert_refused(&room, job, &[&name, "has changed"]);
    fs::write(&file, &before.0[1..]).unwrap();
    assert_refused(&room, job, &[&name, "has changed"]);
    fs::write(&file, &before.0).unwrap(); // of the same length, but written later
    assert_refused(&room, job, &[&name, "has changed"]);
    fs::remove_file(&file).unwrap();
    assert_refused(&room, job, &[&name, "no longer there"]);
    restore(&file);
    let new = file.with_file_name("zzz.jsonl");
    fs::write(&new, "{\"text\": \"new\"}\n").unwrap();
    assert_refused(&room, job, &[new.to_str().unwrap(), "was added"]);
    fs::remove_file(&new).unwrap();

    assert_refused(&room, JOBS[1], &["other settings"]);
    room.settings.compare.min_similarity = 0.7;
    assert_refused(&room, job, &["other settings"]);
    room.settings.compare.min_similarity = 0.8;
    let resumed = room.end(job);
    assert!(resumed == room.end(job));
}

#[test]
fn force_forgets_what_was_stopped() {
    let mut room = Room::new();
    stop(&room, JOBS[0]);
    room.settings.compare.min_similarity = 0.7;
    let means = Means::unbounded_in(room.workspace());
    let place = room.place();
    let target = Target { dir: &place, force: true };
    pipeline::run(&room.inputs(), &room.settings, Guards::default(), JOBS[0], target, &means, &Silent)
        .unwrap();
    drop(means);
    let forced = files_in(&place);
    assert!(!room.unfinished().exists());
    fs::remove_dir_all(&place).unwrap();
    assert!(forced == room.end(JOBS[0]));
}

/// A forced run that is stopped replaces the earlier DIR only when it ends, and goes on without `--force`.
#[test]
fn a_forced_run_that_was_stopped_goes_on_without_force() {
    let (room, earlier) = forced_and_stopped();
    let place = room.place();
    assert!(files_in(&place) == earlier);
    let summary = room.run(JOBS[0], room.workspace(), Stop::default(), &Silent).unwrap();
    assert_eq!(summary.command, "scan");
    assert!(!place.join("corpus").exists() && !room.unfinished().exists());
    // And then it is as any other finished run.
    let again = room.run(JOBS[0], room.workspace(), Stop::default(), &Silent).unwrap_err().to_string();
    assert!(again.contains("holds an earlier run"), "{again}");
}

/// A forced run that was stopped, over an earlier run; and what the earlier one had left.
fn forced_and_stopped() -> (Room, BTreeMap<PathBuf, Vec<u8>>) {
    let room = Room::new();
    let place = room.place();
    room.run(JOBS[1], room.workspace(), Stop::default(), &Silent).unwrap();
    let earlier = files_in(&place);
    let stopped = StopAt::new(15);
    let means = room.saving(Means::unbounded_in(room.workspace()), stopped.stop.clone());
    let target = Target { dir: &place, force: true };
    let inputs = room.inputs();
    let ended = pipeline::run(&inputs, &room.settings, Guards::default(), JOBS[0], target, &means, &stopped);
    assert!(matches!(ended, Err(error::Error::Stopped)));
    (room, earlier)
}

/// As if it had come to its end and was killed before anything was moved.
fn finish_output(room: &Room) {
    fs::write(room.unfinished().join("finished"), "").unwrap();
    fs::write(room.unfinished().join("output/summary.json"), "{}").unwrap();
}

/// Killed when all was said and nothing was moved: what stands in its place is the earlier run still.
#[test]
fn an_earlier_run_does_not_pass_for_the_one_that_replaces_it() {
    let (room, _) = forced_and_stopped();
    finish_output(&room);
    let summary = room.run(JOBS[0], room.workspace(), Stop::default(), &Silent).unwrap();
    assert_eq!(summary.command, "scan");
    assert!(!room.place().join("corpus").exists() && !room.unfinished().exists());
}

/// Killed when the earlier run was aside and the new one not yet in its place.
#[test]
fn an_earlier_run_that_was_moved_aside_is_not_lost() {
    for goes_on in [true, false] {
        let (room, earlier) = forced_and_stopped();
        fs::rename(room.place(), room.unfinished().join("replaced")).unwrap();
        finish_output(&room);
        if !goes_on {
            fs::remove_file(room.unfinished().join("checkpoint")).unwrap();
        }
        let ended = room.run(JOBS[0], room.workspace(), Stop::default(), &Silent);
        match goes_on {
            true => assert_eq!(ended.unwrap().command, "scan"),
            false => {
                assert!(ended.unwrap_err().to_string().contains("holds an earlier run"));
                assert!(files_in(&room.place()) == earlier);
            }
        }
    }
}

#[test]
fn one_run_a_dir() {
    let room = Room::new();
    let at_work = room.workspace();
    let said = RunDir::workspace(&room.place(), None).unwrap_err().to_string();
    assert!(said.contains("another run (process ") && said.contains(".run.unfinished"), "{said}");
    // Wherever its temporary files are.
    let elsewhere = RunDir::workspace(&room.place(), Some(room.dir.path())).unwrap();
    let said = room.run(JOBS[0], elsewhere, Stop::default(), &Silent).unwrap_err().to_string();
    assert!(said.contains("another run"), "{said}");
    at_work.remove().unwrap();
    assert!(room.run(JOBS[0], room.workspace(), Stop::default(), &Silent).is_ok());
}

/// `dittograph dedupe` of a room, as a process.
fn process(room: &Room, tmp: Option<&Path>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dittograph"));
    command.arg("dedupe").arg(room.dir.path().join("input")).arg("-o").arg(room.place());
    command.args([
        "--strip",
        "boilerplate",
        "--memory",
        "2MiB",
        "--site-field",
        "site",
        "--max-rejected",
        "1",
    ]);
    if let Some(tmp) = tmp {
        command.arg("--tmp").arg(tmp);
    }
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills processes at moments all over a run. States are saved once a second at most, so most of these begin anew;
/// `scripts/kill-runs` kills runs that last longer.
#[test]
fn a_killed_process_leaves_nothing_that_looks_finished() {
    let room = Room::new();
    let tmp = room.dir.path().join("tmp");
    let start = Instant::now();
    assert!(process(&room, None).wait().unwrap().success());
    let whole_time = start.elapsed();
    let whole = files_in(&room.place());
    fs::remove_dir_all(room.place()).unwrap();
    for tmp in [None, Some(tmp.as_path())] {
        if let Some(tmp) = tmp {
            fs::create_dir(tmp).unwrap();
        }
        for part in 0..8 {
            let mut killed = process(&room, tmp);
            std::thread::sleep(whole_time * part / 8);
            killed.kill().unwrap();
            killed.wait().unwrap();
            if !room.place().join("summary.json").exists() {
                room.assert_unfinished();
                let next = process(&room, tmp).wait_with_output().unwrap();
                assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stderr));
                assert!(!room.unfinished().exists());
            }
            assert!(files_in(&room.place()) == whole, "killed at {part} of 8");
            fs::remove_dir_all(room.place()).unwrap();
            let _ = fs::remove_dir_all(room.unfinished());
        }
        assert!(tmp.is_none_or(|tmp| fs::read_dir(tmp).unwrap().count() == 0));
    }
}

fn words(number: u64) -> String {
    (0..60)
        .map(|word| format!("w{}", (number * 7919 + word * word * 31) % 4999))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A signal, and what is said then.
#[cfg(unix)]
#[test]
fn a_process_that_is_asked_to_stop_says_how_to_go_on() {
    let room = Room::new();
    let input = room.dir.path().join("input/large.jsonl");
    let lines: Vec<String> = (0..20_000)
        .map(|number| serde_json::json!({"id": format!("l{number}"), "text": words(number)}).to_string())
        .collect();
    fs::write(&input, lines.join("\n")).unwrap();
    let running = process(&room, None);
    let checkpoint = room.unfinished().join("checkpoint");
    while !checkpoint.exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let asked = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("run the same command again to go on") && said.contains("error: stopped"),
        "{said}"
    );
    room.assert_unfinished();
    let next = process(&room, None).wait_with_output().unwrap();
    let said = String::from_utf8(next.stderr).unwrap();
    assert!(next.status.success() && said.contains("going on with the run that was stopped"), "{said}");
    let resumed = files_in(&room.place());
    fs::remove_dir_all(room.place()).unwrap();
    assert!(process(&room, None).wait().unwrap().success());
    assert!(files_in(&room.place()) == resumed);
}
