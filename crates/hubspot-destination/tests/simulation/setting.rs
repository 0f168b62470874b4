//! What a seed configures: the destination, and the account that it writes into.

use fastrand::Rng;
use hubspot_client::ApiVersion;
use hubspot_destination::{
    Associations, Config, Deletes, IdProperties, Mode, OnMissing, ReadOnly, Routing, SourceId, Unknown,
};

/// A resource that records go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As the destination calls it.
    pub(super) resource: &'static str,
    /// As the emulator calls it.
    pub(super) hubspot: &'static str,
    pub(super) is_crm: bool,
    /// Whether it has batch endpoints.
    pub(super) batches: bool,
}

pub(super) const CONTACTS: Place = crm("crm.contacts", "contacts");
pub(super) const COMPANIES: Place = crm("crm.companies", "companies");
const DEALS: Place = crm("crm.deals", "deals");
const TICKETS: Place = crm("crm.tickets", "tickets");
pub(super) const AUTHORS: Place =
    Place { resource: "cms.blogs.authors", hubspot: "blogs/authors", is_crm: false, batches: true };
pub(super) const REDIRECTS: Place =
    Place { resource: "cms.urlRedirects", hubspot: "url-redirects", is_crm: false, batches: false };

const fn crm(resource: &'static str, hubspot: &'static str) -> Place {
    Place { resource, hubspot, is_crm: true, batches: true }
}

/// What tells which object of the CRM a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The key: HubSpot's id, or what the object was created with.
    Key,
    /// A field of the payload.
    Field,
    /// A unique property: contacts' address, or the test's own.
    Property(&'static str),
    /// A unique property with the source's id, which the key is. It may have to be made.
    Source { property: &'static str, create: bool },
}

/// What befalls requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// Faults of all kinds, seldom so many that retries don't help.
    Some,
    /// Also such as outlast all retries.
    Outlasting,
}

/// The unique property that the account has for identities, and that for values which another object has.
pub(super) const REFERENCE: &str = "sim_ref";
pub(super) const CODE: &str = "sim_code";
/// The property that a destination has to make for the source's ids.
const MADE: &str = "sim_made";
/// The field with HubSpot's id.
pub(super) const ID_FIELD: &str = "hubspot_id";

/// All of that.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may be so or not")]
pub(crate) struct Setting {
    pub(super) places: Vec<Place>,
    /// Each record says where it goes.
    pub(super) routed: bool,
    pub(super) identity: Identity,
    pub(super) mode: Mode,
    pub(super) deletes: Deletes,
    pub(super) on_missing: OnMissing,
    pub(super) coalesce: bool,
    pub(super) read_only: ReadOnly,
    pub(super) unknown: Unknown,
    pub(super) create_properties: bool,
    pub(super) associations: Associations,
    pub(super) max_in_flight: usize,
    pub(super) version: ApiVersion,
    /// One bad input fails its whole batch, where HubSpot has been seen to do so.
    pub(super) whole_batches: bool,
    pub(super) trouble: Trouble,
    /// Records of the history.
    pub(super) records: usize,
    /// The most objects of a resource that records are about.
    pub(super) objects: usize,
    /// At most so many records come in a batch.
    pub(super) batch: usize,
    /// One in so many records is bad; zero: none.
    pub(super) bad: usize,
    /// So many restarts.
    pub(super) restarts: usize,
}

