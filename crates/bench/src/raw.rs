//! The baseline of everything about declared objects: the rows that Stoa writes and reads for it, in Stoa's own
//! tables, without HTTP, documents, rules and rights. Each caller's transaction is durable before its next.

use crate::load::{Done, round};
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use stoa_db::testing::{TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Migration, Settings, Sql, Tx, Value};
use tempfile::TempDir;
use uuid::Uuid;

const TABLES: &[Migration] = &[
    Migration { number: 1, name: "kernel", sql: include_str!("../../core/schema/0001_kernel.sql") },
    Migration { number: 31, name: "label", sql: include_str!("../../core/schema/0031_label.sql") },
];

/// What Stoa tells SQLite of these tables.
const STATISTICS: &str = include_str!("../../core/schema/statistics.txt");

const OBJECT: Sql = Sql::new(
    "INSERT INTO object (id, kind, key, workspace, version, created_at, updated_at, doc, status)
     VALUES ($1, $2, $3, $4, 1, $5, $5, $6, $7)",
);
const LABEL: Sql = Sql::new("INSERT INTO label (object, kind, text) VALUES ($1, $2, $3)");
const HISTORY: Sql =
    Sql::new("INSERT INTO history (object, version, at, author, doc) VALUES ($1, 1, $2, 'ApiKey:bench', $3)");
const EVENT: Sql = Sql::new(
    "INSERT INTO event (id, seq, at, kind, object, workspace, managers, action, title, description, author_type,
        author, content, request, hash)
     VALUES ($1, $2, $3, $4, $5, $6, ',,', 'created', 'Created', 'It was created.', 'ApiKey', 'bench', $7, 'r', $8)",
);
const WORK: Sql = Sql::new(
    "INSERT INTO work (controller, key, due, attempts, epoch, leased_until) VALUES ('people', $1, $2, 0, 0, 0)",
);
const COLUMNS: &str =
    "o.id, o.kind, o.key, o.workspace, o.version, o.created_at, o.deleted_at, o.doc, o.status";

/// What one object takes besides its own row, its history and its event.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its kind.
    pub kind: &'static str,
    /// Bytes of its document.
    pub bytes: usize,
    /// Bytes of its status.
    pub status: usize,
    /// Rows that lists filter on.
    pub facets: usize,
    /// Rows that say what it leans on.
    pub references: usize,
    /// Whether a controller is asked to look, which is a row too.
    pub works: bool,
}

