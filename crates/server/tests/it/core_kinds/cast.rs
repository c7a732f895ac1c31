//! Whom tests about roles begin with: people, groups, projects, and what binds them.

use crate::stoa::{Answer, Stoa};
use serde_json::{Value, json};
use std::sync::Arc;
use stoa_core::{Call, Error};
use stoa_identity::group;

/// The four kinds of bindings: kind, whether it is of a project, whether of a group.
pub const BINDINGS: [(&str, bool, bool); 4] = [
    ("meshWorkspaceUserBinding", false, false),
    ("meshWorkspaceGroupBinding", false, true),
    ("meshProjectUserBinding", true, false),
    ("meshProjectGroupBinding", true, true),
];

/// A user.
pub async fn user(stoa: &Stoa, name: &str) -> Value {
    let spec = json!({ "email": "x@fruit.example", "firstName": "X", "lastName": "Y" });
    stoa.admin.create("meshUser", &json!({ "metadata": { "name": name }, "spec": spec })).await
}

/// A project `<workspace>.<name>`.
pub async fn project(stoa: &Stoa, workspace: &str, name: &str) -> Value {
    let metadata = json!({ "name": name, "ownedByWorkspace": workspace });
    let body = json!({ "metadata": metadata, "spec": { "displayName": format!("The {name}") } });
    stoa.admin.create("meshProject", &body).await
}

/// What the declarative import does with a group, without the import around it.
pub async fn save_group_directly(stoa: &Stoa, body: Value) -> Result<bool, Error> {
    let world = Arc::clone(&stoa.running.app.world);
    stoa.running
        .app
        .db
        .write(move |tx| {
            let (_, created) = group::save(tx, &Call::by_system(&world, "import"), body.clone())?;
            Ok::<_, Error>(created)
        })
        .await
}

/// The body of a group.
pub fn group_body(owner: &str, name: &str, members: &[&str]) -> Value {
    json!({
        "metadata": { "name": name, "ownedByWorkspace": owner },
        "spec": { "displayName": format!("The {name}"), "members": members },
    })
}

/// A group with these members, made or changed.
pub async fn group(stoa: &Stoa, owner: &str, name: &str, members: &[&str]) {
    save_group_directly(stoa, group_body(owner, name, members)).await.unwrap();
}

/// The body of a binding in a workspace, or in a project `<workspace>.<name>`.
pub fn binding(name: &str, role: &str, target: &str, subject: &str) -> Value {
    let target = match target.split_once('.') {
        None => json!({ "name": target }),
        Some((workspace, project)) => json!({ "name": project, "ownedByWorkspace": workspace }),
    };
    json!({
        "metadata": { "name": name },
        "roleRef": { "name": role },
        "targetRef": target,
        "subject": { "name": subject },
    })
}

/// The kind of a binding of a user, or of a group, whose name ends in `s`, on a target.
fn kind_for(target: &str, subject: &str) -> &'static str {
    let (of_project, of_group) = (target.contains('.'), subject.ends_with('s'));
    BINDINGS.iter().find(|(_, project, group)| (*project, *group) == (of_project, of_group)).unwrap().0
}

/// Binds a user, or a group, whose name ends in `s`; the name is `<subject>@<target>`.
pub async fn bind(stoa: &Stoa, subject: &str, role: &str, target: &str) -> Value {
    let body = binding(&format!("{subject}@{target}"), role, target, subject);
    stoa.admin.create(kind_for(target, subject), &body).await
}

/// Ends what [`bind`] began.
pub async fn unbind(stoa: &Stoa, subject: &str, target: &str) -> Answer {
    stoa.admin.delete(kind_for(target, subject), &format!("/{subject}@{target}")).await
}

/// Names of all bindings, by kind.
pub async fn bound(stoa: &Stoa) -> Vec<String> {
    let mut names = Vec::new();
    for (kind, ..) in BINDINGS {
        for binding in stoa.admin.list(kind, "").await {
            names.push(binding["metadata"]["name"].as_str().unwrap().to_owned());
        }
    }
    names.sort();
    names
}

/// A workspace `orchard` with a project `press`, the user `lea` and the group `pickers` of `tom`, all of them
/// members.
pub async fn orchard(stoa: &Stoa) {
    stoa.workspace("orchard").await;
    project(stoa, "orchard", "press").await;
    for name in ["lea", "tom"] {
        user(stoa, name).await;
    }
    group(stoa, "orchard", "pickers", &["tom"]).await;
    bind(stoa, "lea", "Workspace Member", "orchard").await;
    bind(stoa, "pickers", "Workspace Member", "orchard").await;
}
