//! What the SDK does around a connector's own code, by the parameters `sdk.*` that it adds to the connector's.
//!
//! They are those of Conduit's Go SDK (v0.14.2): the same names, types, defaults and validations, so that a pipeline file needs no
//! change when a connector is written anew. A connector changes defaults, or leaves parts out, in
//! [`Source::middleware`](crate::Source::middleware) and [`Destination::middleware`](crate::Destination::middleware). A parameter
//! of the connector's own that has one of these names stands in the specification instead, and is obeyed.
//!
//! | of a source | default | what it does |
//! |---|---|---|
//! | `sdk.batch.size` | `0` | collects records until there are so many, or 16 MiB of them; off at 0, where what is read at once is a batch |
//! | `sdk.batch.delay` | `0` | sends what is collected so long after the first record of it, though it isn't as many; `0` waits for all |
//! | `sdk.schema.extract.type` | `avro` | the schemas' type; there is one |
//! | `sdk.schema.extract.key.enabled`, `.payload.enabled` | `true` | gives keys and payloads a schema, and encodes them |
//! | `sdk.schema.extract.key.subject`, `.payload.subject` | `key`, `payload` | what the subjects end with |
//! | `sdk.schema.context.enabled`, `.name` | `true`, the connector's id | what the subjects begin with |
//!
//! | of a destination | default | what it does |
//! |---|---|---|
//! | `sdk.batch.size`, `sdk.batch.delay` | `0` | collects records as above, before they are written; off, what has arrived is a batch |
//! | `sdk.rate.perSecond` | `0` | the most records a second; no limit at 0 |
//! | `sdk.rate.burst` | `0` | the most records of one write, and at once; a second's at 0 |
//! | `sdk.record.format`, `.options` | `opencdc/json` | what [`Formatter::format`] makes of a record |
//! | `sdk.schema.extract.key.enabled`, `.payload.enabled` | `true` | decodes keys and payloads by the schemas that metadata name |
//!
//! # Where it differs from the Go SDK
//!
//! | of a source: here | in Go |
//! |---|---|
//! | a batch of more than 256 KiB goes to Conduit as several messages | as one, whatever its size |
//! | acknowledgements come between reads, and a read that they have waited 5 s for is dropped | at the same time as reads |
//! | an error of the source comes after the records that were collected before it | the records collected are lost until the source is opened again |
//! | a schema that a record names and doesn't fit is replaced by one derived from the record, and a warning says so once; an error where deriving is off | an error |
//! | without a schema service records go as they are | the connector doesn't start |
//!
//! | of a destination: here | in Go |
//! |---|---|
//! | without `sdk.batch.size`, messages that have arrived are written together, up to 1,000 records or 4 MiB | each message is written by itself |
//! | with an `sdk.batch.size` of 1 records are written one by one | messages are written as they come |
//! | with a rate, each write is answered when it is done | all are answered after the last |
//! | a record whose schema can't be decoded fails alone | its whole batch fails |
//! | a record that names a schema's subject without its version, or the other way round, fails | is passed on as it is, and a warning says so once |
//! | a format `raw`: the payload's bytes | no such format |
//! | templates know the fields of a record, `index`, `printf` and `toJson`; others are refused when the destination is configured | Go's templates with the functions of Sprig |
//! | what can't be formatted is an error | becomes `opencdc/json` |
//! | a number without a fraction is an integer in templates (`1000000`) and in Debezium's schemas (`int64`) | a double, unless it came with a schema: `1e+06`, `double` |
//!
//! | of both: here | in Go |
//! |---|---|
//! | a batch never has more than `sdk.batch.size` records: what is read or arrives beyond that begins the next | one read or one message beyond the size stays whole |
//! | 16 MiB are a batch, though it has fewer records | no bound |
//! | `sdk.batch.delay` without a size does nothing, and the log says so | the same, but a source that reads one by one collects without bounds |
//! | a negative duration is refused, of the connector's own parameters too | is taken; `sdk.batch.delay: -1s` is none |
//! | a host that names no level (`CONDUIT_CONNECTOR_LOG_LEVEL`), or one that isn't known, gets what is logged from `info` on | nothing is logged without a name, everything at an unknown one |
//!
//! The table of the module `schema` says which records get another schema than in Go, or none.

mod batch;
mod collect;
mod format;
mod held;
mod rate;
#[cfg(feature = "schema")]
mod schema;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::parameters::{Checked, Parameter};
use crate::{Context, Error};

pub use format::{FormatError, Formatter};
#[cfg(feature = "schema")]
pub use schema::StatedSchema;

