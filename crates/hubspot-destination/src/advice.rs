//! What to do about a refusal of HubSpot's.

use crate::error::Refusal;

/// What HubSpot's codes for a fault mean for the one who sent the record.
const BY_CODE: [(&str, &str); 9] = [
    ("PROPERTY_DOESNT_EXIST", "create the property in HubSpot, or leave it out of the record"),
    ("READ_ONLY_VALUE", "leave the property out of the record: HubSpot sets it itself"),
    ("INVALID_OPTION", "use one of the property's options, or add the option in HubSpot"),
    ("INVALID_INTEGER", "send a whole number"),
    ("INVALID_LONG", "send a whole number"),
    ("INVALID_DATE", "send midnight UTC, as YYYY-MM-DD or in milliseconds since the epoch"),
    ("INVALID_EMAIL", "send a valid email address"),
    ("REQUIRED_FIELD", "send the property that HubSpot requires"),
    ("MISSING_REQUIRED_PROPERTY", "send the property that HubSpot requires"),
];

/// One sentence on what to do, where there is something to say.
pub(crate) fn on(refusal: &Refusal) -> Option<String> {
    if let Some(id) = refusal.existing_id() {
        return Some(format!(
            "it exists already: update object {id} instead (`mode: upsert` with an `idProperty` does), or remove the duplicate; with \
             `sourceId.property`, give object {id} the source's id"
        ));
    }
    let by_code = refusal.details.iter().find_map(|detail| {
        let code = detail.code.as_str();
        BY_CODE.iter().find(|(known, _)| *known == code).map(|(_, advice)| (*advice).to_owned())
    });
    if by_code.is_some() {
        return by_code;
    }
    match (refusal.status, refusal.category.as_str()) {
        (401, _) => Some("check the access token: it is wrong, expired or revoked".to_owned()),
        (403, _) => Some(scopes(refusal)),
        (404, category) if category != "OBJECT_NOT_FOUND" && !refusal.of_one => {
            Some("check that the account has this object type, and the ids in the record's associations".to_owned())
        }
        (404, _) | (_, "OBJECT_NOT_FOUND") => {
            Some("there is no such object in this account: check the ids in the record's key and associations, or set `onMissing`".to_owned())
        }
        _ => None,
    }
}

fn scopes(refusal: &Refusal) -> String {
    let mut scopes: Vec<&str> = ["requiredGranularScopes", "requiredScopes", "missingScopes"]
        .iter()
        .flat_map(|name| refusal.named(name))
        .collect();
    scopes.dedup();
    if scopes.is_empty() {
        "give the access token the scope for writing this resource".to_owned()
    } else {
        format!("give the access token the scopes {}", scopes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Detail;

    #[test]
    fn each_kind_of_refusal_says_what_to_do() {
        let conflict = Refusal { status: 409, message: "Existing ID: 7".into(), ..Refusal::default() };
        assert!(on(&conflict).unwrap().contains("update object 7"));
        let context = [("requiredGranularScopes".to_owned(), vec!["crm.objects.deals.write".to_owned()])];
        let detail = Detail { context: context.into(), ..Detail::default() };
        let missing = Refusal { status: 403, details: vec![detail], ..Refusal::default() };
        assert_eq!(on(&missing).unwrap(), "give the access token the scopes crm.objects.deals.write");
        assert!(on(&Refusal { status: 401, ..Refusal::default() }).unwrap().contains("access token"));
        assert!(
            on(&Refusal { category: "OBJECT_NOT_FOUND".into(), ..Refusal::default() })
                .unwrap()
                .contains("no such object")
        );
        assert_eq!(on(&Refusal { status: 400, ..Refusal::default() }), None);
    }
}
