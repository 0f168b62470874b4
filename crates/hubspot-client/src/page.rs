//! Pages of results, and walking along them.

use std::future::Future;

use chrono::{DateTime, Utc};
use futures::Stream;
use serde::Deserialize;

use crate::error::Error;
use crate::request::Reply;
use crate::wire;

/// A page of results.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The results, in HubSpot's order.
    pub results: Vec<T>,
    /// The cursor of the next page (`paging.next.after`); `None` on the last one.
    pub next: Option<String>,
    /// How many results there are over all pages, where HubSpot says so.
    pub total: Option<u64>,
    /// HubSpot's clock when it answered: the `Date` header, whole seconds.
    pub date: Option<DateTime<Utc>>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { results: Vec::new(), next: None, total: None, date: None }
    }
}

/// A page as HubSpot sends it.
#[derive(Deserialize)]
pub(crate) struct PageWire<T> {
    results: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
    #[serde(default)]
    total: Option<u64>,
}

/// Where the next page is, as HubSpot sends it.
#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

impl Paging {
    /// The cursor of the next page; `None` on the last one.
    pub(crate) fn into_cursor(self) -> Option<String> {
        self.next?.after
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default, deserialize_with = "wire::optional_text")]
    after: Option<String>,
}

impl<T> From<Reply<PageWire<T>>> for Page<T> {
    fn from(reply: Reply<PageWire<T>>) -> Self {
        let PageWire { results, paging, total } = reply.body;
        let next = paging.and_then(Paging::into_cursor);
        Self { results, next, total, date: reply.date }
    }
}

/// Pages one after the other, each asked for when it is wanted; the stream ends behind the last page, or behind an error.
pub(crate) fn walk<T, F, R>(first: Option<String>, mut ask: F) -> impl Stream<Item = Result<Page<T>, Error>> + Send
where
    T: Send,
    F: FnMut(Option<String>) -> R + Send,
    R: Future<Output = Result<Page<T>, Error>> + Send,
{
    futures::stream::try_unfold(Some(first), move |cursor| {
        let asked = cursor.map(&mut ask);
        async move {
            let Some(asked) = asked else { return Ok(None) };
            let page = asked.await?;
            let following = page.next.clone().map(Some);
            Ok(Some((page, following)))
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn pages_follow_the_cursor_to_the_end() {
        let pages: Vec<_> = walk(None, |after| async move {
            let at: u32 = after.map_or(0, |after| after.parse().unwrap());
            Ok(Page { results: vec![at], next: (at < 3).then(|| (at + 1).to_string()), ..Page::default() })
        })
        .map_ok(|page| page.results[0])
        .try_collect()
        .await
        .unwrap();
        assert_eq!(pages, [0, 1, 2, 3]);
    }

    #[test]
    fn a_page_without_results_is_no_page_and_a_numeric_cursor_is_one() {
        assert!(serde_json::from_value::<PageWire<u8>>(json!({"message": "x"})).is_err());
        let wire: PageWire<u8> =
            serde_json::from_value(json!({"results": [], "paging": {"next": {"after": 100, "link": "?"}}})).unwrap();
        let page = Page::from(Reply { status: 200, date: None, lost_before: false, correlation_id: None, body: wire });
        assert_eq!(page.next.as_deref(), Some("100"));
        let wire: PageWire<u8> = serde_json::from_value(json!({"results": [], "paging": null})).unwrap();
        assert_eq!(
            Page::from(Reply { status: 200, date: None, lost_before: false, correlation_id: None, body: wire }).next,
            None
        );
    }
}
