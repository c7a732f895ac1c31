//! `stoa platform` and `stoa tenant`: what operators do beside declaring things (`api-platforms.md` §9).

use crate::api::{Api, encoded, id_of};
use crate::args::{Decision, Format, PlatformCommand, QuotaRequest, TenantCommand};
use crate::console::{Console, one_line};
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::table::{self, Cell, Column};
use crate::{near, show};
use serde_json::{Map, Value, json};
use std::fmt::Display;

const JSON: &str = "application/json";

/// The path of an operator endpoint below a platform or a tenant.
fn below(place: &str, uuid: &str, rest: &str) -> String {
    format!("/api/stoa/v1/{place}/{}/{rest}", encoded(uuid))
}

/// The uuid of what a person means, without asking where the word already is one.
async fn uuid_of(api: &Api, kind: &Kind, word: &str) -> Result<String, Failure> {
    if uuid::Uuid::try_parse(word).is_ok() {
        return Ok(word.to_owned());
    }
    match api.resolve(kind, word, None).await {
        Ok(found) => id_of(kind, &found),
        // Operators see tenants of other workspaces below their platform only.
        Err(failure) if *kind == kinds::TENANT => operated(api, word).await.ok_or(failure),
        Err(failure) => Err(failure),
    }
}

/// The tenant of this name on a platform that the caller operates.
async fn operated(api: &Api, name: &str) -> Option<String> {
    let platform = api.resolve(&kinds::PLATFORM, name.splitn(3, '.').nth(2)?, None).await.ok()?;
    let platform = id_of(&kinds::PLATFORM, &platform).ok()?;
    for state in ["ACTIVE", "MARKED_FOR_DELETION"] {
        let tenants = below("platforms", &platform, &format!("tenants?state={state}&size=1000"));
        let answer = api.client().get(&tenants, JSON).await.ok()?;
        if let Some(found) = items(&answer).iter().find(|tenant| tenant["status"]["tenantName"] == name) {
            return id_of(&kinds::TENANT, found).ok();
        }
    }
    None
}

/// For people a word, for programs what the server answered.
pub(crate) fn told(console: &mut Console, answer: &Value, word: impl Display) -> Result<(), Failure> {
    if console.format == Format::Table || answer.is_null() {
        return console.note(word);
    }
    show::document(console, answer)
}

/// Only what was given.
fn body(members: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    Value::Object(given.collect())
}

fn verdict(decision: Decision, yes: &str, no: &str) -> String {
    if decision == Decision::Approve { yes } else { no }.to_owned()
}

/// `stoa platform`.
pub(crate) async fn platform(
    api: &Api,
    console: &mut Console,
    command: PlatformCommand,
) -> Result<(), Failure> {
    let client = api.client();
    match command {
        PlatformCommand::Test { platform } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let report =
                client.post(&below("platforms", &uuid, "connection-tests"), JSON, &json!({})).await?;
            checks(console, &platform, &report)
        }
        PlatformCommand::Publish { platform, message } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let body = body([("message", message)]);
            let answer = client.post(&below("platforms", &uuid, "publication-requests"), JSON, &body).await?;
            told(console, &answer, format_args!("publication of {platform} requested"))
        }
        PlatformCommand::Review { platform, decision, comment } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let body =
                body([("decision", Some(verdict(decision, "APPROVE", "REJECT"))), ("comment", comment)]);
            let answer = client.post(&below("platforms", &uuid, "publication-reviews"), JSON, &body).await?;
            let done = if decision == Decision::Approve { "published" } else { "not published" };
            told(console, &answer, format_args!("{platform} {done}"))
        }
        PlatformCommand::Deprecate { platform, undo } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let path = below("platforms", &uuid, "deprecation");
            if undo {
                let answer = client.delete(&path, JSON).await?;
                return told(console, &answer, format_args!("{platform} active again"));
            }
            let answer = client.post(&path, JSON, &json!({})).await?;
            told(console, &answer, format_args!("{platform} deprecated"))
        }
        PlatformCommand::Transfer { platform, workspace } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let body = json!({ "workspace": workspace });
            let answer = client.post(&below("platforms", &uuid, "owner"), JSON, &body).await?;
            told(console, &answer, format_args!("{platform} now belongs to {workspace}"))
        }
        PlatformCommand::Tenants { platform } => {
            let uuid = uuid_of(api, &kinds::PLATFORM, &platform).await?;
            let answer = client.get(&below("platforms", &uuid, "tenants"), JSON).await?;
            show::list(console, &kinds::TENANT, &items(&answer))
        }
    }
}

