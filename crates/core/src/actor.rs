//! Who is calling, with which permissions.

use crate::permission::{Action, PermissionSet, Resource, row};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use stoa_base::{ObjectId, RunId};

/// Who a credential belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A workspace's API key.
    ApiKey {
        /// `metadata.uuid`, which is also the client id.
        id: ObjectId,
        /// `spec.displayName`.
        name: String,
    },
    /// An API user, signed in with a password (HTTP Basic).
    ApiUser {
        /// Its name.
        name: String,
    },
    /// A person, signed in.
    User {
        /// `metadata.uuid` of the meshUser.
        id: ObjectId,
        /// Username.
        name: String,
        /// First and last name.
        display_name: String,
        /// E-mail address.
        email: String,
        /// External user id.
        euid: Option<String>,
    },
    /// A run, through its run token.
    Run(RunGrant),
    /// The automation inside a run, through its ephemeral API token.
    RunApi {
        /// The run it came with.
        run: RunId,
    },
    /// Stoa itself.
    System,
    /// Nobody: a path that needs no credential.
    Nobody,
}

/// What a run token grants: one run, and the state of its block (`runner-protocol.md` §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunGrant {
    /// The run.
    pub run: RunId,
    /// Its block.
    pub block: ObjectId,
    /// The consuming workspace.
    pub workspace: String,
    /// The claim this token was minted for.
    pub epoch: i64,
    /// Whether the run has ended; late reports are all that is left then.
    pub ended: bool,
}

/// Who is calling and what they hold.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub principal: Principal,
    /// Home workspace of the credential; API users and Stoa itself have none.
    pub home: Option<String>,
    /// Codes held.
    pub permissions: PermissionSet,
    /// The projects of the home workspace that the actor reaches, each as `<workspace>.<project>`; none means all of
    /// them. Somebody with some projects only reads what belongs to the workspace itself, and acts in these.
    pub projects: Option<Arc<BTreeSet<String>>>,
    /// Id of the session that a person acts in.
    pub session: Option<String>,
}

impl Actor {
    /// Stoa acting by itself.
    pub fn system() -> Self {
        Self {
            principal: Principal::System,
            home: None,
            permissions: PermissionSet::EMPTY,
            projects: None,
            session: None,
        }
    }

    /// A caller without a credential, on the few paths that need none.
    pub fn anonymous() -> Self {
        Self {
            principal: Principal::Nobody,
            home: None,
            permissions: PermissionSet::EMPTY,
            projects: None,
            session: None,
        }
    }

    /// Whether this is a person acting by what they hold themselves.
    pub fn is_person(&self) -> bool {
        matches!(self.principal, Principal::User { .. })
    }

    /// Whether a project of `workspace` is within reach.
    pub fn reaches_project(&self, workspace: &str, project: &str) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.contains(&format!("{workspace}.{project}")))
    }

    /// Whether the actor holds any code, of any reach, for this action.
    pub fn holds_any(&self, resource: Resource, action: Action) -> bool {
        match &self.principal {
            Principal::System => true,
            Principal::Run(_) => matches!(
                (resource, action),
                (Resource::Run, Action::Read | Action::Source) | (Resource::State, _)
            ),
            _ => row(resource, action).is_some_and(|row| {
                [row.workspace, row.managed, row.admin]
                    .into_iter()
                    .any(|code| self.permissions.has_code(code))
            }),
        }
    }

    /// `ApiKey`, `ApiUser`, `User` or `System`, as event logs and run triggers say it.
    pub fn author_type(&self) -> &'static str {
        match self.principal {
            Principal::ApiKey { .. } => "ApiKey",
            Principal::ApiUser { .. } => "ApiUser",
            Principal::User { .. } => "User",
            Principal::Run(_) | Principal::RunApi { .. } | Principal::System => "System",
            Principal::Nobody => "Unknown",
        }
    }

    /// The identifier that goes with [`Self::author_type`].
    pub fn author(&self) -> String {
        match &self.principal {
            Principal::ApiKey { id, .. } => id.to_string(),
            Principal::ApiUser { name } | Principal::User { name, .. } => name.clone(),
            Principal::Run(_) | Principal::RunApi { .. } | Principal::System => "system".into(),
            Principal::Nobody => "nobody".into(),
        }
    }

    /// The author object of run triggers and `AUTHOR` inputs (`api-building-blocks.md` §3.3).
    pub fn author_object(&self) -> Value {
        let (name, username, email, euid) = match &self.principal {
            Principal::ApiKey { name, .. } => (name.as_str(), None, None, None),
            Principal::ApiUser { name } => (name.as_str(), Some(name), None, None),
            Principal::User { name, display_name, email, euid, .. } => {
                (display_name.as_str(), Some(name), Some(email), euid.as_ref())
            }
            _ => ("Stoa", None, None, None),
        };
        json!({
            "identifier": self.author(),
            "type": self.author_type(),
            "displayName": name,
            "username": username,
            "email": email,
            "euid": euid,
        })
    }
}
