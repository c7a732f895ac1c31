//! The schema only goes forward, and nobody rewrites its history.

use std::thread;

use stoa_db::testing::{ENGINES, TestDatabase, fresh};
use stoa_db::{Db, DbError, Engine, Migration, Settings, Sql};

const ONE: Migration = Migration { number: 1, name: "one", sql: "CREATE TABLE one (id BIGINT PRIMARY KEY)" };
const TWO: Migration =
    Migration { number: 2, name: "two", sql: "CREATE TABLE two (id BIGINT PRIMARY KEY); DROP TABLE one" };
const FOUR: Migration = Migration { number: 4, name: "four", sql: "CREATE TABLE four (id BIGINT)" };

fn each_database(test: impl Fn(&TestDatabase)) {
    ENGINES.into_iter().filter_map(fresh).for_each(|database| test(&database));
}

fn open(database: &TestDatabase, migrations: &[Migration]) -> Result<Db, DbError> {
    Db::open(database.settings(), migrations)
}

fn applied(db: &Db) -> Vec<(u32, String, String)> {
    db.read_blocking(|tx| {
        tx.all(&Sql::new("SELECT number, name, sha256 FROM migration ORDER BY number"), &[], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    })
    .expect("the list can be read")
}

#[test]
fn only_what_is_new_is_applied() {
    each_database(|database| {
        open(database, &[ONE]).expect("a first migration").close();
        let db = open(database, &[TWO, ONE]).expect("a second one, in any order");
        let expected =
            [ONE, TWO].map(|migration| (migration.number, migration.name.to_owned(), migration.sha256()));
        assert_eq!(applied(&db), expected);
        db.close();
        open(database, &[ONE, TWO]).expect("nothing new").close();
    });
}

#[test]
fn the_hash_of_a_migration_is_that_of_its_text() {
    let empty = Migration { number: 1, name: "empty", sql: "" };
    assert_eq!(empty.sha256(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    each_database(|database| {
        open(database, &[ONE, TWO]).expect("the newer program").close();
        let error = open(database, &[ONE]).expect_err("the older program");
        assert!(matches!(error, DbError::TooNew { found: 2, known: 1 }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the database is at migration 2, this program knows up to 1; start the newer program"
        );
    });
}

#[test]
fn a_changed_missing_or_late_migration_is_refused() {
    each_database(|database| {
        open(database, &[ONE, FOUR]).expect("fresh").close();
        let changed = Migration { sql: "CREATE TABLE one (id TEXT)", ..ONE };
        for (list, culprit) in [(&[changed, FOUR][..], 1), (&[FOUR], 1), (&[ONE, TWO, FOUR], 2)] {
            let error = open(database, list).expect_err("not the same history");
            assert!(
                matches!(error, DbError::ChangedMigration { number } if number == culprit),
                "{culprit}: {error:?}"
            );
        }
        let twice = open(database, &[ONE, ONE, FOUR]).expect_err("two of one number");
        assert!(matches!(twice, DbError::Other(_)), "{twice:?}");
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    each_database(|database| {
        let broken = Migration { number: 2, name: "broken", sql: "CREATE TABLE two (id BIGINT); NONSENSE" };
        let error = open(database, &[ONE, broken]).expect_err("nonsense");
        assert!(matches!(error, DbError::Other(_)), "{error:?}");
        let db = open(database, &[ONE, TWO]).expect("as if it had never been tried");
        assert_eq!(applied(&db).len(), 2);
        db.close();
    });
}

#[test]
fn several_processes_may_start_at_once() {
    each_database(|database| {
        thread::scope(|scope| {
            let starting: Vec<_> =
                (0..4).map(|_| scope.spawn(|| open(database, &[ONE, TWO]).map(|db| db.close()))).collect();
            for process in starting {
                process.join().expect("it lives").expect("it takes its turn");
            }
        });
    });
}

#[test]
fn a_url_that_leads_nowhere_is_an_error() {
    for url in ["", "mysql://here", "sqlite:", "sqlite::memory:", "sqlite:/no/such/folder/stoa.db"] {
        let error = Db::open(Settings::new(url), &[ONE]).expect_err("nowhere");
        assert!(matches!(error, DbError::Other(_)), "{url}: {error:?}");
    }
}

#[test]
fn sqlite_plans_by_the_figures_it_is_given_last() {
    const FIGURES: Sql = Sql::new("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY idx");
    const INDEXED: Migration = Migration {
        number: 1,
        name: "indexed",
        sql: "CREATE TABLE one (id BIGINT PRIMARY KEY, name TEXT, kind TEXT);
              CREATE INDEX by_name ON one (name);
              CREATE INDEX by_kind ON one (kind)",
    };
    const PLAN: Sql = Sql::new("EXPLAIN QUERY PLAN SELECT id FROM one WHERE name = $1 AND kind = $2");
    let database = fresh(Engine::Sqlite).expect("a file");
    let given = |statistics| {
        let settings = Settings { statistics, ..database.settings() };
        let db = Db::open(settings, &[INDEXED]).expect("it opens");
        let told = db.read_blocking(|tx| {
            let figures: Vec<[String; 3]> =
                tx.all(&FIGURES, &[], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
            let plan: String = tx.one(&PLAN, &["a".into(), "b".into()], |row| row.get(3))?;
            Ok::<_, DbError>((figures, plan))
        });
        db.close();
        told.expect("figures and a plan")
    };
    let (figures, plan) = given("one by_kind 1000 500\none by_name 1000 1\n");
    assert_eq!(figures, [["one", "by_kind", "1000 500"], ["one", "by_name", "1000 1"]]);
    assert!(plan.contains("by_name"), "{plan}");
    let (figures, plan) = given("one by_kind 1000 1\none by_name 1000 500\n");
    assert_eq!(figures.len(), 2);
    assert!(plan.contains("by_kind"), "{plan}");
}
