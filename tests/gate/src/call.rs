//! What becomes of one request: counted, refused or carried out, put right, counted again.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::copy::Write;
use crate::faults::{Failure, Faults};
use crate::log::CallRecord;
use crate::protocol::{self, BATCH, Body, PathRead, Read, Refusal, Reply, TARGET, What};
use crate::server::Upstream;
use crate::{GateConfig, Shared, calendars, own, shape};

/// The token of an empty first page.
const FIRST_PAGE: &str = "gate-first-page";

/// One request, read.
pub(crate) struct Call {
    pub(crate) parts: Parts,
    pub(crate) raw: Bytes,
    /// Null for another service than Systems Manager.
    pub(crate) body: Value,
    pub(crate) action: String,
    pub(crate) region: String,
    pub(crate) read: Option<Read>,
}

impl Call {
    pub(crate) fn parse(parts: Parts, raw: Bytes, config: &GateConfig) -> Self {
        let target = parts
            .headers
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok());
        let ssm = target
            .and_then(|target| target.strip_prefix(TARGET))
            .map(str::to_owned);
        let body = if ssm.is_some() {
            serde_json::from_slice(&raw).unwrap_or(Value::Null)
        } else {
            Value::Null
        };
        let read = ssm.as_deref().and_then(|action| Read::parse(action, &body));
        let other = || protocol::query_action(&raw).or_else(|| target.map(str::to_owned));
        let action = ssm.or_else(other).unwrap_or_else(|| parts.method.to_string());
        let region = protocol::region(&parts.headers).unwrap_or_else(|| config.region.clone());
        Self {
            parts,
            raw,
            body,
            action,
            region,
            read,
        }
    }

    /// Whether it is the one call that never goes to the server behind.
    fn is_for_calendars(&self) -> bool {
        self.action == calendars::ACTION
    }

    fn record(&self) -> CallRecord {
        let names = || {
            let documents = calendars::asked(&self.body);
            let named = documents.into_iter().chain(self.body["Name"].as_str());
            named.map(str::to_owned).collect()
        };
        CallRecord {
            at: protocol::now(),
            action: self.action.clone(),
            names_or_path: self.read.as_ref().map_or_else(names, Read::names_or_path),
            decrypt: self.read.as_ref().is_some_and(|read| read.decrypt),
            temporary: self.parts.headers.contains_key("x-amz-security-token"),
            code: "unanswered".to_owned(),
        }
    }
}

/// Answers one call and counts it.
pub(crate) async fn answer(shared: &Shared, upstream: &Upstream, call: Call) -> Response<Full<Bytes>> {
    let (number, refused, latency) = {
        let mut state = shared.state();
        let number = state.log.begin(call.record());
        (
            number,
            refuse(&mut state.faults, &shared.config, &call),
            state.faults.latency,
        )
    };
    if (call.read.is_some() || call.is_for_calendars()) && !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let reply = match refused {
        Err(refusal) => refusal.reply(),
        Ok(()) => carry_out(shared, upstream, &call)
            .await
            .unwrap_or_else(|reply| *reply),
    };
    shared.state().log.end(number, &reply.code, reply.decrypted);
    reply.into_response(number)
}

/// What is refused before anything is looked up, in AWS's order: quota, form, rights.
fn refuse(faults: &mut Faults, config: &GateConfig, call: &Call) -> Result<(), Refusal> {
    if call.is_for_calendars() {
        return match Failure::next(&mut faults.calendar_failure) {
            None => Ok(()),
            Some(code) => Err(told_to_fail(&code)),
        };
    }
    let Some(read) = &call.read else { return Ok(()) };
    let key = call
        .parts
        .headers
        .get("authorization")
        .and_then(|text| text.to_str().ok());
    if let Some(only) = &faults.only_key
        && !key.is_some_and(|text| text.contains(&format!("Credential={only}/")))
    {
        let message = "The security token included in the request is invalid.";
        return Err(Refusal::new("UnrecognizedClientException", message));
    }
    if faults.throttles(Instant::now()) {
        return Err(Refusal::throttled());
    }
    if let Some(code) = Failure::next(&mut faults.failure) {
        return Err(told_to_fail(&code));
    }
    let denied = match &read.what {
        What::One(asked) => faults.denied_names.get(&asked.name),
        What::Names(names) => {
            if names.is_empty() || names.len() > BATCH {
                let count = names.len();
                let message = format!("'names' holds {count} members; it must have 1 to {BATCH}");
                return Err(Refusal::new("ValidationException", message));
            }
            let once: BTreeSet<_> = names.iter().map(|asked| &asked.text).collect();
            if once.len() < names.len() {
                return Err(Refusal::new("ValidationException", "'names' holds a name twice"));
            }
            names
                .iter()
                .find_map(|asked| faults.denied_names.get(&asked.name))
        }
        What::Path(path) => {
            if path.max == 0 || path.max > BATCH {
                let message = format!("Value '{}' at 'maxResults' must be from 1 to {BATCH}", path.max);
                return Err(Refusal::new("ValidationException", message));
            }
            faults.denied_paths.get(&path.path)
        }
    };
    match denied {
        None => Ok(()),
        Some(name) => {
            let GateConfig { account, role, .. } = config;
            let (action, region) = (&call.action, &call.region);
            let message = format!(
                "User: arn:aws:sts::{account}:assumed-role/{role}/paramsync is not authorized to perform: \
                 ssm:{action} on resource: arn:aws:ssm:{region}:{account}:parameter{name} because no \
                 identity-based policy allows the ssm:{action} action"
            );
            Err(Refusal::new("AccessDeniedException", message))
        }
    }
}

