//! Platform types: kinds of platforms, built in and of one's own.

use super::view::{Button, Cell, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::{Named, Place, again, both, named, or_null, print, text, unchanged};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Value, json};
use std::fmt::Write as _;

const PATH: &str = "/api/meshobjects/meshplatformtypes";
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("metadata.name", "name"),
    ("icon", "icon"),
    ("defaultEndpoint", "defaultEndpoint"),
    ("ownedByWorkspace", "workspace"),
];

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    // Every type can be used by everybody.
    let found = ctx
        .api
        .list(&Listing::ask(&ctx, PATH, &[("state", "lifecycleStatus"), ("category", "category")]))
        .await?;
    let may = place.may(&ctx, "PLATFORMINSTANCE_SAVE");
    let rows = found.items.iter().map(|kind| {
        let name = text(&kind["metadata"]["name"]);
        let own = kind["spec"]["category"] == "CUSTOM";
        vec![
            Cell::Pictured(
                text(&kind["spec"]["icon"]),
                text(&kind["spec"]["displayName"]),
                place.at(&format!("/types/{}", segment(&name))),
                name,
            ),
            Cell::text(if own { tr("Custom") } else { tr("Built in") }),
            Cell::State(text(&kind["status"]["lifecycle"]["state"])),
            Cell::text(text(&kind["metadata"]["ownedByWorkspace"])),
        ]
    });
    let new = || Go::to(tr("New platform type"), place.at("/types/new"), "plus").primary();
    Page::new(ctx.shell(tr("Platform types")))
        .action(may, new())
        .with(
            Grid::new(&[tr("Type"), tr("Kind"), tr("State"), tr("Owned by")])
                .rows(rows.collect::<Vec<_>>())
                .listed(Listing::of(&ctx, &found))
                .filter("state", tr("State"), &[("ACTIVE", tr("Active")), ("DEACTIVATED", tr("Deactivated"))])
                .empty(tr("No platform types"), tr("A type is a kind of platform, with its name and icon."))
                .start(may, new()),
        )
        .shown(&ctx)
}

/// A data URI: what was pasted, or the SVG that was.
fn icon(said: &str) -> String {
    let said = said.trim();
    if !said.starts_with('<') {
        return said.to_owned();
    }
    format!("data:image/svg+xml;base64,{}", base64(said.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let bits =
            part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            let shown = if place <= part.len() { char::from(digit) } else { '=' };
            let _ = write!(text, "{shown}");
        }
    }
    text
}

fn fields(is_new: bool) -> Vec<Field> {
    let mut fields = vec![Field::text("displayName", tr("Name")).required()];
    if is_new {
        fields.push(
            Field::text("name", tr("Identifier"))
                .required()
                .help(tr("Capital letters, digits and dashes, for example DATA-PLATFORM. It never changes.")),
        );
    }
    fields.extend([
        Field::new(Kind::Image, "icon", tr("Icon"))
            .required()
            .help(tr("Choose a file, or paste an SVG or a data URI.")),
        Field::text("defaultEndpoint", tr("Usual address"))
            .help(tr("Stands in new platforms of this type at first.")),
    ]);
    fields
}

fn new_page(ctx: &Ctx, place: &Place, form: Form) -> Page {
    let shell = place.shell(ctx, tr("New platform type"), (tr("Platform types"), "/types"));
    let mut sheet = Sheet::new(&shell, place.at("/types"), form)
        .fields(fields(true))
        .submit(Button::primary(tr("Create platform type"), "create"))
        .cancel(place.at("/types"));
    if place.is_admin() {
        sheet = sheet.field(
            Field::text("workspace", tr("Owned by")).required().help(tr("Identifier of the workspace.")),
        );
    }
    Page::new(shell).with(sheet)
}

const PLAIN_ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\"><circle cx=\"12\" cy=\"12\" r=\"9\" fill=\"#4663ac\"/></svg>";

async fn new(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    new_page(&ctx, &place, Form::filled([("icon", PLAIN_ICON)])).shown(&ctx)
}

fn spec_of(fields: &Fields) -> Value {
    json!({
        "displayName": fields.get("displayName"),
        "category": "CUSTOM",
        "icon": icon(fields.raw("icon")),
        "defaultEndpoint": or_null(fields.get("defaultEndpoint")),
    })
}

