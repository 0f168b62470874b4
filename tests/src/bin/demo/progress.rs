//! The line that shows that something happens: a bar on a terminal, lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a stage is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    stage: Mutex<Option<Stage>>,
}

#[derive(Debug)]
struct Stage {
    name: String,
    unit: &'static str,
    began: Instant,
    done: u64,
}

impl Progress {
    /// A bar, if there is a terminal to show it on and nobody wants it plain.
    pub(crate) fn new(plain: bool) -> Self {
        let bar = (!plain && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(0);
            // The template is constant; were it wrong, the default style would show.
            if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {msg:<48} {wide_bar} {human_pos}/{human_len}")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, stage: Mutex::new(None) }
    }

    /// A new stage begins, with so many of something to do.
    pub(crate) fn stage(&self, name: &str, all: u64, unit: &'static str) {
        self.finish();
        if let Some(bar) = &self.bar {
            bar.set_length(all);
            bar.set_position(0);
            bar.set_message(name.to_owned());
        }
        *self.lock() = Some(Stage { name: name.to_owned(), unit, began: Instant::now(), done: 0 });
    }

    /// So much more is done.
    pub(crate) fn advance(&self, more: u64) {
        if let Some(stage) = self.lock().as_mut() {
            stage.done += more;
        }
        if let Some(bar) = &self.bar {
            bar.inc(more);
        }
    }

    /// All is done.
    pub(crate) fn done(&self) {
        self.finish();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The stage is done, and no other begins yet.
    pub(crate) fn finish(&self) {
        let Some(stage) = self.lock().take() else { return };
        let Stage { name, unit, began, done } = stage;
        self.print(format!("{:5.1} s  {name} ({done} {unit})", began.elapsed().as_secs_f64()));
    }

    /// A line between the stages, or in the middle of one.
    pub(crate) fn note(&self, line: &str) {
        self.print(format!("         {line}"));
    }

    fn print(&self, line: String) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => println!("{line}"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
