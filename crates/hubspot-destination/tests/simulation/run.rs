//! The destination, its records and its account, until all records are answered; and what must hold in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::time::Duration;

use fastrand::Rng;
use hubspot_client::{Auth, Client};
use hubspot_destination::{HubSpotDestination, RecordError};
use hubspot_emulator::{Account, Emulator, Settings};
use serde_json::Value;

use super::account::{self, Landmarks};
use super::answers::{self, Answer};
use super::history::{Deed, Fault, Verb, Writer};
use super::model::{Company, Model, Thing, told};
use super::seeds::{Summary, tells};
use super::setting::{Place, Setting, Trouble};

const TOKEN: &str = "pat-sim";

/// How often the client tries again.
const RETRIES: u32 = 3;

/// Runs the history of a seed.
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    // One thread for all: once it rests, nothing is under way any more.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let setting = Setting::of_seed(seed);
    runtime.block_on(async {
        let settings = Settings { whole_batch_failures: setting.whole_batches, seed, ..Settings::default() };
        let emulator =
            Emulator::builder().account(TOKEN).settings(settings).start().await.map_err(|error| error.to_string())?;
        let account = emulator.account(TOKEN);
        let landmarks = Landmarks::set(&account, &setting);
        let deeds = Writer::new(seed, &setting, &landmarks).history();
        let mut run = Run {
            setting: &setting,
            url: emulator.url(),
            account,
            landmarks: &landmarks,
            rng: Rng::with_seed(seed ^ 0x0072_756e),
            model: Model::new(&setting, &landmarks),
            summary: Summary::default(),
            allowed: 0,
        };
        if tells() {
            eprintln!("{setting:?}");
        }
        run.all(&deeds).await?;
        run.judge()?;
        let counters = run.account.counters();
        run.summary.faults = usize::try_from(counters.faults).unwrap_or_default();
        run.summary.requests = usize::try_from(counters.requests).unwrap_or_default();
        run.judge_requests()?;
        Ok(run.summary)
    })
}

struct Run<'a> {
    setting: &'a Setting,
    url: String,
    account: Account,
    landmarks: &'a Landmarks,
    rng: Rng,
    model: Model<'a>,
    summary: Summary,
    /// So many requests there may be.
    allowed: usize,
}

