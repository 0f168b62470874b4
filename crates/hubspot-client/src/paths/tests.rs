//! Every operation that this client asks for, against lists of HubSpot's, and the lists against HubSpot's OpenAPI documents.
//!
//! The lists, `operations-*.txt`, hold `METHOD path` of what the client uses, with `{}` for each parameter. The documents are not part of this
//! repository: they are looked for where `HUBSPOT_OPENAPI_DIR` says, else in `shared/openapi` beside the project, a folder for each version.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use futures::future::BoxFuture;
use reqwest::header::HeaderValue;

use super::*;
use crate::answer::{Answer, Lost};
use crate::request::Request;
use crate::transport::Exchange;
use crate::{
    AssociationsInput, Auth, BatchReadInput, Client, CmsListParams, CmsPath, CreateInput, ListParams, Object,
    OwnersParams, PropertyCreate, ReadParams, SearchParams,
};

/// The versions that there are documents of, and the operations of them that the client uses.
const LISTED: [(ApiVersion, &str); 2] = [
    (ApiVersion::V2026_03, include_str!("operations-2026-03.txt")),
    (ApiVersion::V3, include_str!("operations-v3.txt")),
];

/// What the client asks for though these documents don't have it: for redirects in v3 they have another path, see [`cms`]; labels of associations
/// are in a document of their own, of the associations' schema.
const UNDOCUMENTED: [&[&str]; 2] = [
    &["GET /crm/associations/2026-03/{}/{}/labels"],
    &["GET /cms/v3/url-redirects", "GET /crm/v4/associations/{}/{}/labels", "POST /cms/v3/url-redirects"],
];

/// Notes what it is asked for. It grants access tokens and refuses the rest.
#[derive(Default)]
struct Recorder(Mutex<BTreeSet<String>>);

impl Exchange for Recorder {
    fn exchange<'a>(&'a self, request: &'a Request, _: Option<HeaderValue>) -> BoxFuture<'a, Result<Answer, Lost>> {
        let path = request.path.as_wire();
        self.0.lock().unwrap().insert(format!("{} {}", request.method, path.replace("%7B%7D", "{}")));
        let (status, body) = if path.starts_with("/oauth/") {
            (200, r#"{"access_token": "token", "expires_in": 1800}"#)
        } else {
            (400, r#"{"message": "noted"}"#)
        };
        Box::pin(async move { Ok(Answer { status, body: body.into(), ..Answer::default() }) })
    }
}

/// What all calls of the client ask for.
async fn asked(version: ApiVersion) -> BTreeSet<String> {
    let recorder = Arc::new(Recorder::default());
    let exchange: Arc<dyn Exchange> = recorder.clone();
    let builder = Client::builder(Auth::refresh("id", "secret", "token")).base_url("http://localhost:1234");
    let client = builder.api_version(version).build_over(|| Ok(exchange)).unwrap();
    for object_type in ["{}", "contacts"] {
        let objects = client.objects(object_type);
        objects.list(&ListParams::default()).await.unwrap_err();
        objects.read("{}", &ReadParams::default()).await.unwrap_err();
        objects.search(&SearchParams::default()).await.unwrap_err();
        objects.create(&CreateInput::default()).await.unwrap_err();
        objects.update("{}", &Object::new(), None).await.unwrap_err();
        objects.archive("{}").await.unwrap_err();
        objects.batch_read(&BatchReadInput::default()).await.unwrap_err();
        objects.batch_create(&[]).await.unwrap_err();
        objects.batch_update(&[]).await.unwrap_err();
        objects.batch_upsert(&[]).await.unwrap_err();
        objects.batch_archive(&[]).await.unwrap_err();
    }
    // The documents have these for contacts alone.
    client.objects("contacts").merge("1", "2").await.unwrap_err();
    client.objects("contacts").gdpr_delete("1").await.unwrap_err();
    client.properties("{}").list().await.unwrap_err();
    client.properties("{}").read("{}").await.unwrap_err();
    client.properties("{}").create(&PropertyCreate::default()).await.unwrap_err();
    client.properties("{}").batch_create(&[]).await.unwrap_err();
    let associations = client.associations("{}", "{}");
    associations.batch_read(&[AssociationsInput::new("1")]).await.unwrap_err();
    associations.batch_create(&[]).await.unwrap_err();
    associations.batch_create_default(&[]).await.unwrap_err();
    associations.batch_archive(&[]).await.unwrap_err();
    associations.batch_archive_labels(&[]).await.unwrap_err();
    associations.labels().await.unwrap_err();
    client.owners().list(&OwnersParams::default()).await.unwrap_err();
    client.pipelines("{}").list().await.unwrap_err();
    client.schemas().list().await.unwrap_err();
    client.schemas().read("{}").await.unwrap_err();
    client.account().details().await.unwrap_err();
    client.account().usage().await.unwrap_err();
    for (area, collection) in [
        ("blogs", Some("posts")),
        ("blogs", Some("authors")),
        ("blogs", Some("tags")),
        ("pages", Some("landing-pages")),
        ("pages", Some("site-pages")),
        ("hubdb", Some("tables")),
        ("url-redirects", None),
    ] {
        let all = client.cms(CmsPath { area, collection });
        all.list(&CmsListParams::default()).await.unwrap_err();
        all.read("{}").await.unwrap_err();
        all.create(&Object::new()).await.unwrap_err();
        all.archive("{}").await.unwrap_err();
        if area != "hubdb" {
            all.update("{}", &Object::new()).await.unwrap_err();
        }
        if matches!(area, "blogs" | "pages") {
            all.batch_create(&[]).await.unwrap_err();
            all.batch_update(&[]).await.unwrap_err();
            all.batch_read(&[], false).await.unwrap_err();
            all.batch_archive(&[]).await.unwrap_err();
        }
        if matches!(collection, Some("posts" | "landing-pages" | "site-pages" | "tables")) {
            all.read_draft("{}").await.unwrap_err();
            all.update_draft("{}", &Object::new()).await.unwrap_err();
            all.reset_draft("{}").await.unwrap_err();
            all.publish_draft("{}").await.unwrap_err();
            if area == "hubdb" {
                all.unpublish("{}").await.unwrap_err();
            } else {
                all.schedule("{}", DateTime::UNIX_EPOCH).await.unwrap_err();
            }
        }
    }
    recorder.0.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn every_path_is_in_the_lists_of_hubspots_operations() {
    for ((version, list), undocumented) in LISTED.into_iter().zip(UNDOCUMENTED) {
        let mut expected: BTreeSet<String> = list.lines().map(str::to_owned).collect();
        assert!(list.lines().eq(&expected), "the list of {version} is sorted, each operation once");
        expected.extend(undocumented.iter().map(|operation| (*operation).to_owned()));
        let asked = asked(version).await;
        let differences: Vec<_> = asked.symmetric_difference(&expected).collect();
        assert!(differences.is_empty(), "{version}, asked for or listed, but not both: {differences:#?}");
    }
}

/// The folder of HubSpot's documents, if there is one.
fn documents() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("HUBSPOT_OPENAPI_DIR").filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    let beside = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/openapi");
    beside.is_dir().then_some(beside)
}

/// `METHOD path` of every operation in the documents of a version, with `{}` for each parameter.
fn documented(folder: &FilePath) -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let document: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let paths = document["paths"].as_object().unwrap_or_else(|| panic!("{} has no paths", file.display()));
        for (path, methods) in paths {
            let path: Vec<_> =
                path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect();
            for method in methods.as_object().unwrap().keys() {
                operations.insert(format!("{} {}", method.to_uppercase(), path.join("/")));
            }
        }
    }
    operations
}

