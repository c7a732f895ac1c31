//! Connection tests: can tenants of a platform come to be (`domain-platforms.md` §9.5, `api-platforms.md` §9). What
//! the database knows is looked up in one transaction, the endpoint is asked outside of any.

use super::review::{id_outputs, newest_version};
use super::{Instance, KIND};
use crate::{landing_zone, platform_type};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_blocks::definition::{self, Definition, TargetType};
use stoa_blocks::run::model::Run;
use stoa_blocks::run::store::{self, Of};
use stoa_blocks::version::wire::{Assignment, Version};
use stoa_blocks::{block, runner, version};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects;
use stoa_core::{Action, Call, Fault, Outcome, Resource, Settings};
use stoa_db::Tx;
use stoa_web::route::Visitor;
use stoa_web::{App, Kind, Reply, Request, dispatch, outgoing};
use utoipa::ToSchema;

/// How many results are kept.
const KEPT: usize = 5;
/// How long a runner may be silent.
const SILENCE: Duration = Duration::from_mins(5);
/// How long the endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: i64 = 100_000;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outlook {
    /// It does not apply.
    Skipped,
    /// Well.
    Pass,
    /// Something will be missing.
    Warn,
    /// Tenants cannot come to be.
    Fail,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformConnectionCheck)]
pub struct Check {
    /// Its name, for example `TYPE_ACTIVE`.
    #[serde(rename = "check")]
    name: &'static str,
    /// How it went.
    result: Outlook,
    /// What was found.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    advice: Option<&'static str>,
}

impl Check {
    fn pass(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, result: Outlook::Pass, message: message.into(), advice: None }
    }

    fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, result: Outlook::Skipped, message: message.into(), advice: None }
    }

    fn warn(name: &'static str, message: impl Into<String>, advice: &'static str) -> Self {
        Self { name, result: Outlook::Warn, message: message.into(), advice: Some(advice) }
    }

    fn fail(name: &'static str, message: impl Into<String>, advice: &'static str) -> Self {
        Self { name, result: Outlook::Fail, message: message.into(), advice: Some(advice) }
    }
}

/// One connection test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformConnectionTest)]
pub struct Test {
    /// When.
    at: String,
    /// Who asked for it.
    by: String,
    /// The worst of its checks.
    result: Outlook,
    /// The checks.
    checks: Vec<Check>,
}

/// The latest connection tests of a platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformConnectionTests)]
pub struct Tests {
    /// Newest first.
    tests: Vec<Test>,
}

/// What is needed of a connector: a definition with the version that is ordered.
struct Connector {
    id: ObjectId,
    definition: Definition,
    version: Option<Version>,
}

fn connector(tx: &mut Tx, id: ObjectId) -> Outcome<Option<Connector>> {
    let Some((_, definition)) = definition::by_id(tx, id)? else { return Ok(None) };
    Ok(Some(Connector { id, definition, version: newest_version(tx, id)? }))
}

fn supporting(tx: &mut Tx, kind: &str) -> Outcome<Vec<ObjectId>> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let found = listing::list(tx, &Query::of(definition::KIND, seen), &Page::first(MOST))?;
    let mut ids = Vec::new();
    for object in found.items {
        let definition: Definition = object.doc()?;
        let supports = definition.supported_platforms.iter().flatten().any(|found| found.name == kind);
        if definition.target_type == TargetType::TenantLevel && supports {
            ids.push(object.id);
        }
    }
    Ok(ids)
}

fn type_active(tx: &mut Tx, name: &str) -> Outcome<Check> {
    const NAME: &str = "TYPE_ACTIVE";
    Ok(match platform_type::by_name(tx, name)? {
        Some(found) if platform_type::is_active(&found) => {
            Check::pass(NAME, format!("The type {name} is active."))
        }
        Some(_) => Check::fail(
            NAME,
            format!("The type {name} is deactivated."),
            "Ask an administrator to reactivate the platform type.",
        ),
        None => Check::fail(NAME, format!("There is no type {name}."), "Create the platform type."),
    })
}

