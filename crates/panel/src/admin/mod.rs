//! The administration (panel.md §8): the dashboard, and what it looks after. Most pages are those of
//! [`crate::generic`]; [`kinds`] says what they show.

mod access;
mod dashboard;
pub mod event;
mod kinds;
mod settings;
mod tag;
mod user;
mod workspace;

use crate::Pages;
use crate::generic::pages;

/// The pages.
pub fn pages() -> Pages {
    let all = kinds::all().into_iter().map(pages::of);
    all.fold(Pages::new(), Pages::merge)
        .merge(access::pages())
        .merge(dashboard::pages())
        .merge(event::pages())
        .merge(settings::pages())
        .merge(tag::pages())
        .merge(user::pages())
        .merge(workspace::pages())
}
