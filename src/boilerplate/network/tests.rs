use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::voices::HEARD_OF_SITE;
use super::*;

/// Pages as (site, paragraphs). A word that begins with a digit is a number; a paragraph that begins with `!` is the
/// site's own template's.
struct Toy {
    pages: Vec<(u32, Vec<Line>)>,
}

struct Line {
    key: ParagraphKey,
    tokens: Vec<u64>,
    words: u32,
    bytes: usize,
    is_marked: bool,
}

impl Toy {
    fn new<S: AsRef<str>>(pages: &[(u32, Vec<S>)]) -> Toy {
        let page = |(site, lines): &(u32, Vec<S>)| {
            (*site, lines.iter().map(|line| Line::new(line.as_ref())).collect())
        };
        Toy { pages: pages.iter().map(page).collect() }
    }

    fn all(&self) -> Vec<u32> {
        (0..self.pages.len() as u32).collect()
    }

    fn len(&self, page: u32) -> u32 {
        self.pages[page as usize].1.len() as u32
    }

    fn paragraph(&self, page: u32, at: u32) -> &Line {
        &self.pages[page as usize].1[at as usize]
    }

    /// What the sites share; only pages that share a first choice with five sites walk.
    fn network(&self) -> Network {
        let mut sites: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
        let for_each = |page: u32, each: &mut dyn FnMut(u64)| choices_at_edge(&self.page(page), each);
        for page in self.all() {
            for_each(page, &mut |choice| {
                sites.entry(choice).or_default().insert(self.site(page));
            });
        }
        let mut walkers = self.all();
        walkers.retain(|&page| {
            let mut walks = false;
            for_each(page, &mut |choice| walks |= sites[&choice].len() >= MIN_SITES);
            walks
        });
        find(self, &self.all(), &walkers)
    }

    /// The marked paragraphs of each page.
    fn marks(&self, network: &Network) -> Vec<Vec<u32>> {
        let marked = |page: &u32| {
            (0..)
                .zip(network.mark(&self.page(*page)))
                .filter(|(_, mark)| mark.is_some())
                .map(|(at, _)| at)
                .collect()
        };
        self.all().iter().map(marked).collect()
    }
}

impl Line {
    fn new(text: &str) -> Line {
        let is_marked = text.starts_with('!');
        let text = text.trim_start_matches('!');
        let is_sign = |c: char| ('\u{4e00}'..'\u{9fff}').contains(&c);
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            if word.contains(is_sign) {
                words.extend(word.chars().map(String::from));
            } else {
                words.push(word.to_owned());
            }
        }
        let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        let hash = |text: &str| xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        let masked: Vec<&str> = words.iter().map(|word| if number(word) { "0" } else { word }).collect();
        Line {
            key: hash(&masked.join(" ")),
            tokens: words.iter().map(|word| hash(word) as u64).collect(),
            words: words.iter().filter(|word| !number(word)).count() as u32,
            bytes: text.len(),
            is_marked,
        }
    }
}

impl Crawl for Toy {
    fn site(&self, document: u32) -> u32 {
        self.pages[document as usize].0
    }

    fn rank(&self, document: u32) -> u128 {
        let keys = self.pages[document as usize].1.iter().flat_map(|line| line.key.to_le_bytes());
        xxhash_rust::xxh3::xxh3_128(&keys.collect::<Vec<u8>>())
    }

    fn page(&self, document: u32) -> CrawlPage {
        let mut page = CrawlPage::default();
        for line in &self.pages[document as usize].1 {
            let first = page.tokens.len() as u32;
            page.tokens.extend_from_slice(&line.tokens);
            let tokens = first..page.tokens.len() as u32;
            page.paragraphs.push(CrawlParagraph { key: line.key, tokens, is_marked: line.is_marked });
        }
        page
    }

    fn bytes(&self, document: u32) -> Vec<usize> {
        self.pages[document as usize].1.iter().map(|line| line.bytes).collect()
    }

    fn words(&self, document: u32, paragraph: u32) -> u32 {
        self.pages[document as usize].1[paragraph as usize].words
    }
}

/// 30 words that stand nowhere else.
fn story(number: usize) -> String {
    words(number, 30)
}

fn words(number: usize, count: usize) -> String {
    (0..count).map(|word| format!("w{number}x{word}")).collect::<Vec<_>>().join(" ")
}

