//! The pure rooms are pure: no clock, no network, no async runtime, no client, no file, no environment.
//!
//! A new file in one of these rooms counts as pure until it is named in [`IO`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and real parts take real time"
)]
// A test ends where the source cannot be read.

mod source;

use source::{files, folder, product_code, read};

/// Rooms, and files that are rooms of their own.
const ROOMS: [&str; 17] = [
    "calendar",
    "control/memory.rs",
    "control/pass.rs",
    "control/queue.rs",
    "control/quiet.rs",
    "control/world.rs",
    "decide",
    "lease",
    "names",
    "record",
    "report",
    "resolve",
    "schedule",
    "source",
    "transform",
    "value.rs",
    "watch",
];
/// The I/O shells round pure cores.
const IO: [&str; 12] = [
    "lease/keep.rs",
    "report/sink.rs",
    "source/calendars/mod.rs",
    "source/credentials.rs",
    "source/engine/mod.rs",
    "source/kept.rs",
    "source/ssm.rs",
    "source/stores.rs",
    "watch/calendar_streams.rs",
    "watch/lean.rs",
    "watch/probe.rs",
    "watch/streams.rs",
];
/// Files that must be there, so that a folder that moves does not empty the test.
const CORES: [&str; 35] = [
    "calendar/timeline.rs",
    "control/memory.rs",
    "control/queue.rs",
    "control/quiet.rs",
    "decide/mod.rs",
    "lease/sight.rs",
    "lease/step.rs",
    "names/parameter.rs",
    "record/seal.rs",
    "record/stated.rs",
    "record/upstream.rs",
    "report/conditions.rs",
    "resolve/access.rs",
    "resolve/first_sync.rs",
    "resolve/gate.rs",
    "schedule/mod.rs",
    "source/batch.rs",
    "source/calendars/book.rs",
    "source/calendars/following.rs",
    "source/catalog.rs",
    "source/engine/core/mod.rs",
    "source/engine/doubts.rs",
    "source/engine/fetches.rs",
    "source/engine/forced.rs",
    "source/engine/looks.rs",
    "source/engine/refusal.rs",
    "source/engine/sweeps.rs",
    "source/limiter.rs",
    "source/plan.rs",
    "transform/template.rs",
    "watch/calendars/mod.rs",
    "watch/contact.rs",
    "watch/ownership.rs",
    "watch/server_time.rs",
    "watch/syncs.rs",
];
const FORBIDDEN: [&str; 10] = [
    "kube::Client",
    "kube::Api",
    "aws_",
    "tokio::",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "std::env",
    "std::fs",
    "std::net",
];

/// What a pure file may not say, each with its line.
fn impurities(text: &str) -> Vec<(usize, String)> {
    let code = product_code(text);
    let mut found = Vec::new();
    for (number, line) in &code {
        for word in FORBIDDEN {
            let alone =
                |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            if line.match_indices(word).any(|(at, _)| alone(at)) {
                found.push((*number, word.to_owned()));
            }
        }
    }
    // An import may name a client in braces, over several lines.
    let mut import: Option<(usize, String)> = None;
    for (number, line) in code {
        let code = line.trim_start().trim_start_matches("pub ");
        if import.is_none()
            && ["use kube::", "use std::"]
                .iter()
                .any(|start| code.starts_with(start))
        {
            import = Some((number, String::new()));
        }
        if let Some((at, statement)) = &mut import {
            statement.push_str(code);
            if code.ends_with(';') {
                let banned: &[&str] = if statement.starts_with("use kube::") {
                    &["Client", "Api", "client"]
                } else {
                    &["env", "fs", "net"]
                };
                let words = statement.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                found.extend(
                    words
                        .filter(|word| banned.contains(word))
                        .map(|word| (*at, format!("{word}, in `{statement}`"))),
                );
                import = None;
            }
        }
    }
    found
}

#[test]
fn the_pure_rooms_are_pure() {
    let source = folder();
    let mut found = Vec::new();
    for room in ROOMS {
        let path = source.join(room);
        if path.exists() {
            files(&path, &mut found);
        }
    }
    let io: Vec<_> = IO.iter().map(|file| source.join(file)).collect();
    for file in IO.iter().chain(&CORES) {
        assert!(
            found.contains(&source.join(file)),
            "src/{file} is gone; name the file that replaced it"
        );
    }
    let mut faults = Vec::new();
    for file in found.iter().filter(|file| !io.contains(file)) {
        for (line, what) in impurities(&read(file)) {
            faults.push(format!("{}:{line}: {what}", file.display()));
        }
    }
    assert!(faults.is_empty(), "pure files reach out:\n{}", faults.join("\n"));
}

/// The control: what the search must find, it finds.
#[test]
fn the_search_finds_what_reaches_out() {
    let words = |text: &str| {
        impurities(text)
            .into_iter()
            .map(|(_, what)| what)
            .collect::<Vec<_>>()
    };
    let wiring = words(&read(&folder().join("app.rs")));
    for expected in ["tokio::", "std::net"] {
        assert!(
            wiring.iter().any(|word| word == expected),
            "{expected} in app.rs: {wiring:?}"
        );
    }
    let flags = words(&read(&folder().join("cli/run.rs")));
    assert!(flags.iter().any(|word| word == "std::env"), "{flags:?}");
    assert!(wiring.iter().any(|word| word.starts_with("Client")), "{wiring:?}");
    for file in IO {
        let text = read(&folder().join(file));
        assert!(
            !impurities(&text).is_empty(),
            "src/{file} is pure; take it out of IO"
        );
    }
    for word in FORBIDDEN {
        assert!(!words(&format!("    let it = {word}();")).is_empty(), "{word}");
    }
    assert_eq!(
        words("use kube::{\n    Client, Resource,\n};"),
        ["Client, in `use kube::{Client, Resource,};`"]
    );
    assert_eq!(words("use std::{env, fmt};"), ["env, in `use std::{env, fmt};`"]);
}

#[test]
fn comments_and_tests_are_not_searched() {
    let text = "// tokio::spawn\nfn reads_aws_names() {} // std::fs\n#[cfg(test)]\nmod tests;\n\n#[cfg(test)]\nmod more {\n    use std::fs;\n    fn a() {\n    }\n}\nfn late() { std::env::args() }\n";
    assert_eq!(impurities(text), [(12, "std::env".to_owned())]);
}
