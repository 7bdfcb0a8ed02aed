//! Which Secrets are not written for a while, because a write that had no answer may land yet. Pure.
//!
//! It is kept by Secret, and not with what is remembered of a ParameterSync: one that is made anew, or another that wants
//! the same Secret, has to wait for it too.

use std::collections::HashMap;
use std::time::Duration;

use crate::names::ObjectKey;

/// Until when Secrets are not written, by the monotonic clock.
#[derive(Debug, Default)]
pub struct Quiet {
    until: HashMap<ObjectKey, Duration>,
}

impl Quiet {
    /// Nothing is written there until then.
    pub fn keep(&mut self, secret: ObjectKey, until: Duration, now: Duration) {
        self.until.retain(|_, until| *until > now);
        self.until.insert(secret, until);
    }

    /// What was sent there was answered.
    pub fn end(&mut self, secret: &ObjectKey) {
        self.until.remove(secret);
    }

    /// Until when nothing is written there, where that is so at `now`.
    pub fn until(&self, secret: &ObjectKey, now: Duration) -> Option<Duration> {
        self.until.get(secret).copied().filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_left_alone_until_the_time_is_over_or_the_answer_is_there() {
        let second = Duration::from_secs;
        let (web, api) = (ObjectKey::new("shop", "web"), ObjectKey::new("shop", "api"));
        let mut quiet = Quiet::default();
        quiet.keep(web.clone(), second(22), second(0));
        assert_eq!(quiet.until(&web, second(21)), Some(second(22)));
        assert_eq!(quiet.until(&web, second(22)), None);
        assert_eq!(quiet.until(&api, second(1)), None);
        quiet.keep(api.clone(), second(40), second(30));
        assert_eq!(quiet.until.len(), 1, "what is over is forgotten");
        quiet.end(&api);
        assert_eq!(quiet.until(&api, second(31)), None);
    }
}
