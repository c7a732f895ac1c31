//! A workspace at a glance: projects with their tenants and blocks, blocks of its own, its team, what runs.

use super::team;
use crate::api::{said, segment, text_at};
use crate::ctx::{Answer, Ctx};
use crate::parts::filters;
use crate::project::Project;
use crate::shell::Shell;
use crate::tenant::known::{self, Block, Tenant};
use crate::text::tr;
use askama::Template;
use serde_json::Value;

/// A project with what is in it.
struct Boxed {
    project: Project,
    tenants: Vec<Tenant>,
}

/// A step of the first days (OB-02).
struct Task {
    label: &'static str,
    href: String,
    is_done: bool,
}

#[derive(Template)]
#[template(path = "workspace/overview.html")]
struct OverviewPage {
    shell: Shell,
    boxes: Vec<Boxed>,
    blocks: Vec<Block>,
    running: Vec<Block>,
    failed: Vec<Block>,
    waiting: Vec<Block>,
    tasks: Vec<Task>,
    team: Option<u64>,
    expiring: Option<u64>,
    is_team: bool,
    may_create: bool,
    more: u64,
    q: String,
}

impl OverviewPage {
    fn is_new(&self) -> bool {
        self.is_team && self.tasks.iter().any(|task| !task.is_done)
    }
}

/// How many have a role here, and how many of those roles end soon.
async fn people(ctx: &Ctx) -> (Option<u64>, Option<u64>) {
    if !ctx.is_team() {
        return (None, None);
    }
    let path = team::path_of(ctx, None);
    let (all, soon) = (format!("{path}?size=1"), format!("{path}?size=1&expiresWithin=30"));
    let (all, soon) = tokio::join!(ctx.api.list(&all), ctx.api.list(&soon));
    (all.ok().map(|found| found.total), soon.ok().map(|found| found.total))
}

fn matches(q: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| text.to_lowercase().contains(q))
}

/// Boxes narrowed to what has a text in it.
fn narrowed(boxes: Vec<Boxed>, q: &str) -> Vec<Boxed> {
    let fits = |tenant: &Tenant| {
        matches(q, &[&tenant.platform.name, &tenant.platform_tenant_id, &tenant.zone])
            || tenant.blocks.iter().any(|block| matches(q, &[&block.name]))
    };
    let narrow = |mut one: Boxed| {
        if matches(q, &[&one.project.display_name, &one.project.name]) {
            return Some(one);
        }
        one.tenants.retain(fits);
        (!one.tenants.is_empty()).then_some(one)
    };
    boxes.into_iter().filter_map(narrow).collect()
}

/// How many projects are shown as boxes.
const BOXES: u64 = 20;

/// The page.
pub async fn overview(ctx: Ctx) -> Answer {
    let projects = format!(
        "/api/meshobjects/meshprojects?workspaceIdentifier={}&state=ACTIVE,PENDING_DELETION&size={BOXES}",
        segment(ctx.home())
    );
    let (projects, blocks, people) =
        tokio::join!(ctx.api.list(&projects), known::blocks(&ctx, ""), people(&ctx));
    let (projects, blocks) = (projects?, blocks?);
    let names: Vec<&str> = projects.items.iter().map(|project| text_at(project, "/metadata/name")).collect();
    let tenants = known::tenants(&ctx, &names, &blocks).await?;
    let boxed = |project: &Value| {
        let name = said(project, "/metadata/name");
        Boxed {
            tenants: tenants.iter().filter(|tenant| tenant.project == name).cloned().collect(),
            project: Project::read(project),
        }
    };
    let q = ctx.query("q").unwrap_or_default().to_lowercase();
    let in_state = |states: &[&str]| -> Vec<Block> {
        blocks.iter().filter(|block| states.contains(&block.state.as_str())).cloned().collect()
    };
    let shell = ctx.shell(tr("Overview"));
    let task = |label, tail: &str, is_done| Task { label, href: shell.at(tail), is_done };
    let first = projects.items.first().map(|project| said(project, "/metadata/name")).unwrap_or_default();
    let tasks = vec![
        task(tr("Add your team"), "/access/new", people.0.is_some_and(|count| count > 1)),
        task(tr("Create a project"), "/projects/new", projects.total > 0),
        task(
            tr("Add a platform to it"),
            &if first.is_empty() {
                "/projects/new".to_owned()
            } else {
                format!("/p/{}/add", segment(&first))
            },
            !tenants.is_empty(),
        ),
        task(tr("Order something from the marketplace"), "/market", !blocks.is_empty()),
    ];
    let own = blocks.iter().filter(|block| block.tenant.is_empty() && matches(&q, &[&block.name]));
    let home = ctx.workspace.clone().unwrap_or_default();
    ctx.page(&OverviewPage {
        boxes: narrowed(projects.items.iter().map(boxed).collect(), &q),
        running: in_state(&["IN_PROGRESS", "PENDING"]),
        failed: in_state(&["FAILED", "ABORTED"]),
        waiting: in_state(&["WAITING_FOR_USER_INPUT"]),
        blocks: own.cloned().collect(),
        tasks,
        team: people.0,
        expiring: people.1.filter(|count| *count > 0),
        is_team: ctx.is_team(),
        may_create: ctx.may("PROJECT_SAVE"),
        more: projects.total.saturating_sub(projects.items.len() as u64),
        q: ctx.query("q").unwrap_or_default().to_owned(),
        shell: shell.about(home.display_name, home.identifier),
    })
}
