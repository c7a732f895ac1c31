//! What a page needs to know of a kind that the API does not say.

use super::document::{Cell, Look};
use crate::api::{segment, text_at};
use crate::ctx::Ctx;
use serde_json::Value;

/// A column of a list, beside the name.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its heading.
    pub label: &'static str,
    /// Where the value stands.
    pub pointer: &'static str,
    /// How it is shown.
    pub look: Look,
}

/// A choice above a list.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The API's name of the filter, also in the address.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Values and what they are called; none for a text.
    pub options: Vec<(&'static str, &'static str)>,
}

/// A kind as its pages show it.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Name in the API.
    pub name: &'static str,
    /// Last segments of the collection's path.
    pub collection: &'static str,
    /// Path of the list page.
    pub path: &'static str,
    /// Heading of the list.
    pub title: &'static str,
    /// One of them, as the button says that makes it.
    pub new: &'static str,
    /// Icon of the sprite.
    pub icon: &'static str,
    /// Where people's name for it stands.
    pub label: &'static str,
    /// Where its identifier stands, if it has one beside the uuid.
    pub identifier: &'static str,
    /// Columns after the name.
    pub columns: Vec<Column>,
    /// Filters above the list.
    pub choices: Vec<Choice>,
    /// Permission codes to read, to write and to delete.
    pub codes: [&'static str; 3],
    /// Whether it can be changed once it is there.
    pub may_change: bool,
    /// Whether pages make it.
    pub may_create: bool,
    /// Whether it carries tags.
    pub is_taggable: bool,
    /// Whether deleting asks for its name.
    pub is_weighty: bool,
    /// What stands in an empty list.
    pub empty: &'static str,
    /// What follows from deleting one.
    pub consequence: &'static str,
}

impl Kind {
    /// Path of the collection in the API.
    pub fn api(&self) -> String {
        format!("/api/meshobjects/{}", self.collection)
    }

    /// Path of one object in the API.
    pub fn api_of(&self, id: &str) -> String {
        format!("{}/{}", self.api(), segment(id))
    }

    /// What the API's path names an object by.
    pub fn id_of(&self, object: &Value) -> String {
        let link = text_at(object, "/_links/self/href");
        let id = link.rsplit('/').next().unwrap_or_default();
        percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned()
    }

    /// What people call an object.
    pub fn name_of(&self, object: &Value) -> String {
        let both = format!("{} {}", text_at(object, "/spec/firstName"), text_at(object, "/spec/lastName"));
        let label = text_at(object, self.label);
        match (label, both.trim()) {
            ("", "") => self.id_of(object),
            ("", both) => both.to_owned(),
            (label, _) => label.to_owned(),
        }
    }

    /// Path of an object's page.
    pub fn page_of(&self, id: &str) -> String {
        format!("{}/{}", self.path, segment(id))
    }

    /// Path that forms about several objects go to.
    pub fn bulk(&self) -> String {
        self.path.replacen("/admin/", "/admin/bulk/", 1)
    }

    /// Whether they may change objects of it.
    pub fn is_writable(&self, ctx: &Ctx) -> bool {
        ctx.may(self.codes[1])
    }

    /// Whether they may delete them.
    pub fn is_deletable(&self, ctx: &Ctx) -> bool {
        ctx.may(self.codes[2])
    }

    /// A row's cells.
    pub fn cells(&self, object: &Value) -> Vec<Cell> {
        self.columns
            .iter()
            .map(|column| Cell::of(object.pointer(column.pointer).unwrap_or(&Value::Null), column.look))
            .collect()
    }
}
