//! Where reports go: the status subresource and events. I/O.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::Request;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use super::status_error::StatusError;
use super::{CalendarReport, Note, Report, malformed};
use crate::api::{
    ChangeCalendar, ClusterChangeCalendar, ClusterParameterStore, ParameterStore, ParameterSync,
    ParameterSyncStatus, StoreStatus,
};
use crate::names::{CalendarKey, ObjectKey};
use crate::record::FIELD_MANAGER;
use crate::watch::{CalendarEntry, StoreKey};
use crate::write::send;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where reports go.
///
/// Each write of a status is conditional on the object's uid and on the record and the announcement that it replaces:
/// a process that was halted, or a pass of an earlier life, changes nothing. A condition on the resource version would
/// let anybody's edits starve it.
pub trait StatusSink: Send + Sync + 'static {
    /// Writes the status where it differs from the object's, and the events. Gives the object after a write.
    fn write(
        &self,
        object: &ParameterSync,
        report: &Report,
    ) -> impl Future<Output = Result<Option<ParameterSync>, StatusError>> + Send;

    /// Says in the object's status that its Secret is about to be written as `revision`, and gives the object once that
    /// is so.
    fn announce(
        &self,
        object: &ParameterSync,
        revision: i64,
    ) -> impl Future<Output = Result<ParameterSync, StatusError>> + Send;
}

/// The real API server.
#[derive(Clone)]
pub struct ApiServer {
    client: Client,
    recorder: Recorder,
}

impl ApiServer {
    /// Writes by `client`; events say that `instance` reports them.
    pub fn new(client: Client, instance: Option<String>) -> Self {
        let reporter = Reporter {
            controller: "paramsync".to_owned(),
            instance,
        };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
        }
    }

    /// Says in the status of an object that could not be read what is wrong with it, where that is not said yet.
    /// Gives the fault, if the object was found and still has it.
    pub async fn refuse_malformed(&self, object: &ObjectKey, now: Timestamp) -> Option<String> {
        // The object itself cannot be read, so the answers must not be either.
        let resource = kube::api::ApiResource::erase::<ParameterSync>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &object.namespace, &resource);
        let Ok(Ok(Some(found))) = tokio::time::timeout(TIMEOUT, api.get_opt(&object.name)).await else {
            return None;
        };
        let found = serde_json::to_value(found).ok()?;
        let fault = malformed::fault(&found)?;
        if let Some(patch) = malformed::patch(&found, &fault, now) {
            // A merge leaves the rest of the status there: it tells which versions are applied.
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            let patch = Patch::Merge(patch);
            let request = api.patch_status(&object.name, &params, &patch);
            match tokio::time::timeout(TIMEOUT, request).await {
                // Changed or deleted meanwhile: the watch tells, if it is malformed still.
                Ok(Err(kube::Error::Api(status))) if status.is_not_found() || status.is_conflict() => {}
                Ok(Err(error)) => {
                    tracing::warn!(%object, %error, "the status of a malformed object cannot be written");
                }
                Ok(Ok(_)) | Err(_) => {}
            }
        }
        Some(fault)
    }

    /// Writes the status of a store.
    pub async fn write_store(&self, key: &StoreKey, status: &StoreStatus) -> Result<(), StatusError> {
        let (kind, namespace, name) = match key {
            StoreKey::Namespaced { namespace, name } => {
                (ApiResource::erase::<ParameterStore>(&()), Some(namespace), name)
            }
            StoreKey::Cluster { name } => (ApiResource::erase::<ClusterParameterStore>(&()), None, name),
        };
        self.apply_status(&kind, namespace.map(String::as_str), name, status)
            .await
            .map_err(|detail| StatusError::Failed {
                object: key.to_string(),
                detail,
            })
    }

    /// Writes what is to be said of a calendar: its status where it differs from what is there, and events.
    pub async fn write_calendar(
        &self,
        key: &CalendarKey,
        entry: &CalendarEntry,
        report: &CalendarReport,
    ) -> Result<(), StatusError> {
        let kind = match key.namespace() {
            Some(_) => ApiResource::erase::<ChangeCalendar>(&()),
            None => ApiResource::erase::<ClusterChangeCalendar>(&()),
        };
        let object = ObjectReference {
            api_version: Some(kind.api_version.clone()),
            kind: Some(kind.kind.clone()),
            name: Some(key.name().to_owned()),
            namespace: key.namespace().map(str::to_owned),
            uid: entry.uid.clone(),
            ..ObjectReference::default()
        };
        for note in &report.notes {
            self.publish(&object, note).await;
        }
        if entry.status == report.status {
            return Ok(());
        }
        self.apply_status(&kind, key.namespace(), key.name(), &report.status)
            .await
            .map_err(|detail| StatusError::Failed {
                object: key.to_string(),
                detail,
            })
    }

    /// Applies a status; gone objects need none.
    async fn apply_status(
        &self,
        kind: &ApiResource,
        namespace: Option<&str>,
        name: &str,
        status: &impl Serialize,
    ) -> Result<(), String> {
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, kind),
            None => Api::all_with(self.client.clone(), kind),
        };
        let patch = Patch::Apply(json!({
            "apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {"name": name, "namespace": namespace},
            "status": status,
        }));
        let params = PatchParams::apply(FIELD_MANAGER).force();
        match tokio::time::timeout(TIMEOUT, api.patch_status(name, &params, &patch)).await {
            Err(_) => Err("no answer in 10 s".to_owned()),
            Ok(Err(kube::Error::Api(status))) if status.is_not_found() => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(_)) => Ok(()),
        }
    }

    async fn publish(&self, object: &ObjectReference, note: &Note) {
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason.clone(),
            note: Some(note.text.clone()),
            action: note.action.to_owned(),
            secondary: None,
        };
        let request = self.recorder.publish(&event, object);
        if let Ok(Err(error)) = tokio::time::timeout(TIMEOUT, request).await {
            tracing::debug!(%error, reason = note.reason, "an event could not be written");
        }
    }
}

