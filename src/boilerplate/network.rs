//! What do sites of different owners say alike at the head or tail of their pages?
//!
//! The pages of all sites in, a [`Network`] out: the consent notice, the footer of a network, the licence line that
//! no single site has pages enough to show. It then `mark`s any page, beside what the page's own site says. To mark
//! too little leaves a notice in the content of small sites. To mark too much is worse: an agency's story stands on
//! twenty sites and ends with the same paragraphs on each, so every doubt is settled against the template.
//!
//! How it decides:
//! 1. **Runs.** A page is read from its edge inwards, paragraph by paragraph, as long as five sites or more read the
//!    same (numbers masked). What the page's own site says on every page is passed, and so are up to
//!    [`MAX_STRANGERS`] short paragraphs (a name, a date), which join no run. All runs of one side are a trie.
//! 2. **Voices.** Where pages part, what else they say is looked at: what lies outside the run, outside the run of
//!    the page's other side and outside the site's templates, and stands neither on another page of the site nor, word
//!    for word, on five of these sites (a comment form). A page speaks if that is 20 tokens or more, in paragraphs of 8
//!    or more, not less than what five sites have between the runs, and a quarter of the runs. Where the site has no
//!    second page, its furniture cannot be told from its content (a story under a strange header is the mirror image of
//!    an article over a strange notice): such a page must have as much of its own as it shares, and it speaks for runs
//!    of 150 tokens at most. A page that quotes the run does not speak.
//! 3. **Stories.** Two voices tell one story if a tenth of the shorter one's shingles of two tokens stand in the
//!    other; what joins them may be a third. A run is a template if five sites can be named that tell five stories, no
//!    two the same. So no copy of a text, cut, edited or told anew around its last paragraphs, counts twice.
//! 4. The outer part of a template is one as well, down to 8 words, digits not counted.
//!
//! A story and its rewritings share a tenth of their shingles, unrelated articles do not: of 486 pairs of newswire
//! stories that have four rare words in common, the first 150 tokens of half share 0.20 and of three quarters 0.10; of
//! 20,000 random pairs of four collections of news, English and Turkish, 99 of 100 share less than 0.08.
//!
//! Time: linear. A page is left as soon as fewer than five sites read on, after one look-up in most; a fork of the trie
//! looks at no more than 32 pages, and there are fewer forks than pages. Memory: 20 bytes a page, a sieve of 32 MiB at
//! most, and some 300 bytes for each paragraph of the trie (estimate). A crawl of fewer than five sites costs nothing.
//! Results depend neither on the order of the pages nor on threads.

mod voices;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Map, ParagraphKey, ParagraphShape, Role, Set, TemplateShape, mix};
use voices::{Hearing, Voice, heard, is_template};

/// A run stands on this many sites, under as many stories. The contract's five.
pub const MIN_SITES: usize = 5;

/// A run has this many tokens that are no numbers: as many as the contract asks of a `reused` paragraph. Shorter ones
/// ("Share", "Photo: AP", "All rights reserved") are marked only as part of a longer run.
const MIN_WORDS: u32 = 8;

/// A run is followed over this many paragraphs: more than any notice has, and a bound for pages that share thousands.
const MAX_PARAGRAPHS: usize = 64;

/// How many paragraphs that are not shared a run passes, the one at the very edge among them.
pub const MAX_STRANGERS: u8 = 3;

/// How many tokens these may have together. As patient as the walk over a site's pages: longer than a title, shorter
/// than a paragraph of text.
const STRANGER_TOKENS: u32 = 20;

/// How many paragraphs of the site's own templates a run passes.
const MAX_PASSED: u8 = 64;

/// All documents of a crawl, as the search asks for them.
pub trait Crawl {
    /// The number of a document's site.
    fn site(&self, document: u32) -> u32;

    /// A hash of what the document says, the same for the same text: decides which pages are heard where there are too
    /// many, so that their order does not.
    fn rank(&self, document: u32) -> u128;

    /// The document itself, read anew.
    fn page(&self, document: u32) -> CrawlPage;

    /// The same without its tokens, which no walk asks for. Documents are asked for in the order of the walkers, several
    /// times.
    fn walked(&self, document: u32) -> CrawlPage {
        self.page(document)
    }

    /// How many bytes each of its paragraphs has.
    fn bytes(&self, document: u32) -> Vec<usize>;

    /// How many tokens of one of its paragraphs are no numbers.
    fn words(&self, document: u32, paragraph: u32) -> u32;
}

