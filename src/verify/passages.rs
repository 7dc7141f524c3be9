//! Which passages do two texts share, and where?
//!
//! Two token sequences in, [`Passage`]s out: runs of `k` tokens or more that stand in both and go on in neither
//! direction. For people, who want to see what a similarity is made of; nothing is decided here, so a passage too few
//! would be a blemish.
//!
//! Each sequence is read once along the suffix automaton of the other (Blumer et al., *The smallest automaton recognizing
//! the subwords of a text*, 1985), which knows at every token the longest run that ends there and stands in the
//! other. So a text that says one word a million times costs no more than any other: linear time.
//! Memory: about 100 bytes a token of one sequence at a time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

use super::{Names, name_tokens};

/// Equal runs of tokens in two sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passage {
    /// Its first token in the left sequence.
    pub left: usize,
    /// Its first token in the right sequence.
    pub right: usize,
    /// How many tokens; `k` or more, unless both sequences are shorter.
    pub tokens: usize,
}

/// The passages of `k` tokens or more that two sequences share, by their place in the left one, then in the right one.
///
/// Every run of the left sequence that stands in the right one, too, and is part of no longer such run, with the
/// first place where it stands there; and the same of the right sequence. So on each side the passages cover exactly
/// the tokens of the shingles that both have; they may overlap, and there are no more of them than tokens. Two equal
/// sequences of fewer than `k` tokens share the whole, as they do as shingles.
///
/// Cost: linear in the tokens of both, however often they repeat themselves.
pub fn shared_passages(left: &[&str], right: &[&str], k: NonZeroUsize) -> Vec<Passage> {
    let shorter = left.len().min(right.len());
    if shorter < k.get() {
        let whole = Passage { left: 0, right: 0, tokens: shorter };
        return if left == right && shorter > 0 { vec![whole] } else { Vec::new() };
    }
    let mut names = Names::with_capacity(left.len() + right.len());
    let (left, right) = (name_tokens(left, &mut names), name_tokens(right, &mut names));
    let mut passages = Vec::new();
    SuffixAutomaton::of(&right).longest_runs(&left, k.get(), |left, right, tokens| {
        passages.push(Passage { left, right, tokens });
    });
    SuffixAutomaton::of(&left).longest_runs(&right, k.get(), |right, left, tokens| {
        passages.push(Passage { left, right, tokens });
    });
    passages.sort_unstable();
    passages.dedup();
    passages
}

/// Which paragraphs say the same: of all ways to pair paragraphs of the left text with paragraphs of the right one in the
/// order of both, the one whose pairs share the most tokens.
///
/// `left` and `right` give the paragraph of each token, ascending; `passages` come in their order. A token of the left
/// text counts once, in the first passage that has it. Cost: linear in the tokens and passages, and a sort of the pairs.
pub fn paragraphs_beside(passages: &[Passage], left: &[usize], right: &[usize]) -> Vec<[usize; 2]> {
    let mut shared: BTreeMap<(usize, Reverse<usize>), usize> = BTreeMap::new();
    let mut counted = 0;
    for passage in passages {
        let end = passage.left + passage.tokens;
        for at in counted.max(passage.left)..end {
            let pair = (left[at], Reverse(right[at - passage.left + passage.right]));
            *shared.entry(pair).or_default() += 1;
        }
        counted = counted.max(end);
    }
    heaviest_in_order(shared.into_iter().map(|((left, Reverse(right)), tokens)| ([left, right], tokens)))
}

/// Of pairs that come with the left number ascending, the right one descending among equals: those of the heaviest
/// chain in which both numbers ascend.
fn heaviest_in_order(pairs: impl Iterator<Item = ([usize; 2], usize)>) -> Vec<[usize; 2]> {
    // The best chain that ends at each right number; none is worse than one that ends at a lesser number.
    let mut best: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut links: Vec<([usize; 2], Option<usize>)> = Vec::new();
    for (pair, weight) in pairs {
        let before = best.range(..pair[1]).next_back().map(|(_, &chain)| chain);
        let total = before.map_or(0, |(total, _)| total) + weight;
        if best.range(..=pair[1]).next_back().is_some_and(|(_, &(other, _))| other >= total) {
            continue;
        }
        links.push((pair, before.map(|(_, link)| link)));
        while let Some((&later, _)) = best.range(pair[1]..).next().filter(|(_, chain)| chain.0 <= total) {
            best.remove(&later);
        }
        best.insert(pair[1], (total, links.len() - 1));
    }
    let mut chain = Vec::new();
    let mut next = best.values().next_back().map(|&(_, link)| link);
    while let Some(link) = next {
        chain.push(links[link].0);
        next = links[link].1;
    }
    chain.reverse();
    chain
}

