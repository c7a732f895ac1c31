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

    async fn several_are_tagged_and_deleted_at_once(stoa) {
        let root = stoa.first_admin().await;
        stoa.tag("meshWorkspace", "stage", json!({ "singleSelect": { "options": ["seed", "crop"] } }), &[]).await;
        for name in ["apples", "pears", "plums"] {
            stoa.workspace(name).await;
        }
        root.page("/admin/workspaces").await.shows(200, &["Tick Team plums", "/admin/bulk/workspaces", "/admin/workspaces.csv"]);
        let bulk = "/admin/bulk/workspaces";
        let none = root.submit(bulk, &[("do", "tag"), ("from", "/admin/workspaces?q=p")]).await;
        assert_eq!((none.leads_to(), none.said().as_str()), ("/admin/workspaces?q=p", "bad:Tick something first."));
        let two = [("id", "apples"), ("id", "pears"), ("from", "https://elsewhere.example")];
        let with = |more: &[(&'static str, &'static str)]| [&two[..], more].concat();
        // First what it will be, and nothing yet.
        root.submit(bulk, &with(&[("do", "tag")])).await.shows(200, &["2 are going to be changed", "value=\"seed\"", "apples"]);
        let tag = with(&[("do", "tag"), ("sure", "on"), ("tag", "stage"), ("value", "seed")]);
        let done = root.submit(bulk, &tag).await;
        assert_eq!((done.leads_to(), done.said().as_str()), ("/admin/workspaces", "good:2 tagged."));
        let wrong = with(&[("do", "tag"), ("sure", "on"), ("tag", "stage"), ("value", "weed")]);
        root.submit(bulk, &wrong).await.shows(200, &["What became of them", "must be one of seed, crop"]);
        let found = stoa.admin.get("meshWorkspace", "/pears").await.expect(200);
        assert_eq!(found["metadata"]["tags"], json!({ "stage": ["seed"] }));

        let file = root.page("/admin/workspaces.csv?q=p").await;
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
        assert!(file.text.starts_with("\"Name\",\"Identifier\",\"Platform builder\",\"Tags\",\"Created\"\r\n"), "{}", file.text);
        assert!(file.text.contains("\"pears\"") && file.text.contains("\"stage: seed\""), "{}", file.text);

        // One that is in the way leaves the others to go; each is told of.
        let project = json!({
            "metadata": { "name": "web", "ownedByWorkspace": "pears" }, "spec": { "displayName": "Web" },
        });
        stoa.admin.create("meshProject", &project).await;
        let unsure = with(&[("do", "delete"), ("sure", "on"), ("typed", "3")]);
        root.submit(bulk, &unsure).await.shows(422, &["type 2 to confirm"]);
        let delete = with(&[("do", "delete"), ("sure", "on"), ("typed", "2")]);
        root.submit(bulk, &delete).await.shows(200, &["What became of them", "Done", "meshProject"]);
        for (name, is_gone) in [("apples", true), ("pears", false)] {
            let found = stoa.admin.get("meshWorkspace", &format!("/{name}")).await.expect(200);
            assert_eq!(found["metadata"]["deletedOn"].is_string(), is_gone, "{name}");
        }

        // Who may only look is offered nothing, and refused.
        let kim = stoa.person("kim").await;
        let binding = json!({
            "roleRef": { "name": "Onboarding Support" }, "targetRef": { "name": "demo-partner" }, "subject": { "name": "kim" },
        });
        stoa.admin.create("meshWorkspaceUserBinding", &binding).await;
        kim.page("/admin/workspaces").await.shows(200, &["plums"]).hides(&["/admin/bulk/workspaces"]);
        kim.submit(bulk, &[("do", "delete"), ("id", "plums"), ("sure", "on"), ("typed", "1")]).await.shows(403, &[]);
    }

    async fn a_role_is_changed_in_one_step(stoa) {
        let root = stoa.first_admin().await;
        stoa.workspace("orchard").await;
        stoa.person("lea").await;
        stoa.person("kim").await;
        stoa.bind("lea", "Workspace Owner", "orchard").await;
        stoa.bind("kim", "Workspace Member", "orchard").await;
        let bound = async |of: &str, query: &str| stoa.admin.list(of, query).await;
        let user = "meshWorkspaceUserBinding";
        let kim = bound(user, "?workspaceIdentifier=orchard&username=kim").await.remove(0);
        let name = text(&kim, "/metadata/name");
        let change = [("name", name.as_str()), ("subject", "kim"), ("kind", "user"), ("role", "Workspace Manager")];
        let done = root.submit("/admin/workspaces/orchard/people/role", &change).await;
        assert_eq!(done.said(), "good:kim has the role Workspace Manager.");
        let now = bound(user, "?workspaceIdentifier=orchard&username=kim").await;
        assert_eq!((now.len(), text(&now[0], "/roleRef/name").as_str()), (1, "Workspace Manager"));
        // What is refused leaves the old role, and no second one: the last owner stays.
        let lea = stoa.nobody();
        let signed = lea.sign_in("lea", crate::stoa::PASSWORD).await;
        let lea = lea.signed_in(signed);
        let own = bound(user, "?workspaceIdentifier=orchard&username=lea").await.remove(0);
        let at = format!("/w/orchard/access/user/{}", text(&own, "/metadata/name"));
        let kept = lea.submit(&at, &[("role", "Workspace Member")]).await;
        assert!(kept.text.contains("must keep an owner"), "{}", kept.text);
        let now = bound(user, "?workspaceIdentifier=orchard&username=lea").await;
        assert_eq!((now.len(), text(&now[0], "/roleRef/name").as_str()), (1, "Workspace Owner"));
        // Nor does an administrator leave a workspace without one.
        let name = text(&own, "/metadata/name");
        let change = [("name", name.as_str()), ("subject", "lea"), ("kind", "user"), ("role", "Workspace Member")];
        let kept = root.submit("/admin/workspaces/orchard/people/role", &change).await;
        assert!(kept.said().contains("must keep an owner"), "{} {}", kept.said(), kept.text);
        let now = bound(user, "?workspaceIdentifier=orchard&username=lea").await;
        assert_eq!((now.len(), text(&now[0], "/roleRef/name").as_str()), (1, "Workspace Owner"));

        let give = [("subject", "kim"), ("kind", "user"), ("role", "Auditor")];
        root.submit("/admin/access", &give).await.leads_to();
        let all = bound(user, "?username=kim").await;
        let auditor = all.iter().find(|one| one["roleRef"]["name"] == "Auditor").unwrap();
        let name = text(auditor, "/metadata/name");
        let change = [("name", name.as_str()), ("subject", "kim"), ("kind", "user"), ("role", "Ops Support")];
        assert_eq!(root.submit("/admin/access/role", &change).await.said(), "good:kim has the role Ops Support.");

        let project = json!({
            "metadata": { "name": "web", "ownedByWorkspace": "orchard" }, "spec": { "displayName": "Web" },
        });
        stoa.admin.create("meshProject", &project).await;
        let reader = stoa.admin.create("meshProjectUserBinding", &json!({
            "roleRef": { "name": "reader" }, "subject": { "name": "kim" },
            "targetRef": { "name": "web", "ownedByWorkspace": "orchard" },
        })).await;
        let at = format!("/w/orchard/p/web/access/user/{}/role", text(&reader, "/metadata/name"));
        assert_eq!(lea.submit(&at, &[("role", "admin")]).await.said(), "good:The role was changed.");
        let now = bound("meshProjectUserBinding", "").await;
        assert_eq!((now.len(), text(&now[0], "/roleRef/name").as_str()), (1, "admin"));
    }

    async fn a_message_is_read_and_resolved_by_those_who_got_it(stoa) {
        let root = stoa.first_admin().await;
        stoa.workspace("orchard").await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Owner", "orchard").await;
        let definition = stoa.admin.create("meshCommunicationDefinition", &json!({ "spec": { "communication": {
            "title": "Prune your trees", "message": "Before **March**, please. <script>alert(1)</script>",
            "type": "ACTION_REQUIRED", "dueDate": "2097-03-01",
        } } })).await;
        let sent = stoa.admin.create("meshCommunication", &json!({ "spec": {
            "communicationDefinitionRef": { "uuid": definition["metadata"]["uuid"] },
            "targetMeshObjectRef": { "kind": "meshWorkspace", "name": "orchard" },
        } })).await;
        let uuid = text(&sent, "/metadata/uuid");
        let page = format!("/w/orchard/messages/{uuid}");
        lea.page("/inbox/bell").await.shows(200, &["Waiting for you:", ">1<"]);
        lea.page("/inbox").await.shows(200, &["Prune your trees", &page, "2097-03-01"]);
        lea.page(&page).await.shows(200, &["Prune your trees", "<strong>March</strong>", "It is done"]).hides(&["<script>alert"]);
        assert!(lea.submit(&page, &[("do", "resolve")]).await.said().starts_with("good:It is resolved"));
        lea.page("/inbox").await.shows(200, &[]).hides(&["Prune your trees"]);
        lea.page(&page).await.shows(200, &["Open it again"]);
        root.page(&format!("/admin/communications/{uuid}")).await.shows(200, &["Prune your trees", "Resolved"]);
        let reopened = root.submit(&format!("/admin/communications/{uuid}/message"), &[("do", "open")]).await;
        assert_eq!(reopened.said(), "good:It is open again.");
        let kim = stoa.person("kim").await;
        stoa.workspace("shop").await;
        stoa.bind("kim", "Workspace Owner", "shop").await;
        kim.page(&format!("/w/shop/messages/{uuid}")).await.shows(403, &[]).hides(&["March"]);
    }

    async fn the_bell_tells_what_ended_since_one_looked(stoa) {
        stoa.workspace("shop").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        let lea = stoa.person("lea").await;
        stoa.bind("lea", "Workspace Owner", "shop").await;
        let block = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        lea.page("/inbox/bell").await.shows(200, &["Running:"]);
        stoa.claim().await.end("SUCCEEDED").await;
        lea.page("/inbox/bell").await.shows(200, &["Finished since you last looked:", ">1<"]);
        let inbox = lea.page("/inbox").await;
        let inbox = inbox.shows(200, &["Finished since you last looked", &text(&block, "/metadata/uuid")]);
        let cookies = inbox.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let seen = cookies.filter_map(|cookie| cookie.strip_prefix("stoa_inbox=")).next().unwrap();
        let seen: i64 = seen.split(';').next().unwrap().parse().unwrap();
        let (cookie, csrf) = lea.session.clone().unwrap();
        let mut later = lea.clone();
        later.session = Some((format!("{cookie}; stoa_inbox={}", seen + 1), csrf));
        later.page("/inbox/bell").await.shows(200, &[]).hides(&["Finished"]);
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