/// How a list is narrowed down.
#[derive(Clone, Debug)]
pub enum Filter {
    /// By owner.
    Workspace(String),
    /// By a value of a facet.
    Facet(&'static str, String),
}

/// Such a database with nothing else in it.
pub struct Raw {
    db: Db,
    place: Arc<AtomicI64>,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

fn row(
    tx: &mut Tx,
    shape: Shape,
    at: i64,
    workspace: &str,
    facets: &[(&str, String)],
    leans: &str,
) -> Result<String, DbError> {
    let id = Uuid::now_v7().to_string();
    let (doc, status) = (document(shape.bytes), document(shape.status));
    let key = format!("{workspace}.{id}");
    let values: [Value; 7] = [
        id.as_str().into(),
        shape.kind.into(),
        key.into(),
        workspace.into(),
        at.into(),
        doc.as_str().into(),
        status.into(),
    ];
    tx.run(&OBJECT, &values)?;
    if !facets.is_empty() {
        let rows: Vec<String> =
            (0..facets.len()).map(|row| format!("($1, ${}, ${}, $2)", 2 * row + 3, 2 * row + 4)).collect();
        let sql = Sql::built(format!(
            "INSERT INTO facet (object, name, value, created_at) VALUES {}",
            rows.join(", ")
        ));
        let mut values: Vec<Value> = vec![id.as_str().into(), at.into()];
        values.extend(facets.iter().flat_map(|(name, value)| [(*name).into(), value.into()]));
        tx.run(&sql, &values)?;
    }
    if shape.references > 0 {
        let rows: Vec<String> = (0..shape.references).map(|row| format!("($1, ${}, $2)", row + 3)).collect();
        let sql = Sql::built(format!(
            "INSERT INTO reference (source, relation, target) VALUES {}",
            rows.join(", ")
        ));
        let mut values: Vec<Value> = vec![id.as_str().into(), leans.into()];
        values.extend((0..shape.references).map(|row| format!("relation-{row}").into()));
        tx.run(&sql, &values)?;
    }
    // What it is found by: its names, a line each.
    tx.run(&LABEL, &[id.as_str().into(), shape.kind.into(), format!("{at}\n{id}").into()])?;
    tx.run(&HISTORY, &[id.as_str().into(), at.into(), doc.as_str().into()])?;
    if shape.works {
        tx.run(&WORK, &[id.as_str().into(), at.into()])?;
    }
    let hash = "0".repeat(64);
    let event: [Value; 8] = [
        Uuid::now_v7().into(),
        at.into(),
        at.into(),
        shape.kind.into(),
        id.as_str().into(),
        workspace.into(),
        doc.into(),
        hash.into(),
    ];
    tx.run(&EVENT, &event)?;
    Ok(id)
}

/// A JSON object of so many bytes.
fn document(bytes: usize) -> String {
    match bytes.checked_sub(r#"{"x":""}"#.len()) {
        Some(rest) => format!("{{\"x\":\"{}\"}}", "x".repeat(rest)),
        None => "{}".into(),
    }
}

/// Facets in which nothing is the same twice.
fn own_facets(shape: Shape, at: i64) -> Vec<(&'static str, String)> {
    const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    NAMES.iter().take(shape.facets).map(|name| (*name, at.to_string())).collect()
}

impl Raw {
    /// A fresh one, in this folder or on the server that the environment offers.
    pub async fn open(engine: Engine, folder: &Path) -> anyhow::Result<Self> {
        let (url, own, database) = match engine {
            Engine::Sqlite => {
                let own = tempfile::tempdir_in(folder)?;
                (format!("sqlite:{}", own.path().join("raw.db").display()), Some(own), None)
            }
            Engine::Postgres => {
                let database = fresh(engine).context("STOA_TEST_POSTGRES names no server")?;
                (database.url.clone(), None, Some(database))
            }
        };
        let db = Db::open(Settings { statistics: STATISTICS, ..Settings::new(url) }, TABLES)?;
        // What everything leans on.
        let root = Shape { kind: "root", bytes: 10, status: 2, facets: 0, references: 0, works: false };
        db.write(move |tx| {
            let id = row(tx, root, 0, "root", &[], "")?;
            tx.run(&Sql::new("DELETE FROM label WHERE object = $1"), &[id.as_str().into()])?;
            tx.run(&Sql::new("UPDATE object SET id = 'root' WHERE id = $1"), &[id.into()])
        })
        .await?;
        Ok(Self { db, place: Arc::new(AtomicI64::new(1)), _folder: own, _database: database })
    }

    /// `count` times the rows of these objects, one durable transaction for each object, by so many callers.
    pub async fn write(&self, shapes: &[Shape], callers: usize, count: usize) -> anyhow::Result<Done> {
        let (db, place, shapes) = (self.db.clone(), Arc::clone(&self.place), shapes.to_vec());
        let until = place.load(Ordering::Relaxed) + i64::try_from(count * shapes.len())?;
        let write = move |()| {
            let (db, place, shapes) = (db.clone(), Arc::clone(&place), shapes.clone());
            async move {
                for shape in shapes {
                    let at = place.fetch_add(1, Ordering::Relaxed);
                    if at >= until {
                        return Ok(((), false));
                    }
                    db.write(move |tx| row(tx, shape, at, "w", &own_facets(shape, at), "root")).await?;
                }
                Ok(((), true))
            }
        };
        let mut done = round(vec![(); callers], Duration::from_mins(10), write).await?.0;
        done.count = count;
        Ok(done)
    }

