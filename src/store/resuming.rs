//! Tests: states that were saved, and what a later process makes of them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::error::{Error, Result};

/// What all stores have in common. What is appended is bytes; what a store makes of them is its own.
trait Store {
    type Writer;
    type Sealed;
    type Saved: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug;
    type SavedSealed: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug;

    fn new(workspace: &Workspace, memory: usize) -> Self::Writer;
    fn append(writer: &mut Self::Writer, piece: &[u8]) -> Result<()>;
    fn save(writer: &mut Self::Writer) -> Result<Self::Saved>;
    fn files(saved: &Self::Saved) -> Vec<&str>;
    fn resume(workspace: &Workspace, saved: &Self::Saved, memory: usize) -> Result<Self::Writer>;
    fn finish(writer: Self::Writer) -> Result<Self::Sealed>;
    fn save_sealed(sealed: &Self::Sealed) -> Result<Self::SavedSealed>;
    fn sealed_files(saved: &Self::SavedSealed) -> Vec<&str>;
    fn reopen(workspace: &Workspace, saved: &Self::SavedSealed, memory: usize) -> Result<Self::Sealed>;
    fn content(sealed: &Self::Sealed) -> Result<Vec<Vec<u8>>>;
}

struct Bytes;
struct RowsOf;
struct Values;
struct Parts;
struct Sorting;

macro_rules! store {
    ($kind:ty, $writer:ty, $sealed:ty, $saved:ty, $saved_sealed:ty, $new:expr, $append:expr, $content:expr) => {
        impl Store for $kind {
            type Writer = $writer;
            type Sealed = $sealed;
            type Saved = $saved;
            type SavedSealed = $saved_sealed;

            fn new(workspace: &Workspace, memory: usize) -> $writer {
                $new(workspace, memory)
            }
            fn append(writer: &mut $writer, piece: &[u8]) -> Result<()> {
                $append(writer, piece)
            }
            fn save(writer: &mut $writer) -> Result<$saved> {
                writer.save()
            }
            fn files(saved: &$saved) -> Vec<&str> {
                saved.files()
            }
            fn resume(workspace: &Workspace, saved: &$saved, memory: usize) -> Result<$writer> {
                <$writer>::resume(workspace, saved, memory)
            }
            fn finish(writer: $writer) -> Result<$sealed> {
                writer.finish()
            }
            fn save_sealed(sealed: &$sealed) -> Result<$saved_sealed> {
                sealed.save()
            }
            fn sealed_files(saved: &$saved_sealed) -> Vec<&str> {
                saved.files()
            }
            fn reopen(workspace: &Workspace, saved: &$saved_sealed, memory: usize) -> Result<$sealed> {
                <$sealed>::reopen(workspace, saved, memory)
            }
            fn content(sealed: &$sealed) -> Result<Vec<Vec<u8>>> {
                $content(sealed)
            }
        }
    };
}

store!(
    Bytes,
    Spool,
    Sealed,
    SavedBytes,
    SavedBytes,
    |workspace, memory| Spool::new(workspace, "bytes", memory),
    |spool: &mut Spool, piece| spool.append(piece).map(drop),
    |sealed: &Sealed| {
        let mut all = Vec::new();
        sealed.read_at(0, sealed.len() as usize, &mut all)?;
        Ok(vec![all])
    }
);

store!(
    RowsOf,
    RowsWriter,
    Rows,
    SavedRows,
    SavedRows,
    |workspace, memory| RowsWriter::new(workspace, "rows", memory),
    |rows: &mut RowsWriter, piece| rows.push(piece).map(drop),
    |rows: &Rows| {
        let (mut all, mut row) = (Vec::new(), Vec::new());
        for number in 0..rows.len() {
            rows.get(number, &mut row)?;
            all.push(row.clone());
        }
        Ok(all)
    }
);

store!(
    Values,
    ColumnWriter<(u64, u8)>,
    Column<(u64, u8)>,
    SavedColumn,
    SavedColumn,
    |workspace, memory| ColumnWriter::new(workspace, "values", memory),
    |column: &mut ColumnWriter<(u64, u8)>, piece: &[u8]| column.push((piece.len() as u64, 7)).map(drop),
    |column: &Column<(u64, u8)>| column.iter_from(0).map(|value| Ok(vec![value?.0 as u8])).collect()
);

