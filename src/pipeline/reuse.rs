//! The fourth pass: content paragraphs that several kept documents have.
//!
//! A *form* is a token sequence that a paragraph of a kept document has; equal ones are one form, whatever divides their
//! tokens. Forms of enough tokens are held against each other ([`Alike`]); a document *has* a form when one of its
//! paragraphs is that form or alike with it, be it content there or boilerplate. Being alike is not transitive, so each
//! form has documents of its own; there are no groups.
//!
//! Pages in, in the order of their partitions; [`Reused`] out, in document order. A form is known by its first place. Most
//! stand in one place and are alike with nobody: of these nothing is kept but what is sorted on the way.
//!
//! Memory: what the means allow for one stage, a byte a token up to 128 MiB while forms are listed, 4 bytes for each form
//! that may be alike with another, and for each thread a bit for each document and site where a form has very many.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;
use std::ops::Range;

use rayon::prelude::*;

use super::alike::{
    Alike, AlikeSettings, Company, Counting, ListingRow, PARTS, PairRow, Partnering, Shingles, jaccard_of,
    listing_row, pair_row, part_of,
};
use super::bits::Bits;
use super::by_site::{Block, for_each_block};
use super::census::{self, Census, Page};
use super::course::{Keeping, Stored};
use super::marks::PageMarks;
use super::means::Means;
use crate::candidates::Listing;
use crate::error::Result;
use crate::store::{Column, ColumnReader, ColumnWriter, SavedSorted, Sorted, SortedReader, Sorter};

/// What counts as reused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReuseSettings {
    /// Paragraphs shorter than this, in tokens, are never called reused. The contract's 8.
    pub min_tokens: usize,
    /// Paragraphs shorter than this are reused where their tokens are equal only. The contract's 20.
    pub near_min_tokens: usize,
    /// The first content paragraph of so many tokens is the lead. The contract's 12.
    pub lead_min_tokens: usize,
    /// What counts as alike.
    pub alike: AlikeSettings,
}

impl Default for ReuseSettings {
    fn default() -> Self {
        ReuseSettings {
            min_tokens: 8,
            near_min_tokens: 20,
            lead_min_tokens: 12,
            alike: AlikeSettings::default(),
        }
    }
}

/// A paragraph that several kept documents have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reuse {
    /// The paragraph.
    pub paragraph: usize,
    /// How many kept documents have it. Equal whole texts are one for every count; they can all be kept when they are
    /// protected or not compared.
    pub documents: u64,
    /// How many sites.
    pub sites: u64,
    /// The first document that has it, and where.
    pub first: (u32, usize),
    /// Similarity to the paragraph there.
    pub jaccard: f64,
}

/// Everything that is reused.
pub struct Reused(Sorted<ReuseRow>);

/// Document, paragraph, how many documents and sites, the document and paragraph of the first, the two halves of the
/// similarity.
type ReuseRow = [u32; 8];

impl Stored for Reused {
    type State = SavedSorted;

    fn store(&self, keeping: &mut Keeping) -> Result<SavedSorted> {
        Ok(keeping.saved(self.0.save()?))
    }
}

impl Reused {
    /// As it was when its state was saved.
    pub fn given_back(state: SavedSorted, means: &Means) -> Result<Reused> {
        Ok(Reused(Sorted::reopen(&means.workspace, &state, means.work(8))?))
    }

    /// From the first document on.
    pub fn reader(&self) -> Result<ReusedReader> {
        Ok(ReusedReader(self.0.reader()?.peekable()))
    }
}

/// Gives what is reused, document by document.
pub struct ReusedReader(Peekable<SortedReader<ReuseRow>>);

impl ReusedReader {
    /// The reused paragraphs of a document; documents are asked for in order.
    pub fn of(&mut self, document: u32) -> Result<Vec<Reuse>> {
        let mut found = Vec::new();
        while let Some(row) = self.0.next_if(|row| row.as_ref().map_or(true, |row| row[0] <= document)) {
            let [owner, paragraph, documents, sites, first, first_paragraph, high, low] = row?;
            if owner == document {
                found.push(Reuse {
                    paragraph: paragraph as usize,
                    documents: u64::from(documents),
                    sites: u64::from(sites),
                    first: (first, first_paragraph as usize),
                    jaccard: jaccard_of([0, 0, high, low]),
                });
            }
        }
        Ok(found)
    }
}

