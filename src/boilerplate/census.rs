//! Which paragraphs stand on how many pages, and which are boilerplate?
//!
//! Different pages in, a [`Census`] out: every different paragraph has a number, and each page is a run of numbers.
//! Then [`accept`] turns census and voices into [`UnitRules`].
//!
//! Numbers are given in the order in which paragraphs are met; nothing that leaves this room depends on them.

use std::collections::hash_map::Entry as Slot;

use super::evidence::Voice;
use super::walk::{Place, Standing, Walk};
use super::{
    Accepted, Map, PageParagraph, ParagraphKey, SKETCH_PAIRS, Set, TemplateSettings, UnitRules, mix, reaches,
};

/// Different pages, paragraphs as numbers.
pub(super) struct Census {
    paragraphs: Vec<PageParagraph>,
    number_of_key: Map<ParagraphKey, u32>,
    /// The paragraphs of all pages; page `i` is `standing[starts[i]..starts[i + 1]]`.
    standing: Vec<u32>,
    /// Whether each is an entry of a table of contents there.
    listed: Vec<bool>,
    starts: Vec<usize>,
}

impl Census {
    /// Counts nothing yet; gives numbers.
    pub fn of(pages: &[&[PageParagraph]]) -> Census {
        let mut census = Census {
            paragraphs: Vec::new(),
            number_of_key: Map::default(),
            standing: Vec::with_capacity(pages.iter().map(|page| page.len()).sum()),
            listed: pages.iter().flat_map(|page| page.iter().map(|paragraph| paragraph.listed)).collect(),
            starts: vec![0],
        };
        for page in pages {
            for paragraph in *page {
                let number = census.number(paragraph);
                census.standing.push(number);
            }
            census.starts.push(census.standing.len());
        }
        census
    }

    fn number(&mut self, paragraph: &PageParagraph) -> u32 {
        match self.number_of_key.entry(paragraph.key) {
            Slot::Vacant(slot) => {
                let number = self.paragraphs.len() as u32;
                slot.insert(number);
                self.paragraphs.push(*paragraph);
                number
            }
            Slot::Occupied(slot) => {
                // Equal keys have equal tokens and sketches, unless two callers disagree; then the order of
                // pages must not matter.
                let known = &mut self.paragraphs[*slot.get() as usize];
                known.tokens = known.tokens.max(paragraph.tokens);
                known.sketch = std::array::from_fn(|i| known.sketch[i].min(paragraph.sketch[i]));
                *slot.get()
            }
        }
    }

    /// How many pages there are.
    pub fn page_count(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// The pages, in their order.
    pub fn pages(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|page| &self.standing[page[0]..page[1]])
    }

    /// The pages that speak, with what is listed on them.
    fn speaking_lists<'a>(&'a self, voices: &'a [Voice]) -> impl Iterator<Item = (&'a [u32], &'a [bool])> {
        let pages = self.starts.windows(2).zip(voices).filter(|&(_, &voice)| voice > Voice::Silent);
        pages.map(|(page, _)| (&self.standing[page[0]..page[1]], &self.listed[page[0]..page[1]]))
    }

    /// The tokens of a paragraph.
    pub fn tokens(&self, paragraph: u32) -> u32 {
        self.paragraphs[paragraph as usize].tokens
    }

    /// For each paragraph, on how many pages it or a near form of it stands: the largest count of its key and
    /// of the parts of its sketch.
    pub fn spread(&self) -> Vec<u32> {
        let pages = PagesOf::of(self);
        let mut counter = Counter { last_seen: vec![u32::MAX; self.page_count() as usize], now: 0 };
        let mut spread: Vec<u32> =
            (0..self.paragraphs.len() as u32).map(|paragraph| pages.get(paragraph).len() as u32).collect();
        let mut sieve = Sieve::new(self.paragraphs.len());
        for pair in SKETCH_PAIRS {
            let part = |paragraph: u32| self.paragraphs[paragraph as usize].sketch_pair(pair);
            let mut shared =
                sieve.shared(self.paragraphs.iter().map(|paragraph| paragraph.sketch_pair(pair)));
            shared.sort_unstable_by_key(|&paragraph| (part(paragraph), paragraph));
            for near in shared.chunk_by(|&a, &b| part(a) == part(b)).filter(|near| near.len() > 1) {
                let together = counter.pages(near.iter().flat_map(|&paragraph| pages.get(paragraph)));
                for &paragraph in near {
                    let spread = &mut spread[paragraph as usize];
                    *spread = together.max(*spread);
                }
            }
        }
        spread
    }
}

