//! meshBuildingBlock: an ordered piece of automation (`api-building-blocks.md` §4 to §6, v1 in §9).

pub mod change;
pub mod deletion;
pub mod dependants;
pub mod legacy;
pub mod model;
pub mod on_tenant;
pub mod order;
mod parents;
pub mod preview;
pub mod resolve;
mod supply;
pub mod target;
mod view;
pub mod wire;

use crate::reference::check_kind;
use http::Method;
use model::{Block, BlockState, Ordered, Status};
use serde::Deserialize;
use serde_json::{Value, json};
use stoa_base::{ObjectId, Refusal, RunId};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_tenancy::{project, tenant, workspace};
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Accept, Takes, VersionSchemas};
use stoa_web::{Kind, Request, Route};
use target::Target;
use view::View;
use wire::{Reference, Wire};

/// The kind's name.
pub const KIND: &str = "meshBuildingBlock";
const LEGACY: &str = "v1";
const VERSION_REF: &str = "spec.buildingBlockDefinitionVersionRef";
/// Facet of blocks that a change of somebody's roles concerns.
const TAKES_PEOPLE: &str = "takesPeople";

/// The part of a block's status that says whether its last run is over.
#[derive(Deserialize)]
struct Standing {
    status: BlockState,
}

impl Standing {
    /// Whether somebody may start a run: none is under way and no input is missing.
    fn may_run(&self) -> bool {
        self.status.is_final() || self.status == BlockState::WaitingForApproval
    }
}

fn conflict(message: impl Into<String>) -> stoa_core::Error {
    Refusal::Conflict { code: "BuildingBlockConflict", message: message.into(), remarks: Vec::new() }.into()
}

fn insufficient(what: &str) -> stoa_core::Error {
    Refusal::Forbidden(format!("you don't have sufficient permissions: {what}")).into()
}

/// The uuid that a reference to this kind names.
fn uuid_of(reference: &Reference, kind: &str, field: &str) -> Outcome<String> {
    check_kind(reference.kind.as_deref(), kind, field)?;
    Ok(reference.uuid.clone().ok_or_else(|| Refusal::invalid(format!("{field}.uuid"), "is required"))?)
}

fn draft_of(
    tx: &mut Tx,
    block: &Block,
    status: &Status,
    (home, target): (ObjectId, &Target),
) -> Outcome<Draft> {
    let mut references = vec![("owner", home), ("definition", block.definition), ("version", block.version)];
    references.extend(block.parents.iter().map(|parent| ("parent", parent.block)));
    let mut on_tenant = vec![("targetRefKind", workspace::KIND.to_owned())];
    if let Some(held) = &target.tenant {
        references.push(("tenant", held.object.id));
        // What came with a tenant goes with it; what people ordered keeps its project alive.
        if !block.is_mandatory()
            && let Some(project) = project::of_tenant(tx, held)?
        {
            references.push(("project", project.id));
        }
        on_tenant = on_tenant::facets(held);
    }
    Ok(Draft {
        doc: serde_json::to_value(block)?,
        status: serde_json::to_value(status)?,
        facets: vec![
            ("definitionUuid", block.definition.to_string()),
            ("versionUuid", block.version.to_string()),
            ("versionNumber", block.version_number.to_string()),
            ("name", block.display_name.clone()),
            ("status", status.status.word().into()),
            ("manager", block.operator.clone()),
        ]
        .into_iter()
        .chain(on_tenant)
        .chain(block.takes_people().then(|| (TAKES_PEOPLE, "true".to_owned())))
        .collect(),
        references,
    })
}

/// Writes a block's status and tells the feed.
pub fn save_status(tx: &mut Tx, call: &Call, ordered: &mut Ordered, run: Option<RunId>) -> Outcome<()> {
    let before = ordered.object.status.get("status").cloned();
    let status = serde_json::to_value(&ordered.status)?;
    let operator = ordered.block.operator.clone();
    objects::observe(tx, call, &mut ordered.object, status, &[&operator], run)?;
    if before != Some(json!(ordered.status.status)) {
        objects::set_facet(tx, ordered.object.id, "status", ordered.status.status.word())?;
    }
    if let Some(on) = &ordered.block.tenant {
        tenant::wake(tx, call, on.uuid)?;
    }
    Ok(())
}

