//! One role of somebody in a workspace: another one, another last day, or none.

use super::access::roles;
use super::team::{self, Member};
use crate::api::{said, segment};
use crate::binding::exchange;
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::json;

#[derive(Template)]
#[template(path = "workspace/binding.html")]
struct BindingPage {
    shell: Shell,
    form: Form,
    row: Member,
    roles: Vec<(String, String)>,
    here: String,
}

/// A role as the list of the team tells it.
async fn find(ctx: &Ctx, kind: &str, binding: &str) -> Result<Member, Problem> {
    let found = ctx.api.get(&format!("{}/{}", team::bindings(kind, false), segment(binding))).await?;
    let name = said(&found, "/subject/name");
    let path = format!("{}?size=200&q={}", team::path_of(ctx, None), segment(&name));
    let listed = team::members(&ctx.api.list(&path).await?);
    listed
        .into_iter()
        .find(|member| member.binding == binding)
        .ok_or_else(|| Problem::not_found(tr("This role is not there any more.")))
}

fn page(ctx: &Ctx, row: Member, form: Form, status: StatusCode) -> Answer {
    let mut roles = roles(ctx);
    if !roles.iter().any(|(id, _)| *id == row.role) {
        roles.push((row.role.clone(), row.role_word().to_owned()));
    }
    let shell = ctx.shell(row.label.clone());
    let list = shell.at("/access");
    let here = format!("{list}/{}/{}", row.kind(), segment(&row.binding));
    ctx.page_as(status, &BindingPage { shell: shell.crumb(tr("Access"), list), form, row, roles, here })
}

/// The form.
pub async fn show(ctx: Ctx, Path((_, kind, binding)): Path<(String, String, String)>) -> Answer {
    let row = find(&ctx, &kind, &binding).await?;
    let form = Form::filled([("role", row.role.clone()), ("expiryDate", row.expires.clone())]);
    page(&ctx, row, form, StatusCode::OK)
}

/// Another last day; none means for ever.
pub async fn extend(ctx: &Ctx, binding: &str, day: Option<&str>) -> Result<(), Problem> {
    let path = format!("{}/{}/expiry", team::path_of(ctx, None), segment(binding));
    ctx.api.put(&path, &json!({ "expiryDate": day })).await.map(|_| ())
}

/// Saves it.
pub async fn change(
    Path((_, kind, binding)): Path<(String, String, String)>,
    Post { ctx, fields }: Post,
) -> Answer {
    let row = find(&ctx, &kind, &binding).await?;
    let (role, day) = (fields.get("role"), fields.some("expiryDate"));
    let result = if role != row.role {
        exchange(&ctx.api, &team::bindings(row.kind(), false), &row.binding, role, day).await
    } else if day.unwrap_or_default() != row.expires {
        extend(&ctx, &row.binding, day).await
    } else {
        Ok(())
    };
    match result {
        Ok(()) => {
            let list = format!("/w/{}/access", segment(ctx.home()));
            ctx.done(&list, fill(tr("The role of {0} was changed."), &[&row.label]))
        }
        Err(problem) => {
            let form = again(fields, problem, &[("roleRef.name", "role"), ("expiryDate", "expiryDate")])?;
            page(&ctx, row, form, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// Takes it away.
pub async fn remove(
    Path((_, kind, binding)): Path<(String, String, String)>,
    Post { ctx, .. }: Post,
) -> Answer {
    let list = format!("/w/{}/access", segment(ctx.home()));
    let here = format!("{list}/{}/{}", segment(&kind), segment(&binding));
    match ctx.api.delete(&format!("{}/{}", team::bindings(&kind, false), segment(&binding))).await {
        Ok(_) => ctx.done(&list, tr("The role was taken away.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}
