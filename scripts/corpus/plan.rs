//! Which document is what?
//!
//! A number in; whether the document is an original or a copy, of which one, on which site and in which language out. Every
//! answer follows from the seed and the number alone and looks at smaller numbers only. So threads need not speak to each
//! other, nothing is remembered, and the first documents of a corpus are those of a larger one.
//!
//! Time: a few draws; following a copy to its original takes a step or two.

use super::language;
use super::random::Random;

/// What is planted: shares in 0 to 1, of all documents for copies, of the originals for the rest.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// Copies of the whole content.
    pub exact: f64,
    /// Edited copies.
    pub near: f64,
    /// Copies that break off.
    pub abridged: f64,
    /// Originals whose lead is said again by two later paragraphs.
    pub leads: f64,
    /// Originals with another paragraph that stands again later.
    pub repeats: f64,
    /// Originals that open with an agency's lead.
    pub shared_leads: f64,
    /// Originals with an agency's paragraph in the body.
    pub agency: f64,
}

impl Default for Shares {
    /// About a fifth of all documents are alike with an earlier one by 0.8 or more; a guess at a news crawl.
    fn default() -> Shares {
        Shares {
            exact: 0.10,
            near: 0.20,
            abridged: 0.03,
            leads: 0.04,
            repeats: 0.02,
            shared_leads: 0.04,
            agency: 0.04,
        }
    }
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written for itself.
    Original,
    /// The content of another.
    Exact,
    /// The content of another, edited.
    Near,
    /// The beginning of another.
    Abridged,
}

/// What an original has besides its paragraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    Plain,
    /// A lead said again by two later paragraphs.
    Lead,
    /// Another paragraph, said again.
    Repeat,
    /// An agency's lead.
    SharedLead,
    /// An agency's paragraph.
    Agency,
}

/// Where and in which language a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The site's number.
    pub site: u64,
    /// The language's number.
    pub language: usize,
}

/// Answers for every number.
pub struct Plan {
    seed: u64,
    shares: Shares,
    sites: Option<u64>,
}

/// What is drawn for one use does not move with what is drawn for another.
#[derive(Clone, Copy)]
pub enum Use {
    /// What a document is.
    Kind = 1,
    /// What it is a copy of.
    Source,
    /// Its site.
    Site,
    /// A site's languages.
    Tongue,
    /// The text of an original.
    Article,
    /// What an original has besides.
    Extra,
    /// The edits of a copy.
    Edit,
    /// The values of its slots.
    Page,
    /// The lines of a site's header.
    Header,
    /// The lines of its footer.
    Footer,
    /// A network's notice.
    Network,
    /// An agency's paragraph.
    Wire,
}

impl Plan {
    /// With `sites` given, all of them from the first document on; else as many as the number so far asks for.
    pub fn new(seed: u64, shares: Shares, sites: Option<u64>) -> Plan {
        Plan { seed, shares, sites: sites.map(|sites| sites.max(1)) }
    }

    /// The draws for one use of one number.
    pub fn random(&self, of: Use, number: u64) -> Random {
        let mut random = Random(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (of as u64) << 56 ^ number);
        Random(random.next())
    }

    /// What the document is. The first ones are originals.
    pub fn kind(&self, number: u64) -> Kind {
        if number < FIRST_ORIGINALS {
            return Kind::Original;
        }
        let Shares { exact, near, abridged, .. } = self.shares;
        match which(&mut self.random(Use::Kind, number), &[exact, near, abridged]) {
            0 => Kind::Exact,
            1 => Kind::Near,
            2 => Kind::Abridged,
            _ => Kind::Original,
        }
    }

    /// Itself, or the original that it is a copy of.
    pub fn original_of(&self, mut number: u64) -> u64 {
        while self.kind(number) != Kind::Original {
            number = self.earlier(number);
        }
        number
    }

    /// Any earlier document; or, for one copy in ten, the story that many copies of one stretch share.
    fn earlier(&self, number: u64) -> u64 {
        let mut random = self.random(Use::Source, number);
        let stretch = number / STRETCH;
        if stretch > 0 && random.below(10) == 0 {
            return self.random(Use::Source, u64::MAX - stretch).below(stretch * STRETCH);
        }
        random.below(number)
    }