const NOTICE: &str = "we use cookies on this site to count our guests and to sell their attention";
const LICENCE: &str = "this text may be printed anywhere under the licence named at the top";

/// One page on each of so many sites: a story of its own, then these paragraphs.
fn under_stories(sites: usize, tail: &[&str]) -> Vec<(u32, Vec<String>)> {
    let page = |site: usize| {
        let tail = tail.iter().map(|line| (*line).to_owned());
        (site as u32, std::iter::once(story(site)).chain(tail).collect())
    };
    (0..sites).map(page).collect()
}

#[track_caller] // a failure points at the row
fn check(pages: &[(u32, Vec<String>)], expected: &[&[u32]]) {
    let toy = Toy::new(pages);
    let network = toy.network();
    assert_eq!(toy.marks(&network), expected);
}

/// The same on every page.
#[track_caller]
fn check_each(pages: &[(u32, Vec<String>)], expected: &[u32]) {
    check(pages, &vec![expected; pages.len()]);
}

#[test]
fn five_sites_make_a_template_and_four_do_not() {
    check_each(&under_stories(5, &[NOTICE]), &[1]);
    check_each(&under_stories(4, &[NOTICE]), &[]);
    check_each(&under_stories(6, &["Close", NOTICE]), &[1, 2]);
    check_each(&under_stories(3, &[NOTICE]), &[]);
    check(&[], &[]);
    let mut two_pages_each = under_stories(8, &[NOTICE]);
    two_pages_each.iter_mut().for_each(|(site, _)| *site /= 2);
    check_each(&two_pages_each, &[]); // eight stories, but four sites
}

#[test]
fn a_head_run_is_a_header_and_a_tail_run_a_footer() {
    let mut pages = under_stories(5, &[LICENCE]);
    pages.iter_mut().for_each(|(_, lines)| lines.insert(0, NOTICE.to_owned()));
    check_each(&pages, &[0, 2]);
    let toy = Toy::new(&pages);
    let roles: Vec<Role> = toy.network().templates.iter().map(|template| template.role).collect();
    assert_eq!(roles, [Role::Header, Role::Footer]);
}

#[test]
fn what_the_other_edge_shares_makes_no_story() {
    let mut pages = under_stories(7, &[]);
    for (site, lines) in &mut pages {
        if *site < 5 {
            lines.push(LICENCE.to_owned());
        }
        if *site < 3 || *site > 4 {
            lines.insert(0, NOTICE.to_owned());
        }
    }
    check(&pages, &[&[0, 2], &[0, 2], &[0, 2], &[1], &[1], &[0], &[0]]);
}

#[test]
fn short_runs_and_numbers_are_none() {
    check_each(&under_stories(9, &["Share"]), &[]);
    check_each(&under_stories(9, &["All rights reserved"]), &[]);
    check_each(&under_stories(9, &["share print mail", "close", "top of the page now"]), &[1, 2, 3]);
    check_each(&under_stories(9, &["share print mail", "top of the page"]), &[]);
    check_each(&under_stories(9, &["1 2 3 4 5 6 7 8 9 10 11 12"]), &[]);
}

#[test]
fn a_story_on_many_sites_is_one_voice() {
    // The whole story, each time under another header; as long a header could be an article over a notice.
    let wire: Vec<String> = (100..106).map(story).collect();
    let under = |header: usize| -> Vec<(u32, Vec<String>)> {
        (0..8).map(|site| (site, [vec![words(site as usize, header)], wire.clone()].concat())).collect()
    };
    check_each(&under(120), &[]);
    check_each(&under(25), &[]);
    check_each(&under(400), &[]);
    // Told anew, with the same closing paragraphs: every third phrase of the heads is the agency's.
    let told_anew = |site: usize| -> String {
        (0..20).map(|i| format!("mayor{i} bridge{i} own{site}x{i}")).collect::<Vec<_>>().join(" ")
    };
    let pages: Vec<(u32, Vec<String>)> =
        (0..8).map(|site| (site, vec![told_anew(site as usize), story(50), LICENCE.to_owned()])).collect();
    check_each(&pages, &[]);
}

#[test]
fn sites_must_tell_stories_no_two_the_same() {
    let mut pages = under_stories(5, &[NOTICE]);
    pages[1].1[0] = format!("{} and more", story(0));
    check_each(&pages, &[]); // five sites, four stories
    pages.push((5, vec![story(9), NOTICE.to_owned()]));
    check_each(&pages, &[1]);
    // A site of two stories of which others have one may still name the other.
    let mut pages = under_stories(5, &[NOTICE]);
    pages[1].1[0] = story(0);
    pages.insert(2, (1, vec![story(7), NOTICE.to_owned()]));
    check_each(&pages, &[1]);
}

