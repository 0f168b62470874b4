//! What the records of a CRM resource are made of: as its properties' definitions say, not as values look.

use hubspot_catalog::Resource;
use hubspot_client::Object;
use serde_json::Value;

use super::definitions::{Definitions, PropertyDefinition, ValueKind};
use super::selection::Properties;
use crate::config::Config;
use crate::engine::Values;

/// What the records of a CRM resource are made of, where its values are typed ([`Values::Typed`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordShape {
    /// Another number is another shape. It counts since the source was opened.
    pub version: u64,
    /// The properties that records have and that are defined, in the order of their names, with what their values are.
    pub properties: Vec<(Box<str>, ValueKind)>,
    /// Whether objects have `associations`.
    pub associations: bool,
}

impl RecordShape {
    /// Where a property stands, or where it would.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.properties.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    fn has(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }
}

/// Keeps the shape of one resource.
///
/// It has the properties that the user's list selects, whether or not an object came with them: so it is whole before the first object.
/// Which ones HubSpot sends unasked nobody says; these are taken in when an object comes with them.
#[derive(Debug)]
pub(crate) struct Shaping {
    selection: Properties,
    extra: Vec<String>,
    definitions: Definitions,
    shape: RecordShape,
    /// The version that was handed out last.
    told: u64,
}

impl Shaping {
    /// For a resource that is read like this; `None` where no definitions say what its values are.
    pub(crate) fn new(resource: &Resource, config: &Config) -> Option<Self> {
        let is_typed = config.values == Values::Typed && resource.is_crm();
        is_typed.then(|| Self {
            selection: config.properties.clone(),
            extra: config.extra_properties.clone(),
            definitions: Definitions::default(),
            shape: RecordShape { associations: !config.associations.is_empty(), ..RecordShape::default() },
            told: 0,
        })
    }

    /// Takes in what is defined now. What isn't any more goes; of the rest what the user selects comes, and what was there stays.
    pub(crate) fn define<'a>(&mut self, definitions: impl Iterator<Item = &'a PropertyDefinition>) {
        self.definitions = definitions.cloned().collect();
        let mut selected = self.selection.resolve(&self.extra, Some(&self.definitions), &[]).properties;
        selected.sort_unstable();
        let is_selected = |name: &str| selected.binary_search_by(|other| other.as_str().cmp(name)).is_ok();
        let stays = |property: &&PropertyDefinition| is_selected(&property.name) || self.shape.has(&property.name);
        let defined = self.definitions.definitions().filter(stays);
        let mut properties: Vec<_> = defined.map(|property| (property.name.clone(), property.kind)).collect();
        properties.sort_by(|(one, _), (other, _)| one.cmp(other));
        properties.dedup_by(|(one, _), (other, _)| one == other);
        // The first definitions make a shape, though it may be an empty one.
        if self.shape.version == 0 || properties != self.shape.properties {
            self.shape.version += 1;
            self.shape.properties = properties;
        }
    }

    /// Takes in the properties that an object comes with.
    pub(crate) fn see(&mut self, object: &Object) {
        let properties = object.get("properties").and_then(Value::as_object);
        for name in properties.into_iter().flat_map(Object::keys) {
            let Err(place) = self.shape.place(name) else { continue };
            if let Some(definition) = self.definitions.get(name) {
                self.shape.properties.insert(place, (name.as_str().into(), definition.kind));
                self.shape.version += 1;
            }
        }
    }

    /// The shape, if it is another than when this was asked last.
    pub(crate) fn take_changed(&mut self) -> Option<RecordShape> {
        let before = std::mem::replace(&mut self.told, self.shape.version);
        (before != self.told).then(|| self.shape.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::definitions::tests::definitions;
    use super::*;

    fn shaping(properties: &str, extra: &[&str]) -> Shaping {
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        let mut config = Config::new([contacts]);
        config.values = Values::Typed;
        config.properties = Properties::parse(properties.split(',')).unwrap();
        config.extra_properties = extra.iter().map(|name| (*name).to_owned()).collect();
        Shaping::new(contacts, &config).unwrap()
    }

    fn define(shaping: &mut Shaping, rows: &[(&str, &str)]) {
        shaping.define(definitions(rows).definitions());
    }

    fn see(shaping: &mut Shaping, properties: &Value) {
        shaping.see(json!({"id": "1", "properties": properties}).as_object().unwrap());
    }

    fn names(shape: &RecordShape) -> Vec<&str> {
        shape.properties.iter().map(|(name, _)| &**name).collect()
    }

    const DEFINED: [(&str, &str); 4] = [("zip", "string"), ("size", "number"), ("email", "string"), ("id", "number")];

    #[test]
    fn what_is_selected_is_there_before_an_object_and_what_comes_unasked_with_it() {
        for (properties, extra, selected, then) in [
            ("all", &[][..], &["email", "id", "size", "zip"][..], &["email", "id", "size", "zip"][..]),
            ("s*,zip", &[], &["size", "zip"], &["id", "size", "zip"]),
            ("default", &["size", "gone"], &["size"], &["id", "size"]),
            ("default", &[], &[], &["id"]),
        ] {
            let mut shaping = shaping(properties, extra);
            define(&mut shaping, &DEFINED);
            let first = shaping.take_changed().unwrap();
            assert_eq!(names(&first), selected, "{properties}");
            see(&mut shaping, &json!({"id": 1, "undefined": "x"}));
            let second = shaping.take_changed().unwrap_or_else(|| first.clone());
            assert_eq!(names(&second), then, "{properties}");
            assert_eq!(second.version != first.version, names(&second) != names(&first));
            see(&mut shaping, &json!({"id": 2}));
            assert_eq!(shaping.take_changed(), None, "{properties}");
        }
    }

    #[test]
    fn definitions_that_change_what_records_have_make_another_shape() {
        let mut shaping = shaping("default,size", &[]);
        assert_eq!(shaping.take_changed(), None);
        define(&mut shaping, &DEFINED);
        see(&mut shaping, &json!({"id": 1, "email": "a", "size": 2}));
        assert_eq!(shaping.take_changed().map(|shape| shape.version > 0), Some(true));
        for (rows, expected) in [
            // In another order, and with one more that isn't read.
            (&[("id", "number"), ("size", "number"), ("email", "string"), ("more", "string")][..], None),
            (&[("email", "string"), ("id", "number"), ("size", "string")], Some(&["email", "id", "size"][..])),
            (&[("id", "number"), ("size", "string")], Some(&["id", "size"])),
            (&[("id", "number")], Some(&["id"])),
            (&[("id", "number"), ("size", "number"), ("email", "string")], Some(&["id", "size"])),
        ] {
            define(&mut shaping, rows);
            let changed = shaping.take_changed();
            assert_eq!(changed.as_ref().map(names).as_deref(), expected, "{rows:?}");
        }
    }

    #[test]
    fn without_definitions_there_is_no_shape() {
        let [contacts, owners] = ["crm.contacts", "crm.owners"].map(|name| hubspot_catalog::find(name).unwrap());
        let mut config = Config::new([contacts, owners]);
        assert!(Shaping::new(contacts, &config).is_none(), "texts");
        config.values = Values::Typed;
        config.associations = vec!["companies".to_owned()];
        assert!(Shaping::new(owners, &config).is_none(), "a directory");
        let mut shaping = Shaping::new(contacts, &config).unwrap();
        see(&mut shaping, &json!({"email": "a"}));
        assert_eq!(shaping.take_changed(), None);
        define(&mut shaping, &[]);
        assert_eq!(shaping.take_changed().map(|shape| (shape.associations, shape.properties)), Some((true, vec![])));
    }
}
