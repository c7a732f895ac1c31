//! What was done to make the platform match a tenant. The platform's side sees all of it; the team sees where it
//! stands.

use super::Shown;
use super::known::Tenant;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use serde_json::Value;

struct Run {
    block: String,
    block_uuid: String,
    result: String,
    reason: String,
    by: String,
    at: String,
    message: String,
}

impl Run {
    fn read(run: &Value) -> Self {
        Self {
            block: said(run, "/buildingBlock"),
            block_uuid: said(run, "/buildingBlockUuid"),
            result: said(run, "/result"),
            reason: said(run, "/reason"),
            by: said(run, "/author"),
            at: said(run, "/queuedOn"),
            message: said(run, "/message"),
        }
    }
}

#[derive(Template)]
#[template(path = "tenant/replication.html")]
struct ReplicationPage {
    shell: Shell,
    tenant: Tenant,
    tags: Vec<(String, String)>,
    /// None where whoever asks does not operate the platform.
    runs: Option<Vec<Run>>,
    here: String,
}

/// Where it stands, and the runs.
pub async fn show(ctx: Ctx, Path((_, project, uuid)): Path<(String, String, String)>) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let path = format!("/api/stoa/v1/tenants/{}/replications", segment(&uuid));
    let runs = ctx.api.get_if_there(&path).await?.map(|found| {
        found["replications"].as_array().into_iter().flatten().map(Run::read).collect::<Vec<_>>()
    });
    ctx.page(&ReplicationPage {
        shell: shown.shell(&ctx),
        tags: crate::parts::tags::shown(&shown.whole["status"]["tags"]),
        runs,
        here: shown.at(&ctx, "/replication"),
        tenant: shown.tenant,
    })
}

/// Makes the platform match again.
pub async fn start(
    Path((_, project, uuid)): Path<(String, String, String)>,
    Post { ctx, .. }: Post,
) -> Answer {
    let shown = Shown::find(&ctx, &project, &uuid).await?;
    let here = shown.at(&ctx, "/replication");
    let path = format!("/api/stoa/v1/tenants/{}/replications", segment(&uuid));
    match ctx.api.post(&path, &serde_json::json!({})).await {
        Ok(_) => ctx.done(&here, tr("Under way.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}
