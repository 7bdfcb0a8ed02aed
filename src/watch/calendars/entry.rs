//! A calendar as it was last seen.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::core::{Selector, SelectorExt as _};

use super::super::stores::StoreKey;
use super::standing::{CalendarFault, Evaluated, Standing};
use crate::api::ChangeCalendarStatus;
use crate::record::Freeze;

/// A calendar that AWS evaluates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCalendar {
    /// The calendars' names or ARNs.
    pub documents: Vec<String>,
    /// The store whose region and identity ask.
    pub store: StoreKey,
    /// How long an answer counts at most.
    pub max_staleness: Duration,
}

/// A calendar as it was last seen.
#[derive(Clone, Debug)]
pub struct CalendarEntry {
    /// Its uid.
    pub uid: Option<String>,
    /// Its `metadata.generation`.
    pub generation: i64,
    /// What was said of it.
    pub status: ChangeCalendarStatus,
    /// What it asks for while it is closed.
    pub freeze: Freeze,
    /// What it says.
    pub standing: Standing,
    /// What is wrong with its newest form, where an older one stands in or none does.
    pub fault: Option<CalendarFault>,
    /// What is odd about its newest form.
    pub warnings: Vec<String>,
    /// What AWS is to be asked for.
    pub aws: Option<AwsCalendar>,
    pub(super) binds: Binds,
}

impl CalendarEntry {
    /// What was evaluated of it and counts.
    pub fn evaluated(&self) -> Option<&Evaluated> {
        match &self.standing {
            Standing::Evaluated(evaluated) => Some(evaluated),
            Standing::Answered(_) | Standing::Unknown(_) => None,
        }
    }
}

/// Which namespaces a calendar binds, whatever the objects in them say.
#[derive(Clone, Debug)]
pub(super) enum Binds {
    Nobody,
    Selected(Selector),
    /// Its selector cannot be read.
    Everybody,
}

impl Binds {
    pub(super) fn selects(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        match (self, labels) {
            (Self::Nobody, _) => false,
            (Self::Everybody, _) | (Self::Selected(_), None) => true,
            (Self::Selected(selector), Some(labels)) => selector.matches(labels),
        }
    }
}
