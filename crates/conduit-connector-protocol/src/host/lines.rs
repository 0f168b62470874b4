//! Lines that a plugin writes.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// How many lines are kept.
const KEPT: usize = 20;

/// The last lines of an output.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Mutex<VecDeque<String>>>);

impl Lines {
    pub(super) fn keep(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Oldest first.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// In one line, for an error.
    pub(super) fn joined(&self) -> String {
        let lines = self.all();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
    }
}

/// The next line; nothing at the end. Bytes that are no UTF-8 are replaced: a plugin whose output were no longer read after
/// such a line would hang once the pipe is full, or die of it.
pub(super) async fn next(output: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if output.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_that_are_no_text_do_not_end_the_reading() {
        let mut output = &b"one\r\n\xff\xfe\n\nlast"[..];
        let mut lines = Vec::new();
        while let Some(line) = next(&mut output).await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["one", "\u{fffd}\u{fffd}", "", "last"]);
    }

    #[test]
    fn the_last_lines_are_kept() {
        let lines = Lines::default();
        assert_eq!(lines.joined(), "nothing");
        for number in 0..30 {
            lines.keep(number.to_string());
        }
        assert_eq!(lines.all().first().map(String::as_str), Some("10"));
        assert_eq!(lines.all().len(), KEPT);
    }
}
