//! Which pages speak for a run, and do any two tell one story?
//!
//! The runs of both sides in; for each place where pages part, the [`Voice`]s that were heard there out, and whether they
//! [make a template](is_template). To silence a page, or to take two stories for one, costs a template where five other
//! sites cannot be named. To take one story for two makes boilerplate of what a story's copies have in common.
//!
//! Time: at each fork 32 pages and their furniture are read, and their 496 pairs are merged, 1,000 shingles each at most.
//! Memory: the keys of five pages of each site that was heard.

use std::ops::Range;

use super::{Crawl, CrawlPage, MIN_SITES, MIN_WORDS, Map, Node, ParagraphKey, Runs, Set, Side, mix};

/// A page speaks with this many tokens of its own: with fewer it would be thin once the run was taken from it.
const OWN_TOKENS: u64 = 20;

/// In paragraphs of this many: links of a menu are no voice. The contract's least of a `reused` paragraph.
const SAID_TOKENS: u64 = 8;

/// Of a site of one page a run is believed up to this many tokens. A guess between most notices, which are shorter, and
/// most stories, which are longer: where a whole story stands under a long header there is nothing else to tell it by.
const ALONE_RUN_TOKENS: u64 = 150;

/// A page's own tokens, times this, reach what it shares, where its site has other pages to tell furniture by. Short
/// reports over a note of twice their length pass, a story between a page's own headline and footer does not.
const SHARED_OVER_OWN: u64 = 4;

/// Of what a page says of its own, the nearest to the run is compared, up to this many tokens. A guess: three screens.
const COMPARED_TOKENS: usize = 1_000;

/// Two pages tell one story if they share this part of the shorter one's shingles (see there) ...
const STORY_PART: usize = 10;

/// ... and this many at least, for in 30 tokens two set phrases are a tenth.
const STORY_SHINGLES: usize = 3;

/// Where tokens are no longer than this in bytes, each is one sign of a script without spaces, and shingles of two are
/// single words: shingles of four are taken. Of manual pages in Japanese, 0.20 of the shingles of two are common to a
/// pair by chance, and 0.06 of those of four; in English 0.04 of those of two.
const SIGN_BYTES: usize = 4;

/// A page quotes a run if they share so many consecutive tokens. The contract's shingle of coverage.
const QUOTED_TOKENS: usize = 5;

/// So many pages are heard at a fork: first one of each site, then further ones.
const HEARD_PAGES: usize = 32;

/// And so many of one site.
pub(super) const HEARD_OF_SITE: usize = 4;

/// By so many pages of a site its furniture is told.
const FURNITURE_PAGES: usize = 5;

/// Of more paragraphs no furniture is remembered (some 20 MiB); it is told anew then.
const MOST_FURNISHED: usize = 1 << 18;

/// A page that speaks for a run.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Voice {
    pub page: u32,
    pub site: u32,
    /// The same number, the same story.
    pub story: u32,
}

/// The pages that are heard for a run. Of each site those of the lowest ranks, and sites by their lowest.
pub(super) fn heard(crawl: &impl Crawl, pages: &[u32]) -> Vec<u32> {
    let mut turns: Vec<(usize, u128, u32)> = Vec::new();
    for same in pages.chunk_by(|&a, &b| crawl.site(a) == crawl.site(b)) {
        let mut ranked: Vec<(u128, u32)> = same.iter().map(|&page| (crawl.rank(page), page)).collect();
        ranked.sort_unstable();
        let of_site = ranked.into_iter().take(HEARD_OF_SITE).enumerate();
        turns.extend(of_site.map(|(turn, (rank, page))| (turn, rank, page)));
    }
    turns.sort_unstable();
    turns.into_iter().take(HEARD_PAGES).map(|(_, _, page)| page).collect()
}

/// Listens to pages.
pub(super) struct Hearing<'a, C> {
    crawl: &'a C,
    pages: &'a [u32],
    /// Where the pages of each site stand among all.
    sites: Map<u32, Range<usize>>,
    head: &'a Runs,
    tail: &'a Runs,
    /// By site: what its first pages by rank say, and which of them; `None` where several do.
    furniture: Map<u32, Map<ParagraphKey, Option<u32>>>,
    /// Paragraphs in all of these together.
    furnished: usize,
}

/// What a page says of its own.
struct Own {
    page: u32,
    site: u32,
    /// Tokens in a shingle: pages of different scripts have none in common.
    width: usize,
    /// Ascending, no repeats.
    shingles: Vec<u64>,
}

impl<'a, C: Crawl> Hearing<'a, C> {
    pub fn new(
        crawl: &'a C,
        pages: &'a [u32],
        sites: Map<u32, Range<usize>>,
        [head, tail]: [&'a Runs; 2],
    ) -> Hearing<'a, C> {
        Hearing { crawl, pages, sites, head, tail, furniture: Map::default(), furnished: 0 }
    }

