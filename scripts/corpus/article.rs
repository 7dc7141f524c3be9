//! What does a document say?
//!
//! A number in, its content out: a headline, a lead and paragraphs, each ended by a line break. Originals are written from
//! their own draws; copies are their original's content, written once more and edited.
//!
//! An edited copy aims at a similarity and is measured afterwards (`truth`): one token replaced between others changes five
//! runs of five tokens, a run of `m` replaced ones `m + 4`, the last `m` of a text `m`.

use super::language::Language;
use super::plan::{Extra, Kind, Plan, Use};
use super::random::Random;

/// What a document says, without its site's lines.
#[derive(Clone, Default)]
pub struct Content {
    /// Paragraphs, each ended by a line break.
    pub text: String,
    /// The paragraph that later ones say again.
    pub said_again: Option<usize>,
    /// The paragraph that comes from an agency, and its number there.
    pub wire: Option<(usize, u64)>,
}

impl Content {
    fn clear(&mut self) {
        self.text.clear();
        self.said_again = None;
        self.wire = None;
    }

    fn paragraphs(&self) -> usize {
        self.text.bytes().filter(|&byte| byte == b'\n').count()
    }
}

/// How long articles are, and how near copies.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// The mean of a content, in bytes.
    pub content_bytes: u64,
    /// The least similarity that an edited copy aims at, in percent.
    pub least_similarity: u64,
}

/// Writes contents; holds what one leaves to the next.
pub struct Writer<'w> {
    plan: &'w Plan,
    languages: &'w [Language],
    sizes: Sizes,
    part: String,
    words: Vec<(usize, usize)>,
}

