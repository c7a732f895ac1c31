//! A runner under test: the real program with a folder of its own, to be killed, stopped and started again.

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a runner is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The server, as the runner reaches it.
    pub base_url: String,
    /// Whether states are written there, too, and not where the server says.
    pub prefer_base_url: bool,
    /// Which runner it is.
    pub runner_uuid: String,
    /// What it claims with.
    pub credential: (String, String),
    /// Its private key.
    pub private_key_pem: String,
    /// The OpenTofu program.
    pub tofu: PathBuf,
    /// How many runs it works on at once.
    pub parallel: usize,
}

/// A runner process that may be down.
#[derive(Debug)]
pub struct Worker {
    stoa: PathBuf,
    folder: PathBuf,
    child: Option<Child>,
}

impl Worker {
    /// Writes the configuration of a runner into this folder; it is not started yet. `more` are further lines of TOML
    /// at the top level.
    pub fn new(stoa: &Path, folder: &Path, setup: &Setup, more: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let path = |path: &Path| text(&path.display().to_string());
        let config = format!(
            "base_url = {}\nrunner_uuid = {}\nprivate_key_pem = {}\nwork_dir = {}\nparallel = {}\n\
             allow_local_repositories = true\nprefer_base_url = {}\npoll_interval_seconds = 1.0\n\
             heartbeat_interval_seconds = 1.0\nkill_grace_seconds = 3.0\nshutdown_grace_seconds = 0.0\n{more}\n\
             [credential]\nclient_id = {}\nclient_secret = {}\n[binaries]\ndefault = {}\n",
            text(&setup.base_url),
            text(&setup.runner_uuid),
            text(&setup.private_key_pem),
            path(&folder.join("work")),
            setup.parallel,
            setup.prefer_base_url,
            text(&setup.credential.0),
            text(&setup.credential.1),
            path(&setup.tofu),
        );
        fs::write(folder.join("runner.toml"), config)?;
        Ok(Self { stoa: stoa.to_owned(), folder: folder.to_owned(), child: None })
    }

    /// Starts it, if it is down.
    pub fn start(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let log = fs::File::options().create(true).append(true).open(self.folder.join("runner.log"))?;
        let mut command = Command::new(&self.stoa);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["runner", "--config"])
            .arg(self.folder.join("runner.toml"))
            .env("STOA_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| self.stoa.display().to_string())?;
        self.child = Some(child);
        Ok(())
    }

    /// Its process id, while it is up.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Sends it a signal, if it is up.
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Whoever is gone already needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// Ends it at once; what it started goes on.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it in good order, so that it leaves no process behind.
    pub fn stop(&mut self, patience: Duration) -> anyhow::Result<()> {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > patience {
                let _ = child.kill();
                let _ = child.wait();
                ensure!(false, "a runner did not stop: {}", self.said());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Reports that the server has not acknowledged.
    pub fn unsent(&self) -> usize {
        let kept = fs::read_dir(self.folder.join("work/reports")).into_iter().flatten().flatten();
        kept.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json")).count()
    }

    /// The end of its log.
    pub fn said(&self) -> String {
        let log = fs::read_to_string(self.folder.join("runner.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The most memory it has used so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = self.pid().and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let line = status.as_deref().unwrap_or_default().lines().find(|line| line.starts_with("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    }

    /// Processes named `name` that it started, and theirs.
    pub fn descendants(&self, name: &str) -> Vec<u32> {
        let mut known: Vec<u32> = self.pid().into_iter().collect();
        let mut found = Vec::new();
        let mut place = 0;
        while let Some(parent) = known.get(place).copied() {
            place += 1;
            let children = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
            for thread in children {
                let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
                for child in text.split_whitespace().filter_map(|text| text.parse().ok()) {
                    let comm = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                    if comm.trim() == name {
                        found.push(child);
                    }
                    known.push(child);
                }
            }
        }
        found
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The next start would end what it left behind; here nobody starts it again.
        let _ = self.stop(Duration::from_secs(10));
    }
}