/// The content paragraphs that another kept document has too.
///
/// Cost: two passes over the pages, and one more for each [`LISTED_BYTES`] a document that paragraphs are listed in; a sort of 24 bytes for each paragraph that is long enough; what [`Alike`] costs; and for
/// each form the places of all forms that are alike with it.
pub fn find(
    census: &Census,
    marks: &PageMarks,
    is_kept: &(dyn Fn(u32) -> bool + Sync),
    settings: &ReuseSettings,
    means: &Means,
) -> Result<Reused> {
    let finding = Finding { census, marks, is_kept, settings, means };
    let (places, counting) = finding.collect()?;
    let Forms { repeated, later } = finding.forms(places)?;
    let partnering = finding.partner(&later, &counting)?;
    drop((later, counting));
    let company = Company::gather(partnering, |id, open| finding.tokens(id, open), means)?;
    census.check()?;
    let alike = Alike::find(&company, means)?;
    let mut reuses = Sorter::new(&means.workspace, "reuse", means.work(8));
    let standings = finding.stand(repeated, &company, &mut reuses)?;
    let telling = Telling { finding: &finding, company: &company, alike: &alike, standings: &standings };
    telling.tell(&mut reuses)?;
    census.check()?;
    Ok(Reused(reuses.finish()?))
}

/// Document and paragraph. In order of documents, then paragraphs.
fn place(document: u32, paragraph: u32) -> u64 {
    u64::from(document) << 32 | u64::from(paragraph)
}

fn document_of(place: u64) -> u32 {
    (place >> 32) as u32
}

fn paragraph_of(place: u64) -> u32 {
    place as u32
}

/// Of what paragraphs are listed under so many bytes a document wait at the same time, and as many again that wait in vain.
const LISTED_BYTES: u64 = 100;

/// The forms that stand in several places.
struct Forms {
    /// Form and place, the first place too; sorted.
    repeated: Sorted<[u64; 2]>,
    /// Partition and place of all but the first ones; sorted.
    later: Sorted<[u64; 2]>,
}

/// What is looked for, and where.
struct Finding<'a> {
    census: &'a Census,
    marks: &'a PageMarks,
    is_kept: &'a (dyn Fn(u32) -> bool + Sync),
    settings: &'a ReuseSettings,
    means: &'a Means,
}

/// What some pages have.
#[derive(Default)]
struct Collected {
    /// The two halves of the hash of a paragraph's tokens, and its place.
    places: Vec<[u64; 3]>,
    shingles: Shingles,
}

/// A page that is read for some of its paragraphs.
#[derive(Default)]
struct Open {
    row: Vec<u8>,
    page: Option<Page>,
}

