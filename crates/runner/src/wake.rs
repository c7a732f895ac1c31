//! The ear at the server's change feed: work that appears is asked for at once. Asking from time to time goes on
//! without it.

use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_client::runs::RunnerApi;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Pauses before the feed is opened again: from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Pause after the server said that there is no feed for us.
const NO_FEED: Duration = Duration::from_mins(1);

/// Notifies `wake` of everything that concerns this runner, until `shutdown`.
pub(crate) async fn listen(api: &RunnerApi, runner_uuid: &str, wake: &Notify, shutdown: &CancellationToken) {
    tokio::select! {
        () = listen_forever(api, runner_uuid, wake) => {}
        () = shutdown.cancelled() => {}
    }
}

async fn listen_forever(api: &RunnerApi, runner_uuid: &str, wake: &Notify) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut feed = api.wake_ups(runner_uuid).await;
        // Something may have happened while nobody listened.
        wake.notify_one();
        let mut was_open = false;
        while let Some(event) = feed.next().await {
            match event {
                Ok(_) => {
                    was_open = true;
                    wake.notify_one();
                }
                Err(error) => {
                    if matches!(error.status(), Some(400..=499)) {
                        tracing::debug!(%error, "no wake-ups from the server");
                        pause = NO_FEED;
                    }
                    break;
                }
            }
        }
        sleep(pause).await;
        pause = if was_open { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
    }
}
