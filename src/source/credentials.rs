//! Who we are at AWS: one long-lived configuration for each identity, and one connection pool for all.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::clock::Clock;
use crate::resolve::{SecretKeyPair, StoreIdentity};
use crate::source::access_keys::{KeysError, Part, text};
use crate::source::kept::Renewal;

/// How long keys out of a Secret are used before the Secret is read again, so that rotation is picked up.
const KEYS_LAST: Duration = Duration::from_mins(5);
const SESSION: &str = "paramsync";

/// Makes AWS clients. Cheap to clone.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

struct Inner {
    kube: Option<kube::Client>,
    clock: Arc<dyn Clock>,
    http: OnceLock<SharedHttpClient>,
}

impl Aws {
    /// `kube` reads the Secrets that hold access keys; without it such stores have no credentials.
    pub fn new(kube: Option<kube::Client>, clock: Arc<dyn Clock>) -> Self {
        if std::env::var_os("AWS_CA_BUNDLE").is_some() {
            tracing::warn!("AWS_CA_BUNDLE is not read; SSL_CERT_FILE is, in place of the image's own CAs");
        }
        Self {
            inner: Arc::new(Inner {
                kube,
                clock,
                http: OnceLock::new(),
            }),
        }
    }

    /// The configuration of `identity`: region, credentials, and endpoints from the environment only. Its credentials are
    /// kept until they expire or are renewed.
    pub async fn config(&self, identity: &StoreIdentity) -> (SdkConfig, Renewal) {
        let renewal = Renewal::default();
        let keep = |config: SdkConfig| match config.credentials_provider() {
            None => config,
            Some(provider) => config
                .into_builder()
                .credentials_provider(renewal.keep(provider, Arc::clone(&self.inner.clock)))
                .identity_cache(IdentityCache::no_cache())
                .build(),
        };
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(identity.region.clone()))
            .http_client(self.http());
        if let Some(keys) = &identity.auth.keys {
            loader = loader.credentials_provider(KeysInSecret {
                keys: keys.clone(),
                aws: self.clone(),
            });
        }
        let base = keep(loader.load().await);
        let Some(role) = &identity.auth.role_arn else {
            return (base, renewal);
        };
        let mut assume = AssumeRoleProvider::builder(role)
            .session_name(SESSION)
            .configure(&base);
        if let Some(external_id) = &identity.auth.external_id {
            assume = assume.external_id(external_id);
        }
        let role = assume.build().await;
        let provider = SharedCredentialsProvider::new(role);
        let config = keep(base.into_builder().credentials_provider(provider).build());
        (config, renewal)
    }

    /// One pool of connections, with the proxy of the environment, and aws-lc for TLS.
    fn http(&self) -> SharedHttpClient {
        let make = || {
            Builder::new().build_with_connector_fn(|settings, components| {
                let mut connector =
                    ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
                connector.set_connector_settings(settings.cloned());
                if let Some(components) = components {
                    connector.set_sleep_impl(components.sleep_impl());
                }
                connector.set_proxy_config(Some(ProxyConfig::from_env()));
                connector.build()
            })
        };
        self.inner.http.get_or_init(make).clone()
    }
}

/// Access keys in a Kubernetes Secret.
struct KeysInSecret {
    keys: SecretKeyPair,
    aws: Aws,
}

impl fmt::Debug for KeysInSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeysInSecret({})", self.keys.secret)
    }
}

impl KeysInSecret {
    async fn load(&self) -> Result<Credentials, KeysError> {
        let place = &self.keys.secret;
        let kube = self
            .aws
            .inner
            .kube
            .clone()
            .ok_or_else(|| KeysError::NoCluster(place.clone()))?;
        let secrets: Api<Secret> = Api::namespaced(kube, &place.namespace);
        let secret = secrets.get_opt(&place.name).await.map_err(|error| {
            let code = match error {
                kube::Error::Api(status) => status.reason.clone(),
                _ => "Kubernetes API unreachable".into(),
            };
            KeysError::Unreadable(place.clone(), code)
        })?;
        let secret = secret.ok_or_else(|| KeysError::NoSecret(place.clone()))?;
        let expires = SystemTime::from(self.aws.inner.clock.now()) + KEYS_LAST;
        let part = |part, key| text(&secret, place, key, part);
        let token = self.keys.session_token.as_ref();
        Ok(Credentials::new(
            part(Part::AccessKeyId, &self.keys.access_key_id)?,
            part(Part::SecretAccessKey, &self.keys.secret_access_key)?,
            token.map(|key| part(Part::SessionToken, key)).transpose()?,
            Some(expires),
            "KubernetesSecret",
        ))
    }
}

impl ProvideCredentials for KeysInSecret {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(async { self.load().await.map_err(CredentialsError::provider_error) })
    }
}

/// Whether AWS refuses a request because of our time.
pub fn is_of_the_clock(code: &str, text: &str) -> bool {
    match code {
        "RequestTimeTooSkewed" | "RequestInTheFuture" | "RequestExpired" => true,
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => {
            text.contains("Signature expired") || text.contains("Signature not yet current")
        }
        _ => false,
    }
}

/// The code of STS, where it refuses our time.
pub fn clock_code(error: &CredentialsError) -> Option<String> {
    let role = find::<SdkError<AssumeRoleError, HttpResponse>>(error).and_then(SdkError::as_service_error);
    let web = find::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>(error)
        .and_then(SdkError::as_service_error);
    let meta = role
        .map(ProvideErrorMetadata::meta)
        .or(web.map(ProvideErrorMetadata::meta))?;
    let code = meta.code()?;
    is_of_the_clock(code, meta.message().unwrap_or_default()).then(|| code.to_owned())
}

/// What to say of refused credentials: which Secret, or AWS's code; never AWS's text.
pub fn detail(error: &CredentialsError) -> String {
    if let Some(error) = find::<KeysError>(error) {
        return error.to_string();
    }
    if let Some(error) = find::<SdkError<AssumeRoleError, HttpResponse>>(error) {
        return format!("sts:AssumeRole ({})", sts_code(error));
    }
    if let Some(error) = find::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>(error) {
        return format!("sts:AssumeRoleWithWebIdentity ({})", sts_code(error));
    }
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "none found for the operator: no environment variables, IRSA, EKS Pod Identity or instance role"
                .into()
        }
        CredentialsError::ProviderTimedOut(_) => "the provider of credentials did not answer in time".into(),
        CredentialsError::InvalidConfiguration(_) => "the configuration of credentials is invalid".into(),
        _ => "the provider of credentials failed".into(),
    }
}

/// The first error of a kind in a chain.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn sts_code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::ServiceError(answer) => answer.err().code().unwrap_or("Unknown").to_owned(),
        SdkError::TimeoutError(_) => "timeout".into(),
        _ => "connection".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_at_all_says_where_they_were_looked_for() {
        assert!(detail(&CredentialsError::not_loaded("x")).contains("EKS Pod Identity"));
    }
}
