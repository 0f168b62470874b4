//! The real HubSpot: what associating needs, met by the client.

use hubspot_client::{AssociationCreateInput, BatchReadInput, Client, Object};

use super::api::{Answer, Found, Input, Label, LinkApi};
use crate::answer;
use crate::error::Failure;
use crate::hubspot::{failure, refusals};

/// HubSpot, reached through a client.
pub(crate) struct HubSpotLinks {
    client: Client,
}

impl HubSpotLinks {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl LinkApi for HubSpotLinks {
    async fn labels(&self, from: &str, to: &str) -> Result<Vec<Label>, Failure> {
        let labels = self.client.associations(from, to).labels().await.map_err(failure)?;
        Ok(labels.into_iter().map(|label| Label { spec: label.to_spec(), label: label.label }).collect())
    }

    async fn associate(&self, from: &str, to: &str, inputs: &[Input]) -> Result<Answer, Failure> {
        let inputs: Vec<_> = inputs
            .iter()
            .map(|input| AssociationCreateInput::new(&input.from, &input.to, input.types.clone()))
            .collect();
        let outcome = self.client.associations(from, to).batch_create(&inputs).await.map_err(failure)?;
        let errors = refusals(outcome.errors, outcome.correlation_id.as_deref());
        let pairs = outcome.results.into_iter().map(|pair| (pair.from, pair.to)).collect();
        Ok(Answer { pairs, errors })
    }

    async fn find(&self, object_type: &str, property: &str, values: &[String]) -> Result<Found, Failure> {
        let input = BatchReadInput {
            ids: values.to_vec(),
            id_property: Some(property.to_owned()),
            properties: vec![property.to_owned()],
            ..BatchReadInput::default()
        };
        let outcome = self.client.objects(object_type).batch_read(&input).await.map_err(failure)?;
        let errors = refusals(outcome.errors, outcome.correlation_id.as_deref());
        Ok(Found { objects: outcome.results.iter().filter_map(|object| named(object, property)).collect(), errors })
    }
}

/// An object's value of the property, and its id. Without a value it is still an object that was found.
fn named(object: &Object, property: &str) -> Option<(String, String)> {
    let id = object.get("id").and_then(answer::text)?;
    let value = object.get("properties").and_then(|properties| properties.get(property)).and_then(answer::text);
    Some((value.unwrap_or_default(), id))
}

#[cfg(test)]
mod tests {
    use hubspot_client::{ApiVersion, Auth};
    use hubspot_emulator::Emulator;
    use serde_json::{Value, json};

    use super::*;
    use crate::associations::{Asked, Linker, Options, read};

    const TOKEN: &str = "pat-na1-secret";

    #[tokio::test]
    async fn what_a_record_says_is_what_the_account_holds() {
        for version in [ApiVersion::V2026_03, ApiVersion::V2026_09, ApiVersion::V3] {
            let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
            let account = emulator.account(TOKEN);
            let client =
                Client::builder(Auth::token(TOKEN)).base_url(&emulator.url()).api_version(version).build().unwrap();
            let api = HubSpotLinks::new(client);

            let unique = json!({"name": "number", "type": "string", "fieldType": "text", "hasUniqueValue": true});
            account.define_property("companies", &unique);
            let companies = account.create_many("companies", 3, |n| json!({"number": format!("N-{n}")}));
            let contacts = account.create_many("contacts", 3, |n| json!({"email": format!("c{n}@example.com")}));
            account.define_label("contacts", "companies", "Billing", None);

            let payloads = [
                json!({"companies": [companies[0], {"number": "N-1", "label": "billing"}]}),
                json!({"companies": [{"id": companies[2], "label": "Owner"}, {"number": "N-9"}]}),
                json!({"companies": ["999999999", companies[1]]}),
            ];
            let asked = contacts.iter().zip(&payloads).enumerate().map(|(place, (contact, payload))| Asked {
                place,
                from_type: "contacts".to_owned(),
                from_id: contact.clone(),
                links: read(payload).unwrap(),
            });
            let mut linker = Linker::new(Options { source_id_property: None, max_in_flight: 2 });
            let outcomes = linker.link(&api, asked.collect()).await;

            let texts: Vec<String> = outcomes
                .iter()
                .map(|(_, outcome)| outcome.as_ref().err().map(ToString::to_string).unwrap_or_default())
                .collect();
            assert_eq!(texts[0], "", "{version}");
            assert!(
                texts[1].contains("as \"Owner\"") && texts[1].contains("\"Billing\" (USER_DEFINED"),
                "{version}: {}",
                texts[1]
            );
            assert!(texts[1].ends_with("one more association of it failed"), "{version}: {}", texts[1]);
            assert!(texts[2].contains("companies 999999999: HubSpot finds no such object"), "{version}: {}", texts[2]);

            let held = account.associations("contacts", "companies");
            let labels = |contact: usize, company: usize| -> Vec<Value> {
                let of = held.get(&contacts[contact]).into_iter().flatten();
                let to = of.filter(|to| to["toObjectId"].to_string().trim_matches('"') == companies[company]);
                to.flat_map(|to| to["associationTypes"].as_array().unwrap()).map(|of| of["label"].clone()).collect()
            };
            assert_eq!(labels(0, 0), [Value::Null], "{version}");
            assert!(labels(0, 1).contains(&json!("Billing")), "{version}: {held:?}");
            assert_eq!(labels(2, 1), [Value::Null], "{version}");
            assert_eq!(labels(1, 2), [] as [Value; 0], "{version}");
        }
    }
}
