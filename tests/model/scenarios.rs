//! What may happen how often, and with which settings. Each is searched whole.

use crate::moves::{Can, FIRST};
use crate::product::First;
use crate::rules::Off;
use crate::state::{Budget, Few, Fields, Rec, Remembered, Seal, Secret, State, Status, Sync, bits, there};

/// One search.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub budget: Budget,
    pub can: Can,
    pub first: First,
    pub shapes: &'static [u8],
    /// How many names a ParameterSync of this Secret may have.
    pub names: u8,
    /// Nothing is applied yet.
    pub zero: bool,
    /// The same, in a namespace that was made during a closing that lasts.
    pub young: bool,
    /// q is there from the beginning.
    pub q: bool,
    /// A seal of another Secret is there to be copied.
    pub foreign: bool,
    /// A new process has to list everything first,
    pub listing: bool,
    /// and knows of Parameter Store what the last sweep saw, no more.
    pub sweeps: bool,
    pub off: Off,
}

const PLAIN: Config = Config {
    budget: NONE,
    can: NOTHING,
    first: First::Hold,
    shapes: &[0, 1],
    names: 1,
    zero: false,
    young: false,
    q: false,
    foreign: false,
    listing: false,
    sweeps: false,
    off: Off::NONE,
};
const NOTHING: Can = Can {
    lives: false,
    edit: false,
    suspend: false,
    adopt: false,
    pad: false,
};
const LIVES: Can = Can {
    lives: true,
    ..NOTHING
};
const ADOPTS: Can = Can { adopt: true, ..LIVES };
const NONE: Budget = Budget {
    up: 0,
    anew: 0,
    q: 0,
    close: 0,
    edit: 0,
    crash: 0,
    late: 0,
    tick: 0,
    secret: 0,
    sync: 0,
    lag: 0,
    key: 0,
    stale: 0,
    restore: 0,
};

/// All scenarios.
pub const ALL: [&str; 35] = [
    "stale2",
    "late_key",
    "unanswered2",
    "late_names",
    "late_spec",
    "late_sweeps",
    "late_padded",
    "late_first",
    "crash",
    "first",
    "first2",
    "permit",
    "zombie",
    "zombie2",
    "unanswered",
    "padded",
    "lives",
    "names",
    "status",
    "spec",
    "shape",
    "qnew",
    "anew",
    "key",
    "key0",
    "start",
    "sweeps",
    "young",
    "old",
    "allow",
    "allow0",
    "stale",
    "lost",
    "restore",
    "restore2",
];

