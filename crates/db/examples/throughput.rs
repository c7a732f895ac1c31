//! How many small transactions 64 callers get through in a few seconds, each durable before its answer.
//!
//! `cargo run --release -p stoa-db --features testing --example throughput`

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use stoa_db::testing::{ENGINES, fresh};
use stoa_db::{Db, DbError, Migration, Settings, Sql};

const CALLERS: usize = 64;
const SPAN: Duration = Duration::from_secs(5);

const TABLE: &[Migration] = &[Migration {
    number: 1,
    name: "note",
    sql: "CREATE TABLE note (id TEXT PRIMARY KEY, place BIGINT NOT NULL, words TEXT NOT NULL);
          CREATE UNIQUE INDEX note_place ON note (place)",
}];

const ADD: Sql = Sql::new("INSERT INTO note (id, place, words) VALUES ($1, $2, $3)");
const GET: Sql = Sql::new("SELECT words FROM note WHERE place = $1");

#[tokio::main]
async fn main() -> Result<(), DbError> {
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let db = Db::open(Settings::new(&database.url), TABLE)?;
        let place = Arc::new(AtomicI64::new(0));
        let next = place.clone();
        let writes = rate(&db, move |db| {
            let (id, place) = (uuid::Uuid::now_v7(), next.fetch_add(1, Ordering::Relaxed));
            async move {
                db.write(move |tx| tx.run(&ADD, &[id.into(), place.into(), "a few words to keep".into()]))
                    .await?;
                Ok(())
            }
        })
        .await?;
        let last = place.load(Ordering::Relaxed).max(1);
        let reads = rate(&db, move |db| {
            let place = place.fetch_add(7, Ordering::Relaxed) % last;
            async move {
                db.read(move |tx| tx.maybe(&GET, &[place.into()], |row| row.get::<String>(0))).await?;
                Ok(())
            }
        })
        .await?;
        println!("{engine:?}: {writes} writes/s, {reads} reads/s");
        db.close();
    }
    Ok(())
}

/// How often per second all callers together get through.
async fn rate<F, A>(db: &Db, call: F) -> Result<u64, DbError>
where
    F: Fn(Db) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<(), DbError>> + Send,
{
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (db, call) = (db.clone(), call.clone());
            tokio::spawn(async move {
                let mut done = 0;
                while begun.elapsed() < SPAN {
                    call(db.clone()).await?;
                    done += 1;
                }
                Ok(done)
            })
        })
        .collect();
    let mut done = 0_u64;
    for caller in callers {
        done += caller.await.map_err(DbError::other)??;
    }
    Ok(done / SPAN.as_secs())
}
