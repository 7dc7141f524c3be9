//! Of which pages is it a share?
//!
//! The different pages of a site in, [`Rules`] out. A template may stand on all pages of a site, or on those of a
//! section or a language, which may be few of all: so each *unit* of pages is judged as if it were a site. Units are the
//! site itself, the sections that its addresses name, and the pages around a *hub*: a paragraph at the head or tail of
//! pages that no such unit explains, with others that always go with it (pages of another language among those
//! of a folder). In smaller units more is asked for, since copies of one text make a larger share of them.
//!
//! A unit too many costs little: what it accepts counts on its own pages only, and is proved there. A unit too few leaves a
//! section's menu in the content.
//!
//! Time: as for the site, once for each unit that a page belongs to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::census::{self, Census};
use super::walk::Standing;
use super::{
    Map, Page, PageParagraph, ParagraphKey, Rules, SectionId, TemplateSettings, UnitRules, evidence, keys,
    sorted,
};

/// Pages of a site that are judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Unit {
    /// All of them.
    Site,
    /// Those of a section.
    Section(SectionId),
    /// Those with this paragraph at this end.
    Hub(End, ParagraphKey),
}

/// An end of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum End {
    Head,
    Tail,
}

/// Of pages with equal paragraphs one, in an order that is the same whatever the order of `pages`.
pub(super) fn different<'a>(pages: &[Page<'a>]) -> Vec<Page<'a>> {
    let mut different: Vec<(Vec<ParagraphKey>, Page)> =
        pages.iter().map(|&page| (keys(page.paragraphs), page)).collect();
    // Forms of one paragraph have one key and may differ in all else.
    let rest = |page: Page| {
        let facts = |paragraph: &PageParagraph| (paragraph.tokens, paragraph.listed, paragraph.sketch);
        (sorted(page.sections), page.paragraphs.iter().map(facts).collect::<Vec<_>>())
    };
    different.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| rest(a.1).cmp(&rest(b.1))));
    different.dedup_by(|a, b| a.0 == b.0);
    different.into_iter().map(|(_, page)| page).collect()
}

/// What each unit accepts; of what `earlier` accepted only, where it is given.
pub(super) fn rules(different: &[Page], earlier: Option<&Rules>, settings: &TemplateSettings) -> Rules {
    let mut units = BTreeMap::new();
    let mut judge = |unit: Unit, pages: &[Page], settings: &TemplateSettings| {
        let before = match earlier {
            Some(earlier) => Some(earlier.units.get(&unit)?),
            None => None,
        };
        let accepted = accept(pages, before, settings);
        (!accepted.accepted.is_empty()).then(|| units.insert(unit, accepted))
    };
    judge(Unit::Site, different, settings);
    let smaller = settings.of_sections();
    for (section, pages) in sections(different, settings) {
        judge(Unit::Section(section), &pages, &smaller);
    }
    let rules = Rules::of(units, settings.patience_tokens);
    with_hubs(rules, different, earlier, settings)
}

fn accept(pages: &[Page], earlier: Option<&UnitRules>, settings: &TemplateSettings) -> UnitRules {
    let pages: Vec<&[PageParagraph]> = pages.iter().map(|page| page.paragraphs).collect();
    let census = Census::of(&pages);
    let voices = evidence::voices(&census, settings);
    census::accept(&census, &voices, earlier, settings)
}

/// The sections that are large enough and not the whole site, with their pages.
fn sections<'a>(different: &[Page<'a>], settings: &TemplateSettings) -> BTreeMap<SectionId, Vec<Page<'a>>> {
    let mut sections: BTreeMap<SectionId, Vec<Page>> = BTreeMap::new();
    for &page in different {
        let mut own = sorted(page.sections);
        own.dedup();
        for section in own {
            sections.entry(section).or_default().push(page);
        }
    }
    sections
        .retain(|_, pages| pages.len() >= settings.section_pages as usize && pages.len() < different.len());
    sections
}

/// How many paragraphs at the head, and how many at the tail, may be hubs.
const HUB_REACH: usize = 2;

/// The paragraphs of a page that may be hubs. The end matters: the title of one page is the link at the foot of its
/// neighbours.
pub(super) fn hub_candidates(page: &[PageParagraph]) -> impl Iterator<Item = (End, ParagraphKey)> {
    let head = page.iter().take(HUB_REACH).map(|paragraph| (End::Head, paragraph.key));
    let tail = page.iter().rev().take(HUB_REACH).map(|paragraph| (End::Tail, paragraph.key));
    head.chain(tail)
}

/// At most this many hubs of a site are looked at, those on most pages first.
const MAX_HUBS: usize = 64;

/// A hub needs this many other paragraphs that stand on nearly all of its pages.
const HUB_COMPANIONS: usize = 2;

/// Adds the units around hubs.
fn with_hubs(
    mut rules: Rules,
    different: &[Page],
    earlier: Option<&Rules>,
    settings: &TemplateSettings,
) -> Rules {
    let smaller = settings.of_hubs();
    let mut seen = BTreeSet::new();
    let candidates = hubs(&rules, different, earlier, settings);
    let mut found = Vec::new();
    for ((end, hub), numbers) in candidates {
        let unit = Unit::Hub(end, hub);
        let known = earlier.map(|earlier| earlier.units.get(&unit));
        if known == Some(None) || (earlier.is_none() && !seen.insert(numbers.clone())) {
            continue;
        }
        let pages: Vec<Page> = numbers.iter().map(|&number| different[number as usize]).collect();
        let accepted = accept(&pages, known.flatten(), &smaller);
        let companions = accepted
            .accepted
            .iter()
            .filter(|&(&key, accepted)| key != hub && accepted.standing == Standing::Anchor)
            .count();
        if companions >= HUB_COMPANIONS || (earlier.is_some() && !accepted.accepted.is_empty()) {
            found.push((unit, accepted));
        }
    }
    if found.is_empty() {
        return rules;
    }
    let mut units = std::mem::take(&mut rules.units);
    units.extend(found);
    Rules::of(units, settings.patience_tokens)
}

/// The paragraphs at heads and tails that no unit accepts where they stand, with the pages they stand on; those on most
/// pages first.
fn hubs(
    rules: &Rules,
    different: &[Page],
    earlier: Option<&Rules>,
    settings: &TemplateSettings,
) -> Vec<((End, ParagraphKey), Vec<u32>)> {
    let mut pages_of: Map<(End, ParagraphKey), Vec<u32>> = Map::default();
    let mut units = Vec::new();
    for (page, number) in different.iter().zip(0..) {
        units.clear();
        units.extend(rules.of_page(*page).filter(|_| earlier.is_none()));
        for (end, key) in hub_candidates(page.paragraphs) {
            let known = match earlier {
                Some(earlier) => !earlier.units.contains_key(&Unit::Hub(end, key)),
                None => units.iter().any(|unit| unit.accepted.contains_key(&key)),
            };
            if !known {
                let pages = pages_of.entry((end, key)).or_default();
                if pages.last() != Some(&number) {
                    pages.push(number);
                }
            }
        }
    }
    let share = settings.pages(settings.hub_share_percent, different.len() as u32);
    let enough = settings.section_pages.max(share) as usize;
    let mut hubs: Vec<((End, ParagraphKey), Vec<u32>)> =
        pages_of.into_iter().filter(|(_, pages)| pages.len() >= enough).collect();
    hubs.sort_unstable_by_key(|(hub, pages)| (Reverse(pages.len()), *hub));
    if earlier.is_none() {
        hubs.truncate(MAX_HUBS);
    }
    hubs
}
