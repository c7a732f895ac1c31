//! The server as the commands see it: objects by kind, names that people use, lists without pages.

use crate::context::Connection;
use crate::failure::Failure;
use crate::kinds::{self, Address, Called, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use stoa_client::{Client, ClientError};

/// What may stand in a path segment or a query value as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Media type of the declarative import.
const IMPORT: &str = "application/vnd.meshcloud.api.meshobjects.v1+json";

/// How many objects to ask for at once.
const PAGE: usize = 200;

/// A connection to one server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
}

/// Filters of a list.
pub(crate) type Query<'a> = Vec<(&'a str, String)>;

impl Api {
    /// Connects as said.
    pub(crate) fn new(connection: &Connection) -> Result<Self, Failure> {
        let client = Client::new(&connection.url, connection.credential.clone())
            .map_err(|error| Failure::Configuration(error.to_string()))?;
        Ok(Self { client })
    }

    /// The client below.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The path of an object, or of what is below it.
    pub(crate) fn path(kind: &Kind, id: &str, below: &str) -> String {
        format!("/api/meshobjects/{}/{}{below}", kind.collection, encoded(id))
    }

    /// One object.
    pub(crate) async fn get(&self, kind: &Kind, id: &str) -> Result<Value, Failure> {
        let found = self.client.get(&Self::path(kind, id, ""), &kind.media()).await;
        found.map_err(|error| Failure::from(error).while_doing(&format!("{} `{id}`", kind.word())))
    }

