//! API keys of a workspace: credentials for machines. A secret is shown once, in the answer that made it.

use crate::api::{said, segment};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};
use stoa_core::permission::{CATALOGUE, Resource};

const FIELDS: &[(&str, &str)] =
    &[("displayName", "displayName"), ("expiresAt", "expiresAt"), ("permissions", "permission")];

/// A key.
struct Key {
    uuid: String,
    name: String,
    codes: Vec<String>,
    expires: String,
}

impl Key {
    fn read(key: &Value) -> Self {
        let codes = key["spec"]["permissions"].as_array().into_iter().flatten();
        Self {
            uuid: said(key, "/metadata/uuid"),
            name: said(key, "/spec/displayName"),
            codes: codes.filter_map(|code| code.as_str().map(str::to_owned)).collect(),
            expires: said(key, "/spec/expiresAt"),
        }
    }

    async fn find(ctx: &Ctx, uuid: &str) -> Result<Self, Problem> {
        Ok(Self::read(&ctx.api.get(&format!("/api/meshobjects/meshapikeys/{}", segment(uuid))).await?))
    }

    fn admin_codes(&self) -> usize {
        self.codes.iter().filter(|code| code.starts_with("ADM_")).count()
    }

    fn state(&self) -> &'static str {
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        if !self.expires.is_empty() && self.expires < today { "EXPIRED" } else { "ACTIVE" }
    }
}

#[derive(Template)]
#[template(path = "workspace/keys.html")]
struct KeysPage {
    shell: Shell,
    listing: Listing,
    rows: Vec<Key>,
    may_create: bool,
    most: usize,
}

/// The list.
pub async fn list(ctx: Ctx) -> Answer {
    let path = format!("/api/meshobjects/meshapikeys?workspaceIdentifier={}", segment(ctx.home()));
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &[])).await?;
    ctx.page(&KeysPage {
        shell: ctx.shell(tr("API keys")),
        listing: Listing::of(&ctx, &found),
        rows: found.items.iter().map(Key::read).collect(),
        may_create: ctx.may("APIKEY_SAVE"),
        most: ctx.panel.app.world.settings.api_keys_per_workspace,
    })
}

/// Codes about one thing.
struct Group {
    label: &'static str,
    codes: Vec<&'static str>,
}

fn label(resource: Resource) -> &'static str {
    match resource {
        Resource::ApiKey => tr("API keys"),
        Resource::BuildingBlock => tr("Building blocks"),
        Resource::Definition => tr("Definitions of building blocks"),
        Resource::Run => tr("Runs of building blocks"),
        Resource::Runner => tr("Runners"),
        Resource::CommunicationDefinition => tr("Definitions of communications"),
        Resource::Communication => tr("Communications"),
        Resource::EventLog => tr("Event log"),
        Resource::Integration => tr("Integrations"),
        Resource::LandingZone => tr("Landing zones"),
        Resource::PaymentMethod => tr("Payment methods"),
        Resource::Platform => tr("Platforms"),
        Resource::ProjectBinding => tr("Roles in projects"),
        Resource::ProjectRole => tr("Project roles"),
        Resource::Project => tr("Projects"),
        Resource::ServiceInstance => tr("Service instances"),
        Resource::TagDefinition => tr("Definitions of tags"),
        Resource::Tenant => tr("Tenants"),
        Resource::State => tr("OpenTofu states"),
        Resource::User => tr("Users"),
        Resource::WorkspaceBinding => tr("Roles in the workspace"),
        Resource::WorkspaceGroup => tr("Groups"),
        Resource::Workspace => tr("Workspace"),
    }
}

/// What whoever asks may give away, by thing.
fn groups(ctx: &Ctx) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in CATALOGUE {
        for code in [row.workspace, row.managed, row.admin].into_iter().flatten() {
            if !ctx.may(code) {
                continue;
            }
            let label = label(row.resource);
            match groups.iter_mut().find(|group| group.label == label) {
                Some(group) => group.codes.push(code),
                None => groups.push(Group { label, codes: vec![code] }),
            }
        }
    }
    groups
}

/// What a code allows, in a word.
fn word(code: &str) -> &'static str {
    let is_managed = code.starts_with("MANAGED_");
    match code.rsplit('_').next() {
        Some("LIST") if is_managed => tr("Read those of customers"),
        Some("LIST") => tr("Read"),
        Some("SAVE") if is_managed => tr("Write those of customers"),
        Some("SAVE") => tr("Write"),
        Some("DELETE") if is_managed => tr("Delete those of customers"),
        Some("DELETE") => tr("Delete"),
        Some("IMPORT") => tr("Adopt existing ones"),
        _ => tr("Other"),
    }
}

#[derive(Template)]
#[template(path = "workspace/key.html")]
struct KeyPage {
    shell: Shell,
    form: Form,
    groups: Vec<Group>,
    key: Option<Key>,
    /// Codes of the key that whoever asks cannot give.
    foreign: Vec<String>,
    action: String,
    may_change: bool,
    may_revoke: bool,
}