pub(crate) use batch::Batch;
pub(crate) use collect::Collector;
pub(crate) use held::Held;
pub(crate) use rate::Limiter;
#[cfg(feature = "schema")]
pub(crate) use schema::{Decoder, Encoder};

use format::Format;
use rate::Rate;
#[cfg(feature = "schema")]
use schema::{Decoding, Extraction};

/// What the SDK does around a source. [`SourceMiddleware::default`] is all of it, with the defaults of the Go SDK.
///
/// ```
/// use std::time::Duration;
/// use conduit_connector_sdk::middleware::SourceMiddleware;
///
/// // Batches of a hundred, unless the pipeline says otherwise; and no schemas: the parameters aren't there.
/// let middleware = SourceMiddleware::default().batch(100, Duration::from_secs(1)).without_schema();
/// let names: Vec<String> = middleware.parameters().into_iter().map(|parameter| parameter.name).collect();
/// assert_eq!(names, ["sdk.batch.size", "sdk.batch.delay"]);
/// ```
#[derive(Clone, Debug)]
pub struct SourceMiddleware {
    batch: Option<Batch>,
    #[cfg(feature = "schema")]
    schema: Option<Extraction>,
}

impl Default for SourceMiddleware {
    fn default() -> Self {
        Self {
            batch: Some(Batch::default()),
            #[cfg(feature = "schema")]
            schema: Some(Extraction::default()),
        }
    }
}

impl SourceMiddleware {
    /// Nothing, and none of the parameters.
    pub fn none() -> Self {
        Self {
            batch: None,
            #[cfg(feature = "schema")]
            schema: None,
        }
    }

    /// The same, with other defaults of `sdk.batch.size` and `sdk.batch.delay`.
    #[must_use]
    pub fn batch(mut self, size: u32, delay: Duration) -> Self {
        self.batch = Some(Batch { size: size as usize, delay });
        self
    }

    /// The same without `sdk.batch.*`.
    #[must_use]
    pub fn without_batch(mut self) -> Self {
        self.batch = None;
        self
    }

    /// The same with `sdk.schema.extract.key.enabled` and `sdk.schema.extract.payload.enabled` false by default.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema_off(mut self) -> Self {
        self.schema = Some(Extraction::off());
        self
    }

    /// The same without `sdk.schema.*`.
    #[must_use]
    #[cfg_attr(not(feature = "schema"), allow(unused_mut, clippy::missing_const_for_fn))]
    pub fn without_schema(mut self) -> Self {
        #[cfg(feature = "schema")]
        {
            self.schema = None;
        }
        self
    }

    /// The parameters, with their defaults.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        all.extend(self.batch.iter().flat_map(|batch| batch.parameters(batch::Side::Source)));
        #[cfg(feature = "schema")]
        all.extend(self.schema.iter().flat_map(Extraction::parameters));
        all
    }

    /// The same, as settings say that it is to be.
    pub(crate) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        Ok(Self {
            batch: self.batch.as_ref().map(|batch| batch.configured(settings)).transpose()?,
            #[cfg(feature = "schema")]
            schema: self.schema.as_ref().map(|schema| schema.configured(settings)).transpose()?,
        })
    }

    /// What runs around a source that is about to be opened.
    pub(crate) fn open(&self, context: &Context) -> AroundSource {
        let batch = self.batch.clone().unwrap_or_default();
        batch.warn();
        #[cfg(not(feature = "schema"))]
        let _ = context;
        AroundSource {
            collector: Collector::new(&batch),
            #[cfg(feature = "schema")]
            encoder: self.schema.as_ref().and_then(|schema| schema.open(context)),
        }
    }
}

/// What runs around a source.
pub(crate) struct AroundSource {
    pub(crate) collector: Collector,
    /// Nothing where there are no schemas.
    #[cfg(feature = "schema")]
    pub(crate) encoder: Option<Encoder>,
}

/// What the SDK does around a destination. [`DestinationMiddleware::default`] is all of it, with the defaults of the Go SDK.
///
/// ```
/// use conduit_connector_sdk::middleware::DestinationMiddleware;
///
/// let middleware = DestinationMiddleware::default().rate(10.0, 0).without_format();
/// let rate = middleware.parameters().into_iter().find(|parameter| parameter.name == "sdk.rate.perSecond");
/// assert_eq!(rate.unwrap().default, "10");
/// ```
#[derive(Clone, Debug)]
pub struct DestinationMiddleware {
    batch: Option<Batch>,
    rate: Option<Rate>,
    format: Option<Format>,
    #[cfg(feature = "schema")]
    schema: Option<Decoding>,
}

