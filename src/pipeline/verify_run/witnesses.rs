//! Is everyone as like another as the findings claim?
//!
//! Claims and the texts of those they name in; faults out. The texts wait by number, in document order; the claims are
//! brought together with them by two sorts, first by the document of which it is said, then by the one it is said to be
//! like, so that a text with many claims is cut into tokens once for some hundreds of them. Then each claim is measured on
//! the tokens themselves, on all threads.
//!
//! Stored: the texts of all that are named, once each, and 57 bytes for each claim. Memory: what the sorts have, and the
//! texts at hand: about 60 bytes a token of two texts for each thread.

use rayon::prelude::*;

use super::claims::{Claim, ClaimRow, Said, place};
use super::documents::{Text, pieces};
use super::numbers::Numbers;
use super::walk::Key;
use super::{Check, TOLERANCE, is_thin};
use crate::error::{Error, Result};
use crate::output::SettingsRecord;
use crate::pipeline::contents::Words;
use crate::pipeline::reuse::ReuseSettings;
use crate::store::{Column, ColumnWriter, Rows, RowsWriter, Sorted};
use crate::verify::{Concordance, Overlap, overlap_of_tokens};

/// The texts of those that claims name.
pub struct Texts {
    rows: Rows,
    /// Whose text each row is, ascending.
    keys: Column<Key>,
}

/// Gathers texts, in order.
pub struct TextsWriter {
    rows: RowsWriter,
    keys: ColumnWriter<Key>,
}

impl TextsWriter {
    /// Adds one.
    pub fn push(&mut self, key: Key, text: &Text) -> Result<()> {
        self.rows.push(&postcard::to_stdvec(text).map_err(odd)?)?;
        self.keys.push(key).map(|_| ())
    }

    /// All of them.
    pub fn finish(self) -> Result<Texts> {
        Ok(Texts { rows: self.rows.finish()?, keys: self.keys.finish()? })
    }
}

impl Texts {
    fn get(&self, row: u64) -> Result<Text> {
        let mut bytes = Vec::new();
        self.rows.get(row, &mut bytes)?;
        postcard::from_bytes(&bytes).map_err(odd)
    }
}

fn odd(error: postcard::Error) -> Error {
    Error::Run(format!("the temporary files of this run are damaged: {error}"))
}

/// A text that nobody has.
const NONE: u64 = u64::MAX;

/// Like whom; the row of the one; who that is, and what is claimed.
type HalfRow = (Key, u64, (Key, Said));

/// A claim and the rows of its texts.
#[derive(Clone, Copy)]
struct Joined {
    claim: Claim,
    own: u64,
    of: u64,
}

/// So many claims are measured together on all threads, and so many of one document by one thread.
const BLOCK: usize = 1 << 13;
const TOGETHER: usize = 1 << 8;

/// A document that contains others is gone through once for more of them: that takes as long as a hundred look-ups.
const TOGETHER_CONTAINED: usize = 1 << 12;

impl Check<'_> {
    /// No texts yet.
    pub fn texts(&self) -> TextsWriter {
        TextsWriter {
            rows: RowsWriter::new(self.workspace, "texts", self.share()),
            keys: ColumnWriter::new(self.workspace, "texts of", self.share()),
        }
    }

    /// Measures every claim again.
    pub fn witnesses(&mut self, likes: &Sorted<ClaimRow>, texts: &Texts) -> Result<()> {
        self.faults.begin();
        let mut halves = self.sorter::<HalfRow>("halves");
        let mut rows = RowsOf::new(texts);
        for row in likes.reader()? {
            let (own, of, said) = row?;
            halves.push((of, rows.of(own)?, (own, said)))?;
        }
        let mut rows = RowsOf::new(texts);
        let mut block = Vec::new();
        for half in halves.finish()?.reader()? {
            let (of, own_row, (own, said)) = half?;
            block.push(Joined { claim: Claim::of_row((own, of, said)), own: own_row, of: rows.of(of)? });
            if block.len() == BLOCK {
                self.measure(texts, &std::mem::take(&mut block))?;
            }
        }
        self.measure(texts, &block)
    }

    fn measure(&mut self, texts: &Texts, block: &[Joined]) -> Result<()> {
        let settings = &self.run.summary.settings;
        let together: Vec<&[Joined]> = block
            .chunk_by(|a, b| a.claim.of == b.claim.of && a.claim.contained == b.claim.contained)
            .flat_map(|same| {
                let many = if same[0].claim.contained { TOGETHER_CONTAINED } else { TOGETHER };
                same.chunks(many)
            })
            .collect();
        let numbers = &self.numbers;
        let measured =
            |same: &[Joined]| Witness::of(texts, same[0].of, numbers, settings)?.faults(texts, same);
        let found: Vec<Result<Vec<(Claim, String)>>> = together.into_par_iter().map(measured).collect();
        for found in found {
            for (claim, fault) in found? {
                self.faults.add(format!("{}: {fault}", place(&self.numbers, claim.own.0, claim.line)));
            }
        }
        for Joined { claim, .. } in block {
            match claim.is_of_documents() {
                true => self.witnesses += 1,
                false => self.reuses += 1,
            }
        }
        self.progress.advance(block.len() as u64);
        Ok(())
    }
}

