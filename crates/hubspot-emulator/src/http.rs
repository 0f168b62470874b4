//! HTTP: requests and answers as values, and the server.

pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod server;
