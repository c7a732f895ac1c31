//! `stoa apply`: the server brought to what files declare.

mod difference;
mod manifest;
mod overlay;
mod plan;
mod references;
mod secrets;

use crate::api::{Api, id_of};
use crate::args::{Apply, Format};
use crate::console::{Console, one_line};
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::show;
use difference::Difference;
use manifest::Document;
use plan::Step;
use serde_json::{Value, json};

/// Objects that a dry run knows the apply would have made by then: kind, workspace, display name.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Vec<(&'static str, String, String)>);

impl Ahead {
    fn holds(&self, kind: &Kind, workspace: &str, name: &str) -> bool {
        self.0.iter().any(|(a, b, c)| *a == kind.name && b == workspace && c == name)
    }
}

/// Applies all documents in order. Stops at the first that fails.
pub(crate) async fn apply(api: &Api, console: &mut Console, apply: Apply) -> Result<(), Failure> {
    let documents = manifest::read(&apply.files)?;
    if apply.dry_run {
        return dry_run(api, console, documents).await;
    }
    let total = documents.len();
    let mut results = Vec::new();
    for (done, document) in documents.into_iter().enumerate() {
        match one(api, console, &document).await {
            Ok(result) => results.push(result),
            Err(failure) => {
                if total > 1 && !failure.is_silent() {
                    console.warn(format_args!("stopped after {done} of {total} documents"))?;
                }
                print(console, &results)?;
                return Err(failure.while_doing(&document.origin));
            }
        }
    }
    print(console, &results)
}

/// For programs, all objects as they now are.
fn print(console: &mut Console, results: &[Value]) -> Result<(), Failure> {
    if console.format == Format::Table || console.quiet {
        return Ok(());
    }
    show::document(console, &Value::Array(results.to_vec()))
}

async fn one(api: &Api, console: &mut Console, document: &Document) -> Result<Value, Failure> {
    let kind = document.kind;
    let wanted = prepared(api, document, None).await?;
    let step = plan::step(api, kind, &wanted).await?;
    let (now, change) = match step {
        Step::Nothing { current } => (current, "unchanged".to_owned()),
        Step::Create { body, .. } => (api.create(kind, &body).await?, "created".to_owned()),
        Step::Replace { id, body, .. } => (api.replace(kind, &id, &body).await?, "configured".to_owned()),
        Step::NextVersion { body, released, .. } => {
            let mut made = api.create(kind, &body).await?;
            if released {
                made["spec"]["state"] = json!("RELEASED");
                let id = id_of(kind, &made)?;
                made = api.replace(kind, &id, &made).await?;
            }
            (made, "created as the next version".to_owned())
        }
    };
    if console.quiet {
        console.line(id_of(kind, &now)?)?;
    } else if console.format == Format::Table {
        console.line(format_args!("{} {change}", title(kind, &now)))?;
        once_shown(console, &now)?;
    }
    if *kind == kinds::VERSION && wanted["spec"]["state"] == "RELEASED" && now["spec"]["state"] == "DRAFT" {
        let id = id_of(kind, &now)?;
        console.warn(format_args!("this first release waits for approval: `stoa approve {id}`"))?;
    }
    Ok(now)
}

/// Secrets that the server shows once.
fn once_shown(console: &mut Console, object: &Value) -> Result<(), Failure> {
    for (name, pointer) in [
        ("client id", "/status/clientId"),
        ("client secret", "/status/clientSecret"),
        ("password", "/status/password"),
    ] {
        let has_secret =
            ["/status/clientSecret", "/status/password"].iter().any(|at| object.pointer(at).is_some());
        if let (true, Some(text)) = (has_secret, object.pointer(pointer).and_then(Value::as_str)) {
            console.line(format_args!("  {name}: {text}"))?;
        }
    }
    Ok(())
}

