//! Declarative files through the command line, and what a workspace says that is to be deleted.

use crate::figures::{Latencies, Pairs};
use crate::http1::Connection;
use crate::installation::{Installation, create};
use crate::load::round;
use crate::pace::Pace;
use crate::raw::{Raw, Shape};
use crate::server::Server;
use anyhow::{Context, ensure};
use http::Method;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one object of the file takes in rows.
const SHAPE: Shape =
    Shape { kind: "meshProject", bytes: 54, status: 2, facets: 2, references: 1, works: false };
/// Owner of everything in the file.
const OWNER: &str = "declared";
/// A page of what is in the way is read by so many at once.
pub const CONNECTIONS: usize = 8;

/// The file: a workspace and its projects.
fn file(objects: usize) -> String {
    let mut text = format!(
        "apiVersion: v2\nkind: meshWorkspace\nmetadata: {{ name: {OWNER}, tags: {{}} }}\nspec: {{ displayName: Declared }}\n"
    );
    for number in 1..objects {
        // A text takes everything.
        let _ = write!(
            text,
            "---\napiVersion: v2\nkind: meshProject\nmetadata: {{ name: q{number}, ownedByWorkspace: {OWNER} }}\n\
             spec: {{ displayName: Project {number}, tags: {{}} }}\n"
        );
    }
    text
}

/// Seconds that the command line takes for a file of so many objects, beside their rows one after the other.
pub async fn apply(
    stoa: &Path,
    server: &Server,
    raw: &Raw,
    folder: &Path,
    pace: Pace,
) -> anyhow::Result<Pairs> {
    let path = folder.join("declared.yaml");
    std::fs::write(&path, file(pace.declared))?;
    let mut pairs = Pairs::default();
    let mut command = Command::new(stoa);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
        command.env_remove(name);
    }
    command.args(["apply", "-f"]).arg(&path).arg("--key-file").arg(server.admin_key_file());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.output()).await?.context("stoa apply")?;
    let took = begun.elapsed();
    ensure!(output.status.success(), "stoa apply: {}", String::from_utf8_lossy(&output.stderr));
    let bare = raw.write(&[SHAPE], 1, pace.declared).await?;
    pairs.add(took.as_secs_f64() * 1000.0, bare.took.as_secs_f64() * 1000.0);
    Ok(pairs)
}

/// How often per second a workspace with many dependants tells that it cannot go, beside reading them.
pub async fn plan(
    server: &Server,
    installation: &Installation,
    raw: &Raw,
    pace: Pace,
) -> anyhow::Result<(Pairs, Latencies)> {
    const CROWDED: &str = "crowded";
    let admin = &installation.admin;
    let body = json!({ "metadata": { "name": CROWDED, "tags": {} }, "spec": { "displayName": "Crowded" } });
    create(admin, "meshWorkspace", "v2", body).await?;
    for number in 0..pace.dependants {
        let body = json!({
            "metadata": { "name": format!("d{number}"), "ownedByWorkspace": CROWDED },
            "spec": { "displayName": "D", "tags": {} },
        });
        create(admin, "meshProject", "v2", body).await?;
    }
    raw.fill(SHAPE, pace.dependants, |number| (CROWDED.into(), vec![("state", number.to_string())])).await?;
    let (mut pairs, mut latencies) = (Pairs::default(), Latencies::default());
    for number in 0..pace.warm_ups + pace.rounds {
        let is_warm_up = number < pace.warm_ups;
        let span = if is_warm_up { pace.warm_up } else { pace.span };
        let caller = installation.administrator(server).await?.about("meshWorkspace", "v2")?;
        let mut callers = Vec::new();
        for _ in 0..CONNECTIONS {
            callers.push(Connection::open(server.address).await?);
        }
        let ask = move |mut connection: Connection| {
            let caller = caller.clone();
            async move {
                let path = format!("/api/meshobjects/meshworkspaces/{CROWDED}");
                connection.expect(409, caller.request(Method::DELETE, &path, "")?).await?;
                Ok((connection, true))
            }
        };
        let done = round(callers, span, ask).await?.0;
        let bare = raw.owned(CROWDED, CONNECTIONS, span).await?;
        if !is_warm_up {
            pairs.add(done.rate(), bare.rate());
            latencies.extend(&done.latencies);
        }
    }
    Ok((pairs, latencies))
}

/// The most memory that a process had at any look, in mebibytes, until it is stopped.
pub struct Watch {
    stop: std::sync::mpsc::Sender<()>,
    most: std::thread::JoinHandle<u64>,
}

impl Watch {
    /// Looks at a process from now on.
    pub fn over(pid: u32) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel();
        let most = std::thread::spawn(move || {
            let mut most = 0;
            loop {
                most = most.max(crate::process::memory(pid).unwrap_or_default());
                if stopped.recv_timeout(Duration::from_millis(250))
                    != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                {
                    return most;
                }
            }
        });
        Self { stop, most }
    }

    /// What it was.
    pub fn most(self) -> f64 {
        drop(self.stop);
        self.most.join().unwrap_or_default() as f64 / 1024.0 / 1024.0
    }
}
