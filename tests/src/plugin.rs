//! The plugin under test: where its program is, and the settings that tests give it.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use conduit_connector_acceptance::{Connector, Settings};
use hubspot_catalog::{Directory, Kind, Resource};

/// The name of the plugin's program.
const NAME: &str = "conduit-connector-hubspot";

/// Names the program where it isn't beside this one.
const VARIABLE: &str = "CONDUIT_CONNECTOR_HUBSPOT";

/// The plugin's program: the one that `CONDUIT_CONNECTOR_HUBSPOT` names, else the one that cargo built beside this program.
///
/// # Errors
/// When it isn't there; the error says how to build it.
pub fn program() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let this = env::current_exe().context("where is this program?")?;
    let mut folder = this.parent().context("this program has no folder")?;
    // Cargo puts tests one folder below the programs.
    if folder.ends_with("deps") {
        folder = folder.parent().context("`deps` has no folder above it")?;
    }
    let program = folder.join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        let release = if folder.ends_with("release") { " --release" } else { "" };
        bail!(
            "{} is not there: build it with `cargo build --package {NAME}{release}`, or let `cargo xtask` do it",
            program.display()
        );
    }
    Ok(program)
}

/// The plugin, ready to be started.
///
/// # Errors
/// As [`program`].
pub fn connector() -> Result<Connector> {
    Ok(Connector::new(program()?))
}

/// Settings for one resource at `url`, for the source or the destination: nothing but what is required.
pub fn settings(url: &str, token: &str, resource: &str) -> Settings {
    with(Settings::new(), &[("baseUrl", url), ("accessToken", token), ("resource", resource)])
}

/// The settings of a source that polls often, so that a test waits for the connector and not for its pauses.
pub fn eager(url: &str, token: &str, resource: &str) -> Settings {
    with(settings(url, token, resource), &[("pollingPeriod", "100ms"), ("deletes.interval", "200ms")])
}

/// The same settings, with these set as well.
pub fn with(mut settings: Settings, more: &[(&str, &str)]) -> Settings {
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings
}

/// What the emulator calls a resource: HubSpot's object type, a CMS path such as `blogs/posts`, or a directory such as
/// `pipelines/deals`.
pub fn hubspot_name(resource: &Resource) -> String {
    match &resource.kind {
        Kind::Crm(crm) => crm.object_type.to_owned(),
        Kind::Cms(cms) => match cms.collection {
            Some(collection) => format!("{}/{collection}", cms.area),
            None => cms.area.to_owned(),
        },
        Kind::Directory(Directory::Pipelines { object_type }) => format!("pipelines/{object_type}"),
        Kind::Directory(Directory::Stages { object_type }) => format!("stages/{object_type}"),
        // The owners, and what else may become a directory, under the last part of its name.
        Kind::Directory(_) => resource.name.rsplit('.').next().unwrap_or_default().to_owned(),
    }
}
