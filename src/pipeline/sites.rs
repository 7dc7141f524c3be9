//! The second pass: what each site says on every page.
//!
//! Pages are the distinct documents of a site: equal token sequences are one. Templates are found per site, counted
//! again once near-duplicates are known, and then marked in every document, so that the same rule decides for a page
//! that was counted and for its exact copy.
//!
//! Of a site whose pages are more than [`SITE_BYTES`], those with the least hashes decide, so that a site of any size needs
//! no more memory than that; all of its pages are marked and counted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::bits::Bits;
use super::by_site::{SiteRows, for_each_site};
use super::census::{Census, Page};
use super::course::{Course, Keeping, Stored, unpacked};
use super::marks::{Mark, Marks, MarksState, PageMarks, content_tokens};
use super::means::Means;
use super::network;
use crate::boilerplate::network::Network;
use crate::boilerplate::{
    FormSearch, Forms, Page as SitePage, PageParagraph, Role, SiteTemplates, TemplateSettings, TemplateShape,
    WordedParagraph, find,
};
use crate::error::{Error, Result};
use crate::shingle::is_number;
use crate::store::{SavedBytes, Sealed, Spool};

/// Every site's templates, and where they stand.
pub struct Boilerplate {
    /// By the number of a site.
    pub sites: Vec<Site>,
    /// What sites share, beside what each says itself.
    pub network: Network,
    /// What is said of its templates.
    pub network_templates: Vec<TemplateFacts>,
    /// How many distinct documents were counted for it.
    pub network_pages: u32,
    /// Which paragraphs are boilerplate.
    pub marks: PageMarks,
    /// The rules of the sites that have templates.
    rules: Option<Sealed>,
}

/// A site.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Site {
    /// How many distinct documents with at least one token it has.
    pub pages: u32,
    /// What it says on many of them.
    pub templates: Vec<TemplateFacts>,
    /// Where its rules are: offset and length.
    rules: (u64, u32),
}

/// What is said of a template.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateFacts {
    /// Where most of its occurrences stand.
    pub role: Role,
    /// The hash of its masked text.
    pub hash: u64,
    /// On how many pages it stands.
    pub documents: u32,
}

impl TemplateFacts {
    /// Of a template.
    pub fn of(template: &TemplateShape) -> TemplateFacts {
        let keys: Vec<u8> =
            template.paragraphs.iter().flat_map(|paragraph| paragraph.key.to_le_bytes()).collect();
        TemplateFacts { role: template.role, hash: xxh3_64(&keys), documents: template.documents }
    }

    /// `SITE/ROLE-HASH`.
    pub fn name(&self, site: &str) -> String {
        format!("{site}/{}-{:016x}", self.role.name(), self.hash)
    }
}

/// How a site's pages are marked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SiteRules {
    /// Which of its paragraphs are forms of one.
    pub forms: Forms,
    /// What it says on many of them; nothing where absent.
    pub templates: Option<SiteTemplates>,
}

/// At most so many bytes of a site's distinct pages, as the census keeps them, decide about its templates: some 50,000 pages of
/// 100 words.
const SITE_BYTES: u64 = 24 << 20;

/// The templates of every site, each distinct page counted once, and what sites share beside them.
pub fn provisional(census: &Census, settings: &TemplateSettings, course: &mut Course) -> Result<Boilerplate> {
    course.stage("templates", Boilerplate::given_back, |course| find_provisional(census, settings, course))
}

fn find_provisional(
    census: &Census,
    settings: &TemplateSettings,
    course: &mut Course,
) -> Result<Boilerplate> {
    let means = course.means;
    let mut found = match course.part()? {
        Some(state) => Finding::go_on(state, means)?,
        None => Finding::new(none(census), means, "provisional-rules"),
    };
    let done = found.done.clone();
    for_each_site(
        census,
        means,
        |site| !done.has(site),
        |rows| {
            let deciding = deciding(rows)?;
            let pages = rows.pages(&deciding)?;
            let (forms, templates) = with_forms(&pages, settings);
            let mut judged = Judged::new(SiteRules { forms, templates: Some(templates) });
            if judged.has_templates() {
                judged.mark_pages(&pages)?;
                drop(pages);
                judged.mark(rows, |document| deciding.binary_search(&document).is_err())?;
            }
            Ok(judged)
        },
        |site, judged| {
            found.take(site, judged)?;
            census.check_reads()?;
            course.at_rest(|keeping| found.store(keeping))
        },
    )?;
    let (mut boilerplate, _) = found.finish()?;
    network::find(census, &mut boilerplate, means)?;
    Ok(boilerplate)
}

