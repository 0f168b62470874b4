//! The engine against a fake HubSpot.

mod semantics;

use opencdc::{Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};

use crate::api::Answer;
use crate::config::Config;
use crate::error::{Error, Failure, RecordError, Refusal};
use crate::fake::{Fake, Manner};
use crate::plan::Kind;
use crate::writer::Writer;

type Outcomes = Vec<Result<(), RecordError>>;

fn record(operation: Operation, key: Option<Value>, after: Option<Value>) -> Record {
    let mut record = Record::create(
        Position::default(),
        Metadata::new(),
        Data::Raw(Vec::new()),
        Data::Structured(opencdc::Map::new()),
    );
    record.operation = operation;
    record.key = key.map(|key| Data::try_from(key).unwrap());
    record.payload.after = after.map(|after| Data::try_from(after).unwrap());
    record
}

fn create(properties: Value) -> Record {
    record(Operation::Create, None, Some(properties))
}

fn update(id: u64, properties: Value) -> Record {
    record(Operation::Update, Some(json!({"id": id.to_string()})), Some(properties))
}

fn delete(id: u64) -> Record {
    record(Operation::Delete, Some(json!({"id": id.to_string()})), None)
}

struct Bench {
    writer: Writer<&'static Fake>,
    fake: &'static Fake,
}

impl Bench {
    fn new(manner: Manner, max_in_flight: usize) -> Self {
        // A test's fake lives as long as the test process: the engine and the test look at the same one.
        let fake: &'static Fake = Box::leak(Box::new(Fake::new(manner)));
        let mut config = Config::for_resource(hubspot_catalog::find("crm.contacts").unwrap());
        config.max_in_flight = max_in_flight;
        Self { writer: Writer::new(fake, config), fake }
    }

    async fn write(&self, records: Vec<Record>) -> Outcomes {
        let count = records.len();
        let outcomes = self.writer.write(records).await.unwrap();
        assert_eq!(outcomes.len(), count);
        outcomes
    }

    fn calls(&self) -> usize {
        self.fake.calls()
    }
}

fn failed(outcomes: &Outcomes) -> Vec<usize> {
    outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(n, _)| n).collect()
}

fn denied(status: u16) -> Failure {
    let refusal = Refusal {
        status,
        category: "MISSING_SCOPES".into(),
        message: "this token may not".into(),
        ..Refusal::default()
    };
    Failure::Denied(Box::new(refusal))
}

#[tokio::test]
async fn a_thousand_creates_take_ten_calls_several_at_once() {
    let bench = Bench::new(Manner::Single, 4);
    let outcomes = bench.write((0..1000).map(|n| create(json!({"n": n.to_string()}))).collect()).await;
    assert_eq!(failed(&outcomes), [0_usize; 0]);
    assert_eq!((bench.calls(), bench.fake.objects(), bench.fake.peak()), (10, 1000, 4));
}

#[tokio::test]
async fn a_207_is_read_item_by_item() {
    let bench = Bench::new(Manner::Single, 8);
    bench.fake.seed(1..=3);
    let outcomes = bench
        .write(vec![
            update(1, json!({"a": "x"})),
            update(9, json!({"a": "x"})),
            create(json!({"bad": "x"})),
            update(3, json!({"a": "x"})),
            create(json!({"a": "x"})),
        ])
        .await;
    assert_eq!(failed(&outcomes), [1, 2]);
    assert_eq!(bench.calls(), 2);
    let missing = outcomes[1].as_ref().unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("updating crm.contacts 9: HubSpot refuses it (OBJECT_NOT_FOUND): no such object"),
        "{missing}"
    );
    assert_eq!(outcomes[2].as_ref().unwrap_err().refusal().unwrap().category, "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_refused_batch_is_cut_until_only_the_guilty_record_fails() {
    for guilty in 0..100 {
        let bench = Bench::new(Manner::Whole, 8);
        let records =
            (0..100).map(|n| create(if n == guilty { json!({"bad": "x"}) } else { json!({"n": n.to_string()}) }));
        let outcomes = bench.write(records.collect()).await;
        assert_eq!(failed(&outcomes), [guilty]);
        assert_eq!(bench.fake.objects(), 99);
        // 2 * log2(100) + 1 = 14.3.
        assert!(bench.calls() <= 14, "{} calls for guilty record {guilty}", bench.calls());
        assert_eq!(outcomes[guilty].as_ref().unwrap_err().refusal().unwrap().message, "bad is bad");
    }
}

#[tokio::test]
async fn several_guilty_records_each_have_their_own_reason() {
    let bench = Bench::new(Manner::Whole, 8);
    bench.fake.seed(0..100);
    let records = (0..100).map(|n| match n {
        7 => update(1007, json!({"a": "x"})),
        8 | 93 => update(n, json!({"bad": "x"})),
        _ => update(n, json!({"a": "x"})),
    });
    let outcomes = bench.write(records.collect()).await;
    assert_eq!(failed(&outcomes), [7, 8, 93]);
    assert!(outcomes[7].as_ref().unwrap_err().to_string().contains("no such object"));
    assert!(outcomes[93].as_ref().unwrap_err().to_string().contains("bad is bad"));
}

