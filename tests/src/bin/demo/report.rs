//! What the demo has to say at the end: figures, and whether everything arrived.

use std::time::Duration;

use end_to_end::replica::Difference;

/// The figures and the comparisons, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
    comparisons: Vec<(String, Difference)>,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What was done with which resource.
    pub(crate) what: String,
    /// How many records.
    pub(crate) records: u64,
    /// How many requests HubSpot got for them.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Report {
    /// Adds a line to the table.
    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds a comparison with the truth.
    pub(crate) fn compare(&mut self, what: &str, difference: &Difference) {
        self.comparisons.push((what.to_owned(), difference.clone()));
    }

    /// Whether no comparison found a difference.
    pub(crate) fn all_arrived(&self) -> bool {
        !self.comparisons.is_empty() && self.comparisons.iter().all(|(_, difference)| difference.is_none())
    }

    /// Prints it all.
    pub(crate) fn print(&self, took: Duration) {
        println!(
            "\n{:<26} {:>8} {:>10} {:>6} {:>19} {:>8}",
            "resource", "records", "records/s", "calls", "calls/1,000 records", "seconds"
        );
        for line in &self.lines {
            let seconds = line.took.as_secs_f64();
            println!(
                "{:<26} {:>8} {:>10.0} {:>6} {:>19.1} {:>8.1}",
                line.what,
                line.records,
                line.records as f64 / seconds.max(0.001),
                line.requests,
                line.requests as f64 * 1000.0 / (line.records.max(1)) as f64,
                seconds,
            );
        }
        println!("calls: every request that HubSpot got, those that found nothing new among them");
        println!("\ncompared with what the emulator holds:");
        for (what, difference) in &self.comparisons {
            println!("  {} {what:<26} {difference}", if difference.is_none() { "ok     " } else { "MISSING" });
        }
        let outcome = if self.all_arrived() { "everything arrived" } else { "NOT everything arrived" };
        println!("\n{outcome}, in {:.1} s", took.as_secs_f64());
    }
}
