//! Positions that the engine goes on from, whoever wrote them.

use serde_json::json;

use super::*;

/// Positions of ours that take the place of the Go connector's know what those looked back for.
#[test]
fn a_go_snapshot_keeps_its_look_back_through_a_restart() {
    let started = HUB - 70_000;
    let mut first = engine("crm.notes", options(), Some(Resume::GoSnapshot { initial: Some(started) }));
    let full = answer(vec![note(1, 5, 5)], Some("1"));
    let changes = exchange(&mut first, LOCAL, list, full).1.unwrap();
    let Cursor::Snapshot(Snapshotted { start, since: looked_back, .. }) = &changes[0].cursor else {
        panic!("snapshot")
    };
    assert_eq!((*start, *looked_back), (started, Some(started - LAG)));
    let position = changes[0].position(hubspot_catalog::find("crm.notes").unwrap(), 1);
    for snapshot in [true, false] {
        let resume = resumed(&position, "crm.notes").unwrap();
        let mut engine = engine("crm.notes", Options { snapshot, ..options() }, resume);
        if snapshot {
            let (request, changes) = exchange(&mut engine, LOCAL, list, answer(vec![note(2, 5, 5)], None));
            assert_eq!(request.after.as_deref(), Some("1"));
            assert_eq!(changes.unwrap().len(), 1);
        }
        assert_eq!(since(&search(asked(&mut engine, LOCAL).1)), started - LAG);
    }
}

fn resumed(position: &Position, resource: &str) -> Result<Option<Resume>, crate::PositionError> {
    let resumption = crate::position::parse(position, &[resource])?;
    Ok(resumption.and_then(|mut resumption| resumption.resources.remove(resource)))
}

/// A position that a person has edited may stop the stream with an error, or make it begin at an odd time.
#[test]
fn no_number_in_a_position_makes_the_engine_panic() {
    let (mut read, mut refused) = (0, 0);
    let times = [i64::MIN, -1, 0, 1, HUB, crate::item::LATEST, i64::MAX];
    let lags = [0, LAG, i64::MAX / 4];
    for (time, number) in times.into_iter().flat_map(|time| [(time, 0), (time, u64::MAX)]) {
        let follow = |field: &str| {
            let mut position = json!({"v": 1, "resource": "crm.notes", "n": number, "phase": "follow", "start": HUB,
                "known": HUB, "settled": HUB, "fast": HUB, "sweep": HUB, "drain": number});
            position[field] = time.into();
            position
        };
        let snapshot = |field: &str| {
            let mut position = json!({"v": 1, "resource": "crm.notes", "n": number, "phase": "snapshot", "start": HUB});
            position[field] = time.into();
            position
        };
        let positions = ["start", "known", "settled", "fast", "sweep"].map(follow).into_iter();
        for position in positions.chain(["start", "created", "since"].map(snapshot)) {
            let position = Position::new(position.to_string().into_bytes());
            let Ok(resume) = resumed(&position, "crm.notes") else {
                refused += 1;
                continue;
            };
            for lag in lags {
                let mut engine = engine("crm.notes", Options { lag, ..options() }, resume.clone());
                for poll in 0..3 {
                    let edge = [5, HUB, crate::item::LATEST][poll];
                    let reply = |request: &Request| match request {
                        Request::Search(_, SearchRequest { descending: true, .. }) => answer(Vec::new(), None),
                        _ => answer(vec![note(1_000 + poll as u64, edge, edge)], None),
                    };
                    for change in until_idle(&mut engine, LOCAL + poll as Millis * 61_000, reply).1 {
                        let position = change.position(hubspot_catalog::find("crm.notes").unwrap(), number);
                        assert!(resumed(&position, "crm.notes").is_ok(), "{position}");
                        read += 1;
                    }
                }
            }
        }
    }
    assert!(read > 100 && refused > 40, "{read} read, {refused} refused");
}