/// What a check looks at, in the words of the server; `advice` says what to do about it.
fn checks(console: &mut Console, platform: &str, report: &Value) -> Result<(), Failure> {
    let checks = items(report);
    let result = |check: &Value| text(check, &["result", "status"]).unwrap_or_default();
    let failed = checks.iter().filter(|check| result(check) == "FAIL").count();
    if console.format == Format::Table {
        let heads = ["RESULT", "CHECK", "MESSAGE"];
        let rows: Vec<Vec<String>> = checks
            .iter()
            .map(|check| {
                let name = text(check, &["check", "name"]).unwrap_or_default();
                vec![result(check), name, text(check, &["message"]).unwrap_or_default()]
            })
            .collect();
        console.write(crate::console::Channel::Out, &table::render(&heads, &rows))?;
        for check in &checks {
            let advice = text(check, &["advice", "remedy"]);
            if let (true, Some(advice)) = (["FAIL", "WARN"].contains(&result(check).as_str()), advice) {
                let name = text(check, &["check", "name"]).unwrap_or_default();
                console.line(format_args!("{name}: {advice}"))?;
            }
        }
    } else {
        show::document(console, report)?;
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::Operation(format!("{failed} of {} checks of {platform} failed", checks.len())))
}

/// The first of these members that is text, on one line.
fn text(object: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object[*name].as_str()).map(one_line)
}

/// The entries of an answer: a list, or the only list that an object holds, be it below `_embedded`.
fn items(answer: &Value) -> Vec<Value> {
    match answer {
        Value::Array(items) => items.clone(),
        Value::Object(members) => {
            let members = members.get("_embedded").and_then(Value::as_object).unwrap_or(members);
            members.values().find_map(Value::as_array).cloned().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

const DELETIONS: &[Column] = &[
    Column("UUID", Cell::Text("/metadata/uuid")),
    Column("TENANT", Cell::Text("/status/tenantName")),
    Column("PHASE", Cell::Text("/status/phase")),
    Column("ASKED BY", Cell::Text("/deletion/by")),
    Column("SINCE", Cell::Age("/deletion/at")),
    Column("COMMENT", Cell::Text("/deletion/comment")),
];

const REPLICATIONS: &[Column] = &[
    Column("RUN", Cell::Text("/runUuid")),
    Column("BLOCK", Cell::Text("/buildingBlock")),
    Column("REASON", Cell::Text("/reason")),
    Column("RESULT", Cell::Text("/result")),
    Column("AGE", Cell::Age("/queuedOn")),
    Column("MESSAGE", Cell::Text("/message")),
];

const QUOTA_REQUESTS: &[Column] = &[
    Column("ID", Cell::Text("/id")),
    Column("STATE", Cell::Text("/state")),
    Column("QUOTAS", Cell::Text("/quotas")),
    Column("ASKED BY", Cell::Text("/requestedBy")),
    Column("DECIDED BY", Cell::Text("/decidedBy")),
    Column("COMMENT", Cell::Text("/comment")),
];

/// `stoa tenant`.
pub(crate) async fn tenant(api: &Api, console: &mut Console, command: TenantCommand) -> Result<(), Failure> {
    let client = api.client();
    match command {
        TenantCommand::Deletions { status } => {
            let query = status.map(|status| format!("?status={}", encoded(&status))).unwrap_or_default();
            let answer = client.get(&format!("/api/stoa/v1/tenants/deletions{query}"), JSON).await?;
            rows(console, DELETIONS, &answer, "no deletions found")
        }
        TenantCommand::Approve { tenant, comment } => {
            decide(api, console, &tenant, Decision::Approve, comment).await
        }
        TenantCommand::Decline { tenant, comment } => {
            decide(api, console, &tenant, Decision::Reject, comment).await
        }
        TenantCommand::Confirm { tenant } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let path = below("tenants", &uuid, "deletion-confirmation");
            let answer = client.post(&path, JSON, &json!({})).await?;
            told(console, &answer, format_args!("{tenant} is gone from its platform"))
        }
        TenantCommand::Replicate { tenant } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let answer = client.post(&below("tenants", &uuid, "replications"), JSON, &json!({})).await?;
            told(console, &answer, format_args!("replication of {tenant} asked for"))
        }
        TenantCommand::Replications { tenant } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let answer = client.get(&below("tenants", &uuid, "replications"), JSON).await?;
            rows(console, REPLICATIONS, &answer, "no replications yet")
        }
        TenantCommand::Move { tenant, workspace, project } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let body = json!({ "workspace": workspace, "project": project });
            let answer = client.post(&below("tenants", &uuid, "move"), JSON, &body).await?;
            told(console, &answer, format_args!("{tenant} now belongs to {workspace}.{project}"))
        }
        TenantCommand::SetQuota { tenant, quotas } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let body = json!({ "quotas": quotas_of(&quotas)? });
            let answer = client.put(&below("tenants", &uuid, "quotas"), JSON, &body).await?;
            told(console, &answer, format_args!("quotas of {tenant} set"))
        }
        TenantCommand::SetId { tenant, id } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let body = json!({ "platformTenantId": id });
            let answer = client.put(&below("tenants", &uuid, "platform-tenant-id"), JSON, &body).await?;
            told(console, &answer, format_args!("{tenant} is `{id}` on its platform"))
        }
        TenantCommand::Quota(request) => quota(api, console, request).await,
    }
}

