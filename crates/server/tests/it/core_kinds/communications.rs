//! meshCommunicationDefinition and meshCommunication (`api-core.md` §4.1, §4.2), and how duties are resolved.

use super::{names, redacted, with, without};
use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, block_body, media, text};
use reqwest::Method;
use serde_json::{Value, json};

const DEFINITION: &str = "meshCommunicationDefinition";
const KIND: &str = "meshCommunication";

fn duty() -> Value {
    json!({
        "apiVersion": "v1-preview", "kind": DEFINITION,
        "spec": { "communication": {
            "title": "Move", "message": "The old region *closes*.", "type": "ACTION_REQUIRED",
            "dueDate": "2097-06-30", "skipEmailNotifications": true,
        } },
    })
}

fn news() -> Value {
    json!({ "spec": { "communication": { "title": "News", "message": "All is well.", "type": "NOTIFICATION" } } })
}

fn to(definition: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1-preview", "kind": KIND,
        "spec": {
            "communicationDefinitionRef": { "kind": DEFINITION, "uuid": definition },
            "targetMeshObjectRef": { "kind": kind, "name": name },
        },
    })
}

async fn made(caller: &Caller, body: &Value) -> String {
    text(&caller.create(DEFINITION, body).await, "/metadata/uuid")
}

async fn resolve(caller: &Caller, id: &str, body: Option<Value>) -> Answer {
    let path = format!("/api/stoa/v1/communications/{id}/resolution");
    caller
        .raw(Method::POST, &path, |request| match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        })
        .await
}

async fn counts(stoa: &Stoa, definition: &str) -> Value {
    stoa.admin.get(DEFINITION, &format!("/{definition}")).await.expect(200)["status"].clone()
}

/// Ids of what a caller lists.
async fn listed(caller: &Caller, query: &str) -> Vec<String> {
    caller.list(KIND, query).await.iter().map(|found| text(found, "/metadata/uuid")).collect()
}