store!(
    Parts,
    Partitions,
    Parted,
    SavedPartitions,
    SavedPartitions,
    |workspace, memory| Partitions::new(workspace, "parts", 5, memory),
    |parts: &mut Partitions, piece: &[u8]| parts
        .push(usize::from(piece.first().map_or(0, |byte| byte % 4)), piece)
        .map(drop),
    |parts: &Parted| {
        let (mut all, mut row) = (Vec::new(), Vec::new());
        for partition in 0..parts.count() {
            let partition = parts.open(partition)?;
            let mut rows = partition.rows();
            while rows.next(&mut row)? {
                all.push(row.clone());
            }
            all.push(b"end of a partition".to_vec());
        }
        Ok(all)
    }
);

store!(
    Sorting,
    Sorter<(u64, u8)>,
    Sorted<(u64, u8)>,
    SavedSorter,
    SavedSorted,
    |workspace, memory| Sorter::new(workspace, "sorter", memory),
    |sorter: &mut Sorter<(u64, u8)>, piece: &[u8]| {
        piece.iter().take(20).try_for_each(|&byte| sorter.push((u64::from(byte), piece.len() as u8)))
    },
    |sorted: &Sorted<(u64, u8)>| sorted
        .reader()?
        .map(|value| value.map(|value| vec![value.0 as u8, value.1]))
        .collect()
);

/// Calls a generic function for every store.
macro_rules! for_all_stores {
    ($check:ident ( $($argument:expr),* )) => {
        $check::<Bytes>($($argument),*);
        $check::<RowsOf>($($argument),*);
        $check::<Values>($($argument),*);
        $check::<Parts>($($argument),*);
        $check::<Sorting>($($argument),*);
    };
}

/// From nothing at all to more than there is.
fn budget() -> impl Strategy<Value = usize> {
    prop_oneof![0..200usize, 200..5000usize, Just(1 << 30), Just(usize::MAX)]
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(prop_oneof![8 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 200..900)], 0..30)
}

/// One process: how much memory it has, what it appends between states, what it appends after the last one and loses.
#[derive(Debug, Clone)]
struct Life {
    memory: usize,
    between: Vec<Vec<Vec<u8>>>,
    lost: Vec<Vec<u8>>,
    garbage: Vec<u8>,
}

fn life() -> impl Strategy<Value = Life> {
    (budget(), vec(pieces(), 1..4), pieces(), vec(any::<u8>(), 0..50))
        .prop_map(|(memory, between, lost, garbage)| Life { memory, between, lost, garbage })
}

fn undisturbed<S: Store>(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let workspace = Workspace::temporary().unwrap();
    let mut writer = S::new(&workspace, 1000);
    for piece in pieces {
        S::append(&mut writer, piece).unwrap();
    }
    S::content(&S::finish(writer).unwrap()).unwrap()
}

/// The names of all files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// Bytes of the files in a folder that a workspace counts.
fn bytes_in(folder: &Path) -> u64 {
    let counted = |name: &String| !["lock", "checkpoint.new"].contains(&name.as_str());
    let bytes = |name: String| fs::metadata(folder.join(name)).unwrap().len();
    names(folder).into_iter().filter(counted).map(bytes).sum()
}

