//! Where does the language change?

use super::profiles::{Languages, PROFILES, Scores};

/// What counts as a foreign run.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignSettings {
    /// Shorter runs, in tokens, are not told. The contract's 20.
    pub min_tokens: usize,
    /// How much more the run must say for its language than for the article's, and the rest the other way round, in nats, each
    /// word counted once. 9 by default, by trial: at 8 line-ups of sportsmen were called Catalan, at 10 more short tails between
    /// Spanish and Catalan were missed. `scripts/check-foreign` measures it.
    pub min_nats: u16,
}

impl Default for ForeignSettings {
    fn default() -> Self {
        ForeignSettings { min_tokens: 20, min_nats: 9 }
    }
}

/// One paragraph, with the hashes of its tokens.
#[derive(Clone, Copy, Debug)]
pub struct Paragraph<'a> {
    /// Its text.
    pub text: &'a str,
    /// The hashes of its tokens, with the seed of the table.
    pub tokens: &'a [u64],
}

/// The head or the tail of a document, in another language than the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForeignRun {
    /// First and last paragraph.
    pub paragraphs: [usize; 2],
    /// Its language, ISO 639-1.
    pub language: &'static str,
    /// The language of the rest, ISO 639-1.
    pub article_language: &'static str,
    /// From 0 to 1, never 1: `m / (m + 3)`, where `m` is by how many nats the run speaks for its language rather than for the
    /// article's, or the rest the other way round, whichever is less, each word counted once. At least 0.75 with the default
    /// settings. It orders runs by evidence; it is not the probability of being right, which is higher.
    pub confidence: f64,
}

/// Whether a document may be turned away by a few dozen tokens. Of the 50,112 planted documents of `scripts/check-foreign`, over
/// manuals in 20 and sentences in 37 languages, the quick look lost none; of 1,596 half-translated manuals, in which languages
/// alternate, it turned away two that the long one calls foreign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    QuickFirst,
    #[cfg_attr(not(test), allow(dead_code))] // the slow twin
    Long,
}

/// With this much evidence, in hundredths of a nat, confidence is a half. A convention.
const DOUBT: i64 = 300;

/// A paragraph that speaks by so much for the article's language, in hundredths of a nat, ends a run: two words or one that is
/// very common. A guess.
const BREAK: i64 = 400;

/// A sample is clear, in hundredths of a nat, when the best language is so far ahead of the next. A guess; more of it costs time,
/// less of it runs.
const CLEAR: i64 = 800;

impl Languages {
    /// The foreign head and the foreign tail of a document, where it has them, in text order.
    ///
    /// A run is less than half of the tokens; what goes on beyond that is none. No paragraph in it speaks clearly for the
    /// article's language. Paragraphs that say nothing (numbers, names, a lone `X`) belong to it between those that do and on the
    /// outer side of them, not on the article's side; so it may be shorter than what a reader would call foreign. Nothing is
    /// found where the tokens are few, the language is in no profile, or two languages are as near as Croatian and Serbian.
    ///
    /// Cost: a few dozen look-ups; where head, middle and tail do not clearly agree, two passes over tokens and letters.
    pub fn foreign_runs(&self, paragraphs: &[Paragraph], settings: &ForeignSettings) -> Vec<ForeignRun> {
        self.runs(paragraphs, settings, Look::QuickFirst)
    }

    pub(super) fn runs(
        &self,
        paragraphs: &[Paragraph],
        settings: &ForeignSettings,
        look: Look,
    ) -> Vec<ForeignRun> {
        if token_count(paragraphs.iter()) <= 2 * settings.min_tokens {
            return Vec::new();
        }
        let forth: Vec<&Paragraph> = paragraphs.iter().collect();
        let back: Vec<&Paragraph> = paragraphs.iter().rev().collect();
        let last = paragraphs.len().saturating_sub(1);
        // A head in a third language must not be taken for the article when the tail is weighed, nor the other way round.
        let mut tail = self.foreign_end(&forth, 0, settings, look);
        let head = self.foreign_end(&back, tail.map_or(0, |end| last + 1 - end.from), settings, look);
        if let Some(head) = head {
            tail = self.foreign_end(&forth, last + 1 - head.from, settings, look);
        }
        let head = head.map(|end| end.run([0, last - end.from]));
        let tail = tail.map(|end| end.run([end.from, last]));
        if let (Some(head), Some(tail)) = (head, tail)
            && head.language == tail.language
        {
            // Head and tail of a text with a quotation in the middle.
            let between = &paragraphs[head.paragraphs[1] + 1..tail.paragraphs[0]];
            if 2 * token_count(between.iter()) <= token_count(paragraphs.iter()) {
                return Vec::new();
            }
        }
        head.into_iter().chain(tail).collect()
    }

    /// The foreign end of paragraphs, which come in text order or backwards. The first `other_end` of them are no part of the
    /// article.
    fn foreign_end(
        &self,
        paragraphs: &[&Paragraph],
        other_end: usize,
        settings: &ForeignSettings,
        look: Look,
    ) -> Option<End> {
        let half = beyond_half(paragraphs);
        let (article, end) = (&paragraphs[other_end..half], &paragraphs[half..]);
        if end.is_empty() || (look == Look::QuickFirst && self.clearly_same(article, end, settings)) {
            return None;
        }
        let article = self.named(&self.weigh(article))?;
        let language = self.best_against(article, end, settings)?;
        let from = self.begin(article, language, paragraphs, half, settings)?;
        self.judge(&paragraphs[other_end..from], &paragraphs[from..], article, settings)
            .map(|end| End { from, ..end })
    }

