//! Claiming a run: exactly one of many runners gets it, with tokens of its own (`runner-protocol.md` §3).

use super::model::{Run, RunState};
use super::payload::{self, Undeliverable};
use super::{KIND, deadline, engine, store};
use crate::block::model::{BlockState, Ordered};
use crate::secret::{self, KEY, Keeper};
use crate::{block, runner, version};
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use stoa_base::Refusal;
use stoa_core::feed::Deed;
use stoa_core::{Action, Call, Fault, Outcome, Principal, Resource, Scope, objects, work};
use stoa_db::Tx;
use stoa_identity::token::Claims;
use stoa_seal::PublicKey;
use stoa_web::{Reply, Request, media};

/// Hard limit of run tokens (`runner-protocol.md` §2.4).
const TOKEN_MAX: Duration = Duration::from_hours(24);
/// How many runs that cannot be executed are ended in one claim.
const REJECTED_MAX: usize = 20;

/// `POST …/create?forRunnerUuid=…`.
pub fn claim(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    if matches!(call.actor.principal, Principal::Run(_)) {
        // The token of a finished run, still in a runner's hands: it has to sign in again (§2.1).
        return Err(Refusal::Unauthorized("A run token claims no runs.".into()).into());
    }
    call.may_at_all(Resource::Run, Action::Write)?;
    let uuid = request
        .query("forRunnerUuid")
        .ok_or_else(|| Refusal::invalid("forRunnerUuid", "is required as a query parameter"))?;
    let Some((object, kept)) = runner::by_uuid(tx, call, uuid)? else {
        tracing::warn!(runner.uuid = uuid, "a claim named a runner that does not exist");
        return Err(Refusal::Absent(format!(
            "No meshBuildingBlockRunner `{uuid}` exists, so no run waits for it."
        ))
        .into());
    };
    let scope = Scope { managers: vec![object.owner()], ..Scope::default() };
    call.may(Resource::Run, Action::Write, &scope)?;
    let header = |name| request.header(name);
    let name = header("x-meshcloud-runner-name");
    let by = (header("x-block-runner-node-id"), name, header("x-meshcloud-runner-version"));
    runner::seen(tx, &object, call.now, &json!({ "node": by.0, "name": by.1, "version": by.2 }))?;
    // The stock OpenTofu runner cannot say which kinds it executes (§3.3).
    let only = (name == Some("tf-block-runner")).then_some("TERRAFORM");

    let fingerprint = secret::fingerprint(&kept.public_key)?;
    for _ in 0..REJECTED_MAX {
        let Some(mut run) = store::next_for(tx, object.id, only)? else { break };
        match prepare(tx, &run, &fingerprint)? {
            Err(Undeliverable(why)) => engine::reject(tx, call, &mut run, &why)?,
            Ok((mut ordered, mut spec, permissions)) => {
                if !store::claim(tx, &mut run, call.now, by, &spec.to_string())? {
                    continue;
                }
                add_tokens(call, &run, &kept.public_key, &mut spec, permissions)?;
                hold(tx, call, &run, &mut ordered)?;
                let body = payload::represent(call, &run, spec);
                return Ok(Reply::json(StatusCode::CREATED, media::of(KIND, "v1"), &body));
            }
        }
    }
    Ok(nothing(call, request))
}

/// The answer when no run waits: 404, but not an error, because what was noted on the way has to stay.
fn nothing(call: &Call, request: &Request) -> Reply {
    let body = json!({
        "errorCode": "NotFound",
        "message": "No run is waiting for this runner.",
        "status": StatusCode::NOT_FOUND.as_u16(),
        "timestamp": call.now,
        "path": request.uri.split('?').next(),
    });
    Reply::json(StatusCode::NOT_FOUND, media::JSON, &body)
}

type Prepared = (Ordered, Value, Vec<String>);

