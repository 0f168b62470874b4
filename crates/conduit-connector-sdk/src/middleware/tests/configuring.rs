//! The parameters, as a pipeline file and a specification have them.

use crate::middleware::{DestinationMiddleware, SourceMiddleware, joined};
use crate::specification::{of_destination, of_source};
use crate::{Context, Destination, Error, Parameter, Parameters, Position, Record, Settings, Source};

fn listed(parameters: &[Parameter]) -> Vec<String> {
    let of = |parameter: &Parameter| {
        let validations = parameter.validations.iter().map(|it| format!(" {} {}", it.kind(), it.value()));
        let (name, kind, default) = (&parameter.name, parameter.kind.as_str(), &parameter.default);
        format!("{name} {kind} {default:?}{}", validations.collect::<String>())
    };
    parameters.iter().map(of).collect()
}

/// Also compared with the Go SDK itself, in `tests/interop/middleware_test.go`.
#[cfg(feature = "schema")]
#[test]
fn they_are_those_of_the_go_sdk() {
    assert_eq!(
        listed(&SourceMiddleware::default().parameters()),
        [
            "sdk.batch.size int \"0\" greater-than -1",
            "sdk.batch.delay duration \"0\"",
            "sdk.schema.extract.type string \"avro\" inclusion avro",
            "sdk.schema.extract.payload.enabled bool \"true\"",
            "sdk.schema.extract.payload.subject string \"payload\"",
            "sdk.schema.extract.key.enabled bool \"true\"",
            "sdk.schema.extract.key.subject string \"key\"",
            "sdk.schema.context.enabled bool \"true\"",
            "sdk.schema.context.name string \"\"",
        ]
    );
    assert_eq!(
        listed(&DestinationMiddleware::default().parameters()),
        [
            "sdk.batch.size int \"0\" greater-than -1",
            "sdk.batch.delay duration \"0\"",
            "sdk.rate.perSecond float \"0\" greater-than -1",
            "sdk.rate.burst int \"0\" greater-than -1",
            "sdk.record.format string \"opencdc/json\"",
            "sdk.record.format.options string \"\"",
            "sdk.schema.extract.payload.enabled bool \"true\"",
            "sdk.schema.extract.key.enabled bool \"true\"",
        ]
    );
}

#[test]
fn values_are_checked_as_gos_sdk_does() {
    let parameters = DestinationMiddleware::default().parameters();
    for (name, value, said) in [
        ("sdk.batch.size", "-1", "greater than"),
        ("sdk.batch.size", "many", "not an integer"),
        ("sdk.batch.delay", "5", "not a duration"),
        ("sdk.rate.perSecond", "fast", "not a float"),
        ("sdk.batch.sizes", "1", "did you mean \"sdk.batch.size\"?"),
    ] {
        let error = Settings::from_iter([(name, value)]).check(&parameters).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(said), "{error}");
    }
}

#[test]
fn a_default_may_be_another_and_a_part_left_out() {
    let middleware = SourceMiddleware::default().batch(7, std::time::Duration::from_millis(1500)).without_schema();
    assert_eq!(
        listed(&middleware.parameters()),
        ["sdk.batch.size int \"7\" greater-than -1", "sdk.batch.delay duration \"1500ms\""]
    );
    let middleware = DestinationMiddleware::none().rate(0.5, 3).format("raw", "");
    assert_eq!(
        listed(&middleware.parameters()),
        [
            "sdk.rate.perSecond float \"0.5\" greater-than -1",
            "sdk.rate.burst int \"3\" greater-than -1",
            "sdk.record.format string \"raw\"",
            "sdk.record.format.options string \"\"",
        ]
    );
    assert!(SourceMiddleware::none().parameters().is_empty() && DestinationMiddleware::none().parameters().is_empty());
}

#[derive(Parameters)]
struct Own {
    /// How many.
    #[parameter(name = "sdk.batch.size", default = "50", greater_than = "0", less_than = "101")]
    size: u32,
}

struct Both;

impl Source for Both {
    type Config = Own;

    async fn configure(config: Own, _context: Context) -> Result<Self, Error> {
        Err(Error::new(format!("{} a batch", config.size)))
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        Ok(Vec::new())
    }
}

impl Destination for Both {
    type Config = Own;

    async fn configure(config: Own, context: Context) -> Result<Self, Error> {
        Err(Error::new(format!("{} a batch, {:?}", config.size, context.formatter())))
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&mut self, _records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_parameter_of_the_connectors_own_stands_instead_and_is_obeyed() {
    for parameters in [of_source::<Both>(), of_destination::<Both>()] {
        let sizes: Vec<_> = parameters.iter().filter(|parameter| parameter.name == "sdk.batch.size").collect();
        assert_eq!(sizes.len(), 1);
        assert_eq!(sizes[0].default, "50");
        let checked = Settings::default().check(&parameters).unwrap();
        let configured = SourceMiddleware::default().configured(&checked).unwrap();
        assert_eq!(configured.batch.unwrap().size, 50);
    }
    let error = crate::source::SourcePlugin::<Both>::new(Context::default(), 1)
        .configure(Settings::from_iter([("sdk.batch.size", "9")]))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "9 a batch");
    assert_eq!(joined(Own::parameters(), Own::parameters()).len(), 1);
}

#[tokio::test]
async fn a_format_that_is_none_is_an_error_of_the_configuration() {
    let plugin = crate::destination::DestinationPlugin::<Both>::new(Context::default());
    let mut said = Vec::new();
    for settings in [
        &[("sdk.record.format", "debezium/json")][..],
        &[("sdk.record.format", "xml")],
        &[("sdk.record.format", "template"), ("sdk.record.format.options", "{{ range .Key }}")],
    ] {
        let error = plugin.configure(settings.iter().copied().collect()).await.unwrap_err();
        said.push(error.to_string());
    }
    assert!(said[0].starts_with("50 a batch, Formatter(Debezium"), "{}", said[0]);
    assert_eq!(
        said[1],
        "config invalid: invalid sdk.record.format: \"xml\" not found in [debezium/json opencdc/json raw template]"
    );
    assert!(
        said[2].starts_with(
            "config invalid: invalid sdk.record.format.options for \"template\": \"range\" is not supported; "
        ),
        "{}",
        said[2]
    );
}
