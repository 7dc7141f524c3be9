//! Which pages speak for a template?
//!
//! A [`Census`] in, a [`Voice`] for each of its pages out. A page that is a copy of others, but for a date or
//! an edited word, is no second witness for what both say. It is told by what it has of its own: tokens in
//! paragraphs that do not stand on many pages, in this form or a near one. To silence a page costs a template
//! only where few other pages have it; to hear a copy may turn an article into boilerplate.
//!
//! Time: a few passes over the census.

use super::TemplateSettings;
use super::census::Census;

/// How far a page is believed, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Voice {
    /// Nothing of its own: no evidence.
    Silent,
    /// Little of its own: speaks for what stands on most pages.
    Thin,
    /// Enough that stands on few pages.
    Full,
    /// Enough that stands on fewer pages than a template needs: speaks for guests, too.
    Fresh,
}

/// The voice of each page.
///
/// What is "many pages" is a share of the pages that speak, and who speaks depends on it: counted again until
/// no more pages fall silent, at most eight times (each time the bar only sinks).
pub(super) fn voices(census: &Census, settings: &TemplateSettings) -> Vec<Voice> {
    let spread = census.spread();
    let (mut voices, mut own) = (Vec::new(), Vec::new());
    let mut speaking = census.page_count();
    for _ in 0..8 {
        let many = settings.pages(settings.edge_percent, speaking);
        voices = census.pages().map(|page| voice(census, page, &spread, many, settings, &mut own)).collect();
        let now = voices.iter().filter(|&&voice| voice > Voice::Silent).count() as u32;
        if now == speaking {
            break;
        }
        speaking = now;
    }
    for (page, said) in census.pages().zip(&mut voices) {
        let mut fresh =
            || voice(census, page, &spread, settings.min_documents, settings, &mut own) == Voice::Full;
        if *said == Voice::Full && fresh() {
            *said = Voice::Fresh;
        }
    }
    voices
}

/// Silent, thin or full, where what stands on `many` pages is not the page's own. `own` is a buffer.
fn voice(
    census: &Census,
    page: &[u32],
    spread: &[u32],
    many: u32,
    settings: &TemplateSettings,
    own: &mut Vec<u32>,
) -> Voice {
    let tokens = |&paragraph: &u32| u64::from(census.tokens(paragraph));
    let all: u64 = page.iter().map(tokens).sum();
    own.clear();
    own.extend(page.iter().filter(|&&paragraph| spread[paragraph as usize] < many));
    own.sort_unstable();
    own.dedup();
    let own: u64 = own.iter().map(tokens).sum();
    if own > 0 && all < u64::from(settings.short_page_tokens) {
        Voice::Full
    } else if own < u64::from(settings.own_tokens) {
        Voice::Silent
    } else if own >= u64::from(settings.full_tokens) && own * 100 >= u64::from(settings.own_percent) * all {
        Voice::Full
    } else {
        Voice::Thin
    }
}
