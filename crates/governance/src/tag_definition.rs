//! meshTagDefinition: which tags there are, and what their values are like (`api-core.md` §3.11).

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use stoa_base::{ObjectId, Refusal};
use stoa_core::guard::Visibility;
use stoa_core::listing::Query;
use stoa_core::objects::{self, Draft, Object, Told};
use stoa_core::tags::{self, Definition, Rule, Target, ValueType};
use stoa_core::{Action, Call, Outcome, Resource, Scope};
use stoa_db::Tx;
use stoa_web::kind::Deleted;
use stoa_web::openapi::Schemas;
use stoa_web::{Kind, Request};
use utoipa::ToSchema;

/// The kind's name.
pub const KIND: &str = "meshTagDefinition";
/// Where forms show a tag whose definition does not say (`api-core.md` §3.11).
const SORT_ORDER: i64 = 9999;

/// Name of a definition.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct TagDefinitionMetadata {
    /// `<spec.targetKind>.<spec.key>`.
    name: String,
}

/// A text, or an e-mail address.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextValues {
    /// What restricted tags begin with.
    #[schema(nullable = false)]
    default_value: Option<String>,
    /// Regular expression over whole values.
    #[schema(nullable = false)]
    validation_regex: Option<String>,
}

/// A whole number.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegerValues {
    /// What restricted tags begin with.
    #[schema(nullable = false)]
    default_value: Option<i64>,
}

/// A decimal number.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberValues {
    /// What restricted tags begin with.
    #[schema(value_type = Option<f64>, nullable = false)]
    default_value: Option<Number>,
}

/// At most one of the options.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleSelectValues {
    /// At least one, in the order people see.
    options: Vec<String>,
    /// What restricted tags begin with.
    #[schema(nullable = false)]
    default_value: Option<String>,
}

/// Any of the options.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultiSelectValues {
    /// At least one, in the order people see.
    options: Vec<String>,
    /// What restricted tags begin with.
    #[schema(nullable = false)]
    default_value: Option<Vec<String>>,
}

/// What values are like: exactly one member.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TagValueType {
    /// Any text, or what the pattern says.
    #[schema(nullable = false)]
    string: Option<TextValues>,
    /// An e-mail address, or what the pattern says.
    #[schema(nullable = false)]
    email: Option<TextValues>,
    /// Whole numbers.
    #[schema(nullable = false)]
    integer: Option<IntegerValues>,
    /// Decimal numbers.
    #[schema(nullable = false)]
    number: Option<NumberValues>,
    /// At most one of some options.
    #[schema(nullable = false)]
    single_select: Option<SingleSelectValues>,
    /// Any of some options.
    #[schema(nullable = false)]
    multi_select: Option<MultiSelectValues>,
}

impl TagValueType {
    /// The one member that is there.
    fn only(self) -> Result<ValueType, Refusal> {
        let Self { string, email, integer, number, single_select, multi_select } = self;
        let found = [
            string.map(|TextValues { default_value, validation_regex }| ValueType::String {
                default_value,
                validation_regex,
            }),
            email.map(|TextValues { default_value, validation_regex }| ValueType::Email {
                default_value,
                validation_regex,
            }),
            integer.map(|IntegerValues { default_value }| ValueType::Integer { default_value }),
            number.map(|NumberValues { default_value }| ValueType::Number { default_value }),
            single_select.map(|SingleSelectValues { options, default_value }| ValueType::SingleSelect {
                options,
                default_value,
            }),
            multi_select.map(|MultiSelectValues { options, default_value }| ValueType::MultiSelect {
                options,
                default_value,
            }),
        ];
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Refusal::invalid(
                "spec.valueType",
                "must have exactly one of string, email, integer, number, singleSelect and multiSelect",
            )),
        }
    }
}

/// Declared part of a definition.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TagDefinitionSpec {
    /// Whose tags: `meshWorkspace`, `meshProject`, `meshLandingZone`, `meshPaymentMethod`,
    /// `meshBuildingBlockDefinition`, `meshProjectRole` or `meshPrincipal`.
    target_kind: String,
    /// The tag's key, unique within the target kind.
    key: String,
    /// What values are like. The member stays what it is.
    value_type: TagValueType,
    /// For people.
    display_name: String,
    /// For people; may be empty.
    description: String,
    /// Where forms and tables show it; 9999 when absent.
    #[schema(nullable = false)]
    sort_order: Option<i64>,
    /// Whether each object needs a value.
    #[schema(nullable = false)]
    mandatory: Option<bool>,
    /// Whether a value stays once it is set.
    #[schema(nullable = false)]
    immutable: Option<bool>,
    /// Whether only administrators set it.
    #[schema(nullable = false)]
    restricted: Option<bool>,
    /// Its key on platforms; absent is not replicated.
    #[schema(nullable = false)]
    replication_key: Option<String>,
}

/// A tag definition on the wire.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = TagDefinition)]
pub struct Wire {
    /// Name.
    metadata: TagDefinitionMetadata,
    /// Declared part.
    spec: TagDefinitionSpec,
}

