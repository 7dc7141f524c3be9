//! The keep order: who stays when two are alike.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;

use crate::error;

/// One key of `--keep`, the first one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepKey {
    /// Most content tokens first.
    Longest,
    /// Fewest content tokens first.
    Shortest,
    /// Urls of the scheme `https` first.
    Https,
    /// The shortest url first; without a url last.
    ShortUrl,
    /// The smallest value of this field first; without it last. Numbers compare as numbers, and before other text.
    Min(String),
    /// The greatest value of this field first; without it last.
    Max(String),
    /// Input order.
    First,
}

impl FromStr for KeepKey {
    type Err = String;

    fn from_str(key: &str) -> Result<KeepKey, String> {
        let field = |name: &str| match name {
            "" => Err(format!("`{key}` names no field; write for example min:date")),
            name => Ok(name.to_owned()),
        };
        match key {
            "longest" => Ok(KeepKey::Longest),
            "shortest" => Ok(KeepKey::Shortest),
            "https" => Ok(KeepKey::Https),
            "short-url" => Ok(KeepKey::ShortUrl),
            "first" => Ok(KeepKey::First),
            _ => match key.split_once(':') {
                Some(("min", name)) => field(name).map(KeepKey::Min),
                Some(("max", name)) => field(name).map(KeepKey::Max),
                _ => Err(format!(
                    "`{key}` is no keep key; known are longest, shortest, https, short-url, min:FIELD, max:FIELD, first"
                )),
            },
        }
    }
}

impl fmt::Display for KeepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeepKey::Longest => f.write_str("longest"),
            KeepKey::Shortest => f.write_str("shortest"),
            KeepKey::Https => f.write_str("https"),
            KeepKey::ShortUrl => f.write_str("short-url"),
            KeepKey::Min(field) => write!(f, "min:{field}"),
            KeepKey::Max(field) => write!(f, "max:{field}"),
            KeepKey::First => f.write_str("first"),
        }
    }
}

/// Takes a url and the values of fields.
pub type EachRecord<'a> = dyn FnMut(Option<&str>, &[Option<String>]) + 'a;

/// What the keep order looks at in documents, which are numbered from 0.
pub trait Standings: Sync {
    /// How many documents.
    fn count(&self) -> u32;

    /// Whether one is never removed, and comes first.
    fn is_protected(&self, document: u32) -> bool;

    /// How many tokens its content has.
    fn content_tokens(&self, document: u32) -> u32;

    /// Gives for each document, in their order, its url and the values of the fields that the keys name, in the order of the
    /// keys.
    fn for_each_record(&self, each: &mut EachRecord) -> error::Result<()>;
}

/// The order in which documents are visited: protected ones first, then key by key, then input order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepOrder(pub Vec<KeepKey>);

impl Default for KeepOrder {
    /// The longest, then the first: an abridged copy is less than what it was cut from.
    fn default() -> Self {
        KeepOrder(vec![KeepKey::Longest, KeepKey::First])
    }
}

impl KeepOrder {
    /// The fields that the keys name, in order.
    pub fn fields(&self) -> Vec<String> {
        let field = |key: &KeepKey| match key {
            KeepKey::Min(field) | KeepKey::Max(field) => Some(field.clone()),
            _ => None,
        };
        self.0.iter().filter_map(field).collect()
    }

    /// The documents in keep order.
    ///
    /// Cost: one sort for each key, the last one first. Memory: 4 bytes a document, 4 more while it is sorted by a second key
    /// or documents are protected, and what one key looks at: nothing for content tokens, 4 bytes for a url, or the values of
    /// its field.
    pub fn sorted(&self, standings: &impl Standings) -> error::Result<Vec<u32>> {
        let mut order: Vec<u32> = (0..standings.count()).collect();
        let keys: Vec<&KeepKey> = self.0.iter().take_while(|key| **key != KeepKey::First).collect();
        for (at, key) in keys.iter().enumerate().rev() {
            let is_new = at + 1 == keys.len();
            match key {
                KeepKey::Longest => {
                    sort_by_key(&mut order, is_new, |document| Reverse(standings.content_tokens(document)));
                }
                KeepKey::Shortest => {
                    sort_by_key(&mut order, is_new, |document| standings.content_tokens(document));
                }
                KeepKey::Https => {
                    sort_by_url(&mut order, is_new, standings, |url| u32::from(!is_https(url)))?
                }
                KeepKey::ShortUrl => sort_by_url(&mut order, is_new, standings, url_length)?,
                KeepKey::Min(_) | KeepKey::Max(_) => {
                    let is_field = |key: &&&KeepKey| matches!(key, KeepKey::Min(_) | KeepKey::Max(_));
                    let field = keys[..at].iter().filter(is_field).count();
                    sort_by_field(&mut order, standings, field, matches!(key, KeepKey::Max(_)))?;
                }
                KeepKey::First => {}
            }
        }
        if order.iter().any(|&document| standings.is_protected(document)) {
            order.par_sort_by_key(|&document| !standings.is_protected(document));
        }
        Ok(order)
    }

