//! The runner: it claims runs of building blocks over HTTP, executes OpenTofu for them, and reports while it happens.
//!
//! It knows the server only through [`stoa_client`], whether it runs beside it in one process or far away. Each run
//! has a private folder that is wiped in the end, a clean environment, a process group and resource limits of its own,
//! and namespaces where the kernel has them; after the claim, only the run's own token is used. What is said about a run is kept on disk until the server has
//! acknowledged it.
//!
//! A run's way through this crate: [`run`] claims it, `work` frames it with folder, reports and last word, `dispatch`
//! chooses who does it, `tofu`, `manual`, `github`, `gitlab` and `azure` do it; `pipeline` is what the last three
//! share.

mod azure;
mod config;
mod dispatch;
mod environment;
mod error;
mod failure;
mod folder;
mod git;
mod github;
mod gitlab;
mod init;
mod inputs;
mod isolation;
mod journal;
mod log;
mod look;
mod manual;
mod pipeline;
mod process;
mod progress;
mod redact;
mod service;
mod stop;
mod tofu;
mod wake;
mod work;

pub use config::{Binaries, Config, Limits, ManualRuns};
pub use error::RunnerError;
pub use init::{NewRunner, init};
pub use isolation::{COMMAND as CONFINE, Isolation, confine};
pub use look::{Near, look};
pub use service::run;
