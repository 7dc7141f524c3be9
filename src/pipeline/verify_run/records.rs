//! Do the records say one thing?
//!
//! `findings/`, `clusters.jsonl`, `templates.jsonl` and `rejected.jsonl` in; their faults out, and what they claim, sorted by
//! document. A record is read one at a time, a cluster of millions member by member.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::iter::Peekable;

use rayon::prelude::*;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::xxh3_128;

use super::Check;
use super::claims::{Claim, ClaimRow, is_of_its_kind, place};
use super::walk::Key;
use crate::corpus::Compression;
use crate::error::{Error, Result};
use crate::findings::{Evidence, Finding, Member, Reference, RejectedRecord, TemplateRecord};
use crate::output::{FinishedRun, Input, Lines};
use crate::pipeline::write::findings_file;
use crate::store::{Fixed, Sorted, SortedReader, Sorter};

/// What the records claim.
pub struct Claims {
    /// Of two documents or paragraphs, by the first named.
    pub likes: Sorted<ClaimRow>,
    /// Whoever is in a claim, in order, with repeats.
    pub wanted: Sorted<Key>,
    /// Records that could not be read, by number.
    pub rejected: Sorted<u64>,
}

/// A member of a cluster, its kept document, and how like it is: similarity and containment as bits, whether exact.
type MemberRow = (u64, u64, ([u64; 2], u8));

/// The name of a template, hashed; whether a finding names it; where: document and line.
type TemplateRow = (u128, u8, (u64, u64));

/// So many lines are parsed together on all threads.
const LINES: usize = 1 << 12;

/// So many names of templates are remembered, so that not each of a million findings is a row.
const REMEMBERED: usize = 1 << 16;

