//! What is said of each document: decisions, marks, repeats and reuse become the records of the contract.

use rayon::prelude::*;

use super::census::{Census, Head};
use super::compare::Pair;
use super::marks::{Mark, Marks};
use super::repeated::Repeated;
use super::reuse::{Reuse, Reused};
use super::settings::Settings;
use super::sites::Boilerplate;
use super::templates::NETWORK;
use crate::document::Span;
use crate::error::Result;
use crate::findings::{
    ClusterRecord, Evidence, Finding, Kind, Measure, Member, PairRecord, Place, Reference,
};
use crate::repeats::Repeat;
use crate::resolve::{self, Decision, Decisions, Likeness, clusters};

/// How many of the first paragraphs of a document may be its lead. The contract's four.
pub const LEAD_PARAGRAPHS: usize = 4;

/// Everything that was decided, ready to be told.
pub struct Judged<'a> {
    /// What was read.
    pub census: &'a Census,
    /// What decided.
    pub settings: &'a Settings,
    /// What each site says on every page.
    pub boilerplate: &'a Boilerplate,
    /// What becomes of each document.
    pub decisions: &'a Decisions,
    /// Paragraphs that several kept documents have, where that was asked.
    pub reused: Option<&'a Reused>,
    /// What documents say twice.
    pub repeated: &'a Repeated,
}

/// A document and what is said of it.
pub struct Told {
    /// The document.
    pub head: Head,
    /// What is said.
    pub findings: Vec<Finding>,
}

/// Documents whose findings are made together.
const BLOCK: usize = 1 << 12;

