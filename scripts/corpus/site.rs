//! What does a site put around its articles?
//!
//! The number of a site and a language in; its address, title, header and footer out, line by line. About one site in seven has
//! neither; a page in 25 lacks one of the two. Each site draws its own lines once; what differs from page to page (a date, a year, a
//! page number, a counter) stands in slots.

use super::language::{Language, Page, Slots, push_number};
use super::plan::{Plan, Use};
use super::random::Random;

/// The lines that a language of a site has.
pub struct Site<'s> {
    plan: &'s Plan,
    languages: &'s [Language],
    /// The site's number.
    pub number: u64,
    /// The number of the language.
    pub language: usize,
    /// `Marlow Gazette`.
    pub title: String,
    bare: bool,
}

/// What one page has of its site.
#[derive(Clone, Copy)]
pub struct Worn {
    /// Whether the header stands on it.
    pub header: bool,
    /// Whether the footer does.
    pub footer: bool,
}

impl<'s> Site<'s> {
    /// The site with this number in this language.
    pub fn new(plan: &'s Plan, languages: &'s [Language], number: u64, language: usize) -> Site<'s> {
        let mut site = Site { plan, languages, number, language, title: String::new(), bare: false };
        site.bare = site.random(Use::Header, true).below(100) < BARE_PERCENT;
        site.title = title(number);
        site
    }

    /// What a page has of it, by a draw of the page.
    pub fn worn(&self, page: &mut Random) -> Worn {
        let draw = page.below(50);
        Worn { header: !self.bare && draw != 0, footer: !self.bare && draw != 1 }
    }

    /// What parts paragraphs on its pages.
    pub fn separator(&self) -> &'static str {
        if self.random(Use::Tongue, true).below(10) == 0 { "\n" } else { "\n\n" }
    }

    /// The host, such as `www.marlow-gazette.example`.
    pub fn write_host(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"www.");
        out.extend(
            self.title.bytes().map(|byte| if byte == b' ' { b'-' } else { byte.to_ascii_lowercase() }),
        );
        out.extend_from_slice(b".example");
    }

    /// The folders of a page's url: a section, which has the language's name where the site has two.
    pub fn write_folders(&self, page: &mut Random, slots: Slots, out: &mut Vec<u8>) {
        let [first, second] = self.plan.languages_of(self.number);
        if first != second {
            out.extend_from_slice(self.speech().code.as_bytes());
            out.push(b'/');
        }
        out.extend_from_slice(SECTIONS[page.below(SECTIONS.len() as u64) as usize].as_bytes());
        out.push(b'/');
        push_number(slots.date.year, out);
        out.push(b'/');
    }

    /// Appends the lines of the header, each ended by a line break; without slots, with their names.
    pub fn write_header(&self, slots: Option<Slots>, out: &mut Vec<u8>) {
        if self.bare {
            return;
        }
        let speech = self.speech();
        let page = self.page(slots);
        let mut random = self.random(Use::Header, false);
        out.extend_from_slice(self.title.as_bytes());
        out.push(b'\n');
        if random.below(3) == 0 {
            speech.write_date(page, out);
            out.push(b'\n');
        }
        let parting = [" | ", " · ", "\n"][random.below(3) as usize];
        let first = random.below(speech.menu.len() as u64) as usize;
        let entries = 3 + random.below(4) as usize;
        for entry in 0..entries {
            out.extend_from_slice(speech.menu[(first + 3 * entry) % speech.menu.len()].as_bytes());
            out.extend_from_slice(if entry + 1 < entries { parting } else { "\n" }.as_bytes());
        }
    }

    /// The same of the footer; a network's notice comes last.
    pub fn write_footer(&self, slots: Option<Slots>, out: &mut Vec<u8>) {
        if self.bare {
            return;
        }
        let speech = self.speech();
        let page = self.page(slots);
        let mut random = self.random(Use::Footer, false);
        if random.below(4) > 0 {
            speech.write_line(&speech.updated, page, &mut random, out);
            out.push(b'\n');
        }
        if random.below(3) > 0 {
            speech.write_line(&speech.notices, page, &mut random, out);
            out.push(b'\n');
        }
        if random.below(3) == 0 {
            speech.write_line(&speech.pages, page, &mut random, out);
            out.push(b'\n');
        }
        speech.write_line(&speech.rights, page, &mut random, out);
        out.push(b'\n');
        if random.below(100) < NETWORK_PERCENT {
            self.write_notice(page, out);
        }
    }

    /// The close button of a pop-up and a notice in another language than the page's.
    fn write_notice(&self, page: Page, out: &mut Vec<u8>) {
        let mut random = self.plan.random(Use::Network, self.number / SITES_PER_NEIGHBOURHOOD);
        let languages = self.languages.len();
        let mut language = random.below(languages as u64) as usize;
        if self.languages[language].code == self.speech().code {
            language = (language + 1) % languages;
        }
        let speech = &self.languages[language];
        out.extend_from_slice(b"X\n");
        speech.write_line(&speech.cookies, page, &mut random, out);
        out.push(b'\n');
    }

    fn speech(&self) -> &'s Language {
        &self.languages[self.language]
    }

    fn page(&self, slots: Option<Slots>) -> Page<'_> {
        Page { title: &self.title, slots }
    }

    /// The draws of the site, or of its pages in this language.
    fn random(&self, of: Use, whole: bool) -> Random {
        let key = if whole { self.number << 4 } else { self.number << 4 | (1 + self.language as u64) };
        self.plan.random(of, key | 1 << 40)
    }
}

