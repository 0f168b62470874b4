//! The acceptance suite as a command.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use conduit_connector_acceptance::checks::Check;
use conduit_connector_acceptance::{Connector, ProtocolVersion, Suite, SuiteError};

/// Drives a Conduit connector's program over gRPC, as Conduit does, and checks what any connector has to hold to.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the suite on a connector. Exit code: 0 when nothing failed, 1 when a check failed, 2 when it could not run.
    Run {
        /// The connector's program.
        binary: PathBuf,
        /// What the suite is told of the connector: settings, and records to write. Without it, checks that need them are
        /// skipped.
        #[arg(long)]
        suite: Option<PathBuf>,
        /// How findings are written.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Runs only checks whose names start so; may be repeated.
        #[arg(long, value_name = "PREFIX")]
        only: Vec<String>,
        /// The protocol version of all checks that don't ask for one themselves; the highest that the connector speaks
        /// otherwise.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=2))]
        protocol: Option<u32>,
    },
    /// Lists the checks and what each asks for.
    List,
    /// Starts a connector, prints its process id, and waits. The suite runs this in order to kill it.
    #[command(hide = true)]
    Hold {
        /// The connector's program.
        binary: PathBuf,
        /// Variables for the connector.
        #[arg(value_name = "NAME=VALUE")]
        environment: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line a check, as they finish.
    Text,
    /// One object at the end.
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { binary, suite, format, only, protocol } => run(binary, suite, format, &only, protocol).await,
        Command::List => list(),
        Command::Hold { binary, environment } => hold(binary, &environment).await,
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::from(2)
    })
}

type CommandResult = Result<ExitCode, Box<dyn std::error::Error>>;

async fn run(
    binary: PathBuf,
    suite: Option<PathBuf>,
    format: Format,
    only: &[String],
    protocol: Option<u32>,
) -> CommandResult {
    let mut suite = suite.map_or_else(|| Ok::<_, SuiteError>(Suite::default()), Suite::from_file)?;
    suite.version = protocol.and_then(ProtocolVersion::from_number);
    suite.host = std::env::current_exe().ok();
    // The program is run by its path, never looked up.
    let binary = binary.canonicalize().map_err(|error| format!("cannot find {}: {error}", binary.display()))?;
    let checks: Vec<Check> = Check::all()
        .into_iter()
        .filter(|check| only.is_empty() || only.iter().any(|prefix| check.name().starts_with(prefix)))
        .collect();
    if checks.is_empty() {
        return Err("no check has a name that starts so; `list` shows them".into());
    }
    let mut failure = None;
    let report = suite
        .run_checks(binary, checks, |finding| {
            if matches!(format, Format::Text) && failure.is_none() {
                failure = writeln!(io::stdout(), "{finding}").err();
            }
        })
        .await;
    if let Some(error) = failure {
        return Err(error.into());
    }
    match format {
        Format::Text => writeln!(io::stdout(), "\n{report}")?,
        Format::Json => writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list() -> CommandResult {
    for check in Check::all() {
        writeln!(io::stdout(), "{:<30} {}", check.name(), check.requirement())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn hold(binary: PathBuf, environment: &[String]) -> CommandResult {
    let variables = environment.iter().filter_map(|variable| variable.split_once('='));
    let connector = variables
        .fold(Connector::new(binary).connector_id("acceptance"), |connector, (name, value)| connector.env(name, value));
    let plugin = connector.command().start().await?;
    writeln!(io::stdout(), "{}", plugin.pid().unwrap_or_default())?;
    Ok(std::future::pending().await)
}
