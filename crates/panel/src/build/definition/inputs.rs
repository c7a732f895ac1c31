//! What has to be filled in: the tab Inputs, one input's form, and inputs from the code of a module.

use super::super::view::{Button, Cell, Field, Go, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, named, or_null, print, tally, text, texts, unchanged};
use super::Editor;
use crate::api::segment;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Map, Value, json};

/// Types of values with words.
pub fn types() -> [(&'static str, &'static str); 8] {
    [
        ("STRING", tr("Text")),
        ("INTEGER", tr("Whole number")),
        ("BOOLEAN", tr("Yes or no")),
        ("CODE", tr("Code (JSON, HCL, YAML)")),
        ("FILE", tr("File")),
        ("SINGLE_SELECT", tr("One of several")),
        ("MULTI_SELECT", tr("Any of several")),
        ("LIST", tr("List (old; use code)")),
    ]
}

/// Where values come from, with words; those for tenants only are marked.
fn sources() -> [(&'static str, &'static str, bool); 12] {
    [
        ("USER_INPUT", tr("The customer fills it in"), false),
        ("PLATFORM_OPERATOR_MANUAL_INPUT", tr("The platform team fills it in for each block"), false),
        ("STATIC", tr("Always this value"), false),
        ("BUILDING_BLOCK_OUTPUT", tr("An output of a block it depends on"), false),
        ("WORKSPACE_IDENTIFIER", tr("Identifier of the workspace"), false),
        ("PROJECT_IDENTIFIER", tr("Identifier of the project"), true),
        ("FULL_PLATFORM_IDENTIFIER", tr("Identifier of the platform"), true),
        ("PLATFORM_TENANT_ID", tr("The platform's id of the tenant"), true),
        ("MESHSTACK_TENANT_UUID", tr("Stoa's uuid of the tenant"), true),
        ("TENANT_BUILDING_BLOCK_UUID", tr("uuid of the block"), false),
        ("USER_PERMISSIONS", tr("People with their roles (JSON)"), false),
        ("AUTHOR", tr("Who ordered it (JSON)"), false),
    ]
}

/// The word of a type.
pub fn type_word(kind: &str) -> String {
    types().iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word).to_owned()
}

fn source_word(kind: &str) -> String {
    sources().iter().find(|(known, ..)| *known == kind).map_or(kind, |(_, word, _)| word).to_owned()
}

/// Inputs or outputs in the order in which people see them.
pub fn ordered(of: &Value) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> =
        of.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    all.sort_by_key(|(key, value)| (value["displayOrder"].as_i64().unwrap_or(i64::MAX), key.clone()));
    all
}

/// Moves one of an ordered map up or down, and numbers all of them anew.
pub fn moved(of: &mut Value, key: &str, up: bool) {
    let mut all = ordered(of);
    let Some(from) = all.iter().position(|(known, _)| known == key) else { return };
    let to = if up { from.saturating_sub(1) } else { (from + 1).min(all.len() - 1) };
    all.swap(from, to);
    for (place, (key, _)) in all.iter().enumerate() {
        of[key]["displayOrder"] = json!(place);
    }
}

const KEY: &str = "key";
const FIELDS: &[(&str, &str)] = &[
    ("displayName", "displayName"),
    ("description", "description"),
    ("type", "type"),
    ("assignmentType", "source"),
    ("argument", "value"),
    ("defaultValue", "value"),
    ("isEnvironment", "isEnvironment"),
    ("isSensitive", "isSensitive"),
    ("selectableValues", "options"),
    ("valueValidationRegex", "regex"),
    ("validationRegexErrorMessage", "regexMessage"),
];

/// The tab.
pub async fn list(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    list_page(&ctx, &editor).shown(&ctx)
}

