//! What it takes to be there: memory at rest, size of the program.

use crate::figures::Pairs;
use crate::process;
use crate::server::Server;
use anyhow::ensure;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::time::sleep;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// How long a process is left alone before its memory is read.
const REST: Duration = Duration::from_secs(1);

/// Mebibytes of a server at rest, beside one that only answers.
pub async fn memory(server: &Server, baseline: u32) -> anyhow::Result<Pairs> {
    sleep(REST).await;
    let mut pairs = Pairs::default();
    pairs.add(process::memory(server.pid())? as f64 / MEBIBYTE, process::memory(baseline)? as f64 / MEBIBYTE);
    Ok(pairs)
}

/// Megabytes of a program as it is, and without its symbols if `strip` is there.
pub fn sizes(program: &Path, folder: &Path) -> anyhow::Result<(f64, Option<f64>)> {
    let megabytes = |path: &Path| std::fs::metadata(path).map(|found| found.len() as f64 / 1e6);
    let stripped = tempfile::NamedTempFile::new_in(folder)?;
    let strip = Command::new("strip").arg("-o").arg(stripped.path()).arg(program).output();
    let stripped = match strip {
        Ok(output) => {
            ensure!(output.status.success(), "strip: {}", String::from_utf8_lossy(&output.stderr));
            Some(megabytes(stripped.path())?)
        }
        Err(_) => None,
    };
    Ok((megabytes(program)?, stripped))
}