impl Finding<'_> {
    fn is_content(&self, place: u64) -> bool {
        let marks = self.marks.get(document_of(place));
        marks.is_none_or(|marks| marks.get(paragraph_of(place) as usize).is_none())
    }

    /// All paragraphs that are long enough, sorted by their tokens; and the shingles of long ones, counted.
    fn collect(&self) -> Result<(Sorted<[u64; 3]>, Counting)> {
        let kept = (0..self.census.len()).filter(|&document| (self.is_kept)(document));
        let tokens = kept.map(|document| u64::from(self.census.token_count(document))).sum();
        let mut counting = Counting::new(tokens, self.settings.alike);
        let mut places: Sorter<[u64; 3]> = Sorter::new(&self.means.workspace, "places", self.means.work(4));
        let collect = |block: &Block| {
            let mut found = Collected::default();
            self.for_each_paragraph(block, |place, exact, long| {
                found.places.push([(exact >> 64) as u64, exact as u64, place]);
                if let Some(tokens) = long {
                    Counting::shingles(&self.settings.alike, tokens, &mut found.shingles);
                }
            })?;
            Ok(found)
        };
        for_each_block(self.census, self.is_kept, collect, |found| {
            counting.count(&found.shingles);
            places.extend(&found.places)
        })?;
        Ok((places.finish()?, counting))
    }

    fn forms(&self, places: Sorted<[u64; 3]>) -> Result<Forms> {
        let sorter = |name| Sorter::new(&self.means.workspace, name, self.means.work(8));
        let (mut repeated, mut later) = (sorter("forms"), sorter("repeated-forms"));
        let mut form = None;
        let mut first = 0;
        let mut is_repeated = false;
        for row in places.reader()? {
            let [high, low, place] = row?;
            if form != Some([high, low]) {
                (form, first, is_repeated) = (Some([high, low]), place, false);
                continue;
            }
            if !std::mem::replace(&mut is_repeated, true) {
                repeated.push([first, first])?;
            }
            repeated.push([first, place])?;
            later.push(self.in_order(place))?;
        }
        drop(places);
        Ok(Forms { repeated: repeated.finish()?, later: later.finish()? })
    }

    /// What long forms are listed under and may have a partner in, some parts of all shingles at a time.
    fn partner(&self, later: &Sorted<[u64; 2]>, counting: &Counting) -> Result<Partnering> {
        let mut partnering = Partnering::new(self.settings.alike, self.means);
        let mut listed = 0..PARTS;
        while listed.start < PARTS {
            let listings = self.list(later, counting, &mut listed)?;
            partnering.add(listings, listed.clone())?;
            // As many parts again, of those that are left.
            listed = listed.end..listed.end + listed.len() as u32;
            listed.end = listed.end.min(PARTS);
        }
        Ok(partnering)
    }

    /// What long forms are listed under, each at its first place. Where that is too much, the second half of `parts` is left for
    /// later: not all of it is there then.
    fn list(
        &self,
        later: &Sorted<[u64; 2]>,
        counting: &Counting,
        parts: &mut Range<u32>,
    ) -> Result<Sorted<ListingRow>> {
        let mut listings: Sorter<ListingRow> =
            Sorter::new(&self.means.workspace, "listings", self.means.work(4));
        let most = (LISTED_BYTES * u64::from(self.census.len())).max(self.means.work(4) as u64);
        let most = most / size_of::<ListingRow>() as u64;
        let mut left = most;
        let mut later = later.reader()?.peekable();
        let list = |block: &Block| {
            let (mut shingles, mut found) = (Vec::new(), Vec::new());
            self.for_each_paragraph(block, |place, _, long| {
                long.into_iter().for_each(|tokens| counting.list(place, tokens, &mut shingles, &mut found));
            })?;
            Ok(found)
        };
        for_each_block(self.census, self.is_kept, list, |found: Vec<Listing>| {
            for of_form in found.chunk_by(|a, b| a.set == b.set) {
                let here = self.in_order(of_form[0].set);
                while later.next_if(|row| row.as_ref().is_ok_and(|row| *row < here)).is_some() {}
                match later.next_if(|row| row.as_ref().map_or(true, |row| *row == here)).transpose()? {
                    Some(_) => {}
                    None => {
                        for listing in of_form.iter().filter(|listing| parts.contains(&part_of(listing))) {
                            listings.push(listing_row(listing))?;
                            left = left.saturating_sub(1);
                        }
                        if left == 0 && parts.len() > 1 {
                            parts.end -= parts.len() as u32 / 2;
                            left = most / 2;
                        }
                    }
                }
            }
            Ok(())
        })?;
        listings.finish()
    }

    /// The partition of a place and the place: pages are gone through in this order.
    fn in_order(&self, place: u64) -> [u64; 2] {
        [self.census.partition_of(self.census.site_of(document_of(place))) as u64, place]
    }

    /// The place and the hash of each paragraph of a block that is long enough; with its tokens where it is held against
    /// others. Of equal ones the first has them, so that what a site says on every page is not gone through on every page.
    fn for_each_paragraph(
        &self,
        block: &Block,
        mut each: impl FnMut(u64, u128, Option<&[u64]>),
    ) -> Result<()> {
        let ReuseSettings { min_tokens, near_min_tokens, .. } = *self.settings;
        let (mut known, mut last) = (HashSet::new(), 0);
        block.for_each(|page| {
            // A block may begin in one partition and end in another, where documents begin anew: there the first of equal ones
            // stands before one that was met already.
            if std::mem::replace(&mut last, page.document) > page.document {
                known.clear();
            }
            for (index, paragraph) in (0..).zip(&page.paragraphs) {
                let tokens = page.tokens_of(paragraph);
                if tokens.len() >= min_tokens {
                    let long = tokens.len() >= near_min_tokens && known.insert(paragraph.exact);
                    each(place(page.document, index), paragraph.exact, long.then_some(tokens));
                }
            }
        })
    }

    /// The tokens of a form.
    fn tokens(&self, id: u64, open: &mut Open) -> Vec<u64> {
        let document = document_of(id);
        if open.page.as_ref().is_none_or(|page| page.document != document) {
            let mut page = open.page.take().unwrap_or_default();
            self.census.read_page(document, &mut open.row, &mut page);
            open.page = Some(page);
        }
        let Some(page) = &open.page else { return Vec::new() };
        let paragraph = page.paragraphs.get(paragraph_of(id) as usize);
        paragraph.map_or(Vec::new(), |paragraph| page.tokens_of(paragraph).to_vec())
    }

    /// The places of the company. Of a form that has none, all is known: it is told at once.
    fn stand(
        &self,
        repeated: Sorted<[u64; 2]>,
        company: &Company,
        reuses: &mut Sorter<ReuseRow>,
    ) -> Result<Standings> {
        let column = |name, parts| ColumnWriter::new(&self.means.workspace, name, self.means.work(parts));
        let (mut starts, mut places) = (column("standings", 32), column("standing-places", 8));
        let mut forms = Repeated::new(&repeated)?;
        let mut again = Repeated::new(&repeated)?;
        for id in company.ids() {
            let id = id?;
            self.tell_alone(id, &mut forms, &mut again, reuses)?;
            starts.push(places.len())?;
            let first = places.len();
            forms.of(id, |place| places.push(place).map(|_| ()))?;
            again.of(id, |_| Ok(()))?;
            if places.len() == first {
                places.push(id)?;
            }
        }
        self.tell_alone(u64::MAX, &mut forms, &mut again, reuses)?;
        starts.push(places.len())?;
        Ok(Standings { starts: starts.finish()?, places: places.finish()? })
    }

    /// Tells the forms before `end`. Each is read twice: to be counted and to be told.
    fn tell_alone(
        &self,
        end: u64,
        forms: &mut Repeated,
        again: &mut Repeated,
        reuses: &mut Sorter<ReuseRow>,
    ) -> Result<()> {
        while let Some(form) = forms.next_before(end)? {
            let mut having = Having::new(self.census);
            forms.of(form, |place| {
                having.add(place);
                Ok(())
            })?;
            let tally = having.tally();
            again.of(form, |place| match tally.documents > 1 && self.is_content(place) {
                true => reuses.push(reuse_row(place, tally, form, 1.0)),
                false => Ok(()),
            })?;
        }
        Ok(())
    }
}

