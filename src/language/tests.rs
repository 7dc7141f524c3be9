use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::profiles::PROFILES;
use super::runs::Look;
use super::scripts::Script;
use super::*;
use crate::shingle::token_hash;
use crate::text::{Tokenizer, tokens};

const SEED: u64 = 7;

const ENGLISH: [&str; 3] = [
    "The key of the town hall has been found in the fountain, where it must have been since the autumn.",
    "Nobody had looked for it there, because it was known that the mayor had it and that she never swam.",
    "She has said that she will be more careful with the next one, and that they should not ask her about the bell.",
];
const GERMAN: &str = "Wir verwenden auf dieser Seite kleine Dateien, um zu sehen, was gelesen wird. Sie können das jederzeit ablehnen, ohne \
     dass sich für Sie etwas ändert.";

/// What is found in a document of these paragraphs: first and last paragraph, language, language of the rest.
#[track_caller]
fn check(paragraphs: &[&str], expected: &[(usize, usize, &str, &str)]) {
    let found: Vec<(usize, usize, &str, &str)> = runs(paragraphs)
        .iter()
        .map(|run| (run.paragraphs[0], run.paragraphs[1], run.language, run.article_language))
        .collect();
    assert_eq!(found, expected, "runs of {paragraphs:#?}");
}

fn runs(paragraphs: &[&str]) -> Vec<ForeignRun> {
    let hashed: Vec<Vec<u64>> = paragraphs.iter().map(|text| hashes(text)).collect();
    let languages = Languages::new(SEED);
    languages.foreign_runs(&joined(paragraphs, &hashed), &ForeignSettings::default())
}

fn hashes(text: &str) -> Vec<u64> {
    let mut hashes = Vec::new();
    Tokenizer::new().for_each(text, |token| hashes.push(token_hash(token, SEED)));
    hashes
}

fn joined<'a>(texts: &[&'a str], hashed: &'a [Vec<u64>]) -> Vec<Paragraph<'a>> {
    texts.iter().zip(hashed).map(|(text, tokens)| Paragraph { text, tokens }).collect()
}

fn english_and<'a>(tail: &[&'a str]) -> Vec<&'a str> {
    [&ENGLISH[..], tail].concat()
}

#[test]
fn tails_and_heads() {
    check(&english_and(&[GERMAN]), &[(3, 3, "de", "en")]);
    check(&[GERMAN, ENGLISH[0], ENGLISH[1], ENGLISH[2]], &[(0, 0, "de", "en")]);
    check(&english_and(&[&GERMAN.to_uppercase()]), &[(3, 3, "de", "en")]);
    let lines: Vec<&str> = GERMAN.split_inclusive(['.', ',']).collect();
    check(&english_and(&lines), &[(3, 2 + lines.len(), "de", "en")]);
    check(&[], &[]);
    check(&[GERMAN], &[]);
    check(&ENGLISH, &[]);
}

#[test]
fn what_says_nothing_belongs_to_a_run_between_and_behind_only() {
    let (one, other) = GERMAN.split_at(GERMAN.find("Sie").unwrap());
    check(&english_and(&["X", one, "1997 - 2024", other, "Wernigerode"]), &[(4, 7, "de", "en")]);
    check(
        &["X", one, "1997 - 2024", other, "Wernigerode", ENGLISH[0], ENGLISH[1], ENGLISH[2]],
        &[(0, 3, "de", "en")],
    );
}

#[test]
fn a_run_is_unbroken() {
    check(&english_and(&[GERMAN, ENGLISH[1]]), &[]);
    check(&[ENGLISH[0], GERMAN, ENGLISH[1], ENGLISH[2]], &[]);
    check(&[ENGLISH[0], GERMAN, GERMAN, GERMAN, ENGLISH[1]], &[(0, 0, "en", "de"), (4, 4, "en", "de")]);
    check(&[ENGLISH[0], GERMAN, ENGLISH[1], ENGLISH[2], GERMAN], &[(4, 4, "de", "en")]);
}

#[test]
fn a_run_has_20_tokens_and_less_than_half() {
    let twenty = "Wir verwenden auf dieser Seite kleine Dateien, um zu sehen, was gelesen wird, und Sie können das \
                  jederzeit hier ablehnen.";
    assert_eq!(tokens(twenty).len(), 20);
    check(&english_and(&[twenty]), &[(3, 3, "de", "en")]);
    check(&english_and(&[&twenty.replace("hier ", "")]), &[]);
    let article = "It was there that they had found the key of the town hall, which she lost in the autumn";
    assert_eq!(tokens(article).len(), 19);
    check(&[&format!("{article} when"), twenty], &[]);
    check(&[&format!("{article} when it"), twenty], &[(1, 1, "de", "en")]);
    // What goes on beyond the half is no run, however it is cut.
    let lines: Vec<&str> = GERMAN.split_inclusive(['.', ',']).collect();
    check(&[&ENGLISH[..1], &lines].concat(), &[(0, 0, "en", "de")]);
}

