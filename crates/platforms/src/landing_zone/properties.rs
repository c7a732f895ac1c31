//! `spec.platformProperties` of a landing zone: what it decides on the platform, by type (`api-platforms.md` §6.2).

use crate::shape::{self, Field, Shape, fields, variants};
use serde_json::{Map, Value, json};
use stoa_base::Refusal;
use stoa_core::{Outcome, World};

/// Where it stands in a request.
pub const AT: &str = "spec.platformProperties";

const ROLE: Shape = Shape::Named("meshProjectRole");

/// The eight types.
pub const PROPERTIES: Shape = Shape::Union(variants! {
    aws Some(Shape::Object(AWS)), "On AWS.";
    azure Some(Shape::Object(AZURE)), "On Azure.";
    azurerg Some(Shape::Object(AZURE_RG)), "On Azure resource groups.";
    gcp Some(Shape::Object(GCP)), "On Google Cloud.";
    kubernetes Some(Shape::Object(KUBERNETES)), "On Kubernetes.";
    aks Some(Shape::Object(KUBERNETES)), "On Azure Kubernetes Service.";
    openshift Some(Shape::Object(&[])), "On OpenShift: nothing to say.";
    custom Some(Shape::Object(&[])), "On custom platforms: nothing to say.";
});

const AWS: &[Field] = fields! {
    awsTargetOrgUnitId Must: Shape::Text, "Unit that accounts are put in, ou-… or r-… for the root; empty makes one per workspace.";
    awsEnrollAccount Must: Shape::Flag, "Whether accounts are enrolled with Control Tower.";
    awsLambdaArn May: Shape::Text, "Function to call after each run.";
    awsRoleMappings Must: Shape::List(fields! {
        projectRoleRef Must: ROLE, "Project role.";
        platformRole Must: Shape::Text, "Role on the platform.";
        policies Must: Shape::Texts(0), "Policies of that role.";
    }), "What project roles become; empty falls back to the platform's.";
};

const AZURE: &[Field] = fields! {
    azureManagementGroupId Must: Shape::Text, "Id of the management group that subscriptions are put in.";
    azureRoleMappings OrNone: Shape::List(fields! {
        projectRoleRef Must: ROLE, "Project role.";
        azureGroupSuffix Must: Shape::Text, "What the role is called in group names.";
        azureRoleDefinitions Must: Shape::List(fields! {
            azureRoleDefinitionId Must: Shape::Text, "Role definition.";
            abacCondition May: Shape::Text, "Condition of the assignment.";
        }), "Roles on the platform.";
    }), "What project roles become; empty falls back to the platform's.";
    azureFunction May: Shape::Object(fields! {
        azureFunctionUrl Must: Shape::Text, "Function to call after each run.";
        azureFunctionScope May: Shape::Text, "Scope of the token that it is called with.";
    }), "A hook.";
};

const AZURE_RG: &[Field] = fields! {
    azureRgLocation Must: Shape::Form("^[^A-Z ]+$", "must be lower-case and without blanks"), "Region of resource groups.";
    azureRgRoleMappings Must: Shape::List(fields! {
        projectRoleRef Must: ROLE, "Project role.";
        azureGroupSuffix Must: Shape::Text, "What the role is called in group names.";
        azureRoleDefinitionIds Must: Shape::Texts(0), "Roles on the platform.";
    }), "What project roles become; empty falls back to the platform's.";
    azureFunction May: Shape::Object(fields! {
        azureFunctionUrl Must: Shape::Text, "Function to call after each run.";
        azureFunctionScope Must: Shape::Text, "Scope of the token that it is called with.";
    }), "A hook.";
};

const GCP: &[Field] = fields! {
    gcpFolderId May: Shape::Text, "Folder that projects are put in.";
    gcpCloudFunctionUrl May: Shape::Text, "Function to call after each run.";
    gcpRoleMappings Must: Shape::List(fields! {
        projectRoleRef Must: ROLE, "Project role.";
        platformRoles OrNone: Shape::Texts(0), "Roles on the platform.";
    }), "What project roles become; empty falls back to the platform's.";
    gcpTemplateUrl May: Shape::Text, "Legacy.";
};

const KUBERNETES: &[Field] = fields! {
    kubernetesRoleMappings Must: Shape::List(fields! {
        projectRoleRef Must: ROLE, "Project role.";
        platformRoles Must: Shape::Texts(0), "Cluster roles.";
    }), "What project roles become.";
};

/// The properties of a request as they are to be stored; their type must be that of the platform.
pub fn read(world: &World, given: &Map<String, Value>, config_type: &str) -> Outcome<Map<String, Value>> {
    let whole = shape::read(world, &PROPERTIES, &Value::Object(given.clone()), None, AT)?;
    if whole["type"] != config_type {
        let problem = format!("must be {config_type}, the type of the platform");
        return Err(Refusal::invalid(format!("{AT}.type"), problem).into());
    }
    Ok(whole.as_object().cloned().unwrap_or_default())
}

/// An example for the API description.
pub fn example() -> Value {
    json!({
        "type": "kubernetes",
        "kubernetes": { "kubernetesRoleMappings": [
            { "projectRoleRef": { "kind": "meshProjectRole", "name": "admin" }, "platformRoles": ["admin"] },
        ] },
    })
}
