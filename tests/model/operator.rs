//! The operator: a pass as `control/syncs.rs` makes it, in steps between which anything may happen.

use paramsync::decide::Purpose;

use crate::World;
use crate::judge::Broken;
use crate::product::{Act, Asked, Gate, Look, Read, Seen};
use crate::rules::Rule;
use crate::state::{
    Kind, Late, Onto, Rec, Remembered, Request, Run, Seal, Sent, Stage, State, Status, Sync, Version, there,
    wanted, within,
};

/// A move: what happens, what is so then, and what that breaks.
pub struct Step {
    pub label: &'static str,
    pub next: State,
    pub broken: Broken,
}

pub fn step(label: &'static str, next: State) -> Step {
    Step {
        label,
        next,
        broken: None,
    }
}

impl World {
    /// The operator's next step; none where it rests. `lag`: this parameter is read one version behind.
    pub fn step(&mut self, s: &State, lag: Option<usize>) -> Option<Step> {
        match s.run {
            None => self.begin(s, lag),
            Some(run) => Some(match run.stage {
                Stage::Fetched => self.ask(s, run)?,
                Stage::Permitted | Stage::Crossed | Stage::Edited => self.apply(s, run),
                Stage::Written => self.report(s, run),
            }),
        }
    }

    /// What `decide` is given now.
    pub fn look(&mut self, s: &State, sync: Sync, closed: bool) -> Look {
        let memory = self.memory(s, sync.uid);
        let mut status = s.index();
        let mut announced = if self.obeys(Rule::Doubt) {
            memory.announced
        } else {
            status.writing
        };
        if closed && announced == status.writing && announced.is_some() && !self.obeys(Rule::Inherited) {
            announced = status.revision().map(|revision| revision + 1);
            status.writing = announced;
        }
        let unrecorded = memory.unrecorded.filter(|_| self.obeys(Rule::StatusFirst));
        let mut seen = s.secret.map(|secret| Seen {
            seal: self.seal(s, sync.name, secret.seal),
            fields: secret.fields,
        });
        let mut sync = sync;
        if !self.obeys(Rule::FirstOnce)
            && status.rec.or(unrecorded).is_none()
            && let Some(Seen { seal, .. }) = &mut seen
            && seal.take().is_some_and(|(name, _)| name == sync.name)
        {
            sync.adopt = true;
        }
        Look {
            sync,
            status,
            secret: seen,
            unrecorded,
            announced,
            known: s.known,
            gate: Gate {
                closed: closed && (s.listed || self.obeys(Rule::Listed)),
                contact: s.listed || !self.obeys(Rule::Listed),
                first: self.config.first,
                young: s.young || !self.obeys(Rule::Young),
            },
            born: if self.obeys(Rule::LaterLives) { s.born } else { 1 },
            shapeless: !self.obeys(Rule::SameShape),
        }
    }

    /// What is remembered of this life.
    pub fn memory(&self, s: &State, uid: u8) -> Remembered {
        let of = |rec: Rec| Rec { uid, ..rec };
        if s.memory.uid == uid {
            return s.memory;
        }
        let kept = if self.obeys(Rule::ByUid) {
            Remembered::default()
        } else {
            s.memory
        };
        Remembered {
            uid,
            unrecorded: kept.unrecorded.map(of),
            ..kept
        }
    }

    /// What the watch makes of a seal.
    fn seal(&mut self, s: &State, name: u8, seal: Option<Seal>) -> Option<(u8, u8)> {
        let seal = seal?;
        let key = if self.obeys(Rule::Sealed) { s.key } else { seal.key };
        let anywhere = !self.obeys(Rule::SealedSecret);
        let (sync, revision) = self.product.verify(seal, key, anywhere)?;
        let revision = match s.index().rec {
            Some(rec) if !self.obeys(Rule::SealedRevision) => rec.revision,
            _ => revision,
        };
        Some((if self.obeys(Rule::SealedSync) { sync } else { name }, revision))
    }

    /// Whether nothing may be written yet, because something that was sent may still land: by this process, by the one
    /// before, or for another life of the object.
    fn is_quiet(&self, s: &State, memory: &Remembered) -> bool {
        let of_secret = |late: &Late| matches!(late.what, Request::Secret(_));
        let observed = |secret: bool| self.obeys(if secret { Rule::Quiet } else { Rule::QuietStatus });
        match s.late.filter(|late| !late.ticked) {
            Some(late) if late.orphaned => observed(of_secret(&late)),
            Some(late) if of_secret(&late) => {
                observed(true) && (memory.quiet || self.obeys(Rule::QuietThere))
            }
            _ => memory.quiet && observed(memory.attempt.is_some()),
        }
    }

