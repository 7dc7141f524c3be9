//! What do the benches read? A corpus that is made, the same every time, and never stored.
//!
//! A number of documents and a seed in, a JSON Lines file of about that many times 2.9 KB out: articles of many sites,
//! most of which put a menu before and a footer behind each text. A sixth of the documents are copies of earlier
//! ones under another or the same site's skin (3 in 10 of them exact, the others with 1 word in 500 to 1 in 7
//! edited, some without a paragraph), one in twenty opens with a lead that says again what two later paragraphs say, and
//! one in eight is German, Russian or Chinese. The shares are those of the crawls we know, roughly; a figure
//! measured here compares two states of the program, and says little of a crawl.
//!
//! Words are drawn with a skew, as in real text, but without a grammar: no run of five words is common, where real
//! text has stock phrases. So this corpus has fewer accidental near-duplicates than a real one.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::random::Random;
use serde::Serialize;
use tempfile::TempDir;

/// A corpus in a temporary folder, which goes with it.
pub struct Corpus {
    /// One shard of JSON Lines.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of all texts, without JSON.
    pub text_bytes: u64,
    /// How many.
    pub documents: u64,
    _folder: TempDir,
}

/// Writes `documents` documents. The same arguments give the same bytes.
pub fn make(documents: u64, seed: u64) -> std::io::Result<Corpus> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.jsonl");
    let mut out = Counting { inner: BufWriter::new(File::create(&file)?), bytes: 0 };
    let writer = Writer { seed, sites: (documents / DOCUMENTS_PER_SITE).max(4) };
    let mut text_bytes = 0;
    for number in 0..documents {
        let record = writer.record(number);
        text_bytes += record.text.len() as u64;
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
    }
    out.inner.flush()?;
    Ok(Corpus { file, bytes: out.bytes, text_bytes, documents, _folder: folder })
}

/// On average; the first sites have about twice as many, the last ones few.
const DOCUMENTS_PER_SITE: u64 = 80;

struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[derive(Serialize)]
struct Record {
    id: String,
    url: String,
    date: String,
    lang: &'static str,
    text: String,
}

struct Writer {
    seed: u64,
    sites: u64,
}

impl Writer {
    fn record(&self, number: u64) -> Record {
        let mut random = self.random(number, Use::Skin);
        let site = random.below(self.sites).min(random.below(self.sites)); // some sites are larger than others
        let day = Date::any(&mut random);
        let (language, body) = self.body(number);
        let mut paragraphs = self.header(site);
        paragraphs.extend(body);
        paragraphs.extend(self.footer(site, day, &mut random));
        Record {
            id: format!("doc-{number:07}"),
            url: format!(
                "https://www.{}.example/{}/{:02}/{number:x}.html",
                self.site_name(site),
                day.year,
                day.month
            ),
            date: day.iso(),
            lang: language.code,
            text: paragraphs.join("\n\n"),
        }
    }

    /// The article without its site's skin: its own, or an earlier one's, edited.
    fn body(&self, number: u64) -> (&'static Language, Vec<String>) {
        let original = self.original_of(number);
        let (language, mut body) = self.article(original);
        if original != number {
            edit(language, &mut body, &mut self.random(number, Use::Edit));
        }
        (language, body)
    }

    /// Itself; or, for one in six, an earlier document that is no copy.
    fn original_of(&self, mut number: u64) -> u64 {
        loop {
            let mut random = self.random(number, Use::Source);
            if number == 0 || !random.one_in(6) {
                return number;
            }
            number = random.below(number);
        }
    }

    fn article(&self, number: u64) -> (&'static Language, Vec<String>) {
        let mut random = self.random(number, Use::Article);
        let language = &LANGUAGES[if random.one_in(8) { 1 + random.below(3) as usize } else { 0 }];
        let paragraphs = 4 + random.below(7).min(random.below(7));
        let mut body: Vec<String> = (0..=paragraphs).map(|_| paragraph(language, &mut random)).collect();
        if random.one_in(20) {
            body[0] = format!("{}{}{}", body[2], language.space, body[3]);
        }
        body.insert(0, sentence(language, &mut random, 4, 9));
        (language, body)
    }

    /// A menu; one site in eight has neither menu nor footer.
    fn header(&self, site: u64) -> Vec<String> {
        let mut random = self.random(site, Use::Site);
        if random.one_in(8) {
            return Vec::new();
        }
        let entries = 2 + random.below(4);
        (0..entries).map(|_| capital(random.skewed(ENGLISH.content))).collect()
    }

