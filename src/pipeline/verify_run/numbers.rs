//! Which number has a document, and which document has a number?

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::findings::Reference;
use crate::output::{Input, Summary};

/// All records of a run numbered through: shards as they were given, records as they stand, those that could not be read
/// among them. Memory: a few words for each shard.
#[derive(Debug)]
pub struct Numbers<'a> {
    inputs: &'a [Input],
    /// The number of the first record of each shard; one more at the end.
    firsts: Vec<u64>,
    shards: HashMap<&'a str, usize>,
}

impl<'a> Numbers<'a> {
    /// Of the shards that the summary names.
    ///
    /// # Errors
    /// Where it counts more records than there are numbers.
    pub fn of(summary: &'a Summary) -> Result<Numbers<'a>> {
        let mut firsts = vec![0_u64];
        for input in &summary.inputs {
            let next = firsts.last().and_then(|first| first.checked_add(input.documents));
            let next = next.filter(|next| *next < u64::MAX);
            firsts.push(next.ok_or_else(|| {
                Error::Run(format!(
                    "summary.json: {}: {} documents are too many",
                    input.shard, input.documents
                ))
            })?);
        }
        let shards = summary.inputs.iter().map(|input| input.shard.as_str()).zip(0..).collect();
        Ok(Numbers { inputs: &summary.inputs, firsts, shards })
    }

    /// How many records.
    pub fn count(&self) -> u64 {
        self.firsts.last().copied().unwrap_or_default()
    }

    /// The number of the first record of a shard.
    pub fn first(&self, shard: usize) -> u64 {
        self.firsts[shard]
    }

    /// The shards, and how each is called.
    pub fn inputs(&self) -> &'a [Input] {
        self.inputs
    }

    /// The number of the record that stands there; `None` where there is no such place.
    pub fn number(&self, shard: &str, ordinal: u64) -> Option<u64> {
        let shard = *self.shards.get(shard)?;
        (ordinal < self.inputs[shard].documents).then(|| self.firsts[shard] + ordinal)
    }

    /// The number of the document that a record names.
    pub fn of_reference(&self, reference: &Reference) -> Option<u64> {
        self.number(&reference.shard, reference.ordinal)
    }

    /// Shard and ordinal of a number that there is.
    pub fn place(&self, number: u64) -> (usize, u64) {
        let shard = self.firsts.partition_point(|first| *first <= number).saturating_sub(1);
        let shard = shard.min(self.inputs.len().saturating_sub(1));
        (shard, number - self.firsts[shard])
    }

    /// The shard of a number that there is.
    pub fn input_of(&self, number: u64) -> &'a Input {
        &self.inputs[self.place(number).0]
    }

    /// As messages name it.
    pub fn shown(&self, number: u64) -> String {
        let (shard, ordinal) = self.place(number);
        format!("{}#{ordinal}", self.inputs[shard].shard)
    }
}
