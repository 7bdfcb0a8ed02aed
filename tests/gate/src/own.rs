//! Calls that the gate answers from its own copy, and checks of writes that roto leaves out.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::Shared;
use crate::call::Call;
use crate::copy::Write;
use crate::protocol::{self, PathRead, Read, Refusal, Reply, What};
use crate::shape::not_found;

/// The token of a page is the last name on the one before, behind this.
const AFTER: &str = "after:";
/// The token after an exactly full last page, if one is given there.
const END: &str = "end";

/// A page of GetParametersByPath.
pub(crate) fn page(shared: &Shared, call: &Call, read: &PathRead, decrypt: bool) -> Result<Value, Refusal> {
    if read.filtered {
        return Err(Refusal::new(
            "InvalidFilterKey",
            "The gate serves no filters from its own copy.",
        ));
    }
    let after = match read.token.as_deref() {
        None => None,
        Some(END) => return Ok(json!({"Parameters": []})),
        Some(token) => Some(
            token
                .strip_prefix(AFTER)
                .ok_or_else(|| Refusal::new("InvalidNextToken", "The specified token is not valid"))?,
        ),
    };
    let state = shared.state();
    let page = state
        .copy
        .below(&call.region, &read.path, read.recursive, after, read.max);
    let trailing = (state.faults.trailing_token && page.found.len() == read.max).then(|| END.to_owned());
    let token = page.next.map(|last| format!("{AFTER}{last}")).or(trailing);
    let account = &shared.config.account;
    let shown = page
        .found
        .iter()
        .map(|found| protocol::parameter(found, account, &call.region, decrypt));
    Ok(json!({"Parameters": shown.collect::<Vec<_>>(), "NextToken": token}))
}

/// GetParameter and GetParameters.
pub(crate) fn named(shared: &Shared, call: &Call, read: &Read) -> Result<Value, Refusal> {
    let state = shared.state();
    let account = &shared.config.account;
    match &read.what {
        What::One(asked) => match state.copy.get(&call.region, asked) {
            Some(found) => {
                Ok(json!({"Parameter": protocol::parameter(&found, account, &call.region, read.decrypt)}))
            }
            None if asked.selector.is_some() && state.copy.kind(&call.region, &asked.name).is_some() => {
                let message = format!("Systems Manager could not find version of {}.", asked.text);
                Err(Refusal::new("ParameterVersionNotFound", message))
            }
            None => Err(not_found(&asked.text)),
        },
        What::Names(names) => {
            let (mut shown, mut invalid) = (Vec::new(), Vec::new());
            for asked in names {
                match state.copy.get(&call.region, asked) {
                    Some(found) => {
                        shown.push(protocol::parameter(&found, account, &call.region, read.decrypt));
                    }
                    None => invalid.push(asked.text.clone()),
                }
            }
            Ok(json!({"Parameters": shown, "InvalidParameters": invalid}))
        }
        What::Path(path) => page(shared, call, path, read.decrypt),
    }
}

/// The writes, into the copy alone.
pub(crate) fn write(shared: &Shared, call: &Call) -> Result<Reply, Refusal> {
    let mut state = shared.state();
    let (copy, region) = (&mut state.copy, call.region.as_str());
    let text = |field: &str| call.body[field].as_str().unwrap_or_default();
    let name = text("Name");
    let answer = match call.action.as_str() {
        "PutParameter" => {
            let known = copy.kind(region, name).map(str::to_owned);
            if known.is_some() && call.body["Overwrite"] != true {
                return Err(Refusal::new(
                    "ParameterAlreadyExists",
                    "The parameter already exists.",
                ));
            }
            let kind = call.body["Type"]
                .as_str()
                .or(known.as_deref())
                .unwrap_or("String");
            let write = Write {
                name,
                value: text("Value"),
                kind,
                at: SystemTime::now(),
                version: None,
            };
            json!({"Tier": "Standard", "Version": copy.put(region, &write)})
        }
        "DeleteParameter" if copy.delete(region, name) => json!({}),
        "DeleteParameter" => return Err(not_found(name)),
        "LabelParameterVersion" => {
            let version = copy.label(
                region,
                name,
                call.body["ParameterVersion"].as_u64(),
                &labels(&call.body),
            );
            json!({"InvalidLabels": [], "ParameterVersion": version.ok_or_else(|| not_found(name))?})
        }
        action => {
            let message = format!("The gate does not serve {action} from its own copy.");
            return Err(Refusal::new("InvalidAction", message));
        }
    };
    Ok(Reply::ok(answer, 0))
}

/// The labels in a LabelParameterVersion.
pub(crate) fn labels(body: &Value) -> Vec<String> {
    let labels = body["Labels"].as_array().into_iter().flatten();
    labels.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// AWS's limits on a PutParameter's value, which roto does not know: 4 KiB, or 8 KiB in the advanced tier.
pub(crate) fn check_size(body: &Value) -> Result<(), Refusal> {
    let (tier, max) = match body["Tier"].as_str() {
        Some(tier @ ("Advanced" | "Intelligent-Tiering")) => (tier, 8192),
        _ => ("Standard", 4096),
    };
    if body["Value"].as_str().is_some_and(|value| value.len() > max) {
        let message =
            format!("{tier} tier parameters support a maximum parameter value of {max} characters.");
        return Err(Refusal::new("ValidationException", message));
    }
    Ok(())
}
