use std::collections::HashSet;

use proptest::prelude::*;

use super::super::mix;
use super::*;

/// A word, a token: even, and odd for a number.
fn token(word: &str) -> u64 {
    let number = word.starts_with(char::is_numeric);
    word.bytes().fold(1, |hash, byte| mix(hash ^ u64::from(byte))) & !1 | u64::from(number)
}

fn key(tokens: &[u64]) -> ParagraphKey {
    let masked = |&token: &u64| if token & 1 == 1 { 0 } else { token };
    tokens.iter().map(masked).fold(7, |hash, token| u128::from(mix(hash as u64 ^ token)) << 32 | hash >> 96)
}

fn worded(tokens: &[u64]) -> WordedParagraph<'_> {
    WordedParagraph { key: key(tokens), tokens, is_number: |token| token & 1 == 1 }
}

/// Pages of paragraphs, ` / ` between them; a paragraph that begins with `#` is boilerplate already.
fn read(pages: &[String]) -> (Vec<Vec<Vec<u64>>>, Vec<Vec<bool>>) {
    let paragraphs = |page: &String| {
        page.split(" / ").map(|p| p.trim_start_matches('#').split(' ').map(token).collect()).collect()
    };
    let marks = |page: &String| page.split(" / ").map(|p| p.starts_with('#')).collect();
    (pages.iter().map(paragraphs).collect(), pages.iter().map(marks).collect())
}

fn forms_of(pages: &[String]) -> Option<Forms> {
    let (tokens, marks) = read(pages);
    let pages: Vec<Vec<WordedParagraph>> =
        tokens.iter().map(|page| page.iter().map(|p| worded(p)).collect()).collect();
    FormSearch::new(&pages).more(&marks, &TemplateSettings::default())
}

/// Whether the paragraphs that begin with `start` are forms of one.
#[track_caller]
fn check(pages: &[&str], start: &str, expected: bool) {
    let pages: Vec<String> = pages.iter().map(|&page| page.to_owned()).collect();
    let forms = forms_of(&pages).unwrap_or_default();
    let with: HashSet<ParagraphKey> = pages
        .iter()
        .flat_map(|page| page.split(" / "))
        .filter(|paragraph| paragraph.starts_with(start))
        .map(|paragraph| forms.of(key(&paragraph.split(' ').map(token).collect::<Vec<_>>())))
        .collect();
    assert_eq!(with.len() == 1, expected, "{start} in {pages:?}");
}

#[test]
fn a_line_with_a_name_and_a_date_has_forms() {
    let pages = [
        "a b c d / published on 3 march by anna keller",
        "e f g h / published on 12 may by jo lee",
        "i j k l / published on 4 june by maria de la cruz",
        "m n o p / published on 30 march by anna keller",
    ];
    check(&pages, "published", true);
    check(&pages[..2], "published", false); // two pages are no site
}

#[test]
fn one_word_at_an_end_needs_nearly_all_pages() {
    let pages = [
        "#header / by anna keller / a b c d",
        "#header / by jo lee / e f g h",
        "#header / by sven / i j k l",
        "#header / by kim lo / m n o p",
        "#header / by uwe / q r s t",
    ];
    check(&pages, "by", true);
    check(&pages[..4], "by", false);
    check(&[&pages[..], &["#header / so far / u v"]].concat(), "by", true);
    check(&[&pages[..], &["#header / so far / u v", "#header / if not / w x"]].concat(), "by", false);
}

#[test]
fn a_date_alone_has_forms() {
    let dated = |month: &str, body: &str| format!("#header / 3 {month} 2024 / {body}");
    let months = ["march", "april", "may", "june", "july"];
    let pages: Vec<String> =
        months.iter().zip(["a b", "c d", "e f", "g h", "i j"]).map(|(m, b)| dated(m, b)).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    check(&pages, "3", true);
}

#[test]
fn titles_are_no_forms() {
    // What differs is said again in the text.
    let page = |title: &str| {
        format!(
            "#header / the news of {title} today / all of {title} and no more / {title} a / {title} b / {title} c"
        )
    };
    let pages: Vec<String> = ["bread", "rivers", "goats", "trains", "hats"].map(page).to_vec();
    check(&pages.iter().map(String::as_str).collect::<Vec<_>>(), "the", false);
}

#[test]
fn neighbours_in_a_menu_are_no_forms() {
    let page = |body: &str| format!("world news and views / local news and views / {body}");
    let mut pages: Vec<String> = ["a b", "c d", "e f", "g h", "i j", "k l"].map(page).to_vec();
    for page in pages.iter_mut().skip(3) {
        *page = page.replace("world news and views / local", "local news and views / world");
    }
    let forms = forms_of(&pages).unwrap_or_default();
    assert_eq!(forms, Forms::default());
}

#[test]
fn sentences_are_no_forms_for_their_grammar() {
    let pages = [
        "the end of the road for old cars / a",
        "the price of the bread in our town / b",
        "a house at the end of the street is sold / c",
        "the head of the school says no to the plan / d",
        "most of the fish of the lake are gone now / e",
    ];
    check(&pages, "the", false);
}

