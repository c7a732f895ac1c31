//! The order of checks of `api-core.md` §1.3: a request with every fault at once, mended one by one.

use super::{everything, refused};
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, media, path, shared_key, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A kind with what its ladders need. The bodies are of the object at `own`.
struct Case {
    kind: &'static str,
    version: &'static str,
    /// Prefix of its workspace codes.
    code: &'static str,
    own: String,
    foreign: String,
    absent: &'static str,
    good: Value,
    /// The same for an object of another workspace.
    theirs: Value,
    /// Member that is set to a wrong JSON type, where the kind judges types first.
    types: Option<&'static str>,
    /// Member and value that break a rule.
    rule: (&'static str, Value),
}

fn spec(kind: &str) -> Value {
    match kind {
        "meshProject" => json!({ "displayName": "P" }),
        "meshApiKey" => json!({ "displayName": "K", "permissions": [] }),
        "meshIntegration" => {
            json!({ "displayName": "I", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://x.example" } } })
        }
        "meshBuildingBlockRunner" => {
            json!({ "displayName": "R", "publicKey": shared_key().public_pem(), "implementationType": "ALL" })
        }
        "meshBuildingBlockDefinition" => json!({ "displayName": "D", "description": "d" }),
        other => panic!("no such case: {other}"),
    }
}

async fn cases(stoa: &Stoa) -> Vec<Case> {
    for name in ["shop", "rival"] {
        stoa.workspace(name).await;
    }
    let mut cases = Vec::new();
    for (kind, version, code, types) in [
        ("meshProject", "v2", "PROJECT", Some("/spec/displayName")),
        ("meshApiKey", "v1-preview", "APIKEY", Some("/spec/displayName")),
        ("meshIntegration", "v1", "INTEGRATION", None),
        ("meshBuildingBlockRunner", "v1-preview", "BUILDINGBLOCKRUNNER", None),
        ("meshBuildingBlockDefinition", "v1-preview", "BUILDINGBLOCKDEFINITION", None),
    ] {
        let of = |workspace: &str| {
            let mut body = json!({ "metadata": { "ownedByWorkspace": workspace }, "spec": spec(kind) });
            if kind == "meshProject" {
                body["metadata"]["name"] = json!("web");
            }
            body
        };
        let id = |made: &Value| match kind {
            "meshProject" => format!("{}.web", text(made, "/metadata/ownedByWorkspace")),
            _ => text(made, "/metadata/uuid"),
        };
        let own = stoa.admin.create(kind, &of("shop")).await;
        let foreign = stoa.admin.create(kind, &of("rival")).await;
        cases.push(Case {
            kind,
            version,
            code,
            own: id(&own),
            foreign: id(&foreign),
            absent: NOBODY,
            good: of("shop"),
            theirs: of("rival"),
            types,
            rule: ("/spec/displayName", json!(" ")),
        });
    }
    cases
}

/// One request, every part of it free to be wrong.
#[derive(Clone)]
struct Attempt {
    caller: Caller,
    method: Method,
    path: String,
    content_type: Option<String>,
    accept: Option<String>,
    body: Option<String>,
}

impl Attempt {
    async fn send(&self) -> Answer {
        let Self { caller, method, path, content_type, accept, body } = self.clone();
        caller
            .raw(method, &path, |mut request| {
                if let Some(accept) = accept {
                    request = request.header("accept", accept);
                }
                if let Some(content_type) = content_type {
                    request = request.header("content-type", content_type);
                }
                match body {
                    Some(body) => request.body(body),
                    None => request,
                }
            })
            .await
    }

    async fn is(&self, status: u16, rung: &str) {
        refused(&self.send().await, status, &format!("{} {}: {rung}", self.method, self.path));
    }
}

fn with(body: &Value, (pointer, value): (&str, Value)) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

/// Climbs the ladder to the first check that knows the addressed object; gives back the attempt as it is then.
async fn climb(stoa: &Stoa, case: &Case, method: Method, rest: &str, poor: &Caller) -> Attempt {
    let right = media(case.kind, case.version);
    let has_body = method == Method::POST || method == Method::PUT;
    let mut attempt = Attempt {
        caller: stoa.nobody(),
        method: Method::PATCH,
        path: format!("/api/meshobjects/nothings{rest}"),
        content_type: Some("application/json".into()),
        accept: Some("application/json".into()),
        body: has_body.then(|| "{".into()),
    };
    attempt.is(404, "the path is unknown").await;
    attempt.path = path(case.kind, rest);
    attempt.is(405, "the method is not offered").await;
    attempt.method = method;
    attempt.is(401, "no credential").await;
    attempt.caller = stoa.nobody().bearer("garbage");
    attempt.is(401, "no token of ours").await;
    attempt.caller = stoa.nobody().basic("nobody", "nothing");
    attempt.is(401, "no user of ours").await;
    attempt.caller = poor.clone();
    if has_body {
        let unknown = right.replace(case.version, "v99");
        let other = media("meshNothing", case.version);
        for content_type in [None, Some("application/json"), Some("*/*"), Some(&unknown), Some(&other)] {
            attempt.content_type = content_type.map(Into::into);
            attempt.is(415, "the content type is none of this path").await;
        }
        attempt.content_type = Some(right.clone());
    }
    let unknown = right.replace(case.version, "v99");
    for accept in [None, Some("application/json"), Some("*/*"), Some(&unknown)] {
        if accept.is_none() && attempt.method == Method::DELETE {
            continue;
        }
        attempt.accept = accept.map(Into::into);
        attempt.is(406, "no answer is acceptable").await;
    }
    attempt.accept = Some(right);
    if has_body {
        for body in ["{", "", "[]", "7", "\u{feff}{}"] {
            attempt.body = Some(body.into());
            attempt.is(400, "the body is no JSON object").await;
        }
        if let Some(pointer) = case.types {
            let wrong = with(&with(&case.theirs, case.rule.clone()), (pointer, json!({ "not": "a text" })));
            attempt.body = Some(wrong.to_string());
            attempt.is(400, "a member has another JSON type").await;
        }
        attempt.body = Some(with(&case.theirs, case.rule.clone()).to_string());
    }
    attempt
}

on_both! {
    async fn a_put_is_mended_step_by_step(stoa) {
        let poor = {
            stoa.workspace("poor").await;
            stoa.key("poor", &[]).await
        };
        for case in cases(&stoa).await {
            let before = everything(&stoa).await;
            let mut attempt = climb(&stoa, &case, Method::PUT, &format!("/{}", case.absent), &poor).await;
            attempt.is(403, "no right at all, and nothing there").await;
            assert_eq!(everything(&stoa).await, before, "{}", case.kind);

            let team = stoa.key("shop", &[&format!("{}_SAVE", case.code)]).await;
            let before = everything(&stoa).await;
            attempt.caller = team;
            attempt.is(404, "nothing there").await;
            attempt.path = path(case.kind, &format!("/{}", case.foreign));
            attempt.is(403, "another workspace's").await;
            attempt.path = path(case.kind, &format!("/{}", case.own));
            attempt.body = Some(with(&case.good, case.rule.clone()).to_string());
            attempt.is(400, "a rule is broken").await;
            assert_eq!(everything(&stoa).await, before, "{}", case.kind);
            attempt.body = Some(case.good.to_string());
            attempt.send().await.expect(200);
        }
    }

    async fn a_post_is_mended_step_by_step(stoa) {
        let poor = {
            stoa.workspace("poor").await;
            stoa.key("poor", &[]).await
        };
        for case in cases(&stoa).await {
            let before = everything(&stoa).await;
            let mut attempt = climb(&stoa, &case, Method::POST, "", &poor).await;
            attempt.is(403, "no right at all").await;
            assert_eq!(everything(&stoa).await, before, "{}", case.kind);

            let team = stoa.key("shop", &[&format!("{}_SAVE", case.code)]).await;
            let before = everything(&stoa).await;
            attempt.caller = team;
            attempt.is(403, "for another workspace").await;
            attempt.body = Some(with(&case.good, case.rule.clone()).to_string());
            attempt.is(400, "a rule is broken").await;
            if case.kind == "meshProject" {
                attempt.body = Some(case.good.to_string());
                attempt.is(409, "the name is taken").await;
            }
            assert_eq!(everything(&stoa).await, before, "{}", case.kind);
            let mut good = case.good.clone();
            if case.kind == "meshProject" {
                good["metadata"]["name"] = json!("api");
            }
            attempt.body = Some(good.to_string());
            attempt.send().await.expect(201);
        }
    }

    async fn a_delete_and_a_get_are_mended_step_by_step(stoa) {
        let poor = {
            stoa.workspace("poor").await;
            stoa.key("poor", &[]).await
        };
        for case in cases(&stoa).await {
            for (method, right, done) in [(Method::GET, "LIST", 200), (Method::DELETE, "DELETE", 204)] {
                let before = everything(&stoa).await;
                let mut attempt = climb(&stoa, &case, method, &format!("/{}", case.absent), &poor).await;
                attempt.is(403, "no right at all, and nothing there").await;
                assert_eq!(everything(&stoa).await, before, "{}", case.kind);
                let team = stoa.key("shop", &[&format!("{}_{right}", case.code)]).await;
                let before = everything(&stoa).await;
                attempt.caller = team;
                attempt.is(404, "nothing there").await;
                attempt.path = path(case.kind, &format!("/{}", case.foreign));
                attempt.is(403, "another workspace's").await;
                assert_eq!(everything(&stoa).await, before, "{}", case.kind);
                attempt.path = path(case.kind, &format!("/{}", case.own));
                attempt.send().await.expect(done);
            }
        }
    }

    async fn a_workspace_in_use_is_refused_last(stoa) {
        let poor = {
            stoa.workspace("poor").await;
            stoa.key("poor", &[]).await
        };
        cases(&stoa).await;
        let team = stoa.key("shop", &["WORKSPACE_DELETE"]).await;
        let before = everything(&stoa).await;
        for (caller, id, status) in [
            (&poor, "nothing", 403),
            (&team, "nothing", 404),
            (&team, "rival", 403),
            (&team, "shop", 409),
            (&stoa.admin, "shop", 409),
        ] {
            refused(&caller.delete("meshWorkspace", &format!("/{id}")).await, status, id);
        }
        assert_eq!(everything(&stoa).await, before);
    }

    async fn an_old_token_is_refused_before_anything_is_read(stoa) {
        stoa.workspace("shop").await;
        let key = stoa.key("shop", &["PROJECT_SAVE"]).await;
        stoa.admin.delete("meshApiKey", &format!("/{}", key.client_id)).await.expect(204);
        let expired = stoa.admin.clone();
        stoa.advance(Duration::from_mins(6));
        for caller in [key, expired] {
            let attempt = Attempt {
                caller,
                method: Method::POST,
                path: path("meshProject", ""),
                content_type: None,
                accept: None,
                body: Some("{".into()),
            };
            attempt.is(401, "the credential is over").await;
        }
    }
}
