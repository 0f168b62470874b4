//! The destination through the real client against the emulator: what the outcomes say is what the account holds.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use hubspot_client::{ApiVersion, Auth, Client};
use hubspot_destination::{Config, Error, HubSpotDestination, OnMissing, RecordError, SourceId};
use hubspot_emulator::{Account, Emulator, Fault, FaultRule, Settings};
use opencdc::{Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};

const TOKEN: &str = "pat-na1-secret";

struct Bench {
    _emulator: Emulator,
    account: Account,
    client: Client,
    url: String,
}

impl Bench {
    async fn new(settings: Settings) -> Self {
        Self::with_version(settings, ApiVersion::default()).await
    }

    async fn with_version(settings: Settings, version: ApiVersion) -> Self {
        let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await.unwrap();
        let url = emulator.url();
        let client = client(&url, TOKEN, version);
        Self { account: emulator.account(TOKEN), client, url, _emulator: emulator }
    }

    fn destination(&self, resource: &str) -> HubSpotDestination {
        let config = Config::for_resource(hubspot_catalog::find(resource).unwrap());
        HubSpotDestination::new(self.client.clone(), config).unwrap()
    }

    async fn write(&self, resource: &str, records: Vec<Record>) -> Vec<Result<(), RecordError>> {
        let count = records.len();
        let outcomes = self.destination(resource).write(records).await.unwrap();
        assert_eq!(outcomes.len(), count);
        outcomes
    }

    async fn write_all(&self, resource: &str, records: Vec<Record>) {
        for (n, outcome) in self.write(resource, records).await.into_iter().enumerate() {
            outcome.unwrap_or_else(|error| panic!("record {n}: {error}"));
        }
    }
}

fn client(url: &str, token: &str, version: ApiVersion) -> Client {
    let builder = Client::builder(Auth::token(token)).base_url(url).api_version(version);
    builder.backoff(Duration::from_millis(1)).build().unwrap()
}

fn record(operation: Operation, key: Option<Value>, after: Option<Value>) -> Record {
    let empty = || Data::Structured(opencdc::Map::new());
    let mut record = Record::create(Position::default(), Metadata::new(), empty(), empty());
    record.operation = operation;
    record.key = key.map(|key| Data::try_from(key).unwrap());
    record.payload.after = after.map(|after| Data::try_from(after).unwrap());
    record
}

fn create(fields: Value) -> Record {
    record(Operation::Create, None, Some(fields))
}

fn update(id: &str, fields: Value) -> Record {
    record(Operation::Update, Some(json!({ "id": id })), Some(fields))
}

fn delete(id: &str) -> Record {
    record(Operation::Delete, Some(json!({ "id": id })), None)
}

#[tokio::test]
async fn a_thousand_creates_take_ten_requests_and_all_arrive() {
    for version in ["2026-03", "2026-09", "v3"] {
        let bench = Bench::with_version(Settings::default(), version.parse().unwrap()).await;
        bench
            .write_all(
                "crm.contacts",
                (0..1000).map(|n| create(json!({"email": format!("{n}@example.com")}))).collect(),
            )
            .await;
        assert_eq!((bench.account.counters().requests, bench.account.count("contacts")), (10, 1000), "{version}");
    }
}

#[tokio::test]
async fn objects_read_from_hubspot_can_be_written_as_they_are() {
    let bench = Bench::new(Settings::default()).await;
    let id = bench.account.create("companies", json!({"name": "Analytical Engines", "domain": "engines.example"}));
    let whole = bench.account.objects("companies")[&id].clone();
    assert!(whole["properties"]["hs_object_id"].is_string());
    let default = json!({
        "id": whole["id"], "createdAt": whole["createdAt"], "updatedAt": whole["updatedAt"], "archived": false,
        "properties": {
            "name": "Copied", "domain": "copied.example", "createdate": whole["properties"]["createdate"],
            "hs_lastmodifieddate": whole["properties"]["hs_lastmodifieddate"], "hs_object_id": id,
        },
    });
    bench
        .write_all(
            "crm.companies",
            vec![record(Operation::Snapshot, Some(json!({ "id": id })), Some(default.clone())), update(&id, default)],
        )
        .await;
    let objects = bench.account.objects("companies");
    assert_eq!(objects.len(), 2);
    assert!(objects.values().all(|object| object["properties"]["name"] == "Copied"));
}

