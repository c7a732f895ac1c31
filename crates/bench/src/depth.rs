//! The last page of a very long list beside its first: reached as a client reaches it who follows the links, and by its
//! number.

use crate::figures::{Latencies, Pairs};
use crate::ground::Ground;
use crate::http1::{Caller, Connection};
use crate::installation::{Installation, create};
use crate::multiplying::multiply;
use crate::pace::Pace;
use crate::server::Server;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Objects that are made over HTTP; all others are copies.
const ORIGINALS: usize = 1_000;
const OWNER: &str = "deep";
const PROJECTS: &str = "/api/meshobjects/meshprojects";
const SIZE: usize = 100;
/// How long the pages are read.
const READING: Duration = Duration::from_secs(20);

/// Milliseconds of the last page, beside the first.
#[derive(Default)]
pub struct Depths {
    /// How many objects there are.
    pub count: u64,
    /// By the link `next` of the page before it.
    pub followed: Pairs,
    /// By its number.
    pub jumped: Pairs,
    /// Single reads of the followed one.
    pub latencies: Latencies,
}

/// Fills a server of its own, and reads.
pub async fn depths(stoa: &Path, ground: &Ground, pace: Pace) -> anyhow::Result<Depths> {
    let server = Server::start(stoa, ground.folder(), ground.url()).await?;
    let installation = Installation::make(&server).await?;
    let body = json!({ "metadata": { "name": OWNER, "tags": {} }, "spec": { "displayName": "Deep" } });
    create(&installation.admin, "meshWorkspace", "v2", body).await?;
    for number in 0..ORIGINALS {
        let body = json!({
            "metadata": { "name": format!("d{number}"), "ownedByWorkspace": OWNER },
            "spec": { "displayName": format!("Project {number}"), "tags": {} },
        });
        create(&installation.admin, "meshProject", "v2", body).await?;
    }
    let address = server.address;
    server.stop().await?;
    multiply(ground, "meshProject", pace.deep)?;
    let server = Server::start_at(address, stoa, ground.folder(), ground.url(), &[]).await?;
    let mut connection = Connection::open(address).await?;
    let mut caller = installation.administrator(&server).await?.about("meshProject", "v2")?;

    let first = format!("{PROJECTS}?size={SIZE}");
    let shown = read(&mut connection, &caller, &first).await?.0;
    let pages = shown["page"]["totalPages"].as_u64().context("a list without pages")?;
    ensure!(pages > 10, "only {pages} pages");
    let mut depths =
        Depths { count: shown["page"]["totalElements"].as_u64().unwrap_or_default(), ..Depths::default() };
    let before_last = format!("{first}&page={}", pages - 2);
    let shown = read(&mut connection, &caller, &before_last).await?.0;
    let next = shown["_links"]["next"]["href"].as_str().context("no next page")?.to_owned();
    let followed = next.strip_prefix(&server.url()).context("a link elsewhere")?.to_owned();
    let jumped = format!("{first}&page={}", pages - 1);
    let last_of = |page: &Value| page["_embedded"]["meshProjects"][0]["metadata"]["name"].clone();
    let by_link = read(&mut connection, &caller, &followed).await?.0;
    let by_number = read(&mut connection, &caller, &jumped).await?.0;
    ensure!(last_of(&by_link) == last_of(&by_number), "two last pages");

    let begun = Instant::now();
    let mut turn = 0;
    while turn < pace.warm_ups || (begun.elapsed() < READING && turn < 200) {
        // Tokens live for minutes only.
        if turn % 50 == 49 {
            caller = installation.administrator(&server).await?.about("meshProject", "v2")?;
        }
        let top = read(&mut connection, &caller, &first).await?.1;
        let link = read(&mut connection, &caller, &followed).await?.1;
        let number = read(&mut connection, &caller, &jumped).await?.1;
        turn += 1;
        if turn > pace.warm_ups {
            let millis = |took: Duration| took.as_secs_f64() * 1000.0;
            depths.followed.add(millis(link), millis(top));
            depths.jumped.add(millis(number), millis(top));
            depths.latencies.add(link);
        }
    }
    server.stop().await?;
    Ok(depths)
}

async fn read(connection: &mut Connection, caller: &Caller, path: &str) -> anyhow::Result<(Value, Duration)> {
    let asked = Instant::now();
    let body = connection.expect(200, caller.get(path)?).await?;
    let took = asked.elapsed();
    let page: Value = serde_json::from_slice(&body)?;
    let items = page["_embedded"].as_object().and_then(|embedded| embedded.values().next()?.as_array());
    ensure!(items.is_some_and(|items| items.len() == SIZE), "a page without {SIZE} entries: {path}");
    Ok((page, took))
}
