//! The second pass, across sites: what sites share, beside what each says itself.
//!
//! Found after the templates of the sites, as a site's own templates come first; counted again with them, and then it only
//! loses: a paragraph that was not marked before is not marked now.
//!
//! Most pages share nothing at their edges with five sites; one sort of what each could read first tells which do. Of
//! more than [`WALKERS`] of those, the ones with the least hashes decide. These are put together, as they are gone through
//! again and again.
//!
//! Memory: 4 bytes a document; of walkers 24 bytes, and some 20 a paragraph as far as the means allow.

use std::cell::RefCell;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{PoisonError, RwLock};

use rayon::prelude::*;

use super::bits::Bits;
use super::by_site::for_each_page;
use super::census::{Census, Page, damaged, put_varint, take_bytes, take_varint};
use super::firsts::Ranked;
use super::marks::{Mark, Marks, PageMarks, content_tokens};
use super::means::Means;
use super::sites::Boilerplate;
use crate::boilerplate::network::{
    Crawl, CrawlPage, CrawlParagraph, MIN_SITES, Network, choices_at_edge, find as find_network,
};
use crate::error::Result;
use crate::shingle::is_number;
use crate::store::{ColumnWriter, Sealed, Sorter, Spool};

/// At most so many pages are walked over together.
const WALKERS: usize = 1 << 18;

/// Finds what sites share, and marks it where the site itself has no template.
pub fn find(census: &Census, boilerplate: &mut Boilerplate, means: &Means) -> Result<()> {
    if census.sites.len() < MIN_SITES {
        return Ok(());
    }
    let network = {
        let marks = &boilerplate.marks;
        let walkers = in_order_of(census, walkers(census, marks, means)?);
        let documents = Documents { census, marks, walkers: Walkers::of(census, marks, &walkers, means)? };
        find_network(&documents, &pages(census), &walkers)
    };
    census.check()?;
    mark(census, boilerplate, &network, &HashMap::new(), |_| true)?;
    boilerplate.network = network;
    Ok(())
}

/// The network with each group heard once: its marks stay where they were, or fall. `fallen` are documents that were marked
/// anew by the templates of their sites, with what they had before.
pub fn recount(
    census: &Census,
    boilerplate: &mut Boilerplate,
    fallen: &HashMap<u32, Marks>,
    groups: &[u32],
) -> Result<()> {
    let network = std::mem::take(&mut boilerplate.network);
    if network.templates.is_empty() {
        return Ok(());
    }
    let network = network.recount(|page| groups[page as usize]);
    mark(census, boilerplate, &network, fallen, |before| {
        before.is_some_and(|mark| mark.of_network().is_some())
    })?;
    boilerplate.network = network;
    Ok(())
}

/// Marks by the network what the sites' own templates leave and what `may` be marked, by the mark that it had before.
fn mark(
    census: &Census,
    boilerplate: &mut Boilerplate,
    network: &Network,
    fallen: &HashMap<u32, Marks>,
    may: impl Fn(Option<Mark>) -> bool + Sync,
) -> Result<()> {
    if network.templates.is_empty() {
        return Ok(());
    }
    let everywhere = may(None);
    let marks = RwLock::new(std::mem::take(&mut boilerplate.marks));
    let read = || marks.read().unwrap_or_else(PoisonError::into_inner);
    let wanted = |document: u32| {
        everywhere || fallen.contains_key(&document) || read().get(document).is_some_and(Marks::has_network)
    };
    let marked = |page: &Page| {
        let marks = read();
        let now = marks.get(page.document);
        let before = fallen.get(&page.document).or(now);
        let own = now.and_then(Marks::without_network);
        let found = network.mark(&crawled(page, own.as_ref()));
        let mut before = before.into_iter().flat_map(Marks::iter);
        let mut own = own.iter().flat_map(Marks::iter);
        let both = Marks::of(found.into_iter().map(|found| {
            let found = Some(before.next().flatten()).filter(|&before| may(before)).and(found);
            own.next().flatten().or(found.map(Mark::Network))
        }));
        let tokens = content_tokens(page, both.as_ref());
        (page.document, both, tokens)
    };
    for_each_page(census, wanted, marked, |(document, found, tokens)| {
        marks.write().unwrap_or_else(PoisonError::into_inner).set(document, found.as_ref(), tokens);
        Ok(())
    })?;
    boilerplate.marks = marks.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(())
}

