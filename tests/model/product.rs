//! The product, asked about a state: `record`, `decide`, `permit`, the gate of `resolve`, and `control::memory`, all as
//! they are. What was asked before is remembered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use paramsync::api::ParameterSyncStatus;
use paramsync::control::memory::{Attempt, Memory};
use paramsync::decide::{Action, Passage, Precondition, Purpose, View, Why, decide, permit};
use paramsync::names::{ObjectKey, ParameterRef};
use paramsync::record::{
    ParameterKind, Provenance, Record, Seal as Says, Shape, Stated, parameter_entries, secret_status, stated,
};
use paramsync::resolve::Resolved;
use paramsync::source::{Fetched, FetchedParameter};
use paramsync::transform::transform;
use paramsync::value::SecretValue;
use paramsync::watch::{Drift, OwnedBy, Sealed, SecretMeta, SecretState, Stamped, Uid, expected_fields};

use crate::cluster::{
    OPEN, TRANSITION, at, each, gated, large, moment, name, object, origin, params, plain, reads, request,
    resolved, sealing, second, secret, small, stamp, uid, upstream,
};
use crate::state::{Fields, Onto, Params, Rec, Remembered, Seal, Sent, Status, Sync, Version};

/// All that a decision is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    pub sync: Sync,
    pub status: Status,
    pub secret: Option<Seen>,
    pub unrecorded: Option<Rec>,
    pub announced: Option<u8>,
    pub known: Option<Params>,
    pub gate: Gate,
    /// How many lives there were: what time it is.
    pub born: u8,
    /// Take the record for one of the spec's own shape.
    pub shapeless: bool,
}

/// The Secret as its metadata shows it: whose its seal says that it is, and as which revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub seal: Option<(u8, u8)>,
    pub fields: Fields,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    pub closed: bool,
    pub contact: bool,
    pub first: First,
    pub young: bool,
}

/// Whether the calendar lets first syncs through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum First {
    Allow,
    New,
    Hold,
}

/// How one parameter is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    No,
    Latest,
    At(u8),
}

/// What `decide` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// What was written has to get into status first.
    Record,
    Leave,
    Write(Purpose, [Read; 2]),
}

/// What `permit` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    No {
        overtaken: bool,
    },
    Announce(u8),
    Write {
        rec: Rec,
        absent: bool,
        across: bool,
        lasting: bool,
    },
}

/// What `permit` is asked: the view, the purpose, what was asked for, and what the values are.
type Question = (Look, Purpose, [Read; 2], (u8, Params));

#[derive(Default)]
pub struct Product {
    decided: HashMap<Look, (Act, Option<u8>)>,
    permitted: HashMap<Question, Asked>,
    resolved: HashMap<(Sync, Gate), Resolved>,
    provenances: HashMap<(u8, Params), Provenance>,
    seals: HashMap<(Seal, u8, bool), Option<(u8, u8)>>,
    shapes: HashMap<Shape, u8>,
}

impl Product {
    /// What to do, and which announcement the report of a pass that does nothing takes back.
    pub fn decide(&mut self, look: &Look) -> (Act, Option<u8>) {
        if let Some(known) = self.decided.get(look) {
            return *known;
        }
        let now = at(look.born);
        let said = self.view(look, |view| {
            let act = match decide(view, now).action {
                Action::Leave(Why::Unrecorded) => Act::Record,
                Action::Leave(_) | Action::Release => Act::Leave,
                Action::Write(request) => Act::Write(request.purpose, reads(&request)),
            };
            (
                act,
                view.takes_back()
                    .filter(|_| view.unwritten().is_none())
                    .map(small),
            )
        });
        self.decided.insert(*look, said);
        said
    }

    /// Whether `desired`, fetched for `purpose`, may be written.
    pub fn permit(&mut self, look: &Look, purpose: Purpose, read: [Read; 2], desired: (u8, Params)) -> Asked {
        let key = (*look, purpose, read, desired);
        if let Some(known) = self.permitted.get(&key) {
            return *known;
        }
        let now = at(look.born);
        let wanted = self.provenance(desired.0, desired.1);
        let given = moment(now, 0);
        let said = self.view(look, |view| {
            let request = request(view.resolved, purpose, read);
            match permit(view, &request, &wanted, now, given) {
                Err(why) => Asked::No {
                    overtaken: why == Why::Overtaken,
                },
                Ok(Passage::Announce(revision)) => Asked::Announce(small(revision)),
                Ok(Passage::Write(permit)) => Asked::Write {
                    rec: Rec {
                        uid: look.sync.uid,
                        revision: small(permit.record().revision),
                        shape: look.sync.shape,
                        params: params(&permit.record().provenance),
                    },
                    absent: *permit.precondition() == Precondition::Absent,
                    across: permit.term().is_running(given, second(TRANSITION)),
                    lasting: permit.term().is_running(moment(now, 11), now),
                },
            }
        });
        self.permitted.insert(key, said);
        said
    }