/// The same templates with each group of near-duplicates counted once: never more than before.
pub fn recounted(
    census: &Census,
    provisional: Boilerplate,
    groups: &[u32],
    settings: &TemplateSettings,
    course: &mut Course,
) -> Result<Boilerplate> {
    let means = course.means;
    let (sites, rules) = (provisional.sites.clone(), provisional.rules.clone());
    let found = match course.part()? {
        Some(state) => Finding::go_on(state, means)?,
        None => Finding::new(provisional, means, "rules"),
    };
    let done = found.done.clone();
    let found = RwLock::new(found);
    for_each_site(
        census,
        means,
        |site| !sites[site as usize].templates.is_empty() && !done.has(site),
        |rows| {
            let rules = rules_at(rules.as_ref(), &sites[rows.site as usize])?;
            let deciding = deciding(rows)?;
            let group_of_page: Vec<u32> =
                deciding.iter().map(|&document| groups[document as usize]).collect();
            let alone = group_of_page.iter().collect::<HashSet<_>>().len() == group_of_page.len();
            let Some(earlier) = rules.templates.as_ref().filter(|_| !alone) else {
                return Ok(Judged::new(rules));
            };
            let pages = rows.pages(&deciding)?;
            let read: Vec<ReadPage> = pages.iter().map(|page| ReadPage::of(page, &rules.forms)).collect();
            let templates = earlier.recount(&borrowed(&read), &group_of_page, settings);
            if templates == *earlier {
                return Ok(Judged::new(rules));
            }
            let mut judged = Judged::new(SiteRules { templates: Some(templates), ..rules });
            let found = found.read().unwrap_or_else(PoisonError::into_inner);
            judged.mark(rows, |document| found.boilerplate.marks.get(document).is_some())?;
            Ok(judged)
        },
        |site, judged| {
            let mut found = found.write().unwrap_or_else(PoisonError::into_inner);
            found.take(site, judged)?;
            census.check_reads()?;
            course.at_rest(|keeping| found.store(keeping))
        },
    )?;
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut boilerplate, fallen) = found.finish()?;
    network::recount(census, &mut boilerplate, &fallen, groups)?;
    census.check()?;
    Ok(boilerplate)
}

/// What is stored of boilerplate.
#[derive(Serialize, Deserialize)]
pub struct BoilerplateState {
    sites: SavedBytes,
    network: SavedBytes,
    network_templates: Vec<TemplateFacts>,
    network_pages: u32,
    marks: MarksState,
    rules: Option<SavedBytes>,
}

impl Stored for Boilerplate {
    type State = BoilerplateState;

    fn store(&self, keeping: &mut Keeping) -> Result<BoilerplateState> {
        let rules = self.rules.as_ref().map(|rules| rules.save()).transpose()?;
        let rules = rules.map(|rules| keeping.saved(rules));
        Ok(BoilerplateState { rules, ..self.store_without_rules(keeping)? })
    }
}

impl Boilerplate {
    fn store_without_rules(&self, keeping: &mut Keeping) -> Result<BoilerplateState> {
        Ok(BoilerplateState {
            sites: keeping.packed("site-templates", &self.sites)?,
            network: keeping.packed("network", &self.network)?,
            network_templates: self.network_templates.clone(),
            network_pages: self.network_pages,
            marks: self.marks.store(keeping)?,
            rules: None,
        })
    }

    /// As it was when its state was saved.
    pub fn given_back(state: BoilerplateState, means: &Means) -> Result<Boilerplate> {
        let rules = |rules| Sealed::reopen(&means.workspace, &rules, means.work(8));
        Ok(Boilerplate {
            sites: unpacked(&state.sites, means)?,
            network: unpacked(&state.network, means)?,
            network_templates: state.network_templates,
            network_pages: state.network_pages,
            marks: PageMarks::given_back(state.marks, means)?,
            rules: state.rules.map(rules).transpose()?,
        })
    }
}

/// No templates at all: where everything is compared, nobody asks for them.
pub fn none(census: &Census) -> Boilerplate {
    Boilerplate {
        sites: vec![Site::default(); census.sites.len()],
        network: Network::default(),
        network_templates: Vec::new(),
        network_pages: 0,
        marks: PageMarks::none(census),
        rules: None,
    }
}

impl Boilerplate {
    /// How the pages of a site are marked.
    pub fn rules_of(&self, site: u32) -> Result<SiteRules> {
        rules_at(self.rules.as_ref(), &self.sites[site as usize])
    }
}

