//! `stoa keys`: the key ring of the database, shown, wrapped by another master key, given a new generation.

use crate::assembly;
use crate::config::{ConfigError, read_if_there, write_private};
use crate::store::Store;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use stoa_base::Moment;
use stoa_core::feed::Bell;
use stoa_core::keys::ring::{self, Locked, Shown};
use stoa_core::keys::{Master, Vault, rewrap};
use stoa_core::world::Clock;
use stoa_core::{Error, Outcome};
use stoa_db::{Db, Settings};
use tokio::sync::Notify;

/// What to do with the keys of an installation.
#[derive(clap::Subcommand)]
pub enum Keys {
    /// Show the key ring: generations, who wraps them, how far values were brought to the newest one
    Show(Store),
    /// Wrap the key ring with a new master key
    Rotate {
        /// Places of the installation
        #[command(flatten)]
        store: Store,
        /// File with the new master key; made if it does not exist. Without it the key in the data folder is replaced
        #[arg(long, env = "STOA_NEW_MASTER_KEY_FILE", value_name = "FILE")]
        new_master_key_file: Option<PathBuf>,
        /// The new master key itself, 32 bytes in base64, in place of a file; better as environment variable
        #[arg(
            long,
            env = "STOA_NEW_MASTER_KEY",
            value_name = "KEY",
            hide_env_values = true,
            conflicts_with = "new_master_key_file"
        )]
        new_master_key: Option<String>,
    },
    /// Make a new generation of data keys: new values use it, stored ones follow while a server runs
    Renew(Store),
}

/// Controllers that walk everything that is wrapped.
pub const WALKERS: [&str; 3] = [rewrap::BLOBS_WALKER, rewrap::DOCUMENTS, stoa_blocks::state::REWRAP];

/// Does it; what to tell people comes back.
pub async fn run(keys: Keys) -> anyhow::Result<String> {
    match keys {
        Keys::Show(store) => show(store).await,
        Keys::Rotate { store, new_master_key_file, new_master_key } => {
            rotate(store, new_master_key_file, new_master_key).await
        }
        Keys::Renew(store) => renew(store).await,
    }
}

/// What is wrong with a ring that stays locked, for people.
pub fn why(locked: &Locked, store: &Store, vault: &Vault) -> ConfigError {
    let place = store.key_place();
    ConfigError::Other(match locked {
        Locked::NotSetUp => "this database was not set up yet; `stoa serve` does it".into(),
        Locked::OtherMaster { wanted: None } => {
            format!("{place}: this database was set up with another master key")
        }
        Locked::OtherMaster { wanted: Some(wanted) } => {
            let given = vault.master().map_or("unknown", Master::fingerprint);
            format!(
                "{place}: this database was set up with another master key; it wants {wanted}, this one is {given}"
            )
        }
    })
}

/// A database whose ring was opened.
struct Opened {
    db: Db,
    vault: Arc<Vault>,
    now: Moment,
}

impl Opened {
    async fn close(self) {
        let db = self.db;
        // Closing waits for the database threads.
        let _ = tokio::task::spawn_blocking(move || db.close()).await;
    }
}

async fn open(store: &Store, next: Option<Master>) -> anyhow::Result<Opened> {
    let (vault, _) = store.vault(false, next)?;
    let vault = Arc::new(vault);
    let mut settings = Settings::new(store.database_url());
    (settings.readers, settings.writers) = (1, 1);
    let opening = move || assembly::open(settings, &Bell::default(), &Arc::new(Notify::new()));
    let db = tokio::task::spawn_blocking(opening).await?.context("cannot open the database")?;
    let (now, for_unlock) = (Clock::default().now(), Arc::clone(&vault));
    let opened = db.write(move |tx| ring::unlock(tx, now, &for_unlock, false)).await?;
    opened.map_err(|locked| why(&locked, store, &vault))?;
    Ok(Opened { db, vault, now })
}

async fn show(store: Store) -> anyhow::Result<String> {
    let opened = open(&store, None).await?;
    let shown = |tx: &mut stoa_db::Tx<'_>| -> Outcome<_> { Ok((ring::show(tx)?, rewrap::progress(tx)?)) };
    let (keys, passes) = opened.db.read(shown).await?;
    let mut lines = Vec::new();
    if let Some(key) = keys.first() {
        lines.push(format!("Wrapped by master key {}.", key.master));
    }
    for Shown { purpose, generation, created_at, active_at, .. } in &keys {
        let is_later = |other: &Shown| {
            other.purpose == *purpose && other.generation > *generation && other.active_at <= opened.now
        };
        let state = match keys.iter().any(is_later) {
            true => "earlier",
            false if *active_at > opened.now => "coming",
            false => "in use",
        };
        lines.push(format!("{:<8}{generation:>4}  {state:<8}made {created_at}", purpose.word()));
    }
    for pass in passes {
        let state = match pass.done_at {
            Some(done) => format!("done {done}"),
            None => "under way while a server runs".into(),
        };
        let (target, generation, total) = (pass.target, pass.generation, pass.total);
        lines.push(format!("{target}: to generation {generation}, {total} wrapped anew, {state}"));
    }
    opened.close().await;
    Ok(lines.join("\n"))
}

