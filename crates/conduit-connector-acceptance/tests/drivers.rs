//! The drivers, in both protocol versions: in Conduit's order, and in others.
#![allow(clippy::unwrap_used)]

use conduit_connector_acceptance::{Connector, DriverError, Network, ProtocolVersion, Settings, Validation};
use opencdc::{Data, Metadata, Operation, Position, Record};
use tonic::Code;

/// Cargo builds examples along with tests, into a folder beside the tests' own.
fn connector(version: ProtocolVersion) -> Connector {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/sample_connector");
    Connector::new(program).version(version)
}

fn settings(name: &str) -> Settings {
    Settings::from([(name.to_owned(), "20".to_owned())])
}

fn record(number: usize, bytes: usize) -> Record {
    let position = Position::new(format!("p{number}"));
    Record::create(position, Metadata::new(), Data::Raw(b"key".to_vec()), Data::Raw(vec![b'x'; bytes]))
}

fn positions(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.position.to_string()).collect()
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn what_a_connector_says_of_itself_is_the_same_in_both_versions() {
    let v1 = connector(ProtocolVersion::V1).specify().await.unwrap();
    let v2 = connector(ProtocolVersion::V2).network(Network::Tcp).specify().await.unwrap();
    assert_eq!(v1, v2);
    assert_eq!(v2.source_parameters["count"].validations, [Validation::Required]);
    assert!(v2.destination_parameters["target"].is_required());
}

#[tokio::test]
async fn a_source_is_driven_from_beginning_to_end() {
    for version in ProtocolVersion::ALL {
        let mut source = connector(version).source(settings("count")).await.unwrap();
        assert_eq!(source.version(), version);
        source.on_created(settings("count")).await.unwrap();
        source.open(None).await.unwrap();
        assert_eq!(positions(&source.take(7).await.unwrap()), numbers(1..=7));
        // One that was read along with the seventh is not lost.
        assert_eq!(positions(&source.read(1).await.unwrap()), ["8"]);
        source.ack(vec![Position::new("8")]).await.unwrap();
        let last = source.stop().await.unwrap();
        let rest = source.drain(&last).await.unwrap();
        assert_eq!(rest.last().map(|record| &record.position), Some(&last), "{version}");
        assert_eq!(source.close().await.unwrap(), [], "{version}");
        source.teardown().await.unwrap();
        assert!(source.shutdown().await.unwrap().success());
        assert_eq!(source.pid(), None);

        let mut resumed = connector(version).source(settings("count")).await.unwrap();
        resumed.open(Some(Position::new("18"))).await.unwrap();
        assert_eq!(positions(&resumed.take(2).await.unwrap()), numbers(19..=20));
        assert_eq!(resumed.finish().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_destination_answers_each_record_in_order() {
    for version in ProtocolVersion::ALL {
        let mut destination = connector(version).destination(settings("target")).await.unwrap();
        destination.open().await.unwrap();
        let mut records: Vec<Record> = (0..3).map(|number| record(number, 10)).collect();
        records[1].operation = Operation::Delete;
        let results = destination.write(records).await.unwrap();
        assert_eq!(results, [Ok(()), Err("nothing is ever deleted here".to_owned()), Ok(())], "{version}");
        assert_eq!(*destination.last_sent(), Position::new("p2"));
        assert_eq!(destination.finish().await.unwrap(), [], "{version}");
    }
}

#[tokio::test]
async fn records_and_answers_flow_at_the_same_time() {
    for version in ProtocolVersion::ALL {
        let mut destination = connector(version).destination(settings("target")).await.unwrap();
        destination.open().await.unwrap();
        let (mut records, mut answers) = destination.halves();
        let sending = async {
            for batch in 0..100 {
                records.send((0..100).map(|number| record(batch * 100 + number, 100)).collect()).await?;
            }
            Ok::<_, DriverError>(())
        };
        let receiving = async {
            let mut answered = 0;
            while answered < 10_000 {
                for answer in answers.receive().await? {
                    assert_eq!(answer.position, Position::new(format!("p{answered}")));
                    answered += 1;
                }
            }
            Ok(())
        };
        let (sent, received) = tokio::join!(sending, receiving);
        sent.and(received).unwrap();
        // And so many in one go, more than wait anywhere on the way.
        let results = destination.write((0..5_000).map(|number| record(number, 1_000)).take(3_000).collect()).await;
        assert_eq!(results.unwrap().len(), 3_000, "{version}");
        destination.finish().await.unwrap();
    }
}

#[tokio::test]
async fn errors_carry_the_code_and_the_connectors_words() {
    for version in ProtocolVersion::ALL {
        let Err(error) = connector(version).source(Settings::new()).await else { panic!("it was configured") };
        assert_eq!(error.code(), Some(Code::InvalidArgument));
        assert_eq!(error.message(), Some("\"count\": required parameter is not provided"));
        assert!(error.to_string().starts_with("Configure failed (InvalidArgument): \"count\""), "{error}");

        let mut source = connector(version).source(settings("count")).await.unwrap();
        let error = source.next().await.unwrap_err();
        assert!(matches!(error, DriverError::NotOpen { .. }), "{error}");
        let error = source.open(Some(Position::new("elsewhere"))).await.unwrap_err();
        assert!(error.message().unwrap().contains("elsewhere"), "{error}");
        source.teardown().await.unwrap();
        source.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn any_moment_is_good_for_the_end() {
    for version in ProtocolVersion::ALL {
        let mut source = connector(version).source(settings("count")).await.unwrap();
        source.open(None).await.unwrap();
        source.read(3).await.unwrap();
        source.kill().await.unwrap();
        // What had come already may still be read; then the stream has an error, and calls have one at once.
        let error = loop {
            match source.next().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.code().is_some(), "{error}");
        assert!(source.stop().await.is_err());

        let mut destination = connector(version).destination(settings("target")).await.unwrap();
        destination.open().await.unwrap();
        destination.kill().await.unwrap();
        let error = destination.write(vec![record(0, 1)]).await.unwrap_err();
        assert!(error.code().is_some() || matches!(error, DriverError::StreamEnded), "{error}");
    }
}

#[tokio::test]
async fn what_the_connector_writes_is_kept() {
    let connector = connector(ProtocolVersion::V2).env("FAULT", "stdout");
    let mut source = connector.source(settings("count")).await.unwrap();
    source.shutdown().await.unwrap();
    assert_eq!(source.stray_output(), ["configuring"]);
    let [entry] = &source.logs()[..] else { panic!("{:?}", source.logs()) };
    assert_eq!((entry.level.as_deref(), entry.message.as_str()), (Some("info"), "configuring"));
    assert_eq!(entry.fields["required"], "count");
}