async fn dry_run(api: &Api, console: &mut Console, documents: Vec<Document>) -> Result<(), Failure> {
    let mut ahead = Ahead::default();
    let mut rows = Vec::new();
    let mut changes = 0;
    let total = documents.len();
    for document in &documents {
        let kind = document.kind;
        let planned = async {
            let wanted = prepared(api, document, Some(&ahead)).await?;
            let step = plan::step(api, kind, &wanted).await?;
            Ok::<_, Failure>((wanted, step))
        };
        let (wanted, step) = planned.await.map_err(|failure| failure.while_doing(&document.origin))?;
        if let Step::Create { .. } = step {
            let text = |pointer: &str| {
                wanted.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            ahead.0.push((
                kind.name,
                workspace(&wanted).unwrap_or_default().to_owned(),
                text("/spec/displayName"),
            ));
        }
        changes += usize::from(step.is_change());
        match console.format {
            Format::Table => shown(console, kind, &wanted, &step)?,
            Format::Json | Format::Yaml => rows.push(json!({
                "kind": kind.name,
                "name": name(kind, &wanted),
                "change": word(&step),
                "differences": step.differences().iter().map(Difference::json).collect::<Vec<_>>(),
            })),
        }
    }
    if console.format != Format::Table {
        show::document(console, &Value::Array(rows))?;
    }
    console.note(format_args!("{changes} of {total} documents would change something"))?;
    if changes == 0 { Ok(()) } else { Err(Failure::Changes) }
}

/// A document with its secrets and references in place.
async fn prepared(api: &Api, document: &Document, ahead: Option<&Ahead>) -> Result<Value, Failure> {
    let mut wanted = document.body.clone();
    let env = |name: &str| std::env::var(name).ok();
    secrets::resolve(&mut wanted, &secrets::Sources { folder: &document.folder, env: &env })?;
    let workspace = workspace(&wanted).map(str::to_owned);
    references::resolve(api, &mut wanted, workspace.as_deref(), ahead).await?;
    wanted["apiVersion"] = json!(document.kind.version);
    Ok(wanted)
}

/// The workspace that a document belongs to.
fn workspace(wanted: &Value) -> Option<&str> {
    let owner = wanted.pointer("/metadata/ownedByWorkspace");
    owner.or_else(|| wanted.pointer("/spec/targetRef/name")).and_then(Value::as_str)
}

fn word(step: &Step) -> &'static str {
    match step {
        Step::Nothing { .. } => "none",
        Step::Create { .. } => "create",
        Step::Replace { .. } => "update",
        Step::NextVersion { .. } => "create-version",
    }
}

fn shown(console: &mut Console, kind: &Kind, wanted: &Value, step: &Step) -> Result<(), Failure> {
    let mark = match step {
        Step::Nothing { .. } => return Ok(()),
        Step::Create { .. } | Step::NextVersion { .. } => "+",
        Step::Replace { .. } => "~",
    };
    let next = if matches!(step, Step::NextVersion { .. }) { " (next version)" } else { "" };
    console.line(format_args!("{mark} {}/{}{next}", kind.name, name(kind, wanted)))?;
    for line in step.differences().iter().flat_map(Difference::lines) {
        console.line(format_args!("    {line}"))?;
    }
    Ok(())
}

/// What people call an object that may not have an identifier yet.
fn name(kind: &Kind, object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(one_line);
    let own = kind.id(object).map(|id| one_line(&id)).or_else(|| text("/spec/displayName"));
    own.unwrap_or_else(|| {
        // A version has no name of its own.
        text("/spec/buildingBlockDefinitionRef/uuid")
            .map_or_else(|| "?".to_owned(), |uuid| format!("of {uuid}"))
    })
}

/// Kind and identifier, with the display name where the identifier says nothing.
fn title(kind: &Kind, object: &Value) -> String {
    let id = kind.id(object).unwrap_or_default();
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    match text("/spec/displayName").filter(|_| text("/metadata/uuid") == Some(id.as_str())) {
        Some(name) => format!("{}/{id} ({})", kind.name, one_line(name)),
        None => format!("{}/{id}", kind.name),
    }
}
