//! A list as its address says it: page, search, filters. The address alone determines what is shown.

use crate::api::{self, Listed};
use crate::ctx::Ctx;
use std::borrow::Borrow;

/// Rows of a list that nobody has asked to be longer.
pub const ROWS: u64 = 25;

/// What a list page shows around its rows.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The page's own path, without query.
    pub path: String,
    /// All pairs of the query but the page.
    pub query: Vec<(String, String)>,
    /// Zero-based number of the page.
    pub number: u64,
    /// Number of pages.
    pub pages: u64,
    /// How many objects there are.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Rows on this page.
    pub shown: u64,
}

impl Listing {
    /// What the address of a list asks for: the API's path with its filters. `filters` are pairs of the name in the
    /// address and the API's name; search is `q` in both.
    pub fn ask(ctx: &Ctx, path: &str, filters: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, String)> = filters
            .iter()
            .filter_map(|(ours, theirs)| Some((*theirs, ctx.query(ours)?.to_owned())))
            .collect();
        let number = ctx.query("page").and_then(|page| page.parse::<u64>().ok()).unwrap_or(1).max(1) - 1;
        let size = ctx.query("size").and_then(|size| size.parse::<u64>().ok()).filter(|size| *size > 0);
        pairs.push(("q", ctx.query("q").unwrap_or_default().to_owned()));
        pairs.push(("page", if number == 0 { String::new() } else { number.to_string() }));
        pairs.push(("size", size.unwrap_or(ROWS).min(200).to_string()));
        api::with_query(path, pairs)
    }

    /// The list around what was found.
    pub fn of(ctx: &Ctx, found: &Listed) -> Self {
        let kept = |(name, value): &&(String, String)| !value.is_empty() && name != "page";
        Self {
            path: ctx.path.clone(),
            query: ctx.pairs.iter().filter(kept).cloned().collect(),
            number: found.number,
            pages: found.pages,
            total: found.total,
            more: found.more,
            shown: found.items.len() as u64,
        }
    }

    /// The address of another page, counted from 1.
    pub fn page(&self, number: impl Borrow<u64>) -> String {
        let number = *number.borrow();
        let number = if number <= 1 { String::new() } else { number.to_string() };
        let pairs = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        api::with_query(&self.path, pairs.chain([("page", number.as_str())]))
    }

    /// The address without one filter.
    pub fn without(&self, name: &str) -> String {
        let pairs = self.query.iter().filter(|(key, _)| key != name);
        api::with_query(&self.path, pairs.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The address with one filter set to a value, or without it when that is its value.
    pub fn toggled(&self, name: &str, value: &str) -> String {
        let is_on = self.value(name) == value;
        let pairs = self.query.iter().filter(|(key, _)| key != name);
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
        api::with_query(&self.path, pairs.chain([(name, if is_on { "" } else { value })]))
    }

    /// The value of a filter; empty when it is not set.
    pub fn value(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether anything narrows the list.
    pub fn is_filtered(&self) -> bool {
        self.query.iter().any(|(name, _)| !matches!(name.as_str(), "size" | "tab" | "sort"))
    }

    /// Filters that are set, to be shown as chips.
    pub fn chips(&self) -> Vec<(String, String)> {
        let shown = |(name, _): &&(String, String)| name != "size" && name != "tab";
        self.query.iter().filter(shown).cloned().collect()
    }

    /// The first row's number, counted from 1.
    pub fn from(&self) -> u64 {
        let size = self.value("size").parse().unwrap_or(ROWS);
        self.number * size + 1
    }

    /// The last row's number.
    pub fn to(&self) -> u64 {
        self.from() + self.shown.saturating_sub(1)
    }

    /// Numbers of pages to offer around this one, counted from 1.
    pub fn near(&self) -> Vec<u64> {
        let now = self.number + 1;
        (now.saturating_sub(2).max(1)..=(now + 2).min(self.pages.max(now))).collect()
    }

    /// Whether a page follows.
    pub fn has_next(&self) -> bool {
        self.now() < self.pages || (self.more && self.shown > 0)
    }

    /// How many there are: a number, or at least which.
    pub fn count(&self) -> String {
        format!("{}{}", self.total, if self.more { "+" } else { "" })
    }

    /// This page's number, counted from 1.
    pub fn now(&self) -> u64 {
        self.number + 1
    }
}
