//! The running application: database, installation, routes.

use crate::credential::Credential;
use crate::metrics::Metrics;
use crate::openapi::Schemas;
use crate::route::Router;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stoa_base::Moment;
use stoa_core::feed::Bell;
use stoa_core::{Actor, Outcome, World};
use stoa_db::{Db, Tx};

/// Turns a credential into an actor, or refuses it. The area `identity` provides it.
pub trait Authenticator: Send + Sync {
    /// Who this is. `by_password` allows bearer tokens as Basic passwords.
    fn authenticate(
        &self,
        tx: &mut Tx,
        world: &World,
        now: Moment,
        credential: &Credential,
        by_password: bool,
    ) -> Outcome<Actor>;

    /// Refuses what cannot be valid without asking the database, so that nobody uploads for nothing.
    fn precheck(&self, world: &World, now: Moment, credential: &Credential) -> Outcome<()>;

    /// Whether it is time to [`Self::touch`] what this credential stands for.
    fn is_due(&self, now: Moment, credential: &Credential) -> bool;

    /// Notes that a credential was used.
    fn touch(&self, tx: &mut Tx, world: &World, now: Moment, credential: &Credential) -> Outcome<()>;
}

/// The application that requests meet.
pub struct App {
    /// The database.
    pub db: Db,
    /// The installation.
    pub world: Arc<World>,
    /// Wakes readers of the feed.
    pub bell: Bell,
    /// Who is who.
    pub authenticator: Arc<dyn Authenticator>,
    /// Where requests go.
    pub router: Router,
    /// Schemas of the API description.
    pub schemas: Schemas,
    /// Figures about itself.
    pub metrics: Metrics,
    /// Set once it is stopping: readiness says so.
    pub draining: AtomicBool,
    /// Set once nothing is served any more: event streams end.
    pub closing: AtomicBool,
}
