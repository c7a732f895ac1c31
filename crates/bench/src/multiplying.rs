//! Many objects quickly: copies of those that a stopped server left, made by the database itself.

use crate::ground::Ground;
use stoa_db::Engine;
use stoa_db::testing::work_on;

/// Copies every living object of a kind so many times, with all that lists and the search read of it: its facets,
/// labels and references. Copies are older than what they are copies of, and have neither history nor events.
pub fn multiply(ground: &Ground, kind: &str, copies: usize) -> anyhow::Result<()> {
    Ok(work_on(&ground.database(), &statements(ground.engine, kind, copies))?)
}

fn statements(engine: Engine, kind: &str, copies: usize) -> String {
    // The beginning of a uuid is its time; that of a copy is the copy's number.
    let id = |column: &str| match engine {
        Engine::Sqlite => format!("printf('%08x', n) || substr({column}, 9)"),
        Engine::Postgres => format!("lpad(to_hex(n), 8, '0') || substr({column}, 9)"),
    };
    let at = |column: &str| format!("{column} - ({copies} + 1 - n) * 10000000");
    let turns = format!(
        "WITH RECURSIVE turn (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM turn WHERE n < {copies})"
    );
    let of_kind = format!("o.kind = '{kind}' AND o.deleted_at IS NULL");
    let from = |table: &str, owner: &str| {
        format!("FROM turn CROSS JOIN {table} x JOIN object o ON o.id = x.{owner} WHERE {of_kind}")
    };
    // The objects come last: until then only originals are found.
    let copying = format!(
        "INSERT INTO facet (object, name, value, created_at) {turns} SELECT {}, x.name, x.value, {} {};
         INSERT INTO label (object, kind, text) {turns} SELECT {}, x.kind, x.text {};
         INSERT INTO reference (source, relation, target) {turns} SELECT {}, x.relation, x.target {};
         INSERT INTO object (id, kind, key, workspace, version, created_at, updated_at, doc, status) {turns}
            SELECT {}, o.kind, CASE WHEN o.key = o.id THEN {} ELSE o.key || '-' || n END, o.workspace, o.version, {},
                o.updated_at, o.doc, o.status
            FROM turn CROSS JOIN object o WHERE {of_kind};",
        id("x.object"),
        at("x.created_at"),
        from("facet", "object"),
        id("x.object"),
        from("label", "object"),
        id("x.source"),
        from("reference", "source"),
        id("o.id"),
        id("o.id"),
        at("o.created_at"),
    );
    match engine {
        // Nothing is lost that the bench could not make again.
        Engine::Sqlite => format!(
            "PRAGMA foreign_keys = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;
             BEGIN; {copying} COMMIT;"
        ),
        // As a replica the server takes rows without looking for what they refer to.
        Engine::Postgres => format!("SET session_replication_role = replica; {copying} ANALYZE"),
    }
}
