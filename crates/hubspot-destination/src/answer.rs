//! What a successful answer means for each record of its call. Pure.
//!
//! Nothing counts as written that no result names. A result names a record by `objectWriteTraceId`, else by the object's id, else by
//! the values that were sent. When the counts leave only one reading (as many results as records that are still open, and no error
//! that names nobody), that is a name, too: CMS answers carry no trace.

use std::collections::HashMap;

use serde_json::Value;

use crate::api::Answer;
use crate::change::Change;
use crate::error::{Failure, Refusal};
use crate::identity::Target;
use crate::shape::Object;

const TRACE: &str = "objectWriteTraceId";

/// Under which names an error's context has the traces of those that it is about.
const TRACES: [&str; 2] = [TRACE, "objectWriteTraceIds"];

/// Under which names it has their ids. What stands under others is of other objects, or no id.
const IDS: [&str; 4] = ["id", "ids", "objectId", "objectIds"];

/// What became of one change: the id of the object that was written, where the answer says it.
pub(crate) type Verdict = Result<Option<String>, Failure>;

/// One verdict for each change, in order.
pub(crate) fn verdicts(changes: &[&Change], answer: Answer) -> Vec<Verdict> {
    let by_trace: HashMap<String, usize> = changes.iter().enumerate().map(|(n, change)| (change.trace(), n)).collect();
    // A value of a unique property may look like an id of another object: it names its record in errors, not in results.
    let sent = |change: &&Change| match &change.target {
        Target::New => None,
        Target::Id(id) => Some((id.clone(), true)),
        Target::Unique { value, .. } => Some((value.clone(), false)),
    };
    let by_id: HashMap<String, (usize, bool)> =
        changes.iter().enumerate().filter_map(|(n, change)| sent(change).map(|(id, is_id)| (id, (n, is_id)))).collect();
    let mut verdicts: Vec<Option<Verdict>> = vec![None; changes.len()];

    let mut loose_errors: Vec<Refusal> = Vec::new();
    for error in answer.errors {
        let guilty = guilty(&error, &by_trace, &by_id);
        if guilty.is_empty() {
            loose_errors.push(error);
        } else {
            for n in guilty {
                verdicts[n] = Some(Err(reason(changes[n], &error, answer.after_lost_reply)));
            }
        }
    }

    let mut loose_results: Vec<Object> = Vec::new();
    for result in answer.results {
        let trace = result.get(TRACE).and_then(text).and_then(|trace| by_trace.get(&trace));
        let id = result.get("id").and_then(text);
        let by_id = || by_id.get(id.as_deref()?).filter(|(_, is_id)| *is_id).map(|(n, _)| n);
        match trace.or_else(by_id) {
            // An error that names a record outweighs a result that does.
            Some(n) => {
                verdicts[*n].get_or_insert(Ok(id));
            }
            None => loose_results.push(result),
        }
    }

    let open = verdicts.iter().filter(|verdict| verdict.is_none()).count();
    let only_reading = loose_errors.is_empty() && loose_results.len() == open;
    for (change, verdict) in changes.iter().zip(&mut verdicts).filter(|(_, verdict)| verdict.is_none()) {
        if let Some(found) = loose_results.iter().position(|result| holds(result, change)) {
            let result = loose_results.swap_remove(found);
            *verdict = Some(Ok(result.get("id").and_then(text)));
        }
    }
    if only_reading {
        // Who is who among several isn't told; of one alone it is.
        let id = if let [one] = &loose_results[..] { one.get("id").and_then(text) } else { None };
        return verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(|| Ok(id.clone()))).collect();
    }
    // While results are left over that can't be told apart, any of the open records may have been written.
    let reason = if loose_results.is_empty() { one_of(loose_errors) } else { None };
    let open = reason.map_or(Failure::Unnamed, |refusal| Failure::Refused(Box::new(refusal)));
    verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(|| Err(open.clone()))).collect()
}

/// What an error means to the record that it names.
///
/// An update by a unique property that finds nothing, behind a try whose reply was lost: that try may have changed the very property.
fn reason(change: &Change, error: &Refusal, after_lost_reply: bool) -> Failure {
    let by_property = matches!(change.target, Target::Unique { .. });
    if after_lost_reply && by_property && error.category == "OBJECT_NOT_FOUND" {
        return Failure::Unknown("an earlier reply was lost, and now HubSpot finds no such object".to_owned());
    }
    Failure::Refused(Box::new(error.clone()))
}

/// The records that an error names: by trace, and only where it has none by id.
fn guilty(error: &Refusal, by_trace: &HashMap<String, usize>, by_id: &HashMap<String, (usize, bool)>) -> Vec<usize> {
    let traced: Vec<usize> =
        TRACES.iter().flat_map(|name| error.named(name)).filter_map(|trace| by_trace.get(trace).copied()).collect();
    if !traced.is_empty() {
        return traced;
    }
    IDS.iter().flat_map(|name| error.named(name)).filter_map(|id| by_id.get(id).map(|(n, _)| *n)).collect()
}

