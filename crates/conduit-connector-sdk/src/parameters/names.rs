//! Which settings a parameter's name stands for: one, or with a `*` in it as many as there are.

use std::collections::{BTreeMap, BTreeSet};

/// The names of the settings that a parameter is about, those of absent ones included: with `collection.*.format`, every
/// collection of which anything is said has a format.
///
/// As in Conduit's Go SDK a `*` stands for what is between two dots; at the end it stands for all that follows, dots included.
pub(super) fn of(values: &BTreeMap<String, String>, name: &str) -> BTreeSet<String> {
    let Some((before, after)) = name.split_once('*') else {
        return BTreeSet::from([name.to_owned()]);
    };
    let found = keys(values, before, after.is_empty());
    found.iter().flat_map(|key| of(values, &format!("{before}{key}{after}"))).collect()
}

/// What stands behind a beginning of names: all of it, or what is before the next dot.
pub(super) fn keys(values: &BTreeMap<String, String>, before: &str, whole: bool) -> BTreeSet<String> {
    values
        .keys()
        .filter_map(|name| {
            let rest = name.strip_prefix(before)?;
            let key = if whole { rest } else { rest.split_once('.')?.0 };
            (!key.is_empty() && !key.contains('*')).then(|| key.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str) -> Vec<String> {
        let keys = ["c.a.format", "c.b.size", "c.d", "h.x", "h.y.z", "n.1.m.2.v", "n.1.m.3.w", "c..e"];
        let values = keys.into_iter().map(|key| (key.to_owned(), String::new())).collect();
        of(&values, name).into_iter().collect()
    }

    #[test]
    fn a_star_is_a_part_and_at_the_end_all_that_follows() {
        assert_eq!(names("plain"), ["plain"]);
        assert_eq!(names("c.*.format"), ["c.a.format", "c.b.format"]);
        assert_eq!(names("h.*"), ["h.x", "h.y.z"]);
        assert_eq!(names("n.*.m.*.v"), ["n.1.m.2.v", "n.1.m.3.v"]);
        assert!(names("q.*").is_empty());
    }
}
