//! One round: an installation under load and faults, then calm, then the questions.

use crate::clients::{Notes, Shop};
use crate::facts::{Deletion, is_final};
use crate::faults::Fault;
use crate::installation::{self, Executions, Ledger, SHARED, media_of, path};
use crate::proxy::{Proxy, Wire};
use crate::random::Random;
use crate::verdict::Verdict;
use crate::worker::{Setup, Worker};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_bench::server::Server;
use stoa_client::{Client, Credential};
use stoa_db::Engine;
use stoa_db::testing::{TestDatabase, fresh};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::sleep;

const BLOCK: &str = "meshBuildingBlock";
const RUN: &str = "meshBuildingBlockRun";
/// Runs that one runner works on at once.
const PARALLEL: usize = 2;
/// How often what failed is started again in the calm: each of these must do.
const REPAIRS: usize = 2;

/// What a round is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program under test.
    pub stoa: PathBuf,
    /// OpenTofu.
    pub tofu: PathBuf,
    /// The database.
    pub engine: Engine,
    /// How many servers; SQLite has one.
    pub servers: usize,
    /// How many runners.
    pub workers: usize,
    /// What the dice begin with.
    pub seed: u64,
    /// How long clients and faults go on.
    pub duration: Duration,
    /// How long one fault lasts at most.
    pub longest_fault: Duration,
    /// The longest pause between two faults.
    pub calm: Duration,
    /// Clients at a time.
    pub clients: usize,
    /// The longest pause of a client.
    pub pace: Duration,
    /// The faults.
    pub faults: Vec<Fault>,
}

/// An installation under faults.
pub struct Round {
    pub(crate) plan: Plan,
    /// Data folder of the servers.
    pub folder: Arc<TempDir>,
    /// The database.
    pub database: Arc<TestDatabase>,
    pub(crate) database_wire: Proxy,
    pub(crate) servers: Vec<Option<Server>>,
    /// The runners.
    pub workers: Vec<Worker>,
    front: Proxy,
    pub(crate) back: Proxy,
    ledger: Ledger,
    version: String,
    notes: Notes,
    random: Random,
    pub(crate) faults: BTreeMap<&'static str, usize>,
    /// How long the longest fault lasted.
    pub(crate) longest: Duration,
}

impl Round {
    /// Sets an installation up. None when PostgreSQL is not offered.
    pub async fn prepare(plan: Plan) -> anyhow::Result<Option<Self>> {
        let Some(database) = fresh(plan.engine) else { return Ok(None) };
        let folder = Arc::new(tempfile::tempdir()?);
        let (repository, ledger) = installation::module(folder.path())?;
        let [front, back, database_wire] = [Proxy::open().await?, Proxy::open().await?, Proxy::open().await?];
        let random = Random::from(plan.seed);
        let mut round = Self {
            servers: (0..plan.servers).map(|_| None).collect(),
            workers: Vec::new(),
            folder,
            database: Arc::new(database),
            database_wire,
            front,
            back,
            ledger,
            version: String::new(),
            notes: Notes::default(),
            random,
            faults: BTreeMap::new(),
            longest: Duration::ZERO,
            plan,
        };
        for place in 0..round.servers.len() {
            round.start_server(place).await?;
        }
        let (credential, admin) = round.administrator()?;
        round.version = installation::offer(&admin, &repository).await?;
        let setup = Setup {
            base_url: round.back.url(),
            prefer_base_url: true,
            runner_uuid: SHARED.to_owned(),
            credential,
            private_key_pem: std::fs::read_to_string(round.folder.path().join("shared-runner.pem"))?,
            tofu: round.plan.tofu.clone(),
            parallel: PARALLEL,
        };
        for number in 0..round.plan.workers {
            let own = round.folder.path().join(format!("runner-{number}"));
            let mut worker = Worker::new(&round.plan.stoa, &own, &setup, "")?;
            worker.start()?;
            round.workers.push(worker);
        }
        Ok(Some(round))
    }

