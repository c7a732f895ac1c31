//! Words every crate of Stoa shares: ids, names, moments, refusals. No I/O, nothing asynchronous.

mod id;
mod moment;
mod name;
mod refusal;

pub use id::{ObjectId, RunId, new_uuid};
pub use moment::{Day, Moment};
pub use name::{BadName, check_identifier, check_key, is_email};
pub use refusal::Refusal;
