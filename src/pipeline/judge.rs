//! What is said of each document: decisions, marks, repeats and reuse become the records of the contract.

use std::collections::HashMap;

use rayon::prelude::*;

use super::census::{Census, Entry};
use super::compare::Pair;
use super::reuse::Reuse;
use super::settings::Settings;
use super::sites::{Boilerplate, Mark, Marks, Site};
use super::variants::Variants;
use crate::boilerplate::{Forms, SiteTemplates, TemplateShape};
use crate::document::Span;
use crate::findings::{
    ClusterRecord, Evidence, Finding, Kind, Measure, Member, PairRecord, Place, Reference, TemplateRecord,
};
use crate::language::{self, Languages};
use crate::repeats;
use crate::resolve::{self, Decision, Decisions, Likeness, clusters};
use xxhash_rust::xxh3::xxh3_64;

/// How many of the first paragraphs of a document may be its lead. The contract's four.
const LEAD_PARAGRAPHS: usize = 4;

/// How many documents of a template are named. The contract's three.
const EXAMPLES: usize = 3;

/// Everything that was decided, ready to be told.
pub struct Judged<'a> {
    /// What was read.
    pub census: &'a Census,
    /// What decided.
    pub settings: &'a Settings,
    /// What each site says on every page.
    pub boilerplate: &'a Boilerplate,
    /// The site of each document.
    pub site_of: &'a [u32],
    /// What becomes of each document.
    pub decisions: &'a Decisions,
    /// Paragraphs that several kept documents have, in document order.
    pub reuses: &'a [Reuse],
    /// What tells languages apart.
    pub languages: &'a Languages,
}