    /// What an original has besides.
    pub fn extra(&self, number: u64) -> Extra {
        let Shares { leads, repeats, shared_leads, agency, .. } = self.shares;
        match which(&mut self.random(Use::Extra, number), &[leads, repeats, shared_leads, agency]) {
            0 => Extra::Lead,
            1 => Extra::Repeat,
            2 => Extra::SharedLead,
            3 => Extra::Agency,
            _ => Extra::Plain,
        }
    }

    /// The number of an agency's paragraph: of the same stretch and language, a few documents share one.
    pub fn wire(&self, number: u64, language: usize, share: Extra) -> u64 {
        let share = if share == Extra::SharedLead { self.shares.shared_leads } else { self.shares.agency };
        let expected = (STRETCH as f64 * share * speakers(language)) as u64;
        let stories = (expected / DOCUMENTS_PER_WIRE).max(1);
        let story = self.random(Use::Wire, number).below(stories);
        ((number / STRETCH) * language::COUNT as u64 + language as u64) * STRETCH + story
    }

    /// Where the document stands. Copies stay in their original's language: three in ten on its site, the others on another.
    pub fn home(&self, number: u64) -> Home {
        let mut random = self.random(Use::Site, number);
        let original = self.original_of(number);
        if original == number {
            let site = self.any_site(number, &mut random);
            return Home { site, language: self.one_language_of(site, &mut random) };
        }
        let home = self.home(original);
        if random.below(10) < 3 {
            return home;
        }
        let others = (0..SITES_ASKED).map(|_| self.any_site(number, &mut random));
        let mut fit =
            others.filter(|&site| site != home.site && self.languages_of(site).contains(&home.language));
        fit.next().map_or(home, |site| Home { site, language: home.language })
    }

    /// How many sites there are among the first `documents`.
    pub fn sites(&self, documents: u64) -> u64 {
        self.sites.unwrap_or(FIRST_SITES + documents / DOCUMENTS_PER_SITE)
    }

    /// Site `r` of `s` is drawn in proportion to `r^(-2/3)`, so the first of 1,000 has a tenth of all pages.
    fn any_site(&self, number: u64, random: &mut Random) -> u64 {
        let draw = random.next() >> 32;
        let cube = (((draw * draw) >> 32) * draw) >> 32;
        (cube * self.sites(number)) >> 32
    }

    /// The language of most pages, and of the others.
    pub fn languages_of(&self, site: u64) -> [usize; 2] {
        let mut random = self.random(Use::Tongue, site);
        let first = any_language(&mut random);
        let second = if random.below(12) == 0 { any_language(&mut random) } else { first };
        [first, second]
    }

    fn one_language_of(&self, site: u64, random: &mut Random) -> usize {
        let [first, second] = self.languages_of(site);
        if random.below(3) == 0 { second } else { first }
    }
}

/// The place of the share that an even draw of 0 to 1 falls into; their number, where it falls behind all.
fn which(random: &mut Random, shares: &[f64]) -> usize {
    let mut draw = random.below(1 << 24) as f64 / f64::from(1 << 24);
    for (place, share) in shares.iter().enumerate() {
        if draw < *share {
            return place;
        }
        draw -= share;
    }
    shares.len()
}

/// Of fewer, each would have a great many copies.
const FIRST_ORIGINALS: u64 = 100;

/// Documents that may share an agency's paragraph, or a story of the day.
const STRETCH: u64 = 2_048;

const DOCUMENTS_PER_WIRE: u64 = 5;

/// On average.
const DOCUMENTS_PER_SITE: u64 = 80;

/// So that small corpora have more than one.
const FIRST_SITES: u64 = 12;

/// How many sites are drawn for one of the right language.
const SITES_ASKED: u64 = 64;

/// Percent of sites, in the order of [`language`]'s lists.
const SPEAKERS: [u64; language::COUNT] = [40, 14, 12, 12, 10, 12];

fn speakers(language: usize) -> f64 {
    SPEAKERS[language] as f64 / 100.0
}

fn any_language(random: &mut Random) -> usize {
    let mut draw = random.below(SPEAKERS.iter().sum());
    for (language, share) in SPEAKERS.iter().enumerate() {
        if draw < *share {
            return language;
        }
        draw -= share;
    }
    0
}
