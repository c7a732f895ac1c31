//! Closed loops: every caller waits for its answer before it asks again.

use crate::figures::Latencies;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How much longer than planned a round may last before the bench gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came out of a round.
#[derive(Debug, Default)]
pub struct Done {
    /// How often callers got through.
    pub count: usize,
    /// From the first question to the last answer.
    pub took: Duration,
    /// Each time.
    pub latencies: Latencies,
}

impl Done {
    /// How often per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Runs each caller until the span is over. A caller is a closure that asks once; its future owns what it needs
/// and gives it back, with whether to go on.
pub async fn round<S, F, A>(callers: Vec<S>, span: Duration, ask: F) -> anyhow::Result<(Done, Vec<S>)>
where
    S: Send + 'static,
    F: Fn(S) -> A + Clone + Send + 'static,
    A: Future<Output = anyhow::Result<(S, bool)>> + Send,
{
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let ask = ask.clone();
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            let mut count = 0;
            while begun.elapsed() < span {
                let asked = Instant::now();
                let (back, more) = ask(caller).await?;
                caller = back;
                if !more {
                    break;
                }
                latencies.add(asked.elapsed());
                count += 1;
            }
            anyhow::Ok((caller, count, latencies))
        });
    }
    let mut done = Done::default();
    let mut back = Vec::new();
    let collected = async {
        while let Some(task) = tasks.join_next().await {
            let (caller, count, latencies) = task??;
            back.push(caller);
            done.count += count;
            done.latencies.extend(&latencies);
        }
        anyhow::Ok(())
    };
    timeout(span + PATIENCE, collected).await??;
    done.took = begun.elapsed();
    Ok((done, back))
}
