//! What only PostgreSQL does: several writers, collisions, lost connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stoa_db::testing::{TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Migration, Sql, Value};

use crate::{TABLE, add, ids};

const COUNTERS: &[Migration] = &[Migration {
    number: 1,
    name: "counter",
    sql: "CREATE TABLE counter (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);
          INSERT INTO counter (id, n) VALUES (1, 0), (2, 0)",
}];

const SERIALIZABLE: Sql = Sql::new("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
const READ: Sql = Sql::new("SELECT n FROM counter WHERE id = $1");
const SET: Sql = Sql::new("UPDATE counter SET n = $2 WHERE id = $1");
const RAISE: Sql = Sql::new("UPDATE counter SET n = n + 1 WHERE id = $1");
const DIE: Sql = Sql::new("SELECT pg_terminate_backend(pg_backend_pid())");

fn opened(writers: usize, migrations: &[Migration]) -> Option<(Db, TestDatabase, Arc<AtomicU32>)> {
    let database = fresh(Engine::Postgres)?;
    let mut settings = database.settings();
    settings.writers = writers;
    let commits = Arc::new(AtomicU32::new(0));
    let seen = commits.clone();
    settings.hooks.after_commit = Some(Arc::new(move || {
        seen.fetch_add(1, Ordering::SeqCst);
    }));
    let db = Db::open(settings, migrations).expect("it opens");
    Some((db, database, commits))
}

async fn counter(db: &Db, id: i64) -> i64 {
    db.read(move |tx| tx.one(&READ, &[id.into()], |row| row.get(0))).await.expect("it reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn colliding_writers_all_get_through() {
    let Some((db, _database, commits)) = opened(4, COUNTERS) else { return };
    let runs = Arc::new(AtomicU32::new(0));
    let writing: Vec<_> = (0..40)
        .map(|_| {
            let (db, runs) = (db.clone(), runs.clone());
            tokio::spawn(async move {
                db.write(move |tx| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    tx.run(&SERIALIZABLE, &[])?;
                    let n: i64 = tx.one(&READ, &[1_i64.into()], |row| row.get(0))?;
                    tx.run(&SET, &[1_i64.into(), (n + 1).into()])
                })
                .await
            })
        })
        .collect();
    for answer in writing {
        assert_eq!(answer.await.expect("it lives").expect("it gets through"), 1);
    }
    assert_eq!(counter(&db, 1).await, 40);
    assert_eq!(commits.load(Ordering::SeqCst), 40);
    assert!(runs.load(Ordering::SeqCst) >= 40);
    db.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_undone_and_repeated() {
    let Some((db, database, _)) = opened(2, COUNTERS) else { return };
    let meeting = Arc::new(std::sync::Barrier::new(2));
    let writing: Vec<_> = [[1_i64, 2], [2, 1]]
        .map(|order| {
            let (db, meeting) = (db.clone(), meeting.clone());
            let mut is_first = true;
            tokio::spawn(async move {
                db.write(move |tx| {
                    tx.run(&RAISE, &[order[0].into()])?;
                    if std::mem::take(&mut is_first) {
                        meeting.wait();
                    }
                    tx.run(&RAISE, &[order[1].into()])
                })
                .await
            })
        })
        .into();
    for answer in writing {
        assert_eq!(answer.await.expect("it lives").expect("it gets through"), 1);
    }
    assert_eq!((counter(&db, 1).await, counter(&db, 2).await), (2, 2));
    db.close();
    drop(database);
}

#[tokio::test]
async fn endless_collisions_end() {
    let Some((db, _database, commits)) = opened(1, COUNTERS) else { return };
    let runs = Arc::new(AtomicU32::new(0));
    let seen = runs.clone();
    let answer = db
        .write(move |tx| {
            seen.fetch_add(1, Ordering::SeqCst);
            let collide = Sql::new("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
            let _ = tx.run(&collide, &[]);
            Ok(())
        })
        .await;
    assert!(matches!(answer, Err(DbError::Retry)), "{answer:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 9);
    assert_eq!(commits.load(Ordering::SeqCst), 0);
    db.close();
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let Some((db, database, _)) = opened(2, TABLE) else { return };
    add(&db, 1).await.expect("free");
    let other = Db::open(database.settings(), TABLE).expect("another server");
    for id in 2..5_i64 {
        other
            .write(|tx| {
                let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                              WHERE datname = current_database() AND pid <> pg_backend_pid()";
                tx.one(&Sql::new(others), &[], |row| row.get::<i64>(0))
            })
            .await
            .expect("it may end them");
        add(&db, id).await.expect("it connects again");
        db.ping().await.expect("so does the reader");
    }
    assert_eq!(ids(&db).await, [1, 2, 3, 4]);
    other.close();
    db.close();
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_repeats_the_closure() {
    let Some((db, _database, commits)) = opened(1, COUNTERS) else { return };
    let mut runs = 0;
    let answer = db
        .write(move |tx| {
            runs += 1;
            tx.run(&RAISE, &[1_i64.into()])?;
            if runs == 1 {
                tx.run(&DIE, &[])?;
            }
            Ok::<_, DbError>(runs)
        })
        .await;
    assert_eq!(answer.expect("the second run"), 2);
    assert_eq!(counter(&db, 1).await, 1);
    let hopeless = db.write(|tx| tx.run(&DIE, &[])).await;
    assert!(matches!(hopeless, Err(DbError::Gone)), "{hopeless:?}");
    let reading = db.read(|tx| tx.run(&DIE, &[])).await;
    assert!(matches!(reading, Err(DbError::Gone)), "{reading:?}");
    assert_eq!(counter(&db, 1).await, 1);
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    db.close();
}

#[tokio::test]
async fn a_commit_without_an_answer_is_not_repeated() {
    let Some((db, _database, commits)) = opened(1, TABLE) else { return };
    let trap = [
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION die()",
    ];
    for statement in trap {
        db.write(move |tx| tx.run(&Sql::new(statement), &[])).await.expect("the trap is laid");
    }
    let runs = Arc::new(AtomicU32::new(0));
    let seen = runs.clone();
    let answer = db
        .write(move |tx| {
            seen.fetch_add(1, Ordering::SeqCst);
            tx.run(&crate::ADD, &[1_i64.into(), "one".into()])
        })
        .await;
    assert!(matches!(answer, Err(DbError::Gone)), "{answer:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(commits.load(Ordering::SeqCst), 2);
    assert!(ids(&db).await.is_empty(), "the writer and the readers go on");
    db.close();
}

#[tokio::test]
async fn a_changed_table_does_not_trip_prepared_statements() {
    let Some((db, _database, _)) = opened(1, COUNTERS) else { return };
    let all = || Sql::new("SELECT * FROM counter ORDER BY id");
    let count = async |db: &Db| {
        db.write(move |tx| tx.all(&all(), &[], |row| row.get::<i64>(0))).await.map(|rows| rows.len())
    };
    assert_eq!(count(&db).await.expect("prepared"), 2);
    db.write(|tx| tx.run(&Sql::new("ALTER TABLE counter ADD COLUMN more TEXT"), &[])).await.expect("altered");
    assert_eq!(count(&db).await.expect("prepared again"), 2);
    db.close();
}

#[tokio::test]
async fn a_value_of_another_type_is_refused_not_converted() {
    let Some((db, _database, _)) = opened(1, COUNTERS) else { return };
    for wrong in [Value::from("1"), true.into(), vec![1_u8].into()] {
        let answer = db.write(move |tx| tx.run(&RAISE, std::slice::from_ref(&wrong))).await;
        assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
    }
    db.close();
}

#[test]
fn a_server_without_tls_is_not_spoken_to_when_tls_is_asked_for() {
    let Some(database) = fresh(Engine::Postgres) else { return };
    let mut settings = database.settings();
    settings.url.push_str(if settings.url.contains('?') { "&" } else { "?" });
    settings.url.push_str("sslmode=require");
    let error = Db::open(settings, TABLE).expect_err("the test server has no trusted certificate");
    assert!(matches!(error, DbError::Other(_)), "{error:?}");
}
