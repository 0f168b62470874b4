//! The cursors of lists.

use crate::errors::{ApiError, Result};
use crate::settings::Settings;

/// What a token begins with: no number does.
const MARK: &str = "NTI";
/// Makes tokens of neighbouring ids look unlike.
const MASK: u64 = 0x9e37_79b9_7f4a_7c15;

/// The cursor behind an id: the id (seen; believed to be so everywhere), or a token that is none.
pub(crate) fn after(settings: &Settings, id: u64) -> String {
    if settings.opaque_cursors { format!("{MARK}{:016x}", (id ^ MASK).rotate_left(23)) } else { id.to_string() }
}

/// The id that a cursor stands behind.
pub(crate) fn id(settings: &Settings, cursor: &str) -> Result<u64> {
    let id = if settings.opaque_cursors {
        let token = cursor.strip_prefix(MARK).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        token.map(|token| token.rotate_right(23) ^ MASK)
    } else {
        cursor.parse().ok()
    };
    id.ok_or_else(|| ApiError::invalid(format!("after is no cursor of this list: {cursor}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_id_and_a_token_is_no_id() {
        for opaque_cursors in [false, true] {
            let settings = Settings { opaque_cursors, ..Settings::default() };
            for known in [0, 1, 1_001, u64::MAX] {
                let cursor = after(&settings, known);
                assert_eq!(id(&settings, &cursor).ok(), Some(known));
                assert_eq!(cursor.parse::<u64>().is_err(), opaque_cursors);
            }
            assert!(id(&settings, "soon").is_err());
            assert_eq!(id(&settings, "1001").is_err(), opaque_cursors);
        }
    }
}
