//! The same thing twice: duplicate identifiers, equal requests at once, replays, secrets that are over.

use super::{everything, refused};
use crate::on_both;
use crate::stoa::{Answer, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Kinds whose names clients choose: the body, and the id it gets.
fn named() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "meshWorkspace",
            json!({ "metadata": { "name": "orchard" }, "spec": { "displayName": "O" } }),
            "orchard",
        ),
        (
            "meshProject",
            json!({ "metadata": { "name": "web", "ownedByWorkspace": "demo-partner" }, "spec": { "displayName": "W" } }),
            "demo-partner.web",
        ),
        (
            "meshUser",
            json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } }),
            "lea",
        ),
        ("meshApiUser", json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } }), "bot"),
    ]
}

/// The same request many times at once.
async fn at_once(
    stoa: &Stoa,
    method: Method,
    kind: &'static str,
    rest: &str,
    body: Option<&Value>,
) -> Vec<Answer> {
    let all = (0..20).map(|_| {
        let (admin, method, rest, body) =
            (stoa.admin.clone(), method.clone(), rest.to_owned(), body.cloned());
        tokio::spawn(async move { admin.send(method, kind, &rest, body.as_ref()).await })
    });
    let mut answers = Vec::new();
    for one in all.collect::<Vec<_>>() {
        answers.push(one.await.unwrap());
    }
    answers
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// How many audit entries there are of a type, since `before`.
async fn told(stoa: &Stoa, before: usize, event_type: &str) -> usize {
    let all = stoa.admin.list("meshEventLog", "?size=1000").await;
    all[before..].iter().filter(|event| event["spec"]["eventType"] == event_type).count()
}

async fn entries(stoa: &Stoa) -> usize {
    stoa.admin.list("meshEventLog", "?size=1000").await.len()
}

on_both! {
    async fn an_identifier_is_taken_once(stoa) {
        for (kind, body, id) in named() {
            let made = stoa.admin.create(kind, &body).await;
            let before = everything(&stoa).await;
            let mut other = body.clone();
            let name = if kind == "meshUser" { "firstName" } else { "displayName" };
            other["spec"][name] = json!("Other");
            for again in [&body, &other] {
                let answer = stoa.admin.post(kind, "", again).await;
                assert!(answer.json()["message"].as_str().unwrap().contains(id), "{}", answer.text);
                refused(&answer, 409, kind);
            }
            assert_eq!(everything(&stoa).await, before, "{kind}");
            let shown = stoa.admin.get(kind, &format!("/{id}")).await.expect(200);
            assert_eq!(shown["spec"], made["spec"]);
        }
    }

    async fn of_twenty_equal_posts_one_creates(stoa) {
        for (kind, body, id) in named() {
            let before = entries(&stoa).await;
            let answers = at_once(&stoa, Method::POST, kind, "", Some(&body)).await;
            assert_eq!((count(&answers, 201), count(&answers, 409)), (1, 19), "{kind}");
            for answer in answers.iter().filter(|answer| answer.status == 409) {
                refused(answer, 409, kind);
            }
            assert_eq!(told(&stoa, before, "Created").await, 1, "{kind}");
            stoa.admin.get(kind, &format!("/{id}")).await.expect(200);
        }
    }

    async fn of_twenty_equal_puts_one_creates_and_all_succeed(stoa) {
        for (kind, body, id) in named() {
            if !["meshWorkspace", "meshUser"].contains(&kind) {
                continue; // updates only
            }
            // Also where somebody of that name was before.
            stoa.admin.create(kind, &body).await;
            stoa.admin.delete(kind, &format!("/{id}")).await.expect(204);
            let before = entries(&stoa).await;
            let answers = at_once(&stoa, Method::PUT, kind, &format!("/{id}"), Some(&body)).await;
            assert_eq!(
                count(&answers, 200),
                20,
                "{kind}: {:?}",
                answers.iter().map(|answer| &answer.text).collect::<Vec<_>>()
            );
            assert_eq!(
                (told(&stoa, before, "Created").await, told(&stoa, before, "Changed").await),
                (1, 0),
                "{kind}"
            );
            let shown = stoa.admin.get(kind, &format!("/{id}")).await.expect(200);
            assert!(answers.iter().all(|answer| answer.json() == shown));
        }
    }

    async fn twenty_equal_deletes_delete_once(stoa) {
        for (kind, body, id) in named() {
            stoa.admin.create(kind, &body).await;
            let before = entries(&stoa).await;
            let answers = at_once(&stoa, Method::DELETE, kind, &format!("/{id}"), None).await;
            // A workspace stays addressable and answers a replay alike; the others are gone.
            let gone = if kind == "meshWorkspace" { (20, 0) } else { (1, 19) };
            assert_eq!((count(&answers, 204), count(&answers, 404)), gone, "{kind}");
            assert_eq!(told(&stoa, before, "Deleted").await, 1, "{kind}");
        }
    }

    async fn changes_at_once_leave_one_of_them_whole(stoa) {
        stoa.tags("meshWorkspace", &["n"]).await;
        stoa.workspace("orchard").await;
        let before = entries(&stoa).await;
        let all = (0..12).map(|n| {
            let admin = stoa.admin.clone();
            let body = json!({
                "metadata": { "name": "orchard", "tags": { "n": [n.to_string()] } },
                "spec": { "displayName": format!("Team {n}") },
            });
            tokio::spawn(async move { admin.put("meshWorkspace", "/orchard", &body).await.expect(200) })
        });
        for one in all.collect::<Vec<_>>() {
            let shown = one.await.unwrap();
            assert_eq!(shown["spec"]["displayName"], format!("Team {}", text(&shown, "/metadata/tags/n/0")));
        }
        let shown = stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        assert_eq!(shown["spec"]["displayName"], format!("Team {}", text(&shown, "/metadata/tags/n/0")));
        assert_eq!(told(&stoa, before, "Changed").await, 12);
        // Each entry's before is another one's after: nothing was lost on the way.
        let events = stoa.admin.list("meshEventLog", "?title=Workspace%20Name%20Changed").await;
        let name = |event: &Value, state: &str| event["spec"][state]["displayName"].clone();
        for event in &events {
            let previous = name(event, "previousContent");
            assert!(
                previous == "Team orchard"
                    || events.iter().filter(|other| name(other, "content") == previous).count() == 1
            );
        }
    }

    async fn renames_and_rotations_at_once_do_not_undo_each_other(stoa) {
        stoa.workspace("orchard").await;
        let key = json!({ "metadata": { "ownedByWorkspace": "orchard" }, "spec": { "displayName": "k", "permissions": [] } });
        for round in 0..6 {
            let made = stoa.admin.create("meshApiKey", &key).await;
            let id = text(&made, "/metadata/uuid");
            let put = |pointer: &str, value: Value| {
                let (admin, path, mut body) = (stoa.admin.clone(), format!("/{id}"), key.clone());
                body["spec"][pointer] = value;
                tokio::spawn(async move { admin.put("meshApiKey", &path, &body).await.expect(200) })
            };
            let (rotating, renaming) =
                (put("expiresAt", json!("2097-01-01")), put("displayName", json!("renamed")));
            let (first, second) = (rotating.await.unwrap(), renaming.await.unwrap());
            // The last secret given out is the one that works, whichever came last.
            let shown = stoa.admin.get("meshApiKey", &format!("/{id}")).await.expect(200);
            let last = if shown["spec"].get("expiresAt").is_some() { &first } else { &second };
            stoa.nobody().login(&id, &text(last, "/status/clientSecret")).await;
            stoa.admin.delete("meshApiKey", &format!("/{id}")).await.expect(204);
            assert!(round < 6);
        }
    }

    async fn secrets_that_are_over_open_nothing(stoa) {
        let body = |secret: Value| {
            json!({
                "metadata": { "ownedByWorkspace": "demo-partner" },
                "spec": { "displayName": "I", "config": { "type": "azuredevops", "azuredevops": {
                    "baseUrl": "https://x.example", "organization": "o", "personalAccessToken": secret,
                } } },
            })
        };
        let hash = |shown: &Value| shown["spec"]["config"]["azuredevops"]["personalAccessToken"].clone();
        let made = stoa.admin.create("meshIntegration", &body(json!({ "plaintext": "one" }))).await;
        let other = stoa.admin.create("meshIntegration", &body(json!({ "plaintext": "two" }))).await;
        let id = format!("/{}", text(&made, "/metadata/uuid"));
        stoa.admin.put("meshIntegration", &id, &body(json!({ "plaintext": "three" }))).await.expect(200);
        let before = everything(&stoa).await;
        // Neither what it was before nor what another one is can be named by its hash.
        for (stale, status) in [
            (hash(&made), 409),
            (hash(&other), 409),
            (json!({ "hash": "" }), 400),
            (json!({ "hash": null }), 400),
        ] {
            let answer = stoa.admin.put("meshIntegration", &id, &body(stale.clone())).await;
            refused(&answer, status, &stale.to_string());
            let named = answer.json()["remarks"][0].as_str().unwrap().to_owned();
            assert!(named.starts_with("spec.config.azuredevops.personalAccessToken"), "{named}");
        }
        assert_eq!(everything(&stoa).await, before);
    }
}