    /// A notice, a line with a date and a counter, and whose page it is.
    fn footer(&self, site: u64, day: Date, page: &mut Random) -> Vec<String> {
        let mut random = self.random(site, Use::Site);
        if random.one_in(8) {
            return Vec::new();
        }
        let notice: Vec<String> = (0..3).map(|_| sentence(ENGLISH, &mut random, 8, 14)).collect();
        vec![
            notice.join(" "),
            format!(
                "Updated {} {} {}, read {} times",
                day.day,
                MONTHS[day.month as usize - 1],
                day.year,
                page.below(5_000)
            ),
            format!("© {} {}. All rights reserved.", day.year, capital(&self.site_name(site))),
        ]
    }

    fn site_name(&self, site: u64) -> String {
        format!("{}{site}", name(&mut self.random(site, Use::Name)).to_lowercase())
    }

    /// What is drawn for one use does not move with what is drawn for another.
    fn random(&self, number: u64, of: Use) -> Random {
        let mut random = Random(self.seed ^ (of as u64) << 56 ^ number);
        Random(random.next())
    }
}

#[derive(Clone, Copy)]
enum Use {
    Source = 1,
    Article,
    Edit,
    Skin,
    Site,
    Name,
}

/// Three copies in ten are exact; of the others, most have less than 1 word in 50 edited: about where a Jaccard
/// similarity of 0.8 over runs of five words lies.
fn edit(language: &Language, body: &mut Vec<String>, random: &mut Random) {
    let per_mille = match random.below(10) {
        0..3 => return,
        3..8 => 2 + random.below(18),
        _ => 20 + random.below(120),
    };
    for paragraph in body.iter_mut() {
        let words = language.split(paragraph);
        let edited: Vec<&str> = words
            .map(|word| if random.below(1000) < per_mille { random.skewed(language.content) } else { word })
            .collect();
        *paragraph = edited.join(language.space);
    }
    if random.one_in(5) {
        body.pop();
    }
}

fn paragraph(language: &Language, random: &mut Random) -> String {
    let sentences: Vec<String> =
        (0..2 + random.below(4)).map(|_| sentence(language, random, 8, 26)).collect();
    sentences.join(language.space)
}

/// `least` to `most` words, with the commas, quotes, names and numbers that text has.
fn sentence(language: &Language, random: &mut Random, least: u64, most: u64) -> String {
    let words = least + random.below(most - least + 1);
    let mut text = String::new();
    for place in 0..words {
        let word = match random.below(100) {
            0..46 => random.skewed(language.function).to_owned(),
            46..90 => random.skewed(language.content).to_owned(),
            90..97 => name(random),
            _ => (1 + random.below(3_000)).to_string(),
        };
        text += &if place == 0 { capital(&word) } else { word };
        if place + 1 < words {
            text += if random.one_in(11) { language.comma } else { language.space };
        }
    }
    match random.below(40) {
        0..3 => format!("\"{text}{}\"", language.stop),
        3 => format!("“{text}{}”", language.stop),
        _ => text + language.stop,
    }
}

/// Two or three syllables: one of thousands.
fn name(random: &mut Random) -> String {
    let syllables: String = (0..2 + random.below(2)).map(|_| random.skewed(SYLLABLES)).collect();
    capital(&syllables)
}

fn capital(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

#[derive(Clone, Copy)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    fn any(random: &mut Random) -> Date {
        Date { year: 2021 + random.below(6), month: 1 + random.below(12), day: 1 + random.below(28) }
    }

    fn iso(self) -> String {
        format!("{}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Random {
    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of `words`, those in front far more often: the product of two even draws.
    fn skewed<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let count = words.len() as u64;
        words[(self.below(count) * (1 + self.below(count)) / count) as usize]
    }
}

struct Language {
    code: &'static str,
    function: &'static [&'static str],
    content: &'static [&'static str],
    space: &'static str,
    comma: &'static str,
    stop: &'static str,
}

impl Language {
    /// Words with their punctuation; where no spaces are written, characters.
    fn split<'t>(&self, text: &'t str) -> Box<dyn Iterator<Item = &'t str> + 't> {
        match self.space {
            "" => Box::new(text.split_inclusive(|_| true)),
            space => Box::new(text.split(space)),
        }
    }
}

const ENGLISH: &Language = &LANGUAGES[0];

