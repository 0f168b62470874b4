//! Parameters as a pipeline file's author meets them: what is accepted, what is refused, and in which words.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use conduit_connector_sdk::{
    Connector, Error, NoDestination, NoSource, Parameters, Secret, Settings, Specification, describe,
};
use serde_json::json;

const LIST: &str = "One of a, b and c.";

#[derive(Debug, Parameters)]
struct Inner {
    /// The token.
    #[parameter(name = "auth.token", required, regex = "^pat-")]
    token: Secret,
    /// Another
    /// secret.
    #[parameter(exclusion = "password, 12345")]
    second_secret: Option<Secret>,
}

#[derive(Debug, Parameters)]
struct Everything {
    /// How it is reached.
    #[parameter(flatten)]
    inner: Inner,
    /// A text.
    text: String,
    /// A list.
    list: Vec<String>,
    #[parameter(inclusion = "a,b,c", default = "b", description = LIST)]
    choice: String,
    /// A number.
    #[parameter(default = "7", greater_than = "0", less_than = "101")]
    int: u8,
    /// A number without bounds of its own.
    big: Option<i64>,
    /// A count.
    #[parameter(default = "0")]
    count: u32,
    /// A fraction.
    #[parameter(default = "0.5", less_than = "1.5")]
    float: f64,
    /// A yes or no.
    #[parameter(default = "true")]
    yes: bool,
    /// A time.
    #[parameter(default = "5s")]
    pause: Duration,
    /// A path.
    file: Option<PathBuf>,
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    [("auth.token", "pat-1")].into_iter().chain(pairs.iter().copied()).collect()
}

fn parse(pairs: &[(&str, &str)]) -> Result<Everything, Error> {
    settings(pairs).parse()
}

#[test]
fn defaults_are_there_also_for_what_is_blank() {
    for pairs in [&[][..], &[("int", ""), ("choice", "  "), ("pause", ""), ("big", " "), ("file", ""), ("text", "")]] {
        let all = parse(pairs).unwrap();
        assert_eq!((all.text.as_str(), all.list.len(), all.choice.as_str(), all.int), ("", 0, "b", 7));
        assert_eq!((all.big, all.count, all.float, all.yes), (None, 0, 0.5, true));
        assert_eq!((all.pause, all.file), (Duration::from_secs(5), None));
        assert_eq!((all.inner.token.expose(), all.inner.second_secret), ("pat-1", None));
    }
}

#[test]
fn values_are_trimmed_and_read() {
    let all = parse(&[
        ("text", "  two words "),
        (" list ", " a, b ,,c "),
        ("int", "+9"),
        ("big", "-9223372036854775808"),
        ("float", "1e-3"),
        ("yes", "F"),
        ("pause", "1h15m"),
        ("file", "/etc/hosts"),
        ("secondSecret", "s"),
    ])
    .unwrap();
    assert_eq!(
        (all.text.as_str(), all.list, all.int, all.big),
        ("two words", vec!["a".into(), "b".into(), "c".into()], 9, Some(i64::MIN))
    );
    assert_eq!((all.float, all.yes, all.pause), (0.001, false, Duration::from_mins(75)));
    assert_eq!((all.file, all.inner.second_secret), (Some(PathBuf::from("/etc/hosts")), Some(Secret::new("s"))));
}

#[test]
fn booleans_are_those_of_go() {
    for (text, yes) in [("1", true), ("t", true), ("T", true), ("TRUE", true), ("true", true), ("True", true)]
        .into_iter()
        .chain([("0", false), ("f", false), ("F", false), ("FALSE", false), ("false", false), ("False", false)])
    {
        assert_eq!(parse(&[("yes", text)]).unwrap().yes, yes, "{text}");
    }
    for text in ["yes", "no", "tRUE", "2", "on"] {
        assert!(parse(&[("yes", text)]).is_err(), "{text}");
    }
}