/// Deleted blocks of a definition, which are removed with it.
pub fn deleted_of(tx: &mut Tx, definition: ObjectId) -> Outcome<Vec<Object>> {
    objects::deleted_with(tx, KIND, "definitionUuid", &definition.to_string())
}

/// The block as it is now, locked against other writers where the engine has several.
pub fn locked(tx: &mut Tx, object: &Object) -> Outcome<Ordered> {
    let now = objects::by_id_for_update(tx, KIND, object.id)?;
    Ordered::read(now.ok_or_else(|| Refusal::missing(KIND, object.key.as_str()))?)
}

/// The kind.
pub struct Blocks;

impl Kind for Blocks {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1", "v2-preview"];
    const COLLECTION: &'static str = "meshbuildingblocks";
    const RESOURCE: Resource = Resource::BuildingBlock;
    const BODY_MAX: usize = 24 << 20;
    const LONG: &'static [&'static str] = &["spec.inputs"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("workspaceIdentifier", "Owning workspace"),
        ("projectIdentifier", "Project of the target tenant"),
        ("platformIdentifier", "<platform>.<location> of the target tenant"),
        ("name", "Exact display name"),
        ("definitionUuid", "Definition"),
        ("versionUuid", "Version"),
        ("versionNumber", "3 or v3"),
        ("tenantUuid", "Target tenant"),
        ("targetRefKind", "meshTenant or meshWorkspace"),
        ("status", "Execution status"),
        ("parentUuid", "Blocks that depend on this one"),
        ("managedByWorkspaceIdentifier", "Blocks of definitions that this workspace owns"),
        ("managedByDefinitionUuid", "Blocks of this definition, as its operator"),
    ];
    const CREATION: &'static [(&'static str, &'static str)] = &[(
        "firstRun",
        "APPLY, which is the default, or DETECT: the first run only finds out what would change, and the block \
         waits until somebody applies the plan (approve-run) or deletes it",
    )];
    const REQUEST: &'static str = "BuildingBlock";
    const RESPONSE: &'static str = "BuildingBlock";
    const VIEWS: &'static [VersionSchemas] = &[(LEGACY, "BuildingBlockV1", "BuildingBlockV1")];

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
        schemas.add::<legacy::Wire>();
    }

    fn example() -> Value {
        json!({
            "kind": KIND,
            "spec": {
                "buildingBlockDefinitionVersionRef": { "uuid": "0d2c7e86-5d3c-4e53-a8f6-6a7c1be7f001" },
                "targetRef": { "kind": "meshWorkspace", "name": "shop" },
                "displayName": "orders schema",
                "inputs": { "schema_name": { "value": "orders", "isSensitive": false } },
            },
        })
    }

    fn example_of(version: &str) -> Value {
        if version == LEGACY { legacy::example() } else { Self::example() }
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, version: &str) -> Outcome<Option<Object>> {
        let found = objects::by_uuid_text(tx, KIND, id)?;
        Ok(found.filter(|object| version != LEGACY || legacy::knows(object)))
    }

    fn scope(object: &Object) -> Scope<'_> {
        let operator = object.doc.get("operator").and_then(Value::as_str);
        Scope {
            owner: object.workspace.as_deref(),
            managers: operator.into_iter().collect(),
            block: Some(object.id),
            project: object.doc.pointer("/tenant").map(|on| on["project"].as_str().unwrap_or_default()),
            run: None,
        }
    }

    fn query(call: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let status = request.query("status");
        if let Some(bad) = status.filter(|word| BlockState::ALL.iter().all(|state| state.word() != *word)) {
            return Err(Refusal::invalid("status", format!("knows no `{bad}`")).into());
        }
        let managed = request.query("managedByWorkspaceIdentifier");
        let managed_definition = request.query("managedByDefinitionUuid");
        if (managed.is_some() || managed_definition.is_some())
            && !seen.all
            && !call.actor.permissions.has_code(Some("MANAGED_BUILDINGBLOCK_LIST"))
        {
            return Err(Refusal::Forbidden(
                "you don't have sufficient permissions: managed filters need MANAGED_BUILDINGBLOCK_LIST"
                    .into(),
            )
            .into());
        }
        let number = request.query("versionNumber").map(|text| text.strip_prefix('v').unwrap_or(text));
        let legacy = (request.version == LEGACY).then_some("meshTenant");
        let mut query = Query::of(KIND, seen)
            .with("definitionUuid", request.query("definitionUuid"))
            .with("definitionUuid", managed_definition)
            .with("versionUuid", request.query("versionUuid"))
            .with("versionNumber", number)
            .with("name", request.query("name"))
            .with("targetRefKind", request.query("targetRefKind").or(legacy))
            .with("tenantUuid", request.query("tenantUuid"))
            .with("projectIdentifier", request.query("projectIdentifier"))
            .with("platformIdentifier", request.query("platformIdentifier"))
            .with("status", status)
            .with("manager", managed);
        query.workspace = request.query("workspaceIdentifier").map(Into::into);
        if let Some(parent) = request.query("parentUuid") {
            let children = "SELECT source FROM reference WHERE relation = 'parent' AND target = ?";
            query = query.within(children, vec![parent.to_owned()]);
        }
        Ok(query)
    }

    fn gather(tx: &mut Tx, call: &Call, objects: &mut [Object]) -> Outcome<()> {
        view::gather(tx, call, objects)
    }

    fn show(tx: &mut Tx, _: &Call, object: &Object, version: &str) -> Outcome<Value> {
        let (block, status): (Block, Status) = (object.doc()?, object.status()?);
        if version == LEGACY {
            let on = block.tenant.as_ref().map(|on| on.uuid);
            let held = on.map(|uuid| tenant::by_id(tx, uuid)).transpose()?.flatten();
            let identifier = held.map(|held| held.object.key).unwrap_or_default();
            return Ok(legacy::shown((object, &block, &status), &identifier));
        }
        Ok(serde_json::to_value(View::of((object, &block, &status), object.gathered == true))?)
    }

    fn print(tx: &mut Tx, call: &Call, object: &Object, version: &str) -> Outcome<String> {
        if version == LEGACY {
            return Ok(Self::show(tx, call, object, version)?.to_string());
        }
        let (block, status): (Block, Status) = (object.doc()?, object.status()?);
        Ok(serde_json::to_string(&View::of((object, &block, &status), object.gathered == true))?)
    }

    fn links(_: &Call, object: &Object) -> Vec<(&'static str, String)> {
        let id = object.id;
        let mut links =
            vec![("runs", format!("/api/meshobjects/meshbuildingblockruns?buildingBlockUuid={id}"))];
        let standing: Outcome<Standing> = object.status();
        if object.deleted_at.is_none() && standing.is_ok_and(|standing| standing.may_run()) {
            links.push(("triggerRun", format!("/api/meshobjects/meshbuildingblocks/{id}/trigger-run")));
        }
        links
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        order::create(tx, call, request)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        if request.version == LEGACY {
            return Err(Refusal::WrongMethod { allow: "GET, DELETE".into() }.into());
        }
        let object = must_exist::<Self>(found, id)?;
        change::update(tx, call, request, object)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::BuildingBlock, Action::Delete, &Self::scope(&object))?;
        let ordered = locked(tx, &object)?;
        deletion::delete(tx, call, allowed, ordered)?;
        Ok(Deleted::Later)
    }
}

/// Routes beyond those of every kind.
pub fn routes() -> Vec<Route> {
    let item = format!("/api/meshobjects/{}/{{uuid}}", Blocks::COLLECTION);
    let accept = Accept::Kind(KIND, Blocks::VERSIONS);
    let about = |summary, errors| About { summary, tag: KIND, success: &[202], errors, ..About::default() };
    vec![
        Route::write(Method::POST, format!("{item}/trigger-run"), change::trigger)
            .accept(accept)
            .takes(Takes::KindIfAny(KIND, Blocks::VERSIONS, 64 << 10, &[]))
            .about(about(
                "Start a run; {\"dryRun\": true} only finds out what would change",
                &[400, 403, 404, 409],
            )),
        Route::write(Method::POST, format!("{item}/approve-run"), change::approve).accept(accept).about(
            about(
                "Apply the plan that the last dry run saved, if it is still what a run would do",
                &[403, 404, 409],
            ),
        ),
        Route::write(Method::DELETE, format!("{item}/purge"), deletion::purge)
            .accept(Accept::KindIfAny(KIND, Blocks::VERSIONS))
            .about(about("Delete and leave the resources alone", &[403, 404, 409])),
    ]
}