impl Check<'_> {
    /// Reads all records.
    pub fn records(&mut self) -> Result<Claims> {
        let mut templates = self.sorter("templates");
        let (mut likes, mut wanted) = (self.sorter("claims"), self.sorter("claimed"));
        let mut counts = BTreeMap::new();
        self.faults.begin();
        for (shard, input) in self.numbers.inputs().iter().enumerate() {
            let mut remembered = HashSet::new();
            let mut last = 0;
            self.findings_of(input, |check, line, finding| {
                *counts.entry(finding.finding.name()).or_default() += 1;
                let at = |check: &Check| place(&check.numbers, check.numbers.first(shard), line);
                let Some(number) = check
                    .numbers
                    .number(&finding.shard, finding.ordinal)
                    .filter(|_| finding.shard == input.shard)
                else {
                    check.faults.add(format!("{}: names a document that is not in this shard", at(check)));
                    return Ok(());
                };
                if number < std::mem::replace(&mut last, number) {
                    check.faults.add(format!("{}: stands out of document order", at(check)));
                }
                if !is_of_its_kind(&finding) {
                    check.faults.add(format!("{}: has not the evidence of its kind", at(check)));
                    return Ok(());
                }
                if let Evidence::Boilerplate { template, .. } = &finding.evidence {
                    let name = xxh3_128(template.as_bytes());
                    if remembered.len() == REMEMBERED {
                        remembered.clear();
                    }
                    if remembered.insert(name) {
                        templates.push((name, 1, (number, line)))?;
                    }
                }
                match Claim::of(&finding, number, line, &check.numbers) {
                    Some(claim) => {
                        wanted.extend(&[claim.own, claim.of])?;
                        likes.push(claim.row())?;
                    }
                    None => check.unknown(&finding, at(check)),
                }
                Ok(())
            })?;
        }
        self.counts(counts);
        let likes = likes.finish()?;
        self.clusters(&likes)?;
        self.templates(templates)?;
        Ok(Claims { likes, wanted: wanted.finish()?, rejected: self.rejected()? })
    }

    /// Calls `each` with the findings of a shard. What cannot be read is a fault.
    fn findings_of(
        &mut self,
        input: &Input,
        mut each: impl FnMut(&mut Self, u64, Finding) -> Result<()>,
    ) -> Result<()> {
        let run = self.run;
        let read = for_each_line(run, input, |line, finding| match finding {
            Ok(finding) => each(self, line, finding),
            Err(problem) => {
                self.faults.add(problem);
                Ok(())
            }
        })?;
        self.faults.noted(read);
        Ok(())
    }

    /// A reference that names no document of the run.
    fn unknown(&mut self, finding: &Finding, place: String) {
        let (what, reference) = match &finding.evidence {
            Evidence::Duplicate { of, .. } => ("its witness", of),
            Evidence::Reused { first: Some(first), .. } => ("its first document", first),
            _ => return,
        };
        let Reference { shard, ordinal, .. } = reference;
        self.faults.add(format!("{place}: {what} {shard}#{ordinal} is not in DIR"));
    }

    fn counts(&mut self, mut counts: BTreeMap<&str, u64>) {
        let run = self.run;
        for (kind, &stated) in &run.summary.findings {
            let found = counts.remove(kind.as_str()).unwrap_or(0);
            if found != stated {
                self.faults.add(format!(
                    "summary.json: findings: {stated} of kind {kind}, but findings/ holds {found}"
                ));
            }
        }
        for (kind, found) in counts {
            self.faults.add(format!("findings/: {found} of kind {kind}, of which the summary says nothing"));
        }
    }

    /// The clusters say the same as the findings.
    fn clusters(&mut self, likes: &Sorted<ClaimRow>) -> Result<()> {
        self.faults.begin();
        let mut members: Sorter<MemberRow> = self.sorter("members");
        let (mut count, mut broken) = (0, None);
        let path = self.run.dir.join("clusters.jsonl");
        let read = Lines::open(path, Compression::None).and_then(|mut lines| {
            loop {
                let (mut size, mut found) = (0, 1);
                let numbers = &self.numbers;
                let mut each = |kept: &Reference, member: Member| {
                    found += 1;
                    let [kept, member_of] = [kept, &member.document].map(|of| numbers.of_reference(of));
                    let bits = [member.jaccard, member.containment].map(f64::to_bits);
                    let row = match (member_of, kept) {
                        (Some(member_of), Some(kept)) => (member_of, kept, (bits, u8::from(member.exact))),
                        _ => return Err("names a document that is not in DIR".to_owned()),
                    };
                    members.push(row).map_err(|error| {
                        broken.get_or_insert(error);
                        "stopped".to_owned()
                    })
                };
                let more = lines.next_read(|line| {
                    let cluster = ClusterSeed { size: &mut size, each: &mut each };
                    cluster
                        .deserialize(&mut serde_json::Deserializer::from_reader(line))
                        .map_err(io::Error::from)
                })?;
                if !more {
                    return Ok(());
                }
                count += 1;
                if size != found {
                    let line = lines.number();
                    self.faults
                        .add(format!("clusters.jsonl: line {line}: size {size} is not its members and one"));
                }
            }
        });
        broken.map_or(Ok(()), Err)?;
        self.faults.noted(read);
        let stated = self.run.summary.clusters;
        if count != stated {
            self.faults.add(format!("clusters.jsonl: {count} clusters, but the summary says {stated}"));
        }
        self.compare_members(likes, &members.finish()?)
    }

    fn compare_members(&mut self, likes: &Sorted<ClaimRow>, members: &Sorted<MemberRow>) -> Result<()> {
        let mut members = Ascending::of(members)?;
        let mut last = None;
        for row in likes.reader()? {
            let claim = Claim::of_row(row?);
            if !claim.is_of_documents() {
                continue;
            }
            let document = claim.own.0;
            let at = place(&self.numbers, document, claim.line);
            if last.replace(document) == Some(document) {
                self.faults.add(format!(
                    "{at}: a second finding calls {} a duplicate",
                    self.numbers.shown(document)
                ));
                continue;
            }
            self.strangers(&mut members, |row| row.0 < document)?;
            let shown = self.numbers.shown(document);
            match members.next_if(|row| row.0 == document)? {
                Some((_, kept, _)) if kept != claim.of.0 => {
                    self.faults.add(format!("clusters.jsonl: {shown} is not in the cluster that {at} names"));
                }
                Some((_, _, (bits, exact))) => {
                    if bits != [claim.jaccard, claim.containment].map(f64::to_bits)
                        || (exact != 0) != claim.exact
                    {
                        self.faults.add(format!(
                            "clusters.jsonl: {shown} is not as like its kept document as {at} says"
                        ));
                    }
                }
                None => {
                    self.faults.add(format!("clusters.jsonl: {shown} is not in the cluster that {at} names"));
                }
            }
        }
        self.strangers(&mut members, |_| true)
    }

    /// Members that no finding speaks of.
    fn strangers(
        &mut self,
        members: &mut Ascending<MemberRow>,
        is_one: impl Fn(&MemberRow) -> bool,
    ) -> Result<()> {
        while let Some((member, ..)) = members.next_if(&is_one)? {
            let member = self.numbers.shown(member);
            self.faults
                .add(format!("clusters.jsonl: {member} is a member, but no finding calls it a duplicate"));
        }
        Ok(())
    }

    fn templates(&mut self, mut templates: Sorter<TemplateRow>) -> Result<()> {
        self.faults.begin();
        let mut count = 0;
        let mut lines =
            self.faults.noted(Lines::open(self.run.dir.join("templates.jsonl"), Compression::None));
        while let Some(read) = lines.as_mut().map(Lines::next_record::<TemplateRecord>) {
            let Some(Some(template)) = self.faults.noted(read) else { break };
            count += 1;
            templates.push((xxh3_128(template.template.as_bytes()), 0, (0, 0)))?;
        }
        let stated = self.run.summary.templates;
        if count != stated {
            self.faults.add(format!("templates.jsonl: {count} templates, but the summary says {stated}"));
        }
        let mut last = None;
        for row in templates.finish()?.reader()? {
            let (name, named, (document, line)) = row?;
            if last.replace(name) != Some(name) && named != 0 {
                let at = place(&self.numbers, document, line);
                self.faults.add(format!("templates.jsonl: no template of the name that {at} says"));
            }
        }
        Ok(())
    }

    fn rejected(&mut self) -> Result<Sorted<u64>> {
        self.faults.begin();
        let mut rejected = self.sorter("rejected");
        let mut count = 0;
        let mut lines =
            self.faults.noted(Lines::open(self.run.dir.join("rejected.jsonl"), Compression::None));
        while let Some(read) = lines.as_mut().map(Lines::next_record::<RejectedRecord>) {
            let Some(Some(record)) = self.faults.noted(read) else { break };
            count += 1;
            match self.numbers.number(&record.shard, record.record) {
                Some(number) => rejected.push(number)?,
                None => {
                    self.faults.add(format!("rejected.jsonl: line {count}: names a record that was not read"))
                }
            }
        }
        let stated = self.run.summary.documents.rejected;
        if count != stated {
            self.faults.add(format!("rejected.jsonl: {count} records, but the summary says {stated}"));
        }
        rejected.finish()
    }
}

