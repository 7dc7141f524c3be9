use std::collections::HashMap;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::shingle::token_hash;
use crate::text::{token_spans, tokens};

/// Finds the slots of these texts, each on so many documents, and marks them in the commonest one.
#[track_caller]
fn check(forms: &[(&str, u32)], expected: &str) {
    assert_eq!(marked(forms), expected, "slots of {forms:?}");
}

/// The same, each on one document.
#[track_caller]
fn check_each(forms: &[&str], expected: &str) {
    check(&forms.iter().map(|&form| (form, 1)).collect::<Vec<_>>(), expected);
}

fn marked(forms: &[(&str, u32)]) -> String {
    let hashed: Vec<Vec<u64>> = forms.iter().map(|(text, _)| hashes(text)).collect();
    let counted: Vec<Form<'_>> =
        hashed.iter().zip(forms).map(|(tokens, &(_, documents))| Form { tokens, documents }).collect();
    let found = find(&counted).expect("there are forms");
    let text = forms[found.commonest].0;
    let mut marked = String::new();
    let mut end = 0;
    for [start, after] in bytes(&found.slots, &token_spans(text)) {
        marked += &format!("{}[{}]", &text[end..start], &text[start..after]);
        end = after;
    }
    marked + &text[end..]
}

fn hashes(text: &str) -> Vec<u64> {
    tokens(text).iter().map(|token| token_hash(token, 0)).collect()
}

#[test]
fn forms_that_agree_have_no_slots() {
    assert_eq!(find(&[]), None);
    check_each(&[""], "");
    check_each(&["All rights reserved."], "All rights reserved.");
    check_each(&["All rights reserved.", "ALL RIGHTS — reserved"], "All rights reserved.");
}

#[test]
fn what_differs_is_a_slot() {
    let dated =
        ["Published on 3 March 2024 by Anna Schmidt", "Published on 12 May 2024 by Peter Müller and Jo Lee"];
    check_each(&dated, "Published on [3 March] 2024 by [Anna Schmidt]");
    check_each(&["Page 3 of 17", "Page 4 of 17", "Page 5 of 17"], "Page [3] of 17");
    check_each(&["© 2023 Echo", "© 2024 Echo", "© 2025 Echo"], "© [2023] Echo");
    check_each(&["a", "b"], "[a]");
    check_each(&["a b", "c d"], "[a b]");
    check_each(&["", "a"], "[]");
    check_each(&["a", ""], "[a]");
}

#[test]
fn the_commonest_form_is_the_text() {
    check(&[("by Ann in Wells", 2), ("by Bob in Wells", 3)], "by [Bob] in Wells");
    check(&[("by Ann in Wells", 3), ("by Bob in Wells", 3)], "by [Ann] in Wells"); // of equals the first
}

#[test]
fn one_fixed_token_parts_two_slots() {
    check_each(&["3 March by Anna", "12 May by Peter", "1 June by Jo"], "[3 March] by [Anna]");
    check_each(&["Anna, 3 March", "Peter, 12 May", "Jo, 1 June"], "[Anna, 3 March]");
}

#[test]
fn punctuation_belongs_to_the_slot_it_stands_in() {
    check_each(&["By: “Smith, J.” (ed.)", "By: “Lee, K.” (ed.)"], "By: “[Smith, J].” (ed.)");
    check_each(&["on 2025-01-03!", "on 2024-02-04!"], "on [2025-01-03]!");
}

#[test]
fn what_only_some_forms_have() {
    check_each(&["Posted by Anna Lee", "Posted by Dr Anna Lee"], "Posted by[] Anna Lee");
    check_each(&["Posted by Dr Anna Lee", "Posted by Anna Lee"], "Posted by [Dr] Anna Lee");
    check_each(&["All rights reserved.", "All rights reserved. Print"], "All rights reserved[].");
    check_each(&["(All rights reserved)", "2024 all rights reserved"], "([]All rights reserved)");
    // Inside and beside a slot it is the slot's.
    check_each(&["by Anna in Wells", "by Peter in Wells", "by the late Anna in Wells"], "by [Anna] in Wells");
    check_each(&["by Anna in Wells", "by Anna Lee in Wells", "by Jo in Wells"], "by [Anna] in Wells");
}

