//! The program's names, and how it ends.

use std::os::unix::process::CommandExt as _;

use crate::{file, given, paramsync};

#[test]
fn the_version_names_the_tz_database() {
    let told = given(paramsync().arg("--version"), b"").told();
    let database = told
        .strip_prefix(concat!("paramsync ", env!("CARGO_PKG_VERSION"), " (tzdb "))
        .and_then(|rest| rest.strip_suffix(")\n"))
        .unwrap_or_else(|| panic!("{told}"));
    assert!(database >= "2026f", "{database}");
}

#[test]
fn as_a_plugin_of_kubectl_it_says_how_it_is_called() {
    for (name, usage) in [
        ("paramsync", "Usage: paramsync calendar eval [OPTIONS]"),
        (
            "/usr/local/bin/kubectl-paramsync",
            "Usage: kubectl paramsync calendar eval [OPTIONS]",
        ),
        (
            "kubectl-paramsync.exe",
            "Usage: kubectl paramsync calendar eval [OPTIONS]",
        ),
    ] {
        let help = given(paramsync().arg0(name).args(["calendar", "eval", "--help"]), b"").told();
        assert!(help.contains(usage), "{name}: {help}");
    }
    let refused = given(
        paramsync().arg0("kubectl-paramsync").args(["calendar", "tell"]),
        b"",
    );
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("Usage: kubectl paramsync calendar"),
        "{}",
        refused.stderr
    );
}

#[test]
fn bad_arguments_end_with_2_and_are_named() {
    let calendar = file("examples/calendars/year-end.yaml");
    for (arguments, named) in [
        (&["state"][..], "--file <FILE>"),
        (&["eval", "-f", &calendar, "--from", "2026-01-01"], "--to <TIME>"),
        (
            &["state", "-f", &calendar, "--at", "tomorrow"],
            "'--at <TIME>': no time; write 2026-12-24T18:00:00Z",
        ),
        (
            &["state", "-f", &calendar, "--at", "2026-01-01T00:00:00"],
            "'--at <TIME>'",
        ),
        (&["lint", "-f", &calendar, "--at", "1969-12-31"], "'--at <TIME>'"),
        (
            &["eval", "-f", &calendar, "--from", "noon", "--to", "2026-01-01"],
            "'--from <TIME>'",
        ),
        (
            &[
                "eval",
                "-f",
                &calendar,
                "--from",
                "2026-01-01",
                "--to",
                "2202-01-01",
            ],
            "'--to <TIME>': calendars are told from the year 1970 to 2200",
        ),
        (
            &[
                "eval",
                "-f",
                &calendar,
                "--from",
                "2026-01-01",
                "--to",
                "2026-01-01",
            ],
            "paramsync: --to: \"2026-01-01T00:00:00Z\" is not after --from",
        ),
        (&["state", "-f", &calendar, "-o", "xml"], "--output <OUTPUT>"),
        (&["state", "-f", &calendar, "--tell"], "--tell"),
    ] {
        let ended = given(paramsync().arg("calendar").args(arguments), b"");
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains(named), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_file_that_cannot_be_read_ends_with_1_and_is_named() {
    let ended = given(
        paramsync().args(["calendar", "state", "-f", "/nowhere/a.yaml"]),
        b"",
    );
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .starts_with("paramsync: /nowhere/a.yaml cannot be read: "),
        "{}",
        ended.stderr
    );
}
