//! Which calendar.

use std::fmt;
use std::sync::Arc;

use kube::ResourceExt;
use kube::api::DynamicObject;

/// Which calendar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarKey {
    namespace: Option<Arc<str>>,
    name: Arc<str>,
}

impl CalendarKey {
    /// A ClusterChangeCalendar.
    pub fn cluster(name: &str) -> Self {
        Self {
            namespace: None,
            name: name.into(),
        }
    }

    /// A ChangeCalendar.
    pub fn namespaced(namespace: &str, name: &str) -> Self {
        Self {
            namespace: Some(namespace.into()),
            name: name.into(),
        }
    }

    /// The key of an object: one without a namespace is the cluster's.
    pub fn of(object: &DynamicObject) -> Self {
        match object.namespace() {
            Some(namespace) => Self::namespaced(&namespace, &object.name_any()),
            None => Self::cluster(&object.name_any()),
        }
    }

    /// Its namespace; none for a ClusterChangeCalendar.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self.namespace {
            Some(_) => "ChangeCalendar",
            None => "ClusterChangeCalendar",
        }
    }
}

impl fmt::Display for CalendarKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name)
    }
}
