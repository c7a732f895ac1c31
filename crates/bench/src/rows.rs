//! The baseline of everything that is kept: bare rows through the same door to the same kind of database.

use crate::load::{Done, round};
use anyhow::Context;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use stoa_db::testing::{TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Migration, Settings, Sql};
use tempfile::TempDir;
use uuid::Uuid;

const TABLES: &[Migration] = &[Migration {
    number: 1,
    name: "bare",
    sql: "CREATE TABLE bare (id TEXT PRIMARY KEY, place BIGINT NOT NULL, doc TEXT NOT NULL);
          CREATE TABLE page (id TEXT PRIMARY KEY, workspace TEXT NOT NULL, place BIGINT NOT NULL, doc TEXT NOT NULL);
          CREATE INDEX page_list ON page (workspace, place, id)",
}];
const ADD: Sql = Sql::new("INSERT INTO bare (id, place, doc) VALUES ($1, $2, $3)");
const ADD_PAGE: Sql = Sql::new("INSERT INTO page (id, workspace, place, doc) VALUES ($1, $2, $3, $4)");
const GET: Sql = Sql::new("SELECT doc FROM page WHERE id = $1");
const LIST: Sql = Sql::new("SELECT doc FROM page WHERE workspace = $1 ORDER BY place, id LIMIT 100");

/// How long writing a number of rows may take.
const MOST: Duration = Duration::from_mins(10);

/// As much as one report of a run says.
static DOC: LazyLock<String> = LazyLock::new(|| "x".repeat(300));

/// An open database with nothing but such rows.
pub struct Rows {
    db: Db,
    ids: Arc<Vec<String>>,
    place: Arc<AtomicI64>,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl Rows {
    /// A fresh one, in this folder or on the server that the environment offers.
    pub fn open(engine: Engine, folder: &Path) -> anyhow::Result<Self> {
        let (url, own, database) = match engine {
            Engine::Sqlite => {
                let own = tempfile::tempdir_in(folder)?;
                (format!("sqlite:{}", own.path().join("rows.db").display()), Some(own), None)
            }
            Engine::Postgres => {
                let database = fresh(engine).context("STOA_TEST_POSTGRES names no server")?;
                (database.url.clone(), None, Some(database))
            }
        };
        let db = Db::open(Settings::new(url), TABLES)?;
        Ok(Self { db, ids: Arc::default(), place: Arc::default(), _folder: own, _database: database })
    }

    /// Callers who each write `rows` rows one after the other, each durable before the next; counted is the whole.
    pub async fn write(&self, callers: usize, rows: usize, span: Duration) -> anyhow::Result<Done> {
        let (db, place) = (self.db.clone(), Arc::clone(&self.place));
        let write = move |()| {
            let (db, place) = (db.clone(), Arc::clone(&place));
            async move {
                for _ in 0..rows {
                    let (id, place) = (Uuid::now_v7(), place.fetch_add(1, Ordering::Relaxed));
                    db.write(move |tx| tx.run(&ADD, &[id.into(), place.into(), DOC.as_str().into()])).await?;
                }
                Ok(((), true))
            }
        };
        Ok(round(vec![(); callers], span, write).await?.0)
    }

    /// Callers who write so many rows in all, each durable before its caller's next.
    pub async fn write_all(&self, callers: usize, count: usize) -> anyhow::Result<Done> {
        let (db, place) = (self.db.clone(), Arc::clone(&self.place));
        let until = place.load(Ordering::Relaxed) + i64::try_from(count)?;
        let write = move |()| {
            let (db, place) = (db.clone(), place.fetch_add(1, Ordering::Relaxed));
            async move {
                if place >= until {
                    return Ok(((), false));
                }
                let row = [Uuid::now_v7().into(), place.into(), DOC.as_str().into()];
                db.write(move |tx| tx.run(&ADD, &row)).await?;
                Ok(((), true))
            }
        };
        Ok(round(vec![(); callers], MOST, write).await?.0)
    }

    /// Puts `count` documents of so many bytes into place, evenly among so many workspaces.
    pub async fn fill(&mut self, count: usize, workspaces: usize, bytes: usize) -> anyhow::Result<()> {
        let ids: Arc<Vec<String>> = Arc::new((0..count).map(|_| Uuid::now_v7().to_string()).collect());
        let (doc, rows) = ("x".repeat(bytes), Arc::clone(&ids));
        self.db
            .write(move |tx| {
                for (place, id) in rows.iter().enumerate() {
                    let workspace = format!("w{}", place % workspaces);
                    let place = i64::try_from(place).unwrap_or(0);
                    tx.run(&ADD_PAGE, &[id.into(), workspace.into(), place.into(), doc.as_str().into()])?;
                }
                Ok::<_, DbError>(())
            })
            .await?;
        self.ids = ids;
        Ok(())
    }

    /// Callers who each read one document by its id.
    pub async fn get(&self, callers: usize, span: Duration) -> anyhow::Result<Done> {
        let (db, ids) = (self.db.clone(), Arc::clone(&self.ids));
        let read = move |turn: usize| {
            let (db, id) = (db.clone(), ids[turn % ids.len()].clone());
            async move {
                db.read(move |tx| tx.one(&GET, &[id.into()], |row| row.get::<String>(0))).await?;
                Ok((turn + 31, true))
            }
        };
        Ok(round((0..callers).map(|caller| caller * 7).collect(), span, read).await?.0)
    }

    /// Callers who each read the first hundred documents of a workspace.
    pub async fn list(&self, callers: usize, span: Duration) -> anyhow::Result<Done> {
        let db = self.db.clone();
        let read = move |()| {
            let db = db.clone();
            async move {
                db.read(move |tx| tx.all(&LIST, &["w0".into()], |row| row.get::<String>(0))).await?;
                Ok(((), true))
            }
        };
        Ok(round(vec![(); callers], span, read).await?.0)
    }

    /// What the database calls itself.
    pub async fn version(&self) -> anyhow::Result<String> {
        const VERSION: Sql = Sql::differs(
            "SELECT 'SQLite ' || sqlite_version()",
            "SELECT 'PostgreSQL ' || current_setting('server_version')",
        );
        Ok(self.db.read(|tx| tx.one(&VERSION, &[], |row| row.get::<String>(0))).await?)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.db.close();
    }
}
