//! Objects in large numbers until all of them are listed.

use crate::figures::{Latencies, Pairs};
use crate::http1::Connection;
use crate::installation::{Installation, create};
use crate::load::round;
use crate::machine::say;
use crate::pace::Pace;
use crate::rows::Rows;
use crate::server::Server;
use anyhow::{Context, ensure};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections that make objects at once.
pub const CONNECTIONS: usize = 32;
const PROJECTS: &str = "/api/meshobjects/meshprojects";
/// How long making all of them may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Projects per second, from the first request until the list of their workspace has all, beside as many bare durable
/// rows; and single requests.
pub async fn projects(
    server: &Server,
    installation: &Installation,
    rows: &Rows,
    pace: Pace,
) -> anyhow::Result<(Pairs, Latencies)> {
    let (mut pairs, mut latencies) = (Pairs::default(), Latencies::default());
    for number in 0..pace.rounds {
        let owner = format!("listed-{number}");
        let body = json!({ "metadata": { "name": owner, "tags": {} }, "spec": { "displayName": "Listed" } });
        create(&installation.admin, "meshWorkspace", "v2", body).await?;
        let caller = installation.administrator(server).await?.about("meshProject", "v2")?;
        let mut callers = Vec::new();
        for _ in 0..CONNECTIONS {
            callers.push(Connection::open(server.address).await?);
        }
        let (asking, of, made) = (caller.clone(), owner.clone(), Arc::new(AtomicUsize::new(0)));
        let count = pace.listed;
        let ask = move |mut connection: Connection| {
            let (caller, owner, number) = (asking.clone(), of.clone(), made.fetch_add(1, Ordering::Relaxed));
            async move {
                if number >= count {
                    return Ok((connection, false));
                }
                let body = json!({
                    "metadata": { "name": format!("l{number}"), "ownedByWorkspace": owner },
                    "spec": { "displayName": format!("Project {number}"), "tags": {} },
                });
                let request = caller.request(Method::POST, PROJECTS, body.to_string())?;
                connection.expect(201, request).await?;
                Ok((connection, true))
            }
        };
        let begun = Instant::now();
        let done = round(callers, PATIENCE, ask).await?.0;
        let mut connection = Connection::open(server.address).await?;
        let path = format!("{PROJECTS}?workspaceIdentifier={owner}&size=1");
        let mut looks = 1;
        loop {
            let shown: Value = serde_json::from_slice(&connection.expect(200, caller.get(&path)?).await?)?;
            let listed = shown["page"]["totalElements"].as_u64().context("a list without a total")?;
            if listed == count as u64 {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "{listed} of {count} projects are listed");
            looks += 1;
        }
        let took = begun.elapsed();
        if looks > 1 {
            say(&format!("  all were listed at look {looks}"));
        }
        let bare = rows.write_all(CONNECTIONS, count).await?;
        pairs.add(count as f64 / took.as_secs_f64(), bare.rate());
        latencies.extend(&done.latencies);
    }
    Ok((pairs, latencies))
}
