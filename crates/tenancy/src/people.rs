//! Who has which roles in a workspace or project right now (`domain-platforms.md` §6.4).

use stoa_base::{Moment, ObjectId};
use stoa_core::Outcome;
use stoa_db::Tx;

/// A person with roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user's uuid.
    pub uuid: ObjectId,
    /// Username.
    pub username: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// External id.
    pub euid: Option<String>,
    /// Roles: identifiers of project roles, names of workspace roles.
    pub roles: Vec<String>,
}

/// People of a project, ordered by uuid.
pub fn of_project(_tx: &mut Tx, _now: Moment, _workspace: &str, _project: &str) -> Outcome<Vec<Person>> {
    Ok(Vec::new())
}

/// People of a workspace, ordered by uuid.
pub fn of_workspace(_tx: &mut Tx, _now: Moment, _workspace: &str) -> Outcome<Vec<Person>> {
    Ok(Vec::new())
}

/// When the next role in a workspace ends by itself.
pub fn next_expiry(_tx: &mut Tx, _now: Moment, _workspace: &str) -> Outcome<Option<Moment>> {
    Ok(None)
}
