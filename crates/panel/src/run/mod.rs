//! Following a run (panel.md §8.1): one view for consumers, operators and administrators, its stream and its log.
//!
//! A page that shows a run holds a [`RunView`] in a field `view` and includes `run/view.html`.

use crate::Pages;
use crate::api::{segment, text_at};
use crate::ctx::{Answer, Ctx, Post};
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Bytes of a log that stand in the page itself; the rest is in the file.
const SHOWN: usize = 512 << 10;

/// The states that a step may reach; a page holds the pattern of each.
pub const STATES: [&str; 5] = ["PENDING", "IN_PROGRESS", "SUCCEEDED", "FAILED", "ABORTED"];

/// A run in short, for rows and headings.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// uuid.
    pub uuid: String,
    /// Counts the runs of its block.
    pub number: u64,
    /// What it does, for people.
    pub behavior: &'static str,
    /// Whether it only finds out what would change.
    pub is_dry_run: bool,
    /// Why it was started, for people.
    pub reason: String,
    /// Who started it; empty when that is not told.
    pub author: String,
    /// `PENDING`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `ABORTED`.
    pub status: String,
    /// When it was queued.
    pub created: String,
    /// When it was claimed.
    pub claimed: String,
    /// When it ended.
    pub ended: String,
    /// Version of the definition.
    pub version: u64,
    /// uuid of its block.
    pub block: String,
    /// Name of its block.
    pub block_name: String,
    /// Workspace of its block.
    pub workspace: String,
    /// Name of the definition.
    pub definition: String,
    /// Where its platform team helps.
    pub support: String,
    /// Whether its log is for this reader.
    pub may_read_log: bool,
    /// Whether this reader may stop it.
    pub may_abort: bool,
    /// Whether somebody asked to stop it.
    pub is_abort_requested: bool,
    /// What a dry run found.
    pub changes: Option<bool>,
    /// Whether it is a dry run whose plan this reader may apply now.
    pub may_apply_plan: bool,
    /// Whether nothing of its block was applied yet, because the order is looked at first.
    pub is_preview: bool,
    /// Whether this reader may discard the order that it looks at.
    pub may_discard: bool,
    /// Whether its block can still be run.
    pub is_block_active: bool,
}

/// What a run does, for people.
fn behavior(word: &str) -> &'static str {
    match word {
        "DETECT" => tr("Dry run"),
        "DESTROY" => tr("Take down"),
        _ => tr("Set up"),
    }
}

/// Why a run was started, for people.
fn reason(word: &str) -> String {
    match word {
        "BUILDING_BLOCK_CREATION" => tr("ordered"),
        "MANUAL_EXECUTION" => tr("started by hand"),
        "BUILDING_BLOCK_INPUTS_UPDATE" => tr("inputs changed"),
        "BUILDING_BLOCK_UPGRADE" => tr("upgraded"),
        "PARENT_RUN_SUCCEEDED" => tr("what it builds on is ready"),
        "DEPENDENCY_OUTPUT_CHANGED" => tr("what it builds on changed"),
        "PLATFORM_TENANT_ID_UPDATE" => tr("the tenant's id came"),
        "PROJECT_PERMISSIONS_CHANGE" | "WORKSPACE_PERMISSION_CHANGE" => tr("somebody's roles changed"),
        "PREFLIGHT_SUCCEEDED" => tr("plan approved"),
        "BUILDING_BLOCK_DELETION" | "BUILDING_BLOCK_DEFINITION_DELETION" => tr("deleted"),
        other => return other.replace('_', " ").to_lowercase(),
    }
    .to_owned()
}