fn list_page(ctx: &Ctx, editor: &Editor) -> Page {
    let shell = editor.shell(ctx, tr("Inputs"));
    let inputs = ordered(&editor.version["spec"]["inputs"]);
    let mut columns = vec![tr("Input"), tr("Type"), tr("Where it comes from"), tr("Passed as"), tr("Marks")];
    if editor.is_open {
        columns.push(tr("Order"));
    }
    let rows = inputs.iter().map(|(key, input)| {
        let is = |name: &str| input[name] == json!(true);
        let mut marks = Vec::new();
        if is("isSensitive") {
            marks.push(tr("secret"));
        }
        if is("updateableByConsumer") {
            marks.push(tr("can be changed later"));
        }
        let passed = match (text(&input["type"]).as_str(), is("isEnvironment")) {
            ("FILE", _) => tr("File"),
            (_, true) => tr("Environment variable"),
            (_, false) => tr("Variable"),
        };
        let mut row = vec![
            Cell::Name(
                text(&input["displayName"]),
                editor.within(&format!("/inputs/{}", segment(key))),
                key.clone(),
            ),
            Cell::text(type_word(&text(&input["type"]))),
            Cell::text(source_word(&text(&input["assignmentType"]))),
            Cell::text(passed),
            Cell::Text(marks.join(", ")),
        ];
        if editor.is_open {
            row.push(Cell::Buttons(vec![
                Button::icon(&fill(tr("Move {0} up"), &[key]), format!("up:{key}"), "arrow-up"),
                Button::icon(&fill(tr("Move {0} down"), &[key]), format!("down:{key}"), "arrow-down"),
                Button::icon(&fill(tr("Remove {0}"), &[key]), format!("remove:{key}"), "trash"),
            ]));
        }
        row
    });
    let new = || Go::to(tr("Add input"), editor.at("/inputs/new"), "plus").primary();
    let grid = Grid::new(&columns)
        .titled(tr("Inputs"), tr("In the order in which forms show them."))
        .rows(rows)
        .empty(
            tr("Nothing has to be filled in"),
            tr("An input is a value that the automation gets: from the customer, from you, or from what Stoa knows."),
        )
        .start(editor.is_open, new())
        .form(editor.at("/inputs"), &shell.csrf, Vec::new());
    Page::new(shell.clone())
        .action(
            editor.is_open && !editor.is_manual(),
            Go::to(tr("From the code of a module"), editor.at("/inputs/code"), "file-code"),
        )
        .action(editor.is_open, new())
        .with(editor.standing(ctx, &shell))
        .with(grid)
}

/// Moves and removes.
pub async fn change(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let back = editor.at("/inputs");
    let (what, key) = fields.get("do").split_once(':').unwrap_or_default();
    let outcome = editor
        .save(&ctx, |spec| match what {
            "up" | "down" => moved(&mut spec["inputs"], key, what == "up"),
            "remove" => {
                if let Some(inputs) = spec["inputs"].as_object_mut() {
                    inputs.remove(key);
                }
                if spec["implementation"]["type"] == "manual"
                    && let Some(outputs) = spec["outputs"].as_object_mut()
                {
                    outputs.remove(key);
                }
            }
            _ => {}
        })
        .await;
    match outcome {
        Ok(_) if what == "remove" => ctx.done(&back, fill(tr("{0} is removed from the draft."), &[key])),
        Ok(_) => ctx.done(&back, tr("The order is saved.")),
        Err(problem) if problem.is_about_input() => ctx.failed(&back, problem.message),
        Err(problem) => Err(problem),
    }
}

/// Outputs of the definitions that this one depends on, as arguments.
async fn parent_outputs(ctx: &Ctx, editor: &Editor) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for reference in editor.version["spec"]["dependencyDefinitionRefs"].as_array().into_iter().flatten() {
        let uuid = text(&reference["uuid"]);
        let Ok(parent) = ctx.api.get(&format!("{}/{}", super::PATH, segment(&uuid))).await else { continue };
        let newest = ["latestReleasedVersionUuid", "latestVersionUuid"]
            .into_iter()
            .map(|name| text(&parent["status"][name]))
            .find(|uuid| !uuid.is_empty());
        let Some(newest) = newest else { continue };
        let Ok(version) = ctx.api.get(&format!("{}/{}", super::VERSIONS, segment(&newest))).await else {
            continue;
        };
        for (key, output) in ordered(&version["spec"]["outputs"]) {
            let said = format!("{} · {}", text(&parent["spec"]["displayName"]), text(&output["displayName"]));
            found.push((format!("{uuid}.{key}"), said));
        }
    }
    found
}