/// The definition that a request declares, checked by itself.
fn checked(wire: Wire) -> Outcome<Definition> {
    let spec = wire.spec;
    if Target::of(&spec.target_kind).is_none() {
        let known: Vec<&str> = Target::ALL.into_iter().map(Target::word).collect();
        let problem = format!("knows {}, not `{}`", known.join(", "), spec.target_kind);
        return Err(Refusal::invalid("spec.targetKind", problem).into());
    }
    tags::check_key(&spec.key).map_err(|problem| Refusal::invalid("spec.key", problem))?;
    if wire.metadata.name != format!("{}.{}", spec.target_kind, spec.key) {
        return Err(Refusal::invalid("metadata.name", "must be <spec.targetKind>.<spec.key>").into());
    }
    if spec.display_name.trim().is_empty() {
        return Err(Refusal::invalid("spec.displayName", "must not be blank").into());
    }
    let definition = Definition {
        target_kind: spec.target_kind,
        key: spec.key,
        value_type: spec.value_type.only()?,
        display_name: spec.display_name,
        description: spec.description,
        sort_order: spec.sort_order.unwrap_or(SORT_ORDER),
        mandatory: spec.mandatory.unwrap_or(false),
        immutable: spec.immutable.unwrap_or(false),
        restricted: spec.restricted.unwrap_or(false),
        replication_key: spec.replication_key,
    };
    Ok(Rule::new(definition)?.definition)
}

fn draft(definition: &Definition) -> Outcome<Draft> {
    let facets = vec![("targetKind", definition.target_kind.clone())];
    Ok(Draft { doc: serde_json::to_value(definition)?, status: json!({}), facets, ..Draft::default() })
}

/// The kind.
pub struct TagDefinitions;

impl TagDefinitions {
    fn make(tx: &mut Tx, call: &Call, definition: &Definition) -> Outcome<Object> {
        let allowed = call.may(Resource::TagDefinition, Action::Write, &Scope::installation())?;
        tags::changed(tx)?;
        let name = format!("{}.{}", definition.target_kind, definition.key);
        if tags::count(tx)? >= tags::MOST && objects::by_key(tx, KIND, &name)?.is_none() {
            let problem = format!("cannot be one more: there are {} tag definitions already", tags::MOST);
            return Err(Refusal::invalid("metadata.name", problem).into());
        }
        let told = Told::new("Tag Definition Created", format!("Tag definition '{name}' was created."));
        objects::insert(tx, call, allowed, (ObjectId::new(), KIND, &name, None), draft(definition)?, told)
    }
}

impl Kind for TagDefinitions {
    const NAME: &'static str = KIND;
    const VERSIONS: &'static [&'static str] = &["v1"];
    const COLLECTION: &'static str = "meshtagdefinitions";
    const RESOURCE: Resource = Resource::TagDefinition;
    const OPEN_READ: bool = true;
    const REQUEST: &'static str = "TagDefinition";
    const RESPONSE: &'static str = "TagDefinition";
    const ID: &'static str = "name";

    fn schemas(schemas: &mut Schemas) {
        schemas.add::<Wire>();
    }

    fn example() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": { "name": "meshProject.stage" },
            "spec": {
                "targetKind": "meshProject",
                "key": "stage",
                "valueType": { "multiSelect": { "options": ["dev", "qa", "prod"], "defaultValue": ["dev"] } },
                "description": "Lifecycle stages",
                "displayName": "Stage",
                "sortOrder": 10,
                "mandatory": false,
                "immutable": false,
                "restricted": false,
                "replicationKey": "stage",
            },
        })
    }

    fn check_types(request: &Request) -> Result<(), Refusal> {
        request.check_types::<Wire>()
    }

    fn find(tx: &mut Tx, _: &Call, id: &str, _: &str) -> Outcome<Option<Object>> {
        objects::by_key(tx, KIND, id)
    }

    fn query(_: &Call, _: &Request, seen: Visibility) -> Outcome<Query> {
        Ok(Query::of(KIND, seen))
    }

    fn show(_: &mut Tx, _: &Call, object: &Object, _: &str) -> Outcome<Value> {
        Ok(json!({ "metadata": { "name": object.key }, "spec": object.doc }))
    }

    fn create(tx: &mut Tx, call: &Call, request: &Request) -> Outcome<Object> {
        Self::make(tx, call, &checked(request.body()?)?)
    }

    fn update(
        tx: &mut Tx,
        call: &Call,
        request: &Request,
        id: &str,
        found: Option<Object>,
    ) -> Outcome<Object> {
        let allowed = call.may(Resource::TagDefinition, Action::Write, &Scope::installation())?;
        let wire: Wire = request.body()?;
        if wire.metadata.name != id {
            return Err(Refusal::invalid("metadata.name", "must be the one in the path").into());
        }
        let definition = checked(wire)?;
        let Some(object) = found else { return Self::make(tx, call, &definition) };
        let old: Definition = object.doc()?;
        if definition.value_type.word() != old.value_type.word() {
            let problem = format!(
                "cannot change from {} to {}: delete the definition and create it anew",
                old.value_type.word(),
                definition.value_type.word()
            );
            return Err(Refusal::invalid("spec.valueType", problem).into());
        }
        tags::changed(tx)?;
        let told = Told::new("Tag Definition Changed", format!("Tag definition '{id}' was changed."));
        objects::replace(tx, call, allowed, &object, draft(&definition)?, told)
    }

    fn delete(tx: &mut Tx, call: &Call, _: &Request, object: Object) -> Outcome<Deleted> {
        let allowed = call.may(Resource::TagDefinition, Action::Delete, &Self::scope(&object))?;
        let definition: Definition = object.doc()?;
        tags::changed(tx)?;
        let told =
            Told::new("Tag Definition Deleted", format!("Tag definition '{}' was deleted.", object.key));
        objects::remove(tx, call, allowed, &object, told)?;
        if let Some(target) = Target::of(&definition.target_kind) {
            tags::remove_values(tx, call, allowed, target, &definition.key)?;
        }
        Ok(Deleted::Now)
    }
}
