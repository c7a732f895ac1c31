//! Blocks of tenants as their tenant sees them: made with it, taken down with it, run again when something of
//! it changed (`domain-platforms.md` §5, §9).

use super::model::{BlockState, Lifecycle, Ordered};
use super::order::{Placement, place};
use super::supply::supply;
use super::target::Target;
use super::wire::InputEntry;
use super::{KIND, TAKES_PEOPLE, change, deletion, dependants, locked, resolve};
use crate::definition;
use crate::run::claim::keeper_of;
use crate::run::engine;
use crate::run::model::{Behavior, Reason};
use crate::run::store::{self, Of};
use crate::version;
use crate::version::wire::{Assignment, Version};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::guard::{Reach, Visibility};
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object, Told};
use stoa_core::secrets::redacted;
use stoa_core::{Action, Call, Outcome, Resource, work};
use stoa_db::Tx;
use stoa_tenancy::tenant::{self, Held};

/// Most blocks that are looked at in one go.
const MOST: i64 = 100_000;
/// Runs of one block that a history shows.
const RUNS_SHOWN: i64 = 20;

/// Facets of a block on a tenant.
pub fn facets(held: &Held) -> Vec<(&'static str, String)> {
    vec![
        ("targetRefKind", tenant::KIND.to_owned()),
        ("tenantUuid", held.object.id.to_string()),
        ("projectIdentifier", held.tenant.project.clone()),
        ("platformIdentifier", held.tenant.platform_identifier.clone()),
    ]
}

/// Living blocks of a tenant, oldest first.
pub fn of_tenant(tx: &mut Tx, id: ObjectId) -> Outcome<Vec<Ordered>> {
    let blocks = objects::referrers(tx, id, Some("tenant"), MOST)?;
    blocks.into_iter().filter(|object| object.kind == KIND).map(Ordered::read).collect()
}

/// A definition that tenants of a landing zone come with, and the version they get of it.
pub struct Mandatory {
    definition: definition::Definition,
    object: Object,
    version: Version,
    given: BTreeMap<String, InputEntry>,
}

/// The versions that a new tenant of `workspace` gets of mandatory definitions: the newest release, the draft
/// for the workspace that owns the definition, nothing otherwise (`domain-platforms.md` ZN-11). Those that
/// others lean on come first.
pub fn equipment(tx: &mut Tx, workspace: &str, definitions: &[ObjectId]) -> Outcome<Vec<Mandatory>> {
    let mut found = Vec::new();
    for id in definitions {
        let Some((owner, definition)) = definition::by_id(tx, *id)? else { continue };
        let newest = match version::newest_of(tx, *id, Some("RELEASED"))? {
            Some(released) => Some(released),
            None if owner.owner() == workspace => version::newest_of(tx, *id, None)?,
            None => None,
        };
        if let Some((object, version)) = newest {
            found.push(Mandatory { definition, object, version, given: BTreeMap::new() });
        }
    }
    Ok(in_order(found))
}

/// What whoever orders a tenant says of inputs, by uuid of the definition. The uuid that none of it has, if any.
pub fn give(
    equipment: &mut [Mandatory],
    given: BTreeMap<String, BTreeMap<String, InputEntry>>,
) -> Result<(), String> {
    for (uuid, inputs) in given {
        let one = equipment.iter_mut().find(|one| one.version.definition.to_string() == uuid);
        one.ok_or(uuid)?.given = inputs;
    }
    Ok(())
}

/// Parents before children. Definitions cannot depend on each other in circles.
fn in_order(mut left: Vec<Mandatory>) -> Vec<Mandatory> {
    let mut done: Vec<Mandatory> = Vec::new();
    while !left.is_empty() {
        let names: Vec<ObjectId> = left.iter().map(|one| one.version.definition).collect();
        let next = left.iter().position(|one| !one.version.dependencies.iter().any(|of| names.contains(of)));
        done.push(left.remove(next.unwrap_or(0)));
    }
    done
}

