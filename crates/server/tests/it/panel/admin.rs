//! The administration, the generic pages and the search in the panel.

use crate::on_both;
use crate::stoa::text;
use serde_json::json;

/// Lists that the administration has.
const LISTS: [&str; 14] = [
    "workspaces",
    "projects",
    "payment-methods",
    "locations",
    "users",
    "groups",
    "project-roles",
    "keys",
    "communications",
    "messages",
    "tags",
    "events",
    "access",
    "settings",
];

/// A page of the administration.
fn at(tail: &str) -> String {
    format!("/admin/{tail}")
}

on_both! {
    async fn administrators_make_change_and_delete_a_workspace(stoa) {
        let root = stoa.first_admin().await;
        root.page("/admin").await.shows(200, &["First steps", "Newest events", "/admin/events"]);
        root.page(&at("workspaces/new")).await.shows(200, &["name=\"spec.displayName\"", "For people."]);
        let bad = [("metadata.name", "Not Good"), ("spec.displayName", "Orchard")];
        root.submit("/admin/workspaces/new", &bad).await.shows(422, &["value=\"Not Good\"", "is-invalid", "value=\"Orchard\""]);
        let good = [("metadata.name", "orchard"), ("spec.displayName", "Orchard"), ("metadata.tags", "")];
        let made = root.submit("/admin/workspaces/new", &good).await;
        assert_eq!(made.leads_to(), "/admin/workspaces/orchard");
        root.page("/admin/workspaces?q=orch").await.shows(200, &["/admin/workspaces/orchard", "1 to 1"]);
        root.page("/admin/workspaces?q=nothing").await.shows(200, &["No match", "Clear filters"]);

        let change = [("spec.displayName", "Orchard Team"), ("spec.platformBuilderAccessEnabled", "on")];
        root.submit("/admin/workspaces/orchard/edit", &change).await.leads_to();
        root.page("/admin/workspaces/orchard").await.shows(200, &["Orchard Team", "/admin/workspaces/orchard/edit"]);
        root.page("/admin/workspaces/orchard/history").await.shows(200, &["Version 2", "displayName", "Orchard Team"]);
        root.page("/admin/workspaces/orchard/source").await.shows(200, &["kind: meshWorkspace", "name: orchard"]);

        stoa.person("lea").await;
        let owner = [("subject", "lea"), ("kind", "user"), ("role", "Workspace Owner")];
        assert!(root.submit("/admin/workspaces/orchard/people", &owner).await.said().contains("lea has the role"));
        root.page("/admin/workspaces/orchard/people").await.shows(200, &["/admin/users/lea", "Workspace Owner"]);
        for tab in ["projects", "keys", "events"] {
            root.page(&format!("/admin/workspaces/orchard/{tab}")).await.shows(200, &["Orchard Team"]);
        }

        let kept = root.submit("/admin/workspaces/orchard/delete", &[("typed", "orch")]).await;
        assert!(kept.said().contains("Nothing was deleted"), "{}", kept.said());
        let gone = root.submit("/admin/workspaces/orchard/delete", &[("typed", "orchard")]).await;
        assert_eq!(gone.leads_to(), "/admin/workspaces");
    }

    async fn every_generic_list_opens_and_secrets_are_told_once(stoa) {
        let root = stoa.first_admin().await;
        for list in LISTS {
            root.page(&at(list)).await.shows(200, &["<h1 class=\"page-title\">"]);
        }
        for form in ["projects", "payment-methods", "locations", "users", "project-roles", "keys", "messages", "communications"] {
            root.page(&format!("/admin/{form}/new")).await.shows(200, &["name=\"csrf\"", "<label"]);
        }
        let key = [
            ("metadata.ownedByWorkspace", "demo-partner"),
            ("spec.displayName", "pipeline"),
            ("spec.permissions", "PROJECT_LIST\nPROJECT_SAVE"),
        ];
        let made = root.submit("/admin/keys/new", &key).await.shows(200, &["Copy the secret now", "pipeline"]);
        assert!(made.text.matches("stoa-copy").count() >= 2);
        root.page("/admin/keys").await.shows(200, &["pipeline"]).hides(&["Copy the secret now"]);
    }

    async fn tags_are_defined_with_every_type_and_appear_in_forms(stoa) {
        let root = stoa.first_admin().await;
        let stage = [
            ("targetKind", "meshWorkspace"), ("key", "stage"), ("displayName", "Stage"), ("type", "singleSelect"),
            ("options", "dev\nprod"), ("default", "dev"), ("mandatory", "on"),
        ];
        root.submit("/admin/tags/preview", &stage).await.shows(200, &["<select", "prod", "form-required"]);
        let made = root.submit("/admin/tags/new", &stage).await;
        assert_eq!(made.leads_to(), "/admin/tags/meshWorkspace.stage");
        for (kind, key) in [("string", "a"), ("email", "b"), ("integer", "c"), ("number", "d"), ("multiSelect", "e")] {
            let tag = [
                ("targetKind", "meshProject"), ("key", key), ("displayName", key), ("type", kind), ("options", "x\ny"),
            ];
            root.submit("/admin/tags/new", &tag).await.leads_to();
        }
        root.submit("/admin/tags/new", &stage).await.shows(422, &["already exists", "value=\"Stage\""]);
        root.page(&at("tags/meshWorkspace.stage/edit")).await.shows(200, &["dev\nprod", "value=\"Stage\""]);
        let change = [("displayName", "Stage of it"), ("options", "dev\nqa\nprod"), ("type", "singleSelect")];
        root.submit("/admin/tags/meshWorkspace.stage/edit", &change).await.leads_to();
        root.page("/admin/workspaces/new").await.shows(200, &["Stage of it", "name=\"metadata.tags.stage\"", ">qa<"]);
        let tagged =
            [("metadata.name", "orchard"), ("spec.displayName", "Orchard"), ("metadata.tags.stage", "qa")];
        root.submit("/admin/workspaces/new", &tagged).await.leads_to();
        root.page("/admin/workspaces/orchard").await.shows(200, &["Stage", "qa"]);
    }

    async fn the_event_log_shows_what_changed_and_is_exported(stoa) {
        let root = stoa.first_admin().await;
        stoa.workspace("orchard").await;
        let change = json!({ "metadata": { "name": "orchard", "tags": {} }, "spec": { "displayName": "Other" } });
        stoa.admin.put("meshWorkspace", "/orchard", &change).await.expect(200);
        root.page("/admin/events?workspaceIdentifier=orchard&eventType=Changed").await.shows(200, &["1 to 1"]);
        let event = stoa.admin.list("meshEventLog", "?workspaceIdentifier=orchard&eventType=Changed").await;
        let page = format!("/admin/events/{}", text(&event[0], "/metadata/uuid"));
        root.page(&page).await.shows(200, &["Team orchard", "Other", "displayName", "Before"]);
        let csv = root.page("/admin/events/export?workspaceIdentifier=orchard").await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
    }

    async fn people_are_let_in_and_kept_out(stoa) {
        let root = stoa.first_admin().await;
        let user = [
            ("metadata.name", "lea"), ("spec.email", "lea@fruit.example"), ("spec.firstName", "Lea"),
            ("spec.lastName", "Apfel"), ("spec.euid", ""),
        ];
        assert_eq!(root.submit("/admin/users/new", &user).await.leads_to(), "/admin/users/lea");
        root.submit("/admin/users/lea/account", &[]).await.shows(200, &["/set-password/"]);
        let out = root.submit("/admin/users/lea/state", &[("state", "DISABLED")]).await;
        assert!(out.said().contains("may not sign in"), "{}", out.said());
        let role = [("subject", "lea"), ("kind", "user"), ("role", "Auditor")];
        assert!(root.submit("/admin/access", &role).await.said().contains("lea has the role"));
        root.page(&at("access")).await.shows(200, &["Auditor", "/admin/users/lea"]);
    }

    async fn what_a_role_may_not_see_is_hidden_and_refused(stoa) {
        stoa.first_admin().await;
        let auditor = stoa.person("max").await;
        auditor.page(&at("workspaces")).await.shows(403, &["You may not see this"]);
        stoa.bind("max", "Auditor", "demo-partner").await;
        auditor.page("/admin/events").await.shows(200, &["Event log"]).hides(&["href=\"/admin/users\"", "href=\"/admin/access\""]);
        for page in ["workspaces", "users", "access", "keys", "settings"] {
            assert_eq!(auditor.page(&format!("/admin/{page}")).await.status, 403, "{page}");
        }
        assert_eq!(auditor.submit("/admin/users/new", &[("metadata.name", "x")]).await.status, 403);
    }

    async fn the_palette_finds_and_uuids_lead_to_pages(stoa) {
        let root = stoa.first_admin().await;
        stoa.workspace("orchard").await;
        stoa.admin.create("meshProject", &json!({
            "metadata": { "name": "press", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Cider Press" },
        })).await;
        root.page("/search?q=cider").await.shows(200, &["/admin/projects/orchard.press", "Cider Press"]);
        let lea = stoa.person("lea").await;
        lea.page("/search/hits?q=cider").await.shows(200, &["Nothing that you may see"]).hides(&["Cider Press"]);
        stoa.bind("lea", "Workspace Owner", "orchard").await;
        lea.page("/search/hits?q=cider").await.shows(200, &["/w/orchard/p/press"]);
        let found = stoa.admin.raw(reqwest::Method::GET, "/api/stoa/v1/search?q=cider", |r| r).await.expect(200);
        let go = format!("/go/{}", text(&found, "/hits/0/uuid"));
        assert_eq!(lea.page(&go).await.leads_to(), "/w/orchard/p/press");
        assert_eq!(root.page(&go).await.leads_to(), "/admin/projects/orchard.press");
        lea.page("/go/00000000-0000-4000-8000-000000000000").await.shows(404, &["There is nothing here"]);
        lea.page("/inbox").await.shows(200, &["Nothing waiting"]);
        lea.page("/inbox/bell").await.shows(200, &[]);
    }
}
