//! How long a browser waits for what happened: many of them follow the blocks of a workspace while runs end.

use crate::constant::Constant;
use crate::figures::Latencies;
use crate::http1::{Caller, Connection};
use crate::installation::{Installation, WORKSPACES, workspace};
use crate::life::{Reports, begin, claim, end};
use crate::pace::Pace;
use crate::pages::Reader;
use crate::server::Server;
use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long browsers may wait before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Numbers of the orders, away from those of others.
const ORDERS: usize = 1_000_000 * WORKSPACES;

/// How long it took from the last report of a run until a browser had the event of its block.
#[derive(Default)]
pub struct Views {
    /// From sending the report.
    pub from_report: Latencies,
    /// From the report's answer, which follows the commit; nothing when the event was there before.
    pub from_answer: Latencies,
    /// One round trip to a server that only answers.
    pub round_trip: Latencies,
}

/// An event as it reached a browser.
struct Arrival {
    viewer: usize,
    seq: u64,
    block: String,
    at: Instant,
}

/// So many browsers of one signed-in person follow; then runs end, one after the other.
pub async fn views(
    server: &Server,
    installation: &Arc<Installation>,
    reader: &Reader,
    pace: Pace,
) -> anyhow::Result<Views> {
    let (said, mut heard) = unbounded_channel();
    let mut viewers = JoinSet::new();
    let live = format!("/w/{}/live?kind=meshBuildingBlock&workspace={}", workspace(0), workspace(0));
    for viewer in 0..pace.viewers {
        let request = reader.request(server, &live, "text/event-stream")?;
        let mut connection = Connection::open(server.address).await?;
        let response = connection.respond(request).await?;
        ensure!(response.status() == 200, "following: {}", response.status());
        let said = said.clone();
        viewers.spawn(async move { follow(viewer, connection, response.into_body(), said).await });
    }
    let admin = installation.administrator(server).await?;
    let runner_caller = admin.about("meshBuildingBlockRun", "v1")?;
    let offer = &installation.idle;
    let reports = Reports::new(&offer.runner);
    let mut connection = Connection::open(server.address).await?;
    let constant = Constant::start(100).await?;
    let mut trips = Connection::open(constant.address).await?;
    let nobody = Caller::nobody(constant.address)?;

    let mut views = Views::default();
    for number in 0..pace.happenings + pace.warm_ups {
        let order = offer.order(&admin, ORDERS + number * WORKSPACES)?;
        connection.expect(201, order).await?;
        let held = claim(&mut connection, &runner_caller, &offer.runner).await?;
        let held = held.context("an ordered run could not be claimed")?;
        begin(&mut connection, &held, &reports, &offer.runner, |_, _| {}).await?;
        let newest = newest(&mut connection, &admin).await?;
        // Gaps of 20 to 60 ms, so that nobody falls into the other's rhythm.
        sleep(Duration::from_millis(20 + (number as u64 * 37) % 41)).await;
        let sent = Instant::now();
        let ending = async {
            end(&mut connection, &held, &reports, &offer.runner).await?;
            anyhow::Ok(Instant::now())
        };
        let seen = timeout(PATIENCE, arrivals(&mut heard, pace.viewers, &held.block, newest));
        let (answered, seen) =
            tokio::try_join!(ending, async { seen.await.context("browsers were not told of a block")? })?;
        let asked = Instant::now();
        trips.expect(200, nobody.get("/")?).await?;
        if number >= pace.warm_ups {
            views.round_trip.add(asked.elapsed());
            for at in seen {
                views.from_report.add(at - sent);
                views.from_answer.add(at.saturating_duration_since(answered));
            }
        }
    }
    viewers.shutdown().await;
    Ok(views)
}

/// When each browser had the first event about a block after a place in the feed.
async fn arrivals(
    heard: &mut UnboundedReceiver<Arrival>,
    viewers: usize,
    block: &str,
    newest: u64,
) -> anyhow::Result<Vec<Instant>> {
    let mut seen: Vec<Option<Instant>> = vec![None; viewers];
    while seen.iter().any(Option::is_none) {
        let arrival = heard.recv().await.context("nobody follows any more")?;
        if arrival.seq > newest && arrival.block == block {
            seen[arrival.viewer].get_or_insert(arrival.at);
        }
    }
    Ok(seen.into_iter().flatten().collect())
}

/// The newest place in the feed.
async fn newest(connection: &mut Connection, admin: &Caller) -> anyhow::Result<u64> {
    let last = connection.expect(200, admin.get("/api/events?follow=false&last=1")?).await?;
    let last = String::from_utf8_lossy(&last).into_owned();
    last.lines()
        .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
        .next_back()
        .context("the feed says no place")
}

/// Tells of every event until the stream ends.
async fn follow(viewer: usize, connection: Connection, mut body: Incoming, said: UnboundedSender<Arrival>) {
    let mut text = String::new();
    while let Some(Ok(frame)) = body.frame().await {
        let at = Instant::now();
        text.push_str(&String::from_utf8_lossy(frame.data_ref().map_or(&[][..], |data| data)));
        while let Some((message, rest)) = text.split_once("\n\n") {
            let field = |name| message.lines().find_map(|line| line.strip_prefix(name));
            let seq = field("id: ").and_then(|seq| seq.parse().ok());
            let block = message.split_once("\"uuid\":\"").and_then(|(_, rest)| rest.split('"').next());
            if let (Some(seq), Some(block)) = (seq, block) {
                // The bench is over when nobody listens.
                let _ = said.send(Arrival { viewer, seq, block: block.to_owned(), at });
            }
            text = rest.to_owned();
        }
    }
    drop(connection);
}
