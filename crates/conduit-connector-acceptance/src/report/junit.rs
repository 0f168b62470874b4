//! A report as JUnit's XML, which CI systems read.

use std::fmt::{self, Write as _};

use super::{Finding, Outcome, Report};

/// A report as JUnit's XML: one suite, one case a check.
pub(super) struct Junit<'a>(pub(super) &'a Report);

impl fmt::Display for Junit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let (_, failed, skipped) = report.counts();
        let counts = format!(r#"tests="{}" failures="{failed}" errors="0" skipped="{skipped}""#, report.findings.len());
        let seconds: f64 = report.findings.iter().map(|finding| finding.took.as_secs_f64()).sum();
        f.write_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        writeln!(f, "<testsuites {counts}>")?;
        writeln!(f, r#"  <testsuite name="{}" {counts} time="{seconds:.3}">"#, Escaped(&report.connector))?;
        for finding in &report.findings {
            case(f, finding)?;
        }
        f.write_str("  </testsuite>\n</testsuites>\n")
    }
}

fn case(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    let class = finding.check.split('.').next().unwrap_or_default();
    let (name, seconds) = (finding.check, finding.took.as_secs_f64());
    write!(f, r#"    <testcase classname="{class}" name="{name}" time="{seconds:.3}""#)?;
    let requirement = Escaped(finding.requirement);
    match &finding.outcome {
        Outcome::Passed => f.write_str("/>\n"),
        Outcome::Failed(reason) => {
            writeln!(f, r#"><failure message="{}">{requirement}</failure></testcase>"#, Escaped(reason))
        }
        Outcome::Skipped(reason) => writeln!(f, r#"><skipped message="{}"/></testcase>"#, Escaped(reason)),
    }
}

/// Text that stands in XML. What XML cannot hold at all becomes U+FFFD.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\r' | '\t' => write!(f, "&#{};", u32::from(character))?,
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_is_one_suite_of_cases() {
        let finding = |check, outcome| Finding {
            check,
            requirement: "it has to be < 1",
            outcome,
            took: Duration::from_millis(1250),
        };
        let report = Report {
            connector: "/a&b".to_owned(),
            findings: vec![
                finding("source.read", Outcome::Passed),
                finding("source.stop", Outcome::Failed("\"a\"\u{1}\nb".to_owned())),
                finding("log.form", Outcome::Skipped("no <log>".to_owned())),
            ],
        };
        assert_eq!(
            report.to_junit(),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" skipped="1">
  <testsuite name="/a&amp;b" tests="3" failures="1" errors="0" skipped="1" time="3.750">
    <testcase classname="source" name="source.read" time="1.250"/>
    <testcase classname="source" name="source.stop" time="1.250"><failure message="&quot;a&quot;�&#10;b">it has to be &lt; 1</failure></testcase>
    <testcase classname="log" name="log.form" time="1.250"><skipped message="no &lt;log&gt;"/></testcase>
  </testsuite>
</testsuites>
"#
        );
    }
}