    fn begin(&mut self, s: &State, lag: Option<usize>) -> Option<Step> {
        let sync = s.sync?;
        if !s.listed && self.obeys(Rule::Listed) {
            return None;
        }
        let memory = self.memory(s, sync.uid);
        if self.is_quiet(s, &memory) {
            return None;
        }
        let mut s = &State { memory, ..*s };
        let settled;
        if memory.attempt.is_some() {
            let sealed = s.secret.and_then(|secret| self.seal(s, sync.name, secret.seal));
            let sealed = sealed.filter(|(name, _)| *name == sync.name);
            let revision = sealed.map(|(_, revision)| revision);
            let calm = Remembered {
                quiet: false,
                ..memory
            };
            let memory = if self.obeys(Rule::Settled) {
                self.product.settle(&calm, s.secret.is_some(), revision)
            } else {
                self.product.refused(&calm)
            };
            settled = State { memory, ..*s };
            s = &settled;
        }
        let look = self.look(s, sync, s.closed);
        let (act, takes_back) = {
            let mut fed = look;
            if !self.obeys(Rule::Readable) {
                fed.sync.shape = 0;
            }
            self.product.decide(&fed)
        };
        match act {
            Act::Record => {
                let rec = look.unrecorded?;
                let (next, broken) = self.record(s, sync.uid, s.index(), rec, true);
                Some(Step {
                    label: "operator writes the record from memory",
                    next,
                    broken,
                })
            }
            Act::Leave if !self.obeys(Rule::RecordStays) && s.secret.is_none() && s.status.rec.is_some() => {
                let status = Status::default();
                Some(step(
                    "operator: no Secret, so status names nothing any more",
                    State { status, ..*s },
                ))
            }
            Act::Leave => {
                let next = self.take_back(s, takes_back);
                Some(step(
                    "operator has nothing to do, and takes an announcement back where it came to nothing",
                    next,
                ))
            }
            Act::Write(purpose, reads) => Some(self.fetch(s, sync, purpose, reads, takes_back, lag)),
        }
    }

    fn fetch(
        &mut self,
        s: &State,
        sync: Sync,
        purpose: Purpose,
        reads: [Read; 2],
        takes_back: Option<u8>,
        lag: Option<usize>,
    ) -> Step {
        let asked = reads.map(|read| read != Read::No);
        let broken = self.judge_fetch(s, asked);
        let (mut got, mut lagging, mut gone) = ([None; 2], false, false);
        for at in 0..2 {
            let now = s.up[at];
            got[at] = match reads[at] {
                Read::No => None,
                Read::At(number) => now
                    .filter(|now| number <= now.number)
                    .map(|now| Version { number, ..now }),
                Read::Latest if lag == Some(at) => now.and_then(before),
                Read::Latest => now,
            };
            gone |= matches!(reads[at], Read::At(_)) && got[at].is_none();
            lagging |= matches!(reads[at], Read::Latest) && s.known.is_some_and(|known| got[at] < known[at]);
        }
        got = within(&got, wanted(sync.shape));
        if purpose == Purpose::Repair && !self.obeys(Rule::SameSet) {
            got = [0, 1].map(|at| got[at].or(s.up[at].filter(|_| wanted(sync.shape)[at])));
        }
        if purpose == Purpose::Repair && !self.obeys(Rule::Modified) {
            // Made anew, and taken for the old one.
            let was = s.index().rec.map_or([None; 2], |rec| rec.params);
            gone |= (0..2).any(|at| got[at].map(|is| is.number) != was[at].map(|was| was.number));
        }
        let mut s = *s;
        if !lagging && purpose != Purpose::Repair {
            // What a fetch tells is known from then on; a whole path counts as listed.
            let known = s.known.unwrap_or([None; 2]);
            let told = [0, 1].map(|at| if asked[at] { s.up[at] } else { known[at] });
            s.known = s
                .known
                .map(|_| told)
                .or((asked == wanted(sync.shape)).then_some(told));
        }
        if gone || lagging && self.obeys(Rule::Lagging) || there(&got) == [false, false] {
            let next = self.take_back(&s, takes_back);
            let label = "operator fetches, and makes nothing of the answer";
            return Step { label, next, broken };
        }
        let run = Run {
            stage: Stage::Fetched,
            began: sync,
            began_closed: s.closed && (s.listed || self.obeys(Rule::Listed)),
            purpose,
            rec: Rec {
                uid: sync.uid,
                revision: 0,
                shape: sync.shape,
                params: got,
            },
            reads,
            wanted: wanted(sync.shape),
            there: there(&s.up),
            key: s.key,
            closed: false,
            unchanged: true,
            absent: s.secret.is_none(),
            across: false,
            lasting: false,
            ticked: false,
            takes_back,
        };
        let label = match purpose {
            Purpose::FirstSync => "operator decides on a first sync, and fetches",
            Purpose::Change => "operator decides on a change, and fetches",
            Purpose::Repair => "operator decides on a repair, and fetches",
        };
        let next = State { run: Some(run), ..s };
        Step { label, next, broken }
    }

