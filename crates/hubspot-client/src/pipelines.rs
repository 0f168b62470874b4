//! Pipelines: the stages that objects of a type go through.

use crate::Object;
use crate::client::Client;
use crate::error::Error;
use crate::page::{Page, PageWire};
use crate::paths;
use crate::request::Request;

/// The pipelines of one object type. Made by [`Client::pipelines`].
#[derive(Clone, Copy, Debug)]
pub struct Pipelines<'a> {
    client: &'a Client,
    object_type: &'a str,
}

impl<'a> Pipelines<'a> {
    pub(crate) fn new(client: &'a Client, object_type: &'a str) -> Self {
        Self { client, object_type }
    }

    /// All pipelines, each with its `stages`. They come whole, on one page.
    pub async fn list(&self) -> Result<Page<Object>, Error> {
        let request = Request::get(paths::pipelines(self.client.api_version(), self.object_type));
        Ok(self.client.call::<PageWire<Object>>(request).await?.into())
    }
}
