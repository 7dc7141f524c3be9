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
//! Half of the words of a class come from its list, with a skew; the others are made of parts (prefixes, stems, suffixes),
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
    body: Vec<&'static str>,
    first: Vec<&'static str>,
    weekday: Vec<&'static str>,
    month: Vec<&'static str>,
    /// Entries of menus.
    pub menu: Vec<&'static str>,
    date: Pattern,
    /// Of a body, 10 tokens or more each.
    pub sentences: Vec<Pattern>,
    /// Without a full stop, few words in common.
    pub headlines: Vec<Pattern>,
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
    Literal(&'static str),
    Gap(u8),
}

/// Words to draw from.
struct Class {
    listed: Vec<&'static str>,
    made: Vec<String>,
}

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
            body: words("org"),
            first: words("first"),
            weekday: words("weekday"),
            month: words("month"),
            menu: words("menu"),
            date: Pattern::of(only("date")),
            sentences: patterns("sentence"),
            headlines: patterns("headline"),
            notices: patterns("notice"),
            cookies: patterns("cookie"),
            updated: patterns("updated"),
            pages: patterns("page"),
            rights: patterns("rights"),
        }
    }

    /// Appends one of `patterns` with its gaps filled.
    pub fn write(&self, patterns: &[Pattern], random: &mut Random, out: &mut String) {
        self.fill(&patterns[random.below(patterns.len() as u64) as usize], None, random, out);
    }

    /// The same of a site's lines, whose slots are the page's.
    pub fn write_line(&self, patterns: &[Pattern], page: Page, random: &mut Random, out: &mut String) {
        self.fill(&patterns[random.below(patterns.len() as u64) as usize], Some(page), random, out);
    }

    /// Appends a date as the language writes it, or the name of its slot.
    pub fn write_date(&self, page: Page, out: &mut String) {
        let Some(slots) = page.slots else { return out.push_str("{date}") };
        for piece in &self.date.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Gap(b'e') => push_number(slots.date.day, out),
                Piece::Gap(b'b') => out.push_str(self.month[slots.date.month as usize - 1]),
                Piece::Gap(b'M') => push_number(slots.date.month, out),
                Piece::Gap(_) => push_number(slots.date.year, out),
            }
        }
    }

    /// Appends one word of the kind that articles are made of.
    pub fn write_word(&self, random: &mut Random, out: &mut String) {
        let class = match random.below(4) {
            0 => &self.thing,
            1 => &self.adjective,
            _ => &self.noun,
        };
        out.push_str(class.draw(random));
    }

    fn fill(&self, pattern: &Pattern, page: Option<Page>, random: &mut Random, out: &mut String) {
        let start = out.len();
        for piece in &pattern.0 {
            match *piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Gap(letter) => self.fill_gap(letter, page, random, out),
            }
        }
        if out.as_bytes().get(start).is_some_and(u8::is_ascii_lowercase) {
            let first = out[start..=start].to_ascii_uppercase();
            out.replace_range(start..=start, &first);
        }
    }

    fn fill_gap(&self, letter: u8, page: Option<Page>, random: &mut Random, out: &mut String) {
        match letter {
            b'n' => out.push_str(self.noun.draw(random)),
            b'm' => out.push_str(self.thing.draw(random)),
            b'a' => out.push_str(self.adjective.draw(random)),
            b'v' => out.push_str(self.verb.draw(random)),
            b'd' => out.push_str(self.adverb.draw(random)),
            b'l' => out.push_str(self.surname.draw(random)),
            b'p' => out.push_str(self.place.draw(random)),
            b'o' => out.push_str(one_of(&self.body, random)),
            b'f' if self.spaces => {
                out.push_str(one_of(&self.first, random));
                out.push(' ');
                out.push_str(self.surname.draw(random));
            }
            b'f' => {
                out.push_str(self.surname.draw(random));
                out.push_str(one_of(&self.first, random));
            }
            b'c' => {
                let digits = [100, 1_000, 1_000, 10_000, 100_000][random.below(5) as usize];
                self.push_count(2 + random.below(digits), out);
            }
            b'y' => push_number(1950 + random.below(76), out),
            b'w' => out.push_str(one_of(&self.weekday, random)),
            b'b' => out.push_str(one_of(&self.month, random)),
            b'e' => push_number(1 + random.below(28), out),
            _ => self.fill_slot(letter, page, out),
        }
    }

    fn fill_slot(&self, letter: u8, page: Option<Page>, out: &mut String) {
        let Some(page) = page else { return };
        match (letter, page.slots) {
            (b'S', _) => out.push_str(page.title),
            (b'D', _) => self.write_date(page, out),
            (b'Y', Some(slots)) => push_number(slots.date.year, out),
            (b'g', Some(slots)) => push_number(slots.page, out),
            (b'G', Some(slots)) => push_number(slots.pages, out),
            (_, Some(slots)) => self.push_count(slots.reads, out),
            (b'Y', None) => out.push_str("{year}"),
            (b'g', None) => out.push_str("{page}"),
            (b'G', None) => out.push_str("{pages}"),
            (_, None) => out.push_str("{count}"),
        }
    }

    /// With the language's mark between thousands, where it has one.
    fn push_count(&self, count: u64, out: &mut String) {
        if count < 1_000 || self.comma.is_empty() {
            return push_number(count, out);
        }
        push_number(count / 1_000, out);
        out.push_str(self.comma);
        for digit in [count / 100, count / 10, count] {
            out.push(char::from(b'0' + (digit % 10) as u8));
        }
    }
}

impl Pattern {
    fn of(text: &'static str) -> Pattern {
        let mut parts = text.split('%');
        let mut pieces: Vec<Piece> = parts.next().into_iter().map(Piece::Literal).collect();
        for part in parts {
            // Every letter is one byte of ASCII.
            let (letter, after) = part.split_at(1);
            pieces.push(Piece::Gap(letter.as_bytes()[0]));
            pieces.push(Piece::Literal(after));
        }
        pieces.retain(|piece| !matches!(piece, Piece::Literal("")));
        Pattern(pieces)
    }
}

impl Class {
    /// Made words are `start stem end`; without stems a start and an end; without ends a start and a listed word.
    fn of(listed: Vec<&'static str>, starts: &[&str], stems: &[&str], ends: &[&str]) -> Class {
        let ends = if ends.is_empty() { &listed } else { ends };
        let mut made = Vec::new();
        for start in starts {
            for end in ends {
                if stems.is_empty() {
                    made.push(format!("{start}{end}"));
                }
                made.extend(stems.iter().map(|stem| format!("{start}{stem}{end}")));
            }
        }
        Class { listed, made }
    }

    fn draw(&self, random: &mut Random) -> &str {
        let draw = random.next();
        let half = draw & 1 == 0;
        if self.made.is_empty() || (half && !self.listed.is_empty()) {
            return self.listed[skewed(draw >> 32, self.listed.len())];
        }
        &self.made[skewed(draw >> 32, self.made.len())]
    }
}

/// A place below `count`, those in front more often: the square of an even draw of 32 bits.
fn skewed(draw: u64, count: usize) -> usize {
    ((((draw * draw) >> 32) * count as u64) >> 32) as usize
}

fn one_of(words: &[&'static str], random: &mut Random) -> &'static str {
    words[random.below(words.len() as u64) as usize]
}

/// Appends a number in decimal digits.
pub fn push_number(number: u64, out: &mut String) {
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
    out.extend(digits[start..].iter().map(|&digit| char::from(digit)));
}
