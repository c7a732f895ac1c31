//! Who may do what right now: what deletes and changes people, how lists find them by what they hold, and what the
//! platforms are told (`api-core.md` §3.4 to §3.8).

use super::cast::{self, bind, binding, bound, group_body, orchard, project, unbind, user};
use super::names_of;
use crate::on_both;
use crate::stoa::Stoa;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use stoa_base::Moment;
use stoa_core::{Call, Error};
use stoa_db::{Sql, Tx};
use stoa_identity::group;
use stoa_identity::user::Users;
use stoa_tenancy::binding::{Bindings, ProjectUser, WorkspaceGroup, WorkspaceUser};
use stoa_tenancy::people::{self, Person};
use stoa_web::{Kind, Request};

const DAY: Duration = Duration::from_hours(24);

/// Usernames with their roles.
fn told(people: Vec<Person>) -> Vec<String> {
    let mut told: Vec<String> =
        people.iter().map(|person| format!("{}: {}", person.username, person.roles.join(", "))).collect();
    told.sort();
    told
}

fn now(stoa: &Stoa) -> Moment {
    stoa.running.app.world.clock.now()
}

async fn in_project(stoa: &Stoa, workspace: &'static str, project: &'static str) -> Vec<String> {
    let now = now(stoa);
    let read = move |tx: &mut Tx<'_>| people::of_project(tx, now, workspace, project);
    told(stoa.running.app.db.read(read).await.unwrap())
}

async fn in_workspace(stoa: &Stoa, workspace: &'static str) -> Vec<String> {
    let now = now(stoa);
    told(stoa.running.app.db.read(move |tx| people::of_workspace(tx, now, workspace)).await.unwrap())
}

async fn found(stoa: &Stoa, query: &str) -> Vec<String> {
    names_of(&stoa.admin.list("meshUser", query).await).into_iter().map(str::to_owned).collect()
}

/// What a controller is asked to look at after a deed, within the deed's own transaction: nobody else answers
/// before.
fn asked(tx: &mut Tx<'_>, deed: impl FnOnce(&mut Tx<'_>) -> Result<(), Error>) -> Result<Vec<String>, Error> {
    let (forget, look) = (
        "DELETE FROM work WHERE controller = 'people'",
        "SELECT key FROM work WHERE controller = 'people' ORDER BY key",
    );
    tx.run(&Sql::built(forget.to_owned()), &[])?;
    deed(tx)?;
    Ok(tx.all(&Sql::built(look.to_owned()), &[], |row| row.get(0))?)
}

fn request(version: &'static str, json: Value) -> Request {
    Request { version, json: Some(json), ..Request::default() }
}

