//! Parameter Store and Change Calendar through AWS's SDK: one request, one try, and only AWS's codes of what went wrong.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::timeout::TimeoutConfig;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::{Parameter, ParameterType};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::names::{Origin, ParameterName, ParameterRef};
use crate::record::{Entry, ParameterKind, Stamp};
use crate::resolve::StoreIdentity;
use crate::source::batch::BATCH;
use crate::source::calendars::{CalendarApi, CalendarReply};
use crate::source::call::{Answer, Call, Decryption, Fault, Found, ParameterApi, PathKey};
use crate::source::connect::Connect;
use crate::source::credentials::{self, Aws, find};
use crate::source::kept::Renewal;
use crate::value::SecretValue;

const ATTEMPT: Duration = Duration::from_secs(5);
const OPERATION: Duration = Duration::from_secs(15);

/// Systems Manager as one identity sees it. Its client is made at the first request and kept.
pub struct Ssm {
    identity: StoreIdentity,
    aws: Aws,
    client: OnceCell<(Client, Renewal)>,
}

impl Ssm {
    /// A client of `identity`; no network yet.
    pub fn new(identity: StoreIdentity, aws: Aws) -> Self {
        Self {
            identity,
            aws,
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        let (client, _) = self
            .client
            .get_or_init(|| async {
                let (config, renewal) = self.aws.config(&self.identity).await;
                let timeouts = TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(OPERATION)
                    .build();
                let mut ssm = aws_sdk_ssm::config::Builder::from(&config)
                    .retry_config(RetryConfig::disabled())
                    .timeout_config(timeouts);
                if let Some(endpoint) = &self.identity.endpoint {
                    ssm = ssm.endpoint_url(endpoint);
                }
                (Client::from_conf(ssm.build()), renewal)
            })
            .await;
        client
    }

    fn let_go_of_credentials(&self) {
        if let Some((_, renewal)) = self.client.get() {
            renewal.renew();
        }
    }

    /// Credentials that AWS rejects may have been rotated: the next request uses what is there then.
    fn seen<T>(&self, answer: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(answer, Err(Fault::Credentials(_))) {
            self.let_go_of_credentials();
        }
        answer
    }

    async fn page(
        &self,
        key: PathKey,
        decryption: Decryption,
        token: Option<String>,
    ) -> Result<Answer, Fault> {
        let request = self.client().await.get_parameters_by_path();
        let request = request
            .path(key.path.as_str())
            .recursive(key.recursive)
            .with_decryption(decryption == Decryption::On)
            .max_results(BATCH as i32)
            .set_next_token(token);
        let answer = request.send().await.map_err(|error| fault(&error))?;
        let mut found = vec![];
        for parameter in answer.parameters.unwrap_or_default() {
            // A name that Parameter Store itself would refuse today cannot be asked for by name either.
            let Some(name) = parameter.name().and_then(|name| ParameterName::parse(name).ok()) else {
                continue;
            };
            if key.shows(&name) {
                found.push(read(parameter, ParameterRef::latest(name), decryption)?);
            }
        }
        Ok(Answer {
            found,
            missing: vec![],
            next: answer.next_token.filter(|token| !token.is_empty()),
        })
    }

    async fn names(&self, references: Vec<ParameterRef>, decryption: Decryption) -> Result<Answer, Fault> {
        let names = references.iter().map(ToString::to_string).collect();
        let request = self.client().await.get_parameters().set_names(Some(names));
        let request = request.with_decryption(decryption == Decryption::On);
        let answer = request.send().await.map_err(|error| fault(&error))?;
        let mut found = vec![];
        for parameter in answer.parameters.unwrap_or_default() {
            if let Some(reference) = asked(&references, &parameter) {
                let reference = reference.clone();
                found.push(read(parameter, reference, decryption)?);
            }
        }
        let invalid = answer.invalid_parameters.unwrap_or_default();
        let missing = references
            .into_iter()
            .filter(|reference| invalid.contains(&reference.to_string()));
        Ok(Answer {
            missing: missing.collect(),
            found,
            next: None,
        })
    }
}

impl Connect for Aws {
    type Api = Ssm;

