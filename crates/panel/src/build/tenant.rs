//! Tenants as the operators of their platforms see them: the list, one tenant, deletions, quota requests.

use super::block::waiting;
use super::view::{Button, Cell, Facts, Field, Grid, Kind, Note, Page, Sheet};
use super::{Named, Place, again, both, named, text};
use crate::Pages;
use crate::api::{Listed, segment};
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::listing::Listing;
use crate::problem::Problem;
use crate::text::{fill, tr};
use axum::routing::get;
use serde_json::{Value, json};

const OPERATE: &str = "/api/stoa/v1/tenants";

fn phases() -> [(&'static str, &'static str); 3] {
    [("ACTIVE", tr("Active")), ("MARKED_FOR_DELETION", tr("Being deleted")), ("DELETED", tr("Deleted"))]
}

fn row(place: &Place, tenant: &Value) -> Vec<Cell> {
    let uuid = text(&tenant["metadata"]["uuid"]);
    let status = &tenant["status"];
    let pending =
        tenant["quotaRequests"].as_array().into_iter().flatten().any(|request| request["state"] == "PENDING");
    vec![
        Cell::Name(
            text(&status["tenantName"]),
            place.at(&format!("/tenants/{}", segment(&uuid))),
            String::new(),
        ),
        Cell::Copy(text(&tenant["spec"]["platformTenantId"])),
        Cell::text(text(&tenant["spec"]["landingZoneRef"]["name"])),
        Cell::State(text(&status["phase"])),
        Cell::Text(if pending { tr("a quota request").to_owned() } else { waiting(status) }),
        Cell::Ago(text(&tenant["metadata"]["createdOn"])),
    ]
}

/// Tenants as a table.
pub fn grid(place: &Place, tenants: &[Value]) -> Grid {
    Grid::new(&[
        tr("Tenant"),
        tr("Id on the platform"),
        tr("Landing zone"),
        tr("State"),
        tr("Waits for"),
        tr("Created"),
    ])
    .rows(tenants.iter().map(|tenant| row(place, tenant)))
    .filter("state", tr("State"), &phases())
    .empty(tr("No tenants"), tr("Tenants that teams order on your platforms stand here."))
}

async fn platforms(ctx: &Ctx, place: &Place) -> Vec<Value> {
    let path = "/api/meshobjects/meshplatforms?size=1000";
    let path = match &place.home {
        Some(home) => format!("{path}&ownedByWorkspace={}", segment(home)),
        None => path.to_owned(),
    };
    ctx.api.list(&path).await.map(|found| found.items).unwrap_or_default()
}

async fn list(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let shell = ctx.shell(tr("Tenants"));
    let all = platforms(&ctx, &place).await;
    let options: Vec<(String, String)> = all
        .iter()
        .map(|platform| {
            let identifier = super::platform::identifier(platform);
            let key = if place.is_admin() { identifier } else { text(&platform["metadata"]["uuid"]) };
            (key, text(&platform["spec"]["displayName"]))
        })
        .collect();
    let words: Vec<(&str, &str)> = options.iter().map(|(key, word)| (key.as_str(), word.as_str())).collect();
    let filters =
        [("state", "state"), ("platform", "platformIdentifier"), ("workspace", "workspaceIdentifier")];
    let found = if place.is_admin() {
        ctx.api.list(&Listing::ask(&ctx, "/api/meshobjects/meshtenants", &filters)).await?
    } else if let Some(chosen) =
        ctx.query("platform").map(str::to_owned).or_else(|| options.first().map(|(key, _)| key.clone()))
    {
        let path = format!("/api/stoa/v1/platforms/{}/tenants", segment(&chosen));
        ctx.api.list(&Listing::ask(&ctx, &path, &[("state", "state")])).await?
    } else {
        Listed::default()
    };
    let mut page = Page::new(shell);
    if !place.is_admin() && options.len() > 1 {
        let chosen = ctx.query("platform").unwrap_or(&options[0].0);
        let name = options.iter().find(|(key, _)| key == chosen).map_or("", |(_, word)| word);
        page = page.with(Note::info(
            &fill(tr("Tenants on {0}"), &[name]),
            tr("Choose another platform above the table."),
        ));
    }
    page.with(grid(&place, &found.items).listed(Listing::of(&ctx, &found)).filter(
        "platform",
        tr("Platform"),
        &words,
    ))
    .shown(&ctx)
}

