//! Google Cloud (`api-platforms.md` §5.4.7).

use super::{PROCESSING, ROLE, TENANT_TAGS};
use crate::shape::{Field, Shape, fields, variants};
use crate::template::Names;

const ACCOUNT: Shape = Shape::Union(variants! {
    credential Some(Shape::Secret), "Key file of the service account, in base64.";
    workloadIdentity Some(Shape::Object(fields! {
        audience Must: Shape::Text, "Workload identity provider.";
        serviceAccountEmail Must: Shape::Text, "Service account.";
    })), "Federation, without any credential.";
});

/// Google Cloud.
pub const CONFIG: &[Field] = fields! {
    replication May: Shape::Object(fields! {
        serviceAccount Must: ACCOUNT, "The service account that makes tenants.";
        domain Must: Shape::Text, "Domain of the organization.";
        customerId Must: Shape::Form("^C", "must begin with C"), "Customer id of the directory.";
        groupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
        projectNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of projects, 4 to 30 characters.";
        projectIdPattern Must: Shape::Pattern(Names::Tenant), "Template of project ids, at most 30 letters, digits and hyphens.";
        billingAccountId Must: Shape::Text, "Billing account of new projects.";
        userLookupStrategy Must: Shape::Choice(&["email", "externalId"]), "How people are found.";
        usedExternalIdType May: Shape::Text, "Type of the external id.";
        gcpRoleMappings Must: Shape::List(fields! {
            projectRoleRef Must: ROLE, "Project role.";
            gcpRole Must: Shape::Text, "Role on the platform.";
        }), "What project roles become.";
        allowHierarchicalFolderAssignment Must: Shape::Flag, "Whether projects may stay in folders below theirs.";
        tenantTags May: Shape::Object(TENANT_TAGS), "Labels on projects.";
        skipUserGroupPermissionCleanup Must: Shape::Flag, "Whether groups and permissions outlive their tenant.";
    }), "How tenants are made.";
    metering May: Shape::Object(fields! {
        serviceAccount Must: ACCOUNT, "The service account that collects usage.";
        bigqueryTable Must: Shape::Text, "Table of the billing export.";
        bigqueryTableForCarbonFootprint May: Shape::Text, "Table of the carbon footprint export.";
        carbonFootprintDataCollectionStartMonth May: Shape::Form("^[0-9]{4}-(0[1-9]|1[0-2])$", "must be a month as YYYY-MM"), "First month of the carbon footprint.";
        partitionTimeColumn Must: Shape::Text, "Column that the table is partitioned by.";
        additionalFilter May: Shape::Text, "A further condition on rows.";
        processing Must: Shape::Object(PROCESSING), "How long collected data is kept.";
    }), "Collection of usage.";
};