#[test]
fn what_is_no_text_is_quiet() {
    let quiet = [
        "Müller & Söhne GmbH, Bahnhofstraße 12, 38855 Wernigerode, Jürgen Köhler, Große Mühlenstraße 7, Geschäftsstelle \
         Süd, Lindenallee 4, Herzberg, Günther Weiß, Käthe Voß",
        "1,204 980 1,337 12.5 % 3 40 2019 2020 2021 2022 77 81 16,400 16,950 0.4 0.7 1.1 9:30 10:15 14 15 16 x 3 y 4",
        "A Pérez; B De Lange, C D'Angelo, D Le Goff; E van der Meer, F Du Toit; G La Rocca; S Y Kim; L D Silva; M N O'Neill",
        "Deutsch | Français | Español | Italiano | Nederlands | Русский | Українська | Български | Ελληνικά | Hrvatski | Magyar | Eesti | Svenska | Norsk | Suomi | Türkçe | 日本語 | 中文",
        "DE EN FR IT ES PT NL DA SV NO FI PL CS SK HU RO TR | de en fr it es pt nl da sv no fi pl cs sk hu ro tr",
        "for (let i = 0; i < n; i++) { if (a[i] === null) continue; sum += a[i]; } return sum / n; // i, n, a, sum",
    ];
    for text in quiet {
        assert!(tokens(text).len() >= 20, "{text}");
        check(&english_and(&[text]), &[]);
    }
}

#[test]
fn near_languages() {
    let croatian = [
        "Ključ gradske vijećnice pronađen je u fontani, gdje je morao biti još od jeseni, jer ga nitko nije tražio.",
        "Gradonačelnica je rekla da će sa sljedećim biti opreznija i da je više nitko ne pita što je bilo sa zvonom.",
        "Ljudi su se smijali, ali su ipak htjeli znati tko će platiti novu bravu, kad već stara više nije dobra.",
    ];
    let serbian = "Ovaj sajt koristi male datoteke da bismo videli šta se čita, a vi to uvek možete da odbijete ovde bez \
                   ikakvih posledica za vas ili nas.";
    check(&[croatian[0], croatian[1], croatian[2], serbian], &[]);
    let danish = "Vi bruger små filer på denne side for at se, hvad der bliver læst, og du kan altid sige nej til det uden at \
                  noget bliver anderledes for dig.";
    check(&[croatian[0], croatian[1], croatian[2], danish], &[(3, 3, "da", "hr")]);
    let swedish = [
        "Nyckeln till rådhuset har hittats i fontänen, där den måste ha legat sedan i höstas utan att någon såg den.",
        "Borgmästaren säger att hon ska vara försiktigare med nästa, och att man inte behöver fråga henne om klockan.",
        "Det är nu bestämt att den inte får lämna huset, och att den som vill låna den måste stanna kvar med den.",
    ];
    check(&[swedish[0], swedish[1], swedish[2], danish], &[(3, 3, "da", "sv")]);
}

#[test]
fn confidence_grows_with_evidence() {
    let short = runs(&english_and(&[GERMAN]))[0].confidence;
    let more = [
        GERMAN,
        "Was Sie einmal gewählt haben, bleibt so, bis Sie es wieder ändern oder der Monat zu Ende ist.",
    ];
    let long = runs(&[&ENGLISH[..], &ENGLISH[..], &more].concat())[0].confidence;
    assert!(0.75 <= short && short < long && long < 1.0, "{short}, {long}");
}

#[test]
fn the_table_is_what_its_head_says() {
    let languages = Languages::new(SEED);
    assert_eq!(languages.profiles.len(), PROFILES);
    let lines = include_str!("profiles.txt").lines().filter(|line| !line.starts_with('#'));
    for (line, profile) in lines.zip(&languages.profiles) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(fields.len(), 6, "{line}");
        assert!(profile.language.len() == 2 && profile.language.is_ascii(), "{line}");
        assert_eq!(Script::named(fields[1]), Some(profile.script), "{line}");
        let coverage = profile.coverage.unwrap_or(0.5);
        assert!(0.1 < coverage && coverage < 0.6, "{line}");
        assert_eq!(profile.coverage.is_some(), profile.script == Script::Latin, "{line}");
        if fields[4] != "-" {
            let of_script = |letter: char| !letter.is_ascii() && Script::of(letter) == Some(profile.script);
            assert!(fields[4].chars().all(of_script), "{line}");
        }
        let foreign = |word: &&str| !word.chars().filter_map(Script::of).all(|script| profile.writes(script));
        assert_eq!(fields[5].split(' ').find(foreign), None, "{line}");
    }
}

