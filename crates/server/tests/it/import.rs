//! §5 of the core contract: declarative import and object collections.

use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, text};
use reqwest::Method;
use serde_json::{Value, json};

const JSON: &str = "application/vnd.meshcloud.api.meshobjects.v1+json";
const YAML: &str = "application/vnd.meshcloud.api.meshobjects.v1+yaml";
const COLLECTION: &str = "application/vnd.meshcloud.api.meshobjectcollection.v1+json";

async fn send(caller: &Caller, query: &str, media: &str, body: String) -> Answer {
    let path = format!("/api/meshobjects{query}");
    caller
        .raw(Method::PUT, &path, |r| r.header("accept", JSON).header("content-type", media).body(body))
        .await
}

/// Imports a JSON array; one result per object.
async fn import(caller: &Caller, objects: &[Value]) -> Vec<Value> {
    results(send(caller, "", JSON, json!(objects).to_string()).await, objects.len())
}

#[track_caller]
fn results(answer: Answer, count: usize) -> Vec<Value> {
    assert_eq!(answer.headers["content-type"], JSON);
    let Value::Array(results) = answer.expect(200) else { panic!("no array") };
    assert_eq!(results.len(), count, "{results:#?}");
    for result in &results {
        let names: Vec<&String> = result.as_object().unwrap().keys().collect();
        assert_eq!(names, ["meshObject", "status", "resultCode", "message", "remarks"]);
    }
    results
}

fn done(label: &str) -> Value {
    json!({ "meshObject": label, "status": "SUCCESS", "resultCode": null, "message": null, "remarks": null })
}

#[track_caller]
fn failed(result: &Value, label: &str, code: &str, says: &str) {
    assert_eq!(result["meshObject"], label, "{result}");
    assert_eq!((&result["status"], &result["resultCode"]), (&json!("FAILED"), &json!(code)), "{result}");
    assert!(result["message"].as_str().unwrap().contains(says), "{result}");
}

fn user(name: &str) -> Value {
    json!({
        "apiVersion": "v2", "kind": "meshUser", "metadata": { "name": name },
        "spec": { "email": format!("{name}@fruit.example"), "firstName": "F", "lastName": "L" },
    })
}

fn workspace(name: &str, display: &str) -> Value {
    json!({
        "apiVersion": "v2", "kind": "meshWorkspace", "metadata": { "name": name, "tags": {} },
        "spec": { "displayName": display },
    })
}

fn project(workspace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v2", "kind": "meshProject", "metadata": { "name": name, "ownedByWorkspace": workspace },
        "spec": { "displayName": name, "tags": {} },
    })
}

/// How many entries of the event log and versions there are: nothing changed means none more.
async fn entries(stoa: &Stoa) -> Value {
    stoa.admin.get("meshEventLog", "?size=1").await.expect(200)["page"]["totalElements"].clone()
}