    /// Puts `count` objects of a shape into place; `facets` tells owner and facets of each.
    pub async fn fill(
        &self,
        shape: Shape,
        count: usize,
        of: impl Fn(usize) -> (String, Vec<(&'static str, String)>) + Clone + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        for from in (0..count).step_by(2000) {
            let (place, of) = (Arc::clone(&self.place), of.clone());
            let until = count.min(from + 2000);
            self.db
                .write(move |tx| {
                    for number in from..until {
                        let (workspace, facets) = of(number);
                        let at = place.fetch_add(1, Ordering::Relaxed);
                        row(tx, shape, at, &workspace, &facets, "root")?;
                    }
                    Ok::<_, DbError>(())
                })
                .await?;
        }
        Ok(())
    }

    /// Callers who each read the first page of a list, as Stoa does it, and how many there are in all.
    pub async fn list(
        &self,
        kind: &'static str,
        filters: Vec<Filter>,
        callers: usize,
        span: Duration,
    ) -> anyhow::Result<Done> {
        let (db, filters) = (self.db.clone(), Arc::new(filters));
        let read = move |turn: usize| {
            let (db, filters) = (db.clone(), Arc::clone(&filters));
            async move {
                let filter = filters.get(turn % filters.len()).cloned().context("no filter")?;
                let (from, narrow, values, order) = match filter {
                    Filter::Workspace(workspace) => (
                        "object o",
                        "o.workspace = $2",
                        vec![kind.into(), workspace.into()],
                        "o.created_at, o.id",
                    ),
                    Filter::Facet(name, value) => (
                        "facet f JOIN object o ON o.id = f.object",
                        "f.name = $2 AND f.value = $3",
                        vec![kind.into(), name.into(), value.into()],
                        "f.created_at, f.object",
                    ),
                };
                let state = "EXISTS (SELECT 1 FROM facet g WHERE g.object = o.id AND g.name = 'state' AND g.value = 'ACTIVE')";
                let parts = format!(
                    "FROM {from} WHERE o.kind = $1 AND o.deleted_at IS NULL AND {narrow} AND {state}"
                );
                let page = Sql::built(format!(
                    "SELECT {COLUMNS} FROM object o WHERE o.id IN (SELECT o.id {parts} ORDER BY {order} LIMIT 50)
                     ORDER BY o.created_at, o.id"
                ));
                let total = Sql::built(format!("SELECT count(*) {parts}"));
                db.read(move |tx| {
                    let found =
                        tx.all(&page, &values, |row| Ok((row.get::<String>(7)?, row.get::<String>(8)?)))?;
                    if found.len() == 50 {
                        tx.one(&total, &values, |row| row.get::<i64>(0))?;
                    }
                    Ok::<_, DbError>(found.len())
                })
                .await?;
                Ok((turn + 31, true))
            }
        };
        Ok(round((0..callers).map(|caller| caller * 7).collect(), span, read).await?.0)
    }

    /// Callers who each read kind and key of everything that a workspace owns.
    pub async fn owned(&self, workspace: &str, callers: usize, span: Duration) -> anyhow::Result<Done> {
        const OWNED: Sql = Sql::new(
            "SELECT o.kind, o.key FROM object o WHERE o.workspace = $1 AND o.deleted_at IS NULL ORDER BY o.kind, o.key",
        );
        let (db, workspace) = (self.db.clone(), workspace.to_owned());
        let read = move |()| {
            let (db, workspace) = (db.clone(), workspace.clone());
            async move {
                let name = workspace.as_str().into();
                db.read(move |tx| {
                    tx.all(&OWNED, &[name], |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))
                })
                .await?;
                Ok(((), true))
            }
        };
        Ok(round(vec![(); callers], span, read).await?.0)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.db.close();
    }
}