impl Digest {
    /// Reads what `/api/stoa/v1/runs` says.
    pub fn read(run: &Value) -> Self {
        let text = |pointer: &str| text_at(run, pointer).to_owned();
        let is = |pointer: &str| run.pointer(pointer) == Some(&json!(true));
        Self {
            uuid: text("/uuid"),
            number: run["number"].as_u64().unwrap_or_default(),
            behavior: behavior(text_at(run, "/behavior")),
            is_dry_run: text_at(run, "/behavior") == "DETECT",
            reason: reason(text_at(run, "/reason")),
            author: text("/author/displayName"),
            status: text("/status"),
            created: text("/createdOn"),
            claimed: text("/claimedOn"),
            ended: text("/endedOn"),
            version: run["version"].as_u64().unwrap_or_default(),
            block: text("/buildingBlock/uuid"),
            block_name: text("/buildingBlock/displayName"),
            workspace: text("/buildingBlock/workspace"),
            definition: text("/definition/displayName"),
            support: text("/definition/supportUrl"),
            may_read_log: is("/may/readLog"),
            may_abort: is("/may/abort"),
            is_abort_requested: is("/isAbortRequested"),
            changes: run["changesDetected"].as_bool(),
            may_apply_plan: is("/may/applyPlan"),
            is_preview: is("/buildingBlock/isPreview"),
            may_discard: is("/may/discard"),
            is_block_active: text_at(run, "/buildingBlock/lifecycle") == "ACTIVE",
        }
    }

    /// Whether nothing happens any more.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "ABORTED")
    }

    /// How long it took, or takes so far.
    pub fn duration(&self) -> String {
        span(if self.claimed.is_empty() { &self.created } else { &self.claimed }, &self.ended)
    }
}

/// The time between two moments, up to now when there is no second one.
pub fn span(from: &str, to: &str) -> String {
    let Ok(from) = from.parse::<jiff::Timestamp>() else { return String::new() };
    let to = to.parse::<jiff::Timestamp>().unwrap_or_else(|_| jiff::Timestamp::now());
    let millis = (to.as_millisecond() - from.as_millisecond()).max(0);
    match millis / 1000 {
        _ if millis == 0 => String::new(),
        0 => fill(tr("{0} ms"), &[&millis.to_string()]),
        seconds @ 1..60 => fill(tr("{0} s"), &[&seconds.to_string()]),
        seconds @ 60..3600 => {
            fill(tr("{0} min {1} s"), &[&(seconds / 60).to_string(), &(seconds % 60).to_string()])
        }
        seconds => {
            fill(tr("{0} h {1} min"), &[&(seconds / 3600).to_string(), &(seconds % 3600 / 60).to_string()])
        }
    }
}

/// A step of a run.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// `source/id`, as the stream names it.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: String,
    /// For the consumer.
    pub message: String,
    /// Its log, or the end of it; none where it is not for this reader.
    pub log: Option<String>,
    /// Whether the beginning of the log was left out.
    pub is_cut: bool,
    /// When it began.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// Whether its log is what the run was for.
    pub is_result: bool,
}

impl Step {
    fn read(step: &Value) -> Self {
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let log = step["systemMessage"].as_str();
        let shown = log.map(|log| {
            let mut from = log.len().saturating_sub(SHOWN);
            while !log.is_char_boundary(from) {
                from += 1;
            }
            log[from..].to_owned()
        });
        Self {
            key: format!("{}/{}", text("source"), text("id")),
            name: text("displayName"),
            status: text("status"),
            message: text("userMessage"),
            is_cut: log.map_or(0, str::len) > SHOWN,
            log: shown.filter(|log| !log.is_empty()),
            started: text("startedOn"),
            ended: text("endedOn"),
            is_result: false,
        }
    }

    /// How long it took, or takes so far.
    pub fn duration(&self) -> String {
        span(&self.started, &self.ended)
    }

    /// Whether its log stands open.
    pub fn is_open(&self) -> bool {
        self.is_result || matches!(self.status.as_str(), "FAILED" | "IN_PROGRESS" | "ABORTED")
    }
}

/// A run with everything its view shows.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    /// The run.
    pub run: Digest,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Warnings, as sentences.
    pub warnings: Vec<String>,
    /// Systems that carry it out: name and link.
    pub sources: Vec<(String, String)>,
    /// Run-level text for those who see its log.
    pub summary: String,
    /// Where its stream, its log and its actions are.
    pub base: String,
    /// Whether this reader may run the block again.
    pub may_repeat: bool,
    /// Where this reader may discard the order that the run looks at; empty where they may not.
    pub discard: String,
}

impl RunView {
    /// Path of its stream, log or an action.
    pub fn at(&self, tail: &str) -> String {
        format!("{}/runs/{}{tail}", self.base, segment(&self.run.uuid))
    }
}

