//! §1, §2 and §13 to §15: what real clients send that is not quite by the book, one case per line.

use crate::on_both;
use crate::stoa::{Answer, Caller, SHARED, Stoa, media, shared_key, text};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use std::convert::Infallible;

const RUN: &str = "meshBuildingBlockRun";
const RUNS: &str = "/api/meshobjects/meshbuildingblockruns";

/// One request as a client sends it.
struct Odd {
    /// Which client, and what is odd.
    what: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    /// Sent in pieces without a length.
    chunked: bool,
    status: u16,
}

impl Odd {
    async fn send(self, caller: &Caller) -> Answer {
        let Self { what, method, path, headers, body, chunked, status } = self;
        let with = |mut request: RequestBuilder| {
            for (name, value) in headers {
                request = request.header(name, value);
            }
            match body {
                Some(body) if chunked => {
                    let pieces = body.into_bytes();
                    let pieces: Vec<_> =
                        pieces.chunks(7).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
                    request.body(Body::wrap_stream(futures_util::stream::iter(pieces)))
                }
                Some(body) => request.body(body),
                None => request,
            }
        };
        let answer = caller.raw(method, &path, with).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        answer
    }
}

/// A request with both headers of a media type.
fn odd(
    what: &'static str,
    method: Method,
    path: String,
    media: &str,
    body: Option<Value>,
    status: u16,
) -> Odd {
    let headers = vec![("accept", media.to_owned()), ("content-type", media.to_owned())];
    Odd { what, method, path, headers, body: body.map(|body| body.to_string()), chunked: false, status }
}

async fn ordered(stoa: &Stoa) -> String {
    let (_, version) = stoa.definition("demo-partner", json!({})).await;
    text(&stoa.order(&stoa.admin, &version, "shop", json!({})).await, "/status/latestRunUuid")
}

