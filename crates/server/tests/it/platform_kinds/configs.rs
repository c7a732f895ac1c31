//! `spec.config` of all eight types, field by field (`api-platforms.md` §2, §5.4, §10).

use super::{at, changes, custom, platform};
use crate::core_kinds::names;
use crate::on_both;
use crate::stoa::Stoa;
use serde_json::{Value, json};

const KIND: &str = "meshPlatform";

/// One way to fill in a configuration: every member that can stand beside the others is there, every switch is on.
struct Example {
    name: &'static str,
    config: Value,
    /// Members that may be missing, and what stands for them then; null when nothing does.
    optional: Vec<(&'static str, Value)>,
}

fn secret(text: &str) -> Value {
    json!({ "plaintext": text })
}

fn role(name: &str) -> Value {
    json!({ "kind": "meshProjectRole", "name": name })
}

fn tags() -> Value {
    json!({ "namespacePrefix": "stoa_", "tagMappers": [{ "key": "ws", "valuePattern": "x-${workspaceIdentifier}" }] })
}

fn processing() -> Value {
    json!({ "compactTimelinesAfterDays": 7, "deleteRawDataAfterDays": 8 })
}

const NAME: &str = "#{workspaceIdentifier}-#{projectIdentifier:%.5s}-#{tenantPlatformNumber:%04d}";
const GROUP: &str = "#{workspaceIdentifier}.#{projectIdentifier}-#{platformGroupAlias}";

fn azure_credential() -> Value {
    json!({ "type": "credential", "credential": secret("azure") })
}

fn azure_federation() -> Value {
    json!({ "type": "workloadIdentity" })
}

fn cluster(name: &'static str, replication: Value, optional: Vec<(&'static str, Value)>) -> Example {
    let config = json!({ "type": name, name: {
        "baseUrl": "https://api.dockyard.example:6443",
        "disableSslValidation": true,
        "replication": replication,
        "metering": { "clientConfig": { "accessToken": secret("meter") }, "processing": processing() },
    } });
    Example { name, config, optional }
}

/// What may be missing of every cluster; the paths differ in the first part.
macro_rules! of_clusters {
    ($name:literal) => {
        vec![
            (concat!("/", $name, "/disableSslValidation"), json!(false)),
            (concat!("/", $name, "/replication"), Value::Null),
            (concat!("/", $name, "/metering"), Value::Null),
            (concat!("/", $name, "/metering/processing/compactTimelinesAfterDays"), json!(30)),
            (concat!("/", $name, "/metering/processing/deleteRawDataAfterDays"), json!(65)),
        ]
    };
}

