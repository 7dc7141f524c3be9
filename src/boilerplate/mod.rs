//! What does this site say on every page?
//!
//! The pages of one site in, as sequences of `PageParagraph`s; `SiteTemplates` out, which then `mark` the
//! boilerplate of any page of that site. To mark too little leaves noise in the content and in every
//! comparison that follows; to mark too much takes an author's words from a reader, so where the two cannot
//! be told apart (a refrain, a heading of a table, the text of forty copies) nothing is marked.
//!
//! How it decides. A paragraph is known by its key alone: numbers are masked, and [`Forms`] give the forms of one line
//! one key (`forms`). Each *unit* of the site is judged for itself, as a site: all pages, those of a folder, those around a
//! hub (`units`). In a unit:
//! 1. **Evidence** (`evidence`). A page speaks for a template only if it has something of its own to say: 20
//!    tokens or more, and a twentieth of the page, in paragraphs that neither stand on many pages nor are
//!    near forms of such. Forty copies of an article, each with another date or a word edited, have nothing
//!    of their own. Pages with 8 tokens, but less than that, speak for what stands on half of all pages
//!    (captions over a long footer).
//! 2. **Standing** (`census`). A paragraph on 15 % of the speaking pages may be an *anchor*; one on three
//!    pages and 2 % a *guest*, which counts only right beside an anchor (the breadcrumb of one section under the
//!    site's header); all others are *strangers*.
//! 3. **Place** (`walk`). Anchors count where they stand in a head or tail run of the page, or in an *inline*
//!    run of two or more that stand on a quarter of the pages and mostly beside each other. A run goes
//!    on across strangers (a page title above the header, a list of fresh headlines in a side bar) as long as
//!    it finds more than it crosses: a stranger's token costs half of what an anchor's token gains. Two that
//!    no third is bonded to make an inline run near an end of the page only ("Parameters" and the head of its
//!    table do not), and an anchor of one or two words that stands alone beyond a stranger earns nothing
//!    while it is on trial ("See also" above a list of links above the footer).
//! 4. A paragraph is boilerplate if half of its occurrences stand in such places. 2 to 4 are repeated with
//!    what was accepted, so that a heading that leaned on another heading falls with it.
//!
//! 5. A *phrase* fell in 4, but has four tokens or more, stands on three quarters of the pages and on most of these once
//!    right beside boilerplate: it is the site's wherever it stands ("Continue reading the main story" above boxes). A
//!    refrain never stands beside boilerplate.
//!
//! A run passes a table of contents at no cost (`listing`).
//!
//! So "Syntax" and "Description", which stand on every page of a manual between paragraphs that differ, are
//! not boilerplate, and the same words in a menu are.
//!
//! Time: linear in the number of paragraphs (a few hash look-ups each). Memory, by estimate: 12 bytes a
//! paragraph and 150 to 200 bytes a different paragraph of the site. Results depend neither on the order of
//! the pages nor on threads.
//!
//! References: Bar-Yossef & Rajagopalan, *Template detection via data mining*, 2002; Gibson, Punera &
//! Tomkins, *The volume and evolution of web page templates*, 2005 (frequency over a site); the walk is the
//! extension step of Altschul et al., *Basic local alignment search tool*, 1990. That copies are no evidence
//! is our own.

mod census;
mod evidence;
mod forms;
mod listing;
pub mod network;
mod shape;
mod units;
mod walk;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use forms::{FormSearch, Forms, WordedParagraph};
pub use listing::listed;
use units::Unit;
use walk::{Place, Standing, Walk};

/// A map that is asked often. Keys are hashes already, or small numbers, so a fast hash does. It is seeded by the process, so
/// that keys that collide can hardly be chosen beforehand; no answer depends on its order.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The same, without values.
type Set<K> = HashSet<K, foldhash::fast::RandomState>;

/// What a paragraph says, numbers masked: 128 bits of a hash over its tokens, each token that begins with a
/// digit replaced by one constant; of a paragraph without tokens, a hash over its raw text. Two paragraphs
/// with one key are taken for the same paragraph.
pub type ParagraphKey = u128;

/// Five minima over a paragraph's runs of three masked tokens, from [`sketch`]: near forms of one paragraph share at
/// least two of them nearly always.
pub type ParagraphSketch = [u32; 5];

