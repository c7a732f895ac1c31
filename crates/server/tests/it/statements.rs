//! Every statement of the server means the same to both engines. Statements are found in the sources, so that
//! none can be forgotten; those put together at run time are run.

use crate::on_both;
use crate::stoa::text;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use stoa_base::{Moment, ObjectId, RunId};
use stoa_core::listing::Page;
use stoa_core::{Error, feed, objects};
use stoa_db::testing::{ENGINES, fresh};
use stoa_db::{Db, Engine, Sql};
use stoa_server::assembly::migrations;

/// A statement as it stands in a source file.
struct Written {
    place: String,
    lite: String,
    postgres: String,
}

impl Written {
    fn text(&self, engine: Engine) -> &str {
        match engine {
            Engine::Sqlite => &self.lite,
            Engine::Postgres => &self.postgres,
        }
    }
}

/// Crates whose statements are about tables of their own.
const APART: [&str; 3] = ["bench", "chaos", "db"];

/// Sources of all crates above the database, without their tests.
fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(crates).unwrap() {
        let folder = entry.unwrap().path();
        if !APART.iter().any(|apart| folder.ends_with(apart)) {
            collect(&folder.join("src"), &mut files);
        }
    }
    files.sort();
    let name = |path: &Path| path.strip_prefix(crates).unwrap().display().to_string();
    let code = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split_once("#[cfg(test)]").map_or(text.clone(), |(code, _)| code.to_owned())
    };
    files.iter().map(|path| (name(path), code(path))).collect()
}

/// Reads a string literal at the beginning of `code`; what it says, and the code behind it and a comma.
fn literal(code: &str) -> Option<(String, &str)> {
    let mut rest = code.trim_start().strip_prefix('"')?;
    let mut said = String::new();
    loop {
        let end = rest.find(['"', '\\'])?;
        said.push_str(&rest[..end]);
        if rest[end..].starts_with('"') {
            return Some((said, rest[end + 1..].trim_start().trim_start_matches(',').trim_start()));
        }
        let escaped = rest[end + 1..].chars().next()?;
        rest = &rest[end + 1 + escaped.len_utf8()..];
        match escaped {
            '\n' => rest = rest.trim_start(),
            'n' => said.push('\n'),
            '\'' | '"' | '\\' => said.push(escaped),
            other => panic!("an escape that this test does not read: {other}"),
        }
    }
}

fn written() -> Vec<Written> {
    let mut all = Vec::new();
    for (file, code) in sources() {
        for (at, word) in code.match_indices("Sql::new(").chain(code.match_indices("Sql::differs(")) {
            let place = format!("{file}:{}", code[..at].matches('\n').count() + 1);
            let read =
                |code| literal(code).unwrap_or_else(|| panic!("{place}: write the statement as a literal"));
            let (lite, rest) = read(&code[at + word.len()..]);
            let postgres = if word == "Sql::new(" { lite.clone() } else { read(rest).0 };
            all.push(Written { place, lite, postgres });
        }
    }
    all
}

#[test]
fn literals_are_read_as_the_compiler_reads_them() {
    let code = "\n    \"SELECT 'a\\'' \\\n        FROM \\\"x\\\"\\n\",\n \"next\")";
    let (said, rest) = literal(code).unwrap();
    assert_eq!(said, "SELECT 'a'' FROM \"x\"\n");
    assert_eq!(literal(rest).unwrap().0, "next");
    assert!(literal("text)").is_none());
}

