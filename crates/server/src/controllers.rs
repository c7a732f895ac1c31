//! The loops beside the API: controllers that look at due work, and on PostgreSQL the sequencer of the feed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use stoa_core::keys::ring;
use stoa_core::work::{self, Claimed, Look};
use stoa_core::{Call, Error, Outcome, blobs, feed};
use stoa_db::Tx;
use stoa_web::App;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longest time without looking for work: other processes may have left some.
const IDLE: Duration = Duration::from_secs(1);
/// Pause of the sequencer when nothing was committed here.
const SEQUENCER_IDLE: Duration = Duration::from_millis(20);
const HOUSEKEEPING: Duration = Duration::from_mins(10);

type Controllers = HashMap<&'static str, Look>;

/// Looks at due work until told to stop.
pub async fn work(app: Arc<App>, stop: CancellationToken) {
    let controllers: Arc<Controllers> = Arc::new(crate::assembly::controllers().collect());
    let mut bell = app.bell.listen();
    while !stop.is_cancelled() {
        bell.mark_unchanged();
        match look_once(&app, &controllers).await {
            Ok(true) => {}
            Ok(false) => {
                let wait = next_due(&app).await.min(IDLE);
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = timeout(wait, bell.changed()) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "looking for work failed");
                sleep(IDLE).await;
            }
        }
    }
}

async fn next_due(app: &App) -> Duration {
    let now = app.world.clock.now();
    match app.db.read(work::next_due).await {
        Ok(Some(due)) => due.since(now),
        _ => IDLE,
    }
}

/// Claims one piece of work, does it and ends the claim, all in one transaction.
async fn look_once(app: &Arc<App>, controllers: &Arc<Controllers>) -> Outcome<bool> {
    let now = app.world.clock.now();
    if !app.db.read(move |tx| Ok::<_, Error>(work::next_due(tx)?.is_some_and(|due| due <= now))).await? {
        return Ok(false);
    }
    let (world, by_name) = (Arc::clone(&app.world), Arc::clone(controllers));
    let attempt = app
        .db
        .write(move |tx| {
            let call = Call::by_system(&world, "controller");
            let Some(claimed) = work::claim(tx, call.now)? else { return Ok(Ok(false)) };
            let Some(look) = by_name.get(claimed.controller.as_str()) else {
                // Another version of Stoa knows it; it stays for them.
                work::postpone(tx, &claimed, call.now)?;
                return Ok(Ok(true));
            };
            match tx.attempt(|tx| look(tx, &call, &claimed.key)) {
                Ok(next) => {
                    work::finish(tx, &claimed, next)?;
                    Ok::<_, Error>(Ok(true))
                }
                Err(error) => {
                    work::postpone(tx, &claimed, call.now)?;
                    Ok(Err((claimed, error)))
                }
            }
        })
        .await?;
    if let Err((Claimed { controller, key, attempts, .. }, error)) = attempt {
        tracing::error!(controller, key, attempts, %error, "a controller failed; it looks again later");
        return Ok(true);
    }
    Ok(attempt.unwrap_or(true))
}

/// Numbers events after their commit, as long as this process lives. Any number of processes may do it.
pub async fn sequence(app: Arc<App>, nudge: Arc<Notify>, stop: CancellationToken) {
    let mut newest = 0;
    while !stop.is_cancelled() {
        // Looking costs no commit: a commit would nudge us again.
        match app.db.read(|tx| Ok::<_, Error>((feed::is_behind(tx)?, feed::newest(tx)?))).await {
            Ok((false, seq)) if seq == newest => {}
            Ok((false, seq)) => {
                // Another process numbered what readers here wait for.
                newest = seq;
                app.bell.ring();
            }
            Ok((true, _)) => match app.db.write(number).await {
                Ok(seq) => {
                    newest = seq;
                    continue;
                }
                Err(error) => tracing::warn!(%error, "numbering events failed"),
            },
            Err(error) => tracing::warn!(%error, "looking for events without a number failed"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = timeout(SEQUENCER_IDLE, nudge.notified()) => {}
        }
    }
}

fn number(tx: &mut Tx) -> Outcome<i64> {
    feed::sequence(tx)?;
    feed::newest(tx)
}

/// Drops what expired, now and then.
pub async fn housekeeping(app: Arc<App>, stop: CancellationToken) {
    loop {
        let now = app.world.clock.now();
        if let Err(error) = app.db.write(move |tx| blobs::expire(tx, now)).await {
            tracing::warn!(%error, "dropping expired blobs failed");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(HOUSEKEEPING) => {}
        }
    }
}

/// Says that this server holds the key ring, and loads new generations before they are used: only where several
/// servers share a database.
pub async fn hold_ring(app: Arc<App>, stop: CancellationToken) {
    let server = stoa_base::new_uuid().to_string();
    let mut was_refused = false;
    while !stop.is_cancelled() {
        let (world, name) = (Arc::clone(&app.world), server.clone());
        let beat = app.db.write(move |tx| ring::beat(tx, world.clock.now(), &world.vault, &name)).await;
        match beat {
            Ok(Ok(())) => was_refused = false,
            Ok(Err(_)) if was_refused => {}
            Ok(Err(_)) => {
                was_refused = true;
                tracing::warn!(
                    "the key ring is wrapped by another master key now; start this server again with it"
                );
            }
            Err(error) => tracing::warn!(%error, "loading the key ring failed"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(ring::HEARTBEAT) => {}
        }
    }
    let now = app.world.clock.now();
    if let Err(error) = app.db.write(move |tx| ring::leave(tx, now, &server)).await {
        tracing::warn!(%error, "leaving the key ring failed");
    }
}
