//! People on tenants: whoever gains or loses a role reaches the platform by a run of the blocks that take people
//! (`domain-platforms.md` §9.6, `api-building-blocks.md` §3.3).

use super::stage::operate;
use crate::claimed::Claimed;
use crate::on_both;
use crate::stoa::{Stoa, input, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const BLOCK: &str = "meshBuildingBlock";

/// Who the run is told to have which roles.
fn people(run: &Claimed) -> Vec<(String, Vec<String>)> {
    let value = run.input("people")["value"].as_str().unwrap().to_owned();
    let people: Vec<Value> = serde_json::from_str(&value).unwrap();
    let keys: Vec<&str> = people
        .first()
        .map_or(Vec::new(), |person| person.as_object().unwrap().keys().map(String::as_str).collect());
    if !keys.is_empty() {
        assert_eq!(keys, ["meshIdentifier", "username", "firstName", "lastName", "email", "euid", "roles"]);
    }
    let uuids: Vec<&str> = people.iter().map(|person| person["meshIdentifier"].as_str().unwrap()).collect();
    assert!(uuids.is_sorted());
    let mut found: Vec<(String, Vec<String>)> = people
        .iter()
        .map(|person| {
            let roles = person["roles"].as_array().unwrap();
            (text(person, "/username"), roles.iter().map(|role| role.as_str().unwrap().to_owned()).collect())
        })
        .collect();
    found.sort();
    found
}

fn who(wanted: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    wanted
        .iter()
        .map(|(name, roles)| ((*name).to_owned(), roles.iter().map(|role| (*role).to_owned()).collect()))
        .collect()
}

async fn user(stoa: &Stoa, name: &str) {
    let body = json!({
        "metadata": { "name": name },
        "spec": { "email": format!("{name}@example.org"), "firstName": name, "lastName": "X" },
    });
    stoa.admin.create("meshUser", &body).await;
}

async fn member(stoa: &Stoa, name: &str, expiry: Option<&str>) {
    let mut body = json!({
        "metadata": { "name": format!("shop-{name}") },
        "roleRef": { "name": "Workspace Member" }, "targetRef": { "name": "shop" }, "subject": { "name": name },
    });
    if let Some(expiry) = expiry {
        body["expiryDate"] = json!(expiry);
    }
    stoa.admin.create("meshWorkspaceUserBinding", &body).await;
}

async fn role(stoa: &Stoa, name: &str, role: &str) {
    let body = json!({
        "metadata": { "name": format!("web-{name}-{role}") },
        "roleRef": { "name": role }, "targetRef": { "name": "web", "ownedByWorkspace": "shop" },
        "subject": { "name": name },
    });
    stoa.admin.create("meshProjectUserBinding", &body).await;
}

fn version() -> Value {
    json!({
        "inputs": { "people": input(json!({ "assignmentType": "USER_PERMISSIONS", "type": "CODE" })) },
        "outputs": { "id": { "displayName": "Id", "type": "STRING", "assignmentType": "PLATFORM_TENANT_ID" } },
    })
}

on_both! {
    async fn every_change_of_roles_is_a_run_at_once(stoa) {
        let stage = stoa.custom_platform_with(version()).await;
        for name in ["lea", "tom"] {
            user(&stoa, name).await;
            member(&stoa, name, None).await;
        }
        role(&stoa, "lea", "admin").await;
        let tenant = stoa.tenant(&stage.platform).await;
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "BUILDING_BLOCK_CREATION");
        assert_eq!(people(&run), who(&[("lea", &["admin"])]));
        run.deliver(json!({ "id": "space-1" })).await;

        role(&stoa, "tom", "Project Reader").await;
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "PROJECT_PERMISSIONS_CHANGE");
        assert_eq!(people(&run), who(&[("lea", &["admin"]), ("tom", &["reader"])]));
        run.deliver(json!({ "id": "space-1" })).await;

        role(&stoa, "tom", "user").await;
        let run = stoa.next_run().await;
        let mut found = people(&run);
        found[1].1.sort();
        assert_eq!(found, who(&[("lea", &["admin"]), ("tom", &["reader", "user"])]));
        run.deliver(json!({ "id": "space-1" })).await;

        stoa.admin.delete("meshProjectUserBinding", "/web-lea-admin").await.expect(204);
        let run = stoa.next_run().await;
        assert_eq!(people(&run).len(), 1);
        run.deliver(json!({ "id": "space-1" })).await;

        // Leaving the workspace is leaving its projects.
        stoa.admin.delete("meshWorkspaceUserBinding", "/shop-tom").await.expect(204);
        let run = stoa.next_run().await;
        assert_eq!(people(&run), who(&[]));
        run.deliver(json!({ "id": "space-1" })).await;
        stoa.until_phase(&tenant, "READY").await;
    }

    async fn a_role_that_ends_by_itself_is_a_run_too(stoa) {
        let stoa = stoa.at_noon().await;
        let stage = stoa.custom_platform_with(version()).await;
        user(&stoa, "lea").await;
        let today = stoa.running.app.world.clock.now().day().to_string();
        member(&stoa, "lea", Some(&today)).await;
        role(&stoa, "lea", "admin").await;
        stoa.tenant(&stage.platform).await;
        let run = stoa.next_run().await;
        assert_eq!(people(&run), who(&[("lea", &["admin"])]));
        run.deliver(json!({ "id": "space-1" })).await;
        stoa.advance(Duration::from_secs(86_400 + 60));
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "PROJECT_PERMISSIONS_CHANGE");
        assert_eq!(people(&run), who(&[]));
    }

    async fn people_lose_access_while_deletion_waits_for_approval(stoa) {
        let stage = stoa.custom_platform_with(version()).await;
        let mut zone = stoa.admin.get("meshLandingZone", "/spaces-dev").await.expect(200);
        zone["spec"]["automateDeletionApproval"] = json!(false);
        stoa.admin.put("meshLandingZone", "/spaces-dev", &zone).await.expect(200);
        user(&stoa, "lea").await;
        member(&stoa, "lea", None).await;
        role(&stoa, "lea", "admin").await;
        let tenant = stoa.tenant(&stage.platform).await;
        stoa.next_run().await.deliver(json!({ "id": "space-1" })).await;
        stoa.until_phase(&tenant, "READY").await;
        let own = stoa.key("shop", &["TENANT_DELETE"]).await;
        own.delete("meshTenant", &format!("/{tenant}")).await.expect(202);
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["behavior"], "APPLY");
        assert_eq!(people(&run), who(&[]));
        run.deliver(json!({ "id": "space-1" })).await;
        let decline = json!({ "decision": "DECLINE", "comment": "no" });
        operate(&stoa.admin, Method::POST, &format!("tenants/{tenant}/deletion-decision"), Some(decline)).await.expect(200);
        let run = stoa.next_run().await;
        assert_eq!(people(&run), who(&[("lea", &["admin"])]));
    }

    async fn blocks_of_a_workspace_take_its_people(stoa) {
        stoa.workspace("shop").await;
        user(&stoa, "lea").await;
        let (_, version) = stoa.definition("demo-partner", json!({
            "inputs": { "people": input(json!({ "assignmentType": "USER_PERMISSIONS", "type": "CODE" })) },
        })).await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let run = stoa.next_run().await;
        assert_eq!(people(&run), who(&[]));
        run.end("SUCCEEDED").await;
        member(&stoa, "lea", None).await;
        let run = stoa.next_run().await;
        assert_eq!(run.run["spec"]["trigger"]["reason"], "WORKSPACE_PERMISSION_CHANGE");
        assert_eq!(people(&run), who(&[("lea", &["Workspace Member"])]));
        assert_eq!(run.block(), text(&block, "/metadata/uuid"));
        run.end("SUCCEEDED").await;
        stoa.admin.until(BLOCK, &text(&block, "/metadata/uuid"), |b| b["status"]["status"] == "SUCCEEDED").await;
    }
}
