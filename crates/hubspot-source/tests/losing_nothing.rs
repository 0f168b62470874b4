//! Losing nothing: seeded histories against the real engine.
//!
//! A simulated HubSpot holds the truth (a store), a search index that lags behind it, entry by entry and out of order,
//! and the list of archived objects, which lags too. While the engine reads, objects are created (with ids in no order of
//! creation), changed, archived, restored, merged and, in some histories, erased, between every two requests; thousands of them
//! share a millisecond, and more than 10,000 change within a lag; requests fail and are made again, and answers are late; the clocks of
//! HubSpot's servers differ from one another, and are far from the reader's, which jumps; and the reader acknowledges late, is killed
//! at random and resumes at a position that it had acknowledged. Some histories read associations, calculated properties,
//! more properties than fit into a URL, typed values, images of before; in some cursors of lists are no ids, or the index never shows some changes, and an
//! audit has to find them. Directories are read as well.
//!
//! In the end the reader's state must equal the truth. What must hold of each record, and of the order of those of one object,
//! is in `simulation/reader.rs`; how many requests are allowed, and how much may be remembered, in `simulation/run.rs`.
//!
//! That it can fail is tried by breaking the engine: `mutations.toml` has the ways, and `cargo xtask sim --mutations` sees that each
//! is noticed within 200 seeds.
//!
//! `cargo xtask sim --seeds 10000` runs so many histories on all cores, and `cargo xtask sim --seed 17 --resource crm.contacts`
//! runs one alone and tells every request and every record; `simulation/seeds.rs` has the variables behind that.

#![allow(missing_docs)]

mod simulation;

use simulation::{History, World, each_seed};

fn killed_and_resumed(case: &str, resource: &str) {
    let summary = each_seed(case, resource, 1, |seed, resource| {
        let history = History::of_seed(seed, resource);
        World::new(seed, resource, &history).run(&history)
    });
    // A simulation in which nothing happens proves nothing.
    if let Some((seeds, summary)) = summary.filter(|(seeds, _)| *seeds >= 100) {
        assert!(
            summary.delivered > 90 * seeds && summary.kills > 2 * seeds && summary.faults > 0,
            "too little: {summary}"
        );
    }
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
fn owners_arrive() {
    killed_and_resumed("owners_arrive", "crm.owners");
}

#[test]
fn pipelines_arrive() {
    killed_and_resumed("pipelines_arrive", "crm.pipelines.deals");
}

#[test]
fn without_a_kill_what_only_a_census_sees_arrives() {
    for resource in ["crm.companies", "crm.contacts"] {
        each_seed("without_a_kill_what_only_a_census_sees_arrives", resource, 2, |seed, resource| {
            let history = History::of_seed(seed, resource).without_kills();
            World::new(seed, resource, &history).run(&history)
        });
    }
}

#[test]
fn without_a_snapshot_what_changes_since_the_beginning_arrives() {
    for resource in ["crm.companies", "cms.blogs.posts", "cms.urlRedirects", "crm.owners"] {
        each_seed("without_a_snapshot_what_changes_since_the_beginning_arrives", resource, 2, |seed, resource| {
            let history = History::of_seed(seed, resource).without_snapshot();
            World::new(seed, resource, &history).run(&history)
        });
    }
}

#[test]
fn any_record_is_a_place_to_resume() {
    for resource in ["crm.companies", "cms.blogs.posts", "cms.urlRedirects"] {
        each_seed("any_record_is_a_place_to_resume", resource, 20, |seed, resource| {
            let history = History::of_seed(seed, resource).without_kills();
            World::new(seed, resource, &history).run_and_resume_everywhere(&history, 20)
        });
    }
}
