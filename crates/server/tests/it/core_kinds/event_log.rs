//! meshEventLog (`api-core.md` §4.3).

use super::{names, redacted, with};
use crate::on_both;
use crate::stoa::{Caller, Stoa, media, text};
use serde_json::{Value, json};
use std::time::Duration;

const KIND: &str = "meshEventLog";

fn workspace(name: &str, display_name: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "displayName": display_name } })
}

fn project(name: &str, display_name: &str) -> Value {
    json!({ "metadata": { "name": name, "ownedByWorkspace": "orchard" }, "spec": { "displayName": display_name } })
}

async fn titles(caller: &Caller, query: &str) -> Vec<String> {
    caller.list(KIND, query).await.iter().map(|event| text(event, "/spec/title")).collect()
}

/// What one deed leaves behind: the new entries' specs.
async fn told(stoa: &Stoa, before: usize) -> Vec<Value> {
    let all = stoa.admin.list(KIND, "?size=1000").await;
    all[before..].iter().map(|event| event["spec"].clone()).collect()
}

on_both! {
    async fn an_entry_shows_its_fields_and_nothing_else(stoa) {
        stoa.admin.create("meshWorkspace", &workspace("orchard", "Orchard")).await;
        let list = stoa.admin.get(KIND, "?workspaceIdentifier=orchard").await;
        assert_eq!(list.headers["content-type"], media(KIND, "v1-preview"));
        let event = list.expect(200)["_embedded"]["meshEventLogs"][0].clone();
        let uuid = text(&event, "/metadata/uuid");
        assert_eq!(
            with(
                redacted(event.clone(), &["/metadata/uuid", "/metadata/createdAt"]),
                "/metadata/requestId",
                json!("<request>"),
            ),
            json!({
                "kind": KIND,
                "apiVersion": "v1-preview",
                "metadata": { "uuid": "<uuid>", "createdAt": "<instant>", "requestId": "<request>" },
                "spec": {
                    "title": "Workspace Created",
                    "eventType": "Created",
                    "description": "Workspace 'orchard' was created.",
                    "workspaceRef": { "kind": "meshWorkspace", "name": "orchard" },
                    "content": { "displayName": "Orchard", "platformBuilderAccessEnabled": false, "tags": {} },
                    "author": { "authorType": "ApiKey", "identifier": stoa.admin.client_id, "displayName": "first administrator" },
                },
                "_links": { "self": { "href": format!("{}/api/meshobjects/mesheventlogs/{uuid}", stoa.url) } },
            })
        );
        assert_eq!(stoa.admin.get(KIND, &format!("/{uuid}")).await.expect(200), event);
        stoa.admin.get(KIND, "/nothing").await.refused(404, "nothing");
        for answer in [
            stoa.admin.post(KIND, "", &event).await,
            stoa.admin.put(KIND, &format!("/{uuid}"), &event).await,
            stoa.admin.delete(KIND, &format!("/{uuid}")).await,
        ] {
            assert_eq!(answer.headers["allow"], "GET");
            answer.refused(405, "GET");
        }
    }

    async fn every_change_is_told_once(stoa) {
        stoa.tags("meshWorkspace", &["a"]).await;
        stoa.tags("meshProject", &["a"]).await;
        let mut seen = stoa.admin.list(KIND, "?size=1000").await.len();
        let admin = &stoa.admin;
        macro_rules! tells {
            ($answer:expr, $($title:literal $kind:literal $workspace:expr),+) => {
                let answer = $answer;
                assert!(answer.status < 300, "{}", answer.text);
                let new = told(&stoa, seen).await;
                seen += new.len();
                let short: Vec<_> = new.iter().map(|spec| (
                    text(spec, "/title"),
                    text(spec, "/eventType"),
                    spec["workspaceRef"]["name"].as_str().unwrap_or_default().to_owned(),
                    spec.get("previousContent").is_some(),
                )).collect();
                let expected = [$((
                    $title.to_owned(), $kind.to_owned(), $workspace.to_owned(), $kind == "Changed",
                )),+];
                assert_eq!(short, expected);
            };
        }
        tells!(admin.post("meshWorkspace", "", &workspace("orchard", "O")).await, "Workspace Created" "Created" "orchard");
        tells!(admin.put("meshWorkspace", "/orchard", &workspace("orchard", "Or")).await, "Workspace Name Changed" "Changed" "orchard");
        let tagged = with(workspace("orchard", "Or"), "/metadata/tags", json!({ "a": ["b"] }));
        tells!(admin.put("meshWorkspace", "/orchard", &tagged).await, "Workspace Tags Changed" "Changed" "orchard");
        tells!(admin.post("meshProject", "", &project("web", "W")).await, "Project Created" "Created" "orchard");
        tells!(admin.put("meshProject", "/orchard.web", &project("web", "We")).await, "Project Name Changed" "Changed" "orchard");
        let tagged = with(project("web", "We"), "/spec/tags", json!({ "a": ["b"] }));
        tells!(admin.put("meshProject", "/orchard.web", &tagged).await, "Project Tags Changed" "Changed" "orchard");
        tells!(admin.delete("meshProject", "/orchard.web").await, "Project Deleted" "Deleted" "orchard");

        let key = json!({ "metadata": { "ownedByWorkspace": "orchard" }, "spec": { "displayName": "k", "permissions": [] } });
        let made = admin.post("meshApiKey", "", &key).await;
        let id = format!("/{}", text(&made.json(), "/metadata/uuid"));
        tells!(made, "API Key Created" "Created" "orchard");
        tells!(admin.put("meshApiKey", &id, &with(key.clone(), "/spec/displayName", json!("l"))).await, "API Key Changed" "Changed" "orchard");
        tells!(admin.delete("meshApiKey", &id).await, "API Key Deleted" "Deleted" "orchard");

        let user = json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
        tells!(admin.post("meshUser", "", &user).await, "User Created" "Created" "");
        tells!(admin.put("meshUser", "/lea", &with(user, "/spec/firstName", json!("Lea"))).await, "User Changed" "Changed" "");
        tells!(admin.delete("meshUser", "/lea").await, "User Deleted" "Deleted" "");

        let user = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "Bot" } });
        tells!(admin.post("meshApiUser", "", &user).await, "API User Created" "Created" "");
        tells!(admin.put("meshApiUser", "/bot", &user).await, "API User Password Rotated" "Changed" "");
        tells!(admin.delete("meshApiUser", "/bot").await, "API User Deleted" "Deleted" "");

        let integration = json!({ "metadata": { "ownedByWorkspace": "orchard" }, "spec": {
            "displayName": "i", "config": { "type": "gitlab", "gitlab": { "baseUrl": "https://lab.example" } },
        } });
        let made = admin.post("meshIntegration", "", &integration).await;
        let id = format!("/{}", text(&made.json(), "/metadata/uuid"));
        tells!(made, "Integration Created" "Created" "orchard");
        tells!(admin.put("meshIntegration", &id, &with(integration, "/spec/displayName", json!("j"))).await, "Integration Changed" "Changed" "orchard");
        tells!(admin.delete("meshIntegration", &id).await, "Integration Deleted" "Deleted" "orchard");

        let tag = json!({ "metadata": { "name": "meshPrincipal.x" }, "spec": {
            "targetKind": "meshPrincipal", "key": "x", "valueType": { "string": {} }, "displayName": "X", "description": "",
        } });
        tells!(admin.post("meshTagDefinition", "", &tag).await, "Tag Definition Created" "Created" "");
        tells!(admin.put("meshTagDefinition", "/meshPrincipal.x", &with(tag, "/spec/displayName", json!("Y"))).await, "Tag Definition Changed" "Changed" "");
        tells!(admin.delete("meshTagDefinition", "/meshPrincipal.x").await, "Tag Definition Deleted" "Deleted" "");

        let duty = json!({ "spec": { "communication": {
            "title": "T", "message": "m", "type": "ACTION_REQUIRED", "dueDate": "2097-01-01",
        } } });
        let made = admin.post("meshCommunicationDefinition", "", &duty).await;
        let id = text(&made.json(), "/metadata/uuid");
        let path = format!("/{id}");
        tells!(made, "Communication Definition Created" "Created" "demo-partner");
        let changed = with(duty, "/spec/communication/title", json!("U"));
        tells!(admin.put("meshCommunicationDefinition", &path, &changed).await, "Communication Definition Updated" "Changed" "demo-partner");
        let sent = json!({ "spec": {
            "communicationDefinitionRef": { "uuid": id },
            "targetMeshObjectRef": { "kind": "meshWorkspace", "name": "orchard" },
        } });
        let made = admin.post("meshCommunication", "", &sent).await;
        let communication = text(&made.json(), "/metadata/uuid");
        tells!(made, "Communication Created" "Created" "orchard");
        let resolution = format!("/api/stoa/v1/communications/{communication}/resolution");
        tells!(admin.raw(reqwest::Method::POST, &resolution, |r| r).await, "Communication Resolved" "Changed" "orchard");
        tells!(admin.delete("meshCommunication", &format!("/{communication}")).await, "Communication Deleted" "Deleted" "orchard");
        tells!(admin.delete("meshCommunicationDefinition", &path).await, "Communication Definition Deleted" "Deleted" "demo-partner");

        admin.create("meshApiKey", &key).await;
        seen += 1;
        tells!(admin.delete("meshWorkspace", "/orchard").await, "API Key Deleted" "Deleted" "orchard", "Workspace Deleted" "Deleted" "orchard");
        // Deleting again, and writing what is there already, change nothing and tell nothing.
        admin.delete("meshWorkspace", "/orchard").await.expect(204);
        let same = admin.get("meshWorkspace", "/demo-partner").await.expect(200);
        admin.put("meshWorkspace", "/demo-partner", &same).await.expect(200);
        assert_eq!(told(&stoa, seen).await, [Value::Null; 0]);
    }

    async fn it_carries_the_request_that_did_it(stoa) {
        let media = media("meshWorkspace", "v2");
        let answer = stoa
            .admin
            .raw(reqwest::Method::POST, "/api/meshobjects/meshworkspaces", |request| {
                let request = request.header("accept", &media).header("content-type", &media);
                request.header("x-request-id", "asked-7").body(workspace("orchard", "O").to_string())
            })
            .await;
        assert_eq!(answer.headers["x-request-id"], "asked-7");
        answer.expect(201);
        let event = stoa.admin.list(KIND, "?workspaceIdentifier=orchard").await.remove(0);
        assert_eq!(event["metadata"]["requestId"], "asked-7");
    }

    async fn the_chain_is_verified_on_demand(stoa) {
        let verify = async |caller: &Caller| {
            caller.raw(reqwest::Method::GET, "/api/stoa/v1/events/verification", |request| request).await
        };
        stoa.workspace("orchard").await;
        // On PostgreSQL events get their place a moment after the commit.
        stoa.all_told().await;
        let told = verify(&stoa.admin).await.expect(200);
        assert_eq!(told["intact"], true, "{told}");
        assert_eq!(told.get("firstBroken"), None);
        let entries = i64::try_from(stoa.admin.list(KIND, "?size=1000").await.len()).unwrap();
        assert!(told["events"].as_i64().unwrap() >= entries, "{told}");
        let reader = stoa.key("orchard", &["EVENTLOG_LIST"]).await;
        verify(&reader).await.refused(403, "ADM_EVENTLOG_LIST");
        verify(&stoa.nobody()).await.refused(401, "credential");
        // Somebody with a hand in the database rewrites history.
        let changed = stoa.running.app.db.write(|tx| {
            const FORGE: stoa_db::Sql =
                stoa_db::Sql::new("UPDATE event SET description = 'Nothing to see here.' WHERE title = $1 AND workspace = $2");
            const FORGED: stoa_db::Sql = stoa_db::Sql::new("UPDATE event SET content = '{}' WHERE title = $1 AND workspace = $2");
            let args = ["Workspace Created".into(), "orchard".into()];
            tx.run(&FORGE, &args)?;
            tx.run(&FORGED, &args)
        });
        assert_eq!(changed.await.unwrap(), 1);
        let told = verify(&stoa.admin).await.expect(200);
        assert_eq!(told["intact"], false, "{told}");
        assert!(told["firstBroken"].as_i64().unwrap() > 0);
    }

    async fn a_change_shows_before_and_after(stoa) {
        stoa.admin.create("meshWorkspace", &workspace("orchard", "Before")).await;
        stoa.admin.put("meshWorkspace", "/orchard", &workspace("orchard", "After")).await.expect(200);
        let event = stoa.admin.list(KIND, "?title=Workspace%20Name%20Changed").await.remove(0);
        assert_eq!(event["spec"]["previousContent"]["displayName"], "Before");
        assert_eq!(event["spec"]["content"]["displayName"], "After");
    }

    async fn it_says_who_did_it(stoa) {
        let bot = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "Bot" } });
        let made = stoa.admin.create("meshApiUser", &bot).await;
        let by_password = stoa.nobody().basic("bot", &text(&made, "/status/password"));
        by_password.create("meshWorkspace", &workspace("orchard", "O")).await;
        let team = stoa.key("orchard", &["PROJECT_SAVE"]).await;
        team.create("meshProject", &project("web", "W")).await;
        for (query, author_type, author) in [
            ("?title=Workspace%20Created&workspaceIdentifier=orchard", "ApiUser", "bot"),
            ("?title=Project%20Created", "ApiKey", team.client_id.as_str()),
            ("?title=Workspace%20Created&workspaceIdentifier=demo-partner", "System", "system"),
        ] {
            let found = stoa.admin.list(KIND, query).await;
            assert_eq!(found.len(), 1, "{query}");
            let told = &found[0]["spec"]["author"];
            assert_eq!((&told["authorType"], &told["identifier"]), (&json!(author_type), &json!(author)));
            assert_eq!(told["displayName"].is_string(), author_type == "ApiKey", "keys are called by their names");
            let same = format!("{query}&authorType={author_type}&authorIdentifier={author}");
            assert_eq!(stoa.admin.list(KIND, &same).await, found);
        }
        assert!(stoa.admin.list(KIND, "?authorType=ApiUser&authorIdentifier=somebody").await.is_empty());
        assert!(stoa.admin.list(KIND, "?authorType=User").await.is_empty());
        for bad in ["Unknown", "apikey"] {
            names(stoa.admin.get(KIND, &format!("?authorType={bad}")).await, "authorType");
        }
    }

    async fn filters_narrow_the_list(stoa) {
        let start = text(&stoa.admin.list(KIND, "").await.remove(0), "/metadata/createdAt");
        let admin = {
            stoa.advance(Duration::from_hours(1));
            stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await
        };
        let created = stoa.running.app.world.clock.now();
        admin.create("meshWorkspace", &workspace("orchard", "Platform 100%")).await;
        admin.create("meshWorkspace", &workspace("shop", "Größe_X")).await;
        admin.create("meshProject", &project("web", "W")).await;
        stoa.advance(Duration::from_mins(1));
        let (between, later) = (created + Duration::from_secs(30), created + Duration::from_mins(1));
        admin.delete("meshProject", "/orchard.web").await.expect(204);

        let all = ["Workspace Created", "Workspace Created", "Project Created", "Project Deleted"];
        for (query, expected) in [
            (format!("?from={created}"), &all[..]),
            (format!("?from={between}"), &all[3..]),
            (format!("?from={created}&until={between}"), &all[..3]),
            (format!("?from={created}&until={created}"), &[]),
            (format!("?from={later}"), &all[3..]),
            (format!("?from={created}&title=Project"), &all[2..]),
            (format!("?from={created}&title=ject%20Cre"), &all[2..3]),
            (format!("?from={created}&title=project"), &[]),
            (format!("?from={created}&title=%25"), &[]),
            (format!("?from={created}&title=_"), &[]),
            (format!("?from={created}&description=orchard.web"), &all[2..]),
            (format!("?from={created}&description='shop'"), &all[..1]),
            (format!("?from={created}&excludeTitle=Workspace%20Created"), &all[2..]),
            (
                format!("?from={created}&excludeTitle=Workspace%20Created&excludeTitle=Project%20Created"),
                &all[3..],
            ),
            (format!("?from={created}&excludeTitle=Workspace"), &all[..]),
            (format!("?from={created}&eventType=Created"), &all[..3]),
            (format!("?from={created}&eventType=Requested"), &[]),
            (format!("?from={created}&workspaceIdentifier=shop"), &all[..1]),
            (format!("?from={created}&workspaceIdentifier=Shop"), &[]),
            (
                format!("?from={created}&workspaceName=Platform"),
                &["Workspace Created", "Project Created", "Project Deleted"],
            ),
            (
                format!("?from={created}&workspaceName=00%25"),
                &["Workspace Created", "Project Created", "Project Deleted"],
            ),
            (format!("?from={created}&workspaceName=r%C3%B6%C3%9Fe_"), &all[..1]),
            (format!("?from={created}&workspaceName=platform"), &[]),
            (format!("?from={created}&workspaceName=Enabled"), &[]),
            (format!("?from={created}&title=&description=&unknown=x"), &all[..]),
        ] {
            assert_eq!(titles(&admin, &query).await, expected, "{query}");
        }
        assert!(!titles(&admin, &format!("?until={created}&from={start}")).await.is_empty());
        for (query, field) in [
            ("?from=yesterday", "from"),
            ("?until=2026-13-01T00:00:00Z", "until"),
            ("?eventType=Made", "eventType"),
            ("?workspaceIdentifier=shop&workspaceName=S", "workspaceName"),
        ] {
            names(admin.get(KIND, query).await, field);
        }
    }

    async fn a_key_sees_its_own_workspace_only(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        stoa.admin.create("meshUser", &json!({
            "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" },
        })).await;
        let auditor = stoa.key("shop", &["EVENTLOG_LIST"]).await;
        let seen = auditor.list(KIND, "").await;
        assert_eq!(titles(&auditor, "").await, ["Workspace Created", "API Key Created"]);
        assert!(seen.iter().all(|event| event["spec"]["workspaceRef"]["name"] == "shop"));
        assert!(auditor.list(KIND, "?workspaceIdentifier=orchard").await.is_empty());
        assert!(auditor.list(KIND, "?workspaceName=orchard").await.is_empty());
        auditor.get(KIND, &format!("/{}", text(&seen[0], "/metadata/uuid"))).await.expect(200);
        for query in ["?workspaceIdentifier=orchard", "?title=User%20Created"] {
            let foreign = stoa.admin.list(KIND, query).await.remove(0);
            let id = format!("/{}", text(&foreign, "/metadata/uuid"));
            auditor.get(KIND, &id).await.refused(403, "ADM_EVENTLOG_LIST");
        }
        let nobody = stoa.key("shop", &["PROJECT_LIST"]).await;
        nobody.get(KIND, "").await.refused(403, "EVENTLOG_LIST");
        nobody.get(KIND, "/nothing").await.refused(403, "EVENTLOG_LIST");
    }

    async fn no_secret_is_ever_told(stoa) {
        let admin = &stoa.admin;
        let key = json!({ "metadata": { "ownedByWorkspace": "demo-partner" }, "spec": { "displayName": "k", "permissions": [] } });
        let made = admin.create("meshApiKey", &key).await;
        let mut secrets = vec![text(&made, "/status/clientSecret")];
        let id = format!("/{}", text(&made, "/metadata/uuid"));
        let rotated = admin
            .put("meshApiKey", &id, &with(key, "/spec/expiresAt", json!("2097-01-01")))
            .await
            .expect(200);
        secrets.push(text(&rotated, "/status/clientSecret"));
        let bot = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "Bot" } });
        secrets.push(text(&admin.create("meshApiUser", &bot).await, "/status/password"));
        secrets.push(text(&admin.put("meshApiUser", "/bot", &bot).await.expect(200), "/status/password"));
        let mut integration = json!({ "metadata": { "ownedByWorkspace": "demo-partner" }, "spec": {
            "displayName": "i",
            "config": { "type": "azuredevops", "azuredevops": {
                "baseUrl": "https://x.example", "organization": "o", "personalAccessToken": { "plaintext": "first-secret-word" },
            } },
        } });
        let made = admin.create("meshIntegration", &integration).await;
        integration["spec"]["config"]["azuredevops"]["personalAccessToken"] =
            json!({ "plaintext": "second-secret-word" });
        admin
            .put("meshIntegration", &format!("/{}", text(&made, "/metadata/uuid")), &integration)
            .await
            .expect(200);
        secrets.extend(["first-secret-word".to_owned(), "second-secret-word".to_owned()]);

        let everything = admin.get(KIND, "?size=1000").await.text;
        for secret in &secrets {
            assert!(!everything.contains(secret.as_str()), "a secret was told");
        }
        // Neither are the digests they are stored as.
        assert!(!everything.contains('$'), "{everything}");
        for internal in ["password", "clientSecret"] {
            assert!(!everything.contains(&format!("\"{internal}\"")), "{everything}");
        }
        let changed = admin.list(KIND, "?title=Integration%20Changed").await.remove(0);
        let hash = |state: &str| {
            changed["spec"][state]["config"]["azuredevops"]["personalAccessToken"]["hash"].clone()
        };
        assert_ne!(hash("content"), hash("previousContent"), "that it was rotated is told");
    }
}
