use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A letter is a paragraph: a small one has 30 tokens, a capital or a digit 1, a star none. 0 stands in tables of contents.
fn paragraph(letter: char) -> PageParagraph {
    let tokens = match letter {
        '*' => 0,
        'A'..='Z' | '0'..='9' => 1,
        _ => 30,
    };
    PageParagraph { listed: letter == '0', ..PageParagraph::without_sketch(letter_key(letter), tokens) }
}

/// Spread over all 128 bits, as hashes are.
fn letter_key(letter: char) -> ParagraphKey {
    let half = |salt: u64| u128::from(mix(u64::from(u32::from(letter)) ^ salt));
    half(1) << 64 | half(2)
}

fn page(letters: &str) -> Vec<PageParagraph> {
    letters.chars().map(paragraph).collect()
}

fn slices(pages: &[Vec<PageParagraph>]) -> Vec<Page<'_>> {
    pages.iter().map(|page| Page::without_sections(page)).collect()
}

fn mark(site: &SiteTemplates, page: &[PageParagraph]) -> Vec<Option<u32>> {
    site.mark(Page::without_sections(page))
}

fn found(pages: &[&str]) -> SiteTemplates {
    let pages: Vec<_> = pages.iter().map(|letters| page(letters)).collect();
    find(&slices(&pages), &TemplateSettings::default())
}

/// Templates as `role:letters:documents`, in their order.
fn told(templates: &SiteTemplates) -> Vec<String> {
    let letters: HashMap<ParagraphKey, char> = ('!'..='\u{17f}').map(|c| (letter_key(c), c)).collect();
    let tell = |template: &TemplateShape| {
        let text: String = template.paragraphs.iter().map(|paragraph| letters[&paragraph.key]).collect();
        format!("{:?}:{text}:{}", template.role, template.documents)
            .to_lowercase()
            .replace(&text.to_lowercase(), &text)
    };
    templates.templates.iter().map(tell).collect()
}

#[track_caller]
fn check(pages: &[&str], expected: &[&str]) {
    assert_eq!(told(&found(pages)), expected, "templates of {pages:?}");
}

#[test]
fn head_and_tail_runs_are_templates() {
    check(&["habf", "hcdf", "hegf"], &["header:h:3", "footer:f:3"]);
    check(&["abxyz", "cdxyz", "eixyz", "gkl"], &["footer:xyz:3"]);
    check(&["hiab", "hicd", "hie"], &["header:hi:3"]);
    check(&["a*", "b*", "c*"], &["footer:*:3"]); // a line of stars
    check(&["ab", "cd", "eg"], &[]);
    check(&[], &[]);
    check(&["", "", "", ""], &[]);
}

#[test]
fn fewer_than_three_different_pages_have_no_template() {
    check(&["habf", "hcdf"], &[]);
    check(&["habf", "habf", "hcdf", "hcdf"], &[]); // two pages, twice each
    check(&["habf", "hcdf", "eg"], &[]);
    check(&["habf", "hcdf", "hegf", "hegf"], &["header:h:4", "footer:f:4"]); // all pages are counted
}

#[test]
fn a_title_may_stand_above_the_header_and_a_date_below_the_footer() {
    check(&["1hiabf2", "3hicdf4", "5hiegf6"], &["header:hi:3", "footer:f:3"]);
}

#[test]
fn the_close_button_and_the_notice_are_one_template() {
    let articles: Vec<String> = (0..12)
        .map(|i| {
            let body: String = (0..5).map(|j| char::from_u32(0xc0 + 5 * i + j).unwrap()).collect();
            format!("{body}Xpqrs")
        })
        .collect();
    let mut pages: Vec<&str> = articles.iter().map(String::as_str).collect();
    check(&pages, &["footer:Xpqrs:12"]);
    pages.push("Xpqrs"); // no evidence, but marked by that of the others
    check(&pages, &["footer:Xpqrs:13"]);
    assert_eq!(mark(&found(&pages), &page("Xpqrs")), [Some(0); 5]);
}

#[test]
fn a_page_that_is_nothing_but_one_repeated_text_is_no_evidence() {
    check(&["pqrs", "pqrs", "pqrs", "pqrs"], &[]);
    check(&["pqrs", "pqr", "pq", "rs", "qrs", "pqs"], &[]);
}

