//! AWS (`api-platforms.md` §5.4.4).

use super::{PROCESSING, ROLE, TENANT_TAGS};
use crate::shape::{Field, Shape, fields, variants};
use crate::template::Names;
use serde_json::Value;
use stoa_base::Refusal;

const ACCESS: Shape = Shape::Object(fields! {
    organizationRootAccountRole Must: Shape::Text, "Role of the management account.";
    organizationRootAccountExternalId May: Shape::Text, "External id for that role.";
    auth Must: Shape::Union(variants! {
        credential Some(Shape::Object(fields! {
            accessKey Must: Shape::Text, "Access key of a user.";
            secretKey Must: Shape::Secret, "Secret of that key.";
        })), "A user with an access key.";
        workloadIdentity Some(Shape::Object(fields! {
            roleArn Must: Shape::Text, "Role that trusts the identity provider.";
        })), "Federation, without any credential.";
    }), "How to sign in.";
});

const ROLE_MAPPING: &[Field] = fields! {
    projectRoleRef Must: ROLE, "Project role.";
    awsRole Must: Shape::Text, "What the role is called in group names.";
    permissionSetArns OrNone: Shape::Texts(0), "Permission sets, in this order.";
};

const STORE_ROLE_MAPPING: &[Field] = fields! {
    projectRoleRef Must: ROLE, "Project role.";
    awsRole Must: Shape::Text, "What the role is called in group names.";
    permissionSetArns Must: Shape::Texts(1), "Permission sets, in this order.";
};

/// AWS.
pub const CONFIG: &[Field] = fields! {
    region May: Shape::Text, "Region of the organization's services.";
    replication May: Shape::Object(fields! {
        accessConfig Must: ACCESS, "How to reach the organization.";
        waitForExternalAvm Must: Shape::Flag, "Whether to wait for a vending machine outside.";
        automationAccountRole Must: Shape::Text, "Role of the automation account.";
        automationAccountExternalId May: Shape::Text, "External id for that role.";
        accountAccessRole Must: Shape::Text, "Name of the role in each account that manages it.";
        accountAliasPattern Must: Shape::Pattern(Names::Tenant), "Name template of account aliases.";
        enforceAccountAlias Must: Shape::Flag, "Whether the alias is set again on every run.";
        accountEmailPattern Must: Shape::Pattern(Names::Tenant), "Template of account addresses, at most 64 characters.";
        tenantTags May: Shape::Object(TENANT_TAGS), "Tags on accounts.";
        awsSso May: Shape::Object(fields! {
            scimEndpoint Must: Shape::Text, "SCIM endpoint.";
            arn Must: Shape::Text, "Instance of the identity centre.";
            groupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
            ssoAccessToken Must: Shape::Secret, "Token of the SCIM endpoint.";
            awsRoleMappings OrNone: Shape::List(ROLE_MAPPING), "What project roles become.";
            signInUrl Must: Shape::Text, "Where people sign in.";
        }), "People by SCIM; excludes awsIdentityStore.";
        awsIdentityStore May: Shape::Object(fields! {
            identityStoreId Must: Shape::Text, "Identity store.";
            arn Must: Shape::Text, "Instance of the identity centre.";
            groupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
            awsRoleMappings Must: Shape::List(STORE_ROLE_MAPPING), "What project roles become.";
            signInUrl Must: Shape::Text, "Where people sign in.";
        }), "People by the identity store; excludes awsSso.";
        enrollmentConfiguration May: Shape::Object(fields! {
            managementAccountId Must: Shape::Text, "Management account of Control Tower.";
            accountFactoryProductId Must: Shape::Form("^prod-", "must begin with prod-"), "Product of the account factory.";
        }), "Enrolment with Control Tower.";
        selfDowngradeAccessRole Must: Shape::Flag, "Whether the access role gives up rights after its work.";
        skipUserGroupPermissionCleanup Must: Shape::Flag, "Whether groups and permissions outlive their tenant.";
        allowHierarchicalOrganizationalUnitAssignment Must: Shape::Flag, "Whether accounts may stay in units below theirs.";
    }), "How tenants are made.";
    metering May: Shape::Object(fields! {
        accessConfig Must: ACCESS, "How to reach the organization for collection.";
        filter Must: Shape::Choice(&["NONE", "EXCLUDE_TAX"]), "What is left out.";
        reservedInstanceFairChargeback Must: Shape::Flag, "Whether reserved instances are shared fairly.";
        savingsPlanFairChargeback Must: Shape::Flag, "Whether savings plans are shared fairly.";
        processing Must: Shape::Object(PROCESSING), "How long collected data is kept.";
    }), "Collection of usage.";
};

/// People come from one place.
pub fn check(aws: &Value) -> Result<(), Refusal> {
    let replication = &aws["replication"];
    if replication["awsSso"].is_object() && replication["awsIdentityStore"].is_object() {
        let field = "spec.config.aws.replication.awsIdentityStore";
        return Err(Refusal::invalid(field, "must not be set beside awsSso: people come from one place"));
    }
    Ok(())
}
