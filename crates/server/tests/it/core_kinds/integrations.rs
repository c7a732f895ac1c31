//! meshIntegration (`api-core.md` §3.14) and the secrets in it (§1.14).

use super::{names, redacted, with, without};
use crate::on_both;
use crate::stoa::{SHARED, Stoa, media, shared_key, text, version_body};
use serde_json::{Value, json};
use stoa_core::secrets::digest;

const KIND: &str = "meshIntegration";
const REPLICATOR: &str = "c8f4e7d2-3b1a-4c9e-8d5f-6a2b7c8d9e0f";
const METERING: &str = "a1b2c3d4-5e6f-7a8b-9c0d-1e2f3a4b5c6d";

fn body(workspace: &str, kind: &str, config: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": { "ownedByWorkspace": workspace },
        "spec": { "displayName": "Orchard", "config": { "type": kind, kind: config } },
        "status": null,
    })
}

fn github() -> Value {
    json!({
        "owner": "fruit", "baseUrl": "https://git.fruit.example", "appId": "4242",
        "appPrivateKey": { "plaintext": "-----BEGIN KEY-----" },
    })
}

fn azure() -> Value {
    json!({
        "baseUrl": "https://devops.fruit.example", "organization": "fruit",
        "personalAccessToken": { "plaintext": "pat-9f3" },
    })
}

fn entra() -> Value {
    json!({ "tenantId": "t-1", "clientId": "c-1", "clientSecret": { "plaintext": "s3cr3t" } })
}

fn gitlab() -> Value {
    json!({ "baseUrl": "https://lab.fruit.example" })
}

/// Type, its config in requests, its secret, its required members, and what it shows beside them.
type Type = (&'static str, Value, Option<&'static str>, &'static [&'static str], Value);

fn types() -> [Type; 4] {
    let runner = json!({ "runnerRef": { "kind": "meshBuildingBlockRunner", "uuid": SHARED } });
    [
        (
            "github",
            github(),
            Some("appPrivateKey"),
            &["owner", "baseUrl", "appId", "appPrivateKey"],
            runner.clone(),
        ),
        ("gitlab", gitlab(), None, &["baseUrl"], runner.clone()),
        (
            "azuredevops",
            azure(),
            Some("personalAccessToken"),
            &["baseUrl", "organization", "personalAccessToken"],
            runner,
        ),
        ("entraid", entra(), Some("clientSecret"), &["tenantId", "clientId", "clientSecret"], json!({})),
    ]
}

fn id(object: &Value) -> String {
    format!("/{}", text(object, "/metadata/uuid"))
}

async fn types_found(stoa: &Stoa, query: &str) -> Vec<String> {
    let found = stoa.admin.list(KIND, query).await;
    found.iter().map(|item| text(item, "/spec/config/type")).collect()
}

