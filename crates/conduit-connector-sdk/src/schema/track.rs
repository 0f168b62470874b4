//! The schemas of one part of one collection: which version takes a record, and when there is a new one.

use std::collections::HashMap;
use std::sync::Arc;

use opencdc::{Map, Value};

use super::derive::{DeriveError, Shape};
use super::encode::{EncodeError, Fit};
use super::{ParseError, Registered, Registry, Schema, SchemaError};

/// How many versions are tried before a record's shape is looked at.
const RECENT: usize = 4;
/// How many shapes are remembered; past that all are forgotten, and the registry is asked again.
const MAX_SHAPES: usize = 1_024;
/// How many versions gather types for the same fields; past that the oldest gathers no more.
const MAX_GATHERED: usize = 16;

/// A version of a schema in the registry.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) subject: String,
    /// As metadata have it.
    pub(super) number: String,
    pub(super) schema: Schema,
}

/// The two sides of a part, encoded.
pub(super) type Encoded = [Option<Vec<u8>>; 2];

/// Why a part stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Derive(DeriveError),
    /// What was derived is no schema that could be read again.
    Parse(ParseError),
    /// The sides of a change have fields of types that no schema holds together.
    Sides,
}

/// Why a part isn't encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotEncoded {
    /// It stays as it is.
    Unfit(Unfit),
    /// It can't go on its way.
    Failed(SchemaError),
}

impl From<Unfit> for NotEncoded {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<SchemaError> for NotEncoded {
    fn from(error: SchemaError) -> Self {
        Self::Failed(error)
    }
}

impl Version {
    pub(super) fn new(registered: Registered) -> Result<Self, SchemaError> {
        let Registered { subject, version, text, .. } = registered;
        match text.parse() {
            Ok(schema) => Ok(Self { subject, number: version.to_string(), schema }),
            Err(source) => Err(SchemaError::Parse { subject, version, source }),
        }
    }

    pub(super) fn encode(&self, sides: [Option<&Map>; 2], fit: Fit) -> Result<Encoded, EncodeError> {
        let mut encoded = [None, None];
        for (side, out) in sides.into_iter().zip(&mut encoded) {
            if let Some(fields) = side {
                let mut bytes = Vec::with_capacity(16 * (fields.len() + 1));
                self.schema.encode_into(fields, fit, &mut bytes)?;
                *out = Some(bytes);
            }
        }
        Ok(encoded)
    }
}

/// The schemas of one part of one collection.
pub(super) struct Track {
    subject: String,
    stated: Option<Stated>,
    /// The versions that took records last, the last first.
    recent: Vec<Arc<Version>>,
    /// By the schema that a record has by itself, the version that takes it.
    shapes: HashMap<String, Arc<Version>>,
    /// By the names of the fields, the versions that gather the types of records with these: more than one where Go could not read
    /// their union.
    gathered: HashMap<String, Vec<(Shape, Arc<Version>)>>,
}

struct Stated {
    schema: Schema,
    version: Option<Arc<Version>>,
    /// A record that didn't fit was told of.
    told: bool,
}

impl Track {
    pub(super) fn new(subject: String) -> Self {
        Self { subject, stated: None, recent: Vec::new(), shapes: HashMap::new(), gathered: HashMap::new() }
    }

    pub(super) fn is_stated(&self) -> bool {
        self.stated.is_some()
    }

    pub(super) fn state(&mut self, schema: Option<&Schema>) {
        if self.stated.as_ref().map(|stated| &stated.schema) != schema {
            self.stated = schema.map(|schema| Stated { schema: schema.clone(), version: None, told: false });
        }
    }

    /// The version that takes a record's part, and its bytes.
    pub(super) async fn encode(
        &mut self,
        registry: &dyn Registry,
        sides: [Option<&Map>; 2],
    ) -> Result<(Arc<Version>, Encoded), NotEncoded> {
        if let Some(fitting) = self.by_stated(registry, sides).await? {
            return Ok(fitting);
        }
        let padded = pad(sides);
        let sides = padded.as_ref().map_or(sides, |[before, after]| [Some(before), Some(after)]);
        if let Some(fitting) = self.by_recent(sides) {
            return Ok(fitting);
        }
        let shape = shape(sides)?;
        // What Go can't read must not take records that it could read by another version.
        let readable = shape.is_readable();
        let version = if readable {
            self.version_for(registry, shape).await?
        } else {
            self.lone_version_for(registry, &shape).await?
        };
        match version.encode(sides, Fit::Exact) {
            Ok(encoded) => {
                if readable {
                    self.recent.truncate(RECENT - 1);
                    self.recent.insert(0, Arc::clone(&version));
                }
                Ok((version, encoded))
            }
            // A shape always takes what it was made of.
            Err(_) => Err(Unfit::Sides.into()),
        }
    }

