//! Clients that order, change, start, stop and delete, and note what they are told.

use crate::facts::{Block, Deletion, Facts};
use crate::installation::{block, media_of, path};
use crate::random::Random;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stoa_client::{Client, ClientError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

const BLOCK: &str = "meshBuildingBlock";
const RUN: &str = "meshBuildingBlockRun";
/// Blocks that one client keeps at a time.
const OWN: usize = 4;

/// What came of a request.
pub enum Answer {
    /// Done.
    Yes(Value),
    /// Refused.
    No(u16),
    /// Nobody knows.
    Unknown,
}

/// Where everybody notes what they are told.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Facts>>);

impl Notes {
    /// The facts.
    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what came of a request. A failure without a reason must not be, and neither a refused key.
    pub fn heard(&self, what: &str, result: Result<Value, ClientError>) -> Answer {
        let mut facts = self.facts();
        match result {
            Ok(value) => {
                facts.answered += 1;
                Answer::Yes(value)
            }
            Err(ClientError::Status { status: status @ (404 | 409), .. }) => {
                facts.answered += 1;
                Answer::No(status)
            }
            Err(error @ (ClientError::Status { status: ..=500, .. } | ClientError::Login(_))) => {
                facts.wrong.insert(format!("{what}: {error}"));
                Answer::Unknown
            }
            Err(_) => {
                facts.unanswered += 1;
                Answer::Unknown
            }
        }
    }
}

/// One client.
pub struct Shop {
    /// How it speaks to the server.
    pub api: Client,
    /// What it orders.
    pub version: String,
    /// Where it notes what it is told.
    pub notes: Notes,
    /// Its dice.
    pub random: Random,
    /// The longest pause between two requests.
    pub pace: Duration,
}

impl Shop {
    /// Sends several of them off, until told to stop.
    pub fn open(mut make: impl FnMut() -> Self, count: usize, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            tasks.spawn(make().trade(stop.clone()));
        }
        tasks
    }

    async fn trade(mut self, mut stop: watch::Receiver<bool>) {
        let mut own: Vec<String> = Vec::new();
        while !*stop.borrow_and_update() {
            tokio::select! {
                // A request that is under way when all stop has no answer.
                () = self.one_deal(&mut own) => {}
                _ = stop.changed() => return,
            }
            let pause = self.random.span(Duration::from_millis(20), self.pace);
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.changed() => return,
            }
        }
    }

    async fn one_deal(&mut self, own: &mut Vec<String>) {
        if own.is_empty() || (own.len() < OWN && self.random.below(4) == 0) {
            if let Some(uuid) = self.order().await {
                own.push(uuid);
            }
            return;
        }
        let place = self.random.below(own.len());
        let uuid = own[place].clone();
        match self.random.below(12) {
            0..=1 => self.change(&uuid).await,
            2..=3 => self.start(&uuid, json!({})).await,
            4 => self.start(&uuid, json!({ "dryRun": true })).await,
            5 => self.abort(&uuid).await,
            6 if own.len() == OWN => {
                if self.delete(&uuid).await {
                    own.remove(place);
                }
            }
            _ => drop(self.look(&uuid).await),
        }
    }

    async fn order(&mut self) -> Option<String> {
        let size = self.size();
        let asked = self.api.post(&path(BLOCK, ""), &media_of(BLOCK), &block(&self.version, size)).await;
        let Answer::Yes(made) = self.notes.heard("an order", asked) else { return None };
        let uuid = made["metadata"]["uuid"].as_str()?.to_owned();
        let noted = Block { sizes: [size].into(), runs: 1, deletion: Deletion::No };
        self.notes.facts().blocks.insert(uuid.clone(), noted);
        Some(uuid)
    }

    fn size(&mut self) -> i64 {
        i64::try_from(self.random.below(1_000_000)).unwrap_or_default()
    }

    async fn change(&mut self, uuid: &str) {
        let size = self.size();
        self.note(uuid, |block| {
            block.sizes.insert(size);
        });
        let one = path(BLOCK, &format!("/{uuid}"));
        let asked = self.api.put(&one, &media_of(BLOCK), &block(&self.version, size)).await;
        match self.notes.heard("a change", asked) {
            Answer::Yes(_) => self.note(uuid, |block| block.sizes = [size].into()),
            Answer::No(_) => self.note(uuid, |block| {
                block.sizes.remove(&size);
            }),
            Answer::Unknown => {}
        }
    }

    async fn start(&self, uuid: &str, body: Value) {
        let trigger = path(BLOCK, &format!("/{uuid}/trigger-run"));
        let asked = self.api.post(&trigger, &media_of(BLOCK), &body).await;
        if let Answer::Yes(_) = self.notes.heard("a start", asked) {
            self.note(uuid, |block| block.runs += 1);
        }
    }

    async fn abort(&self, uuid: &str) {
        let Some(run) = self.look(uuid).await else { return };
        let abort = path(RUN, &format!("/{run}/abort"));
        let asked = self.api.post(&abort, &media_of(RUN), &json!({})).await;
        self.notes.heard("an abort", asked);
    }

    /// Says whether the block is on its way out, as far as is known.
    async fn delete(&self, uuid: &str) -> bool {
        self.note(uuid, |block| block.deletion = Deletion::Asked);
        let asked = self.api.delete(&path(BLOCK, &format!("/{uuid}")), &media_of(BLOCK)).await;
        let deletion = match self.notes.heard("a deletion", asked) {
            Answer::Yes(_) => Deletion::Accepted,
            Answer::No(_) => Deletion::No,
            Answer::Unknown => Deletion::Asked,
        };
        self.note(uuid, |block| block.deletion = deletion);
        deletion != Deletion::No
    }

    /// Reads a block and its newest run; gives back the run.
    async fn look(&self, uuid: &str) -> Option<String> {
        let one = path(BLOCK, &format!("/{uuid}"));
        let Answer::Yes(block) = self.notes.heard("a look", self.api.get(&one, &media_of(BLOCK)).await)
        else {
            return None;
        };
        self.notes.facts().saw_block(&block);
        let run = block["status"]["latestRunUuid"].as_str()?.to_owned();
        let found = self.api.get(&path(RUN, &format!("/{run}")), &media_of(RUN)).await;
        if let Answer::Yes(found) = self.notes.heard("a look at a run", found) {
            self.notes.facts().saw_run(&found);
        }
        Some(run)
    }

    fn note(&self, uuid: &str, change: impl FnOnce(&mut Block)) {
        if let Some(block) = self.notes.facts().blocks.get_mut(uuid) {
            change(block);
        }
    }
}
