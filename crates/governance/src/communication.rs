//! meshCommunication: one definition brought to one workspace, tenant or building block (`api-core.md` §4.2), and
//! its resolution, which the contract has no call for.

use crate::communication_definition::{
    self as definition, CommunicationText, CommunicationType, TYPES, count, one_of,
};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use stoa_base::{Moment, ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Allowed, Call, Outcome, Resource, Scope, followers};
use stoa_db::{Sql, Tx};
use stoa_tenancy::workspace;
use stoa_web::kind::{self, Deleted, Writes};
use stoa_web::openapi::Schemas;
use stoa_web::route::{About, Takes};
use stoa_web::{Kind, Reply, Request, Route, media};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshCommunication";
const RESOLUTION: &str = "/api/stoa/v1/communications/{uuid}/resolution";
const MESSAGE: &str = "/api/stoa/v1/communications/{uuid}/message";
/// Where a page puts what the definition says.
const SAYS: &str = "says";
/// How many followers of something gone are looked at in one transaction.
const BATCH: i64 = 200;
/// What a communication may be sent to.
const TARGETS: [&str; 3] = [workspace::KIND, "meshTenant", "meshBuildingBlock"];

/// Whether a duty was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResolutionStatus {
    /// Not yet.
    Open,
    /// Done.
    Resolved,
}

impl ResolutionStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Resolved => "RESOLVED",
        }
    }
}

/// A communication as stored. Its key is `<definition>/<target>`: one target gets the same message once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Communication {
    definition: ObjectId,
    /// Workspace that owns the definition.
    sender: String,
    target_kind: String,
    target_name: String,
    /// Uuid of the target.
    target: ObjectId,
    #[serde(rename = "type")]
    says: CommunicationType,
    /// Only of duties.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<ResolutionStatus>,
}

/// Set by the server.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// Set by the server: the workspace of the target.
    #[schema(nullable = false)]
    owned_by_workspace: Option<String>,
}

/// The definition meant.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CommunicationDefinitionRef {
    /// `meshCommunicationDefinition`.
    #[schema(nullable = false)]
    kind: Option<String>,
    /// Its uuid.
    uuid: String,
}

/// What a communication says, in full. The definition is its sender's; whoever got the communication reads this.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CommunicationMessage {
    /// One line.
    title: String,
    /// Markdown.
    message: String,
    /// `ACTION_REQUIRED` or `NOTIFICATION`.
    communication_type: CommunicationType,
    /// Until when to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    due_date: Option<String>,
    /// Only of `ACTION_REQUIRED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resolution_status: Option<ResolutionStatus>,
    /// Kind and name of whom it is for.
    to: String,
}

/// Whom it is for.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CommunicationTargetRef {
    /// `meshWorkspace`, `meshTenant` or `meshBuildingBlock`.
    kind: String,
    /// Identifier of a workspace, uuid of the others.
    name: String,
}

/// Declared part.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationSpec {
    /// What to say.
    communication_definition_ref: CommunicationDefinitionRef,
    /// To whom.
    target_mesh_object_ref: CommunicationTargetRef,
}

/// What its definition says.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationSummary {
    /// Its uuid.
    uuid: String,
    /// Its title.
    title: String,
    /// Until when to act.
    #[schema(nullable = false)]
    due_date: Option<String>,
    /// `ACTION_REQUIRED` or `NOTIFICATION`.
    communication_type: CommunicationType,
}

/// Set by the server.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationStatus {
    /// Only of `ACTION_REQUIRED`.
    #[schema(nullable = false)]
    resolution_status: Option<ResolutionStatus>,
    /// What its definition says.
    #[schema(nullable = false)]
    mesh_communication_definition: Option<CommunicationSummary>,
}

/// A communication on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Communication)]
pub struct Wire {
    /// Set by the server.
    #[serde(default)]
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "described, and not read: the server sets it")]
    metadata: Option<CommunicationMetadata>,
    /// Declared part.
    spec: CommunicationSpec,
    /// Set by the server.
    #[serde(default)]
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "described, and not read: the server sets it")]
    status: Option<CommunicationStatus>,
}

/// How a duty stands by now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CommunicationResolution {
    /// `RESOLVED` when absent; `OPEN` opens it again.
    #[schema(nullable = false)]
    resolution_status: Option<ResolutionStatus>,
}