fn aws(people: (&'static str, Value), auth: Value) -> Value {
    let access = json!({
        "organizationRootAccountRole": "arn:aws:iam::123456789012:role/Root",
        "organizationRootAccountExternalId": "ext",
        "auth": auth,
    });
    json!({ "type": "aws", "aws": {
        "region": "eu-central-1",
        "replication": {
            "accessConfig": access,
            "waitForExternalAvm": true,
            "automationAccountRole": "arn:aws:iam::123456789012:role/Automation",
            "automationAccountExternalId": "ext2",
            "accountAccessRole": "AccountAccess",
            "accountAliasPattern": NAME,
            "enforceAccountAlias": true,
            "accountEmailPattern": "aws+#{workspaceIdentifier}@acme.test",
            "tenantTags": tags(),
            people.0: people.1,
            "enrollmentConfiguration": { "managementAccountId": "1", "accountFactoryProductId": "prod-abc" },
            "selfDowngradeAccessRole": true,
            "skipUserGroupPermissionCleanup": true,
            "allowHierarchicalOrganizationalUnitAssignment": true,
        },
        "metering": {
            "accessConfig": access,
            "filter": "EXCLUDE_TAX",
            "reservedInstanceFairChargeback": true,
            "savingsPlanFairChargeback": true,
            "processing": processing(),
        },
    } })
}

fn aws_people(more: Value) -> Value {
    let mut people = json!({
        "arn": "arn:aws:sso:::instance/x",
        "groupNamePattern": GROUP,
        "signInUrl": "https://d-1.awsapps.test/start",
        "awsRoleMappings": [
            { "projectRoleRef": role("admin"), "awsRole": "admin", "permissionSetArns": ["arn:b", "arn:a"] },
        ],
    });
    crate::stoa::merge(&mut people, &more);
    people
}

fn azure(auth: Value) -> Value {
    let principal = json!({ "clientId": "c", "objectId": "o", "auth": auth });
    json!({ "type": "azure", "azure": {
        "entraTenant": "acme.onmicrosoft.test",
        "replication": {
            "servicePrincipal": principal,
            "updateSubscriptionName": true,
            "provisioning": {
                "subscriptionOwnerObjectIds": ["o1", "o2"],
                "enterpriseEnrollment": {
                    "enrollmentAccountId": "e", "subscriptionOfferType": "MS-AZR-0017P",
                    "useLegacySubscriptionEnrollment": true, "subscriptionCreationErrorCooldownSec": 60,
                },
                "customerAgreement": {
                    "sourceServicePrincipal": { "clientId": "c", "auth": auth },
                    "destinationEntraId": "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11", "sourceEntraTenant": "t",
                    "billingScope": "/providers/x", "subscriptionCreationErrorCooldownSec": 61,
                },
                "preProvisioned": { "unusedSubscriptionNamePrefix": "unused-" },
            },
            "b2bUserInvitation": { "redirectUrl": "https://portal.acme.test", "sendAzureInvitationMail": true },
            "subscriptionNamePattern": NAME,
            "groupNamePattern": GROUP,
            "azureRoleMappings": [
                { "projectRoleRef": role("admin"), "azureRole": { "alias": "admin", "id": "r" } },
            ],
            "tenantTags": tags(),
            "userLookUpStrategy": "UserByMailLookupStrategy",
            "skipUserGroupPermissionCleanup": true,
            "administrativeUnitId": "unit",
            "allowHierarchicalManagementGroupAssignment": true,
        },
        "metering": { "servicePrincipal": principal, "processing": processing() },
    } })
}

fn gcp(account: Value) -> Value {
    json!({ "type": "gcp", "gcp": {
        "replication": {
            "serviceAccount": account,
            "domain": "acme.test",
            "customerId": "C01234567",
            "groupNamePattern": GROUP,
            "projectNamePattern": NAME,
            "projectIdPattern": "#{projectIdentifier}-#{rand:%.6s}",
            "billingAccountId": "012345-6789AB-CDEF01",
            "userLookupStrategy": "externalId",
            "usedExternalIdType": "employee",
            "gcpRoleMappings": [{ "projectRoleRef": role("nobody-has-it"), "gcpRole": "roles/editor" }],
            "allowHierarchicalFolderAssignment": true,
            "tenantTags": tags(),
            "skipUserGroupPermissionCleanup": true,
        },
        "metering": {
            "serviceAccount": account,
            "bigqueryTable": "t",
            "bigqueryTableForCarbonFootprint": "c",
            "carbonFootprintDataCollectionStartMonth": "2026-01",
            "partitionTimeColumn": "p",
            "additionalFilter": "f",
            "processing": processing(),
        },
    } })
}

fn examples() -> Vec<Example> {
    let mut all = Vec::new();
    let client = json!({ "accessToken": secret("replicate") });
    let namespaces = json!({ "clientConfig": client, "namespaceNamePattern": NAME });
    all.push(cluster("kubernetes", namespaces, of_clusters!("kubernetes")));

    let mut optional = of_clusters!("openshift");
    optional.extend([
        ("/openshift/replication/webConsoleUrl", Value::Null),
        ("/openshift/replication/openshiftRoleMappings", json!([])),
        ("/openshift/replication/tenantTags", Value::Null),
        ("/openshift/replication/tenantTags/tagMappers", json!([])),
    ]);
    let projects = json!({
        "clientConfig": client, "webConsoleUrl": "https://web.acme.test", "projectNamePattern": NAME,
        "identityProviderName": "idp", "tenantTags": tags(),
        "openshiftRoleMappings": [{ "projectRoleRef": role("user"), "openshiftRole": "edit" }],
    });
    all.push(cluster("openshift", projects, optional));

    let mut optional = of_clusters!("aks");
    optional.extend([
        ("/aks/replication/redirectUrl", Value::Null),
        ("/aks/replication/administrativeUnitId", Value::Null),
    ]);
    let namespaces = json!({
        "accessToken": secret("replicate"), "namespaceNamePattern": NAME, "groupNamePattern": GROUP,
        "servicePrincipal": {
            "entraTenant": "t", "objectId": "o", "clientId": "c", "auth": azure_credential(),
        },
        "aksSubscriptionId": "s", "aksClusterName": "n", "aksResourceGroup": "g",
        "redirectUrl": "https://portal.acme.test", "sendAzureInvitationMail": true,
        "userLookUpStrategy": "userPrincipalName", "administrativeUnitId": "unit",
    });
    all.push(cluster("aks", namespaces, optional));

    let optional = |more: Vec<(&'static str, Value)>| {
        let mut all = vec![
            ("/aws/region", Value::Null),
            ("/aws/replication", Value::Null),
            ("/aws/replication/accessConfig/organizationRootAccountExternalId", Value::Null),
            ("/aws/replication/automationAccountExternalId", Value::Null),
            ("/aws/replication/tenantTags", Value::Null),
            ("/aws/replication/tenantTags/tagMappers", json!([])),
            ("/aws/replication/enrollmentConfiguration", Value::Null),
            ("/aws/metering", Value::Null),
            ("/aws/metering/accessConfig/organizationRootAccountExternalId", Value::Null),
            ("/aws/metering/processing/compactTimelinesAfterDays", json!(30)),
            ("/aws/metering/processing/deleteRawDataAfterDays", json!(65)),
        ];
        all.extend(more);
        all
    };
    let key =
        json!({ "type": "credential", "credential": { "accessKey": "AKIA", "secretKey": secret("aws") } });
    let sso =
        aws_people(json!({ "scimEndpoint": "https://scim.acme.test", "ssoAccessToken": secret("scim") }));
    all.push(Example {
        name: "aws with a key and SCIM",
        config: aws(("awsSso", sso), key),
        optional: optional(vec![
            ("/aws/replication/awsSso", Value::Null),
            ("/aws/replication/awsSso/awsRoleMappings", json!([])),
            ("/aws/replication/awsSso/awsRoleMappings/0/permissionSetArns", json!([])),
        ]),
    });
    let store = aws_people(json!({ "identityStoreId": "d-1" }));
    let federation =
        json!({ "type": "workloadIdentity", "workloadIdentity": { "roleArn": "arn:aws:iam::1:role/R" } });
    all.push(Example {
        name: "aws with federation and an identity store",
        config: aws(("awsIdentityStore", store), federation),
        optional: optional(vec![("/aws/replication/awsIdentityStore", Value::Null)]),
    });

    for (name, auth) in
        [("azure with a credential", azure_credential()), ("azure with federation", azure_federation())]
    {
        all.push(Example { name, config: azure(auth), optional: vec![
            ("/azure/replication", Value::Null),
            ("/azure/replication/provisioning", Value::Null),
            ("/azure/replication/provisioning/subscriptionOwnerObjectIds", json!([])),
            ("/azure/replication/provisioning/enterpriseEnrollment", Value::Null),
            ("/azure/replication/provisioning/enterpriseEnrollment/subscriptionCreationErrorCooldownSec", json!(900)),
            ("/azure/replication/provisioning/customerAgreement", Value::Null),
            ("/azure/replication/provisioning/customerAgreement/subscriptionCreationErrorCooldownSec", json!(900)),
            ("/azure/replication/provisioning/preProvisioned", Value::Null),
            ("/azure/replication/b2bUserInvitation", Value::Null),
            ("/azure/replication/azureRoleMappings", json!([])),
            ("/azure/replication/tenantTags", Value::Null),
            ("/azure/replication/tenantTags/tagMappers", json!([])),
            ("/azure/replication/administrativeUnitId", Value::Null),
            ("/azure/metering", Value::Null),
            ("/azure/metering/processing/compactTimelinesAfterDays", json!(30)),
            ("/azure/metering/processing/deleteRawDataAfterDays", json!(65)),
        ] });
    }

    all.push(Example {
        name: "azurerg",
        config: json!({ "type": "azurerg", "azurerg": {
            "entraTenant": "acme.onmicrosoft.test",
            "replication": {
                "servicePrincipal": { "clientId": "c", "objectId": "o", "auth": azure_credential() },
                "subscription": "6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11",
                "resourceGroupNamePattern": NAME,
                "userGroupNamePattern": GROUP,
                "b2bUserInvitation": { "redirectUrl": "https://portal.acme.test", "sendAzureInvitationMail": true },
                "userLookUpStrategy": "UserByUsernameLookupStrategy",
                "tenantTags": tags(),
                "skipUserGroupPermissionCleanup": true,
                "administrativeUnitId": "unit",
            },
        } }),
        optional: vec![
            ("/azurerg/replication", Value::Null),
            ("/azurerg/replication/b2bUserInvitation", Value::Null),
            ("/azurerg/replication/tenantTags", Value::Null),
            ("/azurerg/replication/tenantTags/tagMappers", json!([])),
            ("/azurerg/replication/administrativeUnitId", Value::Null),
        ],
    });

    let file = json!({ "type": "credential", "credential": secret("a2V5") });
    let federation = json!({ "type": "workloadIdentity", "workloadIdentity": {
        "audience": "//iam.acme.test/x", "serviceAccountEmail": "sa@acme.test",
    } });
    for (name, account) in [("gcp with a key file", file), ("gcp with federation", federation)] {
        all.push(Example {
            name,
            config: gcp(account),
            optional: vec![
                ("/gcp/replication", Value::Null),
                ("/gcp/replication/usedExternalIdType", Value::Null),
                ("/gcp/replication/tenantTags", Value::Null),
                ("/gcp/replication/tenantTags/tagMappers", json!([])),
                ("/gcp/metering", Value::Null),
                ("/gcp/metering/bigqueryTableForCarbonFootprint", Value::Null),
                ("/gcp/metering/carbonFootprintDataCollectionStartMonth", Value::Null),
                ("/gcp/metering/additionalFilter", Value::Null),
                ("/gcp/metering/processing/compactTimelinesAfterDays", json!(30)),
                ("/gcp/metering/processing/deleteRawDataAfterDays", json!(65)),
            ],
        });
    }

    let mut config = custom();
    config["custom"]["metering"] = json!({ "processing": processing() });
    all.push(Example {
        name: "custom",
        config,
        optional: vec![
            ("/custom/metering", Value::Null),
            (
                "/custom/metering/processing",
                json!({ "compactTimelinesAfterDays": 30, "deleteRawDataAfterDays": 65 }),
            ),
            ("/custom/metering/processing/compactTimelinesAfterDays", json!(30)),
            ("/custom/metering/processing/deleteRawDataAfterDays", json!(65)),
        ],
    });
    all
}

/// Every member of a value, at any depth, as a pointer.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            found.extend(object.keys().map(|name| format!("{at}/{name}")));
            object.iter().map(|(name, member)| (format!("{at}/{name}"), member)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(place, item)| (format!("{at}/{place}"), item)).collect()
        }
        _ => Vec::new(),
    };
    for (at, member) in inner {
        members(member, &at, found);
    }
}

