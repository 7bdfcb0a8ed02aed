//! When AWS is asked again and what stands meanwhile, second by second.

use super::*;
use crate::resolve::Auth;

const START: i64 = 1_800_000_000;
const HOUR: Duration = Duration::from_hours(1);

fn wall(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

/// Both clocks at a second after the start.
fn at(second: u64) -> Now {
    Now {
        monotonic: Duration::from_secs(second),
        wall: wall(second as i64),
    }
}

fn following(max_staleness: Duration) -> Following {
    let followed = Followed {
        store: StoreIdentity {
            region: "eu-west-1".into(),
            endpoint: None,
            auth: Auth::default(),
            only_of: None,
        },
        documents: vec!["freeze".into()],
        max_staleness,
    };
    Following::new(followed, 7, at(0))
}

fn open(next: Option<i64>) -> CalendarReply {
    CalendarReply {
        state: Some("OPEN".into()),
        at_time: None,
        next_transition_time: next.map(|second| wall(second).to_string()),
    }
}

fn failure(code: &str) -> Result<CalendarReply, Fault> {
    Err(Fault::Unavailable(code.into()))
}

fn failed(code: &str) -> CalendarError {
    CalendarError::Unavailable { code: code.into() }
}

fn known(until: i64, next: Option<i64>) -> Standing {
    Standing::Known {
        state: State::Open,
        until: wall(until),
        next: next.map(wall),
        fault: None,
    }
}

#[test]
fn a_new_calendar_is_asked_about_at_once_and_counts_as_closed() {
    let new = following(HOUR);
    assert_eq!(new.wait(at(0)), Duration::ZERO);
    assert_eq!(new.standing(wall(0)), Standing::Unknown(CalendarError::NotHeard));
    assert_eq!(new.holds_for(at(0)), None);
}

#[test]
fn an_answer_is_renewed_at_its_transition_or_after_ten_minutes_or_half_its_greatest_age() {
    let day = Duration::from_hours(24);
    for (name, max, next, due) in [
        ("nothing follows", day, None, 600),
        ("the transition is far", day, Some(86_400), 600),
        ("the transition is near", day, Some(90), 90),
        ("the transition is at ten minutes", day, Some(600), 600),
        ("twenty minutes at most", Duration::from_mins(20), None, 600),
        ("ten minutes at most", Duration::from_mins(10), None, 300),
        (
            "ten minutes at most, and a transition",
            Duration::from_mins(10),
            Some(200),
            200,
        ),
        ("a second at most", Duration::from_secs(1), None, 5),
        ("nothing at all", Duration::ZERO, None, 5),
    ] {
        let mut calendar = following(max);
        calendar.answered(Ok(open(next)), at(0), at(1));
        assert_eq!(calendar.wait(at(due - 1)), Duration::from_secs(1), "{name}");
        assert_eq!(calendar.wait(at(due)), Duration::ZERO, "{name}");
    }
}

#[test]
fn an_answer_stands_up_to_but_not_at_its_end() {
    for (name, next, until) in [
        ("the transition ends it", Some(90), 90),
        ("its age ends it", None, 3600),
        ("its age ends it before the transition", Some(7200), 3600),
    ] {
        let mut calendar = following(HOUR);
        calendar.answered(Ok(open(next)), at(0), at(1));
        assert_eq!(calendar.standing(wall(1)), known(until, next), "{name}");
        assert_eq!(calendar.standing(wall(until - 1)), known(until, next), "{name}");
        assert_eq!(
            calendar.holds_for(at(until as u64 - 1)),
            Some(Duration::from_secs(1)),
            "{name}"
        );
        let lapsed = CalendarError::Lapsed {
            fetched: wall(0),
            until: wall(until),
        };
        assert_eq!(
            calendar.standing(wall(until)),
            Standing::Unknown(lapsed),
            "{name}"
        );
        assert_eq!(calendar.holds_for(at(until as u64)), None, "{name}");
    }
}

#[test]
fn failures_leave_the_answer_standing_to_its_end_and_are_named_beside_it() {
    let mut calendar = following(HOUR);
    calendar.answered(Ok(open(None)), at(0), at(1));
    calendar.answered(failure("timeout"), at(600), at(605));
    let Standing::Known { until, fault, .. } = calendar.standing(wall(3599)) else {
        panic!("{:?}", calendar.standing(wall(3599)));
    };
    assert_eq!((until, fault), (wall(3600), Some(failed("timeout"))));
    assert_eq!(
        calendar.standing(wall(3600)),
        Standing::Unknown(failed("timeout"))
    );
    calendar.answered(Ok(open(None)), at(3700), at(3701));
    assert_eq!(calendar.standing(wall(3701)), known(3700 + 3600, None));
}

#[test]
fn pauses_double_from_five_seconds_to_five_minutes_and_begin_anew_after_a_success() {
    let mut calendar = following(HOUR);
    for whole in [5, 10, 20, 40, 80, 160, 300, 300] {
        calendar.answered(failure("connection"), at(100), at(110));
        let pause = calendar.wait(at(110));
        let whole = Duration::from_secs(whole);
        assert!(pause <= whole && pause >= whole / 2, "{pause:?} of {whole:?}");
        assert_eq!(
            calendar.standing(wall(110)),
            Standing::Unknown(failed("connection"))
        );
    }
    calendar.answered(Ok(open(None)), at(200), at(200));
    calendar.answered(failure("connection"), at(800), at(800));
    assert!(calendar.wait(at(800)) <= Duration::from_secs(5));
}

#[test]
fn a_transition_ends_a_pause_once() {
    let mut calendar = following(HOUR);
    calendar.answered(Ok(open(Some(1000))), at(0), at(0));
    for _ in 0..8 {
        calendar.answered(failure("timeout"), at(990), at(990));
    }
    assert_eq!(
        calendar.wait(at(990)),
        Duration::from_secs(10),
        "not the pause of minutes"
    );
    assert_eq!(calendar.wait(at(1000)), Duration::ZERO);
    calendar.answered(failure("timeout"), at(1000), at(1000));
    assert!(calendar.wait(at(1000)) >= Duration::from_secs(150));
}

#[test]
fn an_answer_that_cannot_be_used_is_a_failure() {
    let mut calendar = following(HOUR);
    calendar.answered(Ok(open(Some(50))), at(60), at(61));
    let standing = calendar.standing(wall(61));
    let Standing::Unknown(error @ CalendarError::Unusable { .. }) = standing else {
        panic!("{standing:?}");
    };
    assert_eq!(
        error.to_string(),
        "AWS's answer about freeze cannot be used: its NextTransitionTime is past by the operator's clock; trying again"
    );
    assert!(!calendar.wait(at(61)).is_zero());
}

#[test]
fn a_clock_that_is_put_back_leaves_nothing_standing_and_asks_at_once() {
    let mut calendar = following(HOUR);
    calendar.answered(Ok(open(Some(5000))), at(1000), at(1001));
    let back = Now {
        wall: wall(999),
        ..at(1002)
    };
    assert_eq!(calendar.wait(back), Duration::ZERO);
    assert!(matches!(
        calendar.standing(back.wall),
        Standing::Unknown(CalendarError::Lapsed { .. })
    ));
    calendar.answered(failure("timeout"), back, back);
    assert!(
        !calendar.wait(back).is_zero(),
        "a failure has its pause all the same"
    );
}

#[test]
fn a_clock_that_is_put_back_a_little_does_not_delay_the_renewal() {
    let mut calendar = following(HOUR);
    calendar.answered(Ok(open(None)), at(0), at(1));
    let slow = Now {
        wall: wall(100),
        ..at(600)
    };
    assert_eq!(calendar.wait(slow), Duration::ZERO);
}

#[test]
fn a_renewed_answer_is_no_news_and_anything_else_is() {
    let told = known(3600, Some(9000));
    let with_fault = |code| Standing::Known {
        state: State::Open,
        until: wall(3600),
        next: Some(wall(9000)),
        fault: Some(failed(code)),
    };
    let closed = Standing::Known {
        state: State::Closed,
        until: wall(3600),
        next: Some(wall(9000)),
        fault: None,
    };
    for (name, before, after, news) in [
        ("the same", told.clone(), told.clone(), false),
        ("renewed", told.clone(), known(4200, Some(9000)), false),
        ("another transition", told.clone(), known(3600, Some(8000)), true),
        ("closed", told.clone(), closed, true),
        ("fails", told.clone(), with_fault("timeout"), true),
        (
            "fails otherwise",
            with_fault("timeout"),
            with_fault("connection"),
            true,
        ),
        (
            "fails as before",
            with_fault("timeout"),
            with_fault("timeout"),
            false,
        ),
        (
            "lost",
            with_fault("timeout"),
            Standing::Unknown(failed("timeout")),
            true,
        ),
        ("found", Standing::Unknown(CalendarError::NotHeard), told, true),
    ] {
        assert_eq!(after.is_news_after(&before), news, "{name}");
    }
}
