//! Which paragraphs are forms of one?
//!
//! The pages of a site in, as sequences of [`WordedParagraph`]s; [`Forms`] out, which give every form of a paragraph the
//! key of one of them; a [`FormSearch`] finds them. "Published on 3 March by Anna Keller" and "Published on 12 May by Jo Lee" are one paragraph of a footer
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

mod frames;
#[cfg(test)]
mod plain;
mod spots;
#[cfg(test)]
mod tests;
mod words;

use super::{Map, ParagraphKey, Set, TemplateSettings, mix};
use frames::{Candidate, Counters, Crowd, Demands, Found, Frame, pages_of_all};
use spots::{Pages, Spots, Standing};
use words::Words;

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
    of_key: Map<ParagraphKey, ParagraphKey>,
}

impl Forms {
    /// The key that stands for all forms of a paragraph.
    pub fn of(&self, key: ParagraphKey) -> ParagraphKey {
        self.of_key.get(&key).copied().unwrap_or(key)
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

/// Finds the forms of one site, round by round.
///
/// Words are numbered once. What stands in a spot is looked at once: its forms depend on that alone, not on what else is
/// known, so a spot that stayed as it was has no news. Memory, beside that of the words: 4 bytes a paragraph, 40 bytes a
/// different paragraph and a spot (estimate), and 24 bytes for each place that is passed while a round lasts.
pub struct FormSearch {
    site: Site,
    /// The paragraph that stands for each: a smaller or the same number.
    leader: Vec<u32>,
    /// The spots that were looked at.
    known: Set<u128>,
    counters: Counters,
}

impl FormSearch {
    /// On the different pages of a site, given in any order.
    pub fn new(pages: &[Vec<WordedParagraph>]) -> FormSearch {
        let site = Site::of(pages);
        FormSearch {
            leader: (0..site.keys.len() as u32).collect(),
            known: Set::default(),
            counters: Counters::new(site.words.len()),
            site,
        }
    }

    /// Finds more forms beside what is known to be boilerplate on each page; all that are known then. None where there are no
    /// more. Cost: see the module.
    pub fn more(&mut self, marks: &[Vec<bool>], settings: &TemplateSettings) -> Option<Forms> {
        let least = settings.min_documents as usize;
        if self.site.pages.len() < least {
            return None;
        }
        let mut joined = false;
        for (from_head, standing) in Spots::of(&self.site.pages, marks, &self.leader, least).iter() {
            if self.known.insert(fingerprint(from_head, standing)) {
                for forms in self.site.forms_in_spot(from_head, standing, &mut self.counters, settings) {
                    joined |= self.join(&forms);
                }
            }
        }
        for paragraph in 0..self.leader.len() as u32 {
            self.leader[paragraph as usize] = self.leader_of(paragraph);
        }
        joined.then(|| self.forms())
    }

    /// Makes one of these and of what they were joined with. Whether that is news.
    fn join(&mut self, forms: &[u32]) -> bool {
        let leaders: Vec<u32> = forms.iter().map(|&form| self.leader_of(form)).collect();
        let first = leaders.iter().copied().min().unwrap_or_default();
        for &leader in &leaders {
            self.leader[leader as usize] = first;
        }
        leaders.iter().any(|&leader| leader != first)
    }

    fn leader_of(&mut self, mut paragraph: u32) -> u32 {
        while self.leader[paragraph as usize] != paragraph {
            let above = self.leader[self.leader[paragraph as usize] as usize];
            self.leader[paragraph as usize] = above;
            paragraph = above;
        }
        paragraph
    }

    fn forms(&self) -> Forms {
        let key = |paragraph: u32| self.site.keys[paragraph as usize];
        let moved = (0..).zip(&self.leader).filter(|&(paragraph, &leader)| leader != paragraph);
        Forms { of_key: moved.map(|(paragraph, &leader)| (key(paragraph), key(leader))).collect() }
    }
}

/// A hash of all that the forms in a spot depend on.
fn fingerprint(from_head: bool, standing: &[Standing]) -> u128 {
    let of = |hash: u64| {
        standing.iter().fold(mix(hash ^ u64::from(from_head)), |hash, &Standing { paragraph, page }| {
            mix(hash ^ (u64::from(paragraph) << 32 | u64::from(page)))
        })
    };
    u128::from(of(0)) << 64 | u128::from(of(2))
}

/// The pages of a site, with paragraphs as numbers.
struct Site {
    /// Ascending.
    keys: Vec<ParagraphKey>,
    words: Words,
    pages: Pages,
}

impl Site {
    fn of(pages: &[Vec<WordedParagraph>]) -> Site {
        let mut met: Map<ParagraphKey, u32> = Map::default();
        let mut paragraphs: Vec<WordedParagraph> = Vec::new();
        for paragraph in pages.iter().flatten() {
            met.entry(paragraph.key).or_insert_with(|| {
                paragraphs.push(*paragraph);
                0
            });
        }
        paragraphs.sort_unstable_by_key(|paragraph| paragraph.key);
        for (paragraph, number) in paragraphs.iter().zip(0..) {
            met.insert(paragraph.key, number);
        }
        let mut numbered = Pages::new();
        pages.iter().for_each(|page| numbered.push(page.iter().map(|paragraph| met[&paragraph.key])));
        Site {
            keys: paragraphs.iter().map(|paragraph| paragraph.key).collect(),
            words: Words::of(&paragraphs),
            pages: numbered,
        }
    }

    /// The groups of forms among what stands in one spot.
    fn forms_in_spot(
        &self,
        from_head: bool,
        standing: &[Standing],
        counters: &mut Counters,
        settings: &TemplateSettings,
    ) -> Vec<Vec<u32>> {
        let mut crowd = Crowd::new(&self.words, counters);
        let step = standing.len().div_ceil(SAMPLE);
        for &Standing { paragraph, page } in standing.iter().step_by(step) {
            if self.may_have_forms(paragraph) {
                crowd.push(paragraph, page);
            }
        }
        let demands = self.demands(standing.len().div_ceil(step) as u32, settings);
        let mut groups = Vec::new();
        while let Some(found) = crowd.next(demands, |crowd, found| !self.stand_together(crowd, found)) {
            if from_head && self.are_titles(&crowd, &found) {
                continue;
            }
            let mut forms: Vec<u32> = found.forms.iter().map(|form| form.paragraph).collect();
            if step > 1 {
                let fits = |p: &u32| {
                    self.may_have_forms(*p) && found.frame.fits(self.words.of_paragraph(*p), &self.words)
                };
                let different = standing.chunk_by(|a, b| a.paragraph == b.paragraph);
                forms.extend(different.map(|standing| standing[0].paragraph).filter(fits));
            }
            groups.push(forms);
        }
        groups
    }

    /// Whether it has words, and not too many.
    fn may_have_forms(&self, paragraph: u32) -> bool {
        !self.words.of_paragraph(paragraph).is_empty()
    }

    /// What forms have to reach in a place of so many paragraphs.
    fn demands(&self, all: u32, settings: &TemplateSettings) -> Demands {
        let few = if self.pages.len() < SMALL_SITE { settings.min_documents } else { settings.section_pages };
        Demands { all, enough: few.max(settings.pages(settings.edge_percent, all)) }
    }

    /// The paragraphs of a page, of a long one those near its ends.
    fn near_ends(&self, page: u32) -> impl Iterator<Item = u32> {
        let page = self.pages.get(page);
        let head = VIEW.min(page.len());
        let tail = page.len().saturating_sub(VIEW).max(head);
        page[..head].iter().chain(&page[tail..]).copied()
    }

    /// Whether what differs stands again elsewhere on most pages: then these are the titles of their pages, or of sections
    /// that a menu names.
    fn are_titles(&self, crowd: &Crowd, found: &Found) -> bool {
        let all = pages_of_all(&found.forms) as usize;
        let (mut again, mut open) = (0, all);
        let mut wanted = Set::default();
        for form in &found.forms {
            let slots = self.slots(form, &found.frame);
            for &page in crowd.pages_of(form) {
                again += usize::from(self.says_elsewhere(page, form, &slots, &mut wanted));
                open -= 1;
                if 2 * again >= all || 2 * (again + open) < all {
                    return 2 * again >= all;
                }
            }
        }
        2 * again >= all
    }

    /// The different words of a form that are not of its frame, without numbers, each as it stands first.
    fn slots(&self, form: &Candidate, frame: &Frame) -> Vec<u32> {
        let own = |&word: &u32| {
            self.words.first(word) == word && !self.words.is_number(word) && !frame.words().contains(&word)
        };
        self.words.of_paragraph(form.paragraph).iter().copied().filter(own).collect()
    }

    /// Whether two thirds of its slots stand in other paragraphs of the page.
    fn says_elsewhere(&self, page: u32, form: &Candidate, slots: &[u32], wanted: &mut Set<u32>) -> bool {
        wanted.clear();
        wanted.extend(slots);
        let enough = (2 * slots.len()).div_ceil(3);
        let others = self.near_ends(page).filter(|&paragraph| paragraph != form.paragraph);
        // Whoever says a word says it as it stands first.
        let mut said = others.flat_map(|paragraph| self.words.of_paragraph(paragraph));
        !slots.is_empty() && said.any(|word| wanted.remove(word) && slots.len() - wanted.len() >= enough)
    }

    /// Whether different ones of these stand on the same pages.
    fn stand_together(&self, crowd: &Crowd, found: &Found) -> bool {
        let known: Set<u32> = found.forms.iter().map(|form| form.paragraph).collect();
        let on = u64::from(pages_of_all(&found.forms));
        let mut together = 0;
        for form in &found.forms {
            let another = |paragraph: u32| paragraph != form.paragraph && known.contains(&paragraph);
            let pages = crowd.pages_of(form).iter();
            together += pages.filter(|&&page| self.near_ends(page).any(another)).count() as u64;
            if together * 100 > u64::from(TOGETHER_PERCENT) * on {
                return true;
            }
        }
        false
    }
}