fn reuse_row(place: u64, tally: Tally, first: u64, jaccard: f64) -> ReuseRow {
    let [_, _, high, low] = pair_row(0, 0, jaccard);
    let [documents, sites] = [tally.documents, tally.sites].map(|count| count as u32);
    let (first, first_paragraph) = (document_of(first), paragraph_of(first));
    [document_of(place), paragraph_of(place), documents, sites, first, first_paragraph, high, low]
}

/// Reads the places of repeated forms, form by form.
struct Repeated(Peekable<SortedReader<[u64; 2]>>);

impl Repeated {
    fn new(forms: &Sorted<[u64; 2]>) -> Result<Repeated> {
        Ok(Repeated(forms.reader()?.peekable()))
    }

    /// The next form, if it comes before `end`.
    fn next_before(&mut self, end: u64) -> Result<Option<u64>> {
        match self.0.peek() {
            Some(Ok([form, _])) => Ok((*form < end).then_some(*form)),
            Some(Err(_)) => self.0.next().transpose().map(|_| None),
            None => Ok(None),
        }
    }

    /// The places of a form, where it is the next one.
    fn of(&mut self, form: u64, mut each: impl FnMut(u64) -> Result<()>) -> Result<()> {
        while let Some(row) = self.0.next_if(|row| row.as_ref().map_or(true, |row| row[0] == form)) {
            each(row?[1])?;
        }
        Ok(())
    }
}

