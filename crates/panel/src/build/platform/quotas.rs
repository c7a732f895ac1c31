//! Quotas that a platform knows.

use super::super::view::{Button, Cell, Field, Grid, Kind, Note, Page, Sheet};
use super::super::{Named, again, text};
use super::Control;
use crate::ctx::{Answer, Ctx, Post};
use crate::form::{Fields, Form};
use crate::problem::Problem;
use crate::text::{fill, tr};
use serde_json::{Value, json};

const NUMBERS: [&str; 3] = ["minValue", "maxValue", "autoApprovalThreshold"];
const FIELDS: &[(&str, &str)] = &[
    ("quotaKey", "quotaKey"),
    ("label", "label"),
    ("unit", "unit"),
    ("minValue", "minValue"),
    ("maxValue", "maxValue"),
    ("autoApprovalThreshold", "autoApprovalThreshold"),
];

fn page(ctx: &Ctx, control: &Control, form: Form) -> Page {
    let shell = control.shell(ctx, tr("Quotas"));
    let may = control.may(ctx);
    let defined = control.platform["spec"]["quotaDefinitions"].as_array().cloned().unwrap_or_default();
    let mut columns = vec![tr("Quota"), tr("Unit"), tr("Bounds"), tr("Granted without asking up to")];
    if may {
        columns.push("");
    }
    let rows = defined.iter().map(|quota| {
        let key = text(&quota["quotaKey"]);
        let mut row = vec![
            Cell::Name(
                text(&quota["label"]),
                format!("{}?key={}", control.at("/quotas"), crate::api::segment(&key)),
                key.clone(),
            ),
            Cell::text(text(&quota["unit"])),
            Cell::Text(format!("{} – {}", quota["minValue"], quota["maxValue"])),
            Cell::Text(quota["autoApprovalThreshold"].to_string()),
        ];
        if may {
            row.push(Cell::Buttons(vec![Button::icon(
                &fill(tr("Remove {0}"), &[&key]),
                format!("remove:{key}"),
                "trash",
            )]));
        }
        row
    });
    let grid = Grid::new(&columns)
        .titled(
            tr("Quota definitions"),
            tr("Limits that teams can ask for. Removing one removes it from every landing zone at once."),
        )
        .rows(rows)
        .empty(
            tr("This platform has no quotas"),
            tr("Define a quota below: a key that the platform itself understands, with bounds."),
        )
        .form(control.at("/quotas"), &shell.csrf, Vec::new());
    let is_known = defined.iter().any(|quota| quota["quotaKey"] == form.value("quotaKey"));
    let sheet = Sheet::new(&shell, control.at("/quotas"), form)
        .titled(if is_known { tr("Change a quota") } else { tr("Add a quota") }, "")
        .hidden("seen", control.seen())
        .locked(!may)
        .field(
            Field::text("quotaKey", tr("Key"))
                .required()
                .help(tr("As the platform names it, for example limits.cpu. A known key is changed.")),
        )
        .field(Field::text("label", tr("Name")).required())
        .field(Field::text("description", tr("Description")))
        .field(Field::text("unit", tr("Unit")).help(tr("For example m, Mi, GB.")))
        .field(Field::new(Kind::Number, "minValue", tr("Least")).required())
        .field(Field::new(Kind::Number, "maxValue", tr("Most")).required())
        .field(
            Field::new(Kind::Number, "autoApprovalThreshold", tr("Granted without asking up to"))
                .help(tr("0 asks always.")),
        )
        .submit(Button::primary(tr("Save quota"), "save"));
    let custom = (control.platform["spec"]["config"]["type"] == "custom").then(|| {
        Note::info(
            tr("Who enforces them?"),
            tr("Building blocks that take the uuid of the tenant and hold TENANT_LIST read the quotas in force and run again when they change. Without such a block, quotas are an agreement only."),
        )
    });
    Page::new(shell).maybe(custom).with(grid).with(sheet)
}

/// The tab.
pub async fn list(ctx: Ctx, path: Named) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let wanted = ctx.query("key").unwrap_or_default();
    let defined = control.platform["spec"]["quotaDefinitions"].as_array();
    let found =
        defined.into_iter().flatten().find(|quota| quota["quotaKey"] == wanted).cloned().unwrap_or_default();
    let mut pairs: Vec<(&str, String)> = ["quotaKey", "label", "description", "unit"]
        .into_iter()
        .map(|name| (name, text(&found[name])))
        .collect();
    let number = |name: &str| found[name].as_i64().map_or(String::new(), |number| number.to_string());
    pairs.extend(NUMBERS.map(|name| (name, number(name))));
    page(&ctx, &control, Form::filled(pairs)).shown(&ctx)
}

fn read(fields: &Fields) -> Result<Value, Problem> {
    let mut quota = json!({
        "quotaKey": fields.get("quotaKey"),
        "label": fields.get("label"),
        "description": fields.get("description"),
        "unit": fields.get("unit"),
    });
    for name in NUMBERS {
        let said = if fields.get(name).is_empty() { "0" } else { fields.get(name) };
        let number =
            said.parse::<i64>().map_err(|_| Problem::invalid(name, tr("This has to be a whole number.")))?;
        quota[name] = json!(number);
    }
    Ok(quota)
}

/// Saves or removes one.
pub async fn save(path: Named, Post { ctx, fields }: Post) -> Answer {
    let control = Control::open(&ctx, &path).await?;
    let removed = fields.get("do").strip_prefix("remove:").map(str::to_owned);
    let read = if removed.is_some() { Ok(Value::Null) } else { read(&fields) };
    let outcome = match read {
        Ok(quota) => {
            let change = |spec: &mut Value| {
                let mut defined = spec["quotaDefinitions"].as_array().cloned().unwrap_or_default();
                if let Some(key) = &removed {
                    defined.retain(|known| known["quotaKey"] != key.as_str());
                } else if let Some(known) =
                    defined.iter_mut().find(|known| known["quotaKey"] == quota["quotaKey"])
                {
                    *known = quota;
                } else {
                    defined.push(quota);
                }
                spec["quotaDefinitions"] = json!(defined);
            };
            control.save(&ctx, &fields, change).await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(_) => ctx.done(&control.at("/quotas"), tr("Saved.")),
        Err(problem) => page(&ctx, &control, again(fields, problem, FIELDS)?).refused(&ctx),
    }
}