async fn page(ctx: &Ctx, editor: &Editor, key: Option<&str>, form: Form) -> Page {
    let is_tenant = editor.definition["spec"]["targetType"] == "TENANT_LEVEL";
    let stored = key.map(|key| editor.version["spec"]["inputs"][key].clone()).unwrap_or_default();
    let title = if key.is_some() { text(&stored["displayName"]) } else { tr("New input").to_owned() };
    let shell = editor.shell(ctx, &title).crumb(editor.name(), editor.within("/inputs"));
    let action = editor.at(&format!("/inputs/{}", key.map_or("new".into(), segment)));
    let keeps = stored["isSensitive"] == json!(true)
        && (stored["argument"].is_object() || stored["defaultValue"].is_object());
    let options = sources();
    let options =
        options.iter().filter(|(_, _, tenant)| is_tenant || !tenant).map(|(kind, word, _)| (*kind, *word));
    let mut parents = vec![(String::new(), tr("none").to_owned())];
    parents.extend(parent_outputs(ctx, editor).await);
    let mut sheet = Sheet::new(&shell, action, form)
        .titled(&title, "")
        .hidden("seen", print(&editor.version["spec"]["inputs"]))
        .locked(!editor.is_open);
    sheet = if let Some(key) = key {
        sheet.hidden(KEY, key)
    } else {
        sheet.field(Field::text(KEY, tr("Key")).required().help(tr(
            "Name of the variable; for files the name of the file. Letters, digits, underscore, dash, dot.",
        )))
    };
    let secret = if keeps { tr("A secret is stored; leave this empty to keep it.") } else { "" };
    sheet = sheet
        .field(Field::text("displayName", tr("Name")).required().help(tr("What people read beside the field.")))
        .field(Field::new(Kind::Lines(2), "description", tr("Description")).help(tr("Markdown, below the field.")))
        .field(Field::new(Kind::Choice, "type", tr("Type")).required().options(types()))
        .field(Field::new(Kind::Choice, "source", tr("Where it comes from")).required().options(options))
        .heading(
            tr("Value"),
            tr("For values that are always the same: the value. For values that somebody fills in: what stands there at first."),
        )
        .field(Field::new(Kind::Lines(3), "value", tr("Value or default")).help(tr("Yes or no: true or false. Any of several: one a line.")))
        .field(
            Field::new(Kind::SecretLines, "secret", tr("Secret value"))
                .help(format!("{} {secret}", tr("Instead of the value above when the input is a secret. It is never shown again."))),
        )
        .field(
            Field::new(Kind::Choice, "parent", tr("Output of another block"))
                .help(tr("For outputs of blocks it depends on; add the definition on the tab Dependencies first."))
                .options(parents),
        )
        .heading(tr("Rules"), "")
        .field(Field::new(Kind::Lines(3), "options", tr("What may be chosen")).help(tr("For one or any of several: one value a line.")))
        .field(Field::text("regex", tr("Regular expression")).help(tr("What the whole text must match.")))
        .field(Field::text("regexMessage", tr("What to say when it does not match")))
        .heading(tr("How it is passed"), "")
        .field(Field::new(Kind::Switch, "isEnvironment", tr("As an environment variable")).help(tr("Else as a variable of the module or pipeline.")))
        .field(Field::new(Kind::Switch, "isSensitive", tr("It is a secret")).help(tr("It is sealed for the runner, never shown again, and masked in logs.")))
        .field(Field::new(Kind::Switch, "updateable", tr("Customers may change it later")))
        .submit(Button::primary(tr("Save draft"), "save"))
        .cancel(editor.within("/inputs"));
    Page::new(shell).with(sheet)
}

/// The form of a new input.
pub async fn new(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let form = Form::filled([("source", "USER_INPUT"), ("type", "STRING")]);
    page(&ctx, &editor, None, form).await.shown(&ctx)
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(_) => texts(value).join("\n"),
        other => other.to_string(),
    }
}

fn filled(input: &Value) -> Form {
    let on = |name: &str| if input[name] == json!(true) { "on" } else { "" }.to_owned();
    let from_parent = input["assignmentType"] == "BUILDING_BLOCK_OUTPUT";
    let value = if input["argument"].is_null() { &input["defaultValue"] } else { &input["argument"] };
    Form::filled([
        ("displayName", text(&input["displayName"])),
        ("description", text(&input["description"])),
        ("type", text(&input["type"])),
        ("source", text(&input["assignmentType"])),
        ("value", if from_parent { String::new() } else { shown_value(value) }),
        ("parent", if from_parent { text(&input["argument"]) } else { String::new() }),
        ("options", texts(&input["selectableValues"]).join("\n")),
        ("regex", text(&input["valueValidationRegex"])),
        ("regexMessage", text(&input["validationRegexErrorMessage"])),
        ("isEnvironment", on("isEnvironment")),
        ("isSensitive", on("isSensitive")),
        ("updateable", on("updateableByConsumer")),
    ])
}

/// The form of an input.
pub async fn show(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let key = named(&path, KEY);
    let input = &editor.version["spec"]["inputs"][key];
    if input.is_null() {
        return Err(Problem::not_found(fill(tr("The version has no input {0}."), &[key])));
    }
    page(&ctx, &editor, Some(key), filled(input)).await.shown(&ctx)
}