/// The different pages of each paragraph.
struct PagesOf {
    pages: Vec<u32>,
    /// The pages of paragraph `i` are `pages[starts[i]..ends[i]]`.
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl PagesOf {
    fn of(census: &Census) -> PagesOf {
        let mut starts = vec![0; census.paragraphs.len()];
        census.standing.iter().for_each(|&paragraph| starts[paragraph as usize] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        let mut pages = vec![0; census.standing.len()];
        let mut ends = starts.clone();
        for (page, number) in census.pages().zip(0..) {
            for &paragraph in page {
                let (start, end) = (starts[paragraph as usize], &mut ends[paragraph as usize]);
                if *end == start || pages[*end - 1] != number {
                    pages[*end] = number;
                    *end += 1;
                }
            }
        }
        PagesOf { pages, starts, ends }
    }

    fn get(&self, paragraph: u32) -> &[u32] {
        &self.pages[self.starts[paragraph as usize]..self.ends[paragraph as usize]]
    }
}

/// Counts different pages, one count after the other.
struct Counter {
    last_seen: Vec<u32>,
    now: u32,
}

impl Counter {
    fn pages<'a>(&mut self, pages: impl Iterator<Item = &'a u32>) -> u32 {
        self.now += 1;
        let now = self.now;
        pages.filter(|&&page| std::mem::replace(&mut self.last_seen[page as usize], now) != now).count()
            as u32
    }
}

/// Tells what occurs more than once from most of what does not, without a look at the values: most parts of sketches are of
/// one paragraph alone.
struct Sieve {
    /// By a few bits of a hash, how often it was met: up to 2.
    met: Vec<u8>,
}

impl Sieve {
    fn new(values: usize) -> Sieve {
        Sieve { met: vec![0; (4 * values).next_power_of_two()] }
    }

    /// The places of all values that occur more than once, and of some others.
    fn shared(&mut self, values: impl Iterator<Item = (u32, u32)> + Clone) -> Vec<u32> {
        self.met.fill(0);
        let mask = self.met.len() - 1;
        let slot = |(a, b): (u32, u32)| mix(u64::from(a) << 32 | u64::from(b)) as usize & mask;
        for value in values.clone() {
            let met = &mut self.met[slot(value)];
            *met = (*met + 1).min(2);
        }
        (0..).zip(values).filter(|&(_, value)| self.met[slot(value)] == 2).map(|(place, _)| place).collect()
    }
}

/// Decides which paragraphs are boilerplate, and by which bonds; what `earlier` did not have stays out.
pub(super) fn accept(
    census: &Census,
    voices: &[Voice],
    earlier: Option<&UnitRules>,
    settings: &TemplateSettings,
) -> UnitRules {
    let count = Count::of(census, voices);
    if count.speaking < settings.min_documents {
        return UnitRules::default();
    }
    let mut standing = count.standings(census, settings);
    if let Some(earlier) = earlier {
        for (standing, paragraph) in standing.iter_mut().zip(&census.paragraphs) {
            let before = earlier.accepted.get(&paragraph.key).map_or(Standing::Stranger, |is| is.standing);
            *standing = before.min(*standing);
        }
    }
    let mut bonds = count.bonds(census, voices, &standing, settings);
    match earlier {
        // They were looked at then; to look again at what is left of them would drop more than the counts ask for.
        Some(earlier) => {
            let key = |paragraph: u32| census.paragraphs[paragraph as usize].key;
            bonds.retain(|&(first, second)| earlier.bonds.contains(&(key(first), key(second))));
        }
        None => Count::drop_weak_pairs(&mut bonds, census, voices, &standing, settings),
    }
    settle(census, voices, &count, &mut standing, &bonds, settings);
    let phrases = phrases(census, voices, &count, &standing, settings);
    unit_rules(census, &count, &standing, &bonds, &phrases, earlier)
}

/// How many pages of each voice a paragraph stands on, and how often it stands there.
struct Count {
    /// Pages that speak at all.
    speaking: u32,
    /// By paragraph: on pages that speak, speak fully, speak fully and afresh.
    thin: Vec<u32>,
    full: Vec<u32>,
    fresh: Vec<u32>,
    /// By paragraph: occurrences on pages that speak.
    occurrences: Vec<u32>,
}

impl Count {
    fn of(census: &Census, voices: &[Voice]) -> Count {
        let zero = || vec![0_u32; census.paragraphs.len()];
        let mut count = Count { speaking: 0, thin: zero(), full: zero(), fresh: zero(), occurrences: zero() };
        let mut last_seen = vec![u32::MAX; census.paragraphs.len()];
        for (number, (page, voice)) in speaking(census, voices).enumerate() {
            count.speaking += 1;
            for &paragraph in page {
                let paragraph = paragraph as usize;
                count.occurrences[paragraph] += 1;
                if last_seen[paragraph] != number as u32 {
                    last_seen[paragraph] = number as u32;
                    count.thin[paragraph] += 1;
                    count.full[paragraph] += u32::from(voice >= Voice::Full);
                    count.fresh[paragraph] += u32::from(voice >= Voice::Fresh);
                }
            }
        }
        count
    }