impl Mandatory {
    /// What it is, and what whoever orders a tenant is asked for.
    pub fn shown(&self) -> Value {
        let asked = self.version.inputs.iter();
        let asked = asked.filter(|(_, input)| input.assignment_type == Assignment::UserInput);
        let inputs: Map<String, Value> =
            asked.map(|(key, input)| (key.clone(), redacted(&json!(input)))).collect();
        json!({
            "definitionUuid": self.version.definition,
            "displayName": self.definition.display_name,
            "description": self.definition.description,
            "inputs": inputs,
        })
    }

    /// Why a tenant cannot come with it without asking somebody (`api-platforms.md` §7.3, row 13).
    pub fn obstacle(&self, all: &[Self]) -> Option<String> {
        let name = &self.definition.display_name;
        if let Some(key) = super::order::unanswered(&self.version, &self.given) {
            return Some(format!(
                "needs building block '{name}', whose input `{key}` only a user can fill: it has no default"
            ));
        }
        let missing = self.version.inputs.values().find_map(|input| {
            let of = input.argument.as_str().and_then(|text| text.split('.').next()).unwrap_or_default();
            let present = all.iter().any(|other| other.version.definition.to_string() == of);
            (input.assignment_type == Assignment::BuildingBlockOutput && !present).then(|| of.to_owned())
        });
        missing.map(|of| {
            format!(
                "needs building block '{name}', which takes outputs of definition {of}; that is not mandatory"
            )
        })
    }
}

/// Makes the blocks that a new tenant comes with.
pub fn equip(tx: &mut Tx, call: &Call, held: &Held, equipment: &[Mandatory]) -> Outcome<()> {
    let target = Target { workspace: held.workspace().to_owned(), tenant: Some(held.clone()) };
    let allowed =
        call.as_system().may(Resource::BuildingBlock, Action::Write, &stoa_core::Scope::installation())?;
    let mut made: BTreeMap<ObjectId, ObjectId> = BTreeMap::new();
    for one in equipment {
        let parents = one
            .version
            .dependencies
            .iter()
            .filter_map(|of| {
                made.get(of).map(|block| super::model::Parent { block: *block, definition: *of })
            })
            .collect();
        let keeper = keeper_of(tx, &one.version)?;
        let placement = Placement {
            version: (&one.object, &one.version),
            target: &target,
            display_name: one.definition.display_name.clone(),
            supplied: supply(call, &one.version, &keeper, one.given.clone(), None, Reach::Own)?,
            parents,
            is_mandatory: true,
            is_preview: false,
        };
        let object = place(tx, call, allowed, placement)?;
        made.insert(one.version.definition, object.id);
    }
    Ok(())
}

/// Asks for a look at every block of a tenant: what it takes of the tenant may have changed.
pub fn wake(tx: &mut Tx, call: &Call, id: ObjectId) -> Outcome<()> {
    for block in of_tenant(tx, id)? {
        work::schedule(tx, dependants::CONTROLLER, &block.object.id.to_string(), call.now)?;
    }
    Ok(())
}

/// Runs blocks of a tenant again because its applied quotas changed: those that can read them
/// (`domain-platforms.md` §9.6).
pub fn apply_quotas(tx: &mut Tx, call: &Call, id: ObjectId) -> Outcome<()> {
    for block in of_tenant(tx, id)? {
        let Some((_, version)) = version::by_id(tx, block.block.version)? else { continue };
        let knows =
            version.inputs.values().any(|input| input.assignment_type == Assignment::MeshstackTenantUuid);
        if knows && version.permissions.iter().any(|code| code == "TENANT_LIST") {
            run_again(tx, call, &block.object)?;
        }
    }
    Ok(())
}

/// Starts an APPLY run of every mandatory block of a tenant: "replicate" (`domain-platforms.md` §9.7). How many.
pub fn run_all(tx: &mut Tx, call: &Call, id: ObjectId) -> Outcome<usize> {
    let mut count = 0;
    for block in of_tenant(tx, id)? {
        if block.block.is_mandatory() && run_again(tx, call, &block.object)? {
            count += 1;
        }
    }
    Ok(count)
}

