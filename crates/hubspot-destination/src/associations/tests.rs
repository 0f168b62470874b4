//! The linker against a HubSpot of a few lines.

use std::collections::BTreeSet;

use hubspot_client::AssociationSpec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::api::{Answer, Input, Label};
use super::calls::{self, Batch};
use super::fake::{Association, Fake, Manner, refusal};
use super::{Asked, LinkFailure, LinkReason, Linker, Options, inline, read};
use crate::error::Failure;

fn linker(source_id_property: Option<&str>) -> Linker {
    Linker::new(Options { source_id_property: source_id_property.map(str::to_owned), max_in_flight: 4 })
}

/// Contacts from 1 on, each with the associations of one payload.
fn contacts(payloads: &[Value]) -> Vec<Asked> {
    let asked = payloads.iter().enumerate().map(|(n, payload)| Asked {
        place: n,
        from_type: "contacts".to_owned(),
        from_id: (n + 1).to_string(),
        links: read(payload).unwrap(),
    });
    asked.collect()
}

async fn link(linker: &mut Linker, fake: &Fake, payloads: &[Value]) -> Vec<Result<(), Box<LinkFailure>>> {
    let outcomes = linker.link(&fake, contacts(payloads)).await;
    assert!(outcomes.iter().map(|(place, _)| *place).eq(0..payloads.len()), "one outcome for each, in order");
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn failed(outcomes: &[Result<(), Box<LinkFailure>>]) -> Vec<usize> {
    outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(n, _)| n).collect()
}

fn association(contact: &str, company: &str, spec: AssociationSpec) -> Association {
    ("contacts".into(), "companies".into(), contact.into(), company.into(), spec)
}

#[tokio::test]
async fn labels_and_defaults_are_looked_up_once_and_two_thousand_pairs_are_one_call() {
    let fake = Fake::new(Manner::Single);
    let mut linker = linker(None);
    let payloads: Vec<Value> = (1..=100)
        .map(|n| json!({"companies": ["1", {"id": n.to_string(), "label": "billing"}, {"domain": "7.example"}]}))
        .collect();
    for _ in 0..2 {
        assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0_usize; 0]);
    }
    assert_eq!(fake.calls("labels"), 1);
    assert_eq!(fake.calls("find"), 2, "a domain may have moved on by the next batch");
    assert_eq!(fake.calls("associate"), 2);
    let state = fake.state();
    for contact in (1..=100).map(|n: u64| n.to_string()) {
        for (company, spec) in [
            ("1", AssociationSpec::hubspot_defined(279)),
            (&contact, AssociationSpec::user_defined(36)),
            ("7", AssociationSpec::hubspot_defined(279)),
        ] {
            assert!(state.associations.contains(&association(&contact, company, spec)));
        }
    }
    assert_eq!(state.associations.len(), 300);
}

#[tokio::test]
async fn an_unknown_label_fails_its_record_alone_and_says_what_there_is() {
    let fake = Fake::new(Manner::Single);
    let mut linker = linker(None);
    let payloads = [json!({"companies": [{"id": "5", "label": "Owner"}, "6"]}), json!({"companies": ["5"]})];
    let outcomes = link(&mut linker, &fake, &payloads).await;
    assert_eq!(failed(&outcomes), [0]);
    assert_eq!(
        outcomes[0].as_ref().unwrap_err().to_string(),
        "not associated with companies 5 as \"Owner\": contacts and companies have no association \
         \"Owner\"; there is \"Primary\" (HUBSPOT_DEFINED 1), the one without a label (HUBSPOT_DEFINED 279), \"Billing\" \
         (USER_DEFINED 36); give one of these, or make the label in HubSpot"
    );
    assert_eq!(fake.state().associations.len(), 2, "the record's other association is made");

    // It stays unknown for a while, without a call; then it is asked for again, and is there.
    let owner = Label { spec: AssociationSpec::user_defined(40), label: Some("Owner".to_owned()) };
    for labels in fake.state().labels.values_mut() {
        labels.push(owner.clone());
    }
    assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0]);
    assert_eq!(fake.calls("labels"), 1);
    linker.always_refresh();
    assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0_usize; 0]);
    assert_eq!(fake.calls("labels"), 2);
}

