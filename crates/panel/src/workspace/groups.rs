//! Groups that can be given roles here: those of the workspace, and those of everybody.

use super::access_shell;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::shell::Shell;
use askama::Template;
use serde_json::Value;

struct Row {
    name: String,
    label: String,
    egid: String,
    members: Vec<String>,
}

impl Row {
    fn read(group: &Value) -> Self {
        let members = group["spec"]["members"].as_array().into_iter().flatten();
        Self {
            name: said(group, "/metadata/name"),
            label: said(group, "/spec/displayName"),
            egid: said(group, "/spec/egid"),
            members: members.filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "workspace/groups.html")]
struct GroupsPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Row>,
}

/// The list.
pub async fn list(ctx: Ctx) -> Answer {
    let path =
        format!("/api/meshobjects/meshworkspaceusergroups?workspaceIdentifier={}", segment(ctx.home()));
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &[])).await?;
    ctx.page(&GroupsPage {
        shell: access_shell(&ctx),
        listing: Listing::of(&ctx, &found),
        rows: found.items.iter().map(Row::read).collect(),
    })
}
