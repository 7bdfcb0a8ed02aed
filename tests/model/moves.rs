//! Everybody's moves: the operator's steps and accidents, Parameter Store and the calendar, and a tenant who may edit.

use crate::World;
use crate::operator::{Step, step};
use crate::product::Asked;
use crate::rules::Rule;
use crate::state::{
    Budget, Fields, Late, Params, Remembered, Request, Run, Seal, Secret, Stage, State, Status, Sync,
    Version, there,
};
use crate::writes::put;

/// What a tenant may do with the ParameterSync.
#[derive(Clone, Copy, Debug, Default)]
pub struct Can {
    /// Delete it and make it anew.
    pub lives: bool,
    /// Edit its shape.
    pub edit: bool,
    pub suspend: bool,
    pub adopt: bool,
    /// Make it so large that no status can be written.
    pub pad: bool,
}

/// The same with one move of a kind less.
fn spend(s: &State, kind: fn(&mut Budget) -> &mut u8) -> Option<State> {
    let mut next = *s;
    let left = kind(&mut next.budget);
    *left = left.checked_sub(1)?;
    Some(next)
}

fn is_permitted(run: &Run) -> bool {
    matches!(run.stage, Stage::Permitted | Stage::Crossed | Stage::Edited)
}

impl World {
    /// Each move that somebody can make.
    pub fn moves(&mut self, s: &State) -> Vec<Step> {
        let mut moves = Vec::new();
        if s.alive {
            if let Some(step) = self.step(s, None) {
                moves.extend(unseen(s, &step));
                moves.push(step);
            }
            self.accidents(s, &mut moves);
        } else {
            let up = self.started(s);
            moves.push(step("operator starts", up));
            if let Some(next) = spend(&up, |left| &mut left.key) {
                let key = s.key + 1;
                moves.push(step(
                    "operator starts; the seal's key was lost, and a new one is made",
                    State { key, ..next },
                ));
            }
        }
        self.landings(s, &mut moves);
        self.surroundings(s, &mut moves);
        self.tenant(s, &mut moves);
        moves
    }

    fn accidents(&mut self, s: &State, moves: &mut Vec<Step>) {
        if let (None, Some(next)) = (s.run, spend(s, |left| &mut left.lag)) {
            for at in 0..2 {
                let lagged = self
                    .step(&next, Some(at))
                    .filter(|step| step.label.contains("fetch"));
                moves.extend(lagged);
            }
        }
        if !s.listed {
            moves.push(step("everything is listed", State { listed: true, ..*s }));
        }
        if s.known != Some(s.up) {
            moves.push(step(
                "a sweep",
                State {
                    known: Some(s.up),
                    ..*s
                },
            ));
        }
        if s.view.is_some() {
            moves.push(step(
                "the watch brings the newest status",
                State { view: None, ..*s },
            ));
        }
        let under_way = self.under_way(s);
        if let Some(next) = spend(s, |left| &mut left.crash) {
            let dead = State {
                alive: false,
                run: None,
                memory: Remembered::default(),
                view: None,
                late: s.late.map(|late| Late {
                    orphaned: true,
                    ..late
                }),
                ..next
            };
            moves.push(step("operator dies", dead));
            if let (Some(what), None, Some(dead)) = (under_way, s.late, spend(&dead, |left| &mut left.late)) {
                let late = Some(Late {
                    what,
                    orphaned: true,
                    ticked: false,
                });
                moves.push(step(
                    "operator dies, its last request under way",
                    State { late, ..dead },
                ));
            }
        }
        if let (Some(what), None, Some(next)) = (under_way, s.late, spend(s, |left| &mut left.late)) {
            moves.push(step("a request has no answer", self.unanswered(&next, what)));
        }
    }

    /// The write that the operator has sent, or is about to send.
    fn under_way(&mut self, s: &State) -> Option<Request> {
        let run = s.run?;
        let uid = run.began.uid;
        match run.stage {
            Stage::Permitted => Some(Request::Secret(run)),
            Stage::Crossed | Stage::Edited => None,
            Stage::Written => Some(Request::Record {
                uid,
                seen: s.index(),
                rec: run.rec,
            }),
            Stage::Fetched => match self.asked(s, &run)?.0 {
                Asked::Announce(writing) if s.sync.is_some_and(|sync| sync.uid == uid) => {
                    Some(Request::Announcement {
                        uid,
                        seen: s.index(),
                        writing,
                    })
                }
                _ => None,
            },
        }
    }