fn id_output(tx: &mut Tx, platform: ObjectId) -> Outcome<Check> {
    const NAME: &str = "ID_OUTPUT";
    let mut most = 0;
    for zone in landing_zone::of_platform(tx, platform)?.iter().filter(|zone| !zone.disabled) {
        let count = id_outputs(tx, &zone.zone.mandatory)?;
        if count == 1 {
            let text =
                format!("Landing zone {} orders exactly one PLATFORM_TENANT_ID output.", zone.object.key);
            return Ok(Check::pass(NAME, text));
        }
        most = most.max(count);
    }
    let advice = "Make a landing zone whose mandatory building blocks have exactly one output of assignment type \
                  PLATFORM_TENANT_ID: it tells the id of the tenant.";
    Ok(if most == 0 {
        Check::fail(
            NAME,
            "No enabled landing zone has a mandatory building block that tells the id of a tenant.",
            advice,
        )
    } else {
        Check::fail(
            NAME,
            format!("The mandatory building blocks have {most} PLATFORM_TENANT_ID outputs, not one."),
            advice,
        )
    })
}

fn inputs_complete(connectors: &[Connector]) -> Check {
    const NAME: &str = "INPUTS_COMPLETE";
    let mut asking = Vec::new();
    for connector in connectors {
        for (key, input) in connector.version.iter().flat_map(|version| &version.inputs) {
            if input.assignment_type == Assignment::UserInput && input.default_value.is_null() {
                asking.push(format!("{key} of {}", connector.definition.display_name));
            }
        }
    }
    if asking.is_empty() {
        return Check::pass(
            NAME,
            "No mandatory building block asks its user for anything without a default.",
        );
    }
    Check::warn(
        NAME,
        format!("Orders through the API will fail: nobody supplies {}.", asking.join(", ")),
        "Give the inputs a default value, or assign them otherwise.",
    )
}

fn runner_alive(tx: &mut Tx, call: &Call, connectors: &[Connector]) -> Outcome<Check> {
    const NAME: &str = "RUNNER_ALIVE";
    const ADVICE: &str = "Start the runner, and see in its log whether it reaches Stoa with a valid key.";
    let mut alive = Vec::new();
    for connector in connectors {
        let Some(version) = &connector.version else { continue };
        if version.implementation_type() == "manual" {
            continue;
        }
        let name = &connector.definition.display_name;
        let uuid = match version::effective_runner(tx, version)? {
            Ok(id) => id.to_string(),
            Err(problem) => {
                let advice = "Name one runner, in the version of the definition or in its integration.";
                return Ok(Check::fail(NAME, format!("{name}: {problem}"), advice));
            }
        };
        let Some((object, runner)) = runner::by_uuid(tx, call, &uuid)? else {
            let text = format!("The runner {uuid} of {name} does not exist.");
            return Ok(Check::fail(NAME, text, "Name an existing runner in the version of the definition."));
        };
        let seen = object.status["lastSeen"].as_str().and_then(|text| text.parse::<Moment>().ok());
        match seen {
            Some(seen) if call.now.since(seen) <= SILENCE => alive.push(runner.display_name),
            Some(seen) => {
                let text = format!("The runner {} reported last at {seen}.", runner.display_name);
                return Ok(Check::fail(NAME, text, ADVICE));
            }
            None => {
                let text = format!("The runner {} never reported.", runner.display_name);
                return Ok(Check::fail(NAME, text, ADVICE));
            }
        }
    }
    alive.dedup();
    Ok(if alive.is_empty() {
        Check::skipped(NAME, "No definition here needs a runner.")
    } else {
        Check::pass(NAME, format!("Reported within five minutes: {}.", alive.join(", ")))
    })
}