#[track_caller]
fn check_lives<S: Store>(lives: &[Life], memory: usize) {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("work");
    let mut all = Vec::new();
    let open = || {
        let workspace = Workspace::open(&folder).unwrap();
        let saved: Option<S::Saved> = Checkpoint::read(&workspace, 17).unwrap();
        let kept = saved.as_ref().map_or(Vec::new(), S::files);
        workspace.forget_others(kept.iter()).unwrap();
        let mut expected: Vec<&str> = [kept, vec!["lock"]].concat();
        expected.extend(saved.as_ref().map(|_| "checkpoint"));
        expected.extend(folder.join("checkpoint.new").exists().then_some("checkpoint.new"));
        expected.sort();
        assert_eq!(names(&folder), expected);
        (workspace, saved)
    };
    let go_on = |workspace: &Workspace, saved: &Option<S::Saved>, memory| match saved {
        Some(saved) => S::resume(workspace, saved, memory).unwrap(),
        None => S::new(workspace, memory),
    };
    let mut files: Vec<(PathBuf, u64)> = Vec::new();
    for (number, life) in lives.iter().enumerate() {
        let (workspace, saved) = open();
        let mut writer = go_on(&workspace, &saved, life.memory);
        // What stood behind the state is gone.
        assert!(files.iter().all(|(file, bytes)| fs::metadata(file).unwrap().len() == *bytes));
        assert_eq!(workspace.bytes(), bytes_in(&folder));
        for pieces in &life.between {
            for piece in pieces {
                S::append(&mut writer, piece).unwrap();
                all.push(piece.clone());
            }
            let saved = S::save(&mut writer).unwrap();
            Checkpoint::write(&workspace, 17, &saved).unwrap();
            let file = |name| (folder.join(name), fs::metadata(folder.join(name)).unwrap().len());
            files = S::files(&saved).into_iter().map(file).collect();
            workspace.forget_others(S::files(&saved)).unwrap();
        }
        for piece in &life.lost {
            S::append(&mut writer, piece).unwrap();
        }
        drop((writer, workspace));
        for (file, _) in &files {
            let mut bytes = fs::read(file).unwrap();
            bytes.extend_from_slice(&life.garbage);
            fs::write(file, bytes).unwrap();
        }
        fs::write(folder.join(format!("bytes-{}", 1000 * (number + 1))), "left by a kill").unwrap();
        fs::write(folder.join("checkpoint.new"), &life.garbage).unwrap();
    }
    let expected = undisturbed::<S>(&all);
    let (workspace, saved) = open();
    let sealed = S::finish(go_on(&workspace, &saved, memory)).unwrap();
    assert_eq!(S::content(&sealed).unwrap(), expected);

    let saved = S::save_sealed(&sealed).unwrap();
    assert_eq!(S::save_sealed(&sealed).unwrap(), saved);
    Checkpoint::write(&workspace, 18, &saved).unwrap();
    drop((sealed, workspace));
    for memory in [0, memory, usize::MAX] {
        let workspace = Workspace::open(&folder).unwrap();
        let saved: S::SavedSealed = Checkpoint::read(&workspace, 18).unwrap().unwrap();
        workspace.forget_others(S::sealed_files(&saved)).unwrap();
        let sealed = S::reopen(&workspace, &saved, memory).unwrap();
        assert_eq!(S::content(&sealed).unwrap(), expected);
        assert!(S::reopen(&workspace, &S::save_sealed(&sealed).unwrap(), 0).is_ok());
        drop(sealed);
        workspace.forget_others(S::sealed_files(&saved)).unwrap();
        assert_eq!(workspace.open_files(), 0);
        assert_eq!(workspace.bytes(), bytes_in(&folder));
    }
    Workspace::open(&folder).unwrap().remove().unwrap();
    assert!(!folder.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_killed_run_goes_on_to_the_same_content(lives in vec(life(), 1..5), memory in budget()) {
        for_all_stores!(check_lives(&lives, memory));
    }
}

/// A store of some pieces in a workspace with a checkpoint of it.
fn a_state<S: Store>(folder: &Path, memory: usize) -> (Vec<Vec<u8>>, S::Saved) {
    let pieces: Vec<Vec<u8>> = (0..20u8).map(|number| vec![number; usize::from(number)]).collect();
    let workspace = Workspace::open(folder).unwrap();
    let mut writer = S::new(&workspace, memory);
    for piece in &pieces {
        S::append(&mut writer, piece).unwrap();
    }
    let saved = S::save(&mut writer).unwrap();
    Checkpoint::write(&workspace, 17, &saved).unwrap();
    (pieces, saved)
}

#[track_caller]
fn check_damage<S: Store>(memory: usize) {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("work");
    let (pieces, saved) = a_state::<S>(&folder, memory);
    let workspace = Workspace::open(&folder).unwrap();
    let sealed = S::finish(S::resume(&workspace, &saved, memory).unwrap()).unwrap();
    let saved_sealed = S::save_sealed(&sealed).unwrap();
    drop(sealed);
    let check = |path: &Path, files: &[PathBuf], resumed: Option<Error>, reopened: Option<Error>| {
        let states = [(S::files(&saved), resumed), (S::sealed_files(&saved_sealed), reopened)];
        for (names, error) in states {
            if names.iter().any(|name| folder.join(name) == path) {
                let sentence = error.expect("damage must be found").to_string();
                assert!(sentence.starts_with(&path.display().to_string()), "{sentence}");
                assert!(sentence.ends_with("; run again with --force to start anew"), "{sentence}");
            } else {
                assert!(error.is_none(), "{error:?} of {files:?}");
            }
        }
    };
    let mut files: Vec<PathBuf> = S::files(&saved).iter().map(|name| folder.join(name)).collect();
    files.extend(S::sealed_files(&saved_sealed).iter().map(|name| folder.join(name)));
    files.dedup();
    for path in &files {
        let try_both = || {
            let resumed = S::resume(&workspace, &saved, memory).err();
            check(path, &files, resumed, S::reopen(&workspace, &saved_sealed, memory).err());
        };
        let whole = fs::read(path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(path, &bytes).unwrap();
            try_both();
        }
        if !whole.is_empty() {
            for shorter in [0, whole.len() - 1] {
                fs::write(path, &whole[..shorter]).unwrap();
                try_both();
            }
        }
        fs::remove_file(path).unwrap();
        try_both();
        fs::write(path, &whole).unwrap();
    }
    let sealed = S::finish(S::resume(&workspace, &saved, memory).unwrap()).unwrap();
    assert_eq!(S::content(&sealed).unwrap(), undisturbed::<S>(&pieces));
}

#[test]
fn damage_of_any_byte_is_found() {
    for memory in [0, 200, usize::MAX] {
        for_all_stores!(check_damage(memory));
    }
}

/// Saves a second state, on a disk that may fail.
fn save_more<S: Store>(
    workspace: &Workspace,
    saved: &S::Saved,
    memory: usize,
    more: &[Vec<u8>],
) -> Result<()> {
    let mut writer = S::resume(workspace, saved, memory)?;
    for piece in more {
        S::append(&mut writer, piece)?;
    }
    let saved = S::save(&mut writer)?;
    Checkpoint::write(workspace, 17, &(true, saved))
}

#[track_caller]
fn check_faulty<S: Store>(memory: usize, break_it: impl Fn(Workspace, u64) -> Workspace) {
    let more: Vec<Vec<u8>> = (0..30u8).map(|number| vec![number; 9]).collect();
    for well in 0.. {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("work");
        let (pieces, saved) = a_state::<S>(&folder, memory);
        let workspace = Workspace::open(&folder).unwrap();
        Checkpoint::write(&workspace, 17, &(false, &saved)).unwrap();
        drop(workspace);
        let saving =
            save_more::<S>(&break_it(Workspace::open(&folder).unwrap(), well), &saved, memory, &more);
        if let Err(error) = &saving {
            assert!(error.to_string().starts_with(&folder.display().to_string()), "{error}");
            assert!(matches!(error, Error::Run(_) | Error::Io { .. }));
        }

        let workspace = Workspace::open(&folder).unwrap();
        let (is_new, saved): (bool, S::Saved) = Checkpoint::read(&workspace, 17).unwrap().unwrap();
        assert!(is_new || saving.is_err());
        workspace.forget_others(S::files(&saved)).unwrap();
        let mut writer = S::resume(&workspace, &saved, memory).unwrap();
        for piece in more.iter().filter(|_| !is_new) {
            S::append(&mut writer, piece).unwrap();
        }
        let content = S::content(&S::finish(writer).unwrap()).unwrap();
        assert_eq!(content, undisturbed::<S>(&[pieces, more.clone()].concat()));
        if saving.is_ok() {
            assert!(well > 0, "nothing failed");
            return;
        }
    }
}

#[test]
fn a_failing_disk_leaves_the_former_checkpoint_or_the_new_one() {
    for memory in [0, 300, usize::MAX] {
        for operation in [Operation::Write, Operation::Sync, Operation::Rename, Operation::Read] {
            let break_it = |workspace: Workspace, well| {
                let faults = Faults::none().short(50).failing(operation, well, ErrorKind::StorageFull);
                workspace.with_faults(Arc::new(faults))
            };
            for_all_stores!(check_faulty(memory, break_it));
        }
        let fill = |workspace: Workspace, well: u64| {
            let bytes = workspace.bytes();
            workspace.with_limit(bytes + 40 * well)
        };
        for_all_stores!(check_faulty(memory, fill));
    }
}

#[test]
fn a_disk_where_nothing_can_be_created_leaves_the_former_checkpoint() {
    let outside = tempfile::tempdir().unwrap();
    let (_, saved) = a_state::<RowsOf>(outside.path(), 0);
    let faults = Faults::none().failing(Operation::Create, 0, ErrorKind::PermissionDenied);
    let workspace = Workspace::open(outside.path()).unwrap().with_faults(Arc::new(faults));
    assert!(Checkpoint::write(&workspace, 17, &9).is_err());
    assert!(Spool::new(&workspace, "more", 0).save().is_err());
    assert_eq!(Checkpoint::read::<SavedRows>(&workspace, 17).unwrap().unwrap(), saved);
}

#[track_caller]
fn check_reads<S: Store>(memory: usize) {
    let outside = tempfile::tempdir().unwrap();
    let (pieces, saved) = a_state::<S>(outside.path(), memory);
    for well in std::iter::successors(Some(0), |well| Some(well + 1 + well / 4)) {
        let faults = Arc::new(Faults::none().short(3).failing(Operation::Read, well, ErrorKind::Other));
        let workspace = Workspace::open(outside.path()).unwrap().with_faults(faults.clone());
        let content =
            S::resume(&workspace, &saved, 0).and_then(S::finish).and_then(|sealed| S::content(&sealed));
        match content {
            Err(error) => assert!(matches!(error, Error::Io { .. }), "{error}"),
            Ok(content) => {
                assert_eq!(content, undisturbed::<S>(&pieces));
                assert!(faults.seen(Operation::Read) > 20);
                return;
            }
        }
    }
}

#[test]
fn short_reads_are_gone_on_with_and_failing_ones_are_errors() {
    for_all_stores!(check_reads(0));
}

#[test]
fn short_writes_are_gone_on_with() {
    let outside = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::none().short(1));
    let workspace = Workspace::open(outside.path()).unwrap().with_faults(faults.clone());
    let mut spool = Spool::new(&workspace, "bytes", 0);
    spool.append(&[5; 30]).unwrap();
    spool.save().unwrap();
    assert_eq!(faults.seen(Operation::Write), 30);
}

