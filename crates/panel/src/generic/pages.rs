//! The pages of a kind: list, object, history, source, form.

use super::bulk::{self, Offer};
use super::document::{Cell, Group, Past, groups, history_of};
use super::export;
use super::fields::{Field, Frame, fields, filled, said};
use super::kind::{Choice, Kind};
use super::schema;
use super::source::yaml;
use crate::Pages;
use crate::api::{Listed, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx, Post, again};
use crate::form::Form;
use crate::listing::Listing;
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};
use std::borrow::Borrow;
use std::sync::Arc;

struct Row {
    id: String,
    href: String,
    name: String,
    identifier: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "generic/list.html")]
struct ListPage {
    shell: Shell,
    kind: Arc<Kind>,
    listing: Listing,
    rows: Vec<Row>,
    may_create: bool,
    offer: Offer,
    /// The address of this list.
    here: String,
    /// The address of its file.
    file: String,
}

#[derive(Template)]
#[template(path = "generic/object.html")]
struct ObjectPage {
    shell: Shell,
    groups: Vec<Group>,
    actions: Actions,
}

/// What can be done with the object of a page.
struct Actions {
    edit: String,
    delete: String,
    /// What has to be typed first; empty for nothing.
    typed: String,
    consequence: &'static str,
}

#[derive(Template)]
#[template(path = "generic/history.html")]
struct HistoryPage {
    shell: Shell,
    past: Option<Vec<Past>>,
}

#[derive(Template)]
#[template(path = "generic/source.html")]
struct SourcePage {
    shell: Shell,
    yaml: String,
}

#[derive(Template)]
#[template(path = "generic/form.html")]
struct FormPage {
    shell: Shell,
    fields: Vec<Field>,
    form: Form,
    cancel: String,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "generic/fresh.html")]
struct FreshPage {
    shell: Shell,
    secret: String,
    identifier: String,
    next: String,
}

impl ListPage {
    fn is_chosen(&self, choice: &Choice, value: &str) -> bool {
        self.listing.value(choice.name) == value
    }
}

impl FormPage {
    /// Whether a group of fields begins with this one.
    fn begins(&self, place: impl Borrow<usize>) -> bool {
        let place = *place.borrow();
        let group = |place: usize| self.fields.get(place).map_or("", |field| &field.group);
        !group(place).is_empty() && (place == 0 || group(place - 1) != group(place))
    }
}

/// Refuses whoever may not read a kind before the API says so in its own words.
pub fn readable(ctx: &Ctx, kind: &Kind) -> Result<(), Problem> {
    if kind.codes[0].is_empty() || ctx.may(kind.codes[0]) {
        return Ok(());
    }
    Err(Problem::forbidden(fill(
        tr("This page needs the permission {0}. An organization admin can give it."),
        &[kind.codes[0]],
    )))
}

async fn list(ctx: Ctx, kind: Arc<Kind>) -> Answer {
    readable(&ctx, &kind)?;
    let filters: Vec<(&str, &str)> = kind.choices.iter().map(|choice| (choice.name, choice.name)).collect();
    let sort = ctx.query("sort").unwrap_or("name").to_owned();
    let path = with_query(&Listing::ask(&ctx, &kind.api(), &filters), [("sort", sort.as_str())]);
    let found: Listed = ctx.api.list(&path).await?;
    let rows = found.items.iter().map(|object| {
        let id = kind.id_of(object);
        Row {
            href: kind.page_of(&id),
            name: kind.name_of(object),
            identifier: text_at(object, kind.identifier).to_owned(),
            cells: kind.cells(object),
            id,
        }
    });
    let here = |path: &str| with_query(path, ctx.pairs.iter().map(|(name, value)| (name, value)));
    ctx.page(&ListPage {
        shell: ctx.shell(kind.title),
        rows: rows.collect(),
        listing: Listing::of(&ctx, &found),
        may_create: (kind.may_create || kind.name == "meshTagDefinition") && kind.is_writable(&ctx),
        offer: Offer::of(&ctx, &kind),
        here: here(kind.path),
        file: here(&format!("{}.csv", kind.path)),
        kind,
    })
}

/// The frame of an object's pages; areas add tabs of their own.
pub fn frame(ctx: &Ctx, kind: &Kind, id: &str, object: &Value) -> Shell {
    let name = kind.name_of(object);
    let page = kind.page_of(id);
    let state = ["/status/state", "/status/status", "/spec/state", "/status/lifecycle/state"];
    let state = state.into_iter().map(|pointer| text_at(object, pointer)).find(|state| !state.is_empty());
    let shell = ctx.shell(name.clone()).crumb(kind.title, kind.path).about(name, id);
    let shell = shell.marked(kind.icon, state.unwrap_or_default()).tab(tr("Overview"), page.clone());
    let shell = match kind.name {
        "meshWorkspace" => shell
            .tab(tr("Users and groups"), format!("{page}/people"))
            .tab(tr("Projects"), format!("{page}/projects"))
            .tab(tr("API keys"), format!("{page}/keys"))
            .tab(tr("Events"), format!("{page}/events")),
        "meshUser" => shell.tab(tr("Signing in"), format!("{page}/account")),
        "meshCommunication" => shell.tab(tr("Message"), format!("{page}/message")),
        _ => shell,
    };
    shell.tab(tr("History"), format!("{page}/history")).tab(tr("Source"), format!("{page}/source"))
}

