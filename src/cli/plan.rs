//! How does a plan look to a person?
//!
//! A [`Plan`] in, a small table out, a line a row.

use dittograph::pipeline::{Interval, Plan, Similarities};

use super::say::{counted, figure, number};

/// The rows.
pub fn lines(plan: &Plan) -> Vec<String> {
    let about = if plan.sample.whole { "" } else { "about " };
    let output = plan.output_bytes;
    let Interval { expected, low, high } = plan.removed;
    let rows = [
        (
            "documents",
            format!(
                "{about}{} on {about}{}, {}",
                number(plan.documents),
                counted(plan.sites, "site"),
                bytes(plan.bytes)
            ),
        ),
        (
            "removed",
            match plan.sample.whole {
                true => format!("{} ({} %)", number(expected), percent(expected, plan.documents)),
                false => format!(
                    "about {} ({} %), between {} and {} as far as chance goes",
                    number(expected),
                    percent(expected, plan.documents),
                    number(low),
                    number(high)
                ),
            },
        ),
        (
            "memory",
            match plan.peak_memory_bytes {
                Some(peak) => {
                    format!("{} at most; --memory allows {}", bytes(peak), bytes(plan.memory_bytes))
                }
                None => format!("--memory allows {}", bytes(plan.memory_bytes)),
            },
        ),
        (
            "temporary",
            match plan.peak_temporary_bytes {
                0 => "nothing on disk".to_owned(),
                peak => format!("{} on disk", bytes(peak)),
            },
        ),
        (
            "output",
            format!(
                "corpus {}, removed {}, findings and other records {}",
                bytes(output.corpus),
                bytes(output.removed),
                bytes(output.records)
            ),
        ),
        (
            "time",
            format!(
                "{} with {}; a scan {}",
                duration(plan.seconds.dedupe),
                counted(plan.threads as u64, "thread"),
                duration(plan.seconds.scan)
            ),
        ),
        ("signatures", signatures(plan)),
        ("found", curve(plan)),
        ("duplicates", similarities(&plan.similarities)),
        (
            "rests on",
            match plan.sample.whole {
                true => format!("a run of the whole corpus, {}", duration(plan.sample.seconds)),
                false => format!(
                    "a run of {} ({} %) in {} stretches, {}",
                    counted(plan.sample.documents, "document"),
                    figure((1000.0 * plan.sample.share).round() / 10.0),
                    plan.sample.stretches,
                    duration(plan.sample.seconds)
                ),
            },
        ),
    ];
    rows.into_iter().map(|(name, row)| format!("{name:<11}{row}")).collect()
}

fn signatures(plan: &Plan) -> String {
    let recall = &plan.recall;
    match recall.candidates.as_str() {
        "exact" => "none: every pair is found".to_owned(),
        _ => format!(
            "{} bands of {} rows, then {} of {} bytes must agree",
            recall.bands,
            recall.rows,
            (recall.prefilter * recall.functions as f64).round(),
            recall.functions
        ),
    }
}

/// The recall curve where it rises.
fn curve(plan: &Plan) -> String {
    let mut points = Vec::new();
    for point in plan.curve.iter().filter(|point| point.found >= 0.001) {
        let nearly_all = point.found > 0.9995;
        let found = if nearly_all { figure(point.found) } else { format!("{:.3}", point.found) };
        points.push(format!("{found} of pairs alike by {:.2}", point.similarity));
        if nearly_all {
            break;
        }
    }
    format!("at least {}", points.join(", "))
}

fn similarities(similarities: &Similarities) -> String {
    let Similarities { exact, contained, quarters, missed } = similarities;
    let quarters: Vec<String> = quarters
        .iter()
        .map(|quarter| format!("{} from {}", number(quarter.duplicates), figure(quarter.from)))
        .collect();
    let contained = match contained {
        0 => String::new(),
        contained => format!(", {} contained", number(*contained)),
    };
    format!(
        "in the sample: {} exact{contained}, by similarity {}; of these last a share of {} is missed",
        number(*exact),
        quarters.join(", "),
        figure(*missed)
    )
}

fn percent(part: u64, whole: u64) -> String {
    figure((1000.0 * part as f64 / whole.max(1) as f64).round() / 10.0)
}

/// Bytes in the unit that leaves the fewest digits.
fn bytes(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        None => counted(bytes, "byte"),
        Some((unit, name)) => {
            let value = bytes as f64 / unit as f64;
            if value < 9.95 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 9.95 => format!("{seconds:.1} s"),
        seconds if seconds < 600.0 => format!("{seconds:.0} s"),
        seconds if seconds < 36_000.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        for (size, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (9_949_999, "9.9 MB"),
            (9_950_000, "10 MB"),
            (736_373_385, "736 MB"),
            (12_000_000_000, "12 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        for (seconds, expected) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (10.0, "10 s"),
            (599.0, "599 s"),
            (600.0, "10 min"),
            (36_000.0, "10.0 h"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
