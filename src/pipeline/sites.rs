//! The second pass: what each site says on every page.
//!
//! Pages are the distinct documents of a site: equal token sequences are one. Templates are found per site, counted
//! again once near-duplicates are known, and then marked in every document, so that the same rule decides for a page
//! that was counted and for its exact copy.
//!
//! Of a site whose pages are more than [`SITE_BYTES`], those with the least hashes decide, so that a site of any size needs
//! no more memory than that; all of its pages are marked and counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::by_site::{SiteRows, for_each_site};
use super::census::{Census, Page};
use super::marks::{Mark, Marks, PageMarks, content_tokens};
use super::means::Means;
use super::network;
use crate::boilerplate::network::Network;
use crate::boilerplate::{
    FormSearch, Forms, Page as SitePage, PageParagraph, Role, SiteTemplates, TemplateSettings, TemplateShape,
    WordedParagraph, find,
};
use crate::error::{Error, Result};
use crate::shingle::is_number;
use crate::store::{Sealed, Spool};

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
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// How many distinct documents with at least one token it has.
    pub pages: u32,
    /// What it says on many of them.
    pub templates: Vec<TemplateFacts>,
    /// Where its rules are: offset and length.
    rules: (u64, u32),
}

/// What is said of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
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
pub fn provisional(census: &Census, settings: &TemplateSettings, means: &Means) -> Result<Boilerplate> {
    let mut found = Finding::new(census, means, "provisional-rules");
    for_each_site(
        census,
        means,
        |_| true,
        |rows| {
            let pages = rows.pages(&deciding(rows)?)?;
            let (forms, templates) = with_forms(&pages, settings);
            Judged::new(rows, SiteRules { forms, templates: Some(templates) })
        },
        |site, judged| found.take(site, judged),
    )?;
    let mut boilerplate = found.finish()?;
    network::find(census, &mut boilerplate, means)?;
    Ok(boilerplate)
}

/// The same templates with each group of near-duplicates counted once: never more than before.
pub fn recounted(
    census: &Census,
    provisional: Boilerplate,
    groups: &[u32],
    settings: &TemplateSettings,
    means: &Means,
) -> Result<Boilerplate> {
    let mut found = Finding::new(census, means, "rules");
    for_each_site(
        census,
        means,
        |site| !provisional.sites[site as usize].templates.is_empty(),
        |rows| {
            let mut rules = provisional.rules_of(rows.site)?;
            let pages = rows.pages(&deciding(rows)?)?;
            let group_of_page: Vec<u32> = pages.iter().map(|page| groups[page.document as usize]).collect();
            let alone = group_of_page.iter().collect::<HashSet<_>>().len() == group_of_page.len();
            if let Some(templates) = rules.templates.as_ref().filter(|_| !alone) {
                let read: Vec<ReadPage> = pages.iter().map(|page| ReadPage::of(page, &rules.forms)).collect();
                rules.templates = Some(templates.recount(&borrowed(&read), &group_of_page, settings));
            }
            Judged::new(rows, rules)
        },
        |site, judged| found.take(site, judged),
    )?;
    let mut boilerplate = found.finish()?;
    network::recount(census, &mut boilerplate, provisional, groups)?;
    Ok(boilerplate)
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
        let Site { rules: (offset, length), .. } = self.sites[site as usize];
        let Some(rules) = self.rules.as_ref().filter(|_| length > 0) else { return Ok(SiteRules::default()) };
        let mut bytes = Vec::new();
        rules.read_at(offset, length as usize, &mut bytes)?;
        postcard::from_bytes(&bytes).map_err(unreadable)
    }
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
        let mark = |page: SitePage| templates.mark(page).iter().map(Option::is_some).collect();
        let marks: Vec<Vec<bool>> = read.iter().map(|read| mark(read.page())).collect();
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

/// A site whose templates were found, and its documents that have some.
struct Judged {
    rules: SiteRules,
    patterns: Vec<Marks>,
    /// Document, pattern and content tokens.
    marked: Vec<[u32; 3]>,
}

impl Judged {
    fn new(rows: &SiteRows, rules: SiteRules) -> Result<Judged> {
        let (mut patterns, mut marked) = (Vec::new(), Vec::new());
        let mut known: HashMap<Marks, u32> = HashMap::new();
        if let Some(templates) = rules.templates.as_ref().filter(|templates| !templates.templates.is_empty())
        {
            let mark = |page: &Page| {
                let marks = templates.mark(ReadPage::of(page, &rules.forms).page());
                let marks = Marks::of(marks.into_iter().map(|mark| mark.map(Mark::Site)))?;
                let tokens = content_tokens(page, Some(&marks));
                Some((page.document, marks, tokens))
            };
            rows.for_each_page(mark, |found| {
                let Some((document, marks, tokens)) = found else { return Ok(()) };
                let pattern = *known.entry(marks).or_insert_with_key(|marks| {
                    patterns.push(marks.clone());
                    patterns.len() as u32 - 1
                });
                marked.push([document, pattern, tokens]);
                Ok(())
            })?;
        }
        Ok(Judged { rules, patterns, marked })
    }
}

/// Takes in what was found of each site.
struct Finding {
    boilerplate: Boilerplate,
    rules: Spool,
}

impl Finding {
    fn new(census: &Census, means: &Means, name: &str) -> Finding {
        Finding { boilerplate: none(census), rules: Spool::new(&means.workspace, name, means.work(8)) }
    }

    fn take(&mut self, site: u32, judged: Judged) -> Result<()> {
        let Judged { rules, patterns, marked } = judged;
        let Some(templates) = rules.templates.as_ref() else { return Ok(()) };
        let facts = &mut self.boilerplate.sites[site as usize];
        facts.pages = templates.pages;
        if templates.templates.is_empty() {
            return Ok(());
        }
        facts.templates = templates.templates.iter().map(TemplateFacts::of).collect();
        let bytes = postcard::to_stdvec(&rules).map_err(unreadable)?;
        facts.rules = (self.rules.append(&bytes)?, bytes.len() as u32);
        for [document, pattern, tokens] in marked {
            self.boilerplate.marks.set(document, Some(&patterns[pattern as usize]), tokens);
        }
        Ok(())
    }

    fn finish(self) -> Result<Boilerplate> {
        Ok(Boilerplate { rules: Some(self.rules.finish()?), ..self.boilerplate })
    }
}
