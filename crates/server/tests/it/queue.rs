//! The work queue and the feed of the kernel, on both engines: leases, fences, and nothing lost.

use crate::on_both;
use crate::patience::until;
use crate::stoa::{PATIENCE, WRITERS, text};
use futures_util::FutureExt;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use stoa_base::Moment;
use stoa_core::work::{self, Claimed, LEASE};
use stoa_core::{Error, Fault, feed};
use stoa_db::testing::{ENGINES, fresh};
use stoa_db::{Db, Engine, Sql, Tx};
use stoa_server::assembly::migrations;

const START: Moment = Moment::from_micros(1_000_000_000);

fn on_each(check: impl Fn(&Db)) {
    for database in ENGINES.into_iter().filter_map(fresh) {
        let db = Db::open(database.settings(), &migrations()).unwrap();
        check(&db);
        db.close();
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn write<T: Send + 'static>(
    db: &Db,
    mut act: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    db.write_blocking(move |tx| act(tx)).unwrap()
}

fn schedule(db: &Db, key: &'static str, due: Moment) {
    write(db, move |tx| work::schedule(tx, "test", key, due));
}

fn claim(db: &Db, now: Moment) -> Option<Claimed> {
    write(db, move |tx| work::claim(tx, now))
}

fn finish(db: &Db, claimed: &Claimed, next: Option<Moment>) {
    let claimed = claimed.clone();
    write(db, move |tx| work::finish(tx, &claimed, next));
}

fn postpone(db: &Db, claimed: &Claimed, now: Moment) {
    let claimed = claimed.clone();
    write(db, move |tx| work::postpone(tx, &claimed, now));
}

#[test]
fn what_is_due_longest_is_claimed_first_and_by_one_only() {
    on_each(|db| {
        schedule(db, "second", START + seconds(2));
        schedule(db, "first", START + seconds(1));
        schedule(db, "later", START + seconds(60));
        assert_eq!(claim(db, START), None);
        let now = START + seconds(5);
        let keys: Vec<String> = std::iter::from_fn(|| claim(db, now)).map(|claimed| claimed.key).collect();
        assert_eq!(keys, ["first", "second"]);
        assert_eq!(write(db, work::next_due), Some(START + seconds(5) + LEASE));
    });
}

#[test]
fn asking_again_brings_work_forward_and_never_puts_it_off() {
    on_each(|db| {
        schedule(db, "x", START + seconds(10));
        schedule(db, "x", START + seconds(20));
        assert_eq!(write(db, work::next_due), Some(START + seconds(10)));
        schedule(db, "x", START + seconds(5));
        assert_eq!(write(db, work::next_due), Some(START + seconds(5)));
        write(db, |tx| work::cancel(tx, "test", "x"));
        assert_eq!(write(db, work::next_due), None);
    });
}

#[test]
fn a_lease_that_ran_out_gives_the_work_to_somebody_else() {
    on_each(|db| {
        schedule(db, "x", START);
        let slow = claim(db, START).unwrap();
        assert_eq!(claim(db, START + LEASE - Duration::from_micros(1)), None);
        let next = claim(db, START + LEASE).unwrap();
        assert_eq!((next.key.as_str(), next.epoch), ("x", slow.epoch + 1));

        // Whatever the slow one says now changes nothing.
        let now = START + LEASE + seconds(1);
        finish(db, &slow, None);
        finish(db, &slow, Some(START));
        postpone(db, &slow, START);
        assert_eq!(claim(db, now), None, "it is still leased to the second");
        finish(db, &next, Some(now + seconds(9)));
        assert_eq!(write(db, work::next_due), Some(now + seconds(9)));
    });
}

#[test]
fn work_that_is_asked_for_while_somebody_looks_is_looked_at_again() {
    on_each(|db| {
        for next in [None, Some(START + seconds(3600))] {
            schedule(db, "x", START);
            let looking = claim(db, START).unwrap();
            schedule(db, "x", START + seconds(1));
            finish(db, &looking, next);
            let again = claim(db, START + seconds(1)).expect("it is looked at again");
            finish(db, &again, None);
            assert_eq!(write(db, work::next_due), None);
        }
    });
}

#[test]
fn failed_work_comes_back_later_each_time_and_is_never_given_up() {
    on_each(|db| {
        schedule(db, "x", START);
        let (mut now, mut waits) = (START, Vec::new());
        for attempts in 0..12 {
            let failed = claim(db, now).unwrap();
            assert_eq!(failed.attempts, attempts);
            postpone(db, &failed, now);
            let due = write(db, work::next_due).unwrap();
            waits.push(due.since(now).as_secs());
            now = due;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        let healed = claim(db, now).unwrap();
        finish(db, &healed, Some(now));
        assert_eq!(claim(db, now).unwrap().attempts, 0, "success starts the count anew");
    });
}

#[test]
fn many_claimers_at_once_share_the_work_without_overlap() {
    on_each(|db| {
        let keys: Vec<String> = (0..60).map(|number| format!("key {number:02}")).collect();
        for key in keys.clone() {
            write(db, move |tx| work::schedule(tx, "test", &key, START));
        }
        let claimers: Vec<_> = (0..6)
            .map(|_| {
                let db = db.clone();
                thread::spawn(move || {
                    let mut mine = Vec::new();
                    while let Some(claimed) = claim(&db, START) {
                        mine.push(claimed);
                        finish(&db, mine.last().unwrap(), None);
                    }
                    mine
                })
            })
            .collect();
        let all: Vec<Claimed> = claimers.into_iter().flat_map(|claimer| claimer.join().unwrap()).collect();
        let done: BTreeSet<&str> = all.iter().map(|claimed| claimed.key.as_str()).collect();
        assert_eq!((all.len(), done.len()), (60, 60));
        assert_eq!(write(db, work::next_due), None);
    });
}

const EVENT: Sql = Sql::new(
    "INSERT INTO event (id, at, kind, object, managers, action, description, author_type, author, content, request)
     VALUES ($1, 0, 'test', 'x', ',,', 'Changed', '', 'System', 'system', '{}', '')",
);

#[test]
fn events_are_numbered_in_the_order_they_were_written_whatever_their_ids_say() {
    on_each(|db| {
        // Two machines whose clocks differ make ids like these.
        for id in ["c", "a", "b"] {
            write(db, move |tx| Ok(tx.run(&EVENT, &[id.into()])?));
        }
        write(db, |tx| Ok(feed::sequence(tx)?));
        let ids = db.read_blocking(|tx| feed::after(tx, 0, None, 10)).unwrap();
        assert_eq!(ids.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
        assert_eq!(db.read_blocking(feed::verify).unwrap(), None);
    });
}

#[test]
fn a_chain_that_somebody_tampered_with_does_not_verify() {
    const FORGERIES: [&str; 4] = [
        "UPDATE event SET content = '{\"forged\":true}' WHERE seq = 3",
        "UPDATE event SET author = 'somebody else' WHERE seq = 3",
        "DELETE FROM event WHERE seq = 3",
        "UPDATE event SET hash = NULL WHERE seq = 3",
    ];
    on_each(|db| {
        for id in ["1", "2", "3", "4", "5"] {
            write(db, move |tx| Ok(tx.run(&EVENT, &[id.into()])?));
        }
        while write(db, |tx| Ok(feed::sequence(tx)?)) > 0 {}
        for forgery in FORGERIES {
            let (tell, told) = mpsc::channel();
            let undone = db.write_blocking(move |tx| {
                tx.run(&Sql::new(forgery), &[])?;
                tell.send(feed::verify(tx)?).unwrap();
                Err::<(), Error>(Fault::Corrupt { what: "chain" }.into())
            });
            assert!(undone.is_err());
            assert_eq!(told.recv().unwrap(), Some(3), "{forgery}");
        }
        assert_eq!(db.read_blocking(feed::verify).unwrap(), None);
    });
}

on_both! {
    async fn a_controller_that_fails_loses_no_work_and_holds_up_nobody(stoa) {
        stoa.workspace("shop").await;
        let manual = json!({ "implementation": { "type": "manual", "manual": {}, "terraform": null } });
        let (_, version) = stoa.definition("demo-partner", manual).await;
        let db = &stoa.running.app.db;
        // What the controller needs cannot be read for a while.
        let break_it = "UPDATE object SET doc = '{}' WHERE id = $1 AND kind = 'meshBuildingBlock'";
        let first = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let id = text(&first, "/metadata/uuid");
        stoa.admin.until("meshBuildingBlock", &id, |block| block["status"]["status"] == "SUCCEEDED").await;
        let doc: String = {
            let id = id.clone();
            let read = Sql::new("SELECT doc FROM object WHERE id = $1");
            db.read(move |tx| tx.one(&read, &[id.as_str().into()], |row| row.get(0))).await.unwrap()
        };
        stoa.admin.act("meshBuildingBlock", &format!("/{id}/trigger-run")).await;
        let run = {
            let block = stoa.admin.get("meshBuildingBlock", &format!("/{id}")).await.expect(200);
            text(&block, "/status/latestRunUuid")
        };
        stoa.admin.until("meshBuildingBlock", &id, |block| block["status"]["status"] == "SUCCEEDED").await;
        let again = Sql::new("UPDATE run SET state = 'QUEUED', ended_at = NULL WHERE id = $1");
        let (broken, now, key) = (id.clone(), stoa.running.app.world.clock.now(), run.clone());
        db.write(move |tx| {
            tx.run(&Sql::new(break_it), &[broken.as_str().into()])?;
            tx.run(&again, &[key.as_str().into()])?;
            work::schedule(tx, "manual-run", &key, now)
        })
        .await
        .unwrap();
        let attempts = || async {
            let sql = Sql::new("SELECT coalesce(max(attempts), 0) FROM work WHERE controller = 'manual-run'");
            db.read(move |tx| tx.one(&sql, &[], |row| row.get::<i64>(0))).await.unwrap()
        };
        until("the controller fails", async || attempts().await > 0).await;

        // Others go on meanwhile.
        let second = stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        let other = text(&second, "/metadata/uuid");
        stoa.admin.until("meshBuildingBlock", &other, |block| block["status"]["status"] == "SUCCEEDED").await;

        let mend = Sql::new("UPDATE object SET doc = $2 WHERE id = $1");
        let healed = id.clone();
        db.write(move |tx| tx.run(&mend, &[healed.as_str().into(), doc.as_str().into()])).await.unwrap();
        stoa.advance(seconds(600));
        let admin = stoa.admin.login(&stoa.admin.client_id, &stoa.admin.client_secret).await;
        admin.until("meshBuildingBlockRun", &run, |run| run["status"] == "SUCCEEDED").await;
        assert_eq!(attempts().await, 0);
    }

    async fn a_full_queue_refuses_and_loses_nothing(stoa) {
        let db = stoa.running.app.db.clone();
        // All writers wait until this test lets them go on.
        let mut gates = Vec::new();
        let writers = match db.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => WRITERS,
        };
        for _ in 0..writers {
            let (open, closed) = mpsc::channel::<()>();
            let (begun, begins) = mpsc::channel();
            gates.push(open);
            let db = db.clone();
            tokio::spawn(async move {
                db.write(move |_| {
                    let _ = begun.send(());
                    let _ = closed.recv_timeout(PATIENCE);
                    Ok::<_, Error>(())
                })
                .await
            });
            begins.recv_timeout(PATIENCE).expect("there is a writer for each");
        }
        let note = Sql::new("INSERT INTO setting (name, value) VALUES ($1, 'x')");
        let mut queued = Vec::new();
        let refused = loop {
            let (name, note, place) = (format!("note {}", queued.len()), note.clone(), queued.len());
            let db = db.clone();
            // Not all of them write, so that the disk does not make this slow.
            let mut answer = Box::pin(async move {
                db.write(move |tx| if place % 64 == 0 { tx.run(&note, &[name.as_str().into()]) } else { Ok(0) }).await
            });
            match answer.as_mut().now_or_never() {
                None => queued.push(answer),
                Some(refused) => break refused,
            }
        };
        assert!(matches!(refused, Err(stoa_db::DbError::Busy)), "{refused:?}");
        let body = json!({ "metadata": { "name": "shop", "tags": {} }, "spec": { "displayName": "Shop" } });
        let answer = stoa.admin.post("meshWorkspace", "", &body).await;
        assert!(answer.headers.contains_key("retry-after"));
        answer.refused(503, "try again");
        assert_eq!(stoa.admin.get("meshWorkspace", "/shop").await.status, 404, "readers are not held up");

        drop(gates);
        let mut count = 0;
        for answer in queued {
            count += answer.await.unwrap();
        }
        let kept = Sql::new("SELECT count(*) FROM setting WHERE value = 'x'");
        let kept: i64 = db.read(move |tx| tx.one(&kept, &[], |row| row.get(0))).await.unwrap();
        assert!(count > 60);
        assert_eq!(u64::try_from(kept), Ok(count));
        stoa.admin.create("meshWorkspace", &body).await;
    }
}
