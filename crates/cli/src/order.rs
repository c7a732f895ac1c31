//! `stoa order`: a building block from a definition, and its first run.

use crate::api::{Api, id_of, only_one};
use crate::args::{Format, Order};
use crate::console::{Channel, Console, one_line};
use crate::failure::Failure;
use crate::kinds;
use crate::values::{Assignment, Declaration, typed};
use crate::watch::{self, Goal, View, Wish};
use crate::{block, show};
use serde_json::{Map, Value, json};

/// Orders a building block and, if asked, follows it to the end.
pub(crate) async fn order(api: &Api, console: &mut Console, order: Order) -> Result<(), Failure> {
    let mut given = Vec::new();
    for text in &order.inputs {
        given.push(Assignment::parse(text)?);
    }
    for (key, path) in &order.input_files {
        given.push(Assignment::from_file(key, path)?);
    }
    let definition = definition(api, &order.definition).await?;
    let chosen = Chosen::of(&definition, order.version)?;
    let declared = declarations(api, &chosen.version_uuid).await?;
    let inputs = inputs(&given, declared.as_ref())?;
    for key in missing(&given, declared.as_ref()) {
        console.warn(format_args!("`{key}` has no value: the block will wait for it"))?;
    }
    let mut parents = Vec::new();
    for parent in &order.parents {
        let uuid = api.block_uuid(parent, Some(&order.workspace)).await?;
        parents.push(json!({ "kind": kinds::BLOCK.name, "uuid": uuid }));
    }
    let body = json!({
        "apiVersion": kinds::BLOCK.version,
        "kind": kinds::BLOCK.name,
        "spec": {
            "buildingBlockDefinitionVersionRef": { "kind": kinds::VERSION.name, "uuid": chosen.version_uuid },
            "targetRef": { "kind": kinds::WORKSPACE.name, "name": order.workspace },
            "displayName": order.name,
            "inputs": inputs,
            "parentBuildingBlockRefs": parents,
        }
    });
    let first_run = if order.dry_run { "?firstRun=DETECT" } else { "" };
    let made = api.create_with(&kinds::BLOCK, first_run, &body).await?;
    let uuid = id_of(&kinds::BLOCK, &made)?;
    console.note(format_args!("ordered {} for workspace {} as {uuid}", chosen.title, order.workspace))?;
    if !order.watch && !order.wait {
        return show::one(console, &kinds::BLOCK, &made);
    }
    let is_table = console.format == Format::Table;
    if console.quiet {
        console.line(&uuid)?;
    }
    let channel = match (console.quiet, is_table) {
        (true, _) => None,
        (false, true) => Some(Channel::Out),
        (false, false) => Some(Channel::Err),
    };
    let mut view = if order.wait {
        View::reasons(console)
    } else {
        View::new(console, Wish { channel, json: false, logs: order.logs })
    };
    let goal = if order.dry_run { Goal::Planned } else { Goal::Settled };
    let following = watch::block(api, console, &mut view, &uuid, &goal);
    let end = within(order.timeout, following).await;
    drop(view);
    match end {
        Ok(_) if console.quiet => Ok(()),
        Ok(_) if order.dry_run && is_table => console.note(format_args!(
            "nothing is applied yet: `stoa runs start {uuid} --apply-plan` applies this plan, \
             `stoa delete block {uuid}` discards the order"
        )),
        Ok(block) if is_table => {
            let outputs = block::outputs(&block);
            if outputs.is_empty() { Ok(()) } else { console.write(Channel::Out, &format!("\n{outputs}")) }
        }
        Ok(block) => show::document(console, &block),
        Err(failure) => {
            // Programs get the block also when it went wrong.
            if !is_table && !console.quiet && !matches!(failure, Failure::Closed) {
                show::document(console, &api.get(&kinds::BLOCK, &uuid).await?)?;
            }
            Err(failure)
        }
    }
}

/// Waits no longer than `limit`.
pub(crate) async fn within<T>(
    limit: Option<std::time::Duration>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Failure::Later(format!(
                "not over after {}s; it goes on without being watched",
                limit.as_secs()
            )))
        }),
    }
}

/// The definition meant by a uuid or display name.
async fn definition(api: &Api, word: &str) -> Result<Value, Failure> {
    if uuid::Uuid::try_parse(word).is_ok() {
        return api.get(&kinds::DEFINITION, word).await;
    }
    let found = api.called(&kinds::DEFINITION, word, None).await?;
    if found.is_empty() {
        let all =
            api.list(&kinds::DEFINITION, &vec![("includeAllPublished", "true".to_owned())], None).await?;
        let is_near = |name: &str| name.to_lowercase().contains(&word.to_lowercase());
        let near: Vec<String> = all
            .iter()
            .filter_map(|definition| definition["spec"]["displayName"].as_str())
            .filter(|name| is_near(name))
            .map(|name| format!("`{}`", one_line(name)))
            .collect();
        let hint = if near.is_empty() {
            "; `stoa list definitions` shows what there is".to_owned()
        } else {
            format!("; there is {}", near.join(", "))
        };
        return Err(Failure::Operation(format!("there is no definition named `{word}`{hint}")));
    }
    only_one(&kinds::DEFINITION, word, found)
}

/// The version to order.
struct Chosen {
    version_uuid: String,
    /// Definition and version, for people.
    title: String,
}

impl Chosen {
    fn of(definition: &Value, number: Option<u64>) -> Result<Self, Failure> {
        let name = one_line(definition["spec"]["displayName"].as_str().unwrap_or("it"));
        let number = match number {
            Some(number) => number,
            None => definition["status"]["latestReleasedVersion"].as_u64().ok_or_else(|| {
                Failure::Operation(format!(
                    "definition `{name}` has no released version; its own workspace may order a draft with --version"
                ))
            })?,
        };
        let version_uuid = crate::api::version_uuid(definition, Some(number))?;
        Ok(Self { version_uuid, title: format!("`{name}` v{number}") })
    }
}

