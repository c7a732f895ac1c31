//! Reads: one object over 32 connections, a page of a hundred out of many.

use crate::constant::Constant;
use crate::figures::{Latencies, Pairs};
use crate::http1::{Caller, Connection};
use crate::installation::{Installation, WORKSPACES};
use crate::load::{Done, round};
use crate::pace::Pace;
use crate::rows::Rows;
use crate::server::Server;
use anyhow::ensure;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Connections that read at once.
pub const CONNECTIONS: usize = 32;

/// What reading gave: rates, and single calls.
pub struct Reads {
    /// Beside a server that answers as many bytes out of memory.
    pub beside_constant: Pairs,
    /// Beside the bare rows.
    pub beside_rows: Pairs,
    /// Stoa's answers.
    pub latencies: Latencies,
    /// Bytes of an answer.
    pub bytes: usize,
}

/// Who asks for which paths, in turn.
#[derive(Clone)]
struct Question {
    address: SocketAddr,
    caller: Caller,
    paths: Arc<Vec<String>>,
}

impl Question {
    async fn ask(&self, span: Duration) -> anyhow::Result<Done> {
        let mut callers = Vec::new();
        for place in 0..CONNECTIONS {
            callers.push((Connection::open(self.address).await?, place * 7));
        }
        let question = self.clone();
        let ask = move |(mut connection, turn): (Connection, usize)| {
            let question = question.clone();
            async move {
                let path = &question.paths[turn % question.paths.len()];
                connection.expect(200, question.caller.get(path)?).await?;
                Ok(((connection, turn + 31), true))
            }
        };
        Ok(round(callers, span, ask).await?.0)
    }
}

/// GET of one block at a time, by a member of the workspace that owns it.
pub async fn one(
    server: &Server,
    installation: &Installation,
    rows: &mut Rows,
    pace: Pace,
) -> anyhow::Result<Reads> {
    let paths = installation.blocks_of_first().iter().map(|uuid| Installation::path_of(uuid)).collect();
    read(server, installation, rows, pace, paths, false).await
}

/// The first hundred blocks of a workspace, by a member of it.
pub async fn page(
    server: &Server,
    installation: &Installation,
    rows: &mut Rows,
    pace: Pace,
) -> anyhow::Result<Reads> {
    read(server, installation, rows, pace, vec![Installation::page_path()], true).await
}

async fn read(
    server: &Server,
    installation: &Installation,
    rows: &mut Rows,
    pace: Pace,
    paths: Vec<String>,
    is_page: bool,
) -> anyhow::Result<Reads> {
    ensure!(!paths.is_empty(), "there is nothing to read");
    let paths = Arc::new(paths);
    let caller = installation.member(server).await?.about("meshBuildingBlock", "v2-preview")?;
    let sample = Connection::open(server.address).await?.expect(200, caller.get(&paths[0])?).await?;
    let bytes = sample.len();
    let constant = Constant::start(bytes).await?;
    rows.fill(pace.blocks * (pace.copies + 1), WORKSPACES, if is_page { bytes / 100 } else { bytes }).await?;
    let constantly =
        Question { address: constant.address, caller: caller.clone(), paths: Arc::clone(&paths) };

    let mut reads = Reads {
        beside_constant: Pairs::default(),
        beside_rows: Pairs::default(),
        latencies: Latencies::default(),
        bytes,
    };
    for number in 0..pace.warm_ups + pace.rounds {
        let is_warm_up = number < pace.warm_ups;
        let span = if is_warm_up { pace.warm_up } else { pace.span };
        let caller = installation.member(server).await?.about("meshBuildingBlock", "v2-preview")?;
        let asked = Question { address: server.address, caller, paths: Arc::clone(&paths) };
        let done = asked.ask(span).await?;
        let constant = constantly.ask(span).await?;
        let bare =
            if is_page { rows.list(CONNECTIONS, span).await? } else { rows.get(CONNECTIONS, span).await? };
        if !is_warm_up {
            reads.beside_constant.add(done.rate(), constant.rate());
            reads.beside_rows.add(done.rate(), bare.rate());
            reads.latencies.extend(&done.latencies);
        }
    }
    Ok(reads)
}
