//! What every kind leans on: the store of declared objects, references, history, the change feed, the work
//! queue, who may do what, secrets and blobs. Knows nothing of HTTP.

pub mod actor;
pub mod blobs;
pub mod call;
pub mod collections;
pub mod document;
pub mod feed;
pub mod followers;
pub mod guard;
pub mod keys;
pub mod labels;
pub mod listing;
pub mod objects;
pub mod outcome;
pub mod permission;
pub mod schema;
pub mod secrets;
pub mod tags;
pub mod waiting;
pub mod work;
pub mod world;

pub use actor::{Actor, Principal};
pub use call::Call;
pub use document::Document;
pub use guard::{Allowed, Scope};
pub use outcome::{Error, Fault, Outcome};
pub use permission::{Action, Permission, PermissionSet, Resource};
pub use world::{Settings, World};
