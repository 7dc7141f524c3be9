//! dittograph finds what a corpus says twice.
#![forbid(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

/// The nouns that travel: documents and spans of their text.
pub mod document;

/// What went wrong, where, and the way out.
pub mod error;

/// What are its words, once noise is gone? Paragraph spans and tokens.
pub mod text;

/// Which runs of `k` words does it hold? A [`ShingleSet`](shingle::ShingleSet).
pub mod shingle;
