//! Pages of kinds that have none of their own: a list, an object with its history and source, and forms made from the
//! schema that the server publishes. A kind says in [`kind`] what is special about it.

mod bulk;
pub mod document;
mod export;
mod fields;
pub mod kind;
pub mod pages;
mod schema;
mod source;

pub use document::{Cell, Change, Fact, Group, changes, groups, history_of};
pub use kind::{Column, Kind};
