//! The gate as Change Calendar: what AWS's own client sees of it.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ssm::operation::get_calendar_state::{GetCalendarStateError, GetCalendarStateOutput};
use aws_sdk_ssm::types::CalendarState;
use gate::{DefaultState, Gate, GateConfig};
use jiff::{SignedDuration, Timestamp};

/// A gate with nothing behind it: calendars are all its own.
struct Stage {
    gate: Gate,
    client: Client,
    now: Timestamp,
}

impl Stage {
    fn new() -> Self {
        let gate = Gate::start("http://127.0.0.1:9", GateConfig::default()).unwrap();
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-northeast-1"))
            .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .endpoint_url(gate.url())
            .build();
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        Self {
            gate,
            client: Client::from_conf(config),
            now,
        }
    }

    fn hour(&self, hours: i64) -> Timestamp {
        self.now + SignedDuration::from_hours(hours)
    }

    async fn ask(
        &self,
        documents: &[&str],
    ) -> Result<GetCalendarStateOutput, SdkError<GetCalendarStateError>> {
        let documents = documents.iter().map(ToString::to_string).collect();
        let request = self.client.get_calendar_state();
        request.set_calendar_names(Some(documents)).send().await
    }

    /// State and next transition.
    async fn state(&self, documents: &[&str]) -> (CalendarState, Option<Timestamp>) {
        let answer = self.ask(documents).await.unwrap();
        let next = answer.next_transition_time();
        (
            answer.state().unwrap().clone(),
            next.map(|next| next.parse().unwrap()),
        )
    }

    async fn error(&self, documents: &[&str]) -> GetCalendarStateError {
        self.ask(documents).await.unwrap_err().into_service_error()
    }
}

#[tokio::test]
async fn the_state_is_of_the_present_and_of_all_documents_together() {
    use CalendarState::{Closed, Open};
    let stage = Stage::new();
    let (gate, hour) = (&stage.gate, |hours| stage.hour(hours));
    gate.calendar(
        "freeze",
        DefaultState::Open,
        [hour(-1)..hour(1), hour(1)..hour(2)],
    );
    gate.calendar("window", DefaultState::Closed, [hour(-3)..hour(5)]);
    gate.calendar("never", DefaultState::Open, []);
    let arn = "arn:aws:ssm:ap-northeast-1:123456789012:document/window";
    for (documents, expected) in [
        (&["freeze"][..], (Closed, Some(hour(2)))),
        (&["window"], (Open, Some(hour(5)))),
        (&[arn], (Open, Some(hour(5)))),
        (&["never"], (Open, None)),
        (&["never", "window"], (Open, Some(hour(5)))),
        (&["window", "never", "freeze"], (Closed, Some(hour(2)))),
    ] {
        assert_eq!(stage.state(documents).await, expected, "{documents:?}");
    }
    let answer = stage.ask(&["never"]).await.unwrap();
    let at: Timestamp = answer.at_time().unwrap().parse().unwrap();
    assert!(at >= stage.now && at <= Timestamp::now(), "{at}");
    assert_eq!(at.subsec_nanosecond(), 0);
    let counts = gate.counts();
    assert_eq!((counts.of("GetCalendarState"), counts.by_code["OK"]), (7, 7));
    assert_eq!(
        (counts.reads(), counts.names),
        (0, 0),
        "no part of the quota of reads"
    );
    let last = &gate.calls()[5];
    assert_eq!(last.names_or_path, ["window", "never", "freeze"]);
}

#[tokio::test]
async fn a_state_may_be_asked_for_at_another_time() {
    let stage = Stage::new();
    stage
        .gate
        .calendar("freeze", DefaultState::Open, [stage.hour(1)..stage.hour(2)]);
    for (hours, state, next) in [
        (0, CalendarState::Open, Some(1)),
        (1, CalendarState::Closed, Some(2)),
        (2, CalendarState::Open, None),
    ] {
        let at = stage.hour(hours).to_string();
        let request = stage.client.get_calendar_state().calendar_names("freeze");
        let answer = request.at_time(&at).send().await.unwrap();
        assert_eq!(answer.at_time(), Some(at.as_str()));
        assert_eq!(answer.state(), Some(&state), "{hours}");
        let next = next.map(|next| stage.hour(next).to_string());
        assert_eq!(answer.next_transition_time(), next.as_deref(), "{hours}");
    }
    let request = stage.client.get_calendar_state().calendar_names("freeze");
    let error = request.at_time("tomorrow").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn unknown_documents_and_told_failures_have_awss_codes() {
    let stage = Stage::new();
    stage.gate.calendar("freeze", DefaultState::Open, []);
    assert!(stage.error(&["freeze", "nope"]).await.is_invalid_document());
    assert_eq!(stage.error(&[]).await.code(), Some("ValidationException"));
    stage.gate.fail_calendars(1, "UnsupportedCalendarException");
    assert!(stage.error(&["freeze"]).await.is_unsupported_calendar_exception());
    stage.gate.fail_calendars(1, "InvalidDocumentType");
    assert!(stage.error(&["freeze"]).await.is_invalid_document_type());
    stage.gate.fail_calendars(1, "InternalServerError");
    assert!(stage.error(&["freeze"]).await.is_internal_server_error());
    stage.gate.fail_calendars(2, "ThrottlingException");
    for _ in 0..2 {
        assert_eq!(stage.error(&["freeze"]).await.code(), Some("ThrottlingException"));
    }
    assert_eq!(stage.state(&["freeze"]).await, (CalendarState::Open, None));
    stage.gate.remove_calendar("freeze");
    assert!(stage.error(&["freeze"]).await.is_invalid_document());
    let counts = stage.gate.counts();
    assert_eq!(
        (counts.of("GetCalendarState"), counts.throttled),
        (9, 2),
        "{counts:?}"
    );
    assert_eq!(counts.by_code["InvalidDocument"], 2);
}
