//! Values of enumerations: options, several of them with semicolons between.

use serde_json::Value;

use super::error::Allowed;
use super::facts::SEPARATOR;
use super::number;
use crate::definitions::Options;

/// One option. A list of one is as good; an empty one clears.
pub(super) fn one(options: Option<&Options>, value: &Value) -> Result<String, Allowed> {
    let value = match value {
        Value::Array(list) => match list.as_slice() {
            [] => return Ok(String::new()),
            [one] => one,
            _ => return Err(Allowed::OneOption),
        },
        one => one,
    };
    let text = scalar(value).ok_or_else(|| any_of(options, Allowed::OneOption))?;
    if !text.is_empty() {
        check(options, &text)?;
    }
    Ok(text)
}

/// Several options, in their order, each once: a list, or text with semicolons between. A semicolon in front of the text stays, since
/// HubSpot then adds the options to those that the object has.
pub(super) fn several(options: Option<&Options>, value: &Value) -> Result<String, Allowed> {
    match value {
        Value::Array(list) => {
            let mut chosen = Chosen::new(false);
            for one in list {
                let text = scalar(one).ok_or(Allowed::ListOfTexts)?;
                if text.contains(SEPARATOR) {
                    return Err(Allowed::OptionsWithoutSemicolon);
                }
                chosen.add(options, &text)?;
            }
            Ok(chosen.text)
        }
        one => {
            let text = scalar(one).ok_or(Allowed::ListOfTexts)?;
            let mut chosen = Chosen::new(text.starts_with(SEPARATOR));
            for option in text.split(SEPARATOR) {
                chosen.add(options, option)?;
            }
            // Semicolons alone would clear what they are to add to.
            if chosen.count == 0 && !text.is_empty() {
                Err(any_of(options, Allowed::ListOfTexts))
            } else {
                Ok(chosen.text)
            }
        }
    }
}

struct Chosen {
    text: String,
    /// Where the first option begins.
    front: usize,
    count: usize,
}

impl Chosen {
    fn new(adds: bool) -> Self {
        let text = if adds { SEPARATOR.to_string() } else { String::new() };
        Self { front: text.len(), text, count: 0 }
    }

    fn add(&mut self, options: Option<&Options>, option: &str) -> Result<(), Allowed> {
        // `a; b` is what people write. An option with blanks around it is found as it is.
        let option = if options.is_some_and(|options| options.contains(option)) { option } else { option.trim() };
        if option.is_empty() || self.text[self.front..].split(SEPARATOR).any(|chosen| chosen == option) {
            return Ok(());
        }
        check(options, option)?;
        if self.count > 0 {
            self.text.push(SEPARATOR);
        }
        self.text.push_str(option);
        self.count += 1;
        Ok(())
    }
}

fn check(options: Option<&Options>, text: &str) -> Result<(), Allowed> {
    let Some(options) = options else { return Ok(()) };
    if options.contains(text) {
        return Ok(());
    }
    Err(match options.meant_by(text) {
        Some(value) => Allowed::Option(value.to_owned()),
        None => Allowed::Options(options.to_string()),
    })
}

fn any_of(options: Option<&Options>, otherwise: Allowed) -> Allowed {
    options.map_or(otherwise, |options| Allowed::Options(options.to_string()))
}

/// Text, a number or a boolean, as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number::of_number(number)),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definitions::ValueKind;
    use crate::definitions::tests::{options, property};

    fn known(values: &[&str]) -> Options {
        let property = property("x", "enumeration", json!({"options": options(values)}));
        match crate::definitions::Definitions::new(vec![property]).get("x").unwrap().kind.clone() {
            ValueKind::Enumeration { options: Some(options), .. } => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_option_is_a_value_that_there_is() {
        let stages = known(&["new", "won", "5", "true"]);
        let of = |value: Value| one(Some(&stages), &value);
        for (value, text) in
            [(json!("won"), "won"), (json!(5), "5"), (json!(true), "true"), (json!(["new"]), "new"), (json!([]), "")]
        {
            assert_eq!(of(value.clone()).as_deref(), Ok(text), "{value}");
        }
        assert_eq!(of(json!("WON")), Err(Allowed::Option("won".into())), "a label names its value");
        let all = Allowed::Options("`new`, `won`, `5`, `true`".into());
        assert_eq!(of(json!("lost")), Err(all.clone()));
        assert_eq!(of(json!("new;won")), Err(all.clone()));
        assert_eq!(of(json!({"a": 1})), Err(all));
        assert_eq!(of(json!(["new", "won"])), Err(Allowed::OneOption));
    }

    #[test]
    fn several_options_keep_their_order_and_come_once() {
        let colours = known(&["red", "green", "dark blue", "7"]);
        let of = |value: Value| several(Some(&colours), &value);
        for (value, text) in [
            (json!("green;red"), "green;red"),
            (json!("green; red;green;"), "green;red"),
            (json!(["red", "dark blue", "red", 7]), "red;dark blue;7"),
            (json!("red"), "red"),
            (json!(7), "7"),
            (json!([]), ""),
            (json!(";red"), ";red"),
            (json!(";red;green;red"), ";red;green"),
        ] {
            assert_eq!(of(value.clone()).as_deref(), Ok(text), "{value}");
        }
        assert_eq!(of(json!("red;GREEN")), Err(Allowed::Option("green".into())));
        assert!(matches!(of(json!("red;black")), Err(Allowed::Options(_))));
        assert!(matches!(of(json!(";")), Err(Allowed::Options(_))));
        assert_eq!(of(json!(["red;green"])), Err(Allowed::OptionsWithoutSemicolon));
        assert_eq!(of(json!(["red", null])), Err(Allowed::ListOfTexts));
        assert_eq!(of(json!({"red": true})), Err(Allowed::ListOfTexts));
    }

    #[test]
    fn options_that_nobody_lists_are_any() {
        assert_eq!(one(None, &json!(81_234)).as_deref(), Ok("81234"));
        assert_eq!(several(None, &json!(["1", 2])).as_deref(), Ok("1;2"));
    }
}