    /// By node of a side: who speaks for it, at forks that are long enough.
    pub fn at_forks(&mut self, side: Side) -> Vec<Vec<Voice>> {
        let runs = self.runs(side);
        let long = runs.nodes.iter().map(|node| node.words >= MIN_WORDS);
        let asked: Vec<bool> = runs.forks().into_iter().zip(long).map(|(fork, long)| fork && long).collect();
        let voices = |(node, asked)| if asked { self.voices(side, node) } else { Vec::new() };
        (0..).zip(asked).map(voices).collect()
    }

    fn runs(&self, side: Side) -> &'a Runs {
        match side {
            Side::Head => self.head,
            Side::Tail => self.tail,
        }
    }

    fn voices(&mut self, side: Side, node: u32) -> Vec<Voice> {
        let node = &self.runs(side).nodes[node as usize];
        let texts: Set<u128> = node.heard.iter().map(|&page| self.crawl.rank(page)).collect();
        if texts.len() < MIN_SITES {
            return Vec::new(); // copies of a few texts, as most runs of a story are: not worth reading
        }
        let widespread = said_on_many_sites(self.crawl, &node.heard);
        let own: Vec<Own> =
            node.heard.iter().filter_map(|&page| self.own(side, node, page, &widespread)).collect();
        let mut stories = Stories::new(own.len());
        for first in 0..own.len() {
            for second in 0..first {
                if own[first].tells_the_story_of(&own[second]) {
                    stories.join(first, second);
                }
            }
        }
        let voice =
            |(i, own): (usize, &Own)| Voice { page: own.page, site: own.site, story: stories.of(i) as u32 };
        own.iter().enumerate().map(voice).collect()
    }

    /// What a page says of its own beside this run; `None` where it does not speak.
    fn own(&mut self, side: Side, node: &Node, page: u32, widespread: &Set<ParagraphKey>) -> Option<Own> {
        let (crawl, document) = (self.crawl, page);
        let page = &crawl.page(document);
        let other = if side == Side::Head { Side::Tail } else { Side::Head };
        let depth = node.depth as usize;
        let mut run: Vec<u32> =
            self.runs(side).walk(page, side).iter().take(depth).map(|step| step.paragraph).collect();
        let innermost = *run.last()?;
        run.sort_unstable();
        let mut shared = run.clone();
        shared.extend(self.runs(other).walk(page, other).iter().map(|step| step.paragraph));
        shared.sort_unstable();
        shared.dedup();
        let length = |&at: &u32| page.paragraph(at).tokens.len() as u64;
        let mut own: Vec<u32> = (0..page.len()).filter(|at| shared.binary_search(at).is_err()).collect();
        self.drop_furniture(document, page, &mut own);
        let is_common = |&at: &u32| widespread.contains(&page.paragraph(at).key);
        let between: u64 = own.iter().filter(|at| is_common(at)).map(length).sum();
        own.retain(|at| !is_common(at));
        let own_tokens: u64 = own.iter().map(length).filter(|&tokens| tokens >= SAID_TOKENS).sum();
        let shared: u64 = shared.iter().map(length).sum();
        let run_tokens: u64 = run.iter().map(length).sum();
        let enough = match self.is_alone(document) {
            true => run_tokens <= ALONE_RUN_TOKENS && own_tokens >= shared + between,
            false => SHARED_OVER_OWN * own_tokens >= shared && own_tokens >= between,
        };
        if own_tokens < OWN_TOKENS || !enough {
            return None;
        }
        let mut room = COMPARED_TOKENS as u64;
        own.sort_by_key(|&at| (at.abs_diff(innermost), at));
        own.retain(|at| {
            room > 0 && {
                room = room.saturating_sub(length(at));
                true
            }
        });
        own.sort_unstable();
        let quotable = shingles(&tokens_of(page, &run), QUOTED_TOKENS);
        let tokens = tokens_of(page, &own);
        if common(&quotable, &shingles(&tokens, QUOTED_TOKENS)) > 0 {
            return None;
        }
        let bytes_of = crawl.bytes(document);
        let bytes: usize = own.iter().filter_map(|&at| bytes_of.get(at as usize)).sum();
        let width = if bytes > SIGN_BYTES * tokens.len() { 2 } else { 4 };
        Some(Own { page: document, site: crawl.site(document), width, shingles: shingles(&tokens, width) })
    }

    /// Leaves out what the site's templates have, and what stands on other pages of the site.
    fn drop_furniture(&mut self, document: u32, page: &CrawlPage, own: &mut Vec<u32>) {
        let (crawl, site) = (self.crawl, self.crawl.site(document));
        let pages = &self.pages[self.sites[&site].clone()];
        if self.furnished > MOST_FURNISHED {
            self.furniture = Map::default();
            self.furnished = 0;
        }
        let furnished = &mut self.furnished;
        let furniture = self.furniture.entry(site).or_insert_with(|| {
            let furniture = furniture(crawl, pages);
            *furnished += furniture.len();
            furniture
        });
        own.retain(|&at| {
            let paragraph = page.paragraph(at);
            let elsewhere = furniture.get(&paragraph.key).is_some_and(|&only| only != Some(document));
            !paragraph.is_marked && !elsewhere
        });
    }

    fn is_alone(&self, page: u32) -> bool {
        self.sites[&self.crawl.site(page)].len() == 1
    }
}