/// The routes.
pub fn routes() -> Vec<Route> {
    let mut routes = kind::routes::<Communications>();
    routes.push(Route::write(Method::POST, RESOLUTION, resolve).takes(Takes::Json(1 << 10)).about(About {
        summary: "Resolve a duty, or open it again",
        tag: KIND,
        request: Some("CommunicationResolution"),
        example: Some(json!({ "resolutionStatus": "RESOLVED" })),
        response: Some("Communication"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[400, 403, 404, 409],
        ..About::default()
    }));
    routes.push(Route::read(Method::GET, MESSAGE, message).about(About {
        summary: "What a communication says, in full",
        tag: KIND,
        response: Some("CommunicationMessage"),
        produces: Some(media::JSON),
        success: &[200],
        errors: &[403, 404],
        ..About::default()
    }));
    routes
}

/// Workspaces that operate a tenant or building block: owners of its platform or definition.
const OPERATORS: Sql = Sql::new(
    "SELECT o.workspace FROM reference r JOIN object o ON o.id = r.target
     WHERE r.source = $1 AND r.relation IN ('definition', 'platform') AND o.workspace IS NOT NULL",
);

/// The living object that is meant, or why it is none.
fn target(tx: &mut Tx, meant: &CommunicationTargetRef) -> Outcome<Object> {
    let field = "spec.targetMeshObjectRef.kind";
    let Some(kind) = TARGETS.into_iter().find(|kind| *kind == meant.kind) else {
        let problem = format!("knows {}, not `{}`", TARGETS.join(", "), meant.kind);
        return Err(Refusal::invalid(field, problem).into());
    };
    if kind == workspace::KIND {
        return workspace::living(tx, &meant.name);
    }
    let found = objects::by_uuid_text(tx, kind, &meant.name)?.filter(|found| found.deleted_at.is_none());
    found.ok_or_else(|| Refusal::missing(kind, &meant.name).into())
}

fn draft(communication: &Communication) -> Outcome<Draft> {
    let mut facets = vec![
        ("communicationDefinition", communication.definition.to_string()),
        ("communicationType", communication.says.word().to_owned()),
        ("sender", communication.sender.clone()),
        (followers::FACET, communication.target.to_string()),
    ];
    facets.extend(communication.resolution.map(|resolution| ("resolution", resolution.word().to_owned())));
    let references = vec![("communicationDefinition", communication.definition)];
    Ok(Draft { doc: serde_json::to_value(communication)?, status: json!({}), facets, references })
}

/// Where a communication belongs for somebody who may be at either end of it.
fn either_end<'a>(call: &'a Call, object: &'a Object) -> Scope<'a> {
    let sender = object.doc["sender"].as_str();
    let sends = sender.is_some() && sender == call.actor.home.as_deref();
    Scope { owner: if sends { sender } else { object.workspace.as_deref() }, ..Scope::default() }
}

fn message(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Communication, Action::Read)?;
    let id = request.param(0);
    let object = objects::by_uuid_text(tx, KIND, id)?.ok_or_else(|| Refusal::missing(KIND, id))?;
    call.may(Resource::Communication, Action::Read, &either_end(call, &object))?;
    let communication: Communication = object.doc()?;
    let made_from = objects::by_id(tx, definition::KIND, communication.definition)?;
    let text: CommunicationText = made_from.ok_or_else(|| Refusal::missing(KIND, id))?.doc()?;
    let body = CommunicationMessage {
        title: text.title,
        message: text.message,
        communication_type: text.communication_type,
        due_date: text.due_date,
        resolution_status: communication.resolution,
        to: format!("{} {}", communication.target_kind, communication.target_name),
    };
    Ok(Reply::json(StatusCode::OK, media::JSON, &serde_json::to_value(body)?))
}

