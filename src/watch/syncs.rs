//! ParameterSyncs: what others need to know of them, and who may have which Secret.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use kube::ResourceExt;

use super::stores::StoreKey;
use crate::api::{CalendarKind, CalendarRef, FreezeScope, MAX_SYNC_REQUEST, ParameterSync, StoreKind};
use crate::names::{CalendarKey, ObjectKey};

/// The annotation that asks for a sync now; its value is a token of the asker's choice.
pub const SYNC_REQUEST: &str = "paramsync.dev/sync-requested-at";

/// The token of a forced sync that is asked for, or how many characters it has, where that is more than the answer in
/// status has room for.
pub fn sync_request(object: &ParameterSync) -> Result<Option<&str>, usize> {
    let token = object.annotations().get(SYNC_REQUEST).map(String::as_str);
    let length = token.map_or(0, |token| token.chars().count());
    if length <= MAX_SYNC_REQUEST as usize {
        Ok(token)
    } else {
        Err(length)
    }
}

/// What is known of each ParameterSync.
#[derive(Default)]
pub struct SyncIndex {
    syncs: HashMap<ObjectKey, Brief>,
    claims: HashMap<ObjectKey, BTreeSet<Claim>>,
}

/// What decides whether an object wants a reconcile, and whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Brief {
    uid: String,
    generation: i64,
    sync_request: Option<String>,
    deleting: bool,
    store: StoreKey,
    calendars: Vec<CalendarKey>,
    scope: FreezeScope,
    claim: Claim,
    target: ObjectKey,
}

/// The oldest has the Secret, then the lowest uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    created: Timestamp,
    uid: String,
    object: ObjectKey,
}

impl SyncIndex {
    /// Takes in what the API server says. Gives the objects that this concerns: this one, where more than its status
    /// changed, and those that want the same Secret, where the claim on it did.
    pub fn apply(&mut self, object: &ParameterSync) -> Vec<ObjectKey> {
        let Some((key, brief)) = brief(object) else {
            return Vec::new();
        };
        let before = self.syncs.insert(key.clone(), brief.clone());
        if before.as_ref() == Some(&brief) {
            return Vec::new();
        }
        let mut concerned = Vec::new();
        if let Some(before) =
            before.filter(|before| before.claim != brief.claim || before.target != brief.target)
        {
            concerned.extend(self.unclaim(&before));
        }
        self.claims.entry(brief.target).or_default().insert(brief.claim);
        concerned.push(key);
        concerned
    }

    /// Takes out an object; gives those that wanted the same Secret.
    pub fn delete(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        match self.syncs.remove(key) {
            Some(brief) => self.unclaim(&brief),
            None => Vec::new(),
        }
    }

    /// Keeps only what a relist has shown; gives what went, and those whom that concerns.
    pub fn retain(&mut self, seen: &HashSet<ObjectKey>) -> (Vec<ObjectKey>, Vec<ObjectKey>) {
        let gone: Vec<ObjectKey> = self
            .syncs
            .keys()
            .filter(|key| !seen.contains(*key))
            .cloned()
            .collect();
        let concerned = gone.iter().flat_map(|key| self.delete(key)).collect();
        (gone, concerned)
    }

    /// Who has the Secret `target`.
    pub fn holder(&self, target: &ObjectKey) -> Option<&ObjectKey> {
        self.claims.get(target)?.first().map(|claim| &claim.object)
    }

    /// All that want the Secret `target`.
    pub fn claimants(&self, target: &ObjectKey) -> Vec<ObjectKey> {
        self.claims
            .get(target)
            .into_iter()
            .flatten()
            .map(|claim| claim.object.clone())
            .collect()
    }

    /// All that read by `store`.
    pub fn readers(&self, store: &StoreKey) -> Vec<ObjectKey> {
        self.filtered(|_, brief| brief.store == *store)
    }

    /// All that name `calendar`, or are in a namespace that it selects.
    pub fn bound(&self, calendar: &CalendarKey, selected: impl Fn(&str) -> bool) -> Vec<ObjectKey> {
        self.filtered(|key, brief| brief.calendars.contains(calendar) || selected(&key.namespace))
    }

    /// Whether Parameter Store is not asked for the object's sake while its gate is closed, as its spec says.
    pub fn is_unasked(&self, object: &ObjectKey) -> bool {
        self.syncs
            .get(object)
            .is_some_and(|brief| brief.scope == FreezeScope::All)
    }

    /// All in `namespace`.
    pub fn within(&self, namespace: &str) -> Vec<ObjectKey> {
        self.filtered(|key, _| *key.namespace == *namespace)
    }

    fn filtered(&self, wanted: impl Fn(&ObjectKey, &Brief) -> bool) -> Vec<ObjectKey> {
        self.syncs
            .iter()
            .filter(|(key, brief)| wanted(key, brief))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn unclaim(&mut self, brief: &Brief) -> Vec<ObjectKey> {
        let Some(claims) = self.claims.get_mut(&brief.target) else {
            return Vec::new();
        };
        claims.remove(&brief.claim);
        let others = claims.iter().map(|claim| claim.object.clone()).collect();
        if claims.is_empty() {
            self.claims.remove(&brief.target);
        }
        others
    }
}

fn brief(object: &ParameterSync) -> Option<(ObjectKey, Brief)> {
    let key = ObjectKey::new(object.namespace()?, object.name_any());
    let uid = object.uid()?;
    let target = object.spec.target.as_ref().and_then(|target| target.name.clone());
    let changes = object.spec.changes.as_ref();
    let brief = Brief {
        generation: object.metadata.generation.unwrap_or_default(),
        sync_request: object.annotations().get(SYNC_REQUEST).cloned(),
        deleting: object.metadata.deletion_timestamp.is_some(),
        store: store_of(object),
        calendars: calendars_of(object),
        scope: changes.and_then(|changes| changes.scope).unwrap_or_default(),
        claim: Claim {
            created: object.creation_timestamp().map(|time| time.0).unwrap_or_default(),
            uid: uid.clone(),
            object: key.clone(),
        },
        target: ObjectKey::new(
            key.namespace.clone(),
            target.unwrap_or_else(|| key.name.to_string()),
        ),
        uid,
    };
    Some((key, brief))
}

/// The calendars that a ParameterSync names.
pub fn calendars_of(object: &ParameterSync) -> Vec<CalendarKey> {
    let changes = object.spec.changes.as_ref();
    let references = changes.and_then(|changes| changes.calendars.as_ref());
    let key = |reference: &CalendarRef| match reference.kind.unwrap_or_default() {
        CalendarKind::ChangeCalendar => {
            CalendarKey::namespaced(&object.namespace().unwrap_or_default(), &reference.name)
        }
        CalendarKind::ClusterChangeCalendar => CalendarKey::cluster(&reference.name),
    };
    references.into_iter().flatten().map(key).collect()
}

/// The store that a ParameterSync reads by; absence means ClusterParameterStore `default`.
pub fn store_of(object: &ParameterSync) -> StoreKey {
    let reference = object.spec.store_ref.as_ref();
    let name = reference
        .and_then(|reference| reference.name.clone())
        .unwrap_or_else(|| "default".to_owned());
    match reference.and_then(|reference| reference.kind) {
        Some(StoreKind::ParameterStore) => StoreKey::Namespaced {
            namespace: object.namespace().unwrap_or_default(),
            name,
        },
        _ => StoreKey::Cluster { name },
    }
}