/// A link to the web; empty for what is none, such as a script.
pub fn web_link(text: &str) -> String {
    let lower = text.trim().to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        text.trim().to_owned()
    } else {
        String::new()
    }
}

/// Where runs are reached by whoever looks at them: in the workspace acted in, or as administrator.
fn base(ctx: &Ctx) -> String {
    if ctx.workspace.is_some() { format!("/w/{}", segment(ctx.home())) } else { "/admin".to_owned() }
}

/// Runs of a block, newest first.
pub async fn of_block(ctx: &Ctx, block: &str, size: u32) -> Vec<Digest> {
    let path = format!("/api/stoa/v1/runs?buildingBlockUuid={}&size={size}", segment(block));
    let listed = ctx.api.list(&path).await.unwrap_or_default();
    listed.items.iter().map(Digest::read).collect()
}

/// Everything about one run.
pub async fn view(ctx: &Ctx, uuid: &str) -> Result<RunView, Problem> {
    let run = Digest::read(&ctx.api.get(&format!("/api/stoa/v1/runs/{}", segment(uuid))).await?);
    let path = format!("/api/meshobjects/meshbuildingblockruns/{}/logs", segment(uuid));
    let told = ctx.api.get(&path).await?;
    let list = |name: &str| told[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let sources = list("sources").iter().filter_map(|source| {
        let link = web_link(text_at(source, "/externalRunUrl"));
        let name = [text_at(source, "/externalRunId"), text_at(source, "/id")]
            .into_iter()
            .find(|text| !text.is_empty());
        Some((name?.to_owned(), link)).filter(|(_, link)| !link.is_empty())
    });
    let saves = ["BUILDINGBLOCK_SAVE", "MANAGED_BUILDINGBLOCK_SAVE", "ADM_BUILDINGBLOCK_SAVE"];
    let may_save = saves.iter().any(|code| ctx.may(code));
    let mut steps: Vec<Step> = list("steps").iter().map(Step::read).collect();
    // What a dry run found out stands at its end.
    if run.is_dry_run
        && run.is_over()
        && let Some(plan) = steps.iter_mut().rev().find(|step| step.log.is_some())
    {
        plan.is_result = true;
    }
    let is_own = run.workspace.eq_ignore_ascii_case(ctx.home());
    let discard = if run.may_discard && is_own {
        format!("/w/{}/b/{}/deletion", segment(ctx.home()), segment(&run.block))
    } else {
        String::new()
    };
    Ok(RunView {
        steps,
        warnings: list("warningDetails").iter().map(|found| text_at(found, "/message").to_owned()).collect(),
        sources: sources.collect(),
        summary: text_at(&told, "/summary").to_owned(),
        base: base(ctx),
        may_repeat: run.is_over() && run.is_block_active && run.may_read_log && may_save,
        discard,
        run,
    })
}

fn api_path(uuid: &str, tail: &str) -> String {
    format!("/api/meshobjects/meshbuildingblockruns/{}{tail}", segment(uuid))
}

/// The run's events, as the API tells them; a browser that comes back says what it saw last.
async fn stream(ctx: Ctx, headers: HeaderMap, path: Path<Vec<(String, String)>>) -> Answer {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let path = crate::api::with_query(&api_path(&named(&path), "/events"), [("since", last)]);
    Ok(ctx.api.raw(Method::GET, &path, None).await)
}

fn named(path: &Path<Vec<(String, String)>>) -> String {
    path.0.iter().find(|(name, _)| name == "run").map(|(_, uuid)| uuid.clone()).unwrap_or_default()
}

/// All logs as one text file.
async fn log(ctx: Ctx, path: Path<Vec<(String, String)>>) -> Answer {
    let uuid = named(&path);
    let told = ctx.api.get(&api_path(&uuid, "/logs")).await?;
    let mut text = String::new();
    for step in told["steps"].as_array().into_iter().flatten() {
        let part = |name: &str| step[name].as_str().unwrap_or_default();
        let _ = writeln!(text, "== {} [{}]", part("displayName"), part("status"));
        for part in [part("userMessage"), part("systemMessage")].into_iter().filter(|part| !part.is_empty()) {
            let _ = writeln!(text, "{}", part.trim_end());
        }
        text.push('\n');
    }
    let name: String = uuid.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"run-{name}.log\"")),
    ];
    Ok((headers, text).into_response())
}

