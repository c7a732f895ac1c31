//! What a runner is told: the run object (`runner-protocol.md` §4).

use super::model::Run;
use crate::block::model::{Block, Row};
use crate::block::target::Target;
use crate::integration;
use crate::secret;
use crate::value::IoType;
use crate::version::wire::{Input, Version};
use crate::version::{self, implementation};
use serde_json::{Map, Value, json};
use stoa_core::secrets::SEALED;
use stoa_core::{Call, Outcome, objects};
use stoa_db::Tx;

/// Why a run cannot be handed out; its operator reads it.
pub struct Undeliverable(pub String);

/// The `spec` of a run, without its tokens. `fingerprint` is the key that secrets must be sealed for; none
/// skips that check, for readers who open nothing.
pub fn spec(
    tx: &mut Tx,
    run: &Run,
    (display_name, block): (&str, &Block),
    version: &Version,
    fingerprint: Option<&str>,
) -> Outcome<Result<Value, Undeliverable>> {
    let stale = |name: &str| {
        Undeliverable(format!(
            "`{name}` was sealed for another key than the runner's; it has to be set again."
        ))
    };
    let mut inputs = Vec::new();
    for (key, row) in &block.inputs {
        if row.value.is_null() {
            continue;
        }
        if secret::is_stored(&row.value)
            && fingerprint.is_some()
            && secret::sealed_for(&row.value) != fingerprint
        {
            return Ok(Err(stale(key)));
        }
        inputs.push(input(key, row, version.inputs.get(key)));
    }
    let mut stored = version.implementation_body().clone();
    let config = match version::integration_of(version) {
        None => Value::Null,
        Some(id) => match objects::by_id(tx, integration::KIND, id)? {
            Some(object) => object.doc["config"].clone(),
            None => {
                return Ok(Err(Undeliverable(
                    "The integration of this version does not exist any more.".into(),
                )));
            }
        },
    };
    let config = config["type"].as_str().map_or(Value::Null, |kind| config[kind].clone());
    for (name, value) in
        stored.as_object().into_iter().flatten().chain(config.as_object().into_iter().flatten())
    {
        if secret::is_stored(value) && fingerprint.is_some() && secret::sealed_for(value) != fingerprint {
            return Ok(Err(stale(name)));
        }
    }
    let kind = version.implementation_type();
    let implementation = implementation_of(kind, &mut stored, &config);
    let parents: Vec<Value> = block
        .parents
        .iter()
        .map(|parent| json!({ "buildingBlockUuid": parent.block, "definitionUuid": parent.definition }))
        .collect();
    let target = Target::of_block(tx, &run.workspace, block)?;
    let mut spec = json!({
        "runNumber": run.number,
        "behavior": run.behavior,
        "runToken": "",
        "trigger": { "reason": run.reason, "author": run.author },
        "buildingBlock": {
            "uuid": run.block,
            "spec": {
                "displayName": display_name,
                "workspaceIdentifier": run.workspace,
                "inputs": inputs,
                "parentBuildingBlocks": parents,
            },
        },
        "buildingBlockDefinition": {
            "uuid": run.definition,
            "spec": {
                "workspaceIdentifier": run.owner,
                "version": version.number,
                "implementation": implementation,
            },
        },
    });
    // Blocks of workspaces have neither (§4.2).
    if let Some(held) = &target.tenant {
        let block = &mut spec["buildingBlock"]["spec"];
        block["projectIdentifier"] = json!(held.tenant.project);
        block["fullPlatformIdentifier"] = json!(held.tenant.platform_identifier);
    }
    Ok(Ok(spec))
}

fn input(key: &str, row: &Row, declared: Option<&Input>) -> Value {
    let sealed = secret::ciphertext(&row.value);
    json!({
        "key": key,
        "value": sealed.map_or_else(|| row.value.clone(), |text| json!(text)),
        "type": row.value_type.word(),
        "isSensitive": sealed.is_some(),
        "isEnvironment": declared.is_some_and(|declared| declared.is_environment),
    })
}

/// A system input, always a text in the environment (§4.4).
pub fn system_input(key: &str, value: &str, sealed: bool) -> Value {
    json!({
        "key": key,
        "value": value,
        "type": IoType::String.word(),
        "isSensitive": sealed,
        "isEnvironment": true,
    })
}

