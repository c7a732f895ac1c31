//! What needs a platform team today.

use super::view::{Note, Page, Piece, Tile};
use super::{Place, text};
use crate::Pages;
use crate::api::with_query;
use crate::ctx::{Answer, Ctx};
use crate::text::tr;
use axum::routing::get;

async fn count(ctx: &Ctx, path: &str) -> u64 {
    ctx.api.list(&with_query(path, [("size", "1")])).await.map(|found| found.total).unwrap_or_default()
}

async fn show(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let home = ctx.home().to_owned();
    let blocks = with_query("/api/meshobjects/meshbuildingblocks", [("managedByWorkspaceIdentifier", &home)]);
    let mut tiles = Vec::new();
    for (state, label, icon) in [
        ("FAILED", tr("Failed blocks"), "circle-x"),
        ("WAITING_FOR_OPERATOR_INPUT", tr("Blocks that wait for you"), "user-cog"),
        ("WAITING_FOR_APPROVAL", tr("Blocks that wait for approval"), "clipboard-check"),
        ("IN_PROGRESS", tr("Running now"), "player-play"),
    ] {
        tiles.push(Tile {
            count: count(&ctx, &with_query(&blocks, [("status", state)])).await,
            label: label.to_owned(),
            href: with_query(&place.at("/blocks"), [("status", state)]),
            icon,
            is_trouble: state != "IN_PROGRESS",
        });
    }
    tiles.push(Tile {
        count: count(&ctx, "/api/stoa/v1/tenants/deletions?status=REQUIRES_APPROVAL").await,
        label: tr("Deletions to decide").to_owned(),
        href: place.at("/deletions?status=REQUIRES_APPROVAL"),
        icon: "trash",
        is_trouble: true,
    });
    tiles.push(Tile {
        count: count(&ctx, "/api/stoa/v1/tenants/quota-requests").await,
        label: tr("Quota requests").to_owned(),
        href: place.at("/quotas"),
        icon: "ruler-measure",
        is_trouble: true,
    });
    let platforms = with_query("/api/meshobjects/meshplatforms", [("ownedByWorkspace", &home)]);
    tiles.push(Tile {
        count: count(&ctx, &with_query(&platforms, [("publicationState", "REJECTED")])).await,
        label: tr("Rejected platforms").to_owned(),
        href: place.at("/platforms?publication=REJECTED"),
        icon: "hand-stop",
        is_trouble: true,
    });
    let definitions =
        with_query("/api/meshobjects/meshbuildingblockdefinitions", [("ownedByWorkspace", &home)]);
    let rejected =
        with_query("/api/meshobjects/meshbuildingblockdefinitionversions", [("reviewState", "REJECTED")]);
    tiles.push(Tile {
        count: count(&ctx, &rejected).await,
        label: tr("Rejected definitions").to_owned(),
        href: place.at("/definitions"),
        icon: "hand-stop",
        is_trouble: true,
    });
    let own = ctx.api.list(&with_query(&definitions, [("size", "100")])).await?;
    let own_platforms = count(&ctx, &platforms).await;
    let released = own.items.iter().any(|item| !item["status"]["latestReleasedVersionUuid"].is_null());
    let used = own.items.iter().any(|item| item["status"]["usageCount"].as_u64().unwrap_or_default() > 0);
    let first = own.items.first().map(|item| {
        place.at(&format!("/definitions/{}", crate::api::segment(&text(&item["metadata"]["uuid"]))))
    });
    let first = first.unwrap_or_else(|| place.at("/definitions/new"));
    let start = (!(released && used) || own_platforms == 0).then(|| {
        Note::info(tr("First steps"), tr("From nothing to the marketplace."))
            .step(own.total > 0, tr("Create a definition"), place.at("/definitions/new"))
            .step(used, tr("Try it in your own workspace"), format!("{first}/blocks"))
            .step(released, tr("Release it"), format!("{first}/publication"))
            .step(
                own_platforms > 0,
                tr("Add a platform, if your product gives teams accounts of their own"),
                place.at("/platforms/new"),
            )
    });
    Page::new(ctx.shell(tr("Platform builder"))).with(Piece::Tiles(tiles)).maybe(start).shown(&ctx)
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new().route("/w/{workspace}/build", get(show))
}