/// One paragraph as a template sees it. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageParagraph {
    /// What it says, numbers masked.
    pub key: ParagraphKey,
    /// Finds its near forms on other pages, so that a copy with one word edited does not pass for another
    /// page.
    pub sketch: ParagraphSketch,
    /// How many tokens it has; 0 for a line of stars.
    pub tokens: u32,
    /// Whether it is an entry of a table of contents, see [`listed`].
    pub listed: bool,
}

impl PageParagraph {
    /// Two of its minima. Near forms have the same for at least one of [`SKETCH_PAIRS`] nearly always.
    fn sketch_pair(&self, [first, second]: [usize; 2]) -> (u32, u32) {
        (self.sketch[first], self.sketch[second])
    }

    /// A paragraph whose near forms are not known: only equal keys are taken for copies. Cheaper than a
    /// sketch; edited copies of one article may then pass for different pages until
    /// [`SiteTemplates::recount`].
    pub fn without_sketch(key: ParagraphKey, tokens: u32) -> PageParagraph {
        let part = |shift: u32| (key >> shift) as u32; // of a hash: equal keys, equal sketches
        PageParagraph {
            key,
            sketch: [part(0), part(32), part(64), part(96), part(16)],
            tokens,
            listed: false,
        }
    }
}

/// The sketch of a paragraph, from the hashes of its tokens with numbers masked.
///
/// Fewer than three tokens are one run. No token: a constant, which no decision looks at. One word edited in a paragraph
/// of 30 leaves a Jaccard similarity of 0.83, and two minima or more with probability 0.996; two unrelated
/// paragraphs of similarity 0.05 share two with 0.02. Cost: five multiplications a token.
pub fn sketch(masked_tokens: &[u64]) -> ParagraphSketch {
    let mut minima = ParagraphSketch::default().map(|_| u32::MAX);
    let width = masked_tokens.len().min(3);
    if width > 0 {
        for run in masked_tokens.windows(width) {
            let hash = run.iter().fold(0, |hash, &token| mix(hash ^ token));
            for (minimum, odd) in minima.iter_mut().zip(SKETCH_MULTIPLIERS) {
                *minimum = (*minimum).min((hash.wrapping_mul(odd) >> 32) as u32);
            }
        }
    }
    minima
}

