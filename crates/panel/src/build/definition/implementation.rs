//! What runs: the tab Implementation.

use super::super::view::{Button, Cell, Facts, Field, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, or_null, print, text, unchanged, words};
use super::{Editor, implementations};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::text::tr;
use serde_json::{Map, Value, json};

/// Field of the form: name, what it holds, whether it must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Lines,
    Flag,
    Secret,
    Integration(&'static str),
}

type Member = (&'static str, Holds, bool);

fn members(kind: &str) -> &'static [Member] {
    use Holds::{Flag, Integration, Lines, Secret, Text};
    match kind {
        "terraform" => &[
            ("terraformVersion", Text, true),
            ("repositoryUrl", Text, true),
            ("repositoryPath", Text, false),
            ("refName", Text, false),
            ("sshPrivateKey", Secret, false),
            ("preRunScript", Lines, false),
            ("async", Flag, false),
            ("useMeshHttpBackendFallback", Flag, false),
        ],
        "githubWorkflows" => &[
            ("integrationRef", Integration("github"), true),
            ("repository", Text, true),
            ("branch", Text, true),
            ("applyWorkflow", Text, true),
            ("destroyWorkflow", Text, false),
            ("async", Flag, false),
            ("omitRunObjectInput", Flag, false),
        ],
        "gitlabPipeline" => &[
            ("integrationRef", Integration("gitlab"), true),
            ("projectId", Text, true),
            ("refName", Text, true),
            ("pipelineTriggerToken", Secret, true),
        ],
        "azureDevOpsPipeline" => &[
            ("integrationRef", Integration("azuredevops"), true),
            ("project", Text, true),
            ("pipelineId", Text, true),
            ("refName", Text, false),
            ("async", Flag, false),
        ],
        _ => &[],
    }
}

/// Label and help of a member.
fn said(kind: &str, name: &str) -> (&'static str, &'static str) {
    match name {
        "terraformVersion" => {
            (tr("Version of OpenTofu"), tr("For example 1.9.0; up to 1.5.5 it is Terraform."))
        }
        "repositoryUrl" => (tr("Repository"), tr("https://… or git@host:path.")),
        "repositoryPath" => (tr("Folder of the module"), tr("Within the repository; empty is its root.")),
        "refName" if kind == "terraform" => (
            tr("Branch, tag or commit"),
            tr("Empty is the default branch. A tag or commit makes runs repeatable."),
        ),
        "refName" => (tr("Branch or tag"), ""),
        "sshPrivateKey" => (
            tr("SSH key"),
            tr(
                "A private key that may read the repository. It is sealed for the runner and never shown again.",
            ),
        ),
        "preRunScript" => (tr("Script before each run"), tr("Bash; it runs in the folder of the module.")),
        "async" => (
            tr("The run ends elsewhere"),
            tr("The automation reports the end itself, with the token of the run."),
        ),
        "useMeshHttpBackendFallback" => {
            (tr("Stoa keeps the state"), tr("For modules that name no backend of their own."))
        }
        "integrationRef" => (tr("Integration"), tr("The connection it goes through; see Integrations.")),
        "repository" => (tr("Repository"), tr("Its name at the owner that the integration names.")),
        "branch" => (tr("Branch"), ""),
        "applyWorkflow" => {
            (tr("Workflow that creates and changes"), tr("Name of its file, for example apply.yml."))
        }
        "destroyWorkflow" => (
            tr("Workflow that deletes"),
            tr("Needed unless blocks are merely forgotten when they are deleted."),
        ),
        "omitRunObjectInput" => {
            (tr("Pass the address of the run only"), tr("The workflow reads the run itself."))
        }
        "projectId" => (tr("Project id"), tr("Its number at GitLab.")),
        "pipelineTriggerToken" => {
            (tr("Trigger token"), tr("It is sealed for the runner and never shown again."))
        }
        "project" => (tr("Project"), ""),
        "pipelineId" => (tr("Pipeline id"), tr("Its number at Azure DevOps.")),
        _ => ("", ""),
    }
}

const COMMON: &[(&str, &str)] = &[
    ("implementation.type", "type"),
    ("runnerRef", "runner"),
    ("deletionMode", "deletionMode"),
    ("permissions", "permissions"),
    ("sshKnownHost", "hostName"),
    ("integrationRef", "integrationRef"),
];

async fn named_options(ctx: &Ctx, path: &str, keep: impl Fn(&Value) -> bool) -> Vec<(String, String)> {
    let found = ctx.api.list(path).await.map(|listed| listed.items).unwrap_or_default();
    let named = |item: &Value| (text(&item["metadata"]["uuid"]), text(&item["spec"]["displayName"]));
    found.iter().filter(|item| keep(item)).map(named).collect()
}

