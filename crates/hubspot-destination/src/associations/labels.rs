//! In what ways objects of two types can be associated: asked once, and again when something unknown shows.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hubspot_client::AssociationSpec;

use super::api::{Label, LinkApi};
use super::{HUBSPOT_DEFINED, LinkReason, LinkType};
use crate::error::Failure;

/// What is unknown makes for a new look at most this often, so that a stream of bad records costs no stream of calls.
const REFRESH_AFTER: Duration = Duration::from_secs(30);

/// The labels of pairs of object types, from and to.
#[derive(Debug)]
pub(super) struct Labels {
    pairs: HashMap<Pair, Loaded>,
    refresh_after: Duration,
}

/// The object types, from and to.
pub(super) type Pair = (String, String);

#[derive(Debug)]
struct Loaded {
    at: Instant,
    labels: Vec<Label>,
}

/// Why types can't be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The pair's labels have to be loaded first.
    NotLoaded,
    /// The pair doesn't have this one.
    Unknown(String),
}

impl Default for Labels {
    fn default() -> Self {
        Self { pairs: HashMap::new(), refresh_after: REFRESH_AFTER }
    }
}

impl Labels {
    /// Loads the labels of a pair that isn't loaded, or not lately.
    pub(super) async fn load<A: LinkApi>(&mut self, api: &A, pair: &Pair) -> Result<(), Failure> {
        if self.pairs.get(pair).is_some_and(|loaded| loaded.at.elapsed() < self.refresh_after) {
            return Ok(());
        }
        let labels = api.labels(&pair.0, &pair.1).await?;
        self.pairs.insert(pair.clone(), Loaded { at: Instant::now(), labels });
        Ok(())
    }

    /// The types that are meant; none given is the default one. `foreign` says that ids of types that aren't HubSpot's own may be those
    /// of another account, so that without a label they stand for the default.
    pub(super) fn resolve(&self, pair: &Pair, types: &[LinkType], foreign: bool) -> Result<Vec<AssociationSpec>, Gap> {
        let mut resolved = if types.is_empty() { vec![self.default_type(pair)?] } else { Vec::new() };
        for of in types {
            resolved.push(self.one(pair, of, foreign)?);
        }
        resolved.sort();
        resolved.dedup();
        Ok(resolved)
    }

    fn one(&self, pair: &Pair, of: &LinkType, foreign: bool) -> Result<AssociationSpec, Gap> {
        let own = of.category.as_deref() == Some(HUBSPOT_DEFINED);
        if foreign && !own && of.label.is_none() {
            return self.default_type(pair);
        }
        if let Some(known) = of.to_spec() {
            return Ok(known);
        }
        let labels = self.of(pair)?;
        let in_category = |label: &&Label| of.category.as_ref().is_none_or(|given| *given == label.spec.category);
        let found = match (&of.label, of.type_id) {
            (Some(text), _) => {
                let same = |label: &&Label| label.label.as_deref() == Some(text);
                let alike = |label: &&Label| label.label.as_deref().is_some_and(|label| is_alike(label, text));
                let all = || labels.iter().filter(in_category);
                all().find(same).or_else(|| all().find(alike))
            }
            (None, Some(id)) => labels.iter().filter(in_category).find(|label| label.spec.type_id == id),
            (None, None) => None,
        };
        found.map(|label| label.spec.clone()).ok_or_else(|| Gap::Unknown(given(of)))
    }

    /// The type of a pair without a label; HubSpot's own before the account's.
    fn default_type(&self, pair: &Pair) -> Result<AssociationSpec, Gap> {
        let unlabelled = self.of(pair)?.iter().filter(|label| label.label.is_none()).map(|label| &label.spec);
        let default = unlabelled.min_by_key(|spec| (spec.category != HUBSPOT_DEFINED, spec.type_id));
        default.cloned().ok_or_else(|| Gap::Unknown("without a label".to_owned()))
    }

