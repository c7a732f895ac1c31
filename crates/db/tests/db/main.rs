//! The door to both engines, tried through its public side. PostgreSQL takes part when `STOA_TEST_POSTGRES`
//! names a server.

mod closing;
mod errors;
mod groups;
mod migrations;
mod postgres;
mod reads;
mod values;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use stoa_db::testing::{ENGINES, TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Migration, Sql};

/// The table most tests write to.
const TABLE: &[Migration] = &[Migration {
    number: 1,
    name: "note",
    sql:
        "CREATE TABLE note (id BIGINT PRIMARY KEY, words TEXT NOT NULL, seen BOOLEAN NOT NULL DEFAULT FALSE);
          CREATE UNIQUE INDEX note_words ON note (words)",
}];

const ADD: Sql = Sql::new("INSERT INTO note (id, words) VALUES ($1, $2)");
const IDS: Sql = Sql::new("SELECT id FROM note ORDER BY id");

/// Opens a fresh database on each engine that is there.
async fn on_each(migrations: &[Migration], test: impl AsyncFn(&Db)) {
    for engine in ENGINES {
        if let Some((db, _database)) = open(engine, migrations) {
            test(&db).await;
            db.close();
        }
    }
}

fn open(engine: Engine, migrations: &[Migration]) -> Option<(Db, TestDatabase)> {
    let database = fresh(engine)?;
    let db = Db::open(database.settings(), migrations).expect("a fresh database opens");
    Some((db, database))
}

async fn add(db: &Db, id: i64) -> Result<u64, DbError> {
    db.write(move |tx| tx.run(&ADD, &[id.into(), format!("note {id}").into()])).await
}

async fn ids(db: &Db) -> Vec<i64> {
    db.read(|tx| tx.all(&IDS, &[], |row| row.get(0))).await.expect("notes can be read")
}

/// Lets the tasks of a single-threaded runtime queue their work.
async fn let_them_queue() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Keeps the writer thread busy until it is told to go on.
struct Busy {
    go_on: Sender<()>,
}

impl Busy {
    /// Returns once the writer is inside a closure.
    fn keep(db: &Db) -> Self {
        let (go_on, told): (Sender<()>, Receiver<()>) = channel();
        let (begun, seen) = channel();
        let (db, mut told) = (db.clone(), Some(told));
        std::thread::spawn(move || {
            db.write_blocking(move |_| {
                begun.send(()).expect("the test waits");
                // Ends when told, or when the test does.
                let _ = told.take().map(|told| told.recv());
                Ok::<_, DbError>(())
            })
        });
        seen.recv_timeout(Duration::from_mins(1)).expect("the writer runs closures");
        Self { go_on }
    }

    fn release(self) {
        self.go_on.send(()).expect("the writer waits");
    }
}