/// The pairs of minima by which near forms are found.
const SKETCH_PAIRS: [[usize; 2]; 10] =
    [[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [1, 3], [1, 4], [2, 3], [2, 4], [3, 4]];

/// Odd, so that multiplying permutes the 64-bit numbers; the high halves of the products order runs in five ways.
/// Taken from the fractional parts of the golden ratio and of the square roots of 2, 3, 5 and 7.
const SKETCH_MULTIPLIERS: [u64; 5] = [
    0x9e37_79b9_7f4a_7c15,
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
];

/// Steele, Lea & Flood's finaliser (SplitMix64): every bit of the input moves every bit of the output.
fn mix(hash: u64) -> u64 {
    let hash = hash.wrapping_add(SKETCH_MULTIPLIERS[0]);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// What counts as often, long and near enough. Shares are whole per cents of the pages that speak for a
/// template.
///
/// The figures behind the defaults are the share of repeated boilerplate found and the share of content lost,
/// in letters and digits, on 27 portal pages of two sites (P, hand-made truth) and 827 pages of a manual in
/// 11 languages (M, truth from its HTML), and the share of content lost on a manual of 1,596 pages whose
/// running titles repeat its headings (G):
///
/// | rule | P found, lost | M found, lost |
/// | --- | --- | --- |
/// | share alone, 15 % of the pages | 1.0000, 0.0052 | 0.7965, 0.0281 |
/// | share alone, 30 % | 0.9549, 0.0045 | 0.7416, 0.0169 |
/// | anchors in unbroken head and tail runs | 0.2233, 0 | 0.6609, 0 |
/// | and across strangers | 0.8205, 0.0007 | 0.6814, 0 |
/// | and in inline runs | 0.9854, 0.0045 | 0.7604, 0 |
/// | and guests | 0.9854, 0.0045 | 0.8239, 0.00002 |
/// | and as often as usual | 0.9901, 0.0045 | 0.8500, 0.00007 |
/// | judged once instead of until it settles | 0.9901, 0.0045 | 0.8655, 0.0009 |
/// | two headings in the body are no run, short strays must be proven | 0.9901, 0.0045 | 0.8428, 0.00007 |
/// | **the rule**: with sections, hubs, forms, phrases, tables of contents | 0.9969, 0.0045 | 0.8815, 0.0002 |
///
/// The rows before the last two were measured on a prototype of this rule. `benches/README.md` has what each kind of evidence
/// buys, and the command. G loses 0.0010. The sensitivities below were measured before guests needed a share, when M
/// found 0.8503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateSettings {
    /// A template stands on this many pages of different content at least. The contract says 3.
    pub min_documents: u32,
    /// On what share a paragraph may be an anchor of a head or tail run. At 10 or 20 % P and M find the same
    /// within 0.001; G loses 0.0007 of its content at 10 %, nothing at 15 %.
    pub edge_percent: u32,
    /// On what share it may be a guest beside one: the breadcrumb of a section. With no share,
    /// 38 closing lines of 21,578 newswire stories ("Record March 31" on 181) are guests of the agency's name below them;
    /// at 1 % none is. M finds 0.850 at 1 %, 0.843 at 2 %, 0.835 at 3 %.
    pub guest_percent: u32,
    /// On what share it may be part of an inline run. M finds 0.847 at 30 %, 0.850 at 25 %, 0.854 at 20 %,
    /// where precision of its templates falls from 1.000 to 0.985 and its loss rises to 0.0007.
    pub inline_percent: u32,
    /// Two paragraphs make an inline run without a third only if, for most of their occurrences, no more than this share
    /// of what the page has of its own stands on their outer side: a pair of headings further inside ("Parameters" and the
    /// head of its table) is the page's. The quarter that tells headers and footers from inline runs, too. P finds 0.990 at 25 and at 50 %, 0.987 at 0 %.
    pub pair_percent: u32,
    /// On what share a paragraph is believed although its pages differ in little. Half: forty copies among a
    /// hundred pages stay below it.
    pub majority_percent: u32,
    /// Two paragraphs are bonded if this share of the occurrences of each has the other beside it. P finds
    /// 0.990 at 30 and at 50 %, 0.987 at 70 %.
    pub bond_percent: u32,
    /// A paragraph is boilerplate if this share of its occurrences stands in a head, tail or inline run. M
    /// finds 0.850 at 50 %, 0.800 at 60 %, 0.852 at 40 %: the plain majority.
    pub support_percent: u32,
    /// A run ends once what it crossed since its last anchor outweighs it by this many tokens of strangers.
    /// No set tells 10 from 120; 20 is longer than a title or a headline and shorter than a paragraph of
    /// text, which no run should cross.
    pub patience_tokens: u32,
    /// A page speaks only with this many tokens of its own. Enough to outweigh a date line; no set tells 5
    /// from 12.
    pub own_tokens: u32,
    /// A page speaks fully only with this many tokens of its own: with fewer it would be thin once a template was taken from
    /// it (the contract's 20), and a copy of others with a line added could never be told.
    pub full_tokens: u32,
    /// A page speaks fully only if this share of its tokens is its own. P and M find the same from 0 to 10 %; at 0 %, forty
    /// copies with a sentence added to each become a template.
    pub own_percent: u32,
    /// A page shorter than this speaks fully with any paragraph of its own: a caption over a short footer.
    pub short_page_tokens: u32,
    /// A section, or the pages around a hub, has this many different pages at least.
    pub section_pages: u32,
    /// `edge_percent` in a section.
    pub section_edge_percent: u32,
    /// `guest_percent` in a section.
    pub section_guest_percent: u32,
    /// `inline_percent` in a section.
    pub section_inline_percent: u32,
    /// `own_percent` in a section.
    pub section_own_percent: u32,
    /// A hub stands on this share of the site's different pages at least. With none, lines of earnings tables
    /// ("Net 0 mln vs 0 mln") on 16 of 21,578 newswire stories are a template.
    pub hub_share_percent: u32,
    /// `edge_percent`, `guest_percent`, `inline_percent` and `majority_percent` around a hub.
    pub hub_percent: u32,
    /// `own_percent` around a hub.
    pub hub_own_percent: u32,
    /// A phrase has this many tokens at least: more than a heading has.
    pub phrase_tokens: u32,
    /// A phrase stands on this share of the pages that speak fully.
    pub phrase_percent: u32,
}

impl Default for TemplateSettings {
    fn default() -> TemplateSettings {
        TemplateSettings {
            min_documents: 3,
            edge_percent: 15,
            guest_percent: 2,
            inline_percent: 25,
            pair_percent: 25,
            majority_percent: 50,
            bond_percent: 50,
            support_percent: 50,
            patience_tokens: 20,
            own_tokens: 8,
            full_tokens: 20,
            own_percent: 5,
            short_page_tokens: 40,
            section_pages: 5,
            section_edge_percent: 30,
            section_guest_percent: 5,
            section_inline_percent: 45,
            section_own_percent: 30,
            hub_share_percent: 1,
            hub_percent: 80,
            hub_own_percent: 50,
            phrase_tokens: 4,
            phrase_percent: 75,
        }
    }
}

impl TemplateSettings {
    /// As they are for a section of a site.
    fn of_sections(&self) -> TemplateSettings {
        TemplateSettings {
            edge_percent: self.section_edge_percent,
            guest_percent: self.section_guest_percent,
            inline_percent: self.section_inline_percent,
            pair_percent: 0,
            own_percent: self.section_own_percent,
            ..*self
        }
    }

    /// As they are for the pages around a hub.
    fn of_hubs(&self) -> TemplateSettings {
        TemplateSettings {
            edge_percent: self.hub_percent,
            guest_percent: self.hub_percent,
            inline_percent: self.hub_percent,
            majority_percent: self.hub_percent,
            own_percent: self.hub_own_percent,
            ..*self
        }
    }

    /// The smallest number of `pages` that is `percent` of them, and at least
    /// [`min_documents`](Self::min_documents).
    fn pages(&self, percent: u32, pages: u32) -> u32 {
        let share = (u64::from(percent) * u64::from(pages)).div_ceil(100);
        self.min_documents.max(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

/// Whether `part` is at least `percent` of `whole`.
fn reaches(part: u32, percent: u32, whole: u32) -> bool {
    u64::from(part) * 100 >= u64::from(percent) * u64::from(whole)
}

/// Where a template stands on most of its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// In the run that begins the page, or begins it after a title.
    Header,
    /// In the run that ends the page.
    Footer,
    /// Between what the page has of its own.
    Inline,
}

impl Role {
    /// As records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Header => "header",
            Role::Footer => "footer",
            Role::Inline => "inline",
        }
    }
}

/// What one site says on every page, and how to tell it on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteTemplates {
    /// The most frequent first; ties by role, then by the key of the first paragraph. `mark` gives indices
    /// into this.
    pub templates: Vec<TemplateShape>,
    /// How many pages were counted.
    pub pages: u32,
    rules: Rules,
}

