//! The reader against a scripted Change Calendar, in paused time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::calendar::State;
use crate::clock::TestClock;
use crate::resolve::Auth;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// Longer than an answer takes.
const MOMENT: Duration = Duration::from_millis(50);

/// What AWS says from now on, and what it was asked.
struct World {
    state: &'static str,
    next: Option<Timestamp>,
    /// What comes instead, first one first.
    faults: VecDeque<Fault>,
    hangs: bool,
    /// When each question came, and of which documents.
    asked: Vec<(Duration, Vec<String>)>,
    under_way: usize,
    most_under_way: usize,
}

/// 20 ms a call.
#[derive(Clone)]
struct Script {
    world: Arc<Mutex<World>>,
    clock: Arc<TestClock>,
    connected: Arc<AtomicUsize>,
}

impl Connect for Script {
    type Api = Self;

    fn connect(&self, _identity: &StoreIdentity) -> Self {
        self.connected.fetch_add(1, Ordering::SeqCst);
        self.clone()
    }
}

impl CalendarApi for Script {
    async fn calendar_state(&self, documents: &[String]) -> Result<CalendarReply, Fault> {
        {
            let mut world = self.world.lock().unwrap();
            world.asked.push((self.clock.monotonic(), documents.to_vec()));
            world.under_way += 1;
            world.most_under_way = world.most_under_way.max(world.under_way);
        }
        let hangs = self.world.lock().unwrap().hangs;
        tokio::time::sleep(if hangs { HOUR } else { Duration::from_millis(20) }).await;
        let mut world = self.world.lock().unwrap();
        world.under_way -= 1;
        match world.faults.pop_front() {
            Some(fault) => Err(fault),
            None => Ok(CalendarReply {
                state: Some(world.state.to_owned()),
                at_time: Some(self.clock.now().to_string()),
                next_transition_time: world.next.map(|next| next.to_string()),
            }),
        }
    }
}

#[derive(Default)]
struct Counted(Mutex<Vec<String>>);

impl SourceMetrics for Counted {
    fn request(&self, operation: &'static str, code: &str) {
        self.0.lock().unwrap().push(format!("{operation} {code}"));
    }
    fn decrypted(&self, _count: usize) {}
    fn throttled(&self, region: &str) {
        self.0.lock().unwrap().push(format!("throttled {region}"));
    }
    fn rate(&self, _region: &str, _per_second: f64) {}
    fn coalesced(&self, _count: usize) {}
}

struct Stage {
    reader: CalendarReader<String, Script>,
    script: Script,
    metrics: Arc<Counted>,
    changed: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new(state: &'static str) -> Self {
        let clock = Arc::new(TestClock::running(Timestamp::from_second(1_800_000_000).unwrap()));
        let world = World {
            state,
            next: None,
            faults: VecDeque::new(),
            hangs: false,
            asked: vec![],
            under_way: 0,
            most_under_way: 0,
        };
        let script = Script {
            world: Arc::new(Mutex::new(world)),
            clock: Arc::clone(&clock),
            connected: Arc::default(),
        };
        let metrics = Arc::new(Counted::default());
        let changed: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&changed);
        let reader = CalendarReader::new(
            script.clone(),
            clock,
            Arc::clone(&metrics) as Arc<dyn SourceMetrics>,
            move |key| told.lock().unwrap().push(key),
        );
        Self {
            reader,
            script,
            metrics,
            changed,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.script.world.lock().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.script.clock.now()
    }

    fn follow(&self, key: &str) {
        self.reader.follow(key.to_owned(), followed(&[key]));
    }

    fn standing(&self, key: &str) -> Standing {
        self.reader.standing(&key.to_owned(), self.now())
    }

    fn state(&self, key: &str) -> Option<State> {
        match self.standing(key) {
            Standing::Known { state, .. } => Some(state),
            Standing::Unknown(_) => None,
        }
    }

    fn reason(&self, key: &str) -> &'static str {
        use crate::error::Classified as _;
        match self.standing(key) {
            Standing::Known { .. } => "Known",
            Standing::Unknown(why) => why.reason(),
        }
    }

    /// How many questions came since the last time.
    fn questions(&self) -> usize {
        std::mem::take(&mut self.world().asked).len()
    }

    fn most_under_way(&self) -> usize {
        self.world().most_under_way
    }

    /// Who was told to look since the last time.
    fn changed(&self) -> Vec<String> {
        std::mem::take(&mut self.changed.lock().unwrap())
    }

    fn counted(&self) -> Vec<String> {
        std::mem::take(&mut self.metrics.0.lock().unwrap())
    }
}