/// A document of a crawl.
#[derive(Clone, Debug, Default)]
pub struct CrawlPage {
    /// Its paragraphs, in order.
    pub paragraphs: Vec<CrawlParagraph>,
    /// The hashes of its tokens.
    pub tokens: Vec<u64>,
}

/// A paragraph of a crawl.
#[derive(Clone, Debug)]
pub struct CrawlParagraph {
    /// What it says, numbers masked.
    pub key: ParagraphKey,
    /// Its tokens among those of the page.
    pub tokens: Range<u32>,
    /// Whether it belongs to a template of its site.
    pub is_marked: bool,
}

impl CrawlPage {
    fn paragraph(&self, at: u32) -> &CrawlParagraph {
        &self.paragraphs[at as usize]
    }

    fn len(&self) -> u32 {
        self.paragraphs.len() as u32
    }

    fn tokens_of(&self, at: u32) -> &[u64] {
        let Range { start, end } = self.paragraph(at).tokens;
        &self.tokens[start as usize..end as usize]
    }
}

/// What five sites or more say at the head or tail of their pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Network {
    /// In no order that means anything; `mark` gives indices into this. `documents` are left to the caller, who knows
    /// what the sites' own templates took before: here they are 0. One that `mark` never gives is none.
    pub templates: Vec<TemplateShape>,
    head: Runs,
    tail: Runs,
}

/// Finds the runs that sites share.
///
/// `pages` are the different documents of each site, those of one site together, in the order of [`Crawl::site`]. `walkers`
/// are those of them, in the same order, that may read on: any that [`choices_at_edge`] shows to share one with five sites.
/// Fewer find fewer templates.
pub fn find(crawl: &impl Crawl, pages: &[u32], walkers: &[u32]) -> Network {
    let sites = by_site(crawl, pages);
    let mut network = Network::default();
    if sites.len() < MIN_SITES {
        return network;
    }
    let [head, tail] = [Side::Head, Side::Tail].map(|side| Runs::shared(crawl, walkers, side));
    let mut hearing = Hearing::new(crawl, pages, sites, [&head, &tail]);
    let [head_voices, tail_voices] = [Side::Head, Side::Tail].map(|side| hearing.at_forks(side));
    network.head = head.accepted(head_voices);
    network.tail = tail.accepted(tail_voices);
    network.head.name_templates(Side::Head, &mut network.templates);
    network.tail.name_templates(Side::Tail, &mut network.templates);
    network.unite_equal_templates();
    network
}

/// What a page could read first, from either end: a number for each that is the same for the same paragraph.
pub fn choices_at_edge(page: &CrawlPage, mut each: impl FnMut(u64)) {
    for side in [Side::Head, Side::Tail] {
        let walker = Walker { page: 0, node: 0, cursor: Cursor::default() };
        walker.for_each_choice(page, side, |key, _, _| each(mix(key as u64 ^ side as u64)));
    }
}

impl Network {
    /// For each paragraph of a document, the index of the template it belongs to. What the document's site says itself
    /// has none here. Cost: one look-up, and one for each paragraph of a run.
    pub fn mark(&self, page: &CrawlPage) -> Vec<Option<u32>> {
        let mut marks = vec![None; page.paragraphs.len()];
        for (side, runs) in [(Side::Tail, &self.tail), (Side::Head, &self.head)] {
            let steps = runs.walk(page, side);
            if steps.last().is_none_or(|step| runs.nodes[step.node as usize].words < MIN_WORDS) {
                continue;
            }
            for step in steps {
                let mark = &mut marks[step.paragraph as usize];
                if mark.is_none() && !page.paragraph(step.paragraph).is_marked {
                    *mark = Some(runs.nodes[step.node as usize].template);
                }
            }
        }
        marks
    }

    /// The same with documents of one group heard as one: runs fall, none is added, and indices into `templates` mean
    /// what they meant. Where an outer run fell, a page may be read on to one further in that was not reached before.
    pub fn recount(mut self, group: impl Fn(u32) -> u32) -> Network {
        for runs in [&mut self.head, &mut self.tail] {
            let voices = runs.nodes.iter_mut().map(|node| std::mem::take(&mut node.voices)).collect();
            *runs = std::mem::take(runs).accepted_by(voices, &group);
        }
        let left: Set<(u32, ParagraphKey)> = [&self.head, &self.tail]
            .into_iter()
            .flat_map(|runs| runs.nodes.iter().map(|node| (node.template, node.key)))
            .collect();
        for (number, template) in self.templates.iter_mut().enumerate() {
            template.paragraphs.retain(|paragraph| left.contains(&(number as u32, paragraph.key)));
        }
        self.unite_equal_templates();
        self
    }

