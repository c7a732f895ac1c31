//! The one decision whether an actor may do a thing, and the proof that it was taken (`api-core.md` §2.6).

use crate::actor::{Actor, Principal};
use crate::call::Call;
use crate::outcome::Outcome;
use crate::permission::{Action, Resource, row};
use std::collections::BTreeSet;
use std::sync::Arc;
use stoa_base::{ObjectId, Refusal, RunId};

/// Where the thing to be touched belongs.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    /// The workspace that owns it; none for what belongs to the whole installation.
    pub owner: Option<&'a str>,
    /// The project of the owner that it belongs to, or is, if any.
    pub project: Option<&'a str>,
    /// Workspaces that own what it derives from: a block's definition, a run's runner.
    pub managers: Vec<&'a str>,
    /// The run it is, or belongs to.
    pub run: Option<RunId>,
    /// The block it belongs to.
    pub block: Option<ObjectId>,
}

impl<'a> Scope<'a> {
    /// Something owned by one workspace.
    pub fn owned(workspace: &'a str) -> Self {
        Self { owner: Some(workspace), ..Self::default() }
    }

    /// Something in a project of a workspace.
    pub fn in_project(workspace: &'a str, project: Option<&'a str>) -> Self {
        Self { owner: Some(workspace), project, ..Self::default() }
    }

    /// Something that belongs to the whole installation: only admin codes reach it.
    pub fn installation() -> Self {
        Self::default()
    }
}

/// How an allowed actor reaches the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By an admin code.
    Admin,
    /// By a managed code: as the operator of what it derives from.
    Managed,
    /// As the workspace that owns it.
    Own,
    /// By the token of the very run.
    Run,
    /// By being Stoa.
    System,
}

/// Proof that the decision was taken and said yes. Only [`authorize`] makes one; stores ask for it.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    reach: Reach,
}

impl Allowed {
    /// How the actor got here.
    pub fn reach(self) -> Reach {
        self.reach
    }

    /// Whether the actor operates the thing (admin or owner of what it derives from), rather than consumes it.
    pub fn operates(self) -> bool {
        matches!(self.reach, Reach::Admin | Reach::Managed | Reach::System)
    }
}

/// Decides whether `actor` may do `action` on a `resource` that belongs to `scope`.
pub fn authorize(actor: &Actor, resource: Resource, action: Action, scope: &Scope<'_>) -> Option<Allowed> {
    reach(actor, resource, action, scope).map(|reach| Allowed { reach })
}

fn reach(actor: &Actor, resource: Resource, action: Action, scope: &Scope<'_>) -> Option<Reach> {
    match &actor.principal {
        Principal::System => return Some(Reach::System),
        Principal::Run(grant) => {
            let own = match (resource, action) {
                (Resource::Run, Action::Read) => scope.run == Some(grant.run) && !grant.ended,
                // Late reports are taken for some minutes; how long is decided where they are merged.
                (Resource::Run, Action::Source) => scope.run == Some(grant.run),
                (Resource::State, Action::Read | Action::Write | Action::Delete) => {
                    scope.block == Some(grant.block)
                        && scope.owner == Some(grant.workspace.as_str())
                        && !grant.ended
                }
                _ => false,
            };
            return own.then_some(Reach::Run);
        }
        Principal::Nobody => return None,
        Principal::ApiKey { .. }
        | Principal::ApiUser { .. }
        | Principal::User { .. }
        | Principal::RunApi { .. } => {}
    }
    let row = row(resource, action)?;
    let home = actor.home.as_deref();
    if actor.permissions.has_code(row.admin) {
        Some(Reach::Admin)
    } else if home.is_some_and(|home| scope.managers.contains(&home))
        && actor.permissions.has_code(row.managed)
    {
        Some(Reach::Managed)
    } else if home.is_some()
        && home == scope.owner
        && actor.permissions.has_code(row.workspace)
        && within_projects(actor, action, scope)
    {
        Some(Reach::Own)
    } else {
        None
    }
}

/// Whether an actor with some projects only gets this far: into those projects, and reading beside them.
fn within_projects(actor: &Actor, action: Action, scope: &Scope<'_>) -> bool {
    match (&actor.projects, scope.owner, scope.project) {
        (None, ..) => true,
        (Some(_), Some(owner), Some(project)) => actor.reaches_project(owner, project),
        (Some(_), ..) => action == Action::Read,
    }
}

/// Which objects of a kind a list may show to an actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// Everything.
    pub all: bool,
    /// What this workspace owns.
    pub own: Option<String>,
    /// What derives from things this workspace owns.
    pub managed: Option<String>,
    /// Of what the workspace owns, only what is in these projects or in none.
    pub projects: Option<Arc<BTreeSet<String>>>,
}

impl Visibility {
    /// How far `actor` reaches with `action` on `resource`.
    pub fn with(actor: &Actor, resource: Resource, action: Action) -> Self {
        let row = row(resource, action);
        let has = |code| actor.permissions.has_code(code);
        let own = actor.home.clone().filter(|_| has(row.and_then(|row| row.workspace)));
        Self {
            all: actor.principal == Principal::System || has(row.and_then(|row| row.admin)),
            projects: actor.projects.clone().filter(|_| own.is_some()),
            own,
            managed: actor.home.clone().filter(|_| has(row.and_then(|row| row.managed))),
        }
    }

