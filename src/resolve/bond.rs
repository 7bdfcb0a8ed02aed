//! A calendar that binds a ParameterSync. Pure.

use crate::names::CalendarKey;
use crate::record::Freeze;
use crate::watch::{CalendarFault, Standing};

/// One calendar that binds.
#[derive(Clone, Debug)]
pub struct Bond {
    /// Which.
    pub calendar: CalendarKey,
    /// By what.
    pub bound_by: BoundBy,
    /// What the calendar asks for while it is closed.
    pub freeze: Freeze,
    /// What it says.
    pub standing: Standing,
}

/// What binds a calendar to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BoundBy {
    /// The calendar's own namespace selector; nobody in the namespace can change that.
    Selector,
    /// The object's spec names it.
    Reference,
}

impl Bond {
    /// What the object is told of a fault: of a calendar of the cluster no more than that there is one, for its words may
    /// hold what is no tenant's business.
    pub(super) fn tell(&self, fault: &CalendarFault) -> String {
        match (self.calendar.namespace(), fault.reason) {
            (Some(_), _) | (None, "CalendarNotFound") => fault.message.clone(),
            (None, reason) => format!("its state is not known ({reason}); its own status says more"),
        }
    }
}
