//! The searched state: small, and copied. What the product takes is made of it where it is asked (`product.rs`).

use paramsync::control::memory::Attempted;
use paramsync::decide::Purpose;

use crate::product::Read;

/// A version of a parameter: its number, and how often the parameter had been made anew by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    pub made: u8,
    pub number: u8,
}

/// The parameters `p` and `q`, each at a version, where it is there.
pub type Params = [Option<Version>; 2];

/// The record of a Secret. Revisions count from the first second of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rec {
    pub uid: u8,
    pub revision: u8,
    pub shape: u8,
    pub params: Params,
}

/// What stands in the status of the ParameterSync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Status {
    pub rec: Option<Rec>,
    pub writing: Option<u8>,
}

impl Status {
    pub fn revision(&self) -> Option<u8> {
        self.rec.map(|rec| rec.revision)
    }
}

/// What a seal covers, and the key that made it. Seals of another Secret are there to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seal {
    pub key: u8,
    pub of_web: bool,
    pub sync: u8,
    pub revision: u8,
}

/// Whose the fields of the Secret are, by its managedFields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fields {
    /// The operator's, as it writes them for a shape with or without these parameters.
    Ours { shape: u8, there: [bool; 2] },
    /// Somebody else's.
    Foreign,
}

/// The Secret `web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret {
    /// The versions whose values it holds; none: written by hand.
    pub data: Option<Params>,
    pub seal: Option<Seal>,
    pub fields: Fields,
}

/// The ParameterSync, one life of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sync {
    pub uid: u8,
    pub name: u8,
    pub shape: u8,
    pub adopt: bool,
    pub suspended: bool,
    /// So large that no status can be written.
    pub padded: bool,
}

/// What the operator remembers of one life: a copy of `control::memory::Memory`, which works on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Remembered {
    pub uid: u8,
    pub unrecorded: Option<Rec>,
    pub announced: Option<u8>,
    pub attempt: Option<Sent>,
    pub quiet: bool,
}

/// A write of the Secret of which it is not known whether it landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sent {
    pub rec: Rec,
    pub kind: Kind,
    /// Whether it was sent for a Secret that was there, and whether that is still the same.
    pub onto: Onto,
}

/// The Secret that a write was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Onto {
    /// None.
    Absent,
    /// The one that is there.
    Same,
    /// One that was changed or deleted since.
    Another,
}

/// `Attempted`, to be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    First,
    Change,
    Repair,
}

impl From<Attempted> for Kind {
    fn from(kind: Attempted) -> Self {
        match kind {
            Attempted::First => Self::First,
            Attempted::Change => Self::Change,
            Attempted::Repair => Self::Repair,
        }
    }
}

impl From<Kind> for Attempted {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::First => Self::First,
            Kind::Change => Self::Change,
            Kind::Repair => Self::Repair,
        }
    }
}

/// How far a pass has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The values are there; nothing was asked since.
    Fetched,
    /// It may be written.
    Permitted,
    /// The same, and the calendar closed or opened by its own time since.
    Crossed,
    /// The same, and an administrator closed the calendar by an edit since.
    Edited,
    /// The Secret is written.
    Written,
}

/// A pass under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    pub stage: Stage,
    /// The object as it was when the pass began, or at the permit; and the gate when it began: what a permit that is not
    /// asked again goes by.
    pub began: Sync,
    pub began_closed: bool,
    pub purpose: Purpose,
    /// What the values are, and, from the permit on, as which revision they are written.
    pub rec: Rec,
    /// What was asked for, the names that the spec wanted, and those that there were.
    pub reads: [Read; 2],
    pub wanted: [bool; 2],
    pub there: [bool; 2],
    /// The key that seals it.
    pub key: u8,
    /// Whether the gate was closed at the permit.
    pub closed: bool,
    /// Whether the Secret is still the one that the permit was given for, and whether that was none.
    pub unchanged: bool,
    pub absent: bool,
    /// Whether the permit counts after a transition of the gate, and after ten seconds.
    pub across: bool,
    pub lasting: bool,
    /// More than 10 s have passed since the permit.
    pub ticked: bool,
    /// The announcement that the report of this pass takes back, as far as was known at its beginning.
    pub takes_back: Option<u8>,
}

