//! The second pass, across sites: what sites share, beside what each says itself.
//!
//! Found after the templates of the sites, as a site's own templates come first; counted again with them, and then it only
//! loses: a paragraph that was not marked before is not marked now.
//!
//! Most pages share nothing at their edges with five sites; one sort of what each could read first tells which do. Of
//! more than [`WALKERS`] of those, the ones with the least hashes decide.

use std::collections::{BinaryHeap, HashMap};
use std::sync::{PoisonError, RwLock};

use rayon::prelude::*;

use super::bits::Bits;
use super::by_site::for_each_page;
use super::census::{Census, Page};
use super::marks::{Mark, Marks, PageMarks, content_tokens};
use super::means::Means;
use super::sites::Boilerplate;
use crate::boilerplate::network::{
    Crawl, CrawlPage, CrawlParagraph, MIN_SITES, Network, choices_at_edge, find as find_network,
};
use crate::error::Result;
use crate::shingle::is_number;
use crate::store::Sorter;

/// At most so many pages are walked over together.
const WALKERS: usize = 1 << 18;

/// Finds what sites share, and marks it where the site itself has no template.
pub fn find(census: &Census, boilerplate: &mut Boilerplate, means: &Means) -> Result<()> {
    if census.sites.len() < MIN_SITES {
        return Ok(());
    }
    let network = {
        let documents = Documents { census, marks: &boilerplate.marks };
        let pages = pages(census);
        let walkers = walkers(&documents, means)?;
        find_network(&documents, &pages, &in_order_of(census, walkers))
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
fn walkers(documents: &Documents, means: &Means) -> Result<Vec<u32>> {
    let census = documents.census;
    let mut choices: Sorter<(u64, u32, u32)> = Sorter::new(&means.workspace, "choices", means.work(4));
    let found = |page: &Page| {
        let mut found = Vec::new();
        let crawled = crawled(page, documents.marks.get(page.document));
        choices_at_edge(&crawled, |choice| found.push((choice, page.site, page.document)));
        found
    };
    for_each_page(census, |document| census.is_page(document), found, |found| choices.extend(&found))?;
    let mut least: BinaryHeap<(u128, u32)> = BinaryHeap::new();
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
                choose(documents, document, &mut least, &mut chosen);
            }
            next = reader.next().transpose()?;
        }
        if sites >= MIN_SITES {
            shared.iter().for_each(|&document| choose(documents, document, &mut least, &mut chosen));
        }
    }
    Ok(least.into_iter().map(|(_, document)| document).collect())
}

/// So many documents that share a choice wait until it is known that five sites do.
const SHARED_HELD: usize = 1 << 16;

fn choose(documents: &Documents, document: u32, least: &mut BinaryHeap<(u128, u32)>, chosen: &mut Bits) {
    if chosen.set(document) {
        return;
    }
    least.push((documents.rank(document), document));
    if least.len() > WALKERS {
        least.pop();
    }
}

/// The documents of a census under the templates of their sites.
struct Documents<'a> {
    census: &'a Census,
    marks: &'a PageMarks,
}

impl Crawl for Documents<'_> {
    fn site(&self, document: u32) -> u32 {
        self.census.site_of(document)
    }

    fn rank(&self, document: u32) -> u128 {
        self.census.sequence(document).unwrap_or_default()
    }

    fn page(&self, document: u32) -> CrawlPage {
        let page = self.census.page(document);
        let crawled = crawled(&page, self.marks.get(document));
        CrawlPage { tokens: page.tokens, ..crawled }
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
