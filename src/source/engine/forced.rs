//! Forced syncs: what is still to be looked at for each, and which is done. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::ObjectKey;
use crate::source::plan::Item;

/// The forced syncs of all objects of one engine, one for each.
#[derive(Default)]
pub struct Forced {
    asked: BTreeMap<ObjectKey, Asked>,
}

struct Asked {
    token: String,
    /// What is still to be seen, and what shows it.
    left: BTreeMap<Item, Item>,
}

impl Forced {
    /// Whether this is another one than was asked for before.
    pub fn is_new(&self, object: &ObjectKey, token: &str) -> bool {
        self.asked.get(object).is_none_or(|asked| asked.token != token)
    }

    /// Somebody asks for all of `items` to be looked at, each with what shows it.
    pub fn ask(&mut self, object: &ObjectKey, token: String, items: impl IntoIterator<Item = (Item, Item)>) {
        let left = items.into_iter().collect();
        self.asked.insert(object.clone(), Asked { token, left });
    }

    /// Nothing is asked for `object` any more.
    pub fn forget(&mut self, object: &ObjectKey) {
        self.asked.remove(object);
    }

    /// The token of a forced sync that is done.
    pub fn done(&self, object: &ObjectKey) -> Option<&str> {
        let asked = self.asked.get(object)?;
        asked.left.is_empty().then_some(asked.token.as_str())
    }

    /// Takes in what was seen since the last time, and that some is not swept any more; gives whose are done by that.
    pub fn seen(&mut self, fresh: &BTreeSet<Item>, is_swept: impl Fn(&Item) -> bool) -> Vec<ObjectKey> {
        let under_way = self.asked.iter_mut().filter(|(_, asked)| !asked.left.is_empty());
        let mut done = vec![];
        for (object, asked) in under_way {
            asked
                .left
                .retain(|_, root| !fresh.contains(root) && is_swept(root));
            if asked.left.is_empty() {
                done.push(object.clone());
            }
        }
        done
    }

    /// Follows a new plan; gives what shows something now that another showed before: it must be looked at.
    pub fn follow(&mut self, root: impl Fn(&Item) -> Item) -> BTreeSet<Item> {
        let mut other = BTreeSet::new();
        for asked in self.asked.values_mut() {
            for (item, shown_by) in &mut asked.left {
                let now = root(item);
                if *shown_by != now {
                    other.insert(now.clone());
                    *shown_by = now;
                }
            }
        }
        other
    }
}