fn prepare(tx: &mut Tx, run: &Run, fingerprint: &str) -> Outcome<Result<Prepared, Undeliverable>> {
    let gone =
        |what: &str| Ok(Err(Undeliverable(format!("The {what} of this run does not exist any more."))));
    let Some(object) = objects::by_id_for_update(tx, block::KIND, run.block)? else { return gone("block") };
    let ordered = Ordered::read(object)?;
    let Some((_, version)) = version::by_id(tx, run.version)? else { return gone("version") };
    if let Err(problem) = version::effective_runner(tx, &version)? {
        return Ok(Err(Undeliverable(problem)));
    }
    let of = (ordered.block.display_name.as_str(), &ordered.block);
    let spec = match payload::spec(tx, run, of, &version, Some(fingerprint))? {
        Ok(spec) => spec,
        Err(undeliverable) => return Ok(Err(undeliverable)),
    };
    Ok(Ok((ordered, spec, version.permissions)))
}

/// Adds the run token and the system inputs; they are in the answer only, never stored.
fn add_tokens(
    call: &Call,
    run: &Run,
    public_key: &str,
    spec: &mut Value,
    permissions: Vec<String>,
) -> Outcome<()> {
    let exp = (call.now + TOKEN_MAX).seconds();
    let (id, workspace) = (run.id, run.workspace.clone());
    let claims =
        Claims::Run { run: id, block: run.block, workspace: workspace.clone(), epoch: run.epoch, exp };
    let token = claims.sign(&call.world)?;
    // The key is read only where there is something to seal.
    let sealed = |text: &str| -> Outcome<String> {
        let key = PublicKey::from_pem(public_key).map_err(|_| Fault::Corrupt { what: KEY })?;
        Ok(key.seal(text).map_err(|_| Fault::Crypto { what: "sealing for a runner" })?)
    };
    let mut system = Vec::new();
    if run.implementation != "MANUAL" {
        if !permissions.is_empty() {
            let api = Claims::RunApi { run: id, workspace, permissions, exp }.sign(&call.world)?;
            system.push(payload::system_input("MESHSTACK_API_TOKEN", &sealed(&api)?, true));
            let base = &call.world.settings.public_url;
            system.push(payload::system_input("MESHSTACK_ENDPOINT", base, false));
        }
        let implementation = &spec["buildingBlockDefinition"]["spec"]["implementation"];
        if run.implementation == "GITHUB_WORKFLOW"
            && implementation["async"] == json!(true)
            && implementation["omitRunObjectInput"] == json!(true)
        {
            system.push(payload::system_input("MESHSTACK_RUN_TOKEN", &sealed(&token)?, true));
        }
    }
    spec["runToken"] = json!(token);
    if let Some(inputs) = spec["buildingBlock"]["spec"]["inputs"].as_array_mut() {
        inputs.extend(system);
    }
    Ok(())
}

/// Marks the run's block as being worked on and sets the run's deadline.
pub fn hold(tx: &mut Tx, call: &Call, run: &Run, ordered: &mut Ordered) -> Outcome<()> {
    if run.behavior != "DETECT" && ordered.shows(run) {
        ordered.status.status = BlockState::InProgress;
        ordered.status.waiting = Some(engine::executing(call, run));
        block::save_status(tx, call, ordered, Some(run.id))?;
    } else if ordered.previews(run) {
        ordered.status.waiting = Some(engine::executing(call, run));
        block::save_status(tx, call, ordered, Some(run.id))?;
    }
    work::schedule(tx, deadline::CONTROLLER, &run.id.to_string(), deadline::of(call, run))?;
    engine::tell_of(tx, call, run, Deed::Reported, json!({ "status": RunState::InProgress.shown() }))
}

/// The keeper of secrets for the runner that a version's runs go to.
pub fn keeper_of(tx: &mut Tx, version: &crate::version::wire::Version) -> Outcome<Keeper> {
    let runner = version::effective_runner(tx, version)?.unwrap_or(version.runner);
    let found = objects::by_id(tx, runner::KIND, runner)?;
    let runner: runner::Runner = found.ok_or(Fault::Corrupt { what: "runner of a version" })?.doc()?;
    Keeper::runner(&runner.public_key)
}
