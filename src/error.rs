//! What all rooms' errors have in common: a class, which decides what happens next, and a reason, which names it.

/// What kind of fault it is. Decides backoff, and whether a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Goes away by itself: network, 5xx, lagging reads.
    Transient,
    /// The account's quota is used up for now.
    Throttled,
    /// AWS or Kubernetes refuses this identity.
    Denied,
    /// Something that is named does not exist.
    NotFound,
    /// A person wrote something that cannot be done.
    Invalid,
    /// Somebody else holds it or changed it in between.
    Conflict,
    /// Our own fault.
    Bug,
}

impl Class {
    /// Whether waiting alone will not mend it, so that `Stalled` may be said of it.
    pub fn needs_a_person(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::NotFound | Self::Invalid | Self::Conflict | Self::Bug
        )
    }
}

/// The shared face of every room's error enum.
pub trait Classified {
    /// What kind of fault it is.
    fn class(&self) -> Class;
    /// The condition's reason, the event's reason and the metric's label: CamelCase, from a fixed set.
    fn reason(&self) -> &'static str;
}
