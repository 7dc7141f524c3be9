//! Forms as they are defined, without a thought for time: what the room's own search is held against.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::{ParagraphKey, TemplateSettings, reaches};
use super::{
    DEPTH, EVIDENCE, FRAME_PERCENT, Forms, MAX_TOKENS, MODELS, NUMBER, REACH, SAMPLE, SMALL_SITE,
    STEADY_PERCENT, TOGETHER_PERCENT, TRIES, VIEW, WordedParagraph,
};

/// More forms than are `known`, if there are any.
pub(super) fn extended(
    known: &Forms,
    pages: &[Vec<WordedParagraph>],
    marks: &[Vec<bool>],
    settings: &TemplateSettings,
) -> Option<Forms> {
    if pages.len() < settings.min_documents as usize {
        return None;
    }
    let mut site = Site::of(pages, marks, known);
    site.join_forms(settings).then(|| site.forms())
}

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
