//! Values for callers: who waits for what, packed into as few calls as can be. Pure.
//!
//! Callers share [`Unit`]s. A unit that has not been asked for yet is shared with whoever joins; one that is under way
//! is not, because its answer may be older than the caller's question. Every unit that cannot be read has its own
//! quarantine; callers who want none of those go on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::decide::{FetchRequest, Purpose};
use crate::names::ParameterRef;
use crate::record::SourceError;
use crate::source::batch;
use crate::source::call::{Answer, Call, Decryption, Fault, Found, PathKey};
use crate::source::catalog::Sweep;
use crate::source::engine::flight::{Flight, WINDOW};
use crate::source::engine::job::{Job, Unit, own_origin};
use crate::source::engine::observed::{CallId, Observed, Ticket};
use crate::source::engine::pages::{Pages, Turn};
use crate::source::engine::quarantine::Quarantine;
use crate::source::engine::recent::Recent;
use crate::source::limiter::Waiting;
use crate::source::types::Fetched;

/// How long a caller waits at most.
const DEADLINE: Duration = Duration::from_secs(30);

enum Running {
    Names(Vec<(ParameterRef, Flight)>),
    Listing(Pages, Flight),
}

/// All callers of one engine.
#[derive(Default)]
pub struct Fetches {
    jobs: BTreeMap<Ticket, Job>,
    queued: BTreeMap<Unit, Flight>,
    halves: VecDeque<Vec<(ParameterRef, Flight)>>,
    listings: Vec<(Pages, Flight)>,
    running: BTreeMap<CallId, Running>,
    quarantine: Quarantine<Unit>,
    recent: Recent,
    replies: Vec<(Ticket, Result<Fetched, SourceError>)>,
    coalesced: usize,
}

impl Fetches {
    /// A caller asks.
    pub fn start(&mut self, ticket: Ticket, request: &FetchRequest, now: Duration) {
        let mut job = Job::new(request, now + DEADLINE);
        let held = self.quarantine.waiting(now).find(|(unit, _)| job.needs(unit));
        if let Some((unit, fault)) = held {
            let error = fault.clone().about(&unit.label());
            self.replies.push((ticket, Err(error)));
            return;
        }
        let quarantine = &self.quarantine;
        let units = job.begin(|key| {
            let whole = Unit::Listing(key.clone(), Decryption::On);
            quarantine.fault(&whole, now).is_some()
        });
        let purpose = job.purpose;
        self.jobs.insert(ticket, job);
        for unit in units {
            self.enqueue(unit, ticket, purpose, now + WINDOW);
        }
        self.finish_if_done(ticket);
    }

