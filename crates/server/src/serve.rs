//! Starting and stopping a server process.

use crate::bootstrap::{self, Admin, Made, Wanted};
use crate::config::{Config, ConfigError};
use crate::pending::{Pending, Written};
use crate::{assembly, connections, controllers, embedded, keys, providers};
use anyhow::Context;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use stoa_base::ObjectId;
use stoa_core::feed::Bell;
use stoa_core::keys::Vault;
use stoa_core::keys::ring::Locked;
use stoa_core::{Call, Settings, World, secrets};
use stoa_db::Engine;
use stoa_identity::account::Purpose;
use stoa_web::App;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long requests may take to finish once the server is stopping.
const DRAIN: Duration = Duration::from_secs(30);
const CONTROLLER_LOOPS: usize = 2;

/// A server that serves.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The application, for tests that move its clock.
    pub app: Arc<App>,
    /// The first administrator's API key, when this start made it: client id and secret.
    pub admin: Option<(String, String)>,
    /// The link by which somebody becomes the first administrator, while nobody has used it.
    pub welcome: Option<String>,
    stop: CancellationToken,
    stop_runner: CancellationToken,
    tasks: JoinSet<()>,
    runner: Option<tokio::task::JoinHandle<()>>,
    /// Keeps other processes from the same SQLite database, until this one has closed it.
    held: Option<File>,
}

/// Starts a server. When it returns, the server answers.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    config.store.prepare()?;
    let held = config.store.hold()?;
    let (vault, made_master_key) = config.store.vault(true, None)?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let public_url = config.public_url(&address.to_string());
    let mut settings = Settings::new(&public_url);
    settings.admin_workspace.clone_from(&config.admin_workspace);
    settings.shared_runner_aliases.clone_from(&config.shared_runner_aliases);
    settings.local_accounts = !config.no_local_accounts;
    settings.session_idle = Duration::from_mins(config.session_idle_minutes);
    settings.session_life = Duration::from_mins(config.session_minutes);
    settings.behind_proxy = config.behind_proxy;
    settings.private_addresses = config.allow_private_addresses;
    settings.run_inactivity = Duration::from_mins(config.run_inactivity_minutes);
    let days = |days: u32| std::time::Duration::from_hours(24) * days;
    settings.recertification =
        config.recertify.iter().map(|(role, most)| (role.clone(), days(*most))).collect();
    settings.locations.extend(config.locations.iter().cloned());
    let world = Arc::new(World {
        settings,
        clock: stoa_core::world::Clock::default(),
        vault,
        tags: stoa_core::tags::Known::default(),
        leaving: assembly::LEAVING,
    });

    let (bell, nudge) = (Bell::default(), Arc::new(Notify::new()));
    let mut database = stoa_db::Settings::new(config.store.database_url());
    database.readers = config.database_readers;
    database.writers = config.database_writers;
    database.fsync = !config.unsafe_no_fsync;
    let db = {
        let (bell, nudge) = (bell.clone(), Arc::clone(&nudge));
        tokio::task::spawn_blocking(move || assembly::open(database, &bell, &nudge)).await?
    }
    .context("cannot open the database")?;
    let providers = Arc::new(providers::configured(&config)?);
    let app = Arc::new(assembly::app(db, world, bell, &providers)?);

    let (made, key) = set_up(&config, &app, made_master_key).await?;
    let welcome = if config.no_local_accounts { None } else { offer_welcome(&config, &app).await? };

    let (stop, stop_runner) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    for _ in 0..CONTROLLER_LOOPS {
        tasks.spawn(controllers::work(Arc::clone(&app), stop.clone()));
    }
    tasks.spawn(controllers::housekeeping(Arc::clone(&app), stop.clone()));
    if app.db.engine() == Engine::Postgres {
        tasks.spawn(controllers::sequence(Arc::clone(&app), nudge, stop.clone()));
        tasks.spawn(controllers::hold_ring(Arc::clone(&app), stop.clone()));
    }
    let patience = Duration::from_secs(config.client_patience_seconds.max(1));
    let routes = stoa_panel::router(Arc::clone(&app));
    tasks.spawn(connections::serve(listener, routes, patience, stop.clone()));
    let runner = if config.no_runner {
        None
    } else {
        let base = format!("http://{address}");
        start_runner(&config, &app, &base, &made, &key, &stop_runner)?
    };
    tracing::info!(address = %address, url = public_url, engine = ?app.db.engine(), "serving");
    let admin = made.admin.map(|(id, secret)| (id.to_string(), secret));
    Ok(Running { address, app, admin, welcome, stop, stop_runner, tasks, runner, held })
}

