//! `stoa runs`: what runs are doing, what they did, and a hand on them.

use crate::api::{Api, Query, no_body};
use crate::args::{Format, Runs, Verdict};
use crate::console::{Channel, Console, one_line, plain};
use crate::failure::Failure;
use crate::kinds;
use crate::order::within;
use crate::show;
use crate::values::{Assignment, Declaration, typed};
use crate::watch::{self, Goal, View, Wish, is_final, warnings};
use serde_json::{Map, Value, json};

/// Does what was asked about runs.
pub(crate) async fn runs(api: &Api, console: &mut Console, command: Runs) -> Result<(), Failure> {
    match command {
        Runs::List { block, limit } => list(api, console, block.as_deref(), limit).await,
        Runs::Watch { run, block, logs, timeout } => {
            let json = console.format != Format::Table;
            let channel = (!console.quiet).then_some(Channel::Out);
            let mut view = View::new(console, Wish { channel, json, logs });
            within(timeout, watch(api, console, &mut view, run, block)).await
        }
        Runs::Start { block, dry_run, apply_plan, watch: follow, logs, timeout } => {
            let run = start(api, console, &block, dry_run, apply_plan).await?;
            let Some(run) = run.filter(|_| follow) else { return Ok(()) };
            let json = console.format != Format::Table;
            let channel = (!console.quiet).then_some(Channel::Out);
            let mut view = View::new(console, Wish { channel, json, logs });
            within(timeout, watch(api, console, &mut view, Some(run), None)).await
        }
        Runs::Logs { run } => logs(api, console, &run).await,
        Runs::Abort { run } => abort(api, console, &run).await,
        Runs::Complete { run, status, message, outputs } => {
            complete(api, console, &run, status, message, &outputs).await
        }
    }
}

async fn list(
    api: &Api,
    console: &mut Console,
    block: Option<&str>,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let mut query = Query::new();
    if let Some(block) = block {
        query.push(("buildingBlockUuid", api.block_uuid(block, None).await?));
    }
    let runs = api.list(&kinds::RUN, &query, limit).await?;
    show::list(console, &kinds::RUN, &runs)
}

async fn watch(
    api: &Api,
    console: &mut Console,
    view: &mut View,
    run: Option<String>,
    block: Option<String>,
) -> Result<(), Failure> {
    let run = match (run, block) {
        (Some(run), _) => run,
        (None, Some(block)) => {
            let uuid = api.block_uuid(&block, None).await?;
            let found = api.get(&kinds::BLOCK, &uuid).await?;
            // A dry run stands there only while it is the newest run.
            let newest = ["latestDryRunUuid", "latestRunUuid"];
            let Some(run) = newest.iter().find_map(|field| found["status"][field].as_str()) else {
                console.note("no run of this block may be seen; following the block itself")?;
                return watch::block(api, console, view, &uuid, &Goal::Settled).await.map(|_| ());
            };
            run.to_owned()
        }
        (None, None) => return Err(Failure::Usage("name a run, or its block with --block".to_owned())),
    };
    watch::run(api, console, view, &run).await?.verdict(&run)
}

/// Starts a run and gives its uuid, if the caller may know it.
async fn start(
    api: &Api,
    console: &mut Console,
    block: &str,
    dry_run: bool,
    apply_plan: bool,
) -> Result<Option<String>, Failure> {
    let uuid = api.block_uuid(block, None).await?;
    let action = if apply_plan { "approve-run" } else { "trigger-run" };
    let body = if dry_run { json!({ "dryRun": true }) } else { no_body() };
    api.act(&kinds::BLOCK, &uuid, action, &body).await?;
    let field = if dry_run { "latestDryRunUuid" } else { "latestRunUuid" };
    let found = api.get(&kinds::BLOCK, &uuid).await?;
    let run = found["status"][field].as_str().map(str::to_owned);
    console.note(format_args!("run {} is queued", run.as_deref().unwrap_or("of the block")))?;
    Ok(run)
}

