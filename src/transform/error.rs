//! What can be wrong with values, said without them: names and kinds only. Never where in a value or a rendered text,
//! for whoever writes the spec could ask one question a line; and no library's own message, which may quote what it could
//! not read.

use std::fmt;

use thiserror::Error;

use crate::error::{Class, Classified};
use crate::names::{JsonPointer, KeyError, ParameterName, ParameterRef, SecretKey};
use crate::record::ParameterKind;

use super::json::JsonFault;
use super::listed::Listed;
use super::template_error::TemplateError;

/// The most faults that one refusal keeps; the rest is counted.
const MAX_KEPT: usize = 10;

/// One thing that keeps the Secret from being made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Named parameters that do not exist, or not at that version or label.
    #[error("{} not in Parameter Store; create it, or set optional: true", Listed(.references))]
    ParameterMissing {
        /// What was asked for.
        references: Vec<ParameterRef>,
    },
    /// No source found anything.
    #[error(
        "nothing was found at {}; the Secret is not written empty. Create a parameter, or correct the source",
        Listed(.looked_at)
    )]
    SourceEmpty {
        /// The paths and names that were read.
        looked_at: Vec<String>,
    },
    /// Parameters were found, but none gave a key.
    #[error(
        "the parameters that were found give no key; add a template, or a source whose value is not an empty object"
    )]
    NothingToWrite,
    /// The store reads SecureStrings only.
    #[error("{parameter} is a {}; this store reads SecureString only", .kind.as_str())]
    TypeRefused {
        /// The parameter.
        parameter: ParameterName,
        /// Its type.
        kind: ParameterKind,
    },
    /// The name gives a key that Kubernetes refuses.
    #[error("{parameter}: {error}; change the source's keys, or exclude the parameter")]
    InvalidKey {
        /// The parameter.
        parameter: ParameterName,
        /// What is wrong with the key.
        error: KeyError,
    },
    /// A member's name is no key. It is part of a value, so it is not told.
    #[error(
        "{parameter}: a member has a name that Kubernetes refuses as a key; allowed are 1 to 253 of a-z, A-Z, 0-9, '_', \
         '.' and '-'"
    )]
    InvalidMember {
        /// The parameter.
        parameter: ParameterName,
    },
    /// Two parameters give one key.
    #[error(
        "key {key} comes from {first} and from {second}; rename one, exclude one, or set onCollision: LastWins \
         where two sources give it"
    )]
    KeyCollision {
        /// The key.
        key: SecretKey,
        /// Who gave it first.
        first: Giver,
        /// Who gave it again.
        second: Giver,
    },
    /// A template has the key of a parameter.
    #[error(
        "key {key} comes from {parameter} and from a template; rename the template, or set templatesOnly: true"
    )]
    TemplateCollision {
        /// The key.
        key: SecretKey,
        /// Who else gives it.
        parameter: Giver,
    },
    /// `decode: Base64` of something else.
    #[error("{parameter} is no standard base64 with padding")]
    InvalidBase64 {
        /// The parameter.
        parameter: ParameterName,
    },
    /// `expand` or `pointer` of something that is no fitting JSON.
    #[error("{parameter}: {error}")]
    InvalidJson {
        /// The parameter.
        parameter: ParameterName,
        /// What is wrong.
        error: JsonFault,
    },
    /// The pointer names nothing in the value.
    #[error("{parameter} has no member at pointer {pointer:?}")]
    PointerMissing {
        /// The parameter.
        parameter: ParameterName,
        /// The pointer, from the spec.
        pointer: JsonPointer,
    },
    /// A template cannot be rendered.
    #[error("template {key} {error}")]
    Template {
        /// The template's key.
        key: SecretKey,
        /// What is wrong.
        error: TemplateError,
    },
    /// The Secret's type needs a key that nothing gives.
    #[error("a Secret of type {secret_type} needs the key {}", .keys.join(" or "))]
    RequiredKeyMissing {
        /// The type.
        secret_type: String,
        /// The keys, one of which is needed.
        keys: &'static [&'static str],
    },
    /// `.dockerconfigjson` is not what the kubelet reads.
    #[error("key .dockerconfigjson must hold a JSON object with an object auths in it{}", .error.as_ref().map(|e| format!(": it {e}")).unwrap_or_default())]
    InvalidDockerConfig {
        /// What is wrong with the JSON, where it is none.
        error: Option<JsonFault>,
    },
    /// More keys than allowed.
    #[error(
        "{keys} keys are more than the {limit} that one Secret may have; split it over several ParameterSyncs"
    )]
    TooManyKeys {
        /// How many there are.
        keys: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More parameters than status can tell of.
    #[error(
        "status would tell of {entries} parameters, and there is room for {limit}; split the Secret over several \
         ParameterSyncs, or read fewer by include and exclude"
    )]
    TooManyParameters {
        /// How many entries there would be: one a key, and one for each parameter that only feeds templates.
        entries: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More bytes than allowed. How many is not told: a template can make that number speak of a value.
    #[error(
        "{measure} would be more than the {limit} bytes allowed; split the Secret over several ParameterSyncs"
    )]
    TooLarge {
        /// What was measured.
        measure: Measure,
        /// The most that it may have.
        limit: usize,
    },
    /// What was fetched does not fit what was asked for.
    #[error(
        "the answer for {what} does not fit the request; this is a fault of paramsync's own, please report it"
    )]
    Mismatch {
        /// The source or parameter.
        what: String,
    },
}