impl Judged<'_> {
    /// The findings of the documents `first..last`, in document order.
    pub fn findings(&self, first: u32, last: u32) -> Vec<Vec<Finding>> {
        (first..last).into_par_iter().map(|document| self.findings_of(document)).collect()
    }

    fn findings_of(&self, document: u32) -> Vec<Finding> {
        let entry = &self.census.documents[document as usize];
        let mut findings = Vec::new();
        if let Decision::Removed(likeness) = self.decisions.get(document) {
            findings.push(self.duplicate(entry, likeness));
        }
        let of_document = findings.len();
        let marks = self.boilerplate.marks[document as usize].as_ref();
        if let Some(marks) = marks {
            self.boilerplate_of(document, entry, marks, &mut findings);
        }
        self.repeats_of(entry, marks, &mut findings);
        self.reuses_of(document, entry, marks, &mut findings);
        if self.decisions.is_kept(document) {
            self.foreign_of(entry, &mut findings);
            self.thin_of(entry, marks, &mut findings);
        }
        findings[of_document..].sort_by_key(|finding| {
            let place = finding.place.map(|place| (place.paragraphs[0], place.paragraphs[1]));
            (place, finding.finding)
        });
        findings
    }

    fn finding(&self, finding: Kind, entry: &Entry, place: Option<Place>, evidence: Evidence) -> Finding {
        Finding {
            finding,
            doc: entry.document.label.clone(),
            shard: self.census.shards[entry.document.id.shard as usize].name.clone(),
            ordinal: entry.document.id.ordinal,
            site: entry.document.site.to_string(),
            place,
            evidence,
        }
    }

    fn duplicate(&self, entry: &Entry, likeness: Likeness) -> Finding {
        let evidence = Evidence::Duplicate {
            of: reference(self.census, likeness.of, None),
            jaccard: likeness.jaccard,
            containment: likeness.containment,
            by: measure(likeness.by),
            exact: likeness.exact,
        };
        self.finding(Kind::Duplicate, entry, None, evidence)
    }

    /// Consecutive paragraphs of one template are one finding.
    fn boilerplate_of(&self, document: u32, entry: &Entry, marks: &Marks, findings: &mut Vec<Finding>) {
        let site = &self.boilerplate.sites[self.site_of[document as usize] as usize];
        let mut next = 0;
        for run in marks.chunk_by(|a, b| a == b) {
            let (first, last) = (next, next + run.len() - 1);
            next += run.len();
            let (name, template, pages) = match run[0] {
                None => continue,
                Some(Mark::Site(number)) => {
                    (&*site.name, &site.templates.templates[number as usize], site.templates.pages)
                }
                Some(Mark::Network(number)) => {
                    let network = &self.boilerplate.network;
                    (NETWORK, &network.templates[number as usize], self.boilerplate.network_pages)
                }
            };
            let evidence = Evidence::Boilerplate {
                template: template_name(name, template),
                role: template.role,
                documents: template.documents,
                share: share(template.documents, pages),
            };
            let place = place(entry, first, last);
            let finding = self.finding(Kind::Boilerplate, entry, Some(place), evidence);
            findings.push(Finding { site: name.to_owned(), ..finding });
        }
    }

    fn repeats_of(&self, entry: &Entry, marks: Option<&Marks>, findings: &mut Vec<Finding>) {
        let content = |index: usize| marks.is_none_or(|marks| marks[index].is_none());
        let paragraphs: Vec<Option<&[u64]>> = entry
            .paragraphs
            .iter()
            .enumerate()
            .map(|(index, paragraph)| content(index).then(|| entry.tokens_of(paragraph)))
            .collect();
        for repeat in repeats::find(&paragraphs, &self.settings.repeats) {
            let kind = if repeat.paragraph < LEAD_PARAGRAPHS { Kind::RepeatedLead } else { Kind::Repeat };
            let evidence = Evidence::Repeat { coverage: repeat.coverage, within: repeat.within };
            let place = place(entry, repeat.paragraph, repeat.paragraph);
            findings.push(self.finding(kind, entry, Some(place), evidence));
        }
    }

    fn reuses_of(&self, document: u32, entry: &Entry, marks: Option<&Marks>, findings: &mut Vec<Finding>) {
        let start = self.reuses.partition_point(|reuse| reuse.document < document);
        for reuse in self.reuses[start..].iter().take_while(|reuse| reuse.document == document) {
            let elsewhere = reuse.first.0 != document;
            let evidence = Evidence::Reused {
                documents: reuse.documents,
                sites: reuse.sites,
                first: elsewhere.then(|| reference(self.census, reuse.first.0, Some(reuse.first.1))),
                jaccard: if elsewhere { reuse.jaccard } else { 1.0 },
            };
            let lead = self.lead(entry, marks) == Some(reuse.paragraph);
            let kind = if lead { Kind::SharedLead } else { Kind::Reused };
            let place = place(entry, reuse.paragraph, reuse.paragraph);
            findings.push(self.finding(kind, entry, Some(place), evidence));
        }
    }

    /// The first content paragraph that is long enough, where it is one of the document's first paragraphs.
    fn lead(&self, entry: &Entry, marks: Option<&Marks>) -> Option<usize> {
        let long = |index: &usize| {
            let tokens = entry.paragraphs[*index].tokens.len();
            tokens >= self.settings.reuse.lead_min_tokens && marks.is_none_or(|marks| marks[*index].is_none())
        };
        (0..entry.paragraphs.len().min(LEAD_PARAGRAPHS)).find(long)
    }

    fn foreign_of(&self, entry: &Entry, findings: &mut Vec<Finding>) {
        let paragraphs: Vec<language::Paragraph> = entry
            .paragraphs
            .iter()
            .map(|paragraph| language::Paragraph {
                text: paragraph.span.of(&entry.document.text),
                tokens: entry.tokens_of(paragraph),
            })
            .collect();
        for run in self.languages.foreign_runs(&paragraphs, &self.settings.foreign) {
            let evidence = Evidence::Foreign {
                language: run.language.to_owned(),
                article_language: run.article_language.to_owned(),
                confidence: run.confidence,
            };
            let place = place(entry, run.paragraphs[0], run.paragraphs[1]);
            findings.push(self.finding(Kind::Foreign, entry, Some(place), evidence));
        }
    }

    fn thin_of(&self, entry: &Entry, marks: Option<&Marks>, findings: &mut Vec<Finding>) {
        let Some(marks) = marks else { return };
        let content = marks.iter().zip(&entry.paragraphs).filter(|(mark, _)| mark.is_none());
        let content_tokens: usize = content.map(|(_, paragraph)| paragraph.tokens.len()).sum();
        if content_tokens < self.settings.compare.thin_tokens {
            let evidence = Evidence::Thin { content_tokens: content_tokens as u64 };
            findings.push(self.finding(Kind::Thin, entry, None, evidence));
        }
    }

    /// The clusters, by their kept document.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterRecord> {
        let member = |document: u32| {
            let Decision::Removed(likeness) = self.decisions.get(document) else { return None };
            Some(Member {
                document: reference(self.census, document, None),
                jaccard: likeness.jaccard,
                containment: likeness.containment,
                exact: likeness.exact,
            })
        };
        clusters(self.decisions).into_iter().map(move |cluster| ClusterRecord {
            kept: reference(self.census, cluster.kept, None),
            size: cluster.members.len() as u64 + 1,
            members: cluster.members.into_iter().filter_map(member).collect(),
        })
    }
}

/// How records name what a document was removed by.
fn measure(by: resolve::Measure) -> Measure {
    match by {
        resolve::Measure::Jaccard => Measure::Jaccard,
        resolve::Measure::Containment => Measure::Containment,
    }
}

/// How records name a document.
pub fn reference(census: &Census, document: u32, paragraph: Option<usize>) -> Reference {
    let document = &census.documents[document as usize].document;
    Reference {
        id: document.label.clone(),
        shard: census.shards[document.id.shard as usize].name.clone(),
        ordinal: document.id.ordinal,
        paragraph,
    }
}

/// The record of a pair.
pub fn pair_record(census: &Census, pair: &Pair) -> PairRecord {
    PairRecord {
        a: reference(census, pair.a, None),
        b: reference(census, pair.b, None),
        jaccard: pair.jaccard,
        containment: pair.containment,
    }
}

fn place(entry: &Entry, first: usize, last: usize) -> Place {
    let span = Span { start: entry.paragraphs[first].span.start, end: entry.paragraphs[last].span.end };
    Place { paragraphs: [first, last], span }
}