async fn create(Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let body = json!({
        "kind": "meshPlatformType",
        "metadata": { "name": fields.get("name"), "ownedByWorkspace": place.owner(&fields) },
        "spec": spec_of(&fields),
    });
    match ctx.api.post(PATH, &body).await {
        Ok(_) => {
            let said = fill(
                tr("{0} is there. Platforms of this type can be added now."),
                &[fields.get("displayName")],
            );
            ctx.done(&place.at("/types"), said)
        }
        Err(problem) => new_page(&ctx, &place, again(fields, problem, FIELDS)?).refused(&ctx),
    }
}

fn page(ctx: &Ctx, place: &Place, kind: &Value, form: Form) -> Page {
    let name = text(&kind["spec"]["displayName"]);
    let identifier = text(&kind["metadata"]["name"]);
    let mut shell =
        place.shell(ctx, &name, (tr("Platform types"), "/types")).about(name.clone(), identifier.clone());
    shell.icon = text(&kind["spec"]["icon"]);
    shell.status = text(&kind["status"]["lifecycle"]["state"]);
    let owner = text(&kind["metadata"]["ownedByWorkspace"]);
    let is_custom = kind["spec"]["category"] == "CUSTOM";
    let may = is_custom
        && place.may(ctx, "PLATFORMINSTANCE_SAVE")
        && place.home.as_ref().is_none_or(|home| *home == owner);
    let at = place.at(&format!("/types/{}", segment(&identifier)));
    let sheet = Sheet::new(&shell, &at, form)
        .hidden("seen", print(&kind["spec"]))
        .fields(fields(false))
        .locked(!may)
        .submit(Button::primary(tr("Save"), "save"));
    let page = Page::new(shell.clone());
    let page = if is_custom {
        page
    } else {
        page.with(Note::info(tr("This type is built in"), tr("Built-in types are read-only.")))
    };
    let is_active = kind["status"]["lifecycle"]["state"] == "ACTIVE";
    let end = if is_active {
        Note::info(
            tr("Deactivate it"),
            tr("No new platforms of this type can be added; those that are there go on. It can be undone."),
        )
        .button(may, &at, &shell.csrf, Button::new(tr("Deactivate"), "deactivate"))
    } else {
        Note::warn(tr("It is deactivated"), tr("No new platforms of this type can be added.")).button(
            may,
            &at,
            &shell.csrf,
            Button::new(tr("Activate"), "activate"),
        )
    };
    page.with(sheet).maybe(may.then_some(end))
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let place = Place::of(&ctx)?;
    let kind = ctx.api.get(&format!("{PATH}/{}", segment(named(&path, "name")))).await?;
    let form = Form::filled(
        ["displayName", "icon", "defaultEndpoint"].map(|name| (name, text(&kind["spec"][name]))),
    );
    page(&ctx, &place, &kind, form).shown(&ctx)
}

async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let item = format!("{PATH}/{}", segment(named(&path, "name")));
    let kind = ctx.api.get(&item).await?;
    let mut body = kind.clone();
    let outcome = match (fields.get("do"), unchanged(&fields, &kind["spec"])) {
        ("deactivate", _) => ctx.api.delete(&item).await,
        ("activate", _) => {
            body["status"] = json!({ "lifecycle": { "state": "ACTIVE" } });
            ctx.api.put(&item, &body).await
        }
        (_, Ok(())) => {
            body["spec"] = spec_of(&fields);
            ctx.api.put(&item, &body).await
        }
        (_, Err(problem)) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&place.at(&format!("/types/{}", segment(named(&path, "name")))), tr("Saved.")),
        Err(problem) => page(&ctx, &place, &kind, again(fields, problem, FIELDS)?).refused(&ctx),
    }
}

/// The pages.
pub fn pages() -> Pages {
    let mut pages = both(Pages::new(), "/types", &get(list).post(create));
    pages = both(pages, "/types/new", &get(new));
    both(pages, "/types/{name}", &get(show).post(save))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_drawings_become_data_uris() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(icon(" data:image/png;base64,AA== "), "data:image/png;base64,AA==");
        assert!(icon("<svg/>").starts_with("data:image/svg+xml;base64,PHN2Zy8+"));
    }
}