/// Paragraphs that stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateShape {
    /// Where most of its occurrences stand.
    pub role: Role,
    /// In the order in which they stand.
    pub paragraphs: Vec<ParagraphShape>,
    /// Pages on which at least one of its paragraphs is marked.
    pub documents: u32,
}

/// One paragraph of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParagraphShape {
    /// What it says.
    pub key: ParagraphKey,
    /// Pages on which it is marked.
    pub documents: u32,
}

/// A page, and the sections of its site that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its paragraphs, in order.
    pub paragraphs: &'a [PageParagraph],
    /// The folders of its address, or whatever else parts a site. Each is looked at as if it were a site, too; in any
    /// order.
    pub sections: &'a [SectionId],
}

impl<'a> Page<'a> {
    /// A page of a site that has no sections.
    pub fn without_sections(paragraphs: &'a [PageParagraph]) -> Page<'a> {
        Page { paragraphs, sections: &[] }
    }
}

/// Names a section of a site: a hash of the folder it is known by.
pub type SectionId = u64;

/// Finds the templates of one site.
///
/// `pages` are the different documents of the site, in any order; of pages with equal paragraphs (they differ
/// in numbers only) one decides and all are counted. Fewer than three different pages have no template. Cost:
/// see the module.
pub fn find(pages: &[Page], settings: &TemplateSettings) -> SiteTemplates {
    decide(pages, pages, None, settings)
}

impl SiteTemplates {
    /// For each paragraph of a page of this site, the index of the template it belongs to, if it is
    /// boilerplate.
    ///
    /// A paragraph of a template is left alone where it stands neither in a head, tail or inline run of this
    /// page nor as often as is usual for it (a menu's "Sports" that is also a heading in an article). A page
    /// that is nothing but template is marked whole. Cost: one look-up a paragraph, and one more for each unit that a
    /// known one may belong to.
    pub fn mark(&self, page: Page) -> Vec<Option<u32>> {
        let mut marker = Marker::new(&self.rules);
        marker.read(page);
        marker.templates().collect()
    }

