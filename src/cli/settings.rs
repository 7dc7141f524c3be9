//! From what was typed to what the library wants.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;

use dittograph::corpus::{Fields, Format, ReadMode, ReadSettings, SiteBy};
use dittograph::error::{Error, Result};
use dittograph::pipeline::{CandidateSource, CompareSettings, Content, Settings, Strip};
use dittograph::resolve::KeepOrder;
use dittograph::text::ParagraphBreaks;

use super::args::{CompareArgs, ContentArg, ReadArgs, StripArg};

/// The library's settings for these words.
pub fn settings(read: &ReadArgs, compare: &CompareArgs) -> Result<Settings> {
    let keep = KeepOrder(compare.keep.clone());
    Ok(Settings {
        read: ReadSettings { max_record: read.max_record, mode: mode(read.mmap), ..ReadSettings::default() },
        fields: Fields {
            text: read.text_field.clone(),
            id: read.id_field.clone(),
            url: read.url_field.clone(),
            site: read.site_field.clone(),
            within: compare.within.clone(),
            keep: keep.fields(),
        },
        site_by: read.site,
        paragraphs: read.paragraphs,
        compare: CompareSettings {
            min_similarity: compare.min_similarity,
            min_containment: compare.min_containment,
            shingle_tokens: compare.shingle,
            content: match compare.content {
                ContentArg::Article => Content::Article,
                ContentArg::All => Content::All,
            },
            candidates: match compare.exact {
                true => CandidateSource::Exact,
                false => CandidateSource::Signatures,
            },
            seed: compare.seed,
            ..CompareSettings::default()
        },
        keep,
        protect: compare.protect.as_deref().map(ids).transpose()?.unwrap_or_default(),
        ..Settings::default()
    })
}

/// What is taken out of kept documents.
pub fn strip(kinds: &[StripArg]) -> BTreeSet<Strip> {
    let strip = |kind: &StripArg| match kind {
        StripArg::Boilerplate => Strip::Boilerplate,
        StripArg::Leads => Strip::Leads,
        StripArg::Repeats => Strip::Repeats,
    };
    kinds.iter().map(strip).collect()
}

/// Whether plain files are mapped.
fn mode(mmap: bool) -> ReadMode {
    if mmap {
        // SAFETY: whoever typed --mmap was told that nobody may change the files meanwhile, and takes that on.
        unsafe { ReadMode::mapped() }
    } else {
        ReadMode::default()
    }
}

/// The ids of a file, one a line.
pub fn ids(path: &Path) -> Result<HashSet<String>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// `64MiB`, `2GB`, `1000`: bytes.
pub fn size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(format!("`{text}` is no size; write for example 64MiB")),
    };
    let bytes = number.parse::<f64>().map_err(|_| format!("`{text}` is no size; write for example 64MiB"))?
        * factor as f64;
    match bytes >= 1.0 && bytes < u64::MAX as f64 {
        true => Ok(bytes as u64),
        false => Err(format!("`{text}` is no size that can be used; write for example 64MiB")),
    }
}

/// A similarity threshold.
pub fn similarity(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(similarity) if (0.5..=1.0).contains(&similarity) => Ok(similarity),
        _ => Err(format!("`{text}` is no similarity between 0.5 and 1")),
    }
}

/// A containment threshold.
pub fn containment(text: &str) -> std::result::Result<f64, String> {
    similarity(text).map_err(|_| format!("`{text}` is no containment between 0.5 and 1"))
}

/// A share of something.
pub fn share(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is no share between 0 and 1")),
    }
}

/// Tokens in a shingle.
pub fn shingle(text: &str) -> std::result::Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(tokens) if tokens.get() <= 64 => Ok(tokens),
        _ => Err(format!("`{text}` is no number of tokens between 1 and 64")),
    }
}

/// A format's name.
pub fn format(text: &str) -> std::result::Result<Format, String> {
    Format::named(text).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
        format!("`{text}` is no format that can be read; known are {}", known.join(", "))
    })
}

/// What of a url is the site.
pub fn site(text: &str) -> std::result::Result<SiteBy, String> {
    [SiteBy::Host, SiteBy::Domain]
        .into_iter()
        .find(|by| by.name() == text)
        .ok_or_else(|| format!("`{text}` is neither host nor domain"))
}

/// What parts paragraphs.
pub fn breaks(text: &str) -> std::result::Result<ParagraphBreaks, String> {
    [ParagraphBreaks::Auto, ParagraphBreaks::Blank, ParagraphBreaks::Line]
        .into_iter()
        .find(|breaks| breaks.name() == text)
        .ok_or_else(|| format!("`{text}` is none of auto, blank and line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_size(text: &str, expected: Option<u64>) {
        assert_eq!(size(text).ok(), expected, "{text}");
    }

    #[test]
    fn sizes() {
        check_size("64MiB", Some(64 << 20));
        check_size("1.5 kib", Some(1536));
        check_size("10", Some(10));
        check_size("2GB", Some(2_000_000_000));
        for wrong in ["", "MiB", "-1", "0", "1e9TiB", "12 parsecs", "1.2.3"] {
            check_size(wrong, None);
        }
    }

    #[test]
    fn thresholds_have_their_ranges() {
        assert_eq!(similarity("0.5"), Ok(0.5));
        assert!(similarity("0.49").is_err() && similarity("1.01").is_err() && similarity("nan").is_err());
        assert_eq!(containment("1"), Ok(1.0));
        assert_eq!(containment("0.4"), Err("`0.4` is no containment between 0.5 and 1".to_owned()));
        assert!(share("-0.1").is_err() && share("1").is_ok());
        assert!(shingle("0").is_err() && shingle("65").is_err() && shingle("5").is_ok());
    }
}
