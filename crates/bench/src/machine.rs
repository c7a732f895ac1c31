//! What the figures were made on.

use crate::process::machine_time;
use anyhow::Context;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long syncs are counted.
const SYNCING: Duration = Duration::from_millis(500);

/// How long the machine is watched before.
const LOOKING: Duration = Duration::from_secs(1);
/// From which part of the machine on other programs matter.
const MUCH: f64 = 0.1;

/// Tells the person at the terminal.
pub fn say(line: &str) {
    // Nobody is there to be told that nobody is there.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A line for each thing that matters.
pub fn describe(stoa: &Path, folder: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let version = Command::new(stoa).arg("version").output().with_context(|| stoa.display().to_string())?;
    let cores = std::thread::available_parallelism()?;
    let (load, others) = (read("/proc/loadavg"), busy_share(cores.get()));
    if others > MUCH {
        say(&format!("other programs keep this machine {:.0} % busy: look at ratios only", others * 100.0));
    }
    Ok(vec![
        ("program", String::from_utf8_lossy(&version.stdout).trim().to_owned()),
        ("processor", format!("{cores} × {}", field(&read("/proc/cpuinfo"), "model name"))),
        ("memory", field(&read("/proc/meminfo"), "MemTotal")),
        ("kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        ("fdatasync of 8 kB", format!("{:.0}/s", syncs_per_second(folder)?)),
        ("other programs at the start", format!("{:.0} % of the machine", others * 100.0)),
        ("load average at the start", load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")),
    ])
}

/// The part of the machine that is busy while the bench is not.
fn busy_share(cores: usize) -> f64 {
    let (begun, before) = (Instant::now(), machine_time());
    std::thread::sleep(LOOKING);
    let busy = machine_time().saturating_sub(before);
    busy.as_secs_f64() / begun.elapsed().as_secs_f64() / cores as f64
}

/// How often per second 8 kB at the end of a file reach the disk.
fn syncs_per_second(folder: &Path) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [7_u8; 8192];
    file.write_all(&page)?;
    file.sync_data()?;
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < SYNCING {
        file.write_all(&page)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