fn dry_run(tx: &mut Tx, owner: &str, connectors: &[Connector]) -> Outcome<Check> {
    const NAME: &str = "DRY_RUN";
    let mut newest: Option<Run> = None;
    for connector in connectors {
        let seen = Visibility { all: true, ..Visibility::default() };
        let mut query = Query::of(block::KIND, seen).with("definitionUuid", Some(&connector.id.to_string()));
        query.workspace = Some(owner.into());
        for found in listing::list(tx, &query, &Page::first(100))?.items {
            let (runs, _) = store::list(tx, Of::Block(found.id), None, None, &Page::first(50))?;
            let dry = runs.into_iter().find(|run| run.behavior == "DETECT" && run.ended_at.is_some());
            if dry.as_ref().map(|run| run.created_at) > newest.as_ref().map(|run| run.created_at) {
                newest = dry;
            }
        }
    }
    let advice = "Order a tenant in your own workspace, and start a dry run (DETECT) of its building block.";
    Ok(match newest {
        None => {
            Check::warn(NAME, format!("No building block of workspace {owner} had a dry run yet."), advice)
        }
        Some(run) if run.state.shown() == "SUCCEEDED" => {
            Check::pass(NAME, format!("The last dry run, {}, succeeded.", run.id))
        }
        Some(run) => Check::fail(
            NAME,
            format!("The last dry run, {}, ended as {}.", run.id, run.state.shown()),
            "Read the log of the run, repair the connector, and run it dry again.",
        ),
    })
}

/// Everything that can be told without leaving the house.
fn look(tx: &mut Tx, call: &Call, found: &Instance) -> Outcome<Vec<Check>> {
    let kind = found.type_identifier();
    let mut checks = vec![type_active(tx, kind)?];
    if found.platform.config_type() != "custom" {
        let replication =
            found.platform.settings().is_some_and(|settings| !settings["replication"].is_null());
        checks.push(if replication {
            Check::pass("CONFIGURED", "The platform has a replication block.")
        } else {
            Check::fail(
                "CONFIGURED",
                "The platform has no replication block, without which no tenant can be made.",
                "Add the replication block to the platform's configuration.",
            )
        });
        checks.push(Check::fail(
            "REPLICATOR",
            format!("This version of Stoa has no replicator for {kind}: tenants wait until somebody gives their id."),
            "Make the tenant on the platform and give its id to Stoa, or use a custom platform with building blocks.",
        ));
        return Ok(checks);
    }
    let supporting = supporting(tx, kind)?;
    checks.push(if supporting.is_empty() {
        Check::fail(
            "DEFINITION_PRESENT",
            format!("No tenant-level building block definition supports {kind}."),
            "Create a definition with targetType TENANT_LEVEL that names the type in supportedPlatforms.",
        )
    } else {
        Check::pass("DEFINITION_PRESENT", format!("{} definitions support {kind}.", supporting.len()))
    });
    checks.push(id_output(tx, found.object.id)?);
    let mut mandatory = Vec::new();
    for zone in landing_zone::of_platform(tx, found.object.id)?.iter().filter(|zone| !zone.disabled) {
        for id in &zone.zone.mandatory {
            if !mandatory.contains(id) {
                mandatory.push(*id);
            }
        }
    }
    // Before there is a landing zone, the definitions that support the type are all there is to look at.
    let ids = if mandatory.is_empty() { &supporting } else { &mandatory };
    let mut connectors = Vec::new();
    for id in ids {
        connectors.extend(connector(tx, *id)?);
    }
    checks.push(inputs_complete(&connectors));
    checks.push(runner_alive(tx, call, &connectors)?);
    checks.push(dry_run(tx, found.object.owner(), &connectors)?);
    Ok(checks)
}

