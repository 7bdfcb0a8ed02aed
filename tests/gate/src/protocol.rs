//! AWS's JSON 1.1, as Systems Manager speaks it.

use std::time::SystemTime;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use crate::copy::Found;

pub(crate) const TARGET: &str = "AmazonSSM.";
/// The most names, or results, in one read.
pub(crate) const BATCH: usize = 10;

/// A name that a read asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// As it stands in the request.
    pub(crate) text: String,
    /// Canonical, without ARN and selector.
    pub(crate) name: String,
    /// A version or a label.
    pub(crate) selector: Option<String>,
}

impl Asked {
    pub(crate) fn parse(text: &str) -> Self {
        let name = match text
            .strip_prefix("arn:")
            .and_then(|arn| arn.split_once(":parameter"))
        {
            Some((_, name)) => name,
            None => text,
        };
        let (name, selector) = match name.split_once(':') {
            Some((name, selector)) => (name, Some(selector.to_owned())),
            None => (name, None),
        };
        Self {
            text: text.to_owned(),
            name: canonical(name),
            selector,
        }
    }
}

/// A name with its leading slash: `MyP` and `/MyP` are the same parameter.
pub(crate) fn canonical(name: &str) -> String {
    if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("/{name}")
    }
}

/// One of the three reads.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) what: What,
    pub(crate) decrypt: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    One(Asked),
    Names(Vec<Asked>),
    Path(PathRead),
}

#[derive(Debug, Clone)]
pub(crate) struct PathRead {
    /// Canonical; `/` stands for the root.
    pub(crate) path: String,
    pub(crate) recursive: bool,
    pub(crate) max: usize,
    pub(crate) token: Option<String>,
    pub(crate) filtered: bool,
}

impl Read {
    /// `None` if the action is no read. Missing fields get AWS's defaults.
    pub(crate) fn parse(action: &str, body: &Value) -> Option<Self> {
        let text = |field: &str| body[field].as_str().unwrap_or_default();
        let flag = |field: &str| body[field].as_bool().unwrap_or(false);
        let what = match action {
            "GetParameter" => What::One(Asked::parse(text("Name"))),
            "GetParameters" => {
                let names = body["Names"].as_array().map(Vec::as_slice).unwrap_or_default();
                What::Names(names.iter().filter_map(Value::as_str).map(Asked::parse).collect())
            }
            "GetParametersByPath" => What::Path(PathRead {
                path: match text("Path").trim_end_matches('/') {
                    "" => "/".to_owned(),
                    path => canonical(path),
                },
                recursive: flag("Recursive"),
                max: body["MaxResults"].as_u64().map_or(BATCH, |max| max as usize),
                token: body["NextToken"].as_str().map(str::to_owned),
                filtered: body["ParameterFilters"]
                    .as_array()
                    .is_some_and(|filters| !filters.is_empty()),
            }),
            _ => return None,
        };
        Some(Self {
            what,
            decrypt: flag("WithDecryption"),
        })
    }

    /// What the log keeps of it.
    pub(crate) fn names_or_path(&self) -> Vec<String> {
        match &self.what {
            What::One(asked) => vec![asked.text.clone()],
            What::Names(names) => names.iter().map(|asked| asked.text.clone()).collect(),
            What::Path(read) => vec![read.path.clone()],
        }
    }
}

/// An error as AWS answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    pub(crate) fn reply(self) -> Reply {
        let status = match self.code.as_str() {
            "InternalServerError" | "InternalFailure" => StatusCode::INTERNAL_SERVER_ERROR,
            "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({"__type": self.code, "message": self.message});
        Reply {
            status,
            code: self.code,
            decrypted: 0,
            body: Body::Json(body),
        }
    }
}

pub(crate) enum Body {
    Json(Value),
    /// What the server behind said, as it is.
    Raw(HeaderMap, Bytes),
}

/// What goes back to the client, and what is counted of it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) decrypted: u64,
    pub(crate) body: Body,
}

impl Reply {
    pub(crate) fn ok(body: Value, decrypted: u64) -> Self {
        Self {
            status: StatusCode::OK,
            code: "OK".to_owned(),
            decrypted,
            body: Body::Json(body),
        }
    }

    pub(crate) fn into_response(self, request_id: usize) -> Response<Full<Bytes>> {
        let (headers, bytes) = match self.body {
            Body::Json(body) => {
                let mut headers = HeaderMap::new();
                let json = hyper::header::HeaderValue::from_static("application/x-amz-json-1.1");
                headers.insert(hyper::header::CONTENT_TYPE, json);
                if let Ok(id) = format!("gate-{request_id}").parse() {
                    headers.insert("x-amzn-requestid", id);
                }
                (headers, Bytes::from(body.to_string()))
            }
            Body::Raw(headers, bytes) => (headers, bytes),
        };
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// The region in a SigV4 credential scope, `Credential=KEY/DATE/REGION/ssm/aws4_request`.
pub(crate) fn region(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get(hyper::header::AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split('/').nth(2).map(str::to_owned)
}

/// The action of a query-protocol body such as STS's, `Action=AssumeRole&...`.
pub(crate) fn query_action(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    body.split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .map(str::to_owned)
}

/// A parameter as an answer holds it; without decryption a SecureString's value is ciphertext.
pub(crate) fn parameter(found: &Found, account: &str, region: &str, decrypt: bool) -> Value {
    let value = if found.kind == "SecureString" && !decrypt {
        ciphertext(&found.name, found.version)
    } else {
        found.value.clone()
    };
    json!({
        "ARN": format!("arn:aws:ssm:{region}:{account}:parameter{}", canonical(&found.name)),
        "DataType": "text",
        "LastModifiedDate": found.modified,
        "Name": found.name,
        "Type": found.kind,
        "Value": value,
        "Version": found.version,
    })
}

/// What stands for the ciphertext of a value: it looks like KMS's base64 and holds nothing of the value.
pub(crate) fn ciphertext(name: &str, version: u64) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (name, version).hash(&mut hasher);
    format!("AQICAHh{:016x}AAAAZzBlBgkqhkiG9w0BBwag", hasher.finish())
}

/// Now, for records.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_arn_version_and_label() {
        for (text, name, selector) in [
            ("/web/a", "/web/a", None),
            ("plain", "/plain", None),
            ("/web/a:7", "/web/a", Some("7")),
            ("/web/a:live", "/web/a", Some("live")),
            (
                "arn:aws:ssm:eu-west-1:111122223333:parameter/web/a",
                "/web/a",
                None,
            ),
            (
                "arn:aws:ssm:eu-west-1:111122223333:parameter/web/a:7",
                "/web/a",
                Some("7"),
            ),
        ] {
            let asked = Asked::parse(text);
            assert_eq!(
                (asked.name.as_str(), asked.selector.as_deref()),
                (name, selector),
                "{text}"
            );
        }
    }
}
