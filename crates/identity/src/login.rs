//! `POST /api/login`: an API key's id and secret for a bearer token (`api-core.md` §2.1).

use crate::apikey::{self, ApiKey};
use crate::token::Claims;
use http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::Refusal;
use stoa_core::{Call, Outcome, objects, secrets};
use stoa_db::Tx;
use stoa_web::route::{About, Access, Takes};
use stoa_web::{Reply, Request, Route, body, media};
use utoipa::ToSchema;

/// The JSON form of a login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Login)]
pub struct Asked {
    /// uuid of the API key.
    client_id: String,
    /// Its secret.
    client_secret: String,
}

/// What a login grants.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub struct Granted {
    /// The bearer token.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds.
    expires_in: u64,
}

/// The route.
pub fn route() -> Route {
    Route::write(Method::POST, "/api/login", login).access(Access::Public).takes(Takes::Raw(16 << 10)).about(
        About {
            summary: "Sign in with an API key",
            tag: "identity",
            request: Some("Login"),
            response: Some("AccessToken"),
            success: &[200],
            errors: &[400, 401, 415],
            encodings: &[(
                "application/x-www-form-urlencoded",
                "grant_type=client_credentials&client_id=7f0c2f0e-21f5-4a5b-9a8f-5d1be3c4b9aa&client_secret=…",
            )],
            example: Some(json!({ "clientId": "7f0c2f0e-21f5-4a5b-9a8f-5d1be3c4b9aa", "clientSecret": "…" })),
            ..About::default()
        },
    )
}

fn asked(request: &Request) -> Outcome<Asked> {
    let content_type = request.header("content-type").unwrap_or_default();
    if media::is(content_type, media::JSON) {
        Ok(body::typed(body::parse(&request.raw)?)?)
    } else if media::is(content_type, "application/x-www-form-urlencoded") {
        let text = std::str::from_utf8(&request.raw)
            .map_err(|_| Refusal::Malformed("The form is not UTF-8.".into()))?;
        let field = |name: &str| {
            text.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(
                |(_, value)| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned(),
            )
        };
        let required = |name: &str| {
            field(name).filter(|value| !value.is_empty()).ok_or_else(|| Refusal::invalid(name, "is required"))
        };
        if required("grant_type")? != "client_credentials" {
            return Err(Refusal::invalid("grant_type", "must be client_credentials").into());
        }
        Ok(Asked { client_id: required("client_id")?, client_secret: required("client_secret")? })
    } else {
        Err(Refusal::UnsupportedMediaType(
            "A login comes as application/json or application/x-www-form-urlencoded.".into(),
        )
        .into())
    }
}

fn login(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let asked = asked(request)?;
    let wrong = || Refusal::Unauthorized("Client id and secret do not match a valid API key.".into());
    let object = objects::by_uuid_text(tx, apikey::KIND, &asked.client_id)?.ok_or_else(wrong)?;
    let key: ApiKey = object.doc()?;
    if !secrets::matches(&asked.client_secret, &key.secret) || key.ends().is_some_and(|end| end <= call.now) {
        return Err(wrong().into());
    }
    objects::note(tx, object.id, &json!({ "lastLogin": call.now.to_string() }))?;
    let life = call.world.settings.access_token_life;
    let claims = Claims::Access { sub: object.id, exp: (call.now + life).seconds() };
    let granted = Granted {
        access_token: claims.sign(&call.world)?,
        token_type: "Bearer".into(),
        expires_in: life.as_secs(),
    };
    let mut body: Value = serde_json::to_value(granted)?;
    body["refresh_expires_in"] = json!(0);
    body["not-before-policy"] = json!(0);
    body["scope"] = json!("profile email");
    Ok(Reply::ok(&body))
}
