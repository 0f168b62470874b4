//! Values as Go's package fmt writes them, which is how its templates do.

use std::fmt::Write as _;

use opencdc::{Number, Value};

/// A value with the verb `%v`.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            write_map(fields, write, out);
        }
    }
}

/// A map with the verb `%v`; its fields are in the order of their names.
pub(super) fn write_map<'a, V>(
    fields: impl IntoIterator<Item = (&'a str, V)>,
    mut write: impl FnMut(V, &mut String),
    out: &mut String,
) {
    out.push_str("map[");
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(name);
        out.push(':');
        write(value, out);
    }
    out.push(']');
}

/// Bytes with the verb `%v`.
pub(super) fn write_bytes(bytes: &[u8], out: &mut String) {
    out.push('[');
    for (index, byte) in bytes.iter().enumerate() {
        let space = if index > 0 { " " } else { "" };
        // A String takes everything.
        let _ = write!(out, "{space}{byte}");
    }
    out.push(']');
}

fn write_number(number: &Number, out: &mut String) {
    let Some(double) = number.as_f64().filter(|_| number.is_f64()) else {
        let _ = write!(out, "{number}");
        return;
    };
    // The shortest digits that mean the number; with an exponent where that is below -4, or above 5.
    let scientific = format!("{double:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if double != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{digits}e{sign}{:02}", exponent.abs());
    } else {
        let _ = write!(out, "{double}");
    }
}
