//! meshBuildingBlockDefinition: what a platform team offers; its versions hold the automation
//! (`api-building-blocks.md` §2).

use crate::block;
use crate::reference::check_kind;
use crate::run;
use crate::version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::{self, Page, Query};
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Target};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope};
use stoa_db::{Sql, Tx};
use stoa_tenancy::workspace;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use url::Url;
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshBuildingBlockDefinition";
/// Icon of definitions that bring none: a plain square block.
const DEFAULT_SYMBOL: &str = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHBhdGggZD0iTTQgNGgxNnYxNkg0eiIgZmlsbD0iIzQ2NjNhYyIvPjwvc3ZnPg==";
const SYMBOL_BYTES_MAX: usize = 100 << 10;

/// What a definition's blocks attach to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetType {
    /// A tenant.
    TenantLevel,
    /// A workspace.
    WorkspaceLevel,
}

impl TargetType {
    /// As the API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::TenantLevel => "TENANT_LEVEL",
            Self::WorkspaceLevel => "WORKSPACE_LEVEL",
        }
    }
}

/// A reference by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NamedRef {
    /// Kind; implied when absent.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Name.
    pub name: String,
}

impl NamedRef {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A definition as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BuildingBlockDefinitionSpec)]
pub struct Definition {
    /// For people.
    pub display_name: String,
    /// One or two sentences.
    pub description: String,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub readme: Option<String>,
    /// What blocks attach to; cannot be changed.
    #[serde(default = "workspace_level")]
    pub target_type: TargetType,
    /// Platform types a tenant-level definition works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_platforms: Option<Vec<NamedRef>>,
    /// Whether consumers see system messages and runs.
    #[serde(default)]
    pub run_transparency: bool,
    /// Whether it is hidden from self-service ordering.
    #[serde(default)]
    pub use_in_landing_zones_only: bool,
    /// Where help is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub support_url: Option<String>,
    /// Where documentation is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub documentation_url: Option<String>,
    /// Who is told, each `user:…` or `email:…`.
    #[serde(default)]
    pub notification_subscriber_usernames: Vec<String>,
    /// Icon: `http(s)` or data URL.
    #[serde(default)]
    pub symbol: String,
}

fn workspace_level() -> TargetType {
    TargetType::WorkspaceLevel
}

/// Owner and tags of a definition.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// The workspace that offers it.
    owned_by_workspace: String,
    /// Set by the server.
    #[schema(nullable = false)]
    created_on: Option<String>,
    /// Tags: lists of strings.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    tags: Map<String, Value>,
}

/// A definition on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BuildingBlockDefinition)]
pub struct Wire {
    /// Owner and tags.
    metadata: DefinitionMetadata,
    /// Declared part.
    spec: Definition,
}

/// One line of `status.versions`, and how it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The version.
    pub version_uuid: ObjectId,
    /// Its number.
    pub version_number: i64,
    /// `DRAFT` or `RELEASED`.
    pub state: String,
    /// `IN_REVIEW` or `REJECTED`, where the first release waits for a review or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
}

/// The definition with this uuid and its document.
pub fn by_id(tx: &mut Tx, id: ObjectId) -> Outcome<Option<(Object, Definition)>> {
    let Some(object) = objects::by_id(tx, KIND, id)? else { return Ok(None) };
    let definition = object.doc()?;
    Ok(Some((object, definition)))
}

/// Whether consumers see system messages and runs of a definition's blocks.
pub fn is_transparent(tx: &mut Tx, id: ObjectId) -> Outcome<bool> {
    objects::has_facet(tx, id, "runTransparency", "true")
}

/// Versions of a definition, ascending.
pub fn versions(object: &Object) -> Outcome<Vec<Listed>> {
    Ok(object.status.get("versions").cloned().map(serde_json::from_value).transpose()?.unwrap_or_default())
}

/// Records the versions of a definition, and whether others may order it.
pub fn set_versions(tx: &mut Tx, call: &Call, object: &mut Object, versions: &[Listed]) -> Outcome<()> {
    let published = versions.iter().any(|version| version.state == "RELEASED");
    let status = json!({ "versions": versions });
    objects::observe(tx, call, object, status, &[], None)?;
    objects::set_facet(tx, object.id, "published", if published { "true" } else { "false" })
}

