//! meshPaymentMethod (`api-core.md` §3.12).

use super::cast::project;
use super::{is_instant, names, names_of, redacted, with, without};
use crate::on_both;
use crate::stoa::{Caller, Stoa, media};
use serde_json::{Value, json};
use std::time::Duration;

const KIND: &str = "meshPaymentMethod";
const DAY: Duration = Duration::from_hours(24);

fn body(name: &str) -> Value {
    json!({
        "apiVersion": "v2",
        "kind": KIND,
        "metadata": { "name": name, "ownedByWorkspace": "orchard" },
        "spec": {
            "displayName": "Orchard Budget",
            "amount": 25000,
            "expirationDate": "2999-12-31",
            "tags": { "ledger": ["4400"] },
        },
    })
}

async fn found(caller: &Caller, query: &str) -> Vec<String> {
    names_of(&caller.list(KIND, query).await).into_iter().map(str::to_owned).collect()
}

/// Whose project it is that is paid by whom.
async fn pay(stoa: &Stoa, name: &str, primary: Option<&str>, substitute: Option<&str>) -> Value {
    let id = format!("/orchard.{name}");
    let mut project = stoa.admin.get("meshProject", &id).await.expect(200);
    project["spec"]["paymentMethodIdentifier"] = json!(primary);
    project["spec"]["substitutePaymentMethodIdentifier"] = json!(substitute);
    stoa.admin.put("meshProject", &id, &project).await.expect(200)
}

/// Primary and substitute of a project.
fn paid(project: &Value) -> (Option<&str>, Option<&str>) {
    let of = |name: &str| project["spec"].get(name).map(|method| method.as_str().unwrap());
    (of("paymentMethodIdentifier"), of("substitutePaymentMethodIdentifier"))
}

/// The last day that is still ahead when the test begins: it is over one day later.
fn today(stoa: &Stoa) -> String {
    stoa.running.app.world.clock.now().day().to_string()
}