on_both! {
    async fn clients_are_taken_as_they_are(stoa) {
        stoa.workspace("shop").await;
        let lower = media(RUN, "v1");
        let camel = lower.replace("meshbuildingblockrun", "meshBuildingBlockRun");
        let claim = format!("{RUNS}/create?forRunnerUuid={SHARED}");
        let user = stoa
            .admin
            .create(
                "meshApiUser",
                &json!({
                    "metadata": { "name": "runner" }, "spec": { "displayName": "Runner" },
                }),
            )
            .await;
        let basic = stoa.nobody().basic("runner", &text(&user, "/status/password"));

        // Claims: a content type without a body, in any case, with parameters, by password.
        for (what, caller, media) in [
            ("tf: content type on an empty body", &stoa.admin, lower.clone()),
            ("provider: camel case", &stoa.admin, camel.clone()),
            ("JVM: charset", &stoa.admin, format!("{lower}; charset=utf-8")),
            ("legacy: HTTP Basic", &basic, lower.clone()),
        ] {
            ordered(&stoa).await;
            odd(what, Method::POST, claim.clone(), &media, None, 201).send(caller).await;
        }
        ordered(&stoa).await;
        let mut empty =
            odd("run-controller: an empty text as body", Method::POST, claim.clone(), &lower, None, 201);
        empty.body = Some(String::new());
        let run = empty.send(&stoa.admin).await.json();
        let id = text(&run, "/metadata/uuid");
        let runner = stoa.nobody().bearer(&text(&run, "/spec/runToken"));
        let register = format!("{RUNS}/{id}/status/source");
        let report = |source: &str| format!("{RUNS}/{id}/status/source/{source}");

        let go = json!({
            "source": { "id": SHARED, "externalRunId": null, "externalRunUrl": null },
            "steps": [
                { "id": "a", "displayName": "A", "status": null },
                { "id": "b", "displayName": "B", "status": null },
            ],
        });
        let action = json!({
            "source": {
                "id": "github", "externalRunId": 17_234_567_890_u64, "externalRunUrl": "https://github.com/x",
            },
            "steps": [{ "id": "deploy", "displayName": "Deploy" }],
        });
        let jvm = json!({
            "status": "IN_PROGRESS", "summary": null, "artifact": null, "changesDetected": null,
            "steps": [{
                "id": "a", "displayName": null, "status": "SUCCEEDED", "userMessage": null,
                "systemMessage": null, "outputs": null,
            }],
        });
        let tf = json!({
            "blockRunId": id, "source": SHARED, "type": "TERRAFORM", "createdOn": 1_790_000_000,
            "summary": null,
            "status": "IN_PROGRESS",
            "steps": [{ "id": "b", "displayName": "B", "status": "IN_PROGRESS", "systemMessage": "…" }],
        });
        let send_status = json!({
            "status": "IN_PROGRESS",
            "steps": [{
                "id": "deploy", "status": "SUCCEEDED", "userMessage": "", "systemMessage": "", "outputs": {},
            }],
        });
        let failed_start =
            json!({ "status": null, "summary": "no space", "steps": null, "type": "TERRAFORM" });
        let unknown =
            json!({ "status": "IN_PROGRESS", "flavour": "new", "steps": [{ "id": "a", "weight": 3 }] });
        let post =
            |what, body: &Value| odd(what, Method::POST, register.clone(), &lower, Some(body.clone()), 200);
        let patch = |what, source, body: &Value| {
            odd(what, Method::PATCH, report(source), &lower, Some(body.clone()), 200)
        };
        let mut in_pieces = patch("a proxy: chunked, no length", SHARED, &tf);
        in_pieces.chunked = true;
        let mut register_in_pieces = post("a proxy: chunked registration", &go);
        register_in_pieces.chunked = true;
        for case in [
            post("tf: steps with null states", &go),
            post("tf: registered once more", &go),
            post("register action: a number as id", &action),
            post("register action: on a re-run job", &action),
            register_in_pieces,
            patch("JVM: null everywhere", SHARED, &jvm),
            patch("tf: its own fields besides", SHARED, &tf),
            in_pieces,
            patch("send-status action: empty texts", "github", &send_status),
            patch("tf: start failure without steps", SHARED, &failed_start),
            patch("a newer client: unknown fields", SHARED, &unknown),
            odd(
                "pipelines: a trailing slash",
                Method::PATCH,
                format!("{}/", report("github")),
                &lower,
                Some(send_status.clone()),
                200,
            ),
            odd("register action: reads the run", Method::GET, format!("{RUNS}/{id}"), &lower, None, 200),
            odd("in camel case", Method::GET, format!("{RUNS}/{id}"), &camel, None, 200),
        ] {
            let what = case.what;
            let answer = case.send(&runner).await;
            assert!(answer.json().is_object(), "{what}: {}", answer.text);
        }
        let logs = stoa.admin.logs(&id).await;
        let seen: Vec<(&Value, &Value)> = logs["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| (&step["displayName"], &step["status"]))
            .collect();
        assert_eq!(json!(seen), json!([["A", "SUCCEEDED"], ["B", "IN_PROGRESS"], ["Deploy", "SUCCEEDED"]]));
        assert_eq!(logs["steps"][1]["systemMessage"], "…");
        assert_eq!(logs["sources"][1]["externalRunId"], "17234567890");
        assert_eq!(logs["summary"], "no space");
        odd(
            "send-status: the final call",
            Method::PATCH,
            report("github"),
            &lower,
            Some(json!({ "status": "SUCCEEDED" })),
            200,
        )
        .send(&runner)
        .await;
        assert_eq!(stoa.admin.status_of(&id).await, "SUCCEEDED");
    }

    async fn what_cannot_be_meant_is_refused_in_words(stoa) {
        stoa.workspace("shop").await;
        ordered(&stoa).await;
        let run = stoa.claim().await;
        let lower = media(RUN, "v1");
        let register = format!("{RUNS}/{}/status/source", run.id);
        let report = format!("{register}/r");
        let unknown = format!("{RUNS}/00000000-0000-4000-8000-000000000000/status/source");
        let post = |what, body: Value| odd(what, Method::POST, register.clone(), &lower, Some(body), 400);
        let patch = |what, body: Value| odd(what, Method::PATCH, report.clone(), &lower, Some(body), 400);
        for (case, why) in [
            (post("no source", json!({})), "source.id"),
            (post("no source id", json!({ "source": {}, "steps": [] })), "source.id"),
            (post("an empty source id", json!({ "source": { "id": "" } })), "source.id"),
            (post("a path as source id", json!({ "source": { "id": "a/b" } })), "source.id"),
            (
                post(
                    "a step without id",
                    json!({ "source": { "id": "r" }, "steps": [{ "displayName": "A" }] }),
                ),
                "steps.id",
            ),
            (
                post(
                    "an unknown step state",
                    json!({ "source": { "id": "r" }, "steps": [{ "id": "a", "status": "DONE" }] }),
                ),
                "DONE",
            ),
            (post("steps as an object", json!({ "source": { "id": "r" }, "steps": { "a": 1 } })), "steps"),
            (patch("an unknown run state", json!({ "status": "DONE" })), "DONE"),
            (patch("a number as run state", json!({ "status": 1 })), "status"),
            (
                patch("an unknown step state", json!({ "steps": [{ "id": "a", "status": "RUNNING" }] })),
                "RUNNING",
            ),
            (patch("a step without id", json!({ "steps": [{ "status": "SUCCEEDED" }] })), "steps.id"),
            (patch("a step that is none", json!({ "steps": ["a"] })), "steps.id"),
            (patch("steps as a text", json!({ "steps": "all" })), "steps"),
            (odd("no such run", Method::PATCH, format!("{unknown}/r"), &lower, Some(json!({})), 404), ""),
            (
                odd(
                    "no such run",
                    Method::POST,
                    unknown.clone(),
                    &lower,
                    Some(json!({ "source": { "id": "r" } })),
                    404,
                ),
                "",
            ),
            (
                odd("plain JSON", Method::PATCH, report.clone(), "application/json", Some(json!({})), 415),
                "Content-Type",
            ),
            (
                odd(
                    "another kind",
                    Method::PATCH,
                    report.clone(),
                    &media("meshProject", "v2"),
                    Some(json!({})),
                    415,
                ),
                "",
            ),
            (odd("no body at all", Method::PATCH, report.clone(), &lower, None, 400), "JSON"),
            (odd("any answer", Method::GET, format!("{RUNS}/{}", run.id), "*/*", None, 406), "Accept"),
        ] {
            let (what, status) = (case.what, case.status);
            let answer = case.send(&stoa.admin).await;
            assert!(answer.text.contains(why), "{what}: {}", answer.text);
            answer.refused(status, why);
        }
        assert_eq!(stoa.admin.logs(&run.id).await["steps"], json!([]), "nothing half-done");
        assert_eq!(stoa.admin.status_of(&run.id).await, "IN_PROGRESS");
    }

    async fn login_takes_what_clients_send(stoa) {
        let (id, secret) = (&stoa.admin.client_id, &stoa.admin.client_secret);
        let json_of = |id: &str, secret: &str| json!({ "clientId": id, "clientSecret": secret }).to_string();
        let form_of = |id: &str, secret: &str| {
            format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
        };
        for (what, content_type, body, status) in [
            ("Go", "application/json", json_of(id, secret), 200),
            ("JVM", "application/json; charset=utf-8", json_of(id, secret), 200),
            ("action", "application/x-www-form-urlencoded", form_of(id, secret), 200),
            (
                "form with charset",
                "application/x-www-form-urlencoded;charset=UTF-8",
                form_of(id, secret),
                200,
            ),
            ("wrong secret", "application/json", json_of(id, "wrong"), 401),
            ("wrong secret in a form", "application/x-www-form-urlencoded", form_of(id, "wrong"), 401),
            (
                "unknown client",
                "application/json",
                json_of("00000000-0000-4000-8000-000000000000", secret),
                401,
            ),
            ("missing field", "application/json", json!({ "clientId": id }).to_string(), 400),
            ("missing field in a form", "application/x-www-form-urlencoded", format!("client_id={id}"), 400),
            (
                "unknown grant",
                "application/x-www-form-urlencoded",
                form_of(id, secret).replace("client_c", "c"),
                400,
            ),
            ("other content type", "text/plain", json_of(id, secret), 415),
        ] {
            for accept in [None, Some("text/html")] {
                let answer = stoa
                    .nobody()
                    .raw(Method::POST, "/api/login", |mut request| {
                        if let Some(accept) = accept {
                            request = request.header("accept", accept);
                        }
                        request.header("content-type", content_type).body(body.clone())
                    })
                    .await;
                assert_eq!(answer.status, status, "{what}: {}", answer.text);
                if status == 200 {
                    let body = answer.json();
                    assert!(
                        body["expires_in"].as_u64().unwrap() > 30 && body["expires_in"].is_u64(),
                        "{what}"
                    );
                    assert!(!text(&body, "/access_token").contains(char::is_whitespace), "{what}");
                }
            }
        }
    }

    async fn a_content_type_without_a_body_means_nothing(stoa) {
        stoa.workspace("shop").await;
        ordered(&stoa).await;
        let run = stoa.claim().await;
        run.end("SUCCEEDED").await;
        let block = format!("/api/meshobjects/meshbuildingblocks/{}", run.block());
        let accept = media("meshBuildingBlock", "v2-preview");
        for (method, path, status) in [
            (Method::GET, block.clone(), 200),
            (Method::POST, format!("{block}/trigger-run"), 202),
            (Method::DELETE, format!("{block}/purge"), 202),
            (Method::DELETE, block.clone(), 202),
        ] {
            let what = "a content type without a body";
            let mut case = odd(what, method, path, "application/json", None, status);
            case.headers[0].1.clone_from(&accept);
            case.send(&stoa.admin).await;
        }
    }

    async fn run_controller_registers_itself(stoa) {
        // It sends no restriction, and its type is always ALL (§15).
        let mut body = json!({
            "apiVersion": "v1-preview", "kind": "meshBuildingBlockRunner",
            "metadata": { "uuid": "00000000-0000-4000-8000-000000000000", "ownedByWorkspace": "demo-partner" },
            "spec": {
                "displayName": "run-controller", "publicKey": shared_key().public_pem(),
                "implementationType": "ALL",
                "workloadIdentityFederation": {
                    "issuer": "https://oidc.example.org", "subject": "system:serviceaccount:ns:x",
                    "gcp": { "audience": "gcp-workload-identity-provider:ns", "tokenPath": "/gcp/token" },
                    "aws": { "audience": "aws-workload-identity-provider:ns", "tokenPath": "/aws/token" },
                    "azure": { "audience": "api://AzureADTokenExchange", "tokenPath": "/azure/token" },
                },
            },
        });
        let key =
            stoa.key("demo-partner", &["BUILDINGBLOCKRUNNER_SAVE", "MANAGED_BUILDINGBLOCKRUN_SAVE"]).await;
        let unknown = "/00000000-0000-4000-8000-000000000000";
        key.put("meshBuildingBlockRunner", unknown, &body).await.refused(404, "");
        body["metadata"].as_object_mut().unwrap().remove("uuid");
        let uuid = text(&key.create("meshBuildingBlockRunner", &body).await, "/metadata/uuid");
        body["metadata"]["uuid"] = json!(uuid);
        for _ in 0..2 {
            key.put("meshBuildingBlockRunner", &format!("/{uuid}"), &body).await.expect(200);
        }
        assert!(key.claim_for(&uuid).await.is_none());
    }
}
