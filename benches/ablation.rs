//! What does each kind of evidence for boilerplate buy?
//!
//!     cargo bench --bench ablation -- OUT_DIR INPUT
//!
//! Scans INPUT once by the rule and once more for each kind of evidence, without it. Each run is left in OUT_DIR, in a folder
//! of its own; standard output has a line for each: the folder's name, a tab, what was left out. Sites are read from the field
//! `site`. `scripts/ablate` makes a table of it.
//!
//! A kind is left out by settings alone, so that what is measured is the product. What no setting reaches is missing here:
//! forms, tables of contents, judging until nothing falls, runs across sites.

use std::path::Path;

use dittograph::boilerplate::TemplateSettings;
use dittograph::corpus::{Inputs, find_shards};
use dittograph::error::Result;
use dittograph::pipeline::{Guards, Job, Means, Settings, Silent, Target, run};

/// No share reaches it.
const NEVER: u32 = 101;

/// No record has it.
const NO_FIELD: &str = "no such field";

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    // `cargo test --all-targets` runs benches, too, without arguments.
    let [out, input] = args.as_slice() else {
        eprintln!("usage: cargo bench --bench ablation -- OUT_DIR INPUT");
        return Ok(());
    };
    let inputs = find_shards(std::slice::from_ref(input), None, Path::new(out))?;
    for (name, left_out, settings) in kinds() {
        scan(&inputs, &settings, &Path::new(out).join(name))?;
        println!("{name}\t{left_out}");
    }
    Ok(())
}

fn scan(inputs: &Inputs, settings: &Settings, dir: &Path) -> Result<()> {
    let target = Target { dir, force: true };
    run(inputs, settings, Guards::default(), Job::Scan, target, &Means::unbounded()?, &Silent).map(|_| ())
}

/// The rule, and the rule without each kind: name, what is left out, settings.
fn kinds() -> Vec<(&'static str, &'static str, Settings)> {
    let rule = Settings::default().templates;
    let with = |templates| {
        let mut settings = Settings { templates, ..Settings::default() };
        settings.fields.site = Some("site".to_owned());
        settings
    };
    // Folders are read from the addresses; without those there is no section.
    let without_addresses = |templates| {
        let mut settings = with(templates);
        settings.fields.url = Some(NO_FIELD.to_owned());
        settings
    };
    let bonds = TemplateSettings { bond_percent: NEVER, ..rule };
    let guests = TemplateSettings { guest_percent: NEVER, section_guest_percent: NEVER, ..rule };
    let hubs = TemplateSettings { hub_percent: NEVER, ..rule };
    let phrases = TemplateSettings { phrase_percent: NEVER, ..rule };
    let runs_alone =
        TemplateSettings { bond_percent: NEVER, hub_percent: NEVER, phrase_percent: NEVER, ..guests };
    // Every page speaks, and fully.
    let voices = TemplateSettings {
        own_tokens: 0,
        full_tokens: 0,
        own_percent: 0,
        section_own_percent: 0,
        hub_own_percent: 0,
        ..rule
    };
    vec![
        ("rule", "nothing: the rule", with(rule)),
        ("runs-alone", "all but head and tail runs", without_addresses(runs_alone)),
        (
            "crossing",
            "crossing strangers, and guests: a run ends at the first stranger",
            with(TemplateSettings { patience_tokens: 0, ..rule }),
        ),
        (
            "position",
            "position: standing in a run once is enough",
            with(TemplateSettings { support_percent: 0, ..rule }),
        ),
        ("neighbours", "neighbours: no inline runs", with(bonds)),
        ("pairs", "that pairs lie near an end", with(TemplateSettings { pair_percent: 100, ..rule })),
        ("guests", "guests", with(guests)),
        ("sections", "sections (folders)", without_addresses(rule)),
        ("hubs", "hubs", with(hubs)),
        ("sections-and-hubs", "sections and hubs", without_addresses(hubs)),
        ("phrases", "phrases", with(phrases)),
        ("voices", "that copies are silent", with(voices)),
        (
            "majority",
            "that thin pages speak for a majority",
            with(TemplateSettings { majority_percent: NEVER, ..rule }),
        ),
    ]
}
