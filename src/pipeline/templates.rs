//! Templates as they are told: counted with each group of near-duplicates once, with their forms, slots and examples.
//!
//! Of a site where the pages with the least hashes decide, forms are gathered from those.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::by_site::{SiteRows, for_each_page, for_each_site};
use super::census::{Census, Page};
use super::course::{Course, Keeping, Stored, unpacked};
use super::judge::reference;
use super::marks::{Mark, Marks};
use super::means::Means;
use super::sites::{Boilerplate, SiteRules, TemplateFacts, deciding};
use super::variants::Variants;
use crate::boilerplate::{Forms, ParagraphKey, TemplateShape};
use crate::error::{Error, Result};
use crate::findings::TemplateRecord;
use crate::store::{SavedBytes, Sealed, Spool};

/// The site that templates across sites are told under.
pub const NETWORK: &str = "*";

/// How many example documents a template has at most. The contract's 3.
const EXAMPLES: usize = 3;

/// The records of all templates.
pub struct Templates {
    counts: Counts,
    /// As lines of JSON.
    lines: Sealed,
    /// For each site that has some: its name, and where its lines are.
    places: Vec<(String, u64, usize)>,
}

impl Templates {
    /// Each record as JSON: sites in the order of their names, `*` among them; of one site the most frequent first.
    pub fn for_each(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut lines = Vec::new();
        for &(_, offset, length) in &self.places {
            lines.clear();
            self.lines.read_at(offset, length, &mut lines)?;
            lines
                .split_inclusive(|&byte| byte == b'\n')
                .try_for_each(|line| each(&line[..line.len() - 1]))?;
        }
        Ok(())
    }
}

/// Counts the templates anew, each group of documents once, and gathers what is told of them. What a document's group is
/// called means nothing.
pub fn tell(
    census: &Census,
    boilerplate: &mut Boilerplate,
    groups: &[u32],
    course: &mut Course,
) -> Result<Templates> {
    let given_back = |state: TellingState, means: &Means| {
        let Telling { lines, places, counts } = Telling::go_on(state, means)?;
        Ok(Templates { counts, lines: lines.finish()?, places })
    };
    let templates = course.stage("templates told", given_back, |course| {
        tell_all(census, boilerplate, &Groups::new(groups), course)
    })?;
    templates.counts.put_into(boilerplate);
    Ok(templates)
}

fn tell_all(
    census: &Census,
    boilerplate: &Boilerplate,
    groups: &Groups,
    course: &mut Course,
) -> Result<Templates> {
    let means = course.means;
    let mut telling = match course.part()? {
        Some(state) => Telling::go_on(state, means)?,
        None => Telling::new(means),
    };
    let told: HashSet<u32> = telling.counts.sites.iter().map(|(site, ..)| *site).collect();
    for_each_site(
        census,
        means,
        |site| !boilerplate.sites[site as usize].templates.is_empty() && !told.contains(&site),
        |rows| of_site(census, boilerplate, groups, rows),
        |site, told| {
            telling.counts.sites.push((site, told.pages, told.documents));
            telling.write(census.sites[site as usize].name.to_string(), told.records)?;
            census.check_reads()?;
            course.at_rest(|keeping| telling.store(keeping))
        },
    )?;
    if !boilerplate.network.templates.is_empty() {
        let gathered = of_network(census, boilerplate, groups)?;
        telling.counts.network = Some((gathered.pages.count(), gathered.documents()));
        telling.write(NETWORK.to_owned(), gathered.records(census, NETWORK))?;
    }
    census.check()?;
    let Telling { lines, mut places, counts } = telling;
    places.sort_unstable();
    Ok(Templates { counts, lines: lines.finish()?, places })
}

/// How many pages there are, and how many have each template.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts {
    /// By site.
    sites: Vec<(u32, u32, Vec<u32>)>,
    network: Option<(u32, Vec<u32>)>,
}

impl Counts {
    fn put_into(&self, boilerplate: &mut Boilerplate) {
        for (site, pages, documents) in &self.sites {
            let site = &mut boilerplate.sites[*site as usize];
            site.pages = *pages;
            let counted = site.templates.iter_mut().zip(documents);
            counted.for_each(|(template, &documents)| template.documents = documents);
        }
        if let Some((pages, documents)) = &self.network {
            boilerplate.network_pages = *pages;
            let counted = boilerplate.network.templates.iter().map(TemplateFacts::of).zip(documents);
            boilerplate.network_templates =
                counted.map(|(template, &documents)| TemplateFacts { documents, ..template }).collect();
        }
    }
}

/// Templates while they are told.
struct Telling {
    counts: Counts,
    lines: Spool,
    places: Vec<(String, u64, usize)>,
}

