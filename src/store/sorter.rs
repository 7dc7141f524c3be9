//! How are values sorted that do not fit in memory?
//!
//! Values in, the same values out, ascending, as often as needed. What fits is sorted where it is. What does not is sorted
//! piece by piece; the sorted runs stand in one file, one after the other, and are merged while they are read. Of more
//! runs than can be merged with buffers worth reading, some are merged into longer ones first, in a second file.
//!
//! Memory: what the sorter was given, and up to 1 MiB while it writes; a reader the same once more where the values are
//! in a file. Disk: [`Fixed::BYTES`] a value, and once more for those that are merged twice, however often. Time: a sort of each run with
//! all threads, one write, and for each reader one read with log2(runs) comparisons a value.
//! Reference: Knuth, *The Art of Computer Programming*, volume 3, section 5.4.1 (loser trees).

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::slice::ParallelSliceMut;
use serde::{Deserialize, Serialize};

use super::file::unusable;
use super::spool::BUFFER;
use super::{Column, ColumnReader, ColumnWriter, Fixed, Saved, SavedColumn, Workspace};
use crate::error::Result;

/// Values to be sorted.
///
/// Values that compare equal must be equal, or their order depends on the memory. After an error it is good for nothing
/// but to be dropped.
#[derive(Debug)]
pub struct Sorter<T> {
    place: Place,
    values: Vec<T>,
    /// How many values came before `values`: none as long as all are in memory.
    start: u64,
    runs: Option<RunsWriter<T>>,
}

/// The saved state of a [`Sorter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSorter {
    runs: SavedColumn,
    ends: Vec<u64>,
}

impl SavedSorter {
    /// How many values.
    pub fn len(&self) -> u64 {
        self.runs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where values go that do not fit, and how much may stay.
#[derive(Clone, Debug)]
struct Place {
    workspace: Workspace,
    name: Box<str>,
    memory_bytes: usize,
}

/// The names of its files: one.
impl Saved for SavedSorter {
    fn files(&self) -> Vec<&str> {
        self.runs.files()
    }
}

/// Up to here the values' memory doubles; then it takes all there may be. Twice this is more than the values and their
/// old place take while they move.
const FIRST_BYTES: usize = 512 << 10;

/// A run is read in pieces no smaller than this, unless that left one run to read at a time: half a millisecond of a disk
/// that seeks (a guess).
const LEAST_BUFFER: usize = 64 << 10;

/// So many runs are merged at once at most: with more, the tree of their heads would leave the nearest cache (a guess).
const MOST_RUNS: usize = 128;

impl<T: Fixed + Ord + Send + Sync> Sorter<T> {
    /// No values. Takes up to `memory_bytes` (room for one value at least), and up to 1 MiB more while it moves or writes
    /// them.
    pub fn new(workspace: &Workspace, name: &str, memory_bytes: usize) -> Sorter<T> {
        const { assert!(T::BYTES > 0, "a value of no bytes cannot be counted in a file") };
        let place = Place { workspace: workspace.clone(), name: name.into(), memory_bytes };
        Sorter { place, values: Vec::new(), start: 0, runs: None }
    }

    /// As it was when the state was saved; what was added later is gone. An error where the file does not hold what it held
    /// then, or where it was a state of values of another width. Cost: the values are read once; they are on disk from
    /// now on, whether or not they would fit in memory.
    pub fn resume(workspace: &Workspace, saved: &SavedSorter, memory_bytes: usize) -> Result<Sorter<T>> {
        let mut sorter = Sorter::new(workspace, saved.runs.label(), memory_bytes);
        let ascending = saved.ends.is_sorted_by(|one, next| one < next);
        if !ascending || saved.ends.last().copied().unwrap_or(0) != saved.len() {
            return Err(saved.runs.unusable(workspace));
        }
        let values = ColumnWriter::resume(workspace, &saved.runs, memory_bytes.min(BUFFER))?;
        sorter.start = values.len();
        sorter.runs = Some(RunsWriter { values, ends: saved.ends.clone() });
        Ok(sorter)
    }

    /// Adds a value.
    pub fn push(&mut self, value: T) -> Result<()> {
        if self.values.len() == self.values.capacity() {
            self.make_room()?;
        }
        self.values.push(value);
        Ok(())
    }

    /// Adds values.
    pub fn extend(&mut self, mut values: &[T]) -> Result<()> {
        while !values.is_empty() {
            if self.values.len() == self.values.capacity() {
                self.make_room()?;
            }
            let room = self.values.capacity() - self.values.len();
            let (now, later) = values.split_at(room.clamp(1, values.len()));
            self.values.extend_from_slice(now);
            values = later;
        }
        Ok(())
    }

    /// Makes all values so far durable, in a file. Cost: one write of those that were added since the last time and one
    /// sync; what is in memory stays there. What was added since is a sorted run of its own, however little, so that a
    /// thousand states of one sorter make rounds of merging.
    pub fn save(&mut self) -> Result<SavedSorter> {
        let runs = self.write_run()?;
        Ok(SavedSorter { runs: runs.values.save()?, ends: runs.ends.clone() })
    }

    /// Sorts what is left to sort.
    pub fn finish(mut self) -> Result<Sorted<T>> {
        if self.start == 0 {
            let copy = match self.runs {
                None => None,
                Some(_) => {
                    self.write_run()?;
                    self.runs.map(RunsWriter::finish).transpose()?
                }
            };
            self.values.par_sort_unstable();
            return Ok(Sorted::in_memory(self.values, copy, self.place));
        }
        self.write_run()?;
        let Sorter { place, values, runs, .. } = self;
        drop(values);
        place.sorted(runs.map_or(Ok(Vec::new()), RunsWriter::finish)?)
    }

    /// Room for one more value at least: by growing, or else by writing what there is.
    fn make_room(&mut self) -> Result<()> {
        let width = size_of::<T>().max(1);
        let most = (self.place.memory_bytes / width).max(1);
        let length = self.values.len();
        if length < most {
            let doubled = (2 * length).clamp(1, most);
            let all = if doubled * width <= FIRST_BYTES { doubled } else { most };
            // A system may refuse to promise memory that nobody uses yet.
            for wanted in [all, doubled] {
                if self.values.try_reserve_exact(wanted - length).is_ok() {
                    return Ok(());
                }
            }
        }
        self.start = self.write_run()?.values.len();
        self.values.clear();
        Ok(())
    }

    /// Writes what was not written yet, if anything, as a sorted run.
    fn write_run(&mut self) -> Result<&mut RunsWriter<T>> {
        let runs = self.runs.get_or_insert_with(|| RunsWriter::new(&self.place));
        let written = (runs.values.len() - self.start) as usize;
        let new = self.values.get_mut(written..).unwrap_or_default();
        new.par_sort_unstable();
        for &value in &*new {
            runs.values.push(value)?;
        }
        runs.end();
        Ok(runs)
    }

    /// Bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let writing = self.runs.as_ref().map_or(0, |runs| runs.values.memory());
        self.values.capacity() * size_of::<T>() + writing
    }
}

impl Place {
    /// These runs, when they have been merged until all that are left can be merged at once.
    fn sorted<T: Fixed + Ord>(self, mut runs: Vec<Run<T>>) -> Result<Sorted<T>> {
        let most = (self.memory_bytes / LEAST_BUFFER).clamp(2, MOST_RUNS);
        while runs.len() > most {
            runs = self.merge_some(&runs, most)?;
        }
        let Place { memory_bytes, name, .. } = self;
        Ok(Sorted(Held::Runs { runs: runs.into(), memory_bytes, name }))
    }

