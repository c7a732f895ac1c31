//! The settings in force; they are set where the server is started.

use crate::Pages;
use crate::ctx::{Answer, Ctx};
use crate::generic::{Group, groups};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::routing::get;

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage {
    shell: Shell,
    groups: Vec<Group>,
}

async fn settings(ctx: Ctx) -> Answer {
    let found = ctx.api.get("/api/stoa/v1/settings").await?;
    ctx.page(&SettingsPage { shell: ctx.shell(tr("Settings")), groups: groups(&found) })
}

/// The page.
pub fn pages() -> Pages {
    Pages::new().route("/admin/settings", get(settings))
}
