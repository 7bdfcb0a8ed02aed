//! One request to Parameter Store and its answer, in our own types. Pure.

use std::future::Future;

use crate::names::{Origin, ParameterName, ParameterPath, ParameterRef, PathRead};
use crate::record::{Entry, SourceError};
use crate::value::SecretValue;

/// A path as AWS is asked for it: filters are ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathKey {
    /// The path.
    pub path: ParameterPath,
    /// Whether deeper levels are listed too.
    pub recursive: bool,
}

impl PathKey {
    /// Whether a listing of this path shows `name`.
    pub fn shows(&self, name: &ParameterName) -> bool {
        self.path
            .relative(name)
            .is_some_and(|relative| self.recursive || !relative.contains('/'))
    }
}

impl From<&PathRead> for PathKey {
    fn from(read: &PathRead) -> Self {
        Self {
            path: read.path.clone(),
            recursive: read.recursive,
        }
    }
}

/// Whether values are asked for. Each decrypted SecureString is a call to KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decryption {
    /// Versions and times only.
    Off,
    /// Values too.
    On,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// GetParametersByPath.
    Page {
        /// The path.
        key: PathKey,
        /// Whether values are asked for.
        decryption: Decryption,
        /// Where the page before ended.
        token: Option<String>,
    },
    /// GetParameters.
    Names {
        /// At most ten, of different paths.
        references: Vec<ParameterRef>,
        /// Whether values are asked for.
        decryption: Decryption,
    },
}

/// What AWS said to one request.
#[derive(Default)]
pub struct Answer {
    /// The parameters. Those asked for by name stand under the name that was asked.
    pub found: Vec<Found>,
    /// What was asked for by name and does not exist.
    pub missing: Vec<ParameterRef>,
    /// There may be more; also behind a short or an empty page.
    pub next: Option<String>,
}

/// One parameter of an answer.
#[derive(Clone)]
pub struct Found {
    /// What was asked; for one found below a path, its name at the newest version.
    pub reference: ParameterRef,
    /// Its version, time and type.
    pub entry: Entry,
    /// The account and region in its ARN.
    pub origin: Option<Origin>,
    /// Its value, where values were asked for.
    pub value: Option<SecretValue>,
}

/// Why a request failed: AWS's code, without its text, which names roles and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not allowed; of several names, at least one.
    Denied(String),
    /// A KMS key is disabled, gone, or may not be used.
    Undecryptable(String),
    /// Too fast.
    Throttled(String),
    /// No credentials, or refused ones.
    Credentials(String),
    /// Our time is wrong.
    Clock(String),
    /// The endpoint's certificate is not trusted.
    Untrusted(String),
    /// Network, time-out, 5xx.
    Unavailable(String),
    /// The request itself is refused.
    Refused(String),
}

impl Fault {
    /// AWS's code, or ours.
    pub fn code(&self) -> &str {
        match self {
            Self::Denied(code)
            | Self::Undecryptable(code)
            | Self::Throttled(code)
            | Self::Clock(code)
            | Self::Untrusted(code)
            | Self::Unavailable(code)
            | Self::Refused(code) => code,
            Self::Credentials(_) => "Credentials",
        }
    }

    /// Whether it may be the fault of one name among several.
    pub fn may_be_one_names(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Undecryptable(_) | Self::Refused(_))
    }

    /// Whether it is the fault of the whole identity, whatever is asked.
    pub fn is_of_the_identity(&self) -> bool {
        matches!(self, Self::Credentials(_) | Self::Clock(_) | Self::Untrusted(_))
    }

    /// Whether the same request may succeed soon.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_))
    }

    /// The error for those who asked for `name`.
    pub fn about(self, name: &str) -> SourceError {
        let name = name.to_owned();
        match self {
            Self::Denied(code) => SourceError::Denied { name, code },
            Self::Undecryptable(code) => SourceError::Undecryptable { name, code },
            Self::Throttled(code) => SourceError::Throttled { code },
            Self::Credentials(detail) => SourceError::Credentials { detail },
            Self::Clock(code) => SourceError::Clock { code },
            Self::Untrusted(code) => SourceError::Untrusted { code },
            Self::Unavailable(code) => SourceError::Unavailable { code },
            Self::Refused(code) => SourceError::Refused { name, code },
        }
    }
}

/// Parameter Store as one identity sees it. One request, one try.
pub trait ParameterApi: Send + Sync + 'static {
    /// Makes the request.
    fn call(&self, call: Call) -> impl Future<Output = Result<Answer, Fault>> + Send;
    /// Somebody wants it all anew: credentials that are kept are not used for the next request.
    fn renew(&self) {}
}