/// Lines of a made site: few words, so that lines have much in common, and words come again in one line.
fn any_line() -> impl Strategy<Value = String> {
    let word = |kind: &'static str| (0..7_u8).prop_map(move |n| format!("{kind}{n}"));
    let words = |kind, most| prop::collection::vec(word(kind), 1..most);
    let slot =
        prop::collection::vec(prop_oneof![word("s"), word("t"), word("1"), Just("of".to_owned())], 1..4);
    prop_oneof![
        2 => Just("menu of the site".to_owned()),
        2 => Just("all of the rights and wrongs are of the site of 1999".to_owned()),
        4 => slot.clone().prop_map(|slot| format!("said of {} by the", slot.join(" "))),
        2 => slot.clone().prop_map(|slot| format!("by {}", slot.join(" "))),
        2 => (word("2"), word("m")).prop_map(|(day, month)| format!("{day} {month} 2024")),
        2 => (slot.clone(), slot).prop_map(|(a, b)| format!("of {} of the {} of", a.join(" "), b.join(" "))),
        3 => words("w", 9).prop_map(|words| words.join(" ")),
        1 => words("of", 4).prop_map(|words| words.join(" of ")),
        1 => Just("x ".repeat(MAX_TOKENS).trim_end().to_owned()),
        1 => Just("x ".repeat(MAX_TOKENS + 1).trim_end().to_owned()),
    ]
}

/// A site's pages, and what is boilerplate on them in three rounds.
fn any_site() -> impl Strategy<Value = (Vec<Vec<String>>, Vec<Vec<Vec<bool>>>)> {
    let pages = prop::collection::vec(prop::collection::vec(any_line(), 0..7), 2..40);
    pages.prop_flat_map(|pages| {
        let marks: Vec<_> =
            pages.iter().map(|page| prop::collection::vec(prop::bool::weighted(0.3), page.len())).collect();
        let often = ["menu of the site", "all of the rights"];
        let steady: Vec<Vec<bool>> = pages
            .iter()
            .map(|page| page.iter().map(|line| often.iter().any(|o| line.starts_with(o))).collect())
            .collect();
        let rounds = prop::collection::vec(prop_oneof![3 => Just(steady), 1 => marks], 3);
        (Just(pages), rounds)
    })
}

/// Whether the search finds, round by round, what the plain one finds.
fn same_as_plain(pages: &[Vec<Vec<u64>>], rounds: &[Vec<Vec<bool>>]) -> usize {
    let pages: Vec<Vec<WordedParagraph>> =
        pages.iter().map(|page| page.iter().map(|p| worded(p)).collect()).collect();
    let mut search = FormSearch::new(&pages);
    let mut known = Forms::default();
    for marks in rounds {
        let expected = plain::extended(&known, &pages, marks, &TemplateSettings::default());
        assert_eq!(search.more(marks, &TemplateSettings::default()), expected);
        known = expected.unwrap_or(known);
    }
    known.of_key.len()
}

fn tokens(pages: &[Vec<String>]) -> Vec<Vec<Vec<u64>>> {
    let line = |line: &String| line.split(' ').map(token).collect();
    pages.iter().map(|page| page.iter().map(line).collect()).collect()
}

/// More pages in a spot than are drawn.
#[test]
fn many_pages_have_the_forms_that_the_plain_search_finds() {
    let drawn = |n: u64, most: u64| mix(n) % most;
    let page = |n: u64| {
        let title = format!("w{} of w{}", drawn(n, 900), drawn(n + 1, 900));
        let body =
            (0..drawn(n, 9) + 3).map(|i| format!("v{}", drawn(n * 16 + i, 60))).collect::<Vec<_>>().join(" ");
        let line =
            format!("said by s{} of t{} the {}", drawn(n + 2, 500), drawn(n + 3, 500), drawn(n + 4, 500));
        vec!["menu of the site".to_owned(), title, line, body]
    };
    let pages: Vec<Vec<String>> = (0..SAMPLE as u64 + 400).map(|n| page(n * 1000)).collect();
    let marks: Vec<Vec<bool>> = pages.iter().map(|_| vec![true, false, false, false]).collect();
    assert!(same_as_plain(&tokens(&pages), &[marks.clone(), marks]) > SAMPLE);
}

proptest! {
    /// Numbers, counting and all that is left out cost no form, and make none.
    #[test]
    fn the_plain_search_finds_the_same((pages, rounds) in any_site()) {
        same_as_plain(&tokens(&pages), &rounds);
    }

    /// Planted lines are found, and nothing else is, whatever the order of the pages.
    #[test]
    fn planted_forms_are_found(
        frame in prop::collection::vec(0_u32..1000, 4..9),
        slots in prop::collection::vec(prop::collection::vec(1000_u32..90_000, 1..4), 6..20),
        at in 1_usize..4,
        order in any::<u64>(),
    ) {
        let words = |numbers: &[u32]| -> Vec<String> { numbers.iter().map(|n| format!("w{n}")).collect() };
        let mut pages: Vec<String> = slots.iter().enumerate().map(|(i, slot)| {
            let line = [words(&frame[..at]), words(slot), words(&frame[at..])].concat().join(" ");
            format!("x{i} y{i} z{i} / v{i} u{i} / {line}")
        }).collect();
        let lines = |forms: &Forms, pages: &[String]| -> HashSet<ParagraphKey> {
            let last = |page: &String| page.rsplit(" / ").next().unwrap().split(' ').map(token).collect::<Vec<_>>();
            pages.iter().map(|page| forms.of(key(&last(page)))).collect()
        };
        let different: HashSet<&Vec<u32>> = slots.iter().collect();
        prop_assume!(different.len() > 1 && frame.iter().collect::<HashSet<_>>().len() == frame.len());
        let forms = forms_of(&pages).unwrap_or_default();
        prop_assert_eq!(lines(&forms, &pages).len(), 1);
        prop_assert!(forms.of_key.len() < different.len() + 1);
        let half = order as usize % pages.len();
        pages.rotate_left(half);
        prop_assert_eq!(forms_of(&pages), Some(forms));
    }
}
