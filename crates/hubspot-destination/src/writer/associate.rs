//! The associations of what was written: with the create where it takes them, else when all of the batch is written, since their other
//! ends may be in it.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use hubspot_catalog::{Kind as Family, RESOURCES, Resource, custom};

use super::{Outcomes, Writer};
use crate::api::Api;
use crate::associations::{Asked, LinkReason, Linker};
use crate::carry::{Done, Outcome};
use crate::change::Change;
use crate::config::Associations;
use crate::error::{Failure, Misfit};
use crate::identity::Target;
use crate::plan::Kind;
use crate::prepare::Unfit;
use crate::routing::{Destined, destined};

/// What waits for its associations.
#[derive(Default)]
pub(super) struct Waiting {
    /// What was written, and its id.
    written: Vec<(Change, String)>,
    /// The objects that the batch has deleted.
    deleted: HashSet<(&'static str, String)>,
    /// Whether the ids of what was written are kept.
    keep: bool,
    /// The ids of what was written, by the value of its first unique property.
    known: Vec<(&'static str, String, String, String)>,
}

impl Waiting {
    /// Nothing waits yet. With `keep`, what is written will be looked for by other objects' associations.
    pub(super) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Keeps what has associations to be made, and hands back the rest.
    pub(super) fn take(&mut self, done: Done) -> Option<Done> {
        let Done { change, outcome } = done;
        let id = match (&outcome, &change.target) {
            (Ok(Outcome::Written(Some(id))), _) | (Ok(Outcome::Written(None)), Target::Id(id)) => id.clone(),
            // Which object was written isn't told, so that it can't be associated.
            (Ok(Outcome::Written(None)), _) if !change.links.is_empty() => {
                return Some(Done { change, outcome: Err(Failure::Unnamed) });
            }
            _ => return Some(Done { change, outcome }),
        };
        if change.kind.is_delete() {
            self.deleted.insert((change.resource.name, id));
            return Some(Done { change, outcome });
        }
        if self.keep
            && let (Some(object_type), Some((property, value))) = (object_type(change.resource), change.uniques.first())
        {
            self.known.push((object_type, property.to_string(), value.clone(), id.clone()));
        }
        if change.links.is_empty() {
            return Some(Done { change, outcome });
        }
        self.written.push((change, id));
        None
    }
}

/// The resource of an object type, as it stands in HubSpot's paths.
fn resource(object_type: &str) -> &'static Resource {
    let catalogued = RESOURCES.iter().find(|resource| self::object_type(resource) == Some(object_type));
    catalogued.unwrap_or_else(|| custom(object_type, object_type))
}

/// What stands in HubSpot's paths.
pub(super) fn object_type(resource: &'static Resource) -> Option<&'static str> {
    match &resource.kind {
        Family::Crm(crm) => Some(crm.object_type),
        Family::Cms(_) | Family::Directory(_) => None,
    }
}

impl<A: Api> Writer<A> {
    /// Puts associations into the creates that can take them, and gets ready for the others.
    pub(super) async fn inline(&self, changes: &mut [Change]) -> Waiting {
        if changes.iter().all(|change| change.links.is_empty()) {
            let later = self.config.associations == Associations::Write && self.config.source_id.is_some();
            return Waiting::new(later);
        }
        self.find_types(changes).await;
        let mut linker = self.linker.lock().await;
        for (name, object_type) in self.resources.custom_types() {
            linker.name_type(&name, object_type);
        }
        for change in changes {
            let Some(object_type) = object_type(change.resource) else { continue };
            if change.kind == Kind::Create && !change.links.is_empty() {
                change.inline = linker.inline(object_type, &change.links);
            }
        }
        Waiting::new(true)
    }

    /// Sees that the names of custom objects in associations are known, as far as the account tells them.
    async fn find_types(&self, changes: &[Change]) {
        let links = changes.iter().flat_map(|change| &change.links);
        let is_own = |name: &&str| !RESOURCES.iter().any(|resource| object_type(resource) == Some(*name));
        let names: HashSet<&str> = links.filter_map(|link| link.to.as_deref()).filter(is_own).collect();
        for name in names {
            let Ok(destined @ Destined::Custom(_)) = destined(&format!("crm.objects.{name}")) else { continue };
            match self.resources.find(&self.api, &destined).await {
                Ok(_) | Err(Unfit::Failure(Failure::Route(_)) | Unfit::Misfit(_)) => {}
                // The name goes out as it is, and HubSpot says what it thinks of it.
                Err(Unfit::Failure(failure)) => {
                    tracing::debug!(%failure, "the account's custom objects can't be looked up for associations");
                    return;
                }
            }
        }
    }

    /// Sees that other objects' types have the property by which ids of the source's are looked up: it is made where it is to be.
    async fn prepare_targets(&self, linker: &mut Linker, asked: &[Asked]) {
        let Some(source_id) = &self.config.source_id else { return };
        if !self.opened.load(Ordering::Relaxed) {
            return;
        }
        for object_type in linker.unsure(asked) {
            let resource = resource(&object_type);
            let property = source_id.property.clone();
            let can_be = match self.resources.prepare(&self.api, &self.config, resource).await {
                Err(Unfit::Misfit(Misfit::NoSourceId { .. })) => {
                    Err(LinkReason::NoSourceId { to: object_type.clone(), property })
                }
                Err(Unfit::Misfit(Misfit::NotUnique { property: not_unique, .. })) if not_unique == property => {
                    Err(LinkReason::NoSourceId { to: object_type.clone(), property })
                }
                Err(Unfit::Failure(failure @ Failure::NotMade { .. })) => Err(failure.into()),
                // Whatever else doesn't fit is no matter here.
                Ok(_) | Err(Unfit::Misfit(_)) => Ok(()),
                // Nothing could be learnt: the look-up tells.
                Err(Unfit::Failure(_)) => continue,
            };
            linker.found_by_source_id(object_type, can_be);
        }
    }

    /// Makes the associations that wait, and concludes their records.
    pub(super) async fn associate(&self, waiting: Waiting, outcomes: &mut Outcomes) {
        let Waiting { written, deleted, known, .. } = waiting;
        if written.is_empty() && known.is_empty() {
            return;
        }
        let mut linker = self.linker.lock().await;
        for (object_type, property, value, id) in known {
            linker.remember(object_type, &property, &value, &id);
        }
        let mut asked = Vec::with_capacity(written.len());
        let mut all = Vec::with_capacity(written.len());
        for (mut change, id) in written {
            let gone = deleted.contains(&(change.resource.name, id.clone()));
            if let Some(from_type) = object_type(change.resource).filter(|_| !gone) {
                let links = std::mem::take(&mut change.links);
                asked.push(Asked { place: all.len(), from_type: from_type.to_owned(), from_id: id.clone(), links });
            }
            all.push((change, id, None));
        }
        self.prepare_targets(&mut linker, &asked).await;
        for (place, outcome) in linker.link(self.api.links(), asked).await {
            all[place].2 = outcome.err();
        }
        for (change, id, failure) in all {
            let outcome = match failure {
                None => Ok(Outcome::Written(Some(id))),
                Some(failure) => Err(Failure::NotAssociated { id, failure }),
            };
            self.conclude(outcomes, Done { change, outcome });
        }
    }
}