async fn ready(stoa: &Stoa) {
    stoa.tags(KIND, &["ledger"]).await;
    stoa.workspace("orchard").await;
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        ready(&stoa).await;
        let answer = stoa.admin.post(KIND, "", &body("orchard-2026")).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v2"));
        let made = answer.expect(201);
        let at = |rest: &str| json!({ "href": format!("{}/api/meshobjects/{rest}", stoa.url) });
        let mut expected = body("orchard-2026");
        expected["metadata"]["createdOn"] = json!("<instant>");
        expected["_links"] = json!({
            "self": at("meshpaymentmethods/orchard-2026"),
            "meshprojects": at("meshprojects?paymentIdentifier=orchard-2026"),
        });
        assert_eq!(redacted(made.clone(), &["/metadata/createdOn"]), expected);
        assert_eq!(stoa.admin.get(KIND, "/orchard-2026").await.expect(200), made);
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&made));
        let before = stoa.admin.list("meshEventLog", "").await.len();
        assert_eq!(stoa.admin.put(KIND, "/orchard-2026", &made).await.expect(200), made);
        assert_eq!(stoa.admin.list("meshEventLog", "").await.len(), before, "nothing changed");
    }

    async fn required_and_optional_fields(stoa) {
        ready(&stoa).await;
        for (missing, field) in [
            ("/metadata", "metadata"),
            ("/metadata/name", "metadata.name"),
            ("/metadata/ownedByWorkspace", "metadata.ownedByWorkspace"),
            ("/spec", "spec"),
            ("/spec/displayName", "spec.displayName"),
        ] {
            names(stoa.admin.post(KIND, "", &without(body("b"), missing)).await, field);
            names(stoa.admin.post(KIND, "", &with(body("b"), missing, Value::Null)).await, field);
        }
        for bad in ["", "Budget", "a--b", "a.b", &"x".repeat(65)] {
            names(stoa.admin.post(KIND, "", &body(bad)).await, "metadata.name");
        }
        for (pointer, bad, field) in [
            ("/spec/displayName", json!(" "), "spec.displayName"),
            ("/spec/amount", json!("1500"), "spec.amount"),
            ("/spec/amount", json!(-1), "spec.amount"),
            ("/spec/amount", json!(true), "spec.amount"),
            ("/spec/expirationDate", json!("2026-12-31T00:00:00Z"), "spec.expirationDate"),
            ("/spec/expirationDate", json!("2026-02-30"), "spec.expirationDate"),
            ("/spec/expirationDate", json!(""), "spec.expirationDate"),
            ("/spec/tags", json!({ "ledger": "4400" }), "spec.tags.ledger"),
            ("/spec/tags", json!({ "unknown": ["x"] }), "spec.tags.unknown"),
        ] {
            names(stoa.admin.post(KIND, "", &with(body("b"), pointer, bad)).await, field);
        }
        stoa.admin.post(KIND, "", &with(body("b"), "/metadata/ownedByWorkspace", json!("nowhere"))).await.refused(404, "nowhere");
        let sparse = json!({
            "metadata": { "name": "sparse", "ownedByWorkspace": "orchard", "deletedOn": null },
            "spec": { "displayName": "S", "amount": null, "expirationDate": null },
        });
        let made = stoa.admin.create(KIND, &sparse).await;
        assert_eq!(made["spec"], json!({ "displayName": "S", "tags": {} }));
        let longest = "x".repeat(64);
        stoa.admin.create(KIND, &body(&longest)).await;
    }

    async fn amounts_are_whole_where_they_can_be(stoa) {
        ready(&stoa).await;
        for (sent, shown) in [("1500.0", "1500"), ("1500", "1500"), ("0", "0"), ("1.5e3", "1500"), ("19.99", "19.99")] {
            let raw = with(body("b"), "/spec/amount", json!("AMOUNT")).to_string().replace("\"AMOUNT\"", sent);
            let media = media(KIND, "v2");
            let answer = stoa.admin.raw(reqwest::Method::PUT, "/api/meshobjects/meshpaymentmethods/b", |r| {
                r.header("accept", &media).header("content-type", &media).body(raw)
            });
            let answer = answer.await;
            assert!(answer.text.contains(&format!("\"amount\":{shown},")), "{sent}: {}", answer.text);
            let again = stoa.admin.get(KIND, "/b").await;
            assert!(again.text.contains(&format!("\"amount\":{shown},")), "{sent}: {}", again.text);
        }
    }

    async fn a_put_creates_and_replaces(stoa) {
        ready(&stoa).await;
        stoa.workspace("shop").await;
        let made = stoa.admin.put(KIND, "/b", &body("b")).await.expect(200);
        let sparse = json!({ "metadata": body("b")["metadata"], "spec": { "displayName": "S" } });
        let changed = stoa.admin.put(KIND, "/b", &sparse).await.expect(200);
        assert_eq!(changed["spec"], json!({ "displayName": "S", "tags": {} }));
        assert_eq!(changed["metadata"], made["metadata"]);
        names(stoa.admin.put(KIND, "/b", &body("c")).await, "metadata.name");
        let moved = with(body("b"), "/metadata/ownedByWorkspace", json!("shop"));
        names(stoa.admin.put(KIND, "/b", &moved).await, "metadata.ownedByWorkspace");
        stoa.admin.post(KIND, "", &body("b")).await.refused(409, "b");
        // Past dates are no mistake, neither now nor later.
        for past in ["2025-01-01", "1999-12-31"] {
            let put = stoa.admin.put(KIND, "/b", &with(body("b"), "/spec/expirationDate", json!(past))).await.expect(200);
            assert_eq!(put["spec"]["expirationDate"], past);
        }
        stoa.admin.create(KIND, &with(body("old"), "/spec/expirationDate", json!("2025-06-30"))).await;
        let told = stoa.admin.list("meshEventLog", "?title=Payment%20Method").await;
        let titles: Vec<_> = told.iter().map(|entry| entry["spec"]["title"].as_str().unwrap()).collect();
        let [created, changed] = ["Payment Method Created", "Payment Method Changed"];
        assert_eq!(titles, [created, changed, changed, changed, created]);
    }

    async fn the_list_is_that_of_the_workspace_or_the_filter(stoa) {
        ready(&stoa).await;
        stoa.workspace("shop").await;
        for (name, owner) in [("a", "orchard"), ("b", "shop"), ("c", "orchard")] {
            stoa.admin.create(KIND, &with(body(name), "/metadata/ownedByWorkspace", json!(owner))).await;
        }
        let key = stoa.key("shop", &["PAYMENTMETHOD_LIST"]).await;
        for (query, all, own) in [
            ("", &["a", "b", "c"][..], &["b"][..]),
            ("?workspaceIdentifier=orchard", &["a", "c"], &["b"]),
            ("?workspaceIdentifier=shop", &["b"], &["b"]),
            ("?workspaceIdentifier=nowhere", &[], &["b"]),
        ] {
            assert_eq!(found(&stoa.admin, query).await, all, "{query}");
            assert_eq!(found(&key, query).await, own, "{query}");
        }
        key.get(KIND, "/b").await.expect(200);
        key.get(KIND, "/a").await.refused(403, "ADM_PAYMENTMETHOD_LIST");
        key.put(KIND, "/b", &body("b")).await.refused(403, "ADM_PAYMENTMETHOD_SAVE");
        key.delete(KIND, "/b").await.refused(403, "ADM_PAYMENTMETHOD_DELETE");
    }

    async fn a_deleted_one_stays_readable_and_frees_its_name(stoa) {
        ready(&stoa).await;
        for name in ["a", "b"] {
            stoa.admin.create(KIND, &body(name)).await;
        }
        for name in ["paid", "spared", "backed"] {
            project(&stoa, "orchard", name).await;
        }
        pay(&stoa, "paid", Some("a"), Some("b")).await;
        pay(&stoa, "spared", Some("b"), Some("a")).await;
        pay(&stoa, "backed", Some("a"), None).await;
        let made = stoa.admin.get(KIND, "/a").await.expect(200);
        let answer = stoa.admin.delete(KIND, "/a").await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        let shown = stoa.admin.get(KIND, "/a").await.expect(200);
        assert!(is_instant(&shown["metadata"]["deletedOn"]));
        assert_eq!(without(shown, "/metadata/deletedOn"), made);
        assert_eq!(found(&stoa.admin, "").await, ["b"]);
        stoa.admin.delete(KIND, "/a").await.expect(204);
        // Whatever it paid for is paid by the substitute, or by nobody.
        for (name, primary) in [("paid", Some("b")), ("spared", Some("b")), ("backed", None)] {
            let project = stoa.admin.get("meshProject", &format!("/orchard.{name}")).await.expect(200);
            assert_eq!(paid(&project), (primary, None), "{name}");
        }
        assert_eq!(names_of(&stoa.admin.list("meshProject", "?paymentIdentifier=b").await), ["paid", "spared"]);
        let gone = json!({ "metadata": { "name": "paid", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "P", "paymentMethodIdentifier": "a" } });
        names(stoa.admin.put("meshProject", "/orchard.paid", &gone).await, "spec.paymentMethodIdentifier");
        // The name is free, by POST and by PUT.
        let again = stoa.admin.create(KIND, &with(body("a"), "/spec/displayName", json!("Second"))).await;
        assert_eq!(stoa.admin.get(KIND, "/a").await.expect(200), again);
        stoa.admin.delete(KIND, "/a").await.expect(204);
        stoa.admin.put(KIND, "/a", &body("a")).await.expect(200);
        assert_eq!(found(&stoa.admin, "").await, ["b", "a"]);
    }

    async fn projects_are_paid_by_methods_of_their_workspace(stoa) {
        ready(&stoa).await;
        stoa.workspace("shop").await;
        stoa.admin.create(KIND, &body("a")).await;
        stoa.admin.create(KIND, &with(body("old"), "/spec/expirationDate", json!("2025-01-01"))).await;
        stoa.admin.create(KIND, &with(body("foreign"), "/metadata/ownedByWorkspace", json!("shop"))).await;
        project(&stoa, "orchard", "web").await;
        let put = |primary: &str, substitute: Option<&str>| json!({
            "metadata": { "name": "web", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "W", "paymentMethodIdentifier": primary, "substitutePaymentMethodIdentifier": substitute },
        });
        for (primary, substitute, field) in [
            ("foreign", None, "spec.paymentMethodIdentifier"),
            ("nothing", None, "spec.paymentMethodIdentifier"),
            ("a", Some("foreign"), "spec.substitutePaymentMethodIdentifier"),
        ] {
            names(stoa.admin.put("meshProject", "/orchard.web", &put(primary, substitute)).await, field);
        }
        let only = with(put("a", Some("old")), "/spec/paymentMethodIdentifier", Value::Null);
        names(stoa.admin.put("meshProject", "/orchard.web", &only).await, "spec.substitutePaymentMethodIdentifier");
        // What is over is accepted.
        let project = stoa.admin.put("meshProject", "/orchard.web", &put("old", Some("a"))).await.expect(200);
        assert_eq!(paid(&project), (Some("old"), Some("a")));
        let link = project["_links"]["activePaymentMethod"]["href"].as_str().unwrap();
        assert!(link.ends_with("/meshpaymentmethods/old"), "{link}");
        assert_eq!(names_of(&stoa.admin.list("meshProject", "?paymentIdentifier=old").await), ["web"]);
        assert!(stoa.admin.list("meshProject", "?paymentIdentifier=a").await.is_empty(), "substitutes do not count");
        let cleared = pay(&stoa, "web", None, None).await;
        assert_eq!(paid(&cleared), (None, None));
        let told = stoa.admin.list("meshEventLog", "?title=Project%20Payment").await;
        let titles: Vec<_> = told.iter().map(|entry| entry["spec"]["title"].as_str().unwrap()).collect();
        assert_eq!(titles, ["Project Payment Method Changed"]);
    }

    async fn on_its_last_day_a_method_hands_over(stoa) {
        let stoa = stoa.at_noon().await;
        ready(&stoa).await;
        let until_today = |name: &str| with(body(name), "/spec/expirationDate", json!(today(&stoa)));
        stoa.admin.create(KIND, &until_today("ends")).await;
        stoa.admin.create(KIND, &body("stays")).await;
        stoa.admin.create(KIND, &with(body("old"), "/spec/expirationDate", json!("2025-01-01"))).await;
        // Moved ahead: it does not end today any more. Moved into the past: that is no transition.
        stoa.admin.create(KIND, &until_today("moved")).await;
        stoa.admin.put(KIND, "/moved", &body("moved")).await.expect(200);
        stoa.admin.create(KIND, &until_today("backdated")).await;
        for name in ["a", "b", "c", "d", "e", "f"] {
            project(&stoa, "orchard", name).await;
        }
        pay(&stoa, "a", Some("ends"), Some("stays")).await;
        pay(&stoa, "b", Some("ends"), None).await;
        pay(&stoa, "c", Some("stays"), Some("ends")).await;
        pay(&stoa, "d", Some("old"), Some("ends")).await;
        pay(&stoa, "e", Some("moved"), None).await;
        pay(&stoa, "f", Some("backdated"), None).await;
        stoa.admin.put(KIND, "/backdated", &with(body("backdated"), "/spec/expirationDate", json!("2025-01-01"))).await.expect(200);
        stoa.advance(DAY);
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        for (name, expected) in [
            ("a", (Some("stays"), None)),
            ("b", (None, None)),
            ("c", (Some("stays"), None)),
            ("d", (Some("old"), None)),
            ("e", (Some("moved"), None)),
            ("f", (Some("backdated"), None)),
        ] {
            admin.until("meshProject", &format!("orchard.{name}"), |project| paid(project) == expected).await;
        }
        let told = admin.list("meshEventLog", "?title=Project%20Payment&authorType=System").await;
        assert_eq!(told.len(), 4, "once for each project: {told:#?}");
        assert!(told.iter().all(|entry| entry["spec"]["title"] == "Project Payment Method Changed"));
        // Assigned afterwards, it stays: the day is over once only.
        let mut web = admin.get("meshProject", "/orchard.b").await.expect(200);
        web["spec"]["paymentMethodIdentifier"] = json!("ends");
        admin.put("meshProject", "/orchard.b", &web).await.expect(200);
        stoa.advance(Duration::from_mins(2));
        admin.create(KIND, &with(body("next"), "/spec/expirationDate", json!(today(&stoa)))).await;
        let mut web = admin.get("meshProject", "/orchard.a").await.expect(200);
        web["spec"]["paymentMethodIdentifier"] = json!("next");
        admin.put("meshProject", "/orchard.a", &web).await.expect(200);
        stoa.advance(DAY);
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        admin.until("meshProject", "orchard.a", |project| paid(project) == (None, None)).await;
        assert_eq!(paid(&admin.get("meshProject", "/orchard.b").await.expect(200)), (Some("ends"), None));
        assert_eq!(paid(&admin.get("meshProject", "/orchard.d").await.expect(200)), (Some("old"), None));
    }
}
