//! The HAL roots: which kinds there are for whom, and what their lists filter by (`api-core.md` §2.11).

use crate::on_both;
use crate::stoa::{Answer, Caller, Stoa, media};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use stoa_web::Accept;
use stoa_web::route::Found;

/// Kinds of the table in §2.11, with their template variables.
const TABLE: &[(&str, &str)] = &[
    ("meshworkspaces", ""),
    ("meshprojectroles", ""),
    ("meshtagdefinitions", ""),
    ("meshprojects", "workspaceIdentifier,paymentIdentifier,state"),
    (
        "meshusers",
        "uuid,workspaceIdentifier,projectIdentifier,platformIdentifier,workspaceUserGroupIdentifier,projectRole,\
         workspaceRole,email,firstName,lastName,username,euid",
    ),
    ("meshworkspaceusergroups", "workspaceIdentifier,username"),
    ("meshworkspaceuserbindings", "username,workspaceRole,workspaceIdentifier"),
    ("meshworkspacegroupbindings", "username,workspaceRole,workspaceIdentifier"),
    ("meshprojectuserbindings", "workspaceIdentifier,projectIdentifier"),
    ("meshprojectgroupbindings", "workspaceIdentifier,projectIdentifier"),
    ("meshpaymentmethods", "workspaceIdentifier"),
    ("meshlocations", "displayName"),
    ("meshintegrations", "displayName,ownedByWorkspace,type"),
    (
        "meshserviceinstances",
        "workspaceIdentifier,projectIdentifier,marketplaceIdentifier,serviceIdentifier,planIdentifier",
    ),
    ("meshcommunicationdefinitions", "type"),
    ("meshcommunications", "communicationDefinitionUuid,resolutionStatus,communicationType"),
    (
        "mesheventlogs",
        "from,until,title,description,authorType,authorIdentifier,eventType,workspaceName,workspaceIdentifier,\
         excludeTitle",
    ),
];

/// What everybody may list (`api-core.md` §2.5).
const OPEN: [&str; 4] = ["meshtagdefinitions", "meshlocations", "meshprojectroles", "meshplatformtypes"];

async fn get(caller: &Caller, path: &str, accept: Option<&str>) -> Answer {
    caller
        .raw(Method::GET, path, |request| match accept {
            Some(accept) => request.header("accept", accept),
            None => request,
        })
        .await
}

/// The index as a caller sees it: by relation the path, and its template variables.
async fn index(stoa: &Stoa, caller: &Caller) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let body = get(caller, "/api/meshobjects", Some(&media("meshobjects", "v2"))).await.expect(200);
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let mut links = body["_links"].as_object().unwrap().clone();
    let own = links.shift_remove("self");
    assert_eq!(own, Some(json!({ "href": format!("{}/api/meshobjects", stoa.url) })));
    let parts = links.into_iter().map(|(relation, link)| {
        let href = link["href"].as_str().unwrap().strip_prefix(&stoa.url).unwrap();
        let (path, variables) = href.split_once("{?").unwrap_or((href, ""));
        let variables = variables.trim_end_matches('}').split(',').filter(|name| !name.is_empty());
        let variables: BTreeSet<String> = variables.map(str::to_owned).collect();
        let templated = if variables.is_empty() { None } else { Some(&Value::Bool(true)) };
        assert_eq!(link.get("templated"), templated, "{link}");
        (relation, (path.to_owned(), variables))
    });
    parts.collect()
}

fn relations(index: &BTreeMap<String, (String, BTreeSet<String>)>) -> BTreeSet<&str> {
    index.keys().map(String::as_str).collect()
}

