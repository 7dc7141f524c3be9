//! The second pass: what each site says on every page.
//!
//! Pages are the distinct documents of a site: equal token sequences are one. Templates are found per site, counted
//! again once near-duplicates are known, and then marked in every document, so that the same rule decides for a page
//! that was counted and for its exact copy.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::census::{Census, Entry};
use super::network;
use crate::boilerplate::network::Network;
use crate::boilerplate::{
    Forms, Page, PageParagraph, ParagraphKey, SectionId, SiteTemplates, TemplateSettings, WordedParagraph,
    find, listed,
};
use crate::corpus::folders_of;
use crate::shingle::is_number;

/// Every site's templates, and where they stand.
#[derive(Debug)]
pub struct Boilerplate {
    /// The sites, in the order of their names.
    pub sites: Vec<Site>,
    /// What sites share, beside what each says itself.
    pub network: Network,
    /// How many distinct documents were counted for it.
    pub network_pages: u32,
    /// For each document, its paragraphs' templates; `None` where it has none at all.
    pub marks: Vec<Option<Marks>>,
}

/// The template of each paragraph of a document.
pub type Marks = Box<[Option<Mark>]>;

/// A template, by its place among those of the document's site, or of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// What the site says on many pages. It comes first.
    Site(u32),
    /// What sites share.
    Network(u32),
}

impl Mark {
    /// The place among the site's templates.
    pub fn of_site(self) -> Option<u32> {
        if let Mark::Site(template) = self { Some(template) } else { None }
    }

    /// The place among the network's templates.
    pub fn of_network(self) -> Option<u32> {
        if let Mark::Network(template) = self { Some(template) } else { None }
    }
}

/// A site.
#[derive(Debug)]
pub struct Site {
    /// Its name.
    pub name: Arc<str>,
    /// Its documents, in document order.
    pub documents: Vec<u32>,
    /// Its distinct documents with at least one token, in document order.
    pub pages: Vec<u32>,
    /// Which of its paragraphs are forms of one.
    pub forms: Forms,
    /// What it says on many of them.
    pub templates: SiteTemplates,
}

/// The templates of every site, each distinct page counted once, and what sites share beside them.
pub fn provisional(census: &Census, settings: &TemplateSettings) -> Boilerplate {
    let sites: Vec<Site> = documents_by_site(census)
        .into_par_iter()
        .map(|(name, documents)| {
            let pages = distinct(census, &documents);
            let (forms, templates) = with_forms(census, &pages, settings);
            Site { name, documents, pages, forms, templates }
        })
        .collect();
    let mut boilerplate = marked(census, sites);
    network::find(census, &mut boilerplate);
    boilerplate
}

/// Forms are looked for beside what is boilerplate, and more may be boilerplate once they are known. At most this often.
const FORM_ROUNDS: usize = 3;

fn with_forms(census: &Census, pages: &[u32], settings: &TemplateSettings) -> (Forms, SiteTemplates) {
    let worded = worded(census, pages);
    let mut forms = Forms::default();
    let mut read = read_pages(census, pages, &forms);
    let mut templates = find(&borrowed(&read), settings);
    for _ in 0..FORM_ROUNDS {
        let mark = |page: Page| templates.mark(page).iter().map(Option::is_some).collect();
        let marks: Vec<Vec<bool>> = read.iter().map(|read| mark(read.page())).collect();
        let Some(more) = forms.extended(&worded, &marks, settings) else { break };
        forms = more;
        for (read, worded) in read.iter_mut().zip(&worded) {
            for (paragraph, worded) in read.paragraphs.iter_mut().zip(worded) {
                paragraph.key = forms.of(worded.key);
            }
        }
        templates = find(&borrowed(&read), settings);
    }
    (forms, templates)
}

/// The same templates with each group of near-duplicates counted once: never more than before.
pub fn recounted(
    census: &Census,
    provisional: Boilerplate,
    groups: &[u32],
    settings: &TemplateSettings,
) -> Boilerplate {
    let Boilerplate { sites, network, marks, .. } = provisional;
    let sites: Vec<Site> = sites
        .into_par_iter()
        .map(|site| {
            let group_of_page: Vec<u32> = site.pages.iter().map(|&page| groups[page as usize]).collect();
            let alone = group_of_page.iter().collect::<HashSet<_>>().len() == group_of_page.len();
            if alone || site.templates.templates.is_empty() {
                return site;
            }
            let read = read_pages(census, &site.pages, &site.forms);
            let templates = site.templates.recount(&borrowed(&read), &group_of_page, settings);
            Site { templates, ..site }
        })
        .collect();
    let mut boilerplate = marked(census, sites);
    network::recount(census, &mut boilerplate, network, &marks, groups);
    boilerplate.count_groups(census, groups);
    boilerplate
}

/// No templates at all: where everything is compared, nobody asks for them.
pub fn none(census: &Census) -> Boilerplate {
    unshared(Vec::new(), vec![None; census.documents.len()])
}

