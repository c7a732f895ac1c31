//! The master key and the ring that it wraps: rotated, renewed, taken over from before, killed in the middle.

use crate::process::{Process, stoa};
use crate::stoa::{Stoa, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use stoa_core::keys::ring::{self, Locked};
use stoa_core::keys::{Master, Vault};
use stoa_core::world::Clock;
use stoa_db::testing::{ENGINES, TestDatabase, fresh};
use stoa_db::{Db, Engine, Sql};
use stoa_server::Store;
use stoa_server::assembly::migrations;
use tempfile::TempDir;

const CONFIGURATION: i32 = 78;
const KIND: &str = "meshIntegration";
/// A value that a program before the ring has wrapped, under this master key.
const BARE: &str = include_str!("../../../core/src/keys/fixtures/bare.txt");
const BARE_MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The database blocks; a thread of a runtime may not.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// A folder and a database, with servers that come and go.
struct Installation {
    folder: TempDir,
    database: TestDatabase,
}

impl Installation {
    fn new(engine: Engine) -> Option<Self> {
        let database = fresh(engine)?;
        Some(Self { folder: tempfile::tempdir().unwrap(), database })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self) -> Process {
        Process::serve(self.folder.path(), &self.database.url)
    }

    fn command(&self, verb: &str, options: &[&str]) -> std::process::Command {
        let mut command = stoa();
        command.args(["keys", verb, "--database-url", &self.database.url, "--data-dir"]);
        command.arg(self.folder.path()).args(options);
        command
    }

    #[track_caller]
    fn keys(&self, verb: &str, options: &[&str]) -> String {
        let output = self.command(verb, options).output().unwrap();
        assert!(output.status.success(), "keys {verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, output: &Output, says: &str) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(CONFIGURATION), "{said}");
        assert!(said.lines().last().is_some_and(|line| line.contains(says)), "{said} does not say {says}");
    }

    /// What serving says when it must not start.
    fn serve_refused(&self, options: &[&str], says: &str) {
        let mut command = stoa();
        command.args([
            "serve",
            "--no-runner",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            &self.database.url,
        ]);
        command.arg("--data-dir").arg(self.folder.path()).args(options).env("STOA_LOG", "off");
        self.refused(&command.output().unwrap(), says);
    }

    fn master(&self) -> String {
        std::fs::read_to_string(self.path("master.key")).unwrap()
    }

    /// The database and its opened ring, past the server, which must not run.
    fn inside(&self) -> Inside {
        let store = Store {
            data_dir: self.folder.path().to_owned(),
            database_url: Some(self.database.url.clone()),
            master_key_file: None,
            master_key: None,
        };
        let vault = std::sync::Arc::new(store.vault(false, None).unwrap().0);
        let db = apart(|| Db::open(self.database.settings(), &migrations()).unwrap());
        let opened = std::sync::Arc::clone(&vault);
        let now = Clock::default().now();
        let unlocked = apart(|| db.write_blocking(move |tx| ring::unlock(tx, now, &opened, false)).unwrap());
        assert!(unlocked.is_ok(), "{unlocked:?}");
        Inside { db, vault }
    }
}

struct Inside {
    db: Db,
    vault: std::sync::Arc<Vault>,
}

impl Inside {
    fn run(&self, sql: &'static str, values: Vec<stoa_db::Value>) {
        apart(|| self.db.write_blocking(move |tx| tx.run(&Sql::new(sql), &values)).unwrap());
    }

    /// Writes wrapped values into their tables.
    fn seed(&self, count: usize) {
        for n in 0..count {
            let sealed = self.vault.wrap(format!("value {n}").as_bytes()).unwrap();
            self.run(
                "INSERT INTO blob (id, created_at, expires_at, sealed) VALUES ($1, 0, NULL, $2)",
                vec![format!("blob-{n:05}").into(), sealed.clone().into()],
            );
            self.run(
                "INSERT INTO state (block, place, lineage, serial, at, sealed) VALUES ($1, $2, 'l', 1, 0, $3)",
                vec![format!("block-{}", n / 7).into(), i64::try_from(n).unwrap().into(), sealed.into()],
            );
        }
    }

    /// Generations of everything wrapped, and that each opens.
    fn generations(&self) -> Vec<u32> {
        let sql = "SELECT sealed FROM blob UNION ALL SELECT sealed FROM state";
        let all = apart(|| {
            self.db.read_blocking(move |tx| tx.all(&Sql::new(sql), &[], |row| row.get::<Vec<u8>>(0)))
        });
        let mut all = all.unwrap();
        let sql = "SELECT doc FROM object WHERE kind = 'meshIntegration' AND deleted_at IS NULL ORDER BY id";
        let docs = apart(|| {
            self.db.read_blocking(move |tx| tx.all(&Sql::new(sql), &[], |row| row.get::<String>(0)))
        });
        for doc in docs.unwrap() {
            let doc: Value = serde_json::from_str(&doc).unwrap();
            if let Some(sealed) = doc["config"]["entraid"]["clientSecret"]["$sealed"].as_str() {
                use base64::Engine;
                all.push(base64::engine::general_purpose::STANDARD.decode(sealed).unwrap());
            }
        }
        let generation = |sealed: &Vec<u8>| {
            self.vault.unwrap(sealed).unwrap();
            u32::from_be_bytes(sealed[1..5].try_into().unwrap())
        };
        let mut found: Vec<u32> = all.iter().map(generation).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn close(self) {
        apart(|| self.db.close());
    }
}

fn entra() -> Value {
    json!({
        "metadata": { "ownedByWorkspace": "demo-partner" },
        "spec": { "displayName": "sign in", "config": { "type": "entraid", "entraid": {
            "tenantId": "t", "clientId": "c", "clientSecret": { "plaintext": "s3cret" },
        } } },
    })
}

/// What is declared; links name the address that a server happens to have.
fn declared(shown: &Value) -> Value {
    json!([shown["metadata"], shown["spec"]])
}

/// Sends an integration back as it was read: neither its hash nor its version moves.
async fn unchanged(process: &Process, folder: &Path, made: &Value) {
    let admin = process.admin(folder).await;
    let path = format!("/{}", text(made, "/metadata/uuid"));
    assert_eq!(declared(&admin.get(KIND, &path).await.expect(200)), declared(made));
    assert_eq!(declared(&admin.put(KIND, &path, made).await.expect(200)), declared(made));
    let mut again = made.clone();
    again["spec"]["config"]["entraid"]["clientSecret"] = json!({ "plaintext": "s3cret" });
    let same = admin.put(KIND, &path, &again).await.expect(200);
    assert_eq!(declared(&same), declared(made), "the same secret is no change");
}

async fn with_integration(installation: &Installation) -> Value {
    let process = installation.serve();
    let made = process.admin(installation.folder.path()).await.create(KIND, &entra()).await;
    process.kill();
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_master_key_wraps_the_same_ring() {
    for engine in ENGINES {
        let Some(installation) = Installation::new(engine) else { continue };
        let made = with_integration(&installation).await;
        let inside = installation.inside();
        inside.seed(3);
        inside.close();
        let before = installation.master();
        let fingerprint = Master::parse(&before).unwrap().fingerprint().to_owned();

        let told = installation.keys("rotate", &[]);
        let after = installation.master();
        assert_ne!(before, after);
        assert!(told.contains(Master::parse(&after).unwrap().fingerprint()), "{told}");
        let kept = std::fs::read_to_string(installation.path(&format!("master.key.{fingerprint}"))).unwrap();
        assert_eq!(kept, before);
        assert!(!installation.path("master.key.new").exists());
        let process = installation.serve();
        unchanged(&process, installation.folder.path(), &made).await;
        process.kill();
        let inside = installation.inside();
        assert_eq!(inside.generations(), [1]);
        inside.close();

        // The earlier key opens nothing any more, and is told apart.
        std::fs::write(installation.path("master.key"), &before).unwrap();
        let says =
            format!("it wants {}, this one is {fingerprint}", Master::parse(&after).unwrap().fingerprint());
        installation.serve_refused(&[], &says);
        installation.refused(&installation.command("show", &[]).output().unwrap(), &says);
        installation.refused(&installation.command("renew", &[]).output().unwrap(), &says);
        std::fs::write(installation.path("master.key"), &after).unwrap();

        // To a file of one's choice, and a second time without effect.
        let file = installation.path("elsewhere.key").display().to_string();
        for did in ["is wrapped by", "was wrapped already by"] {
            let told = installation.keys("rotate", &["--new-master-key-file", &file]);
            assert!(told.contains(did) && told.contains(&file), "{told}");
        }
        installation.serve_refused(&[], "another master key");
        let process = Process::serve_with(
            installation.folder.path(),
            &installation.database.url,
            &["--no-runner", "--master-key-file", &file],
        );
        unchanged(&process, installation.folder.path(), &made).await;
        process.kill();
    }
}

#[test]
fn a_rotation_that_was_cut_short_is_finished_by_whoever_comes_next() {
    for engine in ENGINES {
        let Some(installation) = Installation::new(engine) else { continue };
        installation.serve().kill();
        let before = installation.master();
        // Written down, not yet told to the database: the earlier key still holds, the next attempt takes the new one.
        let next = Vault::new_master_key().unwrap();
        std::fs::write(installation.path("master.key.new"), &next).unwrap();
        installation.serve().kill();
        assert_eq!(installation.master(), before);
        installation.keys("rotate", &[]);
        assert_eq!(installation.master(), next);
        // Told to the database, no file renamed.
        std::fs::rename(installation.path("master.key"), installation.path("master.key.new")).unwrap();
        std::fs::write(installation.path("master.key"), &before).unwrap();
        installation.serve().kill();
        assert_eq!(installation.master(), next);
        // One file renamed, one not; by the command too.
        for by_server in [true, false] {
            std::fs::rename(installation.path("master.key"), installation.path("master.key.new")).unwrap();
            if by_server {
                installation.serve().kill();
            } else {
                installation.keys("rotate", &[]);
            }
            assert_eq!(installation.master(), next);
            assert!(!installation.path("master.key.new").exists());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_killed_at_any_moment_loses_nothing() {
    for engine in ENGINES {
        let Some(installation) = Installation::new(engine) else { continue };
        let made = with_integration(&installation).await;
        for step in 0..12_u64 {
            let mut command = installation.command("rotate", &[]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let until = Instant::now() + Duration::from_millis(step * 8);
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            let _ = child.kill();
            child.wait().unwrap();
            let inside = installation.inside();
            assert_eq!(inside.generations(), [1], "killed in step {step}");
            inside.close();
        }
        let process = installation.serve();
        unchanged(&process, installation.folder.path(), &made).await;
        process.kill();
    }
}

/// Waits until every pass over wrapped values has ended.
fn all_rewrapped(installation: &Installation) {
    let began = Instant::now();
    loop {
        let told = installation.keys("show", &[]);
        if !told.contains("under way") {
            assert_eq!(told.matches(", done ").count(), 3, "{told}");
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "{told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_generation_takes_everything_over_although_servers_die_on_the_way() {
    let installation = Installation::new(Engine::Sqlite).unwrap();
    let made = with_integration(&installation).await;
    let inside = installation.inside();
    inside.seed(1500);
    inside.close();
    installation.refused(
        &{
            let _running = installation.serve();
            installation.command("renew", &[]).output().unwrap()
        },
        "another server process uses this database",
    );
    let told = installation.keys("renew", &[]);
    assert!(told.contains("Generation 2 wraps new values"), "{told}");
    let inside = installation.inside();
    assert_eq!(inside.generations(), [1], "nothing is wrapped anew without a server");
    inside.close();
    for _ in 0..4 {
        // Died while it was at it, more or less.
        installation.serve().kill();
        let inside = installation.inside();
        inside.generations();
        inside.close();
    }
    let process = installation.serve();
    all_rewrapped(&installation);
    unchanged(&process, installation.folder.path(), &made).await;
    assert!(process.terminate().success());
    let inside = installation.inside();
    assert_eq!(inside.generations(), [2]);
    inside.close();
    let shown = installation.keys("show", &[]);
    for line in
        ["values     1  earlier", "values     2  in use", "hashes     1  in use", "tokens     2  in use"]
    {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_from_before_the_ring_is_taken_over() {
    for engine in ENGINES {
        let Some(installation) = Installation::new(engine) else { continue };
        installation.serve().kill();
        // As an earlier program left it.
        std::fs::write(installation.path("master.key"), BARE_MASTER).unwrap();
        let db = apart(|| Db::open(installation.database.settings(), &migrations()).unwrap());
        let check = Vault::open(BARE_MASTER).unwrap().hash("stoa");
        let write = move |tx: &mut stoa_db::Tx<'_>| {
            tx.run(&Sql::new("DELETE FROM ring_key"), &[])?;
            let sql = Sql::new("INSERT INTO setting (name, value) VALUES ('master-key-check', $1)");
            tx.run(&sql, &[check.as_str().into()])?;
            use base64::Engine;
            let bare = base64::engine::general_purpose::STANDARD.decode(BARE.trim()).unwrap();
            let sql = Sql::new("INSERT INTO blob (id, created_at, sealed) VALUES ('before', 0, $1)");
            tx.run(&sql, &[bare.into()])
        };
        apart(|| db.write_blocking(write).unwrap());
        apart(|| db.close());
        std::fs::write(installation.path("other.key"), Vault::new_master_key().unwrap()).unwrap();
        let other = installation.path("other.key").display().to_string();
        installation.serve_refused(&["--master-key-file", &other], "was set up with another master key");
        let wrong = installation.command("renew", &["--master-key-file", &other]).output().unwrap();
        installation.refused(&wrong, "was set up with another master key");

        let made = with_integration(&installation).await;
        let hash = |inside: &Inside| inside.vault.hash("x");
        let inside = installation.inside();
        assert_eq!(hash(&inside), Vault::open(BARE_MASTER).unwrap().hash("x"), "hashes stay");
        // As if the killed servers had been silent for a minute.
        inside.run("DELETE FROM ring_holder", Vec::new());
        inside.close();
        installation.keys("rotate", &[]);
        installation.keys("renew", &[]);
        let inside = installation.inside();
        assert_eq!(hash(&inside), Vault::open(BARE_MASTER).unwrap().hash("x"), "and stay");
        inside.close();
        if engine == Engine::Sqlite {
            let process = installation.serve();
            all_rewrapped(&installation);
            unchanged(&process, installation.folder.path(), &made).await;
            process.kill();
            let inside = installation.inside();
            assert_eq!(inside.generations(), [2]);
            inside.close();
        }
    }
}

#[test]
fn the_master_key_may_come_from_the_environment() {
    let installation = Installation::new(Engine::Sqlite).unwrap();
    let (first, second) = (Vault::new_master_key().unwrap(), Vault::new_master_key().unwrap());
    let with = |name: &str, value: &str, verb: &str| {
        let mut command = installation.command(verb, &[]);
        command.env("STOA_MASTER_KEY", &first).env(name, value);
        command.output().unwrap()
    };
    Process::serve_with(
        installation.folder.path(),
        &installation.database.url,
        &["--no-runner", "--master-key", &first],
    )
    .kill();
    assert!(!installation.path("master.key").exists());
    installation.refused(
        &with("STOA_MASTER_KEY", "short", "show"),
        "STOA_MASTER_KEY: the master key must be 32 bytes",
    );
    installation.refused(&with("STOA_LOG", "off", "rotate"), "name the new master key");
    let output = with("STOA_NEW_MASTER_KEY", &second, "rotate");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    installation.refused(&with("STOA_LOG", "off", "show"), "another master key");
    assert!(with("STOA_MASTER_KEY", &second, "show").status.success());
    let nowhere = Installation::new(Engine::Sqlite).unwrap();
    nowhere.refused(&nowhere.command("show", &[]).output().unwrap(), "there is no master key");
    std::fs::write(nowhere.path("master.key"), &first).unwrap();
    nowhere.refused(&nowhere.command("renew", &[]).output().unwrap(), "not set up yet");
}

/// Several servers on one database take a new generation up before it is used, and are not left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_run_load_a_new_generation_before_it_is_used() {
    let Some(one) = Stoa::on(Engine::Postgres).await else { return };
    let two = one.sibling().await;
    let beat = async |stoa: &Stoa, name: &'static str| {
        let world = std::sync::Arc::clone(&stoa.running.app.world);
        let beaten =
            stoa.running.app.db.write(move |tx| ring::beat(tx, world.clock.now(), &world.vault, name)).await;
        beaten.unwrap()
    };
    let keys = |verb: &str, options: &[&str]| {
        let mut command = stoa();
        command.args(["keys", verb, "--database-url", one.database_url(), "--data-dir"]);
        command.arg(one.folder.path()).args(options).output().unwrap()
    };
    for (stoa, name) in [(&one, "one"), (&two, "two")] {
        assert_eq!(beat(stoa, name).await, Ok(()));
    }
    let made = one.admin.create(KIND, &entra()).await;
    assert!(keys("renew", &[]).status.success());
    let generation = |stoa: &Stoa| stoa.running.app.world.vault.generation();
    assert_eq!(beat(&one, "one").await, Ok(()));
    assert_eq!(generation(&one), 1, "loaded, but not yet in use");
    let early = one.running.app.world.vault.wrap(b"early").unwrap();
    for (stoa, name) in [(&one, "one"), (&two, "two")] {
        stoa.advance(Duration::from_secs(70));
        assert_eq!(beat(stoa, name).await, Ok(()));
        assert_eq!(generation(stoa), 2);
    }
    let late = one.running.app.world.vault.wrap(b"late").unwrap();
    for (sealed, plain) in [(&early, b"early".as_slice()), (&late, b"late".as_slice())] {
        assert_eq!(two.running.app.world.vault.unwrap(sealed).unwrap(), plain);
    }
    let path = format!("/{}", text(&made, "/metadata/uuid"));
    let kept = two.admin.put(KIND, &path, &made).await.expect(200);
    assert_eq!(declared(&kept), declared(&made), "earlier tokens and hashes hold");

    // A new master key under running servers: they go on, but no generation may come that they cannot load.
    let file = one.folder.path().join("next.key").display().to_string();
    assert!(keys("rotate", &["--new-master-key-file", &file]).status.success());
    assert!(matches!(beat(&one, "one").await, Err(Locked::OtherMaster { wanted: Some(_) })));
    assert_eq!(declared(&two.admin.put(KIND, &path, &made).await.expect(200)), declared(&made));
    let output = keys("renew", &["--master-key-file", &file]);
    assert_eq!(output.status.code(), Some(CONFIGURATION));
    assert!(String::from_utf8_lossy(&output.stderr).contains("know an earlier master key only"));
}
