//! What would a crawl of any size look like, and what is in it that a run must find?
//!
//! A seed and a number in; a document, and what is planted in it, out. Every document follows from the seed and its number
//! alone: any number of threads writes the same bytes, nothing is kept in memory but the document at hand and two counters a
//! site, and the first N documents are those of any larger corpus.
//!
//! The texts have a grammar of sorts, words with a skew, names, numbers, dates and stock phrases in six languages, so common
//! runs of two words are common and unrelated articles share next to nothing of their runs of five. They are no crawl: who
//! tunes a threshold on them tunes it to this file.

mod article;
mod language;
mod plan;
#[path = "../../benches/random/mod.rs"]
mod random;
mod site;
mod truth;
mod write;

use std::io::Write;

use article::{Content, Sizes, Writer};
use language::{Date, Language, Slots, push_number};
pub use plan::Shares;
use plan::{Home, Kind, Plan, Use};
use random::Random;
use site::{Site, Worn};
use truth::Measure;
pub use write::{Output, Packing, write};

/// What decides the bytes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The same seed, the same corpus.
    pub seed: u64,
    /// The mean of a text, header and footer included.
    pub bytes_per_document: u64,
    /// How many sites; grows with the corpus otherwise.
    pub sites: Option<u64>,
    /// How much of what is planted.
    pub shares: Shares,
    /// The least similarity that an edited copy aims at, in percent.
    pub least_similarity: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            seed: 0,
            bytes_per_document: 600,
            sites: None,
            shares: Shares::default(),
            least_similarity: 50,
        }
    }
}

/// A corpus that stands in no memory.
pub struct Corpus {
    plan: Plan,
    languages: Vec<Language>,
    sizes: Sizes,
}

impl Corpus {
    /// The corpus of these settings, of any length.
    pub fn new(settings: &Settings) -> Corpus {
        let content_bytes = settings.bytes_per_document.saturating_sub(SKIN_BYTES).max(LEAST_CONTENT_BYTES);
        Corpus {
            plan: Plan::new(settings.seed, settings.shares, settings.sites),
            languages: language::all(),
            sizes: Sizes { content_bytes, least_similarity: settings.least_similarity },
        }
    }

    /// Something that makes documents: one for each thread.
    pub fn maker(&self) -> Maker<'_> {
        Maker {
            corpus: self,
            writer: Writer::new(&self.plan, &self.languages, self.sizes),
            measure: Measure::default(),
            content: Content::default(),
            original: Vec::new(),
            header: Vec::new(),
            footer: Vec::new(),
        }
    }

    /// Appends what the templates of a site are, given how many pages wear them: a line for each language and end.
    pub fn templates(&self, site: u64, pages: &[Pages; 2], out: &mut Vec<u8>) {
        let languages = self.plan.languages_of(site);
        for (place, pages) in pages.iter().enumerate() {
            let site = Site::new(&self.plan, &self.languages, site, languages[place]);
            let mut lines = Vec::new();
            for (role, documents) in [("header", pages.header), ("footer", pages.footer)] {
                lines.clear();
                match role {
                    "header" => site.write_header(None, &mut lines),
                    _ => site.write_footer(None, &mut lines),
                }
                if documents == 0 || lines.is_empty() {
                    continue;
                }
                out.extend_from_slice(b"{\"site\":\"");
                write_site(&site, out);
                let code = self.languages[languages[place]].code;
                // Writing to memory does not fail.
                let _ = write!(
                    out,
                    "\",\"lang\":\"{code}\",\"role\":\"{role}\",\"documents\":{documents},\"lines\":["
                );
                push_listed(
                    lines_of(&lines).map(|line| format!("\"{}\"", String::from_utf8_lossy(line))),
                    out,
                );
                out.extend_from_slice(b"],\"slots\":[");
                let slots = |line: &[u8]| line.iter().filter(|&&byte| byte == b'{').count();
                push_listed(lines_of(&lines).map(|line| slots(line).to_string()), out);
                out.extend_from_slice(b"]}\n");
            }
        }
    }
}

/// How many pages a site has in one language.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pages {
    /// All of them.
    pub documents: u32,
    /// Those that wear the header.
    pub header: u32,
    /// Those that wear the footer.
    pub footer: u32,
}

