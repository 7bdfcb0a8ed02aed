//! What came of one pass.

use jiff::Timestamp;

use super::status_error::StatusError;
use super::time::seconds;
use crate::apply::ApplyError;
use crate::decide::{Blocked, Ownership, Purpose, Why};
use crate::error::{Class, Classified};
use crate::names::ParameterName;
use crate::record::SourceError;
use crate::resolve::{Closure, Refusal};
use crate::transform::TransformError;
use crate::watch::Doubt;

/// What came of one pass over a ParameterSync.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It could not be acted on.
    Refused(Refusal),
    /// Nothing was written.
    Left {
        /// Why.
        why: Why,
        /// Why the facts are not as fresh as wanted, where they are not.
        fault: Option<SourceError>,
    },
    /// Values could not be fetched.
    FetchFailed(SourceError),
    /// Values could not be made into a Secret.
    TransformFailed(TransformError),
    /// The Secret could not be written or looked at.
    ApplyFailed(ApplyError),
    /// That it is about to be written could not be said in status, so it was not written.
    AnnounceFailed(StatusError),
    /// The Secret was written.
    Applied {
        /// Why.
        purpose: Purpose,
        /// Whether it was not there before.
        created: bool,
        /// What had been changed by others, as `data.DB_PASSWORD`.
        repaired: Vec<String>,
        /// Who had changed it.
        rivals: Vec<String>,
        /// The parameters whose version changed.
        changed: Vec<ParameterName>,
    },
}

/// A fault as the conditions say it.
pub(super) struct Fault {
    pub reason: &'static str,
    pub message: String,
    pub class: Class,
    /// When the Secret may be called ready all the same.
    pub ready: ReadyIf,
}

/// When a Secret may be called ready although something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadyIf {
    /// Never.
    Never,
    /// It holds what is applied.
    Intact,
    /// It is there: what is applied is what is not known.
    Present,
}

impl ReadyIf {
    fn intact(yes: bool) -> Self {
        if yes { Self::Intact } else { Self::Never }
    }
}

impl Outcome {
    /// When what waits may get in, where that is known.
    pub fn opens_at(&self) -> Option<Timestamp> {
        match self {
            Self::Left { why, .. } => why.opens_at(),
            _ => None,
        }
    }

    /// The class of what is wrong, if anything is.
    pub fn class(&self) -> Option<Class> {
        self.fault().map(|fault| fault.class)
    }

    /// Whether it says only that something changed meanwhile: all is decided anew, and there is nothing to report.
    pub fn is_overtaken(&self) -> bool {
        matches!(
            self,
            Self::Left {
                why: Why::Overtaken,
                ..
            }
        )
    }

