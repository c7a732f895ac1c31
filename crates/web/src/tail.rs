//! The newest events of the feed, read once for all streams that follow it.

use std::collections::VecDeque;
use std::sync::Arc;
use stoa_core::Outcome;
use stoa_core::feed::{self, Event};
use stoa_db::Db;
use tokio::sync::Mutex;

/// How many events are kept. Whoever is further behind reads for itself.
const KEPT: i64 = 500;

/// The newest events. Two hundred browsers that wait for the same change cost one read of the feed, not two hundred.
#[derive(Default)]
pub struct Tail(Mutex<Newest>);

#[derive(Default)]
struct Newest {
    /// Up to which ring of the bell the feed was read.
    heard: Option<u64>,
    /// Everything after this place is here.
    from: i64,
    /// Up to this place.
    upto: i64,
    events: VecDeque<Arc<Event>>,
}

impl Tail {
    /// Events after a place in the feed, at least those of this ring of the bell; none where the place is further behind
    /// than what is kept.
    pub async fn after(&self, db: &Db, ring: u64, seq: i64) -> Outcome<Option<Vec<Arc<Event>>>> {
        let mut newest = self.0.lock().await;
        if newest.heard.is_none_or(|heard| heard < ring) {
            let upto = newest.upto;
            let (now, read) = db
                .read(move |tx| {
                    let now = feed::newest(tx)?;
                    // After a long silence nobody here needs what happened in it.
                    let read =
                        if now - upto > KEPT { Vec::new() } else { feed::after(tx, upto, None, KEPT)? };
                    Ok::<_, stoa_core::Error>((now, read))
                })
                .await?;
            newest.take(now, read);
            newest.heard = Some(ring);
        }
        if seq < newest.from {
            return Ok(None);
        }
        let first = newest.events.partition_point(|event| event.seq <= seq);
        Ok(Some(newest.events.range(first..).cloned().collect()))
    }
}

impl Newest {
    fn take(&mut self, now: i64, read: Vec<Event>) {
        if now - self.upto > KEPT {
            self.events.clear();
            self.from = now;
        }
        self.events.extend(read.into_iter().map(Arc::new));
        while i64::try_from(self.events.len()).is_ok_and(|count| count > KEPT) {
            self.from = self.events.pop_front().map_or(self.from, |event| event.seq);
        }
        self.upto = now;
    }
}
