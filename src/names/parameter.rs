//! Parameter names, paths and selectors.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The longest name that Parameter Store takes, the ARN's own prefix included.
const MAX_LENGTH: usize = 1011;
/// The most levels of a hierarchy.
const MAX_LEVELS: usize = 15;

/// Why a string is no parameter name or path. The message says what was found and what would do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("is empty; give a name such as /web/DB_PASSWORD")]
    Empty,
    /// A character outside Parameter Store's set.
    #[error("{text:?} holds {found:?}; only a-z, A-Z, 0-9, '_', '.', '-' and '/' are allowed")]
    Character {
        /// What was given.
        text: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// `//`, a trailing `/` of a name, or a segment `.` or `..`.
    #[error("{text:?} has an empty segment or one that is '.' or '..'; write it as /web/DB_PASSWORD")]
    Segment {
        /// What was given.
        text: String,
    },
    /// More than 15 levels.
    #[error("{text:?} has {levels} levels; Parameter Store allows 15")]
    Levels {
        /// What was given.
        text: String,
        /// How many levels it has.
        levels: usize,
    },
    /// Longer than 1,011 characters.
    #[error("is {length} characters long; Parameter Store allows 1011")]
    Length {
        /// How long it is.
        length: usize,
    },
    /// A name under `/aws` or `/ssm` that Parameter Store keeps for itself.
    #[error("{text:?} begins with a reserved word; only /aws/service/... can be read there")]
    Reserved {
        /// What was given.
        text: String,
    },
    /// `/aws/reference/...` passes through to another service, cannot be read undecrypted and has no version.
    #[error("{text:?} refers to another service; name a parameter of Parameter Store itself")]
    Reference {
        /// What was given.
        text: String,
    },
    /// An ARN of another shape than `arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME`.
    #[error("{text:?} is no ARN of a parameter; write it as arn:aws:ssm:REGION:ACCOUNT:parameter/NAME")]
    Arn {
        /// What was given.
        text: String,
    },
}

/// A parameter's canonical name: `/web/DB_PASSWORD`, or the full ARN of a parameter that another account shares.
///
/// `web` and `/web` are one parameter at AWS, and one name here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterName(Arc<str>);

impl ParameterName {
    /// Parses a name or an ARN.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(arn) = Arn::split(text)? {
            let path = check(text, arn.path)?;
            let canonical = format!(
                "arn:{}:ssm:{}:{}:parameter{path}",
                arn.partition, arn.region, arn.account
            );
            return if canonical.len() > MAX_LENGTH {
                Err(NameError::Length {
                    length: canonical.len(),
                })
            } else {
                Ok(Self(canonical.into()))
            };
        }
        check(text, text).map(|path| Self(path.into()))
    }

    /// The text that is sent to AWS.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name inside its account, with its leading `/`.
    pub fn path(&self) -> &str {
        match self.0.find(":parameter/") {
            Some(at) => &self.0[at + ":parameter".len()..],
            None => &self.0,
        }
    }

    /// The last segment: `DB_PASSWORD` of `/web/DB_PASSWORD`.
    pub fn last_segment(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// The region and account of a name given as ARN.
    pub fn shared_from(&self) -> Option<(&str, &str)> {
        let mut parts = self.0.strip_prefix("arn:")?.splitn(5, ':');
        let (_partition, _service) = (parts.next()?, parts.next()?);
        Some((parts.next()?, parts.next()?))
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in the hierarchy below which parameters are read: `/web`, or `/` for all. Never ends in `/` but for the
/// root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterPath(Arc<str>);

impl ParameterPath {
    /// Parses a path; one trailing `/` is taken off.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text == "/" {
            return Ok(Self("/".into()));
        }
        check(text, text.strip_suffix('/').unwrap_or(text)).map(|path| Self(path.into()))
    }

    /// The text that is sent to AWS.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of `name` below this path, `a/b` of `/web/a/b` below `/web`; none where the name lies elsewhere or
    /// is shared by ARN (a path never reaches another account).
    pub fn relative<'a>(&self, name: &'a ParameterName) -> Option<&'a str> {
        if name.shared_from().is_some() {
            return None;
        }
        let below = match &*self.0 {
            "/" => name.path(),
            path => name.path().strip_prefix(path)?,
        };
        below.strip_prefix('/').filter(|rest| !rest.is_empty())
    }
}

impl fmt::Display for ParameterPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ParameterPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which version of a parameter is meant. Written behind the name, after a colon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// Whatever is newest.
    Latest,
    /// Exactly this version, from 1.
    Version(i64),
    /// The version that holds this label now.
    Label(Arc<str>),
}

/// A parameter at a selector: what one read asks for. Displays as AWS takes it: `/web/x`, `/web/x:7`, `/web/x:live`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterRef {
    /// The parameter.
    pub name: ParameterName,
    /// The version of it.
    pub selector: Selector,
}

impl ParameterRef {
    /// The newest version of `name`.
    pub fn latest(name: ParameterName) -> Self {
        Self {
            name,
            selector: Selector::Latest,
        }
    }

    /// Version `version` of `name`.
    pub fn version(name: ParameterName, version: i64) -> Self {
        Self {
            name,
            selector: Selector::Version(version),
        }
    }
}

impl fmt::Display for ParameterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Selector::Latest => write!(f, "{}", self.name),
            Selector::Version(version) => write!(f, "{}:{version}", self.name),
            Selector::Label(label) => write!(f, "{}:{label}", self.name),
        }
    }
}

struct Arn<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
    path: &'a str,
}