/// The row of each key, asked for in order.
struct RowsOf {
    keys: std::iter::Peekable<std::iter::Enumerate<crate::store::ColumnReader<Key>>>,
    last: Option<(Key, u64)>,
}

impl RowsOf {
    fn new(texts: &Texts) -> RowsOf {
        RowsOf { keys: texts.keys.iter_from(0).enumerate().peekable(), last: None }
    }

    fn of(&mut self, key: Key) -> Result<u64> {
        while let Some((row, found)) =
            self.keys.next_if(|(_, found)| found.as_ref().map_or(true, |found| *found <= key))
        {
            self.last = Some((found?, row as u64));
        }
        Ok(self.last.filter(|(found, _)| *found == key).map_or(NONE, |(_, row)| row))
    }
}

/// The one that others are claimed to be like.
struct Witness<'a> {
    numbers: &'a Numbers<'a>,
    settings: &'a SettingsRecord,
    text: Option<Text>,
    words: Option<(Words, bool)>,
    concordance: Option<Concordance>,
}

type Fault = std::result::Result<(), String>;

impl<'a> Witness<'a> {
    fn of(
        texts: &Texts,
        row: u64,
        numbers: &'a Numbers<'a>,
        settings: &'a SettingsRecord,
    ) -> Result<Witness<'a>> {
        let text = if row == NONE { None } else { Some(texts.get(row)?) };
        Ok(Witness { numbers, settings, text, words: None, concordance: None })
    }

    /// What is wrong with these claims.
    fn faults(mut self, texts: &Texts, claims: &[Joined]) -> Result<Vec<(Claim, String)>> {
        let mut faults = Vec::new();
        for Joined { claim, own, .. } in claims {
            let own = if *own == NONE { None } else { Some(texts.get(*own)?) };
            if let Err(fault) = self.check(claim, own) {
                faults.push((*claim, fault));
            }
        }
        Ok(faults)
    }

    fn check(&mut self, claim: &Claim, own: Option<Text>) -> Fault {
        let name = |(document, _): Key| self.numbers.shown(document);
        let paragraph = |(_, part): (u64, u32)| match claim.is_of_documents() {
            true => String::new(),
            false => format!("paragraph {part} of "),
        };
        let own = own.ok_or_else(|| format!("{}{} is not in DIR", paragraph(claim.own), name(claim.own)))?;
        let what = if claim.is_of_documents() { "its witness" } else { "its first" };
        let Some(witness) = &self.text else {
            return Err(format!("{what} {}{} is not in DIR", paragraph(claim.of), name(claim.of)));
        };
        if !witness.kept {
            return Err(format!("{what} {} was not kept", name(claim.of)));
        }
        match claim.is_of_documents() {
            true if own.within != witness.within => {
                Err(format!("its witness {} has another value of the --within field", name(claim.of)))
            }
            true if claim.exact => {
                let equal = own.text == witness.text || whole(&own) == whole(witness);
                match equal && !claim.contained && claim.jaccard == 1.0 && claim.containment == 1.0 {
                    true => Ok(()),
                    false => Err(format!("called an exact copy of {}, but it is none", name(claim.of))),
                }
            }
            true => self.check_duplicate(claim, &own),
            false if !own.kept => Err("was not kept, and what was removed reuses nothing".to_owned()),
            false if claim.of.0 >= claim.own.0 => {
                Err(format!("its first {} does not come before it", name(claim.of)))
            }
            false => self.check_reused(claim, &own),
        }
    }

    fn check_duplicate(&mut self, claim: &Claim, own: &Text) -> Fault {
        let (own, thin) = content(own);
        if thin {
            return Err("has boilerplate and too little content to be called a near-duplicate".to_owned());
        }
        let (own, of) = (own.tokens(), self.numbers.shown(claim.of.0));
        let k = self.settings.shingle;
        let Some(witness) = &self.text else { return Ok(()) };
        let (words, thin) = self.words.get_or_insert_with(|| content(witness));
        let tokens = words.tokens();
        // Many may be contained in one long document, which is gone through once.
        let overlap = match claim.contained {
            true => self.concordance.get_or_insert_with(|| Concordance::of(&tokens, k)).overlap_of(&own),
            false => overlap_of_tokens(&own, &tokens, k),
        };
        if *thin {
            return Err(format!("its witness {of} has too little content to be compared"));
        }
        check_threshold(claim, overlap, own.len() < tokens.len(), self.settings)
            .map_err(|fault| format!("{fault} {of}"))?;
        let off = (overlap.jaccard() - claim.jaccard)
            .abs()
            .max((overlap.containment_of_left() - claim.containment).abs());
        match off <= TOLERANCE {
            true => Ok(()),
            false => Err(format!(
                "says jaccard {} and containment {}, measured again: {} and {}",
                claim.jaccard,
                claim.containment,
                overlap.jaccard(),
                overlap.containment_of_left()
            )),
        }
    }

    /// A reused paragraph has the tokens of the first one, or is long enough and alike with it.
    fn check_reused(&mut self, claim: &Claim, own: &Text) -> Fault {
        let settings = ReuseSettings::default();
        let Some(first) = &self.text else { return Ok(()) };
        let own = whole(own);
        let (first, _) = self.words.get_or_insert_with(|| (whole(first), false));
        let lengths = [own.tokens().len(), first.tokens().len()];
        let measured = match own == *first {
            true => 1.0,
            false => {
                overlap_of_tokens(&own.tokens(), &first.tokens(), settings.alike.shingle_tokens).jaccard()
            }
        };
        let equal = own == *first && lengths[0] >= settings.min_tokens;
        let alike = lengths.iter().all(|length| *length >= settings.near_min_tokens)
            && measured >= settings.alike.min_similarity;
        if !equal && !alike {
            return Err(format!(
                "its similarity is {measured} to paragraph {} of {} ({} and {} tokens), and that is no reuse",
                claim.of.1,
                self.numbers.shown(claim.of.0),
                lengths[0],
                lengths[1]
            ));
        }
        match (measured - claim.jaccard).abs() <= TOLERANCE {
            true => Ok(()),
            false => Err(format!("says jaccard {}, measured again: {measured}", claim.jaccard)),
        }
    }
}