    /// One run may stand at the edge here and above another run there: that is one template.
    fn unite_equal_templates(&mut self) {
        let mut first: Map<(Role, Vec<ParagraphKey>), u32> = Map::default();
        let mut united: Vec<u32> = Vec::with_capacity(self.templates.len());
        for (number, template) in self.templates.iter().enumerate() {
            let keys = template.paragraphs.iter().map(|paragraph| paragraph.key).collect();
            united.push(*first.entry((template.role, keys)).or_insert(number as u32));
        }
        for node in self.head.nodes[1..].iter_mut().chain(&mut self.tail.nodes[1..]) {
            node.template = united[node.template as usize];
        }
    }
}

/// Where the pages of each site stand among all.
fn by_site(crawl: &impl Crawl, pages: &[u32]) -> Map<u32, Range<usize>> {
    let mut sites = Map::default();
    let mut start = 0;
    for same in pages.chunk_by(|&a, &b| crawl.site(a) == crawl.site(b)) {
        sites.insert(crawl.site(same[0]), start..start + same.len());
        start += same.len();
    }
    sites
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Head,
    Tail,
}

impl Side {
    /// The paragraph that is so many away from this side's edge.
    fn paragraph(self, depth: u32, len: u32) -> u32 {
        match self {
            Side::Head => depth,
            Side::Tail => len - 1 - depth,
        }
    }

    fn role(self) -> Role {
        match self {
            Side::Head => Role::Header,
            Side::Tail => Role::Footer,
        }
    }
}

/// How far a page was read, and what was passed on the way.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    depth: u32,
    stranger_tokens: u32,
    strangers: u8,
    passed: u8,
}

impl Cursor {
    /// Reads on to the first paragraph that is `known`: what it is known as, and where it stands.
    fn next<T>(
        &mut self,
        page: &CrawlPage,
        side: Side,
        mut known: impl FnMut(ParagraphKey) -> Option<T>,
    ) -> Option<(T, u32)> {
        let len = page.len();
        while self.depth < len {
            let at = side.paragraph(self.depth, len);
            let paragraph = page.paragraph(at);
            self.depth += 1;
            if let Some(found) = known(paragraph.key) {
                return Some((found, at));
            }
            if !self.pass(paragraph) {
                break;
            }
        }
        None
    }

    /// Whether this paragraph may stand between a page's edge, or the last one of a run, and the next one.
    fn pass(&mut self, paragraph: &CrawlParagraph) -> bool {
        if paragraph.is_marked {
            self.passed += 1;
            return self.passed < MAX_PASSED;
        }
        self.strangers += 1;
        self.stranger_tokens += paragraph.tokens.len() as u32;
        self.strangers <= MAX_STRANGERS && self.stranger_tokens <= STRANGER_TOKENS
    }
}

/// A trie of the runs of one side, from the edge inwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Runs {
    /// The first is the root; parents stand before their children.
    nodes: Vec<Node>,
    children: Map<Branch, u32>,
}

/// A node and the key of the next paragraph inwards.
type Branch = (u32, ParagraphKey);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Node {
    parent: u32,
    depth: u32,
    key: ParagraphKey,
    /// Tokens of the whole run that are no numbers.
    words: u32,
    template: u32,
    /// How many pages read so far.
    pages: usize,
    /// Those that are heard.
    heard: Vec<u32>,
    /// What they say, where it was asked.
    voices: Vec<Voice>,
}

/// A paragraph of a run on a page.
struct Step {
    node: u32,
    paragraph: u32,
}

/// A page on its way inwards.
#[derive(Clone, Copy)]
struct Walker {
    page: u32,
    node: u32,
    cursor: Cursor,
}

impl Walker {
    /// The paragraphs that it could read on to: their keys, their places, and the walk as it would be then.
    fn for_each_choice(&self, page: &CrawlPage, side: Side, mut each: impl FnMut(ParagraphKey, u32, Cursor)) {
        let mut cursor = self.cursor;
        let len = page.len();
        while cursor.depth < len {
            let at = side.paragraph(cursor.depth, len);
            let paragraph = page.paragraph(at);
            cursor.depth += 1;
            each(paragraph.key, at, cursor);
            if !cursor.pass(paragraph) {
                break;
            }
        }
    }
}

impl Default for Runs {
    fn default() -> Runs {
        Runs { nodes: vec![Node::default()], children: Map::default() }
    }
}