/// A value of a type out of a text.
fn typed(kind: &str, text: &str) -> Result<Value, Problem> {
    let text = text.replace("\r\n", "\n");
    let plain = text.trim();
    if plain.is_empty() {
        return Ok(Value::Null);
    }
    match kind {
        "INTEGER" => plain
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| Problem::invalid("value", tr("This has to be a whole number."))),
        "BOOLEAN" => match plain {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err(Problem::invalid("value", tr("This has to be true or false."))),
        },
        "MULTI_SELECT" => Ok(plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect()),
        "CODE" | "FILE" | "LIST" => Ok(Value::String(text)),
        _ => Ok(json!(plain)),
    }
}

fn read(fields: &Fields, stored: &Value) -> Result<Value, Problem> {
    let (kind, source) = (fields.get("type"), fields.get("source"));
    let secret = fields.is_on("isSensitive");
    let options: Vec<&str> =
        fields.raw("options").lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut input: Map<String, Value> = Map::new();
    if let Some(order) = stored.get("displayOrder") {
        input.insert("displayOrder".into(), order.clone());
    }
    for (name, value) in [
        ("displayName", json!(fields.get("displayName"))),
        ("description", or_null(fields.get("description"))),
        ("type", json!(kind)),
        ("assignmentType", json!(source)),
        ("isEnvironment", json!(fields.is_on("isEnvironment"))),
        ("isSensitive", json!(secret)),
        ("updateableByConsumer", json!(fields.is_on("updateable"))),
        ("selectableValues", if options.is_empty() { Value::Null } else { json!(options) }),
        ("valueValidationRegex", or_null(fields.get("regex"))),
        ("validationRegexErrorMessage", or_null(fields.get("regexMessage"))),
    ] {
        input.insert(name.into(), value);
    }
    let member = match source {
        "STATIC" | "BUILDING_BLOCK_OUTPUT" => "argument",
        "USER_INPUT" | "PLATFORM_OPERATOR_MANUAL_INPUT" => "defaultValue",
        _ => return Ok(Value::Object(input)),
    };
    let value = if source == "BUILDING_BLOCK_OUTPUT" {
        or_null(fields.get("parent"))
    } else if secret && !fields.get("secret").is_empty() {
        json!({ "plaintext": fields.raw("secret").replace("\r\n", "\n") })
    } else if secret {
        [&stored["argument"], &stored["defaultValue"]]
            .into_iter()
            .find(|value| value.get("hash").is_some())
            .cloned()
            .unwrap_or_default()
    } else {
        typed(kind, fields.raw("value"))?
    };
    input.insert(member.into(), value);
    Ok(Value::Object(input))
}

/// Saves an input into the draft; the path of a new one has no key.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let is_new = named(&path, KEY).is_empty();
    let key = fields.get(KEY).to_owned();
    let inputs = &editor.version["spec"]["inputs"];
    let checked = if key.is_empty() {
        Err(Problem::invalid(KEY, tr("An input needs a key.")))
    } else if is_new && !inputs[&key].is_null() {
        Err(Problem::invalid(KEY, tr("There is an input with this key already.")))
    } else {
        unchanged(&fields, inputs)
    };
    let outcome = match checked.and_then(|()| read(&fields, &inputs[&key])) {
        Ok(input) => editor.save(&ctx, |spec| spec["inputs"][&key] = input).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&editor.at("/inputs"), fill(tr("{0} is saved in the draft."), &[&key])),
        Err(problem) => {
            let form = again(fields, problem, FIELDS)?;
            page(&ctx, &editor, (!is_new).then_some(key.as_str()), form).await.refused(&ctx)
        }
    }
}

