//! What are its words, once noise is gone?
//!
//! A text in; paragraph [`Span`](crate::document::Span)s ([`paragraphs`](fn@crate::text::paragraphs)) and
//! normalised tokens ([`Tokenizer`], with their places [`token_spans`]) out. Offsets are bytes of the text as it was
//! given: nothing here changes it.
//! A paragraph cut at the wrong place costs a finding or two of one document. A token that differs from the
//! contract's is worse: two copies of one sentence no longer look alike, in every document that has it. So
//! the fast tokenizer is held against a slow, obvious one and against the reference (`scripts/check-tokens`).
//!
//! Time: one pass over the text for each. Memory: one span a paragraph, the longest token, and a fixed table.

mod characters;
mod normalise;
mod paragraphs;
mod spans;
mod tokens;

pub use characters::{UnicodeVersions, unicode_versions};
pub use paragraphs::{ParagraphBreaks, paragraphs};
pub use spans::token_spans;
pub use tokens::{Tokenizer, tokens};

#[cfg(test)]
mod reference_tests;