    /// The administrator's key, and a client that uses it.
    fn administrator(&self) -> anyhow::Result<((String, String), Client)> {
        let text = std::fs::read_to_string(self.folder.path().join("admin-key.json"))?;
        let key: Value = serde_json::from_str(&text)?;
        let (client_id, client_secret) =
            (installation::text(&key, "/clientId")?, installation::text(&key, "/clientSecret")?);
        let pair = (client_id.clone(), client_secret.clone());
        let client = Client::new(&self.front.url(), Credential::Key { client_id, client_secret })?;
        Ok((pair, client))
    }

    pub(crate) async fn start_server(&mut self, place: usize) -> anyhow::Result<()> {
        let url = match self.plan.engine {
            Engine::Sqlite => self.database.url.clone(),
            Engine::Postgres => self.through_the_wire()?,
        };
        let public = self.front.url();
        let options = [
            "--public-url",
            &public,
            "--run-inactivity-minutes",
            "5",
            "--database-readers",
            "2",
            "--database-writers",
            "3",
        ];
        let server = Server::start_with(&self.plan.stoa, self.folder.path(), Some(&url), &options).await?;
        self.servers[place] = Some(server);
        self.lead_to_living();
        Ok(())
    }

    /// The URL of the database through a wire that can be cut.
    fn through_the_wire(&self) -> anyhow::Result<String> {
        let url = &self.database.url;
        let host = url.split('@').next_back().and_then(|rest| rest.split(['/', '?']).next());
        let host = host.context("the database URL names no host")?;
        let place: SocketAddr = host.parse().with_context(|| format!("{host} is no address"))?;
        self.database_wire.lead_to(vec![place]);
        Ok(url.replacen(host, &self.database_wire.address.to_string(), 1))
    }

    pub(crate) fn kill_server(&mut self, place: usize) -> anyhow::Result<()> {
        if let Some(server) = self.servers[place].take() {
            server.kill()?;
        }
        self.lead_to_living();
        Ok(())
    }

    fn lead_to_living(&self) {
        let living: Vec<SocketAddr> = self.servers.iter().flatten().map(|server| server.address).collect();
        self.front.lead_to(living.clone());
        self.back.lead_to(living);
    }

    /// Kills all servers and lets somebody else serve, on the same folder and database.
    pub fn hand_over(&mut self) -> anyhow::Result<()> {
        for place in 0..self.servers.len() {
            self.kill_server(place)?;
        }
        Ok(())
    }

    /// Where clients and runners are led to from now on.
    pub fn lead_to(&self, address: SocketAddr) {
        self.front.lead_to(vec![address]);
        self.back.lead_to(vec![address]);
    }

    /// Lets clients and faults loose. In the end everything is whole again.
    pub async fn torment(&mut self) -> anyhow::Result<()> {
        let (tell, told) = watch::channel(false);
        let (_, admin) = self.administrator()?;
        let mut random = self.random.branch();
        let make = || Shop {
            api: admin.clone(),
            version: self.version.clone(),
            notes: self.notes.clone(),
            random: random.branch(),
            pace: self.plan.pace,
        };
        let clients = Shop::open(make, self.plan.clients, &told);
        let until = Instant::now() + self.plan.duration;
        let mut random = self.random.branch();
        let choices = self.plan.faults.clone();
        // Each fault comes once before the dice decide, however little time there is, and the wire is cut for as long
        // as it may be.
        let mut first = choices.clone();
        while Instant::now() < until || !first.is_empty() {
            sleep(random.span(self.plan.calm / 4, self.plan.calm)).await;
            let next = if first.is_empty() {
                random.one_of(&choices)
            } else {
                let place = random.below(first.len());
                Some(first.swap_remove(place))
            };
            let mut span = random.span(Duration::from_secs(1), self.plan.longest_fault);
            if let Some(fault) = next {
                if fault == Fault::CutRunners && !self.faults.contains_key(fault.name()) {
                    span = self.plan.longest_fault;
                }
                self.inflict(fault, span, &mut random).await?;
            }
            for server in self.servers.iter_mut().flatten() {
                ensure!(!server.has_ended()?, "a server ended by itself; see server.log");
            }
        }
        tell.send_replace(true);
        clients.join_all().await;
        for wire in [&self.front, &self.back, &self.database_wire] {
            wire.set(Wire::Whole);
        }
        for worker in &mut self.workers {
            worker.start()?;
        }
        Ok(())
    }

