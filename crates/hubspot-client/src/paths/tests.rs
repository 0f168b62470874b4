//! Every path that this client asks for, against HubSpot's OpenAPI documents.

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use super::*;

/// `METHOD path` of every operation in the documents of a version, with `{}` for each parameter.
fn documented(version: ApiVersion) -> Option<BTreeSet<String>> {
    let project = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = project.join("../shared/openapi").join(version.as_str());
    let mut operations = BTreeSet::new();
    for file in std::fs::read_dir(folder).ok()? {
        let text = std::fs::read_to_string(file.ok()?.path()).ok()?;
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path: Vec<_> =
                path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect();
            for method in methods.as_object().unwrap().keys() {
                operations.insert(format!("{} {}", method.to_uppercase(), path.join("/")));
            }
        }
    }
    Some(operations)
}

/// What the client asks for, the same way.
fn asked(version: ApiVersion) -> Vec<String> {
    let mut asked = Vec::new();
    let mut ask = |method: &str, path: &Path, rest: &str| {
        asked.push(format!("{method} {}{rest}", path.as_wire().replace("%7B%7D", "{}")));
    };
    for object_type in ["{}", "contacts"] {
        let objects = objects(version, object_type);
        ask("GET", &objects, "");
        ask("POST", &objects, "");
        for method in ["GET", "PATCH", "DELETE"] {
            ask(method, &objects, "/{}");
        }
        for rest in ["/search", "/batch/read", "/batch/create", "/batch/update", "/batch/upsert", "/batch/archive"] {
            ask("POST", &objects, rest);
        }
    }
    for rest in ["/merge", "/gdpr-delete"] {
        ask("POST", &objects(version, "contacts"), rest);
    }
    ask("GET", &properties(version, "{}"), "");
    ask("POST", &properties(version, "{}"), "");
    ask("GET", &properties(version, "{}"), "/{}");
    ask("GET", &schemas(version), "");
    ask("GET", &schemas(version), "/{}");
    ask("GET", &account_details(version), "");
    ask("GET", &account_usage(version), "");
    ask("POST", &oauth_token(version), "");
    for (area, collection) in [
        ("blogs", Some("posts")),
        ("blogs", Some("authors")),
        ("blogs", Some("tags")),
        ("pages", Some("landing-pages")),
        ("pages", Some("site-pages")),
        ("hubdb", Some("tables")),
        ("url-redirects", None),
    ] {
        let all = cms(version, area, collection);
        ask("GET", &all, "");
        ask("POST", &all, "");
        ask("GET", &all, "/{}");
        ask("DELETE", &all, "/{}");
        if area != "hubdb" {
            ask("PATCH", &all, "/{}");
        }
        if matches!(area, "blogs" | "pages") {
            for rest in ["/batch/create", "/batch/update", "/batch/archive"] {
                ask("POST", &all, rest);
            }
        }
        if matches!(collection, Some("posts" | "landing-pages" | "site-pages" | "tables")) {
            ask("PATCH", &all, "/{}/draft");
            ask("POST", &cms_publish(all.segment("{}"), area), "");
        }
    }
    asked
}

#[test]
fn every_path_is_in_hubspots_documents() {
    // The form that production connectors use; see `cms`.
    const KNOWN_BETTER: [&str; 2] = ["GET /cms/v3/url-redirects", "POST /cms/v3/url-redirects"];
    for version in [ApiVersion::V2026_03, ApiVersion::V3] {
        let Some(documented) = documented(version) else {
            println!("skipped: HubSpot's documents of {version} are not beside the project (../shared/openapi)");
            continue;
        };
        for operation in asked(version) {
            let known_better = KNOWN_BETTER.contains(&operation.as_str());
            assert!(documented.contains(&operation) != known_better, "{version}: {operation}");
        }
    }
}

#[test]
fn versions_of_a_date_differ_in_it_alone() {
    let older: Vec<_> = asked(ApiVersion::V2026_03).iter().map(|path| path.replace("2026-03", "2026-09")).collect();
    assert_eq!(older, asked(ApiVersion::V2026_09));
}

#[test]
fn versions_are_read_as_they_are_written() {
    for version in ApiVersion::ALL {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
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