#[test]
fn scripts() {
    for (text, script) in [
        ("aZéÿſẞ", Script::Latin),
        ("αΩἀ", Script::Greek),
        ("яЁґ", Script::Cyrillic),
        ("שלום", Script::Hebrew),
        ("عپی", Script::Arabic),
        ("हि", Script::Devanagari),
        ("ไทย", Script::Thai),
        ("かナー", Script::Kana),
        ("漢", Script::Han),
        ("한", Script::Hangul),
        ("ქართ", Script::Georgian),
    ] {
        for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
            assert_eq!(Script::of(letter), Some(script), "{letter:?}");
        }
    }
    for other in ['1', ' ', '·', '×', '÷', '\u{301}', '€', '\u{10ffff}', '\0'] {
        assert_eq!(Script::of(other), None, "{other:?}");
    }
}

#[test]
fn what_stands_alone_is_a_token_by_itself() {
    for letter in ('\0'..='\u{3134f}').filter(|letter| letter.is_alphabetic()) {
        let Some(script) = Script::of(letter) else { continue };
        if !letter.nfkc().eq([letter]) {
            continue;
        }
        let alone = tokens(&format!("{letter}a")).len() > 1;
        let jamo = script == Script::Hangul && !('\u{ac00}'..='\u{d7af}').contains(&letter);
        assert!(alone == script.is_solo() || jamo, "{letter:?}");
    }
}

#[test]
fn the_answer_does_not_depend_on_the_seed() {
    let texts = english_and(&[GERMAN]);
    let found = [1, 2, 3].map(|seed| {
        let hash = |text: &&str| tokens(text).iter().map(|token| token_hash(token, seed)).collect();
        let hashed: Vec<Vec<u64>> = texts.iter().map(hash).collect();
        Languages::new(seed).foreign_runs(&joined(&texts, &hashed), &ForeignSettings::default())
    });
    assert!(found[0].len() == 1 && found[0] == found[1] && found[1] == found[2], "{found:?}");
}

const IN_LANGUAGES: [[&str; 3]; 4] = [
    [
        "the key that they had found was not the one for which she had been looking",
        "she has said that it will be there in the morning and that nobody should worry",
        "and so it was",
    ],
    [
        "der Schlüssel, den sie gefunden hatten, war nicht der, nach dem sie gesucht hatte",
        "wir verwenden kleine Dateien und Sie können das jederzeit ablehnen",
        "das war es auch",
    ],
    [
        "bu sitede yaptığınız seçimleri hatırlamak için küçük dosyalar kaydediyoruz",
        "bulunan anahtar onun aradığı anahtar değildi ve bunu kimse söylemedi",
        "öyle de oldu",
    ],
    [
        "ключ, который они нашли, был не тем, который она искала",
        "見つかった鍵は、彼女が探していたものではなかった",
        "그래서 그렇게 되었다",
    ],
];
const IN_NONE: [&str; 3] = ["X", "1 2 3 4 5", "Müller, Şahin, Dvořák, Núñez"];

/// Lines of these.
fn line(pieces: Vec<&'static str>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 1..4).prop_map(|pieces| pieces.join(". "))
}

/// Documents of one language, of what is in none, and of another language at the ends.
fn document() -> impl Strategy<Value = Vec<String>> {
    let two = prop::sample::subsequence(IN_LANGUAGES[..3].to_vec(), 2).prop_shuffle();
    two.prop_flat_map(|two| {
        let lines = |pieces: [&'static str; 3], count| {
            prop::collection::vec(prop_oneof![4 => line(pieces.to_vec()), 1 => line(IN_NONE.to_vec())], count)
        };
        (lines(two[1], 0..3), lines(two[0], 4..9), lines(two[1], 0..3))
            .prop_map(|(head, article, tail)| [head, article, tail].concat())
    })
}

proptest! {
    /// The quick look at head, middle and tail turns away no document in which the long one finds something.
    #[test]
    fn the_quick_look_loses_nothing(lines in document()) {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let hashed: Vec<Vec<u64>> = texts.iter().map(|text| hashes(text)).collect();
        let paragraphs = joined(&texts, &hashed);
        let languages = Languages::new(SEED);
        let settings = ForeignSettings::default();
        let [quick, long] = [Look::QuickFirst, Look::Long].map(|look| languages.runs(&paragraphs, &settings, look));
        prop_assert_eq!(quick, long);
    }

    /// Whatever is found keeps the limits.
    #[test]
    fn limits(lines in prop::collection::vec(prop_oneof![line([IN_LANGUAGES.concat(), IN_NONE.to_vec()].concat()), "\\PC{0,40}"], 0..12)) {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let count = |texts: &[&str]| texts.iter().map(|text| tokens(text).len()).sum::<usize>();
        let mut after = 0;
        for run in runs(&texts) {
            let [first, last] = run.paragraphs;
            prop_assert!(first <= last && last < texts.len() && first >= after);
            prop_assert!(first == 0 || last == texts.len() - 1);
            let own = count(&texts[first..=last]);
            prop_assert!(own >= 20 && 2 * own < count(&texts));
            prop_assert!(run.language != run.article_language);
            prop_assert!(0.75 <= run.confidence && run.confidence < 1.0);
            after = last + 1;
        }
    }
}