#[test]
fn what_repeats_lawfully_is_no_template() {
    // Headings between paragraphs that differ: "Syntax" (S), "Description" (D).
    check(&["haSbcDdef", "hgSjkDlmnf", "hoSpqDrstf", "huSvwDxyzf"], &["header:h:4", "footer:f:4"]);
    // After a title of one word, too.
    check(&["h1SbcDdef", "h2SjkDlmnf", "h3SpqDrstf"], &["header:h:3", "footer:f:3"]);
    // A refrain.
    check(&["haabrcdreif", "hjkrlmrnf", "hoprqsrtf"], &["header:h:3", "footer:f:3"]);
}

#[test]
fn what_stands_together_in_the_body_is_an_inline_template() {
    check(&["abcdxyzegijk", "lmnoxyzpqrst", "uvw1xyzàáâãä"], &["inline:xyz:3"]);
    check(&["abcdefgxyi", "lmnopqrxyt", "uvw1áâãxyä"], &["inline:xy:3"]); // near the end, two will do
    check(&["abcdxyegijk", "lmnoxypqrst", "uvwzxyàáâãä"], &[]); // the head of a section and that of its table
    check(&["abcdxegij", "lmnoxpqrs", "uvwzxàáâã"], &[]); // alone, it may be a heading
}

#[test]
fn a_breadcrumb_beside_the_header_is_a_guest() {
    let mut pages: Vec<String> =
        (0..60).map(|i| format!("h{}{}f", letter(2 * i), letter(2 * i + 1))).collect();
    // On 4 of 60 pages: no anchor.
    for (i, page) in pages.iter_mut().enumerate().take(4) {
        *page = format!("hB{}{}f", letter(2 * i as u32), letter(2 * i as u32 + 1));
    }
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    check(&pages, &["header:h:60", "footer:f:60", "header:B:4"]);
}

fn letter(i: u32) -> char {
    char::from_u32(0xc0 + i).unwrap()
}

#[test]
fn a_bar_above_and_below_the_text_does_not_join_header_and_footer() {
    check(&["mhabfm", "mhcdfm", "mhegfm", "mhjkfm"], &["header:mh:4", "footer:f:4"]);
    let site = found(&["mhabfm", "mhcdfm", "mhegfm", "mhjkfm"]);
    assert_eq!(mark(&site, &page("mhnofm")), [Some(0), Some(0), None, None, Some(1), Some(0)]);
}

#[test]
fn an_optional_paragraph_does_not_part_a_template() {
    check(
        &["abpqr", "cdpqr", "egpqr", "ijpr", "klpr"], // q on 3 of 5 pages
        &["footer:pqr:5"],
    );
}

#[track_caller]
fn check_mark(letters: &str, expected: &str) {
    let site = found(&["hiabvwf", "hicdvwf", "hiegvwf", "hijkvwf"]);
    assert_eq!(told(&site), ["header:hi:4", "footer:vwf:4"], "the site");
    let marks: String =
        mark(&site, &page(letters)).iter().map(|mark| if mark.is_some() { '#' } else { '.' }).collect();
    assert_eq!(marks, expected, "marks of {letters}");
}

#[test]
fn a_page_is_marked_by_where_its_paragraphs_stand() {
    check_mark("hilmvwf", "##..###");
    check_mark("hilminop", "##......"); // a second "i", in the body: as text
    check_mark("lmvnopqrs", "..#......"); // its only "v": the template's, wherever it stands
    check_mark("hivwf", "#####");
    check_mark("lmno", "....");
    check_mark("", "");
}

/// A text of `words` words drawn from `seed`.
fn words(seed: u64, words: usize) -> Vec<u64> {
    (0..words as u64).map(|i| mix(seed.wrapping_mul(1000) + i)).collect()
}

fn said(words: &[u64]) -> PageParagraph {
    let half = |salt: u64| u128::from(words.iter().fold(salt, |hash, &word| mix(hash ^ word)));
    PageParagraph {
        key: half(1) << 64 | half(2),
        sketch: sketch(words),
        tokens: words.len() as u32,
        listed: false,
    }
}

