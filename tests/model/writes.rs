//! What the API server makes of the operator's writes.

use crate::World;
use crate::judge::Broken;
use crate::rules::Rule;
use crate::state::{Fields, Late, Onto, Rec, Request, Run, Seal, Secret, Stage, State, Status, bits, there};

impl World {
    /// A write of the Secret that reaches the API server. None where that refuses it.
    pub fn write_secret(&self, s: &State, run: &Run, flying: bool) -> Option<(State, Broken)> {
        if flying && run.ticked && self.obeys(Rule::ServerTimeout) {
            return None;
        }
        match s.secret {
            Some(_) if (run.absent || !run.unchanged) && self.obeys(Rule::Precondition) => return None,
            None if !run.absent && self.obeys(Rule::Precondition) => return None,
            _ => {}
        }
        let broken = self.judge_write(s, run, flying);
        let Rec {
            revision,
            shape,
            params,
            ..
        } = run.rec;
        let seal = Seal {
            key: run.key,
            of_web: true,
            sync: run.began.name,
            revision,
        };
        let there = there(&params);
        let secret = Secret {
            data: Some(params),
            seal: Some(seal),
            fields: Fields::Ours { shape, there },
        };
        let mut next = State {
            by_hand: false,
            ever: s.ever | bits(&params),
            last: Some((params, shape)),
            wrote: s.wrote | 1 << run.began.uid,
            ..put(s, Some(secret))
        };
        next.seals.add(seal);
        if s.budget.restore > 0 {
            next.backups.add(secret);
        }
        Some((next, broken))
    }

    /// A record that reaches the API server, to replace what was `seen`; `live`: its answer is waited for.
    pub fn record(&mut self, s: &State, uid: u8, seen: Status, rec: Rec, live: bool) -> (State, Broken) {
        if !self.holds(s, uid, seen) {
            return (*s, None);
        }
        let status = Status {
            rec: Some(rec),
            writing: None,
        };
        let mut next = State {
            status,
            recorded: s.recorded | 1 << uid,
            ..*s
        };
        let broken = self.judge_record(s, &rec);
        if live {
            next.memory = self.product.recorded(&self.memory(s, uid), rec.revision);
            next.view = None;
        }
        (next, broken)
    }

    /// An announcement that reaches the API server.
    pub fn announce(&mut self, s: &State, uid: u8, seen: Status, revision: u8) -> (State, bool) {
        if !self.holds(s, uid, seen) {
            return (*s, false);
        }
        let status = Status {
            writing: Some(revision),
            ..s.status
        };
        (State { status, ..*s }, true)
    }

    /// Whether the conditions of a status write hold, and it can be written at all.
    fn holds(&self, s: &State, uid: u8, seen: Status) -> bool {
        s.sync.is_some_and(|sync| {
            let same = sync.uid == uid || !self.obeys(Rule::ConditionUid);
            let revision = s.status.revision() == seen.revision() || !self.obeys(Rule::ConditionRevision);
            let writing = s.status.writing == seen.writing || !self.obeys(Rule::ConditionWriting);
            !sync.padded && same && revision && writing
        })
    }

    /// What a report says at the end of a pass that wrote nothing.
    pub fn take_back(&mut self, s: &State, takes_back: Option<u8>) -> State {
        let Some(sync) = s.sync else { return *s };
        let known = self.memory(s, sync.uid).announced == takes_back || !self.obeys(Rule::TakenBackByFresh);
        if takes_back.is_none()
            || !known
            || !self.obeys(Rule::TakenBack)
            || !self.holds(s, sync.uid, s.index())
        {
            return *s;
        }
        let memory = self.memory(s, sync.uid);
        let memory = if self.obeys(Rule::TakenBackForgotten) {
            self.product.took_back(&memory)
        } else {
            memory
        };
        let status = Status {
            writing: None,
            ..s.status
        };
        State {
            status,
            memory,
            view: None,
            ..*s
        }
    }
}

/// Every change of the Secret moves its resourceVersion: who read it before can tell.
pub fn put(s: &State, secret: Option<Secret>) -> State {
    let moved = |run: Run| Run {
        unchanged: run.stage == Stage::Fetched || run.stage == Stage::Written,
        ..run
    };
    let late = s.late.map(|late| Late {
        what: match late.what {
            Request::Secret(run) => Request::Secret(moved(run)),
            other => other,
        },
        ..late
    });
    let mut memory = s.memory;
    if let Some(sent) = &mut memory.attempt
        && sent.onto == Onto::Same
    {
        sent.onto = Onto::Another;
    }
    State {
        secret,
        memory,
        run: s.run.map(moved),
        late,
        ..*s
    }
}