/// Calls `each` with the findings of a shard, and their lines.
///
/// # Errors
/// Where they cannot be read, and those of `each`.
pub fn for_each_finding(
    run: &FinishedRun,
    input: &Input,
    mut each: impl FnMut(u64, Finding) -> Result<()>,
) -> Result<()> {
    for_each_line(run, input, |line, finding| each(line, finding.map_err(Error::Run)?))?
}

/// The same with lines that are no finding, and what is wrong with them. The inner result is that of reading the file, the
/// outer one that of `each`.
fn for_each_line(
    run: &FinishedRun,
    input: &Input,
    mut each: impl FnMut(u64, std::result::Result<Finding, String>) -> Result<()>,
) -> Result<Result<()>> {
    let (file, compression) = findings_file(&input.shard, input.packed());
    let mut lines = match Lines::open(run.dir.join(&file), compression) {
        Ok(lines) => lines,
        Err(error) => return Ok(Err(error)),
    };
    loop {
        let first = lines.number() + 1;
        let mut block: Vec<Vec<u8>> = Vec::new();
        let more = loop {
            match lines.next_line() {
                Ok(Some(line)) => block.push(line.to_vec()),
                Ok(None) => break Ok(false),
                Err(error) => break Err(error),
            }
            if block.len() == LINES {
                break Ok(true);
            }
        };
        let parsed: Vec<serde_json::Result<Finding>> =
            block.par_iter().with_min_len(64).map(|line| serde_json::from_slice(line)).collect();
        for (line, finding) in (first..).zip(parsed) {
            let problem = |problem| format!("{file}: line {line}: no record of ours: {problem}");
            each(line, finding.map_err(problem))?;
        }
        match more {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Sorted values of which the next one is taken where it is the one that is sought.
pub struct Ascending<T: Fixed + Ord>(Peekable<SortedReader<T>>);

impl<T: Fixed + Ord> Ascending<T> {
    /// From the least on.
    pub fn of(sorted: &Sorted<T>) -> Result<Ascending<T>> {
        Ok(Ascending(sorted.reader()?.peekable()))
    }

    /// The next one, if it is one that is sought.
    pub fn next_if(&mut self, is_sought: impl Fn(&T) -> bool) -> Result<Option<T>> {
        self.0.next_if(|next| next.as_ref().map_or(true, &is_sought)).transpose()
    }
}

/// Reads a cluster, member by member.
struct ClusterSeed<'a, F> {
    size: &'a mut u64,
    each: &'a mut F,
}

impl<'de, F> DeserializeSeed<'de> for ClusterSeed<'_, F>
where
    F: FnMut(&Reference, Member) -> std::result::Result<(), String>,
{
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> std::result::Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F> Visitor<'de> for ClusterSeed<'_, F>
where
    F: FnMut(&Reference, Member) -> std::result::Result<(), String>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a cluster: its kept document, then its members")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<(), M::Error> {
        let mut kept: Option<Reference> = None;
        let mut has = [false, false];
        while let Some(field) = map.next_key::<String>()? {
            match (field.as_str(), &kept) {
                ("kept", _) => kept = Some(map.next_value()?),
                ("size", _) => (*self.size, has[0]) = (map.next_value()?, true),
                ("members", Some(kept)) => {
                    map.next_value_seed(MembersSeed { kept, each: &mut *self.each })?;
                    has[1] = true;
                }
                ("members", None) => return Err(M::Error::custom("members before their kept document")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has == [true, true] { Ok(()) } else { Err(M::Error::missing_field("size or members")) }
    }
}

struct MembersSeed<'a, F> {
    kept: &'a Reference,
    each: &'a mut F,
}

impl<'de, F> DeserializeSeed<'de> for MembersSeed<'_, F>
where
    F: FnMut(&Reference, Member) -> std::result::Result<(), String>,
{
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> std::result::Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F> Visitor<'de> for MembersSeed<'_, F>
where
    F: FnMut(&Reference, Member) -> std::result::Result<(), String>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the members of a cluster")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut members: S) -> std::result::Result<(), S::Error> {
        while let Some(member) = members.next_element()? {
            (self.each)(self.kept, member).map_err(S::Error::custom)?;
        }
        Ok(())
    }
}
