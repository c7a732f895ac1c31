//! Building blocks of a workspace (panel.md §4.1 and §4.4): the list, and the pages of one.

mod change;
mod deletion;
mod deps;
mod inputs;
mod list;
mod summary;
mod upgrade;

use crate::Pages;
use crate::api::{segment, text_at};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::tr;
use axum::routing::get;
use serde_json::{Value, json};

/// A block with its version and definition, as far as the reader may see them.
struct Block {
    uuid: String,
    name: String,
    status: String,
    lifecycle: String,
    /// As the API says it.
    wire: Value,
    version: Value,
    definition: Value,
}

impl Block {
    /// The block that a path names, of the workspace acted in.
    async fn load(ctx: &Ctx, uuid: &str) -> Result<Self, Problem> {
        let path = format!("/api/meshobjects/meshbuildingblocks/{}", segment(uuid));
        let wire = ctx.api.get(&path).await?;
        let version = text_at(&wire, "/spec/buildingBlockDefinitionVersionRef/uuid");
        let path = format!("/api/meshobjects/meshbuildingblockdefinitionversions/{}", segment(version));
        let version = ctx.api.get_if_there(&path).await?.unwrap_or_default();
        let definition = text_at(&version, "/spec/buildingBlockDefinitionRef/uuid");
        let path = format!("/api/meshobjects/meshbuildingblockdefinitions/{}", segment(definition));
        let definition =
            if definition.is_empty() { None } else { ctx.api.get_if_there(&path).await? }.unwrap_or_default();
        let text = |pointer: &str| text_at(&wire, pointer).to_owned();
        Ok(Self {
            uuid: text("/metadata/uuid"),
            name: text("/spec/displayName"),
            status: text("/status/status"),
            lifecycle: text("/status/lifecycle/state"),
            wire,
            version,
            definition,
        })
    }

    fn is_active(&self) -> bool {
        self.lifecycle == "ACTIVE"
    }

    /// What stands beside its name: where it is in its life, else how it goes.
    fn state(&self) -> &str {
        match self.lifecycle.as_str() {
            "DELETED" => "DELETED",
            "MARKED_FOR_DELETION" if self.status != "FAILED" => "IN_DELETION",
            _ => &self.status,
        }
    }

    fn is_on_tenant(&self) -> bool {
        text_at(&self.wire, "/spec/targetRef/kind") == "meshTenant"
    }

    /// Whether the person may change it, as far as their role says (MK-20).
    fn may(&self, ctx: &Ctx, code: &str) -> bool {
        ctx.may(code) && (ctx.is_team() || self.is_on_tenant())
    }

    fn may_change(&self, ctx: &Ctx) -> bool {
        self.is_active() && self.may(ctx, "BUILDINGBLOCK_SAVE")
    }

    fn may_run(&self, ctx: &Ctx) -> bool {
        let shows_runs = self.definition["spec"]["runTransparency"] == json!(true)
            || text_at(&self.definition, "/metadata/ownedByWorkspace") == ctx.home();
        self.may_change(ctx) && shows_runs && self.is_at_rest()
    }

    /// Whether its last run is over.
    fn is_at_rest(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "ABORTED")
    }

    fn version_number(&self) -> u64 {
        self.version["spec"]["versionNumber"].as_u64().unwrap_or_default()
    }

    /// The newest released version, if it is newer than the block's: number and uuid.
    fn newer(&self) -> Option<(u64, &str)> {
        let status = &self.definition["status"];
        let number = status["latestReleasedVersion"].as_u64()?;
        let uuid = status["latestReleasedVersionUuid"].as_str()?;
        (number > self.version_number() && self.is_active()).then_some((number, uuid))
    }

    fn path(&self, ctx: &Ctx, tail: &str) -> String {
        format!("/w/{}/b/{}{tail}", segment(ctx.home()), segment(&self.uuid))
    }

    fn shell(&self, ctx: &Ctx) -> Shell {
        let list = format!("/w/{}/blocks", segment(ctx.home()));
        let mut shell = ctx
            .shell(self.name.clone())
            .crumb(tr("Building blocks"), list)
            .about(self.name.clone(), self.uuid.clone())
            .marked(text_at(&self.definition, "/spec/symbol"), self.state())
            .tab(tr("Summary"), self.path(ctx, ""))
            .tab(tr("Inputs"), self.path(ctx, "/inputs"))
            .tab(tr("Runs"), self.path(ctx, "/runs"))
            .tab(tr("Dependencies"), self.path(ctx, "/deps"));
        if let Some((number, _)) = self.newer() {
            let label = format!("{} {number}", tr("Upgrade to version"));
            shell = shell.tab(&label, self.path(ctx, "/upgrade"));
        }
        if ctx.may("EVENTLOG_LIST") {
            shell = shell.tab(tr("Activity"), self.path(ctx, "/events"));
        }
        if self.lifecycle != "DELETED" && self.may(ctx, "BUILDINGBLOCK_DELETE") {
            shell = shell.tab(tr("Deletion"), self.path(ctx, "/deletion"));
        }
        shell
    }

    /// The body that leaves everything as it is.
    fn unchanged(&self) -> Value {
        json!({
            "kind": "meshBuildingBlock",
            "metadata": { "uuid": self.uuid },
            "spec": {
                "buildingBlockDefinitionVersionRef": self.wire["spec"]["buildingBlockDefinitionVersionRef"],
                "targetRef": self.wire["spec"]["targetRef"],
                "displayName": self.name,
                "inputs": {},
            },
        })
    }

    fn api_path(&self) -> String {
        format!("/api/meshobjects/meshbuildingblocks/{}", segment(&self.uuid))
    }
}

/// Where a block is placed: what it says, and where it leads.
async fn target(ctx: &Ctx, block: &Value) -> (String, String) {
    let tenant = text_at(block, "/spec/targetRef/uuid");
    let home = segment(ctx.home());
    if tenant.is_empty() {
        return (tr("The workspace").into(), format!("/w/{home}"));
    }
    let path = format!("/api/meshobjects/meshtenants/{}", segment(tenant));
    match ctx.api.get_if_there(&path).await {
        Ok(Some(found)) => {
            let project = text_at(&found, "/metadata/ownedByProject");
            let key = text_at(&found, "/status/tenantName");
            let platform = key.splitn(3, '.').nth(2).unwrap_or(key);
            let href = format!("/w/{home}/p/{}/t/{}", segment(project), segment(tenant));
            (format!("{project} · {platform}"), href)
        }
        _ => (tr("A tenant").into(), String::new()),
    }
}

/// The pages.
pub fn pages() -> Pages {
    Pages::new()
        .route("/w/{workspace}/blocks", get(list::list))
        .route("/w/{workspace}/b/{block}", get(summary::show))
        .route("/w/{workspace}/b/{block}/run", axum::routing::post(change::run))
        .route("/w/{workspace}/b/{block}/inputs", get(inputs::show).post(inputs::save))
        .route("/w/{workspace}/b/{block}/runs", get(summary::runs))
        .route("/w/{workspace}/b/{block}/runs/{run}", get(summary::run))
        .route("/w/{workspace}/b/{block}/deps", get(deps::show))
        .route("/w/{workspace}/b/{block}/upgrade", get(upgrade::show).post(upgrade::send))
        .route("/w/{workspace}/b/{block}/events", get(summary::events))
        .route("/w/{workspace}/b/{block}/deletion", get(deletion::show).post(deletion::send))
}