#[tokio::test]
async fn ids_of_another_account_are_translated_a_hundred_a_call() {
    let fake = Fake::new(Manner::Single);
    for id in 1..=250 {
        let properties = [("source_id".to_owned(), format!("9{id}"))];
        fake.state().objects.insert(("companies".to_owned(), id.to_string()), properties.into());
    }
    let mut linker = linker(Some("source_id"));
    linker.remember("companies", "source_id", "9250", "250");
    let all: Vec<String> = (1..=250).map(|id| format!("9{id}")).collect();
    // The label decides, not the other account's type id; without a label it is the default.
    let foreign = json!({"companies": [
        {"id": "91", "types": [{"category": "USER_DEFINED", "typeId": 999, "label": "Billing"}]},
        {"id": "92", "types": [{"category": "USER_DEFINED", "typeId": 998, "label": null}]},
    ]});
    let payloads = [json!({ "companies": all }), foreign, json!({"companies": ["5"]})];
    let outcomes = link(&mut linker, &fake, &payloads).await;
    assert_eq!(failed(&outcomes), [2]);
    let missing = outcomes[2].as_ref().unwrap_err();
    assert!(missing.is_missing());
    assert!(missing.to_string().contains("companies 5: there is no such object"), "{missing}");
    let finds: Vec<usize> = fake.state().calls.iter().filter(|(kind, _)| *kind == "find").map(|(_, n)| *n).collect();
    assert_eq!(finds, [100, 100, 50], "249 of the list and the one that isn't there");
    let state = fake.state();
    assert!(state.associations.contains(&association("2", "1", AssociationSpec::user_defined(36))));
    assert!(state.associations.contains(&association("2", "2", AssociationSpec::hubspot_defined(279))));
    assert_eq!(state.associations.len(), 252);
}

#[tokio::test]
async fn a_target_that_was_made_anew_is_found_again() {
    for manner in [Manner::Single, Manner::Whole] {
        let fake = Fake::new(manner);
        let mut linker = linker(None);
        let payloads = [json!({"companies": [{"domain": "7.example"}]}), json!({"companies": ["8"]})];
        assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0_usize; 0]);
        let seven = fake.state().objects.remove(&("companies".to_owned(), "7".to_owned())).unwrap();
        fake.state().objects.insert(("companies".to_owned(), "700".to_owned()), seven);
        assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0_usize; 0], "{manner:?}");
        fake.state().objects.remove(&("companies".to_owned(), "700".to_owned()));
        let outcomes = link(&mut linker, &fake, &payloads).await;
        assert_eq!(failed(&outcomes), [0]);
        assert!(outcomes[0].as_ref().unwrap_err().is_missing());
    }
}

#[tokio::test]
async fn values_are_found_in_another_spelling_and_by_second_ones() {
    let spec = || AssociationSpec::hubspot_defined(279);
    let by_domain = |domain: &str| json!({"companies": {"domain": domain}});
    let fake = Fake::new(Manner::Single);
    let spellings = ["7.EXAMPLE", "7.example", "none.example"].map(by_domain);
    assert_eq!(failed(&link(&mut linker(None), &fake, &spellings).await), [2]);
    let expected = [association("1", "7", spec()), association("2", "7", spec())];
    assert_eq!(fake.state().associations, BTreeSet::from(expected));

    let fake = Fake::new(Manner::Single);
    fake.state().aliases.extend([("Second.example".to_owned(), "9.example".to_owned())]);
    let mut payloads: Vec<Value> = (1..=5).map(|n| by_domain(&format!("none{n}.example"))).collect();
    payloads.extend([by_domain("7.example"), by_domain("Second.example")]);
    assert_eq!(failed(&link(&mut linker(None), &fake, &payloads).await), [0, 1, 2, 3, 4]);
    let expected = [association("6", "7", spec()), association("7", "9", spec())];
    assert_eq!(fake.state().associations, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_bad_value_fails_alone_and_a_bad_property_costs_one_call() {
    let fake = Fake::new(Manner::Single);
    let mut payloads: Vec<Value> =
        (1..=99).map(|n| json!({"companies": [{"domain": format!("{n}.example")}]})).collect();
    payloads[41] = json!({"companies": [{"domain": "bad"}]});
    let mut linker = linker(None);
    assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [41]);
    let finds = fake.calls("find");
    assert!(finds <= 15, "{finds}");

    let by_color: Vec<Value> = (1..=99).map(|n| json!({"companies": [{"color": format!("c{n}")}]})).collect();
    let outcomes = link(&mut linker, &fake, &by_color).await;
    assert_eq!(failed(&outcomes).len(), 99);
    assert_eq!(fake.calls("find"), finds + 1);
    let error = outcomes[0].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("companies color=c1: HubSpot refuses it with 400") && error.contains("not unique"),
        "{error}"
    );
}