/// The different documents of each site that have a token.
fn pages(census: &Census) -> Vec<u32> {
    in_order_of(census, (0..census.len()).filter(|&document| census.is_page(document)).collect())
}

/// By site, and on a site in document order.
fn in_order_of(census: &Census, mut documents: Vec<u32>) -> Vec<u32> {
    documents.par_sort_unstable_by_key(|&document| (census.site_of(document), document));
    documents
}

/// The pages that could read first what pages of five sites could.
fn walkers(census: &Census, marks: &PageMarks, means: &Means) -> Result<Vec<u32>> {
    let mut ranks: ColumnWriter<(u32, u128)> = ColumnWriter::new(&means.workspace, "ranks", means.work(16));
    let mut choices: Sorter<(u64, u32, u32)> = Sorter::new(&means.workspace, "choices", means.work(4));
    let found = |page: &Page| {
        let mut found = Vec::new();
        let crawled = crawled(page, marks.get(page.document));
        choices_at_edge(&crawled, |choice| found.push((choice, page.site, page.document)));
        ((page.document, page.sequence.unwrap_or_default()), found)
    };
    let is_page = |document| census.is_page(document);
    for_each_page(census, is_page, found, |(rank, found)| {
        ranks.push(rank)?;
        choices.extend(&found)
    })?;
    let mut chosen = Bits::new(census.len() as usize);
    let mut shared = Vec::new();
    let mut reader = choices.finish()?.reader()?;
    let mut next = reader.next().transpose()?;
    while let Some((choice, _, _)) = next {
        shared.clear();
        let (mut sites, mut last) = (0, u32::MAX);
        while let Some((_, site, document)) = next.filter(|row| row.0 == choice) {
            sites += usize::from(site != last);
            last = site;
            if shared.len() < SHARED_HELD || sites < MIN_SITES {
                shared.push(document);
            } else {
                chosen.set(document);
            }
            next = reader.next().transpose()?;
        }
        if sites >= MIN_SITES {
            shared.iter().for_each(|&document| _ = chosen.set(document));
        }
    }
    drop(reader);
    let mut least: BinaryHeap<(u128, u32)> = BinaryHeap::new();
    for next in ranks.finish()?.iter_from(0) {
        let (document, rank) = next?;
        if chosen.has(document) {
            least.push((rank, document));
            if least.len() > WALKERS {
                least.pop();
            }
        }
    }
    Ok(least.into_iter().map(|(_, document)| document).collect())
}

/// So many documents that share a choice wait until it is known that five sites do.
const SHARED_HELD: usize = 1 << 16;

/// The walkers without their tokens, put together in their order.
struct Walkers {
    documents: Ranked,
    /// In the order of documents: where each begins, and its hash.
    places: Vec<(u64, u128)>,
    rows: Sealed,
    /// Rows that were read last, and where they begin.
    window: RefCell<(u64, Vec<u8>)>,
}

/// Bytes of walkers that are read at once: some hundred of them.
const WINDOW: usize = 64 << 10;

/// Walkers whose pages are read together.
const READ_TOGETHER: usize = 1 << 12;

impl Walkers {
    fn of(census: &Census, marks: &PageMarks, walkers: &[u32], means: &Means) -> Result<Walkers> {
        let documents = Ranked::of(census.len(), walkers.iter().copied());
        let mut places = vec![(0, 0); walkers.len()];
        let mut rows = Spool::new(&means.workspace, "walkers", means.work(4));
        for some in walkers.chunks(READ_TOGETHER) {
            let row = |(row, page): &mut (Vec<u8>, Page), &document: &u32| {
                census.read_page(document, row, page);
                (page.sequence.unwrap_or_default(), encoded(&crawled(page, marks.get(document))))
            };
            let made: Vec<(u128, Vec<u8>)> =
                some.par_iter().with_min_len(32).map_init(Default::default, row).collect();
            for (&document, (rank, row)) in some.iter().zip(made) {
                if let Some(number) = documents.rank(document) {
                    places[number as usize] = (rows.append(&row)?, rank);
                }
            }
        }
        census.check()?;
        Ok(Walkers { documents, places, rows: rows.finish()?, window: RefCell::default() })
    }

    fn rank(&self, document: u32) -> Option<u128> {
        self.documents.rank(document).map(|number| self.places[number as usize].1)
    }