#[test]
fn every_path_is_in_hubspots_documents() {
    let Some(folder) = documents() else {
        // Not by a macro: a test's own output is shown only when it fails.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: paths against HubSpot's documents: set HUBSPOT_OPENAPI_DIR, or put them into shared/openapi"
        );
        return;
    };
    for ((version, list), undocumented) in LISTED.into_iter().zip(UNDOCUMENTED) {
        let documented = documented(&folder.join(version.as_str()));
        for operation in list.lines() {
            assert!(documented.contains(operation), "{version}: HubSpot has no {operation}");
        }
        for operation in undocumented {
            assert!(!documented.contains(*operation), "{version}: HubSpot has {operation} now: list it");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn versions_of_a_date_differ_in_it_alone() {
    let older = asked(ApiVersion::V2026_03).await;
    let older: BTreeSet<_> = older.iter().map(|operation| operation.replace("2026-03", "2026-09")).collect();
    assert_eq!(older, asked(ApiVersion::V2026_09).await);
}

#[test]
fn versions_are_read_as_they_are_written() {
    for version in ApiVersion::ALL {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    assert_eq!(ApiVersion::ALL.map(ApiVersion::as_str).join(","), ApiVersion::NAMES);
    assert_eq!(ApiVersion::NAMES, "2026-03,2026-09,v3");
    let error = "2026-3".parse::<ApiVersion>().unwrap_err().to_string();
    assert!(error.contains("apiVersion") && error.contains("2026-03, 2026-09 or v3"), "{error}");
}

#[test]
fn segments_can_hold_anything() {
    let path = objects(ApiVersion::V3, "contacts");
    assert_eq!(
        path.clone().segment("a/../b?c#d e%é").as_wire(),
        "/crm/v3/objects/contacts/a%2F..%2Fb%3Fc%23d%20e%25%C3%A9"
    );
    for stray in ["", " ", ".", ".."] {
        assert!(!path.clone().segment(stray).is_sound(), "{stray:?}");
    }
    let by_email = path.id("ada@example.com", Some("email"));
    assert_eq!(by_email.as_wire(), "/crm/v3/objects/contacts/ada%40example.com");
    assert_eq!(by_email.as_shown(), "/crm/v3/objects/contacts/{email}");
    assert!(by_email.is_sound());
}
