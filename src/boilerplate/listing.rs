//! Which paragraphs make a table of contents?
//!
//! The words of a page's paragraphs in, a flag for each out. An entry is said again further down, as the heading
//! that it leads to, with two words more before or after it at most ("CacheLock" and "CacheLock Directive"), and stands beside another
//! entry. Runs pass a table of contents at no cost, since its length says nothing of what stands beyond it; an
//! entry too many lets a run pass a heading, nothing more.
//!
//! Time: six hashes of at most [`MAX_TOKENS`] tokens for each short paragraph.

use super::{Set, mix};

/// Longer paragraphs are no entries.
const MAX_TOKENS: usize = 12;

/// How many words more a heading may have.
const MORE_TOKENS: usize = 2;

/// For each paragraph, whether it is an entry of a table of contents. `page` has the token hashes of each.
pub fn listed(page: &[&[u64]]) -> Vec<bool> {
    let mut below = Set::default();
    let mut again: Vec<bool> = vec![false; page.len()];
    for (tokens, again) in page.iter().zip(&mut again).rev() {
        if tokens.is_empty() || tokens.len() > MAX_TOKENS + MORE_TOKENS {
            continue;
        }
        *again = tokens.len() <= MAX_TOKENS && below.contains(&hash(tokens));
        for length in tokens.len().saturating_sub(MORE_TOKENS).max(1)..=tokens.len() {
            below.insert(hash(&tokens[..length]));
            below.insert(hash(&tokens[tokens.len() - length..]));
        }
    }
    let beside = |i: usize| (i > 0 && again[i - 1]) || again.get(i + 1) == Some(&true);
    (0..page.len()).map(|i| again[i] && beside(i)).collect()
}

fn hash(tokens: &[u64]) -> u64 {
    tokens.iter().fold(tokens.len() as u64, |hash, &token| mix(hash ^ token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A paragraph is a word, a letter a token.
    #[track_caller]
    fn check(page: &str, expected: &str) {
        let paragraphs: Vec<Vec<u64>> =
            page.split(' ').map(|word| word.bytes().map(u64::from).collect()).collect();
        let page: Vec<&[u64]> = paragraphs.iter().map(Vec::as_slice).collect();
        let found: String = listed(&page).iter().map(|&is| if is { '#' } else { '.' }).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn entries_are_headings_further_down() {
        check("title ab cd ef one ab two cd three ef four", ".###.......");
        check("ab cd one abx two cdxy", "##....");
        check("ab cd one xab two xycd", "##....");
        check("ab cd one abxyz two cdxyz", "......"); // three words more
        check("ab one ab two", "...."); // alone
        check("ab ab ab", "##.");
        check("abcdefghijkl bc one abcdefghijkl bc", "##...");
        check("abcdefghijklm bc one abcdefghijklm bc", "....."); // too long, and then one is alone
    }
}
