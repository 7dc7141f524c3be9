//! The second pass, across sites: what sites share, beside what each says itself.
//!
//! Found after the templates of the sites, as a site's own templates come first; counted again with them, and then it only
//! loses: a paragraph that was not marked before is not marked now.

use std::collections::HashSet;

use rayon::prelude::*;

use super::census::Census;
use super::sites::{Boilerplate, Mark, Marks, site_numbers};
use crate::boilerplate::network::{Crawl, CrawlParagraph, Network, find as find_network};
use crate::shingle::is_number;

/// Finds what sites share, and marks it where the site itself has no template.
pub fn find(census: &Census, boilerplate: &mut Boilerplate) {
    let pages: Vec<u32> = boilerplate.sites.iter().flat_map(|site| &site.pages).copied().collect();
    let documents = Documents::new(census, boilerplate);
    let network = find_network(&documents, &pages);
    let found = documents.marked(&network, |_, _| true);
    boilerplate.network = network;
    put(boilerplate, found);
}

/// The same `network` with each group heard once, where it was marked `before`; and counts it.
pub fn recount(
    census: &Census,
    boilerplate: &mut Boilerplate,
    network: Network,
    before: &[Option<Marks>],
    groups: &[u32],
) {
    if network.templates.is_empty() {
        return;
    }
    let network = network.recount(|page| groups[page as usize]);
    let was_marked = |document: u32, paragraph: usize| {
        let marks = before[document as usize].as_ref();
        marks.and_then(|marks| marks[paragraph]).is_some_and(|mark| mark.of_network().is_some())
    };
    let found = Documents::new(census, boilerplate).marked(&network, was_marked);
    boilerplate.network = network;
    put(boilerplate, found);
    count(census, boilerplate, groups);
}

/// Puts marks on paragraphs that have none.
fn put(boilerplate: &mut Boilerplate, found: Vec<(u32, Vec<Option<u32>>)>) {
    for (document, found) in found {
        let marks = &mut boilerplate.marks[document as usize];
        let marks = marks.get_or_insert_with(|| vec![None; found.len()].into_boxed_slice());
        for (mark, found) in marks.iter_mut().zip(found) {
            *mark = mark.or(found.map(Mark::Network));
        }
    }
}

/// Counts the distinct documents of each template and of its paragraphs, each group once.
fn count(census: &Census, boilerplate: &mut Boilerplate, groups: &[u32]) {
    let (mut pages, mut templates, mut paragraphs) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (document, entry) in census.documents.iter().enumerate() {
        let group = groups[document];
        if entry.sequence.is_some() {
            pages.insert(group);
        }
        let Some(marks) = &boilerplate.marks[document] else { continue };
        for (mark, paragraph) in marks.iter().zip(&entry.paragraphs) {
            if let Some(template) = mark.and_then(Mark::of_network) {
                templates.insert((template, group));
                paragraphs.insert((template, paragraph.masked, group));
            }
        }
    }
    boilerplate.network_pages = pages.len() as u32;
    for (template, _) in templates {
        boilerplate.network.templates[template as usize].documents += 1;
    }
    for (template, key, _) in paragraphs {
        let shapes = &mut boilerplate.network.templates[template as usize].paragraphs;
        for shape in shapes.iter_mut().filter(|shape| shape.key == key) {
            shape.documents += 1;
        }
    }
}

/// The documents of a census under the templates of their sites.
struct Documents<'a> {
    census: &'a Census,
    marks: &'a [Option<Marks>],
    site_of: Vec<u32>,
}

impl<'a> Documents<'a> {
    fn new(census: &'a Census, boilerplate: &'a Boilerplate) -> Documents<'a> {
        let site_of = site_numbers(boilerplate, census.documents.len());
        Documents { census, marks: &boilerplate.marks, site_of }
    }

    /// The marks of all documents that have some, of those that `may` have them.
    fn marked(
        &self,
        network: &Network,
        may: impl Fn(u32, usize) -> bool + Sync,
    ) -> Vec<(u32, Vec<Option<u32>>)> {
        if network.templates.is_empty() {
            return Vec::new();
        }
        let marks = |document: u32| {
            let mut marks = network.mark(self, document);
            for (paragraph, mark) in marks.iter_mut().enumerate() {
                *mark = mark.filter(|_| may(document, paragraph));
            }
            marks.iter().any(Option::is_some).then_some((document, marks))
        };
        (0..self.census.documents.len() as u32).into_par_iter().filter_map(marks).collect()
    }
}

impl Crawl for Documents<'_> {
    fn site(&self, document: u32) -> u32 {
        self.site_of[document as usize]
    }

    fn rank(&self, document: u32) -> u128 {
        self.census.documents[document as usize].sequence.unwrap_or_default()
    }

    fn len(&self, document: u32) -> u32 {
        self.census.documents[document as usize].paragraphs.len() as u32
    }

    fn paragraph(&self, document: u32, paragraph: u32) -> CrawlParagraph<'_> {
        let entry = &self.census.documents[document as usize];
        let known = &entry.paragraphs[paragraph as usize];
        CrawlParagraph {
            key: known.masked,
            tokens: entry.tokens_of(known),
            bytes: known.span.end - known.span.start,
            is_marked: self.marks[document as usize]
                .as_ref()
                .is_some_and(|marks| marks[paragraph as usize].is_some()),
        }
    }

    fn words(&self, document: u32, paragraph: u32) -> u32 {
        let tokens = self.paragraph(document, paragraph).tokens;
        tokens.iter().filter(|&&token| !is_number(token)).count() as u32
    }
}
