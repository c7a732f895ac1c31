//! What is measured of reads: one object, a page, the last page of very many.

use super::{Part, Suite};
use crate::ground::Ground;
use crate::installation::Installation;
use crate::machine::say;
use crate::report::{Report, Unit, Wanted};
use crate::rows::Rows;
use crate::server::Server;
use crate::{depth, reading};

impl Suite<'_> {
    pub(super) async fn reading(
        &self,
        report: &mut Report,
        server: &Server,
        installation: &Installation,
        rows: &mut Rows,
    ) -> anyhow::Result<()> {
        let (database, pace) = (self.database(), self.plan.pace);
        let count = installation.ordered() * (pace.copies + 1);
        let list = format!("list 100 of {count} blocks, filtered and scoped to a workspace");
        for (part, what) in [(Part::Get, "GET one block"), (Part::List, &list)] {
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
            // One object has to come close to the framework, a page to the database.
            let (one, many) = match part {
                Part::Get => (Wanted::Share(0.4), Wanted::Nothing),
                _ => (Wanted::Nothing, Wanted::Share(0.4)),
            };
            let beside = (what.clone(), database, constant.as_str());
            report.add(beside, Unit::PerSecond, &reads.beside_constant, calls, one);
            let beside = (what, database, "the same in bare indexed reads, without HTTP");
            report.add(beside, Unit::PerSecond, &reads.beside_rows, None, many);
        }
        Ok(())
    }

    /// The ends of a very long list.
    pub(super) async fn deep(&self, report: &mut Report) -> anyhow::Result<()> {
        let (database, pace) = (self.database(), self.plan.pace);
        say(&format!("{database}: the last page of {} projects", (pace.deep + 1) * 1000));
        let ground = Ground::new(self.engine, self.folder)?;
        let found = depth::depths(&self.plan.stoa, &ground, pace).await?;
        let calls = Some(found.latencies.usual_and_worst());
        let what =
            (format!("last page of {} projects, by its link", found.count), database, "the first page");
        report.add(what, Unit::Milliseconds, &found.followed, calls, Wanted::Times(1.5));
        let what =
            (format!("last page of {} projects, by its number", found.count), database, "the first page");
        report.add(what, Unit::Milliseconds, &found.jumped, None, Wanted::Nothing);
        Ok(())
    }
}
