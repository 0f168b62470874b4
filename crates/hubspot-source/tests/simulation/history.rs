//! What happens, as a seed has it.

use fastrand::Rng;
use hubspot_catalog::{Directory, Kind, Resource};
use hubspot_source::engine::Options;
use hubspot_source::item::Millis;
use hubspot_source::{Properties, Values};

/// The other object type whose associations are read.
pub(crate) const ASSOCIATED: &str = "companies";

/// A seed of its own for each resource.
pub(super) fn salted(seed: u64, resource: &Resource) -> u64 {
    resource.name.bytes().fold(seed, |salt, byte| (salt ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What kind of history a seed stands for.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may be so or not")]
pub(crate) struct History {
    /// Whether what is there at first is delivered.
    pub(crate) snapshot: bool,
    /// Objects that are there before the reader starts.
    pub(crate) initial: usize,
    /// There are never more than about so many.
    pub(crate) most: usize,
    /// Changes made while it reads.
    pub(crate) changes: usize,
    /// On average so many milliseconds between two changes.
    pub(crate) pace: u64,
    /// Objects that share one millisecond, in each burst.
    pub(crate) ties: usize,
    /// So many bursts.
    pub(crate) bursts: usize,
    /// An index entry appears at most so much later than its change, and a deletion in the list of archived objects.
    pub(crate) index_lag: Millis,
    /// What the reader believes of that.
    pub(crate) lag: Millis,
    pub(crate) polling_period: Millis,
    pub(crate) deletes_interval: Millis,
    pub(crate) page_size: u32,
    /// The reader's clock less HubSpot's, until it is killed.
    pub(crate) clock_offset: Millis,
    /// The clocks of HubSpot's servers differ by at most so much.
    pub(crate) skew: Millis,
    /// So many requests of a snapshot may be under way at once.
    pub(crate) room: usize,
    /// From one request in the background to the next.
    pub(crate) background_pause: Millis,
    /// What HubSpot's cursors of lists are.
    pub(crate) cursors: Cursors,
    /// Searches return rows from just outside what was asked for.
    pub(crate) noise: bool,
    /// Some merges make a new object of both.
    pub(crate) merges_mint: bool,
    /// What was merged away is in the list of archived objects.
    pub(crate) merged_are_archived: bool,
    /// One in so many requests fails and is made again, or its answer is late; zero: none.
    pub(crate) faults: usize,
    /// One in so many requests is the reader's last.
    pub(crate) kill: usize,
    /// How the objects of a CRM resource are read.
    pub(crate) reading: Reading,
}

/// What HubSpot's cursors of lists are, which is seen, but not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursors {
    /// The last id of a page.
    Ids,
    /// Texts; an id may be taken for the beginning.
    Text,
    /// Other numbers; behind an id there is nothing.
    Numbers,
}

impl Cursors {
    /// The cursor of what comes behind an id.
    pub(super) fn behind(self, id: u64) -> String {
        match self {
            Self::Ids => id.to_string(),
            Self::Text => format!("behind-{id}"),
            Self::Numbers => (u64::MAX - id).to_string(),
        }
    }

    /// The id that a cursor stands for; `None`: the list is given from its beginning.
    pub(super) fn id(self, cursor: &str) -> Option<u64> {
        match self {
            Self::Ids => cursor.parse().ok(),
            Self::Text => cursor.strip_prefix("behind-")?.parse().ok(),
            Self::Numbers => Some(u64::MAX - cursor.parse::<u64>().ok()?),
        }
    }
}

/// What is read of CRM objects beside what changes.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may be so or not")]
pub(crate) struct Reading {
    /// The index never shows some changes, and some objects are deleted for good: an audit finds that.
    pub(crate) audit: Option<Millis>,
    /// A property changes without moving the changed-time.
    pub(crate) calculated: Option<Millis>,
    /// Associations are read.
    pub(crate) associates: bool,
    /// They change without moving the changed-time, and are read again; only where they are read.
    pub(crate) associations: Option<Millis>,
    /// Updates have the object as it was.
    pub(crate) before: bool,
    /// Deletions have the object as it is archived.
    pub(crate) deletes_payload: bool,
    /// More properties are read than fit into a URL.
    pub(crate) many_properties: bool,
    /// Values are typed.
    pub(crate) typed: bool,
}

impl History {
    pub(crate) fn of_seed(seed: u64, resource: &Resource) -> Self {
        let mut rng = Rng::with_seed(salted(!seed, resource));
        let many_ties = seed % 10 == 3;
        let dense = seed % 5 == 1;
        // More within the lag than HubSpot gives for one query.
        let flood = seed % 50 == 26;
        let lag = [2_000, 10_000, 40_000][rng.usize(..3)];
        let history = Self {
            snapshot: true,
            initial: rng.usize(..if seed.is_multiple_of(4) { 1_000 } else { 200 }),
            most: usize::MAX,
            changes: if dense { rng.usize(600..2_000) } else { rng.usize(20..400) },
            pace: if dense { rng.u64(5..40) } else { rng.u64(20..1_000) },
            ties: if many_ties { 5_000 } else { rng.usize(2..450) },
            bursts: if many_ties { 1 } else { rng.usize(..3) },
            index_lag: if rng.bool() { lag } else { rng.i64(0..=lag) },
            lag,
            polling_period: rng.i64(500..5_000),
            deletes_interval: rng.i64(3_000..20_000),
            page_size: if many_ties { 100 } else { rng.u32(5..=100) },
            clock_offset: rng.i64(-3 * 86_400_000..3 * 86_400_000),
            skew: 0,
            room: rng.usize(1..6),
            background_pause: rng.i64(0..500),
            cursors: match seed % 14 {
                5 => Cursors::Numbers,
                12 => Cursors::Text,
                _ => Cursors::Ids,
            },
            noise: rng.bool(),
            merges_mint: rng.bool(),
            merged_are_archived: rng.bool(),
            faults: 0,
            kill: if many_ties { rng.usize(60..200) } else { rng.usize(8..80) },
            reading: Reading::default(),
        };
        let history = Self {
            skew: if rng.bool() { 900 } else { 0 },
            faults: if rng.bool() { rng.usize(5..60) } else { 0 },
            ..history
        };
        let history = if flood {
            Self { changes: 13_000, pace: 1, lag: 40_000, kill: 200, page_size: 100, ..history }
        } else {
            history
        };
        match resource.kind {
            Kind::Crm(_) => Self { reading: Reading::draw(&mut rng), ..history },
            // A directory is short.
            Kind::Directory(directory) => {
                // Of a longer one without a list of archived entries, a restart doesn't see what was deleted meanwhile.
                let longest = if matches!(directory, Directory::Owners) { 300 } else { 20 };
                let most = [4, 12, longest][rng.usize(..3)];
                Self {
                    most,
                    // Believed: their pages don't shift.
                    cursors: Cursors::Ids,
                    initial: rng.usize(..most),
                    changes: history.changes.min(300),
                    pace: history.pace.max(100),
                    ties: rng.usize(2..most.min(30)),
                    ..history
                }
            }
            Kind::Cms(_) => history,
        }
    }

    /// The same history for a reader that begins without a snapshot.
    pub(crate) fn without_snapshot(self) -> Self {
        Self { snapshot: false, ..self }
    }

    /// The same history for a reader that is never killed.
    pub(crate) fn without_kills(self) -> Self {
        Self { kill: usize::MAX, ..self }
    }

    /// Whether objects change without moving their changed-time.
    pub(crate) fn changes_silently(&self) -> bool {
        self.reading.calculated.is_some() || self.refreshes_associations()
    }

    pub(crate) fn refreshes_associations(&self) -> bool {
        self.reading.associations.is_some()
    }

    /// The longest interval of what a census is taken for; `None` where none is taken.
    pub(crate) fn census(&self) -> Option<Millis> {
        let Reading { audit, calculated, associations, .. } = self.reading;
        [audit, calculated, associations].into_iter().flatten().max()
    }

    pub(crate) fn options(&self) -> Options {
        let Reading { audit, calculated, associates, associations, before, deletes_payload, many_properties, typed } =
            self.reading;
        let extra = |number| format!("a_property_with_a_rather_long_name_{number}");
        Options {
            page_size: self.page_size,
            properties: Properties::Default,
            extra_properties: if many_properties { (0..240).map(extra).collect() } else { Vec::new() },
            values: if typed { Values::Typed } else { Values::Strings },
            history: before,
            associations: associates.then(|| ASSOCIATED.to_owned()).into_iter().collect(),
            snapshot: self.snapshot,
            polling_period: self.polling_period,
            lag: self.lag,
            deletes_interval: self.deletes_interval,
            deletes_payload,
            audit_interval: audit,
            calculated_interval: calculated,
            associations_interval: associations,
            directory_interval: self.deletes_interval,
            directory_ids: 200,
            background_pause: self.background_pause,
        }
    }
}

impl Reading {
    fn draw(rng: &mut Rng) -> Self {
        // Half of the histories have none of it.
        if rng.bool() {
            return Self::default();
        }
        let interval = rng.i64(3_000..30_000);
        let mut some = |of: u8| rng.u8(..of) == 0;
        let (associates, refreshes) = (some(3), some(2));
        Self {
            audit: some(2).then_some(interval),
            calculated: some(3).then_some(interval),
            associates,
            associations: (associates && refreshes).then_some(interval),
            before: some(4),
            deletes_payload: some(4),
            many_properties: some(5),
            typed: some(5),
        }
    }
}