/// A request whose answer nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Late {
    pub what: Request,
    /// Whether the process that sent it is gone.
    pub orphaned: bool,
    /// Whether the API server must have given it up.
    pub ticked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    Secret(Run),
    /// A write of status: to the object of this uid, if it states this still.
    Record {
        uid: u8,
        seen: Status,
        rec: Rec,
    },
    Announcement {
        uid: u8,
        seen: Status,
        writing: u8,
    },
}

/// How often each kind of move may still be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub up: u8,
    pub anew: u8,
    pub q: u8,
    pub close: u8,
    pub edit: u8,
    pub crash: u8,
    pub late: u8,
    pub tick: u8,
    pub secret: u8,
    pub sync: u8,
    pub lag: u8,
    pub key: u8,
    pub stale: u8,
    pub restore: u8,
}

/// A small ordered set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Few<T, const N: usize>([Option<T>; N]);

impl<T: Copy + Ord, const N: usize> Few<T, N> {
    pub const fn none() -> Self {
        Self([None; N])
    }

    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.into_iter().flatten()
    }

    /// Adds one; a set that is full leaves it out.
    pub fn add(&mut self, item: T) {
        if self.iter().any(|known| known == item) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(item);
        }
        self.0.sort_by_key(|place| (place.is_none(), *place));
    }
}

/// Everything, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What Parameter Store has, and what the operator knows of that (none: nothing yet).
    pub up: Params,
    pub known: Option<Params>,
    pub closed: bool,
    /// Whether the namespace was made during this closing.
    pub young: bool,
    /// The seal's key.
    pub key: u8,
    /// Whether the operator runs, and has contact with all that it must have listed.
    pub alive: bool,
    pub listed: bool,
    pub sync: Option<Sync>,
    pub status: Status,
    /// What the operator's index says of the status, where that is older.
    pub view: Option<Status>,
    pub secret: Option<Secret>,
    pub memory: Remembered,
    pub run: Option<Run>,
    pub late: Option<Late>,
    pub budget: Budget,
    /// Seals that there were, which a tenant may copy; forms of the Secret that a backup has.
    pub seals: Few<Seal, 8>,
    pub backups: Few<Secret, 4>,
    // From here on: what only the judge knows.
    /// Each version that the operator ever wrote to this Secret, as bits.
    pub ever: u32,
    /// What it wrote last, and in which shape.
    pub last: Option<(Params, u8)>,
    /// Whether somebody else changed the Secret since.
    pub by_hand: bool,
    /// The lives under which something was written, or recorded, as bits.
    pub wrote: u8,
    pub recorded: u8,
    /// How many lives there were.
    pub born: u8,
}

impl State {
    /// The status as the operator knows it.
    pub fn index(&self) -> Status {
        self.view.unwrap_or(self.status)
    }
}

/// The versions as bits of [`State::ever`].
pub fn bits(params: &Params) -> u32 {
    let bit = |(at, version): (usize, &Option<Version>)| {
        version.map_or(0, |version| {
            1 << (16 * at as u32 + 4 * u32::from(version.made.min(3)) + u32::from(version.number.min(4) - 1))
        })
    };
    params.iter().enumerate().map(bit).sum()
}

/// What a spec of this shape wants: shape 1 leaves q out, shape 2 puts both under other keys.
pub fn wanted(shape: u8) -> [bool; 2] {
    [true, shape != 1]
}

/// Of these parameters, those that a spec of this shape wants.
pub fn within(params: &Params, wanted: [bool; 2]) -> Params {
    [0, 1].map(|at| params[at].filter(|_| wanted[at]))
}

pub fn there(params: &Params) -> [bool; 2] {
    params.map(|version| version.is_some())
}