on_both! {
    async fn a_definition_shows_its_fields(stoa) {
        let answer = stoa.admin.post(DEFINITION, "", &duty()).await;
        assert_eq!(answer.headers["content-type"], media(DEFINITION, "v1-preview"));
        let shown = answer.expect(201);
        let path = format!("/{}", text(&shown, "/metadata/uuid"));
        assert_eq!(
            redacted(without(shown.clone(), "/_links"), &["/metadata/uuid"]),
            json!({
                "kind": DEFINITION, "apiVersion": "v1-preview",
                "metadata": { "uuid": "<uuid>", "ownedByWorkspace": "demo-partner" },
                "spec": duty()["spec"],
                "status": { "communicationsTotal": 0, "communicationsOpen": 0, "communicationsResolved": 0 },
            })
        );
        assert_eq!(shown["_links"]["self"]["href"], format!("{}/api/meshobjects/meshcommunicationdefinitions{path}", stoa.url));
        assert_eq!(stoa.admin.get(DEFINITION, &path).await.expect(200), shown);
        assert_eq!(stoa.admin.put(DEFINITION, &path, &shown).await.expect(200), shown);
        // News have no date of their own, and nothing that is open.
        let shown = stoa.admin.create(DEFINITION, &news()).await;
        assert_eq!(shown["spec"]["communication"], json!({
            "title": "News", "message": "All is well.", "type": "NOTIFICATION", "skipEmailNotifications": false,
        }));
        assert_eq!(shown["status"], json!({ "communicationsTotal": 0 }));
        let titles = async |query: &str| {
            let found = stoa.admin.list(DEFINITION, query).await;
            found.iter().map(|found| text(found, "/spec/communication/title")).collect::<Vec<_>>()
        };
        assert_eq!(titles("").await, ["Move", "News"]);
        assert_eq!(titles("?type=ACTION_REQUIRED").await, ["Move"]);
        assert_eq!(titles("?type=NOTIFICATION").await, ["News"]);
        names(stoa.admin.get(DEFINITION, "?type=action").await, "type");
    }

    async fn a_definition_is_checked(stoa) {
        for (missing, field) in [
            ("/spec", "spec"),
            ("/spec/communication", "spec.communication"),
            ("/spec/communication/title", "spec.communication.title"),
            ("/spec/communication/message", "spec.communication.message"),
            ("/spec/communication/type", "spec.communication.type"),
            ("/spec/communication/dueDate", "spec.communication.dueDate"),
        ] {
            names(stoa.admin.post(DEFINITION, "", &without(duty(), missing)).await, field);
            names(stoa.admin.post(DEFINITION, "", &with(duty(), missing, Value::Null)).await, field);
        }
        for (member, wrong) in [
            ("title", json!(" ")),
            ("title", json!("x".repeat(256))),
            ("title", json!(7)),
            ("message", json!("")),
            ("type", json!("ALARM")),
            ("dueDate", json!("2097-06-30T00:00:00Z")),
            ("dueDate", json!("2097-6-30")),
            ("dueDate", json!("2020-01-01")),
            ("skipEmailNotifications", json!("no")),
        ] {
            let sent = with(duty(), &format!("/spec/communication/{member}"), wrong);
            names(stoa.admin.post(DEFINITION, "", &sent).await, &format!("spec.communication.{member}"));
        }
        let long = with(duty(), "/spec/communication/message", json!("m".repeat(5000)));
        let shown = stoa.admin.create(DEFINITION, &long).await;
        let path = format!("/{}", text(&shown, "/metadata/uuid"));
        // Its type may change until it was sent, and what is optional falls back.
        let changed = stoa.admin.put(DEFINITION, &path, &news()).await.expect(200);
        assert_eq!(changed["spec"]["communication"]["type"], "NOTIFICATION");
        assert_eq!(changed["spec"]["communication"].get("dueDate"), None);
        let dated = with(news(), "/spec/communication/dueDate", json!("2097-01-01"));
        let changed = stoa.admin.put(DEFINITION, &path, &dated).await.expect(200);
        assert_eq!(changed["spec"]["communication"]["dueDate"], "2097-01-01");
        stoa.admin.put(DEFINITION, "/00000000-0000-4000-8000-000000000000", &duty()).await.refused(404, "00000000");
        stoa.admin.delete(DEFINITION, &path).await.expect(204);
        stoa.admin.delete(DEFINITION, &path).await.refused(404, &path[1..]);
        // A date that has passed by now may stay.
        let stoa = stoa.at_noon().await;
        let today = stoa.running.app.world.clock.now().day().to_string();
        let today = with(duty(), "/spec/communication/dueDate", json!(today));
        let shown = stoa.admin.create(DEFINITION, &today).await;
        stoa.advance(std::time::Duration::from_hours(48));
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        let path = format!("/{}", text(&shown, "/metadata/uuid"));
        assert_eq!(admin.put(DEFINITION, &path, &shown).await.expect(200), shown);
    }

    async fn a_communication_shows_its_fields(stoa) {
        stoa.workspace("shop").await;
        let definition = made(&stoa.admin, &duty()).await;
        let answer = stoa.admin.post(KIND, "", &to(&definition, "meshWorkspace", "shop")).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v1-preview"));
        let shown = answer.expect(201);
        let id = text(&shown, "/metadata/uuid");
        let mut expected = to(&definition, "meshWorkspace", "shop");
        expected["metadata"] = json!({ "uuid": id, "ownedByWorkspace": "shop" });
        expected["status"] = json!({
            "resolutionStatus": "OPEN",
            "meshCommunicationDefinition": {
                "uuid": definition, "title": "Move", "dueDate": "2097-06-30", "communicationType": "ACTION_REQUIRED",
            },
        });
        let href = format!("{}/api/meshobjects/meshcommunications/{id}", stoa.url);
        expected["_links"] = json!({ "self": { "href": href } });
        assert_eq!(shown, expected);
        let path = format!("/{id}");
        assert_eq!(stoa.admin.get(KIND, &path).await.expect(200), shown);
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&shown));
        let put = stoa.admin.put(KIND, &path, &shown).await;
        assert_eq!(put.headers["allow"], "GET, DELETE");
        put.refused(405, "GET");
        // The same to the same is one too many.
        stoa.admin.post(KIND, "", &to(&definition, "meshWorkspace", "shop")).await.refused(409, "already");
        // What the definition says now counts.
        stoa.admin.put(DEFINITION, &format!("/{definition}"), &with(duty(), "/spec/communication/title", json!("Go"))).await.expect(200);
        let again = stoa.admin.get(KIND, &path).await.expect(200);
        assert_eq!(again["status"]["meshCommunicationDefinition"]["title"], "Go");
        // Its type does not change any more.
        stoa.admin.put(DEFINITION, &format!("/{definition}"), &news()).await.refused(409, "type");
        stoa.admin.delete(KIND, &path).await.expect(204);
        stoa.admin.delete(KIND, &path).await.refused(404, &id);
        stoa.admin.get(KIND, &path).await.refused(404, &id);

        let news = made(&stoa.admin, &news()).await;
        let shown = stoa.admin.create(KIND, &to(&news, "meshWorkspace", "shop")).await;
        assert_eq!(shown["status"], json!({ "meshCommunicationDefinition": {
            "uuid": news, "title": "News", "communicationType": "NOTIFICATION",
        } }));
        resolve(&stoa.admin, &text(&shown, "/metadata/uuid"), None).await.refused(409, "notification");
    }

    async fn a_communication_is_checked(stoa) {
        stoa.workspace("shop").await;
        let definition = made(&stoa.admin, &duty()).await;
        let good = to(&definition, "meshWorkspace", "shop");
        for (missing, field) in [
            ("/spec", "spec"),
            ("/spec/communicationDefinitionRef", "spec.communicationDefinitionRef"),
            ("/spec/communicationDefinitionRef/uuid", "spec.communicationDefinitionRef.uuid"),
            ("/spec/targetMeshObjectRef", "spec.targetMeshObjectRef"),
            ("/spec/targetMeshObjectRef/kind", "spec.targetMeshObjectRef.kind"),
            ("/spec/targetMeshObjectRef/name", "spec.targetMeshObjectRef.name"),
        ] {
            names(stoa.admin.post(KIND, "", &without(good.clone(), missing)).await, field);
        }
        names(
            stoa.admin.post(KIND, "", &with(good.clone(), "/spec/communicationDefinitionRef/kind", json!(KIND))).await,
            "spec.communicationDefinitionRef.kind",
        );
        names(
            stoa.admin.post(KIND, "", &to(&definition, "meshProject", "shop.web")).await,
            "spec.targetMeshObjectRef.kind",
        );
        let nothing = "00000000-0000-4000-8000-000000000000";
        for (body, missing) in [
            (to(nothing, "meshWorkspace", "shop"), nothing),
            (to("none", "meshWorkspace", "shop"), "none"),
            (to(&definition, "meshWorkspace", "nowhere"), "nowhere"),
            (to(&definition, "meshTenant", nothing), nothing),
            (to(&definition, "meshBuildingBlock", nothing), nothing),
            (to(&definition, "meshBuildingBlock", "shop"), "shop"),
        ] {
            stoa.admin.post(KIND, "", &body).await.refused(404, missing);
        }
        // A reference needs no kind.
        stoa.admin.create(KIND, &without(good, "/spec/communicationDefinitionRef/kind")).await;
    }

    async fn filters_and_counts_follow_resolutions(stoa) {
        for name in ["shop", "rival", "third"] {
            stoa.workspace(name).await;
        }
        let (duty, news) = (made(&stoa.admin, &duty()).await, made(&stoa.admin, &news()).await);
        let mut ids = Vec::new();
        for (definition, name) in [(&duty, "shop"), (&duty, "rival"), (&news, "shop"), (&duty, "third")] {
            let shown = stoa.admin.create(KIND, &to(definition, "meshWorkspace", name)).await;
            ids.push(text(&shown, "/metadata/uuid"));
        }
        let some = |places: &[usize]| places.iter().map(|place| ids[*place].clone()).collect::<Vec<_>>();
        let total = |total, open, resolved| {
            json!({ "communicationsTotal": total, "communicationsOpen": open, "communicationsResolved": resolved })
        };
        assert_eq!(counts(&stoa, &duty).await, total(3, 3, 0));
        assert_eq!(counts(&stoa, &news).await, json!({ "communicationsTotal": 1 }));
        // Who got it reads it in full, though the definition is not theirs; others do not.
        let shop = stoa.key("shop", &["COMMUNICATION_SAVE", "COMMUNICATION_LIST"]).await;
        let message = async |id: &str| {
            shop.raw(Method::GET, &format!("/api/stoa/v1/communications/{id}/message"), |request| request).await
        };
        let said = message(&ids[0]).await.expect(200);
        assert_eq!(said["message"], "The old region *closes*.");
        assert_eq!(said["dueDate"], "2097-06-30");
        assert_eq!((&said["resolutionStatus"], &said["to"]), (&json!("OPEN"), &json!("meshWorkspace shop")));
        assert_eq!(message(&ids[2]).await.expect(200)["communicationType"], "NOTIFICATION");
        message(&ids[1]).await.refused(403, "ADM_COMMUNICATION_LIST");
        // Who got it resolves it, or who sent it; again is no change; it may be opened again.
        let shown = resolve(&shop, &ids[0], None).await.expect(200);
        assert_eq!(shown["status"]["resolutionStatus"], "RESOLVED");
        resolve(&shop, &ids[0], Some(json!({ "resolutionStatus": "RESOLVED" }))).await.expect(200);
        resolve(&shop, &ids[1], None).await.refused(403, "ADM_COMMUNICATION_SAVE");
        resolve(&stoa.admin, &ids[3], Some(json!({}))).await.expect(200);
        names(resolve(&shop, &ids[0], Some(json!({ "resolutionStatus": "LATER" }))).await, "resolutionStatus");
        assert_eq!(counts(&stoa, &duty).await, total(3, 1, 2));
        for (query, expected) in [
            (String::new(), &[0, 1, 2, 3][..]),
            (format!("?communicationDefinitionUuid={duty}"), &[0, 1, 3]),
            ("?communicationDefinitionUuid=none".into(), &[]),
            ("?resolutionStatus=OPEN".into(), &[1]),
            ("?resolutionStatus=RESOLVED".into(), &[0, 3]),
            ("?communicationType=NOTIFICATION".into(), &[2]),
            ("?communicationType=ACTION_REQUIRED&resolutionStatus=RESOLVED".into(), &[0, 3]),
            (format!("?communicationDefinitionUuid={news}&resolutionStatus=OPEN"), &[]),
        ] {
            assert_eq!(listed(&stoa.admin, &query).await, some(expected), "{query}");
        }
        assert_eq!(listed(&shop, "").await, some(&[0, 2]));
        for (query, field) in [("?resolutionStatus=open", "resolutionStatus"), ("?communicationType=X", "communicationType")] {
            names(stoa.admin.get(KIND, query).await, field);
        }
        resolve(&stoa.admin, &ids[0], Some(json!({ "resolutionStatus": "OPEN" }))).await.expect(200);
        assert_eq!(counts(&stoa, &duty).await, total(3, 2, 1));
        stoa.admin.delete(KIND, &format!("/{}", ids[3])).await.expect(204);
        assert_eq!(counts(&stoa, &duty).await, total(2, 2, 0));
        let resolved = stoa.admin.list("meshEventLog", "?title=Communication%20Resolved").await;
        assert_eq!(resolved.len(), 2, "once each");
        // A definition takes with it what was made from it.
        stoa.admin.delete(DEFINITION, &format!("/{duty}")).await.expect(204);
        assert_eq!(listed(&stoa.admin, "").await, some(&[2]));
    }

    async fn teams_speak_to_those_who_use_what_they_offer(stoa) {
        for name in ["data", "shop", "rival"] {
            stoa.workspace(name).await;
        }
        let codes = [
            "COMMUNICATIONDEFINITION_SAVE", "COMMUNICATIONDEFINITION_LIST", "COMMUNICATIONDEFINITION_DELETE",
            "COMMUNICATION_SAVE", "COMMUNICATION_LIST", "COMMUNICATION_DELETE",
        ];
        let (data, shop, rival) =
            (stoa.key("data", &codes).await, stoa.key("shop", &codes).await, stoa.key("rival", &codes).await);
        let (_, version) = stoa.definition("data", json!({})).await;
        let block = stoa.admin.create("meshBuildingBlock", &block_body(&version, "shop", json!({}))).await;
        let block = text(&block, "/metadata/uuid");
        let shown = data.create(DEFINITION, &duty()).await;
        assert_eq!(shown["metadata"]["ownedByWorkspace"], "data");
        let definition = text(&shown, "/metadata/uuid");
        // Not to whole workspaces, not to blocks of others, not in others' words.
        data.post(KIND, "", &to(&definition, "meshWorkspace", "shop")).await.refused(403, "ADM_COMMUNICATION_SAVE");
        data.post(KIND, "", &to(&definition, "meshWorkspace", "data")).await.refused(403, "ADM_COMMUNICATION_SAVE");
        let others = made(&rival, &duty()).await;
        data.post(KIND, "", &to(&others, "meshBuildingBlock", &block)).await.refused(403, "ADM_COMMUNICATION_SAVE");
        rival.post(KIND, "", &to(&others, "meshBuildingBlock", &block)).await.refused(403, "ADM_COMMUNICATION_SAVE");
        shop.post(KIND, "", &to(&definition, "meshBuildingBlock", &block)).await.refused(403, "ADM_COMMUNICATION_SAVE");
        let shown = data.create(KIND, &to(&definition, "meshBuildingBlock", &block)).await;
        assert_eq!(shown["metadata"]["ownedByWorkspace"], "shop");
        let id = text(&shown, "/metadata/uuid");
        let path = format!("/{id}");
        // Both ends see it, nobody else does; only who sent it takes it back.
        for end in [&data, &shop] {
            assert_eq!(listed(end, "").await, [id.as_str()]);
            assert_eq!(end.get(KIND, &path).await.expect(200), shown);
        }
        assert!(listed(&rival, "").await.is_empty());
        rival.get(KIND, &path).await.refused(403, "ADM_COMMUNICATION_LIST");
        shop.delete(KIND, &path).await.refused(403, "ADM_COMMUNICATION_DELETE");
        resolve(&rival, &id, None).await.refused(403, "ADM_COMMUNICATION_SAVE");
        resolve(&data, &id, None).await.expect(200);
        resolve(&stoa.nobody(), &id, None).await.refused(401, "credential");
        data.delete(KIND, &path).await.expect(204);
        // Definitions are their owners' too.
        let path = format!("/{definition}");
        shop.get(DEFINITION, &path).await.refused(403, "ADM_COMMUNICATIONDEFINITION_LIST");
        shop.put(DEFINITION, &path, &duty()).await.refused(403, "ADM_COMMUNICATIONDEFINITION_SAVE");
        shop.delete(DEFINITION, &path).await.refused(403, "ADM_COMMUNICATIONDEFINITION_DELETE");
        assert!(shop.list(DEFINITION, "").await.is_empty());
        data.put(DEFINITION, &path, &duty()).await.expect(200);
        data.delete(DEFINITION, &path).await.expect(204);
    }

    async fn what_is_gone_takes_them_along(stoa) {
        for name in ["data", "shop"] {
            stoa.workspace(name).await;
        }
        let definition = made(&stoa.admin, &duty()).await;
        let to_shop = stoa.admin.create(KIND, &to(&definition, "meshWorkspace", "shop")).await;
        resolve(&stoa.admin, &text(&to_shop, "/metadata/uuid"), None).await.expect(200);
        stoa.admin.create(KIND, &to(&definition, "meshWorkspace", "data")).await;
        let own = stoa.key("data", &["COMMUNICATIONDEFINITION_SAVE"]).await;
        let of_data = made(&own, &duty()).await;
        stoa.admin.create(KIND, &to(&of_data, "meshWorkspace", "demo-partner")).await;
        // Neither keeps its workspace alive.
        stoa.admin.delete("meshWorkspace", "/shop").await.expect(204);
        stoa.admin
            .until(DEFINITION, &definition, |found| {
                found["status"] == json!({ "communicationsTotal": 1, "communicationsOpen": 1, "communicationsResolved": 0 })
            })
            .await;
        stoa.admin.delete("meshWorkspace", "/data").await.expect(204);
        stoa.admin.until(DEFINITION, &of_data, |found| found["status"] == 404).await;
        stoa.admin
            .until(DEFINITION, &definition, |found| found["status"]["communicationsTotal"] == 0)
            .await;
        assert!(listed(&stoa.admin, "").await.is_empty());
        let told = stoa.admin.list("meshEventLog", "?title=Communication%20Deleted&workspaceIdentifier=shop").await;
        assert_eq!(told[0]["spec"]["author"]["authorType"], "System");
    }
}
