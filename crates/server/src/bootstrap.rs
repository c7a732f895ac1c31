//! What the first start makes: the admin workspace, the shared runner, the built-in integrations, the project
//! roles, the first
//! admin key, the key of the embedded runner. Every later start finds it there.

use serde_json::{Value, json};
use stoa_base::{Moment, ObjectId};
use stoa_blocks::{definition, integration, runner};
use stoa_core::keys::ring::{self, Locked};
use stoa_core::{Action, Call, Error, Outcome, Permission, Resource, Scope, secrets};
use stoa_core::{labels, objects};
use stoa_db::{Sql, Tx};
use stoa_identity::account::{self, Purpose};
use stoa_identity::{apikey, projectrole};
use stoa_platforms::{location, platform_type};
use stoa_tenancy::workspace;

/// uuid of the API key that the embedded runner acts under.
pub const EMBEDDED_KEY: &str = "0b5d7c3e-2f64-4a18-9d0a-7e51c6b2f9a4";
/// Permissions of the embedded runner.
const EMBEDDED_PERMISSIONS: [&str; 3] =
    ["ADM_BUILDINGBLOCKRUN_LIST", "ADM_BUILDINGBLOCKRUN_SAVE", "ADM_BUILDINGBLOCKRUNSOURCE_SAVE"];

/// What the first start needs to know.
pub struct Wanted {
    /// Public key of the shared runner, if it is made now.
    pub public_key: String,
    /// The first administrator's key.
    pub admin: Admin,
}

/// The first administrator's key, by id and secret.
#[derive(Clone)]
pub enum Admin {
    /// An operator gave it: it is made whenever it is not there.
    Given(ObjectId, String),
    /// We made it up and wrote it down: it is made on the first start only.
    Offered(ObjectId, String),
    /// Nobody needs one.
    No,
}

/// What was made or found.
pub struct Made {
    /// Public key of the shared runner as stored.
    pub public_key: String,
    /// The admin key that was made now, or by a start that was cut short before it could say so.
    pub admin: Option<(ObjectId, String)>,
}

const SEEDED: Sql = Sql::new("SELECT value FROM setting WHERE name = 'project-roles'");
const SET_SEEDED: Sql = Sql::new("INSERT INTO setting (name, value) VALUES ('project-roles', 'made')");

/// Sets the installation up, or finds that it is.
pub fn run(tx: &mut Tx, call: &Call, wanted: &Wanted) -> Outcome<Result<Made, Locked>> {
    // Several servers may start on one database at once: one of them sets it up, the others wait here.
    let first_start = match ring::unlock(tx, call.now, &call.world.vault, true)? {
        Ok(is_first) => is_first,
        Err(locked) => return Ok(Err(locked)),
    };
    labels::fill(tx)?;
    definition::file_by_tags(tx)?;
    let home = workspace::ensure(tx, call, &call.world.settings.admin_workspace.clone(), "Administration")?;
    let public_key = runner::ensure_shared(tx, call, &wanted.public_key)?;
    integration::create_built_ins(tx, call)?;
    platform_type::create_built_ins(tx, call, &home)?;
    location::create_built_ins(tx, call, &home)?;
    // Once: an administrator may delete them. A database from before they existed gets them too.
    if tx.maybe(&SEEDED, &[], |_| Ok(()))?.is_none() {
        projectrole::seed(tx, call)?;
        tx.run(&SET_SEEDED, &[])?;
    }
    let allowed = call.may(Resource::ApiKey, Action::Write, &Scope::installation())?;

    let embedded: ObjectId = EMBEDDED_KEY.parse().unwrap_or_default();
    if objects::by_id(tx, apikey::KIND, embedded)?.is_none() {
        let permissions = EMBEDDED_PERMISSIONS.map(str::to_owned).to_vec();
        let secret = secrets::new_secret()?; // nobody ever signs in with it
        let key = ("embedded runner".to_owned(), permissions, None);
        apikey::create_known(tx, call, allowed, (embedded, &secret), &home, key)?;
    }
    let mut exists = |id| Ok::<_, Error>(objects::by_id(tx, apikey::KIND, id)?.is_some());
    let (admin, new) = match &wanted.admin {
        Admin::Given(id, secret) if !exists(*id)? => (Some((*id, secret.clone())), true),
        // Later a lost key is replaced by one that the environment names.
        Admin::Offered(id, secret) if first_start => (Some((*id, secret.clone())), true),
        Admin::Offered(id, secret) if exists(*id)? => (Some((*id, secret.clone())), false),
        Admin::Given(..) | Admin::Offered(..) | Admin::No => (None, false),
    };
    if let (Some((id, secret)), true) = (&admin, new) {
        let permissions = Permission::all()
            .filter(|permission| permission.is_admin())
            .map(|code| code.to_string())
            .collect();
        let key = ("first administrator".to_owned(), permissions, None);
        apikey::create_known(tx, call, allowed, (*id, secret), &home, key)?;
    }
    Ok(Ok(Made { public_key, admin }))
}

/// Of several servers that start at once, one offers it.
const SET_WELCOMED: Sql =
    Sql::new("INSERT INTO setting (name, value) VALUES ('welcome', 'offered') ON CONFLICT DO NOTHING");

/// Offers a link by which one person becomes the first administrator, once in the life of an installation; says
/// whether this very link works.
pub fn offer_welcome(tx: &mut Tx, call: &Call, token: &str) -> Outcome<bool> {
    if tx.run(&SET_WELCOMED, &[])? == 1 {
        let never = Moment::from_micros(i64::MAX);
        account::offer(tx, token, (Purpose::Welcome, None), call.now, never)?;
    }
    account::works(tx, token, call.now)
}

/// The text that tells the first administrator how to sign in.
pub fn admin_text(url: &str, id: ObjectId, secret: &str) -> String {
    format!("{:#}\n", json!({ "url": url, "clientId": id, "clientSecret": secret }))
}

/// Id and secret in a text of [`admin_text`].
pub fn read_admin(text: &str) -> Option<(ObjectId, String)> {
    let key: Value = serde_json::from_str(text).ok()?;
    Some((key["clientId"].as_str()?.parse().ok()?, key["clientSecret"].as_str()?.to_owned()))
}
