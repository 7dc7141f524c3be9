//! What each document says twice, under the final templates.
//!
//! Pages in, in the order of their partitions; what was found out, in document order.

use std::iter::Peekable;

use super::by_site::for_each_page;
use super::census::{Census, Page};
use super::course::{Keeping, Stored};
use super::marks::{Marks, PageMarks};
use super::means::Means;
use crate::error::Result;
use crate::repeats::{self, Repeat, RepeatSettings};
use crate::store::{SavedSorted, Sorted, SortedReader, Sorter};

/// Everything that documents say twice.
pub struct Repeated(Sorted<Row>);

/// Document, paragraph, the two halves of its coverage, and the paragraphs that say it again, [`NONE`] after the last.
type Row = [u32; 20];

const NONE: u32 = u32::MAX;

/// Looks for it in all documents.
pub fn find(
    census: &Census,
    marks: &PageMarks,
    settings: &RepeatSettings,
    means: &Means,
) -> Result<Repeated> {
    let mut rows: Sorter<Row> = Sorter::new(&means.workspace, "repeats", means.work(4));
    let found = |page: &Page| -> Vec<Row> {
        let mut marks = marks.get(page.document).into_iter().flat_map(Marks::iter);
        let content = |paragraph| {
            let marked = marks.next().flatten().is_some();
            (!marked).then(|| page.tokens_of(paragraph))
        };
        let paragraphs: Vec<Option<&[u64]>> = page.paragraphs.iter().map(content).collect();
        repeats::find(&paragraphs, settings).into_iter().map(|repeat| row(page.document, &repeat)).collect()
    };
    for_each_page(census, |_| true, found, |found| rows.extend(&found))?;
    Ok(Repeated(rows.finish()?))
}

fn row(document: u32, repeat: &Repeat) -> Row {
    let coverage = repeat.coverage.to_bits();
    let mut row = [NONE; 20];
    row[..4].copy_from_slice(&[document, repeat.paragraph as u32, (coverage >> 32) as u32, coverage as u32]);
    row[4..].iter_mut().zip(&repeat.within).for_each(|(place, &paragraph)| *place = paragraph as u32);
    row
}

impl Stored for Repeated {
    type State = SavedSorted;

    fn store(&self, keeping: &mut Keeping) -> Result<SavedSorted> {
        Ok(keeping.saved(self.0.save()?))
    }
}

impl Repeated {
    /// As it was when its state was saved.
    pub fn given_back(state: SavedSorted, means: &Means) -> Result<Repeated> {
        Ok(Repeated(Sorted::reopen(&means.workspace, &state, means.work(4))?))
    }

    /// From the first document on.
    pub fn reader(&self) -> Result<RepeatedReader> {
        Ok(RepeatedReader(self.0.reader()?.peekable()))
    }
}

/// Gives what documents say twice, document by document.
pub struct RepeatedReader(Peekable<SortedReader<Row>>);

impl RepeatedReader {
    /// What a document says twice; documents are asked for in order.
    pub fn of(&mut self, document: u32) -> Result<Vec<Repeat>> {
        let mut found = Vec::new();
        while let Some(row) = self.0.next_if(|row| row.as_ref().map_or(true, |row| row[0] <= document)) {
            let row = row?;
            if row[0] == document {
                let within = row[4..].iter().take_while(|&&paragraph| paragraph != NONE);
                found.push(Repeat {
                    paragraph: row[1] as usize,
                    coverage: f64::from_bits(u64::from(row[2]) << 32 | u64::from(row[3])),
                    within: within.map(|&paragraph| paragraph as usize).collect(),
                });
            }
        }
        Ok(found)
    }
}
