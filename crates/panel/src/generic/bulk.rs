//! Doing something to several objects of a list at once: first what it will be, then what became of each (panel.md
//! UX-31).

use super::kind::Kind;
use super::pages::tags_of;
use crate::api::text_at;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Fields;
use crate::parts::filters;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{fill, tr};
use askama::Template;
use serde_json::{Value, json};
use std::sync::Arc;

/// A tag that several objects can be given at once.
#[derive(Clone, Debug)]
pub struct Tag {
    key: String,
    label: String,
    /// What may be chosen; none for whatever somebody writes.
    options: Vec<String>,
}

impl Tag {
    fn read(definition: &Value) -> Self {
        let spec = &definition["spec"];
        let kinds = ["singleSelect", "multiSelect"].map(|kind| spec["valueType"][kind]["options"].as_array());
        let options = kinds.into_iter().flatten().flatten().filter_map(Value::as_str);
        let key = text_at(definition, "/spec/key").to_owned();
        let label = match text_at(definition, "/spec/displayName") {
            "" => key.clone(),
            label => label.to_owned(),
        };
        Self { key, label, options: options.map(str::to_owned).collect() }
    }
}

/// What can be done with objects that somebody ticks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer {
    /// Whether they can be deleted.
    pub delete: bool,
    /// Whether they can be given a tag.
    pub tag: bool,
}

impl Offer {
    /// What whoever asks can do to objects of a kind.
    pub fn of(ctx: &Ctx, kind: &Kind) -> Self {
        Self { delete: kind.is_deletable(ctx), tag: kind.is_taggable && kind.is_writable(ctx) }
    }

    /// Whether there is anything.
    pub fn is_some(self) -> bool {
        self.delete || self.tag
    }
}

struct Item {
    id: String,
    name: String,
    page: String,
    /// What the API said: nothing yet, done, or why not.
    outcome: Option<Result<(), String>>,
}

impl Item {
    fn is_done(&self) -> bool {
        matches!(self.outcome, Some(Ok(())))
    }

    fn refusal(&self) -> Option<&str> {
        self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err()).map(String::as_str)
    }
}

#[derive(Template)]
#[template(path = "generic/bulk.html")]
struct BulkPage {
    shell: Shell,
    kind: Arc<Kind>,
    items: Vec<Item>,
    is_deletion: bool,
    is_over: bool,
    tags: Vec<Tag>,
    chosen: String,
    value: String,
    from: String,
    message: Option<String>,
}

/// The list that the form came from.
fn back(kind: &Kind, fields: &Fields) -> String {
    let from = fields.get("from");
    let rest = from.strip_prefix(kind.path);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?')) {
        from.to_owned()
    } else {
        kind.path.to_owned()
    }
}

async fn tag(ctx: &Ctx, kind: &Kind, id: &str, (key, values): (&str, &[String])) -> Result<(), Problem> {
    let mut body = ctx.api.get(&kind.api_of(id)).await?;
    // Kinds keep their tags in one of two places.
    let part = if body["metadata"]["tags"].is_object() { "metadata" } else { "spec" };
    if values.is_empty() {
        if let Some(tags) = body[part]["tags"].as_object_mut() {
            tags.remove(key);
        }
    } else {
        body[part]["tags"][key] = json!(values);
    }
    if let Value::Object(members) = &mut body {
        members.retain(|name, _| !matches!(name.as_str(), "_links" | "status"));
    }
    ctx.api.put(&kind.api_of(id), &body).await.map(|_| ())
}

/// Shows what is to be done, or does it.
pub async fn act(Post { ctx, fields }: Post, kind: Arc<Kind>) -> Answer {
    let (from, offer) = (back(&kind, &fields), Offer::of(&ctx, &kind));
    let is_deletion = fields.get("do") == "delete";
    if !(if is_deletion { offer.delete } else { offer.tag }) {
        return Err(Problem::forbidden(tr("Your roles do not allow this.")));
    }
    let mut items = Vec::new();
    for id in fields.all("id") {
        let found = ctx.api.get_if_there(&kind.api_of(id)).await?;
        let name = found.map_or_else(|| id.to_owned(), |found| kind.name_of(&found));
        items.push(Item { id: id.to_owned(), page: kind.page_of(id), name, outcome: None });
    }
    if items.is_empty() {
        return ctx.failed(&from, tr("Tick something first."));
    }
    let tags: Vec<Tag> =
        if is_deletion { Vec::new() } else { tags_of(&ctx, &kind).await?.iter().map(Tag::read).collect() };
    let mut page = BulkPage {
        shell: ctx
            .shell(if is_deletion { tr("Delete several") } else { tr("Tag several") })
            .crumb(kind.title, from.clone()),
        is_deletion,
        is_over: false,
        chosen: fields.get("tag").to_owned(),
        value: fields.get("value").to_owned(),
        message: None,
        kind,
        items,
        tags,
        from,
    };
    if !fields.is_on("sure") {
        return ctx.page(&page);
    }
    let count = page.items.len().to_string();
    if is_deletion && page.kind.is_weighty && fields.get("typed") != count {
        page.message = Some(fill(tr("Nothing was deleted: type {0} to confirm."), &[&count]));
        return ctx.page_as(http::StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    if !is_deletion && !page.tags.iter().any(|tag| tag.key == page.chosen) {
        page.message = Some(tr("Choose a tag.").to_owned());
        return ctx.page_as(http::StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let values: Vec<String> =
        page.value.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
    for item in &mut page.items {
        let outcome = if is_deletion {
            ctx.api.delete(&page.kind.api_of(&item.id)).await.map(|_| ())
        } else {
            tag(&ctx, &page.kind, &item.id, (page.chosen.as_str(), values.as_slice())).await
        };
        item.outcome = Some(outcome.map_err(|problem| problem.message));
    }
    if page.items.iter().all(Item::is_done) {
        let said = if is_deletion { tr("{0} deleted.") } else { tr("{0} tagged.") };
        return ctx.done(&page.from, fill(said, &[&count]));
    }
    page.is_over = true;
    ctx.page(&page)
}
