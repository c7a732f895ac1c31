//! What a block works on: a workspace, or a tenant of one (`api-building-blocks.md` §4.2, §5.1).

use super::model::{Block, OnTenant};
use super::wire::Reference;
use crate::definition::{Definition, TargetType};
use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::objects::Object;
use stoa_core::{Fault, Outcome};
use stoa_db::Tx;
use stoa_tenancy::tenant::{self, Held};
use stoa_tenancy::{people, workspace};

const FIELD: &str = "spec.targetRef";

/// What a request names, before anything is looked up.
#[derive(Clone, Debug)]
pub enum Named {
    /// A workspace by its identifier.
    Workspace(String),
    /// A tenant by its uuid.
    Tenant(ObjectId),
    /// A tenant by its identifier (v1).
    TenantIdentifier(String),
}

impl Named {
    /// What a reference names; `kind` may be left to the definition.
    pub fn of(reference: &Reference, wanted: TargetType) -> Outcome<Self> {
        let kind = match wanted {
            TargetType::WorkspaceLevel => workspace::KIND,
            TargetType::TenantLevel => tenant::KIND,
        };
        if let Some(other) = reference.kind.as_deref().filter(|given| *given != kind) {
            let problem = format!("must be {kind}, as the definition's targetType says, not {other}");
            return Err(Refusal::invalid(format!("{FIELD}.kind"), problem).into());
        }
        Ok(match wanted {
            TargetType::WorkspaceLevel => Self::Workspace(
                reference
                    .name
                    .clone()
                    .ok_or_else(|| Refusal::invalid(format!("{FIELD}.name"), "is required"))?,
            ),
            TargetType::TenantLevel => {
                let uuid = reference.uuid.as_deref();
                let uuid = uuid.ok_or_else(|| Refusal::invalid(format!("{FIELD}.uuid"), "is required"))?;
                Self::Tenant(uuid.parse().map_err(|_| Refusal::missing(tenant::KIND, uuid))?)
            }
        })
    }

    /// The tenant named, held against deletion until the transaction ends.
    fn tenant(&self, tx: &mut Tx) -> Outcome<Option<Held>> {
        let id = match self {
            Self::Workspace(_) => return Ok(None),
            Self::Tenant(id) => Some(*id),
            Self::TenantIdentifier(key) => tenant::by_identifier(tx, key)?.map(|held| held.object.id),
        };
        id.map_or(Ok(None), |id| tenant::by_id_for_update(tx, id))
    }

    /// As the caller knows it.
    fn key(&self) -> String {
        match self {
            Self::Workspace(key) | Self::TenantIdentifier(key) => key.clone(),
            Self::Tenant(id) => id.to_string(),
        }
    }
}

/// What a block works on.
#[derive(Clone, Debug)]
pub struct Target {
    /// The consuming workspace.
    pub workspace: String,
    /// The tenant, if it is one.
    pub tenant: Option<Held>,
}

impl Target {
    /// The consuming workspace of what is named, before it is clear whether the caller may see it.
    pub fn find(tx: &mut Tx, named: &Named) -> Outcome<Option<Self>> {
        if let Named::Workspace(name) = named {
            return Ok(Some(Self { workspace: name.clone(), tenant: None }));
        }
        let found = named.tenant(tx)?;
        Ok(found.map(|held| Self { workspace: held.workspace().to_owned(), tenant: Some(held) }))
    }

    /// The refusal when there is no such thing.
    pub fn missing(named: &Named) -> Refusal {
        let kind = if matches!(named, Named::Workspace(_)) { workspace::KIND } else { tenant::KIND };
        Refusal::missing(kind, named.key())
    }

    /// What an ordered block works on.
    pub fn of_block(tx: &mut Tx, workspace: &str, block: &Block) -> Outcome<Self> {
        let tenant = match &block.tenant {
            None => None,
            Some(OnTenant { uuid, .. }) => {
                Some(tenant::by_id(tx, *uuid)?.ok_or(Fault::Corrupt { what: "tenant of a block" })?)
            }
        };
        Ok(Self { workspace: workspace.to_owned(), tenant })
    }

    /// Refuses targets that a definition does not work on, and those that are going.
    pub fn check(&self, definition: &Definition) -> Outcome<()> {
        let Some(held) = &self.tenant else { return Ok(()) };
        let supported = definition.supported_platforms.iter().flatten();
        if !supported.into_iter().any(|named| named.name() == held.tenant.platform_type) {
            let problem = format!(
                "names a tenant on platform type {}, which the definition does not support",
                held.tenant.platform_type
            );
            return Err(Refusal::invalid(FIELD, problem).into());
        }
        if !held.status.phase.is_active() {
            let message = format!("Tenant '{}' is being deleted or gone.", held.object.key);
            return Err(
                Refusal::Conflict { code: "BuildingBlockConflict", message, remarks: Vec::new() }.into()
            );
        }
        Ok(())
    }

    /// The workspace, kept from deletion until the transaction ends.
    pub fn home(&self, tx: &mut Tx) -> Outcome<Object> {
        workspace::living(tx, &self.workspace)
    }

    /// The value of `USER_PERMISSIONS` as JSON text (`api-building-blocks.md` §3.3). Nobody has access to a
    /// tenant that is being deleted (`domain-platforms.md` §5.4).
    pub fn people(&self, tx: &mut Tx, now: Moment) -> Outcome<Value> {
        let people = match &self.tenant {
            None => people::of_workspace(tx, now, &self.workspace)?,
            Some(held) if held.admits_people() => {
                people::of_project(tx, now, &self.workspace, &held.tenant.project)?
            }
            Some(_) => Vec::new(),
        };
        let people: Vec<Value> = people
            .into_iter()
            .map(|person| {
                json!({
                    "meshIdentifier": person.uuid,
                    "username": person.username,
                    "firstName": person.first_name,
                    "lastName": person.last_name,
                    "email": person.email,
                    "euid": person.euid,
                    "roles": person.roles,
                })
            })
            .collect();
        Ok(Value::String(Value::Array(people).to_string()))
    }

    /// `spec.targetRef` of a block.
    pub fn shown(block: &Block, workspace: &str) -> Value {
        match &block.tenant {
            None => json!({ "kind": workspace::KIND, "uuid": null, "name": workspace }),
            Some(on) => json!({ "kind": tenant::KIND, "uuid": on.uuid, "name": null }),
        }
    }
}
