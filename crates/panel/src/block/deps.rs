//! What a block builds on, and what builds on it.

use super::Block;
use crate::api::{segment, text_at, with_query};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::shell::Shell;
use askama::Template;
use axum::extract::Path;
use serde_json::{Value, json};

/// Another block.
pub struct Other {
    /// uuid.
    pub uuid: String,
    /// Its name; its uuid where the reader may not see it.
    pub name: String,
    /// How it goes.
    pub status: String,
}

impl Other {
    fn read(block: &Value) -> Self {
        Self {
            uuid: text_at(block, "/metadata/uuid").to_owned(),
            name: text_at(block, "/spec/displayName").to_owned(),
            status: text_at(block, "/status/status").to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "block/deps.html")]
struct DepsPage {
    shell: Shell,
    parents: Vec<Other>,
    children: Vec<Other>,
    graph: String,
}

/// Blocks that build on this one.
pub async fn children(ctx: &Ctx, block: &Block) -> Vec<Other> {
    let path = with_query(
        "/api/meshobjects/meshbuildingblocks",
        [("parentUuid", block.uuid.as_str()), ("size", "200")],
    );
    let found = ctx.api.list(&path).await.unwrap_or_default();
    found.items.iter().map(Other::read).collect()
}

async fn parents(ctx: &Ctx, block: &Block) -> Vec<Other> {
    let mut parents = Vec::new();
    for reference in block.wire["spec"]["parentBuildingBlockRefs"].as_array().into_iter().flatten() {
        let uuid = text_at(reference, "/uuid");
        let path = format!("/api/meshobjects/meshbuildingblocks/{}", segment(uuid));
        parents.push(match ctx.api.get_if_there(&path).await {
            Ok(Some(found)) => Other::read(&found),
            _ => Other { uuid: uuid.to_owned(), name: uuid.to_owned(), status: String::new() },
        });
    }
    parents
}

/// As a graph, and as a list.
pub async fn show(ctx: Ctx, Path((_, uuid)): Path<(String, String)>) -> Answer {
    let block = Block::load(&ctx, &uuid).await?;
    let (parents, children) = (parents(&ctx, &block).await, children(&ctx, &block).await);
    let node = |other: &Other| json!({ "id": other.uuid, "label": other.name, "status": other.status });
    let own = json!({ "id": block.uuid, "label": block.name, "status": block.status, "isSelf": true });
    let nodes: Vec<Value> =
        std::iter::once(own).chain(parents.iter().map(node)).chain(children.iter().map(node)).collect();
    let up = parents.iter().map(|parent| json!([parent.uuid, block.uuid]));
    let down = children.iter().map(|child| json!([block.uuid, child.uuid]));
    let edges: Vec<Value> = up.chain(down).collect();
    let base = format!("/w/{}/b/", segment(ctx.home()));
    let graph = json!({ "nodes": nodes, "edges": edges, "base": base }).to_string();
    ctx.page(&DepsPage { shell: block.shell(&ctx), parents, children, graph })
}
