//! Orders that somebody looks at first: the first run is a dry run, and the block is `WAITING_FOR_APPROVAL` until
//! somebody applies its plan, applies without one, or deletes the block, which takes down nothing because nothing
//! was made (`panel.md` §6; an extension of `api-building-blocks.md` §5.1 and §6.7).

use super::model::{Block, BlockState, Ordered, Waiting};
use super::target::Target;
use super::{conflict, insufficient, resolve};
use crate::definition::Definition;
use crate::run::engine;
use crate::run::model::{Behavior, Reason, Run, RunState};
use crate::run::report::KEEP;
use crate::run::{payload, store};
use crate::version::wire::Version;
use serde_json::Value;
use stoa_base::{Refusal, RunId};
use stoa_core::{Allowed, Call, Outcome};
use stoa_db::Tx;
use stoa_web::Request;

/// The only implementation whose dry runs change nothing (`runner-protocol.md` §13).
const PLANS: &str = "terraform";

/// Whether an order asks for a look first: `?firstRun=DETECT`.
pub fn is_asked(request: &Request) -> Outcome<bool> {
    match request.query("firstRun") {
        None | Some("APPLY") => Ok(false),
        Some("DETECT") => Ok(true),
        Some(other) => {
            Err(Refusal::invalid("firstRun", format!("knows APPLY and DETECT, not `{other}`")).into())
        }
    }
}

/// Whether versions of this implementation can be looked at without changing anything.
pub fn is_possible(version: &Version) -> bool {
    version.implementation_type() == PLANS
}

/// Refuses a look that cannot be had, or that would not be shown to whoever asks: dry runs follow the rule of
/// `api-building-blocks.md` §5.3.
pub fn check(allowed: Allowed, definition: &Definition, version: &Version) -> Outcome<()> {
    if !is_possible(version) {
        let problem = format!("can be DETECT for implementations of type {PLANS} only");
        return Err(Refusal::invalid("firstRun", problem).into());
    }
    if !allowed.operates() && !definition.run_transparency {
        return Err(insufficient("what a run of this definition would do is shown to its operator only"));
    }
    Ok(())
}

/// Starts what follows once no input is missing: a run that applies, or, while nobody has decided about the order,
/// another look. The run, unless none is possible.
pub fn go_on(
    tx: &mut Tx,
    call: &Call,
    ordered: &mut Ordered,
    version: &Version,
    reason: Reason,
) -> Outcome<Option<RunId>> {
    if !ordered.status.is_preview {
        return engine::start(tx, call, ordered, version, (Behavior::Apply, reason), None).map(Some);
    }
    if is_possible(version) {
        return engine::start(tx, call, ordered, version, (Behavior::Detect, reason), None).map(Some);
    }
    // A draft became something else meanwhile. Nothing was promised but that nothing is applied unasked.
    ordered.status.status = BlockState::WaitingForApproval;
    ordered.status.latest_dry_run = None;
    let kind = format!("an implementation of type {}", version.implementation_type());
    ordered.status.waiting = Some(Waiting::new(call.now, "DRY_RUN_IMPOSSIBLE", kind, who(ordered)));
    Ok(None)
}

/// Who decides about an order: whoever could have made it.
fn who(ordered: &Ordered) -> String {
    format!(
        "whoever may order in workspace {}, or the operators in workspace {}",
        ordered.workspace(),
        ordered.block.operator
    )
}

/// What a block waits for once its dry run is over.
pub fn waiting(call: &Call, run: &Run, ordered: &Ordered) -> Waiting {
    let reason = match run.state {
        RunState::Succeeded if run.artifact.is_some() => "PLAN_UNDECIDED",
        RunState::Succeeded => "PLAN_MISSING",
        _ => "DRY_RUN_FAILED",
    };
    Waiting::new(call.now, reason, format!("run {}", run.id), who(ordered))
}

/// Whether a run is a dry run with a plan.
pub fn has_plan(run: &Run) -> bool {
    run.behavior == Behavior::Detect.word() && run.state == RunState::Succeeded && run.artifact.is_some()
}

/// The dry run whose plan is applied next: the block's newest run, with a plan that is still there and still is what
/// a run would do. A plan of other inputs, of another version, or of a version that changed is refused.
pub fn plan(tx: &mut Tx, call: &Call, ordered: &mut Ordered, version: &Version) -> Outcome<Run> {
    let planned = store::newest_of(tx, ordered.object.id)?
        .filter(has_plan)
        .ok_or_else(|| conflict("The newest run of the block is no dry run with a saved plan."))?;
    let state = ordered.status.status;
    if !state.is_final() && !ordered.is_undecided() {
        return Err(conflict(format!("The block is {}; its plan cannot be applied now.", state.word())));
    }
    if planned.ended_at.is_none_or(|end| call.now.since(end) >= KEEP) {
        return Err(conflict("The plan is too old and has been removed. Start another dry run."));
    }
    let mut block = ordered.block.clone();
    let target = Target::of_block(tx, ordered.workspace(), &block)?;
    let of = (ordered.object.id, &target);
    if let Some(missing) = resolve::resolve(tx, call, of, &mut block, version)? {
        return Err(conflict(format!("Inputs are missing first: {}.", missing.keys.join(", "))));
    }
    if let Some(what) = changed_since(tx, &planned, &block, version)? {
        return Err(conflict(format!(
            "Since this plan was made, {what} changed, so it would do something else than it shows. Start another \
             dry run."
        )));
    }
    ordered.block = block;
    Ok(planned)
}

/// What a run would be told now and was told otherwise when the plan was made: input keys, or the definition.
fn changed_since(tx: &mut Tx, planned: &Run, block: &Block, version: &Version) -> Outcome<Option<String>> {
    const INPUTS: &str = "/buildingBlock/spec/inputs";
    const NAME: &str = "/buildingBlock/spec/displayName";
    let mut then: Value = match store::payload(tx, planned.id)? {
        Some(kept) => serde_json::from_str(&kept)?,
        None => Value::Null,
    };
    let name = then.pointer(NAME).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut now = match payload::spec(tx, planned, (&name, block), version, None)? {
        Ok(spec) => spec,
        Err(payload::Undeliverable(why)) => return Err(conflict(why)),
    };
    if planned.version == block.version && now == then {
        return Ok(None);
    }
    let take = |spec: &mut Value| match spec.pointer_mut(INPUTS).map(Value::take) {
        Some(Value::Array(inputs)) => inputs,
        _ => Vec::new(),
    };
    let (before, after) = (take(&mut then), take(&mut now));
    let differs = |input: &&Value, others: &[Value]| !others.contains(input);
    let one = before.iter().filter(|input| differs(input, &after));
    let mut keys: Vec<String> = one
        .chain(after.iter().filter(|input| differs(input, &before)))
        .filter_map(|input| input["key"].as_str())
        .map(|key| format!("`{key}`"))
        .collect();
    keys.sort();
    keys.dedup();
    Ok(Some(if keys.is_empty() { "the definition or the target".to_owned() } else { keys.join(", ") }))
}
