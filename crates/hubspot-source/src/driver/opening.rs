//! What a source says when it is opened: from where it reads.

use hubspot_catalog::Resource;

use super::span::span;
use crate::item::Millis;
use crate::position::{Cursor, Followed, Resume, Resumption, Snapshotted};

/// In what way resources go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Follow,
    Snapshot,
    Directory,
    GoFollow,
    GoSnapshot,
    New,
}

/// From where a source reads.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The resources of each mode, with how old the oldest place of these is, in milliseconds.
    modes: Vec<(Mode, Vec<&'static str>, Option<Millis>)>,
    /// How old the oldest place of all is.
    pub(super) oldest_ms: Option<Millis>,
    pub(super) resumed: usize,
    pub(super) new: usize,
}

impl Opening {
    /// By a position, at `now` of this machine's clock, which may not be HubSpot's.
    pub(super) fn new(resources: &[&'static Resource], resumption: &Resumption, now: Millis) -> Self {
        let mut opening = Self::default();
        for resource in resources {
            let (mode, at) = place(resumption.resources.get(resource.name));
            let age = at.map(|at| (now - at).max(0));
            opening.oldest_ms = opening.oldest_ms.max(age);
            *(if mode == Mode::New { &mut opening.new } else { &mut opening.resumed }) += 1;
            match opening.modes.iter_mut().find(|(known, ..)| *known == mode) {
                Some((_, names, oldest)) => {
                    names.push(resource.name);
                    *oldest = (*oldest).max(age);
                }
                None => opening.modes.push((mode, vec![resource.name], age)),
            }
        }
        opening
    }

    /// In words.
    pub(super) fn sentence(&self) -> String {
        let mut parts = Vec::with_capacity(self.modes.len());
        for (mode, names, age) in &self.modes {
            let names = names.join(", ");
            let ago = age.map_or_else(|| "an unknown time".to_owned(), span);
            parts.push(match mode {
                Mode::Follow => format!("changes of {names} since {ago} ago"),
                Mode::Snapshot => format!("what is left of the snapshot of {names}, begun {ago} ago"),
                Mode::Directory => format!("the entries of {names}, with what changed since {ago} ago"),
                Mode::GoFollow => format!("changes of {names} since {ago} ago, where the Go connector stood"),
                Mode::GoSnapshot => {
                    format!("the snapshot of {names} anew, instead of the Go connector's, begun {ago} ago")
                }
                Mode::New => format!("{names} from the beginning"),
            });
        }
        let what = parts.join("; ");
        if self.resumed == 0 { format!("starting: {what}") } else { format!("resuming: {what}") }
    }
}

/// How a resource goes on, and how far it has come.
fn place(resume: Option<&Resume>) -> (Mode, Option<Millis>) {
    match resume {
        None => (Mode::New, None),
        Some(Resume::GoSnapshot { initial }) => (Mode::GoSnapshot, *initial),
        Some(Resume::GoCdc { timestamp }) => (Mode::GoFollow, *timestamp),
        Some(Resume::At(Cursor::Snapshot(Snapshotted { start, .. }))) => (Mode::Snapshot, Some(*start)),
        Some(Resume::At(Cursor::Follow(Followed { settled, .. }))) => (Mode::Follow, Some(*settled)),
        Some(Resume::At(Cursor::Directory(directory))) => (Mode::Directory, Some(directory.since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::parse;

    const NOW: Millis = 1_767_323_760_000;

    fn opening(position: &str, names: &[&str]) -> Opening {
        let resources: Vec<_> = names.iter().map(|name| hubspot_catalog::find(name).unwrap()).collect();
        let resumption = parse(&opencdc::Position::new(position), names).unwrap().unwrap_or_default();
        Opening::new(&resources, &resumption, NOW)
    }

    #[test]
    fn it_says_of_each_resource_how_and_from_when() {
        let follow = r#"{"v":1,"resource":"crm.contacts","n":18,"phase":"follow","start":1767323045000,"known":1767323045000,"settled":1767323100000,"fast":1767323160123,"sweep":1767323100000}"#;
        let mixed = opening(follow, &["crm.contacts", "crm.deals", "crm.owners"]);
        assert_eq!(
            mixed.sentence(),
            "resuming: changes of crm.contacts since 11m ago; crm.deals, crm.owners from the beginning"
        );
        assert_eq!((mixed.resumed, mixed.new, mixed.oldest_ms), (1, 2, Some(660_000)));
        let snapshot =
            r#"{"v":1,"resource":"crm.contacts","n":17,"phase":"snapshot","start":1767316560000,"after":"51"}"#;
        assert_eq!(
            opening(snapshot, &["crm.contacts"]).sentence(),
            "resuming: what is left of the snapshot of crm.contacts, begun 2h ago"
        );
        assert_eq!(
            opening("", &["crm.contacts", "crm.deals"]).sentence(),
            "starting: crm.contacts, crm.deals from the beginning"
        );
    }

    #[test]
    fn a_position_of_the_future_is_no_age() {
        let follow = r#"{"v":1,"resource":"crm.contacts","phase":"follow","start":1767323045000,"known":1767323045000,"settled":1767399999000,"fast":1767399999000,"sweep":1767323100000}"#;
        assert_eq!(opening(follow, &["crm.contacts"]).oldest_ms, Some(0));
    }
}