    /// Waits until nothing moves any more, starts again what failed, and asks whether all answers are true. `patience`
    /// is how long nothing may change before what is left counts as stuck; `nudge` is called now and then, so that
    /// whoever owns the clock can move it.
    pub async fn settle(&self, patience: Duration, nudge: impl Fn()) -> anyhow::Result<Verdict> {
        let (_, admin) = self.administrator()?;
        let mut verdict =
            Verdict { faults: self.faults.clone(), longest: self.longest, ..Verdict::default() };
        verdict.stuck = self.until_still(&admin, patience, &nudge).await?;
        for _ in 0..REPAIRS {
            if !verdict.stuck.is_empty() || self.repair(&admin).await? == 0 {
                break;
            }
            verdict.stuck = self.until_still(&admin, patience, &nudge).await?;
        }
        self.ask(&admin, &mut verdict).await?;
        Ok(verdict)
    }

    /// All objects of a kind.
    async fn all(&self, admin: &Client, kind: &str) -> anyhow::Result<Vec<Value>> {
        let mut found = Vec::new();
        for page in 0.. {
            let list = path(kind, &format!("?size=500&page={page}"));
            let answer = admin.get(&list, &media_of(kind)).await?;
            let items = answer["_embedded"][format!("{kind}s")].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                break;
            }
            found.extend(items);
        }
        Ok(found)
    }

    /// Waits until every run is over and every report has arrived. Says what did not come to that.
    async fn until_still(
        &self,
        admin: &Client,
        patience: Duration,
        nudge: &impl Fn(),
    ) -> anyhow::Result<Vec<String>> {
        let (mut since, mut before) = (Instant::now(), Vec::new());
        loop {
            let mut open = Vec::new();
            match self.all(admin, RUN).await {
                Ok(runs) => {
                    for run in runs {
                        self.notes.facts().saw_run(&run);
                        if !run["status"].as_str().is_some_and(is_final) {
                            let (uuid, state) = (&run["metadata"]["uuid"], &run["status"]);
                            open.push(format!("run {uuid} is {state}: {}", run["waiting"]));
                        }
                    }
                }
                Err(error) => open.push(format!("nobody answers: {error}")),
            }
            let unsent: usize = self.workers.iter().map(Worker::unsent).sum();
            if unsent > 0 {
                open.push(format!("{unsent} reports have not arrived"));
            }
            if open.is_empty() {
                return Ok(open);
            }
            if open != before {
                (since, before) = (Instant::now(), open);
            } else if since.elapsed() > patience {
                return Ok(before);
            } else if since.elapsed() > patience / 2 {
                nudge();
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Starts what failed again, and deletes again what is to go. Says how much that was.
    async fn repair(&self, admin: &Client) -> anyhow::Result<usize> {
        let mut count = 0;
        for block in self.all(admin, BLOCK).await? {
            let uuid = installation::text(&block, "/metadata/uuid")?;
            let one = path(BLOCK, &format!("/{uuid}"));
            if block["status"]["lifecycle"]["state"] == "MARKED_FOR_DELETION" {
                admin
                    .delete(&one, &media_of(BLOCK))
                    .await
                    .with_context(|| format!("deleting {uuid} again"))?;
                count += 1;
            } else if matches!(block["status"]["status"].as_str(), Some("FAILED" | "ABORTED")) {
                let trigger = format!("{one}/trigger-run");
                admin
                    .post(&trigger, &media_of(BLOCK), &json!({}))
                    .await
                    .with_context(|| format!("starting {uuid} again"))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Asks whether everything that was answered is true.
    async fn ask(&self, admin: &Client, verdict: &mut Verdict) -> anyhow::Result<()> {
        let runs = self.all(admin, RUN).await?;
        let mut by_block: BTreeMap<String, usize> = BTreeMap::new();
        let executions = self.ledger.read();
        for run in &runs {
            self.notes.facts().saw_run(run);
            *by_block.entry(installation::text(run, "/spec/buildingBlock/uuid")?).or_default() += 1;
            self.judge(admin, run, &executions, verdict).await?;
        }
        let blocks = self.notes.facts().blocks.clone();
        for (uuid, told) in blocks {
            let found = match admin.get(&path(BLOCK, &format!("/{uuid}")), &media_of(BLOCK)).await {
                Ok(found) => found,
                Err(error) => {
                    verdict.losses.push(format!("block {uuid}: {error}"));
                    continue;
                }
            };
            self.notes.facts().saw_block(&found);
            let gone = found["status"]["lifecycle"]["state"] == "DELETED";
            if gone != (told.deletion == Deletion::Accepted) && told.deletion != Deletion::Asked {
                verdict.losses.push(format!("block {uuid} is {}", found["status"]["lifecycle"]));
            }
            let runs = by_block.get(&uuid).copied().unwrap_or_default();
            if runs < told.runs {
                verdict.losses.push(format!("block {uuid} has {runs} runs, {} were accepted", told.runs));
            }
            let size = found["spec"]["inputs"]["size"]["value"].as_i64();
            if !size.is_some_and(|size| told.sizes.contains(&size)) {
                verdict.losses.push(format!("block {uuid} has size {size:?}, not one of {:?}", told.sizes));
            }
            let state = found["status"]["status"].as_str().unwrap_or_default();
            if !gone && state != "SUCCEEDED" {
                verdict.stuck.push(format!("block {uuid} is {state} although it was started again"));
            }
            let output = found["status"]["outputs"]["size"]["value"].as_i64();
            if !gone && state == "SUCCEEDED" && output != size {
                verdict.losses.push(format!("block {uuid} has size {size:?} and says {output:?}"));
            }
        }
        let facts = self.notes.facts();
        (verdict.operations, verdict.unanswered) = (facts.answered, facts.unanswered);
        (verdict.runs, verdict.executions) = (runs.len(), executions.values().map(|run| run.begun).sum());
        verdict.losses.extend(facts.wrong.iter().cloned());
        verdict.untold.extend(facts.untold.iter().cloned());
        Ok(())
    }

    /// Compares what a run says with what its module did.
    async fn judge(
        &self,
        admin: &Client,
        run: &Value,
        executions: &BTreeMap<String, Executions>,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let uuid = installation::text(run, "/metadata/uuid")?;
        let done = executions.get(&uuid).copied().unwrap_or_default();
        if run["spec"]["behavior"] == "APPLY" && run["status"] == "SUCCEEDED" && done.ended == 0 {
            verdict.losses.push(format!("run {uuid} succeeded, and its work was never finished"));
        }
        let logs = admin.get(&path(RUN, &format!("/{uuid}/logs")), &media_of(RUN)).await?;
        let offered_again =
            logs["warnings"].as_array().is_some_and(|codes| codes.contains(&json!("RUN_OFFERED_AGAIN")));
        verdict.offered_again += usize::from(offered_again);
        if done.begun > 1 && !offered_again {
            verdict.doubles.push(format!("run {uuid} was worked on {} times", done.begun));
        }
        if run["status"] == "FAILED" {
            let told = logs["summary"].as_str().is_some_and(|text| !text.is_empty())
                || logs["steps"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|step| step["userMessage"].as_str().is_some_and(|text| !text.is_empty()));
            if !told {
                verdict.untold.push(format!("run {uuid} failed without a reason"));
            }
        }
        Ok(())
    }
}
