//! What does a sentence sound like?
//!
//! A word list (`words/*.txt`) in, a [`Language`] out, which appends sentences, headlines and lines of a site to a
//! text. A list has a line for each key; words are parted by spaces, the commonest first, and patterns have a line each.
//! In a pattern `%` and a letter stand for what is drawn:
//!
//! | letters | stand for |
//! |---|---|
//! | `n`, `m`, `a`, `v`, `d` | a noun, a thing (another class of nouns), an adjective, a verb, an adverb |
//! | `f`, `l`, `p`, `o` | a full name, a surname, a place, a body such as a council |
//! | `c`, `y`, `w`, `b`, `e`, `M` | a count, a year, a weekday, a month, a day, a month's number |
//! | `D`, `Y`, `g`, `G`, `C`, `S` | in lines of a site: date, year, page, number of pages, counter of the page; the site's title |
//!
//! A sentence is a pattern with or without an opening before and a tail behind it; a headline has three parts. Half of the words of a class come from its list, with a skew; the others are made of parts (prefixes, stems, suffixes),
//! so that a class has thousands. Stock phrases in the patterns make common bigrams common, and none is so long that
//! two unrelated articles share a tenth of their runs of five tokens.

use super::random::Random;

/// The languages of the lists, in the order of their numbers.
pub const COUNT: usize = LISTS.len();

const LISTS: [&str; 6] = [
    include_str!("words/en.txt"),
    include_str!("words/de.txt"),
    include_str!("words/fr.txt"),
    include_str!("words/es.txt"),
    include_str!("words/ru.txt"),
    include_str!("words/zh.txt"),
];

/// Words and patterns of one language.
pub struct Language {
    /// ISO 639-1.
    pub code: &'static str,
    /// Whether words are parted by spaces.
    pub spaces: bool,
    comma: &'static str,
    noun: Class,
    thing: Class,
    adjective: Class,
    verb: Class,
    adverb: Class,
    surname: Class,
    place: Class,
    body: Vec<Word>,
    first: Vec<Word>,
    weekday: Vec<Word>,
    month: Vec<Word>,
    /// Entries of menus.
    pub menu: Vec<&'static str>,
    date: Pattern,
    sentences: Vec<Pattern>,
    openings: Vec<Pattern>,
    tails: Vec<Pattern>,
    headlines: [Vec<Pattern>; 3],
    /// What a footer says first.
    pub notices: Vec<Pattern>,
    /// What a network's pop-up says.
    pub cookies: Vec<Pattern>,
    /// Dated lines.
    pub updated: Vec<Pattern>,
    /// Numbered lines.
    pub pages: Vec<Pattern>,
    /// The last line of a footer.
    pub rights: Vec<Pattern>,
}

/// A sentence with gaps.
pub struct Pattern(Vec<Piece>);

enum Piece {
    Literal(Word),
    Gap(u8),
}

/// Words to draw from.
struct Class {
    listed: Vec<Word>,
    made: Vec<Word>,
}

/// A word, or a piece of a literal: its bytes with padding, and how many there are.
///
/// Copying all 32, whatever the length, takes a third of the time that copying a number of bytes does which
/// only the word knows.
#[derive(Clone, Copy)]
struct Word {
    padded: [u8; WORD_BYTES],
    bytes: usize,
}

const WORD_BYTES: usize = 32;

/// What fills the gaps that belong to a page of a site.
#[derive(Clone, Copy)]
pub struct Page<'p> {
    /// The site's title.
    pub title: &'p str,
    /// What stands in the slots; `None` writes their names instead, as in `{date}`.
    pub slots: Option<Slots>,
}

/// The values of a page's slots.
#[derive(Clone, Copy)]
pub struct Slots {
    /// When the page was made.
    pub date: Date,
    /// Its page number.
    pub page: u64,
    /// Of how many.
    pub pages: u64,
    /// How often it was read.
    pub reads: u64,
}

/// A day.
#[derive(Clone, Copy)]
pub struct Date {
    /// 2019 to 2026.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 28.
    pub day: u64,
}

impl Date {
    /// Any day of eight years.
    pub fn any(random: &mut Random) -> Date {
        Date { year: 2019 + random.below(8), month: 1 + random.below(12), day: 1 + random.below(28) }
    }
}

/// All languages, in the order of their numbers.
pub fn all() -> Vec<Language> {
    LISTS.into_iter().map(Language::of).collect()
}

