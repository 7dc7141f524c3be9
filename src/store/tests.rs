use std::fs;
use std::io::{BufRead, Read};
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::spool::BUFFER;
use super::*;
use crate::error::{Error, Result};

/// From nothing at all to more than there is.
fn budget() -> impl Strategy<Value = usize> {
    prop_oneof![0..200usize, 200..5000usize, 5000..100_000usize, Just(1 << 30), Just(usize::MAX)]
}

fn row() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..40),
        2 => vec(any::<u8>(), 120..300),
        1 => (any::<u8>(), 0..40_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

/// A place in something of this length, or a little behind it.
fn at(place: u16, length: u64) -> u64 {
    u64::from(place) * (length + 2) / 65536
}

fn workspace() -> Workspace {
    Workspace::temporary().unwrap()
}

fn spool(workspace: &Workspace, memory: usize, pieces: &[Vec<u8>]) -> Result<Sealed> {
    let mut spool = Spool::new(workspace, "bytes", memory);
    let mut length = 0;
    for piece in pieces {
        assert_eq!(spool.append(piece)?, length);
        length += piece.len() as u64;
        assert_eq!(spool.len(), length);
        assert!(spool.memory() <= memory.max(64), "{} of {memory}", spool.memory());
    }
    spool.finish()
}

fn rows(workspace: &Workspace, memory: usize, rows: &[Vec<u8>]) -> Result<Rows> {
    let mut writer = RowsWriter::new(workspace, "rows", memory);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(writer.push(row)?, number as u64);
    }
    assert_eq!((writer.len(), writer.is_empty()), (rows.len() as u64, rows.is_empty()));
    writer.finish()
}

fn column<T: Fixed>(workspace: &Workspace, memory: usize, values: &[T]) -> Result<Column<T>> {
    let mut writer = ColumnWriter::new(workspace, "column", memory);
    for (number, &value) in values.iter().enumerate() {
        assert_eq!(writer.push(value)?, number as u64);
    }
    assert_eq!((writer.len(), writer.is_empty()), (values.len() as u64, values.is_empty()));
    writer.finish()
}

fn sorter<T: Fixed + Ord + Send + Sync>(
    workspace: &Workspace,
    memory: usize,
    values: &[T],
) -> Result<Sorted<T>> {
    let mut sorter = Sorter::new(workspace, "sorter", memory);
    let mut before = 0;
    for &value in values {
        sorter.push(value)?;
        let now = sorter.memory();
        // While the values move they take their old place, too.
        let taken = if now > before { before + now } else { now };
        assert!(taken <= memory.saturating_add(BUFFER), "{taken} of {memory}");
        before = now;
    }
    sorter.finish()
}

/// Every partition's rows and their offsets.
type Expected = Vec<Vec<(u64, Vec<u8>)>>;

fn partitions(
    workspace: &Workspace,
    memory: usize,
    count: usize,
    rows: &[(u8, Vec<u8>)],
) -> Result<(Parted, Expected)> {
    let mut partitions = Partitions::new(workspace, "partitions", count, memory);
    let mut expected = vec![Vec::new(); partitions.count()];
    for (partition, row) in rows {
        let partition = usize::from(*partition) % count;
        let offset = partitions.push(partition, row)?;
        expected[partition].push((offset, row.clone()));
        assert!(partitions.memory() <= memory.max(16), "{} of {memory}", partitions.memory());
    }
    Ok((partitions.finish()?, expected))
}

#[track_caller]
fn check_rows(mut reader: RowReader, expected: &[Vec<u8>]) {
    let mut row = b"left from before".to_vec();
    for expected in expected {
        assert!(reader.next(&mut row).unwrap());
        assert_eq!(&row, expected);
    }
    assert!(!reader.next(&mut row).unwrap());
    assert!(row.is_empty());
}

