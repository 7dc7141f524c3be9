//! Which paragraphs are forms of one?
//!
//! The pages of a site in, as sequences of [`WordedParagraph`]s; [`Forms`] out, which give every form of a paragraph the
//! key of one of them. "Published on 3 March by Anna Keller" and "Published on 12 May by Jo Lee" are one paragraph of a footer
//! with slots, though they share no more than three words. Two paragraphs taken for one make a slot too large, and
//! may make two short paragraphs as frequent as one; a form that is missed stays in the content.
//!
//! How it decides. Forms stand in the same *place*: at the same distance from the head or tail of the page, or
//! from the same paragraph that many pages have. Of all that stands in a place on different pages, those that
//! have a word in common are taken together, the commonest word first. Words that nine tenths of them share, in one order, are their *frame*, and all that
//! have the frame are forms of one, if
//! - the frame is a third of the words of each, and half of its words stand beside one another or at an end;
//! - it has two words or more, and pages times words make 12 (three words on four pages); or it is a single word at an end
//!   that four fifths of the pages in this place have ("by ..."); or the paragraph is a date: numbers, and one word;
//! - seen from the head, what differs does not stand again elsewhere on most pages: a title, whatever it shares with other titles, is the
//!   page's own;
//! - no two of them stand on one page, but for a tenth of the pages: what stands side by side in a menu is no form of its
//!   neighbour.
//!
//! Then places are looked up again, since a form found is a paragraph that many pages have, until nothing is found, four times
//! at most. Time: each round looks at the paragraphs of a page up to the third that is on few pages, from either end, and
//! where forms are found, at no more than 512 paragraphs from either end of their pages.
//!
//! The idea of a frame of frequent words is that of log templates (Vaarandi, *A data clustering algorithm for mining
//! patterns from event logs*, 2003); place and exclusion are our own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{ParagraphKey, TemplateSettings, reaches};

/// A paragraph with its words.
#[derive(Clone, Copy, Debug)]
pub struct WordedParagraph<'a> {
    /// What it says, numbers masked.
    pub key: ParagraphKey,
    /// The hashes of its tokens.
    pub tokens: &'a [u64],
    /// Says of a token hash whether it is a number.
    pub is_number: fn(u64) -> bool,
}

/// Which keys are forms of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Forms {
    /// Where it is another than the key itself.
    of_key: HashMap<ParagraphKey, ParagraphKey>,
}

impl Forms {
    /// The key that stands for all forms of a paragraph.
    pub fn of(&self, key: ParagraphKey) -> ParagraphKey {
        self.of_key.get(&key).copied().unwrap_or(key)
    }

    /// Finds more forms on the different pages of one site, given in any order, with what is known to be boilerplate on
    /// each. None where there are no more. Cost: see the module.
    pub fn extended(
        &self,
        pages: &[Vec<WordedParagraph>],
        marks: &[Vec<bool>],
        settings: &TemplateSettings,
    ) -> Option<Forms> {
        if pages.len() < settings.min_documents as usize {
            return None;
        }
        let mut site = Site::of(pages, marks, self);
        site.join_forms(settings).then(|| site.forms())
    }
}

/// How many paragraphs on few pages a walk from an end passes.
const DEPTH: u32 = 3;

/// On a site of fewer pages, three are enough for a form; of more, as many as a section needs.
const SMALL_SITE: usize = 20;

/// How many paragraphs from either end are looked at where a title may stand again, or another form.
const VIEW: usize = 512;

/// How far a walk goes.
const REACH: usize = 64;

/// Longer paragraphs are looked at by near equality alone.
const MAX_TOKENS: usize = 256;

/// Of more pages in one place, evenly drawn ones decide; the others are held against the frames that these have.
const SAMPLE: usize = 2048;

/// How many words of a place are tried as what its paragraphs have in common.
const TRIES: usize = 16;

/// How many paragraphs are tried as models of a frame.
const MODELS: usize = 8;

/// Which share of those that have a word in common has a word of the frame.
const FRAME_PERCENT: u32 = 90;

/// On which share of its pages a place holds the same single word, or a date.
const STEADY_PERCENT: u32 = 80;

/// Pages times words that a frame of two words or more needs.
const EVIDENCE: u64 = 12;

