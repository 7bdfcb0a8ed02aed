//! What it costs to evaluate calendars. Ends with exit code 1 if a figure is over its target.

// It runs in real time.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use calendar_bench::calendar::{Calendar, State, StructuredEvent, read_events};
use jiff::Timestamp;

const EVENTS: usize = 500;
const ZONES: [&str; 6] = [
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "UTC",
];
/// For state and next transition of a calendar that is known.
const STATE: Duration = Duration::from_micros(100);
/// For a calendar that is new.
const NEW: Duration = Duration::from_millis(50);
/// For what is kept of a typical calendar, in bytes.
const KEPT: usize = 4096;
/// Of so many tries the quickest counts: the machine is shared.
const TRIES: usize = 7;
const ASKED: u32 = 10_000;

fn main() -> ExitCode {
    let now: Timestamp = Timestamp::constant(1_800_000_000, 0);
    let mut over = 0;
    println!(
        "{:<34} {:>12} {:>12} {:>14} {:>10}",
        "calendar", "compile", "evaluate", "state + next", "kept"
    );
    for (name, events) in calendars() {
        match measure(&events, now) {
            Ok(cost) => over += cost.print(name),
            Err(error) => {
                eprintln!("{name}: {error}");
                over += 1;
            }
        }
    }
    println!(
        "targets: {STATE:?} for state and next transition, {NEW:?} for a calendar that is new, {KEPT} bytes kept of the \
         first two"
    );
    if over > 0 {
        eprintln!("{over} figures are over their targets");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Cost {
    compile: Duration,
    evaluate: Duration,
    state: Duration,
    kept: usize,
    events: usize,
}

impl Cost {
    /// Prints a line; gives how many figures are over.
    fn print(&self, name: &str) -> usize {
        println!(
            "{name:<34} {:>12.1?} {:>12.1?} {:>14.1?} {:>8} B",
            self.compile, self.evaluate, self.state, self.kept
        );
        usize::from(self.state > STATE)
            + usize::from(self.compile + self.evaluate > NEW)
            + usize::from(self.events < 10 && self.kept > KEPT)
    }
}

fn measure(events: &[StructuredEvent], now: Timestamp) -> Result<Cost, String> {
    let compiled = || {
        let series = read_events("spec.events", events, None).map_err(|error| error.to_string())?;
        let (calendar, _) = Calendar::compile(State::Open, &series).map_err(|error| error.to_string())?;
        Ok::<_, String>(calendar)
    };
    let calendar = compiled()?;
    let timeline = calendar.timeline(now).map_err(|error| error.to_string())?;
    let kept = serde_json::to_string(&timeline.record()).map_err(|error| error.to_string())?;
    Ok(Cost {
        compile: quickest(|| drop(black_box(compiled()))),
        evaluate: quickest(|| drop(black_box(calendar.timeline(now)))),
        state: quickest(|| {
            for _ in 0..ASKED {
                black_box(timeline.at(black_box(now)));
            }
        }) / ASKED,
        kept: kept.len(),
        events: events.len(),
    })
}

fn quickest(mut work: impl FnMut()) -> Duration {
    let times = (0..TRIES).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn calendars() -> Vec<(&'static str, Vec<StructuredEvent>)> {
    let one = |recurrence: &str| vec![event(0, "1970-01-01T22:00:00", "PT8H", Some(recurrence))];
    let many = |recurrence: fn(usize) -> String, start: &str, length: &str| {
        (0..EVENTS)
            .map(|n| event(n, start, length, Some(&recurrence(n))))
            .collect()
    };
    vec![
        (
            "a year-end freeze",
            vec![event(0, "2026-12-28T00:00:00", "P7D", None)],
        ),
        (
            "nightly on weekdays since 1970",
            one("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ),
        ("daily since 1970", one("FREQ=DAILY")),
        (
            "500 single events",
            (0..EVENTS)
                .map(|n| event(n, &format!("20{:02}-03-04T10:00:00", 20 + n % 60), "PT1H", None))
                .collect(),
        ),
        (
            "500 daily, 6 zones",
            many(|_| "FREQ=DAILY".to_owned(), "2020-01-01T10:00:00", "PT1M"),
        ),
        (
            "500 weekly, 6 zones",
            many(
                |n| format!("FREQ=WEEKLY;INTERVAL={};BYDAY=MO,WE,FR", 1 + n % 3),
                "2020-01-01T10:00:00",
                "PT10M",
            ),
        ),
        (
            "500 monthly, last working day",
            many(
                |_| "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1".to_owned(),
                "2020-01-31T10:00:00",
                "PT1H",
            ),
        ),
        (
            "500 yearly",
            many(
                |n| format!("FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}", 1 + n % 12, 1 + n % 28),
                "2020-01-01T10:00:00",
                "PT1H",
            ),
        ),
    ]
}

fn event(n: usize, start: &str, length: &str, recurrence: Option<&str>) -> StructuredEvent {
    StructuredEvent {
        name: format!("event-{n}"),
        start: start.to_owned(),
        end: None,
        duration: Some(length.to_owned()),
        time_zone: ZONES.get(n % ZONES.len()).map(|zone| (*zone).to_owned()),
        recurrence: recurrence.map(str::to_owned),
        except_dates: Vec::new(),
        advisory: false,
    }
}
