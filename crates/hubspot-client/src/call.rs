//! A call: as many tries as it takes, each with the quota's leave and a valid token.

use std::time::Duration;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::answer::{Answer, Lost, LostHow};
use crate::auth::{Grant, GrantWire, TokenEndpoint};
use crate::client::Inner;
use crate::error::{ApiError, AuthenticationError, BodyError, Error, UnknownOutcome, Unreachable};
use crate::one_line::OneLine;
use crate::paths;
use crate::quota::Policy;
use crate::request::{Bucket, Content, Repeat, Reply, Request};
use crate::retry::{self, Cause, Then};
use crate::stats::Counters;

/// Reads a good answer, or says what is wrong with its body.
type Read<'a> = &'a mut (dyn FnMut(&Answer) -> Result<(), String> + Send);

/// A call so far.
struct Course {
    tries: u32,
    retries: u32,
    /// 429s in a row, of a limit that frees within seconds.
    limited: u32,
    /// When the daily quota first turned it away.
    daily_since: Option<Instant>,
    /// A try was sent and its reply lost.
    lost_reply: bool,
    /// The token that HubSpot called expired.
    refused_token: Option<u64>,
    /// It was tried again with a token fetched for that.
    fresh_token: bool,
}

/// What is wrong with a try.
enum Fault {
    Lost(Lost),
    /// A 2xx that can't be read.
    Body(Answer, String),
    /// Another status.
    Refused(Answer, Option<Box<ApiError>>),
}

impl Inner {
    /// Makes a call whose answer is JSON of a type.
    pub(crate) async fn call<T: DeserializeOwned + Send>(&self, request: &Request) -> Result<Reply<T>, Error> {
        let mut read = None;
        let mut reader = |answer: &Answer| {
            read = Some(serde_json::from_slice(&answer.body).map_err(|error| describe(&error))?);
            Ok(())
        };
        let reply = self.run(request, &mut reader).await?;
        match read {
            Some(body) => Ok(reply.with(body)),
            None => Err(request.refuse("its answer was not read")),
        }
    }

    /// Makes a call whose answer is JSON of a type, or nothing.
    pub(crate) async fn call_for_some<T: DeserializeOwned + Send>(
        &self,
        request: &Request,
    ) -> Result<Reply<Option<T>>, Error> {
        let mut read = None;
        let mut reader = |answer: &Answer| {
            if !answer.body.is_empty() {
                read = Some(serde_json::from_slice(&answer.body).map_err(|error| describe(&error))?);
            }
            Ok(())
        };
        Ok(self.run(request, &mut reader).await?.with(read))
    }

    /// Tries until there is a good answer, or none to hope for.
    async fn run(&self, request: &Request, read: Read<'_>) -> Result<Reply<()>, Error> {
        if !request.path.is_sound() {
            return Err(request.refuse("an object type, an id or a name in its path is empty, or dots alone"));
        }
        let mut course = Course {
            tries: 0,
            retries: 0,
            limited: 0,
            daily_since: None,
            lost_reply: false,
            refused_token: None,
            fresh_token: false,
        };
        loop {
            let fault = match self.attempt(request, &mut course, read).await? {
                Ok(Answer { status, date, correlation_id, .. }) => {
                    return Ok(Reply { status, date, lost_before: course.lost_reply, correlation_id, body: () });
                }
                Err(fault) => fault,
            };
            match self.decide(&fault, request, &mut course) {
                Then::Again => {
                    let wait = retry::pause(self.backoff, course.retries, fault.retry_after(), fastrand::f64());
                    course.retries += 1;
                    tracing::debug!(
                        method = %request.method,
                        path = request.path.as_shown(),
                        reason = fault.reason(),
                        milliseconds = wait.as_millis() as u64,
                        "trying again after a pause"
                    );
                    tokio::time::sleep(wait).await;
                }
                Then::AskQuota => {}
                Then::Unknown => return Err(Self::unknown(request, &course, &fault)),
                Then::Fail => return Err(self.error(request, &course, fault)),
            }
            Counters::count(&self.counters.retries);
        }
    }