/// Whether an object that HubSpot answered with has every text that was sent, and there was one.
pub(crate) fn holds(result: &Object, change: &Change) -> bool {
    let fields = if change.resource.is_crm() {
        let Some(Value::Object(properties)) = result.get("properties") else { return false };
        properties
    } else {
        result
    };
    let mut texts = 0;
    let same = change.body.iter().all(|(name, value)| match value {
        Value::String(text) => {
            texts += 1;
            match fields.get(name) {
                // What is cleared isn't there.
                None | Some(Value::Null) => text.is_empty(),
                found => found == Some(value),
            }
        }
        _ => true,
    });
    same && texts > 0
}

/// So many messages of errors that name nobody are repeated for each record that may be meant.
const SHOWN: usize = 5;

/// The reason of records that no result names, when the errors name nobody: the error, or all of them.
fn one_of(mut errors: Vec<Refusal>) -> Option<Refusal> {
    errors.dedup();
    let mut refusal = errors.first()?.clone();
    if errors.len() > 1 {
        let messages: Vec<&str> = errors.iter().take(SHOWN).map(|error| error.message.as_str()).collect();
        refusal.message = format!("one of these: {}", messages.join(" / "));
        refusal.details = errors.iter().flat_map(|error| &error.details).cloned().collect();
    }
    Some(refusal)
}

