//! Everything that is measured, in its order.

mod lists;
mod organization;
mod serving;

use crate::figures::{Latencies, Pairs};
use crate::machine::{self, say};
use crate::pace::Pace;
use crate::report::{Report, Unit, Wanted};
use crate::resting;
use crate::rows::Rows;
use crate::starting;
use anyhow::Context;
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};
use stoa_db::Engine;

/// Most memory that the server may take while objects come and go in large numbers, in mebibytes.
const MEMORY_MAX: f64 = 120.0;
/// What a call is compared with that waits for something else.
const ROUND_TRIP: &str = "one HTTP round trip, p50";
/// What a cold start is compared with.
const FRAMEWORK: &str = "until the same framework without a database answers";

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
    /// What happens, in 200 browsers
    Watch,
    /// Making objects until all are listed
    Listed,
    /// The last page of a million objects; needs some gigabytes of disk
    Deep,
    /// Making and listing many tenants
    Tenants,
    /// Pages of the panel over many objects; needs `tenants`
    Pages,
    /// A declarative file through the command line
    Apply,
    /// What is in the way of a deletion
    Plan,
    /// Cold starts, memory, and coming back after SIGKILL
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
    let Pace { warm_ups, rounds, span, blocks, copies, .. } = plan.pace;
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
        format!(
            "{blocks} building blocks in {} workspaces, and {copies} copies of each",
            crate::installation::WORKSPACES
        ),
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
            let what = ("cold start to the first answer, empty", database, FRAMEWORK);
            report.add(what, Unit::Milliseconds, &pairs, None, Wanted::Most(150.0));
        }
        let serving = [
            Part::Start,
            Part::Order,
            Part::Get,
            Part::List,
            Part::Life,
            Part::Claim,
            Part::Watch,
            Part::Listed,
        ];
        if serving.into_iter().any(wants) {
            self.serving(report, rows).await?;
        }
        if wants(Part::Deep) {
            self.deep(report).await?;
        }
        if [Part::Tenants, Part::Apply, Part::Plan].into_iter().any(wants) {
            self.organization(report).await?;
        }
        Ok(())
    }
}

/// How long something took, as its median beside the one of a round trip, with what 99 in 100 have to stay below.
fn waited(
    report: &mut Report,
    (what, database): (&str, &'static str),
    latencies: &Latencies,
    round_trip: &Latencies,
    worst: f64,
) {
    let mut pairs = Pairs::default();
    pairs.add(latencies.percentile(0.5), round_trip.percentile(0.5));
    let calls = Some(latencies.usual_and_worst());
    report.add((what, database, ROUND_TRIP), Unit::Milliseconds, &pairs, calls, Wanted::Worst(worst));
}

/// Size of the program, beside this one: HTTP client and server, both databases, no Stoa.
fn size(plan: &Plan, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (stoa, stoa_stripped) = resting::sizes(&plan.stoa, folder)?;
    let (own, own_stripped) = resting::sizes(&std::env::current_exe()?, folder)?;
    let rows =
        [("program as built", Some(stoa), Some(own)), ("program, stripped", stoa_stripped, own_stripped)];
    for (what, stoa, own) in rows {
        if let (Some(stoa), Some(own)) = (stoa, own) {
            let mut pairs = Pairs::default();
            pairs.add(stoa, own);
            report.add(
                (what, "both", "this bench: HTTP and both databases, no Stoa"),
                Unit::Megabytes,
                &pairs,
                None,
                Wanted::Most(40.0),
            );
        }
    }
    Ok(())
}