impl Run<'_> {
    async fn all(&mut self, deeds: &[Deed]) -> Result<(), String> {
        let rates = account::rates(self.setting.trouble, &mut self.rng);
        self.account.set_settings(|settings| settings.fault_rates = rates);
        let mut destination = self.open().await?;
        let (mut at, mut restarts) = (0, self.setting.restarts);
        while at < deeds.len() {
            let batch = &deeds[at..deeds.len().min(at + self.rng.usize(1..=self.setting.batch))];
            account::trouble(&self.account, self.setting.trouble, &mut self.rng);
            let restart = restarts > 0 && self.rng.u8(..4) == 0;
            if restart && self.rng.bool() {
                // It ends in the middle of a batch, which comes again. With more records the states that one object may be in get too many.
                let batch = &batch[..batch.len().min(12)];
                self.tell(&format!("{} records, and the end", batch.len()));
                self.write_and_die(destination, batch).await?;
            } else {
                self.tell(&format!("{} records", batch.len()));
                self.write(&mut destination, batch).await?;
                if !restart {
                    at += batch.len();
                    continue;
                }
                // All is answered, but not all of the answers are kept.
                self.tell("a restart");
                at += self.rng.usize(..=batch.len());
            }
            restarts -= 1;
            self.summary.restarts += 1;
            self.model.restart();
            self.account.clear_faults();
            destination = self.open().await?;
        }
        Ok(())
    }

    fn tell(&self, what: &str) {
        if tells() {
            eprintln!("-- {what} (after {} requests)", self.account.counters().requests);
        }
    }

    async fn open(&mut self) -> Result<HubSpotDestination, String> {
        self.allowed += 12;
        let builder = Client::builder(Auth::token(TOKEN)).base_url(&self.url).api_version(self.setting.version);
        let client = builder
            .backoff(Duration::from_millis(1))
            .max_retries(RETRIES)
            .build()
            .map_err(|error| error.to_string())?;
        let mut error = String::new();
        // Conduit, too, would start it again.
        for _ in 0..if self.setting.trouble == Trouble::Nothing { 1 } else { 5 } {
            let destination =
                HubSpotDestination::new(client.clone(), self.setting.config()).map_err(|error| error.to_string())?;
            match destination.open().await {
                Ok(()) => return Ok(destination),
                Err(failed) => error = failed.to_string(),
            }
        }
        Err(format!("it can't be opened: {error}"))
    }

    async fn write(&mut self, destination: &mut HubSpotDestination, batch: &[Deed]) -> Result<(), String> {
        let records = batch.iter().map(|deed| deed.record.clone()).collect();
        let outcomes =
            destination.write(records).await.map_err(|error| format!("the batch has no answers: {error}"))?;
        self.take(batch, &outcomes)
    }

    async fn write_and_die(&mut self, mut destination: HubSpotDestination, batch: &[Deed]) -> Result<(), String> {
        let records = batch.iter().map(|deed| deed.record.clone()).collect();
        let last = self.account.counters().requests + self.rng.u64(0..4);
        let outcomes = {
            let mut writing = pin!(destination.write(records));
            loop {
                if self.account.counters().requests >= last {
                    break None;
                }
                tokio::select! {
                    biased;
                    outcomes = &mut writing => break Some(outcomes),
                    () = tokio::task::yield_now() => {}
                }
            }
        };
        drop(destination);
        if let Some(outcomes) = outcomes {
            return self.take(batch, &outcomes.map_err(|error| format!("the batch has no answers: {error}"))?);
        }
        // What is under way comes to its end.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.allow(batch);
        self.model.begin();
        self.summary.records += batch.len();
        for (number, deed) in batch.iter().enumerate() {
            self.model
                .take(deed, Answer::None, company(self.setting, batch, number))
                .map_err(|wrong| of(deed, &wrong))?;
        }
        Ok(())
    }

    fn take(&mut self, batch: &[Deed], outcomes: &[Result<(), RecordError>]) -> Result<(), String> {
        if outcomes.len() != batch.len() {
            return Err(format!("{} answers to {} records", outcomes.len(), batch.len()));
        }
        self.allow(batch);
        self.model.begin();
        self.summary.records += batch.len();
        for (number, (deed, outcome)) in batch.iter().zip(outcomes).enumerate() {
            let answer = Answer::of(outcome);
            if tells() {
                let said = outcome.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned());
                let Deed { verb, about, fault, sets, place, .. } = deed;
                let place = place.map_or("nowhere", |place| place.resource);
                eprintln!("{} {verb:?} {place} {about:?} {sets:?} {fault:?}: {said}", deed.record.position);
            }
            match outcome {
                Ok(()) => self.summary.acked += 1,
                Err(error) => {
                    self.summary.nacked += 1;
                    self.summary.unknown += usize::from(answer == Answer::Unknown);
                    answers::check(deed, self.setting, error).map_err(|wrong| of(deed, &wrong))?;
                }
            }
            let company = company(self.setting, batch, number);
            self.model.take(deed, answer, company).map_err(|wrong| {
                let said = outcome.as_ref().map_or_else(|error| format!(" ({error})"), |()| String::new());
                of(deed, &format!("{wrong}{said}"))
            })?;
        }
        Ok(())
    }

    /// So many requests a batch may take: some for each kind of call and each turn of an object, more for those that are refused.
    fn allow(&mut self, batch: &[Deed]) {
        let kinds: BTreeSet<_> = batch.iter().map(|deed| (deed.place.map(|place| place.resource), deed.verb)).collect();
        let mut turns: HashMap<_, usize> = HashMap::new();
        for deed in batch {
            *turns.entry(deed.group()).or_default() += 1;
        }
        let turns = turns.into_values().max().unwrap_or_default();
        let count = |which: &dyn Fn(&Deed) -> bool| batch.iter().filter(|deed| which(deed)).count();
        let guilty = count(&|deed| matches!(deed.fault, Some(Fault::Conflict | Fault::Link)));
        let again = count(&|deed| deed.verb == Verb::Create && self.setting.restarts > 0);
        let single = count(&|deed| deed.place.is_some_and(|place| !place.batches));
        let calls = batch.len().div_ceil(100) + 1;
        let links =
            if batch.iter().any(|deed| !deed.links.is_empty() || deed.fault == Some(Fault::Link)) { 3 } else { 0 };
        self.allowed += (kinds.len() * 3 + links) * calls * turns + guilty * 15 + again * 15 + single * 2;
    }

    fn judge_requests(&self) -> Result<(), String> {
        let requests = self.summary.requests;
        if self.setting.trouble == Trouble::Nothing && requests > self.allowed {
            return Err(format!(
                "{requests} requests for {} records, at most {} were needed",
                self.summary.records, self.allowed
            ));
        }
        Ok(())
    }

    /// The account holds what the answers say, and nothing else.
    fn judge(&self) -> Result<(), String> {
        for place in &self.setting.places {
            let objects = self.account.objects(place.hubspot);
            let links = if place.is_crm { account::links(&self.account, place) } else { BTreeMap::new() };
            let mut others: BTreeMap<String, Vec<(&String, &Value)>> = BTreeMap::new();
            let things = || self.model.things.iter().filter(|thing| thing.place == *place);
            let with_id: BTreeMap<&String, &Thing> =
                things().filter_map(|thing| Some((thing.id.as_ref()?, thing))).collect();
            for (id, object) in &objects {
                match with_id.get(id) {
                    _ if self.landmarks.are_fixed(place, id) => {}
                    Some(thing) => fits(place, thing, id, object, links.get(id))?,
                    None => others.entry(account::mark(place, object)).or_default().push((id, object)),
                }
            }
            for (id, thing) in &with_id {
                if !objects.contains_key(*id) && !thing.states.contains(&None) {
                    return Err(format!("{} {id} is gone, but was {}", place.resource, told(&thing.states)));
                }
            }
            let mut by_mark: BTreeMap<&str, Vec<&Thing>> = BTreeMap::new();
            for thing in things().filter(|thing| thing.id.is_none()) {
                by_mark.entry(&thing.mark).or_default().push(thing);
            }
            for (mark, objects) in &others {
                let things = by_mark.remove(mark.as_str()).unwrap_or_default();
                if let ([thing], [(id, object)]) = (things.as_slice(), objects.as_slice()) {
                    fits(place, thing, id, object, links.get(*id))?;
                } else if !assigned(place, objects, &things) {
                    let held: Vec<_> = objects.iter().map(|(id, object)| (id, account::held(place, object))).collect();
                    let expected: Vec<_> = things.iter().map(|thing| told(&thing.states)).collect();
                    return Err(format!("{} {mark:?}: there is {held:?}, but must be {expected:?}", place.resource));
                }
            }
            for (mark, things) in by_mark {
                if let Some(thing) = things.iter().find(|thing| !thing.states.contains(&None)) {
                    return Err(format!("{} {mark:?} isn't there, but was {}", place.resource, told(&thing.states)));
                }
            }
        }
        Ok(())
    }
}