fn resolve(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Reply> {
    call.may_at_all(Resource::Communication, Action::Write)?;
    let id = request.param(0);
    let missing = || Refusal::missing(KIND, id);
    let found = objects::by_uuid_text(tx, KIND, id)?.ok_or_else(missing)?;
    let object = objects::by_id_for_update(tx, KIND, found.id)?.ok_or_else(missing)?;
    let allowed = call.may(Resource::Communication, Action::Write, &either_end(call, &object))?;
    let wanted: CommunicationResolution =
        stoa_web::body::typed(request.json.clone().unwrap_or_else(|| json!({})))?;
    let wanted = wanted.resolution_status.unwrap_or(ResolutionStatus::Resolved);
    let mut communication: Communication = object.doc()?;
    let Some(was) = communication.resolution else {
        return Err(Refusal::conflict("A notification asks for nothing that could be resolved.").into());
    };
    let mut object = object;
    if was != wanted {
        communication.resolution = Some(wanted);
        let (title, more) = match wanted {
            ResolutionStatus::Resolved => ("Communication Resolved", 1),
            ResolutionStatus::Open => ("Communication Reopened", -1),
        };
        let to = format!("{} '{}'", communication.target_kind, communication.target_name);
        let told =
            Told::new(title, format!("{title}: the one to {to}.")).to_managers(&[&communication.sender]);
        let draft = draft(&communication)?;
        object = objects::replace(tx, call, allowed, &object, draft, told)?;
        count(tx, communication.definition, 0, more)?;
    }
    let version = Communications::VERSIONS[0];
    let body = kind::represent::<Communications>(tx, call, &object, version)?;
    Ok(Reply::json(StatusCode::OK, media::JSON, &body))
}

/// Removes one; whoever counts must have been counted out.
fn remove(tx: &mut Tx, call: &Call, allowed: Allowed, object: &Object, why: &str) -> Outcome<Communication> {
    let communication: Communication = object.doc()?;
    let to = format!("{} '{}'", communication.target_kind, communication.target_name);
    let told = Told::new("Communication Deleted", format!("The communication to {to} was deleted{why}."))
        .to_managers(&[&communication.sender]);
    objects::remove(tx, call, allowed, object, told)?;
    Ok(communication)
}

/// Removes one, and counts it out.
fn remove_counted(tx: &mut Tx, call: &Call, allowed: Allowed, object: &Object, why: &str) -> Outcome<()> {
    let gone = remove(tx, call, allowed, object, why)?;
    count(tx, gone.definition, -1, -i64::from(gone.resolution == Some(ResolutionStatus::Resolved)))
}

/// Removes a definition with everything that was made from it.
pub fn remove_definition(tx: &mut Tx, call: &Call, allowed: Allowed, object: &Object) -> Outcome<()> {
    loop {
        let sent = objects::referrers(tx, object.id, Some("communicationDefinition"), BATCH)?;
        for communication in &sent {
            remove(tx, call, allowed, communication, " with its definition")?;
        }
        if sent.is_empty() {
            break;
        }
    }
    let title = object.doc["title"].as_str().unwrap_or_default();
    let told = Told::new(
        "Communication Definition Deleted",
        format!("Communication definition '{title}' was deleted."),
    );
    objects::remove(tx, call, allowed, object, told)
}

/// The controller that hears what is gone: communications to it go too, and a workspace's definitions with it. What
/// only went to another workspace takes them along.
pub fn look(tx: &mut Tx, call: &Call, gone: &str) -> Outcome<Option<Moment>> {
    let allowed = call.may(Resource::Communication, Action::Delete, &Scope::installation())?;
    if followers::go_along(tx, gone, KIND)? {
        return Ok(None);
    }
    let following = followers::of(tx, gone, BATCH)?;
    for object in &following {
        match object.kind.as_str() {
            KIND => remove_counted(tx, call, allowed, object, " with its target")?,
            definition::KIND => remove_definition(tx, call, allowed, object)?,
            _ => {}
        }
    }
    Ok((following.len() == usize::try_from(BATCH).unwrap_or_default()).then_some(call.now))
}

/// The kind.
pub struct Communications;

impl Kind for Communications {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshcommunications";
    const RESOURCE: Resource = Resource::Communication;
    const WRITES: Writes = Writes::NoUpdate;
    const FILTERS: &'static [(&'static str, &'static str)] = &[
        ("communicationDefinitionUuid", "Made from this definition"),
        ("resolutionStatus", "OPEN or RESOLVED"),
        ("communicationType", "ACTION_REQUIRED or NOTIFICATION"),
    ];
    const REQUEST: &'static str = "Communication";
    const RESPONSE: &'static str = "Communication";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
        schemas.add::<CommunicationResolution>();
        schemas.add::<CommunicationMessage>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "spec": {
                "communicationDefinitionRef": {
                    "kind": definition::KIND,
                    "uuid": "0b9b4a8e-1a55-4d0c-9f0e-0a8a1f8f7a11",
                },
                "targetMeshObjectRef": { "kind": workspace::KIND, "name": "orchard" },
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    /// Only who sent it takes it back.
    fn scope(object: &Object) -> Scope<'_> {
        Scope { owner: object.doc["sender"].as_str(), ..Scope::default() }
    }

    fn readable(call: &Call, object: &Object) -> Outcome<()> {
        call.may(Resource::Communication, Action::Read, &either_end(call, object)).map(|_| ())
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        let resolution = one_of(request, "resolutionStatus", &["OPEN", "RESOLVED"])?;
        let communication_type = one_of(request, "communicationType", &TYPES)?;
        // Who sent it sees it as well as who got it.
        let seen = Visibility { managed: seen.own.clone(), ..seen };
        let mut query = Query::of(KIND, seen)
            .with("communicationDefinition", request.query("communicationDefinitionUuid"))
            .with("resolution", resolution)
            .with("communicationType", communication_type);
        query.manager_facet = "sender";
        Ok(query)
    }

    fn id_of(object: &Object, _: &str) -> String {
        object.id.to_string()
    }

    /// What their definitions say: few, since each speaks to many.
    fn gather(tx: &mut Tx, _: &Call, objects: &mut [Object]) -> Outcome<()> {
        let mut read: HashMap<ObjectId, Value> = HashMap::new();
        for object in objects {
            let meant = object.doc::<Communication>()?.definition;
            let says = match read.entry(meant) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let found = objects::by_id(tx, definition::KIND, meant)?;
                    place.insert(found.map_or(Value::Null, |found| found.doc.into()))
                }
            };
            object.gathered = json!({ SAYS: says });
        }
        Ok(())
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let communication: Communication = object.doc()?;
        let text = Option::<CommunicationText>::deserialize(&object.gathered[SAYS])?;
        let mut summary = json!({
            "uuid": communication.definition,
            "title": text.as_ref().map_or("", |text| text.title.as_str()),
            "communicationType": communication.says,
        });
        if let Some(date) = text.and_then(|text| text.due_date) {
            summary["dueDate"] = json!(date);
        }
        let mut status = json!({ "meshCommunicationDefinition": summary });
        if let Some(resolution) = communication.resolution {
            status["resolutionStatus"] = json!(resolution);
        }
        Ok(json!({
            "metadata": { "uuid": object.id, "ownedByWorkspace": object.owner() },
            "spec": {
                "communicationDefinitionRef": { "kind": definition::KIND, "uuid": communication.definition },
                "targetMeshObjectRef": {
                    "kind": communication.target_kind,
                    "name": communication.target_name,
                },
            },
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let CommunicationSpec { communication_definition_ref: meant, target_mesh_object_ref } =
            request.body::<Wire>()?.spec;
        if meant.kind.is_some_and(|kind| kind != definition::KIND) {
            let field = "spec.communicationDefinitionRef.kind";
            return Err(Refusal::invalid(field, format!("must be {}", definition::KIND)).into());
        }
        let missing = || Refusal::missing(definition::KIND, &meant.uuid);
        let made_from = objects::by_uuid_text(tx, definition::KIND, &meant.uuid)?.ok_or_else(missing)?;
        // A team speaks in its own words only, and to those who use what it offers.
        call.may(Resource::Communication, Action::Write, &Scope::owned(made_from.owner()))?;
        let target = target(tx, &target_mesh_object_ref)?;
        let operators: Vec<String> = tx.all(&OPERATORS, &[target.id.0.into()], |row| row.get(0))?;
        let home = call.actor.home.as_deref();
        let operator = operators.iter().map(String::as_str).find(|operator| Some(*operator) == home);
        let scope = Scope { owner: operator, ..Scope::default() };
        let allowed = call.may(Resource::Communication, Action::Write, &scope)?;
        let text: CommunicationText = made_from.doc()?;
        let duty = text.communication_type == CommunicationType::ActionRequired;
        let communication = Communication {
            definition: made_from.id,
            sender: made_from.owner().to_owned(),
            target_kind: target_mesh_object_ref.kind,
            target_name: target_mesh_object_ref.name,
            target: target.id,
            says: text.communication_type,
            resolution: duty.then_some(ResolutionStatus::Open),
        };
        let to = format!("{} '{}'", communication.target_kind, communication.target_name);
        let told = Told::new("Communication Created", format!("'{}' was sent to {to}.", text.title))
            .to_managers(&[made_from.owner()]);
        let key = format!("{}/{}", made_from.id, target.id);
        let owner = target.workspace.as_deref();
        let identity = (ObjectId::new(), KIND, key.as_str(), owner);
        let made = objects::insert(tx, call, allowed, identity, draft(&communication)?, told)?;
        count(tx, made_from.id, 1, 0)?;
        Ok(made)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::Communication, Action::Delete, &Self::scope(&object))?;
        remove_counted(tx, call, allowed, &object, "")?;
        Ok(Deleted::Now)
    }
}
