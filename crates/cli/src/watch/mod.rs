//! Following a run or a building block while it happens.

mod event;
mod follow;
mod live;
mod progress;
mod view;

pub(crate) use event::{is_final, warnings};
pub(crate) use follow::{Goal, block};
pub(crate) use view::{View, Wish};

use crate::api::Api;
use crate::console::Console;
use crate::failure::Failure;
use crate::kinds;
use event::RunEvent;
use futures_util::StreamExt;
use progress::Progress;
use std::time::Duration;
use stoa_client::ClientError;
use tokio::time::{Instant, MissedTickBehavior};

/// How often moving parts of a drawing move.
const FRAME: Duration = Duration::from_millis(100);
/// How long a lost connection is tried again before giving up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a watched run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its final status.
    pub(crate) status: String,
}

impl Ended {
    /// Success, or the failure that says otherwise.
    pub(crate) fn verdict(&self, run: &str) -> Result<(), Failure> {
        match self.status.as_str() {
            "SUCCEEDED" => Ok(()),
            "ABORTED" => Err(Failure::Operation(format!("run {run} was aborted"))),
            _ => Err(Failure::Operation(format!("run {run} failed; `stoa runs logs {run}` says more"))),
        }
    }
}

/// Follows a run to its end. A lost connection is taken up again where it broke.
pub(crate) async fn run(
    api: &Api,
    console: &mut Console,
    view: &mut View,
    run: &str,
) -> Result<Ended, Failure> {
    let path = Api::path(&kinds::RUN, run, "/events");
    let mut progress = Progress::new(console.now());
    let mut last_id: Option<String> = None;
    let mut link = Link::new();
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let mut stream = api.client().get_stream(&path, last_id.as_deref()).await;
        let lost = loop {
            tokio::select! {
                _ = frames.tick() => view.tick(console, &progress)?,
                item = stream.next() => match item {
                    Some(Ok(message)) => {
                        link.is_well();
                        if !message.id.is_empty() {
                            last_id = Some(message.id.clone());
                        }
                        let data = message.json();
                        view.message(console, &message.event, &data)?;
                        let Some(event) = RunEvent::read(&message.event, &data) else {
                            continue;
                        };
                        let now = console.now();
                        let news = progress.take(event, now);
                        view.news(console, &progress, &news)?;
                        if progress.ended {
                            return Ok(Ended { status: progress.status });
                        }
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                },
            }
        };
        let wait = match link.lost(lost) {
            Ok(wait) => wait,
            Err(failure) => {
                view.leave(console)?;
                return Err(failure.while_doing(&format!("run `{run}`")));
            }
        };
        let again = tokio::time::sleep(wait);
        tokio::pin!(again);
        loop {
            tokio::select! {
                () = &mut again => break,
                _ = frames.tick() => view.tick(console, &progress)?,
            }
        }
    }
}

/// The health of a connection: how often it broke, and since when it has not worked.
#[derive(Debug)]
pub(crate) struct Link {
    broken_since: Option<Instant>,
    tries: u32,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self { broken_since: None, tries: 0 }
    }

    /// Something came through.
    pub(crate) fn is_well(&mut self) {
        *self = Self::new();
    }

    /// The connection is gone: how long to wait before the next try, or why there is none.
    pub(crate) fn lost(&mut self, error: Option<ClientError>) -> Result<Duration, Failure> {
        let now = Instant::now();
        let since = *self.broken_since.get_or_insert(now);
        let passing = error.as_ref().is_none_or(ClientError::is_temporary);
        if !passing || now.duration_since(since) > PATIENCE {
            return Err(match error {
                Some(error) => error.into(),
                None => Failure::Unreachable("the server keeps closing the connection".to_owned()),
            });
        }
        let wait = Duration::from_millis(250 * 2_u64.pow(self.tries.min(4)));
        self.tries += 1;
        Ok(wait)
    }
}