    /// Which of two documents comes first; equal where nothing but input order tells. The same order as
    /// [`sorted`](KeepOrder::sorted) for who has no list of all documents.
    pub fn compare(&self, a: &Rank, b: &Rank) -> Ordering {
        let mut fields = a.fields.iter().zip(&b.fields);
        let mut by_field = |compare: fn(&str, &str) -> Ordering| {
            let (a, b) = fields.next().map_or((None, None), |(a, b)| (a.as_deref(), b.as_deref()));
            missing_last(a, b, compare)
        };
        let mut order = b.protected.cmp(&a.protected);
        for key in self.0.iter().take_while(|key| **key != KeepKey::First) {
            order = order.then(match key {
                KeepKey::Longest => b.content_tokens.cmp(&a.content_tokens),
                KeepKey::Shortest => a.content_tokens.cmp(&b.content_tokens),
                KeepKey::Https => is_https(b.url.as_deref()).cmp(&is_https(a.url.as_deref())),
                KeepKey::ShortUrl => url_length(a.url.as_deref()).cmp(&url_length(b.url.as_deref())),
                KeepKey::Min(_) => by_field(values),
                KeepKey::Max(_) => by_field(|a, b| values(b, a)),
                KeepKey::First => Ordering::Equal,
            });
        }
        order
    }
}

/// What the keep order looks at in one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rank {
    /// Whether it is never removed, and comes first.
    pub protected: bool,
    /// How many tokens its content has.
    pub content_tokens: u32,
    /// Its url.
    pub url: Option<String>,
    /// The values of the fields that the keys name, in the order of the keys.
    pub fields: Vec<Option<String>>,
}

/// Equals stay as they are. A new order is that of the documents themselves: then no memory is needed to keep them so.
fn sort_by_key<K: Ord + Send>(order: &mut [u32], is_new: bool, key: impl Fn(u32) -> K + Sync) {
    match is_new {
        true => order.par_sort_unstable_by_key(|&document| (key(document), document)),
        false => order.par_sort_by_key(|&document| key(document)),
    }
}

fn sort_by_url(
    order: &mut [u32],
    is_new: bool,
    standings: &impl Standings,
    rank: impl Fn(Option<&str>) -> u32,
) -> error::Result<()> {
    let mut ranks = Vec::with_capacity(order.len());
    standings.for_each_record(&mut |url, _| ranks.push(rank(url)))?;
    sort_by_key(order, is_new, |document| ranks[document as usize]);
    Ok(())
}

fn sort_by_field(
    order: &mut [u32],
    standings: &impl Standings,
    field: usize,
    greatest_first: bool,
) -> error::Result<()> {
    let mut found: Vec<Option<String>> = Vec::with_capacity(order.len());
    standings.for_each_record(&mut |_, fields| found.push(fields[field].clone()))?;
    let compare = |a: &str, b: &str| if greatest_first { values(b, a) } else { values(a, b) };
    order.par_sort_by(|&a, &b| {
        missing_last(found[a as usize].as_deref(), found[b as usize].as_deref(), compare)
    });
    Ok(())
}

fn is_https(url: Option<&str>) -> bool {
    url.and_then(|url| url.get(..8)).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// Without a url, the greatest length.
fn url_length(url: Option<&str>) -> u32 {
    url.map_or(u32::MAX, |url| u32::try_from(url.len()).unwrap_or(u32::MAX - 1))
}

fn missing_last(a: Option<&str>, b: Option<&str>, compare: impl Fn(&str, &str) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => Reverse(a.is_some()).cmp(&Reverse(b.is_some())),
    }
}