    async fn by_stated(
        &mut self,
        registry: &dyn Registry,
        sides: [Option<&Map>; 2],
    ) -> Result<Option<(Arc<Version>, Encoded)>, SchemaError> {
        let Some(stated) = &mut self.stated else { return Ok(None) };
        let version = match &stated.version {
            Some(version) => version,
            None => stated.version.insert(create(registry, &self.subject, stated.schema.clone()).await?),
        };
        match version.encode(sides, Fit::Stated) {
            Ok(encoded) => Ok(Some((Arc::clone(version), encoded))),
            Err(why) => {
                if !stated.told {
                    stated.told = true;
                    tracing::warn!(
                        subject = self.subject,
                        version = version.number,
                        %why,
                        "a record doesn't fit the schema that the source states; such records get a schema of their own"
                    );
                }
                Ok(None)
            }
        }
    }

    /// By a version that took a record lately. Most records are like the one before, so this is all there is to do.
    fn by_recent(&mut self, sides: [Option<&Map>; 2]) -> Option<(Arc<Version>, Encoded)> {
        for (index, version) in self.recent.iter().enumerate() {
            if let Ok(encoded) = version.encode(sides, Fit::Exact) {
                let version = Arc::clone(version);
                self.recent[..=index].rotate_right(1);
                return Some((version, encoded));
            }
        }
        None
    }

    async fn version_for(&mut self, registry: &dyn Registry, shape: Shape) -> Result<Arc<Version>, NotEncoded> {
        let text = shape.to_schema();
        if let Some(version) = self.shapes.get(&text) {
            return Ok(Arc::clone(version));
        }
        let gathered = self.gathered.entry(shape.names()).or_default();
        let joined = gathered.iter().enumerate().find_map(|(index, (has, _))| Some((index, has.join(&shape)?)));
        let version = match joined {
            Some((index, joined)) if joined == gathered[index].0 => Arc::clone(&gathered[index].1),
            Some((index, joined)) => {
                let version = create(registry, &self.subject, parsed(&joined.to_schema())?).await?;
                gathered[index] = (joined, Arc::clone(&version));
                version
            }
            None => {
                let version = create(registry, &self.subject, parsed(&text)?).await?;
                if gathered.len() == MAX_GATHERED {
                    gathered.remove(0);
                }
                gathered.push((shape, Arc::clone(&version)));
                version
            }
        };
        self.remember(text, &version);
        Ok(version)
    }

    /// A version for this shape alone.
    async fn lone_version_for(&mut self, registry: &dyn Registry, shape: &Shape) -> Result<Arc<Version>, NotEncoded> {
        let text = shape.to_schema();
        if let Some(version) = self.shapes.get(&text) {
            return Ok(Arc::clone(version));
        }
        let version = create(registry, &self.subject, parsed(&text)?).await?;
        self.remember(text, &version);
        Ok(version)
    }

    fn remember(&mut self, text: String, version: &Arc<Version>) {
        if self.shapes.len() >= MAX_SHAPES {
            self.shapes.clear();
            self.gathered.clear();
        }
        self.shapes.insert(text, Arc::clone(version));
    }
}

/// What is derived, read before it is registered: what can't be used must not become a version.
fn parsed(text: &str) -> Result<Schema, Unfit> {
    text.parse().map_err(Unfit::Parse)
}

async fn create(registry: &dyn Registry, subject: &str, schema: Schema) -> Result<Arc<Version>, SchemaError> {
    let registered = registry.create(subject, schema.as_str()).await;
    let registered = registered.map_err(|source| SchemaError::Create { subject: subject.to_owned(), source })?;
    // By what was asked for: the registry may have written it down otherwise, but the same it is.
    let Registered { subject, version, .. } = registered;
    Ok(Arc::new(Version { subject, number: version.to_string(), schema }))
}

/// The shape of what is there.
fn shape(sides: [Option<&Map>; 2]) -> Result<Shape, Unfit> {
    let of = |fields: &Map| Shape::of(fields).map_err(Unfit::Derive);
    match sides {
        [Some(before), Some(after)] => of(after)?.join(&of(before)?).ok_or(Unfit::Sides),
        [Some(fields), None] | [None, Some(fields)] => of(fields),
        [None, None] => of(&Map::new()),
    }
}

/// Both sides of a change with the fields of both, where they differ.
fn pad([before, after]: [Option<&Map>; 2]) -> Option<[Map; 2]> {
    let (before, after) = before.zip(after)?;
    if before.len() == after.len() && before.keys().all(|name| after.contains_key(name)) {
        return None;
    }
    let padded = |fields: &Map, more: &Map| {
        let missing = more.keys().filter(|name| !fields.contains_key(name));
        let mut padded = fields.clone();
        padded.extend(missing.map(|name| (name, Value::Null)));
        padded
    };
    Some([padded(before, after), padded(after, before)])
}
