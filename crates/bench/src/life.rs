//! The life of a run over HTTP: claim, register, three updates, the end with an output. Six calls, each durable.

use crate::figures::{Latencies, Pairs};
use crate::http1::{Caller, Connection};
use crate::installation::Installation;
use crate::load::{Done, round};
use crate::machine::say;
use crate::pace::Pace;
use crate::process::{self, Times};
use crate::rows::Rows;
use crate::server::Server;
use anyhow::ensure;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many runners work at once.
pub const LEVELS: [usize; 4] = [1, 8, 32, 64];
/// Durable calls of one life, and rows of its baseline.
pub const CALLS: usize = 6;
/// Names of the calls, in their order.
pub const NAMES: [&str; 4] = ["claim", "register", "update", "end"];
/// What a run is thought to take before the first round: 400 a second are ordered ahead.
const FIRST_GUESS: f64 = 400.0;
/// How many orders are sent at once to fill the queue.
const ORDERERS: usize = 32;
const RUNS: &str = "/api/meshobjects/meshbuildingblockruns";
/// A log line of 200 bytes with every update.
const LOG: &str = "module.schema.postgresql_schema.this: Creation complete after 1s [id=orders]; \
    module.schema.postgresql_grant.owner: Still creating... [00m10s elapsed]; module.schema.postgresql_role.app: ok....";

/// What one level gave.
pub struct Level {
    /// Runners at once.
    pub runners: usize,
    /// Lives per second, beside groups of bare rows per second.
    pub pairs: Pairs,
    /// How long a whole life took.
    pub lives: Latencies,
    /// How long each of [`NAMES`] took.
    pub calls: [Latencies; 4],
    /// Processor milliseconds per run by thread of the server, of the load generator, and of everything else.
    pub cpu: Vec<(String, f64)>,
}

#[derive(Deserialize)]
struct Claimed {
    metadata: Named,
    spec: Spec,
}

#[derive(Deserialize)]
struct Named {
    uuid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    run_token: String,
    building_block: Named,
}

/// One of several runners who share a queue.
struct Runner {
    connection: Connection,
    calls: [Latencies; 4],
    last_block: Option<String>,
}

/// The bodies that every run sends; made once.
#[derive(Clone)]
pub struct Reports {
    register: Bytes,
    updates: [Bytes; 3],
    end: Bytes,
}

impl Reports {
    /// As the stock OpenTofu runner reports, one step after the other.
    pub fn new(runner: &str) -> Self {
        let steps = ["init", "plan", "apply"];
        let named: Vec<Value> =
            steps.iter().map(|id| json!({ "id": id, "displayName": format!("tofu {id}") })).collect();
        let step = |id: &str, status: &str| json!({ "id": id, "status": status, "systemMessage": LOG });
        let update = |id: &str| json!({ "status": "IN_PROGRESS", "steps": [step(id, "IN_PROGRESS")] });
        let bytes = |value: Value| Bytes::from(value.to_string());
        let outputs = json!({ "url": { "value": "postgres://db.example.org/orders", "type": "STRING" } });
        let mut last: Vec<Value> = steps.iter().map(|id| step(id, "SUCCEEDED")).collect();
        last[2]["outputs"] = outputs;
        Self {
            register: bytes(json!({ "source": { "id": runner }, "steps": named })),
            updates: steps.map(|id| bytes(update(id))),
            end: bytes(json!({ "status": "SUCCEEDED", "steps": last })),
        }
    }
}

/// A run that a runner holds.
pub struct Held {
    path: String,
    /// Its block.
    pub block: String,
    run: String,
    token: Caller,
}

/// Claims a run, if one waits.
pub async fn claim(
    connection: &mut Connection,
    caller: &Caller,
    runner: &str,
) -> anyhow::Result<Option<Held>> {
    let request =
        caller.request(Method::POST, &format!("{RUNS}/create?forRunnerUuid={runner}"), Bytes::new())?;
    let (status, body) = connection.call(request).await?;
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    ensure!(status == 201, "claim: {status}: {}", String::from_utf8_lossy(&body));
    let Claimed { metadata, spec } = serde_json::from_slice(&body)?;
    Ok(Some(Held {
        path: format!("{RUNS}/{}/status/source", metadata.uuid),
        token: caller.with_token(&spec.run_token)?,
        block: spec.building_block.uuid,
        run: metadata.uuid,
    }))
}

