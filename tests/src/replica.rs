//! What a reader holds after a source's records: the same as HubSpot, if nothing was lost.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use opencdc::{Operation, Record};
use serde_json::Value;

/// What a reader holds that applies records in their order, as a destination does.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    objects: BTreeMap<String, Value>,
    records: u64,
}

impl Replica {
    /// Applies one record: a delete removes the object of that id, anything else puts it.
    ///
    /// # Errors
    /// When the record has no id in its key, or no payload where it needs one.
    pub fn apply(&mut self, record: &Record) -> Result<()> {
        let id = id(record)?;
        self.records += 1;
        if record.operation == Operation::Delete {
            self.objects.remove(&id);
            return Ok(());
        }
        let after = record
            .payload
            .after
            .as_ref()
            .with_context(|| format!("the {} of {id} has no payload", record.operation))?;
        self.objects.insert(id, Value::Object(after.to_structured()?.into_owned().into()));
        Ok(())
    }

    /// The objects, by id.
    pub fn objects(&self) -> &BTreeMap<String, Value> {
        &self.objects
    }

    /// How many records have been applied.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// In what this differs from what HubSpot holds.
    pub fn difference(&self, truth: &BTreeMap<String, Value>) -> Difference {
        Difference::between(&self.objects, truth)
    }
}

/// The id in a record's key.
///
/// # Errors
/// When there is none.
pub fn id(record: &Record) -> Result<String> {
    let key = record.key.as_ref().context("a record without a key")?.to_structured()?;
    let id = key.get("id").and_then(opencdc::Value::as_str).context("a key without an id")?;
    Ok(id.to_owned())
}

/// In what two sets of objects differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// There, but not here.
    pub missing: Vec<String>,
    /// Here, but not there: deletions that didn't arrive, or doubles.
    pub surplus: Vec<String>,
    /// Here in another state than there.
    pub stale: Vec<String>,
    of: usize,
}

impl Difference {
    /// What has to change in `have` to become `truth`. Fields that only `truth` has don't count: HubSpot's answers are as wide as
    /// what was asked for.
    pub fn between(have: &BTreeMap<String, Value>, truth: &BTreeMap<String, Value>) -> Self {
        let mut difference = Self { of: truth.len(), ..Self::default() };
        for (id, object) in truth {
            match have.get(id) {
                None => difference.missing.push(id.clone()),
                Some(held) if !covers(object, held) => difference.stale.push(id.clone()),
                Some(_) => {}
            }
        }
        difference.surplus = have.keys().filter(|id| !truth.contains_key(*id)).cloned().collect();
        difference
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.stale.is_empty()
    }
}

/// One line: how many of each, with the first few.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return write!(f, "all {} are there", self.of);
        }
        let mut separator = "";
        for (what, ids) in
            [("missing", &self.missing), ("deleted but still here", &self.surplus), ("outdated", &self.stale)]
        {
            if !ids.is_empty() {
                let first: Vec<_> = ids.iter().take(3).map(String::as_str).collect();
                let more = if ids.len() > first.len() { ", …" } else { "" };
                write!(f, "{separator}{} of {} {what} ({}{more})", ids.len(), self.of, first.join(", "))?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

/// Whether everything that `held` says is what `object` says too.
pub fn covers(object: &Value, held: &Value) -> bool {
    match (object, held) {
        (Value::Object(object), Value::Object(held)) => held.iter().all(|(name, value)| match object.get(name) {
            Some(own) => covers(own, value),
            None => value.is_null(),
        }),
        (Value::Array(object), Value::Array(held)) => {
            object.len() == held.len() && object.iter().zip(held).all(|(own, value)| covers(own, value))
        }
        // On the wire every number is a double.
        (Value::Number(own), Value::Number(value)) => own.as_f64() == value.as_f64(),
        (own, value) => own == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn objects(list: &[(&str, Value)]) -> BTreeMap<String, Value> {
        list.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect()
    }

    #[test]
    fn every_kind_of_difference_is_seen_and_named() {
        let truth = objects(&[("1", json!({"a": 1, "b": 2})), ("2", json!({"a": 2})), ("3", json!({"a": 3}))]);
        let same = objects(&[("1", json!({"a": 1.0})), ("2", json!({"a": 2, "c": null})), ("3", json!({"a": 3}))]);
        assert!(Difference::between(&same, &truth).is_none());
        let other = objects(&[("1", json!({"a": 9})), ("3", json!({"a": 3, "c": "x"})), ("4", json!({}))]);
        let difference = Difference::between(&other, &truth);
        assert_eq!((&difference.missing[..], &difference.surplus[..]), (&["2".to_owned()][..], &["4".to_owned()][..]));
        assert_eq!(difference.stale, ["1", "3"]);
        assert_eq!(
            difference.to_string(),
            "1 of 3 missing (2); 1 of 3 deleted but still here (4); 2 of 3 outdated (1, 3)"
        );
    }
}
