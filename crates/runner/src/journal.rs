//! The last word on each claimed run, kept on disk until the server has acknowledged it.
//!
//! From the claim on there is always a report to send: at first "the runner stopped while it worked on this", in the
//! end the real result. So a runner that was killed tells about its runs as soon as it is back. Runs whose work
//! happens outside, in a pipeline, are kept with how far they came, and gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_client::ClientError;
use stoa_client::runs::{ClaimedRun, RunnerApi, StatusUpdate};

use crate::RunnerError;
use crate::folder::write_new;
use crate::pipeline::Stage;

/// Reports by run, one file each.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    /// Reports that the disk did not take. They are newer than the file of the same run.
    unwritten: Arc<Mutex<BTreeMap<String, Entry>>>,
}

/// One report and everything needed to send it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    run_uuid: String,
    run_token: String,
    source_id: String,
    report: Value,
    /// What is needed to go on with the run instead of sending the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfinished: Option<Unfinished>,
}

/// A run whose work happens outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unfinished {
    /// The run as it was claimed; secrets in it are sealed.
    payload: String,
    stage: Stage,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The server has it, or will never want it.
    Done,
    /// Nobody took it; it is still on disk.
    Later,
}

/// The runs whose reports are to be sent. Those of runs that go on are kept too, but must not be.
#[derive(Debug)]
pub(crate) struct Due(Mutex<BTreeSet<String>>);

impl Due {
    pub(crate) fn new(run_uuids: Vec<String>) -> Self {
        Self(Mutex::new(run_uuids.into_iter().collect()))
    }

    pub(crate) fn add(&self, run_uuid: &str) {
        self.runs().insert(run_uuid.to_owned());
    }

    pub(crate) fn remove(&self, run_uuid: &str) {
        self.runs().remove(run_uuid);
    }

    /// All of them, which are then no longer due.
    pub(crate) fn take_all(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.runs())
    }

    fn runs(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, RunnerError> {
        if !folder.is_dir() {
            crate::folder::private_folder(&folder)
                .map_err(|source| RunnerError::File { path: folder.clone(), source })?;
        }
        Ok(Self::at(folder))
    }

    /// The journal in a folder that is there.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder, unwritten: Arc::default() }
    }

    /// Keeps a report in place of an earlier one about the same run. While the disk takes nothing, it is kept in
    /// memory, so that what was kept before is never taken for the last word.
    pub(crate) fn keep(
        &self,
        (run_uuid, run_token): (&str, &str),
        source_id: &str,
        report: &StatusUpdate,
    ) -> io::Result<()> {
        let entry = Entry {
            run_uuid: run_uuid.to_owned(),
            run_token: run_token.to_owned(),
            source_id: source_id.to_owned(),
            report: serde_json::to_value(report)?,
            unfinished: None,
        };
        let written = self.write(&entry);
        let mut unwritten = self.unwritten();
        match &written {
            Ok(()) => unwritten.remove(run_uuid),
            Err(_) => unwritten.insert(run_uuid.to_owned(), entry),
        };
        written
    }

    /// Keeps how far a run came whose work happens outside. When this returns, it survives a loss of power: only then
    /// may be done what the stage announces.
    pub(crate) fn keep_stage(
        &self,
        claimed: &ClaimedRun,
        source_id: &str,
        (report, stage): (&StatusUpdate, &Stage),
    ) -> io::Result<()> {
        self.write(&Entry {
            run_uuid: claimed.uuid.clone(),
            run_token: claimed.token.clone(),
            source_id: source_id.to_owned(),
            report: serde_json::to_value(report)?,
            unfinished: Some(Unfinished { payload: claimed.json.clone(), stage: stage.clone() }),
        })?;
        self.unwritten().remove(&claimed.uuid);
        Ok(())
    }

    /// How far the run came when it was kept last, if it can be gone on with.
    pub(crate) fn stage_of(&self, run_uuid: &str) -> Option<Stage> {
        self.read(run_uuid).ok()?.unfinished.map(|unfinished| unfinished.stage)
    }

    /// The runs that an earlier process left and that can be gone on with.
    pub(crate) fn unfinished(&self) -> Vec<ClaimedRun> {
        let left = self.kept().into_iter().filter_map(|run_uuid| self.read(&run_uuid).ok()?.unfinished);
        left.filter_map(|unfinished| ClaimedRun::read(unfinished.payload).ok()).collect()
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let (file, new) = (self.file(&entry.run_uuid), self.file(&entry.run_uuid).with_extension("new"));
        write_new(&new, &serde_json::to_vec(entry)?)?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(new, file)?;
        // The new name, too, has to outlive a loss of power.
        fs::File::open(&self.folder)?.sync_all()
    }

    /// Tries again to bring to disk what the server did not take either.
    fn write_what_is_not(&self, run_uuid: &str) {
        let Some(entry) = self.unwritten().get(run_uuid).cloned() else { return };
        if self.write(&entry).is_ok() {
            self.unwritten().remove(run_uuid);
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a run about which there is nothing more to say.
    pub(crate) fn forget(&self, run_uuid: &str) {
        self.unwritten().remove(run_uuid);
        match fs::remove_file(self.file(run_uuid)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(run.uuid = run_uuid, %error, "a sent report cannot be removed");
            }
            _ => {}
        }
    }

    /// The runs with a last word that was not acknowledged.
    pub(crate) fn unsent(&self) -> Vec<String> {
        self.kept().into_iter().filter(|run_uuid| self.stage_of(run_uuid).is_none()).collect()
    }

    fn kept(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.path());
        let reports = names.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        reports.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    }

    /// Tries once to send the report about a run.
    pub(crate) async fn send(&self, api: &RunnerApi, run_uuid: &str) -> Sent {
        let entry = match self.read(run_uuid) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Sent::Done,
            Err(error) => {
                tracing::error!(run.uuid = run_uuid, %error, "a kept report is unreadable and given up");
                self.forget(run_uuid);
                return Sent::Done;
            }
        };
        match deliver(api, &entry).await {
            Ok(()) => {
                self.forget(run_uuid);
                Sent::Done
            }
            Err(error) if error.is_temporary() => {
                tracing::warn!(run.uuid = run_uuid, %error, "a report was not taken and is kept");
                self.write_what_is_not(run_uuid);
                Sent::Later
            }
            Err(error) => {
                tracing::error!(run.uuid = run_uuid, %error, "a report was refused and is given up");
                self.forget(run_uuid);
                Sent::Done
            }
        }
    }

    fn read(&self, run_uuid: &str) -> io::Result<Entry> {
        if let Some(entry) = self.unwritten().get(run_uuid) {
            return Ok(entry.clone());
        }
        Ok(serde_json::from_slice(&fs::read(self.file(run_uuid))?)?)
    }

    fn file(&self, run_uuid: &str) -> PathBuf {
        let name: String =
            run_uuid.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        Path::new(&self.folder).join(name + ".json")
    }
}