/// The implementation under the names that runs use (§4.5).
fn implementation_of(kind: &str, stored: &mut Value, config: &Value) -> Value {
    let mut fields = Map::new();
    let in_runs = implementation::shape(kind).map_or("", |shape| shape.in_runs);
    fields.insert("type".into(), json!(in_runs));
    let mut stored = stored.as_object_mut().map(std::mem::take).unwrap_or_default();
    stored.remove("integrationRef");
    if let Some(host) = stored.remove("sshKnownHost") {
        stored.insert("knownHost".into(), host);
    }
    let text = |name: &str| config[name].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    match kind {
        "githubWorkflows" => {
            let owner = text("owner");
            fields.insert("githubBaseUrl".into(), json!(github_api(&text("baseUrl"))));
            fields.insert("appId".into(), config["appId"].clone());
            fields.insert("appPem".into(), config["appPrivateKey"].clone());
            let repository = stored.get("repository").and_then(Value::as_str).unwrap_or_default();
            let bare = repository.strip_prefix(&format!("{owner}/")).unwrap_or(repository).to_owned();
            stored.insert("repository".into(), json!(bare));
            fields.insert("owner".into(), json!(owner));
        }
        "gitlabPipeline" => {
            fields.insert("gitlabBaseUrl".into(), json!(text("baseUrl")));
        }
        "azureDevOpsPipeline" => {
            fields.insert("azureDevOpsBaseUrl".into(), json!(text("baseUrl")));
            fields.insert("organization".into(), config["organization"].clone());
            fields.insert("personalAccessToken".into(), config["personalAccessToken"].clone());
        }
        _ => {}
    }
    fields.extend(stored);
    fields.retain(|_, value| !value.is_null());
    for value in fields.values_mut() {
        if let Some(sealed) = value.get(SEALED) {
            *value = sealed.clone();
        }
    }
    Value::Object(fields)
}

/// The API root that belongs to a GitHub address (`api-building-blocks.md` §3.5.6).
fn github_api(base: &str) -> String {
    let Ok(url) = url::Url::parse(base) else { return base.to_owned() };
    let host = url.host_str().unwrap_or_default();
    if host == "github.com" {
        "https://api.github.com".into()
    } else if host.starts_with("api.") || url.path().trim_end_matches('/').ends_with("/api/v3") {
        base.trim_end_matches('/').to_owned()
    } else {
        format!("{}/api/v3", base.trim_end_matches('/'))
    }
}

/// The whole run object out of its spec.
pub fn represent(call: &Call, run: &Run, spec: Value) -> Value {
    let own = call.link(&format!("/api/meshobjects/meshbuildingblockruns/{}", run.id));
    let mut links = json!({
        "self": { "href": own },
        "registerSource": { "href": format!("{own}/status/source") },
        "updateSource": { "href": format!("{own}/status/source/{{sourceId}}"), "templated": true },
        "downloadLogs": { "href": format!("{own}/logs") },
        "meshstackBaseUrl": { "href": call.world.settings.public_url },
    });
    if run.plan_of.is_some() && run.behavior == "APPLY" {
        links["planArtifact"] = json!({ "href": format!("{own}/plan-artifact") });
    }
    json!({
        "apiVersion": "v1",
        "kind": super::KIND,
        "metadata": { "uuid": run.id, "createdOn": run.created_at },
        "spec": spec,
        "status": run.state.shown(),
        "_links": links,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_addresses_become_api_roots() {
        for (base, api) in [
            ("https://github.com", "https://api.github.com"),
            ("https://github.com/", "https://api.github.com"),
            ("https://api.github.com", "https://api.github.com"),
            ("https://git.fruit.example", "https://git.fruit.example/api/v3"),
            ("https://git.fruit.example/api/v3/", "https://git.fruit.example/api/v3"),
        ] {
            assert_eq!(github_api(base), api, "{base}");
        }
    }

    #[test]
    fn github_runs_name_the_bare_repository() {
        let mut stored = json!({
            "integrationRef": {"uuid": "x"}, "repository": "fruit/press", "branch": "main",
            "destroyWorkflow": null, "async": true,
        });
        let config = json!({
            "owner": "fruit", "baseUrl": "https://github.com", "appId": "7",
            "appPrivateKey": {"$sealed": "c", "key": "k", "hash": "h"},
        });
        assert_eq!(
            implementation_of("githubWorkflows", &mut stored, &config),
            json!({
                "type": "GITHUB_WORKFLOW", "githubBaseUrl": "https://api.github.com", "appId": "7",
                "appPem": "c", "owner": "fruit", "repository": "press", "branch": "main", "async": true,
            })
        );
    }
}
