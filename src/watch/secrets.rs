//! Managed Secrets, by their metadata only.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::secret_meta::SecretMeta;
use crate::names::ObjectKey;

/// What is known of each managed Secret.
#[derive(Default)]
pub struct SecretIndex {
    secrets: HashMap<ObjectKey, SecretMeta>,
    /// Each namespace's name once, for all Secrets in it.
    namespaces: HashSet<Arc<str>>,
    /// The highest version that the watch has shown: a Secret of that version or a lower one that is not here is gone.
    shown: u64,
}

impl SecretIndex {
    /// The Secret of that name, where it is known to carry the managed label.
    pub fn get(&self, key: &ObjectKey) -> Option<&SecretMeta> {
        self.secrets.get(key)
    }

    /// Takes in what the watch shows. Says whether that is news; what is older than what is known, as a watch event may be
    /// after our own write, is not.
    pub fn apply(&mut self, key: ObjectKey, meta: SecretMeta) -> bool {
        self.shown = self.shown.max(meta.version);
        match self.secrets.get(&key) {
            // The same version is the same write; of our own, the answer to it knows more.
            Some(known) if known.uid == meta.uid && meta.version <= known.version => false,
            _ => {
                self.insert(key, meta);
                true
            }
        }
    }

    /// Takes in the answer to our own write, unless something newer is known. One that changed nothing has the version
    /// that is known already, and says more: all that we set is ours. Where the watch has shown meanwhile that the Secret is
    /// gone, it does not come back by an answer.
    pub fn answered(&mut self, key: ObjectKey, meta: SecretMeta) {
        let is_news = match self.secrets.get(&key) {
            Some(known) if known.uid == meta.uid => meta.version >= known.version,
            Some(known) => meta.version > known.version,
            None => meta.version > self.shown,
        };
        if is_news {
            self.insert(key, meta);
        }
    }

    /// Takes in what a read of the API server has shown; gives what is known then. Of the same version, the answer to our own
    /// write knows more.
    pub fn read(&mut self, key: &ObjectKey, meta: SecretMeta) -> SecretMeta {
        let is_news = match self.secrets.get(key) {
            Some(known) if known.uid == meta.uid && known.version == meta.version => return known.clone(),
            Some(known) => meta.version > known.version,
            None => meta.managed && meta.version > self.shown,
        };
        if is_news {
            self.insert(key.clone(), meta.clone());
        }
        meta
    }

    /// A read of the API server has shown that the Secret which was known as `known` is not there any more.
    pub fn gone(&mut self, key: &ObjectKey, known: &SecretMeta) {
        let same = |now: &SecretMeta| (&now.uid, now.version) == (&known.uid, known.version);
        if self.secrets.get(key).is_some_and(same) {
            self.secrets.remove(key);
        }
    }

    fn insert(&mut self, key: ObjectKey, meta: SecretMeta) {
        let namespace = if let Some(known) = self.namespaces.get(&key.namespace) {
            known.clone()
        } else {
            self.namespaces.insert(key.namespace.clone());
            key.namespace
        };
        let name = key.name;
        self.secrets.insert(ObjectKey { namespace, name }, meta);
    }

    /// Takes out a Secret that is gone, or that lost the label: to the watch, that is the same. Says whether that is
    /// news.
    pub fn delete(&mut self, key: &ObjectKey, meta: &SecretMeta) -> bool {
        self.shown = self.shown.max(meta.version);
        match self.secrets.get(key) {
            Some(known) if known.uid == meta.uid && meta.version < known.version => false,
            Some(_) => self.secrets.remove(key).is_some(),
            None => false,
        }
    }

    /// Keeps only what a relist has shown; gives what went.
    pub fn retain(&mut self, seen: &HashSet<ObjectKey>) -> Vec<ObjectKey> {
        let gone: Vec<ObjectKey> = self
            .secrets
            .keys()
            .filter(|key| !seen.contains(*key))
            .cloned()
            .collect();
        for key in &gone {
            self.secrets.remove(key);
        }
        let inhabited: HashSet<&Arc<str>> = seen.iter().map(|key| &key.namespace).collect();
        self.namespaces.retain(|namespace| inhabited.contains(namespace));
        gone
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret_meta::{OwnedBy, Uid};
    use super::*;

    fn meta(uid: &str, version: u64) -> SecretMeta {
        SecretMeta {
            uid: uid.into(),
            version,
            managed: true,
            deleting: false,
            seal: None,
            owner: OwnedBy::Nobody,
            controller: None,
            fields: 1,
            overwritten: false,
        }
    }

    #[test]
    fn a_late_event_does_not_undo_our_own_write() {
        let key = ObjectKey::new("shop", "web");
        let mut index = SecretIndex::default();
        assert!(index.apply(key.clone(), meta("a", 10)));
        assert!(!index.apply(key.clone(), meta("a", 9)), "older");
        assert!(!index.apply(key.clone(), meta("a", 10)), "the same");
        assert!(!index.delete(&key, &meta("a", 9)), "older");
        assert_eq!(index.get(&key).unwrap().version, 10);
        assert!(index.apply(key.clone(), meta("b", 3)), "another object");
        assert_eq!(index.get(&key).unwrap().uid, Uid::from("b"));
        assert!(index.delete(&key, &meta("b", 4)));
        assert!(index.is_empty());
    }

    #[test]
    fn the_answer_to_our_write_counts_over_what_the_watch_makes_of_the_same_version() {
        let key = ObjectKey::new("shop", "web");
        let mut index = SecretIndex::default();
        let overwritten = SecretMeta {
            overwritten: true,
            ..meta("a", 10)
        };
        assert!(index.apply(key.clone(), overwritten.clone()));
        index.answered(key.clone(), meta("a", 10));
        assert!(!index.get(&key).unwrap().overwritten);
        assert!(!index.apply(key.clone(), overwritten.clone()), "the same version");
        assert!(!index.get(&key).unwrap().overwritten);
        index.apply(key.clone(), meta("a", 12));
        index.answered(key.clone(), overwritten);
        assert_eq!(index.get(&key).unwrap().version, 12, "older");
    }

    #[test]
    fn what_the_watch_has_shown_to_be_gone_does_not_come_back_by_a_late_answer() {
        let key = ObjectKey::new("shop", "web");
        let mut index = SecretIndex::default();
        index.apply(key.clone(), meta("a", 10));
        assert!(index.delete(&key, &meta("a", 12)));
        index.answered(key.clone(), meta("a", 11));
        assert!(index.is_empty(), "written at 11, deleted at 12");
        index.answered(key.clone(), meta("b", 13));
        assert_eq!(index.get(&key).unwrap().version, 13, "not shown yet");
        index.gone(&key, &meta("b", 12));
        assert!(!index.is_empty(), "another one was read to be gone");
        index.gone(&key, &meta("b", 13));
        assert!(index.is_empty());
    }

    #[test]
    fn a_relist_forgets_what_it_did_not_show() {
        let mut index = SecretIndex::default();
        for name in ["a", "b"] {
            index.apply(ObjectKey::new("shop", name), meta(name, 1));
        }
        let seen = HashSet::from([ObjectKey::new("shop", "a")]);
        assert_eq!(index.retain(&seen), [ObjectKey::new("shop", "b")]);
        assert_eq!(index.len(), 1);
    }
}