/// What a state costs: one write of what is new, one sync; nothing where nothing is new.
#[test]
fn a_state_of_what_is_in_memory_costs_what_is_new() {
    let outside = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::none());
    let workspace = Workspace::open(outside.path()).unwrap().with_faults(faults.clone());
    let cost = || (workspace.bytes(), faults.seen(Operation::Write), faults.seen(Operation::Sync));
    let mut spool = Spool::new(&workspace, "bytes", 1 << 20);
    spool.append(&[1; 1000]).unwrap();
    assert_eq!(cost(), (0, 0, 0));
    spool.save().unwrap();
    assert_eq!(cost(), (1000, 1, 1));
    spool.save().unwrap();
    assert_eq!(cost(), (1000, 1, 1));
    spool.append(&[2; 70]).unwrap();
    let saved = spool.save().unwrap();
    assert_eq!(cost(), (1070, 2, 2));
    assert!(spool.memory() >= 1070 && workspace.open_files() == 0);
    let sealed = spool.finish().unwrap();
    assert_eq!(sealed.save().unwrap(), saved);
    assert_eq!(cost(), (1070, 2, 2));
    assert!(sealed.chunk(0).is_some());
    drop(sealed);
    assert!(Sealed::reopen(&workspace, &saved, 2000).unwrap().chunk(0).is_some());
    assert!(Sealed::reopen(&workspace, &saved, 1000).unwrap().chunk(0).is_none());

    let mut sorter = Sorter::new(&workspace, "sorter", 1 << 20);
    sorter.extend(&[5u64, 3]).unwrap();
    sorter.save().unwrap();
    sorter.extend(&[4, 1]).unwrap();
    assert_eq!(sorter.save().unwrap().len(), 4);
    assert_eq!(cost(), (1070 + 32, 4, 4));
    let sorted = sorter.finish().unwrap();
    sorted.save().unwrap();
    assert_eq!(cost(), (1070 + 32, 4, 4));
    assert_eq!(sorted.reader().unwrap().map(Result::unwrap).collect::<Vec<_>>(), [1, 3, 4, 5]);
}