fn share(documents: u32, of: u32) -> f64 {
    f64::from(documents) / f64::from(of.max(1))
}

/// The site that templates across sites are told under.
const NETWORK: &str = "*";

/// `SITE/ROLE-HASH`, the hash of its masked text.
fn template_name(site: &str, template: &TemplateShape) -> String {
    let keys: Vec<u8> =
        template.paragraphs.iter().flat_map(|paragraph| paragraph.key.to_le_bytes()).collect();
    format!("{site}/{}-{:016x}", template.role.name(), xxh3_64(&keys))
}

/// All templates, sites in the order of their names, `*` among them; of one site the most frequent first.
pub fn templates<'a>(
    census: &'a Census,
    boilerplate: &'a Boilerplate,
) -> impl Iterator<Item = TemplateRecord> + 'a {
    let before = boilerplate.sites.partition_point(|site| *site.name < *NETWORK);
    let (before, after) = boilerplate.sites.split_at(before);
    let of_sites = |sites: &'a [Site]| {
        sites.iter().flat_map(move |site| {
            let SiteTemplates { templates, pages, .. } = &site.templates;
            let (forms, own) = (Some(&site.forms), Mark::of_site as fn(Mark) -> Option<u32>);
            let is_page = |document: u32| site.pages.binary_search(&document).is_ok();
            let told = Told { site: &site.name, templates, pages: *pages, forms, own, is_page: &is_page };
            records(census, boilerplate, &told, site.documents.iter().copied())
        })
    };
    let network = std::iter::once(()).flat_map(move |()| {
        let (templates, pages) = (&boilerplate.network.templates, boilerplate.network_pages);
        let mut counted = vec![false; census.documents.len()];
        boilerplate.sites.iter().flat_map(|site| &site.pages).for_each(|&page| counted[page as usize] = true);
        let is_page = |document: u32| counted[document as usize];
        let told =
            Told { site: NETWORK, templates, pages, forms: None, own: Mark::of_network, is_page: &is_page };
        records(census, boilerplate, &told, 0..census.documents.len() as u32)
    });
    of_sites(before).chain(network).chain(of_sites(after))
}

/// What is told under the name of one site.
struct Told<'a> {
    site: &'a str,
    templates: &'a [TemplateShape],
    pages: u32,
    /// Which keys are forms of one paragraph.
    forms: Option<&'a Forms>,
    /// Picks its marks.
    own: fn(Mark) -> Option<u32>,
    /// Whether a document counts: a copy of a page is no second document with its forms.
    is_page: &'a (dyn Fn(u32) -> bool + Sync),
}

/// The templates of one site that stand anywhere in its `documents`, most frequent first.
fn records(
    census: &Census,
    boilerplate: &Boilerplate,
    told: &Told,
    documents: impl Iterator<Item = u32>,
) -> Vec<TemplateRecord> {
    let found = gather(census, boilerplate, told, documents);
    let records = told.templates.iter().zip(found).filter(|(_, found)| !found.examples.is_empty());
    let records = records.map(|(template, found)| {
        let paragraphs = template
            .paragraphs
            .par_iter()
            .filter_map(|paragraph| found.forms.get(&paragraph.key)?.record(census, paragraph.documents));
        TemplateRecord {
            template: template_name(told.site, template),
            site: told.site.to_owned(),
            role: template.role,
            documents: template.documents,
            site_documents: told.pages,
            share: share(template.documents, told.pages),
            bytes: found.bytes,
            paragraphs: paragraphs.collect(),
            examples: found.examples.iter().map(|&document| reference(census, document, None)).collect(),
        }
    });
    let mut records: Vec<TemplateRecord> = records.collect();
    records.sort_by(|a, b| b.documents.cmp(&a.documents).then_with(|| a.template.cmp(&b.template)));
    records
}

/// What the marks of a site's documents say of one template.
#[derive(Default)]
struct Gathered {
    bytes: u64,
    forms: HashMap<u128, Variants>,
    examples: Vec<u32>,
}

fn gather(
    census: &Census,
    boilerplate: &Boilerplate,
    told: &Told,
    documents: impl Iterator<Item = u32>,
) -> Vec<Gathered> {
    let mut found: Vec<Gathered> = Vec::new();
    found.resize_with(told.templates.len(), Gathered::default);
    if found.is_empty() {
        return found;
    }
    for document in documents {
        let Some(marks) = &boilerplate.marks[document as usize] else { continue };
        let entry = &census.documents[document as usize];
        for (index, mark) in marks.iter().enumerate() {
            let Some(number) = mark.and_then(told.own) else { continue };
            let (gathered, paragraph) = (&mut found[number as usize], &entry.paragraphs[index]);
            gathered.bytes += (paragraph.span.end - paragraph.span.start) as u64;
            if (told.is_page)(document) {
                let key = told.forms.map_or(paragraph.masked, |forms| forms.of(paragraph.masked));
                gathered.forms.entry(key).or_default().add(document, index, paragraph);
            }
            if gathered.examples.len() < EXAMPLES && gathered.examples.last() != Some(&document) {
                gathered.examples.push(document);
            }
        }
    }
    found
}
