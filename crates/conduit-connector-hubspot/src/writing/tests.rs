#![allow(clippy::unwrap_used)]

use conduit_connector_sdk::Settings;

use super::*;
use crate::pipelines::{self, Side};

/// What the engine is given; everything goes into contacts, where nothing else is said.
fn written(settings: &[(&str, &str)]) -> Result<Config, Error> {
    let given = [("accessToken", "pat-eu1-of-nobody"), ("resource", "crm.contacts")].into_iter();
    writing(&given.chain(settings.iter().copied()).collect::<Settings>().parse()?)
}

const COLLECTION: &str = r#"{{ index .Metadata "opencdc.collection" }}"#;

#[test]
fn nothing_but_a_resource_has_the_engines_defaults() {
    let config = written(&[]).unwrap();
    let defaults = Config::for_resource(find("crm.contacts").unwrap());
    assert_eq!(format!("{config:?}"), format!("{defaults:?}"));
}

#[test]
fn every_parameter_reaches_the_engine() {
    let config = written(&[
        ("resource", COLLECTION),
        ("resourceMap", "people=crm.contacts, orgs=crm.companies"),
        ("mode", "update"),
        ("idProperty", "crm.contacts=email, crm.objects.cars=vin"),
        ("id.field", " hs_object_id "),
        ("deletes", "gdpr"),
        ("onMissing", "create"),
        ("coalesce", "true"),
        ("readOnly", "error"),
        ("unknown", "drop"),
        ("createProperties", "true"),
        ("associations", "ignore"),
        ("hubdb.publish", "false"),
        ("maxInFlight", "64"),
    ])
    .unwrap();
    let resources: Vec<_> = config.routing.resources().map(|resource| resource.name).collect();
    assert_eq!(resources, ["crm.companies", "crm.contacts"]);
    assert_eq!(config.mode, Mode::Update);
    assert_eq!(config.id_properties.get("crm.contacts"), Some("email"));
    assert_eq!(config.id_properties.get("crm.objects.cars"), Some("vin"));
    assert_eq!(config.id_field.as_deref(), Some("hs_object_id"));
    assert_eq!((config.deletes, config.on_missing), (Deletes::Gdpr, OnMissing::Create));
    assert_eq!((config.read_only, config.unknown), (ReadOnly::Error, Unknown::Drop));
    assert_eq!(config.associations, Associations::Ignore);
    assert!(config.coalesce && config.create_properties && !config.hubdb_publish);
    assert_eq!(config.max_in_flight, 64);
    let config = written(&[("sourceId.property", " source_id "), ("sourceId.create", "true")]).unwrap();
    assert_eq!(config.source_id, Some(SourceId { property: "source_id".to_owned(), create: true }));
}

