//! What was seen of the Lease, and when. Pure.

use std::time::Duration;

use super::record::Record;

/// What this process has seen of the Lease so far. It outlives a tenure: who lost the Lease knows of its next holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The Lease as it was last seen; none where there is none.
    pub record: Option<Record>,
    /// Until when the holder that was last seen may be at work, if it did not end cleanly. A holder whose Lease was
    /// deleted counts: it may not know yet.
    pub claimed_until: Option<Duration>,
}

impl Sight {
    /// Takes in what was seen at `now`. A record that was seen before is no younger for it, and whatever another process
    /// writes into it of its own clock, ours measures.
    pub fn see(&mut self, record: Option<Record>, now: Duration) {
        if self.record == record {
            return;
        }
        if let Some(record) = &record {
            self.claimed_until = record.holder.as_ref().map(|_| now + record.duration);
        }
        self.record = record;
    }

    /// Who holds the Lease, as far as was seen.
    pub fn holder(&self) -> Option<&str> {
        self.record.as_ref()?.holder.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn record(version: &str, holder: Option<&str>) -> Record {
        Record {
            version: version.to_owned(),
            holder: holder.map(str::to_owned),
            duration: s(15),
        }
    }

    #[test]
    fn a_record_ages_from_when_it_was_first_seen() {
        let mut sight = Sight::default();
        sight.see(Some(record("1", Some("a"))), s(100));
        sight.see(Some(record("1", Some("a"))), s(110));
        assert_eq!(sight.claimed_until, Some(s(115)));
        sight.see(Some(record("2", Some("a"))), s(111));
        assert_eq!(sight.claimed_until, Some(s(126)));
    }

    #[test]
    fn a_clean_end_leaves_no_claim() {
        let mut sight = Sight::default();
        sight.see(Some(record("1", Some("a"))), s(100));
        sight.see(Some(record("2", None)), s(101));
        assert_eq!(sight.claimed_until, None);
    }

    #[test]
    fn a_lease_that_was_deleted_leaves_the_claim_of_its_holder() {
        let mut sight = Sight::default();
        sight.see(None, s(1));
        assert_eq!(sight.claimed_until, None, "there was never one");
        sight.see(Some(record("1", Some("a"))), s(100));
        sight.see(None, s(103));
        assert_eq!((sight.holder(), sight.claimed_until), (None, Some(s(115))));
        sight.see(None, s(104));
        assert_eq!(sight.claimed_until, Some(s(115)));
        sight.see(Some(record("9", Some("b"))), s(105));
        assert_eq!(sight.claimed_until, Some(s(120)));
    }
}