/// `copies` near-copies of one article of 8 paragraphs among pages with articles of their own, 100 in all,
/// under a header of 2 and over a footer of 3 paragraphs. `edit` makes a copy.
#[track_caller]
fn check_copies(copies: u64, edit: impl Fn(u64, &mut Vec<Vec<u64>>)) {
    let article =
        |seed: u64| -> Vec<Vec<u64>> { (0..8).map(|i| words(seed * 8 + i, 25 + 3 * i as usize)).collect() };
    let pages: Vec<Vec<PageParagraph>> = (0..100)
        .map(|i| {
            let mut text = article(if i < copies { 1 } else { 100 + i });
            if i < copies {
                edit(i, &mut text);
            }
            let frame =
                |seeds: std::ops::Range<u64>| seeds.map(|seed| words(5000 + seed, 3 + 4 * seed as usize));
            let all: Vec<Vec<u64>> = frame(0..2).chain(text).chain(frame(2..5)).collect();
            all.iter().map(|words| said(words)).collect()
        })
        .collect();
    let site = find(&slices(&pages), &TemplateSettings::default());
    let shapes: Vec<_> = site.templates.iter().map(|t| (t.role, t.paragraphs.len(), t.documents)).collect();
    assert_eq!(shapes, [(Role::Header, 2, 100), (Role::Footer, 3, 100)]);
}

#[test]
fn copies_of_one_article_make_no_template() {
    let date = |i: u64, text: &mut Vec<Vec<u64>>| text.insert(0, words(9000 + i, 4));
    let word = |i: u64, text: &mut Vec<Vec<u64>>| text[i as usize % 8][i as usize % 25] = i;
    let same_place = |i: u64, text: &mut Vec<Vec<u64>>| text[3][12] = i;
    let first_words = |i: u64, text: &mut Vec<Vec<u64>>| text[0][..2].copy_from_slice(&[i, i + 1]);
    let sentence = |i: u64, text: &mut Vec<Vec<u64>>| text.insert(4, words(9000 + i, 12));
    for copies in [10, 16, 40, 49] {
        check_copies(copies, date);
        check_copies(copies, word);
        check_copies(copies, same_place);
        check_copies(copies, first_words);
        check_copies(copies, sentence);
    }
    check_copies(80, date);
    check_copies(80, same_place);
}

#[test]
fn short_articles_under_a_long_footer_have_a_footer() {
    let footer: Vec<PageParagraph> = (0..10).map(|seed| said(&words(seed, 40))).collect();
    let pages: Vec<Vec<PageParagraph>> = (0..12)
        .map(|i| std::iter::once(said(&words(100 + i, 9))).chain(footer.iter().copied()).collect())
        .collect();
    let site = find(&slices(&pages), &TemplateSettings::default());
    let shapes: Vec<_> = site.templates.iter().map(|t| (t.role, t.paragraphs.len(), t.documents)).collect();
    assert_eq!(shapes, [(Role::Footer, 10, 12)]);
}

#[test]
fn recount_counts_each_group_once() {
    // Five pages under one header; three of them are versions of one article that begin and end alike.
    let pages: Vec<_> =
        ["hijabq", "hijcdq", "hijegq", "hlmf", "hnof"].iter().map(|letters| page(letters)).collect();
    let pages = slices(&pages);
    let settings = TemplateSettings::default();
    let site = find(&pages, &settings);
    assert_eq!(told(&site), ["header:hij:5", "footer:q:3"]);
    let again = site.recount(&pages, &[0, 0, 0, 1, 2], &settings);
    assert_eq!(told(&again), ["header:h:5"]);
    assert_eq!(told(&site.recount(&pages, &[0, 1, 2, 3, 4], &settings)), told(&site));
    assert_eq!(told(&site.recount(&pages, &[0, 0, 0, 1, 1], &settings)), Vec::<String>::new());
    assert_eq!(told(&site.recount(&pages, &[], &settings)), Vec::<String>::new());
}

