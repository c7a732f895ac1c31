//! meshProjectRole (`api-core.md` §3.10).

use super::cast::{bind, orchard, unbind};
use super::{names, names_of, with, without};
use crate::on_both;
use crate::stoa::media;
use serde_json::{Value, json};

const KIND: &str = "meshProjectRole";

fn body(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": { "name": name, "tags": {} },
        "spec": { "name": "Project Auditor", "description": "Read-only plus logs", "rank": 20 },
    })
}

on_both! {
    async fn three_are_there_from_the_start(stoa) {
        let roles = stoa.admin.list(KIND, "").await;
        let found: Vec<_> = roles.iter().map(|role| (&role["metadata"]["name"], &role["spec"])).collect();
        assert_eq!(found, [
            (&json!("admin"), &json!({ "name": "Project Admin", "rank": 100 })),
            (&json!("user"), &json!({ "name": "Project User", "rank": 50 })),
            (&json!("reader"), &json!({ "name": "Project Reader", "rank": 10 })),
        ]);
        // What an administrator deletes stays away, also after the next start.
        stoa.admin.delete(KIND, "/reader").await.expect(204);
        let next = stoa.restarted().await;
        assert_eq!(names_of(&next.admin.list(KIND, "").await), ["admin", "user"]);
    }

    async fn it_shows_its_fields_and_nothing_else(stoa) {
        let answer = stoa.admin.post(KIND, "", &body("auditor")).await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v1"));
        let made = answer.expect(201);
        let own = format!("{}/api/meshobjects/meshprojectroles/auditor", stoa.url);
        let mut expected = body("auditor");
        expected["_links"] = json!({ "self": { "href": own } });
        assert_eq!(made, expected);
        assert_eq!(stoa.admin.get(KIND, "/auditor").await.expect(200), made);
        assert_eq!(stoa.admin.list(KIND, "").await.last(), Some(&made));
        let before = stoa.admin.list("meshEventLog", "").await.len();
        assert_eq!(stoa.admin.put(KIND, "/auditor", &made).await.expect(200), made);
        assert_eq!(stoa.admin.list("meshEventLog", "").await.len(), before, "nothing changed");
        stoa.admin.post(KIND, "", &body("auditor")).await.refused(409, "auditor");
    }

    async fn required_and_optional_fields(stoa) {
        for (missing, field) in [
            ("/metadata", "metadata"),
            ("/metadata/name", "metadata.name"),
            ("/spec", "spec"),
            ("/spec/name", "spec.name"),
            ("/spec/rank", "spec.rank"),
        ] {
            names(stoa.admin.post(KIND, "", &without(body("auditor"), missing)).await, field);
            names(stoa.admin.post(KIND, "", &with(body("auditor"), missing, Value::Null)).await, field);
        }
        for bad in ["", "Auditor", "a b", "a.b", &"x".repeat(65)] {
            names(stoa.admin.post(KIND, "", &body(bad)).await, "metadata.name");
        }
        names(stoa.admin.post(KIND, "", &with(body("auditor"), "/spec/name", json!(" "))).await, "spec.name");
        for bad in [json!("20"), json!(1.5), json!(true)] {
            names(stoa.admin.post(KIND, "", &with(body("auditor"), "/spec/rank", bad)).await, "spec.rank");
        }
        let sparse = json!({ "metadata": { "name": "auditor" }, "spec": { "name": "A", "rank": -1, "description": null } });
        let made = stoa.admin.create(KIND, &sparse).await;
        assert_eq!(made["metadata"], json!({ "name": "auditor", "tags": {} }));
        assert_eq!(made["spec"], json!({ "name": "A", "rank": -1 }));
    }

    async fn a_put_creates_and_replaces(stoa) {
        let made = stoa.admin.put(KIND, "/auditor", &body("auditor")).await.expect(200);
        assert_eq!(made["spec"], body("")["spec"]);
        let sparse = json!({ "metadata": { "name": "auditor" }, "spec": { "name": "Checker", "rank": 5 } });
        let changed = stoa.admin.put(KIND, "/auditor", &sparse).await.expect(200);
        assert_eq!(changed["spec"], sparse["spec"], "an absent description is none");
        names(stoa.admin.put(KIND, "/auditor", &body("other")).await, "metadata.name");
        let told = stoa.admin.list("meshEventLog", "?title=Project%20Role").await;
        let titles: Vec<_> = told[told.len() - 2..].iter().map(|entry| &entry["spec"]["title"]).collect();
        assert_eq!(titles, ["Project Role Created", "Project Role Changed"]);
    }

    async fn it_stays_as_long_as_somebody_is_bound_to_it(stoa) {
        orchard(&stoa).await;
        bind(&stoa, "lea", "Project Reader", "orchard.press").await;
        stoa.admin.delete(KIND, "/reader").await.refused(409, "meshProjectUserBinding[lea@orchard.press]");
        unbind(&stoa, "lea", "orchard.press").await.expect(204);
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        stoa.admin.delete(KIND, "/reader").await.refused(409, "meshProjectGroupBinding[pickers@orchard.press]");
        unbind(&stoa, "pickers", "orchard.press").await.expect(204);
        let answer = stoa.admin.delete(KIND, "/reader").await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        stoa.admin.get(KIND, "/reader").await.refused(404, "reader");
        stoa.admin.delete(KIND, "/reader").await.refused(404, "reader");
        // The identifier is free again.
        stoa.admin.create(KIND, &body("reader")).await;
    }

    async fn everybody_reads_administrators_write(stoa) {
        stoa.workspace("shop").await;
        let key = stoa.key("shop", &[]).await;
        assert_eq!(key.list(KIND, "").await.len(), 3);
        key.get(KIND, "/admin").await.expect(200);
        key.get(KIND, "/nothing").await.refused(404, "nothing");
        key.post(KIND, "", &body("auditor")).await.refused(403, "ADM_PROJECTROLE_SAVE");
        key.put(KIND, "/admin", &body("admin")).await.refused(403, "ADM_PROJECTROLE_SAVE");
        key.delete(KIND, "/admin").await.refused(403, "ADM_PROJECTROLE_DELETE");
        stoa.nobody().get(KIND, "").await.expect(401);
        let clerk = stoa.key("shop", &["ADM_PROJECTROLE_SAVE", "ADM_PROJECTROLE_DELETE"]).await;
        clerk.post(KIND, "", &body("auditor")).await.expect(201);
        clerk.delete(KIND, "/auditor").await.expect(204);
    }
}
