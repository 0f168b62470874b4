//! A pass over the list: how what is met is compared with what is remembered.

use std::iter::Peekable;

use opencdc::Operation;

use super::super::roll::{Entries, Kept, Prints, Roll};
use super::{Census, Finding, Found, Report, Work};
use crate::ask::Response;
use crate::error::AnswerError;
use crate::item::{ItemId, Millis};
use crate::payload::completion::{Completion, Needs, Piece};

/// So many objects are judged together when their associations are read: as many as one call takes.
const GATHERED: usize = 1_000;

/// So many property values of objects that wait for their associations are held at most, about: some 5 MB.
const GATHERED_VALUES: usize = 50_000;

/// One pass, under way.
#[derive(Debug)]
pub(super) struct Pass {
    /// The list's cursor.
    pub(super) after: Option<String>,
    /// What is compared, beside versions.
    pub(super) serves: Kept,
    pub(super) stage: Stage,
    pub(super) report: Report,
    /// When it began, by the caller's clock.
    began: Millis,
    /// The number of its first batch.
    first: u32,
    /// Versions before this are judged: the stream was through with them when the pass began.
    until: Millis,
    /// What the last pass met and this one hasn't reached yet; `None` if the last pass's roll isn't known.
    old: Option<Peekable<Entries>>,
    new: Roll,
    /// The id of the last object that was met.
    last: Option<u64>,
    /// Whether the list is read to its end.
    listed: bool,
    /// What is judged next.
    gathered: Vec<Piece>,
    values: usize,
}

/// What the request under way is for.
#[derive(Debug)]
pub(super) enum Stage {
    /// The next page.
    Listing,
    /// What all objects at hand need to be compared.
    Whole(Completion),
    /// What the objects need that are to be delivered; with what is remembered of each.
    Found(Completion, Vec<(Finding, Prints)>),
}

impl Pass {
    pub(super) fn new(kept: Kept, old: Option<Roll>, first: u32, began: Millis, until: Millis) -> Self {
        Self {
            after: None,
            serves: Kept::default(),
            stage: Stage::Listing,
            report: Report::default(),
            began,
            first,
            until,
            old: old.map(|roll| roll.into_iter().peekable()),
            new: Roll::new(kept),
            last: None,
            listed: false,
            gathered: Vec::new(),
            values: 0,
        }
    }

    /// Whether a page doesn't make a batch yet.
    fn gathers(&self) -> bool {
        let wide = self.serves.associations && self.gathered.len() < GATHERED && self.values < GATHERED_VALUES;
        wide && !self.listed
    }

    /// What all objects need, to be compared.
    fn needs_of_all(&self, needs: &Needs) -> Needs {
        let of = |served: bool, names: &Vec<String>| if served { names.clone() } else { Vec::new() };
        Needs {
            reread: of(self.serves.properties, &needs.reread),
            associations: of(self.serves.associations, &needs.associations),
            history: Vec::new(),
            winners: false,
            deleted_properties: None,
            ..needs.clone()
        }
    }

    /// What objects need beside that, to be delivered.
    fn needs_of_found(&self, needs: &Needs) -> Needs {
        let reread = if self.serves.properties { Vec::new() } else { needs.reread.clone() };
        // An object that is read again comes without its associations.
        let associated = self.serves.associations && reread.is_empty();
        let associations = if associated { Vec::new() } else { needs.associations.clone() };
        Needs { reread, associations, winners: false, deleted_properties: None, ..needs.clone() }
    }

    /// What the last pass noted of this object, if it met it. All before it have been taken.
    fn remembered(&mut self, id: u64) -> Option<Prints> {
        self.old.as_mut()?.next_if(|(old, _)| *old == id).map(|(_, prints)| prints)
    }
}

