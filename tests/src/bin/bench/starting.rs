//! How soon the plugin is there.

use std::time::Duration;

use anyhow::Result;
use conduit_connector_acceptance::Connector;

use crate::figure::Figure;

/// An odd number of starts has one in the middle.
const STARTS: usize = 21;

/// The median from the start of the process to its handshake.
pub(crate) async fn median(connector: &Connector) -> Result<Figure> {
    let (median, slowest) = starts(connector).await?;
    let note = format!("median of {STARTS}; the slowest took {:.1} ms", milliseconds(slowest));
    Ok(Figure::new("start to handshake", milliseconds(median), "ms").at_most(8.0).note(note))
}

/// The median and the slowest of so many starts.
pub(crate) async fn starts(connector: &Connector) -> Result<(Duration, Duration)> {
    let mut taken = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let mut plugin = connector.command().start().await?;
        taken.push(plugin.start_to_handshake());
        plugin.shutdown().await?;
    }
    taken.sort_unstable();
    Ok((taken[STARTS / 2], taken[STARTS - 1]))
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