    /// What `permit` says of what was fetched.
    pub fn asked(&mut self, s: &State, run: &Run) -> Option<(Asked, State)> {
        let now = s.sync.filter(|sync| sync.uid == run.began.uid);
        let (sync, closed) = if self.obeys(Rule::Permit) {
            (now?, s.closed)
        } else {
            (run.began, run.began_closed)
        };
        let memory = self.memory(s, sync.uid);
        if self.is_quiet(s, &memory) {
            return None;
        }
        let s = State { memory, ..*s };
        let mut look = self.look(&s, sync, closed);
        if !self.obeys(Rule::LaggingAtPermit) {
            look.known = look
                .known
                .map(|known| [0, 1].map(|at| known[at].min(run.rec.params[at])));
        }
        let mut desired = (run.rec.shape, run.rec.params);
        if run.purpose == Purpose::Repair
            && let Some(rec) = look.status.rec
        {
            if !self.obeys(Rule::Modified) {
                desired.1 = rec.params;
            }
            if !self.obeys(Rule::SameSet) {
                desired.1 = within(&desired.1, there(&rec.params));
            }
        }
        let mut asked = self.product.permit(&look, run.purpose, run.reads, desired);
        if let (Asked::Announce(revision), false) = (asked, self.obeys(Rule::Announced)) {
            look.announced = Some(revision);
            look.status.writing = Some(revision);
            asked = self.product.permit(&look, run.purpose, run.reads, desired);
        }
        Some((asked, s))
    }

    fn ask(&mut self, s: &State, run: Run) -> Option<Step> {
        if s.sync.is_none_or(|sync| sync.uid != run.began.uid) && self.obeys(Rule::Permit) {
            return Some(step(
                "operator finds the object gone, and drops the values",
                State { run: None, ..*s },
            ));
        }
        let (asked, s) = self.asked(s, &run)?;
        let left = State { run: None, ..s };
        Some(match asked {
            Asked::No { overtaken: true } => step("permit refused: overtaken", left),
            Asked::No { overtaken: false } => step("permit refused", self.take_back(&left, run.takes_back)),
            Asked::Announce(revision) => {
                let memory = self.product.announces(&s.memory, revision);
                let (next, written) =
                    self.announce(&State { memory, ..s }, run.began.uid, s.index(), revision);
                if written {
                    step("operator announces a revision", State { view: None, ..next })
                } else {
                    step("operator's announcement is refused", State { run: None, ..next })
                }
            }
            Asked::Write {
                rec,
                absent,
                across,
                lasting,
            } => {
                let mut rec = Rec {
                    params: run.rec.params,
                    ..rec
                };
                let kind = match (run.purpose, self.look(&s, run.began, s.closed).status.rec) {
                    (Purpose::Repair, _) => Kind::Repair,
                    (_, None) => Kind::First,
                    (_, Some(_)) => Kind::Change,
                };
                let onto = if absent { Onto::Absent } else { Onto::Same };
                if run.purpose == Purpose::Repair && !self.obeys(Rule::RepairSame) {
                    rec.revision += 1;
                }
                let memory = self.product.attempts(&s.memory, Sent { rec, kind, onto });
                let run = Run {
                    stage: Stage::Permitted,
                    began: s
                        .sync
                        .filter(|sync| sync.uid == run.began.uid)
                        .unwrap_or(run.began),
                    rec,
                    closed: s.closed,
                    unchanged: true,
                    absent,
                    across: across || !self.obeys(Rule::Until),
                    lasting: lasting || !self.obeys(Rule::Deadline),
                    ..run
                };
                step(
                    "permit",
                    State {
                        memory,
                        run: Some(run),
                        ..s
                    },
                )
            }
        })
    }

    fn apply(&mut self, s: &State, run: Run) -> Step {
        let over = run.stage == Stage::Crossed && !run.across || run.ticked && !run.lasting;
        let written = if over {
            None
        } else {
            self.write_secret(s, &run, false)
        };
        let Some((mut next, broken)) = written else {
            let memory = self.product.refused(&s.memory);
            return step(
                "apply refuses, or conflicts",
                State {
                    memory,
                    run: None,
                    ..*s
                },
            );
        };
        if run.purpose == Purpose::Repair {
            next.memory = self.product.wrote(&s.memory, None);
            next.run = None;
            return Step {
                label: "operator writes the Secret again",
                next,
                broken,
            };
        }
        next.memory = self.product.wrote(&s.memory, Some(run.rec));
        next.run = Some(Run {
            stage: Stage::Written,
            ..run
        });
        Step {
            label: "operator writes the Secret",
            next,
            broken,
        }
    }

    fn report(&mut self, s: &State, run: Run) -> Step {
        let s = State { run: None, ..*s };
        let (next, broken) = self.record(&s, run.began.uid, s.index(), run.rec, true);
        Step {
            label: if next.status == s.status {
                "operator's record is refused"
            } else {
                "operator writes the record"
            },
            next,
            broken,
        }
    }

    /// A new process.
    pub fn started(&self, s: &State) -> State {
        State {
            alive: true,
            listed: !self.config.listing,
            known: if self.config.sweeps { None } else { Some(s.up) },
            memory: Remembered::default(),
            ..*s
        }
    }
}

/// The version before this one, as a read that lags gives it.
fn before(version: Version) -> Option<Version> {
    match (version.number, version.made) {
        (1, 0) => None,
        (1, made) => Some(Version {
            made: made - 1,
            number: 1,
        }),
        (number, made) => Some(Version {
            made,
            number: number - 1,
        }),
    }
}