/// The scenario of that name.
#[rustfmt::skip]
pub fn scenario(name: &str) -> Config {
    let plain = PLAIN;
    match name {
        "crash" => Config { budget: Budget { up: 2, close: 1, crash: 2, secret: 2, ..NONE }, ..plain },
        "first" => Config { budget: Budget { up: 1, close: 1, crash: 2, secret: 2, ..NONE }, zero: true, ..plain },
        "first2" => Config { budget: Budget { up: 1, close: 1, crash: 1, late: 1, tick: 1, sync: 2, ..NONE }, can: LIVES, zero: true, ..plain },
        "permit" => Config { budget: Budget { up: 1, close: 2, edit: 1, tick: 1, sync: 1, secret: 1, ..NONE }, can: Can { suspend: true, ..NOTHING }, ..plain },
        "zombie" => Config { budget: Budget { up: 2, close: 1, crash: 1, late: 1, secret: 1, tick: 1, ..NONE }, ..plain },
        "zombie2" => Config { budget: Budget { up: 2, close: 1, crash: 2, late: 1, ..NONE }, ..plain },
        "unanswered" => Config { budget: Budget { up: 1, close: 1, crash: 1, late: 1, secret: 2, ..NONE }, ..plain },
        "padded" => Config { budget: Budget { up: 1, close: 1, crash: 1, secret: 1, sync: 1, ..NONE }, can: Can { pad: true, ..NOTHING }, ..plain },
        "lives" => Config { budget: Budget { up: 1, close: 1, secret: 2, sync: 2, ..NONE }, can: ADOPTS, foreign: true, ..plain },
        "names" => Config { budget: Budget { up: 1, close: 1, crash: 1, sync: 3, ..NONE }, can: ADOPTS, names: 2, ..plain },
        "status" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, stale: 1, ..NONE }, can: LIVES, ..plain },
        "spec" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, q: 1, ..NONE }, can: Can { edit: true, ..NOTHING }, q: true, ..plain },
        "shape" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, ..NONE }, can: Can { edit: true, suspend: true, ..NOTHING }, shapes: &[0, 2], ..plain },
        "qnew" => Config { budget: Budget { q: 2, close: 1, secret: 1, lag: 1, up: 1, ..NONE }, ..plain },
        "anew" => Config { budget: Budget { up: 1, q: 1, anew: 1, close: 1, secret: 1, lag: 1, ..NONE }, ..plain },
        "key" => Config { budget: Budget { up: 1, close: 1, crash: 1, key: 1, secret: 1, sync: 2, ..NONE }, can: LIVES, ..plain },
        "key0" => Config { budget: Budget { close: 1, crash: 1, key: 1, secret: 1, ..NONE }, zero: true, ..plain },
        "start" => Config { budget: Budget { up: 1, close: 1, crash: 1, secret: 1, ..NONE }, listing: true, sweeps: true, ..plain },
        "sweeps" => Config { budget: Budget { up: 1, q: 1, close: 1, crash: 1, secret: 1, ..NONE }, sweeps: true, ..plain },
        "young" => Config { budget: Budget { up: 1, close: 2, secret: 1, sync: 2, crash: 1, ..NONE }, can: LIVES, first: First::New, young: true, ..plain },
        "old" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, ..NONE }, can: ADOPTS, first: First::New, ..plain },
        "allow" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, crash: 1, ..NONE }, can: LIVES, first: First::Allow, ..plain },
        "allow0" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, crash: 1, late: 1, ..NONE }, can: LIVES, first: First::Allow, zero: true, ..plain },
        "stale" => Config { budget: Budget { up: 2, close: 1, secret: 2, stale: 1, ..NONE }, ..plain },
        "lost" => Config { budget: Budget { up: 1, close: 1, secret: 1, sync: 2, crash: 1, ..NONE }, can: LIVES, ..plain },
        "restore" => Config { budget: Budget { up: 1, close: 1, restore: 1, crash: 1, late: 1, secret: 1, ..NONE }, ..plain },
        "restore2" => Config { budget: Budget { up: 1, close: 1, restore: 1, sync: 2, crash: 1, ..NONE }, can: LIVES, ..plain },
        "unanswered2" => Config { budget: Budget { up: 1, close: 1, crash: 1, late: 2, secret: 1, ..NONE }, ..plain },
        "late_names" => Config { budget: Budget { up: 1, close: 1, late: 1, sync: 3, secret: 1, ..NONE }, can: LIVES, names: 2, ..plain },
        "late_spec" => Config { budget: Budget { up: 1, close: 1, crash: 1, late: 1, sync: 2, secret: 1, ..NONE }, can: Can { edit: true, ..NOTHING }, shapes: &[0, 2], ..plain },
        "late_sweeps" => Config { budget: Budget { up: 1, q: 1, close: 1, crash: 1, late: 1, ..NONE }, sweeps: true, ..plain },
        "late_padded" => Config { budget: Budget { up: 1, close: 1, crash: 2, late: 1, sync: 2, ..NONE }, can: Can { pad: true, ..LIVES }, ..plain },
        "late_first" => Config { budget: Budget { up: 1, close: 1, edit: 1, crash: 1, late: 1, tick: 1, secret: 1, ..NONE }, zero: true, first: First::Allow, ..plain },
        "stale2" => Config { budget: Budget { up: 1, close: 2, crash: 1, secret: 1, stale: 1, ..NONE }, ..plain },
        "late_key" => Config { budget: Budget { up: 1, close: 1, late: 1, crash: 1, secret: 1, key: 1, sync: 2, ..NONE }, can: LIVES, ..plain },
        other => panic!("no scenario {other:?}"),
    }
}

impl Config {
    /// The first state: version 1 of p is applied, and nothing differs; or nothing is there yet.
    pub fn begin(&self) -> State {
        let up = [Some(FIRST), self.q.then_some(FIRST)];
        let mut seals = Few::none();
        let seal = |of_web, revision| Seal {
            key: 1,
            of_web,
            sync: 0,
            revision,
        };
        if self.foreign {
            seals.add(seal(false, 10));
        }
        let nothing = State {
            up,
            known: Some(up),
            closed: self.young,
            young: self.young,
            key: 1,
            alive: true,
            listed: true,
            sync: Some(Sync {
                uid: 1,
                name: 0,
                shape: 0,
                adopt: false,
                suspended: false,
                padded: false,
            }),
            status: Status::default(),
            view: None,
            secret: None,
            memory: Remembered::default(),
            run: None,
            late: None,
            budget: self.budget,
            seals,
            backups: Few::none(),
            ever: 0,
            last: None,
            by_hand: false,
            wrote: 0,
            recorded: 0,
            born: 1,
        };
        if self.zero || self.young {
            return nothing;
        }
        let rec = Rec {
            uid: 1,
            revision: 10,
            shape: 0,
            params: up,
        };
        let secret = Secret {
            data: Some(up),
            seal: Some(seal(true, 10)),
            fields: Fields::Ours {
                shape: 0,
                there: there(&up),
            },
        };
        seals.add(seal(true, 10));
        let mut backups = Few::none();
        if self.budget.restore > 0 {
            backups.add(secret);
        }
        State {
            status: Status {
                rec: Some(rec),
                writing: None,
            },
            secret: Some(secret),
            seals,
            backups,
            ever: bits(&up),
            last: Some((up, 0)),
            wrote: 1 << 1,
            recorded: 1 << 1,
            ..nothing
        }
    }
}