/// The operations that hold only while the object's status is the one that was read.
fn conditions(object: &ParameterSync) -> Vec<Value> {
    let test = |path: &str, value: Value| json!({"op": "test", "path": path, "value": value});
    let mut conditions = vec![test("/metadata/uid", json!(object.meta().uid))];
    match object.status.as_ref().and_then(|status| status.secret.as_ref()) {
        None => conditions.push(test("/status/secret", Value::Null)),
        Some(secret) => {
            conditions.push(test("/status/secret/revision", json!(secret.revision)));
            conditions.push(test("/status/secret/writing", json!(secret.writing)));
        }
    }
    conditions
}

/// What was written is not in the answer: a CRD of before drops what it does not know, and says 200.
fn outdated(object: &ParameterSync) -> StatusError {
    let meta = object.meta();
    StatusError::CrdOutdated {
        object: format!(
            "{}/{}",
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default()
        ),
    }
}

impl ApiServer {
    async fn patch_status(
        &self,
        object: &ParameterSync,
        operation: Value,
    ) -> Result<ParameterSync, StatusError> {
        let meta = object.meta();
        let (namespace, name) = (
            meta.namespace.clone().unwrap_or_default(),
            meta.name.clone().unwrap_or_default(),
        );
        let full = format!("{namespace}/{name}");
        let mut operations = conditions(object);
        operations.push(operation);
        let failed = |detail: &str| StatusError::Failed {
            object: full.clone(),
            detail: detail.to_owned(),
        };
        let patch: json_patch::Patch = serde_json::from_value(Value::Array(operations))
            .map_err(|_| failed("the patch could not be made"))?;
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let request = Request::new(ParameterSync::url_path(&(), Some(&namespace)))
            .patch_subresource("status", &name, &params, &Patch::Json::<()>(patch))
            .map_err(|_| failed("the request could not be made"))?;
        send(&self.client, request)
            .await
            .map_err(|error| StatusError::of(full.clone(), &error))
    }
}

impl StatusSink for ApiServer {
    async fn write(
        &self,
        object: &ParameterSync,
        report: &Report,
    ) -> Result<Option<ParameterSync>, StatusError> {
        for note in &report.notes {
            self.publish(&object.object_ref(&()), note).await;
        }
        if object.status.as_ref() == Some(&report.status) {
            return Ok(None);
        }
        let whole = json!({"op": "add", "path": "/status", "value": report.status});
        let after = self.patch_status(object, whole).await?;
        let revision =
            |status: &ParameterSyncStatus| status.secret.as_ref().and_then(|secret| secret.revision);
        if after.status.as_ref().and_then(revision) == revision(&report.status) {
            Ok(Some(after))
        } else {
            Err(outdated(object))
        }
    }

    async fn announce(&self, object: &ParameterSync, revision: i64) -> Result<ParameterSync, StatusError> {
        let writing = json!({"op": "add", "path": "/status/secret/writing", "value": revision});
        let after = self.patch_status(object, writing).await?;
        let secret = after.status.as_ref().and_then(|status| status.secret.as_ref());
        if secret.and_then(|secret| secret.writing) == Some(revision) {
            Ok(after)
        } else {
            Err(outdated(object))
        }
    }
}
