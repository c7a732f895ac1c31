//! Small parts of pages, as filters of the templates: icons, states, times, things to copy, Markdown.

pub mod csv;
mod markdown;
mod state;
pub mod tags;
pub mod wizard;

/// Filters that every template has in scope by `use crate::parts::filters`.
#[expect(missing_docs, clippy::inline_always, reason = "the macro makes types of these functions")]
pub mod filters {
    use super::{markdown as md, state};
    use crate::{api, assets, text};
    use askama::filters::Safe;
    use askama::{Result, Values, filter_fn};
    use std::fmt::Display;

    fn escaped(text: &str) -> String {
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                other => safe.push(other),
            }
        }
        safe
    }

    /// A text of the catalogue.
    #[filter_fn]
    pub fn t(text: &'static str, _: &dyn Values) -> Result<&'static str> {
        Ok(text::tr(text))
    }

    /// Fills `{0}` of a text.
    #[filter_fn]
    pub fn with<V: Display>(text: impl Display, _: &dyn Values, value: V) -> Result<String> {
        Ok(text::fill(&text.to_string(), &[&value.to_string()]))
    }

    /// Fills `{0}` and `{1}` of a text.
    #[filter_fn]
    pub fn with2<A: Display, B: Display>(
        text: impl Display,
        _: &dyn Values,
        one: A,
        two: B,
    ) -> Result<String> {
        Ok(text::fill(&text.to_string(), &[&one.to_string(), &two.to_string()]))
    }

    /// A name as one segment of a path.
    #[filter_fn]
    pub fn segment(text: impl Display, _: &dyn Values) -> Result<String> {
        Ok(api::segment(&text.to_string()))
    }

    /// The first letter, large, for an avatar.
    #[filter_fn]
    pub fn letter(text: impl Display, _: &dyn Values) -> Result<String> {
        Ok(text.to_string().chars().take(1).flat_map(char::to_uppercase).collect())
    }

    /// An icon of the sprite; it says nothing to screen readers.
    #[filter_fn]
    pub fn icon(name: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        let (sprite, name) = (assets::path("icons.svg"), escaped(&name.to_string()));
        Ok(Safe(format!(
            "<svg class=\"icon\" aria-hidden=\"true\" width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" fill=\"none\" \
             stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\
             <use href=\"{sprite}#{name}\"/></svg>"
        )))
    }

    /// The icon that an object says it has (a data URI), or one of the sprite.
    #[filter_fn]
    pub fn picture(source: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        let source = escaped(&source.to_string());
        Ok(Safe(if source.starts_with("data:image/") {
            format!("<span class=\"avatar stoa-picture\"><img src=\"{source}\" alt=\"\"></span>")
        } else {
            let name = if source.is_empty() || source.contains(':') || source.contains('/') {
                "box"
            } else {
                &source
            };
            let sprite = assets::path("icons.svg");
            format!(
                "<span class=\"avatar stoa-picture\"><svg class=\"icon\" aria-hidden=\"true\" viewBox=\"0 0 24 24\" fill=\"none\" \
                 stroke=\"currentColor\" stroke-width=\"2\"><use href=\"{sprite}#{name}\"/></svg></span>"
            )
        }))
    }

    /// A state as icon and word in its colour.
    #[filter_fn]
    pub fn badge(state: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        let look = state::look(&state.to_string());
        let sprite = assets::path("icons.svg");
        Ok(Safe(format!(
            "<span class=\"badge bg-{0}-lt stoa-state\"><svg class=\"icon icon-sm{3}\" aria-hidden=\"true\" viewBox=\"0 0 24 24\" \
             fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"><use href=\"{sprite}#{1}\"/></svg>{2}</span>",
            look.tone,
            look.icon,
            escaped(&look.word),
            if look.is_busy { " stoa-busy" } else { "" },
        )))
    }

    /// A value that a click copies.
    #[filter_fn]
    pub fn copy(value: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        let value = escaped(&value.to_string());
        let (sprite, label) = (assets::path("icons.svg"), text::tr("Copy"));
        Ok(Safe(format!(
            "<stoa-copy class=\"stoa-copy\"><code>{value}</code><button type=\"button\" class=\"btn btn-icon btn-sm btn-ghost-secondary\" \
             aria-label=\"{label}\" hidden><svg class=\"icon icon-sm\" aria-hidden=\"true\" viewBox=\"0 0 24 24\" fill=\"none\" \
             stroke=\"currentColor\" stroke-width=\"2\"><use href=\"{sprite}#copy\"/></svg></button></stoa-copy>"
        )))
    }

    /// A moment, relative, with the exact time as its title; empty for what is no moment.
    #[filter_fn]
    pub fn ago(moment: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        let text = moment.to_string();
        Ok(Safe(match text.parse::<jiff::Timestamp>() {
            Ok(at) => {
                let said = state::relative(at, jiff::Timestamp::now());
                let exact = at.strftime("%Y-%m-%d %H:%M:%S UTC");
                format!("<time is=\"stoa-time\" datetime=\"{at}\" title=\"{exact}\">{said}</time>")
            }
            Err(_) => escaped(&text),
        }))
    }

    /// Markdown that somebody wrote, as harmless HTML.
    #[filter_fn]
    pub fn markdown(source: impl Display, _: &dyn Values) -> Result<Safe<String>> {
        Ok(Safe(format!("<div class=\"markdown\">{}</div>", md::harmless(&source.to_string()))))
    }
}
