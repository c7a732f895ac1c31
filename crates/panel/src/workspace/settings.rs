//! Name, platform builder and tags of a workspace.

use super::settings_shell;
use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::parts::filters;
use crate::parts::tags::{self, TagField};
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};

const FIELDS: &[(&str, &str)] = &[("displayName", "displayName")];

fn path(ctx: &Ctx) -> String {
    format!("/api/meshobjects/meshworkspaces/{}", segment(ctx.home()))
}

#[derive(Template)]
#[template(path = "workspace/settings.html")]
struct SettingsPage {
    shell: Shell,
    form: Form,
    created: String,
}

fn general_page(ctx: &Ctx, whole: &Value, form: Form, status: StatusCode) -> Answer {
    let shell = settings_shell(ctx).about(said(whole, "/spec/displayName"), ctx.home());
    ctx.page_as(status, &SettingsPage { shell, form, created: said(whole, "/metadata/createdOn") })
}

/// Members do not look after the workspace: the API lets them read what stands here, but they need no page for it.
fn for_team(ctx: &Ctx) -> Result<(), Problem> {
    let message = tr("Settings are for owners and managers of the workspace. They can change your role.");
    if ctx.is_team() { Ok(()) } else { Err(Problem::forbidden(message)) }
}

/// The form.
pub async fn general(ctx: Ctx) -> Answer {
    for_team(&ctx)?;
    let whole = ctx.api.get(&path(&ctx)).await?;
    let mut form = Form::filled([("displayName", said(&whole, "/spec/displayName"))]);
    if whole["spec"]["platformBuilderAccessEnabled"] == true {
        form.fields.set("builder", "on");
    }
    general_page(&ctx, &whole, form, StatusCode::OK)
}

/// Saves it.
pub async fn save(Post { ctx, fields }: Post) -> Answer {
    let mut whole = ctx.api.get(&path(&ctx)).await?;
    whole["spec"]["displayName"] = json!(fields.get("displayName"));
    whole["spec"]["platformBuilderAccessEnabled"] = json!(fields.is_on("builder"));
    match ctx.api.put(&path(&ctx), &whole).await {
        Ok(_) => {
            let here = format!("/w/{}/settings", segment(ctx.home()));
            ctx.done(&here, tr("The workspace was changed."))
        }
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            general_page(&ctx, &whole, form, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

#[derive(Template)]
#[template(path = "parts/tags_page.html")]
struct TagsPage {
    shell: Shell,
    form: Form,
    action: String,
    tags: Vec<TagField>,
}

async fn tags_page(ctx: &Ctx, whole: &Value, form: Form, status: StatusCode) -> Answer {
    let tags = tags::fields(ctx, "meshWorkspace", Some(&whole["metadata"]["tags"]), &form).await?;
    let shell = settings_shell(ctx).about(said(whole, "/spec/displayName"), ctx.home());
    let action = shell.at("/settings/tags");
    ctx.page_as(status, &TagsPage { shell, form, action, tags })
}

/// The form of its tags.
pub async fn tags(ctx: Ctx) -> Answer {
    for_team(&ctx)?;
    let whole: Result<Value, Problem> = ctx.api.get(&path(&ctx)).await;
    tags_page(&ctx, &whole?, Form::default(), StatusCode::OK).await
}

/// Saves its tags.
pub async fn save_tags(Post { ctx, fields }: Post) -> Answer {
    let mut whole = ctx.api.get(&path(&ctx)).await?;
    let before = whole["metadata"]["tags"].clone();
    whole["metadata"]["tags"] = tags::sent(&fields, Some(&before));
    match ctx.api.put(&path(&ctx), &whole).await {
        Ok(_) => {
            let here = format!("/w/{}/settings/tags", segment(ctx.home()));
            ctx.done(&here, tr("The tags were changed."))
        }
        Err(problem) => {
            whole["metadata"]["tags"] = before;
            let form = again(fields, problem, &[])?;
            tags_page(&ctx, &whole, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}