/// Whether the definition has a released version: then everybody may see and order it.
pub fn is_published(object: &Object) -> Outcome<bool> {
    Ok(versions(object)?.iter().any(|version| version.state == "RELEASED"))
}

fn active_blocks(tx: &mut Tx, facet: &'static str, value: &str) -> Outcome<i64> {
    let seen = Visibility { all: true, ..Visibility::default() };
    let query = Query::of(block::KIND, seen).with(facet, Some(value));
    // A page of one costs a count within an index.
    Ok(listing::list(tx, &query, &Page::first(1))?.total)
}

/// How many active blocks use a definition.
pub fn usage(tx: &mut Tx, id: ObjectId) -> Outcome<i64> {
    active_blocks(tx, "definitionUuid", &id.to_string())
}

/// How many active blocks use a version.
pub fn usage_of_version(tx: &mut Tx, id: ObjectId) -> Outcome<i64> {
    active_blocks(tx, "versionUuid", &id.to_string())
}

fn checked_url(field: &str, text: Option<&String>) -> Outcome<()> {
    let Some(text) = text else { return Ok(()) };
    let web = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
    if web { Ok(()) } else { Err(Refusal::invalid(field, "must be an http or https URL").into()) }
}

fn checked_symbol(symbol: &str) -> Outcome<()> {
    if let Some(data) = symbol.strip_prefix("data:") {
        let encoded = data.split_once(',').map_or("", |(_, encoded)| encoded);
        if encoded.len() / 4 * 3 > SYMBOL_BYTES_MAX {
            return Err(Refusal::invalid("spec.symbol", "must be at most 100 KiB").into());
        }
        return Ok(());
    }
    let web = Url::parse(symbol).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web {
        Ok(())
    } else {
        Err(Refusal::invalid("spec.symbol", "must be an http, https or data URL").into())
    }
}

fn draft(
    tx: &mut Tx,
    call: &Call,
    allowed: Allowed,
    wire: Wire,
    published: bool,
    old: Option<&Map<String, Value>>,
) -> Outcome<Draft> {
    let Wire { metadata, spec: mut definition } = wire;
    for (field, text) in
        [("spec.displayName", &definition.display_name), ("spec.description", &definition.description)]
    {
        if text.trim().is_empty() {
            return Err(Refusal::invalid(field, "must not be blank").into());
        }
    }
    for text in [&mut definition.readme, &mut definition.support_url, &mut definition.documentation_url] {
        if text.as_ref().is_some_and(String::is_empty) {
            *text = None;
        }
    }
    let platforms = definition.supported_platforms.take().filter(|platforms| !platforms.is_empty());
    match (definition.target_type, &platforms) {
        (TargetType::TenantLevel, None) => {
            let problem = "must name a platform type when targetType is TENANT_LEVEL";
            return Err(Refusal::invalid("spec.supportedPlatforms", problem).into());
        }
        (TargetType::WorkspaceLevel, Some(_)) => {
            let problem = "must be unset when targetType is WORKSPACE_LEVEL";
            return Err(Refusal::invalid("spec.supportedPlatforms", problem).into());
        }
        _ => {}
    }
    for platform in platforms.iter().flatten() {
        check_kind(platform.kind.as_deref(), "meshPlatformType", "spec.supportedPlatforms")?;
    }
    definition.supported_platforms = platforms.map(|platforms| {
        let named = |platform: NamedRef| NamedRef { kind: Some("meshPlatformType".into()), ..platform };
        platforms.into_iter().map(named).collect()
    });
    checked_url("spec.supportUrl", definition.support_url.as_ref())?;
    checked_url("spec.documentationUrl", definition.documentation_url.as_ref())?;
    let subscribers = &definition.notification_subscriber_usernames;
    if subscribers.iter().any(|name| !name.starts_with("user:") && !name.starts_with("email:")) {
        let problem = "must each begin with `user:` or `email:`";
        return Err(Refusal::invalid("spec.notificationSubscriberUsernames", problem).into());
    }
    if definition.symbol.is_empty() {
        definition.symbol = DEFAULT_SYMBOL.into();
    }
    checked_symbol(&definition.symbol)?;
    let home = workspace::living(tx, &metadata.owned_by_workspace)?;
    let mut doc = serde_json::to_value(&definition)?;
    let tags = tags::admit(tx, call, allowed, Target::Definition, "metadata.tags", metadata.tags, old)?;
    let tagged = tags::facets(&tags);
    doc["tags"] = Value::Object(tags);
    let mut facets = vec![
        ("displayName", definition.display_name),
        ("published", published.to_string()),
        ("runTransparency", definition.run_transparency.to_string()),
        ("targetType", definition.target_type.word().to_owned()),
    ];
    if !definition.use_in_landing_zones_only {
        facets.push(("orderable", true.to_string()));
    }
    let platforms = definition.supported_platforms.into_iter().flatten();
    facets.extend(platforms.map(|platform| ("platformType", platform.name)));
    facets.extend(tagged.into_iter().map(|tag| (tags::FACET, tag)));
    Ok(Draft { doc, status: Value::Null, facets, references: vec![("owner", home.id)] })
}

