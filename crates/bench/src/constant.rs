//! The baseline of reads, starts and memory: the same web framework in a process of its own, answering every
//! request with the same bytes.

use crate::http1::{Caller, Connection};
use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Serves until whoever started it lets go of its input.
pub fn serve(bytes: usize) -> anyhow::Result<()> {
    let body = Bytes::from(vec![b'x'; bytes]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let answer = ([("content-type", "application/json")], body);
        let routes = Router::new().fallback(move || async move { answer.clone().into_response() });
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
        tokio::select! {
            served = axum::serve(listener, routes) => served?,
            _ = ended => {}
        }
        anyhow::Ok(())
    })
}

/// A running one.
pub struct Constant {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to its first answer.
    pub started_in: Duration,
    child: Child,
}

impl Constant {
    /// Starts one that answers with so many bytes.
    pub async fn start(bytes: usize) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["constant", &bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let address: SocketAddr = line.trim().parse()?;
        let mut connection = Connection::open(address).await?;
        let body = connection.expect(200, Caller::nobody(address)?.get("/")?).await?;
        ensure!(body.len() == bytes, "the constant server answered {} bytes", body.len());
        Ok(Self { address, started_in: begun.elapsed(), child })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
