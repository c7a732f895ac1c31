//! Reviews: what waits for an administrator's word before everybody can order it.

use super::definition::{history as version_history, implementation_word};
use super::platform::{history as platform_history, identifier};
use super::view::{Button, Cell, Facts, Field, Grid, Kind, Page, Piece, Sheet};
use super::{Named, again, named, text, texts};
use crate::Pages;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::get;
use serde_json::json;

const VERSIONS: &str = "/api/meshobjects/meshbuildingblockdefinitionversions";
const DEFINITIONS: &str = "/api/meshobjects/meshbuildingblockdefinitions";
const PLATFORMS: &str = "/api/meshobjects/meshplatforms";

async fn list(ctx: Ctx) -> Answer {
    let versions = ctx.api.list(&format!("{VERSIONS}?reviewState=IN_REVIEW&size=200")).await?;
    let platforms = ctx.api.list(&format!("{PLATFORMS}?publicationState=REQUESTED&size=200")).await?;
    let mut rows = Vec::new();
    for version in &versions.items {
        let uuid = text(&version["spec"]["buildingBlockDefinitionRef"]["uuid"]);
        let definition =
            ctx.api.get_if_there(&format!("{DEFINITIONS}/{}", segment(&uuid))).await?.unwrap_or_default();
        let asked = version["status"]["reviews"]
            .as_array()
            .and_then(|steps| steps.last())
            .cloned()
            .unwrap_or_default();
        rows.push(vec![
            Cell::Name(
                text(&definition["spec"]["displayName"]),
                format!("/admin/reviews/versions/{}", segment(&text(&version["metadata"]["uuid"]))),
                text(&definition["spec"]["description"]),
            ),
            Cell::text(tr("First release of a definition")),
            Cell::text(text(&version["metadata"]["ownedByWorkspace"])),
            Cell::text(text(&asked["by"])),
            Cell::Ago(text(&asked["at"])),
        ]);
    }
    for platform in &platforms.items {
        rows.push(vec![
            Cell::Name(
                text(&platform["spec"]["displayName"]),
                format!("/admin/reviews/platforms/{}", segment(&text(&platform["metadata"]["uuid"]))),
                identifier(platform),
            ),
            Cell::text(tr("Publication of a platform")),
            Cell::text(text(&platform["metadata"]["ownedByWorkspace"])),
            Cell::text(""),
            Cell::text(""),
        ]);
    }
    Page::new(ctx.shell(tr("Reviews")))
        .with(
            Grid::new(&[tr("What"), tr("Kind"), tr("Owned by"), tr("Asked by"), tr("Since")])
                .rows(rows)
                .empty(
                    tr("Nothing waits for a review"),
                    tr("First releases of definitions and publications of platforms stand here."),
                ),
        )
        .shown(&ctx)
}

fn decision(shell: &Shell, at: String, form: Form) -> Sheet {
    Sheet::new(shell, at, form)
        .titled(tr("Decide"), tr("Whoever asked reads the comment. Rejecting needs one."))
        .field(Field::new(Kind::Lines(3), "comment", tr("Comment")).help(tr("At most 1000 characters.")))
        .submit(Button::primary(tr("Approve"), "approve"))
        .submit(Button::danger(tr("Reject"), "reject"))
        .unguarded()
}

async fn version_page(ctx: &Ctx, uuid: &str, form: Form) -> Result<Page, Problem> {
    let version = ctx.api.get(&format!("{VERSIONS}/{}", segment(uuid))).await?;
    let definition = text(&version["spec"]["buildingBlockDefinitionRef"]["uuid"]);
    let definition = ctx.api.get(&format!("{DEFINITIONS}/{}", segment(&definition))).await?;
    let spec = &version["spec"];
    let name = text(&definition["spec"]["displayName"]);
    let mut shell = ctx.shell(name.clone()).crumb(tr("Reviews"), "/admin/reviews").about(name, uuid);
    shell.icon = text(&definition["spec"]["symbol"]);
    shell.status = text(&version["status"]["review"]);
    let kind = text(&spec["implementation"]["type"]);
    let body = &spec["implementation"][&kind];
    let at = format!("/admin/definitions/{}", segment(&text(&definition["metadata"]["uuid"])));
    let facts = Facts::new(tr("What is offered"))
        .line(tr("Description"), Cell::text(text(&definition["spec"]["description"])))
        .line(tr("Owned by"), Cell::text(text(&definition["metadata"]["ownedByWorkspace"])))
        .line(tr("Definition"), Cell::Link(tr("Open it").into(), at))
        .line(tr("Implementation"), Cell::Text(implementation_word(&kind)))
        .line(tr("Repository"), Cell::Copy(text(&body["repositoryUrl"]) + &text(&body["repository"])))
        .line(tr("Branch, tag or commit"), Cell::text(text(&body["refName"]) + &text(&body["branch"])))
        .line(tr("Rights of its runs"), Cell::Text(texts(&spec["permissions"]).join(", ")))
        .line(tr("Blocks made from the draft"), Cell::Text(version["status"]["usageCount"].to_string()));
    let inputs = super::definition::ordered(&spec["inputs"]);
    let inputs = Grid::new(&[tr("Input"), tr("Type"), tr("Where it comes from"), tr("Secret")])
        .titled(tr("What customers and others fill in"), "")
        .rows(inputs.iter().map(|(key, input)| {
            vec![
                Cell::Name(text(&input["displayName"]), String::new(), key.clone()),
                Cell::text(text(&input["type"])),
                Cell::Text(text(&input["assignmentType"]).replace('_', " ").to_lowercase()),
                Cell::text(if input["isSensitive"] == json!(true) { tr("yes") } else { "" }),
            ]
        }))
        .empty(tr("No inputs"), tr("Nothing has to be filled in."));
    let readme = text(&definition["spec"]["readme"]);
    let readme = (!readme.is_empty()).then(|| Piece::Prose(tr("Readme").into(), readme));
    let waits = version["status"]["review"] == "IN_REVIEW";
    let sheet = waits.then(|| decision(&shell, format!("/admin/reviews/versions/{}", segment(uuid)), form));
    Ok(Page::new(shell).with(facts).maybe(sheet).maybe(readme).with(inputs).with(version_history(&version)))
}