/// What was too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// All values.
    Values,
    /// What status says of them.
    Status,
    /// All annotations.
    Annotations,
    /// Values, annotations and keys.
    Whole,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Values => "the values",
            Self::Status => "what status says of the parameters",
            Self::Annotations => "the annotations",
            Self::Whole => "values, annotations and keys together",
        })
    }
}

/// Which parameter gave a key, by which source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giver {
    /// The parameter.
    pub parameter: ParameterName,
    /// The index in `spec.sources`.
    pub source: usize,
}

impl fmt::Display for Giver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (sources[{}])", self.parameter, self.source)
    }
}

impl Classified for Fault {
    fn class(&self) -> Class {
        match self {
            Self::ParameterMissing { .. } | Self::SourceEmpty { .. } => Class::NotFound,
            Self::Mismatch { .. } => Class::Bug,
            _ => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::ParameterMissing { .. } => "ParameterMissing",
            Self::SourceEmpty { .. } => "SourceEmpty",
            Self::NothingToWrite => "NothingToWrite",
            Self::TypeRefused { .. } => "TypeRefused",
            Self::InvalidKey { .. } | Self::InvalidMember { .. } => "InvalidKey",
            Self::KeyCollision { .. } | Self::TemplateCollision { .. } => "KeyCollision",
            Self::InvalidBase64 { .. } => "InvalidBase64",
            Self::InvalidJson { .. } => "InvalidJSON",
            Self::PointerMissing { .. } => "PointerMissing",
            Self::Template { .. } => "TemplateFailed",
            Self::RequiredKeyMissing { .. } => "RequiredKeyMissing",
            Self::InvalidDockerConfig { .. } => "InvalidDockerConfig",
            Self::TooManyKeys { .. } => "TooManyKeys",
            Self::TooManyParameters { .. } => "TooManyParameters",
            Self::TooLarge { .. } => "TooLarge",
            Self::Mismatch { .. } => "InternalError",
        }
    }
}

/// Why no Secret was made: every fault that was found, the first ten of them kept.
///
/// Its class and reason are those of the first fault: missing parameters come first, then the order of the spec.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", Joined(self))]
pub struct TransformError {
    first: Fault,
    others: Vec<Fault>,
    total: usize,
}

impl TransformError {
    /// The faults that were kept, in the order of the spec.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The fault of work that did not come back: a panic in a library of ours.
    pub fn interrupted() -> Self {
        Self::from(Fault::Mismatch {
            what: "a panicking library".to_owned(),
        })
    }

    /// How many faults there were.
    pub fn total(&self) -> usize {
        self.total
    }
}

impl Classified for TransformError {
    fn class(&self) -> Class {
        self.first.class()
    }

    fn reason(&self) -> &'static str {
        self.first.reason()
    }
}

impl From<Fault> for TransformError {
    fn from(first: Fault) -> Self {
        Self {
            first,
            others: Vec::new(),
            total: 1,
        }
    }
}

/// Faults as they are found.
#[derive(Default)]
pub(super) struct Faults(Option<TransformError>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        match &mut self.0 {
            None => self.0 = Some(fault.into()),
            // The same again, of another member of one value, says nothing more.
            Some(error) if error.faults().any(|known| *known == fault) => {}
            Some(error) => {
                error.total += 1;
                if error.others.len() + 1 < MAX_KEPT {
                    error.others.push(fault);
                }
            }
        }
    }

    /// Adds all that others found.
    pub(super) fn append(&mut self, others: Self) {
        let Some(error) = others.0 else { return };
        let unkept = error.total - 1 - error.others.len();
        self.add(error.first);
        for fault in error.others {
            self.add(fault);
        }
        if let Some(all) = &mut self.0 {
            all.total += unkept;
        }
    }

    /// Fails if there were any.
    pub(super) fn settle(self) -> Result<(), TransformError> {
        self.0.map_or(Ok(()), Err)
    }
}

struct Joined<'a>(&'a TransformError);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        write!(f, "{}", error.first)?;
        for fault in &error.others {
            write!(f, "; {fault}")?;
        }
        match error.total - 1 - error.others.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more faults"),
        }
    }
}