fn rules_at(rules: Option<&Sealed>, site: &Site) -> Result<SiteRules> {
    let (offset, length) = site.rules;
    let Some(rules) = rules.filter(|_| length > 0) else { return Ok(SiteRules::default()) };
    let mut bytes = Vec::new();
    rules.read_at(offset, length as usize, &mut bytes)?;
    postcard::from_bytes(&bytes).map_err(unreadable)
}

fn unreadable(error: postcard::Error) -> Error {
    Error::Run(format!("the temporary files of this run are damaged: {error}"))
}

/// The documents of a site whose pages decide, ascending: the first with each sequence, and where they are too many, those
/// with the least sequences.
pub fn deciding(rows: &SiteRows) -> Result<Vec<u32>> {
    let mut least: BTreeMap<u128, (u32, u64)> = BTreeMap::new();
    let (mut sum, mut bound) = (0, u128::MAX);
    rows.for_each_number(|document, sequence, row| {
        let Some(sequence) = sequence.filter(|&sequence| sequence < bound && !least.contains_key(&sequence))
        else {
            return;
        };
        let bytes = row.len() as u64;
        least.insert(sequence, (document, bytes));
        sum += bytes;
        while sum > SITE_BYTES
            && let Some((greatest, (_, bytes))) = least.pop_last()
        {
            (bound, sum) = (greatest, sum - bytes);
        }
    })?;
    let mut documents: Vec<u32> = least.into_values().map(|(document, _)| document).collect();
    documents.sort_unstable();
    Ok(documents)
}

/// Forms are looked for beside what is boilerplate, and more may be boilerplate once they are known. At most this often.
const FORM_ROUNDS: usize = 3;

fn with_forms(pages: &[Page], settings: &TemplateSettings) -> (Forms, SiteTemplates) {
    let worded: Vec<Vec<WordedParagraph>> = pages.iter().map(worded).collect();
    let mut search = FormSearch::new(&worded);
    let mut forms = Forms::default();
    let mut read: Vec<ReadPage> = pages.iter().map(|page| ReadPage::of(page, &forms)).collect();
    let mut templates = find(&borrowed(&read), settings);
    for _ in 0..FORM_ROUNDS {
        let marks = templates.mark_all(read.iter().map(ReadPage::page));
        let Some(more) = search.more(&marks, settings) else { break };
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

/// A page as `boilerplate` sees it, with what it borrows.
pub struct ReadPage<'a> {
    paragraphs: Vec<PageParagraph>,
    sections: &'a [u64],
}

impl ReadPage<'_> {
    /// Of a page whose paragraphs have these forms.
    pub fn of<'a>(page: &'a Page, forms: &Forms) -> ReadPage<'a> {
        let page_paragraph = |paragraph: &super::census::Paragraph| PageParagraph {
            key: forms.of(paragraph.masked),
            sketch: paragraph.sketch,
            tokens: paragraph.tokens.len() as u32,
            listed: paragraph.listed,
        };
        ReadPage {
            paragraphs: page.paragraphs.iter().map(page_paragraph).collect(),
            sections: &page.sections,
        }
    }

    /// As it is judged.
    pub fn page(&self) -> SitePage<'_> {
        SitePage { paragraphs: &self.paragraphs, sections: self.sections }
    }
}

fn worded(page: &Page) -> Vec<WordedParagraph<'_>> {
    let worded = |paragraph: &super::census::Paragraph| WordedParagraph {
        key: paragraph.masked,
        tokens: &page.tokens[paragraph.tokens.start as usize..paragraph.tokens.end as usize],
        is_number,
    };
    page.paragraphs.iter().map(worded).collect()
}

fn borrowed<'a>(pages: &'a [ReadPage]) -> Vec<SitePage<'a>> {
    pages.iter().map(ReadPage::page).collect()
}

/// A site whose templates were found, and documents of it as they are marked.
struct Judged {
    rules: SiteRules,
    patterns: Vec<Marks>,
    known: HashMap<Marks, u32>,
    /// Document, pattern or [`NO_PATTERN`], and content tokens.
    marked: Vec<[u32; 3]>,
}

/// Stands for no marks.
const NO_PATTERN: u32 = u32::MAX;

impl Judged {
    /// No document is marked otherwise than before.
    fn new(rules: SiteRules) -> Judged {
        Judged { rules, patterns: Vec::new(), known: HashMap::new(), marked: Vec::new() }
    }

    fn has_templates(&self) -> bool {
        self.rules.templates.as_ref().is_some_and(|templates| !templates.templates.is_empty())
    }

