//! The corners of the run protocol: `runner-protocol.md` section by section, beyond its own checks.

mod aborts;
mod deadlines;
mod fencing;
mod manual;
mod oddities;
mod plans;
mod previews;
mod reports;
mod sources;
mod states;
mod tokens;