/// On which share of the pages two forms may stand together.
const TOGETHER_PERCENT: u32 = 10;

/// A number. Token hashes are odd or even; none is likely to be this.
const NUMBER: u64 = 0;

/// The pages with paragraphs as numbers.
struct Site<'a> {
    keys: Vec<ParagraphKey>,
    paragraphs: Vec<WordedParagraph<'a>>,
    pages: Vec<Vec<u32>>,
    /// What of each page is boilerplate.
    marks: &'a [Vec<bool>],
    /// The paragraph that stands for each: a smaller or the same number.
    leader: Vec<u32>,
}

/// A place on a page: which end it is seen from, the boilerplate paragraph (its leader) that is passed last on the way, how
/// many others since, and the one that comes right after, if it is boilerplate.
type Spot = (bool, Option<u32>, u32, Option<u32>);

impl<'a> Site<'a> {
    fn of(pages: &[Vec<WordedParagraph<'a>>], marks: &'a [Vec<bool>], known: &Forms) -> Site<'a> {
        let mut firsts: BTreeMap<ParagraphKey, WordedParagraph> = BTreeMap::new();
        for paragraph in pages.iter().flatten() {
            firsts.entry(paragraph.key).or_insert(*paragraph);
        }
        let number: HashMap<ParagraphKey, u32> = firsts.keys().copied().zip(0..).collect();
        let numbers = |page: &Vec<WordedParagraph>| page.iter().map(|p| number[&p.key]).collect();
        Site {
            leader: firsts.keys().map(|key| *number.get(&known.of(*key)).unwrap_or(&number[key])).collect(),
            keys: firsts.keys().copied().collect(),
            paragraphs: firsts.into_values().collect(),
            pages: pages.iter().map(numbers).collect(),
            marks,
        }
    }

    /// The words of a paragraph, numbers masked.
    fn words(&self, paragraph: u32) -> impl Iterator<Item = u64> {
        let WordedParagraph { tokens, is_number, .. } = self.paragraphs[paragraph as usize];
        tokens.iter().map(move |&token| if is_number(token) { NUMBER } else { token })
    }

    /// The paragraphs of a page, of a long one those near its ends.
    fn near_ends(&self, page: u32) -> impl Iterator<Item = u32> {
        let page = &self.pages[page as usize];
        let head = VIEW.min(page.len());
        let tail = page.len().saturating_sub(VIEW).max(head);
        page[..head].iter().chain(&page[tail..]).copied()
    }

    /// Whether it has words, and not too many.
    fn may_have_forms(&self, paragraph: u32) -> bool {
        (1..=MAX_TOKENS).contains(&self.paragraphs[paragraph as usize].tokens.len())
    }

    /// Whether any were found.
    fn join_forms(&mut self, settings: &TemplateSettings) -> bool {
        let mut spots: Vec<(Spot, Vec<(u32, u32)>)> = self.spots(settings).into_iter().collect();
        spots.sort_unstable_by_key(|(spot, found)| (Reverse(found.len()), *spot));
        let mut joined = false;
        for (spot, found) in spots {
            for forms in self.forms_in_spot(spot.0, &found, settings) {
                joined |= self.join(&forms);
            }
        }
        for paragraph in 0..self.keys.len() as u32 {
            self.leader[paragraph as usize] = self.leader_of(paragraph);
        }
        joined
    }

    /// What stands in each spot: page and paragraph.
    fn spots(&self, settings: &TemplateSettings) -> HashMap<Spot, Vec<(u32, u32)>> {
        let mut spots: HashMap<Spot, Vec<(u32, u32)>> = HashMap::new();
        for ((page, marks), number) in self.pages.iter().zip(self.marks).zip(0..) {
            for from_head in [true, false] {
                let at = |step: usize| if from_head { step } else { page.len() - 1 - step };
                let marked = |step: usize| {
                    marks.get(at(step)).is_some_and(|&is| is).then(|| self.leader[page[at(step)] as usize])
                };
                let (mut last, mut since) = (None, 0);
                for step in 0..page.len().min(REACH) {
                    let next = (step + 1 < page.len()).then(|| marked(step + 1)).flatten();
                    spots.entry((from_head, last, since, next)).or_default().push((number, page[at(step)]));
                    match marked(step) {
                        Some(leader) => (last, since) = (Some(leader), 0),
                        None => since += 1,
                    }
                    if since == DEPTH {
                        break;
                    }
                }
            }
        }
        spots.retain(|_, found| found.len() >= settings.min_documents as usize);
        spots
    }

