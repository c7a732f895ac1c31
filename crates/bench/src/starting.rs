//! Cold starts: from the start of the process to its first answer.

use crate::constant::Constant;
use crate::figures::Pairs;
use crate::ground::Ground;
use crate::installation::Installation;
use crate::pace::Pace;
use crate::server::Server;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_db::Engine;
use tokio::time::sleep;

/// Connections that write while the server is killed.
const WRITERS: usize = 8;
/// How long they have written by then.
const WRITING: Duration = Duration::from_millis(300);

/// Milliseconds on an empty folder and an empty database, beside a server that only answers.
pub async fn empty(stoa: &Path, engine: Engine, folder: &Path, pace: Pace) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    for number in 0..=pace.starts {
        let ground = Ground::new(engine, folder)?;
        let server = Server::start(stoa, ground.folder(), ground.url()).await?;
        let took = server.started_in;
        server.stop().await?;
        add(&mut pairs, number, took.as_secs_f64()).await?;
    }
    Ok(pairs)
}

/// Milliseconds on a folder and a database that have seen work.
pub async fn existing(stoa: &Path, ground: &Ground, pace: Pace) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    for number in 0..=pace.starts {
        let server = Server::start(stoa, ground.folder(), ground.url()).await?;
        let took = server.started_in;
        server.stop().await?;
        add(&mut pairs, number, took.as_secs_f64()).await?;
    }
    Ok(pairs)
}

/// Milliseconds from SIGKILL, while orders are being written, to the first answer of the next process, beside the start
/// after a stop in good order. Gives back the server that runs in the end.
pub async fn killed(
    stoa: &Path,
    ground: &Ground,
    mut server: Server,
    installation: &Arc<Installation>,
    pace: Pace,
) -> anyhow::Result<(Server, Pairs)> {
    let mut pairs = Pairs::default();
    for number in 0..=pace.starts {
        let address = server.address;
        let orders = installation.order_while(&server, WRITERS, WRITING * 100, usize::MAX);
        tokio::select! {
            ended = orders => { ended?; }
            () = sleep(WRITING) => {}
        }
        let begun = Instant::now();
        server.kill()?;
        server = Server::start_at(address, stoa, ground.folder(), ground.url(), &[]).await?;
        let killed = begun.elapsed();
        server.stop().await?;
        server = Server::start_at(address, stoa, ground.folder(), ground.url(), &[]).await?;
        // The first round only warms the machine up.
        if number > 0 {
            pairs.add(killed.as_secs_f64() * 1000.0, server.started_in.as_secs_f64() * 1000.0);
        }
    }
    Ok((server, pairs))
}

/// The first start of a kind only warms the machine up.
async fn add(pairs: &mut Pairs, number: usize, seconds: f64) -> anyhow::Result<()> {
    let baseline = Constant::start(100).await?.started_in.as_secs_f64();
    if number > 0 {
        pairs.add(seconds * 1000.0, baseline * 1000.0);
    }
    Ok(())
}
