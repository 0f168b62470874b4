//! One entry of the `resource` parameter's list: a name, a custom object, or a glob.

use crate::custom::{CUSTOM_PREFIX, CustomObject};
use crate::{Resource, UnknownResource, find};

/// What an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A resource of the catalogue.
    Listed(&'static Resource),
    /// A custom object, by its name or its fully qualified one.
    Name(String),
    /// A custom object, by its object type id.
    Id(String),
    /// Any number of resources.
    Glob(Glob),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownResource> {
        if text.contains('*') {
            return Ok(Self::Glob(Glob(text.chars().collect())));
        }
        match text.strip_prefix(CUSTOM_PREFIX).filter(|name| !name.is_empty()) {
            Some(id) if is_object_type_id(id) => Ok(Self::Id(id.to_owned())),
            Some(name) => Ok(Self::Name(name.to_owned())),
            None => find(text).map(Self::Listed),
        }
    }

    /// Whether it names this resource of the catalogue.
    pub(crate) fn names(&self, resource: &Resource) -> bool {
        match self {
            Self::Listed(listed) => listed.name == resource.name,
            Self::Name(_) | Self::Id(_) => false,
            Self::Glob(glob) => glob.matches(resource.name),
        }
    }

    /// Whether it names this custom object. Globs are matched with both of its names.
    pub(crate) fn names_custom(&self, object: &CustomObject) -> bool {
        match self {
            Self::Listed(_) => false,
            Self::Name(name) => *name == object.name || *name == object.fully_qualified_name,
            Self::Id(id) => *id == object.object_type_id,
            Self::Glob(glob) => [&object.name, &object.fully_qualified_name]
                .into_iter()
                .any(|name| !name.is_empty() && glob.matches(&format!("{CUSTOM_PREFIX}{name}"))),
        }
    }

    /// Whether a custom object may have a name that it names.
    pub(crate) fn may_name_custom(&self) -> bool {
        match self {
            Self::Listed(_) => false,
            Self::Name(_) | Self::Id(_) => true,
            Self::Glob(glob) => glob.may_match_custom(),
        }
    }
}

/// HubSpot's form of it: custom types have 2 in front.
fn is_object_type_id(text: &str) -> bool {
    text.strip_prefix("2-").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name in which `*` stands for any characters, dots included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(Vec<char>);

impl Glob {
    fn matches(&self, text: &str) -> bool {
        self.behind(text).iter().any(|rest| rest.iter().all(|char| *char == '*'))
    }

    /// Whether what is left behind the prefix can be a name of one part, as HubSpot's schemas have.
    fn may_match_custom(&self) -> bool {
        self.behind(CUSTOM_PREFIX).iter().any(|rest| !rest.is_empty() && !rest.contains(&'.'))
    }

    /// What may be left of the pattern when it has matched this text.
    fn behind(&self, text: &str) -> Vec<&[char]> {
        let mut places = vec![false; self.0.len() + 1];
        places[0] = true;
        self.pass_stars(&mut places);
        for char in text.chars() {
            let mut next = vec![false; places.len()];
            for (place, expected) in self.0.iter().enumerate().filter(|(place, _)| places[*place]) {
                if *expected == '*' {
                    next[place] = true;
                } else if *expected == char {
                    next[place + 1] = true;
                }
            }
            self.pass_stars(&mut next);
            places = next;
        }
        (0..places.len()).filter(|place| places[*place]).map(|place| &self.0[place..]).collect()
    }

    /// A star may stand for nothing.
    fn pass_stars(&self, places: &mut [bool]) {
        for (place, char) in self.0.iter().enumerate() {
            if *char == '*' && places[place] {
                places[place + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob(text.chars().collect())
    }

    #[test]
    fn a_star_stands_for_any_characters_and_for_none() {
        for (pattern, text, expected) in [
            ("*", "crm.contacts", true),
            ("crm.*", "crm.contacts", true),
            ("crm.*", "crm.pipelines.deals", true),
            ("crm.*", "cms.blogs.posts", false),
            ("*.deals", "crm.pipelines.deals", true),
            ("crm.*s", "crm.notes", true),
            ("crm.*s", "crm.postalMail", false),
            ("crm.contacts*", "crm.contacts", true),
            ("c*m*s", "crm.contacts", true),
            ("*a*b*a*b*", "aabab", true),
            ("a*b", "ab c", false),
        ] {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_may_name_custom_objects_is_known_without_them() {
        for (pattern, expected) in [
            ("*", true),
            ("crm.*", true),
            ("crm.obj*", true),
            ("crm.objects.*", true),
            ("crm.objects.c*rs", true),
            ("*.cars*", true),
            ("crm.objects*", true),
            ("crm.objects", false),
            ("crm.pipelines.*", false),
            ("*.pipelines.*", false),
            ("cms.*", false),
            ("crm.c*.x", false),
        ] {
            assert_eq!(glob(pattern).may_match_custom(), expected, "{pattern}");
        }
    }
}
