//! §5 of the core contract: declarative import and object collections.

use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, text};
use crate::tenants::stage::{kubernetes, platform_body, tenant_body, zone_body};
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

/// Users and a workspace for groups and bindings.
async fn people(stoa: &Stoa) {
    stoa.workspace("orchard").await;
    import(&stoa.admin, &[user("lea"), user("tom"), project("orchard", "press-dev")]).await;
}

fn group(members: &[&str]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "meshWorkspaceUserGroup",
        "metadata": { "name": "pickers", "ownedByWorkspace": "orchard" },
        "spec": { "displayName": "Pickers", "members": members },
    })
}

fn bound(kind: &str, name: &str, role: &str, subject: &str) -> Value {
    let project = kind.contains("Project");
    let target = match project {
        true => json!({ "name": "press-dev", "ownedByWorkspace": "orchard" }),
        false => json!({ "name": "orchard" }),
    };
    json!({
        "apiVersion": if project { "v3" } else { "v2" }, "kind": kind, "metadata": { "name": name },
        "roleRef": { "name": role }, "targetRef": target, "subject": { "name": subject },
    })
}

/// The same in the older shape, for several subjects.
fn bound_before(kind: &str, version: &str, role: &str, subjects: &[&str]) -> Value {
    let mut binding = bound(kind, "x", role, "x");
    let subjects: Vec<Value> = subjects.iter().map(|subject| json!({ "name": subject })).collect();
    binding.as_object_mut().unwrap().retain(|name, _| name != "metadata" && name != "subject");
    binding["subjects"] = json!(subjects);
    binding["apiVersion"] = json!(version);
    binding
}

const MEMBER: &str = "Workspace Member";
const BY_USER: &str = "meshWorkspaceUserBinding";
const BY_GROUP: &str = "meshWorkspaceGroupBinding";
const TO_USER: &str = "meshProjectUserBinding";