    fn connect(&self, identity: &StoreIdentity) -> Ssm {
        Ssm::new(identity.clone(), self.clone())
    }
}

impl ParameterApi for Ssm {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let answer = match call {
            Call::Page {
                key,
                decryption,
                token,
            } => self.page(key, decryption, token).await,
            Call::Names {
                references,
                decryption,
            } => self.names(references, decryption).await,
        };
        self.seen(answer)
    }

    fn renew(&self) {
        self.let_go_of_credentials();
    }
}

impl CalendarApi for Ssm {
    async fn calendar_state(&self, documents: &[String]) -> Result<CalendarReply, Fault> {
        let request = self.client().await.get_calendar_state();
        let request = request.set_calendar_names(Some(documents.to_vec()));
        let answer = self.seen(request.send().await.map_err(|error| fault(&error)))?;
        Ok(CalendarReply {
            state: answer.state.map(|state| state.as_str().to_owned()),
            at_time: answer.at_time,
            next_transition_time: answer.next_transition_time,
        })
    }
}

/// What was asked for, of an answer: AWS names it by name or ARN, with or without the selector. The parameters of one
/// batch differ in their path.
fn asked<'a>(references: &'a [ParameterRef], parameter: &Parameter) -> Option<&'a ParameterRef> {
    let texts = [parameter.name(), parameter.arn()];
    let paths: Vec<ParameterName> = texts.into_iter().flatten().filter_map(named).collect();
    references
        .iter()
        .find(|reference| paths.iter().any(|name| name.path() == reference.name.path()))
}

/// A name or ARN, without a selector behind it.
fn named(text: &str) -> Option<ParameterName> {
    ParameterName::parse(text)
        .or_else(|error| {
            text.rsplit_once(':')
                .map_or(Err(error), |(name, _)| ParameterName::parse(name))
        })
        .ok()
}

fn read(parameter: Parameter, reference: ParameterRef, decryption: Decryption) -> Result<Found, Fault> {
    // Without decryption a String's value comes all the same: it is wiped here.
    let value = parameter.value.map(|value| SecretValue::new(value.into_bytes()));
    let strange = |what: &str| Fault::Unavailable(format!("Answer without {what}"));
    let kind = match parameter.r#type {
        Some(ParameterType::SecureString) => ParameterKind::SecureString,
        Some(ParameterType::String) => ParameterKind::String,
        Some(ParameterType::StringList) => ParameterKind::StringList,
        _ => return Err(strange("Type")),
    };
    let modified = parameter
        .last_modified_date
        .and_then(|date| date.to_millis().ok());
    let last_modified = modified
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .ok_or_else(|| strange("LastModifiedDate"))?;
    Ok(Found {
        reference,
        entry: Entry {
            stamp: Stamp {
                version: parameter.version,
                last_modified,
            },
            kind,
        },
        origin: parameter.arn.as_deref().and_then(origin),
        value: value.filter(|_| decryption == Decryption::On),
    })
}

/// Account and region of `arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME`.
fn origin(arn: &str) -> Option<Origin> {
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next()?, parts.next()?);
    Some(Origin {
        account: account.to_owned(),
        region: region.to_owned(),
    })
}

