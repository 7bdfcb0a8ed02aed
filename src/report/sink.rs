//! Where reports go: the status subresource and events. I/O.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::json;

use super::{CalendarReport, Note, Report, malformed};
use crate::api::{
    ChangeCalendar, ClusterChangeCalendar, ClusterParameterStore, ParameterStore, ParameterSync, StoreStatus,
};
use crate::names::{CalendarKey, ObjectKey};
use crate::record::FIELD_MANAGER;
use crate::watch::{CalendarEntry, StoreKey};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where reports go.
pub trait StatusSink: Send + Sync + 'static {
    /// Writes the status where it differs from the object's, and the events. Gives the object's resource version after
    /// a write.
    fn write(
        &self,
        object: &ParameterSync,
        report: &Report,
    ) -> impl Future<Output = Result<Option<u64>, StatusError>> + Send;
}

/// The status could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the status of {object} cannot be written: {detail}")]
pub struct StatusError {
    object: String,
    detail: String,
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
            .map_err(|detail| StatusError {
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
            .map_err(|detail| StatusError {
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

impl StatusSink for ApiServer {
    async fn write(&self, object: &ParameterSync, report: &Report) -> Result<Option<u64>, StatusError> {
        let meta = object.meta();
        let namespace = meta.namespace.clone().unwrap_or_default();
        let name = meta.name.clone().unwrap_or_default();
        for note in &report.notes {
            self.publish(&object.object_ref(&()), note).await;
        }
        if object.status.as_ref() == Some(&report.status) {
            return Ok(None);
        }
        let failed = |detail: String| StatusError {
            object: format!("{namespace}/{name}"),
            detail,
        };
        let body = json!({
            "apiVersion": ParameterSync::api_version(&()), "kind": ParameterSync::kind(&()),
            "metadata": {"name": name, "namespace": namespace, "uid": meta.uid},
            "status": report.status,
        });
        let api: Api<ParameterSync> = Api::namespaced(self.client.clone(), &namespace);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(body);
        let request = api.patch_status(&name, &params, &patch);
        match tokio::time::timeout(TIMEOUT, request).await {
            Err(_) => Err(failed("no answer in 10 s".to_owned())),
            // Deleted meanwhile: nobody is left to read it.
            Ok(Err(kube::Error::Api(status))) if status.is_not_found() || status.is_conflict() => Ok(None),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Ok(Ok(object)) => Ok(object
                .meta()
                .resource_version
                .as_ref()
                .and_then(|version| version.parse().ok())),
        }
    }
}
