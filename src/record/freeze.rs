//! What stops while change is not allowed.

use crate::api::{self, FreezeSpec};

/// What a closed gate stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Freeze {
    /// How far it goes.
    pub scope: Scope,
    /// Whether a Secret that was never there may be made.
    pub first_sync: FirstSync,
}

/// How far a freeze goes. The greater is the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nothing new gets in. What is applied is still looked after, and Parameter Store asked what waits.
    #[default]
    Updates,
    /// Nothing is written and nothing asked.
    All,
}

/// Whether a closed gate lets the first sync of an object through. The greater is the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirstSync {
    /// It goes through, unless the scope is [`Scope::All`].
    #[default]
    Allow,
    /// It goes through in a namespace that was made during the closing.
    NewNamespaces,
    /// It waits too.
    Hold,
}

impl Freeze {
    /// What a calendar of the cluster stops if it does not say.
    pub const OF_CLUSTER: Self = Self {
        scope: Scope::Updates,
        first_sync: FirstSync::NewNamespaces,
    };
    /// What stops most.
    pub const STRICTEST: Self = Self {
        scope: Scope::All,
        first_sync: FirstSync::Hold,
    };

    /// Each field as the stricter of the two has it.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self {
            scope: self.scope.max(other.scope),
            first_sync: self.first_sync.max(other.first_sync),
        }
    }
}

impl Freeze {
    /// What the words of a ParameterSync mean; absent ones are the mildest.
    pub fn written(scope: Option<api::FreezeScope>, first_sync: Option<api::FirstSync>) -> Self {
        Self {
            scope: match scope.unwrap_or_default() {
                api::FreezeScope::Updates => Scope::Updates,
                api::FreezeScope::All => Scope::All,
            },
            first_sync: match first_sync.unwrap_or_default() {
                api::FirstSync::Allow => FirstSync::Allow,
                api::FirstSync::Hold => FirstSync::Hold,
            },
        }
    }
}

impl From<&FreezeSpec> for Freeze {
    fn from(spec: &FreezeSpec) -> Self {
        Self {
            first_sync: match spec.first_sync.unwrap_or_default() {
                api::CalendarFirstSync::Allow => FirstSync::Allow,
                api::CalendarFirstSync::NewNamespaces => FirstSync::NewNamespaces,
                api::CalendarFirstSync::Hold => FirstSync::Hold,
            },
            ..Self::written(spec.scope, None)
        }
    }
}