#[test]
fn values_may_hold_fixed_words() {
    // The title's "the" is not the paper's.
    let titles = [
        "Read The Old Mill in the Courier",
        "Read Sunrise in the Courier",
        "Read Down the Road in the Courier",
    ];
    check_each(&titles, "Read [The Old Mill] in the Courier");
    check_each(&["by Anna by 5 pm", "by Day by Day by 6 pm", "by Jo by 7 pm"], "by [Anna] by [5] pm");
    check_each(
        &["on Day by Day by Jo, 5 pm", "on Dusk by Al, 5 pm", "on Rain by Ed, 5 pm"],
        "on [Day by Day] by [Jo], 5 pm",
    );
    // March is a month and a surname.
    check_each(
        &["3 March by Anna March", "12 May by Peter Lee", "4 March by Jo"],
        "[3 March] by [Anna March]",
    );
    check_each(
        &["12 May by Fredric March", "3 March by Anna", "9 March by Lee"],
        "[12 May] by [Fredric March]",
    );
}

#[test]
fn a_single_word_that_two_values_share_is_no_fixed_one() {
    check_each(&["Rain in spring, by the Gang", "Spring heat, by the Gang"], "[Rain in spring], by the Gang");
    check_each(&["A mixed day, by Sargent", "What a surprise, by Sargent"], "[A mixed day], by Sargent");
    check_each(&["blogs: ask the post", "blogs: post partisan"], "blogs: [ask the post]");
    // Between two values it may be the word that parts them; and what more forms have is no accident.
    check_each(&["3 March by Anna", "12 May by Jo"], "[3 March] by [Anna]");
    check_each(
        &["by Ann, print", "by Jo, print or mail", "by Al, print", "by Ed, print"],
        "by [Ann], print[]",
    );
}

#[test]
fn the_fixed_one_of_equal_words_is_the_one_in_company() {
    // Forms with one "by" have it beside a month, as the first one of this form and not as the second.
    let forms = [
        "3 March by Anna by Design in print",
        "9 March by Peter in print",
        "5 March by Jo in print",
        "1 May by Al in print",
    ];
    check_each(&forms, "[3 March] by [Anna by Design] in print");
    // "By and" stands in more forms than "by Ida" does, but in none that has one "by".
    let surnames = [
        "3 March by Ida By and Jo in print",
        "9 May by Ida in print",
        "5 June by Jo By and Ed in print",
        "7 July by Ed By and Al in print",
        "1 June by Al in print",
        "2 July by Ed in print",
    ];
    check_each(&surnames, "[3 March] by [Ida By and Jo] in print");
    let years = [
        "Published 3 March 2024, copyright 2024 Echo",
        "Published 9 May 2023, copyright 2024 Echo",
        "Published 7 June 2022, copyright 2024 Echo",
    ];
    check_each(&years, "Published [3 March 2024], copyright 2024 Echo");
}

#[test]
fn titles_that_move_from_slot_to_slot() {
    // Each page's next is the title of the page after it, and its last that of the page before.
    let titles = ["The Old Mill", "A Day at the Sea", "The Sea at Night", "Of the Mill", "Night"];
    let pages: Vec<String> = (0..titles.len())
        .map(|page| {
            let title = |step: usize| titles[(page + step) % titles.len()];
            format!("Previous: {} Next: {} Top", title(4), title(1))
        })
        .collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    check_each(&pages, "Previous: [Night] Next: [A Day at the Sea] Top");
}

