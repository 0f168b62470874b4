//! The tables of `docs/resources.md`, read as a reader reads them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

/// What the page says of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The other columns, by their heading.
    pub columns: BTreeMap<String, String>,
}

impl Row {
    /// Whether a column says yes. A column that isn't there says no.
    pub fn says(&self, column: &str) -> bool {
        self.columns.get(column).is_some_and(|cell| cell == "yes")
    }
}

/// The rows of all tables of the page, by the name in their first column.
///
/// # Errors
/// When the page can't be read, or a row isn't as wide as its heading.
pub fn rows() -> Result<BTreeMap<String, Row>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/resources.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text)
}

fn parse(text: &str) -> Result<BTreeMap<String, Row>> {
    let mut rows = BTreeMap::new();
    let mut heading: Option<Vec<String>> = None;
    for line in text.lines() {
        let Some(inner) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            heading = None;
            continue;
        };
        let cells: Vec<String> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
        match &heading {
            None => heading = Some(cells),
            Some(_) if cells.iter().all(|cell| cell.chars().all(|char| matches!(char, '-' | ':'))) => {}
            Some(names) => {
                anyhow::ensure!(names.len() == cells.len(), "a row is not as wide as its heading: {line}");
                let name = cells[0].trim_matches('`').to_owned();
                let columns = names.iter().cloned().zip(cells).skip(1).collect();
                rows.insert(name, Row { columns });
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_by_their_headings() {
        let rows =
            parse("text\n\n| resource | create |\n|---|:---:|\n| `a.b` | yes |\n| `c` | – |\n\n| x | y |\n|---|---|\n")
                .unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows["a.b"].says("create") && !rows["c"].says("create"));
        assert!(parse("| a | b |\n|---|---|\n| c |\n").is_err());
    }
}
