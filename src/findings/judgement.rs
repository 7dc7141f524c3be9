//! What a person said of removed documents.

use serde::{Deserialize, Serialize};

use super::Reference;

/// What a person said of a removed document: a line of the file that `verify --judge` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Of which run.
    pub run: String,
    /// The removed document.
    pub doc: Reference,
    /// Its witness.
    pub of: Reference,
    /// The name of its band.
    pub band: String,
    /// What was said.
    pub answer: Answer,
}

/// Whether a removed document is a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is.
    Yes,
    /// It is none.
    No,
    /// There is no telling.
    Skip,
}