impl Setting {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5e77);
        let rng = &mut rng;
        let all = [CONTACTS, COMPANIES, DEALS, TICKETS, AUTHORS, REDIRECTS];
        let routed = rng.u8(..3) == 0;
        let places = if routed { rng.choose_multiple(all, 3) } else { vec![all[rng.usize(..all.len())]] };
        let is_crm = places.iter().all(|place| place.is_crm);
        let reference = if places == [CONTACTS] && rng.bool() { "email" } else { REFERENCE };
        let identity = match rng.u8(..8) {
            3 if is_crm => Identity::Field,
            0..4 => Identity::Key,
            4..6 => Identity::Property(reference),
            6 => Identity::Source { property: REFERENCE, create: false },
            _ => Identity::Source { property: MADE, create: true },
        };
        let by_value = matches!(identity, Identity::Property(_) | Identity::Source { .. });
        let mode = match rng.u8(..8) {
            0..2 if is_crm && by_value => Mode::Upsert,
            2 => Mode::Insert,
            3 => Mode::Update,
            _ => Mode::Auto,
        };
        let deletes = match rng.u8(..8) {
            0 => Deletes::Ignore,
            1..3 if places == [CONTACTS] => Deletes::Gdpr,
            _ => Deletes::Archive,
        };
        let on_missing = [OnMissing::Error, OnMissing::Error, OnMissing::Ignore, OnMissing::Create][rng.usize(..4)];
        // A redirect that is made because it isn't there may be there under another id, with its path taken. And what a field of the
        // payload names, and isn't there, is made as often as it is named.
        let never = places.contains(&REDIRECTS) || identity == Identity::Field;
        let on_missing = if never && on_missing == OnMissing::Create { OnMissing::Error } else { on_missing };
        let tidy = seed % 5 == 4;
        Self {
            routed,
            identity,
            mode,
            deletes,
            on_missing,
            // A redirect that comes and goes in one batch needs no call, whether it is there from an earlier life or not.
            coalesce: rng.u8(..3) == 0 && !places.contains(&REDIRECTS),
            read_only: if rng.u8(..3) > 0 { ReadOnly::Drop } else { ReadOnly::Error },
            unknown: if rng.bool() { Unknown::Error } else { Unknown::Drop },
            create_properties: rng.u8(..5) == 0,
            associations: if rng.u8(..5) > 0 { Associations::Write } else { Associations::Ignore },
            max_in_flight: rng.usize(1..=8),
            version: ["2026-03", "2026-09", "v3"][rng.usize(..3)].parse().expect("a version"),
            whole_batches: rng.bool(),
            trouble: match rng.u8(..5) {
                _ if tidy => Trouble::Nothing,
                0..2 => Trouble::Nothing,
                2..4 => Trouble::Some,
                _ => Trouble::Outlasting,
            },
            records: if seed.is_multiple_of(7) { rng.usize(150..350) } else { rng.usize(15..120) },
            objects: if rng.bool() { rng.usize(1..8) } else { rng.usize(8..80) },
            batch: if rng.bool() { rng.usize(1..12) } else { rng.usize(12..250) },
            bad: if tidy { 0 } else { [0, 4, 15][rng.usize(..3)] },
            restarts: if rng.bool() { rng.usize(..5) } else { 0 },
            places,
        }
    }

    /// How the destination is configured.
    pub(super) fn config(&self) -> Config {
        let routing = if self.routed {
            // Where contacts are called something else than here.
            Routing::parse("{{ index .Metadata \"opencdc.collection\" }}", "people=crm.contacts")
        } else {
            Routing::parse(self.places[0].resource, "")
        };
        let mut config = Config::new(routing.expect("a routing"));
        config.mode = self.mode;
        config.deletes = self.deletes;
        config.on_missing = self.on_missing;
        config.coalesce = self.coalesce;
        config.read_only = self.read_only;
        config.unknown = self.unknown;
        config.create_properties = self.create_properties;
        config.associations = self.associations;
        config.max_in_flight = self.max_in_flight;
        match self.identity {
            Identity::Key => {}
            Identity::Field => config.id_field = Some(ID_FIELD.to_owned()),
            Identity::Property(property) => {
                let crm = self.places.iter().filter(|place| place.is_crm);
                config.id_properties =
                    crm.fold(IdProperties::none(), |properties, place| properties.with(place.resource, property));
            }
            Identity::Source { property, create } => {
                config.source_id = Some(SourceId { property: property.to_owned(), create });
            }
        }
        config
    }

    /// The property that objects of a place are told apart by.
    pub(super) fn unique(&self, place: &Place) -> Option<&'static str> {
        match self.identity {
            _ if *place == REDIRECTS => Some("routePrefix"),
            Identity::Property(property) | Identity::Source { property, .. } if place.is_crm => Some(property),
            _ => None,
        }
    }

    /// Whether the objects of a place are identified by a value instead of the key.
    pub(super) fn by_value(&self, place: &Place) -> bool {
        place.is_crm && matches!(self.identity, Identity::Property(_) | Identity::Source { .. })
    }

    /// Whether associations are read by this, so that their targets are known by the test's names.
    pub(super) fn translates(&self) -> bool {
        matches!(self.identity, Identity::Source { .. })
    }

    /// Whether associations can be tried: where the property of the source's ids is yet to be made, nothing that is there carries one.
    pub(super) fn links(&self, place: &Place) -> bool {
        place.is_crm && !matches!(self.identity, Identity::Source { create: true, .. })
    }
}