    fn standings(&self, census: &Census, settings: &TemplateSettings) -> Vec<Standing> {
        (0..self.thin.len())
            .map(|paragraph| {
                if self.stands_on(paragraph, settings.edge_percent, settings) {
                    Standing::Anchor
                } else if self.fresh[paragraph] >= settings.pages(settings.guest_percent, self.speaking)
                    && census.tokens(paragraph as u32) <= settings.patience_tokens
                {
                    Standing::Guest
                } else {
                    Standing::Stranger
                }
            })
            .collect()
    }

    /// Whether a paragraph stands on `percent` of the pages, in the eyes of pages that are fully believed, or
    /// on most pages in the eyes of all that speak.
    fn stands_on(&self, paragraph: usize, percent: u32, settings: &TemplateSettings) -> bool {
        self.full[paragraph] >= settings.pages(percent, self.speaking)
            || self.thin[paragraph] >= settings.pages(settings.majority_percent, self.speaking)
    }

    /// Paragraphs that fell, are too long for a heading and stand on nearly all pages.
    fn frequent_phrases(
        &self,
        census: &Census,
        standing: &[Standing],
        settings: &TemplateSettings,
    ) -> Set<u32> {
        let nearly_all = settings.pages(settings.phrase_percent, self.speaking);
        let may_be = |&paragraph: &u32| {
            standing[paragraph as usize] == Standing::Stranger
                && census.tokens(paragraph) >= settings.phrase_tokens
                && self.full[paragraph as usize] >= nearly_all
        };
        (0..self.full.len() as u32).filter(may_be).collect()
    }

    /// Pairs of neighbours that make an inline run.
    fn bonds(
        &self,
        census: &Census,
        voices: &[Voice],
        standing: &[Standing],
        settings: &TemplateSettings,
    ) -> Set<(u32, u32)> {
        let inline: Vec<bool> = (0..standing.len())
            .map(|paragraph| {
                standing[paragraph] == Standing::Anchor
                    && self.stands_on(paragraph, settings.inline_percent, settings)
            })
            .collect();
        let mut together: Map<(u32, u32), u32> = Map::default();
        for (page, _) in speaking(census, voices) {
            for pair in page.windows(2) {
                if inline[pair[0] as usize] && inline[pair[1] as usize] {
                    *together.entry((pair[0], pair[1])).or_default() += 1;
                }
            }
        }
        let bonded = |(first, second): (u32, u32), times: u32| {
            let larger = self.occurrences[first as usize].max(self.occurrences[second as usize]);
            reaches(times, settings.bond_percent, larger)
        };
        together.into_iter().filter(|&(pair, times)| bonded(pair, times)).map(|(pair, _)| pair).collect()
    }

