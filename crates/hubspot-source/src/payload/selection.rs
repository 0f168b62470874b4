//! Which properties are read: the user's list of names and globs, against what is defined.

use std::fmt;

use thiserror::Error;

use super::definitions::Definitions;

/// Which properties of CRM objects are read.
///
/// ```
/// use hubspot_source::Properties;
///
/// assert_eq!(Properties::parse(["default"])?, Properties::Default);
/// assert_eq!(Properties::parse(["all"])?, Properties::All);
/// let some = Properties::parse(["default", "hs_*", "!hs_analytics_*"])?;
/// assert_eq!(some.to_string(), "default,hs_*,!hs_analytics_*");
/// # Ok::<(), hubspot_source::PropertiesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Properties {
    /// Those that HubSpot sends unasked.
    #[default]
    Default,
    /// All that are defined.
    All,
    /// Those that at least one pattern takes in and none leaves out, wherever in the list it stands.
    Matching(Vec<Pattern>),
}

/// One entry of a list of properties: a name, a glob (`*` is any text, `?` any one character), `default`, `all`; with `!` in
/// front it leaves out what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    excludes: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Default,
    All,
    Name(Box<str>),
    Glob(Box<str>),
}

/// What a user wrote out, to be read or to be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// A name.
    Name(Box<str>),
    /// A glob.
    Glob(Box<str>),
}

impl Written {
    pub(crate) fn name(name: &str) -> Self {
        Self::Name(name.into())
    }

    /// Whether it means the property of this name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => **own == *name,
            Self::Glob(glob) => glob_matches(glob, name),
        }
    }
}

/// As the user writes it.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Name(text) | Self::Glob(text)) = self;
        f.write_str(text)
    }
}

/// A list of properties that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PropertiesError {
    /// An entry with nothing in it.
    #[error("the list of properties has an empty entry: remove it, or name a property")]
    Empty,
    /// An entry with a character that no property's name has.
    #[error("{pattern:?} is no property: names have no {character:?}; separate names with commas")]
    Character {
        /// The entry.
        pattern: String,
        /// What can't be in it.
        character: char,
    },
    /// An entry in upper case; HubSpot's names are all lower case.
    #[error("{pattern:?} is no property: names are lower case, did you mean {suggestion:?}?")]
    UpperCase {
        /// The entry.
        pattern: String,
        /// The entry in lower case.
        suggestion: String,
    },
    /// Only entries that leave something out.
    #[error("the properties only leave out ({pattern:?}): say from what, for example \"all,{pattern}\"")]
    OnlyExclusions {
        /// The first of the entries.
        pattern: String,
    },
}

/// What a [`Properties`] comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// What to ask HubSpot for; nothing asks for the type's default ones.
    pub(crate) properties: Vec<String>,
    /// Names that the user gave and that aren't defined: left out, and worth a word.
    pub(crate) undefined: Vec<String>,
}

impl Resolution {
    /// The undefined names that weren't undefined before: what there is to say once.
    pub(crate) fn newly_undefined<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a str> {
        self.undefined.iter().filter(|name| !before.undefined.contains(name)).map(String::as_str)
    }
}

/// A property that every object has, and that comes unasked.
const ALWAYS_THERE: &str = "hs_object_id";

impl Properties {
    /// Reads a list. Nothing in it means the default properties.
    ///
    /// # Errors
    /// An entry that can be no name, or only entries that leave out.
    pub fn parse<S: AsRef<str>>(list: impl IntoIterator<Item = S>) -> Result<Self, PropertiesError> {
        let patterns = list.into_iter().map(|entry| Pattern::parse(entry.as_ref())).collect::<Result<Vec<_>, _>>()?;
        match patterns.as_slice() {
            [] | [Pattern { excludes: false, what: What::Default }] => Ok(Self::Default),
            [Pattern { excludes: false, what: What::All }] => Ok(Self::All),
            [first, ..] if patterns.iter().all(|pattern| pattern.excludes) => {
                Err(PropertiesError::OnlyExclusions { pattern: first.to_string() })
            }
            _ => Ok(Self::Matching(patterns)),
        }
    }

