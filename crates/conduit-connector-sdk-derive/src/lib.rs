//! The derive macro for parameters of Conduit connectors. Use it through `conduit-connector-sdk`, which re-exports it.
//!
//! ```
//! use std::time::Duration;
//! use conduit_connector_sdk::{Parameters, Settings};
//!
//! #[derive(Parameters)]
//! struct Config {
//!     /// How long to wait between two looks.
//!     #[parameter(default = "5s")]
//!     pause: Duration,
//! }
//!
//! assert_eq!(Config::parameters()[0].description, "How long to wait between two looks.");
//! assert_eq!(Settings::default().parse::<Config>()?.pause, Duration::from_secs(5));
//! # Ok::<(), conduit_connector_sdk::Error>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod attributes;
mod expand;
mod field;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the parameters of a source or a destination: every field is one, or with `flatten` a struct of more.
///
/// The field types and the attributes are listed at the trait `Parameters` of `conduit-connector-sdk`.
#[proc_macro_derive(Parameters, attributes(parameter))]
pub fn parameters(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