/// Starts an APPLY run of a block, unless it waits for inputs or is going.
fn run_again(tx: &mut Tx, call: &Call, object: &Object) -> Outcome<bool> {
    let mut ordered = locked(tx, object)?;
    if ordered.status.lifecycle != Lifecycle::Active || ordered.status.status.is_waiting() {
        return Ok(false);
    }
    let Some((_, version)) = version::by_id(tx, ordered.block.version)? else { return Ok(false) };
    let target = Target::of_block(tx, ordered.workspace(), &ordered.block)?;
    let mut block = ordered.block.clone();
    let missing = resolve::resolve(tx, call, (ordered.object.id, &target), &mut block, &version)?;
    ordered.block = block;
    let system = call.as_system();
    match missing {
        Some(missing) => engine::park(tx, &system, &mut ordered, &missing)?,
        None => {
            engine::start(tx, &system, &mut ordered, &version, (Behavior::Apply, Reason::Manual), None)?;
        }
    }
    let allowed = system.may(Resource::BuildingBlock, Action::Write, &ordered.scope())?;
    change::write(tx, &system, allowed, &mut ordered, "Building Block Run Triggered")?;
    Ok(true)
}

/// Somebody's roles in a workspace, or in one of its projects, may have changed: blocks that take people are
/// looked at (`domain-platforms.md` §9.6). The next time when a role ends by itself.
pub fn people_changed(tx: &mut Tx, call: &Call, key: &str) -> Outcome<Option<Moment>> {
    let (workspace, project) = key.split_once('.').map_or((key, None), |(w, p)| (w, Some(p)));
    let seen = Visibility { all: true, ..Visibility::default() };
    let mut query = Query::of(KIND, seen).with("projectIdentifier", project).with(TAKES_PEOPLE, Some("true"));
    query.workspace = Some(workspace.to_owned());
    let found = listing::list(tx, &query, &Page::first(MOST))?;
    for block in found.items {
        work::schedule(tx, dependants::CONTROLLER, &block.id.to_string(), call.now)?;
    }
    if project.is_some() {
        return Ok(None);
    }
    stoa_tenancy::people::next_expiry(tx, call.now, workspace)
}

/// A tenant moved to another project: its blocks go with it, and what they take of it is looked at
/// (`domain-platforms.md` §5.3).
pub fn follow(tx: &mut Tx, call: &Call, held: &Held) -> Outcome<()> {
    let system = call.as_system();
    let allowed = system.may(Resource::BuildingBlock, Action::Write, &stoa_core::Scope::installation())?;
    for block in of_tenant(tx, held.object.id)? {
        let ordered = locked(tx, &block.object)?;
        let target = Target { workspace: held.workspace().to_owned(), tenant: Some(held.clone()) };
        let home = target.home(tx)?;
        let draft = super::draft_of(tx, &ordered.block, &ordered.status, (home.id, &target))?;
        let told = Told::new("Building Block Moved", format!("It went with tenant '{}'.", held.object.key))
            .to_managers(&[&ordered.block.operator]);
        objects::hand_over(tx, &system, allowed, &ordered.object, held.workspace(), draft, told)?;
        work::schedule(tx, dependants::CONTROLLER, &ordered.object.id.to_string(), call.now)?;
    }
    Ok(())
}

/// Runs of the mandatory blocks of a tenant, newest first: trigger, result, when, and what each said.
pub fn runs(tx: &mut Tx, id: ObjectId) -> Outcome<Vec<serde_json::Value>> {
    let mut found = Vec::new();
    for block in of_tenant(tx, id)? {
        let of = Of::Block(block.object.id);
        let (runs, _) = store::list(tx, of, None, None, &Page::first(RUNS_SHOWN))?;
        found.extend(runs.into_iter().map(|run| (run, block.block.display_name.clone())));
    }
    found.sort_by_key(|(run, _)| std::cmp::Reverse(run.created_at));
    Ok(found
        .into_iter()
        .map(|(run, name)| {
            serde_json::json!({
                "runUuid": run.id,
                "buildingBlockUuid": run.block,
                "buildingBlock": name,
                "behavior": run.behavior,
                "reason": run.reason,
                "author": run.author,
                "queuedOn": run.created_at,
                "startedOn": run.claimed_at,
                "finishedOn": run.ended_at,
                "result": run.state.shown(),
                "message": run.summary,
            })
        })
        .collect())
}