async fn page(ctx: &Ctx, editor: &Editor, kind: &str, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("Implementation"));
    let stored = &editor.version["spec"]["implementation"][kind];
    let mut runners =
        named_options(ctx, "/api/meshobjects/meshbuildingblockrunners?size=1000", |_| true).await;
    let own = text(&editor.version["spec"]["runnerRef"]["uuid"]);
    if !runners.iter().any(|(uuid, _)| *uuid == own) {
        runners.insert(0, (own, tr("Shared runner").to_owned()));
    }
    let choose = Sheet::new(&shell, editor.at("/implementation"), Form::filled([("type", kind)]))
        .titled(tr("What runs"), tr("Changing this keeps inputs and outputs."))
        .field(Field::new(Kind::Choice, "type", tr("Kind of automation")).options(implementations()))
        .submit(Button::new(tr("Show its settings"), "choose"))
        .locked(!editor.is_open)
        .unguarded();
    let mut sheet = Sheet::new(&shell, editor.at("/implementation"), form)
        .titled(&super::implementation_word(kind), "")
        .hidden("type", kind)
        .hidden("seen", print(&editor.version["spec"]))
        .locked(!editor.is_open);
    for (name, holds, required) in members(kind) {
        let (label, help) = said(kind, name);
        let mut field = match holds {
            Holds::Text => Field::text(name, label),
            Holds::Lines => Field::new(Kind::Lines(4), *name, label),
            Holds::Flag => Field::new(Kind::Switch, *name, label),
            Holds::Secret => Field::new(Kind::SecretLines, *name, label),
            Holds::Integration(of) => {
                let path = "/api/meshobjects/meshintegrations?size=1000";
                let found = named_options(ctx, path, |item| item["spec"]["config"]["type"] == *of).await;
                Field::new(Kind::Choice, *name, label).options(found)
            }
        };
        let is_kept = *holds == Holds::Secret && stored[*name].is_object();
        field = field.help(if is_kept {
            format!("{} {help}", tr("One is stored; leave this empty to keep it."))
        } else {
            help.to_owned()
        });
        sheet = sheet.field(if *required && !is_kept { field.required() } else { field });
    }
    if kind == "terraform" {
        sheet = sheet
            .heading(tr("Known host"), tr("For repositories over SSH: the key by which the host is known. Empty trusts what is well known."))
            .field(Field::text("hostName", tr("Host")))
            .field(Field::text("hostKeyType", tr("Kind of key")).help(tr("For example ssh-ed25519.")))
            .field(Field::text("hostKey", tr("Key")));
    }
    sheet = sheet
        .heading(tr("Runs"), "")
        .field(
            Field::new(Kind::Choice, "runner", tr("Runner"))
                .help(tr(
                    "Who executes it. Stored secrets have to be given again when another runner takes over.",
                ))
                .options(runners),
        )
        .field(Field::new(Kind::Choice, "deletionMode", tr("When a block is deleted")).options([
            ("DELETE", tr("Its resources are destroyed by a run")),
            ("PURGE", tr("Its resources are left alone")),
        ]))
        .field(
            Field::new(Kind::Switch, "onlyApplyOncePerTenant", tr("Once only"))
                .help(tr("A tenant or workspace may have one block of it.")),
        )
        .field(Field::new(Kind::Lines(2), "permissions", tr("Rights of its runs")).help(tr(
            "Permission codes of the API token that each run gets, one a line, for example TENANT_LIST.",
        )))
        .submit(Button::primary(tr("Save draft"), "save"));
    let mut page = Page::new(shell.clone()).with(editor.standing(ctx, &shell)).with(choose).with(sheet);
    if stored["repositoryUrl"].is_string() || stored["integrationRef"]["uuid"].is_string() {
        let asked = if kind == "terraform" {
            tr("Can the repository be reached?")
        } else {
            tr("Can the pipeline system be reached?")
        };
        page = page.with(Note::info(asked, tr("Save first: what is stored is tested.")).button(
            editor.may(ctx),
            editor.within("/check"),
            &shell.csrf,
            Button::new(tr("Test connection"), "check"),
        ));
    }
    page
}

fn filled(spec: &Value, kind: &str) -> Form {
    let body = &spec["implementation"][kind];
    let on = |value: &Value| if value == &json!(true) { "on" } else { "" }.to_owned();
    let mut pairs: Vec<(String, String)> = vec![
        ("runner".into(), text(&spec["runnerRef"]["uuid"])),
        ("deletionMode".into(), text(&spec["deletionMode"])),
        ("onlyApplyOncePerTenant".into(), on(&spec["onlyApplyOncePerTenant"])),
        ("permissions".into(), super::texts(&spec["permissions"]).join("\n")),
        ("hostName".into(), text(&body["sshKnownHost"]["host"])),
        ("hostKeyType".into(), text(&body["sshKnownHost"]["keyType"])),
        ("hostKey".into(), text(&body["sshKnownHost"]["keyValue"])),
    ];
    for (name, holds, _) in members(kind) {
        pairs.push((
            (*name).to_owned(),
            match holds {
                Holds::Text | Holds::Lines => text(&body[*name]),
                Holds::Flag => on(&body[*name]),
                Holds::Integration(_) => text(&body[*name]["uuid"]),
                Holds::Secret => continue,
            },
        ));
    }
    if kind == "terraform" && !body.is_object() {
        pairs.push(("useMeshHttpBackendFallback".into(), "on".into()));
        pairs.push(("terraformVersion".into(), "1.10.6".into()));
        pairs.retain(|(name, value)| {
            name != "useMeshHttpBackendFallback" && name != "terraformVersion" || !value.is_empty()
        });
    }
    Form::filled(pairs)
}