fn fault<E, R>(error: &SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    if let Some(refused) = find::<CredentialsError>(error) {
        return match credentials::clock_code(refused) {
            Some(code) => Fault::Clock(code),
            None => untrusted(refused).unwrap_or_else(|| Fault::Credentials(credentials::detail(refused))),
        };
    }
    match error {
        SdkError::ServiceError(answer) => {
            let known = answer.err();
            by_code(
                known.code().unwrap_or("Unknown"),
                known.message().unwrap_or_default(),
            )
        }
        SdkError::TimeoutError(_) => Fault::Unavailable("timeout".into()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Fault::Unavailable("timeout".into()),
        SdkError::ResponseError(_) => Fault::Unavailable("response".into()),
        SdkError::ConstructionFailure(_) => Fault::Refused("request".into()),
        SdkError::DispatchFailure(failure) => untrusted(failure).unwrap_or_else(unconnected),
        _ => unconnected(),
    }
}

/// A certificate that TLS does not trust, and for which of its reasons. They stand in the error's text only, of which
/// nothing else is kept.
fn untrusted(error: &impl std::fmt::Debug) -> Option<Fault> {
    const REASONS: [&str; 6] = [
        "UnknownIssuer",
        "NotValidForName",
        "NotValidYet",
        "Expired",
        "Revoked",
        "BadSignature",
    ];
    let text = format!("{error:?}");
    let certificate = text
        .find("InvalidCertificate")
        .or(text.find("invalid peer certificate"))?;
    let reason = REASONS
        .into_iter()
        .find(|reason| text[certificate..].contains(reason));
    Some(Fault::Untrusted(
        reason.unwrap_or("InvalidCertificate").to_owned(),
    ))
}

/// Nobody answers; which may be the proxy.
fn unconnected() -> Fault {
    let proxy = ["HTTPS_PROXY", "https_proxy"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some());
    let code = if proxy {
        "connection, HTTPS_PROXY is set"
    } else {
        "connection"
    };
    Fault::Unavailable(code.to_owned())
}

/// Sorts AWS's codes. The text is looked at for KMS only, and never kept.
fn by_code(code: &str, text: &str) -> Fault {
    let owned = code.to_owned();
    let kms = text.contains("kms:") || text.contains("KMS") || text.contains("ciphertext");
    match code {
        _ if credentials::is_of_the_clock(code, text) => Fault::Clock(owned),
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "PriorRequestNotComplete" => Fault::Throttled(owned),
        "InvalidKeyId" => Fault::Undecryptable(owned),
        _ if code.starts_with("KMS.") || code.starts_with("KMSInvalid") => Fault::Undecryptable(owned),
        "AccessDeniedException" | "AccessDenied" | "ValidationException" if kms => {
            Fault::Undecryptable(owned)
        }
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => Fault::Denied(owned),
        "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired" => Fault::Credentials(owned),
        "ValidationException"
        | "InvalidFilterKey"
        | "InvalidFilterOption"
        | "InvalidFilterValue"
        | "ParameterNotFound"
        | "ParameterVersionNotFound"
        | "InvalidDocument"
        | "InvalidDocumentType"
        | "UnsupportedCalendarException" => Fault::Refused(owned),
        // InternalServerError, ServiceUnavailable, an expired NextToken, a proxy's own page, whatever comes new.
        _ => Fault::Unavailable(owned),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn codes_become_faults_without_their_text() {
        let kms = "The ciphertext refers to a customer master key that does not exist ... KMS";
        let denied = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ssm:GetParameters";
        let kms_denied = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: kms:Decrypt";
        for (code, text, fault) in [
            (
                "ThrottlingException",
                "Rate exceeded",
                Fault::Throttled("ThrottlingException".into()),
            ),
            (
                "AccessDeniedException",
                denied,
                Fault::Denied("AccessDeniedException".into()),
            ),
            (
                "AccessDeniedException",
                kms_denied,
                Fault::Undecryptable("AccessDeniedException".into()),
            ),
            ("InvalidKeyId", kms, Fault::Undecryptable("InvalidKeyId".into())),
            (
                "KMS.DisabledException",
                "",
                Fault::Undecryptable("KMS.DisabledException".into()),
            ),
            (
                "ValidationException",
                kms,
                Fault::Undecryptable("ValidationException".into()),
            ),
            (
                "ValidationException",
                "bad",
                Fault::Refused("ValidationException".into()),
            ),
            (
                "ExpiredTokenException",
                "",
                Fault::Credentials("ExpiredTokenException".into()),
            ),
            (
                "UnrecognizedClientException",
                "",
                Fault::Credentials("UnrecognizedClientException".into()),
            ),
            (
                "InternalServerError",
                "",
                Fault::Unavailable("InternalServerError".into()),
            ),
            ("SomethingNew", "", Fault::Unavailable("SomethingNew".into())),
            (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
                Fault::Clock("RequestTimeTooSkewed".into()),
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
                Fault::Clock("InvalidSignatureException".into()),
            ),
            (
                "InvalidSignatureException",
                "Signature not yet current: 20260101T002000Z is still later than 20260101T001500Z",
                Fault::Clock("InvalidSignatureException".into()),
            ),
            (
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
                Fault::Credentials("InvalidSignatureException".into()),
            ),
            ("InvalidDocument", "", Fault::Refused("InvalidDocument".into())),
            (
                "UnsupportedCalendarException",
                "",
                Fault::Refused("UnsupportedCalendarException".into()),
            ),
        ] {
            assert_eq!(by_code(code, text), fault, "{code}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_from_silence() {
        let tls = "DispatchFailure { source: ConnectorError { kind: Io, source: hyper_util::client::legacy::Error(Connect, Custom { kind: Other, error: Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) } }) } }";
        let debug = |text: &str| untrusted(&format_args!("{text}"));
        assert_eq!(debug(tls), Some(Fault::Untrusted("UnknownIssuer".into())));
        assert_eq!(debug("Connect, ConnectionRefused, UnknownIssuer.example"), None);
    }

    fn reference(text: &str) -> ParameterRef {
        ParameterRef::latest(ParameterName::parse(text).unwrap())
    }

    #[test]
    fn answers_are_matched_by_name_or_arn_with_or_without_selector() {
        let shared = "arn:aws:ssm:eu-west-1:111122223333:parameter/shared/x";
        let asked_for = [
            ParameterRef::version(ParameterName::parse("/web/a").unwrap(), 7),
            reference("/b"),
            reference(shared),
        ];
        for (name, arn, at) in [
            ("/web/a", "arn:aws:ssm:r:111122223333:parameter/web/a", Some(0)),
            ("/web/a:7", "", Some(0)),
            ("b", "", Some(1)),
            (shared, "", Some(2)),
            ("/shared/x", shared, Some(2)),
            ("/other", "", None),
        ] {
            let parameter = Parameter::builder().name(name).arn(arn).build();
            let expected = at.map(|at: usize| &asked_for[at]);
            assert_eq!(asked(&asked_for, &parameter), expected, "{name}");
        }
    }

    #[test]
    fn a_parameter_is_taken_over_and_ciphertext_is_not() {
        let parameter = || {
            Parameter::builder()
                .name("/x")
                .arn("arn:aws:ssm:eu-west-1:111122223333:parameter/x")
                .r#type(ParameterType::SecureString)
                .version(3)
                .last_modified_date(DateTime::from_millis(1_700_000_000_123))
                .value("v")
                .build()
        };
        let on = read(parameter(), reference("/x"), Decryption::On).ok().unwrap();
        assert_eq!(on.value.as_ref().map(SecretValue::expose), Some(&b"v"[..]));
        assert_eq!(on.entry.stamp.last_modified.as_millisecond(), 1_700_000_000_123);
        assert_eq!(on.origin.unwrap().to_string(), "111122223333/eu-west-1");
        let off = read(parameter(), reference("/x"), Decryption::Off).ok().unwrap();
        assert!(off.value.is_none());
        assert!(
            read(
                Parameter::builder().name("/x").build(),
                reference("/x"),
                Decryption::On
            )
            .is_err()
        );
    }
}