/// What Conduit's Go SDK says (conduit-commons v0.6.0), with what is added here behind it.
#[test]
fn every_violation_has_the_words_of_the_go_sdk() {
    for (name, value, said) in [
        ("nonsense", "1", "\"nonsense\": unrecognized parameter"),
        ("ints", "1", "\"ints\": unrecognized parameter (did you mean \"int\"?)"),
        ("auth.tokem", "1", "\"auth.tokem\": unrecognized parameter (did you mean \"auth.token\"?)"),
        ("int", "many", "error validating \"int\": \"many\" value is not an integer: invalid parameter type"),
        ("int", "1.5", "error validating \"int\": \"1.5\" value is not an integer: invalid parameter type"),
        (
            "big",
            "9223372036854775808",
            "error validating \"big\": \"9223372036854775808\" value is not an integer: invalid parameter type",
        ),
        (
            "count",
            "-1",
            "error validating \"count\": \"-1\" value is not an integer from 0 to 4294967295: invalid parameter type",
        ),
        ("float", "half", "error validating \"float\": \"half\" value is not a float: invalid parameter type"),
        ("float", "1e999", "error validating \"float\": \"1e999\" value is not a float: invalid parameter type"),
        ("yes", "perhaps", "error validating \"yes\": \"perhaps\" value is not a boolean: invalid parameter type"),
        (
            "pause",
            "soon",
            "error validating \"pause\": \"soon\" value is not a duration such as 300ms, 5s or 1h15m: invalid parameter type",
        ),
        (
            "pause",
            "5",
            "error validating \"pause\": \"5\" value is not a duration such as 300ms, 5s or 1h15m: invalid parameter type",
        ),
        (
            "pause",
            "-2m",
            "error validating \"pause\": \"-2m\" value is not a duration of zero or more: invalid parameter type",
        ),
        ("int", "0", "error validating \"int\": \"0\" should be greater than 0: greater-than validation failed"),
        ("int", "101", "error validating \"int\": \"101\" should be less than 101: less-than validation failed"),
        ("float", "1.5", "error validating \"float\": \"1.5\" should be less than 1.5: less-than validation failed"),
        (
            "choice",
            "d",
            "error validating \"choice\": \"d\" value must be included in the list [a,b,c]: inclusion validation failed",
        ),
        (
            "choice",
            "B",
            "error validating \"choice\": \"B\" value must be included in the list [a,b,c]: inclusion validation failed",
        ),
        (
            "secondSecret",
            "12345",
            "error validating \"secondSecret\": REDACTED value must be excluded from the list [password,12345]: exclusion validation failed",
        ),
        (
            "auth.token",
            "hunter2",
            "error validating \"auth.token\": REDACTED should match the regex \"^pat-\": regex validation failed",
        ),
        ("auth.token", "", "error validating \"auth.token\": required parameter is not provided"),
        ("auth.token", " \t ", "error validating \"auth.token\": required parameter is not provided"),
        ("int", "1\n2", "error validating \"int\": \"1\\n2\" value is not an integer: invalid parameter type"),
    ] {
        assert_eq!(parse(&[(name, value)]).unwrap_err().to_string(), format!("config invalid: {said}"));
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_one_line() {
    let error = Settings::from_iter([("int", "many"), ("pause", "soon"), ("nope", "x"), ("choice", "z")])
        .parse::<Everything>()
        .unwrap_err()
        .to_string();
    for part in ["\"nope\": unrecognized", "\"auth.token\": required", "\"int\":", "\"pause\":", "\"choice\":"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(!error.contains('\n'));
}

#[test]
fn secrets_are_seen_nowhere() {
    let error = parse(&[("auth.token", "hunter2"), ("secondSecret", "password")]).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let all = parse(&[("auth.token", "pat-hunter2")]).unwrap();
    assert!(!format!("{all:?}").contains("hunter2"), "{all:?}");
    assert!(!format!("{:?}", settings(&[("auth.token", "pat-hunter2")])).contains("hunter2"));
}

struct Nothing;

impl Connector for Nothing {
    type Source = NoSource;
    type Destination = NoDestination;

    fn specification() -> Specification {
        let text = |text: &str| text.to_owned();
        Specification {
            name: text("nothing"),
            summary: text("Nothing."),
            description: text("Nothing at all."),
            version: text("v1.2.3"),
            author: text("Nobody"),
        }
    }
}

#[test]
fn a_specification_is_what_the_struct_says() {
    let parameters: Vec<_> = Everything::parameters();
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "auth.token",
            "secondSecret",
            "text",
            "list",
            "choice",
            "int",
            "big",
            "count",
            "float",
            "yes",
            "pause",
            "file"
        ]
    );
    let kinds: Vec<&str> = parameters.iter().map(|parameter| parameter.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["string", "string", "string", "string", "string", "int", "int", "int", "float", "bool", "duration", "file"]
    );
    assert_eq!(parameters[1].description, "Another secret.");
    assert_eq!(parameters[4].description, LIST);
    assert_eq!((parameters[0].secret, parameters[0].is_required(), parameters[2].is_required()), (true, true, false));
    let values: Vec<(&str, String)> =
        parameters.iter().flat_map(|it| it.validations.iter().map(|it| (it.kind(), it.value()))).collect();
    let expected = [
        ("required", ""),
        ("regex", "^pat-"),
        ("exclusion", "password,12345"),
        ("inclusion", "a,b,c"),
        ("greater-than", "0"),
        ("less-than", "101"),
        ("less-than", "1.5"),
    ];
    assert_eq!(values, expected.map(|(kind, value)| (kind, value.to_owned())));

    let empty = json!({"parameters": []});
    assert_eq!(
        describe::<Nothing>(),
        json!({
            "name": "nothing", "summary": "Nothing.", "description": "Nothing at all.", "version": "v1.2.3",
            "author": "Nobody", "source": empty, "destination": empty,
        })
    );
}

#[derive(Debug, Parameters)]
struct Nested {
    /// How it is reached.
    #[parameter(nested)]
    pool: Pool,
    /// Ports, by name.
    #[parameter(name = "ports.*", greater_than = "0")]
    ports: HashMap<String, u16>,
    /// Passwords of users.
    #[parameter(name = "user.*.password")]
    passwords: BTreeMap<String, Secret>,
    #[parameter(nested, name = "table.*")]
    tables: BTreeMap<String, Table>,
}

#[derive(Debug, Parameters)]
struct Pool {
    /// How many connections.
    #[parameter(default = "4", less_than = "9")]
    size: u8,
    /// A file.
    file: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Parameters)]