fn followed(documents: &[&str]) -> Followed {
    Followed {
        store: identity("eu-west-1"),
        documents: documents.iter().map(|&name| name.to_owned()).collect(),
        max_staleness: HOUR,
    }
}

fn identity(region: &str) -> StoreIdentity {
    StoreIdentity {
        region: region.into(),
        endpoint: None,
        auth: Auth::default(),
        only_of: None,
    }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn one_call_every_ten_minutes_tells_once() {
    let stage = Stage::new("OPEN");
    assert_eq!(stage.reason("freeze"), "CalendarNotHeard");
    stage.follow("freeze");
    stage.follow("freeze");
    assert_eq!(stage.reason("freeze"), "CalendarNotHeard");
    pass(MOMENT).await;
    assert_eq!(stage.state("freeze"), Some(State::Open));
    stage.follow("freeze");
    pass((10 * MINUTE).saturating_sub(2 * MOMENT)).await;
    assert_eq!(stage.questions(), 1);
    pass(2 * MOMENT).await;
    assert_eq!(stage.questions(), 1);
    pass(50 * MINUTE).await;
    assert_eq!(stage.questions(), 5);
    assert_eq!(stage.changed(), ["freeze"]);
    assert_eq!(stage.counted(), vec!["GetCalendarState OK"; 7]);
    assert_eq!(stage.script.connected.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn all_documents_of_a_calendar_are_one_call() {
    let stage = Stage::new("OPEN");
    stage.reader.follow("both".to_owned(), followed(&["a", "b"]));
    pass(MINUTE).await;
    let asked: Vec<_> = stage
        .world()
        .asked
        .iter()
        .map(|(_, documents)| documents.clone())
        .collect();
    assert_eq!(asked, [["a", "b"]]);
}

#[tokio::test(start_paused = true)]
async fn a_transition_ends_the_state_at_its_instant_and_is_asked_about_at_once() {
    let stage = Stage::new("OPEN");
    let closes = stage.now() + jiff::SignedDuration::from_secs(90);
    stage.world().next = Some(closes);
    stage.follow("freeze");
    pass(MOMENT).await;
    assert_eq!(
        stage.standing("freeze"),
        Standing::Known {
            state: State::Open,
            until: closes,
            next: Some(closes),
            fault: None
        }
    );
    assert_eq!(stage.changed(), ["freeze"]);
    pass(Duration::from_millis(89_999).saturating_sub(MOMENT)).await;
    assert_eq!((stage.state("freeze"), stage.questions()), (Some(State::Open), 1));
    {
        let mut world = stage.world();
        world.state = "CLOSED";
        world.next = None;
    }
    pass(Duration::from_millis(5)).await;
    assert_eq!(stage.reason("freeze"), "CalendarLapsed");
    assert_eq!(
        stage.changed(),
        ["freeze"],
        "told that it closes, before AWS says so"
    );
    let (at, _) = stage.world().asked[0].clone();
    assert!(
        at >= Duration::from_secs(90) && at <= Duration::from_millis(90_003),
        "{at:?}"
    );
    pass(MOMENT).await;
    assert_eq!(stage.state("freeze"), Some(State::Closed));
    assert_eq!(
        (stage.changed(), stage.questions()),
        (vec!["freeze".to_owned()], 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_renewed_holds_for_its_greatest_age_and_then_closes() {
    let stage = Stage::new("OPEN");
    stage.follow("freeze");
    pass(MOMENT).await;
    let denied = || Fault::Denied("AccessDeniedException".into());
    stage.world().faults = std::iter::repeat_with(denied).take(1000).collect();
    stage.questions();
    stage.changed();
    pass(10 * MINUTE).await;
    assert_eq!(
        stage.changed(),
        ["freeze"],
        "the failure is told while the answer stands"
    );
    pass((50 * MINUTE).saturating_sub(2 * MOMENT)).await;
    assert_eq!(stage.state("freeze"), Some(State::Open));
    assert_eq!(
        stage.changed(),
        Vec::<String>::new(),
        "the same failure again is no news"
    );
    let tries = stage.questions();
    // 5 s doubling to 5 min, of which the upper half is jitter: at least ten pauses of five minutes in fifty.
    assert!((12..=30).contains(&tries), "{tries}");
    pass(2 * MOMENT).await;
    assert_eq!(stage.reason("freeze"), "AccessDenied");
    assert_eq!(stage.changed(), ["freeze"]);
    stage.world().faults.clear();
    pass(5 * MINUTE + MOMENT).await;
    assert_eq!(stage.state("freeze"), Some(State::Open));
    assert_eq!(stage.changed(), ["freeze"]);
}

#[tokio::test(start_paused = true)]
async fn another_set_of_documents_is_asked_about_anew_and_the_old_answer_is_dropped() {
    let stage = Stage::new("OPEN");
    stage.follow("freeze");
    pass(MOMENT).await;
    stage.changed();
    stage.world().state = "CLOSED";
    stage
        .reader
        .follow("freeze".to_owned(), followed(&["freeze", "year-end"]));
    assert_eq!(stage.reason("freeze"), "CalendarNotHeard");
    pass(MOMENT).await;
    assert_eq!(stage.state("freeze"), Some(State::Closed));
    assert_eq!(stage.changed(), ["freeze", "freeze"]);
    assert_eq!(stage.world().asked[1].1, ["freeze", "year-end"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_documents_before_is_not_taken_for_the_new_ones() {
    let stage = Stage::new("OPEN");
    stage.follow("freeze");
    pass(Duration::from_millis(10)).await;
    stage.reader.follow("freeze".to_owned(), followed(&["year-end"]));
    pass(Duration::from_millis(15)).await;
    assert_eq!(
        stage.questions(),
        2,
        "the second one as soon as the first is answered"
    );
    assert_eq!(stage.reason("freeze"), "CalendarNotHeard");
    pass(Duration::from_millis(20)).await;
    assert_eq!(stage.state("freeze"), Some(State::Open));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_calendar_is_asked_about_no_more() {
    let stage = Stage::new("OPEN");
    stage.follow("freeze");
    pass(Duration::from_millis(10)).await;
    stage.reader.forget(&"freeze".to_owned());
    pass(HOUR).await;
    assert_eq!((stage.questions(), stage.changed().len()), (1, 0));
    assert_eq!(stage.reason("freeze"), "CalendarNotHeard");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_when_the_last_reader_is_dropped() {
    let stage = Stage::new("OPEN");
    stage.follow("freeze");
    pass(MOMENT).await;
    let other = stage.reader.clone();
    let Stage { reader, script, .. } = stage;
    drop(reader);
    pass(10 * MINUTE).await;
    assert_eq!(script.world.lock().unwrap().asked.len(), 2);
    drop(other);
    pass(HOUR).await;
    assert_eq!(script.world.lock().unwrap().asked.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_identity_has_one_call_at_a_time_and_two_have_two() {
    let stage = Stage::new("OPEN");
    for n in 0..10 {
        stage.follow(&format!("c{n}"));
    }
    pass(Duration::from_millis(250)).await;
    assert_eq!((stage.most_under_way(), stage.questions()), (1, 10));
    let elsewhere = Followed {
        store: identity("us-east-1"),
        ..followed(&["far"])
    };
    stage.reader.follow("far".to_owned(), elsewhere);
    stage.follow("near");
    pass(MOMENT).await;
    assert_eq!((stage.most_under_way(), stage.questions()), (2, 2));
    assert_eq!(stage.script.connected.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn calendars_that_fail_all_the_time_take_turns() {
    let stage = Stage::new("OPEN");
    stage.world().hangs = true;
    let names: Vec<_> = (0..20).map(|n| format!("c{n:02}")).collect();
    for name in &names {
        stage.follow(name);
    }
    // A round takes longer than the longest pause: all are due all the time.
    pass(45 * MINUTE).await;
    let asked = |name: &String| {
        stage
            .world()
            .asked
            .iter()
            .filter(|(_, documents)| documents[0] == *name)
            .count()
    };
    let counts: Vec<_> = names.iter().map(asked).collect();
    assert!(counts.iter().all(|count| [6, 7].contains(count)), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_and_is_counted() {
    let stage = Stage::new("OPEN");
    stage.world().hangs = true;
    stage.follow("freeze");
    pass(PATIENCE + MOMENT).await;
    assert_eq!(stage.reason("freeze"), "SourceUnavailable");
    assert_eq!(stage.counted(), ["GetCalendarState timeout"]);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_counted_and_waited_for() {
    let stage = Stage::new("OPEN");
    stage
        .world()
        .faults
        .push_back(Fault::Throttled("ThrottlingException".into()));
    stage.follow("freeze");
    pass(Duration::from_secs(2)).await;
    assert_eq!((stage.reason("freeze"), stage.questions()), ("Throttled", 1));
    pass(Duration::from_secs(4)).await;
    assert_eq!((stage.state("freeze"), stage.questions()), (Some(State::Open), 1));
    assert_eq!(
        stage.counted(),
        [
            "GetCalendarState ThrottlingException",
            "throttled eu-west-1",
            "GetCalendarState OK"
        ]
    );
}