#[test]
fn what_nobody_saved_goes_and_what_was_saved_stays() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("deep/work");
    fs::create_dir_all(&folder).unwrap();
    let workspace = Workspace::open(&folder).unwrap();
    let mut saved = Spool::new(&workspace, "saved", 0);
    saved.append(&[1; 100]).unwrap();
    let state = saved.save().unwrap();
    let mut superseded = Spool::new(&workspace, "superseded", 0);
    superseded.append(&[1; 200]).unwrap();
    superseded.save().unwrap();
    let mut unsaved = Spool::new(&workspace, "unsaved", 0);
    unsaved.append(&[1; 300]).unwrap();
    assert_eq!(names(&folder), ["lock", "saved-0", "superseded-1", "unsaved-2"]);
    workspace.forget_others(state.files()).unwrap(); // all of them have owners
    assert_eq!(names(&folder), ["lock", "saved-0", "superseded-1", "unsaved-2"]);
    drop((saved, superseded, unsaved));
    assert_eq!(names(&folder), ["lock", "saved-0", "superseded-1"]);
    for foreign in ["notes.txt", "saved-0.bak", "saved_7-1", "-x", "photo-2024-a"] {
        fs::write(folder.join(foreign), "of somebody").unwrap();
    }
    fs::create_dir(folder.join("folder-3")).unwrap();
    drop(workspace);

    let workspace = Workspace::open(&folder).unwrap();
    assert_eq!(workspace.bytes(), 300);
    workspace.forget_others(state.files()).unwrap();
    assert_eq!(workspace.bytes(), 100);
    assert!(folder.join("saved-0").exists() && !folder.join("superseded-1").exists());
    workspace.forget_others::<&str>([]).unwrap();
    assert_eq!(workspace.bytes(), 0);
    Checkpoint::write(&workspace, 0, &1u8).unwrap();
    let mut left = Spool::new(&workspace, "left", 0);
    left.append(&[1; 100]).unwrap();
    left.save().unwrap();
    workspace.clone().remove().unwrap();
    assert_eq!(names(&folder), ["-x", "folder-3", "notes.txt", "photo-2024-a", "saved-0.bak", "saved_7-1"]);

    // In a workspace that goes with its process nothing is saved, and nothing else deleted.
    let passing = Workspace::create(outside.path().join("passing")).unwrap();
    fs::write(passing.folder().join("bytes-0"), "of a killed run").unwrap();
    passing.forget_others::<&str>([]).unwrap();
    assert!(Spool::new(&passing, "bytes", 0).save().is_err());
    assert!(Checkpoint::write(&passing, 0, &1u8).is_err());
    passing.clone().remove().unwrap();
    assert_eq!(names(passing.folder()), ["bytes-0"]);
}