on_both! {
    async fn groups_and_bindings_come_and_change_by_import(stoa) {
        people(&stoa).await;
        let all = [
            group(&["lea"]),
            bound(BY_GROUP, "pickers-in", MEMBER, "pickers"),
            bound(BY_USER, "tom-in", MEMBER, "tom"),
            bound(TO_USER, "tom-reads", "reader", "tom"),
            bound("meshProjectGroupBinding", "pickers-read", "reader", "pickers"),
        ];
        let labels = [
            "meshWorkspaceUserGroup[orchard.pickers]", "meshWorkspaceGroupBinding[pickers-in]",
            "meshWorkspaceUserBinding[tom-in]", "meshProjectUserBinding[tom-reads]",
            "meshProjectGroupBinding[pickers-read]",
        ];
        let expected: Vec<Value> = labels.iter().map(|label| done(label)).collect();
        assert_eq!(import(&stoa.admin, &all).await, expected);
        let before = entries(&stoa).await;
        assert_eq!(import(&stoa.admin, &all).await, expected, "again");
        assert_eq!(entries(&stoa).await, before, "and nothing changed");

        // Another last day changes the binding, and takes nothing from whom it is about.
        let mut until = all[2].clone();
        until["expiryDate"] = json!("2099-12-31");
        assert_eq!(import(&stoa.admin, &[group(&["lea", "tom"]), until.clone()]).await[1], expected[2]);
        assert_eq!(stoa.admin.get(BY_USER, "/tom-in").await.expect(200)["expiryDate"], "2099-12-31");
        stoa.admin.get(TO_USER, "/tom-reads").await.expect(200);
        let members = stoa.admin.get("meshWorkspaceUserGroup", "/orchard.pickers").await.expect(200);
        assert_eq!(members["spec"]["members"], json!(["lea", "tom"]));
        // Another role makes another binding of it.
        let manager = bound(BY_USER, "tom-in", "Workspace Manager", "tom");
        assert_eq!(import(&stoa.admin, &[manager]).await, [expected[2].clone()]);
        let shown = stoa.admin.get(BY_USER, "/tom-in").await.expect(200);
        assert_eq!(shown["roleRef"]["name"], "Workspace Manager");
        assert_eq!(shown.get("expiryDate"), None);

        for (object, code, says) in [
            (bound(BY_USER, "nobody-in", MEMBER, "nobody"), "UnprocessableEntity", "nobody"),
            (bound(BY_USER, "twice", "Workspace Manager", "tom"), "Conflict", "tom-in"),
            (bound(BY_USER, "role", "Gardener", "tom"), "UnprocessableEntity", "Gardener"),
            (group(&["nobody"]), "BadRequest", "spec.members"),
        ] {
            let told = &import(&stoa.admin, &[object]).await[0];
            assert_eq!(told["resultCode"], code, "{told}");
            assert!(told["message"].as_str().unwrap().contains(says), "{told}");
        }
    }

    async fn bindings_of_the_older_shape_bind_each_subject_once(stoa) {
        people(&stoa).await;
        import(&stoa.admin, &[bound(BY_USER, "mine", MEMBER, "lea")]).await;
        let all = [
            bound_before(BY_USER, "v1", MEMBER, &["lea", "tom"]),
            bound_before(BY_USER, "v2", "Workspace Manager", &["lea"]),
            bound_before(TO_USER, "v2", "reader", &["lea", "tom"]),
        ];
        for _ in 0..2 {
            for told in import(&stoa.admin, &all).await {
                assert_eq!(told["status"], "SUCCESS", "{told}");
            }
            let of = |role: &'static str| stoa.admin.list(BY_USER, match role {
                MEMBER => "?workspaceRole=Workspace%20Member",
                _ => "?workspaceRole=Workspace%20Manager",
            });
            let names: Vec<String> = of(MEMBER).await.iter().map(|one| text(one, "/metadata/name")).collect();
            assert_eq!(names.len(), 2, "the one of another name was left alone: {names:?}");
            assert!(names.contains(&"mine".to_owned()));
            assert_eq!(of("Workspace Manager").await.len(), 1);
            assert_eq!(stoa.admin.list(TO_USER, "").await.len(), 2);
        }
        // One subject that is nobody leaves nothing of the object behind.
        let half = bound_before(TO_USER, "v2", "user", &["tom", "nobody"]);
        assert_eq!(import(&stoa.admin, &[half]).await[0]["status"], "FAILED");
        assert_eq!(stoa.admin.list(TO_USER, "").await.len(), 2);
    }

    async fn an_import_deletes_members_of_its_collection_that_it_misses(stoa) {
        people(&stoa).await;
        collection(&stoa.admin, Method::POST, "people").await.expect(201);
        let query = "?meshObjectCollection=people&owner=orchard";
        let bring = async |objects: &[Value]| {
            results(send(&stoa.admin, query, JSON, json!(objects).to_string()).await, objects.len())
        };
        let by_hand = bound(BY_USER, "by-hand", "Workspace Manager", "lea");
        import(&stoa.admin, &[by_hand]).await;
        let (group, lea, tom) =
            (group(&["lea"]), bound(BY_USER, "lea-in", MEMBER, "lea"), bound(BY_USER, "tom-in", MEMBER, "tom"));
        let of_group = bound(BY_GROUP, "pickers-in", MEMBER, "pickers");
        let reads = bound(TO_USER, "lea-reads", "reader", "lea");
        bring(&[group.clone(), lea.clone(), tom.clone(), of_group.clone(), reads.clone()]).await;
        let here = async |kind: &str| -> Vec<String> {
            stoa.admin.list(kind, "").await.iter().map(|one| text(one, "/metadata/name")).collect()
        };
        bring(&[group.clone(), tom.clone(), of_group.clone()]).await;
        assert_eq!(here(BY_USER).await, ["by-hand", "tom-in"], "what came otherwise stays");
        assert_eq!(here(TO_USER).await, ["lea-reads"], "bindings of projects are no members");
        collection(&stoa.admin, Method::DELETE, "people").await.refused(409, "not empty");
        // One that fails is not missing, and nothing is when one cannot be told by name.
        let broken = bound(BY_USER, "tom-in", "Gardener", "tom");
        assert_eq!(bring(&[group, of_group, broken]).await[2]["status"], "FAILED");
        assert_eq!(here(BY_USER).await, ["by-hand", "tom-in"]);
        bring(&[json!({ "kind": BY_USER, "apiVersion": "v2" })]).await;
        assert_eq!(here("meshWorkspaceUserGroup").await, ["pickers"]);
        // An import of nothing empties it: what hung on the members went with them.
        bring(&[]).await;
        assert_eq!(here(BY_USER).await, ["by-hand"]);
        assert!(here(BY_GROUP).await.is_empty() && here("meshWorkspaceUserGroup").await.is_empty());
        collection(&stoa.admin, Method::DELETE, "people").await.expect(200);
    }

    async fn tenants_come_by_import_and_get_other_quotas(stoa) {
        for workspace in ["shop", "ops"] {
            stoa.workspace(workspace).await;
        }
        stoa.project("web").await;
        let location = json!({ "metadata": { "name": "global", "ownedByWorkspace": "ops" }, "spec": { "displayName": "G", "description": "" } });
        stoa.admin.post("meshLocation", "", &location).await;
        let platform = stoa.admin.create("meshPlatform", &platform_body("k8s", "ops", kubernetes())).await;
        let platform = text(&platform, "/metadata/uuid");
        let properties = json!({ "type": "kubernetes", "kubernetes": { "kubernetesRoleMappings": [] } });
        let mut zone = zone_body("k8s-default", "ops", &platform, properties);
        zone["spec"]["quotas"] = json!([{ "key": "cpu", "value": 2 }, { "key": "memory", "value": 4 }]);
        stoa.admin.create("meshLandingZone", &zone).await;

        let owner = json!({ "ownedByWorkspace": "shop", "ownedByProject": "web" });
        let mut old = json!({
            "apiVersion": "v3", "kind": "meshTenant", "metadata": owner,
            "spec": { "landingZoneIdentifier": "k8s-default", "quotas": [{ "key": "cpu", "value": 20 }] },
        });
        old["metadata"]["platformIdentifier"] = json!("k8s.global");
        let preview = json!({
            "apiVersion": "v4-preview", "kind": "meshTenant", "metadata": owner,
            "spec": {
                "platformIdentifier": "k8s.global", "landingZoneIdentifier": "k8s-default",
                "quotas": [{ "key": "memory", "value": 8 }],
            },
        });
        let mut new = tenant_body("web", &platform, Some("k8s-default"));
        new["apiVersion"] = json!("v4");
        new["kind"] = json!("meshTenant");
        new["spec"]["requestedQuotas"] = json!({ "cpu": { "value": 30 } });
        let by_name = "meshTenant[shop.web.k8s.global]".to_owned();
        let by_uuid = format!("meshTenant[shop.web.{platform}]");
        for (tenant, label, quotas) in [
            (&old, &by_name, (20, 4)),
            (&old, &by_name, (20, 4)),
            (&preview, &by_name, (2, 8)),
            (&new, &by_uuid, (30, 4)),
        ] {
            assert_eq!(import(&stoa.admin, std::slice::from_ref(tenant)).await, [done(label)]);
            let found = stoa.admin.list("meshTenant", "").await;
            assert_eq!(found.len(), 1, "one tenant, whichever version names it");
            let wanted = json!({ "cpu": { "value": quotas.0 }, "memory": { "value": quotas.1 } });
            let uuid = text(&found[0], "/metadata/uuid");
            stoa.admin.until("meshTenant", &uuid, |shown| shown["status"]["appliedQuotas"] == wanted).await;
        }
        new["spec"]["requestedQuotas"] = json!({ "cpu": { "value": 101 } });
        failed(&import(&stoa.admin, &[new.clone()]).await[0], &by_uuid, "BadRequest", "is out of range");
        new["metadata"]["ownedByProject"] = json!("nowhere");
        let told = &import(&stoa.admin, &[new]).await[0];
        assert_eq!(told["status"], "FAILED", "{told}");
    }

    async fn payment_methods_come_by_import(stoa) {
        people(&stoa).await;
        let method = json!({
            "apiVersion": "v2", "kind": "meshPaymentMethod",
            "metadata": { "name": "card", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "Card", "amount": 100, "tags": {} },
        });
        for _ in 0..2 {
            assert_eq!(import(&stoa.admin, std::slice::from_ref(&method)).await, [done("meshPaymentMethod[card]")]);
        }
        assert_eq!(stoa.admin.get("meshPaymentMethod", "/card").await.expect(200)["spec"]["amount"], 100);
    }
}

async fn collection(caller: &Caller, method: Method, name: &str) -> Answer {
    let body = json!({ "name": name, "owner": "orchard", "description": "from the directory" });
    let path = "/api/meshobjectcollections";
    caller.raw(method, path, |r| r.header("content-type", COLLECTION).body(body.to_string())).await
}