    /// What the seal says where the key is `key`; `anywhere`: as if the Secret were the one that it was made for.
    pub fn verify(&mut self, seal: Seal, key: u8, anywhere: bool) -> Option<(u8, u8)> {
        *self.seals.entry((seal, key, anywhere)).or_insert_with(|| {
            let of = ObjectKey::new("shop", if seal.of_web { "web" } else { "other" });
            let on = if anywhere {
                of.clone()
            } else {
                ObjectKey::new("shop", "web")
            };
            let text = sealing(seal.key).seal(&of, name(seal.sync), large(seal.revision));
            sealing(key)
                .verify(&on, &text)
                .map(|Says { sync, revision }| (u8::from(&*sync != "a"), small(revision)))
        })
    }

    /// Lets the real memory work on what is remembered.
    fn remember(&mut self, kept: &Remembered, work: impl FnOnce(&mut Memory, Duration)) -> Remembered {
        let mut memory = Memory::default();
        memory.wrote(kept.unrecorded.map(|rec| self.record(&rec)));
        if let Some(sent) = kept.attempt {
            let attempt = self.attempt(sent);
            memory.attempts(attempt, Duration::ZERO, Duration::ZERO);
        }
        if let Some(revision) = kept.announced {
            memory.announces(large(revision));
        }
        let now = if kept.quiet {
            memory.hush(Duration::ZERO);
            Duration::from_secs(5)
        } else {
            Duration::from_secs(100)
        };
        work(&mut memory, now);
        Remembered {
            uid: kept.uid,
            unrecorded: memory.unrecorded().map(|record| self.rec(record)),
            announced: memory.announced().map(small),
            attempt: memory.attempt().map(|attempt| Sent {
                rec: self.rec(&attempt.record),
                kind: attempt.kind.into(),
                onto: match &attempt.onto {
                    Precondition::Absent => Onto::Absent,
                    here if *here == secret(true) => Onto::Same,
                    Precondition::Unchanged { .. } => Onto::Another,
                },
            }),
            quiet: memory.quiet(now).is_some(),
        }
    }

    /// A write of the Secret begins.
    pub fn attempts(&mut self, kept: &Remembered, sent: Sent) -> Remembered {
        let attempt = self.attempt(sent);
        self.remember(kept, |memory, now| {
            memory.attempts(attempt, now, Duration::from_secs(12));
        })
    }

    fn attempt(&mut self, sent: Sent) -> Attempt {
        Attempt {
            record: self.record(&sent.rec),
            kind: sent.kind.into(),
            onto: match sent.onto {
                Onto::Absent => Precondition::Absent,
                Onto::Same => secret(true),
                Onto::Another => secret(false),
            },
        }
    }

    /// It was answered.
    pub fn wrote(&mut self, kept: &Remembered, rec: Option<Rec>) -> Remembered {
        let record = rec.map(|rec| self.record(&rec));
        self.remember(kept, |memory, _| memory.wrote(record))
    }

    /// It was refused.
    pub fn refused(&mut self, kept: &Remembered) -> Remembered {
        self.remember(kept, |memory, _| memory.refused())
    }

    /// It had no answer.
    pub fn unanswered(&mut self, kept: &Remembered) -> Remembered {
        self.remember(kept, Memory::unanswered)
    }

    /// A write of status had none.
    pub fn hushed(&mut self, kept: &Remembered) -> Remembered {
        self.remember(kept, Memory::hush)
    }

    /// The Secret was looked at, and its seal says this.
    pub fn settle(&mut self, kept: &Remembered, is_there: bool, sealed: Option<u8>) -> Remembered {
        let found = if is_there {
            secret(true)
        } else {
            Precondition::Absent
        };
        self.remember(kept, |memory, now| memory.settle(&found, sealed.map(large), now))
    }

    /// Status says what is applied.
    pub fn recorded(&mut self, kept: &Remembered, revision: u8) -> Remembered {
        self.remember(kept, |memory, _| memory.recorded(large(revision)))
    }

    /// What was announced is taken back, or may be.
    pub fn took_back(&mut self, kept: &Remembered) -> Remembered {
        self.remember(kept, |memory, _| memory.took_back())
    }