fn kind_of(editor: &Editor) -> String {
    text(&editor.version["spec"]["implementation"]["type"])
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let kind = ctx.query("type").map_or_else(|| kind_of(&editor), str::to_owned);
    let form = filled(&editor.version["spec"], &kind);
    page(&ctx, &editor, &kind, form).await.shown(&ctx)
}

/// The implementation that a form says; a secret that was left empty stays as it is stored.
fn read(fields: &Fields, kind: &str, stored: &Value) -> Value {
    let mut body = Map::new();
    for (name, holds, _) in members(kind) {
        let value = match holds {
            Holds::Text => or_null(fields.get(name)),
            Holds::Lines => or_null(fields.raw(name)),
            Holds::Flag => json!(fields.is_on(name)),
            Holds::Integration(_) => json!({ "uuid": fields.get(name) }),
            Holds::Secret if fields.get(name).is_empty() => stored[*name].clone(),
            // A key file ends with a line of its own; browsers send other line ends.
            Holds::Secret => json!({ "plaintext": lines(fields.raw(name)) }),
        };
        body.insert((*name).to_owned(), value);
    }
    if kind == "terraform" && !fields.get("hostName").is_empty() {
        body.insert(
            "sshKnownHost".into(),
            json!({
                "host": fields.get("hostName"),
                "keyType": fields.get("hostKeyType"),
                "keyValue": fields.get("hostKey"),
            }),
        );
    }
    json!({ "type": kind, kind: body })
}

/// A text of a form with the line ends of a file.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    if text.contains('\n') && !text.ends_with('\n') {
        format!("{text}\n")
    } else {
        text.trim_end_matches([' ', '\t']).to_owned()
    }
}

/// Saves the draft, or shows the settings of another kind.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let kind = fields.get("type").to_owned();
    if fields.get("do") == "choose" {
        let target = format!("{}?type={}", editor.at("/implementation"), segment(&kind));
        return Ok(axum::response::IntoResponse::into_response(axum::response::Redirect::to(&target)));
    }
    let implementation = read(&fields, &kind, &editor.version["spec"]["implementation"][&kind]);
    let outcome = match unchanged(&fields, &editor.version["spec"]) {
        Ok(()) => {
            editor
                .save(&ctx, |spec| {
                    let was = text(&spec["implementation"]["type"]);
                    if kind == "manual" && was != "manual" {
                        // Outputs of manual versions mirror the inputs.
                        spec["outputs"] = json!({});
                    }
                    spec["implementation"] = implementation;
                    spec["runnerRef"] = json!({ "uuid": fields.get("runner") });
                    spec["deletionMode"] = json!(fields.get("deletionMode"));
                    spec["onlyApplyOncePerTenant"] = json!(fields.is_on("onlyApplyOncePerTenant"));
                    spec["permissions"] = json!(words(fields.get("permissions")));
                })
                .await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&editor.at("/implementation"), tr("The draft is saved.")),
        Err(problem) => {
            let mut names: Vec<(&str, &str)> = COMMON.to_vec();
            names.extend(members(&kind).iter().map(|(name, ..)| (*name, *name)));
            let form = again(fields, problem, &names)?;
            page(&ctx, &editor, &kind, form).await.refused(&ctx)
        }
    }
}

/// Tests whether the stored repository, or the stored pipeline system, can be reached.
pub async fn check(path: Named, Post { ctx, .. }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let shell = editor
        .shell(&ctx, tr("Test connection"))
        .crumb(tr("Implementation"), editor.within("/implementation"));
    let uuid = text(&editor.version["metadata"]["uuid"]);
    let told = ctx
        .api
        .post(&format!("/api/stoa/v1/definitions/versions/{}/check", segment(&uuid)), &json!({}))
        .await?;
    let steps = told["checks"].as_array().cloned().unwrap_or_default();
    let facts = Facts::new(tr("What was tested"))
        .line(tr("Address"), Cell::Copy(text(&told["repository"])))
        .line(tr("When"), Cell::Ago(text(&told["at"])));
    let grid = Grid::new(&[tr("Test"), tr("Result"), tr("What was found"), tr("What to do")]).rows(
        steps.iter().map(|step| {
            vec![
                Cell::text(text(&step["check"])),
                Cell::State(text(&step["result"])),
                Cell::text(text(&step["message"])),
                Cell::text(text(&step["advice"])),
            ]
        }),
    );
    Page::new(shell).with(facts).with(grid).shown(&ctx)
}
