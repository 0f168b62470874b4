//! CMS collections without batch endpoints: HubDB tables, URL redirects.

use hubspot_client::CmsCollection;

use super::{failure, of_one, write_failure};
use crate::answer;
use crate::api::Answer;
use crate::change::Change;
use crate::error::Failure;
use crate::identity::Target;
use crate::shape::Object;

/// One object a call.
#[derive(Clone, Copy)]
pub(super) struct Single<'a> {
    pub(super) collection: CmsCollection<'a>,
    /// Changes go into a draft.
    pub(super) draft: bool,
    /// The draft is published.
    pub(super) publish: bool,
}

impl Single<'_> {
    pub(super) async fn write(self, changes: &[&Change]) -> Result<Answer, Failure> {
        let mut results = Vec::with_capacity(changes.len());
        for change in changes {
            results.push(match &change.target {
                Target::Id(id) => self.update(id, change).await?,
                Target::New | Target::Unique { .. } => self.create(change).await?,
            });
        }
        Ok(Answer { results, ..Answer::default() })
    }

    /// Those of these objects that are there.
    pub(super) async fn find(self, ids: &[String]) -> Result<Vec<Object>, Failure> {
        let mut found = Vec::new();
        for id in ids {
            match self.collection.read(id).await.map_err(|error| of_one(failure(error))) {
                Ok(object) => found.push(object),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    pub(super) async fn remove(self, ids: &[String]) -> Result<(), Failure> {
        for id in ids {
            self.collection.archive(id).await.map_err(|error| of_one(write_failure(error)))?;
        }
        Ok(())
    }

    /// Makes one object; with a draft, nobody sees it before it is published.
    async fn create(self, change: &Change) -> Result<Object, Failure> {
        let made = self.collection.create(&change.body).await.map_err(write_failure)?;
        if self.draft && self.publish {
            let id = made.get("id").and_then(answer::text).ok_or(Failure::Unnamed)?;
            let published = self.publish(&id, &format!("it was created as the draft {id}")).await;
            // Written again, it would be there twice.
            published.map_err(|failure| match failure {
                Failure::MaybeDone(reason) => Failure::Unknown(reason),
                failure => failure,
            })?;
        }
        Ok(made)
    }

    /// Changes one object; with a draft, the draft and then what is public.
    async fn update(self, id: &str, change: &Change) -> Result<Object, Failure> {
        if !self.draft {
            return self.collection.update(id, &change.body).await.map_err(|error| of_one(write_failure(error)));
        }
        let written =
            self.collection.update_draft(id, &change.body).await.map_err(|error| of_one(write_failure(error)))?;
        if self.publish {
            self.publish(id, "the draft was changed").await?;
        }
        Ok(written)
    }

    /// Publishes a draft. An error says what has been `done` already: a repetition would do it again.
    async fn publish(self, id: &str, done: &str) -> Result<(), Failure> {
        let Err(error) = self.collection.publish_draft(id).await else { return Ok(()) };
        Err(match write_failure(error) {
            failure @ (Failure::Refused(_) | Failure::Denied(_)) => {
                Failure::NotPublished { id: id.to_owned(), done: done.to_owned(), failure: Box::new(failure) }
            }
            Failure::Unanswered(reason) => Failure::Unanswered(format!("{done}, but not published: {reason}")),
            Failure::MaybeDone(reason) => {
                Failure::MaybeDone(format!("{done}, and publishing it got no answer: {reason}"))
            }
            other => other,
        })
    }
}