/// The paragraphs that these pages of five sites or more have, wherever they stand.
fn said_on_many_sites(crawl: &impl Crawl, pages: &[u32]) -> Set<ParagraphKey> {
    let said = |&page: &u32| {
        let paragraphs = crawl.page(page).paragraphs.into_iter();
        paragraphs.map(move |paragraph| (paragraph.key, crawl.site(page)))
    };
    let mut said: Vec<(ParagraphKey, u32)> = pages.iter().flat_map(said).collect();
    said.sort_unstable();
    said.dedup();
    let same = said.chunk_by(|a, b| a.0 == b.0);
    same.filter(|sites| sites.len() >= MIN_SITES).map(|sites| sites[0].0).collect()
}

/// What the first pages of a site by rank say; `None` beside what several of them do.
fn furniture(crawl: &impl Crawl, pages: &[u32]) -> Map<ParagraphKey, Option<u32>> {
    let mut ranked: Vec<(u128, u32)> = pages.iter().map(|&page| (crawl.rank(page), page)).collect();
    ranked.sort_unstable();
    let mut said: Map<ParagraphKey, Option<u32>> = Map::default();
    for &(_, page) in ranked.iter().take(FURNITURE_PAGES) {
        for paragraph in crawl.page(page).paragraphs {
            let by = said.entry(paragraph.key).or_insert(Some(page));
            *by = by.filter(|&by| by == page);
        }
    }
    said
}

fn tokens_of(page: &CrawlPage, paragraphs: &[u32]) -> Vec<u64> {
    let tokens = paragraphs.iter().flat_map(|&at| page.tokens_of(at));
    tokens.copied().take(COMPARED_TOKENS).collect()
}

/// Hashes of the runs of `width` tokens, ascending, no repeats.
fn shingles(tokens: &[u64], width: usize) -> Vec<u64> {
    let hash = |run: &[u64]| run.iter().fold(0, |hash, &token| mix(hash ^ token));
    let mut shingles: Vec<u64> = tokens.windows(width).map(hash).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// How many two ascending sequences without repeats have in common.
fn common(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        common += usize::from(a[i] == b[j]);
        (i, j) = (i + usize::from(a[i] <= b[j]), j + usize::from(b[j] <= a[i]));
    }
    common
}

impl Own {
    fn tells_the_story_of(&self, other: &Own) -> bool {
        let common = common(&self.shingles, &other.shingles);
        let shorter = self.shingles.len().min(other.shingles.len());
        self.width == other.width && common >= STORY_SHINGLES && common * STORY_PART >= shorter
    }
}

/// Which voices tell one story, be it through a third.
struct Stories(Vec<usize>);

impl Stories {
    fn new(voices: usize) -> Stories {
        Stories((0..voices).collect())
    }

    /// The first voice of its story.
    fn of(&self, voice: usize) -> usize {
        self.0[voice]
    }

    /// At most 32 voices: each is looked at.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        for story in &mut self.0 {
            if *story == a.max(b) {
                *story = a.min(b);
            }
        }
    }
}

/// Whether five sites can be named that tell five stories, no two the same, where a group tells one.
pub(super) fn is_template(voices: &[Voice], group: impl Fn(u32) -> u32) -> bool {
    let mut stories = Stories::new(voices.len());
    for (i, voice) in voices.iter().enumerate() {
        for (j, other) in voices[..i].iter().enumerate() {
            if voice.story == other.story || group(voice.page) == group(other.page) {
                stories.join(i, j);
            }
        }
    }
    let told: Vec<(u32, usize)> =
        voices.iter().enumerate().map(|(i, voice)| (voice.site, stories.of(i))).collect();
    let mut sites: Vec<u32> = told.iter().map(|&(site, _)| site).collect();
    sites.sort_unstable();
    sites.dedup();
    let mut teller_of: Map<usize, u32> = Map::default();
    let named = |&&site: &&u32| names_a_story(site, &told, &mut teller_of, &mut Set::default());
    sites.iter().filter(named).count() >= MIN_SITES
}

/// Gives a site a story of its own, moving other sites to others of theirs where need be: one step of Kuhn's matching.
fn names_a_story(
    site: u32,
    told: &[(u32, usize)],
    teller_of: &mut Map<usize, u32>,
    tried: &mut Set<usize>,
) -> bool {
    told.iter().filter(|&&(by, _)| by == site).any(|&(_, story)| {
        let free = tried.insert(story)
            && match teller_of.get(&story).copied() {
                None => true,
                Some(other) => names_a_story(other, told, teller_of, tried),
            };
        if free {
            teller_of.insert(story, site);
        }
        free
    })
}