/// Numbers as numbers, before what is none; the rest as text.
fn values(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (None, None) => a.cmp(b),
        (a, b) => Reverse(a.is_some()).cmp(&Reverse(b.is_some())),
    }
}

fn number(value: &str) -> Option<f64> {
    // Adding 0.0 makes -0.0 and 0.0 one value.
    value.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Doc {
        protected: bool,
        tokens: u32,
        url: Option<&'static str>,
        fields: Vec<Option<String>>,
    }

    impl Standings for &[Doc] {
        fn count(&self) -> u32 {
            self.len() as u32
        }

        fn is_protected(&self, document: u32) -> bool {
            self[document as usize].protected
        }

        fn content_tokens(&self, document: u32) -> u32 {
            self[document as usize].tokens
        }

        fn for_each_record(&self, each: &mut EachRecord) -> error::Result<()> {
            self.iter().for_each(|doc| each(doc.url, &doc.fields));
            Ok(())
        }
    }

    #[track_caller]
    fn check(keep: &str, documents: &[Doc], expected: &[u32]) {
        let order = KeepOrder(keep.split(',').map(|key| key.parse().unwrap()).collect());
        assert_eq!(order.sorted(&documents).unwrap(), expected, "{keep}");
        let rank = |doc: &Doc| Rank {
            protected: doc.protected,
            content_tokens: doc.tokens,
            url: doc.url.map(str::to_owned),
            fields: doc.fields.clone(),
        };
        let ranks: Vec<Rank> = documents.iter().map(rank).collect();
        let mut compared: Vec<u32> = (0..documents.len() as u32).collect();
        compared.sort_by(|&a, &b| order.compare(&ranks[a as usize], &ranks[b as usize]).then(a.cmp(&b)));
        assert_eq!(compared, expected, "{keep}, two by two");
    }

    fn tokens(tokens: u32) -> Doc {
        Doc { tokens, ..Doc::default() }
    }

    fn url(url: &'static str) -> Doc {
        Doc { url: Some(url), ..Doc::default() }
    }

    fn field(value: &str) -> Doc {
        Doc { fields: vec![Some(value.to_owned())], ..Doc::default() }
    }

    #[test]
    fn key_by_key_and_input_order_last() {
        check("longest", &[tokens(3), tokens(9), tokens(9)], &[1, 2, 0]);
        check("shortest,first", &[tokens(3), tokens(9), tokens(1)], &[2, 0, 1]);
        check("first,longest", &[tokens(3), tokens(9)], &[0, 1]);
        check("https", &[url("http://a/"), url("HTTPS://a/"), Doc::default()], &[1, 0, 2]);
        check("short-url", &[Doc::default(), url("http://abc/"), url("http://a/")], &[2, 1, 0]);
        let protected = Doc { protected: true, ..tokens(1) };
        check("longest", &[tokens(9), protected], &[1, 0]);
    }

    #[test]
    fn numbers_compare_as_numbers_and_a_missing_field_comes_last() {
        let missing = Doc { fields: vec![None], ..Doc::default() };
        check("min:n", &[field("10"), missing.clone(), field("9"), field("x")], &[2, 0, 3, 1]);
        check("max:n", &[field("10"), missing, field("9.5"), field("100")], &[3, 0, 2, 1]);
        check("min:date", &[field("2024-05-02"), field("2024-05-01")], &[1, 0]);
    }

    #[test]
    fn two_fields_are_told_apart() {
        let doc =
            |a: &str, b: &str| Doc { fields: vec![Some(a.to_owned()), Some(b.to_owned())], ..Doc::default() };
        check("max:a,min:b", &[doc("1", "1"), doc("2", "5"), doc("2", "4")], &[2, 1, 0]);
    }

    #[test]
    fn what_is_no_key_is_named() {
        assert!("longer".parse::<KeepKey>().unwrap_err().contains("known are longest"));
        assert!("min:".parse::<KeepKey>().unwrap_err().contains("names no field"));
        for key in ["longest", "min:a.b", "max:x", "https", "short-url", "first", "shortest"] {
            assert_eq!(key.parse::<KeepKey>().unwrap().to_string(), key);
        }
    }
}