/// The smallest automaton that reads every run of a sequence. A state stands for runs that end at the same places.
struct SuffixAutomaton {
    states: Vec<State>,
    /// The way on from a state by a token.
    ways: HashMap<(u32, u32), u32>,
    /// The tokens of each state's ways, chained; a copied state needs them all.
    tokens: Vec<(u32, u32)>,
}

#[derive(Clone, Copy)]
struct State {
    /// Tokens of its longest run.
    longest: usize,
    /// Where its runs end first: one past the last token.
    first_end: usize,
    /// The state of the longest suffix that also ends elsewhere; [`NONE`] of the start.
    link: u32,
    /// The last entry of its chain in `tokens`.
    chain: u32,
}

const START: u32 = 0;
const NONE: u32 = u32::MAX;

impl SuffixAutomaton {
    fn of(sequence: &[u32]) -> SuffixAutomaton {
        let start = State { longest: 0, first_end: 0, link: NONE, chain: NONE };
        let mut automaton = SuffixAutomaton { states: vec![start], ways: HashMap::new(), tokens: Vec::new() };
        let mut last = START;
        for (at, &token) in sequence.iter().enumerate() {
            last = automaton.add(last, token, at + 1);
        }
        automaton
    }

    /// Adds a token at the end; `last` is the state of the whole sequence before it.
    fn add(&mut self, last: u32, token: u32, end: usize) -> u32 {
        let whole = self.new_state(State { longest: end, first_end: end, link: START, chain: NONE });
        let mut from = last;
        while from != NONE && !self.ways.contains_key(&(from, token)) {
            self.set_way(from, token, whole);
            from = self.states[from as usize].link;
        }
        if from != NONE {
            let to = self.ways[&(from, token)];
            let longest = self.states[from as usize].longest + 1;
            self.states[whole as usize].link = match self.states[to as usize].longest == longest {
                true => to,
                false => self.split(from, token, to, longest),
            };
        }
        whole
    }

    /// Parts the runs of `to` of at most `longest` tokens, which now end at one place more, from its longer ones.
    fn split(&mut self, mut from: u32, token: u32, to: u32, longest: usize) -> u32 {
        let original = self.states[to as usize];
        let shorter = self.new_state(State { longest, chain: NONE, ..original });
        let mut chain = original.chain;
        while chain != NONE {
            let (token, next) = self.tokens[chain as usize];
            self.set_way(shorter, token, self.ways[&(to, token)]);
            chain = next;
        }
        self.states[to as usize].link = shorter;
        while from != NONE && self.ways.get(&(from, token)) == Some(&to) {
            self.ways.insert((from, token), shorter);
            from = self.states[from as usize].link;
        }
        shorter
    }

    fn new_state(&mut self, state: State) -> u32 {
        self.states.push(state);
        self.states.len() as u32 - 1
    }

    fn set_way(&mut self, from: u32, token: u32, to: u32) {
        self.ways.insert((from, token), to);
        let chain = &mut self.states[from as usize].chain;
        self.tokens.push((token, *chain));
        *chain = self.tokens.len() as u32 - 1;
    }

