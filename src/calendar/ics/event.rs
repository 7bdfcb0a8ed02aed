//! VEVENT components into series: which of them count, and what replaces an occurrence of what.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::components::Component;
use super::lines::ContentLine;
use super::times::{self, Clocks};
use super::values;
use crate::calendar::{CalendarError, Moved, Replacement, Rule, Series, Start, Warning};

/// The longest name of an event, in characters: it is shown in status, which is bounded.
const MAX_NAME: usize = 128;

/// All events of one UID.
#[derive(Default)]
struct Family<'a> {
    /// Those that stand for the whole; one counts.
    masters: Vec<&'a Component>,
    /// Those that stand for one occurrence, which RECURRENCE-ID names.
    overrides: Vec<&'a Component>,
}

/// What becomes of an event. One for information is read all the same, so that its faults show before it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Effective,
    /// For information only.
    Advisory,
    Cancelled,
}

/// Compiles the events of a calendar.
pub(super) fn compile(
    events: &[Component],
    clocks: &Clocks,
) -> Result<(Vec<Series>, Vec<Warning>), CalendarError> {
    let mut compiler = Compiler {
        clocks,
        series: Vec::new(),
        warnings: Vec::new(),
    };
    for family in compiler.families(events)? {
        compiler.family(&family)?;
    }
    Ok((compiler.series, compiler.warnings))
}

struct Compiler<'a> {
    clocks: &'a Clocks,
    series: Vec<Series>,
    warnings: Vec<Warning>,
}