    /// Writes ascending values as a run.
    fn write<T: Fixed>(&self, values: &[T]) -> Result<Vec<Run<T>>> {
        let mut runs = RunsWriter::new(self);
        for &value in values {
            runs.values.push(value)?;
        }
        runs.end();
        runs.finish()
    }

    /// Merges some of these more than `most` runs, `most` at once, until `most` are left or none that was not merged.
    fn merge_some<T: Fixed + Ord>(&self, runs: &[Run<T>], most: usize) -> Result<Vec<Run<T>>> {
        let mut merged = RunsWriter::new(self);
        let mut rest = runs;
        loop {
            let too_many = (rest.len() + merged.ends.len()).saturating_sub(most);
            if too_many == 0 || rest.is_empty() {
                break;
            }
            // One that is left over is copied: where another round follows, its file must not stay for it alone.
            let taken = (too_many + 1).min(most).min(rest.len());
            let (now, later) = rest.split_at(taken);
            for value in Merge::new(now, self.memory_bytes)? {
                merged.values.push(value?)?;
            }
            merged.end();
            rest = later;
        }
        Ok([rest, &merged.finish()?].concat())
    }
}

/// Sorted runs, one after the other, while they are written.
#[derive(Debug)]
struct RunsWriter<T> {
    values: ColumnWriter<T>,
    ends: Vec<u64>,
}

/// A sorted run: values of these numbers.
#[derive(Clone, Debug)]
struct Run<T> {
    values: Column<T>,
    numbers: Range<u64>,
}

impl<T: Fixed> RunsWriter<T> {
    fn new(place: &Place) -> RunsWriter<T> {
        let values = ColumnWriter::new(&place.workspace, &place.name, place.memory_bytes.min(BUFFER));
        RunsWriter { values, ends: Vec::new() }
    }