#[test]
fn near_forms_share_a_part_of_their_sketches() {
    let shares = |a: &[u64], b: &[u64]| sketch(a).iter().zip(sketch(b)).any(|(&a, b)| a == b);
    let edited = |seed: u64| {
        let mut edited = words(seed, 40);
        edited[seed as usize % 40] = 7;
        edited
    };
    let lost = (0..1000).filter(|&seed| !shares(&words(seed, 40), &edited(seed))).count();
    assert!(lost <= 10, "{lost} of 1000 near forms share nothing"); // 3 expected
    let confused = (0..1000).filter(|&seed| shares(&words(seed, 40), &words(seed + 1000, 40))).count();
    assert_eq!(confused, 0);
    assert_eq!(sketch(&[]), [u32::MAX; 5]);
    assert_ne!(sketch(&[1, 2]), sketch(&[2, 1]));
}

#[test]
fn counts_round_up_to_whole_pages() {
    let settings = TemplateSettings::default();
    let pages = |percent, of| settings.pages(percent, of);
    assert_eq!([pages(15, 100), pages(15, 101), pages(15, 20), pages(15, 0)], [15, 16, 3, 3]);
    assert_eq!(pages(100, u32::MAX), u32::MAX);
    assert!(reaches(1, 50, 2) && !reaches(1, 51, 2) && reaches(0, 50, 0));
}

/// The rule again, as plainly as it can be said: sets, no numbering, every count from scratch.
mod slow {
    use super::*;

    type Page = Vec<PageParagraph>;

    /// A page with the sections it belongs to.
    pub type Placed = (Page, Vec<SectionId>);

    /// What a unit accepts.
    #[derive(Default)]
    struct Unit {
        accepted: BTreeMap<ParagraphKey, (Standing, u32)>,
        bonds: BTreeSet<(ParagraphKey, ParagraphKey)>,
    }

    /// The reported paragraphs with their documents, and the marks of each page.
    pub fn find(
        pages: &[Placed],
        settings: &TemplateSettings,
    ) -> (BTreeMap<ParagraphKey, u32>, Vec<Vec<bool>>) {
        let mut different: Vec<Placed> = Vec::new();
        let mut by_sections = pages.to_vec();
        by_sections.sort_by_key(|page| page.1.clone());
        for page in by_sections {
            if !different.iter().any(|other| keys(&other.0) == keys(&page.0)) {
                different.push(page);
            }
        }
        let judged = |of: &[&Placed], settings: &TemplateSettings| {
            let pages: Vec<Page> = of.iter().map(|page| page.0.clone()).collect();
            unit(&pages, settings)
        };
        let site = judged(&different.iter().collect::<Vec<_>>(), settings);
        let mut sections: BTreeMap<SectionId, Unit> = BTreeMap::new();
        for section in different.iter().flat_map(|page| page.1.clone()).collect::<BTreeSet<_>>() {
            let of: Vec<&Placed> = different.iter().filter(|page| page.1.contains(&section)).collect();
            if of.len() >= settings.section_pages as usize && of.len() < different.len() {
                sections.insert(section, judged(&of, &settings.of_sections()));
            }
        }
        let own = |page: &Placed| -> Vec<&Unit> {
            std::iter::once(&site).chain(page.1.iter().filter_map(|section| sections.get(section))).collect()
        };
        let mut hub_pages: BTreeMap<(usize, ParagraphKey), Vec<usize>> = BTreeMap::new();
        for (number, page) in different.iter().enumerate() {
            for hub in ends(&page.0) {
                if !own(page).iter().any(|unit| unit.accepted.contains_key(&hub.1)) {
                    hub_pages.entry(hub).or_default().push(number);
                }
            }
        }
        let mut order: Vec<_> = hub_pages.into_iter().collect();
        order.sort_by_key(|(hub, pages)| (std::cmp::Reverse(pages.len()), *hub));
        let mut hubs: BTreeMap<(usize, ParagraphKey), Unit> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (hub, numbers) in order {
            let enough = settings.section_pages.max(settings.pages(1, different.len() as u32));
            if numbers.len() < enough as usize || !seen.insert(numbers.clone()) {
                continue;
            }
            let of: Vec<&Placed> = numbers.iter().map(|&number| &different[number]).collect();
            let found = judged(&of, &settings.of_hubs());
            let others = found.accepted.iter().filter(|(key, is)| **key != hub.1 && is.0 == Standing::Anchor);
            if others.count() >= 2 {
                hubs.insert(hub, found);
            }
        }
        let units = |page: &Placed| -> Vec<&Unit> {
            own(page).into_iter().chain(ends(&page.0).iter().filter_map(|hub| hubs.get(hub))).collect()
        };
        let marks_of = |page: &Placed| marks(&page.0, &units(page), settings);
        let documents = |pages: &[Placed], key| {
            let marked = |page: &&Placed| {
                marks_of(page).iter().zip(page.0.iter()).any(|(&mark, p)| mark && p.key == key)
            };
            pages.iter().filter(marked).count() as u32
        };
        let reported: BTreeMap<ParagraphKey, u32> = different
            .iter()
            .flat_map(|page| keys(&page.0))
            .filter(|&key| documents(&different, key) >= settings.min_documents)
            .map(|key| (key, documents(pages, key)))
            .collect();
        let told = |page: &Placed| {
            let told = |(mark, p): (bool, &PageParagraph)| mark && reported.contains_key(&p.key);
            marks_of(page).into_iter().zip(&page.0).map(told).collect()
        };
        let all = pages.iter().map(told).collect();
        (reported, all)
    }