/// What else in a batch is about the same object.
fn company(setting: &Setting, batch: &[Deed], number: usize) -> Company {
    let group = batch[number].group();
    let mut company = Company::default();
    let sent = |deed: &Deed| !matches!(deed.fault, Some(Fault::Own(_)));
    for (other, deed) in batch.iter().enumerate().filter(|(_, deed)| deed.group() == group && sent(deed)) {
        company.deleted |= other > number && deed.verb == Verb::Delete;
        if setting.coalesce {
            company.conflict |= matches!(deed.fault, Some(Fault::Conflict | Fault::Link));
            company.linked |= !deed.links.is_empty() || deed.fault == Some(Fault::Link);
            company.replaced = company.deleted;
        }
    }
    company
}

fn of(deed: &Deed, wrong: &str) -> String {
    let place = deed.place.map_or("nowhere", |place| place.resource);
    format!("record {} ({:?} {place} {:?}, {:?}): {wrong}", deed.record.position, deed.verb, deed.about, deed.fault)
}

fn fits(
    place: &Place,
    thing: &Thing,
    id: &str,
    object: &Value,
    linked: Option<&BTreeSet<String>>,
) -> Result<(), String> {
    let held = account::held(place, object);
    if !thing.states.contains(&Some(held.clone())) {
        return Err(format!("{} {id} is {held:?}, but must be {}", place.resource, told(&thing.states)));
    }
    let nothing = BTreeSet::new();
    let linked = linked.unwrap_or(&nothing);
    let allowed = || thing.linked.union(&thing.maybe_linked);
    if !thing.linked.is_subset(linked) || !linked.iter().all(|to| allowed().any(|one| one == to)) {
        return Err(format!(
            "{} {id} is associated with {linked:?}, but must be with {:?} and may be with {:?}",
            place.resource, thing.linked, thing.maybe_linked
        ));
    }
    Ok(())
}

/// Whether each object is one of the things, each another, and those that are left may be absent.
fn assigned(place: &Place, objects: &[(&String, &Value)], things: &[&Thing]) -> bool {
    let Some(((_, object), rest)) = objects.split_first() else {
        return things.iter().all(|thing| thing.states.contains(&None));
    };
    let held = Some(account::held(place, object));
    (0..things.len()).filter(|number| things[*number].states.contains(&held)).any(|number| {
        let mut left = things.to_vec();
        left.remove(number);
        assigned(place, rest, &left)
    })
}
