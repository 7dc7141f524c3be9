//! What becomes of each document, for millions of them.

use serde::{Deserialize, Serialize};

use super::{Decision, Likeness};

/// A decision for each document, found by its number.
///
/// Memory: a bit a document, and 32 bytes for each removed one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    documents: u32,
    /// A bit for each document that goes.
    goes: Vec<u64>,
    /// Those that go, in document order.
    removed: Vec<(u32, Likeness)>,
}

impl Decisions {
    /// Of the documents `0..documents`, these go, each once, in any order; all others stay. Panics when there is no such
    /// document.
    pub fn new(documents: u32, mut removed: Vec<(u32, Likeness)>) -> Decisions {
        removed.sort_unstable_by_key(|(document, _)| *document);
        let mut goes = vec![0; documents.div_ceil(64) as usize];
        for (document, _) in &removed {
            assert!(*document < documents, "a decision on one of {documents} documents");
            goes[(document / 64) as usize] |= 1 << (document % 64);
        }
        Decisions { documents, goes, removed }
    }

    /// How many documents were decided on.
    pub fn len(&self) -> u32 {
        self.documents
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }

    /// What becomes of this document. One that was not decided on stays. Cost: a search among the removed for one that goes.
    pub fn get(&self, document: u32) -> Decision {
        if self.is_kept(document) {
            return Decision::Kept;
        }
        let found = self.removed.binary_search_by_key(&document, |(document, _)| *document);
        found.map_or(Decision::Kept, |place| Decision::Removed(self.removed[place].1))
    }

    /// Whether this document stays.
    pub fn is_kept(&self, document: u32) -> bool {
        self.goes.get((document / 64) as usize).is_none_or(|word| word & 1 << (document % 64) == 0)
    }

    /// Those that go, in document order.
    pub fn removed(&self) -> &[(u32, Likeness)] {
        &self.removed
    }

    /// What becomes of each, in document order.
    pub fn iter(&self) -> impl Iterator<Item = Decision> {
        let mut removed = self.removed.iter().peekable();
        (0..self.documents).map(move |document| match removed.next_if(|(next, _)| *next == document) {
            Some((_, likeness)) => Decision::Removed(*likeness),
            None => Decision::Kept,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_removed_stays() {
        let removed = [(130, 3), (0, 64), (63, 64)];
        let decisions =
            Decisions::new(131, removed.map(|(document, of)| (document, Likeness::exact(of))).into());
        for (document, decision) in (0..).zip(decisions.iter()) {
            let of = removed.iter().find(|(removed, _)| *removed == document).map(|(_, of)| *of);
            let expected = of.map_or(Decision::Kept, |of| Decision::Removed(Likeness::exact(of)));
            assert_eq!((decision, decisions.get(document)), (expected, expected), "document {document}");
            assert_eq!(decisions.is_kept(document), of.is_none(), "document {document}");
        }
        assert_eq!((decisions.iter().count(), decisions.len(), decisions.is_empty()), (131, 131, false));
        assert_eq!(
            decisions.removed().iter().map(|(document, _)| *document).collect::<Vec<_>>(),
            [0, 63, 130]
        );
        assert!(decisions.is_kept(1000) && Decisions::default().is_kept(0)); // not decided on
    }
}
