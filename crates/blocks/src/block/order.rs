//! Ordering blocks (`api-building-blocks.md` §5.1).

use super::model::{Block, BlockState, Lifecycle, OnTenant, Ordered, Parent, Status};
use super::supply::supply;
use super::target::{Named, Target};
use super::wire::{InputEntry, Wire};
use super::{
    KIND, VERSION_REF, conflict, draft_of, insufficient, legacy, parents, preview, resolve, save_status,
    uuid_of,
};
use crate::definition::{self, Definition};
use crate::run::claim::keeper_of;
use crate::run::model::Reason;
use crate::version;
use crate::version::wire::{State, Version};
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Object, Told};
use stoa_core::{Action, Allowed, Call, Error, Fault, Outcome, Resource, Scope};
use stoa_db::{DbError, Tx};
use stoa_tenancy::tenant;
use stoa_web::Request;

/// What somebody orders, in either version of the API.
pub struct Asked {
    /// The version, by uuid.
    pub version: String,
    /// The version, if it exists.
    pub found: Option<(Object, Version)>,
    /// What it is to work on; none when that cannot be told without knowing the definition.
    pub target: Option<Named>,
    /// The rest, as in v2.
    pub wire: Wire,
}

fn asked(tx: &mut Tx, request: &Request) -> Outcome<Asked> {
    if request.version == super::LEGACY {
        return legacy::asked(tx, request);
    }
    let wire: Wire = request.body()?;
    let version = uuid_of(&wire.spec.building_block_definition_version_ref, version::KIND, VERSION_REF)?;
    let found = version.parse().ok().map(|id| version::by_id(tx, id)).transpose()?.flatten();
    Ok(Asked { version, found, target: None, wire })
}

/// Orders a block (§5.1).
pub fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
    let is_preview = preview::is_asked(request)?;
    let Asked { version: named_version, found, target, wire } = asked(tx, request)?;
    let spec = wire.spec;
    let missing = || Refusal::missing(version::KIND, named_version.as_str());
    let definition = match &found {
        Some((_, version)) => definition::by_id(tx, version.definition)?.map(|(_, definition)| definition),
        None => None,
    };
    let managers: Vec<&str> = found.as_ref().map(|(object, _)| object.owner()).into_iter().collect();
    // Whoever may not order for the target, or for nothing at all, does not learn what exists.
    let named = match (target, &definition) {
        (Some(named), _) => Ok(named),
        (None, Some(definition)) => Named::of(&spec.target_ref, definition.target_type),
        (None, None) => Ok(Named::Workspace(spec.target_ref.name.clone().unwrap_or_default())),
    };
    // A reference of the wrong kind still says whose workspace it is about.
    let asked_workspace = match spec.target_ref.uuid.as_deref().and_then(|uuid| uuid.parse().ok()) {
        Some(id) => tenant::by_id(tx, id)?.map(|held| held.workspace().to_owned()),
        None => spec.target_ref.name.clone(),
    };
    let asked_workspace = asked_workspace.unwrap_or_default();
    let target = match &named {
        Ok(named) => Target::find(tx, named)?,
        Err(_) => None,
    };
    let owner = target.as_ref().map_or(asked_workspace.as_str(), |target| target.workspace.as_str());
    let project = target.as_ref().and_then(|target| target.tenant.as_ref()).map(|held| &*held.tenant.project);
    let scope = Scope { managers: managers.clone(), ..Scope::in_project(owner, project) };
    let names_nothing =
        target.is_none() && named.as_ref().is_ok_and(|named| !matches!(named, Named::Workspace(_)));
    if names_nothing {
        call.may_at_all(Resource::BuildingBlock, Action::Write)?;
    }
    let allowed = match call.may(Resource::BuildingBlock, Action::Write, &scope) {
        Ok(allowed) => allowed,
        Err(_) if names_nothing => return Err(Target::missing(&named?).into()),
        Err(refusal) => return Err(refusal),
    };
    let (version_object, version) = found.ok_or_else(missing)?;
    let definition = definition.ok_or_else(missing)?;
    let named = named?;
    let target = target.ok_or_else(|| Target::missing(&named))?;
    if version.state != State::Released && version_object.owner() != target.workspace {
        return Err(insufficient("a draft is for blocks of the workspace that owns it"));
    }
    target.check(&definition)?;
    target.home(tx)?;
    if definition.use_in_landing_zones_only && !allowed.operates() {
        return Err(insufficient("this definition is used by landing zones only"));
    }
    if is_preview {
        preview::check(allowed, &definition, &version)?;
    }
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    if version.only_apply_once_per_tenant {
        refuse_second(tx, &version, &target)?;
    }
    let named =
        parents::named(spec.parent_building_block_refs.as_ref(), spec.parent_building_blocks.as_ref())?;
    let parents = parents::checked(tx, &version, &target.workspace, None, &named.unwrap_or_default())?;
    let keeper = keeper_of(tx, &version)?;
    let supplied = supply(call, &version, &keeper, spec.inputs, None, allowed.reach())?;
    let placement = Placement {
        version: (&version_object, &version),
        target: &target,
        display_name: spec.display_name,
        supplied,
        parents,
        is_mandatory: false,
        is_preview,
    };
    place(tx, call, allowed, placement).map_err(|error| match error {
        // The definition went while it was ordered.
        Error::Failed(Fault::Db(DbError::ForeignKey)) => missing().into(),
        other => other,
    })
}