    /// Drops the bonds of two that no third is bonded to, unless they mostly stand near an end of the page: two headings
    /// that follow each other, that of a section and that of its table, repeat lawfully.
    fn drop_weak_pairs(
        bonds: &mut Set<(u32, u32)>,
        census: &Census,
        voices: &[Voice],
        standing: &[Standing],
        settings: &TemplateSettings,
    ) {
        let ends: Set<u32> = bonds.iter().map(|bond| bond.1).collect();
        let starts: Set<u32> = bonds.iter().map(|bond| bond.0).collect();
        let mut alone: Map<(u32, u32), (u32, u32)> = bonds
            .iter()
            .filter(|(first, second)| !ends.contains(first) && !starts.contains(second))
            .map(|&bond| (bond, (0, 0)))
            .collect();
        for (page, _) in speaking(census, voices) {
            let own = |&paragraph: &u32| match standing[paragraph as usize] {
                Standing::Stranger => u64::from(census.tokens(paragraph)),
                _ => 0,
            };
            let all: u64 = page.iter().map(own).sum();
            let mut above = 0;
            for pair in page.windows(2) {
                above += own(&pair[0]);
                if let Some((times, outer)) = alone.get_mut(&(pair[0], pair[1])) {
                    let beyond = above.min(all - above);
                    *times += 1;
                    *outer += u32::from(beyond * 100 <= u64::from(settings.pair_percent) * all);
                }
            }
        }
        bonds.retain(|bond| alone.get(bond).is_none_or(|&(times, outer)| 2 * outer >= times));
    }
}

/// The pages that speak, with their voices.
fn speaking<'a>(census: &'a Census, voices: &'a [Voice]) -> impl Iterator<Item = (&'a [u32], Voice)> {
    census.pages().zip(voices.iter().copied()).filter(|&(_, voice)| voice > Voice::Silent)
}

/// At most this often are places judged again with what was accepted; a round in which nothing falls ends it.
/// Judged once, a manual in 11 languages loses 0.0009 of its content and 0.946 of its template tokens are
/// right; settled, 0.00007 and all.
const ROUNDS: usize = 16;

/// Makes strangers of all paragraphs whose occurrences do not stand, for the most part, where boilerplate
/// stands.
fn settle(
    census: &Census,
    voices: &[Voice],
    count: &Count,
    standing: &mut [Standing],
    bonds: &Set<(u32, u32)>,
    settings: &TemplateSettings,
) {
    let mut places = Vec::new();
    let mut walk = Walk::default();
    for _ in 0..ROUNDS {
        let mut supported = vec![0_u32; standing.len()];
        for (page, listed) in census.speaking_lists(voices) {
            places.clear();
            let place = |i| Place { listed: listed[i], ..place(census, page, i, standing, bonds) };
            places.extend((0..page.len()).map(place));
            walk.over(&places, settings.patience_tokens);
            for (&paragraph, &is) in page.iter().zip(&walk.supported) {
                supported[paragraph as usize] += u32::from(is);
            }
        }
        let mut fallen = 0;
        for (paragraph, standing) in standing.iter_mut().enumerate() {
            let holds = supported[paragraph] > 0
                && reaches(supported[paragraph], settings.support_percent, count.occurrences[paragraph]);
            if *standing != Standing::Stranger && !holds {
                *standing = Standing::Stranger;
                fallen += 1;
            }
        }
        if fallen == 0 {
            break;
        }
    }
}

/// Of the paragraphs that may be phrases ("Continue reading the main story" above every box in the body), those that stand
/// right beside boilerplate on most of their pages. A refrain does not.
fn phrases(
    census: &Census,
    voices: &[Voice],
    count: &Count,
    standing: &[Standing],
    settings: &TemplateSettings,
) -> Set<u32> {
    let may_be = count.frequent_phrases(census, standing, settings);
    let mut pages: Map<u32, u32> = Map::default();
    let known =
        |paragraph: Option<&u32>| paragraph.is_some_and(|&p| standing[p as usize] == Standing::Anchor);
    for (page, _) in speaking(census, voices).filter(|_| !may_be.is_empty()) {
        let beside = |i: usize| known(page.get(i + 1)) || (i > 0 && known(page.get(i - 1)));
        let found: Set<u32> =
            (0..page.len()).filter(|&i| may_be.contains(&page[i]) && beside(i)).map(|i| page[i]).collect();
        for phrase in found {
            *pages.entry(phrase).or_default() += 1;
        }
    }
    let often =
        |&(phrase, pages): &(u32, u32)| reaches(pages, settings.support_percent, count.thin[phrase as usize]);
    pages.into_iter().filter(often).map(|(phrase, _)| phrase).collect()
}

