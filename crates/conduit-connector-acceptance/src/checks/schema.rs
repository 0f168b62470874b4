//! Whether schemas are created, named and used.

use std::fmt;

use opencdc::{Data, Metadata, Record};

use super::handshake::refuses_clearly;
use super::{Context, Ending, ensure, fail, skip};
use crate::avro::{self, Schema};

/// A part of a record that may have a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Key,
    Payload,
}

const PARTS: [Part; 2] = [Part::Key, Part::Payload];

/// The subject of destinations' records.
const SUBJECT: &str = "acceptance";

impl Part {
    /// The name in the metadata of the subject of its schema.
    const fn subject(self) -> &'static str {
        match self {
            Self::Key => Metadata::KEY_SCHEMA_SUBJECT,
            Self::Payload => Metadata::PAYLOAD_SCHEMA_SUBJECT,
        }
    }

    /// The name in the metadata of the version of its schema.
    const fn version(self) -> &'static str {
        match self {
            Self::Key => Metadata::KEY_SCHEMA_VERSION,
            Self::Payload => Metadata::PAYLOAD_SCHEMA_VERSION,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Payload => "payload",
        })
    }
}

pub(super) async fn source(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    source.finish().await?;

    let mut with_schema = 0;
    for record in &records {
        for part in PARTS {
            with_schema += usize::from(decodes(context, record, part)?);
        }
    }
    ensure(context.registry.strangers() == 0, || {
        format!("{} calls of the schema service came without the connector token", context.registry.strangers())
    })?;
    if with_schema > 0 {
        return Ok(());
    }
    match context.source_suite()?.schema {
        Some(true) => fail("none of its records has a schema"),
        Some(false) | None => skip("none of its records has a schema"),
    }
}

/// Whether this part of the record has a schema. Then it has to be the one by which it decodes.
fn decodes(context: &Context, record: &Record, part: Part) -> Result<bool, Ending> {
    let (subject, version) = (record.metadata.get(part.subject()), record.metadata.get(part.version()));
    let (subject, version) = match (subject, version) {
        (None, None) => return Ok(false),
        (Some(subject), Some(version)) => (subject, version),
        _ => return fail(format!("the {part} of a record has a schema's subject without a version, or the reverse")),
    };
    if context.source_suite()?.schema == Some(false) {
        return fail(format!("a record has the schema {subject}, though the suite says that there are none"));
    }
    let Some(json) = version.parse().ok().and_then(|version| context.registry.schema(subject, version)) else {
        return fail(format!("a record names the schema {subject} in version {version}, which was not created"));
    };
    let schema = Schema::parse(json.as_bytes()).map_err(Ending::Failed)?;
    let data = match part {
        Part::Key => vec![&record.key],
        Part::Payload => vec![&record.payload.before, &record.payload.after],
    };
    for data in data.into_iter().flatten() {
        let Data::Raw(bytes) = data else {
            return fail(format!("the {part} of a record has the schema {subject}, but is not raw"));
        };
        if let Err(reason) = schema.decode(bytes) {
            return fail(format!(
                "the {part} at position {} does not decode by {subject} in version {version}: {reason}",
                record.position
            ));
        }
    }
    Ok(true)
}

pub(super) async fn source_absent(context: &Context) -> Result<(), Ending> {
    let settings = context.source_suite()?.settings.clone();
    context.populate().await?;
    let connector = context.connector_without_registry();
    let mut source = match connector.source(settings).await {
        Ok(source) => source,
        Err(error) => return refuses_clearly(&error, "without a schema service"),
    };
    source.open(None).await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    source.finish().await?;
    for record in &records {
        for part in PARTS {
            let subject = record.metadata.get(part.subject());
            ensure(subject.is_none(), || {
                format!("a record names the schema {}, though there is no registry", subject.unwrap_or_default())
            })?;
        }
    }
    Ok(())
}

pub(super) async fn destination(context: &Context) -> Result<(), Ending> {
    let mut record = context.one_to_write()?;
    let mut versions = Vec::new();
    for part in PARTS {
        let data = if part == Part::Key { &mut record.key } else { &mut record.payload.after };
        let Some(Data::Structured(fields)) = data else { continue };
        let Some((schema, bytes)) = avro::encode(fields) else {
            return skip("the first record of the suite has names or lists that this check cannot encode");
        };
        *data = Some(Data::Raw(bytes));
        let subject = format!("{SUBJECT}.{part}");
        let version = context.registry.add(&subject, &schema);
        record.metadata.insert(part.subject(), subject.clone());
        record.metadata.insert(part.version(), version.to_string());
        versions.push((subject, version));
    }
    if versions.is_empty() {
        return skip("the first record of the suite has no table of fields to encode");
    }
    let mut destination = context.opened_destination(&context.connector).await?;
    let results = destination.write(vec![record]).await?;
    destination.finish().await?;
    let asked = context.registry.asked();
    let strangers = context.registry.strangers();
    ensure(strangers == 0, || format!("{strangers} calls of the schema service came without the connector token"))?;
    if asked.is_empty() {
        return match context.destination_suite()?.schema {
            Some(true) => fail("it did not ask for the schemas that the record names"),
            Some(false) | None => skip("it asks for no schemas"),
        };
    }
    if let Some((subject, version)) = asked.iter().find(|asked| !versions.contains(asked)) {
        return fail(format!("it asked for {subject} in version {version}; the record names {versions:?}"));
    }
    match results.into_iter().next() {
        Some(Err(reason)) => fail(format!("the record was refused once it was encoded: {reason}")),
        _ => Ok(()),
    }
}
