//! Connections to a PostgreSQL server: how they are made, and made again when lost.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Session;
use crate::{DbError, Settings};

/// How often a connection is tried before those who wait are told that there is none.
const TRIES: u32 = 6;

/// Where the server is, and how to speak to it.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    fsync: bool,
}

impl Target {
    pub(super) fn of(settings: &Settings) -> Result<Self, DbError> {
        // Certificates are always verified in full; libpq's name for that is understood, too.
        let url = settings.url.replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config = url.parse().map_err(DbError::other)?;
        if config.get_application_name().is_none() {
            config.application_name("stoa");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        config.keepalives_idle(Duration::from_secs(30));
        config.tcp_user_timeout(Duration::from_secs(30));
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(MakeRustlsConnect::new(trusting_the_system()?)),
            _ => None,
        };
        Ok(Self { config, tls, fsync: settings.fsync })
    }

    fn connect(&self) -> Result<Session, postgres::Error> {
        let mut client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone())?,
            None => self.config.connect(NoTls)?,
        };
        prepare(&mut client, self.fsync)?;
        Ok(Session::new(client))
    }
}

fn prepare(client: &mut Client, fsync: bool) -> Result<(), postgres::Error> {
    client.batch_execute("SET client_min_messages = warning")?;
    if !fsync {
        client.batch_execute("SET synchronous_commit = off")?;
    }
    Ok(())
}

fn trusting_the_system() -> Result<ClientConfig, DbError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(DbError::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// A connection that is made again after it was lost.
pub(super) struct Line {
    target: Target,
    session: Option<Session>,
}

impl Line {
    /// Connects for the first time.
    pub(super) fn open(target: Target) -> Result<Self, DbError> {
        let mut line = Self { target, session: None };
        line.connect().map_err(DbError::other)?;
        Ok(line)
    }

    /// The session, connecting if there is none.
    pub(super) fn session(&mut self) -> Result<&mut Session, DbError> {
        if self.session.is_none()
            && let Err(error) = self.connect()
        {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot connect to the database");
        }
        self.session.as_mut().ok_or(DbError::Gone)
    }

    /// Begins a transaction, on a new connection if the old one turns out to be dead.
    pub(super) fn begin(&mut self, how: &str) -> Result<&mut Session, DbError> {
        if matches!(self.session()?.batch(how), Ok(())) {
            return self.session();
        }
        self.lose();
        self.session()?.batch(how)?;
        self.session()
    }

    /// Ends a transaction that must not leave a trace.
    pub(super) fn roll_back(&mut self) {
        if let Some(session) = &mut self.session
            && session.batch("ROLLBACK").is_err()
        {
            self.lose();
        }
    }

    /// Forgets a connection that does not work.
    pub(super) fn lose(&mut self) {
        self.session = None;
    }

    fn connect(&mut self) -> Result<(), postgres::Error> {
        let mut tried = 0;
        loop {
            match self.target.connect() {
                Ok(session) => {
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error) if tried + 1 < TRIES && may_pass(&error) => {
                    pause(tried, Duration::from_millis(100));
                    tried += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a server that refused a connection may take one soon.
fn may_pass(error: &postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => *code == SqlState::CANNOT_CONNECT_NOW || *code == SqlState::TOO_MANY_CONNECTIONS,
    }
}

/// Waits between a half and the whole of a time that doubles with every try.
pub(super) fn pause(tried: u32, first: Duration) {
    let longest = first * 2_u32.saturating_pow(tried);
    let share = RandomState::new().hash_one(tried) % 512;
    thread::sleep(longest / 2 + longest * u32::try_from(share).unwrap_or(0) / 1024);
}
