//! Fresh databases for tests, removed when they are dropped.
//!
//! SQLite is always there. PostgreSQL is when the environment names a server and a user who may make
//! databases: `STOA_TEST_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, thread};

use postgres::{Client, NoTls};
use uuid::Uuid;

use crate::{DbError, Engine, Settings};

/// The variable that names the PostgreSQL server for tests.
pub const SERVER: &str = "STOA_TEST_POSTGRES";

/// Both engines, for tests that go over them.
pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// An empty database of one test. Close or drop every [`Db`](crate::Db) on it first.
pub struct TestDatabase {
    /// What [`Settings::url`] wants.
    pub url: String,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Server { url: String, database: String },
}

/// Makes an empty database; none on PostgreSQL if no server is offered.
///
/// # Panics
///
/// If it cannot be made although it should.
pub fn fresh(engine: Engine) -> Option<TestDatabase> {
    match engine {
        Engine::Sqlite => Some(file()),
        Engine::Postgres => env::var(SERVER).ok().filter(|url| !url.is_empty()).map(|url| database(&url)),
    }
}

impl TestDatabase {
    /// The usual settings for it, with few connections.
    pub fn settings(&self) -> Settings {
        Settings { readers: 2, writers: 2, ..Settings::new(&self.url) }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder(path) => {
                // What is left over lies in the folder for temporary files.
                let _ = fs::remove_dir_all(path);
            }
            Place::Server { url, database } => {
                order(url, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
            }
        }
    }
}

fn file() -> TestDatabase {
    let folder = env::temp_dir().join(name());
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot make `{}`: {error}", folder.display()));
    TestDatabase { url: format!("sqlite:{}", folder.join("stoa.db").display()), place: Place::Folder(folder) }
}

fn database(server: &str) -> TestDatabase {
    let database = name();
    order(
        server,
        &format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"),
    );
    TestDatabase { url: beside(server, &database), place: Place::Server { url: server.to_owned(), database } }
}

fn name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let random = Uuid::new_v4().simple().to_string();
    format!("stoa_test_{}_{}_{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed), &random[..8])
}

/// The same URL with another database.
fn beside(server: &str, database: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, None), |(url, query)| (url, Some(query)));
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[host..].find('/').map_or(address.len(), |slash| host + slash);
    let mut url = format!("{}/{database}", &address[..end]);
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    url
}

/// Runs a statement on the server.
fn order(server: &str, statement: &str) {
    if let Err(error) = ordered(server, statement) {
        panic!("{SERVER}: {error}");
    }
}

/// The client cannot live where an async test runs.
fn ordered(server: &str, statements: &str) -> Result<(), postgres::Error> {
    let done = thread::scope(|scope| {
        scope.spawn(|| Client::connect(server, NoTls)?.batch_execute(statements)).join()
    });
    done.expect("a client does not panic outside a runtime")
}

/// Runs statements, separated by `;`, on a database that a program left, whatever its tables are: to make it large
/// quickly. Nobody else may be at it.
pub fn work_on(url: &str, statements: &str) -> Result<(), DbError> {
    match url.strip_prefix("sqlite:") {
        Some(path) => rusqlite::Connection::open(path)
            .and_then(|connection| connection.execute_batch(statements))
            .map_err(DbError::other),
        None => ordered(url, statements).map_err(DbError::other),
    }
}
