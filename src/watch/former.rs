//! Which ParameterSyncs there were: so that one that is made anew is not taken for a first. Pure.
//!
//! Lost with the process. What does not fit is not forgotten in favour of the asker: where something was left out, every
//! name of that namespace may have been there before.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::names::ObjectKey;

/// How many names are kept of one namespace, which is one tenant's.
const PER_NAMESPACE: usize = 256;
/// How many in all: some 2 MiB.
const IN_ALL: usize = 20_000;

/// The ParameterSyncs that were seen and are gone.
#[derive(Debug, Default)]
pub(super) struct FormerSyncs {
    namespaces: HashMap<Arc<str>, Namespace>,
    names: usize,
    /// When the newest of those was made that were left out.
    left_out: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Namespace {
    names: HashMap<Arc<str>, Former>,
    left_out: Option<Timestamp>,
}

#[derive(Debug)]
struct Former {
    /// Which one it was; none where there were several.
    uid: Option<Box<str>>,
    /// When the newest was made.
    made: Timestamp,
}

impl FormerSyncs {
    /// One is gone.
    pub(super) fn add(&mut self, object: &ObjectKey, uid: &str, made: Timestamp) {
        if !self.namespaces.contains_key(&object.namespace) && self.names >= IN_ALL {
            self.left_out = self.left_out.max(Some(made));
            return;
        }
        let namespace = self.namespaces.entry(object.namespace.clone()).or_default();
        if let Some(former) = namespace.names.get_mut(&object.name) {
            former.uid.take_if(|known| **known != *uid);
            former.made = former.made.max(made);
        } else if namespace.names.len() >= PER_NAMESPACE || self.names >= IN_ALL {
            namespace.left_out = namespace.left_out.max(Some(made));
        } else {
            let uid = Some(uid.into());
            namespace.names.insert(object.name.clone(), Former { uid, made });
            self.names += 1;
        }
    }

    /// Whether there may have been another one than `uid` of that name in the namespace that was made at `since`.
    pub(super) fn may_know(&self, object: &ObjectKey, uid: &str, since: Timestamp) -> bool {
        let within = |made: Option<Timestamp>| made.is_some_and(|made| made >= since);
        let namespace = self.namespaces.get(&object.namespace);
        let left_out = namespace.is_some_and(|namespace| within(namespace.left_out));
        let former = namespace.and_then(|namespace| namespace.names.get(&object.name));
        let other = former.is_some_and(|former| {
            within(Some(former.made)) && former.uid.as_deref().is_none_or(|known| known != uid)
        });
        within(self.left_out) || left_out || other
    }

    /// A namespace is gone; one of its name that is made later has no former objects.
    pub(super) fn forget(&mut self, namespace: &str) {
        if let Some(gone) = self.namespaces.remove(namespace) {
            self.names -= gone.names.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey::new(namespace, name)
    }

    #[test]
    fn one_made_anew_has_a_former_and_one_that_only_could_not_be_read_for_a_while_has_none() {
        let mut former = FormerSyncs::default();
        let web = key("shop", "web");
        assert!(!former.may_know(&web, "u-2", at(0)));
        former.add(&web, "u-1", at(10));
        assert!(former.may_know(&web, "u-2", at(0)));
        assert!(!former.may_know(&web, "u-1", at(0)), "the same object");
        assert!(
            !former.may_know(&key("shop", "api"), "u-2", at(0)),
            "another name"
        );
        assert!(
            !former.may_know(&key("other", "web"), "u-2", at(0)),
            "another namespace"
        );
        former.add(&web, "u-2", at(20));
        assert!(former.may_know(&web, "u-1", at(0)) && former.may_know(&web, "u-2", at(0)));
    }

    #[test]
    fn a_namespace_made_later_has_no_former_objects() {
        let mut former = FormerSyncs::default();
        let web = key("shop", "web");
        former.add(&web, "u-1", at(10));
        assert!(former.may_know(&web, "u-2", at(10)));
        assert!(!former.may_know(&web, "u-2", at(11)));
        former.forget("shop");
        assert_eq!(former.names, 0);
        assert!(!former.may_know(&web, "u-2", at(0)));
    }

    #[test]
    fn where_there_is_no_room_every_name_may_have_been_there() {
        let mut former = FormerSyncs::default();
        for n in 0..=PER_NAMESPACE {
            former.add(&key("full", &format!("s{n}")), "u", at(n as i64));
        }
        assert!(former.may_know(&key("full", "never-seen"), "u", at(0)));
        assert!(
            !former.may_know(&key("full", "never-seen"), "u", at(10_000)),
            "a namespace made since"
        );
        assert!(!former.may_know(&key("other", "web"), "u", at(0)));
        for n in 0..IN_ALL {
            former.add(&key(&format!("n{}", n / 200), &format!("s{n}")), "u", at(1));
        }
        assert!(former.names <= IN_ALL);
        former.add(&key("one-more", "web"), "u", at(2));
        assert!(former.may_know(&key("any", "web"), "u", at(0)));
        assert!(!former.may_know(&key("any", "web"), "u", at(3)));
    }
}
