//! The tutorial as what it tells its reader to do.

use anyhow::{Context, Result, bail};

/// Something to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Type a line into a terminal.
    Type(String),
    /// Write a file.
    Write { file: String, text: String },
    /// Add text to the end of a file.
    Add { file: String, text: String },
    /// Change what stands once in a file.
    Change { file: String, before: String, after: String },
    /// See these lines in what was made; `…` stands for anything.
    Expect(String),
}

/// What a tutorial tells to do, in its order: by its fenced blocks, and for files by what the text last names before the block.
pub(crate) fn steps(markdown: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let (mut file, mut adds) = (None, false);
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            if let Some(named) = named_file(line) {
                (file, adds) = (Some(named.to_owned()), line.contains("Add to `"));
            }
            continue;
        };
        let mut text = String::new();
        loop {
            match lines.next().with_context(|| format!("a block of {language} doesn't end"))? {
                "```" => break,
                line => text.extend([line, "\n"]),
            }
        }
        let file = || file.clone().with_context(|| format!("no file is named before a block of {language}"));
        match language {
            "console" => steps.extend(text.lines().map(|line| Step::Type(line.to_owned()))),
            "text" => steps.push(Step::Expect(text)),
            "diff" => steps.push(change(file()?, &text)?),
            _ if adds => steps.push(Step::Add { file: file()?, text }),
            _ => steps.push(Step::Write { file: file()?, text }),
        }
    }
    Ok(steps)
}

/// The file that a line of text speaks of last: what stands in backticks and ends like a file of a package.
fn named_file(line: &str) -> Option<&str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let is_file = |text: &&str| [".rs", ".toml", ".yml"].iter().any(|end| text.ends_with(end)) && !text.contains(' ');
    quoted.filter(is_file).last()
}

/// A diff without its head and context: lines that go, and those that come in their place.
fn change(file: String, diff: &str) -> Result<Step> {
    let (mut before, mut after) = (String::new(), String::new());
    for line in diff.lines() {
        match line.split_at_checked(1) {
            Some(("-", line)) => before.extend([line, "\n"]),
            Some(("+", line)) => after.extend([line, "\n"]),
            _ => bail!("in the diff of {file} a line neither goes nor comes: {line}"),
        }
    }
    Ok(Step::Change { file, before, after })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn blocks_are_what_to_do() {
        let markdown = "Make it:\n\n```console\nmkdir a\ncd a\n```\n\nThe whole of `a/b.rs`, `c` is not:\n\n```rust,no_run\nfn one() {}\n\n```\n\n\
                        ```diff\n-fn one() {}\n+mod two;\n+\n```\n\nAdd to `c.toml`:\n\n```toml\n[d]\n```\n\n```text\n{}\n```\n";
        let text = str::to_owned;
        assert_eq!(
            steps(markdown).unwrap(),
            [
                Step::Type(text("mkdir a")),
                Step::Type(text("cd a")),
                Step::Write { file: text("a/b.rs"), text: text("fn one() {}\n\n") },
                Step::Change { file: text("a/b.rs"), before: text("fn one() {}\n"), after: text("mod two;\n\n") },
                Step::Add { file: text("c.toml"), text: text("[d]\n") },
                Step::Expect(text("{}\n")),
            ]
        );
    }

    #[test]
    fn a_block_for_no_file_and_one_without_an_end_are_errors() {
        assert!(steps("```toml\n[a]\n```\n").unwrap_err().to_string().contains("no file is named"));
        assert!(steps("`a.toml`:\n```toml\n[a]\n").unwrap_err().to_string().contains("doesn't end"));
        assert!(steps("`a.rs`:\n```diff\n a\n```\n").unwrap_err().to_string().contains("neither goes nor comes"));
    }
}
