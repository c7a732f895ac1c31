//! Whole-system tests: a real server on a real port and a real database, spoken to over HTTP. Each test runs on
//! SQLite, and on PostgreSQL when `STOA_TEST_POSTGRES` names a server.

mod access;
mod bad_input;
mod behaviours;
mod block_kinds;
mod claimed;
mod conformance;
mod core_kinds;
mod faults;
mod live;
mod protocol;
mod runs;
mod statements;
mod stoa;