    /// The first two and the last two paragraphs, with their end.
    fn ends(page: &Page) -> BTreeSet<(usize, ParagraphKey)> {
        let head = page.iter().take(2).map(|p| (0, p.key));
        head.chain(page.iter().rev().take(2).map(|p| (1, p.key))).collect()
    }

    fn marks(page: &Page, units: &[&Unit], settings: &TemplateSettings) -> Vec<bool> {
        let mut standing: BTreeMap<ParagraphKey, Standing> = BTreeMap::new();
        let mut usual: BTreeMap<ParagraphKey, u32> = BTreeMap::new();
        for (&key, &(is, times)) in units.iter().flat_map(|unit| &unit.accepted) {
            let known = standing.entry(key).or_insert(is);
            *known = is.max(*known);
            let known = usual.entry(key).or_insert(times);
            *known = times.max(*known);
        }
        let bonded = |a, b| units.iter().any(|unit| unit.bonds.contains(&(a, b)));
        let supported = supported(page, &standing, &bonded, true, settings);
        (0..page.len())
            .map(|i| {
                let here = keys(page).iter().filter(|&&other| other == page[i].key).count() as u32;
                usual.get(&page[i].key).is_some_and(|&usual| supported[i] || here <= usual)
            })
            .collect()
    }

    fn unit(different: &[Page], settings: &TemplateSettings) -> Unit {
        let mut speaking = different.to_vec();
        for _ in 0..8 {
            let many = settings.pages(settings.edge_percent, speaking.len() as u32);
            let now: Vec<Page> =
                different.iter().filter(|page| voice(page, different, many, settings) > 0).cloned().collect();
            if now.len() == speaking.len() {
                return judge(different, &now, many, settings);
            }
            speaking = now;
        }
        unreachable!("small sites settle")
    }

