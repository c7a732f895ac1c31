//! Tenants: their life on platforms of every kind (`api-platforms.md` §7, `domain-platforms.md` §5, §8, §9).

mod admission;
mod blocks;
mod deletion;
mod life;
mod people;
mod quotas;
pub mod stage;
mod views;