fn place(census: &Census, page: &[u32], i: usize, standing: &[Standing], bonds: &Set<(u32, u32)>) -> Place {
    let known = |paragraph: u32| standing[paragraph as usize] == Standing::Anchor;
    let bonded = page
        .get(i + 1)
        .is_some_and(|&next| known(page[i]) && known(next) && bonds.contains(&(page[i], next)));
    Place {
        tokens: census.tokens(page[i]),
        standing: standing[page[i] as usize],
        bonded,
        listed: false,
        proven: false,
    }
}

/// What was accepted, by key, so that it no longer depends on how paragraphs were numbered.
fn unit_rules(
    census: &Census,
    count: &Count,
    standing: &[Standing],
    bonds: &Set<(u32, u32)>,
    phrases: &Set<u32>,
    earlier: Option<&UnitRules>,
) -> UnitRules {
    let key = |paragraph: u32| census.paragraphs[paragraph as usize].key;
    let known = |&paragraph: &u32| standing[paragraph as usize] != Standing::Stranger;
    let mut rules = UnitRules::default();
    for paragraph in
        (0..standing.len() as u32).filter(|paragraph| known(paragraph) || phrases.contains(paragraph))
    {
        let number = paragraph as usize;
        let before = earlier.map(|earlier| earlier.accepted.get(&key(paragraph)));
        let usual = if phrases.contains(&paragraph) {
            u32::MAX
        } else {
            (count.occurrences[number] / count.thin[number].max(1)).max(1)
        };
        let accepted = Accepted { standing: standing[number].max(Standing::Guest), usual };
        match before {
            Some(None) => {}
            Some(Some(before)) => {
                let usual = usual.min(before.usual);
                rules.accepted.insert(key(paragraph), Accepted { usual, ..accepted });
            }
            None => {
                rules.accepted.insert(key(paragraph), accepted);
            }
        }
    }
    let both_known = |&&(first, second): &&(u32, u32)| known(&first) && known(&second);
    rules.bonds = bonds.iter().filter(both_known).map(|&(first, second)| (key(first), key(second))).collect();
    rules
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Spread as it is defined: pages counted one by one for each pair of minima.
    fn plain_spread(census: &Census) -> Vec<u32> {
        let near = |a: u32, b: u32| {
            let [a, b] = [a, b].map(|paragraph| &census.paragraphs[paragraph as usize]);
            SKETCH_PAIRS.map(|pair| a.key == b.key || a.sketch_pair(pair) == b.sketch_pair(pair))
        };
        let on = |paragraph: u32, pair: usize| {
            let has = |page: &&[u32]| page.iter().any(|&other| near(paragraph, other)[pair]);
            census.pages().filter(has).count() as u32
        };
        let most = |paragraph| (0..SKETCH_PAIRS.len()).map(|pair| on(paragraph, pair)).max().unwrap_or(0);
        (0..census.paragraphs.len() as u32).map(most).collect()
    }

    proptest! {
        #[test]
        fn spread_counts_near_forms(
            pages in prop::collection::vec(prop::collection::vec((0_u128..40, 0_u32..3), 0..8), 0..20),
        ) {
            let sketch = |key: u128, edit: u32| {
                std::array::from_fn(|i| mix(key as u64 / 3 * 8 + i as u64 + u64::from(i as u32 == edit) * key as u64) as u32)
            };
            let paragraph = |&(key, edit): &(u128, u32)| PageParagraph { key, sketch: sketch(key, edit), tokens: 9, listed: false };
            let pages: Vec<Vec<PageParagraph>> = pages.iter().map(|page| page.iter().map(paragraph).collect()).collect();
            let pages: Vec<&[PageParagraph]> = pages.iter().map(Vec::as_slice).collect();
            let census = Census::of(&pages);
            prop_assert_eq!(census.spread(), plain_spread(&census));
        }
    }
}