impl Census {
    /// Takes a step of the pass.
    pub(super) fn step(
        &mut self,
        mut pass: Box<Pass>,
        response: Response,
        now: Millis,
        needs: &Needs,
    ) -> Result<Vec<Found>, AnswerError> {
        let found = match std::mem::replace(&mut pass.stage, Stage::Listing) {
            Stage::Listing => self.page(&mut pass, response, needs)?,
            Stage::Whole(mut completion) => {
                if let Some(pieces) = completion.absorb(response) {
                    self.judge(&mut pass, pieces, needs)
                } else {
                    pass.stage = Stage::Whole(completion);
                    None
                }
            }
            Stage::Found(mut completion, findings) => {
                if let Some(pieces) = completion.absorb(response) {
                    Some(self.release(&mut pass, findings, pieces))
                } else {
                    pass.stage = Stage::Found(completion, findings);
                    None
                }
            }
        };
        let Some(found) = found else {
            self.work = Some(Work::Pass(pass));
            return Ok(Vec::new());
        };
        // From here on the next batch is asked for.
        self.batch = self.batch.wrapping_add(1);
        if pass.listed {
            self.finish(*pass, now);
        } else {
            self.work = Some(Work::Pass(pass));
        }
        Ok(found)
    }

    /// Takes a page; the findings, when it completes a batch that needs nothing more.
    fn page(&mut self, pass: &mut Pass, response: Response, needs: &Needs) -> Result<Option<Vec<Found>>, AnswerError> {
        for item in response.items {
            let id = item.id().ok_or(AnswerError::NoId)?;
            pass.values += item.property_names().count();
            pass.gathered.push(self.piece(id, Operation::Update, item));
        }
        pass.after = response.next;
        pass.listed = pass.after.is_none();
        if pass.gathers() {
            return Ok(None);
        }
        pass.values = 0;
        let pieces = std::mem::take(&mut pass.gathered);
        Ok(match Completion::begin(pieces, &pass.needs_of_all(needs)) {
            Ok(completion) => {
                pass.stage = Stage::Whole(completion);
                None
            }
            Err(pieces) => self.judge(pass, pieces, needs),
        })
    }

    /// Compares the objects at hand; the findings, if they need nothing more.
    fn judge(&mut self, pass: &mut Pass, pieces: Vec<Piece>, needs: &Needs) -> Option<Vec<Found>> {
        let (mut findings, mut found) = (Vec::new(), Vec::new());
        for mut piece in pieces {
            let ItemId::Number(id) = piece.id else { continue };
            if pass.last == Some(id) {
                continue;
            }
            if pass.last.is_some_and(|last| id < last) {
                // Not the order of ids: there is no telling what isn't listed, nor a roll to keep.
                pass.old = None;
                pass.new.give_up();
                self.vanished.forget_new();
            }
            pass.last = Some(id);
            pass.report.listed += u64::from(!piece.gone);
            if let Some((finding, known)) = self.meet(pass, id, &piece) {
                piece.known_version = match finding {
                    Finding::Missing => self.emitted.version(id),
                    Finding::Changed | Finding::Gone => piece.version,
                };
                findings.push((finding, known));
                found.push(piece);
            }
        }
        match Completion::begin(found, &pass.needs_of_found(needs)) {
            Ok(completion) => {
                pass.stage = Stage::Found(completion, findings);
                None
            }
            Err(found) => Some(self.release(pass, findings, found)),
        }
    }

    /// Compares one object, and notes it in the new roll.
    fn meet(&mut self, pass: &mut Pass, id: u64, piece: &Piece) -> Option<(Finding, Prints)> {
        self.unmet_before(pass, Some(id));
        let remembered = pass.remembered(id);
        let is_met = remembered.is_some() || self.emitted.version(id).is_some() || self.overlay.contains(id);
        let judged = piece.version.filter(|version| *version < pass.until);
        let missing = judged.is_some_and(|version| self.misses(pass, id, version, is_met));
        // Delivered since the page was asked for, it is perhaps newer than it is there.
        let is_newer = self.overlay.is_since(id, self.batch);
        let known =
            if is_newer { remembered.unwrap_or_default() } else { self.overlay.take(id, piece.version, remembered) };
        if piece.gone {
            // It was deleted since the page was read. Known still, it is missed by the next pass, if need be.
            if is_met {
                pass.new.push(id, known);
            }
            self.owed.extend(missing.then_some((id, self.batch)));
            return None;
        }
        self.emitted.list(id);
        self.owed.remove(&id);
        let says = if is_newer || judged.is_none() { Prints::default() } else { pass.serves.of(&piece.item) };
        let changed = says.contradict(known);
        let or = |says: u32, known: u32| if says == 0 { known } else { says };
        let properties = or(says.properties, known.properties);
        let associations = or(says.associations, known.associations);
        pass.new.push(id, Prints { properties, associations });
        match (missing, changed) {
            (true, _) => Some((Finding::Missing, known)),
            (false, true) => Some((Finding::Changed, known)),
            (false, false) => None,
        }
    }