#[tokio::test]
async fn one_guilty_pair_is_found_in_few_calls_and_strange_types_without_any() {
    let fake = Fake::new(Manner::Whole);
    let mut payloads: Vec<Value> = (1..=100).map(|n| json!({"companies": [n]})).collect();
    payloads[63] = json!({"companies": ["404"]});
    let mut linker = linker(None);
    let outcomes = link(&mut linker, &fake, &payloads).await;
    assert_eq!(failed(&outcomes), [63]);
    let guilty = outcomes[63].as_ref().unwrap_err().to_string();
    assert!(guilty.contains("companies 404: HubSpot refuses it with 400"), "{guilty}");
    assert!(fake.calls("associate") <= 15, "{}", fake.calls("associate"));
    assert_eq!(fake.state().associations.len(), 99);

    let before = fake.calls("associate");
    for payload in payloads.iter_mut().skip(50) {
        *payload = json!({"companies": [{"id": "1", "category": "USER_DEFINED", "typeId": 999}]});
    }
    let outcomes = link(&mut linker, &fake, &payloads).await;
    assert_eq!(failed(&outcomes), (50..100).collect::<Vec<_>>());
    assert_eq!(fake.calls("associate"), before + 2);
    assert!(outcomes[50].as_ref().unwrap_err().to_string().contains("of the type USER_DEFINED 999"));
}

#[tokio::test]
async fn a_half_that_must_hold_the_guilty_one_is_not_sent_whole() {
    let fake = Fake::new(Manner::Whole);
    let mut payloads: Vec<Value> = (1..=100).map(|n| json!({"companies": [n]})).collect();
    // Ids are texts, and go out in their order: 99 is the last one.
    payloads[98] = json!({"companies": ["404"]});
    let outcomes = link(&mut linker(None), &fake, &payloads).await;
    assert_eq!(failed(&outcomes).len(), 1);
    // All, a first half at each of seven levels, and the one that is left.
    assert_eq!(fake.calls("associate"), 9);
}

#[tokio::test]
async fn object_types_that_are_none_and_a_token_that_may_not_cost_few_calls() {
    let fake = Fake::new(Manner::Whole);
    let typed = json!([{"category": "HUBSPOT_DEFINED", "typeId": 1}]);
    let payloads: Vec<Value> = (1..=50).map(|n| json!({"compnies": [{"id": n, "types": typed}]})).collect();
    let outcomes = link(&mut linker(None), &fake, &payloads).await;
    assert_eq!(failed(&outcomes).len(), 50);
    assert_eq!((fake.calls("associate"), fake.calls("labels")), (1, 1));

    fake.state().faults.push(Failure::Denied(Box::new(refusal(403, "MISSING_SCOPES", "no"))));
    let payloads: Vec<Value> = (1..=50).map(|n| json!({"companies": [{"id": n, "types": typed}]})).collect();
    let outcomes = link(&mut linker(None), &fake, &payloads).await;
    assert_eq!(failed(&outcomes).len(), 50);
    assert_eq!(fake.calls("associate"), 2);
}

