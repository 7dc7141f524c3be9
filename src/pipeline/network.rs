//! The second pass, across sites: what sites share, beside what each says itself.
//!
//! Found after the templates of the sites, as a site's own templates come first; counted again with them, and then it only
//! loses: a paragraph that was not marked before is not marked now.
//!
//! Most pages share nothing at their edges with five sites; one sort of what each could read first tells which do. Of
//! more than [`WALKERS`] of those, the ones with the least hashes decide.

use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::bits::Bits;
use super::by_site::for_each_block;
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
    mark(census, boilerplate, &network, |_, _| true)?;
    boilerplate.network = network;
    Ok(())
}

/// The same network as in `provisional` with each group heard once, where it was marked there.
pub fn recount(
    census: &Census,
    boilerplate: &mut Boilerplate,
    provisional: Boilerplate,
    groups: &[u32],
) -> Result<()> {
    let Boilerplate { network, marks: before, .. } = provisional;
    if network.templates.is_empty() {
        return Ok(());
    }
    let network = network.recount(|page| groups[page as usize]);
    let was_marked = |document: u32, paragraph: usize| {
        let mark = before.get(document).and_then(|marks| marks.get(paragraph));
        mark.is_some_and(|mark| mark.of_network().is_some())
    };
    mark(census, boilerplate, &network, was_marked)?;
    boilerplate.network = network;
    Ok(())
}

/// Marks what is not marked yet, and `may` be.
fn mark(
    census: &Census,
    boilerplate: &mut Boilerplate,
    network: &Network,
    may: impl Fn(u32, usize) -> bool + Sync,
) -> Result<()> {
    if network.templates.is_empty() {
        return Ok(());
    }
    for partition in 0..census.partition_count() {
        for_each_block(census, partition, |pages| {
            let marks = &boilerplate.marks;
            let marked = |page: &Page| {
                let own = marks.get(page.document);
                let found = network.mark(&crawled(page, own));
                let found = found.into_iter().enumerate();
                let mut found = found.map(|(at, mark)| mark.filter(|_| may(page.document, at))).peekable();
                let own = (0..page.paragraphs.len()).map(|at| own.and_then(|own| own.get(at)));
                found.peek()?;
                let both: Vec<Option<Mark>> =
                    own.zip(found).map(|(own, found)| own.or(found.map(Mark::Network))).collect();
                both.iter().flatten().any(|mark| mark.of_network().is_some()).then_some(())?;
                let both = Marks::of(both)?;
                let tokens = content_tokens(page, Some(&both));
                Some((page.document, both, tokens))
            };
            let found: Vec<_> = pages.par_iter().with_min_len(64).filter_map(marked).collect();
            for (document, found, tokens) in found {
                boilerplate.marks.set(document, Some(&found), tokens);
            }
            Ok(())
        })?;
    }
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
    for partition in 0..census.partition_count() {
        for_each_block(census, partition, |pages| {
            let found = |page: &Page| {
                let mut found = Vec::new();
                if census.is_page(page.document) {
                    let crawled = crawled(page, documents.marks.get(page.document));
                    choices_at_edge(&crawled, |choice| found.push((choice, page.site, page.document)));
                }
                found
            };
            let found: Vec<Vec<_>> = pages.par_iter().with_min_len(64).map(found).collect();
            found.iter().try_for_each(|found| choices.extend(found))
        })?;
    }
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
        crawled(&self.census.page(document), self.marks.get(document))
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

fn crawled(page: &Page, marks: Option<&Marks>) -> CrawlPage {
    let mut marks = marks.into_iter().flat_map(Marks::iter);
    let paragraph = |paragraph: &super::census::Paragraph| CrawlParagraph {
        key: paragraph.masked,
        tokens: paragraph.tokens.clone(),
        is_marked: marks.next().flatten().is_some(),
    };
    CrawlPage { paragraphs: page.paragraphs.iter().map(paragraph).collect(), tokens: page.tokens.clone() }
}
