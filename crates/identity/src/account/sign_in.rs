//! Signing in and setting passwords: what goes on between requests and the tables. Each step is a transaction of
//! its own, and hashing stands between them.

use super::attempts::{self, Subjects};
use super::link::{self, Purpose};
use super::{password, store};
use crate::binding::{self, Binding, Named, SUBJECT, Subject, TARGET, Target};
use crate::role::AdminRole;
use crate::session::{self, Beginning, Started};
use crate::user::{self, Newcomer};
use serde_json::json;
use stoa_base::{ObjectId, Refusal};
use stoa_core::feed::{self, Deed, Entry};
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::App;

/// Refuses everything about local accounts when they are switched off.
pub fn refuse_if_off(call: &Call) -> Result<(), Refusal> {
    if call.world.settings.local_accounts {
        return Ok(());
    }
    Err(Refusal::ForbiddenAs {
        code: "ERR_NO_LOCAL_ACCOUNTS",
        message: "Signing in with a password is switched off here.".into(),
    })
}

/// Signs somebody in who was found to be them, and tells the audit trail.
pub fn admit(tx: &mut Tx, call: &Call, user: &Object, beginning: &Beginning) -> Outcome<Started> {
    let started = session::start(tx, &call.world, call.now, user.id, beginning)?;
    let status = session::noted(&user.status, "lastSignIn", json!(call.now.to_string()));
    objects::note(tx, user.id, &status)?;
    let entry = Entry {
        title: Some("User Signed In"),
        description: format!("User '{}' signed in by {}.", user.key, beginning.provider),
        ..Entry::plain(user::KIND, user.id, None, Deed::Changed)
    };
    feed::record(tx, &call.as_system(), entry)?;
    Ok(started)
}

/// Begins a session with a password. Whoever is not let in learns nothing but that: not whether the name is known,
/// whether it has a password, or whether it is disabled.
pub async fn with_password(
    app: &App,
    call: Call,
    (username, given): (String, String),
    address: Option<std::net::IpAddr>,
    (beginning, earlier): (Beginning, Option<String>),
) -> Outcome<Started> {
    let (now, name) = (call.now, username.clone());
    let found = app.db.write(move |tx| {
        attempts::begin(tx, &Subjects::of(&name, address), now)?;
        store::by_username(tx, &name)
    });
    let (user, hash) = found.await?.unzip();
    let wrong = || Refusal::Unauthorized("Username and password do not match.".into());
    let matches = password::matches(given, hash).await?;
    let user = user.filter(|_| matches).ok_or_else(wrong)?;
    app.db
        .write(move |tx| {
            // Meanwhile the account may have gone.
            let user = objects::by_id_for_update(tx, user::KIND, user.id)?;
            let user = user.filter(|user| session::may_enter(&user.status)).ok_or_else(wrong)?;
            if store::hash_of(tx, user.id)?.is_none() {
                return Err(wrong().into());
            }
            attempts::succeeded(tx, &Subjects::of(&username, address))?;
            if let Some(earlier) = &earlier {
                session::end_token(tx, earlier)?;
            }
            admit(tx, &call, &user, &beginning)
        })
        .await
}

/// Sets somebody's password by a link, and signs them in. Whoever was signed in as them is no more.
pub async fn by_link(
    app: &App,
    call: Call,
    (token, given): (String, String),
    beginning: Beginning,
) -> Outcome<Started> {
    let (now, asked) = (call.now, token.clone());
    let offered = app.db.read(move |tx| link::look(tx, &asked, now)).await?;
    let username = offered.person.as_ref().map(|(_, username)| username.clone()).unwrap_or_default();
    password::check("password", &given, &username)?;
    let hash = password::hash(given).await?;
    app.db
        .write(move |tx| {
            let offered = link::use_up(tx, &token, Purpose::SetPassword, now)?;
            let gone = || Refusal::Absent("This link does not work, or not any more.".into());
            let (person, _) = offered.person.ok_or_else(gone)?;
            let user = objects::by_id_for_update(tx, user::KIND, person)?;
            let user = user.filter(|user| session::may_enter(&user.status)).ok_or_else(gone)?;
            store::set(tx, person, &hash, now)?;
            session::end_all(tx, person, None)?;
            tell(tx, &call.as_system(), &user, "User Password Changed", "set a password by a link")?;
            admit(tx, &call, &user, &beginning)
        })
        .await
}

