//! When contact counts as lost, and the clock as off.

use kube::client::Body;

use super::*;

/// Fri, 15 Jan 2027 08:00:00 GMT
const AT: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// Our clocks, `second` seconds after [`AT`].
fn moment(second: i64) -> Moment {
    Moment {
        wall: AT + SignedDuration::from_secs(second),
        monotonic: Duration::from_secs(second as u64),
    }
}

fn gate(second: i64) -> Timestamp {
    AT + SignedDuration::from_secs(second)
}

fn answer(status: u16, second: i64) -> hyper::Response<Body> {
    let date = rfc2822::DateTimePrinter::new();
    hyper::Response::builder()
        .status(status)
        .header("date", date.timestamp_to_rfc9110_string(&gate(second)).unwrap())
        .body(Body::empty())
        .unwrap()
}

/// All kinds are watched and listed at this second, by right clocks.
fn all(contact: &Contact, second: i64) {
    let now = moment(second);
    contact.heard(&answer(200, second), now.monotonic, now);
    for resource in STRICT {
        contact.watched(resource, now.monotonic);
        contact.listed(resource, now.monotonic);
    }
}

fn lost(contact: &Contact, second: i64) -> Option<String> {
    let now = moment(second);
    let facts = contact.facts(now);
    facts.lost(contact.time(now)).map(ToString::to_string)
}

#[test]
fn nothing_is_known_before_each_kind_was_watched_and_listed() {
    let contact = Contact::default();
    let unheard = |resource: &str| Some(format!("the API server has not answered for {resource} yet"));
    assert_eq!(lost(&contact, 0), unheard("namespaces"));
    contact.watched("namespaces", Duration::ZERO);
    assert_eq!(
        lost(&contact, 0),
        unheard("namespaces"),
        "an answer without a date"
    );
    all(&contact, 0);
    assert_eq!(lost(&contact, 0), None);
    let partly = Contact::default();
    partly.heard(&answer(200, 0), Duration::ZERO, moment(0));
    for resource in STRICT {
        partly.watched(resource, Duration::ZERO);
    }
    partly.listed("namespaces", Duration::ZERO);
    assert_eq!(lost(&partly, 0), unheard("changecalendars"));
}

#[test]
fn contact_is_lost_where_either_a_watch_or_a_list_is_missing_for_75_s_and_comes_back() {
    for stays in ["watched", "listed"] {
        let contact = Contact::default();
        all(&contact, 10);
        let go_on = |second: i64| {
            let now = moment(second);
            contact.heard(&answer(200, second), now.monotonic, now);
            for resource in STRICT {
                match stays {
                    "watched" => contact.watched(resource, now.monotonic),
                    _ => contact.listed(resource, now.monotonic),
                }
            }
        };
        (30..=84).for_each(go_on);
        assert_eq!(lost(&contact, 84), None);
        let why = lost(&contact, 85).unwrap();
        let missing = match stays {
            "watched" => "namespaces cannot be listed since 2027-01-15T08:00:",
            _ => "namespaces cannot be watched since 2027-01-15T08:00:",
        };
        assert!(why.starts_with(missing), "{why}");
        assert_eq!(
            lost(&contact, 86).unwrap(),
            why,
            "it says the same while it lasts"
        );
        all(&contact, 90);
        assert_eq!(lost(&contact, 90), None);
    }
}

#[test]
fn one_kind_that_is_missing_is_enough() {
    let contact = Contact::default();
    all(&contact, 0);
    let now = moment(60);
    for resource in ["namespaces", "changecalendars"] {
        contact.watched(resource, now.monotonic);
        contact.listed(resource, now.monotonic);
    }
    contact.listed("clusterchangecalendars", now.monotonic);
    let why = lost(&contact, 75).unwrap();
    assert!(
        why.starts_with("clusterchangecalendars cannot be watched"),
        "{why}"
    );
    let facts = contact.facts(moment(60));
    let from = facts.lost_from().unwrap();
    assert_eq!(from.duration_since(contact.time(moment(60))).as_secs(), 15);
}

#[test]
fn a_fault_of_something_between_tells_no_time() {
    let contact = Contact::default();
    contact.heard(&answer(502, 9_000), Duration::ZERO, moment(0));
    assert_eq!(contact.time(moment(0)), moment(0).wall);
}

#[test]
fn gate_time_is_the_api_servers_and_no_wall_clock_moves_it() {
    let contact = Contact::default();
    all(&contact, 0);
    let right = contact.time(moment(60));
    assert!((gate(59)..=gate(60)).contains(&right), "{right}");
    for hours in [-2, 2] {
        let set = Moment {
            wall: moment(60).wall + SignedDuration::from_hours(hours),
            ..moment(60)
        };
        assert_eq!(contact.time(set), right);
    }
    let facts = contact.facts(moment(60));
    assert!(facts.latest(right) >= gate(60));
}

#[test]
fn a_wall_clock_that_is_off_closes_from_five_minutes_on_either_way() {
    let said = |side: &str| {
        Some(format!(
            "the operator's clock is more than 5 minutes {side} the API server's; set the node's clock"
        ))
    };
    for (ours, skew, off) in [
        (0, 0, None),
        (290, 289, None),
        (-290, -290, None),
        (303, 302, said("ahead of")),
        (7200, 7199, said("ahead of")),
        (-303, -303, said("behind")),
        (-7200, -7200, said("behind")),
    ] {
        let contact = Contact::default();
        let now = Moment {
            wall: gate(ours),
            monotonic: Duration::ZERO,
        };
        contact.heard(&answer(200, 0), Duration::ZERO, now);
        let facts = contact.facts(now);
        assert!(
            (facts.skew().as_secs() - skew).abs() <= 1,
            "{ours}: {:?}",
            facts.skew()
        );
        let doubt = facts.clock_off();
        assert_eq!(doubt.map(ToString::to_string), off, "{ours}");
        assert!(doubt.is_none_or(|doubt| doubt.reason() == "ClockSkewed"));
    }
}

#[test]
fn clocks_that_run_apart_are_in_doubt_until_the_next_answer() {
    let contact = Contact::default();
    all(&contact, 0);
    let slept = Moment {
        wall: gate(120),
        monotonic: Duration::from_secs(20),
    };
    assert_eq!(contact.facts(moment(20)).clock_off(), None);
    assert_eq!(contact.facts(slept).clock_off(), Some(&Doubt::ClockSet));
    contact.heard(&answer(200, 120), slept.monotonic, slept);
    assert_eq!(contact.facts(slept).clock_off(), None);
}
