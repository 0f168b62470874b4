//! A plugin ends with its host, however that ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::env;
use std::process::Stdio;
use std::time::Duration;

use end_to_end::plugin;
use end_to_end::process::is_running;
use end_to_end::reading::PATIENCE;
use hubspot_emulator::Emulator;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const TOKEN: &str = "pat-orphan";

/// Where the host that will be killed finds the emulator.
const EMULATOR: &str = "ORPHAN_EMULATOR";

/// What the host says when its plugin reads.
const READING: &str = "reading as ";

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_ends_when_its_host_is_killed() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let account = emulator.account(TOKEN);
    account.create_many("contacts", 300, |number| json!({"email": format!("person{number}@example.com")}));
    emulator.advance(chrono::TimeDelta::seconds(5));

    // This very program is the host, in a process of its own: the test below.
    let mut host = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "host_that_is_killed", "--nocapture"])
        .env(EMULATOR, emulator.url())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let plugin: u32 = loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("the host says nothing").unwrap();
        let line = line.unwrap_or_else(|| panic!("the host ended; it said {said:?}"));
        // A test's own output may stand before it in the line.
        if let Some((_, pid)) = line.split_once(READING) {
            break pid.parse().unwrap();
        }
        said.push(line);
    };
    assert!(is_running(plugin));
    host.kill().await.unwrap();

    let gone = async {
        while is_running(plugin) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the plugin outlived its host");
    let requests = account.counters().requests;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(account.counters().requests, requests, "something still asks HubSpot");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other test runs it, as the host that it kills"]
async fn host_that_is_killed() {
    let Ok(url) = env::var(EMULATOR) else { return };
    let connector = plugin::connector().unwrap();
    let mut source = connector.source(plugin::eager(&url, TOKEN, "crm.contacts")).await.unwrap();
    source.open(None).await.unwrap();
    source.take(100).await.unwrap();
    eprintln!("{READING}{}", source.pid().unwrap());
    // Reads on, as a host does, until it is killed.
    loop {
        let records = source.next().await.unwrap();
        source.ack_all(&records).await.unwrap();
    }
}
