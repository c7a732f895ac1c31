//! The network side of an identity provider: its discovery document, its keys, its tokens.

use super::config::Provider;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreClient, CoreResponseType};
use openidconnect::{
    AccessToken, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, Scope,
};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_base::Refusal;
use stoa_core::{Fault, Outcome};
use tokio::sync::Mutex;
use url::Url;

/// How long one answer of a provider may take, and how large it may be.
const TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;
/// How long its document and keys are trusted without looking again.
const FRESH: Duration = Duration::from_hours(1);
/// How often an unknown key makes us look again at most.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Names that stand for something else in sessions and addresses.
const RESERVED: [&str; 3] = ["local", "again", "done"];

/// Why a provider cannot be used as it was configured.
#[derive(Debug, thiserror::Error)]
#[error("identity provider `{name}`: {problem}")]
pub struct BadProvider {
    name: String,
    problem: String,
}

/// All providers of an installation, in their order.
#[derive(Default)]
pub struct Providers {
    known: Vec<Arc<Known>>,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What was discovered, and when.
#[derive(Clone)]
struct Discovered {
    at: Instant,
    metadata: Arc<ProviderMetadataWithLogout>,
}

/// A provider.
pub struct Known {
    /// What the operator says of it.
    pub config: Provider,
    secret: Option<String>,
    issuer: IssuerUrl,
    http: reqwest::Client,
    discovered: Mutex<Option<Discovered>>,
}

/// Where a browser is sent, and what has to fit when it comes back.
pub struct Departure {
    /// The provider's page.
    pub url: String,
    /// What comes back with the browser.
    pub state: String,
    /// What the proof must repeat.
    pub nonce: String,
    /// What proves that the code is ours.
    pub verifier: String,
}

/// Who came back: the proof itself, and what it says.
pub struct Arrived {
    /// The proof, for the end of the session.
    pub id_token: String,
    /// The provider's own name for them.
    pub subject: String,
    /// Everything that it says of them.
    pub claims: Map<String, Value>,
}

/// A provider that did not do its part.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the provider answered with {0} bytes or more")]
    TooLarge(usize),
    #[error("the provider cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the answer cannot be read")]
    Answer(#[from] openidconnect::http::Error),
}

async fn fetch(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut response = openidconnect::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(Trouble::TooLarge(LARGEST));
        }
    }
    Ok(response.body(body)?)
}

/// Everything an error says, and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl Providers {
    /// These providers, whose secrets were read already.
    pub fn new(configured: Vec<Provider>) -> Result<Self, BadProvider> {
        let mut names = HashSet::new();
        let mut known = Vec::new();
        for config in configured {
            let bad = |problem: &str| BadProvider { name: config.name.clone(), problem: problem.to_owned() };
            let plain =
                config.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if config.name.is_empty() || !plain || RESERVED.contains(&config.name.as_str()) {
                return Err(bad(
                    "its name must be of lower-case letters, digits and dashes, and not reserved",
                ));
            }
            if !names.insert(config.name.clone()) {
                return Err(bad("there are two of this name"));
            }
            let issuer =
                IssuerUrl::new(config.issuer.clone()).map_err(|_| bad("its issuer must be a URL"))?;
            let url = issuer.url();
            let is_near =
                url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
            if url.scheme() != "https" && !is_near {
                return Err(bad("its issuer must be reached over https"));
            }
            let http = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .build()
                .map_err(|error| bad(&chain(&error)))?;
            let secret = config.client_secret.clone();
            let discovered = Mutex::default();
            known.push(Arc::new(Known { config, secret, issuer, http, discovered }));
        }
        Ok(Self { known })
    }

    /// Those that people may choose from.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.known.iter()
    }

    /// The provider of this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Known>> {
        self.known.iter().find(|known| known.config.name == name)
    }
}

impl Known {
    fn trouble(&self, error: &dyn std::error::Error) -> stoa_core::Error {
        let provider = &self.config.name;
        tracing::warn!(provider.name = provider, error = chain(error), "an identity provider failed");
        let message =
            format!("The identity provider '{}' does not answer as it should.", self.config.label());
        Refusal::Unavailable(message).into()
    }