fn all_members(config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    members(config, "", &mut found);
    found
}

/// The name that refusals have for a pointer within the configuration.
fn field(pointer: &str) -> String {
    pointer.split('/').skip(1).fold("spec.config".to_owned(), |path, part| {
        if part.parse::<usize>().is_ok() { format!("{path}[{part}]") } else { format!("{path}.{part}") }
    })
}

fn set(mut config: Value, pointer: &str, value: Value) -> Value {
    *config.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    config
}

fn drop_member(mut config: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name).unwrap();
    config
}

fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.contains_key("plaintext"))
}

/// Pointers of all secrets.
fn secrets(config: &Value) -> Vec<String> {
    all_members(config).into_iter().filter(|pointer| is_secret(config.pointer(pointer).unwrap())).collect()
}

/// The configuration as it comes back: hashes in place of secrets.
fn hashed(sent: &Value, seen: &Value) -> Value {
    secrets(sent).into_iter().fold(sent.clone(), |config, pointer| {
        let hash = seen.pointer(&pointer).unwrap_or_else(|| panic!("no {pointer} in {seen}")).clone();
        assert_eq!(hash.as_object().unwrap().keys().collect::<Vec<_>>(), ["hash"], "{pointer}");
        let text = hash["hash"].as_str().unwrap();
        let digits = text.strip_prefix("sha256:").unwrap();
        assert!(
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        );
        set(config, &pointer, hash)
    })
}

