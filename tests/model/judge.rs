//! What must hold, whatever anybody does.
//!
//! I1 nothing new gets in while closed. I2 nothing is rolled back. I3 no name is fetched that the spec does not want. I4
//! status says what was written. I5 the operator comes to rest, at the right values. I6 permits end. I7 no Secret that is
//! not ours is taken over.

use paramsync::decide::Purpose;

use crate::World;
use crate::product::First;
use crate::rules::Rule;
use crate::state::{Fields, Params, Rec, Run, Seal, Secret, Stage, State, Sync, bits, there, wanted, within};

/// What is broken, in words; they begin with the invariant's number.
pub type Broken = Option<&'static str>;

impl World {
    /// Of a write of the Secret; `flying`: nobody waits for its answer.
    pub fn judge_write(&self, s: &State, run: &Run, flying: bool) -> Broken {
        let data = &run.rec.params;
        let new = bits(data) & !s.ever != 0;
        let first = run.purpose == Purpose::FirstSync;
        let may_be_first = match self.config.first {
            First::Allow => true,
            First::New => s.young || flying && !run.ticked && self.obeys(Rule::Young),
            First::Hold => false,
        };
        let lawful = first && may_be_first;
        let by_rule = run.closed || run.purpose == Purpose::Repair;
        let last = s.last;
        if !flying && takes_over(s, &run.began) {
            return Some("I7 a Secret that is not ours is written over without adopt");
        }
        if run.ticked && !flying {
            return Some("I6 a write after its permit's ten seconds");
        }
        if s.closed && !lawful {
            if new && run.ticked {
                return Some("I6 a new value lands after closing and deadline");
            }
            if new && run.closed {
                return Some("I1 a value that was never applied gets in while closed");
            }
            if new && !flying && run.stage != Stage::Edited {
                return Some("I6 a write starts after the closing");
            }
            if !new && by_rule && last.map(|last| last.0) != Some(*data) {
                return Some("I2 rolled back while closed");
            }
            if !new && by_rule && last.map(|last| last.1) != Some(run.rec.shape) {
                return Some("I1 another shape gets in while closed");
            }
        }
        if s.closed && lawful && run.closed && holds_ours(s, run) {
            return Some("I1 a first sync while closed replaces what the operator had written");
        }
        if !s.closed && last.is_some_and(|(last, _)| goes_back(s, &last, run)) {
            return Some("I2 open: a newer version is replaced by an older one, or a key is lost");
        }
        None
    }

    /// Of a record that got into status.
    pub fn judge_record(&self, s: &State, rec: &Rec) -> Broken {
        let uid = s.sync?.uid;
        if bits(&rec.params) & !s.ever != 0 {
            return Some("I4 status claims a version that was never written");
        }
        if s.wrote & 1 << uid == 0 {
            return Some("I4 status of an object under which nothing was written claims versions");
        }
        if !s.by_hand && s.last.map(|last| last.0) != Some(rec.params) {
            return Some("I4 status claims another version than the one written");
        }
        None
    }

    /// Of a fetch.
    pub fn judge_fetch(&self, s: &State, asked: [bool; 2]) -> Broken {
        let sync = s.sync?;
        let may = wanted(sync.shape);
        if (0..2).any(|at| asked[at] && !may[at]) {
            return Some("I3 a name is fetched that the spec does not want");
        }
        takes_over(s, &sync).then_some("I7 a Secret that is not ours is taken over without adopt")
    }

    /// Of what the operator comes to when everybody else keeps still.
    pub fn settles(&mut self, from: &State, closed: bool) -> Broken {
        let begun = if from.alive { *from } else { self.started(from) };
        let mut s = State {
            closed,
            listed: true,
            known: Some(from.up),
            view: None,
            late: None,
            ..begun
        };
        s.memory.quiet = false;
        let recorded = s.sync.is_some_and(|sync| s.recorded & 1 << sync.uid != 0);
        let mut writes = 0;
        let mut before = None;
        for steps in 0.. {
            let Some(step) = self.step(&s, None).filter(|step| step.next != s) else {
                break;
            };
            if steps == 40 {
                return Some("I5 the operator never comes to rest");
            }
            writes += usize::from(step.label.starts_with("operator writes the Secret"));
            s = step.next;
            // A pass that changed nothing is made again after a longer and longer while.
            if s.run.is_none() && before.replace(s) == Some(s) {
                break;
            }
        }
        if closed && writes > 2 {
            return Some("I5 more than two writes while closed");
        }
        rests(&s, recorded)
    }
}