    /// Whether it takes the object type's definitions to say which properties these are.
    pub fn needs_definitions(&self) -> bool {
        match self {
            Self::Default => false,
            Self::All => true,
            Self::Matching(patterns) => {
                patterns.iter().any(|pattern| !pattern.excludes && matches!(pattern.what, What::All | What::Glob(_)))
            }
        }
    }

    /// Whether these are HubSpot's default ones and no others.
    pub fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }

    /// Whether it takes HubSpot's default ones to say which properties these are.
    pub fn wants_defaults(&self) -> bool {
        match self {
            Self::Default => true,
            Self::All => false,
            Self::Matching(patterns) => patterns.iter().any(|pattern| matches!(pattern.what, What::Default)),
        }
    }

    /// The properties to ask for: the default ones first, then as they are defined; without definitions, then as they
    /// are named. `extra` is never left out by a pattern.
    ///
    /// Naming any property makes HubSpot send no default ones but `hs_object_id` and the two times; so `defaults` has to be what it
    /// sends unasked.
    ///
    /// With definitions only what is defined is asked for: a property that was removed in HubSpot is left out.
    pub(crate) fn resolve(
        &self,
        extra: &[String],
        definitions: Option<&Definitions>,
        defaults: &[String],
    ) -> Resolution {
        if matches!(self, Self::Default) && extra.is_empty() {
            return Resolution::default();
        }
        let is_default = |name: &str| defaults.iter().any(|default| default == name);
        let wanted = |name: &str| extra.iter().any(|extra| extra == name) || self.takes(name, is_default(name));
        let mut resolution = Resolution::default();
        let defined = |name: &str| definitions.is_none_or(|definitions| definitions.is_known(name));
        for name in defaults.iter().filter(|name| wanted(name) && defined(name)) {
            push(&mut resolution.properties, name);
        }
        for definition in definitions.into_iter().flat_map(Definitions::definitions) {
            if !is_default(&definition.name) && wanted(&definition.name) {
                // No two definitions have one name.
                resolution.properties.push(definition.name.to_string());
            }
        }
        for name in self.names().chain(extra.iter().map(String::as_str)) {
            if !defined(name) {
                push(&mut resolution.undefined, name);
            } else if definitions.is_none() && wanted(name) {
                push(&mut resolution.properties, name);
            }
        }
        if resolution.properties.is_empty() {
            // An empty list would ask for the default ones.
            resolution.properties.push(ALWAYS_THERE.to_owned());
        }
        resolution
    }

    fn takes(&self, name: &str, is_default: bool) -> bool {
        match self {
            Self::Default => is_default,
            Self::All => true,
            Self::Matching(patterns) => {
                let matched = |excludes| {
                    patterns
                        .iter()
                        .any(|pattern| pattern.excludes == excludes && pattern.what.matches(name, is_default))
                };
                matched(false) && !matched(true)
            }
        }
    }

    /// The names and globs, those too that leave something out.
    pub(crate) fn written(&self) -> impl Iterator<Item = Written> {
        self.patterns().iter().filter_map(|pattern| match &pattern.what {
            What::Name(name) => Some(Written::Name(name.clone())),
            What::Glob(glob) => Some(Written::Glob(glob.clone())),
            What::Default | What::All => None,
        })
    }

    fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Matching(patterns) => patterns,
            Self::Default | Self::All => &[],
        }
    }

    /// The plain names that are to be read.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.patterns().iter().filter(|pattern| !pattern.excludes).filter_map(|pattern| match &pattern.what {
            What::Name(name) => Some(&**name),
            What::Default | What::All | What::Glob(_) => None,
        })
    }
}