    fn judge(different: &[Page], speaking: &[Page], many: u32, settings: &TemplateSettings) -> Unit {
        if (speaking.len() as u32) < settings.min_documents {
            return Unit::default();
        }
        let n = speaking.len() as u32;
        let full: Vec<&Page> =
            speaking.iter().filter(|page| voice(page, different, many, settings) == 2).collect();
        let fresh: Vec<&Page> = full
            .iter()
            .copied()
            .filter(|page| voice(page, different, settings.min_documents, settings) == 2)
            .collect();
        let on = |pages: &[&Page], key| pages.iter().filter(|page| keys(page).contains(&key)).count() as u32;
        let all: Vec<&Page> = speaking.iter().collect();
        let stands = |key, percent| {
            on(&full, key) >= settings.pages(percent, n)
                || on(&all, key) >= settings.pages(settings.majority_percent, n)
        };
        let tokens_of =
            |key| speaking.iter().flatten().find(|p| p.key == key).map_or(0, |paragraph| paragraph.tokens);
        let mut standing: BTreeMap<ParagraphKey, Standing> = BTreeMap::new();
        for key in speaking.iter().flat_map(|page| keys(page)) {
            let is = if stands(key, settings.edge_percent) {
                Standing::Anchor
            } else if on(&fresh, key) >= settings.pages(settings.guest_percent, n)
                && tokens_of(key) <= settings.patience_tokens
            {
                Standing::Guest
            } else {
                Standing::Stranger
            };
            standing.insert(key, is);
        }
        let occurrences =
            |key| speaking.iter().flat_map(|page| keys(page)).filter(|&other| other == key).count() as u32;
        let inline = |key| stands(key, settings.inline_percent) && stands(key, settings.edge_percent);
        let near = |a, b| {
            let times = speaking
                .iter()
                .flat_map(|page| keys(page).windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>());
            let times = times.filter(|&pair| pair == (a, b)).count() as u32;
            inline(a)
                && inline(b)
                && times > 0
                && reaches(times, settings.bond_percent, occurrences(a).max(occurrences(b)))
        };
        let all_keys: BTreeSet<ParagraphKey> = speaking.iter().flat_map(|page| keys(page)).collect();
        let first = standing.clone();
        let outer = |a, b| {
            let (mut times, mut near_an_end) = (0, 0);
            for page in speaking {
                let own = |range: &[PageParagraph]| -> u32 {
                    range.iter().filter(|p| first[&p.key] == Standing::Stranger).map(|p| p.tokens).sum()
                };
                for i in 0..page.len().saturating_sub(1) {
                    if (page[i].key, page[i + 1].key) == (a, b) {
                        times += 1;
                        let beyond = own(&page[..=i]).min(own(&page[i + 1..]));
                        near_an_end += u32::from(beyond * 100 <= settings.pair_percent * own(page));
                    }
                }
            }
            2 * near_an_end >= times
        };
        let bonded = |a, b| {
            let third = || all_keys.iter().any(|&third| near(third, a) || near(b, third));
            near(a, b) && (third() || outer(a, b))
        };
        for _ in 0..16 {
            let before = standing.clone();
            for (&key, is) in &mut standing {
                let supported = speaking
                    .iter()
                    .map(|page| {
                        let supported = supported(page, &before, &bonded, false, settings);
                        (0..page.len()).filter(|&i| page[i].key == key && supported[i]).count() as u32
                    })
                    .sum();
                if supported == 0 || !reaches(supported, settings.support_percent, occurrences(key)) {
                    *is = Standing::Stranger;
                }
            }
        }
        let is_anchor = |p: Option<&PageParagraph>| p.is_some_and(|p| standing[&p.key] == Standing::Anchor);
        let is_phrase = |key| {
            let beside = |page: &&Page| {
                let at = |i: usize| {
                    page[i].key == key
                        && (is_anchor(page.get(i + 1)) || (i > 0 && is_anchor(page.get(i - 1))))
                };
                (0..page.len()).any(at)
            };
            let on_pages = speaking.iter().filter(beside).count() as u32;
            tokens_of(key) >= settings.phrase_tokens
                && on(&full, key) >= settings.pages(settings.phrase_percent, n)
                && on_pages > 0
                && reaches(on_pages, settings.support_percent, on(&all, key))
        };
        let mut unit = Unit::default();
        for &key in &all_keys {
            let usual = (occurrences(key) / on(&all, key)).max(1);
            if standing[&key] > Standing::Stranger {
                unit.accepted.insert(key, (standing[&key], usual));
            } else if is_phrase(key) {
                unit.accepted.insert(key, (Standing::Guest, u32::MAX));
            }
        }
        for (&a, &b) in all_keys.iter().flat_map(|a| all_keys.iter().map(move |b| (a, b))) {
            if unit.accepted.contains_key(&a) && unit.accepted.contains_key(&b) && bonded(a, b) {
                unit.bonds.insert((a, b));
            }
        }
        unit
    }

