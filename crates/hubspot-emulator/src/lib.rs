//! HubSpot on loopback: its API with its limits, its lagging search index and its faults, for demos and tests.
//!
//! It answers what a connector asks of HubSpot, in the API versions `2026-03`, `2026-09` and `v3`: CRM objects of every type, their search, properties,
//! schemas and associations; owners, pipelines and their stages; blogs, pages, HubDB tables and redirects; account information and OAuth. What it
//! answers is checked against HubSpot's OpenAPI documents. Where they are silent, the code says `Believed` or `Seen` in one line; what has been seen either way is a setting.
//!
//! It shares no code with `hubspot-client` and `hubspot-catalog`, so that a mistake there shows here.
//!
//! ```
//! use hubspot_emulator::{Emulator, Fault, Limits, Settings};
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let emulator = Emulator::builder()
//!     .account("token-a")
//!     .settings(Settings { limits: Limits::PRO, ..Settings::default() })
//!     .start()
//!     .await?;
//! let account = emulator.account("token-a");
//!
//! let id = account.create("contacts", json!({"email": "ada@example.com"}));
//! account.update("contacts", &id, json!({"firstname": "Ada"}));
//! account.fail_next(Fault::LostReply, 1);
//!
//! // Point a client at `emulator.url()`, then compare with the truth.
//! assert_eq!(account.objects("contacts")[&id]["properties"]["firstname"], "Ada");
//! # Ok::<_, hubspot_emulator::StartError>(())
//! # }).unwrap();
//! ```
//!
//! # The admin API
//!
//! The binary of the same name is the emulator as a process. What [`Account`] does in process, it takes over HTTP below `/_emulator/`. Every
//! request names the account: `?token=…`, or its bearer token. None of them counts as a request, or meets limits, latency and faults. A *resource* is
//! what [`Account`] says: an object type, a path of the CMS, `owners`, `pipelines/…` or `stages/…` of an object type.
//!
//! | request | body, answer |
//! |---|---|
//! | `POST /_emulator/seed` | `{"resource", "count", "fields", "first"?: 0, "tied"?: false}`: creates objects; `{n}` in a text of `fields` is the object's number; `{"ids": […]}` |
//! | `POST /_emulator/objects` | `{"action", "resource", "id"?, …}`: `{"id"}`. Actions: `create` and `update` (with `fields`), `archive`, `restore`; of the CRM alone `merge` (`id` is the primary's, `loser` the other's), `gdprDelete`, `purge`, `recalculate` (with `fields`), `associate` and `dissociate` (with `toResource`, `toId`, and a `label` for `associate`) |
//! | `POST /_emulator/properties` | `{"action": "define", "resource", "definition"}` or `{"action": "remove", "resource", "name"}` |
//! | `POST /_emulator/labels` | `{"from", "to", "label", "inverse"?}`: defines a label of associations, `{"typeId", "inverseTypeId"}` |
//! | `POST /_emulator/types` | a schema, of which only `name` is required: defines a custom object type, `{"objectTypeId"}` |
//! | `GET`, `POST /_emulator/settings` | any of `limits` (`"off"`, `"free"`, `"pro"`, `{"per10s", "searchPerS", "daily"}`), `indexLagMs` (`[least, most]` or null), `latencyMs`, `idsInOrder`, `clockOffsetMs`, `tokenLifetimeMs`, `wholeBatchFailures`, `mergeMintsId`, `mergedAreArchived`, `associationPage` (1 to 500), `history`, `unknownPropertiesFail`, `opaqueCursors`, `associationErrorsNamePairs`, `emailUpsertsAreWhole`, `searchNoise` (0 to 1), `faultRates` (`{"serverError", "reset", "lostReply", "rateLimited"}`); `POST` also takes `scopes` (a list, or null for all), `"revokeToken": true`, `"expireAccessTokens": true`, `"resetDailyLimit": true` and `"useUpDailyLimit": true` |
//! | `POST /_emulator/faults` | `{"fault", "times"?: 1, "method"?, "pathContains"?}`; `fault` is `serverError` (with `status`, `html`), `lateServerError` (with `status`; done all the same), `rateLimited` (`policy`, `retryAfterMs`), `reset`, `lostReply`, `slow` (`ms`), `cutBody`, `locked`, `migrating` or `html200` |
//! | `DELETE /_emulator/faults` | forgets them |
//! | `GET /_emulator/truth?resource=…` | all objects by id with all their values; with `&archived=true` the archived ones |
//! | `GET /_emulator/associations?from=…&to=…` | by id, the objects of a type that have associations with another, and those, as a batch read shows them |
//! | `GET`, `DELETE /_emulator/counters` | what was asked; counts from zero again |
//! | `POST /_emulator/oauth` | `{"clientId", "clientSecret", "refreshToken"}`: installs an OAuth app |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod account;
mod account_info;
mod admin;
mod clock;
mod cms;
mod counters;
mod crm;
mod definitions;
mod emulator;
mod errors;
mod faults;
mod http;
mod ids;
mod json;
mod limits;
mod oauth;
mod routes;
mod settings;

pub use account::Account;
pub use counters::Counters;
pub use emulator::{Emulator, EmulatorBuilder, StartError};
pub use faults::{Fault, FaultRule, Policy};
pub use oauth::OAuthApp;
pub use settings::{FaultRates, Limits, Settings};