#[test]
fn names_are_never_given_twice() {
    let outside = tempfile::tempdir().unwrap();
    let mut given = Vec::new();
    for _ in 0..3 {
        let workspace = Workspace::open(outside.path()).unwrap();
        Checkpoint::read::<()>(&workspace, 0).unwrap();
        for _ in 0..3 {
            given.extend(
                Spool::new(&workspace, "bytes", 0)
                    .save()
                    .unwrap()
                    .files()
                    .iter()
                    .map(|&name| name.to_owned()),
            );
        }
        Checkpoint::write(&workspace, 0, &()).unwrap();
        workspace.forget_others::<&str>([]).unwrap();
    }
    // Not even that of what a killed run left, once it is deleted.
    fs::write(outside.path().join("bytes-70"), "left by a kill").unwrap();
    let workspace = Workspace::open(outside.path()).unwrap();
    workspace.forget_others::<&str>([]).unwrap();
    let saved = Spool::new(&workspace, "bytes", 0).save().unwrap();
    assert_eq!(saved.files(), ["bytes-71"]);
    let count = given.len();
    given.sort();
    given.dedup();
    assert_eq!((given.len(), count), (9, 9));
}

#[test]
fn what_was_removed_is_not_touched_again() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("work");
    let former = Workspace::open(&folder).unwrap();
    let mut unsaved = Spool::new(&former, "bytes", 0);
    unsaved.append(&[1; 100]).unwrap();
    former.remove().unwrap();
    let workspace = Workspace::open(&folder).unwrap();
    let saved = Spool::new(&workspace, "bytes", 0).save().unwrap();
    assert_eq!(saved.files(), ["bytes-0"]);
    drop(unsaved);
    assert_eq!(names(&folder), ["bytes-0", "lock"]);
}

