//! Runs that a pipeline of another system does: what GitHub, GitLab and Azure DevOps have in common.
//!
//! Nothing is started before it is written down that it will be (`stage`, in the journal). When the answer to a start
//! is lost, or the runner with it, `start` looks for what it may have started, by what it sent along, and never starts
//! again what it cannot rule out: such a run fails and says so. `follow` looks at a pipeline until its end, stops it
//! when the run is stopped, and leaves it alone when only the runner stops: the next one goes on.

mod call;
mod follow;
mod forward;
mod pace;
mod stage;
mod start;

use std::future::Future;

use crate::dispatch::StepName;
use crate::progress::OutsideStep;

pub(crate) use call::{Answer, Caller, Trouble};
pub(crate) use follow::follow;
pub(crate) use forward::{Forwarded, open_secret};
pub(crate) use stage::{External, Stage, Turns};
pub(crate) use start::hand_over;

/// How a system's pipelines are spoken of.
pub(crate) struct Words {
    /// The step that starts one (`runner-protocol.md` §13).
    pub(crate) trigger: StepName,
    /// One of them, such as `GitHub workflow`.
    pub(crate) one: &'static str,
}

/// The pipelines of a system before ours was started.
pub(crate) struct Before {
    /// The highest number of a run so far.
    pub(crate) newest: u64,
    /// One that is still going on and was started for this very run.
    pub(crate) ours: Option<External>,
}

/// What a search for our pipeline brought.
pub(crate) enum Found {
    /// It is this one.
    One(External),
    /// It could be any of these many.
    Several(usize),
    /// It is not there yet, or cannot be told from others.
    Nothing,
}

/// How sure the runner is that there is something to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The system has confirmed that it started.
    Confirmed,
    /// Nobody knows: only what carries our mark is ours.
    InDoubt,
}

/// A pipeline of a system, ready to be started for one run.
pub(crate) trait Pipeline: Sync {
    /// How it is spoken of.
    const WORDS: Words;

    /// Which pipeline it is, for logs. Runs that start the same one take turns.
    fn place(&self) -> String;

    /// What is there before anything is started.
    fn before(&self) -> impl Future<Output = Result<Before, Trouble>> + Send;

    /// Starts it, once. Tells which run it is, where the system says so.
    fn start(&self) -> impl Future<Output = Result<Option<External>, Trouble>> + Send;

    /// Looks for the run that was started after `newest` was the newest.
    fn find(&self, newest: u64, start: Start) -> impl Future<Output = Result<Found, Trouble>> + Send;
}

/// A pipeline whose end the runner can see.
pub(crate) trait Followed: Pipeline {
    /// How it stands.
    fn look(&self, external: &External) -> impl Future<Output = Result<View, Trouble>> + Send;

    /// Asks the system to stop it. Saying it twice does no harm.
    fn cancel(&self, external: &External) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// How a pipeline stands.
pub(crate) struct View {
    /// Its jobs or stages.
    pub(crate) steps: Vec<OutsideStep>,
    /// Whether it is over, and how it ended.
    pub(crate) end: Option<End>,
}

/// How a pipeline ended.
pub(crate) enum End {
    /// All is done.
    Good,
    /// Anything else, in the system's own word.
    Bad(String),
}