/// The page that a form came from, if it is one of ours.
fn back(post: &Post, otherwise: String) -> String {
    let back = post.fields.get("back");
    if back.starts_with('/') && !back.starts_with("//") { back.to_owned() } else { otherwise }
}

async fn abort(path: Path<Vec<(String, String)>>, post: Post) -> Answer {
    let uuid = named(&path);
    let target = back(&post, format!("{}/runs/{}", base(&post.ctx), segment(&uuid)));
    match post.ctx.api.send(Method::POST, &api_path(&uuid, "/abort"), None).await {
        Ok(_) => post.ctx.done(&target, tr("The run is being stopped.")),
        Err(problem) => post.ctx.failed(&target, problem.message),
    }
}

/// Starts the block of a run once more; `dry` only finds out what would change, `plan` applies what that found.
async fn again(path: Path<Vec<(String, String)>>, post: Post) -> Answer {
    let uuid = named(&path);
    let ctx = &post.ctx;
    let run = Digest::read(&ctx.api.get(&format!("/api/stoa/v1/runs/{}", segment(&uuid))).await?);
    let here = back(&post, format!("{}/runs/{}", base(ctx), segment(&uuid)));
    let block = format!("/api/meshobjects/meshbuildingblocks/{}", segment(&run.block));
    let started = match post.fields.get("what") {
        "plan" => ctx.api.send(Method::POST, &format!("{block}/approve-run"), None).await,
        "dry" => ctx.api.post(&format!("{block}/trigger-run"), &json!({ "dryRun": true })).await,
        _ => ctx.api.send(Method::POST, &format!("{block}/trigger-run"), None).await,
    };
    match started {
        Ok(_) => {
            let newest = of_block(ctx, &run.block, 1).await;
            let newest = newest.first().map_or(uuid.as_str(), |run| run.uuid.as_str());
            ctx.done(&format!("{}/runs/{}", base(ctx), segment(newest)), tr("A run was started."))
        }
        Err(problem) => ctx.failed(&here, problem.message),
    }
}

/// Leads to the page of a run: its block's, or the operator's.
async fn open(ctx: Ctx, path: Path<Vec<(String, String)>>) -> Answer {
    let uuid = named(&path);
    let run = Digest::read(&ctx.api.get(&format!("/api/stoa/v1/runs/{}", segment(&uuid))).await?);
    let home = segment(ctx.home());
    let target = if run.workspace.eq_ignore_ascii_case(ctx.home()) {
        format!("/w/{home}/b/{}/runs/{}", segment(&run.block), segment(&uuid))
    } else {
        format!("/w/{home}/build/runs/{}", segment(&uuid))
    };
    Ok(Redirect::to(&target).into_response())
}

/// Streams, logs and actions of runs; for workspaces and for administrators.
pub fn pages() -> Pages {
    let mut pages = Pages::new().route("/w/{workspace}/runs/{run}", get(open));
    for base in ["/w/{workspace}", "/admin"] {
        pages = pages
            .route(&format!("{base}/runs/{{run}}/stream"), get(stream))
            .route(&format!("{base}/runs/{{run}}/log"), get(log))
            .route(&format!("{base}/runs/{{run}}/abort"), post(abort))
            .route(&format!("{base}/runs/{{run}}/again"), post(again));
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said() {
        let at = |text: &str| format!("2026-05-01T{text}Z");
        for (to, said) in [
            ("12:00:00.250", "250 ms"),
            ("12:00:07", "7 s"),
            ("12:02:05", "2 min 5 s"),
            ("14:03:00", "2 h 3 min"),
        ] {
            assert_eq!(span(&at("12:00:00"), &at(to)), said);
        }
        assert_eq!(span("", ""), "");
    }

    #[test]
    fn only_the_web_is_linked() {
        assert_eq!(web_link("https://ci.example/7"), "https://ci.example/7");
        for hostile in ["javascript:alert(1)", " JavaScript:x", "data:text/html,x", "//x", "ftp://x"] {
            assert_eq!(web_link(hostile), "", "{hostile}");
        }
    }
}
