//! Links, embedded lists and their pages (`api-core.md` §1.5).

use crate::request::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use stoa_core::Call;
use stoa_core::listing::{Cursor, Page};

/// What stays as it is in a path segment or query value: the unreserved characters of RFC 3986.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as one path segment or query value.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// `{"href": …}`.
pub fn link(href: String) -> Value {
    json!({ "href": href })
}

/// The list envelope: `_embedded`, `_links`, `page`. Links carry all filters and explicit paging; the next one
/// also where this page ended, so that following links costs the same at any depth. Where counting ended early
/// (`countUpTo`), `page.more` says so, and no last page is known.
pub fn page_of(
    call: &Call,
    request: &Request,
    embedded: &str,
    items: Vec<Value>,
    page: &Page,
    found: (i64, Option<Cursor>),
) -> Value {
    let (links, page) = around(call, request, items.len(), page, found);
    json!({ "_embedded": { embedded: items }, "_links": links, "page": page })
}

/// The same as text, of items that are text already.
pub fn printed_page_of(
    call: &Call,
    request: &Request,
    embedded: &str,
    items: &[String],
    page: &Page,
    found: (i64, Option<Cursor>),
) -> String {
    let (links, page) = around(call, request, items.len(), page, found);
    let (embedded, items) = (Value::from(embedded), items.join(","));
    format!(r#"{{"_embedded":{{{embedded}:[{items}]}},"_links":{links},"page":{page}}}"#)
}

/// `_links` and `page` of the envelope.
fn around(
    call: &Call,
    request: &Request,
    items: usize,
    page: &Page,
    (total, last): (i64, Option<Cursor>),
) -> (Value, Value) {
    let path = request.uri.split('?').next().unwrap_or_default();
    let filters: Vec<String> = request
        .query
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "page" | "size" | "after"))
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let to = |number: i64, after: Option<&Cursor>| {
        let mut query = filters.clone();
        query.push(format!("page={number}"));
        query.push(format!("size={}", page.size));
        query.extend(after.map(|after| format!("after={after}")));
        link(call.link(&format!("{path}?{}", query.join("&"))))
    };
    let more = page.up_to.is_some_and(|most| total > most);
    let total = page.up_to.map_or(total, |most| total.min(most));
    let is_full = i64::try_from(items).is_ok_and(|count| count == page.size);
    let pages = total.div_euclid(page.size) + i64::from(total.rem_euclid(page.size) > 0);
    let mut links = Map::new();
    if pages > 1 {
        links.insert("first".into(), to(0, None));
        if page.number > 0 {
            links.insert("prev".into(), to((page.number - 1).min(pages - 1), None));
        }
    }
    links.insert("self".into(), link(call.link(&request.uri)));
    if pages > 1 {
        if page.number + 1 < pages || (more && is_full) {
            links.insert("next".into(), to(page.number + 1, last.as_ref()));
        }
        if !more {
            links.insert("last".into(), to(pages - 1, None));
        }
    }
    let mut shown = json!({
        "size": page.size,
        "totalElements": total,
        "totalPages": pages,
        "number": page.number,
    });
    if more {
        shown["more"] = json!(true);
    }
    (links.into(), shown)
}
