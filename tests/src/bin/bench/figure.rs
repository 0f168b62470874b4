//! A figure, its bound, and how both are shown.

use serde::Serialize;
use serde_json::json;

/// One thing measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// A figure without a bound.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, bound: None, note: None }
    }

    /// It should be no less than this.
    pub(crate) fn at_least(mut self, bound: f64) -> Self {
        self.bound = Some(Bound::AtLeast(bound));
        self
    }

    /// It should be no more than this.
    pub(crate) fn at_most(mut self, bound: f64) -> Self {
        self.bound = Some(Bound::AtMost(bound));
        self
    }

    /// What one has to know to read it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Whether it is within its bound; nothing where it has none.
    fn holds(&self) -> Option<bool> {
        self.bound.map(|bound| match bound {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
        })
    }

    fn line(&self) -> String {
        let bound = match self.bound {
            None => String::new(),
            Some(Bound::AtLeast(bound)) => format!(">= {}", number(bound)),
            Some(Bound::AtMost(bound)) => format!("<= {}", number(bound)),
        };
        let verdict = match self.holds() {
            None => "",
            Some(true) => "ok",
            Some(false) => "MISSED",
        };
        let note = self.note.as_ref().map_or_else(String::new, |note| format!("  ({note})"));
        let line =
            format!("  {:<34} {:>9} {:<12} {bound:<9} {verdict:<6}{note}", self.name, number(self.value), self.unit);
        line.trim_end().to_owned()
    }
}

fn number(value: f64) -> String {
    let text = if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// All figures: printed as they come, or as JSON in the end.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    sections: Vec<(String, Vec<Figure>)>,
    skipped: Vec<String>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, sections: Vec::new(), skipped: Vec::new() }
    }

    /// Figures from here on belong to this.
    pub(crate) fn section(&mut self, name: &str) {
        if !self.json {
            println!("{name}");
        }
        self.sections.push((name.to_owned(), Vec::new()));
    }

    pub(crate) fn add(&mut self, figure: Figure) {
        if !self.json {
            println!("{}", figure.line());
        }
        if let Some((_, figures)) = self.sections.last_mut() {
            figures.push(figure);
        }
    }

    pub(crate) fn add_all(&mut self, figures: impl IntoIterator<Item = Figure>) {
        for figure in figures {
            self.add(figure);
        }
    }

    /// Something was not measured, and why.
    pub(crate) fn skip(&mut self, what: &str) {
        if !self.json {
            println!("SKIPPED: {what}");
        }
        self.skipped.push(what.to_owned());
    }

    /// What there is to say in the end.
    pub(crate) fn print(&self) {
        let figures = || self.sections.iter().flat_map(|(_, figures)| figures);
        let missed = figures().filter(|figure| figure.holds() == Some(false)).count();
        if self.json {
            let sections: serde_json::Map<_, _> =
                self.sections.iter().map(|(name, figures)| (name.clone(), json!(figures))).collect();
            println!("{:#}", json!({"sections": sections, "skipped": self.skipped, "missed": missed}));
        } else {
            let bounds = figures().filter(|figure| figure.bound.is_some()).count();
            println!("{} of {bounds} figures are within their bounds", bounds - missed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_or_missed_on_its_own_side() {
        assert_eq!(Figure::new("x", 5.0, "").holds(), None);
        assert_eq!(Figure::new("x", 5.0, "").at_least(5.0).holds(), Some(true));
        assert_eq!(Figure::new("x", 4.9, "").at_least(5.0).holds(), Some(false));
        assert_eq!(Figure::new("x", 5.1, "").at_most(5.0).holds(), Some(false));
        assert!(Figure::new("x", 5.1, "MiB").at_most(5.0).line().ends_with("MISSED"));
    }
}
