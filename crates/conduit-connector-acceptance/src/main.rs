//! The acceptance suite as a command.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use conduit_connector_acceptance::checks::Check;
use conduit_connector_acceptance::{Connector, ProtocolVersion, Report, Suite, SuiteError};

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
        /// Writes findings to a file, and a line a check to stdout meanwhile.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Runs only checks whose names start so; may be repeated.
        #[arg(long, value_name = "PREFIX")]
        only: Vec<String>,
        /// Leaves out checks whose names start so; may be repeated.
        #[arg(long, value_name = "PREFIX")]
        skip: Vec<String>,
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
    /// JUnit's XML at the end.
    Junit,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { binary, suite, format, output, only, skip, protocol } => {
            run(binary, suite, Choice { only, skip }, protocol, Writing { format, output }).await
        }
        Command::List => list(),
        Command::Hold { binary, environment } => hold(binary, &environment).await,
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::from(2)
    })
}

type CommandResult = Result<ExitCode, Box<dyn std::error::Error>>;

/// Which checks are run.
struct Choice {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Choice {
    fn checks(&self) -> Result<Vec<Check>, String> {
        // One that names nothing is a slip of the pen, and would make a run that checks less than it seems to.
        if let Some(prefix) = self.only.iter().chain(&self.skip).find(|prefix| !is_any_named(prefix)) {
            return Err(format!("no check has a name that starts with {prefix:?}; `list` shows them"));
        }
        let starts =
            |check: &Check, prefixes: &[String]| prefixes.iter().any(|it| check.name().starts_with(it.as_str()));
        let checks: Vec<Check> = Check::all()
            .into_iter()
            .filter(|check| self.only.is_empty() || starts(check, &self.only))
            .filter(|check| !starts(check, &self.skip))
            .collect();
        if checks.is_empty() { Err("no check is left to run".to_owned()) } else { Ok(checks) }
    }
}

fn is_any_named(prefix: &str) -> bool {
    Check::all().iter().any(|check| check.name().starts_with(prefix))
}

/// How findings are written, and where.
struct Writing {
    format: Format,
    output: Option<PathBuf>,
}

impl Writing {
    /// Whether each finding is shown on stdout as soon as it is there.
    fn is_live(&self) -> bool {
        matches!(self.format, Format::Text) || self.output.is_some()
    }

    /// The report as a whole, when all is done.
    fn finish(&self, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
        let text = match self.format {
            Format::Text => report.findings.iter().fold(String::new(), |text, finding| format!("{text}{finding}\n")),
            Format::Json => serde_json::to_string_pretty(report)? + "\n",
            Format::Junit => report.to_junit(),
        };
        match &self.output {
            Some(path) => {
                let text = if matches!(self.format, Format::Text) { format!("{text}\n{report}\n") } else { text };
                let write = std::fs::write(path, text);
                write.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
                writeln!(io::stdout(), "\n{report}")?;
            }
            None if self.is_live() => writeln!(io::stdout(), "\n{report}")?,
            None => write!(io::stdout(), "{text}")?,
        }
        Ok(())
    }
}

async fn run(
    binary: PathBuf,
    suite: Option<PathBuf>,
    choice: Choice,
    protocol: Option<u32>,
    writing: Writing,
) -> CommandResult {
    let checks = choice.checks()?;
    let mut suite = suite.map_or_else(|| Ok::<_, SuiteError>(Suite::default()), Suite::from_file)?;
    suite.version = protocol.and_then(ProtocolVersion::from_number);
    suite.host = std::env::current_exe().ok();
    // The program is run by its path, never looked up.
    let binary = binary.canonicalize().map_err(|error| format!("cannot find {}: {error}", binary.display()))?;
    let mut failure = None;
    let report = suite
        .run_checks(binary, checks, |finding| {
            if writing.is_live() && failure.is_none() {
                failure = writeln!(io::stdout(), "{finding}").err();
            }
        })
        .await;
    if let Some(error) = failure {
        return Err(error.into());
    }
    writing.finish(&report)?;
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list() -> CommandResult {
    for check in Check::all() {
        writeln!(io::stdout(), "{:<35} {}", check.name(), check.requirement())?;
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