#[tokio::test]
async fn only_the_guilty_fail_and_say_why() {
    for whole_batch_failures in [true, false] {
        let bench = Bench::new(Settings { whole_batch_failures, ..Settings::default() }).await;
        let taken = bench.account.create("contacts", json!({"email": "taken@example.com"}));
        let mut records: Vec<Record> = (0..100).map(|n| create(json!({"email": format!("{n}@example.com")}))).collect();
        records[20] = create(json!({"email": "taken@example.com"}));
        records[50] = create(json!({"email": "no address"}));
        records[80] = create(json!({"email": "80@example.com", "shoe_size": "44"}));
        records.push(update("999999999", json!({"firstname": "Nobody"})));
        let outcomes = bench.write("crm.contacts", records).await;
        let failed: Vec<usize> = (0..101).filter(|n| outcomes[*n].is_err()).collect();
        assert_eq!(failed, [20, 50, 80, 100], "whole batches: {whole_batch_failures}");
        assert_eq!(bench.account.count("contacts"), 1 + 97);

        let error = |n: usize| outcomes[n].as_ref().unwrap_err();
        assert!(error(20).to_string().starts_with("creating crm.contacts: "), "{}", error(20));
        assert_eq!(error(20).refusal().unwrap().existing_id(), Some(taken.as_str()), "{}", error(20));
        assert!(error(50).to_string().contains("INVALID_EMAIL"), "{}", error(50));
        assert!(error(80).to_string().contains("shoe_size"), "{}", error(80));
        assert!(error(100).to_string().starts_with("updating crm.contacts 999999999: "), "{}", error(100));
        for n in failed {
            assert_eq!(error(n).to_string().lines().count(), 1);
            assert!(!error(n).is_outcome_unknown());
        }
    }
}

#[tokio::test]
async fn changes_of_one_object_keep_their_order() {
    let bench = Bench::new(Settings::default()).await;
    let ids = bench.account.create_many("deals", 50, |n| json!({"dealname": format!("deal {n}")}));
    let rounds = 0..6;
    let mut records: Vec<Record> = rounds
        .flat_map(|round| ids.iter().map(move |id| update(id, json!({"dealname": format!("{id} round {round}")}))))
        .collect();
    records.extend(ids[..10].iter().map(|id| delete(id)));
    bench.write_all("crm.deals", records).await;
    let objects = bench.account.objects("deals");
    assert_eq!(objects.len(), 40);
    assert!(objects.iter().all(|(id, object)| object["properties"]["dealname"] == format!("{id} round 5")));
    assert_eq!(bench.account.counters().requests, 7);
}

/// Of every CMS collection: how the emulator calls it, what to create, and what to change.
fn cms() -> Vec<(&'static str, &'static str, Value, Value)> {
    vec![
        (
            "cms.blogs.authors",
            "blogs/authors",
            json!({"name": "Ada", "fullName": "Ada L", "slug": "ada"}),
            json!({"bio": "Counts."}),
        ),
        ("cms.blogs.tags", "blogs/tags", json!({"name": "News", "slug": "news"}), json!({"name": "Old news"})),
        (
            "cms.blogs.posts",
            "blogs/posts",
            json!({"name": "Hello", "contentGroupId": "7", "slug": "hello"}),
            json!({"name": "Hello again"}),
        ),
        (
            "cms.pages.landing",
            "pages/landing-pages",
            json!({"name": "Start", "templatePath": "a.html", "slug": "start"}),
            json!({"name": "Go"}),
        ),
        (
            "cms.pages.site",
            "pages/site-pages",
            json!({"name": "About", "templatePath": "a.html", "slug": "about"}),
            json!({"name": "Us"}),
        ),
        (
            "cms.hubdb.tables",
            "hubdb/tables",
            json!({"name": "prices", "label": "Prices", "columns": [{"name": "price", "type": "NUMBER", "label": "Price"}]}),
            json!({"label": "New prices"}),
        ),
        (
            "cms.urlRedirects",
            "url-redirects",
            json!({"routePrefix": "/old", "destination": "https://example.com/new", "redirectStyle": 301}),
            json!({"destination": "https://example.com/newer"}),
        ),
    ]
}

