//! What is measured of a server that many use at once: orders, reads, runs, those who wait and watch.

use super::{FRAMEWORK, Part, Plan, Suite, waited};
use crate::constant::Constant;
use crate::figures::Latencies;
use crate::ground::Ground;
use crate::installation::{Installation, workspace};
use crate::life::{self, Level, Runners};
use crate::machine::say;
use crate::multiplying::multiply;
use crate::pages::Reader;
use crate::report::{Details, Report, Unit, Wanted, number};
use crate::rows::Rows;
use crate::server::Server;
use crate::{listed, ordering, resting, starting, waiting, watching};
use std::sync::Arc;

/// What memory is compared with.
const AT_REST: &str = "the framework alone";
/// One call in a hundred may take longer than so many milliseconds to reach who waits for it.
const WORST: f64 = 25.0;

impl Suite<'_> {
    pub(super) async fn serving(&self, report: &mut Report, rows: &mut Rows) -> anyhow::Result<()> {
        let Plan { stoa, pace, .. } = self.plan;
        let (database, wants) = (self.database(), |part| self.plan.wants(part));
        let ground = Ground::new(self.engine, self.folder)?;
        let server = Server::start(stoa, ground.folder(), ground.url()).await?;
        let resting = Constant::start(100).await?;
        if wants(Part::Start) {
            let pairs = resting::memory(&server, resting.pid()).await?;
            let what = ("memory (PSS) at rest, empty", database, AT_REST);
            report.add(what, Unit::Mebibytes, &pairs, None, Wanted::Most(40.0));
        }
        let installation = Arc::new(Installation::make(&server).await?);
        if wants(Part::Order) {
            say(&format!("{database}: orders"));
            let (pairs, latencies) = ordering::orders(&server, &installation, rows, *pace).await?;
            let what = format!("order a block, {} connections", ordering::CONNECTIONS);
            let calls = Some(latencies.usual_and_worst());
            let what = (what, database, "bare durable rows");
            report.add(what, Unit::PerSecond, &pairs, calls, Wanted::Nothing);
        }
        let missing = pace.blocks.saturating_sub(installation.ordered());
        if missing > 0 {
            say(&format!("{database}: ordering {missing} blocks"));
            installation.order_many(&server, missing, ordering::CONNECTIONS).await?;
        }
        say(&format!("{database}: {} copies of each", pace.copies));
        let address = server.address;
        server.stop().await?;
        multiply(&ground, "meshBuildingBlock", pace.copies)?;
        let server = Server::start_at(address, stoa, ground.folder(), ground.url(), &[]).await?;
        let server = self.starts(report, (&ground, server), &installation, resting.pid()).await?;

        self.reading(report, &server, &installation, rows).await?;
        if wants(Part::Life) {
            let mut runners = Runners::new(&server, &installation, rows, *pace);
            let mut levels = Vec::new();
            for level in life::LEVELS {
                say(&format!("{database}: lives of runs, {level} at once"));
                levels.push(runners.level(level).await?);
            }
            self.lives(report, &levels);
        }
        if wants(Part::Claim) {
            say(&format!("{database}: waits for a claim"));
            let found = waiting::waits(&server, &installation, *pace).await?;
            for (what, latencies) in [
                ("claim latency, from sending the order", &found.from_order),
                ("claim latency, from the order's answer", &found.from_answer),
            ] {
                waited(report, (what, database), latencies, &found.round_trip, WORST);
            }
        }
        if wants(Part::Watch) {
            say(&format!("{database}: {} browsers that follow", pace.viewers));
            let reader = Reader::sign_in(&server, &installation, ground.folder(), &workspace(0)).await?;
            let found = watching::views(&server, &installation, &reader, *pace).await?;
            for (what, latencies) in [
                ("from sending a run's end", &found.from_report),
                ("from the answer to a run's end", &found.from_answer),
            ] {
                let what = format!("{what} to its event in {} browsers", pace.viewers);
                waited(report, (&what, database), latencies, &found.round_trip, WORST);
            }
        }
        if wants(Part::Listed) {
            say(&format!("{database}: {} projects until all are listed", pace.listed));
            let (pairs, latencies) = listed::projects(&server, &installation, rows, *pace).await?;
            let what = format!(
                "make {} projects until all are listed, {} connections",
                pace.listed,
                listed::CONNECTIONS
            );
            let calls = Some(latencies.usual_and_worst());
            let what = (what, database, "as many bare durable rows");
            report.add(what, Unit::PerSecond, &pairs, calls, Wanted::Share(0.2));
        }
        if wants(Part::Start) {
            let pairs = resting::memory(&server, resting.pid()).await?;
            let what = ("memory (PSS) after the load", database, AT_REST);
            report.add(what, Unit::Mebibytes, &pairs, None, Wanted::Nothing);
        }
        server.stop().await
    }

    /// What it takes to be there with many objects: memory, starts, coming back. Gives back a running server.
    async fn starts(
        &self,
        report: &mut Report,
        (ground, server): (&Ground, Server),
        installation: &Arc<Installation>,
        resting: u32,
    ) -> anyhow::Result<Server> {
        let Plan { stoa, pace, .. } = self.plan;
        let database = self.database();
        if !self.plan.wants(Part::Start) {
            return Ok(server);
        }
        let count = installation.ordered() * (pace.copies + 1);
        say(&format!("{database}: starts with {count} blocks"));
        let pairs = resting::memory(&server, resting).await?;
        let what = (format!("memory (PSS) at rest, {count} blocks"), database, AT_REST);
        report.add(what, Unit::Mebibytes, &pairs, None, Wanted::Most(120.0));
        let (server, pairs) = starting::killed(stoa, ground, server, installation, *pace).await?;
        let what = ("SIGKILL under load to the first answer", database, "a start after a stop in good order");
        report.add(what, Unit::Milliseconds, &pairs, None, Wanted::Most(300.0));
        let address = server.address;
        server.stop().await?;
        let pairs = starting::existing(stoa, ground, *pace).await?;
        let what = (format!("cold start to the first answer, {count} blocks"), database, FRAMEWORK);
        report.add(what, Unit::Milliseconds, &pairs, None, Wanted::Most(300.0));
        Server::start_at(address, stoa, ground.folder(), ground.url(), &[]).await
    }

    fn lives(&self, report: &mut Report, levels: &[Level]) {
        let database = self.database();
        for level in levels {
            let what = format!("life of a run, {} calls, {} runners", life::CALLS, level.runners);
            let baseline = format!("× {} bare durable rows", life::CALLS);
            let calls = level.calls.iter().fold(Latencies::default(), |mut all, calls| {
                all.extend(calls);
                all
            });
            let calls = Some(calls.usual_and_worst());
            let wanted = if level.runners == 64 { Wanted::Share(0.2) } else { Wanted::Nothing };
            report.add((what, database, &baseline), Unit::PerSecond, &level.pairs, calls, wanted);
        }
        let columns = std::iter::once("runners").chain(life::NAMES).chain(["the whole life"]);
        let rows = levels.iter().map(|level| {
            let timed = level.calls.iter().chain([&level.lives]).map(|latencies| {
                let (usual, worst) = latencies.usual_and_worst();
                format!("{} / {}", number(usual), number(worst))
            });
            std::iter::once(level.runners.to_string()).chain(timed).collect()
        });
        report.detail(Details {
            title: format!("Calls in the life of a run on {database}, p50 / p99 in ms:"),
            columns: columns.map(str::to_owned).collect(),
            rows: rows.collect(),
        });
        let names =
            levels.last().map(|level| level.cpu.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        let names = names.unwrap_or_default();
        let rows = levels.iter().map(|level| {
            let of = |name: &String| {
                level.cpu.iter().find(|(found, _)| found == name).map_or(0.0, |(_, time)| *time)
            };
            std::iter::once(level.runners.to_string())
                .chain(names.iter().map(|name| number(of(name))))
                .collect()
        });
        report.detail(Details {
            title: format!("Processor time of one run on {database} in ms: the server and its threads, the rest of the machine:"),
            columns: std::iter::once("runners".to_owned()).chain(names.iter().cloned()).collect(),
            rows: rows.collect(),
        });
    }
}