/// The tokens of what of a text is compared, and whether that is too little to be called alike.
pub fn content(text: &Text) -> (Words, bool) {
    let words = Words::of(pieces(&text.text, &text.left_out));
    let thin = is_thin(&text.left_out, words.tokens().len());
    (words, thin)
}

/// The tokens of the whole text.
pub fn whole(text: &Text) -> Words {
    Words::of([text.text.as_str()])
}

/// What a duplicate was called by reaches its threshold; else a sentence that lacks the name of the witness.
fn check_threshold(claim: &Claim, overlap: Overlap, shorter: bool, settings: &SettingsRecord) -> Fault {
    let alike = overlap.reaches(settings.min_similarity);
    let (least, jaccard) = (settings.min_similarity, overlap.jaccard());
    match (claim.contained, settings.min_containment) {
        (false, _) if alike => Ok(()),
        (false, _) => Err(format!("its similarity is {jaccard}, below {least}, to")),
        (true, None) => {
            Err("the run was not asked for containment, by which it is a duplicate of".to_owned())
        }
        (true, Some(_)) if alike => {
            Err(format!("says containment, but its similarity is {jaccard}, not below {least}, to"))
        }
        (true, Some(_)) if !shorter => Err("is not shorter than".to_owned()),
        (true, Some(least)) if !overlap.left_is_contained(least) => {
            Err(format!("its containment is {}, below {least}, in", overlap.containment_of_left()))
        }
        (true, Some(_)) => Ok(()),
    }
}
