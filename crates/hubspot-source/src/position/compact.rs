//! A resource's cursor in a few bytes.
//!
//! A letter for the phase, then fields between commas. Numbers are in base 36; times are distances from the first of them.
//!
//! | phase | fields |
//! |---|---|
//! | `f`, following | start, known, settled, sweep, and the drained id if there is one |
//! | `s`, snapshot | start, since (empty: start), and what is left: `.` and ranges `floor-end` joined by `.` (an open end is empty), `@` and a creation time, or `>` and HubSpot's cursor as it is |
//! | `d`, directory | start, since, then the ids that it carries, from their `=` or `~` on, and, in the snapshot, `>` and the id reached |

use super::{Cursor, DirectoryCursor, Followed, Left, Place, Range, Snapshotted};
use crate::item::Millis;

const RADIX: u32 = 36;

pub(super) fn write(cursor: &Cursor) -> String {
    let mut text = String::with_capacity(48);
    match cursor {
        Cursor::Follow(Followed { start, known, settled, drain, sweep }) => {
            text.push('f');
            number(&mut text, i128::from(*start));
            for time in [known, settled, sweep] {
                text.push(',');
                number(&mut text, i128::from(*time) - i128::from(*start));
            }
            if let Some(id) = drain {
                text.push(',');
                number(&mut text, i128::from(*id));
            }
        }
        Cursor::Snapshot(Snapshotted { start, since, left }) => {
            text.push('s');
            number(&mut text, i128::from(*start));
            text.push(',');
            if let Some(since) = since {
                number(&mut text, i128::from(*since) - i128::from(*start));
            }
            text.push(',');
            match left {
                Left::CreatedSince(created) => {
                    text.push('@');
                    number(&mut text, i128::from(*created) - i128::from(*start));
                }
                Left::Objects(Place::Page(None)) => {}
                Left::Objects(Place::Page(Some(page))) => {
                    text.push('>');
                    text.push_str(page);
                }
                Left::Objects(Place::Ranges(ranges)) => {
                    text.push('.');
                    for (place, Range { floor, end }) in ranges.iter().enumerate() {
                        if place > 0 {
                            text.push('.');
                        }
                        number(&mut text, i128::from(*floor));
                        text.push('-');
                        if let Some(end) = end {
                            number(&mut text, i128::from(*end));
                        }
                    }
                }
            }
        }
        Cursor::Directory(DirectoryCursor { start, since, snapshot, ids }) => {
            text.push('d');
            number(&mut text, i128::from(*start));
            text.push(',');
            number(&mut text, i128::from(*since) - i128::from(*start));
            // Ids begin with `=` or `~`, and have no `>`.
            text.push_str(ids.as_deref().unwrap_or_default());
            if let Some(snapshot) = snapshot {
                text.push('>');
                text.push_str(snapshot);
            }
        }
    }
    text
}

/// `None` when it is no such text.
pub(super) fn read(text: &str) -> Option<Cursor> {
    let mut chars = text.chars();
    let phase = chars.next()?;
    let rest = chars.as_str();
    match phase {
        'f' => {
            let mut fields = rest.split(',');
            let start = parse(fields.next()?)?;
            let mut time = || start.checked_add(parse(fields.next()?)?);
            let (known, settled, sweep) = (time()?, time()?, time()?);
            let drain = match fields.next() {
                Some(id) => Some(u64::from_str_radix(id, RADIX).ok()?),
                None => None,
            };
            fields.next().is_none().then_some(Cursor::Follow(Followed { start, known, settled, drain, sweep }))
        }
        's' => {
            let mut fields = rest.splitn(3, ',');
            let start = parse(fields.next()?)?;
            let since = match fields.next()? {
                "" => None,
                since => Some(start.checked_add(parse(since)?)?),
            };
            let left = fields.next()?;
            let left = match left.chars().next() {
                None => Left::Objects(Place::Page(None)),
                Some('@') => Left::CreatedSince(start.checked_add(parse(&left[1..])?)?),
                Some('>') => Left::Objects(Place::Page(Some(left[1..].to_owned()))),
                Some('.') => Left::Objects(Place::Ranges(ranges(&left[1..])?)),
                Some(_) => return None,
            };
            Some(Cursor::Snapshot(Snapshotted { start, since, left }))
        }
        'd' => {
            let (rest, snapshot) = match rest.split_once('>') {
                Some((rest, snapshot)) => (rest, Some(snapshot.to_owned())),
                None => (rest, None),
            };
            let (times, ids) = rest.split_at(rest.find(['=', '~']).unwrap_or(rest.len()));
            let ids = (!ids.is_empty()).then(|| ids.to_owned());
            let (start, since) = times.split_once(',')?;
            let start = parse(start)?;
            let since = start.checked_add(parse(since)?)?;
            Some(Cursor::Directory(DirectoryCursor { start, since, snapshot, ids }))
        }
        _ => None,
    }
}

fn ranges(text: &str) -> Option<Vec<Range>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let range = |text: &str| {
        let (floor, end) = text.split_once('-')?;
        let floor = u64::from_str_radix(floor, RADIX).ok()?;
        let end = if end.is_empty() { None } else { Some(u64::from_str_radix(end, RADIX).ok()?) };
        end.is_none_or(|end| floor <= end).then_some(Range { floor, end })
    };
    text.split('.').map(range).collect()
}

fn number(text: &mut String, number: i128) {
    if number < 0 {
        text.push('-');
    }
    let mut rest = number.unsigned_abs();
    let mut digits = [0_u8; 26];
    let mut length = 0;
    loop {
        digits[length] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % u128::from(RADIX)) as usize];
        length += 1;
        rest /= u128::from(RADIX);
        if rest == 0 || length == digits.len() {
            break;
        }
    }
    text.extend(digits[..length].iter().rev().map(|digit| char::from(*digit)));
}

fn parse(text: &str) -> Option<Millis> {
    Millis::from_str_radix(text, RADIX).ok()
}
