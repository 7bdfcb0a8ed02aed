//! Names, parsed once at the edge and passed on as types. Pure.
//!
//! In: strings from a custom resource, an annotation or an answer of AWS. Out: canonical, valid names, or a
//! [`NameError`] that says what was found and what would do. The rules for parameters are Parameter Store's own
//! ("Constraints on parameter names", Systems Manager user guide; `PutParameter` in the API reference).

mod calendar_key;
mod parameter;
mod path_read;
mod pointer;
mod secret_key;

pub use calendar_key::CalendarKey;
pub use parameter::{NameError, ParameterName, ParameterPath, ParameterRef, Selector};
pub use path_read::{NameFilter, PathRead};
pub use pointer::JsonPointer;
pub use secret_key::{KeyError, SecretKey, required_keys};

use std::fmt;
use std::sync::Arc;

/// A namespaced object's place: namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace's name.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// The key of `name` in `namespace`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Where values come from: the account and region that AWS's answers name in their ARNs. The same parameter name
/// under another origin is another parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The twelve digits of the AWS account.
    pub account: String,
    /// The region, as `ap-northeast-1`.
    pub region: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}
