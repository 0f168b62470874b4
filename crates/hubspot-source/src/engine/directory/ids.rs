//! Ids in a cursor: few bytes, ASCII.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::item::ItemId;

/// Before ids that are all that the reader has.
const WHOLE: char = '=';
/// Before ids that are some of them.
const SOME: char = '~';

/// The ids that a cursor carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    /// Whether they are all that the reader has.
    pub(super) whole: bool,
    pub(super) known: BTreeSet<ItemId>,
}

impl Ids {
    /// The ids of a cursor: `all` that the reader has if they are known and short enough, else as many of those as fit that are
    /// `deleted`; `None` if there are none of these.
    ///
    /// Numbers come first, ascending, each as its distance to the one before in base 36, then text: `=1k,2;default`.
    pub(super) fn format<'a>(
        all: Option<impl Iterator<Item = &'a ItemId>>,
        deleted: impl Iterator<Item = &'a ItemId>,
        most: usize,
    ) -> Option<String> {
        if let Some(all) = all
            && let (ids, false) = Self::join(WHOLE, all, most)
        {
            return Some(ids);
        }
        let (ids, _) = Self::join(SOME, deleted, most);
        (ids.len() > 1).then_some(ids)
    }

    /// As many as fit, from the first one on, and whether any is left out.
    fn join<'a>(kind: char, ids: impl Iterator<Item = &'a ItemId>, most: usize) -> (String, bool) {
        let mut joined = String::from(kind);
        let (mut last, mut in_text) = (0, false);
        for id in ids {
            let before = joined.len();
            if before > 1 && !matches!(id, ItemId::Text(_) if !in_text) {
                joined.push(',');
            }
            match id {
                ItemId::Number(number) => {
                    write_base36(&mut joined, number.wrapping_sub(last));
                    last = *number;
                }
                ItemId::Text(text) => {
                    if !std::mem::replace(&mut in_text, true) {
                        joined.push(';');
                    }
                    write_escaped(&mut joined, text);
                }
            }
            if joined.len() > most {
                joined.truncate(before);
                return (joined, true);
            }
        }
        (joined, false)
    }

    /// Reads what [`format`](Self::format) wrote. What makes no sense is no id.
    pub(super) fn parse(ids: Option<&str>) -> Self {
        let Some(ids) = ids else { return Self::default() };
        let (whole, rest) = match ids.strip_prefix(WHOLE) {
            Some(rest) => (true, rest),
            None => (false, ids.strip_prefix(SOME).unwrap_or_default()),
        };
        let (numbers, text) = rest.split_once(';').unwrap_or((rest, ""));
        let mut last = 0_u64;
        let distances = numbers.split(',').filter_map(|number| u64::from_str_radix(number, 36).ok());
        let mut known: BTreeSet<ItemId> = distances
            .map(|distance| {
                last = last.wrapping_add(distance);
                ItemId::Number(last)
            })
            .collect();
        known.extend(text.split(',').filter(|id| !id.is_empty()).map(|id| ItemId::Text(unescape(id).into())));
        Self { whole, known }
    }
}

fn write_base36(to: &mut String, mut number: u64) {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit((number % 36) as u32, 36));
        number /= 36;
        if number == 0 {
            break;
        }
    }
    to.extend(digits.iter().rev());
}

fn write_escaped(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.:@ ".contains(&byte) {
            to.push(char::from(byte));
        } else {
            // Writing to a string doesn't fail.
            let _ = write!(to, "%{byte:02x}");
        }
    }
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend(rest.bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_comes_back() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut ids = BTreeSet::new();
            for _ in 0..random.usize(0..12) {
                ids.insert(match random.u32(0..3) {
                    0 => ItemId::Number(random.u64(..)),
                    1 => ItemId::Number(random.u64(0..5)),
                    _ => ItemId::Text((0..random.usize(1..9)).map(|_| random.char('\u{0}'..='\u{ff}')).collect()),
                });
            }
            let written = Ids::format(Some(ids.iter()), [].into_iter(), 200).unwrap_or_default();
            assert!(written.is_ascii() && written.len() <= 200, "seed {seed}: {written}");
            let read = Ids::parse(Some(&written));
            if read.whole {
                assert_eq!(read.known, ids, "seed {seed}: {written}");
            }
        }
        assert_eq!(Ids::parse(Some("=")), Ids { whole: true, known: BTreeSet::new() });
        assert_eq!(Ids::parse(None), Ids::default());
    }

    #[test]
    fn they_are_short() {
        let ids = ["10", "46", "closedwon", "default"].map(ItemId::from);
        assert_eq!(Ids::format(Some(ids.iter()), [].into_iter(), 200).unwrap(), "=a,10;closedwon,default");
        let many: Vec<_> = (0..60).map(|number| ItemId::Number(1_000_000 + 40 * number)).collect();
        assert!(Ids::parse(Ids::format(Some(many.iter()), [].into_iter(), 200).as_deref()).whole, "60 in 200 bytes");
    }

    #[test]
    fn of_too_many_only_the_deleted_are_kept() {
        let many: Vec<_> = (0..30).map(|number| ItemId::from(format!("stage-number-{number}").as_str())).collect();
        let read = |deleted: &[ItemId]| Ids::parse(Ids::format(Some(many.iter()), deleted.iter(), 200).as_deref());
        assert_eq!(read(&many[..2]), Ids { whole: false, known: many[..2].iter().cloned().collect() });
        assert_eq!(read(&[]), Ids::default());
        let some = read(&many);
        assert!(!some.whole && (10..16).contains(&some.known.len()), "as many as fit");
    }
}