    /// The groups of forms among what stands in one spot.
    fn forms_in_spot(
        &self,
        from_head: bool,
        found: &[(u32, u32)],
        settings: &TemplateSettings,
    ) -> Vec<Vec<u32>> {
        let mut pages_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let step = found.len().div_ceil(SAMPLE);
        let mut found = found.to_vec();
        found.sort_unstable_by_key(|&(page, paragraph)| (paragraph, page)); // whatever the order of pages
        for &(page, paragraph) in found.iter().step_by(step) {
            let pages = pages_of.entry(paragraph).or_default();
            if pages.last() != Some(&page) {
                pages.push(page);
            }
        }
        let all = found.len().div_ceil(step) as u32;
        let mut rest: Vec<Candidate> = pages_of
            .into_iter()
            .filter(|&(paragraph, _)| self.may_have_forms(paragraph))
            .map(|(paragraph, pages)| Candidate { paragraph, pages, words: counted(self.words(paragraph)) })
            .collect();
        let enough = self.enough(all, settings);
        let mut groups = Vec::new();
        let mut tried = HashSet::new();
        for _ in 0..TRIES {
            if rest.len() < 2 {
                break;
            }
            let Some(word) = commonest(&rest, &tried, enough) else { break };
            tried.insert(word);
            let Some((frame, forms)) = self.forms_with(word, &rest, all, enough) else { continue };
            let title = from_head && self.are_titles(&frame, &forms);
            let mut forms: BTreeSet<u32> = forms.iter().map(|candidate| candidate.paragraph).collect();
            rest.retain(|candidate| !forms.contains(&candidate.paragraph));
            if !title {
                let fits = |&&(_, p): &&(u32, u32)| self.may_have_forms(p) && frame.fits(self.words(p));
                forms.extend(found.iter().filter(|_| step > 1).filter(fits).map(|&(_, paragraph)| paragraph));
                groups.push(forms.into_iter().collect());
            }
        }
        groups
    }

    /// On how many pages forms stand at least.
    fn enough(&self, all: u32, settings: &TemplateSettings) -> u32 {
        let few = if self.pages.len() < SMALL_SITE { settings.min_documents } else { settings.section_pages };
        few.max(settings.pages(settings.edge_percent, all))
    }

