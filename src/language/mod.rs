//! In which language is it?
//!
//! The paragraphs of one document in, [`ForeignRun`]s out: an unbroken head or tail in another language than the rest.
//! No text is given a language for its own sake. Two languages are weighed against each other on the same words, so that
//! what belongs to neither (names, numbers, addresses, code) says nothing.
//!
//! Evidence is of two kinds: the commonest words of each language, with their usual frequency, and letters, which tell
//! scripts apart for nothing and near languages better than chance. Both stand in `profiles.txt`, written by hand, and
//! are looked up by the token hashes that the document has anyway. Where the language changes is the paragraph break
//! with the largest sum of evidence on its far side.
//!
//! A run that is missed costs a finding. One that is wrong is worse: somebody strips by it. So a run is told only where
//! the run and the rest each speak clearly for their own language, each word counted once; and it must be language at
//! all: lists and code hold few common words.
//!
//! Time: most documents are decided by a few dozen tokens of head, middle and tail; the others take one pass over their
//! tokens and letters. Memory: a table of some 300 KiB (estimate), made once.
//! References: Cavnar and Trenkle, *N-gram-based text categorization*, 1994 (languages by rank of frequency); Grefenstette,
//! *Comparing two language identification schemes*, 1995 (a few common words are enough from 20 words on).

mod evidence;
mod profiles;
mod runs;
mod scripts;

pub use profiles::Languages;
pub use runs::{ForeignRun, ForeignSettings, Paragraph};

#[cfg(test)]
mod tests;