struct Table {
    /// How long to wait.
    #[parameter(default = "1s")]
    pause: Duration,
    /// By column.
    #[parameter(name = "column.*.kind", inclusion = "key,value", default = "value")]
    kinds: BTreeMap<String, String>,
}

fn nested(pairs: &[(&str, &str)]) -> Result<Nested, Error> {
    pairs.iter().copied().collect::<Settings>().parse()
}

#[test]
fn structs_are_nested_and_maps_have_what_the_pipeline_names() {
    let names: Vec<String> = Nested::parameters().into_iter().map(|parameter| parameter.name).collect();
    assert_eq!(
        names,
        ["pool.size", "pool.file", "ports.*", "user.*.password", "table.*.pause", "table.*.column.*.kind"]
    );
    let all = nested(&[]).unwrap();
    assert_eq!((all.pool.size, all.pool.file), (4, None));
    assert!(all.ports.is_empty() && all.passwords.is_empty() && all.tables.is_empty());

    let all = nested(&[
        ("pool.size", "8"),
        ("pool.file", "/etc/hosts"),
        ("ports.http", "80"),
        ("ports.a.b", " 81 "),
        ("user.ada.password", "lovelace"),
        ("table.people.pause", "5s"),
        ("table.pets.column.name.kind", "key"),
        ("table.pets.column.age.kind", ""),
    ])
    .unwrap();
    assert_eq!((all.pool.size, all.pool.file), (8, Some(PathBuf::from("/etc/hosts"))));
    assert_eq!(all.ports, HashMap::from([("http".to_owned(), 80), ("a.b".to_owned(), 81)]));
    assert_eq!(all.passwords["ada"].expose(), "lovelace");
    let table = |pause, kinds: &[(&str, &str)]| {
        let kinds = kinds.iter().map(|(column, kind)| ((*column).to_owned(), (*kind).to_owned())).collect();
        Table { pause: Duration::from_secs(pause), kinds }
    };
    assert_eq!(all.tables["people"], table(5, &[]));
    assert_eq!(all.tables["pets"], table(1, &[("age", "value"), ("name", "key")]));
}

#[test]
fn what_is_wrong_in_a_map_is_said_by_its_full_name() {
    for (pairs, expected) in [
        (&[("pool.size", "9")][..], "error validating \"pool.size\": \"9\" should be less than 9"),
        (&[("ports.http", "0")], "error validating \"ports.http\": \"0\" should be greater than 0"),
        (
            &[("ports.http", "70000")],
            "error validating \"ports.http\": \"70000\" value is not an integer from 0 to 65535",
        ),
        (&[("ports.", "1")], "\"ports.\": unrecognized parameter"),
        (&[("user.ada", "x")], "\"user.ada\": unrecognized parameter"),
        (
            &[("table.pets.column.name.kind", "x")],
            "error validating \"table.pets.column.name.kind\": \"x\" value must be",
        ),
        (&[("table.pets.columns", "x")], "\"table.pets.columns\": unrecognized parameter"),
    ] {
        let error = nested(pairs).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