const LANGUAGES: [Language; 4] = [
    Language {
        code: "en",
        function: &[
            "the", "of", "and", "to", "a", "in", "that", "for", "it", "is", "on", "was", "with", "as", "by",
            "at", "from", "but", "be", "has", "its", "are", "this", "not", "who", "have", "an", "which",
            "will", "more", "they", "were", "their", "had", "or", "about", "been", "after", "would", "than",
            "when", "into", "all", "also", "over", "there", "between", "before", "while", "could", "under",
            "because", "against", "during", "until", "without", "within", "across", "though", "wasn't",
            "toward", "whether",
        ],
        content: &[
            "said",
            "year",
            "people",
            "city",
            "work",
            "water",
            "council",
            "school",
            "market",
            "report",
            "price",
            "road",
            "house",
            "plan",
            "river",
            "train",
            "doctor",
            "farmer",
            "company",
            "season",
            "house",
            "court",
            "week",
            "night",
            "money",
            "story",
            "paper",
            "child",
            "field",
            "winter",
            "summer",
            "village",
            "station",
            "engine",
            "bridge",
            "garden",
            "letter",
            "minister",
            "teacher",
            "music",
            "harvest",
            "harbour",
            "island",
            "mountain",
            "forest",
            "weather",
            "kitchen",
            "window",
            "library",
            "museum",
            "theatre",
            "election",
            "budget",
            "factory",
            "worker",
            "union",
            "strike",
            "holiday",
            "traffic",
            "ticket",
            "driver",
            "passenger",
            "airport",
            "border",
            "language",
            "history",
            "science",
            "research",
            "energy",
            "battery",
            "cable",
            "network",
            "server",
            "archive",
            "picture",
            "camera",
            "painter",
            "singer",
            "concert",
            "festival",
            "football",
            "player",
            "coach",
            "league",
            "goal",
            "victory",
            "defeat",
            "hospital",
            "nurse",
            "patient",
            "medicine",
            "vaccine",
            "virus",
            "animal",
            "horse",
            "cattle",
            "fishery",
            "vessel",
            "captain",
            "sailor",
            "storm",
            "flood",
            "drought",
            "earthquake",
            "rescue",
            "shelter",
            "volunteer",
            "charity",
            "donation",
            "found",
            "built",
            "opened",
            "closed",
            "announced",
            "agreed",
            "refused",
            "promised",
            "described",
            "measured",
            "carried",
            "brought",
            "watched",
            "expected",
            "reached",
            "crossed",
            "counted",
            "repaired",
            "planted",
            "painted",
            "printed",
            "translated",
            "remembered",
            "forgot",
            "answered",
            "asked",
            "decided",
            "delayed",
            "postponed",
            "recovered",
            "collapsed",
            "improved",
            "declined",
            "increased",
            "doubled",
            "local",
            "national",
            "public",
            "private",
            "early",
            "late",
            "small",
            "large",
            "quiet",
            "crowded",
            "ancient",
            "modern",
            "wooden",
            "northern",
            "southern",
            "eastern",
            "western",
            "coastal",
            "rural",
            "expensive",
            "affordable",
            "difficult",
            "simple",
            "dangerous",
            "peaceful",
            "official",
            "independent",
            "temporary",
            "permanent",
            "seasonal",
            "annual",
            "monthly",
            "daily",
            "possible",
            "certain",
            "careful",
            "slowly",
            "quickly",
            "carefully",
            "recently",
            "nearly",
            "hardly",
            "perhaps",
            "together",
            "afterwards",
            "meanwhile",
            "elsewhere",
            "upstairs",
            "abroad",
            "investigation",
            "responsibility",
            "neighbourhood",
            "infrastructure",
            "representative",
            "administration",
            "environmental",
            "approximately",
            "transportation",
            "café",
            "façade",
            "naïve",
            "co-operation",
            "well-known",
            "twenty-year",
            "e-mail",
            "half-finished",
            "agreement",
            "treaty",
            "tariff",
            "export",
            "import",
            "customs",
            "merchant",
            "warehouse",
            "cargo",
            "railway",
            "tunnel",
            "canal",
            "reservoir",
            "turbine",
            "sunlight",
            "grassland",
            "meadow",
            "orchard",
            "vineyard",
            "bakery",
            "butcher",
            "tailor",
            "carpenter",
            "mason",
            "plumber",
            "electrician",
            "architect",
            "lawyer",
            "judge",
            "witness",
            "evidence",
            "verdict",
            "appeal",
            "prison",
            "sentence",
            "crime",
            "police",
        ],
        space: " ",
        comma: ", ",
        stop: ".",
    },
    Language {
        code: "de",
        function: &[
            "die", "der", "und", "in", "den", "von", "zu", "das", "mit", "sich", "des", "auf", "für", "ist",
            "im", "dem", "nicht", "ein", "eine", "als", "auch", "es", "an", "werden", "aus", "er", "hat",
            "dass", "sie", "nach", "wird", "bei", "über", "während", "gegen", "können", "müssen", "würde",
            "zwischen",
        ],
        content: &[
            "Jahr",
            "Stadt",
            "Gemeinde",
            "Straße",
            "Brücke",
            "Schüler",
            "Bürgermeister",
            "Behörde",
            "Prüfung",
            "Gebäude",
            "Grundstück",
            "Höhe",
            "Länge",
            "Größe",
            "Tür",
            "Fenster",
            "Garten",
            "Wasser",
            "Fluss",
            "Zug",
            "Bahnhof",
            "Flughafen",
            "Gesundheit",
            "Krankenhaus",
            "Ärztin",
            "Lehrer",
            "Kinder",
            "Eltern",
            "Familie",
            "Wirtschaft",
            "Unternehmen",
            "Händler",
            "Märkte",
            "Preise",
            "Löhne",
            "geprüft",
            "eröffnet",
            "geschlossen",
            "verkündet",
            "beschlossen",
            "gewählt",
            "zurückgekehrt",
            "gestiegen",
            "gefallen",
            "schön",
            "größer",
            "kleiner",
            "öffentlich",
            "nördlich",
            "südlich",
            "jährlich",
            "täglich",
            "vermutlich",
            "ungefähr",
            "Verantwortung",
            "Zusammenarbeit",
            "Verkehrsverbindung",
            "Wetterbericht",
            "Feuerwehr",
            "Überschwemmung",
        ],
        space: " ",
        comma: ", ",
        stop: ".",
    },
    Language {
        code: "ru",
        function: &[
            "и",
            "в",
            "не",
            "на",
            "что",
            "с",
            "по",
            "это",
            "как",
            "к",
            "но",
            "его",
            "из",
            "у",
            "за",
            "от",
            "для",
            "о",
            "же",
            "так",
            "было",
            "все",
            "они",
            "если",
            "или",
            "когда",
            "уже",
            "после",
            "между",
            "через",
        ],
        content: &[
            "год",
            "город",
            "человек",
            "время",
            "работа",
            "дом",
            "вода",
            "школа",
            "рынок",
            "цена",
            "дорога",
            "река",
            "поезд",
            "врач",
            "компания",
            "сезон",
            "суд",
            "неделя",
            "ночь",
            "деньги",
            "газета",
            "ребёнок",
            "поле",
            "зима",
            "лето",
            "деревня",
            "станция",
            "мост",
            "письмо",
            "учитель",
            "музыка",
            "урожай",
            "остров",
            "гора",
            "лес",
            "погода",
            "окно",
            "музей",
            "театр",
            "выборы",
            "завод",
            "рабочий",
            "билет",
            "граница",
            "язык",
            "история",
            "наука",
            "энергия",
            "сказал",
            "открыл",
            "построил",
            "решил",
            "нашёл",
            "вернулся",
            "большой",
            "новый",
            "старый",
            "местный",
            "северный",
            "ежегодный",
            "ответственность",
            "приблизительно",
        ],
        space: " ",
        comma: ", ",
        stop: ".",
    },
    Language {
        code: "zh",
        function: &[
            "的", "一", "是", "不", "了", "在", "人", "有", "我", "他", "这", "中", "大", "来", "上", "国",
            "个", "到", "说", "们", "为", "子", "和", "你", "地", "出", "道", "也", "时", "年",
        ],
        content: &[
            "市场",
            "价格",
            "学校",
            "道路",
            "河流",
            "火车",
            "医生",
            "公司",
            "季节",
            "法院",
            "星期",
            "报纸",
            "孩子",
            "田野",
            "冬天",
            "夏天",
            "村庄",
            "车站",
            "桥梁",
            "花园",
            "老师",
            "音乐",
            "收成",
            "岛屿",
            "森林",
            "天气",
            "窗户",
            "图书馆",
            "博物馆",
            "选举",
            "预算",
            "工厂",
            "工人",
            "假期",
            "交通",
            "边境",
            "语言",
            "历史",
            "科学",
            "能源",
            "网络",
            "照片",
            "足球",
            "医院",
            "暴雨",
            "开放",
            "关闭",
            "宣布",
            "同意",
            "拒绝",
            "建造",
            "修理",
            "增加",
            "减少",
            "大约",
            "可能",
            "公共",
            "当地",
        ],
        space: "",
        comma: "，",
        stop: "。",
    },
];

const SYLLABLES: &[&str] = &[
    "mar", "lin", "ros", "ton", "ber", "gar", "hol", "den", "win", "fer", "sal", "ker", "mon", "dra", "vel",
    "tar", "nor", "bel", "cas", "tor", "lan", "mi", "ka", "ro", "sen", "dor", "wick", "ham", "field",
    "ström",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
