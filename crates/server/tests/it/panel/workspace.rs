//! Pages of people who run a workspace, and of those who work in it.

use crate::on_both;
use crate::stoa::{Stoa, input, text};
use crate::tenants::stage::platform_body;
use serde_json::json;

/// A workspace with a project, an owner, and somebody who signed in but has no role.
async fn shop(stoa: &Stoa) {
    stoa.workspace("shop").await;
    let project = json!({
        "metadata": { "name": "web", "ownedByWorkspace": "shop" }, "spec": { "displayName": "Web Shop" },
    });
    stoa.admin.create("meshProject", &project).await;
}

on_both! {
    async fn a_new_person_registers_a_workspace_and_owns_it(stoa) {
        stoa.workspace("taken").await;
        stoa.tag("meshWorkspace", "owner", json!({ "string": {} }), &["mandatory"]).await;
        let lea = stoa.person("lea").await;
        assert_eq!(lea.page("/").await.leads_to(), "/home");
        lea.page("/home").await.shows(200, &["nobody invited you", "/register"]);
        lea.page("/register").await.shows(200, &["Identifier"]);
        lea.page("/register/identifier?name=taken").await.shows(200, &["is taken", "taken-2 is free"]);
        let first = [("displayName", "Orchard Team"), ("name", "taken"), ("step", "0"), ("go", "next")];
        lea.submit("/register", &first).await.shows(422, &["is taken"]);
        // The identifier is made of the name, and what was entered travels along.
        let first = [("displayName", "Orchard Team"), ("step", "0"), ("go", "next")];
        lea.submit("/register", &first).await.shows(200, &["value=\"orchard-team\"", "tag.owner"]);
        let second = [
            ("displayName", "Orchard Team"), ("name", "orchard"), ("tags.key", "owner"), ("tag.owner", ""),
            ("step", "1"), ("go", "next"),
        ];
        lea.submit("/register", &second).await.shows(422, &["mandatory"]);
        let last = [
            ("displayName", "Orchard Team"), ("name", "orchard"), ("tags.key", "owner"), ("tag.owner", "Lea"),
            ("step", "3"), ("go", "finish"),
        ];
        assert_eq!(lea.submit("/register", &last).await.leads_to(), "/w/orchard");
        lea.page("/w/orchard").await.shows(200, &["First steps", "Orchard Team", "Owner"]);
        let there = stoa.admin.get("meshWorkspace", "/orchard").await.expect(200);
        assert_eq!(there["metadata"]["tags"], json!({ "owner": ["Lea"] }));
    }

    async fn a_project_is_made_step_by_step(stoa) {
        shop(&stoa).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        lea.page("/w/shop/projects/new").await.shows(200, &["New project"]);
        let first = [("displayName", "Till"), ("name", "web"), ("step", "0"), ("go", "next")];
        lea.submit("/w/shop/projects/new", &first).await.shows(422, &["has this identifier"]);
        let last = [("displayName", "Till"), ("name", "till"), ("me.role", "admin"), ("step", "5"), ("go", "finish")];
        assert_eq!(lea.submit("/w/shop/projects/new", &last).await.leads_to(), "/w/shop/p/till");
        lea.page("/w/shop/p/till").await.shows(200, &["Add your first platform", "Deletion"]);
        lea.page("/w/shop/p/till/access").await.shows(200, &["lea Apfel", "lea@fruit.example"]);
        let rename = [("displayName", "Tills")];
        assert_eq!(lea.submit("/w/shop/p/till/settings", &rename).await.leads_to(), "/w/shop/p/till/settings");
        lea.page("/w/shop/p/till/events").await.shows(200, &["Project Name Changed", "Tills"]);
        let gone = lea.submit("/w/shop/p/till/settings/deletion", &[("sure", "on")]).await;
        assert_eq!(gone.leads_to(), "/w/shop/projects");
    }

    async fn a_project_begins_with_tenants(stoa) {
        let stage = stoa.custom_platform().await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        let new = "/w/shop/projects/new";
        let platform = ("tenant", stage.platform.as_str());
        let step = [("displayName", "Till"), ("name", "till"), ("step", "2"), ("go", "next")];
        lea.submit(new, &step).await.shows(200, &["name=\"tenant\"", "Spaces", &stage.platform]);
        let gone = [("displayName", "Till"), ("name", "till"), ("tenant", "nowhere"), ("step", "3"), ("go", "next")];
        lea.submit(new, &gone).await.shows(422, &["cannot be had any more"]);
        let last = [("displayName", "Till"), ("name", "till"), platform, ("step", "5"), ("go", "finish")];
        let made = lea.submit(new, &last).await;
        assert_eq!(made.leads_to(), "/w/shop/p/till");
        assert_eq!(made.said(), "good:The project Till is there. Tenants ordered: 1.");
        let tenants = stoa.admin.list("meshTenant", "?projectIdentifier=till&workspaceIdentifier=shop").await;
        assert_eq!(tenants[0]["spec"]["landingZoneRef"]["name"], "spaces-dev");

        // With a second landing zone one has to say which; what asks for more is left for later.
        stoa.zone("spaces-test", &stage.platform, json!({})).await;
        let (asking, _) = stoa.tenant_definition(json!({ "inputs": { "size": input(json!({})) } })).await;
        stoa.zone("asking", &stage.platform, json!({ "mandatoryBuildingBlockRefs": [{ "uuid": asking }] })).await;
        let zone = format!("zone.{}", stage.platform);
        let open = [("displayName", "Shelf"), ("name", "shelf"), platform, ("step", "3"), ("go", "next")];
        lea.submit(new, &open).await.shows(422, &["Choose a landing zone of Spaces", "spaces-test"]).hides(&["value=\"asking\""]);
        let chosen = [
            ("displayName", "Shelf"), ("name", "shelf"), platform, (zone.as_str(), "spaces-test"),
            ("step", "5"), ("go", "finish"),
        ];
        assert_eq!(lea.submit(new, &chosen).await.leads_to(), "/w/shop/p/shelf");

        // One that cannot be had leaves the project and the others there; the page says which, and leads to it.
        let config = json!({ "type": "custom", "custom": { "platformTypeRef": { "name": "SPACES" } } });
        let bare = platform_body("bare", "ops", config);
        let bare = text(&stoa.admin.create("meshPlatform", &bare).await, "/metadata/uuid");
        let both = [
            ("displayName", "Cellar"), ("name", "cellar"), platform, (zone.as_str(), "spaces-test"),
            ("tenant", bare.as_str()), ("step", "5"), ("go", "finish"),
        ];
        let again = format!("/w/shop/p/cellar/add?platform={bare}");
        lea.submit(new, &both).await.shows(200, &["not everything it was to begin with", "Ordered", &again]);
        let tenants = stoa.admin.list("meshTenant", "?projectIdentifier=cellar&workspaceIdentifier=shop").await;
        assert_eq!(tenants.len(), 1);
    }

    async fn people_are_added_changed_and_removed(stoa) {
        shop(&stoa).await;
        let lea = stoa.person("lea").await;
        stoa.person("kim").await;
        stoa.bind("lea", "Workspace Owner", "shop").await;
        lea.page("/w/shop/access/new?q=kim").await.shows(200, &["user:kim", "kim@fruit.example"]);
        let add = [
            ("pick", "user:kim"), ("role", "Workspace Member"), ("expiryDate", "2097-01-01"),
            ("project", "web"), ("projectRole", "reader"),
        ];
        assert_eq!(lea.submit("/w/shop/access", &add).await.leads_to(), "/w/shop/access");
        lea.page("/w/shop/access").await.shows(200, &["kim Apfel", "Member", "2097-01-01"]);
        let past = [("pick", "user:kim"), ("role", "Workspace Manager"), ("expiryDate", "2001-01-01")];
        lea.submit("/w/shop/access", &past).await.shows(422, &["must not be in the past"]);

        let bindings = stoa.admin.list("meshWorkspaceUserBinding", "?username=kim").await;
        let at = format!("/w/shop/access/user/{}", bindings[0]["metadata"]["name"].as_str().unwrap());
        let change = [("role", "Workspace Manager"), ("expiryDate", "2097-02-01")];
        assert_eq!(lea.submit(&at, &change).await.leads_to(), "/w/shop/access");
        let bindings = stoa.admin.list("meshWorkspaceUserBinding", "?username=kim").await;
        assert_eq!(bindings.len(), 1, "another role takes the place of the old one");
        assert_eq!(bindings[0]["roleRef"]["name"], "Workspace Manager");
        let name = bindings[0]["metadata"]["name"].as_str().unwrap();
        let chosen = format!("user:{name}");
        let extend = [("do", "extend-30"), ("binding", chosen.as_str()), ("from", "/w/shop/access")];
        assert!(lea.submit("/w/shop/access/bulk", &extend).await.said().starts_with("good:1 roles"));
        lea.page("/w/shop/access/expiring").await.shows(200, &["kim Apfel"]);
        // The last owner stays.
        let own = stoa.admin.list("meshWorkspaceUserBinding", "?username=lea").await;
        let at = format!("/w/shop/access/user/{}/remove", own[0]["metadata"]["name"].as_str().unwrap());
        assert!(lea.submit(&at, &[]).await.said().contains("must keep an owner"));
        let gone = lea.submit(&format!("/w/shop/access/user/{name}/remove"), &[]).await;
        assert_eq!(gone.leads_to(), "/w/shop/access");
        assert!(stoa.admin.list("meshProjectUserBinding", "").await.is_empty());
    }

    async fn a_member_sees_only_what_is_theirs(stoa) {
        shop(&stoa).await;
        let till = json!({
            "metadata": { "name": "till", "ownedByWorkspace": "shop" }, "spec": { "displayName": "Till" },
        });
        stoa.admin.create("meshProject", &till).await;
        let kim = stoa.person("kim").await;
        kim.page("/w/shop").await.shows(403, &["You have no role in the workspace shop"]);
        stoa.bind("kim", "Workspace Member", "shop").await;
        stoa.admin.create("meshProjectUserBinding", &json!({
            "roleRef": { "name": "reader" }, "subject": { "name": "kim" },
            "targetRef": { "name": "web", "ownedByWorkspace": "shop" },
        })).await;
        kim.page("/w/shop").await.shows(200, &["Web Shop"]).hides(&["Till", "/projects/new"]);
        kim.page("/w/shop/projects").await.shows(200, &["Web Shop"]).hides(&["Till"]);
        kim.page("/w/shop/p/web").await.shows(200, &["Web Shop"]).hides(&["/settings/deletion", "Add tenant"]);
        kim.page("/w/shop/p/till").await.shows(403, &[]);
        for path in ["/access", "/access/keys", "/compliance/events"] {
            kim.page(&format!("/w/shop{path}")).await.shows(403, &[]);
        }
    }

    async fn a_key_shows_its_secret_once(stoa) {
        shop(&stoa).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        lea.page("/w/shop/access/keys").await.shows(200, &["No API keys yet"]);
        let wrong = [("displayName", " "), ("permission", "PROJECT_LIST")];
        lea.submit("/w/shop/access/keys", &wrong).await.shows(422, &["must not be blank"]);
        let made = [("displayName", "pipeline"), ("permission", "PROJECT_LIST"), ("expiresAt", "2097-01-01")];
        lea.submit("/w/shop/access/keys", &made).await.shows(200, &["Copy the secret now", "/api/login"]);
        let key = stoa.admin.list("meshApiKey", "?workspaceIdentifier=shop").await.remove(0);
        let at = format!("/w/shop/access/keys/{}", key["metadata"]["uuid"].as_str().unwrap());
        lea.page(&at).await.shows(200, &["value=\"PROJECT_LIST\" checked"]).hides(&["Copy the secret"]);
        let rotated = lea.submit(&format!("{at}/rotate"), &[("expiresAt", "2097-02-01")]).await;
        rotated.shows(200, &["Copy the secret now"]);
        assert_eq!(lea.submit(&format!("{at}/revoke"), &[]).await.leads_to(), "/w/shop/access/keys");
    }

    async fn a_workspace_has_settings_and_an_end(stoa) {
        shop(&stoa).await;
        stoa.tag("meshWorkspace", "team", json!({ "singleSelect": { "options": ["red", "blue"] } }), &[]).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Owner", "shop").await;
        let save = [("displayName", "The Shop"), ("builder", "on")];
        assert_eq!(lea.submit("/w/shop/settings", &save).await.leads_to(), "/w/shop/settings");
        lea.page("/w/shop/settings").await.shows(200, &["The Shop", "checked"]);
        let wrong = [("tags.key", "team"), ("tag.team", "green")];
        lea.submit("/w/shop/settings/tags", &wrong).await.shows(422, &["must be one of red, blue"]);
        let right = [("tags.key", "team"), ("tag.team", "red")];
        assert_eq!(lea.submit("/w/shop/settings/tags", &right).await.leads_to(), "/w/shop/settings/tags");
        lea.page("/w/shop/settings/deletion").await.shows(200, &["What must go first", "/w/shop/p/web"]);
        stoa.admin.delete("meshProject", "/shop.web").await.expect(204);
        assert_eq!(lea.submit("/w/shop/settings/deletion", &[("sure", "on")]).await.leads_to(), "/home");
    }

    async fn a_tenant_is_ordered_with_what_it_asks_for(stoa) {
        let stage = stoa.custom_platform().await;
        let (asking, _) = stoa.tenant_definition(json!({ "inputs": {
            "size": input(json!({})), "code": input(json!({ "isSensitive": true })),
        } })).await;
        stoa.zone("asking", &stage.platform, json!({ "mandatoryBuildingBlockRefs": [{ "uuid": asking }] })).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Manager", "shop").await;
        let at = "/w/shop/p/web/add";
        lea.page(at).await.shows(200, &["Spaces", "Landing zone"]);
        let platform = ("platform", stage.platform.as_str());
        lea.submit(at, &[("step", "0"), ("go", "next")]).await.shows(422, &["Choose a platform"]);
        lea.submit(at, &[platform, ("step", "0"), ("go", "next")]).await.shows(200, &["spaces-dev", "asking"]);
        let zone = ("zone", "asking");
        let field = format!("in.{asking}.size");
        lea.submit(at, &[platform, zone, ("step", "1"), ("go", "next")]).await.shows(200, &[&field]);
        let empty = [platform, zone, (field.as_str(), ""), ("step", "2"), ("go", "next")];
        lea.submit(at, &empty).await.shows(422, &["is needed"]);
        let size = (field.as_str(), "m");
        lea.submit(at, &[platform, zone, size, ("step", "2"), ("go", "next")]).await.shows(200, &["quota.cpu"]);
        let much = [platform, zone, size, ("quota.cpu", "1000"), ("step", "3"), ("go", "next")];
        lea.submit(at, &much).await.shows(422, &["from 1 to 100"]);
        // A secret is asked for last, and no page gives it back.
        let (code, cpu) = (format!("in.{asking}.code"), ("quota.cpu", "50"));
        let review = [platform, zone, size, cpu, ("step", "3"), ("go", "next")];
        lea.submit(at, &review).await.shows(200, &[&code, "type=\"password\"", "sealed when you order"]);
        let none = [platform, zone, size, cpu, ("step", "4"), ("go", "finish")];
        lea.submit(at, &none).await.shows(422, &["is needed"]);
        let secret = (code.as_str(), "h0p-garden");
        for (go, status) in [("back", 200), ("0", 200), ("2", 200), ("stay", 200)] {
            let fields = [platform, zone, size, cpu, secret, ("step", "4"), ("go", go)];
            lea.submit(at, &fields).await.shows(status, &["name=\"step\""]).hides(&["h0p-garden"]);
        }
        let wrong = [platform, zone, (field.as_str(), ""), cpu, secret, ("step", "4"), ("go", "finish")];
        lea.submit(at, &wrong).await.shows(422, &["is needed"]).hides(&["h0p-garden"]);
        // More than needs no approval is asked for once the tenant is there.
        let last = [platform, zone, size, secret, cpu, ("step", "4"), ("go", "finish")];
        let ordered = lea.submit(at, &last).await;
        let tenant = ordered.leads_to().to_owned();
        lea.page(&tenant).await.shows(200, &["web – Spaces", "Building blocks"]);
        lea.page(&format!("{tenant}/quotas")).await.shows(200, &["cpu: 50", "Withdraw"]);
        lea.page(&format!("{tenant}/replication")).await.shows(200, &["seen by the platform"]);
        lea.page(at).await.shows(200, &["has a tenant on it already"]);
        lea.page(&format!("{tenant}/deletion")).await.shows(200, &["cannot be taken back"]);
        let (end, sure) = (format!("{tenant}/deletion"), [("sure", "on")]);
        let unsure = lea.submit(&end, &[]).await;
        assert!(unsure.said().starts_with("bad:Tick the box"));
        let blocks = stoa.admin.list("meshBuildingBlock", &format!("?definitionUuid={asking}")).await;
        assert_eq!(blocks[0]["spec"]["inputs"]["size"]["value"], "m");
        assert_eq!(blocks[0]["spec"]["inputs"]["code"]["isSensitive"], true);
        assert!(blocks[0]["spec"]["inputs"]["code"]["value"]["hash"].is_string(), "{}", blocks[0]);
        // What the landing zone brings is under work: a tenant does not go from under its feet.
        lea.page(&end).await.shows(200, &["is at work"]);
        let early = lea.submit(&end, &sure).await;
        assert_eq!(early.leads_to(), end);
        assert!(early.said().contains("is PENDING"), "{}", early.said());
        stoa.next_run().await.end("SUCCEEDED").await;
        lea.page(&end).await.shows(200, &["Delete tenant"]).hides(&["is at work"]);
        let gone = lea.submit(&end, &sure).await;
        assert_eq!(gone.leads_to(), end);
        assert_eq!(gone.said(), "good:The deletion was asked for.");
        lea.page(&end).await.shows(200, &["The tenant is being deleted"]);
    }
}