/// Reports everything about a run, to its end.
pub async fn report(
    connection: &mut Connection,
    held: &Held,
    reports: &Reports,
    runner: &str,
    mut timed: impl FnMut(usize, Duration),
) -> anyhow::Result<()> {
    begin(connection, held, reports, runner, &mut timed).await?;
    let begun = Instant::now();
    end(connection, held, reports, runner).await?;
    timed(3, begun.elapsed());
    Ok(())
}

/// Reports everything about a run but its end.
pub async fn begin(
    connection: &mut Connection,
    held: &Held,
    reports: &Reports,
    runner: &str,
    mut timed: impl FnMut(usize, Duration),
) -> anyhow::Result<()> {
    let begun = Instant::now();
    connection.expect(200, held.token.request(Method::POST, &held.path, reports.register.clone())?).await?;
    timed(1, begun.elapsed());
    for body in &reports.updates {
        let begun = Instant::now();
        update(connection, held, runner, body).await?;
        timed(2, begun.elapsed());
    }
    Ok(())
}

/// Reports the end of a run.
pub async fn end(
    connection: &mut Connection,
    held: &Held,
    reports: &Reports,
    runner: &str,
) -> anyhow::Result<()> {
    update(connection, held, runner, &reports.end).await
}

async fn update(connection: &mut Connection, held: &Held, runner: &str, body: &Bytes) -> anyhow::Result<()> {
    let path = format!("{}/{runner}", held.path);
    let answer = connection.expect(200, held.token.request(Method::PATCH, &path, body.clone())?).await?;
    ensure!(
        &answer[..] == br#"{"runAborted":false}"#,
        "a report was answered {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(())
}

/// Runs that were ever claimed: none may be handed out twice.
type Seen = Arc<Mutex<HashSet<String>>>;

/// The runners of one installation.
pub struct Runners<'a> {
    server: &'a Server,
    installation: &'a Arc<Installation>,
    rows: &'a Rows,
    pace: Pace,
    reports: Reports,
    seen: Seen,
    rate: f64,
}

impl<'a> Runners<'a> {
    /// Nothing is claimed yet.
    pub fn new(server: &'a Server, installation: &'a Arc<Installation>, rows: &'a Rows, pace: Pace) -> Self {
        let reports = Reports::new(&installation.busy.runner);
        Self { server, installation, rows, pace, reports, seen: Seen::default(), rate: FIRST_GUESS }
    }

    /// So many runners at once.
    pub async fn level(&mut self, runners: usize) -> anyhow::Result<Level> {
        for _ in 0..self.pace.warm_ups {
            self.round(runners, self.pace.warm_up).await?;
            self.rows.write(runners, CALLS, self.pace.warm_up).await?;
        }
        let mut level = Level {
            runners,
            pairs: Pairs::default(),
            lives: Latencies::default(),
            calls: Default::default(),
            cpu: Vec::new(),
        };
        let mut spent = Spent::default();
        for _ in 0..self.pace.rounds {
            let (done, calls) = self.measured(runners, &mut spent).await?;
            let bare = self.rows.write(runners, CALLS, self.pace.span).await?;
            level.pairs.add(done.rate(), bare.rate());
            level.lives.extend(&done.latencies);
            for (all, new) in level.calls.iter_mut().zip(&calls) {
                all.extend(new);
            }
        }
        level.cpu = spent.per_run();
        Ok(level)
    }

    async fn measured(
        &mut self,
        runners: usize,
        spent: &mut Spent,
    ) -> anyhow::Result<(Done, [Latencies; 4])> {
        self.order_ahead(runners, self.pace.span).await?;
        let before = Spent::look(self.server);
        let (done, calls) = self.work(runners, self.pace.span).await?;
        spent.add(&before, &Spent::look(self.server), done.count);
        Ok((done, calls))
    }

    async fn round(&mut self, runners: usize, span: Duration) -> anyhow::Result<()> {
        self.order_ahead(runners, span).await?;
        self.work(runners, span).await.map(|_| ())
    }

