//! Can the repository of a draft be reached, and does it have the branch or tag that the draft names; and does anything
//! answer where its integration says a pipeline system is? Asked from the server, without credentials: they are sealed
//! for the runner.

use super::{Version, Versions, integration_of};
use crate::integration;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use stoa_core::{Action, Fault, Outcome, Resource, Settings, objects};
use stoa_web::kind::must_exist;
use stoa_web::openapi::Schemas;
use stoa_web::outgoing;
use stoa_web::route::{About, Visitor};
use stoa_web::{App, Kind, Reply, Request, Route, dispatch, media};
use url::Url;
use utoipa::ToSchema;

/// How long the repository may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most of an answer that is read: refs of a large repository.
const ANSWER_MAX: usize = 8 << 20;

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepositoryCheck)]
struct Check {
    /// `REACHABLE`, `REF` or `CREDENTIALS`.
    #[serde(rename = "check")]
    name: &'static str,
    /// `PASS`, `FAIL` or `SKIPPED`.
    result: &'static str,
    /// What was found.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    advice: Option<&'static str>,
}

/// What was found of a repository.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepositoryTest)]
struct Test {
    /// When.
    at: String,
    /// Its address, or the pipeline system's.
    repository: String,
    /// The checks.
    checks: Vec<Check>,
}

/// The schemas.
pub fn schemas(schemas: &mut Schemas) {
    schemas.add::<Test>();
}

fn check(name: &'static str, result: &'static str, message: impl Into<String>) -> Check {
    Check { name, result, message: message.into(), advice: None }
}

const REACHABLE: &str = "REACHABLE";

/// What is asked.
enum Asked {
    /// The repository of a module, for a branch, tag or commit.
    Repository(String, String),
    /// The system of an integration.
    System(String),
    /// Nothing: there is nobody to ask.
    Nobody,
}

/// Names of refs in the answer of a git server, without `refs/heads/` and `refs/tags/`.
fn refs(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer);
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('\0').next().unwrap_or_default();
        for prefix in ["refs/heads/", "refs/tags/"] {
            if let Some((_, name)) = line.split_once(prefix) {
                found.push(name.trim_end_matches("^{}").to_owned());
            }
        }
    }
    found
}

/// Asks a git server for its refs, as `git ls-remote` does.
async fn ask(settings: &Settings, repository: &str) -> Result<Vec<u8>, String> {
    let url = format!("{}/info/refs?service=git-upload-pack", repository.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| "Its address is not one.".to_owned())?;
    let client = outgoing::client(settings, &url, PATIENCE).await.map_err(|error| error.to_string())?;
    let request = client.get(url).header(http::header::USER_AGENT, "git/2 stoa");
    let mut answer = request.send().await.map_err(|error| {
        if error.is_timeout() {
            format!("It did not answer within {} seconds.", PATIENCE.as_secs())
        } else {
            "It cannot be reached from Stoa's server.".to_owned()
        }
    })?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("It answers with {status}."));
    }
    let mut body = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_MAX {
            break;
        }
    }
    if body.windows(23).any(|part| part == b"service=git-upload-pack") {
        Ok(body)
    } else {
        Err("It answers, but not as a git repository.".to_owned())
    }
}

async fn look(settings: &Settings, repository: &str, wanted: &str) -> Vec<Check> {
    const REF: &str = "REF";
    if !Url::parse(repository).is_ok_and(|url| url.scheme() == "https") {
        let said = "Only the runner can tell: it has the key for this repository, the server has not. Order a block \
                    of the draft in your own workspace to try it.";
        return vec![check(REACHABLE, "SKIPPED", said)];
    }
    let answer = match ask(settings, repository).await {
        Ok(answer) => answer,
        Err(said) => {
            let advice = "See whether the address is right. A private repository needs an SSH key, and then only the \
                          runner reaches it; so does one in a network that only the runner sees.";
            return vec![Check { advice: Some(advice), ..check(REACHABLE, "FAIL", said) }];
        }
    };
    let found = refs(&answer);
    let said = format!("It answers, with {} branches and tags.", found.len());
    let mut checks = vec![check(REACHABLE, "PASS", said)];
    let is_commit = (7..=64).contains(&wanted.len()) && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    checks.push(if wanted.is_empty() {
        check(REF, "PASS", "No branch or tag is named: runs take the newest commit of the default branch.")
    } else if found.iter().any(|name| name == wanted) {
        check(REF, "PASS", format!("It has `{wanted}`."))
    } else if is_commit {
        check(REF, "SKIPPED", format!("`{wanted}` looks like a commit; runs fetch it by its name."))
    } else {
        let advice = "Name a branch, a tag or a commit that is there.";
        Check { advice: Some(advice), ..check(REF, "FAIL", format!("It has no branch or tag `{wanted}`.")) }
    });
    checks
}

