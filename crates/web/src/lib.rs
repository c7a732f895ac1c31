//! HTTP dress shared by all kinds: routing, credentials, media types, paging, problems, event streams, the
//! API description. Knows no SQL and no kind.

pub mod app;
pub mod body;
pub mod credential;
pub mod dispatch;
pub mod events;
pub mod finding;
pub mod hal;
pub mod import;
pub mod kind;
pub mod media;
pub mod metrics;
pub mod openapi;
pub mod outgoing;
pub mod problem;
pub mod request;
pub mod route;
pub mod system;

pub use app::App;
pub use kind::Kind;
pub use request::{Reply, Request};
pub use route::{Accept, Access, Route, Takes};
