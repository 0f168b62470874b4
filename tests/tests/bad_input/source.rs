//! What can be wrong with a source.

use hubspot_emulator::{Account, Fault};

use crate::case::{Case, always, define_cars, position, refused, refused_for, source, without};

/// All of it.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        // What is missing.
        without("no token", "accessToken", &["accessToken", "required parameter is not provided"]),
        without("no resource", "resource", &["resource", "required parameter is not provided"]),
        // What isn't known.
        source(
            "resource misspelt",
            &[("resource", "crm.contcats")],
            &["crm.contcats", "did you mean \"crm.contacts\""],
        ),
        source("resource without its family", &[("resource", "deals")], &["deals", "did you mean \"crm.deals\""]),
        source(
            "resource like no other",
            &[("resource", "zebra")],
            &["unknown resource", "zebra", "crm.contacts", "cms.blogs.posts", "docs/resources.md"],
        ),
        source("parameter that isn't there", &[("colour", "blue")], &["colour", "unrecognized parameter"]),
        source("API version of another time", &[("apiVersion", "2020-01")], &["apiVersion", "2026-03", "v3"]),
        // Numbers, durations, booleans.
        source("number that is none", &[("bufferSize", "lots")], &["bufferSize", "lots", "not an integer"]),
        source("number that is too small", &[("bufferSize", "0")], &["bufferSize", "0", "greater than"]),
        source("number that is too large", &[("bufferSize", "101")], &["bufferSize", "101", "less than"]),
        source("negative number", &[("bufferSize", "-5")], &["bufferSize", "-5", "greater than"]),
        source("negative retries", &[("maxRetries", "-1")], &["maxRetries", "-1", "greater than"]),
        source("fraction of a try", &[("maxRetries", "1.5")], &["maxRetries", "1.5", "not an integer"]),
        source("duration without a unit", &[("pollingPeriod", "5")], &["pollingPeriod", "5", "not a duration"]),
        source(
            "duration in words",
            &[("pollingPeriod", "five seconds")],
            &["pollingPeriod", "five seconds", "not a duration"],
        ),
        source("negative duration", &[("pollingPeriod", "-5s")], &["pollingPeriod", "-5s"]),
        source("duration in days", &[("audit.interval", "1d")], &["audit.interval", "1d", "no unit for days", "24h"]),
        source("poll without a pause", &[("pollingPeriod", "0s")], &["pollingPeriod", "0s is too often", "100ms"]),
        source("poll too often", &[("pollingPeriod", "99ms")], &["pollingPeriod", "99ms is too often", "100ms"]),
        source("deletions too often", &[("deletes.interval", "0s")], &["deletes.interval", "0s is too often", "100ms"]),
        source("negative lag", &[("cdc.settleLag", "-10m")], &["cdc.settleLag", "-10m"]),
        source(
            "interval that is none",
            &[("deletes.interval", "often")],
            &["deletes.interval", "often", "not a duration"],
        ),
        source("boolean that is none", &[("snapshot", "maybe")], &["snapshot", "maybe", "not a boolean"]),
        source(
            "several at once",
            &[("bufferSize", "0"), ("pollingPeriod", "soon"), ("snapshot", "maybe"), ("colour", "blue")],
            &["bufferSize", "pollingPeriod", "snapshot", "colour"],
        ),
        // Lists of resources.
        source("no resource in the list", &[("resource", " , ")], &["no resource is named", "crm.contacts"]),
        source(
            "one of several misspelt",
            &[("resource", "crm.deals,crm.contcats")],
            &["did you mean \"crm.contacts\""],
        ),
        source("glob of nothing", &[("resource", "crm.deals,crm.zebra*")], &["\"crm.zebra*\"", "names no resource"]),
        source("exclusions alone", &[("resource", "!crm.deals")], &["all entries exclude", "`*`"]),
        source("nothing left", &[("resource", "crm.deals,!crm.d*")], &["no resource is left"]),
        source("exclusion of nothing", &[("resource", "crm.deals,!crm.tickets")], &["\"!crm.tickets\"", "nothing"]),
        refused_for(
            "custom object that isn't there",
            &[("resource", "crm.objects.boats")],
            define_cars,
            &["\"crm.objects.boats\" is no custom object", "crm.objects.cars"],
        ),
        refused_for(
            "custom objects that may not be looked up",
            &[("resource", "crm.contacts,crm.objects.*")],
            |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            &["looking up the account's custom objects", "403", "crm.schemas.custom.read"],
        ),
        refused_for(
            "all that is forbidden beside the custom objects",
            &[("resource", "crm.contacts,crm.deals,crm.owners,crm.objects.*")],
            |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            &[
                "crm.schemas.custom.read",
                "also forbids",
                "crm.deals (crm.objects.deals.read)",
                "crm.owners (crm.objects.owners.read)",
            ],
        ),
        refused_for(
            "all that is forbidden",
            &[("resource", "crm.deals,crm.contacts,cms.blogs.tags,crm.owners")],
            |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            &[
                "forbids reading 3 of the resources, crm.deals, crm.owners, cms.blogs.tags:",
                "crm.objects.deals.read, crm.objects.owners.read, content",
                "MISSING_SCOPES",
            ],
        ),
        refused_for(
            "all that is left is forbidden",
            &[("resource", "crm.contacts,crm.deals"), ("onForbidden", "skip")],
            |account| account.set_scopes(Some(vec!["tickets"])),
            &["forbids reading any of crm.contacts, crm.deals", "scopes"],
        ),
        source("forbidden, and then?", &[("onForbidden", "ask")], &["onForbidden", "ask", "fail,skip"]),
        // What is read of an object.
        source("property in words", &[("properties", "First Name")], &["properties", "First Name", "no property"]),
        source("property that is empty", &[("properties", "email,,phone")], &["properties", "empty entry"]),
        source("extra property that is empty", &[("extraProperties", "email,")], &["extraProperties", "empty entry"]),
        source(
            "extra property in words",
            &[("extraProperties", "email, first name")],
            &["extraProperties", "\"first name\"", "no property", "commas"],
        ),
        source("extra glob", &[("extraProperties", "hs_*")], &["extraProperties", "hs_*", "\"properties\""]),
        source("property in capitals", &[("properties", "Email")], &["properties", "did you mean \"email\""]),
        source("property exclusions alone", &[("properties", "!hs_*")], &["properties", "only leave out", "all,!hs_*"]),
        source("values of another kind", &[("values", "json")], &["values", "json", "strings,typed"]),
        source("what was before, of another kind", &[("before", "true")], &["before", "true", "none,history"]),
        source("archived objects, perhaps", &[("deletes.payload", "maybe")], &["deletes.payload", "not a boolean"]),
        source(
            "association misspelt",
            &[("associations", "companies,deal")],
            &["associations", "\"deal\" is no CRM object type", "did you mean \"deals\""],
        ),
        source(
            "associations of what is no object",
            &[("associations", "crm.owners")],
            &["associations", "crm.owners", "such as companies, line_items", "crm.objects.<name>", "docs/resources.md"],
        ),
        refused_for(
            "associated custom object that isn't there",
            &[("associations", "crm.objects.boats")],
            define_cars,
            &["associations", "\"crm.objects.boats\" is no custom object", "crm.objects.cars"],
        ),
        // What is read again.
        source(
            "associations that aren't read, again",
            &[("associations.refresh", "1h")],
            &["\"associations.refresh\" needs \"associations\""],
        ),
        source(
            "associations too often",
            &[("associations", "companies"), ("associations.refresh", "1ms")],
            &["associations.refresh", "1ms is too often", "1s"],
        ),
        source("audit too often", &[("audit.interval", "999ms")], &["audit.interval", "999ms is too often", "0s"]),
        source("audit backwards", &[("audit.interval", "-1h")], &["audit.interval", "-1h"]),
        source("calculated in words", &[("refresh.calculated", "daily")], &["refresh.calculated", "not a duration"]),
        source("deletions too late", &[("deletes.interval", "2161h")], &["deletes.interval", "90 days", "2160h"]),
        source("parameter nearly right", &[("audit.intervall", "1h")], &["did you mean \"audit.interval\""]),
        // What the CMS and the directories don't have.
        source(
            "typed values of a blog",
            &[("resource", "cms.blogs.posts"), ("values", "typed")],
            &["\"values\"", "for CRM objects only", "cms.blogs.posts"],
        ),
        source(
            "much of the owners",
            &[
                ("resource", "crm.owners,crm.pipelines.deals"),
                ("properties", "all"),
                ("before", "history"),
                ("associations", "contacts"),
                ("refresh.calculated", "1h"),
                ("audit.interval", "1h"),
                ("deletes.payload", "true"),
            ],
            &[
                "\"properties\", \"before\", \"associations\", \"refresh.calculated\", \"audit.interval\", \"deletes.payload\"",
            ],
        ),
        // What the Go SDK takes is checked, too.
        source("batch below nothing", &[("sdk.batch.size", "-1")], &["sdk.batch.size", "-1", "greater than"]),
        source("schema of another kind", &[("sdk.schema.extract.type", "json")], &["sdk.schema.extract.type", "avro"]),
        source("middleware of nobody", &[("sdk.batches", "1")], &["sdk.batches", "unrecognized parameter"]),
        // Ways to authenticate.
        source(
            "placeholder for a token",
            &[("accessToken", "${HUBSPOT_ACCESS_TOKEN}")],
            &["accessToken", "${HUBSPOT_ACCESS_TOKEN}", "placeholder", "set the variable where Conduit runs"],
        ),
        Case {
            settings: vec![
                ("accessToken", None),
                ("clientId", Some("an-app")),
                ("clientSecret", Some("$APP")),
                ("refreshToken", Some("s3cr3t-to-refresh")),
            ],
            ..source("placeholder for a secret", &[], &["clientSecret", "$APP", "placeholder"])
        },
        source(
            "two ways to authenticate",
            &[("clientId", "an-app"), ("clientSecret", "s3cr3t-of-the-app"), ("refreshToken", "s3cr3t-to-refresh")],
            &["accessToken", "clientId", "exclude each other"],
        ),
        Case {
            settings: vec![("accessToken", None), ("clientId", Some("an-app"))],
            ..source("half of OAuth", &[], &["clientId", "clientSecret", "refreshToken", "belong together"])
        },
        Case {
            settings: vec![
                ("accessToken", None),
                ("clientId", Some("an-app")),
                ("clientSecret", Some("s3cr3t-of-the-app")),
                ("refreshToken", Some("s3cr3t-to-refresh")),
            ],
            ..source("OAuth that HubSpot refuses", &[], &["refresh"])
        },
        // Where HubSpot is.
        source("base URL in clear", &[("baseUrl", "http://api.example.com")], &["baseUrl", "plain http", "use https"]),
        source("base URL of another kind", &[("baseUrl", "ftp://127.0.0.1")], &["baseUrl", "must start with https://"]),
        source("base URL that is none", &[("baseUrl", "hubspot")], &["baseUrl", "not a URL"]),
        source("nobody there", &[("baseUrl", "http://127.0.0.1:1"), ("maxRetries", "1")], &["127.0.0.1:1"]),
        // Positions.
        position("position that is no JSON", "page 7", &["position", "page 7", "isn't one of this connector"]),
        position("position of another kind", "[1, 2]", &["position", "isn't one of this connector"]),
        position("position of another connector", r#"{"lsn": 7}"#, &["position", "isn't one of this connector"]),
        position(
            "position of another resource",
            r#"{"v":1,"resource":"crm.companies","phase":"snapshot","start":1767323045000,"after":"51"}"#,
            &["position", "crm.companies", "crm.contacts"],
        ),
        position(
            "position of a newer version",
            r#"{"v":99,"resource":"crm.contacts","phase":"snapshot","start":1767323045000}"#,
            &["position", "99", "newer"],
        ),
        // What HubSpot refuses.
        Case {
            settings: vec![("accessToken", Some("pat-eu1-s3cr3t-of-nobody"))],
            requests: 0,
            ..source("wrong token", &[], &["401", "INVALID_AUTHENTICATION", "accessToken"])
        },
        refused("token that was revoked", Account::revoke_token, &["401", "AUTHENTICATION"]),
        refused(
            "missing scope",
            |account| account.set_scopes(Some(vec!["crm.objects.companies.read"])),
            &["403", "MISSING_SCOPES", "crm.objects.contacts.read"],
        ),
        refused("HTML for an answer", |account| always(account, Fault::Html200), &["200", "HTML"]),
        refused("half an answer", |account| always(account, Fault::CutBody), &["/crm/objects/2026-03/contacts"]),
        refused(
            "HTML for an error",
            |account| always(account, Fault::ServerError { status: 502, html: true }),
            &["502"],
        ),
        refused(
            "connections that break",
            |account| always(account, Fault::Reset),
            &["/crm/objects/2026-03/contacts", "127.0.0.1"],
        ),
    ]
}