#[test]
fn what_joins_two_stories_may_be_a_third() {
    let mut pages = under_stories(6, &[NOTICE]);
    pages[2].1[0] = format!("{} {}", words(0, 15), words(1, 15));
    check_each(&pages, &[]);
}

#[test]
fn a_page_that_quotes_the_run_does_not_speak() {
    let mut pages = under_stories(5, &[NOTICE]);
    let quote: Vec<&str> = NOTICE.split(' ').take(5).collect();
    pages[3].1[0] = format!("{} {}", story(3), quote.join(" "));
    check_each(&pages, &[]);
    pages[3].1[0] = format!("{} {}", story(3), quote[..4].join(" "));
    check_each(&pages, &[1]);
}

#[test]
fn a_page_has_enough_of_its_own() {
    let long = words(90, 31);
    check_each(&under_stories(5, &[&long]), &[]); // 30 tokens over 31, and no second page
    let mut pages = under_stories(10, &[&long]);
    pages.iter_mut().for_each(|(site, _)| *site /= 2);
    check_each(&pages, &[1]);
    let longer = words(90, 121);
    let mut pages = under_stories(10, &[&longer]);
    pages.iter_mut().for_each(|(site, _)| *site /= 2);
    check_each(&pages, &[]); // more than four times as much
    let mut pages = under_stories(5, &[NOTICE]);
    pages.iter_mut().for_each(|(site, lines)| lines[0] = words(*site as usize, 19));
    check_each(&pages, &[]); // fewer than 20 tokens
    let long = words(90, 150);
    let mut pages = under_stories(5, &[&long]);
    pages.iter_mut().for_each(|(site, lines)| lines[0] = words(*site as usize, 200));
    check_each(&pages, &[1]);
    pages.iter_mut().for_each(|(_, lines)| lines[1] = words(90, 151));
    check_each(&pages, &[]); // more than a page that is alone is believed
    let menu = |site: u32| (0..4).map(move |line| words(10 * site as usize + line, 7)).collect::<Vec<_>>();
    let mut pages = under_stories(5, &[]);
    pages.iter_mut().for_each(|(site, lines)| *lines = [menu(*site), vec![NOTICE.to_owned()]].concat());
    check_each(&pages, &[]); // links of a menu are no voice
}

#[test]
fn furniture_of_a_site_is_not_its_own() {
    // Two copies of one story on each of six sites, each site under a header of its own.
    let page =
        |n: u32| (n / 2, vec![words(n as usize / 2, 60), words(40 + n as usize % 2, 60), NOTICE.to_owned()]);
    let pages: Vec<_> = (0..12).map(page).collect();
    check_each(&pages, &[]);
}

#[test]
fn a_page_says_more_of_its_own_than_stands_between_the_runs() {
    let page = |site: u32, own: usize| {
        let (own, more) = (words(site as usize, own - 25), words(10 + site as usize, 25));
        [(site, vec![own, words(90, 60), more, LICENCE.to_owned()]), (site, vec![story(20 + site as usize)])]
    };
    let pages = |own: usize| (0..5).flat_map(|site| page(site, own)).collect::<Vec<_>>();
    check_each(&pages(59), &[]);
    let marked: [&[u32]; 2] = [&[3], &[]];
    check(&pages(60), &marked.repeat(5));
}

#[test]
fn a_form_that_many_sites_have_makes_no_story() {
    let form = words(80, 20);
    let page = |n: usize| {
        let own = |part: usize| words(10 * n + part, 20);
        (n as u32, vec![own(1), own(2), form.clone(), own(3), own(4), NOTICE.to_owned()])
    };
    check_each(&(0..5).map(page).collect::<Vec<_>>(), &[5]);
}