    /// The forms among `candidates` that share `word`, if they are forms of one.
    fn forms_with<'c>(
        &self,
        word: Word,
        candidates: &'c [Candidate],
        all: u32,
        enough: u32,
    ) -> Option<(Frame, Vec<&'c Candidate>)> {
        let with: Vec<&Candidate> = candidates.iter().filter(|c| c.words.contains(&word)).collect();
        let mut count: HashMap<Word, u32> = HashMap::new();
        for candidate in &with {
            for &word in &candidate.words {
                *count.entry(word).or_default() += candidate.pages.len() as u32;
            }
        }
        let total = pages(&with);
        let shared = |word: &Word| reaches(count[word], FRAME_PERCENT, total);
        let frame_size = count.keys().filter(|word| shared(word)).count();
        let whole =
            |candidate: &Candidate| candidate.words.iter().filter(|word| shared(word)).count() == frame_size;
        let mut models: Vec<&Candidate> = with.iter().copied().filter(|c| whole(c)).collect();
        models.sort_by_key(|c| (Reverse(c.pages.len()), self.keys[c.paragraph as usize]));
        // In one that says a word of the frame in a slot, too, the frame is out of order: the best of a few models counts.
        let fitting = |model: &Candidate| {
            let frame = Frame::of(&model.words, |word| shared(&word));
            let fits = |c: &&Candidate| frame.fits(self.words(c.paragraph));
            let forms: Vec<&Candidate> = with.iter().copied().filter(fits).collect();
            (pages(&forms), frame, forms)
        };
        let (on, frame, forms) =
            models.into_iter().take(MODELS).map(fitting).reduce(|a, b| if b.0 > a.0 { b } else { a })?;
        let several = forms.len() >= 2 && on >= enough;
        let sound = several && frame.is_evident(on, all, &forms) && !self.stand_together(&forms, on);
        sound.then_some((frame, forms))
    }

    /// Whether what differs stands again elsewhere on most pages: then these are the titles of their pages, or of sections
    /// that a menu names.
    fn are_titles(&self, frame: &Frame, forms: &[&Candidate]) -> bool {
        let again = |candidate: &Candidate, page: &u32| {
            let own: HashSet<u64> = self.words(candidate.paragraph).collect();
            let slots: Vec<u64> =
                own.into_iter().filter(|word| *word != NUMBER && !frame.words.contains(word)).collect();
            let others =
                self.near_ends(*page).filter(|&p| p != candidate.paragraph && self.may_have_forms(p));
            let elsewhere: HashSet<u64> = others.flat_map(|p| self.words(p)).collect();
            let found = slots.iter().filter(|word| elsewhere.contains(word)).count();
            !slots.is_empty() && 3 * found >= 2 * slots.len()
        };
        let times: usize = forms.iter().map(|c| c.pages.iter().filter(|page| again(c, page)).count()).sum();
        2 * times >= pages(forms) as usize
    }

    /// Whether different ones of these stand on the same pages.
    fn stand_together(&self, forms: &[&Candidate], on: u32) -> bool {
        let known: HashSet<u32> = forms.iter().map(|candidate| candidate.paragraph).collect();
        let another = |candidate: &Candidate, page: &u32| {
            let other = |paragraph: u32| paragraph != candidate.paragraph && known.contains(&paragraph);
            self.near_ends(*page).any(other)
        };
        let together: usize = forms
            .iter()
            .map(|candidate| candidate.pages.iter().filter(|page| another(candidate, page)).count())
            .sum();
        together as u64 * 100 > u64::from(TOGETHER_PERCENT) * u64::from(on)
    }

    /// Makes one of these and of what they were joined with. Whether that is news.
    fn join(&mut self, forms: &[u32]) -> bool {
        let leaders: BTreeSet<u32> = forms.iter().map(|&form| self.leader_of(form)).collect();
        let first = leaders.first().copied().unwrap_or_default();
        for &leader in &leaders {
            self.leader[leader as usize] = first;
        }
        leaders.len() > 1
    }

    fn leader_of(&mut self, mut paragraph: u32) -> u32 {
        while self.leader[paragraph as usize] != paragraph {
            let above = self.leader[self.leader[paragraph as usize] as usize];
            self.leader[paragraph as usize] = above;
            paragraph = above;
        }
        paragraph
    }

    fn forms(self) -> Forms {
        let key = |paragraph: u32| self.keys[paragraph as usize];
        let moved = (0..self.keys.len() as u32).filter(|&p| self.leader[p as usize] != p);
        Forms { of_key: moved.map(|p| (key(p), key(self.leader[p as usize]))).collect() }
    }
}

/// A word, and which of its occurrences in the paragraph it is.
type Word = (u64, u32);

/// A paragraph in a spot.
struct Candidate {
    paragraph: u32,
    /// On which it stands in this spot.
    pages: Vec<u32>,
    words: Vec<Word>,
}

fn pages(candidates: &[&Candidate]) -> u32 {
    candidates.iter().map(|candidate| candidate.pages.len() as u32).sum()
}

/// Tells the first "of" from the second.
fn counted(words: impl Iterator<Item = u64>) -> Vec<Word> {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut counted = Vec::new();
    for word in words {
        let before = seen.entry(word).or_default();
        counted.push((word, *before));
        *before += 1;
    }
    counted
}

/// The word on most pages that was not tried yet.
fn commonest(candidates: &[Candidate], tried: &HashSet<Word>, enough: u32) -> Option<Word> {
    let mut count: HashMap<Word, u32> = HashMap::new();
    for candidate in candidates {
        for &word in candidate.words.iter().filter(|word| !tried.contains(word)) {
            *count.entry(word).or_default() += candidate.pages.len() as u32;
        }
    }
    let best = count.into_iter().max_by_key(|&(word, count)| (count, Reverse(word)))?;
    (best.1 >= enough).then_some(best.0)
}

/// The words that all forms share, in order.
struct Frame {
    words: Vec<u64>,
    /// How many of them are numbers.
    numbers: usize,
    /// How many stand beside another of them or at an end.
    steady: usize,
    at_an_end: bool,
}