#[tokio::test]
async fn every_cms_collection_can_be_created_changed_and_deleted() {
    for version in ["2026-03", "v3"] {
        let bench = Bench::with_version(Settings::default(), version.parse().unwrap()).await;
        for (resource, path, made, change) in cms() {
            let seeded = bench.account.create_many(path, 2, |n| {
                let mut fields = made.clone();
                for unique in ["slug", "name", "routePrefix"] {
                    if fields.get(unique).is_some() {
                        fields[unique] = json!(format!("/seeded-{n}"));
                    }
                }
                fields
            });
            let before = bench.account.objects(path).len();
            assert_eq!(before, 2, "{resource}");
            let mut whole = made.clone();
            whole["id"] = json!("1");
            whole["created"] = json!("2026-01-01T00:00:00Z");
            let records = vec![create(whole), update(&seeded[0], change.clone()), delete(&seeded[1])];
            bench.write_all(resource, records).await;

            let objects = bench.account.objects(path);
            assert!(!objects.contains_key(&seeded[1]), "{resource}");
            for (name, value) in change.as_object().unwrap() {
                assert_eq!(&objects[&seeded[0]][name], value, "{resource}");
            }
            let held = |object: &Value| {
                made.as_object().unwrap().iter().all(|(name, value)| name == "columns" || &object[name] == value)
            };
            let like_the_made = objects.values().filter(|object| held(object)).count();
            assert_eq!(like_the_made, 1, "{resource}: {objects:?}");

            let missing = bench.write(resource, vec![update("999999999", change)]).await;
            assert!(
                missing[0].as_ref().unwrap_err().to_string().contains("no such object"),
                "{resource}: {:?}",
                missing[0]
            );
        }
    }
}

#[tokio::test]
async fn a_lost_reply_to_creates_leaves_them_unknown_and_not_doubled() {
    let bench = Bench::new(Settings::default()).await;
    bench.account.fail_next(Fault::LostReply, 1);
    let outcomes =
        bench.write("crm.tickets", (0..10).map(|n| create(json!({"subject": format!("{n}")}))).collect()).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(RecordError::is_outcome_unknown)),
        "{outcomes:?}"
    );
    assert_eq!((bench.account.count("tickets"), bench.account.counters().requests), (10, 1));
}

#[tokio::test]
async fn a_lost_reply_to_updates_and_deletes_is_made_good() {
    let bench = Bench::new(Settings::default()).await;
    let ids = bench.account.create_many("tickets", 3, |n| json!({"subject": format!("{n}")}));
    bench.account.fail_next(Fault::LostReply, 2);
    bench.write_all("crm.tickets", vec![update(&ids[0], json!({"subject": "new"})), delete(&ids[1])]).await;
    assert_eq!(bench.account.objects("tickets")[&ids[0]]["properties"]["subject"], "new");
    assert_eq!(bench.account.count("tickets"), 2);

    let (redirect, path) = ("cms.urlRedirects", "url-redirects");
    let id = bench
        .account
        .create(path, json!({"routePrefix": "/a", "destination": "https://example.com", "redirectStyle": 301}));
    bench.account.fail_next(Fault::LostReply, 1);
    bench.write_all(redirect, vec![delete(&id)]).await;
    assert_eq!(bench.account.count(path), 0);
}