#[test]
fn short_strangers_are_passed_and_never_marked() {
    let name = |site: usize| format!("house{site} street{site}");
    let with = |line: fn(usize) -> String| {
        let mut pages = under_stories(5, &[NOTICE]);
        pages.iter_mut().for_each(|(site, lines)| lines.push(line(*site as usize)));
        pages
    };
    check_each(&with(|site| format!("house{site} street{site}")), &[1]);
    check_each(&with(|site| words(20 + site, 20)), &[1]);
    check_each(&with(|site| words(20 + site, 21)), &[]);
    let mut pages = under_stories(5, &[LICENCE, NOTICE]);
    pages.iter_mut().for_each(|(site, lines)| lines.insert(2, name(*site as usize)));
    check_each(&pages, &[1, 3]); // in the middle
    let mut pages = with(|site| format!("a{site}"));
    for more in ["b", "c"] {
        pages.iter_mut().for_each(|(site, lines)| lines.push(format!("{more}{site}")));
    }
    check_each(&pages, &[1]);
    pages.iter_mut().for_each(|(site, lines)| lines.push(format!("d{site}")));
    check_each(&pages, &[]); // a fourth
}

#[test]
fn what_the_site_says_itself_is_passed_and_stays_its_own() {
    let mut pages = under_stories(5, &[NOTICE]);
    pages.iter_mut().for_each(|(site, lines)| lines.push(format!("!{}", words(60 + *site as usize, 40))));
    check_each(&pages, &[1]);
    pages[0].1[1] = format!("!{NOTICE}");
    check(&pages, &[&[], &[1], &[1], &[1], &[1]]);
}

#[test]
fn the_outer_part_of_a_run_is_a_template_too() {
    let mut pages = under_stories(5, &[NOTICE, LICENCE]);
    pages.push((9, vec![story(9), LICENCE.to_owned()]));
    pages.push((10, vec![story(10), NOTICE.to_owned()]));
    pages.push((11, vec![LICENCE.to_owned()]));
    check(&pages, &[&[1, 2], &[1, 2], &[1, 2], &[1, 2], &[1, 2], &[1], &[], &[0]]);
}

#[test]
fn one_run_in_two_places_is_one_template() {
    let mut pages = under_stories(15, &[NOTICE]);
    pages[..10].iter_mut().for_each(|(_, lines)| lines.push(LICENCE.to_owned()));
    pages[..5].iter_mut().for_each(|(_, lines)| lines[1] = words(80, 12)); // so that the licence is one by itself
    let toy = Toy::new(&pages);
    let network = toy.network();
    let of = |page: u32| network.mark(&toy.page(page))[1];
    assert!(of(5).is_some());
    assert_eq!(of(5), of(14));
    assert_ne!(of(5), of(0));
    assert_ne!(of(5), network.mark(&toy.page(5))[2]);
}

#[test]
fn a_branch_that_five_could_take_and_do_not_leads_nobody_away() {
    let page = |site: u32, story_number: usize, head: [&str; 2]| {
        (site, vec![head[0].to_owned(), head[1].to_owned(), story(story_number)])
    };
    let mut pages: Vec<_> = (0..4).map(|site| page(site, site as usize, [NOTICE, LICENCE])).collect();
    pages.push((4, vec![NOTICE.to_owned(), story(0)]));
    pages.push(page(5, 5, [LICENCE, NOTICE])); // the fifth story, if it is not led away by the licence
    check(&pages, &[&[0], &[0], &[0], &[0], &[0], &[1]]);
}

#[test]
fn signs_of_one_letter_are_no_words() {
    // Articles in a script of which a few signs make most of every text: pairs of signs are common to all.
    let article = |site: usize| -> String {
        let mut state = mix(site as u64);
        let mut sign = || {
            state = mix(state);
            char::from_u32(0x4e00 + (state >> 40) as u32 % 24).unwrap()
        };
        (0..200).map(|_| sign()).collect()
    };
    let page =
        |site: usize| (site as u32, vec![article(site), "了解我们如何使用您的数据请阅读声明".to_owned()]);
    check_each(&(0..6).map(page).collect::<Vec<_>>(), &[1]);
}

#[test]
fn many_sites_are_marked_though_few_are_heard() {
    let pages = under_stories(500, &["close", NOTICE]);
    check_each(&pages, &[1, 2]);
    let lines: Vec<String> = (0..200).map(|line| format!("entry number{line}")).collect();
    let page = |site: usize| (site as u32, [vec![words(site, 500)], lines.clone()].concat());
    let pages: Vec<_> = (0..5).map(page).collect();
    check_each(&pages, &(137..201).collect::<Vec<u32>>()); // a run is followed over 64 paragraphs
}

