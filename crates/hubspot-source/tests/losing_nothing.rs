//! Losing nothing: seeded histories against the real engine.
//!
//! A simulated HubSpot holds the truth (a store), a search index that lags behind it, entry by entry and out of order,
//! and the list of archived objects, which lags too. While the engine reads, objects are created (with ids in no order of creation),
//! changed and archived between every two requests; thousands of them share a millisecond; HubSpot's clock is far from
//! the reader's; and the reader is killed at random and resumes at a position that it had acknowledged. In the end its
//! state must equal the truth, and no stream may have told it a version or a deletion twice.
//!
//! That it can fail was tried by breaking the engine. Each of these was caught within the default seeds: not withholding
//! a page's last millisecond; settling at the head, or without the lag; skipping the drain of a millisecond, or stopping
//! after its first page; ignoring that a drain's pages shifted; a position ahead of what was delivered, in the snapshot
//! and behind it; a deletions cursor ahead of the sweep, less than a lag behind it, or as late as its last page; not repeating deletions on resume;
//! taking stale entries of deleted objects for news; forgetting that a deleted object lives again; a stream that starts
//! after its snapshot; leaving objects to the stream that it won't meet; a baseline that swallows news; never walking the
//! window again; walking again what is settled; the reader's clock in place of HubSpot's `Date`.
//!
//! `HUBSPOT_SIM_SEEDS=2000` runs so many histories (default 200), `HUBSPOT_SIM_SEED=17` runs that one alone and tells
//! what happens.

#![allow(missing_docs)]

mod simulation;

use simulation::{History, Summary, World};

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} isn't a number: {value}")))
}

/// Runs `test` for each seed, or for `1 / share` of them; `killed` says whether its readers are.
fn each_seed(name: &str, resource: &str, share: u64, killed: bool, test: impl Fn(u64) -> Result<Summary, String>) {
    let seeds: Vec<u64> = match number("HUBSPOT_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("HUBSPOT_SIM_SEEDS").unwrap_or(200) / share).collect(),
    };
    let (mut changes, mut kills) = (0, 0);
    for &seed in &seeds {
        let again =
            format!("run it again: HUBSPOT_SIM_SEED={seed} cargo test -p hubspot-source --test losing_nothing {name}");
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(seed))) {
            Ok(Ok(summary)) => {
                changes += summary.delivered;
                kills += summary.kills;
            }
            Ok(Err(lost)) => {
                panic!("seed {seed} of {resource}: {lost}\nhistory: {:?}\n{again}", History::of_seed(seed))
            }
            Err(panic) => {
                panic!("seed {seed} of {resource} panicked: {panic:?}\nhistory: {:?}\n{again}", History::of_seed(seed))
            }
        }
    }
    eprintln!("{resource}: {} histories, {changes} changes delivered, {kills} kills", seeds.len());
    // A simulation in which nothing happens proves nothing.
    if seeds.len() >= 100 {
        assert!(
            changes > 10_000 && (kills > 50 || !killed),
            "{changes} changes and {kills} kills are too few to prove anything"
        );
    }
}

fn killed_and_resumed(name: &str, resource: &str) {
    each_seed(name, resource, 1, true, |seed| {
        let history = History::of_seed(seed);
        World::new(seed, resource, &history).run(&history)
    });
}

#[test]
fn companies_arrive() {
    killed_and_resumed("companies_arrive", "crm.companies");
}

#[test]
fn contacts_arrive() {
    killed_and_resumed("contacts_arrive", "crm.contacts");
}

#[test]
fn posts_arrive() {
    killed_and_resumed("posts_arrive", "cms.blogs.posts");
}

#[test]
fn tables_arrive() {
    killed_and_resumed("tables_arrive", "cms.hubdb.tables");
}

/// HubSpot doesn't say when a URL redirect was deleted.
#[test]
fn redirects_arrive() {
    killed_and_resumed("redirects_arrive", "cms.urlRedirects");
}

#[test]
fn without_a_snapshot_what_changes_since_the_beginning_arrives() {
    for resource in ["crm.companies", "cms.blogs.posts", "cms.urlRedirects"] {
        each_seed("without_a_snapshot_what_changes_since_the_beginning_arrives", resource, 2, true, |seed| {
            let history = History::of_seed(seed).without_snapshot();
            World::new(seed, resource, &history).run(&history)
        });
    }
}

#[test]
fn any_record_is_a_place_to_resume() {
    for resource in ["crm.companies", "cms.blogs.posts", "cms.urlRedirects"] {
        each_seed("any_record_is_a_place_to_resume", resource, 20, false, |seed| {
            let history = History::of_seed(seed).without_kills();
            World::new(seed, resource, &history).run_and_resume_everywhere(&history, 20)
        });
    }
}