async fn decide(
    api: &Api,
    console: &mut Console,
    tenant: &str,
    decision: Decision,
    comment: Option<String>,
) -> Result<(), Failure> {
    let uuid = uuid_of(api, &kinds::TENANT, tenant).await?;
    let body = body([("decision", Some(verdict(decision, "APPROVE", "DECLINE"))), ("comment", comment)]);
    let answer = api.client().post(&below("tenants", &uuid, "deletion-decision"), JSON, &body).await?;
    let done = if decision == Decision::Approve { "approved" } else { "declined" };
    told(console, &answer, format_args!("deletion of {tenant} {done}"))
}

async fn quota(api: &Api, console: &mut Console, request: QuotaRequest) -> Result<(), Failure> {
    let client = api.client();
    match request {
        QuotaRequest::List { tenant } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let answer = client.get(&below("tenants", &uuid, "quota-requests"), JSON).await?;
            rows(console, QUOTA_REQUESTS, &answer, "no quota requests")
        }
        QuotaRequest::Request { tenant, quotas } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let body = json!({ "quotas": quotas_of(&quotas)? });
            let answer = client.post(&below("tenants", &uuid, "quota-requests"), JSON, &body).await?;
            let (id, state) = (&answer["id"], text(&answer, &["state"]).unwrap_or_default());
            told(console, &answer, format_args!("quota request {id}: {state}"))
        }
        QuotaRequest::Decide { tenant, id, decision, comment, quotas } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let mut body =
                body([("decision", Some(verdict(decision, "APPROVE", "DECLINE"))), ("comment", comment)]);
            if !quotas.is_empty() {
                body["quotas"] = quotas_of(&quotas)?;
            }
            let path = below("tenants", &uuid, &format!("quota-requests/{}/decision", encoded(&id)));
            let answer = client.post(&path, JSON, &body).await?;
            let done = if decision == Decision::Approve { "approved" } else { "declined" };
            told(console, &answer, format_args!("quota request {id} {done}"))
        }
        QuotaRequest::Cancel { tenant, id } => {
            let uuid = uuid_of(api, &kinds::TENANT, &tenant).await?;
            let path = below("tenants", &uuid, &format!("quota-requests/{}", encoded(&id)));
            let answer = client.delete(&path, JSON).await?;
            told(console, &answer, format_args!("quota request {id} cancelled"))
        }
    }
}

/// `key=number` pairs as the API wants them.
fn quotas_of(pairs: &[(String, String)]) -> Result<Value, Failure> {
    let mut quotas = Map::new();
    for (key, value) in pairs {
        let number: i64 = value.parse().map_err(|_| {
            Failure::Usage(format!("{} must be a whole number, not `{value}`", near::listed(&[key])))
        })?;
        quotas.insert(key.clone(), json!({ "value": number }));
    }
    Ok(Value::Object(quotas))
}

fn rows(console: &mut Console, columns: &[Column], answer: &Value, none: &str) -> Result<(), Failure> {
    if console.format != Format::Table {
        return show::document(console, answer);
    }
    let items = items(answer);
    if items.is_empty() {
        return console.note(none);
    }
    let text = table::of_objects(columns, &items, console.now());
    console.write(crate::console::Channel::Out, &text)
}
