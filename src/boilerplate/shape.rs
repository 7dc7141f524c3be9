//! Which boilerplate paragraphs make one template, and where does it stand?
//!
//! [`Rules`] and all pages in, [`SiteTemplates`] out. Paragraphs that follow each other in half of the places
//! where either is marked are one template: a footer with an optional line stays one, a breadcrumb that
//! changes from section to section under one header does not join it. A wrong seam costs a reader two entries
//! in place of one, nothing more.
//!
//! Time: one mark of each page, and another of each that decides where some are counted and do not. Memory: 4 bytes a mark, and
//! one counter for each pair of boilerplate paragraphs that are seen as neighbours.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Entry, Map, Marker, Page, ParagraphShape, Role, Rules, SiteTemplates, TemplateSettings, TemplateShape,
    reaches,
};

/// Groups what the rules accept into templates and counts them on all `pages`. Paragraphs that are marked on
/// too few of the `different` pages that decided, or were not reported `earlier`, are not reported.
pub(super) fn shape(
    mut rules: Rules,
    different: &[Page],
    pages: &[Page],
    earlier: Option<&Rules>,
    settings: &TemplateSettings,
) -> SiteTemplates {
    let tally = Tally::of(&rules, pages);
    let decisive = (different.len() != pages.len()).then(|| Tally::of(&rules, different));
    let witnesses = decisive.as_ref().unwrap_or(&tally);
    let reported = |entry: u32| {
        let was = |earlier: &Rules| {
            let before: Option<&Entry> = earlier.entry(rules.entries[entry as usize].key);
            before.is_some_and(|before| before.template.is_some())
        };
        witnesses.documents[entry as usize] >= settings.min_documents && earlier.is_none_or(was)
    };
    let reported: Vec<u32> = (0..rules.entries.len() as u32).filter(|&entry| reported(entry)).collect();
    let mut blocks = blocks(&tally, &reported, settings);
    number(&mut rules, &blocks);
    let documents = documents(&rules, blocks.len(), &tally);
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    let role: Vec<Role> = blocks.iter().map(|block| tally.role(block)).collect();
    order.sort_by_key(|&block| (Reverse(documents[block]), role[block], blocks[block].first().copied()));
    let templates = order
        .iter()
        .map(|&block| TemplateShape {
            role: role[block],
            paragraphs: blocks[block].iter().map(|&entry| tally.paragraph(&rules, entry)).collect(),
            documents: documents[block],
        })
        .collect();
    blocks = order.iter().map(|&block| std::mem::take(&mut blocks[block])).collect();
    number(&mut rules, &blocks);
    SiteTemplates { templates, pages: pages.len() as u32, rules }
}

fn number(rules: &mut Rules, blocks: &[Vec<u32>]) {
    for (template, block) in blocks.iter().enumerate() {
        for &entry in block {
            rules.entries[entry as usize].template = Some(template as u32);
        }
    }
}

/// Pages on which at least one paragraph of a template is marked, by template.
fn documents(rules: &Rules, templates: usize, tally: &Tally) -> Vec<u32> {
    let mut documents = vec![0; templates];
    let mut last_seen = vec![u32::MAX; templates];
    for (number, page) in tally.starts.windows(2).enumerate() {
        let marked = tally.marked[page[0]..page[1]].iter();
        for template in marked.filter_map(|&entry| rules.entries[entry as usize].template) {
            let template = template as usize;
            if last_seen[template] != number as u32 {
                last_seen[template] = number as u32;
                documents[template] += 1;
            }
        }
    }
    documents
}

/// What is marked where, by entry.
struct Tally {
    documents: Vec<u32>,
    marks: Vec<u32>,
    /// Of the marks, how many stand as header, footer, inline.
    votes: Vec<[u32; 3]>,
    /// Marks side by side.
    neighbours: Map<(u32, u32), u32>,
    /// All marks; those of page `i` are `marked[starts[i]..starts[i + 1]]`.
    marked: Vec<u32>,
    starts: Vec<usize>,
}

impl Tally {
    fn of(rules: &Rules, pages: &[Page]) -> Tally {
        let entries = rules.entries.len();
        let mut tally = Tally {
            documents: vec![0; entries],
            marks: vec![0; entries],
            votes: vec![[0; 3]; entries],
            neighbours: Map::default(),
            marked: Vec::new(),
            starts: vec![0],
        };
        let mut last_seen = vec![u32::MAX; entries];
        let mut marker = Marker::new(rules);
        for (number, &page) in pages.iter().enumerate() {
            marker.read(page);
            tally.add(&marker, number as u32, &mut last_seen);
        }
        tally
    }

