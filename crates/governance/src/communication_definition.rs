//! meshCommunicationDefinition: what operators have to say to teams; each communication brings it to one of them
//! (`api-core.md` §4.1).

use crate::communication;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_base::{Day, ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::{Action, Call, Outcome, Resource, Scope, followers};
use stoa_db::Tx;
use stoa_tenancy::workspace;
use stoa_web::kind::{Deleted, must_exist};
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshCommunicationDefinition";

/// Whether somebody has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommunicationType {
    /// A duty, open until it is resolved.
    ActionRequired,
    /// News.
    Notification,
}

impl CommunicationType {
    /// As the API says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ActionRequired => "ACTION_REQUIRED",
            Self::Notification => "NOTIFICATION",
        }
    }
}

/// A filter's value, which must be one of these words.
pub fn one_of<'a>(request: &'a Request, name: &str, known: &[&str]) -> Outcome<Option<&'a str>> {
    let found = request.query(name);
    match found.filter(|word| !known.contains(word)) {
        Some(bad) => {
            Err(Refusal::invalid(name, format!("knows {}, not `{bad}`", known.join(" and "))).into())
        }
        None => Ok(found),
    }
}

/// The words of `type` filters.
pub const TYPES: [&str; 2] = ["ACTION_REQUIRED", "NOTIFICATION"];

/// A message as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationText {
    /// One line.
    pub title: String,
    /// Markdown.
    pub message: String,
    /// `ACTION_REQUIRED` or `NOTIFICATION`.
    #[serde(rename = "type")]
    pub communication_type: CommunicationType,
    /// Until when to act, `YYYY-MM-DD`; required for `ACTION_REQUIRED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_date: Option<String>,
    /// Whether it is shown in the panel only.
    #[serde(default)]
    pub skip_email_notifications: bool,
}

/// How many teams got it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub total: i64,
    /// Those resolved.
    pub resolved: i64,
}

/// Set by the server.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunicationDefinitionMetadata {
    /// Set by the server.
    #[schema(nullable = false)]
    uuid: Option<String>,
    /// Set by the server: the workspace of the caller who made it.
    #[schema(nullable = false)]
    owned_by_workspace: Option<String>,
}

/// Declared part.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CommunicationDefinitionSpec {
    /// The message.
    communication: CommunicationText,
}

/// How it went, as the server counts.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CommunicationDefinitionStatus {
    /// Communications made from it.
    #[schema(nullable = false)]
    #[serde(rename = "communicationsTotal")]
    total: Option<i64>,
    /// Those not resolved yet; only of `ACTION_REQUIRED`.
    #[schema(nullable = false)]
    #[serde(rename = "communicationsOpen")]
    open: Option<i64>,
    /// Those resolved; only of `ACTION_REQUIRED`.
    #[schema(nullable = false)]
    #[serde(rename = "communicationsResolved")]
    resolved: Option<i64>,
}

/// A communication definition on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommunicationDefinition)]
pub struct Wire {
    /// Set by the server.
    #[serde(default)]
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "described, and not read: the server sets it")]
    metadata: Option<CommunicationDefinitionMetadata>,
    /// Declared part.
    spec: CommunicationDefinitionSpec,
    /// Set by the server.
    #[serde(default)]
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "described, and not read: the server sets it")]
    status: Option<CommunicationDefinitionStatus>,
}

/// The message of a request. A due date lies ahead, unless it was stored so before.
fn checked(call: &Call, wire: Wire, old: Option<&CommunicationText>) -> Outcome<CommunicationText> {
    let text = wire.spec.communication;
    for (field, value) in [("title", &text.title), ("message", &text.message)] {
        if value.trim().is_empty() {
            return Err(Refusal::invalid(format!("spec.communication.{field}"), "must not be blank").into());
        }
    }
    let field = "spec.communication.dueDate";
    match &text.due_date {
        None if text.communication_type == CommunicationType::ActionRequired => {
            return Err(Refusal::invalid(field, "is required for ACTION_REQUIRED").into());
        }
        None => {}
        Some(date) => {
            let day: Day =
                date.parse().map_err(|_| Refusal::invalid(field, "must be a date, as 2027-06-30"))?;
            let known = old.is_some_and(|old| old.due_date.as_ref() == Some(date));
            if day.end() <= call.now && !known {
                return Err(Refusal::invalid(field, "must not lie in the past").into());
            }
        }
    }
    Ok(text)
}