#[test]
fn recounting_hears_a_group_once() {
    let toy = Toy::new(&under_stories(6, &[NOTICE]));
    let network = toy.network();
    assert_eq!(toy.marks(&network.clone().recount(|page| page.min(4))), vec![vec![1]; 6]);
    assert_eq!(toy.marks(&network.recount(|page| page.min(3))), vec![Vec::<u32>::new(); 6]);
}

/// The rule, word by word, for pages of which all are heard. Gives the marked paragraphs of each page.
fn slowly(toy: &Toy) -> Vec<Vec<u32>> {
    let sides = [Side::Tail, Side::Head];
    let shared = sides.map(|side| shared_slowly(toy, side));
    let mut marks = vec![BTreeSet::new(); toy.pages.len()];
    for (s, side) in sides.into_iter().enumerate() {
        let templates = templates_slowly(toy, &shared[s], &shared[1 - s]);
        for page in toy.all() {
            let path = read_slowly(toy, page, side, |path| templates.contains(path));
            let words: u32 = path.iter().map(|&(_, at)| toy.words(page, at)).sum();
            let at = path.iter().map(|&(_, at)| at).filter(|&at| !toy.paragraph(page, at).is_marked);
            marks[page as usize].extend(at.filter(|_| words >= 8));
        }
    }
    marks.into_iter().map(|marks| marks.into_iter().collect()).collect()
}

/// By page: what it shares from this edge, as keys and places.
type SharedRuns = Vec<Vec<(ParagraphKey, u32)>>;

fn shared_slowly(toy: &Toy, side: Side) -> SharedRuns {
    let mut paths: BTreeSet<Vec<ParagraphKey>> = BTreeSet::from([Vec::new()]);
    loop {
        let longest = paths.iter().map(Vec::len).max().unwrap();
        let taken = |open: &dyn Fn(&[ParagraphKey]) -> bool| {
            let mut sites: BTreeMap<Vec<ParagraphKey>, BTreeSet<u32>> = BTreeMap::new();
            for page in toy.all() {
                let path = read_slowly(toy, page, side, |path| {
                    paths.contains(path) || (path.len() > longest && open(path))
                });
                let path: Vec<ParagraphKey> = path.iter().map(|&(key, _)| key).collect();
                if path.len() > longest {
                    sites.entry(path[..=longest].to_vec()).or_default().insert(toy.site(page));
                }
            }
            sites.retain(|_, sites| sites.len() >= 5);
            sites.into_keys().collect::<BTreeSet<_>>()
        };
        let mut could: BTreeMap<Vec<ParagraphKey>, BTreeSet<u32>> = BTreeMap::new();
        for page in toy.all() {
            let look = std::cell::RefCell::new(Vec::new());
            read_slowly(toy, page, side, |path| {
                if path.len() == longest + 1 {
                    look.borrow_mut().push(path.to_vec());
                }
                paths.contains(path)
            });
            for path in look.into_inner() {
                could.entry(path).or_default().insert(toy.site(page));
            }
        }
        let found =
            taken(&|path| path.len() == longest + 1 && could.get(path).is_some_and(|sites| sites.len() >= 5));
        if found.is_empty() {
            break;
        }
        paths.extend(found);
    }
    toy.all().into_iter().map(|page| read_slowly(toy, page, side, |path| paths.contains(path))).collect()
}

/// Reads a page from an edge, always on to the first paragraph that makes a path which `is_known`.
fn read_slowly(
    toy: &Toy,
    page: u32,
    side: Side,
    is_known: impl Fn(&[ParagraphKey]) -> bool,
) -> Vec<(ParagraphKey, u32)> {
    let mut places: Vec<u32> = (0..toy.len(page)).collect();
    if side == Side::Tail {
        places.reverse();
    }
    let (mut path, mut read) = (Vec::new(), Vec::new());
    let mut strangers: Vec<u32> = Vec::new();
    for at in places {
        let paragraph = toy.paragraph(page, at);
        path.push(paragraph.key);
        if is_known(&path) {
            read.push((paragraph.key, at));
            continue;
        }
        path.pop();
        if !paragraph.is_marked {
            strangers.push(paragraph.tokens.len() as u32);
        }
        if strangers.len() > 3 || strangers.iter().sum::<u32>() > 20 {
            break;
        }
    }
    read
}