#[tokio::test]
async fn a_success_that_names_nothing_is_no_success() {
    let bench = Bench::new(Manner::Single, 8);
    bench.fake.state().answers.push(Answer::default());
    let outcomes = bench.write(vec![create(json!({"a": "x"})), create(json!({"a": "y"}))]).await;
    assert_eq!(failed(&outcomes), [0, 1]);
    assert!(outcomes[0].as_ref().unwrap_err().is_outcome_unknown());
}

#[tokio::test]
async fn a_lost_reply_to_a_create_is_unknown_and_never_sent_again() {
    let bench = Bench::new(Manner::Single, 1);
    bench.fake.state().faults.push((true, Failure::Unknown("POST …/batch/create: connection reset".into())));
    let outcomes = bench.write((0..150).map(|n| create(json!({"n": n.to_string()}))).collect()).await;
    assert_eq!(failed(&outcomes), (0..100).collect::<Vec<_>>());
    assert_eq!(bench.calls(), 2);
    assert_eq!(bench.fake.objects(), 150);
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(error.is_outcome_unknown());
    assert!(error.to_string().contains("connection reset"), "{error}");
    assert!(error.to_string().contains("look for it in HubSpot"), "{error}");
}

#[tokio::test]
async fn a_reply_lost_while_a_batch_is_cut_concerns_its_part_alone() {
    let bench = Bench::new(Manner::Whole, 1);
    bench.fake.state().faults.extend([
        (false, Failure::Refused(Box::new(Refusal { status: 409, ..Refusal::default() }))),
        (true, Failure::Unknown("lost".into())),
    ]);
    let outcomes = bench.write((0..10).map(|n| create(json!({"n": n.to_string()}))).collect()).await;
    assert_eq!(failed(&outcomes), [0, 1, 2, 3, 4]);
    assert_eq!(bench.fake.objects(), 10);
}

#[tokio::test]
async fn unreachable_fails_the_records_of_that_call() {
    let bench = Bench::new(Manner::Single, 1);
    bench.fake.state().faults.push((false, Failure::Unanswered("127.0.0.1:1 can't be reached".into())));
    let outcomes = bench.write((0..101).map(|n| create(json!({"n": n.to_string()}))).collect()).await;
    assert_eq!(failed(&outcomes), (0..100).collect::<Vec<_>>());
    assert!(outcomes[5].as_ref().unwrap_err().to_string().contains("127.0.0.1:1"));
    assert!(!outcomes[5].as_ref().unwrap_err().is_outcome_unknown());
}

#[tokio::test]
async fn a_refused_token_stops_everything_with_one_line() {
    let bench = Bench::new(Manner::Single, 1);
    bench.fake.state().faults.push((false, denied(401)));
    let error = bench.writer.write((0..500).map(|_| create(json!({"a": "x"}))).collect()).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }));
    assert!(error.to_string().starts_with("writing crm.contacts: HubSpot refuses it with 401"), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    assert_eq!(bench.calls(), 1);
}

#[tokio::test]
async fn a_token_refused_half_way_leaves_what_was_written_written() {
    let bench = Bench::new(Manner::Single, 1);
    bench.fake.state().faults.extend([(true, Failure::Unknown("lost".into())), (false, denied(403))]);
    let outcomes = bench.write((0..500).map(|_| create(json!({"a": "x"}))).collect()).await;
    assert_eq!(bench.calls(), 2);
    assert!(outcomes[..100].iter().all(|outcome| outcome.as_ref().unwrap_err().is_outcome_unknown()));
    for outcome in &outcomes[100..] {
        assert!(matches!(outcome.as_ref().unwrap_err().failure, Failure::Denied(_)));
    }
}

#[tokio::test]
async fn a_token_that_may_only_write_opens() {
    let bench = Bench::new(Manner::Single, 1);
    bench.fake.state().faults.push((false, denied(403)));
    bench.writer.open().await.unwrap();
    bench.fake.state().faults.push((false, denied(401)));
    assert!(bench.writer.open().await.unwrap_err().to_string().contains("check the access token"));
    bench.fake.state().faults.push((false, Failure::Unanswered("127.0.0.1:1: connection refused".into())));
    assert!(bench.writer.open().await.unwrap_err().to_string().contains("127.0.0.1:1"));
}