const UNFILED: Sql = Sql::new(
    "SELECT o.id FROM object o WHERE o.kind = $1 AND o.doc LIKE '%\"tags\":{\"%' AND NOT EXISTS
        (SELECT 1 FROM facet f WHERE f.object = o.id AND f.name = $2)",
);

/// Files definitions that were stored before lists knew tags; does nothing the next time.
pub fn file_by_tags(tx: &mut Tx) -> Outcome<()> {
    let ids: Vec<String> = tx.all(&UNFILED, &[KIND.into(), tags::FACET.into()], |row| row.get(0))?;
    for id in &ids {
        let Some(object) = objects::by_uuid_text(tx, KIND, id)? else { continue };
        let filed = object.doc["tags"].as_object().map(tags::facets).unwrap_or_default();
        objects::replace_facets(tx, &object, tags::FACET, filed)?;
    }
    Ok(())
}

/// The kind.
pub struct Definitions;

impl Kind for Definitions {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshbuildingblockdefinitions";
    const RESOURCE: Resource = Resource::Definition;
    const LONG: &'static [&'static str] = &["spec.readme", "spec.symbol"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("ownedByWorkspace", "Owning workspace"),
        ("includeAllPublished", "true adds released definitions of other workspaces"),
        ("orderable", "true leaves out those for landing zones only"),
        ("targetType", "TENANT_LEVEL or WORKSPACE_LEVEL"),
        ("platformType", "Platform type that it supports"),
        ("tag", "`key:value` of a tag that it carries"),
    ];
    const REQUEST: &'static str = "BuildingBlockDefinition";
    const RESPONSE: &'static str = "BuildingBlockDefinition";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "metadata": { "ownedByWorkspace": "data-platform", "tags": {} },
            "spec": { "displayName": "Postgres schema", "description": "A schema in the shared cluster" },
        })
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        if is_published(object)? {
            return Ok(());
        }
        call.may(Resource::Definition, Action::Read, &Self::scope(object)).map(|_| ())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let mut query = Query::of(KIND, seen)
            .with("platformType", request.query("platformType"))
            .with("targetType", request.query("targetType"))
            .with(tags::FACET, request.query("tag"))
            .with("orderable", request.query("orderable").filter(|asked| *asked == "true"));
        query.workspace = request.query("ownedByWorkspace").map(Into::into);
        if request.query("includeAllPublished") == Some("true") {
            query.published = Some(("published", "true".into()));
        }
        Ok(query)
    }

    fn show(tx: &mut Tx, call: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let mut spec = (*object.doc).clone();
        let tags = spec.as_object_mut().and_then(|spec| spec.remove("tags")).unwrap_or_else(|| json!({}));
        let listed = versions(object)?;
        let newest = listed.last();
        let released = listed.iter().rev().find(|version| version.state == "RELEASED");
        let own = call.may(Resource::Definition, Action::Read, &Self::scope(object)).is_ok();
        let usage = if own { Some(usage(tx, object.id)?) } else { None };
        Ok(json!({
            "metadata": {
                "uuid": object.id,
                "ownedByWorkspace": object.owner(),
                "createdOn": object.created_at,
                "tags": tags,
            },
            "spec": spec,
            "status": {
                "usageCount": usage,
                "versions": listed,
                "latestVersion": newest.map(|version| version.version_number),
                "latestVersionUuid": newest.map(|version| version.version_uuid),
                "latestReleasedVersion": released.map(|version| version.version_number),
                "latestReleasedVersionUuid": released.map(|version| version.version_uuid),
            },
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let wire: Wire = request.body()?;
        let owner = wire.metadata.owned_by_workspace.clone();
        let allowed = call.may(Resource::Definition, Action::Write, &Scope::owned(&owner))?;
        let name = wire.spec.display_name.clone();
        let mut draft = draft(tx, call, allowed, wire, false, None)?;
        draft.status = json!({ "versions": [] });
        let told =
            Told::new("Building Block Definition Created", format!("Definition '{name}' was created."));
        let id = ObjectId::new();
        let mut object =
            objects::insert(tx, call, allowed, (id, KIND, &id.to_string(), Some(&owner)), draft, told)?;
        version::create_first(tx, call, allowed, &mut object)?;
        Ok(object)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::Definition, Action::Write, &Self::scope(&object))?;
        let wire: Wire = request.body()?;
        if wire.metadata.owned_by_workspace != object.owner() {
            return Err(Refusal::invalid("metadata.ownedByWorkspace", "cannot be changed").into());
        }
        if wire.metadata.uuid.as_ref().is_some_and(|uuid| *uuid != object.id.to_string()) {
            return Err(Refusal::invalid("metadata.uuid", "must be the one in the path").into());
        }
        let old: Definition = object.doc()?;
        if wire.spec.target_type != old.target_type {
            return Err(Refusal::invalid("spec.targetType", "cannot be changed").into());
        }
        let name = wire.spec.display_name.clone();
        let before = object.doc.get("tags").and_then(Value::as_object);
        let draft = draft(tx, call, allowed, wire, is_published(&object)?, before)?;
        let told =
            Told::new("Building Block Definition Changed", format!("Definition '{name}' was changed."));
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Definition, Action::Delete, &Self::scope(&object))?;
        let conflict = |message: String| Refusal::Conflict {
            code: "BuildingBlockConflict",
            message,
            remarks: Vec::new(),
        };
        // Orders that are under way count: they end before this goes on, and later ones find nothing.
        objects::by_id_for_update(tx, KIND, object.id)?;
        let used = usage(tx, object.id)?;
        if used > 0 {
            return Err(conflict(format!(
                "The definition cannot be deleted: there are {used} existing BuildingBlocks referencing it."
            ))
            .into());
        }
        let dependants = objects::referrers(tx, object.id, Some("dependency"), 1000)?;
        for dependant in dependants {
            if version::is_newest(tx, &dependant)? {
                return Err(conflict(format!(
                    "The definition cannot be deleted: version {} of another definition depends on it.",
                    dependant.id
                ))
                .into());
            }
        }
        objects::tell_leaving(tx, call, &object)?;
        for block in block::deleted_of(tx, object.id)? {
            run::forget_block(tx, block.id)?;
            let told =
                Told::new("Building Block Removed", format!("It went with definition '{}'.", object.id));
            objects::remove_from_under(tx, call, allowed, &block, told)?;
        }
        for listed in versions(&object)? {
            if let Some(version) = objects::by_id(tx, version::KIND, listed.version_uuid)? {
                let told =
                    Told::new("Building Block Definition Version Deleted", "It went with its definition.");
                objects::remove_from_under(tx, call, allowed, &version, told)?;
            }
        }
        let told = Told::new(
            "Building Block Definition Deleted",
            format!("Definition '{}' was deleted.", object.id),
        );
        objects::remove_from_under(tx, call, allowed, &object, told)?;
        Ok(Deleted::Now)
    }
}
