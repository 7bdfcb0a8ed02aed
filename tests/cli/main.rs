//! The command line, as the binary that is shipped answers it: what calendars in files say, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and real parts take real time"
)]

mod answers;
mod clocks;
mod examples;
mod exports;
mod program;
mod refusals;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// How a call ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |octets| String::from_utf8(octets).expect("UTF-8");
        Self {
            code: output.status.code().expect("an exit code, and no signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// What it said, where it did not fail.
    fn told(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.told()).expect("JSON")
    }
}

fn paramsync() -> Command {
    Command::new(env!("CARGO_BIN_EXE_paramsync"))
}

/// Runs a command, which may stop reading before the input's end.
fn given(command: &mut Command, input: &[u8]) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        Ended::of(child.wait_with_output().expect("it ends"))
    })
}

/// Asks a question about the calendar that is given on standard input.
fn asked(question: &[&str], calendar: impl AsRef<[u8]>) -> Ended {
    given(
        paramsync().arg("calendar").args(question).args(["-f", "-"]),
        calendar.as_ref(),
    )
}

/// The path of a file of the source.
fn file(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// A manifest of a kind.
fn manifest(kind: &str, spec: &Value) -> String {
    json!({
        "apiVersion": "paramsync.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "it", "namespace": "shop"},
        "spec": spec,
    })
    .to_string()
}

/// A calendar of events.
fn calendar(default_state: &str, zone: &str, events: &Value) -> String {
    let spec = json!({"defaultState": default_state, "timeZone": zone, "events": events});
    manifest("ChangeCalendar", &spec)
}

/// What `eval` answers to a window, as `[state, from]` for each interval, and the window's end. That intervals cover
/// the window and alternate is asserted on the way.
fn evaluated(ended: Ended, from: &str, to: &str) -> Vec<[String; 2]> {
    let answer = ended.json();
    assert_eq!(answer["horizon"], to);
    let intervals = answer["intervals"].as_array().expect("a list");
    let mut end = json!(from);
    let mut told = Vec::new();
    let mut last = None;
    for interval in intervals {
        assert_eq!(interval["from"], end, "no gap: {answer}");
        assert_ne!(Some(&interval["state"]), last, "alternates: {answer}");
        assert_ne!(interval["from"], interval["to"], "{answer}");
        let word = |field: &str| interval[field].as_str().expect("a string").to_owned();
        told.push([word("state"), word("from")]);
        last = Some(&interval["state"]);
        end = interval["to"].clone();
    }
    assert_eq!(end, to, "the window is covered: {answer}");
    told
}

/// The intervals that these edges make: the first state holds from the first edge on, and the last edge is the end.
fn alternating(first: &str, edges: &[&str]) -> Vec<[String; 2]> {
    let states = if first == "Open" {
        ["Open", "Closed"]
    } else {
        ["Closed", "Open"]
    };
    let begins = edges.split_last().expect("an end").1;
    let told = begins.iter().zip(states.iter().cycle());
    told.map(|(from, state)| [(*state).to_owned(), (*from).to_owned()])
        .collect()
}