/// The places of the company, in document order for each.
struct Standings {
    /// Where those of each begin; one more at the end.
    starts: Column<u64>,
    places: Column<u64>,
}

/// Places that are read together.
const PLACES: u64 = 1 << 10;

impl Standings {
    fn of(&self, number: u32) -> Result<Range<u64>> {
        Ok(self.starts.get(u64::from(number))?..self.starts.get(u64::from(number) + 1)?)
    }

    /// Goes through places until `each` says no.
    fn all(&self, places: Range<u64>, mut each: impl FnMut(u64) -> bool) -> Result<bool> {
        let mut some = Vec::new();
        for start in places.clone().step_by(PLACES as usize) {
            self.places.range(start..places.end.min(start + PLACES), &mut some)?;
            if !some.iter().all(|&place| each(place)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How many have a form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Tally {
    documents: u64,
    sites: u64,
}

/// What has some forms.
struct Having<'a> {
    census: &'a Census,
    texts: Different,
    sites: Different,
}

impl Having<'_> {
    fn new(census: &Census) -> Having<'_> {
        let sites = Different::below(census.sites.len());
        Having { census, texts: Different::below(census.len() as usize), sites }
    }

    fn add(&mut self, place: u64) {
        let document = document_of(place);
        self.texts.add(self.census.first_copy(document));
        self.sites.add(self.census.site_of(document));
    }

    fn tally(&mut self) -> Tally {
        Tally { documents: self.texts.count(), sites: self.sites.count() }
    }
}

/// Different numbers below a bound: a list of them while they are few, else a bit for each that there could be.
struct Different {
    bound: usize,
    few: Vec<u32>,
    /// That many of the few are ascending, without repeats.
    sorted: usize,
    many: Option<(Bits, u64)>,
}

/// Fewer are never held as bits.
const FEW: usize = 1 << 10;

impl Different {
    fn below(bound: usize) -> Different {
        Different { bound, few: Vec::new(), sorted: 0, many: None }
    }

    fn add(&mut self, number: u32) {
        if let Some((bits, count)) = &mut self.many {
            *count += u64::from(!bits.set(number));
            return;
        }
        if self.few.last() == Some(&number) {
            return;
        }
        self.few.push(number);
        // As bits they take as much memory as half of the list does then.
        let most = FEW.max(self.bound / 16);
        if self.few.len() > most {
            self.sort();
            if self.few.len() > most / 2 {
                let mut bits = Bits::new(self.bound);
                for &number in &self.few {
                    bits.set(number);
                }
                self.many = Some((bits, self.few.len() as u64));
                self.few = Vec::new();
                self.sorted = 0;
            }
        }
    }

    fn sort(&mut self) {
        if self.sorted < self.few.len() {
            self.few.sort_unstable();
            self.few.dedup();
            self.sorted = self.few.len();
        }
    }

    fn count(&mut self) -> u64 {
        self.sort();
        self.many.as_ref().map_or(self.few.len() as u64, |(_, count)| *count)
    }

    /// How many of these are in `others`, which were counted, or here.
    fn count_with(&mut self, others: &Different) -> u64 {
        let mut count = others.many.as_ref().map_or(others.few.len() as u64, |(_, count)| *count);
        match &self.many {
            None => {
                self.sort();
                count += self.few.iter().filter(|&&number| !others.has(number)).count() as u64;
            }
            Some((bits, _)) => {
                let new = |&number: &u32| bits.has(number) && !others.has(number);
                count += (0..self.bound as u32).filter(new).count() as u64;
            }
        }
        count
    }

    fn has(&self, number: u32) -> bool {
        match &self.many {
            Some((bits, _)) => bits.has(number),
            None => self.few.binary_search(&number).is_ok(),
        }
    }
}

/// What has one of several large forms. Kept, so that a thousand forms that are alike with the same large ones do not each
/// go through all their places.
#[derive(Default)]
struct Unions<'a>(HashMap<Vec<u32>, Having<'a>>);

/// A form with more places than this is large.
const LARGE: u64 = 1 << 10;