#[tokio::test]
async fn a_list_without_object_types_cannot_be_made_later() {
    let fake = Fake::new(Manner::Single);
    let value =
        json!([{"to": {"id": "5"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]);
    let outcomes = link(&mut linker(None), &fake, &[value, json!(null)]).await;
    assert_eq!(outcomes[0].as_ref().unwrap_err().reason, LinkReason::Untyped);
    assert_eq!(outcomes[1], Ok(()));
    assert!(fake.state().calls.is_empty());
}

#[tokio::test]
async fn what_the_answer_does_not_name_is_not_associated() {
    let fake = Fake::new(Manner::Single);
    fake.state().answers.push(Answer { pairs: vec![("1".into(), "1".into())], errors: vec![] });
    let payloads = [json!({"companies": ["1"]}), json!({"companies": ["2", "3"]})];
    let outcomes = link(&mut linker(None), &fake, &payloads).await;
    assert_eq!(failed(&outcomes), [1]);
    let failure = outcomes[1].as_ref().unwrap_err();
    assert_eq!((&failure.reason, failure.others), (&LinkReason::Unnamed, 1));
    assert!(failure.to_string().ends_with("; and one more association of it failed"), "{failure}");
}

#[tokio::test]
async fn an_object_that_is_not_there_is_named_with_what_to_do() {
    let fake = Fake::new(Manner::Single);
    let outcomes =
        link(&mut linker(None), &fake, &[json!({"companies": ["404", "5"]}), json!({"companies": ["5"]})]).await;
    assert_eq!(failed(&outcomes), [0]);
    assert_eq!(
        outcomes[0].as_ref().unwrap_err().to_string(),
        "not associated with companies 404: HubSpot finds no such object: one of them isn't there; check its id, or set \
         `sourceId.property` if the id is another account's"
    );
    let mut invalid = refusal(400, "VALIDATION_ERROR", "One or more associations are invalid");
    invalid.context.insert("INVALID_OBJECT_IDS".to_owned(), vec!["COMPANY=404 is not valid".to_owned()]);
    let reason = LinkReason::from(Failure::Refused(Box::new(invalid)));
    assert!(reason.to_string().contains("are invalid, COMPANY=404 is not valid; check its id"), "{reason}");
}

#[test]
fn errors_are_about_the_ids_in_their_context() {
    let inputs: Vec<Input> = [("1", "10"), ("1", "11"), ("2", "10"), ("3", "12")]
        .map(|(from, to)| Input { from: from.into(), to: to.into(), types: vec![] })
        .into();
    let judge = |context: &[(&str, &str)], pairs: &[(&str, &str)]| {
        let mut error = refusal(0, "VALIDATION_ERROR", "no");
        error.context = context.iter().map(|(name, id)| ((*name).to_owned(), vec![(*id).to_owned()])).collect();
        let pairs = pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        calls::verdicts(&inputs, &Answer { pairs, errors: vec![error] }).iter().map(Result::is_ok).collect::<Vec<_>>()
    };
    let rest = [("1", "11"), ("2", "10"), ("3", "12")];
    assert_eq!(judge(&[("fromObjectId", "1"), ("toObjectId", "10")], &rest), [false, true, true, true]);
    assert_eq!(judge(&[("fromObjectId", "1")], &[("2", "10"), ("3", "12")]), [false, false, true, true]);
    assert_eq!(judge(&[("toObjectId", "10")], &[("1", "11"), ("3", "12")]), [false, true, false, true]);
    assert_eq!(judge(&[("objectId", "12")], &[("1", "10"), ("1", "11"), ("2", "10")]), [true, true, true, false]);
    // An error that names nobody is about all that no result names; one that names a pair outweighs a result, one that names an id doesn't.
    assert_eq!(judge(&[], &rest), [false, true, true, true]);
    assert_eq!(judge(&[("fromObjectId", "3"), ("toObjectId", "12")], &rest), [false, true, true, false]);
    assert_eq!(judge(&[("objectId", "1")], &rest), [false, true, true, true]);
    // As many results as are open name them: an id may be that of a merged object.
    assert_eq!(judge(&[("fromObjectId", "3")], &[("1", "11"), ("2", "10"), ("1", "99")]), [true, true, true, false]);
}

#[tokio::test]
async fn a_create_takes_associations_inline_as_far_as_nothing_is_looked_up() {
    let fake = Fake::new(Manner::Single);
    let mut linker = linker(None);
    let links = read(&json!({"companies": ["5", {"id": "5", "label": "Billing"}]})).unwrap();
    assert_eq!(linker.inline("contacts", &links), None, "the labels aren't known yet");
    assert_eq!(inline(&links), None);
    link(&mut linker, &fake, &[json!({"companies": ["1"]})]).await;
    assert_eq!(
        linker.inline("contacts", &links).unwrap(),
        json!([
            {"to": {"id": "5"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]},
            {"to": {"id": "5"}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 36}]},
        ])
    );
    let by_domain = read(&json!({"companies": [{"domain": "1.example"}]})).unwrap();
    assert_eq!(linker.inline("contacts", &by_domain), None);
    assert_eq!(
        super::Linker::new(Options { source_id_property: Some("s".into()), max_in_flight: 1 })
            .inline("contacts", &links),
        None
    );
    assert_eq!(linker.inline("contacts", &[]), Some(json!([])));
}