    /// What was pushed since the last call, if anything, is a run.
    fn end(&mut self) {
        if self.values.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.values.len());
        }
    }

    fn finish(self) -> Result<Vec<Run<T>>> {
        let values = self.values.finish()?;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let run = |(start, &end)| Run { values: values.clone(), numbers: start..end };
        Ok(starts.zip(&self.ends).map(run).collect())
    }
}

/// The values of a [`Sorter`], ascending, repeats included. A clone is the same values.
#[derive(Clone, Debug)]
pub struct Sorted<T>(Held<T>);

#[derive(Clone, Debug)]
enum Held<T> {
    Memory { values: Arc<Vec<T>>, copy: Arc<Written<T>> },
    Runs { runs: Arc<[Run<T>]>, memory_bytes: usize, name: Box<str> },
}

/// What of values in memory was written, and where to if they are to be saved.
#[derive(Debug)]
struct Written<T> {
    runs: Mutex<Option<Vec<Run<T>>>>,
    place: Place,
}

/// The saved state of a [`Sorted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSorted {
    name: String,
    columns: Vec<SavedColumn>,
    /// Of each run the place of its column and the numbers of its values there.
    runs: Vec<(usize, Range<u64>)>,
}

impl SavedSorted {
    /// How many values.
    pub fn len(&self) -> u64 {
        self.runs
            .iter()
            .fold(0, |sum, (_, numbers)| sum.saturating_add(numbers.end.saturating_sub(numbers.start)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of<T: Fixed>(name: &str, runs: &[Run<T>]) -> Result<SavedSorted> {
        let mut saved = SavedSorted { name: name.into(), columns: Vec::new(), runs: Vec::new() };
        for run in runs {
            let column = run.values.save()?;
            let known = saved.columns.iter().position(|known| *known == column);
            let place = known.unwrap_or_else(|| {
                saved.columns.push(column);
                saved.columns.len() - 1
            });
            saved.runs.push((place, run.numbers.clone()));
        }
        Ok(saved)
    }

    fn open<T: Fixed>(&self, workspace: &Workspace) -> Result<Vec<Run<T>>> {
        let columns = self.columns.iter().map(|saved| Column::reopen(workspace, saved, 0));
        let columns = columns.collect::<Result<Vec<Column<T>>>>()?;
        let run = |(place, numbers): &(usize, Range<u64>)| {
            let values = columns.get(*place)?;
            let there = numbers.start < numbers.end && numbers.end <= values.len();
            there.then(|| Run { values: values.clone(), numbers: numbers.clone() })
        };
        let runs: Option<Vec<Run<T>>> = self.runs.iter().map(run).collect();
        runs.ok_or_else(|| match self.columns.first() {
            Some(column) => column.unusable(workspace),
            None => {
                unusable(workspace.folder(), "has no file of sorted values that the state of the run needs")
            }
        })
    }
}

/// The names of its files: up to two.
impl Saved for SavedSorted {
    fn files(&self) -> Vec<&str> {
        self.columns.iter().flat_map(Saved::files).collect()
    }
}

impl<T: Fixed + Ord> Sorted<T> {
    /// The values of a saved state: in memory where `memory_bytes` hold them, otherwise in their files, merged further
    /// where the runs are too many for so much memory. An error where the files do not hold what they held then, or where
    /// the values were of another width. Cost: the values are read once, or twice to be in memory.
    pub fn reopen(workspace: &Workspace, saved: &SavedSorted, memory_bytes: usize) -> Result<Sorted<T>> {
        let place = Place { workspace: workspace.clone(), name: saved.name.as_str().into(), memory_bytes };
        let runs = saved.open(workspace)?;
        let most = (memory_bytes / size_of::<T>().max(1)) as u64;
        if saved.len() > most {
            return place.sorted(runs);
        }
        let mut values = Vec::with_capacity(usize::try_from(saved.len()).unwrap_or(0));
        for value in Merge::new(&runs, memory_bytes.min(BUFFER))? {
            values.push(value?);
        }
        Ok(Sorted::in_memory(values, Some(runs), place))
    }

    /// Makes the values durable, in up to two files. Cost: where they are in memory and in no file one write, once; one
    /// sync a file.
    pub fn save(&self) -> Result<SavedSorted> {
        match &self.0 {
            Held::Runs { runs, name, .. } => SavedSorted::of(name, runs),
            Held::Memory { values, copy } => {
                let mut runs = copy.runs.lock().unwrap_or_else(PoisonError::into_inner);
                let written = match runs.take() {
                    Some(written) => written,
                    None => copy.place.write(values)?,
                };
                SavedSorted::of(&copy.place.name, runs.insert(written))
            }
        }
    }

    /// Ascending values, and the runs of the same values, if they were written.
    fn in_memory(values: Vec<T>, runs: Option<Vec<Run<T>>>, place: Place) -> Sorted<T> {
        Sorted(Held::Memory {
            values: Arc::new(values),
            copy: Arc::new(Written { runs: Mutex::new(runs), place }),
        })
    }

    /// How many values.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Held::Memory { values, .. } => values.len() as u64,
            Held::Runs { runs, .. } => runs.iter().map(|run| run.numbers.end - run.numbers.start).sum(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the values from the least on. Where they are in a file, each reader takes up to the sorter's memory.
    pub fn reader(&self) -> Result<SortedReader<T>> {
        Ok(SortedReader(match &self.0 {
            Held::Memory { values, .. } => Reading::Memory { values: values.clone(), next: 0 },
            Held::Runs { runs, memory_bytes, .. } => Reading::Merge(Merge::new(runs, *memory_bytes)?),
        }))
    }
}

/// Reads values, ascending: `next().transpose()?` is the next one or none.
#[derive(Debug)]
pub struct SortedReader<T>(Reading<T>);

#[derive(Debug)]
enum Reading<T> {
    Memory { values: Arc<Vec<T>>, next: usize },
    Merge(Merge<T>),
}

impl<T: Fixed + Ord> SortedReader<T> {
    /// Bytes of memory that it takes beside the values that its source has in memory.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        match &self.0 {
            Reading::Memory { .. } => 0,
            Reading::Merge(merge) => merge.memory(),
        }
    }
}

impl<T: Fixed + Ord> Iterator for SortedReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match &mut self.0 {
            Reading::Merge(merge) => merge.next(),
            Reading::Memory { values, next } => {
                let value = *values.get(*next)?;
                *next += 1;
                Some(Ok(value))
            }
        }
    }
}

