use super::*;
use std::collections::BTreeMap;
use std::fmt::Write;

#[test]
#[ignore]
fn measure() {
    let dir = "/tmp/w/boilerplate-py/";
    let mut settings = TemplateSettings::default();
    if let Ok(s) = std::env::var("SETTINGS") {
        for kv in s.split(',').filter(|x| !x.is_empty()) {
            let (k, v) = kv.split_once('=').unwrap();
            let v: u32 = v.parse().unwrap();
            match k {
                "edge" => settings.edge_percent = v,
                "inline" => settings.inline_percent = v,
                "bond" => settings.bond_percent = v,
                "support" => settings.support_percent = v,
                "patience" => settings.patience_tokens = v,
                "own" => settings.own_tokens = v,
                "ownp" => settings.own_percent = v,
                "short" => settings.short_page_tokens = v,
                _ => panic!(),
            }
        }
    }
    for set in ["cleanportaleval", "apache-docs", "debian-installation-guide", "trafilatura-eval", "aeb"] {
        let text = std::fs::read_to_string(format!("{dir}{set}.pages")).unwrap();
        let mut sites: BTreeMap<&str, Vec<(&str, Vec<PageParagraph>)>> = BTreeMap::new();
        for line in text.lines() {
            let mut f = line.split('\t');
            let (site, id, paras) = (f.next().unwrap(), f.next().unwrap(), f.next().unwrap());
            let page = paras
                .split(';')
                .map(|p| {
                    let (key, toks) = p.split_once(':').unwrap();
                    let toks: Vec<u64> = toks
                        .split(',')
                        .filter(|t| !t.is_empty())
                        .map(|t| u64::from_str_radix(t, 16).unwrap())
                        .collect();
                    PageParagraph {
                        key: u128::from_str_radix(key, 16).unwrap(),
                        sketch: sketch(&toks),
                        tokens: toks.len() as u32,
                    }
                })
                .collect();
            sites.entry(site).or_default().push((id, page));
        }
        let (mut marks, mut tmpl) = (String::new(), String::new());
        let start = std::time::Instant::now();
        for (site, pages) in &sites {
            let slices: Vec<&[PageParagraph]> = pages.iter().map(|p| &p.1[..]).collect();
            let found = find(&slices, &settings);
            for (id, page) in pages {
                let m: Vec<String> = found
                    .mark(page)
                    .iter()
                    .enumerate()
                    .filter(|x| x.1.is_some())
                    .map(|x| x.0.to_string())
                    .collect();
                writeln!(marks, "{{\"id\":{:?},\"paras\":[{}]}}", id, m.join(",")).unwrap();
            }
            for t in &found.templates {
                let k: Vec<String> = t.paragraphs.iter().map(|p| format!("{:032x}", p.key)).collect();
                writeln!(tmpl, "{site}\t{:?}\t{}\t{}", t.role, t.documents, k.join(",")).unwrap();
            }
        }
        eprintln!("{set}: {:?}", start.elapsed());
        std::fs::write(format!("{dir}{set}.marks"), marks).unwrap();
        std::fs::write(format!("{dir}{set}.tmpl"), tmpl).unwrap();
    }
}
