//! Whole-system tests: a real server on a real port and a real database, spoken to over HTTP. Each test runs on
//! SQLite, and on PostgreSQL when `STOA_TEST_POSTGRES` names a server.

#![expect(
    clippy::pedantic,
    reason = "tests are stories: constants where they are needed, spans as the spec says"
)]
#![expect(clippy::unwrap_used, reason = "the answer of a test to an error is a panic")]

mod access;
mod bad_input;
mod behaviours;
mod block_kinds;
mod canary;
mod chaos;
mod claimed;
mod cli;
mod conformance;
mod core_kinds;
mod custom_platforms;
mod database_away;
mod faults;
mod full_disk;
mod histories;
mod import;
mod isolation;
mod keys;
mod listening;
mod live;
mod logging;
mod lost_leases;
mod outward;
mod panel;
mod patience;
mod pipelines;
mod platform_kinds;
mod process;
mod protocol;
mod queue;
mod round_trips;
mod run_stream;
mod runners;
mod runs;
mod search;
mod seeds;
mod siblings;
mod signing_in;
mod starting;
mod statements;
mod stoa;
mod stopping;
#[expect(dead_code, reason = "the runner's own tests use the rest")]
#[path = "../../../runner/tests/systems/mod.rs"]
mod systems;
mod tenants;
mod transcripts;
mod unruly;
mod upgrade;
