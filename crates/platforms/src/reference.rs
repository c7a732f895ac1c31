//! How the objects of this area name each other: by name or by uuid, each with its kind (`api-platforms.md` §1).

use serde::{Deserialize, Serialize};
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::reference::check_kind;
use stoa_core::Outcome;
use stoa_core::objects::Object;
use stoa_db::Tx;
use stoa_tenancy::workspace;
use utoipa::ToSchema;

/// A reference by name. Its kind may be missing in requests and is always in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NameRef {
    /// Kind; implied when absent.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Name.
    pub name: String,
}

/// A reference by uuid. Its kind may be missing in requests and is always in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UuidRef {
    /// Kind; implied when absent.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Uuid.
    pub uuid: String,
}

impl NameRef {
    /// A reference to `name` of this kind.
    pub fn to(kind: &str, name: &str) -> Self {
        Self { kind: Some(kind.into()), name: name.into() }
    }

    /// The same with its kind, which must be `kind` if it was said.
    pub fn of_kind(self, kind: &str, field: &str) -> Result<Self, Refusal> {
        check_kind(self.kind.as_deref(), kind, field)?;
        Ok(Self { kind: Some(kind.into()), ..self })
    }
}

impl UuidRef {
    /// A reference to the object with this id.
    pub fn to(kind: &str, id: ObjectId) -> Self {
        Self { kind: Some(kind.into()), uuid: id.to_string() }
    }

    /// The id, of a reference whose kind must be `kind` if it was said; none when it is no uuid.
    pub fn of_kind(&self, kind: &str, field: &str) -> Result<Option<ObjectId>, Refusal> {
        check_kind(self.kind.as_deref(), kind, field)?;
        Ok(self.uuid.parse().ok())
    }

    /// The id, if it is a uuid at all.
    pub fn id(&self) -> Option<ObjectId> {
        self.uuid.parse().ok()
    }
}

/// The living workspace that is to own something; it must exist (`api-platforms.md` §11: unresolvable is 400).
pub fn owner(tx: &mut Tx, name: &str) -> Outcome<Object> {
    known_workspace(tx, name, "metadata.ownedByWorkspace")
}

/// The living workspace that `field` names; unknown is 400.
pub fn known_workspace(tx: &mut Tx, name: &str, field: &str) -> Outcome<Object> {
    match workspace::living(tx, name) {
        Err(stoa_core::Error::Refused(Refusal::Missing { .. })) => {
            Err(Refusal::invalid(field, format!("names no workspace: there is no `{name}`")).into())
        }
        other => other,
    }
}