async fn declared(stoa: &Stoa, name: &str, config: &Value) -> Value {
    stoa.admin.create(KIND, &platform(name, config.clone())).await
}

on_both! {
    async fn everything_said_comes_back_and_can_be_said_again(stoa) {
        for (place, Example { name, config, .. }) in examples().into_iter().enumerate() {
            let made = declared(&stoa, &format!("p{place}"), &config).await;
            assert_eq!(made["spec"]["config"], hashed(&config, &made["spec"]["config"]), "{name}");
            for pointer in all_members(&config) {
                if config.pointer(&pointer) == Some(&json!(true)) {
                    assert_eq!(made["spec"]["config"].pointer(&pointer), Some(&json!(true)), "{name} {pointer}");
                }
            }
            let read = stoa.admin.get(KIND, &at(&made)).await.expect(200);
            assert_eq!(read, made, "{name}");
            assert!(!read.to_string().contains("plaintext"), "{name}");
            assert_eq!(stoa.admin.put(KIND, &at(&made), &read).await.expect(200), made, "{name}");
            let listed = stoa.admin.list(KIND, &format!("?identifier=p{place}")).await;
            assert_eq!(listed, [made], "{name}");
        }
        assert_eq!(changes(&stoa, "Platform Changed").await, 0, "nothing was changed");
    }

    async fn what_is_mandatory_is_asked_for_by_name(stoa) {
        for Example { name, config, optional } in examples() {
            for pointer in all_members(&config) {
                let implied = pointer.ends_with("/kind") || pointer.ends_with("/plaintext");
                if optional.iter().any(|(known, _)| *known == pointer) || implied {
                    continue;
                }
                // What is on by default when it is not there is tried where it is the only difference.
                if pointer.ends_with("/useLegacySubscriptionEnrollment") {
                    continue;
                }
                let answer = stoa.admin.post(KIND, "", &platform("p", drop_member(config.clone(), &pointer))).await;
                assert!(answer.text.contains("is required"), "{name} without {pointer}: {}", answer.text);
                names(answer, &field(&pointer));
                let empty = set(config.clone(), &pointer, Value::Null);
                names(stoa.admin.post(KIND, "", &platform("p", empty)).await, &field(&pointer));
            }
        }
        assert!(stoa.admin.list(KIND, "").await.is_empty(), "nothing half-done");
    }

    async fn what_is_optional_may_be_missing(stoa) {
        let mut number = 0;
        for Example { name, config, optional } in examples() {
            for (pointer, default) in optional {
                for gone in [drop_member(config.clone(), pointer), set(config.clone(), pointer, Value::Null)] {
                    number += 1;
                    let made = declared(&stoa, &format!("p{number}"), &gone).await;
                    let seen = made["spec"]["config"].pointer(pointer).unwrap_or(&Value::Null);
                    assert_eq!(seen, &default, "{name} without {pointer}");
                    let again = stoa.admin.put(KIND, &at(&made), &made).await.expect(200);
                    assert_eq!(again, made, "{name} without {pointer}");
                }
            }
        }
        assert_eq!(changes(&stoa, "Platform Changed").await, 0, "nothing was changed");
    }

    async fn json_of_another_type_is_refused_by_name(stoa) {
        for Example { name, config, .. } in examples() {
            for pointer in all_members(&config) {
                let wrong = match config.pointer(&pointer).unwrap() {
                    Value::String(_) => vec![json!(7), json!({}), json!(["x"])],
                    Value::Bool(_) => vec![json!("true"), json!(1)],
                    Value::Number(_) => vec![json!("7"), json!(1.5)],
                    Value::Array(_) => vec![json!({}), json!("x"), json!([7])],
                    _ => vec![json!("x"), json!([]), json!(true)],
                };
                for value in wrong {
                    let body = platform("p", set(config.clone(), &pointer, value.clone()));
                    let answer = stoa.admin.post(KIND, "", &body).await;
                    let at = if value == json!([7]) { format!("{}[0]", field(&pointer)) } else { field(&pointer) };
                    assert_eq!(answer.status, 400, "{name} with {pointer} = {value}: {}", answer.text);
                    names(answer, &at);
                }
            }
        }
    }

    async fn a_secret_is_kept_by_its_hash_and_rotated_by_its_plaintext(stoa) {
        let mut number = 0;
        for Example { name, config, .. } in examples() {
            for pointer in secrets(&config) {
                number += 1;
                let made = declared(&stoa, &format!("p{number}"), &config).await;
                let whole = format!("/spec/config{pointer}");
                let at_field = field(&pointer);
                let put = async |value: Value| {
                    stoa.admin.put(KIND, &at(&made), &set(made.clone(), &whole, value)).await
                };
                let hash = made.pointer(&whole).unwrap().clone();
                put(json!({ "hash": "sha256:00" })).await.refused(409, &format!("{at_field}.hash"));
                names(put(json!({})).await, &at_field);
                for blank in ["", " \n"] {
                    names(put(secret(blank)).await, &format!("{at_field}.plaintext"));
                }
                let posted = set(config.clone(), &pointer, hash.clone());
                names(stoa.admin.post(KIND, "", &platform("q", posted)).await, &format!("{at_field}.hash"));
                assert_eq!(stoa.admin.get(KIND, &at(&made)).await.expect(200), made, "{name}: nothing half-done");
                let rotated = put(secret("another")).await.expect(200);
                assert_ne!(rotated.pointer(&whole), Some(&hash), "{name} {pointer}");
                assert_eq!(set(rotated.clone(), &whole, hash.clone()), made, "{name}: the others stay");
                put(hash).await.refused(409, &format!("{at_field}.hash"));
                assert_eq!(stoa.admin.put(KIND, &at(&made), &rotated).await.expect(200), rotated);
            }
        }
        assert!(number >= 14, "only {number} secrets were tried");
    }

    async fn a_secret_goes_with_what_holds_it(stoa) {
        let config = examples().remove(0).config;
        let made = declared(&stoa, "p", &config).await;
        let pointer = "/spec/config/kubernetes/replication";
        let bare = set(made.clone(), pointer, Value::Null);
        let bare = stoa.admin.put(KIND, &at(&made), &bare).await.expect(200);
        assert!(bare.pointer(pointer).is_none());
        // Its hash means nothing any more.
        let field = "spec.config.kubernetes.replication.clientConfig.accessToken.hash";
        names(stoa.admin.put(KIND, &at(&made), &made).await, field);
        let again = format!("{pointer}/clientConfig/accessToken");
        let back = set(made, &again, secret("new"));
        stoa.admin.put(KIND, &at(&bare), &back).await.expect(200);
        // The credential of a platform that turns to federation is gone with it.
        let gcp = examples().into_iter().find(|example| example.name == "gcp with a key file").unwrap();
        let made = declared(&stoa, "g", &gcp.config).await;
        let pointer = "/spec/config/gcp/replication/serviceAccount";
        let federation = json!({ "type": "workloadIdentity", "workloadIdentity": {
            "audience": "a", "serviceAccountEmail": "e",
        } });
        let turned = stoa.admin.put(KIND, &at(&made), &set(made.clone(), pointer, federation.clone())).await.expect(200);
        assert_eq!(turned.pointer(pointer), Some(&federation));
    }

    async fn types_and_blocks_agree(stoa) {
        let kubernetes = json!({ "baseUrl": "https://x.example" });
        for (config, at) in [
            (Value::Null, "spec.config"),
            (json!({}), "spec.config.type"),
            (json!({ "type": "github" }), "spec.config.type"),
            (json!({ "type": "unsupported" }), "spec.config.type"),
            (json!({ "type": "Kubernetes", "kubernetes": kubernetes }), "spec.config.type"),
            (json!({ "type": "kubernetes" }), "spec.config.kubernetes"),
            (json!({ "type": "kubernetes", "kubernetes": null }), "spec.config.kubernetes"),
            (json!({ "type": "aks", "kubernetes": kubernetes }), "spec.config.kubernetes"),
            (json!({ "type": "kubernetes", "kubernetes": kubernetes, "aws": {} }), "spec.config.aws"),
        ] {
            names(stoa.admin.post(KIND, "", &platform("p", config)).await, at);
        }
        // Unused members may be null.
        let nulls = json!({
            "type": "kubernetes", "kubernetes": kubernetes, "aws": null, "azure": null, "azurerg": null, "gcp": null,
            "aks": null, "openshift": null, "custom": null,
        });
        let made = declared(&stoa, "p", &nulls).await;
        assert_eq!(made["spec"]["config"], json!({
            "type": "kubernetes",
            "kubernetes": { "baseUrl": "https://x.example", "disableSslValidation": false },
        }));
        let other = set(made.clone(), "/spec/config", custom());
        names(stoa.admin.put(KIND, &at(&made), &other).await, "spec.config.type");
    }

    async fn ways_to_sign_in_agree_with_their_type(stoa) {
        let find = |name: &str| examples().into_iter().find(|example| example.name == name).unwrap().config;
        let aws = find("aws with a key and SCIM");
        let azure = find("azure with federation");
        let gcp = find("gcp with federation");
        for (config, pointer, auth, at) in [
            (&aws, "/aws/replication/accessConfig/auth", json!({ "type": "workloadIdentity" }), ".workloadIdentity"),
            (&aws, "/aws/replication/accessConfig/auth", json!({ "type": "federation" }), ".type"),
            (&aws, "/aws/metering/accessConfig/auth", json!({
                "type": "workloadIdentity", "workloadIdentity": { "roleArn": "r" },
                "credential": { "accessKey": "k", "secretKey": secret("s") },
            }), ".credential"),
            (&azure, "/azure/replication/servicePrincipal/auth", json!({ "type": "credential" }), ".credential"),
            (&azure, "/azure/replication/servicePrincipal/auth", json!({
                "type": "workloadIdentity", "credential": secret("s"),
            }), ".credential"),
            (&gcp, "/gcp/replication/serviceAccount", json!({ "type": "credential" }), ".credential"),
            (&gcp, "/gcp/metering/serviceAccount", json!({
                "type": "credential", "credential": secret("s"), "workloadIdentity": {},
            }), ".workloadIdentity.audience"),
        ] {
            let body = platform("p", set(config.clone(), pointer, auth.clone()));
            let answer = stoa.admin.post(KIND, "", &body).await;
            assert_eq!(answer.status, 400, "{pointer} {auth}: {}", answer.text);
            if at != ".workloadIdentity.audience" {
                names(answer, &format!("{}{at}", field(pointer)));
            }
        }
        // What a way does not need may be null; it does not come back.
        let federated = json!({ "type": "workloadIdentity", "credential": null });
        let config = set(azure, "/azure/replication/servicePrincipal/auth", federated);
        let made = declared(&stoa, "p", &config).await;
        let auth = made.pointer("/spec/config/azure/replication/servicePrincipal/auth").unwrap();
        assert_eq!(auth, &json!({ "type": "workloadIdentity" }));
    }

    async fn fields_have_their_own_rules(stoa) {
        let find = |name: &str| examples().into_iter().find(|example| example.name == name).unwrap().config;
        let mut number = 0;
        for (name, pointer, bad, good) in [
            ("kubernetes", "/kubernetes/replication/namespaceNamePattern", json!("#{nothing}"), json!("plain")),
            ("kubernetes", "/kubernetes/replication/namespaceNamePattern", json!("#{platformGroupAlias}"), json!("#{tagCostCenter}")),
            ("kubernetes", "/kubernetes/replication/namespaceNamePattern", json!("#{projectIdentifier:%d}"), json!("#{meshProjectId:%d}")),
            ("openshift", "/openshift/replication/projectNamePattern", json!("#{workspaceIdentifier"), json!("#{customerIdentifier}")),
            ("aks", "/aks/replication/groupNamePattern", json!("#{group}"), json!("#{platformGroupAlias:%S}")),
            ("aks", "/aks/replication/userLookUpStrategy", json!("name"), json!("email")),
            ("azurerg", "/azurerg/replication/userLookUpStrategy", json!("EMAIL"), json!("UserByMailLookupStrategy")),
            ("azurerg", "/azurerg/replication/resourceGroupNamePattern", json!("#{x}"), json!("#{platform}")),
            ("aws with a key and SCIM", "/aws/metering/filter", json!("TAX"), json!("NONE")),
            ("aws with a key and SCIM", "/aws/replication/accountAliasPattern", json!("#{rand:%}"), json!("#{rand:%.7s}")),
            ("aws with a key and SCIM", "/aws/replication/awsSso/groupNamePattern", json!("#{role}"), json!(GROUP)),
            ("aws with a key and SCIM", "/aws/replication/enrollmentConfiguration/accountFactoryProductId", json!("abc"), json!("prod-x")),
            ("aws with federation and an identity store", "/aws/replication/awsIdentityStore/awsRoleMappings/0/permissionSetArns", json!([]), json!(["a"])),
            ("aws with federation and an identity store", "/aws/replication/awsIdentityStore/awsRoleMappings", json!("x"), json!([])),
            ("gcp with federation", "/gcp/replication/customerId", json!("D1"), json!("C1")),
            ("gcp with federation", "/gcp/replication/userLookupStrategy", json!("UserByMailLookupStrategy"), json!("email")),
            ("gcp with federation", "/gcp/metering/carbonFootprintDataCollectionStartMonth", json!("2026-13"), json!("2026-12")),
            ("gcp with federation", "/gcp/replication/gcpRoleMappings/0/projectRoleRef", json!({ "kind": "meshUser", "name": "x" }), json!({ "name": "x" })),
            ("gcp with federation", "/gcp/replication/domain", json!("x".repeat(256)), json!("x".repeat(255))),
            ("azure with federation", "/azure/replication/provisioning", json!({ "subscriptionOwnerObjectIds": [] }), json!({ "preProvisioned": { "unusedSubscriptionNamePrefix": "" } })),
            ("azure with federation", "/azure/replication/userLookUpStrategy", json!(""), json!("userPrincipalName")),
        ] {
            let answer = stoa.admin.post(KIND, "", &platform("p", set(find(name), pointer, bad.clone()))).await;
            let mut at = field(pointer);
            if bad["kind"].is_string() {
                at.push_str(".kind");
            }
            assert_eq!(answer.status, 400, "{pointer} = {bad}: {}", answer.text);
            names(answer, &at);
            number += 1;
            declared(&stoa, &format!("p{number}"), &set(find(name), pointer, good)).await;
        }
        // Offers besides two exist in the legacy enrolment only.
        let enrollment = "/azure/replication/provisioning/enterpriseEnrollment";
        let legacy = format!("{enrollment}/useLegacySubscriptionEnrollment");
        let plain = drop_member(find("azure with federation"), &legacy);
        let answer = stoa.admin.post(KIND, "", &platform("p", plain.clone())).await;
        names(answer, &format!("{}.subscriptionOfferType", field(enrollment)));
        let offered = set(plain, &format!("{enrollment}/subscriptionOfferType"), json!("DevTest"));
        let made = declared(&stoa, "p", &offered).await;
        assert_eq!(made["spec"]["config"].pointer(&legacy), Some(&json!(false)));
        // People come from one place.
        let mut both = find("aws with a key and SCIM");
        both["aws"]["replication"]["awsIdentityStore"] =
            find("aws with federation and an identity store")["aws"]["replication"]["awsIdentityStore"].clone();
        names(stoa.admin.post(KIND, "", &platform("b", both)).await, "spec.config.aws.replication.awsIdentityStore");
    }

    async fn some_settings_cannot_be_changed(stoa) {
        let config = examples().into_iter().find(|example| example.name == "azurerg").unwrap().config;
        let made = declared(&stoa, "p", &config).await;
        let pointer = "/spec/config/azurerg/replication/subscription";
        let changed = set(made.clone(), pointer, json!("other"));
        names(stoa.admin.put(KIND, &at(&made), &changed).await, "spec.config.azurerg.replication.subscription");
        stoa.admin.post("meshPlatformType", "", &json!({
            "metadata": { "name": "EDGE", "ownedByWorkspace": "demo-partner" },
            "spec": { "displayName": "E", "category": "CUSTOM", "icon": "data:image/png;base64,AA" },
        })).await.expect(201);
        let made = declared(&stoa, "c", &custom()).await;
        let pointer = "/spec/config/custom/platformTypeRef/name";
        let changed = set(made.clone(), pointer, json!("EDGE"));
        names(stoa.admin.put(KIND, &at(&made), &changed).await, "spec.config.custom.platformTypeRef");
        for name in ["NOTHING", "KUBERNETES"] {
            let config = set(custom(), "/custom/platformTypeRef/name", json!(name));
            let answer = stoa.admin.post(KIND, "", &platform("d", config)).await;
            names(answer, "spec.config.custom.platformTypeRef.name");
        }
    }

    async fn the_description_knows_every_member(stoa) {
        let description = stoa.nobody().raw(reqwest::Method::GET, "/api/openapi.json", |r| r).await.expect(200);
        let schemas = &description["components"]["schemas"];
        let mut missing = Vec::new();
        for Example { name, config, .. } in examples() {
            for pointer in all_members(&config) {
                let mut schema = &schemas["PlatformConfig"];
                for part in pointer.split('/').skip(1) {
                    schema = if part.parse::<usize>().is_ok() { &schema["items"] } else { &schema["properties"][part] };
                }
                if schema.is_null() {
                    missing.push(format!("{name}: {pointer}"));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
