//! A forced sync that is asked for in a way that cannot be answered: said, and not in the way of the rest.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::{MAX_SYNC_REQUEST, ParameterSync};
use crate::watch::{SYNC_REQUEST, sync_request};

/// What is wrong with the annotation, if anything is.
pub(super) fn fault(object: &ParameterSync) -> Option<String> {
    let length = sync_request(object).err()?;
    Some(format!(
        "no sync is made for the annotation {SYNC_REQUEST}: it has {length} characters, and its answer has room for \
         {MAX_SYNC_REQUEST}; write a shorter one"
    ))
}

/// Adds the fault to Ready's message, whatever that says, within `longest` bytes.
pub(super) fn add(conditions: &mut [Condition], fault: &str, longest: usize) {
    let Some(ready) = conditions.iter_mut().find(|known| known.type_ == "Ready") else {
        return;
    };
    let room = longest.saturating_sub(fault.len() + 2);
    let end = ready.message.floor_char_boundary(room);
    ready.message.truncate(end);
    ready.message = format!("{}; {fault}", ready.message);
}