/// Whether a pipeline system answers at all; what it says to a stranger does not matter.
async fn look_at_system(settings: &Settings, address: &str) -> Vec<Check> {
    let answer = async {
        let url = Url::parse(address).map_err(|_| "Its address is not one.".to_owned())?;
        let client = outgoing::client(settings, &url, PATIENCE).await.map_err(|error| error.to_string())?;
        client.get(url).send().await.map_err(|error| {
            if error.is_timeout() {
                format!("It did not answer within {} seconds.", PATIENCE.as_secs())
            } else {
                "It cannot be reached from Stoa's server.".to_owned()
            }
        })
    };
    let reached = match answer.await {
        Ok(answer) => check(REACHABLE, "PASS", format!("A server answers, with {}.", answer.status())),
        Err(said) => {
            let advice = "See whether the address of the integration is right. A system in a network that only the \
                          runner sees is tried by a run.";
            Check { advice: Some(advice), ..check(REACHABLE, "FAIL", said) }
        }
    };
    let said = "Only the runner can tell: it has the credentials of the pipeline, the server has not. Order a block of \
                the draft in your own workspace to try them.";
    vec![reached, check("CREDENTIALS", "SKIPPED", said)]
}

async fn run(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<axum::response::Response> {
    let call = visitor.call.clone();
    let asked = app
        .db
        .read(move |tx| -> Outcome<_> {
            let call = &visitor.call;
            call.may_at_all(Resource::Definition, Action::Write)?;
            let id = request.param(0);
            let object = must_exist::<Versions>(Versions::find(tx, call, id, request.version)?, id)?;
            call.may(Resource::Definition, Action::Write, &Versions::scope(&object))?;
            let version: Version = object.doc()?;
            let body = version.implementation_body();
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if !text("repositoryUrl").is_empty() {
                return Ok(Asked::Repository(text("repositoryUrl"), text("refName")));
            }
            let Some(id) = integration_of(&version) else { return Ok(Asked::Nobody) };
            let config =
                objects::by_id(tx, integration::KIND, id)?.map(|object| object.doc["config"].clone());
            let config = config.unwrap_or_default();
            let kind = config["type"].as_str().unwrap_or_default();
            Ok(Asked::System(config[kind]["baseUrl"].as_str().unwrap_or_default().to_owned()))
        })
        .await?;
    let settings = &app.world.settings;
    let (repository, checks) = match asked {
        Asked::Repository(address, wanted) => {
            let checks = look(settings, &address, &wanted).await;
            (address, checks)
        }
        Asked::System(address) => {
            let checks = look_at_system(settings, &address).await;
            (address, checks)
        }
        Asked::Nobody => {
            let said = "This kind of automation asks nobody else.";
            (String::new(), vec![check(REACHABLE, "SKIPPED", said)])
        }
    };
    let test = Test { at: call.now.to_string(), repository, checks };
    let shown = serde_json::to_value(test).map_err(|_| Fault::Corrupt { what: "result of a test" })?;
    Ok(dispatch::dress(Reply::json(StatusCode::OK, media::JSON, &shown)))
}

/// `POST /api/stoa/v1/definitions/versions/{uuid}/check`, an extension of Stoa's.
pub fn route() -> Route {
    let path = "/api/stoa/v1/definitions/versions/{uuid}/check";
    let stream = Route::stream(path, Arc::new(|app, visitor, request| Box::pin(run(app, visitor, request))));
    Route { method: Method::POST, ..stream }.about(About {
        summary: "Test whether the repository or the pipeline system of a version can be reached",
        tag: "definitions",
        response: Some("RepositoryTest"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[403, 404],
        ..About::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_read_from_the_answer_of_a_git_server() {
        let answer = b"001e# service=git-upload-pack\n0000010dabc HEAD\0multi_ack\n003fabc refs/heads/main\n\
                       003eabc refs/tags/v1.2\n0041abc refs/tags/v1.2^{}\n0000";
        assert_eq!(refs(answer), ["main", "v1.2", "v1.2"]);
    }
}