/// Sends a report. One that the server finds wrong in itself is replaced by the plain word that the run failed:
/// otherwise the run would stay open.
async fn deliver(api: &RunnerApi, entry: &Entry) -> Result<(), ClientError> {
    let run = api.run(&entry.run_uuid, &entry.run_token);
    let bytes = serde_json::to_vec(&entry.report).unwrap_or_default();
    match run.patch_status_json(&entry.source_id, bytes).await {
        Err(ClientError::Status { status: 400 | 413 | 422, message, .. }) => {
            let summary = format!("The server refused the report of this run: {message}");
            let plain = json!({ "status": "FAILED", "summary": summary }).to_string();
            run.patch_status_json(&entry.source_id, plain.into_bytes()).await.map(drop)
        }
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use stoa_client::runs::{Status, StatusUpdate};

    use super::Journal;

    fn report(status: Status) -> StatusUpdate {
        StatusUpdate { status: Some(status), ..StatusUpdate::default() }
    }

    /// The end of the run, as the journal would send it.
    fn end(journal: &Journal) -> serde_json::Value {
        journal.read("run").unwrap().report["status"].clone()
    }

    #[test]
    fn a_disk_that_takes_nothing_does_not_turn_a_success_into_a_failure() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("reports");
        let journal = Journal::open(folder.clone()).unwrap();
        journal.keep(("run", "token"), "r", &report(Status::Failed)).unwrap();
        // A folder in the file's place stands for a disk that is full: whoever runs this may be root.
        let in_the_way = folder.join("run.new");
        fs::create_dir(&in_the_way).unwrap();
        journal.keep(("run", "token"), "r", &report(Status::Succeeded)).unwrap_err();
        assert_eq!(end(&journal), "SUCCEEDED");
        journal.write_what_is_not("run");
        assert_eq!(end(&journal), "SUCCEEDED");

        fs::remove_dir(in_the_way).unwrap();
        journal.write_what_is_not("run");
        let later = Journal::open(folder).unwrap();
        assert_eq!(later.unsent(), ["run"]);
        assert_eq!(end(&later), "SUCCEEDED");
        journal.forget("run");
        assert!(journal.read("run").is_err());
    }
}