/// Makes the first administrator, who holds the link that the first start printed.
pub async fn welcome(
    app: &App,
    call: Call,
    (token, newcomer, given): (String, Newcomer, String),
    beginning: Beginning,
) -> Outcome<Started> {
    let (now, asked) = (call.now, token.clone());
    app.db.read(move |tx| link::look(tx, &asked, now)).await?;
    password::check("password", &given, &newcomer.username)?;
    let hash = password::hash(given).await?;
    app.db
        .write(move |tx| {
            link::use_up(tx, &token, Purpose::Welcome, now)?;
            let user = match objects::hold(tx, user::KIND, &newcomer.username)? {
                Some(known) => known,
                None => user::provision(tx, &call, newcomer.clone())?,
            };
            store::set(tx, user.id, &hash, now)?;
            appoint(tx, &call, &user)?;
            admit(tx, &call, &user, &beginning)
        })
        .await
}

/// Makes somebody an organization admin.
fn appoint(tx: &mut Tx, call: &Call, user: &Object) -> Outcome<()> {
    let call = call.as_system();
    let allowed = call.may(Resource::WorkspaceBinding, Action::Write, &Scope::installation())?;
    let home = call.world.settings.admin_workspace.clone();
    let place = objects::hold(tx, "meshWorkspace", &home)?;
    let place = place.ok_or_else(|| Refusal::missing("meshWorkspace", &home))?;
    let role = AdminRole::OrganizationAdmin.name();
    let binding = Binding {
        role_ref: Named { name: role.into() },
        target_ref: Target { name: home.clone(), owned_by_workspace: None },
        subject: Subject { name: user.key.clone(), uuid: user.id },
        expiry_date: None,
    };
    let draft = Draft {
        doc: serde_json::to_value(&binding)?,
        status: json!({}),
        facets: vec![("role", role.into()), (binding::HOLDER, binding::holder(user.id, place.id))],
        references: vec![(SUBJECT, user.id), (TARGET, place.id)],
    };
    let kind = binding::WORKSPACE_USER;
    let told = Told::new(binding::title(kind, true), binding::sentence(&binding, "became"));
    let (id, key) = (ObjectId::new(), ObjectId::new().to_string());
    objects::insert(tx, &call, allowed, (id, kind, &key, Some(&home)), draft, told)?;
    binding::changed(tx, &call, &binding)
}

/// An entry of the audit trail about somebody's account.
pub fn tell(tx: &mut Tx, call: &Call, user: &Object, title: &str, deed: &str) -> Outcome<()> {
    let entry = Entry {
        title: Some(title),
        description: format!("User '{}' {deed}.", user.key),
        ..Entry::plain(user::KIND, user.id, None, Deed::Changed)
    };
    feed::record(tx, call, entry)
}

/// Changes one's own password: the earlier one must be known. All other sessions end.
pub async fn change(app: &App, call: Call, earlier: String, given: String) -> Outcome<()> {
    let stoa_core::Principal::User { id, name, .. } = call.actor.principal.clone() else {
        return Err(super::routes::not_a_person().into());
    };
    password::check("password", &given, &name)?;
    let now = call.now;
    let subject = format!("change {name}");
    let counted = subject.clone();
    let stored = app.db.write(move |tx| {
        attempts::begin(tx, &Subjects::of(&counted, None), now)?;
        store::hash_of(tx, id)
    });
    let stored = stored.await?;
    if stored.is_none() {
        return Err(Refusal::conflict("You have no password here; you sign in elsewhere.").into());
    }
    if !password::matches(earlier, stored).await? {
        return Err(Refusal::invalid("currentPassword", "is not your password").into());
    }
    let hash = password::hash(given).await?;
    app.db
        .write(move |tx| {
            attempts::succeeded(tx, &Subjects::of(&subject, None))?;
            let user = objects::by_id_for_update(tx, user::KIND, id)?;
            let user = user.ok_or_else(|| Refusal::missing(user::KIND, name.as_str()))?;
            store::set(tx, id, &hash, now)?;
            session::end_all(tx, id, call.actor.session.as_deref())?;
            tell(tx, &call, &user, "User Password Changed", "changed the password")
        })
        .await
}
