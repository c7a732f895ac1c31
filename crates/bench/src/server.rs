//! The server under test: the real program in a process of its own.

use crate::http1::{Caller, Connection};
use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the first administrator signs in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminKey {
    /// The key.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to its first answer.
    pub started_in: Duration,
    folder: PathBuf,
    child: Child,
}

/// Where nobody listens. The system gives ports of its own range to whoever asks for any port at all, so one of
/// those may be gone a moment later; below that range a port stays free until somebody names it.
fn free_address() -> anyhow::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    // Processes that look at the same time begin at different places.
    let begin = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let place = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(7)) % COUNT;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", FIRST + place)) {
            return Ok(listener.local_addr()?);
        }
    }
    bail!("no port is free")
}

impl Server {
    /// Starts one on this data folder, and on this database if it is not the one in the folder. Returns when it
    /// has answered for the first time.
    pub async fn start(stoa: &Path, folder: &Path, database: Option<&str>) -> anyhow::Result<Self> {
        Self::start_with(stoa, folder, database, &[]).await
    }

    /// The same with further options of `stoa serve`.
    pub async fn start_with(
        stoa: &Path,
        folder: &Path,
        database: Option<&str>,
        options: &[&str],
    ) -> anyhow::Result<Self> {
        // The server would tell a port it chose in its log only, and its log is off.
        let address = free_address()?;
        Self::start_at(address, stoa, folder, database, options).await
    }

    /// The same where an earlier one listened, so that its clients find it.
    pub async fn start_at(
        address: SocketAddr,
        stoa: &Path,
        folder: &Path,
        database: Option<&str>,
        options: &[&str],
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = fs::File::options().create(true).append(true).open(folder.join("server.log"))?;
        let mut command = Command::new(stoa);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
            command.env_remove(name);
        }
        command
            .args(["serve", "--no-runner", "--listen", &address.to_string(), "--data-dir"])
            .arg(folder)
            .args(database.map(|url| ["--database-url", url]).into_iter().flatten())
            .args(options)
            .env("STOA_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| stoa.display().to_string())?;
        let mut server = Self { address, started_in: Duration::ZERO, folder: folder.to_owned(), child };
        let mut connection = server.connect(begun).await?;
        let health = Caller::nobody(address)?.get("/actuator/health")?;
        tokio::time::timeout(PATIENCE, connection.expect(200, health)).await??;
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// It listens before it opens its database, so the first connection waits for the first answer.
    async fn connect(&mut self, begun: Instant) -> anyhow::Result<Connection> {
        loop {
            match Connection::open(self.address).await {
                Ok(connection) => return Ok(connection),
                Err(_) if begun.elapsed() < PATIENCE => {}
                Err(error) => return Err(error),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.said());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file of the key that the first start left in the folder.
    pub fn admin_key_file(&self) -> PathBuf {
        self.folder.join("admin-key.json")
    }

    /// That key.
    pub fn admin_key(&self) -> anyhow::Result<AdminKey> {
        Ok(serde_json::from_str(&fs::read_to_string(self.admin_key_file())?)?)
    }

    /// Sends it a signal. Fails when it is gone.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Stops it in good order. What it logged is a fault: at this level it is silent when all is well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(begun.elapsed() < PATIENCE, "the server did not stop");
            sleep(Duration::from_millis(5)).await;
        }
        let said = self.said();
        ensure!(said.is_empty(), "the server complained: {}", said.chars().take(2000).collect::<String>());
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