    fn add(&mut self, marker: &Marker, number: u32, last_seen: &mut [u32]) {
        let tokens = |i: usize| u64::from(marker.places[i].tokens);
        let content = |&i: &usize| !marker.marked[i];
        let all: u64 = (0..marker.places.len()).filter(content).map(tokens).sum();
        let mut above = 0;
        let mut previous = None;
        for (i, entry) in marker.entries().enumerate() {
            if let Some(entry) = entry {
                self.marks[entry as usize] += 1;
                self.marked.push(entry);
                if last_seen[entry as usize] != number {
                    last_seen[entry as usize] = number;
                    self.documents[entry as usize] += 1;
                }
                if let Some(role) = role(marker.walk.from_head[i], marker.walk.from_tail[i], above, all) {
                    self.votes[entry as usize][role as usize] += 1;
                }
                if let Some(previous) = previous {
                    *self.neighbours.entry((previous, entry)).or_default() += 1;
                }
            } else {
                above += tokens(i);
            }
            previous = entry;
        }
        self.starts.push(self.marked.len());
    }

    fn role(&self, block: &[u32]) -> Role {
        let votes = |role: Role| {
            block.iter().map(|&entry| u64::from(self.votes[entry as usize][role as usize])).sum()
        };
        let [header, footer, inline]: [u64; 3] = [Role::Header, Role::Footer, Role::Inline].map(votes);
        if header > inline && header >= footer {
            Role::Header
        } else if footer > inline {
            Role::Footer
        } else {
            Role::Inline
        }
    }

    fn paragraph(&self, rules: &Rules, entry: u32) -> ParagraphShape {
        ParagraphShape { key: rules.entries[entry as usize].key, documents: self.documents[entry as usize] }
    }
}

/// The role of a mark with `above` of the page's `all` content tokens above it. None on a page without
/// content.
///
/// A run that begins under a title is a header still: up to a quarter of the content may stand on its outer
/// side.
fn role(from_head: bool, from_tail: bool, above: u64, all: u64) -> Option<Role> {
    if all == 0 {
        None
    } else if from_head && above * 4 <= all {
        Some(Role::Header)
    } else if from_tail && (all - above) * 4 <= all {
        Some(Role::Footer)
    } else {
        Some(Role::Inline)
    }
}

/// The reported entries as blocks of what stands together, each in the order in which it stands.
fn blocks(tally: &Tally, reported: &[u32], settings: &TemplateSettings) -> Vec<Vec<u32>> {
    let is_reported = |entry: &u32| reported.binary_search(entry).is_ok();
    let mut links: Vec<(u32, u32)> = Vec::new();
    for (&(first, second), &times) in &tally.neighbours {
        let larger = tally.marks[first as usize].max(tally.marks[second as usize]);
        // A bar of links that stands above and below the text belongs to one of the two, and does not make
        // them one.
        let apart = [tally.role(&[first]), tally.role(&[second])];
        let apart = apart.contains(&Role::Header) && apart.contains(&Role::Footer);
        let both = is_reported(&first) && is_reported(&second) && first != second && !apart;
        if both && reaches(times, settings.bond_percent, larger) {
            links.push((first, second));
        }
    }
    links.sort_unstable();
    let mut leader: Vec<u32> = (0..tally.marks.len() as u32).collect();
    for &(first, second) in &links {
        let (first, second) = (find_leader(&mut leader, first), find_leader(&mut leader, second));
        leader[first.max(second) as usize] = first.min(second);
    }
    let mut blocks: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &entry in reported {
        blocks.entry(find_leader(&mut leader, entry)).or_default().push(entry);
    }
    blocks.into_values().map(|block| in_order(tally, &block, &links)).collect()
}

fn find_leader(leader: &mut [u32], entry: u32) -> u32 {
    let mut entry = entry;
    while leader[entry as usize] != entry {
        leader[entry as usize] = leader[leader[entry as usize] as usize];
        entry = leader[entry as usize];
    }
    entry
}

/// Orders a block by its links. Where they leave a choice: what follows the last one, then the more frequent,
/// then the smaller key (entries ascend by key). Where they go round in a circle it is cut at that one.
fn in_order(tally: &Tally, block: &[u32], links: &[(u32, u32)]) -> Vec<u32> {
    let after = |entry: u32| {
        let start = links.partition_point(|&(first, _)| first < entry);
        links[start..].iter().take_while(move |&&(first, _)| first == entry).map(|&(_, second)| second)
    };
    let rank = |entry: u32| (Reverse(tally.documents[entry as usize]), entry);
    let mut before: Map<u32, u32> = block.iter().map(|&entry| (entry, 0)).collect();
    for second in block.iter().flat_map(|&entry| after(entry)) {
        *before.entry(second).or_default() += 1;
    }
    let mut waiting: BTreeSet<_> = block.iter().map(|&entry| rank(entry)).collect();
    let mut free: BTreeSet<_> = waiting.iter().copied().filter(|&(_, entry)| before[&entry] == 0).collect();
    let mut order = Vec::with_capacity(block.len());
    let mut last = None;
    while let Some(&first_waiting) = waiting.first() {
        let follows = last.and_then(|last| after(last).map(rank).filter(|next| free.contains(next)).min());
        let next = follows.or_else(|| free.first().copied()).unwrap_or(first_waiting);
        waiting.remove(&next);
        free.remove(&next);
        order.push(next.1);
        for second in after(next.1) {
            let open = before.entry(second).or_default();
            *open = open.saturating_sub(1);
            if *open == 0 && waiting.contains(&rank(second)) {
                free.insert(rank(second));
            }
        }
        last = Some(next.1);
    }
    order
}
