//! Which properties are asked for, delivered, and how their values are: the plan of one CRM resource.

use hubspot_catalog::Crm;
use hubspot_client::Property;

use super::{Options, Values};
use crate::ask::Response;
use crate::item::{Item, ItemId, Millis};
use crate::payload::completion::{MERGED_IDS, Needs, Piece, merged_ids};
use crate::payload::definitions::{Definitions, PropertyDefinition};
use crate::payload::selection::Resolution;
use crate::payload::values::{Misfits, type_object, type_properties};

/// Names of properties that are longer together than this don't fit into a URL, whose limit is some 16,000 characters.
const LONGEST_IN_URL: usize = 8_000;

/// How often definitions are read again.
const DEFINITIONS_INTERVAL: Millis = 3_600_000;

/// How soon at the earliest, when a property appears that isn't defined.
const DEFINITIONS_PAUSE: Millis = 60_000;

/// What a resource's pages have to say.
#[derive(Debug)]
pub(super) struct Plan {
    crm: Crm,
    options: Options,
    definitions: Option<Definitions>,
    /// When definitions were asked for last, by the caller's clock, and when they are again.
    defined_at: Millis,
    due: Millis,
    /// HubSpot's default properties. Naming any turns them off, so they are learned from the first page that has objects.
    defaults: Option<Vec<String>>,
    /// What is asked for; nothing: HubSpot's default ones.
    names: Vec<String>,
    /// What of it isn't delivered.
    hidden: Vec<String>,
    resolution: Resolution,
    pub(super) misfits: Misfits,
    undefined: Vec<String>,
    /// Whether the definitions have changed, and nobody has asked.
    redefined: bool,
    /// Counts the lists of names.
    generation: u32,
    /// The names that were refused, until others, or the same, are answered.
    refused: Option<Vec<String>>,
}

impl Plan {
    pub(super) fn new(crm: Crm, options: &Options) -> Self {
        let mut plan = Self {
            crm,
            options: options.clone(),
            definitions: None,
            defined_at: Millis::MIN / 2,
            due: Millis::MIN,
            defaults: None,
            names: Vec::new(),
            hidden: Vec::new(),
            resolution: Resolution::default(),
            misfits: Misfits::default(),
            undefined: Vec::new(),
            redefined: false,
            generation: 0,
            refused: None,
        };
        plan.resolve();
        plan
    }

    fn uses_definitions(&self) -> bool {
        // Names that HubSpot refused have to be looked up.
        self.options.properties.needs_definitions() || self.options.values == Values::Typed || self.refused.is_some()
    }

    /// Whether definitions have to be read before anything else, or are due to be read again.
    pub(super) fn wants_definitions(&self, now: Millis) -> bool {
        self.uses_definitions() && (self.definitions.is_none() || now >= self.due)
    }

    /// Whether nothing can be asked for before the definitions are known.
    pub(super) fn lacks_definitions(&self) -> bool {
        self.uses_definitions() && self.definitions.is_none()
    }

    /// When definitions are read again, by the caller's clock.
    pub(super) fn definitions_due(&self) -> Option<Millis> {
        self.uses_definitions().then_some(self.due)
    }

    /// Takes the definitions in.
    pub(super) fn define(&mut self, properties: Vec<Property>, now: Millis) {
        let definitions = Definitions::from(properties);
        self.redefined |= self.definitions.as_ref().is_some_and(|old| definitions.changed_from(old));
        self.definitions = Some(definitions);
        self.defined_at = now;
        self.due = now + DEFINITIONS_INTERVAL;
        self.resolve();
    }

    /// What is known of the properties.
    pub(super) fn definitions(&self) -> impl Iterator<Item = &PropertyDefinition> {
        self.definitions.iter().flat_map(Definitions::definitions)
    }

    /// Whether the default properties are wanted among others, and aren't known.
    pub(super) fn is_to_learn(&self) -> bool {
        self.defaults.is_none() && self.wants_names() && self.options.properties.wants_defaults()
    }

    fn wants_names(&self) -> bool {
        let Options { extra_properties, properties, history, .. } = &self.options;
        self.crm.merge || *history || !extra_properties.is_empty() || !properties.is_default()
    }

    /// Takes the default properties from a page that was asked for without naming any.
    pub(super) fn learn(&mut self, response: &Response) {
        let mut names: Vec<String> = Vec::new();
        for name in response.items.iter().flat_map(Item::property_names) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        self.defaults = Some(names);
        self.resolve();
    }