on_both! {
    async fn roles_add_up_directly_and_by_groups(stoa) {
        orchard(&stoa).await;
        for name in ["kim", "ben"] {
            user(&stoa, name).await;
        }
        cast::group(&stoa, "orchard", "sorters", &["lea", "kim"]).await;
        cast::group(&stoa, "orchard", "strangers", &["ben"]).await;
        bind(&stoa, "sorters", "Workspace Manager", "orchard").await;
        assert_eq!(in_workspace(&stoa, "orchard").await, [
            "kim: Workspace Manager", "lea: Workspace Manager, Workspace Member", "tom: Workspace Member",
        ]);
        assert!(in_project(&stoa, "orchard", "press").await.is_empty());
        bind(&stoa, "lea", "Project Admin", "orchard.press").await;
        bind(&stoa, "sorters", "Project Reader", "orchard.press").await;
        bind(&stoa, "pickers", "user", "orchard.press").await;
        stoa.admin.create("meshProjectUserBinding", &binding("more", "reader", "orchard.press", "lea")).await;
        assert_eq!(in_project(&stoa, "orchard", "press").await, ["kim: reader", "lea: admin, reader", "tom: user"]);
        assert!(in_project(&stoa, "orchard", "nothing").await.is_empty());
        assert!(in_workspace(&stoa, "nothing").await.is_empty());
        let now = now(&stoa);
        let people = stoa.running.app.db.read(move |tx| people::of_project(tx, now, "orchard", "press")).await.unwrap();
        assert!(people.windows(2).all(|pair| pair[0].uuid < pair[1].uuid), "ordered by uuid");
        let lea = people.iter().find(|person| person.username == "lea").unwrap();
        assert_eq!((lea.first_name.as_str(), lea.last_name.as_str(), lea.email.as_str(), &lea.euid), ("X", "Y", "x@fruit.example", &None));
    }

    async fn what_is_over_counts_no_more(stoa) {
        let stoa = stoa.at_noon().await;
        orchard(&stoa).await;
        unbind(&stoa, "lea", "orchard").await.expect(204);
        let today = now(&stoa).day().to_string();
        for (kind, name, subject) in [("meshWorkspaceUserBinding", "u", "lea"), ("meshWorkspaceGroupBinding", "g", "pickers")] {
            let mut body = binding(name, "Workspace Manager", "orchard", subject);
            body["expiryDate"] = json!(today);
            stoa.admin.create(kind, &body).await;
        }
        unbind(&stoa, "pickers", "orchard").await.expect(204);
        for subject in ["lea", "tom", "pickers"] {
            bind(&stoa, subject, "reader", "orchard.press").await;
        }
        assert_eq!(in_project(&stoa, "orchard", "press").await, ["lea: reader", "tom: reader"]);
        let at = now(&stoa);
        let next = stoa.running.app.db.read(move |tx| people::next_expiry(tx, at, "orchard")).await.unwrap();
        assert_eq!(next, Some(at.day().end()));
        stoa.advance(DAY);
        assert!(in_project(&stoa, "orchard", "press").await.is_empty());
        assert!(in_workspace(&stoa, "orchard").await.is_empty());
        let at = now(&stoa);
        let next = stoa.running.app.db.read(move |tx| people::next_expiry(tx, at, "orchard")).await.unwrap();
        assert_eq!(next, None);
        // Whoever comes back by another way has what was held before.
        let admin = stoa.nobody().login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        admin.create("meshWorkspaceUserBinding", &binding("new", "Workspace Member", "orchard", "lea")).await;
        assert_eq!(in_project(&stoa, "orchard", "press").await, ["lea: reader"]);
    }

    async fn filters_find_people_by_what_they_hold(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        project(&stoa, "shop", "press").await;
        user(&stoa, "kim").await;
        bind(&stoa, "kim", "Workspace Manager", "shop").await;
        bind(&stoa, "lea", "Workspace Member", "shop").await;
        for (subject, role, target) in [
            ("lea", "Project Admin", "orchard.press"),
            ("pickers", "reader", "orchard.press"),
            ("kim", "reader", "shop.press"),
        ] {
            bind(&stoa, subject, role, target).await;
        }
        for (query, expected) in [
            ("?workspaceIdentifier=orchard", &["lea", "tom"][..]),
            ("?workspaceIdentifier=shop", &["lea", "kim"]),
            ("?workspaceIdentifier=nowhere", &[]),
            ("?workspaceRole=Workspace%20Member", &["lea", "tom"]),
            ("?workspaceRole=Workspace%20Manager", &["kim"]),
            ("?workspaceRole=Workspace%20Manager&workspaceIdentifier=orchard", &[]),
            ("?workspaceIdentifier=orchard&projectIdentifier=press", &["lea", "tom"]),
            ("?workspaceIdentifier=shop&projectIdentifier=press", &["kim"]),
            ("?workspaceIdentifier=shop&projectIdentifier=nothing", &[]),
            ("?projectRole=Project%20Reader", &["tom", "kim"]),
            ("?projectRole=reader", &["tom", "kim"]),
            ("?projectRole=Project%20Reader&workspaceIdentifier=orchard", &["tom"]),
            ("?projectRole=admin&workspaceIdentifier=orchard&projectIdentifier=press", &["lea"]),
            ("?projectRole=admin&workspaceIdentifier=shop&projectIdentifier=press", &[]),
            ("?projectRole=reader&username=kim", &["kim"]),
            ("?projectRole=reader&username=lea", &[]),
            ("?platformIdentifier=none.nowhere", &[]),
            ("?workspaceUserGroupIdentifier=pickers", &["tom"]),
        ] {
            assert_eq!(found(&stoa, query).await, expected, "{query}");
        }
        // Pages and totals go with the filters.
        let page = stoa.admin.get("meshUser", "?workspaceIdentifier=orchard&size=1&page=1").await.expect(200);
        assert_eq!((&page["page"]["totalElements"], names_of(page["_embedded"]["meshUsers"].as_array().unwrap())), (&json!(2), vec!["tom"]));
    }

    async fn filters_find_people_by_their_platforms(stoa) {
        let stage = stoa.custom_platform().await;
        for name in ["lea", "tom", "kim"] {
            user(&stoa, name).await;
        }
        project(&stoa, "shop", "other").await;
        cast::group(&stoa, "shop", "sellers", &["tom"]).await;
        for subject in ["lea", "kim", "sellers"] {
            bind(&stoa, subject, "Workspace Member", "shop").await;
        }
        for (subject, role, target) in [("lea", "admin", "shop.web"), ("sellers", "reader", "shop.web"), ("kim", "reader", "shop.other")] {
            bind(&stoa, subject, role, target).await;
        }
        assert!(found(&stoa, "?platformIdentifier=spaces.global").await.is_empty(), "no tenant yet");
        let tenant = stoa.tenant(&stage.platform).await;
        for (query, expected) in [
            ("?platformIdentifier=spaces.global", &["lea", "tom"][..]),
            ("?platformIdentifier=spaces", &[]),
            ("?platformIdentifier=spaces.global&projectRole=reader", &["tom"]),
            ("?platformIdentifier=spaces.global&workspaceIdentifier=shop&projectIdentifier=other", &[]),
            ("?platformIdentifier=spaces.global&workspaceIdentifier=ops", &[]),
        ] {
            assert_eq!(found(&stoa, query).await, expected, "{query}");
        }
        stoa.until_phase(&tenant, "READY").await;
        stoa.admin.delete("meshTenant", &format!("/{tenant}?purge=true")).await.expect(202);
        assert!(found(&stoa, "?platformIdentifier=spaces.global").await.is_empty());
    }

    async fn a_deleted_user_leaves_nothing(stoa) {
        orchard(&stoa).await;
        for (subject, target) in [("lea", "orchard.press"), ("pickers", "orchard.press"), ("tom", "orchard.press")] {
            bind(&stoa, subject, "reader", target).await;
        }
        for name in ["lea", "tom"] {
            stoa.admin.delete("meshUser", &format!("/{name}")).await.expect(204);
            stoa.admin.get("meshUser", &format!("/{name}")).await.refused(404, name);
        }
        assert_eq!(bound(&stoa).await, ["pickers@orchard", "pickers@orchard.press"]);
        let shown = stoa.admin.get("meshWorkspaceUserGroup", "/orchard.pickers").await.expect(200);
        assert_eq!(shown["spec"]["members"], json!([]));
        // The name may be used again, by somebody who holds nothing.
        user(&stoa, "lea").await;
        assert!(found(&stoa, "?workspaceIdentifier=orchard").await.is_empty());
        let told = stoa.admin.list("meshEventLog", "?title=User%20Role%20Removed").await;
        assert_eq!(told.len(), 3);
    }

    async fn every_change_of_people_is_passed_on(stoa) {
        orchard(&stoa).await;
        stoa.workspace("shop").await;
        bind(&stoa, "lea", "Workspace Member", "shop").await;
        bind(&stoa, "pickers", "reader", "orchard.press").await;
        let tomorrow = (now(&stoa) + DAY).day().to_string();
        let world = Arc::clone(&stoa.running.app.world);
        let seen = stoa.running.app.db.write(move |tx| {
            let call = Call::by_system(&world, "test");
            let mut seen = Vec::new();
            // A binding comes, for a while, and goes.
            let mut body = binding("x", "Workspace Manager", "orchard", "tom");
            body["expiryDate"] = json!(tomorrow);
            seen.push(asked(tx, |tx| {
                Bindings::<WorkspaceUser>::create(tx, &call, &request("v2", body)).map(|_| ())
            })?);
            seen.push(asked(tx, |tx| {
                let body = binding("x", "reader", "orchard.press", "lea");
                Bindings::<ProjectUser>::create(tx, &call, &request("v3", body)).map(|_| ())
            })?);
            seen.push(asked(tx, |tx| {
                let found = Bindings::<ProjectUser>::find(tx, &call, "x", "v3")?.unwrap();
                Bindings::<ProjectUser>::delete(tx, &call, &request("v3", Value::Null), found).map(|_| ())
            })?);
            // A member comes and goes, another one gets a name.
            for members in [&["tom", "lea"][..], &["tom"]] {
                seen.push(asked(tx, |tx| group::save(tx, &call, group_body("orchard", "pickers", members)).map(|_| ()))?);
            }
            seen.push(asked(tx, |tx| {
                let user = json!({ "metadata": { "name": "lea" }, "spec": { "email": "y@f.example", "firstName": "L", "lastName": "A" } });
                let found = Users::find(tx, &call, "lea", "v2")?;
                Users::update(tx, &call, &request("v2", user), "lea", found).map(|_| ())
            })?);
            seen.push(asked(tx, |tx| {
                let found = Users::find(tx, &call, "tom", "v2")?.unwrap();
                Users::delete(tx, &call, &request("v2", Value::Null), found).map(|_| ())
            })?);
            // Another role in the place of the only one keeps what hangs on it.
            seen.push(asked(tx, |tx| {
                let body = binding("pickers@orchard", "Workspace Manager", "orchard", "pickers");
                let found = Bindings::<WorkspaceGroup>::find(tx, &call, "pickers@orchard", "v2")?.unwrap();
                Bindings::<WorkspaceGroup>::remake(tx, &call, &request("v2", body), found).map(|_| ())
            })?);
            // The last binding takes what it carried along.
            seen.push(asked(tx, |tx| {
                let found = Bindings::<WorkspaceGroup>::find(tx, &call, "pickers@orchard", "v2")?.unwrap();
                Bindings::<WorkspaceGroup>::delete(tx, &call, &request("v2", Value::Null), found).map(|_| ())
            })?);
            Ok::<_, Error>(seen)
        });
        let expected: [&[&str]; 9] = [
            &["orchard"],
            &["orchard.press"],
            &["orchard.press"],
            &["orchard"],
            &["orchard"],
            &["orchard", "shop"],
            &["orchard"],
            &["orchard"],
            &["orchard", "orchard.press"],
        ];
        assert_eq!(seen.await.unwrap(), expected);
    }
}
