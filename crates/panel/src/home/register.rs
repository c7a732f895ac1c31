//! A workspace of one's own, step by step (panel.md §9.1): name, tags, people, review.

use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::parts::filters;
use crate::parts::tags::{self, TagField};
use crate::parts::wizard::{self, Go, Wizard};
use crate::problem::Problem;
use crate::project::{IdentifierPart, suggested};
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use http::StatusCode;
use serde_json::json;

const FIELDS: &[(&str, &str)] =
    &[("displayName", "displayName"), ("metadata.name", "name"), ("name", "name")];
const NAME: usize = 0;
const TAGS: usize = 1;
const PEOPLE: usize = 2;
const STEPS: usize = 4;
const OWN: [&[&str]; STEPS] =
    [&["displayName", "name"], &["tags.key", "tag."], &["managers", "members"], &[]];

fn labels() -> [&'static str; STEPS] {
    [tr("Name"), tr("Tags"), tr("People"), tr("Review")]
}

#[derive(Template)]
#[template(path = "home/register.html")]
struct RegisterPage {
    shell: Shell,
    wizard: Wizard,
    form: Form,
    tags: Vec<TagField>,
    me: String,
    most: usize,
}

async fn page(ctx: &Ctx, step: usize, form: Form, status: StatusCode) -> Answer {
    let ends = ("/register".to_owned(), "/home".to_owned(), tr("Create workspace"));
    ctx.page_as(
        status,
        &RegisterPage {
            shell: ctx.shell(tr("Create workspace")).crumb(tr("Home"), "/home"),
            wizard: Wizard::new(&labels(), step, &form.fields, OWN[step], ends),
            tags: tags::fields(ctx, "meshWorkspace", None, &form).await?,
            me: ctx.me.full_name(),
            most: ctx.panel.app.world.settings.workspace_identifier_max,
            form,
        },
    )
}

/// The first step.
pub async fn begin(ctx: Ctx) -> Answer {
    page(&ctx, NAME, Form::default(), StatusCode::OK).await
}

async fn check(ctx: &Ctx, name: &str) -> Result<IdentifierPart, Problem> {
    let path = format!("/api/stoa/v1/workspaces/identifier-check?identifier={}", segment(name));
    let told = ctx.api.get(&path).await?;
    let text = |member: &str| Some(said(&told, member)).filter(|text| !text.is_empty());
    Ok(IdentifierPart { name: name.to_owned(), problem: text("/problem"), suggestion: text("/suggestion") })
}

/// Says under the field whether an identifier can be had.
pub async fn identifier(ctx: Ctx) -> Answer {
    let name = ctx.query("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        return ctx.page(&IdentifierPart { name, problem: None, suggestion: None });
    }
    ctx.page(&check(&ctx, &name).await?)
}

async fn problem(ctx: &Ctx, step: usize, fields: &Fields) -> Result<Option<Problem>, Problem> {
    Ok(match step {
        NAME if fields.get("displayName").is_empty() => {
            Some(Problem::invalid("displayName", tr("Give it a name.")))
        }
        NAME => {
            let told = check(ctx, fields.get("name")).await?;
            told.problem.map(|problem| {
                let said = match told.suggestion {
                    Some(other) => fill(tr("This identifier {0}; {1} is free."), &[&problem, &other]),
                    None => fill(tr("This identifier {0}."), &[&problem]),
                };
                Problem::invalid("metadata.name", said)
            })
        }
        TAGS => {
            let form = Form { fields: fields.clone(), ..Form::default() };
            tags::missing(&tags::fields(ctx, "meshWorkspace", None, &form).await?)
        }
        _ => None,
    })
}

/// A step that was sent.
pub async fn step(Post { ctx, mut fields }: Post) -> Answer {
    let (shown, go) = wizard::asked(&fields, STEPS);
    if fields.get("name").is_empty() {
        let most = ctx.panel.app.world.settings.workspace_identifier_max;
        let made = suggested(fields.get("displayName"), most);
        fields.set("name", made);
    }
    if let Go::To(to) = go
        && to <= shown
    {
        return page(&ctx, to, Form { fields, ..Form::default() }, StatusCode::OK).await;
    }
    for step in if go == Go::Finish { NAME..=PEOPLE } else { shown..=shown } {
        if let Some(problem) = problem(&ctx, step, &fields).await? {
            let form = Form::refused(fields, problem, FIELDS);
            return page(&ctx, step, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    }
    match go {
        Go::To(to) => page(&ctx, to, Form { fields, ..Form::default() }, StatusCode::OK).await,
        Go::Finish => create(ctx, fields).await,
    }
}

/// Usernames in a field, one a line or between commas.
fn names(text: &str) -> Vec<&str> {
    text.split(['\n', ',', ';']).map(str::trim).filter(|name| !name.is_empty()).collect()
}

async fn create(ctx: Ctx, fields: Fields) -> Answer {
    let name = fields.get("name").to_owned();
    let body = json!({
        "name": name,
        "displayName": fields.get("displayName"),
        "tags": tags::sent(&fields, None),
    });
    if let Err(problem) = ctx.api.post("/api/stoa/v1/workspaces", &body).await {
        let of_tags = problem.remarks.iter().any(|remark| remark.contains("tags."));
        let form = again(fields, problem, FIELDS)?;
        let step = if of_tags { TAGS } else { NAME };
        return page(&ctx, step, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let target = format!("/w/{}", segment(&name));
    let api = ctx.api.acting_in(Some(&name));
    let mut refused = Vec::new();
    for (field, role) in [("managers", "Workspace Manager"), ("members", "Workspace Member")] {
        for person in names(fields.raw(field)) {
            let binding = json!({
                "roleRef": { "name": role }, "targetRef": { "name": name }, "subject": { "name": person },
            });
            let path = "/api/meshobjects/meshworkspacebindings/userbindings";
            if let Err(problem) = api.post(path, &binding).await {
                refused.push(problem.message);
            }
        }
    }
    if !refused.is_empty() {
        let said = tr("The workspace is there, but somebody could not be added: {0}");
        return ctx.failed(&target, fill(said, &[&refused.join(" ")]));
    }
    ctx.done(&target, fill(tr("The workspace {0} is there."), &[fields.get("displayName")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_one_a_line_or_between_commas() {
        assert_eq!(names("ada\r\n lea, kim;"), ["ada", "lea", "kim"]);
        assert!(names(" \n ,").is_empty());
    }
}