/// Sorted runs that become one, by a tree of losers: each inner node remembers the run that lost there, so that the next
/// value is found by one comparison a level.
#[derive(Debug)]
struct Merge<T> {
    runs: Vec<ColumnReader<T>>,
    /// The next value of each run; none where it has ended.
    heads: Vec<Option<T>>,
    /// The losers of nodes 1 and up, node `n` being above `2n` and `2n + 1`, run `r` below node `(runs + r) / 2`. In
    /// place 0 stands the winner of all.
    losers: Vec<usize>,
}

/// A node at which no run has arrived yet.
const NOBODY: usize = usize::MAX;

impl<T: Fixed + Ord> Merge<T> {
    /// Reads these runs with `memory_bytes` of buffers, shared evenly, or room for one value of each.
    fn new(runs: &[Run<T>], memory_bytes: usize) -> Result<Merge<T>> {
        let values = (memory_bytes / runs.len().max(1)).min(BUFFER) / T::BYTES;
        let reader = |run: &Run<T>| run.values.reader_with(run.numbers.clone(), values.max(1) * T::BYTES);
        let mut runs: Vec<ColumnReader<T>> = runs.iter().map(reader).collect();
        let heads = runs.iter_mut().map(|run| run.next().transpose()).collect::<Result<_>>()?;
        let losers = vec![NOBODY; runs.len()];
        let mut merge = Merge { runs, heads, losers };
        for run in 0..merge.runs.len() {
            merge.play(run);
        }
        Ok(merge)
    }

    /// Lets a run with a new head play from its leaf up; whoever meets nobody waits there.
    fn play(&mut self, run: usize) {
        let mut winner = run;
        let mut node = (self.runs.len() + run) / 2;
        while node > 0 {
            let loser = self.losers[node];
            if loser == NOBODY {
                self.losers[node] = winner;
                return;
            }
            if self.comes_first(loser, winner) {
                self.losers[node] = winner;
                winner = loser;
            }
            node /= 2;
        }
        self.losers[0] = winner;
    }

    /// Whether the head of run `left` comes before that of `right`; the end of a run comes last.
    fn comes_first(&self, left: usize, right: usize) -> bool {
        match (&self.heads[left], &self.heads[right]) {
            (Some(one), Some(other)) => one < other,
            (one, _) => one.is_some(),
        }
    }

    /// Bytes of memory that its buffers take.
    #[cfg(test)]
    fn memory(&self) -> usize {
        self.runs.iter().map(ColumnReader::memory).sum()
    }
}

impl<T: Fixed + Ord> Iterator for Merge<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let winner = *self.losers.first()?;
        let value = self.heads[winner]?;
        self.heads[winner] = match self.runs[winner].next().transpose() {
            Ok(head) => head,
            Err(error) => return Some(Err(error)),
        };
        self.play(winner);
        Some(Ok(value))
    }
}
