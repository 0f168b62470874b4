//! What a suite found.

mod junit;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What a suite found about a connector.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The connector's program.
    pub connector: String,
    /// What each check found, in the order in which they ran.
    pub findings: Vec<Finding>,
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The check's name, `source.resume`.
    pub check: &'static str,
    /// What has to hold.
    pub requirement: &'static str,
    /// Whether it does.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long the check took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "lowercase")]
pub enum Outcome {
    /// What has to hold, holds.
    Passed,
    /// It does not; how that showed.
    Failed(String),
    /// It could not be seen; why.
    Skipped(String),
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds are exact enough to read.
    serializer.serialize_f64((took.as_secs_f64() * 1000.0).round() / 1000.0)
}

impl Report {
    /// Whether no check failed. Checks that were skipped don't count.
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// What does not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Failed(_)))
    }

    /// What could not be seen.
    pub fn skipped(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Skipped(_)))
    }

    /// What the check of this name found.
    pub fn finding(&self, check: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }

    /// The report as JUnit's XML, which CI systems read.
    pub fn to_junit(&self) -> String {
        junit::Junit(self).to_string()
    }

    /// How many checks passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.findings.iter().fold((0, 0, 0), |(passed, failed, skipped), finding| match finding.outcome {
            Outcome::Passed => (passed + 1, failed, skipped),
            Outcome::Failed(_) => (passed, failed + 1, skipped),
            Outcome::Skipped(_) => (passed, failed, skipped + 1),
        })
    }
}

/// One line; a second one says why, where the check did not pass.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, reason) = match &self.outcome {
            Outcome::Passed => ("pass", None),
            Outcome::Failed(reason) => ("FAIL", Some(reason)),
            Outcome::Skipped(reason) => ("skip", Some(reason)),
        };
        write!(f, "{word}  {:<35} {:>6.2} s  {}", self.check, self.took.as_secs_f64(), self.requirement)?;
        if let Some(reason) = reason {
            write!(f, "\n      {reason}")?;
        }
        Ok(())
    }
}

/// The sum, in one line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = self.counts();
        write!(f, "{}: {passed} passed, {failed} failed, {skipped} skipped", self.connector)
    }
}
