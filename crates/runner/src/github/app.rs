//! A GitHub App: it proves who it is with its key, and gets a token for one repository that lasts an hour.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::pipeline::{Answer, Caller, Trouble};
use crate::progress::Progress;

/// The version of the API that is spoken.
const API_VERSION: &str = "2022-11-28";
/// How long a proof is good. GitHub takes ten minutes at most, and wants room for clocks that differ.
const PROOF_SECONDS: u64 = 9 * 60;
const CLOCK_SECONDS: u64 = 60;
/// Tokens last an hour; they are used for less.
const TOKEN_LIFE: Duration = Duration::from_mins(50);

/// An app as it acts for one repository.
pub(super) struct App<'a> {
    caller: Caller,
    id: String,
    key: KeyPair,
    owner: String,
    repository: String,
    progress: &'a Progress,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    until: Instant,
    /// The name under which the app shows up in GitHub, such as `stoa[bot]`.
    bot: Option<String>,
}

impl<'a> App<'a> {
    /// The app with this key. Refuses what is not an RSA key in PEM.
    pub(super) fn new(
        caller: Caller,
        (id, pem): (&str, &str),
        (owner, repository): (&str, &str),
        progress: &'a Progress,
    ) -> Result<Self, Trouble> {
        let wrong = || Trouble::Unusable("the key of the GitHub App is not an RSA key in PEM".to_owned());
        let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs1(der)) => KeyPair::from_der(der.secret_pkcs1_der()),
            Ok(PrivateKeyDer::Pkcs8(der)) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            Ok(_) | Err(_) => return Err(wrong()),
        };
        Ok(Self {
            caller,
            id: id.to_owned(),
            key: key.map_err(|_| wrong())?,
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            progress,
            token: Mutex::new(None),
        })
    }

    /// The name under which the app's deeds are listed, once it has a token.
    pub(super) fn bot(&self) -> Option<String> {
        self.held().and_then(|token| token.bot)
    }

    /// Asks about the repository, with a request that is made of the path and changed by `finish`. A token that is
    /// refused is renewed once: whoever is not known has done nothing.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        finish: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Trouble> {
        let parts = [&["repos", self.owner.as_str(), self.repository.as_str()], path].concat();
        let request =
            |token: &str| finish(dressed(self.caller.request(method.clone(), &parts)).bearer_auth(token));
        if let Some(token) = self.held() {
            match self.caller.ask(request(&token.text)).await {
                Err(Trouble::Refused { status: 401, .. }) => {}
                answer => return answer,
            }
        }
        let token = self.new_token().await?;
        self.caller.ask(request(&token)).await
    }

    fn held(&self) -> Option<Token> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        token.filter(|token| token.until > Instant::now())
    }

    async fn new_token(&self) -> Result<String, Trouble> {
        let proof = self.proof()?;
        self.progress.keep_secret([proof.as_str()]);
        let parts = ["repos", &self.owner, &self.repository, "installation"];
        let request = dressed(self.caller.request(Method::GET, &parts)).bearer_auth(&proof);
        let installation = self.caller.ask(request).await.map_err(|trouble| match trouble {
            Trouble::Refused { status: 404, told } => Trouble::Refused {
                status: 404,
                told: format!("{told} (is the GitHub App installed for {}/{}?)", self.owner, self.repository),
            },
            other => other,
        })?;
        let id = installation.json.get("id").and_then(Value::as_u64);
        let id =
            id.ok_or_else(|| Trouble::Unclear("the installation of the GitHub App has no id".to_owned()))?;
        let parts = ["app", "installations", &id.to_string(), "access_tokens"];
        // No more than is needed: one repository, and its workflows.
        let body = json!({ "repositories": [self.repository], "permissions": { "actions": "write" } });
        let request = dressed(self.caller.request(Method::POST, &parts)).bearer_auth(&proof).json(&body);
        let answer = self.caller.ask(request).await?;
        let text = answer.json.get("token").and_then(Value::as_str);
        let text = text.ok_or_else(|| Trouble::Unclear("the answer has no token".to_owned()))?.to_owned();
        self.progress.keep_secret([text.as_str()]);
        let slug = installation.json.get("app_slug").and_then(Value::as_str);
        let token = Token {
            text: text.clone(),
            until: Instant::now() + TOKEN_LIFE,
            bot: slug.map(|slug| format!("{slug}[bot]")),
        };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(text)
    }

    /// A JSON Web Token, signed with RS256.
    fn proof(&self) -> Result<String, Trouble> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let header = json!({ "alg": "RS256", "typ": "JWT" });
        let claims =
            json!({ "iss": self.id, "iat": now.saturating_sub(CLOCK_SECONDS), "exp": now + PROOF_SECONDS });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encoded(&header), encoded(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Trouble::Unusable("the key of the GitHub App does not sign".to_owned()))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn dressed(request: RequestBuilder) -> RequestBuilder {
    request.header("accept", "application/vnd.github+json").header("x-github-api-version", API_VERSION)
}
