//! `stoa apply`: the server brought to what files declare.

mod difference;
mod manifest;
mod overlay;
mod plan;
mod references;
mod secrets;

use crate::api::{Api, id_of};
use crate::args::{Apply, Format};
use crate::bar::Bar;
use crate::console::{Console, one_line};
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::show;
use difference::Difference;
use manifest::Document;
use plan::Step;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often a long apply says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Objects that a dry run knows the apply would have made by then: kind, workspace, what people call it.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Vec<(&'static str, String, String)>);

impl Ahead {
    fn holds(&self, kind: &Kind, workspace: &str, name: &str) -> bool {
        let within = kind.is_within_workspace();
        self.0.iter().any(|(a, b, c)| *a == kind.name && c == name && (!within || b == workspace))
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
    let mut told = Instant::now();
    let mut ahead = None;
    let bar = Bar::counting(console, total, "documents applied");
    for (done, document) in documents.iter().enumerate() {
        if !bar.is_seen() && told.elapsed() >= PROGRESS {
            console.note(format_args!("{done} of {total} documents applied"))?;
            told = Instant::now();
        }
        let next = documents.get(done + 1).filter(|next| is_apart(document, next));
        match one(api, (console, &bar), document, ahead.take(), next).await {
            Ok((result, planned)) => {
                results.push(result);
                ahead = planned;
                bar.step();
            }
            Err(failure) => {
                drop(bar);
                if total > 1 && !failure.is_silent() {
                    console.warn(format_args!("stopped after {done} of {total} documents"))?;
                }
                print(console, &results)?;
                return Err(failure.while_doing(&document.origin));
            }
        }
    }
    drop(bar);
    print(console, &results)
}

/// For programs, all objects as they now are.
fn print(console: &mut Console, results: &[Value]) -> Result<(), Failure> {
    if console.format == Format::Table || console.quiet {
        return Ok(());
    }
    show::document(console, &Value::Array(results.to_vec()))
}

/// What a document means with all in place, and what has to happen for it.
type Planned = Result<(Value, Step), Failure>;

async fn planned(api: &Api, document: &Document) -> Planned {
    let wanted = prepared(api, document, None).await?;
    let step = plan::step(api, document.kind, &wanted).await?;
    Ok((wanted, step))
}

/// Whether applying the first document is nothing to the second: both are of one kind, which tells its objects
/// apart by names, and are two of them. Objects of such a kind do not refer to one another.
fn is_apart(first: &Document, second: &Document) -> bool {
    let kind = first.kind;
    let names = |document: &Document| kind.id(&document.body);
    kind == second.kind
        && matches!(kind.address, kinds::Address::Name | kinds::Address::InWorkspace)
        && names(first).zip(names(second)).is_some_and(|(first, second)| first != second)
}

/// Applies one document. What has to happen for the `next` is found out meanwhile, if that is safe.
async fn one(
    api: &Api,
    (console, bar): (&mut Console, &Bar),
    document: &Document,
    ahead: Option<Planned>,
    next: Option<&Document>,
) -> Result<(Value, Option<Planned>), Failure> {
    let kind = document.kind;
    let (wanted, step) = match ahead {
        Some(ahead) => ahead?,
        None => planned(api, document).await?,
    };
    let look_ahead = async {
        match next {
            Some(next) => Some(planned(api, next).await),
            None => None,
        }
    };
    let (done, ahead) = tokio::join!(carry_out(api, kind, step), look_ahead);
    let (now, change) = done?;
    bar.aside(|| tell(console, kind, &wanted, &now, &change))?;
    Ok((now, ahead))
}

/// Does what has to happen; the object afterwards, and what is said of it.
async fn carry_out(api: &Api, kind: &Kind, step: Step) -> Result<(Value, String), Failure> {
    Ok(match step {
        Step::Nothing { current } => (current, "unchanged".to_owned()),
        Step::Create { body, .. } => (api.create(kind, &body).await?, "created".to_owned()),
        Step::Replace { id, body, .. } => {
            let before = api.get(kind, &id).await?;
            let after = api.replace(kind, &id, &body).await?;
            // Some things the server keeps whatever a document says, restricted tags for one.
            let change = if before == after { "unchanged" } else { "configured" };
            (after, change.to_owned())
        }
        Step::Import { body, is_new, .. } => {
            let now = api.import(kind, &body).await?;
            (now, if is_new { "created" } else { "configured" }.to_owned())
        }
        Step::Stuck { id, differences } => return Err(stuck(kind, &id, &differences)),
        Step::NextVersion { body, released, .. } => {
            let mut made = api.create(kind, &body).await?;
            if released {
                made["spec"]["state"] = json!("RELEASED");
                let id = id_of(kind, &made)?;
                made = api.replace(kind, &id, &made).await?;
            }
            (made, "created as the next version".to_owned())
        }
    })
}

fn tell(
    console: &mut Console,
    kind: &Kind,
    wanted: &Value,
    now: &Value,
    change: &str,
) -> Result<(), Failure> {
    if console.quiet {
        console.line(id_of(kind, now)?)?;
    } else if console.format == Format::Table {
        console.line(format_args!("{} {change}", title(kind, now)))?;
        once_shown(console, now)?;
    }
    if *kind == kinds::VERSION && wanted["spec"]["state"] == "RELEASED" && now["spec"]["state"] == "DRAFT" {
        let id = id_of(kind, now)?;
        console.warn(format_args!("this first release waits for approval: `stoa approve {id}`"))?;
    }
    Ok(())
}

/// Why a document cannot be carried out, and what to do about it.
fn stuck(kind: &Kind, id: &str, differences: &[Difference]) -> Failure {
    let lines: Vec<String> = differences.iter().flat_map(Difference::lines).collect();
    Failure::Operation(format!(
        "{}/{id} is there already, otherwise than declared, and cannot be changed; to replace it, \
         `stoa delete {} {id}` and apply again ({})",
        kind.name,
        kind.word(),
        lines.join("; ")
    ))
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
    let bar = Bar::counting(console, total, "documents compared");
    for document in &documents {
        let kind = document.kind;
        let planned = async {
            let wanted = prepared(api, document, Some(&ahead)).await?;
            let step = plan::step(api, kind, &wanted).await?;
            Ok::<_, Failure>((wanted, step))
        };
        let (wanted, step) = planned.await.map_err(|failure| failure.while_doing(&document.origin))?;
        if let Step::Create { .. } = step {
            let owner = workspace(&wanted).unwrap_or_default().to_owned();
            ahead.0.push((kind.name, owner, kind.called(&wanted).unwrap_or_default()));
        }
        changes += usize::from(step.is_change());
        match console.format {
            Format::Table => bar.aside(|| shown(console, kind, &wanted, &step))?,
            Format::Json | Format::Yaml => rows.push(json!({
                "kind": kind.name,
                "name": name(kind, &wanted),
                "change": word(&step),
                "differences": step.differences().iter().map(Difference::json).collect::<Vec<_>>(),
            })),
        }
        bar.step();
    }
    drop(bar);
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
        Step::Create { .. } | Step::Import { is_new: true, .. } => "create",
        Step::Replace { .. } | Step::Import { .. } => "update",
        Step::Stuck { .. } => "replace",
        Step::NextVersion { .. } => "create-version",
    }
}

fn shown(console: &mut Console, kind: &Kind, wanted: &Value, step: &Step) -> Result<(), Failure> {
    let mark = match step {
        Step::Nothing { .. } => return Ok(()),
        Step::Create { .. } | Step::NextVersion { .. } | Step::Import { is_new: true, .. } => "+",
        Step::Replace { .. } | Step::Import { .. } => "~",
        Step::Stuck { .. } => "!",
    };
    let next = match step {
        Step::NextVersion { .. } => " (next version)",
        Step::Stuck { .. } => " (cannot be changed: delete it first, then apply again)",
        _ => "",
    };
    console.line(format_args!("{mark} {}/{}{next}", kind.name, name(kind, wanted)))?;
    for line in step.differences().iter().flat_map(Difference::lines) {
        console.line(format_args!("    {line}"))?;
    }
    Ok(())
}

/// What people call an object that may not have an identifier yet.
fn name(kind: &Kind, object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(one_line);
    let own = kind.id(object).or_else(|| kind.called(object)).map(|id| one_line(&id));
    // A tenant gets its name from the server.
    let tenant =
        || Some(format!("{}.{}", text("/metadata/ownedByWorkspace")?, text("/metadata/ownedByProject")?));
    let own = own.or_else(|| text("/spec/displayName")).or_else(tenant);
    own.unwrap_or_else(|| {
        // A version has no name of its own.
        text("/spec/buildingBlockDefinitionRef/uuid")
            .map_or_else(|| "?".to_owned(), |uuid| format!("of {uuid}"))
    })
}

/// Kind and identifier, with the display name where the identifier says nothing.
fn title(kind: &Kind, object: &Value) -> String {
    let id = kind.id(object).unwrap_or_default();
    match kind.called(object) {
        Some(name) => format!("{}/{id} ({})", kind.name, one_line(&name)),
        None => format!("{}/{id}", kind.name),
    }
}