    /// For each paragraph of each page of this site, whether it is boilerplate: what [`mark`](Self::mark) says, at less cost.
    pub fn mark_all<'p>(&self, pages: impl Iterator<Item = Page<'p>>) -> Vec<Vec<bool>> {
        let mut marker = Marker::new(&self.rules);
        let marked = |page| {
            marker.read(page);
            marker.templates().map(|template| template.is_some()).collect()
        };
        pages.map(marked).collect()
    }

    /// The templates with each group of near-duplicate pages counted once.
    ///
    /// `group_of_page` has the group of each page, in the order of `pages`; pages beyond its end are not
    /// counted. The longest page of a group decides for it (ties by its keys). Only ever takes paragraphs
    /// out: what this `mark`s, the earlier templates marked. `documents` still counts pages.
    pub fn recount(
        &self,
        pages: &[Page],
        group_of_page: &[u32],
        settings: &TemplateSettings,
    ) -> SiteTemplates {
        decide(&spokesmen(pages, group_of_page), pages, Some(self), settings)
    }
}

/// The page that decides for each group.
fn spokesmen<'a>(pages: &[Page<'a>], group_of_page: &[u32]) -> Vec<Page<'a>> {
    let mut of_group: BTreeMap<u32, Page> = BTreeMap::new();
    for (&page, &group) in pages.iter().zip(group_of_page) {
        let best = of_group.entry(group).or_insert(page);
        if speaks_before(page, *best) {
            *best = page;
        }
    }
    of_group.into_values().collect()
}

fn speaks_before(page: Page, other: Page) -> bool {
    let tokens =
        |page: Page| page.paragraphs.iter().map(|paragraph| u64::from(paragraph.tokens)).sum::<u64>();
    let rank = |page: Page| (keys(page.paragraphs), sorted(page.sections));
    match tokens(page).cmp(&tokens(other)) {
        std::cmp::Ordering::Equal => rank(page) < rank(other),
        order => order.is_gt(),
    }
}

fn keys(page: &[PageParagraph]) -> Vec<ParagraphKey> {
    page.iter().map(|paragraph| paragraph.key).collect()
}

fn sorted(sections: &[SectionId]) -> Vec<SectionId> {
    let mut sections = sections.to_vec();
    sections.sort_unstable();
    sections
}

/// How a page is judged: the accepted paragraphs, and in which units of the site they count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Rules {
    /// Ascending by key.
    entries: Vec<Entry>,
    entry_of_key: Map<ParagraphKey, u32>,
    units: BTreeMap<Unit, UnitRules>,
    patience_tokens: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    key: ParagraphKey,
    /// None: it holds a run together, but is marked on too few pages to be reported.
    template: Option<u32>,
}

/// What one unit of the site accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct UnitRules {
    accepted: Map<ParagraphKey, Accepted>,
    /// Pairs of accepted paragraphs, the second right after the first, that make an inline run.
    bonds: Set<(ParagraphKey, ParagraphKey)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Accepted {
    /// Anything but `Stranger`.
    standing: Standing,
    /// Up to this often it is the template's wherever it stands on a page.
    usual: u32,
}

impl Rules {
    fn of(units: BTreeMap<Unit, UnitRules>, patience_tokens: u32) -> Rules {
        let keys: BTreeSet<ParagraphKey> =
            units.values().flat_map(|unit| unit.accepted.keys().copied()).collect();
        let entries: Vec<Entry> = keys.into_iter().map(|key| Entry { key, template: None }).collect();
        let numbered = entries.iter().zip(0..);
        let entry_of_key = numbered.map(|(entry, number)| (entry.key, number)).collect();
        Rules { entries, entry_of_key, units, patience_tokens }
    }

    fn entry(&self, key: ParagraphKey) -> Option<&Entry> {
        self.entry_of_key.get(&key).map(|&entry| &self.entries[entry as usize])
    }

