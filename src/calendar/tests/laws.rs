//! What holds of every calendar.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::naive::{PlainRule, instant_of};
use super::*;

/// Zones in which clocks are changed at midnight, by half an hour, by law, or never.
const ZONES: &[&str] = &[
    "UTC",
    "America/New_York",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Africa/Casablanca",
    "America/Vancouver",
];

fn some(from: Vec<i64>, most: usize) -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(from, 1..=most)]
}

fn both_ways(most: i64) -> Vec<i64> {
    (-most..=most).filter(|number| *number != 0).collect()
}

fn rules() -> impl Strategy<Value = PlainRule> {
    let parts = (
        select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
        1i64..4,
        some((1..=12).collect(), 4),
        some(both_ways(31), 12),
        some(both_ways(366), 40),
        prop_oneof![1 => Just(Vec::new()), 2 => proptest::collection::vec((-5i64..=5, 0usize..7), 1..4)],
        some((0..24).collect(), 3),
        some(both_ways(5), 2),
        proptest::option::of(1usize..40),
        0usize..7,
    );
    parts.prop_map(
        |(
            frequency,
            interval,
            months,
            month_days,
            year_days,
            weekdays,
            hours,
            positions,
            count,
            week_start,
        )| {
            let mut rule = PlainRule {
                frequency,
                interval,
                months,
                month_days,
                year_days,
                weekdays,
                hours,
                positions,
                count,
                week_start,
            };
            keep_allowed(&mut rule);
            rule
        },
    )
}

/// Drops what the subset does not allow.
fn keep_allowed(rule: &mut PlainRule) {
    let slow = matches!(rule.frequency, "MONTHLY" | "YEARLY");
    if rule.frequency != "YEARLY" {
        rule.year_days.clear();
    }
    if rule.frequency == "WEEKLY" || (rule.frequency == "YEARLY" && rule.months.is_empty()) {
        rule.month_days.clear();
    }
    if !slow {
        rule.weekdays.iter_mut().for_each(|(ordinal, _)| *ordinal = 0);
        rule.positions.clear();
    }
    let lists = [&rule.months, &rule.month_days, &rule.year_days, &rule.hours];
    if lists.iter().all(|list| list.is_empty()) && rule.weekdays.is_empty() {
        rule.positions.clear();
    }
}

#[derive(Clone, Debug)]
struct PlainEvent {
    start: DateTime,
    minutes: i64,
    rule: Option<PlainRule>,
}

impl PlainEvent {
    fn written(&self) -> StructuredEvent {
        let end = self.start + SignedDuration::from_mins(self.minutes);
        StructuredEvent {
            recurrence: self.rule.as_ref().map(PlainRule::text),
            ..event(&self.start.to_string(), &end.to_string())
        }
    }

    /// From when to when it lasts, for what begins between two local times, by the plain way.
    fn lasts(&self, zone: &Zone, [from, until]: [DateTime; 2], during: State) -> Vec<(Timestamp, Timestamp)> {
        let mut times = match &self.rule {
            Some(rule) => rule.times(self.start, until),
            None => vec![self.start],
        };
        times.retain(|time| *time >= from);
        let length = SignedDuration::from_mins(self.minutes);
        let lasts = times.into_iter().map(|start| {
            let from = instant_of(&zone.rules, start, false);
            let to = instant_of(&zone.rules, start + length, during == State::Closed);
            (from, if to > from { to } else { from + length })
        });
        lasts.collect()
    }
}

fn events() -> impl Strategy<Value = PlainEvent> {
    // Around nights in which clocks are changed somewhere.
    let days = select(vec![
        "2025-11-01",
        "2026-03-06",
        "2026-03-27",
        "2026-04-03",
        "2026-04-22",
        "2026-09-04",
        "2026-10-02",
    ]);
    let start = (days, 0i64..72 * 4).prop_map(|(day, quarter)| {
        local(&format!("{day}T00:00:00")) + SignedDuration::from_mins(15 * quarter)
    });
    let minutes = prop_oneof![3 => (1i64..96).prop_map(|quarters| quarters * 15), 1 => 1i64..5000];
    (start, minutes, proptest::option::weighted(0.8, rules())).prop_map(|(start, minutes, rule)| PlainEvent {
        start,
        minutes,
        rule,
    })
}