    /// The operator waits no longer for an answer, and goes on.
    fn unanswered(&mut self, s: &State, what: Request) -> State {
        let late = Some(Late {
            what,
            orphaned: false,
            ticked: false,
        });
        let mut next = State {
            late,
            run: None,
            ..*s
        };
        match what {
            Request::Secret(run) => {
                next.memory = if self.obeys(Rule::Unanswered) {
                    self.product.unanswered(&s.memory)
                } else {
                    self.product.refused(&s.memory)
                };
                next = self.take_back(&next, run.takes_back);
            }
            Request::Announcement { writing, uid, .. } => {
                let memory = self.product.announces(&self.memory(s, uid), writing);
                next.memory = self.product.hushed(&memory);
            }
            Request::Record { uid, .. } => next.memory = self.product.hushed(&self.memory(s, uid)),
        }
        next
    }

    fn landings(&mut self, s: &State, moves: &mut Vec<Step>) {
        if let Some(late) = s.late {
            let none = State { late: None, ..*s };
            let lapsed = late.ticked && (self.obeys(Rule::ServerTimeout) || self.obeys(Rule::QuietStatus));
            match late.what {
                Request::Secret(run) => {
                    let run = Run {
                        ticked: late.ticked,
                        ..run
                    };
                    if let Some((next, broken)) = self.write_secret(&none, &run, true) {
                        let label = "the request lands late: the Secret is written";
                        moves.push(Step { label, next, broken });
                    }
                }
                Request::Record { uid, seen, rec } if !lapsed => {
                    let (next, broken) = self.record(&none, uid, seen, rec, false);
                    let label = "the request lands late: the record is written";
                    moves.extend((next.status != s.status).then_some(Step { label, next, broken }));
                }
                Request::Announcement { uid, seen, writing } if !lapsed => {
                    let (next, _) = self.announce(&none, uid, seen, writing);
                    let label = "the request lands late: the revision is announced";
                    moves.extend((next.status != s.status).then(|| step(label, next)));
                }
                _ => {}
            }
        }
        self.pause(s, moves);
    }

    /// Ten seconds pass: permits and requests are over, and so is the quiet.
    fn pause(&mut self, s: &State, moves: &mut Vec<Step>) {
        let late = s.late.filter(|late| !late.ticked);
        let permitted = s.run.filter(|run| is_permitted(run) && !run.ticked);
        if late.is_none() && permitted.is_none() && !(s.memory.quiet && s.run.is_none()) {
            return;
        }
        let paid = if permitted.is_some() {
            spend(s, |left| &mut left.tick)
        } else {
            Some(*s)
        };
        let Some(mut next) = paid else { return };
        next.run = s.run.map(|run| Run {
            ticked: is_permitted(&run),
            ..run
        });
        next.late = s
            .late
            .filter(|_| !self.obeys(Rule::ServerTimeout))
            .map(|late| Late { ticked: true, ..late });
        if s.run.is_none() {
            next.memory.quiet = false;
        }
        moves.push(step("ten seconds pass", next));
    }

    fn surroundings(&mut self, s: &State, moves: &mut Vec<Step>) {
        let [p, q] = s.up;
        if let (Some(version), Some(next)) = (p, spend(s, |left| &mut left.up)) {
            let number = version.number + 1;
            moves.push(step(
                "p gets a newer version",
                self.upstream(&next, [Some(Version { number, ..version }), q]),
            ));
        }
        if let (Some(version), Some(next)) = (p, spend(s, |left| &mut left.anew)) {
            let anew = Version {
                made: version.made + 1,
                number: 1,
            };
            moves.push(step(
                "p is deleted and made anew",
                self.upstream(&next, [Some(anew), q]),
            ));
        }
        if let Some(next) = spend(s, |left| &mut left.q) {
            let (label, q) = match q {
                None => ("q appears", Some(FIRST)),
                Some(_) => ("q vanishes", None),
            };
            moves.push(step(label, self.upstream(&next, [p, q])));
        }
        if let Some(mut next) = spend(s, |left| &mut left.close) {
            next.closed = !s.closed;
            next.young = s.young && !s.closed;
            gate_turns(&mut next, Stage::Crossed);
            moves.push(step(
                if s.closed {
                    "the calendar opens"
                } else {
                    "the calendar CLOSES"
                },
                next,
            ));
        }
        if let (false, Some(mut next)) = (s.closed, spend(s, |left| &mut left.edit)) {
            next.closed = true;
            gate_turns(&mut next, Stage::Edited);
            moves.push(step("an administrator CLOSES the calendar by an edit", next));
        }
        for backup in s.backups.iter().filter(|backup| Some(*backup) != s.secret) {
            if let Some(next) = spend(s, |left| &mut left.restore) {
                let next = State {
                    by_hand: false,
                    ..put(&next, Some(backup))
                };
                moves.push(step(
                    "the administrator restores the Secret from a backup, managedFields too",
                    next,
                ));
            }
        }
    }

