//! Connection tests of platforms: every check, well and badly (`domain-platforms.md` §9.5).

use super::{at, custom, kubernetes, operate, private, tenant_definition, uuid, with, zone};
use crate::on_both;
use crate::stoa::{Caller, input, shared_key};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KIND: &str = "meshPlatform";

async fn tested(caller: &Caller, platform: &Value) -> Value {
    let path = format!("platforms/{}/connection-tests", uuid(platform));
    operate(caller, Method::POST, &path, None).await.expect(200)
}

/// The results by check, in their order.
fn results(test: &Value) -> Vec<(String, String)> {
    let checks = test["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            let text = |name: &str| check[name].as_str().unwrap().to_owned();
            assert!(!text("message").is_empty());
            let needs_advice = ["WARN", "FAIL"].contains(&text("result").as_str());
            assert_eq!(check["advice"].is_string(), needs_advice, "{check}");
            (text("check"), text("result"))
        })
        .collect()
}

#[track_caller]
fn found(test: &Value, check: &str) -> (String, String) {
    let checks = test["checks"].as_array().unwrap();
    let check = checks.iter().find(|found| found["check"] == check).unwrap_or_else(|| panic!("no {check}"));
    let text = |name: &str| check[name].as_str().unwrap().to_owned();
    (text("result"), text("message"))
}

/// An HTTP server that answers every request with this text; its address.
async fn endpoint(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = [0; 4096];
            let count = stream.read(&mut read).await.unwrap_or(0);
            let said = String::from_utf8_lossy(&read[..count]).to_lowercase();
            assert!(!said.contains("authorization") && !said.contains("cookie"), "{said}");
            let _ = stream.write_all(answer.as_bytes()).await;
            if answer.is_empty() {
                held.push(stream);
            }
        }
    });
    format!("http://{address}/console")
}

fn id_output() -> Value {
    json!({
        "implementation": { "type": "manual", "manual": {}, "terraform": null },
        "inputs": { "id": input(json!({ "assignmentType": "STATIC", "argument": "x" })) },
        "outputs": { "id": { "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID" } },
    })
}

