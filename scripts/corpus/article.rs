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
    pub text: Vec<u8>,
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
        self.text.iter().filter(|&&byte| byte == b'\n').count()
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
    part: Vec<u8>,
    words: Vec<(usize, usize)>,
}

impl<'w> Writer<'w> {
    /// With empty buffers.
    pub fn new(plan: &'w Plan, languages: &'w [Language], sizes: Sizes) -> Writer<'w> {
        Writer { plan, languages, sizes, part: Vec::new(), words: Vec::new() }
    }

    /// The content of the original with this number, which is in this language.
    pub fn original(&mut self, number: u64, language: usize, out: &mut Content) {
        out.clear();
        let extra = self.plan.extra(number);
        let speech = &self.languages[language];
        let mut random = self.plan.random(Use::Article, number);
        let bytes = self.bytes(speech, &mut random);
        speech.write_headline(&mut random, &mut out.text);
        out.text.push(b'\n');
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
            _ => 98,
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
        out.text.push(b'\n');
    }

    /// A lead of two sentences, and two paragraphs that begin with them.
    fn lead(&mut self, speech: &Language, random: &mut Random, out: &mut Content) {
        out.said_again = Some(1);
        let start = out.text.len();
        sentences(speech, random, 1, &mut out.text);
        let seam = out.text.len();
        speech.push_space(&mut out.text);
        let second = out.text.len();
        sentences(speech, random, 1, &mut out.text);
        let end = out.text.len();
        out.text.push(b'\n');
        for _ in 0..random.below(3) {
            sentences(speech, random, 1, &mut out.text);
            out.text.push(b'\n');
        }
        for said in [start..seam, second..end] {
            out.text.extend_from_within(said);
            if random.below(3) == 0 {
                speech.push_space(&mut out.text);
                sentences(speech, random, 1, &mut out.text);
            }
            out.text.push(b'\n');
        }
    }

    /// Behind three paragraphs one of two sentences, which stands again behind one or two others.
    fn repeat(&mut self, speech: &Language, random: &mut Random, out: &mut Content) {
        for _ in 0..3 {
            sentences(speech, random, 1, &mut out.text);
            out.text.push(b'\n');
        }
        out.said_again = Some(4);
        let start = out.text.len();
        sentences(speech, random, 2, &mut out.text);
        out.text.push(b'\n');
        let end = out.text.len();
        for _ in 0..1 + random.below(2) {
            sentences(speech, random, 1, &mut out.text);
            out.text.push(b'\n');
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
        let paragraph_end =
            content.text[..cut].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let words_before = self.words.partition_point(|word| word.1 <= paragraph_end);
        if random.below(2) == 0 && words_before >= LEAST_WORDS {
            content.text.truncate(paragraph_end);
        } else {
            content.text.truncate(cut);
            content.text.extend_from_slice("…\n".as_bytes());
        }
        let paragraphs = content.paragraphs();
        content.said_again = content.said_again.filter(|&paragraph| paragraph < paragraphs);
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
            speech.push_space(&mut content.text);
        }
        content.text.truncate(start + self.words[words - 1].1);
        content.text.extend_from_slice(if speech.spaces { ".\n" } else { "。\n" }.as_bytes());
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
                self.part.extend_from_slice(&content.text[done..start]);
                let fresh = self.part.len();
                while {
                    self.part.truncate(fresh);
                    speech.write_word(random, &mut self.part);
                    self.part[fresh..] == content.text[start..end]
                } {}
                done = end;
            }
        }
        self.part.extend_from_slice(&content.text[done..]);
        std::mem::swap(&mut self.part, &mut content.text);
    }

    /// Where the words of a text stand: runs of letters and digits, or single characters of Chinese. Only letters that the
    /// lists have are known.
    fn find_words(&mut self, text: &[u8]) {
        self.words.clear();
        let (mut at, mut start) = (0, usize::MAX);
        while let Some(&byte) = text.get(at) {
            let (bytes, class) = match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => (1, Letter::InWord),
                0..0xc0 => (1, Letter::None),
                0xc0..0xc3 => (2, Letter::None),
                0xc3..0xe0 => (2, Letter::InWord),
                0xe4..=0xe9 => (3, Letter::Word),
                _ => (3, Letter::None),
            };
            if class != Letter::InWord && start != usize::MAX {
                self.words.push((start, at));
                start = usize::MAX;
            }
            match class {
                Letter::Word => self.words.push((at, at + bytes)),
                Letter::InWord => start = start.min(at),
                Letter::None => {}
            }
            at += bytes;
        }
        if start != usize::MAX {
            self.words.push((start, text.len()));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    InWord,
    /// A word by itself.
    Word,
    None,
}

/// About what half a paragraph takes.
const SENTENCE_BYTES: u64 = 150;

/// No copy is cut below this, so that none is thin.
const LEAST_WORDS: usize = 24;

/// One sentence to four, in short articles fewer.
fn paragraph(speech: &Language, random: &mut Random, bytes: usize, out: &mut Vec<u8>) {
    let most = match bytes {
        0..300 => 1,
        300..800 => 2,
        _ => 4,
    };
    let count = 1 + random.below(most);
    sentences(speech, random, count, out);
    out.push(b'\n');
}

fn sentences(speech: &Language, random: &mut Random, count: u64, out: &mut Vec<u8>) {
    for place in 0..count {
        if place > 0 {
            speech.push_space(out);
        }
        speech.write_sentence(random, out);
    }
}
