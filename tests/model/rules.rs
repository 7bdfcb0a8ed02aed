//! The rules that the search can do without, to show what each is for. The product has no switches: a rule is turned off
//! by what the world feeds in, or does not do for it.

/// A rule of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A change is announced first. Off: `permit` is told that it was.
    Announced,
    /// An announcement of another process is a doubt. Off: it is fed as this process's own.
    Doubt,
    /// Later announcements inherit it. Off, while closed: the last one is fed as if it stood directly above the record.
    Inherited,
    /// An announcement that came to nothing is taken back.
    TakenBack,
    /// By what is known at the end of the pass. Off: by what was known at its beginning.
    TakenBackByFresh,
    /// What was taken back is announced no more, whatever the index shows.
    TakenBackForgotten,
    /// A repair writes the record's own revision. Off: the next one.
    RepairSame,
    /// What was written gets into status before anything else. Off: `decide` is not told of it.
    StatusFirst,
    /// A record leaves status only with its object.
    RecordStays,
    /// A status write is conditional on the uid,
    ConditionUid,
    /// on the revision that it replaces,
    ConditionRevision,
    /// and on the announcement.
    ConditionWriting,
    /// What is remembered is kept by uid. Off: the memory of the life before is fed in.
    ByUid,
    /// A seal of ours holds first syncs while closed. Off: it is hidden where there is no record.
    FirstOnce,
    /// It is asked again for the permit. Off: the gate and the spec of the beginning are fed in.
    Permit,
    /// A permit ends at the gate's transition,
    Until,
    /// and after 10 s.
    Deadline,
    /// The API server gives a write up after its timeout.
    ServerTimeout,
    /// Nothing is written for 10 s after a write of a Secret without an answer, by this process or the next,
    Quiet,
    /// also for another life of the object,
    QuietThere,
    /// nor after one of status.
    QuietStatus,
    /// A write without an answer is not a failure. Off: the memory is told that it was refused.
    Unanswered,
    /// What came of it is looked for. Off: the memory is told that the Secret shows nothing.
    Settled,
    /// Nothing is done, and all is closed, before everything was listed.
    Listed,
    /// A repair compares last-modified. Off: a parameter made anew is fed with the applied stamp.
    Modified,
    /// A repair wants the same set. Off: a name too many is hidden.
    SameSet,
    /// A repair wants the same shape. Off: the record is fed as of the spec's own.
    SameShape,
    /// An answer behind what was seen is not made use of: by the source,
    Lagging,
    /// and by the permit. Off: what was seen is hidden.
    LaggingAtPermit,
    /// Only what the spec wants is asked for. Off: `decide` is fed the spec of shape 0.
    Readable,
    /// A seal is made by the key. Off: any is believed.
    Sealed,
    /// It covers the Secret's name,
    SealedSecret,
    /// the ParameterSync's,
    SealedSync,
    /// and the revision. Off: the record's is fed.
    SealedRevision,
    /// A life's revisions begin above those of all earlier ones. Off: it is the same second for ever.
    LaterLives,
    /// A write carries uid and resourceVersion, or that nothing is there.
    Precondition,
    /// A namespace counts as new if it is younger than the closing.
    Young,
}

/// The rules that are off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off(u64);

impl Off {
    /// All are in force.
    pub const NONE: Self = Self(0);

    pub fn of(rules: &[Rule]) -> Self {
        Self(rules.iter().fold(0, |all, rule| all | 1 << *rule as u64))
    }

    pub fn without(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u64 != 0
    }
}

impl crate::World {
    /// Whether a rule is in force.
    pub fn obeys(&self, rule: Rule) -> bool {
        !self.config.off.without(rule)
    }
}

/// For each rule: the scenario that shows best what it is for, and the invariant that breaks without it. Where a second
/// line of defence stands behind a rule, both are taken away together; alone, neither is missed.
#[rustfmt::skip]
pub const ROWS: &[(&[Rule], &str, &str)] = &[
    (&[Rule::Announced], "crash", "I2"),
    (&[Rule::Doubt], "crash", "I2"),
    (&[Rule::Inherited], "crash", "I2"),
    (&[Rule::TakenBack], "crash", "I5"),
    (&[Rule::TakenBackByFresh], "unanswered", "I2"),
    (&[Rule::TakenBackForgotten], "stale2", "I5"),
    (&[Rule::RepairSame], "crash", "I5"),
    (&[Rule::StatusFirst], "zombie", "I5"),
    (&[Rule::RecordStays], "crash", "I5"),
    (&[Rule::ConditionUid], "first2", "I4"),
    (&[Rule::ConditionRevision, Rule::ConditionWriting, Rule::QuietStatus], "zombie", "I4"),
    (&[Rule::ConditionWriting, Rule::QuietStatus], "zombie2", "I4"),
    (&[Rule::ByUid], "lives", "I4"),
    (&[Rule::FirstOnce], "allow", "I1"),
    (&[Rule::Permit], "crash", "I1"),
    (&[Rule::Until], "permit", "I6"),
    (&[Rule::Deadline], "permit", "I6"),
    (&[Rule::ServerTimeout], "zombie", "I6"),
    (&[Rule::Quiet], "zombie", "I2"),
    (&[Rule::QuietThere], "allow0", "I2"),
    (&[Rule::QuietStatus], "allow0", "I4"),
    (&[Rule::Unanswered], "unanswered", "I2"),
    (&[Rule::Settled], "unanswered", "I2"),
    (&[Rule::Listed], "start", "I1"),
    (&[Rule::Modified], "anew", "I1"),
    (&[Rule::SameSet], "qnew", "I1"),
    (&[Rule::SameShape], "shape", "I1"),
    (&[Rule::Lagging, Rule::LaggingAtPermit], "qnew", "I2"),
    (&[Rule::Readable], "spec", "I3"),
    (&[Rule::Sealed], "lives", "I7"),
    (&[Rule::SealedSecret], "lives", "I7"),
    (&[Rule::SealedSync], "names", "I7"),
    (&[Rule::SealedRevision], "restore", "I4"),
    (&[Rule::LaterLives], "restore2", "I4"),
    (&[Rule::Precondition], "first", "I7"),
    (&[Rule::Young], "old", "I1"),
];

/// Second lines of defence: without these alone, nothing breaks.
#[rustfmt::skip]
pub const SECOND: &[(&[Rule], &str)] = &[
    (&[Rule::Lagging], "qnew"),
    (&[Rule::LaggingAtPermit], "qnew"),
    (&[Rule::ConditionRevision, Rule::ConditionWriting], "zombie2"),
];