    /// One of them; `None` of others.
    fn get(&self, document: u32) -> Option<Result<CrawlPage>> {
        let (start, _) = self.places[self.documents.rank(document)? as usize];
        let (from, bytes) = &mut *self.window.borrow_mut();
        if let Some(known) = start.checked_sub(*from).and_then(|at| bytes.get(at as usize..))
            && let Some(page) = decoded(known)
        {
            return Some(Ok(page));
        }
        *from = start;
        Some(self.read(start, bytes))
    }

    /// Reads from this one on, and more than the window where it does not end in it.
    fn read(&self, start: u64, bytes: &mut Vec<u8>) -> Result<CrawlPage> {
        let all = usize::try_from(self.rows.len() - start).unwrap_or(usize::MAX);
        let mut window = WINDOW;
        loop {
            self.rows.read_at(start, window.min(all), bytes)?;
            match decoded(bytes) {
                Some(page) => return Ok(page),
                None if window >= all => return Err(damaged()),
                None => window *= 2,
            }
        }
    }
}

/// Of each paragraph its key, how many tokens it has, and whether it is marked.
fn encoded(page: &CrawlPage) -> Vec<u8> {
    let mut row = Vec::with_capacity(2 + 18 * page.paragraphs.len());
    put_varint(page.paragraphs.len() as u64, &mut row);
    for paragraph in &page.paragraphs {
        row.extend_from_slice(&paragraph.key.to_le_bytes());
        put_varint(paragraph.tokens.len() as u64 * 2 + u64::from(paragraph.is_marked), &mut row);
    }
    row
}

/// The page that stands at the beginning of these bytes; `None` where it does not end in them.
fn decoded(mut bytes: &[u8]) -> Option<CrawlPage> {
    let count = take_varint(&mut bytes)?;
    let mut paragraphs = Vec::with_capacity(usize::try_from(count).ok()?.min(bytes.len() / 17));
    let mut start = 0;
    for _ in 0..count {
        let key = u128::from_le_bytes(take_bytes(&mut bytes)?);
        let tokens = take_varint(&mut bytes)?;
        let end = u32::try_from(tokens / 2).ok()?.checked_add(start)?;
        paragraphs.push(CrawlParagraph { key, tokens: start..end, is_marked: tokens % 2 == 1 });
        start = end;
    }
    Some(CrawlPage { paragraphs, tokens: Vec::new() })
}

/// The documents of a census under the templates of their sites.
struct Documents<'a> {
    census: &'a Census,
    marks: &'a PageMarks,
    walkers: Walkers,
}

impl Crawl for Documents<'_> {
    fn site(&self, document: u32) -> u32 {
        self.census.site_of(document)
    }

    fn rank(&self, document: u32) -> u128 {
        let known = self.walkers.rank(document);
        known.unwrap_or_else(|| self.census.sequence(document).unwrap_or_default())
    }

    fn page(&self, document: u32) -> CrawlPage {
        let page = self.census.page(document);
        let crawled = crawled(&page, self.marks.get(document));
        CrawlPage { tokens: page.tokens, ..crawled }
    }

    fn walked(&self, document: u32) -> CrawlPage {
        match self.walkers.get(document) {
            Some(page) => self.census.or_default(page),
            None => self.page(document),
        }
    }

    fn bytes(&self, document: u32) -> Vec<usize> {
        self.census.page(document).paragraphs.iter().map(|paragraph| paragraph.bytes as usize).collect()
    }

    fn words(&self, document: u32, paragraph: u32) -> u32 {
        let page = self.census.page(document);
        let Some(paragraph) = page.paragraphs.get(paragraph as usize) else { return 0 };
        page.tokens_of(paragraph).iter().filter(|&&token| !is_number(token)).count() as u32
    }
}

/// Without its tokens, which no walk asks for.
fn crawled(page: &Page, marks: Option<&Marks>) -> CrawlPage {
    let mut marks = marks.into_iter().flat_map(Marks::iter);
    let paragraph = |paragraph: &super::census::Paragraph| CrawlParagraph {
        key: paragraph.masked,
        tokens: paragraph.tokens.clone(),
        is_marked: marks.next().flatten().is_some(),
    };
    CrawlPage { paragraphs: page.paragraphs.iter().map(paragraph).collect(), tokens: Vec::new() }
}
