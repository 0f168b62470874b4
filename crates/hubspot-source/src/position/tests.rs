use super::*;

const RESOURCES: &[&str] = &["crm.contacts"];

fn parsed(text: &str) -> Result<Option<Resumption>, PositionError> {
    parse(&opencdc::Position::new(text.as_bytes().to_vec()), RESOURCES)
}

fn of_contacts(number: u64, resume: Resume) -> Resumption {
    Resumption { number, resources: BTreeMap::from([("crm.contacts".to_owned(), resume)]) }
}

fn cursors() -> Vec<Cursor> {
    let snapshot = |since, left| Cursor::Snapshot(Snapshotted { start: 1_790_000_000_000, since, left });
    let follow = |drain| {
        Cursor::Follow(Followed {
            start: 1_790_000_000_000,
            known: 1_790_000_000_000,
            settled: 1_789_999_400_000,
            drain,
            sweep: 1_790_000_123_456,
        })
    };
    let directory = |snapshot: Option<&str>, ids: Option<&str>| {
        let (snapshot, ids) = (snapshot.map(Into::into), ids.map(Into::into));
        Cursor::Directory(DirectoryCursor { start: 1_790_000_000_000, since: 1_790_000_000_001, snapshot, ids })
    };
    vec![
        snapshot(None, Left::Objects(Place::Page(None))),
        snapshot(Some(1_789_999_000_000), Left::Objects(Place::Page(Some("NTE=,>.@\"".into())))),
        snapshot(None, Left::Objects(Place::Ranges(vec![]))),
        snapshot(
            None,
            Left::Objects(Place::Ranges(vec![Range { floor: 0, end: Some(51) }, Range { floor: u64::MAX, end: None }])),
        ),
        snapshot(None, Left::CreatedSince(1_700_000_000_000)),
        follow(None),
        follow(Some(u64::MAX)),
        directory(None, None),
        directory(Some(""), None),
        directory(Some("a=>,b"), None),
        directory(None, Some("=c;default")),
        directory(Some("12"), Some("~c")),
    ]
}

#[test]
fn ours_come_back_as_they_were_written() {
    for cursor in cursors() {
        let text = cursor.to_text();
        let position = write(8, [("crm.contacts", text.as_str())]);
        assert_eq!(parse(&position, RESOURCES), Ok(Some(of_contacts(8, Resume::At(cursor)))), "{position}");
    }
}