    /// Whether the stream should have delivered this version and didn't.
    fn misses(&self, pass: &Pass, id: u64, version: Millis, is_met: bool) -> bool {
        if self.purposes.audit.is_none() || self.departed.is_since(id, self.batch) {
            return false;
        }
        // An older version is missing where the reader doesn't have the object: it was restored.
        let known = is_met && !self.departed.contains(id);
        let appeared = !known && !self.emitted.is_comparable(version) && pass.old.is_some() && self.emitted.is_whole();
        appeared || self.emitted.lacks(id, version) || self.owed.contains_key(&id)
    }

    /// What the last pass met before this id, and this one didn't, has vanished; of all that is left, without an id.
    fn unmet_before(&mut self, pass: &mut Pass, id: Option<u64>) {
        let Some(old) = &mut pass.old else { return };
        while let Some((unmet, prints)) = old.next_if(|(old, _)| id.is_none_or(|id| *old < id)) {
            let delivered = self.departed.contains(unmet) || self.emitted.is_fresh(unmet);
            if self.purposes.audit.is_none() || delivered {
                continue;
            }
            // Where deletions weren't all remembered, or too many have vanished, another pass is to miss it.
            if !(self.departed.is_whole() && self.vanished.note(unmet)) {
                pass.new.push(unmet, prints);
            }
        }
    }

    /// Takes what is to be delivered still, now that it is complete.
    fn release(&mut self, pass: &mut Pass, findings: Vec<(Finding, Prints)>, pieces: Vec<Piece>) -> Vec<Found> {
        let mut found = Vec::with_capacity(pieces.len());
        for ((finding, known), piece) in findings.into_iter().zip(pieces) {
            let ItemId::Number(id) = piece.id else { continue };
            let delivered = self.departed.is_since(id, self.batch)
                || match finding {
                    Finding::Missing => self.emitted.version(id) >= piece.version,
                    Finding::Changed | Finding::Gone => self.overlay.is_since(id, self.batch),
                };
            if delivered {
                continue;
            }
            // What has changed again while it was completed is the stream's to deliver.
            let Some(version) = piece.version.filter(|version| *version < pass.until && !piece.gone) else {
                if finding == Finding::Missing {
                    self.owed.insert(id, self.batch);
                }
                if self.kept.any() && !self.overlay.is_since(id, self.batch) {
                    // The reader has what it had.
                    self.overlay.deliver(id, piece.version, known, self.batch);
                }
                continue;
            };
            self.delivered(id, Some(version), &piece.item);
            if finding == Finding::Missing {
                pass.report.missing += 1;
            } else if self.kept.of(&piece.item).contradict(known) {
                pass.report.changed += 1;
            } else {
                // It says again what was delivered.
                continue;
            }
            found.push(Found { finding, piece });
        }
        found
    }

    /// The list has been read to its end.
    fn finish(&mut self, mut pass: Pass, now: Millis) {
        self.unmet_before(&mut pass, None);
        let vanished = &mut self.vanished;
        self.emitted.end(pass.until, |id| vanished.note(id));
        self.owed.retain(|id, batch| *batch >= pass.first || !vanished.note(*id));
        self.overlay.end(pass.first);
        self.departed.end(pass.first);
        pass.report.vanished = self.vanished.wait_until(now.saturating_add(self.patience)) as u64;
        pass.report.gone = std::mem::take(&mut self.gone);
        pass.report.remembered = !pass.new.is_full();
        pass.report.bytes = pass.new.bytes() as u64;
        self.report = Some(pass.report);
        self.roll = Some(pass.new).filter(|roll| !roll.is_full());
        let served = [true, pass.serves.properties, pass.serves.associations];
        for ((due, interval), served) in self.due.iter_mut().zip(self.purposes.intervals()).zip(served) {
            if served {
                *due = interval.map(|interval| pass.began.saturating_add(interval).max(now));
            }
        }
    }
}