async fn object(ctx: Ctx, kind: Arc<Kind>, id: String) -> Answer {
    readable(&ctx, &kind)?;
    let found = ctx.api.get(&kind.api_of(&id)).await?;
    let page = kind.page_of(&id);
    let is_gone = !text_at(&found, "/metadata/deletedOn").is_empty();
    let may = |is: bool, tail: &str| if is && !is_gone { format!("{page}{tail}") } else { String::new() };
    let actions = Actions {
        edit: may((kind.may_change || kind.name == "meshTagDefinition") && kind.is_writable(&ctx), "/edit"),
        delete: may(kind.is_deletable(&ctx), "/delete"),
        typed: if kind.is_weighty { id.clone() } else { String::new() },
        consequence: kind.consequence,
    };
    ctx.page(&ObjectPage { shell: frame(&ctx, &kind, &id, &found), groups: groups(&found), actions })
}

async fn history(ctx: Ctx, kind: Arc<Kind>, id: String) -> Answer {
    readable(&ctx, &kind)?;
    let found = ctx.api.get(&kind.api_of(&id)).await?;
    let past = history_of(&ctx.api, kind.name, &found, &id).await?;
    ctx.page(&HistoryPage { shell: frame(&ctx, &kind, &id, &found), past })
}

async fn source(ctx: Ctx, kind: Arc<Kind>, id: String) -> Answer {
    readable(&ctx, &kind)?;
    let found = ctx.api.get(&kind.api_of(&id)).await?;
    ctx.page(&SourcePage { shell: frame(&ctx, &kind, &id, &found), yaml: yaml(&found) })
}

/// Definitions of the tags that a kind has.
pub async fn tags_of(ctx: &Ctx, kind: &Kind) -> Result<Vec<Value>, Problem> {
    let found = ctx.api.list("/api/meshobjects/meshtagdefinitions?size=1000").await?;
    let target = if kind.name == "meshUser" { "meshPrincipal" } else { kind.name };
    let is_for = |tag: &Value| text_at(tag, "/spec/targetKind") == target;
    Ok(found.items.into_iter().filter(is_for).collect())
}

async fn fields_of(ctx: &Ctx, kind: &Kind, is_change: bool) -> Result<Vec<Field>, Problem> {
    let (whole, tags) = (schema::description(&ctx.api).await?, tags_of(ctx, kind).await?);
    let frame = Frame { whole: &whole, tags: &tags, is_change };
    Ok(fields(&frame, schema::request(&whole, &kind.api())))
}

fn form_page(ctx: &Ctx, kind: &Kind, fields: Vec<Field>, form: Form, id: Option<&str>) -> FormPage {
    let shell = ctx.shell(id.map_or(kind.new, |_| tr("Change"))).crumb(kind.title, kind.path);
    match id {
        Some(id) => {
            let page = kind.page_of(id);
            let shell = shell.crumb(id, page.clone()).about(id, "");
            FormPage { shell, fields, form, cancel: page, button: tr("Save") }
        }
        None => FormPage { shell, fields, form, cancel: kind.path.to_owned(), button: tr("Create") },
    }
}

async fn new(ctx: Ctx, kind: Arc<Kind>) -> Answer {
    readable(&ctx, &kind)?;
    let fields = fields_of(&ctx, &kind, false).await?;
    // What the address says is filled in: a link from a workspace names it.
    let given = ctx.pairs.iter().filter(|(name, _)| fields.iter().any(|field| field.path == *name)).cloned();
    let form = Form::filled(given);
    ctx.page(&form_page(&ctx, &kind, fields, form, None))
}

fn refused(
    ctx: &Ctx,
    kind: &Kind,
    fields: Vec<Field>,
    sent: crate::form::Fields,
    problem: Problem,
    id: Option<&str>,
) -> Answer {
    let names: Vec<(&str, &str)> =
        fields.iter().map(|field| (field.path.as_str(), field.path.as_str())).collect();
    let form = again(sent, problem, &names)?;
    ctx.page_as(StatusCode::UNPROCESSABLE_ENTITY, &form_page(ctx, kind, fields, form, id))
}

/// Where a secret stands that is told once.
const FRESH: [&str; 2] = ["/status/clientSecret", "/status/password"];

