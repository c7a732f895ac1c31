//! Name, payment and tags of a project.

use super::Project;
use super::new::methods;
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::parts::filters;
use crate::parts::tags::{self, TagField};
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};

const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("paymentMethodIdentifier", "payment"),
    ("substitutePaymentMethodIdentifier", "substitute"),
];

#[derive(Template)]
#[template(path = "project/settings.html")]
struct SettingsPage {
    shell: Shell,
    form: Form,
    action: String,
    methods: Vec<(String, String)>,
}

async fn general_page(ctx: &Ctx, project: &Project, form: Form, status: StatusCode) -> Answer {
    let none = (String::new(), tr("none").to_owned());
    let known = methods(ctx).await?.into_iter().map(|method| (method.id, method.label));
    let mut methods: Vec<(String, String)> = std::iter::once(none).chain(known).collect();
    // One that is over stays until another is chosen.
    for set in [&project.payment, &project.substitute] {
        if !methods.iter().any(|(id, _)| id == set) {
            methods.push((set.clone(), set.clone()));
        }
    }
    let action = project.at(ctx, "/settings");
    ctx.page_as(status, &SettingsPage { shell: project.shell(ctx), form, action, methods })
}

/// The form.
pub async fn general(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let form = Form::filled([
        ("displayName", project.display_name.clone()),
        ("payment", project.payment.clone()),
        ("substitute", project.substitute.clone()),
    ]);
    general_page(&ctx, &project, form, StatusCode::OK).await
}

/// A project with other members in its `spec`.
async fn put(ctx: &Ctx, project: &Project, changes: Value) -> Result<(), Problem> {
    let mut body = project.whole.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        body["spec"][name] = value.clone();
    }
    if let Some(spec) = body["spec"].as_object_mut() {
        spec.retain(|_, value| !value.is_null());
    }
    let id = format!("{}.{}", ctx.home(), project.name);
    let path = format!("/api/meshobjects/meshprojects/{}", crate::api::segment(&id));
    ctx.api.put(&path, &body).await.map(|_| ())
}

/// Saves it.
pub async fn save(Path((_, name)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let changes = json!({
        "displayName": fields.get("displayName"),
        "paymentMethodIdentifier": fields.some("payment"),
        "substitutePaymentMethodIdentifier": fields.some("substitute"),
    });
    match put(&ctx, &project, changes).await {
        Ok(()) => ctx.done(&project.at(&ctx, "/settings"), tr("The project was changed.")),
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            general_page(&ctx, &project, form, StatusCode::UNPROCESSABLE_ENTITY).await
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

async fn tags_page(ctx: &Ctx, project: &Project, form: Form, status: StatusCode) -> Answer {
    let tags = tags::fields(ctx, "meshProject", Some(&project.whole["spec"]["tags"]), &form).await?;
    let action = project.at(ctx, "/settings/tags");
    ctx.page_as(status, &TagsPage { shell: project.shell(ctx), form, action, tags })
}

/// The form of its tags.
pub async fn tags(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    tags_page(&ctx, &project, Form::default(), StatusCode::OK).await
}

/// Saves its tags.
pub async fn save_tags(Path((_, name)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let tags = tags::sent(&fields, Some(&project.whole["spec"]["tags"]));
    match put(&ctx, &project, json!({ "tags": tags })).await {
        Ok(()) => ctx.done(&project.at(&ctx, "/settings/tags"), tr("The tags were changed.")),
        Err(problem) => {
            let form = again(fields, problem, &[])?;
            tags_page(&ctx, &project, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}