#[test]
fn all_scripts() {
    check_each(
        &["发布于2024年3月5日，作者：李明", "发布于2024年11月20日，作者：王小红"],
        "发布于2024年[3]月[5]日，作者：[李明]",
    );
    check_each(
        &["Ahmet Yılmaz tarafından 5 Mart'ta yazıldı", "Ayşe Kaya tarafından 7 Mayıs'ta yazıldı"],
        "[Ahmet Yılmaz] tarafından [5 Mart]'ta yazıldı",
    );
    check_each(&["نُشر في ٣ مارس بقلم ليلى", "نُشر في ٩ مايو بقلم عمر حسن"], "نُشر في [٣ مارس] بقلم [ليلى]");
    check_each(&["३ मार्च को सीता ने लिखा", "९ मई को राम ने लिखा"], "[३ मार्च] को [सीता] ने लिखा");
    check_each(&["Straße 5, STADT", "STRASSE 7, Stadt"], "Straße [5], STADT");
    check_each(&["cafe\u{301} 5", "café 6"], "cafe\u{301} [5]");
}

#[test]
fn tokens_that_share_a_character_share_no_byte_of_two_slots() {
    check_each(&["12½ kg", "13½ kg"], "[12½] kg"); // 121, 2
    check_each(&["㎏ ㍿", "㎏ 株x会社"], "㎏ [㍿]"); // 式 has the bytes of all four
    let span = |start, end| Span { start, end };
    let shared = [span(0, 4), span(0, 4), span(0, 4)];
    assert_eq!(bytes(&[0..1, 2..3], &shared), [[0, 4], [4, 4]]);
    assert_eq!(bytes(&[0..0, 3..3, 4..4, 2..9], &shared), [[0, 0], [4, 4]]);
}

#[test]
fn a_cut_form_makes_no_slot() {
    let whole = "Published 3 May by Anna Lee. Not to be copied without leave of the publisher";
    let other = "Published 9 May by Jo. Not to be copied without leave of the publisher";
    let cut = "Published 4 May by Ed. Not to be copi";
    let slots = "Published [3] May by [Anna Lee]. Not to be copied without leave of the publisher";
    check(&[(whole, 150), (other, 49), (cut, 1)], slots);
    // On 1 of 100 documents it is no accident.
    check(
        &[(whole, 50), (other, 49), (cut, 1)],
        "Published [3] May by [Anna Lee]. Not to be [copied without leave of the publisher]",
    );
    // Nor is it cut when it lacks a word or two: that is another value.
    let reworded = "Published 3 May by Anna Lee. Not to be copied without consent of the publisher";
    check(
        &[(whole, 450), (other, 49), (reworded, 1)],
        "Published [3] May by [Anna Lee]. Not to be copied without [leave] of the publisher",
    );
}

#[test]
fn many_cut_forms_are_no_accident() {
    let whole = "Not to be copied without leave of the publisher";
    let cuts = ["Not to be copied", "Not to be", "Not to"];
    let forms: Vec<(&str, u32)> = [(whole, 197)].into_iter().chain(cuts.map(|cut| (cut, 1))).collect();
    check(&forms, "Not to [be copied without leave of the publisher]");
}

#[test]
fn a_rare_value_is_not_cut() {
    // Seen once among 500, it replaces words and leaves none out.
    let (usual, other) =
        ("Latest news: The Old Mill Reopens, 5 pm", "Latest news: The Old Mill Reopens, 6 pm");
    let rare = "Latest news: Sunrise Over Hollin Bay, 5 pm";
    check(&[(usual, 450), (other, 49), (rare, 1)], "Latest news: [The Old Mill Reopens, 5] pm");
}

