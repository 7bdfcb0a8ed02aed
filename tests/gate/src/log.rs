//! What went through the gate: counts, and a bounded list of calls. Names and paths only, never a value.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::SystemTime;

/// How many calls are kept.
pub const CALLS_KEPT: usize = 2_000;

/// Counts of what was asked and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls by action, such as `GetParameters` or `AssumeRole`, counted as they come in.
    pub calls: BTreeMap<String, u64>,
    /// Names asked for in GetParameters.
    pub names: u64,
    /// SecureStrings returned decrypted: what AWS KMS bills.
    pub decrypted: u64,
    /// Calls answered with ThrottlingException.
    pub throttled: u64,
    /// Answers by code: `OK`, or AWS's error code.
    pub by_code: BTreeMap<String, u64>,
}

impl Counts {
    /// Calls that share AWS's quota of reads: GetParameter, GetParameters and GetParametersByPath.
    pub fn reads(&self) -> u64 {
        ["GetParameter", "GetParameters", "GetParametersByPath"]
            .iter()
            .map(|action| self.of(action))
            .sum()
    }

    /// Calls of one action.
    pub fn of(&self, action: &str) -> u64 {
        self.calls.get(action).copied().unwrap_or(0)
    }
}

/// One call, without any value.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// When it came in.
    pub at: SystemTime,
    /// Such as `GetParametersByPath`.
    pub action: String,
    /// The names or documents that were asked for, or the one path; empty for other services.
    pub names_or_path: Vec<String>,
    /// Whether decryption was asked for.
    pub decrypt: bool,
    /// Whether it came with the session token of temporary keys.
    pub temporary: bool,
    /// `OK`, AWS's error code, or `unanswered`.
    pub code: String,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, decrypted) = (
            since.as_secs() % 86_400,
            if self.decrypt { " decrypted" } else { "" },
        );
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(
            out,
            "{hours:02}:{minutes:02}:{:02}.{:03}Z {}{decrypted} {} -> {}",
            seconds % 60,
            since.subsec_millis(),
            self.action,
            self.names_or_path.join(" "),
            self.code
        )
    }
}

/// Counts and calls as they grow.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) counts: Counts,
    kept: VecDeque<CallRecord>,
    /// How many calls were dropped from the front: the number of the first one kept.
    dropped: usize,
}

impl Log {
    /// Counts a call that came in; returns its number for [`Log::end`].
    pub(crate) fn begin(&mut self, call: CallRecord) -> usize {
        *self.counts.calls.entry(call.action.clone()).or_default() += 1;
        if call.action == "GetParameters" {
            self.counts.names += call.names_or_path.len() as u64;
        }
        if self.kept.len() == CALLS_KEPT {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(call);
        self.dropped + self.kept.len() - 1
    }

    /// Counts how the call was answered.
    pub(crate) fn end(&mut self, number: usize, code: &str, decrypted: u64) {
        *self.counts.by_code.entry(code.to_owned()).or_default() += 1;
        self.counts.decrypted += decrypted;
        self.counts.throttled += u64::from(code == "ThrottlingException");
        if let Some(call) = number
            .checked_sub(self.dropped)
            .and_then(|index| self.kept.get_mut(index))
        {
            code.clone_into(&mut call.code);
        }
    }

    pub(crate) fn calls(&self) -> Vec<CallRecord> {
        self.kept.iter().cloned().collect()
    }
}
