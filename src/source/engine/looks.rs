//! What each object was last told of, so that it is told again only when that is another. Pure.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::error::Classified;
use crate::names::ObjectKey;
use crate::record::Upstream;

/// A fingerprint of the answer of which each object's last report was made.
#[derive(Default)]
pub struct Looks {
    seen: BTreeMap<ObjectKey, u64>,
}

impl Looks {
    /// A report of `object` is made of this answer.
    pub fn mark(&mut self, object: &ObjectKey, upstream: &Upstream) {
        self.seen.insert(object.clone(), fingerprint(upstream));
    }

    /// Whether the last report of `object` was made of another answer. One that never looked is about to.
    pub fn differs(&self, object: &ObjectKey, upstream: &Upstream) -> bool {
        self.seen
            .get(object)
            .is_some_and(|seen| *seen != fingerprint(upstream))
    }

    /// Whether it was made of this one.
    pub fn matches(&self, object: &ObjectKey, upstream: &Upstream) -> bool {
        self.seen.get(object) == Some(&fingerprint(upstream))
    }

    /// The object is gone.
    pub fn forget(&mut self, object: &ObjectKey) {
        self.seen.remove(object);
    }
}

/// Of a fault only what it is and of what: its code may change with each try.
fn fingerprint(upstream: &Upstream) -> u64 {
    let Upstream {
        origin,
        listings,
        parameters,
        fault,
        effective_interval,
        forced,
    } = upstream;
    let fault = fault.as_ref().map(|fault| (fault.reason(), fault.subject()));
    let mut hasher = DefaultHasher::new();
    (origin, listings, parameters, fault, effective_interval, forced).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SourceError;

    #[test]
    fn another_code_of_the_same_fault_is_no_news_and_another_fault_is() {
        let object = ObjectKey::new("shop", "web");
        let with = |fault: SourceError| Upstream {
            fault: Some(fault),
            ..Upstream::default()
        };
        let unavailable = |code: &str| with(SourceError::Unavailable { code: code.into() });
        let mut looks = Looks::default();
        assert!(
            !looks.differs(&object, &unavailable("timeout")),
            "it never looked"
        );
        looks.mark(&object, &unavailable("timeout"));
        assert!(!looks.differs(&object, &unavailable("connection")));
        let throttled = SourceError::Throttled {
            code: "timeout".into(),
        };
        assert!(looks.differs(&object, &with(throttled)));
        assert!(looks.differs(&object, &Upstream::default()));
        looks.forget(&object);
        assert!(!looks.differs(&object, &Upstream::default()));
    }
}