impl Language {
    fn of(list: &'static str) -> Language {
        let lines = |key: &str| -> Vec<&'static str> {
            let of_key = |line: &'static str| line.strip_prefix(key)?.strip_prefix(": ");
            list.lines().filter_map(of_key).collect()
        };
        let words = |key: &str| -> Vec<&'static str> {
            lines(key).iter().flat_map(|line| line.split_whitespace()).collect()
        };
        let listed = |key: &str| words(key).into_iter().filter_map(Word::of).collect::<Vec<_>>();
        let patterns = |key: &str| lines(key).into_iter().map(Pattern::of).collect();
        let class = |key: &str| {
            let part = |part: &str| words(&format!("{key}-{part}"));
            Class::of(words(key), &part("start"), &part("stem"), &part("end"))
        };
        let only = |key: &str| lines(key).first().copied().unwrap_or_default();
        Language {
            code: only("code"),
            spaces: only("space") == "yes",
            comma: only("comma").trim(),
            noun: class("noun"),
            thing: class("thing"),
            adjective: class("adjective"),
            verb: class("verb"),
            adverb: class("adverb"),
            surname: class("surname"),
            place: class("place"),
            body: listed("org"),
            first: listed("first"),
            weekday: listed("weekday"),
            month: listed("month"),
            menu: words("menu"),
            date: Pattern::of(only("date")),
            sentences: patterns("sentence"),
            openings: patterns("opening"),
            tails: patterns("tail"),
            headlines: ["start", "middle", "end"].map(|part| patterns(&format!("headline-{part}"))),
            notices: patterns("notice"),
            cookies: patterns("cookie"),
            updated: patterns("updated"),
            pages: patterns("page"),
            rights: patterns("rights"),
        }
    }

    /// Appends a sentence of 8 tokens or more: one in three with an opening, half with a tail.
    pub fn write_sentence(&self, random: &mut Random, out: &mut Vec<u8>) {
        let [opening, tail] = [random.below(3) == 0, random.below(2) == 0];
        if opening {
            self.write(&self.openings, random, out);
            self.push_space(out);
        }
        let start = out.len();
        self.write(&self.sentences, random, out);
        if let Some(first) = out.get_mut(start).filter(|_| opening) {
            first.make_ascii_lowercase();
        }
        if tail {
            self.write(&self.tails, random, out);
        }
        out.extend_from_slice(if self.spaces { "." } else { "。" }.as_bytes());
    }

    /// Appends a headline: one of hundreds of frames with a word or two of their own, so that two headlines of a
    /// site are no forms of one line.
    pub fn write_headline(&self, random: &mut Random, out: &mut Vec<u8>) {
        let [start, middle, end] = &self.headlines;
        self.write(start, random, out);
        for part in [middle, end] {
            let before = out.len();
            self.push_space(out);
            let begun = out.len();
            self.fill(&part[random.below(part.len() as u64) as usize], None, random, out);
            match out.get(begun) {
                None => out.truncate(before),
                Some(b':') if self.spaces => drop(out.remove(before)),
                Some(_) => {}
            }
        }
    }

    /// Appends the space between two words, where the language has one.
    pub fn push_space(&self, out: &mut Vec<u8>) {
        if self.spaces {
            out.push(b' ');
        }
    }

    fn write(&self, patterns: &[Pattern], random: &mut Random, out: &mut Vec<u8>) {
        let start = out.len();
        self.fill(&patterns[random.below(patterns.len() as u64) as usize], None, random, out);
        if let Some(first) = out.get_mut(start) {
            first.make_ascii_uppercase();
        }
    }

    /// The same of a site's lines, whose slots are the page's.
    pub fn write_line(&self, patterns: &[Pattern], page: Page, random: &mut Random, out: &mut Vec<u8>) {
        self.fill(&patterns[random.below(patterns.len() as u64) as usize], Some(page), random, out);
    }

    /// Appends a date as the language writes it, or the name of its slot.
    pub fn write_date(&self, page: Page, out: &mut Vec<u8>) {
        let Some(slots) = page.slots else { return out.extend_from_slice(b"{date}") };
        for piece in &self.date.0 {
            match piece {
                Piece::Literal(text) => text.push_to(out),
                Piece::Gap(b'e') => push_number(slots.date.day, out),
                Piece::Gap(b'b') => self.month[slots.date.month as usize - 1].push_to(out),
                Piece::Gap(b'M') => push_number(slots.date.month, out),
                Piece::Gap(_) => push_number(slots.date.year, out),
            }
        }
    }

    /// Appends one word of the kind that articles are made of.
    pub fn write_word(&self, random: &mut Random, out: &mut Vec<u8>) {
        let class = match random.below(4) {
            0 => &self.thing,
            1 => &self.adjective,
            _ => &self.noun,
        };
        class.draw(random).push_to(out);
    }

    fn fill(&self, pattern: &Pattern, page: Option<Page>, random: &mut Random, out: &mut Vec<u8>) {
        for piece in &pattern.0 {
            match piece {
                Piece::Literal(text) => text.push_to(out),
                Piece::Gap(letter) => self.fill_gap(*letter, page, random, out),
            }
        }
    }

    fn fill_gap(&self, letter: u8, page: Option<Page>, random: &mut Random, out: &mut Vec<u8>) {
        match letter {
            b'n' => self.noun.draw(random).push_to(out),
            b'm' => self.thing.draw(random).push_to(out),
            b'a' => self.adjective.draw(random).push_to(out),
            b'v' => self.verb.draw(random).push_to(out),
            b'd' => self.adverb.draw(random).push_to(out),
            b'l' => self.surname.draw(random).push_to(out),
            b'p' => self.place.draw(random).push_to(out),
            b'o' => one_of(&self.body, random).push_to(out),
            b'f' if self.spaces => {
                one_of(&self.first, random).push_to(out);
                out.push(b' ');
                self.surname.draw(random).push_to(out);
            }
            b'f' => {
                self.surname.draw(random).push_to(out);
                one_of(&self.first, random).push_to(out);
            }
            b'c' => {
                let digits = [100, 1_000, 1_000, 10_000, 100_000][random.below(5) as usize];
                self.push_count(2 + random.below(digits), out);
            }
            b'y' => push_number(1950 + random.below(76), out),
            b'w' => one_of(&self.weekday, random).push_to(out),
            b'b' => one_of(&self.month, random).push_to(out),
            b'e' => push_number(1 + random.below(28), out),
            _ => self.fill_slot(letter, page, out),
        }
    }

    fn fill_slot(&self, letter: u8, page: Option<Page>, out: &mut Vec<u8>) {
        let Some(page) = page else { return };
        match (letter, page.slots) {
            (b'S', _) => out.extend_from_slice(page.title.as_bytes()),
            (b'D', _) => self.write_date(page, out),
            (b'Y', Some(slots)) => push_number(slots.date.year, out),
            (b'g', Some(slots)) => push_number(slots.page, out),
            (b'G', Some(slots)) => push_number(slots.pages, out),
            (_, Some(slots)) => self.push_count(slots.reads, out),
            (b'Y', None) => out.extend_from_slice(b"{year}"),
            (b'g', None) => out.extend_from_slice(b"{page}"),
            (b'G', None) => out.extend_from_slice(b"{pages}"),
            (_, None) => out.extend_from_slice(b"{count}"),
        }
    }

    /// With the language's mark between thousands, where it has one.
    fn push_count(&self, count: u64, out: &mut Vec<u8>) {
        if count < 1_000 || self.comma.is_empty() {
            return push_number(count, out);
        }
        push_number(count / 1_000, out);
        out.extend_from_slice(self.comma.as_bytes());
        for digit in [count / 100, count / 10, count] {
            out.push(b'0' + (digit % 10) as u8);
        }
    }
}