    /// Marks pages that are at hand.
    fn mark_pages(&mut self, pages: &[Page]) -> Result<()> {
        let rules = &self.rules;
        let marked: Vec<_> =
            pages.par_iter().with_min_len(32).map(|page| (page.document, rules.mark(page))).collect();
        marked.into_iter().for_each(|(document, marks)| self.add(document, marks));
        Ok(())
    }

    /// Marks the documents that are `wanted`.
    fn mark(&mut self, rows: &SiteRows, wanted: impl Fn(u32) -> bool + Sync) -> Result<()> {
        let rules = std::mem::take(&mut self.rules);
        let marked = rows.for_each_page(
            wanted,
            |page| (page.document, rules.mark(page)),
            |(document, marks)| {
                self.add(document, marks);
                Ok(())
            },
        );
        self.rules = rules;
        marked
    }

    fn add(&mut self, document: u32, (marks, tokens): (Option<Marks>, u32)) {
        let patterns = &mut self.patterns;
        let pattern = marks.map_or(NO_PATTERN, |marks| {
            *self.known.entry(marks).or_insert_with_key(|marks| {
                patterns.push(marks.clone());
                patterns.len() as u32 - 1
            })
        });
        self.marked.push([document, pattern, tokens]);
    }
}

impl SiteRules {
    /// The marks of a page of the site, and how many tokens are left without them.
    fn mark(&self, page: &Page) -> (Option<Marks>, u32) {
        let marks = self.templates.as_ref().and_then(|templates| {
            let marks = templates.mark(ReadPage::of(page, &self.forms).page());
            Marks::of(marks.into_iter().map(|mark| mark.map(Mark::Site)))
        });
        let tokens = content_tokens(page, marks.as_ref());
        (marks, tokens)
    }
}

/// Takes in what was found of each site.
struct Finding {
    boilerplate: Boilerplate,
    rules: Spool,
    /// Documents that had marks of the network until they were marked anew, and what they had.
    fallen: HashMap<u32, Marks>,
    /// The sites of which everything was taken in.
    done: Bits,
}

/// What is stored while sites are gone through.
#[derive(Serialize, Deserialize)]
struct FindingState {
    boilerplate: BoilerplateState,
    rules: SavedBytes,
    fallen: SavedBytes,
    done: SavedBytes,
}

impl Finding {
    fn new(boilerplate: Boilerplate, means: &Means, name: &str) -> Finding {
        let rules = Spool::new(&means.workspace, name, means.work(8));
        let done = Bits::new(boilerplate.sites.len());
        Finding { boilerplate, rules, fallen: HashMap::new(), done }
    }

    fn store(&mut self, keeping: &mut Keeping) -> Result<FindingState> {
        let fallen: BTreeMap<&u32, &Marks> = self.fallen.iter().collect();
        Ok(FindingState {
            boilerplate: self.boilerplate.store_without_rules(keeping)?,
            rules: keeping.saved(self.rules.save()?),
            fallen: keeping.packed("fallen", &fallen)?,
            done: keeping.packed("done", &self.done)?,
        })
    }

    fn go_on(state: FindingState, means: &Means) -> Result<Finding> {
        Ok(Finding {
            boilerplate: Boilerplate::given_back(state.boilerplate, means)?,
            rules: Spool::resume(&means.workspace, &state.rules, means.work(8))?,
            fallen: unpacked(&state.fallen, means)?,
            done: unpacked(&state.done, means)?,
        })
    }

    fn take(&mut self, site: u32, judged: Judged) -> Result<()> {
        self.done.set(site);
        let facts = &mut self.boilerplate.sites[site as usize];
        *facts = Site::default();
        if let Some(templates) = &judged.rules.templates {
            facts.pages = templates.pages;
        }
        if let Some(templates) = judged.rules.templates.as_ref().filter(|_| judged.has_templates()) {
            facts.templates = templates.templates.iter().map(TemplateFacts::of).collect();
            let bytes = postcard::to_stdvec(&judged.rules).map_err(unreadable)?;
            facts.rules = (self.rules.append(&bytes)?, bytes.len() as u32);
        }
        for [document, pattern, tokens] in judged.marked {
            let marks = &mut self.boilerplate.marks;
            if let Some(before) = marks.get(document).filter(|marks| marks.has_network()) {
                self.fallen.insert(document, before.clone());
            }
            marks.set(document, judged.patterns.get(pattern as usize), tokens);
        }
        Ok(())
    }

    fn finish(self) -> Result<(Boilerplate, HashMap<u32, Marks>)> {
        Ok((Boilerplate { rules: Some(self.rules.finish()?), ..self.boilerplate }, self.fallen))
    }
}