/// A conflict when the target has a block of this definition already.
fn refuse_second(tx: &mut Tx, version: &Version, target: &Target) -> Outcome<()> {
    // Two orders at a time come one after the other.
    objects::by_id_for_update(tx, definition::KIND, version.definition)?;
    let seen = Visibility { all: true, ..Visibility::default() };
    let tenant = target.tenant.as_ref().map(|held| held.object.id.to_string());
    let mut same = Query::of(KIND, seen)
        .with("definitionUuid", Some(&version.definition.to_string()))
        .with("tenantUuid", tenant.as_deref());
    same.workspace = Some(target.workspace.clone());
    if listing::list(tx, &same, &Page::first(1))?.total > 0 {
        return Err(conflict(
            "This definition can be applied once per target, and it has been applied already.",
        ));
    }
    Ok(())
}

/// A block to be made, everything about it decided.
pub struct Placement<'a> {
    /// The version, as stored and read.
    pub version: (&'a Object, &'a Version),
    /// What it works on.
    pub target: &'a Target,
    /// For people.
    pub display_name: String,
    /// Values that people supplied, secrets kept.
    pub supplied: BTreeMap<String, Value>,
    /// Parents.
    pub parents: Vec<Parent>,
    /// Whether it comes and goes with its tenant.
    pub is_mandatory: bool,
    /// Whether it is looked at before anything is applied.
    pub is_preview: bool,
}

/// Makes a block, and its first run if nothing is missing.
pub fn place(tx: &mut Tx, call: &Call, allowed: Allowed, placement: Placement<'_>) -> Outcome<Object> {
    let Placement {
        version: (version_object, version),
        target,
        display_name,
        supplied,
        parents,
        is_mandatory,
        is_preview,
    } = placement;
    let id = ObjectId::new();
    let mut block = Block {
        definition: version.definition,
        version: version_object.id,
        version_number: version.number,
        operator: version_object.owner().to_owned(),
        display_name,
        supplied,
        inputs: Vec::new(),
        parents,
        author: call.actor.author_object(),
        tenant: target.tenant.as_ref().map(|held| OnTenant {
            uuid: held.object.id,
            project: held.tenant.project.clone(),
            is_mandatory,
        }),
    };
    let missing = resolve::resolve(tx, call, (id, target), &mut block, version)?;
    let status = Status {
        status: missing.as_ref().map_or(BlockState::Pending, |missing| missing.state),
        outputs: BTreeMap::new(),
        force_purge: false,
        lifecycle: Lifecycle::Active,
        latest_run: None,
        latest_dry_run: None,
        is_preview,
        waiting: missing.as_ref().map(|missing| missing.waiting(call, &block.operator)),
        marked_for_deletion: None,
    };
    let home = target.home(tx)?;
    let draft = draft_of(tx, &block, &status, (home.id, target))?;
    let told =
        Told::new("Building Block Created", format!("Building block '{}' was ordered.", block.display_name))
            .to_managers(&[&block.operator]);
    let (key, owner) = (id.to_string(), target.workspace.clone());
    let object = objects::insert(tx, call, allowed, (id, KIND, &key, Some(&owner)), draft, told)?;
    if missing.is_some() {
        return Ok(object);
    }
    let mut ordered = Ordered { object, block, status };
    let run = preview::go_on(tx, call, &mut ordered, version, Reason::Creation)?;
    save_status(tx, call, &mut ordered, run)?;
    Ok(ordered.object)
}

/// Whether a definition may be ordered without asking anybody more: every input that users fill has a default or is
/// given (`api-platforms.md` §7.3, row 13). The key of the first one that has neither.
pub fn unanswered<'v>(version: &'v Version, given: &BTreeMap<String, InputEntry>) -> Option<&'v str> {
    let asks = |key: &String, input: &crate::version::wire::Input| {
        input.assignment_type == crate::version::wire::Assignment::UserInput
            && input.default_value.is_null()
            && given.get(key).is_none_or(|entry| entry.value.is_null())
    };
    version.inputs.iter().find(|(key, input)| asks(key, input)).map(|(key, _)| key.as_str())
}

/// Whether a definition works on tenants of a platform type.
pub fn supports(definition: &Definition, platform_type: &str) -> bool {
    definition.supported_platforms.iter().flatten().any(|named| named.name() == platform_type)
}
