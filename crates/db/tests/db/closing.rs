//! Closing finishes what was begun, and refuses what comes later.

use std::sync::mpsc::channel;
use std::time::Duration;

use stoa_db::{Db, DbError};

use crate::{Busy, TABLE, add, ids, let_them_queue, open};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    for engine in stoa_db::testing::ENGINES {
        let Some((db, database)) = open(engine, TABLE) else { continue };
        let busy = Busy::keep(&db);
        let waiting: Vec<_> = (0..100_i64)
            .map(|id| {
                let db = db.clone();
                tokio::spawn(async move { add(&db, id).await })
            })
            .collect();
        let_them_queue().await;
        let closing = tokio::task::spawn_blocking({
            let db = db.clone();
            move || db.close()
        });
        while db.ping().await.is_ok() {}
        assert!(!closing.is_finished());
        let late = add(&db, 1_000).await;
        assert!(matches!(late, Err(DbError::Closed)), "{late:?}");
        busy.release();
        for answer in waiting {
            answer.await.expect("it lives").expect("it was queued in time");
        }
        closing.await.expect("it closes");
        assert!(matches!(db.ping().await, Err(DbError::Closed)));
        db.close();

        let again = Db::open(database.settings(), TABLE).expect("it opens again");
        assert_eq!(ids(&again).await, (0..100).collect::<Vec<_>>());
        again.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_handle_may_go_on_a_database_thread() {
    for engine in stoa_db::testing::ENGINES {
        let Some((db, _database)) = open(engine, TABLE) else { continue };
        let (begun, seen) = channel();
        let (go_on, told) = channel::<()>();
        let (gone, ended) = channel();
        let mut last = Some(db.clone());
        let writing = tokio::spawn(async move {
            db.write(move |_| {
                begun.send(()).map_err(DbError::other)?;
                let _ = told.recv_timeout(PATIENCE);
                drop(last.take());
                gone.send(()).map_err(DbError::other)
            })
            .await
        });
        tokio::task::spawn_blocking(move || seen.recv_timeout(PATIENCE))
            .await
            .expect("it waits")
            .expect("the closure has begun");
        // The caller gives up, and its handle goes with it.
        writing.abort();
        assert!(writing.await.is_err_and(|error| error.is_cancelled()));
        go_on.send(()).expect("the closure waits");
        tokio::task::spawn_blocking(move || ended.recv_timeout(PATIENCE))
            .await
            .expect("it waits")
            .expect("closing does not wait for the thread it runs on");
    }
}