    /// 0 silent, 1 thin, 2 full.
    fn voice(page: &Page, different: &[Page], many: u32, settings: &TemplateSettings) -> u32 {
        let common = |paragraph: &PageParagraph| {
            let on = |like: &dyn Fn(&PageParagraph) -> bool| {
                different.iter().filter(|page| page.iter().any(like)).count() as u32
            };
            on(&|other| other.key == paragraph.key) >= many
                || SKETCH_PAIRS
                    .iter()
                    .any(|&pair| on(&|other| other.sketch_pair(pair) == paragraph.sketch_pair(pair)) >= many)
        };
        let all: u32 = page.iter().map(|paragraph| paragraph.tokens).sum();
        let own: BTreeMap<ParagraphKey, u32> =
            page.iter().filter(|paragraph| !common(paragraph)).map(|p| (p.key, p.tokens)).collect();
        let own: u32 = own.values().sum();
        if own > 0 && all < settings.short_page_tokens {
            2
        } else if own < settings.own_tokens {
            0
        } else {
            1 + u32::from(own >= settings.full_tokens && own * 100 >= settings.own_percent * all)
        }
    }

    /// By the definition of a run: from a start (the page's edge, or beside an inline run) to a place where
    /// the balance of anchors and strangers is higher than at any place before, never having sunk by more
    /// than the patience.
    fn supported(
        page: &Page,
        standing: &BTreeMap<ParagraphKey, Standing>,
        bonded: &dyn Fn(ParagraphKey, ParagraphKey) -> bool,
        proven: bool,
        settings: &TemplateSettings,
    ) -> Vec<bool> {
        let is = |i: usize| standing.get(&page[i].key).copied().unwrap_or(Standing::Stranger);
        let anchor = |i: usize| is(i) == Standing::Anchor;
        let bond = |i: usize, j: usize| anchor(i) && anchor(j) && bonded(page[i].key, page[j].key);
        let n = page.len();
        let inline: Vec<bool> =
            (0..n).map(|i| (i + 1 < n && bond(i, i + 1)) || (i > 0 && bond(i - 1, i))).collect();
        let mut covered = inline.clone();
        for up in [false, true] {
            let order: Vec<usize> = if up { (0..n).rev().collect() } else { (0..n).collect() };
            for start in 0..n {
                if start > 0 && !inline[order[start - 1]] {
                    continue;
                }
                let stretch: Vec<usize> =
                    order[start..].iter().copied().take_while(|&i| !inline[i]).collect();
                let balance = |end: usize| -> i64 {
                    let (mut balance, mut highest) = (0, 0);
                    for &i in &stretch[..end] {
                        let beside = (i > 0 && anchor(i - 1)) || (i + 1 < n && anchor(i + 1));
                        balance += match is(i) {
                            Standing::Anchor
                                if !proven && balance < highest && page[i].tokens < 3 && !beside =>
                            {
                                0
                            }
                            Standing::Anchor => 2 * i64::from(page[i].tokens.max(1)),
                            Standing::Guest => 0,
                            Standing::Stranger if page[i].listed => 0,
                            Standing::Stranger => -i64::from(page[i].tokens.max(2)),
                        };
                        highest = highest.max(balance);
                    }
                    balance
                };
                for end in 1..=stretch.len() {
                    let highest = |before: usize| (0..=before).map(balance).max().unwrap();
                    if (1..end).any(|i| highest(i) - balance(i) > i64::from(settings.patience_tokens)) {
                        break;
                    }
                    if balance(end) > highest(end - 1) {
                        for &i in &stretch[..end] {
                            covered[i] |= anchor(i);
                        }
                    }
                }
            }
        }
        let beside = |i: usize| (i > 0 && covered[i - 1]) || (i + 1 < n && covered[i + 1]);
        (0..n).map(|i| covered[i] || (is(i) == Standing::Guest && beside(i))).collect()
    }
}

/// Sites whose pages are drawn from a frame and a few letters: runs, gaps, refrains, copies.
fn sites() -> impl Strategy<Value = Vec<Vec<PageParagraph>>> {
    let frame = prop::sample::select(vec!["", "h", "hi", "hiJ", "Hb"]);
    let tail = prop::sample::select(vec!["", "f", "vwf", "vf", "Xp", "F"]);
    let body = "[a-eA-C0-2h-ju-w*À-ž]{0,8}";
    let middle = prop::sample::select(vec!["", "", "xy", "S", "xyz"]);
    let page = (frame, body, middle, body, tail)
        .prop_map(|(head, a, middle, b, tail)| page(&format!("{head}{a}{middle}{b}{tail}")));
    prop::collection::vec(page, 0..14)
}

