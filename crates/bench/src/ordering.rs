//! Orders: a block with its run, references, facets, history and events, written at once.

use crate::figures::{Latencies, Pairs};
use crate::installation::Installation;
use crate::pace::Pace;
use crate::rows::Rows;
use crate::server::Server;
use std::sync::Arc;

/// Connections that order at once.
pub const CONNECTIONS: usize = 32;

/// Orders per second, beside bare rows per second, and single orders.
pub async fn orders(
    server: &Server,
    installation: &Arc<Installation>,
    rows: &Rows,
    pace: Pace,
) -> anyhow::Result<(Pairs, Latencies)> {
    let (mut pairs, mut latencies) = (Pairs::default(), Latencies::default());
    for number in 0..pace.warm_ups + pace.rounds {
        let is_warm_up = number < pace.warm_ups;
        let span = if is_warm_up { pace.warm_up } else { pace.span };
        let done = installation.order_while(server, CONNECTIONS, span, pace.orders_max).await?;
        let bare = rows.write(CONNECTIONS, 1, span).await?;
        if !is_warm_up {
            pairs.add(done.rate(), bare.rate());
            latencies.extend(&done.latencies);
        }
    }
    Ok((pairs, latencies))
}