    /// This revision is announced.
    pub fn announces(&mut self, kept: &Remembered, revision: u8) -> Remembered {
        self.remember(kept, |memory, _| memory.announces(large(revision)))
    }

    fn rec(&self, record: &Record) -> Rec {
        Rec {
            uid: record.uid.trim_start_matches("u-").parse().unwrap(),
            revision: small(record.revision),
            shape: self.shapes[&record.provenance.shape],
            params: params(&record.provenance),
        }
    }

    /// The real record.
    pub fn record(&mut self, rec: &Rec) -> Record {
        Record {
            uid: uid(rec.uid),
            revision: large(rec.revision),
            provenance: self.provenance(rec.shape, rec.params),
        }
    }

    fn view<T>(&mut self, look: &Look, ask: impl FnOnce(&View<'_>) -> T) -> T {
        let resolved = self.resolve(look.sync, look.gate);
        let mut stated = self.stated(look);
        if look.shapeless
            && let Some(record) = &mut stated.record
        {
            record.provenance.shape = resolved.shape.clone();
        }
        let secret = match look.secret {
            None => SecretState::Absent,
            Some(seen) => SecretState::Present(self.meta(&seen, look.sync.uid)),
        };
        let unrecorded = look.unrecorded.map(|rec| self.record(&rec));
        let view = View {
            resolved: &resolved,
            secret: &secret,
            stated: Ok(&stated),
            unrecorded: unrecorded.as_ref(),
            announced: look.announced.map(large),
            upstream: &upstream(&resolved, look.known),
            deleting: false,
            namespace_terminating: false,
            newest_refused: false,
            repairs: &[],
            drift: &Drift::default(),
            recorded_pending: &[],
            crowd: 1,
        };
        ask(&view)
    }

    /// Status, written and read back as the product does.
    fn stated(&mut self, look: &Look) -> Stated {
        let mut object = object(look.sync);
        if let Some(rec) = look.status.rec {
            let record = self.record(&rec);
            let mut secret = secret_status(&record, "web", &[]);
            secret.writing = look.status.writing.map(large);
            object.status = Some(ParameterSyncStatus {
                secret: Some(secret),
                parameters: Some(parameter_entries(&record.provenance)),
                ..ParameterSyncStatus::default()
            });
        }
        stated(&object, "web").unwrap()
    }

    fn meta(&mut self, seen: &Seen, owner: u8) -> SecretMeta {
        let fields = match seen.fields {
            Fields::Foreign => 1,
            Fields::Ours { shape, there } => {
                let any = Version { made: 0, number: 1 };
                let params = there.map(|there| there.then_some(any));
                expected_fields(&self.provenance(shape, params), Stamped::Sealed)
            }
        };
        SecretMeta {
            uid: Uid::from("s-1"),
            version: 70,
            seal: seen.seal.map(|(sync, revision)| Sealed {
                sync: name(sync).into(),
                revision: large(revision),
            }),
            owner: OwnedBy::One(Uid::from(uid(owner).as_str())),
            controller: None,
            fields,
            managed: true,
            deleting: false,
            overwritten: false,
        }
    }

    /// What the real transform makes of these versions.
    fn provenance(&mut self, shape: u8, params: Params) -> Provenance {
        if let Some(known) = self.provenances.get(&(shape, params)) {
            return known.clone();
        }
        let resolved = self.resolve(plain(shape), OPEN);
        let read = params.map(|version| version.map_or(Read::No, |_| Read::Latest));
        let fetched = Fetched {
            origin: Some(origin()),
            listings: BTreeMap::new(),
            parameters: each(params)
                .map(|(name, version)| {
                    let parameter = FetchedParameter {
                        stamp: stamp(version),
                        kind: ParameterKind::SecureString,
                        value: SecretValue::new(b"value".to_vec()),
                    };
                    (ParameterRef::latest(name), parameter)
                })
                .collect(),
            missing: BTreeSet::new(),
            lagging: BTreeSet::new(),
        };
        let desired = transform(&resolved, &request(&resolved, Purpose::FirstSync, read), fetched);
        let provenance = desired
            .map_err(|error| error.to_string())
            .unwrap()
            .provenance()
            .clone();
        self.shapes.insert(provenance.shape.clone(), shape);
        self.provenances.insert((shape, params), provenance.clone());
        provenance
    }

    fn resolve(&mut self, sync: Sync, gate: Gate) -> Resolved {
        let made = || {
            let mut resolved = resolved(sync);
            resolved.gate = gated(gate);
            resolved
        };
        self.resolved.entry((sync, gate)).or_insert_with(made).clone()
    }
}
