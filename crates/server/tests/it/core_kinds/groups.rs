//! meshWorkspaceUserGroup (`api-core.md` §3.9).

use super::cast::{bind, bound, group, group_body, orchard, project, save_group_directly, user};
use super::{names_of, with, without};
use crate::on_both;
use crate::stoa::{Stoa, media, path};
use reqwest::Method;
use serde_json::{Value, json};
use stoa_base::Refusal;
use stoa_core::Error;

const KIND: &str = "meshWorkspaceUserGroup";
const GLOBAL: &str = "meshcloud-global-partner";

async fn refusal(stoa: &Stoa, body: Value) -> Refusal {
    match save_group_directly(stoa, body).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn titles(stoa: &Stoa) -> Vec<String> {
    let told = stoa.admin.list("meshEventLog", "?title=Group%20Members").await;
    told.iter().map(|entry| entry["spec"]["title"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn it_shows_its_fields_and_nothing_else(stoa) {
        stoa.workspace("orchard").await;
        for name in ["tom", "lea"] {
            user(&stoa, name).await;
        }
        let mut body = group_body("orchard", "pickers", &["tom", "lea", "tom"]);
        body["spec"]["egid"] = json!("grp-88");
        body["spec"]["tags"] = json!({ "free": ["x"] });
        assert!(save_group_directly(&stoa, body.clone()).await.unwrap());
        let answer = stoa.admin.get(KIND, "/orchard.pickers").await;
        assert_eq!(answer.headers["content-type"], media(KIND, "v1"));
        let shown = answer.expect(200);
        let at = |rest: &str| json!({ "href": format!("{}/api/meshobjects/{rest}", stoa.url) });
        assert_eq!(shown, json!({
            "kind": KIND,
            "apiVersion": "v1",
            "metadata": { "name": "pickers", "ownedByWorkspace": "orchard" },
            "spec": { "displayName": "The pickers", "egid": "grp-88", "members": ["tom", "lea"], "tags": { "free": ["x"] } },
            "_links": {
                "self": at("meshworkspaceusergroups/orchard.pickers"),
                "meshworkspace": at("meshworkspaces/orchard"),
                "meshusers": at("meshusers?workspaceUserGroupIdentifier=pickers"),
            },
        }));
        assert_eq!(stoa.admin.list(KIND, "").await, std::slice::from_ref(&shown));
        // The same again changes nothing.
        let before = stoa.admin.list("meshEventLog", "").await.len();
        assert!(!save_group_directly(&stoa, shown).await.unwrap());
        assert_eq!(stoa.admin.list("meshEventLog", "").await.len(), before);
        // Sparse ones have tags and members all the same.
        group(&stoa, "orchard", "empty", &[]).await;
        let shown = stoa.admin.get(KIND, "/orchard.empty").await.expect(200);
        assert_eq!(shown["spec"], json!({ "displayName": "The empty", "members": [], "tags": {} }));
    }

    async fn what_does_not_fit_is_refused(stoa) {
        stoa.workspace("orchard").await;
        user(&stoa, "lea").await;
        let good = group_body("orchard", "pickers", &["lea"]);
        for (pointer, field) in [
            ("/metadata", "metadata"),
            ("/metadata/name", "metadata.name"),
            ("/metadata/ownedByWorkspace", "metadata.ownedByWorkspace"),
            ("/spec", "spec"),
            ("/spec/displayName", "spec.displayName"),
            ("/spec/members", "spec.members"),
        ] {
            let refused = refusal(&stoa, without(good.clone(), pointer)).await;
            assert!(refused.to_string().contains(&format!("`{field}` is required")), "{refused}");
        }
        for (pointer, bad, says) in [
            ("/metadata/name", json!("Pickers"), "metadata.name"),
            ("/metadata/name", json!("x".repeat(65)), "metadata.name"),
            ("/metadata/ownedByWorkspace", json!("nowhere"), "nowhere"),
            ("/spec/displayName", json!(" "), "spec.displayName"),
            ("/spec/members", json!(["lea", "kim", "tim"]), "`spec.members` names nobody by 'kim', 'tim'"),
            ("/spec/members", json!("lea"), "spec.members"),
        ] {
            let refused = refusal(&stoa, with(good.clone(), pointer, bad)).await;
            assert!(refused.to_string().contains(says), "{refused}");
        }
        assert!(stoa.admin.list(KIND, "").await.is_empty());
    }

    async fn an_external_id_belongs_to_one(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        let with_id = |owner: &str, name: &str| with(group_body(owner, name, &[]), "/spec/egid", json!("grp"));
        save_group_directly(&stoa, with_id("orchard", "a")).await.unwrap();
        for (owner, name) in [("orchard", "b"), ("shop", "a"), (GLOBAL, "a")] {
            let refused = refusal(&stoa, with_id(owner, name)).await;
            assert!(matches!(refused, Refusal::Conflict { .. }), "{refused}");
        }
        save_group_directly(&stoa, with_id("orchard", "a")).await.unwrap();
        group(&stoa, "orchard", "a", &[]).await;
        save_group_directly(&stoa, with_id("shop", "a")).await.unwrap();
    }

    async fn clients_only_read_it(stoa) {
        stoa.workspace("orchard").await;
        group(&stoa, "orchard", "pickers", &[]).await;
        let media = media(KIND, "v1");
        for (method, rest) in [(Method::POST, ""), (Method::PUT, "/orchard.pickers"), (Method::DELETE, "/orchard.pickers")] {
            let at = path(KIND, rest);
            let answer = stoa.admin.raw(method, &at, |r| {
                r.header("accept", &media).header("content-type", &media).body("{}")
            });
            answer.await.refused(405, "GET");
        }
    }

    async fn filters_narrow_the_list(stoa) {
        for name in ["orchard", "shop"] {
            stoa.workspace(name).await;
        }
        for name in ["lea", "tom"] {
            user(&stoa, name).await;
        }
        for (owner, name, members) in [
            ("orchard", "pickers", &["lea", "tom"][..]),
            ("shop", "pickers", &["tom"]),
            (GLOBAL, "all", &["lea"]),
        ] {
            group(&stoa, owner, name, members).await;
        }
        for (query, expected) in [
            ("", &["orchard", "shop", GLOBAL][..]),
            ("?workspaceIdentifier=shop", &["shop"]),
            (&format!("?workspaceIdentifier={GLOBAL}"), &[GLOBAL]),
            ("?workspaceIdentifier=nowhere", &[]),
            ("?username=lea", &["orchard", GLOBAL]),
            ("?username=tom&workspaceIdentifier=orchard", &["orchard"]),
            ("?username=nobody", &[]),
        ] {
            let groups = stoa.admin.list(KIND, query).await;
            let owners: Vec<_> = groups.iter().map(|group| group["metadata"]["ownedByWorkspace"].as_str().unwrap()).collect();
            assert_eq!(owners, expected, "{query}");
        }
        let key = stoa.key("shop", &["WORKSPACEUSERGROUP_LIST"]).await;
        assert_eq!(key.list(KIND, "").await.len(), 1);
        key.get(KIND, "/orchard.pickers").await.refused(403, "ADM_WORKSPACEUSERGROUP_LIST");
        // People are found by their groups, wherever these are.
        for (query, expected) in [("pickers", &["lea", "tom"][..]), ("shop.pickers", &["tom"]), ("all", &["lea"]), ("none", &[])] {
            let found = stoa.admin.list("meshUser", &format!("?workspaceUserGroupIdentifier={query}")).await;
            assert_eq!(names_of(&found), expected, "{query}");
        }
    }

    async fn members_come_and_go(stoa) {
        stoa.workspace("orchard").await;
        for name in ["lea", "tom", "kim"] {
            user(&stoa, name).await;
        }
        group(&stoa, "orchard", "pickers", &["lea"]).await;
        group(&stoa, "orchard", "pickers", &["lea", "tom"]).await;
        group(&stoa, "orchard", "pickers", &["kim"]).await;
        group(&stoa, "orchard", "pickers", &[]).await;
        let [added, removed] = ["Workspace Group Members Added", "Workspace Group Members Removed"];
        assert_eq!(titles(&stoa).await, [added, added, added, removed, removed]);
        // A renamed member is shown by the new name, a deleted one is gone.
        group(&stoa, "orchard", "pickers", &["lea", "tom"]).await;
        let renamed = json!({ "metadata": { "name": "lea.apfel" }, "spec": { "email": "x@fruit.example", "firstName": "X", "lastName": "Y" } });
        stoa.admin.put("meshUser", "/lea", &renamed).await.expect(200);
        stoa.admin.delete("meshUser", "/tom").await.expect(204);
        let shown = stoa.admin.get(KIND, "/orchard.pickers").await.expect(200);
        assert_eq!(shown["spec"]["members"], json!(["lea.apfel"]));
        assert_eq!(titles(&stoa).await.last().map(String::as_str), Some(removed));
    }

    async fn it_goes_with_its_workspace(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        project(&stoa, "shop", "web").await;
        group(&stoa, GLOBAL, "auditors", &["lea"]).await;
        for target in ["orchard", "shop"] {
            bind(&stoa, "auditors", "Workspace Member", target).await;
        }
        bind(&stoa, "auditors", "reader", "shop.web").await;
        stoa.admin.delete("meshProject", "/orchard.press").await.expect(204);
        stoa.admin.delete("meshWorkspace", "/orchard").await.expect(204);
        stoa.admin.get(KIND, "/orchard.pickers").await.refused(404, "orchard.pickers");
        stoa.admin.get(KIND, &format!("/{GLOBAL}.auditors")).await.expect(200);
        assert_eq!(bound(&stoa).await, ["auditors@shop", "auditors@shop.web"]);
    }
}
