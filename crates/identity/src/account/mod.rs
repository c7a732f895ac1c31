//! Local accounts: people who sign in with a password that Stoa keeps. They are how an installation begins and what
//! it falls back on; they can be switched off.

mod attempts;
mod link;
mod password;
mod routes;
mod sign_in;
mod store;

pub use link::{Purpose, offer, works};
pub use routes::{not_a_person, routes, schemas, set_cookie, signed_in};
pub use sign_in::admit;
pub use store::forget;
