//! Roles of people (`domain-organization.md` §5): what they may do as administrators and in workspaces.

use crate::on_both;
use crate::stoa::{Caller, Stoa};
use reqwest::Method;
use serde_json::{Value, json};

fn project(workspace: &str, name: &str) -> Value {
    json!({ "metadata": { "name": name, "ownedByWorkspace": workspace }, "spec": { "displayName": name } })
}

fn bound(username: &str, project: &str) -> Value {
    json!({
        "roleRef": { "name": "reader" }, "subject": { "name": username },
        "targetRef": { "name": project, "ownedByWorkspace": "shop" },
    })
}

fn binding(username: &str, role: &str) -> Value {
    json!({ "roleRef": { "name": role }, "targetRef": { "name": "shop" }, "subject": { "name": username } })
}

async fn me(person: &Caller) -> Value {
    person.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.expect(200)
}

async fn names(caller: &Caller, kind: &str) -> Vec<String> {
    let items = caller.list(kind, "").await;
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// A workspace with two projects.
async fn shop(stoa: &Stoa) {
    stoa.workspace("shop").await;
    for name in ["web", "till"] {
        stoa.admin.create("meshProject", &project("shop", name)).await;
    }
}

on_both! {
    async fn a_member_sees_bound_projects_only(stoa) {
        shop(&stoa).await;
        let lea = stoa.person("lea").await;
        lea.within("shop").get("meshProject", "").await.refused(403, "no role in workspace 'shop'");
        lea.within("nowhere").get("meshProject", "").await.refused(403, "no role in workspace 'nowhere'");
        stoa.bind("lea", "Workspace Member", "shop").await;
        let member = lea.within("shop");
        assert!(names(&member, "meshProject").await.is_empty());
        stoa.admin.create("meshProjectUserBinding", &bound("lea", "web")).await;
        assert_eq!(names(&member, "meshProject").await, ["web"]);
        assert_eq!(member.list("meshProjectUserBinding", "").await.len(), 1);
        member.get("meshProject", "/shop.web").await.expect(200);
        member.get("meshProject", "/shop.till").await.expect(403);
        member.get("meshWorkspace", "/shop").await.expect(200);
        member.post("meshProject", "", &project("shop", "new")).await.expect(403);
        member.get("meshWorkspaceUserBinding", "").await.expect(403);
        let about = me(&member).await;
        assert_eq!(about["workspaces"], json!([{
            "identifier": "shop", "displayName": "Team shop", "role": "Member",
            "platformBuilder": false, "projects": ["shop.web"],
        }]));
        // Beside the workspace they are nobody.
        assert_eq!(me(&lea).await["permissions"], json!([]));
        lea.get("meshProject", "").await.expect(403);

        // Groups give roles too.
        let group = json!({
            "metadata": { "name": "pickers", "ownedByWorkspace": "shop" },
            "spec": { "displayName": "P", "members": ["lea"] },
            "apiVersion": "v1", "kind": "meshWorkspaceUserGroup",
        });
        stoa.import(&[group]).await;
        stoa.admin.create("meshWorkspaceGroupBinding", &json!({
            "roleRef": { "name": "Workspace Manager" }, "targetRef": { "name": "shop" },
            "subject": { "name": "pickers" },
        })).await;
        assert_eq!(names(&member, "meshProject").await.len(), 2);
        let access = member.raw(Method::GET, "/api/stoa/v1/me/access", |r| r).await.expect(200);
        assert_eq!(access["workspaces"][0]["roles"][0]["group"], "shop.pickers");
        assert_eq!(access["workspaces"][0]["projects"][0]["identifier"], "web");
    }

    async fn admin_roles_count_in_the_administration_only(stoa) {
        shop(&stoa).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Onboarding Support", "demo-partner").await;
        stoa.bind("lea", "Workspace Member", "shop").await;
        assert_eq!(me(&lea).await["adminRoles"], json!(["ON"]));
        assert_eq!(names(&lea, "meshProject").await.len(), 2);
        lea.get("meshUser", "").await.expect(200);
        lea.delete("meshUser", "/lea").await.expect(403);
        let member = lea.within("shop");
        assert!(names(&member, "meshProject").await.is_empty());
        member.get("meshUser", "").await.expect(403);
        // Only those who may do everything make administrators.
        let max = stoa.person("max").await;
        stoa.bind("max", "Organization User", "demo-partner").await;
        let appointment = json!({
            "roleRef": { "name": "Auditor" }, "targetRef": { "name": "demo-partner" }, "subject": { "name": "max" },
        });
        max.post("meshWorkspaceUserBinding", "", &appointment).await.refused(403, "Organization Admin");
        max.post("meshWorkspaceUserBinding", "", &binding("max", "Workspace Owner")).await.expect(201);
        // Elsewhere there are no admin roles.
        stoa.admin.post("meshWorkspaceUserBinding", "", &binding("max", "Auditor")).await.refused(422, "no workspace role");
    }

    async fn the_last_organization_admin_stays(stoa) {
        let root = stoa.first_admin().await;
        let mine = root.list("meshWorkspaceUserBinding", "?workspaceIdentifier=demo-partner").await.remove(0);
        let name = format!("/{}", mine["metadata"]["name"].as_str().unwrap());
        root.delete("meshWorkspaceUserBinding", &name).await.refused(409, "without an Organization Admin");
        root.delete("meshUser", "/root").await.refused(409, "without an Organization Admin");
        let disabled = json!({ "state": "DISABLED" });
        let disable = |caller: &Caller, name: &str| {
            let (caller, path, body) = (caller.clone(), format!("/api/stoa/v1/users/{name}/state"), disabled.clone());
            async move { caller.raw(Method::PUT, &path, |r| r.json(&body)).await }
        };
        disable(&root, "root").await.refused(409, "without an Organization Admin");
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Organization Admin", "demo-partner").await;
        disable(&lea, "root").await.expect(204);
        root.raw(Method::GET, "/api/stoa/v1/me", |r| r).await.refused(401, "over");
        stoa.nobody().sign_in("root", crate::stoa::PASSWORD).await.refused(401, "do not match");
        disable(&lea, "lea").await.refused(409, "without an Organization Admin");
        lea.delete("meshWorkspaceUserBinding", &name).await.expect(204);
    }

    async fn owners_are_appointed_by_owners(stoa) {
        shop(&stoa).await;
        let (lea, max) = (stoa.person("lea").await.within("shop"), stoa.person("max").await.within("shop"));
        stoa.person("eve").await;
        stoa.bind("max", "Workspace Manager", "shop").await;
        // Without any owner, a manager appoints one.
        let owning = max.post("meshWorkspaceUserBinding", "", &binding("lea", "Workspace Owner")).await.expect(201);
        max.post("meshWorkspaceUserBinding", "", &binding("eve", "Workspace Owner")).await.refused(403, "only an owner");
        max.post("meshWorkspaceUserBinding", "", &binding("eve", "Workspace Member")).await.expect(201);
        let owning = format!("/{}", owning["metadata"]["name"].as_str().unwrap());
        max.delete("meshWorkspaceUserBinding", &owning).await.refused(403, "only an owner");
        lea.delete("meshWorkspaceUserBinding", &owning).await.refused(409, "must keep an owner");
        lea.post("meshWorkspaceUserBinding", "", &binding("eve", "Workspace Owner")).await.expect(201);
        lea.delete("meshWorkspaceUserBinding", &owning).await.expect(204);
        lea.get("meshProject", "").await.refused(403, "no role");
        max.delete("meshWorkspace", "/shop").await.expect(403);
    }

    async fn a_workspace_keeps_its_last_owner_whoever_edits_it(stoa) {
        shop(&stoa).await;
        let root = stoa.first_admin().await;
        let lea = stoa.person("lea").await.within("shop");
        stoa.person("eve").await;
        let owns = |bound: &Value| format!("/{}", bound["metadata"]["name"].as_str().unwrap());
        let first = owns(&stoa.bind("lea", "Workspace Owner", "shop").await);
        let kind = "meshWorkspaceUserBinding";
        // A key of the workspace has no say in who owns it.
        let key = stoa.key("shop", &["WORKSPACEPRINCIPALBINDING_LIST", "WORKSPACEPRINCIPALBINDING_DELETE"]).await;
        key.delete(kind, &first).await.refused(403, "removes an owner");
        // People, administrators as well, replace the last owner before they remove them.
        for person in [&lea, &root] {
            person.delete(kind, &first).await.refused(409, "must keep an owner");
        }
        let second = owns(&root.post(kind, "", &binding("eve", "Workspace Owner")).await.expect(201));
        key.delete(kind, &second).await.refused(403, "removes an owner");
        root.delete(kind, &first).await.expect(204);
        root.delete(kind, &second).await.refused(409, "must keep an owner");
        // A key of an administrator may: whoever declares a workspace takes it down piece by piece.
        stoa.admin.delete(kind, &second).await.expect(204);
    }
}