async fn version(ctx: Ctx, path: Named) -> Answer {
    version_page(&ctx, named(&path, "uuid"), Form::default()).await?.shown(&ctx)
}

async fn decide_version(path: Named, Post { ctx, fields }: Post) -> Answer {
    let uuid = named(&path, "uuid");
    let approves = fields.get("do") == "approve";
    let word = if approves { "approve" } else { "decline" };
    let outcome = if !approves && fields.get("comment").is_empty() {
        Err(Problem::invalid("comment", tr("Say why.")))
    } else {
        let body = json!({ "comment": super::or_null(fields.get("comment")) });
        ctx.api.post(&format!("{VERSIONS}/{}/{word}", segment(uuid)), &body).await
    };
    match outcome {
        Ok(_) => {
            ctx.done("/admin/reviews", if approves { tr("It is released.") } else { tr("It is sent back.") })
        }
        Err(problem) => {
            version_page(&ctx, uuid, again(fields, problem, &[("comment", "comment")])?).await?.refused(&ctx)
        }
    }
}

async fn platform_page(ctx: &Ctx, uuid: &str, form: Form) -> Result<Page, Problem> {
    let platform = ctx.api.get(&format!("{PLATFORMS}/{}", segment(uuid))).await?;
    let reviews =
        ctx.api.get(&format!("/api/stoa/v1/platforms/{}/publication-reviews", segment(uuid))).await?;
    let spec = &platform["spec"];
    let name = text(&spec["displayName"]);
    let shell =
        ctx.shell(name.clone()).crumb(tr("Reviews"), "/admin/reviews").about(name, identifier(&platform));
    let facts = Facts::new(tr("What is offered"))
        .line(tr("Description"), Cell::text(text(&spec["description"])))
        .line(tr("Owned by"), Cell::text(text(&platform["metadata"]["ownedByWorkspace"])))
        .line(tr("Platform"), Cell::Link(tr("Open it").into(), format!("/admin/platforms/{}", segment(uuid))))
        .line(
            tr("Test connection"),
            Cell::Link(tr("Latest tests").into(), format!("/admin/platforms/{}/test", segment(uuid))),
        )
        .line(tr("Offered to"), Cell::State(text(&spec["availability"]["restriction"])))
        .line(
            tr("These workspaces"),
            Cell::Text(texts(&spec["availability"]["restrictedToWorkspaces"]).join(", ")),
        );
    let readme = text(&spec["readme"]);
    let readme = (!readme.is_empty()).then(|| Piece::Prose(tr("Readme").into(), readme));
    let waits = spec["availability"]["publicationState"] == "REQUESTED";
    let private = (waits && spec["availability"]["restriction"] == "PRIVATE").then(|| {
        super::view::Note::info(tr("It is private so far"), tr("Approving it opens it to every workspace."))
    });
    let sheet = waits.then(|| decision(&shell, format!("/admin/reviews/platforms/{}", segment(uuid)), form));
    Ok(Page::new(shell)
        .with(facts)
        .maybe(private)
        .maybe(sheet)
        .maybe(readme)
        .with(platform_history(&reviews)))
}

async fn platform(ctx: Ctx, path: Named) -> Answer {
    platform_page(&ctx, named(&path, "uuid"), Form::default()).await?.shown(&ctx)
}

async fn decide_platform(path: Named, Post { ctx, fields }: Post) -> Answer {
    let uuid = named(&path, "uuid");
    let approves = fields.get("do") == "approve";
    let outcome = if !approves && fields.get("comment").is_empty() {
        Err(Problem::invalid("comment", tr("Say why.")))
    } else {
        let decision = if approves { "APPROVE" } else { "REJECT" };
        let body = json!({ "decision": decision, "comment": super::or_null(fields.get("comment")) });
        ctx.api.post(&format!("/api/stoa/v1/platforms/{}/publication-reviews", segment(uuid)), &body).await
    };
    match outcome {
        Ok(_) => {
            ctx.done("/admin/reviews", if approves { tr("It is published.") } else { tr("It is sent back.") })
        }
        Err(problem) => {
            platform_page(&ctx, uuid, again(fields, problem, &[("comment", "comment")])?).await?.refused(&ctx)
        }
    }
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/admin/reviews", get(list))
        .route("/admin/reviews/versions/{uuid}", get(version).post(decide_version))
        .route("/admin/reviews/platforms/{uuid}", get(platform).post(decide_platform))
}