fn key_page(ctx: &Ctx, key: Option<Key>, form: Form, status: StatusCode) -> Answer {
    let list = format!("/w/{}/access/keys", segment(ctx.home()));
    let title = key.as_ref().map_or_else(|| tr("New API key").to_owned(), |key| key.name.clone());
    let action = key.as_ref().map_or_else(|| list.clone(), |key| format!("{list}/{}", key.uuid));
    let mut shell = ctx.shell(title.clone()).crumb(tr("API keys"), list);
    if let Some(key) = &key {
        shell = shell.about(title, key.uuid.clone()).marked("key", key.state());
    }
    let codes = key.as_ref().map(|key| key.codes.clone()).unwrap_or_default();
    ctx.page_as(
        status,
        &KeyPage {
            shell,
            form,
            groups: groups(ctx),
            foreign: codes.into_iter().filter(|code| !ctx.may(code)).collect(),
            action,
            may_change: ctx.may("APIKEY_SAVE"),
            may_revoke: key.is_some() && ctx.may("APIKEY_DELETE"),
            key,
        },
    )
}

/// The form for a new one.
pub async fn new(ctx: Ctx) -> Answer {
    key_page(&ctx, None, Form::default(), StatusCode::OK)
}

/// The form for one that is there.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let key = Key::find(&ctx, &uuid).await?;
    let values =
        [("displayName".to_owned(), key.name.clone()), ("expiresAt".to_owned(), key.expires.clone())];
    let codes = key.codes.iter().map(|code| ("permission".to_owned(), code.clone()));
    let form = Form::filled(values.into_iter().chain(codes));
    key_page(&ctx, Some(key), form, StatusCode::OK)
}

#[derive(Template)]
#[template(path = "workspace/key_secret.html")]
struct SecretPage {
    shell: Shell,
    client: String,
    secret: String,
    url: String,
}

impl SecretPage {
    /// A call that signs in.
    fn example(&self) -> String {
        format!(
            "curl {}/api/login -H 'content-type: application/json' \\\n  -d '{{\"clientId\": \"{}\", \"clientSecret\": \"…\"}}'",
            self.url, self.client
        )
    }
}

/// A secret, shown this once. The page is the answer to the form: it is kept nowhere, and reloading asks again.
fn secret_page(ctx: &Ctx, made: &Value) -> Answer {
    let list = format!("/w/{}/access/keys", segment(ctx.home()));
    ctx.page(&SecretPage {
        shell: ctx.shell(said(made, "/spec/displayName")).crumb(tr("API keys"), list),
        client: said(made, "/status/clientId"),
        secret: said(made, "/status/clientSecret"),
        url: ctx.panel.app.world.settings.public_url.clone(),
    })
}

fn body(ctx: &Ctx, fields: &Fields, kept: &[String]) -> Value {
    let mut codes: Vec<&str> = fields.all("permission");
    codes.extend(kept.iter().map(String::as_str));
    let mut body = json!({
        "metadata": { "ownedByWorkspace": ctx.home() },
        "spec": { "displayName": fields.get("displayName"), "permissions": codes },
    });
    if let Some(day) = fields.some("expiresAt") {
        body["spec"]["expiresAt"] = json!(day);
    }
    body
}

/// Makes one.
pub async fn create(Post { ctx, fields }: Post) -> Answer {
    match ctx.api.post("/api/meshobjects/meshapikeys", &body(&ctx, &fields, &[])).await {
        Ok(made) => secret_page(&ctx, &made),
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            key_page(&ctx, None, form, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

async fn put(ctx: &Ctx, key: &Key, fields: &Fields) -> Result<Value, Problem> {
    let kept: Vec<String> = key.codes.iter().filter(|code| !ctx.may(code)).cloned().collect();
    let path = format!("/api/meshobjects/meshapikeys/{}", segment(&key.uuid));
    ctx.api.put(&path, &body(ctx, fields, &kept)).await
}

/// Changes one. Another last day gives it another secret.
pub async fn change(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let key = Key::find(&ctx, &uuid).await?;
    match put(&ctx, &key, &fields).await {
        Ok(made) if made["status"]["clientSecret"].is_string() => secret_page(&ctx, &made),
        Ok(_) => {
            let list = format!("/w/{}/access/keys", segment(ctx.home()));
            ctx.done(&list, fill(tr("The key {0} was changed."), &[fields.get("displayName")]))
        }
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            key_page(&ctx, Some(key), form, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// Gives one another secret, by the last day that the form asks for: the API makes a new secret with a new last day.
pub async fn rotate(Path((_, uuid)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let key = Key::find(&ctx, &uuid).await?;
    let here = format!("/w/{}/access/keys/{}", segment(ctx.home()), segment(&uuid));
    let day = fields.get("expiresAt").to_owned();
    if day == key.expires {
        return ctx.failed(&here, tr("Choose another last day: a new secret comes with it."));
    }
    let mut whole = Fields(vec![("displayName".into(), key.name.clone()), ("expiresAt".into(), day)]);
    whole.0.extend(key.codes.iter().map(|code| ("permission".to_owned(), code.clone())));
    match put(&ctx, &key, &whole).await {
        Ok(made) => secret_page(&ctx, &made),
        Err(problem) if problem.is_about_input() => ctx.failed(&here, problem.message),
        Err(problem) => Err(problem),
    }
}

/// Ends one.
pub async fn revoke(Path((_, uuid)): Path<(String, String)>, Post { ctx, .. }: Post) -> Answer {
    ctx.api.delete(&format!("/api/meshobjects/meshapikeys/{}", segment(&uuid))).await?;
    let list = format!("/w/{}/access/keys", segment(ctx.home()));
    ctx.done(&list, tr("The key was revoked: nobody signs in with it any more."))
}