#[test]
fn a_form_that_fits_is_known_without_aligning() {
    let model = Model::new(&hashes("by Ann in Wells on page 5"));
    let pattern = Pattern::new(&model, vec![true, false, true, true, true, true, false]);
    let fits = |text: &str| pattern.fits(&model.read(&Form { tokens: &hashes(text), documents: 1 }).numbers);
    for text in
        ["by Ann in Wells on page 5", "by Jo Lee in Wells on page", "by in Wells in Wells on page 6 of 7"]
    {
        assert!(fits(text), "{text}");
    }
    for text in
        ["", "by Ann", "by Ann in Wells, page 5", "Not by Ann in Wells on page 5", "in Wells on page 5 by"]
    {
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn the_nearest_places_lie_on_both_sides() {
    let places = [1, 4, 5, 9, 12, 20];
    for (expected, near, found) in [
        (6, 2, &places[2..4]),
        (0, 2, &places[..2]),
        (30, 2, &places[4..]),
        (9, 4, &places[1..5]),
        (9, 9, &places[..]),
        (9, 1, &places[3..4]),
    ] {
        assert_eq!(align::nearest(&places, expected, near), found, "{near} about {expected}");
    }
    assert!(align::nearest(&[], 3, 4).is_empty());
}

/// Golden corpora, with the paragraphs of a template taken from where its truth says that it stands: whether they are
/// found to be one paragraph is another room's affair.
#[test]
fn the_slots_planted_in_golden_corpora() {
    assert_eq!(["dated-footer", "named-footer", "named-footer-han"].map(check_corpus), [3, 10, 3]);
}

/// Checks each template paragraph of a corpus whose sites have one header or footer each; returns how many there are.
fn check_corpus(name: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(name);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let input = read(&format!("input/{name}.jsonl"));
    let documents: Vec<Value> = input.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let truth: Value = serde_json::from_str(&read("truth.json")).unwrap();
    let mut checked = 0;
    for template in truth["templates"].as_array().unwrap() {
        let site = template["site"].as_str().unwrap();
        let planted = template["marked"].as_array().unwrap();
        let of_site = documents.iter().filter(|document| document["url"].as_str().unwrap().contains(site));
        let pages: Vec<Vec<&str>> =
            of_site.map(|page| paragraphs_of(page, &template["role"], planted.len())).collect();
        for (number, planted) in planted.iter().enumerate() {
            let mut forms: Vec<(&str, u32)> = Vec::new();
            for text in pages.iter().map(|page| page[number]) {
                match forms.iter_mut().find(|form| hashes(form.0) == hashes(text)) {
                    Some(form) => form.1 += 1,
                    None => forms.push((text, 1)),
                }
            }
            assert_eq!(marked(&forms).replace('[', "⟦").replace(']', "⟧"), planted.as_str().unwrap());
            assert_eq!(forms.len() as u64, template["variants"][number].as_u64().unwrap());
            checked += 1;
        }
    }
    checked
}

/// The first or last `count` paragraphs of a document.
fn paragraphs_of<'t>(document: &'t Value, role: &Value, count: usize) -> Vec<&'t str> {
    let all: Vec<&str> = document["text"].as_str().unwrap().split("\n\n").collect();
    let start = if role == "header" { 0 } else { all.len() - count };
    all[start..start + count].to_vec()
}

/// A value in each slot of each form, and the slots of the first form's tokens, by construction: fixed words are in no
/// value, and no word of a value is in all of them.
#[derive(Clone, Debug)]
struct Planted {
    forms: Vec<Vec<u64>>,
    slots: Vec<Range<usize>>,
}

/// Runs of fixed words with values between them: `values[form][slot]`.
fn planted(fixed: &[Vec<u64>], values: &[Vec<Vec<u64>>]) -> Option<Planted> {
    let form = |values: &Vec<Vec<u64>>| {
        let mut tokens = Vec::new();
        let mut slots = Vec::new();
        for (run, value) in fixed.iter().zip(values.iter().map(Some).chain([None])) {
            tokens.extend(run.iter().copied());
            if let Some(value) = value {
                slots.push(tokens.len()..tokens.len() + value.len());
                tokens.extend(value.iter().copied());
            }
        }
        (tokens, slots)
    };
    let forms: Vec<(Vec<u64>, Vec<Range<usize>>)> = values.iter().map(form).collect();
    let in_all = |token: &u64| forms.iter().all(|(tokens, _)| tokens.contains(token));
    if values[0].iter().flatten().any(in_all) {
        return None; // a word that all values have is fixed, in truth
    }
    let differs = |slot: usize| values.iter().any(|values_of| values_of[slot] != values[0][slot]);
    let slots = (0..values[0].len()).filter(|&slot| differs(slot)).map(|slot| forms[0].1[slot].clone());
    Some(Planted { slots: slots.collect(), forms: forms.into_iter().map(|(tokens, _)| tokens).collect() })
}

