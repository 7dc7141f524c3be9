use std::collections::BTreeSet;

use super::*;

/// Forms with these documents; texts and sites are made so that several documents share one.
fn check(documents_of_forms: &[Vec<u32>], asked: &[&[u32]]) {
    let mut forms = Forms { starts: vec![0], places: Vec::new(), tokens: Vec::new() };
    for documents in documents_of_forms {
        forms.places.extend(documents.iter().map(|&document| (document, 0)));
        forms.starts.push(forms.places.len() as u32);
    }
    let (texts, site_of): (Vec<u32>, Vec<u32>) =
        (0..20_000).map(|document| (document - document % 3, document / 100 % 7)).unzip();
    let tallying = Tallying { forms: &forms, texts: &texts, site_of: &|document| site_of[document as usize] };
    let mut unions = Unions::default();
    for asked in asked {
        let documents = || asked.iter().flat_map(|&form| &documents_of_forms[form as usize]);
        let count = |numbers: &[u32]| {
            documents().map(|&document| numbers[document as usize]).collect::<BTreeSet<_>>().len() as u64
        };
        let expected = (count(&texts), count(&site_of));
        let Tally { documents, sites } = tallying.of(asked, &mut unions);
        assert_eq!((documents, sites), expected, "{asked:?}");
    }
}

#[test]
fn documents_and_sites_are_counted_once() {
    let forms: Vec<Vec<u32>> = vec![
        vec![0],
        vec![0, 1, 2],              // one text
        vec![3, 3, 6],              // twice in one document
        (0..3000).collect(),        // large
        (1000..9000).collect(),     // large
        (15_000..15_100).collect(), // small, elsewhere
        (0..20_000).step_by(5).collect(),
    ];
    let alone: Vec<Vec<u32>> = (0..forms.len() as u32).map(|form| vec![form]).collect();
    check(&forms, &alone.iter().map(Vec::as_slice).collect::<Vec<_>>());
    check(
        &forms,
        &[&[0, 1], &[0, 2], &[1, 2], &[0, 3], &[2, 3, 5], &[3, 4], &[0, 3, 4], &[3, 4, 5], &[3, 4, 6]],
    );
}

#[test]
fn unions_are_forgotten_and_made_again() {
    let forms: Vec<Vec<u32>> = (0..12).map(|form| (form * 700..form * 700 + 2000).collect()).collect();
    let pairs: Vec<Vec<u32>> = (0..11).map(|form| vec![form, form + 1]).collect();
    let twice: Vec<&[u32]> = pairs.iter().chain(&pairs).map(Vec::as_slice).collect();
    check(&forms, &twice);
}