#[tokio::test]
async fn records_that_cannot_be_sent_fail_alone() {
    let bench = Bench::new(Manner::Single, 8);
    bench.fake.seed(1..=2);
    let outcomes = bench
        .write(vec![
            update(1, json!({"a": "x"})),
            record(Operation::Update, None, Some(json!({"a": "x"}))),
            record(Operation::Delete, Some(json!({"id": "1", "portal": "7"})), None),
            record(Operation::Update, Some(json!({"id": "2"})), None),
            record(Operation::Snapshot, Some(json!({"one": 1, "two": 2})), Some(json!({"a": "x"}))),
            delete(2),
        ])
        .await;
    assert_eq!(failed(&outcomes), [1, 2, 3]);
    let text = |n: usize| outcomes[n].as_ref().unwrap_err().to_string();
    assert!(text(1).starts_with("updating crm.contacts: the record has no key"), "{}", text(1));
    assert!(text(2).starts_with("deleting crm.contacts: the record has a composite key"), "{}", text(2));
    assert!(text(3).starts_with("updating crm.contacts 2: the payload is empty"), "{}", text(3));
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_error() {
    let bench = Bench::new(Manner::Single, 8);
    assert_eq!(failed(&bench.write(vec![delete(404)]).await), [0_usize; 0]);
}

#[tokio::test]
async fn one_record_a_call_where_there_are_no_batches() {
    let mut fake = Fake::new(Manner::Single);
    fake.limit = 1;
    let fake: &'static Fake = Box::leak(Box::new(fake));
    let writer = Writer::new(fake, Config::for_resource(hubspot_catalog::find("crm.contacts").unwrap()));
    let outcomes = writer.write((0..20).map(|_| create(json!({"a": "x"}))).collect()).await.unwrap();
    assert_eq!((failed(&outcomes), fake.calls(), fake.peak()), (vec![], 20, 8));
}

/// Random batches of all kinds with repeated keys, bad ones and faults: the account holds exactly what the outcomes say, and every
/// object's changes took effect in their order. The fake itself fails the test when an id is in two calls at once.
#[tokio::test]
async fn the_account_holds_what_the_outcomes_say() {
    for seed in 0..300_u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let manner = if random.bool() { Manner::Whole } else { Manner::Single };
        let bench = Bench::new(manner, random.usize(1..9));
        bench.fake.seed(0..20);
        let mut expected: Vec<(String, Value)> = Vec::new();
        let mut creates = 0..=0_usize;
        for _ in 0..3 {
            if random.u8(..4) == 0 {
                let failure = match random.u8(..3) {
                    0 => Failure::Unknown("lost".into()),
                    1 => Failure::Unanswered("gave up".into()),
                    _ => Failure::Refused(Box::new(Refusal { status: 400, ..Refusal::default() })),
                };
                let after = matches!(failure, Failure::Unknown(_)) && random.bool();
                bench.fake.state().faults.push((after, failure));
            }
            let records: Vec<Record> = (0..random.usize(0..250))
                .map(|n| {
                    let id = random.u64(..25);
                    let properties =
                        if random.u8(..20) == 0 { json!({"bad": "x"}) } else { json!({ "n": format!("{seed}-{n}") }) };
                    match random.u8(..10) {
                        0..4 => create(properties),
                        4..8 => update(id, properties),
                        8 => delete(id),
                        _ => record(Operation::Update, None, Some(properties)),
                    }
                })
                .collect();
            let outcomes = bench.write(records.clone()).await;
            let certain =
                |outcome: &Result<(), RecordError>| !outcome.as_ref().is_err_and(RecordError::is_outcome_unknown);
            for (record, outcome) in records.iter().zip(&outcomes) {
                if record.operation == Operation::Create {
                    let least = creates.start() + usize::from(outcome.is_ok());
                    let most = creates.end() + usize::from(outcome.is_ok() || !certain(outcome));
                    creates = least..=most;
                } else if outcome.is_ok() {
                    let id = record.key.as_ref().unwrap().to_structured().unwrap()["id"].as_str().unwrap().to_owned();
                    let after = record
                        .payload
                        .after
                        .clone()
                        .map_or(Value::Null, |data| Value::Object(data.into_structured().unwrap().into()));
                    expected.push((id, after));
                }
            }
        }
        let state = bench.fake.state();
        let made = state.history.iter().filter(|(id, _)| id.parse::<u64>().unwrap() > 1000).count();
        assert!(creates.contains(&made), "seed {seed}: {made} objects were made, the outcomes say {creates:?}");
        for id in 0..25 {
            let id = id.to_string();
            let of = |list: &[(String, Value)]| {
                list.iter().filter(|(other, _)| *other == id).map(|(_, v)| v.clone()).collect::<Vec<_>>()
            };
            let (done, said) = (of(&state.history), of(&expected));
            // What took effect without an acknowledgement (its reply was lost) may stand between; nothing is missing or out of order.
            let mut done = done.iter();
            assert!(said.iter().all(|value| done.any(|other| other == value)), "seed {seed}: object {id}");
        }
        if state.calls.iter().all(|(kind, _)| *kind != Kind::Create) {
            assert_eq!(made, 0, "seed {seed}");
        }
    }
}