async fn set_up(
    config: &Config,
    app: &Arc<App>,
    made_master_key: bool,
) -> anyhow::Result<(Made, stoa_seal::PrivateKey)> {
    let for_key = config.clone();
    let (key, fresh) = tokio::task::spawn_blocking(move || embedded::key(&for_key)).await??;
    let admin = administrator(config, &app.world.settings.public_url)?;
    let offered = matches!(admin, Admin::Offered(..));
    let wanted = Wanted { public_key: key.public_pem(), admin };
    let world = Arc::clone(&app.world);
    let made = app
        .db
        .write(move |tx| bootstrap::run(tx, &Call::by_system(&world, "bootstrap"), &wanted))
        .await
        .context("cannot set the installation up")?;
    let made = made.map_err(|locked| wrong_key(config, &app.world.vault, made_master_key, &locked))?;
    config.store.settle(&app.world.vault)?;
    if fresh {
        embedded::key_file(config).settle(made.public_key == key.public_pem())?;
    }
    if offered {
        let file = admin_file(config);
        file.settle(made.admin.is_some())?;
        if made.admin.is_some() {
            tracing::info!(file = %file.path().display(), "the first administrator's API key was written");
        }
    }
    Ok((made, key))
}

/// The link by which one person becomes the first administrator. It is written down before the database is told
/// of it, and printed by every start until somebody has used it.
async fn offer_welcome(config: &Config, app: &Arc<App>) -> anyhow::Result<Option<String>> {
    let file = Pending::of(&config.store.data_dir, "welcome.txt");
    let url = format!("{}/{}/", app.world.settings.public_url, Purpose::Welcome.path());
    let token_of = |text: &str| text.trim().rsplit('/').next().unwrap_or_default().to_owned();
    let (token, settled) = match file.read()? {
        Written::Settled(text) => (token_of(&text), true),
        Written::Pending(text) => (token_of(&text), false),
        Written::Nothing => {
            let token = secrets::new_secret()?;
            file.write(&format!("{url}{token}\n"))?;
            (token, false)
        }
    };
    let (world, offered) = (Arc::clone(&app.world), token.clone());
    let open = app
        .db
        .write(move |tx| bootstrap::offer_welcome(tx, &Call::by_system(&world, "bootstrap"), &offered))
        .await
        .context("cannot offer the first administrator's link")?;
    match (settled, open) {
        (false, open) => file.settle(open)?,
        (true, false) => file.remove()?,
        (true, true) => {}
    }
    Ok(open.then(|| format!("{url}{token}")))
}

fn admin_file(config: &Config) -> Pending {
    Pending::of(&config.store.data_dir, "admin-key.json")
}

/// The first administrator's key: the one that the configuration names, or one that is written down before the
/// database is told of it.
fn administrator(config: &Config, public_url: &str) -> anyhow::Result<Admin> {
    if let (Some(id), Some(secret)) = (&config.admin_client_id, &config.admin_client_secret) {
        let id = id.parse().map_err(|_| ConfigError::Other("the admin client id must be a uuid".into()))?;
        return Ok(Admin::Given(id, secret.clone()));
    }
    let file = admin_file(config);
    let known = match file.read()? {
        Written::Settled(_) => return Ok(Admin::No),
        Written::Pending(text) => bootstrap::read_admin(&text),
        Written::Nothing => None,
    };
    let (id, secret) = match known {
        Some(key) => key,
        None => (ObjectId::new(), secrets::new_secret()?),
    };
    file.write(&bootstrap::admin_text(public_url, id, &secret))?;
    Ok(Admin::Offered(id, secret))
}

/// Why this master key will not do. One that was made just now goes away: it must not be taken for the real one.
fn wrong_key(config: &Config, vault: &Vault, made: bool, locked: &Locked) -> ConfigError {
    if !made {
        return keys::why(locked, &config.store, vault);
    }
    let path = config.store.own_key_file();
    match std::fs::remove_file(&path) {
        Ok(()) => {
            let place = path.display();
            ConfigError::Other(format!("{place}: the master key of this database is missing; put it back"))
        }
        Err(source) => ConfigError::File { path, source },
    }
}

fn start_runner(
    config: &Config,
    app: &Arc<App>,
    base: &str,
    made: &Made,
    key: &stoa_seal::PrivateKey,
    stop: &CancellationToken,
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    let fingerprint = |pem: &str| stoa_seal::PublicKey::from_pem(pem).map(|key| key.fingerprint());
    if fingerprint(&made.public_key).ok() != fingerprint(&key.public_pem()).ok() {
        tracing::warn!("the shared runner has another key than this data folder; no runs are executed here");
        return Ok(None);
    }
    let runner = embedded::config(config, &app.world, base, key)?;
    let stop = stop.clone();
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = stoa_runner::run(runner, stop).await {
            tracing::error!(%error, "the embedded runner ended");
        }
    })))
}

impl Running {
    /// Stops: nothing new is claimed or taken, what is under way ends, everything is written.
    pub async fn stop(mut self) {
        self.app.draining.store(true, Ordering::Relaxed);
        if let Some(runner) = self.runner.take() {
            // The runner still needs the API to hand back what it holds, so it stops first.
            self.stop_runner.cancel();
            if tokio::time::timeout(DRAIN, runner).await.is_err() {
                tracing::warn!("the embedded runner did not end in time");
            }
        }
        self.app.closing.store(true, Ordering::Relaxed);
        self.stop.cancel();
        self.app.bell.ring();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some requests did not end in time");
            self.tasks.abort_all();
        }
        let db = self.app.db.clone();
        // Closing waits for the database threads.
        let _ = tokio::task::spawn_blocking(move || db.close()).await;
        drop(self.held.take());
        tracing::info!("stopped");
    }
}
