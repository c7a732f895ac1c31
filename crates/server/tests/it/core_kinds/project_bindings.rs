//! meshProjectUserBinding and meshProjectGroupBinding (`api-core.md` §3.6 and §3.7).

use super::cast::{bind, binding, bound, group, orchard, project, user};
use super::{names, names_of, with};
use crate::on_both;
use crate::stoa::Stoa;
use serde_json::json;

const USERS: &str = "meshProjectUserBinding";
const GROUPS: &str = "meshProjectGroupBinding";

async fn found(stoa: &Stoa, kind: &str, query: &str) -> Vec<String> {
    names_of(&stoa.admin.list(kind, query).await).into_iter().map(str::to_owned).collect()
}

on_both! {
    async fn a_role_is_meant_by_its_name_or_its_identifier(stoa) {
        orchard(&stoa).await;
        // One role is called as another is identified: the name wins.
        let role = |id: &str, name: &str| json!({ "metadata": { "name": id }, "spec": { "name": name, "rank": 1 } });
        stoa.admin.create("meshProjectRole", &role("odd", "reader")).await;
        for (n, sent) in ["Project Admin", "user", "reader", "Project Reader"].into_iter().enumerate() {
            let made = stoa.admin.create(USERS, &binding(&format!("b{n}"), sent, "orchard.press", "lea")).await;
            assert_eq!(made["roleRef"], json!({ "name": sent }), "it is shown as it was sent");
        }
        stoa.admin.delete("meshProjectRole", "/odd").await.refused(409, "meshProjectUserBinding[b2]");
        stoa.admin.delete("meshProjectRole", "/reader").await.refused(409, "meshProjectUserBinding[b3]");
        // A renamed role keeps those who have it.
        stoa.admin.put("meshProjectRole", "/admin", &role("admin", "Boss")).await.expect(200);
        assert_eq!(stoa.admin.get(USERS, "/b0").await.expect(200)["roleRef"]["name"], "Project Admin");
        assert_eq!(names_of(&stoa.admin.list("meshUser", "?projectRole=Boss").await), ["lea"]);
    }

    async fn only_members_of_the_workspace_are_bound(stoa) {
        orchard(&stoa).await;
        user(&stoa, "kim").await;
        group(&stoa, "orchard", "sorters", &["kim"]).await;
        for (kind, stranger) in [(USERS, "kim"), (GROUPS, "sorters")] {
            let body = binding("x", "reader", "orchard.press", stranger);
            stoa.admin.post(kind, "", &body).await.refused(422, "has no role in workspace 'orchard'");
        }
        // By a group is enough for a person; a person is not enough for the group.
        stoa.admin.create(USERS, &binding("tom", "reader", "orchard.press", "tom")).await;
        group(&stoa, "orchard", "sorters", &["lea"]).await;
        let body = binding("x", "reader", "orchard.press", "sorters");
        stoa.admin.post(GROUPS, "", &body).await.refused(422, "sorters");
        bind(&stoa, "sorters", "Workspace Member", "orchard").await;
        stoa.admin.create(GROUPS, &body).await;
    }

    async fn no_expiry_is_known(stoa) {
        orchard(&stoa).await;
        let body = with(binding("x", "reader", "orchard.press", "lea"), "/expiryDate", json!("2020-01-01"));
        let made = stoa.admin.create(USERS, &body).await;
        assert_eq!(made.get("expiryDate"), None);
    }

    async fn filters_narrow_the_list(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        for (workspace, name) in [("orchard", "mill"), ("shop", "press")] {
            project(&stoa, workspace, name).await;
        }
        group(&stoa, "shop", "sellers", &["tom"]).await;
        bind(&stoa, "lea", "Workspace Member", "shop").await;
        bind(&stoa, "sellers", "Workspace Member", "shop").await;
        for target in ["orchard.press", "orchard.mill", "shop.press"] {
            bind(&stoa, "lea", "reader", target).await;
        }
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        bind(&stoa, "sellers", "reader", "shop.press").await;
        for (query, users, groups) in [
            ("", &["lea@orchard.press", "lea@orchard.mill", "lea@shop.press"][..], &["pickers@orchard.press", "sellers@shop.press"][..]),
            ("?workspaceIdentifier=orchard", &["lea@orchard.press", "lea@orchard.mill"], &["pickers@orchard.press"]),
            ("?workspaceIdentifier=shop&projectIdentifier=press", &["lea@shop.press"], &["sellers@shop.press"]),
            ("?workspaceIdentifier=shop&projectIdentifier=mill", &[], &[]),
            ("?workspaceIdentifier=nowhere", &[], &[]),
        ] {
            assert_eq!(found(&stoa, USERS, query).await, users, "{query}");
            assert_eq!(found(&stoa, GROUPS, query).await, groups, "{query}");
        }
        for kind in [USERS, GROUPS] {
            names(stoa.admin.get(kind, "?projectIdentifier=press").await, "projectIdentifier");
        }
    }

    async fn they_end_with_their_project(stoa) {
        orchard(&stoa).await;
        bind(&stoa, "lea", "reader", "orchard.press").await;
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        stoa.admin.delete("meshProject", "/orchard.press").await.expect(204);
        assert_eq!(bound(&stoa).await, ["lea@orchard", "pickers@orchard"]);
        stoa.admin.post(USERS, "", &binding("x", "reader", "orchard.press", "lea")).await.refused(404, "orchard.press");
        // The next project of this name begins without anybody.
        project(&stoa, "orchard", "press").await;
        assert!(found(&stoa, USERS, "").await.is_empty());
    }
}
