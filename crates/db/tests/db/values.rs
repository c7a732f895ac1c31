//! What goes in comes out, the same on both engines.

use stoa_db::{DbError, FromValue, Migration, Sql, Value};
use uuid::Uuid;

use crate::on_each;

const SAMPLE: &[Migration] = &[Migration {
    number: 1,
    name: "sample",
    sql:
        "CREATE TABLE sample (id BIGINT PRIMARY KEY, number BIGINT, small INTEGER, truth BOOLEAN, words TEXT,
          raw BYTEA)",
}];

const PUT: Sql =
    Sql::new("INSERT INTO sample (raw, words, truth, small, number, id) VALUES ($6, $5, $4, $3, $2, $1)");
const GET: Sql = Sql::new("SELECT number, small, truth, words, raw FROM sample WHERE id = $1");

#[tokio::test]
async fn all_kinds_of_value_come_back_as_they_went() {
    let samples: [[Value; 5]; 4] = [
        [i64::MAX.into(), i32::MIN.into(), true.into(), "Grüße, 世界".into(), vec![0_u8, 255, 10].into()],
        [i64::MIN.into(), 0.into(), false.into(), "".into(), Vec::<u8>::new().into()],
        [Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
        [(-1).into(), 1.into(), Some(true).into(), "12".into(), b"12".as_slice().into()],
    ];
    on_each(SAMPLE, async |db| {
        for (id, sample) in (0_i64..).zip(samples.clone()) {
            let row: Vec<Value> = [id.into()].into_iter().chain(sample.clone()).collect();
            let changed = db.write(move |tx| tx.run(&PUT, &row)).await;
            assert_eq!(changed.expect("the sample fits"), 1);
            let back: [Value; 5] = db
                .read(move |tx| {
                    tx.one(&GET, &[id.into()], |row| {
                        Ok([
                            row.get::<Option<i64>>(0)?.into(),
                            row.get::<Option<i32>>(1)?.into(),
                            row.get::<Option<bool>>(2)?.into(),
                            row.get::<Option<String>>(3)?.into(),
                            row.get::<Option<Vec<u8>>>(4)?.into(),
                        ])
                    })
                })
                .await
                .expect("the sample is there");
            assert_eq!(back, sample);
        }
    })
    .await;
}

#[tokio::test]
async fn parameters_are_bound_by_number_not_by_place() {
    const SWAPPED: Sql = Sql::new("UPDATE sample SET words = $2, number = $3 WHERE id = $1 OR words = $2");
    on_each(SAMPLE, async |db| {
        db.write(|tx| {
            tx.run(&Sql::new("INSERT INTO sample (id) VALUES ($1)"), &[7_i64.into()])?;
            tx.run(&SWAPPED, &[7_i64.into(), "seven".into(), 77_i64.into()])
        })
        .await
        .expect("each value has the type of its column");
        let row = db
            .read(|tx| tx.one(&GET, &[7_i64.into()], |row| Ok((row.get::<i64>(0)?, row.get::<String>(3)?))))
            .await;
        assert_eq!(row.expect("there is one"), (77, "seven".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_uuid_is_kept_as_text() {
    on_each(SAMPLE, async |db| {
        let uuid = Uuid::new_v4();
        let words: String = db
            .write(move |tx| {
                tx.run(
                    &Sql::new("INSERT INTO sample (id, words) VALUES ($1, $2)"),
                    &[1_i64.into(), uuid.into()],
                )?;
                let back: Uuid = tx.one(&GET, &[1_i64.into()], |row| row.get(3))?;
                assert_eq!(back, uuid);
                tx.one(&GET, &[1_i64.into()], |row| row.get(3))
            })
            .await
            .expect("it is there");
        assert_eq!(words, uuid.to_string());
    })
    .await;
}

#[tokio::test]
async fn a_wrong_number_of_values_is_an_error() {
    on_each(SAMPLE, async |db| {
        for values in [vec![], vec![1_i64.into(), 2_i64.into()]] {
            let answer = db.read(move |tx| tx.maybe(&GET, &values, |_| Ok(()))).await;
            assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_column_read_as_something_else_is_named() {
    fn read<T: FromValue + Send + 'static>(
        text: &'static str,
    ) -> impl FnOnce(&mut stoa_db::Tx) -> Result<T, DbError> {
        move |tx| tx.one(&Sql::new(text), &[], |row| row.get(0))
    }
    on_each(SAMPLE, async |db| {
        let told = |error: DbError| error.to_string();
        let text = db.read(read::<i64>("SELECT CAST('x' AS TEXT)")).await.expect_err("a text");
        assert_eq!(told(text), "column 0 holds a text, not a number");
        let null = db.read(read::<i64>("SELECT CAST(NULL AS BIGINT)")).await.expect_err("nothing");
        assert_eq!(told(null), "column 0 holds nothing, not a number");
        let large = db.read(read::<i32>("SELECT 4294967296")).await.expect_err("too large");
        assert_eq!(told(large), "column 0 holds a number, not a small number");
        let missing = db
            .read(|tx| tx.one(&Sql::new("SELECT 1"), &[], |row| row.get::<i64>(1)))
            .await
            .expect_err("one column");
        assert_eq!(told(missing), "column 1 holds no such column, not a number");
    })
    .await;
}

#[tokio::test]
async fn statements_may_differ_and_may_be_built() {
    on_each(SAMPLE, async |db| {
        let engine = Sql::differs("SELECT 'Sqlite'", "SELECT 'Postgres'");
        let name: String = db.read(move |tx| tx.one(&engine, &[], |row| row.get(0))).await.expect("a name");
        assert_eq!(name, format!("{:?}", db.engine()));
        let built = Sql::built(format!("SELECT {}", 6 * 7));
        let answer: i64 = db.read(move |tx| tx.one(&built, &[], |row| row.get(0))).await.expect("a number");
        assert_eq!(answer, 42);
    })
    .await;
}

#[tokio::test]
async fn text_is_compared_alike_on_both_engines() {
    on_each(SAMPLE, async |db| {
        let matches = Sql::new("SELECT 'Stoa' LIKE 's%', 'Stoa' LIKE 'S%'");
        let found: (bool, bool) = db
            .read(move |tx| tx.one(&matches, &[], |row| Ok((row.get(0)?, row.get(1)?))))
            .await
            .expect("truths");
        assert_eq!(found, (false, true));
    })
    .await;
}

#[tokio::test]
async fn the_shape_of_a_statement_is_the_same_on_both_engines() {
    on_each(SAMPLE, async |db| {
        let shape = db.read(|tx| tx.shape(&GET)).await.expect("it can be prepared");
        assert_eq!(shape.parameters, 1);
        assert_eq!(shape.columns, ["number", "small", "truth", "words", "raw"]);
        let unknown = db.read(|tx| tx.shape(&Sql::new("SELECT nothing FROM sample"))).await;
        assert!(matches!(unknown, Err(DbError::Other(_))), "{unknown:?}");
        let quoted = db.read(|tx| tx.shape(&Sql::new("SELECT \"nothing\" FROM sample"))).await;
        assert!(matches!(quoted, Err(DbError::Other(_))), "{quoted:?}");
    })
    .await;
}

#[tokio::test]
async fn more_statements_than_a_cache_holds_are_fine() {
    on_each(SAMPLE, async |db| {
        for round in 0..2 {
            let sum: i64 = db
                .read(|tx| {
                    let mut sum = 0;
                    for number in 0..1_200_i64 {
                        let sql = Sql::built(format!("SELECT {number} + CAST($1 AS BIGINT)"));
                        sum += tx.one(&sql, &[1_i64.into()], |row| row.get::<i64>(0))?;
                    }
                    Ok::<_, DbError>(sum)
                })
                .await
                .expect("all of them run");
            assert_eq!(sum, 1_200 * 1_199 / 2 + 1_200, "round {round}");
        }
    })
    .await;
}