    /// The one of these types that the pair is known not to have.
    pub(super) fn stranger<'t>(&self, pair: &Pair, types: &'t [AssociationSpec]) -> Option<&'t AssociationSpec> {
        let labels = self.of(pair).ok()?;
        types.iter().find(|spec| labels.iter().all(|label| label.spec != **spec))
    }

    /// The reason of a link whose type the pair doesn't have, with what there is instead.
    pub(super) fn unknown(&self, pair: &Pair, given: String) -> LinkReason {
        let labels = self.of(pair).unwrap_or_default();
        let known = labels.iter().map(|Label { spec, label }| match label {
            Some(label) => format!("\"{label}\" ({})", in_words(spec)),
            None => format!("the one without a label ({})", in_words(spec)),
        });
        LinkReason::UnknownType { from: pair.0.clone(), to: pair.1.clone(), given, known: known.collect() }
    }

    fn of(&self, pair: &Pair) -> Result<&[Label], Gap> {
        self.pairs.get(pair).map(|loaded| loaded.labels.as_slice()).ok_or(Gap::NotLoaded)
    }

    #[cfg(test)]
    pub(super) fn always_refresh(&mut self) {
        self.refresh_after = Duration::ZERO;
    }
}

/// A type as people can compare it with what HubSpot shows.
pub(super) fn in_words(spec: &AssociationSpec) -> String {
    format!("{} {}", spec.category, spec.type_id)
}

fn given(of: &LinkType) -> String {
    match (&of.label, of.type_id) {
        (Some(label), _) => format!("\"{label}\""),
        (None, Some(id)) => format!("of the type id {id}"),
        (None, None) => "without a label".to_owned(),
    }
}

fn is_alike(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Pair {
        ("contacts".to_owned(), "companies".to_owned())
    }

    fn label(category: &str, id: u64, label: Option<&str>) -> Label {
        Label { spec: AssociationSpec::new(category, id), label: label.map(str::to_owned) }
    }

    fn labels() -> Labels {
        let labels = vec![
            label("USER_DEFINED", 7, None),
            label("HUBSPOT_DEFINED", 1, Some("Primary")),
            label("HUBSPOT_DEFINED", 279, None),
            label("USER_DEFINED", 36, Some("Billing")),
            label("INTEGRATOR_DEFINED", 50, Some("Billing")),
        ];
        let mut of = Labels::default();
        of.pairs.insert(pair(), Loaded { at: Instant::now(), labels });
        of
    }

    fn of(category: Option<&str>, type_id: Option<u64>, label: Option<&str>) -> LinkType {
        LinkType { category: category.map(str::to_owned), type_id, label: label.map(str::to_owned) }
    }

    fn one(of: LinkType, foreign: bool) -> Result<(String, u64), Gap> {
        labels().resolve(&pair(), &[of], foreign).map(|types| (types[0].category.clone(), types[0].type_id))
    }

    fn spec(category: &str, id: u64) -> (String, u64) {
        (category.to_owned(), id)
    }

    #[test]
    fn hubspots_own_types_go_by_id_and_others_by_label() {
        let hubspot = Some("HUBSPOT_DEFINED");
        let user = Some("USER_DEFINED");
        assert_eq!(one(of(hubspot, Some(1), Some("Principale")), true), Ok(spec("HUBSPOT_DEFINED", 1)));
        assert_eq!(one(of(user, Some(999), Some("Billing")), false), Ok(spec("USER_DEFINED", 36)));
        assert_eq!(
            one(of(Some("INTEGRATOR_DEFINED"), None, Some(" billing ")), false),
            Ok(spec("INTEGRATOR_DEFINED", 50))
        );
        assert_eq!(one(of(None, None, Some("primary")), false), Ok(spec("HUBSPOT_DEFINED", 1)));
        assert_eq!(one(of(None, Some(36), None), false), Ok(spec("USER_DEFINED", 36)));
        assert_eq!(one(of(user, Some(999), None), false), Ok(spec("USER_DEFINED", 999)), "HubSpot answers for it");
        assert_eq!(
            one(of(user, Some(999), None), true),
            Ok(spec("HUBSPOT_DEFINED", 279)),
            "another account's id says nothing"
        );
        assert_eq!(one(of(user, None, Some("Owner")), false), Err(Gap::Unknown("\"Owner\"".into())));
        assert_eq!(one(of(None, Some(4), None), false), Err(Gap::Unknown("of the type id 4".into())));
    }

    #[test]
    fn no_type_is_the_unlabelled_one_of_hubspots_own() {
        assert_eq!(labels().resolve(&pair(), &[], false).unwrap()[0].type_id, 279);
        assert_eq!(Labels::default().resolve(&pair(), &[], false), Err(Gap::NotLoaded));
        let direct = of(Some("HUBSPOT_DEFINED"), Some(1), None);
        assert!(Labels::default().resolve(&pair(), &[direct], true).is_ok(), "no labels are needed");
    }
}
