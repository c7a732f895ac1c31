//! The 22 conformance checks of `runner-protocol.md` §18, one test each.

mod claims;
mod reports;
mod surroundings;
