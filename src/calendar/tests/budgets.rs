//! What a calendar may not cost.

use super::*;

/// An event at 09:00 with that rule.
fn ruled(rule: &str) -> StructuredEvent {
    recurring("2026-01-01T09:00:00", "2026-01-01T10:00:00", rule)
}

#[test]
fn a_rule_that_never_yields_anything_is_refused() {
    for rule in [
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
    ] {
        let error = refusal(Some("UTC"), &[ruled(rule)]);
        assert_eq!(error.reason(), "CalendarTooExpensive", "{rule}");
        assert!(
            error
                .to_string()
                .starts_with("spec.events[0]: the rule yields nothing in 500 periods"),
            "{error}"
        );
    }
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;BYDAY=53MO;BYYEARDAY=1;COUNT=3",
    ] {
        let error = refusal(Some("UTC"), &[ruled(rule)]);
        assert!(
            error
                .to_string()
                .starts_with("spec.events[0]: the rule yields no occurrence before the year 2300"),
            "{error}"
        );
    }
}

#[test]
fn empty_periods_count_in_a_row_only() {
    let calendar = calendar(State::Open, "UTC", &[ruled("FREQ=DAILY;BYMONTH=1;BYMONTHDAY=1")]);
    assert_eq!(
        lasting(&calendar, "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z").len(),
        10
    );
}

#[test]
fn an_answer_that_takes_too_many_periods_is_none() {
    let all_day: Vec<_> = (0..100)
        .map(|_| recurring("2026-01-01", "2026-01-02", "FREQ=DAILY"))
        .collect();
    let calendar = calendar(State::Open, "UTC", &all_day);
    let error = calendar.timeline(instant("2026-03-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, OverBudget::Periods { .. }), "{error}");
    assert_eq!(error.reason(), "CalendarTooExpensive");
}

#[test]
fn an_answer_that_takes_too_many_times_is_none() {
    let hours: Vec<_> = (0..24).map(|hour| hour.to_string()).collect();
    let minutes: Vec<_> = (0..60).map(|minute| minute.to_string()).collect();
    let rule = format!(
        "FREQ=DAILY;BYHOUR={};BYMINUTE={}",
        hours.join(","),
        minutes.join(",")
    );
    let minutely = recurring("2026-01-01T00:00:00", "2026-01-01T00:01:00", &rule);
    let calendar = calendar(State::Open, "UTC", &[minutely]);
    let error = calendar.timeline(instant("2026-03-01T00:00:00Z")).unwrap_err();
    assert!(matches!(error, OverBudget::Times { .. }), "{error}");
}

#[test]
fn an_answer_of_too_many_intervals_is_none() {
    let half_minutes: Vec<_> = (0..8)
        .map(|third| {
            let minutes: Vec<_> = (0..30).map(|minute| (minute * 2).to_string()).collect();
            let hours: Vec<_> = (third * 3..third * 3 + 3)
                .map(|hour: u8| hour.to_string())
                .collect();
            let rule = format!(
                "FREQ=DAILY;BYHOUR={};BYMINUTE={};UNTIL=20260301T000000Z",
                hours.join(","),
                minutes.join(",")
            );
            recurring("2026-01-01T00:00:00", "2026-01-01T00:01:00", &rule)
        })
        .collect();
    let calendar = calendar(State::Open, "UTC", &half_minutes);
    let error = calendar
        .spans(instant("2026-01-01T00:00:00Z"), instant("2026-12-01T00:00:00Z"))
        .unwrap_err();
    assert_eq!(error, OverBudget::Intervals);
}

#[test]
fn events_and_dates_are_counted() {
    let events: Vec<_> = (0..501).map(|_| event("2026-01-01", "2026-01-02")).collect();
    let error = refusal(Some("UTC"), &events);
    assert!(
        error
            .to_string()
            .starts_with("spec.events[500]: a calendar has at most 500 events"),
        "{error}"
    );
    assert_eq!(error.reason(), "CalendarTooExpensive");
    read_events("e", &events[..500], Some("UTC"))
        .and_then(|series| Calendar::compile(State::Open, &series))
        .unwrap();
    let excepting = |dates: usize| StructuredEvent {
        except_dates: vec!["2026-01-01".to_owned(); dates],
        ..event("2026-01-01", "2026-01-02")
    };
    let error = refusal(Some("UTC"), &[excepting(600), excepting(401)]);
    assert!(
        error
            .to_string()
            .starts_with("spec.events[1]: the events up to here have more than 1000"),
        "{error}"
    );
    calendar(State::Open, "UTC", &[excepting(600), excepting(400)]);
}

#[test]
fn counting_rules_cost_no_more_than_others() {
    let counting: Vec<_> = (0..500).map(|_| ruled("FREQ=DAILY;COUNT=10000")).collect();
    let calendar = calendar(State::Open, "UTC", &counting);
    assert_eq!(
        lasting(&calendar, "2053-05-17T00:00:00Z", "2054-01-01T00:00:00Z"),
        [
            "2053-05-17T09:00:00Z/2053-05-17T10:00:00Z",
            "2053-05-18T09:00:00Z/2053-05-18T10:00:00Z"
        ]
    );
}

#[test]
fn a_rule_that_began_long_ago_costs_what_one_that_begins_today_costs() {
    let old = recurring("1970-01-01T09:00:00", "1970-01-01T10:00:00", "FREQ=DAILY");
    let many: Vec<_> = (0..500).map(|_| old.clone()).collect();
    let timeline = calendar(State::Open, "UTC", &many)
        .timeline(instant("2199-03-01T00:00:00Z"))
        .unwrap();
    assert_eq!(
        timeline.upcoming(instant("2199-03-01T00:00:00Z"), 1)[0].from,
        instant("2199-03-01T09:00:00Z")
    );
}
