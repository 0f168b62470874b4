//! Every answer is true: seeded histories of records against the real engine, the real client and an emulated HubSpot.
//!
//! A seed has a configuration (resources, mode, what identifies an object, what is dropped, merged or made), an account, and a
//! history: records of all operations, of few objects or of many, good ones and ones that are bad in every way: values that don't fit,
//! properties that nobody knows or nobody may write, objects that are gone, keys that are none, values that another object has,
//! associations with nothing. They come in batches of any size. Requests fail in every way that the emulator knows, replies are lost
//! after the write, and the destination is restarted at random, in the middle of a batch too: then records come again, as Conduit
//! sends them again.
//!
//! A model computes from the answers alone what the account must hold: see `simulation/model.rs`. It knows what HubSpot does with a
//! write, and nothing of how the engine sends one. What must hold of each answer is in `simulation/answers.rs`, what of the whole in
//! `simulation/run.rs`.
//!
//! That it can fail is tried by breaking the engine: `mutations.toml` has the ways, and `cargo xtask sim --destination --mutations`
//! sees that each is noticed within 200 seeds.
//!
//! `cargo xtask sim --destination --seeds 5000` runs so many histories on all cores, and `cargo xtask sim --destination --seed 17` runs
//! one alone and tells every record and every answer; `simulation/seeds.rs` has the variables behind that.
#![allow(missing_docs)]

mod simulation;

#[test]
fn the_account_holds_what_the_answers_say() {
    let Some((seeds, summary)) = simulation::each_seed("the_account_holds_what_the_answers_say", simulation::run)
    else {
        return;
    };
    // A simulation in which nothing happens proves nothing.
    if seeds >= 100 {
        assert!(
            summary.acked > 20 * seeds
                && summary.nacked > seeds
                && summary.unknown > seeds / 20
                && summary.restarts > seeds / 4
                && summary.faults > seeds,
            "too little: {summary}"
        );
    }
}
