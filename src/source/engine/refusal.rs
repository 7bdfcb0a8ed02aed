//! That AWS refuses the identity itself, whatever is asked: then one request is the probe for all. Pure.

use std::time::Duration;

use crate::record::SourceError;
use crate::schedule;
use crate::source::call::Fault;

/// One refused sweep says little; two in a row are told, and so is a refused fetch.
const TELLING: u32 = 2;
const RETRY_BASE: Duration = Duration::from_secs(5);
/// Credentials are rotated in two places, one after the other, and the second one is noticed within this.
const RETRY_CAP: Duration = Duration::from_secs(20);
/// When a probe is repeated if no answer comes.
const PROBE_LOST: Duration = Duration::from_secs(30);

/// Whether the identity is refused.
#[derive(Default)]
pub struct Refusal {
    failures: u32,
    error: Option<SourceError>,
    until: Duration,
}

impl Refusal {
    /// Takes in what came of a sweep.
    pub fn swept(&mut self, fault: Option<&Fault>, now: Duration) {
        self.take(fault, 1, now);
    }

    /// Takes in what came of a fetch.
    pub fn fetched(&mut self, fault: Option<&Fault>, now: Duration) {
        self.take(fault, TELLING, now);
    }

    fn take(&mut self, fault: Option<&Fault>, weight: u32, now: Duration) {
        match fault {
            // What refuses one parameter has let the identity in.
            None | Some(Fault::Denied(_) | Fault::Undecryptable(_) | Fault::Refused(_)) => {
                *self = Self::default();
            }
            Some(fault) if fault.is_of_the_identity() => {
                self.failures = self.failures.saturating_add(weight);
                self.error = Some(fault.clone().about(""));
                let seed = u64::try_from(now.as_nanos()).unwrap_or_default();
                self.until = now + schedule::backoff(self.failures, RETRY_BASE, RETRY_CAP, seed);
            }
            Some(_) => {}
        }
    }

    /// Whether sweeps are made now.
    pub fn lets_sweep(&self, now: Duration) -> bool {
        self.failures == 0 || self.until <= now
    }

    /// A sweep is made: while the identity is refused, the only one.
    pub fn probed(&mut self, now: Duration) {
        if self.failures > 0 {
            self.until = now + PROBE_LOST;
        }
    }

    /// Somebody asks for it now.
    pub fn hurry(&mut self, now: Duration) {
        self.until = self.until.min(now);
    }

    /// When the next probe may be made.
    pub fn next_event(&self) -> Option<Duration> {
        (self.failures > 0).then_some(self.until)
    }

    /// Why nothing is read as this identity.
    pub fn fault(&self) -> Option<&SourceError> {
        self.error.as_ref().filter(|_| self.failures >= TELLING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_identity_is_probed_once_every_twenty_seconds_at_most() {
        let fault = Fault::Credentials("InvalidClientTokenId".into());
        let mut refusal = Refusal::default();
        let mut now = Duration::from_secs(100);
        for probe in 1..20 {
            assert!(refusal.lets_sweep(now), "{probe}");
            refusal.probed(now);
            refusal.swept(Some(&fault), now);
            assert!(!refusal.lets_sweep(now));
            assert_eq!(refusal.fault().is_some(), probe >= TELLING);
            let next = refusal.next_event().unwrap();
            assert!(next <= now + RETRY_CAP);
            now = next;
        }
        refusal.swept(Some(&Fault::Unavailable("timeout".into())), now);
        assert!(refusal.fault().is_some(), "silence says nothing of the identity");
        refusal.swept(None, now);
        assert_eq!((refusal.fault(), refusal.next_event()), (None, None));
        refusal.fetched(Some(&fault), now);
        assert!(refusal.fault().is_some(), "a caller is told at once");
    }
}
