//! Tokens we sign: what they say, and nothing about whether it still holds (`api-core.md` §2.2 and §2.8).

use serde::{Deserialize, Serialize};
use stoa_base::{Moment, ObjectId, RunId};
use stoa_core::{Outcome, World};

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "typ", rename_all = "kebab-case")]
pub enum Claims {
    /// An access token of an API key.
    Access {
        /// The key.
        sub: ObjectId,
        /// Seconds since the epoch.
        exp: i64,
    },
    /// A run token.
    Run {
        /// The run.
        run: RunId,
        /// Its block.
        block: ObjectId,
        /// The consuming workspace.
        workspace: String,
        /// The claim it was minted for.
        epoch: i64,
        /// Hard limit, 24 hours after the claim.
        exp: i64,
    },
    /// An ephemeral API token of a run.
    RunApi {
        /// The run.
        run: RunId,
        /// The consuming workspace.
        workspace: String,
        /// Permission codes of the definition version.
        permissions: Vec<String>,
        /// Hard limit, 24 hours after the claim.
        exp: i64,
    },
}

impl Claims {
    /// When the token is over, whatever else holds.
    pub fn ends(&self) -> Moment {
        let (Self::Access { exp, .. } | Self::Run { exp, .. } | Self::RunApi { exp, .. }) = self;
        Moment::from_micros(exp.saturating_mul(1_000_000))
    }

    /// The signed token.
    pub fn sign(&self, world: &World) -> Outcome<String> {
        world.vault.sign(self)
    }
}
