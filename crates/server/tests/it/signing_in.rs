//! People: how they sign in, what their sessions are worth, and what their roles let them do.

mod attacks;
mod browser;
mod local;
mod oidc;
mod pages;
mod roles;
mod sessions;