/// How taking down the blocks of a tenant goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Clearing {
    /// None is left.
    Done,
    /// Runs are under way; the tenant is looked at when they end.
    Running {
        /// What is waited for.
        blocker: String,
    },
    /// A destroying run failed.
    Failed {
        /// The block, by name and uuid.
        blocker: String,
        /// The workspace that operates it.
        operator: String,
    },
}

/// Takes the blocks of a tenant down, children before parents. A failed destruction is tried again only if
/// `retry` says so.
pub fn clear(tx: &mut Tx, call: &Call, id: ObjectId, retry: bool) -> Outcome<Clearing> {
    let system = call.as_system();
    let mut outcome = Clearing::Done;
    for block in of_tenant(tx, id)?.into_iter().rev() {
        let block = locked(tx, &block.object)?;
        if block.status.lifecycle == Lifecycle::Deleted {
            continue;
        }
        let name = format!("{} ({})", block.block.display_name, block.object.id);
        let running = matches!(block.status.status, BlockState::Pending | BlockState::InProgress);
        let going = block.status.lifecycle == Lifecycle::MarkedForDeletion;
        if running || !objects::referrers(tx, block.object.id, Some("parent"), 1)?.is_empty() {
            if outcome == Clearing::Done {
                outcome = Clearing::Running { blocker: name };
            }
            continue;
        }
        if going && !retry {
            outcome = Clearing::Failed { blocker: name, operator: block.block.operator.clone() };
            continue;
        }
        let allowed = system.may(Resource::BuildingBlock, Action::Delete, &block.scope())?;
        let object = block.object.clone();
        deletion::delete(tx, &system, allowed, block)?;
        if objects::by_id(tx, KIND, object.id)?.is_some_and(|now| now.deleted_at.is_none())
            && outcome == Clearing::Done
        {
            outcome = Clearing::Running { blocker: name };
        }
    }
    Ok(outcome)
}

/// Removes the blocks of a tenant from Stoa without touching what they made (`domain-platforms.md` §5.5).
pub fn purge(tx: &mut Tx, call: &Call, id: ObjectId) -> Outcome<()> {
    let system = call.as_system();
    for block in of_tenant(tx, id)?.into_iter().rev() {
        let ordered = locked(tx, &block.object)?;
        let allowed = system.may(Resource::BuildingBlock, Action::Delete, &ordered.scope())?;
        deletion::leave_alone(tx, &system, allowed, ordered)?;
    }
    Ok(())
}

/// Refuses the deletion of a tenant as long as something stands in its way (`api-platforms.md` §7.5).
pub fn refuse_deletion(tx: &mut Tx, id: ObjectId) -> Outcome<()> {
    let blocks = of_tenant(tx, id)?;
    let ordered: Vec<String> = blocks
        .iter()
        .filter(|block| !block.block.is_mandatory())
        .map(|block| format!("{} ({})", block.block.display_name, block.object.id))
        .collect();
    if !ordered.is_empty() {
        let more = if ordered.len() > 5 { " and more" } else { "" };
        let names = ordered.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let problem = format!("cannot be deleted while building blocks are attached to it: {names}{more}");
        return Err(Refusal::invalid("meshTenant", problem).into());
    }
    let failed =
        blocks.iter().any(|block| matches!(block.status.status, BlockState::Failed | BlockState::Aborted));
    let busy = blocks.iter().find(|block| {
        let state = block.status.status;
        matches!(state, BlockState::Pending | BlockState::InProgress) || (state.is_waiting() && !failed)
    });
    if let Some(busy) = busy {
        let problem = format!(
            "cannot be deleted while its mandatory building block {} ({}) is {}",
            busy.block.display_name,
            busy.object.id,
            busy.status.status.word()
        );
        return Err(Refusal::invalid("meshTenant", problem).into());
    }
    Ok(())
}