    /// Fills the queue for a round, so that no runner waits for an order.
    async fn order_ahead(&mut self, runners: usize, span: Duration) -> anyhow::Result<()> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of runs")]
        let wanted = (self.rate * 1.5 * span.as_secs_f64()) as usize + 2 * runners;
        let claimed = self.seen.lock().unwrap_or_else(PoisonError::into_inner).len();
        let ordered = self.installation.ordered();
        let missing =
            wanted.saturating_sub(ordered - claimed).min(self.pace.orders_max.saturating_sub(ordered));
        if missing > 0 {
            self.installation.order_many(self.server, missing, ORDERERS).await?;
        }
        Ok(())
    }

    async fn work(&mut self, runners: usize, span: Duration) -> anyhow::Result<(Done, [Latencies; 4])> {
        let caller =
            self.installation.administrator(self.server).await?.about("meshBuildingBlockRun", "v1")?;
        let mut crew = Vec::new();
        for _ in 0..runners {
            let connection = Connection::open(self.server.address).await?;
            crew.push(Runner { connection, calls: Default::default(), last_block: None });
        }
        let (reports, uuid) = (self.reports.clone(), self.installation.busy.runner.clone());
        let seen = Arc::clone(&self.seen);
        let live = move |mut runner: Runner| {
            let (caller, reports, uuid) = (caller.clone(), reports.clone(), uuid.clone());
            let seen = Arc::clone(&seen);
            async move {
                let begun = Instant::now();
                let Some(held) = claim(&mut runner.connection, &caller, &uuid).await? else {
                    return Ok((runner, false));
                };
                runner.calls[0].add(begun.elapsed());
                let is_new = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(held.run.clone());
                ensure!(is_new, "run {} was handed out twice", held.run);
                let calls = &mut runner.calls;
                report(&mut runner.connection, &held, &reports, &uuid, |place, took| calls[place].add(took))
                    .await?;
                runner.last_block = Some(held.block);
                Ok((runner, true))
            }
        };
        let (done, crew) = round(crew, span, live).await?;
        if done.took < span {
            say("  the queue ran dry before the round was over");
        }
        self.rate = self.rate.max(done.rate());
        let mut calls: [Latencies; 4] = Default::default();
        for runner in &crew {
            for (all, own) in calls.iter_mut().zip(&runner.calls) {
                all.extend(own);
            }
        }
        if let Some(block) = crew.iter().find_map(|runner| runner.last_block.as_deref()) {
            self.check(block).await?;
        }
        Ok((done, calls))
    }

    /// What was answered is true: the block shows what its run delivered.
    async fn check(&self, block: &str) -> anyhow::Result<()> {
        let media = stoa_client::media("meshBuildingBlock", "v2-preview");
        let block = self.installation.admin.get(&Installation::path_of(block), &media).await?;
        let status = &block["status"];
        ensure!(
            status["status"] == "SUCCEEDED" && status["outputs"]["url"]["value"].is_string(),
            "a block whose run succeeded says {status}"
        );
        Ok(())
    }
}

/// Processor time during measured rounds.
#[derive(Default)]
struct Spent {
    server: Times,
    own: Duration,
    machine: Duration,
    runs: usize,
}

impl Spent {
    fn look(server: &Server) -> Self {
        let own = process::times(std::process::id());
        // The rows' threads are idle while the server is measured.
        Self {
            server: process::times(server.pid()),
            own: own.values().sum(),
            machine: process::machine_time(),
            runs: 0,
        }
    }

    fn add(&mut self, before: &Self, after: &Self, runs: usize) {
        for (name, time) in process::between(&before.server, &after.server) {
            *self.server.entry(name).or_default() += time;
        }
        self.own += after.own.saturating_sub(before.own);
        self.machine += after.machine.saturating_sub(before.machine);
        self.runs += runs;
    }

    fn per_run(&self) -> Vec<(String, f64)> {
        let each = |time: Duration| time.as_secs_f64() * 1000.0 / self.runs.max(1) as f64;
        let server: Duration = self.server.values().sum();
        let mut shares = vec![("server".to_owned(), each(server))];
        shares.extend(self.server.iter().map(|(name, time)| (name.clone(), each(*time))));
        shares.push(("load generator".into(), each(self.own)));
        shares.push(("all other programs".into(), each(self.machine.saturating_sub(server + self.own))));
        shares
    }
}
