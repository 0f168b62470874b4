//! HubSpot on loopback, as a process.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::TimeDelta;
use clap::{Parser, ValueEnum};
use hubspot_emulator::{Emulator, FaultRates, Limits, OAuthApp, Settings};

/// HubSpot on loopback: the API with its limits, lags and faults, for demos and tests.
///
/// Prints `listening on http://ADDRESS` when it accepts connections, and runs until it is killed. Settings, objects and faults can be changed while it runs:
/// see the admin API in the documentation of the crate `hubspot-emulator`.
#[derive(Debug, Parser)]
#[command(version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch")]
struct Arguments {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// An account that accepts exactly this token. Repeat it for more accounts.
    #[arg(long = "token", value_name = "TOKEN", default_value = "pat-na1-emulator")]
    tokens: Vec<String>,
    /// An OAuth app of the first account. Repeat it for more.
    #[arg(long = "oauth", value_name = "CLIENT_ID:SECRET:REFRESH_TOKEN", value_parser = oauth_app)]
    apps: Vec<OAuthApp>,
    /// Limits on requests: free is 100 in 10 s, pro 190; both 5 searches a second.
    #[arg(long, value_enum, default_value_t = Tier::Off)]
    limits: Tier,
    /// How late entries of the search index appear: a time, or a range such as 3s..7s.
    #[arg(long, value_name = "LAG", value_parser = lag)]
    index_lag: Option<(Duration, Duration)>,
    /// How long an answer takes, such as 50ms.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// Seeds index lags, ids, noise and random faults.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Gives ids at random instead of in the order of creation.
    #[arg(long)]
    no_ids_in_order: bool,
    /// HubSpot's clock less this machine's, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// How long an OAuth access token lives.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = duration)]
    token_lifetime: Duration,
    /// Answers an input that is wrong among a batch's errors, instead of failing the batch.
    #[arg(long)]
    no_whole_batch_failures: bool,
    /// Gives a merged object a new id.
    #[arg(long)]
    merge_mints_id: bool,
    /// Leaves objects that a merge swallowed out of the archived list.
    #[arg(long)]
    no_merged_are_archived: bool,
    /// How many associations of an object come at once, at most 500.
    #[arg(long, value_name = "NUMBER", default_value_t = 500)]
    association_page: usize,
    /// Keeps no former values of properties.
    #[arg(long)]
    no_history: bool,
    /// Answers 400 when a property is asked for that isn't defined.
    #[arg(long)]
    unknown_properties_fail: bool,
    /// Makes the cursors of lists tokens that are no ids.
    #[arg(long)]
    opaque_cursors: bool,
    /// Leaves it to whoever writes associations which pair an error is about.
    #[arg(long)]
    no_association_errors_name_pairs: bool,
    /// Refuses upserts by a contact's email that don't have it among their properties.
    #[arg(long)]
    email_upserts_are_whole: bool,
    /// The share of searches whose answer has an object from outside the range asked for, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    search_noise: f64,
    /// The share of requests that are answered with an HTML page and 502, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    server_errors: f64,
    /// The share of requests whose connection is dropped before they are done.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    resets: f64,
    /// The share of requests that are done, and whose connection is dropped then.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    lost_replies: f64,
    /// The share of requests that are answered with 429 without a reason.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    rate_limited: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tier {
    Free,
    Pro,
    Off,
}

impl Arguments {
    fn settings(&self) -> Result<Settings> {
        for share in [self.server_errors, self.resets, self.lost_replies, self.rate_limited, self.search_noise] {
            ensure!((0.0..=1.0).contains(&share), "a share is from 0 to 1, not {share}");
        }
        ensure!((1..=500).contains(&self.association_page), "a page of associations has from 1 to 500 of them");
        Ok(Settings {
            limits: match self.limits {
                Tier::Free => Limits::FREE,
                Tier::Pro => Limits::PRO,
                Tier::Off => Limits::Off,
            },
            index_lag: self.index_lag,
            latency: self.latency,
            ids_in_order: !self.no_ids_in_order,
            clock_offset: TimeDelta::try_milliseconds(self.clock_offset).context("the clock offset is out of range")?,
            seed: self.seed,
            fault_rates: FaultRates {
                server_error: self.server_errors,
                reset: self.resets,
                lost_reply: self.lost_replies,
                rate_limited: self.rate_limited,
            },
            token_lifetime: self.token_lifetime,
            whole_batch_failures: !self.no_whole_batch_failures,
            merge_mints_id: self.merge_mints_id,
            merged_are_archived: !self.no_merged_are_archived,
            association_page: self.association_page,
            history: !self.no_history,
            unknown_properties_fail: self.unknown_properties_fail,
            opaque_cursors: self.opaque_cursors,
            association_errors_name_pairs: !self.no_association_errors_name_pairs,
            email_upserts_are_whole: self.email_upserts_are_whole,
            search_noise: self.search_noise,
        })
    }
}

/// `50ms`, `3s`, `1.5s`, `2m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("{text} is no time such as 50ms, 3s, 2m or 1h")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("{text} is no time such as 50ms or 3s"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| format!("{text}: {error}"))
}

fn lag(text: &str) -> Result<(Duration, Duration), String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (duration(least)?, duration(most)?);
    if least <= most { Ok((least, most)) } else { Err(format!("{text} ends before it begins")) }
}

fn oauth_app(text: &str) -> Result<OAuthApp, String> {
    let parts: Vec<&str> = text.splitn(3, ':').collect();
    match parts.as_slice() {
        [id, secret, refresh] => Ok(OAuthApp {
            client_id: (*id).to_owned(),
            client_secret: (*secret).to_owned(),
            refresh_token: (*refresh).to_owned(),
        }),
        _ => Err("it has to be CLIENT_ID:SECRET:REFRESH_TOKEN".to_owned()),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut builder =
        Emulator::builder().address(SocketAddr::new(arguments.host, arguments.port)).settings(arguments.settings()?);
    for token in &arguments.tokens {
        builder = builder.account(token);
    }
    let emulator = builder.start().await?;
    for app in arguments.apps {
        emulator.install_app(&arguments.tokens[0], app);
    }
    // Whoever started it waits for this line.
    writeln!(std::io::stdout(), "listening on {}", emulator.url()).context("can't say where it listens")?;
    std::future::pending().await
}