    /// Whether it is not known what came of a write.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::ApplyFailed(error) if error.is_unknown())
    }

    /// Whether others changed the Secret while it was written.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::ApplyFailed(ApplyError::Conflict { .. }))
    }

    /// Whether the answer lags: the next sighting, long enough after this one, tells what is so.
    pub fn is_lagging(&self) -> bool {
        matches!(
            self,
            Self::Left {
                why: Why::Lagging(_),
                ..
            }
        )
    }

    /// Whether Parameter Store may be the way out of it, and does not tell by itself: then it is asked again after a while.
    pub fn is_asked_again(&self) -> bool {
        matches!(
            self,
            Self::Left {
                why: Why::RepairBlocked(Blocked::AppliedVersionGone(_)),
                ..
            }
        )
    }

    /// Whether what helps triggers a pass by itself, or a time to look again is set with it. Everything else is tried
    /// again.
    pub fn ends_by_itself(&self) -> bool {
        match self {
            Self::Left { why, .. } => matches!(
                why,
                Why::InSync
                    | Why::Suspended
                    | Why::NamespaceTerminating
                    | Why::Held(_)
                    | Why::RecordLost(_)
                    | Why::InDoubt(_)
            ),
            Self::Refused(_) => self.class().is_none_or(|class| class == Class::Invalid),
            Self::TransformFailed(error) => error.class() == Class::Invalid,
            _ => self.class().is_none(),
        }
    }

    /// Whether no watch tells when what stands in the way is gone, and asking costs a whole write: then it is asked at
    /// long intervals only.
    pub fn is_rechecked(&self) -> bool {
        match self {
            Self::ApplyFailed(error) => matches!(error.class(), Class::Denied | Class::Invalid),
            Self::FetchFailed(error) => error.class() == Class::Invalid,
            Self::Left { why, .. } => matches!(why, Why::TypeImmutable { .. } | Why::RecordTooNew(_)),
            _ => false,
        }
    }

    /// The reason and message of what is wrong, for the log.
    pub fn describe(&self) -> (&'static str, String) {
        self.fault()
            .map_or(("Synced", String::new()), |fault| (fault.reason, fault.message))
    }

    /// Whether asking Parameter Store again, without decryption, may show a way out.
    pub fn wants_fresh_facts(&self) -> bool {
        match self {
            Self::Left { why, .. } => {
                matches!(
                    why,
                    Why::ParameterMissing(_)
                        | Why::SourceEmpty
                        | Why::RemovalHeld(_)
                        | Why::RepairBlocked(_)
                        | Why::Lagging(_)
                )
            }
            Self::TransformFailed(error) => error.class() == Class::NotFound,
            _ => false,
        }
    }

    /// What is wrong, if anything is.
    pub(super) fn fault(&self) -> Option<Fault> {
        let of = |error: &dyn Fail, ready_if_intact| Some(error.fault(ready_if_intact));
        match self {
            Self::Applied { .. } => None,
            Self::Refused(refusal) => of(refusal, false),
            Self::FetchFailed(error) => of(error, true),
            Self::TransformFailed(error) => of(error, false),
            Self::ApplyFailed(error) => of(error, true),
            Self::AnnounceFailed(error) => of(error, true),
            Self::Left {
                why: Why::InSync,
                fault,
            } => fault.as_ref().and_then(|error| of(error, true)),
            Self::Left { why, .. } => why_fault(why),
        }
    }
}

trait Fail {
    fn fault(&self, ready_if_intact: bool) -> Fault;
}

impl<E: Classified + std::fmt::Display> Fail for E {
    fn fault(&self, ready_if_intact: bool) -> Fault {
        Fault {
            reason: self.reason(),
            message: self.to_string(),
            class: self.class(),
            ready: ReadyIf::intact(ready_if_intact),
        }
    }
}