    /// What `actor` may read of `resource`; nothing at all is a refusal.
    pub fn of(actor: &Actor, resource: Resource) -> Outcome<Self> {
        let seen = Self::with(actor, resource, Action::Read);
        if seen == Self::default() { Err(lacks(resource, Action::Read).into()) } else { Ok(seen) }
    }
}

/// The refusal for a missing permission. It names the codes that would do, not the object.
pub fn lacks(resource: Resource, action: Action) -> Refusal {
    let codes: Vec<&str> = row(resource, action)
        .map(|row| [row.workspace, row.managed, row.admin].into_iter().flatten().collect())
        .unwrap_or_default();
    Refusal::Forbidden(if codes.is_empty() {
        "This credential may not do this.".into()
    } else {
        format!("you don't have sufficient permissions: this needs {} for it", codes.join(" or "))
    })
}

impl Call {
    /// Proof that the caller may, or the refusal.
    pub fn may(&self, resource: Resource, action: Action, scope: &Scope<'_>) -> Outcome<Allowed> {
        authorize(&self.actor, resource, action, scope).ok_or_else(|| match &self.actor.principal {
            Principal::Run(grant) if grant.ended => {
                Refusal::Unauthorized("The run of this token has ended, and the token with it.".into()).into()
            }
            _ => lacks(resource, action).into(),
        })
    }

    /// Refuses a caller who holds no code at all for this action, before telling whether a thing exists
    /// (`api-core.md` §1.3).
    pub fn may_at_all(&self, resource: Resource, action: Action) -> Outcome<()> {
        if self.actor.holds_any(resource, action) { Ok(()) } else { Err(lacks(resource, action).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::PermissionSet;

    fn key(home: &str, codes: &[&str]) -> Actor {
        Actor {
            principal: Principal::ApiKey { id: ObjectId::new(), name: "k".into() },
            home: Some(home.into()),
            permissions: codes.iter().map(|code| code.parse().unwrap()).collect::<PermissionSet>(),
            projects: None,
            session: None,
        }
    }

    #[test]
    fn codes_reach_as_far_as_they_say() {
        let scope = Scope { owner: Some("shop"), managers: vec!["data"], ..Scope::default() };
        let decide = |actor: &Actor| {
            authorize(actor, Resource::BuildingBlock, Action::Read, &scope).map(Allowed::reach)
        };
        assert_eq!(decide(&key("shop", &["BUILDINGBLOCK_LIST"])), Some(Reach::Own));
        assert_eq!(decide(&key("data", &["BUILDINGBLOCK_LIST"])), None);
        assert_eq!(decide(&key("data", &["MANAGED_BUILDINGBLOCK_LIST"])), Some(Reach::Managed));
        assert_eq!(decide(&key("other", &["MANAGED_BUILDINGBLOCK_LIST"])), None);
        assert_eq!(decide(&key("other", &["ADM_BUILDINGBLOCK_LIST"])), Some(Reach::Admin));
        assert_eq!(decide(&key("shop", &["BUILDINGBLOCK_SAVE"])), None, "saving does not imply listing");
    }

    #[test]
    fn some_projects_narrow_what_is_within_reach() {
        let codes = ["TENANT_LIST", "BUILDINGBLOCK_LIST", "BUILDINGBLOCK_SAVE", "MANAGED_BUILDINGBLOCK_LIST"];
        let mut member = key("shop", &codes);
        member.projects = Some(Arc::new(BTreeSet::from(["shop.web".to_owned()])));
        let may = |action, project, owner| {
            let scope = Scope { managers: vec![], ..Scope::in_project(owner, project) };
            authorize(&member, Resource::BuildingBlock, action, &scope).is_some()
        };
        assert!(may(Action::Read, Some("web"), "shop"));
        assert!(may(Action::Write, Some("web"), "shop"));
        assert!(may(Action::Read, None, "shop"), "what is the workspace's own is readable");
        assert!(!may(Action::Write, None, "shop"));
        assert!(!may(Action::Read, Some("till"), "shop"));
        assert!(!may(Action::Read, Some("web"), "rival"));
        let operated = Scope { managers: vec!["shop"], ..Scope::in_project("rival", Some("till")) };
        assert!(authorize(&member, Resource::BuildingBlock, Action::Read, &operated).is_some());
    }

    #[test]
    fn a_run_token_reaches_its_run_and_state_only() {
        let (run, block) = (RunId::new(), ObjectId::new());
        let grant = |ended| Actor {
            principal: Principal::Run(crate::actor::RunGrant {
                run,
                block,
                workspace: "shop".into(),
                epoch: 1,
                ended,
            }),
            home: None,
            permissions: PermissionSet::EMPTY,
            projects: None,
            session: None,
        };
        let of = |run, block| Scope { owner: Some("shop"), run, block, ..Scope::default() };
        let own = of(Some(run), Some(block));
        let other = of(Some(RunId::new()), Some(ObjectId::new()));
        for (resource, action) in [(Resource::Run, Action::Source), (Resource::State, Action::Write)] {
            assert!(authorize(&grant(false), resource, action, &own).is_some());
            assert!(authorize(&grant(false), resource, action, &other).is_none());
        }
        assert!(authorize(&grant(true), Resource::State, Action::Read, &own).is_none());
        assert!(authorize(&grant(true), Resource::Run, Action::Source, &own).is_some());
        assert!(authorize(&grant(false), Resource::BuildingBlock, Action::Read, &own).is_none());
    }
}
