//! Azure subscriptions and resource groups (`api-platforms.md` §5.4.5 and §5.4.6).

use super::{PROCESSING, ROLE, TENANT_TAGS};
use crate::shape::{Field, Shape, fields, variants};
use crate::template::Names;
use serde_json::Value;
use stoa_base::Refusal;

/// How an application signs in.
pub const AUTH: Shape = Shape::Union(variants! {
    credential Some(Shape::Secret), "Client secret of the application.";
    workloadIdentity None, "Federation, without any credential.";
});

/// How people are found; the last two are what older texts call the first two.
pub const USER_LOOK_UP: Shape = Shape::Choice(&[
    "UserByMailLookupStrategy",
    "UserByUsernameLookupStrategy",
    "email",
    "userPrincipalName",
]);

const PRINCIPAL: Shape = Shape::Object(fields! {
    clientId Must: Shape::Text, "Client id of the application.";
    objectId Must: Shape::Text, "Object id of the enterprise application.";
    auth Must: AUTH, "How the application signs in.";
});

const INVITATION: Shape = Shape::Object(fields! {
    redirectUrl Must: Shape::Text, "Where invited people land.";
    sendAzureInvitationMail Must: Shape::Flag, "Whether invited people get a mail.";
});

const PROVISIONING: &[Field] = fields! {
    subscriptionOwnerObjectIds OrNone: Shape::Texts(0), "Principals that own new subscriptions.";
    enterpriseEnrollment May: Shape::Object(fields! {
        enrollmentAccountId Must: Shape::Text, "Enrolment account.";
        subscriptionOfferType Must: Shape::Text, "Production or DevTest; others with the legacy enrolment only.";
        useLegacySubscriptionEnrollment OrFalse: Shape::Flag, "Whether the legacy enrolment is used.";
        subscriptionCreationErrorCooldownSec Or(900): Shape::Whole, "Seconds to wait after a failure.";
    }), "New subscriptions under an enterprise agreement.";
    customerAgreement May: Shape::Object(fields! {
        sourceServicePrincipal Must: Shape::Object(fields! {
            clientId Must: Shape::Text, "Client id of the application.";
            auth Must: AUTH, "How the application signs in.";
        }), "The application that creates subscriptions.";
        destinationEntraId Must: Shape::Text, "Entra tenant that subscriptions are moved to, its UUID.";
        sourceEntraTenant Must: Shape::Text, "Entra tenant of the billing scope.";
        billingScope Must: Shape::Text, "Billing scope.";
        subscriptionCreationErrorCooldownSec Or(900): Shape::Whole, "Seconds to wait after a failure.";
    }), "New subscriptions under a customer agreement; goes before the others.";
    preProvisioned May: Shape::Object(fields! {
        unusedSubscriptionNamePrefix Must: Shape::Text, "What names of unused subscriptions begin with.";
    }), "Subscriptions that somebody made before; the others go before it.";
};

/// Azure subscriptions.
pub const CONFIG: &[Field] = fields! {
    entraTenant Must: Shape::Text, "Entra tenant.";
    replication May: Shape::Object(fields! {
        servicePrincipal Must: PRINCIPAL, "The application that makes tenants.";
        updateSubscriptionName Must: Shape::Flag, "Whether names follow their template.";
        provisioning May: Shape::Object(PROVISIONING), "Where subscriptions come from.";
        b2bUserInvitation May: INVITATION, "Invitation of people from outside.";
        subscriptionNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of subscriptions.";
        groupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
        azureRoleMappings OrNone: Shape::List(fields! {
            projectRoleRef Must: ROLE, "Project role.";
            azureRole Must: Shape::Object(fields! {
                alias Must: Shape::Text, "What the role is called in group names.";
                id Must: Shape::Text, "Role definition.";
            }), "Role on the platform.";
        }), "What project roles become.";
        tenantTags May: Shape::Object(TENANT_TAGS), "Tags on subscriptions.";
        userLookUpStrategy Must: USER_LOOK_UP, "How people are found.";
        skipUserGroupPermissionCleanup Must: Shape::Flag, "Whether groups and permissions outlive their tenant.";
        administrativeUnitId May: Shape::Text, "Administrative unit that groups are put in.";
        allowHierarchicalManagementGroupAssignment Must: Shape::Flag, "Whether subscriptions may stay in groups below theirs.";
    }), "How tenants are made.";
    metering May: Shape::Object(fields! {
        servicePrincipal Must: PRINCIPAL, "The application that collects usage.";
        processing Must: Shape::Object(PROCESSING), "How long collected data is kept.";
    }), "Collection of usage.";
};

/// Resource groups.
pub const RESOURCE_GROUPS: &[Field] = fields! {
    entraTenant Must: Shape::Text, "Entra tenant.";
    replication May: Shape::Object(fields! {
        servicePrincipal Must: PRINCIPAL, "The application that makes tenants.";
        subscription Must: Shape::Text, "Subscription of the resource groups; cannot be changed.";
        resourceGroupNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of resource groups.";
        userGroupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
        b2bUserInvitation May: INVITATION, "Invitation of people from outside.";
        userLookUpStrategy Must: USER_LOOK_UP, "How people are found.";
        tenantTags May: Shape::Object(TENANT_TAGS), "Tags on resource groups.";
        skipUserGroupPermissionCleanup Must: Shape::Flag, "Whether groups and permissions outlive their tenant.";
        administrativeUnitId May: Shape::Text, "Administrative unit that groups are put in.";
    }), "How tenants are made.";
};

/// Subscriptions come from somewhere, and only the legacy enrolment knows offers besides two.
pub fn check(azure: &Value) -> Result<(), Refusal> {
    let provisioning = &azure["replication"]["provisioning"];
    if provisioning.is_null() {
        return Ok(());
    }
    let field = "spec.config.azure.replication.provisioning";
    let sources = ["enterpriseEnrollment", "customerAgreement", "preProvisioned"];
    if sources.iter().all(|source| provisioning[*source].is_null()) {
        return Err(Refusal::invalid(field, format!("must set one of {}", sources.join(", "))));
    }
    let enrollment = &provisioning["enterpriseEnrollment"];
    let offer = enrollment["subscriptionOfferType"].as_str().unwrap_or("Production");
    if !["Production", "DevTest"].contains(&offer) && enrollment["useLegacySubscriptionEnrollment"] != true {
        let field = format!("{field}.enterpriseEnrollment.subscriptionOfferType");
        let problem = "must be Production or DevTest unless useLegacySubscriptionEnrollment is true";
        return Err(Refusal::invalid(field, problem));
    }
    Ok(())
}
