use super::*;

fn parse(list: &[&str]) -> Result<Selection, SelectionError> {
    Selection::parse(&list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// An account with three object types, in no order.
fn account() -> Vec<CustomObject> {
    [("cars", "2-7"), ("boats", "2-8"), ("animals", "2-9")]
        .map(|(name, id)| CustomObject {
            name: name.to_owned(),
            fully_qualified_name: format!("p123_{name}"),
            object_type_id: id.to_owned(),
        })
        .to_vec()
}

fn resolve(list: &[&str]) -> Result<Vec<&'static str>, SelectionError> {
    Ok(parse(list)?.resolve(&account())?.into_iter().map(|resource| resource.name).collect())
}

#[test]
fn a_plain_name_is_that_resource_and_takes_no_look_up() {
    for resource in RESOURCES {
        let selection = parse(&[resource.name]).unwrap();
        assert!(!selection.needs_schemas(), "{}", resource.name);
        assert_eq!(selection.single(), Some(resource));
        assert_eq!(selection.resolve(&[]).unwrap(), [resource]);
    }
    assert_eq!(parse(&["crm.contacts", "crm.deals"]).unwrap().single(), None);
    assert_eq!(parse(&["crm.contact*"]).unwrap().single(), None);
}

#[test]
fn lists_come_in_the_catalogues_order_each_resource_once() {
    let names =
        resolve(&["crm.objects.cars", "cms.blogs.*", " crm.contacts ", "", "crm.companies", "crm.c*act*"]).unwrap();
    assert_eq!(
        names,
        ["crm.companies", "crm.contacts", "cms.blogs.authors", "cms.blogs.posts", "cms.blogs.tags", "crm.objects.cars"]
    );
    assert_eq!(
        resolve(&["cms.blogs.tags", "crm.contacts", "cms.blogs.tags"]).unwrap(),
        ["crm.contacts", "cms.blogs.tags"]
    );
}

#[test]
fn a_star_has_all_and_exclusions_take_away_wherever_they_stand() {
    let all = resolve(&["*"]).unwrap();
    assert_eq!(all.len(), RESOURCES.len() + 3);
    assert_eq!(all[RESOURCES.len()..], ["crm.objects.animals", "crm.objects.boats", "crm.objects.cars"]);

    let some = resolve(&["!crm.pipelines.*", "crm.*", "!crm.objects.b*", "!crm.contacts"]).unwrap();
    assert!(some.contains(&"crm.owners") && some.contains(&"crm.stages.deals") && some.contains(&"crm.objects.cars"));
    for gone in ["crm.pipelines.deals", "crm.objects.boats", "crm.contacts", "cms.blogs.posts"] {
        assert!(!some.contains(&gone), "{gone}");
    }
}

#[test]
fn custom_objects_are_found_by_either_name_and_keep_an_id_that_they_are_asked_by() {
    assert_eq!(resolve(&["crm.objects.cars"]).unwrap(), ["crm.objects.cars"]);
    assert_eq!(resolve(&["crm.objects.p123_cars"]).unwrap(), ["crm.objects.cars"]);
    assert_eq!(resolve(&["crm.objects.p123_c*", "crm.objects.cars"]).unwrap(), ["crm.objects.cars"]);
    assert_eq!(resolve(&["crm.objects.2-7"]).unwrap(), ["crm.objects.2-7"]);
    // Asked for in both ways it is one resource still.
    assert_eq!(resolve(&["crm.objects.2-7", "crm.objects.c*"]).unwrap(), ["crm.objects.2-7"]);
    assert_eq!(
        resolve(&["crm.objects.*", "!crm.objects.2-7", "!crm.objects.p123_boats"]).unwrap(),
        ["crm.objects.animals"]
    );
}

#[test]
fn two_of_one_name_stay_two() {
    let mut account = account();
    let app =
        CustomObject { name: "cars".into(), fully_qualified_name: "a9_cars".into(), object_type_id: "2-70".into() };
    account.push(app);
    let cars = parse(&["crm.objects.cars"]).unwrap().resolve(&account).unwrap();
    let names: Vec<_> = cars.iter().map(|resource| resource.name).collect();
    assert_eq!(names, ["crm.objects.a9_cars", "crm.objects.p123_cars"]);
}

#[test]
fn ids_alone_take_no_look_up() {
    let selection = parse(&["crm.objects.2-77", "crm.contacts"]).unwrap();
    assert!(!selection.needs_schemas());
    let names: Vec<_> = selection.resolve(&[]).unwrap().iter().map(|resource| resource.name).collect();
    assert_eq!(names, ["crm.contacts", "crm.objects.2-77"]);
    assert_eq!(parse(&["crm.objects.2-77"]).unwrap().single().map(|resource| resource.name), Some("crm.objects.2-77"));

    for list in [&["crm.objects.cars"][..], &["crm.*"], &["*"], &["crm.objects.2-7", "!crm.objects.cars"]] {
        assert!(parse(list).is_ok_and(|selection| selection.needs_schemas()), "{list:?}");
    }
    for list in [&["cms.*"][..], &["crm.pipelines.*", "crm.owners"], &["crm.objects.2-7", "crm.*s", "!crm.*s"]] {
        let needs = parse(list).is_ok_and(|selection| selection.needs_schemas());
        assert_eq!(needs, list.contains(&"crm.*s"), "{list:?}");
    }
}

#[test]
fn what_is_wrong_with_a_list_is_said_as_early_as_can_be() {
    let error = |list: &[&str]| parse(list).unwrap_err();
    assert_eq!(error(&[]), SelectionError::Empty);
    assert_eq!(error(&[" ", ""]), SelectionError::Empty);
    assert_eq!(error(&["!crm.contacts"]), SelectionError::OnlyExclusions);
    assert!(error(&["crm.contcats"]).to_string().contains("did you mean \"crm.contacts\"?"));
    assert!(error(&["crm.*", "!crm.contcats"]).to_string().contains("did you mean \"crm.contacts\"?"));
    assert!(matches!(error(&["crm."]), SelectionError::Unknown(_)));
    assert!(matches!(error(&["crm.objects."]), SelectionError::Unknown(_)));
    assert_eq!(error(&["cms.x*"]), SelectionError::NothingMatches { glob: "cms.x*".into(), known: None });
    for exclusion in ["!crm.deals", "!crm.d*", "!crm.objects.cars"] {
        assert_eq!(
            error(&["crm.contacts", exclusion]),
            SelectionError::NothingExcluded { exclusion: exclusion.into() }
        );
    }
    // Exclusions may overlap.
    assert!(parse(&["cms.*", "!cms.blogs.*", "!cms.blogs.t*"]).is_ok());
    assert_eq!(error(&["crm.contacts", "!crm.con*"]), SelectionError::EverythingExcluded);
}

#[test]
fn what_only_the_account_can_tell_is_told_with_what_it_has() {
    let error = resolve(&["crm.contacts", "crm.objects.karts"]).unwrap_err();
    let known = ["crm.objects.animals", "crm.objects.boats", "crm.objects.cars"].map(str::to_owned).to_vec();
    assert_eq!(error, SelectionError::UnknownCustomObject { name: "crm.objects.karts".into(), known: known.clone() });
    assert_eq!(
        error.to_string(),
        "\"crm.objects.karts\" is no custom object of the account; its custom objects are crm.objects.animals, crm.objects.boats, \
         crm.objects.cars"
    );
    assert!(matches!(resolve(&["crm.objects.2-1", "crm.*"]), Err(SelectionError::UnknownCustomObject { .. })));
    assert_eq!(
        resolve(&["crm.objects.x*"]),
        Err(SelectionError::NothingMatches { glob: "crm.objects.x*".into(), known: Some(known) })
    );
    assert_eq!(
        resolve(&["crm.*", "!crm.objects.karts"]),
        Err(SelectionError::NothingExcluded { exclusion: "!crm.objects.karts".into() })
    );
    assert_eq!(resolve(&["crm.objects.*", "!crm.objects.*"]), Err(SelectionError::EverythingExcluded));
    let none = parse(&["crm.objects.*"]).unwrap().resolve(&[]).unwrap_err();
    assert!(none.to_string().ends_with("the account has no custom objects, or the token may not see them"), "{none}");
}

#[test]
fn custom_objects_may_be_left_out_where_there_are_none() {
    let list = ["crm.*", "!crm.objects.*"].map(str::to_owned);
    let resources = Selection::parse(&list).unwrap().resolve(&[]).unwrap();
    assert!(!resources.is_empty());
    let list = ["crm.*", "!crm.objects.boats"].map(str::to_owned);
    let error = Selection::parse(&list).unwrap().resolve(&[]).unwrap_err();
    assert!(matches!(error, SelectionError::NothingExcluded { .. }), "{error:?}");
}
