//! What fails says how, and harms nobody else.

use stoa_db::{DbError, Migration, Sql};

use crate::{ADD, TABLE, add, ids, on_each};

const FAMILY: &[Migration] = &[Migration {
    number: 1,
    name: "family",
    sql: "CREATE TABLE parent (id BIGINT PRIMARY KEY, name TEXT NOT NULL, year BIGINT, UNIQUE (name, year));
          CREATE UNIQUE INDEX parent_year ON parent (year) WHERE year > 2000;
          CREATE UNIQUE INDEX parent_lower ON parent (lower(name)) WHERE year > 3000;
          CREATE TABLE child (
              id BIGINT PRIMARY KEY,
              parent BIGINT NOT NULL REFERENCES parent (id) ON DELETE RESTRICT,
              friend BIGINT REFERENCES parent (id)
          )",
}];

const PARENT: Sql = Sql::new("INSERT INTO parent (id, name, year) VALUES ($1, $2, $3)");
const CHILD: Sql = Sql::new("INSERT INTO child (id, parent, friend) VALUES ($1, $2, $3)");
const ORPHAN: Sql = Sql::new("DELETE FROM parent WHERE id = $1");

#[derive(Debug)]
enum Refusal {
    Taken,
    Db(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { .. } => Self::Taken,
            other => Self::Db(other),
        }
    }
}

#[tokio::test]
async fn a_unique_error_names_the_same_constraint_on_both_engines() {
    on_each(FAMILY, async |db| {
        let parent = async |id: i64, name: &'static str, year: i64| match db
            .write(move |tx| tx.run(&PARENT, &[id.into(), name.into(), year.into()]))
            .await
        {
            Err(DbError::Unique { constraint }) => constraint,
            other => format!("{other:?}"),
        };
        assert_eq!(parent(1, "Ada", 1999).await, "Ok(1)");
        assert_eq!(parent(2, "Bob", 2001).await, "Ok(1)");
        assert_eq!(parent(3, "Eve", 3001).await, "Ok(1)");
        assert_eq!(parent(1, "Cyd", 1998).await, "parent_pkey");
        assert_eq!(parent(4, "Ada", 1999).await, "parent_name_year_key");
        assert_eq!(parent(4, "Cyd", 2001).await, "parent_year");
        assert_eq!(parent(4, "EVE", 3002).await, "parent_lower");
    })
    .await;
}