on_both! {
    async fn the_root_links_the_index(stoa) {
        let root = "application/vnd.meshcloud.api.v1.hal+json";
        stoa.workspace("orchard").await;
        let poor = stoa.key("orchard", &[]).await;
        for caller in [&stoa.admin, &poor] {
            let answer = get(caller, "/api", Some(root)).await;
            assert_eq!(answer.headers["content-type"], root);
            let links = json!({
                "self": { "href": format!("{}/api", stoa.url) },
                "meshobjects": { "href": format!("{}/api/meshobjects", stoa.url) },
            });
            assert_eq!(answer.expect(200), json!({ "_links": links }));
        }
        for path in ["/api", "/api/meshobjects"] {
            get(&stoa.nobody(), path, Some(root)).await.refused(401, "credential");
            for accept in [
                None,
                Some("*/*"),
                Some("application/json"),
                // The older form of the index.
                Some("application/vnd.meshcloud.api.meshobjects.v1.hal+json"),
            ] {
                get(&stoa.admin, path, accept).await.refused(406, "application/vnd.meshcloud.api.");
            }
        }
    }

    async fn the_index_has_every_kind_with_its_filters(stoa) {
        let all = index(&stoa, &stoa.admin).await;
        for (relation, variables) in TABLE {
            let expected = variables.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let found = all.get(*relation).map(|(_, variables)| variables);
            assert_eq!(found, Some(&expected), "{relation}");
        }
        // Whatever has a list is there, under the name of its kind and at the path of its list.
        let mut lists = BTreeSet::new();
        for route in stoa.running.app.router.all() {
            let collection = route.path.strip_prefix("/api/meshobjects/").filter(|rest| !rest.contains('{'));
            if let (Some(_), Accept::Kind(kind, _)) = (collection, route.accept)
                && route.method == Method::GET
            {
                lists.insert(format!("{}s {}", kind.to_lowercase(), route.path));
            }
        }
        let linked: BTreeSet<_> = all.iter().map(|(relation, (path, _))| format!("{relation} {path}")).collect();
        assert_eq!(linked, lists);
    }

    async fn each_link_leads_to_a_list(stoa) {
        for (relation, (path, variables)) in index(&stoa, &stoa.admin).await {
            let Found::Route(route, _) = stoa.running.app.router.find(&Method::GET, &path) else {
                panic!("{relation} leads nowhere");
            };
            let Accept::Kind(kind, versions) = route.accept else { panic!("{relation}") };
            let accept = media(kind, versions.last().unwrap());
            let body = get(&stoa.admin, &path, Some(&accept)).await.expect(200);
            assert!(body["_embedded"][format!("{kind}s")].is_array(), "{body}");
            // A variable is a filter of it: nonsense as its value never fails us.
            for variable in variables {
                let answer = get(&stoa.admin, &format!("{path}?{variable}=nonsense"), Some(&accept)).await;
                assert!([200, 400].contains(&answer.status), "{variable} of {relation}: {}", answer.text);
            }
        }
    }

    async fn callers_see_what_they_may_list(stoa) {
        stoa.workspace("orchard").await;
        let open: BTreeSet<&str> = OPEN.into();
        let poor = index(&stoa, &stoa.key("orchard", &[]).await).await;
        assert_eq!(relations(&poor), open);
        let reader = stoa.key("orchard", &["PROJECT_LIST", "INTEGRATION_LIST", "WORKSPACE_SAVE"]).await;
        let seen = index(&stoa, &reader).await;
        let more: BTreeSet<&str> = relations(&seen).difference(&open).copied().collect();
        assert_eq!(more, ["meshintegrations", "meshprojects"].into());
        // One code, one kind more (or those that it covers together).
        for (code, expected) in [
            ("SERVICEINSTANCE_LIST", "meshserviceinstances"),
            ("COMMUNICATION_LIST", "meshcommunications"),
            ("COMMUNICATIONDEFINITION_LIST", "meshcommunicationdefinitions"),
            ("EVENTLOG_LIST", "mesheventlogs"),
            ("ADM_PAYMENTMETHOD_LIST", "meshpaymentmethods"),
        ] {
            let seen = index(&stoa, &stoa.key("orchard", &[code]).await).await;
            let more: Vec<&str> = relations(&seen).difference(&open).copied().collect();
            assert_eq!(more, [expected], "{code}");
        }
    }
}