async fn create(Post { ctx, fields: sent }: Post, kind: Arc<Kind>) -> Answer {
    let fields = fields_of(&ctx, &kind, false).await?;
    let mut body = json!({ "kind": kind.name });
    let made = match said(&fields, &sent, &mut body) {
        Ok(()) => ctx.api.post(&kind.api(), &body).await,
        Err(problem) => Err(problem),
    };
    let made = match made {
        Ok(made) => made,
        Err(problem) => return refused(&ctx, &kind, fields, sent, problem, None),
    };
    let id = kind.id_of(&made);
    if let Some(secret) = FRESH.iter().map(|pointer| text_at(&made, pointer)).find(|text| !text.is_empty()) {
        let shell = ctx.shell(kind.name_of(&made)).crumb(kind.title, kind.path);
        let next = kind.page_of(&id);
        return ctx.page(&FreshPage { shell, secret: secret.to_owned(), identifier: id, next });
    }
    ctx.done(&kind.page_of(&id), fill(tr("{0} is there."), &[&kind.name_of(&made)]))
}

async fn edit(ctx: Ctx, kind: Arc<Kind>, id: String) -> Answer {
    readable(&ctx, &kind)?;
    let found = ctx.api.get(&kind.api_of(&id)).await?;
    let fields = fields_of(&ctx, &kind, true).await?;
    let form = filled(&fields, &found);
    ctx.page(&form_page(&ctx, &kind, fields, form, Some(&id)))
}

async fn change(Post { ctx, fields: mut sent }: Post, kind: Arc<Kind>, id: String) -> Answer {
    let mut body = ctx.api.get(&kind.api_of(&id)).await?;
    let fields = fields_of(&ctx, &kind, true).await?;
    let before = filled(&fields, &body);
    // What cannot be changed is not sent, but shown again.
    for field in fields.iter().filter(|field| field.is_fixed) {
        sent.set(&field.path, before.value(&field.path));
    }
    if let Value::Object(members) = &mut body {
        members.retain(|name, _| !matches!(name.as_str(), "_links" | "status"));
    }
    let done = match said(&fields, &sent, &mut body) {
        Ok(()) => ctx.api.put(&kind.api_of(&id), &body).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(done) => ctx.done(&kind.page_of(&id), fill(tr("{0} is saved."), &[&kind.name_of(&done)])),
        Err(problem) => refused(&ctx, &kind, fields, sent, problem, Some(&id)),
    }
}

async fn delete(Post { ctx, fields }: Post, kind: Arc<Kind>, id: String) -> Answer {
    let page = kind.page_of(&id);
    if kind.is_weighty && fields.get("typed") != id {
        return ctx.failed(&page, fill(tr("Nothing was deleted: type {0} to confirm."), &[&id]));
    }
    match ctx.api.delete(&kind.api_of(&id)).await {
        Ok(_) => ctx.done(kind.path, fill(tr("{0} is deleted."), &[&id])),
        Err(problem) if problem.is_about_input() => ctx.failed(&page, problem.message),
        Err(problem) => Err(problem),
    }
}

/// The routes of a kind's pages.
pub fn of(kind: Kind) -> Pages {
    let kind = Arc::new(kind);
    let path = kind.path;
    // Each route keeps the kind that it is about.
    let [listed, shown, past, raw, leaving, blank, made, changed, again, several, whole] =
        std::array::from_fn(|_| Arc::clone(&kind));
    let mut pages = Pages::new()
        .route(path, get(move |ctx: Ctx| list(ctx, listed)))
        .route(&kind.bulk(), post(move |form: Post| bulk::act(form, several)))
        .route(&format!("{path}.csv"), get(move |ctx: Ctx| export::file(ctx, whole)))
        .route(&format!("{path}/{{id}}"), get(move |ctx: Ctx, Path(id): Path<String>| object(ctx, shown, id)))
        .route(
            &format!("{path}/{{id}}/history"),
            get(move |ctx: Ctx, Path(id): Path<String>| history(ctx, past, id)),
        )
        .route(
            &format!("{path}/{{id}}/source"),
            get(move |ctx: Ctx, Path(id): Path<String>| source(ctx, raw, id)),
        )
        .route(
            &format!("{path}/{{id}}/delete"),
            post(move |Path(id): Path<String>, form: Post| delete(form, leaving, id)),
        );
    if kind.may_create {
        pages = pages.route(
            &format!("{path}/new"),
            get(move |ctx: Ctx| new(ctx, blank)).post(move |form: Post| create(form, made)),
        );
    }
    if kind.may_change {
        pages = pages.route(
            &format!("{path}/{{id}}/edit"),
            get(move |ctx: Ctx, Path(id): Path<String>| edit(ctx, changed, id))
                .post(move |Path(id): Path<String>, form: Post| change(form, again, id)),
        );
    }
    pages
}

/// An address with the workspace filled in.
pub fn new_in(path: &str, workspace: &str) -> String {
    format!("{path}/new?metadata.ownedByWorkspace={}", segment(workspace))
}