on_both! {
    async fn every_type_shows_its_fields_and_nothing_else(stoa) {
        for (kind, config, secret, _, more) in types() {
            let answer = stoa.admin.post(KIND, "", &body("demo-partner", kind, config.clone())).await;
            assert_eq!(answer.headers["content-type"], media(KIND, "v1"));
            let made = answer.expect(201);
            let uuid = text(&made, "/metadata/uuid");
            let mut expected = config;
            if let Some(secret) = secret {
                let hash = text(&made, &format!("/spec/config/{kind}/{secret}/hash"));
                // Secrets that the server keeps show the digest of their ciphertext.
                let form = if kind == "entraid" { "sha256:" } else { "hmac-sha256:" };
                assert!(hash.starts_with(form) && hash.len() == form.len() + 64, "{hash}");
                let bare = digest(&made_plain(&expected, secret));
                assert!(!hash.contains(&bare), "not the digest of the plaintext");
                expected[secret] = json!({ "hash": hash });
            }
            for (name, value) in more.as_object().unwrap() {
                expected[name] = value.clone();
            }
            if kind == "entraid" {
                expected["redirectUrl"] = json!(format!("{}/auth/callback/entraid/{uuid}", stoa.url));
            }
            assert_eq!(
                redacted(made.clone(), &["/metadata/uuid", "/metadata/createdOn"]),
                json!({
                    "kind": KIND,
                    "apiVersion": "v1",
                    "metadata": { "uuid": "<uuid>", "ownedByWorkspace": "demo-partner", "createdOn": "<instant>" },
                    "spec": { "displayName": "Orchard", "config": { "type": kind, kind: expected } },
                    "status": { "isBuiltIn": false },
                    "_links": { "self": { "href": format!("{}/api/meshobjects/meshintegrations/{uuid}", stoa.url) } },
                })
            );
            assert_eq!(stoa.admin.get(KIND, &id(&made)).await.expect(200), made);
            assert!(stoa.admin.list(KIND, "").await.contains(&made));
            // What was read may be sent back whole: secrets by their hash.
            assert_eq!(stoa.admin.put(KIND, &id(&made), &made).await.expect(200), made);
            let renamed = with(made.clone(), "/spec/displayName", json!("Renamed"));
            assert_eq!(stoa.admin.put(KIND, &id(&made), &renamed).await.expect(200), renamed);
        }
    }

    async fn required_members_and_types(stoa) {
        for (kind, config, _, required, _) in types() {
            let good = body("demo-partner", kind, config);
            for member in required {
                let (pointer, field) =
                    (format!("/spec/config/{kind}/{member}"), format!("spec.config.{kind}.{member}"));
                names(stoa.admin.post(KIND, "", &without(good.clone(), &pointer)).await, &field);
                names(stoa.admin.post(KIND, "", &with(good.clone(), &pointer, Value::Null)).await, &field);
                names(stoa.admin.post(KIND, "", &with(good.clone(), &pointer, json!(5))).await, &field);
            }
            let field = format!("spec.config.{kind}");
            names(
                stoa.admin.post(KIND, "", &without(good.clone(), &format!("/spec/config/{kind}"))).await,
                &field,
            );
            let other = if kind == "gitlab" { "github" } else { "gitlab" };
            let both = with(good.clone(), &format!("/spec/config/{other}"), gitlab());
            names(stoa.admin.post(KIND, "", &both).await, &format!("spec.config.{other}"));
            let renamed = with(good.clone(), "/spec/config/type", json!(other));
            stoa.admin.post(KIND, "", &renamed).await.refused(400, "spec.config");
        }
        let good = body("demo-partner", "gitlab", gitlab());
        for bad in ["GITLAB", "replicator", "metering", "svn", ""] {
            names(
                stoa.admin.post(KIND, "", &with(good.clone(), "/spec/config/type", json!(bad))).await,
                "spec.config.type",
            );
        }
        for (missing, field) in [
            ("/metadata/ownedByWorkspace", "metadata.ownedByWorkspace"),
            ("/spec/displayName", "spec.displayName"),
            ("/spec/config", "spec.config"),
            ("/spec/config/type", "spec.config.type"),
        ] {
            names(stoa.admin.post(KIND, "", &without(good.clone(), missing)).await, field);
        }
        stoa.admin.post(KIND, "", &body("nowhere", "gitlab", gitlab())).await.refused(404, "nowhere");
        // Single sign-on belongs to the administrators.
        stoa.workspace("orchard").await;
        names(
            stoa.admin.post(KIND, "", &body("orchard", "entraid", entra())).await,
            "metadata.ownedByWorkspace",
        );
    }

    async fn secrets_are_kept_by_hash_and_rotated_by_plaintext(stoa) {
        for (kind, config, secret, ..) in types() {
            let Some(secret) = secret else { continue };
            let pointer = format!("/spec/config/{kind}/{secret}");
            let field = format!("spec.config.{kind}.{secret}");
            let made = stoa.admin.create(KIND, &body("demo-partner", kind, config.clone())).await;
            let hash = made.pointer(&pointer).unwrap().clone();
            assert!(!hash["hash"].as_str().unwrap().contains("plaintext"));
            for _ in 0..2 {
                assert_eq!(stoa.admin.get(KIND, &id(&made)).await.expect(200).pointer(&pointer), Some(&hash));
            }
            for (given, of) in [
                (json!({}), field.clone()),
                (json!({ "hash": "" }), format!("{field}.hash")),
                (json!({ "plaintext": "" }), format!("{field}.plaintext")),
                (json!({ "plaintext": " " }), format!("{field}.plaintext")),
                (json!({ "plaintext": 7 }), format!("{field}.plaintext")),
                (json!("plain"), field.clone()),
            ] {
                let wrong = with(made.clone(), &pointer, given);
                names(stoa.admin.put(KIND, &id(&made), &wrong).await, &of);
            }
            // A POST has no secret that a hash could name.
            let posted = with(body("demo-partner", kind, config.clone()), &pointer, hash.clone());
            names(stoa.admin.post(KIND, "", &posted).await, &format!("{field}.hash"));
            assert_eq!(stoa.admin.get(KIND, &id(&made)).await.expect(200), made, "nothing half-done");

            let rotate = |value: Value| with(made.clone(), &pointer, value);
            let rotated = stoa
                .admin
                .put(KIND, &id(&made), &rotate(json!({ "plaintext": "another" })))
                .await
                .expect(200);
            let fresh = rotated.pointer(&pointer).unwrap();
            assert_ne!(fresh, &hash);
            assert_eq!(fresh.as_object().unwrap().keys().collect::<Vec<_>>(), ["hash"]);
            for stale in [hash.clone(), json!({ "hash": "hmac-sha256:00" }), json!({ "hash": "sha256:00" })] {
                let answer = stoa.admin.put(KIND, &id(&made), &rotate(stale)).await;
                answer.refused(409, &format!("{field}.hash"));
            }
            // Once more, the same plaintext is no change.
            let again = rotate(json!({ "plaintext": "another" }));
            assert_eq!(stoa.admin.put(KIND, &id(&made), &again).await.expect(200), rotated);
            // With both, plaintext wins. Sealed to a runner, the same secret has the same hash.
            let plain = made_plain(&config, secret);
            let both = json!({ "plaintext": plain, "hash": "hmac-sha256:00" });
            let back = stoa.admin.put(KIND, &id(&made), &rotate(both)).await.expect(200);
            assert_eq!(back.pointer(&pointer) == Some(&hash), kind != "entraid");
        }
    }

    async fn owner_type_and_uuid_stay(stoa) {
        stoa.workspace("orchard").await;
        let made = stoa.admin.create(KIND, &body("orchard", "gitlab", gitlab())).await;
        let path = id(&made);
        let put = |pointer: &'static str, value: Value| {
            let (admin, path, wrong) = (stoa.admin.clone(), path.clone(), with(made.clone(), pointer, value));
            async move { admin.put(KIND, &path, &wrong).await }
        };
        names(put("/metadata/ownedByWorkspace", json!("demo-partner")).await, "metadata.ownedByWorkspace");
        names(put("/metadata/uuid", json!(REPLICATOR)).await, "metadata.uuid");
        names(put("/spec/config", json!({ "type": "github", "github": github() })).await, "spec.config.type");
        put("/metadata/uuid", Value::Null).await.expect(200);
        let nobody = "/00000000-0000-4000-8000-000000000000";
        stoa.admin.put(KIND, nobody, &made).await.refused(404, &nobody[1..]);
        // The address of the callback is the client's, once it says one.
        let entra = with(entra(), "/redirectUrl", json!("https://elsewhere.example/back"));
        let made = stoa.admin.create(KIND, &body("demo-partner", "entraid", entra)).await;
        let bare = without(made.clone(), "/spec/config/entraid/redirectUrl");
        assert_eq!(made["spec"]["config"]["entraid"]["redirectUrl"], "https://elsewhere.example/back");
        let kept = stoa.admin.put(KIND, &id(&made), &bare).await.expect(200);
        assert_eq!(kept["spec"]["config"]["entraid"]["redirectUrl"], "https://elsewhere.example/back");
    }

    async fn it_may_name_a_runner_of_its_own(stoa) {
        stoa.workspace("orchard").await;
        let runner = stoa.admin.create("meshBuildingBlockRunner", &json!({
            "metadata": { "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "r", "publicKey": shared_key().public_pem(), "implementationType": "ALL" },
        })).await;
        let uuid = text(&runner, "/metadata/uuid");
        let field = "spec.config.gitlab.runnerRef";
        let with_runner =
            |reference: Value| body("orchard", "gitlab", with(gitlab(), "/runnerRef", reference));
        let made = stoa.admin.create(KIND, &with_runner(json!({ "uuid": uuid }))).await;
        let expected = json!({ "kind": "meshBuildingBlockRunner", "uuid": uuid });
        assert_eq!(made["spec"]["config"]["gitlab"]["runnerRef"], expected);
        names(stoa.admin.post(KIND, "", &with_runner(json!({ "uuid": REPLICATOR }))).await, field);
        stoa.admin.delete("meshBuildingBlockRunner", &format!("/{uuid}")).await.refused(409, &id(&made)[1..]);
        // Left out, it is the shared runner again, also under its retired uuid.
        let back = stoa.admin.put(KIND, &id(&made), &body("orchard", "gitlab", gitlab())).await.expect(200);
        assert_eq!(back["spec"]["config"]["gitlab"]["runnerRef"]["uuid"], SHARED);
        let retired = with_runner(json!({ "uuid": "11111111-2222-4333-8444-555555555555" }));
        let made = stoa.admin.create(KIND, &retired).await;
        assert_eq!(made["spec"]["config"]["gitlab"]["runnerRef"]["uuid"], SHARED);
        stoa.admin.delete("meshBuildingBlockRunner", &format!("/{uuid}")).await.expect(204);
    }

    async fn filters_narrow_the_list(stoa) {
        stoa.workspace("orchard").await;
        for (owner, (kind, config, ..)) in
            ["orchard", "orchard", "orchard", "demo-partner"].iter().zip(types())
        {
            let named = with(body(owner, kind, config), "/spec/displayName", json!(format!("My {kind}")));
            stoa.admin.create(KIND, &named).await;
        }
        for (query, expected) in [
            ("", &["metering", "replicator", "github", "gitlab", "azuredevops", "entraid"][..]),
            ("?ownedByWorkspace=orchard", &["github", "gitlab", "azuredevops"]),
            ("?ownedByWorkspace=nowhere", &[]),
            ("?displayName=My%20gitlab", &["gitlab"]),
            ("?displayName=my%20gitlab", &[]),
            ("?type=GITHUB", &["github"]),
            ("?type=github", &["github"]),
            ("?type=GITLAB", &["gitlab"]),
            ("?type=AZURE_DEVOPS", &["azuredevops"]),
            ("?type=azuredevops", &["azuredevops"]),
            ("?type=ENTRA_ID", &["entraid"]),
            ("?type=REPLICATOR", &["replicator"]),
            ("?type=metering", &["metering"]),
            ("?type=GITHUB&ownedByWorkspace=demo-partner", &[]),
        ] {
            assert_eq!(types_found(&stoa, query).await, expected, "{query}");
        }
        names(stoa.admin.get(KIND, "?type=SVN").await, "type");
    }

    async fn built_ins_are_there_for_everybody_and_for_good(stoa) {
        stoa.workspace("orchard").await;
        let reader = stoa.key("orchard", &["INTEGRATION_LIST"]).await;
        let seen = reader.list(KIND, "").await;
        assert_eq!(seen.len(), 2);
        for (built_in, (name, uuid)) in seen.iter().zip([("metering", METERING), ("replicator", REPLICATOR)])
        {
            assert_eq!(&reader.get(KIND, &format!("/{uuid}")).await.expect(200), built_in);
            assert_eq!(built_in["metadata"]["uuid"], uuid);
            assert_eq!(built_in["metadata"]["ownedByWorkspace"], "demo-partner");
            assert_eq!(built_in["spec"]["config"], json!({ "type": name }));
            assert_eq!(built_in["status"]["isBuiltIn"], true);
            let federation = &built_in["status"]["workloadIdentityFederation"];
            for pointer in ["/issuer", "/subject", "/gcp/audience", "/aws/audience", "/azure/audience"] {
                assert!(!text(federation, pointer).is_empty());
            }
            let changed = with(built_in.clone(), "/spec/displayName", json!("Mine"));
            stoa.admin.put(KIND, &format!("/{uuid}"), &changed).await.refused(403, "uilt-in");
            stoa.admin.delete(KIND, &format!("/{uuid}")).await.refused(403, "uilt-in");
        }
        let writer = stoa.key("orchard", &["INTEGRATION_SAVE"]).await;
        writer.get(KIND, &format!("/{METERING}")).await.refused(403, "INTEGRATION_LIST");
    }

    async fn a_key_sees_its_own_only(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        let own = stoa.admin.create(KIND, &body("orchard", "gitlab", gitlab())).await;
        let foreign = stoa.admin.create(KIND, &body("shop", "gitlab", gitlab())).await;
        let key = stoa.key("orchard", &["INTEGRATION_LIST", "INTEGRATION_SAVE", "INTEGRATION_DELETE"]).await;
        assert_eq!(key.list(KIND, "?type=gitlab").await, std::slice::from_ref(&own));
        assert_eq!(key.list(KIND, "?ownedByWorkspace=shop").await, [Value::Null; 0]);
        key.get(KIND, &id(&foreign)).await.refused(403, "ADM_INTEGRATION_LIST");
        key.put(KIND, &id(&foreign), &foreign).await.refused(403, "ADM_INTEGRATION_SAVE");
        key.delete(KIND, &id(&foreign)).await.refused(403, "ADM_INTEGRATION_DELETE");
        key.post(KIND, "", &body("shop", "gitlab", gitlab())).await.refused(403, "ADM_INTEGRATION_SAVE");
        key.put(KIND, &id(&own), &own).await.expect(200);
        let answer = key.delete(KIND, &id(&own)).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        key.get(KIND, &id(&own)).await.refused(404, &id(&own)[1..]);
        key.delete(KIND, &id(&own)).await.refused(404, &id(&own)[1..]);
    }

    async fn one_in_use_cannot_be_deleted(stoa) {
        let made = stoa.admin.create(KIND, &body("demo-partner", "gitlab", gitlab())).await;
        let definition = stoa
            .admin
            .create(
                "meshBuildingBlockDefinition",
                &json!({
                    "metadata": { "ownedByWorkspace": "demo-partner" },
                    "spec": { "displayName": "d", "description": "d" },
                }),
            )
            .await;
        let (uuid, version) =
            (text(&definition, "/metadata/uuid"), text(&definition, "/status/latestVersionUuid"));
        let mut draft = version_body("demo-partner", &uuid);
        draft["spec"]["implementation"] = json!({ "type": "gitlabPipeline", "gitlabPipeline": {
            "integrationRef": { "uuid": text(&made, "/metadata/uuid") },
            "projectId": "7", "refName": "main", "pipelineTriggerToken": { "plaintext": "token" },
        } });
        stoa.admin
            .put("meshBuildingBlockDefinitionVersion", &format!("/{version}"), &draft)
            .await
            .expect(200);
        stoa.admin
            .delete(KIND, &id(&made))
            .await
            .refused(409, &format!("meshBuildingBlockDefinitionVersion[{uuid}.1]"));
        stoa.admin.get(KIND, &id(&made)).await.expect(200);
        stoa.admin.delete("meshBuildingBlockDefinition", &format!("/{uuid}")).await.expect(204);
        stoa.admin.delete(KIND, &id(&made)).await.expect(204);
    }
}

/// The plaintext that a config in a request sets.
fn made_plain(config: &Value, secret: &str) -> String {
    text(config, &format!("/{secret}/plaintext"))
}