#[tokio::test]
async fn opening_finds_a_wrong_token_and_an_unreachable_hubspot_but_lets_write_only_tokens_pass() {
    let bench = Bench::new(Settings::default()).await;
    bench.destination("crm.contacts").open().await.unwrap();
    bench.destination("cms.urlRedirects").open().await.unwrap();
    assert_eq!(bench.account.counters().requests, 2);

    bench.account.set_scopes(Some(vec!["crm.objects.contacts.write"]));
    bench.destination("crm.contacts").open().await.unwrap();
    bench.write_all("crm.contacts", vec![create(json!({"email": "ada@example.com"}))]).await;

    let contacts = || Config::for_resource(hubspot_catalog::find("crm.contacts").unwrap());
    let wrong = HubSpotDestination::new(client(&bench.url, "pat-wrong", ApiVersion::default()), contacts()).unwrap();
    let error = wrong.open().await.unwrap_err().to_string();
    assert!(
        error.starts_with("opening crm.contacts: HubSpot refuses it with 401")
            && error.contains("check the access token"),
        "{error}"
    );
    assert!(!error.contains("pat-wrong"), "{error}");

    let builder = Client::builder(Auth::token(TOKEN)).base_url("http://127.0.0.1:1").max_retries(0);
    let nowhere = HubSpotDestination::new(builder.build().unwrap(), contacts()).unwrap();
    let error = nowhere.open().await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
}