    /// Calls `each` for every run of `sequence` of `k` tokens or more that is read and is part of no longer one: where
    /// it begins, where it first begins in the automaton's sequence, and its length.
    fn longest_runs(&self, sequence: &[u32], k: usize, mut each: impl FnMut(usize, usize, usize)) {
        let (mut state, mut length) = (START, 0);
        let mut tell = |end: usize, state: u32, length: usize| {
            if length >= k {
                each(end - length, self.states[state as usize].first_end - length, length);
            }
        };
        for (at, &token) in sequence.iter().enumerate() {
            let (state_before, length_before) = (state, length);
            loop {
                if let Some(&next) = self.ways.get(&(state, token)) {
                    (state, length) = (next, length + 1);
                    break;
                }
                let link = self.states[state as usize].link;
                if link == NONE {
                    length = 0;
                    break;
                }
                (state, length) = (link, self.states[link as usize].longest);
            }
            if length <= length_before {
                tell(at, state_before, length_before);
            }
        }
        tell(sequence.len(), state, length);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn passages(left: &[&str], right: &[&str], k: usize) -> Vec<(usize, usize, usize)> {
        let found = shared_passages(left, right, NonZeroUsize::new(k).unwrap());
        found.iter().map(|passage| (passage.left, passage.right, passage.tokens)).collect()
    }

    #[track_caller]
    fn check(left: &str, right: &str, expected: &[(usize, usize, usize)]) {
        fn words(text: &str) -> Vec<&str> {
            text.split_whitespace().collect()
        }
        assert_eq!(passages(&words(left), &words(right), 3), expected, "{left:?} and {right:?}");
        // The same from the other side.
        let mut mirrored: Vec<_> =
            expected.iter().map(|&(left, right, tokens)| (right, left, tokens)).collect();
        mirrored.sort();
        assert_eq!(passages(&words(right), &words(left), 3), mirrored, "{right:?} and {left:?}");
    }

    #[test]
    fn runs_that_both_hold() {
        check("a b c d", "x a b c d y", &[(0, 1, 4)]);
        check("a b c x d e f", "d e f a b c", &[(0, 3, 3), (4, 0, 3)]); // moved
        check("a b c d e", "a b c d x b c d e", &[(0, 0, 4), (1, 5, 4)]); // they overlap in one
        check("a b c", "a b c x a b c", &[(0, 0, 3), (0, 4, 3)]); // said twice in one
        check("a b", "a b x", &[]); // too short
        check("a b c", "c b a", &[]);
        check("", "a b c", &[]);
    }

    #[test]
    fn short_texts_share_the_whole_or_nothing() {
        check("a b", "a b", &[(0, 0, 2)]);
        check("a b", "b a", &[]);
        check("", "", &[]);
    }

    /// Every place where both go on alike for `k` tokens or more, of which neither side can be made longer.
    fn all_maximal(left: &[&str], right: &[&str], k: usize) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for l in 0..left.len() {
            for r in 0..right.len() {
                let begins = l == 0 || r == 0 || left[l - 1] != right[r - 1];
                let length = left[l..].iter().zip(&right[r..]).take_while(|(a, b)| a == b).count();
                if begins && length >= k {
                    found.push((l, r, length));
                }
            }
        }
        found
    }

    /// Of these (place here, place there, length) the runs here that no longer one holds, each with its first place there.
    fn longest(found: impl Iterator<Item = (usize, usize, usize)>) -> BTreeSet<(usize, usize, usize)> {
        let found: Vec<_> = found.collect();
        let holds = |a: &(usize, usize, usize), b: &(usize, usize, usize)| {
            a.0 <= b.0 && b.0 + b.2 <= a.0 + a.2 && (a.2 > b.2 || a.1 < b.1)
        };
        found.iter().filter(|one| !found.iter().any(|other| holds(other, one))).copied().collect()
    }

    /// The tokens here of the `k`-shingles that stand there, too.
    fn shared_shingles(here: &[&str], there: &[&str], k: usize) -> BTreeSet<usize> {
        let shingles: BTreeSet<&[&str]> = there.windows(k).collect();
        let places = here.windows(k).enumerate().filter(|(_, shingle)| shingles.contains(shingle));
        places.flat_map(|(at, _)| at..at + k).collect()
    }

