//! An account's own object types, which are known at run time only.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::{Crm, Kind, Operations, Resource};

/// What the names of custom objects begin with.
pub const CUSTOM_PREFIX: &str = "crm.objects.";

/// An object type of the account's own, as its schema names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomObject {
    /// The schema's name, such as `cars`.
    pub name: String,
    /// The name with the account's prefix, such as `p123_cars`.
    pub fully_qualified_name: String,
    /// The id that stands in paths, such as `2-456`.
    pub object_type_id: String,
}

/// By name and object type id.
type Interned = HashMap<(String, String), &'static Resource>;

static INTERNED: LazyLock<Mutex<Interned>> = LazyLock::new(Mutex::default);

/// The resource `crm.objects.<name>`: the custom object type of this id.
///
/// Equal arguments give the same resource. Each distinct one is kept for the life of the process; an account has a few hundred object
/// types at most, so that is little memory.
///
/// HubSpot gives all custom objects `hs_createdate` and `hs_lastmodifieddate`, and lets one write and merge them.
///
/// ```
/// let cars = hubspot_catalog::custom("cars", "2-456");
/// assert_eq!(cars.name, "crm.objects.cars");
/// assert!(std::ptr::eq(cars, hubspot_catalog::custom("cars", "2-456")));
/// ```
pub fn custom(name: &str, object_type_id: &str) -> &'static Resource {
    let mut interned = INTERNED.lock().unwrap_or_else(PoisonError::into_inner);
    interned
        .entry((name.to_owned(), object_type_id.to_owned()))
        .or_insert_with(|| Box::leak(Box::new(resource(name, object_type_id))))
}

fn resource(name: &str, object_type_id: &str) -> Resource {
    let object_type_id: &str = Box::leak(object_type_id.into());
    Resource {
        name: Box::leak(format!("{CUSTOM_PREFIX}{name}").into_boxed_str()),
        title: Box::leak(name.into()),
        kind: Kind::Crm(Crm {
            object_type: object_type_id,
            object_type_id,
            created_property: "hs_createdate",
            updated_property: "hs_lastmodifieddate",
            merge: true,
            gdpr: false,
        }),
        operations: Operations { create: true, update: true, delete: true },
        read_scopes: &["crm.objects.custom.read"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_are_one_and_others_are_not() {
        let cars = custom("cars", "2-456");
        assert!(std::ptr::eq(cars, custom("cars", "2-456")));
        assert!(!std::ptr::eq(cars, custom("cars", "2-457")));
        assert_eq!(custom("2-456", "2-456").name, "crm.objects.2-456");
        let Kind::Crm(crm) = cars.kind else { panic!("it is a CRM object type") };
        assert_eq!((crm.object_type, crm.object_type_id), ("2-456", "2-456"));
    }
}
