//! What starting, stopping and speaking to a server under test needs, for this bench and for tests with faults.

pub mod http1;
pub mod server;