async fn page(ctx: &Ctx, place: &Place, tenant: &Value, form: Form) -> Page {
    let uuid = text(&tenant["metadata"]["uuid"]);
    let status = &tenant["status"];
    let name = text(&status["tenantName"]);
    let at = place.at(&format!("/tenants/{}", segment(&uuid)));
    let mut shell = place.shell(ctx, &name, (tr("Tenants"), "/tenants")).about(name.clone(), uuid.clone());
    shell.status = text(&status["phase"]);
    let platform = text(&tenant["spec"]["platformRef"]["uuid"]);
    let quotas: Vec<String> = status["appliedQuotas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, quota)| format!("{key} {}", quota["value"]))
        .collect();
    let facts = Facts::new("")
        .line(tr("Workspace"), Cell::text(text(&tenant["metadata"]["ownedByWorkspace"])))
        .line(tr("Project"), Cell::text(text(&tenant["metadata"]["ownedByProject"])))
        .line(
            tr("Platform"),
            Cell::Link(
                text(&status["platformTypeIdentifier"]),
                place.at(&format!("/platforms/{}", segment(&platform))),
            ),
        )
        .line(tr("Landing zone"), Cell::text(text(&tenant["spec"]["landingZoneRef"]["name"])))
        .line(tr("Id on the platform"), Cell::Copy(text(&tenant["spec"]["platformTenantId"])))
        .line(tr("Quotas in force"), Cell::Text(quotas.join(", ")))
        .line(tr("Waits for"), Cell::Text(waiting(status)))
        .line(tr("Since"), Cell::Ago(text(&status["waiting"]["since"])))
        .line(tr("Created"), Cell::Ago(text(&tenant["metadata"]["createdOn"])));
    let told =
        ctx.api.get_if_there(&format!("{OPERATE}/{}/replications", segment(&uuid))).await.ok().flatten();
    let done =
        told.map(|told| told["replications"].as_array().cloned().unwrap_or_default()).unwrap_or_default();
    let history = Grid::new(&[tr("Block"), tr("Result"), tr("Why"), tr("When"), tr("Message")])
        .titled(tr("What was done"), tr("Runs of the blocks that came along."))
        .rows(done.iter().map(|run| {
            vec![
                Cell::Link(
                    text(&run["buildingBlock"]),
                    place.at(&format!("/runs/{}", segment(&text(&run["runUuid"])))),
                ),
                Cell::State(text(&run["result"])),
                Cell::Text(text(&run["reason"]).replace('_', " ").to_lowercase()),
                Cell::Ago(text(&run["queuedOn"])),
                Cell::text(text(&run["message"])),
            ]
        }))
        .empty(tr("Nothing was done yet"), tr("Blocks that come along with the tenant run here."));
    let id = text(&tenant["spec"]["platformTenantId"]);
    let id_sheet = Sheet::new(&shell, &at, form)
        .titled(tr("Id on the platform"), tr("For platforms whose tenants somebody makes by hand."))
        .field(Field::text("platformTenantId", tr("Id")).required())
        .submit(Button::primary(tr("Save"), "id"))
        .unguarded();
    let again = Note::info(
        tr("Make it match again"),
        tr("Runs the blocks that came along once more, or tries a blocked deletion again."),
    )
    .button(true, &at, &shell.csrf, Button::new(tr("Run again"), "replicate"));
    let mut page = Page::new(shell.clone()).with(facts);
    if tenant["deletion"].is_object() {
        page = page.with(deletion_sheet(&shell, &at, tenant, Form::default()));
    }
    for request in pending(tenant) {
        page = page.with(quota_sheet(&shell, &at, tenant, request, Form::default()));
    }
    page = page.with(history).with(again);
    if id.is_empty() || tenant["status"]["phase"] != "DELETED" { page.with(id_sheet) } else { page }
}

fn pending(tenant: &Value) -> impl Iterator<Item = &Value> {
    tenant["quotaRequests"].as_array().into_iter().flatten().filter(|request| request["state"] == "PENDING")
}

fn deletion_sheet(shell: &crate::shell::Shell, at: &str, tenant: &Value, form: Form) -> Sheet {
    let marked = &tenant["deletion"];
    let by = text(&marked["by"]);
    let sheet = Sheet::new(shell, at, form).unguarded();
    if tenant["status"]["phase"] == "DELETION_REQUESTED" {
        return sheet
            .titled(
                &fill(tr("{0} asked for its deletion"), &[&by]),
                tr("Approving is final: its building blocks are taken down. Declining brings it back."),
            )
            .field(Field::text("comment", tr("Comment")).help(tr("At most 255 characters.")))
            .submit(Button::danger(tr("Approve deletion"), "approve"))
            .submit(Button::new(tr("Decline"), "decline"));
    }
    sheet
        .titled(
            &fill(tr("{0} asked for its deletion"), &[&by]),
            tr("It is under way. Confirm when you have deleted it on the platform by hand."),
        )
        .submit(Button::new(tr("It is gone on the platform"), "confirm"))
}

fn quota_sheet(shell: &crate::shell::Shell, at: &str, tenant: &Value, request: &Value, form: Form) -> Sheet {
    let by = text(&request["requestedBy"]);
    let mut sheet = Sheet::new(shell, at, form)
        .titled(
            &fill(tr("{0} asks for other quotas"), &[&by]),
            tr("A comment is needed when you decline, or grant other values."),
        )
        .hidden("request", request["id"].to_string())
        .unguarded();
    let mut pairs = Vec::new();
    for (key, wanted) in request["quotas"].as_object().into_iter().flatten() {
        let now = &tenant["status"]["appliedQuotas"][key]["value"];
        let now = if now.is_null() { tr("nothing yet").to_owned() } else { now.to_string() };
        let help = fill(tr("Now {0}, asked for {1}."), &[&now, &wanted.to_string()]);
        pairs.push((format!("quota.{key}"), wanted.to_string()));
        sheet = sheet.field(Field::new(Kind::Number, format!("quota.{key}"), key).help(help));
    }
    sheet
        .filled(pairs)
        .field(Field::text("comment", tr("Comment")))
        .submit(Button::primary(tr("Grant"), "grant"))
        .submit(Button::danger(tr("Decline"), "refuse"))
}

async fn find(ctx: &Ctx, uuid: &str) -> Result<Value, Problem> {
    ctx.api.get(&format!("{OPERATE}/{}", segment(uuid))).await
}

async fn show(ctx: Ctx, path: Named) -> Answer {
    let place = Place::of(&ctx)?;
    let tenant = find(&ctx, named(&path, "uuid")).await?;
    let form = Form::filled([("platformTenantId", text(&tenant["spec"]["platformTenantId"]))]);
    page(&ctx, &place, &tenant, form).await.shown(&ctx)
}

/// What a form grants instead of what was asked for, if it is something else.
fn granted(tenant: &Value, fields: &Fields) -> Result<Option<Value>, Problem> {
    let request =
        pending(tenant).find(|request| request["id"].as_i64() == fields.get("request").parse().ok());
    let asked = request.map(|request| request["quotas"].clone()).unwrap_or_default();
    let mut said = json!({});
    for (key, value) in fields.under("quota.") {
        let number = value.trim().parse::<i64>();
        said[key] =
            json!(number.map_err(|_| Problem::invalid(
                &format!("quota.{key}"),
                tr("This has to be a whole number.")
            ))?);
    }
    Ok(Some(said).filter(|said| *said != asked))
}

async fn act(path: Named, Post { ctx, fields }: Post) -> Answer {
    let place = Place::of(&ctx)?;
    let uuid = named(&path, "uuid");
    let tenant = find(&ctx, uuid).await?;
    let operation = |tail: &str| format!("{OPERATE}/{}/{tail}", segment(uuid));
    let at = place.at(&format!("/tenants/{}", segment(uuid)));
    let comment = super::or_null(fields.get("comment"));
    let (outcome, said) = match fields.get("do") {
        "approve" => (
            ctx.api
                .post(&operation("deletion-decision"), &json!({ "decision": "APPROVE", "comment": comment }))
                .await,
            tr("The deletion goes on."),
        ),
        "decline" => (
            ctx.api
                .post(&operation("deletion-decision"), &json!({ "decision": "DECLINE", "comment": comment }))
                .await,
            tr("The tenant stays."),
        ),
        "confirm" => (
            ctx.api.post(&operation("deletion-confirmation"), &json!({})).await,
            tr("Thank you; the rest follows."),
        ),
        "replicate" => (ctx.api.post(&operation("replications"), &json!({})).await, tr("Runs are started.")),
        decision @ ("grant" | "refuse") => {
            let id = fields.get("request");
            let outcome = match granted(&tenant, &fields) {
                Ok(other) => {
                    let mut body = json!({ "decision": if decision == "grant" { "APPROVE" } else { "DECLINE" }, "comment": comment });
                    if let Some(other) = other.filter(|_| decision == "grant") {
                        body["quotas"] = other;
                    }
                    ctx.api.post(&operation(&format!("quota-requests/{}/decision", segment(id))), &body).await
                }
                Err(problem) => Err(problem),
            };
            (outcome, tr("Decided."))
        }
        _ => (
            ctx.api
                .put(
                    &operation("platform-tenant-id"),
                    &json!({ "platformTenantId": fields.get("platformTenantId") }),
                )
                .await,
            tr("Saved."),
        ),
    };
    match outcome {
        Ok(_) => ctx.done(&at, said),
        Err(problem) => {
            let form =
                again(fields, problem, &[("platformTenantId", "platformTenantId"), ("comment", "comment")])?;
            page(&ctx, &place, &tenant, form).await.refused(&ctx)
        }
    }
}

async fn deletions(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let path = format!("{OPERATE}/deletions");
    let found = ctx.api.list(&Listing::ask(&ctx, &path, &[("status", "status")])).await?;
    let rows = found.items.iter().map(|tenant| {
        let uuid = text(&tenant["metadata"]["uuid"]);
        let marked = &tenant["deletion"];
        vec![
            Cell::Name(
                text(&tenant["status"]["tenantName"]),
                place.at(&format!("/tenants/{}", segment(&uuid))),
                text(&tenant["spec"]["platformTenantId"]),
            ),
            Cell::State(text(&tenant["status"]["phase"])),
            Cell::text(text(&marked["by"])),
            Cell::Ago(text(&marked["at"])),
            Cell::Text(waiting(&tenant["status"])),
        ]
    });
    Page::new(ctx.shell(tr("Deletion queue")))
        .with(
            Grid::new(&[tr("Tenant"), tr("State"), tr("Asked by"), tr("Since"), tr("Waits for")])
                .rows(rows.collect::<Vec<_>>())
                .listed(Listing::of(&ctx, &found))
                .filter(
                    "status",
                    tr("State"),
                    &[
                        ("REQUIRES_APPROVAL", tr("Needs approval")),
                        ("PENDING", tr("Under way")),
                        ("BLOCKED", tr("Blocked")),
                    ],
                )
                .empty(
                    tr("No deletions waiting"),
                    tr("Tenants that somebody wants deleted stand here until they are gone."),
                ),
        )
        .shown(&ctx)
}

async fn quotas(ctx: Ctx) -> Answer {
    let place = Place::of(&ctx)?;
    let found = ctx.api.list(&Listing::ask(&ctx, &format!("{OPERATE}/quota-requests"), &[])).await?;
    let rows = found.items.iter().flat_map(|tenant| {
        let uuid = text(&tenant["metadata"]["uuid"]);
        let at = place.at(&format!("/tenants/{}", segment(&uuid)));
        pending(tenant)
            .map(|request| {
                let wanted: Vec<String> = request["quotas"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| {
                        let now = &tenant["status"]["appliedQuotas"][key]["value"];
                        let now = if now.is_null() { "–".to_owned() } else { now.to_string() };
                        format!("{key} {now} → {value}")
                    })
                    .collect();
                vec![
                    Cell::Name(text(&tenant["status"]["tenantName"]), at.clone(), String::new()),
                    Cell::Text(wanted.join(", ")),
                    Cell::text(text(&request["requestedBy"])),
                    Cell::Ago(text(&request["requestedAt"])),
                ]
            })
            .collect::<Vec<_>>()
    });
    Page::new(ctx.shell(tr("Quota requests")))
        .with(
            Grid::new(&[tr("Tenant"), tr("Now and asked for"), tr("Asked by"), tr("Since")])
                .rows(rows.collect::<Vec<_>>())
                .listed(Listing::of(&ctx, &found))
                .empty(
                    tr("No quota requests"),
                    tr("Teams that want more than is granted without asking stand here."),
                ),
        )
        .shown(&ctx)
}

/// The pages.
pub fn pages() -> Pages {
    let mut pages = both(Pages::new(), "/tenants", &get(list));
    pages = both(pages, "/tenants/{uuid}", &get(show).post(act));
    pages = both(pages, "/deletions", &get(deletions));
    both(pages, "/quotas", &get(quotas))
}
