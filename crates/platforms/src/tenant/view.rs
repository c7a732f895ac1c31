//! What answers show of a tenant, in all three versions (`api-platforms.md` §7.1, §7.7, §7.8).

use super::wire::{PREVIEW, V3};
use crate::{landing_zone, platform};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use stoa_base::{Moment, ObjectId};
use stoa_core::objects::Object;
use stoa_core::waiting::Waiting;
use stoa_tenancy::tenant::{Phase, Status, Tenant};

/// `metadata`, `spec` and `status` of a tenant in one version.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum View<'a> {
    /// v3.
    Old(Old<'a>),
    /// v4-preview.
    Preview(Preview<'a>),
    /// v4.
    Current(Current<'a>),
}

impl<'a> View<'a> {
    /// A tenant in a version, with its effective tags.
    pub fn of(
        object: &'a Object,
        (tenant, status): (&'a Tenant, &'a Status),
        tags: &'a Value,
        version: &str,
    ) -> Self {
        match version {
            V3 => Self::Old(Old::of(object, (tenant, status), tags)),
            PREVIEW => Self::Preview(Preview::of(object, (tenant, status), tags)),
            _ => Self::Current(Current::of(object, (tenant, status), tags)),
        }
    }
}

/// A moment in an object of its own.
#[derive(Clone, Copy, Debug, Serialize)]
struct At {
    timestamp: Moment,
}

/// One quota in a list.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    key: &'a str,
    value: i64,
}

/// One quota in a map.
#[derive(Debug, Serialize)]
struct Mapped {
    value: i64,
}

fn listed(quotas: &BTreeMap<String, i64>) -> Vec<Listed<'_>> {
    quotas.iter().map(|(key, value)| Listed { key, value: *value }).collect()
}

fn mapped(quotas: &BTreeMap<String, i64>) -> BTreeMap<&str, Mapped> {
    quotas.iter().map(|(key, value)| (key.as_str(), Mapped { value: *value })).collect()
}

/// A tenant as v3 shows it.
#[derive(Debug, Serialize)]
pub struct Old<'a> {
    metadata: OldMetadata<'a>,
    spec: OldSpec<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OldMetadata<'a> {
    owned_by_workspace: &'a str,
    owned_by_project: &'a str,
    platform_identifier: &'a str,
    tenant_identifier: &'a str,
    assigned_tags: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_on: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_info: Option<At>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OldSpec<'a> {
    quotas: Vec<Listed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    landing_zone_identifier: Option<&'a str>,
}

impl<'a> Old<'a> {
    fn of(object: &'a Object, (tenant, status): (&'a Tenant, &'a Status), tags: &'a Value) -> Self {
        let marked = status.marked.as_ref().map(|marked| marked.at);
        Self {
            metadata: OldMetadata {
                owned_by_workspace: object.owner(),
                owned_by_project: &tenant.project,
                platform_identifier: &tenant.platform_identifier,
                tenant_identifier: &object.key,
                assigned_tags: tags,
                deleted_on: marked,
                deletion_info: marked.map(|timestamp| At { timestamp }),
            },
            spec: OldSpec {
                quotas: listed(&status.applied_quotas),
                local_id: status.platform_tenant_id.as_deref(),
                landing_zone_identifier: tenant.landing_zone.as_deref(),
            },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    uuid: ObjectId,
    owned_by_workspace: &'a str,
    owned_by_project: &'a str,
    created_on: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    marked_for_deletion_on: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_on: Option<Moment>,
}

/// A tenant as v4-preview shows it.
#[derive(Debug, Serialize)]
pub struct Preview<'a> {
    metadata: Metadata<'a>,
    spec: PreviewSpec<'a>,
    status: PreviewStatus<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviewSpec<'a> {
    platform_identifier: &'a str,
    landing_zone_identifier: Option<&'a str>,
    platform_tenant_id: Option<&'a str>,
    quotas: Vec<Listed<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviewStatus<'a> {
    tenant_name: &'a str,
    platform_type_identifier: &'a str,
    platform_workspace_identifier: Option<&'a str>,
    tags: &'a Value,
}

impl<'a> Preview<'a> {
    fn of(object: &'a Object, (tenant, status): (&'a Tenant, &'a Status), tags: &'a Value) -> Self {
        Self {
            metadata: Metadata {
                uuid: object.id,
                owned_by_workspace: object.owner(),
                owned_by_project: &tenant.project,
                created_on: object.created_at,
                marked_for_deletion_on: status.marked.as_ref().map(|marked| marked.at),
                deleted_on: object.deleted_at,
            },
            spec: PreviewSpec {
                platform_identifier: &tenant.platform_identifier,
                landing_zone_identifier: tenant.landing_zone.as_deref(),
                platform_tenant_id: status.platform_tenant_id.as_deref(),
                quotas: listed(&status.applied_quotas),
            },
            status: PreviewStatus {
                tenant_name: &object.key,
                platform_type_identifier: &tenant.platform_type,
                platform_workspace_identifier: None,
                tags,
            },
        }
    }
}

/// A tenant as v4 shows it.
#[derive(Debug, Serialize)]
pub struct Current<'a> {
    metadata: Metadata<'a>,
    spec: Spec<'a>,
    status: ShownStatus<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    platform_ref: PlatformRef,
    landing_zone_ref: Option<ZoneRef<'a>>,
    platform_tenant_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct PlatformRef {
    kind: &'static str,
    uuid: ObjectId,
}

#[derive(Debug, Serialize)]
struct ZoneRef<'a> {
    kind: &'static str,
    name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownStatus<'a> {
    tenant_name: &'a str,
    platform_type_identifier: &'a str,
    platform_workspace_id: Option<&'a str>,
    tags: &'a Value,
    applied_quotas: BTreeMap<&'a str, Mapped>,
    lifecycle: Lifecycle,
    phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a Waiting>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    state: &'static str,
    marked_for_deletion: Option<At>,
}

impl<'a> Current<'a> {
    fn of(object: &'a Object, (tenant, status): (&'a Tenant, &'a Status), tags: &'a Value) -> Self {
        let marked = status.marked.as_ref().map(|marked| At { timestamp: marked.at });
        Self {
            metadata: Metadata {
                uuid: object.id,
                owned_by_workspace: object.owner(),
                owned_by_project: &tenant.project,
                created_on: object.created_at,
                // This version says so in `status.lifecycle`.
                marked_for_deletion_on: None,
                deleted_on: None,
            },
            spec: Spec {
                platform_ref: PlatformRef { kind: platform::KIND, uuid: tenant.platform },
                landing_zone_ref: tenant
                    .landing_zone
                    .as_deref()
                    .map(|name| ZoneRef { kind: landing_zone::KIND, name }),
                platform_tenant_id: status.platform_tenant_id.as_deref(),
            },
            status: ShownStatus {
                tenant_name: &object.key,
                platform_type_identifier: &tenant.platform_type,
                platform_workspace_id: None,
                tags,
                applied_quotas: mapped(&status.applied_quotas),
                lifecycle: Lifecycle { state: status.phase.lifecycle(), marked_for_deletion: marked },
                phase: status.phase,
                sign_in_url: status.sign_in.as_ref().map(|(_, url)| url.as_str()),
                waiting: status.waiting.as_ref(),
            },
        }
    }
}
