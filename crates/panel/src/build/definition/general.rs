//! What a definition says of itself: the tabs General, Tags and Danger zone, and a new one.

use super::super::view::{Button, Field, Go, Kind, Note, Page, Sheet};
use super::super::{Named, Place, again, or_null, print, tags, text, texts, unchanged, words};
use super::{Editor, PATH};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Value, json};

const KIND: &str = "meshBuildingBlockDefinition";
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("description", "description"),
    ("readme", "readme"),
    ("supportedPlatforms", "platforms"),
    ("targetType", "targetType"),
    ("supportUrl", "supportUrl"),
    ("documentationUrl", "documentationUrl"),
    ("notificationSubscriberUsernames", "subscribers"),
    ("symbol", "symbol"),
    ("ownedByWorkspace", "workspace"),
];

async fn platform_types(ctx: &Ctx) -> Vec<(String, String)> {
    let path = "/api/meshobjects/meshplatformtypes?lifecycleStatus=ACTIVE&size=1000";
    let found = ctx.api.list(path).await.map(|listed| listed.items).unwrap_or_default();
    found.iter().map(|kind| (text(&kind["metadata"]["name"]), text(&kind["spec"]["displayName"]))).collect()
}

fn fields(platforms: Vec<(String, String)>, is_new: bool) -> Vec<Field> {
    let mut fields = vec![
        Field::text("displayName", tr("Name")).required(),
        Field::text("description", tr("Description"))
            .required()
            .help(tr("One or two sentences; they stand on the card in the marketplace.")),
    ];
    if is_new {
        fields.push(
            Field::new(Kind::Choice, "targetType", tr("Level"))
                .required()
                .help(tr("What its blocks belong to. This never changes."))
                .options([("WORKSPACE_LEVEL", tr("Workspace")), ("TENANT_LEVEL", tr("Tenant"))]),
        );
    }
    fields.push(
        Field::new(Kind::Several, "platforms", tr("Platforms"))
            .help(tr("For tenants: the platform types it works on. For workspaces: none."))
            .options(platforms),
    );
    fields
}

fn more_fields() -> Vec<Field> {
    vec![
        Field::new(Kind::Lines(8), "readme", tr("Readme"))
            .help(tr("Markdown. What it is, what it costs, what comes out, whom to ask.")),
        Field::text("symbol", tr("Icon"))
            .help(tr("An address of an image, or a data URI. Empty is a plain square.")),
        Field::text("supportUrl", tr("Support"))
            .help(tr("Where help is: an address that begins with https:// or mailto:.")),
        Field::text("documentationUrl", tr("Documentation")),
        Field::new(Kind::Lines(2), "subscribers", tr("Who is told of failed runs"))
            .help(tr("One a line: user:<username> or email:<address>.")),
        Field::new(Kind::Switch, "runTransparency", tr("Customers see runs"))
            .help(tr("They read the log of the system and may run it again.")),
        Field::new(Kind::Switch, "useInLandingZonesOnly", tr("In landing zones only"))
            .help(tr("Nobody orders it by itself; it comes with tenants.")),
    ]
}

fn spec_of(fields: &Fields, target: &str, old: Option<&Value>) -> Value {
    let platforms: Vec<Value> =
        fields.all("platforms").into_iter().map(|name| json!({ "name": name })).collect();
    let mut spec = old.cloned().unwrap_or_else(|| json!({}));
    spec["displayName"] = json!(fields.get("displayName"));
    spec["description"] = json!(fields.get("description"));
    spec["targetType"] = json!(target);
    spec["supportedPlatforms"] = if platforms.is_empty() { Value::Null } else { json!(platforms) };
    if fields.0.iter().any(|(name, _)| name == "readme") {
        spec["readme"] = or_null(fields.raw("readme"));
        spec["symbol"] = json!(fields.get("symbol"));
        spec["supportUrl"] = or_null(fields.get("supportUrl"));
        spec["documentationUrl"] = or_null(fields.get("documentationUrl"));
        spec["notificationSubscriberUsernames"] = json!(words(fields.get("subscribers")));
        spec["runTransparency"] = json!(fields.is_on("runTransparency"));
        spec["useInLandingZonesOnly"] = json!(fields.is_on("useInLandingZonesOnly"));
    }
    spec
}