    /// Whether the middle clearly is in one language, and what stands last in it too. Then there is no run: it would be broken.
    ///
    /// What stands last is read until it has tokens enough for a run and is clear. Where it speaks for any other language before
    /// that, however little, the answer is no.
    fn clearly_same(&self, article: &[&Paragraph], end: &[&Paragraph], settings: &ForeignSettings) -> bool {
        let Some(article) = self.samples(article).find_map(|(scores, _)| self.clear(&scores)) else {
            return false;
        };
        let enough = |(scores, tokens): (Scores, usize)| (tokens >= settings.min_tokens).then_some(scores);
        for scores in self.samples(end).filter_map(enough) {
            if best(&scores) != Some(article) {
                return false;
            }
            if self.clear(&scores).is_some() {
                return true;
            }
        }
        false
    }

    /// What the last paragraph says, the last two, the last three and so on, with their tokens; of each its beginning.
    fn samples<'a>(&'a self, paragraphs: &'a [&Paragraph]) -> impl Iterator<Item = (Scores, usize)> + 'a {
        paragraphs.iter().rev().scan(([0; PROFILES], 0), |(scores, tokens), paragraph| {
            self.add_sample(paragraph, scores);
            *tokens += paragraph.tokens.len();
            Some((*scores, *tokens))
        })
    }

    /// The best profile, where it is well ahead of all others.
    fn clear(&self, scores: &Scores) -> Option<usize> {
        let best = best(scores)?;
        let ahead = |other: usize| other == best || scores[best] - scores[other] >= CLEAR;
        (0..PROFILES).all(ahead).then_some(best)
    }

    /// The best profile, after handicaps.
    fn named(&self, scores: &Scores) -> Option<usize> {
        let mut named = *scores;
        named.iter_mut().zip(&self.profiles).for_each(|(nats, profile)| *nats -= profile.handicap);
        best(&named)
    }

    /// The language that some end speaks for by most against the article's.
    fn best_against(&self, article: usize, end: &[&Paragraph], settings: &ForeignSettings) -> Option<usize> {
        let mut scores = [0; PROFILES];
        let mut tokens = 0;
        let mut most: Option<(i64, usize)> = None;
        for paragraph in end.iter().rev() {
            self.add(paragraph, &mut scores);
            tokens += paragraph.tokens.len();
            if tokens < settings.min_tokens {
                continue;
            }
            let Some(language) = best(&scores).filter(|&language| !self.alike(language, article)) else {
                continue;
            };
            let nats = scores[language] - scores[article];
            if most.is_none_or(|(known, _)| nats > known) {
                most = Some((nats, language));
            }
        }
        most.map(|(_, language)| language)
    }

    /// Where the run begins that ends with the last paragraph and speaks most for the language against the article's; no
    /// paragraph in it breaks it. `None` where that is half of the tokens or more.
    fn begin(
        &self,
        article: usize,
        language: usize,
        paragraphs: &[&Paragraph],
        half: usize,
        settings: &ForeignSettings,
    ) -> Option<usize> {
        let mut sum = 0;
        let mut tokens = 0;
        let mut most: Option<(i64, usize)> = None;
        for (index, paragraph) in paragraphs.iter().enumerate().rev() {
            let mut scores = [0; PROFILES];
            self.add(paragraph, &mut scores);
            let nats = scores[language] - scores[article];
            if nats <= -BREAK {
                break;
            }
            sum += nats;
            tokens += paragraph.tokens.len();
            if tokens >= settings.min_tokens && most.is_none_or(|(known, _)| sum > known) {
                most = Some((sum, index));
            }
        }
        most.map(|(_, index)| index).filter(|&index| index >= half)
    }

    /// What is said of the run, where it and the rest speak clearly enough; `from` is left at 0.
    fn judge(
        &self,
        rest: &[&Paragraph],
        run: &[&Paragraph],
        article: usize,
        settings: &ForeignSettings,
    ) -> Option<End> {
        let (of_run, of_rest) = (self.weigh(run), self.weigh(rest));
        let language = self.named(&of_run).filter(|&language| !self.alike(language, article))?;
        let margin = (of_run[language] - of_run[article]).min(of_rest[article] - of_rest[language]);
        let clear = margin >= i64::from(settings.min_nats) * 100;
        (clear && self.is_text(run, language)).then(|| End {
            from: 0,
            language: self.profiles[language].language,
            article_language: self.profiles[article].language,
            confidence: margin as f64 / (margin + DOUBT) as f64,
        })
    }
}

/// A foreign end, from a paragraph on.
#[derive(Clone, Copy)]
struct End {
    from: usize,
    language: &'static str,
    article_language: &'static str,
    confidence: f64,
}

impl End {
    fn run(self, paragraphs: [usize; 2]) -> ForeignRun {
        let End { language, article_language, confidence, .. } = self;
        ForeignRun { paragraphs, language, article_language, confidence }
    }
}

/// The first paragraph from which on there is less than half of the tokens.
fn beyond_half(paragraphs: &[&Paragraph]) -> usize {
    let total = token_count(paragraphs.iter().copied());
    let mut before = 0;
    let within = |paragraph: &&&Paragraph| {
        let within = 2 * (total - before) >= total;
        before += paragraph.tokens.len();
        within
    };
    paragraphs.iter().take_while(within).count()
}

fn token_count<'p>(paragraphs: impl Iterator<Item = &'p Paragraph<'p>>) -> usize {
    paragraphs.map(|paragraph| paragraph.tokens.len()).sum()
}

/// The profile with the highest score, the first of equals; `None` where all are 0 or less.
fn best(scores: &Scores) -> Option<usize> {
    let highest = *scores.iter().max()?;
    (highest > 0).then(|| scores.iter().position(|&nats| nats == highest)).flatten()
}
