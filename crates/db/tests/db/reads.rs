//! Reads see one moment, see what was answered before, and change nothing.

use std::sync::mpsc::channel;
use std::time::Duration;

use stoa_db::{DbError, Sql};

use crate::{ADD, TABLE, add, ids, on_each};

const COUNT: Sql = Sql::new("SELECT COUNT(*) FROM note");

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_its_own_writes() {
    on_each(TABLE, async |db| {
        let callers: Vec<_> = (0..8_i64)
            .map(|caller| {
                let db = db.clone();
                tokio::spawn(async move {
                    for id in caller * 100..caller * 100 + 25 {
                        add(&db, id).await.expect("free");
                        let found = db
                            .read(move |tx| {
                                let sql = Sql::new("SELECT words FROM note WHERE id = $1");
                                tx.maybe(&sql, &[id.into()], |row| row.get::<String>(0))
                            })
                            .await;
                        assert_eq!(found.expect("it reads"), Some(format!("note {id}")));
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("it saw all");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_one_moment() {
    on_each(TABLE, async |db| {
        let (begun, seen) = channel();
        let (go_on, told) = channel();
        let reading = tokio::spawn({
            let db = db.clone();
            async move {
                db.read(move |tx| {
                    let before: i64 = tx.one(&COUNT, &[], |row| row.get(0))?;
                    begun.send(()).expect("the test waits");
                    told.recv_timeout(Duration::from_mins(1)).map_err(DbError::other)?;
                    let after: i64 = tx.one(&COUNT, &[], |row| row.get(0))?;
                    Ok::<_, DbError>((before, after))
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_mins(1)))
            .await
            .expect("it waits")
            .expect("it has begun");
        add(db, 1).await.expect("free");
        go_on.send(()).expect("the reader waits");
        assert_eq!(reading.await.expect("it lives").expect("it reads"), (0, 0));
        assert_eq!(ids(db).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_read_cannot_write() {
    on_each(TABLE, async |db| {
        let answer = db.read(|tx| tx.run(&ADD, &[1_i64.into(), "one".into()])).await;
        assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
        assert!(ids(db).await.is_empty());
        db.ping().await.expect("the reader goes on");
    })
    .await;
}

#[test]
fn threads_wait_without_a_runtime() {
    for engine in stoa_db::testing::ENGINES {
        let Some((db, _database)) = crate::open(engine, TABLE) else { continue };
        let wrote = db.write_blocking(|tx| tx.run(&ADD, &[1_i64.into(), "one".into()]));
        assert_eq!(wrote.expect("free"), 1);
        let count: i64 = db.read_blocking(|tx| tx.one(&COUNT, &[], |row| row.get(0))).expect("it reads");
        assert_eq!(count, 1);
    }
}