impl Runs {
    /// What five sites or more share: of the branches that five could take, those that five do take, where each page
    /// takes the outermost one that it can.
    fn shared(crawl: &impl Crawl, pages: &[u32], side: Side) -> Runs {
        let mut runs = Runs::default();
        let at_edge = |&page: &u32| Walker { page, node: 0, cursor: Cursor::default() };
        let mut walkers: Vec<Walker> = pages.iter().map(at_edge).collect();
        for _ in 0..MAX_PARAGRAPHS {
            let choices = Choices::of(crawl, &walkers, side);
            let taken = choices.taken(crawl, &walkers);
            walkers = runs.grow(crawl, taken);
            if walkers.is_empty() {
                break;
            }
        }
        runs
    }

    /// Adds the branches that were taken; gives the walkers that took them, in their order.
    fn grow(&mut self, crawl: &impl Crawl, taken: Vec<(Branch, u32, Walker)>) -> Vec<Walker> {
        let mut by_branch: Vec<usize> = (0..taken.len()).collect();
        by_branch.sort_by_key(|&i| taken[i].0);
        for same in by_branch.chunk_by(|&a, &b| taken[a].0 == taken[b].0) {
            let (branch, at, first) = taken[same[0]];
            let pages: Vec<u32> = same.iter().map(|&i| taken[i].2.page).collect();
            let parent = &self.nodes[branch.0 as usize];
            let node = Node {
                parent: branch.0,
                depth: parent.depth + 1,
                key: branch.1,
                words: parent.words.saturating_add(crawl.words(first.page, at)),
                pages: pages.len(),
                heard: heard(crawl, &pages),
                ..Node::default()
            };
            self.children.insert(branch, self.nodes.len() as u32);
            self.nodes.push(node);
        }
        let arrived =
            |(branch, _, walker): (Branch, u32, Walker)| Walker { node: self.children[&branch], ..walker };
        taken.into_iter().map(arrived).collect()
    }

    /// How a document reads on from its edge.
    fn walk(&self, page: &CrawlPage, side: Side) -> Vec<Step> {
        let mut steps = Vec::new();
        let (mut node, mut cursor) = (0, Cursor::default());
        if self.children.is_empty() {
            return steps;
        }
        let child = |node: u32, key| self.children.get(&(node, key)).copied();
        while let Some((next, paragraph)) = cursor.next(page, side, |key| child(node, key)) {
            node = next;
            steps.push(Step { node, paragraph });
        }
        steps
    }

    /// The nodes at which pages part: the run ends there, or goes on in several ways.
    fn forks(&self) -> Vec<bool> {
        let mut goes_on = vec![0; self.nodes.len()];
        for node in &self.nodes[1..] {
            let most = &mut goes_on[node.parent as usize];
            *most = node.pages.max(*most);
        }
        self.nodes.iter().zip(goes_on).map(|(node, goes_on)| node.pages > goes_on).collect()
    }

    fn accepted(self, voices: Vec<Vec<Voice>>) -> Runs {
        self.accepted_by(voices, &|page| page)
    }

    /// The runs that five sites tell five stories over, and their outer parts.
    fn accepted_by(self, voices: Vec<Vec<Voice>>, group: &impl Fn(u32) -> u32) -> Runs {
        let mut accepted: Vec<bool> = voices.iter().map(|voices| is_template(voices, group)).collect();
        for node in (1..self.nodes.len()).rev() {
            accepted[self.nodes[node].parent as usize] |= accepted[node];
        }
        let mut runs = Runs::default();
        let mut number = vec![0; self.nodes.len()];
        for (old, (node, voices)) in self.nodes.into_iter().zip(voices).enumerate().skip(1) {
            if accepted[old] {
                number[old] = runs.nodes.len() as u32;
                let parent = number[node.parent as usize];
                runs.children.insert((parent, node.key), number[old]);
                runs.nodes.push(Node { parent, heard: Vec::new(), voices, ..node });
            }
        }
        runs
    }

    /// Numbers the templates: a run is one as far as it goes on in one way only.
    fn name_templates(&mut self, side: Side, templates: &mut Vec<TemplateShape>) {
        let mut children = vec![0; self.nodes.len()];
        for node in &self.nodes[1..] {
            children[node.parent as usize] += 1;
        }
        for number in 1..self.nodes.len() {
            let parent = self.nodes[number].parent;
            let template = if parent != 0 && children[parent as usize] == 1 {
                self.nodes[parent as usize].template
            } else {
                templates.push(TemplateShape { role: side.role(), paragraphs: Vec::new(), documents: 0 });
                templates.len() as u32 - 1
            };
            let node = &mut self.nodes[number];
            node.template = template;
            let paragraphs = &mut templates[template as usize].paragraphs;
            let place = if side == Side::Tail { 0 } else { paragraphs.len() };
            paragraphs.insert(place, ParagraphShape { key: node.key, documents: 0 });
        }
    }
}