async fn new_page(ctx: &Ctx, form: Form) -> Result<Page, Problem> {
    let place = Place::of(ctx)?;
    let shell = place.shell(ctx, tr("New definition"), (tr("Definitions"), "/definitions"));
    let mut sheet = Sheet::new(&shell, place.at("/definitions"), form)
        .fields(fields(platform_types(ctx).await, true))
        .submit(Button::primary(tr("Create definition"), "create"))
        .cancel(place.at("/definitions"));
    if place.is_admin() {
        sheet = sheet.field(
            Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
        );
    }
    let defined = tags::defined(ctx, KIND).await;
    let mandatory: Vec<Value> =
        defined.into_iter().filter(|definition| definition["spec"]["mandatory"] == json!(true)).collect();
    Ok(Page::new(shell).with(sheet.fields(tags::fields(&mandatory))))
}

/// The form of a new definition.
pub async fn new(ctx: Ctx) -> Answer {
    new_page(&ctx, Form::default()).await?.shown(&ctx)
}

/// Makes one.
pub async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let defined = tags::defined(&ctx, KIND).await;
    let body = json!({
        "kind": KIND,
        "metadata": { "ownedByWorkspace": place.owner(&fields), "tags": tags::read(&fields, &defined, &Value::Null) },
        "spec": spec_of(&fields, fields.get("targetType"), None),
    });
    match ctx.api.post(PATH, &body).await {
        Ok(made) => {
            let uuid = text(&made["metadata"]["uuid"]);
            let said = fill(
                tr("{0} is there, with a first draft. Say next what runs."),
                &[fields.get("displayName")],
            );
            ctx.done(&place.at(&format!("/definitions/{}/implementation", segment(&uuid))), said)
        }
        Err(problem) => new_page(&ctx, again(fields, problem, FIELDS)?).await?.refused(&ctx),
    }
}

fn filled(spec: &Value) -> Form {
    let on = |value: &Value| if value == &json!(true) { "on" } else { "" }.to_owned();
    let mut pairs: Vec<(String, String)> =
        ["displayName", "description", "readme", "symbol", "supportUrl", "documentationUrl"]
            .into_iter()
            .map(|name| (name.to_owned(), text(&spec[name])))
            .collect();
    pairs.push(("subscribers".into(), texts(&spec["notificationSubscriberUsernames"]).join("\n")));
    pairs.push(("runTransparency".into(), on(&spec["runTransparency"])));
    pairs.push(("useInLandingZonesOnly".into(), on(&spec["useInLandingZonesOnly"])));
    let platforms = spec["supportedPlatforms"].as_array().cloned().unwrap_or_default();
    pairs.extend(platforms.iter().map(|platform| ("platforms".into(), text(&platform["name"]))));
    Form::filled(pairs)
}

async fn page(ctx: &Ctx, editor: &Editor, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("General"));
    let next = checklist(editor);
    let mut types = platform_types(ctx).await;
    // A type that is out of use by now is still this definition's.
    for platform in editor.definition["spec"]["supportedPlatforms"].as_array().into_iter().flatten() {
        let name = text(&platform["name"]);
        if !types.iter().any(|(known, _)| *known == name) {
            types.push((name.clone(), name));
        }
    }
    let sheet = Sheet::new(&shell, editor.at(""), form)
        .hidden("seen", print(&editor.definition["spec"]))
        .locked(!editor.may(ctx))
        .fields(fields(types, false))
        .fields(more_fields())
        .submit(Button::primary(tr("Save"), "save"));
    Page::new(shell).maybe(next).with(sheet)
}

/// What is left to do until teams can order it (OB-04).
fn checklist(editor: &Editor) -> Option<Note> {
    let status = &editor.definition["status"];
    if !status["latestReleasedVersionUuid"].is_null() {
        return None;
    }
    let spec = &editor.version["spec"];
    let filled = |name: &str| spec[name].as_object().is_some_and(|found| !found.is_empty());
    let described = editor.definition["spec"]["readme"].is_string();
    let tried = status["usageCount"].as_u64().unwrap_or_default() > 0;
    Some(
        Note::info(tr("On the way to the marketplace"), "")
            .step(
                !editor.is_manual(),
                tr("Say what runs, or leave it to people"),
                editor.at("/implementation"),
            )
            .step(filled("inputs"), tr("Say what has to be filled in"), editor.at("/inputs"))
            .step(filled("outputs"), tr("Say what comes out"), editor.at("/outputs"))
            .step(described, tr("Write a readme"), editor.at(""))
            .step(tried, tr("Try it in your own workspace"), editor.at("/blocks"))
            .step(false, tr("Release it"), editor.at("/publication")),
    )
}