#[test]
fn partitions_go_on_within_their_memory() {
    let outside = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(outside.path()).unwrap();
    let mut parts = Partitions::new(&workspace, "parts", 5, usize::MAX);
    for partition in 0..5 {
        parts.push(partition, &[7; 3000]).unwrap();
    }
    let saved = parts.save().unwrap();
    assert_eq!((saved.count(), saved.files().len()), (5, 5));
    for memory in [0, 3000, 4096, 8000, 100_000] {
        let mut parts = Partitions::resume(&workspace, &saved, memory).unwrap();
        assert_eq!(parts.memory() > 0, memory > 3000); // the first one, as soon as it fits
        for number in 0..500 {
            assert!(parts.memory() <= memory.max(16), "{} of {memory}", parts.memory());
            parts.push(number % 5, &[8; 40]).unwrap();
        }
    }
}

#[test]
fn one_process_a_workspace() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("work");
    let workspace = Workspace::open(&folder).unwrap();
    let sentence = Workspace::open(&folder).unwrap_err().to_string();
    let expected = format!("another run (process {}) is at work there", std::process::id());
    assert!(sentence.contains(&expected) && sentence.contains("work:"), "{sentence}");
    let clone = workspace.clone();
    drop(workspace);
    assert!(Workspace::open(&folder).is_err());
    drop(clone);
    drop(Workspace::open(&folder).unwrap());

    // A kill between making the lock and writing into it.
    fs::write(folder.join("lock"), "").unwrap();
    drop(Workspace::open(&folder).unwrap());

    fs::write(folder.join("lock"), "somebody's own").unwrap();
    let sentence = Workspace::open(&folder).unwrap_err().to_string();
    assert!(sentence.contains("no folder of dittograph's temporary files"), "{sentence}");
    assert_eq!(fs::read(folder.join("lock")).unwrap(), b"somebody's own");
    fs::remove_file(folder.join("lock")).unwrap();
    fs::write(folder.join("bytes-0"), "somebody's own").unwrap();
    assert!(Workspace::open(&folder).is_err());
    assert_eq!(names(&folder), ["bytes-0"]);
}

