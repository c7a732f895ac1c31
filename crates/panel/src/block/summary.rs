//! A block at a glance, its runs, and what happened to it.

use super::{Block, target};
use crate::api::{Listed, author_of, segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::listing::Listing;
use crate::parts::filters;
use crate::problem::Problem;
use crate::run::{self, Digest, RunView, web_link};
use crate::shell::Shell;
use crate::text::tr;
use askama::Template;
use axum::extract::Path;
use serde_json::Value;

/// An output that is shown as a value.
struct Output {
    label: String,
    value: String,
    link: String,
    is_long: bool,
}

/// A link that the block gave: what it says, and where it leads.
struct Door {
    label: String,
    href: String,
    is_sign_in: bool,
}

/// Why it stands still.
struct Waiting {
    reason: String,
    blocker: String,
    who: String,
    since: String,
}

#[derive(Template)]
#[template(path = "block/summary.html")]
struct SummaryPage {
    shell: Shell,
    uuid: String,
    instructions: Vec<String>,
    doors: Vec<Door>,
    outputs: Vec<Output>,
    next: &'static str,
    waiting: Option<Waiting>,
    view: Option<RunView>,
    definition: String,
    definition_uuid: String,
    owner: String,
    documentation: String,
    support: String,
    version: u64,
    newer: Option<u64>,
    target: (String, String),
    created: String,
    may_change: bool,
    may_run: bool,
    may_dry_run: bool,
    latest: Option<Digest>,
}

/// What happens next, for people.
fn next(block: &Block) -> &'static str {
    match (block.lifecycle.as_str(), block.status.as_str()) {
        ("DELETED", _) => tr("It is gone. What it was given and what it gave stays readable."),
        ("MARKED_FOR_DELETION", "FAILED") => {
            tr("Taking it down failed. Look at the run, and delete it again.")
        }
        ("MARKED_FOR_DELETION", _) => tr("It is being taken down."),
        (_, "PENDING") => tr("It waits for a runner, and starts by itself."),
        (_, "IN_PROGRESS") => tr("A run is under way. You may leave this page; it goes on."),
        (_, "FAILED") => tr(
            "The last run failed. Its message says why; change an input, run it again, or ask the platform team.",
        ),
        (_, "ABORTED") => tr("The last run was stopped. Run it again when you are ready."),
        (_, "WAITING_FOR_USER_INPUT") => tr("It needs something from you: open its inputs."),
        (_, "WAITING_FOR_OPERATOR_INPUT") => {
            tr("The platform team adds something first, then it starts by itself.")
        }
        (_, "WAITING_FOR_DEPENDENT_INPUT") => tr("It waits for what it builds on, then it starts by itself."),
        (_, "WAITING_FOR_APPROVAL") => match text_at(&block.wire, "/status/waiting/reason") {
            "PLAN_UNDECIDED" => tr(
                "Nothing is set up yet. The run below says what would be: apply its plan, discard the order, or change its inputs for another preview.",
            ),
            "DRY_RUN_FAILED" | "PLAN_MISSING" | "DRY_RUN_IMPOSSIBLE" => tr(
                "Nothing is set up, and there is no plan to apply. Preview it again, or discard the order.",
            ),
            _ => tr(
                "A dry run finds out what would be set up. Nothing happens before somebody applies its plan.",
            ),
        },
        _ => "",
    }
}

/// What it waits for, for people.
fn reason_word(reason: &str) -> String {
    match reason {
        "RUN_QUEUED" => tr("Waiting for a runner"),
        "RUN_IN_PROGRESS" => tr("A runner is at it"),
        "RUN_OFFERED_AGAIN" => tr("Its runner fell silent, and the run is offered again"),
        "EARLIER_RUN_OPEN" => tr("An earlier run has to end first"),
        "ABORT_REQUESTED" => tr("It is being stopped"),
        "EXTERNAL_SYSTEM" => tr("A pipeline is at it"),
        "OPERATOR_ACTION" => tr("The platform team is at it"),
        "USER_INPUT_MISSING" => tr("An input is missing"),
        "OPERATOR_INPUT_MISSING" => tr("An input of the platform team is missing"),
        "PLATFORM_TENANT_ID_MISSING" => tr("The tenant has no id on its platform yet"),
        "PLAN_UNDECIDED" => tr("Somebody has to apply the plan, or discard the order"),
        "PLAN_MISSING" => tr("The dry run brought no plan"),
        "DRY_RUN_FAILED" => tr("The dry run did not succeed"),
        "DRY_RUN_IMPOSSIBLE" => tr("It cannot be looked at first any more"),
        "PARENT_OUTPUT_MISSING" => tr("What it builds on has not given its value yet"),
        other => return other.replace('_', " ").to_lowercase(),
    }
    .to_owned()
}

fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => tr("Yes").into(),
        Value::Bool(false) => tr("No").into(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a block gave: instructions, links, values. Labels are those of its version.
fn outputs(block: &Block) -> (Vec<String>, Vec<Door>, Vec<Output>) {
    let (mut instructions, mut doors, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let declared = &block.version["spec"]["outputs"];
    let given = block.wire["status"]["outputs"].as_object().into_iter().flatten();
    let mut given: Vec<(&String, &Value)> = given.collect();
    given.sort_by_key(|(key, _)| {
        (declared[*key]["displayOrder"].as_i64().unwrap_or(i64::MAX), (*key).clone())
    });
    for (key, output) in given {
        let label = declared[key]["displayName"].as_str().unwrap_or(key).to_owned();
        let value = line(&output["value"]);
        let kind = text_at(output, "/assignmentType");
        let link = web_link(&value);
        match kind {
            "SUMMARY" => instructions.push(value),
            "SIGN_IN_URL" | "RESOURCE_URL" if !link.is_empty() => {
                doors.push(Door { label, href: link, is_sign_in: kind == "SIGN_IN_URL" });
            }
            _ => {
                let is_long = value.len() > 120 || value.contains('\n');
                values.push(Output { label, value, link, is_long });
            }
        }
    }
    (instructions, doors, values)
}

/// The summary.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let runs = run::of_block(&ctx, &block.uuid, 1).await;
    let (instructions, doors, outputs) = outputs(&block);
    // Until something came of it, the run is what there is to see; and while one is under way or has just failed.
    // Parts that are asked for again belong to a page that has it already.
    let shows_run = ctx.is_partial || (block.state() != "SUCCEEDED" && block.lifecycle != "DELETED");
    let view = match runs.first().filter(|_| shows_run) {
        Some(run) => run::view(&ctx, &run.uuid).await.ok(),
        None => None,
    };
    let waiting = block.wire["status"]["waiting"].as_object().map(|found| {
        let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        // A run stands below, there is no need to name it.
        let blocker = Some(text("blocker")).filter(|blocker| !blocker.starts_with("run "));
        Waiting {
            reason: reason_word(&text("reason")),
            blocker: blocker.unwrap_or_default(),
            who: text("who"),
            since: text("since"),
        }
    });
    let about = |pointer: &str| text_at(&block.definition, pointer).to_owned();
    let is_tofu = text_at(&block.version, "/spec/implementation/type") == "terraform";
    ctx.page(&SummaryPage {
        shell: block.shell(&ctx),
        uuid: block.uuid.clone(),
        instructions,
        doors,
        outputs,
        next: next(&block),
        waiting,
        view,
        definition: about("/spec/displayName"),
        definition_uuid: about("/metadata/uuid"),
        owner: about("/metadata/ownedByWorkspace"),
        documentation: web_link(text_at(&block.definition, "/spec/documentationUrl")),
        support: web_link(text_at(&block.definition, "/spec/supportUrl")),
        version: block.version_number(),
        newer: block.newer().map(|(number, _)| number),
        target: target(&ctx, &block.wire).await,
        created: text_at(&block.wire, "/metadata/createdOn").to_owned(),
        may_change: block.may_change(&ctx),
        may_run: block.may_run(&ctx),
        may_dry_run: block.may_run(&ctx) && is_tofu,
        latest: runs.into_iter().next(),
    })
}

#[derive(Template)]
#[template(path = "block/runs.html")]
struct RunsPage {
    shell: Shell,
    uuid: String,
    listing: Listing,
    rows: Vec<Digest>,
    next: &'static str,
    may_run: bool,
    may_dry_run: bool,
}

/// All its runs.
pub async fn runs(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let path = format!("/api/stoa/v1/runs?buildingBlockUuid={}", segment(&block.uuid));
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &[])).await?;
    ctx.page(&RunsPage {
        shell: block.shell(&ctx),
        uuid: block.uuid.clone(),
        listing: Listing::of(&ctx, &found),
        rows: found.items.iter().map(Digest::read).collect(),
        next: next(&block),
        may_run: block.may_run(&ctx),
        may_dry_run: block.may_run(&ctx)
            && text_at(&block.version, "/spec/implementation/type") == "terraform",
    })
}

#[derive(Template)]
#[template(path = "block/run.html")]
struct RunPage {
    shell: Shell,
    view: RunView,
}

/// One of its runs.
pub async fn run(ctx: Ctx, Path((_, uuid, run)): Path<(String, String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let view = run::view(&ctx, &run).await?;
    if view.run.block != block.uuid {
        return Err(Problem::not_found(tr("This run belongs to another building block.")));
    }
    let mut shell = block.shell(&ctx);
    let list = block.path(&ctx, "/runs");
    if let Some(tab) = shell.tabs.iter_mut().find(|tab| tab.href == list) {
        tab.is_active = true;
    }
    ctx.page(&RunPage { shell, view })
}

/// An entry of the event log.
struct Event {
    at: String,
    title: String,
    text: String,
    author: String,
}

#[derive(Template)]
#[template(path = "block/events.html")]
struct EventsPage {
    shell: Shell,
    listing: Listing,
    events: Vec<Event>,
}

/// What happened to it.
pub async fn events(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let query =
        [("workspaceIdentifier", ctx.home()), ("objectUuid", block.uuid.as_str()), ("sort", "-createdOn")];
    let path = with_query("/api/meshobjects/mesheventlogs", query);
    let found: Listed = ctx.api.list(&Listing::ask(&ctx, &path, &[])).await?;
    let events = found.items.iter().map(|event| Event {
        at: text_at(event, "/metadata/createdAt").to_owned(),
        title: text_at(event, "/spec/title").to_owned(),
        text: text_at(event, "/spec/description").to_owned(),
        author: author_of(event),
    });
    ctx.page(&EventsPage {
        shell: block.shell(&ctx),
        events: events.collect(),
        listing: Listing::of(&ctx, &found),
    })
}