/// As the user writes it.
impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::All => f.write_str("all"),
            Self::Matching(patterns) => {
                for (place, pattern) in patterns.iter().enumerate() {
                    if place > 0 {
                        f.write_str(",")?;
                    }
                    pattern.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

fn push(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|present| present == name) {
        list.push(name.to_owned());
    }
}

impl Pattern {
    fn parse(entry: &str) -> Result<Self, PropertiesError> {
        let entry = entry.trim();
        let (excludes, what) = entry.strip_prefix('!').map_or((false, entry), |rest| (true, rest.trim_start()));
        if what.is_empty() {
            return Err(PropertiesError::Empty);
        }
        let bad =
            |character: &char| character.is_whitespace() || character.is_control() || matches!(character, ',' | '!');
        if let Some(character) = what.chars().find(bad) {
            return Err(PropertiesError::Character { pattern: entry.to_owned(), character });
        }
        let suggestion = entry.to_lowercase();
        if suggestion != entry {
            return Err(PropertiesError::UpperCase { pattern: entry.to_owned(), suggestion });
        }
        let what = match what {
            "default" => What::Default,
            "all" => What::All,
            glob if glob.contains(['*', '?']) => What::Glob(glob.into()),
            name => What::Name(name.into()),
        };
        Ok(Self { excludes, what })
    }
}

/// As the user writes it.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excludes {
            f.write_str("!")?;
        }
        f.write_str(match &self.what {
            What::Default => "default",
            What::All => "all",
            What::Name(text) | What::Glob(text) => text,
        })
    }
}

impl What {
    fn matches(&self, name: &str, is_default: bool) -> bool {
        match self {
            Self::Default => is_default,
            Self::All => true,
            Self::Name(own) => **own == *name,
            Self::Glob(glob) => glob_matches(glob, name),
        }
    }
}