impl Boilerplate {
    /// Counts the documents of sites, templates and their paragraphs anew, each group once.
    fn count_groups(&mut self, census: &Census, groups: &[u32]) {
        let marks = &self.marks;
        self.sites.par_iter_mut().filter(|site| !site.templates.templates.is_empty()).for_each(|site| {
            let group = |page: u32| groups[page as usize];
            let mut pages = HashSet::new();
            let mut templates: HashMap<u32, HashSet<u32>> = HashMap::new();
            let mut paragraphs: HashMap<(u32, ParagraphKey), HashSet<u32>> = HashMap::new();
            for &page in &site.pages {
                pages.insert(group(page));
                let Some(marks) = &marks[page as usize] else { continue };
                let entry = &census.documents[page as usize];
                for (mark, paragraph) in marks.iter().zip(&entry.paragraphs) {
                    let Some(template) = mark.and_then(Mark::of_site) else { continue };
                    templates.entry(template).or_default().insert(group(page));
                    paragraphs
                        .entry((template, site.forms.of(paragraph.masked)))
                        .or_default()
                        .insert(group(page));
                }
            }
            site.templates.pages = pages.len() as u32;
            for (number, template) in site.templates.templates.iter_mut().enumerate() {
                let count = |groups: Option<&HashSet<u32>>| groups.map_or(0, HashSet::len) as u32;
                template.documents = count(templates.get(&(number as u32)));
                for paragraph in &mut template.paragraphs {
                    paragraph.documents = count(paragraphs.get(&(number as u32, paragraph.key)));
                }
            }
        });
    }

    /// How many paragraphs of all documents are marked.
    pub fn marked_paragraphs(&self) -> usize {
        self.marks.iter().flatten().map(|marks| marks.iter().flatten().count()).sum()
    }
}

fn documents_by_site(census: &Census) -> Vec<(Arc<str>, Vec<u32>)> {
    let mut sites: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
    for (number, entry) in census.documents.iter().enumerate() {
        sites.entry(entry.document.site.clone()).or_default().push(number as u32);
    }
    sites.into_iter().collect()
}

fn distinct(census: &Census, documents: &[u32]) -> Vec<u32> {
    let mut seen = HashSet::new();
    let first =
        |number: &u32| census.documents[*number as usize].sequence.is_some_and(|own| seen.insert(own));
    documents.iter().copied().filter(first).collect()
}

/// A page as `boilerplate` sees it, with what it borrows.
struct ReadPage {
    paragraphs: Vec<PageParagraph>,
    sections: Vec<SectionId>,
}

impl ReadPage {
    fn of(entry: &Entry, forms: &Forms) -> ReadPage {
        let tokens: Vec<&[u64]> =
            entry.paragraphs.iter().map(|paragraph| entry.tokens_of(paragraph)).collect();
        let page_paragraph = |(paragraph, listed): (&super::census::Paragraph, bool)| PageParagraph {
            key: forms.of(paragraph.masked),
            sketch: paragraph.sketch,
            tokens: paragraph.tokens.len() as u32,
            listed,
        };
        let folders = entry.document.url.iter().flat_map(|url| folders_of(url).take(SECTION_DEPTH));
        ReadPage {
            paragraphs: entry.paragraphs.iter().zip(listed(&tokens)).map(page_paragraph).collect(),
            sections: folders.map(|folder| xxh3_64(folder.as_bytes())).collect(),
        }
    }

    fn page(&self) -> Page<'_> {
        Page { paragraphs: &self.paragraphs, sections: &self.sections }
    }
}

/// Folders deeper than this are no sections of their own.
const SECTION_DEPTH: usize = 3;

fn read_pages(census: &Census, pages: &[u32], forms: &Forms) -> Vec<ReadPage> {
    pages.iter().map(|&page| ReadPage::of(&census.documents[page as usize], forms)).collect()
}

fn worded<'a>(census: &'a Census, pages: &[u32]) -> Vec<Vec<WordedParagraph<'a>>> {
    let worded = |entry: &'a Entry| {
        let paragraph = |paragraph: &super::census::Paragraph| WordedParagraph {
            key: paragraph.masked,
            tokens: entry.tokens_of(paragraph),
            is_number,
        };
        entry.paragraphs.iter().map(paragraph).collect()
    };
    pages.iter().map(|&page| worded(&census.documents[page as usize])).collect()
}

fn borrowed(pages: &[ReadPage]) -> Vec<Page<'_>> {
    pages.iter().map(ReadPage::page).collect()
}

fn marked(census: &Census, sites: Vec<Site>) -> Boilerplate {
    let mut marks: Vec<Option<Marks>> = vec![None; census.documents.len()];
    let found: Vec<Vec<(u32, Marks)>> = sites
        .par_iter()
        .map(|site| {
            if site.templates.templates.is_empty() {
                return Vec::new();
            }
            let mark = |&document: &u32| {
                let marks = site
                    .templates
                    .mark(ReadPage::of(&census.documents[document as usize], &site.forms).page());
                let marks: Marks = marks.into_iter().map(|mark| mark.map(Mark::Site)).collect();
                marks.iter().any(Option::is_some).then_some((document, marks))
            };
            site.documents.iter().filter_map(mark).collect()
        })
        .collect();
    for (document, own) in found.into_iter().flatten() {
        marks[document as usize] = Some(own);
    }
    unshared(sites, marks)
}

fn unshared(sites: Vec<Site>, marks: Vec<Option<Marks>>) -> Boilerplate {
    Boilerplate { sites, network: Network::default(), network_pages: 0, marks }
}

/// The site of each document, by place in `sites`.
pub fn site_numbers(boilerplate: &Boilerplate, documents: usize) -> Vec<u32> {
    let mut numbers = vec![0; documents];
    for (number, site) in boilerplate.sites.iter().enumerate() {
        for &document in &site.documents {
            numbers[document as usize] = number as u32;
        }
    }
    numbers
}
