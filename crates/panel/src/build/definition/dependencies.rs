//! What else it needs: the tab Dependencies.

use super::super::view::{Button, Cell, Field, Grid, Kind, Page, Sheet};
use super::super::{Named, again, print, text, unchanged};
use super::inputs::ordered;
use super::{Editor, definition_names};
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::Form;
use crate::text::tr;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn refs(editor: &Editor) -> Vec<String> {
    let refs = editor.version["spec"]["dependencyDefinitionRefs"].as_array();
    refs.into_iter().flatten().map(|reference| text(&reference["uuid"])).collect()
}

fn page(ctx: &Ctx, editor: &Editor, names: &BTreeMap<String, Value>, form: Form) -> Page {
    let shell = editor.shell(ctx, tr("Dependencies"));
    let is_tenant = editor.definition["spec"]["targetType"] == "TENANT_LEVEL";
    let mut options: Vec<(String, String)> = names
        .iter()
        .filter(|(uuid, item)| {
            **uuid != editor.uuid() && (is_tenant || item["spec"]["targetType"] == "WORKSPACE_LEVEL")
        })
        .map(|(uuid, item)| {
            let owner = text(&item["metadata"]["ownedByWorkspace"]);
            (uuid.clone(), format!("{} ({owner})", text(&item["spec"]["displayName"])))
        })
        .collect();
    options.sort_by(|a, b| a.1.cmp(&b.1));
    let sheet = Sheet::new(&shell, editor.at("/dependencies"), form)
        .titled(
            tr("Blocks of these have to be there first"),
            tr("Their outputs can be inputs here. A cycle is refused."),
        )
        .hidden("seen", print(&editor.version["spec"]["dependencyDefinitionRefs"]))
        .locked(!editor.is_open)
        .field(Field::new(Kind::Several, "definitions", tr("Definitions")).options(options))
        .submit(Button::primary(tr("Save draft"), "save"));
    let taken: Vec<(String, Value)> = ordered(&editor.version["spec"]["inputs"])
        .into_iter()
        .filter(|(_, input)| input["assignmentType"] == "BUILDING_BLOCK_OUTPUT")
        .collect();
    let rows = taken.iter().map(|(key, input)| {
        let argument = text(&input["argument"]);
        let (definition, output) = argument.split_once('.').unwrap_or((argument.as_str(), ""));
        let name =
            names.get(definition).map_or(definition.to_owned(), |item| text(&item["spec"]["displayName"]));
        vec![
            Cell::Link(name, editor.place.at(&format!("/definitions/{}", segment(definition)))),
            Cell::text(output),
            Cell::Link(key.clone(), editor.within(&format!("/inputs/{}", segment(key)))),
        ]
    });
    let mapping = Grid::new(&[tr("Definition"), tr("Output"), tr("Input here")])
        .titled(tr("What is taken from them"), "")
        .rows(rows)
        .empty(
            tr("No input takes an output"),
            tr("Choose an output of another block as the source of an input."),
        );
    Page::new(shell.clone()).with(editor.standing(ctx, &shell)).with(sheet).with(mapping)
}

/// The tab.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let names = definition_names(&ctx).await;
    let form = Form::filled(refs(&editor).into_iter().map(|uuid| ("definitions", uuid)));
    page(&ctx, &editor, &names, form).shown(&ctx)
}

/// Saves the draft.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let wanted: Vec<Value> =
        fields.all("definitions").into_iter().map(|uuid| json!({ "uuid": uuid })).collect();
    let outcome = match unchanged(&fields, &editor.version["spec"]["dependencyDefinitionRefs"]) {
        Ok(()) => {
            editor
                .save(&ctx, |spec| {
                    spec["dependencyDefinitionRefs"] = json!(wanted);
                    if let Some(spec) = spec.as_object_mut() {
                        spec.remove("dependencyDefinitionUuids");
                    }
                })
                .await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&editor.at("/dependencies"), tr("The draft is saved.")),
        Err(problem) => {
            let names = definition_names(&ctx).await;
            let form = again(fields, problem, &[("dependencyDefinitionRefs", "definitions")])?;
            page(&ctx, &editor, &names, form).refused(&ctx)
        }
    }
}
