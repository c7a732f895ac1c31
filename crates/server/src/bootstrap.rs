//! What the first start makes: the admin workspace, the shared runner, the built-in integrations, the first
//! admin key, the key of the embedded runner. Every later start finds it there.

use serde_json::json;
use stoa_base::{ObjectId, Refusal};
use stoa_blocks::{integration, runner};
use stoa_core::objects;
use stoa_core::secrets;
use stoa_core::{Action, Call, Error, Outcome, Permission, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_identity::apikey;
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
    /// Id and secret of the admin key, when they are given.
    pub admin: Option<(ObjectId, String)>,
}

/// What was made or found.
pub struct Made {
    /// Public key of the shared runner as stored.
    pub public_key: String,
    /// The admin key that was made now.
    pub admin: Option<(ObjectId, String)>,
}

const CHECK: Sql = Sql::new("SELECT value FROM setting WHERE name = 'master-key-check'");
const SET_CHECK: Sql = Sql::new("INSERT INTO setting (name, value) VALUES ('master-key-check', $1)");
/// Several servers may start on one database at once: one of them sets it up.
const LOCK: Sql = Sql::differs("SELECT 1", "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7305807)) held");

/// Sets the installation up, or finds that it is.
pub fn run(tx: &mut Tx, call: &Call, wanted: &Wanted) -> Outcome<Made> {
    tx.all(&LOCK, &[], |_| Ok(()))?;
    let check = call.world.vault.hash("stoa");
    let first_start = match tx.maybe(&CHECK, &[], |row| row.get::<String>(0))? {
        None => {
            tx.run(&SET_CHECK, &[check.into()])?;
            true
        }
        Some(stored) if stored == check => false,
        Some(_) => {
            return Err(Error::from(Refusal::Unavailable(
                "The master key is not the one this database was set up with.".into(),
            )));
        }
    };
    let home = workspace::ensure(tx, call, &call.world.settings.admin_workspace.clone(), "Administration")?;
    let public_key = runner::ensure_shared(tx, call, &wanted.public_key)?;
    integration::create_built_ins(tx, call)?;
    let allowed = call.may(Resource::ApiKey, Action::Write, &Scope::installation())?;

    let embedded: ObjectId = EMBEDDED_KEY.parse().unwrap_or_default();
    if objects::by_id(tx, apikey::KIND, embedded)?.is_none() {
        let permissions = EMBEDDED_PERMISSIONS.map(str::to_owned).to_vec();
        let secret = secrets::new_secret()?; // nobody ever signs in with it
        let key = ("embedded runner".to_owned(), permissions, None);
        apikey::create_known(tx, call, allowed, (embedded, &secret), &home, key)?;
    }
    let admin = match &wanted.admin {
        Some((id, secret)) => {
            (objects::by_id(tx, apikey::KIND, *id)?.is_none()).then(|| (*id, secret.clone()))
        }
        // Later a lost key is replaced by one that the environment names.
        None if first_start => Some((ObjectId::new(), secrets::new_secret()?)),
        None => None,
    };
    if let Some((id, secret)) = &admin {
        let permissions = Permission::all()
            .filter(|permission| permission.is_admin())
            .map(|code| code.to_string())
            .collect();
        let key = ("first administrator".to_owned(), permissions, None);
        apikey::create_known(tx, call, allowed, (*id, secret), &home, key)?;
    }
    Ok(Made { public_key, admin })
}

/// The file that tells the first administrator how to sign in.
pub fn admin_file(url: &str, id: ObjectId, secret: &str) -> String {
    format!("{:#}\n", json!({ "url": url, "clientId": id, "clientSecret": secret }))
}
