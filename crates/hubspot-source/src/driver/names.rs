//! Names of properties that nobody has: HubSpot ignores these without a word, so it is said here.
//!
//! Whoever names properties for several resources means that some have them. So the definitions of all are looked at before
//! a name is called unknown. That is a service only: it delays nothing, and where HubSpot refuses the definitions there is
//! nothing to say.

use std::collections::BTreeMap;

use hubspot_client::Property;

use crate::config::Config;
use crate::payload::selection::Written;

/// How alike two names are, from 0 to 1, for one to be offered instead of the other.
const ALIKE: f64 = 0.75;

/// What the user wrote out, and who has it.
#[derive(Debug)]
pub(super) struct Names {
    wanted: Vec<Wanted>,
    /// The CRM streams, by their numbers, with what of `wanted` each has; nothing where that isn't known.
    streams: BTreeMap<usize, Option<Vec<bool>>>,
    looked_at: Vec<&'static str>,
    is_said: bool,
}

#[derive(Debug)]
struct Wanted {
    written: Written,
    is_known: bool,
    near: Option<(f64, String)>,
}

/// A name that no resource has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) near: Option<String>,
}

impl Names {
    pub(super) fn new(config: &Config) -> Self {
        let mut written: Vec<Written> = config.properties.written().collect();
        written.extend(config.extra_properties.iter().map(|name| Written::name(name)));
        let mut wanted: Vec<Wanted> = Vec::with_capacity(written.len());
        for written in written {
            if !wanted.iter().any(|known| known.written == written) {
                wanted.push(Wanted { written, is_known: false, near: None });
            }
        }
        let crm = config.resources.iter().enumerate().filter(|(_, resource)| resource.is_crm());
        let streams = if wanted.is_empty() { BTreeMap::new() } else { crm.map(|(number, _)| (number, None)).collect() };
        Self { wanted, streams, looked_at: Vec::new(), is_said: false }
    }

    /// The streams whose definitions have to be looked at.
    pub(super) fn streams(&self) -> Vec<usize> {
        self.streams.keys().copied().collect()
    }

    /// Takes in what a stream's objects can have: the names that it had before, and has no more.
    pub(super) fn learn(&mut self, stream: usize, resource: &'static str, definitions: &[Property]) -> Vec<String> {
        let Some(before) = self.streams.get_mut(&stream) else { return Vec::new() };
        let defined =
            || definitions.iter().filter(|property| !property.archived).map(|property| property.name.as_str());
        let has: Vec<bool> =
            self.wanted.iter().map(|wanted| defined().any(|name| wanted.written.matches(name))).collect();
        let before = before.replace(has.clone());
        if before.is_none() {
            self.looked_at.push(resource);
        }
        if !self.is_said {
            for (wanted, has) in self.wanted.iter_mut().zip(&has) {
                wanted.is_known |= has;
                wanted.compare(defined());
            }
        }
        let names = self.wanted.iter().zip(before.into_iter().flatten().zip(has));
        names.filter(|(_, (before, has))| *before && !has).map(|(wanted, _)| wanted.written.to_string()).collect()
    }

    /// HubSpot doesn't tell what this stream's objects can have.
    pub(super) fn give_up(&mut self, stream: usize) {
        self.streams.remove(&stream);
    }

    /// The names that none of the resources has that were looked at, once, when all have been.
    pub(super) fn take_unknown(&mut self) -> Option<(Vec<Unknown>, String)> {
        if self.is_said || self.streams.values().any(Option::is_none) {
            return None;
        }
        self.is_said = true;
        if self.looked_at.is_empty() {
            return None;
        }
        let unknown = self.wanted.iter_mut().filter(|wanted| !wanted.is_known);
        let unknown = unknown
            .map(|wanted| Unknown { name: wanted.written.to_string(), near: wanted.near.take().map(|(_, name)| name) });
        Some((unknown.collect(), self.looked_at.join(", ")))
    }
}

impl Wanted {
    /// Remembers the name that comes nearest.
    fn compare<'a>(&mut self, defined: impl Iterator<Item = &'a str>) {
        let Written::Name(own) = &self.written else { return };
        if self.is_known {
            return;
        }
        let own = own.to_lowercase();
        for name in defined {
            let alike = strsim::normalized_damerau_levenshtein(&own, name);
            if alike >= self.near.as_ref().map_or(ALIKE, |(alike, _)| alike + f64::EPSILON) {
                self.near = Some((alike, name.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Properties;

    fn names(resources: &[&str], properties: &str, extra: &[&str]) -> Names {
        let mut config = Config::new(resources.iter().map(|name| hubspot_catalog::find(name).unwrap()));
        config.properties = Properties::parse(properties.split(',')).unwrap();
        config.extra_properties = extra.iter().map(|name| (*name).to_owned()).collect();
        Names::new(&config)
    }

    fn defined(names: &[&str]) -> Vec<Property> {
        names.iter().map(|name| serde_json::from_value(json!({"name": name, "type": "string"})).unwrap()).collect()
    }

    fn unknown(name: &str, near: Option<&str>) -> Unknown {
        Unknown { name: name.to_owned(), near: near.map(str::to_owned) }
    }

    #[test]
    fn a_name_is_unknown_when_no_resource_has_it_and_the_nearest_is_offered() {
        let mut names = names(&["crm.contacts", "crm.owners", "crm.deals"], "default,hs_*,zip*", &["amount", "emial"]);
        assert_eq!(names.streams(), [0, 2]);
        names.learn(0, "crm.contacts", &defined(&["email", "firstname", "hs_score"]));
        assert_eq!(names.take_unknown(), None, "deals may have it");
        names.learn(2, "crm.deals", &defined(&["dealname", "amount"]));
        let expected = vec![unknown("zip*", None), unknown("emial", Some("email"))];
        assert_eq!(names.take_unknown(), Some((expected, "crm.contacts, crm.deals".to_owned())));
        assert_eq!(names.take_unknown(), None, "it is said once");
    }

    #[test]
    fn what_hubspot_does_not_tell_is_not_held_against_a_name() {
        let mut names = names(&["crm.contacts", "crm.deals"], "default", &["amount"]);
        names.give_up(1);
        assert_eq!(names.take_unknown(), None);
        names.learn(0, "crm.contacts", &defined(&["email"]));
        assert_eq!(names.take_unknown(), Some((vec![unknown("amount", None)], "crm.contacts".to_owned())));
    }

    #[test]
    fn nothing_is_said_where_nothing_was_looked_at_or_named() {
        let mut refused = names(&["crm.contacts"], "default", &["amount"]);
        refused.give_up(0);
        assert_eq!(refused.take_unknown(), None);
        for properties in ["default", "all"] {
            assert!(names(&["crm.contacts"], properties, &[]).streams().is_empty());
        }
    }

    #[test]
    fn a_name_that_goes_later_is_told_for_its_resource() {
        let mut names = names(&["crm.contacts"], "email,!zip", &["size"]);
        assert!(names.learn(0, "crm.contacts", &defined(&["email", "size"])).is_empty());
        assert_eq!(names.take_unknown().unwrap().0, [unknown("zip", None)]);
        assert_eq!(names.learn(0, "crm.contacts", &defined(&["email", "zip"])), ["size"]);
        assert!(names.learn(0, "crm.contacts", &defined(&["email"])).contains(&"zip".to_owned()));
    }
}