    /// One try.
    async fn attempt(
        &self,
        request: &Request,
        course: &mut Course,
        read: Read<'_>,
    ) -> Result<Result<Answer, Fault>, Error> {
        let (permit, authorization) = if request.bucket == Bucket::Unlimited {
            (self.governor.acquire(request.bucket).await, None)
        } else {
            // Once before the wait for the quota, so that nothing is between its leave and the sending; once behind it, if it took long.
            self.credentials.authorization(course.refused_token, self).await?;
            let permit = self.governor.acquire(request.bucket).await;
            (permit, Some(self.credentials.authorization(course.refused_token, self).await?))
        };
        let generation = authorization.as_ref().map(|authorization| authorization.generation);
        let header = authorization.map(|authorization| authorization.header);

        course.tries += 1;
        Counters::count(&self.counters.requests);
        let started = Instant::now();
        let outcome = self.exchange.exchange(request, header).await;
        let milliseconds = started.elapsed().as_millis() as u64;
        let (method, path) = (request.method.as_str(), request.path.as_shown());
        // Here, and not where something is shown: what follows takes its words for logs and errors from these.
        let redact = |text: &mut String| self.credentials.redact(text);
        let answer = match outcome {
            Ok(mut answer) => {
                answer.redact(&redact);
                tracing::debug!(method, path, status = answer.status, milliseconds, attempt = course.tries, "request");
                answer
            }
            Err(mut lost) => {
                redact(&mut lost.reason);
                tracing::debug!(
                    method,
                    path,
                    reason = lost.reason,
                    milliseconds,
                    attempt = course.tries,
                    "request lost"
                );
                if lost.how == LostHow::NotSent {
                    permit.not_sent();
                }
                return Ok(Err(Fault::Lost(lost)));
            }
        };
        self.counters.set_daily(answer.rate.daily, answer.rate.daily_remaining);

        if answer.is_success() {
            permit.answered(&answer.rate, answer.is_success());
            if let Some(cut) = &answer.cut {
                let problem = format!("the body is cut: {cut}");
                return Ok(Err(Fault::Body(answer, problem)));
            }
            return Ok(match read(&answer) {
                Ok(()) => Ok(answer),
                Err(problem) => Err(Fault::Body(answer, problem)),
            });
        }
        let error = answer.to_api_error(request, &redact).map(Box::new);
        if answer.status == 429 {
            Counters::count(&self.counters.rate_limited);
            let policy = Policy::new(error.as_ref().and_then(|error| error.policy_name.as_deref()), request.bucket);
            if policy == Policy::Daily {
                course.daily_since.get_or_insert(started);
                course.limited = 0;
            } else {
                course.limited += 1;
            }
            let fault = Fault::Refused(answer, error);
            permit.limited(policy, fault.retry_after());
            return Ok(Err(fault));
        }
        permit.answered(&answer.rate, answer.is_success());
        course.limited = 0;
        if answer.status == 401
            && self.credentials.can_refresh()
            && course.refused_token.is_none()
            && error.as_ref().is_some_and(|error| error.category == "EXPIRED_AUTHENTICATION")
        {
            course.refused_token = generation;
        }
        Ok(Err(Fault::Refused(answer, error)))
    }

    /// What to do about a fault: the table's word, within this call's bounds.
    fn decide(&self, fault: &Fault, request: &Request, course: &mut Course) -> Then {
        let cause = fault.cause();
        if cause == Cause::Status(401) && course.refused_token.is_some() && !course.fresh_token {
            // HubSpot turned an old token away and did nothing; with a new one the request is a new one. Once.
            course.fresh_token = true;
            return Then::AskQuota;
        }
        let then = retry::decide(cause, request.repeat);
        if then == Then::Again
            && matches!(cause, Cause::Reset | Cause::Timeout | Cause::Body | Cause::Status(408 | 500..))
        {
            course.lost_reply = true;
        }
        match then {
            Then::Again if course.retries >= self.max_retries => Then::Fail,
            Then::AskQuota if request.bucket == Bucket::Unlimited => {
                // The OAuth endpoint has no quota here to ask.
                if course.retries >= self.max_retries { Then::Fail } else { Then::Again }
            }
            Then::AskQuota if course.limited > retry::LIMITED_IN_A_ROW => Then::Fail,
            Then::AskQuota if course.daily_since.is_some_and(|since| since.elapsed() > retry::DAILY_PATIENCE) => {
                Then::Fail
            }
            then => then,
        }
    }