    /// What the provider says of itself; looked up anew when it is older than `age`.
    async fn metadata(&self, age: Duration) -> Outcome<Arc<ProviderMetadataWithLogout>> {
        let mut discovered = self.discovered.lock().await;
        if let Some(found) = discovered.as_ref().filter(|found| found.at.elapsed() < age) {
            return Ok(Arc::clone(&found.metadata));
        }
        let http = self.http.clone();
        let call = move |request| fetch(http.clone(), request);
        let metadata = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &call).await;
        let metadata = Arc::new(metadata.map_err(|error| self.trouble(&error))?);
        *discovered = Some(Discovered { at: Instant::now(), metadata: Arc::clone(&metadata) });
        Ok(metadata)
    }

    fn client(&self, metadata: &ProviderMetadataWithLogout, callback: &str) -> Outcome<Client> {
        let redirect = RedirectUrl::new(callback.to_owned());
        let redirect = redirect.map_err(|_| Fault::Corrupt { what: "public URL" })?;
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            self.secret.clone().map(ClientSecret::new),
        );
        Ok(client.set_redirect_uri(redirect))
    }

    /// Sends a browser there.
    pub async fn depart(&self, callback: &str) -> Outcome<Departure> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata, callback)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        Ok(Departure {
            url: url.to_string(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Whoever came back with a code.
    pub async fn arrive(
        &self,
        callback: &str,
        code: String,
        (nonce, verifier): (String, String),
    ) -> Outcome<Arrived> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata, callback)?;
        let http = self.http.clone();
        let call = move |request| fetch(http.clone(), request);
        let exchange = client.exchange_code(AuthorizationCode::new(code));
        let exchange = exchange.map_err(|error| self.trouble(&error))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&call).await;
        let tokens = exchange.map_err(|error| self.trouble(&error))?;
        let unproven =
            || Refusal::Unauthorized("The identity provider gave no proof that can be trusted.".into());
        let token = tokens.extra_fields().id_token().ok_or_else(unproven)?;
        let nonce = Nonce::new(nonce);
        let said =
            token.claims(&client.id_token_verifier(), &nonce).map(|claims| claims.subject().to_string());
        let subject = match said {
            Ok(subject) => subject,
            // Its keys may have changed since we looked: once more with what it has now.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let metadata = self.metadata(LOOK_AGAIN).await?;
                let client = self.client(&metadata, callback)?;
                let again = token.claims(&client.id_token_verifier(), &nonce);
                again.map(|claims| claims.subject().to_string()).map_err(|error| self.distrust(&error))?
            }
            Err(error) => return Err(self.distrust(&error)),
        };
        let id_token = token.to_string();
        let mut claims = payload(&id_token).ok_or_else(unproven)?;
        if !self.config.is_satisfied(&claims)
            && let Some(more) = self.more(&metadata, tokens.access_token(), &subject).await
        {
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(Arrived { id_token, subject, claims })
    }

    fn distrust(&self, error: &ClaimsVerificationError) -> stoa_core::Error {
        let provider = &self.config.name;
        tracing::warn!(provider.name = provider, error = chain(error), "an identity token was not trusted");
        Refusal::Unauthorized("The identity provider gave no proof that can be trusted.".into()).into()
    }

    /// What the provider says of somebody beside its proof, if it says anything.
    async fn more(
        &self,
        metadata: &ProviderMetadataWithLogout,
        token: &AccessToken,
        subject: &str,
    ) -> Option<Map<String, Value>> {
        let url = metadata.userinfo_endpoint()?;
        let request = openidconnect::http::Request::builder()
            .uri(url.as_str())
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", token.secret()))
            .body(Vec::new())
            .ok()?;
        let answer = match fetch(self.http.clone(), request).await {
            Ok(answer) => answer,
            Err(error) => {
                self.trouble(&error);
                return None;
            }
        };
        let claims: Map<String, Value> = serde_json::from_slice(answer.body()).ok()?;
        // It must be about the same person.
        (claims.get("sub").and_then(Value::as_str) == Some(subject)).then_some(claims)
    }

    /// Where a browser is sent to sign out there as well, if the provider knows how.
    pub async fn farewell(&self, id_token: Option<&str>, back: &str) -> Option<String> {
        let metadata = self.metadata(FRESH).await.ok()?;
        let end = metadata.additional_metadata().end_session_endpoint.as_ref()?;
        let mut url = Url::parse(end.as_str()).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", back)
            .extend_pairs(id_token.map(|token| ("id_token_hint", token)));
        Some(url.to_string())
    }
}

/// The claims in a token that was verified.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let middle = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).ok()?).ok()
}