/// An id or a value as text: HubSpot sends some as numbers.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use opencdc::{Data, Metadata, Position, Record};
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::fake::prepared;

    fn read(resource: &str, n: usize, record: Record) -> Change {
        let resource = hubspot_catalog::find(resource).unwrap();
        let config = Config::for_resource(resource);
        Change::read(&prepared(resource, &config), &config, n, record).unwrap().change.unwrap()
    }

    fn creates(resource: &str, payloads: &[Value]) -> Vec<Change> {
        let change = |(n, payload): (usize, &Value)| {
            let after = Data::try_from(payload.clone()).unwrap();
            let key = Data::Raw(Vec::new());
            read(resource, n, Record::create(Position::default(), Metadata::new(), key, after))
        };
        payloads.iter().enumerate().map(change).collect()
    }

    fn updates(ids: &[&str]) -> Vec<Change> {
        let change = |(n, id): (usize, &&str)| {
            let key = Data::try_from(json!({ "id": id })).unwrap();
            let after = Data::try_from(json!({"firstname": "Ada"})).unwrap();
            let record = Record::update(Position::default(), Metadata::new(), key, None, after);
            read("crm.contacts", 10 + n, record)
        };
        ids.iter().enumerate().map(change).collect()
    }

    /// Without the ids.
    fn judge(changes: &[Change], results: Value, errors: Vec<Refusal>) -> Vec<Result<(), Failure>> {
        let results = serde_json::from_value(results).unwrap();
        let judged = verdicts(&changes.iter().collect::<Vec<_>>(), Answer { results, errors, ..Answer::default() });
        judged.into_iter().map(|verdict| verdict.map(|_| ())).collect()
    }

    #[test]
    fn what_is_not_found_by_a_property_behind_a_lost_reply_may_have_been_changed() {
        let mut changes = updates(&["ada@example.com", "51"]);
        changes[0].target = Target::Unique { property: "email".into(), value: "ada@example.com".into() };
        let not_found = |id: &str| Refusal { category: "OBJECT_NOT_FOUND".into(), ..error("gone", &[("ids", &[id])]) };
        let errors = vec![not_found("ada@example.com"), not_found("51")];
        let answer = Answer { errors, after_lost_reply: true, ..Answer::default() };
        let judged = verdicts(&changes.iter().collect::<Vec<_>>(), answer);
        assert!(matches!(judged[0], Err(Failure::Unknown(_))), "{judged:?}");
        assert!(matches!(judged[1], Err(Failure::Refused(_))), "{judged:?}");
    }

    fn error(message: &str, context: &[(&str, &[&str])]) -> Refusal {
        let values = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect();
        let context = context.iter().map(|(name, list)| ((*name).to_owned(), values(list))).collect();
        Refusal { message: message.to_owned(), context, ..Refusal::default() }
    }

    fn refused(verdict: &Result<(), Failure>) -> &str {
        match verdict {
            Err(Failure::Refused(refusal)) => &refusal.message,
            other => panic!("{other:?} is no refusal"),
        }
    }

    #[test]
    fn traces_tie_results_and_errors_to_records_in_any_order() {
        let changes = creates("crm.contacts", &[json!({"a": "1"}), json!({"a": "2"}), json!({"a": "3"})]);
        let results = json!([{"id": "9", "objectWriteTraceId": "2"}, {"id": "8", "objectWriteTraceId": "0"}]);
        let verdicts = judge(&changes, results, vec![error("bad", &[(TRACE, &["1"])])]);
        assert_eq!((&verdicts[0], &verdicts[2]), (&Ok(()), &Ok(())));
        assert_eq!(refused(&verdicts[1]), "bad");
    }

    #[test]
    fn ids_tie_results_and_errors_and_are_never_taken_for_traces() {
        // The id of the second is the trace of the first.
        let changes = updates(&["51", "10", "53"]);
        let verdicts = judge(&changes, json!([{"id": "51"}]), vec![error("gone", &[("ids", &["10", "53"])])]);
        assert_eq!(verdicts[0], Ok(()));
        assert_eq!((refused(&verdicts[1]), refused(&verdicts[2])), ("gone", "gone"));
    }

    #[test]
    fn an_error_is_about_its_traces_and_not_about_what_else_it_mentions() {
        let changes = updates(&["51", "52"]);
        let traced = error("bad", &[("objectWriteTraceIds", &["11"]), ("ids", &["51"])]);
        let verdicts = judge(&changes, json!([{"id": "51"}]), vec![traced]);
        assert_eq!((&verdicts[0], refused(&verdicts[1])), (&Ok(()), "bad"));
        let other = error("bad", &[("existingObjectId", &["51"]), ("id", &["52"])]);
        let verdicts = judge(&changes, json!([{"id": "51"}]), vec![other]);
        assert_eq!((&verdicts[0], refused(&verdicts[1])), (&Ok(()), "bad"));
    }

    #[test]
    fn the_ids_of_what_was_written_are_told_where_they_can_be() {
        let changes = creates("cms.blogs.tags", &[json!({"name": "a"}), json!({"name": "b"})]);
        let all = |results: Value| {
            let results = serde_json::from_value(results).unwrap();
            verdicts(&changes.iter().collect::<Vec<_>>(), Answer { results, ..Answer::default() })
        };
        let id = |id: &str| Ok(Some(id.to_owned()));
        assert_eq!(all(json!([{"id": "8", "name": "b"}, {"id": "7", "name": "A"}])), [id("7"), id("8")]);
        assert_eq!(all(json!([{"id": "8", "name": "B"}, {"id": "7", "name": "A"}])), [Ok(None), Ok(None)]);
    }

    #[test]
    fn a_value_that_looks_like_an_id_names_no_result() {
        let mut changes = updates(&["51", "52"]);
        changes[0].target = Target::Unique { property: "source_id".into(), value: "52".into() };
        changes[1].target = Target::Unique { property: "source_id".into(), value: "51".into() };
        let verdicts = judge(
            &changes,
            json!([{"id": "52", "objectWriteTraceId": "11"}]),
            vec![error("gone", &[("ids", &["52"])])],
        );
        assert_eq!((refused(&verdicts[0]), &verdicts[1]), ("gone", &Ok(())));
    }

    #[test]
    fn an_answer_that_names_nothing_is_no_success() {
        let changes = creates("crm.contacts", &[json!({"a": "1"}), json!({"a": "2"})]);
        assert_eq!(judge(&changes, json!([]), vec![]), vec![Err(Failure::Unnamed), Err(Failure::Unnamed)]);
        let half = judge(&changes, json!([{"id": "8", "objectWriteTraceId": "1"}]), vec![]);
        assert_eq!(half, vec![Err(Failure::Unnamed), Ok(())]);
    }

    #[test]
    fn an_error_outweighs_a_result() {
        let changes = updates(&["51"]);
        let verdicts = judge(&changes, json!([{"id": "51"}]), vec![error("bad", &[("id", &["51"])])]);
        assert_eq!(refused(&verdicts[0]), "bad");
    }

    #[test]
    fn without_traces_as_many_results_as_records_are_all_of_them() {
        let changes = creates("cms.blogs.tags", &[json!({"name": "a"}), json!({"name": "b"})]);
        assert_eq!(judge(&changes, json!([{"id": "1"}, {"id": "2"}]), vec![]), vec![Ok(()), Ok(())]);
        // An update of an object that was merged away is answered with the winner's id.
        assert_eq!(judge(&updates(&["51", "52"]), json!([{"id": "51"}, {"id": "99"}]), vec![]), vec![Ok(()), Ok(())]);
    }

    #[test]
    fn without_traces_values_tell_who_was_written_and_the_rest_gets_the_errors() {
        let changes = creates("cms.blogs.tags", &[json!({"name": "a"}), json!({"name": "b"}), json!({"name": "c"})]);
        let results = json!([{"id": "1", "name": "c"}, {"id": "2", "name": "a"}]);
        let verdicts = judge(&changes, results, vec![error("slug is taken", &[])]);
        assert_eq!((&verdicts[0], &verdicts[2]), (&Ok(()), &Ok(())));
        assert_eq!(refused(&verdicts[1]), "slug is taken");

        let verdicts = judge(&changes, json!([{"id": "1", "name": "c"}]), vec![error("x", &[]), error("y", &[])]);
        assert_eq!((refused(&verdicts[0]), refused(&verdicts[1])), ("one of these: x / y", "one of these: x / y"));
    }

    #[test]
    fn where_nothing_tells_records_apart_their_outcome_is_unknown() {
        let changes = creates("cms.blogs.tags", &[json!({"name": "a"}), json!({"name": "b"})]);
        let verdicts = judge(&changes, json!([{"id": "1", "name": "A"}]), vec![error("slug is taken", &[])]);
        assert_eq!(verdicts, vec![Err(Failure::Unnamed), Err(Failure::Unnamed)]);
    }
}