/// So many unions are kept.
const MOST_UNIONS: usize = 8;

/// What is said of one of the company.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Verdict {
    tally: Tally,
    /// The first form in document order that is this one or alike with it.
    first: u32,
    /// Similarity to that.
    jaccard: f64,
}

/// As it is kept: documents, sites, first, the two halves of the similarity.
type VerdictRow = [u32; 5];

impl Verdict {
    fn row(&self) -> VerdictRow {
        let [_, _, high, low] = pair_row(0, 0, self.jaccard);
        [self.tally.documents as u32, self.tally.sites as u32, self.first, high, low]
    }

    fn of_row([documents, sites, first, high, low]: VerdictRow) -> Verdict {
        let tally = Tally { documents: u64::from(documents), sites: u64::from(sites) };
        Verdict { tally, first, jaccard: jaccard_of([0, 0, high, low]) }
    }

    /// Whether there is anything to tell.
    fn stands(&self) -> bool {
        self.tally.documents > 1
    }
}

/// Tells of the company.
struct Telling<'a> {
    finding: &'a Finding<'a>,
    company: &'a Company,
    alike: &'a Alike,
    standings: &'a Standings,
}

/// Forms that are judged together.
const JUDGED: usize = 1 << 12;

/// Of these no more are alike with them.
const JUDGED_PAIRS: usize = 1 << 18;

impl<'a> Telling<'a> {
    /// Only what is content is told; who has it may have it as boilerplate.
    fn tell(&self, reuses: &mut Sorter<ReuseRow>) -> Result<()> {
        let verdicts = self.verdicts()?;
        let verdict_of = |number: u32| verdicts.get(u64::from(number)).map(Verdict::of_row);
        let mut starts = self.standings.starts.iter_from(0);
        let mut start = next_of(&mut starts)?;
        let mut places = self.standings.places.iter_from(0);
        for (number, row) in (0..).zip(verdicts.iter_from(0)) {
            let end = next_of(&mut starts)?;
            let Verdict { tally, first, jaccard } = Verdict::of_row(row?);
            let mut told = None;
            if tally.documents > 1 {
                told =
                    Some((self.with_the_first(number, tally, first, &verdict_of)?, self.company.id(first)?));
            }
            for _ in start..end {
                let place = next_of(&mut places)?;
                if let Some((tally, first)) = told
                    && self.finding.is_content(place)
                {
                    reuses.push(reuse_row(place, tally, first, jaccard))?;
                }
            }
            start = end;
        }
        Ok(())
    }

    /// A form in a crowd was not held against all of it; the first one was.
    fn with_the_first(
        &self,
        mut number: u32,
        mut tally: Tally,
        mut first: u32,
        verdict_of: &impl Fn(u32) -> Result<Verdict>,
    ) -> Result<Tally> {
        while self.alike.crowded.has(number) && first != number {
            let verdict = verdict_of(first)?;
            if !verdict.stands() {
                break;
            }
            tally = tally.max(verdict.tally);
            (number, first) = (first, verdict.first);
        }
        Ok(tally)
    }

    fn verdicts(&self) -> Result<Column<VerdictRow>> {
        let mut asking = Bits::new(self.company.len() as usize);
        let verdicts = self.judge(
            |_| Ok(Vec::new()),
            |number, verdict| {
                if !verdict.stands() {
                    asking.set(number);
                }
                Ok(())
            },
        )?;
        if self.alike.aside == 0 {
            return Ok(verdicts);
        }
        let fits = |number: u32, other: u32| self.stands_elsewhere(other, self.company.id(number)?);
        let answers = self.alike.aside(self.company, &asking, fits, self.finding.means)?;
        let mut answers = Pairs::new(&answers)?;
        self.judge(|number| answers.of(number), |_, _| Ok(()))
    }