fn why_fault(why: &Why) -> Option<Fault> {
    let (reason, class, ready_if_intact, message) = match why {
        Why::InSync | Why::Unrecorded => return None,
        Why::RecordTooNew(error) => ("RecordTooNew", Class::Invalid, true, error.to_string()),
        Why::Suspended => (
            "Suspended",
            Class::Transient,
            true,
            "spec.suspend is true; nothing is written".to_owned(),
        ),
        Why::NamespaceTerminating => (
            "NamespaceTerminating",
            Class::Transient,
            true,
            "the namespace is being deleted".to_owned(),
        ),
        Why::SecretTerminating => (
            "SecretTerminating",
            Class::Transient,
            false,
            "the Secret is being deleted; it is made anew once it is gone".to_owned(),
        ),
        Why::NotOurs(ownership) => ("SecretNotOurs", Class::Conflict, false, not_ours(ownership)),
        Why::TypeImmutable { is, wanted } => (
            "SecretTypeImmutable",
            Class::Invalid,
            false,
            format!(
                "spec.target.type is {wanted}, and the Secret has the type {is}, which Kubernetes does not let change; delete the Secret to let it be made anew, or set the type back"
            ),
        ),
        Why::Held(closure) => ("FrozenByCalendar", Class::Transient, true, held(closure)),
        Why::RecordLost(closure) => (
            "RecordLost",
            Class::Transient,
            false,
            format!(
                "the Secret is ours, and nothing says which versions it holds: status lost its record; it is written anew when the gate opens, after {}",
                held(closure)
            ),
        ),
        Why::InDoubt(closure) => (
            "InDoubt",
            Class::Transient,
            false,
            format!(
                "a write was under way when the operator ended, and nobody knows what came of it; nothing is put back until the gate opens, after {}",
                held(closure)
            ),
        ),
        Why::ParameterMissing(missing) => {
            let message = format!(
                "{} does not exist; create it, or mark the source optional",
                list(missing)
            );
            ("ParameterMissing", Class::NotFound, false, message)
        }
        Why::RemovalHeld(gone) => {
            let message = format!(
                "{} is gone, and onMissing is Hold; the Secret stays as it is",
                list(gone)
            );
            ("RemovalHeld", Class::NotFound, true, message)
        }
        Why::SourceEmpty => (
            "SourceEmpty",
            Class::NotFound,
            false,
            "every parameter of the Secret is gone; nothing is removed, and the Secret stays as it is"
                .to_owned(),
        ),
        Why::RepairBlocked(blocked) => ("RepairBlocked", Class::Conflict, false, repair_blocked(blocked)),
        Why::Contested {
            rivals,
            fields,
            until,
        } => {
            let rivals = if rivals.is_empty() {
                "somebody".to_owned()
            } else {
                list(rivals)
            };
            let until = seconds(*until);
            let message = format!(
                "{rivals} changes {} again and again; the next repair is at {until}; stop that writer",
                list(fields)
            );
            ("Contested", Class::Conflict, false, message)
        }
        Why::Lagging(names) => {
            let message = format!(
                "the answer about {} is older than one before; asking again",
                list(names)
            );
            ("SourceLagging", Class::Transient, true, message)
        }
        Why::Overtaken => (
            "Overtaken",
            Class::Transient,
            true,
            "something changed meanwhile; deciding anew".to_owned(),
        ),
    };
    let ready = match why {
        Why::RecordLost(_) | Why::InDoubt(_) => ReadyIf::Present,
        _ => ReadyIf::intact(ready_if_intact),
    };
    Some(Fault {
        reason,
        message,
        class,
        ready,
    })
}

/// What is waited for, to follow `2 changes wait for`.
fn held(closure: &Closure) -> String {
    let by = match (&closure.by, closure.doubt.as_ref().map(Doubt::reason)) {
        (Some(calendar), _) => calendar.to_string(),
        (None, Some("ClockSkewed")) => "the operator's clock".to_owned(),
        (None, _) => "the watch of the calendars".to_owned(),
    };
    let until = closure.until.map(|until| format!(" until {}", seconds(until)));
    let fault = closure
        .fault
        .as_ref()
        .map(|fault| format!(", which counts as closed: {fault}"));
    format!("{by}{}{}", until.unwrap_or_default(), fault.unwrap_or_default())
}

fn not_ours(ownership: &Ownership) -> String {
    match ownership {
        Ownership::Foreign => {
            "a Secret of that name exists and is not ours; delete it, name another target, or set target.adopt: Always"
                .to_owned()
        }
        Ownership::OtherOwner { owner } => {
            format!("the Secret was written by ParameterSync {owner}; name another target, or set target.adopt: Always")
        }
        Ownership::Controlled { controller } => {
            format!("the Secret is controlled by {controller}, which would go on writing it; name another target")
        }
    }
}

fn repair_blocked(blocked: &Blocked) -> String {
    match blocked {
        Blocked::AppliedVersionGone(names) => format!(
            "AppliedVersionGone: the Secret was changed by others, and Parameter Store no longer has the applied version of {}",
            list(names)
        ),
        Blocked::OriginChanged => {
            "OriginChanged: the Secret was changed by others, and its values came from another account or region than the store names now".to_owned()
        }
        Blocked::SpecChanged => {
            "SpecChanged: the Secret was changed by others, and the edited spec may not get in now".to_owned()
        }
    }
}

/// The first few, and how many more.
pub(super) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    match items.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