fn arbitrary_planted() -> impl Strategy<Value = Planted> {
    (1..5_usize, SURE_FORMS..12)
        .prop_flat_map(|(slots, forms)| {
            // Words above 1000 are fixed; each stands once. Those of values come from few, so that they meet again.
            let fixed = vec(1..4_u64, slots + 1);
            let values = vec(vec(vec(0..30_u64, 0..4), slots), forms);
            (fixed, values)
        })
        .prop_filter_map("a value in all forms", |(fixed, values)| {
            let mut next = 1000;
            let run = |length: u64| {
                next += length;
                (next - length..next).collect::<Vec<u64>>()
            };
            planted(&fixed.into_iter().map(run).collect::<Vec<_>>(), &values)
        })
}

/// Forms of few different tokens, which repeat and cross.
fn tangled() -> impl Strategy<Value = Vec<(Vec<u64>, u32)>> {
    (1..6_u64).prop_flat_map(|words| vec((vec(0..words, 0..12), 1..200_u32), 1..8))
}

fn counted(forms: &[(Vec<u64>, u32)]) -> Vec<Form<'_>> {
    forms.iter().map(|(tokens, documents)| Form { tokens, documents: *documents }).collect()
}

/// Whether a form is the commonest one with anything in the slots: the obvious way, a table over both.
fn describes(model: &[u64], slots: &[Range<usize>], form: &[u64]) -> bool {
    // `None` stands for anything.
    let mut parts = Vec::new();
    let mut place = 0;
    for slot in slots {
        parts.extend(model[place..slot.start].iter().map(Some));
        parts.push(None);
        place = slot.end;
    }
    parts.extend(model[place..].iter().map(Some));
    let mut reached = vec![false; form.len() + 1];
    reached[0] = true;
    for part in parts {
        let before = reached.clone();
        match part {
            Some(token) => {
                reached[0] = false;
                (0..form.len()).for_each(|at| reached[at + 1] = before[at] && form[at] == *token);
            }
            None => {
                let first = before.iter().position(|&is| is).unwrap_or(before.len());
                reached.iter_mut().enumerate().for_each(|(at, is)| *is = at >= first);
            }
        }
    }
    reached[form.len()]
}

/// The best score of all chains, by the whole table.
fn best_score(model: &[u64], fixed: &[bool], support: &[u32], form: &[u64]) -> u64 {
    let mut ending: HashMap<(usize, usize), i64> = HashMap::new();
    let mut best = 0;
    for i in (0..model.len()).filter(|&i| fixed[i]) {
        for j in (0..form.len()).filter(|&j| form[j] == model[i]) {
            let earlier = (0..i).flat_map(|i| (0..j).map(move |j| (i, j)));
            let extended = earlier.filter_map(|pair| Some(ending.get(&pair)? + join(pair, (i, j))));
            let own = align::TOKEN as i64 + i64::from(support[i]) + at_ends((i, j), model, form);
            let score = extended.max().unwrap_or(0) + own;
            ending.insert((i, j), score);
            best = best.max(score);
        }
    }
    best as u64
}

/// What two pairs in a row say of an unbroken run.
fn join(pair: (usize, usize), next: (usize, usize)) -> i64 {
    match (pair.0 + 1 == next.0, pair.1 + 1 == next.1) {
        (true, true) => align::BESIDE as i64,
        (true, false) => -(align::BESIDE as i64),
        (false, _) => 0,
    }
}

/// The same of a pair that is at an end of the commonest form.
fn at_ends(pair: (usize, usize), model: &[u64], form: &[u64]) -> i64 {
    let first = if pair.0 == 0 { join((0, 0), (1, pair.1 + 1)) } else { 0 };
    let last = if pair.0 + 1 == model.len() { join((0, 0), (1, form.len() - pair.1)) } else { 0 };
    first + last
}