    /// What the units that a page belongs to accepted.
    fn of_page<'a>(&'a self, page: Page<'_>) -> impl Iterator<Item = &'a UnitRules> {
        let site = self.units.get(&Unit::Site);
        let sections = page.sections.iter().filter_map(|&section| self.units.get(&Unit::Section(section)));
        let hub = |(end, key)| self.units.get(&Unit::Hub(end, key));
        let hubs = units::hub_candidates(page.paragraphs).filter_map(hub);
        site.into_iter().chain(sections).chain(hubs)
    }
}

/// Reads pages by the rules, one after the other, in buffers of its own.
struct Marker<'a> {
    rules: &'a Rules,
    units: Vec<&'a UnitRules>,
    entries: Vec<Option<u32>>,
    accepted: Vec<Option<Accepted>>,
    places: Vec<Place>,
    walk: Walk,
    marked: Vec<bool>,
    count: Map<u32, u32>,
}

impl<'a> Marker<'a> {
    fn new(rules: &'a Rules) -> Marker<'a> {
        Marker {
            rules,
            units: Vec::new(),
            entries: Vec::new(),
            accepted: Vec::new(),
            places: Vec::new(),
            walk: Walk::default(),
            marked: Vec::new(),
            count: Map::default(),
        }
    }

    fn read(&mut self, page: Page) {
        self.units.clear();
        let rules = self.rules;
        self.units.extend(rules.of_page(page));
        self.accepted.clear();
        self.entries.clear();
        for paragraph in page.paragraphs {
            let entry = rules.entry_of_key.get(&paragraph.key).copied();
            let accepted = entry.and_then(|_| accepted(&self.units, paragraph.key));
            self.entries.push(entry.filter(|_| accepted.is_some()));
            self.accepted.push(accepted);
        }
        self.places.clear();
        for (i, paragraph) in page.paragraphs.iter().enumerate() {
            let standing = self.accepted[i].map_or(Standing::Stranger, |accepted| accepted.standing);
            let known = |i: usize| self.entries.get(i).is_some_and(Option::is_some);
            let bonded = known(i)
                && known(i + 1)
                && page.paragraphs.get(i + 1).is_some_and(|next| {
                    self.units.iter().any(|unit| unit.bonds.contains(&(paragraph.key, next.key)))
                });
            let listed = paragraph.listed;
            self.places.push(Place { tokens: paragraph.tokens, standing, bonded, listed, proven: true });
        }
        self.walk.over(&self.places, self.rules.patience_tokens);
        self.count.clear();
        let supported = |i: usize| self.walk.supported[i];
        if (0..self.entries.len()).any(|i| self.entries[i].is_some() && !supported(i)) {
            for &entry in self.entries.iter().flatten() {
                *self.count.entry(entry).or_default() += 1;
            }
        }
        self.marked.clear();
        for (i, &supported) in self.walk.supported.iter().enumerate() {
            // On a page that has it just as often as is usual, each occurrence is the template's, wherever it
            // stands.
            let usual = |entry: u32| self.accepted[i].is_some_and(|a| self.count[&entry] <= a.usual);
            self.marked.push(self.entries[i].is_some_and(|entry| supported || usual(entry)));
        }
    }

    /// For each paragraph of the page, its entry where it is boilerplate.
    fn entries(&self) -> impl Iterator<Item = Option<u32>> {
        self.entries.iter().zip(&self.marked).map(|(entry, &marked)| entry.filter(|_| marked))
    }

    /// For each paragraph of the page, the template it belongs to.
    fn templates(&self) -> impl Iterator<Item = Option<u32>> {
        self.entries().map(|entry| entry.and_then(|entry| self.rules.entries[entry as usize].template))
    }
}

/// The most that any of these units accepted a paragraph for.
fn accepted(units: &[&UnitRules], key: ParagraphKey) -> Option<Accepted> {
    let both = |a: Accepted, b: Accepted| Accepted {
        standing: a.standing.max(b.standing),
        usual: a.usual.max(b.usual),
    };
    units.iter().filter_map(|unit| unit.accepted.get(&key).copied()).reduce(both)
}

/// The whole way. `speaking` decide, `pages` are counted, what `earlier` did not have stays out.
fn decide(
    speaking: &[Page],
    pages: &[Page],
    earlier: Option<&SiteTemplates>,
    settings: &TemplateSettings,
) -> SiteTemplates {
    let earlier = earlier.map(|earlier| &earlier.rules);
    let different = units::different(speaking);
    let rules = units::rules(&different, earlier, settings);
    shape::shape(rules, &different, pages, earlier, settings)
}
