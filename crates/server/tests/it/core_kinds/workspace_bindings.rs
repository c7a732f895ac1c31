//! meshWorkspaceUserBinding and meshWorkspaceGroupBinding (`api-core.md` §3.4 and §3.5).

use super::cast::{bind, binding, bound, group, orchard, project, unbind, user};
use super::{names, names_of, with};
use crate::on_both;
use crate::stoa::Stoa;
use serde_json::json;
use std::time::Duration;

const USERS: &str = "meshWorkspaceUserBinding";
const GROUPS: &str = "meshWorkspaceGroupBinding";
const DAY: Duration = Duration::from_hours(24);

async fn found(stoa: &Stoa, kind: &str, query: &str) -> Vec<String> {
    names_of(&stoa.admin.list(kind, query).await).into_iter().map(str::to_owned).collect()
}

/// A day from now on, as the API writes days.
fn day(stoa: &Stoa, ahead: u32) -> String {
    (stoa.running.app.world.clock.now() + DAY * ahead).day().to_string()
}

on_both! {
    async fn three_roles_are_known(stoa) {
        orchard(&stoa).await;
        user(&stoa, "kim").await;
        for role in ["Workspace Owner", "Workspace Manager", "Workspace Member"] {
            stoa.admin.create(USERS, &binding(role, role, "orchard", "kim")).await;
        }
        assert_eq!(found(&stoa, USERS, "?username=kim").await.len(), 3, "several roles for one person");
        let owner = binding("x", "Workspace Owner", "orchard", "pickers");
        names(stoa.admin.post(GROUPS, "", &owner).await, "roleRef.name");
    }

    async fn only_administrators_appoint_owners_and_two_at_most(stoa) {
        orchard(&stoa).await;
        let key = stoa.key("orchard", &["WORKSPACEPRINCIPALBINDING_SAVE", "WORKSPACEPRINCIPALBINDING_DELETE"]).await;
        let owner = |name: &str| binding(&format!("{name}-owns"), "Workspace Owner", "orchard", name);
        key.post(USERS, "", &owner("lea")).await.refused(403, "ADM_WORKSPACEPRINCIPALBINDING_SAVE");
        key.post(USERS, "", &binding("m", "Workspace Manager", "orchard", "lea")).await.expect(201);
        for name in ["u1", "u2", "u3"] {
            user(&stoa, name).await;
        }
        let bot = json!({ "metadata": { "name": "bot" }, "spec": { "displayName": "B" } });
        let bot = stoa.admin.create("meshApiUser", &bot).await;
        let bot = stoa.nobody().basic("bot", bot["status"]["password"].as_str().unwrap());
        bot.post(USERS, "", &owner("u1")).await.expect(201);
        stoa.admin.create(USERS, &with(owner("u2"), "/expiryDate", json!(day(&stoa, 1)))).await;
        stoa.admin.post(USERS, "", &owner("u3")).await.refused(409, "owners");
        // Who stopped being an owner makes room.
        stoa.advance(DAY * 2);
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        admin.create(USERS, &owner("u3")).await;
        admin.delete(USERS, "/u3-owns").await.expect(204);
        let attempts = (0..6).map(|n| {
            let (admin, name) = (admin.clone(), format!("w{n}"));
            tokio::spawn(async move {
                let user = json!({ "metadata": { "name": name }, "spec": { "email": "x@f.example", "firstName": "X", "lastName": "Y" } });
                admin.create("meshUser", &user).await;
                admin.post(USERS, "", &binding(&name, "Workspace Owner", "orchard", &name)).await.status
            })
        });
        let mut statuses = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            statuses.push(attempt.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 5][..]), "two at most, however fast");
    }

    async fn an_expiry_is_a_day_to_come(stoa) {
        let stoa = stoa.at_noon().await;
        orchard(&stoa).await;
        for (kind, subject) in [(USERS, "lea"), (GROUPS, "pickers")] {
            let body = binding("x", "Workspace Manager", "orchard", subject);
            for bad in ["2020-01-01", "2027-13-01", "2027-1-1", "2027-01-31T00:00:00Z", "soon", "", "20270131"] {
                names(stoa.admin.post(kind, "", &with(body.clone(), "/expiryDate", json!(bad))).await, "expiryDate");
            }
            for good in [day(&stoa, 0), day(&stoa, 400), "9999-12-31".to_owned()] {
                let made = stoa.admin.create(kind, &with(body.clone(), "/expiryDate", json!(good))).await;
                assert_eq!(made["expiryDate"], json!(good));
                assert_eq!(stoa.admin.get(kind, "/x").await.expect(200), made);
                stoa.admin.delete(kind, "/x").await.expect(204);
            }
            let made = stoa.admin.create(kind, &with(body.clone(), "/expiryDate", json!(null))).await;
            assert_eq!(made.get("expiryDate"), None);
        }
    }

    async fn roles_under_recertification_have_a_last_day(stoa) {
        let mut stoa = stoa;
        stoa = stoa.restarted_with(|config| config.recertify = vec![("Workspace Manager".to_owned(), 30)]).await;
        stoa = stoa.at_noon().await;
        orchard(&stoa).await;
        let latest = day(&stoa, 30);
        for (kind, subject) in [(USERS, "lea"), (GROUPS, "pickers")] {
            let body = binding("x", "Workspace Manager", "orchard", subject);
            names(stoa.admin.post(kind, "", &with(body.clone(), "/expiryDate", json!(day(&stoa, 31)))).await, "expiryDate");
            let made = stoa.admin.create(kind, &body).await;
            assert_eq!(made["expiryDate"], json!(latest));
            assert_eq!(stoa.admin.get(kind, "/x").await.expect(200), made);
            stoa.admin.delete(kind, "/x").await.expect(204);
            for good in [latest.clone(), day(&stoa, 3)] {
                let made = stoa.admin.create(kind, &with(body.clone(), "/expiryDate", json!(good))).await;
                assert_eq!(made["expiryDate"], json!(good));
                stoa.admin.delete(kind, "/x").await.expect(204);
            }
            // Other roles are given for ever.
            let member = stoa.admin.get(kind, &format!("/{subject}@orchard")).await.expect(200);
            assert_eq!(member.get("expiryDate"), None);
        }
    }

    async fn what_is_over_stays_readable_and_grants_nothing(stoa) {
        let stoa = stoa.at_noon().await;
        stoa.workspace("orchard").await;
        project(&stoa, "orchard", "press").await;
        user(&stoa, "lea").await;
        let body = binding("lea-orchard", "Workspace Member", "orchard", "lea");
        let made = stoa.admin.create(USERS, &with(body.clone(), "/expiryDate", json!(day(&stoa, 0)))).await;
        bind(&stoa, "lea", "reader", "orchard.press").await;
        stoa.advance(DAY);
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        assert_eq!(admin.get(USERS, "/lea-orchard").await.expect(200), made);
        assert_eq!(admin.list(USERS, "?workspaceIdentifier=orchard").await.len(), 1);
        assert!(admin.list("meshUser", "?workspaceIdentifier=orchard").await.is_empty());
        // The project binding is suspended, not gone; a new one needs a role in force.
        admin.get("meshProjectUserBinding", "/lea@orchard.press").await.expect(200);
        admin.post("meshProjectUserBinding", "", &binding("p", "admin", "orchard.press", "lea")).await.refused(422, "bind it there first");
        admin.post(USERS, "", &with(body, "/metadata/name", json!("again"))).await.refused(409, "'lea-orchard'");
        admin.delete(USERS, "/lea-orchard").await.expect(204);
        admin.get("meshProjectUserBinding", "/lea@orchard.press").await.refused(404, "lea@orchard.press");
    }

    async fn the_last_binding_takes_those_of_projects_along(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        project(&stoa, "shop", "web").await;
        bind(&stoa, "lea", "Workspace Member", "shop").await;
        for target in ["orchard.press", "shop.web"] {
            bind(&stoa, "lea", "reader", target).await;
        }
        bind(&stoa, "tom", "reader", "orchard.press").await;
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        // A second binding, or one by a group, keeps them.
        stoa.admin.create(USERS, &binding("more", "Workspace Manager", "orchard", "lea")).await;
        unbind(&stoa, "lea", "orchard").await.expect(204);
        group(&stoa, "orchard", "sorters", &["lea"]).await;
        bind(&stoa, "sorters", "Workspace Member", "orchard").await;
        stoa.admin.delete(USERS, "/more").await.expect(204);
        assert_eq!(bound(&stoa).await, [
            "lea@orchard.press", "lea@shop", "lea@shop.web", "pickers@orchard", "pickers@orchard.press",
            "sorters@orchard", "tom@orchard.press",
        ]);
        // Leaving the group is leaving the workspace.
        group(&stoa, "orchard", "sorters", &[]).await;
        assert_eq!(bound(&stoa).await, [
            "lea@shop", "lea@shop.web", "pickers@orchard", "pickers@orchard.press", "sorters@orchard", "tom@orchard.press",
        ]);
        // A group leaves with what it holds, and so do members who were there by it alone.
        unbind(&stoa, "pickers", "orchard").await.expect(204);
        assert_eq!(bound(&stoa).await, ["lea@shop", "lea@shop.web", "sorters@orchard"]);
    }

    async fn filters_narrow_the_list(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        group(&stoa, "shop", "sellers", &["lea", "tom"]).await;
        bind(&stoa, "lea", "Workspace Manager", "shop").await;
        bind(&stoa, "sellers", "Workspace Member", "shop").await;
        for (query, users, groups) in [
            ("", &["lea@orchard", "lea@shop"][..], &["pickers@orchard", "sellers@shop"][..]),
            ("?username=lea", &["lea@orchard", "lea@shop"], &["sellers@shop"]),
            ("?username=tom", &[], &["pickers@orchard", "sellers@shop"]),
            ("?username=nobody", &[], &[]),
            ("?username=", &["lea@orchard", "lea@shop"], &["pickers@orchard", "sellers@shop"]),
            ("?workspaceRole=Workspace%20Member", &["lea@orchard"], &["pickers@orchard", "sellers@shop"]),
            ("?workspaceRole=workspace%20member", &[], &[]),
            ("?workspaceIdentifier=shop", &["lea@shop"], &["sellers@shop"]),
            ("?workspaceIdentifier=nowhere", &[], &[]),
            ("?workspaceIdentifier=shop&username=lea&workspaceRole=Workspace%20Manager", &["lea@shop"], &[]),
            ("?workspaceIdentifier=orchard&workspaceRole=Workspace%20Manager", &[], &[]),
            ("?unknown=x&projectIdentifier=press", &["lea@orchard", "lea@shop"], &["pickers@orchard", "sellers@shop"]),
        ] {
            assert_eq!(found(&stoa, USERS, query).await, users, "{query}");
            assert_eq!(found(&stoa, GROUPS, query).await, groups, "{query}");
        }
    }

    async fn a_global_group_is_bound_anywhere(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        group(&stoa, "meshcloud-global-partner", "auditors", &["lea"]).await;
        for workspace in ["orchard", "shop"] {
            bind(&stoa, "auditors", "Workspace Member", workspace).await;
        }
        // The workspace's own group of the same name comes first.
        group(&stoa, "shop", "auditors", &["tom"]).await;
        let body = binding("own", "Workspace Member", "shop", "auditors");
        stoa.admin.create(GROUPS, &body).await;
        assert_eq!(found(&stoa, GROUPS, "?username=tom&workspaceIdentifier=shop").await, ["own"]);
        assert_eq!(found(&stoa, GROUPS, "?username=lea&workspaceIdentifier=shop").await, ["auditors@shop"]);
    }
}