/// The runs that are templates, outer parts among them, whatever their length.
fn templates_slowly(toy: &Toy, shared: &SharedRuns, other: &SharedRuns) -> BTreeSet<Vec<ParagraphKey>> {
    let keys = |run: &[(ParagraphKey, u32)]| run.iter().map(|&(key, _)| key).collect::<Vec<_>>();
    let mut templates = BTreeSet::new();
    let runs: BTreeSet<Vec<ParagraphKey>> =
        shared.iter().flat_map(|run| (1..=run.len()).map(|length| keys(&run[..length]))).collect();
    for run in runs {
        let length = run.len();
        let pages: Vec<u32> =
            toy.all().into_iter().filter(|&page| keys(&shared[page as usize]).starts_with(&run)).collect();
        let first = &shared[pages[0] as usize][..length];
        let words: u32 = first.iter().map(|&(_, at)| toy.words(pages[0], at)).sum();
        let next = |&page: &u32| shared[page as usize].get(length).map(|&(key, _)| key);
        let parts = pages.iter().map(next).collect::<BTreeSet<_>>().len() > 1 || next(&pages[0]).is_none();
        if words >= 8 && parts && five_stories_slowly(toy, &pages, shared, other, length) {
            templates.extend((1..=length).map(|length| run[..length].to_vec()));
        }
    }
    templates
}

fn five_stories_slowly(
    toy: &Toy,
    pages: &[u32],
    shared: &SharedRuns,
    other: &SharedRuns,
    length: usize,
) -> bool {
    let text = |page: u32, places: &[u32]| -> Vec<u64> {
        places.iter().flat_map(|&at| &toy.paragraph(page, at).tokens).copied().collect()
    };
    let sets =
        |tokens: &[u64], width: usize| tokens.windows(width).map(<[u64]>::to_vec).collect::<BTreeSet<_>>();
    let mut voices: Vec<(u32, BTreeSet<Vec<u64>>)> = Vec::new();
    for &page in pages {
        let run: BTreeSet<u32> = shared[page as usize][..length].iter().map(|&(_, at)| at).collect();
        let runs: BTreeSet<u32> =
            run.iter().copied().chain(other[page as usize].iter().map(|&(_, at)| at)).collect();
        let says =
            |page: u32, key: ParagraphKey| (0..toy.len(page)).any(|at| toy.paragraph(page, at).key == key);
        let siblings: Vec<u32> = toy
            .all()
            .into_iter()
            .filter(|&sibling| sibling != page && toy.site(sibling) == toy.site(page))
            .collect();
        let rest: Vec<u32> = (0..toy.len(page))
            .filter(|at| !runs.contains(at) && !toy.paragraph(page, *at).is_marked)
            .filter(|&at| !siblings.iter().any(|&sibling| says(sibling, toy.paragraph(page, at).key)))
            .collect();
        let is_common = |at: &u32| {
            let key = toy.paragraph(page, *at).key;
            let sites: BTreeSet<u32> =
                pages.iter().filter(|&&page| says(page, key)).map(|&page| toy.site(page)).collect();
            sites.len() >= 5
        };
        let (between, own): (Vec<u32>, Vec<u32>) = rest.into_iter().partition(is_common);
        let said: usize =
            own.iter().map(|&at| toy.paragraph(page, at).tokens.len()).filter(|&said| said >= 8).sum();
        let own = text(page, &own);
        let between = text(page, &between).len();
        let own_run = text(page, &run.iter().copied().collect::<Vec<_>>()).len();
        let runs = text(page, &runs.into_iter().collect::<Vec<_>>()).len();
        let enough = if siblings.is_empty() {
            own_run <= 150 && said >= runs + between
        } else {
            said * 4 >= runs && said >= between
        };
        let quoted = sets(&text(page, &run.into_iter().collect::<Vec<_>>()), 5);
        if said >= 20 && enough && sets(&own, 5).is_disjoint(&quoted) {
            voices.push((toy.site(page), sets(&own, 2)));
        }
    }
    let mut story: Vec<usize> = (0..voices.len()).collect();
    for _ in 0..voices.len() {
        for i in 0..voices.len() {
            for j in 0..voices.len() {
                let common = voices[i].1.intersection(&voices[j].1).count();
                if common >= 3 && common * 10 >= voices[i].1.len().min(voices[j].1.len()) {
                    story[i] = story[i].min(story[j]);
                }
            }
        }
    }
    let told: Vec<(u32, usize)> = voices.iter().map(|voice| voice.0).zip(story).collect();
    can_name(&told, &[], 5)
}

