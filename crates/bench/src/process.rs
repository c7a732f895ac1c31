//! What the kernel tells about a process: memory, and processor time by thread.

use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Proportional set size in bytes: memory of its own, and its share of what it shares.
pub fn memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes: u64 =
        line.and_then(|line| line.split_whitespace().next()).context("no Pss in smaps_rollup")?.parse()?;
    Ok(kibibytes * 1024)
}

/// Processor time by name of thread, numbers at the end of names left out.
pub type Times = BTreeMap<String, Duration>;

/// Processor time of a process so far. Threads that ended are not in it.
pub fn times(pid: u32) -> Times {
    let mut times = Times::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let read = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let nanos =
            read("schedstat").split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
        let name = read("comm");
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        *times.entry(name.to_owned()).or_default() += Duration::from_nanos(nanos);
    }
    times
}

/// What was added between two looks.
pub fn between(before: &Times, after: &Times) -> Times {
    let added = |(name, time): (&String, &Duration)| {
        let earlier = before.get(name).copied().unwrap_or_default();
        (name.clone(), time.saturating_sub(earlier))
    };
    after.iter().map(added).collect()
}

/// Processor time of the whole machine so far, all cores together.
pub fn machine_time() -> Duration {
    /// What Linux shows to programs, on every machine.
    const TICKS_PER_SECOND: u64 = 100;
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let fields: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
    // user nice system idle iowait irq softirq steal; the rest is part of user and nice.
    let busy: u64 =
        fields.iter().take(8).enumerate().filter(|(place, _)| !matches!(place, 3 | 4)).map(|(_, n)| n).sum();
    Duration::from_millis(busy * 1000 / TICKS_PER_SECOND)
}
