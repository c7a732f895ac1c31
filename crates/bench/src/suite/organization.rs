//! What is measured of an organization: declared objects in large numbers.

use super::{MEMORY_MAX, Part, Plan, Suite};
use crate::applying::{self, Watch};
use crate::estate::{self, Estate};
use crate::figures::Pairs;
use crate::ground::Ground;
use crate::installation::Installation;
use crate::machine::say;
use crate::pages::{self, Reader};
use crate::raw::Raw;
use crate::report::{Report, Unit, Wanted};
use crate::server::Server;
use std::sync::Arc;

impl Suite<'_> {
    /// Declared objects in large numbers, on a server of their own.
    pub(super) async fn organization(&self, report: &mut Report) -> anyhow::Result<()> {
        let Plan { stoa, pace, .. } = self.plan;
        let (database, pace, wants) = (self.database(), *pace, |part| self.plan.wants(part));
        let ground = Ground::new(self.engine, self.folder)?;
        let server = Server::start(stoa, ground.folder(), ground.url()).await?;
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
            let calls = Some(latencies.usual_and_worst());
            report.add((what, database, rows), Unit::PerSecond, &pairs, calls, Wanted::Share(0.33));
            say(&format!("{database}: making tenants to list"));
            let count = estate.fill(&server, &installation).await?;
            estate.fill_raw(&raw).await?;
            for (filter, queries, filters) in estate.lists() {
                say(&format!("{database}: listing tenants by {filter}"));
                let (pairs, latencies) =
                    estate.list(&server, &installation, &raw, pace, (queries, filters)).await?;
                let what =
                    format!("list 50 of {count} tenants by {filter}, {} connections", estate::CONNECTIONS);
                let calls = Some(latencies.usual_and_worst());
                report.add((what, database, rows), Unit::PerSecond, &pairs, calls, Wanted::Share(0.33));
            }
        }
        if wants(Part::Tenants) && wants(Part::Pages) {
            let reader =
                Reader::sign_in(&server, &installation, ground.folder(), &estate::workspace(0)).await?;
            for path in pages::paths() {
                say(&format!("{database}: loading {path}"));
                let latencies = reader.load(&server, &path).await?;
                let mut pairs = Pairs::default();
                pairs.add(latencies.percentile(0.5), pages::MOST_MS);
                let what = format!("load the page {path}");
                let calls = Some(latencies.usual_and_worst());
                let most = Wanted::Most(pages::MOST_MS);
                report.add((what, database, "allowed"), Unit::Milliseconds, &pairs, calls, most);
            }
        }
        if wants(Part::Apply) {
            say(&format!("{database}: applying a file of {} objects", pace.declared));
            let pairs = applying::apply(stoa, &server, &raw, ground.folder(), pace).await?;
            let what = format!("`stoa apply` of {} objects in one file", pace.declared);
            let baseline = "their rows, one after the other";
            report.add((what, database, baseline), Unit::Milliseconds, &pairs, None, Wanted::Times(3.0));
        }
        if wants(Part::Plan) {
            say(&format!("{database}: what hinders a deletion"));
            let (pairs, latencies) = applying::plan(&server, &installation, &raw, pace).await?;
            let what =
                format!("what hinders the deletion of a workspace with {} dependants", pace.dependants);
            let calls = Some(latencies.usual_and_worst());
            report.add((what, database, rows), Unit::PerSecond, &pairs, calls, Wanted::Share(0.33));
        }
        let mut pairs = Pairs::default();
        pairs.add(watch.most(), MEMORY_MAX);
        let what = ("most memory (PSS) at any time of the above", database, "allowed");
        report.add(what, Unit::Mebibytes, &pairs, None, Wanted::Most(MEMORY_MAX));
        server.stop().await?;
        Ok(())
    }
}