/// Positions are forever: these bytes were written by 0.2.0.
#[test]
fn version_2_is_fixed() {
    let written = [
        "smubbs7i8,,",
        "smubbs7i8,-lfls,>NTE=,>.@\\\"",
        "smubbs7i8,,.",
        "smubbs7i8,,.0-1f.3w5e11264sgsf-",
        "smubbs7i8,,@-15cfocg0",
        "fmubbs7i8,0,-cuyo,2n9c",
        "fmubbs7i8,0,-cuyo,2n9c,3w5e11264sgsf",
        "dmubbs7i8,1",
        "dmubbs7i8,1>",
        "dmubbs7i8,1>a=>,b",
        "dmubbs7i8,1=c;default",
        "dmubbs7i8,1~c>12",
    ];
    for (cursor, written) in cursors().into_iter().zip(written) {
        let written = format!(r#"{{"v":2,"n":7,"r":{{"crm.contacts":"{written}"}}}}"#);
        assert_eq!(write(7, [("crm.contacts", cursor.to_text().as_str())]).to_string(), written);
        assert_eq!(parsed(&written), Ok(Some(of_contacts(7, Resume::At(cursor)))), "{written}");
    }
}

/// Positions are forever: these bytes were written before 0.2.0 was released.
#[test]
fn version_1_is_understood() {
    let written = r#"{"v":1,"resource":"crm.contacts","n":7,"phase":"follow","start":1,"known":2,"settled":3,"fast":9,"drain":4,"sweep":5}"#;
    let cursor = Cursor::Follow(Followed { start: 1, known: 2, settled: 3, drain: Some(4), sweep: 5 });
    assert_eq!(parsed(written), Ok(Some(of_contacts(7, Resume::At(cursor)))));
    for (rest, left) in [
        (r#""after":"51""#, Left::Objects(Place::Ranges(vec![Range { floor: 51, end: None }]))),
        (r#""after":"x""#, Left::Objects(Place::Page(Some("x".into())))),
        (r#""created":9"#, Left::CreatedSince(9)),
    ] {
        let written = format!(r#"{{"v":1,"resource":"crm.contacts","n":7,"phase":"snapshot","start":5,{rest}}}"#);
        let cursor = Cursor::Snapshot(Snapshotted { start: 5, since: None, left });
        assert_eq!(parsed(&written), Ok(Some(of_contacts(7, Resume::At(cursor)))), "{written}");
    }
}

#[test]
fn times_that_are_none_are_refused_by_their_field() {
    let follow = r#"{"v":1,"resource":"crm.contacts","n":1,"phase":"follow","start":1,"known":2,"settled":3,"fast":9,"sweep":5}"#;
    let snapshot = r#"{"v":1,"resource":"crm.contacts","n":1,"phase":"snapshot","start":1,"created":2,"since":3}"#;
    for (position, fields) in
        [(follow, &["start", "known", "settled", "fast", "sweep"][..]), (snapshot, &["start", "created", "since"])]
    {
        let object: hubspot_client::Object = serde_json::from_str(position).unwrap();
        for field in fields {
            for (time, refused) in
                [(i64::MIN, true), (-1, true), (0, false), (LATEST, false), (LATEST + 1, true), (i64::MAX, true)]
            {
                let mut object = object.clone();
                object.insert((*field).to_owned(), time.into());
                let result = parsed(&Value::Object(object).to_string());
                assert_eq!(result.is_err(), refused, "{field} {time}: {result:?}");
                if let Err(error) = result {
                    assert!(error.to_string().contains(&format!("its {field} is {time}")), "{error}");
                }
            }
        }
    }
    let error = parsed(r#"{"mode":"cdc","timestamp":"+200000-01-01T00:00:00Z"}"#).unwrap_err();
    assert!(matches!(error, PositionError::NoTime { field: "timestamp", .. }), "{error:?}");
    // The greatest distance, and one that overflows.
    for text in ["f1,1y2p0ij32e8e7,0,0", "f0,0,0,-1", "f1y2p0ij32e8e7,1,0,0"] {
        let error = parsed(&format!(r#"{{"v":2,"r":{{"crm.contacts":"{text}"}}}}"#)).unwrap_err();
        assert!(!error.to_string().is_empty(), "{text}");
    }
}

#[test]
fn the_go_connectors_positions_are_understood() {
    for (text, resume) in [
        (
            r#"{"mode":"snapshot","itemId":"51","initialTimestamp":"2024-05-01T10:00:00.123456789Z","timestamp":"2024-01-01T00:00:00Z"}"#,
            Resume::GoSnapshot { initial: Some(1_714_557_600_123) },
        ),
        (
            r#"{"mode":"cdc","itemId":"51","timestamp":"2024-05-01T12:00:00.5+02:00"}"#,
            Resume::GoCdc { timestamp: Some(1_714_557_600_500) },
        ),
        (
            r#"{"mode":"snapshot","itemId":"51","initialTimestamp":"0001-01-01T00:00:00Z"}"#,
            Resume::GoSnapshot { initial: None },
        ),
    ] {
        assert_eq!(parsed(text), Ok(Some(of_contacts(0, resume))));
        let two = parse(&opencdc::Position::new(text.as_bytes().to_vec()), &["crm.contacts", "crm.deals"]);
        assert_eq!(two, Err(PositionError::GoOfOne { given: 2 }));
    }
}

#[test]
fn what_is_not_ours_is_named() {
    for (text, said) in [
        ("hello", "not JSON but \"hello\""),
        ("[1]", "not an object"),
        (r#"{"lsn":5}"#, "the fields \"lsn\""),
        (r#"{"mode":"tail"}"#, "its mode is \"tail\""),
        (r#"{"v":1,"resource":"crm.contacts","phase":"later"}"#, "looks like one of ours"),
        (r#"{"v":2,"r":{"crm.contacts":"x"}}"#, "what it has for crm.contacts makes no sense"),
        (r#"{"v":2,"r":{"crm.contacts":"s1,,.5-4"}}"#, "makes no sense"),
        (r#"{"v":2,"r":{"crm.contacts":"f1,2"}}"#, "makes no sense"),
        (r#"{"v":9}"#, "version 9"),
        (r#"{"v":1,"resource":"crm.deals","phase":"snapshot","start":1}"#, "of crm.deals"),
        (r#"{"v":2,"r":{"crm.deals":"d1,0","crm.quotes":"d1,0"}}"#, "of crm.deals, crm.quotes"),
    ] {
        let error = parsed(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
        assert!(!error.contains('\n'));
    }
    assert_eq!(parsed(""), Ok(None));
}

#[test]
fn resources_come_and_go() {
    let text = r#"{"v":2,"n":3,"r":{"crm.contacts":"d1,0","crm.quotes":"d1,0"}}"#;
    let position = opencdc::Position::new(text.as_bytes().to_vec());
    let resumption = parse(&position, &["crm.contacts", "crm.deals"]).unwrap().unwrap();
    assert_eq!(resumption.resources.keys().collect::<Vec<_>>(), ["crm.contacts"]);
}

#[test]
fn forty_resources_stay_below_four_kibibytes() {
    let follow = Cursor::Follow(Followed {
        start: 1_790_000_000_000,
        known: 1_890_000_000_000,
        settled: 1_890_000_000_000,
        drain: Some(999_999_999_999),
        sweep: 1_890_000_000_000,
    });
    // All twelve lanes of snapshots, in one resource.
    let ranges = (0..12).map(|lane| Range { floor: 900_000_000_000 + lane, end: Some(900_100_000_000) }).collect();
    let snapshot = Cursor::Snapshot(Snapshotted {
        start: 1_790_000_000_000,
        since: None,
        left: Left::Objects(Place::Ranges(ranges)),
    });
    // As many directories as there are, with all the ids that they may carry.
    let directories = 17;
    let mut config = crate::Config::new([]);
    let owners = hubspot_catalog::find("crm.owners").unwrap();
    config.resources = vec![owners; directories];
    let ids = "~".repeat(config.options().directory_ids);
    let directory = Cursor::Directory(DirectoryCursor {
        start: 1_790_000_000_000,
        since: 1_890_000_000_000,
        snapshot: None,
        ids: Some(ids),
    });
    let text = |number: usize| match number {
        0 => snapshot.to_text(),
        number if number <= directories => directory.to_text(),
        _ => follow.to_text(),
    };
    let names: Vec<String> = (0..40).map(|number| format!("crm.feedbackSubmission{number:02}")).collect();
    let texts: Vec<String> = (0..40).map(text).collect();
    let position = write(u64::MAX, names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)));
    let bytes = position.as_bytes().len();
    assert!((3_000..4_096).contains(&bytes), "{bytes}");
}