    fn resolve(&mut self) {
        self.generation += 1;
        self.names.clear();
        self.hidden.clear();
        if !self.wants_names() || self.is_to_learn() {
            return;
        }
        let Options { properties, extra_properties, .. } = &self.options;
        let defaults = self.defaults.as_deref().unwrap_or_default();
        let definitions = self.definitions.as_ref();
        let is_default = properties.is_default() && extra_properties.is_empty();
        let resolution = properties.resolve(extra_properties, definitions, defaults);
        self.names = if is_default { defaults.to_vec() } else { resolution.properties.clone() };
        if !is_default {
            self.undefined.extend(resolution.newly_undefined(&self.resolution).map(str::to_owned));
            self.resolution = resolution;
        }
        if self.tells_of_merges() && !self.names.iter().any(|name| name == MERGED_IDS) {
            self.hidden.push(MERGED_IDS.to_owned());
            self.names.push(MERGED_IDS.to_owned());
        }
    }

    /// The properties that a search names: all of them.
    pub(super) fn searched(&self) -> &[String] {
        &self.names
    }

    /// The properties that the list of archived objects names: what tells of merges, also before the default ones are learned.
    pub(super) fn archived(&self) -> Vec<String> {
        if self.tells_of_merges() { vec![MERGED_IDS.to_owned()] } else { Vec::new() }
    }

    fn tells_of_merges(&self) -> bool {
        self.crm.merge && self.definitions.as_ref().is_none_or(|definitions| definitions.is_known(MERGED_IDS))
    }

    fn fits_url(&self) -> bool {
        self.names.iter().map(|name| name.len() + 3).sum::<usize>() <= LONGEST_IN_URL
    }

    /// The properties that a list names: none where there are too many; objects are read again then.
    pub(super) fn listed(&self) -> Vec<String> {
        if self.fits_url() { self.names.clone() } else { vec![self.crm.updated_property.to_owned()] }
    }

    /// Whether objects are gathered over several pages before what they lack is fetched: one read of associations takes many.
    pub(super) fn gathers(&self) -> bool {
        !self.options.associations.is_empty()
    }

    /// What objects of a list, or of a search, need beside what the page has.
    pub(super) fn needs(&self, of_list: bool) -> Needs {
        let Options { associations, history, deletes_payload, .. } = &self.options;
        let named = || {
            let named = self.names.iter().filter(|name| !self.hidden.contains(name));
            named.cloned().collect::<Vec<_>>()
        };
        Needs {
            crm: self.crm,
            reread: if of_list && !self.fits_url() { self.names.clone() } else { Vec::new() },
            history: if *history { named() } else { Vec::new() },
            associations: associations.clone(),
            winners: self.crm.merge,
            deleted_properties: deletes_payload.then(named),
        }
    }

    /// The objects that were merged into this one.
    pub(super) fn merged_into(&self, item: &Item) -> Vec<u64> {
        let number = |id| if let ItemId::Number(number) = id { Some(number) } else { None };
        if self.crm.merge { merged_ids(item).filter_map(number).collect() } else { Vec::new() }
    }

    /// Makes of a complete object what is delivered.
    pub(super) fn shape(&mut self, piece: &mut Piece, now: Millis) {
        let before = piece.before.as_mut().and_then(|before| before.get_mut("properties")?.as_object_mut());
        for properties in piece.item.properties_mut().into_iter().chain(before) {
            for name in &self.hidden {
                properties.remove(name);
            }
        }
        if self.options.values == Values::Typed
            && let Some(definitions) = &self.definitions
        {
            type_properties(&mut piece.item, definitions, &mut self.misfits);
            if let Some(before) = &mut piece.before {
                type_object(before, definitions, &mut self.misfits);
            }
            if !self.misfits.take_unknown().is_empty() {
                self.due = self.due.min(self.defined_at + DEFINITIONS_PAUSE).max(now);
            }
        }
    }

    /// Which list of names a request has that is made now; none if it names nothing.
    pub(super) fn generation(&self) -> Option<u32> {
        (!self.names.is_empty()).then_some(self.generation)
    }

    /// HubSpot refused a request with names of this generation: whether it is worth asking again, with what is defined now.
    pub(super) fn refuse(&mut self, named: Option<u32>) -> bool {
        let Some(named) = named else { return false };
        if named != self.generation {
            return true;
        }
        if self.refused.as_ref() == Some(&self.names) {
            return false;
        }
        self.refused = Some(self.names.clone());
        self.defaults = None;
        self.definitions = None;
        self.resolve();
        true
    }

    /// A request with names of this generation was answered.
    pub(super) fn answered(&mut self, named: Option<u32>) {
        if named == Some(self.generation) {
            self.refused = None;
        }
    }

    /// Whether the definitions have changed since this was last asked.
    pub(super) fn take_redefined(&mut self) -> bool {
        std::mem::take(&mut self.redefined)
    }

    /// The names that aren't defined, each said once.
    pub(super) fn take_undefined(&mut self) -> Vec<String> {
        std::mem::take(&mut self.undefined)
    }
}