    /// One object, or nothing if there is none.
    pub(crate) async fn find(&self, kind: &Kind, id: &str) -> Result<Option<Value>, Failure> {
        match self.client.get(&Self::path(kind, id, ""), &kind.media()).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(Failure::from(error).while_doing(&format!("{} `{id}`", kind.word()))),
        }
    }

    /// All objects that pass the filters, at most `limit`.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        query: &Query<'_>,
        limit: Option<usize>,
    ) -> Result<Vec<Value>, Failure> {
        let limit = limit.unwrap_or(usize::MAX);
        let size = limit.clamp(1, PAGE);
        let filters: Vec<String> =
            query.iter().map(|(key, value)| format!("&{}={}", encoded(key), encoded(value))).collect();
        let filters = filters.concat();
        let mut objects: Vec<Value> = Vec::new();
        for page in 0_u64.. {
            let path = format!("/api/meshobjects/{}?page={page}&size={size}{filters}", kind.collection);
            let mut answer = self.client.get(&path, &kind.media()).await.map_err(|error| {
                Failure::from(error).while_doing(&format!("cannot list {}", kind.collection))
            })?;
            let key = format!("{}s", kind.name);
            let Value::Array(items) = answer["_embedded"][&key].take() else {
                return Err(Failure::Operation(format!("the server's list holds no `{key}`")));
            };
            objects.extend(items);
            let pages = answer["page"]["totalPages"].as_u64().unwrap_or(0);
            if page + 1 >= pages || objects.len() >= limit {
                break;
            }
        }
        objects.truncate(limit);
        Ok(objects)
    }

    /// Makes an object.
    pub(crate) async fn create(&self, kind: &Kind, body: &Value) -> Result<Value, Failure> {
        self.create_with(kind, "", body).await
    }

    /// Creates an object, with a query (`?name=value`).
    pub(crate) async fn create_with(&self, kind: &Kind, query: &str, body: &Value) -> Result<Value, Failure> {
        let path = format!("/api/meshobjects/{}{query}", kind.collection);
        Ok(self.client.post(&path, &kind.media(), body).await?)
    }

    /// Replaces an object.
    pub(crate) async fn replace(&self, kind: &Kind, id: &str, body: &Value) -> Result<Value, Failure> {
        Ok(self.client.put(&Self::path(kind, id, ""), &kind.media(), body).await?)
    }

    /// Makes or changes an object by the declarative import, and reads it back.
    pub(crate) async fn import(&self, kind: &Kind, body: &Value) -> Result<Value, Failure> {
        let mut body = body.clone();
        body["apiVersion"] = json!(kind.version);
        body["kind"] = json!(kind.name);
        let answer = self.client.put("/api/meshobjects", IMPORT, &json!([body])).await?;
        let result = answer.get(0).unwrap_or(&Value::Null);
        if result["status"] != "SUCCESS" {
            let text = |key: &str| result[key].as_str().unwrap_or("no reason given").to_owned();
            return Err(Failure::Operation(format!("{} ({})", text("message"), text("resultCode"))));
        }
        self.get(kind, &id_of(kind, &body)?).await
    }

    /// Deletes an object, or does what deleting the path below it means.
    pub(crate) async fn delete(&self, kind: &Kind, id: &str, below: &str) -> Result<(), Failure> {
        self.client.delete(&Self::path(kind, id, below), &kind.media()).await?;
        Ok(())
    }

    /// Does something to an object.
    pub(crate) async fn act(
        &self,
        kind: &Kind,
        id: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let path = Self::path(kind, id, &format!("/{action}"));
        Ok(self.client.post(&path, &kind.media(), body).await?)
    }

    /// The one object that a person means by `word`: a name, a uuid, a display name, for a project
    /// `workspace.project`, for a version `definition@number`. `workspace` narrows display names down.
    pub(crate) async fn resolve(
        &self,
        kind: &Kind,
        word: &str,
        workspace: Option<&str>,
    ) -> Result<Value, Failure> {
        match kind.address {
            Address::Name | Address::InstanceId => self.get(kind, word).await,
            Address::InWorkspace => match workspace {
                Some(workspace) if !word.contains('.') => {
                    self.get(kind, &format!("{workspace}.{word}")).await
                }
                _ if word.contains('.') => self.get(kind, word).await,
                _ => Err(Failure::Usage(format!(
                    "`{word}` needs its workspace: write WORKSPACE.{word}, or give --workspace"
                ))),
            },
            Address::Uuid(_) if uuid::Uuid::try_parse(word).is_ok() => self.get(kind, word).await,
            Address::Uuid(_) if *kind == kinds::VERSION => {
                let (definition, number) = version_word(word)?;
                let definition = Box::pin(self.resolve(&kinds::DEFINITION, definition, workspace)).await?;
                self.get(kind, &version_uuid(&definition, number)?).await
            }
            Address::Uuid(_) => {
                let found = self.called(kind, word, workspace).await?;
                only_one(kind, word, found)
            }
        }
    }

    /// All objects that people call by this word.
    pub(crate) async fn called(
        &self,
        kind: &Kind,
        word: &str,
        workspace: Option<&str>,
    ) -> Result<Vec<Value>, Failure> {
        let mut query = Query::new();
        match kind.address {
            Address::Uuid(Called::Text(_, filter)) => {
                query.extend(filter.map(|filter| (filter, word.to_owned())));
                if let (Some(filter), Some(workspace)) = (kind.workspace_filter, workspace) {
                    query.push((filter, workspace.to_owned()));
                }
            }
            Address::Uuid(Called::PlatformInLocation) => {
                let (name, location) = word.split_once('.').unwrap_or((word, ""));
                query.push(("identifier", name.to_owned()));
                query.push(("locationIdentifier", location.to_owned()));
            }
            Address::Uuid(Called::TenantName) => {
                let parts: Vec<&str> = word.splitn(3, '.').collect();
                let [workspace, project, platform] = parts[..] else {
                    let problem = "a tenant is WORKSPACE.PROJECT.PLATFORM.LOCATION, or a uuid";
                    return Err(Failure::Usage(format!("`{word}` is not complete: {problem}")));
                };
                query.push(("workspaceIdentifier", workspace.to_owned()));
                query.push(("projectIdentifier", project.to_owned()));
                query.push(("platformIdentifier", platform.to_owned()));
                for state in ["ACTIVE", "MARKED_FOR_DELETION"] {
                    query.push(("state", state.to_owned()));
                }
            }
            Address::Uuid(Called::Nothing | Called::Sent)
            | Address::Name
            | Address::InWorkspace
            | Address::InstanceId => {
                return Err(Failure::Usage(format!("a {} is named by its uuid", kind.word())));
            }
        }
        if *kind == kinds::DEFINITION && workspace.is_none() {
            query.push(("includeAllPublished", "true".to_owned()));
        }
        let in_workspace = kind.is_within_workspace();
        let mut found = self.list(kind, &query, None).await?;
        found.retain(|object| {
            let owner = object.pointer("/metadata/ownedByWorkspace");
            let name = kind.called(object);
            let is_it = name.as_deref() == Some(word)
                || (kind == &kinds::PLATFORM && object.pointer("/metadata/name").is_some_and(|n| n == word));
            is_it
                && workspace.is_none_or(|workspace| !in_workspace || owner.is_some_and(|it| it == workspace))
        });
        Ok(found)
    }

    /// The block that a person means, which may also be one that is being deleted.
    pub(crate) async fn block_uuid(&self, word: &str, workspace: Option<&str>) -> Result<String, Failure> {
        if uuid::Uuid::try_parse(word).is_ok() {
            return Ok(word.to_owned());
        }
        let block = self.resolve(&kinds::BLOCK, word, workspace).await?;
        id_of(&kinds::BLOCK, &block)
    }

    /// All versions of a definition, by number. `None` if the caller may not see them.
    pub(crate) async fn versions(&self, definition_uuid: &str) -> Result<Option<Vec<Value>>, Failure> {
        let query = vec![("buildingBlockDefinitionUuid", definition_uuid.to_owned())];
        match self.list(&kinds::VERSION, &query, None).await {
            Ok(mut versions) => {
                versions.sort_by_key(|version| version["spec"]["versionNumber"].as_u64());
                Ok(Some(versions))
            }
            Err(Failure::Denied(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the server says about itself.
    pub(crate) async fn info(&self) -> Result<Value, ClientError> {
        self.client.get("/mesh/info", "application/json").await
    }
}

/// Percent-encodes a path segment or query value.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The identifier of an object that the server sent.
pub(crate) fn id_of(kind: &Kind, object: &Value) -> Result<String, Failure> {
    let missing = || Failure::Operation(format!("the server sent a {} without an identifier", kind.word()));
    kind.id(object).ok_or_else(missing)
}

/// `Display name@3` as name and number; without a number, the newest is meant.
fn version_word(word: &str) -> Result<(&str, Option<u64>), Failure> {
    match word.rsplit_once('@') {
        None => Ok((word, None)),
        Some((definition, number)) => match number.strip_prefix('v').unwrap_or(number).parse() {
            Ok(number) => Ok((definition, Some(number))),
            Err(_) => Err(Failure::Usage(format!("`{word}` must end in @ and a number, such as @2"))),
        },
    }
}

/// The uuid of a definition's version; without a number, of the newest.
pub(crate) fn version_uuid(definition: &Value, number: Option<u64>) -> Result<String, Failure> {
    let status = &definition["status"];
    let name = definition["spec"]["displayName"].as_str().unwrap_or("it");
    let number = number.or_else(|| status["latestVersion"].as_u64());
    let versions = status["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = versions.iter().find(|version| version["versionNumber"].as_u64() == number);
    if let Some(uuid) = found.and_then(|version| version["versionUuid"].as_str()) {
        return Ok(uuid.to_owned());
    }
    let known: Vec<String> = versions.iter().map(|version| version["versionNumber"].to_string()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let asked = number.map(|number| format!(" {number}")).unwrap_or_default();
    Err(Failure::Operation(format!("definition `{name}` has no version{asked}; there is {known}")))
}

/// The only one of `found`, which all go by the name `word`.
pub(crate) fn only_one(kind: &Kind, word: &str, mut found: Vec<Value>) -> Result<Value, Failure> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::Operation(format!("there is no {} named `{word}`", kind.word()))),
        many => {
            let place = |object: &Value| {
                let uuid = object["metadata"]["uuid"].as_str().unwrap_or("?");
                let owner = object["metadata"]["ownedByWorkspace"].as_str().unwrap_or("?");
                format!("{uuid} in {owner}")
            };
            let places: Vec<_> = found.iter().map(place).collect();
            Err(Failure::Operation(format!(
                "{many} {} are named `{word}`; use a uuid: {}",
                kind.collection,
                places.join(", ")
            )))
        }
    }
}

/// What to send when there is nothing to say.
pub(crate) fn no_body() -> Value {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_by_number() {
        let definition = json!({ "spec": { "displayName": "DB" }, "status": { "latestVersion": 2, "versions": [
            { "versionNumber": 1, "versionUuid": "u1" }, { "versionNumber": 2, "versionUuid": "u2" }
        ] } });
        assert_eq!(version_uuid(&definition, Some(1)).unwrap(), "u1");
        assert_eq!(version_uuid(&definition, None).unwrap(), "u2");
        let failure = version_uuid(&definition, Some(7)).unwrap_err();
        assert_eq!(failure.to_string(), "definition `DB` has no version 7; there is 1, 2");
        assert_eq!(version_word("My DB@v3").unwrap(), ("My DB", Some(3)));
        assert_eq!(version_word("My DB").unwrap(), ("My DB", None));
        assert_eq!(version_word("a@b").unwrap_err().code(), 64);
    }

    #[test]
    fn what_people_write_is_safe_in_a_path() {
        assert_eq!(
            Api::path(&kinds::USER, "lea@fruit.example", ""),
            "/api/meshobjects/meshusers/lea%40fruit.example"
        );
        assert_eq!(
            Api::path(&kinds::WORKSPACE, "../x?y", "/z"),
            "/api/meshobjects/meshworkspaces/..%2Fx%3Fy/z"
        );
    }
}
