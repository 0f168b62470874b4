//! Somebody else's text on one line.

use std::fmt;

/// Text on one line: each run of blanks, line breaks and other control characters becomes one space, and those at the ends go.
///
/// For texts from outside that are written into a line of a log or an error.
///
/// ```
/// use hubspot_client::OneLine;
///
/// assert_eq!(OneLine("<html>\r\n\t<h1>Bad  Gateway</h1>\n").to_string(), "<html> <h1>Bad Gateway</h1>");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}
