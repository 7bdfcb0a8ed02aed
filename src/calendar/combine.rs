//! Several calendars that bind together: open only while all of them are (AWS's rule for Change Calendar).

use jiff::Timestamp;

use super::State;
use super::compile::Calendar;
use super::timeline::{HORIZON, Moment, Timeline, Transition};

/// How many times the search for an opening goes on to where the closed ones have opened. Two calendars that open
/// by turns and never together take two steps a turn.
const MAX_STEPS: usize = 5000;

/// One of several calendars.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// What it says near the time that is asked for.
    pub timeline: &'a Timeline,
    /// What it says later than its timeline reaches; absent where only a record of it is left.
    pub calendar: Option<&'a Calendar>,
}

/// What holds at `at` for all of them together, and when that changes next. None where the timeline of one does
/// not tell. Where a search would take too long, or leads to where a record ends, there is no next transition.
pub fn combine(members: &[Member<'_>], at: Timestamp) -> Option<Moment> {
    let moments: Vec<Moment> = members
        .iter()
        .map(|member| member.timeline.at(at))
        .collect::<Option<_>>()?;
    let state = state_of(&moments);
    let mut telling = moments.iter().filter(|moment| moment.state == state);
    let event = telling.find_map(|moment| moment.event.clone());
    let next = match state {
        State::Open => moments
            .iter()
            .filter_map(|moment| moment.next)
            .map(|next| next.at)
            .min(),
        State::Closed => opening(members, moments, at),
    };
    Some(Moment {
        state,
        event,
        next: next.map(|at| Transition {
            at,
            to: state.other(),
        }),
    })
}

fn state_of(moments: &[Moment]) -> State {
    let closed = moments.iter().find(|moment| moment.state == State::Closed);
    closed.map_or(State::Open, |moment| moment.state)
}

/// When all are open for the first time. That is not before each that is closed now has opened, and so on from
/// there.
fn opening(members: &[Member<'_>], mut moments: Vec<Moment>, since: Timestamp) -> Option<Timestamp> {
    let mut readers: Vec<Reader<'_>> = members.iter().map(|member| Reader::new(*member)).collect();
    for _ in 0..MAX_STEPS {
        let closed = moments.iter().filter(|moment| moment.state == State::Closed);
        let openings: Vec<Timestamp> = closed
            .map(|moment| Some(moment.next?.at))
            .collect::<Option<_>>()?;
        let at = openings.into_iter().max()?;
        if at.duration_since(since) > HORIZON {
            return None;
        }
        moments = readers
            .iter_mut()
            .map(|reader| reader.at(at))
            .collect::<Option<_>>()?;
        if state_of(&moments) == State::Open {
            return Some(at);
        }
    }
    None
}

/// A member whose timeline is computed anew as often as a search leaves it.
struct Reader<'a> {
    member: Member<'a>,
    later: Option<Timeline>,
}

impl<'a> Reader<'a> {
    fn new(member: Member<'a>) -> Self {
        Self { member, later: None }
    }

    fn at(&mut self, at: Timestamp) -> Option<Moment> {
        let known = self.later.as_ref().unwrap_or(self.member.timeline).at(at);
        if known.is_some() {
            return known;
        }
        let later = self.member.calendar?.timeline(at).ok()?;
        self.later.insert(later).at(at)
    }
}