/// What is stored of templates that are told.
#[derive(Serialize, Deserialize)]
pub struct TellingState {
    counts: SavedBytes,
    lines: SavedBytes,
    places: SavedBytes,
}

impl Stored for Templates {
    type State = TellingState;

    fn store(&self, keeping: &mut Keeping) -> Result<TellingState> {
        state_of(&self.counts, self.lines.save()?, &self.places, keeping)
    }
}

fn state_of(
    counts: &Counts,
    lines: SavedBytes,
    places: &Vec<(String, u64, usize)>,
    keeping: &mut Keeping,
) -> Result<TellingState> {
    Ok(TellingState {
        counts: keeping.packed("template-counts", counts)?,
        lines: keeping.saved(lines),
        places: keeping.packed("template-places", places)?,
    })
}

impl Telling {
    fn new(means: &Means) -> Telling {
        let lines = Spool::new(&means.workspace, "templates", means.work(8));
        Telling { counts: Counts::default(), lines, places: Vec::new() }
    }

    fn store(&mut self, keeping: &mut Keeping) -> Result<TellingState> {
        state_of(&self.counts, self.lines.save()?, &self.places, keeping)
    }

    fn go_on(state: TellingState, means: &Means) -> Result<Telling> {
        Ok(Telling {
            counts: unpacked(&state.counts, means)?,
            lines: Spool::resume(&means.workspace, &state.lines, means.work(8))?,
            places: unpacked(&state.places, means)?,
        })
    }

    fn write(&mut self, name: String, records: Vec<TemplateRecord>) -> Result<()> {
        let mut json = Vec::new();
        for record in records {
            serde_json::to_writer(&mut json, &record).map_err(|source| Error::Run(source.to_string()))?;
            json.push(b'\n');
        }
        if !json.is_empty() {
            self.places.push((name, self.lines.append(&json)?, json.len()));
        }
        Ok(())
    }
}

/// The groups of documents, and which of these have several.
struct Groups<'a> {
    groups: &'a [u32],
    plural: Bits,
}

impl Groups<'_> {
    fn new(groups: &[u32]) -> Groups<'_> {
        let mut plural = Bits::new(groups.len());
        for (document, &group) in (0..).zip(groups) {
            if group != document {
                plural.set(group);
            }
        }
        Groups { groups, plural }
    }

    /// A document's group; `None` where it is alone in it.
    fn of(&self, document: u32) -> Option<u32> {
        let group = self.groups[document as usize];
        self.plural.has(group).then_some(group)
    }
}

/// How many groups have something.
#[derive(Debug, Default)]
struct Distinct {
    alone: u32,
    groups: Vec<u32>,
}

impl Distinct {
    fn add(&mut self, group: Option<u32>) {
        match group {
            None => self.alone += 1,
            Some(group) => {
                if self.groups.last() != Some(&group) {
                    self.groups.push(group);
                }
                if self.groups.len() == self.groups.capacity() {
                    self.settle();
                }
            }
        }
    }

    fn settle(&mut self) {
        self.groups.sort_unstable();
        self.groups.dedup();
    }

    fn count(&self) -> u32 {
        let mut groups = self.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        self.alone + groups.len() as u32
    }
}

/// What the marks of a site's documents say.
struct Gathered<'a> {
    shapes: &'a [TemplateShape],
    /// Picks the marks that are meant.
    own: fn(Mark) -> Option<u32>,
    pages: Distinct,
    templates: Vec<OfTemplate>,
}

/// What they say of one template.
#[derive(Default)]
struct OfTemplate {
    documents: Distinct,
    /// The last document that was seen.
    last: Option<u32>,
    bytes: u64,
    paragraphs: HashMap<ParagraphKey, OfParagraph>,
    examples: Vec<u32>,
}

#[derive(Default)]
struct OfParagraph {
    documents: Distinct,
    last: Option<u32>,
    forms: Variants,
}