fn states() -> impl Strategy<Value = State> {
    select(vec![State::Open, State::Closed])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_state_of_each_minute_is_what_a_plain_evaluation_says(
        events in proptest::collection::vec(events(), 1..4), zone_name in select(ZONES), default_state in states(), day in 0i64..400
    ) {
        let zone = zone(zone_name);
        let written: Vec<_> = events.iter().map(PlainEvent::written).collect();
        let series = read_events("e", &written, Some(zone_name)).unwrap();
        let Ok((calendar, _)) = Calendar::compile(default_state, &series) else {
            return Ok(()); // A rule that yields nothing.
        };
        let from = instant("2025-11-01T00:00:00Z") + SignedDuration::from_hours(24 * day);
        let begins = [-6, 5].map(|days| zone.rules.to_datetime(from) + SignedDuration::from_hours(24 * days));
        let lasting: Vec<_> = events.iter().flat_map(|event| event.lasts(&zone, begins, default_state.other())).collect();
        let Ok(mut timeline) = calendar.timeline(from) else {
            return Ok(()); // A rule that yields too little.
        };
        for minute in 0..3 * 1440 {
            let now = from + SignedDuration::from_mins(minute);
            let during = lasting.iter().any(|(from, to)| *from <= now && now < *to);
            let expected = if during { default_state.other() } else { default_state };
            if timeline.at(now).is_none() {
                let Ok(next) = calendar.timeline(now) else { break };
                timeline = next;
            }
            prop_assert_eq!(timeline.at(now).unwrap().state, expected, "{}", now);
        }
    }

    #[test]
    fn seeking_gives_the_times_that_walking_from_the_start_gives(
        rule in rules(), start in events(), days in 0i64..1500, length in 1i64..200
    ) {
        let start = start.start;
        let from = start + SignedDuration::from_hours(24 * days);
        let to = from + SignedDuration::from_hours(24 * length);
        let mut parsed = Rule::parse("r", &rule.text(), Start::At(start)).unwrap();
        let mut budget = super::super::budget::Budget::new();
        if let Some(count) = rule.count {
            match parsed.last_of(count as u32, &mut budget) {
                Ok(Some(last)) => parsed.set_bound(super::super::rule::Bound::UntilLocal(last)),
                _ => return Ok(()),
            }
        }
        let mut found = Vec::new();
        let walked = parsed.walk(from, to, &mut budget, |time| {
            found.push(time);
            std::ops::ControlFlow::Continue(())
        });
        if walked.is_ok() {
            let mut expected = rule.times(start, to);
            expected.retain(|time| *time >= from);
            prop_assert_eq!(found, expected, "{}", rule.text());
        }
    }

    #[test]
    fn a_transition_is_a_change_and_there_is_none_between_two(
        events in proptest::collection::vec(events(), 1..6), zone_name in select(ZONES), default_state in states(), hour in 0i64..9000
    ) {
        let written: Vec<_> = events.iter().map(PlainEvent::written).collect();
        let series = read_events("e", &written, Some(zone_name)).unwrap();
        let Ok((calendar, _)) = Calendar::compile(default_state, &series) else { return Ok(()) };
        let from = instant("2025-11-01T00:00:00Z") + SignedDuration::from_hours(hour);
        let Ok(timeline) = calendar.timeline(from) else { return Ok(()) };
        let mut now = timeline.at(from).unwrap();
        let mut since = from;
        while let Some(next) = now.next {
            prop_assert_eq!(next.to, now.state.other());
            let half = since + next.at.duration_since(since) / 2;
            let between = timeline.at(half).unwrap();
            prop_assert_eq!((between.state, between.next), (now.state, now.next));
            let Some(after) = timeline.at(next.at) else { break };
            prop_assert_eq!(after.state, next.to);
            since = next.at;
            now = after;
        }
    }

    #[test]
    fn spans_cover_the_window_alternate_and_agree_with_the_timeline(
        events in proptest::collection::vec(events(), 1..6), zone_name in select(ZONES), default_state in states(), hour in 0i64..9000, length in 1i64..20000
    ) {
        let written: Vec<_> = events.iter().map(PlainEvent::written).collect();
        let series = read_events("e", &written, Some(zone_name)).unwrap();
        let Ok((calendar, _)) = Calendar::compile(default_state, &series) else { return Ok(()) };
        let from = instant("2025-11-01T00:00:00Z") + SignedDuration::from_hours(hour);
        let to = from + SignedDuration::from_hours(length);
        let Ok(spans) = calendar.spans(from, to) else { return Ok(()) };
        prop_assert_eq!(spans[0].from, from);
        prop_assert_eq!(spans[spans.len() - 1].to, to);
        for pair in spans.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
            prop_assert_eq!(pair[0].state.other(), pair[1].state);
        }
        for span in spans.iter().take(12) {
            prop_assert!(span.from < span.to);
            prop_assert_eq!(span.event.is_some(), span.state != default_state);
            // A rule may yield too little in two years where it yields enough in this window.
            let Ok(timeline) = calendar.timeline(span.from) else { break };
            let moment = timeline.at(span.from).unwrap();
            prop_assert_eq!(moment.state, span.state);
            if span.to < to && span.to.duration_since(span.from) < SignedDuration::from_hours(24 * 700) {
                prop_assert_eq!(moment.next.map(|next| next.at), Some(span.to));
            }
        }
    }

    #[test]
    fn a_record_tells_the_states_of_its_timeline(
        events in proptest::collection::vec(events(), 1..4), default_state in states(), hour in 0i64..9000
    ) {
        let written: Vec<_> = events.iter().map(PlainEvent::written).collect();
        let series = read_events("e", &written, Some("Europe/Berlin")).unwrap();
        let Ok((calendar, _)) = Calendar::compile(default_state, &series) else { return Ok(()) };
        let from = instant("2025-11-01T00:00:00Z") + SignedDuration::from_hours(hour);
        let Ok(timeline) = calendar.timeline(from) else { return Ok(()) };
        let text = serde_json::to_string(&timeline.record()).unwrap();
        let record: Record = serde_json::from_str(&text).unwrap();
        let restored = Timeline::restore(&record);
        let mut edges = vec![record.from];
        edges.extend(&record.transitions);
        for edge in edges {
            let (live, kept) = (timeline.at(edge), restored.at(edge).unwrap());
            if let Some(live) = live {
                prop_assert_eq!(kept.state, live.state);
            }
        }
        prop_assert!(record.transitions.len() <= 32);
        prop_assert!(restored.at(record.until).is_none());
    }
}