#[tokio::test]
async fn a_caller_turns_a_unique_error_into_its_own() {
    on_each(TABLE, async |db| {
        let new = |id: i64| {
            db.write(move |tx| {
                tx.run(&ADD, &[id.into(), "the same".into()])?;
                Ok::<_, Refusal>(())
            })
        };
        new(1).await.expect("the first is free");
        match new(2).await {
            Err(Refusal::Taken) => {}
            Err(Refusal::Db(error)) => panic!("{error}"),
            Ok(()) => panic!("the same words twice"),
        }
        assert_eq!(ids(db).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_foreign_key_is_kept_at_both_ends() {
    on_each(FAMILY, async |db| {
        db.write(|tx| {
            tx.run(&PARENT, &[1_i64.into(), "Ada".into(), None::<i64>.into()])?;
            tx.run(&PARENT, &[2_i64.into(), "Bob".into(), None::<i64>.into()])?;
            tx.run(&CHILD, &[1_i64.into(), 1_i64.into(), 2_i64.into()])
        })
        .await
        .expect("the parents are there");
        let missing = db.write(|tx| tx.run(&CHILD, &[2_i64.into(), 9_i64.into(), None::<i64>.into()])).await;
        assert!(matches!(missing, Err(DbError::ForeignKey)), "{missing:?}");
        for used in [1_i64, 2] {
            let restricted = db.write(move |tx| tx.run(&ORPHAN, &[used.into()])).await;
            assert!(matches!(restricted, Err(DbError::ForeignKey)), "{restricted:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_closure_that_says_no_leaves_nothing() {
    on_each(TABLE, async |db| {
        let answer = db
            .write(|tx| {
                tx.run(&ADD, &[1_i64.into(), "one".into()])?;
                Err::<(), _>(DbError::other("changed its mind"))
            })
            .await;
        assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
        assert!(ids(db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_overlooked_error_spoils_the_transaction() {
    on_each(TABLE, async |db| {
        add(db, 1).await.expect("free");
        let answer = db
            .write(|tx| {
                tx.run(&ADD, &[2_i64.into(), "two".into()])?;
                assert!(tx.run(&ADD, &[1_i64.into(), "again".into()]).is_err());
                assert!(matches!(tx.run(&ADD, &[3_i64.into(), "three".into()]), Err(DbError::Spoiled)));
                Ok(())
            })
            .await;
        assert!(matches!(answer, Err(DbError::Spoiled)), "{answer:?}");
        assert_eq!(ids(db).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn an_attempt_may_fail_without_harm() {
    on_each(TABLE, async |db| {
        add(db, 1).await.expect("free");
        db.write(|tx| {
            tx.run(&ADD, &[2_i64.into(), "two".into()])?;
            let taken = tx.attempt(|tx| {
                tx.run(&ADD, &[3_i64.into(), "undone".into()])?;
                tx.attempt(|tx| tx.run(&ADD, &[4_i64.into(), "undone with it".into()]))?;
                tx.run(&ADD, &[1_i64.into(), "taken".into()])
            });
            assert!(matches!(taken, Err(DbError::Unique { .. })), "{taken:?}");
            let overlooked = tx.attempt(|tx| {
                let _ = tx.run(&ADD, &[1_i64.into(), "taken".into()]);
                Ok(())
            });
            assert!(matches!(overlooked, Err(DbError::Spoiled)), "{overlooked:?}");
            tx.attempt(|tx| tx.run(&ADD, &[5_i64.into(), "five".into()]))
        })
        .await
        .expect("the rest stands");
        assert_eq!(ids(db).await, [1, 2, 5]);
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_caller_alone() {
    on_each(TABLE, async |db| {
        let wrote = db
            .write(|tx| {
                tx.run(&ADD, &[1_i64.into(), "one".into()])?;
                assert!(tx.is_never(), "the writer stumbles");
                Ok::<_, DbError>(())
            })
            .await
            .expect_err("it panicked");
        let read = db
            .read(|tx| {
                assert!(tx.is_never(), "the reader stumbles");
                Ok::<_, DbError>(())
            })
            .await
            .expect_err("it panicked");
        for (error, said) in [(wrote, "the writer stumbles"), (read, "the reader stumbles")] {
            let cause = std::error::Error::source(&error).expect("there is a cause").to_string();
            assert_eq!(cause, format!("the transaction panicked: {said}"));
        }
        add(db, 2).await.expect("the writer goes on");
        assert_eq!(ids(db).await, [2]);
    })
    .await;
}

/// A condition the compiler cannot see through.
trait Never {
    fn is_never(&self) -> bool;
}

impl Never for stoa_db::Tx<'_> {
    fn is_never(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn one_row_is_neither_none_nor_several() {
    on_each(TABLE, async |db| {
        let id = |row: &stoa_db::Row| row.get::<i64>(0);
        let ids = Sql::new("SELECT id FROM note");
        let empty = ids.clone();
        let none = db.read(move |tx| tx.one(&empty, &[], id)).await;
        assert!(matches!(none, Err(DbError::NoRow)), "{none:?}");
        add(db, 1).await.expect("free");
        add(db, 2).await.expect("free");
        let several = db.read(move |tx| tx.maybe(&ids, &[], id)).await;
        assert!(matches!(several, Err(DbError::ManyRows)), "{several:?}");
        let returned = db
            .write(|tx| {
                tx.one(
                    &Sql::new("UPDATE note SET seen = $2 WHERE id = $1 RETURNING seen"),
                    &[2_i64.into(), true.into()],
                    |row| row.get::<bool>(0),
                )
            })
            .await;
        assert!(returned.expect("one row"));
    })
    .await;
}
