//! Waiting for what happens by itself.

use crate::stoa::PATIENCE;
use std::time::{Duration, Instant};

/// Waits until `holds`, and fails with `what` when it does not come to pass.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "it did not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