/// The new master key, written down before the database is told of it.
fn next_master(
    store: &Store,
    file: Option<PathBuf>,
    text: Option<String>,
) -> Result<(Master, String), ConfigError> {
    let (place, text) = match (text, file) {
        (Some(text), _) => ("STOA_NEW_MASTER_KEY".to_owned(), text),
        (None, None) if !store.owns_key() => {
            let problem = "name the new master key: --new-master-key-file";
            return Err(ConfigError::Other(problem.into()));
        }
        (None, file) => {
            let file = file.unwrap_or_else(|| store.next_key_file());
            let text = if let Some(text) = read_if_there(&file)? {
                text
            } else {
                let key = Master::generate().map_err(|error| ConfigError::Other(error.to_string()))?;
                write_private(&file, &key)?;
                key
            };
            (file.display().to_string(), text)
        }
    };
    match Master::parse(&text) {
        Ok(master) => Ok((master, place)),
        Err(source) => Err(ConfigError::MasterKey { place, source }),
    }
}

async fn rotate(store: Store, file: Option<PathBuf>, text: Option<String>) -> anyhow::Result<String> {
    let held = store.hold()?;
    let in_folder = file.is_none() && text.is_none();
    let (next, place) = next_master(&store, file.clone(), text.clone())?;
    // The database may know it already: then this finishes what was cut short.
    let (again, _) = next_master(&store, file, text)?;
    let opened = open(&store, Some(again)).await?;
    let fingerprint = next.fingerprint().to_owned();
    let (now, vault) = (opened.now, Arc::clone(&opened.vault));
    let changed = opened
        .db
        .write(move |tx| {
            // Another process may have been faster since the ring was opened.
            if ring::unlock(tx, now, &vault, false)?.is_err() {
                return Ok(None);
            }
            Ok::<_, Error>(Some((
                ring::rotate(tx, &vault, &next)?,
                ring::unlock(tx, now, &vault, false)?.is_ok(),
            )))
        })
        .await?;
    let Some((changed, _)) = changed else {
        return Err(
            ConfigError::Other("the ring was changed meanwhile; look with `stoa keys show`".into()).into()
        );
    };
    store.settle(&opened.vault)?;
    opened.close().await;
    drop(held);
    let did = if changed { "is wrapped by" } else { "was wrapped already by" };
    Ok(if in_folder {
        let kept = "The earlier key was kept beside it: backups from before open with it only.";
        format!("The key ring {did} master key {fingerprint}, now in {}. {kept}", store.key_place())
    } else {
        format!("The key ring {did} master key {fingerprint}. Start every server with {place} from now on.")
    })
}

async fn renew(store: Store) -> anyhow::Result<String> {
    let held = store.hold()?;
    let opened = open(&store, None).await?;
    let (now, vault) = (opened.now, Arc::clone(&opened.vault));
    let renewed = opened
        .db
        .write(move |tx| {
            // The newest generation counts, not the one that was newest when the ring was opened.
            Ok::<_, Error>(match ring::unlock(tx, now, &vault, false)? {
                Ok(_) => Some(ring::renew(tx, now, &vault, &WALKERS)?),
                Err(_) => None,
            })
        })
        .await?;
    let (generation, active_at) = match renewed {
        Some(Ok(renewed)) => renewed,
        Some(Err(stale)) => {
            let servers = stale.servers;
            let problem = format!(
                "{servers} running servers know an earlier master key only and could not read what the new \
                 generation wraps; start them again with the new master key first, or wait a minute if they are gone"
            );
            return Err(ConfigError::Other(problem).into());
        }
        None => {
            let problem = "the ring was changed meanwhile; look with `stoa keys show`";
            return Err(ConfigError::Other(problem.into()).into());
        }
    };
    opened.close().await;
    drop(held);
    Ok(format!(
        "Generation {generation} wraps new values from {active_at}. Stored ones follow while a server runs; see \
         `stoa keys show`."
    ))
}
