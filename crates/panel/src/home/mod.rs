//! What belongs to a person rather than to a workspace: the start, and a workspace of one's own (panel.md §2, §3,
//! §9.1).

mod register;

use crate::Pages;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Membership};
use crate::parts::filters;
use crate::shell::Shell;
use crate::tenant::known::Block;
use crate::text::tr;
use askama::Template;
use axum::routing::get;
use serde_json::Value;

/// How many workspaces are looked into for what is going on.
const LOOKED_INTO: usize = 12;

/// One of their workspaces.
struct Home {
    membership: Membership,
    busy: Vec<Block>,
}

/// A role that is about to end.
struct Ending {
    workspace: String,
    project: String,
    role: String,
    expires: String,
}

impl Ending {
    fn read(role: &Value) -> Self {
        Self {
            workspace: said(role, "/workspace"),
            project: said(role, "/project"),
            role: said(role, "/role"),
            expires: said(role, "/expires"),
        }
    }
}

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    shell: Shell,
    homes: Vec<Home>,
    endings: Vec<Ending>,
    is_admin: bool,
    first_name: String,
}

/// Blocks of a workspace that are under way, or wait for somebody.
async fn busy(ctx: &Ctx, workspace: &str) -> Vec<Block> {
    let api = ctx.api.acting_in(Some(workspace));
    let mut found = Vec::new();
    for state in ["IN_PROGRESS", "WAITING_FOR_USER_INPUT", "FAILED"] {
        let path = format!(
            "/api/meshobjects/meshbuildingblocks?workspaceIdentifier={}&status={state}&size=5",
            segment(workspace)
        );
        // A workspace that cannot be looked into just now leaves its part of the page empty.
        if let Ok(listed) = api.list(&path).await {
            found.extend(listed.items.iter().map(Block::read));
        }
    }
    found
}

async fn home(ctx: Ctx) -> Answer {
    let mut homes = Vec::new();
    for (place, membership) in ctx.me.workspaces.iter().enumerate() {
        let busy = if place < LOOKED_INTO { busy(&ctx, &membership.identifier).await } else { Vec::new() };
        homes.push(Home { membership: membership.clone(), busy });
    }
    let me = ctx.api.get("/api/stoa/v1/me").await?;
    let endings = me["expiring"].as_array().into_iter().flatten().map(Ending::read).collect();
    ctx.page(&HomePage {
        shell: ctx.shell(tr("Home")),
        homes,
        endings,
        is_admin: !ctx.me.admin_roles.is_empty(),
        first_name: if ctx.me.first_name.is_empty() {
            ctx.me.username.clone()
        } else {
            ctx.me.first_name.clone()
        },
    })
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/home", get(home))
        .route("/register", get(register::begin).post(register::step))
        .route("/register/identifier", get(register::identifier))
}
