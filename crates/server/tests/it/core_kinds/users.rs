//! meshUser (`api-core.md` §3.8).

use super::{names, names_of, redacted, with, without};
use crate::on_both;
use crate::stoa::{Stoa, media, text};
use serde_json::{Value, json};

const KIND: &str = "meshUser";

fn body(name: &str) -> Value {
    json!({
        "apiVersion": "v2",
        "kind": KIND,
        "metadata": { "name": name },
        "spec": {
            "email": "lea@fruit.example",
            "firstName": "Lea",
            "lastName": "Apfel",
            "euid": "L-4711",
            "tags": { "clearance": ["basic"] },
        },
    })
}

async fn found(stoa: &Stoa, query: &str) -> Vec<String> {
    names_of(&stoa.admin.list(KIND, query).await).into_iter().map(str::to_owned).collect()
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        let answer = stoa.admin.post(KIND, "", &body("lea@fruit.example")).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v2"));
        let made = answer.expect(201);
        let at = |rest: &str| json!({ "href": format!("{}/api/meshobjects/{rest}", stoa.url) });
        assert_eq!(
            redacted(made.clone(), &["/metadata/uuid"]),
            json!({
                "kind": KIND,
                "apiVersion": "v2",
                "metadata": { "name": "lea@fruit.example", "uuid": "<uuid>" },
                "spec": body("")["spec"],
                "_links": {
                    "self": at("meshusers/lea%40fruit.example"),
                    "meshworkspaceusergroups": at("meshworkspaceusergroups?username=lea%40fruit.example"),
                },
            })
        );
        for id in ["lea@fruit.example", "lea%40fruit.example", "l%65a%40fruit%2Eexample"] {
            assert_eq!(stoa.admin.get(KIND, &format!("/{id}")).await.expect(200), made);
        }
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&made));
        assert_eq!(stoa.admin.put(KIND, "/lea@fruit.example", &made).await.expect(200), made);
        // Optional ones are left out when unset; tags never are.
        let sparse = without(without(body("kim"), "/spec/tags"), "/spec/euid");
        let made = stoa.admin.create(KIND, &with(sparse, "/spec/euid", Value::Null)).await;
        let expected =
            json!({ "email": "lea@fruit.example", "firstName": "Lea", "lastName": "Apfel", "tags": {} });
        assert_eq!(made["spec"], expected);
    }

    async fn required_and_optional_fields(stoa) {
        for (missing, field) in [
            ("/metadata/name", "metadata.name"),
            ("/spec/email", "spec.email"),
            ("/spec/firstName", "spec.firstName"),
            ("/spec/lastName", "spec.lastName"),
        ] {
            names(stoa.admin.post(KIND, "", &without(body("lea"), missing)).await, field);
        }
        for bad in ["", " ", "a/b", "a\tb"] {
            names(stoa.admin.post(KIND, "", &body(bad)).await, "metadata.name");
        }
        for bad in ["", "lea", "@fruit.example", "lea@", "a@b@c", "le a@fruit.example"] {
            names(
                stoa.admin.post(KIND, "", &with(body("lea"), "/spec/email", json!(bad))).await,
                "spec.email",
            );
        }
        names(
            stoa.admin.post(KIND, "", &with(body("lea"), "/spec/tags", json!({ "k": "v" }))).await,
            "spec.tags.k",
        );
        // 255 characters of any kind are a name.
        let longest = "ü".repeat(255);
        stoa.admin.create(KIND, &body(&longest)).await;
        assert_eq!(found(&stoa, "").await, [longest]);
    }

    async fn a_put_creates_changes_and_renames(stoa) {
        let made = stoa.admin.put(KIND, "/lea", &body("lea")).await.expect(200);
        stoa.admin.post(KIND, "", &without(body("lea"), "/spec/euid")).await.refused(409, "lea");
        let bare = json!({ "metadata": { "name": "lea" }, "spec": { "email": "l@f.example", "firstName": "L", "lastName": "A" } });
        let changed = stoa.admin.put(KIND, "/lea", &bare).await.expect(200);
        assert_eq!(
            changed["spec"],
            json!({ "email": "l@f.example", "firstName": "L", "lastName": "A", "tags": {} })
        );
        assert_eq!(changed["metadata"], made["metadata"]);

        // A rename alone is a change like any other: told, and the uuid stays.
        let renamed = stoa
            .admin
            .put(KIND, "/lea", &with(bare.clone(), "/metadata/name", json!("lea.apfel")))
            .await
            .expect(200);
        assert_eq!(renamed["metadata"], with(made["metadata"].clone(), "/name", json!("lea.apfel")));
        stoa.admin.get(KIND, "/lea").await.expect(404);
        assert_eq!(stoa.admin.get(KIND, "/lea.apfel").await.expect(200), renamed);
        let told = stoa.admin.list("meshEventLog", "?title=User&eventType=Changed").await;
        let last = &told.last().unwrap()["spec"];
        assert_eq!(last["content"]["name"], "lea.apfel");
        assert_eq!(last["previousContent"]["name"], "lea");

        stoa.admin.create(KIND, &with(body("kim"), "/spec/euid", Value::Null)).await;
        let onto = with(bare.clone(), "/metadata/name", json!("kim"));
        stoa.admin.put(KIND, "/lea.apfel", &onto).await.refused(409, "kim");
        assert_eq!(stoa.admin.get(KIND, "/lea.apfel").await.expect(200), renamed, "nothing half-done");
        // A rename of nobody creates nobody.
        stoa.admin
            .put(KIND, "/nobody", &with(bare, "/metadata/name", json!("somebody")))
            .await
            .refused(404, "nobody");
        assert_eq!(found(&stoa, "").await, ["lea.apfel", "kim"]);
    }

    async fn an_external_id_belongs_to_one(stoa) {
        let lea = stoa.admin.create(KIND, &body("lea")).await;
        stoa.admin.post(KIND, "", &body("kim")).await.refused(409, "L-4711");
        stoa.admin.put(KIND, "/kim", &body("kim")).await.refused(409, "L-4711");
        stoa.admin.create(KIND, &with(body("kim"), "/spec/euid", json!("L-4712"))).await;
        stoa.admin.put(KIND, "/kim", &body("kim")).await.refused(409, "L-4711");
        stoa.admin.put(KIND, "/lea", &lea).await.expect(200);
        // Given up, it is free. An e-mail address may be shared.
        stoa.admin.put(KIND, "/lea", &with(body("lea"), "/spec/euid", Value::Null)).await.expect(200);
        stoa.admin.put(KIND, "/kim", &body("kim")).await.expect(200);
        let attempts = (0..12).map(|n| {
            let (admin, user) =
                (stoa.admin.clone(), with(body(&format!("u{n}")), "/spec/euid", json!("same")));
            tokio::spawn(async move { admin.post(KIND, "", &user).await.status })
        });
        let mut statuses = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            statuses.push(attempt.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 11][..]));
    }

    async fn a_deleted_user_is_gone(stoa) {
        stoa.admin.create(KIND, &body("lea")).await;
        let answer = stoa.admin.delete(KIND, "/lea").await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        stoa.admin.get(KIND, "/lea").await.refused(404, "lea");
        stoa.admin.delete(KIND, "/lea").await.refused(404, "lea");
        assert!(found(&stoa, "").await.is_empty());
        stoa.admin.create(KIND, &body("lea")).await;
    }

    async fn filters_narrow_the_list(stoa) {
        let person = |name: &str, first: &str, last: &str, euid: &str| {
            json!({
                "metadata": { "name": name },
                "spec": { "email": format!("{first}@{last}.example"), "firstName": first, "lastName": last, "euid": euid },
            })
        };
        let lea = stoa.admin.create(KIND, &person("lea", "Lea", "Apfel", "1")).await;
        stoa.admin.create(KIND, &person("kim", "Kim", "Apfel", "2")).await;
        stoa.admin.create(KIND, &person("kim+x", "Kim", "Birne", "3")).await;
        let uuid = text(&lea, "/metadata/uuid");
        for (query, expected) in [
            ("", &["lea", "kim", "kim+x"][..]),
            (&format!("?uuid={uuid}"), &["lea"]),
            ("?uuid=nobody", &[]),
            ("?euid=2", &["kim"]),
            ("?username=kim%2Bx", &["kim+x"]),
            ("?username=KIM", &[]),
            ("?email=Kim@Apfel.example", &["kim"]),
            ("?firstName=Kim", &["kim", "kim+x"]),
            ("?firstName=Kim&lastName=Birne", &["kim+x"]),
            ("?lastName=Apfel&euid=3", &[]),
            // Nobody holds a role anywhere yet.
            ("?workspaceIdentifier=demo-partner", &[]),
            ("?workspaceIdentifier=demo-partner&projectIdentifier=web", &[]),
            ("?workspaceRole=Workspace%20Owner", &[]),
            ("?projectRole=admin", &[]),
            ("?platformIdentifier=k8s.eu1", &[]),
            ("?workspaceUserGroupIdentifier=pickers", &[]),
        ] {
            assert_eq!(found(&stoa, query).await, expected, "{query}");
        }
        names(stoa.admin.get(KIND, "?projectIdentifier=web").await, "projectIdentifier");
        let both = "?workspaceUserGroupIdentifier=pickers&username=lea";
        names(stoa.admin.get(KIND, both).await, "workspaceUserGroupIdentifier");
    }

    async fn people_are_for_administrators(stoa) {
        stoa.admin.create(KIND, &body("lea")).await;
        stoa.workspace("shop").await;
        let clerk = stoa.key("shop", &["ADM_USER_LIST"]).await;
        clerk.get(KIND, "/lea").await.expect(200);
        clerk.put(KIND, "/lea", &body("lea")).await.refused(403, "ADM_USER_SAVE");
        clerk.delete(KIND, "/lea").await.refused(403, "ADM_USER_DELETE");
        let team = stoa.key("shop", &["WORKSPACE_LIST", "APIKEY_LIST"]).await;
        team.get(KIND, "").await.refused(403, "ADM_USER_LIST");
        team.get(KIND, "/nobody").await.refused(403, "ADM_USER_LIST");
    }
}