fn facets(text: &CommunicationText, home: ObjectId) -> Vec<(&'static str, String)> {
    vec![("type", text.communication_type.word().to_owned()), (followers::FACET, home.to_string())]
}

/// Counts a communication in or out, and its resolution. Others who count wait for this transaction.
pub fn count(tx: &mut Tx, definition: ObjectId, total: i64, resolved: i64) -> Outcome<()> {
    let Some(object) = objects::by_id_for_update(tx, KIND, definition)? else { return Ok(()) };
    let mut counts: Counts = object.status()?;
    counts.total += total;
    counts.resolved += resolved;
    objects::note(tx, definition, &serde_json::to_value(counts)?)
}

/// The kind.
pub struct CommunicationDefinitions;

impl Kind for CommunicationDefinitions {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1-preview"];
    const COLLECTION: &'static str = "meshcommunicationdefinitions";
    const RESOURCE: Resource = Resource::CommunicationDefinition;
    const LONG: &'static [&'static str] = &["spec.communication.message"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("type", "ACTION_REQUIRED or NOTIFICATION")];
    const REQUEST: &'static str = "CommunicationDefinition";
    const RESPONSE: &'static str = "CommunicationDefinition";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1-preview",
            "kind": KIND,
            "spec": { "communication": {
                "title": "Move to the new region",
                "message": "The old one *closes* in summer.",
                "type": "ACTION_REQUIRED",
                "dueDate": "2097-06-30",
                "skipEmailNotifications": false,
            } },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_uuid_text(tx, KIND, id)
    }

    fn query(_: &Call, request: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen).with("type", one_of(request, "type", &TYPES)?))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        let text: CommunicationText = object.doc()?;
        let counts: Counts = object.status()?;
        let mut status = json!({ "communicationsTotal": counts.total });
        if text.communication_type == CommunicationType::ActionRequired {
            status["communicationsOpen"] = json!(counts.total - counts.resolved);
            status["communicationsResolved"] = json!(counts.resolved);
        }
        Ok(json!({
            "metadata": { "uuid": object.id, "ownedByWorkspace": object.owner() },
            "spec": { "communication": text },
            "status": status,
        }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        let wire: Wire = request.body()?;
        let admin = &call.world.settings.admin_workspace;
        let owner = call.actor.home.clone().unwrap_or_else(|| admin.clone());
        let allowed = call.may(Resource::CommunicationDefinition, Action::Write, &Scope::owned(&owner))?;
        let text = checked(call, wire, None)?;
        let home = workspace::living(tx, &owner)?;
        let told = Told::new(
            "Communication Definition Created",
            format!("Communication definition '{}' was created.", text.title),
        );
        let draft = Draft {
            facets: facets(&text, home.id),
            doc: serde_json::to_value(text)?,
            status: serde_json::to_value(Counts::default())?,
            ..Draft::default()
        };
        let id = ObjectId::new();
        objects::insert(tx, call, allowed, (id, KIND, &id.to_string(), Some(&owner)), draft, told)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let object = must_exist::<Self>(found, id)?;
        let allowed = call.may(Resource::CommunicationDefinition, Action::Write, &Self::scope(&object))?;
        let old: CommunicationText = object.doc()?;
        let text = checked(call, request.body()?, Some(&old))?;
        let counts: Counts = object.status()?;
        if text.communication_type != old.communication_type && counts.total > 0 {
            return Err(Refusal::conflict(
                "The type of a communication definition cannot change once communications were made from it.",
            )
            .into());
        }
        let home = workspace::living(tx, object.owner())?;
        let told = Told::new(
            "Communication Definition Updated",
            format!("Communication definition '{}' was updated.", text.title),
        );
        let draft = Draft {
            facets: facets(&text, home.id),
            doc: serde_json::to_value(text)?,
            status: (*object.status).clone(),
            ..Draft::default()
        };
        objects::replace(tx, call, allowed, &object, draft, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::CommunicationDefinition, Action::Delete, &Self::scope(&object))?;
        communication::remove_definition(tx, call, allowed, &object)?;
        Ok(Deleted::Now)
    }
}
