//! Kubernetes, OpenShift and Azure Kubernetes Service (`api-platforms.md` §5.4.1 to §5.4.3).

use super::{PROCESSING, ROLE, TENANT_TAGS, azure};
use crate::shape::{Field, Shape, fields};
use crate::template::Names;

const CLIENT: Shape = Shape::Object(fields! {
    accessToken Must: Shape::Secret, "Bearer token of a service account.";
});

const METERING: Shape = Shape::Object(fields! {
    clientConfig Must: CLIENT, "How to reach the API server for collection.";
    processing Must: Shape::Object(PROCESSING), "How long collected data is kept.";
});

/// Kubernetes.
pub const CONFIG: &[Field] = fields! {
    baseUrl Must: Shape::Text, "URL of the API server, with port.";
    disableSslValidation OrFalse: Shape::Flag, "Whether the certificate of the API server is not checked.";
    replication May: Shape::Object(fields! {
        clientConfig Must: CLIENT, "How to reach the API server.";
        namespaceNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of namespaces; a DNS label of at most 63 characters.";
    }), "How tenants are made.";
    metering May: METERING, "Collection of usage.";
};

/// OpenShift.
pub const OPENSHIFT: &[Field] = fields! {
    baseUrl Must: Shape::Text, "URL of the API server, with port.";
    disableSslValidation OrFalse: Shape::Flag, "Whether the certificate of the API server is not checked.";
    replication May: Shape::Object(fields! {
        clientConfig Must: CLIENT, "How to reach the API server.";
        webConsoleUrl May: Shape::Text, "Where people are sent to sign in.";
        projectNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of projects; a DNS label of at most 63 characters.";
        identityProviderName Must: Shape::Text, "Name of the identity provider of the cluster.";
        openshiftRoleMappings OrNone: Shape::List(fields! {
            projectRoleRef Must: ROLE, "Project role.";
            openshiftRole Must: Shape::Text, "Role of the cluster.";
        }), "What project roles become.";
        tenantTags May: Shape::Object(TENANT_TAGS), "Labels on tenants.";
    }), "How tenants are made.";
    metering May: METERING, "Collection of usage.";
};

/// Azure Kubernetes Service.
pub const AKS: &[Field] = fields! {
    baseUrl Must: Shape::Text, "URL of the API server, with port.";
    disableSslValidation OrFalse: Shape::Flag, "Whether the certificate of the API server is not checked.";
    replication May: Shape::Object(fields! {
        accessToken Must: Shape::Secret, "Bearer token of a service account.";
        namespaceNamePattern Must: Shape::Pattern(Names::Tenant), "Name template of namespaces; a DNS label of at most 63 characters.";
        groupNamePattern Must: Shape::Pattern(Names::Group), "Name template of groups.";
        servicePrincipal Must: Shape::Object(fields! {
            entraTenant Must: Shape::Text, "Entra tenant.";
            objectId Must: Shape::Text, "Object id of the enterprise application.";
            clientId Must: Shape::Text, "Client id of the application.";
            auth Must: azure::AUTH, "How the application signs in.";
        }), "The application that manages groups.";
        aksSubscriptionId Must: Shape::Text, "Subscription of the cluster.";
        aksClusterName Must: Shape::Text, "Name of the cluster.";
        aksResourceGroup Must: Shape::Text, "Resource group of the cluster.";
        redirectUrl May: Shape::Text, "Where invited people land.";
        sendAzureInvitationMail Must: Shape::Flag, "Whether invited people get a mail.";
        userLookUpStrategy Must: azure::USER_LOOK_UP, "How people are found.";
        administrativeUnitId May: Shape::Text, "Administrative unit that groups are put in.";
    }), "How tenants are made.";
    metering May: METERING, "Collection of usage.";
};
