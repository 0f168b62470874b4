#![allow(clippy::unwrap_used)]

use conduit_connector_sdk::Settings;

use super::*;
use crate::pipelines::{self, Side};

fn plan(settings: &[(&str, &str)]) -> Result<Plan, Error> {
    let given = [("accessToken", "pat-eu1-of-nobody")].into_iter().chain(settings.iter().copied());
    Plan::new(&given.collect::<Settings>().parse()?)
}

/// What the engine is given, in an account without custom objects.
fn reading(settings: &[(&str, &str)]) -> Result<Config, Error> {
    let plan = plan(settings)?;
    plan.with(&plan.selection, &[])
}

fn names(config: &Config) -> Vec<&str> {
    config.resources.iter().map(|resource| resource.name).collect()
}

#[test]
fn a_resource_alone_is_read_with_the_engines_defaults() {
    let reading = reading(&[("resource", "crm.contacts")]).unwrap();
    let defaults = Config::new([hubspot_catalog::find("crm.contacts").unwrap()]);
    assert_eq!(format!("{reading:?}"), format!("{defaults:?}"));
}

#[test]
fn every_parameter_reaches_the_engine() {
    let reading = reading(&[
        ("resource", "crm.deals, crm.pipelines.*, !crm.pipelines.leads"),
        ("onForbidden", "skip"),
        ("pollingPeriod", "7s"),
        ("bufferSize", "50"),
        ("properties", "default, hs_*, !hs_analytics_*"),
        ("extraProperties", "dealname, amount"),
        ("values", "typed"),
        ("before", "history"),
        ("associations", "crm.companies, contacts, 0-2, 2-123"),
        ("associations.refresh", "1h"),
        ("refresh.calculated", "2h"),
        ("audit.interval", "24h"),
        ("snapshot", "false"),
        ("cdc.settleLag", "3m"),
        ("deletes.interval", "4m"),
        ("deletes.payload", "true"),
    ])
    .unwrap();
    assert_eq!(names(&reading)[..2], ["crm.deals", "crm.pipelines.deals"]);
    assert!(!names(&reading).contains(&"crm.pipelines.leads"));
    assert_eq!(reading.on_forbidden, OnForbidden::Skip);
    assert_eq!((reading.polling_period, reading.page_size), (Duration::from_secs(7), 50));
    assert_eq!(reading.properties.to_string(), "default,hs_*,!hs_analytics_*");
    assert_eq!(reading.extra_properties, ["dealname", "amount"]);
    assert_eq!((reading.values, reading.before), (Values::Typed, true));
    assert_eq!(reading.associations, ["companies", "contacts", "2-123"]);
    assert_eq!(reading.associations_refresh, Some(Duration::from_hours(1)));
    assert_eq!(reading.calculated_refresh, Some(Duration::from_hours(2)));
    assert_eq!(reading.audit_interval, Some(Duration::from_hours(24)));
    assert_eq!((reading.snapshot, reading.lag), (false, Duration::from_mins(3)));
    assert_eq!((reading.deletes_interval, reading.deletes_payload), (Duration::from_mins(4), true));
}

#[test]
fn custom_objects_are_looked_up_only_where_they_may_be_meant() {
    let asks = |settings: &[(&str, &str)]| {
        let plan = plan(settings).unwrap();
        plan.selection.needs_schemas() || plan.associations.iter().any(Association::needs_schemas)
    };
    assert!(!asks(&[("resource", "crm.contacts, cms.*"), ("associations", "2-7")]));
    assert!(asks(&[("resource", "crm.objects.cars")]));
    assert!(asks(&[("resource", "crm.contacts"), ("associations", "crm.objects.cars")]));
}

#[test]
fn custom_objects_are_read_and_followed_by_name() {
    let owned = str::to_owned;
    let cars =
        CustomObject { name: owned("cars"), fully_qualified_name: owned("p1_cars"), object_type_id: owned("2-7") };
    let plan = plan(&[("resource", "crm.objects.*, crm.owners"), ("associations", "crm.objects.cars, 2-7")]).unwrap();
    let reading = plan.with(&plan.selection, &[cars]).unwrap();
    assert_eq!(names(&reading), ["crm.owners", "crm.objects.cars"]);
    assert_eq!(reading.associations, ["2-7"]);
}

