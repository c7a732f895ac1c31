//! A wire that can be cut: a TCP proxy on an address of its own, in front of one of several places.

use anyhow::Context;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Bytes go through.
    Whole,
    /// Connections break, and new ones are closed at once.
    Cut,
    /// Nothing breaks and nothing goes through, as when packets are dropped.
    Silent,
}

/// A proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    wire: watch::Sender<Wire>,
    places: Arc<Mutex<Vec<SocketAddr>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    pub async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a proxy needs a port")?;
        let address = listener.local_addr()?;
        let (wire, state) = watch::channel(Wire::Whole);
        let places: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&places);
        let accepting = tokio::spawn(async move {
            let turn = AtomicUsize::new(0);
            while let Ok((incoming, _)) = listener.accept().await {
                let place = {
                    let places = known.lock().unwrap_or_else(PoisonError::into_inner);
                    let turn = turn.fetch_add(1, Ordering::Relaxed);
                    places.get(turn % places.len().max(1)).copied()
                };
                tokio::spawn(carry(incoming, place, state.clone()));
            }
        });
        Ok(Self { address, wire, places, accepting })
    }

    /// New connections lead to one of these, in turn.
    pub fn lead_to(&self, places: Vec<SocketAddr>) {
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = places;
    }

    /// Cuts the wire, or mends it.
    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// Base URL of what is behind it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.wire.send_replace(Wire::Cut);
    }
}

/// Carries one connection as long as the wire is whole. What stood still is broken when the wire is mended: its
/// packets are lost.
async fn carry(mut incoming: TcpStream, place: Option<SocketAddr>, mut state: watch::Receiver<Wire>) {
    if *state.borrow_and_update() == Wire::Silent {
        // It was accepted, and hears nothing until something changes.
        let _ = state.changed().await;
        return;
    }
    let Some(place) = place.filter(|_| *state.borrow() == Wire::Whole) else { return };
    let carrying = async {
        if let Ok(mut outgoing) = TcpStream::connect(place).await {
            let _ = incoming.set_nodelay(true);
            let _ = outgoing.set_nodelay(true);
            // Either side may break off at any time; that is what this is for.
            let _ = copy_bidirectional(&mut incoming, &mut outgoing).await;
        }
    };
    tokio::pin!(carrying);
    tokio::select! {
        () = &mut carrying => return,
        _ = state.changed() => {}
    }
    if *state.borrow_and_update() == Wire::Silent {
        let _ = state.changed().await;
    }
}
