//! Everything that is measured, in its order.

use crate::applying::{self, Watch};
use crate::constant::Constant;
use crate::estate::{self, Estate};
use crate::figures::Pairs;
use crate::installation::Installation;
use crate::life::{self, Level, Runners};
use crate::machine::{self, say};
use crate::pace::Pace;
use crate::pages::{self, Reader};
use crate::raw::Raw;
use crate::report::{Details, Report, Unit, number};
use crate::rows::Rows;
use crate::server::Server;
use crate::{ordering, reading, resting, starting, waiting};
use anyhow::Context;
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stoa_db::Engine;
use stoa_db::testing::fresh;

/// Most memory that the server may take while objects come and go in large numbers, in mebibytes.
const MEMORY_MAX: f64 = 120.0;

/// A part that can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Ordering blocks
    Order,
    /// GET of one object
    Get,
    /// One page of a list
    List,
    /// The life of runs
    Life,
    /// Latency of claims
    Claim,
    /// Making and listing many tenants
    Tenants,
    /// Pages of the panel over many objects; needs `tenants`
    Pages,
    /// A declarative file through the command line
    Apply,
    /// What is in the way of a deletion
    Plan,
    /// Cold starts and memory
    Start,
    /// Size of the program
    Size,
}

/// What to measure, on what, how long.
pub struct Plan {
    /// The program.
    pub stoa: PathBuf,
    /// Databases.
    pub engines: Vec<Engine>,
    /// Parts; none means all.
    pub parts: Vec<Part>,
    /// Bounds.
    pub pace: Pace,
    /// Where databases and the page go.
    pub folder: PathBuf,
}