/// The branches that walkers could take, as far as five sites may.
struct Choices {
    branches: Vec<Branch>,
    /// Of all walkers one after the other, the outermost first.
    choices: Vec<Choice>,
    /// Where those of each walker end.
    ends: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Choice {
    /// A place among the branches.
    branch: u32,
    at: u32,
    cursor: Cursor,
}

impl Choices {
    fn of(crawl: &impl Crawl, walkers: &[Walker], side: Side) -> Choices {
        let mut sieve = Sieve::new(walkers.len());
        for walker in walkers {
            let site = crawl.site(walker.page);
            let page = crawl.walked(walker.page);
            walker.for_each_choice(&page, side, |key, _, _| sieve.at((walker.node, key)).add(site));
        }
        let mut choices = Choices { branches: Vec::new(), choices: Vec::new(), ends: Vec::new() };
        let mut number: Map<Branch, u32> = Map::default();
        for walker in walkers {
            let page = crawl.walked(walker.page);
            walker.for_each_choice(&page, side, |key, at, cursor| {
                let branch = (walker.node, key);
                if sieve.at(branch).are_many() {
                    let next = choices.branches.len() as u32;
                    let known = *number.entry(branch).or_insert(next);
                    if known == next {
                        choices.branches.push(branch);
                    }
                    choices.choices.push(Choice { branch: known, at, cursor });
                }
            });
            choices.ends.push(choices.choices.len());
        }
        choices
    }

    /// Of the branches that five sites could take, those that five do take, where each walker takes its outermost one; then
    /// who takes which.
    fn taken(&self, crawl: &impl Crawl, walkers: &[Walker]) -> Vec<(Branch, u32, Walker)> {
        let open = self.on_many_sites(crawl, walkers, |choices, each| choices.iter().for_each(each));
        let first = |choices: &[Choice], open: &[bool]| {
            choices.iter().copied().find(|choice| open[choice.branch as usize])
        };
        let open = self.on_many_sites(crawl, walkers, |choices, each| {
            if let Some(choice) = first(choices, &open) {
                each(&choice);
            }
        });
        let taken = |(walker, choices): (&Walker, &[Choice])| {
            let Choice { branch, at, cursor } = first(choices, &open)?;
            Some((self.branches[branch as usize], at, Walker { cursor, ..*walker }))
        };
        walkers.iter().zip(self.of_walkers()).filter_map(taken).collect()
    }

    /// For each branch, whether it is chosen on five sites or more.
    fn on_many_sites(
        &self,
        crawl: &impl Crawl,
        walkers: &[Walker],
        chosen: impl Fn(&[Choice], &mut dyn FnMut(&Choice)),
    ) -> Vec<bool> {
        let mut sites = vec![SiteCount::default(); self.branches.len()];
        for (walker, choices) in walkers.iter().zip(self.of_walkers()) {
            let site = crawl.site(walker.page);
            chosen(choices, &mut |choice| sites[choice.branch as usize].add(site));
        }
        sites.into_iter().map(SiteCount::are_many).collect()
    }

    fn of_walkers(&self) -> impl Iterator<Item = &[Choice]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.choices[std::mem::replace(&mut start, end)..end])
    }
}

/// Counts sites, where the pages of one come together.
#[derive(Clone, Copy, Debug)]
struct SiteCount {
    last: u32,
    sites: u32,
}

impl Default for SiteCount {
    fn default() -> SiteCount {
        SiteCount { last: u32::MAX, sites: 0 }
    }
}

impl SiteCount {
    fn add(&mut self, site: u32) {
        if self.last != site {
            *self = SiteCount { last: site, sites: self.sites + 1 };
        }
    }

    fn are_many(self) -> bool {
        self.sites as usize >= MIN_SITES
    }
}

/// At least as many sites as a branch has: branches that fall into one place are counted together. It keeps what one
/// site alone says, nearly everything, out of a hash map.
struct Sieve(Vec<SiteCount>);

impl Sieve {
    /// 8 bytes each: 32 MiB.
    const MAX_PLACES: usize = 1 << 22;

    fn new(branches: usize) -> Sieve {
        let places = (4 * branches).next_power_of_two().clamp(1, Sieve::MAX_PLACES);
        Sieve(vec![SiteCount::default(); places])
    }

    fn at(&mut self, (node, key): Branch) -> &mut SiteCount {
        let place = mix(key as u64 ^ u64::from(node)) as usize & (self.0.len() - 1);
        &mut self.0[place]
    }
}

#[cfg(test)]
mod tests;