impl Default for DestinationMiddleware {
    fn default() -> Self {
        Self {
            batch: Some(Batch::default()),
            rate: Some(Rate::default()),
            format: Some(Format::default()),
            #[cfg(feature = "schema")]
            schema: Some(Decoding::default()),
        }
    }
}

impl DestinationMiddleware {
    /// Nothing, and none of the parameters.
    pub fn none() -> Self {
        Self {
            batch: None,
            rate: None,
            format: None,
            #[cfg(feature = "schema")]
            schema: None,
        }
    }

    /// The same, with other defaults of `sdk.batch.size` and `sdk.batch.delay`.
    #[must_use]
    pub fn batch(mut self, size: u32, delay: Duration) -> Self {
        self.batch = Some(Batch { size: size as usize, delay });
        self
    }

    /// The same without `sdk.batch.*`.
    #[must_use]
    pub fn without_batch(mut self) -> Self {
        self.batch = None;
        self
    }

    /// The same, with other defaults of `sdk.rate.perSecond` and `sdk.rate.burst`.
    #[must_use]
    pub fn rate(mut self, per_second: f64, burst: u32) -> Self {
        self.rate = Some(Rate { per_second, burst: burst as usize });
        self
    }

    /// The same without `sdk.rate.*`.
    #[must_use]
    pub fn without_rate(mut self) -> Self {
        self.rate = None;
        self
    }

    /// The same, with other defaults of `sdk.record.format` and `sdk.record.format.options`.
    #[must_use]
    pub fn format(mut self, format: impl Into<String>, options: impl Into<String>) -> Self {
        self.format = Some(Format { name: format.into(), options: options.into() });
        self
    }

    /// The same without `sdk.record.format`, for destinations that don't call [`Context::formatter`].
    #[must_use]
    pub fn without_format(mut self) -> Self {
        self.format = None;
        self
    }

    /// The same with `sdk.schema.extract.key.enabled` and `sdk.schema.extract.payload.enabled` false by default.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema_off(mut self) -> Self {
        self.schema = Some(Decoding::off());
        self
    }

    /// The same without `sdk.schema.*`.
    #[must_use]
    #[cfg_attr(not(feature = "schema"), allow(unused_mut, clippy::missing_const_for_fn))]
    pub fn without_schema(mut self) -> Self {
        #[cfg(feature = "schema")]
        {
            self.schema = None;
        }
        self
    }

    /// The parameters, with their defaults.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        all.extend(self.batch.iter().flat_map(|batch| batch.parameters(batch::Side::Destination)));
        all.extend(self.rate.iter().flat_map(Rate::parameters));
        all.extend(self.format.iter().flat_map(Format::parameters));
        #[cfg(feature = "schema")]
        all.extend(self.schema.iter().flat_map(Decoding::parameters));
        all
    }

    /// The same, as settings say that it is to be.
    pub(crate) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        Ok(Self {
            batch: self.batch.as_ref().map(|batch| batch.configured(settings)).transpose()?,
            rate: self.rate.as_ref().map(|rate| rate.configured(settings)).transpose()?,
            format: self.format.as_ref().map(|format| format.configured(settings)).transpose()?,
            #[cfg(feature = "schema")]
            schema: self.schema.as_ref().map(|schema| schema.configured(settings)).transpose()?,
        })
    }

    /// What formats records.
    pub(crate) fn formatter(&self) -> Result<Formatter, Error> {
        self.format.as_ref().map_or_else(|| Ok(Formatter::default()), Format::formatter)
    }

    /// What runs around a destination that is about to be opened.
    pub(crate) fn open(&self, context: &Context) -> AroundDestination {
        let batch = self.batch.clone().unwrap_or_default();
        batch.warn();
        #[cfg(not(feature = "schema"))]
        let _ = context;
        AroundDestination {
            batch,
            limiter: self.rate.as_ref().and_then(Rate::open),
            #[cfg(feature = "schema")]
            decoder: self.schema.as_ref().and_then(|schema| schema.open(context)),
        }
    }
}

/// What runs around a destination.
pub(crate) struct AroundDestination {
    pub(crate) batch: Batch,
    /// Nothing where there is no limit.
    pub(crate) limiter: Option<Limiter>,
    /// Nothing where nothing is decoded.
    #[cfg(feature = "schema")]
    pub(crate) decoder: Option<Decoder>,
}

/// The connector's own parameters, and the middleware's that have no other's name.
pub(crate) fn joined(own: Vec<Parameter>, added: Vec<Parameter>) -> Vec<Parameter> {
    let mut all = own;
    for parameter in added {
        if all.iter().all(|other| other.name != parameter.name) {
            all.push(parameter);
        }
    }
    all
}
