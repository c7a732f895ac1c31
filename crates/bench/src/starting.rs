//! Cold starts: from the start of the process to its first answer.

use crate::constant::Constant;
use crate::figures::Pairs;
use crate::pace::Pace;
use crate::server::Server;
use anyhow::Context;
use std::path::Path;
use stoa_db::Engine;
use stoa_db::testing::fresh;

/// Milliseconds on an empty folder and an empty database, beside a server that only answers.
pub async fn empty(stoa: &Path, engine: Engine, folder: &Path, pace: Pace) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    for number in 0..=pace.starts {
        let own = tempfile::tempdir_in(folder)?;
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(fresh(engine).context("STOA_TEST_POSTGRES names no server")?),
        };
        let url = database.as_ref().map(|database| database.url.as_str());
        let server = Server::start(stoa, own.path(), url).await?;
        let took = server.started_in;
        server.stop().await?;
        add(&mut pairs, number, took.as_secs_f64()).await?;
    }
    Ok(pairs)
}

/// Milliseconds on a folder and a database that have seen work.
pub async fn existing(stoa: &Path, folder: &Path, url: Option<&str>, pace: Pace) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    for number in 0..=pace.starts {
        let server = Server::start(stoa, folder, url).await?;
        let took = server.started_in;
        server.stop().await?;
        add(&mut pairs, number, took.as_secs_f64()).await?;
    }
    Ok(pairs)
}

/// The first start of a kind only warms the machine up.
async fn add(pairs: &mut Pairs, number: usize, seconds: f64) -> anyhow::Result<()> {
    let baseline = Constant::start(100).await?.started_in.as_secs_f64();
    if number > 0 {
        pairs.add(seconds * 1000.0, baseline * 1000.0);
    }
    Ok(())
}