    fn texts() -> impl Strategy<Value = (Vec<&'static str>, Vec<&'static str>)> {
        let text = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 3..40);
        (text(), text())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn the_fast_way_and_the_slow_way_agree((left, right) in texts(), k in 1..4usize) {
            let all = all_maximal(&left, &right, k);
            let mut expected = longest(all.iter().copied());
            let turned = longest(all.iter().map(|&(left, right, tokens)| (right, left, tokens)));
            expected.extend(turned.into_iter().map(|(right, left, tokens)| (left, right, tokens)));
            prop_assert_eq!(passages(&left, &right, k), Vec::from_iter(expected));
        }

        #[test]
        fn passages_cover_the_shared_shingles((left, right) in texts(), k in 1..4usize) {
            let found = passages(&left, &right, k);
            let of_left = found.iter().flat_map(|&(left, _, tokens)| left..left + tokens).collect();
            let of_right = found.iter().flat_map(|&(_, right, tokens)| right..right + tokens).collect();
            prop_assert_eq!((shared_shingles(&left, &right, k), shared_shingles(&right, &left, k)), (of_left, of_right));
        }
    }

    #[track_caller]
    fn check_beside(left: &[&str], right: &[&str], expected: &[[usize; 2]]) {
        fn words<'t>(paragraphs: &[&'t str]) -> (Vec<&'t str>, Vec<usize>) {
            let numbered = paragraphs.iter().enumerate();
            numbered
                .flat_map(|(number, text)| text.split_whitespace().map(move |word| (word, number)))
                .unzip()
        }
        let ((left_words, left_numbers), (right_words, right_numbers)) = (words(left), words(right));
        let passages = shared_passages(&left_words, &right_words, NonZeroUsize::new(2).unwrap());
        let found = paragraphs_beside(&passages, &left_numbers, &right_numbers);
        assert_eq!(found, expected, "{left:?} and {right:?}");
    }

    #[test]
    fn paragraphs_that_say_the_same() {
        check_beside(&["a b", "c d"], &["a b", "c d"], &[[0, 0], [1, 1]]);
        check_beside(&["a b", "c d"], &["x", "a b", "y", "c d"], &[[0, 1], [1, 3]]);
        check_beside(&["a b c", "d e"], &["d e", "a b c"], &[[0, 1]]); // one was moved: the larger share
        check_beside(&["a b c d"], &["a b", "c d"], &[[0, 0]]);
        check_beside(&["a b", "c d"], &["a b c d"], &[[0, 0]]);
        check_beside(&["a b"], &["c d"], &[]);
    }

    /// The heaviest chain, by trying all.
    fn heaviest_slow(pairs: &[([usize; 2], usize)]) -> usize {
        let mut best = vec![0; pairs.len()];
        for (at, (pair, weight)) in pairs.iter().enumerate() {
            let before =
                (0..at).filter(|&before| pairs[before].0[0] < pair[0] && pairs[before].0[1] < pair[1]);
            best[at] = before.map(|before| best[before]).max().unwrap_or(0) + weight;
        }
        best.into_iter().max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn chains_are_the_heaviest(
            pairs in prop::collection::btree_map((0..8usize, 0..8usize), 1..9usize, 0..30),
        ) {
            let mut pairs: Vec<_> = pairs.into_iter().map(|((left, right), weight)| ([left, right], weight)).collect();
            pairs.sort_by_key(|&([left, right], _)| (left, Reverse(right)));
            let chain = heaviest_in_order(pairs.iter().copied());
            prop_assert!(chain.windows(2).all(|two| two[0][0] < two[1][0] && two[0][1] < two[1][1]), "{:?}", chain);
            let weight = |pair: &[usize; 2]| pairs.iter().find(|(other, _)| other == pair).unwrap().1;
            prop_assert_eq!(chain.iter().map(weight).sum::<usize>(), heaviest_slow(&pairs));
        }
    }

    #[test]
    fn repetition_costs_no_square() {
        // A square of this would take minutes.
        let (left, right) = (vec!["a"; 200_000], vec!["a"; 150_000]);
        let found = passages(&left, &right, 5);
        assert_eq!(found.len(), 50_001);
        assert_eq!(found[0], (0, 0, 150_000));
        let mixed: Vec<&str> = (0..150_000).map(|at| if at % 1000 == 0 { "b" } else { "a" }).collect();
        assert!(passages(&left, &mixed, 5).len() <= left.len() + mixed.len());
    }
}
