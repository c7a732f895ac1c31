//! Starts that must not succeed say why, and change nothing.

use crate::process::{Process, stoa};
use crate::stoa::{Stoa, shared_key};
use std::path::Path;
use std::process::Output;
use stoa_core::keys::Vault;
use stoa_db::testing::{ENGINES, TestDatabase, fresh};
use stoa_db::{Db, Engine, Sql};
use stoa_server::assembly::migrations;
use tempfile::TempDir;

const CONFIGURATION: i32 = 78;
const FAILED: i32 = 1;
const USAGE: i32 = 64;

fn serve(folder: &Path, database: &str, options: &[&str]) -> Output {
    let mut command = stoa();
    command.args([
        "serve",
        "--no-runner",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        database,
        "--data-dir",
    ]);
    command.arg(folder).args(options).env("STOA_LOG", "error").output().unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    // One line for programs that read the log, one for people.
    let lines: Vec<&str> = said.lines().collect();
    let [logged, told] = lines[..] else { panic!("two lines were expected: {said}") };
    assert!(told.starts_with("error: ") && told.contains(says), "`{told}` does not say `{says}`");
    let logged: serde_json::Value = serde_json::from_str(logged).unwrap();
    assert_eq!(format!("error: {}", logged["fields"]["error"].as_str().unwrap()), told);
}

/// A folder and a database that a server was started on once.
fn used(engine: Engine) -> Option<(TempDir, TestDatabase)> {
    let database = fresh(engine)?;
    let folder = tempfile::tempdir().unwrap();
    Process::serve(folder.path(), &database.url).kill();
    Some((folder, database))
}

#[test]
fn a_database_that_this_program_does_not_understand_is_refused() {
    for engine in ENGINES {
        let Some((folder, database)) = used(engine) else { continue };
        let tamper = |sql: &'static str| {
            let db = Db::open(database.settings(), &[]).map(|db| db.close());
            assert!(db.is_err(), "a program that knows no migrations does not open it either");
            let db = Db::open(database.settings(), &migrations()).unwrap();
            db.write_blocking(move |tx| tx.run(&Sql::new(sql), &[])).unwrap();
            db.close();
        };
        tamper("INSERT INTO migration (number, name, sha256, applied_at) VALUES (9999, 'future', 'x', 0)");
        let output = serve(folder.path(), &database.url, &[]);
        let newest = migrations().last().unwrap().number;
        refused(
            &output,
            FAILED,
            &format!(
                "the database is at migration 9999, this program knows up to {newest}; start the newer program"
            ),
        );
    }
    for engine in ENGINES {
        let Some((folder, database)) = used(engine) else { continue };
        let db = Db::open(database.settings(), &migrations()).unwrap();
        let tamper = Sql::new("UPDATE migration SET sha256 = 'other' WHERE number = 10");
        db.write_blocking(move |tx| tx.run(&tamper, &[])).unwrap();
        db.close();
        let output = serve(folder.path(), &database.url, &[]);
        refused(&output, FAILED, "migration 10 is not the one this database was made with");
    }
}

#[test]
fn another_master_key_is_refused_and_the_right_one_taken_again() {
    for engine in ENGINES {
        let Some((folder, database)) = used(engine) else { continue };
        let file = folder.path().join("master.key");
        let right = std::fs::read_to_string(&file).unwrap();

        std::fs::write(&file, Vault::new_master_key().unwrap()).unwrap();
        let output = serve(folder.path(), &database.url, &[]);
        refused(&output, CONFIGURATION, "this database was set up with another master key");

        std::fs::write(&file, "not a key").unwrap();
        let output = serve(folder.path(), &database.url, &[]);
        refused(&output, CONFIGURATION, "the master key must be 32 bytes in base64");

        // A new one is not left in the place of the one that got lost.
        std::fs::remove_file(&file).unwrap();
        let output = serve(folder.path(), &database.url, &[]);
        refused(&output, CONFIGURATION, "the master key of this database is missing");
        assert!(!file.exists());

        std::fs::write(&file, right).unwrap();
        Process::serve(folder.path(), &database.url).kill();
    }
}

#[test]
fn what_is_configured_wrongly_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let database = format!("sqlite:{}", path("stoa.db").display());
    std::fs::write(path("shared-runner.pem"), shared_key().to_pem()).unwrap();

    let missing = path("missing.key").display().to_string();
    let output = serve(folder.path(), &database, &["--master-key-file", &missing]);
    refused(&output, CONFIGURATION, "missing.key: the master key file does not exist");
    let output = serve(folder.path(), "mysql://localhost/stoa", &[]);
    refused(&output, CONFIGURATION, "must begin with `sqlite:` or `postgres:`");
    let admin = ["--admin-client-id", "somebody", "--admin-client-secret", "x"];
    refused(&serve(folder.path(), &database, &admin), CONFIGURATION, "the admin client id must be a uuid");
    std::fs::write(path("a file"), "").unwrap();
    refused(&serve(&path("a file"), &database, &[]), CONFIGURATION, "a file: ");

    let running = Process::serve(folder.path(), &database);
    refused(
        &serve(folder.path(), &database, &[]),
        CONFIGURATION,
        "another server process uses this database",
    );
    let address = running.url.strip_prefix("http://").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = format!("sqlite:{}", elsewhere.path().join("stoa.db").display());
    let output = serve(elsewhere.path(), &other, &["--listen", address]);
    assert_eq!(output.status.code(), Some(USAGE), "an option given twice");
    let output = stoa()
        .args(["serve", "--no-runner", "--listen", address, "--data-dir"])
        .arg(elsewhere.path())
        .env("STOA_LOG", "error")
        .output()
        .unwrap();
    refused(&output, FAILED, &format!("cannot listen on {address}"));
}

/// As if the first start had been killed between telling the database of the shared runner and noting that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_was_cut_short_leaves_the_shared_runner_its_key() {
    let database = std::sync::Arc::new(fresh(Engine::Sqlite).unwrap());
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("shared-runner.pem.new"), shared_key().to_pem()).unwrap();
    let stoa = Stoa::with(database, folder.clone(), |_| {}).await;
    assert_eq!(std::fs::read_to_string(path("shared-runner.pem")).unwrap(), shared_key().to_pem());
    assert!(!path("shared-runner.pem.new").exists());
    let runner =
        stoa.admin.get("meshBuildingBlockRunner", &format!("/{}", crate::stoa::SHARED)).await.expect(200);
    assert_eq!(runner["spec"]["publicKey"].as_str().unwrap().trim(), shared_key().public_pem().trim());
}