/// Sites without header and footer.
const BARE_PERCENT: u64 = 15;

/// Of the others, sites with a network's notice.
const NETWORK_PERCENT: u64 = 15;

/// Sites with neighbouring numbers, of which those in a network share one.
const SITES_PER_NEIGHBOURHOOD: u64 = 64;

const SECTIONS: [&str; 6] = ["news", "region", "culture", "sport", "letters", "business"];

/// A title of its own for each number: an even draw of four parts, and a number where those are used up.
fn title(number: u64) -> String {
    let names = TITLE_STARTS.len() * TITLE_MIDDLES.len() * TITLE_ENDS.len() * PAPERS.len();
    // Odd, so that numbers below a power of two are spread without meeting.
    let mut rest = (number.wrapping_mul(0x9_e377) % names as u64) as usize;
    let mut take = |parts: &[&'static str]| {
        let part = parts[rest % parts.len()];
        rest /= parts.len();
        part
    };
    let (paper, start) = (take(&PAPERS), take(&TITLE_STARTS));
    let mut title = [start, take(&TITLE_MIDDLES), take(&TITLE_ENDS), " ", paper].concat();
    if number >= names as u64 {
        title.push(' ');
        title.push_str(&(number / names as u64).to_string());
    }
    title
}

const PAPERS: [&str; 16] = [
    "Gazette",
    "Courier",
    "Echo",
    "Herald",
    "Post",
    "Times",
    "Observer",
    "Mirror",
    "Chronicle",
    "Argus",
    "Star",
    "Journal",
    "Mercury",
    "Record",
    "Sentinel",
    "Tribune",
];

/// No two parts of one place can be read as two of others: starts end in a consonant, middles begin with a vowel and end
/// in one letter, ends begin with another consonant.
const TITLE_STARTS: [&str; 32] = [
    "B", "Br", "C", "Cl", "Cr", "D", "Dr", "F", "Fl", "G", "Gl", "Gr", "H", "K", "L", "M", "N", "P", "Pl",
    "Pr", "R", "S", "Sk", "Sl", "Sm", "Sp", "St", "T", "Tr", "V", "W", "Z",
];

const TITLE_MIDDLES: [&str; 32] = [
    "ar", "er", "or", "ur", "al", "el", "ol", "ul", "an", "en", "on", "un", "am", "em", "om", "im", "ast",
    "est", "ost", "ust", "ard", "erd", "ord", "urd", "eth", "oth", "ing", "ang", "ong", "ell", "all", "oss",
];

const TITLE_ENDS: [&str; 32] = [
    "low", "bury", "ford", "ham", "wick", "combe", "by", "minster", "pool", "port", "bridge", "haven",
    "holm", "cliff", "field", "gate", "worth", "well", "wold", "mere", "beck", "brook", "burn", "church",
    "cote", "dale", "fell", "garth", "head", "hope", "hurst", "mouth",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_site_has_a_title_of_its_own() {
        let mut seen = HashSet::new();
        for number in (0..20_000).chain(530_000..550_000) {
            assert!(seen.insert(title(number)), "{number}: {}", title(number));
        }
    }
}
