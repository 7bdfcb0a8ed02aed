//! Namespaces: their labels, when they were made, and whether they are going.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

/// What is known of each namespace.
#[derive(Default)]
pub struct NamespaceIndex {
    namespaces: HashMap<String, Namespace>,
}

#[derive(PartialEq, Eq)]
struct Namespace {
    labels: BTreeMap<String, String>,
    terminating: bool,
    made: Option<Timestamp>,
}

impl NamespaceIndex {
    /// A namespace's labels; none where it is not known.
    pub fn labels(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.namespaces.get(name).map(|namespace| &namespace.labels)
    }

    /// When it was made, by the API server; none where it is not known.
    pub fn made(&self, name: &str) -> Option<Timestamp> {
        self.namespaces.get(name)?.made
    }

    /// Whether it is being deleted.
    pub fn is_terminating(&self, name: &str) -> bool {
        self.namespaces
            .get(name)
            .is_some_and(|namespace| namespace.terminating)
    }

    /// Takes in what the API server says; says whether that is news.
    pub fn apply(
        &mut self,
        name: &str,
        labels: BTreeMap<String, String>,
        terminating: bool,
        made: Option<Timestamp>,
    ) -> bool {
        let namespace = Namespace {
            labels,
            terminating,
            made,
        };
        if self.namespaces.get(name) == Some(&namespace) {
            return false;
        }
        self.namespaces.insert(name.to_owned(), namespace);
        true
    }

    /// Takes out a namespace; says whether that is news.
    pub fn delete(&mut self, name: &str) -> bool {
        self.namespaces.remove(name).is_some()
    }

    /// Keeps only what a relist has shown; gives what went.
    pub fn retain(&mut self, seen: &HashSet<String>) -> Vec<String> {
        let gone: Vec<String> = self
            .namespaces
            .keys()
            .filter(|name| !seen.contains(*name))
            .cloned()
            .collect();
        for name in &gone {
            self.namespaces.remove(name);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_labels_the_end_and_a_new_beginning_are_news() {
        let mut index = NamespaceIndex::default();
        let labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
        let made = Some(Timestamp::UNIX_EPOCH);
        assert!(index.apply("shop", labels.clone(), false, made));
        assert!(!index.apply("shop", labels.clone(), false, made));
        assert!(index.apply("shop", labels.clone(), true, made));
        assert!(index.is_terminating("shop"));
        let anew = Timestamp::from_second(60).unwrap();
        assert!(index.apply("shop", labels, false, Some(anew)));
        assert_eq!(index.made("shop"), Some(anew));
        assert_eq!(index.retain(&HashSet::new()), ["shop"]);
        assert!(index.labels("shop").is_none());
    }
}