impl Pattern {
    fn of(text: &'static str) -> Pattern {
        let mut pieces = Vec::new();
        for (nth, part) in text.split('%').enumerate() {
            // Every letter is one byte of ASCII.
            let (letter, after) = part.split_at(usize::from(nth > 0));
            pieces.extend(letter.bytes().map(Piece::Gap));
            pieces.extend(after.as_bytes().chunks(WORD_BYTES).filter_map(Word::of_bytes).map(Piece::Literal));
        }
        Pattern(pieces)
    }
}

impl Word {
    /// `None` where it has too many bytes.
    fn of(word: &str) -> Option<Word> {
        Word::of_bytes(word.as_bytes())
    }

    fn of_bytes(word: &[u8]) -> Option<Word> {
        let mut padded = [0; WORD_BYTES];
        padded.get_mut(..word.len())?.copy_from_slice(word);
        Some(Word { padded, bytes: word.len() })
    }

    fn push_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.bytes;
        out.extend_from_slice(&self.padded);
        out.truncate(end);
    }
}

impl Class {
    /// Made words are `start stem end`; without stems a start and an end; without ends a start and a listed word.
    fn of(listed: Vec<&'static str>, starts: &[&str], stems: &[&str], ends: &[&str]) -> Class {
        let ends = if ends.is_empty() { &listed } else { ends };
        let stems = if stems.is_empty() { &[""] } else { stems };
        let mut made = Vec::new();
        for (start, end) in starts.iter().flat_map(|start| ends.iter().map(move |end| (start, end))) {
            made.extend(stems.iter().filter_map(|stem| Word::of(&format!("{start}{stem}{end}"))));
        }
        Class { listed: listed.into_iter().filter_map(Word::of).collect(), made }
    }

    fn draw(&self, random: &mut Random) -> &Word {
        let draw = random.next();
        let half = draw & 1 == 0;
        if self.made.is_empty() || (half && !self.listed.is_empty()) {
            return &self.listed[skewed(draw >> 32, self.listed.len())];
        }
        &self.made[skewed(draw >> 32, self.made.len())]
    }
}

/// A place below `count`, those in front more often: the square of an even draw of 32 bits.
fn skewed(draw: u64, count: usize) -> usize {
    ((((draw * draw) >> 32) * count as u64) >> 32) as usize
}

fn one_of<'w>(words: &'w [Word], random: &mut Random) -> &'w Word {
    &words[random.below(words.len() as u64) as usize]
}

/// Appends a number in decimal digits.
pub fn push_number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}
