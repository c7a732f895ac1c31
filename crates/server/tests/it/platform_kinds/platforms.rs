//! meshPlatform besides its configuration (`api-platforms.md` §5.1, §5.3, §5.5, §5.7).

use super::{at, changes, custom, kubernetes, platform, private, quota, tenant_definition, uuid, with, zone};
use crate::core_kinds::{is_uuid, names, names_of, without};
use crate::on_both;
use serde_json::{Value, json};

const KIND: &str = "meshPlatform";

on_both! {
    async fn it_says_what_was_said(stoa) {
        for name in ["edge-ops", "data-guild", "billing-app"] {
            stoa.workspace(name).await;
        }
        let body = json!({
            "metadata": { "name": "dockyard", "ownedByWorkspace": "edge-ops" },
            "spec": {
                "displayName": "Dockyard Kubernetes",
                "description": "Shared cluster for internal services",
                "endpoint": "https://console.dockyard.acme.test",
                "supportUrl": "https://help.acme.test",
                "documentationUrl": "https://wiki.acme.test/dockyard",
                "accessInformation": "Use `kubectl` with your SSO token.",
                "readme": "# Dockyard",
                "locationRef": { "kind": "meshLocation", "name": "global" },
                "contributingWorkspaces": ["data-guild"],
                "availability": {
                    "restriction": "RESTRICTED", "publicationState": "PUBLISHED",
                    "restrictedToWorkspaces": ["edge-ops", "billing-app"],
                },
                "quotaDefinitions": [quota("limits.cpu", (0, 64000, 8000)), quota("limits.memory", (-1, -1, 0))],
                "config": {
                    "type": "kubernetes",
                    "kubernetes": {
                        "baseUrl": "https://api.dockyard.acme.test:6443",
                        "disableSslValidation": false,
                        "replication": {
                            "clientConfig": { "accessToken": { "plaintext": "token" } },
                            "namespaceNamePattern": "#{workspaceIdentifier}-#{projectIdentifier}",
                        },
                    },
                },
            },
        });
        let made = stoa.admin.create(KIND, &body).await;
        assert!(is_uuid(&made["metadata"]["uuid"]));
        let secret = "/spec/config/kubernetes/replication/clientConfig/accessToken";
        let mut expected = body.clone();
        *expected.pointer_mut(secret).unwrap() = made.pointer(secret).unwrap().clone();
        expected["kind"] = json!(KIND);
        expected["apiVersion"] = json!("v2");
        expected["metadata"]["uuid"] = made["metadata"]["uuid"].clone();
        expected["status"] = json!({
            "platform": "ACTIVE", "metering": "NOT_DEFINED", "availability": { "publicationState": "PUBLISHED" },
        });
        expected["_links"] = json!({
            "self": { "href": format!("{}/api/meshobjects/meshplatforms/{}", stoa.url, uuid(&made)) },
            "owner": { "href": format!("{}/api/meshobjects/meshworkspaces/edge-ops", stoa.url) },
        });
        assert_eq!(made, expected);
        assert_eq!(stoa.admin.get(KIND, &at(&made)).await.expect(200), made);
        assert_eq!(stoa.admin.put(KIND, &at(&made), &made).await.expect(200), made);
        assert_eq!(changes(&stoa, "Platform Changed").await, 0);

        // What is optional goes when it is left out, only the readme stays.
        let mut bare = made.clone();
        for member in
            ["supportUrl", "documentationUrl", "accessInformation", "readme", "contributingWorkspaces", "quotaDefinitions"]
        {
            bare = without(bare, &format!("/spec/{member}"));
        }
        let seen = stoa.admin.put(KIND, &at(&made), &bare).await.expect(200);
        let mut expected = bare;
        expected["spec"]["readme"] = json!("# Dockyard");
        expected["spec"]["contributingWorkspaces"] = json!([]);
        expected["spec"]["quotaDefinitions"] = json!([]);
        assert_eq!(seen, expected);
        let texts = [
            ("/spec/displayName", json!("Dock")), ("/spec/description", json!("")), ("/spec/endpoint", json!("")),
            ("/spec/readme", json!("")), ("/spec/supportUrl", json!("")),
        ];
        for (pointer, value) in texts {
            let changed = with(seen.clone(), pointer, value);
            assert_eq!(stoa.admin.put(KIND, &at(&made), &changed).await.expect(200), changed, "{pointer}");
        }
        let metered = with(made, "/spec/config/kubernetes/metering", json!({
            "clientConfig": { "accessToken": { "plaintext": "m" } }, "processing": {},
        }));
        let metered = stoa.admin.put(KIND, &format!("/{}", uuid(&metered)), &metered).await.expect(200);
        assert_eq!(metered["status"]["metering"], "PENDING");
        let processing = &metered["spec"]["config"]["kubernetes"]["metering"]["processing"];
        assert_eq!(processing, &json!({ "compactTimelinesAfterDays": 30, "deleteRawDataAfterDays": 65 }));
    }

    async fn each_row_of_its_table_is_checked(stoa) {
        let body = || platform("p", custom());
        for (pointer, value, field) in [
            ("/metadata/name", Value::Null, "metadata.name"),
            ("/metadata/name", json!("P"), "metadata.name"),
            ("/metadata/name", json!("p.q"), "metadata.name"),
            ("/metadata/ownedByWorkspace", Value::Null, "metadata.ownedByWorkspace"),
            ("/metadata/ownedByWorkspace", json!("nowhere"), "metadata.ownedByWorkspace"),
            ("/spec/displayName", Value::Null, "spec.displayName"),
            ("/spec/displayName", json!(" "), "spec.displayName"),
            ("/spec/description", Value::Null, "spec.description"),
            ("/spec/description", json!("x".repeat(2001)), "spec.description"),
            ("/spec/endpoint", Value::Null, "spec.endpoint"),
            ("/spec/endpoint", json!("x".repeat(256)), "spec.endpoint"),
            ("/spec/supportUrl", json!(7), "spec.supportUrl"),
            ("/spec/accessInformation", json!("x".repeat(65_537)), "spec.accessInformation"),
            ("/spec/readme", json!("x".repeat(65_537)), "spec.readme"),
            ("/spec/locationRef", Value::Null, "spec.locationRef"),
            ("/spec/locationRef", json!({}), "spec.locationRef.name"),
            ("/spec/locationRef", json!({ "name": "nowhere" }), "spec.locationRef.name"),
            ("/spec/locationRef", json!({ "kind": "meshWorkspace", "name": "global" }), "spec.locationRef.kind"),
            ("/spec/contributingWorkspaces", json!(["nowhere"]), "spec.contributingWorkspaces"),
            ("/spec/contributingWorkspaces", json!([7]), "spec.contributingWorkspaces[0]"),
            ("/spec/availability", Value::Null, "spec.availability"),
            ("/spec/config", Value::Null, "spec.config"),
            ("/spec/quotaDefinitions", json!({}), "spec.quotaDefinitions"),
        ] {
            let answer = stoa.admin.post(KIND, "", &with(body(), pointer, value)).await;
            assert_eq!(answer.status, 400, "{pointer}: {}", answer.text);
            names(answer, field);
        }
        let longest = with(body(), "/spec/description", json!("ä".repeat(2000)));
        let longest = with(longest, "/spec/readme", json!("x".repeat(65_536)));
        let made = stoa.admin.create(KIND, &longest).await;
        stoa.workspace("edge-ops").await;
        for (pointer, value, field) in [
            ("/metadata/name", json!("q"), "metadata.name"),
            ("/metadata/ownedByWorkspace", json!("edge-ops"), "metadata.ownedByWorkspace"),
            ("/metadata/uuid", json!("6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11"), "metadata.uuid"),
            ("/spec/locationRef", json!({ "name": "openshift" }), "spec.locationRef"),
            ("/spec/config", kubernetes(), "spec.config.type"),
        ] {
            names(stoa.admin.put(KIND, &at(&made), &with(made.clone(), pointer, value)).await, field);
        }
        // References may leave out their kind; answers never do.
        let bare = with(made.clone(), "/spec/locationRef", json!({ "name": "global" }));
        let bare = with(bare, "/spec/config/custom/platformTypeRef", json!({ "name": "STACKIT" }));
        assert_eq!(stoa.admin.put(KIND, &at(&made), &bare).await.expect(200), made);
        stoa.admin.put(KIND, "/6a3f3c1e-52a8-4a60-9c7d-0d6b0f2b6b11", &made).await.refused(404, "6a3f3c1e");
        stoa.admin.get(KIND, "/nonsense").await.refused(404, "nonsense");
    }

    async fn quota_definitions_hold_together(stoa) {
        let with_quotas = |quotas: Value| with(platform("p", kubernetes()), "/spec/quotaDefinitions", quotas);
        for member in ["quotaKey", "label", "description", "unit", "minValue", "maxValue", "autoApprovalThreshold"] {
            let one = without(quota("cpu", (1, 2, 3)), &format!("/{member}"));
            let answer = stoa.admin.post(KIND, "", &with_quotas(json!([one]))).await;
            names(answer, &format!("spec.quotaDefinitions[0].{member}"));
        }
        let twice = json!([quota("cpu", (1, 2, 3)), quota("mem", (1, 2, 3)), quota("cpu", (1, 2, 3))]);
        names(stoa.admin.post(KIND, "", &with_quotas(twice)).await, "spec.quotaDefinitions[2].quotaKey");
        let crossed = json!([quota("cpu", (3, 2, 0))]);
        names(stoa.admin.post(KIND, "", &with_quotas(crossed)).await, "spec.quotaDefinitions[0].minValue");
        let fraction = with(quota("cpu", (0, 1, 0)), "/maxValue", json!(1.5));
        names(stoa.admin.post(KIND, "", &with_quotas(json!([fraction]))).await, "spec.quotaDefinitions[0].maxValue");
        // Equal bounds, a threshold below them, the largest numbers there are.
        let good = json!([quota("cpu", (5, 5, 0)), quota("mem", (i64::MIN, i64::MAX, 1_000_000_000_000))]);
        let made = stoa.admin.create(KIND, &with_quotas(good.clone())).await;
        assert_eq!(made["spec"]["quotaDefinitions"], good);
        assert!(made.to_string().contains("9223372036854775807"));
    }

    async fn its_name_is_burnt_for_ever(stoa) {
        let made = stoa.admin.create(KIND, &platform("p", custom())).await;
        stoa.admin.post(KIND, "", &platform("p", kubernetes())).await.refused(409, "p.global");
        let elsewhere = with(platform("p", custom()), "/spec/locationRef/name", json!("openshift"));
        stoa.admin.create(KIND, &elsewhere).await;
        let answer = stoa.admin.delete(KIND, &at(&made)).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        stoa.admin.get(KIND, &at(&made)).await.refused(404, &uuid(&made));
        stoa.admin.put(KIND, &at(&made), &made).await.refused(404, &uuid(&made));
        stoa.admin.delete(KIND, &at(&made)).await.refused(404, &uuid(&made));
        assert_eq!(names_of(&stoa.admin.list(KIND, "?locationIdentifier=global").await), [""; 0]);
        stoa.admin.post(KIND, "", &platform("p", custom())).await.refused(409, "p.global");
        assert_eq!(changes(&stoa, "Platform Deleted").await, 1);
    }

    async fn two_at_once_get_one_name_once(stoa) {
        let body = platform("p", custom());
        let both = [(), ()].map(|()| stoa.admin.post(KIND, "", &body));
        let [one, two] = both;
        let (one, two) = tokio::join!(one, two);
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }

    async fn filters_narrow_the_list(stoa) {
        for name in ["edge-ops", "data-guild"] {
            stoa.workspace(name).await;
        }
        let mut one = private("one", "edge-ops", custom());
        one["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let mut two = platform("two", kubernetes());
        two["spec"]["locationRef"]["name"] = json!("openshift");
        two["spec"]["displayName"] = json!("Second");
        two["spec"]["contributingWorkspaces"] = json!(["edge-ops", "data-guild"]);
        let mut three = platform("three", custom());
        three["spec"]["availability"] = json!({
            "restriction": "RESTRICTED", "publicationState": "UNPUBLISHED", "restrictedToWorkspaces": ["data-guild"],
        });
        for body in [&one, &two, &three] {
            stoa.admin.create(KIND, body).await;
        }
        for (query, expected) in [
            ("", &["one", "two", "three"][..]),
            ("?ownedByWorkspace=edge-ops", &["one"]),
            ("?identifier=two", &["two"]),
            ("?identifier=two.openshift", &["two"]),
            ("?identifier=two.global", &[]),
            ("?identifier=Two", &[]),
            ("?locationIdentifier=global", &["one", "three"]),
            ("?displayName=Second", &["two"]),
            ("?displayName=second", &[]),
            ("?restriction=PRIVATE", &["one"]),
            ("?publicationState=UNPUBLISHED", &["one", "three"]),
            ("?publicationState=UNPUBLISHED&restriction=RESTRICTED", &["three"]),
            ("?contributingWorkspace=edge-ops", &["two"]),
            ("?contributingWorkspace=edge-ops&contributingWorkspace=data-guild", &["one", "two"]),
            ("?contributingWorkspace=nobody", &[]),
            ("?platformTypeIdentifier=STACKIT", &["one", "three"]),
            ("?platformTypeIdentifier=KUBERNETES&locationIdentifier=openshift", &["two"]),
            ("?whatever=x&identifier=", &["one", "two", "three"]),
            ("?size=1&page=1", &["two"]),
        ] {
            assert_eq!(names_of(&stoa.admin.list(KIND, query).await), expected, "{query}");
        }
        names(stoa.admin.get(KIND, "?restriction=OPEN").await, "restriction");
        names(stoa.admin.get(KIND, "?publicationState=GONE").await, "publicationState");
    }

    async fn deleting_it_disables_its_landing_zones_and_frees_everything_else(stoa) {
        for name in ["edge-ops", "data-guild"] {
            stoa.workspace(name).await;
        }
        let definition = tenant_definition(&stoa, "edge-ops", &["STACKIT"], json!({})).await;
        let mut body = private("p", "edge-ops", custom());
        body["spec"]["contributingWorkspaces"] = json!(["data-guild"]);
        let made = stoa.admin.create(KIND, &body).await;
        let mut own = zone("own", "edge-ops", &uuid(&made));
        own["spec"]["mandatoryBuildingBlockRefs"] = json!([{ "uuid": definition }]);
        stoa.admin.create("meshLandingZone", &own).await;
        stoa.admin.create("meshLandingZone", &zone("theirs", "data-guild", &uuid(&made))).await;
        stoa.admin.delete("meshWorkspace", "/edge-ops").await.refused(409, "meshPlatform[p.global]");
        stoa.admin.delete("meshWorkspace", "/data-guild").await.refused(409, "meshLandingZone[theirs]");
        stoa.admin.delete(KIND, &at(&made)).await.expect(204);
        for name in ["own", "theirs"] {
            let zone = stoa.admin.get("meshLandingZone", &format!("/{name}")).await.expect(200);
            assert_eq!(zone["status"]["disabled"], true);
            stoa.admin.put("meshLandingZone", &format!("/{name}"), &zone).await.refused(409, "deleted");
        }
        // What is left behind blocks nothing.
        stoa.admin.delete("meshBuildingBlockDefinition", &format!("/{definition}")).await.expect(204);
        let own = stoa.admin.get("meshLandingZone", "/own").await.expect(200);
        assert_eq!(own["spec"]["mandatoryBuildingBlockRefs"], json!([]));
        for name in ["edge-ops", "data-guild"] {
            stoa.admin.delete("meshWorkspace", &format!("/{name}")).await.expect(204);
        }
    }

    async fn listed_workspaces_may_go_without_breaking_it(stoa) {
        for name in ["edge-ops", "data-guild"] {
            stoa.workspace(name).await;
        }
        let mut body = platform("p", custom());
        body["spec"]["contributingWorkspaces"] = json!(["edge-ops"]);
        body["spec"]["availability"] = json!({
            "restriction": "RESTRICTED", "publicationState": "PUBLISHED", "restrictedToWorkspaces": ["data-guild"],
        });
        let made = stoa.admin.create(KIND, &body).await;
        for name in ["edge-ops", "data-guild"] {
            stoa.admin.delete("meshWorkspace", &format!("/{name}")).await.expect(204);
        }
        assert_eq!(stoa.admin.put(KIND, &at(&made), &made).await.expect(200), made);
    }
}
