//! What happened in a project.

use super::Project;
use crate::ctx::{Answer, Ctx};
use crate::workspace::events;
use axum::extract::Path;

/// The list. Entries name the project by its full identifier.
pub async fn list(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let shell = project.shell(&ctx);
    events::page(&ctx, shell, Some(&format!("{}.{}", ctx.home(), project.name))).await
}