/// The tab General.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let form = filled(&editor.definition["spec"]);
    page(&ctx, &editor, form).await.shown(&ctx)
}

async fn put(
    ctx: &Ctx,
    editor: &Editor,
    fields: &Fields,
    body: Value,
    seen: &Value,
) -> Result<Value, Problem> {
    unchanged(fields, seen)?;
    ctx.api.put(&format!("{PATH}/{}", segment(&editor.uuid())), &body).await
}

/// Saves it.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let mut body = editor.definition.clone();
    let old = editor.definition["spec"].clone();
    body["spec"] = spec_of(&fields, old["targetType"].as_str().unwrap_or_default(), Some(&old));
    match put(&ctx, &editor, &fields, body, &old).await {
        Ok(_) => ctx.done(&editor.at(""), tr("Saved.")),
        Err(problem) => page(&ctx, &editor, again(fields, problem, FIELDS)?).await.refused(&ctx),
    }
}

async fn tags_page(ctx: &Ctx, editor: &Editor, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("Tags"));
    let defined = tags::defined(ctx, KIND).await;
    if defined.is_empty() {
        let note = Note::info(tr("No tags are defined for definitions"), tr("Administrators define tags."));
        return Page::new(shell).with(note);
    }
    let sheet = Sheet::new(&shell, editor.at("/tags"), form)
        .hidden("seen", print(&editor.definition["metadata"]["tags"]))
        .locked(!editor.may(ctx))
        .fields(tags::fields(&defined))
        .submit(Button::primary(tr("Save"), "save"));
    Page::new(shell).with(sheet)
}

/// The tab Tags.
pub async fn show_tags(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let form = Form::filled(tags::values(&editor.definition["metadata"]["tags"]));
    tags_page(&ctx, &editor, form).await.shown(&ctx)
}

/// Saves them.
pub async fn save_tags(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let defined = tags::defined(&ctx, KIND).await;
    let old = editor.definition["metadata"]["tags"].clone();
    let mut body = editor.definition.clone();
    body["metadata"]["tags"] = tags::read(&fields, &defined, &old);
    match put(&ctx, &editor, &fields, body, &old).await {
        Ok(_) => ctx.done(&editor.at("/tags"), tr("Saved.")),
        Err(problem) => tags_page(&ctx, &editor, again(fields, problem, &[])?).await.refused(&ctx),
    }
}

fn danger_page(ctx: &Ctx, editor: &Editor, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("Danger zone"));
    let used = editor.definition["status"]["usageCount"].as_u64().unwrap_or_default();
    if used > 0 {
        let said = fill(
            tr("{0} blocks are made from it. They have to be deleted before the definition can go."),
            &[&used.to_string()],
        );
        return Page::new(shell.clone())
            .action(true, Go::to(tr("Show them"), editor.at("/blocks"), "box"))
            .with(Note::warn(tr("This definition is in use"), said));
    }
    let sheet = Sheet::new(&shell, editor.at("/danger"), form)
        .titled(
            tr("Delete this definition"),
            tr("All of its versions go with it, and it leaves every landing zone that recommends it. This cannot be undone."),
        )
        .field(Field::new(Kind::Switch, "sure", tr("I understand that nothing of it is kept")))
        .submit(Button::danger(tr("Delete definition"), "delete"))
        .locked(!editor.place.may(ctx, "BUILDINGBLOCKDEFINITION_DELETE"))
        .unguarded();
    Page::new(shell).with(sheet)
}

/// The tab Danger zone.
pub async fn danger(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    danger_page(&ctx, &editor, Form::default()).shown(&ctx)
}

/// Deletes it.
pub async fn delete(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let outcome = if fields.is_on("sure") {
        ctx.api.delete(&format!("{PATH}/{}", segment(&editor.uuid()))).await
    } else {
        Err(Problem::invalid("sure", tr("Say that you understand what is lost.")))
    };
    match outcome {
        Ok(_) => ctx.done(&editor.place.at("/definitions"), fill(tr("{0} is deleted."), &[&editor.name()])),
        Err(problem) => danger_page(&ctx, &editor, again(fields, problem, &[])?).refused(&ctx),
    }
}