on_both! {
    async fn objects_are_made_replaced_and_left_alone_in_the_order_of_the_document(stoa) {
        let all = [user("lea"), workspace("orchard", "Orchard"), project("orchard", "press-dev")];
        let labels = ["meshUser[lea]", "meshWorkspace[orchard]", "meshProject[orchard.press-dev]"];
        let expected: Vec<Value> = labels.iter().map(|label| done(label)).collect();
        assert_eq!(import(&stoa.admin, &all).await, expected);
        let before = entries(&stoa).await;
        assert_eq!(import(&stoa.admin, &all).await, expected, "again");
        assert_eq!(entries(&stoa).await, before, "and nothing changed");
        let changed = [project("orchard", "press-dev"), workspace("orchard", "Trees")];
        assert_eq!(import(&stoa.admin, &changed).await, [expected[2].clone(), expected[1].clone()]);
        let shown = stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        assert_eq!(shown["spec"]["displayName"], "Trees");
        let log = stoa.admin.list("meshEventLog", "?workspaceIdentifier=orchard").await;
        let titles: Vec<String> = log.iter().map(|entry| text(entry, "/spec/title")).collect();
        assert_eq!(titles, ["Workspace Created", "Project Created", "Workspace Name Changed"]);
    }

    async fn one_object_that_fails_keeps_no_other_from_its_place(stoa) {
        let mut taken = user("tom");
        taken["spec"]["euid"] = json!("E-1");
        let mut again = user("tim");
        again["spec"]["euid"] = json!("E-1");
        let mut no_mail = user("bad");
        no_mail["spec"]["email"] = json!("nobody");
        let mut old = project("orchard", "x");
        old["apiVersion"] = json!("v1");
        let mut long = workspace("long", "x");
        long["spec"]["displayName"] = json!("x".repeat(256));
        let mut types = workspace("types", "x");
        types["spec"] = json!([]);
        let objects = [
            taken, again, no_mail, project("nowhere", "p"), old, long, types,
            json!("text"), json!({}), json!({ "kind": "meshPlatform", "apiVersion": "v2" }),
            json!({ "kind": "meshUser", "apiVersion": "v2", "spec": {} }),
            json!({ "kind": "meshExchangeRate", "apiVersion": "v1", "date": "2026-01-01", "rates": [] }),
            json!({ "kind": "meshServiceInstanceBinding", "apiVersion": "v1", "metadata": { "bindingId": "b" } }),
            workspace("orchard", "Orchard"),
        ];
        let told = import(&stoa.admin, &objects).await;
        assert_eq!(told[0], done("meshUser[tom]"));
        failed(&told[1], "meshUser[tim]", "Conflict", "euid");
        failed(&told[2], "meshUser[bad]", "BadRequest", "spec.email");
        assert_eq!(told[2]["remarks"], json!(["spec.email"]));
        failed(&told[3], "meshProject[nowhere.p]", "NotFound", "nowhere");
        failed(&told[4], "meshProject[x]", "BadRequest", "apiVersion");
        failed(&told[5], "meshWorkspace[long]", "BadRequest", "spec.displayName");
        failed(&told[6], "meshWorkspace[types]", "BadRequest", "spec");
        failed(&told[7], "?[?]", "BadRequest", "object");
        failed(&told[8], "?[?]", "BadRequest", "kind");
        failed(&told[9], "meshPlatform[?]", "BadRequest", "meshPlatform");
        failed(&told[10], "meshUser[?]", "BadRequest", "metadata");
        failed(&told[11], "meshExchangeRate[2026-01-01]", "UnprocessableEntity", "yet");
        failed(&told[12], "meshServiceInstanceBinding[b]", "UnprocessableEntity", "yet");
        assert_eq!(told[13], done("meshWorkspace[orchard]"));
        assert_eq!(stoa.admin.list("meshUser", "").await.len(), 1);
    }

    async fn yaml_is_read_as_documents_and_older_versions_as_todays(stoa) {
        let documents = "\
apiVersion: v1
kind: meshUser
metadata: { name: lea }
spec: { email: lea@fruit.example, firstName: Lea, lastName: 'Apfel' }
---
# an empty document is none
---
apiVersion: v1
kind: meshWorkspace
metadata:
  name: orchard
spec:
  displayName: 'Orchard'
  tags: {}
";
        for media in [YAML.to_owned(), format!("{YAML};charset=UTF-8"), YAML.to_uppercase()] {
            let answer = send(&stoa.admin, "", &media, documents.to_owned()).await;
            assert_eq!(results(answer, 2), [done("meshUser[lea]"), done("meshWorkspace[orchard]")]);
        }
        assert_eq!(stoa.admin.get("meshUser", "/lea").await.expect(200)["apiVersion"], "v2");
        results(send(&stoa.admin, "", YAML, String::new()).await, 0);
    }

    async fn what_cannot_be_read_or_answered_is_refused_whole(stoa) {
        for (media, body) in [(JSON, "{}"), (JSON, "["), (JSON, "[1"), (JSON, ""), (YAML, "a: ["), (JSON, "\"x\"")] {
            send(&stoa.admin, "", media, body.to_owned()).await.refused(400, "body");
        }
        for media in ["application/json", "", "application/vnd.meshcloud.api.meshobjects.v2+json"] {
            send(&stoa.admin, "", media, "[]".to_owned()).await.refused(415, JSON);
        }
        for accept in ["application/json", "*/*", YAML] {
            let answer = stoa.admin.raw(Method::PUT, "/api/meshobjects", |r| {
                r.header("accept", accept).header("content-type", JSON).body("[]")
            });
            answer.await.refused(406, JSON);
        }
        for query in ["?owner=a", "?meshObjectCollection=a"] {
            send(&stoa.admin, query, JSON, "[]".to_owned()).await.refused(400, "beside");
        }
        let query = "?owner=a&meshObjectCollection=b";
        send(&stoa.admin, query, JSON, "[]".to_owned()).await.refused(404, "a/b");
        results(send(&stoa.admin, "?owner=&meshObjectCollection=", JSON, "[]".into()).await, 0);
    }

    async fn only_api_users_and_admins_of_workspaces_import(stoa) {
        stoa.workspace("shop").await;
        let body = json!([user("lea")]).to_string();
        send(&stoa.nobody(), "", JSON, body.clone()).await.refused(401, "");
        for codes in [&["WORKSPACE_SAVE"][..], &["ADM_WORKSPACE_LIST", "ADM_USER_SAVE"]] {
            let caller = stoa.key("shop", codes).await;
            send(&caller, "", JSON, body.clone()).await.refused(403, "ADM_WORKSPACE_SAVE");
            collection(&caller, Method::POST, "c").await.refused(403, "ADM_WORKSPACE_SAVE");
        }
        // May import, but not people.
        let caller = stoa.key("shop", &["ADM_WORKSPACE_SAVE"]).await;
        failed(&import(&caller, &[user("lea")]).await[0], "meshUser[lea]", "Forbidden", "ADM_USER_SAVE");
        let made = json!({ "metadata": { "name": "importer" }, "spec": { "displayName": "Importer" } });
        let made = stoa.admin.create("meshApiUser", &made).await;
        let password = made["status"]["password"].as_str().or(made["spec"]["password"].as_str()).unwrap().to_owned();
        let caller = stoa.nobody().basic("importer", &password);
        assert_eq!(import(&caller, &[user("lea")]).await, [done("meshUser[lea]")]);
    }

    async fn collections_are_made_once_and_deleted_when_empty(stoa) {
        collection(&stoa.admin, Method::DELETE, "people").await.refused(404, "orchard/people");
        let answer = collection(&stoa.admin, Method::POST, "people").await;
        assert_eq!((answer.status, answer.text.as_str()), (201, ""));
        collection(&stoa.admin, Method::POST, "people").await.refused(409, "orchard/people");
        collection(&stoa.admin, Method::POST, "other").await.expect(201);
        for (body, field) in [
            (json!({ "name": "x" }), "owner"),
            (json!({ "owner": "x" }), "name"),
            (json!({ "name": " ", "owner": "x" }), "name"),
            (json!({ "name": "x", "owner": "a/b" }), "owner"),
            (json!({ "name": 1, "owner": "a" }), "name"),
            (json!({ "name": "x".repeat(256), "owner": "a" }), "name"),
        ] {
            let answer = stoa.admin.raw(Method::POST, "/api/meshobjectcollections", |r| {
                r.header("content-type", COLLECTION).body(body.to_string())
            });
            answer.await.refused(400, field);
        }
        let answer = stoa.admin.raw(Method::POST, "/api/meshobjectcollections", |r| r.json(&json!({})));
        answer.await.refused(415, COLLECTION);
        let answer = collection(&stoa.admin, Method::DELETE, "people").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        collection(&stoa.admin, Method::DELETE, "people").await.refused(404, "people");
        collection(&stoa.admin, Method::POST, "people").await.expect(201);
        // What is no member leaves the collection empty.
        let query = "?meshObjectCollection=people&owner=orchard";
        results(send(&stoa.admin, query, JSON, json!([user("lea")]).to_string()).await, 1);
        collection(&stoa.admin, Method::DELETE, "people").await.expect(200);
        stoa.admin.get("meshUser", "/lea").await.expect(200);
    }
}

async fn collection(caller: &Caller, method: Method, name: &str) -> Answer {
    let body = json!({ "name": name, "owner": "orchard", "description": "from the directory" });
    let path = "/api/meshobjectcollections";
    caller.raw(method, path, |r| r.header("content-type", COLLECTION).body(body.to_string())).await
}
