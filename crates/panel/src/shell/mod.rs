//! The frame around every page: areas, navigation, breadcrumb, heading, tabs, messages.

mod nav;

use crate::api::segment;
use crate::assets;
use crate::ctx::{Answer, Ctx, Flash, Membership};
use crate::parts::filters;
use crate::problem::Problem;
use crate::text::tr;
use crate::{Pages, Panel};
use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
pub use nav::{Area, Item, Section};

/// A label that leads somewhere.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// A tab under the heading.
#[derive(Clone, Debug)]
pub struct Tab {
    /// What it says.
    pub label: String,
    /// Its page.
    pub href: String,
    /// How many there are of what it holds.
    pub count: Option<u64>,
    /// Whether it is the one shown.
    pub is_active: bool,
}

/// The frame of one page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Heading and title.
    pub title: String,
    /// What stands before the title in the browser's tab: `<object>` of `<object> · <page>`.
    pub object: String,
    /// A line under the heading: an identifier to copy.
    pub identifier: String,
    /// An icon beside the heading: a name of the sprite, or a data URI.
    pub icon: String,
    /// A status beside the heading.
    pub status: String,
    /// The way here.
    pub crumbs: Vec<Link>,
    /// Pages of the same object.
    pub tabs: Vec<Tab>,
    /// Navigation of the area.
    pub sections: Vec<Section>,
    /// Areas that they may enter.
    pub areas: Vec<Area>,
    /// Their workspaces, for the switcher.
    pub workspaces: Vec<Membership>,
    /// The workspace acted in.
    pub workspace: Option<Membership>,
    /// Full name of whoever is signed in.
    pub name: String,
    /// Their initials.
    pub initials: String,
    /// Their username.
    pub username: String,
    /// Their roles here, for people.
    pub roles: String,
    /// For forms.
    pub csrf: String,
    /// `light`, `dark` or `auto`.
    pub theme: String,
    /// A message from before a redirect.
    pub flash: Option<Flash>,
    /// Id of the request.
    pub request: String,
    /// Path of this page.
    pub path: String,
    /// Version of Stoa.
    pub version: &'static str,
}

impl Shell {
    /// The frame around what `ctx` asked for.
    pub fn new(ctx: &Ctx, title: String) -> Self {
        let roles = match &ctx.workspace {
            Some(workspace) => workspace.role.clone(),
            None => ctx.me.admin_roles.join(", "),
        };
        Self {
            title,
            object: String::new(),
            identifier: String::new(),
            icon: String::new(),
            status: String::new(),
            crumbs: Vec::new(),
            tabs: Vec::new(),
            sections: nav::sections(ctx),
            areas: nav::areas(ctx),
            workspaces: ctx.me.workspaces.clone(),
            workspace: ctx.workspace.clone(),
            name: ctx.me.full_name(),
            initials: ctx.me.initials(),
            username: ctx.me.username.clone(),
            roles,
            csrf: ctx.me.csrf.clone(),
            theme: ctx.theme.clone(),
            flash: ctx.flash.clone(),
            request: ctx.request.clone(),
            path: ctx.path.clone(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Adds a step of the way here.
    #[must_use]
    pub fn crumb(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Link { label: label.into(), href: href.into() });
        self
    }

    /// Adds a tab; it is the active one if its path is this page's.
    #[must_use]
    pub fn tab(self, label: &str, href: impl Into<String>) -> Self {
        self.tab_of(label, href, None)
    }

    /// Adds a tab with a count.
    #[must_use]
    pub fn tab_of(mut self, label: &str, href: impl Into<String>, count: Option<u64>) -> Self {
        let href = href.into();
        let is_active = href.split('?').next() == Some(&self.path);
        self.tabs.push(Tab { label: label.to_owned(), href, count, is_active });
        self
    }

    /// Names the object that the page is about.
    #[must_use]
    pub fn about(mut self, object: impl Into<String>, identifier: impl Into<String>) -> Self {
        self.object = object.into();
        self.identifier = identifier.into();
        self
    }

    /// Sets icon and status of the heading.
    #[must_use]
    pub fn marked(mut self, icon: impl Into<String>, status: impl Into<String>) -> Self {
        self.icon = icon.into();
        self.status = status.into();
        self
    }

    /// The document's title: `<object> · <page> · <product>` (panel.md SH-03).
    pub fn document(&self) -> String {
        let parts = [self.object.as_str(), self.title.as_str(), "Stoa"];
        let mut said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        said.dedup();
        said.join(" · ")
    }

    /// Id of the heading: one per page, so that an answer that comes late changes no other page's.
    pub fn head_id(&self) -> String {
        format!("head{}", self.path.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
    }

    /// Path of a file that pages load.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    /// Identifier of the workspace acted in; empty outside of one.
    pub fn home(&self) -> &str {
        self.workspace.as_ref().map_or("", |workspace| workspace.identifier.as_str())
    }

    /// Path within the workspace acted in: `/w/<workspace>` and `tail`.
    pub fn at(&self, tail: &str) -> String {
        format!("/w/{}{tail}", segment(self.home()))
    }
}

#[derive(Template)]
#[template(path = "shell/problem.html")]
struct ProblemPage<'a> {
    shell: Shell,
    problem: &'a Problem,
    sentence: &'static str,
}

#[derive(Template)]
#[template(path = "shell/bare.html")]
struct BarePage<'a> {
    problem: &'a Problem,
    sentence: &'static str,
}

#[derive(Template)]
#[template(path = "shell/problem_part.html")]
struct ProblemPart<'a> {
    problem: &'a Problem,
    path: &'a str,
}

