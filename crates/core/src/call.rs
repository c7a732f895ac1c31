//! One call: who, when, under which request id, in which installation.

use crate::actor::Actor;
use crate::world::World;
use std::sync::Arc;
use stoa_base::Moment;

/// What every operation is told about the call it serves.
#[derive(Clone)]
pub struct Call {
    /// Who is calling.
    pub actor: Actor,
    /// When; operations never ask the system clock.
    pub now: Moment,
    /// The request id, which the caller and the log see too.
    pub request: String,
    /// The installation.
    pub world: Arc<World>,
}

impl Call {
    /// A call that Stoa makes by itself, on behalf of `request`.
    pub fn by_system(world: &Arc<World>, request: impl Into<String>) -> Self {
        Self {
            actor: Actor::system(),
            now: world.clock.now(),
            request: request.into(),
            world: Arc::clone(world),
        }
    }

    /// The same call, made by Stoa: for what follows from the caller's deed without being theirs.
    #[must_use]
    pub fn as_system(&self) -> Self {
        Self { actor: Actor::system(), ..self.clone() }
    }

    /// An absolute link: the public base URL with `path` behind it.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.world.settings.public_url)
    }
}
