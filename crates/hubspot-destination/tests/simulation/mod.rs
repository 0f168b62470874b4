//! Records, a destination that is restarted, an account that is full of faults, and what must come of it.
//!
//! * [`setting`]: what a seed configures.
//! * [`history`]: the records, each with what it means; [`values`]: what stands in them.
//! * [`model`]: what the account must hold, computed from the answers.
//! * [`answers`]: what must hold of each answer.
//! * [`account`]: the emulated account at first, and what it holds in the end.
//! * [`run`](mod@run): all of them together.

mod account;
mod answers;
mod history;
mod model;
mod run;
mod seeds;
mod setting;
mod values;

pub(crate) use run::run;
pub(crate) use seeds::each_seed;