fn sentence(problem: &Problem) -> &'static str {
    match problem.status {
        403 => tr("You may not see this"),
        404 => tr("There is nothing here"),
        410 => tr("This is over"),
        500.. => tr("Something failed on our side"),
        _ => tr("This did not work"),
    }
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The page that explains a problem, in the frame of whoever is signed in.
pub fn problem_page(ctx: &Ctx, problem: &Problem) -> Response {
    let html = if ctx.is_partial {
        ProblemPart { problem, path: &ctx.path }.render()
    } else {
        let shell = ctx.shell(sentence(problem));
        ProblemPage { shell, problem, sentence: sentence(problem) }.render()
    };
    (status_of(problem), Html(html.unwrap_or_default())).into_response()
}

/// The page that explains a problem to whoever is not known.
pub fn bare_problem(problem: &Problem) -> Response {
    let html = BarePage { problem, sentence: sentence(problem) }.render();
    (status_of(problem), Html(html.unwrap_or_default())).into_response()
}

/// Shows problems that handlers gave back.
pub async fn explained(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut copy = http::Request::new(());
    copy.method_mut().clone_from(&parts.method);
    copy.uri_mut().clone_from(&parts.uri);
    copy.headers_mut().clone_from(&parts.headers);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let told = response.extensions_mut().remove::<Problem>();
    let is_no_way = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let Some(problem) = told.or_else(|| is_no_way.then(no_way)) else { return response };
    let (mut parts, ()) = copy.into_parts();
    match Ctx::from_request_parts(&mut parts, &panel).await {
        Ok(ctx) => problem_page(&ctx, &problem),
        Err(response) => response,
    }
}

/// What a page says that is asked for something it does not take; without it nothing at all would be shown.
fn no_way() -> Problem {
    Problem {
        status: 405,
        code: "MethodNotAllowed".into(),
        message: tr("This page only shows something; nothing can be sent to it.").into(),
        ..Problem::default()
    }
}

async fn home(ctx: Ctx) -> Answer {
    let target = match (ctx.me.workspaces.first(), ctx.me.admin_roles.first()) {
        (Some(workspace), _) => format!("/w/{}", segment(&workspace.identifier)),
        (None, Some(_)) => "/admin".to_owned(),
        (None, None) => "/home".to_owned(),
    };
    Ok(Redirect::to(&target).into_response())
}

/// Pages of the frame itself.
pub fn pages() -> Pages {
    Pages::new().route("/", get(home))
}
