//! Values and maps are what serde_json's are: converted, read and written alike.

use opencdc::{CompactString, Data, Map, Metadata, Number, Value, value};
use proptest::prelude::*;
use serde_json::json;

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        "\\PC{0,40}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("\\PC{0,30}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_is_converted_read_and_written_as_serde_jsons_is(theirs in values(), other in values()) {
        let ours = Value::from(theirs.clone());
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(&theirs, &ours);
        prop_assert_eq!(ours == other, theirs == other);
        let converted = Value::from(other.clone());
        prop_assert_eq!(ours == converted, theirs == other);
        prop_assert_eq!(serde_json::Value::from(ours.clone()), theirs.clone());

        let text = theirs.to_string();
        prop_assert_eq!(&ours.to_string(), &text);
        prop_assert_eq!(&serde_json::to_string(&ours).unwrap(), &text);
        prop_assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            Value::from(serde_json::from_str::<serde_json::Value>(&text).unwrap())
        );
        prop_assert_eq!(serde_json::from_value::<Value>(theirs.clone()).unwrap(), ours.clone());
        prop_assert_eq!(serde_json::to_value(&ours).unwrap(), theirs);
    }

    #[test]
    fn text_that_is_no_json_is_refused_as_serde_json_does(text in "[\\[\\]{}:,\"a1 ]{0,12}") {
        let (ours, theirs) = (serde_json::from_str::<Value>(&text), serde_json::from_str::<serde_json::Value>(&text));
        prop_assert_eq!(ours.map_err(|error| error.to_string()).map(Into::into), theirs.map_err(|error| error.to_string()));
    }
}

#[test]
fn a_value_is_read_by_its_kind_and_nothing_else() {
    let all = [value!(null), value!(true), value!(-7), value!("text"), value!([1]), value!({"a": 1})];
    let kinds =
        |it: &Value| [it.is_null(), it.is_boolean(), it.is_number(), it.is_string(), it.is_array(), it.is_object()];
    for (kind, it) in all.iter().enumerate() {
        assert!(kinds(it).into_iter().enumerate().all(|(other, is)| is == (kind == other)), "{it}");
    }
    let [null, yes, number, text, list, map] = &all;
    assert_eq!((yes.as_bool(), null.as_bool()), (Some(true), None));
    assert_eq!((number.as_i64(), number.as_u64(), number.as_f64()), (Some(-7), None, Some(-7.0)));
    assert_eq!((number.as_number(), text.as_number()), (Some(&Number::from(-7)), None));
    assert_eq!((text.as_str(), number.as_str()), (Some("text"), None));
    assert_eq!((list.as_array().map(Vec::len), map.as_array()), (Some(1), None));
    assert_eq!((map.as_object().map(Map::len), list.as_object()), (Some(1), None));
    assert_eq!((map.get("a"), map.get("b"), text.get("a")), (Some(&value!(1)), None, None));
    assert!(map["b"].is_null() && list[7].is_null() && text["a"].is_null());
    assert_eq!(value!(u64::MAX).as_i64(), None);
    assert!(Value::from(f64::NAN).is_null() && Value::from(None::<i64>).is_null());
}

#[test]
fn a_value_compares_with_what_it_holds() {
    assert_eq!(value!("a"), "a");
    assert_eq!(value!("a"), *"a");
    assert_eq!(value!("a"), String::from("a"));
    assert_eq!(value!(true), true);
    assert_eq!(value!(-1), -1);
    assert_eq!(value!(7), 7_u64);
    assert_eq!(value!(7), 7_i64);
    assert_eq!(value!(0.5), 0.5);
    assert_eq!(value!(2), vec![1, 2].len());
    assert_eq!("a", value!("a"));
    assert_eq!(7, value!(7));
    assert_ne!(value!(1), "1");
    assert_ne!(value!(7.0), 7_i64);
    assert_ne!(value!(null), f64::NAN);
}

#[test]
fn fields_are_in_the_order_of_their_names_each_once() {
    let mut map: Map = [("b", 1), ("a", 2), ("b", 3)].into_iter().collect();
    assert_eq!(map, Map::from([("a", 2), ("b", 3)]));
    assert_eq!(map.insert("c", "new"), None);
    assert_eq!(map.insert("a", "new"), Some(value!(2)));
    map.extend([("0", Value::Null), ("c", value!([]))]);
    assert_eq!(map.keys().collect::<Vec<_>>(), ["0", "a", "b", "c"]);
    assert_eq!(map.values().next_back(), Some(&value!([])));
    if let Some(value) = map.get_mut("b") {
        *value = value!(4);
    }
    map.values_mut().filter(|value| value.is_null()).for_each(|value| *value = value!("was null"));
    for (name, value) in map.iter_mut() {
        if name == "c" {
            *value = name.into();
        }
    }
    map.retain(|name, _| name != "a");
    assert_eq!(map.remove("nobody"), None);
    assert!(map.contains_key("0") && !map.contains_key("a"));
    assert_eq!(map, *json!({"0": "was null", "b": 4, "c": "c"}).as_object().unwrap());
    assert_eq!(format!("{:?}", Map::from([("a", Value::Null)])), r#"{"a": Null}"#);
    assert_eq!(Data::from([("a", 1)]), Data::from(Map::from([("a", 1)])));
}

#[test]
fn a_field_that_comes_again_in_json_is_the_last() {
    let map: Map = serde_json::from_str(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    assert_eq!(map, Map::from([("a", 3), ("b", 2)]));
    assert!(serde_json::from_str::<Map>("[]").unwrap_err().to_string().contains("an object"));
}

#[test]
fn names_of_metadata_are_the_same_however_they_are_held() {
    for name in [
        "",
        "short",
        Metadata::COLLECTION,
        Metadata::KEY_SCHEMA_SUBJECT,
        Metadata::KEY_SCHEMA_VERSION,
        Metadata::PAYLOAD_SCHEMA_SUBJECT,
        Metadata::PAYLOAD_SCHEMA_VERSION,
        "conduit.source.connector.id",
        "somebody.else's name, and a long one",
    ] {
        assert_eq!(Metadata::held_name(name), CompactString::from(name));
    }
    assert!(!Metadata::held_name(Metadata::KEY_SCHEMA_SUBJECT).is_heap_allocated());
}

#[test]
fn many_fields_of_one_name_take_the_memory_of_one() {
    let map: Map = (0..100_000).map(|number| ("a", number)).collect();
    assert_eq!(map, Map::from([("a", 99_999)]));
}

/// `serde_json` gives numbers as such objects where a crate of the program has turned `arbitrary_precision` on.
#[test]
fn a_number_is_one_however_serde_json_gives_it() {
    let number =
        |text: &str| serde_json::from_str::<Value>(&format!(r#"{{"$serde_json::private::Number":{text}}}"#)).unwrap();
    assert_eq!(number(r#""1.5""#), 1.5);
    assert_eq!(number(r#""-7""#), -7);
    assert!(number(r#""none""#).is_object() && number("7").is_object());
    let deserializer = serde::de::value::I128Deserializer::<serde::de::value::Error>::new(7);
    assert_eq!(<Value as serde::Deserialize>::deserialize(deserializer).unwrap(), 7);
    let deserializer = serde::de::value::U128Deserializer::<serde::de::value::Error>::new(u128::MAX);
    assert!(<Value as serde::Deserialize>::deserialize(deserializer).unwrap_err().to_string().contains("64 bits"));
}