/// With the sections of each page.
fn placed_sites() -> impl Strategy<Value = Vec<slow::Placed>> {
    let sections = || prop::sample::subsequence(vec![1_u64, 2, 3], 0..3);
    sites().prop_flat_map(move |pages| {
        let sections = prop::collection::vec(sections(), pages.len());
        (Just(pages), sections).prop_map(|(pages, sections)| pages.into_iter().zip(sections).collect())
    })
}

fn placed(pages: &[slow::Placed]) -> Vec<Page<'_>> {
    pages.iter().map(|(paragraphs, sections)| Page { paragraphs, sections }).collect()
}

fn shuffled_sites() -> impl Strategy<Value = (Vec<slow::Placed>, Vec<slow::Placed>)> {
    placed_sites().prop_flat_map(|pages| (Just(pages.clone()), Just(pages).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))] // the slow rule is slow

    #[test]
    fn agrees_with_the_slow_rule(pages in placed_sites()) {
        let settings = TemplateSettings::default();
        let site = find(&placed(&pages), &settings);
        let (reported, marks) = slow::find(&pages, &settings);
        let told: BTreeMap<ParagraphKey, u32> =
            site.templates.iter().flat_map(|t| &t.paragraphs).map(|p| (p.key, p.documents)).collect();
        prop_assert_eq!(told, reported);
        for (page, expected) in placed(&pages).into_iter().zip(marks) {
            let marked: Vec<bool> = site.mark(page).iter().map(Option::is_some).collect();
            prop_assert_eq!(marked, expected);
        }
    }

}

proptest! {
    #[test]
    fn the_order_of_pages_does_not_matter((pages, shuffled) in shuffled_sites()) {
        let settings = TemplateSettings::default();
        prop_assert_eq!(find(&placed(&pages), &settings), find(&placed(&shuffled), &settings));
    }

    #[test]
    fn recount_only_takes_out((pages, groups) in placed_sites().prop_flat_map(|pages| {
        let groups = prop::collection::vec(0_u32..6, pages.len());
        (Just(pages), groups)
    })) {
        let settings = TemplateSettings::default();
        let site = find(&placed(&pages), &settings);
        let again = site.recount(&placed(&pages), &groups, &settings);
        for page in placed(&pages) {
            for (before, after) in site.mark(page).iter().zip(again.mark(page)) {
                prop_assert!(before.is_some() || after.is_none());
            }
        }
        let each_alone: Vec<u32> = (0..pages.len() as u32).collect();
        prop_assert_eq!(site.recount(&placed(&pages), &each_alone, &settings), site);
    }

    #[test]
    fn counts_are_those_of_the_marks(pages in sites()) {
        let site = find(&slices(&pages), &TemplateSettings::default());
        let mut previous = u32::MAX;
        for (index, template) in site.templates.iter().enumerate() {
            let on = |page: &&Vec<PageParagraph>| mark(&site, page).contains(&Some(index as u32));
            prop_assert_eq!(pages.iter().filter(on).count() as u32, template.documents);
            prop_assert!(template.documents <= previous);
            previous = template.documents;
            for paragraph in &template.paragraphs {
                let holds = |page: &Vec<PageParagraph>| {
                    mark(&site, page).iter().zip(page).any(|(mark, p)| mark.is_some() && p.key == paragraph.key)
                };
                let keys = |page: &Vec<PageParagraph>| page.iter().map(|p| p.key).collect();
                let different: BTreeSet<Vec<ParagraphKey>> =
                    pages.iter().filter(|page| holds(page)).map(keys).collect();
                prop_assert!(different.len() >= 3, "a template on {} pages", different.len());
                prop_assert_eq!(pages.iter().filter(|page| holds(page)).count() as u32, paragraph.documents);
            }
        }
        prop_assert!(pages.len() >= 3 || site.templates.is_empty());
    }
}
