//! A short seeded round of what `make chaos` does for as long as one likes: real servers, real runners and the real
//! OpenTofu under every kind of fault. `STOA_TEST_SEED` repeats a round.

use crate::process::PROGRAM;
use crate::runners::tofu;
use crate::stoa::Stoa;
use std::sync::Arc;
use std::time::Duration;
use stoa_chaos::faults::Fault;
use stoa_chaos::random::Random;
use stoa_chaos::round::{Plan, Round};
use stoa_db::Engine;

async fn short_round(engine: Engine, servers: usize) {
    let random = Random::seeded();
    let plan = Plan {
        stoa: PROGRAM.into(),
        tofu: tofu(),
        engine,
        servers,
        workers: 2,
        seed: random.seed(),
        duration: Duration::from_secs(10),
        longest_fault: Duration::from_millis(1500),
        calm: Duration::from_secs(1),
        clients: 4,
        pace: Duration::from_millis(1200),
        faults: Fault::ALL.to_vec(),
    };
    let Some(mut round) = Round::prepare(plan).await.unwrap() else { return };
    round.torment().await.unwrap();
    // In the end a server serves whose clock moves: a claim that got lost is missed after ten minutes only.
    round.hand_over().unwrap();
    let stoa = Stoa::with(Arc::clone(&round.database), Arc::clone(&round.folder), |_| {}).await;
    round.lead_to(stoa.running.address);
    let patience = Duration::from_secs(90);
    let verdict = round.settle(patience, || stoa.advance(Duration::from_secs(61))).await.unwrap();
    assert!(verdict.is_clean(), "{verdict}");
    assert!(verdict.executions > 3, "too little was done to say anything: {verdict}");
    assert_eq!(verdict.faults.len(), Fault::ALL.len(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_of_every_fault_on_sqlite_loses_doubles_and_blocks_nothing() {
    short_round(Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_of_every_fault_on_two_servers_and_postgresql_loses_doubles_and_blocks_nothing() {
    short_round(Engine::Postgres, 2).await;
}