/// Whether so many more can be named of which no two have a site or a story in common.
fn can_name(told: &[(u32, usize)], named: &[(u32, usize)], more: usize) -> bool {
    more == 0
        || told.iter().enumerate().any(|(i, one)| {
            let free = named.iter().all(|other| other.0 != one.0 && other.1 != one.1);
            free && can_name(&told[i + 1..], &[named, &[*one]].concat(), more - 1)
        })
}

/// Pages of up to seven sites, out of a few stories, notices, short lines, forms and lines of their own.
fn crawls() -> impl Strategy<Value = Vec<(u32, Vec<String>)>> {
    let line = (0..24_usize, 0..40_usize).prop_map(|(kind, own)| match kind {
        0..=4 => NOTICE.to_owned(),
        5..=8 => LICENCE.to_owned(),
        9..=10 => "share print mail".to_owned(),
        11 => "top of the page now".to_owned(),
        12 => format!("page {own} of 9"),
        13..=14 => format!("line{own} of{own}"),
        15 => words(70, 12),
        16 => format!("!{}", words(71, 12)),
        17 => format!("!{NOTICE}"),
        18..=19 => words(72 + own % 3, 30),
        _ => words(100 + own, 12),
    });
    let edge = || prop::collection::vec(line.clone(), 0..4);
    let page = (0..7_u32, edge(), prop::collection::vec((0..12_usize, 25..60_usize), 1..3), edge()).prop_map(
        |(site, mut lines, stories, tail)| {
            lines.extend(stories.into_iter().map(|(story, length)| words(story, length)));
            lines.extend(tail);
            (site, lines)
        },
    );
    let frame = (edge(), edge());
    (frame, prop::collection::vec((page, 0..4_u8), 5..13)).prop_map(|((head, tail), pages)| {
        let framed = |((site, lines), frame): ((u32, Vec<String>), u8)| {
            let head = if frame % 2 == 0 { head.clone() } else { Vec::new() };
            let tail = if frame < 3 { tail.clone() } else { Vec::new() };
            (site, [head, lines, tail].concat())
        };
        let mut pages: Vec<(u32, Vec<String>)> = pages.into_iter().map(framed).collect();
        pages.sort();
        pages.dedup();
        let mut of_site = [0; 7];
        pages.retain(|(site, _)| {
            // all are heard
            of_site[*site as usize] += 1;
            of_site[*site as usize] <= HEARD_OF_SITE
        });
        pages
    })
}

/// All runs, as keys from the edge inwards.
fn runs_of(runs: &Runs) -> BTreeSet<Vec<ParagraphKey>> {
    let mut keys: Vec<Vec<ParagraphKey>> = Vec::new();
    for node in &runs.nodes {
        let outer = keys.get(node.parent as usize).cloned().unwrap_or_default();
        keys.push([outer, vec![node.key]].concat());
    }
    keys.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_fast_way_is_the_slow_way(pages in crawls()) {
        let toy = Toy::new(&pages);
        prop_assert_eq!(toy.marks(&toy.network()), slowly(&toy));
    }

    #[test]
    fn the_order_of_pages_and_sites_means_nothing(pages in crawls()) {
        let toy = Toy::new(&pages);
        let mut marked: Vec<_> = pages.iter().cloned().zip(toy.marks(&toy.network())).collect();
        let mut other: Vec<(u32, Vec<String>)> =
            pages.iter().map(|(site, lines)| (6 - site, lines.clone())).rev().collect();
        other.sort_by_key(|page| page.0);
        let toy = Toy::new(&other);
        let marks = toy.marks(&toy.network());
        let mut again: Vec<_> = other.into_iter().map(|(site, lines)| (6 - site, lines)).zip(marks).collect();
        marked.sort();
        again.sort();
        prop_assert_eq!(marked, again);
    }

    #[test]
    fn recounting_only_takes_away(pages in crawls(), groups in prop::collection::vec(0..9_u32, 13)) {
        let toy = Toy::new(&pages);
        let before = toy.network();
        let after = before.clone().recount(|page| groups[page as usize]);
        for (before, after) in [(&before.head, &after.head), (&before.tail, &after.tail)] {
            prop_assert!(runs_of(after).is_subset(&runs_of(before)));
        }
        let alone = before.clone().recount(|page| page);
        prop_assert_eq!(toy.marks(&alone), toy.marks(&before));
    }
}