impl<'a> Gathered<'a> {
    fn new(shapes: &'a [TemplateShape], own: fn(Mark) -> Option<u32>) -> Gathered<'a> {
        let mut templates = Vec::new();
        templates.resize_with(shapes.len(), OfTemplate::default);
        Gathered { shapes, own, pages: Distinct::default(), templates }
    }

    /// Takes in a document that has marks. One that `counts` is a page, and `group` the group it counts for; of one that is
    /// `gathered` the forms are.
    fn add(
        &mut self,
        page: &Page,
        marks: &Marks,
        forms: &Forms,
        counts: Option<Option<u32>>,
        gathered: bool,
    ) {
        for (run, mark) in marks.runs() {
            let Some(number) = (self.own)(mark) else { continue };
            let template = &mut self.templates[number as usize];
            template.bytes += run.clone().map(|index| u64::from(page.paragraphs[index].bytes)).sum::<u64>();
            if template.last.replace(page.document) != Some(page.document) {
                template.examples.push(page.document);
                if template.examples.len() > 4 * EXAMPLES {
                    template.first_examples();
                }
                if let Some(group) = counts {
                    template.documents.add(group);
                }
            }
            let Some(group) = counts else { continue };
            for index in run {
                let key = forms.of(page.paragraphs[index].masked);
                let paragraph = template.paragraphs.entry(key).or_default();
                if paragraph.last.replace(page.document) != Some(page.document) {
                    paragraph.documents.add(group);
                }
                if gathered {
                    paragraph.forms.add(page, index);
                }
            }
        }
    }

    fn documents(&self) -> Vec<u32> {
        self.templates.iter().map(|template| template.documents.count()).collect()
    }

    /// The records of templates that stand anywhere, most frequent first.
    fn records(mut self, census: &Census, site: &str) -> Vec<TemplateRecord> {
        self.templates.iter_mut().for_each(OfTemplate::first_examples);
        let pages = self.pages.count();
        let found = self.shapes.iter().zip(&self.templates).filter(|(_, found)| !found.examples.is_empty());
        let record = |(shape, found): (&TemplateShape, &OfTemplate)| {
            let paragraphs = shape.paragraphs.par_iter().filter_map(|paragraph| {
                let found = found.paragraphs.get(&paragraph.key)?;
                found.forms.record(census, found.documents.count())
            });
            let documents = found.documents.count();
            TemplateRecord {
                template: TemplateFacts::of(shape).name(site),
                site: site.to_owned(),
                role: shape.role,
                documents,
                site_documents: pages,
                share: f64::from(documents) / f64::from(pages.max(1)),
                bytes: found.bytes,
                paragraphs: paragraphs.collect(),
                examples: found.examples.iter().map(|&document| reference(census, document, None)).collect(),
            }
        };
        let mut records: Vec<TemplateRecord> = found.map(record).collect();
        records.sort_by(|a, b| b.documents.cmp(&a.documents).then_with(|| a.template.cmp(&b.template)));
        records
    }
}

impl OfTemplate {
    /// Keeps the first examples in document order.
    fn first_examples(&mut self) {
        self.examples.sort_unstable();
        self.examples.dedup();
        self.examples.truncate(EXAMPLES);
    }
}

fn of_site(census: &Census, boilerplate: &Boilerplate, groups: &Groups, rows: &SiteRows) -> Result<Site> {
    let SiteRules { forms, templates } = boilerplate.rules_of(rows.site)?;
    let shapes = templates.map_or(Vec::new(), |templates| templates.templates);
    let deciding = deciding(rows)?;
    let mut gathered = Gathered::new(&shapes, Mark::of_site);
    rows.for_each_number(|document, _, _| {
        if census.is_page(document) {
            gathered.pages.add(groups.of(document));
        }
    })?;
    let has_marks = |document: u32| boilerplate.marks.get(document).is_some();
    rows.for_each_page(has_marks, Page::clone, |page| {
        if let Some(marks) = boilerplate.marks.get(page.document) {
            let counts = census.is_page(page.document).then(|| groups.of(page.document));
            let decides = deciding.binary_search(&page.document).is_ok();
            gathered.add(&page, marks, &forms, counts, decides);
        }
        Ok(())
    })?;
    let name = &census.sites[rows.site as usize].name;
    Ok(Site {
        pages: gathered.pages.count(),
        documents: gathered.documents(),
        records: gathered.records(census, name),
    })
}

/// What is told of one site.
struct Site {
    pages: u32,
    documents: Vec<u32>,
    records: Vec<TemplateRecord>,
}

fn of_network<'a>(census: &Census, boilerplate: &'a Boilerplate, groups: &Groups) -> Result<Gathered<'a>> {
    let mut gathered = Gathered::new(&boilerplate.network.templates, Mark::of_network);
    let forms = Forms::default();
    for document in (0..census.len()).filter(|&document| census.is_page(document)) {
        gathered.pages.add(groups.of(document));
    }
    let shared = |document: u32| boilerplate.marks.get(document).is_some_and(Marks::has_network);
    for_each_page(census, shared, Page::clone, |page| {
        if let Some(marks) = boilerplate.marks.get(page.document) {
            let counts = census.is_page(page.document).then(|| groups.of(page.document));
            gathered.add(&page, marks, &forms, counts, true);
        }
        Ok(())
    })?;
    Ok(gathered)
}