impl Frame {
    fn of(model: &[Word], shared: impl Fn(Word) -> bool) -> Frame {
        let is: Vec<bool> = model.iter().map(|&word| shared(word)).collect();
        let last = is.len() - 1;
        let steady = |&i: &usize| is[i] && (i == 0 || i == last || is[i - 1] || is[i + 1]);
        let words: Vec<u64> = model.iter().zip(&is).filter(|&(_, &is)| is).map(|(word, _)| word.0).collect();
        Frame {
            numbers: words.iter().filter(|&&word| word == NUMBER).count(),
            steady: (0..is.len()).filter(steady).count(),
            at_an_end: is[0] || is[last],
            words,
        }
    }

    /// Whether it is a third of these words, in its order.
    fn fits(&self, words: impl Iterator<Item = u64>) -> bool {
        let (mut met, mut all) = (0, 0);
        for word in words {
            all += 1;
            met += usize::from(self.words.get(met) == Some(&word));
        }
        met == self.words.len() && 3 * met >= all
    }

    /// Whether it is more than chance and grammar.
    fn is_evident(&self, on: u32, all: u32, forms: &[&Candidate]) -> bool {
        let words = self.words.len() - self.numbers;
        let everywhere = on >= 5 && reaches(on, STEADY_PERCENT, all);
        if words >= 2 {
            u64::from(on) * words as u64 >= EVIDENCE && 2 * self.steady >= self.words.len()
        } else if words == 1 {
            everywhere && self.at_an_end
        } else {
            let is_date = |form: &&Candidate| form.words.iter().filter(|word| word.0 != NUMBER).count() <= 1;
            self.numbers > 0 && everywhere && forms.iter().all(is_date)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mix;
    use super::*;

    /// A word, a token: even, and odd for a number.
    fn token(word: &str) -> u64 {
        let number = word.starts_with(char::is_numeric);
        word.bytes().fold(1, |hash, byte| mix(hash ^ u64::from(byte))) & !1 | u64::from(number)
    }

    fn key(tokens: &[u64]) -> ParagraphKey {
        let masked = |&token: &u64| if token & 1 == 1 { 0 } else { token };
        tokens
            .iter()
            .map(masked)
            .fold(7, |hash, token| u128::from(mix(hash as u64 ^ token)) << 32 | hash >> 96)
    }

    fn worded(tokens: &[u64]) -> WordedParagraph<'_> {
        WordedParagraph { key: key(tokens), tokens, is_number: |token| token & 1 == 1 }
    }

    /// Pages of paragraphs, ` / ` between them; a paragraph that begins with `#` is boilerplate already.
    fn read(pages: &[String]) -> (Vec<Vec<Vec<u64>>>, Vec<Vec<bool>>) {
        let paragraphs = |page: &String| {
            page.split(" / ").map(|p| p.trim_start_matches('#').split(' ').map(token).collect()).collect()
        };
        let marks = |page: &String| page.split(" / ").map(|p| p.starts_with('#')).collect();
        (pages.iter().map(paragraphs).collect(), pages.iter().map(marks).collect())
    }

    fn forms_of(pages: &[String]) -> Option<Forms> {
        let (tokens, marks) = read(pages);
        let pages: Vec<Vec<WordedParagraph>> =
            tokens.iter().map(|page| page.iter().map(|p| worded(p)).collect()).collect();
        Forms::default().extended(&pages, &marks, &TemplateSettings::default())
    }

    /// Whether the paragraphs that begin with `start` are forms of one.
    #[track_caller]
    fn check(pages: &[&str], start: &str, expected: bool) {
        let pages: Vec<String> = pages.iter().map(|&page| page.to_owned()).collect();
        let forms = forms_of(&pages).unwrap_or_default();
        let with: HashSet<ParagraphKey> = pages
            .iter()
            .flat_map(|page| page.split(" / "))
            .filter(|paragraph| paragraph.starts_with(start))
            .map(|paragraph| forms.of(key(&paragraph.split(' ').map(token).collect::<Vec<_>>())))
            .collect();
        assert_eq!(with.len() == 1, expected, "{start} in {pages:?}");
    }

    #[test]
    fn a_line_with_a_name_and_a_date_has_forms() {
        let pages = [
            "a b c d / published on 3 march by anna keller",
            "e f g h / published on 12 may by jo lee",
            "i j k l / published on 4 june by maria de la cruz",
            "m n o p / published on 30 march by anna keller",
        ];
        check(&pages, "published", true);
        check(&pages[..2], "published", false); // two pages are no site
    }

    #[test]
    fn one_word_at_an_end_needs_nearly_all_pages() {
        let pages = [
            "#header / by anna keller / a b c d",
            "#header / by jo lee / e f g h",
            "#header / by sven / i j k l",
            "#header / by kim lo / m n o p",
            "#header / by uwe / q r s t",
        ];
        check(&pages, "by", true);
        check(&pages[..4], "by", false);
        check(&[&pages[..], &["#header / so far / u v"]].concat(), "by", true);
        check(&[&pages[..], &["#header / so far / u v", "#header / if not / w x"]].concat(), "by", false);
    }

    #[test]
    fn a_date_alone_has_forms() {
        let dated = |month: &str, body: &str| format!("#header / 3 {month} 2024 / {body}");
        let months = ["march", "april", "may", "june", "july"];
        let pages: Vec<String> =
            months.iter().zip(["a b", "c d", "e f", "g h", "i j"]).map(|(m, b)| dated(m, b)).collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        check(&pages, "3", true);
    }

    #[test]
    fn titles_are_no_forms() {
        // What differs is said again in the text.
        let page = |title: &str| {
            format!(
                "#header / the news of {title} today / all of {title} and no more / {title} a / {title} b / {title} c"
            )
        };
        let pages: Vec<String> = ["bread", "rivers", "goats", "trains", "hats"].map(page).to_vec();
        check(&pages.iter().map(String::as_str).collect::<Vec<_>>(), "the", false);
    }

    #[test]
    fn neighbours_in_a_menu_are_no_forms() {
        let page = |body: &str| format!("world news and views / local news and views / {body}");
        let mut pages: Vec<String> = ["a b", "c d", "e f", "g h", "i j", "k l"].map(page).to_vec();
        for page in pages.iter_mut().skip(3) {
            *page = page.replace("world news and views / local", "local news and views / world");
        }
        let forms = forms_of(&pages).unwrap_or_default();
        assert_eq!(forms, Forms::default());
    }

    #[test]
    fn sentences_are_no_forms_for_their_grammar() {
        let pages = [
            "the end of the road for old cars / a",
            "the price of the bread in our town / b",
            "a house at the end of the street is sold / c",
            "the head of the school says no to the plan / d",
            "most of the fish of the lake are gone now / e",
        ];
        check(&pages, "the", false);
    }

    proptest! {
        /// Planted lines are found, and nothing else is, whatever the order of the pages.
        #[test]
        fn planted_forms_are_found(
            frame in prop::collection::vec(0_u32..1000, 4..9),
            slots in prop::collection::vec(prop::collection::vec(1000_u32..90_000, 1..4), 6..20),
            at in 1_usize..4,
            order in any::<u64>(),
        ) {
            let words = |numbers: &[u32]| -> Vec<String> { numbers.iter().map(|n| format!("w{n}")).collect() };
            let mut pages: Vec<String> = slots.iter().enumerate().map(|(i, slot)| {
                let line = [words(&frame[..at]), words(slot), words(&frame[at..])].concat().join(" ");
                format!("x{i} y{i} z{i} / v{i} u{i} / {line}")
            }).collect();
            let lines = |forms: &Forms, pages: &[String]| -> HashSet<ParagraphKey> {
                let last = |page: &String| page.rsplit(" / ").next().unwrap().split(' ').map(token).collect::<Vec<_>>();
                pages.iter().map(|page| forms.of(key(&last(page)))).collect()
            };
            let different: HashSet<&Vec<u32>> = slots.iter().collect();
            prop_assume!(different.len() > 1 && frame.iter().collect::<HashSet<_>>().len() == frame.len());
            let forms = forms_of(&pages).unwrap_or_default();
            prop_assert_eq!(lines(&forms, &pages).len(), 1);
            prop_assert!(forms.of_key.len() < different.len() + 1);
            let half = order as usize % pages.len();
            pages.rotate_left(half);
            prop_assert_eq!(forms_of(&pages), Some(forms));
        }
    }
}
