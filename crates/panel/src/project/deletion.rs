//! The end of a project: what goes, in which order, and what keeps it (domain-organization.md §9, PD-02 and PD-03).

use super::Project;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::parts::filters;
use crate::shell::Shell;
use crate::tenant::known::{self, Block, Tenant};
use crate::text::{fill, tr};
use askama::Template;
use axum::extract::Path;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "project/deletion.html")]
struct DeletionPage {
    shell: Shell,
    project: Project,
    blocks: Vec<Block>,
    tenants: Vec<Tenant>,
    base: String,
}

/// Blocks that others lean on come after those. `parents` are pairs of a block and one that it leans on.
fn in_order(mut left: Vec<Block>, parents: &HashMap<String, Vec<String>>) -> Vec<Block> {
    let mut done = Vec::new();
    while !left.is_empty() {
        let is_free = |block: &Block| {
            !left.iter().any(|other| parents.get(&other.uuid).is_some_and(|on| on.contains(&block.uuid)))
        };
        let next = left.iter().position(is_free).unwrap_or(0);
        done.push(left.remove(next));
    }
    done
}

async fn blocks(ctx: &Ctx, project: &Project) -> Result<Vec<Block>, crate::problem::Problem> {
    let path = format!(
        "/api/meshobjects/meshbuildingblocks?workspaceIdentifier={}&projectIdentifier={}&size=1000",
        segment(ctx.home()),
        segment(&project.name)
    );
    let found = ctx.api.list(&path).await?.items;
    let parents = found.iter().map(|block| {
        let parents = block["spec"]["parentBuildingBlockRefs"].as_array().into_iter().flatten();
        let parents = parents.filter_map(|parent| parent["uuid"].as_str().map(str::to_owned)).collect();
        (crate::api::said(block, "/metadata/uuid"), parents)
    });
    let parents: HashMap<String, Vec<String>> = parents.collect();
    Ok(in_order(found.iter().map(Block::read).collect(), &parents))
}

/// The plan.
pub async fn plan(ctx: Ctx, Path((_, name)): Path<(String, String)>) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let blocks = blocks(&ctx, &project).await?;
    let tenants = known::tenants(&ctx, &[&project.name], &blocks).await?;
    let base = project.at(&ctx, "");
    ctx.page(&DeletionPage { shell: project.shell(&ctx), project, blocks, tenants, base })
}

/// Begins with it: the first blocks, or the project with its tenants once none is left.
pub async fn delete(Path((_, name)): Path<(String, String)>, Post { ctx, fields }: Post) -> Answer {
    let project = Project::find(&ctx, &name).await?;
    let page = project.at(&ctx, "/settings/deletion");
    if !fields.is_on("sure") {
        return ctx.failed(&page, tr("Tick the box first: a deleted project does not come back."));
    }
    let own = |block: &&Block| fields.all("block").contains(&block.uuid.as_str());
    let blocks = blocks(&ctx, &project).await?;
    let mut count = 0;
    for block in blocks.iter().filter(own) {
        let path = format!("/api/meshobjects/meshbuildingblocks/{}", segment(&block.uuid));
        match ctx.api.delete(&path).await {
            Ok(_) => count += 1,
            // Others still lean on it: it is next once they are gone.
            Err(problem) if problem.status == 409 && count > 0 => break,
            Err(problem) if problem.is_about_input() => return ctx.failed(&page, problem.message),
            Err(problem) => return Err(problem),
        }
    }
    if count > 0 {
        let said =
            tr("{0} building blocks are being deleted. Come back to delete the rest once they are gone.");
        return ctx.done(&page, fill(said, &[&count.to_string()]));
    }
    let id = format!("{}.{}", ctx.home(), project.name);
    match ctx.api.delete(&format!("/api/meshobjects/meshprojects/{}", segment(&id))).await {
        Ok(_) if ctx.api.get(&format!("/api/meshobjects/meshprojects/{}", segment(&id))).await.is_ok() => {
            ctx.done(&page, tr("The project is being deleted with its tenants."))
        }
        Ok(_) => {
            let list = format!("/w/{}/projects", segment(ctx.home()));
            ctx.done(&list, fill(tr("The project {0} was deleted."), &[&project.display_name]))
        }
        Err(problem) if problem.is_about_input() => ctx.failed(&page, problem.message),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_go_before_their_parents() {
        let block = |uuid: &str| Block {
            uuid: uuid.into(),
            name: String::new(),
            state: String::new(),
            waiting: String::new(),
            tenant: String::new(),
        };
        let parents = HashMap::from([
            ("child".to_owned(), vec!["parent".to_owned()]),
            ("grandchild".to_owned(), vec!["child".to_owned()]),
        ]);
        let ordered = in_order(vec![block("parent"), block("grandchild"), block("child")], &parents);
        let names: Vec<&str> = ordered.iter().map(|block| block.uuid.as_str()).collect();
        assert_eq!(names, ["grandchild", "child", "parent"]);
    }
}