impl Compiler<'_> {
    fn warn(&mut self, event: &Component, message: impl Into<String>) {
        self.warnings.push(Warning::about(event.field(), message));
    }

    /// The events by UID, in the order of the text. Without a UID an event is whole, and has no exceptions.
    fn families<'e>(&mut self, events: &'e [Component]) -> Result<Vec<Family<'e>>, CalendarError> {
        let mut families: Vec<Family> = Vec::new();
        let mut places = BTreeMap::new();
        for event in events {
            let uid = event.get("UID").map_or("", |line| &line.value);
            let replaces = event.get("RECURRENCE-ID");
            if uid.is_empty() {
                if let Some(line) = replaces {
                    return Err(line.invalid(
                        "is an occurrence of nothing, as the event has no UID; add that of its series",
                    ));
                }
                self.warn(event, "has no UID; other programs may refuse it");
            }
            let next = families.len();
            let place = if uid.is_empty() {
                next
            } else {
                *places.entry(uid).or_insert(next)
            };
            if place == next {
                families.push(Family::default());
            }
            let family = &mut families[place];
            let members = if replaces.is_some() {
                &mut family.overrides
            } else {
                &mut family.masters
            };
            members.push(event);
        }
        Ok(families)
    }

    fn family(&mut self, family: &Family) -> Result<(), CalendarError> {
        let Some(master) = self.latest(&family.masters)? else {
            return self.lone(&family.overrides);
        };
        match standing(master)? {
            Standing::Effective => {
                let series = self.whole(master, &family.overrides)?;
                self.series.push(series);
                Ok(())
            }
            Standing::Advisory => {
                self.whole(master, &[])?;
                self.lone(&family.overrides)
            }
            // Who cancels a series cancels what became of its occurrences, too.
            Standing::Cancelled => Ok(()),
        }
    }

    /// A series and what replaces its occurrences.
    fn whole(&mut self, master: &Component, overrides: &[&Component]) -> Result<Series, CalendarError> {
        let mut series = self.plain(master)?;
        if let Some(line) = master.get("RRULE") {
            series.rule = Some(Rule::parse(&line.field(), &line.value, series.start)?);
        }
        series.exceptions = self.clocks.exceptions(master, &series.zone)?;
        series.extras = self.clocks.extras(master, series.start, &series.zone)?;
        for (original, event) in self.by_original(overrides, Some(&series))? {
            let moved = self.single(event)?.map(|moved| Moved {
                name: name(event, "SUMMARY"),
                start: moved.start,
                zone: moved.zone,
                end: moved.end,
            });
            series.replacements.push(Replacement { original, moved });
        }
        Ok(series)
    }

    /// Overrides whose series is not there, or only for information: events of their own.
    fn lone(&mut self, overrides: &[&Component]) -> Result<(), CalendarError> {
        for (_, event) in self.by_original(overrides, None)? {
            let series = self.single(event)?;
            self.series.extend(series);
        }
        Ok(())
    }

    /// What an override says: one occurrence, or none where it is cancelled or only for information.
    fn single(&mut self, event: &Component) -> Result<Option<Series>, CalendarError> {
        let standing = standing(event)?;
        if standing == Standing::Cancelled {
            return Ok(None);
        }
        for recurring in ["RRULE", "RDATE", "EXDATE"] {
            if event.get(recurring).is_some() {
                self.warn(
                    event,
                    format!("has an {recurring}, which counts for nothing beside RECURRENCE-ID"),
                );
            }
        }
        let series = self.plain(event)?;
        Ok((standing == Standing::Effective).then_some(series))
    }

    /// An event as if it occurred once.
    fn plain(&self, event: &Component) -> Result<Series, CalendarError> {
        let (start, zone) = self.clocks.start(event)?;
        Ok(Series {
            name: name(event, "SUMMARY")
                .or_else(|| name(event, "UID"))
                .unwrap_or_else(|| event.field().into()),
            field: event.field(),
            end: self.clocks.end(event, start, &zone)?,
            start,
            zone,
            rule: None,
            exceptions: Vec::new(),
            extras: Vec::new(),
            replacements: Vec::new(),
        })
    }

    /// The overrides that count, by the instant at which what they replace would have begun.
    fn by_original<'e>(
        &mut self,
        overrides: &[&'e Component],
        series: Option<&Series>,
    ) -> Result<BTreeMap<Timestamp, &'e Component>, CalendarError> {
        let mut counting: BTreeMap<Timestamp, &Component> = BTreeMap::new();
        for event in overrides {
            let line = event.required("RECURRENCE-ID")?;
            let floating = series
                .map(|series| &series.zone)
                .or(self.clocks.calendar.as_ref());
            let (original, zone) = self.clocks.original(line, floating)?;
            let timed = series.is_some_and(|series| matches!(series.start, Start::At(_)));
            if timed && matches!(original, Start::On(_)) {
                return Err(line.invalid(
                    "is a date, but its series begins at a time; write the time of the occurrence",
                ));
            }
            let instant = times::instant(line, original, &zone)?;
            let newest = match counting.get(&instant) {
                Some(other) => self.newer(other, event)?,
                None => event,
            };
            counting.insert(instant, newest);
        }
        Ok(counting)
    }

    /// Of events that stand for the same, the one that counts.
    fn latest<'e>(&mut self, same: &[&'e Component]) -> Result<Option<&'e Component>, CalendarError> {
        let mut events = same.iter().copied();
        let Some(first) = events.next() else {
            return Ok(None);
        };
        events
            .try_fold(first, |latest, event| self.newer(latest, event))
            .map(Some)
    }

    /// Of two events that stand for the same, the one with the higher SEQUENCE.
    fn newer<'e>(
        &mut self,
        one: &'e Component,
        other: &'e Component,
    ) -> Result<&'e Component, CalendarError> {
        let (newer, older) = match sequence(one)?.cmp(&sequence(other)?) {
            Ordering::Greater => (one, other),
            Ordering::Less => (other, one),
            Ordering::Equal => {
                return Err(CalendarError::invalid(
                    other.field(),
                    other.get("UID").map_or("", |line| &line.value),
                    format!(
                        "is the UID of line {}, too; give each its own, or the newer a higher SEQUENCE",
                        one.line
                    ),
                ));
            }
        };
        self.warn(
            older,
            format!(
                "is older than line {}, which has its UID and a higher SEQUENCE",
                newer.line
            ),
        );
        Ok(newer)
    }
}

fn sequence(event: &Component) -> Result<u32, CalendarError> {
    event.get("SEQUENCE").map_or(Ok(0), |line| {
        line.value
            .parse()
            .map_err(|_| line.invalid("is no number of a revision; write 0 or more"))
    })
}

fn standing(event: &Component) -> Result<Standing, CalendarError> {
    if let Some(line) = event.get("STATUS") {
        match line.value.to_ascii_uppercase().as_str() {
            "CANCELLED" => return Ok(Standing::Cancelled),
            "CONFIRMED" | "TENTATIVE" => {}
            _ => {
                return Err(line.invalid("is no status of an event; write CONFIRMED, TENTATIVE or CANCELLED"));
            }
        }
    }
    let advisory = |line: &ContentLine| line.value.eq_ignore_ascii_case("ADVISORY");
    Ok(if event.get("X-EVENT-TYPE").is_some_and(advisory) {
        Standing::Advisory
    } else {
        Standing::Effective
    })
}

/// What a property calls an event: on one line, and not too long.
fn name(event: &Component, property: &str) -> Option<Arc<str>> {
    let text = values::text(&event.get(property)?.value);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| words.chars().take(MAX_NAME).collect::<String>().into())
}