    fn upstream(&self, s: &State, up: Params) -> State {
        let known = if self.config.sweeps { s.known } else { Some(up) };
        State { up, known, ..*s }
    }

    fn tenant(&mut self, s: &State, moves: &mut Vec<Step>) {
        if let Some(next) = spend(s, |left| &mut left.secret) {
            self.edit_secret(s, &next, moves);
        }
        let Some(next) = spend(s, |left| &mut left.sync) else {
            return;
        };
        let can = self.config.can;
        let Some(sync) = s.sync else {
            let shapes = if can.edit { self.config.shapes } else { &[0] };
            for name in 0..self.config.names {
                for &shape in shapes {
                    for adopt in [false, true] {
                        if adopt && !can.adopt {
                            continue;
                        }
                        let anew = Sync {
                            uid: s.born + 1,
                            name,
                            shape,
                            adopt,
                            suspended: false,
                            padded: false,
                        };
                        let next = State {
                            sync: Some(anew),
                            born: s.born + 1,
                            ..next
                        };
                        moves.push(step("tenant makes the ParameterSync anew", next));
                    }
                }
            }
            return;
        };
        if can.lives {
            let gone = State {
                sync: None,
                status: Status::default(),
                view: None,
                ..next
            };
            moves.push(step("tenant deletes the ParameterSync, orphaning", gone));
            if s.secret.is_some() {
                moves.push(step(
                    "tenant deletes the ParameterSync, cascading",
                    put(&gone, None),
                ));
            }
        }
        let mut edited = |label, sync| {
            moves.push(step(
                label,
                State {
                    sync: Some(sync),
                    ..next
                },
            ));
        };
        if can.edit {
            for &shape in self.config.shapes.iter().filter(|shape| **shape != sync.shape) {
                edited("tenant edits the spec's shape", Sync { shape, ..sync });
            }
        }
        if can.suspend {
            edited(
                "tenant suspends or resumes",
                Sync {
                    suspended: !sync.suspended,
                    ..sync
                },
            );
        }
        if can.adopt {
            edited(
                "tenant edits adopt",
                Sync {
                    adopt: !sync.adopt,
                    ..sync
                },
            );
        }
        if can.pad {
            edited(
                "tenant makes the object too large for a status, or small again",
                Sync {
                    padded: !sync.padded,
                    ..sync
                },
            );
        }
    }

    fn edit_secret(&mut self, s: &State, next: &State, moves: &mut Vec<Step>) {
        let by_hand = |secret| State {
            by_hand: true,
            ..put(next, secret)
        };
        if s.secret.is_some() {
            moves.push(step("tenant deletes the Secret", by_hand(None)));
        }
        // managedFields as the operator left them last.
        let forged = s.last.map_or(Fields::Foreign, |(params, shape)| Fields::Ours {
            shape,
            there: there(&params),
        });
        let kept = s.secret.and_then(|secret| secret.data);
        let made_up = Seal {
            key: 9,
            of_web: true,
            sync: 0,
            revision: 11,
        };
        let seals = s
            .seals
            .iter()
            .chain((!self.obeys(Rule::Sealed)).then_some(made_up))
            .map(Some);
        for seal in seals.chain([None]) {
            for (data, fields, label) in [
                (None, Fields::Foreign, "tenant writes the Secret by hand"),
                (
                    None,
                    forged,
                    "tenant writes the Secret by hand, and forges managedFields",
                ),
                (
                    kept,
                    forged,
                    "tenant leaves the Secret's values, and forges seal and managedFields",
                ),
            ] {
                let secret = Some(Secret { data, seal, fields });
                if secret != s.secret {
                    moves.push(step(label, by_hand(secret)));
                }
            }
        }
    }
}

/// A permit that is there when the gate turns.
fn gate_turns(s: &mut State, stage: Stage) {
    if let Some(run) = s.run.as_mut().filter(|run| run.stage == Stage::Permitted) {
        run.stage = stage;
    }
}

/// The same step, where the index does not show the status yet that it wrote.
fn unseen(s: &State, taken: &Step) -> Option<Step> {
    if taken.next.status == s.status {
        return None;
    }
    let mut next = spend(&taken.next, |left| &mut left.stale)?;
    next.view = Some(s.status);
    if taken.next.status.rec != s.status.rec {
        // Nor is it known that the record is there.
        next.memory.unrecorded = taken.next.status.rec;
    }
    Some(Step {
        label: "operator writes status, and the index does not show it yet",
        next,
        broken: taken.broken,
    })
}

/// A version as a parameter begins with.
pub const FIRST: Version = Version { made: 0, number: 1 };
