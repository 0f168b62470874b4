//! The process contract, with real processes: the host of this crate runs the plugin of this crate.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conduit_connector_protocol::host::{Command, HostError, Network, Plugin};
use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::{MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE, ProtocolVersion};
use rustix::process::{Pid, test_kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};

/// Far more than anything here takes: a limit for what would otherwise hang.
const LONG: Duration = Duration::from_secs(30);

/// Cargo builds examples along with tests, into a folder beside the tests' own.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/protocol_plugin")
}

async fn name(plugin: &Plugin) -> String {
    match plugin.version() {
        ProtocolVersion::V1 => {
            let mut client = v1::specifier_plugin_client::SpecifierPluginClient::new(plugin.channel());
            client.specify(v1::specifier::specify::Request {}).await.unwrap().into_inner().name
        }
        ProtocolVersion::V2 => {
            let mut client = v2::specifier_plugin_client::SpecifierPluginClient::new(plugin.channel());
            let response = client.specify(v2::specifier::specify::Request {}).await.unwrap().into_inner();
            response.specification.unwrap().name
        }
    }
}

#[tokio::test]
async fn both_versions_are_served_on_both_networks() {
    for network in [Network::Unix, Network::Tcp] {
        for (versions, name_then) in
            [(&[ProtocolVersion::V1][..], "one"), (&[ProtocolVersion::V2], "two"), (&ProtocolVersion::ALL, "two")]
        {
            let command = Command::new(program()).network(network).versions(versions.iter().copied());
            let mut plugin = command.start().await.unwrap();
            assert_eq!(name(&plugin).await, name_then, "{network:?} {versions:?}");
            let status = plugin.shutdown().await.unwrap();
            assert!(status.success(), "{network:?} {versions:?}: {status}");
            assert_eq!(plugin.stray_output(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn a_person_is_told_what_the_program_is() {
    let error = Command::new(program()).env(MAGIC_COOKIE_KEY, "biscuit").start().await.unwrap_err();
    let HostError::Exited { status, stderr, .. } = error else { panic!("{error}") };
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("connector for Conduit"), "{stderr}");
}

#[tokio::test]
async fn shutdown_is_answered_though_draining_hangs() {
    let mut plugin = Command::new(program()).env("DRAIN", "forever").start().await.unwrap();
    let status = tokio::time::timeout(LONG, plugin.shutdown()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_plugin_that_exits_before_it_answers_has_shut_down() {
    // So do all plugins that are built on go-plugin.
    let mut plugin = Command::new(program()).env("DRAIN", "exit").start().await.unwrap();
    let status = plugin.shutdown().await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn sigterm_ends_the_plugin_though_draining_hangs() {
    let mut plugin = Command::new(program()).env("DRAIN", "forever").start().await.unwrap();
    // An answer shows that the plugin is past its start.
    assert_eq!(name(&plugin).await, "two");
    plugin.terminate().unwrap();
    let status = tokio::time::timeout(LONG, plugin.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn after_a_signal_the_host_is_still_served_and_ends_the_plugin() {
    // Ctrl-C reaches plugin and host at once.
    let mut plugin = Command::new(program()).start().await.unwrap();
    assert_eq!(name(&plugin).await, "two");
    plugin.terminate().unwrap();
    assert_eq!(name(&plugin).await, "two");
    let status = tokio::time::timeout(LONG, plugin.shutdown()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn the_plugin_ends_when_its_host_is_killed() {
    let mut host = tokio::process::Command::new(program())
        .env("HOST_OF", program())
        .env_remove(MAGIC_COOKIE_KEY)
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let line = BufReader::new(host.stderr.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    let plugin = Pid::from_raw(line.parse().unwrap()).unwrap();
    host.kill().await.unwrap();

    let ended = async {
        while is_running(plugin) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, ended).await.expect("the plugin outlived its host");
}

#[tokio::test]
async fn a_plugin_whose_host_died_before_the_handshake_ends() {
    // What the plugin sees of a host that died so early: nobody reads its handshake.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut plugin = tokio::process::Command::new(program())
        .env(MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE)
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let status = tokio::time::timeout(LONG, plugin.wait()).await.expect("the plugin outlived its host").unwrap();
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn no_socket_file_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let left = || std::fs::read_dir(folder.path()).unwrap().count();
    let command = || Command::new(program()).env("PLUGIN_UNIX_SOCKET_DIR", folder.path().to_str().unwrap());

    let mut asked = command().start().await.unwrap();
    assert_eq!(left(), 1);
    asked.shutdown().await.unwrap();
    assert_eq!(left(), 0, "after Shutdown");

    let mut signalled = command().start().await.unwrap();
    signalled.terminate().unwrap();
    let status = tokio::time::timeout(LONG, signalled.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(left(), 0, "after SIGTERM");
}

#[tokio::test]
async fn what_a_plugin_writes_is_read_to_the_end_and_whatever_bytes_it_is() {
    let entries = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&entries);
    let command = Command::new(program()).env("NOISE", "1").logs(move |entry| kept.lock().unwrap().push(entry.message));
    let mut plugin = command.start().await.unwrap();
    plugin.shutdown().await.unwrap();
    assert_eq!(plugin.stray_output(), ["\u{fffd} on stdout"]);
    assert_eq!(*entries.lock().unwrap(), ["\u{fffd} on stderr", "the last words"]);
}

#[tokio::test]
async fn a_plugin_that_has_ended_can_be_killed_and_not_be_shut_down() {
    let mut plugin = Command::new(program()).start().await.unwrap();
    plugin.kill().await.unwrap();
    plugin.kill().await.unwrap();
    let error = plugin.shutdown().await.unwrap_err().to_string();
    assert!(error.contains("had ended before"), "{error}");
}

#[tokio::test]
async fn a_version_that_was_not_offered_is_no_handshake() {
    // The plugin reads this variable; the host, which believes to have offered v1 alone, does not.
    let command = Command::new(program()).versions([ProtocolVersion::V1]).env("PLUGIN_PROTOCOL_VERSIONS", "2");
    let error = command.start().await.unwrap_err();
    let HostError::Handshake { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason, "it speaks v2, which was not offered");
}

/// Whether the process runs: an orphan that ended may stay as a zombie where nothing reaps it.
fn is_running(pid: Pid) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let zombie = state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    test_kill_process(pid).is_ok() && !zombie
}
