//! How much there may be of a repository. A few kilobytes can unpack to any size, so a commit is measured before it is
//! checked out, and a mirror while it is fetched.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::NoSources;
use crate::config::Limits;

/// Pause between two looks at a folder that grows; longer where looking takes long.
const LOOK: Duration = Duration::from_millis(200);
/// How often removing a folder is tried while somebody who was killed may still write to it.
const REMOVALS: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(20);

/// How much there may be; `u64::MAX` for any amount.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    bytes: u64,
    entries: u64,
}

/// What is too much.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TooLarge {
    /// The repository, as it is kept.
    #[error("with its history it takes more than {}", in_words(*.0))]
    Repository(u64),
    /// The files of one commit.
    #[error("its files take more than {}", in_words(*.0))]
    Files(u64),
    /// How many there are in one commit.
    #[error("it has more than {0} files and folders")]
    Entries(u64),
}

impl Most {
    pub(crate) fn of(limits: &Limits) -> Self {
        let any = |most: u64| if most == 0 { u64::MAX } else { most };
        Self { bytes: any(limits.source_bytes), entries: any(limits.source_files) }
    }

    /// Whether a folder takes more than it may.
    pub(super) fn is_outgrown_by(self, folder: &Path) -> bool {
        self.bytes < u64::MAX && size_of(folder) > self.bytes
    }

    /// Comes back when a folder that grows takes more than it may.
    pub(super) async fn outgrown_by(self, folder: &Path) {
        loop {
            let begun = Instant::now();
            let folder = folder.to_owned();
            let looked = tokio::task::spawn_blocking(move || self.is_outgrown_by(&folder)).await;
            if looked.unwrap_or(false) {
                return;
            }
            sleep(LOOK.max(begun.elapsed() * 10)).await;
        }
    }

    /// What is too much of a repository as it is kept.
    pub(super) fn of_repository(self) -> NoSources {
        NoSources::TooLarge(TooLarge::Repository(self.bytes))
    }
}

/// What would be checked out, counted line by line of `git ls-tree -r -t -l`.
pub(super) struct Count {
    most: Most,
    bytes: u64,
    entries: u64,
}

impl Count {
    pub(super) fn up_to(most: Most) -> Self {
        Self { most, bytes: 0, entries: 0 }
    }

    /// Counts an entry: mode, type, object, size, then a tab and the path. Says what is too much.
    pub(super) fn add(&mut self, line: &str) -> Option<TooLarge> {
        let size = line.split('\t').next().and_then(|facts| facts.split_ascii_whitespace().nth(3))?;
        // Folders have no size.
        self.bytes = self.bytes.saturating_add(size.parse().unwrap_or(0));
        self.entries += 1;
        if self.entries > self.most.entries {
            return Some(TooLarge::Entries(self.most.entries));
        }
        (self.bytes > self.most.bytes).then_some(TooLarge::Files(self.most.bytes))
    }
}

/// What a folder takes on the disk.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().fold(0, |sum: u64, entry| {
        let Ok(found) = entry.path().symlink_metadata() else { return sum };
        let inside = if found.is_dir() { size_of(&entry.path()) } else { 0 };
        sum.saturating_add(found.blocks() * 512).saturating_add(inside)
    })
}

/// Removes a folder that somebody who was just killed may still write to.
pub(super) async fn remove(folder: &Path) -> std::io::Result<()> {
    for _ in 1..REMOVALS {
        if fs::remove_dir_all(folder).is_ok() {
            return Ok(());
        }
        sleep(REMOVAL_PAUSE).await;
    }
    fs::remove_dir_all(folder)
}

fn in_words(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Most, TooLarge};
    use crate::config::Limits;

    #[test]
    fn files_and_folders_are_counted_with_their_sizes() {
        let limits = Limits { source_bytes: 100, source_files: 4, ..Limits::default() };
        let mut count = Count::up_to(Most::of(&limits));
        let of = |size: &str| format!("100644 blob 0a1b2c {size:>7}\tsome\\tfile 99999");
        assert!(count.add("warning: something").is_none());
        assert!(count.add("040000 tree 0a1b2c       -\tfolder").is_none());
        assert!(count.add(&of("60")).is_none());
        assert!(count.add(&of("40")).is_none());
        assert!(matches!(count.add(&of("1")), Some(TooLarge::Files(100))));
        assert!(matches!(count.add(&of("0")), Some(TooLarge::Entries(4))));
        let any = Limits { source_bytes: 0, source_files: 0, ..Limits::default() };
        assert!(Count::up_to(Most::of(&any)).add(&of("99999999999999")).is_none());
    }
}