    fn unknown(request: &Request, course: &Course, fault: &Fault) -> Error {
        let (status, correlation_id) = match fault {
            Fault::Lost(_) => (None, None),
            Fault::Body(answer, _) => (Some(answer.status), answer.correlation_id.clone()),
            Fault::Refused(answer, error) => {
                let from_body = error.as_ref().and_then(|error| error.correlation_id.clone());
                (Some(answer.status), from_body.or_else(|| answer.correlation_id.clone()))
            }
        };
        Error::Unknown(Box::new(UnknownOutcome {
            method: request.method.to_string(),
            path: request.path.as_shown().to_owned(),
            reason: fault.reason(),
            status,
            correlation_id,
            tries: course.tries,
        }))
    }

    fn error(&self, request: &Request, course: &Course, fault: Fault) -> Error {
        let (method, path) = (request.method.to_string(), request.path.as_shown().to_owned());
        let tries = course.tries;
        match fault {
            Fault::Lost(Lost { reason, .. }) => {
                let (host, after_lost_reply) = (self.host.clone(), course.lost_reply);
                Error::Unreachable(Box::new(Unreachable { method, path, host, reason, tries, after_lost_reply }))
            }
            Fault::Refused(_, Some(mut error)) => {
                error.tries = tries;
                error.after_lost_reply = course.lost_reply;
                Error::Api(error)
            }
            Fault::Refused(answer, None) => {
                let problem = match (&answer.cut, answer.body.is_empty()) {
                    (Some(cut), _) => format!("the body is cut: {cut}"),
                    (None, true) => "the body is empty".to_owned(),
                    (None, false) => "the body isn't HubSpot's JSON".to_owned(),
                };
                self.body_error(request, course, &answer, problem)
            }
            Fault::Body(answer, problem) => self.body_error(request, course, &answer, problem),
        }
    }

    fn body_error(&self, request: &Request, course: &Course, answer: &Answer, problem: String) -> Error {
        Error::Body(Box::new(BodyError {
            method: request.method.to_string(),
            path: request.path.as_shown().to_owned(),
            status: answer.status,
            problem,
            beginning: answer.beginning(&|text| self.credentials.redact(text)),
            tries: course.tries,
            after_lost_reply: course.lost_reply,
        }))
    }
}

impl Fault {
    fn cause(&self) -> Cause {
        match self {
            Self::Lost(lost) => match lost.how {
                LostHow::NotSent => Cause::NotSent,
                LostHow::Reset => Cause::Reset,
                LostHow::Timeout => Cause::Timeout,
            },
            Self::Body(..) => Cause::Body,
            Self::Refused(answer, _) => Cause::Status(answer.status),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(answer, _) => retry::retry_after(answer.retry_after.as_deref()?, answer.date),
            Self::Lost(_) | Self::Body(..) => None,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Lost(lost) => lost.reason.clone(),
            Self::Body(answer, problem) => format!("status {}, {problem}", answer.status),
            Self::Refused(answer, Some(error)) => format!("status {}: {}", answer.status, OneLine(&error.message)),
            Self::Refused(answer, None) => format!("status {}", answer.status),
        }
    }
}

impl TokenEndpoint for Inner {
    fn fetch(&self, form: String) -> BoxFuture<'_, Result<Grant, Error>> {
        Box::pin(async move {
            // A refresh token can be used again and again: a lost reply costs nothing.
            let mut request = Request::post(paths::oauth_token(self.version), Repeat::Safe);
            request.bucket = Bucket::Unlimited;
            request.content = Content::Form;
            request.body = form.into();
            let (status, reason) = match self.call::<GrantWire>(&request).await {
                Ok(reply) => match Grant::try_from(reply.body) {
                    Ok(grant) => {
                        Counters::count(&self.counters.token_refreshes);
                        return Ok(grant);
                    }
                    Err(reason) => (Some(reply.status), reason.to_owned()),
                },
                Err(error @ Error::Unreachable(_)) => return Err(error),
                Err(Error::Api(api)) => {
                    let reason = format!("{} {}: {}", api.status, OneLine(&api.category), OneLine(&api.message));
                    (Some(api.status), reason)
                }
                Err(error) => (error.status(), error.to_string()),
            };
            let path = request.path.as_shown().to_owned();
            Err(Error::Authentication(Box::new(AuthenticationError { path, status, reason })))
        })
    }
}

/// Where the JSON is wrong. Serde's own words would repeat values.
fn describe(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "the body ends too early",
        Category::Syntax => "the body isn't JSON",
        Category::Data | Category::Io => "the body is JSON of another shape",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests;
