//! Progress on standard error.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use dittograph::pipeline::{Progress, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::When;

/// A bar for the stage at hand, where progress is shown at all.
pub struct Bar {
    shown: bool,
    bar: Mutex<ProgressBar>,
}

impl Bar {
    /// On a terminal, or where it is asked for.
    pub fn new(when: When, quiet: bool) -> Bar {
        let shown = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => !quiet && std::io::stderr().is_terminal(),
        };
        Bar { shown, bar: Mutex::new(ProgressBar::hidden()) }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.current().finish_and_clear();
    }

    fn current(&self) -> ProgressBar {
        self.bar.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl Progress for Bar {
    fn begin(&self, stage: &'static str, unit: Unit, total: Option<u64>) {
        self.finish();
        if !self.shown {
            return;
        }
        // Where it was asked for without a terminal, a line goes by for each stage.
        if !std::io::stderr().is_terminal() {
            super::say::line(stage);
            return;
        }
        let template = match (unit, total) {
            (Unit::Bytes, Some(_)) => {
                "{msg:10} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"
            }
            (Unit::Bytes, None) => "{msg:10} {bytes}, {bytes_per_sec}",
            (Unit::Documents, _) => "{msg:10} {wide_bar} {human_pos} of {human_len} documents, {eta} left",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(stage);
        bar.enable_steady_tick(Duration::from_millis(200));
        *self.bar.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = bar;
    }

    fn advance(&self, units: u64) {
        self.current().inc(units);
    }
}
