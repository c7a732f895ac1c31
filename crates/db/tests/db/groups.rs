//! The writer of SQLite: many closures, one commit, separate fates.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stoa_db::testing::{TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Hooks, Migration, Settings, Sql};

use crate::{ADD, Busy, TABLE, add, ids, let_them_queue};

const DEFERRED: &[Migration] = &[Migration {
    number: 1,
    name: "deferred",
    sql: "CREATE TABLE parent (id BIGINT PRIMARY KEY);
          CREATE TABLE note (
              id BIGINT PRIMARY KEY,
              words TEXT NOT NULL,
              parent BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED
          )",
}];

fn sqlite() -> TestDatabase {
    fresh(Engine::Sqlite).expect("SQLite is always there")
}

/// Counts commits.
fn counted(database: &TestDatabase) -> (Settings, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let mut settings = database.settings();
    let seen = commits.clone();
    settings.hooks.after_commit = Some(Arc::new(move || {
        seen.fetch_add(1, Ordering::SeqCst);
    }));
    (settings, commits)
}

/// Reads the file as another process would.
fn rows_on_disk(database: &TestDatabase) -> i64 {
    let path = database.url.strip_prefix("sqlite:").expect("a SQLite URL");
    rusqlite::Connection::open(Path::new(path))
        .and_then(|file| file.query_row("SELECT COUNT(*) FROM note", [], |row| row.get(0)))
        .expect("the file can be read")
}

#[tokio::test]
async fn a_group_shares_a_commit_and_separates_failures() {
    let database = sqlite();
    let (settings, commits) = counted(&database);
    let db = Db::open(settings, TABLE).expect("it opens");
    let busy = Busy::keep(&db);

    let mut waiting = Vec::new();
    for id in 0..60_i64 {
        let db = db.clone();
        waiting.push(tokio::spawn(async move {
            db.write(move |tx| {
                tx.run(&ADD, &[id.into(), format!("note {id}").into()])?;
                match id % 6 {
                    1 => Err(DbError::other("no")),
                    2 => panic!("stumbles"),
                    3 => tx.run(&ADD, &[id.into(), "twice".into()]),
                    4 => {
                        let _ = tx.run(&Sql::new("SELECT nonsense"), &[]);
                        Ok(1)
                    }
                    _ => Ok(1),
                }
            })
            .await
        }));
    }
    let_them_queue().await;
    assert_eq!(rows_on_disk(&database), 0);
    busy.release();

    for (id, answer) in (0_i64..).zip(waiting) {
        let answer = answer.await.expect("the caller lives");
        match id % 6 {
            0 | 5 => assert!(matches!(answer, Ok(1)), "{id}: {answer:?}"),
            3 => assert!(matches!(answer, Err(DbError::Unique { .. })), "{id}: {answer:?}"),
            4 => assert!(matches!(answer, Err(DbError::Spoiled)), "{id}: {answer:?}"),
            _ => assert!(matches!(answer, Err(DbError::Other(_))), "{id}: {answer:?}"),
        }
    }
    assert_eq!(ids(&db).await, (0..60).filter(|id| matches!(id % 6, 0 | 5)).collect::<Vec<_>>());
    assert_eq!(commits.load(Ordering::SeqCst), 2, "one for the closure that kept it busy, one for the group");
    db.close();
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let database = sqlite();
    let (reached, at_commit) = channel();
    let (go_on, told) = channel();
    let told = Mutex::new(told);
    let hooks = Hooks {
        before_commit: Some(Arc::new(move |_| {
            let _ = reached.send(());
            let told = told.lock().expect("only the writer is here");
            told.recv_timeout(Duration::from_mins(1)).map_err(DbError::other)
        })),
        after_commit: None,
    };
    let db = Db::open(Settings { hooks, ..database.settings() }, TABLE).expect("it opens");
    let writing = tokio::spawn({
        let db = db.clone();
        async move { add(&db, 1).await }
    });
    tokio::task::spawn_blocking(move || at_commit.recv_timeout(Duration::from_mins(1)))
        .await
        .expect("it waits")
        .expect("the closure has run");
    assert!(!writing.is_finished());
    assert_eq!(rows_on_disk(&database), 0);
    go_on.send(()).expect("the hook waits");
    assert_eq!(writing.await.expect("it lives").expect("it is free"), 1);
    assert_eq!(rows_on_disk(&database), 1);
    db.close();
}