#[test]
fn what_can_be_asked_for_is_what_the_engine_has() {
    let words = |name: &str| {
        let parameters = <DestinationConfig as conduit_connector_sdk::Parameters>::parameters();
        let parameter = parameters.into_iter().find(|parameter| parameter.name == name).unwrap();
        let listed = format!("{:?}", parameter.validations);
        (parameter.default, listed)
    };
    for (name, known) in [
        ("mode", Mode::WORDS),
        ("deletes", Deletes::WORDS),
        ("onMissing", OnMissing::WORDS),
        ("readOnly", ReadOnly::WORDS),
        ("unknown", Unknown::WORDS),
        ("associations", Associations::WORDS),
    ] {
        let (default, listed) = words(name);
        assert_eq!(default, known[0], "{name}");
        assert!(listed.contains(&format!("{known:?}")), "{name}: {listed}");
        for word in known.iter().filter(|word| **word != "gdpr" && **word != "create") {
            assert!(written(&[(name, word)]).is_ok(), "{name}: {word}");
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (settings, words) in [
        (&[("sourceId.create", "true")][..], &["\"sourceId.create\"", "\"sourceId.property\""][..]),
        (&[("mode", "insert"), ("onMissing", "create")], &["\"onMissing: create\"", "\"mode: insert\""]),
        (&[("sourceId.property", "source_id"), ("idProperty", "email")], &["\"idProperty\" exclude each other"]),
        (&[("sourceId.property", "source_id"), ("id.field", "id")], &["\"id.field\" exclude each other"]),
        (&[("resource", "crm.deals"), ("deletes", "gdpr")], &["\"deletes: gdpr\"", "contacts alone", "crm.deals"]),
        (&[("resource", "crm.objects.cars"), ("deletes", "gdpr")], &["contacts alone", "crm.objects.cars"]),
        (&[("resource", "cms.blogs.posts"), ("mode", "upsert")], &["no upsert for cms.blogs.posts", "insert"]),
        (&[("resourceMap", "people=crm.contacts")], &["\"resourceMap\"", "crm.contacts for every record", "template"]),
        (&[("idProperty", "crm.companies=domain")], &["\"idProperty\"", "crm.companies", "into crm.contacts"]),
        (
            &[("resource", COLLECTION), ("idProperty", "crm.contcats=email")],
            &["\"idProperty\"", "did you mean \"crm.contacts\""],
        ),
        (&[("resource", COLLECTION), ("idProperty", "cms.blogs.posts=slug")], &["\"idProperty\"", "no unique"]),
        (&[("resource", COLLECTION), ("idProperty", "crm.owners=email")], &["\"idProperty\"", "no unique"]),
        (&[("resource", "crm.owners")], &["\"resource\"", "crm.owners can't be written"]),
        (
            &[("resource", COLLECTION), ("resourceMap", "people=crm.contcats")],
            &["\"resourceMap\"", "did you mean \"crm.contacts\""],
        ),
        (&[("sourceId.property", "Source Id")], &["\"sourceId.property\"", "Source Id", "lower-case"]),
        (&[("sourceId.property", "hs_source"), ("sourceId.create", "true")], &["HubSpot's own"]),
    ] {
        let said = written(settings).unwrap_err().to_string();
        for word in words {
            assert!(said.contains(word), "{settings:?}: {word:?} isn't in: {said}");
        }
    }
}

#[test]
fn what_is_for_crm_objects_needs_one() {
    for (name, value) in [
        ("idProperty", "slug"),
        ("readOnly", "error"),
        ("unknown", "drop"),
        ("createProperties", "true"),
        ("sourceId.property", "source_id"),
        ("associations", "ignore"),
    ] {
        let said = written(&[("resource", "cms.blogs.posts"), (name, value)]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("\"{name}")) && said.contains("for CRM objects only"), "{said}");
        assert!(written(&[("resource", COLLECTION), (name, value)]).is_ok(), "{name}");
        assert!(written(&[("resource", "crm.objects.cars"), (name, value)]).is_ok(), "{name}");
    }
}

/// The destinations of all pipelines that people copy.
#[test]
fn the_pipelines_that_are_shown_can_be_run() {
    let mut texts = pipelines::examples();
    texts.push(("README.md".to_owned(), pipelines::README.to_owned()));
    texts.push(("docs/destination.md".to_owned(), pipelines::DESTINATION.to_owned()));
    texts.push(("docs/copying-accounts.md".to_owned(), pipelines::COPYING.to_owned()));
    let mut count = 0;
    for (name, text) in &texts {
        for given in pipelines::connectors_in(text, Side::Destination) {
            let parsed = pipelines::settings(&given).parse();
            let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
            writing(&parsed).unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
    }
    assert!(count >= 6, "only {count} destinations were found");
}

/// The pages show what the example files have, which are longer by their comments.
#[test]
fn the_pages_show_the_example_files() {
    let examples = pipelines::examples();
    for (page, name) in [(pipelines::DESTINATION, "to-hubspot-with-dlq.yml"), (pipelines::COPYING, "crm-copy.yml")] {
        let (_, file) = examples.iter().find(|(file, _)| file == name).unwrap();
        let (_, shown) = page.split_once("```yaml\nversion").unwrap();
        let (shown, _) = shown.split_once("```").unwrap();
        let is_told =
            |line: &&str| !line.trim_start().starts_with('#') && !line.trim_start().starts_with("description:");
        let told: String = file.lines().filter(is_told).flat_map(|line| [line, "\n"]).collect();
        let shown: String = shown.lines().filter(is_told).flat_map(|line| [line, "\n"]).collect();
        assert!(told.contains(&shown), "{name} has something else than its page:\n{shown}");
    }
}

/// Each code for which the engine knows what to do is on the page.
#[test]
fn the_page_says_what_to_do_about_every_code() {
    let advice = include_str!("../../../hubspot-destination/src/advice.rs");
    let codes: Vec<&str> = advice
        .split('"')
        .filter(|text| text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    assert!(codes.len() >= 9, "{codes:?}");
    for code in codes {
        assert!(pipelines::DESTINATION.contains(code), "docs/destination.md doesn't have {code}");
    }
}

/// Without a dead-letter queue the first record that HubSpot refuses stops a pipeline.
#[test]
fn every_pipeline_into_hubspot_has_a_dead_letter_queue() {
    for (name, text) in pipelines::examples() {
        if !pipelines::connectors_in(&text, Side::Destination).is_empty() {
            assert!(text.contains("dead-letter-queue:"), "{name}");
        }
    }
}