    /// A verdict for each. `more` are further ones that are alike with one.
    fn judge(
        &self,
        mut more: impl FnMut(u32) -> Result<Vec<PairRow>>,
        mut each: impl FnMut(u32, &Verdict) -> Result<()>,
    ) -> Result<Column<VerdictRow>> {
        let means = self.finding.means;
        let mut verdicts = ColumnWriter::new(&means.workspace, "verdicts", means.work(16));
        let mut pairs = Pairs::new(&self.alike.pairs)?;
        let mut waiting: Vec<(u32, Vec<PairRow>)> = Vec::new();
        let mut waiting_pairs = 0;
        for number in 0..self.company.len() {
            let mut alike = pairs.of(number)?;
            alike.extend(more(number)?);
            alike.sort_unstable();
            waiting_pairs += alike.len();
            waiting.push((number, alike));
            if waiting.len() == JUDGED || waiting_pairs > JUDGED_PAIRS || number + 1 == self.company.len() {
                let some = |some: &[(u32, Vec<PairRow>)]| {
                    let mut unions = Unions::default();
                    some.iter().map(|(number, alike)| self.verdict(*number, alike, &mut unions)).collect()
                };
                let made: Vec<Result<Vec<Verdict>>> = waiting.par_chunks(JUDGED / 16).map(some).collect();
                let mut numbers = waiting.iter().map(|(number, _)| *number);
                for made in made {
                    for verdict in made? {
                        each(numbers.next().unwrap_or(number), &verdict)?;
                        verdicts.push(verdict.row())?;
                    }
                }
                waiting.clear();
                waiting_pairs = 0;
            }
        }
        verdicts.finish()
    }

    fn verdict(&self, number: u32, alike: &[PairRow], unions: &mut Unions<'a>) -> Result<Verdict> {
        let mut having: Vec<u32> = alike.iter().map(|pair| pair[1]).collect();
        having.insert(having.partition_point(|&other| other < number), number);
        let jaccard = if having[0] == number { 1.0 } else { jaccard_of(alike[0]) };
        Ok(Verdict { tally: self.tally(&having, unions)?, first: having[0], jaccard })
    }

    /// How many documents and sites have one of these forms.
    fn tally(&self, forms: &[u32], unions: &mut Unions<'a>) -> Result<Tally> {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for &form in forms {
            let places = self.standings.of(form)?;
            if places.end - places.start > LARGE { large.push(form) } else { small.push(places) }
        }
        if let ([], [places]) = (&large[..], &small[..])
            && places.end - places.start == 1
        {
            return Ok(Tally { documents: 1, sites: 1 });
        }
        let mut small = self.having(small)?;
        if large.is_empty() {
            return Ok(small.tally());
        }
        if !unions.0.contains_key(&large) {
            if unions.0.len() >= MOST_UNIONS {
                unions.0.clear();
            }
            let places = large.iter().map(|&form| self.standings.of(form)).collect::<Result<Vec<_>>>()?;
            let mut having = self.having(places)?;
            having.tally();
            unions.0.insert(large.clone(), having);
        }
        let large = &unions.0[&large];
        Ok(Tally {
            documents: small.texts.count_with(&large.texts),
            sites: small.sites.count_with(&large.sites),
        })
    }

    fn having(&self, places: Vec<Range<u64>>) -> Result<Having<'a>> {
        let mut having = Having::new(self.finding.census);
        for places in places {
            self.standings.all(places, |place| {
                having.add(place);
                true
            })?;
        }
        Ok(having)
    }

    fn stands_elsewhere(&self, form: u32, place: u64) -> Result<bool> {
        let text = |place| self.finding.census.first_copy(document_of(place));
        Ok(!self.standings.all(self.standings.of(form)?, |other| text(other) == text(place))?)
    }
}

/// Reads pairs, number by number.
struct Pairs(Peekable<SortedReader<PairRow>>);

impl Pairs {
    fn new(pairs: &Sorted<PairRow>) -> Result<Pairs> {
        Ok(Pairs(pairs.reader()?.peekable()))
    }

    /// Those of one number; numbers are asked for in order.
    fn of(&mut self, number: u32) -> Result<Vec<PairRow>> {
        let mut found = Vec::new();
        while let Some(row) = self.0.next_if(|row| row.as_ref().map_or(true, |row| row[0] <= number)) {
            found.push(row?);
        }
        Ok(found)
    }
}

/// The next value, which is there.
fn next_of(values: &mut ColumnReader<u64>) -> Result<u64> {
    values.next().unwrap_or_else(|| Err(census::damaged()))
}

#[cfg(test)]
mod tests;