#[test]
fn what_does_not_go_together_is_refused_in_one_line() {
    for (settings, said) in [
        (
            &[("resource", "crm.contacts"), ("associations.refresh", "1h")][..],
            "\"associations.refresh\" needs \"associations\": name the object types whose associations are read, or leave \
             it out",
        ),
        (
            &[("resource", "crm.contacts"), ("audit.interval", "100ms")],
            "error validating \"audit.interval\": 100ms is too often; give at least 1s, or 0s to turn it off",
        ),
        (
            &[("resource", "crm.contacts"), ("deletes.interval", "2161h")],
            "error validating \"deletes.interval\": HubSpot lists what was archived for 90 days, so deletions would be lost; \
             give at most 2160h",
        ),
        (
            &[("resource", "crm.contacts"), ("pollingPeriod", "99ms")],
            "error validating \"pollingPeriod\": 99ms is too often; give at least 100ms",
        ),
        (
            &[("resource", "crm.contacts"), ("deletes.interval", "0s")],
            "error validating \"deletes.interval\": 0s is too often; give at least 100ms",
        ),
        (
            &[("resource", "crm.contacts"), ("properties", "email,,phone")],
            "error validating \"properties\": the list of properties has an empty entry: remove it, or name a property",
        ),
        (
            &[("resource", "crm.contacts"), ("extraProperties", "email, ,phone")],
            "error validating \"extraProperties\": the list has an empty entry: remove it, or name a property",
        ),
        (
            &[("resource", "crm.contacts"), ("extraProperties", "email, first name")],
            "error validating \"extraProperties\": \"first name\" is no property: names have no ' '; separate names with \
             commas",
        ),
        (
            &[("resource", "crm.contacts"), ("extraProperties", "hs_*")],
            "error validating \"extraProperties\": \"hs_*\" is no name: globs and exclusions belong in \"properties\"",
        ),
        (
            &[("resource", "crm.contacts"), ("properties", "First Name")],
            "error validating \"properties\": \"First Name\" is no property: names have no ' '; separate names with commas",
        ),
        (
            &[("resource", "cms.blogs.posts, crm.owners"), ("values", "typed"), ("deletes.payload", "true")],
            "\"values\", \"deletes.payload\": for CRM objects only, such as crm.contacts, and there are none in crm.owners, \
             cms.blogs.posts; leave out what is for them, or name some in \"resource\"",
        ),
    ] {
        assert_eq!(plan(settings).unwrap_err().to_string(), said);
    }
}

#[test]
fn each_parameter_for_crm_objects_says_so() {
    for (name, value) in [
        ("properties", "all"),
        ("values", "typed"),
        ("before", "history"),
        ("associations", "contacts"),
        ("refresh.calculated", "1h"),
        ("audit.interval", "1h"),
        ("deletes.payload", "true"),
    ] {
        let said = plan(&[("resource", "cms.*"), (name, value)]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{name:?}: for CRM objects only")), "{said}");
        assert!(plan(&[("resource", "cms.*, crm.deals"), (name, value)]).is_ok(), "{name}");
    }
    // As with the Go connector.
    assert!(plan(&[("resource", "cms.blogs.posts"), ("extraProperties", "email")]).is_ok());
    // Custom objects may be among these.
    assert!(plan(&[("resource", "crm.objects.*"), ("properties", "all")]).is_ok());
}

fn read_by(settings: &[(&str, String)]) -> Config {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let plan = Plan::new(&settings.collect::<Settings>().parse().unwrap()).unwrap();
    plan.with(&plan.selection, &[]).unwrap()
}

/// The settings of the README's pipelines.
#[test]
fn the_readmes_pipelines_can_be_run() {
    let sources = pipelines::connectors_in(pipelines::README, Side::Source);
    let resources: Vec<_> = sources.iter().map(|settings| read_by(settings).resources.len()).collect();
    assert!(matches!(resources[..], [1, 35..=45]), "one resource, and some 40: {resources:?}");
    assert!(sources[1].len() > 8, "{sources:?}");
}

/// Those of the example files.
#[test]
fn the_example_pipelines_can_be_run() {
    let mut read = Vec::new();
    for (_, pipeline) in pipelines::examples() {
        let sources = pipelines::connectors_in(&pipeline, Side::Source);
        read.extend(sources.iter().map(|settings| names(&read_by(settings)).len()));
    }
    read.sort_unstable();
    assert!(
        matches!(read[..], [1, 6, 6, 25..=35]),
        "one with one resource, two that copy an account, one with all objects of the CRM: {read:?}"
    );
}