/// `*` is any text, `?` any one character. Goes back to the last `*` only, so that no glob takes long.
fn glob_matches(glob: &str, name: &str) -> bool {
    let (mut glob, mut name) = (glob.chars(), name.chars());
    let mut back: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut after_glob, mut after_name) = (glob.clone(), name.clone());
        match (after_glob.next(), after_name.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                back = Some((after_glob.clone(), name.clone()));
                glob = after_glob;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => (glob, name) = (after_glob, after_name),
            _ => {
                // The last star takes one character more.
                let Some((after_star, rest)) = &mut back else { return false };
                if rest.next().is_none() {
                    return false;
                }
                (glob, name) = (after_star.clone(), rest.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::definitions::tests::definitions;
    use super::*;

    fn parse(list: &str) -> Properties {
        Properties::parse(list.split(',')).unwrap()
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn contacts() -> Definitions {
        definitions(&[
            ("zip", "string"),
            ("hs_score", "number"),
            ("email", "string"),
            ("hs_internal_a", "string"),
            ("firstname", "string"),
            ("hs_object_id", "number"),
        ])
    }

    /// With the definitions of contacts; what is asked for, and what is undefined.
    fn resolve(list: &str, extra: &[&str]) -> (Vec<String>, Vec<String>) {
        let resolution = parse(list).resolve(&owned(extra), Some(&contacts()), &owned(&["email", "firstname"]));
        (resolution.properties, resolution.undefined)
    }

    #[test]
    fn lists_select_in_a_fixed_order() {
        for (list, expected) in [
            ("all", &["email", "firstname", "zip", "hs_score", "hs_internal_a", "hs_object_id"][..]),
            ("hs_*", &["hs_score", "hs_internal_a", "hs_object_id"]),
            ("!hs_internal*,hs_*", &["hs_score", "hs_object_id"]),
            ("all,!hs_*", &["email", "firstname", "zip"]),
            ("default,hs_*,!hs_internal*", &["email", "firstname", "hs_score", "hs_object_id"]),
            ("all,!default", &["zip", "hs_score", "hs_internal_a", "hs_object_id"]),
            ("default,!email", &["firstname"]),
            ("hs_score,zip,hs_score", &["zip", "hs_score"]),
            ("?ip", &["zip"]),
            ("zip,email", &["email", "zip"]),
        ] {
            assert_eq!(resolve(list, &[]), (owned(expected), Vec::new()), "{list}");
        }
    }

    #[test]
    fn default_alone_asks_for_nothing_and_names_itself_with_extras() {
        assert_eq!(resolve("default", &[]).0, Vec::<String>::new());
        assert_eq!(resolve("default", &["zip"]).0, ["email", "firstname", "zip"]);
        assert_eq!(resolve("zip", &["hs_score"]).0, ["zip", "hs_score"]);
        assert_eq!(resolve("all,!hs_*", &["hs_score"]).0, ["email", "firstname", "zip", "hs_score"]);
    }

    #[test]
    fn a_removed_property_is_left_out_and_said_once() {
        let (properties, undefined) = resolve("zip,removed,removed", &["gone", "email"]);
        assert_eq!(properties, ["email", "zip"]);
        assert_eq!(undefined, ["removed", "gone"]);
        let first = parse("a,b").resolve(&[], Some(&definitions(&[("a", "string")])), &[]);
        let second = parse("a,b").resolve(&[], Some(&definitions(&[("c", "string")])), &[]);
        assert_eq!(first.newly_undefined(&Resolution::default()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(second.newly_undefined(&first).collect::<Vec<_>>(), ["a"]);
        assert_eq!(second.newly_undefined(&second).count(), 0);
    }

    #[test]
    fn a_default_property_that_is_not_defined_is_left_out_without_a_word() {
        let resolution = parse("default,b").resolve(&[], Some(&definitions(&[("b", "string")])), &owned(&["a"]));
        assert_eq!(resolution, Resolution { properties: owned(&["b"]), undefined: Vec::new() });
    }

    #[test]
    fn nothing_that_matches_does_not_ask_for_the_default_ones() {
        assert_eq!(resolve("nothing_like_that*", &[]).0, ["hs_object_id"]);
        assert_eq!(resolve("removed", &[]).0, ["hs_object_id"]);
    }

    #[test]
    fn without_definitions_names_stand_for_themselves() {
        for (list, extra, expected) in [
            ("b,a,default", &["c", "a"][..], &["email", "b", "a", "c"][..]),
            ("b,a,!b", &[], &["a"]),
            ("b,!b", &["b"], &["b"]),
        ] {
            let resolution = parse(list).resolve(&owned(extra), None, &owned(&["email"]));
            assert_eq!(resolution, Resolution { properties: owned(expected), undefined: Vec::new() }, "{list}");
        }
    }

    #[test]
    fn only_what_takes_in_by_a_pattern_needs_definitions() {
        for (list, needs) in [
            ("default", false),
            ("all", true),
            ("email,zip", false),
            ("default,email", false),
            ("hs_*", true),
            ("default,!hs_*", false),
            ("all,!hs_*", true),
        ] {
            assert_eq!(parse(list).needs_definitions(), needs, "{list}");
        }
    }

    #[test]
    fn what_can_be_no_list_is_one_clear_line() {
        for (list, message) in [
            ("email,,zip", "the list of properties has an empty entry: remove it, or name a property"),
            ("!", "the list of properties has an empty entry: remove it, or name a property"),
            ("first name", "\"first name\" is no property: names have no ' '; separate names with commas"),
            ("!!email", "\"!!email\" is no property: names have no '!'; separate names with commas"),
            ("FirstName", "\"FirstName\" is no property: names are lower case, did you mean \"firstname\"?"),
            ("!HS_*", "\"!HS_*\" is no property: names are lower case, did you mean \"!hs_*\"?"),
            ("!hs_*,!email", "the properties only leave out (\"!hs_*\"): say from what, for example \"all,!hs_*\""),
        ] {
            assert_eq!(Properties::parse(list.split(',')).unwrap_err().to_string(), message);
        }
        assert_eq!(Properties::parse([""; 0]), Ok(Properties::Default));
        assert_eq!(Properties::parse([" default "]), Ok(Properties::Default));
    }

    #[test]
    fn globs_match_as_a_user_expects() {
        for (glob, name, matches) in [
            ("*", "", true),
            ("*", "anything", true),
            ("hs_*", "hs_", true),
            ("hs_*", "hs", false),
            ("*_date", "close_date", true),
            ("*_date", "close_date_2", false),
            ("hs_*_id", "hs_object_id_id", true),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxcyyb", false),
            ("?s", "hs", true),
            ("?s", "s", false),
            ("*?", "", false),
            ("a*", "ba", false),
        ] {
            assert_eq!(glob_matches(glob, name), matches, "{glob} {name}");
        }
        // No glob takes long.
        assert!(!glob_matches(&"a*".repeat(50), &"a".repeat(49)));
        assert!(!glob_matches(&format!("{}b", "a*".repeat(50)), &"a".repeat(5_000)));
    }
}
