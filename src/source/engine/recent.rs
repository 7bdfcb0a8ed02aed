//! What was fetched just now, so that what many ask for one after another is fetched for them together. Pure.
//!
//! No value is kept to be shared, so callers that come a moment apart can only share a read if one waits for the
//! other. The first is served at once; while more keep coming, reads of the same unit are spaced wider and wider.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::source::engine::job::Unit;

/// How long after a read the next one of the same unit may follow, at first.
const SPACING: Duration = Duration::from_secs(1);
/// How wide the spacing grows.
const WIDEST: Duration = Duration::from_secs(4);
/// How long a read counts as recent.
const MEMORY: Duration = Duration::from_secs(8);

/// When each unit was read last, and how often in a row.
#[derive(Default)]
pub struct Recent {
    reads: BTreeMap<Unit, (Duration, u32)>,
}

impl Recent {
    /// Notes a read.
    pub fn read(&mut self, unit: &Unit, now: Duration) {
        self.reads.retain(|_, (at, _)| now.saturating_sub(*at) < MEMORY);
        let (at, row) = self.reads.entry(unit.clone()).or_insert((now, 0));
        (*at, *row) = (now, row.saturating_add(1));
    }

    /// When the next read may be.
    pub fn next(&self, unit: &Unit, now: Duration) -> Duration {
        match self.reads.get(unit) {
            Some((at, row)) if now.saturating_sub(*at) < MEMORY => {
                at.saturating_add(SPACING.saturating_mul(1 << (row - 1).min(4)).min(WIDEST))
            }
            _ => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{ParameterName, ParameterRef};

    #[test]
    fn reads_in_a_row_are_spaced_wider_and_wider() {
        let unit = Unit::Name(ParameterRef::latest(ParameterName::parse("/x").unwrap()));
        let mut recent = Recent::default();
        let mut now = Duration::from_secs(100);
        let mut waits = vec![];
        for _ in 0..5 {
            let next = recent.next(&unit, now).max(now);
            waits.push(next.saturating_sub(now).as_secs());
            now = next;
            recent.read(&unit, now);
        }
        assert_eq!(waits, [0, 1, 2, 4, 4]);
        assert_eq!(
            recent.next(&unit, now + MEMORY),
            now + MEMORY,
            "and begin anew after a pause"
        );
    }
}
