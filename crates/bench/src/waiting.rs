//! How long new work waits for an idle runner who follows the event stream.

use crate::constant::Constant;
use crate::figures::Latencies;
use crate::http1::{Caller, Connection};
use crate::installation::Installation;
use crate::life::{Held, Reports, claim, report};
use crate::machine::say;
use crate::pace::Pace;
use crate::server::Server;
use anyhow::{Context, ensure};
use futures_util::{Stream, StreamExt};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_client::runs::RunnerApi;
use stoa_client::{ClientError, ServerEvent};
use tokio::time::{sleep, timeout};

/// How long work may wait before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long things took, in single measurements.
#[derive(Default)]
pub struct Waits {
    /// From sending the order until the runner holds the run.
    pub from_order: Latencies,
    /// From the order's answer until the runner holds the run; nothing when it held it before.
    pub from_answer: Latencies,
    /// One round trip to a server that only answers.
    pub round_trip: Latencies,
}

/// Orders one block after the other and waits each time until its run is claimed.
pub async fn waits(server: &Server, installation: &Arc<Installation>, pace: Pace) -> anyhow::Result<Waits> {
    let admin = installation.administrator(server).await?;
    let runner_caller = admin.about("meshBuildingBlockRun", "v1")?;
    let reports = Reports::new(&installation.idle.runner);
    let mut orders = Connection::open(server.address).await?;
    let mut runner = Connection::open(server.address).await?;
    let offer = &installation.idle;
    let api = RunnerApi::new(installation.admin.clone());
    let mut events = api.wake_ups(&offer.runner).await;
    let constant = Constant::start(100).await?;
    let mut trips = Connection::open(constant.address).await?;
    let nobody = Caller::nobody(constant.address)?;

    let mut waits = Waits::default();
    for number in 0..pace.waits + pace.warm_ups {
        // Gaps of 5 to 50 ms, so that neither side falls into the other's rhythm.
        sleep(Duration::from_millis(5 + (number as u64 * 37) % 46)).await;
        let order = offer.order(&admin, installation.next_number())?;
        let sent = Instant::now();
        let ordering = async {
            orders.expect(201, order).await?;
            anyhow::Ok(Instant::now())
        };
        let waiting = async {
            let held = timeout(PATIENCE, held(&mut events, &mut runner, &runner_caller, &offer.runner));
            let held = held.await.context("the runner was not told of a new run")??;
            anyhow::Ok((held, Instant::now()))
        };
        let (answered, (held, held_at)) = tokio::try_join!(ordering, waiting)?;
        report(&mut runner, &held, &reports, &offer.runner, |_, _| {}).await?;
        let asked = Instant::now();
        trips.expect(200, nobody.get("/")?).await?;
        if number >= pace.warm_ups {
            waits.round_trip.add(asked.elapsed());
            waits.from_order.add(held_at - sent);
            waits.from_answer.add(held_at.saturating_duration_since(answered));
        }
    }
    Ok(waits)
}

/// Waits for a wake-up and claims; a wake-up for a run that is gone already is passed over.
async fn held(
    events: &mut (impl Stream<Item = Result<ServerEvent, ClientError>> + Unpin),
    runner: &mut Connection,
    caller: &Caller,
    uuid: &str,
) -> anyhow::Result<Held> {
    let mut empty = 0;
    loop {
        events.next().await.context("the event stream ended")??;
        if let Some(held) = claim(runner, caller, uuid).await? {
            if empty > 0 {
                say(&format!("  {empty} wake-ups came before their run could be claimed"));
            }
            return Ok(held);
        }
        empty += 1;
        ensure!(empty < 100, "wake-ups without work");
    }
}
