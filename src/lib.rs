//! dittograph finds what a corpus says twice.
#![forbid(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

// The nouns that travel: documents and spans of their text.
pub mod document;

// What went wrong, where, and the way out.
pub mod error;

// Where do documents come from? Files in, documents out.
pub mod corpus;

// What are its words, once noise is gone? Paragraph spans and tokens.
pub mod text;

// Which runs of `k` words does it hold? A shingle set.
pub mod shingle;

// What does this site say on every page? Templates.
pub mod boilerplate;

// Where do the forms of a template paragraph differ? Slots.
pub mod slots;

// What does this article say twice? Leads and repeats.
pub mod repeats;

// In which language is it? Foreign heads and tails.
pub mod language;

// How is it remembered in a few hundred bytes? Signatures.
pub mod sketch;

// Which pairs deserve a closer look? Candidates.
pub mod candidates;

// How alike are they really? Overlaps, measured.
pub mod verify;

// Which one stays? Keep order, witnesses, clusters.
pub mod resolve;

// What do we say of each document, and why? The records.
pub mod findings;

// Does it wait in memory or on disk? Bytes, rows, values, sorted or not.
pub mod store;

// Where do the answers go? A finished run.
pub mod output;

// The passes in order: the only place that chains stages.
pub mod pipeline;