/// The inputs that the version declares, or `None` if the caller may not read it.
async fn declarations(api: &Api, version_uuid: &str) -> Result<Option<Map<String, Value>>, Failure> {
    match api.get(&kinds::VERSION, version_uuid).await {
        Ok(mut version) => match version["spec"]["inputs"].take() {
            Value::Object(inputs) => Ok(Some(inputs)),
            _ => Ok(Some(Map::new())),
        },
        Err(Failure::Denied(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The inputs as the API takes them.
fn inputs(
    given: &[Assignment],
    declared: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Failure> {
    let mut inputs = Map::new();
    for assignment in given {
        let key = &assignment.key;
        let entry = declared.and_then(|declared| declared.get(key));
        if let (Some(declared), None) = (declared, entry) {
            return Err(Failure::Usage(format!("there is no input `{key}`; {}", offer(declared))));
        }
        let declaration = entry.map(Declaration::read);
        let value = typed(assignment, declaration.as_ref())?;
        let sensitive = match &declaration {
            Some(declaration) => declaration.sensitive,
            None => value.get("plaintext").is_some(),
        };
        if inputs.insert(key.clone(), json!({ "value": value, "isSensitive": sensitive })).is_some() {
            return Err(Failure::Usage(format!("`{key}` is given twice")));
        }
    }
    Ok(inputs)
}

/// The inputs that may be given, in words.
fn offer(declared: &Map<String, Value>) -> String {
    let mut names: Vec<_> = declared
        .iter()
        .filter(|(_, entry)| is_suppliable(entry))
        .map(|(key, entry)| format!("`{key}` ({})", entry["type"].as_str().unwrap_or("STRING")))
        .collect();
    names.sort();
    if names.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", names.join(", ")) }
}

fn is_suppliable(entry: &Value) -> bool {
    matches!(entry["assignmentType"].as_str(), Some("USER_INPUT" | "PLATFORM_OPERATOR_MANUAL_INPUT"))
}

/// Inputs of the user that have neither value nor default.
fn missing(given: &[Assignment], declared: Option<&Map<String, Value>>) -> Vec<String> {
    let is_missing = |(key, entry): &(&String, &Value)| {
        entry["assignmentType"] == "USER_INPUT"
            && entry["defaultValue"].is_null()
            && !given.iter().any(|assignment| assignment.key == **key)
    };
    declared.into_iter().flatten().filter(is_missing).map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Map<String, Value> {
        let Value::Object(declared) = json!({
            "name": { "type": "STRING", "assignmentType": "USER_INPUT", "isSensitive": false },
            "size": { "type": "INTEGER", "assignmentType": "USER_INPUT", "isSensitive": false, "defaultValue": 1 },
            "token": { "type": "STRING", "assignmentType": "USER_INPUT", "isSensitive": true },
            "fixed": { "type": "STRING", "assignmentType": "STATIC", "isSensitive": false }
        }) else {
            unreachable!("an object is an object");
        };
        declared
    }

    fn given(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| Assignment::parse(text).unwrap()).collect()
    }

    #[test]
    fn inputs_are_typed_by_their_declaration() {
        let given = given(&["name=orders", "size=3", "token=t"]);
        assert_eq!(
            Value::Object(inputs(&given, Some(&declared())).unwrap()),
            json!({
                "name": { "value": "orders", "isSensitive": false },
                "size": { "value": 3, "isSensitive": false },
                "token": { "value": { "plaintext": "t" }, "isSensitive": true }
            })
        );
    }

    #[test]
    fn unknown_and_repeated_inputs_are_usage_errors() {
        let failure = inputs(&given(&["colour=red"]), Some(&declared())).unwrap_err();
        assert_eq!(failure.code(), 64);
        assert_eq!(
            failure.to_string(),
            "there is no input `colour`; it takes `name` (STRING), `size` (INTEGER), `token` (STRING)"
        );
        assert_eq!(inputs(&given(&["size=1", "size=2"]), Some(&declared())).unwrap_err().code(), 64);
    }

    #[test]
    fn without_declarations_text_stays_text_and_the_caller_says_what_is_secret() {
        let given = given(&["size=3", "token:={\"plaintext\":\"t\"}"]);
        assert_eq!(
            Value::Object(inputs(&given, None).unwrap()),
            json!({
                "size": { "value": "3", "isSensitive": false },
                "token": { "value": { "plaintext": "t" }, "isSensitive": true }
            })
        );
        assert_eq!(missing(&given, None), [""; 0]);
    }

    #[test]
    fn what_will_be_waited_for_is_known_before() {
        assert_eq!(missing(&given(&["token=x"]), Some(&declared())), ["name"]);
    }

    #[test]
    fn the_newest_released_version_is_ordered_unless_another_is_named() {
        let definition = json!({
            "spec": { "displayName": "DB" },
            "status": {
                "latestReleasedVersion": 1,
                "versions": [{ "versionNumber": 1, "versionUuid": "u1" }, { "versionNumber": 2, "versionUuid": "u2" }]
            }
        });
        assert_eq!(Chosen::of(&definition, None).unwrap().version_uuid, "u1");
        assert_eq!(Chosen::of(&definition, Some(2)).unwrap().version_uuid, "u2");
        assert!(Chosen::of(&json!({ "status": { "latestReleasedVersion": null } }), None).is_err());
    }
}
