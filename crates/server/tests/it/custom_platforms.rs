//! A platform of one's own, for real (`domain-platforms.md` §9): the service in `examples/custom-platform`, its connector
//! module run by OpenTofu, the runner inside the server.

mod access;
mod connection;
mod deletion;
mod failure;
mod people;
mod provisioning;
mod quotas;
mod spaces;
mod stage;

/// Runs a test on both engines, on a [`stage::Stage`].
macro_rules! on_stage {
    ($($(#[$meta:meta])* async fn $name:ident($stage:ident) $body:block)*) => { $(
        mod $name {
            use super::*;

            $(#[$meta])*
            async fn check($stage: $crate::custom_platforms::stage::Stage) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                use $crate::custom_platforms::stage::Stage;
                if let Some(stage) = Stage::on(stoa_db::Engine::Sqlite).await { check(stage).await; }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                use $crate::custom_platforms::stage::Stage;
                if let Some(stage) = Stage::on(stoa_db::Engine::Postgres).await { check(stage).await; }
            }
        }
    )* };
}
use on_stage;