/// Whether a write takes away what is newer, or is still there.
fn goes_back(s: &State, last: &Params, run: &Run) -> bool {
    (0..2).any(|at| match (last[at], s.up[at]) {
        (Some(was), Some(now)) if now.made == was.made && run.wanted[at] => match run.rec.params[at] {
            None => run.there[at],
            Some(new) => new < was,
        },
        _ => false,
    })
}

fn holds_ours(s: &State, run: &Run) -> bool {
    let ours = |seal: Seal| (seal.key, seal.of_web, seal.sync) == (s.key, true, run.began.name);
    s.secret.is_some_and(|secret| {
        secret.seal.is_some_and(ours) && secret.data.is_some_and(|data| data != run.rec.params)
    })
}

/// Whether a write would take over a Secret that is not ours. Ours is what was written or recorded under this life, and
/// what has a seal that the operator really made for it.
fn takes_over(s: &State, sync: &Sync) -> bool {
    let ours = |seal: Seal| (seal.key, seal.of_web, seal.sync) == (s.key, true, sync.name);
    let sealed = |seal: Seal| ours(seal) && s.seals.iter().any(|known| known == seal);
    let known = (s.wrote | s.recorded) & 1 << sync.uid != 0;
    let is_ours = |secret: Secret| secret.seal.is_some_and(sealed);
    s.secret
        .is_some_and(|secret| !sync.adopt && !known && !is_ours(secret))
}

/// What is wrong with where the operator rests.
fn rests(s: &State, recorded: bool) -> Broken {
    let sync = s.sync.filter(|sync| !sync.suspended && !sync.padded)?;
    let want = within(&s.up, wanted(sync.shape));
    let (rec, writing) = (s.status.rec, s.status.writing);
    let ours = s.secret.and_then(|secret| secret.data);
    let readable = |params: &Params| {
        (0..2).all(|at| match (params[at], want[at]) {
            (None, _) => true,
            (Some(is), Some(now)) => is.made == now.made && is.number <= now.number,
            (Some(_), None) => false,
        })
    };
    if s.closed {
        if rec.is_none() && recorded {
            return Some("I5 the record is gone from status");
        }
        let whole = |rec: &Rec| rec.shape == sync.shape && readable(&rec.params);
        if s.secret.is_none() && writing.is_none() && rec.as_ref().is_some_and(whole) {
            return Some("I5 closed: there is a record and no doubt, but the Secret is not put back");
        }
        let told = rec.map(|rec| rec.revision);
        if s.memory.uid == sync.uid && s.memory.unrecorded.is_some_and(|ours| Some(ours.revision) > told) {
            return Some("I5 closed: what was written is not in status");
        }
        let sealed = s.secret.and_then(|secret| secret.seal).map(|seal| seal.revision);
        if !s.by_hand && writing.is_none() && told.is_some() && sealed > told {
            return Some("I5 closed: a Secret that nobody touched is in doubt for good");
        }
        let own = writing.is_some() && s.memory.announced == writing;
        if own && s.memory.uid == sync.uid && writing == rec.map(|rec| rec.revision + 1) {
            return Some("I5 closed: an announcement that came to nothing stands");
        }
        if !s.by_hand
            && writing.is_none()
            && ours.is_some()
            && rec.is_some_and(|rec| Some(rec.params) != ours)
        {
            return Some("I4 at rest, closed: status says another version than the operator wrote");
        }
        return None;
    }
    let sealed = s.secret.and_then(|secret| secret.seal);
    let own = sealed.is_some_and(|seal| (seal.key, seal.of_web, seal.sync) == (s.key, true, sync.name));
    if s.secret.is_some() && rec.is_none() && !sync.adopt && !own {
        return None;
    }
    let hidden = s.by_hand && s.secret.is_some_and(|secret| secret.fields != Fields::Foreign);
    let hidden = hidden && own && sealed.map(|seal| seal.revision) == rec.map(|rec| rec.revision);
    if there(&want) == [false, false] || hidden {
        // Nothing upstream; or hand-written, and hidden by forged managedFields: that is told in the docs.
        return None;
    }
    let Some(rec) = rec else {
        return Some("I5 open and at rest, but status has no record");
    };
    if ours != Some(want) || rec.params != want {
        return Some("I5 open and at rest, but not at the newest versions");
    }
    None
}