#[tokio::test]
async fn an_object_type_of_the_accounts_own_goes_by_its_names() {
    let fake = Fake::new(Manner::Single);
    fake.state().objects.insert(("2-456".to_owned(), "1".to_owned()), [].into());
    let label = Label { spec: AssociationSpec::user_defined(50), label: None };
    fake.state().labels.insert(("contacts".to_owned(), "2-456".to_owned()), vec![label]);
    let mut linker = linker(None);
    linker.name_type("cars", "2-456");
    let payloads = [json!({"crm.objects.cars": ["1"]}), json!({"cars": ["1"]}), json!({"2-456": ["1"]})];
    assert_eq!(failed(&link(&mut linker, &fake, &payloads).await), [0_usize; 0]);
    assert_eq!((fake.calls("labels"), fake.calls("associate")), (1, 1));
    assert!(linker.inline("contacts", &read(&payloads[0]).unwrap()).is_some());
}

#[tokio::test]
async fn calls_are_under_way_together_up_to_the_limit() {
    let fake = Fake::new(Manner::Single);
    let to: Vec<usize> = (1..=100).collect();
    let payloads: Vec<Value> = (0..100).map(|_| json!({ "companies": to })).collect();
    assert_eq!(failed(&link(&mut linker(None), &fake, &payloads).await), [0_usize; 0]);
    assert_eq!(fake.calls("associate"), 5);
    assert_eq!(fake.state().peak, 4);
}

/// A record's links: company, and which way.
fn links() -> impl Strategy<Value = Vec<(u64, u8)>> {
    prop::collection::vec((95..105_u64, 0..5_u8), 0..4)
}

fn payload(links: &[(u64, u8)]) -> Value {
    let entries = links.iter().map(|(company, way)| match way {
        0 => json!(company),
        1 => json!({"id": company, "label": "Billing"}),
        2 => json!({"id": company, "label": "Unknown"}),
        3 => json!({"id": company, "category": "USER_DEFINED", "typeId": 999}),
        _ => json!({"domain": format!("{company}.example")}),
    });
    json!({"companies": entries.collect::<Vec<_>>()})
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_input_goes_out_once_and_no_pair_twice_in_a_wave(
        raw in prop::collection::btree_set((0..3_u8, 0..60_u8, 0..60_u8, 0..3_u64), 0..3_000)
    ) {
        let inputs: BTreeSet<((String, String), Input)> = raw
            .into_iter()
            .map(|(to, from_id, to_id, of)| {
                let types = vec![AssociationSpec::user_defined(of)];
                (("contacts".to_owned(), format!("t{to}")), Input { from: from_id.to_string(), to: to_id.to_string(), types })
            })
            .collect();
        let mut sent = BTreeSet::new();
        for wave in calls::waves(inputs.clone()) {
            let mut pairs = BTreeSet::new();
            for Batch { pair, inputs } in wave {
                prop_assert!(!inputs.is_empty() && inputs.len() <= 2_000);
                for input in inputs {
                    prop_assert!(pairs.insert((pair.clone(), input.from.clone(), input.to.clone())));
                    prop_assert!(sent.insert((pair.clone(), input)));
                }
            }
        }
        prop_assert_eq!(sent, inputs);
    }

    #[test]
    fn only_the_guilty_fail_and_the_account_holds_what_the_outcomes_say(
        records in prop::collection::vec(links(), 1..30), whole in any::<bool>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let fake = Fake::new(if whole { Manner::Whole } else { Manner::Single });
        let payloads: Vec<Value> = records.iter().map(|links| payload(links)).collect();
        let outcomes = runtime.block_on(link(&mut linker(None), &fake, &payloads));
        let there = |company: u64| company <= 100;
        let mut must = BTreeSet::new();
        for (n, (links, outcome)) in records.iter().zip(&outcomes).enumerate() {
            let good = links.iter().all(|(company, way)| there(*company) && !matches!(way, 2 | 3));
            prop_assert_eq!(outcome.is_ok(), good, "record {}: {:?}", n, outcome);
            if good {
                for (company, way) in links {
                    let spec = if *way == 1 { AssociationSpec::user_defined(36) } else { AssociationSpec::hubspot_defined(279) };
                    must.insert(association(&(n + 1).to_string(), &company.to_string(), spec));
                }
            }
        }
        let state = fake.state();
        prop_assert!(must.is_subset(&state.associations));
        for (.., contact, company, _) in &state.associations {
            let n: usize = contact.parse().unwrap();
            prop_assert!(records[n - 1].iter().any(|(of, way)| of.to_string() == *company && *way != 2));
        }
    }
}