fn code_page(ctx: &Ctx, editor: &Editor, form: Form, found: Option<&[Value]>) -> Page {
    let shell = editor.shell(ctx, tr("Inputs from code")).crumb(editor.name(), editor.at("/inputs"));
    let text = form.value("text").to_owned();
    let sheet = Sheet::new(&shell, editor.at("/inputs/code"), form)
        .titled(
            tr("Inputs from the code of a module"),
            tr("Paste the variable blocks of an OpenTofu module, for example its variables.tf."),
        )
        .field(Field::new(Kind::Lines(12), "text", tr("Code")).required())
        .submit(Button::primary(tr("Read the variables"), "read"))
        .cancel(editor.at("/inputs"))
        .locked(!editor.is_open)
        .unguarded();
    let mut page = Page::new(shell.clone()).with(sheet);
    if let Some(found) = found {
        let has = |key: &str| !editor.version["spec"]["inputs"][key].is_null();
        let rows = found.iter().map(|variable| {
            let key = super::text(&variable["name"]);
            let said = fill(tr("Take {0}"), &[&key]);
            let state = if has(&key) { tr("is an input already") } else { "" };
            let tick = if has(&key) { Cell::text("") } else { Cell::Tick("take".into(), key.clone(), said) };
            vec![
                tick,
                Cell::Name(key, String::new(), super::text(&variable["description"])),
                Cell::text(type_word(&super::text(&variable["input"]["type"]))),
                Cell::text(shown_value(&variable["input"]["defaultValue"])),
                Cell::text(state),
            ]
        });
        page = page.with(
            Grid::new(&[tr("Take"), tr("Variable"), tr("Type"), tr("Default"), ""])
                .titled(tr("Variables found"), tr("Those that you tick become inputs that the customer fills in; change them afterwards."))
                .rows(rows)
                .empty(tr("No variables found"), tr("There is no variable block in this text."))
                .form(
                    editor.at("/inputs/code"),
                    &shell.csrf,
                    vec![Button::primary(tr("Add to the draft"), "take")],
                )
                // The text travels with the choice: it is read again.
                .hidden("text", text),
        );
    } else {
        page = page.with(Note::info(
            tr("Nothing is added yet"),
            tr("You choose among the variables on the next page."),
        ));
    }
    page
}

/// The page that reads variables.
pub async fn from_code(ctx: Ctx, path: Named) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    code_page(&ctx, &editor, Form::default(), None).shown(&ctx)
}

/// Reads variables, or takes the chosen ones.
pub async fn take_code(path: Named, Post { ctx, fields }: Post) -> Answer {
    let editor = Editor::open(&ctx, &path).await?;
    let source = fields.raw("text").to_owned();
    let found = ctx.api.post("/api/stoa/v1/tofu/variables", &json!({ "text": source })).await;
    let found = match found {
        Ok(found) => found["variables"].as_array().cloned().unwrap_or_default(),
        Err(problem) => {
            let form = again(fields, problem, &[("text", "text")])?;
            return code_page(&ctx, &editor, form, None).refused(&ctx);
        }
    };
    let form = Form::filled([("text", source)]);
    if fields.get("do") != "take" {
        return code_page(&ctx, &editor, form, Some(&found)).shown(&ctx);
    }
    let wanted = fields.all("take");
    let taken: Vec<&Value> = found
        .iter()
        .filter(|variable| wanted.contains(&variable["name"].as_str().unwrap_or_default()))
        .collect();
    let saved = editor
        .save(&ctx, |spec| {
            for variable in &taken {
                let key = super::text(&variable["name"]);
                if spec["inputs"][&key].is_null() {
                    spec["inputs"][&key] = variable["input"].clone();
                }
            }
        })
        .await;
    match saved {
        Ok(_) => ctx.done(&editor.at("/inputs"), tally(taken.len(), &[])),
        Err(problem) => {
            let form = again(form.fields, problem, &[])?;
            code_page(&ctx, &editor, form, Some(&found)).refused(&ctx)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_move_and_are_numbered() {
        let mut inputs = json!({ "a": { "displayOrder": 3 }, "b": { "displayOrder": 9 }, "c": {} });
        moved(&mut inputs, "b", true);
        assert_eq!(
            inputs,
            json!({ "a": { "displayOrder": 1 }, "b": { "displayOrder": 0 }, "c": { "displayOrder": 2 } })
        );
        moved(&mut inputs, "b", true);
        moved(&mut inputs, "c", false);
        assert_eq!(inputs["b"]["displayOrder"], 0);
    }

    #[test]
    fn values_are_read_by_their_type() {
        assert_eq!(typed("INTEGER", " 7 "), Ok(json!(7)));
        assert_eq!(typed("MULTI_SELECT", "a\r\n b\n"), Ok(json!(["a", "b"])));
        assert_eq!(typed("STRING", ""), Ok(Value::Null));
        assert!(typed("BOOLEAN", "yes").is_err());
    }

    #[test]
    fn a_secret_left_empty_stays() {
        let stored = json!({ "argument": { "hash": "h" }, "displayOrder": 4 });
        let fields = Fields::parse(b"source=STATIC&type=STRING&isSensitive=on&displayName=x&secret=");
        let input = read(&fields, &stored).unwrap();
        assert_eq!((&input["argument"], &input["displayOrder"]), (&json!({ "hash": "h" }), &json!(4)));
    }
}