/// Asks the endpoint for anything at all: no credentials, no redirects, not for long.
async fn reach(settings: &Settings, endpoint: &str) -> Check {
    const NAME: &str = "ENDPOINT_REACHABLE";
    const ADVICE: &str =
        "See whether the platform's endpoint is right, and whether Stoa's server may reach it.";
    if endpoint.is_empty() {
        return Check::skipped(NAME, "The platform has no endpoint.");
    }
    let url = url::Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Check::warn(NAME, format!("{endpoint} is no http or https URL."), ADVICE);
    };
    let client = match outgoing::client(settings, &url, PATIENCE).await {
        Ok(client) => client,
        Err(error) => return Check::warn(NAME, format!("{endpoint} was not asked. {error}"), ADVICE),
    };
    match client.get(url).header(http::header::USER_AGENT, "stoa").send().await {
        Ok(answer) => Check::pass(NAME, format!("{endpoint} answers with {}.", answer.status())),
        Err(error) if error.is_timeout() => Check::warn(
            NAME,
            format!("{endpoint} did not answer within {} seconds.", PATIENCE.as_secs()),
            ADVICE,
        ),
        Err(_) => Check::warn(NAME, format!("{endpoint} cannot be reached."), ADVICE),
    }
}

/// Runs a test, keeps its result, and answers with it.
pub async fn run(app: Arc<App>, visitor: Visitor, request: Request) -> Outcome<axum::response::Response> {
    let Visitor { call, again } = visitor;
    let id = request.param(0).to_owned();
    let (endpoint, mut checks) = app
        .db
        .read({
            let (call, id) = (call.clone(), id.clone());
            move |tx| -> Outcome<_> {
                call.may_at_all(Resource::Platform, Action::Write)?;
                let missing = || Refusal::missing(KIND, id.as_str());
                let found =
                    id.parse().map_or(Ok(None), |uuid| super::by_id(tx, uuid))?.ok_or_else(missing)?;
                call.may(Resource::Platform, Action::Write, &super::kind::Platforms::scope(&found.object))?;
                Ok((found.platform.endpoint.clone(), look(tx, &call, &found)?))
            }
        })
        .await?;
    let reached = reach(&app.world.settings, &endpoint).await;
    // In the order of the table: the endpoint before the dry run.
    let place = checks.iter().position(|check| check.name == "DRY_RUN").unwrap_or(checks.len());
    checks.insert(place, reached);
    let result = checks.iter().map(|check| check.result).max().unwrap_or(Outlook::Skipped);
    let test = Test { at: call.now.to_string(), by: call.actor.author(), result, checks };
    let shown =
        serde_json::to_value(test).map_err(|_| Fault::Corrupt { what: "result of a connection test" })?;
    let kept = shown.clone();
    app.db
        .write(move |tx| -> Outcome<()> {
            let call = again(tx)?;
            let missing = || Refusal::missing(KIND, id.as_str());
            let mut found = id.parse().map_or(Ok(None), |uuid| super::held(tx, uuid))?.ok_or_else(missing)?;
            found.status.connection_tests.insert(0, kept.clone());
            found.status.connection_tests.truncate(KEPT);
            let status = serde_json::to_value(&found.status)?;
            objects::observe(tx, &call, &mut found.object, status, &[], None)
        })
        .await?;
    Ok(dispatch::dress(Reply::json(StatusCode::OK, stoa_web::media::JSON, &shown)))
}

/// The latest results, for the owner, contributors and admins.
pub fn list(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    let id = request.param(0);
    call.may_at_all(Resource::Platform, Action::Read)?;
    let missing = || Refusal::missing(KIND, id);
    let found = id.parse().map_or(Ok(None), |uuid| super::by_id(tx, uuid))?.ok_or_else(missing)?;
    super::kind::Platforms::readable(call, &found.object)?;
    let contributes = call.actor.home.as_deref().is_some_and(|home| found.platform.has_contributor(home));
    if !contributes {
        call.may(Resource::Platform, Action::Read, &super::kind::Platforms::scope(&found.object))?;
    }
    Ok(Reply::ok(&json!({ "tests": found.status.connection_tests })))
}