async fn logs(api: &Api, console: &mut Console, run: &str) -> Result<(), Failure> {
    let path = Api::path(&kinds::RUN, run, "/logs");
    let logs = api.client().get(&path, &kinds::RUN.media()).await.map_err(Failure::from)?;
    if console.format != Format::Table {
        return show::document(console, &logs);
    }
    for step in logs["steps"].as_array().into_iter().flatten() {
        let text = |key: &str| step[key].as_str().map(plain).filter(|text| !text.trim().is_empty());
        let name = one_line(step["displayName"].as_str().unwrap_or("-"));
        console.line(format_args!("== {name} ({})", step["status"].as_str().unwrap_or("-")))?;
        for text in [text("userMessage"), text("systemMessage")].into_iter().flatten() {
            console.line(text.trim_end())?;
        }
    }
    if let Some(summary) = logs["summary"].as_str() {
        console.line(format_args!("== {}", plain(summary).trim_end()))?;
    }
    if let Some(changes) = logs["changesDetected"].as_bool() {
        console.line(if changes {
            "== The dry run found changes"
        } else {
            "== The dry run found no changes"
        })?;
    }
    for warning in warnings(logs.get("warnings")) {
        console.warn(one_line(&warning))?;
    }
    Ok(())
}

async fn abort(api: &Api, console: &mut Console, run: &str) -> Result<(), Failure> {
    api.act(&kinds::RUN, run, "abort", &no_body()).await?;
    let now = api.get(&kinds::RUN, run).await?;
    match now["status"].as_str().unwrap_or_default() {
        "ABORTED" => console.note(format_args!("run {run} is aborted")),
        status if is_final(status) => console.note(format_args!("run {run} was over already: {status}")),
        _ => console.note(format_args!("run {run} will be aborted when its runner reports next")),
    }
}

async fn complete(
    api: &Api,
    console: &mut Console,
    run: &str,
    status: Verdict,
    message: Option<String>,
    outputs: &[String],
) -> Result<(), Failure> {
    let mut given = Vec::new();
    for text in outputs {
        given.push(Assignment::parse(text)?);
    }
    let declared = if given.is_empty() { None } else { declared_outputs(api, run).await? };
    let mut outputs = Map::new();
    for assignment in &given {
        let entry = declared.as_ref().and_then(|declared| declared.get(&assignment.key));
        if let (Some(declared), None) = (&declared, entry) {
            let known: Vec<_> = declared.keys().map(|key| format!("`{key}`")).collect();
            let (key, known) = (&assignment.key, known.join(", "));
            return Err(Failure::Usage(format!("there is no output `{key}`; there is {known}")));
        }
        let declaration = entry.map(Declaration::read);
        outputs.insert(assignment.key.clone(), typed(assignment, declaration.as_ref())?);
    }
    let status = match status {
        Verdict::Succeeded => "SUCCEEDED",
        Verdict::Failed => "FAILED",
    };
    let body = json!({ "status": status, "message": message, "outputs": outputs });
    let answer = api.act(&kinds::RUN, run, "complete", &body).await?;
    // The declared outputs may say otherwise than the operator.
    let ended = answer["status"].as_str().unwrap_or(status);
    if ended != status {
        let why = answer["summary"].as_str().unwrap_or("its outputs do not fit");
        return Err(Failure::Operation(format!("run {run} is {ended}: {}", one_line(why))));
    }
    console.note(format_args!("run {run} is completed: {ended}"))
}

/// The outputs that the run's version declares, or `None` if the caller may not read it.
async fn declared_outputs(api: &Api, run: &str) -> Result<Option<Map<String, Value>>, Failure> {
    let run = api.get(&kinds::RUN, run).await?;
    let definition = &run["spec"]["buildingBlockDefinition"];
    let Some(uuid) = definition["uuid"].as_str() else {
        return Ok(None);
    };
    let Some(versions) = api.versions(uuid).await? else {
        return Ok(None);
    };
    let number = &definition["spec"]["version"];
    let version = versions.into_iter().find(|version| version["spec"]["versionNumber"] == *number);
    Ok(version.and_then(|mut version| match version["spec"]["outputs"].take() {
        Value::Object(outputs) => Some(outputs),
        _ => None,
    }))
}