impl<'a> Arn<'a> {
    fn split(text: &'a str) -> Result<Option<Self>, NameError> {
        if !text.starts_with("arn:") {
            return Ok(None);
        }
        let refused = || NameError::Arn {
            text: text.to_owned(),
        };
        let mut parts = text.splitn(6, ':').skip(1);
        let mut part = || parts.next().ok_or_else(refused);
        let (partition, service, region, account, resource) = (part()?, part()?, part()?, part()?, part()?);
        let path = resource
            .strip_prefix("parameter")
            .filter(|rest| rest.starts_with('/'));
        let plain = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        match path {
            Some(path) if plain(partition) && service == "ssm" && plain(region) && digits => Ok(Some(Self {
                partition,
                region,
                account,
                path,
            })),
            _ => Err(refused()),
        }
    }
}

/// Checks `path`, a part of `text`, and gives it its leading slash.
fn check(text: &str, path: &str) -> Result<String, NameError> {
    if path.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(NameError::Length { length: text.len() });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    if let Some(found) = path.chars().find(|c| !allowed(*c)) {
        return Err(NameError::Character {
            text: text.to_owned(),
            found,
        });
    }
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(NameError::Segment {
            text: text.to_owned(),
        });
    }
    if segments.len() > MAX_LEVELS {
        return Err(NameError::Levels {
            text: text.to_owned(),
            levels: segments.len(),
        });
    }
    reserved(text, &segments)?;
    Ok(format!("/{}", segments.join("/")))
}

fn reserved(text: &str, segments: &[&str]) -> Result<(), NameError> {
    let begins = |word: &str| {
        let first = segments[0].as_bytes();
        first.len() >= word.len() && first[..word.len()].eq_ignore_ascii_case(word.as_bytes())
    };
    match segments {
        ["aws", "reference", ..] => Err(NameError::Reference {
            text: text.to_owned(),
        }),
        ["aws", "service", ..] => Ok(()),
        _ if begins("aws") || begins("ssm") => Err(NameError::Reserved {
            text: text.to_owned(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_canonical() {
        for (given, canonical) in [
            ("/web/DB", "/web/DB"),
            ("web", "/web"),
            ("web/DB", "/web/DB"),
            ("/aws/service/ami", "/aws/service/ami"),
            (
                "arn:aws:ssm:eu-west-1:111122223333:parameter/web/DB",
                "arn:aws:ssm:eu-west-1:111122223333:parameter/web/DB",
            ),
        ] {
            assert_eq!(
                ParameterName::parse(given).unwrap().as_str(),
                canonical,
                "{given}"
            );
        }
    }

    #[test]
    fn what_parameter_store_refuses_is_refused_by_name() {
        let deep = format!("/{}", vec!["a"; 16].join("/"));
        let long = format!("/{}", "a".repeat(1011));
        for (given, word) in [
            ("", "empty"),
            ("/we b/x", "' '"),
            ("/web//x", "segment"),
            ("/web/x/", "segment"),
            ("/web/../x", "segment"),
            (deep.as_str(), "16 levels"),
            (long.as_str(), "1012 characters"),
            ("/aws/x", "reserved"),
            ("/AWSome", "reserved"),
            ("/ssmx", "reserved"),
            ("/aws/reference/secretsmanager/x", "another service"),
            ("arn:aws:ssm:eu-west-1:1:parameter/x", "ARN"),
            ("arn:aws:s3:eu-west-1:111122223333:parameter/x", "ARN"),
            ("arn:aws:ssm:eu-west-1:111122223333:document/x", "ARN"),
            ("arn:aws:ssm:eu-west-1:111122223333:parameter/a/../x", "segment"),
            ("/x:7", "':'"),
            ("/ünter", "'ü'"),
        ] {
            let message = ParameterName::parse(given).unwrap_err().to_string();
            assert!(message.contains(word), "{given}: {message}");
        }
    }

    #[test]
    fn a_name_knows_its_parts() {
        let shared = ParameterName::parse("arn:aws:ssm:eu-west-1:111122223333:parameter/web/DB").unwrap();
        assert_eq!(shared.path(), "/web/DB");
        assert_eq!(shared.last_segment(), "DB");
        assert_eq!(shared.shared_from(), Some(("eu-west-1", "111122223333")));
        assert_eq!(ParameterName::parse("x").unwrap().last_segment(), "x");
    }

    #[test]
    fn a_path_holds_what_lies_below_it_on_segment_boundaries() {
        let path = ParameterPath::parse("/web/").unwrap();
        let relative = |name: &str| {
            path.relative(&ParameterName::parse(name).unwrap())
                .map(str::to_owned)
        };
        assert_eq!(relative("/web/a/b").as_deref(), Some("a/b"));
        assert_eq!(relative("/website/a"), None);
        assert_eq!(relative("/web"), None);
        assert_eq!(
            relative("arn:aws:ssm:eu-west-1:111122223333:parameter/web/a"),
            None
        );
        let root = ParameterPath::parse("/").unwrap();
        assert_eq!(root.relative(&ParameterName::parse("x/y").unwrap()), Some("x/y"));
    }

    #[test]
    fn a_reference_is_written_as_aws_takes_it() {
        let name = ParameterName::parse("/x").unwrap();
        assert_eq!(ParameterRef::latest(name.clone()).to_string(), "/x");
        assert_eq!(ParameterRef::version(name.clone(), 7).to_string(), "/x:7");
        assert_eq!(
            ParameterRef {
                name,
                selector: Selector::Label("live".into())
            }
            .to_string(),
            "/x:live"
        );
    }
}
