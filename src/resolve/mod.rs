//! Which one stays?
//!
//! Documents and measured [`Likeness`]es in, [`Decisions`] out: one for each document. Documents are visited in keep
//! order; each is kept unless a document already kept is alike enough, and the most similar of those is its witness.
//! Where containment is asked for, a document that nothing kept is alike with goes, too, when a longer kept one contains
//! enough of it; its witness is the one that contains most.
//! So nothing is ever removed because of a document that is itself removed: being alike is not transitive, and a
//! chain A~B~C whose ends are not alike loses B alone. A wrong order is harmless to truth (a witness is always kept and
//! was measured); it costs the reader the better copy.
//!
//! Nothing is measured here. Reference for the trouble with chains: peers merge them into giant false clusters.

mod decisions;
mod order;

use serde::{Deserialize, Serialize};

pub use decisions::Decisions;
pub use order::{EachRecord, KeepKey, KeepOrder, Rank, Standings};

/// How alike a document and a kept one are, measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// The kept document.
    pub of: u32,
    /// Jaccard similarity of their shingle sets.
    pub jaccard: f64,
    /// Containment of the document in the kept one.
    pub containment: f64,
    /// Which of the two reached its threshold.
    pub by: Measure,
    /// Their whole token sequences are equal; they were compared as whole texts.
    pub exact: bool,
}

/// What a document is removed by. Where both reach their thresholds, it is the similarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Jaccard similarity.
    Jaccard,
    /// Containment of a shorter document in a longer one.
    Containment,
}

impl Likeness {
    /// Of an exact copy of the kept document `of`.
    pub fn exact(of: u32) -> Likeness {
        Likeness { of, jaccard: 1.0, containment: 1.0, by: Measure::Jaccard, exact: true }
    }

    /// Whether this one is chosen as the witness rather than `other`: of two that are similar enough the more similar
    /// one; one that is similar enough before one that only contains the document; of two of these the one that contains
    /// more of it. Equals are not, so that who asks in keep order is left with the first.
    pub fn is_preferred_to(&self, other: &Likeness) -> bool {
        match (self.by, other.by) {
            (Measure::Jaccard, Measure::Jaccard) => self.jaccard > other.jaccard,
            (Measure::Containment, Measure::Containment) => self.containment > other.containment,
            (by, _) => by == Measure::Jaccard,
        }
    }
}

/// What becomes of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// It stays.
    Kept,
    /// It goes, because of this kept document.
    Removed(Likeness),
}

impl Decision {
    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        matches!(self, Decision::Kept)
    }
}

/// Puts candidates for a witness, ranks in keep order with their similarity, in the order in which they are chosen: the
/// most similar first, ties in keep order.
pub fn by_preference(candidates: &mut [(u32, f64)]) {
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}

/// A kept document and those removed because of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The document that stays.
    pub kept: u32,
    /// The removed ones, in document order.
    pub members: Vec<u32>,
}

/// The clusters of two or more documents, by their kept document. Cost: a sort of the removed ones.
pub fn clusters(decisions: &Decisions) -> Vec<Cluster> {
    let removed = decisions.removed().iter();
    let mut members: Vec<(u32, u32)> = removed.map(|(document, likeness)| (likeness.of, *document)).collect();
    members.sort_unstable();
    members
        .chunk_by(|a, b| a.0 == b.0)
        .map(|cluster| Cluster {
            kept: cluster[0].0,
            members: cluster.iter().map(|member| member.1).collect(),
        })
        .collect()
}

/// The group of each document: its kept document, or itself.
pub fn groups(decisions: &Decisions) -> Vec<u32> {
    let mut groups: Vec<u32> = (0..decisions.len()).collect();
    for (document, likeness) in decisions.removed() {
        groups[*document as usize] = likeness.of;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(of: u32, jaccard: f64) -> Likeness {
        Likeness { of, jaccard, containment: jaccard, by: Measure::Jaccard, exact: false }
    }

    #[test]
    fn similarity_is_preferred_to_containment_and_more_of_either_to_less() {
        let contains = |containment| Likeness { containment, by: Measure::Containment, ..alike(0, 0.1) };
        let rising = [contains(0.8), contains(1.0), alike(0, 0.8), alike(0, 0.9)];
        for (place, likeness) in rising.iter().enumerate() {
            for (other_place, other) in rising.iter().enumerate() {
                assert_eq!(likeness.is_preferred_to(other), place > other_place, "{likeness:?}, {other:?}");
            }
        }
    }

    #[test]
    fn the_most_similar_is_preferred_and_keep_order_breaks_ties() {
        let mut candidates = [(4, 0.8), (2, 0.9), (1, 0.9), (0, 0.85)];
        by_preference(&mut candidates);
        assert_eq!(candidates, [(1, 0.9), (2, 0.9), (0, 0.85), (4, 0.8)]);
    }

    #[test]
    fn clusters_are_the_kept_with_their_removed() {
        let decisions = Decisions::new(6, [(1, 3), (5, 3), (2, 0)].map(|(a, of)| (a, alike(of, 0.9))).into());
        let found = clusters(&decisions);
        assert_eq!(found, [Cluster { kept: 0, members: vec![2] }, Cluster { kept: 3, members: vec![1, 5] }],);
        assert_eq!(groups(&decisions), [0, 3, 0, 3, 4, 3]);
    }
}
