//! The ParameterSyncs themselves, as the API server has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kube::ResourceExt;

use super::ownership::version;
use crate::api::ParameterSync;
use crate::names::ObjectKey;

/// Every ParameterSync, in its newest form that is known: the watch's, or that of an answer to a write of ours, which
/// the watch shows later.
#[derive(Default)]
pub struct ObjectIndex {
    objects: HashMap<ObjectKey, Arc<ParameterSync>>,
}

/// What an object that came in is, against what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing: it is older than what is known, or the same.
    Stale,
    /// Its status is as it was.
    Rest,
    /// Its status is another, and it is not of our writing.
    Status,
}

impl ObjectIndex {
    /// The object, in its newest form.
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<ParameterSync>> {
        self.objects.get(key)
    }

    /// Takes in what the API server says.
    pub fn apply(&mut self, key: &ObjectKey, object: ParameterSync) -> News {
        let known = self.objects.get(key).filter(|known| known.uid() == object.uid());
        let news = match known {
            Some(known) if is_behind(&object, known) => return News::Stale,
            Some(known) if known.status != object.status => News::Status,
            _ => News::Rest,
        };
        self.objects.insert(key.clone(), Arc::new(object));
        news
    }

    /// Takes out an object that is gone. One of the same name that was made since stays.
    pub fn delete(&mut self, key: &ObjectKey, object: &ParameterSync) -> bool {
        let same = |known: &Arc<ParameterSync>| known.uid() == object.uid();
        self.objects.get(key).is_some_and(same) && self.objects.remove(key).is_some()
    }

    /// Keeps only what a relist has shown.
    pub fn retain(&mut self, seen: &HashSet<ObjectKey>) {
        self.objects.retain(|key, _| seen.contains(key));
    }
}

/// Versions that are no numbers say nothing; then the watch is right.
fn is_behind(object: &ParameterSync, known: &ParameterSync) -> bool {
    let (new, known) = (version(&object.metadata), version(&known.metadata));
    new != 0 && new <= known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ParameterSyncSpec, ParameterSyncStatus};

    fn object(uid: &str, version: &str, generation: i64) -> ParameterSync {
        let mut object = ParameterSync::new("web", ParameterSyncSpec::default());
        object.metadata.uid = Some(uid.into());
        object.metadata.resource_version = Some(version.into());
        object.status = Some(ParameterSyncStatus {
            observed_generation: Some(generation),
            ..ParameterSyncStatus::default()
        });
        object
    }

    #[test]
    fn an_answer_outranks_what_the_watch_shows_later() {
        let key = ObjectKey::new("shop", "web");
        let mut index = ObjectIndex::default();
        assert_eq!(index.apply(&key, object("a", "5", 1)), News::Rest);
        assert_eq!(index.apply(&key, object("a", "7", 2)), News::Status);
        assert_eq!(index.apply(&key, object("a", "6", 1)), News::Stale);
        assert_eq!(
            index.apply(&key, object("a", "7", 2)),
            News::Stale,
            "our own, shown again"
        );
        assert_eq!(index.apply(&key, object("a", "8", 2)), News::Rest);
        assert_eq!(index.apply(&key, object("b", "3", 2)), News::Rest, "another life");
        assert!(!index.delete(&key, &object("a", "9", 2)), "the older life's end");
        assert!(index.delete(&key, &object("b", "4", 2)));
        assert!(index.get(&key).is_none());
    }
}
