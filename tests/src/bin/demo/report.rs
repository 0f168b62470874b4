//! What the demo has to say at the end: figures, and whether everything arrived.

use std::time::Duration;

use end_to_end::replica::Difference;

use crate::account::Made;
use crate::source::Came;

/// The figures and the comparisons, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What the snapshots took.
    pub(crate) snapshots: Vec<Line>,
    /// What people changed, and what came of it.
    pub(crate) changes: Vec<Changes>,
    /// What writing took.
    pub(crate) written: Vec<Line>,
    /// How many requests exceeded the limits of each account.
    pub(crate) refused: [u64; 2],
    comparisons: Vec<(String, Difference)>,
}

/// One line of the tables of snapshots and of writing.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The resource.
    pub(crate) name: &'static str,
    /// How many records.
    pub(crate) records: u64,
    /// How many requests HubSpot got for them.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// One resource's changes.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The resource.
    pub(crate) name: &'static str,
    /// What people did.
    pub(crate) made: Made,
    /// The records that came.
    pub(crate) came: Came,
    /// How many requests HubSpot got from the first change until the last record.
    pub(crate) requests: u64,
    /// The time from the first change until the last record.
    pub(crate) took: Duration,
}

impl Report {
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
        print_lines("snapshot", &self.snapshots);
        print_counts(&self.changes);
        print_pace(&self.changes);
        print_lines("written", &self.written);
        note(&[
            "Repeats are written as updates; what comes behind an object's deletion is left out. The demo's own look-ups",
            "of ids aren't counted.",
        ]);
        let [first, second] = self.refused;
        println!("\ncalls that HubSpot refused for coming too fast (429), and that were sent again after a wait:");
        println!(
            "  {first} in the first account, where three sources share the searches of a second; {second} in the second"
        );
        println!("\ncompared with what the emulator holds:");
        for (what, difference) in &self.comparisons {
            println!("  {} {what:<24} {difference}", if difference.is_none() { "ok     " } else { "MISSING" });
        }
        let outcome = if self.all_arrived() { "everything arrived" } else { "NOT everything arrived" };
        println!("\n{outcome}, in {:.1} s", took.as_secs_f64());
    }
}

fn print_lines(what: &str, lines: &[Line]) {
    println!(
        "\n{what:<18} {:>8} {:>10} {:>10} {:>20} {:>8}",
        "records", "records/s", "API calls", "calls/1,000 records", "seconds"
    );
    for Line { name, records, requests, took } in lines {
        println!(
            "{name:<18} {records:>8} {:>10.0} {requests:>10} {:>20.1} {:>8.2}",
            per(*records, took.as_secs_f64()),
            per(*requests * 1000, *records as f64),
            took.as_secs_f64(),
        );
    }
}

fn print_counts(changes: &[Changes]) {
    println!("\n{:<18} {:^35}   {:^35}", "changes", "people made", "records that came");
    println!(
        "{:<18} {:>8} {:>8} {:>8} {:>8}   {:>8} {:>8} {:>8} {:>8}",
        "", "creates", "updates", "deletes", "objects", "creates", "updates", "deletes", "repeats"
    );
    for Changes { name, made, came, .. } in changes {
        println!(
            "{name:<18} {:>8} {:>8} {:>8} {:>8}   {:>8} {:>8} {:>8} {:>8}",
            made.creates,
            made.updates,
            made.deletes,
            made.objects.len(),
            came.creates,
            came.updates,
            came.deletes,
            came.repeats,
        );
    }
    note(&[
        "HubSpot shows an object's state, not its history: several changes of one object between two looks come as one",
        "record, its last state, and an object that was created and deleted between them doesn't come at all. Repeats",
        "say what was known already: after the kill, the changes behind the last acknowledged position and those of the",
        "last minutes before it are looked at again. What has changed meanwhile comes in its new state, and may be",
        "called a create again.",
    ]);
}

fn print_pace(changes: &[Changes]) {
    println!(
        "\n{:<18} {:>8} {:>10} {:>10} {:>20} {:>8}",
        "changes", "records", "records/s", "API calls", "calls/minute", "seconds"
    );
    for Changes { name, came, requests, took, .. } in changes {
        println!(
            "{name:<18} {:>8} {:>10.0} {requests:>10} {:>20.0} {:>8.2}",
            came.all(),
            per(came.all(), took.as_secs_f64()),
            per(*requests * 60, took.as_secs_f64()),
            took.as_secs_f64(),
        );
    }
    let records: u64 = changes.iter().map(|changes| changes.came.all()).sum();
    let requests: u64 = changes.iter().map(|changes| changes.requests).sum();
    note(&[
        "From the first change until the last record. The pace is that of the people, who take seconds, and of the late",
        "index: what it shows too late for the next look is found by counting again, after 1, 3, 7, … quiet seconds.",
        "Looking costs the same whether little has changed or much, so a small resource has many calls for few records.",
    ]);
    println!("  All together: {:.1} calls/1,000 records.", per(requests * 1000, records as f64));
}

/// Lines that explain a table.
fn note(lines: &[&str]) {
    for line in lines {
        println!("  {line}");
    }
}

fn per(much: u64, of: f64) -> f64 {
    much as f64 / of.max(0.001)
}
