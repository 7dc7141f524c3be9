//! What do these paragraphs say, and for which language?

use std::collections::{HashMap, HashSet};

use super::profiles::{Languages, ONE_LETTER, PROFILES, Profile, Scores};
use super::runs::Paragraph;
use super::scripts::Script;

/// A letter counts this often in [`Languages::weigh`].
const LETTER_COUNTS: u8 = 3;

/// How much of one paragraph a sample reads: some three lines.
const SAMPLE_TOKENS: usize = 64;
const SAMPLE_BYTES: usize = 512;

impl Languages {
    /// Adds what the paragraph says for each profile; all of it, repeats included.
    pub(super) fn add(&self, paragraph: &Paragraph, scores: &mut Scores) {
        self.add_words(paragraph.tokens, scores);
        self.add_letters(paragraph.text, scores);
    }

    /// The same of its beginning.
    pub(super) fn add_sample(&self, paragraph: &Paragraph, scores: &mut Scores) {
        let Paragraph { text, tokens } = paragraph;
        self.add_words(&tokens[..tokens.len().min(SAMPLE_TOKENS)], scores);
        self.add_letters(beginning(text), scores);
    }

    fn add_words(&self, tokens: &[u64], scores: &mut Scores) {
        for &token in tokens {
            add(self.of_word(token), scores);
        }
    }

    fn add_letters(&self, text: &str, scores: &mut Scores) {
        if text.is_ascii() {
            return;
        }
        for c in text.chars().filter(|c| !c.is_ascii()) {
            self.of_letter(c).iter().for_each(|evidence| add(evidence, scores));
        }
    }

    /// What the paragraphs say when each word counts once and each letter at most three times: a word that a table repeats a
    /// hundred times is one witness, not a hundred.
    pub(super) fn weigh(&self, paragraphs: &[&Paragraph]) -> Scores {
        let mut scores = [0; PROFILES];
        let mut words = HashSet::new();
        let mut letters: HashMap<char, u8> = HashMap::new();
        for paragraph in paragraphs {
            for &token in paragraph.tokens {
                let evidence = self.of_word(token);
                if !evidence.is_empty() && words.insert(token) {
                    add(evidence, &mut scores);
                }
            }
            if paragraph.text.is_ascii() {
                continue;
            }
            for c in paragraph.text.chars().filter(|c| !c.is_ascii()) {
                let count = letters.entry(c).or_insert(0);
                if *count < LETTER_COUNTS {
                    *count += 1;
                    self.of_letter(c).iter().for_each(|evidence| add(evidence, &mut scores));
                }
            }
        }
        scores
    }

    /// Whether the paragraphs are running text of the profile's language, and not names, numbers, code or a list of languages.
    ///
    /// In a script of its own: half of the words, or characters that are tokens, are in it. Else by likelihood: text of the
    /// language against something else, of which 8 tokens in 100 are common words of it by accident.
    pub(super) fn is_text(&self, paragraphs: &[&Paragraph], number: usize) -> bool {
        let profile = &self.profiles[number];
        let mut count = Count::default();
        for paragraph in paragraphs {
            count.add(paragraph.text, profile);
            count.letters += self.letters_of(paragraph.text, number);
        }
        let Some(coverage) = profile.coverage else { return count.own >= count.other };
        let tokens = paragraphs.iter().flat_map(|paragraph| paragraph.tokens);
        let speaks = |token: &&u64| {
            self.of_word(**token).iter().any(|&(of, nats)| usize::from(of) == number && nats != ONE_LETTER)
        };
        let common = (tokens.filter(speaks).count() + count.one_letter_words()) as f64;
        let words = (count.own + count.other) as f64;
        let nats = common * (coverage / NOISE).ln()
            + (words - common).max(0.0) * ((1.0 - coverage) / (1.0 - NOISE)).ln()
            + (count.letters as f64 * LETTER_IN_TEXT).min(MOST_OF_LETTERS);
        nats >= TEXT_NATS
    }

    /// How many letters the profile lists.
    fn letters_of(&self, text: &str, number: usize) -> usize {
        let lists = |c: &char| self.of_letter(*c)[0].iter().any(|&(of, _)| usize::from(of) == number);
        text.chars().filter(|c| !c.is_ascii()).filter(lists).count()
    }
}

/// The share of tokens that are common words of a language by accident, in code, lists and names. A guess between English
/// directives of server manuals (0.05 to 0.1) and prose (0.2 to 0.5).
const NOISE: f64 = 0.08;

/// What a letter with a mark adds to the likelihood of running text, and all together: names have them too.
const LETTER_IN_TEXT: f64 = 0.5;
const MOST_OF_LETTERS: f64 = 3.0;

/// Nats from which on something is running text. By trial: with less, names and code with a few small words pass; with more,
/// short tails in languages of long words (Turkish, Czech) do not.
const TEXT_NATS: f64 = 1.0;

/// Words by script, and what they are of.
#[derive(Default)]
struct Count {
    own: usize,
    other: usize,
    /// Letters that the profile lists.
    letters: usize,
    /// Lone letters that are words of the profile, small and capital.
    small: usize,
    capital: usize,
    /// Whether there are small letters at all.
    has_small: bool,
}

impl Count {
    fn add(&mut self, text: &str, profile: &Profile) {
        let mut in_word = false;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let script = Script::of(c);
            let begins = script.is_some_and(|script| script.is_solo() || !in_word);
            in_word = c.is_alphanumeric();
            self.has_small |= c.is_ascii_lowercase();
            match script {
                Some(script) if begins && profile.writes(script) => self.own += 1,
                Some(_) if begins => self.other += 1,
                _ => {}
            }
            let alone = begins && !characters.peek().is_some_and(|next| next.is_alphanumeric());
            if alone && profile.one_letter_words.contains(&c.to_ascii_lowercase()) {
                self.small += usize::from(c.is_ascii_lowercase());
                self.capital += usize::from(c.is_ascii_uppercase());
            }
        }
    }

    /// A lone capital is an initial, unless all letters are capitals.
    fn one_letter_words(&self) -> usize {
        if self.has_small { self.small } else { self.capital }
    }
}

/// The first [`SAMPLE_BYTES`] bytes, or a few fewer.
fn beginning(text: &str) -> &str {
    let whole = |&end: &usize| text.is_char_boundary(end);
    let end = (0..=SAMPLE_BYTES.min(text.len())).rev().find(whole).unwrap_or(0);
    &text[..end]
}

fn add(evidence: &[(u8, i32)], scores: &mut Scores) {
    for &(profile, nats) in evidence {
        scores[usize::from(profile)] += i64::from(nats);
    }
}
