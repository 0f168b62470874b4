//! Whether a destination keeps to the limit of what a message may have.

use opencdc::{Data, Record};

use super::{Context, Ending, ensure, fail};
use crate::{Connector, DriverError};

/// Conduit's limit of a message, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// What a record and its message have beside the filler, at most.
const MARGIN: usize = 16 * 1024;

/// A limit that a host has raised.
const RAISED: usize = 8 * 1024 * 1024;

/// The record, with so many bytes more in its payload.
fn filled(mut record: Record, bytes: usize) -> Record {
    let filler = "x".repeat(bytes);
    match &mut record.payload.after {
        Some(Data::Structured(map)) => {
            map.insert("acceptanceFiller", filler);
        }
        Some(Data::Raw(raw)) => raw.extend(filler.into_bytes()),
        none => *none = Some(Data::Raw(filler.into_bytes())),
    }
    record
}

/// Writes one record of that size. The outer error says that it was not answered as a record is.
async fn write(
    context: &Context,
    connector: &Connector,
    bytes: usize,
) -> Result<Result<Answered, DriverError>, Ending> {
    let record = filled(context.one_to_write()?, bytes);
    let mut destination = context.opened_destination(connector).await?;
    let written = destination.write(vec![record]).await;
    if matches!(written, Err(DriverError::TimedOut { .. })) {
        return fail(format!("a record of {bytes} bytes was not answered within {:?}", context.limit()));
    }
    destination.teardown().await?;
    destination.shutdown().await?;
    Ok(written.map(|mut results| results.pop().map_or(Answered::Written, Answered::from)))
}

enum Answered {
    Written,
    Refused(String),
}

impl From<Result<(), String>> for Answered {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Refused, |()| Self::Written)
    }
}

/// A record is answered, whether it is written or not.
async fn answered(context: &Context, connector: &Connector, bytes: usize) -> Result<(), Ending> {
    match write(context, connector, bytes).await? {
        Ok(_) => Ok(()),
        Err(error) => fail(format!("a record of {bytes} bytes was not answered: {error}")),
    }
}

pub(super) async fn near(context: &Context) -> Result<(), Ending> {
    answered(context, &context.connector, LIMIT - MARGIN).await
}

pub(super) async fn above(context: &Context) -> Result<(), Ending> {
    let connector = context.connector.clone().max_receive_record_size(LIMIT);
    let reason = match write(context, &connector, LIMIT + MARGIN).await? {
        Ok(Answered::Written) => return fail(format!("a record of {} bytes was written", LIMIT + MARGIN)),
        Ok(Answered::Refused(reason)) => reason,
        Err(DriverError::Call { message, .. }) => message,
        Err(error) => return fail(format!("there is no error that says why: {error}")),
    };
    ensure(!reason.trim().is_empty(), || "the error does not say why".to_owned())
}

pub(super) async fn raised(context: &Context) -> Result<(), Ending> {
    let connector = context.connector.clone().max_receive_record_size(RAISED);
    answered(context, &connector, 5 * 1024 * 1024).await
}