    /// A caller is gone.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.jobs.remove(&ticket);
        self.forget(ticket);
    }

    /// Fails those who have waited too long.
    pub fn expire(&mut self, now: Duration) {
        let late: Vec<Ticket> = self.due_by(now).collect();
        for ticket in late {
            let last = self.last_fault(ticket);
            let fault = last.unwrap_or_else(|| Fault::Throttled("RequestBudget".into()));
            self.fail(ticket, fault.about(""));
        }
    }

    /// Whether there is something to ask for now.
    pub fn is_ready(&self, now: Duration) -> bool {
        !self.halves.is_empty()
            || self.listings.iter().any(|(_, flight)| flight.ready <= now)
            || self.queued.values().any(|flight| flight.ready <= now)
    }

    /// The next request, most urgent first: what was begun, then by purpose.
    pub fn next(&mut self, id: CallId, now: Duration) -> Option<Call> {
        if let Some(half) = self.halves.pop_front() {
            return Some(self.send_names(id, half));
        }
        if let Some(at) = self.listings.iter().position(|(_, flight)| flight.ready <= now) {
            let (pages, flight) = self.listings.remove(at);
            return Some(self.send_page(id, pages, flight));
        }
        let ready = self.queued.iter().filter(|(_, flight)| flight.ready <= now);
        let (unit, flight) = ready.min_by_key(|(_, flight)| (flight.purpose, flight.ready))?;
        match unit.clone() {
            Unit::Listing(key, decryption) => {
                let unit = Unit::Listing(key.clone(), decryption);
                let flight = self.queued.remove(&unit)?;
                self.recent.read(&unit, now);
                Some(self.send_page(id, Pages::new(key, decryption), flight))
            }
            Unit::Name(reference) => {
                let batch = if flight.alone {
                    vec![reference]
                } else {
                    self.pack(&reference, now)
                };
                let batch = batch.into_iter().filter_map(|reference| {
                    let unit = Unit::Name(reference.clone());
                    let flight = self.queued.remove(&unit)?;
                    self.recent.read(&unit, now);
                    Some((reference, flight))
                });
                let batch = batch.collect();
                Some(self.send_names(id, batch))
            }
        }
    }

    /// Fills a batch that begins with `first`: what is ready by urgency, then what would be ready soon.
    fn pack(&self, first: &ParameterRef, now: Duration) -> Vec<ParameterRef> {
        let mut rest: Vec<(bool, Purpose, Duration, &ParameterRef)> = self
            .queued
            .iter()
            .filter_map(|(unit, flight)| match unit {
                Unit::Name(reference) if !flight.alone && (flight.ready <= now || flight.is_soon(now)) => {
                    Some((flight.ready > now, flight.purpose, flight.ready, reference))
                }
                _ => None,
            })
            .collect();
        rest.sort_unstable();
        batch::pack(std::iter::once(first).chain(rest.into_iter().map(|(.., reference)| reference)))
    }

    fn send_names(&mut self, id: CallId, batch: Vec<(ParameterRef, Flight)>) -> Call {
        let references = batch.iter().map(|(reference, _)| reference.clone()).collect();
        self.running.insert(id, Running::Names(batch));
        Call::Names {
            references,
            decryption: Decryption::On,
        }
    }

    fn send_page(&mut self, id: CallId, pages: Pages, flight: Flight) -> Call {
        let call = pages.call();
        self.running.insert(id, Running::Listing(pages, flight));
        call
    }

    /// An answer came. Gives what it shows to the catalog; none where the request was not ours.
    pub fn answered(
        &mut self,
        id: CallId,
        result: Result<Answer, Fault>,
        now: Duration,
    ) -> Result<Option<Observed>, Result<Answer, Fault>> {
        match (self.running.remove(&id), result) {
            (None, result) => Err(result),
            (Some(Running::Names(batch)), Ok(answer)) => Ok(Some(self.names_came(batch, &answer, now))),
            (Some(Running::Names(batch)), Err(fault)) => {
                self.names_failed(batch, &fault, now);
                Ok(None)
            }
            (Some(Running::Listing(pages, flight)), Ok(answer)) => {
                Ok(self.page_came(pages, flight, answer, now))
            }
            (Some(Running::Listing(pages, flight)), Err(fault)) => {
                self.page_failed(pages, flight, fault, now);
                Ok(None)
            }
        }
    }

    fn names_came(&mut self, batch: Vec<(ParameterRef, Flight)>, answer: &Answer, now: Duration) -> Observed {
        let (mut seen, mut tickets) = (BTreeMap::new(), BTreeSet::new());
        for (reference, flight) in batch {
            let found = answer.found.iter().find(|one| one.reference == reference);
            if found.is_none() && !answer.missing.contains(&reference) {
                let fault = Fault::Unavailable("IncompleteAnswer".into());
                self.retry(Unit::Name(reference), flight, fault, now);
                continue;
            }
            let unit = Unit::Name(reference.clone());
            self.quarantine.free(|held| *held == unit);
            for ticket in &flight.jobs {
                self.deliver(*ticket, now, |job| job.read(&reference, found).map(|()| vec![]));
            }
            tickets.extend(flight.jobs);
            seen.insert(reference, found.map(|one| one.entry));
        }
        Observed {
            sweep: Sweep::Names(seen),
            origin: answer.found.iter().find_map(own_origin).cloned(),
            tickets: tickets.into_iter().collect(),
        }
    }

    fn names_failed(&mut self, mut batch: Vec<(ParameterRef, Flight)>, fault: &Fault, now: Duration) {
        batch.retain_mut(|(_, flight)| self.is_wanted(flight));
        if fault.passes() {
            for (reference, flight) in batch {
                let unit = Unit::Name(reference);
                if flight.is_spent(fault) {
                    self.give_up(&unit, &flight, fault, now);
                } else {
                    self.retry(unit, flight, fault.clone(), now);
                }
            }
            return;
        }
        let batch = if fault.may_be_one_names() {
            match batch::halves(batch) {
                Ok((first, second)) => {
                    self.halves.push_front(second);
                    self.halves.push_front(first);
                    return;
                }
                Err(single) => single.into_iter().collect(),
            }
        } else {
            batch
        };
        for (reference, flight) in batch {
            self.give_up(&Unit::Name(reference), &flight, fault, now);
        }
    }

    fn page_came(
        &mut self,
        pages: Pages,
        mut flight: Flight,
        answer: Answer,
        now: Duration,
    ) -> Option<Observed> {
        let (key, decryption) = (pages.key.clone(), pages.decryption);
        match pages.turn(answer) {
            Turn::More(_) if !self.is_wanted(&mut flight) => None,
            Turn::More(pages) => {
                flight.failures = 0;
                flight.ready = now;
                self.listings.push((pages, flight));
                None
            }
            Turn::Broken(fault) => {
                self.give_up(&Unit::Listing(key, decryption), &flight, &fault, now);
                None
            }
            Turn::Complete(found, _) => {
                self.quarantine.free(|held| match held {
                    Unit::Listing(held, with) => *held == key && *with <= decryption,
                    Unit::Name(_) => false,
                });
                for ticket in &flight.jobs {
                    self.deliver(*ticket, now, |job| job.listed(&key, decryption, &found));
                }
                Some(Observed {
                    tickets: flight.jobs.into_iter().collect(),
                    ..listing(key, &found)
                })
            }
        }
    }

    fn page_failed(&mut self, pages: Pages, mut flight: Flight, fault: Fault, now: Duration) {
        if !self.is_wanted(&mut flight) {
            return;
        }
        if fault.passes() && !flight.is_spent(&fault) {
            // A token that AWS no longer knows cannot be tried again; the listing can.
            let pages = match fault.code() {
                "InvalidNextToken" => Pages::new(pages.key, pages.decryption),
                _ => pages,
            };
            flight.delay(fault, now);
            self.listings.push((pages, flight));
            return;
        }
        let unit = Unit::Listing(pages.key.clone(), pages.decryption);
        let one_of_many = matches!(fault, Fault::Denied(_) | Fault::Undecryptable(_));
        if pages.decryption == Decryption::Off || !one_of_many {
            self.give_up(&unit, &flight, &fault, now);
            return;
        }
        self.quarantine.hold(&unit, fault, now);
        for ticket in &flight.jobs {
            self.deliver(*ticket, now, |job| Ok(job.take_apart(&pages.key)));
        }
    }

    /// Lets a caller take something in, and asks for what it needs next.
    fn deliver(
        &mut self,
        ticket: Ticket,
        now: Duration,
        take: impl FnOnce(&mut Job) -> Result<Vec<Unit>, SourceError>,
    ) {
        let Some(job) = self.jobs.get_mut(&ticket) else {
            return;
        };
        let purpose = job.purpose;
        match take(job) {
            Err(error) => self.fail(ticket, error),
            Ok(more) => {
                let held = more.iter().find_map(|unit| {
                    let fault = self.quarantine.fault(unit, now)?;
                    Some(fault.clone().about(&unit.label()))
                });
                if let Some(error) = held {
                    return self.fail(ticket, error);
                }
                for unit in more {
                    self.enqueue(unit, ticket, purpose, now);
                }
                self.finish_if_done(ticket);
            }
        }
    }

    fn finish_if_done(&mut self, ticket: Ticket) {
        if self.jobs.get(&ticket).is_some_and(Job::is_done)
            && let Some(job) = self.jobs.remove(&ticket)
        {
            self.replies.push((ticket, Ok(job.finish())));
        }
    }

    fn fail(&mut self, ticket: Ticket, error: SourceError) {
        if self.jobs.remove(&ticket).is_some() {
            self.replies.push((ticket, Err(error)));
        }
        self.forget(ticket);
    }

    /// What only `ticket` waited for is not asked for any more.
    fn forget(&mut self, ticket: Ticket) {
        let wanted = |flight: &mut Flight| {
            flight.jobs.remove(&ticket);
            !flight.jobs.is_empty()
        };
        self.queued.retain(|_, flight| wanted(flight));
        self.listings.retain_mut(|(_, flight)| wanted(flight));
        for half in &mut self.halves {
            half.retain_mut(|(_, flight)| wanted(flight));
        }
        self.halves.retain(|half| !half.is_empty());
    }

    /// Whether somebody still waits; callers may have gone while it was under way.
    fn is_wanted(&self, flight: &mut Flight) -> bool {
        flight.jobs.retain(|ticket| self.jobs.contains_key(ticket));
        !flight.jobs.is_empty()
    }

    fn give_up(&mut self, unit: &Unit, flight: &Flight, fault: &Fault, now: Duration) {
        if fault.may_be_one_names() {
            self.quarantine.hold(unit, fault.clone(), now);
        }
        for ticket in &flight.jobs {
            self.fail(*ticket, fault.clone().about(&unit.label()));
        }
    }

    fn retry(&mut self, unit: Unit, mut flight: Flight, fault: Fault, now: Duration) {
        if !self.is_wanted(&mut flight) {
            return;
        }
        flight.delay(fault, now);
        if let Some(newer) = self.queued.remove(&unit) {
            flight.jobs.extend(newer.jobs);
            flight.purpose = flight.purpose.min(newer.purpose);
        }
        self.queued.insert(unit, flight);
    }

    fn enqueue(&mut self, unit: Unit, ticket: Ticket, purpose: Purpose, ready: Duration) {
        let alone = self.quarantine.is_suspect(&unit);
        // What somebody broke is put back at once; everything else may wait for company.
        let ready = match purpose {
            Purpose::Repair => ready,
            _ => self.recent.next(&unit, ready).max(ready),
        };
        if let Some(flight) = self.queued.get_mut(&unit) {
            self.coalesced += 1;
            flight.jobs.insert(ticket);
            flight.purpose = flight.purpose.min(purpose);
            return;
        }
        let flight = Flight {
            purpose,
            jobs: [ticket].into(),
            ready,
            failures: 0,
            last: None,
            alone,
        };
        self.queued.insert(unit, flight);
    }

    fn last_fault(&self, ticket: Ticket) -> Option<Fault> {
        let queued = self.queued.values();
        let listings = self.listings.iter().map(|(_, flight)| flight);
        let mut mine = queued
            .chain(listings)
            .filter(|flight| flight.jobs.contains(&ticket));
        mine.find_map(|flight| flight.last.clone())
    }

    fn due_by(&self, now: Duration) -> impl Iterator<Item = Ticket> {
        self.jobs
            .iter()
            .filter(move |(_, job)| job.deadline <= now)
            .map(|(ticket, _)| *ticket)
    }

    /// The next moment after `now` at which something becomes ready or too late.
    pub fn next_event(&self, now: Duration) -> Option<Duration> {
        let deadlines = self.jobs.values().map(|job| job.deadline);
        let queued = self.queued.values().map(|flight| flight.ready);
        let listings = self.listings.iter().map(|(_, flight)| flight.ready);
        deadlines
            .chain(queued)
            .chain(listings)
            .filter(|at| *at > now)
            .min()
    }

    /// Who waits.
    pub fn waiting(&self) -> Waiting {
        let mut jobs = self.jobs.values();
        if jobs.any(|job| job.purpose == Purpose::FirstSync) {
            Waiting::FirstSyncs
        } else {
            Waiting::Nobody
        }
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running.is_empty()
    }

    /// Asks again for what was refused, as `freed` says: its parameter or its subscription changed.
    pub fn forgive(&mut self, freed: impl Fn(&Unit) -> bool) {
        self.quarantine.free(freed);
    }

    /// The answers for callers since the last time.
    pub fn take_replies(&mut self) -> Vec<(Ticket, Result<Fetched, SourceError>)> {
        std::mem::take(&mut self.replies)
    }

    /// How many units were shared since the last time.
    pub fn take_coalesced(&mut self) -> usize {
        std::mem::take(&mut self.coalesced)
    }
}

/// A complete listing, as the catalog takes it.
pub fn listing(key: PathKey, found: &[Found]) -> Observed {
    let entries = found.iter().map(|one| (one.reference.name.clone(), one.entry));
    Observed {
        sweep: Sweep::Listing(key, entries.collect()),
        origin: found.iter().find_map(own_origin).cloned(),
        tickets: vec![],
    }
}
