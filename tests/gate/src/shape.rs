//! Makes an answer to a read what AWS would give, then what the faults make of it.

use serde_json::{Value, json};

use crate::State;
use crate::faults::Lag;
use crate::protocol::{self, Asked, Read, Refusal, Reply, What};

/// Puts an answer right and counts what it decrypts. `answer` is the body of GetParameter, GetParameters or
/// GetParametersByPath, as the server behind or the copy gives it.
pub(crate) fn shape(
    state: &mut State,
    region: &str,
    read: &Read,
    mut answer: Value,
) -> Result<Reply, Refusal> {
    let mut shaping = Shaping {
        state,
        region,
        decrypt: read.decrypt,
        decrypted: 0,
    };
    match &read.what {
        What::One(asked) => {
            let parameter = shaping.parameter(Some(asked), answer["Parameter"].take())?;
            answer["Parameter"] = parameter.ok_or_else(|| not_found(&asked.text))?;
        }
        What::Names(names) => {
            // roto keeps the order of the request and leaves out the invalid ones.
            let mut invalid = taken(&mut answer["InvalidParameters"]);
            let known = |asked: &&Asked| !invalid.iter().any(|text| *text == asked.text);
            let valid: Vec<_> = names.iter().filter(known).collect();
            let mut shown = Vec::new();
            for (asked, parameter) in valid.into_iter().zip(taken(&mut answer["Parameters"])) {
                match shaping.parameter(Some(asked), parameter)? {
                    Some(parameter) => shown.push(parameter),
                    None => invalid.push(json!(asked.text)),
                }
            }
            shown.sort_by_key(|parameter| {
                (
                    parameter["Name"].as_str().unwrap_or_default().to_owned(),
                    parameter["Version"].as_u64(),
                )
            });
            answer["Parameters"] = shown.into();
            answer["InvalidParameters"] = invalid.into();
        }
        What::Path(_) => {
            let mut shown = Vec::new();
            for parameter in taken(&mut answer["Parameters"]) {
                shown.extend(shaping.parameter(None, parameter)?);
            }
            answer["Parameters"] = shown.into();
            if answer["NextToken"].is_null()
                && let Some(answer) = answer.as_object_mut()
            {
                answer.remove("NextToken");
            }
        }
    }
    Ok(Reply::ok(answer, shaping.decrypted))
}

pub(crate) fn not_found(name: &str) -> Refusal {
    Refusal::new("ParameterNotFound", format!("Parameter {name} not found."))
}

fn taken(list: &mut Value) -> Vec<Value> {
    match list.take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

struct Shaping<'a> {
    state: &'a mut State,
    region: &'a str,
    decrypt: bool,
    decrypted: u64,
}

impl Shaping<'_> {
    /// One parameter put right; `None` if it is hidden for now.
    fn parameter(&mut self, asked: Option<&Asked>, mut parameter: Value) -> Result<Option<Value>, Refusal> {
        let name = protocol::canonical(parameter["Name"].as_str().unwrap_or_default());
        let mut version = parameter["Version"].as_u64().unwrap_or_default();
        let selector = asked.and_then(|asked| asked.selector.as_deref());
        if let Some(known) = self.state.copy.version(self.region, &name, version) {
            // roto's time has whole seconds; one that is further away is of another account's parameter.
            let theirs = parameter["LastModifiedDate"].as_f64().unwrap_or_default();
            if (known.modified - theirs).abs() < 2.0 {
                parameter["LastModifiedDate"] = json!(known.modified);
            }
        }
        match self.state.faults.lag(&name, self.decrypt) {
            None => {}
            Some(Lag::Hidden(_)) => return Ok(None),
            Some(Lag::Stale(_)) => {
                let before = self
                    .state
                    .copy
                    .version(self.region, &name, version.saturating_sub(1));
                // A version that is asked for by its number is that one or none.
                let pinned = selector.is_some_and(|selector| selector.parse::<u64>().is_ok());
                if let Some(before) = before.filter(|_| !pinned) {
                    version = before.version;
                    parameter["Version"] = json!(before.version);
                    parameter["Value"] = json!(before.value);
                    parameter["Type"] = json!(before.kind);
                    parameter["LastModifiedDate"] = json!(before.modified);
                }
            }
        }
        if let Some(selector) = selector {
            parameter["Selector"] = json!(format!(":{selector}"));
        }
        if parameter["Type"] == "SecureString" {
            if !self.decrypt {
                parameter["Value"] = json!(protocol::ciphertext(&name, version));
            } else if self.state.faults.disabled_keys.contains(&name) {
                let message = "arn:aws:kms:ap-northeast-1:123456789012:key/disabled is disabled. (Service: \
                               AWSKMS; Status Code: 400; Error Code: DisabledException)";
                return Err(Refusal::new("InvalidKeyId", message));
            } else {
                self.decrypted += 1;
            }
        }
        Ok(Some(parameter))
    }
}