impl Plan {
    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

/// Measures, and writes the page to standard output and to `bench.md`.
pub async fn measure(plan: &Plan) -> anyhow::Result<()> {
    std::fs::create_dir_all(&plan.folder).with_context(|| plan.folder.display().to_string())?;
    let work = tempfile::Builder::new().prefix("bench-").tempdir_in(&plan.folder)?;
    let Pace { warm_ups, rounds, span, blocks, .. } = plan.pace;
    let mut report = Report::new(machine::describe(&plan.stoa, work.path())?);
    report.note(
        "pace",
        format!(
            "{warm_ups} warm-ups, then the median (least–most) of {rounds} rounds of {} s",
            span.as_secs_f64()
        ),
    );
    report.note(
        "objects",
        format!("{blocks} building blocks in {} workspaces", crate::installation::WORKSPACES),
    );
    for engine in &plan.engines {
        Suite { plan, engine: *engine, folder: work.path() }.measure(&mut report).await?;
    }
    if plan.wants(Part::Size) {
        size(plan, work.path(), &mut report)?;
    }
    let page = report.page();
    std::fs::write(plan.folder.join("bench.md"), &page)?;
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

/// The parts on one database.
struct Suite<'a> {
    plan: &'a Plan,
    engine: Engine,
    folder: &'a Path,
}

impl Suite<'_> {
    fn database(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        }
    }

    async fn measure(&self, report: &mut Report) -> anyhow::Result<()> {
        let Plan { stoa, pace, .. } = self.plan;
        let (database, wants) = (self.database(), |part| self.plan.wants(part));
        let rows = &mut Rows::open(self.engine, self.folder)?;
        report.note("database", rows.version().await?);
        if wants(Part::Start) {
            say(&format!("{database}: cold starts"));
            let pairs = starting::empty(stoa, self.engine, self.folder, *pace).await?;
            let baseline = "until the same framework without a database answers";
            report.add(
                ("cold start to the first answer, empty", database, baseline),
                Unit::Milliseconds,
                &pairs,
                None,
            );
        }
        if wants(Part::Start)
            || [Part::Order, Part::Get, Part::List, Part::Life, Part::Claim].into_iter().any(wants)
        {
            self.serving(report, rows).await?;
        }
        if [Part::Tenants, Part::Apply, Part::Plan].into_iter().any(wants) {
            self.organization(report).await?;
        }
        Ok(())
    }

    /// Declared objects in large numbers, on a server of their own.
    async fn organization(&self, report: &mut Report) -> anyhow::Result<()> {
        let Plan { stoa, pace, .. } = self.plan;
        let (database, pace, wants) = (self.database(), *pace, |part| self.plan.wants(part));
        let own = tempfile::tempdir_in(self.folder)?;
        let kept = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(fresh(self.engine).context("STOA_TEST_POSTGRES names no server")?),
        };
        let url = kept.as_ref().map(|database| database.url.as_str());
        let server = Server::start(stoa, own.path(), url).await?;
        let watch = Watch::over(server.pid());
        let installation = Installation::make(&server).await?;
        let raw = Raw::open(self.engine, self.folder).await?;
        let rows = "their rows, written and read without the rest";
        if wants(Part::Tenants) {
            say(&format!("{database}: making tenants"));
            let estate = Arc::new(Estate::make(&server, &installation).await?);
            let (pairs, latencies) = estate.create(&server, &installation, &raw, pace).await?;
            let what = format!(
                "make a tenant with project, tags, quotas, binding: 3 calls, {} connections",
                estate::CONNECTIONS
            );
            report.add((what, database, rows), Unit::PerSecond, &pairs, Some(latencies.usual_and_worst()));
            say(&format!("{database}: making tenants to list"));
            let count = estate.fill(&server, &installation).await?;
            estate.fill_raw(&raw).await?;
            for (filter, queries, filters) in estate.lists() {
                say(&format!("{database}: listing tenants by {filter}"));
                let (pairs, latencies) =
                    estate.list(&server, &installation, &raw, pace, (queries, filters)).await?;
                let what =
                    format!("list 50 of {count} tenants by {filter}, {} connections", estate::CONNECTIONS);
                report.add(
                    (what, database, rows),
                    Unit::PerSecond,
                    &pairs,
                    Some(latencies.usual_and_worst()),
                );
            }
        }
        if wants(Part::Tenants) && wants(Part::Pages) {
            let reader = Reader::sign_in(&server, &installation, own.path()).await?;
            for path in pages::paths() {
                say(&format!("{database}: loading {path}"));
                let latencies = reader.load(&server, &path).await?;
                let mut pairs = Pairs::default();
                pairs.add(latencies.percentile(0.5), pages::MOST_MS);
                let what = format!("load the page {path}");
                let calls = Some(latencies.usual_and_worst());
                report.add((what, database, "allowed"), Unit::Milliseconds, &pairs, calls);
            }
        }
        if wants(Part::Apply) {
            say(&format!("{database}: applying a file of {} objects", pace.declared));
            let pairs = applying::apply(stoa, &server, &raw, own.path(), pace).await?;
            let what = format!("`stoa apply` of {} objects in one file", pace.declared);
            report.add((what, database, "their rows, one after the other"), Unit::Milliseconds, &pairs, None);
        }
        if wants(Part::Plan) {
            say(&format!("{database}: what hinders a deletion"));
            let (pairs, latencies) = applying::plan(&server, &installation, &raw, pace).await?;
            let what =
                format!("what hinders the deletion of a workspace with {} dependants", pace.dependants);
            report.add((what, database, rows), Unit::PerSecond, &pairs, Some(latencies.usual_and_worst()));
        }
        let mut pairs = Pairs::default();
        pairs.add(watch.most(), MEMORY_MAX);
        report.add(
            ("most memory (PSS) at any time of the above", database, "allowed"),
            Unit::Mebibytes,
            &pairs,
            None,
        );
        server.stop().await?;
        Ok(())
    }

    async fn serving(&self, report: &mut Report, rows: &mut Rows) -> anyhow::Result<()> {
        let Plan { stoa, pace, .. } = self.plan;
        let (database, wants) = (self.database(), |part| self.plan.wants(part));
        let own = tempfile::tempdir_in(self.folder)?;
        let kept = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(fresh(self.engine).context("STOA_TEST_POSTGRES names no server")?),
        };
        let url = kept.as_ref().map(|database| database.url.as_str());
        let server = Server::start(stoa, own.path(), url).await?;
        let resting = Constant::start(100).await?;
        let at_rest = "the framework alone";
        if wants(Part::Start) {
            let pairs = resting::memory(&server, resting.pid()).await?;
            report.add(("memory (PSS) after the start", database, at_rest), Unit::Mebibytes, &pairs, None);
        }
        let installation = Arc::new(Installation::make(&server).await?);
        if wants(Part::Order) {
            say(&format!("{database}: orders"));
            let (pairs, latencies) = ordering::orders(&server, &installation, rows, *pace).await?;
            let what = format!("order a block, {} connections", ordering::CONNECTIONS);
            let calls = Some(latencies.usual_and_worst());
            report.add((what, database, "bare durable rows"), Unit::PerSecond, &pairs, calls);
        }
        let missing = pace.blocks.saturating_sub(installation.ordered());
        if missing > 0 {
            say(&format!("{database}: ordering {missing} blocks"));
            installation.order_many(&server, missing, ordering::CONNECTIONS).await?;
        }
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
            let waited = waiting::waits(&server, &installation, *pace).await?;
            for (what, latencies) in [
                ("claim latency, from sending the order", &waited.from_order),
                ("claim latency, from the order's answer", &waited.from_answer),
            ] {
                let (usual, worst) = latencies.usual_and_worst();
                let mut pairs = Pairs::default();
                pairs.add(usual, waited.round_trip.percentile(0.5));
                let calls = Some((usual, worst));
                report.add((what, database, "one HTTP round trip, p50"), Unit::Milliseconds, &pairs, calls);
            }
        }
        if wants(Part::Start) {
            let pairs = resting::memory(&server, resting.pid()).await?;
            report.add(("memory (PSS) after the load", database, at_rest), Unit::Mebibytes, &pairs, None);
        }
        server.stop().await?;
        if wants(Part::Start) {
            let pairs = starting::existing(stoa, own.path(), url, *pace).await?;
            let what = "cold start to the first answer, after the load";
            let baseline = "until the same framework without a database answers";
            report.note("at the last cold start", format!("{} blocks on {database}", installation.ordered()));
            report.add((what, database, baseline), Unit::Milliseconds, &pairs, None);
        }
        Ok(())
    }

    async fn reading(
        &self,
        report: &mut Report,
        server: &Server,
        installation: &Installation,
        rows: &mut Rows,
    ) -> anyhow::Result<()> {
        let (database, pace) = (self.database(), self.plan.pace);
        for (part, what) in [(Part::Get, "GET one block"), (Part::List, "list 100 blocks of a workspace")] {
            if !self.plan.wants(part) {
                continue;
            }
            say(&format!("{database}: {what}"));
            let reads = match part {
                Part::Get => reading::one(server, installation, rows, pace).await?,
                _ => reading::page(server, installation, rows, pace).await?,
            };
            let what = format!("{what}, {} connections", reading::CONNECTIONS);
            let calls = Some(reads.latencies.usual_and_worst());
            let constant = format!("the framework answering {} constant bytes", reads.bytes);
            report.add((what.clone(), database, &constant), Unit::PerSecond, &reads.beside_constant, calls);
            let bare = "the same in bare indexed reads, without HTTP";
            report.add((what, database, bare), Unit::PerSecond, &reads.beside_rows, None);
        }
        Ok(())
    }

    fn lives(&self, report: &mut Report, levels: &[Level]) {
        let database = self.database();
        for level in levels {
            let what = format!("life of a run, {} calls, {} runners", life::CALLS, level.runners);
            let baseline = format!("× {} bare durable rows", life::CALLS);
            let calls = level.calls.iter().fold(crate::figures::Latencies::default(), |mut all, calls| {
                all.extend(calls);
                all
            });
            let calls = Some(calls.usual_and_worst());
            report.add((what, database, &baseline), Unit::PerSecond, &level.pairs, calls);
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

/// Size of the program, beside this one: HTTP client and server, both databases, no Stoa.
fn size(plan: &Plan, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (stoa, stoa_stripped) = resting::sizes(&plan.stoa, folder)?;
    let (own, own_stripped) = resting::sizes(&std::env::current_exe()?, folder)?;
    let rows = [("program", Some(stoa), Some(own)), ("program, stripped", stoa_stripped, own_stripped)];
    for (what, stoa, own) in rows {
        if let (Some(stoa), Some(own)) = (stoa, own) {
            let mut pairs = Pairs::default();
            pairs.add(stoa, own);
            report.add(
                (what, "both", "this bench: HTTP and both databases, no Stoa"),
                Unit::Megabytes,
                &pairs,
                None,
            );
        }
    }
    Ok(())
}