/// Lines of the files of a corpus.
#[derive(Default)]
pub struct Lines {
    /// The records.
    pub documents: Vec<u8>,
    /// A line for each copy.
    pub pairs: Vec<u8>,
    /// A line for each paragraph that is said again.
    pub leads: Vec<u8>,
    /// A line for each agency's paragraph.
    pub reused: Vec<u8>,
    /// A line for each document.
    pub boilerplate: Vec<u8>,
    /// For each document its site, which of the site's languages it is in, and what it wears.
    pub worn: Vec<(u64, usize, Worn)>,
    /// Bytes of the texts.
    pub text_bytes: u64,
}

impl Lines {
    /// Empties all.
    pub fn clear(&mut self) {
        let Lines { documents, pairs, leads, reused, boilerplate, worn, text_bytes } = self;
        for lines in [documents, pairs, leads, reused, boilerplate] {
            lines.clear();
        }
        worn.clear();
        *text_bytes = 0;
    }
}

/// Makes documents; holds what one leaves to the next.
pub struct Maker<'c> {
    corpus: &'c Corpus,
    writer: Writer<'c>,
    measure: Measure,
    content: Content,
    original: Vec<u8>,
    header: Vec<u8>,
    footer: Vec<u8>,
}

impl Maker<'_> {
    /// Appends the document with this number, and the truth of it, to `lines`.
    pub fn document(&mut self, number: u64, lines: &mut Lines) {
        let plan = &self.corpus.plan;
        let (kind, home) = (plan.kind(number), plan.home(number));
        let original = plan.original_of(number);
        self.writer.original(original, home.language, &mut self.content);
        if kind == Kind::Near || kind == Kind::Abridged {
            self.original.clone_from(&self.content.text);
            self.writer.edit(number, kind, home.language, &mut self.content);
            self.forget_edited_wire();
        }
        // Some exact copies on their original's site wear its very lines: the whole text is the same.
        let mut page = plan.random(Use::Page, number);
        let whole = page.below(2) == 0 && kind == Kind::Exact && home == plan.home(original);
        if whole {
            page = plan.random(Use::Page, original);
            page.below(2);
        }
        let site = Site::new(plan, &self.corpus.languages, home.site, home.language);
        let slots = slots(&mut page);
        let worn = site.worn(&mut page);
        self.header.clear();
        self.footer.clear();
        if worn.header {
            site.write_header(Some(slots), &mut self.header);
        }
        if worn.footer {
            site.write_footer(Some(slots), &mut self.footer);
        }
        self.write_record(number, &site, slots, &mut page, lines);
        self.write_truth(number, kind, whole, original, lines);
        lines.worn.push((home.site, self.place_of(home), worn));
    }

    /// An agency's paragraph is one only as long as nobody edits it.
    fn forget_edited_wire(&mut self) {
        let nth = |text, place| lines_of(text).nth(place);
        let (now, before) = (&self.content.text, &self.original);
        self.content.wire = self.content.wire.filter(|&(place, _)| nth(now, place) == nth(before, place));
    }

    /// Which of its site's languages.
    fn place_of(&self, home: Home) -> usize {
        usize::from(self.corpus.plan.languages_of(home.site)[0] != home.language)
    }

    fn write_record(&mut self, number: u64, site: &Site, slots: Slots, page: &mut Random, lines: &mut Lines) {
        let out = &mut lines.documents;
        out.extend_from_slice(b"{\"id\":\"");
        push_id(number, out);
        out.extend_from_slice(b"\",\"url\":\"https://");
        site.write_host(out);
        out.push(b'/');
        site.write_folders(page, slots, out);
        push_number(number, out);
        out.extend_from_slice(b".html\",\"lang\":\"");
        out.extend_from_slice(self.corpus.languages[site.language].code.as_bytes());
        out.extend_from_slice(b"\",\"text\":\"");
        let (plain, escaped) = match site.separator() {
            "\n" => (1, &b"\\n"[..]),
            _ => (2, &b"\\n\\n"[..]),
        };
        let mut bytes = 0;
        let mut content = [0, 0];
        for (place, part) in [&self.header, &self.content.text, &self.footer].into_iter().enumerate() {
            for (nth, line) in lines_of(part).enumerate() {
                if bytes > 0 {
                    out.extend_from_slice(escaped);
                    bytes += plain;
                }
                if place == 1 && nth == 0 {
                    content[0] = bytes;
                }
                out.extend_from_slice(line);
                bytes += line.len();
            }
            if place == 1 {
                content[1] = bytes;
            }
        }
        out.extend_from_slice(b"\"}\n");
        lines.text_bytes += bytes as u64;
        let out = &mut lines.boilerplate;
        out.extend_from_slice(b"{\"doc\":\"");
        push_id(number, out);
        out.extend_from_slice(b"\",\"content\":[");
        push_number(content[0] as u64, out);
        out.push(b',');
        push_number(content[1] as u64, out);
        out.extend_from_slice(b"]}\n");
    }

    fn write_truth(&mut self, number: u64, kind: Kind, whole: bool, original: u64, lines: &mut Lines) {
        let before = lines_of(&self.header).count();
        if let Some((paragraph, wire)) = self.content.wire {
            let out = &mut lines.reused;
            out.extend_from_slice(b"{\"doc\":\"");
            push_id(number, out);
            let _ = writeln!(out, "\",\"paragraph\":{},\"wire\":\"{wire:x}\"}}", before + paragraph);
        }
        if let Some(paragraph) = self.content.said_again
            && let Some(again) = self.measure.said_again(&self.content.text, paragraph)
        {
            let out = &mut lines.leads;
            out.extend_from_slice(b"{\"doc\":\"");
            push_id(number, out);
            let finding = if before + paragraph < LEAD_PARAGRAPHS { "repeated-lead" } else { "repeat" };
            let _ = write!(
                out,
                "\",\"finding\":\"{finding}\",\"paragraph\":{},\"coverage\":{:?},\"in\":[",
                before + paragraph,
                again.coverage
            );
            push_listed(again.within.iter().map(|paragraph| (before + paragraph).to_string()), out);
            out.extend_from_slice(b"]}\n");
        }
        let (name, jaccard, containment) = match kind {
            Kind::Original => return,
            Kind::Exact => (if whole { "text" } else { "content" }, 1.0, 1.0),
            Kind::Near | Kind::Abridged => {
                let overlap = self.measure.overlap(&self.content.text, &self.original);
                let containment = overlap.containment_of_left().max(overlap.containment_of_right());
                let name = if kind == Kind::Near { "near" } else { "abridged" };
                (name, overlap.jaccard(), containment)
            }
        };
        let out = &mut lines.pairs;
        out.extend_from_slice(b"{\"a\":\"");
        push_id(original, out);
        out.extend_from_slice(b"\",\"b\":\"");
        push_id(number, out);
        let _ =
            writeln!(out, "\",\"jaccard\":{jaccard:?},\"containment\":{containment:?},\"kind\":\"{name}\"}}");
    }
}

/// The contract's four.
const LEAD_PARAGRAPHS: usize = 4;

/// What header, footer and line breaks take of a text, in the mean. Measured over 100,000 documents.
const SKIN_BYTES: u64 = 190;

/// So that no article is thin.
const LEAST_CONTENT_BYTES: u64 = 150;

fn slots(page: &mut Random) -> Slots {
    let date = Date::any(page);
    let pages = 2 + page.below(40);
    Slots { date, page: 1 + page.below(pages), pages, reads: page.below(20_000) }
}

fn write_site(site: &Site, out: &mut Vec<u8>) {
    let start = out.len();
    site.write_host(out);
    out.drain(start..start + "www.".len());
}

/// Lines without the breaks that end them.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').map(|line| &line[..line.len() - 1])
}

/// `d` and nine digits or more.
fn push_id(number: u64, out: &mut Vec<u8>) {
    out.push(b'd');
    let zeros = (1..9).filter(|&power| number < 10u64.pow(power)).count();
    out.extend_from_slice(&b"00000000"[..zeros]);
    push_number(number, out);
}

fn push_listed(items: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.as_bytes());
    }
}
