//! A workspace (panel.md §4.1): everything at a glance, its people, keys, settings and history.

mod access;
mod binding;
mod deletion;
pub mod events;
mod groups;
mod keys;
mod overview;
mod settings;
pub mod team;

use crate::Pages;
use crate::ctx::Ctx;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::{get, post};

/// The frame of the pages about people.
fn access_shell(ctx: &Ctx) -> Shell {
    let shell = ctx.shell(tr("Access"));
    let at = |tail: &str| shell.at(tail);
    let (people, groups, expiring) = (at("/access"), at("/access/groups"), at("/access/expiring"));
    shell
        .clone()
        .tab(tr("People"), people)
        .tab(tr("Groups"), groups)
        .tab(tr("Expired and expiring"), expiring)
}

/// The frame of the settings.
fn settings_shell(ctx: &Ctx) -> Shell {
    let shell = ctx.shell(tr("Settings"));
    let (general, tags, deletion) =
        (shell.at("/settings"), shell.at("/settings/tags"), shell.at("/settings/deletion"));
    let shell = shell.tab(tr("General"), general).tab(tr("Tags"), tags);
    if ctx.may("WORKSPACE_DELETE") { shell.tab(tr("Deletion"), deletion) } else { shell }
}

/// The pages.
pub fn pages() -> Pages {
    let at = |tail: &str| format!("/w/{{workspace}}{tail}");
    Pages::new()
        .route(&at(""), get(overview::overview))
        .route(&at("/access"), get(access::list).post(access::add))
        .route(&at("/access/new"), get(access::new))
        .route(&at("/access/bulk"), post(access::bulk))
        .route(&at("/access/groups"), get(groups::list))
        .route(&at("/access/expiring"), get(access::expiring))
        .route(&at("/access/{kind}/{binding}"), get(binding::show).post(binding::change))
        .route(&at("/access/{kind}/{binding}/remove"), post(binding::remove))
        .route(&at("/access/keys"), get(keys::list).post(keys::create))
        .route(&at("/access/keys/new"), get(keys::new))
        .route(&at("/access/keys/{key}"), get(keys::show).post(keys::change))
        .route(&at("/access/keys/{key}/rotate"), post(keys::rotate))
        .route(&at("/access/keys/{key}/revoke"), post(keys::revoke))
        .route(&at("/settings"), get(settings::general).post(settings::save))
        .route(&at("/settings/tags"), get(settings::tags).post(settings::save_tags))
        .route(&at("/settings/deletion"), get(deletion::show).post(deletion::delete))
        .route(&at("/compliance/events"), get(events::list))
}