impl<'w> Writer<'w> {
    /// With empty buffers.
    pub fn new(plan: &'w Plan, languages: &'w [Language], sizes: Sizes) -> Writer<'w> {
        Writer { plan, languages, sizes, part: String::new(), words: Vec::new() }
    }

    /// The content of the original with this number, which is in this language.
    pub fn original(&mut self, number: u64, language: usize, out: &mut Content) {
        out.clear();
        let extra = self.plan.extra(number);
        let speech = &self.languages[language];
        let mut random = self.plan.random(Use::Article, number);
        let bytes = self.bytes(speech, &mut random);
        speech.write(&speech.headlines, &mut random, &mut out.text);
        out.text.push('\n');
        match extra {
            Extra::Plain => paragraph(speech, &mut random, bytes, &mut out.text),
            Extra::SharedLead => self.wire(number, language, extra, out),
            Extra::Lead => self.lead(speech, &mut random, out),
            Extra::Repeat => self.repeat(speech, &mut random, out),
            Extra::Agency => {
                paragraph(speech, &mut random, bytes, &mut out.text);
                self.wire(number, language, extra, out);
            }
        }
        loop {
            paragraph(speech, &mut random, bytes, &mut out.text);
            if out.text.len() >= bytes {
                return;
            }
        }
    }

    /// Half the mean to two and a half times as much. Letters of some scripts take more bytes, and get them.
    fn bytes(&self, speech: &Language, random: &mut Random) -> usize {
        let percent = match speech.code {
            "ru" => 150,
            "zh" => 90,
            _ => 96,
        };
        let mean = self.sizes.content_bytes * percent / 100;
        // A paragraph is written whole, so texts come out half a paragraph longer.
        let mean = mean.saturating_sub(SENTENCE_BYTES);
        (mean / 2 + (((2 * mean * random.below(1_000)) / 1_000) * random.below(1_000)) / 1_000) as usize
    }

    fn wire(&mut self, number: u64, language: usize, extra: Extra, out: &mut Content) {
        let wire = self.plan.wire(number, language, extra);
        // Leads and paragraphs have numbers apart.
        let wire = 2 * wire + u64::from(extra == Extra::SharedLead);
        out.wire = Some((out.paragraphs(), wire));
        let speech = &self.languages[language];
        let mut random = self.plan.random(Use::Wire, !wire);
        sentences(speech, &mut random, 2, &mut out.text);
        out.text.push('\n');
    }

    /// A lead of two sentences, and two paragraphs that begin with them.
    fn lead(&mut self, speech: &Language, random: &mut Random, out: &mut Content) {
        out.said_again = Some(1);
        let start = out.text.len();
        sentences(speech, random, 1, &mut out.text);
        let seam = out.text.len();
        if speech.spaces {
            out.text.push(' ');
        }
        let second = out.text.len();
        sentences(speech, random, 1, &mut out.text);
        let end = out.text.len();
        out.text.push('\n');
        for _ in 0..random.below(3) {
            sentences(speech, random, 1, &mut out.text);
            out.text.push('\n');
        }
        for said in [start..seam, second..end] {
            out.text.extend_from_within(said);
            if random.below(3) == 0 {
                if speech.spaces {
                    out.text.push(' ');
                }
                sentences(speech, random, 1, &mut out.text);
            }
            out.text.push('\n');
        }
    }

    /// Behind three paragraphs one of two sentences, which stands again behind one or two others.
    fn repeat(&mut self, speech: &Language, random: &mut Random, out: &mut Content) {
        for _ in 0..3 {
            sentences(speech, random, 1, &mut out.text);
            out.text.push('\n');
        }
        out.said_again = Some(4);
        let start = out.text.len();
        sentences(speech, random, 2, &mut out.text);
        out.text.push('\n');
        let end = out.text.len();
        for _ in 0..1 + random.below(2) {
            sentences(speech, random, 1, &mut out.text);
            out.text.push('\n');
        }
        out.text.extend_from_within(start..end);
    }

    /// Makes `content` a copy of its kind.
    pub fn edit(&mut self, number: u64, kind: Kind, language: usize, content: &mut Content) {
        let mut random = self.plan.random(Use::Edit, number);
        match kind {
            Kind::Original | Kind::Exact => {}
            Kind::Abridged => self.abridge(&mut random, content),
            Kind::Near => self.rework(&mut random, &self.languages[language], content),
        }
    }

    /// Keeps the first 4 to 9 tenths of the words; ends with a sentence cut short, or with a paragraph.
    fn abridge(&mut self, random: &mut Random, content: &mut Content) {
        self.find_words(&content.text);
        let count = self.words.len();
        let kept = (count * (40 + random.below(50) as usize) / 100).max(LEAST_WORDS).min(count);
        if kept == count {
            return;
        }
        let cut = self.words[kept - 1].1;
        let paragraph_end = content.text[..cut].rfind('\n').map_or(0, |end| end + 1);
        let words_before = self.words.partition_point(|word| word.1 <= paragraph_end);
        if random.below(2) == 0 && words_before >= LEAST_WORDS {
            content.text.truncate(paragraph_end);
        } else {
            content.text.truncate(cut);
            content.text.push_str("…\n");
        }
        let paragraphs = content.paragraphs();
        content.said_again = content.said_again.filter(|&paragraph| paragraph < paragraphs);
        content.wire = content.wire.filter(|&(paragraph, _)| paragraph + 1 < paragraphs);
    }

    fn rework(&mut self, random: &mut Random, speech: &Language, content: &mut Content) {
        self.find_words(&content.text);
        let least = self.sizes.least_similarity;
        let aim = (least * 10 + random.below(1_000 - 10 * least)) as f64 / 1_000.0;
        let shingles = self.words.len().saturating_sub(4).max(1) as f64;
        let changed = ((shingles * (1.0 - aim) / (1.0 + aim)).round() as usize).max(1);
        match random.below(5) {
            0 => self.add(random, speech, content, (shingles * (1.0 / aim - 1.0)).round().max(1.0) as usize),
            1 if changed > 5 => self.replace_run(random, speech, content, changed - 4),
            _ if changed < 5 => self.replace_end(random, speech, content, changed),
            _ => self.scatter(random, speech, content, changed),
        }
    }

    /// A paragraph more, of so many words, at the end.
    fn add(&mut self, random: &mut Random, speech: &Language, content: &mut Content, words: usize) {
        let start = content.text.len();
        while {
            sentences(speech, random, 1, &mut content.text);
            self.find_words(&content.text[start..]);
            self.words.len() < words
        } {
            if speech.spaces {
                content.text.push(' ');
            }
        }
        content.text.truncate(start + self.words[words - 1].1);
        content.text.push_str(if speech.spaces { ".\n" } else { "。\n" });
    }

    /// The last words of the text, or the first.
    fn replace_end(&mut self, random: &mut Random, speech: &Language, content: &mut Content, words: usize) {
        let words = words.min(self.words.len());
        let first = if random.below(2) == 0 { 0 } else { self.words.len() - words };
        self.replace(random, speech, content, &[(first, words)]);
    }

    fn replace_run(&mut self, random: &mut Random, speech: &Language, content: &mut Content, words: usize) {
        let words = words.min(self.words.len());
        let first = random.below((self.words.len() - words + 1) as u64) as usize;
        self.replace(random, speech, content, &[(first, words)]);
    }

    /// Single words, evenly spread; the first one a run that takes what is left over.
    fn scatter(&mut self, random: &mut Random, speech: &Language, content: &mut Content, changed: usize) {
        let (places, left) = (changed / 5, changed % 5);
        let stretch = self.words.len() / places;
        let runs: Vec<(usize, usize)> = (0..places)
            .map(|place| {
                let words = if place == 0 { 1 + left } else { 1 };
                let room = stretch.saturating_sub(words + 4).max(1);
                (place * stretch + random.below(room as u64) as usize, words)
            })
            .collect();
        self.replace(random, speech, content, &runs);
    }

    /// Puts other words in the place of runs of words (first, how many), which are in order and apart.
    fn replace(
        &mut self,
        random: &mut Random,
        speech: &Language,
        content: &mut Content,
        runs: &[(usize, usize)],
    ) {
        self.part.clear();
        let mut done = 0;
        for &(first, count) in runs {
            for &(start, end) in self.words.iter().skip(first).take(count) {
                self.part.push_str(&content.text[done..start]);
                let fresh = self.part.len();
                while {
                    self.part.truncate(fresh);
                    speech.write_word(random, &mut self.part);
                    self.part[fresh..] == content.text[start..end]
                } {}
                done = end;
            }
        }
        self.part.push_str(&content.text[done..]);
        std::mem::swap(&mut self.part, &mut content.text);
    }

    /// Where the words of a text stand: runs of letters and digits, or single characters of Chinese.
    fn find_words(&mut self, text: &str) {
        self.words.clear();
        let mut start = None;
        for (at, c) in text.char_indices() {
            let alone = ('\u{4e00}'..'\u{a000}').contains(&c);
            if let Some(start) = start.take_if(|_| alone || !c.is_alphanumeric()) {
                self.words.push((start, at));
            }
            if alone {
                self.words.push((at, at + c.len_utf8()));
            } else if c.is_alphanumeric() {
                start.get_or_insert(at);
            }
        }
        self.words.extend(start.map(|start| (start, text.len())));
    }
}

/// About what half a paragraph takes.
const SENTENCE_BYTES: u64 = 75;

/// No copy is cut below this, so that none is thin.
const LEAST_WORDS: usize = 24;

/// One to three sentences; in short articles one or two.
fn paragraph(speech: &Language, random: &mut Random, bytes: usize, out: &mut String) {
    let most = if bytes < 800 { 2 } else { 4 };
    let count = 1 + random.below(most);
    sentences(speech, random, count, out);
    out.push('\n');
}

fn sentences(speech: &Language, random: &mut Random, count: u64, out: &mut String) {
    for place in 0..count {
        if place > 0 && speech.spaces {
            out.push(' ');
        }
        speech.write(&speech.sentences, random, out);
    }
}