fn told_to_fail(code: &str) -> Refusal {
    Refusal::new(code, "The gate was told to fail this call.")
}

async fn carry_out(shared: &Shared, upstream: &Upstream, call: &Call) -> Result<Reply, Box<Reply>> {
    let itself = shared.state().faults.serve_itself;
    if let Some(read) = &call.read {
        let answer = match &read.what {
            What::Path(path) => match path_page(shared, path) {
                None => return Ok(Reply::ok(json!({"Parameters": [], "NextToken": FIRST_PAGE}), 0)),
                Some(page) if itself => own::page(shared, call, &page, read.decrypt).map_err(refused)?,
                Some(page) => forward_page(shared, upstream, call, &page).await?,
            },
            _ if itself => own::named(shared, call, read).map_err(refused)?,
            _ => upstream.json(call, &call.raw).await?,
        };
        let mut state = shared.state();
        return shape::shape(&mut state, &call.region, read, answer).map_err(refused);
    }
    if call.is_for_calendars() {
        let answer = shared.state().calendars.answer(&call.body, Timestamp::now());
        return answer.map(|answer| Reply::ok(answer, 0)).map_err(refused);
    }
    if call.action == "PutParameter" {
        own::check_size(&call.body).map_err(refused)?;
    }
    if itself && !call.body.is_null() {
        return own::write(shared, call).map_err(refused);
    }
    let reply = upstream.forward(call, &call.raw).await;
    if reply.status == StatusCode::OK {
        learn(shared, call, &reply);
    }
    Ok(reply)
}

fn refused(refusal: Refusal) -> Box<Reply> {
    Box::new(refusal.reply())
}

/// The page as the faults leave it; `None`: the empty first page.
fn path_page(shared: &Shared, read: &PathRead) -> Option<PathRead> {
    let state = shared.state();
    let mut page = read.clone();
    if page.token.is_none() && state.faults.empty_page_first {
        return None;
    }
    page.token.take_if(|token| token == FIRST_PAGE);
    page.max = state
        .faults
        .page_size
        .map_or(page.max, |max| max.clamp(1, page.max));
    Some(page)
}

/// Asks the server behind for a page, and takes its NextToken away if nothing follows: roto gives one after an
/// exactly full last page.
async fn forward_page(
    shared: &Shared,
    upstream: &Upstream,
    call: &Call,
    page: &PathRead,
) -> Result<Value, Box<Reply>> {
    let mut body = call.body.clone();
    body["MaxResults"] = json!(page.max);
    body["NextToken"] = json!(page.token);
    let mut answer = upstream.json(call, body.to_string().as_bytes()).await?;
    let keeps_token = shared.state().faults.trailing_token;
    if !answer["NextToken"].is_null() && !keeps_token {
        body["NextToken"] = answer["NextToken"].clone();
        body["MaxResults"] = json!(1);
        body["WithDecryption"] = json!(false);
        let next = upstream.json(call, body.to_string().as_bytes()).await?;
        if next["Parameters"].as_array().is_none_or(Vec::is_empty) && next["NextToken"].is_null() {
            answer["NextToken"].take();
        }
    }
    Ok(answer)
}

/// Keeps the copy equal to the server behind, after it said yes to a write.
fn learn(shared: &Shared, call: &Call, reply: &Reply) {
    let mut state = shared.state();
    let text = |field: &str| call.body[field].as_str().unwrap_or_default();
    let name = text("Name");
    match call.action.as_str() {
        "PutParameter" => {
            let known = state.copy.kind(&call.region, name).unwrap_or("String").to_owned();
            let version = match &reply.body {
                Body::Raw(_, bytes) => serde_json::from_slice::<Value>(bytes).unwrap_or_default(),
                Body::Json(body) => body.clone(),
            };
            let write = Write {
                name,
                value: text("Value"),
                kind: call.body["Type"].as_str().unwrap_or(&known),
                at: SystemTime::now(),
                version: version["Version"].as_u64(),
            };
            state.copy.put(&call.region, &write);
        }
        "DeleteParameter" => {
            state.copy.delete(&call.region, name);
        }
        "DeleteParameters" => {
            for name in call.body["Names"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                state.copy.delete(&call.region, name);
            }
        }
        "LabelParameterVersion" => {
            let version = call.body["ParameterVersion"].as_u64();
            state
                .copy
                .label(&call.region, name, version, &own::labels(&call.body));
        }
        _ => {}
    }
}