impl Judged<'_> {
    /// The findings of the documents from one on, some thousand at a time; with the number of the first of them.
    pub fn for_each_block(
        &self,
        from: u32,
        mut each: impl FnMut(u32, Vec<Told>) -> Result<()>,
    ) -> Result<()> {
        let mut heads = self.census.heads_from(from)?;
        let mut repeated = self.repeated.reader()?;
        let mut reused = self.reused.map(Reused::reader).transpose()?;
        let mut ends = self.ends().peekable();
        let mut first = from;
        while first < self.census.len() {
            while ends.next_if(|&end| end <= first).is_some() {}
            let most = BLOCK as u32;
            let end = ends.peek().map_or(self.census.len(), |&end| end).min(first.saturating_add(most));
            let mut block = Vec::with_capacity(BLOCK);
            for (document, head) in (first..end).zip(heads.by_ref()) {
                let reuses = reused.as_mut().map_or(Ok(Vec::new()), |reused| reused.of(document))?;
                block.push((document, head?, repeated.of(document)?, reuses));
            }
            let tell = |(document, head, repeats, reuses): (u32, Head, Vec<Repeat>, Vec<Reuse>)| {
                let findings = self.findings_of(document, &head, repeats, &reuses);
                Told { head, findings }
            };
            each(first, block.into_par_iter().with_min_len(32).map(tell).collect())?;
            first = end;
        }
        self.census.check()
    }

    /// Where blocks end at the latest: where shards do, small ones together.
    fn ends(&self) -> impl Iterator<Item = u32> {
        let mut start = 0;
        let end = |shard| self.census.documents_of(shard).end;
        let is_enough = move |end: &u32| {
            let enough = *end - start >= BLOCK as u32 / 4;
            start = if enough { *end } else { start };
            enough
        };
        (0..self.census.shards.len()).map(end).filter(is_enough)
    }

    fn findings_of(
        &self,
        document: u32,
        head: &Head,
        repeats: Vec<Repeat>,
        reuses: &[Reuse],
    ) -> Vec<Finding> {
        let entry =
            &Entry { document, head, spans: head.spans(), marks: self.boilerplate.marks.get(document) };
        let mut findings = Vec::new();
        if let Decision::Removed(likeness) = self.decisions.get(document) {
            findings.push(self.duplicate(entry, likeness));
        }
        let of_document = findings.len();
        self.boilerplate_of(entry, &mut findings);
        self.repeats_of(entry, repeats, &mut findings);
        self.reuses_of(entry, reuses, &mut findings);
        if self.decisions.is_kept(document) {
            self.foreign_of(entry, &mut findings);
            self.thin_of(entry, &mut findings);
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
            doc: self.census.label(entry.head),
            shard: self.census.shards[entry.head.id().shard as usize].name.clone(),
            ordinal: entry.head.id().ordinal,
            site: self.site_of(entry).to_owned(),
            place,
            evidence,
        }
    }

    fn site_of(&self, entry: &Entry) -> &str {
        &self.census.sites[self.census.site_of(entry.document) as usize].name
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
    fn boilerplate_of(&self, entry: &Entry, findings: &mut Vec<Finding>) {
        let site = &self.boilerplate.sites[self.census.site_of(entry.document) as usize];
        for (run, mark) in entry.marks.into_iter().flat_map(Marks::runs) {
            let (name, template, pages) = match mark {
                Mark::Site(number) => (self.site_of(entry), site.templates[number as usize], site.pages),
                Mark::Network(number) => {
                    let template = self.boilerplate.network_templates[number as usize];
                    (NETWORK, template, self.boilerplate.network_pages)
                }
            };
            let evidence = Evidence::Boilerplate {
                template: template.name(name),
                role: template.role,
                documents: template.documents,
                share: f64::from(template.documents) / f64::from(pages.max(1)),
            };
            let place = entry.place(run.start, run.end - 1);
            let finding = self.finding(Kind::Boilerplate, entry, Some(place), evidence);
            findings.push(Finding { site: name.to_owned(), ..finding });
        }
    }

    fn repeats_of(&self, entry: &Entry, repeats: Vec<Repeat>, findings: &mut Vec<Finding>) {
        for repeat in repeats {
            let kind = if repeat.paragraph < LEAD_PARAGRAPHS { Kind::RepeatedLead } else { Kind::Repeat };
            let evidence = Evidence::Repeat { coverage: repeat.coverage, within: repeat.within };
            let place = entry.place(repeat.paragraph, repeat.paragraph);
            findings.push(self.finding(kind, entry, Some(place), evidence));
        }
    }

    fn reuses_of(&self, entry: &Entry, reuses: &[Reuse], findings: &mut Vec<Finding>) {
        for reuse in reuses {
            let elsewhere = reuse.first.0 != entry.document;
            let evidence = Evidence::Reused {
                documents: reuse.documents,
                sites: reuse.sites,
                first: elsewhere.then(|| reference(self.census, reuse.first.0, Some(reuse.first.1))),
                jaccard: if elsewhere { reuse.jaccard } else { 1.0 },
            };
            let lead = self.lead(entry) == Some(reuse.paragraph);
            let kind = if lead { Kind::SharedLead } else { Kind::Reused };
            let place = entry.place(reuse.paragraph, reuse.paragraph);
            findings.push(self.finding(kind, entry, Some(place), evidence));
        }
    }

    /// The first content paragraph that is long enough, where it is one of the document's first paragraphs.
    fn lead(&self, entry: &Entry) -> Option<usize> {
        let content = |index: usize| entry.marks.is_none_or(|marks| marks.get(index).is_none());
        let tokens = entry.head.token_counts().take(LEAD_PARAGRAPHS).enumerate();
        let mut long = tokens.filter(|&(_, tokens)| tokens >= self.settings.reuse.lead_min_tokens);
        long.find(|&(index, _)| content(index)).map(|(index, _)| index)
    }

    fn foreign_of(&self, entry: &Entry, findings: &mut Vec<Finding>) {
        for run in &entry.head.foreign {
            let evidence = Evidence::Foreign {
                language: run.language.clone(),
                article_language: run.article_language.clone(),
                confidence: run.confidence,
            };
            let [first, last] = run.paragraphs;
            let place = entry.place(first as usize, last as usize);
            findings.push(self.finding(Kind::Foreign, entry, Some(place), evidence));
        }
    }

    fn thin_of(&self, entry: &Entry, findings: &mut Vec<Finding>) {
        let content_tokens = u64::from(self.boilerplate.marks.content_tokens(entry.document));
        if entry.marks.is_some() && content_tokens < self.settings.compare.thin_tokens as u64 {
            findings.push(self.finding(Kind::Thin, entry, None, Evidence::Thin { content_tokens }));
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

/// A document that is told of.
struct Entry<'a> {
    document: u32,
    head: &'a Head,
    spans: Vec<Span>,
    marks: Option<&'a Marks>,
}

impl Entry<'_> {
    fn place(&self, first: usize, last: usize) -> Place {
        let span = Span { start: self.spans[first].start, end: self.spans[last].end };
        Place { paragraphs: [first, last], span }
    }
}

/// How records name a document.
pub fn reference(census: &Census, document: u32, paragraph: Option<usize>) -> Reference {
    let head = census.head(document);
    Reference {
        id: census.label(&head),
        shard: census.shards[head.id().shard as usize].name.clone(),
        ordinal: head.id().ordinal,
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