#[tokio::test]
async fn a_missing_scope_is_one_line_for_the_whole_batch() {
    let bench = Bench::new(Settings::default()).await;
    bench.account.set_scopes(Some(vec!["crm.objects.contacts.read"]));
    let records = (0..300).map(|n| create(json!({"email": format!("{n}@example.com")}))).collect();
    let error = bench.destination("crm.contacts").write(records).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }));
    let text = error.to_string();
    assert!(
        text.contains("403") && text.contains("MISSING_SCOPES") && text.contains("crm.objects.contacts.write"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_by_name() {
    let bench = Bench::new(Settings::default()).await;
    for resource in ["crm.feedbackSubmissions", "crm.owners", "crm.pipelines.deals", "crm.stages.tickets"] {
        let config = Config::for_resource(hubspot_catalog::find(resource).unwrap());
        let error = HubSpotDestination::new(bench.client.clone(), config).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{resource} can't be written")), "{error}");
    }
    assert!(!format!("{:?}", bench.destination("crm.contacts")).contains(TOKEN));
}

#[tokio::test]
async fn custom_objects_are_written_under_their_object_type_id() {
    let bench = Bench::new(Settings::default()).await;
    let object_type = bench.account.define_type("cars");
    let id = bench.account.create(&object_type, json!({"name": "old"}));
    let config = Config::for_resource(hubspot_catalog::custom("cars", &object_type));
    let mut destination = HubSpotDestination::new(bench.client.clone(), config).unwrap();
    let made = create(json!({"properties": {"name": "new"}}));
    let outcomes =
        destination.write(vec![update(&id, json!({"properties": {"name": "renamed"}})), made]).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let names: Vec<_> =
        bench.account.objects(&object_type).values().map(|car| car["properties"]["name"].clone()).collect();
    assert_eq!(names, ["renamed", "new"]);
}

#[tokio::test]
async fn a_table_whose_publishing_fails_says_so() {
    let bench = Bench::new(Settings::default()).await;
    let id = bench.account.create("hubdb/tables", json!({"name": "prices", "label": "Prices"}));
    let fault = Fault::ServerError { status: 500, html: false };
    bench.account.fail_matching(FaultRule { method: None, path_contains: "publish".to_owned(), fault, times: 99 });
    let outcomes = bench.write("cms.hubdb.tables", vec![update(&id, json!({"label": "New"}))]).await;
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(error.to_string().contains("the draft was changed, and publishing it got no answer"), "{error}");
    assert!(error.is_outcome_unknown() && error.to_string().contains("write it again, which does no harm"), "{error}");
    let outcomes = bench.write("cms.hubdb.tables", vec![create(json!({"name": "sizes", "label": "Sizes"}))]).await;
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(error.to_string().contains("it was created as the draft"), "{error}");
    assert!(error.is_outcome_unknown() && !error.to_string().contains("does no harm"), "{error}");
}

#[tokio::test]
async fn a_404_that_names_no_object_is_no_object_that_is_missing() {
    let bench = Bench::new(Settings::default()).await;
    let fault = Fault::ServerError { status: 404, html: false };
    let times =
        |path: &str, times| FaultRule { method: None, path_contains: path.to_owned(), fault: fault.clone(), times };
    let ignoring = |resource: &str| {
        let mut config = Config::for_resource(hubspot_catalog::find(resource).unwrap());
        config.on_missing = OnMissing::Ignore;
        HubSpotDestination::new(bench.client.clone(), config).unwrap()
    };
    let id = bench.account.create("hubdb/tables", json!({"name": "prices", "label": "Prices"}));
    bench.account.fail_matching(times("publish", 1));
    let outcomes = ignoring("cms.hubdb.tables").write(vec![update(&id, json!({"label": "New"}))]).await.unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(error.to_string().contains("the draft was changed, but not published: HubSpot refuses it"), "{error}");
    assert_eq!(error.written_as(), Some(&*id));

    let id = bench.account.create("contacts", json!({"firstname": "old"}));
    bench.account.fail_matching(times("batch/update", 1));
    let update = vec![update(&id, json!({"firstname": "new"}))];
    let outcomes = ignoring("crm.contacts").write(update).await.unwrap();
    assert!(outcomes[0].as_ref().unwrap_err().refusal().is_some_and(|refusal| refusal.status == 404));
}

#[tokio::test]
async fn updates_and_deletes_without_any_reply_may_have_been_carried_out() {
    let bench = Bench::new(Settings::default()).await;
    let id = bench.account.create("contacts", json!({"firstname": "old"}));
    let always = |fault: Fault| FaultRule { method: None, path_contains: "batch".to_owned(), fault, times: 99 };
    bench.account.fail_matching(always(Fault::LostReply));
    let outcomes = bench.write("crm.contacts", vec![update(&id, json!({"firstname": "new"})), delete("404")]).await;
    for outcome in &outcomes {
        let error = outcome.as_ref().unwrap_err();
        assert!(error.is_outcome_unknown() && error.to_string().contains("it may have been written"), "{error}");
    }
    assert_eq!(bench.account.objects("contacts")[&id]["properties"]["firstname"], "new");
}

#[tokio::test]
async fn the_property_for_source_ids_is_made_where_associations_look_for_it() {
    for create in [true, false] {
        let bench = Bench::new(Settings::default()).await;
        bench.account.define_property(
            "contacts",
            &json!({"name": "source_id", "type": "string", "fieldType": "text", "hasUniqueValue": true}),
        );
        let mut config = Config::for_resource(hubspot_catalog::find("crm.contacts").unwrap());
        config.source_id = Some(SourceId { property: "source_id".into(), create });
        let mut destination = HubSpotDestination::new(bench.client.clone(), config).unwrap();
        destination.open().await.unwrap();
        let payload = json!({"properties": {"firstname": "Ada"}, "associations": {"companies": ["51"]}});
        let outcomes =
            destination.write(vec![record(Operation::Create, Some(json!({"id": "7"})), Some(payload))]).await;
        let error = outcomes.unwrap().remove(0).unwrap_err().to_string();
        let reason = if create { "there is no such object" } else { "companies have no property \"source_id\"" };
        assert!(error.contains(&format!("not associated with companies 51: {reason}")), "{error}");
        let properties = bench.client.properties("companies").list().await.unwrap().results;
        let made = properties.iter().find(|property| property.name == "source_id");
        assert_eq!(made.map(|property| property.has_unique_value), create.then_some(true));
    }
}

/// What may have become of a seeded object: the values that its `firstname` may have, `None` for an archived one.
type Possible = Vec<Option<String>>;

/// Records of all kinds, with repeated keys and bad ones, in random batches, under faults: the account holds what the outcomes say.
#[tokio::test]
async fn the_account_holds_what_the_outcomes_say() {
    for seed in 0..24_u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut settings = Settings { seed, whole_batch_failures: random.bool(), ..Settings::default() };
        if seed % 2 == 1 {
            settings.fault_rates.server_error = 0.04;
            settings.fault_rates.reset = 0.04;
            settings.fault_rates.lost_reply = 0.04;
        }
        let bench = Bench::new(settings).await;
        let ids = bench.account.create_many("contacts", 30, |n| json!({"firstname": format!("seeded {n}")}));
        let mut objects: HashMap<&str, Possible> =
            ids.iter().enumerate().map(|(n, id)| (id.as_str(), vec![Some(format!("seeded {n}"))])).collect();
        // How often an object with this `firstname` may be there: at least, at most.
        let mut created: HashMap<String, (usize, usize)> = HashMap::new();

        for batch in 0..2 {
            let records: Vec<Record> =
                (0..random.usize(1..200)).map(|n| any_record(&mut random, &ids, &format!("{batch}.{n}"))).collect();
            let outcomes = bench.write("crm.contacts", records.clone()).await;
            for (record, outcome) in records.iter().zip(outcomes) {
                let after = record
                    .payload
                    .after
                    .as_ref()
                    .map(|after| after.to_structured().unwrap()["firstname"].as_str().unwrap().to_owned());
                let may_have_happened = outcome.as_ref().is_err_and(RecordError::is_outcome_unknown);
                let certain = outcome.is_ok();
                match (record.operation, &record.key) {
                    (Operation::Create, _) => {
                        created
                            .insert(after.unwrap(), (usize::from(certain), usize::from(certain || may_have_happened)));
                    }
                    (_, Some(key)) => {
                        let key = key.to_structured().unwrap();
                        let Some(possible) = key["id"].as_str().and_then(|id| objects.get_mut(id)) else {
                            assert!(!certain, "seed {seed}: {key:?} doesn't exist");
                            continue;
                        };
                        if certain && (record.operation == Operation::Delete || possible.iter().any(Option::is_some)) {
                            *possible = vec![after];
                        } else if may_have_happened {
                            possible.push(after);
                        } else {
                            assert!(
                                !certain,
                                "seed {seed}: {key:?} was archived, and an update of it is said to be written"
                            );
                        }
                    }
                    (_, None) => assert!(!certain),
                }
            }
        }

        let truth = bench.account.objects("contacts");
        for (id, possible) in &objects {
            let there =
                truth.get(*id).map(|object| object["properties"]["firstname"].as_str().unwrap_or_default().to_owned());
            assert!(possible.contains(&there), "seed {seed}: {id} is {there:?}, the outcomes say {possible:?}");
        }
        for (name, (least, most)) in &created {
            let count = truth.values().filter(|object| object["properties"]["firstname"] == *name).count();
            assert!(
                (*least..=*most).contains(&count),
                "seed {seed}: {name} is there {count} times instead of {least} to {most}"
            );
        }
        let made = truth.keys().filter(|id| !objects.contains_key(id.as_str())).count();
        let most: usize = created.values().map(|(_, most)| most).sum();
        assert!(made <= most, "seed {seed}: {made} objects were made, the outcomes say at most {most}");
    }
}

fn any_record(random: &mut fastrand::Rng, ids: &[String], name: &str) -> Record {
    let id = random.choice(ids).unwrap();
    let mut fields = json!({ "firstname": name });
    match random.u8(..60) {
        0 => fields["shoe_size"] = json!("44"),
        1 => fields["email"] = json!("no address"),
        2 => fields["email"] = json!("same@example.com"),
        _ => {}
    }
    match random.u8(..40) {
        0..18 => create(fields),
        18..35 => update(id, fields),
        35..37 => delete(id),
        37 => update("999999999", fields),
        38 => record(Operation::Update, None, Some(fields)),
        _ => record(Operation::Delete, Some(json!({"id": id, "portal": 7})), None),
    }
}