#[test]
fn a_checkpoint_is_handed_to_whom_it_fits() {
    let outside = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(outside.path()).unwrap();
    let path = workspace.folder().join("checkpoint");
    let read = |binding| Checkpoint::read::<(u32, String)>(&workspace, binding);
    let refused = |binding, words: &str| {
        let sentence = read(binding).unwrap_err().to_string();
        assert!(sentence.starts_with(&path.display().to_string()), "{sentence}");
        assert!(sentence.ends_with(&format!("{words}; run again with --force to start anew")), "{sentence}");
    };
    assert!(read(1).unwrap().is_none());
    for payload in [(1, "barn".to_owned()), (2, "owl".repeat(1000)), (3, String::new())] {
        Checkpoint::write(&workspace, u128::MAX, &payload).unwrap();
        assert_eq!(read(u128::MAX).unwrap().unwrap(), payload);
        assert_eq!(names(workspace.folder()), ["checkpoint", "lock"]);
        assert_eq!(workspace.bytes(), fs::metadata(&path).unwrap().len());
    }
    refused(1, "was written with other settings or for other inputs");

    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        refused(
            u128::MAX,
            match at {
                16..20 => "was written by another version of dittograph, or is damaged",
                _ => "is damaged, and the run cannot go on from it",
            },
        );
        fs::write(&path, &whole[..at]).unwrap();
        assert!(read(u128::MAX).is_err());
    }

    // The same with another version in its head, and everything else right.
    let version = env!("CARGO_PKG_VERSION");
    let mut packed = whole[28..].to_vec();
    packed[1] = b'9';
    let hash = xxhash_rust::xxh3::xxh3_64(&packed).to_le_bytes();
    fs::write(&path, [&whole[..20], &hash, &packed].concat()).unwrap();
    let words = format!("was written by dittograph 9{}, and this is {version}", &version[1..]);
    refused(u128::MAX, &words);
}

/// States that fit nothing are errors, whoever made them.
#[test]
fn states_of_other_stores_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(outside.path()).unwrap();
    let mut column = ColumnWriter::<u64>::new(&workspace, "column", 0);
    column.push(7).unwrap();
    let saved = column.save().unwrap();
    assert_eq!((saved.len(), saved.is_empty()), (1, false));
    assert!(ColumnWriter::<u32>::resume(&workspace, &saved, 0).is_err());
    assert!(Column::<(u64, u8)>::reopen(&workspace, &saved, 0).is_err());
    assert!(Column::<u64>::reopen(&workspace, &saved, 0).is_ok());

    let mut sorter = Sorter::<u64>::new(&workspace, "sorter", 0);
    sorter.extend(&[1, 2, 3, 4]).unwrap();
    assert!(Sorter::<u32>::resume(&workspace, &sorter.save().unwrap(), 0).is_err());
    let runs = ColumnWriter::<u64>::new(&workspace, "runs", 0).save().unwrap();
    for (ends, fits) in [(vec![], true), (vec![1], false), (vec![0, 0], false), (vec![5, 0], false)] {
        // As a state of a sorter is written, and its end is not that of the values or does not ascend.
        let made: SavedSorter = postcard::from_bytes(&postcard::to_stdvec(&(&runs, ends)).unwrap()).unwrap();
        assert_eq!(Sorter::<u64>::resume(&workspace, &made, 0).is_ok(), fits);
    }

    // Of no bytes and their right hash: nothing but the name tells that the file is none of a store.
    #[derive(Serialize)]
    struct Made<'a>(&'a str, u64, u64);
    let workspace = Workspace::open(outside.path().join("work")).unwrap();
    let names = ["../other-0", "lock", "more", "column_0", "sub/column-0", "column-0x", "column-+1"];
    fs::create_dir(workspace.folder().join("sub")).unwrap();
    for name in names {
        let path = workspace.folder().join(name);
        fs::write(&path, "somebody's own").unwrap();
        let made = postcard::to_stdvec(&Made(name, 0, xxhash_rust::xxh3::xxh3_64(&[]))).unwrap();
        let saved: SavedBytes = postcard::from_bytes(&made).unwrap();
        assert!(Spool::resume(&workspace, &saved, 0).is_err(), "{name}");
        assert_eq!(fs::read(path).unwrap(), b"somebody's own");
    }
    fs::write(workspace.folder().join("column-7"), "").unwrap();
    let made = postcard::to_stdvec(&Made("column-7", 0, xxhash_rust::xxh3::xxh3_64(&[]))).unwrap();
    assert!(Spool::resume(&workspace, &postcard::from_bytes(&made).unwrap(), 0).is_ok());
}