#[track_caller]
fn check_column<T: Fixed + PartialEq + std::fmt::Debug>(memory: usize, values: &[T], places: &[(u16, u16)]) {
    let workspace = workspace();
    let column = column(&workspace, memory, values).unwrap();
    assert_eq!((column.len(), column.is_empty()), (values.len() as u64, values.is_empty()));
    let read = |number| column.iter_from(number).map(Result::unwrap).collect::<Vec<T>>();
    assert_eq!(read(0), values);
    let mut some = Vec::new();
    for &(first, last) in places {
        let (first, last) = (at(first, column.len()), at(last, column.len()));
        assert_eq!(column.get(first).ok(), values.get(first as usize).copied());
        assert_eq!(read(first), values.get(first as usize..).unwrap_or(&[]));
        match values.get(first as usize..last.max(first) as usize) {
            Some(expected) => {
                column.range(first..last, &mut some).unwrap();
                assert_eq!(some, expected);
            }
            None if first < last => assert!(column.range(first..last, &mut some).is_err()),
            None => column.range(first..last, &mut some).unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn a_spool_is_a_vector(
        memory in budget(), pieces in vec(row(), 0..60), places in vec(any::<(u16, u16)>(), 0..20), step in 1..5000usize
    ) {
        let workspace = workspace();
        let sealed = spool(&workspace, memory, &pieces).unwrap();
        let all = pieces.concat();
        prop_assert_eq!((sealed.len(), sealed.is_empty()), (all.len() as u64, all.is_empty()));
        prop_assert!(workspace.bytes() == 0 || workspace.bytes() == sealed.len());
        prop_assert!(workspace.bytes() > 0 || all.len() <= memory.max(64));
        // Of the budget no more than a chunk stays unused.
        prop_assert!(workspace.bytes() == 0 || all.len() > memory.saturating_sub((memory / 4).max(64)));
        let mut out = b"left from before".to_vec();
        for (one, other) in places {
            let (start, end) = (at(one, sealed.len()), at(other, sealed.len()));
            let range = start as usize..end.max(start) as usize;
            match all.get(range.clone()) {
                Some(expected) => {
                    sealed.read_at(start, range.len(), &mut out).unwrap();
                    prop_assert_eq!(&out, expected);
                }
                None => prop_assert!(sealed.read_at(start, range.len(), &mut out).is_err()),
            }
            let expected = all.get(range.start.min(all.len())..range.end.min(all.len())).unwrap();
            let mut reader = sealed.reader_with(start..end, step);
            out.clear();
            let mut piece = vec![0; step / 2 + 1];
            loop {
                let read = reader.read(&mut piece).unwrap();
                prop_assert!(reader.memory() <= step);
                if read == 0 { break }
                out.extend_from_slice(&piece[..read]);
            }
            prop_assert_eq!(&out, expected);
            prop_assert!(reader.fill_buf().unwrap().is_empty());
            out.clear();
            sealed.reader(start..end).read_to_end(&mut out).unwrap();
            prop_assert_eq!(&out, expected);
        }
    }

    #[test]
    fn rows_are_a_vector_of_rows(memory in budget(), expected in vec(row(), 0..150), places in vec(any::<u16>(), 0..40)) {
        let workspace = workspace();
        let rows = rows(&workspace, memory, &expected).unwrap();
        prop_assert_eq!((rows.len(), rows.is_empty()), (expected.len() as u64, expected.is_empty()));
        check_rows(rows.iter_from(0).unwrap(), &expected);
        let mut row = b"left from before".to_vec();
        for place in places {
            let number = at(place, rows.len());
            match expected.get(number as usize) {
                Some(expected) => {
                    rows.get(number, &mut row).unwrap();
                    prop_assert_eq!(&row, expected);
                }
                None => prop_assert!(rows.get(number, &mut row).is_err()),
            }
            check_rows(rows.iter_from(number).unwrap(), expected.get(number as usize..).unwrap_or(&[]));
        }
    }

    #[test]
    fn a_column_is_a_vector(
        memory in budget(), values in vec(any::<(u64, u32)>(), 0..600), places in vec(any::<(u16, u16)>(), 0..20)
    ) {
        check_column(memory, &values, &places);
        check_column(memory, &values.iter().map(|value| value.1 as u8).collect::<Vec<_>>(), &places);
        let wide: Vec<[u64; 19]> = values.iter().map(|value| [value.0; 19]).collect();
        check_column(memory, &wide, &places);
    }

    #[test]
    fn partitions_are_vectors_of_rows(memory in budget(), count in 1..20usize, rows in vec((any::<u8>(), row()), 0..120)) {
        let workspace = workspace();
        let (parted, expected) = partitions(&workspace, memory, count, &rows).unwrap();
        prop_assert_eq!(parted.count(), count);
        prop_assert_eq!(workspace.open_files(), 0);
        prop_assert!(workspace.open_files_peak() <= 1);
        for (partition, expected) in expected.iter().enumerate() {
            let partition = parted.open(partition).unwrap();
            let rows: Vec<Vec<u8>> = expected.iter().map(|(_, row)| row.clone()).collect();
            check_rows(partition.rows(), &rows);
            let mut row = b"left from before".to_vec();
            for (offset, expected) in expected.iter().rev().step_by(3) {
                partition.get(*offset, &mut row).unwrap();
                prop_assert_eq!(&row, expected);
            }
            prop_assert!(partition.get(partition.bytes(), &mut row).is_err());
            prop_assert!(partition.get(u64::MAX, &mut row).is_err());
        }
    }

    #[test]
    fn a_sorter_sorts(memory in budget(), values in vec((0..500u64, any::<u32>()), 0..2000)) {
        let workspace = workspace();
        let mut sorter = Sorter::new(&workspace, "sorter", memory);
        for piece in values.chunks(300) {
            sorter.extend(piece).unwrap();
            prop_assert!(sorter.memory() <= memory.max(64).saturating_add(memory.clamp(64, BUFFER)));
        }
        let sorted = sorter.finish().unwrap();
        let mut expected = values;
        expected.sort_unstable();
        prop_assert_eq!((sorted.len(), sorted.is_empty()), (expected.len() as u64, expected.is_empty()));
        let (one, two) = (sorted.reader().unwrap(), sorted.clone().reader().unwrap());
        prop_assert!(one.memory() <= memory.max(2 * 12));
        drop(sorted);
        prop_assert_eq!(&one.map(Result::unwrap).collect::<Vec<_>>(), &expected);
        prop_assert_eq!(&two.map(Result::unwrap).collect::<Vec<_>>(), &expected);
        prop_assert!(workspace.open_files_peak() <= 2);
        prop_assert_eq!(workspace.open_files(), 0);
        prop_assert_eq!(workspace.bytes(), 0);
    }

    #[test]
    fn values_come_back_from_their_bytes(value in any::<((u8, u16), [u32; 3], (u64, u128, [u8; 5]))>()) {
        fn check<T: Fixed + PartialEq + std::fmt::Debug>(value: T) {
            let mut bytes = vec![0; T::BYTES];
            value.put(&mut bytes);
            assert_eq!(T::get(&bytes), value);
        }
        check(value);
        check(value.1);
        assert_eq!(<((u8, u16), [u32; 3], (u64, u128, [u8; 5]))>::BYTES, 3 + 12 + 29);
    }
}

fn only_file(workspace: &Workspace) -> std::path::PathBuf {
    let mut files = fs::read_dir(workspace.folder()).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

#[test]
fn numbers_are_little_endian() {
    let mut bytes = [0; 6];
    (0x0403_0201u32, 0x0605u16).put(&mut bytes);
    assert_eq!(bytes, [1, 2, 3, 4, 5, 6]);
}

#[track_caller]
fn check_in_memory(memory: usize, bytes: usize, expected: bool) {
    let workspace = workspace();
    let _sealed = spool(&workspace, memory, &vec![vec![7]; bytes]).unwrap();
    assert_eq!(workspace.bytes() == 0, expected, "{bytes} bytes in {memory}");
}

#[test]
fn what_fits_is_not_written() {
    check_in_memory(4096, 4096, true);
    check_in_memory(4096, 4097, false);
    check_in_memory(5000, 4000, true);
    check_in_memory(0, 64, true);
    check_in_memory(0, 65, false);

    let workspace = workspace();
    let values: Vec<u64> = (0..1000).rev().collect();
    let _sorted = sorter(&workspace, 8000, &values).unwrap();
    let rows = vec![(0, vec![0; 100]), (1, vec![1; 50]), (0, vec![0; 100])];
    let _parted = partitions(&workspace, 4096, 2, &rows).unwrap();
    assert_eq!((workspace.bytes_peak(), workspace.open_files_peak()), (0, 0));
    let _more = sorter(&workspace, 7999, &values).unwrap();
    assert!(workspace.bytes() > 0);
}

#[test]
fn the_largest_partition_is_written_and_small_ones_stay() {
    let workspace = workspace();
    let mut rows = vec![(0, vec![0; 10]), (2, vec![2; 10])];
    rows.extend(vec![(1, vec![1; 100]); 200]);
    let (parted, _) = partitions(&workspace, 4096, 3, &rows).unwrap();
    assert!(only_file(&workspace).to_str().unwrap().contains("partitions-1-"));
    assert_eq!(workspace.bytes(), parted.open(1).unwrap().bytes());
    let held: Vec<Partition> = (0..3).map(|partition| parted.open(partition).unwrap()).collect();
    assert_eq!(workspace.open_files(), 1);
    drop((parted, held));
    assert_eq!((workspace.open_files(), workspace.bytes()), (0, 0));
}

/// More runs than are merged at once: two, with many rounds, and eight, with one.
#[test]
fn many_runs_are_merged_in_rounds() {
    for (memory, values, most_percent) in [(48, 3000u64, 205), (512 << 10, 500_000, 170)] {
        let workspace = workspace();
        let values: Vec<(u64, u32)> =
            (0..values).map(|value| (value.wrapping_mul(0x9e37_79b9_7f4a_7c15), value as u32)).collect();
        let sorted = sorter(&workspace, memory, &values).unwrap();
        let mut expected = values;
        expected.sort_unstable();
        assert!(sorted.reader().unwrap().map(Result::unwrap).eq(expected.iter().copied()));
        let bytes = expected.len() as u64 * 12;
        assert_eq!(sorted.len(), expected.len() as u64);
        assert!((bytes..2 * bytes).contains(&workspace.bytes()), "{} of {bytes}", workspace.bytes());
        assert!(
            workspace.bytes_peak() <= bytes * most_percent / 100,
            "{} of {bytes}",
            workspace.bytes_peak()
        );
        assert!(workspace.open_files_peak() <= 2);
    }
}

#[track_caller]
fn check_full(limit: u64, write: impl Fn(&Workspace) -> Result<()>) {
    let workspace = workspace().with_limit(limit);
    let error = write(&workspace).unwrap_err();
    let sentence = error.to_string();
    assert!(matches!(error, Error::Run(_)), "{sentence}");
    assert!(sentence.starts_with(&workspace.folder().display().to_string()), "{sentence}");
    assert!(
        sentence.contains("free some room or name another --tmp, then run the same command again"),
        "{sentence}"
    );
    assert!(workspace.bytes_peak() <= limit);
    assert_eq!((workspace.bytes(), workspace.open_files()), (0, 0));
    assert_eq!(fs::read_dir(workspace.folder()).unwrap().count(), 0);
}

#[test]
fn a_full_disk_is_an_error_at_every_write() {
    let bytes = vec![vec![3; 70]; 100];
    let values: Vec<u64> = (0..1000).collect();
    let parts: Vec<(u8, Vec<u8>)> = (0..200).map(|number| (number, vec![number; 50])).collect();
    for limit in [0, 1, 63, 500, 4000, 6000] {
        for memory in [0, 100, 1000] {
            check_full(limit, |workspace| spool(workspace, memory, &bytes).map(drop));
            check_full(limit, |workspace| rows(workspace, memory, &bytes).map(drop));
            check_full(limit, |workspace| column(workspace, memory, &values).map(drop));
            check_full(limit, |workspace| sorter(workspace, memory, &values).map(drop));
            check_full(limit, |workspace| partitions(workspace, memory, 5, &parts).map(drop));
        }
    }
    // Room for the runs, but not for merging them.
    check_full(9000, |workspace| sorter(workspace, 80, &values).map(drop));
}

#[test]
fn a_store_that_failed_fails_again() {
    let workspace = workspace().with_limit(100);
    let mut spool = Spool::new(&workspace, "bytes", 64);
    for _ in 0..10 {
        let _ = spool.append(&[1; 50]);
    }
    assert!(spool.append(&[1; 50]).is_err());
    assert!(spool.finish().is_err());
}

#[test]
fn a_changed_file_is_an_error() {
    let numbers: Vec<u64> = (0..5000).collect();
    let bytes = vec![vec![1; 70]; 1000];
    let workspace = workspace();
    let (sealed, rows) = (spool(&workspace, 100, &bytes).unwrap(), rows(&workspace, 100, &bytes).unwrap());
    let (column, sorted) =
        (column(&workspace, 100, &numbers).unwrap(), sorter(&workspace, 1000, &numbers).unwrap());
    let (parted, _) = partitions(&workspace, 100, 1, &vec![(0, vec![2; 90]); 100]).unwrap();
    let change = |change: &dyn Fn(&mut Vec<u8>)| {
        for file in fs::read_dir(workspace.folder()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    };
    let read_rows = |mut reader: RowReader| {
        let mut row = Vec::new();
        while reader.next(&mut row)? {}
        Ok::<_, Error>(())
    };
    let mut row = Vec::new();

    change(&|bytes| bytes.fill(0xff)); // no length ends any more
    assert!(rows.get(100, &mut row).is_err());
    assert!(read_rows(rows.iter_from(0).unwrap()).is_err());
    assert!(rows.iter_from(70).is_err());
    let partition = parted.open(0).unwrap();
    assert!(read_rows(partition.rows()).is_err());
    assert!(partition.get(0, &mut row).is_err());

    change(&|bytes| bytes.fill(0x7f)); // rows of 127: the ninth reaches into the next block, the last behind the end
    assert!(rows.get(7, &mut row).is_ok() && rows.get(8, &mut row).is_err());
    assert!(rows.get(999, &mut row).is_err());
    assert!(read_rows(rows.iter_from(0).unwrap()).is_err());

    change(&|bytes| bytes.truncate(3000));
    for error in [
        sealed.read_at(2999, 2, &mut row).unwrap_err(),
        rows.get(999, &mut row).unwrap_err(),
        column.get(4999).unwrap_err(),
        column.iter_from(0).find_map(Result::err).unwrap(),
        sorted.reader().err().or_else(|| sorted.reader().unwrap().find_map(Result::err)).unwrap(),
        read_rows(partition.rows()).unwrap_err(),
    ] {
        let sentence = error.to_string();
        assert!(sentence.contains("not as it was written"), "{sentence}");
    }
    let error = sealed.reader(0..7000).read_to_end(&mut row).unwrap_err();
    assert!(error.to_string().contains("not as it was written"), "{error}");
}

#[test]
fn names_are_no_paths() {
    let workspace = workspace();
    for name in ["../../barn", "/etc/barn", "", ".", "a\0b", "Scheunenöffner \u{1b}[1m", &"long".repeat(1000)]
    {
        let mut spool = Spool::new(&workspace, name, 0);
        spool.append(&[1; 100]).unwrap();
        let sealed = spool.finish().unwrap();
        let name = only_file(&workspace).file_name().unwrap().to_str().unwrap().to_owned();
        assert!(
            name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{name}"
        );
        drop(sealed);
    }
}

#[test]
fn files_and_folders_go_with_their_last_owner() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("runs/one");
    let workspace = Workspace::create(&folder).unwrap();
    fs::write(folder.join("bytes-0"), "of a killed run").unwrap();
    let sealed = spool(&workspace, 0, &[vec![1; 100]]).unwrap();
    let reader = sealed.reader(0..100);
    assert_eq!((workspace.bytes(), workspace.bytes_peak(), workspace.open_files()), (100, 100, 1));
    drop((sealed, workspace));
    assert!(folder.join("bytes-1").exists());
    drop(reader);
    assert!(!folder.join("bytes-1").exists());
    assert_eq!(fs::read(folder.join("bytes-0")).unwrap(), b"of a killed run");

    let kept = Workspace::create(&folder).unwrap(); // was there: it is not ours to remove
    drop(kept);
    fs::remove_file(folder.join("bytes-0")).unwrap();
    drop(Workspace::create(&folder).unwrap());
    assert!(folder.exists());
    fs::remove_dir(&folder).unwrap();
    drop(Workspace::create(&folder).unwrap());
    assert!(!folder.exists() && outside.path().join("runs").exists());

    let temporary = Workspace::temporary().unwrap();
    let path = temporary.folder().to_owned();
    assert!(path.is_dir());
    drop(temporary);
    assert!(!path.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_name() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "").unwrap();
    let error = Workspace::create(outside.path().join("file/below")).unwrap_err().to_string();
    assert!(error.contains("file/below"), "{error}");
}

/// The system's own sentence for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_device_without_room_is_a_full_disk() {
    use super::file::{OpenFile, TempFile};
    let workspace = workspace();
    let (mut file, _) = TempFile::create(&workspace, "bytes").unwrap();
    let device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let open = OpenFile::of(device, "/dev/full".as_ref(), &workspace);
    let sentence = file.append(&open, &[1; 100]).unwrap_err().to_string();
    assert!(sentence.contains("no room left on the disk"), "{sentence}");
    assert_eq!((file.len(), workspace.bytes()), (0, 0));
}

#[test]
fn room_is_counted() {
    let workspace = workspace();
    let one = spool(&workspace, 0, &[vec![1; 1000]]).unwrap();
    let two = spool(&workspace, 0, &[vec![1; 500]]).unwrap();
    assert_eq!((workspace.bytes(), workspace.bytes_peak()), (1500, 1500));
    drop(one);
    let three = spool(&workspace, 0, &[vec![1; 200]]).unwrap();
    assert_eq!((workspace.bytes(), workspace.bytes_peak()), (700, 1500));
    drop((two, three));
    assert_eq!((workspace.bytes(), workspace.bytes_peak()), (0, 1500));
    #[cfg(unix)]
    assert!(workspace.free_bytes().unwrap().unwrap() > 0);
}

#[test]
fn many_threads_read_one_store() {
    let workspace = workspace();
    let numbers: Vec<u64> = (0..5000).collect();
    let bytes: Vec<Vec<u8>> = (0..5000u32).map(|number| number.to_le_bytes().to_vec()).collect();
    for memory in [0, usize::MAX] {
        let column = column(&workspace, memory, &numbers).unwrap();
        let rows = rows(&workspace, memory, &bytes).unwrap();
        let check = |numbers: Range<u64>| {
            let mut row = Vec::new();
            for number in numbers {
                assert_eq!(column.get(number).unwrap(), number);
                rows.get(number, &mut row).unwrap();
                assert_eq!(row, (number as u32).to_le_bytes());
            }
        };
        rayon::join(|| check(0..3000), || check(2000..5000));
    }
}