#[test]
fn every_statement_prepares_with_the_same_parameters_and_columns_on_both() {
    let written = written();
    assert!(written.len() > 50, "only {} statements were found", written.len());
    let mut shapes: BTreeMap<&str, Vec<(Engine, usize, usize)>> = BTreeMap::new();
    let mut problems = Vec::new();
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let db = Db::open(database.settings(), &migrations()).unwrap();
        for statement in &written {
            let sql = Sql::built(statement.text(engine).to_owned());
            match db.read_blocking(move |tx| tx.shape(&sql)) {
                Ok(shape) => shapes.entry(&statement.place).or_default().push((
                    engine,
                    shape.parameters,
                    shape.columns.len(),
                )),
                Err(error) => problems.push(format!("{} on {engine:?}: {error:?}", statement.place)),
            }
        }
        db.close();
    }
    for (place, shapes) in shapes {
        if shapes.iter().any(|shape| (shape.1, shape.2) != (shapes[0].1, shapes[0].2)) {
            problems.push(format!("{place}: parameters and columns differ: {shapes:?}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Where statements are put together at run time, and how many. A new one belongs into a test below.
const BUILT: &[(&str, usize)] = &[
    ("blocks/src/run/store.rs", 8),
    ("core/src/feed.rs", 1),
    ("core/src/followers.rs", 1),
    ("core/src/labels.rs", 1),
    ("core/src/listing.rs", 3),
    ("core/src/objects.rs", 11),
    ("governance/src/eventlog.rs", 2),
    ("identity/src/binding.rs", 1),
    ("identity/src/group.rs", 1),
    ("tenancy/src/binding/mod.rs", 1),
    ("tenancy/src/people.rs", 2),
    ("tenancy/src/team.rs", 1),
];

#[test]
fn statements_put_together_at_run_time_are_known() {
    let found: Vec<(String, usize)> = sources()
        .into_iter()
        .map(|(file, code)| (file, code.matches("Sql::built(").count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let known: Vec<(String, usize)> =
        BUILT.iter().map(|(file, count)| ((*file).to_owned(), *count)).collect();
    assert_eq!(found, known, "run the new statement in this module, then count it here");
}

#[test]
fn figures_for_the_planner_name_every_index_of_the_kernel() {
    const INDEXES: Sql =
        Sql::new("SELECT tbl_name || ' ' || name FROM sqlite_schema WHERE type = 'index' ORDER BY 1");
    let database = fresh(Engine::Sqlite).unwrap();
    let db = Db::open(database.settings(), &migrations()).unwrap();
    let there = db.read_blocking(|tx| tx.all(&INDEXES, &[], |row| row.get::<String>(0))).unwrap();
    let told: Vec<String> = stoa_core::schema::STATISTICS
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let unknown: Vec<_> = told.iter().filter(|index| !there.contains(index)).collect();
    assert!(unknown.is_empty(), "no such index: {unknown:?}");
    let tables: BTreeSet<&str> = told.iter().filter_map(|index| index.split(' ').next()).collect();
    let missing: Vec<_> = there
        .iter()
        .filter(|index| tables.contains(index.split(' ').next().unwrap()))
        .filter(|index| !told.contains(index))
        .collect();
    assert!(missing.is_empty(), "say in schema/statistics.txt how much they narrow: {missing:?}");
}

#[test]
fn statements_about_objects_run_on_both() {
    const KIND: &str = "meshWorkspace";
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let db = Db::open(database.settings(), &migrations()).unwrap();
        let done = db.write_blocking(|tx| {
            let id = ObjectId::new();
            assert!(objects::by_id(tx, KIND, id)?.is_none());
            assert!(objects::by_id_for_update(tx, KIND, id)?.is_none());
            assert!(objects::by_id_of_any_kind(tx, id)?.is_none());
            stoa_core::labels::fill(tx)?;
            assert!(objects::by_key(tx, KIND, "x")?.is_none());
            assert!(objects::by_key_even_deleted(tx, KIND, "x")?.is_none());
            assert!(objects::deleted_with(tx, KIND, "name", "x")?.is_empty());
            assert!(objects::owned_by(tx, "x", KIND, 1)?.is_empty());
            for relation in [None, Some("parent")] {
                assert!(objects::referrers(tx, id, relation, 1)?.is_empty());
            }
            assert!(objects::referrers_of_referrers(tx, id, ("platform", "tenant"), 1)?.is_empty());
            assert!(stoa_core::followers::of(tx, "x", 1)?.is_empty());
            for run in [None, Some(RunId::new())] {
                assert!(feed::after(tx, 0, run, 1)?.is_empty());
            }
            Ok::<_, Error>(())
        });
        done.unwrap();
        db.close();
    }
}

/// Groups and bindings gather names in `core_kinds::lists`, and what their end does is in `core_kinds::bindings`.
#[test]
fn statements_about_people_run_on_both() {
    use stoa_tenancy::people;
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let db = Db::open(database.settings(), &migrations()).unwrap();
        let done = db.write_blocking(|tx| {
            let now = Moment::from_micros(0);
            assert!(people::of_project(tx, now, "x", "y")?.is_empty());
            assert!(people::of_workspace(tx, now, "x")?.is_empty());
            assert!(people::next_expiry(tx, now, "x")?.is_none());
            Ok::<_, Error>(())
        });
        done.unwrap();
        db.close();
    }
}

#[test]
fn statements_about_runs_run_on_both() {
    use stoa_blocks::run::store::{self, Of};
    for engine in ENGINES {
        let Some(database) = fresh(engine) else { continue };
        let db = Db::open(database.settings(), &migrations()).unwrap();
        let done = db.write_blocking(|tx| {
            let (run, id) = (RunId::new(), ObjectId::new());
            assert!(store::by_id(tx, run)?.is_none());
            assert!(store::by_id_for_update(tx, run)?.is_none());
            assert!(store::newest_of(tx, id)?.is_none());
            assert!(store::open_of(tx, id)?.is_empty());
            let shared = stoa_blocks::runner::SHARED.parse().unwrap();
            for (runner, only) in [(id, None), (id, Some("TERRAFORM")), (shared, None)] {
                assert!(store::next_for(tx, runner, only)?.is_none());
            }
            for of in [Of::All, Of::Block(id), Of::Workspace("x")] {
                for (seen, text) in
                    [(None, None), (Some("x"), None), (None, Some("x")), (Some("x"), Some("x"))]
                {
                    assert_eq!(store::list(tx, of, seen, text, &Page::first(1))?.1, 0);
                }
            }
            assert_eq!(store::queue(tx, id)?, (0, 0));
            let steps: Vec<store::Step> = (0..9).map(|n| store::new_step("a", &n.to_string(), n)).collect();
            store::put_steps(tx, run, &steps.iter().collect::<Vec<_>>())?;
            assert_eq!(store::count_steps(tx, run)?, 9);
            store::forget_block(tx, id)?;
            Ok::<_, Error>(())
        });
        done.unwrap();
        db.close();
    }
}

on_both! {
    async fn lists_run_with_every_filter(stoa) {
        stoa.workspace("shop").await;
        stoa.workspace("shop2").await;
        let (_, version) = stoa.definition("demo-partner", json!({})).await;
        stoa.order(&stoa.admin, &version, "shop", json!({})).await;
        for filter in [
            "workspaceIdentifier=shop&name=a%20block&versionNumber=v1&targetRefKind=meshWorkspace&status=PENDING",
            "managedByWorkspaceIdentifier=demo-partner",
            "size=1&page=7",
        ] {
            stoa.admin.list("meshBuildingBlock", &format!("?{filter}")).await;
        }
        let found = stoa.admin.list("meshBuildingBlock", &format!("?versionUuid={version}&status=PENDING")).await;
        assert_eq!(text(&found[0], "/spec/displayName"), "a block");
        let shop = stoa.key("shop", &["BUILDINGBLOCK_LIST", "MANAGED_BUILDINGBLOCK_LIST", "EVENTLOG_LIST"]).await;
        assert_eq!(shop.list("meshBuildingBlock", "?size=1").await.len(), 1);

        let all = "from=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z&title=Work&description=shop2&excludeTitle=x\
            &eventType=Created&authorType=ApiKey&workspaceName=Team%20shop2";
        let events = stoa.admin.list("meshEventLog", &format!("?{all}")).await;
        assert_eq!(text(&events[0], "/spec/title"), "Workspace Created");
        let uuid = text(&events[0], "/metadata/uuid");
        stoa.admin.get("meshEventLog", &format!("/{uuid}")).await.expect(200);
        for filter in ["workspaceIdentifier=shop", "authorIdentifier=system", "authorType=System"] {
            stoa.admin.list("meshEventLog", &format!("?{filter}")).await;
        }
        assert!(!shop.list("meshEventLog", "").await.is_empty());
    }
}
