//! Markdown of strangers: rendered, then cleaned of everything that could act.

use ammonia::Builder;
use pulldown_cmark::{Event, Options, Parser, html};
use std::collections::HashSet;
use std::sync::LazyLock;

/// What may stay: text, lists, tables, code, and links to the web. Images only from the page itself.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::default();
    cleaner
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .rm_tags(["img", "map", "area", "article", "aside", "header", "footer", "nav", "figure", "center"])
        .generic_attributes(HashSet::new())
        .link_rel(Some("noopener noreferrer nofollow"))
        .add_tag_attributes("code", ["class"])
        .id_prefix(Some("text-"));
    cleaner
});

/// The HTML of a Markdown text. Tags within it are shown as they were typed.
pub fn harmless(source: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(source, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    });
    let mut rendered = String::with_capacity(source.len() * 2);
    html::push_html(&mut rendered, events);
    // A heading of a page is the page's; those of a text stand below it.
    let rendered = shifted(&rendered);
    CLEANER.clean(&rendered).to_string()
}

fn shifted(html: &str) -> String {
    let mut text = html.to_owned();
    for level in (1..=5).rev() {
        let (from, to) = (level, (level + 2).min(6));
        text = text
            .replace(&format!("<h{from}>"), &format!("<h{to}>"))
            .replace(&format!("</h{from}>"), &format!("</h{to}>"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_shown_and_do_nothing() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "<a href=\"x\" onclick=\"alert(1)\">y</a>",
            "<svg/onload=alert(1)>",
            "![x](https://elsewhere.example/track.png)",
            "<iframe src=//x></iframe>",
            "<style>*{display:none}</style>",
            "```\"><script>alert(1)</script>\n```",
        ] {
            let shown = harmless(hostile).to_lowercase();
            for bad in [
                "<script",
                "<img",
                "<svg",
                "<iframe",
                "<style",
                "<a href=\"x\"",
                "href=\"javascript",
                "href=\"data",
            ] {
                assert!(!shown.contains(bad), "{hostile} became {shown}");
            }
        }
    }

    #[test]
    fn what_is_meant_stays() {
        let shown = harmless("# Bucket\n\n**Fast** [docs](https://example.org)\n\n| a |\n|---|\n| 1 |\n");
        for part in [
            "<h3>Bucket</h3>",
            "<strong>Fast</strong>",
            "href=\"https://example.org\"",
            "<td>1</td>",
            "noopener",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
}
