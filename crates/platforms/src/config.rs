//! `spec.config` of a platform: how to reach it, by type (`api-platforms.md` §5.4). The tables say what each type is
//! made of; what concerns more than one field stands in [`read`].

mod aws;
mod azure;
mod gcp;
mod kubernetes;

use crate::platform_type;
use crate::shape::{self, Field, Shape, fields, variants};
use serde_json::{Map, Value, json};
use stoa_base::Refusal;
use stoa_core::{Outcome, World};

/// Where it stands in a request.
pub const AT: &str = "spec.config";

/// The eight types.
pub const CONFIG: Shape = Shape::Union(variants! {
    aws Some(Shape::Object(aws::CONFIG)), "An AWS organization.";
    azure Some(Shape::Object(azure::CONFIG)), "An Entra tenant with subscriptions.";
    azurerg Some(Shape::Object(azure::RESOURCE_GROUPS)), "Resource groups in one Azure subscription.";
    gcp Some(Shape::Object(gcp::CONFIG)), "A Google Cloud organization.";
    kubernetes Some(Shape::Object(kubernetes::CONFIG)), "A Kubernetes cluster.";
    aks Some(Shape::Object(kubernetes::AKS)), "A cluster of Azure Kubernetes Service.";
    openshift Some(Shape::Object(kubernetes::OPENSHIFT)), "An OpenShift cluster.";
    custom Some(Shape::Object(CUSTOM)), "A platform that building blocks make tenants on.";
});

const CUSTOM: &[Field] = fields! {
    platformTypeRef Must: Shape::Named(platform_type::KIND), "Its type, of category CUSTOM; cannot be changed.";
    metering May: Shape::Object(fields! {
        processing OrEmpty: Shape::Object(PROCESSING), "How long collected data is kept.";
    }), "Collection of usage.";
};

/// How long collected data is kept (`api-platforms.md` §2.3).
const PROCESSING: &[Field] = fields! {
    compactTimelinesAfterDays Or(30): Shape::Whole, "Days after which timelines are compacted.";
    deleteRawDataAfterDays Or(65): Shape::Whole, "Days after which raw data is deleted.";
};

/// Tags that are written to tenants (`api-platforms.md` §2.3).
const TENANT_TAGS: &[Field] = fields! {
    namespacePrefix Must: Shape::Text, "Stands before each key.";
    tagMappers OrNone: Shape::List(fields! {
        key Must: Shape::Text, "Key of the tag.";
        valuePattern Must: Shape::Text, "Its value: `${…}` placeholders or a constant.";
    }), "The tags.";
};

/// A project role, by its identifier.
const ROLE: Shape = Shape::Named("meshProjectRole");

/// What names a platform on its own side stays, as long as the block around it does.
fn check_fixed(config: &Value, old: &Value) -> Result<(), Refusal> {
    for pointer in ["/azurerg/replication/subscription", "/custom/platformTypeRef"] {
        let (Some(before), Some(after)) = (old.pointer(pointer), config.pointer(pointer)) else { continue };
        if before != after {
            let field = format!("{AT}{}", pointer.replace('/', "."));
            return Err(Refusal::invalid(field, "cannot be changed"));
        }
    }
    Ok(())
}

/// The configuration of a request as it is to be stored; `old` is what is stored now.
pub fn read(
    world: &World,
    given: &Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Outcome<Map<String, Value>> {
    if let Some(old) = old
        && let Some(kind) = given.get("type").filter(|kind| !kind.is_null())
        && Some(kind) != old.get("type")
    {
        return Err(Refusal::invalid(format!("{AT}.type"), "cannot be changed").into());
    }
    let stored = old.map(|old| Value::Object(old.clone()));
    let config = shape::read(world, &CONFIG, &Value::Object(given.clone()), stored.as_ref(), AT)?;
    aws::check(&config["aws"])?;
    azure::check(&config["azure"])?;
    if let Some(stored) = &stored {
        check_fixed(&config, stored)?;
    }
    Ok(config.as_object().cloned().unwrap_or_default())
}

/// What `status.metering` says: without a collection of usage, nothing was collected yet.
pub fn metering(config: &Map<String, Value>) -> &'static str {
    let kind = config.get("type").and_then(Value::as_str).unwrap_or_default();
    let configured = config.get(kind).and_then(|settings| settings.get("metering")).is_some();
    if configured { "PENDING" } else { "NOT_DEFINED" }
}

/// An example for the API description.
pub fn example() -> Value {
    json!({
        "type": "kubernetes",
        "kubernetes": {
            "baseUrl": "https://api.dockyard.example:6443",
            "disableSslValidation": false,
            "replication": {
                "clientConfig": { "accessToken": { "plaintext": "token of a service account" } },
                "namespaceNamePattern": "#{workspaceIdentifier}-#{projectIdentifier}",
            },
        },
    })
}