fn score_of(chain: &[(usize, usize)], support: &[u32], model: &[u64], form: &[u64]) -> u64 {
    let own = |&pair: &(usize, usize)| {
        align::TOKEN as i64 + i64::from(support[pair.0]) + at_ends(pair, model, form)
    };
    let joined: i64 = chain.windows(2).map(|pair| join(pair[0], pair[1])).sum();
    (chain.iter().map(own).sum::<i64>() + joined) as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn planted_slots_are_found(planted in arbitrary_planted(), documents in vec(1..50_u32, 12)) {
        let mut forms: Vec<Form<'_>> = planted.forms.iter().zip(&documents)
            .map(|(tokens, &documents)| Form { tokens, documents }).collect();
        forms[0].documents = 1000; // commonest; the others are rare or not
        let found = find(&forms).unwrap();
        prop_assert_eq!(found, Found { commonest: 0, slots: planted.slots });
    }

    #[test]
    fn every_form_that_is_not_cut_is_described(forms in tangled()) {
        let found = find(&counted(&forms)).unwrap();
        let model = &forms[found.commonest].0;
        prop_assert!(forms.iter().all(|form| form.1 <= forms[found.commonest].1));
        let (mut after, mut free) = (0, 0);
        for slot in &found.slots {
            prop_assert!(slot.start <= slot.end && slot.end <= model.len());
            prop_assert!(slot.start >= free, "no fixed token between two: {:?}", found);
            (after, free) = (slot.end, slot.end + 1);
        }
        prop_assert!(after <= model.len());
        let total: u64 = forms.iter().map(|form| u64::from(form.1)).sum();
        for (tokens, documents) in &forms {
            if u64::from(*documents) * RARE >= total {
                prop_assert!(describes(model, &found.slots, tokens), "{:?}: {:?}", tokens, found);
            }
        }
        if forms.iter().all(|form| form.0 == *model) {
            prop_assert!(found.slots.is_empty());
        }
    }

    #[test]
    fn only_equality_of_tokens_matters(forms in tangled(), odd in any::<u64>()) {
        let renamed: Vec<(Vec<u64>, u32)> = forms.iter()
            .map(|(tokens, documents)| (tokens.iter().map(|token| token.wrapping_mul(odd | 1)).collect(), *documents))
            .collect();
        prop_assert_eq!(find(&counted(&forms)), find(&counted(&renamed)));
    }

    #[test]
    fn chains_are_the_best_there_are(
        model in vec(0..5_u64, 0..12), form in vec(0..6_u64, 0..12),
        fixed in vec(any::<bool>(), 12), support in vec(0..12_000_u32, 12),
    ) {
        let numbered = Model::new(&model);
        let other = numbered.read(&Form { tokens: &form, documents: 1 }).numbers;
        let pattern = Pattern::new(&numbered, fixed[..model.len()].to_vec());
        let mut aligner = Aligner::new(&numbered, support[..model.len()].to_vec());
        let best = best_score(&model, &fixed, &support, &form);
        let whole = aligner.align(&pattern, &other);
        for chain in [&whole, &aligner.align_between(&pattern, &other, [0, 0])] {
            prop_assert!(chain.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
            prop_assert!(chain.iter().all(|&(place, there)| fixed[place] && model[place] == form[there]));
        }
        prop_assert_eq!(score_of(&aligner.align_between(&pattern, &other, [0, 0]), &support, &model, &form), best);
        prop_assert_eq!(whole.len() as u64, (best + align::TOKEN / 2) / align::TOKEN); // equal ends first: as long, if not as unbroken
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn long_forms_of_few_words_are_described(forms in vec((vec(0..2_u64, 100..200), 1..3_u32), 2..4)) {
        let found = find(&counted(&forms)).unwrap(); // each word more often than is looked at
        for (tokens, _) in &forms {
            prop_assert!(describes(&forms[found.commonest].0, &found.slots, tokens), "{:?}: {:?}", tokens, found);
        }
        let fixed = forms[found.commonest].0.len() - found.slots.iter().map(ExactSizeIterator::len).sum::<usize>();
        prop_assert!(fixed >= 40, "{} fixed tokens of {:?}", fixed, forms); // half of all words are the same
    }
}