#[tokio::test]
async fn the_hook_before_a_commit_runs_once_per_group_and_decides_with_it() {
    let database = sqlite();
    let runs = Arc::new(AtomicUsize::new(0));
    let seen = runs.clone();
    let hooks = Hooks {
        before_commit: Some(Arc::new(move |tx| {
            seen.fetch_add(1, Ordering::SeqCst);
            let most: i64 = tx.one(&Sql::new("SELECT MAX(id) FROM note"), &[], |row| row.get(0))?;
            match most {
                500.. => panic!("too many"),
                100.. => Err(DbError::other("enough")),
                _ => tx.run(&ADD, &[(most + 50).into(), format!("hook {most}").into()]).map(|_| ()),
            }
        })),
        after_commit: None,
    };
    let db = Db::open(Settings { hooks, ..database.settings() }, TABLE).expect("it opens");
    add(&db, 1).await.expect("few");
    assert_eq!(ids(&db).await, [1, 51]);

    db.write(|_| Err::<(), _>(DbError::other("nothing to commit"))).await.expect_err("it said so");
    assert_eq!(runs.load(Ordering::SeqCst), 1);

    let (first, second) = tokio::join!(add(&db, 100), add(&db, 101));
    for answer in [first, second] {
        let error = answer.expect_err("enough");
        let cause = std::error::Error::source(&error).expect("a cause");
        let root = cause.source().map_or_else(|| cause.to_string(), ToString::to_string);
        assert_eq!(root, "enough");
    }
    add(&db, 500).await.expect_err("it panics");
    add(&db, 2).await.expect("the writer goes on");
    assert_eq!(ids(&db).await, [1, 2, 51, 101]);
    db.close();
}

#[tokio::test]
async fn a_key_that_is_checked_at_the_commit_fails_only_its_own_closure() {
    let database = sqlite();
    let db = Db::open(database.settings(), DEFERRED).expect("it opens");
    let busy = Busy::keep(&db);
    let child = |id: i64, parent: Option<i64>| {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |tx| {
                tx.run(
                    &Sql::new("INSERT INTO note (id, words, parent) VALUES ($1, $2, $3)"),
                    &[id.into(), "child".into(), parent.into()],
                )
            })
            .await
        })
    };
    let waiting = [child(1, None), child(2, Some(9)), child(3, None)];
    let_them_queue().await;
    busy.release();
    let [first, second, third] = waiting;
    assert_eq!(first.await.expect("it lives").expect("no parent"), 1);
    assert!(matches!(second.await.expect("it lives"), Err(DbError::ForeignKey)));
    assert_eq!(third.await.expect("it lives").expect("no parent"), 1);
    assert_eq!(ids(&db).await, [1, 3]);
    db.close();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let database = sqlite();
    let db = Db::open(database.settings(), TABLE).expect("it opens");
    let busy = Busy::keep(&db);
    let waiting: Vec<_> = (0..5_000_i64)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { add(&db, id).await })
        })
        .collect();
    let_them_queue().await;
    busy.release();
    let (mut written, mut refused) = (0, 0);
    for answer in waiting {
        match answer.await.expect("it lives") {
            Ok(_) => written += 1,
            Err(DbError::Busy) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((written, refused), (4_096, 5_000 - 4_096));
    assert_eq!(ids(&db).await.len(), 4_096);
    db.close();
}

#[test]
fn the_log_is_emptied_while_it_grows() {
    const PAGES: usize = 2_000;
    let database = sqlite();
    let db = Db::open(database.settings(), TABLE).expect("it opens");
    let path = database.url.strip_prefix("sqlite:").expect("a SQLite URL").to_owned();
    let beside = rusqlite::Connection::open(&path).expect("the file is there");
    let pages_to_copy = || {
        beside
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
                Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
            })
            .expect("it only looks")
    };
    for round in 1..=4_usize {
        db.write_blocking(move |tx| {
            for id in round * PAGES..(round + 1) * PAGES {
                let words = format!("{id} {}", "x".repeat(8_000));
                tx.run(&ADD, &[i64::try_from(id).map_err(DbError::other)?.into(), words.into()])?;
            }
            Ok::<_, DbError>(())
        })
        .expect("there is room");
        let begun = Instant::now();
        while pages_to_copy() > 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "the housekeeper does not come");
            std::thread::yield_now();
        }
    }
    drop(beside);
    let log = std::fs::metadata(format!("{path}-wal")).expect("the log is there").len();
    assert!(log < 40_000_000, "the log has grown to {log} bytes");
    db.close();
    assert!(!Path::new(&format!("{path}-wal")).exists(), "closing empties the log");
}