on_both! {
    async fn a_custom_platform_is_tested_step_by_step(stoa) {
        for name in ["edge-ops", "data-guild", "rival"] {
            stoa.workspace(name).await;
        }
        let team = stoa.key("edge-ops", &["PLATFORMINSTANCE_SAVE", "PLATFORMINSTANCE_LIST"]).await;
        let mut body = with(private("p", "edge-ops", custom()), "/spec/endpoint", json!(""));
        body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let made = team.create(KIND, &body).await;
        let bare = tested(&team, &made).await;
        assert_eq!(bare["result"], "FAIL");
        let pairs = |all: &[(&str, &str)]| all.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<(String, String)>>();
        assert_eq!(results(&bare), pairs(&[
            ("TYPE_ACTIVE", "PASS"), ("DEFINITION_PRESENT", "FAIL"), ("ID_OUTPUT", "FAIL"), ("INPUTS_COMPLETE", "PASS"),
            ("RUNNER_ALIVE", "SKIPPED"), ("ENDPOINT_REACHABLE", "SKIPPED"), ("DRY_RUN", "WARN"),
        ]));
        let definition = tenant_definition(&stoa, "edge-ops", &["STACKIT"], id_output()).await;
        let place = with(zone("z", "edge-ops", &uuid(&made)), "/spec/mandatoryBuildingBlockRefs", json!([{ "uuid": definition }]));
        stoa.admin.create("meshLandingZone", &place).await;
        let good = tested(&team, &made).await;
        assert_eq!(good["result"], "WARN", "only the dry run is missing: {good}");
        assert_eq!(results(&good), pairs(&[
            ("TYPE_ACTIVE", "PASS"), ("DEFINITION_PRESENT", "PASS"), ("ID_OUTPUT", "PASS"), ("INPUTS_COMPLETE", "PASS"),
            ("RUNNER_ALIVE", "SKIPPED"), ("ENDPOINT_REACHABLE", "SKIPPED"), ("DRY_RUN", "WARN"),
        ]));
        // Two blocks that both tell the id are one too many; a landing zone that is off does not count.
        let second = tenant_definition(&stoa, "edge-ops", &["STACKIT"], id_output()).await;
        let both = with(place.clone(), "/spec/mandatoryBuildingBlockRefs", json!([{ "uuid": definition }, { "uuid": second }]));
        stoa.admin.put("meshLandingZone", "/z", &both).await.expect(200);
        let (result, message) = found(&tested(&team, &made).await, "ID_OUTPUT");
        assert!(result == "FAIL" && message.contains("2 PLATFORM_TENANT_ID"), "{message}");
        stoa.admin.put("meshLandingZone", "/z", &place).await.expect(200);
        stoa.admin.delete("meshLandingZone", "/z").await.expect(204);
        assert_eq!(found(&tested(&team, &made).await, "ID_OUTPUT").0, "FAIL");

        // The latest five are kept, newest first, for those who may see how the platform is reached.
        let last = tested(&stoa.admin, &made).await;
        let path = format!("platforms/{}/connection-tests", uuid(&made));
        let guild = stoa.key("data-guild", &["PLATFORMINSTANCE_LIST", "PLATFORMINSTANCE_SAVE"]).await;
        for caller in [&team, &guild] {
            let kept = operate(caller, Method::GET, &path, None).await.expect(200);
            assert_eq!(kept["tests"].as_array().unwrap().len(), 5);
            assert_eq!(kept["tests"][0], last);
            assert_eq!(kept["tests"][3], good);
        }
        operate(&guild, Method::POST, &path, None).await.refused(403, "PLATFORMINSTANCE_SAVE");
        let rival = stoa.key("rival", &["PLATFORMINSTANCE_LIST", "PLATFORMINSTANCE_SAVE"]).await;
        operate(&rival, Method::GET, &path, None).await.refused(404, &uuid(&made));
        operate(&rival, Method::POST, &path, None).await.refused(403, "PLATFORMINSTANCE_SAVE");
        operate(&team, Method::POST, "platforms/nonsense/connection-tests", None).await.refused(404, "nonsense");
        // None of this is declared.
        assert_eq!(team.put(KIND, &at(&made), &made).await.expect(200), made);
        assert_eq!(stoa.admin.list("meshEventLog", "?title=Platform%20Changed").await.len(), 0);
    }

    async fn types_inputs_and_runners_are_looked_at(stoa) {
        let kind = json!({
            "metadata": { "name": "EDGE", "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "E", "category": "CUSTOM", "icon": "data:image/png;base64,AA" },
        });
        stoa.admin.create("meshPlatformType", &kind).await;
        let config = with(custom(), "/custom/platformTypeRef/name", json!("EDGE"));
        let made = stoa.admin.create(KIND, &private("p", "demo-partner", config)).await;
        let runner = stoa.admin.create("meshBuildingBlockRunner", &json!({
            "metadata": { "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "Edge runner", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
        })).await;
        let change = json!({
            "runnerRef": { "kind": "meshBuildingBlockRunner", "uuid": uuid(&runner) },
            "inputs": {
                "size": input(json!({})),
                "colour": input(json!({ "defaultValue": "red" })),
            },
            "outputs": { "id": { "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID" } },
        });
        tenant_definition(&stoa, "demo-partner", &["EDGE"], change).await;
        let test = tested(&stoa.admin, &made).await;
        let (result, message) = found(&test, "INPUTS_COMPLETE");
        assert!(result == "WARN" && message.contains("size of Connector") && !message.contains("colour"), "{message}");
        let (result, message) = found(&test, "RUNNER_ALIVE");
        assert!(result == "FAIL" && message.contains("Edge runner never"), "{message}");
        let claim = format!("/create?forRunnerUuid={}", uuid(&runner));
        stoa.admin.act("meshBuildingBlockRun", &claim).await.refused(404, "");
        assert_eq!(found(&tested(&stoa.admin, &made).await, "RUNNER_ALIVE").0, "PASS");
        stoa.advance(Duration::from_mins(6));
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        let (result, message) = found(&tested(&admin, &made).await, "RUNNER_ALIVE");
        assert!(result == "FAIL" && message.contains("reported last"), "{message}");
        admin.delete("meshPlatformType", "/EDGE").await.expect(204);
        assert_eq!(found(&tested(&admin, &made).await, "TYPE_ACTIVE").0, "FAIL");
    }

    async fn the_endpoint_may_say_anything_but_nothing(stoa) {
        let made = stoa.admin.create(KIND, &private("p", "demo-partner", custom())).await;
        // Nobody is given this port by the system, so nobody listens there.
        let nowhere = "http://127.0.0.1:1/".to_owned();
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        for (address, expected, says) in [
            (endpoint("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await, "PASS", "200"),
            (endpoint("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await, "PASS", "401"),
            (endpoint("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n").await, "PASS", "500"),
            (endpoint(elsewhere).await, "PASS", "302"),
            (endpoint("nonsense\r\n\r\n").await, "WARN", "cannot be reached"),
            (nowhere, "WARN", "cannot be reached"),
            ("ftp://dockyard.example".to_owned(), "WARN", "no http"),
            ("dockyard".to_owned(), "WARN", "no http"),
            (endpoint("").await, "WARN", "within"),
        ] {
            let body = with(made.clone(), "/spec/endpoint", json!(address));
            stoa.admin.put(KIND, &at(&made), &body).await.expect(200);
            let started = Instant::now();
            let (result, message) = found(&tested(&stoa.admin, &made).await, "ENDPOINT_REACHABLE");
            assert_eq!(result, expected, "{address}: {message}");
            assert!(message.contains(says), "{message}");
            assert!(started.elapsed() < Duration::from_mins(1), "{address}");
        }
    }

    async fn platforms_without_a_replicator_say_so(stoa) {
        let made = stoa.admin.create(KIND, &private("p", "demo-partner", kubernetes())).await;
        let test = tested(&stoa.admin, &made).await;
        assert_eq!(test["result"], "FAIL");
        let (result, message) = found(&test, "REPLICATOR");
        assert!(result == "FAIL" && message.contains("no replicator for KUBERNETES"), "{message}");
        assert_eq!(found(&test, "CONFIGURED").0, "FAIL");
        assert_eq!(found(&test, "TYPE_ACTIVE").0, "PASS");
    }

    async fn operators_see_tenants_across_workspaces(stoa) {
        stoa.workspace("shop").await;
        let project = json!({ "metadata": { "name": "web", "ownedByWorkspace": "shop" }, "spec": { "displayName": "W" } });
        stoa.admin.create("meshProject", &project).await;
        let open = with(private("p", "demo-partner", custom()), "/spec/availability", json!({
            "restriction": "PUBLIC", "publicationState": "PUBLISHED",
        }));
        let made = stoa.admin.create(KIND, &open).await;
        stoa.admin.create("meshLandingZone", &zone("z", "demo-partner", &uuid(&made))).await;
        let tenants = async |caller: &Caller, path: &str| {
            let found = operate(caller, Method::GET, path, None).await.expect(200);
            found["_embedded"]["meshTenants"].as_array().unwrap().len()
        };
        let of_platform = format!("platforms/{}/tenants", uuid(&made));
        assert_eq!(tenants(&stoa.admin, &of_platform).await, 0);
        let tenant = json!({
            "metadata": { "ownedByWorkspace": "shop", "ownedByProject": "web" },
            "spec": { "platformRef": { "uuid": uuid(&made) }, "landingZoneRef": { "name": "z" } },
        });
        stoa.admin.create("meshTenant", &tenant).await;
        let owner = stoa.key("demo-partner", &["PLATFORMINSTANCE_LIST", "LANDINGZONE_LIST"]).await;
        for caller in [&stoa.admin, &owner] {
            assert_eq!(tenants(caller, &of_platform).await, 1);
            assert_eq!(tenants(caller, "landingzones/z/tenants").await, 1);
        }
        // Consumers see the platform, and not who else is on it.
        let shop = stoa.key("shop", &["PLATFORMINSTANCE_LIST", "LANDINGZONE_LIST"]).await;
        operate(&shop, Method::GET, &of_platform, None).await.refused(403, "PLATFORMINSTANCE_LIST");
        operate(&shop, Method::GET, "landingzones/z/tenants", None).await.refused(403, "LANDINGZONE_LIST");
    }
}
