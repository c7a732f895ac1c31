//! People: how they sign in, what their sessions are worth, and what their roles let them do.

mod local;
mod roles;
mod sessions;
